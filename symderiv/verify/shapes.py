"""Claims of the wrong shape: another layout, a transpose, an axis too many or too few; and claims that have no shape at all."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Node
from ..expr.walk import replace
from .claim import Claim, as_array
from .context import Context
from .decide import Trials
from .hypotheses import truth_edits
from .insertions import inserted_entries, misplaced
from .messages import claim_edit, factor_text, shapes_text
from .mutations import Edit, edits, occurrences, put, transposed
from .points import finite, gap
from .ratios import Ratio, ratio_of
from .verdict import Diagnosis, say

REPAIRS = frozenset(("transpose", "swap", "product", "axis"))
MOST_PAIRS = 1_500


# the wrong shape -------------------------------------------------------------------------------------------------------------
def diagnose_shape(context: Context, rank_out: int) -> Diagnosis:
    """Why a claim has another shape than the derivative.

    Args:
        rank_out: number of axes of what was differentiated (0 for a loss).
    """
    for family in (_permuted, _edited, _reshaped, _diagonal, _summed, _forgotten, _entries, _misplaced, _broadcast):
        found = list(family(context, rank_out))
        if found:
            return min(found, key=lambda d: d.rank)
    message = shapes_text(context.words, context.truth)
    return Diagnosis("shape", f"The shapes differ: {message}. The derivative is {say(context.truth)}.", None, context.words)


def permutation(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """The claim is right, or right up to a constant, with its axes in another order (for claims of the right shape too)."""
    yield from _permuted(context, rank_out)


def _permuted(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    rank = context.truth.rank
    if context.words.rank != rank or not 2 <= rank <= 4:
        return
    for axes in itertools.permutations(range(rank)):
        if list(axes) == list(range(rank)):
            continue
        ratio = _ratio(context, lambda x, axes=axes: x.transpose(axes))  # type: ignore[misc]
        if ratio is None or ratio.scalar is not None:
            continue
        fixed = transposed(context.words) if rank == 2 else Call("transpose", context.words, axes=axes)
        swapped = [*range(rank - rank_out, rank), *range(rank - rank_out)]
        layout = 0 < rank_out < rank and list(axes) == swapped
        yield _said_permuted(context, fixed, layout, ratio)


def _said_permuted(context: Context, fixed: Node, layout: bool, ratio: Ratio) -> Diagnosis:
    extra = ""
    if ratio.constant == -1:
        extra = " The sign is wrong as well."
    elif ratio.constant != 1:
        extra = f" The factor {factor_text(ratio)} is missing as well."
    shapes = f": {shapes_text(context.words, context.truth)}" if context.words.shape != context.truth.shape else ""
    if layout:
        message = f"Your claim is the derivative in the other layout, the transpose of what was asked for{shapes}.{extra}"
        return Diagnosis("layout", message, fixed if not extra else context.truth, context.words, 1.0 + bool(extra))
    message = f"Your claim is the transpose of the derivative{shapes}.{extra}"
    if context.words.rank > 2:
        message = f"The axes of your claim are in the wrong order{shapes}.{extra}"
    return Diagnosis("transpose", message, fixed if not extra else context.truth, context.words, 1.1 + bool(extra))


def _ratio(context: Context, change: Callable[[np.ndarray], np.ndarray]) -> Ratio | None:
    """`truth = ratio * change(claim)` at all points where that has the right shape."""
    pairs = []
    for p in context.trials.points:
        true, got = context.trials.true(p), p.value(context.words)
        if got is None or not finite(got):
            continue
        try:
            changed = change(got)
        except (ValueError, IndexError):
            return None
        if changed.shape != true.shape:
            return None
        pairs.append((true, changed, p))
    return ratio_of(pairs) if pairs else None


def _same(context: Context, change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]) -> bool:
    """Whether `(claim, truth)`, changed, agree at all points."""
    seen = False
    for p in context.trials.points:
        true, got = context.trials.true(p), p.value(context.words)
        if got is None or not finite(got):
            continue
        try:
            pair = change(got, true)
        except (ValueError, IndexError):
            return False
        if pair is None or gap(*pair) > 1e-8:
            return False
        seen |= true.size > 1 or got.size > 1
    return seen


def _edited(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """One transpose, another order of factors, another product or another axis repairs the claim."""
    for e in edits(context.words, REPAIRS | {"drop_factor"}):
        if e.root.shape == context.truth.shape and context.is_true(e.root) and context.true_everywhere(e.root):
            yield _as_shape(claim_edit(context, e, e.root), context, e)


def _as_shape(d: Diagnosis, context: Context, e: Edit) -> Diagnosis:
    kind = "transpose" if e.name == "transpose" else "index" if e.name == "axis" else "shape"
    shapes = shapes_text(context.words, context.truth)
    return Diagnosis(kind, f"{d.message} As it stands, {shapes}.", d.fixed, d.place, d.rank, path=d.path)


def _forgotten(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """One factor of the derivative left out, or one sum, gives the claim."""
    for d in truth_edits(context, frozenset(("drop_factor", "axis", "average", "swap", "product"))):
        kind = "shape" if d.kind == "wrong" else d.kind
        yield Diagnosis(kind, f"{d.message} As it stands, {shapes_text(context.words, context.truth)}.", d.fixed, None, d.rank)


def _entries(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """A factor with indices is missing: `x[i]` in a sum over `i`."""
    for d in inserted_entries(context):
        yield Diagnosis(
            d.kind, f"{d.message} As it stands, {shapes_text(context.words, context.truth)}.", d.fixed, d.place, d.rank
        )


def _misplaced(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """Something else stands where a piece of another size belongs."""
    for d in misplaced(context):
        shapes = shapes_text(context.words, context.truth)
        yield Diagnosis("shape", f"{d.message} As it stands, {shapes}.", d.fixed, d.place, d.rank, path=d.path)


def _reshaped(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    shapes = shapes_text(context.words, context.truth)
    if _same(context, lambda c, t: (c.reshape(t.shape), t) if c.ndim != t.ndim and c.size == t.size else None):
        message = f"The numbers are right, but the shape is not: {shapes}."
        yield Diagnosis("shape", message, Call("reshape", context.words, shape=context.truth.shape), context.words, 2.0)
    elif _same(context, lambda c, t: _columns(c, t, rank_out)):
        message = f"Your claim is the derivative with matrices stacked column by column (vec): {shapes}."
        yield Diagnosis("layout", message, context.truth, context.words, 2.1)


def _columns(claim: np.ndarray, true: np.ndarray, rank_out: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The derivative as `∂ vec f / ∂ vec X`."""
    if claim.ndim != 2 or claim.size != true.size:
        return None
    out, by = true.shape[:rank_out], true.shape[rank_out:]
    rows = true.reshape((*out, -1)).reshape((-1, int(np.prod(by))), order="F")
    stacked = np.stack([r.reshape(by).reshape(-1, order="F") for r in rows])
    return claim, stacked if stacked.shape == claim.shape else stacked.T


