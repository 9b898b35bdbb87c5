"""What a question is made from: its key, and random numbers that depend on nothing but the key."""

from __future__ import annotations

import random
from collections.abc import Callable

from .cases import CASES, Case
from .expressions import Maker
from .model import TOPICS, Question


class Spec:
    """Kind, topic and level of a question to make, and the random numbers to make it from."""

    def __init__(self, kind: str, topic: str, level: int, seed: int, attempt: int) -> None:
        self.kind, self.topic, self.level = kind, topic, level
        self.key = f"{kind}:{topic}:{level}:{seed}"
        self.rng = random.Random(f"{self.key}:{attempt}")

    @property
    def depth(self) -> int:
        """Operations on top of the shortest way."""
        return max(0, min(3, self.level - TOPICS[self.topic][0] + self.rng.choice((0, 0, 1))))

    def case(self, maker: Maker | None = None) -> Case:
        """A derivative of the topic."""
        maker = maker or Maker(self.rng, self.level > 1)
        return CASES[self.topic](maker, self.rng, self.depth)

    def question(self, **fields) -> Question:  # type: ignore[no-untyped-def]
        """The question, with the names of the spec."""
        return Question(key=self.key, topic=self.topic, kind=self.kind, level=self.level, **fields)


Made = Callable[[Spec], Question | None]

__all__ = ["Made", "Spec"]
