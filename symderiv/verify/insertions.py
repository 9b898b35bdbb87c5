"""A factor that is seen in the derivative or the original and not in the claim, put into the claim in one place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

from sympy import Expr

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder
from .context import Context
from .messages import claim_edit
from .mutations import Edit, Path, occurrences, put, scope_at
from .points import open_indices
from .verdict import Diagnosis

MOST_TRIES = 1_500
MOST_ENTRIES = 250  # these are lowered to arrays, which costs more


def pieces_of(context: Context, most: int = 30) -> list[Node]:
    """Variables and small subexpressions of the derivative and the original, the smallest first."""
    found = [n for n in postorder(context.truth, context.trials.words) if isinstance(n, (Call, Var)) and not open_indices(n)]
    return sorted(dict.fromkeys(n for n in found if n.tree_size < 40), key=lambda n: n.tree_size)[:most]


def inserted(context: Context) -> Iterator[Diagnosis]:
    """`f * x`, `x / f`, `F @ x`, `x @ F` with a piece in place of any `x` of the claim."""
    pieces, tried = pieces_of(context), 0
    for path, node in occurrences(context.words, 40):
        for piece in pieces:
            for build in _products(node, piece):
                tried += 1
                if tried > MOST_TRIES or context.late:
                    return
                try:
                    root = put(context.words, path, build())
                except SymDerivError:
                    continue
                if root.shape == context.truth.shape and context.is_true(root) and context.true_everywhere(root):
                    yield claim_edit(context, Edit("insert", path, node, root, root, piece), root)


def _products(node: Node, piece: Node) -> Iterator[Callable[[], Node]]:
    if isinstance(node, Index):
        return
    if piece.rank <= node.rank:
        yield partial(Call, "mul", node, piece)
        yield partial(Call, "div", node, piece)
    if piece.rank == 2 and node.rank in (1, 2):
        for p in (piece, Call("T", piece)):
            yield partial(Call, "matmul", p, node)
            if node.rank == 2:
                yield partial(Call, "matmul", node, p)


def replaced(context: Context) -> Iterator[Diagnosis]:
    """Another variable or small expression of the same shape stands where one belongs: `x` for `y`, `W @ x` for `tanh(W @ x)`."""
    pieces, most = pieces_of(context), max(context.words.tree_size // 2, context.words.tree_size - 3)
    tried = 0
    for path, node in occurrences(context.words, 60):
        if not path or isinstance(node, (Index, Num)) or node.tree_size > most or open_indices(node):
            continue
        for piece in pieces:
            if piece.shape != node.shape or piece is node or piece.tree_size > most:
                continue
            tried += 1
            if tried > MOST_TRIES or context.late:
                return
            try:
                root = put(context.words, path, piece)
            except SymDerivError:
                continue
            if root.shape == context.truth.shape and context.is_true(root) and context.true_everywhere(root):
                yield claim_edit(context, Edit("replace", path, node, piece, root), root)


def misplaced(context: Context) -> Iterator[Diagnosis]:
    """The same where that changes the shape of the claim: `x` for `tanh(W @ x)`."""
    pieces, tried = pieces_of(context), 0
    for path, node in occurrences(context.words, 40):
        if not path or isinstance(node, (Index, Num)) or open_indices(node):
            continue
        for piece in pieces:
            if piece.rank != node.rank or piece.shape == node.shape:
                continue
            tried += 1
            if tried > MOST_TRIES // 3 or context.late:
                return
            try:
                root = put(context.words, path, piece)
            except SymDerivError:
                continue
            if root.shape == context.truth.shape and context.is_true(root) and context.true_everywhere(root):
                yield claim_edit(context, Edit("replace", path, node, piece, root), root)


# entries ---------------------------------------------------------------------------------------------------------------------
def inserted_entries(context: Context) -> Iterator[Diagnosis]:
    """The same with entries (`x[i, j]`, a row `X[i]`, `δ_ij`) in claims that are written with indices."""
    root = context.claim.entry if context.claim.entry is not None else context.words
    sizes = dict(context.claim.indices) if context.claim.entry is not None else {}
    bases, tried = [p for p in pieces_of(context, 16) if p.rank], 0
    for path, node in occurrences(root, 30):
        if isinstance(node, (Index, Var)) or (isinstance(node, Num) and path and _inside_subscript(root, path)):
            continue
        around = {i: s for i, s in scope_at(root, path).items() if s is not None}
        for piece in _entries(bases, {**sizes, **around}):
            tried += 1
            if tried > MOST_ENTRIES or context.late:
                return
            try:
                entry = put(root, path, Call("mul", node, piece))
                words = context.claim.array(entry) if context.claim.entry is not None else entry
            except SymDerivError:
                continue
            if words.shape == context.truth.shape and context.is_true(words) and context.true_everywhere(words):
                yield claim_edit(context, Edit("insert", path, node, entry, entry, piece), words)


def _inside_subscript(root: Node, path: Path) -> bool:
    for k in path[:-1]:
        root = root.operands[k]
    return isinstance(root, Call) and root.name == "getitem"


def _entries(bases: list[Node], scope: dict[Index, Expr]) -> Iterator[Node]:
    """Entries and rows of arrays at the indices around, where the lengths fit; then Kronecker deltas."""
    for base in bases:
        for count in range(1, min(base.rank, 2) + 1):
            for chosen in itertools.permutations(scope, count):
                if all(scope[i] == s for i, s in zip(chosen, base.shape, strict=False)):
                    spec = ("at",) * count + (("slice", None, None, None),) * (base.rank - count)
                    yield Call("getitem", base, *chosen, spec=spec)
    for i, j in itertools.combinations(scope, 2):
        if scope[i] == scope[j]:
            yield Call("eq", i, j)


__all__ = ["inserted", "inserted_entries", "misplaced", "pieces_of", "replaced"]
