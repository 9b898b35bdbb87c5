"""Why an original has no value to compare at, and what to declare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import binds, postorder, variables
from . import sampling
from .differences import FAILS, function_of

_SAYS = {
    "log": ("log of a number that is not positive", "positive"),
    "log2": ("log2 of a number that is not positive", "positive"),
    "log10": ("log10 of a number that is not positive", "positive"),
    "log1p": ("log1p of a number below -1", "positive"),
    "sqrt": ("square root of a negative number", "nonnegative"),
    "pow": ("a power that is not real", "positive"),
    "div": ("division by zero", "positive"),
    "arcsin": ("arcsin of a number outside [-1, 1]", ""),
    "arccos": ("arccos of a number outside [-1, 1]", ""),
    "arctanh": ("arctanh of a number outside (-1, 1)", ""),
    "arccosh": ("arccosh of a number below 1", ""),
    "lgamma": ("lgamma at a pole", "positive"),
    "digamma": ("digamma at a pole", "positive"),
    "cholesky": ("cholesky of a matrix that is not positive definite", "psd"),
    "sqrtm": ("square root of a matrix that is not positive definite", "psd"),
    "sylvester": ("sylvester of matrices that are not positive definite", "psd"),
    "inv": ("inverse of a singular matrix", "psd"),
    "solve": ("a singular system", "psd"),
    "logdet": ("logdet of a singular matrix", "psd"),
}


def why_no_value(words: Node, problem_vars: Sequence[Var], rng: np.random.Generator) -> tuple[str, str]:
    """The first operation that has no finite value at an ordinary point, and the declaration that may help.

    Returns:
        (reason, remedy), e.g. ("log of a number that is not positive", "declare y positive").
    """
    sizes = sampling.sample_sizes(problem_vars, rng, words)[0]
    kinds, labels = sampling.kinds_of(words), sampling.label_ranges(words, sizes)
    plain: Sequence[dict[Var, str]] = ({}, kinds)
    for choice in plain:
        values = {
            v.name: sampling.draw_variable(v, choice.get(v, "normal"), sampling.shape_at(v, sizes), rng, labels.get(v, 3))
            for v in problem_vars
        }
        found = _first_without_value(words, problem_vars, sizes, values)
        if found is not None:
            return _explain(found)
    return "no point was found where the differences of the original have enough digits", "declare attributes (positive, psd, …)"


def _first_without_value(words: Node, problem_vars: Sequence[Var], sizes: sampling.Sizes, values: sampling.Values) -> Call | None:
    order = postorder(words)
    bound = {n for n in order if isinstance(n, Index)}
    for n in order:  # what depends on a bound index has no value of its own
        if any(o in bound for o in n.operands) and not binds(n):
            bound.add(n)
    for n in order:
        if not isinstance(n, Call) or n in bound:
            continue
        try:
            out = np.asarray(function_of(n, problem_vars, sizes)(dict(values)))
            if np.all(np.isfinite(out)) and float(np.max(np.abs(out), initial=0.0)) < sampling.WILD:
                continue
        except FAILS:
            pass
        return n
    return None


def _explain(node: Call) -> tuple[str, str]:
    reason, attribute = _SAYS.get(node.name, (f"{node.name} has no finite, moderate value at the points tried", ""))
    names = [v.name for v in variables(node) if not v.attrs]
    if not names:
        return reason, "give the expression a domain where it has a value"
    if attribute:
        return reason, f"declare {' or '.join(names)} {attribute}"
    return reason, f"declare attributes of {' or '.join(names)} (positive, nonnegative, simplex, psd, …)"
