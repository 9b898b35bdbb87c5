"""The index style: `∂L/∂w_j = Σ_i 2 r_i Σ_k x_ik ∂w_k/∂w_j = Σ_i 2 r_i Σ_k x_ik δ_kj = Σ_i 2 r_i x_ij`.

The lines are the states of the reverse sweep by entries: a sum of `Σ_a ū_a ∂u_a/∂w_j` over the nodes that wait for their event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from types import MappingProxyType

from sympy import S

from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Shared, Var
from ..expr.walk import fold, postorder, with_operands
from ..simplify.add import add, primitive
from ..simplify.calls import call
from ..simplify.product import Network, einsum, scale
from .blocks import Block
from .context import Context
from .differential import absent, as_handed_over, independent, last_steps, shortest, together, with_facts
from .display import look, looks_same, rough_look
from .entries import Entries, Letters, delta
from .model import Section, Step, Symbol
from .pairing import plus, times
from .reasons import index_rule, reassembly
from .trace import substitute


class NotLinear(Exception):
    """A differential that is not a sum of products with the change."""


def lifted(core: Node, partials: dict[Node, Node], axes: int) -> Node:
    """`∂/∂w` of what `core` is the change of: every change `dx` becomes `∂x/∂w`, which has `axes` more axes."""
    moving: dict[Node, bool] = {}
    for node in postorder(core):
        moving[node] = node in partials or any(moving[o] for o in node.operands)
    extra = [("by", k) for k in range(axes)]

    def visit(node: Node, operands: list[Node]) -> Node:
        if not moving[node] or node in partials:
            return partials.get(node, node)
        if isinstance(node, Add):
            return add(operands)
        if isinstance(node, Shared):
            return operands[0]
        if isinstance(node, Einsum):
            items = []
            for x, (old, ls) in zip(operands, node.items, strict=True):
                items.append((x, [*ls, *extra] if moving[old] else list(ls)))
            shape = next(x for x, (old, _) in zip(operands, node.items, strict=True) if moving[old]).shape
            sizes: dict = {**dict(enumerate(node.sizes)), **dict(zip(list(extra), shape[len(shape) - axes :], strict=True))}
            return einsum(items, [*node.out, *extra], sizes, coef=node.coef)
        if isinstance(node, Call) and node.name == "reshape":
            inner = operands[0]
            return call("reshape", inner, shape=(*node.shape, *inner.shape[inner.rank - axes :]))
        raise NotLinear

    return fold(core, visit)


class IndexBuilder:
    """One derivation by entries, for one variable."""

    def __init__(self, c: Context, v: Var) -> None:
        self.c, self.v = c, v
        self.letters = Letters(c.taken | {name.name for _, name in c.names.order})
        self.partials: dict[Node, Var] = {}
        self.lead, self.free = self._free_indices()
        self.entries = Entries(self.letters, self.free, c.trace.place)
        self.used = frozenset([*self.lead, *self.free])
        self.terms: list[tuple[Node, Node]] = []
        self.steps: list[Step] = []
        self.opens = True
        self.result: Node | None = None
        root = self.partial(c.task.core)
        self.subject = self._at(root, [*self.lead, *self.free])
        self.line: Node = self.subject

    def _free_indices(self) -> tuple[tuple[Index, ...], tuple[Index, ...]]:
        """Letters for the axes of the output and of the variable."""
        lead = self.letters.take_all(self.c.task.core.shape, ())
        if not lead:
            other = next((s for u in self._shapes() for s in u if s not in self.v.shape), None)
            if other is not None:
                self.letters.take(other, ())
        used = [i for found in self.letters.known.values() for i in found]
        return lead, self.letters.take_all(self.v.shape, used)

    def _shapes(self) -> list[tuple]:
        return [n.shape for n in postorder(self.c.task.words) if isinstance(n, Var)]

    def _at(self, x: Node, indices: Sequence[Node]) -> Node:
        return Call("getitem", x, *indices, spec=("at",) * len(indices)) if indices else x

    def partial(self, node: Node) -> Var:
        """`∂u/∂w` as a variable, with the entry that stands for u."""
        face, _ = self.c.face(node)
        found = self.partials.get(face)
        if found is None:
            found = self.partials[face] = self.c.partial(face, self.v)
            if face is self.c.task.core:
                own: tuple[Index, ...] = self.lead
            else:
                own = self.letters.take_all(face.shape, self.used)
            self.entries.preferred[found] = own
            self.entries.derivative.add(found)
            symbol = self.c.symbols[found]
            if symbol.label is None:
                entry = self.entries.entry(self.c.speller.short(face), own, self.used)
                self.c.symbols[found] = changed(symbol, entry=(entry, own))
        return found

    def signed(self, node: Node) -> Node:
        face, sign = self.c.face(node)
        return scale(self.partial(face), S(sign))

    # lines
    # -----------------------------------------------------------------------------------------------------------------------
    def term(self, cotangent: Node, derivative: Node, rank: int) -> list[Node]:
        """`Σ_a ū_a D_aj` for every term of the derivative `D` (of shape `u.shape + w.shape`)."""
        out = []
        parts = list(derivative.terms) if isinstance(derivative, Add) else [derivative]
        place = {p: k for k, p in enumerate(self.partials.values())}
        parts.sort(key=lambda t: min((place[n] for n in postorder(t) if n in place), default=0))
        for part in parts:
            net = Network(S.One)
            lead = [net.label(s) for s in self.c.task.core.shape]
            own = [net.label(s) for s in derivative.shape[:rank]]
            free = [net.label(s) for s in self.v.shape]
            short = self.c.speller.short(cotangent)
            if isinstance(short, Add):
                c, short = primitive(short)
                net.coef = net.coef * c
            net.put(short, [*lead, *own])
            net.put(part, [*own, *free])
            bound = dict(zip([*lead, *free], [*self.lead, *self.free], strict=True))
            out.append(self.entries.product(net, bound, self.used))
        return out

    def state(self, instead: Mapping[int, list[Node]] = MappingProxyType({})) -> Node:
        words: list[Node] = []
        for k, (node, g) in enumerate(self.terms):
            words.extend(instead[k] if k in instead else self.term(g, self.signed(node), node.rank))
        return plus(words) if words else Num(0)

    def add(
        self, rule: str, reason: str, after: Node, changed: Sequence[Node] = (), new: Sequence[Node] = (), note: str = ""
    ) -> None:
        full = self.c.task.detail == "full"
        same = look(after) == look(self.line) if full else rough_look(after) == rough_look(self.line)
        if not same or (self.opens and after is not self.line):
            free = self.frees()
            last = self.steps[-1] if self.steps and not self.opens else None
            if rule == "distribute" and not full and last is not None and last.after is self.line:
                rule, reason, new = last.rule, last.reason, ()
                self.line, self.opens = self.steps.pop().before, last.opens
            reason = with_facts(reason, self.c.facts_used(self.line, after))
            self.steps.append(
                Step(rule, reason, self.line, after, self.subject, tuple(changed), tuple(new), free, note, opens=self.opens)
            )
            self.opens = False
            self.line = after

    def frees(self) -> tuple[tuple[Index, object], ...]:
        return tuple(zip([*self.lead, *self.free], [*self.c.task.core.shape, *self.v.shape], strict=True))

    def opening(self) -> list[Step]:
        """The value by entries, where it is a sum."""
        c = self.c
        if c.lead or isinstance(c.task.core, Var):
            return []
        before = c.statement()
        after = self.entries.entry(c.speller.short(c.task.core, keep=c.task.core), [], self.used)
        if after is before or not any(isinstance(n, Index) for n in postorder(after)):
            return []
        return [Step("entries", "Written out by entries.", before, after, c.function, new=(after,), opens=True)]

    def by_entries(self, s: Symbol) -> Symbol:
        """A named value with its definition by entries."""
        node = self.c.names.of_var.get(s.var)
        if node is None:
            return s
        at = self.letters.take_all(node.shape, self.free)
        return changed(s, entry=(self.entries.entry(self.c.speller.short(node, keep=node), at, self.used), at))

    def run(self) -> list[Step]:
        c = self.c
        if c.task.core not in c.trace.event:  # the variable does not occur
            return []
        self.terms.append((c.task.core, c.trace.event[c.task.core].cotangent))
        by_head = {b.head: b for b in c.blocks}
        events = [e.node for e in c.trace.events]
        done: set[Node] = set()
        for k, node in enumerate(events):
            places = self.places(node)
            if len(places) > 1 and node is not self.v:
                self.terms[places[0]] = (node, c.total(node, [self.terms[j][1] for j in places]))
                self.terms = [t for j, t in enumerate(self.terms) if j <= places[0] or t[0] is not node]
                self.add("collect", "Terms with the same derivative are collected.", self.state())
            if node in by_head and places and node not in done:
                group = [by_head[node]]
                if c.task.detail != "full":
                    group += independent(events[k + 1 :], by_head, by_head[node], lambda n: len(self.places(n)) == 1)
                done |= {b.head for b in group}
                self.advance(group)
        self.sift()
        return self.steps

    def places(self, node: Node) -> list[int]:
        return [k for k, (n, _) in enumerate(self.terms) if n is node]

    def advance(self, group: list[Block]) -> None:
        """The line with the derivatives of some blocks put in, and the line with its sums in order."""
        c = self.c
        for block in group:
            (at,) = self.places(block.head)
            cotangent, introduced = c.abbreviated(block.head, self.terms[at][1])
            if introduced is not None:
                self.terms[at] = (block.head, cotangent)
                self.steps.append(introduced)
                self.line, self.opens = self.state(), True
        instead: dict[int, list[Node]] = {}
        told: list[tuple[str, str]] = []
        for block in group:
            words = self.local(block)
            if words is not None:
                instead[self.places(block.head)[0]] = words
                told.append(index_rule(c, block))
        failed = not instead
        if instead:
            before = self.line
            rules, reasons = dict.fromkeys(r for r, _ in told), dict.fromkeys(r for _, r in told)
            rule = next(iter(rules)) if len(rules) == 1 else "terms"
            self.add(rule, " ".join(reasons), self.state(instead), [], [w for words in instead.values() for w in words])
            failed = self.line is before
        several = False
        for block in group:
            (at,) = self.places(block.head)
            order = {x: k for k, x in enumerate(block.inputs)}
            parts = sorted(c.parts(block, self.terms[at][1]), key=lambda p: order[p.target])
            if c.task.detail != "full" and any(p.target is not self.v for p in parts):
                parts = together(parts)
            self.terms[at : at + 1] = [(p.target, p.cotangent) for p in parts]
            several = several or (len(parts) > 1 and any(p.target is not self.v for p in parts))
        if failed or several or c.task.detail == "full":
            self.add("distribute", "The sums are distributed and put in order.", self.state())

    def local(self, block: Block) -> list[Node] | None:
        """What stands in the place of a block's term after its derivative was put in; None where that is not linear."""
        c = self.c
        (at,) = self.places(block.head)
        try:
            core = block.change(c.trace, {x: c.changed(x) for x in block.inputs})
            partials = {c.change(c.face(x)[0]): self.partial(x) for x in block.inputs}
            if not any(n in partials for n in postorder(core)):
                return []
            derivative = substitute(lifted(core, partials, self.v.rank), c.names.value)  # type: ignore[arg-type]
            return self.term(self.terms[at][1], derivative, block.head.rank)
        except NotLinear:
            return None

    def sift(self) -> None:
        """`∂w_k/∂w_j = δ_kj`, and the sum over k keeps only the term k = j."""
        p = self.partials.get(self.v)
        if p is None or not self.terms:
            return
        rank = self.v.rank

        deltas: list[Node] = []

        def kronecker(node: Node, operands: list[Node]) -> Node:
            new = with_operands(node, operands)
            if isinstance(new, Call) and new.name == "getitem" and new.operands[0] is p:
                own, free = new.operands[1 : 1 + rank], new.operands[1 + rank :]
                made = [delta(a, b) for a, b in zip(own, free, strict=True)]
                deltas.extend(d for d in made if d not in deltas)
                return times(*made)
            return new

        if rank and any(n is p for n in postorder(self.line)):
            after = fold(self.line, kronecker)
            names = ", ".join(i.name for i in self.free)
            self.add(
                "kronecker",
                "An entry of the variable changes only with itself: the derivative is 1 for equal indices and 0 otherwise.",
                after,
                new=deltas,
            )
            total = add([g for _, g in self.terms])
            words = self.entry_of(total)
            summed = ", ".join(i.name for i in self.entries.preferred[p])
            kept = f"{summed} = {names}" if rank == 1 else f"({summed}) = ({names})"
            other = f"{summed} ≠ {names}" if rank == 1 else f"({summed}) ≠ ({names})"
            self.add(
                "sift",
                f"The delta sifts the sum over `{summed}`: all terms with `{other}` vanish, and the one with `{kept}` is left.",
                words,
            )
        self.result = self.c.total(self.v, [g for _, g in self.terms])
        self.add("collect", "Like terms are collected.", self.entry_of(self.result))

    def entry_of(self, total: Node) -> Node:
        short = self.c.speller.short(total)
        terms = short.terms if isinstance(short, Add) else (short,)
        return self.entries.sum([self.entries.entry(t, [*self.lead, *self.free], self.used) for t in terms])


