"""Numbers behind the questions: whether two expressions are equal, whether a text fits, whether a key is right."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sympy import Symbol

from ...api import derive, evaluate
from ...errors import SymDerivError
from ...expr.nodes import Node, Var
from ...expr.sizes import size_symbol
from ...read.problem import Problem, parse
from ...verify.points import Point, gap
from ...verify.sampling import draw_variable, label_ranges, shape_at, size_symbols
from ...write.report import shape_text
from .model import Claim, Question

TOLERANCE = 1e-8


def points(variables: Iterable[Var], words: Node, seed: int = 0) -> list[Point]:
    """Three points: two with sizes that all differ, one with equal sizes; values between -1.5 and 1.5."""
    variables = list(variables)
    symbols = size_symbols(variables, words)
    rng = np.random.default_rng(seed)
    ladders = [[2 + i for i in range(len(symbols))], [3 + len(symbols) - i for i in range(len(symbols))], [3] * len(symbols)]
    out = []
    for ladder in ladders:
        sizes: dict[Symbol, int] = dict(zip(symbols, ladder, strict=True))
        labels = label_ranges(words, sizes)
        out.append(Point(sizes, {v.name: draw_variable(v, "unit", shape_at(v, sizes), rng, labels.get(v, 2)) for v in variables}))
    return out


class Trials:
    """Points of one problem; the value of an expression at a point is computed once, and only where it is asked for."""

    def __init__(self, variables: Iterable[Var], words: Node) -> None:
        self.points = points(variables, words)
        self._values: dict[tuple[Node, int], np.ndarray | None] = {}

    def value(self, node: Node, k: int) -> np.ndarray | None:
        """The array at the point `k`; None where it has no finite value."""
        if (node, k) not in self._values:
            found = self.points[k].value(node)
            self._values[node, k] = found if found is not None and np.all(np.isfinite(found)) else None
        return self._values[node, k]

    def equal(self, a: Node, b: Node) -> bool | None:
        """Whether two expressions have equal shapes and values; None where fewer than two points give both a value."""
        if len(a.shape) != len(b.shape):
            return False
        compared = 0
        for k in range(len(self.points)):
            x, y = self.value(a, k), self.value(b, k)
            if x is None or y is None:
                continue
            compared += 1
            if gap(x, y) > TOLERANCE:
                return False
        return True if compared > 1 else None

    def distinct(self, node: Node, others: Iterable[Node]) -> bool:
        """Whether an expression differs in value from all others, for certain."""
        return all(self.equal(node, o) is False for o in others)


def equal(a: Node, b: Node, variables: Iterable[Var], words: Node | None = None) -> bool | None:
    """Whether two expressions have equal shapes and values; None where no two points give both a value."""
    return Trials(variables, words if words is not None else a).equal(a, b)


def shape_of_line(text: str, vars: Mapping[str, str]) -> tuple[str, ...] | None:
    """The shape of a text; None where it cannot be read or its sizes do not fit."""
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    try:
        return tuple(map(str, parse(text, {n: s for n, s in vars.items() if n in words}).expr.shape))
    except SymDerivError:
        return None


def fits(text: str, shape: tuple[str, ...], vars: Mapping[str, str]) -> bool:
    """Whether a text can be read and has the shape."""
    return shape_of_line(text, vars) == tuple(shape)


# confirming a key -------------------------------------------------------------------------------------------------------------
def confirm(question: Question) -> list[str]:
    """Builds every derivative that the key of a question rests on and compares; what is wrong, or []."""
    faults = []
    for claim in question.claims:
        try:
            found = _holds(claim)
        except SymDerivError as error:
            faults.append(f"{claim}: {error}")
            continue
        if found is not claim.holds:
            faults.append(f"{claim}: found {found}")
    if question.form == "choice" and len(set(question.choices)) != len(question.choices):
        faults.append("two choices are the same")
    return faults


def _holds(claim: Claim) -> bool | None:
    if claim.what == "same":
        return claim.source == claim.says
    if claim.what == "fits":
        return _computes(claim)
    problem = parse(claim.source, dict(claim.vars))
    if claim.what == "shape":
        return _shape_holds(claim, problem)
    d = derive(problem, claim.wrt, order=claim.order, layout=claim.layout, check=False)
    try:
        said = parse(claim.says, dict(claim.vars)).expr
    except SymDerivError:
        return False
    return equal(said, d.expr, problem.vars.values(), problem.expr)  # type: ignore[union-attr]


def _shape_holds(claim: Claim, problem: Problem) -> bool:
    """The derivative as an array at unequal sizes; and, without the engine, the shape of a table of differences."""
    d = derive(problem, claim.wrt, order=claim.order, layout=claim.layout, check=False)
    if shape_text(d.shape if claim.order == 1 else d.core.shape) != claim.says:  # type: ignore[union-attr]
        return False
    sizes, values = _values(problem)
    got = np.asarray(d.numpy()(**_accepted(d.numpy(), {**values, **sizes})))  # type: ignore[union-attr]
    expected = tuple(_number(s, sizes) for s in re.findall(r"[^,()\s][^,()]*", claim.says))
    base = np.asarray(evaluate(problem, **{**sizes, **values}))
    by = np.shape(values[claim.wrt])
    direct = base.shape
    for _ in range(claim.order):
        direct = (*direct, *by)
    if claim.layout == "denominator" and claim.order == 1 and base.shape:
        direct = (*by, *base.shape)
        got = np.moveaxis(got, range(base.ndim), range(-base.ndim, 0))
    return got.shape == expected == direct


def _accepted(function: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    import inspect

    return {n: values[n] for n in inspect.signature(function).parameters if n in values}


def _values(problem: Problem) -> tuple[dict[str, int], dict[str, Any]]:
    """Unequal sizes by name, and an array for every variable."""
    symbols = size_symbols(problem.vars.values(), problem.expr)
    sizes = {s: 2 + i for i, s in enumerate(symbols)}
    rng = np.random.default_rng(zlib.crc32(problem.source.encode()))
    labels = label_ranges(problem.expr, sizes)
    values = {v.name: draw_variable(v, "unit", shape_at(v, sizes), rng, labels.get(v, 2)) for v in problem.vars.values()}
    return {str(s): k for s, k in sizes.items()}, values


def _number(size: str, sizes: Mapping[str, int]) -> int:
    node = parse(f"ones({size.strip()})").expr if not size.strip().isdigit() else None
    if node is None:
        return int(size)
    return int(node.shape[0].xreplace({size_symbol(n): k for n, k in sizes.items()}))


def _computes(claim: Claim) -> bool:
    words = set(re.findall(r"[A-Za-z_]\w*", claim.source))
    try:
        problem = parse(claim.source, {n: s for n, s in claim.vars.items() if n in words})
    except SymDerivError:
        return False
    if shape_text(problem.expr.shape) != claim.says:
        return False
    sizes, values = _values(problem)
    got = evaluate(problem, **{**sizes, **values}).shape
    return got == tuple(_number(s, sizes) for s in re.findall(r"[^,()\s][^,()]*", claim.says))


__all__ = ["Trials", "confirm", "equal", "fits", "points", "shape_of_line"]
