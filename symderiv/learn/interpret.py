"""Three readings of a linear classifier, and its limits: scores, templates, hyperplanes; XOR and the bull's-eye."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .extras import pyplot, save_figure

if TYPE_CHECKING:
    from .train.run import Trained


def xor(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of the square [-1, 1]² with the label 1 where the signs of the coordinates differ."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, (X[:, 0] * X[:, 1] < 0).astype(int)


def bulls_eye(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A disc (label 1) inside a ring (label 0), as many points of each."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    radius = np.where(y == 1, rng.uniform(0, 0.5, n), rng.uniform(0.75, 1, n))
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def draw_templates(trained: Trained, path: str, shape: tuple[int, int] | None = None) -> None:
    """Each column of `W` as an image: what a class looks for (needs the extra `plot`).

    Raises:
        InputError: SD159 for a model without one weight matrix, or columns that are no images.
    """
    W = trained.parameters.get("W")
    if W is None or W.ndim != 2:
        raise InputError(f"{trained.model.name} has no single weight matrix W", code="SD159", hint="softmax or svm")
    side = round(W.shape[0] ** 0.5)
    shape = shape or (side, side)
    if shape[0] * shape[1] != W.shape[0]:
        raise InputError(f"{W.shape[0]} weights are not an image of {shape[0]}×{shape[1]}", code="SD159", hint="give shape=")
    plt = pyplot()
    columns = min(5, W.shape[1])
    rows = -(-W.shape[1] // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.7 * columns, 1.9 * rows), squeeze=False)
    largest = np.abs(W).max() or 1.0
    for k, ax in enumerate(axes.flat):
        ax.set_axis_off()
        if k < W.shape[1]:
            ax.imshow(W[:, k].reshape(shape), cmap="RdBu_r", vmin=-largest, vmax=largest)
            ax.set_title(trained.classes[k] if trained.classes else str(k), fontsize=10)
    figure.tight_layout()
    save_figure(figure, path)


def draw_regions(models: list[Trained], X: np.ndarray, y: np.ndarray, path: str) -> None:
    """The plane coloured by the predicted class, one panel for each model (needs the extra `plot`).

    Raises:
        InputError: SD159 for data that are not points of the plane.
    """
    if X.ndim != 2 or X.shape[1] != 2:
        raise InputError(f"regions are drawn for points of the plane, not for {X.shape}", code="SD159")
    plt = pyplot()
    figure, axes = plt.subplots(1, len(models), figsize=(3.9 * len(models), 3.7), squeeze=False)
    low, high = X.min(axis=0) - 0.15, X.max(axis=0) + 0.15
    a, b = np.meshgrid(np.linspace(low[0], high[0], 240), np.linspace(low[1], high[1], 240))
    for trained, ax in zip(models, axes.flat, strict=True):
        region = trained.predict(np.stack([a.ravel(), b.ravel()], axis=1)).reshape(a.shape)
        ax.contourf(a, b, region, levels=np.arange(-0.5, 9.5), cmap="Set1", alpha=0.2, vmin=0, vmax=8)
        ax.scatter(X[:, 0], X[:, 1], c=y, cmap="Set1", s=9, vmin=0, vmax=8)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.set_title(f"{trained.model.title}\naccuracy {trained.accuracy(X, y):.2f}", fontsize=9)
    figure.tight_layout()
    save_figure(figure, path)


def descent(curvatures: tuple[float, ...], step: float, start: float = 1.0, steps: int = 50) -> np.ndarray:
    """The loss `½ Σ λ_i x_i²` along gradient descent: it falls to 0 if and only if `0 < step < 2/λ_max`.

    Each coordinate is multiplied by `1 - step λ_i` in each step; the gradient is the engine's.
    """
    from ..api import derive
    from ..read.problem import parse

    problem = parse("sum(c*x**2)/2", {"c": "n", "x": "n"})
    gradient: Any = derive(problem, "x").numpy()
    c = np.asarray(curvatures, dtype=float)
    x = np.full(len(c), float(start))
    losses = [float(c @ x**2) / 2]
    for _ in range(steps):
        x = x - step * gradient(c=c, x=x)
        losses.append(float(c @ x**2) / 2)
    return np.array(losses)


def draw_descent(path: str, curvatures: tuple[float, ...] = (1.0, 4.0)) -> None:
    """Losses on either side of the largest step `2/λ_max` (needs the extra `plot`)."""
    plt = pyplot()
    figure, ax = plt.subplots(figsize=(5.6, 3.6))
    limit = 2 / max(curvatures)
    for part in (0.2, 0.9, 1.0, 1.05):
        ax.plot(descent(curvatures, part * limit), label=f"α = {part * limit:.3g} = {part:g} · 2/λ_max")
    ax.set_yscale("log")
    ax.set(xlabel="step", ylabel="loss", title=f"½ Σ λᵢ xᵢ² with λ = {', '.join(f'{c:g}' for c in curvatures)}")
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


__all__ = ["bulls_eye", "descent", "draw_descent", "draw_regions", "draw_templates", "xor"]
