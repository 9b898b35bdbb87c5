"""Independent factors of a product: groups of items that share summed axes."""

from __future__ import annotations

from ..expr.nodes import Einsum, Node
from .product import einsum


def components(node: Einsum) -> list[tuple[Node, list[int]]]:
    """`node = coef * prod part[labels]` with labels of the output only; each part sums over its own axes.

    A part that is one item keeps the order of its axes: `A_ji` is `A` with labels `(j, i)`, not a transposed matrix.
    """
    kept = set(node.out)
    parent = list(range(len(node.items)))

    def find(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    owner: dict[int, int] = {}
    for k, (_, ls) in enumerate(node.items):
        for i in ls:
            if i not in kept:
                if i in owner:
                    parent[find(k)] = find(owner[i])
                else:
                    owner[i] = k
    groups: dict[int, list[int]] = {}
    for k in range(len(node.items)):
        groups.setdefault(find(k), []).append(k)
    out = []
    for members in groups.values():
        items = [node.items[k] for k in members]
        if len(items) == 1 and kept.issuperset(items[0][1]) and len(set(items[0][1])) == len(items[0][1]):
            out.append((items[0][0], list(items[0][1])))
            continue
        labels = sorted({i for _, ls in items for i in ls if i in kept})
        out.append((einsum(items, labels), labels))
    return out
