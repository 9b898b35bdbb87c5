"""The differential style: `dL = 2 rᵀ dr = 2 rᵀ X dw  ⇒  ∂L/∂w = 2 Xᵀ r` (Magnus and Neudecker).

The lines are the states of the reverse sweep: a sum of `<ū, du>` over the nodes that wait for their event.
"""

from __future__ import annotations

from ..expr.nodes import Add, Call, Node, Var
from ..expr.walk import postorder, replace
from ..notation.words import to_words
from ..simplify.add import add
from .blocks import Block
from .context import Context
from .model import Section, Step
from .pairing import canonical, change_last, change_words, pair, plus, terms_of
from .reasons import local_rule
from .spell import same
from .trace import is_identity, substitute


class Waiting:
    """The nodes that wait for their event, each with a part of its cotangent, in the order in which the line shows them."""

    def __init__(self, context: Context) -> None:
        self.c = context
        self.terms: list[tuple[Node, Node]] = []

    def line(self, instead: tuple[int, Node] | None = None) -> Node:
        """`Σ <ū, du>`; `instead` puts other words in the place of one term."""
        words = [self.term(node, g) for node, g in self.terms]
        if instead is not None:
            words[instead[0]] = instead[1]
        return plus(words)

    def term(self, node: Node, cotangent: Node) -> Node:
        change = self.c.change(node)
        if is_identity(cotangent):
            return change
        return pair(self.c.speller.words(cotangent), change, self.c.lead)

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


def derive_differential(c: Context) -> Section:
    """The section of a derivation in differentials."""
    steps = c.rewriting()
    paired = c.lead <= 1 and all(e.node.rank + c.lead <= 2 for e in c.trace.events)
    lines = _paired(c) if paired else _composed(c)
    steps += lines
    steps += conclusions(c, lines[-1].after if lines else c.root_change)
    return c.section(steps)


def _paired(c: Context) -> list[Step]:
    if isinstance(c.task.core, Var):
        return []
    waiting = Waiting(c)
    waiting.terms.append((c.task.core, c.trace.event[c.task.core].cotangent))
    steps: list[Step] = []
    line: Node = c.root_change
    by_head = {b.head: b for b in c.blocks}
    for event in c.trace.events:
        node = event.node
        if len(waiting.places(node)) > 1:
            waiting.collect(node, event.cotangent)
            new = waiting.line()
            if new is not line:
                steps.append(_step(c, "collect", "The terms in the same differential are collected.", line, new))
                line = new
        block = by_head.get(node)
        if block is None:
            continue
        (at,) = waiting.places(node)
        local = local_words(c, block)
        cotangent = waiting.terms[at][1]
        through = local if is_identity(cotangent) else pair(c.speller.words(cotangent), local, c.lead)
        a = waiting.line((at, canonical(through)))
        waiting.replace(node, [(p.target, p.cotangent) for p in block.parts(c.trace)])
        b = waiting.line()
        rule, reason = local_rule(c, block)
        if a is not line:
            steps.append(_step(c, rule, reason, line, a, [c.change(node)], [local]))
            line = a
        if b is not line:
            steps.append(_step(c, "transpose", _moving_reason(b), line, b))
            line = b
    return steps


def _moving_reason(line: Node) -> str:
    if any(isinstance(n, Call) and n.name == "trace" for n in postorder(line)):
        return "The trace is invariant under cyclic shifts and transposition, and moves entrywise factors across: the differential comes last."
    return "Factors move across the inner product, so that the differential stands alone: aᵀ(b ⊙ c) = (a ⊙ b)ᵀ c and aᵀ(M c) = (Mᵀ a)ᵀ c."


def _step(c: Context, rule: str, reason: str, before: Node, after: Node, changed=(), new=(), weight="normal") -> Step:
    return Step(rule, reason, before, after, c.root_change, tuple(changed), tuple(new), weight=weight, opens=before is c.root_change)


def local_words(c: Context, block: Block) -> Node:
    """The differential of a block in the changes of its inputs, as a textbook writes it."""
    changes = {x: c.change(x) for x in block.inputs}
    core = block.change(c.trace, changes)
    short = substitute(core, c.names.value)
    plain = change_last(c.speller.plain(core), set(changes.values()))  # type: ignore[arg-type]
    holes = {x: x if isinstance(x, Var) else _hole(c, x) for x in block.inputs}
    inside = {x: h for x, h in holes.items() if h is not x}
    for word in _own_words(c, block.head, inside):
        proposed = change_words(word, {h: c.change(x) for x, h in holes.items()})
        if proposed is None:
            continue
        back = {h: c.speller.words(x) for x, h in holes.items() if h is not x and c.names.value.get(x) is not h}
        proposed = replace(proposed, back) if back else proposed
        if 2 * proposed.tree_size <= 3 * plain.tree_size + 8 and same(proposed, short):
            return plus([canonical(t) for t in terms_of(proposed)])
    return plus([canonical(t) for t in terms_of(plain)])


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
    steps: list[Step] = []
    line: Node = c.root_change
    for block in c.blocks:
        target = c.change(block.head)
        if line is not target and all(n is not target for n in postorder(line)):
            continue
        local = local_words(c, block)
        new = local if line is target else replace(line, {target: local})
        rule, reason = local_rule(c, block)
        steps.append(_step(c, rule, reason, line, new, [target], [local]))
        line = new
    return steps


def conclusions(c: Context, line: Node) -> list[Step]:
    """`dL = tr(Gᵀ dW) ⇒ ∂L/∂W = G`, names put back, the form of the answer."""
    steps = []
    for v in c.task.targets:
        result = c.trace.results[v]
        symbol = c.cotangent(v)
        event = c.trace.event.get(v)
        short = c.speller.words(event.cotangent if event is not None else result)
        rule, reason = _reading(c, v)
        steps.append(Step(rule, reason, symbol, short, symbol, new=(short,), weight="key", opens=True))
        steps += last_steps(c, symbol, short, result)
    return steps


def last_steps(c: Context, symbol: Node, short: Node, result: Node) -> list[Step]:
    """From the form in names to the engine's answer."""
    final = to_words(result)
    if short is final:
        return []
    tidy = to_words(substitute(result, c.names.value))
    steps = []
    if tidy is not short and tidy is not final and tidy.tree_size <= short.tree_size:
        steps.append(Step("simplify", "Like factors and terms are collected.", short, tidy, symbol, new=(tidy,)))
        short = tidy
    named = {v for _, v in c.names.order}
    if any(n in named for n in postorder(short)):
        steps.append(Step("substitute", "The names are replaced by what they stand for.", short, final, symbol, new=(final,), weight="key"))
    else:
        steps.append(Step("simplify", "Like factors and terms are collected.", short, final, symbol, new=(final,), weight="key"))
    return steps


def _reading(c: Context, v: Var) -> tuple[str, str]:
    if c.lead:
        return "read_jacobian", f"What multiplies the change of {v.name} is the Jacobian: dy = J dx."
    if v.rank == 0:
        return "read_gradient", f"What multiplies the change of {v.name} is the derivative: dL = g dx."
    if v.rank == 1:
        return "read_gradient", f"What multiplies the change of {v.name} is the gradient, transposed: dL = gᵀ dx."
    return "read_gradient", f"The gradient is what stands before the change of {v.name} under the trace, transposed: dL = tr(Gᵀ dW)."


__all__ = ["Add", "add", "conclusions", "derive_differential", "last_steps", "local_words"]
