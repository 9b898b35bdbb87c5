"""`symderiv activations`."""

from __future__ import annotations

import click


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--plot", metavar="FILE.png", help="Draw every function with its derivative (needs matplotlib).")
@click.option("--cost/--no-cost", default=True, help="Measure the time of one entry (default), or not.")
def activations(names: tuple[str, ...], plot: str | None, cost: bool) -> None:
    """Compare activations: derivative, its range (certified), saturation, dead zones, smoothness, cost.

    \b
    Examples:
      symderiv activations
      symderiv activations relu gelu --plot activations.png
    """
    from ..learn.activations import activations as table_of
    from ..learn.activations import draw_activations
    from ..learn.extras import need
    from ..learn.tables import table
    from ..write.unicode import to_unicode

    if plot:
        need("matplotlib", "drawing")
    rows = table_of(names or None, measure=cost)
    head = ["f", "f'", "range of f'", "|f'| < 0.001", "f' = 0", "kinks", "ns/entry"]
    lines = [
        [r.name, to_unicode(r.derivative), r.range, r.saturates, r.dead, r.smooth, f"{r.nanoseconds:.1f}" if cost else "-"]
        for r in rows
    ]
    click.echo(table(head, lines))
    if plot:
        draw_activations(plot, names or None)
        click.echo(f"wrote {plot}", err=True)


__all__ = ["activations"]
