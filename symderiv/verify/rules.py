"""Update rules that are more than `w <- w - a*G`: momentum, Nesterov's, weight decay, averages of gradients.

v <- b*v + G,         w <- w - a*v           momentum
v <- b*v + (1 - b)*G, w <- w - a*v           an average of gradients
v <- b*v - a*G(w + b*v), w <- w + v          Nesterov's
w <- (1 - a*lam)*w - a*G                     weight decay

What such a rule says about the derivative is read off where the buffer `v` is 0: there the change of `w` is a positive number
times `-G`. The rest is checked: away from 0 the change has to be that number times `G` at `w`, or at `w` moved along the
buffer, and a multiple of the buffer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr, Rational

from ..errors import InputError, Span, SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..notation.words import to_words
from ..simplify.add import add
from ..simplify.lower import normal
from ..simplify.product import is_zero, scale
from .terms import expanded, terms_of

MOST_SCALARS = 5
_VALUES = (Rational(2, 7), Rational(3, 5), Rational(5, 11), Rational(7, 13), Rational(8, 17))
_OTHERS = (Rational(3, 4), Rational(1, 9), Rational(4, 5), Rational(2, 11), Rational(6, 13))
Scalars = dict[Var, Node]


@dataclass(frozen=True, eq=False)
class Rule:
    """What a rule comes to.

    Attributes:
        gradient: the implied derivative.
        step: the numbers in front of it, as a name for messages.
        name: gradient descent, or what it has besides.
        wrong: what is wrong with the rest of the rule, or "".
        loose: the gradient is known up to a positive number.
    """

    gradient: Node
    step: str
    name: str = "gradient descent"
    wrong: str = ""
    loose: bool = False


def explain(change: Node, v: Var, buffers: dict[Var, Node], loss: Node, place: Span) -> Rule:
    """The derivative that a rule implies, and what else it does.

    Args:
        change: what the rule subtracts from `v`, in the old values of the buffers.
        buffers: what other rules update, with their new values.

    Raises:
        InputError: SD113 for rules that are none of the known ones.
    """
    inside = set(variables(loss))
    found = dict.fromkeys([x for w in (change, *buffers.values()) for x in variables(w)])
    scalars = [x for x in found if not x.rank and x is not v and x not in inside and x not in buffers]
    if len(scalars) > MOST_SCALARS:
        names = ", ".join(x.name for x in scalars)
        raise InputError(f"the rule has too many unknown numbers ({names})", code="SD113", span=place)
    still = _core(replace_nodes(change, {b: _zeros(b) for b in buffers})) if buffers else _core(change)
    for decay in (None, *scalars):
        free = still if decay is None else _core(_put(still, {decay: Num(0)}))
        gradient = _gradient(free, [s for s in scalars if s is not decay])
        if gradient is None or (decay is not None and not _multiple(add([still, scale(free, Rational(-1))]), v, scalars)):
            continue
        step = _step(free, gradient, [s for s in scalars if s is not decay and _depends(free, s)])
        name = "gradient descent with weight decay" if decay is not None else "gradient descent"
        wrong = _shrinks(add([still, scale(free, Rational(-1))]), v, scalars) if decay is not None else ""
        if buffers:
            name = name.replace("descent", "descent with momentum").replace("momentum with", "momentum and")
            wrong = wrong or _buffer(change, still, v, buffers, scalars, place)
        return Rule(to_words(gradient), step, name, wrong, loose=not step)
    raise InputError(
        "this update rule is not understood: apart from its buffers the change is no number times one array",
        code="SD113",
        hint="read are gradient descent, momentum, Nesterov's momentum and weight decay",
        span=place,
    )


def _core(words: Node) -> Node:
    return expanded(normal(words))


def _zeros(b: Var) -> Node:
    return Call("zeros", shape=b.shape) if b.rank else Num(0)


def _put(core: Node, values: Scalars) -> Node:
    return replace_nodes(to_words(core), values) if values else to_words(core)


def _depends(core: Node, s: Var) -> bool:
    return s in set(variables(core))


def _gradient(change: Node, scalars: list[Var]) -> Node | None:
    """`G` with `change = s(scalars) G` and s > 0 for numbers between 0 and 1; None where there is none.

    The numbers are 1 in `G`, or 0 where that leaves nothing (`1 - b`).
    """
    if is_zero(change):
        return None
    ones = next((c for c in _corners(change, scalars)), None)
    if ones is None or not scalars:
        return ones
    for values in (_VALUES, _OTHERS):
        other = _core(_put(change, {s: Num(x) for s, x in zip(scalars, values, strict=False)}))
        ratio = proportion(other, ones)
        if ratio is None:
            return None
        if ratio < 0:
            return None if values is _OTHERS else ones
    return ones


def _step(change: Node, gradient: Node, scalars: list[Var]) -> str:
    """`a*(1 - b)`, where `change = a (1 - b) gradient`; "" for what is no such product."""
    values = dict(zip(scalars, _VALUES, strict=False))
    ratio = proportion(_core(_put(change, {s: Num(x) for s, x in values.items()})), gradient)
    for chosen in itertools.product((0, 1, 2), repeat=len(scalars)):
        product = Rational(1)
        for s, k in zip(scalars, chosen, strict=True):
            product *= (1, values[s], 1 - values[s])[k]
        if ratio == product:
            names = [("", s.name, f"(1 - {s.name})")[k] for s, k in zip(scalars, chosen, strict=True)]
            return "*".join(n for n in names if n)
    return ""


def _corners(change: Node, scalars: list[Var]) -> Iterator[Node]:
    """The change with every number 0 or 1, the most ones first, where it is not 0."""
    for values in sorted(itertools.product((1, 0), repeat=len(scalars)), key=lambda row: -sum(row)):
        try:
            core = _core(_put(change, {s: Num(x) for s, x in zip(scalars, values, strict=True)}))
        except SymDerivError:
            continue
        if not is_zero(core):
            yield core


def proportion(a: Node, b: Node) -> Expr | None:
    """The number `r` with `a = r b`, term by term."""
    x, y = terms_of(a), terms_of(b)
    if set(x) != set(y) or not x:
        return None
    ratios = {(x[k] / y[k]).simplify() for k in x}
    return ratios.pop() if len(ratios) == 1 and all(r.is_number for r in ratios) else None


def _multiple(core: Node, v: Var, scalars: list[Var]) -> bool:
    """Whether an array is a number times `v`."""
    return _coefficient(core, v, scalars) is not None


def _coefficient(core: Node, v: Var, scalars: list[Var], values: tuple[Rational, ...] = _VALUES) -> Expr | None:
    here = _core(_put(core, {s: Num(x) for s, x in zip(scalars, values, strict=False)}))
    return Rational(0) if is_zero(here) else proportion(here, normal(v))


def _shrinks(rest: Node, v: Var, scalars: list[Var]) -> str:
    c = _coefficient(rest, v, scalars)
    return f"The weight decay has the wrong sign: it has to make {v.name} smaller." if c is not None and c < 0 else ""


def _buffer(change: Node, still: Node, v: Var, buffers: dict[Var, Node], scalars: list[Var], place: Span) -> str:
    """What the buffer adds is a multiple of it; what is wrong with that, or "".

    Raises:
        InputError: SD113 where it is neither at `w` nor at `w` moved along the buffer.
    """
    values: Scalars = {s: Num(x) for s, x in zip(scalars, _VALUES, strict=False)}
    moving = replace_nodes(change, values)
    base = _put(still, values)
    for b, new in buffers.items():
        others = {c: _zeros(c) for c in buffers if c is not b}
        mine = replace_nodes(moving, others)
        moves = [Num(0), *(Num(sign * x) for x in _VALUES[: len(scalars)] for sign in (1, -1))]
        if not any(_is_multiple(mine, replace_nodes(base, {v: Call("add", v, Call("mul", m, b))}), b) for m in moves):
            what = f"this update rule is not understood: what it does with {b.name} is not momentum"
            raise InputError(what, code="SD113", hint="write v <- b*v + G, w <- w - a*v", span=place)
        kept = replace_nodes(new, {**values, **others})
        rate = add([_core(kept), scale(_core(replace_nodes(kept, {b: _zeros(b)})), Rational(-1))])
        c = proportion(expanded(rate), normal(b))
        if c is not None and c < 0:
            return f"The sign of the momentum term is wrong: {b.name} has to keep a positive part of its old value."
    return ""


def _is_multiple(change: Node, gradient: Node, b: Var) -> bool:
    try:
        rest = expanded(add([_core(change), scale(_core(gradient), Rational(-1))]))
    except SymDerivError:
        return False
    return is_zero(rest) or proportion(rest, normal(b)) is not None


__all__ = ["Rule", "explain", "proportion"]
