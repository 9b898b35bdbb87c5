"""Products and sums with one-hot rows, by the label's entry alone: `A*(1 - onehot(y))`, `A + onehot(y)*c`."""

from __future__ import annotations

from ..expr.nodes import Call, Node, Num
from .emit import Emitter, Plan, same
from .hidden import Hidden
from .stable import is_call


def _onehot(emitter: Emitter, node: Node) -> bool:
    return is_call(node, "onehot") and not emitter.is_plain(node.operands[0])


def _off(emitter: Emitter, node: Node) -> Node | None:
    """y where the node is `1 - onehot(y)`."""
    if not (is_call(node, "add") and len(node.operands) == 2):
        return None
    for one, other in (node.operands, node.operands[::-1]):
        if one is Num(1) and is_call(other, "neg") and _onehot(emitter, other.operands[0]):
            return other.operands[0].operands[0]
    return None


def plan_mul(emitter: Emitter, node: Call) -> Plan | None:
    """`A*(1 - onehot(y))`: A with 0 in the entry of the label."""
    for k, x in enumerate(node.operands):
        y = _off(emitter, x)
        rest = [o for j, o in enumerate(node.operands) if j != k]
        if y is None or not any(o.shape == node.shape for o in rest):
            continue
        return same(Hidden("off_label", node.shape, (rest[0] if len(rest) == 1 else Call("mul", *rest), y)))
    return None


def plan_add(emitter: Emitter, node: Call) -> Plan | None:
    """`A + onehot(y)*c`: c is added to the entry of the label."""
    for k, term in enumerate(node.operands):
        negative = is_call(term, "neg")
        product = term.operands[0] if negative else term
        hot = next((x for x in product.operands if _onehot(emitter, x)), None) if is_call(product, "mul") else None
        if hot is None or hot.shape != node.shape:
            continue
        rest = [o for j, o in enumerate(node.operands) if j != k]
        if not any(o.shape == node.shape for o in rest):
            continue
        factors = [x for x in product.operands if x is not hot]
        c = factors[0] if len(factors) == 1 else Call("mul", *factors)
        if c.rank and c.rank != node.rank:
            continue
        if negative:
            c = Call("neg", c)
        return same(Hidden("at_label", node.shape, (rest[0] if len(rest) == 1 else Call("add", *rest), hot.operands[0], c)))
    return None
