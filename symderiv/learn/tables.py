"""Tables as text, Markdown, LaTeX, HTML and JSON; and the pens that write names, words and numbers into their cells."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..errors import InputError
from ..expr.nodes import Node
from ..write.latex import to_latex
from ..write.names import latex_name, unicode_name
from ..write.prose import bare, latex_prose
from ..write.unicode import to_unicode

TIMES = r" \times "
FORMATS = ("text", "markdown", "latex", "html", "json")


@dataclass(frozen=True)
class Table:
    """A title, a head, rows of cells; a cell is mathematics of its pen and plain text."""

    title: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


class Pen:
    """Unicode: what is written stands as it is."""

    latex = False

    def name(self, name: str) -> str:
        return unicode_name(name)[0]

    def words(self, words: Node) -> str:
        return to_unicode(words)

    def math(self, text: str) -> str:
        return text

    def number(self, value: Any) -> str:
        return number(value)

    def partial(self, above: str, below: str) -> str:
        return f"∂{above}/∂{below}"

    d = "d"


class LatexPen(Pen):
    """LaTeX: mathematics between dollars."""

    latex = True

    def name(self, name: str) -> str:
        return latex_name(name)[0]

    def words(self, words: Node) -> str:
        return to_latex(words)

    def math(self, text: str) -> str:
        return f"${text}$" if text else ""

    def number(self, value: Any) -> str:
        text = number(value)
        if not text.startswith("array"):
            return text
        shape, _, norm = text.removeprefix("array ").partition(", norm ")
        return rf"\text{{array }} {shape.replace('×', TIMES)}, \text{{ norm }} {norm}"

    def partial(self, above: str, below: str) -> str:
        return rf"\partial {above} / \partial {below}"

    d = r"\mathrm{d}"


def pen_of(format: str) -> Pen:
    """The pen for a format.

    Raises:
        InputError: SD105 for a format that does not exist.
    """
    if format not in FORMATS:
        raise InputError(f"format {format!r} is not known", code="SD105", hint="use one of " + ", ".join(FORMATS))
    return LatexPen() if format == "latex" else Pen()


def number(value: Any) -> str:
    """A short text of a number or an array."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return f"{float(array) + 0.0:.6g}"
    if array.size > 6:
        return f"array {'×'.join(map(str, array.shape))}, norm {np.linalg.norm(array):.4g}"
    return _entries(array)


def _entries(array: np.ndarray) -> str:
    if array.ndim == 0:
        return f"{float(array) + 0.0:.4g}"
    return "[" + ", ".join(map(_entries, array)) + "]"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns padded to the widest cell."""
    widths = [max(len(_bare(r[k])) for r in [head, *rows]) for k in range(len(head))]

    def line(cells: list[str]) -> str:
        return "  ".join(c + " " * (w - len(_bare(c))) for c, w in zip(cells, widths, strict=True)).rstrip()

    return "\n".join([line(head), "  ".join("─" * w for w in widths), *map(line, rows)])


def _bare(text: str) -> str:
    """Without combining accents, which take no room."""
    return "".join(c for c in text if not unicodedata.combining(c))


def write_tables(tables: list[Table], format: str = "text", notes: list[str] | None = None) -> str:
    """All tables with their titles, then sentences.

    Raises:
        InputError: SD105 for a format that does not exist.
    """
    pen_of(format)
    notes = notes or []
    if format == "json":
        data = [{"title": bare(t.title), "head": t.head, "rows": t.rows, "notes": t.notes} for t in tables]
        return json.dumps({"tables": data, "notes": notes}, indent=2, ensure_ascii=False) + "\n"
    write = {"text": _text, "markdown": _markdown, "latex": _latex, "html": _html}[format]
    paragraph = {"html": lambda t: f"<p>{escape(t)}</p>", "latex": latex_prose}.get(format, str)
    parts = [p for t in tables for p in (write(t), *map(paragraph, t.notes))]
    return "\n\n".join([*parts, *map(paragraph, notes)]) + "\n"


def _text(t: Table) -> str:
    return (f"{bare(t.title)}:\n\n" if t.title else "") + table(t.head, t.rows)


def _markdown(t: Table) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"

    title = f"### {bare(t.title)}\n\n" if t.title else ""
    return title + "\n".join([line(t.head), line(["---"] * len(t.head)), *map(line, t.rows)])


def _html(t: Table) -> str:
    def line(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in cells) + "</tr>"

    title = f"<caption>{escape(bare(t.title))}</caption>" if t.title else ""
    return "\n".join([f"<table>{title}", line(t.head, "th"), *(line(r, "td") for r in t.rows), "</table>"])


def _latex(t: Table) -> str:
    columns = "l" * len(t.head)
    rows = " \\\\\n".join(" & ".join(r) for r in t.rows)
    title = rf"\paragraph{{{latex_prose(t.title)}}}" + "\n\n" if t.title else ""
    return f"{title}\\begin{{tabular}}{{{columns}}}\n{' & '.join(t.head)} \\\\\n\\hline\n{rows}\n\\end{{tabular}}"


__all__ = ["FORMATS", "LatexPen", "Pen", "Table", "number", "pen_of", "table", "write_tables"]
