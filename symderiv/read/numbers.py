"""Exact numbers from their text, and numbers that expressions in sizes and indices amount to."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer, Rational, Symbol

from ..errors import InputError, Span
from ..expr.nodes import Call, Index, Node, Num
from ..expr.walk import fold

MAX_DIGITS = 400
_TRUTH = {"gt", "ge", "lt", "le", "eq", "ne"}


def literal(text: str, span: Span | None = None) -> Expr:
    """The exact value of `3`, `0.5`, `1e-3`, `1_000`, `0x10`.

    Raises:
        InputError: SD111 for a number with too many digits or beyond the range of a double.
    """
    plain = text.replace("_", "")
    shown = plain if len(plain) <= 24 else plain[:20] + "…"
    if len(plain) > MAX_DIGITS:
        raise InputError(f"the number {shown} has {len(plain)} digits; at most {MAX_DIGITS} are read", code="SD111", span=span)
    if plain[:1] == "0" and plain[1:2].lower() in ("x", "o", "b") and len(plain) > 2:
        return Integer(int(plain, 0))
    try:
        size = float(plain)
    except ValueError:
        raise InputError(f"{shown} is not a number", code="SD111", span=span) from None
    if size in (float("inf"), float("-inf")):
        raise InputError(f"the number {shown} is beyond 1.8e308", code="SD111", hint="write inf for infinity", span=span)
    mantissa = plain.lower().split("e")[0]
    if size == 0 and any(c in "123456789" for c in mantissa):
        raise InputError(f"the number {shown} is below 4.9e-324", code="SD111", span=span)
    return Integer(int(plain)) if plain.isdigit() else Rational(plain)


def index_symbol(index: Index) -> Symbol:
    """The symbol that stands for an index in an affine expression."""
    return Symbol("[" + index.name + "]", integer=True)


def affine(root: Node) -> Expr | None:
    """The value of an expression in numbers, sizes and indices (`n - 1 - i`); None when anything else occurs."""

    def visit(node: Node, operands: list[Expr | None]) -> Expr | None:
        if isinstance(node, Num):
            return node.value
        if isinstance(node, Index):
            return index_symbol(node)
        if not isinstance(node, Call) or any(o is None for o in operands):
            return None
        return _arithmetic(node.name, [o for o in operands if o is not None])

    value = fold(root, visit)
    return None if value is None else sympy.expand(value)


def _arithmetic(name: str, operands: list[Expr]) -> Expr | None:
    if name == "add":
        return sympy.Add(*operands)
    if name == "neg":
        return -operands[0]
    if name == "mul":
        return sympy.Mul(*operands)
    if name == "div" and not operands[1].is_zero:
        return operands[0] / operands[1]
    if name == "pow" and operands[1].is_Integer and 0 <= operands[1] <= 8:
        return operands[0] ** operands[1]
    return None


def zero_one(root: Node) -> bool:
    """Whether the values are 0 or 1 by structure: comparisons and what `and`, `or`, `not` make of them."""

    def visit(node: Node, operands: list[bool]) -> bool:
        if isinstance(node, Num):
            return node.value in (0, 1)
        if not isinstance(node, Call):
            return False
        if node.name in _TRUTH:
            return True
        if node.name == "add":  # 1 - x
            first, *rest = node.operands
            return isinstance(first, Num) and first.value == 1 and len(rest) == 1 and _is_negated(rest[0]) and operands[1]
        if node.name == "neg":
            return operands[0]
        return node.name in ("mul", "maximum", "minimum") and all(operands) and not any(_is_negated(o) for o in node.operands)

    return not _is_negated(root) and fold(root, visit)


def _is_negated(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "neg"
