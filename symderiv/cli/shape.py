"""`symderiv shape`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from .options import ExpressionCommand, layout_option, names, problem_arguments, read_problem

if TYPE_CHECKING:
    from ..expr.nodes import Node
    from ..learn.chain import Link
    from ..learn.shapes import ShapeAnswer
    from ..read.problem import Problem
    from .show import Row

MOST_LINES, MOST_TERMS = 60, 3  # of a table or a chain; terms of a sum in one row


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
      symderiv shape "H = tanh(X @ W); L = sum(H**2)" --wrt W
      symderiv shape "sum(tanh(X @ W)**2)" --wrt W --chain
    """
    from ..learn.shapes import read_sizes, shape_of
    from .show import show

    problem = read_problem(expression, declarations, name)
    known = read_sizes(sizes, problem)
    answers = [shape_of(problem, by, layout=layout, order=order) for by in names(wrt)]
    if format_ == "json":
        import json

        click.echo(json.dumps([to_data(problem, a, known, table) for a in answers], indent=2, ensure_ascii=False))
        return
    for k, a in enumerate(answers):
        rows = answer_rows(a, known)
        if table:
            rows.append(("values", table_lines(problem, a, known)))
        if order == 1 and (chain if chain is not None else len(problem.definitions) > 1):
            rows.append(("chain rule", chain_lines(problem, a, known)))
        if problem.assumptions and k == len(answers) - 1:
            rows.append(("assumed", [str(line) for line in problem.assumptions]))
        if k:
            click.echo()
        show([f"{title(problem, a)}: {shape_text_of(a)}"], rows)


def title(problem: Problem, a: ShapeAnswer) -> str:
    """`∂(W @ x)/∂W`, `∂²L/∂w²`."""
    power = {1: "", 2: "²", 3: "³"}.get(a.order, f"^{a.order}")
    top = problem.name or f"({' '.join(problem.source.split())})"
    return f"∂{power}{top}/∂{a.wrt}{power}"


def shape_text_of(shape: tuple) -> str:
    from ..write.report import shape_text

    return shape_text(shape)


def answer_rows(a: ShapeAnswer, sizes: Mapping[str, int]) -> list[Row]:
    """The rule, the two shapes, every axis, both layouts, entries and memory."""
    text = shape_text_of
    same = a.numerator == a.denominator
    return [
        ("shape", [f"{text(a.shape)}   ({'the same in both layouts' if same else f'{a.layout} layout'})"]),
        ("rule", [a.rule]),
        ("of", [f"{text(a.out)}   {a.top}"]),
        ("by", [f"{text(a.by)}   {a.wrt}"]),
        ("axes", [f"{k}: {axis}" for k, axis in enumerate(a.axes)] or ["none: one number"]),
        *([("entry", [a.entry])] if a else []),
        *([] if same else [("numerator", [text(a.numerator)]), ("denominator", [text(a.denominator)])]),
        *entries_rows(a, sizes),
    ]


def entries_rows(a: ShapeAnswer, sizes: Mapping[str, int]) -> list[Row]:
    """How many entries a dense array has, and its memory where all sizes are known."""
    from ..learn.shapes import memory

    count = a.entries_for(sizes)
    if count is None:
        missing = sorted({str(s) for s in a.entries.free_symbols} - set(sizes))
        told = f"   (--size {','.join(f'{n}=…' for n in missing)} for the number and the memory)" if sizes else ""
        return [("entries", [f"{a.entries}{told}"])]
    exact = "" if a.entries.is_Integer else f"{a.entries} = "
    return [("entries", [f"{exact}{count:,}"]), ("memory", [f"{memory(count)} as a dense float64 array"])]


