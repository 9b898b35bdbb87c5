"""Walking shared graphs without recursion: every node is visited once, children first."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any, TypeVar

from sympy import Basic, Tuple

from .nodes import Call, Index, Node, Num, Var

T = TypeVar("T")


def postorder(*roots: Node, known: Container[Node] = ()) -> list[Node]:
    """All nodes below and including the roots, operands before the nodes that use them, each once.

    Nodes in `known`, and what is only below them, are left out.
    """
    seen: set[Node] = set()
    out: list[Node] = []
    stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            out.append(node)
            continue
        if node in seen or node in known:
            continue
        seen.add(node)
        stack.append((node, True))
        for o in reversed(node.operands):
            if o not in seen:
                stack.append((o, False))
    return out


def fold(root: Node, visit: Callable[[Node, list[Any]], T], memo: dict[Node, T] | None = None) -> T:
    """`visit(node, results of its operands)` for every node, children first; the root's result.

    `memo` is kept between calls if given.
    """
    memo = {} if memo is None else memo
    if root in memo:
        return memo[root]
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if node in memo:
            continue
        if ready:
            memo[node] = visit(node, [memo[o] for o in node.operands])
            continue
        stack.append((node, True))
        for o in reversed(node.operands):
            if o not in memo:
                stack.append((o, False))
    return memo[root]


def with_operands(node: Node, operands: list[Node]) -> Node:
    """The same kind of node on other operands (leaves are returned as they are)."""
    if isinstance(node, Call):
        return node.with_operands(operands)
    if not operands:
        return node
    if tuple(operands) == node.operands:
        return node
    it = iter(operands)
    args = []
    for a in node.args:
        if isinstance(a, Node):
            args.append(next(it))
        elif isinstance(a, Tuple) and a.args and isinstance(a.args[0], Node):
            args.append(Tuple(*(next(it) for _ in a.args)))
        else:
            args.append(a)
    return node.func(*args)


def replace(root: Node, rule: dict[Any, Any], rebuild: Callable[[Node, list[Node]], Node] = with_operands) -> Node:
    """Replace nodes (and size symbols) by others; parents are rebuilt and so checked again."""
    sizes = {k: v for k, v in rule.items() if not isinstance(k, Node)}

    def visit(node: Node, operands: list[Node]) -> Node:
        if node in rule:
            return rule[node]
        if sizes and not operands:
            args = [a.xreplace(sizes) if isinstance(a, Basic) and not isinstance(a, Node) else a for a in node.args]
            return node.func(*args) if tuple(args) != node.args else node
        if sizes and isinstance(node, Call):
            params = node.args[2].xreplace(sizes)
            return Call(node.args[0], Tuple(*operands), params)
        return rebuild(node, operands) if tuple(operands) != node.operands else node

    return fold(root, visit)


def variables(*roots: Node) -> list[Var]:
    """Variables in order of first occurrence."""
    return [n for n in postorder(*roots) if isinstance(n, Var)]


def active_postorder(root: Node, wanted: Iterable[Node]) -> list[Node]:
    """The nodes in which one of the variables `wanted` occurs, operands first; the rest is not walked."""
    wanted = frozenset(wanted)
    free_symbols(root)
    return postorder(root, known=_Without(wanted))


class _Without:
    """The nodes in which none of the variables occurs, as a container."""

    def __init__(self, wanted: frozenset[Node]) -> None:
        self.wanted = wanted

    def __contains__(self, node: object) -> bool:
        return self.wanted.isdisjoint(node._free)  # type: ignore[attr-defined]


class _HasFree:
    """The nodes whose free symbols are known, as a container."""

    def __contains__(self, node: object) -> bool:
        return node._free is not None  # type: ignore[attr-defined]


def free_symbols(root: Node) -> set[Basic]:
    """Variables and size symbols that occur in the graph; computed once per node."""
    if root._free is None:
        for node in postorder(root, known=_HasFree()):
            out: set[Basic] = {node} if isinstance(node, Var) else set()
            for s in node.shape:
                out |= s.free_symbols
            if isinstance(node, Num):
                out |= node.value.free_symbols
            for o in node.operands:
                out |= o._free
            node._free = frozenset(out)
    return set(root._free)


BINDERS = frozenset({"isum", "iprod", "imax", "imin"})


def binds(node: Node) -> bool:
    """Whether the node is a sum, product or extreme over an index: its second operand is bound in it."""
    return getattr(node, "name", None) in BINDERS and len(node.operands) >= 2 and isinstance(node.operands[1], Index)


def free_indices(order: list[Node]) -> dict[Node, frozenset[Node]]:
    """For each of the nodes, given operands first, the indices in it that nothing in it binds."""
    none: frozenset[Node] = frozenset()
    out: dict[Node, frozenset[Node]] = {}
    for node in order:
        here = frozenset({node}) if isinstance(node, Index) else none.union(*(out[o] for o in node.operands))
        out[node] = here - {node.operands[1]} if binds(node) else here
    return out


def flatten(root: Node) -> tuple:
    """The graph as a flat tuple of (class, arguments) with numbers for nodes: pickles at any depth."""
    order = postorder(root)
    number = {n: i for i, n in enumerate(order)}

    def pack(a):
        if isinstance(a, Node):
            return ("node", number[a])
        if isinstance(a, Tuple) and any(isinstance(b, Node) for b in a.args):
            return ("nodes", tuple(number[b] for b in a.args))
        return ("value", a)

    return tuple((type(n), tuple(pack(a) for a in n.args)) for n in order)


def unflatten(rows: tuple) -> Node:
    """The inverse of `flatten`; every node goes through its constructor."""
    built: list[Node] = []
    for cls, args in rows:
        real = [built[v] if k == "node" else Tuple(*(built[i] for i in v)) if k == "nodes" else v for k, v in args]
        built.append(cls(*real))
    return built[-1]
