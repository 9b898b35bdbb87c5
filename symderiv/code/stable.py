"""Sums that cancel, written so that they do not: exact words for what a formula means where its terms are nearly equal.

`1 - tanh(u)²` is `sech(u)²`, `1 - 2σ(u)` is `-tanh(u/2)`, `diag(p) - p pᵀ` of a softmax has the diagonal `p_i Σ_{j≠i} p_j`, and
`x/‖x‖³` is divided in steps that neither overflow nor vanish. The words that people read stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy
from sympy import Rational, S

from ..expr.nodes import Call, Node, Num
from .cancel import plan_polynomials
from .emit import SIMPLE, VIEWS, Emitter, Plan, Scope, same
from .hidden import Hidden, hidden
from .spell import ATOM, Piece, max_nest

Terms = list[tuple[Rational, "Node | None"]]


def is_call(node: Node | None, *names: str) -> bool:
    return isinstance(node, Call) and node.name in names


def coefficient(node: Node) -> tuple[Rational, Node | None]:
    """`(c, body)` with node = c*body for a rational number c; the body is None for a number itself."""
    if isinstance(node, Num):
        return (node.value, None) if node.value.is_Rational else (S.One, node)
    if is_call(node, "neg"):
        c, body = coefficient(node.operands[0])
        return -c, body
    if is_call(node, "mul"):
        found = [coefficient(x) for x in node.operands]
        c = sympy.Mul(*(k for k, _ in found))
        bodies = [b for _, b in found if b is not None]
        if c == 1 and len(bodies) == len(node.operands):
            return S.One, node
        return c, None if not bodies else bodies[0] if len(bodies) == 1 else Call("mul", *bodies)
    if is_call(node, "div"):
        top, bottom = coefficient(node.operands[0]), coefficient(node.operands[1])
        if bottom[1] is None and bottom[0] != 0:
            return top[0] / bottom[0], top[1]
        if top[0] != 1 and top[1] is not None and bottom[0] != 0:
            return top[0], Call("div", top[1], node.operands[1])
    return S.One, node


def times(c: Rational, node: Node) -> Node:
    """`c*node`."""
    if c == 1:
        return node
    return Call("neg", node) if c == -1 else Call("mul", Num(c), node)


def plan_hidden(emitter: Emitter, node: Hidden) -> Plan:
    """A call of a function of the runtime."""

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        if node.name == "embed" and len(pieces) == 2:  # added in place, so never to an array that has a name
            text, base = pieces[1].as_number().text, node.operands[1]
            alone = isinstance(base, (Call, Hidden)) and base.name not in VIEWS and emitter.uses[base] == 1
            copied = SIMPLE.fullmatch(text) and not alone
            own = emitter.source_around(emitter.dialect.own_copy("{}"), text) if copied else text
            return Piece(f"{emitter.word('_embed')}({pieces[0].as_number().text}{node.more}, {own})", nest=1 + max_nest(pieces))
        if node.name == "entry":
            return Piece(f"{pieces[0].text}[{node.more}]")
        if node.name == "off_label" and not emitter.dialect.functional:  # a comparison becomes numbers there
            pieces = [replace(p, kind="float") for p in pieces]
        plain = [emitter.is_plain(x) for x in node.operands]
        given = ", ".join(emitter.plain_operand(p.text) if q else p.as_number().text for p, q in zip(pieces, plain, strict=True))
        return Piece(f"{emitter.word('_' + node.name)}({given}{node.more})", ATOM, "float", 1 + max_nest(pieces))

    return Plan(node.operands, build)


def plan_add(emitter: Emitter, node: Call) -> Plan | None:
    """A sum of two terms that cancel, or None."""
    if not 2 <= len(node.operands) <= 6:
        return None
    terms = [coefficient(t) for t in node.operands]
    for rule in _PAIRS:
        for i in range(len(terms)):
            for j in range(len(terms)):
                if i == j:
                    continue
                found = rule(emitter, terms[i], terms[j])
                if found is None:
                    continue
                rest = [t for k, t in enumerate(node.operands) if k not in (i, j)]
                if not rest:
                    return found if isinstance(found, Plan) else same(found)
                if isinstance(found, Node) and found.shape == node.shape:
                    return same(Call("add", found, *rest))
    factored = plan_polynomials(node)
    return None if factored is None else same(factored)


def _squares(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c - c tanh(u)² = c sech(u)²`, `2c σ(u) - c = c tanh(u/2)`, `c ± c tanh(u) = 2c σ(±2u)`, `c + c erf(u) = c erfc(-u)`."""
    (c, number), (d, x) = a, b
    if number is not None or x is None or c == 0:
        return None
    if is_call(x, "pow") and is_call(x.operands[0], "tanh") and x.operands[1] is Num(2) and d == -c:
        return times(c, hidden("sech2", x.operands[0].operands[0]))
    if is_call(x, "square") and is_call(x.operands[0], "tanh") and d == -c:
        return times(c, hidden("sech2", x.operands[0].operands[0]))
    if is_call(x, "sigmoid") and d == -2 * c:
        return times(-c, Call("tanh", halved(x.operands[0])))
    if is_call(x, "tanh") and abs(d) == abs(c):
        u = times(2 * d / c, x.operands[0])
        return times(2 * c, Call("sigmoid", u))
    if is_call(x, "erf") and abs(d) == abs(c):
        return times(c, hidden("erfc", times(-d / c, x.operands[0])))
    if is_call(x, "div") and d == -c:  # 1 - a/(a + b) = b/(a + b)
        top, bottom = x.operands
        if is_call(bottom, "add") and top in bottom.operands:
            rest = list(bottom.operands)
            rest.remove(top)
            return times(c, Call("div", rest[0] if len(rest) == 1 else Call("add", *rest), bottom))
    return None


