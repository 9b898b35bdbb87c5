"""One change of the claim, or of the derivative, as an explanation."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Rational

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num
from ..expr.walk import postorder, replace
from ..notation.words import to_words
from ..simplify.lower import normal
from .context import Context
from .messages import claim_edit, truth_edit
from .mutations import edits, negated
from .points import finite
from .terms import expanded
from .verdict import Diagnosis


def claim_edits(context: Context, names: frozenset[str]) -> Iterator[Diagnosis]:
    root = context.claim.entry if context.claim.entry is not None else context.words
    for e in edits(root, names):
        if context.late:
            return
        try:
            fixed = context.claim.array(e.root)
        except SymDerivError:
            continue
        if context.is_true(fixed) and context.true_everywhere(fixed):
            yield claim_edit(context, e, fixed)


def truth_edits(context: Context, names: frozenset[str]) -> Iterator[Diagnosis]:
    valued = all(v is not None and finite(v) for v in context.claimed_values)
    for form in forms(context):
        for e in edits(form, names):
            if context.late:
                return
            if valued:
                same = context.is_claimed(e.root) and context.claimed_everywhere(e.root)
            else:
                same = context.is_claim_itself(e.root)
            if same:
                yield truth_edit(context, e)


def forms(context: Context) -> list[Node]:
    """The derivative in words, as it is shown and multiplied out."""
    out = [context.truth]
    try:
        core = normal(context.truth)
    except SymDerivError:
        return out
    for words in (steps_inverted(context.truth), to_words(core), to_words(expanded(core))):
        if words not in out and words.tree_size < 400:
            out.append(words)
    return out


def steps_inverted(words: Node) -> Node:
    """`heaviside(x, 1/2) - 1` as `-heaviside(-x, 1/2)`, `sigmoid(x) - 1` as `-sigmoid(-x)`, as people write it."""
    half, rules = Num(Rational(1, 2)), {}
    for node in postorder(words):
        if not (isinstance(node, Call) and node.name == "add" and Num(-1) in node.operands):
            continue
        rest = [o for o in node.operands if o is not Num(-1)]
        step = rest[0] if len(rest) == 1 else None
        if isinstance(step, Call) and step.name == "heaviside" and step.operands[1] is half:
            rules[node] = Call("neg", Call("heaviside", negated_sum(step.operands[0]), half))
        elif isinstance(step, Call) and step.name == "sigmoid":
            rules[node] = Call("neg", Call("sigmoid", negated_sum(step.operands[0])))
    return replace(words, rules) if rules else words


def negated_sum(x: Node) -> Node:
    """`1 - y` of `y - 1`."""
    if isinstance(x, Call) and x.name == "add":
        return Call("add", *sorted((negated(o) for o in x.operands), key=lambda o: isinstance(o, Call) and o.name == "neg"))
    return negated(x)


__all__ = ["claim_edits", "forms", "truth_edits"]
