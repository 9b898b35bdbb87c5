"""Exact numbers and sizes as factors: what stands above a fraction line, what below, and with which sign."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Mul, Pow, Rational, S

LARGEST_DENOMINATOR = 12  # 1/12 stays a fraction, 1/16 becomes 0.0625


@dataclass(frozen=True)
class Factors:
    """`sign * product(above) / product(below)`; every entry is free of signs and of negative powers."""

    sign: int
    above: tuple[Expr, ...]
    below: tuple[Expr, ...]


def decimal(value: Rational) -> str | None:
    """`1.702` for 851/500, `1e-08` for 10⁻⁸; None where a fraction or a whole number says it better (or exactly)."""
    p, q = abs(value.p), value.q
    if q == 1:
        if p < 10**16:
            return None
    else:
        rest = q
        for prime in (2, 5):
            while rest % prime == 0:
                rest //= prime
        if rest != 1 or q <= LARGEST_DENOMINATOR:
            return None
    try:
        text = repr(float(Rational(p, q)))
    except OverflowError:
        return None
    return text if "inf" not in text and Rational(text) == Rational(p, q) else None


def factors(value: Expr) -> Factors:
    """Split a number or a size into signed factors: `-2/(n*k)` is -1, [2], [n, k]."""
    sign, above, below = 1, [], []
    for f in Mul.make_args(value):
        if f is S.NegativeInfinity:
            sign = -sign
            above.append(S.Infinity)
        elif f.is_Rational:
            if f.p < 0:
                sign, f = -sign, -f
            if f.q == 1 or decimal(f):
                above.append(f)
            elif f.p != 1 and decimal(1 / f):
                below.append(1 / f)
            else:
                above.append(Integer(f.p))
                below.append(Integer(f.q))
        elif isinstance(f, Pow) and f.exp.could_extract_minus_sign():
            below.append(Pow(f.base, -f.exp))
        elif f.is_Add and all(t.could_extract_minus_sign() for t in f.args):
            sign = -sign
            above.append(-f)
        else:
            above.append(f)
    if len(above) > 1:
        above = [f for f in above if f is not S.One]
    return Factors(sign, tuple(above), tuple(below))


__all__ = ["Factors", "decimal", "factors"]
