"""Words at a point, node by node: what two expressions share is computed once.

A hypothesis about a claim changes one place of it; only the path from there to the top is computed again. Every operation is
the emitted NumPy word of that operation alone, so there is no second meaning of an operation here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sympy import Expr

from ..code.numpy import numpy_function
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import fold, postorder
from ..ops._rules import is_whole
from .differences import FAILS, bind
from .sampling import Sizes, Values, number_of

BINDERS = frozenset(("isum", "iprod", "imax", "imin"))


class Point:
    """Sizes and values; the value of every node asked for is kept.

    Attributes:
        sizes: a number for each size symbol.
        values: an array for each variable.
    """

    def __init__(self, sizes: Sizes, values: Values) -> None:
        self.sizes, self.values = sizes, values
        self._memo: dict[Node, np.ndarray | None] = {}

    def value(self, words: Node) -> np.ndarray | None:
        """The array, or None where it cannot be computed (a singular matrix) or is not real."""
        with np.errstate(all="ignore"):
            for node in postorder(words, known=self._memo):
                if node not in self._memo and not open_indices(node):
                    self._memo[node] = self._visit(node)
        return self._memo.get(words)

    def _visit(self, node: Node) -> np.ndarray | None:
        if isinstance(node, Var):
            found = self.values.get(node.name)
            return None if found is None else np.asarray(found)
        if isinstance(node, Num):
            return self._number(node.value)
        if not isinstance(node, Call):
            return None
        if any(open_indices(o) for o in node.operands):
            names = [n for n in postorder(node) if isinstance(n, Var)]
            return self._run(node, [(v.name, self.value(v)) for v in names])
        pattern, given = _pattern(node)
        return self._run(pattern, [(name, self._memo.get(o)) for name, o in given])

    def _number(self, value: Expr) -> np.ndarray | None:
        try:
            return np.asarray(float(value.xreplace(self.sizes)) if value.free_symbols else float(value))
        except (TypeError, OverflowError):
            return None

    def _run(self, words: Node, given: Iterable[tuple[str, np.ndarray | None]]) -> np.ndarray | None:
        arrays = dict(given)
        if any(a is None for a in arrays.values()):
            return None
        try:
            out = np.asarray(bind(_function(words), self.sizes)(arrays))
        except FAILS:
            return None
        return out if out.dtype.kind in "fiub" else None

    def shape_of(self, node: Node) -> tuple[int, ...]:
        """The shape of a node as numbers here."""
        return tuple(number_of(s, self.sizes) for s in node.shape)


_OPEN: WeakKeyDictionary[Node, frozenset[Index]] = WeakKeyDictionary()


def open_indices(node: Node) -> frozenset[Index]:
    """The indices of a node that nothing in it binds."""
    return fold(node, _visit_open, _OPEN)  # type: ignore[arg-type]


def _visit_open(node: Node, inner: list[frozenset[Index]]) -> frozenset[Index]:
    out = frozenset((node,)) if isinstance(node, Index) else frozenset().union(*inner)
    return out - {node.operands[1]} if isinstance(node, Call) and node.name in BINDERS else out


@lru_cache(maxsize=20_000)
def _pattern(node: Call) -> tuple[Call, tuple[tuple[str, Node], ...]]:
    """The operation alone, on variables `a0_`, `a1_`, …, and which operand each one stands for; numbers stay."""
    names: dict[Node, Var] = {}
    for o in node.operands:
        if not isinstance(o, Num) or o.value.free_symbols:
            attrs = ("integer",) if is_whole(o) else ()
            names.setdefault(o, Var(f"a{len(names)}_", o.shape, attrs))
    pattern = node.with_operands([names.get(o, o) for o in node.operands])
    return pattern, tuple((v.name, o) for o, v in names.items())


@lru_cache(maxsize=4_000)
def _function(words: Node) -> Callable[..., Any]:
    return numpy_function(words)


def finite(array: np.ndarray | None) -> bool:
    """Whether there is an array and all of it is a number."""
    return array is not None and bool(np.all(np.isfinite(array)))


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference, relative to the largest entry of both; inf for different shapes or values that are no numbers."""
    if a.shape != b.shape:
        return float("inf")
    scale = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)))
    worst = float(np.max(np.abs(a - b), initial=0.0))
    if not np.isfinite(worst) or not np.isfinite(scale):
        return float("inf")
    return worst / scale if scale > 1e-12 else worst


def values_at(points: Iterable[Point], words: Node) -> list[np.ndarray | None]:
    """The values at several points."""
    return [p.value(words) for p in points]


def restricted(values: Mapping[str, Any], change: Callable[[np.ndarray], np.ndarray], names: Iterable[str]) -> Values:
    """The values with some of them changed."""
    names = set(names)
    return {n: change(np.asarray(v)) if n in names else v for n, v in values.items()}
