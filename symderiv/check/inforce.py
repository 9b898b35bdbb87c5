"""What is in force at a chain: of every name the last thing that was said about it, else what follows closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..expr.nodes import Var
from .relations import Chain
from .roles import relevant
from .scope import Known, Meaning

if TYPE_CHECKING:
    from .plan import Plan

NEAR = 2  # paragraphs in which a definition may follow its use


@dataclass(frozen=True)
class Said:
    """Something that is said about a name: a declaration or a definition.

    Attributes:
        offset, section: where.
        var: the variable, with how it is known; None for a definition.
        known: the definition.
    """

    offset: int
    section: int
    var: tuple[Var, str] | None = None
    known: Known | None = None

    @property
    def meaning(self) -> object:
        """What it says: the same declaration in two sections is one meaning, definitions in two sections are two."""
        return (self.var[0].shape, self.var[0].attrs) if self.var is not None else self.section


def everything_said(plan: Plan) -> dict[str, list[Said]]:
    """All that the document says about each name, in order; a definition that only repeats another says nothing new."""
    if plan.said is not None and plan.said[0] == len(plan.redefined):
        return plan.said[1]
    out: dict[str, list[Said]] = {}
    for source in (plan.cast.declarations, plan.remarks):
        for offset, names, how in source:
            meaning = Meaning()
            plan.declare(meaning, names, how)
            for name, found in meaning.vars.items():
                out.setdefault(name, []).append(Said(offset, plan.section_at(offset), found))
    for role in plan.cast.roles:
        k = role.known
        if k is not None and (role.kind == "definition" or (role.kind == "again" and k.number in plan.redefined)):
            out.setdefault(k.name, []).append(Said(plan.chains[k.number].start, k.section, known=k))
    for said in out.values():
        said.sort(key=lambda s: s.offset)
    plan.said = (len(plan.redefined), out)
    return out


def in_force(plan: Plan, number: int, chain: Chain | None) -> Meaning:
    """Declarations and definitions at a chain."""
    out = plan.start.copy()
    at = chain.start if chain is not None else len(plan.paper.text)
    definitions: list[Known] = []
    for name, said in everything_said(plan).items():
        earlier, later = [], []
        for s in said:
            if s.offset <= at and (s.known is None or s.known.number < number):
                earlier.append(s)
            elif s.known is None or s.known.number != number:
                later.append(s)
        chosen = earlier[-1] if earlier else None
        soon = next((s for s in later if s.known is not None and chain is not None and _soon(s.known, chain)), None)
        if soon is not None and (chosen is None or chosen.known is None or chosen.section != soon.section):
            chosen = soon
        if chosen is None:
            own = any(s.known is not None and s.known.number == number for s in said)
            alone = len({s.section for s in said}) == 1
            fits = [s for s in later if s.var is not None and (alone or (chain is not None and s.section == chain.event.section))]
            chosen = fits[0] if fits and not own else None
        shape = next(
            (s.var for s in reversed(earlier) if s.var is not None and chosen is not None and s.section == chosen.section), None
        )
        if chosen is not None and chosen.var is not None:  # `h = tanh(W x), where h ∈ R^m`: it is still that
            chosen = next((s for s in reversed(earlier) if s.known is not None and plan.in_one_paragraph(s, chosen)), chosen)
        if chosen is None or (chain is not None and name in chain.bound and chosen.section != chain.event.section):
            continue  # nothing is said, or in another section of what is an index here
        chosen = _fullest(chosen, earlier)
        several = len({(s.section, s.known is None) for s in said}) > 1 and len({s.meaning for s in said}) > 1
        out.origin[name] = (chosen.section, several)
        if chosen.known is not None:
            definitions.append(chosen.known)
            if name not in plan.start.vars:
                if shape is not None:
                    out.vars[name] = shape
                else:
                    out.vars.pop(name, None)
        elif chosen.var is not None and name not in plan.start.vars:
            out.vars[name] = chosen.var
    for name, found in plan.assumed.items():
        if not any(k.name == name for k in definitions) and (chain is None or name not in chain.bound):
            out.vars.setdefault(name, found)
    needed = relevant(chain, definitions) if chain is not None else definitions
    for k in needed:
        out.known[k.name] = k
    for k in definitions:
        if k.name not in out.known:
            out.vars.pop(k.name, None)
    return out


def _fullest(chosen: Said, earlier: list[Said]) -> Said:
    """A declaration that says of a name what another one in its section says, and less, takes nothing back."""
    if chosen.var is None:
        return chosen
    v = chosen.var[0]
    fuller = [
        s for s in earlier
        if s.var is not None and s.section == chosen.section and s.var[0].shape == v.shape and s.var[0].attrs > v.attrs
    ]  # fmt: skip
    return fuller[-1] if fuller else chosen


def _soon(k: Known, chain: Chain) -> bool:
    """Whether a definition follows closely enough to be meant before it is made."""
    return k.section == chain.event.section and (k.paragraph - chain.event.paragraph <= NEAR or k.introduced)


__all__ = ["everything_said", "in_force"]
