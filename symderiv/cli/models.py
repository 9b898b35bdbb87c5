"""`symderiv models`."""

from __future__ import annotations

from typing import Any

import click

from .steps import steps_options


@click.command()
@click.argument("name", required=False)
@click.option("--activation", metavar="NAME", help="Of a perceptron or a layer: sigmoid, tanh, relu, gelu, …")
@click.option("--l1", is_flag=True, help="Add the penalty lam1 Σ|W|.")
@click.option("--l2", is_flag=True, help="Add the penalty lam2/2 Σ W²; with --l1 the elastic net.")
@click.option("--text", "only_text", is_flag=True, help="Print the problem only, to be saved as a .sd file.")
@click.option("--origin", is_flag=True, help="How the loss comes about: from the likelihood, or from the divergence (kl).")
@click.option("--code", is_flag=True, help="Print a NumPy module with the gradients.")
@click.option(
    "--sizes", is_flag=True, help="The size under every factor: of a layer, of a perceptron's every layer, of the gradients."
)
@click.option(
    "--dims", default="", metavar="SIZES", help="With --sizes: a perceptron's sizes in numbers, input first, as 784,100,10."
)
@click.option(
    "--format", "format_", type=click.Choice(["text", "latex", "markdown", "html", "json"]), default="text", show_default=True
)
@steps_options
def models(name, activation, l1, l2, only_text, origin, code, sizes, dims, format_, **how) -> None:  # type: ignore[no-untyped-def]
    """List the models of the library, or show one: its problem, how it comes about, its derivatives, their derivation, code.

    \b
    Examples:
      symderiv models
      symderiv models softmax
      symderiv models softmax --origin
      symderiv models softmax --steps
      symderiv models perceptron-4 --activation gelu
      symderiv models perceptron-3 --sizes --dims 784,100,50,10
      symderiv models layer --sizes --format latex
      symderiv models softmax --l2 --text > softmax.sd
    """
    from ..learn.models import models as library
    from .show import show

    if name is None:
        show([], [(m.name, [m.title]) for m in library.values()] + [("perceptron-L", ["any number of layers L"])])
        return
    if sizes:
        click.echo(_sizes(name, activation, dims, format_), nl=False)
        return
    model = _chosen(name, activation).regularised(l1, l2)
    if origin:
        click.echo(model.origin().write(format_, how["standalone"]), nl=format_ == "json")
    elif only_text:
        click.echo(model.text)
    elif code:
        click.echo(model.gradients().source(), nl=False)
    elif how["steps"] or how["pdf"]:
        from .steps import show_steps

        show_steps(model.gradients(), format_, how)
    else:
        _show(model, format_)


def _chosen(name: str, activation: str | None) -> Any:
    from ..errors import InputError
    from ..learn.models import models as library

    model = library[name]
    if activation is None:
        return model
    if not name.startswith("perceptron-"):
        raise InputError(f"{name} has no activation to choose", code="SD151", hint="use perceptron-2, perceptron-3, …")
    return library.perceptron(int(name.removeprefix("perceptron-")), activation)


def _sizes(name: str, activation: str | None, dims: str, format_: str) -> str:
    from ..learn.layer_sizes import layer_sizes, network_sizes, sized_gradients, write_equations

    if name == "layer":
        return write_equations(layer_sizes(activation or "relu"), format_)
    model = _chosen(name, activation)
    if name.startswith("perceptron-"):
        numbers = [p.strip() for p in dims.split(",")] if dims else []
        if not all(p.isdigit() for p in numbers):
            raise click.BadParameter(f"{dims!r} is not a list of whole numbers, as 784,100,10", param_hint="--dims")
        layers = int(name.removeprefix("perceptron-"))
        return write_equations(network_sizes(layers, activation or "relu", [int(p) for p in numbers] or None), format_)
    return sized_gradients(model.gradients(), format_)


def _show(model: Any, format_: str) -> None:
    from ..learn.model_text import is_long, lines_of
    from ..write.report import derivatives_of
    from .show import rows_of, show, show_derivatives

    gradients = model.gradients()
    if format_ == "latex":
        from ..learn.tables import LatexPen

        click.echo("\n".join(lines_of(gradients, LatexPen())))
    elif format_ == "markdown":
        from ..write.markdown import to_markdown

        click.echo(f"# {model.title}\n\n```\n{model.text}\n```\n\n{model.says}\n\n{to_markdown(gradients)}")
    elif format_ == "json":
        from ..write.json import to_json

        click.echo(to_json(gradients))
    elif format_ == "html":
        click.echo(gradients.html())
    else:
        show([model.title, "", *model.text.split("\n")], [("says", [model.says])])
        click.echo()
        if not is_long(gradients):
            show_derivatives(gradients)
            return
        rows = [(t, lines_of(gradients, code=True) if t == "code" else lines) for t, lines in rows_of(derivatives_of(gradients))]
        show(lines_of(gradients), rows)


__all__ = ["models"]
