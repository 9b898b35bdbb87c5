"""Loss and accuracy against the epoch, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..extras import pyplot, save_figure

if TYPE_CHECKING:
    from .run import Trained


def draw_curves(trained: Trained, path: str) -> None:
    """Two panels side by side: the loss (logarithmic if it falls tenfold), and training and test accuracy."""
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    left.plot(range(1, len(trained.losses) + 1), trained.losses, color="#1f5fa8", linewidth=1.6)
    if min(trained.losses) > 0 and max(trained.losses) > 10 * min(trained.losses):
        left.set_yscale("log")
    left.set(xlabel="epoch", ylabel="loss", title=trained.model.title)
    epochs, train, test = zip(*trained.history, strict=True)
    regression = trained.model.task == "regression"
    right.plot(epochs, train, color="#1f5fa8", label=f"training {train[-1]:.3f}")
    if test[-1] == test[-1]:  # not nan
        right.plot(epochs, test, color="#c8541a", label=f"held out {test[-1]:.3f}")
    right.set(xlabel="epoch", ylabel="R²" if regression else "accuracy", title=trained.data.name if trained.data else "")
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.tight_layout()
    save_figure(figure, path)
