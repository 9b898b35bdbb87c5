"""What an operation is, declared once.

The table `OPS` is filled by the rooms' declarations in `symderiv.ops`; everything else (shapes, derivatives, printing, code,
sampling, documentation) looks here. A declaration is checked when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import DerivativeError
from .sizes import Shape


@dataclass(frozen=True)
class Op:
    """One operation.

    Attributes:
        name: the word of the input language.
        signature: how the language calls it: operands, then `*`, then parameters with their defaults. `"x, *, axis=None"`.
        shape: `(operands, params) -> Shape`; None for an elementwise operation (operands broadcast).
        partials: elementwise only: the derivative by each operand, in the language (`"1 - tanh(x)**2"`); "" where it is 0.
        differential: anything else: the differential as in a textbook, in the language, linear in `dA` for operand `A`.
        define: the operation by simpler ones, in the language; it then needs no derivative of its own.
        numpy: template for NumPy; `{x}` an operand, `{axis}` a parameter; helper functions are named `_name` and live in
            `symderiv.code.runtime`. None where the emitter has a method of its own (infix words).
        torch, jax: the same where the word is not NumPy's with another prefix.
        latex: template, `{x}` operand (bracketed by the printer). "" prints `\\operatorname{name}(x)`.
        domain: per operand, where it may be sampled: real, positive, nonnegative, unit (in (-1, 1)), probability (in (0, 1)),
            above_one, matrix (any), square, psd, label.
        kinks: where it is not differentiable, in words (`"x = 0"`), or "".
        analytic: True where complex-step differentiation is valid.
        parity: "odd", "even" or "".
        example: a use in the language that a test runs; `example_vars` declares its names.
        says: one line for the documentation, opening with the formula.
        source: where the derivative can be looked up.
    """

    name: str
    signature: str
    shape: Callable[[tuple, dict[str, Any]], Shape] | None = None
    partials: tuple[str, ...] = ()
    differential: str = ""
    define: str = ""
    numpy: str | None = None
    torch: str | None = None
    jax: str | None = None
    latex: str = ""
    domain: tuple[str, ...] = ()
    kinks: str = ""
    analytic: bool = True
    parity: str = ""
    example: str = ""
    example_vars: dict[str, str] = field(default_factory=dict)
    says: str = ""
    source: str = ""
    operands: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def elementwise(self) -> bool:
        return self.shape is None


OPS: dict[str, Op] = {}


def declare(name: str, signature: str, **fields) -> Op:
    """Add an operation to the table, checking the declaration."""
    operands, defaults = _parse_signature(signature)
    op = Op(name, signature, operands=operands, defaults=defaults, **fields)
    if name in OPS:
        raise ValueError(f"operation {name} is declared twice")
    if op.elementwise and not op.define and len(op.partials) != len(operands):
        raise ValueError(f"operation {name}: {len(operands)} operands and {len(op.partials)} partial derivatives")
    OPS[name] = op
    return op


def op_named(name: str) -> Op:
    """The declaration of `name`.

    Raises:
        DerivativeError: SD301 when there is none.
    """
    try:
        return OPS[name]
    except KeyError:
        raise DerivativeError(f"there is no operation {name!r}", code="SD301", hint="declare it in symderiv/ops") from None


def _parse_signature(signature: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Operand names and parameter defaults of `"x, y, *, axis=None"`; `"*xs"` is any number of operands."""
    import ast

    if not signature:
        return (), {}
    args = ast.parse(f"lambda {signature}: 0", mode="eval").body.args  # type: ignore[attr-defined]
    operands = tuple(a.arg for a in args.args) + ((f"*{args.vararg.arg}",) if args.vararg else ())
    defaults = {}
    for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        defaults[a.arg] = ast.literal_eval(d) if d is not None else None
    for a, d in zip(reversed(args.args), reversed(args.defaults), strict=False):
        defaults[a.arg] = ast.literal_eval(d)
    return operands, defaults
