"""Results as text: plain when piped, with Rich on a terminal (which respects NO_COLOR and the width)."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..write.report import certificate_line, declaration, derivatives_of, language_formula, shape_text, unicode_formula

Row = tuple[str, list[str]]


def show_derivatives(result: Any) -> None:
    """The formulas, then a table: shape, text to copy, symbols, assumptions, kinks, certificate."""
    found = derivatives_of(result)
    formulas = [f"{label} = {text}" for d in found for label, text in unicode_formula(d).lines]
    show(formulas, rows_of(found))


def rows_of(found: list[Any]) -> list[Row]:
    """What stands under the formulas: titles with their lines; a title without lines is left out."""
    problem = found[0].problem
    several = len(found) > 1
    prefix = [f"{''.join(v.name for v in d.chain)}: " if several else "" for d in found]
    copies: list[str] = []
    for d, p in zip(found, prefix, strict=True):
        f = language_formula(d)
        copies += [f"{name} = {text}" for name, text in f.definitions] + [p + f.text]
    rows: list[Row] = [
        ("shape", [p + shape_text(d.shape) for d, p in zip(found, prefix, strict=True)]),
        ("code", copies),
        ("symbols", [f"{v.name}: {declaration(v)}" for v in problem.vars.values()]),
        ("assumed", [str(a) for a in problem.assumptions]),
        ("kinks", [str(k) for d in found for k in d.kinks]),
        ("note", [str(n) for d in found for n in d.notes]),
        ("check", [certificate_line(d) for d in found]),
    ]
    return [(title, list(dict.fromkeys(lines))) for title, lines in rows if lines]


def show(formulas: list[str], rows: list[Row]) -> None:
    """Formulas, an empty line, and the rows with aligned titles."""
    if sys.stdout is not None and sys.stdout.isatty():
        _show_rich(formulas, rows)
        return
    click.echo("\n".join([*formulas, "", *plain_rows(rows)]))


def plain_rows(rows: list[Row]) -> list[str]:
    """`title  line`, further lines under the first."""
    width = max((len(title) for title, _ in rows), default=0)
    return [f"{title if k == 0 else '':{width}}  {line}".rstrip() for title, lines in rows for k, line in enumerate(lines)]


def _show_rich(formulas: list[str], rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for line in formulas:
        console.print(Text(line, style="bold"))
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, lines in rows:
        for k, line in enumerate(lines):
            style = {"code": "cyan", "check": "green", "kinks": "yellow"}.get(title, "")
            table.add_row(title if k == 0 else "", Text(line, style=style))
    console.print(table)


__all__ = ["plain_rows", "rows_of", "show", "show_derivatives"]
