"""One run of a certification: size assignments, points, repeats of a disagreement, and the clock."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..expr.nodes import Call, Node, Var
from ..expr.walk import postorder
from . import sampling
from .comparison import Outcome, Pair, compare_along, compare_full, evaluated, judge_along
from .differences import FAILS, Function, analytic, bind, function_of
from .higher import compare_original
from .reasons import why_no_value
from .report import Certificate, say_sizes

READS_A_TRIANGLE = frozenset({"cholesky", "sqrtm", "sylvester", "eigh", "eigvalsh"})
DIRECTIONS = 3
POINTS = 6  # per size assignment, when points are at a kink or leave no digits


class Run:
    """One certification: the problem, the certificate being filled, and the clock."""

    def __init__(self, words, problem_vars, targets, results, first, order, seed, budget_s, original, tangents=None) -> None:
        self.words, self.vars, self.targets, self.order = words, problem_vars, targets, order
        self.rng = np.random.default_rng(seed)
        self.began, self.budget_s = time.perf_counter(), budget_s
        self.out = Certificate()
        self.tangents: dict[str, str] = tangents or {}
        self.complex = analytic(words)
        self.original = original or _callable(words, problem_vars)
        self.results = _callables(results, problem_vars)
        self.first = [_callable(f, problem_vars) for f in first]
        self.methods: set[str] = set()
        self.last: sampling.Values | None = None
        self.triangles = [n for n in postorder(words) if isinstance(n, Call) and n.name in READS_A_TRIANGLE]

    # size assignments ------------------------------------------------------------------------------------------------------
    def certificate(self) -> Certificate:
        """Try the assignments in turn until one disagrees or the time is used."""
        ordinary = sampling.sample_sizes(self.vars, self.rng, self.words)
        unequal = False
        for sizes in ordinary:
            if self._spent(1 if unequal else 4):
                self.out.notes.append(f"{len(self.out.sizes)} of {len(ordinary)} size assignments in the time allowed")
                break
            unequal |= self._at_sizes(sizes) and is_unequal(sizes)
            if self.out.failures:
                break
        if not unequal and not self.out.failures:
            for sizes in sampling.spare_sizes(self.vars, self.rng, self.words):
                if self._at_sizes(sizes) and is_unequal(sizes):
                    unequal = True
                    break
                if self.out.failures or self._spent(4):
                    break
        return self._finished(unequal)

    def _finished(self, unequal: bool) -> Certificate:
        self.out.ok = unequal and not self.out.failures
        for method in ("directional", "central differences", "complex step"):
            if method in self.methods:
                self.out.method = method
                break
        if not self.out.ok and not self.out.failures:
            self.out.problem, self.out.remedy = why_no_value(self.words, self.vars, self.rng)
            if self.out.notes:
                self.out.problem += f" ({self.out.notes[-1]})"
        return self.out

    def _spent(self, factor: float = 1.0) -> bool:
        return time.perf_counter() - self.began > factor * self.budget_s

    def _at_sizes(self, sizes: sampling.Sizes) -> bool:
        """Compare at one assignment; whether it agreed."""
        shown = say_sizes({str(s): k for s, k in sizes.items()})
        if not sampling.sizes_fit(self.words, self.vars, sizes):
            self.out.notes.append(f"{shown}: an axis would be empty")
            return False
        base = bind(self.original, sizes)
        doubts: list[Outcome] = []
        enough = (1 if self.complex else 2) if sizes else 4  # pieces want more points; without sizes all the variety is in them
        agreed = 0
        for _ in range(POINTS + enough):
            if agreed and self._spent(2):
                break
            values = sampling.sample_values(self.words, self.vars, sizes, self.rng, base, opposite=self.last)
            if values is None:
                self.out.notes.append(f"{shown}: the original has no finite value at the points tried")
                return False
            self.last = values
            outcomes = self._compare(values, sizes, base)
            wrong = [(p, o) for p, o in outcomes if o.kind == "differs"]
            if wrong and 1 in sizes.values() and all(o.got is not None and not np.isfinite(o.got) for _, o in wrong):
                self.out.notes.append(f"{shown}: the derivative has no value there (an axis has one entry); not compared")
                return False
            if wrong:
                if self._confirmed(wrong, values, sizes, base):
                    return False
                continue
            soft = [o for _, o in outcomes if o.kind != "agrees"]
            if not soft:
                agreed += 1
                self._agreed(sizes, outcomes, agreed == 1)
                if agreed == enough or (agreed > 1 and self._spent()):
                    return True
                continue
            doubts = [o for _, o in outcomes]
            self.out.kinks_avoided += any(o.kind == "kink" for o in soft)
            if agreed and self._spent():
                break
        if agreed:
            return True
        if doubts and all(o.compared for o in doubts):
            left = sum(o.kinks for o in doubts)
            self.out.notes.append(f"{shown}: {left} entries at a kink or without digits left out")
            self._agreed(sizes, [(None, o) for o in doubts], True)
            return True
        self.out.notes.append(f"{shown}: every point was at a kink or too ill-conditioned to compare")
        return False

    def _agreed(self, sizes: sampling.Sizes, outcomes: list[tuple[Any, Outcome]], new: bool) -> None:
        if new:
            self.out.sizes.append({str(s): k for s, k in sizes.items()})
        self.out.points += 1
        for _, o in outcomes:
            self.out.worst = max(self.out.worst, o.worst)
            self.out.entries += o.compared
            self.methods.add(o.method)

    def _confirmed(
        self, wrong: list[tuple[Any, Outcome]], values: sampling.Values, sizes: sampling.Sizes, base: Function
    ) -> bool:
        """A disagreement counts when it is met again close by (or, where that has no value, anywhere else).

        Second differences lose all digits near a singularity, close by too: for them the other point is a random one.
        """
        for attempt in range(POINTS):
            other: sampling.Values | None = (
                sampling.near_values(values, self.vars, self.rng) if attempt < 3 and self.order == 1 else None
            )
            if other is None or not sampling.tame(base, other):
                other = sampling.sample_values(self.words, self.vars, sizes, self.rng, base)
            if other is None:
                continue
            if any(o.kind == "differs" for _, o in self._compare(other, sizes, base)):
                for label, o in wrong:
                    self.out.failures.append(_failure(label, o, values, sizes))
                return True
        shown = say_sizes({str(s): k for s, k in sizes.items()})
        self._note(f"{shown}: a disagreement did not repeat at {POINTS} other points")
        return False

    # one point -------------------------------------------------------------------------------------------------------------
    def _compare(self, values: sampling.Values, sizes: sampling.Sizes, base: Function) -> list[tuple[str, Outcome]]:
        """All comparisons at one point."""
        if self.tangents:
            return [self._tangent(values, sizes, base)]
        pairs = self._pairs(values, sizes, base)
        out: list[tuple[str, Outcome]] = []
        if pairs and self._costly(pairs, values):
            out += self._directional(pairs, values)
        else:
            out += [(p.label, compare_full(p, values)) for p in pairs]
        if self.order > 1:
            out += self._original(values, sizes, base)
        return out

    def _pairs(self, values: sampling.Values, sizes: sampling.Sizes, base: Function) -> list[Pair]:
        out = []
        for target, below, result in self._links():
            last = target[-1]
            chained = len(target) > 1 and (last.is_a("symmetric") or last.is_a("psd") or last.is_a("diagonal"))
            mirrored = last.rank >= 2 and (chained or self._one_triangle(last, values, sizes))
            names = tuple(v.name for v in target)
            f = base if below is None else bind(below, sizes)
            out.append(Pair("∂/∂" + " ∂".join(names), names, f, bind(result, sizes), self.complex, mirrored))
        return out

    def _links(self) -> list[tuple[tuple[Var, ...], Callable[..., Any] | None, Callable[..., Any]]]:
        """(target, what is differenced (None: the original), what is claimed to be its derivative)."""
        if self.order == 1:
            return [(t, None, r) for t, r in zip(self.targets, self.results, strict=True)]
        if len(self.results) == 1 and len(self.first) == self.order - 1:  # all lower derivatives: the whole chain
            stages = [None, *self.first, self.results[0]]
            return [(self.targets[0][: k + 1], stages[k], stages[k + 1]) for k in range(self.order)]  # type: ignore[misc]
        return list(zip(self.targets, self.first, self.results, strict=False))

    def _one_triangle(self, v: Var, values: sampling.Values, sizes: sampling.Sizes) -> bool:
        """Whether a non-symmetric move of `v` makes the operand of a triangle-reading operation non-symmetric."""
        x = np.asarray(values[v.name], dtype=float)
        if not self.triangles or x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] == 1:
            return False
        moved = {**values, v.name: x + 1e-3 * np.arange(x.size).reshape(x.shape)}
        for operand in dict.fromkeys(o for n in self.triangles for o in n.operands[:2]):
            if v not in operand.free_symbols or operand.rank < 2:
                continue
            try:
                y = np.asarray(function_of(operand, self.vars, sizes)(moved))
            except FAILS:
                return True
            if y.shape[-1] == y.shape[-2] and not np.allclose(y, np.swapaxes(y, -1, -2), atol=1e-9):
                self._note(f"{v.name} enters an operation that reads one triangle: compared along symmetric directions")
                return True
        return False

    def _note(self, text: str) -> None:
        if text not in self.out.notes:
            self.out.notes.append(text)

    def _costly(self, pairs: list[Pair], values: sampling.Values) -> bool:
        """Whether full arrays would take more than a quarter of the time allowed."""
        start = time.perf_counter()
        for f in dict.fromkeys(p.base for p in pairs):
            try:
                f(dict(values))
            except FAILS:
                return False
        each = (time.perf_counter() - start) / len({p.base for p in pairs})
        calls = sum(np.size(values[p.name]) * (1 if p.use_complex else 4) for p in pairs)
        return calls * each > self.budget_s / 4

    def _directional(self, pairs: list[Pair], values: sampling.Values) -> list[tuple[str, Outcome]]:
        self.methods.add("directional")
        groups: dict[Function, list[Pair]] = {}
        for p in pairs:
            groups.setdefault(p.base, []).append(p)
        out = []
        for group in groups.values():
            for _ in range(DIRECTIONS):
                moves = {p.name: self._direction(values[p.name], p.mirrored) for p in group}
                outcome = compare_along(group, values, moves)
                if outcome.kind == "differs" and len(group) > 1:
                    single = [(p.label, compare_along([p], values, {p.name: moves[p.name]})) for p in group]
                    out += [s for s in single if s[1].kind == "differs"]
                out.append(("along a random direction", outcome))
        return out

    def _direction(self, x: np.ndarray, mirrored: bool = False) -> np.ndarray:
        v = self.rng.standard_normal(np.shape(x))
        return (v + np.swapaxes(v, -1, -2)) / 2 if mirrored else v

    def _tangent(self, values: sampling.Values, sizes: sampling.Sizes, base: Function) -> tuple[str, Outcome]:
        direction = {x: np.asarray(values[t], dtype=float) for x, t in self.tangents.items()}
        got, reason = evaluated(bind(self.results[0], sizes), dict(values))
        if got is None:
            return "jvp", Outcome("differs", float("inf"), reason=reason)
        return "jvp", judge_along(base, values, direction, got, self.complex)

    def _original(self, values: sampling.Values, sizes: sampling.Sizes, base: Function) -> list[tuple[str, Outcome]]:
        """Higher derivatives along random directions against the original alone, so that nothing rests on the gradient's code."""
        out = []
        directions = DIRECTIONS if self.first else 4 * DIRECTIONS
        for target, result in zip(self.targets, self.results, strict=True):
            label = "∂/∂" + " ∂".join(v.name for v in target)
            triangle = {v.name: self._one_triangle(v, values, sizes) for v in set(target)}
            f = bind(result, sizes)
            outcome = compare_original(base, f, target, values, self.rng, self.complex, triangle, directions)
            if outcome.kind == "differs" and any(v.rank >= 2 and (v.is_a("symmetric") or v.is_a("psd")) for v in target):
                mirrored = {v.name: v.rank >= 2 for v in target}
                outcome = compare_original(base, f, target, values, self.rng, self.complex, mirrored, directions)
                if outcome.kind == "agrees":
                    self._note("the second derivative holds along symmetric directions of " + ", ".join(sorted(mirrored)))
            out.append((label, outcome))
        return out


