r"""Conditions on indices that the text states beside a formula: "For $i \neq j$", a sum over `j \neq y_i`.

A derivative of an entry that holds for distinct indices is right where the text says that they are distinct.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Var
from ..read.latex.scripts import content
from ..read.latex.tree import Item, Token, is_macro
from .judge import ChainJudge, Outcome
from .relations import Chain
from .rows import flat_items
from .scope import Meaning

if TYPE_CHECKING:
    from .checker import Checker

NEAR = 1  # paragraphs between the condition and what it restricts
Pair = tuple[str, str, str]  # ne or eq, and the two sides


class Distinct:
    """Reads conditions on indices around a chain into verdicts that would be wrong without them.

    Attributes:
        checker: the document.
    """

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self._stated: list[tuple[Chain, Pair]] | None = None

    def decide(self, judge: ChainJudge, outcomes: list[Outcome], meaning: Meaning) -> list[Outcome]:
        """The outcomes, those that hold under a stated condition as right."""
        wrong = {o.side for o in outcomes if o.status == "wrong"}
        wrong |= {o.side for o in outcomes if wrong and o.status == "right" and "which is wrong" in o.how}
        if not wrong or not judge.reading.entries:
            return outcomes
        for pairs in self._conditions(judge, meaning):
            for pair in dict.fromkeys(pairs):
                mask = _mask(pair, judge)
                right = _right(judge, mask) & wrong if mask is not None else frozenset()
                if right:
                    sign = "≠" if pair[0] == "ne" else "="
                    told = (f"{pair[1]} {sign} {pair[2]}, as the text says",)
                    how = "under the condition that the text states"
                    return [replace(_as_right(o), how=how, assuming=told) if o.side in right else o for o in outcomes]
        return outcomes

    def _conditions(self, judge: ChainJudge, meaning: Meaning) -> Iterator[list[Pair]]:
        """The condition that stands last before the chain, else those right after it, else those of the sums in it."""
        chain = judge.chain
        beside = [p for sides, signs in chain.beside if (p := _pair(sides, signs)) is not None]
        if beside:
            yield beside
            return
        if self._stated is None:
            self._stated = [(c, p) for c in self.checker.chains if (p := stated_pair(c)) is not None]
        near = [
            (c, p)
            for c, p in self._stated
            if c.event.section == chain.event.section and abs(c.event.paragraph - chain.event.paragraph) <= NEAR
        ]
        before = [(c, p) for c, p in near if c.start < chain.start]
        if before:
            last = before[-1][0]
            yield [p for c, p in before if c.event is last.event]
            return
        yield [p for c, p in near if c.start > chain.start]
        sides = [*chain.sides, *(s for k in meaning.known.values() for s in k.raw.sides)]
        pairs = [p for side in sides for p in _pairs_of_sums(side)]
        yield pairs
        own = [_letter(index) for index, _ in judge.reading.entries]
        yield [(sign, letter, b) for sign, a, b in pairs for letter in own if "_" in b and letter != a]


def stated_pair(chain: Chain) -> Pair | None:
    r"""`i \neq j`, `k = y_i` alone in a formula."""
    pair = _pair(chain.sides, chain.signs)
    if pair is not None and pair[0] == "eq" and "_" in pair[1] + pair[2] and chain.event.kind == "display":
        return None
    return pair


def _pair(sides: Sequence[Sequence[Item]], signs: Sequence[str]) -> Pair | None:
    if len(sides) != 2 or signs[0] not in ("!=", "="):
        return None
    left, right = (flat_items(s) for s in sides)
    if not (_is_index(left) and _is_index(right)) or (len(left) > 1 and len(right) > 1):
        return None
    return ("ne" if signs[0] == "!=" else "eq", "".join(left), "".join(right))


def _is_index(texts: Sequence[str]) -> bool:
    return (
        texts[:1] != []
        and texts[0].isalpha()
        and len(texts[0]) == 1
        and len([t for t in texts if t.isalpha()]) == (len(texts) + 1) // 2
        and len(texts) <= 3
    )


def _pairs_of_sums(items: Sequence[Item]) -> Iterator[Pair]:
    """The conditions below sums, at any depth."""
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            yield from _pairs_of_sums(item.items)
        elif is_macro(item, "sum") and k + 2 < len(items):
            at = k + 1 + is_macro(items[k + 1], "limits")
            below = items[at + 1] if at + 1 < len(items) else None
            inner = list(content(below)) if below is not None else []
            cut = next((n for n, i in enumerate(inner) if is_macro(i, "ne", "neq")), None)
            if cut is not None:
                left, right = flat_items(inner[:cut]), flat_items(inner[cut + 1 :])
                if _is_index(left) and _is_index(right):
                    yield "ne", "".join(left), "".join(right)


def _mask(pair: Pair, judge: ChainJudge) -> Node | None:
    """The condition as a node over the free indices; None where the names are none of the statement's."""
    a, b = (_node(t, judge) for t in pair[1:])
    if a is None or b is None or not (isinstance(a, Index) or isinstance(b, Index)) or a is b:
        return None
    return Call(pair[0], a, b)


def _letter(index: Index) -> str:
    return index.name.rstrip("_0123456789")


def _node(text: str, judge: ChainJudge) -> Node | None:
    for index, _ in judge.reading.entries:
        if _letter(index) == text:
            return index
    plain = text.replace("_", "")
    return next(
        (
            v
            for v in judge.reading.vars.values()
            if isinstance(v, Var) and v.is_a("integer") and not v.rank and v.name.replace("_", "") == plain
        ),
        None,
    )


def _right(judge: ChainJudge, mask: Node) -> frozenset[int]:
    trial = replace(judge, mask=mask, posed=[], sides=[])
    try:
        return frozenset(o.side for o in trial.outcomes() if o.status == "right" and "which is wrong" not in o.how)
    except SymDerivError:
        return frozenset()


def _as_right(o: Outcome) -> Outcome:
    return Outcome(o.side, "right", o.what, vote=o.vote)


__all__ = ["Distinct", "stated_pair"]
