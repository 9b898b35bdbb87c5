"""`symderiv flow`."""

from __future__ import annotations

import click


@click.command()
@click.option("--depth", type=click.IntRange(1, 1000), default=20, show_default=True, help="Layers.")
@click.option("--width", type=click.IntRange(1, 4096), default=100, show_default=True, help="Units of each layer.")
@click.option("--activation", multiple=True, metavar="NAME", help="sigmoid (default), tanh, relu, …; repeatable.")
@click.option("--init", multiple=True, metavar="NAME", help="xavier (default), he, lecun, small, large; repeatable.")
@click.option("--samples", type=click.IntRange(1, 100_000), default=64, show_default=True, help="Rows that are sent through.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--plot", metavar="FILE.png", help="Draw the gradient norm by layer (needs matplotlib).")
def flow(
    depth: int, width: int, activation: tuple[str, ...], init: tuple[str, ...], samples: int, seed: int, plot: str | None
) -> None:
    """Measure how the gradient vanishes or explodes through a deep network, and what an initialisation does about it.

    \b
    Examples:
      symderiv flow --depth 20 --activation sigmoid --init xavier
      symderiv flow --activation relu --init he --init xavier --plot flow.png
    """
    from ..learn.extras import need
    from ..learn.flow import draw_flow, symbolic_product, variance
    from ..learn.flow import flow as measure
    from ..learn.tables import table

    if plot:
        need("matplotlib", "drawing")
    found = [measure(depth, width, a, i, samples, seed) for a in activation or ("sigmoid",) for i in init or ("xavier",)]
    for a in dict.fromkeys(f.activation for f in found):
        click.echo("\n".join([*symbolic_product(a), *variance(a).lines, ""]))
    if len(found) == 1:
        f = found[0]
        rows = [[str(k), f"{f.signals[k]:.3e}", f"{f.gradients[k]:.3e}", f"{f.bounds[k]:.3e}",
                 f"{f.dead[k - 1]:.0%}" if k else ""] for k in _some(depth)]  # fmt: skip
        click.echo(table(["layer", "rms of h", "‖∂L/∂h‖", "bound", "dead units"], rows) + "\n")
    rows = [[f.activation, f.init, f"{f.gradients[-1]:.2e}", f"{f.gradients[0]:.2e}", f"×{f.rate:.3g}", f.verdict,
             f"{f.dead.max():.0%}"] for f in found]  # fmt: skip
    click.echo(table(["activation", "init", "top", "input", "each layer", "gradient", "dead at most"], rows))
    if plot:
        draw_flow(found, plot)
        click.echo(f"wrote {plot}", err=True)


def _some(depth: int) -> list[int]:
    step = max(1, depth // 20)
    return sorted({*range(0, depth + 1, step), depth}, reverse=True)


__all__ = ["flow"]
