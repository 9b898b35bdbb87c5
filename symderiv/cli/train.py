"""`symderiv train`."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import click


@click.command()
@click.argument("model", metavar="MODEL|FILE.sd")
@click.option(
    "--data", required=True, metavar="NAME|FILE.csv", help="digits, iris, breast-cancer, xor, bulls-eye, or a CSV file."
)
@click.option(
    "--target", default="", metavar="COLUMN", help="Column of the CSV file to predict, by name or number (default: the last)."
)
@click.option("--epochs", type=click.IntRange(1), default=None, help="Passes over the data (default 300; perceptrons 40).")
@click.option("--batch", default=None, metavar="full|ROWS", help="Rows per step; 1 is stochastic (default full; perceptrons 32).")
@click.option("--step", type=float, default=None, help="Step size (default 0.5; perceptrons 0.1).")
@click.option("--decay", type=float, default=0.0, help="The step of epoch t is step/(1 + decay t).")
@click.option("--momentum", type=float, default=None, help="v ← momentum v - step ∂L/∂p (default 0; perceptrons 0.9).")
@click.option("--l1", type=float, default=0.0, help="Weight of Σ|W|.")
@click.option("--l2", type=float, default=None, help="Weight of Σ W²/2 (default 0; perceptrons 0.001).")
@click.option("--hidden", default="128", metavar="SIZES", help="Units of the hidden layers, as 64,32; one for all.")
@click.option("--activation", metavar="NAME", help="Of a perceptron: sigmoid, tanh, relu, gelu, …")
@click.option("--test", type=float, default=0.25, show_default=True, help="Part of the rows that is held out.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the split, the start and the batches.")
@click.option("--script", metavar="FILE.py", help="Write the script that ran: readable, alone, NumPy only.")
@click.option("--save", metavar="FILE.npz", help="Write the trained model.")
@click.option("--plot", metavar="FILE.png", help="Draw loss and accuracy (needs matplotlib).")
@click.option("--templates", metavar="FILE.png", help="Draw every class's weights as an image (softmax, svm).")
@click.option("--regions", metavar="FILE.png", help="Draw the plane coloured by the predicted class (two features).")
def train(
    model,
    data,
    target,
    epochs,
    batch,
    step,
    decay,
    momentum,
    l1,
    l2,
    hidden,
    activation,
    test,
    seed,
    script,
    save,
    plot,
    templates,
    regions,
):  # type: ignore[no-untyped-def]
    """Train a model with gradients that symderiv derives, and write the script that does it.

    \b
    Examples:
      symderiv train softmax --data digits
      symderiv train perceptron-2 --data digits --plot curves.png
      symderiv train logistic --data breast-cancer --batch 32 --decay 0.01 --save model.npz
      symderiv train svm --data flowers.csv --target species --script train_svm.py
      symderiv train softmax --data digits --templates templates.png
      symderiv train perceptron-2 --data xor --activation tanh --hidden 16 --epochs 300 --regions xor.png
    """
    from ..learn.extras import check_picture
    from ..learn.models import models
    from ..learn.train import load_data
    from ..learn.train import train as run

    for path in (plot, templates, regions):
        if path:
            check_picture(path)
    chosen = _model(model)
    network = chosen.name.startswith("perceptron-")
    given = {"epochs": epochs, "batch": batch, "step": step, "momentum": momentum, "l2": l2}
    usual = {"epochs": 40, "batch": 32, "step": 0.1, "momentum": 0.9, "l2": 1e-3} if network else {"l2": 0.0}
    settings = {**usual, **{k: v for k, v in given.items() if v is not None}}
    loaded = load_data(data, chosen.task or "classes", target, test, seed)
    if activation and network:
        chosen = models.perceptron(int(chosen.name.partition("-")[2]), activation)
        activation = None
    with _progress(settings.get("epochs", 300)) as report:
        trained = run(chosen, data=loaded, report=report, every=_every(settings.get("epochs", 300)), decay=decay, l1=l1,
                      seed=seed, hidden=_sizes(hidden), activation=activation, **settings)  # fmt: skip
    _tell(trained, settings.get("momentum", 0.0))
    if script:
        _write(script, trained.script)
    if save:
        trained.save(save)
        click.echo(f"wrote {save}", err=True)
    for path, draw in ((plot, trained.plot), (templates, _templates(trained)), (regions, _regions(trained))):
        if path:
            draw(path)
            click.echo(f"wrote {path}", err=True)


def _templates(trained):  # type: ignore[no-untyped-def]
    from ..learn.interpret import draw_templates

    return lambda path: draw_templates(trained, path)


def _regions(trained):  # type: ignore[no-untyped-def]
    from ..learn.interpret import draw_regions

    def draw(path: str) -> None:
        X, y = trained.data.raw
        draw_regions([trained], X, y, path)

    return draw


def _model(name: str):  # type: ignore[no-untyped-def]
    from ..api import load
    from ..learn.models import models, own_model

    return own_model(load(name).source) if name.endswith(".sd") else models[name]


def _sizes(text: str) -> int | list[int]:
    parts = [p.strip() for p in text.split(",")]
    if not all(p.isdigit() for p in parts):
        raise click.BadParameter(f"{text!r} is not a list of whole numbers, as 64,32", param_hint="--hidden")
    return int(parts[0]) if len(parts) == 1 else [int(p) for p in parts]


def _every(epochs: int) -> int:
    return max(1, epochs // (50 if sys.stdout is not None and sys.stdout.isatty() else 10))


def _tell(trained, momentum: float) -> None:  # type: ignore[no-untyped-def]
    from .show import show

    limit = "2(1 + momentum)/λ_max" if momentum else "2/λ_max"
    measure = "R²" if trained.model.task == "regression" else "accuracy"
    data = trained.data
    held = (
        f"{measure} {trained.test_accuracy:.4f} on {len(data.X_test)} held out rows" if len(data.X_test) else "no rows held out"
    )
    show([f"{trained.model.title}: {held}"],
         [("training", [f"{measure} {trained.train_accuracy:.4f} on {len(data.X)} rows, loss {trained.losses[-1]:.6g}"]),
          ("gradients", [f"derived; worst relative difference to finite differences at the start {trained.gradient_error:.1e}"]),
          *([("step", [f"the loss is quadratic: full-batch steps below {limit} = {trained.largest_step:.4g} converge"])]
           if trained.largest_step else []),
         ("time", [f"{trained.seconds:.2f} s for {len(trained.losses)} epochs"])])  # fmt: skip


def _write(path: str, text: str) -> None:
    from ..errors import CodeError

    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise CodeError(f"cannot write {path}: {error.strerror}", code="SD510") from None
    click.echo(f"wrote {path}", err=True)


@contextmanager
def _progress(epochs: int):  # type: ignore[no-untyped-def]
    """A bar on a terminal, lines in a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        yield lambda epoch, loss, train, test: click.echo(
            f"epoch {epoch:5d}  loss {loss:<12.6g}  training {train:<8.4g}  held out {test:.4g}"
        )
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=epochs)
        yield lambda epoch, loss, train, test: bar.update(
            task, completed=epoch, description=f"loss {loss:.4g}  training {train:.4g}  held out {test:.4g}"
        )


__all__ = ["train"]
