"""When to ask again: SM-2.

The algorithm is SuperMemo 2 (P. A. Woźniak, "Optimization of learning", 1990, section 3.2): after an answer of quality
`q`, 0 to 5,

    EF ← max(1.3, EF + 0.1 - (5 - q)(0.08 + (5 - q) 0.02))
    interval ← 1 day, 6 days, then interval · EF      for q ≥ 3; back to 1 day, and to the first repetition, for q < 3

A card is a skill (`topic/kind`, asked with a new question each time) or a question that was once answered wrong (its key).
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86400.0
EASIEST, LEAST = 2.5, 1.3
SLOW = 60.0  # seconds after which a right answer counts as a hesitant one


@dataclass(frozen=True)
class Card:
    """What SM-2 knows of one card. `due` is a time in seconds, `interval` in days."""

    ease: float = EASIEST
    interval: float = 0.0
    repetitions: int = 0
    due: float = 0.0


def quality(right: bool, hinted: bool = False, seconds: float = 0.0, near: bool = False) -> int:
    """The quality of an answer: 5 right, 4 right but slow, 3 right with a hint, 2 wrong with a known mistake, 1 wrong."""
    if right:
        return 3 if hinted else 4 if seconds > SLOW else 5
    return 2 if near else 1


def review(card: Card, q: int, now: float) -> Card:
    """The card after an answer of quality `q`."""
    ease = max(LEAST, card.ease + 0.1 - (5 - q) * (0.08 + (5 - q) * 0.02))
    if q < 3:
        return Card(ease, 1.0, 0, now + DAY)
    repetitions = card.repetitions + 1
    interval = 1.0 if repetitions == 1 else 6.0 if repetitions == 2 else card.interval * ease
    return Card(ease, interval, repetitions, now + interval * DAY)


__all__ = ["DAY", "Card", "quality", "review"]
