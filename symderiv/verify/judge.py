"""A claim, the derivative, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CertificateError, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder
from ..notation.polish import polish
from ..notation.words import to_words
from ..read.problem import Problem
from ..simplify.lower import normal
from . import sampling
from .claim import ELEMENTWISE, Claim
from .context import Context
from .decide import Decision, Trials, compare, decide
from .diagnose import diagnose
from .pieces import unreached
from .points import Point, finite, gap
from .ratios import Ratio, ratio_at
from .shapes import diagnose_loose, diagnose_shape, permutation
from .terms import minus
from .updates import Update, implied, is_update
from .verdict import Counterexample, Diagnosis, Suggestion, Verdict, number, say, values_of

if TYPE_CHECKING:
    from ..result import Derivative

SIGN = "The sign is wrong: your claim is minus the derivative."
TINY = 1e-6  # relative differences that the hypotheses of a diagnosis could not see
DOUBLE, SINGLE = 1e-6, 1e-3  # what a function computed in float64 (perhaps by differences), or in float32, may differ by
SIMPLE = 60  # nodes of a difference that is worth showing


@dataclass
class Judge:
    """Everything about one question but the claim.

    Attributes:
        problem: the loss.
        correct: its derivative.
        wrt: what it is differentiated by, in turn.
        at: which entry of the derivative is asked for, as in `Claim`.
        mask: where it is asked for, as in `Claim`.
    """

    problem: Problem
    correct: Derivative
    wrt: tuple[Var, ...]
    seed: int = 0
    at: tuple[Node | None, ...] = ()
    mask: Node | None = None

    def __post_init__(self) -> None:
        self.truth: Node = self.correct.displayed
        if self.mask is not None:
            self.truth = Call("mul", self.truth, self.mask)
        elif any(isinstance(i, Index) for i in self.at):
            self.truth = Call("diag", self.truth)
        elif self.at:
            spec = tuple("at" if i is not None else ("slice", None, None, None) for i in self.at)
            self.truth = Call("getitem", self.truth, *(i for i in self.at if i is not None), spec=spec)
        self.trials = Trials(self.problem.expr, list(self.problem.vars.values()), self.truth, self.seed)
        if not self.trials.points:
            raise CertificateError(
                "the loss and its derivative have no finite value at any point that was tried, so nothing can be compared",
                code="SD402",
                hint="declare what is positive, or which matrices are psd",
            )

    def verdict(self, claim: Claim) -> Verdict:
        """The verdict on a claim as read."""
        with np.errstate(all="ignore"):  # what is not finite is dealt with
            return self._verdict(claim)

    def _verdict(self, claim: Claim) -> Verdict:
        if claim.alternatives:
            return self._not_well_formed(claim)
        if claim.missing_sum is not None:
            return _summed(self.verdict(replace(claim, missing_sum=None)), claim)
        if claim.at or claim.mask is not None:
            judge = replace(self, at=claim.at, mask=claim.mask)
            words = claim.words
            if claim.mask is not None and words is not None:
                words = Call("mul", words, claim.mask)
            return replace(judge.verdict(replace(claim, words=words, at=(), mask=None)), entry=judge.truth)
        if claim.function is not None:
            return self._black_box(claim)
        if claim.words is None:
            found = diagnose_loose(self.trials, claim, lambda words: self._context(claim, words))
            return self._wrong(claim, found, None)
        update = None
        if is_update(claim):
            claim, update = implied(claim, self.wrt, self.problem.expr)
        verdict = self._of_words(claim, update)
        return _about_update(verdict, update) if update is not None else verdict

    def _not_well_formed(self, claim: Claim) -> Verdict:
        """A text that means nothing as it stands: wrong if a small repair makes it the derivative.

        Raises:
            SymDerivError: what is wrong with the text, where no repair does.
        """
        assert claim.error is not None
        for how, other in claim.alternatives:
            verdict = self.verdict(other)
            if verdict.ok and how == ELEMENTWISE:
                break  # meant so, very likely: not understood, and no mistake
            if verdict.ok:
                message = f"The shapes in your claim do not fit: {claim.error.message}. With {how}, it is right."
                return replace(
                    verdict, ok=False, kind="shape", message=message, span=claim.error.span, decided_by="the shapes", notes=()
                )
        raise claim.error

    def _context(self, claim: Claim, words: Node | None) -> Context:
        return Context(self.trials, claim, words, self.wrt)

    # words -------------------------------------------------------------------------------------------------------------------
    def _of_words(self, claim: Claim, update: Update | None) -> Verdict:
        words = claim.words
        assert words is not None
        self.trials.check_size(words)
        context = self._context(claim, words)
        if words.shape != self.truth.shape and not self._same_shape(words):
            return self._wrong(claim, diagnose_shape(context, self.problem.expr.rank), None)
        decision = decide(self.trials, words)
        if decision.equal and not decision.undefined:
            return self._right(claim, decision)
        if decision.equal:
            message = f"Your claim agrees with the derivative where it has a value, but {decision.undefined}."
            return self._wrong(claim, Diagnosis("wrong", message, self.truth), decision)
        if update is not None and update.loose:
            ratio = _constant(context)
            if ratio is not None:
                steps = (f"the step is {number(abs(1 / ratio))}",) if update.number else ()
                if ratio > 0:
                    how = f"{decision.how.split(':')[0]}, up to a positive constant"
                    return self._right(claim, replace(decision, equal=True, how=how), steps)
                return self._wrong(claim, Diagnosis("sign", SIGN, self.truth, notes=steps), decision)
        if decision.worst < TINY:
            apart = f"they differ by {decision.worst:.0e} of their size"
            message = f"Your claim is not quite the derivative: {apart}. The derivative is {say(self.truth)}."
            return self._wrong(claim, Diagnosis("wrong", message, self.truth), decision)
        found = self._other_convention(context) or next(permutation(context, self.problem.expr.rank), None)
        if found is None or context.ratio(scalars=False) is not None:
            found = diagnose(context)
        if decision.undefined:
            found = replace(found, message=f"{found.message} Besides, {decision.undefined}.")
        return self._wrong(claim, found, decision)

    def _same_shape(self, words: Node) -> bool:
        """Whether two spellings of sizes are the same (`n*d` and `d*n`)."""
        return words.rank == self.truth.rank and all(
            (a - b).expand() == 0 for a, b in zip(words.shape, self.truth.shape, strict=True)
        )

    def _right(self, claim: Claim, decision: Decision, notes: tuple[str, ...] = ()) -> Verdict:
        message = "Right: your claim is the derivative."
        kinks = kinks_of(self.problem.expr, self.correct.kinks)
        if kinks:
            message = "Right almost everywhere: your claim is the derivative wherever there is one."
            notes += tuple(f"there is none at {k}" for k in kinks)
        return Verdict(
            True,
            "right",
            message,
            correct=self.correct,
            claim=claim.problem,
            decided_by=decision.how,
            notes=(*claim.notes, *notes, *self._unreached(claim, decision), *self._notes(claim)),
            layout=self.correct.layout,
        )

    def _unreached(self, claim: Claim, decision: Decision) -> tuple[str, ...]:
        """What a decision by points alone has not seen."""
        if "same normal form" in decision.how or "exactly" in decision.how:
            return ()
        given = [claim.words] if claim.words is not None else []
        points = [*self.trials.points, *self.trials.dense]
        found = unreached(points, self.problem.expr, self.truth, *given)
        return tuple(f"no point reached the other side of {say(node)}: not compared there" for node in found)

    def _other_convention(self, context: Context) -> Diagnosis | None:
        """For a symmetric variable: the claim is the derivative in the other convention."""
        v, plain = self.wrt[-1], self.correct.symmetric == "plain"
        if len(self.wrt) != 1 or v.rank != 2 or not v.is_a("symmetric"):
            return None
        from ..calculus.derive import constrain_symmetric

        if plain and context.is_true(context.words):
            return None
        other = constrain_symmetric(self.correct.core, self.correct.core.rank - 2) if plain else None
        if other is None or not context.is_claimed(to_words(other)):
            return None
        message = (
            f"Your claim is the derivative by the independent entries of the symmetric {v.name}, G + G.T - diag(G); "
            "asked for was the plain one, G, which treats all entries as independent."
        )
        return Diagnosis("layout", message, self.truth, notes=('symmetric="constrained" asks for the other one',))

    def _wrong(self, claim: Claim, found: Diagnosis, decision: Decision | None) -> Verdict:
        fixed = [f for f in (found.fixed, self.truth) if f is not None]
        suggestions = tuple(Suggestion(f) for f in dict.fromkeys(fixed))
        return Verdict(
            False,
            found.kind,
            found.message,
            counterexample=self._counterexample(claim, decision),
            correct=self.correct,
            claim=claim.problem,
            decided_by=decision.how if decision is not None else "the shapes",
            difference=self._difference(claim),
            suggestions=suggestions,
            notes=(*claim.notes, *found.notes, *self._notes(claim)),
            span=claim.place_of(found.place, found.path),
            layout=self.correct.layout,
        )

    def _notes(self, claim: Claim) -> Iterable[str]:
        return [*self.correct.notes, *(f"assumed: {a}" for a in self.problem.assumptions)]

    def _difference(self, claim: Claim) -> Node | None:
        """Claim minus derivative, where it is simple."""
        if claim.words is None or claim.words.shape != self.truth.shape:
            return None
        try:
            core = minus(normal(claim.words), normal(self.truth))
            words = to_words(polish(core))
        except SymDerivError:
            return None
        return words if words.tree_size <= SIMPLE else None

    # counterexamples -----------------------------------------------------------------------------------------------------------
    def _counterexample(self, claim: Claim, decision: Decision | None) -> Counterexample | None:
        """A point where both have a value and differ: small sizes and whole numbers if there are such."""
        if decision is None or decision.equal:
            return None
        context = self._context(claim, claim.words)
        for point in (*self._small_points(), *([decision.at] if decision.at is not None else []), *self._scaled_points()):
            true, got = point.value(self.truth), context.claimed(point)
            if (
                true is None
                or got is None
                or got.shape != true.shape
                or not finite(true)
                or not finite(got)
                or gap(got, true) < 1e-6
            ):
                continue
            entry = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(got - true))), true.shape))
            sizes = {str(s): k for s, k in point.sizes.items()}
            return Counterexample(sizes, values_of(point.values), entry, float(got[entry]), float(true[entry]), got, true)
        return None

    def _scaled_points(self) -> Iterable[Point]:
        """Values of other magnitudes, where a term that is tiny elsewhere counts (`x/sqrt(x @ x + 1e-12)`)."""
        free = [v.name for v in self.trials.variables if not v.attrs]
        for scale in (1e-6, 1e-4, 1e-2, 1e2, 1e4, 1e6):
            for p in self.trials.probes[:1]:
                yield Point(p.sizes, {n: x * scale if n in free else x for n, x in p.values.items()})

    def _small_points(self) -> Iterable[Point]:
        """Points of whole numbers at sizes 1 and 2."""
        trials = self.trials
        symbols = sampling.size_symbols(trials.variables, trials.words)
        least = sampling.smallest_sizes(trials.sized, symbols)
        for size in (1, 2, 3) if symbols else (1,):
            sizes = {s: max(size, least[s]) for s in symbols}
            if not sampling.sizes_fit(trials.words, trials.variables, sizes):
                continue
            labels = sampling.label_ranges(trials.words, sizes)
            for _ in range(4):
                values = {
                    v.name: _whole(
                        v, sampling.draw_variable(v, "normal", sampling.shape_at(v, sizes), trials.rng, labels.get(v, 3))
                    )
                    for v in trials.variables
                }
                if sampling.tame(trials.function(sizes), values):
                    yield Point(sizes, values)

    # functions -----------------------------------------------------------------------------------------------------------------
    def _black_box(self, claim: Claim) -> Verdict:
        """The verdict on a function that can only be called."""
        context = self._context(claim, None)
        values = [context.claimed(p) for p in self.trials.points]
        shapes = {(v.shape, self.trials.true(p).shape) for v, p in zip(values, self.trials.points, strict=True) if v is not None}
        if not shapes:
            return _failed_function(claim, self.trials.points[0], self.correct)
        if any(a != b for a, b in shapes):
            got, true = next((a, b) for a, b in shapes if a != b)
            return self._wrong(claim, _function_shape(context, got, true), None)
        if any(v.dtype.itemsize < 8 for v in values if v is not None and v.dtype.kind == "f"):
            context.tolerance = SINGLE
        else:
            context.tolerance = DOUBLE
        decision = compare(self.trials, context.claimed, same=context.tolerance)
        if decision.equal and not decision.undefined:
            return self._right(claim, decision)
        if decision.equal:
            return self._wrong(
                claim,
                Diagnosis("wrong", f"Your function agrees with the derivative where it has a value, but {decision.undefined}."),
                decision,
            )
        turned = _turned(context) if context.ratio(scalars=False) is None else None
        return self._wrong(claim, turned or diagnose(context), decision)


def _constant(context: Context) -> float | None:
    """The number between derivative and claim, the same at all points; None where there is none."""
    found: list[float] = []
    for p in context.trials.points:
        true, got = context.trials.true(p), context.claimed(p)
        if got is None or not finite(got) or not (np.any(true) or np.any(got)):
            continue
        r = ratio_at(true, got)
        if r is None or (found and abs(r - found[0]) > 1e-6 * abs(found[0])):
            return None
        found.append(r)
    return found[0] if found else None


def kinks_of(words: Node, kinks: list[str]) -> list[str]:
    """The kinks of the loss; `norm(x)**2` has none."""
    smooth, bare = 0, 0
    for node in postorder(words):
        for o in node.operands:
            if isinstance(o, Call) and o.name == "norm":
                squared = isinstance(node, Call) and node.name in ("pow", "square") and node.operands[-1] in (o, Num(2))
                smooth, bare = smooth + squared, bare + (not squared)
    bare += isinstance(words, Call) and words.name == "norm"
    return kinks if bare or not smooth else [k for k in kinks if not k.startswith("norm(")]


def _whole(v: Var, x: np.ndarray) -> np.ndarray:
    """Rounded values that keep what is declared about them."""
    if v.attrs - {"positive", "nonnegative", "symmetric", "diagonal"}:
        return x
    rounded = np.round(2 * x)
    if v.is_a("positive") or v.is_a("nonnegative"):
        return np.abs(rounded) + 1
    return np.where(rounded == 0, 1.0, rounded) if not v.attrs else rounded + 0.0


def _failed_function(claim: Claim, point: Point, correct: Derivative) -> Verdict:
    from .callables import why_it_fails

    return Verdict(None, "not_understood", why_it_fails(claim, point), correct=correct)


def _function_shape(context: Context, got: tuple[int, ...], true: tuple[int, ...]) -> Diagnosis:
    found = _turned(context)
    if found is not None:
        return found
    return Diagnosis("shape", f"Your function returns shape {got} where the derivative has shape {true}.", context.truth)


def _turned(context: Context) -> Diagnosis | None:
    """The transpose of the derivative."""
    for p in context.trials.points:
        true, got = context.trials.true(p), context.claimed(p)
        if got is None or got.ndim != true.ndim or got.ndim < 2 or gap(got.T, true) > 1e-8:
            return None
    return Diagnosis("transpose", "Your function returns the transpose of the derivative.", context.truth)


# sums that are missing -------------------------------------------------------------------------------------------------------
def _summed(verdict: Verdict, claim: Claim) -> Verdict:
    """The verdict on a claim for one sample from that on its sum.

    Raises:
        SymDerivError: why the claim was not understood, where the sum explains nothing.
    """
    error = claim.missing_sum
    assert error is not None
    letter = str(getattr(error, "letter", "i"))
    if is_update(claim) and verdict.ok:
        rule = f"stochastic gradient descent, one sample {letter} at a time"
        message = f"Right: the rule is {rule}; its sum over {letter} is the derivative."
        return replace(verdict, message=message)
    if verdict.ok:
        message = f"A sum over {letter} is missing: with it your claim is the derivative."
        return replace(verdict, ok=False, kind="shape", message=message, span=error.span, decided_by="the shapes")
    if verdict.kind in ("sign", "factor", "mean_or_sum", "missing_factor", "extra_factor", "missing_term", "extra_term"):
        kind = verdict.kind if is_update(claim) or verdict.kind == "mean_or_sum" else "shape"
        lead = "" if is_update(claim) else f"A sum over {letter} is missing. "
        return replace(verdict, kind=kind, message=f"{lead}{verdict.message}", span=error.span, difference=None)
    raise error


# update rules ----------------------------------------------------------------------------------------------------------------
def _about_update(verdict: Verdict, update: Update) -> Verdict:
    """The verdict in terms of the rule."""
    name = update.variable.name
    step = update.step or "the step"
    if verdict.ok and update.wrong:
        return replace(verdict, ok=False, kind="sign", message=update.wrong)
    if verdict.ok:
        right = "Right almost everywhere" if "almost" in verdict.message else "Right"
        message = f"{right}: the rule is {update.name}, {name} minus {step} times the derivative."
        return replace(verdict, message=message)
    if verdict.kind == "sign" and verdict.message == SIGN:
        message = f"The sign is wrong: the rule adds {step} times the derivative, which climbs; descent subtracts it."
        return replace(verdict, message=message)
    return replace(verdict, message=f"The rule does not subtract {step} times the derivative. {verdict.message}")


def from_ratio(ratio: Ratio) -> Node:
    """The constant of a ratio in words."""
    return Num(ratio.constant)


__all__ = ["Judge"]
