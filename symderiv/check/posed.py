"""Equations that are posed (`∇L = 0`), and whether what is concluded from them solves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import postorder, variables
from ..expr.walk import replace as replace_nodes
from ..verify.decide import Trials
from ..verify.points import Point, finite
from .compare import sample_of
from .judge import Outcome, Value
from .proportion import ratio_between
from .reading import Reading
from .relations import Chain
from .values import same_shape

STEPS = 60
CONVERGED, HOLDS, FAILS = 1e-11, 1e-7, 1e-4


@dataclass(frozen=True)
class Posed:
    """`words = 0`.

    Attributes:
        words: the side that is set to zero.
        section, number: where it was posed.
        wanted: the variable for which it is to be solved, or "".
    """

    words: Node
    section: int
    number: int
    wanted: str = ""


def follows(posed: Sequence[Posed], chain: Chain, reading: Reading, sides: Sequence[Value]) -> Outcome | None:
    """Whether the first relation of a chain follows from the equations that were posed last; None where they say nothing about it."""
    if len(sides) < 2 or sides[0].words is None or sides[1].words is None or chain.signs[0] not in ("=", "posed"):
        return None
    left, right = sides[0].words, sides[1].words
    here = [p for p in posed if p.section == chain.event.section]
    if not here or sides[0].doubt or sides[1].doubt or reading.conditions:
        return None
    if isinstance(left, Var) and left not in variables(right):
        about = [p for p in here if left in variables(p.words)]
        if not about:
            return None
        return _solution(about, left, right)
    if chain.link != "implies":
        return None
    last = here[-1]
    if not set(variables(left, right)) <= set(variables(last.words)):
        return None
    return _consequence(last, left, right)


def _solution(about: Sequence[Posed], left: Var, right: Node) -> Outcome:
    """`w = …` put into the equation."""
    last = about[-1]
    if not same_shape(left.shape, right.shape):
        return Outcome(1, "wrong", "consequence", kind="shape", message=f"`{left.name}` and its solution have different shapes.")
    try:
        value = replace_nodes(last.words, {left: right})
    except SymDerivError as error:
        return Outcome(1, "skipped", "consequence", error.message, error.code)
    zero: Node = Call("zeros", shape=value.shape) if value.rank else Num(0)
    found = _is_zero(last.words, value, zero, left, right)
    if found is True:
        return Outcome(1, "right", "consequence", how="it solves the equation that was posed")
    if found is None or found is False or (len({p.number for p in about}) > 1 and any(p is not last for p in about)):
        return Outcome(1, "skipped", "consequence", "it could not be decided whether this solves the equation that was posed")
    return Outcome(
        1, "wrong", "consequence", kind="consequence", message="This does not solve the equation that was posed.", counterexample=found,
    )  # fmt: skip


def _is_zero(equation: Node, value: Node, zero: Node, left: Var, right: Node) -> bool | str | None:
    """Whether the equation holds at the solution, at points where everything has a value; else a point where it does not."""
    names = list({v.name: v for v in (*variables(equation, value, right),)}.values())
    try:
        with np.errstate(all="ignore"):
            trials = Trials(sample_of(equation, value, None), names, value)
            seen, scale_of = 0, trials.points
            for p in scale_of:
                x, base, solution = p.value(value), p.value(equation), p.value(right)
                if x is None or base is None or solution is None or not finite(x) or not finite(base) or not finite(solution):
                    continue
                scale = max(1.0, float(np.max(np.abs(base)))) * max(1.0, float(np.max(np.abs(solution))))
                worst = float(np.max(np.abs(x)))
                if worst > FAILS * scale:
                    if _singular(p, value):
                        continue
                    shown = ", ".join(f"{s} = {k}" for s, k in p.sizes.items()) or "a random point"
                    return f"at {shown} the side that should be 0 is {worst:.3g}"
                if worst < HOLDS * scale:
                    seen += 1
    except SymDerivError:
        return None
    return True if seen >= 2 else None


def _singular(p: Point, value: Node) -> bool:
    """Whether something that is inverted there is (nearly) singular: sizes at which a solution does not exist say nothing."""
    for n in postorder(value):
        if not isinstance(n, Call) or n.name not in ("inv", "solve", "logdet", "pinv", "div", "pow", "log"):
            continue
        x = p.value(n.operands[-1 if n.name == "div" else 0])
        if x is None or not finite(x):
            return True
        if n.name in ("inv", "solve", "logdet", "pinv") and (x.ndim != 2 or np.linalg.cond(x) > 1e8):
            return True
        if n.name == "div" and float(np.min(np.abs(x), initial=1.0)) < 1e-8:
            return True
    return False


def _consequence(last: Posed, left: Node, right: Node) -> Outcome | None:
    """`A = B` after `⇒`: it must hold wherever the equation holds. The equation is solved numerically for its variable."""
    if not same_shape(left.shape, right.shape):
        return None
    difference = Call("add", left, Call("neg", right))
    if difference is last.words:
        return Outcome(1, "right", "consequence", how="it is the equation that was posed")
    if same_shape(difference.shape, last.words.shape) and ratio_between(difference, last.words) is not None:
        return Outcome(1, "right", "consequence", how="it is a multiple of the equation that was posed")
    wanted = next((v for v in variables(last.words) if v.name == last.wanted), None)
    if wanted is None or wanted not in variables(difference) or wanted.attrs:
        return None
    names = list({v.name: v for v in variables(last.words, difference)}.values())
    tried = 0
    try:
        with np.errstate(all="ignore"):
            trials = Trials(sample_of(last.words, difference, None), names, difference)
            for p in trials.points:
                if 1 in p.sizes.values() or (len(set(p.sizes.values())) < len(p.sizes) and len(p.sizes) > 1 and tried):
                    continue
                at = _solve(p, last.words, wanted)
                if at is None:
                    continue
                value, size = at.value(difference), at.value(left)
                if value is None or size is None or not finite(value):
                    continue
                scale = max(1.0, float(np.max(np.abs(size))))
                worst = float(np.max(np.abs(value)))
                if float(np.max(np.abs(size), initial=0.0)) < HOLDS and worst < HOLDS:
                    continue  # both sides are 0 there, which says nothing
                if worst > FAILS * scale:
                    shown = ", ".join(f"{s} = {k}" for s, k in p.sizes.items()) or "a random point"
                    return Outcome(
                        1, "wrong", "consequence", kind="consequence", message="This does not follow from the equation that was posed.",
                        counterexample=f"at a solution with {shown} the two sides differ by {worst:.3g}",
                    )  # fmt: skip
                tried += 1
    except SymDerivError:
        return None
    if tried < 2:
        return None
    return Outcome(1, "right", "consequence", how=f"it holds at {tried} numerical solutions of the equation that was posed")


def _solve(p: Point, equation: Node, wanted: Var) -> Point | None:
    """Newton's method for the equation at a point's other values."""
    x = np.array(p.values[wanted.name], float)
    flat = x.ravel()
    for _ in range(STEPS):
        here = Point(p.sizes, {**p.values, wanted.name: flat.reshape(x.shape)})
        f = here.value(equation)
        if f is None or not finite(f):
            return None
        r = np.ravel(f)
        jacobian = np.empty((r.size, flat.size))
        for k in range(flat.size):
            h = 1e-6 * max(1.0, abs(flat[k]))
            up, down = flat.copy(), flat.copy()
            up[k] += h
            down[k] -= h
            a = Point(p.sizes, {**p.values, wanted.name: up.reshape(x.shape)}).value(equation)
            b = Point(p.sizes, {**p.values, wanted.name: down.reshape(x.shape)}).value(equation)
            if a is None or b is None or not finite(a) or not finite(b):
                return None
            jacobian[:, k] = (np.ravel(a) - np.ravel(b)) / (2 * h)
        try:
            step, *_ = np.linalg.lstsq(jacobian, r, rcond=None)
        except np.linalg.LinAlgError:
            return None
        flat = flat - step
        if float(np.max(np.abs(step), initial=0.0)) <= CONVERGED * max(1.0, float(np.max(np.abs(flat)))):
            break
    here = Point(p.sizes, {**p.values, wanted.name: flat.reshape(x.shape)})
    f = here.value(equation)
    good = (
        f is not None
        and finite(f)
        and float(np.max(np.abs(f), initial=0.0)) < 1e-8
        and float(np.max(np.abs(flat), initial=0.0)) < 1e4
    )
    return here if good else None


__all__ = ["Posed", "follows"]
