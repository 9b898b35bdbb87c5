"""Pairs of factors with a shorter product: `eᵃ eᵇ`, `sign(u) u`, `sinh / cosh`, `relu(u) (u > 0)`."""

from __future__ import annotations

from sympy import Expr, S

from ..expr.nodes import Add, Call, Node, Num
from .add import add, primitive
from .calls import call, power
from .factors import base_and_exponent, one_minus, swap
from .product import Network, is_zero, ones, scale, split_coef


def rule_pairs(net: Network, out: list[int]) -> bool:
    """Pairs of matching factors with a shorter product: see `_pair_rules`."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, (x, ls) in enumerate(net.items):
        if _family(x) is not None:
            groups.setdefault(ls, []).append(k)
    for ls, where in groups.items():
        if len(where) < 2:
            continue
        for a in where:
            for b in where:
                if a != b:
                    new = _pair(net.items[a][0], net.items[b][0])
                    if new is not None:
                        swap(net, [a, b], [(x, ls) for x in new])
                        return True
    return False


def _family(x: Node) -> str | None:
    """Factors that take part in a pair rule."""
    b, _ = base_and_exponent(x)
    if isinstance(b, Call) and b.name in (
        "exp",
        "sign",
        "abs",
        "sigmoid",
        "cosh",
        "sinh",
        "expm1",
        "gamma",
        "relu",
        "maximum",
        "minimum",
    ):
        return b.name
    return "other"


def _pair(x: Node, y: Node) -> list[Node] | None:
    """The product of two matching factors, shorter, or None. Written for `x` of the named family."""

    bx, ex = base_and_exponent(x)
    by, ey = base_and_exponent(y)
    if isinstance(bx, Add) and isinstance(by, Add) and ex == 1 and ey == -1:
        found = _tanh_of(bx, by)
        return None if found is None else [found]
    v = _less_one(by)
    if v is not None and isinstance(bx, Add) and ex.is_Integer and ey.is_Integer and ex >= 1 and ey >= 1:
        rest = one_minus(call("sigmoid", v))
        if bx is rest or bx is scale(rest, S.NegativeOne):  # σ(-v) is written 1 - σ(v)
            new = call("tanh", scale(v, S.Half if bx is rest else -S.Half))
            return [new, power(bx, Num(ex - 1)), power(by, Num(ey - 1))]
    if _family(x) == "other" or not isinstance(bx, Call):
        return None
    u = bx.operands[0]
    if v is not None:
        shorter = _with_exp_less_one(bx, ex, v, by, ey)
        if shorter is not None:
            return shorter
    if bx.name == "exp" and ex == 1:
        if isinstance(by, Call) and by.name == "exp" and ey == 1:
            total = add([u, by.operands[0]])
            if total.tree_size < u.tree_size + by.operands[0].tree_size - 2 or is_zero(total):
                return [call("exp", total)]
        if (
            ey.is_Integer
            and ey >= 1
            and isinstance(by, Call)
            and by.name == "sigmoid"
            and scale(u, S.NegativeOne) is by.operands[0]
        ):
            return [one_minus(by), power(by, Num(ey - 1))]
        if ey.is_Integer and ey >= 1 and isinstance(by, Add):
            rest = one_minus(call("sigmoid", u))
            if by is rest or by is scale(rest, S.NegativeOne):
                return [scale(call("sigmoid", u), S.One if by is rest else S.NegativeOne), power(by, Num(ey - 1))]
        if ey == -1 and isinstance(by, Add) and len(by.terms) == 2 and x in by.terms:
            other = by.terms[1] if by.terms[0] is x else by.terms[0]
            if isinstance(other, Call) and other.name == "exp":
                return [call("sigmoid", add([u, scale(other.operands[0], S.NegativeOne)]))]
    if bx.name == "sign" and ex == 1:
        if by is u and ey.is_Integer and ey >= 1:
            return [call("abs", u), power(u, Num(ey - 1))]
        if isinstance(by, Call) and by.name == "abs" and by.operands[0] is u and ey.is_Integer:
            return [u, power(u, Num(ey - 1))] if ey % 2 == 1 else None
    if bx.name == "abs" and ex == -1 and by is u and ey == 1:
        return [call("sign", u)]
    if bx.name == "sinh" and isinstance(by, Call) and by.name == "cosh" and by.operands[0] is u and ex >= 1 and ey <= -1:
        k = min(ex, -ey)
        return [power(call("tanh", u), Num(k)), power(bx, Num(ex - k)), power(by, Num(ey + k))]
    if bx.name == "cosh" and isinstance(by, Call) and by.name == "sinh" and by.operands[0] is u and ex >= 1 and ey <= -1:
        k = min(ex, -ey)
        return [power(call("tanh", u), Num(-k)), power(bx, Num(ex - k)), power(by, Num(ey + k))]
    if bx.name in ("relu", "maximum", "minimum") and ex.is_positive and ey == 1:
        step = _step_of(bx)
        if step is not None and step[1] is y:
            return [scale(x, 1 / step[0])]
    return None


def _less_one(x: Node) -> Node | None:
    """`v` where `x = eᵛ - 1`."""
    if isinstance(x, Call) and x.name == "expm1":
        return x.operands[0]
    if isinstance(x, Add) and len(x.terms) == 2:
        for a, b in (x.terms, x.terms[::-1]):
            if (
                split_coef(a) in ((S.NegativeOne, ones(x.shape)), (S.NegativeOne, Num(1)))
                and isinstance(b, Call)
                and b.name == "exp"
            ):
                return b.operands[0]
    return None


def _with_exp_less_one(bx: Call, ex: Expr, v: Node, by: Node, ey: Expr) -> list[Node] | None:
    """`(eᵛ - 1) σ(-v) = tanh(v/2)`, `e⁻ᵛ (eᵛ - 1) = 1 - e⁻ᵛ`, `eᵛ / (eᵛ - 1) = 1/(1 - e⁻ᵛ)`: nothing overflows."""
    u = bx.operands[0]
    if not (ex.is_Integer and ex >= 1 and ey.is_Integer):
        return None
    opposite = scale(v, S.NegativeOne)
    if bx.name == "sigmoid" and ey >= 1 and u is opposite:
        return [call("tanh", scale(v, S.Half)), power(bx, Num(ex - 1)), power(by, Num(ey - 1))]
    if bx.name == "exp" and ex == 1 and ey >= 1 and u is opposite:
        return [one_minus(bx), power(by, Num(ey - 1))]
    if bx.name == "exp" and ex == 1 and ey <= -1 and u is v:
        return [power(one_minus(call("exp", opposite)), Num(-1)), power(by, Num(ey + 1))]
    return None


def _exponentials(x: Add) -> list[tuple[Expr, Node]] | None:
    """`(c, u)` for a sum of two terms `c eᵘ`."""
    found = []
    for t in x.terms:
        c, body = split_coef(t)
        if not (isinstance(body, Call) and body.name == "exp"):
            return None
        found.append((c, body.operands[0]))
    return found if len(found) == 2 else None


def _tanh_of(top: Add, bottom: Add) -> Node | None:
    """`(eᵘ - eᵛ)/(eᵘ + eᵛ) = tanh((u - v)/2)`."""
    a, b = _exponentials(top), _exponentials(bottom)
    if a is None or b is None or {u for _, u in a} != {u for _, u in b} or a[0][0] != -a[1][0] or b[0][0] != b[1][0]:
        return None
    half = scale(add([a[0][1], scale(a[1][1], S.NegativeOne)]), S.Half)
    return scale(call("tanh", half), a[0][0] / b[0][0])


def _step_of(x: Call) -> tuple[Expr, Node] | None:
    """`(c, s)` with the derivative `c s` of `max(0, u)` or `min(0, u)`, which the function absorbs."""
    if x.name == "relu":
        step = call("gt", x.operands[0], Num(0))
    else:
        zero = next((k for k, o in enumerate(x.operands) if is_zero(o)), None)
        if zero is None:
            return None
        step = call("heaviside", x.operands[1 - zero], Num(S.Half))
        step = one_minus(step) if x.name == "minimum" else step
    return primitive(step) if isinstance(step, Add) else (S.One, step)