def _summed(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    """A sum (or mean) over one axis is missing, or one too many was taken."""
    shapes = shapes_text(context.words, context.truth)
    for axis in range(context.words.rank):
        for word, f in (("sum", np.sum), ("mean", np.mean)):
            if _same(context, lambda c, t, axis=axis, f=f: (f(c, axis=axis), t)):  # type: ignore[misc]
                size = context.words.shape[axis]
                message = f"A {word} over axis {axis} (of size {size}) is missing: {shapes}."
                yield Diagnosis("shape", message, Call(word, context.words, axis=axis), context.words, 2.2)
    for axis in range(context.truth.rank):
        if _same(context, lambda c, t, axis=axis: (c, t.sum(axis=axis))):  # type: ignore[misc]
            message = f"Your claim sums over axis {axis} of the derivative, which should stay: {shapes}."
            yield Diagnosis("shape", message, context.truth, context.words, 2.3)
    if context.words.rank == 0 and context.truth.rank and _same(context, lambda c, t: (c, t.sum())):
        message = f"Your claim is the sum of all entries of the derivative; the sum is too much: {shapes}."
        yield Diagnosis("shape", message, context.truth, context.words, 2.3)
    if context.truth.rank == 0 and context.words.rank > 1 and _same(context, lambda c, t: (c.sum(), t)):
        message = f"A sum over all entries is missing: {shapes}."
        yield Diagnosis("shape", message, Call("sum", context.words), context.words, 2.2)


def _diagonal(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    def diagonals(c: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        if t.ndim != 2 * c.ndim or not c.ndim or t.shape != (*c.shape, *c.shape):
            return None
        square = t.reshape(c.size, c.size)
        return c.reshape(-1), np.diag(square) if np.array_equal(square, np.diag(np.diag(square))) else np.full(c.size, np.nan)

    if _same(context, diagonals):
        shapes = shapes_text(context.words, context.truth)
        message = f"Your claim is the diagonal of the derivative, whose other entries are 0: {shapes}."
        fixed = Call("diag", context.words) if context.words.rank == 1 else context.truth
        yield Diagnosis("shape", message, fixed, context.words, 2.4)


def _broadcast(context: Context, rank_out: int) -> Iterator[Diagnosis]:
    def stretched(c: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        if c.shape == t.shape:
            return None
        shape = np.broadcast_shapes(c.shape, t.shape)
        return np.broadcast_to(c, shape), np.broadcast_to(t, shape)

    if _same(context, stretched):
        shapes = shapes_text(context.words, context.truth)
        message = f"The values are right, but {shapes}: repeat them, or leave the repetition out."
        yield Diagnosis("shape", message, context.truth, context.words, 2.5)


# no shape at all -------------------------------------------------------------------------------------------------------------
def diagnose_loose(trials: Trials, claim: Claim, make: Callable[[Node], Context]) -> Diagnosis:
    """Why the operands of a claim do not fit, and which transposes make it the derivative.

    Args:
        make: a context for words that fit.
    """
    error = claim.error
    assert error is not None
    reason = re.sub(r"\s*\([^()]*\bdeclared\b[^()]*\)$", "", error.message)
    if claim.loose is None:
        return Diagnosis("shape", f"The shapes in your claim do not fit: {reason}.")
    if claim.indices:
        return _index_repair(trials, claim, make, reason)
    repaired: list[tuple[tuple[Edit, ...], Node]] = []
    for changes, words in _repairs(claim):
        if words.shape != trials.truth.shape:
            continue
        context = make(words)
        if context.is_true(words) and context.true_everywhere(words):
            return _said_repair(changes, words, claim, reason, "")
        repaired.append((changes, words))
    for changes, words in repaired:
        ratio = make(words).ratio(words)
        if ratio is not None:
            more = (
                "the sign is wrong"
                if ratio.constant == -1 and ratio.scalar is None
                else f"the factor {factor_text(ratio)} is missing"
            )
            return _said_repair(changes, words, claim, reason, more, trials.truth)
    missing = _missing_matrix(trials, claim, make, reason)
    if missing is not None:
        return missing
    return Diagnosis(
        "shape", f"The shapes in your claim do not fit: {reason}. The derivative is {say(trials.truth)}.", trials.truth
    )


def _missing_matrix(trials: Trials, claim: Claim, make: Callable[[Node], Context], reason: str) -> Diagnosis | None:
    """A matrix in front of a vector or matrix makes the claim fit and right: a factor is missing."""
    assert claim.loose is not None
    there = {v: k for k, v in claim.strict.items()}
    matrices = [there[v] for v in trials.variables if v.rank == 2 and v in there]
    until = time.thread_time() + 1.0
    for path, node in occurrences(claim.loose, 40):
        for m in matrices if node.rank in (1, 2) else ():
            for factor in (m, Call("T", m)):
                if time.thread_time() > until:
                    return None
                try:
                    words = strict(claim, put(claim.loose, path, Call("matmul", factor, node)))
                except SymDerivError:
                    continue
                if words is None or words.shape != trials.truth.shape:
                    continue
                context = make(words)
                if context.is_true(words) and context.true_everywhere(words):
                    said = (
                        f"The shapes in your claim do not fit ({reason}): the factor {say(factor)} is missing before {say(node)}."
                    )
                    return Diagnosis("missing_factor", said, words, node, path=path)
    return None


def _index_repair(trials: Trials, claim: Claim, make: Callable[[Node], Context], reason: str) -> Diagnosis:
    """Other subscripts that make an entry the derivative's."""
    assert claim.loose is not None
    wrong = f"The indices in your claim do not fit: {reason}."
    for e in edits(claim.loose, frozenset(("index", "transpose"))):
        entry = strict(claim, e.root)
        try:
            words = as_array(entry, claim.indices) if entry is not None else None
        except SymDerivError:
            continue
        if words is None or words.shape != trials.truth.shape or e.new is None:
            continue
        context = make(words)
        said = f"{wrong} {say(e.new)} belongs where {say(e.old)} stands"
        if context.is_true(words) and context.true_everywhere(words):
            return Diagnosis("index", f"{said}; with that it is right.", words, e.old, path=e.path)
        ratio = context.ratio(words)
        if ratio is not None:
            said += f"; besides, the factor {factor_text(ratio)} is missing."
            return Diagnosis("index", said, trials.truth, e.old, path=e.path)
    return Diagnosis("shape", f"{wrong} The derivative is {say(trials.truth)}.", trials.truth)


def _repairs(claim: Claim) -> Iterator[tuple[tuple[Edit, ...], Node]]:
    """Claims with one repair that fit, then with two."""
    assert claim.loose is not None
    singles = sorted(edits(claim.loose, REPAIRS, most=80), key=lambda e: (e.name != "transpose", e.old.tree_size))
    for e in singles:
        words = strict(claim, e.root)
        if words is not None:
            yield (e,), words
    tried = 0
    until = time.thread_time() + 2.0
    seen: set[Node] = set()
    for first in singles:
        for second in edits(first.root, REPAIRS if first.name == "transpose" else REPAIRS - {"swap"}, most=60):
            if second.root in seen:
                continue
            seen.add(second.root)
            tried += 1
            if tried > MOST_PAIRS or time.thread_time() > until:
                return
            words = strict(claim, second.root)
            if words is not None:
                yield (first, second), words


def strict(claim: Claim, loose: Node) -> Node | None:
    """Loose words with their own sizes, where they fit."""
    try:
        return replace(loose, claim.strict)
    except (SymDerivError, TypeError, IndexError):
        return None


def _said_repair(
    changes: tuple[Edit, ...], words: Node, claim: Claim, reason: str, more: str, fixed: Node | None = None
) -> Diagnosis:
    only = all(e.name == "transpose" for e in changes)
    steps = " and ".join(f"{say(e.new)} where {say(e.old)} stands" for e in changes if e.new is not None)
    what = "a transpose is missing or too much" if only else "the product or the order is wrong"
    after = f"With that, {more}." if more else f"With that it is right: {say(words)}."
    message = f"The shapes in your claim do not fit ({reason}): {what}. It should be {steps}. {after}"
    return Diagnosis("transpose" if only and not more else "shape", message, fixed or words, changes[0].old, path=changes[0].path)


__all__ = ["diagnose_loose", "diagnose_shape", "permutation", "strict"]
