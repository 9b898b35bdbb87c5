"""The factors of an expression with their sizes, to be set one under the other."""

from __future__ import annotations

from ...expr.nodes import Call, Node
from ...write.language import to_text
from ...write.report import shape_text


def sizes_under(node: Node) -> tuple[tuple[str, str], ...]:
    """The factors of the first matrix product in an expression with their sizes, then the whole with its own."""
    product = _first_product(node)
    whole = (to_text(node), shape_text(node.shape))
    if product is None:
        return (whole,)
    rows = tuple((to_text(o), shape_text(o.shape)) for o in product.operands)
    return (*rows, whole)


def _first_product(node: Node) -> Call | None:
    queue = [node]
    for n in queue:
        if isinstance(n, Call):
            if n.name in ("matmul", "outer"):
                return n
            queue += [o for o in n.operands if len(queue) < 200]
    return None


__all__ = ["sizes_under"]
