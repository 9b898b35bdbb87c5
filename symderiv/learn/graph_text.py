"""A computation graph as text for other programs: DOT, Mermaid, TikZ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..write.names import escape, latex_name
from .graph_layout import boxes

if TYPE_CHECKING:
    from .graph import Graph


def to_dot(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Graphviz text: `dot -Tsvg`."""
    found, lines = boxes(graph, values)
    out = ["digraph computation {", "  rankdir=LR;", '  node [shape=box, style="rounded,filled", fontname="Helvetica"];',
           '  edge [fontname="Helvetica", fontsize=11];']  # fmt: skip
    for n, b in found.items():
        label = "\\n".join(_quoted(t) for t in (b.title, b.value, b.gradient) if t)
        out.append(f'  "{_quoted(n)}" [label="{label}", fillcolor="{"#eef3fb" if b.given else "#fff8ea"}"];')
    for line in lines:
        label = "\\n".join(_quoted(t) for t in (line.label, line.back and f"← {line.back}") if t)
        out.append(f'  "{_quoted(line.source)}" -> "{_quoted(line.target)}" [label="{label}"];')
    return "\n".join([*out, "}"]) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def to_mermaid(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Mermaid text, for Markdown pages."""
    found, lines = boxes(graph, values)
    number_of = {n: f"n{i}" for i, n in enumerate(found)}

    def safe(text: str) -> str:
        return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")

    out = ["flowchart LR"]
    for n, box in found.items():
        text = "<br/>".join(safe(t) for t in (box.title, box.value, box.gradient) if t)
        out.append(f'  {number_of[n]}["{text}"]')
    for line in lines:
        label = "<br/>".join(safe(t) for t in (line.label, line.back and f"← {line.back}") if t)
        arrow = f' -- "{label}" --> ' if label else " --> "
        out.append(f"  {number_of[line.source]}{arrow}{number_of[line.target]}")
    return "\n".join(out) + "\n"


LETTER, ROW, GAP = 0.185, 1.9, 1.1  # centimetres: of a letter of a formula, between rows, between columns
HEAD = r"""\documentclass[border=4pt]{standalone}
\usepackage{amsmath, amssymb, tikz}
\usetikzlibrary{arrows.meta}
\begin{document}
"""


def to_tikz(graph: Graph, values: Mapping[str, Any] | None = None, standalone: bool = False) -> str:
    r"""A `tikzpicture` with formulas in LaTeX; it needs `amsmath`, `amssymb` and the library `arrows.meta`.

    Args:
        standalone: a whole document that pdflatex compiles.
    """
    from ..write.latex import to_latex
    from ..write.layout import formula_width

    found, lines = boxes(graph, values)
    number_of = {n: f"n{i}" for i, n in enumerate(found)}
    titles = {}
    for n in found:
        formula = graph.blocks[n].formula
        titles[n] = latex_name(n)[0] + (f" = {to_latex(formula)}" if formula is not None else "")
    labels: dict[tuple[str, str], str] = {}
    for block in graph.order:
        for e in block.edges:
            text = to_latex(e.local) if e.local is not None else ""
            labels[e.source, block.name] = text if formula_width(text) <= 16 else ""
    wide = {n: LETTER * max(formula_width(titles[n]), len(b.value), len(b.gradient)) + 0.5 for n, b in found.items()}
    centre = _columns(found, wide, {k: LETTER * 0.8 * formula_width(t) for k, t in labels.items() if t})
    out = [
        r"% needs \usepackage{amsmath, amssymb, tikz} and \usetikzlibrary{arrows.meta}",
        r"\begin{tikzpicture}[block/.style={draw, rounded corners, align=center, fill=white}, >=Stealth]",
    ]
    for n, b in found.items():
        bar = latex_name(n + "_bar")[0]
        rows = [f"${titles[n]}$"]
        if b.value:
            rows.append(rf"\textcolor{{teal}}{{{_plain(b.value)}}}")
        number = b.gradient.partition(" = ")[2]
        rows.append(rf"\textcolor{{red}}{{${bar}${f' = {_plain(number)}' if number else ''}}}")
        text = r" \\ ".join(rows)
        out.append(rf"  \node[block] ({number_of[n]}) at ({centre[b.layer]:.2f},{-ROW * b.row:.2f}) {{{text}}};")
    for line in lines:
        text = labels[line.source, line.target]
        label = f" node[midway, above, sloped, font=\\footnotesize] {{${text}$}}" if text else ""
        back = f" node[midway, below, sloped, font=\\scriptsize, text=red] {{{_plain(line.back)}}}" if line.back else ""
        out.append(rf"  \draw[->] ({number_of[line.source]}) --{label}{back} ({number_of[line.target]});")
    picture = "\n".join([*out, r"\end{tikzpicture}"]) + "\n"
    return f"{HEAD}{picture}\\end{{document}}\n" if standalone else picture


def _plain(text: str) -> str:
    """A number or an array as text of a node."""
    written = escape(text)
    if "array" in text:
        return written.replace("×", r"$\times$")
    return "$" + written.replace("…", r"\dots ").replace("×", r" \times ") + "$"


def _columns(found: dict, wide: dict[str, float], labels: dict[tuple[str, str], float]) -> dict[int, float]:
    """The centre of every layer, so that boxes and the labels between them have room."""
    column: dict[int, float] = {}
    for n, b in found.items():
        column[b.layer] = max(column.get(b.layer, 0.0), wide[n])
    centre, right = {}, 0.0
    for k in range(max(column) + 1):
        label = max((w for (a, _), w in labels.items() if found[a].layer == k - 1), default=0.0)
        left = right + (GAP + label if k else 0.0)
        centre[k] = left + column.get(k, 0.0) / 2
        right = left + column.get(k, 0.0)
    return centre


__all__ = ["to_dot", "to_mermaid", "to_tikz"]
