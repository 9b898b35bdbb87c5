"""Rules on single operations: compositions that have a name, functions of their inverses, matrix identities.

`RULES[name]` are tried in order on a call that is otherwise in normal form; a rule returns the new node or None.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Integer, S

from ..expr.nodes import Add, Call, Einsum, Node, Num
from ..expr.sizes import product as entries
from .add import add, primitive, spread
from .calls import call, negated, one_plus_exp, power
from .components import components
from .factors import base_and_exponent, one_minus
from .facts import sign_of, sums_to_one
from .product import drop_axes, einsum, is_broadcast_axis, is_zero, ones, scale, split_coef, zeros

MINUS = S.NegativeOne


def is_one(x: Node) -> bool:
    return x is ones(x.shape)


def rule_exp(node: Call) -> Node | None:
    """`e^0 = 1`, `exp(log u) = u`, `exp(k log u) = u^k`, `exp(log_softmax u) = softmax(u)`, `exp(-softplus(u)) = 1 - σ(u)`,
    `exp(u - logsumexp(u)) = softmax(u)`."""
    u = node.operands[0]
    if is_zero(u):
        return ones(u.shape)
    c, body = split_coef(u)
    if isinstance(body, Call):
        if body.name == "log" and (c.is_Integer or sign_of(body.operands[0])):
            return power(body.operands[0], Num(c))
        if body.name == "log_softmax":
            return power(call("softmax", *body.operands, **body.params), Num(c))
        if body.name == "softplus" and c == MINUS:
            return one_minus(call("sigmoid", body.operands[0]))
        if body.name == "logsigmoid" and c == 1:
            return call("sigmoid", body.operands[0])
    if isinstance(u, Add):
        return _exp_of_sum(u)
    return None


def _exp_of_sum(u: Add) -> Node | None:
    for t in u.terms:
        if not (isinstance(t, Einsum) and t.coef == MINUS and t.items):
            continue
        x, ls = t.items[0]
        if isinstance(x, Call) and x.name == "logsumexp" and len(t.items) == 1:
            rest = add([v for v in u.terms if v is not t])
            axis = x.params["axis"]
            axes = (axis,) if isinstance(axis, int) else tuple(axis)
            inner = x.operands[0]
            kept = [a for a in range(inner.rank) if a - inner.rank not in axes]
            if rest is inner and list(ls) == [t.out[a] for a in kept]:
                return call("softmax", rest, axis=axis)
    return None


def rule_log(node: Call) -> Node | None:
    """`log 1 = 0`, `log e^u = u`, `log(1 + e^u) = softplus(u)`, `log σ(u)`, `log Σ e^u`, `log softmax`, `log det`."""
    u = node.operands[0]
    if is_one(u):
        return zeros(u.shape)
    if isinstance(u, Call):
        if u.name == "exp":
            return u.operands[0]
        if u.name == "sigmoid":
            return call("logsigmoid", u.operands[0])
        if u.name == "softmax":
            return call("log_softmax", *u.operands, **u.params)
        if u.name == "det":
            return call("logdet", *u.operands)
        if u.name == "abs" and isinstance(u.operands[0], Call) and u.operands[0].name == "det":
            return call("logdet", *u.operands[0].operands)
        if u.name == "prod" and sign_of(u.operands[0]):
            return _log_of_prod(u)
        if u.name == "pow" and not isinstance(u.operands[1], Num) and sign_of(u.operands[0]) == "positive":
            return _times_log(u.operands[1], u.operands[0], u.shape)
        if u.name == "pow" and isinstance(u.operands[1], Num):
            b, e = u.operands
            if sign_of(b) or (isinstance(b, Call) and b.name in ("det", "sigmoid")):
                return scale(call("log", b), e.value)
        return None
    if isinstance(u, Add):
        return _log_of_sum(u)
    return _log_of_product(u) if isinstance(u, Einsum) else None


def _log_of_prod(u: Call) -> Node:
    """`log Π x = Σ log x` where no factor is negative."""
    x, axis = u.operands[0], u.params["axis"]
    axes = range(x.rank) if axis is None else [axis % x.rank] if isinstance(axis, int) else [a % x.rank for a in axis]
    labels = list(range(x.rank))
    return einsum([(call("log", x), labels)], [k for k in labels if k not in axes], dict(enumerate(x.shape)))


def _times_log(e: Node, b: Node, shape: tuple) -> Node:
    """`log b^e = e log b` for `b > 0`."""
    labels = list(range(len(shape)))
    items = [(x, labels if x.rank else []) for x in (e, call("log", b))]
    return einsum(items, labels, dict(enumerate(shape)))


def _log_of_sum(u: Add) -> Node | None:
    inner = one_plus_exp(u)
    if inner is not None:
        return call("softplus", inner)
    if len(u.terms) == 2:
        a, b = u.terms
        if all(isinstance(t, Call) and t.name == "exp" for t in (a, b)):
            return call("logaddexp", a.operands[0], b.operands[0])
        for s, t in ((a, b), (b, a)):
            if is_one(s):
                c, body = split_coef(t)
                if c == MINUS and isinstance(body, Call) and body.name == "sigmoid":
                    return call("logsigmoid", scale(body.operands[0], MINUS))
                if abs(c) == 1 and isinstance(body, Call) and body.name == "tanh":
                    return add([spread(call("log", Num(2)), u.shape), call("logsigmoid", scale(body.operands[0], 2 * c))])
    return _log_of_exponentials(u)


def _log_of_exponentials(u: Add) -> Node | None:
    """`log(Σ cᵢ e^uᵢ)` for positive numbers cᵢ: the logarithm is taken of every term, `logaddexp` joins them."""
    logs = []
    for t in u.terms:
        c, body = split_coef(t)
        if not c.is_positive or c.free_symbols:
            return None
        if is_one(body):
            logs.append(spread(call("log", Num(c)), u.shape))
        elif isinstance(body, Call) and body.name == "exp":
            x = body.operands[0]
            logs.append(x if c == 1 else add([x, spread(call("log", Num(c)), u.shape)]))
        else:
            return None
    if len(logs) > 8 or not any(isinstance(split_coef(t)[1], Call) and split_coef(t)[1].name == "exp" for t in u.terms):
        return None
    total = logs[0]
    for x in logs[1:]:
        total = _logaddexp(total, x)
    return total


def _logaddexp(a: Node, b: Node) -> Node:
    """`log(eᵃ + eᵇ)`; with a number b it is `b + softplus(a - b)`."""
    for x, c in ((a, b), (b, a)):
        if not c.free_symbols - set(c.shape) and not isinstance(x, Num):
            return add([c, call("softplus", add([x, scale(c, MINUS)]))])
    return call("logaddexp", a, b)


def _log_of_product(u: Einsum) -> Node | None:
    if is_zero(u) or len(set(u.out)) < len(u.out):
        return None
    if len(u.items) == 1:
        x, ls = u.items[0]
        if isinstance(x, Call) and x.name == "exp" and len(set(ls)) == len(ls):
            summed = tuple(at - x.rank for at, i in enumerate(ls) if i not in u.out)
            kept = [i for i in ls if i in u.out]
            if summed and u.coef.is_positive:
                lse = call("logsumexp", x.operands[0], axis=summed[0] if len(summed) == 1 else summed)
                body = einsum([(lse, kept)], u.out, dict(enumerate(u.sizes)))
                if u.coef == 1:
                    return body
                return add([body, scale(ones(u.shape), S.One) if u.coef == S.Exp1 else spread(call("log", Num(u.coef)), u.shape)])
    picked = _log_of_picked(u)
    if picked is not None:
        return picked
    parts = components(u)
    soft = [(x, ls) for x, ls in parts if _logs_well(x)]
    if soft and (all(_logs_well(x) or sign_of(x) for x, _ in parts)) and u.coef.is_positive and len(parts) + (u.coef != 1) > 1:
        labels = dict(enumerate(u.sizes))
        terms = [einsum([(call("log", x), ls)], u.out, labels) for x, ls in parts]
        if u.coef != 1:
            terms.append(spread(call("log", Num(u.coef)), u.shape))
        return add(terms)
    return None


def _logs_well(x: Node) -> bool:
    """The logarithm has a shorter, safer form."""
    b, e = base_and_exponent(x)
    if isinstance(b, Call) and b.name == "pow" and e == 1 and sign_of(b.operands[0]) == "positive":
        return True
    if isinstance(b, Call) and b.name in ("exp", "softmax", "sigmoid", "det", "cosh"):
        return True
    if isinstance(b, Einsum) and len(b.items) == 1 and isinstance(b.items[0][0], Call) and b.items[0][0].name == "exp":
        return True
    if isinstance(b, Einsum) and _log_of_picked(b) is not None and e == 1:
        return True
    return e != 1 and bool(sign_of(b)) and False


def _log_of_picked(u: Einsum) -> Node | None:
    """`log Σ_j onehot_j softmax_j = Σ_j onehot_j log softmax_j`: a picked entry's logarithm."""
    hot = [k for k, (x, ls) in enumerate(u.items) if sums_to_one(x, x.rank - 1) and _is_onehot(x) and ls[-1] not in u.out]
    if len(hot) != 1 or len(u.items) != 2 or u.coef != 1:
        return None
    (h, hl), (s, sl) = u.items[hot[0]], u.items[1 - hot[0]]
    if not (isinstance(s, Call) and s.name in ("softmax", "exp") and hl[-1] in sl):
        return None
    return einsum([(h, hl), (call("log", s), sl)], u.out, dict(enumerate(u.sizes)))


