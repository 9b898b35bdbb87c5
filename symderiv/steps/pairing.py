"""Inner products and differentials in words.

    pair(U, D)      <U, D>: U D, Uᵀ D, tr(Uᵀ D), for scalars, vectors and matrices; J D where U is a Jacobian
    change_words    d of words that are linear in the variables that change, by the product rule; squares and norms too

What `change_words` proposes is used only where its normal form is that of the engine's local differential.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from sympy import S, fraction

from ..expr.nodes import Call, Node, Num
from ..expr.sizes import product
from ..expr.walk import fold, postorder, with_operands
from ..notation import build

Wrap = Callable[[Node], Node]


def is_word(x: Node, *names: str) -> bool:
    return isinstance(x, Call) and x.name in names


def is_num(x: Node, value: int) -> bool:
    return isinstance(x, Num) and x.value == value


# inner products ---------------------------------------------------------------------------------------------------------------
def peel(x: Node) -> tuple[list[Node], Node, list[Node], bool]:
    """`x = ± (front…) body / (below…)` with scalars in front and below."""
    front: list[Node] = []
    below: list[Node] = []
    minus = False
    while x.rank:
        if is_word(x, "T") and x.rank == 2 and is_word(x.operands[0], "neg", "mul", "div"):
            f, body, b, m = peel(x.operands[0])
            if body is x.operands[0]:
                break
            front, below, minus, x = [*front, *f], [*b, *below], minus != m, Call("T", body)
            break
        if is_word(x, "neg"):
            minus, x = not minus, x.operands[0]
        elif is_word(x, "div") and not x.operands[1].rank:
            below = [*below, x.operands[1]]
            x = x.operands[0]
        elif is_word(x, "mul") and sum(1 for o in x.operands if o.rank) < len(x.operands) and any(o.shape == x.shape for o in x.operands):
            front += [o for o in x.operands if not o.rank]
            rest = [o for o in x.operands if o.rank]
            x = rest[0] if len(rest) == 1 else Call("mul", *rest)
        else:
            break
    return front, x, below, minus


def dress(front: list[Node], body: Node, below: list[Node], minus: bool) -> Node:
    """The inverse of `peel`."""
    if front:
        first = front[0]
        if is_num(body, 1) and len(front) >= 1:
            body = first if len(front) == 1 else Call("mul", *front)
        else:
            body = Call("mul", *front, *(body.operands if is_word(body, "mul") and not body.rank else [body]))
    for b in reversed(below):
        body = Call("div", body, b)
    return negate(body) if minus else body


def negate(x: Node) -> Node:
    if is_word(x, "neg"):
        return x.operands[0]
    if isinstance(x, Num):
        return Num(-x.value)
    if is_word(x, "mul") and isinstance(x.operands[0], Num):
        return Call("mul", Num(-x.operands[0].value), *x.operands[1:]) if x.operands[0].value != -1 else times(*x.operands[1:])
    return Call("neg", x)


def times(*xs: Node) -> Node:
    xs = tuple(x for x in xs if not is_num(x, 1)) or (Num(1),)
    return xs[0] if len(xs) == 1 else Call("mul", *xs)


def plus(terms: list[Node]) -> Node:
    """A sum of words; nothing for no terms."""
    flat: list[Node] = []
    for t in terms:
        flat.extend(t.operands if is_word(t, "add") else [t])
    return flat[0] if len(flat) == 1 else Call("add", *flat)


def terms_of(x: Node) -> list[Node]:
    """The terms of a sum of terms of one shape."""
    return list(x.operands) if is_word(x, "add") and all(o.shape == x.shape for o in x.operands) else [x]


def pair(cotangent: Node, change: Node, lead: int) -> Node:
    """`<ū, du>`, of shape `lead`: the words of the part of the differential that comes through `u`."""
    if lead == 0:
        return canonical(_scalar_pair(cotangent, change))
    if lead == 1 and change.rank <= 1:
        front, body, below, minus = peel(cotangent)
        if is_word(body, "eye"):
            return dress(_numbers(front), change, below, minus)
        if change.rank == 0:
            return canonical(Call("mul", change, cotangent))
        return canonical(_chain(cotangent, change))
    letters = "ijklmnopqrstuvw"
    front, own = letters[:lead], letters[lead : lead + change.rank]
    return Call("einsum", cotangent, change, subs=f"{front}{own},{own}->{front}")


def _scalar_pair(u: Node, change: Node) -> Node:
    if change.rank == 0:
        f2, d, b2, m2 = [], change, [], False
        if is_word(change, "neg"):
            d, m2 = change.operands[0], True
        if is_num(u, 1):
            return change
        if is_num(u, -1):
            return negate(change)
        if is_word(u, "neg"):
            return negate(times(u.operands[0], d)) if not m2 else times(u.operands[0], d)
        if is_word(u, "div") and is_num(u.operands[0], 1):
            return Call("div", change, u.operands[1])
        out = times(*(u.operands if is_word(u, "mul") else [u]), d)
        return negate(out) if m2 else out
    front, body, below, minus = peel(u)
    f2, d, b2, m2 = peel(change)
    if body.rank == 0:  # cannot be: peel stops at arrays
        body = u
    ones = is_word(body, "ones") or (is_word(body, "outer") and all(is_word(o, "ones") for o in body.operands))
    if ones:
        core: Node = Call("sum", d)
    elif change.rank == 2 and is_word(body, "eye"):
        core = Call("trace", d)
    elif change.rank == 1:
        core = _row_times(body, d)
    else:
        core = _trace(_chain(_turned(body), d))
    return dress([*_numbers([*front, *f2])], core, [*below, *b2], minus != m2)


def _turned(x: Node) -> Node:
    """The transpose: of a product factor by factor, of a sum or an entrywise product as a whole."""
    if is_word(x, "matmul") and all(o.rank == 2 for o in x.operands):
        return build.matmul(*(_turned(o) for o in reversed(x.operands)))
    return Call("T", x) if is_word(x, "mul", "add", "div", "where") else build.transpose(x)


def _trace(x: Node) -> Node:
    """`tr(c M) = c tr M`."""
    front, body, below, minus = peel(x)
    return dress(front, Call("trace", body), below, minus)


def canonical(x: Node) -> Node:
    """One term with its sign first, its numbers and scalars in front, one denominator: equal terms look equal."""
    front: list[Node] = []
    below: list[Node] = []
    minus = False
    while True:
        if is_word(x, "neg"):
            minus, x = not minus, x.operands[0]
        elif is_word(x, "div") and not x.operands[1].rank:
            below = [*_factors(x.operands[1]), *below]
            x = x.operands[0]
        elif is_word(x, "mul") and (inner := _scalars(x)) is not None:
            front, x = [*front, *inner[0]], inner[1]
        elif is_word(x, "mean") and x.params["axis"] is None and not x.params["keepdims"] and x.operands[0].rank:
            f, body, b, m = peel(x.operands[0])
            below = [*b, Num(product(x.operands[0].shape)), *below]
            front, minus, x = [*front, *f], minus != m, _summed(body)
        elif is_word(x, "trace", "sum") and is_word(x.operands[0], "neg", "div", "mul") and (x.name == "trace" or x.params["axis"] is None):
            f, body, b, m = peel(x.operands[0])
            if body is x.operands[0]:
                break
            front, below, minus, x = [*front, *f], [*b, *below], minus != m, x.with_operands([body])
        elif (freed := _freed(x)) is not None:
            f, x, b, m = freed
            front, below, minus = [*front, *f], [*b, *below], minus != m
        else:
            break
    coef = prod([f.value for f in front if isinstance(f, Num)], start=S.One) / prod([f.value for f in below if isinstance(f, Num)], start=S.One)
    if coef.could_extract_minus_sign():
        coef, minus = -coef, not minus
    top, bottom = fraction(coef)
    front = [*([Num(top)] if top != 1 else []), *(f for f in front if not isinstance(f, Num))]
    below = [*([Num(bottom)] if bottom != 1 else []), *(f for f in below if not isinstance(f, Num))]
    if len(below) > 1:
        below = [Call("mul", *below)]
    return dress(front, x, below, minus)


def _freed(x: Node) -> tuple[list[Node], Node, list[Node], bool] | None:
    """The scalars of the factors of a matrix product, in front of it; None where there are none."""
    chain = x.operands[0] if is_word(x, "trace") else x
    if not is_word(chain, "matmul") or not all(o.rank for o in chain.operands):
        return None
    front: list[Node] = []
    below: list[Node] = []
    minus = False
    links = []
    for o in chain.operands:
        f, body, b, m = peel(o)
        front, below, minus = [*front, *f], [*below, *b], minus != m
        links.append(body)
    if all(a is b for a, b in zip(links, chain.operands, strict=True)):
        return None
    body = chain.with_operands(links)
    return front, (x.with_operands([body]) if x is not chain else body), below, minus


def _factors(x: Node) -> list[Node]:
    return list(x.operands) if is_word(x, "mul") else [x]


def _scalars(x: Node) -> tuple[list[Node], Node] | None:
    """Scalar factors in front of the rest of a product; for a scalar product the numbers alone."""
    if x.rank:
        if any(o.rank and o.shape != x.shape for o in x.operands):
            return None
        front = [o for o in x.operands if not o.rank]
        rest = [o for o in x.operands if o.rank]
    else:
        front = [o for o in x.operands if isinstance(o, Num)]
        rest = [o for o in x.operands if not isinstance(o, Num)]
    return (front, times(*rest)) if front and rest else None


def change_last(word: Node, changing: set[Node]) -> Node:
    """The factors that change at the end of entrywise products, which commute."""

    def visit(node: Node, operands: list[Node]) -> Node:
        if is_word(node, "mul") and node.rank:
            still = [o for o in operands if without_change(o, changing)]
            moving = [o for o in operands if not without_change(o, changing)]
            scalars = [o for o in still if not o.rank]
            operands = [*scalars, *(o for o in still if o.rank), *moving]
        return with_operands(node, operands)

    return fold(word, visit)


def _numbers(front: list[Node]) -> list[Node]:
    """Scalar factors with the numbers multiplied together in front."""
    value = S.One
    rest = []
    for f in front:
        if isinstance(f, Num):
            value *= f.value
        else:
            rest.append(f)
    return [*([Num(value)] if value != 1 else []), *rest]


def _row_times(u: Node, d: Node) -> Node:
    """`uᵀ d` for vectors: `(Aᵀ v)ᵀ d` is `vᵀ A d`."""
    return _chain(build.row(u), d)


def _chain(*xs: Node) -> Node:
    """A matrix product, flat; scalars of the factors come out in front."""
    front: list[Node] = []
    below: list[Node] = []
    minus = False
    links: list[Node] = []
    for x in xs:
        f, body, b, m = peel(x)
        front, below, minus = [*front, *f], [*below, *b], minus != m
        links.append(body)
    body = build.matmul(*links) if all(x.rank for x in links) else Call("mul", *links)
    return dress(_numbers(front), body, below, minus)


# differentials of words --------------------------------------------------------------------------------------------------------
_THROUGH = frozenset(
    (
        "neg", "T", "transpose", "sum", "mean", "trace", "diag", "getitem", "reshape", "vec", "flip", "cumsum", "tril", "triu",
        "squeeze", "expand_dims", "broadcast_to", "swapaxes", "isum",
    )
)  # fmt: skip
_PRODUCTS = frozenset(("mul", "matmul", "dot", "outer", "kron", "einsum"))


class NotPlain(Exception):
    """Words that the product rule alone does not differentiate."""


def change_words(word: Node, changes: dict[Node, Node]) -> Node | None:
    """`d word` where the variables in `changes` change by their values there; None where these rules do not suffice."""
    moving: dict[Node, bool] = {}
    done: dict[Node, list[Node]] = {}
    try:
        for node in postorder(word):
            moving[node] = node in changes or any(moving[o] for o in node.operands)
            done[node] = _changes(node, moving, done, changes) if moving[node] else []
    except NotPlain:
        return None
    terms = done[word]
    return plus(terms) if terms else None


def _changes(node: Node, moving: dict[Node, bool], done: dict[Node, list[Node]], changes: dict[Node, Node]) -> list[Node]:
    """The terms of the differential of one node."""
    if node in changes:
        return [changes[node]]
    if not isinstance(node, Call):
        raise NotPlain
    xs = node.operands
    if node.name == "add":
        terms = [t for x in xs for t in done[x]]
        if any(t.shape != node.shape for t in terms):
            raise NotPlain
        return terms
    if node.name in _THROUGH:
        if any(moving[o] for o in xs[1:]):
            raise NotPlain
        return [_through(node, t) for t in done[xs[0]]]
    if node.name == "matmul" and len(xs) == 2 and xs[0] is xs[1] and xs[0].rank == 1 and len(done[xs[0]]) == 1:
        return [_twice(pair(xs[0], done[xs[0]][0], 0))]
    if node.name in _PRODUCTS:
        return [_product(node, k, t) for k, x in enumerate(xs) for t in done[x]]
    if node.name == "div" and not moving[xs[1]]:
        return [Call("div", t, xs[1]) for t in done[xs[0]]]
    if node.name == "div" and not node.rank:
        return _quotient(node, done)
    if node.name == "solve" and not moving[xs[0]]:
        return [Call("solve", xs[0], t) for t in done[xs[1]]]
    if node.name == "pow" and isinstance(xs[1], Num):
        return _power(node, done, changes)
    if node.name == "norm" and node.params["ord"] in (2, "fro") and node.params["axis"] is None and len(done[xs[0]]) == 1:
        return [Call("div", pair(xs[0], done[xs[0]][0], 0), node)]
    raise NotPlain


def _through(node: Call, t: Node) -> Node:
    if node.name == "neg":
        return negate(t)
    if is_word(t, "neg"):
        return negate(_through(node, t.operands[0]))
    if node.name == "sum" and node.params["axis"] is None and not node.params["keepdims"] and t.rank:
        front, body, below, minus = peel(t)
        inner = _summed(body)
        return dress(_numbers(front), inner, below, minus)
    if t.shape != node.operands[0].shape:
        raise NotPlain
    return node.with_operands([t, *node.operands[1:]])


def _summed(body: Node) -> Node:
    """`Σ x y` of vectors is `xᵀ y`."""
    if is_word(body, "mul") and len(body.operands) == 2 and all(o.shape == body.shape for o in body.operands):
        a, b = body.operands
        return _chain(a, b) if body.rank == 1 else _trace(_chain(_turned(a), b)) if body.rank == 2 else Call("sum", body)
    return Call("sum", body)


def _product(node: Call, k: int, t: Node) -> Node:
    minus = is_word(t, "neg")
    t = t.operands[0] if minus else t
    xs = [t if j == k else x for j, x in enumerate(node.operands)]
    out = Call("mul", *xs) if node.name == "mul" else node.with_operands(xs)
    if out.shape != node.shape:
        raise NotPlain
    if node.name == "mul" and not t.rank and any(o.rank for o in xs):
        out = Call("mul", t, *(x for j, x in enumerate(xs) if j != k))
    return negate(out) if minus else out


def _quotient(node: Call, done: dict[Node, list[Node]]) -> list[Node]:
    a, b = node.operands
    out = [Call("div", t, b) for t in done[a]]
    return [*out, *(negate(Call("div", times(a, t), Call("pow", b, Num(2)))) for t in done[b])]


def _power(node: Call, done: dict[Node, list[Node]], changes: dict[Node, Node]) -> list[Node]:
    x, e = node.operands
    assert isinstance(e, Num)
    if is_word(x, "norm") and e.value == 2 and x.params["ord"] in (2, "fro") and x.params["axis"] is None:
        return [_twice(pair(x.operands[0], t, 0)) for t in done[x.operands[0]]]
    if x.rank and len(done[x]) > 1:
        raise NotPlain
    lower = x if e.value == 2 else Call("pow", x, Num(e.value - 1))
    return [times(e, lower, t) for t in done[x]]


def _twice(x: Node) -> Node:
    front, body, below, minus = ([], x, [], False) if x.rank else _peel_scalar(x)
    return dress(_numbers([Num(2), *front]), body, below, minus)


def _peel_scalar(x: Node) -> tuple[list[Node], Node, list[Node], bool]:
    """Numbers in front of a scalar product."""
    minus = False
    below: list[Node] = []
    if is_word(x, "neg"):
        minus, x = True, x.operands[0]
    if is_word(x, "div"):
        below, x = [x.operands[1]], x.operands[0]
    if is_word(x, "mul"):
        front = [o for o in x.operands if isinstance(o, Num)]
        return front, times(*(o for o in x.operands if not isinstance(o, Num))), below, minus
    return [], x, below, minus


def without_change(word: Node, changing: set[Node]) -> bool:
    """Whether none of the variables occurs."""
    return not any(n in changing for n in postorder(word))


__all__ = ["canonical", "change_last", "change_words", "is_num", "is_word", "negate", "pair", "peel", "plus", "terms_of", "times", "without_change"]
