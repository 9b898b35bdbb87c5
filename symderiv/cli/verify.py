"""`symderiv verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import READERS, ExpressionCommand, chosen, layout_option, names, problem_arguments, read_problem

if TYPE_CHECKING:
    from ..verify.verdict import Verdict

RIGHT, WRONG, NOT_UNDERSTOOD = 0, 1, 2


class ClaimCommand(ExpressionCommand):
    """A command whose claims may begin with a minus sign: `--claim "-X.T @ r"`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        joined: list[str] = []
        for a in args:
            if joined and joined[-1] in ("--claim", "--claim-latex") and "--" not in joined[:-1]:
                joined[-1] += f"={a}"
            else:
                joined.append(a)
        return super().parse_args(ctx, joined)


@click.command(cls=ClaimCommand)
@problem_arguments
@click.option("--claim", metavar="EXPR", help="The derivative you found, or an update rule, in the input language.")
@click.option("--claim-latex", metavar="LATEX", help="The same in LaTeX.")
@click.option(
    "--claim-python",
    metavar="MODULE:FUNCTION",
    help="A Python function of the arrays by name. The module is imported from the current directory, so its code runs.",
)
@click.option("--order", type=click.IntRange(1, 6), default=1, show_default=True, help="1: gradient or Jacobian, 2: Hessian.")
@layout_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "latex", "markdown", "html", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)
def verify(
    expression: str,
    wrt: tuple[str, ...],
    declarations: tuple[str, ...],
    name: str | None,
    claim: str | None,
    claim_latex: str | None,
    claim_python: str | None,
    order: int,
    layout: str,
    format_: str,
) -> int:
    """Tell whether a derivative is right, and if not, what is wrong with it. The exit code is 0 for right, 1 for wrong, 2 for not
    understood.

    \b
    Examples:
      symderiv verify "sum((X @ w - y)**2)" --wrt w --claim "X.T @ (X @ w - y)"
      symderiv verify "x @ A @ x" --wrt x --claim "2*A @ x" --var "A: n,n"
      symderiv verify "mean((X @ w - y)**2)" --wrt w --claim "w <- w - a*X.T @ (X @ w - y)"
      symderiv verify "norm(X @ w - y)**2" --wrt w --claim-latex "2X^T(Xw - y)" --var "X: n,d"
      symderiv verify model.sd --wrt w --claim-python gradients:of_w
      symderiv verify --from latex "\\|Xw - y\\|^2" --wrt w --claim-latex "2X^T(Xw - y)" --var "X: n,d; y: n"
      symderiv verify --from python losses:ridge --wrt w --claim "2*X.T @ (X @ w - y)" --var "X: n,d; w: d; y: n"
    """
    given = [c for c in (claim, claim_latex, claim_python) if c is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --claim, --claim-latex and --claim-python.")
    from ..verifying import verify as judge

    problem = read_problem(expression, declarations, name)
    by = names(wrt)
    options: dict[str, Any] = {"order": order, "layout": layout}
    if claim_latex is not None:
        options["reader"] = chosen("reader", READERS[0])
        verdict = judge(problem, by[0] if len(by) == 1 else by, claim_latex=claim_latex, **options)
    else:
        verdict = judge(
            problem, by[0] if len(by) == 1 else by, claim if claim is not None else _function(str(claim_python)), **options
        )
    show_verdict(verdict, format_)
    return NOT_UNDERSTOOD if verdict.ok is None else RIGHT if verdict.ok else WRONG


def _function(spec: str) -> Any:
    from ..verify.callables import load_function

    return load_function(spec)


def show_verdict(verdict: Verdict, format_: str) -> None:
    """The verdict in one of the formats."""
    from ..write import verdict as writer

    if format_ == "json":
        click.echo(writer.verdict_json(verdict))
    elif format_ == "markdown":
        click.echo(writer.verdict_markdown(verdict))
    elif format_ == "html":
        click.echo(writer.verdict_html(verdict))
    elif format_ == "latex":
        click.echo(writer.verdict_latex(verdict))
    else:
        from .show import show

        show([f"{verdict.kind}: {verdict.message}", *([verdict.span.caret()] if verdict.span else [])], verdict.rows())


__all__ = ["show_verdict", "verify"]