def _is_onehot(x: Node) -> bool:
    return (isinstance(x, Call) and x.name == "onehot") or bool(getattr(x, "is_a", lambda _: False)("onehot"))


def rule_log1p(node: Call) -> Node | None:
    """`log1p(e^u) = softplus(u)`."""
    u = node.operands[0]
    if isinstance(u, Call) and u.name == "exp":
        return call("softplus", u.operands[0])
    if is_zero(u):
        return u
    return None


def rule_xlogy(node: Call) -> Node | None:
    """`x log y` as a product where the logarithm of `y` is finite wherever `y` vanishes: `y` a softmax or a sigmoid."""
    x, y = node.operands
    if isinstance(y, Call) and y.name in ("softmax", "sigmoid") and x.rank in (0, y.rank):
        full = list(range(y.rank))
        return einsum([(x, full if x.rank else []), (call("log", y), full)], full)
    return None


def rule_expm1(node: Call) -> Node | None:
    """`expm1(0) = 0`."""
    return node.operands[0] if is_zero(node.operands[0]) else None


def rule_sigmoid(node: Call) -> Node | None:
    """`σ(-u) = 1 - σ(u)`, so that one of the two is used throughout; `σ(0) = 1/2`."""
    u = node.operands[0]
    if is_zero(u):
        return scale(ones(u.shape), S.Half)
    if negated(u):
        return one_minus(Call("sigmoid", scale(u, MINUS)))
    return None


