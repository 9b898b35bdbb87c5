"""Every step of a derivation, checked numerically: both sides evaluated at random points and sizes.

    names          by what they stand for
    du             by the directional derivative of u along random directions of the variables
    ∂u/∂w, ∂L/∂u   by finite differences (complex steps where the functions allow it)

Nothing here uses the engine's rules, so a wrong step is seen even where the answer is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy.core.symbol import Str

from ..errors import SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.walk import postorder, replace
from ..steps.model import Derivation, Step, Symbol
from . import sampling
from .differences import FAILS, analytic, bind, central_along, derivative

TOLERANCE = 2e-5
PLACES = 4  # entries at which a line with free indices is compared, per point


@dataclass
class StepFailure:
    """Two sides that differ."""

    step: Step
    worst: float
    message: str


@dataclass
class StepReport:
    """What `check_steps` found.

    Attributes:
        steps: number of steps compared (with their children).
        comparisons: number of numerical comparisons.
        sizes: the size assignments.
        failures: steps whose sides differ or could not be evaluated.
    """

    steps: int = 0
    comparisons: int = 0
    sizes: list[dict[str, int]] = field(default_factory=list)
    worst: float = 0.0
    failures: list[StepFailure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failures and self.comparisons >= self.steps


def check_steps(derivation: Derivation, seed: int = 0, points: int = 3) -> StepReport:
    """Compare both sides of every step at up to `points` size assignments.

    Raises:
        SymDerivError: when no point can be found at which the problem has a value.
    """
    report = StepReport()
    rng = np.random.default_rng(seed)
    variables = list(derivation.vars.values())
    words = derivation.sections[0].expr
    expander = Expander(derivation)
    full = expander.expand(words)
    declared = replace(full, {Var(Str(v.name), v.shape, v.attrs & {"integer"}): v for v in variables})
    found = 0
    for sizes in [*sampling.sample_sizes(variables, rng, full), *sampling.spare_sizes(variables, rng, full)]:
        if found == points:
            break
        if not sampling.sizes_fit(full, variables, sizes):
            continue
        values = sampling.sample_values(declared, variables, sizes, rng, function=bound(full, variables, sizes))
        if values is None:
            continue
        found += 1
        report.sizes.append({str(s): k for s, k in sizes.items()})
        _Point(derivation, expander, values, sizes, rng, report).run(first=found == 1)
        if report.failures:
            break
    if not found:
        report.failures.append(StepFailure(derivation.steps[0], float("nan"), "no point at which the problem has a value"))
    return report


class Expander:
    """Words with all names replaced by what they stand for."""

    def __init__(self, d: Derivation) -> None:
        self.plain = {v: Var(Str(v.name), v.shape) for v in d.vars.values() if v.attrs - {"integer"}}
        names = [s for s in d.symbols.values() if s.kind == "name"]
        self.rule: dict[Node, Node] = {}
        waiting = {s.var: s.of for s in names}
        while waiting:
            ready = [v for v, of in waiting.items() if not any(n in waiting for n in postorder(of) if n is not v)]
            if not ready:
                break
            for v in ready:
                self.rule[v] = replace(waiting.pop(v), self.rule)

    def expand(self, words: Node) -> Node:
        return self.same_vars(replace(words, self.rule))

    def same_vars(self, words: Node) -> Node:
        """One variable for each name: attributes are dropped."""
        rule = {
            n: Var(Str(n.name), n.shape, n.attrs & {"integer"})
            for n in postorder(words)
            if isinstance(n, Var) and n.attrs - {"integer"}
        }
        return replace(words, rule) if rule else words  # type: ignore[arg-type]


class _Point:
    """One point: the values of everything that stands in the steps."""

    def __init__(self, d: Derivation, expander: Expander, values, sizes, rng, report: StepReport) -> None:
        self.d, self.expander, self.sizes, self.rng, self.report = d, expander, sizes, rng, report
        self.values: dict[str, Any] = dict(values)
        self.base = dict(values)
        targets = [v for s in d.sections for v in s.wrt]
        self.directions = {v.name: rng.standard_normal(np.shape(values[v.name])) for v in targets}
        self.known: dict[Var, Any] = {}

    def run(self, first: bool) -> None:
        for step in walk_steps(self.d.steps):
            if first:
                self.report.steps += 1
            self.compare(step)

    def compare(self, step: Step) -> None:
        sides = [step.before, step.after]
        if step.subject is not None and step.subject is not step.before:
            sides.append(step.subject)
        try:
            for at in self.places(step):
                found = [np.asarray(self.value(w, at), dtype=float) for w in sides]
                for other in (found[0], *found[2:]):
                    self.judge(step, found[1], other)
        except (*FAILS, SymDerivError, KeyError) as error:
            self.report.failures.append(StepFailure(step, float("nan"), f"{type(error).__name__}: {error}"))

    def judge(self, step: Step, after: np.ndarray, before: np.ndarray) -> None:
        self.report.comparisons += 1
        if after.shape != before.shape:
            self.report.failures.append(StepFailure(step, float("inf"), f"shapes {before.shape} and {after.shape}"))
            return
        if not np.all(np.isfinite(after)) or not np.all(np.isfinite(before)):
            self.report.failures.append(StepFailure(step, float("nan"), "a side is not finite"))
            return
        scale = max(float(np.max(np.abs(after), initial=0.0)), float(np.max(np.abs(before), initial=0.0)))
        worst = float(np.max(np.abs(after - before), initial=0.0)) / (scale + 1e-2)
        self.report.worst = max(self.report.worst, worst)
        if worst > TOLERANCE:
            self.report.failures.append(StepFailure(step, worst, f"the sides differ by {worst:.2g} (relative)"))

    def places(self, step: Step) -> Iterable[dict[Node, int]]:
        """Values of the free indices: all corners of the ranges, or some."""
        if not step.free:
            return [{}]
        spans = [sampling.number_of(size, self.sizes) for _, size in step.free]  # type: ignore[arg-type]
        count = int(np.prod(spans))
        chosen = range(count) if count <= PLACES else self.rng.choice(count, PLACES, replace=False)
        return [dict(zip((i for i, _ in step.free), map(int, np.unravel_index(int(k), spans)), strict=True)) for k in chosen]

    def value(self, words: Node, at: Mapping[Node, int]) -> Any:
        rule: dict[Node, Node] = {i: Var(Str(f"at_{i.name}"), (), ("integer",)) for i in at if isinstance(i, Index)}
        words = self.expander.same_vars(replace(words, rule) if rule else words)
        needed = [n for n in postorder(words) if isinstance(n, Var)]
        values = {f"at_{i.name}": k for i, k in at.items() if isinstance(i, Index)}
        for v in needed:
            if v.name not in values:
                values[v.name] = self.of(v)
        return _function(words, needed, self.sizes)(values)

    def of(self, v: Var) -> Any:
        if v.name in self.base:
            return self.base[v.name]
        found = self.known.get(v)
        if found is None:
            symbol = self.d.symbols.get(v)
            if symbol is None:  # the output
                section = next(s for s in self.d.sections if s.function is v)
                return self.full(section.expr)[0](self.base)
            found = self.known[v] = getattr(self, f"_{symbol.kind}")(symbol)
        return found

    def full(self, words: Node) -> tuple[Any, Node]:
        whole = self.expander.expand(words)
        return _function(whole, [n for n in postorder(whole) if isinstance(n, Var)], self.sizes), whole

    def _name(self, s: Symbol) -> Any:
        return self.full(s.of)[0](self.base)

    def _differential(self, s: Symbol) -> Any:
        f, whole = self.full(s.of)
        inside = {n.name for n in postorder(whole) if isinstance(n, Var)}
        along = {n: d for n, d in self.directions.items() if n in inside}
        if not along:
            return np.zeros(np.shape(f(self.base)))
        return central_along(f, self.base, along)[0]

    def _rest(self, s: Symbol) -> Any:
        return self.value(s.of, {})

    def _partial(self, s: Symbol) -> Any:
        assert s.by is not None
        if s.by.name in self.base:
            f, whole = self.full(s.of)
            values = self.base
        else:  # by a named value: the other names stand still
            whole = self.expander.same_vars(s.of)
            inside = [n for n in postorder(whole) if isinstance(n, Var)]
            f = _function(whole, inside, self.sizes)
            values = {n.name: self.of(n) for n in (*inside, s.by)}
        return derivative(f, values, s.by.name, analytic(whole)).value

    def _cotangent(self, s: Symbol) -> Any:
        if s.through is None:
            assert s.label is not None
            f, whole = self.full(self.output(s))
            return derivative(f, self.base, s.label.name, analytic(whole)).value
        words, hole = s.through
        whole = self.expander.same_vars(words)
        inside = [n for n in postorder(whole) if isinstance(n, Var)]
        f = _function(whole, [*inside, *([] if hole in inside else [hole])], self.sizes)
        values = {**{n.name: self.of(n) for n in inside if n is not hole}, hole.name: self.full(s.of)[0](self.base)}
        return derivative(f, values, hole.name, analytic(whole)).value

    def output(self, s: Symbol) -> Node:
        """The words of the function whose derivative the symbol is."""
        return next(x.expr for x in self.d.sections if x.function.name == s.output)


def bound(words: Node, variables: list[Var], sizes: Mapping[Any, int]) -> Any:
    """The words as a function of a dict of values of the variables."""
    inside = {n.name for n in postorder(words) if isinstance(n, Var)}
    f = _function(words, [n for n in postorder(words) if isinstance(n, Var)], sizes)
    return lambda values: f({n: x for n, x in values.items() if n in inside})


def _function(words: Node, needed: list[Var], sizes: Mapping[Any, int]) -> Any:
    from ..code.numpy import numpy_function

    return bind(numpy_function(words, list(dict.fromkeys(needed))), sizes)


def walk_steps(steps: Iterable[Step]) -> list[Step]:
    """All steps with their children."""
    out: list[Step] = []
    stack = list(steps)[::-1]
    while stack:
        s = stack.pop()
        out.append(s)
        stack.extend(reversed(s.children))
    return out


__all__ = ["StepFailure", "StepReport", "check_steps", "walk_steps"]
