"""One NumPy expression for a node, so that `sympy.lambdify([X, w], node)` works; statements become `(t1 := …)`."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Symbol

from ..errors import CodeError
from ..expr.nodes import Node, Var
from ..expr.walk import variables
from .emit import Emitter, Names, inline_block
from .numpy import size_symbols


def numpy_expression(node: Node, printer: Any) -> str:
    """NumPy source of `node` as one expression, for SymPy's printers.

    `np` and the helpers it uses are imported by `lambdify` from `symderiv.code.runtime`. A size is read from a variable that
    has it (`X.shape[0]`); one that no variable has must be an argument.
    """
    node = Emitter._checked(node)
    inside = variables(node)
    taken = {v.name for v in inside}
    sizes = _sizes_from_shapes(inside, size_symbols([node], inside))
    emitter = Emitter([node], sizes, Names({*taken, "np", *sizes.values()}), inline=True)
    (piece,) = emitter.emit()
    if emitter.aliases:
        hidden = ", ".join(emitter.aliases)
        raise CodeError(f"a variable named {hidden} hides what the expression needs", code="SD506", hint="rename it")
    text = piece.as_number().text
    imports = printer.module_imports["symderiv.code.runtime"]
    imports.update({"np", *emitter.helpers})
    return inline_block(emitter.scope.lines, text) if emitter.scope.lines else f"({text})"


def _sizes_from_shapes(inside: list[Var], symbols: list[Symbol]) -> dict[Expr, str]:
    out: dict[Expr, str] = {s: s.name for s in symbols}
    for v in reversed(inside):
        for axis, size in reversed(list(enumerate(v.shape))):
            if isinstance(size, Symbol):
                out[size] = f"{v.name}.shape[{axis}]"
    return out