def rule_abs(node: Call) -> Node | None:
    """`|u| = u` for `u ≥ 0`; numbers and non-negative factors leave."""
    u = node.operands[0]
    if sign_of(u):
        return u
    if isinstance(u, Call) and u.name == "abs":
        return u
    if isinstance(u, Einsum) and len(set(u.out)) == len(u.out):
        parts = components(u)
        out = [(x, ls) for x, ls in parts if sign_of(x)]
        rest = [(x, ls) for x, ls in parts if not sign_of(x)]
        if out or len(rest) > 1 or (u.coef != 1 and u.coef.is_positive):
            labels = sorted({i for _, ls in rest for i in ls})
            inner = einsum(rest, labels)
            if inner is not u:
                return einsum([*out, (call("abs", inner), labels)], u.out, dict(enumerate(u.sizes)), coef=u.coef)
    if isinstance(u, Add):
        c, body = primitive(u)
        if c != 1 and c.is_nonzero and c.is_real:
            return scale(call("abs", body), abs(c))
    return None


def rule_sign(node: Call) -> Node | None:
    """`sign(u) = 1` for `u > 0`; positive factors go."""
    u = node.operands[0]
    if sign_of(u) == "positive":
        return ones(u.shape)
    c, body = split_coef(u)
    if c != 1 and c.is_positive:
        return call("sign", body)
    return None


def rule_where(node: Call) -> Node | None:
    """`where(c, a, a) = a`; `where(c, 1, 0) = c`; `where(c, 0, 1) = 1 - c` for an indicator `c`; numbers leave."""
    c, a, b = node.operands
    if a is b:
        return spread(a, node.shape)
    if isinstance(c, Num):
        return spread(a if c.value != 0 else b, node.shape)
    from .facts import is_indicator

    if is_indicator(c) and c.rank == node.rank:
        ka, ba = split_coef(a)
        kb, bb = split_coef(b)
        if is_zero(b) and is_one(ba):
            return scale(c, ka)
        if is_zero(a) and is_one(bb):
            return scale(complement(c), kb)
    ka, ba = split_coef(a)
    if is_zero(b) and ka != 1 and not is_zero(a):
        return scale(call("where", c, ba, b), ka)
    kb, bb = split_coef(b)
    if is_zero(a) and kb != 1 and not is_zero(b):
        return scale(call("where", c, a, bb), kb)
    return None


OPPOSITE = {"gt": "le", "le": "gt", "lt": "ge", "ge": "lt", "eq": "ne", "ne": "eq"}


