"""Derivations of problems: `build_derivation(problem, chain, style, detail)`."""

from __future__ import annotations

from collections.abc import Sequence

from ..calculus.derive import free_of_properties
from ..errors import InputError
from ..expr.nodes import Node, Var
from ..expr.walk import replace
from ..simplify.lower import normal
from .context import Context, Task
from .differential import derive_differential
from .graph import derive_graph
from .index import derive_index
from .model import DETAILS, STYLES, Derivation

BUILDERS = {"differential": derive_differential, "index": derive_index, "graph": derive_graph}


def build(words: Node, targets: Sequence[Var], definitions: dict[str, Node], vars: dict[str, Var], style: str, detail: str, function: str) -> Derivation:
    if style not in STYLES:
        raise InputError(f"style {style!r} is not known", code="SD105", hint="use one of " + ", ".join(STYLES))
    if detail not in DETAILS:
        raise InputError(f"detail {detail!r} is not known", code="SD105", hint="use one of " + ", ".join(DETAILS))
    plain = free_of_properties(targets)
    words = replace(words, plain)
    task = Task(words, normal(words), tuple(plain.get(v, v) for v in targets), function,
                {n: normal(replace(w, plain)) for n, w in definitions.items()}, frozenset(vars), style, detail)
    c = Context(task)
    section = BUILDERS[style](c)
    return Derivation(style, detail, (section,), c.symbols, vars, {v.name: r for v, r in c.trace.results.items()}, name=function)
