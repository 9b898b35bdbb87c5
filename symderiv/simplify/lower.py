"""From words to the core: `normal(word)`.

Sums and products become `Add` and `Einsum`; other operations keep their name on core operands. A bound index (`i` in
`sum(… for i in range(n))`) is an extra leading axis of everything that depends on it, so a sum over an index is a sum over an
axis and needs no rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from sympy import Expr, Integer, S

from ..errors import DerivativeError
from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Shared, Var
from ..expr.sizes import broadcast_shapes, product
from ..expr.walk import BINDERS, fold, postorder
from .add import add as add_terms
from .calls import call, power
from .product import einsum, ones, scale

Range = tuple[Expr, Expr]
FLAT = 4  # terms of a sum that is written into other sums though it is used elsewhere too
_memo: dict[Node, Node] = {}


class Lowered:
    """A core node whose leading axes belong to bound indices, then the axes of the word."""

    __slots__ = ("index", "node")

    def __init__(self, node: Node, index: tuple[Index, ...] = ()) -> None:
        self.node = node
        self.index = index

    @property
    def shape(self):
        return self.node.shape[len(self.index) :]

    @property
    def lead(self):
        return self.node.shape[: len(self.index)]

    @property
    def rank(self) -> int:
        return self.node.rank - len(self.index)

    def labels(self, own) -> list:
        """Labels for `einsum`: the indices, then the given ones."""
        return [*self.index, *own]


class Scope:
    """The ranges of the bound indices around a word, the words used more than once, and what was lowered there."""

    def __init__(self, ranges: dict[Index, Range], often: Container[Node] = ()) -> None:
        self.ranges = ranges
        self.often = often
        self.memo: dict[Node, Lowered] = {}

    def size(self, index: Index) -> Expr:
        if index not in self.ranges:
            raise DerivativeError(f"index {index.name} is used outside the sum that binds it", code="SD302")
        lo, hi = self.ranges[index]
        return hi - lo

    def union(self, *values: Lowered) -> tuple[Index, ...]:
        """All indices of the values, in one order."""
        return tuple(dict.fromkeys(i for v in values for i in v.index))

    def sizes(self, index) -> dict:
        return {i: self.size(i) for i in index}


LOWER: dict[str, Callable[[Call, list[Lowered], Scope], Lowered]] = {}


def lowers(*names: str):
    """Register how an operation is lowered."""

    def register(function):
        for name in names:
            LOWER[name] = function
        return function

    return register


def normal(word: Node) -> Node:
    """The core normal form of a word without free indices.

    Raises:
        DerivativeError: SD302 for a free index.
    """
    known = _memo.get(word)
    if known is None:
        if len(_memo) > 50_000:
            _memo.clear()
        low = lower(word, Scope({}, used_often(word)))
        known = _memo[word] = low.node
    return known


def used_often(root: Node) -> set[Node]:
    """The words that occur in more than one place of the graph."""
    seen: set[Node] = set()
    out: set[Node] = set()
    for node in postorder(root):
        for o in node.operands:
            (out if o in seen else seen).add(o)
    return out


def lower(word: Node, scope: Scope) -> Lowered:
    """Lower a word inside a scope of bound indices."""
    from . import lower_shape  # noqa: F401 - registers its words

    def visit(node: Node, operands: list[Lowered]) -> Lowered:
        if isinstance(node, Index):
            lo, hi = scope.ranges.get(node, (None, None))
            if lo is None:
                scope.size(node)
            return Lowered(Call("arange", lo=lo, hi=hi), (node,))
        if isinstance(node, Call):
            return lower_call(node, operands, scope)
        return Lowered(node)

    # binders open a scope of their own, so the walk stops at them; core nodes are what they are
    memo = scope.memo
    stack: list[tuple[Node, bool]] = [(word, False)]
    while stack:
        node, ready = stack.pop()
        if node in memo:
            continue
        if isinstance(node, (Add, Einsum, Shared, Var, Num)):
            memo[node] = Lowered(node)
        elif isinstance(node, Call) and node.name in BINDERS:
            memo[node] = lower_binder(node, scope)
        elif ready or not node.operands:
            memo[node] = visit(node, [memo[o] for o in node.operands])
        else:
            stack.append((node, True))
            stack.extend((o, False) for o in reversed(node.operands) if o not in memo)
    return memo[word]


def lower_call(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    """One operation on lowered operands: its own rule, its definition, or the operation itself on core operands."""
    rule = LOWER.get(node.name)
    if rule is not None:
        return rule(node, operands, scope)
    if node.op.define:
        return lower(expand_definition(node), scope)
    if node.op.elementwise:
        return lower_elementwise(node, operands, scope)
    return lower_atomic(node, operands, scope)


def expand_definition(node: Call) -> Node:
    """A word by the simpler words that define it."""
    from ..read.text import build

    if callable(node.op.define):
        return node.op.define(node.operands, node.params)
    names = node.op.operands
    return build(node.op.define, dict(zip(names, node.operands, strict=True)), params=node.params)


def align(value: Lowered, index: tuple[Index, ...], shape, scope: Scope) -> Node:
    """The value broadcast to the indices and the shape; a value of rank 0 everywhere stays so."""
    if not value.node.rank or (value.index == index and value.node.rank == len(index) + len(shape) and value.shape == shape):
        return value.node
    full = [("axis", k) for k in range(-len(shape), 0)]
    mine = labels_from_right(value.shape, shape)
    sizes = {**scope.sizes(index), **dict(zip(full, shape, strict=True))}
    return einsum([(value.node, value.labels(mine))], [*index, *full], sizes)


def labels_from_right(shape, target) -> list:
    """Labels that line `shape` up with `target` as broadcasting does: a 1 that stretches gets a label of its own."""
    out = []
    for k in range(-len(shape), 0):
        out.append(("axis", k) if shape[k] == target[k] else ("one", k))
    return out


def lower_elementwise(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    index = scope.union(*operands)
    nodes = [align(o, index, node.shape, scope) for o in operands]
    out = call(node.name, *nodes, **node.params)
    full = [*index, *range(node.rank)]
    if out.rank < len(full):  # all operands were numbers of rank 0 but the word is an array: cannot happen for words
        out = einsum([(out, [])], full, {**scope.sizes(index), **dict(enumerate(node.shape))})
    return Lowered(out, index)


def lower_atomic(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    """Operations on the last axes: leading axes of bound indices are a batch."""
    index = scope.union(*operands)
    nodes = []
    for o in operands:
        own = list(range(o.rank))
        nodes.append(einsum([(o.node, o.labels(own))], [*index, *own], scope.sizes(index)) if o.index != index else o.node)
    return Lowered(call(node.name, *nodes, **node.params), index)


def lower_binder(node: Call, scope: Scope) -> Lowered:
    """`sum(body for i in range(lo, hi) if cond)` and the same for prod, max, min: reduce the axis of `i`."""
    body, index, *rest = node.operands
    lo, hi = (S(v) for v in (node.params["lo"], node.params["hi"]))
    inner = Scope({**scope.ranges, index: (lo, hi)}, scope.often)
    value = lower(body, inner)
    if rest:
        value = _masked(node.name, value, lower(rest[0], inner), inner)
    if node.name == "isum":
        own = list(range(value.rank))
        out = [i for i in value.index if i is not index]
        labels = value.labels(own)
        coef: Expr = S.One
        if index not in value.index:
            coef = hi - lo
        return Lowered(einsum([(value.node, labels)], [*out, *own], coef=coef), tuple(out))
    keep = tuple(i for i in value.index if i is not index)
    own = list(range(value.rank))
    moved = einsum([(value.node, value.labels(own))], [*keep, *own, index], {index: hi - lo})
    name = {"iprod": "prod", "imax": "max", "imin": "min"}[node.name]
    return Lowered(call(name, moved, axis=-1, keepdims=False), keep)


def _masked(kind: str, value: Lowered, cond: Lowered, scope: Scope) -> Lowered:
    """The body where the condition holds, the neutral element elsewhere."""
    index = scope.union(value, cond)
    shape = value.shape
    c = align(cond, index, shape, scope)
    v = align(value, index, shape, scope)
    full = [*index, *range(len(shape))]
    sizes = {**scope.sizes(index), **dict(enumerate(shape))}
    v = v if v.rank else einsum([(v, [])], full, sizes)
    c = c if c.rank else einsum([(c, [])], full, sizes)
    if kind == "isum" and _polynomial_mask(cond.node):
        return Lowered(einsum([(c, full), (v, full)], full, sizes), index)
    neutral = {"isum": S.Zero, "iprod": S.One, "imax": -S.Infinity, "imin": S.Infinity}[kind]
    return Lowered(call("where", c, v, Num(neutral)), index)


def _polynomial_mask(cond: Node) -> bool:
    """Conditions on indices and labels alone: a product with 0 and 1 is exact, as the body is finite everywhere."""
    return cond.rank == 0 or not any(
        isinstance(x, Call) and x.name in ("gt", "ge", "lt", "le", "where") for x in (cond, *cond.operands)
    )


# arithmetic ------------------------------------------------------------------------------------------------------------


@lowers("add")
def _add(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    index = scope.union(*operands)
    full = [*index, *range(node.rank)]
    sizes = {**scope.sizes(index), **dict(enumerate(node.shape))}
    terms = []
    for word, o in zip(node.operands, operands, strict=True):
        x = align(o, index, node.shape, scope)
        if word in scope.often and isinstance(x, Add) and len(x.terms) > FLAT:
            x = Shared(x)  # `h + f(h)`, layer after layer: flat sums would hold all layers before
        terms.append(x if x.rank == len(full) else einsum([(x, [])], full, sizes))
    return Lowered(add_terms(terms), index)


@lowers("neg")
def _neg(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return Lowered(scale(operands[0].node, S.NegativeOne), operands[0].index)


def multiply(factors: list[Lowered], shape, scope: Scope) -> Lowered:
    """The entrywise product, broadcast to the shape."""
    index = scope.union(*factors)
    full = [("axis", k) for k in range(-len(shape), 0)]
    items = []
    for n, f in enumerate(factors):
        mine = [(*label, n) if label[0] == "one" else label for label in labels_from_right(f.shape, shape)]
        items.append((f.node, f.labels(mine)))
    sizes = {**scope.sizes(index), **dict(zip(full, shape, strict=True))}
    return Lowered(einsum(items, [*index, *full], sizes), index)


@lowers("mul")
def _mul(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return multiply(operands, node.shape, scope)


@lowers("div")
def _div(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    a, b = operands
    return multiply([a, Lowered(power(b.node, Num(-1)), b.index)], node.shape, scope)


@lowers("pow")
def _pow(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    b, e = operands
    if isinstance(e.node, Num):
        return Lowered(power(b.node, e.node), b.index)
    return lower_elementwise(node, operands, scope)


@lowers("matmul")
def _matmul(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    index = scope.union(*operands)
    if all(o.rank <= 2 for o in operands):
        items, at = [], 0
        out: list = []
        last = len(operands) - 1
        for k, o in enumerate(operands):
            if o.rank == 2:
                own = [at, at + 1]
                out = [at] if k == 0 else out
                at += 1
            else:
                own = [at]
            items.append((o.node, o.labels(own)))
        if operands[last].rank == 2:
            out = [*out, at]
        return Lowered(einsum(items, [*index, *out]), index)
    a, b = operands
    la: list = [*(("axis", k) for k in range(-a.rank, -2)), "row", "inner"] if a.rank > 1 else ["inner"]
    lb: list = [*(("axis", k) for k in range(-b.rank, -2)), "inner", "column"] if b.rank > 1 else ["inner"]
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    names = [("axis", k) for k in range(-len(batch) - 2, -2)]
    for labels, x, tag in ((la, a, "a"), (lb, b, "b")):
        for k, label in enumerate(labels):
            if isinstance(label, tuple) and x.shape[k] != batch[label[1] + 2]:
                labels[k] = ("one", tag, k)
    out = [*names, *(["row"] if a.rank > 1 else []), *(["column"] if b.rank > 1 else [])]
    return Lowered(
        einsum([(a.node, a.labels(la)), (b.node, b.labels(lb))], [*index, *out], dict(zip(names, batch, strict=True))), index
    )


# reductions ------------------------------------------------------------------------------------------------------------


def reduced_axes(node: Call, rank: int) -> tuple[int, ...]:
    """The axes of a reduction, counted from the front."""
    axis = node.params.get("axis")
    if axis is None:
        return tuple(range(rank))
    return tuple(sorted({a % rank for a in ((axis,) if isinstance(axis, int) else axis)}))


def keep_axes(value: Lowered, axes: tuple[int, ...], rank: int, keepdims: bool) -> Lowered:
    """Put axes of size 1 back where a reduction took them."""
    if not keepdims or not axes:
        return value
    kept = iter(range(rank - len(axes)))
    out = [("one", k) if k in axes else next(kept) for k in range(rank)]
    sizes = {("one", k): Integer(1) for k in axes}
    own = list(range(value.rank))
    return Lowered(einsum([(value.node, value.labels(own))], value.labels(out), sizes), value.index)


@lowers("sum", "mean")
def _sum(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    axes = reduced_axes(node, x.rank)
    coef = 1 / product(tuple(x.shape[a] for a in axes)) if node.name == "mean" else S.One
    own = list(range(x.rank))
    out = [a for a in own if a not in axes]
    value = Lowered(einsum([(x.node, x.labels(own))], x.labels(out), coef=coef), x.index)
    return keep_axes(value, axes, x.rank, node.params["keepdims"])


@lowers("max", "min", "prod", "logsumexp")
def _reduce(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    axes = reduced_axes(node, x.rank)
    if not axes:
        return Lowered(x.node, x.index)
    back = tuple(a - x.rank for a in axes)
    value = Lowered(call(node.name, x.node, axis=back[0] if len(back) == 1 else back, keepdims=False), x.index)
    return keep_axes(value, axes, x.rank, node.params["keepdims"])


@lowers("softmax", "log_softmax")
def _softmax(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    back = tuple(a - x.rank for a in reduced_axes(node, x.rank))
    return Lowered(call(node.name, x.node, axis=back[0] if len(back) == 1 else back), x.index)


@lowers("norm")
def _norm(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    """2 and Frobenius: `sqrt(sum(x**2))`; 1: `sum(abs(x))`; inf: `max(abs(x))`; nuc: an operation of its own."""
    (word,) = node.operands
    order, axis, keep = node.params["ord"], node.params["axis"], node.params["keepdims"]
    if order == "nuc":
        return keep_axes(lower_atomic(Call("nuclear", word), operands, scope), (0, 1), 2, keep)
    elif order == 1:
        new = Call("sum", Call("abs", word), axis=axis, keepdims=keep)
    elif order == "inf":
        new = Call("max", Call("abs", word), axis=axis, keepdims=keep)
    else:
        new = Call("pow", Call("sum", Call("pow", word, Num(2)), axis=axis, keepdims=keep), Num(S.Half))
    return lower(new, scope)


@lowers("sqrt")
def _sqrt(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return Lowered(power(operands[0].node, Num(S.Half)), operands[0].index)


@lowers("square")
def _square(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return Lowered(power(operands[0].node, Num(2)), operands[0].index)


__all__ = ["LOWER", "Lowered", "Scope", "fold", "lower", "lowers", "normal", "ones"]