def complement(c: Node) -> Node:
    """`1 - c` for an indicator: the opposite comparison."""
    if isinstance(c, Call) and c.name in OPPOSITE:
        return call(OPPOSITE[c.name], *c.operands)
    return one_minus(c)


def rule_heaviside(node: Call) -> Node | None:
    """`H(-u) = 1 - H(u)` with the value 1/2 at 0."""
    u, at_zero = node.operands
    if isinstance(at_zero, Num) and at_zero.value == S.Half:
        if negated(u):
            return one_minus(call("heaviside", scale(u, MINUS), at_zero))
        if isinstance(u, Add) and primitive(u)[0] != 1 and primitive(u)[0].is_positive:
            return call("heaviside", primitive(u)[1], at_zero)
    return None


def rule_compare(node: Call) -> Node | None:
    """Comparisons of numbers are 0 or 1."""
    a, b = node.operands
    if a is b:
        return (ones if node.name in ("ge", "le", "eq") else zeros)(node.shape)
    if isinstance(a, Num) and isinstance(b, Num):
        test = {"gt": a.value > b.value, "ge": a.value >= b.value, "lt": a.value < b.value, "le": a.value <= b.value}
        if node.name in ("eq", "ne"):
            d = a.value - b.value
            if d.is_zero is not None:
                return Num(int(d.is_zero == (node.name == "eq")))
        elif test[node.name] in (True, False, S.true, S.false):
            return Num(int(bool(test[node.name])))
    return None


def rule_extremum(node: Call) -> Node | None:
    """`max(u, u) = u`."""
    a, b = node.operands
    return spread(a, node.shape) if a is b else None


def _axes(node: Call) -> tuple[int, ...]:
    axis = node.params["axis"]
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _split_shift(node: Call) -> tuple[list[Node], list[Node]]:
    """Terms of the operand that vary along the axes of the operation, and those that do not."""
    u = node.operands[0]
    if not isinstance(u, Add):
        return [u], []
    moving: list[Node] = []
    still: list[Node] = []
    for t in u.terms:
        (still if all(is_broadcast_axis(t, a % u.rank) for a in _axes(node)) else moving).append(t)
    return moving, still


def rule_softmax_shift(node: Call) -> Node | None:
    """`softmax(u + c) = softmax(u)` for `c` constant along the axis; the same for log_softmax."""
    moving, still = _split_shift(node)
    if still and moving:
        return call(node.name, add(moving), **node.params)
    return None


def rule_logsumexp_shift(node: Call) -> Node | None:
    """`logsumexp(u + c) = logsumexp(u) + c`."""
    moving, still = _split_shift(node)
    if not still or not moving:
        return None
    u = node.operands[0]
    axes = {a % u.rank for a in _axes(node)}
    return add([call("logsumexp", add(moving), **node.params), *(drop_axes(t, axes) for t in still)])


def rule_inv(node: Call) -> Node | None:
    """`(A⁻¹)⁻¹ = A`, `(Aᵀ)⁻¹ = (A⁻¹)ᵀ`, `(cA)⁻¹ = A⁻¹/c`, `(AB)⁻¹ = B⁻¹A⁻¹` for square factors."""
    a = node.operands[0]
    if isinstance(a, Call) and a.name == "inv":
        return a.operands[0]
    if isinstance(a, Add):
        c, body = primitive(a)
        return scale(call("inv", body), 1 / c) if c != 1 and c.is_nonzero else None
    if not isinstance(a, Einsum) or a.rank != 2:
        return None
    chain = square_chain(a)
    if chain is None:
        return None
    items, labels = [], list(range(len(chain) + 1))
    for k, (x, flipped) in enumerate(reversed(chain)):
        ends = labels[k : k + 2]
        items.append((call("inv", x), ends[::-1] if flipped else ends))
    size = a.shape[0]
    return einsum(items, [labels[0], labels[-1]] if chain else [0, 0], {0: size}, coef=1 / a.coef)


def square_chain(a: Einsum) -> list[tuple[Node, bool]] | None:
    """`a = coef * X_1 X_2 …` with square matrices, each maybe transposed; None if it is not such a product."""
    if a.coef == 0:
        return None
    if not a.items:
        return [] if len(set(a.out)) == 1 else None
    at, end = a.out
    left = list(a.items)
    chain: list[tuple[Node, bool]] = []
    while left:
        for k, (x, ls) in enumerate(left):
            if x.rank == 2 and at in ls and ls[0] != ls[1] and x.shape[0] == x.shape[1]:
                chain.append((x, ls[1] == at))
                at = ls[0] if ls[1] == at else ls[1]
                del left[k]
                break
        else:
            return None
        if any(at in ls for _, ls in a.items if False):
            return None
    uses = [i for _, ls in a.items for i in ls]
    if at != end or any(uses.count(i) > 2 for i in uses) or uses.count(end) != 1 or uses.count(a.out[0]) != 1:
        return None
    return chain


