"""Local derivatives: what a change of one operand does to one node.

`partial` gives the entrywise derivative of an elementwise operation, `differential` the differential of any other one, linear
in a placeholder for the change of the operand. Both are read from the operation's declaration.
"""

from __future__ import annotations

from functools import lru_cache

from sympy.core.symbol import Str

from ..errors import DerivativeError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.op import OPS
from ..read.text import build
from ..simplify.add import spread
from ..simplify.lower import Lowered, Range, Scope, lower

PLACEHOLDER = "d_"


@lru_cache(maxsize=20_000)
def partial(node: Call, k: int) -> Node | None:
    """`∂f/∂x_k` entrywise, of the shape of the node; None where it is 0 everywhere."""
    op = node.op
    rule = op.partials[k]
    if rule in ("", "0"):
        return None
    if rule == "?":
        raise DerivativeError(f"{op.name} has no derivative with respect to {op.operands[k]}", code="SD301")
    words = build(rule, dict(zip(op.operands, node.operands, strict=True)), params=node.params)
    return spread(lower(words, _scope_of(node, {})).node, node.shape)


def _scope_of(node: Call, ranges: dict[Index, Range]) -> Scope:
    """A scope in which the operands, in normal form already, are not walked again: a chain of n calls would cost n²."""
    scope = Scope(ranges)
    scope.memo.update({o: Lowered(o) for o in node.operands})
    return scope


def placeholder(x: Node) -> Var:
    """A variable that stands for the change of `x`."""
    return Var(Str(PLACEHOLDER + x.key.hex()[:8]), x.shape)


@lru_cache(maxsize=20_000)
def differential(node: Call, k: int) -> tuple[Node, Var]:
    """`(expression, dx)`: the change of the node when operand `k` changes by `dx`, linear in `dx`.

    Raises:
        DerivativeError: SD301 when the operation declares no differential.
    """
    op = node.op
    x = node.operands[k]
    dx = placeholder(x)
    if op.name in ("stack", "concatenate"):
        return _joined(node, k, dx), dx
    if op.name == "reshape":
        return Call("reshape", dx, shape=node.shape), dx
    if not op.differential:
        raise DerivativeError(
            f"there is no derivative rule for {op.name}",
            code="SD301",
            hint=f"rewrite {op.name} by operations that have one, or declare its differential in symderiv/ops",
        )
    batch = _batch_rank(node)
    indices = [Index(f"_b{i}") for i in range(batch)]
    ranges = {i: (Num(0).value, s) for i, s in zip(indices, x.shape, strict=False)}
    env = {}
    for name, operand in zip(op.operands, node.operands, strict=True):
        env[name] = _entry(operand, indices)
        change = dx if name == op.operands[k] else Call("zeros", shape=operand.shape)
        env["d" + name] = _entry(change, indices)
    words = build(op.differential, env, params=node.params)
    low = lower(words, _scope_of(node, ranges))
    if tuple(low.index) != tuple(indices):
        from ..simplify.product import einsum

        own = list(range(low.rank))
        return einsum([(low.node, low.labels(own))], [*indices, *own], dict(zip(indices, x.shape, strict=False))), dx
    return low.node, dx


def _entry(x: Node, indices: list[Index]) -> Node:
    return Call("getitem", x, *indices, spec=("at",) * len(indices)) if indices else x


def _batch_rank(node: Call) -> int:
    """Leading axes beyond those the operation is declared for."""
    declared = {"square": 2, "psd": 2, "matrix": 2}
    ranks = [declared[d] for d in OPS[node.name].domain if d in declared]
    return max(0, node.operands[0].rank - ranks[0]) if ranks else 0


def _joined(node: Call, k: int, dx: Var) -> Node:
    """The change of a stack or concatenation: the change of one part, put in its place by a constant 0/1 matrix."""
    from sympy import S

    from ..simplify.lower_shape import selection
    from ..simplify.product import einsum

    axis = node.params["axis"] % node.rank
    own: list = list(range(dx.rank))
    n = node.shape[axis]
    if node.name == "stack":
        out = [*own[:axis], "at", *own[axis:]]
        return einsum([(dx, own), (Call("onehot", Num(k), k=n), ["at"])], out)
    start = sum((x.shape[axis] for x in node.operands[:k]), S.Zero)
    rows = selection(n, start, start + dx.shape[axis], None) if start != 0 or dx.shape[axis] != n else None
    if rows is None:
        return dx
    inner = [*own]
    inner[axis] = "from"
    return einsum([(dx, inner), (rows, ["from", axis])], own)
