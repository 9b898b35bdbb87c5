"""`symderiv shape`."""

from __future__ import annotations

import click

from .options import ExpressionCommand, layout_option, names, problem_arguments, read_problem


@click.command(cls=ExpressionCommand)
@problem_arguments
@click.option("--order", type=click.IntRange(1, 6), default=1, show_default=True, help="1: gradient or Jacobian, 2: Hessian.")
@layout_option
def shape(
    expression: str, wrt: tuple[str, ...], declarations: tuple[str, ...], name: str | None, order: int, layout: str
) -> None:
    """Tell the shape of a derivative without computing it, and what each axis means, in both layouts.

    \b
    Examples:
      symderiv shape "W @ x" --wrt W
      symderiv shape "sum((X @ w - y)**2)" --wrt w --order 2
      symderiv shape "softmax(X @ W)" --wrt W --var "X: n,d; W: d,k" --layout denominator
    """
    from ..api import shape_of
    from ..write.report import shape_text
    from .show import show

    problem = read_problem(expression, declarations, name)
    rows = []
    for by in names(wrt):
        chosen = shape_of(problem, by, layout=layout, order=order)
        rows.append(("shape", [f"{shape_text(chosen)}   ({layout} layout)"]))
        rows.append(("of", [f"{shape_text(problem.expr.shape)}   the expression"]))
        rows.append(("by", [f"{shape_text(problem.vars[by].shape)}   {by}"]))
        rows.append(("axes", axes(problem, by, layout, order, len(chosen)) or ["none: a scalar by a scalar"]))
        for other in ("numerator", "denominator"):
            rows.append((other, [shape_text(shape_of(problem, by, layout=other, order=order))]))
    if problem.assumptions:
        rows.append(("assumed", [str(a) for a in problem.assumptions]))
    show([f"∂{'' if order == 1 else f'^{order}'}({' '.join(problem.source.split())}) by {', '.join(names(wrt))}"], rows)


def axes(problem, by: str, layout: str, order: int, rank: int) -> list[str]:  # type: ignore[no-untyped-def]
    """One line for each axis of the derivative: its size and where it comes from."""
    out = [("the expression", k, s) for k, s in enumerate(problem.expr.shape)]
    for _ in range(order):
        mine = [(by, k, s) for k, s in enumerate(problem.vars[by].shape)]
        out = [*out, *mine] if layout == "numerator" or not out else [*mine, *out]
    assert len(out) == rank
    return [f"{position}: {size}   axis {axis} of {owner}" for position, (owner, axis, size) in enumerate(out)]


__all__ = ["shape"]
