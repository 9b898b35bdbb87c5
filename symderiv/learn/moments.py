"""Means and variances of words: by quadrature over a normal variable, and exactly over small distributions of all entries.

`worst_difference` compares both sides of every step of a derivation about moments.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..code.numpy import evaluate, numpy_function
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder, replace
from ..steps.model import Derivation, Step

REACH = 12.0  # beyond, a standard normal variable has no weight in float64
PIECES = ((-REACH, -1.0), (-1.0, 0.0), (0.0, 1.0), (1.0, REACH))  # kinks of activations lie at the ends


def normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Points and weights: `Σ w f(x)` is the mean of `f` over a standard normal variable, to about 1e-13."""
    t, w = np.polynomial.legendre.leggauss(200)
    x = np.concatenate([(b - a) / 2 * t + (a + b) / 2 for a, b in PIECES])
    weights = np.concatenate([(b - a) / 2 * w for a, b in PIECES])
    return x, weights * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def normal_mean_square(words: Node, variable: Var) -> float:
    """`E[f(u)²]` for a standard normal u."""
    x, weights = normal_nodes()
    f = numpy_function(words, [variable])
    return float(weights @ np.array([float(f(float(t))) ** 2 for t in x]))


# What each name stands for in the exact comparison: values with equal probabilities. Weights have mean 0; u and z are
# symmetric; signals and gradients are anything.
LAWS: dict[str, tuple[float, ...]] = {
    "W": (-0.7, 0.2, 0.5),
    "w": (-0.7, 0.2, 0.5),
    "h": (0.0, 0.4, 1.3),
    "u": (-1.1, -0.3, 0.3, 1.1),
    "z": (-0.9, -0.2, 0.2, 0.9),
    "g": (-0.6, 0.1, 0.5),
}  # fmt: skip
SIZES = {"n_in": 3, "n_out": 2}


def worst_difference(d: Derivation, only: Step | None = None) -> float:
    """The worst relative difference between the two sides of a step.

    Args:
        only: the one step to compare.
    """
    return max(abs(a - b) / (abs(a) + abs(b)) for s in (d.steps if only is None else (only,)) for a, b in _sides(d, s))


def _sides(d: Derivation, step: Step) -> list[tuple[float, float]]:
    """Values of both sides: at several entries where they have free indices. Definitions have nothing to compare."""
    if step.rule in ("activation", "compromise"):
        return []
    law = "normal" if step.rule == "gaussian" else "small"
    out = []
    for i, j in ((0, 0), (1, 2)):
        at = _Place(d, {Index("i"): i, Index("j"): j}, law)
        if step.rule == "keep":
            at.forced = _kept(d, step)
        if step.rule == "substitute":
            at.more["n"] = (SIZES["n_in"] + SIZES["n_out"]) / 2
        out.append((at.value(step.before), at.value(step.after)))
    return out


def _kept(d: Derivation, step: Step) -> dict[tuple[str, str], float]:
    """Moments for which the size is kept: what comes out of the layer is as large as what went in."""
    above, below = _divided(step.before)
    ends = {s.subject: s.after for s in d.steps if s.rule in ("gaussian", "symmetric_law", "mean_zero")}
    size, forced = 1.7, {}
    for n in (n for n in postorder(below) if n in d.symbols):
        end = ends.get(n)
        if end is None:
            forced[_key(d, n)] = size
            continue
        factor = next((float(x.value) for x in postorder(end) if isinstance(x, Num)), 1.0)
        moving = any(x in d.symbols for x in postorder(end))
        if not moving and _key(d, n)[1] == "h**2":
            size = 1.0  # the factor of an activation that bends holds at variance 1
        forced[_key(d, n)] = factor * (size if moving else 1.0)
    forced[_key(d, above)] = size
    return forced


def _key(d: Derivation, v: Node) -> tuple[str, str]:
    s = d.symbols[v]  # type: ignore[index]
    return s.operator, str(s.of)


def _divided(words: Node) -> tuple[Node, Node]:
    assert isinstance(words, Call) and words.name == "div"
    return words.operands[0], words.operands[1]


class _Place:
    """Values of words at one entry."""

    def __init__(self, d: Derivation, indices: Mapping[Node, int], law: str) -> None:
        self.d, self.indices, self.law = d, dict(indices), law
        self.forced: dict[tuple[str, str], float] = {}
        self.more: dict[str, float] = {}

    def value(self, words: Node) -> float:
        """A number: moments by enumeration, sums written out."""
        return float(self.number(words, self.indices))

    def number(self, words: Node, indices: Mapping[Node, int]) -> float:
        if words in self.d.symbols:
            return self.moment(words, indices)  # type: ignore[arg-type]
        if isinstance(words, Num):
            return float(words.value.subs({s: SIZES[s.name] for s in words.value.free_symbols}))
        if isinstance(words, Var):
            return self.more[words.name]
        assert isinstance(words, Call)
        if words.name == "isum":
            body, index = words.operands[:2]
            return sum(self.number(body, {**indices, index: k}) for k in range(SIZES[words.params["hi"].name]))
        parts = [self.number(o, indices) for o in words.operands]
        names = [Var(f"part_{k}", ()) for k in range(len(parts))]
        return float(evaluate(words.with_operands(names), {v.name: p for v, p in zip(names, parts, strict=True)}))

    def moment(self, v: Var, indices: Mapping[Node, int]) -> float:
        s = self.d.symbols[v]
        if (s.operator, str(s.of)) in self.forced:
            return self.forced[s.operator, str(s.of)]
        of = self.written_out(self.defined(s.of, indices), indices)
        names = [n for n in dict.fromkeys(postorder(of)) if isinstance(n, Var)]
        if self.law == "normal":
            x, weights = normal_nodes()
            points: Any = [(t,) for t in x]
        else:
            points = list(itertools.product(*(LAWS[n.name.partition("_at_")[0]] for n in names)))
            weights = np.full(len(points), 1 / len(points))
        f = numpy_function(of, names)
        values = np.array([float(f(*map(float, p))) for p in points])
        mean = float(weights @ values)
        return mean if s.operator == "E" else float(weights @ (values - mean) ** 2)

    def defined(self, of: Node, indices: Mapping[Node, int]) -> Node:
        """`z_i` and `h̄_j` by the sums that the first step of their chain writes."""
        for s in self.d.steps:
            if s.rule == "expand" and self.d.symbols[s.before].of is of:  # type: ignore[index]
                return self.d.symbols[s.after].of  # type: ignore[index]
        return of

    def written_out(self, words: Node, indices: Mapping[Node, int]) -> Node:
        """Sums as their terms, entries as variables of their own."""
        made: dict[Node, Node] = {}
        for n in postorder(words):
            if isinstance(n, Call) and n.name == "isum":
                body, index = n.operands[:2]
                terms = [self.written_out(body, {**indices, index: k}) for k in range(SIZES[n.params["hi"].name])]
                total = terms[0]
                for t in terms[1:]:
                    total = Call("add", total, t)
                made[n] = total
        words = replace(words, made) if made else words
        entries: dict[Node, Node] = {}
        for n in postorder(words):
            if isinstance(n, Call) and n.name == "getitem" and all(i in indices for i in n.operands[1:]):
                at = "_".join(str(indices[i]) for i in n.operands[1:])
                entries[n] = Var(f"{n.operands[0].name}_at_{at}", ())  # type: ignore[attr-defined]
        return replace(words, entries) if entries else words


__all__ = ["normal_mean_square", "normal_nodes", "worst_difference"]
