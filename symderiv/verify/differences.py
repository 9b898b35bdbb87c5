"""Derivatives of a black box by differences: complex step, extrapolated central differences, along a direction.

    complex step     f'(x) ≈ Im f(x + ih) / h                        no subtraction: exact to rounding
    central          f'(x) ≈ (4 D(h/2) - D(h)) / 3                    with an estimate of its error, per entry
    along v, order k dᵏ/dtᵏ f(x + tv) by Cauchy's integral on a small circle, checked by central differences

A complex step is only as good as the code that is fed complex numbers (a `.real` in it gives silent zeros), so every use is
checked along one random direction by central differences, and given up when the two disagree.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Var
from ..expr.walk import postorder

Function = Callable[[dict[str, Any]], Any]
Line = Callable[[float], np.ndarray]

TINY = 1e-30
_STEP = {1: 4e-3, 2: 2e-2, 3: 6e-2, 4: 1e-1}
_EPS = float(np.finfo(float).eps)
FAILS = (ArithmeticError, ValueError, IndexError, TypeError, NotImplementedError, Warning, SymDerivError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Estimate:
    """A derivative of shape `out.shape + wrt.shape`, an error estimate of the same shape, and the method's name."""

    value: np.ndarray
    error: np.ndarray
    method: str


def function_of(words: Node, problem_vars: Iterable[Var], sizes: Mapping[Any, int]) -> Function:
    """The words as a function of the dict of values."""
    from ..code.numpy import numpy_function

    return bind(numpy_function(words, list(problem_vars)), sizes)


def bind(function: Callable[..., Any], sizes: Mapping[Any, int]) -> Function:
    """A function of keyword arrays (and sizes, `n=4`) as a function of the dict of values; it is given what it takes."""
    parameters = _parameters(function)
    known = {getattr(s, "name", None) or str(s): k for s, k in sizes.items()}
    if parameters is not None:
        known = {s: k for s, k in known.items() if s in parameters}
        names = [n for n in parameters if n not in known]

        def chosen(values: dict[str, Any]) -> Any:
            return function(**known, **{n: values[n] for n in names if n in values})

        return chosen

    def call(values: dict[str, Any]) -> Any:
        return function(**{**known, **values})

    return call


