"""`symderiv shape`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import ExpressionCommand, layout_option, names, problem_arguments, read_problem

if TYPE_CHECKING:
    from ..learn.shapes import ShapeAnswer
    from ..read.problem import Problem


@click.command(cls=ExpressionCommand)
@problem_arguments
@click.option("--order", type=click.IntRange(1, 6), default=1, show_default=True, help="1: gradient or Jacobian, 2: Hessian.")
@layout_option
@click.option(
    "--size", "sizes", multiple=True, metavar="n=100", help="A number for a size: counts entries and memory; repeatable."
)
@click.option("--table", is_flag=True, help="Every value on the way, with its shape and its derivatives' shapes.")
@click.option(
    "--chain/--no-chain", default=None, help="The factors of the chain rule with their sizes (default: if something is named)."
)
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
)
def shape(
    expression: str, wrt: tuple[str, ...], declarations: tuple[str, ...], name: str | None, order: int, layout: str,
    sizes: tuple[str, ...], table: bool, chain: bool | None, format_: str,
) -> None:  # fmt: skip
    """Tell the shape of a derivative without computing it: the rule, every axis, both layouts, the number of entries.

    \b
    Examples:
      symderiv shape "W @ x" --wrt W
      symderiv shape "sum((X @ w - y)**2)" --wrt w --order 2
      symderiv shape "softmax(X @ W)" --wrt W --var "X: n,d; W: d,k" --layout denominator
      symderiv shape "tanh(X @ W)" --wrt W --size n=100,d=784,k=10 --table
      symderiv shape "H = tanh(X @ W); L = sum(H**2)" --wrt W --chain
    """
    from ..learn.shapes import explain, read_sizes
    from ..write.report import shape_text
    from .show import show

    problem = read_problem(expression, declarations, name)
    known = read_sizes(sizes, problem)
    answers = [explain(problem, by, layout=layout, order=order) for by in names(wrt)]
    if format_ == "json":
        import json

        click.echo(json.dumps([to_data(problem, a, known, table) for a in answers], indent=2, ensure_ascii=False))
        return
    rows: list[tuple[str, list[str]]] = []
    for a in answers:
        rows.append(("shape", [f"{shape_text(a.shape)}   ({layout} layout)"]))
        rows.append(("rule", [a.rule]))
        rows.append(("of", [f"{shape_text(a.out)}   the expression"]))
        rows.append(("by", [f"{shape_text(a.by)}   {a.wrt}"]))
        rows.append(("axes", [f"{k}: {axis}" for k, axis in enumerate(a.axes)] or ["none: a scalar by a scalar"]))
        rows.append(("numerator", [shape_text(a.numerator)]))
        rows.append(("denominator", [shape_text(a.denominator)]))
        rows += entries_rows(a, known)
        if table:
            rows.append(("values", table_lines(problem, a.wrt)))
        if order == 1 and (chain if chain is not None else len(problem.definitions) > 1):
            rows.append(("chain rule", chain_lines(problem, a.wrt)))
    if problem.assumptions:
        rows.append(("assumed", [str(a) for a in problem.assumptions]))
    show([f"∂{'' if order == 1 else f'^{order}'}({' '.join(problem.source.split())}) by {', '.join(names(wrt))}"], rows)


def entries_rows(a: ShapeAnswer, sizes: dict[str, int]) -> list[tuple[str, list[str]]]:
    """How many entries a dense array has, and its memory where all sizes are known."""
    from ..learn.shapes import memory

    count = a.count(sizes)
    if count is None:
        return [("entries", [str(a.entries)])]
    exact = "" if a.entries.is_Integer else f"{a.entries} = "
    return [("entries", [f"{exact}{count:,}"]), ("memory", [f"{memory(count)} as float64"])]


def table_lines(problem: Problem, by: str) -> list[str]:
    """The intermediates as aligned columns."""
    from ..learn.shapes import intermediates
    from ..write.report import shape_text

    top = problem.name or "f"
    cells = [["value", "shape", f"∂{top}/∂value", f"∂value/∂{by}"]]
    for r in intermediates(problem, by):
        text = r.text if not r.name or r.name == r.text else f"{r.name} = {r.text}"
        text = text if len(text) <= 60 else text[:59] + "…"
        below = "0" if r.below is None else shape_text(r.below)
        cells.append([text, shape_text(r.shape), "-" if r.above is None else shape_text(r.above), below])
    widths = [max(len(row[k]) for row in cells) for k in range(4)]
    return ["  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def chain_lines(problem: Problem, by: str) -> list[str]:
    """Every line of the backward pass, and under it the size of every factor."""
    from ..learn.shapes import chain, product_line
    from ..write.report import shape_text

    links = chain(problem, by)
    whole = product_line(links)
    lines = []
    if len(whole) > 1:
        lines += aligned([str(links[-1].target), *map(str, whole)], [shape_text(f.shape) for f in (links[-1].target, *whole)])
    for link in [] if lines else links:
        flat = [link.target, *(f for t in link.terms for f in t)]
        signs = ["=", *(("+" if j == len(t) - 1 and k < len(link.terms) - 1 else "·") for k, t in enumerate(link.terms)
                        for j in range(len(t)))]  # fmt: skip
        lines += aligned(list(map(str, flat)), [shape_text(f.shape) for f in flat], signs[: len(flat) - 1])
    return lines or [f"{by} does not occur"]


def aligned(above: list[str], below: list[str], signs: list[str] | None = None) -> list[str]:
    """Two lines: factors, and their sizes centred under them."""
    signs = signs if signs is not None else ["=", *["·"] * (len(above) - 2)]
    widths = [max(len(a), len(b)) for a, b in zip(above, below, strict=True)]

    def line(cells: list[str]) -> str:
        parts = [f"{c:^{w}}" for c, w in zip(cells, widths, strict=True)]
        return "".join(p + (f" {s} " if s else "") for p, s in zip(parts, [*signs, ""], strict=True)).rstrip()

    return [line(above), line(below)]


def to_data(problem: Problem, a: ShapeAnswer, sizes: dict[str, int], table: bool) -> dict[str, Any]:
    """The answer as plain data."""
    from ..learn.shapes import BYTES, chain, intermediates

    def strings(shape: Any) -> list[str] | None:
        return None if shape is None else [str(s) for s in shape]

    count = a.count(sizes)
    data: dict[str, Any] = {
        "wrt": a.wrt, "order": a.order, "layout": a.layout, "shape": strings(a.shape), "numerator": strings(a.numerator),
        "denominator": strings(a.denominator), "rule": a.rule, "of": strings(a.out), "by": strings(a.by),
        "axes": [{"size": str(x.size), "of": x.owner, "axis": x.axis} for x in a.axes], "entries": str(a.entries),
        "count": count, "bytes": None if count is None else count * BYTES, "assumed": [str(s) for s in problem.assumptions],
        "chain": [{"formula": str(k), "sizes": k.sizes} for k in chain(problem, a.wrt)] if a.order == 1 else [],
    }  # fmt: skip
    if table:
        data["values"] = [
            {"name": r.name, "text": r.text, "shape": strings(r.shape), "of_result": strings(r.above), "by_wrt": strings(r.below)}
            for r in intermediates(problem, a.wrt)
        ]
    return data


__all__ = ["shape"]
