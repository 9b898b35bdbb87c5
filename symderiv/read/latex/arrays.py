"""From an entry over free indices to the whole array."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from ...expr.nodes import Index, Node


def entries_to_array(words: Node, indices: Sequence[tuple[Index, Expr]]) -> Node:
    """`[entry(i, j)]_{ij}`: words over free indices become words of the array, whose axes are the indices in the given order.

    Args:
        words: an expression in which the indices occur, or do not; an entry that is an array adds its axes behind.
        indices: each index with the size of its range, which begins at 0.

    Raises:
        DerivativeError: SD302 for an index that is neither bound nor given.
        ShapeError: SD2xx.
    """
    # The engine is outside of this room; it is needed only where an array is given by its entries.
    from ...notation import to_words
    from ...simplify.lower import Scope, lower
    from ...simplify.product import einsum

    ranges = {i: (size * 0, size) for i, size in indices}
    low = lower(words, Scope(ranges))
    own = list(range(low.rank))
    order = [i for i, _ in indices]
    sizes = dict(indices)
    if list(low.index) == order:
        return to_words(low.node)
    return to_words(einsum([(low.node, low.labels(own))], [*order, *own], sizes))
