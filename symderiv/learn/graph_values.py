"""Numbers for a computation graph: one forward sweep, one reverse sweep, one forward-mode sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..code.numpy import evaluate
from ..errors import CodeError
from ..expr.nodes import Node, Var

if TYPE_CHECKING:
    from .graph import Graph, Numbers


def run(graph: Graph, given: Mapping[str, Any], seed: Mapping[str, Any] | None, upstream: Any) -> Numbers:
    """See `Graph.run`."""
    from .graph import Numbers

    known = {v.name: v for v in graph.problem.vars.values()}
    arrays: dict[str, Any] = {
        n: np.asarray(v, dtype=None if n in known and known[n].is_a("integer") else float) for n, v in given.items()
    }
    missing = [n for n in graph.inputs if n not in arrays]
    if missing:
        raise CodeError(f"no value for {', '.join(missing)}", code="SD507", hint="give arrays by name")
    for block in graph.order:
        arrays[block.name] = value_of(graph, block.formula, arrays)  # type: ignore[arg-type]
    values = {name: np.asarray(arrays[name]) for name in graph.blocks}
    gradients = {name: np.zeros_like(value, dtype=float) for name, value in values.items()}
    one = np.ones_like(values[graph.result], dtype=float)
    gradients[graph.result] = one if upstream is None else np.asarray(upstream, dtype=float) * one
    contributions: dict[tuple[str, str], np.ndarray] = {}
    local: dict[tuple[str, str], np.ndarray] = {}
    for block in reversed(graph.order):
        for edge in block.edges:
            part = value_of(graph, edge.upstream, {**arrays, f"{block.name}_bar": gradients[block.name]})
            contributions[block.name, edge.source] = part
            gradients[edge.source] = gradients[edge.source] + part
            if edge.local is not None:
                local[block.name, edge.source] = value_of(graph, edge.local, arrays)
    chosen = {graph.inputs[0]: 1.0} if seed is None else dict(seed)
    unknown = [n for n in chosen if n not in graph.inputs]
    if unknown:
        raise CodeError(f"{unknown[0]} is not an input", code="SD507", hint="there are " + ", ".join(graph.inputs))
    tangents = {n: np.broadcast_to(np.asarray(chosen.get(n, 0.0), dtype=float), values[n].shape) for n in graph.inputs}
    for block in graph.order:
        total = np.zeros_like(values[block.name], dtype=float)
        for edge in block.edges:
            total = total + value_of(graph, edge.tangent, {**arrays, f"{edge.source}_dot": tangents[edge.source]})
        tangents[block.name] = total
    return Numbers(values, gradients, tangents, contributions, local)


def value_of(graph: Graph, words: Node, arrays: Mapping[str, Any]) -> np.ndarray:
    """The value of words in names of blocks; all arrays that are known may give sizes."""
    known = [Var(b.name, b.shape) for b in graph.blocks.values() if b.name in arrays]
    known += [v for v in graph.constants if v.name in arrays]
    for b in graph.blocks.values():
        known += [Var(b.name + end, b.shape) for end in ("_bar", "_dot") if b.name + end in arrays]
    return evaluate(words, arrays, known)
