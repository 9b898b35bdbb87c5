"""Whether the matrices that an expression inverts are far from singular at a point.

At a singular matrix an inverse, a determinant or its logarithm has no derivative that a formula with `inv` can give
(`det(XᵀX)` of a wide `X` is 0 and stays 0), so such points are no test of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..code.numpy import evaluate
from ..errors import CodeError
from ..expr.nodes import Call, Node
from ..expr.walk import free_indices, postorder

INVERTS = ("inv", "solve", "det", "logdet")
WORST_CONDITION = 1e8


@lru_cache(maxsize=256)
def inverted(words: Node) -> tuple[Node, ...]:
    """The matrices under `inv`, `solve`, `det` and `logdet` that do not depend on an index bound outside them."""
    free = free_indices(postorder(words))
    found = (n.operands[0] for n in postorder(words) if isinstance(n, Call) and n.name in INVERTS)
    return tuple(dict.fromkeys(a for a in found if not free[a]))


@lru_cache(maxsize=256)
def rooted(words: Node) -> tuple[Node, ...]:
    """What has a kink where it is 0 and does not depend on an index bound outside it."""
    free = free_indices(postorder(words))
    hard = _hard_zeros(words)
    return tuple(x for n in postorder(words) if isinstance(n, Call) and not free[n] for x in _watched(n) if x not in hard)


def _watched(n: Call) -> tuple[Node, ...]:
    """What has a kink where it is 0: roots, and the operand of a function with a kink at 0."""
    if n.name in ("norm", "sqrt"):
        return (n,)
    return (n.operands[0],) if n.op.elementwise and n.op.kinks.startswith("x = 0") else ()


def _hard_zeros(words: Node) -> set[Node]:
    """Values that are exactly 0 on whole regions, so that a 0 among them is no accident: `relu(relu(x))` is fine at 0."""
    hard: set[Node] = set()
    for n in postorder(words):
        flat = isinstance(n, Call) and n.name in _FLAT
        if flat or any(o in hard for o in n.operands):
            hard.add(n)
    return hard


_FLAT = (
    "relu",
    "where",
    "maximum",
    "minimum",
    "clip",
    "tril",
    "triu",
    "onehot",
    "diag",
    "sign",
    "heaviside",
    "hardtanh",
    "eq",
    "ne",
    "zeros",
    "tri",
    "gt",
    "ge",
    "lt",
    "le",
    "kron",
    "getitem",
    "imax",
    "imin",
    "isum",
)


def regular(words: Node, values: Mapping[str, Any], sizes: Mapping[Any, int]) -> bool:
    """Whether all inverted matrices have condition numbers below 1e8 at these values."""
    return all(
        _finite(lambda m: np.max(np.linalg.cond(m), initial=0) < WORST_CONDITION, a, values, sizes) for a in inverted(words)
    )


def off_kinks(words: Node, values: Mapping[str, Any], sizes: Mapping[Any, int]) -> bool:
    """Whether nothing with a kink at 0 is exactly 0 at these values."""
    return all(_finite(np.all, a, values, sizes) for a in rooted(words))


def _finite(test: Callable[[np.ndarray], Any], a: Node, values: Mapping[str, Any], sizes: Mapping[Any, int]) -> bool:
    try:
        value = np.asarray(evaluate(a, {**{str(s): n for s, n in sizes.items()}, **values}))
        return bool(np.all(np.isfinite(value))) and bool(test(value))
    except (CodeError, np.linalg.LinAlgError):
        return False
