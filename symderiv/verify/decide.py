"""Whether two expressions are the same function: at random points, by normal form, exactly modulo a prime, to 50 digits.

Random evaluation decides what is wrong: one point where both have a value and differ is enough. What agrees everywhere is then
proved as far as it can be, and the decision says how far that was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..code.numpy import numpy_function
from ..errors import LimitError, SymDerivError
from ..expr.nodes import Call, Node, Var
from ..expr.walk import postorder
from ..notation.polish import polish
from ..simplify.lower import normal
from . import sampling
from .differences import FAILS, Function, bind
from .pieces import beside_borders, has_pieces
from .points import Point, finite, gap
from .precise import AGREE, gap_in_digits
from .report import say_sizes
from .rings import identical_modulo

NOISE = 1e-13  # of the largest value on the way: a difference that rounding makes
SAME, CLOSE = 1e-9, 1e-3  # relative differences: below the first equal in float64, above the second surely not
EXACT_POINTS = 3
DENSE = 40  # more points for expressions with pieces, at each of the unequal assignments
MOST_ENTRIES = 20_000_000  # of one array
SMALLER = "declare sizes by names (n, d) instead of large numbers"
SCALES = (3.0, 0.3, 10.0, 0.05, 40.0, 300.0, 3e4)


@dataclass(frozen=True)
class Decision:
    """What comparing came to.

    Attributes:
        equal: the two agree wherever both have a value.
        how: a sentence for `decided_by`.
        worst: the largest relative difference in float64.
        at: a point where they differ, or None.
        undefined: the claim has no value at some points where the derivative has one (a sentence), or "".
    """

    equal: bool
    how: str
    worst: float = 0.0
    at: Point | None = None
    undefined: str = ""


@dataclass
class Trials:
    """The points at which everything is compared: several sizes, random values in the domain of the original.

    Attributes:
        words: the original.
        variables: all declared variables.
        truth: the derivative in words, in the layout asked for.
    """

    words: Node
    variables: list[Var]
    truth: Node
    seed: int = 0
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.original = numpy_function(self.words, self.variables)
        self._fill()

    def _fill(self) -> None:
        per = 4 if has_pieces(self.words, self.truth) else 2
        for sizes in sampling.sample_sizes(self.variables, self.rng, self.sized):
            self._at(sizes, per if sizes else 6)
        if not any(is_unequal(p) for p in self.points):
            for sizes in sampling.spare_sizes(self.variables, self.rng, self.sized):
                if self._at(sizes, per):
                    break
        if per > 2 and self.points:
            self._scaled(self.points[0])

    @cached_property
    def sized(self) -> Node:
        """What tells how large sizes have to be: the original, and the derivative where it is one entry of an array."""
        if not (isinstance(self.truth, Call) and self.truth.name == "getitem"):
            return self.words
        return Call("add", *(Call("sum", x) if x.rank else x for x in (self.words, self.truth)))

    def check_size(self, words: Node) -> None:
        """Refuse arrays that would not fit in memory at the sizes that are tried.

        Raises:
            LimitError: SD904.
        """
        for node in postorder(words):
            for sizes in {tuple(p.sizes.items()): p.sizes for p in self.points}.values():
                entries = math.prod(max(1, sampling.number_of(s, sizes)) for s in node.shape)
                if entries > MOST_ENTRIES:
                    where = _shown(Point(sizes, {}))
                    raise LimitError(
                        f"an array of {entries} entries at {where} is too large to compare", code="SD904", hint=SMALLER
                    )

    def _at(self, sizes: sampling.Sizes, count: int) -> bool:
        if math.prod(max(1, sampling.number_of(s, sizes)) for s in self.truth.shape) > MOST_ENTRIES:
            raise LimitError("the derivative is too large to compare at the declared sizes", code="SD904", hint=SMALLER)
        if not sampling.sizes_fit(self.words, self.variables, sizes):
            return False
        base = bind(self.original, sizes)
        last, found = None, False
        for _ in range(count):
            values = sampling.sample_values(self.words, self.variables, sizes, self.rng, base, opposite=last)
            if values is None:
                break
            last = values
            found |= self._keep(sizes, values)
        return found

    def _keep(self, sizes: sampling.Sizes, values: sampling.Values) -> bool:
        point = Point(sizes, values)
        if finite(point.value(self.truth)):
            self.points.append(point)
            return True
        return False

    @cached_property
    def dense(self) -> list[Point]:
        """Many more points: pieces (`x > 0`) can agree at a few by chance."""
        kept, self.points = self.points, []
        starts = [p for p in kept if is_unequal(p)] or kept
        for sizes in {tuple(p.sizes.items()): p.sizes for p in starts}.values():
            self._at(sizes, DENSE)
        for start in self.points[:: max(1, len(self.points) // 3)][:3]:
            self._scaled(start)
        self.points, found = kept, self.points
        return found

    def beside(self, *roots: Node, known: Container[Node] = ()) -> list[Point]:
        """Points close to the borders of pieces, where the original and the derivative have values."""
        fixed = frozenset(v.name for v in self.variables if v.is_a("integer") or v.is_a("onehot"))
        found = beside_borders([*self.points, *self.dense], fixed, *roots, known=known)
        return [p for p in found if finite(p.value(self.truth)) and finite(run(self.function(p.sizes), p))]

    def _scaled(self, start: Point) -> None:
        """Larger and smaller values, for pieces that begin at some distance (`abs(x) > 1`)."""
        free = [v.name for v in self.variables if not v.attrs]
        for scale in SCALES:
            values = {n: x * scale if n in free else x for n, x in start.values.items()}
            if finite(run(bind(self.original, start.sizes), Point(start.sizes, values))):
                self._keep(start.sizes, values)

    def function(self, sizes: sampling.Sizes) -> Function:
        """The original at sizes."""
        return bind(self.original, sizes)

    @cached_property
    def probes(self) -> list[Point]:
        """A few unlike points, the first of unequal sizes: where hypotheses are tried."""
        ordered = sorted(self.points, key=lambda p: not is_unequal(p))
        found: dict[tuple, Point] = {}
        for p in ordered:
            found.setdefault(tuple(p.sizes.values()), p)
        return [*found.values()][:2] + [p for p in ordered if p not in found.values()][:1]

    def true(self, point: Point) -> np.ndarray:
        out = point.value(self.truth)
        assert out is not None
        return out


def is_unequal(point: Point) -> bool:
    """Whether sizes above 1 are all different (with many symbols: most of them)."""
    sizes = list(point.sizes.values())
    return len(set(sizes)) >= min(len(sizes), 4 if len(sizes) > 6 else len(sizes)) and 1 not in sizes


# comparing -------------------------------------------------------------------------------------------------------------------
def decide(trials: Trials, claim: Node, exactly: bool = True) -> Decision:
    """Whether a claim of the derivative's shape is the derivative.

    Args:
        exactly: go on to normal forms and exact arithmetic when all points agree.
    """
    function = numpy_function(claim, trials.variables)
    decision = _past_noise(trials, claim, compare(trials, lambda p: run(bind(function, p.sizes), p)), trials.points)
    if decision.equal and has_pieces(trials.truth, claim):
        if exactly and not decision.undefined and _same_form(trials.truth, claim):
            return _by_form(decision)  # more points could tell nothing
        points = [*trials.dense, *trials.beside(trials.words, trials.truth, claim)]
        more = _past_noise(trials, claim, compare(trials, lambda p: p.value(claim), points), points)
        decision = more if not more.equal else replace(decision, worst=max(decision.worst, more.worst))
    if decision.at is not None and decision.worst < CLOSE:
        decision = _to_more_digits(trials, claim, decision)
    if not decision.equal or decision.undefined or not exactly:
        return decision
    return _proved(trials, claim, decision)


def compare(
    trials: Trials, claimed: Callable[[Point], np.ndarray | None], points: Sequence[Point] | None = None, same: float = SAME
) -> Decision:
    """Random evaluation alone, of anything that has values."""
    worst, agreed, undefined = 0.0, 0, []
    at: Point | None = None
    points = trials.points if points is None else points
    for point in points:
        true, got = trials.true(point), claimed(point)
        if got is None or not finite(got):
            undefined.append(point)
            continue
        error = gap(got, true)
        if error > same and (at is None or 1 in at.sizes.values()):
            at = point
        worst = max(worst, error)
        agreed += error <= same
    count = len({tuple(p.sizes.items()) for p in points if p not in undefined})
    where = f"at {count} size assignment{'' if count == 1 else 's'}" if points and points[0].sizes else f"at {agreed} points"
    if at is not None:
        return Decision(False, f"random evaluation: different at {_shown(at)}", worst, at, _no_value(trials, undefined))
    if not agreed:
        return Decision(False, "random evaluation: no finite value at any point", math.inf, None, _no_value(trials, undefined))
    how = f"random evaluation {where} ({agreed} points, largest relative difference {worst:.0e})"
    return Decision(True, how, worst, None, _no_value(trials, undefined))


def _shown(p: Point) -> str:
    return say_sizes({str(s): k for s, k in p.sizes.items()}) if p.sizes else "a random point"


def _no_value(trials: Trials, undefined: Sequence[Point]) -> str:
    """Where the claim has no value although the derivative has; assignments with a 1 do not count (`1/(n - 1)`)."""
    serious = [p for p in undefined if 1 not in p.sizes.values()]
    if not serious:
        return ""
    if len(undefined) == len(trials.points):
        return "it has no finite value at any point that was tried"
    count = f"{len(serious)} of {len(trials.points)} points"
    return f"at {count}, for example {_shown(serious[0])}, it has no finite value, but the derivative has"


def run(function: Function, point: Point) -> np.ndarray | None:
    """The value of a function at a point, None where it fails."""
    try:
        with np.errstate(all="ignore"):
            out = np.asarray(function(dict(point.values)))
    except FAILS:
        return None
    return out if out.dtype.kind in "fiub" else None


# certainty -------------------------------------------------------------------------------------------------------------------
def cores_of(words: Node) -> list[Node]:
    """The normal form and its polished form; nothing where the words have none."""
    try:
        core = normal(words)
        return [core, polish(core)]
    except SymDerivError:
        return []


def _same_form(a: Node, b: Node) -> bool:
    return any(x is y for x in cores_of(a) for y in cores_of(b))


def _by_form(decision: Decision) -> Decision:
    return Decision(True, f"{decision.how.split(' (')[0]}, then same normal form", decision.worst)


def _proved(trials: Trials, claim: Node, decision: Decision) -> Decision:
    ours, theirs = cores_of(trials.truth), cores_of(claim)
    if not ours or not theirs:
        return decision
    if any(a is b for a in ours for b in theirs):
        return _by_form(decision)
    head = decision.how.split(" (")[0]
    points = _some_of_each(trials.points, EXACT_POINTS)
    exact = [identical_modulo(ours[0], theirs[0], p.sizes, p.values, seed=k) for k, p in enumerate(points)]
    if exact and all(exact):
        sizes = f"{len(points)} size assignment{'' if len(points) == 1 else 's'}"
        how = f"{head}, then exactly modulo the prime 2**61 - 1 at {sizes}, error probability < 1e-15"
        return Decision(True, how, decision.worst)
    gaps = [gap_in_digits(ours[0], theirs[0], p.sizes, p.values) for p in points[:2]]
    known = [g for g in gaps if g is not None]
    if known and max(known) > AGREE:
        at = points[max(range(len(gaps)), key=lambda k: gaps[k] or 0.0)]
        how = f"50 digits: a relative difference of {max(known):.0e} at {_shown(at)}, too small for float64"
        return Decision(False, how, max(known), at)
    if known:
        return Decision(
            True,
            f"{head}, then to 50 digits at {points_text(len(known))} (largest relative difference {max(known):.0e})",
            decision.worst,
        )
    return decision


def points_text(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _some_of_each(points: Iterable[Point], most: int) -> list[Point]:
    found: dict[tuple, Point] = {}
    for p in points:
        found.setdefault(tuple(p.sizes.values()), p)
    return list(found.values())[:most]


def _to_more_digits(trials: Trials, claim: Node, decision: Decision) -> Decision:
    """A difference that rounding could have made: decided with 50 digits, or by how much rounding moves the claim."""
    assert decision.at is not None
    ours, theirs = cores_of(trials.truth), cores_of(claim)
    point = decision.at
    exact = gap_in_digits(ours[0], theirs[0], point.sizes, point.values) if ours and theirs else None
    if exact is not None:
        how = f"50 digits at {_shown(point)}: relative difference {exact:.0e}"
        return Decision(exact <= AGREE, how, max(exact, 0.0), None if exact <= AGREE else point, decision.undefined)
    if decision.worst <= _rounding(trials, claim, point):
        return Decision(
            True,
            f"random evaluation, to rounding (relative difference {decision.worst:.0e})",
            decision.worst,
            None,
            decision.undefined,
        )
    return decision


def _past_noise(trials: Trials, claim: Node, decision: Decision, points: Sequence[Point]) -> Decision:
    """Without the differences that are the rounding of much larger values on the way (`1e9 x - 1e9 x` against 0); one of these is
    decided with more digits."""
    if decision.at is None or not _is_noise(trials, claim, decision.at):
        return decision
    clear = [p for p in points if not _is_noise(trials, claim, p)]
    if clear:
        again = compare(trials, lambda p: p.value(claim), clear)
        if not again.equal:
            return again
    exact = _to_more_digits(trials, claim, decision)
    return replace(again, how=f"{again.how}, the others to rounding") if clear and exact.equal else exact


def _is_noise(trials: Trials, claim: Node, point: Point) -> bool:
    """Whether the two differ by no more than the rounding of the largest value from which they are computed."""
    true, got = trials.true(point), point.value(claim)
    if got is None or not finite(got) or np.shape(got) != np.shape(true):
        return False
    parts = (point.value(n) for n in postorder(trials.truth, claim))
    largest = max((float(np.max(np.abs(x), initial=0.0)) for x in parts if x is not None and finite(x)), default=0.0)
    return 0.0 < float(np.max(np.abs(got - true), initial=0.0)) <= NOISE * largest


def _rounding(trials: Trials, claim: Node, point: Point) -> float:
    """How far claim and derivative move, relatively, when their arguments move by a few units in the last place."""
    rng = np.random.default_rng(1)
    moved: dict[str, Any] = {}
    for name, x in point.values.items():
        factor = 1 + 1e-15 * rng.choice([-1.0, 1.0], np.shape(x))
        if x.ndim >= 2 and np.array_equal(x, np.swapaxes(x, -1, -2)):
            factor = np.maximum(factor, np.swapaxes(factor, -1, -2))
        moved[name] = x * factor if np.asarray(x).dtype.kind == "f" else x
    other = Point(point.sizes, moved)
    worst = 0.0
    for words in (claim, trials.truth):
        a, b = point.value(words), other.value(words)
        if a is not None and b is not None and finite(a) and finite(b):
            worst = max(worst, gap(a, b))
    return 100 * worst


__all__ = ["Decision", "Trials", "compare", "cores_of", "decide", "is_unequal", "run"]
