"""The last touch: factors collected, brackets multiplied out and fractions joined where the words get shorter.

What is valid everywhere happens while nodes are built; what depends on the length of the result happens here.
"""

from __future__ import annotations

from ..expr.nodes import Add, Call, Einsum, Node, Num
from ..simplify.add import add
from ..simplify.calls import call
from ..simplify.collect import collect
from ..simplify.components import components
from ..simplify.product import einsum, ones
from ..simplify.rebuild import rebuild
from ..simplify.recognise import OPPOSITE, complement
from ..simplify.scalar import shorten

_memo: dict[tuple[Node, bool], Node] = {}


def cost(node: Node) -> int:
    """Length of the words, in nodes."""
    from .words import to_words

    return to_words(node).tree_size


def polish(root: Node) -> Node:
    """The shortest form found; the same value."""
    if len(_memo) > 40_000:
        _memo.clear()
    stack: list[tuple[Node, bool, bool]] = [(root, True, False)]
    while stack:
        node, head, ready = stack.pop()
        if (node, head) in _memo:
            continue
        if not node.operands:
            _memo[node, head] = node
            continue
        roles = _roles(node)
        if not ready:
            stack.append((node, head, True))
            stack.extend((o, r, False) for o, r in zip(node.operands, roles, strict=True) if (o, r) not in _memo)
            continue
        new = _polished(rebuild(node, [_memo[o, r] for o, r in zip(node.operands, roles, strict=True)]))
        if head:
            new = _shorten(new)
            _memo[new, True] = new
        _memo[node, head] = new
    return _memo[root, True]


def _polished(new: Node) -> Node:
    """One node whose operands are polished."""
    if isinstance(new, Einsum):
        new = distribute(new)
    if isinstance(new, Add) and new.rank <= 2:
        shorter = collect(new, cost)
        if shorter is not new:
            return polish(shorter)  # the brackets that collecting made are new sums
    if isinstance(new, Add) and len(new.terms) <= 12:
        merged = merge_conditions(new)
        new = merged if merged is not new and cost(merged) < cost(new) else new
    return new


tidy = polish


def distribute(node: Einsum) -> Node:
    """Multiply out brackets of three and more axes: terms with deltas are shorter apart."""
    for k, (x, _ls) in enumerate(node.items):
        if isinstance(x, Add) and x.rank > 2 and len(x.terms) <= 12:
            parts = []
            for t in x.terms:
                items = [(t if j == k else y, ms) for j, (y, ms) in enumerate(node.items)]
                parts.append(einsum(items, node.out, dict(enumerate(node.sizes)), coef=node.coef))
            new = add([distribute(p) if isinstance(p, Einsum) else p for p in parts])
            return new if cost(new) < 2 * cost(node) else node
    return node


def merge_conditions(node: Add) -> Node:
    """`c a + (1 - c) b = where(c, a, b)` for an indicator `c` and its opposite."""
    terms = list(node.terms)
    for a in range(len(terms)):
        for b in range(len(terms)):
            one, other = _condition(terms[a]), _condition(terms[b])
            if a != b and one is not None and other is not None:
                (c, x), (d, y) = one, other
                if complement(c) is d and (c.name in ("gt", "lt", "eq") or a < b):
                    new = call("where", c, x, y)
                    rest = [t for k, t in enumerate(terms) if k not in (a, b)]
                    return add([new, *rest]) if rest else new
    return node


def _condition(term: Node) -> tuple[Call, Node] | None:
    """`(c, f)` of a term `c * f` with a comparison `c` over all its axes."""
    items = term.items if isinstance(term, Einsum) else ((term, tuple(range(term.rank))),)
    out = term.out if isinstance(term, Einsum) else tuple(range(term.rank))
    if len(set(out)) < len(out):
        return None
    for k, (x, ls) in enumerate(items):
        if isinstance(x, Call) and x.name in OPPOSITE and ls == out:
            rest = [it for j, it in enumerate(items) if j != k]
            if isinstance(term, Einsum):
                return x, einsum(rest, out, dict(enumerate(term.sizes)), coef=term.coef)
            return x, ones(term.shape)
    return None


def _shorten(node: Node) -> Node:
    best = shorten(node, cost)
    if isinstance(best, Add) and best.rank <= 2:
        best = collect(best, cost)
    return best


def _roles(node: Node) -> list[bool]:
    """For every operand, whether an entrywise part begins there: below anything that is not entrywise."""
    if isinstance(node, Add) or (isinstance(node, Call) and node.name == "pow" and isinstance(node.operands[1], Num)):
        return [False] * len(node.operands)
    if isinstance(node, Einsum) and len(set(node.out)) == len(node.out):
        alone = {x for x, _ in components(node) if not isinstance(x, Einsum)}
        return [x not in alone for x in node.operands]
    return [True] * len(node.operands)
