"""Two sides of a relation: the same function, or a point where they differ and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from sympy import Expr

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Num
from ..expr.walk import variables
from ..read.latex.indices import WHOLE
from ..verify.claims import Claim
from ..verify.context import Context
from ..verify.decide import Decision, Trials, decide
from ..verify.diagnose import diagnose
from ..verify.points import Point, finite, gap
from ..verify.verdict import Diagnosis, array_text, number
from .positive import bounded
from .values import same_shape

SURE = 1e-6  # a smaller relative difference is no proof of a mistake


@dataclass
class Comparison:
    """What comparing two sides came to.

    Attributes:
        equal: True, False, or None where it cannot be decided.
        how: how, or why not.
        kind: of the verdicts of `verify`, for a difference.
        message: what is wrong.
        fixed: words that would be right, or None.
        counterexample: a point where they differ, in words.
        how_long: seconds.
    """

    equal: bool | None
    how: str = ""
    kind: str = ""
    message: str = ""
    fixed: Node | None = None
    counterexample: str = ""
    notes: tuple[str, ...] = field(default=())


def compare_sides(
    truth: Node,
    claim: Node,
    subject: str,
    sample: Node | None = None,
    mask: Node | None = None,
    entry: tuple[Node, tuple[tuple[Index, Expr], ...]] | None = None,
    explain: bool = True,
) -> Comparison:
    """Whether two sides of one shape have the same values; a diagnosis where they do not.

    Args:
        truth: the side that is believed.
        claim: the other.
        subject: what the first one is called in messages: "the derivative", "line 3".
        sample: words whose domain points must lie in (the loss).
        mask: a condition, 0 or 1, under which alone they are compared.
        entry: the claim entry by entry, with its free indices, for explanations.
        explain: whether a difference is diagnosed.
    """
    if mask is not None:
        if mask.rank and truth.rank > mask.rank:  # the free indices are the leading axes
            mask = Call("getitem", mask, spec=(WHOLE,) * mask.rank + ("new",) * (truth.rank - mask.rank))
        truth, claim = (Call("where", mask, x, Num(0)) for x in (truth, claim))
    if mask is not None:
        entry = None
    if truth is claim:
        return Comparison(True, "the same words")
    names = list({v.name: v for v in variables(truth, claim, *([sample] if sample is not None else []))}.values())
    try:
        with np.errstate(all="ignore"):
            trials = Trials(sample_of(truth, claim, sample), names, truth)
            if not trials.points:
                return Comparison(None, "the sides have no finite value at any point that was tried")
            trials.check_size(claim)
            decision = decide(trials, claim)
            given = Claim("", claim, entry=entry[0] if entry else None, indices=entry[1] if entry else ())
            return _outcome(trials, given, decision, subject, explain)
    except SymDerivError as error:
        return Comparison(None, error.message)


def sample_of(truth: Node, claim: Node, sample: Node | None) -> Node:
    """Words that have a value where both sides have one: points are drawn from the domain of all operations in them."""
    parts = [sample, truth, claim] if sample is not None else [truth, claim]
    total: Node | None = None
    for x in parts:
        one = Call("sum", x) if x.rank else x
        total = one if total is None else Call("add", total, one)
    assert total is not None
    return total


def _outcome(trials: Trials, given: Claim, decision: Decision, subject: str, explain: bool) -> Comparison:
    claim = given.words
    assert claim is not None
    if decision.equal and not decision.undefined:
        return Comparison(True, decision.how)
    if decision.equal:
        agreed = "agreed" not in decision.how
        return Comparison(None if not agreed else True, f"{decision.how}; {decision.undefined}")
    if decision.at is None or decision.worst < SURE:
        return Comparison(None, f"the sides differ by {decision.worst:.0e} of their size, which may be rounding")
    example = counterexample(trials, claim, decision.at)
    if not example:
        return Comparison(None, "no point was found where both sides have a value and clearly differ")
    if not explain:
        return Comparison(False, decision.how, counterexample=example)
    context = Context(trials, given, claim, (), seconds=1.0)
    try:
        found = diagnose(context)
    except SymDerivError:
        found = Diagnosis("wrong", f"This side is not {subject}.")
    except Exception:  # an explanation is a kindness; the verdict stands without it
        found = Diagnosis("wrong", f"This side is not {subject}.")
    return Comparison(False, decision.how, found.kind, in_words(found.message, subject), found.fixed, example, found.notes)


def counterexample(trials: Trials, claim: Node, found: Point | None = None) -> str:
    """A point where both have a value and differ clearly."""
    best: tuple[float, str] | None = None
    points = trials.points if found is None or found in trials.points else [*trials.points, found]
    for p in points:
        a, b = trials.true(p), p.value(claim)
        if b is None or not finite(b) or not finite(a) or a.shape != b.shape or gap(b, a) < SURE:
            continue
        size = sum(np.size(v) for v in p.values.values())
        if best is None or size < best[0]:
            best = (size, _shown(p, a, b))
    return best[1] if best is not None else ""


def _shown(p: Point, a: np.ndarray, b: np.ndarray) -> str:
    entry = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(np.asarray(b - a, float)))), np.shape(a)))
    where = f" in entry {[k + 1 for k in entry]}" if entry else ""
    values = {n: np.round(np.asarray(v, float), 3) for n, v in p.values.items() if not n.startswith("_")}
    shown = ", ".join(f"{n} = {array_text(v)}" for n, v in values.items())
    if len(shown) > 200 or not shown:
        shown = ", ".join(f"{s} = {k}" for s, k in p.sizes.items()) or "a random point"
    return f"for {shown}: {number(float(b[entry]))}{where} here, {number(float(a[entry]))} there"


_CLAIM = re.compile(r"\b(your|Your) (claim|function)\b")


def in_words(message: str, subject: str) -> str:
    """A diagnosis of `verify` about a side of a relation."""
    text = _CLAIM.sub(lambda m: "this side" if m[1] == "your" else "This side", message)
    if subject != "the derivative":
        text = text.replace("The derivative", subject[:1].upper() + subject[1:]).replace("the derivative", subject)
    return text


def is_zero(words: Node) -> bool:
    """Whether a side is `0` as it stands."""
    return (isinstance(words, Num) and words.value == 0) or (isinstance(words, Call) and words.name == "zeros")


def vanishes(words: Node) -> bool:
    """Whether words are 0 everywhere, by their values."""
    zero: Node = Call("zeros", shape=words.shape) if words.rank else Num(0)
    return compare_sides(words, zero, "0", explain=False).equal is True


def holds_as_inequality(a: Node, b: Node, sign: str) -> Comparison:
    """`a <= b`: one point where it fails refutes it; points where it holds prove nothing, unless the difference is simple."""
    low, high = (a, b) if sign[0] == "<" else (b, a)
    names = list({v.name: v for v in variables(a, b)}.values())
    try:
        difference = Call("add", high, Call("neg", low))
        with np.errstate(all="ignore"):
            trials = Trials(sample_of(a, b, None), names, difference)
            values = [(p, trials.true(p), p.value(low)) for p in [*trials.points, *trials.dense]]
    except SymDerivError as error:
        return Comparison(None, error.message)
    if not values:
        return Comparison(None, "the sides have no finite value at any point that was tried")
    for p, x, base in values:
        scale = max(1.0, float(np.max(np.abs(base)))) if base is not None and finite(base) else 1.0
        if float(np.min(x)) < -1e-9 * scale * 1000:
            at = np.unravel_index(int(np.argmin(x)), np.shape(x))
            left, right = p.value(a), p.value(b)
            assert left is not None and right is not None
            shown = _shown(p, np.broadcast_to(np.asarray(left), x.shape), np.broadcast_to(np.asarray(right), x.shape))
            return Comparison(
                False, f"fails at {at}", "inequality", f"The left side is not {_said(sign)} the right side.", None, shown
            )
    if bounded(difference, strictly=sign in ("<", ">")):
        return Comparison(
            True,
            "the difference is a sum of terms that are positive"
            if sign in ("<", ">")
            else "the difference is a square or a sum of squares",
        )
    return Comparison(None, f"the inequality holds at {len(values)} random points, which proves nothing")


def _said(sign: str) -> str:
    return {"<=": "at most", ">=": "at least", "<": "less than", ">": "greater than"}[sign]


__all__ = [
    "Comparison",
    "compare_sides",
    "counterexample",
    "holds_as_inequality",
    "in_words",
    "is_zero",
    "same_shape",
    "vanishes",
]
