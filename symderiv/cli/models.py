"""`symderiv models`."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", required=False)
@click.option("--activation", metavar="NAME", help="Of a perceptron: sigmoid, tanh, relu, gelu, …")
@click.option("--l1", is_flag=True, help="Add the penalty lam1 Σ|W|.")
@click.option("--l2", is_flag=True, help="Add the penalty lam2/2 Σ W²; with --l1 the elastic net.")
@click.option("--text", "only_text", is_flag=True, help="Print the problem only, to be saved as a .sd file.")
def models(name: str | None, activation: str | None, l1: bool, l2: bool, only_text: bool) -> None:
    """List the models of the library, or show one: its problem, how it comes about, and its derivatives.

    \b
    Examples:
      symderiv models
      symderiv models softmax
      symderiv models perceptron-4 --activation gelu
      symderiv models softmax --l2 --text > softmax.sd
    """
    from ..errors import InputError
    from ..learn.models import models as library
    from .show import show, show_derivatives

    if name is None:
        show([], [(m.name, [m.title]) for m in library.values()] + [("perceptron-L", ["any number of layers L"])])
        return
    model = library[name]
    if activation is not None:
        if not name.startswith("perceptron-"):
            raise InputError(f"{name} has no activation to choose", code="SD151", hint="use perceptron-2, perceptron-3, …")
        model = library.perceptron(int(name.removeprefix("perceptron-")), activation)
    model = model.regularised(l1, l2)
    if only_text:
        click.echo(model.text)
        return
    show([model.title, "", *model.text.split("\n")], [("says", [model.says])])
    click.echo()
    show_derivatives(model.gradients())


__all__ = ["models"]
