"""The same core node on other operands, in normal form again."""

from __future__ import annotations

from ..expr.nodes import Add, Call, Einsum, Node, Shared
from .add import add
from .calls import call
from .product import einsum


def rebuild(node: Node, operands: list[Node]) -> Node:
    """`node` with its operands replaced; the same object when they are the same."""
    if tuple(operands) == node.operands:
        return node
    if isinstance(node, Add):
        return add(operands)
    if isinstance(node, Einsum):
        items = [(x, ls) for x, (_, ls) in zip(operands, node.items, strict=True)]
        return einsum(items, node.out, dict(enumerate(node.sizes)), coef=node.coef)
    if isinstance(node, Shared):
        return Shared(operands[0])
    if isinstance(node, Call):
        return call(node.name, *operands, **node.params)
    return node
