"""The options of `symderiv derive --steps`, and printing the derivation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def steps_options(function: F) -> F:
    """--steps and what goes with it, in this order in the help."""
    options = [
        click.option("--steps", is_flag=True, help="Print the derivation: how the result is found, step by step."),
        click.option(
            "--style",
            type=click.Choice(["differential", "index", "graph"]),
            default="differential",
            show_default=True,
            help="dL = ..., entries with sums and deltas, or upstream times local along the graph.",
        ),
        click.option(
            "--detail",
            type=click.Choice(["brief", "normal", "full"]),
            default="normal",
            show_default=True,
            help="How much is done in the head.",
        ),
        click.option("--standalone", is_flag=True, help="LaTeX: an article that compiles; HTML: a whole page."),
        click.option(
            "--pdf", type=click.Path(dir_okay=False, writable=True), metavar="FILE", help="Compile the derivation to FILE."
        ),
        click.option("--bold", is_flag=True, help="Vectors and matrices in bold."),
        click.option("--transpose", default=r"\top", show_default=True, metavar="TEX", help="Sign of a transpose in LaTeX."),
        click.option("--nabla", is_flag=True, help="Write gradients with a nabla."),
        click.option("--rename", multiple=True, metavar="NAME=TEX", help=r"How a variable is written, w=\theta; repeatable."),
        click.option("--samples", is_flag=True, help="Rows and entries of X as x_i and x_ij (index style)."),
        click.option("--update", default="", metavar="NAME", help="Add the update rule of gradient descent with this step size."),
        click.option("--stationary", is_flag=True, help="Add the equations that set the gradient to zero."),
        click.option("--shapes", is_flag=True, help="The shape under every result and every factor of a matrix product."),
    ]
    for decorate in reversed(options):
        function = decorate(function)
    return function


def show_steps(result: Any, format_: str, how: dict[str, Any]) -> None:
    """Print the derivation, or compile it."""
    options = {k: how[k] for k in ("bold", "transpose", "samples", "shapes", "update", "stationary")}
    options["derivative"] = "nabla" if how["nabla"] else "partial"
    options["rename"] = tuple(_pair(text) for text in how["rename"])
    style = {"style": how["style"], "detail": how["detail"]}
    if how["pdf"]:
        from ..write.derivation import write_pdf

        path = write_pdf(result.write_steps("latex", standalone=True, **style, **options), how["pdf"])
        click.echo(f"wrote {path}")
        return
    if format_ == "text":
        import shutil

        wide = shutil.get_terminal_size((100, 24)).columns if sys.stdout is not None and sys.stdout.isatty() else 100
        click.echo(result.write_steps("text", width=max(60, wide), **style, **options), nl=False)
        return
    click.echo(result.write_steps(format_, standalone=how["standalone"], **style, **options))


def refuse_without_steps(context: click.Context) -> None:
    """Options of a derivation are an error where none is asked for: they would be dropped without a word."""
    given = click.core.ParameterSource.COMMANDLINE
    for option in context.command.params:
        if option.name in _OF_STEPS and context.get_parameter_source(option.name) is given:
            raise click.UsageError(f"{option.opts[0]} goes with --steps: it is about how a derivation is written")


_OF_STEPS = frozenset(
    ("style", "detail", "standalone", "bold", "transpose", "nabla", "rename", "samples", "update", "stationary", "shapes")
)


def _pair(text: str) -> tuple[str, str]:
    name, equals, tex = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f'{text!r} is not NAME=TEX, as in "w=\\theta"', param_hint="--rename")
    return name.strip(), tex.strip()


__all__ = ["refuse_without_steps", "show_steps", "steps_options"]
