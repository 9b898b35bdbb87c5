"""Sums that cancel, written so that they do not: exact words for what a formula means where its terms are nearly equal.

`1 - tanh(u)²` is `sech(u)²`, `1 - 2σ(u)` is `-tanh(u/2)`, `diag(p) - p pᵀ` of a softmax has the diagonal `p_i Σ_{j≠i} p_j`, and
`x/‖x‖³` is divided in steps that neither overflow nor vanish. The words that people read stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy import Rational, S

from ..expr.nodes import Call, Node, Num
from . import softmaxes
from .cancel import coefficient, halved, is_call, plan_deviation, plan_labels, plan_polynomials, shared_power, times
from .emit import SIMPLE, VIEWS, Emitter, Plan, Scope, same
from .hidden import Hidden, hidden
from .spell import ATOM, Piece, max_nest

Terms = list[tuple[Rational, "Node | None"]]


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
    if early := plan_labels(node) or plan_deviation(node):
        return same(early)
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
    if d == -c and is_call(x, "softmax"):
        return times(c, hidden("others", x)) if x.params["axis"] in (-1, x.rank - 1) else None
    if (
        d == -c
        and is_call(x, "getitem")
        and is_call(x.operands[0], "softmax")
        and x.operands[0].params["axis"] in (-1, x.operands[0].rank - 1)
    ):
        return times(c, Call("getitem", hidden("others", x.operands[0]), *x.operands[1:], **x.params))
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


def _root_less(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`√(k² + r) - k = r/(√(k² + r) + k)` for a number k."""
    (c, x), (d, number) = a, b
    if number is not None or c == 0 or not (d / c).is_negative:
        return None
    if not (is_call(x, "sqrt") or (is_call(x, "pow") and x.operands[1] is Num(S.Half))) or not is_call(x.operands[0], "add"):
        return None
    terms, k = x.operands[0].operands, -d / c
    rest = [t for t in terms if t is not Num(k**2)]
    if len(rest) != len(terms) - 1:
        return None
    top = rest[0] if len(rest) == 1 else Call("add", *rest)
    return times(c, Call("div", top, Call("add", x, Num(k)))) if top.shape == x.shape else None


def _shared_power(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    return shared_power(a, b)


_PAIRS: tuple[Callable[[Emitter, tuple, tuple], Node | Plan | None], ...] = (
    _squares, _exponentials, _softplus_less, *softmaxes.RULES, _shared_power, _root_less,
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
            if (
                one.value == 1
                and body.shape == u.shape
                and not any(r(emitter, coefficient(one), coefficient(body)) for r in _PAIRS)
            ):
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
        Call("exp", Call("where", c, x.operands[0], Num(0)))
        if x in powers and x.shape == c.shape and not is_call(x.operands[0], "where")
        else x
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
