"""What a diagnosis works with: the claim, the derivative, and the points where hypotheses are tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import postorder
from ..simplify.lower import normal
from .claim import Claim
from .decide import Trials
from .differences import bind
from .pieces import has_pieces
from .points import Point, finite, gap, open_indices
from .ratios import TOLERANCE, Ratio, ratio_of

FITS = 1e-8


@dataclass
class Context:
    """One wrong claim.

    Attributes:
        trials: the points, the original and the derivative.
        claim: as read.
        words: the claimed derivative; None for a function that cannot be looked into.
        wrt: the variables differentiated by.
        tolerance: relative difference that counts as none; more for somebody's float32.
        seconds: processor time for looking for an explanation, so that a busy machine gives the same verdict.
    """

    trials: Trials
    claim: Claim
    given: Node | None
    wrt: tuple[Var, ...]
    tolerance: float = FITS
    seconds: float = 2.5
    began: float = field(default_factory=time.thread_time)

    @property
    def words(self) -> Node:
        """The claimed derivative in words; ask only where `given` is not None."""
        assert self.given is not None
        return self.given

    def claimed(self, point: Point) -> np.ndarray | None:
        """The value of the claim at a point."""
        if self.given is not None:
            return point.value(self.given)
        return call(self.claim.function, point) if self.claim.function is not None else None

    @property
    def late(self) -> bool:
        """Whether the time for explanations is used up."""
        return time.thread_time() - self.began > self.seconds

    @property
    def truth(self) -> Node:
        return self.trials.truth

    @property
    def probes(self) -> list[Point]:
        return self.trials.probes

    @cached_property
    def pieces(self) -> bool:
        """Whether derivative or claim have pieces, so that few points could agree by chance."""
        return has_pieces(self.truth, *([self.given] if self.given is not None else []))

    @cached_property
    def true_values(self) -> list[np.ndarray]:
        return [self.trials.true(p) for p in self.probes]

    @cached_property
    def claimed_values(self) -> list[np.ndarray | None]:
        return [self.claimed(p) for p in self.probes]

    @cached_property
    def cores(self) -> tuple[Node, Node] | None:
        """Normal forms of derivative and claim."""
        try:
            return normal(self.truth), normal(self.words)
        except SymDerivError:
            return None

    @cached_property
    def scalars(self) -> list[Node]:
        """Numbers that a missing factor may be: scalar variables first, then scalar pieces of claim, derivative and original."""
        found: dict[Node, None] = {}
        known = [self.given] if self.given is not None else []
        for node in postorder(self.truth, *known, self.trials.words):
            if node.rank or isinstance(node, Num) or open_indices(node) or (isinstance(node, Call) and node.name == "neg"):
                continue
            found[node] = None
        return sorted(found, key=lambda n: n.tree_size)[:40]

    def is_true(self, words: Node) -> bool:
        """Whether words have the values of the derivative at the probes."""
        return self._agrees(words, self.true_values)

    def is_claimed(self, words: Node) -> bool:
        """Whether words have the values of the claim at the probes."""
        return self._agrees(words, self.claimed_values)

    def is_claim_itself(self, words: Node) -> bool:
        """Whether words are the claim by normal form."""
        return self.given is not None and self._same_form(words, self.given)

    def _same_form(self, a: Node, b: Node) -> bool:
        try:
            return normal(a) is normal(b)
        except SymDerivError:
            return False

    def _agrees(self, words: Node, wanted: list[np.ndarray] | list[np.ndarray | None]) -> bool:
        for p, value in zip(self.probes, wanted, strict=True):
            if value is None or p.shape_of(words) != value.shape:
                return False
            got = p.value(words)
            if got is None or not finite(got) or gap(got, value) > self.tolerance:
                return False
        return True

    def true_everywhere(self, words: Node) -> bool:
        """Whether words are the derivative at all points where both have values, and have one somewhere."""
        return self._same_form(words, self.truth) or self._everywhere(words, self.trials.true)

    def claimed_everywhere(self, words: Node) -> bool:
        """Whether words are the claim at all points where both have values, and have one somewhere."""
        return self.is_claim_itself(words) or self._everywhere(words, self.claimed)

    def _everywhere(self, words: Node, other: Callable[[Point], np.ndarray | None]) -> bool:
        seen = False
        for p in self._points(words):
            a, b = p.value(words), other(p)
            if a is None or b is None or not finite(a) or not finite(b):
                continue
            seen = True
            if gap(a, b) > self.tolerance:
                return False
        return seen

    def _points(self, words: Node) -> Iterator[Point]:
        yield from self.trials.points
        if self.pieces or has_pieces(words):
            yield from self.trials.dense
            yield from self._borders
            yield from self.trials.beside(words, known=self._known)

    @cached_property
    def _known(self) -> set[Node]:
        return set(postorder(self.trials.words, self.truth, *([self.given] if self.given is not None else [])))

    @cached_property
    def _borders(self) -> list[Point]:
        return self.trials.beside(self.trials.words, self.truth, *([self.given] if self.given is not None else []))

    def ratio(self, words: Node | None = None, scalars: bool = True) -> Ratio | None:
        """`truth = ratio * words` (the claim, if no words are given) at all points."""
        pairs = []
        for p in self.trials.points:
            true, got = self.trials.true(p), self.claimed(p) if words is None else p.value(words)
            if got is None or not finite(got) or got.shape != true.shape:
                if 1 in p.sizes.values():
                    continue
                return None
            pairs.append((true, got, p))
        return ratio_of(pairs, self.scalars if scalars else (), max(TOLERANCE, self.tolerance))


def call(function: Callable[..., Any], point: Point) -> np.ndarray | None:
    """The value of somebody's function, None where it fails."""
    try:
        with np.errstate(all="ignore"):
            out = np.asarray(bind(function, point.sizes)({n: np.array(x) for n, x in point.values.items()}))
    except Exception:  # a user's function may raise anything; where it has no value is told by the caller
        return None
    return out if out.dtype.kind in "fiub" else None


__all__ = ["FITS", "Context", "call"]
