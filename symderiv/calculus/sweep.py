"""One reverse sweep: all derivatives of one expression, from the output to the variables.

At every node the sweep holds the cotangent `ȳ`, of shape `lead + y.shape`: the derivative of the output (whose axes are `lead`)
by that node. The node's differential is transposed mechanically, so that `<ȳ, dy> = Σ_k <x̄_k, dx_k>`, and the parts add up
where a value is used more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import DerivativeError
from ..expr.nodes import Add, Call, Einsum, Node, Shared, Var
from ..expr.walk import active_postorder, fold, postorder
from ..simplify.add import add
from ..simplify.calls import call
from ..simplify.lower import FLAT
from ..simplify.product import einsum, is_zero, permute, zeros
from ..simplify.rebuild import rebuild
from .local import differential, partial

SHORT = 300  # nodes, written out in full, of results in which nothing is kept apart
LONG = 10  # factors after which a product is kept apart, so that a chain of n nodes costs n and not n²


@dataclass
class Event:
    """What the sweep did at one node: its cotangent, and what it passed on to the operands."""

    node: Node
    cotangent: Node
    passed: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass
class Sweep:
    """The derivatives by variable and the events in order."""

    gradients: dict[Var, Node]
    events: list[Event]


def seed(y: Node) -> Node:
    """`∂y/∂y`: 1 for a scalar, the identity for an array."""
    labels = list(range(y.rank))
    return einsum([], labels + labels, dict(enumerate(y.shape)))


def sweep(y: Node, wrt: Sequence[Var], cotangent: Node | None = None, tidy: Callable[[Node], Node] = lambda x: x) -> Sweep:
    """Derivatives of `y` by each variable, each of shape `lead + variable.shape`.

    Args:
        y: a core expression.
        wrt: variables.
        cotangent: of shape `lead + y.shape`; by default the identity, so that `lead` is `y.shape`.
        tidy: applied to every finished cotangent.
    """
    g = seed(y) if cotangent is None else cotangent
    lead = g.rank - y.rank
    return _run(y, list(wrt), g, lead, tidy)


def _run(y: Node, wrt: list[Var], g: Node, lead: int, tidy: Callable[[Node], Node]) -> Sweep:
    order = active_postorder(y, wrt)
    active = set(order)
    pending: dict[Node, list[Node]] = {y: [g]}
    gradients: dict[Var, Node] = {}
    events: list[Event] = []
    wanted = set(wrt)
    for node in reversed(order):
        if node not in pending:
            continue
        total = tidy(add(pending.pop(node)))
        event = Event(node, total)
        events.append(event)
        if node in wanted:
            gradients[node] = total  # type: ignore[index]
        if isinstance(node, Var) or is_zero(total):
            continue
        operands = node.operands
        places = [k for k, o in enumerate(operands) if o in active]
        if len(places) > 1 or (isinstance(total, Einsum) and len(total.items) > LONG):
            total = share(total)
        for k in places:
            part = pull(node, k, total, lead)
            if part is not None and not is_zero(part):
                event.passed.append((operands[k], part))
                pending.setdefault(operands[k], []).append(part)
    shape = g.shape[:lead]
    for v in wrt:
        gradients.setdefault(v, zeros((*shape, *v.shape)))
    return Sweep(gradients, events)


def share(x: Node) -> Node:
    """Keep a value that is used more than once apart, unless it is so small that multiplying it out costs nothing."""
    if (isinstance(x, Einsum) and len(x.items) > 1) or (isinstance(x, Add) and len(x.terms) > FLAT):
        return Shared(x)
    return x


def unshare(roots: list[Node], limit: int = 24) -> list[Node]:
    """Multiply out values that the results use only once (up to `limit` factors or terms), and all of them in short results."""
    small = sum(r.tree_size for r in roots) <= SHORT
    uses: dict[Node, int] = {}
    for node in postorder(*roots):
        for o in node.operands:
            uses[o] = uses.get(o, 0) + 1
    for r in roots:
        uses[r] = uses.get(r, 0) + 1

    def rebuilt(node: Node, operands: list[Node]) -> Node:
        if isinstance(node, Shared):
            inner = operands[0]
            long = len(inner.operands) > limit and isinstance(inner, (Einsum, Add))
            if (uses.get(node, 0) <= 1 or small) and not long:
                return inner
            return share(inner) if not isinstance(inner, Shared) else inner
        return rebuild(node, operands)

    if not any(isinstance(n, Shared) for n in uses):
        return roots

    memo: dict[Node, Node] = {}
    return [fold(r, rebuilt, memo) for r in roots]


def pull(node: Node, k: int, g: Node, lead: int) -> Node | None:
    """The part of operand `k`'s cotangent that comes through this node; None where it is 0."""
    if isinstance(node, (Add, Shared)):
        return g
    if isinstance(node, Einsum):
        return _pull_product(node, k, g, lead)
    if not isinstance(node, Call):
        raise DerivativeError(f"cannot differentiate through {type(node).__name__}", code="SD301")
    x = node.operands[k]
    front = [("lead", i) for i in range(lead)]
    own = list(range(node.rank))
    if node.op.elementwise:
        d = partial(node, k)
        if d is None:
            return None
        return einsum([(d, own), (g, [*front, *own])], [*front, *(own if x.rank else [])])
    if node.name == "reshape":
        return call("reshape", g, shape=(*g.shape[:lead], *x.shape))
    if node.name == "sylvester" and k == 2:  # linear in C: A Y + Y B = C is transposed by transposing A and B
        a, b = (permute(o, (*range(o.rank - 2), o.rank - 1, o.rank - 2)) for o in node.operands[:2])
        return call("sylvester", a, b, g)
    expression, dx = differential(node, k)
    if dx not in expression.free_symbols:
        return None
    return _run(expression, [dx], g, lead, lambda t: t).gradients[dx]


def _pull_product(node: Einsum, k: int, g: Node, lead: int) -> Node:
    """`y = c · x_k · rest` is linear in `x_k`: the transpose multiplies the cotangent by the rest."""
    front = [("lead", i) for i in range(lead)]
    items = [(x, ls) for j, (x, ls) in enumerate(node.items) if j != k]
    items.append((g, [*front, *node.out]))
    mine = node.items[k][1]
    sizes = dict(enumerate(node.sizes))
    return einsum(items, [*front, *mine], sizes, coef=node.coef)
