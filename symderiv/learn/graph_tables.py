"""The traces of both modes as text tables, as in lecture notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..write.names import unicode_name
from ..write.unicode import to_unicode

if TYPE_CHECKING:
    from .graph import Graph


def show(name: str) -> str:
    """A name in Unicode."""
    return unicode_name(name)[0]


def number(value: Any) -> str:
    """A short text of a number or an array."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return f"{float(array):.6g}"
    if array.size > 6:
        return f"array {'×'.join(map(str, array.shape))}, norm {np.linalg.norm(array):.4g}"
    return np.array2string(array, precision=4, separator=", ", suppress_small=True).replace("\n", "")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns padded to the widest cell."""
    widths = [max(len(_bare(r[k])) for r in [head, *rows]) for k in range(len(head))]

    def line(cells: list[str]) -> str:
        return "  ".join(c + " " * (w - len(_bare(c))) for c, w in zip(cells, widths, strict=True)).rstrip()

    return "\n".join([line(head), "  ".join("─" * w for w in widths), *map(line, rows)])


def _bare(text: str) -> str:
    """Without combining accents, which take no room."""
    import unicodedata

    return "".join(c for c in text if not unicodedata.combining(c))


def forward_table(graph: Graph, values: Mapping[str, Any] | None = None, wrt: str | None = None) -> str:
    """Values and tangents side by side; the tangent of `wrt` is 1 (ones), that of the other inputs 0."""
    wrt = wrt or graph.inputs[0]
    numbers = graph.run(values, {wrt: 1.0}) if values is not None else None
    rows = []
    for name in graph.inputs:
        seed = "1" if name == wrt else "0"
        rows.append([show(name), "input", f"{show(name + '_dot')} = {seed}"])
    for block in graph.order:
        parts = [to_unicode(e.tangent) for e in block.edges]
        rows.append([show(block.name), _formula(block), f"{show(block.name + '_dot')} = {_sum(parts)}"])
    head = ["", "value", f"forward mode by {show(wrt)}"]
    if numbers is not None:
        for row, name in zip(rows, [*graph.inputs, *(b.name for b in graph.order)], strict=True):
            row[1] += f" = {number(numbers.values[name])}"
            row[2] += f" = {number(numbers.tangents[name])}" if name not in graph.inputs or numbers.tangents[name].ndim else ""
    return table(head, rows)


def reverse_table(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Values from the inputs on, then gradients from the result back; where paths meet, their gradients are summed."""
    numbers = graph.run(values) if values is not None else None
    rows = []
    for name in graph.inputs:
        rows.append([show(name), "input" + (f" = {number(numbers.values[name])}" if numbers else ""), ""])
    for block in graph.order:
        value = f" = {number(numbers.values[block.name])}" if numbers else ""
        rows.append([show(block.name), _formula(block) + value, ", ".join(_local(e) for e in block.edges)])
    back = []
    for block in reversed(list(graph.blocks.values())):
        edges = [e for name in reversed(block.used_by) for e in graph.blocks[name].edges if e.source == block.name]
        label = show(block.name + "_bar")
        said = "1" if block.name == graph.result and not edges else _sum([to_unicode(e.upstream) for e in edges])
        value = f" = {number(numbers.gradients[block.name])}" if numbers else ""
        back.append([label, said + (value if value != f" = {said}" else ""), ", ".join(block.roles)])
    return table(["", "value", "local derivatives"], rows) + "\n\n" + table(["", "upstream × local", "role"], back)


def _formula(block: Any) -> str:
    return to_unicode(block.formula)


def _local(edge: Any) -> str:
    left = f"∂{show(edge.block)}/∂{show(edge.source)}"
    return f"{left} = {to_unicode(edge.local)}" if edge.local is not None else f"{left} (more than two axes)"


def _sum(parts: list[str]) -> str:
    text = " + ".join(parts) if parts else "0"
    return text.replace("+ -", "- ").replace("+ −", "− ")


def cost_lines(graph: Graph) -> list[str]:
    """Operation counts, passes, and the verdict."""
    from .graph import cost_of

    forward, reverse, inputs, outputs = cost_of(graph)
    lines = [
        f"forward mode: {forward} operations a pass, one pass for each entry of the inputs: {inputs}",
        f"reverse mode: {reverse} operations a pass, one pass for each entry of the result: {outputs}",
    ]
    ahead, back = (forward * inputs).expand(), (reverse * outputs).expand()
    if not (ahead - back).free_symbols:
        order = "both cost the same" if ahead == back else f"{'reverse' if back < ahead else 'forward'} mode is cheaper"
        return [*lines, f"all derivatives: {ahead} against {back}: {order}"]
    # a pass costs about the same in both modes, so the number of passes decides
    terms = (inputs - outputs).expand().as_coefficients_dict().values()
    if all(c > 0 for c in terms):
        verdict = "reverse mode is cheaper: fewer results than inputs"
    elif all(c < 0 for c in terms):
        verdict = "forward mode is cheaper: fewer inputs than results"
    else:
        verdict = f"reverse mode is cheaper where {outputs} < {inputs}, forward mode where it is the other way round"
    return [*lines, f"a pass costs about the same in both, so the number of passes decides: {verdict}"]