def rule_det(node: Call) -> Node | None:
    """`det(AB) = det A det B`, `det Aᵀ = det A`, `det A⁻¹ = 1/det A`, `det(cA) = cⁿ det A`."""
    a = node.operands[0]
    if isinstance(a, Call) and a.name == "inv":
        return power(call("det", a.operands[0]), Num(-1))
    if isinstance(a, Einsum) and a.rank == 2:
        chain = square_chain(a)
        if chain is not None and (a.coef == 1 or a.shape[0].is_Integer or a.coef.is_positive):
            return einsum([(call("det", x), []) for x, _ in chain], [], coef=a.coef ** a.shape[0])
    return None


def rule_logdet(node: Call) -> Node | None:
    """`log|det AB| = log|det A| + log|det B|`, `log|det A⁻¹| = -log|det A|`, `log|det Aᵀ| = log|det A|`."""
    a = node.operands[0]
    if isinstance(a, Call) and a.name == "inv":
        return scale(call("logdet", a.operands[0]), MINUS)
    if isinstance(a, Einsum) and a.rank == 2:
        chain = square_chain(a)
        if chain is not None:
            parts = [call("logdet", x) for x, _ in chain]
            if a.coef != 1:
                parts.append(scale(call("log", call("abs", Num(a.coef))), a.shape[0]))
            return add(parts) if parts else Num(0)
    return None


def rule_reshape(node: Call) -> Node | None:
    """A reshape to the same shape, of a reshape, or that only adds and drops axes of size 1."""
    x = node.operands[0]
    shape = node.shape
    if shape == x.shape:
        return x
    if isinstance(x, Call) and x.name == "reshape":
        return call("reshape", x.operands[0], shape=shape)
    if [s for s in shape if s != 1] == [s for s in x.shape if s != 1]:
        kept = [k for k, s in enumerate(x.shape) if s != 1]
        it = iter(kept)
        out = [next(it) if s != 1 else ("one", k) for k, s in enumerate(shape)]
        return einsum([(x, range(x.rank))], out, {o: Integer(1) for o in out if isinstance(o, tuple)})
    if isinstance(x, Einsum) and not x.items:
        split = _split_delta(x, shape)
        if split is not None:
            return split
    if isinstance(x, Einsum) and x.coef != 1:
        return scale(call("reshape", split_coef(x)[1], shape=shape), x.coef)
    if isinstance(x, Einsum) and not x.items and len(set(x.out)) == len(x.out):
        return scale(ones(shape), x.coef)
    return None


def _split_delta(x: Einsum, shape) -> Node | None:
    """An identity with one of its axes split is a product of identities with the other axis merged."""
    from .reshapes import merged_axes

    if len(x.out) != 2 or x.out[0] != x.out[1]:
        return None
    for keep in (0, 1):  # the axis that stays whole comes first or last
        parts = shape[1:] if keep == 0 else shape[:-1]
        whole = shape[0] if keep == 0 else shape[-1]
        if whole != x.shape[0] or len(parts) < 2:
            continue
        labels = list(range(len(parts)))
        inner = einsum([], labels * 2, dict(enumerate(parts)), coef=x.coef)
        new = Call("reshape", inner, shape=shape)
        if merged_axes(new) is not None:
            return new
    return None


RULES: dict[str, tuple[Callable[[Call], Node | None], ...]] = {
    "exp": (rule_exp,),
    "log": (rule_log,),
    "log1p": (rule_log1p,),
    "expm1": (rule_expm1,),
    "xlogy": (rule_xlogy,),
    "sigmoid": (rule_sigmoid,),
    "abs": (rule_abs,),
    "sign": (rule_sign,),
    "where": (rule_where,),
    **dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), (rule_compare,)),
    "heaviside": (rule_heaviside,),
    "maximum": (rule_extremum,),
    "minimum": (rule_extremum,),
    "softmax": (rule_softmax_shift,),
    "log_softmax": (rule_softmax_shift,),
    "logsumexp": (rule_logsumexp_shift,),
    "inv": (rule_inv,),
    "det": (rule_det,),
    "logdet": (rule_logdet,),
    "reshape": (rule_reshape,),
}
__all__ = ["RULES", "entries", "is_one"]
