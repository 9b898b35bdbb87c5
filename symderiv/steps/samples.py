"""Sample notation: `wᵀ x_i` for `Σ_k X_ik w_k`, with the rows of a matrix as the samples."""

from __future__ import annotations

from ..expr.nodes import Call, Node, Var
from ..expr.walk import fold, with_operands


def sampled(words: Node) -> Node:
    """Sums over the features of a sample as inner products with its row; the same value."""
    return fold(words, _visit)


def _visit(node: Node, operands: list[Node]) -> Node:
    new = with_operands(node, operands)
    if not isinstance(new, Call) or new.name != "isum" or len(new.operands) != 2:
        return new
    body, index = new.operands
    if not isinstance(body, Call) or body.name != "mul" or len(body.operands) != 2:
        return new
    for a, b in (body.operands, body.operands[::-1]):
        row = _row(a, index)
        if row is not None and _is_entry(b, index) and new.params["hi"] == b.operands[0].shape[0]:
            return Call("matmul", b.operands[0], row)
    return new


def _row(x: Node, index: Node) -> Node | None:
    """`X[i]` of `X[i, k]`."""
    if not (isinstance(x, Call) and x.name == "getitem" and isinstance(x.operands[0], Var) and len(x.operands) == 3):
        return None
    if x.operands[2] is index and x.operands[1] is not index and all(s == "at" for s in x.params["spec"]):
        return Call("getitem", x.operands[0], x.operands[1], spec=("at",))
    return None


def _is_entry(x: Node, index: Node) -> bool:
    return (
        isinstance(x, Call)
        and x.name == "getitem"
        and len(x.operands) == 2
        and x.operands[1] is index
        and x.operands[0].rank == 1
    )


__all__ = ["sampled"]
