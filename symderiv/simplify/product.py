"""Products: `einsum(items, out)` brings a product with named axes to its normal form.

    coef * item_1[labels] * item_2[labels] * ...   summed over labels that are not in `out`

Nested products are multiplied out, deltas (repeated output labels of a nested product) rename labels, equal factors are
collected in powers, cancelling factors go, sums over an axis that nothing has become a size. Order and label names do not
matter: two spellings of one product are one node.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache

from sympy import Expr, Integer, S, Tuple, expand_mul

from ..errors import ShapeError
from ..expr.nodes import Add, Call, Einsum, Node, Num
from ..expr.sizes import Shape, same_size
from .facts import is_symmetric

ONE = Num(1)
Item = tuple[Node, tuple[int, ...]]


class Network:
    """A product under construction: integer labels, a union-find of those that a delta made equal."""

    def __init__(self, coef: Expr = S.One) -> None:
        self.coef = coef
        self.items: list[Item] = []
        self.size: list[Expr] = []
        self.parent: list[int] = []

    def label(self, size: Expr) -> int:
        self.size.append(size)
        self.parent.append(len(self.parent))
        return len(self.parent) - 1

    def find(self, label: int) -> int:
        while self.parent[label] != label:
            self.parent[label] = self.parent[self.parent[label]]
            label = self.parent[label]
        return label

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        if a != b:
            if not same_size(self.size[a], self.size[b]):
                raise ShapeError(f"axes of sizes {self.size[a]} and {self.size[b]} cannot be one axis", code="SD202")
            self.parent[max(a, b)] = min(a, b)

    def put(self, node: Node, labels: Sequence[int]) -> None:
        """Multiply by `node[labels]`."""
        if isinstance(node, Num):
            self.coef = self.coef * node.value
        elif isinstance(node, Einsum):
            self.coef = self.coef * node.coef
            inner: dict[int, int] = {}
            for mine, outer in zip(node.out, labels, strict=True):
                if mine in inner:
                    self.join(inner[mine], outer)
                else:
                    inner[mine] = outer
            for i, size in enumerate(node.sizes):
                if i not in inner:
                    inner[i] = self.label(size)
            for x, ls in node.items:
                self.items.append((x, tuple(inner[i] for i in ls)))
        else:
            self.items.append((node, tuple(labels)))


def einsum(
    items: Iterable[tuple[Node, Sequence[Hashable]]], out: Sequence[Hashable], sizes: dict | None = None, coef: Expr = S.One
) -> Node:
    """The normal form of a product.

    Args:
        items: core nodes with one label (any hashable) for each axis.
        out: labels of the result's axes; repeated ones make a diagonal, unknown ones broadcast.
        sizes: sizes of labels that no item has.
        coef: a number or an expression in sizes.
    """
    items = list(items)
    if len(items) == 1 and coef == 1 and len(set(out)) == len(out) and list(items[0][1]) == list(out):
        return items[0][0]
    net = Network(coef)
    names: dict[Hashable, int] = {}
    for node, labels in items:
        for name, size in zip(labels, node.shape, strict=True):
            if name not in names:
                names[name] = net.label(size)
        net.put(node, [names[name] for name in labels])
    for name in out:
        if name not in names:
            names[name] = net.label((sizes or {})[name])
    return normal_product(net, [names[name] for name in out])


def zeros(shape: Shape) -> Node:
    """The zero array."""
    return _make(S.Zero, [], list(range(len(shape))), dict(enumerate(shape)))


def ones(shape: Shape) -> Node:
    """The array of ones; the number 1 for shape ()."""
    return _make(S.One, [], list(range(len(shape))), dict(enumerate(shape)))


def is_zero(node: Node) -> bool:
    return (isinstance(node, Einsum) and node.coef == 0) or (isinstance(node, Num) and node.value == 0)


def normal_product(net: Network, out: list[int]) -> Node:
    """Apply the rules until none fires, then put the rest in canonical order."""
    from . import factors
    from .rules import RULES

    shape = tuple(net.size[i] for i in out)
    for _ in range(60):
        out = [net.find(i) for i in out]
        net.items = [(x, tuple(net.find(i) for i in ls)) for x, ls in net.items]
        if net.coef == 0:
            return zeros(shape)
        if not any(rule(net, out) for rule in RULES):
            break
    if len(net.items) > 1 or (net.items and len(set(out)) < len(out)):
        merged = factors.merged_output(net, out)
        if merged is not None:
            return merged
    used = {i for _, ls in net.items for i in ls} | set(out)
    coef = net.coef
    for i in range(len(net.parent)):
        if net.find(i) == i and i not in used:
            coef = coef * net.size[i]
    if not coef.is_Rational and not coef.is_Symbol:
        coef = expand_mul(coef) if coef.is_Add or any(a.is_Add for a in coef.args) else coef
        if coef == 0:
            return zeros(shape)
    return _make(coef, net.items, out, {i: net.size[i] for i in used})


def _make(coef: Expr, items: list[Item], out: list[int], sizes: dict[int, Expr]) -> Node:
    if not out and not items:
        return Num(coef)
    if len(items) == 1 and len(set(out)) == len(out):
        x, ls = items[0]
        if coef == 1 and list(ls) == out:
            return x
        if isinstance(x, Add) and sorted(ls) == sorted(out):
            return spread_over(x, coef, [ls.index(i) for i in out])
    items = canonical_order(items, out)
    number: dict[int, int] = {}
    for _, ls in items:
        for i in ls:
            number.setdefault(i, len(number))
    for i in out:
        number.setdefault(i, len(number))
    if coef == 1 and len(items) == 1 and list(items[0][1]) == out and len(set(out)) == len(out):
        return items[0][0]
    return Einsum(
        coef,
        Tuple(*(x for x, _ in items), sympify=False),
        Tuple(*(label_tuple(tuple(number[i] for i in ls)) for _, ls in items), sympify=False),
        label_tuple(tuple(number[i] for i in out)),
        Tuple(*(sizes[i] for i in number), sympify=False),
    )


@lru_cache(maxsize=20_000)
def label_tuple(labels: tuple[int, ...]) -> Tuple:
    return Tuple(*map(Integer, labels), sympify=False)


def spread_over(x: Add, coef: Expr, axes: list[int]) -> Node:
    """`c (a + b) = c a + c b` and `(a + b)ᵀ = aᵀ + bᵀ`: a sum alone is flat."""
    return _spread_over(x, coef, tuple(axes))


@lru_cache(maxsize=10_000)
def _spread_over(x: Add, coef: Expr, axes: tuple[int, ...]) -> Node:
    terms = []
    for t in x.terms:
        c, body = split_coef(t)
        c = c * coef
        if not c.is_Rational and c.is_Mul and any(a.is_Add for a in c.args):
            c = expand_mul(c)
        terms.append((body if axes == tuple(range(x.rank)) else permute(body, axes), c))
    return Add(*(scale(b, c) for b, c in sorted(terms, key=lambda bc: bc[0].key)))


def canonical_order(items: list[Item], out: list[int]) -> list[Item]:
    """Items in an order that depends on the structure alone (colour refinement; ties are tried a few deep)."""
    symmetric = [is_symmetric(x) and len(ls) == 2 for x, ls in items]
    if len(items) <= 1:
        return [(x, _pair(ls, out)) if s else (x, ls) for (x, ls), s in zip(items, symmetric, strict=True)]
    places: dict[int, list[int]] = {}
    for at, i in enumerate(out):
        places.setdefault(i, []).append(at)
    labels = sorted({i for _, ls in items for i in ls})
    start = {i: tuple(places.get(i, ())) for i in labels}
    keys = [x.key for x, _ in items]
    return _refine(items, keys, _ranks(start), symmetric, budget=24)[1]


def _pair(ls: tuple[int, ...], out: list[int]) -> tuple[int, ...]:
    order = {i: k for k, i in reversed(list(enumerate(out)))}
    return tuple(sorted(ls, key=lambda i: order.get(i, len(out) + i)))


def _ranks(values: dict) -> dict:
    order = {v: k for k, v in enumerate(sorted(set(values.values())))}
    return {k: order[v] for k, v in values.items()}


def _refine(items, keys, colour, symmetric, budget):
    """Returns (encoding, ordered items); smaller encodings are canonical."""
    count = -1
    touching: dict[int, list[tuple[int, int]]] = {i: [] for i in colour}
    for k, (_, ls) in enumerate(items):
        for at, i in enumerate(ls):
            touching[i].append((k, 0 if symmetric[k] else at))
    while True:
        sign = {
            k: (keys[k], tuple(sorted(colour[i] for i in ls)) if symmetric[k] else tuple(colour[i] for i in ls))
            for k, (_, ls) in enumerate(items)
        }
        rank = _ranks(sign)
        fine = len(set(colour.values()))
        if fine == count or fine == len(colour):
            break
        count = fine
        colour = _ranks({i: (c, tuple(sorted((rank[k], at) for k, at in touching[i]))) for i, c in colour.items()})
    classes: dict[int, list[int]] = {}
    for i, c in colour.items():
        classes.setdefault(c, []).append(i)
    tied = next((ls for _, ls in sorted(classes.items()) if len(ls) > 1), None)
    if tied is not None and budget > 1:
        best = None
        for i in tied[: max(1, budget // len(tied))] if len(tied) > budget else tied:
            finer = {j: (c, 0 if j == i else 1) for j, c in colour.items()}
            found = _refine(items, keys, _ranks(finer), symmetric, budget // len(tied))
            if best is None or found[0] < best[0]:
                best = found
        return best
    order = sorted(range(len(items)), key=lambda k: (rank[k], k))
    ordered = []
    for k in order:
        x, ls = items[k]
        ordered.append((x, tuple(sorted(ls, key=lambda i: colour[i])) if symmetric[k] else ls))
    encoding = tuple((keys[k], tuple(colour[i] for i in ls)) for k, (_, ls) in zip(order, ordered, strict=True))
    return encoding, ordered


def split_coef(node: Node) -> tuple[Expr, Node]:
    """`(c, body)` with `node = c * body` and body of coefficient 1."""
    if isinstance(node, Einsum) and node.coef != 1:
        return node.coef, _with_coef(node, S.One)
    if isinstance(node, Num):
        return node.value, ONE
    return S.One, node


def _with_coef(node: Einsum, coef: Expr) -> Node:
    """The same product with another coefficient: the order of its factors does not depend on it."""
    if coef == 0:
        return zeros(node.shape)
    if coef == 1 and len(node.items) == 1 and node.items[0][1] == node.out and len(set(node.out)) == len(node.out):
        return node.items[0][0]
    return Einsum(coef, *node.args[1:])


def scale(node: Node, c: Expr) -> Node:
    """`c * node` for a number or an expression in sizes."""
    if c == 1:
        return node
    if isinstance(node, Num):
        return Num(node.value * c)
    if isinstance(node, Einsum):
        coef = node.coef * c
        if not coef.is_Rational and any(a.is_Add for a in coef.args):
            coef = expand_mul(coef)
        return _with_coef(node, coef)
    if c == 0:
        return zeros(node.shape)
    if isinstance(node, Add):
        return spread_over(node, c, list(range(node.rank)))
    labels = label_tuple(tuple(range(node.rank)))
    return Einsum(c, Tuple(node, sympify=False), Tuple(labels, sympify=False), labels, Tuple(*node.shape, sympify=False))


def permute(node: Node, axes: Sequence[int]) -> Node:
    """`transpose(node, axes)`."""
    if list(axes) == list(range(node.rank)):
        return node
    if isinstance(node, Add):
        return spread_over(node, S.One, list(axes))
    return einsum([(node, range(node.rank))], list(axes))


def is_broadcast_axis(node: Node, axis: int) -> bool:
    """Whether the values of `node` do not vary along `axis` because it is a product with a free label there."""
    if not isinstance(node, Einsum):
        return False
    label = node.out[axis]
    return node.out.count(label) == 1 and all(label not in ls for _, ls in node.items)


def drop_axes(node: Node, axes: set[int]) -> Node:
    """A product without some of its broadcast axes."""
    assert isinstance(node, Einsum)
    out = [i for at, i in enumerate(node.out) if at not in axes]
    return _make(node.coef, list(node.items), out, dict(enumerate(node.sizes)))


__all__ = [
    "Add",
    "Call",
    "Network",
    "canonical_order",
    "drop_axes",
    "einsum",
    "is_broadcast_axis",
    "is_zero",
    "ones",
    "permute",
    "scale",
    "split_coef",
    "zeros",
]
