"""Making questions: `make("size:jacobian:2:7")` is always the same question, `quiz(10, seed=1)` always the same ten.

The shape questions are here; those about expressions (transposes, updates, errors, chains) are in `algebra`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...errors import InputError, SymDerivError
from ...write.report import shape_text
from ..shapes import ShapeAnswer, intermediates, number
from .cases import CASES, Case, declared_line
from .expressions import Maker
from .model import KINDS, LETTERS, LEVELS, TOPICS, Claim, Question

if TYPE_CHECKING:
    from .progress import Progress

TRIES = 60  # a random template may not fit (two equal choices, an expression that is too long); the next one is taken
LONGEST = 72  # characters of an expression
Made = Callable[["Spec"], Question | None]


class Spec:
    """What is to be made, and the random numbers to make it from."""

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
        return Question(key=self.key, topic=self.topic, kind=self.kind, level=self.level, **fields)


# shape questions --------------------------------------------------------------------------------------------------------------
def size(spec: Spec) -> Question | None:
    """What is the size of ∂f/∂x?"""
    case = spec.case()
    a = case.answer
    if not _readable(case):
        return None
    where = f" ({case.layout} layout)" if case.layout_matters else ""
    return spec.question(
        ask=f"What is the size of {case.text}{where}?", given=case.declared, form="shape", answer=shape_text(a.shape),
        why=_why(case, a), factors=_factors(case, a), slips=slips(case, a), hint=_hint(a), claims=(_claim(case, a.shape),),
        vars={n: s for n, s in case.vars.items() if n in case.problem.vars},
    )  # fmt: skip


def count(spec: Spec) -> Question | None:
    """How many entries has it for concrete sizes?"""
    case = spec.case()
    a = case.answer
    names = sorted({str(s) for s in a.entries.free_symbols})
    if not _readable(case) or not names:
        return None
    values = dict(zip(names, spec.rng.sample((2, 3, 4, 5, 6, 8, 10, 20, 50, 100), len(names)), strict=True))
    total = a.count(values)
    wrong = [
        (_count(a.by, values), "that counts the entries of the variable only"),
        (_count(a.out, values), "that counts the entries of the expression only"),
        (sum(number(s, values) or 0 for s in a.shape), "the sizes were added; every axis multiplies"),
    ]
    sizes = ", ".join(f"{n} = {k}" for n, k in values.items())
    product = " · ".join(str(number(s, values)) for s in a.shape)
    counted = f"{product} = {total:,}" if len(a.shape) > 1 else f"{total:,} of them"
    return spec.question(
        ask=f"How many entries has {case.text} for {sizes}?", given=case.declared, form="number", answer=str(total),
        why=(*_why(case, a)[:2], counted), factors=_factors(case, a),
        slips={str(k): text for k, text in reversed(wrong) if k != total}, hint=_hint(a), claims=(_claim(case, a.shape),),
    )  # fmt: skip


def truth(spec: Spec) -> Question | None:
    """True or false: ∂f/∂x has this size."""
    case = spec.case()
    a = case.answer
    wrong = slips(case, a)
    right = spec.rng.random() < 0.5
    if not _readable(case) or not wrong:
        return None
    said = shape_text(a.shape) if right else spec.rng.choice(list(wrong))
    where = f" in {case.layout} layout" if case.layout_matters else ""
    reason = () if right else (f"{said}: {wrong[said]}",)
    return spec.question(
        ask=f"True or false: {case.text} has the size {said}{where}.", given=case.declared, form="truth",
        answer="true" if right else "false", why=(f"its size is {shape_text(a.shape)}", *reason, *_why(case, a)),
        factors=_factors(case, a), slips={} if right else {"true": wrong[said]}, hint=_hint(a),
        claims=(_claim(case, a.shape), Claim("same", said, shape_text(a.shape), right)),
    )  # fmt: skip


def which(spec: Spec) -> Question | None:
    """Which of these derivatives has this size?"""
    maker = Maker(spec.rng, spec.level > 1)
    found: dict[str, Case] = {}
    named = spec.topic in ("batch", "chain")
    for _ in range(1 if named else 3):
        case = spec.case(maker)
        if not named and not _readable(case):
            return None
        for other in _relatives(case, spec.rng):
            found.setdefault(other.text, other)
    cases = list(found.values())
    spec.rng.shuffle(cases)
    target = cases[0]
    shape = target.answer.shape
    wrong: list[Case] = []
    for c in cases[1:]:
        if c.answer.shape != shape and len(wrong) < 3 and sum(w.answer.shape == c.answer.shape for w in wrong) < 2:
            wrong.append(c)
    if len(wrong) < 3:
        return None
    shown = [target, *wrong]
    spec.rng.shuffle(shown)
    key = LETTERS[shown.index(target)]
    given = (declared_line(maker.vars, *(c.source for c in shown)), *max((c.lines for c in shown), key=len))
    layout = " (numerator layout)" if any(c.layout_matters for c in shown) else ""
    told = {LETTERS[k]: f"{c.text} has the size {shape_text(c.answer.shape)}" for k, c in enumerate(shown) if c is not target}
    return spec.question(
        ask=f"Which of these has the size {shape_text(shape)}{layout}?", given=given, form="choice", answer=key,
        choices=tuple(c.text for c in shown), why=_why(target, target.answer), slips=told, hint="find the size of each one",
        factors=tuple((c.text, shape_text(c.answer.shape)) for c in shown),
        claims=(*(_claim(c, c.answer.shape) for c in shown),
                *(Claim("same", shape_text(c.answer.shape), shape_text(shape), c is target) for c in shown)),
    )  # fmt: skip


def _relatives(case: Case, rng: random.Random) -> list[Case]:
    """The case itself and the same expression by its other variables, in numerator layout; of a network its values too."""
    lines = case.lines
    sources = [("\n".join(lines[: k + 1]), lines[: k + 1], line.partition(" = ")[0]) for k, line in enumerate(lines)]
    out = []
    for source, shown, top in sources or [(case.source, (), "")]:
        used = declared_line(case.vars, source)
        names = [n for n, sizes in case.vars.items() if f"{n}: " in f" {used}" and "integer" not in sizes]
        for name in names:
            other = Case(source, case.vars, name, case.order, "numerator", shown, top)
            if name in other.problem.vars and len(other.answer.shape) <= 6:
                out.append(other)
    rng.shuffle(out)
    return out[: 8 if lines else 3]


# reasons ----------------------------------------------------------------------------------------------------------------------
def _readable(case: Case) -> bool:
    return len(case.text) <= LONGEST and len(case.answer.shape) <= 6 and case.wrt in case.problem.vars


def _claim(case: Case, shape: tuple) -> Claim:
    return Claim("shape", case.source, shape_text(shape), True, dict(case.vars), case.wrt, case.order, case.layout)


def _count(shape: tuple, values: dict[str, int]) -> int:
    total = 1
    for s in shape:
        total *= number(s, values) or 0
    return total


def _hint(a: ShapeAnswer) -> str:
    if not a.by:
        return "differentiating by one number changes no shape"
    if not a.out:
        return f"one number for every entry of {a.wrt}" if a.order == 1 else f"differentiate the gradient by {a.wrt} again"
    return f"how many numbers has the expression, how many has {a.wrt}? every pair has a derivative"


def _why(case: Case, a: ShapeAnswer) -> tuple[str, ...]:
    shapes = f"the expression has the shape {shape_text(a.out)}, {a.wrt} has {shape_text(a.by)}"
    axes = tuple(f"axis {k} ({axis.size}): axis {axis.axis} of {axis.owner}" for k, axis in enumerate(a.axes))
    both = f"numerator layout {shape_text(a.numerator)}, denominator layout {shape_text(a.denominator)}"
    return (
        a.rule,
        shapes,
        *(axes if len(axes) > 1 and (a.out or a.order > 1) else ()),
        *((both,) if a.numerator != a.denominator else ()),
    )


def _factors(case: Case, a: ShapeAnswer) -> tuple[tuple[str, str], ...]:
    rows = [(r.name if r.name and r.name in case.problem.definitions else r.text, shape_text(r.shape))
            for r in intermediates(case.problem) if len(r.text) <= 48]  # fmt: skip
    return (*rows[-6:], (case.text, shape_text(a.shape)))


def slips(case: Case, a: ShapeAnswer) -> dict[str, str]:
    """Wrong answers that people give, and what each one suggests."""
    other = a.denominator if a.layout == "numerator" else a.numerator
    first = (*a.out, *a.by) if a.layout == "numerator" else (*a.by, *a.out)
    told = [
        (other, f"that is the other layout: {'denominator' if a.layout == 'numerator' else 'numerator'}"),
        (first if a.order > 1 else None, "that is the first derivative; the question is about a higher one"),
        (a.by, f"that is the shape of {a.wrt}: the axes of the expression {shape_text(a.out)} are missing"),
        (a.out, f"that is the shape of the expression: the axes of {a.wrt} {shape_text(a.by)} are missing"),
        (tuple(reversed(a.shape)), "the axes are in reversed order, as if all of it were transposed"),
        ((*a.out, *a.by, *a.by) if a.order == 1 and a.by else None, f"that is a second derivative: {a.wrt} is counted twice"),
        ((*a.out, *a.by[::-1]) if a.layout == "numerator" else None, f"the axes of {a.wrt} are transposed"),
        ((*a.out[::-1], *a.by) if a.layout == "numerator" else None, "the axes of the expression are transposed"),
        (
            (*a.out[1:], *a.by) if len(a.out) > 1 and a.order == 1 else None,
            "one axis of the expression was forgotten (the batch?)",
        ),
        (
            _merged(a),
            "an axis that stands on both sides does not cancel: every entry of one has a derivative by every entry of the other",
        ),
    ]
    out: dict[str, str] = {}
    for shape, text in told:
        if shape is not None and tuple(shape) != tuple(a.shape):
            out.setdefault(shape_text(tuple(shape)), text)
    return out


def _merged(a: ShapeAnswer) -> tuple | None:
    """The shape as if equal sizes of both sides were summed, as in a product."""
    common = [s for s in a.out if s in a.by]
    if not common or a.order > 1 or not a.out:
        return None
    return (*(s for s in a.out if s not in common), *(s for s in a.by if s not in common))


# all of them ------------------------------------------------------------------------------------------------------------------
def makers() -> dict[str, Made]:
    """Kind -> what makes a question of it."""
    from .algebra import chain, error, transpose, update

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
                q = make(card)
            except InputError:  # a question of an older version
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


__all__ = ["Spec", "due", "make", "pairs", "questions", "quiz"]
