"""Bounds of a function of one variable that hold for every point: interval arithmetic and bisection.

`bounds(words, lo, hi)` encloses the range of words in one scalar variable: cells that cannot hold the extremum are dropped, the
others are halved, until the enclosure is as tight as asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..errors import CodeError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import fold

Interval = tuple[np.ndarray, np.ndarray]
SLACK = 1e-14  # relative widening of every step, far above the rounding of float64


def _widen(lo: np.ndarray, hi: np.ndarray) -> Interval:
    return lo - SLACK * (np.abs(lo) + 1e-300), hi + SLACK * (np.abs(hi) + 1e-300)


def _rising(f: Callable[[np.ndarray], np.ndarray]) -> Callable[[Interval], Interval]:
    return lambda x: _widen(f(x[0]), f(x[1]))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


_erf = np.vectorize(math.erf, otypes=[float])
RISING = {  # monotone functions: the ends give the range
    "exp": _rising(np.exp),
    "log": _rising(np.log),
    "log1p": _rising(np.log1p),
    "expm1": _rising(np.expm1),
    "sqrt": _rising(np.sqrt),
    "tanh": _rising(np.tanh),
    "arctan": _rising(np.arctan),
    "sigmoid": _rising(_sigmoid),
    "erf": _rising(_erf),
    "relu": _rising(lambda x: np.maximum(x, 0)),
    "softplus": _rising(lambda x: np.logaddexp(0, x)),
    "sign": _rising(np.sign),
}


def _mul(a: Interval, b: Interval) -> Interval:
    ends = np.stack(np.broadcast_arrays(a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]))
    return _widen(ends.min(axis=0), ends.max(axis=0))


def _power(x: Interval, exponent: Fraction) -> Interval:
    if exponent.denominator == 1 and exponent > 0:
        n = int(exponent)
        ends = np.stack(np.broadcast_arrays(x[0] ** n, x[1] ** n))
        lo, hi = ends.min(axis=0), ends.max(axis=0)
        if n % 2 == 0:
            lo = np.where((x[0] <= 0) & (x[1] >= 0), 0.0, lo)
        return _widen(lo, hi)
    if np.any(x[0] <= 0):
        raise CodeError("a power of an interval around 0 has no bounds", code="SD522")
    ends = np.stack(np.broadcast_arrays(x[0] ** float(exponent), x[1] ** float(exponent)))
    return _widen(ends.min(axis=0), ends.max(axis=0))


def _compare(name: str, a: Interval, b: Interval) -> Interval:
    if name in ("lt", "le"):
        a, b = b, a
    return np.where(a[0] > b[1], 1.0, 0.0), np.where(a[1] < b[0], 0.0, 1.0)


def enclose(words: Node, x: Interval) -> Interval:
    """Intervals that hold the values of the words at all points of the intervals `x` of its variable.

    Raises:
        CodeError: SD522 for an operation without an interval rule.
    """

    def visit(node: Node, xs: list[Interval]) -> Interval:
        if isinstance(node, Var):
            return x
        if isinstance(node, Num):
            value = np.full_like(x[0], float(node.value))
            return _widen(value, value)
        name = node.name if isinstance(node, Call) else ""
        if name in RISING:
            return RISING[name](xs[0])
        if name == "add":
            return _widen(sum(a[0] for a in xs), sum(a[1] for a in xs))  # type: ignore[arg-type]
        if name == "neg":
            return -xs[0][1], -xs[0][0]
        if name == "mul":
            out = xs[0]
            for b in xs[1:]:
                out = _mul(out, b)
            return out
        if name == "div" and not np.any((xs[1][0] <= 0) & (xs[1][1] >= 0)):
            return _mul(xs[0], _widen(1 / xs[1][1], 1 / xs[1][0]))
        if name == "pow" and isinstance(node.operands[1], Num) and node.operands[1].value.is_Rational:
            value = node.operands[1].value
            return _power(xs[0], Fraction(int(value.p), int(value.q)))  # type: ignore[attr-defined]
        if name in ("gt", "ge", "lt", "le"):
            return _compare(name, *xs)
        if name == "where":
            c, a, b = xs
            yes, no = c[0] > 0, c[1] == 0
            return np.where(yes, a[0], np.where(no, b[0], np.minimum(a[0], b[0]))), np.where(
                yes, a[1], np.where(no, b[1], np.maximum(a[1], b[1]))
            )
        if name == "abs":
            lo, hi = xs[0]
            both = np.maximum(np.abs(lo), np.abs(hi))
            return np.where((lo <= 0) & (hi >= 0), 0.0, np.minimum(np.abs(lo), np.abs(hi))), both
        raise CodeError(f"there is no interval rule for {name or type(node).__name__}", code="SD522")

    with np.errstate(all="ignore"):
        return fold(words, visit)


def upper_bound(words: Node, lo: float, hi: float, tolerance: float = 1e-6, sign: float = 1.0) -> tuple[float, float]:
    """`(value reached, bound)` of the supremum of `sign * words` on [lo, hi]: no point exceeds the bound.

    They differ by at most the tolerance, unless a jump lies between two numbers.
    """
    left = np.linspace(lo, hi, 2049)[:-1]
    right = np.linspace(lo, hi, 2049)[1:]
    best, bound = -math.inf, math.inf
    for _ in range(40):
        points = np.concatenate([left, right, (left + right) / 2])
        at = enclose(words, (points, points))
        reached = at[0] if sign > 0 else -at[1]
        best = max(best, float(np.max(reached)))
        low, high = enclose(words, (left, right))
        upper = high if sign > 0 else -low
        bound = float(np.max(upper))
        keep = upper > best + tolerance
        if not keep.any() or keep.sum() > 200_000:
            break
        middle = (left[keep] + right[keep]) / 2
        left, right = np.concatenate([left[keep], middle]), np.concatenate([middle, right[keep]])
        bound = best + tolerance
    return best, max(best, bound)


__all__ = ["enclose", "upper_bound"]
