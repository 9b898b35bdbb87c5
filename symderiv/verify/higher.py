"""Higher derivatives against the original alone, along random directions.

    D^k f[u_1, …, u_k] = 1/(2^{k-1} k!) Σ_{ε_2…ε_k = ±1} ε_2⋯ε_k  dᵏ/dtᵏ f(x + t (u_1 + ε_2 u_2 + …))

(polarisation), so a Hessian does not rest on the code of the gradient that it was derived from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..expr.nodes import Var
from .comparison import Outcome, evaluated, judge
from .differences import Estimate, Function, along, direction_line, kinked

LOOSE = {2: 100.0, 3: 1e3}  # of the tolerance of first derivatives: differences of order k lose digits


def compare_original(
    base: Function,
    result: Function,
    target: Sequence[Var],
    values: Mapping[str, Any],
    rng: np.random.Generator,
    use_complex: bool,
    mirrored: Mapping[str, bool],
    directions: int = 3,
) -> Outcome:
    """`result` contracted with directions against differences of `base` of the order `len(target)`.

    Args:
        mirrored: variables whose directions are to be symmetric matrices.
    """
    values = dict(values)
    full, reason = evaluated(result, values)
    if full is None:
        return Outcome("differs", float("inf"), reason=reason)
    ranks = sum(v.rank for v in target)
    wanted = tuple(s for v in target for s in np.shape(values[v.name]))
    if full.shape[full.ndim - ranks :] != wanted:
        return Outcome("differs", float("inf"), reason=f"has shape {full.shape}, which does not end in {wanted}")
    outcomes = [_one(base, full, target, values, rng, use_complex, mirrored) for _ in range(directions)]
    for kind in ("differs", "kink", "vague"):
        found = [o for o in outcomes if o.kind == kind]
        if found:
            return found[0]
    return replace(max(outcomes, key=lambda o: o.worst), compared=sum(o.compared for o in outcomes))


def _one(
    base: Function,
    full: np.ndarray,
    target: Sequence[Var],
    values: dict[str, Any],
    rng: np.random.Generator,
    use_complex: bool,
    mirrored: Mapping[str, bool],
) -> Outcome:
    moves = []
    for v in target:
        u = rng.standard_normal(np.shape(values[v.name]))
        moves.append((u + np.swapaxes(u, -1, -2)) / 2 if mirrored.get(v.name) else u)
    got, rounding = full, np.abs(full)
    for u in reversed(moves):
        got, rounding = np.tensordot(got, u, axes=u.ndim), np.tensordot(rounding, np.abs(u), axes=u.ndim)
    got = np.asarray(got)
    estimate, lines = _polarised(base, target, moves, values, use_complex)
    if got.shape != estimate.value.shape:
        return Outcome("differs", float("inf"), reason=f"has shape {full.shape}: {got.shape} is left, not {estimate.value.shape}")
    error = estimate.error + 1e-13 * rounding
    loose = LOOSE.get(len(target), 1e4)
    first = judge(got, estimate.value, error, estimate.method, np.zeros(got.shape, bool), loose)
    if first.kind == "agrees":
        return first
    kinks = np.zeros(got.shape, bool)
    for d in lines:
        kinks = kinks | kinked(direction_line(base, values, d)) | _bent(base, values, d)
    return judge(got, estimate.value, error, estimate.method, kinks, loose)


def _polarised(
    base: Function, target: Sequence[Var], moves: list[np.ndarray], values: dict[str, Any], use_complex: bool
) -> tuple[Estimate, list[dict[str, np.ndarray]]]:
    order = len(target)
    total: Any = 0.0
    error: Any = 0.0
    method, lines = "complex step", []
    for signs in itertools.product((1.0, -1.0), repeat=order - 1):
        direction: dict[str, np.ndarray] = {}
        for v, sign, u in zip(target, (1.0, *signs), moves, strict=True):
            direction[v.name] = direction.get(v.name, 0.0) + sign * u
        part = along(base, values, direction, order, use_complex)
        total = total + math.prod(signs) * part.value
        error = error + part.error
        lines.append(direction)
        if part.method != method:
            method = "central differences"
    scale = 2.0 ** (order - 1) * math.factorial(order)
    return Estimate(np.asarray(total / scale), np.asarray(error / scale), method), lines


def _bent(base: Function, values: Mapping[str, Any], direction: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where the second difference along the direction depends on the step: a kink close by."""
    line = direction_line(base, values, direction)
    here = line(0.0)
    wide, narrow = ((line(h) - 2 * here + line(-h)) / h**2 for h in (1e-2, 1e-3))
    return np.abs(wide - narrow) > 0.1 * np.maximum(np.abs(wide), np.abs(narrow)) + 1e-6 + 1e-9 * np.abs(here)
