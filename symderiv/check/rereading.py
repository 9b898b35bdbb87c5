r"""Chains read once more where the first reading failed or came to nothing: conventions that authors use and do not state.

`x_i w_j` of a row and a column, `\frac{\partial}{\partial x}(f) g` with the operator on the bracket alone, an index that is fixed without
saying so, a function `g` that is the logistic one. What holds under such a convention is right under it, and the convention is told;
nothing is called wrong here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import SymDerivError
from ..read.latex.document import Context
from ..read.latex.naming import GREEK
from ..read.latex.tree import Group, Item, Token, is_char, is_macro
from ..read.latex.unknown import Unbound
from ..read.latex.values import NoProduct
from .judge import ChainJudge, Outcome
from .reading import ChainReader, Reading
from .relations import Chain
from .roles import Role
from .scope import Meaning

if TYPE_CHECKING:
    from .checker import Checker

ROUNDS = 4  # conventions that are put on top of each other
FUNCTIONS = ("sigmoid", "tanh", "exp", "relu")


class Rereading:
    """Tries unsaid conventions on the relations of a chain that are not decided.

    Attributes:
        checker: the document.
    """

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    def decide(
        self, chain: Chain, role: Role, judge: ChainJudge, outcomes: list[Outcome], meaning: Meaning, skip: str
    ) -> list[Outcome]:
        """The outcomes, those that hold under an unsaid convention as right, with the convention."""
        open_ = {o.side for o in outcomes if o.status == "skipped" and (o.hangs or judge.reading.sides[o.side].error is not None)}
        open_ |= {o.side for o in outcomes if o.status == "skipped" and judge.reading.sides[0].error is not None}
        if role.kind == "definition":
            open_ |= {o.side for o in outcomes if o.side == 1 and o.status == "skipped" and o.code}
        wrong = {o.side for o in outcomes if o.status == "wrong" and any(map(_has_operator, chain.sides))}
        if not open_ | wrong:
            return outcomes
        out = {o.side: o for o in outcomes}
        for context, told, reading in self._readings(chain, judge.reading, meaning, skip, bool(wrong)):
            left = {k for k in open_ | wrong if out[k].status not in ("right", "defined")}
            if not left:
                break
            for o in self._judged(role, judge, context, reading, meaning, skip):
                if o.side in left and o.status in ("right", "defined", "posed") and "which is wrong" not in o.how:
                    out[o.side] = replace(o, how="under an assumption", assuming=(*told, *o.assuming))
        return [out[o.side] for o in outcomes]

    def _judged(
        self, role: Role, judge: ChainJudge, context: Context, reading: Reading, meaning: Meaning, skip: str
    ) -> list[Outcome]:
        trial = replace(judge, reading=reading, posed=[], sides=[])
        rule = judge.chain_rule_context
        if rule is not None:
            trial.chain_rule_context = replace(rule, context=replace(context, macros="", differentials=""))  # type: ignore[type-var]
        try:
            found = self.checker.distinct.decide(trial, trial.outcomes(), meaning)
        except SymDerivError:
            return []
        for k, o in enumerate(found):
            if role.kind == "definition" and o.side == 1:
                found[k] = Outcome(1, "defined" if trial.sides[1].words is not None else "skipped", "definition")
            elif o.status == "wrong":
                found[k] = replace(o, status="skipped", hangs=True)
        return self.checker.supposing.decide(trial, found, meaning)

    # readings --------------------------------------------------------------------------------------------------------------------
    def _readings(
        self, chain: Chain, first: Reading, meaning: Meaning, skip: str, wrong: bool
    ) -> Iterator[tuple[Context, tuple[str, ...], Reading]]:
        """Readings under other conventions, those that cure errors first."""
        context, reading = self.checker.context, first
        told: tuple[str, ...] = ()
        for _ in range(ROUNDS):
            cure = _cure(context, reading)
            if cure is None:
                break
            context, one = cure
            told = (*told, one)
            found = self._read(chain, meaning, skip, context)
            if found is None:
                break
            reading = found
        if told:
            yield context, told, reading
        if any(_has_operator(s) for s in chain.sides):
            other = replace(context, operators="bracket")
            found = self._read(chain, meaning, skip, other)
            if found is not None:
                yield other, (*told, "an operator before a bracket acts on the bracket alone"), found
        letters = sorted(set(reading.undefined.values()))
        if wrong or not letters:
            return
        for word in FUNCTIONS:
            letter = letters[0]
            written = "\\" + letter if letter in GREEK else letter
            other = replace(
                context, functions={**context.functions, written: word}, undefined=(context.undefined or frozenset()) - {letter}
            )
            found = self._read(chain, meaning, skip, other)
            if found is not None:
                yield other, (*told, f"{letter} = {word}"), found

    def _read(self, chain: Chain, meaning: Meaning, skip: str, context: Context) -> Reading | None:
        reader = ChainReader(self.checker.paper.text, context, self.checker.paper.name, self.checker.squares)
        try:
            return reader.read(chain, meaning, skip=skip)
        except SymDerivError:
            return None


def _cure(context: Context, reading: Reading) -> tuple[Context, str] | None:
    """The convention under which the first error of a reading would be none."""
    for side in reading.sides:
        error = side.error
        if isinstance(error, NoProduct) and not context.product:
            return replace(context, product="inner"), "two vectors side by side are their inner product"
        if isinstance(error, Unbound) and error.letters and not set(error.letters) & set(context.free):
            letters = ", ".join(error.letters)
            return replace(
                context, free=(*context.free, *error.letters)
            ), f"{letters} {'is' if len(error.letters) == 1 else 'are'} fixed"
    return None


def _has_operator(items: Sequence[Item]) -> bool:
    r"""`\frac{\partial}{\partial x}(…)` before more factors, at any depth."""
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            if _has_operator(item.items):
                return True
        elif is_macro(item, "frac", "dfrac") and k + 4 < len(items) and _is_operator(items[k + 1]):
            after = items[k + 4]
            if isinstance(items[k + 3], Group) and items[k + 3].opener in ("(", "[", "{") and not is_char(after, "+", "-", "="):  # type: ignore[union-attr]
                return True
    return False


def _is_operator(above: Item) -> bool:
    inner = above.items if isinstance(above, Group) else (above,)
    return len(inner) == 1 and (is_macro(inner[0], "partial") or is_char(inner[0], "d"))


__all__ = ["Rereading"]