def _callable(x: Node | Callable[..., Any], problem_vars: list[Var]) -> Callable[..., Any]:
    if not isinstance(x, Node):
        return x
    from ..code.numpy import numpy_function

    return numpy_function(x, problem_vars)


def _callables(results: Sequence[Node | Callable[..., Any]], problem_vars: list[Var]) -> list[Callable[..., Any]]:
    """The results as functions. Several words are emitted as one function, so that what they share is written and computed once:
    for the gradients of a deep network, one by one, the work would grow with the square of its depth."""
    nodes = [r for r in results if isinstance(r, Node)]
    if len(results) < 2 or len(nodes) < len(results):
        return [_callable(r, problem_vars) for r in results]
    together = Together(nodes, problem_vars)
    return [together.part(k) for k in range(len(nodes))]


class Together:
    """Several values from one emitted function, which is run once for the same arrays."""

    def __init__(self, words: list[Node], problem_vars: list[Var]) -> None:
        from ..code.numpy import numpy_function

        self.words, self.vars = words, problem_vars
        self.function = numpy_function(words, problem_vars)
        self.names = tuple(inspect.signature(self.function).parameters)
        self.single: dict[int, Callable[..., Any]] = {}
        self.last: tuple[list[Any], tuple[Any, ...] | None] | None = None

    def part(self, k: int) -> Callable[..., Any]:
        """The `k`-th value as a function of keyword arrays."""

        def value(**given: Any) -> Any:
            inputs = [given[n] for n in self.names if n in given]
            if (
                self.last is None
                or len(inputs) != len(self.last[0])
                or any(a is not b for a, b in zip(inputs, self.last[0], strict=True))
            ):
                try:
                    self.last = inputs, self.function(**{n: given[n] for n in self.names if n in given})
                except FAILS:
                    self.last = inputs, None
            if self.last[1] is not None:
                return self.last[1][k]
            return self._alone(k)(**given)  # a value that cannot be computed must not stand for the others

        return value

    def _alone(self, k: int) -> Callable[..., Any]:
        if k not in self.single:
            f = _callable(self.words[k], self.vars)
            names = set(inspect.signature(f).parameters)
            self.single[k] = lambda **given: f(**{n: x for n, x in given.items() if n in names})
        return self.single[k]


def is_unequal(sizes: Mapping[Any, int]) -> bool:
    """Whether sizes above 1 are all different (of many symbols, four different sizes are enough)."""
    values = set(sizes.values())
    return len(values) >= min(len(sizes), 4 if len(sizes) > 6 else len(sizes)) and 1 not in values


def _failure(label: str, o: Outcome, values: sampling.Values, sizes: sampling.Sizes) -> dict[str, Any]:
    return {
        "wrt": label,
        "sizes": {str(s): k for s, k in sizes.items()},
        "values": dict(values),
        "entry": o.entry,
        "got": o.got,
        "expected": o.expected,
        "error": o.worst,
        "reason": o.reason,
    }
