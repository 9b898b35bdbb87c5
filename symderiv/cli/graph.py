"""`symderiv graph`."""

from __future__ import annotations

import click

from .options import ExpressionCommand, parse_declarations, read_problem


@click.command(cls=ExpressionCommand)
@click.argument("expression", metavar="EXPR|FILE.sd|-")
@click.option("--wrt", multiple=True, metavar="NAME", help="Inputs to differentiate by (default: all variables); repeatable.")
@click.option(
    "--var", "declarations", multiple=True, metavar='"NAME: SIZES"', help='Declaration, "x1: scalar"; several separated by ";".'
)
@click.option("--name", metavar="NAME", help="Which definition of a problem file (default: the last).")
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Values, x1=2 or w=[1,2]; then the tables hold numbers.")
@click.option("--blocks", type=click.Choice(["auto", "operations", "definitions"]), default="auto", show_default=True,
              help="One block for each operation, or for each definition of the text.")  # fmt: skip
@click.option(
    "--format", "kind", type=click.Choice(["tables", "svg", "dot", "mermaid", "tikz"]), default="tables", show_default=True
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to a file instead of standard output; .svg, .dot, .mmd or .tex choose the format.",
)
def graph(
    expression: str,
    wrt: tuple[str, ...],
    declarations: tuple[str, ...],
    name: str | None,
    at: tuple[str, ...],
    blocks: str,
    kind: str,
    output: str | None,
) -> None:
    """Show the computation graph: values, local derivatives, both modes of automatic differentiation, and their cost.

    \b
    Examples:
      symderiv graph "x1*x2 + sin(x2)" --var "x1, x2: scalar" --at x1=2 --at x2=3
      symderiv graph "u = w @ x; p = sigmoid(u); L = -log(p)" -o graph.svg
      symderiv graph "W2 @ relu(W1 @ x)" --format mermaid
    """
    from ..learn.graph import SAYS
    from ..learn.graph import graph as build

    parse_declarations(declarations)
    problem = read_problem(expression, declarations, name)
    built = build(problem, wrt=[n for text in wrt for n in text.split(",")] or None, blocks=blocks)
    values = _values(at) or None
    ending = {"svg": "svg", "dot": "dot", "gv": "dot", "mmd": "mermaid", "tex": "tikz"}
    if output and kind == "tables":
        kind = ending.get(output.rpartition(".")[2].lower(), kind)
    if kind == "tables":
        modes = [f"Forward mode by {n}:\n\n{built.forward_trace(values, n)}" for n in built.inputs[:4]]
        roles = list(dict.fromkeys(r for b in built.blocks.values() for r in b.roles))
        said = "\n".join(f"  {r}: {SAYS[r]}" for r in roles)
        parts = [f"Reverse mode:\n\n{built.reverse_trace(values)}", *modes, built.costs(), f"Roles:\n{said}"]
        if problem.assumptions:
            parts.append("Assumed:\n" + "\n".join(f"  {a}" for a in problem.assumptions))
        text = "\n\n".join(parts) + "\n"
    else:
        text = getattr(built, kind)(values)
    if output is None:
        click.echo(text, nl=False)
        return
    from .train import _write

    _write(output, text)


def _values(at: tuple[str, ...]) -> dict[str, object]:
    import json

    found: dict[str, object] = {}
    for text in at:
        name, equals, value = text.partition("=")
        try:
            found[name.strip()] = json.loads(value)
        except json.JSONDecodeError:
            equals = ""
        if not equals or not _numbers(found[name.strip()]):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE with a number or [a, list]", param_hint="--at")
    return found


def _numbers(value: object) -> bool:
    return (
        all(map(_numbers, value)) if isinstance(value, list) else isinstance(value, (int, float)) and not isinstance(value, bool)
    )


__all__ = ["graph"]
