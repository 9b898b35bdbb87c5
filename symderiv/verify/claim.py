"""A claim as read: what somebody says the derivative is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Integer

from ..errors import InputError, LimitError, Span, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder, variables
from ..notation.words import to_words
from ..read.problem import Problem
from ..read.scan import scan
from ..simplify.lower import Scope, lower
from ..simplify.product import einsum

NAME = "the claim"
MOST_POSITION = 200
ELEMENTWISE = r"the elementwise product, x \odot y"  # what two columns side by side most often are meant to be


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
        at: for a claim about some entries of the derivative, the position or None (the whole axis) for each of its axes;
            twice the same index for a claim about the diagonal.
        missing_sum: a claim for one sample has been summed; what nothing bound in it.
        alternatives: what a text that is not well formed may have meant; `error` says what is wrong with it.
        buffers: of an update rule with several parts, what else is updated, with the new values; `words` is in the old ones.
        mask: 1 where a claim that holds under a condition is made, else 0; or None.
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
    at: tuple[Node | None, ...] = ()
    mask: Node | None = None
    missing_sum: SymDerivError | None = None
    alternatives: tuple[tuple[str, Claim], ...] = ()
    buffers: tuple[tuple[Var, Node], ...] = ()

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


def check_positions(at: tuple[Node | None, ...], span: Span) -> None:
    """The entries of arrays that are small enough to be compared.

    Raises:
        LimitError: SD904.
    """
    if any(isinstance(i, Num) and i.value > MOST_POSITION for i in at):
        what = f"an entry beyond position {MOST_POSITION} is not compared: the arrays would be too large"
        raise LimitError(what, code="SD904", hint="claim the entry for a free index: w_j", span=span)


# names ---------------------------------------------------------------------------------------------------------------------
def refuse_unknown(words: Node, problem: Problem, read: Problem, left: Left | None) -> tuple[Var, ...]:
    """Variables that the loss does not have: the step of an update rule.

    Raises:
        InputError: SD104 for anything else.
    """
    extra = tuple(v for v in variables(words) if problem.vars.get(v.name) is not v)
    if not extra or (left is not None and not left.derivative and all(not v.rank for v in extra)):
        refuse_sizes(words, problem)
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
    written = {s for n in postorder(words) for s in _sizes_in(n)}
    for size in sorted(written & invented_sizes(problem), key=str):
        shown = " and ".join(f"`{v.name}`" for v in problem.vars.values() if any(s.has(size) for s in v.shape))
        what = f"the claim uses the size `{size}`, a name that was made up for a size of {shown}, which nothing declares"
        raise InputError(what, code="SD104", hint=f"declare the sizes of {shown}, as in `X: n,d`")
    strange = sorted(str(s) for s in words.free_symbols - sizes if not isinstance(s, Var))
    if strange:
        known = ", ".join(sorted({str(s) for s in sizes if not isinstance(s, Var)})) or "numbers"
        what = f"the claim uses the size `{strange[0]}`, which the loss does not have"
        raise InputError(what, code="SD104", hint=f"its sizes are {known}")


def _sizes_in(node: Node) -> set[Any]:
    """The sizes that a node names: `n` in `2/n`, `eye(n)`, `ones(n)`."""
    if isinstance(node, Num):
        return set(node.value.free_symbols)
    if isinstance(node, Call):
        return {
            s for p in node.params.values() for x in (p if isinstance(p, tuple) else (p,)) for s in getattr(x, "free_symbols", ())
        }
    return set()


def invented_sizes(problem: Problem) -> set[Any]:
    """Sizes that occur in assumed variables only: their names are ours, and say nothing to who writes a claim."""
    assumed = {a.split(" is ", 1)[0] for a in problem.assumptions}
    made = {s for v in problem.vars.values() if v.name in assumed for size in v.shape for s in size.free_symbols}
    told = {s for v in problem.vars.values() if v.name not in assumed for size in v.shape for s in size.free_symbols}
    used = {s for n in postorder(problem.expr) if isinstance(n, Num) for s in n.value.free_symbols}
    return made - told - used


__all__ = ["ELEMENTWISE", "NAME", "Claim", "Left", "as_array", "check_positions", "refuse_sizes", "refuse_unknown"]
