"""What the first relation of a chain is, besides an identity: a definition, an update, a conclusion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..expr.nodes import Call, Num, Var
from ..expr.sizes import show_shape
from ..expr.walk import replace, variables
from .judge import ChainJudge, Outcome, Value
from .posed import follows
from .proportion import ratio_between
from .reading import Reading
from .relations import Chain
from .roles import Role
from .scope import Meaning
from .updating import judge_update
from .values import same_shape

if TYPE_CHECKING:
    from .checker import Checker

AGAIN = "`{}` was defined otherwise before; from here on this is taken as its definition"
MAY_FOLLOW = "it is no identity, and it could not be decided whether it follows from the equation that was posed"
EQUATION = "it is no identity; it may be an equation that is posed"
_EQUATION = re.compile(
    r"\b(?:solv\w+|equations?|roots?|fixed points?|satisf\w+|such that|conditions?|constraints?|system|suppose|assum\w+|if|when)\b[^.]{0,60}$"
)
VALUE = "it gives a known variable a value; no equation that was posed says whether it is right"


def by_kind(
    checker: Checker, chain: Chain, role: Role, reading: Reading, judge: ChainJudge, outcomes: list[Outcome], meaning: Meaning
) -> list[Outcome]:
    if not outcomes:
        return outcomes
    first, *rest = outcomes
    if first.status == "wrong" and first.certain:
        return outcomes
    if role.kind == "definition":
        return [_definition(checker, role, reading, judge, first, meaning), *rest]
    if role.kind == "again" and first.status == "wrong" and chain.link != "implies":
        assert role.known is not None
        checker.redefined.add(role.known.number)
        again = replace_outcome(first, AGAIN.format(role.known.name))
        return [again, *rest]
    if reading.kind == "update":
        return [judge_update(reading, judge.sides, checker.losses), *rest]
    if reading.sides[0].derivative is not None and judge.sides[0].truth is not None:
        truth = judge.sides[0].truth
        if not truth.problem.expr.rank and not truth.back and len(truth.wrt) == 1:
            checker.losses.setdefault(truth.wrt[0].name, []).append((truth.words, truth.wrt[0]))
    elif reading.sides[0].derivative is None and checker.posed:
        solved = follows(checker.posed, chain, reading, judge.sides)
        if solved is not None:
            return [solved, *rest]
        if first.status == "wrong" and (_is_variable(reading) or _may_follow(checker, chain, reading)):
            return [replace_outcome(first, VALUE if _is_variable(reading) else MAY_FOLLOW), *rest]
    elif first.status == "wrong" and _is_variable(reading):
        return [replace_outcome(first, VALUE), *rest]
    if first.status == "wrong" and first.what == "identity" and len(chain.sides) == 2 and may_be_posed(chain, reading, first):
        return [replace_outcome(first, EQUATION), *rest]
    return outcomes


def may_be_posed(chain: Chain, reading: Reading, o: Outcome) -> bool:
    """Whether `A x = b` may be an equation to be solved: the sides have other names, or other degrees in one of them, or the words
    before it say so."""
    a, b = (s.words for s in reading.sides[:2])
    if a is None or b is None or o.kind == "shape":
        return False
    if _EQUATION.search(chain.event.before):
        return True
    left, right = set(variables(a)), set(variables(b))
    if left != right:
        return True
    for v in left:
        if v.attrs:
            continue
        twice = {v: Call("mul", Num(2), v)}
        degrees = [ratio_between(replace(x, twice), x) for x in (a, b)]
        if degrees[0] is not None and degrees[1] is not None and degrees[0].constant != degrees[1].constant:
            return True
    return False


def _may_follow(checker: Checker, chain: Chain, reading: Reading) -> bool:
    """Whether an equation may be one that follows from what was posed, rather than an identity."""
    names = {v.name for s in reading.sides[:2] if s.words is not None for v in variables(s.words)}
    return any(p.section == chain.event.section and (chain.link == "implies" or p.wanted in names) for p in checker.posed)


def _definition(checker: Checker, role: Role, reading: Reading, judge: ChainJudge, first: Outcome, meaning: Meaning) -> Outcome:
    value = judge.sides[1] if len(judge.sides) > 1 else Value(None)
    if value.words is None:
        if first.status == "wrong":
            return first
        return Outcome(1, "skipped", "definition", value.reason, value.code)
    assert role.known is not None
    name = role.known.name
    here = name in checker.start.vars or meaning.origin.get(name, (-1, False))[0] == role.known.section
    declared = meaning.vars.get(name) if here else None
    if declared is not None and meaning.is_declared(declared[0]) and not reading.assumed:
        v = declared[0]
        if not same_shape(v.shape, value.words.shape) and not role.known.raw.sides[0][1:]:
            message = f"`{v.name}` is {declared[1]} with shape {show_shape(v.shape)}; what defines it has shape {show_shape(value.words.shape)}."
            return Outcome(1, "wrong", "definition", kind="declared_shape", message=message)
    return Outcome(1, "defined", "definition")


def _is_variable(reading: Reading) -> bool:
    """Whether the left side is a variable by itself: what is set equal to it is no identity."""
    left = reading.sides[0].words
    return isinstance(left, Var) and left not in reading.unknowns


def replace_outcome(o: Outcome, reason: str) -> Outcome:
    """A verdict taken back, with the reason."""
    return Outcome(o.side, "skipped", o.what, reason=reason)


__all__ = ["by_kind"]
