"""Whether one side is a number times another."""

from __future__ import annotations

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Node
from ..expr.walk import variables
from ..verify.claims import Claim
from ..verify.context import Context
from ..verify.decide import Trials
from ..verify.ratios import Ratio
from .compare import sample_of


def ratio_between(a: Node, b: Node) -> Ratio | None:
    """`a = ratio * b` at all points with a ratio of numbers and sizes, or None."""
    names = list({v.name: v for v in variables(a, b)}.values())
    try:
        with np.errstate(all="ignore"):
            trials = Trials(sample_of(a, b, None), names, a)
            if not trials.points:
                return None
            return Context(trials, Claim("", b), b, ()).ratio(scalars=False)
    except SymDerivError:
        return None


def number_ratio(a: Node, b: Node) -> str | None:
    """The number, as text."""
    found = ratio_between(a, b)
    return None if found is None else str(found.constant)


__all__ = ["number_ratio", "ratio_between"]
