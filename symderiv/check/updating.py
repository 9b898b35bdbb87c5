"""Updates: `w ← w - α ∇L`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..expr.nodes import Node, Var
from ..expr.walk import variables
from .judge import Outcome, Value
from .proportion import ratio_between
from .reading import Reading
from .values import same_shape


def judge_update(reading: Reading, sides: Sequence[Value], losses: Mapping[str, Sequence[tuple[Node, Var]]]) -> Outcome:
    """Whether a rule is a step of gradient descent on the one loss of the document that was differentiated by its variable."""
    value = sides[1] if len(sides) > 1 else Value(None)
    if value.words is None:
        return Outcome(1, "skipped", "update", value.reason, value.code)
    target = sides[0].words
    _, _, direction = reading.change
    if not isinstance(target, Var) or direction is None:
        return Outcome(1, "defined", "update")
    known = list(losses.get(target.name, ()))
    distinct = {g for g, _ in known}
    if len(distinct) != 1 or set(variables(direction)) & set(reading.unknowns):
        return Outcome(1, "defined", "update", how="the rule is taken as it is")
    gradient = known[0][0]
    if not same_shape(gradient.shape, direction.shape):
        return Outcome(1, "defined", "update", how="the rule is taken as it is")
    ratio = ratio_between(gradient, direction)
    if ratio is None:
        return Outcome(1, "defined", "update", how="the rule is no multiple of the gradient and is taken as it is")
    if ratio.number > 0:
        return Outcome(1, "right", "update", how="a step of gradient descent")
    message = "The rule adds a multiple of the gradient, which climbs; gradient descent subtracts it."
    return Outcome(1, "wrong", "update", kind="update", message=message)


__all__ = ["judge_update"]
