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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sympy import Integer

from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.sizes import LooseSize
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..notation.words import to_words
from ..read.declarations import Declarations
from ..read.infer import ProblemReader
from ..read.names import CONSTANTS, is_function
from ..read.problem import Problem, parse, split_statements
from ..read.scan import scan
from ..read.subscripts import Bound
from ..read.syntax import parse_tokens
from ..simplify.lower import Scope, lower
from ..simplify.product import einsum

LEFT = re.compile(
    r"\s*(?:(?P<by>(?:d|∂)\s*\w*\s*/\s*(?:d|∂)\s*(?P<quotient>\w+?))|(?P<name>[^\W\d]\w*))\s*"
    r"(?P<index>\[[\s\w,]*\])?\s*(?P<op><-|←|:=|-=|\+=|=(?!=))"
)
NAME = "the claim"


@dataclass(frozen=True, eq=False)
class Left:
    """The left side of a claim: `w[j] <-`, `dL/dw =`.

    Attributes:
        name: what is updated or named.
        op: `=`, `<-`, `-=`, `+=`.
        indices: names in its brackets.
        stop: where the right side begins.
        derivative: it is written as a derivative.
    """

    name: str
    op: str
    indices: tuple[str, ...]
    stop: int
    derivative: bool = False


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim as read.

    Attributes:
        source: as given.
        words: the claimed derivative as an array, or None where its shapes do not fit.
        problem: the reading, with places.
        loose: words with sizes that fit everything, where the strict ones do not; `strict` gives them their sizes back. With
            `indices` they are an entry.
        error: what does not fit.
        left: the left side, or None.
        entry: the claim entry by entry (with free indices), or None.
        indices: the free indices of the entry, in order.
        function: a black box instead of words.
        notes: sentences for the verdict.
    """

    source: str
    words: Node | None = None
    problem: Problem | None = None
    loose: Node | None = None
    strict: dict[Any, Any] = field(default_factory=dict)
    error: SymDerivError | None = None
    left: Left | None = None
    entry: Node | None = None
    indices: tuple[tuple[Index, Any], ...] = ()
    function: Callable[..., Any] | None = None
    extra: tuple[Var, ...] = ()
    notes: tuple[str, ...] = ()

    def with_words(self, words: Node, **changes: Any) -> Claim:
        """The same claim with other words."""
        return replace(self, words=words, **changes)

    def array(self, root: Node) -> Node:
        """Words for a changed entry (or a changed whole) as an array.

        Raises:
            SymDerivError: where that has no words.
        """
        return as_array(root, self.indices) if self.indices else root

    def place_of(self, node: Node | None, path: tuple[int, ...] | None = None) -> Span | None:
        """Where in the text a piece of the claim stands; a name that occurs several times needs the path to it."""
        if node is None or self.problem is None:
            return None
        root = next((r for r in (self.entry, self.loose, self.words) if r is not None), None)
        if isinstance(node, Var) and path is not None and root is not None:
            place = self._occurrence(node, path, root) or self.problem.spans.get(node)
        else:
            place = self.problem.spans.get(node)
        return Span(self.source, place.start, place.stop, NAME) if place is not None else None

    def _occurrence(self, v: Var, path: tuple[int, ...], root: Node) -> Span | None:
        """The place of one of several occurrences: words keep the order of the text."""
        if root.tree_size > 2_000:
            return None
        found: list[tuple[int, ...]] = []
        stack: list[tuple[tuple[int, ...], Node]] = [((), root)]
        while stack:
            here, node = stack.pop()
            if node is v:
                found.append(here)
            stack.extend(((*here, k), o) for k, o in reversed(list(enumerate(node.operands))))
        try:
            tokens = [t for t in scan(self.source, NAME) if t.kind == "name" and t.text == v.name]
        except SymDerivError:
            return None
        if self.left is not None:
            tokens = [t for t in tokens if t.start >= self.left.stop]
        if len(tokens) != len(found) or path not in found:
            return None
        t = tokens[found.index(path)]
        return Span(self.source, t.start, t.stop, NAME)


def as_array(entry: Node, indices: tuple[tuple[Index, Any], ...]) -> Node:
    """`[e(j) for j in range(d)]` as matrix words; the axes of the entry come last."""
    low = lower(entry, Scope({i: (Integer(0), size) for i, size in indices}))
    own = list(range(low.rank))
    names: list[Any] = [i for i, _ in indices]
    core = einsum([(low.node, low.labels(own))], [*names, *own], dict(indices))
    return to_words(core)


# the text --------------------------------------------------------------------------------------------------------------------
def read_text(text: str, problem: Problem, wrt: tuple[Var, ...]) -> Claim:
    """A claim in the input language.

    Raises:
        SymDerivError: where it cannot be read, apart from shapes that do not fit.
    """
    if not text.strip():
        raise InputError("the claim is empty", code="SD112", hint="write what you think the derivative is")
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
        found = _loose_claim(source, problem, known, defined, error, left)
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


def refuse_unknown(words: Node, problem: Problem, read: Problem, left: Left | None) -> tuple[Var, ...]:
    """Variables that the loss does not have: the step of an update rule.

    Raises:
        InputError: SD104 for anything else.
    """
    refuse_sizes(words, problem)
    extra = tuple(v for v in variables(words) if problem.vars.get(v.name) is not v)
    if not extra:
        return ()
    if left is not None and not left.derivative and all(not v.rank for v in extra):
        return extra
    name = extra[0].name
    hint = f"declare {name} with the loss, or define it in the claim: `{name} = …; …`"
    raise InputError(
        f"the claim uses `{name}`, which the loss does not have", code="SD104", hint=hint, span=read.spans.get(extra[0])
    )


def refuse_sizes(words: Node, problem: Problem, more: set[Any] | frozenset[Any] = frozenset()) -> None:
    """Refuse sizes that nothing gives a value.

    Raises:
        InputError: SD104.
    """
    sizes = {s for v in problem.vars.values() for size in v.shape for s in size.free_symbols} | problem.expr.free_symbols | more
    strange = sorted(str(s) for s in words.free_symbols - sizes if not isinstance(s, Var))
    if strange:
        known = ", ".join(sorted({str(s) for s in sizes if not isinstance(s, Var)})) or "numbers"
        what = f"the claim uses the size `{strange[0]}`, which the loss does not have"
        raise InputError(what, code="SD104", hint=f"its sizes are {known}")


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
    if len(set(left.indices)) < len(left.indices) or any(i in known or i.isdigit() for i in left.indices):
        raise InputError(
            "the indices of the left side are new names, each once", code="SD108", span=Span(text, 0, left.stop, NAME)
        )
    indices = tuple((Index(name), size) for name, size in zip(left.indices, shape, strict=True))
    declared = Declarations()
    for v in known.values():
        declared.add(v, "declared")
    try:
        reader, entry = _read_entry(source, declared, indices)
    except SymDerivError as error:
        if not isinstance(error, ShapeError) and error.code != "SD108":
            raise
        return _loose_entry(text, source, problem, known, defined, error, left, indices)
    entry = replace_nodes(entry, defined) if defined else entry
    words = as_array(entry, indices)
    spans = {node: Span(text, a, b, NAME) for node, (a, b) in reader.places.items()}
    extra = refuse_unknown(words, problem, Problem(text, words, known, spans=spans), left)
    read = Problem(text, words, {**problem.vars}, spans=spans)
    return Claim(text, words, read, left=left, entry=entry, indices=indices, extra=extra)


def _read_entry(source: str, declared: Declarations, indices: tuple[tuple[Index, Any], ...]) -> tuple[ProblemReader, Node]:
    """The right side with the indices of the left side in force."""
    reader = ProblemReader(source, NAME, declared, {}, None)
    for index, size in indices:
        reader.indices[index.name] = Bound(index, Integer(0), size)
        reader.active.append(reader.indices[index.name])
    reader.reserved |= {index.name for index, _ in indices}
    return reader, reader.read(parse_tokens(source, scan(source, NAME), NAME))


def _loose_entry(
    text: str,
    source: str,
    problem: Problem,
    known: dict[str, Var],
    defined: dict[Any, Any],
    error: ShapeError,
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
        reader, entry = _read_entry(source, declared, open_indices)
    except SymDerivError:
        return Claim(text, error=error, left=left)
    back.update({loose[v.name]: words for v, words in defined.items()})
    spans = {node: Span(text, a, b, NAME) for node, (a, b) in reader.places.items()}
    read = Problem(text, entry, {**problem.vars}, spans=spans)
    return Claim(text, None, read, loose=entry, strict=back, error=error, left=left, indices=indices)


def _steps(source: str, known: dict[str, Var], left: Left | None) -> dict[str, Var]:
    """In an update rule, names that nothing declares are scalars: the step."""
    if left is None or left.derivative:
        return {}
    tokens = [t for t in scan(source, NAME) if t.kind in ("name", "op")]
    taken = {*known, *left.indices, *(str(s) for v in known.values() for size in v.shape for s in size.free_symbols)}
    taken |= {t.text for before, t in pairwise(tokens) if before.text == "for"}
    found: dict[str, Var] = {}
    for before, t, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if t.kind != "name" or t.text in taken or t.text in CONSTANTS or keyword.iskeyword(t.text):
            continue
        called = after is not None and after.text in ("(", "=")
        if not called and not (before is not None and before.text == ".") and not is_function(t.text):
            found[t.text] = Var(t.text, ())
    return found


# shapes that do not fit ------------------------------------------------------------------------------------------------------
def _loose_claim(
    source: str, problem: Problem, known: dict[str, Var], defined: dict[Any, Any], error: ShapeError, left: Left | None
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


__all__ = ["Claim", "Left", "as_array", "left_side", "loosened", "read_text", "read_words", "refuse_unknown"]
