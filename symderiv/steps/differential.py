"""The differential style: `dL = 2 rᵀ dr = 2 rᵀ X dw  ⇒  ∂L/∂w = 2 Xᵀ r` (Magnus and Neudecker).

The lines are the states of the reverse sweep: a sum of `<ū, du>` over the nodes that wait for their event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from sympy import S

from ..expr.nodes import Call, Node, Var
from ..expr.walk import postorder, replace
from ..notation.polish import polish
from ..notation.words import to_words
from ..simplify.add import add
from ..simplify.product import scale
from .blocks import Block
from .changes import change_words
from .context import Context
from .display import looks_same, rough_look
from .model import Section, Step
from .pairing import canonical, change_last, nothing, pair, plus, terms_of
from .reasons import local_rule
from .spell import same
from .trace import Part, is_identity, substitute


class Waiting:
    """The nodes that wait for their event, each with a part of its cotangent, in the order in which the line shows them."""

    def __init__(self, context: Context) -> None:
        self.c = context
        self.terms: list[tuple[Node, Node]] = []
        self.finished: list[Node] = []

    def line(self, instead: Mapping[int, Node] = MappingProxyType({})) -> Node:
        """`Σ <ū, du>`; `instead` puts other words in the places of some terms."""
        words = [instead.get(k) or self.term(node, g) for k, (node, g) in enumerate(self.terms)]
        if self.finished:
            words.append(self.c.rest(plus(self.finished)))
        return plus(words) if words else nothing(self.c.task.core.shape)

    def term(self, node: Node, cotangent: Node) -> Node:
        face, sign = self.c.face(node)
        change = self.c.change(face)
        if is_identity(cotangent, self.c.lead) and sign > 0:
            return change
        return pair(self.c.speller.words(scale(cotangent, S(sign))), change, self.c.lead)

    def places(self, node: Node) -> list[int]:
        return [k for k, (n, _) in enumerate(self.terms) if n is node]

    def collect(self, node: Node, total: Node) -> None:
        """All parts of a node as one, at the place of the first."""
        first = self.places(node)[0]
        self.terms[first] = (node, total)
        self.terms = [t for k, t in enumerate(self.terms) if k <= first or t[0] is not node]

    def replace(self, node: Node, parts: list[tuple[Node, Node]]) -> None:
        (at,) = self.places(node)
        self.terms[at : at + 1] = parts

    def finish(self, node: Node) -> None:
        """The term of a variable has been read off."""
        (at,) = self.places(node)
        self.finished.append(self.term(*self.terms.pop(at)))


class Lines:
    """The chain `dL = … = …` as it grows."""

    def __init__(self, c: Context) -> None:
        self.c = c
        self.steps: list[Step] = []
        self.line: Node = c.root_change
        self.opens = True

    def add(
        self,
        rule: str,
        reason: str,
        after: Node,
        changed: Sequence[Node] = (),
        new: Sequence[Node] = (),
        children: Sequence[Step] = (),
    ) -> None:
        """One more line, unless it would look like the last one."""
        fine = self.c.task.detail == "full"
        same_look = looks_same(after, self.line) if fine else rough_look(after) == rough_look(self.line)
        if not same_look or (self.opens and after is not self.line):
            if rule == "transpose" and not fine and self.steps and self._is_in_the_head(after):
                last = self.steps.pop()
                rule, reason, children = last.rule, last.reason, last.children
                self.line, self.opens = last.before, last.opens
            if rule == "collect" and not fine and self._gathers():
                last = self.steps.pop()
                rule, reason = "transpose", f"{last.reason[:-1]}; then {reason[0].lower()}{reason[1:]}"
                self.line = last.before
            if rule in ("transpose", "collect"):
                reason = with_facts(reason, self.c.facts_used(self.line, after))
            self.steps.append(
                Step(
                    rule,
                    reason,
                    self.line,
                    after,
                    self.c.root_change,
                    tuple(changed),
                    tuple(new),
                    children=tuple(children),
                    opens=self.opens,
                )
            )
            self.opens = False
            self.line = after

    def _is_in_the_head(self, after: Node) -> bool:
        """Whether moving factors after the last line is no line of its own: a linear map, and no trace."""
        last = self.steps[-1]
        traces = any(isinstance(n, Call) and n.name == "trace" for w in (self.line, after) for n in postorder(w))
        return last.rule == "linear" and last.after is self.line and not traces

    def _gathers(self) -> bool:
        """Whether the last line only moved factors, so that a reader collects terms in the same breath."""
        return bool(self.steps) and self.steps[-1].rule == "transpose" and self.steps[-1].after is self.line and not self.opens


def with_facts(reason: str, facts: str) -> str:
    return f"{reason} {facts}" if facts and facts not in reason else reason


def derive_differential(c: Context) -> Section:
    """The section of a derivation in differentials."""
    steps = c.rewriting()
    paired = c.lead <= 1 and all(e.node.rank + c.lead <= 2 for e in c.trace.events)
    steps += _paired(c) if paired else _composed(c)
    return c.section(steps)


def _paired(c: Context) -> list[Step]:
    lines = Lines(c)
    waiting = Waiting(c)
    if c.task.core not in c.trace.event:  # none of the variables occurs
        return [s for v in c.task.targets for s in conclusion(c, v)]
    waiting.terms.append((c.task.core, c.trace.event[c.task.core].cotangent))
    by_head = {b.head: b for b in c.blocks}
    left = {v: sum(v in b.inputs for b in c.blocks) for v in c.task.targets}
    early = len(c.task.targets) > 1
    events = [e.node for e in c.trace.events]
    done: set[Node] = set()
    for k, node in enumerate(events):
        if len(waiting.places(node)) > 1:
            waiting.collect(node, c.total(node, [waiting.terms[j][1] for j in waiting.places(node)]))
            lines.add("collect", "The terms in the same differential are collected.", waiting.line())
        if node not in by_head or node in done:
            continue
        group = [by_head[node]]
        if c.task.detail != "full":
            group += independent(events[k + 1 :], by_head, by_head[node], lambda n: len(waiting.places(n)) == 1)
        done |= {b.head for b in group}
        _advance(c, lines, waiting, group)
        for block in group:
            for v in block.inputs:
                if v in left:
                    left[v] -= 1
        for v in [v for v in c.task.targets if early and left.get(v) == 0]:
            _read_off_early(c, lines, waiting, v)
            del left[v]
    for v in c.task.targets:
        if not early or v in left:
            lines.steps += conclusion(c, v, waiting)
    return lines.steps


def _read_off_early(c: Context, lines: Lines, waiting: Waiting, v: Var) -> None:
    """With several variables, each is read off when nothing more can reach it."""
    if len(waiting.places(v)) > 1:
        waiting.collect(v, c.total(v, [waiting.terms[k][1] for k in waiting.places(v)]))
        lines.add("collect", "The terms in the same differential are collected.", waiting.line())
    lines.steps += conclusion(c, v, waiting)
    waiting.finish(v)
    if waiting.terms:
        lines.line, lines.opens = waiting.line(), True


def independent(
    later: Sequence[Node], by_head: Mapping[Node, Block], first: Block, stands_alone: Callable[[Node], bool]
) -> Iterator[Block]:
    """The blocks of the next events that a reader differentiates along with the first: they stand in the line already, and
    none is made of another."""
    waiting = set(first.inputs)
    for node in later:
        block = by_head.get(node)
        if block is None:
            continue
        if node not in waiting and stands_alone(node):
            yield block
        waiting |= set(block.inputs)


def _advance(c: Context, lines: Lines, waiting: Waiting, group: list[Block]) -> None:
    """The line with the differentials of some blocks put in, and the line after transposition."""
    for block in group:
        (at,) = waiting.places(block.head)
        short, introduced = c.abbreviated(block.head, waiting.terms[at][1])
        if introduced is not None:
            waiting.terms[at] = (block.head, short)
            lines.steps.append(introduced)
            lines.line, lines.opens = waiting.line(), True
    instead: dict[int, Node] = {}
    told: list[Step] = []
    for block in group:
        (at,) = waiting.places(block.head)
        face, sign = c.face(block.head)
        cotangent = scale(waiting.terms[at][1], S(sign))
        local = local_words(c, block)
        through = local if is_identity(cotangent, c.lead) else pair(c.speller.words(cotangent), local, c.lead)
        instead[at] = plus([canonical(t) for t in terms_of(through)])
        change = c.change(face)
        told.append(Step(*local_rule(c, block), change, local, change, new=(local,), opens=True))
    rule, reason = in_one(told)
    children = told if len(told) > 1 or (c.task.detail == "full" and told[0].subject is not c.root_change) else []
    lines.add(rule, reason, waiting.line(instead), [t.before for t in told], [t.after for t in told], children)
    for block in group:
        (at,) = waiting.places(block.head)
        order = {
            n: k for k, n in enumerate(postorder(next(t.after for t in told if t.before is c.change(c.face(block.head)[0]))))
        }
        parts = sorted(c.parts(block, waiting.terms[at][1]), key=lambda p: order.get(c.change(c.face(p.target)[0]), 0))
        if c.task.detail != "full":
            parts = together(parts)
        waiting.replace(block.head, [(p.target, p.cotangent) for p in parts])
    moved = waiting.line()
    lines.add("transpose", _moving_reason(moved, c.lead), moved)


def in_one(told: Sequence[Step]) -> tuple[str, str]:
    """Rule and sentence of a line in which several terms are differentiated, each by its own rule."""
    rules = dict.fromkeys(t.rule for t in told)
    reasons = dict.fromkeys(t.reason for t in told)
    return (next(iter(rules)) if len(rules) == 1 else "terms"), " ".join(reasons)


def together(parts: list[Part]) -> list[Part]:
    """What one block passed to one operand in several parts, as one."""
    out: list[Part] = []
    for p in parts:
        at = next((k for k, q in enumerate(out) if q.target is p.target), None)
        if at is None:
            out.append(p)
        else:
            out[at] = Part(out[at].source, p.target, polish(add([out[at].cotangent, p.cotangent])))
    return out


def _moving_reason(line: Node, lead: int) -> str:
    if lead:
        return "A product entry by entry is a product with a diagonal matrix, so that the differential stands alone at the end: `a ⊙ b = diag(a) b`, `(aᵀb) c = c aᵀ b`."
    if any(isinstance(n, Call) and n.name == "trace" for n in postorder(line)):
        return "The trace is invariant under cyclic shifts and transposition, and moves entrywise factors across: the differential comes last."
    return "Factors move across the inner product, so that the differential stands alone: `aᵀ(b ⊙ c) = (a ⊙ b)ᵀ c`, `aᵀ(M c) = (Mᵀ a)ᵀ c`."


def local_words(c: Context, block: Block) -> Node:
    """The differential of a block in the changes of its inputs, as a textbook writes it."""
    face, sign = c.face(block.head)
    core = scale(block.change(c.trace, {x: c.changed(x) for x in block.inputs}), S(sign))
    changes = {c.change(c.face(x)[0]) for x in block.inputs}
    short = substitute(core, c.names.value)
    plain = change_last(c.speller.plain(core), changes)  # type: ignore[arg-type]
    faces = [c.face(x)[0] for x in block.inputs]
    holes = {x: x if isinstance(x, Var) else _hole(c, x) for x in faces}
    inside = {x: h for x, h in holes.items() if h is not x}
    for word in _own_words(c, face, inside):
        proposed = change_words(word, {h: c.change(x) for x, h in holes.items()})
        if proposed is None:
            continue
        back = {h: c.speller.words(x) for x, h in holes.items() if h is not x and c.names.value.get(x) is not h}
        proposed = replace(proposed, back) if back else proposed
        if 2 * proposed.tree_size <= 3 * plain.tree_size + 8 and same(proposed, short):
            plain = proposed
            break
    place = {c.change(face): k for k, face in enumerate(faces)}
    terms = terms_of(plain)
    terms.sort(key=lambda t: min((place[n] for n in postorder(t) if n in place), default=0))
    return plus([canonical(t) for t in terms])


def _hole(c: Context, x: Node) -> Node:
    named = c.names.value.get(x)
    return named if isinstance(named, Var) else c.hole(x)


def _own_words(c: Context, head: Node, inside: dict[Node, Node]) -> list[Node]:
    """The words of a value with variables for its inputs: the user's, then the engine's."""
    out = []
    mine = c.speller.user(head, keep=head, holes=inside)
    if mine is not None:
        out.append(mine)
    rule = {k: v for k, v in c.names.value.items() if k is not head}
    out.append(to_words(substitute(head, {**rule, **inside})))
    return out


def _composed(c: Context) -> list[Step]:
    """For arrays of many axes: the differentials are put into one another, without moving factors across."""
    lines = Lines(c)
    for block in c.blocks:
        target = c.change(c.face(block.head)[0])
        if all(n is not target for n in postorder(lines.line)):
            continue
        local = local_words(c, block)
        rule, reason = local_rule(c, block)
        lines.add(rule, reason, replace(lines.line, {target: local}), [target], [local])
    for v in c.task.targets:
        lines.steps += conclusion(c, v)
    return lines.steps


def conclusion(c: Context, v: Var, waiting: Waiting | None = None) -> list[Step]:
    """`dL = tr(Gᵀ dW) ⇒ ∂L/∂W = G`, names put back, the form of the answer."""
    symbol = c.cotangent(v)
    result = c.trace.results[v]
    event = c.trace.event.get(v)
    total = event.cotangent if event is not None else result
    if waiting is not None and event is not None and waiting.places(v):
        total = c.total(v, [waiting.terms[k][1] for k in waiting.places(v)])
    short = as_handed_over(c.speller.words(total) if waiting is not None else shortest(c, total, result), result)
    rule, reason = _reading(c, v) if event is not None else absent(v)
    first = Step(rule, reason, symbol, short, symbol, new=(short,), weight="key", opens=True)
    return [first, *last_steps(c, symbol, short, result)]


def shortest(c: Context, total: Node, result: Node) -> Node:
    """The answer in names: as the steps collected it, or as the engine hands it over."""
    mine, tidy = c.speller.words(total), c.speller.plain(result)
    clearly = 3 * tidy.tree_size < 2 * mine.tree_size
    return tidy if clearly or (result.rank > 2 and tidy.tree_size < mine.tree_size) else mine


def as_handed_over(short: Node, result: Node) -> Node:
    """The engine's answer itself where it looks like the form in names."""
    final = to_words(result)
    return final if looks_same(short, final) else short


