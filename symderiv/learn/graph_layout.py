"""Boxes of a computation graph, their texts, and places in a grid of layers: what all drawings share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .graph_tables import differential
from .tables import Pen, number

if TYPE_CHECKING:
    from .graph import Graph

LONG = 34  # characters of a label
PEN = Pen()


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


@dataclass
class Line:
    """From an input to the block that uses it; `label` is the local derivative, `back` what comes back along it."""

    source: str
    target: str
    label: str
    back: str = ""


def boxes(graph: Graph, values: Mapping[str, Any] | None) -> tuple[dict[str, Box], list[Line]]:
    """Boxes by name, and lines."""
    numbers = graph.run(values) if values is not None else None
    found = {}
    for b in graph.blocks.values():
        title = PEN.name(b.name) if b.formula is None else f"{PEN.name(b.name)} = {PEN.words(b.formula)}"
        value = cut(number(numbers.values[b.name])) if numbers else sizes(b.shape)
        bar = PEN.name(b.name + "_bar")
        gradient = f"{bar} = {cut(number(numbers.gradients[b.name]))}" if numbers else bar
        found[b.name] = Box(b.name, cut(title), value, gradient, given=b.formula is None)
    lines = []
    for b in graph.order:
        for e in b.edges:
            label = PEN.words(e.local) if e.local is not None else f"d{PEN.name(b.name)} = {differential(e, PEN)}"
            several = numbers is not None and len(graph.blocks[e.source].used_by) > 1
            back = number(numbers.contributions[b.name, e.source]) if several and numbers else ""
            lines.append(Line(e.source, b.name, cut(label, 26), cut(back, 26)))
    place(found, lines, graph)
    return found, lines


def cut(text: str, length: int = LONG) -> str:
    """The text, shortened."""
    return text if len(text) <= length else text[: length - 1] + "…"


def sizes(shape: tuple) -> str:
    """`n×k`."""
    return "×".join(PEN.name(str(s)) if str(s).isidentifier() else str(s) for s in shape)


def place(found: dict[str, Box], lines: list[Line], graph: Graph) -> None:
    """Layers by the longest path from the inputs; inputs just before their first use; rows by the mean of the neighbours.

    Computed blocks are placed by computed neighbours first, so that the chain of a network is a straight line with the
    parameters beside it.
    """
    before: dict[str, list[str]] = {n: [] for n in found}
    after: dict[str, list[str]] = {n: [] for n in found}
    for line in lines:
        before[line.target].append(line.source)
        after[line.source].append(line.target)
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
    for sweep in range(8):
        near = before if sweep % 2 == 0 else after
        for k in sorted(layers, reverse=bool(sweep % 2)):
            _settle(layers[k], found, near)


def _settle(names: list[str], found: dict[str, Box], near: dict[str, list[str]]) -> None:
    """One layer: every box at its wish, boxes at least one row apart; those with computed neighbours have the first choice."""
    wish: dict[str, float] = {}
    weight: dict[str, float] = {}
    for n in names:
        computed = [a for a in near[n] if not found[a].given]
        others = computed or near[n]
        wish[n] = sum(found[a].row for a in others) / len(others) if others else found[n].row
        weight[n] = 0.0 if found[n].given and not all(found[m].given for m in names) else 1.0
    names.sort(key=lambda n: (wish[n], found[n].row))
    rows: list[float] = []
    for n in names:
        rows.append(max(wish[n], rows[-1] + 1) if rows else wish[n])
    shift = sum(weight[n] * (wish[n] - r) for n, r in zip(names, rows, strict=True)) / sum(weight[n] for n in names)
    for n, r in zip(names, rows, strict=True):
        found[n].row = r + shift


__all__ = ["Box", "Line", "boxes", "cut", "place", "sizes"]
