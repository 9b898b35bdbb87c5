"""Inner products in words, and their terms in one shape.

pair(U, D)      <U, D>: U D, Uᵀ D, tr(Uᵀ D), for scalars, vectors and matrices; J D where U is a Jacobian
canonical(t)    a term with its sign first, numbers and scalars in front, one denominator
"""

from __future__ import annotations

from math import prod

from sympy import S, fraction

from ..expr.nodes import Call, Node, Num
from ..expr.sizes import product
from ..expr.walk import fold, postorder, with_operands
from ..notation import build


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
        elif (
            is_word(x, "mul")
            and sum(1 for o in x.operands if o.rank) < len(x.operands)
            and any(o.shape == x.shape for o in x.operands)
        ):
            front += [o for o in x.operands if not o.rank]
            rest = [o for o in x.operands if o.rank]
            x = rest[0] if len(rest) == 1 else Call("mul", *rest)
        else:
            break
    return front, x, below, minus


def divided_last(word: Node) -> Node:
    """The same with the scalar denominators of factors below the whole product."""

    def visit(node: Node, operands: list[Node]) -> Node:
        if is_word(node, "matmul", "mul", "T") and any(map(_over_scalar, operands)):
            below = [o.operands[1] for o in operands if _over_scalar(o)]
            return dress([], node.with_operands([o.operands[0] if _over_scalar(o) else o for o in operands]), below, False)
        return with_operands(node, operands)

    return fold(word, visit)


def _over_scalar(x: Node) -> bool:
    return is_word(x, "div") and x.rank > 0 and not x.operands[1].rank and x.operands[0].shape == x.shape


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


def nothing(shape: tuple) -> Node:
    """0, or an array of zeros."""
    return Call("zeros", shape=shape) if shape else Num(0)


def terms_of(x: Node) -> list[Node]:
    """The terms of a sum of terms of one shape."""
    return list(x.operands) if is_word(x, "add") and all(o.shape == x.shape for o in x.operands) else [x]


def pair(cotangent: Node, change: Node, lead: int) -> Node:
    """`<ū, du>`, of shape `lead`: the words of the part of the differential that comes through `u`."""
    cotangent = one_first(divided_last(cotangent))
    if lead == 0:
        return canonical(_scalar_pair(cotangent, change))
    if lead == 1 and change.rank <= 1:
        front, body, below, minus = peel(cotangent)
        if is_word(body, "eye"):
            return dress(numbers(front), change, below, minus)
        if change.rank == 0:
            return canonical(Call("mul", change, cotangent))
        return canonical(chained(cotangent, change))
    letters = "ijklmnopqrstuvw"
    lead_letters, own = letters[:lead], letters[lead : lead + change.rank]
    return Call("einsum", cotangent, change, subs=f"{lead_letters}{own},{own}->{lead_letters}")


def one_first(x: Node) -> Node:
    """`p - 1` as `-(1 - p)`."""
    if is_word(x, "add") and len(x.operands) == 2:
        for one, other in (x.operands, x.operands[::-1]):
            bare = one.operands[0] if is_word(one, "neg") else one
            if (is_num(one, -1) or (is_word(one, "neg") and is_num(bare, 1))) and not is_word(other, "neg"):
                return Call("neg", Call("add", Num(1), Call("neg", other)))
    return x


def _scalar_pair(u: Node, change: Node) -> Node:
    if change.rank == 0:
        f2: list[Node] = []
        b2: list[Node] = []
        d, m2 = change, False
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
        core = _trace(chained(_turned(body), d))
    return dress([*numbers([*front, *f2])], core, [*below, *b2], minus != m2)


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
            front, minus, x = [*front, *f], minus != m, summed(body)
        elif (
            is_word(x, "trace", "sum")
            and is_word(x.operands[0], "neg", "div", "mul")
            and (x.name == "trace" or x.params["axis"] is None)
        ):
            f, body, b, m = peel(x.operands[0])
            if body is x.operands[0]:
                break
            front, below, minus, x = [*front, *f], [*b, *below], minus != m, x.with_operands([body])
        elif (freed := _freed(x)) is not None:
            f, x, b, m = freed
            front, below, minus = [*front, *f], [*b, *below], minus != m
        else:
            break
    coef = prod([f.value for f in front if isinstance(f, Num)], start=S.One) / prod(
        [f.value for f in below if isinstance(f, Num)], start=S.One
    )
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
        if is_word(node, "matmul") and [o.rank for o in operands] == [1, 1] and not without_change(operands[0], changing):
            operands = operands[::-1] if without_change(operands[1], changing) else operands
        return with_operands(node, operands)

    return fold(word, visit)


def numbers(front: list[Node]) -> list[Node]:
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
    return chained(build.row(u), d)


def chained(*xs: Node) -> Node:
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
    return dress(numbers(front), body, below, minus)


def summed(body: Node) -> Node:
    """`Σ x y` of vectors is `xᵀ y`."""
    if is_word(body, "mul") and len(body.operands) == 2 and all(o.shape == body.shape for o in body.operands):
        a, b = body.operands
        return chained(a, b) if body.rank == 1 else _trace(chained(_turned(a), b)) if body.rank == 2 else Call("sum", body)
    return Call("sum", body)


def without_change(word: Node, changing: set[Node]) -> bool:
    """Whether none of the variables occurs."""
    return not any(n in changing for n in postorder(word))


__all__ = [
    "canonical",
    "chained",
    "change_last",
    "dress",
    "is_num",
    "is_word",
    "negate",
    "nothing",
    "numbers",
    "pair",
    "peel",
    "plus",
    "summed",
    "terms_of",
    "times",
    "without_change",
]
