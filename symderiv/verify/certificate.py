"""Certifying a derivative: emitted code against differences of the original, at several sizes and random points.

    certify(words, wrt, results, vars)            first derivatives, every entry
    certify(..., order=2, first=gradients)        second: against differences of the first, and of the original along directions
    certify_jvp(words, tangents, result, vars)    `J v` against one directional difference

A certificate is data. `raise_if_failed` turns a failed one into an error: SD401 the result differs (with the point where it
does), SD402 the original has no value at any point that was tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CertificateError
from ..expr.nodes import Node, Var
from .report import Certificate
from .trial import Run

__all__ = ["Certificate", "certify", "certify_jvp"]


def certify(
    words: Node,
    wrt: Sequence[Var],
    results: Sequence[Node | Callable[..., Any]],
    vars: Iterable[Var] | Mapping[str, Var],
    order: int = 1,
    *,
    first: Sequence[Node | Callable[..., Any]] | None = None,
    targets: Sequence[tuple[Var, ...]] | None = None,
    seed: int = 0,
    budget_s: float = 1.0,
    original: Callable[..., Any] | None = None,
) -> Certificate:
    """Compare `∂ᵏ words / ∂x₁…∂x_k` with differences of the words.

    Args:
        words: the original, as written.
        wrt: variables of the derivatives.
        results: one for each target; words or a callable of keyword arrays. Shape `words.shape + x₁.shape + … + x_k.shape`.
        vars: all declared variables.
        order: of the derivative.
        first: for order ≥ 2: with one result, all lower derivatives in turn (the first, the second, …); otherwise for each
            target the derivative by all but its last variable.
        targets: what each result is differentiated by. If missing: `wrt` in turn for one result and `order` variables; all
            blocks in row order for `len(wrt)**order` results; else `(x,)*order` for each `x` in `wrt`.
        budget_s: no new size assignment is begun after this many seconds.
        original: the words as a callable, if the caller has it already.

    Raises:
        CertificateError: SD402 when a variable of `wrt` holds labels.
    """
    problem_vars = list(vars.values()) if isinstance(vars, Mapping) else list(vars)
    problem_vars += [v for v in wrt if v not in problem_vars]
    for v in wrt:
        if v.is_a("integer"):
            raise CertificateError(f"{v.name} holds integer labels: there is no derivative by it", code="SD402")
    if targets is None:
        targets = _targets(wrt, len(results), order)
    run = Run(words, problem_vars, list(targets), list(results), list(first or ()), order, seed, budget_s, original)
    with np.errstate(all="ignore"):
        return run.certificate()


def _targets(wrt: Sequence[Var], results: int, order: int) -> list[tuple[Var, ...]]:
    if results == 1 and len(wrt) == order:
        return [tuple(wrt)]
    if len(wrt) > 1 and results == len(wrt) ** order:
        return list(itertools.product(wrt, repeat=order))
    return [(v,) * order for v in wrt]


def certify_jvp(
    words: Node,
    tangents: Mapping[Var, Var],
    result: Node | Callable[..., Any],
    vars: Iterable[Var] | Mapping[str, Var],
    *,
    seed: int = 0,
    budget_s: float = 1.0,
) -> Certificate:
    """Compare `Σ_x ∂words/∂x · t_x` with one directional difference at each point; `tangents` maps each `x` to its `t_x`."""
    known = list(vars.values()) if isinstance(vars, Mapping) else list(vars)
    known += [v for pair in tangents.items() for v in pair if v not in known]
    run = Run(words, known, [], [result], [], 1, seed, budget_s, None, {x.name: t.name for x, t in tangents.items()})
    with np.errstate(all="ignore"):
        return run.certificate()