@lru_cache(maxsize=4_000)
def _parameters(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The names of a function's parameters; None where it takes any."""
    found = inspect.signature(function).parameters
    return None if any(p.kind is p.VAR_KEYWORD for p in found.values()) else tuple(found)


def analytic(words: Node) -> bool:
    """Whether every operation takes a complex step."""
    return all(n.op.analytic for n in postorder(words) if isinstance(n, Call))


def derivative(f: Function, values: Mapping[str, Any], name: str, use_complex: bool = False) -> Estimate:
    """`∂f/∂x` for `x = values[name]`, every entry: an array of shape `out.shape + x.shape`.

    Args:
        use_complex: try the complex step first.
    """
    if use_complex:
        full = complex_step(f, values, name)
        if full is not None:
            return Estimate(full, 64 * _EPS * np.abs(full), "complex step")
    return central_differences(f, values, name)


def complex_step(f: Function, values: Mapping[str, Any], name: str) -> np.ndarray | None:
    """`Im f(x + ih e_k)/h` for every entry `k`; None where the code cannot take it or a central difference contradicts it."""
    base = np.asarray(values[name], dtype=float)
    columns = []
    for k in range(base.size):
        x = base.astype(complex).reshape(-1)
        x[k] += 1j * TINY
        try:
            y = np.asarray(f({**values, name: x.reshape(base.shape)}))
        except FAILS:
            return None
        columns.append(np.imag(y) / TINY)
    full = np.stack(columns, axis=-1).reshape(columns[0].shape + base.shape)
    direction = np.cos(1.0 + 2.0 * np.arange(base.size)).reshape(base.shape)  # any vector with no zero and no pattern
    expected, error = central_along(f, values, {name: direction})
    found = np.tensordot(full, direction, axes=base.ndim)
    scale = float(np.max(np.abs(expected), initial=0.0))
    if not np.all(np.abs(found - expected) <= 1e-5 * scale + 1e-8 + 4 * error):
        return None
    return full


def central_differences(f: Function, values: Mapping[str, Any], name: str) -> Estimate:
    """Extrapolated central differences by every entry."""
    base = np.asarray(values[name], dtype=float)
    columns, errors = [], []
    for k in range(base.size):
        value, error = line_derivative(entry_line(f, values, name, k), 1, _STEP[1] * max(0.25, abs(float(base.reshape(-1)[k]))))
        columns.append(value)
        errors.append(error)
    columns, errors = list(np.broadcast_arrays(*columns)), list(np.broadcast_arrays(*errors))  # NaN () where f has no value
    shape = columns[0].shape + base.shape
    return Estimate(np.stack(columns, axis=-1).reshape(shape), np.stack(errors, axis=-1).reshape(shape), "central differences")


def entry_line(f: Function, values: Mapping[str, Any], name: str, k: int) -> Line:
    """`t -> f(x + t e_k)`."""
    base = np.asarray(values[name], dtype=float)

    def line(t: float) -> np.ndarray:
        x = base.copy().reshape(-1)
        x[k] += t
        return _value(f, {**values, name: x.reshape(base.shape)})

    return line


def direction_line(f: Function, values: Mapping[str, Any], direction: Mapping[str, np.ndarray]) -> Callable[[Any], np.ndarray]:
    """`t -> f(x + t v)` for a direction over several variables; `t` may be complex."""
    base = {name: np.asarray(values[name], dtype=float) for name in direction}

    def line(t: Any) -> np.ndarray:
        return _value(f, {**values, **{name: base[name] + t * v for name, v in direction.items()}})

    return line


def _value(f: Function, values: dict[str, Any]) -> np.ndarray:
    try:
        return np.asarray(f(values))
    except FAILS:
        return np.asarray(np.nan)


def line_derivative(line: Line, order: int, step: float, rounds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The `order`-th derivative of `line` at 0 and its error estimate, entry by entry.

    Two steps are extrapolated (`(4 D(h/2) - D(h))/3`); where they disagree, the step is made smaller.
    """
    best, worst = _extrapolated(line, order, step)
    for _ in range(rounds - 1):
        if np.all(worst <= 1e-7 * float(np.max(np.abs(best), initial=0.0)) + 1e-10):
            break
        step /= 16 if order == 1 else 4
        value, error = _extrapolated(line, order, step)
        best, worst = np.where(error < worst, value, best), np.minimum(error, worst)
    return best, worst


def _extrapolated(line: Line, order: int, h: float) -> tuple[np.ndarray, np.ndarray]:
    if order > 1:
        line = cache(line)
    coarse, size = _central(line, order, h)
    fine, _ = _central(line, order, h / 2)
    value = fine + (fine - coarse) / 3
    noise = 2**order * 8 * _EPS * size / (h / 2) ** order
    if order > 1:
        finer, _ = _central(line, order, h / 4)
        second = finer + (finer - fine) / 3
        return _cleaned(second + (second - value) / 15, np.abs(second - value) + 2**order * noise)
    return _cleaned(value, np.abs(fine - coarse) / 3 + noise)


def _cleaned(value: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    good = np.isfinite(value) & np.isfinite(error)
    return np.where(good, value, 0.0), np.where(good, error, np.inf)


def _central(line: Line, order: int, h: float) -> tuple[np.ndarray, np.ndarray]:
    """`Σ_i (-1)^i C(k,i) f((k/2 - i)h) / h^k`, and the size of the values that were subtracted."""
    total: Any = 0.0
    size: Any = 0.0
    for i in range(order + 1):
        y = line((order / 2 - i) * h)
        total = total + (-1) ** i * math.comb(order, i) * y
        size = np.maximum(size, np.abs(y))
    return np.asarray(total / h**order), np.asarray(size)


def central_along(
    f: Function, values: Mapping[str, Any], direction: Mapping[str, np.ndarray], order: int = 1, rounds: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """`dᵏ/dtᵏ f(x + tv)` at 0 by central differences, and its error estimate."""
    length = max(float(np.max(np.abs(v), initial=0.0)) for v in direction.values()) or 1.0
    return line_derivative(direction_line(f, values, direction), order, _STEP.get(order, 0.1) / length, rounds)


def along(
    f: Function, values: Mapping[str, Any], direction: Mapping[str, np.ndarray], order: int = 1, use_complex: bool = False
) -> Estimate:
    """`dᵏ/dtᵏ f(x + tv)` at `t = 0`: an array of the shape of `f`.

    With `use_complex`, Cauchy's integral `k!/(m rᵏ) Σ_j f(x + r e^{iθ_j} v) e^{-ikθ_j}` on a small circle; central
    differences judge it, and replace it when the code turns out not to be analytic.
    """
    value, error = central_along(f, values, direction, order, 1 if use_complex else 3)
    if use_complex:
        exact = _cauchy(f, values, direction, order)
        if exact is not None and exact.shape == value.shape:
            scale = float(np.max(np.abs(value), initial=0.0))
            if np.all(np.abs(exact - value) <= 1e-4 * scale + 1e-7 + 4 * error):
                noise = _EPS * math.factorial(order) / 1e-2**order * 16
                return Estimate(exact, noise * (1.0 + np.abs(_value(f, dict(values)))), "complex step")
        value, error = central_along(f, values, direction, order)
    return Estimate(value, error, "central differences")


def _cauchy(f: Function, values: Mapping[str, Any], direction: Mapping[str, np.ndarray], order: int) -> np.ndarray | None:
    length = max(float(np.max(np.abs(v), initial=0.0)) for v in direction.values()) or 1.0
    line = direction_line(f, values, direction)
    if order == 1:
        return np.imag(line(1j * TINY)) / TINY
    radius, points = 1e-2 / length, 8
    total: Any = 0.0
    for j in range(points // 2):  # the lower half circle holds the conjugates
        theta = 2 * np.pi * (j + 0.5) / points
        total = total + 2 * np.real(line(radius * np.exp(1j * theta)) * np.exp(-1j * order * theta))
    out = np.asarray(total) * math.factorial(order) / (points * radius**order)
    return out if np.all(np.isfinite(out)) else None


def kinked(line: Line) -> np.ndarray:
    """Where `t -> line(t)` has a kink, a jump or the edge of its domain at 0, entry by entry.

    One-sided slopes at 1e-5 and 1e-6: of a smooth function they approach each other in proportion to the step.
    """
    here = line(0.0)
    gaps = []
    for h in (1e-5, 1e-6):
        right, left = (line(h) - here) / h, (here - line(-h)) / h
        gaps.append(np.abs(right - left))
        scale = np.maximum(np.abs(right), np.abs(left))
    noise = 32 * _EPS * np.abs(here) / 1e-6
    smooth = (gaps[1] <= 1e-3 * scale + noise + 1e-8) | (gaps[1] <= 0.5 * gaps[0])
    return ~smooth | ~np.isfinite(scale)
