"""Functions of one number for the loops that Numba compiles; this file is read, not imported, when source is written."""

from __future__ import annotations

import math

import numba


@numba.njit(inline="always")
def _sigmoid1(x):
    """1/(1 + exp(-x)) without overflow."""
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x > 0.0 else e / (1.0 + e)


@numba.njit(inline="always")
def _softplus1(x):
    """log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
