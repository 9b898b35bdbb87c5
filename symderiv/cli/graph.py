"""`symderiv graph`."""

from __future__ import annotations

import click

from .options import ExpressionCommand, read_problem

TABLES = {"tables": "text", "text": "text", "markdown": "markdown", "latex": "latex", "html": "html", "json": "json"}
ENDINGS = {"svg": "svg", "dot": "dot", "gv": "dot", "mmd": "mermaid", "tex": "tikz", "png": "png", "pdf": "pdf", "txt": "text",
           "md": "markdown", "html": "html", "json": "json"}  # fmt: skip


@click.command(cls=ExpressionCommand)
@click.argument("expression", metavar="EXPR|FILE.sd|-")
@click.option("--wrt", multiple=True, metavar="NAME", help="Inputs to differentiate by (default: all variables); repeatable.")
@click.option(
    "--var", "declarations", multiple=True, metavar='"NAME: SIZES"', help='Declaration, "x1: scalar"; several separated by ";".'
)
@click.option("--name", metavar="NAME", help="Which definition of a problem file (default: the last).")
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Values, x1=2 or w=[1,2]; then everything holds numbers.")
@click.option("--blocks", type=click.Choice(["auto", "operations", "definitions"]), default="auto", show_default=True,
              help="One block for each operation, or for each definition of the text.")  # fmt: skip
@click.option("--format", "kind", type=click.Choice([*TABLES, "svg", "dot", "mermaid", "tikz"]), default=None,
              help="Tables as text (default), markdown, latex, html or json; or a drawing.")  # fmt: skip
@click.option("--standalone", is_flag=True, help="TikZ: a document that compiles.")
@click.option(
    "-o", "--output", metavar="FILE", help=f"Write to a file; its ending says how: {', '.join('.' + e for e in ENDINGS)}."
)
def graph(expression, wrt, declarations, name, at, blocks, kind, standalone, output) -> None:  # type: ignore[no-untyped-def]
    """Show the computation graph: values, local derivatives, both modes of automatic differentiation, and their cost.

    \b
    Examples:
      symderiv graph "x1*x2 + sin(x2)" --var "x1, x2: scalar" --at x1=2 --at x2=3
      symderiv graph "u = w @ x; p = sigmoid(u); L = -log(p)" -o graph.svg
      symderiv graph "W2 @ relu(W1 @ x)" --format mermaid
      symderiv graph "x*y + max(y)" --format tikz --standalone -o graph.tex
    """
    from ..errors import InputError
    from ..learn.graph import graph as build

    ending = output.rpartition(".")[2].lower() if output and "." in output else ""
    if kind is None:
        if output and ending not in ENDINGS:
            raise InputError(
                f"the ending of {output} says no format", code="SD510", hint="use " + ", ".join("." + e for e in ENDINGS)
            )
        kind = ENDINGS.get(ending, "tables")
    problem = read_problem(expression, declarations, name)
    built = build(problem, wrt=[n.strip() for text in wrt for n in text.split(",") if n.strip()] or None, blocks=blocks)
    values = _values(at) or None
    if kind in ("png", "pdf"):
        built.draw(output, values)
        click.echo(f"wrote {output}", err=True)
        return
    if kind in TABLES:
        text = built.tables(values, TABLES[kind])
        if problem.assumptions and TABLES[kind] == "text":
            text += "\nAssumed:\n" + "\n".join(f"  {a}" for a in problem.assumptions) + "\n"
    else:
        text = built.tikz(values, standalone) if kind == "tikz" else getattr(built, kind)(values)
    if output is None:
        click.echo(text, nl=False)
        return
    from ..learn.extras import write_text

    write_text(output, text)
    click.echo(f"wrote {output}", err=True)


def _values(at: tuple[str, ...]) -> dict[str, object]:
    import json

    found: dict[str, object] = {}
    for text in at:
        name, equals, value = text.partition("=")
        try:
            found[name.strip()] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            equals = ""
        if not equals or not _numbers(found[name.strip()]):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE with a number or [a, list]", param_hint="--at")
    return found


def _numbers(value: object) -> bool:
    return (
        all(map(_numbers, value)) if isinstance(value, list) else isinstance(value, (int, float)) and not isinstance(value, bool)
    )


__all__ = ["graph"]
