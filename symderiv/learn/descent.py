"""Gradient descent on a quadratic: which steps converge, shown on either side of the limit `2/λ_max`.

For `f = ½ xᵀ A x` the engine's gradient is `A x`, so a step is `x ← (I - α A) x`: along an eigenvector with eigenvalue λ every
step multiplies by `1 - α λ`, and all of them shrink if and only if `0 < α < 2/λ_max`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .extras import pyplot, save_figure

PARTS = (0.2, 0.5, 0.9, 1.0, 1.05)  # of the largest step, that are shown


def curvatures_of(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Eigenvalues of a quadratic that has a minimum.

    Raises:
        InputError: SD158 for one that has none.
    """
    c = np.asarray(values, dtype=float)
    if c.ndim != 1 or not len(c) or not np.all(np.isfinite(c)) or c.min() < 0 or c.max() <= 0:
        raise InputError(f"curvatures must be numbers from 0 on, one above 0, not {list(values)!r}", code="SD158")
    return c


def path(curvatures: Sequence[float] | np.ndarray, step: float, start: float = 1.0, steps: int = 50) -> np.ndarray:
    """The points of gradient descent on `½ Σ λ_i x_i²`, (steps + 1, n); the gradient is the engine's."""
    from ..api import derive
    from ..read.problem import parse

    c = curvatures_of(curvatures)
    gradient: Any = derive(parse("sum(c*x**2)/2", {"c": "n", "x": "n"}), "x").numpy()  # type: ignore[union-attr]
    points = [np.full(len(c), float(start))]
    for _ in range(steps):
        points.append(points[-1] - step * gradient(c=c, x=points[-1]))
    return np.array(points)


def descent(curvatures: Sequence[float] | np.ndarray, step: float, start: float = 1.0, steps: int = 50) -> np.ndarray:
    """The loss `½ Σ λ_i x_i²` along gradient descent: it falls to 0 if and only if `0 < step < 2/λ_max`."""
    return path(curvatures, step, start, steps) ** 2 @ curvatures_of(curvatures) / 2


def largest_step(gradient: Callable[[np.ndarray], np.ndarray], size: int, seed: int = 0) -> float | None:
    """`2/λ_max` of a quadratic, from its gradient as a function of one vector; None where it is not affine, so no quadratic.

    The Hessian's columns are differences of gradients, exact for a quadratic.
    """
    rng = np.random.default_rng(seed)
    at = gradient(np.zeros(size))
    u, v = rng.standard_normal((2, size))
    bent = gradient(u + v) - gradient(u) - gradient(v) + at
    if np.max(np.abs(bent)) > 1e-8 * (1 + np.max(np.abs(gradient(u)))):
        return None
    hessian = np.stack([gradient(e) - at for e in np.eye(size)])
    top = float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])
    return 2 / top if top > 0 else None


def verdict(curvatures: Sequence[float] | np.ndarray, step: float) -> str:
    """converges, diverges, or stays: by the largest `|1 - step λ|` over the eigenvalues that are not 0."""
    c = curvatures_of(curvatures)
    factor = float(np.max(np.abs(1 - step * c[c > 0])))
    return "converges" if factor < 1 - 1e-12 else "diverges" if factor > 1 + 1e-12 else "neither"


def draw_descent(path_: str, curvatures: Sequence[float] | np.ndarray = (1.0, 4.0), steps: int = 50) -> None:
    """The loss on either side of the largest step, and for two eigenvalues the path over the level lines.

    Needs the extra `plot`.
    """
    c = curvatures_of(curvatures)
    limit = 2 / c.max()
    plt = pyplot()
    plane = len(c) == 2 and c.min() > 0
    figure, axes = plt.subplots(1, 1 + plane, figsize=(5.4 * (1 + plane), 3.9), squeeze=False, layout="constrained")
    ax = axes[0, 0]
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.75, len(PARTS) - 2)).tolist()
    colours += ["#888", "#c0392b"]
    for part, colour in zip(PARTS, colours, strict=True):
        with np.errstate(over="ignore"):
            losses = descent(c, part * limit, steps=steps)
        ax.plot(
            losses, color=colour, linewidth=1.7, label=f"α = {part * limit:.3g} = {part:g} · 2/λ_max: {verdict(c, part * limit)}"
        )
    ax.set_yscale("log")
    ax.set(
        xlabel="step", ylabel="loss", title=f"½ Σ λᵢ xᵢ² with λ = {', '.join(f'{x:g}' for x in c[:4])}{'…' if len(c) > 4 else ''}"
    )
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if plane:
        _draw_paths(axes[0, 1], c, limit, colours)
    save_figure(figure, path_)


def _draw_paths(ax: Any, c: np.ndarray, limit: float, colours: list) -> None:
    x, y = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-1.6, 1.6, 200))
    ax.contour(x, y, (c[0] * x**2 + c[1] * y**2) / 2, levels=12, colors="#bbb", linewidths=0.7)
    for part, colour in ((PARTS[0], colours[0]), (PARTS[2], colours[2]), (PARTS[4], colours[4])):
        points = path(c, part * limit, steps=5)
        ax.plot(points[:, 0], points[:, 1], "o-", color=colour, markersize=3.2, linewidth=1.3, label=f"α = {part * limit:.3g}")
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xlabel="x₁", ylabel="x₂", title="five steps from (1, 1)")
    ax.legend(frameon=False, fontsize=8, loc="upper left")


__all__ = ["PARTS", "curvatures_of", "descent", "draw_descent", "largest_step", "path", "verdict"]
