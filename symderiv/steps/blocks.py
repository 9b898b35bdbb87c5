"""Events gathered into the steps that a person makes: `d‖u‖² = 2 uᵀ du` is a square, a sum and a chain rule at once.

At detail "full" every event is a block of its own; otherwise a value that is used once, and has no name, is absorbed by its
user where
the two together are one textbook rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import S

from ..expr.nodes import Add, Call, Einsum, Node, Num, Var
from ..simplify.product import scale
from .trace import Part, Trace, total_local


@dataclass(eq=False)
class Block:
    """A value, the values absorbed in it, and what it is made of.

    Attributes:
        head: the value.
        inner: absorbed nodes, outermost first.
        inputs: active operands that are not absorbed, in the user's order.
    """

    head: Node
    inner: list[Node] = field(default_factory=list)
    inputs: list[Node] = field(default_factory=list)

    def change(self, trace: Trace, changes: dict[Node, Node]) -> Node:
        """The change of the head, linear in the changes of the inputs; core."""
        known = dict(changes)
        for minus, u in trace.alias.items():
            if u in known:
                known[minus] = scale(known[u], S.NegativeOne)
        for node in [*reversed(self.inner), self.head]:
            known[node] = total_local(node, trace.active(node), known)
        return known[self.head]

    def parts(self, trace: Trace) -> list[Part]:
        """What the block's events passed to its inputs, in order."""
        members = {self.head, *self.inner}
        return [p for p in trace.parts if p.source in members and p.target not in members]


def blocks(trace: Trace, named: set[Node], merge: bool, squares: bool = True) -> list[Block]:
    """The blocks in the order of the sweep; variables have none. `squares`: a square under a sum is absorbed."""
    owner: dict[Node, Block] = {}
    out: list[Block] = []
    for event in trace.events:
        node = event.node
        if isinstance(node, Var):
            continue
        block = owner.get(node)
        if block is None:
            block = Block(node)
            out.append(block)
        for k in trace.active(node):
            x = trace.real(node.operands[k])
            if merge and _absorbed(trace, node, x, named, squares):
                if x not in block.inner:
                    block.inner.append(x)
                    owner[x] = block
            elif x not in block.inputs:
                block.inputs.append(x)
    position = {e.node: k for k, e in enumerate(trace.events)}
    for b in out:
        b.inner.sort(key=position.__getitem__)
        b.inputs.sort(key=_in_order(trace, b).index)
    return out


def _in_order(trace: Trace, b: Block) -> list[Node]:
    """The inputs of a block in the order of the user's terms and factors."""
    out: list[Node] = []
    stack = [b.head]
    while stack:
        node = stack.pop()
        if node is not b.head and node not in b.inner:
            if node not in out:
                out.append(node)
            continue
        operands = sorted((node.operands[k] for k in trace.active(node)), key=trace.place, reverse=True)
        stack += [trace.real(x) for x in operands]
    return out


def _absorbed(trace: Trace, user: Node, x: Node, named: set[Node], squares: bool) -> bool:
    if isinstance(x, Var) or x in named or x in trace.targets or len(trace.users(x)) != 1:
        return False
    if isinstance(x, Einsum) and len(x.items) == 1 and isinstance(x.items[0][0], Var) and x.rank == x.items[0][0].rank:
        return True  # a multiple of a variable
    if isinstance(user, Add):
        return isinstance(x, Einsum) or (squares and _is_norm(x))
    if isinstance(user, Einsum):
        if isinstance(x, Call) and x.name == "pow" and isinstance(x.operands[1], Num):
            return (squares and x.operands[1].value == 2) or x.operands[1].value.could_extract_minus_sign()
        if isinstance(x, Add) and len(user.items) == 1:
            return True
        return isinstance(x, Add) and all(
            isinstance(x.operands[k], Var) or x.operands[k] in named or _linear(trace, x.operands[k]) for k in trace.active(x)
        )
    if isinstance(user, Call) and user.name == "pow" and isinstance(x, Add) and len(trace.active(x)) == 1:
        inner = x.operands[trace.active(x)[0]]
        return inner in named or isinstance(inner, Var)
    if squares and isinstance(user, Call) and user.name == "pow" and user.rank == 0 and isinstance(user.operands[1], Num):
        return is_sum_of_squares(x) and (2 * user.operands[1].value).is_Integer is True
    return False


def _linear(trace: Trace, node: Node) -> bool:
    """A product in which a variable occurs once."""
    return isinstance(node, Einsum) and len(trace.active(node)) == 1 and isinstance(node.operands[trace.active(node)[0]], Var)


def is_sum_of_squares(node: Node) -> bool:
    """`c Σ x²` over all axes."""
    if not isinstance(node, Einsum) or node.rank or len(node.items) != 1:
        return False
    x = node.items[0][0]
    return isinstance(x, Call) and x.name == "pow" and x.operands[1] is Num(2) and len(set(node.items[0][1])) == x.rank


def _is_norm(node: Node) -> bool:
    return (
        isinstance(node, Call) and node.name == "pow" and node.operands[1] is Num(S.Half) and is_sum_of_squares(node.operands[0])
    )


__all__ = ["Block", "blocks", "is_sum_of_squares"]
