"""Differentials of words by the product rule: `change_words(word, changes)`.

What it proposes is used only where its normal form is that of the engine's local differential.
"""

from __future__ import annotations

from ..expr.nodes import Call, Node, Num
from ..expr.walk import postorder
from .pairing import dress, is_word, negate, numbers, pair, peel, plus, summed, times

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
        inner = summed(body)
        return dress(numbers(front), inner, below, minus)
    if t.shape != node.operands[0].shape:
        raise NotPlain
    return node.with_operands([t, *node.operands[1:]])


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
    return dress(numbers([Num(2), *front]), body, below, minus)


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


__all__ = ["NotPlain", "change_words"]