def last_steps(c: Context, symbol: Node, short: Node, result: Node) -> list[Step]:
    """From the form in names to the engine's answer."""
    final = to_words(result)
    if short is final:
        return []
    tidy = c.speller.plain(result)
    steps = []
    shorter = not c.abbreviations and tidy is not final and tidy.tree_size <= short.tree_size
    if shorter and not looks_same(tidy, short):
        steps.append(Step("simplify", "Like factors and terms are collected.", short, tidy, symbol, new=(tidy,)))
        short = tidy
    named = {v for _, v in c.names.order} | c.abbreviations
    if any(n in named for n in postorder(short)):
        steps.append(
            Step("substitute", "The names are replaced by what they stand for.", short, final, symbol, new=(final,), weight="key")
        )
    else:
        steps.append(Step("simplify", "Like factors and terms are collected.", short, final, symbol, new=(final,), weight="key"))
    return steps


def absent(v: Var) -> tuple[str, str]:
    return "constant", f"`{v.name}` does not occur: the derivative is 0."


def _reading(c: Context, v: Var) -> tuple[str, str]:
    if c.lead:
        return "read_jacobian", f"What multiplies `d{v.name}` is the Jacobian: `dy = J dx`."
    if v.rank == 0:
        return "read_gradient", f"What multiplies `d{v.name}` is the derivative."
    if v.rank == 1:
        return "read_gradient", f"What multiplies `d{v.name}` is the gradient, transposed: `dL = gᵀ dx`."
    return "read_gradient", f"What stands before `d{v.name}` under the trace is the gradient, transposed: `dL = tr(Gᵀ dW)`."


__all__ = ["conclusion", "derive_differential", "last_steps", "local_words"]
