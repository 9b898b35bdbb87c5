"""What a diagnosis works with: the claim, the derivative, and the points where hypotheses are tried."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import postorder
from ..simplify.lower import normal
from .claims import Claim
from .decide import Trials
from .points import Point, finite, gap, open_indices
from .ratios import Ratio, ratio_of

FITS = 1e-8


@dataclass
class Context:
    """One wrong claim.

    Attributes:
        trials: the points, the original and the derivative.
        claim: as read.
        words: the claimed derivative.
        wrt: the variables differentiated by.
    """

    trials: Trials
    claim: Claim
    words: Node
    wrt: tuple[Var, ...]

    @property
    def truth(self) -> Node:
        return self.trials.truth

    @property
    def probes(self) -> list[Point]:
        return self.trials.probes

    @cached_property
    def true_values(self) -> list[np.ndarray]:
        return [self.trials.true(p) for p in self.probes]

    @cached_property
    def claimed_values(self) -> list[np.ndarray | None]:
        return [p.value(self.words) for p in self.probes]

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
        for node in postorder(self.truth, self.words, self.trials.words):
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

    def _agrees(self, words: Node, wanted: list[np.ndarray] | list[np.ndarray | None]) -> bool:
        for p, value in zip(self.probes, wanted, strict=True):
            if value is None or p.shape_of(words) != value.shape:
                return False
            got = p.value(words)
            if got is None or not finite(got) or gap(got, value) > FITS:
                return False
        return True

    def everywhere(self, words: Node, other: Node) -> bool:
        """Whether two expressions agree at all points where both have values, and have one somewhere."""
        seen = False
        for p in self.trials.points:
            a, b = p.value(words), p.value(other)
            if a is None or b is None or not finite(a) or not finite(b):
                continue
            seen = True
            if gap(a, b) > FITS:
                return False
        return seen

    def ratio(self, words: Node, scalars: bool = True) -> Ratio | None:
        """`truth = ratio * words` at all points."""
        pairs = []
        for p in self.trials.points:
            true, got = self.trials.true(p), p.value(words)
            if got is None or not finite(got) or got.shape != true.shape:
                if 1 in p.sizes.values():
                    continue
                return None
            pairs.append((true, got, p))
        return ratio_of(pairs, self.scalars if scalars else ())


__all__ = ["FITS", "Context"]
