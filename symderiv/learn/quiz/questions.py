"""Making questions: `make("size:jacobian:2:7")` is always the same question, `quiz(10, seed=1)` always the same ten.

The kinds of question are made in `about_sizes`, `about_gradients` and `about_passes`, from the cases of `cases`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...errors import InputError, SymDerivError
from .model import KINDS, LEVELS, TOPICS, Question
from .spec import Made, Spec

if TYPE_CHECKING:
    from .progress import Progress

TRIES = 60  # a random template may not fit (two equal choices, an expression that is too long); the next one is taken


# all of them ------------------------------------------------------------------------------------------------------------------
def makers() -> dict[str, Made]:
    """Kind -> what makes a question of it."""
    from .about_gradients import transpose, update
    from .about_passes import chain, error
    from .about_sizes import count, size, truth, which

    return {"size": size, "count": count, "truth": truth, "which": which, "error": error, "transpose": transpose, "chain": chain,
            "update": update}  # fmt: skip


def make(key: str) -> Question:
    """The question of a key, `kind:topic:level:seed`.

    Raises:
        InputError: SD141 for a key that no question has.
    """
    parts = key.split(":")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts[2:]):
        raise InputError(f"{key!r} is not the key of a question", code="SD141", hint="a key is kind:topic:level:seed")
    kind, topic, level, seed = parts[0], parts[1], int(parts[2]), int(parts[3])
    if topic not in TOPICS or kind not in TOPICS[topic][2] or level not in LEVELS:
        raise InputError(f"there is no question {key!r}", code="SD141", hint="topics: " + ", ".join(TOPICS))
    build = makers()[kind]
    for attempt in range(TRIES):
        try:
            found = build(Spec(kind, topic, level, seed, attempt))
        except SymDerivError:  # a template whose sizes did not fit
            continue
        if found is not None:
            return found
    raise InputError(f"no question could be made for {key!r}", code="SD142", hint="please report this key")


def pairs(topics: Sequence[str] = (), kinds: Sequence[str] = (), level: int | None = None) -> list[tuple[str, str, int]]:
    """(kind, topic, level) that fit; without a level, each topic at the level where it starts.

    Raises:
        InputError: SD143 for a topic or a kind that does not exist, or nothing that fits.
    """
    for given, known, what in ((topics, TOPICS, "topic"), (kinds, KINDS, "kind")):
        for name in given:
            if name not in known:
                raise InputError(f"there is no {what} {name!r}", code="SD143", hint=f"{what}s: " + ", ".join(known))
    out = [
        (kind, topic, start if level is None else level)
        for topic, (start, _, of) in TOPICS.items()
        for kind in of
        if (not topics or topic in topics)
        and (not kinds or kind in kinds)
        and (level is None or start <= level or topic in topics)
    ]
    if not out:
        raise InputError("no question is of these topics, kinds and level", code="SD143", hint="leave one of them out")
    return out


def quiz(
    n: int = 10, seed: int = 0, topics: Sequence[str] = (), kinds: Sequence[str] = (), level: int | None = None
) -> list[Question]:
    """`n` different questions; the same arguments give the same ones.

    Raises:
        InputError: SD142 when there are not that many different ones, SD143 for names that do not exist.
    """
    return list(questions(n, seed, topics, kinds, level))


def questions(
    n: int,
    seed: int = 0,
    topics: Sequence[str] = (),
    kinds: Sequence[str] = (),
    level: int | None = None,
    seen: Iterable[tuple] = (),
) -> Iterator[Question]:
    """The questions of `quiz`, each made when it is asked for; none that was `seen` (by its `identity`)."""
    known = pairs(topics, kinds, level)
    return _questions(n, random.Random(f"quiz:{seed}"), known, set(seen))


def _questions(n: int, rng: random.Random, known: list[tuple[str, str, int]], seen: set[tuple]) -> Iterator[Question]:
    by_topic: dict[str, list[tuple[str, str, int]]] = {}
    for p in known:
        by_topic.setdefault(p[1], []).append(p)
    order = list(by_topic)
    made = 0
    for tries in range(20 * n + 50):
        if made >= n:
            return
        if not tries % len(order):
            rng.shuffle(order)
        kind, topic, at = rng.choice(by_topic[order[tries % len(order)]])
        q = make(f"{kind}:{topic}:{at}:{rng.randrange(10**9)}")
        if q.identity not in seen:
            seen.add(q.identity)
            made += 1
            yield q
    hint = "ask for fewer, or leave out --topic, --kind or --level"
    raise InputError(f"there are only {made} different questions of this kind", code="SD142", hint=hint)


def due(
    progress: Progress, n: int, seed: int = 0, topics: Sequence[str] = (), kinds: Sequence[str] = (), level: int | None = None
) -> Iterator[Question]:
    """What SM-2 wants asked now: questions answered wrong, then skills; and new questions where that is not enough."""
    rng = random.Random(f"review:{seed}")
    known = pairs(topics, kinds, level)
    fits = {f"{topic}/{kind}": f"{kind}:{topic}:{at}" for kind, topic, at in known}
    seen: set[tuple] = set()
    for card in progress.due():
        if len(seen) >= n:
            return
        if ":" in card:
            kind, topic, *_ = card.split(":")
            if f"{topic}/{kind}" not in fits:
                continue
            try:
                q = progress.question(card) or make(card)
            except InputError:  # of an older version, and not kept
                continue
        elif card in fits:
            q = make(f"{fits[card]}:{rng.randrange(10**9)}")
        else:
            continue
        if q.identity not in seen:
            seen.add(q.identity)
            yield q
    if len(seen) < n:
        yield from _questions(n - len(seen), rng, known, seen)


__all__ = ["due", "make", "pairs", "questions", "quiz"]
