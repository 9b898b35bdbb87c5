"""Whether a relation is certainly wrong: whatever the names that nobody declared may be, and with nothing usual that makes it right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Var
from ..expr.sizes import as_size, show_shape
from ..expr.walk import postorder, variables
from ..read.latex.atoms import ENTRIES_IN_BARS
from ..read.names import canonical, is_greek
from .judge import ChainJudge, Outcome
from .reading import ChainReader, Reading
from .relations import Chain
from .rows import flat_items
from .scope import Meaning
from .values import Values

if TYPE_CHECKING:
    from .checker import Checker

_OWN = re.compile(r"(?:D|J)\d+\w*|d_\w+")  # names that stand for derivatives and differentials
_LABELS = frozenset("tyxzcdl")  # letters of targets, inputs and assignments, which may be one-hot without a word
NAME = 4  # tokens of a name with its scripts, at most
_CONDITION = re.compile(
    r"\b(?:as|since|because|if|when|whenever|where|with|under|subject to|assum\w*|suppos\w*|constraints?|conditions?|given|using|unit|"
    r"normali[sz]\w*|orthogonal|orthonormal|such that|so that|that|satisf\w+)\b[^.$]{0,50}$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?]\s")
_MACROS = {"top", "T", "intercal", "prime", "I", "mathbf", "mathbb", "ldots", "left", "right", "lVert", "rVert", "Vert"}
USUAL = 6  # arrays for which something usual is tried


class Certainty:
    """Takes back verdicts that hang on what is not said.

    Attributes:
        checker: the document.
    """

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    def surely(self, chain: Chain, reading: Reading, o: Outcome, meaning: Meaning, skip: str) -> Outcome:
        """A relation is wrong only if it is wrong whatever the names that nobody declared may be, and nothing that is usual and
        not said makes it right."""
        if o.status != "wrong":
            return o
        if reading.undefined:
            names = ", ".join(f"`{n}`" for n in sorted(reading.undefined))
            reason = f"it holds for some functions only, and nothing says what {names} is"
            return Outcome(o.side, "skipped", o.what, reason=reason, hangs=True)
        if ENTRIES_IN_BARS in reading.told:
            return Outcome(
                o.side,
                "skipped",
                o.what,
                reason="it would be wrong if `|x|` is the absolute value of every entry; it may be a norm",
            )
        used = used_names(reading)
        assumed = {n for n in used if n in meaning.vars and meaning.vars[n][1].startswith("assumed")}
        assumed |= {n for n in reading.assumed & used if n not in meaning.known}
        assumed = {n for n in assumed if not _OWN.fullmatch(n) or n in meaning.vars}
        assumed -= {t.split(" ", 1)[0] for t in reading.told if "is declared: one for each" in t}
        if any(s.error is not None for s in reading.sides):
            tokens = set(chain.flat) | {t for k in meaning.known.values() for s in k.raw.sides for t in flat_items(s)}
            used |= {n for n in meaning.origin if n in tokens or n[:1] in tokens}
            letters = {t.lstrip("\\") for t in tokens}
            letters |= {canonical(t) for t in letters}
            unread = {
                n for n, (_, how) in meaning.vars.items() if how.startswith("assumed") and (n in letters or n[:1] in letters)
            }
            assumed |= {n for n in {*unread, *reading.assumed} - set(meaning.known) if not _OWN.fullmatch(n)}
        elsewhere = [n for n in sorted(used | set(meaning.known)) if meaning.origin.get(n, (chain.event.section, False))[1]]
        elsewhere = [n for n in elsewhere if meaning.origin[n][0] != chain.event.section]
        if elsewhere:
            return Outcome(
                o.side,
                "skipped",
                o.what,
                reason=f"`{elsewhere[0]}` has several meanings in the document, none of them in this section",
            )
        unclear = {n for n in assumed if n in ("D", "d") or not (n in meaning.vars and is_sure(meaning.vars[n][1]))}
        if o.kind in ("shape", "declared_shape"):  # sizes that nobody gives prove nothing, however an array is written
            unclear |= {n for n in assumed if n in meaning.vars and meaning.vars[n][0].rank}
        unclear = {n for n in unclear if not is_forced(n, reading) and not is_pinned(n, meaning)}
        doubt = self._doubt(unclear, reading, o, meaning) if o.what != "update" and not o.certain else ""
        if doubt:
            return Outcome(o.side, "skipped", o.what, reason=doubt, hangs=True)
        alone = self._alone({n for n in assumed if not is_forced(n, reading)}, chain, reading, o)
        if alone:
            return Outcome(o.side, "skipped", o.what, reason=f"it would be wrong, but nothing says what `{alone[0]}` is")
        stated = self.stated(chain)
        if stated:
            return Outcome(o.side, "skipped", o.what, reason=f"the text states `{stated}`; it may hold under that")
        arrays = {n for n in assumed if n in reading.vars and reading.vars[n].rank}
        evident = {n for n in arrays if n in meaning.vars and any(w in meaning.vars[n][1] for w in ("bold", "transposed", "ind"))}
        loose = arrays - evident
        if loose and self._right_for(chain, meaning, skip, {n: Var(n, ()) for n in loose}, o.side):
            names = ", ".join(sorted(loose))
            return Outcome(
                o.side, "skipped", o.what, reason=f"it holds for scalars and not for arrays; nothing says what {names} is"
            )
        usual = self._usual(chain, reading, o, meaning, skip) if o.what in ("identity", "derivative", "differential") else ""
        if usual:
            return Outcome(o.side, "skipped", o.what, reason=usual, hangs=True)
        told = tuple(f"assumed: {n} has shape {show_shape(reading.vars[n].shape)}" for n in sorted(assumed) if n in reading.vars)
        return Outcome(**{**vars(o), "notes": (*o.notes, *told)})

    def stated(self, chain: Chain) -> str:
        """An equation in prose on names of this relation alone that is a condition: `as $w^T w = 1$`."""
        here = {t for t in chain.flat if t.isalpha()}
        for c, role in zip(self.checker.chains, self.checker.cast.roles, strict=True):
            if role.kind != "aside" or c.event.section != chain.event.section or c.signs != ["="] or c.start > chain.start:
                continue
            names = {t for t in c.flat if t.isalpha()} - _MACROS
            cut = max((m.end() for m in _SENTENCE.finditer(c.event.before)), default=0)
            if names and names <= here and _CONDITION.search(c.event.before[cut:]):
                return self.checker.paper.text[c.start : c.stop].strip()
        return ""

    def _alone(self, assumed: set[str], chain: Chain, reading: Reading, o: Outcome) -> list[str]:
        """Names that stand on one side of this relation and nowhere else in the section: the relation may say what they are."""
        sides = [
            {v.name for v in variables(s.words)} for s in reading.sides if s.words is not None and s is not reading.sides[o.side]
        ]
        mine = reading.sides[o.side].words
        here = {v.name for v in variables(mine)} if mine is not None else set()
        lonely = {n for n in assumed if n in here and not any(n in s for s in sides)}
        if not lonely:
            return []
        introduces = len(flat_items(chain.sides[o.side])) <= NAME and o.side  # `… = p_j` where p is new
        others = {
            t for c in self.checker.chains if c is not chain and c.event.section == chain.event.section
            and (c.start < chain.start or o.what == "update" or not (introduces or len(c.sides) < 2)) for t in c.flat
        }  # fmt: skip
        return sorted(n for n in lonely if not {n, n.rstrip("0123456789").split("_")[0]} & others)

    def _doubt(self, assumed: set[str], reading: Reading, o: Outcome, meaning: Meaning) -> str:
        """Names that make a verdict uncertain because nothing says what they are."""
        if not assumed:
            return ""
        shown = ", ".join(f"`{n}`" for n in sorted(assumed)[:3])
        if o.kind in ("shape", "declared_shape"):
            return f"the shapes do not fit if {shown} is what its letter says; nothing declares it"
        entry = next((n for n in sorted(assumed) if "_" in n and _is_array(n.split("_")[0], reading)), "")
        if entry:
            return f"it would be wrong if `{entry}` is a name of its own; it may be an entry of `{entry.split('_')[0]}`"
        if self.checker.declares_something or any(not _plain(n) for n in assumed):
            return f"it would be wrong, but nothing says what {shown} is"
        return ""

    def _usual(self, chain: Chain, reading: Reading, o: Outcome, meaning: Meaning, skip: str) -> str:
        """Something usual that is not said and would make the relation right: targets that sum to 1, distinct indices."""
        used = used_names(reading)
        arrays = [v for v in reading.vars.values() if v.rank and not v.attrs and v.name in meaning.vars and v.name in used][
            :USUAL
        ]
        for v in arrays:
            for attr in ("simplex", "onehot") if v.name[:1].lower() in _LABELS else ("simplex",):
                if self._right_for(chain, meaning, skip, {v.name: Var(v.name, v.shape, (attr,))}, o.side):
                    said = "sum to 1" if attr == "simplex" else "are one-hot"
                    return f"it holds if the entries of `{v.name}` {said}; if they do, declare it: `{v.name}: … {attr}`"
        for v in arrays:
            may_be = self.checker.speaks_of_symmetry or meaning.vars[v.name][1].startswith("assumed")
            square = v.rank == 2 and v.shape[0] == v.shape[1] and may_be
            symmetric = {v.name: Var(v.name, v.shape, ("symmetric",))} if square else {}
            if square and self._right_for(chain, meaning, skip, symmetric, o.side):
                return f"it holds if `{v.name}` is symmetric; if it is, declare it: `{v.name}: … symmetric`"
        return ""

    def _right_for(self, chain: Chain, meaning: Meaning, skip: str, changed: Mapping[str, Var], side: int) -> bool:
        """Whether a relation holds if some names are something else."""
        other = meaning.copy()
        for n, v in changed.items():
            other.vars[n] = (v, "assumed (tried)")
        try:
            reading = ChainReader(
                self.checker.paper.text, self.checker.context, self.checker.paper.name, self.checker.squares
            ).read(chain, other, skip=skip)
            values = Values(depends=self.checker.values.depends, variables={**self.checker.values.variables, **changed})
            judge = ChainJudge(chain, reading, values, self.checker.paper.text, [0] * len(chain.sides), meaning.layout)
            outcomes = judge.outcomes()
        except SymDerivError:
            return False
        found = next((o for o in outcomes if o.side == side), None)
        return found is not None and found.status in ("right", "posed")


def is_sure(how: str) -> bool:
    """Whether what is assumed of a name follows from how it is written."""
    return any(w in how for w in ("bold", "transposed", "differentiated by", "divided by", "power", "is declared)"))


def is_pinned(name: str, meaning: Meaning) -> bool:
    """Whether the sizes of an array that nobody declares are all sizes of declared arrays: it fits where it is used."""
    v = meaning.vars[name][0] if name in meaning.vars else None
    if v is None or not v.rank:
        return False
    declared = {s for x, how in meaning.vars.values() if not how.startswith("assumed") for s in x.shape}
    return all(s in declared for s in v.shape)


def is_forced(name: str, reading: Reading) -> bool:
    """Whether a name is a number because nothing else fits where it stands in the definition of a number.

    In `‖Xw - y‖² + λ‖w‖²`, λ as a vector or a matrix gives no number.
    """
    v = reading.vars.get(name)
    if v is None or v.rank or "_" in name or not is_greek(name):  # others may be labels or entries
        return False
    heads = [s.derivative.numerator for s in reading.sides if s.derivative is not None]
    numbers = [d for d in (*reading.definitions.values(), *heads) if d is not None and not d.rank]
    inside = [d for d in numbers if v in variables(d)]
    sizes = {s for d in inside for x in variables(d) for s in x.shape}
    fresh = as_size("other_size"), as_size("another_size")
    others = [Var(name, shape) for shape in (fresh[:1], fresh, *((s,) for s in sizes), *((s, s) for s in sizes))]
    return any(not any(_fits(d, v, x) for x in others) for d in inside)


def _fits(root: Node, v: Var, other: Var) -> bool:
    """Whether the words have the same shape with another variable in the place of `v`."""
    new: dict[Node, Node] = {v: other}
    try:
        for node in postorder(root):
            if node not in new:
                operands = [new[o] for o in node.operands]
                same = operands == list(node.operands) or not isinstance(node, Call)
                new[node] = node if same else node.with_operands(operands)
    except SymDerivError:
        return False
    return new[root].shape == root.shape


def used_names(reading: Reading) -> set[str]:
    """The variables that occur in the sides of a chain, in what is differentiated, and in conditions."""
    words = [s.words for s in reading.sides if s.words is not None]
    heads = [s.derivative for s in reading.sides if s.derivative is not None]
    for d in (*heads, *reading.unknowns.values()):
        words += [n for n in (d.numerator, d.var, *d.variables) if n is not None]
    found = {v.name for v in variables(*words, *reading.conditions) if v not in reading.unknowns}
    todo = [n for n in found if n in reading.definitions]
    while todo:
        new = {v.name for v in variables(reading.definitions[todo.pop()])} - found
        found |= new
        todo += [n for n in new if n in reading.definitions]
    if any(s.error is not None for s in reading.sides):
        found |= {n for s in reading.sides if s.error is not None for n in reading.vars if f"`{n}" in s.error.message}
    return found


def _is_array(name: str, reading: Reading) -> bool:
    return name in reading.vars and bool(reading.vars[name].rank)


def _plain(name: str) -> bool:
    """A name that stands for a constant or a variable by itself: one small letter, or one small Greek letter."""
    return (
        (len(name) == 1 and name.islower()) or (is_greek(name) and name.islower()) or (len(name) == 1 and name in "XYWABCPQUVZHM")
    )


__all__ = ["Certainty", "is_pinned", "is_sure", "used_names"]
