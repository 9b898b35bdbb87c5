"""Operations that are neither sums nor products, in normal form: `call("exp", x)`, `power(x, e)`.

Arrays that are broadcast or transposed are moved outside elementwise operations; signs leave odd and even functions;
compositions that people write are recognised (`1/(1 + exp(-z))`, `log(sum(exp(z)))`, …), by the rules in `recognise`.
"""

from __future__ import annotations

from sympy import Expr, Integer, S

from ..expr.nodes import Add, Call, Einsum, Node, Num
from ..expr.sizes import written_minus
from .facts import is_indicator, sign_of
from .product import drop_axes, einsum, is_broadcast_axis, is_zero, ones, permute, scale, split_coef


def call(name: str, *operands: Node, **params) -> Node:
    """The normal form of an operation on core operands.

    Elementwise operands are rank 0 or of the full shape.
    """
    from .recognise import RULES

    if name == "pow":
        return power(*operands)
    node = Call(name, *operands, **params)
    if node.op.elementwise:
        hoisted = _hoist(node)
        if hoisted is not None:
            return hoisted
        node = _parity(node)
        if not isinstance(node, Call):
            return node
    for rule in RULES.get(name, ()):
        new = rule(node)
        if new is not None:
            return new
    return node


def _hoist(node: Call) -> Node | None:
    """`f(broadcast(x)) = broadcast(f(x))` and `f(xᵀ) = f(x)ᵀ`."""
    full = [x for x in node.operands if x.rank]
    if not full or not all(isinstance(x, Einsum) for x in full):
        return None
    rank = node.rank
    axes = {a for a in range(rank) if all(is_broadcast_axis(x, a) for x in full)}
    if axes:
        small = [drop_axes(x, axes) if x.rank else x for x in node.operands]
        inner = call(node.name, *small, **node.params)
        out = list(range(rank))
        return einsum([(inner, [a for a in out if a not in axes])], out, {a: node.shape[a] for a in axes})
    first = full[0]
    if (
        len(first.items) == 1
        and first.coef == 1
        and set(first.items[0][1]) == set(first.out)
        and len(first.out) == len(set(first.out)) == rank
    ):
        order = [first.out.index(i) for i in first.items[0][1]]
        back = [permute(x, order) if x.rank else x for x in node.operands]
        if all(not isinstance(x, Einsum) for x in back if x.rank):
            return permute(call(node.name, *back, **node.params), [order.index(a) for a in range(rank)])
    return None


def negated(x: Node) -> bool:
    """Whether a person would write `x` with a minus in front."""
    if isinstance(x, Num):
        return bool(x.value.is_negative)
    if isinstance(x, Einsum):
        return written_minus(x.coef)
    if isinstance(x, Add):
        from .add import primitive

        return written_minus(primitive(x)[0])
    return False


def _parity(node: Call) -> Node:
    """`f(-x) = -f(x)` or `f(x)`; `f(0) = 0` for odd functions."""
    if not node.op.parity:
        return node
    x = node.operands[0]
    if node.op.parity == "odd" and is_zero(x):
        return x
    if negated(x):
        inner = call(node.name, scale(x, S.NegativeOne), *node.operands[1:], **node.params)
        return scale(inner, S.NegativeOne) if node.op.parity == "odd" else inner
    return node


def power(base: Node, exponent: Node) -> Node:
    """The normal form of `base ** exponent`, elementwise."""
    if not isinstance(exponent, Num):
        if exponent.rank and not base.rank and isinstance(base, Num):
            pass
        node = Call("pow", base, exponent)
        return _hoist(node) or node
    e = exponent.value
    if e == 1:
        return base
    if e == 0:
        return ones(base.shape)
    if isinstance(base, Num):
        return _number_power(base.value, e, base, exponent)
    if isinstance(base, Call):
        new = _call_power(base, e)
        if new is not None:
            return new
    if isinstance(base, Einsum):
        return _product_power(base, e)
    if isinstance(base, Add):
        new = _sum_power(base, e)
        if new is not None:
            return new
    return Call("pow", base, Num(e))


