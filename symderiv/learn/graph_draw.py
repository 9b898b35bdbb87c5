"""Drawings of a computation graph: SVG by a small layered layout, DOT, Mermaid and TikZ text.

Values stand in green, gradients in red, as on lecture slides; edges carry local derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ..write.names import escape as latex_escape
from ..write.unicode import to_unicode
from .graph_tables import number, show

if TYPE_CHECKING:
    from .graph import Graph

LONG = 26  # characters of a label


@dataclass
class Box:
    """A block as drawn: lines of text and a place in the grid of layers."""

    name: str
    title: str
    value: str
    gradient: str
    layer: int = 0
    row: float = 0.0
    given: bool = False


def boxes(graph: Graph, values: Mapping[str, Any] | None) -> tuple[dict[str, Box], list[tuple[str, str, str]]]:
    """Boxes by name, and edges (input, block, label)."""
    numbers = graph.run(values) if values is not None else None
    found = {}
    for b in graph.blocks.values():
        title = show(b.name) if b.formula is None else f"{show(b.name)} = {to_unicode(b.formula)}"
        value = _cut(number(numbers.values[b.name])) if numbers else _sizes(b.shape)
        bar = show(b.name + "_bar")
        gradient = f"{bar} = {_cut(number(numbers.gradients[b.name]))}" if numbers else bar
        found[b.name] = Box(b.name, _cut(title), value, gradient, given=b.formula is None)
    edges = [(e.source, b.name, "" if e.local is None else _cut(to_unicode(e.local), 16)) for b in graph.order for e in b.edges]
    _place(found, edges, graph)
    return found, edges


def _cut(text: str, length: int = LONG) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _sizes(shape: tuple) -> str:
    return "×".join(map(str, shape)) if shape else ""


def _place(found: dict[str, Box], edges: list[tuple[str, str, str]], graph: Graph) -> None:
    """Layers by the longest path from the inputs; inputs just before their first use; rows by the mean of the neighbours."""
    before: dict[str, list[str]] = {n: [] for n in found}
    after: dict[str, list[str]] = {n: [] for n in found}
    for a, b, _ in edges:
        before[b].append(a)
        after[a].append(b)
    for block in graph.order:
        found[block.name].layer = 1 + max((found[a].layer for a in before[block.name]), default=0)
    for n in graph.inputs:
        found[n].layer = max(0, min((found[b].layer for b in after[n]), default=1) - 1)
    layers: dict[int, list[str]] = {}
    for n, box in found.items():
        layers.setdefault(box.layer, []).append(n)
    for names in layers.values():
        for i, n in enumerate(names):
            found[n].row = i - (len(names) - 1) / 2
    for sweep in range(6):
        near = before if sweep % 2 == 0 else after
        for k in sorted(layers, reverse=bool(sweep % 2)):
            wish = {n: sum(found[a].row for a in near[n]) / len(near[n]) if near[n] else found[n].row for n in layers[k]}
            layers[k].sort(key=wish.__getitem__)
            rows: list[float] = []
            for n in layers[k]:
                rows.append(max(wish[n], rows[-1] + 1) if rows else wish[n])
            shift = sum(wish[n] for n in layers[k]) / len(rows) - sum(rows) / len(rows)
            for n, r in zip(layers[k], rows, strict=True):
                found[n].row = r + shift


HIGH, GAP_X, GAP_Y = 66, 96, 26


def to_svg(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """A drawing from left to right."""
    found, edges = boxes(graph, values)
    width = {n: max(84, 16 + 7.4 * max(len(b.title), len(b.value), len(b.gradient))) for n, b in found.items()}
    columns: dict[int, float] = {}
    for n, b in found.items():
        columns[b.layer] = max(columns.get(b.layer, 0.0), width[n])
    left: dict[int, float] = {}
    at, last_gap = 12.0, 0.0
    for k in range(max(columns) + 1):
        left[k] = at
        longest = max((len(label) for a, _, label in edges if found[a].layer == k), default=0)
        last_gap = max(GAP_X, 44 + 7.2 * longest)
        at += columns.get(k, 0.0) + last_gap
    top = min(b.row for b in found.values())
    x = {n: left[b.layer] + (columns[b.layer] - width[n]) / 2 for n, b in found.items()}
    y = {n: 12 + (b.row - top) * (HIGH + GAP_Y) for n, b in found.items()}
    total_w, total_h = at - last_gap + 12, max(y.values()) + HIGH + 12
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_w:.0f} {total_h:.0f}" width="{total_w:.0f}" '
        f'height="{total_h:.0f}" font-family="DejaVu Sans, Arial, sans-serif" font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>',
        f'<rect width="{total_w:.0f}" height="{total_h:.0f}" fill="#fff"/>',
    ]
    for source, target, label in edges:
        x1, y1, x2, y2 = x[source] + width[source], y[source] + HIGH / 2, x[target], y[target] + HIGH / 2
        bend = max(24.0, (x2 - x1) / 2)
        path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        out.append(f'<path d="{path}" fill="none" stroke="#667" stroke-width="1.3" marker-end="url(#tip)"/>')
        if label:
            level = abs(y2 - y1) < 8  # beside a straight line, on a bent one
            lx, ly = x1 + (0.47 if level else 0.55) * (x2 - x1), y1 + 0.6 * (y2 - y1) - (11 if level else 0)
            half = 3.6 * len(label) + 2
            out.append(
                f'<rect x="{lx - half:.1f}" y="{ly - 9:.1f}" width="{2 * half:.1f}" height="16" fill="#fff" opacity="0.85"/>'
            )
            out.append(
                f'<text x="{lx:.1f}" y="{ly + 4:.1f}" text-anchor="middle" fill="#445" font-size="11.5">{escape(label)}</text>'
            )
    for n, box in found.items():
        fill = "#eef3fb" if box.given else "#fff8ea"
        out.append(
            f'<rect x="{x[n]:.1f}" y="{y[n]:.1f}" width="{width[n]:.1f}" height="{HIGH}" rx="7" fill="{fill}" stroke="#445"/>'
        )
        middle = x[n] + width[n] / 2
        shown = [(t, c) for t, c in ((box.title, "#111"), (box.value, "#18794e"), (box.gradient, "#c0392b")) if t]
        for i, (line, colour) in enumerate(shown):
            dy = HIGH / 2 + 5 + 18 * (i - (len(shown) - 1) / 2)
            if line:
                out.append(
                    f'<text x="{middle:.1f}" y="{y[n] + dy:.1f}" text-anchor="middle" fill="{colour}">{escape(line)}</text>'
                )
    return "\n".join([*out, "</svg>"]) + "\n"


def to_dot(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Graphviz text: `dot -Tsvg`."""
    found, edges = boxes(graph, values)
    lines = ["digraph computation {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="Helvetica"];']
    for n, b in found.items():
        label = "\\n".join(_quoted(t) for t in (b.title, b.value, b.gradient) if t)
        lines.append(f'  "{_quoted(n)}" [label="{label}"];')
    lines += [f'  "{_quoted(a)}" -> "{_quoted(b)}" [label="{_quoted(label)}"];' for a, b, label in edges]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def to_mermaid(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Mermaid text, for Markdown pages."""
    found, edges = boxes(graph, values)
    number_of = {n: f"n{i}" for i, n in enumerate(found)}

    def safe(text: str) -> str:
        return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")

    lines = ["flowchart LR"]
    for n, box in found.items():
        text = "<br/>".join(safe(t) for t in (box.title, box.value, box.gradient) if t)
        lines.append(f'  {number_of[n]}["{text}"]')
    for a, b, label in edges:
        lines.append(
            f'  {number_of[a]} -- "{safe(label)}" --> {number_of[b]}' if label else f"  {number_of[a]} --> {number_of[b]}"
        )
    return "\n".join(lines) + "\n"


def to_tikz(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """A `tikzpicture` with formulas in LaTeX; it needs the library `arrows.meta`."""
    from ..write.latex import to_latex
    from ..write.names import latex_name

    found, _ = boxes(graph, values)
    number_of = {n: f"n{i}" for i, n in enumerate(found)}
    lines = [
        r"% \usetikzlibrary{arrows.meta}",
        r"\begin{tikzpicture}[block/.style={draw, rounded corners, align=center}, >=Stealth]",
    ]
    for n, b in found.items():
        formula = graph.blocks[n].formula
        title = latex_name(n)[0] + (f" = {to_latex(formula)}" if formula is not None else "")
        bar = latex_name(n + "_bar")[0]
        rows = [f"${title}$"]
        if values is not None:
            rows.append(rf"\textcolor{{teal}}{{{latex_escape(b.value)}}}")
            rows.append(rf"\textcolor{{red}}{{${bar}$ = {latex_escape(b.gradient.partition(' = ')[2])}}}")
        else:
            rows.append(rf"\textcolor{{red}}{{${bar}$}}")
        text = r" \\ ".join(rows)
        lines.append(rf"  \node[block] ({number_of[n]}) at ({4.4 * b.layer:.1f},{-1.9 * b.row:.2f}) {{{text}}};")
    for block in graph.order:
        for e in block.edges:
            label = f" node[midway, above, font=\\footnotesize] {{${to_latex(e.local)}$}}" if e.local is not None else ""
            lines.append(rf"  \draw[->] ({number_of[e.source]}) --{label} ({number_of[block.name]});")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"
