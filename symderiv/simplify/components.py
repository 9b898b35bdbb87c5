"""Independent factors of a product: groups of items that share summed axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
        labels = oriented(items, {i for _, ls in items for i in ls if i in kept})
        out.append((einsum(items, labels), labels))
    return out


def oriented(items: Sequence[tuple[Node, Sequence[int]]], labels: Iterable[int]) -> list[int]:
    """The labels in the order in which a product of matrices has fewer transposes: `A B`, not `Bᵀ Aᵀ`; the same for both."""
    found = sorted(labels)
    if len(found) != 2:
        return found
    return found[::-1] if transposes(items, found[1], found[0]) < transposes(items, found[0], found[1]) else found


def transposes(items: Sequence[tuple[Node, Sequence]], first: object, last: object) -> int:
    """How many factors are transposed on the way from one axis to the other; 0 where the factors make no chain."""
    left = [list(ls) for _, ls in items if len(ls) == 2]
    count, at = 0, first
    while left:
        ls = next((ls for ls in left if at in ls), None)
        if ls is None:
            return count if at == last else 0
        left.remove(ls)
        count += ls[0] != at
        at = ls[1] if ls[0] == at else ls[0]
    return count if at == last else 0