def table_lines(problem: Problem, a: ShapeAnswer, sizes: Mapping[str, int]) -> list[str]:
    """The intermediates as aligned columns; with the memory of the last column where the sizes are known."""
    from ..expr.sizes import product
    from ..learn.shapes import intermediates, memory, number

    top = problem.name or "f"
    cells = [["value", "shape", f"∂{top}/∂value", f"∂value/∂{a.wrt}", "memory of it"]]
    for r in intermediates(problem, a.wrt, layout=a.layout):
        text = r.text if not r.name or r.name == r.text else f"{r.name} = {r.text}"
        text = text if len(text) <= 60 else text[:59] + "…"
        count = None if r.below is None else number(product(r.below), sizes)
        cells.append([text, shape_text_of(r.shape), "-" if r.above is None else shape_text_of(r.above),
                      "0" if r.below is None else shape_text_of(r.below), "" if count is None else memory(count)])  # fmt: skip
    if not any(row[4] for row in cells[1:]):
        cells = [row[:4] for row in cells]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return some(["  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells])


def some(lines: list[str]) -> list[str]:
    """The first lines, and how many there are more."""
    return (
        lines
        if len(lines) <= MOST_LINES
        else [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} lines more (--format json has them all)"]
    )


def steps_of(problem: Problem, by: str) -> dict[Node, str] | None:
    """Names for the layers of an expression without definitions; None where it has definitions."""
    from ..learn.chain import named_steps

    return None if len(problem.definitions) > 1 else named_steps(problem, by)


def chain_lines(problem: Problem, a: ShapeAnswer, sizes: Mapping[str, int]) -> list[str]:
    """Every line of the backward pass, and under it the size of every factor (and its number of entries)."""
    from ..learn.chain import chain, product_line, step_lines

    steps = steps_of(problem, a.wrt)
    links = chain(problem, a.wrt, layout=a.layout, names=steps)
    if not links:
        return [f"{a.wrt} does not occur"]
    whole = product_line(links)
    lines = [*some(step_lines(steps)), ""] if steps is not None else []
    if len(whole) > 1 and len(whole) <= 6:
        return lines + aligned([links[-1].target, *whole], ["=", *["·"] * (len(whole) - 1)], sizes)
    half = MOST_LINES // 2
    hidden = len(links) - 2 * half
    for k, link in enumerate(links):
        if hidden > 0 and k == half:
            lines.append(f"… {hidden} lines more (--format json has them all)")
        if hidden <= 0 or not half <= k < half + hidden:
            lines += link_lines(link, sizes)
    return lines


def link_lines(link: Link, sizes: Mapping[str, int]) -> list[str]:
    """One line of the backward pass with its sizes; a sum of many terms goes on in further rows."""
    lines: list[str] = []
    for start in range(0, min(len(link.terms), MOST_LINES), MOST_TERMS):
        shown = link.terms[start : start + MOST_TERMS]
        signs = [sign for t in shown for sign in (*["·"] * (len(t) - 1), "+")][:-1]
        flat = [f for t in shown for f in t]
        first, *under = aligned(flat, signs, sizes) if start else aligned([link.target, *flat], ["=", *signs], sizes)
        pad = "  " if start else ""
        more = " +" if start + MOST_TERMS < len(link.terms) else ""
        lines += [f"{pad}{first}{more}", *(pad + line for line in under)]
    hidden = len(link.terms) - MOST_LINES
    return [*lines, f"  … {hidden} terms more (--format json has them all)"] if hidden > 0 else lines


def aligned(factors: list[Any], signs: list[str], sizes: Mapping[str, int]) -> list[str]:
    """Two lines, factors and their sizes centred under them; a third one, numbers of entries, where sizes are known."""
    from ..expr.sizes import product
    from ..learn.shapes import number

    rows = [list(map(str, factors)), [shape_text_of(f.shape) for f in factors]]
    counts = [number(product(f.shape), sizes) for f in factors]
    if sizes and None not in counts:
        rows.append([f"{c:,}" for c in counts])
    widths = [max(len(row[k]) for row in rows) for k in range(len(factors))]

    def line(cells: list[str], between: list[str]) -> str:
        parts = [f"{c:^{w}}" for c, w in zip(cells, widths, strict=True)]
        return "".join(p + (f" {s} " if s else "") for p, s in zip(parts, [*between, ""], strict=True)).rstrip()

    blank = [" "] * len(signs)
    return [line(rows[0], signs), line(rows[1], signs), *(line(row, blank) + "   entries" for row in rows[2:])]


def to_data(problem: Problem, a: ShapeAnswer, sizes: Mapping[str, int], table: bool) -> dict[str, Any]:
    """The answer as plain data."""
    from ..learn.chain import chain, step_lines
    from ..learn.shapes import BYTES, intermediates

    def strings(shape: Any) -> list[str] | None:
        return None if shape is None else [str(s) for s in shape]

    count = a.entries_for(sizes)
    steps = steps_of(problem, a.wrt)
    links = chain(problem, a.wrt, layout=a.layout, names=steps) if a.order == 1 else []
    data: dict[str, Any] = {
        "wrt": a.wrt, "order": a.order, "layout": a.layout, "shape": strings(a.shape), "numerator": strings(a.numerator),
        "denominator": strings(a.denominator), "rule": a.rule, "of": strings(a.out), "by": strings(a.by),
        "axes": [{"size": str(x.size), "of": x.owner, "axis": x.axis} for x in a.axes], "entry": a.entry,
        "entries": str(a.entries), "count": count, "bytes": None if count is None else count * BYTES,
        "assumed": [str(s) for s in problem.assumptions], "steps": step_lines(steps) if steps else [],
        "chain": [{"formula": str(k), "sizes": k.sizes} for k in links],
    }  # fmt: skip
    if table:
        data["values"] = [
            {"name": r.name, "text": r.text, "shape": strings(r.shape), "of_result": strings(r.above), "by_wrt": strings(r.below)}
            for r in intermediates(problem, a.wrt, layout=a.layout)
        ]
    return data


__all__ = ["shape"]
