"""Update rules: the gradient that `w <- w - a*G` implies, and what its sign and step say.

w <- w - a*G      the change is -a G, so the implied gradient is G
w -= 0.1*G        a number as step: the gradient is known up to a positive constant
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Integer, S

from ..errors import InputError, Span, SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..notation.polish import polish
from ..notation.words import to_words
from ..simplify.add import add
from ..simplify.lower import normal
from ..simplify.product import is_zero, scale
from .claim import NAME, Claim
from .rules import Rule, explain
from .terms import expanded


@dataclass(frozen=True, eq=False)
class Update:
    """What an update rule says.

    Attributes:
        variable: what is updated.
        step: the numbers that are the step, "" where the step is a number in the rule.
        gradient: the implied gradient (times the step, where that is a number).
        name: what kind of rule it is.
        wrong: what is wrong with it apart from the gradient, or "".
        loose: the gradient is known up to a positive number.
        number: the step is a number in the rule.
    """

    variable: Var
    step: str
    gradient: Node
    name: str = "gradient descent"
    wrong: str = ""
    loose: bool = False
    number: bool = False


def is_update(claim: Claim) -> bool:
    """Whether a claim has the form of an update."""
    return claim.left is not None and not claim.left.derivative


def implied(claim: Claim, wrt: tuple[Var, ...], loss: Node) -> tuple[Claim, Update]:
    """The claim about the derivative that an update rule makes.

    Raises:
        InputError: SD113 for rules whose step cannot be told from their gradient.
    """
    assert claim.left is not None and claim.words is not None
    v = wrt[0]
    place = Span(claim.source, 0, max(1, claim.left.stop), NAME)
    if claim.left.name != v.name or len(wrt) != 1:
        raise InputError(
            f"the rule updates {claim.left.name}, not {v.name}", code="SD113", hint=f"ask with wrt={claim.left.name}", span=place
        )
    if claim.words.shape != v.shape:
        return claim, Update(v, "", claim.words)
    change = _decrease(claim.left.op, claim.words, v)
    inside = set(variables(loss))
    free = [x for x in variables(change) if not x.rank and x is not v and x not in inside]
    if not free and not claim.buffers:
        found = Update(v, "", to_words(polish(normal(change))), loose=True, number=True)
    else:
        rule = _plain(change, free) if not claim.buffers else None
        rule = rule or explain(change, v, dict(claim.buffers), loss, place)
        found = Update(v, rule.step, to_words(polish(normal(rule.gradient))), rule.name, rule.wrong, rule.loose)
    return replace(claim, words=found.gradient, entry=None, indices=()), found


def _plain(change: Node, free: list[Var]) -> Rule | None:
    """`w <- w - a*G`."""
    if len(free) != 1:
        return None
    (step,) = free
    gradient = replace_nodes(change, {step: Num(1)})
    twice = normal(replace_nodes(change, {step: Num(2)}))
    linear = is_zero(expanded(add([expanded(twice), scale(expanded(normal(gradient)), Integer(-2))])))
    return Rule(gradient, step.name, "gradient descent") if linear else None


def _decrease(op: str, words: Node, v: Var) -> Node:
    """What the rule subtracts from the variable."""
    if op == "-=":
        return words
    if op == "+=":
        return Call("neg", words)
    try:
        return to_words(add([normal(v), scale(normal(words), S.NegativeOne)]))
    except SymDerivError:
        return Call("add", v, Call("neg", words))


__all__ = ["Update", "implied", "is_update"]
