"""The trace of the engine, with each event's local differential.

`calculus.sweep` records at every node `u` the cotangent `ū` and what it passed on. Between two events

    dL = Σ <ū, du>          over the nodes that wait for their event,

and an event replaces `du` by the node's differential in the changes of its operands. `Trace` repeats the run that gave the
answer and keeps its events; nothing here differentiates by rules of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import S

from ..calculus import derive as engine
from ..calculus.local import differential, partial
from ..calculus.sweep import Event
from ..errors import SymDerivError
from ..expr.nodes import Add, Call, Einsum, Index, Node, Shared, Var
from ..expr.walk import binds, fold, postorder
from ..notation.polish import polish
from ..simplify.add import add
from ..simplify.calls import call
from ..simplify.lower import normal
from ..simplify.product import einsum, scale, zeros
from ..simplify.rebuild import rebuild


def substitute(root: Node, rule: dict[Node, Node]) -> Node:
    """A core expression with nodes replaced, in normal form again; what is below them is not visited."""
    return fold(root, rebuild, dict(rule)) if rule else root


def bare(node: Node) -> Node:
    """Without the mark that keeps a value apart."""
    while isinstance(node, Shared):
        node = node.args[0]
    return node


@dataclass(frozen=True, eq=False)
class Part:
    """What one event passed to one operand: a term of the operand's cotangent."""

    source: Node
    target: Node
    cotangent: Node


class Trace:
    """One run of the engine on a core expression.

    Attributes:
        core: the expression, unconstrained in the variables.
        targets: the variables.
        results: the derivative by each, as the engine hands it over.
        events: in the order of the sweep, from the output inwards.
        written: core node -> the user's own words for it.
    """

    def __init__(self, words: Node, core: Node, targets: Sequence[Var]) -> None:
        self.words, self.core, self.targets = words, core, tuple(targets)
        self.results, run = engine.gradients(core, targets)
        self.events: list[Event] = run.events
        self.event = {e.node: e for e in run.events}
        self.written = written(words)
        self._place: dict[Node, tuple[int, int]] = {}
        self._order = {w: k for k, w in enumerate(postorder(words))}
        self.parts = [Part(e.node, x, g) for e in run.events for x, g in e.passed]
        self.lead = core.rank
        self.alias: dict[Node, Node] = {}
        self._merge_opposites()

    def _merge_opposites(self) -> None:
        """`u` and `−u` are one value for a reader: what reached `−u` is counted, with its sign, as having reached `u`."""
        for e in list(self.events):
            u = e.node
            if isinstance(u, Add) or (isinstance(u, Einsum) and u.coef.could_extract_minus_sign()):
                continue
            minus = scale(u, S.NegativeOne)
            if minus is u or minus not in self.event or self.core in (u, minus):
                continue
            if not isinstance(u, Einsum):
                self._pass_through(u, minus)
                continue
            other = self.event.pop(minus)
            place = max(self.events.index(e), self.events.index(other))
            merged = Event(u, polish(add([e.cotangent, scale(other.cotangent, S.NegativeOne)])), [])
            self.events[place] = merged
            self.events = [x for x in self.events if x is merged or x.node not in (u, minus)]
            self.event[u] = merged
            self.alias[minus] = u
            parts: list[Part] = []
            for p in self.parts:
                if p.source in (u, minus):
                    known = next((k for k, q in enumerate(parts) if q.source is u and q.target is p.target), None)
                    if known is not None:
                        parts[known] = Part(u, p.target, polish(add([parts[known].cotangent, p.cotangent])))
                        continue
                    p = Part(u, p.target, p.cotangent)
                elif p.target is minus:
                    p = Part(p.source, u, scale(p.cotangent, S.NegativeOne))
                parts.append(p)
            self.parts = parts

    def _pass_through(self, u: Node, minus: Node) -> None:
        """`−u` of a value that is no product has `u` as its operand: what reached it reached `u`."""
        del self.event[minus]
        self.events = [x for x in self.events if x.node is not minus]
        self.alias[minus] = u
        turned = [Part(p.source, u, scale(p.cotangent, S.NegativeOne)) if p.target is minus else p for p in self.parts]
        self.parts = [p for p in turned if p.source is not minus]

    def real(self, node: Node) -> Node:
        """The node that stands for it: `u` for `−u` where both occur."""
        return self.alias.get(node, node)

    def active(self, node: Node) -> list[int]:
        """Places of the operands that the sweep went on to."""
        if isinstance(node, Var):
            return []
        return [k for k, o in enumerate(node.operands) if self.real(o) in self.event]

    def place(self, node: Node) -> tuple[int, int]:
        """Where a value stands in the problem as the user wrote it, so that terms and factors keep his order."""
        for n in postorder(node):
            if n not in self._place:
                inside = [self._place[o] for o in n.operands if o in self._place]
                at = self._order.get(n if isinstance(n, Var) else self.written.get(n, n))
                self._place[n] = (at, 0) if at is not None else max(inside, default=(len(self._order), 0))
        return self._place[node]

    def place_names(self, named: Sequence[tuple[Node, Var]]) -> None:
        """A name stands where its value does."""
        for node, v in named:
            self._place[v] = self.place(node)

    def users(self, node: Node) -> list[tuple[Node, int]]:
        """The places where a node is used, as (user, position)."""
        return [(e.node, k) for e in self.events for k in self.active(e.node) if self.real(e.node.operands[k]) is node]


