"""Expressions with pieces (`x > 0`, `maximum(x, y)`): points close to the borders, and borders that no point crossed.

Two expressions that differ only between two near borders (`x > 0` and `x > 0.001`) agree at nearly all random points. So every
border is looked for along the line between two points on its two sides, and compared at close to it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from ..expr.nodes import Call, Node
from ..expr.walk import postorder
from .points import Point, open_indices
from .sampling import Values

ONE_SIDED = frozenset(("relu", "abs", "sign", "heaviside", "elu", "selu", "leaky_relu", "prelu"))
PIECES = frozenset(("gt", "ge", "lt", "le", "maximum", "minimum")) | ONE_SIDED
MOST_BORDERS = 12
STEPS = 30  # halvings of the line
BESIDE = (1e-6, 1e-4)  # distances from the border, as parts of the line


def has_pieces(*roots: Node) -> bool:
    """Whether some operation has pieces."""
    return any(isinstance(n, Call) and (n.op.kinks or n.name in PIECES) for n in postorder(*roots))


def borders_of(*roots: Node, known: Container[Node] = ()) -> list[Call]:
    """The operations whose value changes its formula, without those below `known` nodes."""
    found = [n for n in postorder(*roots, known=known) if isinstance(n, Call) and n.name in PIECES and not open_indices(n)]
    return found[:MOST_BORDERS]


def side(node: Call, point: Point) -> np.ndarray | None:
    """What is 0 on the border and has the other sign beyond it."""
    x = point.value(node.operands[0])
    y = point.value(node.operands[1]) if node.name not in ONE_SIDED else np.zeros(())
    if x is None or y is None:
        return None
    out = np.asarray(x, dtype=float) - np.asarray(y, dtype=float)
    return out if np.all(np.isfinite(out)) else None


def unreached(points: Sequence[Point], *roots: Node) -> list[Call]:
    """Borders that all points are on one side of."""
    out = []
    for node in borders_of(*roots):
        signs = {float(s) for p in points for v in [side(node, p)] if v is not None for s in np.unique(np.sign(v)) if s}
        if len(signs) == 1:
            out.append(node)
    return out


def beside_borders(points: Sequence[Point], fixed: frozenset[str], *roots: Node, known: Container[Node] = ()) -> list[Point]:
    """Points close to each border, on both sides.

    Args:
        points: to begin from.
        fixed: variables that cannot be moved (labels, one-hot rows).
        roots: expressions with borders.
        known: nodes whose borders were looked at.
    """
    out: list[Point] = []
    for node in borders_of(*roots, known=known):
        pair = _two_sides(node, points)
        if pair is not None:
            out += _close_to(node, *pair, fixed)
    return out


def _two_sides(node: Call, points: Sequence[Point]) -> tuple[Point, Point, tuple[int, ...]] | None:
    """Two points of the same sizes, and an entry that is on different sides."""
    seen: dict[tuple, tuple[Point, np.ndarray]] = {}
    for p in points:
        here = side(node, p)
        if here is None:
            continue
        key = tuple(p.sizes.items())
        if key in seen and seen[key][1].shape == here.shape:
            first, before = seen[key]
            crossed = np.argwhere(before * here < 0)
            if len(crossed):
                return first, p, tuple(int(k) for k in crossed[0])
        else:
            seen[key] = (p, here)
    return None


def _close_to(node: Call, a: Point, b: Point, entry: tuple[int, ...], fixed: frozenset[str]) -> list[Point]:
    def at(t: float) -> Point:
        values: Values = {
            n: x if n in fixed or x.dtype.kind != "f" else (1 - t) * x + t * np.asarray(b.values[n]) for n, x in a.values.items()
        }
        return Point(a.sizes, values)

    def sign(t: float) -> float | None:
        here = side(node, at(t))
        return None if here is None or (here.shape == () and entry) else float(np.sign(here[entry]))

    low, high, start = 0.0, 1.0, sign(0.0)
    if start is None or sign(1.0) != -start:
        return []
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = sign(middle)
        if found is None:
            return []
        low, high = (middle, high) if found == start else (low, middle)
    return [at(t) for d in BESIDE for t in (low - d, high + d) if 0 <= t <= 1]


__all__ = ["beside_borders", "borders_of", "has_pieces", "unreached"]
