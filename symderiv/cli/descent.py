"""`symderiv descent`."""

from __future__ import annotations

import click


@click.command()
@click.option("--curvatures", default="1,4", show_default=True, metavar="λ,λ,…", help="Eigenvalues of the quadratic's Hessian.")
@click.option(
    "--step", "given", type=float, multiple=True, metavar="α", help="Steps to try (default: around 2/λ_max); repeatable."
)
@click.option("--steps", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many steps are taken.")
@click.option("--plot", metavar="FILE.png", help="Draw the losses and the paths (needs matplotlib).")
@click.option(
    "--format", "format_", type=click.Choice(["text", "latex", "markdown", "html", "json"]), default="text", show_default=True
)
def descent(curvatures: str, given: tuple[float, ...], steps: int, plot: str | None, format_: str) -> None:
    """Show which steps of gradient descent converge on a quadratic: 0 < α < 2/λ_max.

    \b
    Examples:
      symderiv descent
      symderiv descent --curvatures 1,10 --step 0.19 --step 0.21
      symderiv descent --plot descent.png
    """
    from ..api import derive
    from ..learn.descent import PARTS, curvatures_of, draw_descent, verdict
    from ..learn.descent import descent as losses_of
    from ..learn.extras import check_picture
    from ..learn.tables import Table, write_tables

    if plot:
        check_picture(plot)
    try:
        values = [float(x) for x in curvatures.split(",")]
    except ValueError:
        raise click.BadParameter(f"{curvatures!r} is not a list of numbers, as 1,4", param_hint="--curvatures") from None
    c = curvatures_of(values)
    limit = 2 / c.max()
    rows = []
    for step in given or [p * limit for p in PARTS]:
        losses = losses_of(c, step, steps=steps)
        factors = ", ".join(f"{1 - step * x:.4g}" for x in c[:6])
        rows.append([f"{step:.6g}", f"{step / limit:.3g}", factors, f"{losses[0]:.4g}", f"{losses[-1]:.4g}", verdict(c, step)])
    head = ["step α", "α/(2/λ_max)", "1 − αλ", "loss", f"after {steps}", ""]
    gradient = derive("x @ A @ x / 2", "x", vars={"A": "n,n symmetric"}).text()  # type: ignore[union-attr]
    notes = [
        f"For L = ½ xᵀ A x the gradient is {gradient}, so x ← (I − α A) x: along an eigenvector a step multiplies by 1 − α λ.",
        f"All of them shrink if and only if |1 − α λ| < 1 for every λ > 0: 0 < α < 2/λ_max = {limit:.6g}.",
    ]
    click.echo(write_tables([Table("", head, rows)], format_, notes), nl=False)
    if plot:
        draw_descent(plot, c, steps)
        click.echo(f"wrote {plot}", err=True)


__all__ = ["descent"]
