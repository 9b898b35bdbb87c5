"""One derivative at one point: the array from the emitted code against differences, and what a mismatch means.

A mismatch is a disagreement only where the differences are trustworthy: not at a kink, not where rounding has eaten the digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .differences import Function, Line, along, central_differences, derivative, direction_line, entry_line, kinked

RTOL = {"complex step": 1e-8, "central differences": 1e-6}
ATOL = {"complex step": 1e-9, "central differences": 1e-8}
VAGUE = 1e-4  # an error estimate beyond this part of the scale says nothing


@dataclass(frozen=True)
class Pair:
    """`result` is claimed to be the derivative of `base` by the variable `name`.

    Attributes:
        label: for messages: `"dL/dw"`.
        target: the names differentiated by, in order; the last is `name`.
        base, result: functions of the dict of values. `result` has the shape of `base` and then that of the variable.
        use_complex: whether the base takes a complex step.
        mirrored: compare `G + Gᵀ` over the last two axes only (an operation reads one triangle of a symmetric matrix).
    """

    label: str
    target: tuple[str, ...]
    base: Function
    result: Function
    use_complex: bool
    mirrored: bool = False

    @property
    def name(self) -> str:
        return self.target[-1]


@dataclass(frozen=True)
class Outcome:
    """What one comparison at one point gave.

    Attributes:
        kind: "agrees", "kink" (nothing smooth to compare), "vague" (rounding leaves no digits) or "differs".
        worst: the largest error relative to the scale of the derivative, of the entries compared.
        compared, kinks: numbers of entries compared and left out at kinks.
        method: how the reference was made.
        entry, got, expected: the worst disagreeing entry.
    """

    kind: str
    worst: float = 0.0
    compared: int = 0
    kinks: int = 0
    method: str = ""
    entry: tuple[int, ...] = ()
    got: Any = None
    expected: Any = None
    reason: str = ""


def compare_full(pair: Pair, values: Mapping[str, Any]) -> Outcome:
    """Every entry of the derivative at one point."""
    values = dict(values)
    estimate = derivative(pair.base, values, pair.name, pair.use_complex)
    got, reason = evaluated(pair.result, values)
    if got is None or got.shape != estimate.value.shape:
        shown = f"has shape {got.shape}, not {estimate.value.shape}" if got is not None else reason
        return _broken(estimate.method, shown, estimate.value, estimate.error)
    expected, error, got = (_mirror(a, pair.mirrored) for a in (estimate.value, estimate.error, got))
    first = judge(got, expected, error, estimate.method, np.zeros(got.shape, bool))
    if first.kind == "agrees":
        return first
    method = estimate.method
    if method == "complex step":  # a second opinion; where it shares the first, the first is the sharper
        second = central_differences(pair.base, values, pair.name)
        value, spread = _mirror(second.value, pair.mirrored), _mirror(second.error, pair.mirrored)
        if value.shape == expected.shape and _mismatch(value, expected, spread, "central differences").any():
            expected, error, method = value, spread, second.method
    bad = _mismatch(got, expected, error, method)
    lead = expected.ndim - np.ndim(values[pair.name])
    columns = np.nonzero(bad.reshape((*bad.shape[:lead], -1)).any(axis=tuple(range(lead))))[0]
    kinks = np.zeros((*expected.shape[:lead], np.size(values[pair.name])), bool)
    for k in columns:
        kinks[..., k] = kinked(entry_line(pair.base, values, pair.name, int(k)))
    kinks = _mirror(kinks.reshape(expected.shape).astype(float), pair.mirrored) > 0
    error = error + _rounding(pair, values, got)
    return judge(got, expected, error, method, kinks)


def compare_along(pairs: list[Pair], values: Mapping[str, Any], direction: Mapping[str, np.ndarray]) -> Outcome:
    """`Σ_x ∂f/∂x · v_x` of all results at once against one directional derivative of the common base."""
    values = dict(values)
    base = pairs[0].base
    total: Any = 0.0
    noise: Any = 0.0
    for pair in pairs:
        got, reason = evaluated(pair.result, values)
        v = direction[pair.name]
        if got is None or got.shape[got.ndim - v.ndim :] != v.shape:
            shown = f"has shape {got.shape}" if got is not None else reason
            return _broken("directional", f"{pair.label} {shown}", np.ones(1), np.zeros(1))
        total = total + np.tensordot(got, v, axes=v.ndim)
        noise = noise + np.tensordot(np.abs(got), np.abs(v), axes=v.ndim) * 1e-13
    return judge_along(base, values, direction, np.asarray(total), all(p.use_complex for p in pairs), noise)


def judge_along(
    base: Function, values: Mapping[str, Any], direction: Mapping[str, Any], got: np.ndarray, use_complex: bool, noise: Any = 0.0
) -> Outcome:
    """A directional derivative against differences of the base along the direction."""
    estimate = along(base, values, direction, 1, use_complex)
    if got.shape != estimate.value.shape:
        return _broken(estimate.method, f"has shape {got.shape}, not {estimate.value.shape}", estimate.value, estimate.error)
    error = estimate.error + noise
    first = judge(got, estimate.value, error, estimate.method, np.zeros(got.shape, bool))
    if first.kind == "agrees":
        return first
    line: Line = direction_line(base, values, direction)
    kinks = np.broadcast_to(kinked(line), got.shape)
    return judge(got, estimate.value, error, estimate.method, kinks)


def _broken(method: str, reason: str, expected: np.ndarray, error: np.ndarray) -> Outcome:
    """The result cannot even be compared: a disagreement, unless the original has no derivative here either."""
    if not np.all(np.isfinite(expected)) or not np.all(np.isfinite(error)):
        return Outcome("vague", method=method, reason=reason)
    return Outcome("differs", worst=float("inf"), method=method, reason=reason)


def evaluated(function: Function, values: dict[str, Any]) -> tuple[np.ndarray | None, str]:
    try:
        return np.asarray(function(values), dtype=float), ""
    except Exception as error:  # whatever emitted code raises is a failure of the derivative, to be reported as one
        return None, f"raised {type(error).__name__}: {error}"


def _mirror(array: np.ndarray, mirrored: bool) -> np.ndarray:
    return array + np.swapaxes(array, -1, -2) if mirrored else array


def _scale(expected: np.ndarray, error: np.ndarray) -> float:
    good = np.isfinite(expected) & np.isfinite(error)
    return float(np.max(np.abs(expected), initial=0.0, where=good))


def _mismatch(got: np.ndarray, expected: np.ndarray, error: np.ndarray, method: str, loose: float = 1.0) -> np.ndarray:
    scale = _scale(expected, error)
    with np.errstate(all="ignore"):
        return ~(np.abs(got - expected) <= loose * (RTOL[method] * scale + ATOL[method]) + 4 * error)


def judge(
    got: np.ndarray, expected: np.ndarray, error: np.ndarray, method: str, kinks: np.ndarray, loose: float = 1.0
) -> Outcome:
    """The verdict on one array, given the reference, its error estimate and the entries that are at a kink."""
    scale = _scale(expected, error)
    vague = ~(4 * error <= VAGUE * scale + ATOL[method] * 10 * loose)
    bad = _mismatch(got, expected, np.where(np.isfinite(error), error, 0.0), method, loose)
    told = ~vague & ~kinks
    found = bad & told
    left_out = int(np.count_nonzero(kinks & bad))
    with np.errstate(all="ignore"):
        relative = np.abs(got - expected) / (scale + ATOL[method] / RTOL[method])
    if found.any():
        entry = np.unravel_index(int(np.argmax(np.where(found, np.nan_to_num(relative, nan=np.inf), -1.0))), got.shape)
        where = tuple(int(i) for i in entry)
        worst = float(np.nan_to_num(relative[where], nan=np.inf))
        return Outcome("differs", worst, int(told.sum()), left_out, method, where, float(got[where]), float(expected[where]))
    compared = told & ~bad
    worst = float(np.max(relative, initial=0.0, where=compared))
    if left_out:
        return Outcome("kink", worst, int(compared.sum()), left_out, method)
    if (vague & bad).any() or not compared.any():
        return Outcome("vague", worst, int(compared.sum()), left_out, method)
    return Outcome("agrees", worst, int(compared.sum()), left_out, method)


def _rounding(pair: Pair, values: dict[str, Any], got: np.ndarray) -> Any:
    """How far the result moves when its inputs move by a few units in the last place: what rounding can do to it."""
    rng = np.random.default_rng(0)
    moved = {}
    for name, x in values.items():
        x = np.asarray(x)
        factor = 1 + 1e-15 * rng.choice([-1.0, 1.0], x.shape)
        if x.ndim >= 2 and np.array_equal(x, np.swapaxes(x, -1, -2)):
            factor = np.maximum(factor, np.swapaxes(factor, -1, -2))
        moved[name] = x * factor if x.dtype.kind == "f" else x
    other, _ = evaluated(pair.result, moved)
    if other is None or other.shape != got.shape:
        return 0.0
    with np.errstate(all="ignore"):
        change = np.abs(_mirror(other, pair.mirrored) - got)
    return np.where(np.isfinite(change), 100 * np.max(change, initial=0.0, where=np.isfinite(change)), 0.0)
