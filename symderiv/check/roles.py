"""What each chain of a document is for: a declaration, a definition, something to check, or an aside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import SymDerivError
from ..read.declarations import Declarations
from ..read.infer import Inference
from ..read.latex.document import Context
from ..read.latex.plans import left_head, plan_statements
from ..read.latex.reader import LatexReader
from ..read.latex.tokens import Clock
from ..read.latex.tree import Item, Token, is_char
from .paper import Paper
from .reading import begins_with_differential
from .relations import Chain
from .rows import flat_items
from .scope import Known, Meaning
from .sets import attributes_said, names_before, shape_of_set

_INTRODUCES = re.compile(
    r"(?:\b(?:where|let|with|define|defines|defined|defining|denote|denotes|denoting|set|sets|setting|write|writes|writing|put|call|abbreviate|"
    r"abbreviating|using|introduce|introducing|namely|brevity|notation|shorthand|here|given|loss|function|objective|model|is|by|as)\b"
    r"[^.$]{0,40}|\band)\s*[:,]?\s*$"
)
_STRONG = re.compile(
    r"\b(?:where|let|with|define\w*|denot\w*|write|writing|put|call|abbreviat\w*|introduc\w*|for brevity|shorthand|here)\b[^.$]{0,40}$"
)
_LEADS = re.compile(
    r"(?<!\bis )(?<!\bare )\b(?:where|with|let|define|denote|write|introduce|with the intermediate values?)\W*(?:\w+\W+){0,3}$"
)
_SUPPOSES = re.compile(
    r"\b(?:if|when|whenever|for|at|unless|until|since|because|assum\w*|suppos\w*|case|iff|that|than|implies|yields|gives|get|obtain|whether|not)\b"
    r"[^.$]{0,30}$"
)
_SENTENCE = re.compile(r"[.!?]\s")


@dataclass
class Role:
    """What a chain is for.

    Attributes:
        kind: definition, again, claim, declaration, aside or expression.
        known: what it defines.
        declares: name -> declaration, of a membership in a set.
        inline: it stands in a line of prose.
    """

    kind: str
    known: Known | None = None
    declares: dict[str, str] = field(default_factory=dict)
    inline: bool = False


@dataclass
class Cast:
    """The roles of all chains, with the definitions and declarations that they make.

    Attributes:
        declarations: (offset, names -> declarations, how) in order.
    """

    roles: list[Role]
    declarations: list[tuple[int, dict[str, str], str]]


def cast(paper: Paper, chains: Sequence[Chain], start: Meaning, remarks: Sequence[tuple[int, dict[str, str], int]] = ()) -> Cast:
    """The role of every chain; `remarks` are declarations in comments, with their place and section."""
    director = _Director(paper, list(chains), start.copy(), remarks=list(remarks))
    return director.run()


@dataclass
class _Director:
    paper: Paper
    chains: list[Chain]
    meaning: Meaning
    seen: list[list[str]] = field(default_factory=list)
    remarks: list[tuple[int, dict[str, str], int]] = field(default_factory=list)
    declared_in: dict[str, int] = field(default_factory=dict)
    posing: tuple[int, str] | None = None  # paragraph of an equation that was posed, and its letters

    @cached_property
    def bound(self) -> set[str]:
        """The letters that sums bind: `k = j` says nothing of a value `k`."""
        return set().union(*(c.bound for c in self.chains))

    def run(self) -> Cast:
        roles: list[Role] = []
        declarations: list[tuple[int, dict[str, str], str]] = []
        defining = False
        for n, chain in enumerate(self.chains):
            previous = self.chains[n - 1] if n else None
            same_sentence = previous is not None and previous.event.paragraph == chain.event.paragraph
            if previous is not None and previous.event.section != chain.event.section:
                self.seen, self.posing = [], None
            while self.remarks and self.remarks[0][0] <= chain.start:
                self._declare(self.remarks[0][1], "declared in a comment", self.remarks[0][2])
                self.remarks.pop(0)
            told = self._introduced(chain) or (
                defining and same_sentence and bool(re.fullmatch(r"\W*(and|or)?\W*", chain.event.before[-12:].split("$")[-1]))
            )
            role = self._role(chain, told)
            role.inline = chain.event.kind == "inline" and not self._alone(chain)
            if role.kind == "declaration":
                role.declares = self._declared(n)
                if role.declares:
                    declarations.append((chain.start, role.declares, "declared in the text"))
                    self._declare(role.declares, "declared in the text", chain.event.section, chain.event.paragraph)
            if role.known is not None and role.kind == "definition":
                self.meaning.known[role.known.name] = role.known
            defining = role.kind in ("definition", "declaration") and told
            if len(chain.sides) > 1 and chain.event.kind == "display" and _is_zero(chain.sides[-1]):
                self.posing = (chain.event.section, " ".join(chain.flat))
            roles.append(role)
            self.seen.append(chain.flat if role.kind not in ("declaration", "aside") else [])
        return Cast(roles, declarations)

    def _declare(self, names: dict[str, str], how: str, section: int, paragraph: int | None = None) -> None:
        for name, spec in names.items():
            try:
                found = self.meaning.declare({name: spec}, how)
            except SymDerivError:
                continue
            for n in found:
                known = self.meaning.known.get(n)
                if known is not None and known.paragraph != paragraph:
                    del self.meaning.known[n]
                self.declared_in[n] = section

    def _introduced(self, chain: Chain) -> bool:
        if chain.link == "where":
            return True
        before = chain.event.before
        cut = max((m.end() for m in _SENTENCE.finditer(before)), default=0)
        if chain.event.kind == "display":
            return bool(_LEADS.search(before[cut:])) and chain.link != "implies"
        return bool(_STRONG.search(before[cut:]))

    # one chain -----------------------------------------------------------------------------------------------------------------
    def _role(self, chain: Chain, told: bool) -> Role:
        if len(chain.sides) == 1:
            return Role("expression" if chain.event.kind == "display" else "aside")
        if not chain.sides[0]:
            return Role("claim")
        if chain.signs[0] == "in":
            return Role("declaration")
        inline = chain.event.kind == "inline" and not self._alone(chain)
        left = chain.sides[0]
        reader = self._reader(Declarations())
        try:
            differential = begins_with_differential(left)
            derivative = left_head(reader, left) is not None
            plan = (
                plan_statements(reader, [chain.raw(*range(len(chain.sides)), condition=False)])[0]
                if chain.signs[0] in ("=", ":=", "<-")
                else None
            )
        except SymDerivError:
            return Role("aside" if inline else "claim")
        if derivative or differential or chain.signs[0] == "<-":
            return Role("claim")
        if plan is None or plan.definition is None:
            return Role("aside" if inline else "claim")
        name = self._name(plan.definition.key)
        if _is_index(chain.sides[1]) and (name in self.bound or (inline and self._names_no_value(chain))):
            return Role("aside" if inline else "claim")
        if inline and not told and chain.signs[0] != ":=" and not self._says_what_it_is(chain, name):
            return Role("aside")
        if chain.signs[0] == "=" and not told and _is_number(chain.sides[1]) and len(chain.sides) == 2:
            return Role("aside" if inline else "claim")
        return self._of_name(chain, name, told, inline)

    def _names_no_value(self, chain: Chain) -> bool:
        """Whether `k = j` sets a letter equal to a letter of which nothing says that it has a value."""
        letters = [i.text for i in chain.sides[1] if isinstance(i, Token)]
        known = {*self.meaning.vars, *self.meaning.known, *self.meaning.declared().sizes}
        return len(letters) == 1 and letters[0].isalpha() and letters[0] not in known

    def _says_what_it_is(self, chain: Chain, name: str) -> bool:
        """`the scores are $z = X w$`: a new name and an expression, and no word that makes it a condition."""
        before = chain.event.before
        cut = max((m.end() for m in _SENTENCE.finditer(before)), default=0)
        here = self.declared_in.get(name, -1) == chain.event.section
        known = self.meaning.known.get(name)
        if _SUPPOSES.search(before[cut:]) or here or (known is not None and known.section == chain.event.section):
            return False
        if len(flat_items(chain.sides[1])) < 2 or _is_number(chain.sides[1]):
            return False
        return not any(_occurs(flat_items(chain.sides[0]), s) for s in self.seen)

    def _of_name(self, chain: Chain, name: str, told: bool, inline: bool) -> Role:
        if name in self.meaning.declared().sizes and name not in self.meaning.vars:
            return Role("aside")
        known = Known(name, self._definition_raw(chain), chain.number, chain.event.paragraph, chain.event.section, told)
        if name in self.meaning.known and self.meaning.known[name].section == chain.event.section:
            return Role("definition" if chain.signs[0] == ":=" else "again", known)
        if chain.signs[0] == ":=":
            return Role("definition", known)
        key = flat_items(chain.sides[0])
        if (
            self.posing is not None
            and self.posing[0] == chain.event.section
            and _occurs(key, self.posing[1].split())
            and not told
        ):
            return Role("claim")
        used = any(_occurs(key, s) for s in self.seen)
        if not told and chain.link == "implies" and used:
            return Role("claim")
        if name in self.meaning.vars and used and not told:
            return Role("claim")
        if _occurs(key, [t for side in chain.sides[1:] for t in flat_items(side)]) and "(" not in key:
            return Role("claim")
        return Role("definition", known)

    def _definition_raw(self, chain: Chain):
        return chain.raw(0, 1, condition=False)

    def _alone(self, chain: Chain) -> bool:
        """Whether an inline formula stands alone on its line."""
        text = self.paper.text
        begin = text.rfind("\n", 0, chain.event.start) + 1
        end = text.find("\n", chain.event.stop)
        end = len(text) if end < 0 else end
        around = text[begin : chain.event.start] + text[chain.event.stop : end]
        return not around.strip(" \t.,;*-#>")

    def _name(self, key) -> str:
        """The name in the language under which the document declares the key."""
        reader = self._reader(self.meaning.declared())
        found = reader.table.find(key)
        if len(found) == 1 and found[0] not in reader.sizes:
            return found[0]
        for name in (*self.meaning.vars, *self.meaning.known):
            if name == key.identifier:
                return name
        return key.identifier

    def _reader(self, declared: Declarations) -> LatexReader:
        return LatexReader(self.paper.text, declared, Clock(self.paper.text), Inference(), self.paper.name, Context())

    def _declared(self, n: int) -> dict[str, str]:
        r"""`X, Y \in \mathbb{R}^{n \times d}`: the names, with those of bare pieces of the same formula right before."""
        chain = self.chains[n]
        spec = shape_of_set(chain.sides[-1]) if len(chain.sides) == 2 else None
        if spec is None:
            return {}
        names = names_before(chain.sides[0], self.paper.text)
        k = n - 1
        while k >= 0 and self.chains[k].event is chain.event and len(self.chains[k].sides) == 1:
            more = names_before(self.chains[k].sides[0], self.paper.text)
            if not more:
                break
            names = [*more, *names]
            k -= 1
        after = " ".join(self.paper.text[chain.event.stop : chain.event.stop + 60].split()).lower().split(".")[0]
        before = chain.event.before[-40:]
        spec = f"{spec} {attributes_said(spec, before, after)}".rstrip()
        return dict.fromkeys(names, spec)


def _is_index(items: Sequence[Item]) -> bool:
    """Whether a side is `j`, `3`, `j + 1`, `n`: what an index may be."""
    return len(items) <= 3 and all(isinstance(i, Token) and (i.kind in ("char", "number") or is_char(i, "+", "-")) for i in items)


def relevant(chain: Chain, known: Sequence[Known]) -> list[Known]:
    """The definitions that a chain may use: those whose letter it has, and those that these use."""
    tokens = set(chain.flat) | {t for c in chain.conditions for s in c.sides for t in flat_items(s)}
    left = list(known)
    out: list[Known] = []
    changed = True
    while changed:
        changed = False
        for k in list(left):
            head = {t for t in flat_items(k.raw.sides[0]) if t.isalpha()}
            letters = {"".join(head)} | head
            if k.name in tokens or _letter(k) in tokens or not letters:
                out.append(k)
                left.remove(k)
                tokens |= {t for s in k.raw.sides for t in flat_items(s)}
                changed = True
    return sorted(out, key=lambda k: k.number)


def _letter(k: Known) -> str:
    """The first letter of what is defined; that of a word is its first."""
    return next(
        (
            t
            for t in flat_items(k.raw.sides[0])
            if t.isalpha() and t not in ("hat", "bar", "tilde", "dot", "check", "widehat", "widetilde", "overline")
        ),
        "",
    )


def _occurs(key: Sequence[str], where: Sequence[str]) -> bool:
    n = len(key)
    return any(list(where[k : k + n]) == list(key) for k in range(len(where) - n + 1))


def _is_zero(items: Sequence[Item]) -> bool:
    found = flat_items(items)
    return found == ["0"]


def _is_number(items: Sequence[Item]) -> bool:
    return all(isinstance(i, Token) and (i.kind == "number" or is_char(i, "-", "+")) for i in items)


__all__ = ["Cast", "Role", "cast"]
