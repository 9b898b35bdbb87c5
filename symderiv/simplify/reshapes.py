"""Reshapes that merge neighbouring axes."""

from __future__ import annotations

from sympy import S, expand

from ..expr.nodes import Call, Node


def merged_axes(x: Node) -> list[tuple[int, ...]] | None:
    """For every axis of a reshape, the axes of its operand that it merges, in order; None if it does anything else."""
    if not isinstance(x, Call) or x.name != "reshape":
        return None
    before = x.operands[0].shape
    groups: list[tuple[int, ...]] = []
    at = 0
    for size in x.shape:
        have, group = S.One, list[int]()
        while at < len(before) and (have != size or not group):
            have = expand(have * before[at])
            group.append(at)
            at += 1
        if have != size:
            return None
        groups.append(tuple(group))
    return groups if at == len(before) else None