def _number_power(b: Expr, e: Expr, base: Node, exponent: Node) -> Node:
    if b.is_Rational and e.is_Rational:
        if b == 0:
            return Num(S.Zero) if e > 0 else Call("pow", base, exponent)
        bits = max(abs(int(b.p)).bit_length(), abs(int(b.q)).bit_length())
        if bits * abs(e) > 4096 or (b < 0 and not e.is_Integer):
            return Call("pow", base, exponent)
    return Num(b**e)


def _call_power(base: Call, e: Expr) -> Node | None:
    if base.name == "pow" and isinstance(base.operands[1], Num):
        inner, k = base.operands[0], base.operands[1].value
        if e.is_Integer or sign_of(inner):
            return power(inner, Num(k * e))
        if k.is_Integer and k % 2 == 0:
            return power(call("abs", inner), Num(k * e))
    if base.name == "exp":
        return call("exp", scale(base.operands[0], e))
    if base.name == "abs" and e.is_Integer and e % 2 == 0:
        return power(base.operands[0], Num(e))
    if base.name == "sign" and e.is_Integer and e % 2 == 1 and e > 0:
        return base
    if is_indicator(base) and e.is_positive:
        return base
    return None


def _product_power(base: Einsum, e: Expr) -> Node:
    """Distribute over the independent factors of a product; sums stay inside."""
    from .components import components, oriented

    if is_zero(base):
        return base if e.is_positive else Call("pow", base, Num(e))
    if len(set(base.out)) < len(base.out):
        return Call("pow", base, Num(e))
    if len(base.operands) == 0:
        return scale(ones(base.shape), base.coef**e) if base.coef.is_positive or e.is_Integer else Call("pow", base, Num(e))
    parts = components(base)
    free = e.is_Integer
    outside: list[tuple[Node, list[int]]] = []
    inside: list[tuple[Node, list[int]]] = []
    for x, ls in parts:
        (outside if free or sign_of(x) else inside).append((x, ls))
    c = base.coef
    if len(inside) == 1 and not (free or c.is_positive):
        return Call("pow", base, Num(e))
    if len(inside) > 1 or not (free or c.is_positive):
        if not outside:
            if c != 1 and (c.is_positive or free):
                return scale(power(split_coef(base)[1], Num(e)), c**e)
            return Call("pow", base, Num(e))
        if not (free or c.is_positive):
            return Call("pow", base, Num(e))
    items = []
    for x, ls in outside:
        items.append((_leaf_power(x, e), ls))
    if inside:
        labels = oriented([it for x, ls in inside for it in _with_labels(x, ls)], {i for _, ls in inside for i in ls})
        body = einsum(inside, labels)
        items.append((_leaf_power(body, e), labels))
    return einsum(items, base.out, dict(enumerate(base.sizes)), coef=c**e)


def _with_labels(x: Node, labels: list[int]) -> list[tuple[Node, tuple]]:
    """The items of a part with the labels of the whole; those that it sums have labels of their own."""
    if not isinstance(x, Einsum):
        return [(x, tuple(labels))]
    place = dict(zip(x.out, labels, strict=True))
    return [(y, tuple(place.get(i, ("inner", i)) for i in ls)) for y, ls in x.items]


def _leaf_power(x: Node, e: Expr) -> Node:
    """A power of one independent factor (a connected product is not split again)."""
    return Call("pow", x, Num(e)) if isinstance(x, Einsum) else power(x, Num(e))


def _sum_power(base: Add, e: Expr) -> Node | None:
    from .add import primitive

    c, body = primitive(base)
    if c != 1 and (e.is_Integer or c.is_positive):
        return scale(power(body, Num(e)), c**e)
    if c != 1 and (-c).is_positive and not e.is_Integer:
        if c == -1:
            return None
        return scale(power(scale(body, S.NegativeOne), Num(e)), (-c) ** e)
    if e.is_Integer and e < 0 and len(base.terms) == 2:
        u = one_plus_exp(base)
        if u is not None:
            return power(call("sigmoid", scale(u, S.NegativeOne)), Num(-e))
    return None


def one_plus_exp(x: Node) -> Node | None:
    """`u` where `x = 1 + exp(u)`."""
    if isinstance(x, Add) and len(x.terms) == 2:
        for a, b in (x.terms, x.terms[::-1]):
            if a is ones(x.shape) and isinstance(b, Call) and b.name == "exp":
                return b.operands[0]
    return None


__all__ = ["Integer", "call", "negated", "one_plus_exp", "power"]
