"""Facts that a line uses without a word: entries that sum to 1 (one-hot, simplex, softmax) or to 0 (centred values).

A line in matrix words uses them where its two sides are equal only with them; a line in entries, where such a sum is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import postorder, replace
from ..simplify.facts import sums_to_one
from ..simplify.product import einsum, is_zero


class Facts:
    """The values of one derivation whose entries have a known sum.

    Attributes:
        sums: variable -> "1" or "0": what the entries along its last axis sum to.
    """

    def __init__(self, variables: Iterable[Var], named: Sequence[tuple[Node, Var]]) -> None:
        self.sums: dict[Var, str] = {v: "1" for v in variables if v.rank and sums_to_one(v, v.rank - 1)}
        for node, v in named:
            found = _sum_of(node)
            if found:
                self.sums[v] = found

    def used(self, before: Node, after: Node, meaning: dict[Node, Node]) -> str:
        """A sentence on the facts without which the sides differ; "" where there is none.

        Args:
            meaning: what variables in `before` stand for, where it is to be looked through.
        """
        before = replace(before, meaning) if meaning else before
        mine = [v for v in self.sums if any(n is v for n in postorder(before))]
        if not mine:
            return ""
        if any(isinstance(n, Index) for w in (before, after) for n in postorder(w)):
            return self._said([v for v in mine if _summed_alone(before, v) and not _summed_alone(after, v)])
        sides = [before, after]
        needed = [v for v in mine if not self._equal(sides, loose=[v])]
        return self._said(needed or mine) if needed or not self._equal(sides, loose=mine) else ""

    def _equal(self, sides: Sequence[Node], loose: Sequence[Var]) -> bool:
        """Whether the sides agree at a random point where some values have no known sums; True where that cannot be seen."""
        from ..code.numpy import evaluate

        rng = np.random.default_rng(5)
        inside = list(dict.fromkeys(n for w in sides for n in postorder(w) if isinstance(n, Var)))
        sizes = {s: 3 + k for k, s in enumerate(sorted({s for v in inside for d in v.shape for s in d.free_symbols}, key=str))}
        values: dict[str, Any] = {}
        for v in inside:
            x = rng.uniform(0.2, 1.0, [int(d.subs(sizes)) for d in v.shape])
            if v in self.sums and v not in loose:
                x = x / x.sum(-1, keepdims=True) if self.sums[v] == "1" else x - x.mean(-1, keepdims=True)
            values[v.name] = np.zeros(x.shape, int) if v.is_a("integer") else x
        sized = {s.name: k for s, k in sizes.items()}
        try:
            with np.errstate(all="ignore"):
                left, right = (evaluate(w, {**sized, **values}) for w in sides)
            return bool(np.allclose(left, right, rtol=1e-6, equal_nan=True))
        except (SymDerivError, ArithmeticError, ValueError, IndexError, TypeError):
            return True

    def _said(self, found: Sequence[Var]) -> str:
        said = [
            (f"the entries of `{v.name}` sum" if v.rank == 1 else f"every row of `{v.name}` sums") + f" to {self.sums[v]}"
            for v in found
        ]
        return f"Here {' and '.join(said)}." if said else ""


def _sum_of(node: Node) -> str:
    """What the entries along the last axis of a value sum to: "1", "0", or "" where that is not known."""
    if not node.rank or isinstance(node, Var):
        return ""
    if sums_to_one(node, node.rank - 1):
        return "1"
    labels = list(range(node.rank))
    return "0" if is_zero(einsum([(node, labels)], labels[:-1])) else ""


def _summed_alone(word: Node, v: Var) -> bool:
    """Whether `Σ_m v_…m` stands in a line: a sum over the last index of an entry with which nothing else varies."""
    for s in postorder(word):
        if isinstance(s, Call) and s.name == "isum":
            body, m = s.operands[:2]
            if any(_alone(t, v, m) for t in (body.operands if isinstance(body, Call) and body.name == "add" else (body,))):
                return True
    return False


def _alone(term: Node, v: Var, m: Node) -> bool:
    while isinstance(term, Call) and term.name in ("neg", "div"):
        term = term.operands[0]
    factors = term.operands if isinstance(term, Call) and term.name == "mul" else (term,)
    having = [f for f in factors if any(n is m for n in postorder(f))]
    if len(having) != 1:
        return False
    (f,) = having
    return isinstance(f, Call) and f.name == "getitem" and f.operands[0] is v and f.operands[-1] is m


__all__ = ["Facts"]
