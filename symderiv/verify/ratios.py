"""What constant, size or scalar stands between two expressions: `truth = r * claim` at every point.

ratio_of([(true, claimed, point), …], scalars)   -> Ratio(number=2, sizes=1/n, scalar=lam) or None
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from sympy import Expr, Integer, Rational, S, Symbol

from ..expr.nodes import Node
from .points import Point

TOLERANCE = 1e-7
LARGEST = 48  # denominators and numerators beyond this are not somebody's constant


@dataclass(frozen=True)
class Ratio:
    """`truth = number * sizes * scalar**power * claim`.

    Attributes:
        number: a rational constant.
        sizes: a monomial in sizes, or a quotient such as `(n - 1)/n`.
        scalar: words of rank 0, or None.
        power: 1 or -1.
    """

    number: Expr
    sizes: Expr = S.One
    scalar: Node | None = None
    power: int = 1

    @property
    def constant(self) -> Expr:
        """Number and sizes together."""
        return self.number * self.sizes


def ratio_at(true: np.ndarray, claimed: np.ndarray, tolerance: float = TOLERANCE) -> float | None:
    """`r` with `true = r * claimed` in every entry, or None; None where the claim is 0 everywhere."""
    if true.shape != claimed.shape or not true.size:
        return None
    scale = float(np.max(np.abs(claimed)))
    if not np.isfinite(scale) or scale < 1e-14:
        return None
    at = np.unravel_index(int(np.argmax(np.abs(claimed))), claimed.shape)
    r = float(true[at] / claimed[at])
    if not np.isfinite(r) or abs(r) < 1e-9:
        return None
    return r if float(np.max(np.abs(true - r * claimed))) <= tolerance * abs(r) * scale else None


def ratio_of(
    pairs: Sequence[tuple[np.ndarray, np.ndarray, Point]], scalars: Iterable[Node] = (), tolerance: float = TOLERANCE
) -> Ratio | None:
    """The simplest constant, size monomial or scalar that explains the ratio at all points."""
    found: list[tuple[float, Point]] = []
    for true, claimed, point in pairs:
        if not np.any(np.abs(true) > 1e-13) and not np.any(np.abs(claimed) > 1e-13):
            continue  # 0 = r 0 says nothing
        r = ratio_at(true, claimed, tolerance)
        if r is None:
            return None
        found.append((r, point))
    if not found:
        return None
    return _constant(found, 10 * tolerance) or _with_scalar(found, scalars, 10 * tolerance)


def _constant(found: list[tuple[float, Point]], tolerance: float) -> Ratio | None:
    best: tuple[float, Ratio] | None = None
    for weight, monomial in _monomials([p for _, p in found]):
        if best is not None and best[0] <= weight:
            break
        number = _same([r / float(monomial.xreplace(p.sizes)) for r, p in found], tolerance)
        if number is not None:
            cost = weight + (1.5 if abs(number) != 1 and weight else 0)
            if best is None or cost < best[0]:
                best = (cost, Ratio(number, monomial))
    return best[1] if best is not None else None


def _with_scalar(found: list[tuple[float, Point]], scalars: Iterable[Node], tolerance: float) -> Ratio | None:
    best: Ratio | None = None
    for scalar in scalars:
        values = [p.value(scalar) for _, p in found]
        if any(v is None or v.shape != () or not np.isfinite(v) or abs(v) < 1e-12 for v in values):
            continue
        numbers = [float(v) for v in values if v is not None]
        if _same(numbers, tolerance) is not None:
            continue  # a constant explains nothing that the constants did not
        for power in (1, -1):
            for _, monomial in _monomials([p for _, p in found], most=1):
                rest = [r / x**power / float(monomial.xreplace(p.sizes)) for (r, p), x in zip(found, numbers, strict=True)]
                number = _same(rest, tolerance)
                if number is None:
                    continue
                new = Ratio(number, monomial, scalar, power)
                if best is None or _cost(new) < _cost(best):
                    best = new
    return best


def _cost(r: Ratio) -> tuple[int, int, int]:
    return (int(r.sizes != 1), int(abs(r.number) != 1), r.scalar.tree_size if r.scalar is not None else 0)


def _monomials(points: Sequence[Point], most: int = 2) -> list[tuple[int, Expr]]:
    """1, then monomials in the sizes with small exponents, the simplest first, with a weight; `(n - 1)/n` at the end."""
    symbols: list[Symbol] = list(points[0].sizes) if points else []
    out: list[tuple[int, Expr]] = [(0, S.One)]
    if len(symbols) <= 5 and len({tuple(p.sizes.values()) for p in points}) > 1:
        for exponents in itertools.product(range(-most, most + 1), repeat=len(symbols)):
            weight = sum(map(abs, exponents))
            if 0 < weight <= 3:
                value: Expr = Integer(1)
                for s, e in zip(symbols, exponents, strict=True):
                    value = value * s**e
                out.append((weight, value))
        for s in symbols if most > 1 else ():
            if all(p.sizes[s] > 1 for p in points):
                out += [(8, (s - 1) / s), (8, s / (s - 1)), (9, 1 / (s - 1)), (9, s - 1)]
    return sorted(out, key=lambda pair: pair[0])


def _same(numbers: Sequence[float], tolerance: float) -> Expr | None:
    """The common value as a small fraction, or None."""
    first = numbers[0]
    if any(abs(x - first) > tolerance * abs(first) for x in numbers):
        return None
    value = Fraction(first).limit_denominator(LARGEST)
    if value != 0 and abs(float(value) - first) <= tolerance * abs(first) and abs(value.numerator) <= 1000:
        return Rational(value.numerator, value.denominator)
    inverse = Fraction(1 / first).limit_denominator(LARGEST)
    if inverse != 0 and abs(1 / float(inverse) - first) <= tolerance * abs(first):
        return Rational(inverse.denominator, inverse.numerator)
    return None


__all__ = ["Ratio", "ratio_at", "ratio_of"]
