"""Pieces of Python source: text with its precedence, and the spelling of numbers and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Integer, Rational, Symbol

from ..errors import CodeError
from ..expr.sizes import written_minus

COMPARE, ADD, MATMUL, MUL, UNARY, POW, ATOM = range(7)


@dataclass(frozen=True)
class Piece:
    """Source of a value.

    Attributes:
        text: the source.
        level: how tightly it holds together; a weaker piece is bracketed.
        kind: "float", "int" (also plain Python numbers) or "bool".
        nest: depth of brackets.
        cast: how a comparison becomes a number, `({}).to(…)`; "" for a product with 1.0.
    """

    text: str
    level: int = ATOM
    kind: str = "float"
    nest: int = 0
    cast: str = ""

    def at(self, level: int) -> str:
        """The text, bracketed if it is weaker than `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def as_number(self) -> Piece:
        """0.0 and 1.0 instead of False and True, whose sums and functions NumPy computes differently."""
        if self.kind != "bool":
            return self
        if self.cast:
            return Piece(self.cast.format(self.text), nest=self.nest + 1)
        return replace(self, text=f"1.0*{self.at(UNARY)}", level=MUL, kind="float", nest=self.nest + 1)


def max_nest(pieces: list[Piece]) -> int:
    """The deepest brackets."""
    return max((p.nest for p in pieces), default=0)


def kind_of(pieces: list[Piece]) -> str:
    """ "float" if one of them is."""
    return "float" if any(p.kind == "float" for p in pieces) else "int"


def spell_number(value: Expr, sizes: Mapping[Expr, str]) -> Piece:
    """An exact number or an expression in sizes.

    Raises:
        CodeError: SD502 for what has no value, SD503 for a size that nothing gives.
    """
    if isinstance(value, Symbol):
        if value not in sizes:
            raise CodeError(f"nothing gives the size {value}", code="SD503")
        return Piece(sizes[value], kind="int")
    if isinstance(value, Rational):
        return _spell_rational(value)
    if value.is_Add:
        terms = [spell_number(t, sizes) for t in _in_order(value.args)]
        text = " + ".join(t.at(ADD) for t in terms).replace("+ -", "- ")
        return Piece(text, ADD, "int", 1 + max(t.nest for t in terms))
    if value.is_Mul:
        return _spell_product(value, sizes)
    if value.is_Pow:
        base, exponent = value.as_base_exp()
        if exponent == sympy.S.Half:
            return Piece(f"np.sqrt({spell_number(base, sizes).text})", nest=1)
        return Piece(f"{spell_number(base, sizes).at(ATOM)}**{spell_number(exponent, sizes).at(ATOM)}", POW, "int", 1)
    if value is sympy.oo:
        return Piece("np.inf")
    if value is -sympy.oo:
        return Piece("-np.inf", UNARY)
    if value is sympy.pi:
        return Piece("np.pi")
    if value.func in (sympy.log, sympy.exp, sympy.floor, sympy.ceiling) and len(value.args) == 1:
        word = "ceil" if value.func is sympy.ceiling else value.func.__name__
        return Piece(f"np.{word}({spell_number(value.args[0], sizes).text})", nest=1)
    number = value.evalf(17) if value.is_number else None
    if number is None or not number.is_Float:
        raise CodeError(f"{value} has no value that code can carry", code="SD502")
    return Piece(repr(float(number)), UNARY if number < 0 else ATOM)


def _in_order(terms) -> list[Expr]:
    return sorted(terms, key=lambda t: (t.is_number, sympy.default_sort_key(t)))


def _spell_product(value: Expr, sizes: Mapping[Expr, str]) -> Piece:
    top, bottom = value.as_numer_denom()
    if bottom != 1:
        over, under = spell_number(top, sizes), spell_number(bottom, sizes)
        return Piece(f"{over.at(UNARY)}/{under.at(POW)}", MUL, "int", 1 + max(over.nest, under.nest))
    sign = "-" if written_minus(value) else ""
    pieces = [spell_number(f, sizes) for f in sympy.Mul.make_args(-value if sign else value)]
    text = "*".join(p.at(UNARY) for p in pieces)
    return Piece(sign + text, MUL if not sign else UNARY, "int", 1 + max(p.nest for p in pieces))


def _spell_rational(value: Rational) -> Piece:
    level = UNARY if value < 0 else ATOM
    number = float(value)
    if isinstance(value, Integer) and abs(value) < 2**53:
        return Piece(str(value), level, "int")
    if number in (float("inf"), float("-inf")):
        raise CodeError(f"{str(value)[:20]}… is too large for a float", code="SD502")
    if isinstance(value, Integer) or Rational(repr(number)) == value or max(abs(value.p), value.q) > 10**6:
        return Piece(repr(number), level)
    return Piece(f"{value.p}/{value.q}", MUL, "int")