def written(words: Node) -> dict[Node, Node]:
    """Core node -> the shortest of the user's subexpressions that it stands for."""
    found: dict[Node, Node] = {}
    for word in postorder(words):
        if isinstance(word, (Index, Var)) or any(isinstance(n, Index) for n in _open_indices(word)):
            continue
        try:
            core = normal(word)
        except SymDerivError:
            continue
        if core not in found or word.tree_size < found[core].tree_size:
            found[core] = word
    return found


def _open_indices(word: Node) -> set[Node]:
    """Indices that occur and are not bound inside."""
    bound = {n.operands[1] for n in postorder(word) if binds(n)}
    return {n for n in postorder(word) if isinstance(n, Index)} - bound


def local(node: Node, k: int, change: Node) -> Node | None:
    """The change of `node` when operand `k` changes by `change` (of the operand's shape): linear in it; None where it is 0."""
    own = list(range(node.rank))
    if isinstance(node, (Add, Shared)):
        return change
    if isinstance(node, Einsum):
        items = [(change if j == k else x, ls) for j, (x, ls) in enumerate(node.items)]
        return einsum(items, node.out, dict(enumerate(node.sizes)), coef=node.coef)
    assert isinstance(node, Call)
    x = node.operands[k]
    if node.op.elementwise:
        d = partial(node, k)
        if d is None:
            return None
        return einsum([(d, own), (change, own if x.rank else [])], own, dict(enumerate(node.shape)))
    if node.name == "reshape":
        return call("reshape", change, shape=node.shape)
    expression, dx = differential(node, k)
    return substitute(expression, {dx: change}) if dx in expression.free_symbols else None


def total_local(node: Node, places: Sequence[int], changes: dict[Node, Node]) -> Node:
    """The change of `node` when its operands change: the sum of `local` over the places."""
    terms = [local(node, k, changes[node.operands[k]]) for k in places]
    present = [t for t in terms if t is not None]
    return add(present) if present else zeros(node.shape)


def is_one(node: Node) -> bool:
    """The number 1 or an array of ones."""
    return isinstance(node, Einsum) and node.coef == 1 and not node.items and len(set(node.out)) == len(node.out)


def is_identity(node: Node, lead: int) -> bool:
    """Whether a cotangent is the derivative of the output by itself: 1, or for an output of rank `lead` the identity."""
    if lead == 0:
        return getattr(node, "value", None) == 1
    if not isinstance(node, Einsum) or node.rank != 2 * lead:
        return False
    return node.coef == S.One and not node.items and node.out == (*range(lead), *range(lead))


__all__ = ["Part", "Trace", "bare", "is_identity", "is_one", "local", "substitute", "total_local", "written"]
