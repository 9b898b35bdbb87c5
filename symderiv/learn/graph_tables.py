"""The traces of both modes as tables, as in lecture notes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sympy.core.symbol import Str

from ..errors import CodeError
from ..expr.nodes import Var
from .tables import Pen, Table, table

if TYPE_CHECKING:
    from .graph import Block, Edge, Graph, Numbers

SHOWN = 8  # inputs whose forward mode is written out


def forward_table(
    graph: Graph, values: Mapping[str, Any] | None = None, wrt: str | None = None, pen: Pen | None = None, along: Any = None
) -> Table:
    """Values and tangents side by side; the tangent of `wrt` is 1 (ones, or `along`), that of the other inputs 0.

    What only inputs at rest reach is at rest: its tangent is 0.

    Raises:
        CodeError: SD507 when `wrt` is not an input.
    """
    pen = pen or Pen()
    wrt = wrt or graph.inputs[0]
    if wrt not in graph.inputs:
        raise CodeError(f"{wrt} is not an input", code="SD507", hint="there are " + ", ".join(graph.inputs))
    numbers = graph.run(values, {wrt: 1.0 if along is None else along}) if values is not None else None
    one = "1" if not graph.blocks[wrt].shape else "ones" if along is None else "the direction"
    moving = {wrt}
    rows = []
    for name in graph.inputs:
        seed = one if name == wrt else "0"
        said = (
            (pen.math(f"{pen.name(name + '_dot')} = ") + seed)
            if seed not in "01"
            else pen.math(f"{pen.name(name + '_dot')} = {seed}")
        )
        rows.append([pen.math(pen.name(name)), _input(numbers, name, pen), said])
    for block in graph.order:
        edges = [e for e in block.edges if e.source in moving]
        said = _sum([pen.words(e.tangent) for e in edges])
        if edges:
            moving.add(block.name)
            said += f" = {pen.number(numbers.tangents[block.name])}" if numbers else ""
        tangent = pen.math(f"{pen.name(block.name + '_dot')} = {said}")
        rows.append([pen.math(pen.name(block.name)), pen.math(_formula(block, numbers, pen)), tangent])
    ones = " along ones" if one == "ones" else ""
    return Table(f"Forward mode by `{wrt}`{ones}", ["", "value", "tangent"], rows)


def _input(numbers: Numbers | None, name: str, pen: Pen) -> str:
    return "input" + (pen.math(f" = {pen.number(numbers.values[name])}") if numbers else "")


def _formula(block: Block, numbers: Numbers | None, pen: Pen) -> str:
    value = f" = {pen.number(numbers.values[block.name])}" if numbers else ""
    return pen.words(block.formula) + value  # type: ignore[arg-type]


def forward_values(graph: Graph, values: Mapping[str, Any] | None = None, pen: Pen | None = None) -> Table:
    """Values from the inputs on, with the local derivatives of every block."""
    pen = pen or Pen()
    numbers = graph.run(values) if values is not None else None
    rows = [[pen.math(pen.name(n)), _input(numbers, n, pen), ""] for n in graph.inputs]
    for block in graph.order:
        local = ", ".join(pen.math(_local(e, pen)) for e in block.edges)
        rows.append([pen.math(pen.name(block.name)), pen.math(_formula(block, numbers, pen)), local])
    return Table("Values", ["", "value", "local derivatives"], rows)


def backward_values(graph: Graph, values: Mapping[str, Any] | None = None, pen: Pen | None = None) -> Table:
    """Gradients from the result back; where paths meet, their gradients are summed."""
    pen = pen or Pen()
    numbers = graph.run(values) if values is not None else None
    rows = []
    for block in reversed(list(graph.blocks.values())):
        edges = [e for name in reversed(block.used_by) for e in graph.blocks[name].edges if e.source == block.name]
        seed = "1" if not block.shape else "ones"
        said = _sum([pen.words(e.upstream) for e in edges]) if edges or block.name != graph.result else seed
        value = f" = {pen.number(numbers.gradients[block.name])}" if numbers else ""
        if numbers and len(edges) > 1:  # the part of every path, then their sum
            value = f" = {_sum([pen.number(numbers.contributions[e.block, e.source]) for e in edges])}{value}"
        text = said if said == "ones" else pen.math(said + (value if value != f" = {said}" else ""))
        rows.append([pen.math(pen.name(block.name + "_bar")), text, ", ".join(block.roles)])
    return Table(
        "Gradients, from the result back", ["", "upstream × local" if not pen.latex else r"upstream $\times$ local", "role"], rows
    )


def reverse_table(graph: Graph, values: Mapping[str, Any] | None = None) -> str:
    """Both halves of reverse mode as text."""
    first, second = forward_values(graph, values), backward_values(graph, values)
    return table(first.head, first.rows) + "\n\n" + table(second.head, second.rows)


def all_tables(graph: Graph, values: Mapping[str, Any] | None, pen: Pen) -> tuple[list[Table], list[str]]:
    """Reverse mode, forward mode by every input, and sentences: costs and what the roles mean."""
    from .graph import SAYS

    tables = [forward_values(graph, values, pen), backward_values(graph, values, pen)]
    tables += [forward_table(graph, values, n, pen) for n in graph.inputs[:SHOWN]]
    notes = []
    if len(graph.inputs) > SHOWN:
        notes.append(f"Forward mode by {', '.join(graph.inputs[SHOWN:])} is left out; name it with --wrt.")
    roles = list(dict.fromkeys(r for b in graph.blocks.values() for r in b.roles))
    return tables, [*notes, *cost_lines(graph), *(f"{r}: {SAYS[r]}" for r in roles)]


def _local(edge: Edge, pen: Pen) -> str:
    """`∂a/∂x = …`; where that has more than two axes, the differential `da = X dW`."""
    if edge.local is not None:
        return f"{pen.partial(pen.name(edge.block), pen.name(edge.source))} = {pen.words(edge.local)}"
    return f"{pen.d}{pen.name(edge.block)} = {differential(edge, pen)}"


MARK = "\ue000"  # no name has it


def differential(edge: Edge, pen: Pen) -> str:
    """What an edge does to a change of its input, written with d: `X dW`."""
    from ..expr.walk import replace, variables

    dot = next(v for v in variables(edge.tangent) if v.name == f"{edge.source}_dot")
    renamed = replace(edge.tangent, {dot: Var(Str(MARK), dot.shape)})
    return re.sub(rf"\\mathrm\{{{MARK}\}}|{MARK}", lambda _: pen.d + pen.name(edge.source), pen.words(renamed))


def _sum(parts: list[str]) -> str:
    text = " + ".join(parts) if parts else "0"
    return text.replace("+ -", "- ").replace("+ −", "− ")


def _least(difference: Any) -> list[Any]:
    """The coefficients of a polynomial in sizes, with every size written as 1 and more: of one sign if the polynomial is."""
    sizes = list(difference.free_symbols)
    beyond = difference.subs({s: s + 1 for s in sizes}, simultaneous=True).expand()
    return list(beyond.as_coefficients_dict().values())


def cost_lines(graph: Graph) -> list[str]:
    """Operation counts, passes, and the verdict."""
    from .graph import cost_of

    forward, reverse, inputs, outputs = cost_of(graph)
    lines = [
        f"forward mode: {_spell(forward)} operations a pass, one pass for each entry of the inputs: {_spell(inputs)}",
        f"reverse mode: {_spell(reverse)} operations a pass, one pass for each entry of the result: {_spell(outputs)}",
    ]
    ahead, back = (forward * inputs).expand(), (reverse * outputs).expand()
    if not (ahead - back).free_symbols:
        order = "both cost the same" if ahead == back else f"{'reverse' if back < ahead else 'forward'} mode is cheaper"
        return [*lines, f"all derivatives: {ahead} against {back}: {order}"]
    # a pass costs about the same in both modes, so the number of passes decides
    more = _least(inputs - outputs)
    if all(c >= 0 for c in more):
        verdict = "reverse mode is cheaper: fewer results than inputs"
    elif all(c <= 0 for c in more):
        verdict = "forward mode is cheaper: fewer inputs than results"
    else:
        verdict = (
            f"reverse mode is cheaper where {_spell(outputs)} < {_spell(inputs)}, forward mode where it is the other way round"
        )
    return [*lines, f"a pass costs about the same in both, so the number of passes decides: {verdict}"]


def _spell(count: Any) -> str:
    """`2 d h n + 4 h k n`."""
    return str(count).replace("**2", "²").replace("**3", "³").replace("*", " ")


__all__ = ["all_tables", "backward_values", "cost_lines", "differential", "forward_table", "forward_values", "reverse_table"]