def _exponentials(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c eᵘ - c = c expm1(u)`, `c cosh u - c = 2c sinh(u/2)²`, `c eᵘ⁺¹ …` stays."""
    (c, x), (d, number) = a, b
    if number is not None or d != -c or x is None:
        return None
    if is_call(x, "exp"):
        return times(c, Call("expm1", x.operands[0]))
    if is_call(x, "cosh"):
        return times(2 * c, Call("pow", Call("sinh", halved(x.operands[0])), Num(2)))
    return None


def _softplus_less(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`softplus(u) - u = softplus(-u)`, `softplus(u) - softplus(-u) = u`, and the same of `log σ(u) = -softplus(-u)`."""
    (c, x), (d, y) = a, b
    if y is None or not is_call(x, "softplus", "logsigmoid"):
        return None
    k, u = coefficient(x.operands[0])
    if u is None:
        return None
    c, k = (c, k) if x.name == "softplus" else (-c, -k)  # c softplus(k u)
    if y is u and d == -c * k:
        return times(c, Call("softplus", times(-k, u)))
    if is_call(y, "softplus", "logsigmoid"):
        m, v = coefficient(y.operands[0])
        d, m = (d, m) if y.name == "softplus" else (-d, -m)
        if v is u and m == -k and d == -c:
            return times(c * k, u)
    return None


def _less_logsumexp(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`z_i - logsumexp(z)` as an entry of `log_softmax(z)`, `max(z) - logsumexp(z)` as its largest, `p·z - logsumexp(z)`."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c or not is_call(y, "logsumexp"):
        return None
    z, axis = y.operands[0], y.params["axis"]
    last = axis in (-1, z.rank - 1) or (axis is None and z.rank == 1)
    if is_call(x, "max") and x.operands[0] is z and x.params == y.params:
        return times(-c, hidden("logsumexp_excess", z, shape=y.shape, more=_axis_text(axis, y.params["keepdims"])))
    if not last or y.params["keepdims"]:
        return None
    soft = Call("log_softmax", z, axis=-1)
    if is_call(x, "getitem") and x.operands[0] is z and x.shape == y.shape:
        return times(c, Call("getitem", soft, *x.operands[1:], **x.params))
    if is_call(x, "matmul", "dot") and z.rank == 1 and len(x.operands) == 2 and z in x.operands:
        p = x.operands[1] if x.operands[0] is z else x.operands[0]
        if is_call(p, "softmax") and p.rank == 1:
            return times(c, Call(x.name, p, soft))
    return None


def _axis_text(axis: object, keepdims: bool) -> str:
    return f", axis={axis!r}, keepdims={keepdims!r}"


def halved(u: Node) -> Node:
    c, body = coefficient(u)
    return Num(c / 2) if body is None else times(c / 2, body) if c != 1 else Call("div", u, Num(2))


def _split(term: Node) -> tuple[frozenset, Node]:
    """A product as its scalar factors and the one factor that is an array."""
    if is_call(term, "mul"):
        arrays = [x for x in term.operands if x.rank]
        if len(arrays) == 1:
            return frozenset((x, 1) for x in term.operands if not x.rank), arrays[0]
    if is_call(term, "div") and not term.operands[1].rank:
        inner, body = _split(term.operands[0])
        return inner | {(term.operands[1], -1)}, body
    return frozenset(), term


def _softmax_jacobian(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c diag(p) - c p pᵀ` for a softmax p."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c:
        return None
    (fx, x), (fy, y) = _split(x), _split(y)
    if fx != fy or not (is_call(x, "diag") and x.rank == 2 and is_call(y, "outer")):
        return None
    p = x.operands[0]
    if not (is_call(p, "softmax") and y.operands == (p, p)):
        return None
    out = times(c, hidden("softmax_jacobian", p, shape=x.shape))
    for factor, power in fx:
        out = Call("mul", factor, out) if power == 1 else Call("div", out, factor)
    return out


def _spread_jacobian(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c diag(p) + d (k p + r) pᵀ` with `d k = -c` for a softmax p: the Jacobian of the softmax and `d r pᵀ`."""
    (c, x), (d, y) = a, b
    if not (is_call(x, "diag") and x.rank == 2 and is_call(y, "outer")) or not is_call(x.operands[0], "softmax"):
        return None
    p = x.operands[0]
    for at in (0, 1):
        total, other = y.operands[at], y.operands[1 - at]
        if other is not p or not is_call(total, "add"):
            continue
        for term in total.operands:
            k, body = coefficient(term)
            if body is p and d * k == -c:
                rest = [t for t in total.operands if t is not term]
                left = rest[0] if len(rest) == 1 else Call("add", *rest)
                if left.shape != p.shape:
                    continue
                pair = (left, p) if at == 0 else (p, left)
                return Call("add", times(c, hidden("softmax_jacobian", p, shape=x.shape)), times(d, Call("outer", *pair)))
    return None


def _deviation(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c a - c Σ p a` for a softmax p: the deviation from the mean with weights p."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c:
        return None
    if y.rank == 0 and x.rank == 1:
        pair: tuple[Node, ...] = y.operands if is_call(y, "matmul", "dot") and len(y.operands) == 2 else ()
        if is_call(y, "sum"):
            pair = _two_factors(y.operands[0])
        elif is_call(y, "pow", "square") and is_call(y.operands[0], "norm"):  # ‖p‖² = Σ p²
            pair = (y.operands[0].operands[0],) * 2 if y.name == "square" or y.operands[1] is Num(2) else ()
    elif is_call(y, "sum") and y.params["keepdims"] and y.params["axis"] in (-1, x.rank - 1):
        pair = _two_factors(y.operands[0])
    else:
        return None
    if len(pair) != 2 or x not in pair:
        return None
    p = pair[1] if pair[0] is x else pair[0]
    if is_call(p, "softmax") and p.shape == x.shape and p.params["axis"] in (-1, p.rank - 1):
        if is_call(x, "log_softmax") and x.operands == p.operands and x.params == p.params:
            x = x.operands[0]  # a constant shift of log p, and exact
        return times(c, hidden("deviation", x, p))
    return None


def _two_factors(x: Node) -> tuple[Node, ...]:
    """The factors of `a*b` or `a**2`."""
    if is_call(x, "mul") and len(x.operands) == 2:
        return tuple(x.operands)
    if is_call(x, "square") or (is_call(x, "pow") and x.operands[1] is Num(2)):
        return (x.operands[0],) * 2
    return ()


def _common_weights(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c p a - c p Σ p a = c p (a - Σ p a)` for a softmax p."""
    (c, x), (d, y) = a, b
    left, right = _two_factors(x), _two_factors(y)
    if d != -c or not left or not right:
        return None
    for p in left:
        if p in right and is_call(p, "softmax"):
            weighted = right[1] if right[0] is p else right[0]
            other = left[1] if left[0] is p else left[0]
            found = _deviation(emitter, (S.One, other), (S.NegativeOne, weighted))
            if found is not None:
                return times(c, Call("mul", p, found))
    return None


def _less_labels(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c softmax(Z) - c onehot(y)`: the entry of the label is minus the sum of the others."""
    (c, x), (d, y) = a, b
    if d != -c or not is_call(x, "softmax") or not is_call(y, "onehot") or x.shape != y.shape:
        return None
    if x.params["axis"] not in (-1, x.rank - 1) or x.rank == 0:
        return None
    return times(c, hidden("less_onehot", x, y.operands[0]))


def _less_peak(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c m - c softmax(z)` for the gradient m of `max(z)`: the entry of the maximum is the sum of the others."""
    (c, x), (d, p) = a, b
    if d != -c or not is_call(p, "softmax") or p.rank != 1 or not is_call(x, "div"):
        return None
    top, total = x.operands
    z = p.operands[0]
    if is_call(total, "sum") and total.operands[0] is top and _marks_peak(top, z):
        return times(c, hidden("peak_less_softmax", z))
    return None


def _marks_peak(x: Node, z: Node) -> bool:
    """Whether `x` is 1 where z is largest and 0 elsewhere."""
    if is_call(x, "where") and x.operands[1] is Num(1) and x.operands[2] is Num(0):
        x = x.operands[0]
    if not is_call(x, "eq"):
        return False
    return any(o is z and is_call(m, "max") and m.operands[0] is z for o, m in (x.operands, x.operands[::-1]))


_PAIRS: tuple[Callable[[Emitter, tuple, tuple], Node | Plan | None], ...] = (
    _squares, _exponentials, _softplus_less, _less_logsumexp, _softmax_jacobian, _spread_jacobian, _deviation, _common_weights,
    _less_labels, _less_peak,
)  # fmt: skip


def complement(emitter: Emitter, u: Node) -> Node:
    """`1 - σ(u)`: σ(-u), or the second of a pair with σ(u) where that is needed too."""
    c, body = coefficient(u)
    sigmoid = Call("sigmoid", u)
    if is_paired(emitter, sigmoid):
        return Hidden("entry", u.shape, (hidden("sigmoids", u),), "1")
    return Call("sigmoid", times(-c, body) if body is not None and c < 0 else Call("neg", u))


def is_paired(emitter: Emitter, sigmoid: Call) -> bool:
    """Whether `σ(u)` and `1 - σ(u)` are both needed: one exponential does for both."""
    return sigmoid in emitter.paired and sigmoid.rank > 0 and emitter.parents[sigmoid] > 1


def plan_sigmoid(emitter: Emitter, node: Call) -> Plan | None:
    u = node.operands[0]
    return same(Hidden("entry", u.shape, (hidden("sigmoids", u),), "0")) if is_paired(emitter, node) else None


def sigmoids_with_complements(nodes: Iterable[Node]) -> set[Node]:
    """Every `σ(u)` among the nodes that stands in `1 - σ(u)` or `σ(u) - 1`."""
    found: set[Node] = set()
    for node in nodes:
        if is_call(node, "add") and len(node.operands) == 2:
            (c, x), (d, y) = map(coefficient, node.operands)
            for number, factor, z in ((c if x is None else None, d, y), (d if y is None else None, c, x)):
                if number is not None and factor == -number and isinstance(z, Call) and z.name == "sigmoid":
                    found.add(z)
    return found


def plan_log(emitter: Emitter, node: Call) -> Plan | None:
    """`log cosh u` and `log(eᵘ - 1)` without overflow, `log(1 + u)` and `log(1 - eᵘ)` without cancellation."""
    u = node.operands[0]
    if is_call(u, "cosh", "sinh", "expm1"):
        return same(hidden({"cosh": "logcosh", "sinh": "logsinh", "expm1": "logexpm1"}[u.name], u.operands[0]))
    if is_call(u, "neg") and is_call(u.operands[0], "expm1"):
        return same(hidden("log1mexp", u.operands[0].operands[0]))
    if not is_call(u, "add") or emitter.is_plain(u):
        return None
    for k, one in enumerate(u.operands):
        rest = [t for j, t in enumerate(u.operands) if j != k]
        if isinstance(one, Num) and one.value in (1, -1):
            body = rest[0] if len(rest) == 1 else Call("add", *rest)
            c, inner = coefficient(body)
            if is_call(inner, "exp") and c == -one.value:
                return same(hidden("log1mexp" if one.value == 1 else "logexpm1", inner.operands[0]))
            if one.value == 1 and body.shape == u.shape:
                return same(Call("log1p", body))
    return None


def plan_log1p(emitter: Emitter, node: Call) -> Plan | None:
    """`log1p(-eᵘ)` without cancellation."""
    c, u = coefficient(node.operands[0])
    return same(hidden("log1mexp", u.operands[0])) if c == -1 and is_call(u, "exp") else None


def plan_mul(emitter: Emitter, node: Call) -> Plan | None:
    """`eᵘ (v ≤ 0)`: where the condition fails, the exponential is not taken, as it may overflow."""
    conditions = [x for x in node.operands if is_call(x, "le", "lt", "ge", "gt")]
    powers = [x for x in node.operands if is_call(x, "exp")]
    if len(conditions) != 1 or not powers:
        return None
    (c,) = conditions
    factors = [
        Call("exp", Call("where", c, x.operands[0], Num(0))) if x in powers and not is_call(x.operands[0], "where") else x
        for x in node.operands
    ]
    return same(Call("mul", *factors)) if factors != list(node.operands) else None


# norms -------------------------------------------------------------------------------------------------------------------------
def plan_div(emitter: Emitter, node: Call) -> Plan | None:
    """`x xᵀ/‖x‖³ = (x/‖x‖)(x/‖x‖)ᵀ/‖x‖`: a power of a norm is divided where its vector is."""
    top, bottom = node.operands
    if not (is_call(bottom, "pow") and is_call(bottom.operands[0], "norm") and isinstance(bottom.operands[1], Num)):
        return None
    norm, power = bottom.operands[0], bottom.operands[1].value
    if norm.rank or not power.is_Integer or power < 2:
        return None
    new, left = _normalised(top, norm, int(power))
    if left == power:
        return None
    if left:
        new = Call("div", new, norm if left == 1 else Call("pow", norm, Num(left)))
    return same(new)


def _normalised(node: Node, norm: Call, power: int) -> tuple[Node, int]:
    """The product with up to `power` of its factors `x` divided by `‖x‖`, and how many divisions are left."""
    x = norm.operands[0]
    if not power:
        return node, 0
    if node is x or (is_call(node, "T") and node.operands[0] is x):
        return Call("div", node, norm), power - 1
    if is_call(node, "outer", "matmul", "mul", "neg", "T", "dot", "einsum") and node.name != "add":
        operands = []
        for o in node.operands:
            new, power = _normalised(o, norm, power)
            operands.append(new)
        return node.with_operands(operands), power
    return node, power
