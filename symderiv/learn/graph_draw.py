"""Drawings of a computation graph by a small layered layout: SVG by itself, PNG and PDF by matplotlib.

Values stand in green, gradients in red, as on lecture slides; edges carry local derivatives, and below them in red what comes
back where several paths meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from .graph_layout import Box, Line, boxes

if TYPE_CHECKING:
    from .graph import Graph

HIGH, GAP_X, GAP_Y, MARGIN = 66, 96, 26, 12
INK, GREEN, RED, GREY = "#111", "#18794e", "#c0392b", "#445"
GIVEN, COMPUTED = "#eef3fb", "#fff8ea"


@dataclass
class Spread:
    """Boxes and lines with places in pixels, `y` downwards."""

    found: dict[str, Box]
    lines: list[Line]
    x: dict[str, float]
    y: dict[str, float]
    width: dict[str, float]
    size: tuple[float, float]

    def curve(self, line: Line) -> tuple[tuple[float, float], ...]:
        """Four points of a Bézier curve from box to box."""
        x1, y1 = self.x[line.source] + self.width[line.source], self.y[line.source] + HIGH / 2
        x2, y2 = self.x[line.target], self.y[line.target] + HIGH / 2
        bend = max(24.0, (x2 - x1) / 2)
        return (x1, y1), (x1 + bend, y1), (x2 - bend, y2), (x2, y2)

    def label(self, line: Line) -> tuple[float, float]:
        """Where the label stands: above a straight line, on a bent one."""
        (x1, y1), _, _, (x2, y2) = self.curve(line)
        level = abs(y2 - y1) < 24
        return x1 + (0.47 if level else 0.55) * (x2 - x1), (min(y1, y2) - 11 if level else y1 + 0.6 * (y2 - y1))


def spread(graph: Graph, values: Mapping[str, Any] | None) -> Spread:
    """The layout in pixels."""
    found, lines = boxes(graph, values)
    width = {n: max(84, 16 + 7.4 * max(len(b.title), len(b.value), len(b.gradient))) for n, b in found.items()}
    columns: dict[int, float] = {}
    for n, b in found.items():
        columns[b.layer] = max(columns.get(b.layer, 0.0), width[n])
    left: dict[int, float] = {}
    at, gap = float(MARGIN), 0.0
    for k in range(max(columns) + 1):
        left[k] = at
        longest = max((max(len(e.label), len(e.back)) for e in lines if found[e.source].layer == k), default=0)
        gap = max(GAP_X, 44 + 7.2 * longest)
        at += columns.get(k, 0.0) + gap
    top = min(b.row for b in found.values())
    x = {n: left[b.layer] + (columns[b.layer] - width[n]) / 2 for n, b in found.items()}
    y = {n: MARGIN + (b.row - top) * (HIGH + GAP_Y) for n, b in found.items()}
    return Spread(found, lines, x, y, width, (at - gap + MARGIN, max(y.values()) + HIGH + MARGIN))


def _texts(box: Box) -> list[tuple[str, str, float]]:
    """(text, colour, distance below the middle)."""
    shown = [(t, c) for t, c in ((box.title, INK), (box.value, GREEN), (box.gradient, RED)) if t]
    return [(t, c, 18 * (i - (len(shown) - 1) / 2)) for i, (t, c) in enumerate(shown)]


def to_svg(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """A drawing from left to right."""
    s = spread(graph, values)
    wide, high = s.size
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
        f'height="{high:.0f}" font-family="DejaVu Sans, Arial, sans-serif" font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>',
        f'<rect width="{wide:.0f}" height="{high:.0f}" fill="#fff"/>',
    ]
    for line in s.lines:
        (x1, y1), (x2, y2), (x3, y3), (x4, y4) = s.curve(line)
        path = f"M{x1:.1f} {y1:.1f}C{x2:.1f} {y2:.1f} {x3:.1f} {y3:.1f} {x4:.1f} {y4:.1f}"
        out.append(f'<path d="{path}" fill="none" stroke="#667" stroke-width="1.3" marker-end="url(#tip)"/>')
    for line in s.lines:
        lx, ly = s.label(line)
        for text, colour, dy in ((line.label, GREY, 0.0), (line.back and f"← {line.back}", RED, 16.0)):
            if text:
                half = 3.6 * len(text) + 2
                out.append(_rectangle(lx - half, ly + dy - 9, 2 * half, 16, 'fill="#fff" opacity="0.85"'))
                out.append(_text(lx, ly + dy + 4, text, colour, ' font-size="11.5"'))
    for n, box in s.found.items():
        fill = GIVEN if box.given else COMPUTED
        out.append(_rectangle(s.x[n], s.y[n], s.width[n], HIGH, f'rx="7" fill="{fill}" stroke="#445"'))
        for text, colour, dy in _texts(box):
            out.append(_text(s.x[n] + s.width[n] / 2, s.y[n] + HIGH / 2 + 5 + dy, text, colour))
    return "\n".join([*out, "</svg>"]) + "\n"


def _rectangle(x: float, y: float, width: float, height: float, more: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {more}/>'


def _text(x: float, y: float, text: str, colour: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{colour}"{more}>{escape(text)}</text>'


def draw_graph(graph: Graph, path: str, values: Mapping[str, Any] | None = None) -> None:
    """The same drawing as .png or .pdf (needs the extra `plot`).

    Raises:
        CodeError: SD520 without matplotlib, SD510 when the picture cannot be written.
    """
    from .extras import need, pyplot, save_figure

    plt = pyplot()
    patches, paths = need("matplotlib.patches", "drawing"), need("matplotlib.path", "drawing")
    s = spread(graph, values)
    plain = str.maketrans({"𝟏": "1", "𝟙": "1"})  # the font of matplotlib has no double-struck or bold digits
    wide, high = s.size
    figure = plt.figure(figsize=(wide / 96, high / 96))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, wide), ylim=(high, 0))
    ax.set_axis_off()
    for line in s.lines:
        curve = paths.Path(s.curve(line), [1, 4, 4, 4])
        ax.add_patch(
            patches.FancyArrowPatch(path=curve, arrowstyle="-|>,head_width=2.5,head_length=5", color="#667", linewidth=1.1)
        )
    for line in s.lines:
        lx, ly = s.label(line)
        for text, colour, dy in ((line.label, GREY, 0.0), (line.back and f"← {line.back}", RED, 16.0)):
            if text:
                ax.text(lx, ly + dy, text.translate(plain), ha="center", va="center", color=colour, fontsize=8.5,
                        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1})  # fmt: skip
    for n, box in s.found.items():
        fill = GIVEN if box.given else COMPUTED
        style = {"boxstyle": "round,pad=0,rounding_size=7", "facecolor": fill, "edgecolor": "#445", "linewidth": 0.9}
        ax.add_patch(patches.FancyBboxPatch((s.x[n], s.y[n]), s.width[n], HIGH, **style))
        for text, colour, dy in _texts(box):
            ax.text(
                s.x[n] + s.width[n] / 2,
                s.y[n] + HIGH / 2 + dy,
                text.translate(plain),
                ha="center",
                va="center",
                color=colour,
                fontsize=9.5,
            )
    save_figure(figure, path)


__all__ = ["draw_graph", "spread", "to_svg"]
