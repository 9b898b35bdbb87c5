"""The graph style: forward, the intermediate values `u = X w`, `p = σ(u)`; backward, at every node upstream × local.

∂L/∂u = ∂L/∂p ⊙ p ⊙ (1 − p)           one path
∂L/∂x = Σ over the nodes that use x    several paths
"""

from __future__ import annotations

from dataclasses import replace

from ..calculus import derive as engine
from ..calculus.sweep import sweep, unshare
from ..expr.nodes import Node, Num, Var
from ..expr.walk import postorder
from ..notation.polish import polish
from ..notation.words import to_words
from .blocks import Block
from .context import Context
from .differential import absent, as_handed_over, last_steps, local_words, with_facts
from .display import look
from .model import Section, Step
from .naming import letters_for
from .pairing import plus
from .reasons import local_rule
from .trace import substitute

LONG = 40  # nodes beyond which the value of a cotangent is not written out


def derive_graph(c: Context) -> Section:
    """The section of a derivation along the computation graph, for all of the task's variables."""
    name_everything(c)
    backward = Backward(c)
    steps = c.rewriting()
    for event in c.trace.events:
        steps += backward.at(event.node)
    for v in c.task.targets:
        if v not in c.trace.event:
            steps += backward.unused(v)
    return c.section(steps)


def name_everything(c: Context) -> None:
    """In this style every value between the variables and the output has a name."""
    for b in c.blocks:
        for x in (b.head, *b.inputs):
            if not isinstance(x, Var) and x is not c.task.core and x not in c.names.value:
                c.names.want(x, letters_for(x))
    c.names.settle(c.trace.place)
    c.speller.refresh()


def ended(step: Step, after: Node) -> Step:
    """The step with its right side in other words."""
    return step if after is step.after else replace(step, after=after, new=(after,))


class Backward:
    """The way back through the blocks."""

    def __init__(self, c: Context) -> None:
        self.c = c
        self.upstream: dict[Node, Var] = {}
        self.values: dict[Node, Node] = {}
        self.by_head = {b.head: b for b in c.blocks}
        self.told: list[Block] = []
        self.users: dict[Node, list[Block]] = {}
        for b in c.blocks:
            for x in b.inputs:
                self.users.setdefault(x, []).append(b)

    def symbol(self, node: Node) -> Var:
        """`∂L/∂u`"""
        if node not in self.upstream:
            face, _ = self.c.face(node)
            self.upstream[node] = self.c.cotangent(face)
        return self.upstream[node]

    def at(self, node: Node) -> list[Step]:
        """The steps at one node: what comes in from above along each path, and its value."""
        c = self.c
        if node is c.task.core and not isinstance(node, Var):
            return [] if c.lead else [self.seed()]
        if node not in self.users:  # absorbed in its user
            return self.alone(node) if node is c.task.core else []
        blocks = self.users[node]
        direct = all(b.head is c.task.core for b in blocks)
        fine = c.task.detail != "brief" and not direct
        steps = [s for b in blocks for s in self.local(b, node)] if fine else []
        subject = self.symbol(node)
        paths = [pulled(c, b, node, self.symbol(b.head)) for b in blocks]
        through = plus(paths)
        several = len(paths) > 1
        value = self.value(node)
        if direct:  # nothing but 1 comes from above
            through = value if value is not None else through
            rule, reason = local_rule(c, blocks[0])
        elif several:
            count = len(paths)
            rule, reason = "paths", f"The value is used in {count} places, so the contributions of the {count} paths add up."
        else:
            rule, reason = "upstream", "Upstream derivative times local derivative."
        shown = value if value is not None and look(value) != look(through) else None
        steps.append(Step(rule, reason, subject, through, subject, new=(through,), weight="normal", opens=True))
        if shown is not None:
            facts = c.facts_used(through, shown, self.values)
            said = with_facts("The upstream derivative is put in.", facts)
            steps.append(Step("upstream_value", said, through, shown, subject, new=(shown,), weight="key"))
        if value is not None:
            self.values[subject] = value
        if isinstance(node, Var):
            result = c.trace.results[node]
            steps[-1] = ended(steps[-1], as_handed_over(steps[-1].after, result))
            steps += last_steps(c, subject, steps[-1].after, result)
        return steps

    def alone(self, v: Node) -> list[Step]:
        """The output is the variable itself."""
        subject = self.symbol(v)
        result = self.c.trace.results[v]  # type: ignore[index]
        return [Step("seed", "The output is the variable itself.", subject, to_words(result), subject, weight="key", opens=True)]

    def unused(self, v: Var) -> list[Step]:
        """A variable that the value does not depend on."""
        subject = self.symbol(v)
        result = to_words(self.c.trace.results[v])
        return [Step(*absent(v), subject, result, subject, weight="key", opens=True)]

    def seed(self) -> Step:
        subject = self.symbol(self.c.task.core)
        one = Num(1)
        return Step(
            "seed",
            "The sweep starts at the output, whose derivative by itself is 1.",
            subject,
            one,
            subject,
            new=(one,),
            opens=True,
        )

    def value(self, node: Node) -> Node | None:
        """`∂L/∂u` in names, where it is short."""
        words = self.c.speller.words(self.c.signed_cotangent(node))
        return words if words.tree_size <= LONG else None

    def local(self, block: Block, x: Node) -> list[Step]:
        """The local derivative of a block by one of its inputs."""
        c = self.c
        rule, reason = local_rule(c, block)
        f, by = function_of(c, block, x)
        roundabout = any(y is not x and any(n is x for n in postorder(y)) for y in block.inputs)
        if f.rank + by.rank <= 2 and not roundabout:
            symbol = c.local_partial(block.head, x)
            core = engine.gradients(f, [by])[0][by]
            words = to_words(substitute(core, c.reuse(block)))
            return [Step(rule, reason, symbol, words, symbol, new=(words,), weight="fine", opens=True)]
        if block in self.told:
            return []
        self.told.append(block)
        change = c.change(c.face(block.head)[0])
        words = local_words(c, block)
        return [Step(rule, reason, change, words, change, new=(words,), weight="fine", opens=True)]


def function_of(c: Context, block: Block, x: Node) -> tuple[Node, Var]:
    """The face of a block's head as a function of its inputs' names, and the variable for one of them."""
    face, sign = c.face(block.head)
    inside = {n: v for n, v in c.names.value.items() if n is not face and n is not block.head}
    f = substitute(block.head, inside)
    from sympy import S

    from ..simplify.product import scale

    other, _ = c.face(x)
    by = x if isinstance(x, Var) else c.names.value[other]
    assert isinstance(by, Var)
    return scale(f, S(sign)), by


def pulled(c: Context, block: Block, x: Node, upstream: Var) -> Node:
    """Upstream times local: the engine's transposition of one block, with a symbol for what comes from above."""
    f, by = function_of(c, block, x)
    if (block.head is c.task.core and not c.lead) or block.head is c.task.core:
        run = sweep(f, [by], tidy=polish)
    else:
        run = sweep(f, [by], cotangent=upstream, tidy=polish)
    core = polish(unshare([run.gradients[by]])[0])
    return to_words(substitute(core, c.reuse(block)))


__all__ = ["LONG", "derive_graph", "function_of", "pulled"]