def derive_index(c: Context) -> Section:
    """The section of a derivation by entries, for the task's one variable."""
    steps = c.rewriting()
    (v,) = c.task.targets
    builder = IndexBuilder(c, v)
    steps += builder.opening()
    steps += builder.run()
    symbol = c.cotangent(v)
    result = c.trace.results[v]
    event = c.trace.event.get(v)
    total = builder.result or (event.cotangent if event is not None else result)
    short = as_handed_over(shortest(c, total, result), result)
    rule, reason = ("reassemble", reassembly(c.speller.short(total), c.lead, v)) if event is not None else absent(v)
    if not symbol.rank and steps and steps[-1].after is not short and steps[-1].subject is builder.subject:
        if looks_same(steps[-1].after, short):
            steps[-1] = changed(steps[-1], after=short, new=(short,))
        else:
            said = "The sums are written as products of vectors and matrices."
            steps.append(Step("reassemble", said, steps[-1].after, short, builder.subject, new=(short,), weight="key"))
    if symbol.rank or not steps or steps[-1].subject is not builder.subject:
        steps.append(Step(rule, reason, symbol, short, symbol, new=(short,), weight="key", opens=True))
    steps += last_steps(c, symbol, short, result)
    section = c.section(steps)
    names = tuple(builder.by_entries(s) for s in section.names)
    return changed(section, names=names)


__all__ = ["IndexBuilder", "derive_index", "lifted"]
