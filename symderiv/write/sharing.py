"""Folding a shared graph into text: bottom-up, without recursion, and with names for what occurs twice.

A text can be exponentially longer than its graph, so a tree of more than `MAX_TREE` nodes is refused (SD904), and
`shared_text` names repeated subexpressions `h1`, `h2`, … instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from ..errors import LimitError
from ..expr.nodes import Add, Einsum, Index, Node, Num, Shared, Var
from ..expr.walk import binds, free_indices, postorder

MAX_TREE = 200_000
P = TypeVar("P")


class Printer(Protocol[P]):
    """What a printer of one language provides."""

    def visit(self, node: Node, pieces: list[P]) -> P: ...
    def named(self, name: str, node: Node) -> P: ...
    def finish(self, piece: P, node: Node) -> str: ...


def as_words(node: Node) -> Node:
    """The node in words: printers see no core nodes."""
    return all_as_words([node])[0]


def all_as_words(nodes: Sequence[Node]) -> list[Node]:
    """The nodes in words; what they share is looked at once."""
    if not any(isinstance(n, (Add, Einsum, Shared)) for n in postorder(*nodes)):
        return list(nodes)
    from ..notation import to_words

    return [to_words(n) for n in nodes]


def plain_text(root: Node, printer: Printer[P]) -> str:
    """The whole expression as one text.

    Raises:
        LimitError: SD904 when it would be longer than anyone can read.
    """
    if root.tree_size > MAX_TREE:
        raise LimitError(
            f"written out in full this expression has {_rounded(root.tree_size)} parts",
            code="SD904",
            hint="print it with names for repeated parts: .text() of a derivative, or to_text_shared(expression)",
        )
    return _fold([root], printer, {})[1][0]


def shared_text(root: Node, printer: Printer[P], limit: int) -> tuple[list[tuple[str, str]], str]:
    """Definitions `(name, text)` of repeated parts, in order of use, and the text that uses them.

    Expressions of at most `limit` nodes are written in full.

    Raises:
        LimitError: SD904 when even so it would be too long.
    """
    definitions, (text,) = shared_texts([root], printer, limit)
    return definitions, text


def shared_texts(roots: Sequence[Node], printer: Printer[P], limit: int) -> tuple[list[tuple[str, str]], list[str]]:
    """The same for several expressions that share parts."""
    order = postorder(*roots)
    names = choose_names(order, roots) if sum(r.tree_size for r in roots) > limit else {}
    sizes: dict[Node, int] = {}
    total = 0
    for node in order:
        size = 1 + sum(sizes[o] for o in node.operands)
        if node in names:
            total += size
        sizes[node] = 1 if node in names else size
    total += sum(sizes[r] for r in roots)
    if total > MAX_TREE:
        raise LimitError(f"even with names for repeated parts this expression has {_rounded(total)} parts", code="SD904")
    return _fold(roots, printer, names)


def choose_names(order: list[Node], roots: Sequence[Node] = (), smallest: int = 5) -> dict[Node, str]:
    """Names for the nodes that are used more than once, hold at least `smallest` nodes and no index bound outside them."""
    uses = Counter(o for node in order for o in node.operands) + Counter(roots)
    free = free_indices(order)
    bound = {node.operands[1] for node in order if binds(node)}
    taken = {n.name for n in order if isinstance(n, (Var, Index))}
    taken |= {s.name for n in order for s in ([*n.value.free_symbols] if isinstance(n, Num) else [])}
    taken |= {s.name for n in order for size in n.shape for s in size.free_symbols}
    names: dict[Node, str] = {}
    number = 0
    for node in order:
        if uses[node] < 2 or node.tree_size < smallest or free[node] & bound:
            continue
        number += 1
        while f"h{number}" in taken:
            number += 1
        names[node] = f"h{number}"
    return names


def _fold(roots: Sequence[Node], printer: Printer[P], names: dict[Node, str]) -> tuple[list[tuple[str, str]], list[str]]:
    order = postorder(*roots)
    waiting = Counter(o for node in order for o in node.operands) + Counter(roots)
    done: dict[Node, P] = {}
    definitions = []
    for node in order:
        piece = printer.visit(node, [done[o] for o in node.operands])
        if node in names:
            definitions.append((names[node], printer.finish(piece, node)))
            piece = printer.named(names[node], node)
        done[node] = piece
        for o in node.operands:  # a deep graph would otherwise keep a text of every depth
            waiting[o] -= 1
            if not waiting[o]:
                del done[o]
    return definitions, [printer.finish(done[r], r) for r in roots]


def _rounded(count: int) -> str:
    return f"{count:,}" if count < 10**9 else f"about 10^{int(count.bit_length() * 0.30103)}"


__all__ = ["MAX_TREE", "Printer", "all_as_words", "as_words", "choose_names", "plain_text", "shared_text", "shared_texts"]
