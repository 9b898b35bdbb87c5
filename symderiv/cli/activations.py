"""`symderiv activations`."""

from __future__ import annotations

import click


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--plot", metavar="FILE.png", help="Draw every function with its derivative (needs matplotlib).")
@click.option("--cost/--no-cost", default=True, help="Measure the time of one entry (default), or not.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "latex", "markdown", "html", "json"]), default="text", show_default=True
)
def activations(names: tuple[str, ...], plot: str | None, cost: bool, format_: str) -> None:
    """Compare activations: derivative, its range (certified), saturation, dead zones, smoothness, cost.

    \b
    Examples:
      symderiv activations
      symderiv activations relu gelu --plot activations.png
      symderiv activations --format markdown --no-cost
    """
    from ..learn.activations import activations as table_of
    from ..learn.activations import draw_activations, rows_of
    from ..learn.extras import check_picture
    from ..learn.tables import pen_of, write_tables

    if plot:
        check_picture(plot)
    click.echo(write_tables([rows_of(table_of(names or None, measure=cost), pen_of(format_))], format_), nl=False)
    if plot:
        draw_activations(plot, names or None)
        click.echo(f"wrote {plot}", err=True)


__all__ = ["activations"]
