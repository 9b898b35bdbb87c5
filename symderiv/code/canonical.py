"""One form for values that formulas write in several ways, so that code computes each of them once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sympy import Expr

from ..expr.nodes import Call, Node, Num
from ..expr.walk import postorder
from .products import chain_cost

_COMPARED = {"gt", "ge", "lt", "le", "eq", "ne"}


def canonical(roots: Sequence[Node], guess: Mapping[Expr, int]) -> list[Node]:
    """The roots, where sums and products of the same operands are one node, `where(c, 1, 0)` is the comparison c, and minus signs
    stand before products and sums.

    `(A B + C D) w` is `A B w + C D w` where that costs less; sizes are guessed.
    """
    uses = Counter(o for n in postorder(*roots) for o in n.operands)
    new: dict[Node, Node] = {}
    first: dict[tuple, Node] = {}
    for node in postorder(*roots):
        new[node] = _rewritten(node, new, first)
        if isinstance(node, Call) and node.name == "matmul" and any(_is_sum(o) and uses[o] == 1 for o in node.operands):
            new[node] = _distributed(new[node], guess) or new[node]
    return [new[r] for r in roots]


def _rewritten(node: Node, new: dict[Node, Node], first: dict[tuple, Node]) -> Node:
    if not isinstance(node, Call) or not node.operands:
        return node
    operands = [new[o] for o in node.operands]
    if node.name == "where" and isinstance(operands[0], Call) and operands[0].name in _COMPARED:
        yes, no = operands[1:]
        if yes is Num(1) and no is Num(0) and operands[0].shape == node.shape:
            return operands[0]
    if operands != list(node.operands):
        node = node.with_operands(operands)
    if node.name == "add" and len(operands) == 2:  # onehot(y) - 1
        for one, other in (operands, operands[::-1]):
            if one is Num(-1) and isinstance(other, Call) and other.name == "onehot":
                return Call("neg", _first(Call("add", Num(1), Call("neg", other)), first))
    if node.name == "mul" and any(_is_minus(x) for x in operands):
        product = _first(Call("mul", *(x.operands[0] if _is_minus(x) else x for x in operands)), first)
        return Call("neg", product) if sum(map(_is_minus, operands)) % 2 else product
    if node.name in ("add", "mul") and all(not x.rank or (_is_call(x, "T") and x.rank == 2) for x in operands):
        turned = [x.operands[0] if x.rank else x for x in operands]
        if any(x.rank for x in turned):
            return Call("T", _first(Call(node.name, *turned), first))
    if node.name == "sum" and _is_minus(operands[0]):
        return Call("neg", Call("sum", operands[0].operands[0], **node.params))
    return _first(node, first)


def _is_call(node: Node, name: str) -> bool:
    return isinstance(node, Call) and node.name == name


def _is_sum(node: Node) -> bool:
    return _is_call(node, "add") and node.rank == 2


def _distributed(node: Node, guess: Mapping[Expr, int]) -> Node | None:
    """A product with a sum of products among its factors as a sum of products, if that costs less."""
    for k, x in enumerate(node.operands):
        if not _is_sum(x) or any(o.rank > 2 for o in node.operands):
            continue
        bare = [t.operands[0] if _is_minus(t) else t for t in x.operands]
        if not all(_is_call(t, "matmul") and t.shape == x.shape and all(o.rank == 2 for o in t.operands) for t in bare):
            continue
        before, after = node.operands[:k], node.operands[k + 1 :]
        chains = [(*before, *t.operands, *after) for t in bare]
        joined = chain_cost(node.operands, guess) + sum(chain_cost(t.operands, guess) for t in bare)
        if 1.2 * sum(chain_cost(c, guess) for c in chains) < joined:
            products = [Call("matmul", *c) for c in chains]
            signed = [Call("neg", p) if _is_minus(t) else p for p, t in zip(products, x.operands, strict=True)]
            return Call("add", *signed)
    return None


def _is_minus(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "neg"


def _first(node: Call, first: dict[tuple, Node]) -> Node:
    """The first node with the same operands, for sums and products."""
    if node.name in ("add", "mul"):
        return first.setdefault((node.name, *sorted(node.operands, key=lambda x: x.key)), node)
    return node
