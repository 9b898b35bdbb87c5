"""What differs between the libraries that code is written for: prefix, helpers, and a few spellings; one small class each.

The words of an operation are in its declaration (`numpy=`, `jax=`, `torch=`); where a library has NumPy's word under its own
prefix, the declaration says nothing. Nothing here imports a library: source can be written without it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from string import Formatter

from ..errors import CodeError
from ..expr.op import Op
from .spell import ATOM, MUL, Piece


@lru_cache(maxsize=8)
def helpers_of(runtime: str) -> dict[str, str]:
    """Name -> source of the helper functions and constants of a runtime file, in its order; the file is read, not imported."""
    text = (Path(__file__).parent / f"{runtime}.py").read_text(encoding="utf-8")
    lines = text.split("\n")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@dataclass(frozen=True)
class Dialect:
    """NumPy, and the base of the others.

    Attributes:
        name: of the back end, and of the field of a declaration that has its words.
        prefix: how the source calls the library.
        imports: the first lines of a module.
        runtime: the file with helper functions.
        functional: arrays are never changed in place.
    """

    name: str = "numpy"
    prefix: str = "np"
    imports: tuple[str, ...] = ("import numpy as np",)
    runtime: str = "runtime"
    functional: bool = False
    vector_first: bool = False
    passes: tuple[str, ...] = ()

    @cached_property
    def helpers(self) -> dict[str, str]:
        return helpers_of(self.runtime)

    def template(self, op: Op) -> str:
        """The words of an operation.

        Raises:
            CodeError: SD501 when it has none.
        """
        words = getattr(op, self.name, None) or op.numpy
        if words is None:
            raise CodeError(f"{op.name} has no NumPy code", code="SD501", hint="declare numpy= in symderiv/ops")
        return words

    def shortened(self, op: Op, params: dict) -> str:
        """The template without the parameters that have their default."""
        template = self.template(op)
        for name, value in params.items():
            if name in op.defaults and op.defaults[name] == value and self.may_leave_out(value):
                template = re.sub(rf", (\w+=)?\{{{name}\}}", "", template)
                template = template.replace(f"{{{name}}}, ", "")
        return template

    def may_leave_out(self, value: object) -> bool:
        """Whether the library has the same default for a parameter."""
        return True

    # spelling --------------------------------------------------------------------------------------------------------------
    def number(self, text: str) -> str:
        """A number or a size that `spell_number` wrote."""
        return text

    def compared(self, piece: Piece) -> Piece:
        """A comparison."""
        return piece

    def condition(self, piece: Piece) -> str:
        """A condition of `where`."""
        return piece.text

    def plain_operand(self) -> str:
        """How a number of Python is given to a function."""
        return "{}"

    def as_float(self, rank: int) -> str:
        """How whole numbers become floats."""
        return "1.0*{}" if rank else "np.float64({})"  # 0**-1 of Python raises, of NumPy is inf

    def transposed(self, piece: Piece, rank: int) -> Piece:
        return Piece(f"{piece.at(ATOM)}.T", ATOM, piece.kind, piece.nest + 1)

    def own_copy(self, text: str) -> str:
        """A new array, not a view of an argument."""
        return f"np.array({text})"

    def zeros(self, shape: str) -> str:
        return f"np.zeros({shape})"

    def eye(self, size: str) -> str:
        return f"np.eye({size})"

    def einsum(self, subs: str, xs: list[str]) -> str:
        fast = ", optimize=True" if len(xs) > 2 else ""
        return f"np.einsum('{subs}', {', '.join(xs)}{fast})"

    def reduced(self, word: str, values: str) -> str:
        """`max`, `min` or `prod` of a list of arrays of one shape."""
        return f"np.{word}([{values}], axis=0)"

    def decorators(self, keywords: list[str]) -> list[str]:
        """Lines before a function, some of whose parameters are sizes."""
        return []

    def picked(self, piece: Piece, subscripts: str, by_value: bool) -> str:
        """`x[…]`; `by_value` if a subscript is the value of a variable."""
        return f"{piece.at(ATOM)}[{subscripts}]"

    def slice(self, start: str, stop: str, step: str, size: str) -> str:
        """One slice in a subscript."""
        return f"{start}:{stop}" + (f":{step}" if step not in ("", "1") else "")

    def like(self, names: list[str]) -> str:
        """A statement that keeps the type (and place) of the arguments, or "" if nothing needs one."""
        return ""


@dataclass(frozen=True)
class Jax(Dialect):
    """JAX: arrays never change, shapes are known when a function is traced."""

    name: str = "jax"
    prefix: str = "jnp"
    imports: tuple[str, ...] = ("import functools", "import math", "", "import jax", "import jax.numpy as jnp")
    runtime: str = "runtime_jax"
    functional: bool = True
    vector_first: bool = True

    def number(self, text: str) -> str:
        return text.replace("np.", "math.")

    def as_float(self, rank: int) -> str:
        return "1.0*{}"

    def own_copy(self, text: str) -> str:
        return text

    def decorators(self, keywords: list[str]) -> list[str]:
        return [f"@functools.partial(jax.jit, static_argnames={tuple(keywords)!r})" if keywords else "@jax.jit"]

    def picked(self, piece: Piece, subscripts: str, by_value: bool) -> str:
        if by_value:  # JAX would take the nearest entry for a label that is out of range
            return f"{piece.at(ATOM)}.at[{subscripts}].get(mode='fill', fill_value=np.nan)"
        return super().picked(piece, subscripts, by_value)

    def zeros(self, shape: str) -> str:
        return f"np.zeros({shape}, **_like)"

    def eye(self, size: str) -> str:
        return f"np.eye({size}, **_like)"

    def einsum(self, subs: str, xs: list[str]) -> str:
        return f"np.einsum('{subs}', {', '.join(xs)})"

    def reduced(self, word: str, values: str) -> str:
        return f"np.{word}(jnp.stack([{values}]), axis=0)"

    def like(self, names: list[str]) -> str:
        return f"_like = _type_of({', '.join(names)})"


@dataclass(frozen=True)
class Torch(Dialect):
    """PyTorch: functions take tensors, not numbers; new tensors are told their type and device."""

    name: str = "torch"
    prefix: str = "torch"
    imports: tuple[str, ...] = ("import math", "", "import torch")
    runtime: str = "runtime_torch"
    functional: bool = True

    def number(self, text: str) -> str:
        return text.replace("np.", "math.")

    def compared(self, piece: Piece) -> Piece:
        return replace(piece, cast="({}).to(**_like)")

    def condition(self, piece: Piece) -> str:
        return piece.text if piece.kind == "bool" else f"{piece.at(MUL)} != 0"

    def may_leave_out(self, value: object) -> bool:
        return value is None or value is False or value == 0

    def plain_operand(self) -> str:
        return "torch.tensor({}, **_like)"

    def as_float(self, rank: int) -> str:
        return "torch.as_tensor({}, **_like)"

    def transposed(self, piece: Piece, rank: int) -> Piece:
        if rank == 2:
            return super().transposed(piece, rank)
        axes = tuple(range(rank))[::-1]
        return Piece(f"torch.permute({piece.text}, {axes})", ATOM, piece.kind, piece.nest + 1)

    def own_copy(self, text: str) -> str:
        return f"torch.clone({text})"

    def slice(self, start: str, stop: str, step: str, size: str) -> str:
        if not step.startswith("-"):
            return super().slice(start, stop, step, size)
        bounds = ", ".join(x or "None" for x in (start, stop, step))
        return f"list(range({size}))[slice({bounds})]"

    def zeros(self, shape: str) -> str:
        return f"torch.zeros({shape}, **_like)"

    def eye(self, size: str) -> str:
        return f"torch.eye({size}, **_like)"

    def einsum(self, subs: str, xs: list[str]) -> str:
        return f"torch.einsum('{subs}', {', '.join(xs)})"

    def reduced(self, word: str, values: str) -> str:
        word = {"max": "amax", "min": "amin"}.get(word, word)
        return f"torch.{word}(torch.stack([{values}]), 0)"

    def like(self, names: list[str]) -> str:
        return f"_like = _type_of({', '.join(names)})"


NUMPY, JAX, TORCH = Dialect(), Jax(), Torch()
DIALECTS = {d.name: d for d in (NUMPY, JAX, TORCH)}


def dialect_named(name: str) -> Dialect:
    """The dialect called `name`.

    Raises:
        CodeError: SD501 for one that does not exist.
    """
    if name not in DIALECTS:
        raise CodeError(f"there is no back end {name!r}", code="SD501", hint=f"use one of {', '.join(DIALECTS)}")
    return DIALECTS[name]


def fields_of(template: str) -> list[tuple[str, str | None]]:
    """`(text before, name)` of a template."""
    return [(before, name) for before, name, _, _ in Formatter().parse(template)]
