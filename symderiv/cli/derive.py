"""`symderiv derive`."""

from __future__ import annotations

from typing import Any

import click

from .options import ExpressionCommand, layout_option, one_or_more, problem_arguments, read_problem
from .steps import refuse_without_steps, steps_options


@click.command(cls=ExpressionCommand)
@problem_arguments
@click.option("--order", type=click.IntRange(1, 6), default=1, show_default=True, help="1: gradient or Jacobian, 2: Hessian.")
@layout_option
@click.option(
    "--symmetric",
    type=click.Choice(["plain", "constrained"]),
    default="plain",
    show_default=True,
    help="Convention for a variable that is declared symmetric.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "latex", "markdown", "html", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@steps_options
@click.option("--check/--no-check", default=True, help="Certify against finite differences of the original (default), or not.")
def derive(
    expression: str,
    wrt: tuple[str, ...],
    declarations: tuple[str, ...],
    name: str | None,
    order: int,
    layout: str,
    symmetric: str,
    format_: str,
    check: bool,
    **how: Any,
) -> None:
    """Differentiate an expression, simplify, and certify the result.

    The expression is in the input language (a subset of NumPy), a problem file, or - for standard input.

    \b
    Examples:
      symderiv derive "sum((X @ w - y)**2)" --wrt w
      symderiv derive "x @ A @ x" --wrt x --order 2 --var "A: n,n symmetric"
      symderiv derive "logdet(A)" --wrt A --format latex
      symderiv derive ridge.sd --wrt w --wrt lam --name L
      symderiv derive "sum((X @ w - y)**2)" --wrt w --steps --style index
      symderiv derive "softmax(x)" --wrt x --steps --format latex --standalone
      symderiv derive "x @ A @ x" --wrt x --order 2 --steps --pdf hessian.pdf
      echo "sum(exp(a*x))" | symderiv derive - --wrt x --var "a: scalar"
    """
    from ..api import derive as derivative

    if not (how["steps"] or how["pdf"]):
        refuse_without_steps(click.get_current_context())
    problem = read_problem(expression, declarations, name)
    result = derivative(problem, one_or_more(wrt), order=order, layout=layout, symmetric=symmetric, check=check)
    if how["steps"] or how["pdf"]:
        from .steps import show_steps

        show_steps(result, format_, how)
    elif format_ == "html":
        click.echo(result.html())
    elif format_ == "json":
        from ..write.json import to_json

        click.echo(to_json(result))
    elif format_ == "markdown":
        from ..write.markdown import to_markdown

        click.echo(to_markdown(result))
    elif format_ == "latex":
        from ..write.report import derivatives_of, latex_formula

        for d in derivatives_of(result):
            for label, text in latex_formula(d).lines:
                click.echo(f"{label} = {text}")
    else:
        from .show import show_derivatives

        show_derivatives(result)


__all__ = ["derive"]
