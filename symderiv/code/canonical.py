"""One form for values that formulas write in several ways, so that code computes each of them once."""

from __future__ import annotations

from collections.abc import Sequence

from ..expr.nodes import Call, Node, Num
from ..expr.walk import postorder

_COMPARED = {"gt", "ge", "lt", "le", "eq", "ne"}


def canonical(roots: Sequence[Node]) -> list[Node]:
    """The roots, where sums and products of the same operands are one node, `where(c, 1, 0)` is the comparison c, and minus signs
    stand before products and sums."""
    new: dict[Node, Node] = {}
    first: dict[tuple, Node] = {}
    for node in postorder(*roots):
        new[node] = _rewritten(node, new, first)
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
    if node.name == "sum" and _is_minus(operands[0]):
        return Call("neg", Call("sum", operands[0].operands[0], **node.params))
    return _first(node, first)


def _is_minus(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "neg"


def _first(node: Call, first: dict[tuple, Node]) -> Node:
    """The first node with the same operands, for sums and products."""
    if node.name in ("add", "mul"):
        return first.setdefault((node.name, *sorted(node.operands, key=lambda x: x.key)), node)
    return node
