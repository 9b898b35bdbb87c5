"""`symderiv flow`."""

from __future__ import annotations

import click


@click.command()
@click.option("--depth", type=click.IntRange(1, 1000), default=20, show_default=True, help="Layers.")
@click.option("--width", type=click.IntRange(1, 4096), default=100, show_default=True, help="Units of each layer.")
@click.option("--activation", multiple=True, metavar="NAME", help="sigmoid (default), tanh, relu, … or all; repeatable.")
@click.option("--init", multiple=True, metavar="NAME", help="xavier (default), he, lecun, small, large or all; repeatable.")
@click.option("--samples", type=click.IntRange(1, 100_000), default=64, show_default=True, help="Rows that are sent through.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--plot", metavar="FILE.png", help="Draw the gradient norm by layer (needs matplotlib).")
@click.option(
    "--steps", is_flag=True, help="Derive the initialisation for the activation from variance propagation; measure nothing."
)
@click.option(
    "--format", "format_", type=click.Choice(["text", "latex", "markdown", "html", "json"]), default="text", show_default=True
)
@click.option("--standalone", is_flag=True, help="With --steps: an article that compiles, a whole page.")
@click.option("--pdf", metavar="FILE", help="With --steps: compile the derivation to FILE.")
def flow(depth, width, activation, init, samples, seed, plot, steps, format_, standalone, pdf) -> None:  # type: ignore[no-untyped-def]
    """Measure how the gradient vanishes or explodes through a deep network, and what an initialisation does about it.

    \b
    Examples:
      symderiv flow --depth 20 --activation sigmoid --init xavier
      symderiv flow --activation relu --init he --init xavier --plot flow.png
      symderiv flow --activation all --init all --format markdown
      symderiv flow --activation relu --steps
    """
    from ..learn.extras import check_picture
    from ..learn.flow import INITS, draw_flow
    from ..learn.flow import flow as measure
    from ..learn.models import ACTIVATIONS
    from ..learn.tables import write_tables

    if plot:
        check_picture(plot)
    activations = ACTIVATIONS if "all" in activation else activation or ("sigmoid",)
    if steps or pdf:
        _derive(activations, format_, standalone, pdf)
        return
    found = [
        measure(depth, width, a, i, samples, seed) for a in activations for i in (INITS if "all" in init else init or ("xavier",))
    ]
    click.echo(write_tables(_tables(found), format_, _about(found)), nl=False)
    if plot:
        draw_flow(found, plot)
        click.echo(f"wrote {plot}", err=True)


def _derive(activations, format_: str, standalone: bool, pdf: str | None) -> None:  # type: ignore[no-untyped-def]
    from ..learn.initialisation import initialisation

    for a in activations:
        made = initialisation(a)
        if pdf:
            from ..write.derivation import write_pdf

            click.echo(f"wrote {write_pdf(made.write('latex', standalone=True), pdf)}", err=True)
        else:
            click.echo(made.write(format_, standalone), nl=format_ == "json")


def _tables(found):  # type: ignore[no-untyped-def]
    from ..learn.tables import Table

    out = []
    if len(found) == 1:
        f = found[0]
        numbers = [[f.signals[k], f.gradients[k], f.bounds[k], *([f.weights[k - 1]] if k else [])] for k in _some(f.depth)]
        cells = [[f"{x:.3e}" for x in row] for row in numbers]
        rows = [
            [str(k), *c, *(["", ""] if not k else [f"{f.dead[k - 1]:.0%}"])] for k, c in zip(_some(f.depth), cells, strict=True)
        ]
        out.append(Table("", ["layer", "rms of h", "‖∂L/∂h‖", "bound", "‖∂L/∂W‖", "dead units"], rows))
    rows = [[f.activation, f.init, f"{f.gradients[-1]:.2e}", f"{f.gradients[0]:.2e}", f"×{f.rate:.3g}", f.verdict,
             f"{f.dead.max():.0%}"] for f in found]  # fmt: skip
    return [*out, Table("", ["activation", "init", "top", "input", "each layer", "gradient", "dead at most"], rows)]


def _about(found) -> list[str]:  # type: ignore[no-untyped-def]
    """The product of Jacobians and what keeps the size, for every activation; what the columns mean."""
    from ..learn.flow import symbolic_product
    from ..learn.initialisation import initialisation

    out: list[str] = []
    for a in dict.fromkeys(f.activation for f in found):
        kept = initialisation(a)
        size = "" if kept.exact else " at variance 1"
        out += symbolic_product(a) if len(found) == 1 else ()
        out.append(
            f"{a}: values keep their size{size} with Var[w] = {kept.forward:.4g}/n_in, gradients with {kept.backward:.4g}/n_out"
        )
    out.append("The gradient at the top is a random direction of norm 1; dead units have slope 0 for every sample.")
    return out


def _some(depth: int) -> list[int]:
    step = max(1, depth // 20)
    return sorted({*range(0, depth + 1, step), depth}, reverse=True)


__all__ = ["flow"]
