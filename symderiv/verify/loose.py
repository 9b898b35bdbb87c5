"""Claims whose shapes do not fit, read with sizes that fit everything, so that it can be told which transpose is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Integer

from ..errors import Span, SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.sizes import LooseSize
from ..expr.walk import variables
from ..read.declarations import Declarations
from ..read.infer import ProblemReader
from ..read.problem import Problem, parse
from ..read.scan import scan
from ..read.subscripts import Bound
from ..read.syntax import parse_tokens
from .claim import NAME, Claim, Left, refuse_sizes


def read_entry(source: str, declared: Declarations, indices: tuple[tuple[Index, Any], ...]) -> tuple[ProblemReader, Node]:
    """The right side with the indices of the left side in force."""
    reader = ProblemReader(source, NAME, declared, {}, None)
    for index, size in indices:
        reader.indices[index.name] = Bound(index, Integer(0), size)
        reader.active.append(reader.indices[index.name])
    reader.reserved |= {index.name for index, _ in indices}
    return reader, reader.read(parse_tokens(source, scan(source, NAME), NAME))


def loose_entry(
    text: str,
    source: str,
    problem: Problem,
    known: dict[str, Var],
    defined: dict[Any, Any],
    error: SymDerivError,
    left: Left,
    indices: tuple[tuple[Index, Any], ...],
) -> Claim:
    """An entry whose subscripts do not fit, with sizes that do."""
    loose, back = loosened(known)
    there = {size: s for s, size in back.items()}
    declared = Declarations()
    for v in loose.values():
        declared.add(v, "declared")
    open_indices = tuple((i, there.get(size, size)) for i, size in indices)
    try:
        reader, entry = read_entry(source, declared, open_indices)
    except SymDerivError:
        return Claim(text, error=error, left=left)
    back.update({loose[v.name]: words for v, words in defined.items()})
    spans = {node: Span(text, a, b, NAME) for node, (a, b) in reader.places.items()}
    read = Problem(text, entry, {**problem.vars}, spans=spans)
    return Claim(text, None, read, loose=entry, strict=back, error=error, left=left, indices=indices)


def loose_claim(
    source: str, problem: Problem, known: dict[str, Var], defined: dict[Any, Any], error: SymDerivError, left: Left | None
) -> Claim:
    """The claim with sizes that fit each other, or none where even that is not enough."""
    loose_vars, back = loosened(known)
    try:
        read = parse(source, loose_vars, path=NAME)
    except SymDerivError:
        return Claim(source, error=error, left=left)
    refuse_sizes(read.expr, problem, {s for v in loose_vars.values() for size in v.shape for s in size.free_symbols})
    back.update({loose_vars[v.name]: words for v, words in defined.items()})
    spans = read.spans
    extra = tuple(v for v in variables(read.expr) if v.name not in known)
    if extra:
        return Claim(source, error=error, left=left)
    return Claim(source, None, replace(read, spans=spans), loose=read.expr, strict=back, error=error, left=left)


def loosened(known: dict[str, Var]) -> tuple[dict[str, Var], dict[Any, Any]]:
    """The variables with sizes that fit each other, and the rule that turns them back."""
    sizes: dict[Any, LooseSize] = {}
    loose: dict[str, Var] = {}
    for name, v in known.items():
        for s in v.shape:
            if s not in sizes:
                sizes[s] = LooseSize(str(s) if s.is_Symbol else f"[{s}]")
        loose[name] = Var(name, tuple(sizes[s] for s in v.shape), v.attrs)
    back: dict[Any, Any] = {loose[n]: v for n, v in known.items()}
    back.update({s: size for size, s in sizes.items()})
    return loose, back


__all__ = ["loose_claim", "loose_entry", "loosened", "read_entry"]
