"""Three readings of a linear classifier (scores, templates, hyperplanes) and its limits: XOR and the bull's-eye."""

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
    """Each column of `W` as an image: what a class looks for, in red, and what speaks against it, in blue.

    Needs the extra `plot`. Weights are shown for raw values, as they act on the picture that is classified.

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
    if trained.scale is not None:
        W = W / trained.scale[:, None]
    plt = pyplot()
    columns = min(5, W.shape[1])
    rows = -(-W.shape[1] // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.7 * columns, 1.9 * rows), squeeze=False, layout="constrained")
    largest = np.abs(W).max() or 1.0
    for k, ax in enumerate(axes.flat):
        ax.set_axis_off()
        if k < W.shape[1]:
            image = ax.imshow(W[:, k].reshape(shape), cmap="RdBu_r", vmin=-largest, vmax=largest)
            ax.set_title(trained.classes[k] if trained.classes else str(k), fontsize=11)
    figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02, label="weight")
    save_figure(figure, path)


def draw_regions(models: list[Trained], X: np.ndarray, y: np.ndarray, path: str) -> None:
    """The plane coloured by the predicted class, one panel for each model; lines where two scores are equal.

    Needs the extra `plot`. For a linear model of two classes, an arrow shows the normal of the separating line.

    Raises:
        InputError: SD159 for data that are not points of the plane.
    """
    if X.ndim != 2 or X.shape[1] != 2:
        raise InputError(f"regions are drawn for points of the plane, not for {X.shape}", code="SD159")
    plt = pyplot()
    figure, axes = plt.subplots(1, len(models), figsize=(3.9 * len(models), 4), squeeze=False, layout="constrained")
    margin = 0.08 * np.ptp(X, axis=0)
    low, high = X.min(axis=0) - margin, X.max(axis=0) + margin
    a, b = np.meshgrid(np.linspace(low[0], high[0], 240), np.linspace(low[1], high[1], 240))
    for trained, ax in zip(models, axes.flat, strict=True):
        region = trained.predict(np.stack([a.ravel(), b.ravel()], axis=1)).reshape(a.shape)
        ax.contourf(a, b, region, levels=np.arange(-0.5, 9.5), cmap="Set1", alpha=0.2, vmin=0, vmax=8)
        if region.max() > region.min():
            ax.contour(a, b, region, levels=np.arange(0.5, 9.5), colors="#333", linewidths=1.1)
        ax.scatter(X[:, 0], X[:, 1], c=y, cmap="Set1", s=10, vmin=0, vmax=8, edgecolors="white", linewidths=0.25)
        _normal(trained, ax, low, high)
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        ax.set_title(f"{trained.model.title}\naccuracy {trained.accuracy(X, y):.2f}", fontsize=10)
    save_figure(figure, path)


def _normal(trained: Trained, ax: Any, low: np.ndarray, high: np.ndarray) -> None:
    """The normal `w₁ - w₀` of the line between two classes of a linear model, from its point nearest to the middle."""
    W, c = trained.parameters.get("W"), trained.parameters.get("b")
    if W is None or c is None or W.shape != (2, 2) or trained.scale is None or trained.mean is None:
        return
    w = (W[:, 1] - W[:, 0]) / trained.scale
    offset = c[1] - c[0] - w @ trained.mean
    middle = (low + high) / 2
    foot = middle - (w @ middle + offset) * w / (w @ w)
    if np.all((low < foot) & (foot < high)):
        tip = foot + 0.18 * np.ptp([low, high]) * w / np.linalg.norm(w)
        ax.annotate("", tip, foot, arrowprops={"arrowstyle": "-|>", "color": "#111", "linewidth": 1.5})


__all__ = ["bulls_eye", "draw_regions", "draw_templates", "xor"]
