"""Why a claim is wrong: the usual mistakes, tried in order of how simple an explanation they are.

Every family of hypotheses is a function of the context that gives diagnoses which were verified: the corrected claim has the
values of the derivative at all points, or the derivative with the mistake in it has those of the claim. The first family that
explains the claim is believed, and in it the diagnosis of the lowest rank.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from sympy import Expr, Integer

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from . import sampling
from .context import Context
from .hypotheses import claim_edits, truth_edits
from .insertions import inserted, inserted_entries, replaced
from .messages import changed_terms, claim_edit, extra_terms, missing_terms, only_symmetric, unexplained, whole_ratio
from .mutations import edits, scaled
from .points import Point, finite, gap
from .ratios import Ratio, ratio_of
from .terms import Difference, difference, expanded, sum_words
from .verdict import Diagnosis

DOUBTFUL = 20.0  # ranks from here on: a change that happens to have the right values, told where nothing better is found
Family = Callable[[Context], Iterator[Diagnosis]]


def diagnose(context: Context) -> Diagnosis:
    """The simplest verified explanation, or `wrong`."""
    doubtful: list[Diagnosis] = []
    for family in FAMILIES if context.given is not None else BLACK_BOX:
        if context.late:
            break
        found = _explanations(family, context)
        if any(d.rank < DOUBTFUL for d in found) or (found and doubtful):
            return min(found, key=lambda d: d.rank)
        doubtful += found
    if doubtful:
        return min(doubtful, key=lambda d: d.rank)
    return Diagnosis("wrong", unexplained(context))


def _explanations(family: Family, context: Context) -> list[Diagnosis]:
    """What a family says; a hypothesis that cannot even be written down explains nothing."""
    found: list[Diagnosis] = []
    with contextlib.suppress(SymDerivError):
        found.extend(family(context))
    return found


# the whole -------------------------------------------------------------------------------------------------------------------
def whole(context: Context) -> Iterator[Diagnosis]:
    """The claim is a constant, a size or a scalar variable times the derivative."""
    ratio = context.ratio()
    if ratio is not None and not isinstance(ratio.scalar, Call) and (ratio.constant != 1 or ratio.scalar is not None):
        yield whole_ratio(context, ratio, _times(context.given, ratio) if context.given is not None else context.truth)


def whole_scalar(context: Context) -> Iterator[Diagnosis]:
    """The claim is a scalar expression (`x @ x`) times the derivative."""
    ratio = context.ratio()
    if ratio is not None and isinstance(ratio.scalar, Call):
        yield whole_ratio(context, ratio, _times(context.given, ratio) if context.given is not None else context.truth)


def _times(words: Node, ratio: Ratio) -> Node | None:
    """`ratio * words`."""
    try:
        out = words
        if ratio.scalar is not None:
            out = Call("mul", ratio.scalar, out) if ratio.power == 1 else Call("div", out, ratio.scalar)
        c: Expr = ratio.constant
        if c == -1:
            return Call("neg", out)
        return out if c == 1 else scaled(out, c)
    except SymDerivError:
        return None


# terms -----------------------------------------------------------------------------------------------------------------------
def terms(context: Context) -> Iterator[Diagnosis]:
    """Terms that are missing, too many, or have another coefficient, in the sums as they stand."""
    if context.cores is not None:
        yield from _compared(context, difference(*context.cores), 2.0)


def inner_terms(context: Context) -> Iterator[Diagnosis]:
    """The same after everything is multiplied out."""
    if context.cores is not None:
        truth, claim = (expanded(c) for c in context.cores)
        yield from _compared(context, difference(truth, claim), 6.0)


def _compared(context: Context, found: Difference, rank: float) -> Iterator[Diagnosis]:
    only_missing = bool(found.missing) and not found.extra and not found.changed
    few_changed = 0 < len(found.changed) < 3 and not found.missing and not found.extra
    if not (found.common or only_missing or few_changed):
        return
    if only_missing:
        yield from _if_true(context, missing_terms, found.missing, 1, rank)
    elif found.extra and not found.missing and not found.changed:
        yield from _if_true(context, extra_terms, found.extra, -1, rank)
    elif found.changed and not found.missing and not found.extra:
        ratios = {t / c for t, c in found.changed.values()}
        if len(ratios) == 1:
            words = sum_words({b: c for b, (_, c) in found.changed.items()})
            ratio = Ratio(*_number_and_sizes(ratios.pop()))
            if words is not None and _true_with(context, words, ratio.constant - 1):
                yield changed_terms(context, words, ratio, rank)
    elif found.missing and found.extra and not found.changed:
        yield from _replaced(context, found, rank)


def _if_true(
    context: Context, say: Callable[..., Diagnosis], found: dict[Node, Expr], times: int, rank: float
) -> Iterator[Diagnosis]:
    words = sum_words(found)
    if words is not None and _true_with(context, words, Integer(times)):
        yield say(context, words, rank)


def _true_with(context: Context, words: Node, times: Expr) -> bool:
    """Whether `claim + times * words` is the derivative."""
    try:
        return context.is_true(Call("add", context.words, scaled(words, times)))
    except SymDerivError:
        return False


def _number_and_sizes(value: Expr) -> tuple[Expr, Expr]:
    number, rest = value.as_coeff_Mul()
    return number, rest


def _replaced(context: Context, found: Difference, rank: float) -> Iterator[Diagnosis]:
    """Some terms of the claim stand for others, by a constant, size or scalar: `w` for `lam*w`."""
    true, claimed = sum_words(found.missing), sum_words(found.extra)
    if true is None or claimed is None:
        return
    pairs = []
    for p in context.trials.points:
        a, b = p.value(true), p.value(claimed)
        if a is not None and b is not None and finite(a) and finite(b):
            pairs.append((a, b, p))
    ratio = ratio_of(pairs, context.scalars)
    if ratio is not None:
        yield changed_terms(context, claimed, ratio, rank + 0.2)


# one change ------------------------------------------------------------------------------------------------------------------
TRANSPOSES = frozenset(("transpose",))
OTHERS = frozenset(
    (
        "negate",
        "scale",
        "drop_term",
        "drop_factor",
        "swap",
        "axis",
        "average",
        "product",
        "index",
        "unwrap",
        "compare",
        "invert",
        "transpose",
    )
)


def transposes(context: Context) -> Iterator[Diagnosis]:
    """One transpose of the claim, more or less."""
    yield from claim_edits(context, TRANSPOSES)


def single(context: Context) -> Iterator[Diagnosis]:
    """Any other single change of the claim, or of the derivative."""
    if context.given is not None:
        yield from claim_edits(context, OTHERS - TRANSPOSES)
    yield from truth_edits(context, OTHERS)
    yield from whole_scalar(context)
    if context.given is not None:
        yield from (replace(d, rank=5.9) for d in inner_terms(context) if d.kind in ("missing_term", "extra_term"))


# symmetric matrices ----------------------------------------------------------------------------------------------------------
def symmetric(context: Context) -> Iterator[Diagnosis]:
    """The claim is right where a matrix is symmetric, and nothing says that it is."""
    square = [v for v in context.trials.variables if v.rank == 2 and v.shape[0] == v.shape[1] and not v.is_a("symmetric")]
    if not square or not _right_if_symmetric(context, square):
        return
    needed = [v for v in square if not _right_if_symmetric(context, [s for s in square if s is not v])]
    yield only_symmetric(context, needed or square)


def _right_if_symmetric(context: Context, square: list[Var]) -> bool:
    if not square:
        return False
    names = {v.name for v in square}
    tried = 0
    for p in context.trials.points:
        values = {n: (x + x.T) / 2 if n in names else x for n, x in p.values.items()}
        if not sampling.tame(context.trials.function(p.sizes), values):
            continue
        point = Point(p.sizes, values)
        true, claimed = point.value(context.truth), context.claimed(point)
        if true is None or claimed is None or not finite(true) or not finite(claimed):
            continue
        if gap(true, claimed) > 1e-8:
            return False
        tried += max(true.shape, default=0) != 1
    return tried > 0


# two changes -----------------------------------------------------------------------------------------------------------------
def scaled_edits(context: Context) -> Iterator[Diagnosis]:
    """One change of the claim, and then a constant factor."""
    for e in edits(context.words, OTHERS - {"scale"}, most=60):
        if context.late:
            return
        if e.name == "negate" and not e.path:
            continue
        first = context.probes[0]
        got = first.value(e.root) if first.shape_of(e.root) == context.true_values[0].shape else None
        if got is None or not finite(got) or ratio_of([(context.true_values[0], got, first)]) is None:
            continue
        ratio = context.ratio(e.root, scalars=False)
        if ratio is not None and ratio.constant != 1:
            fixed = _times(e.root, ratio)
            if fixed is not None and not isinstance(e.detail, Num) and context.true_everywhere(fixed):
                yield claim_edit(context, e, fixed, ratio)


def two_transposes(context: Context) -> Iterator[Diagnosis]:
    """Two transposes of the claim."""
    seen: set[Node] = set()
    for first in edits(context.words, TRANSPOSES, most=40):
        for second in edits(first.root, TRANSPOSES, most=40):
            if second.root in seen:
                continue
            seen.add(second.root)
            if len(seen) > 400 or context.late:
                return
            if context.is_true(second.root):
                found = claim_edit(context, second, second.root)
                yield Diagnosis(
                    "transpose", f"Two transposes are wrong in your claim: {found.message}", second.root, found.place, found.rank
                )


FAMILIES: tuple[Family, ...] = (
    whole, terms, transposes, symmetric, single, inner_terms, replaced, inserted_entries, scaled_edits, two_transposes, inserted,
)  # fmt: skip

BLACK_BOX: tuple[Family, ...] = (whole, symmetric, single)

__all__ = ["BLACK_BOX", "FAMILIES", "diagnose"]
