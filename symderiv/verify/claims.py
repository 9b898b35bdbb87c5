"""Reading a claim: what somebody says the derivative is, in the names of the loss.

    2*X.T @ (X @ w - y)                    a derivative
    dL/dw = 2*X.T @ (X @ w - y)            the same with its left side
    w[j] <- w[j] - a*sum(…)                an update rule, here entry by entry: `updates` finds the derivative in it
    g[j] = 2*sum(… for i in range(n))      a derivative, entry by entry

A claim whose shapes do not fit is read a second time with sizes that fit everything, so that it can be told which transpose is
missing.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..read.declarations import Declarations
from ..read.names import CONSTANTS, is_function
from ..read.problem import Problem, parse, split_statements
from ..read.scan import scan
from .claim import NAME, Claim, Left, as_array, check_positions, refuse_unknown
from .loose import loose_claim, loose_entry, read_entry

MOST_PARTS = 4  # of an update rule
LEFT = re.compile(
    r"\s*(?:(?P<by>(?:d|∂)\s*\w*\s*/\s*(?:d|∂)\s*(?P<quotient>\w+?))|(?P<name>[^\W\d]\w*))\s*"
    r"(?P<index>\[[\s\w,]*\])?\s*(?P<op><-|←|:=|-=|\+=|=(?!=))"
)


# the text --------------------------------------------------------------------------------------------------------------------
def read_text(text: str, problem: Problem, wrt: tuple[Var, ...]) -> Claim:
    """A claim in the input language.

    Raises:
        SymDerivError: where it cannot be read, apart from shapes that do not fit.
    """
    if not text.strip():
        raise InputError("the claim is empty", code="SD112", hint="write what you think the derivative is")
    parts = update_parts(text, problem, wrt)
    if parts:
        return _read_parts(text, parts, problem, wrt)
    left = left_side(text, problem)
    source = text
    if left is not None:
        source = " " * left.stop + text[left.stop :]
    try:
        return _read(text, source, left, problem, wrt)
    except SymDerivError as error:
        if error.span is not None and error.span.source == source:
            error.span = Span(text, error.span.start, error.span.stop, error.span.name)
        raise


def _read(text: str, source: str, left: Left | None, problem: Problem, wrt: tuple[Var, ...]) -> Claim:
    known, defined = _names(source, problem)
    known = {**known, **_steps(source, known, left)}
    if left is not None and left.indices:
        return _entry_claim(text, source, left, problem, wrt, known, defined)
    try:
        read = parse(source, known, path=NAME)
    except ShapeError as error:
        found = loose_claim(source, problem, known, defined, error, left)
        return replace(found, source=text)
    words = replace_nodes(read.expr, defined) if defined else read.expr
    extra = refuse_unknown(words, problem, read, left)
    return Claim(text, words, _with_words(read, words), left=left, extra=extra)


def read_words(read: Problem, problem: Problem) -> Claim:
    """A claim that was read already."""
    words = read.expr
    stand = {
        v: problem.definitions[v.name] for v in variables(words) if v.name not in problem.vars and v.name in problem.definitions
    }
    words = replace_nodes(words, stand) if stand else words
    refuse_unknown(words, problem, read, None)
    return Claim(read.source, words, _with_words(read, words))


def left_side(text: str, problem: Problem) -> Left | None:
    """The left side, where it is an update of a variable or the name of a derivative; definitions of names stay."""
    found = LEFT.match(text)
    if found is None:
        return None
    op = {"←": "<-", ":=": "<-"}.get(found["op"], found["op"])
    indices = tuple(re.findall(r"\w+", found["index"] or ""))
    if found["by"]:
        return Left(found["quotient"], "=", indices, found.end(), derivative=True) if op == "=" else None
    name = found["name"]
    if name in problem.vars:
        return Left(name, "<-" if op == "=" else op, indices, found.end())
    if op == "=" and indices:
        return Left(name, "=", indices, found.end(), derivative=True)
    return None


def _names(source: str, problem: Problem) -> tuple[dict[str, Var], dict[Any, Any]]:
    """Variables for the reader, and stand-ins for the definitions of the loss that the claim uses."""
    used = {t.text for t in scan(source, NAME) if t.kind == "name"}
    own = {s.name for s in split_statements(source, NAME) if s.kind == "definition"}
    known = dict(problem.vars)
    defined: dict[Any, Any] = {}
    for name, words in problem.definitions.items():
        if name in used and name not in own and name not in known:
            known[name] = Var(name, words.shape)
            defined[known[name]] = words
    return known, defined


def _with_words(read: Problem, words: Node) -> Problem:
    return replace(read, expr=words)


# entries ---------------------------------------------------------------------------------------------------------------------
def _entry_claim(
    text: str, source: str, left: Left, problem: Problem, wrt: tuple[Var, ...], known: dict[str, Var], defined: dict[Any, Any]
) -> Claim:
    shape = (*problem.expr.shape, *(s for v in wrt for s in v.shape))
    if len(left.indices) != len(shape):
        raise InputError(
            f"the left side has {len(left.indices)} indices and the derivative {len(shape)} axes",
            code="SD108",
            hint="write one index for each axis",
            span=Span(text, 0, left.stop, NAME),
        )
    at = tuple(Num(int(i[:9])) if is_number(i) else None for i in left.indices)
    check_positions(at, Span(text, 0, left.stop, NAME))
    names = [i for i in left.indices if not is_number(i)]
    if any(at) and not left.derivative:
        what = "an update of one entry alone is not read"
        raise InputError(what, code="SD108", hint="update all entries: w[j] <- …", span=Span(text, 0, left.stop, NAME))
    if len(set(names)) < len(names) or any(i in known or not i.isidentifier() for i in names):
        raise InputError(
            "the indices of the left side are new names, each once", code="SD108", span=Span(text, 0, left.stop, NAME)
        )
    indices = tuple((Index(name), size) for name, size in zip(left.indices, shape, strict=True) if not is_number(name))
    declared = Declarations()
    for v in known.values():
        declared.add(v, "declared")
    try:
        reader, entry = read_entry(source, declared, indices)
    except SymDerivError as error:
        if not isinstance(error, ShapeError) and error.code != "SD108":
            raise
        return replace(loose_entry(text, source, problem, known, defined, error, left, indices), at=at if any(at) else ())
    entry = replace_nodes(entry, defined) if defined else entry
    words = as_array(entry, indices)
    spans = {node: Span(text, a, b, NAME) for node, (a, b) in reader.places.items()}
    extra = refuse_unknown(words, problem, Problem(text, words, known, spans=spans), left)
    read = Problem(text, words, {**problem.vars}, spans=spans)
    fixed = at if any(at) else ()
    return Claim(text, words, read, left=left, entry=entry if indices else None, indices=indices, extra=extra, at=fixed)


def is_number(index: str) -> bool:
    """Whether an index is a position; one of more than nine digits is cut, which is far beyond all that is compared."""
    return index.isascii() and index.isdecimal()


def _steps(source: str, known: dict[str, Var], left: Left | None) -> dict[str, Var]:
    """In an update rule, names that nothing declares are scalars: the step."""
    if left is None or left.derivative:
        return {}
    tokens = [t for t in scan(source, NAME) if t.kind in ("name", "op")]
    taken = {*known, *left.indices, *(str(s) for v in known.values() for size in v.shape for s in size.free_symbols)}
    taken |= {t.text for before, t in pairwise(tokens) if before.text == "for"}
    taken |= {s.name for s in split_statements(source, NAME) if s.kind == "definition"}
    found: dict[str, Var] = {}
    for before, t, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if t.kind != "name" or t.text in taken or t.text in CONSTANTS or keyword.iskeyword(t.text):
            continue
        called = after is not None and after.text in ("(", "=")
        if not called and not (before is not None and before.text == ".") and not is_function(t.text):
            found[t.text] = Var(t.text, ())
    return found


def update_parts(text: str, problem: Problem, wrt: tuple[Var, ...]) -> list[tuple[str, str, str]]:
    """(name, operator, right side with the definitions before it) of rules such as `v <- b*v + G; w <- w - a*v`, else []."""
    pieces = [p for p in re.split(r"[;\n]", text) if p.strip()]
    out: list[tuple[str, str, str]] = []
    before = ""  # definitions, wherever they stand
    for piece in pieces:
        found = LEFT.match(piece)
        name = found["name"] if found else None
        if not found or not name or found["index"]:
            return []
        right, op = piece[found.end() :], {"←": "<-", ":=": "<-"}.get(found["op"], found["op"])
        itself = name in problem.vars or re.search(rf"\b{re.escape(name)}\b", right) is not None
        if op == "=" and not itself:
            before += piece + "; "
        else:
            out.append((name, "<-" if op == "=" else op, right))
    names = [n for n, *_ in out]
    whole = len(wrt) == 1 and wrt[0].name in names and len(set(names)) == len(names)
    known = (set(names) - {wrt[0].name}) & set(problem.vars)
    if whole and not known and len(out) > MOST_PARTS:
        what = f"the rule has {len(out)} parts; at most {MOST_PARTS} are read"
        raise InputError(what, code="SD113", span=Span(text, 0, max(1, len(text)), NAME))
    return [(name, op, before + right) for name, op, right in out] if len(out) > 1 and whole and not known else []


def _read_parts(text: str, parts: list[tuple[str, str, str]], problem: Problem, wrt: tuple[Var, ...]) -> Claim:
    """A rule of several parts; a part uses the new value of what a part before it updates."""
    (v,) = wrt
    buffers = {name: Var(name, v.shape) for name, *_ in parts if name != v.name}
    around = replace(problem, vars={**problem.vars, **buffers})
    left = Left(v.name, "<-", (), 0)
    new: dict[Var, Node] = {}
    words, extra = None, tuple[Var, ...]()
    for name, op, right in sorted(parts, key=lambda p: p[0] == v.name):
        known, defined = _names(right, around)
        known = {**known, **_steps(right, known, left)}
        read = parse(right, known, path=NAME)
        value = replace_nodes(read.expr, defined) if defined else read.expr
        extra += tuple(x for x in refuse_unknown(value, around, read, left) if x not in extra)
        old = v if name == v.name else buffers[name]
        if op in ("-=", "+="):
            value = Call("add", old, value if op == "+=" else Call("neg", value))
        value = replace_nodes(value, new) if new else value
        if name == v.name:
            words = value
        else:
            new[buffers[name]] = value
    assert words is not None
    left = Left(v.name, "<-", (), len(text))
    return Claim(text, words, Problem(text, words, problem.vars), left=left, extra=extra, buffers=tuple(new.items()))


__all__ = ["left_side", "read_text", "read_words", "update_parts"]
