r"""The formulas of a document as chains: `a = b = c` across rows, `\leq`, `\propto`, what leads to them, what restricts them.

A chain keeps its items as they stand; nothing is understood here but what relates what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import SymDerivError
from ..read.latex.macros import Expander
from ..read.latex.split import ARROWS, EQUALS, UPDATES, Piece, Raw
from ..read.latex.tokens import Token, scan_latex
from ..read.latex.tree import Group, Item, TreeBuilder, is_char, is_macro, plain_text
from .paper import Event, Paper
from .rows import bound_letters, flat_items, pieces_of_rows

_LESS = {"le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ll": "<<", "gg": ">>",
         "approx": "~", "simeq": "~", "sim": "~", "propto": "prop", "in": "in", "ne": "!=", "neq": "!=", "subset": "in", "cong": "~",
         "notin": "in", "asymp": "~", "lesssim": "~", "gtrsim": "~"}  # fmt: skip
_OPERATORS = ("cdot", "times", "odot", "circ", "oslash", "otimes")
_CLAIMS = {"=": "=", ":=": ":=", "<-": "<-"}


@dataclass
class Chain:
    """Sides with the signs between them.

    Attributes:
        sides: items; the first may be empty for a row that goes on with something unknown.
        signs: `=`, `:=`, `<-`, `<=`, `>=`, `<`, `>`, `!=`, `~`, `prop`, `in`; one fewer than the sides.
        link: `implies`, `where` or "".
        conditions: what restricts it, as the reader takes them.
        event: the formula in which it begins.
        number: of the chain in the document.
        beside: relations in brackets behind it, `(i \\neq j)`.
    """

    sides: list[list[Item]]
    signs: list[str]
    event: Event
    link: str = ""
    words: str = ""
    conditions: list[Raw] = field(default_factory=list)
    number: int = 0
    beside: list[tuple[list[list[Item]], list[str]]] = field(default_factory=list)

    @cached_property
    def flat(self) -> list[str]:
        """The texts of all its tokens."""
        return [t for side in self.sides for t in flat_items(side)]

    @cached_property
    def bound(self) -> set[str]:
        """The letters that its sums bind."""
        return set().union(*(bound_letters(s) for s in self.sides))

    @property
    def start(self) -> int:
        return next((s[0].start for s in self.sides if s), self.event.start)

    @property
    def stop(self) -> int:
        return next((s[-1].stop for s in reversed(self.sides) if s), self.event.stop)

    def raw(self, *which: int, condition: bool = True) -> Raw:
        """These sides as a statement for the reader."""
        first = self.signs[0] if self.signs and which[0] == 0 else "="
        signs = [first if first in (":=", "<-") else "="]
        return Raw(
            [self.sides[k] for k in which], signs * (len(which) - 1), self.link, False, "", self.conditions if condition else []
        )


@dataclass
class Trouble:
    """A formula that cannot be taken apart."""

    event: Event
    error: SymDerivError


def chains_of(paper: Paper) -> tuple[list[Chain], list[Trouble]]:
    """All chains of a document in order, and the formulas that TeX could not read."""
    expander = Expander(paper.text, paper.name)
    chains: list[Chain] = []
    troubles: list[Trouble] = []
    for event in paper.events:
        if event.kind == "macro":
            _define(expander, event.text)
        elif event.kind in ("display", "inline"):
            try:
                found = _of_formula(paper, event, expander)
            except SymDerivError as error:
                troubles.append(Trouble(event, error))
                continue
            for chain in found:
                chain.number = len(chains)
                chains.append(chain)
    return chains, troubles


def _define(expander: Expander, text: str) -> None:
    """A macro; one that cannot be read stays unknown and is told where it is used."""
    try:
        own = Expander(text, "macros")
        own.table = expander.table
        own.expand(scan_latex(text, "macros"))
    except SymDerivError:
        return


def _of_formula(paper: Paper, event: Event, shared: Expander) -> list[Chain]:
    text = paper.text[event.start : event.stop]
    try:
        tokens = [t._replace(start=t.start + event.start, stop=t.stop + event.start) for t in scan_latex(text, paper.name)]
    except SymDerivError as error:
        if error.span is not None:
            from ..errors import Span

            error.span = Span(paper.text, error.span.start + event.start, error.span.stop + event.start, paper.name)
        raise
    tokens = _without_dollars(tokens[1:-1] if event.text == "alias" else tokens)
    expander = Expander(paper.text, paper.name)
    expander.table = dict(shared.table)
    items = TreeBuilder(paper.text, expander.expand(tokens), paper.name).build()
    for name in expander.table:  # definitions inside a display hold afterwards as well
        shared.table.setdefault(name, expander.table[name])
    return _joined(pieces_of_rows(items), event)


def _without_dollars(tokens: list[Token]) -> list[Token]:
    r"""The formula without what surrounds it; `$` inside `\text` goes as well."""
    return [t for t in tokens if t.kind != "math"]


# chains ----------------------------------------------------------------------------------------------------------------------
def _joined(rows: list[list[Piece]], event: Event) -> list[Chain]:
    out: list[Chain] = []
    pending: list[Raw] = []
    for row in rows:
        begin, conditions = len(out), []
        last_open = out[-1] if out else None
        for n, piece in enumerate(row):
            if piece.condition:
                raw = _condition(piece)
                if raw is not None:
                    conditions.append(raw)
                continue
            sides, signs = _relation(piece.items)
            if not any(sides):
                continue
            bracketed = _in_brackets(piece.items)
            if bracketed is not None and n:
                if out:
                    out[-1].beside.append(_relation(bracketed))
                continue
            first_of_row = n == 0 or (all(p.condition for p in row[:n]))
            target = out[-1] if out else None
            if target is not None and not sides[0] and signs and (first_of_row or target is not last_open or n == 0):
                _extend(target, sides, signs)
            elif target is not None and first_of_row and not piece.link and target is last_open and _hangs(target, sides, signs):
                target.sides[-1].extend(sides[0])
                target.sides.extend(sides[1:])
                target.signs.extend(signs)
            else:
                out.append(Chain(sides, signs, event, piece.link, piece.words))
        for chain in out[begin:]:
            chain.conditions = [*pending, *conditions]
        if len(out) == begin and conditions and out and last_open is not None and any(not p.condition for p in row):
            last_open.conditions.extend(conditions)
            conditions = []
        pending = conditions if len(out) == begin else []
    return _without_labels([c for c in out if any(c.sides)])


def _without_labels(chains: list[Chain]) -> list[Chain]:
    r"""`y_i = k` before another formula of the same display restricts it."""
    out: list[Chain] = []
    said: list[tuple[list[list[Item]], list[str]]] = []
    for k, chain in enumerate(chains):
        if k + 1 < len(chains) and chain.signs == ["="] and _is_label(chain.sides[0]) and len(chain.sides[1]) == 1:
            said.append((chain.sides, chain.signs))
            continue
        chain.beside = [*said, *chain.beside]
        for c in chain.conditions:
            _split_off(c, chain)
        out.append(chain)
    return out


def _is_label(side: Sequence[Item]) -> bool:
    """`y_i`."""
    return len(side) == 3 and isinstance(side[1], Token) and side[1].kind == "sub" and is_char(side[0], "y", "c", "t")


def _split_off(condition: Raw, chain: Chain) -> None:
    r"""`\forall k \in [1, C] \setminus \{y_i\}`: that k is not y_i is kept beside the chain."""
    for side in condition.sides if condition.words == "for all" else ():
        cut = next((n for n, i in enumerate(side) if is_macro(i, "setminus", "backslash")), None)
        if cut is None:
            continue
        gone = side[cut + 1] if cut + 1 < len(side) else None
        letter: list[Item] = [i for i in side[:1] if isinstance(i, Token) and i.kind == "char"]
        if isinstance(gone, Group) and letter:
            chain.beside.append(([letter, list(gone.items)], ["!="]))
            del side[cut:]


def _in_brackets(items: Sequence[Item]) -> list[Item] | None:
    r"""What `(i \neq j)` behind a formula holds."""
    if len(items) != 1 or not isinstance(items[0], Group) or items[0].opener not in ("(", "["):
        return None
    inner = list(items[0].items)
    return inner if len(_relation(inner)[1]) == 1 else None


def _extend(chain: Chain, sides: list[list[Item]], signs: list[str]) -> None:
    chain.sides.extend(sides[1:])
    chain.signs.extend(signs)


def _hangs(chain: Chain, sides: list[list[Item]], signs: list[str]) -> bool:
    """Whether a row goes on with the last side of the row before it."""
    last, first = chain.sides[-1], sides[0]
    if not last or not first:
        return not last and bool(first)
    if is_char(last[-1], "+", "-", "*", "/") or is_macro(last[-1], *_OPERATORS):
        return True
    leading = is_char(first[0], "+", "-", "*", "/") or is_macro(first[0], *_OPERATORS)
    return leading and not (signs and is_char(first[0], "-"))


def _condition(piece: Piece) -> Raw | None:
    sides, signs = _relation(piece.items)
    if any(s not in _CLAIMS for s in signs) or not any(sides):
        return Raw([list(piece.items)], [], "", True, piece.words) if piece.items else None
    return Raw(sides, ["="] * len(signs), "", True, piece.words)


def _relation(items: Sequence[Item]) -> tuple[list[list[Item]], list[str]]:
    sides: list[list[Item]] = [[]]
    signs: list[str] = []
    k = 0
    items = list(items)
    while k < len(items):
        sign, used = _sign(items, k)
        if sign:
            signs.append(sign)
            sides.append([])
        else:
            sides[-1].append(items[k])
        k += used
    return sides, signs


def _sign(items: Sequence[Item], k: int) -> tuple[str, int]:
    item, after = items[k], items[k + 1] if k + 1 < len(items) else None
    if is_char(item, ":") and is_char(after, "="):
        return ":=", 2
    if is_char(item, "=") and is_char(after, ":"):
        return "=:", 2
    if is_char(item, "<", ">") and is_char(after, "="):
        return ("<=" if is_char(item, "<") else ">="), 2
    if is_char(item, "="):
        return "=", 1
    if is_char(item, "<", ">"):
        return item.text, 1  # type: ignore[union-attr]
    if is_macro(item, *UPDATES):
        return "<-", 1
    if is_macro(item, "stackrel", "overset", "underset") and k + 2 < len(items):
        base = items[k + 2]
        inner = list(base.items) if isinstance(base, Group) and base.opener == "brace" else [base]
        sign, _ = _sign(inner, 0) if inner else ("", 0)
        above = items[k + 1]
        text = plain_text(above.items) if isinstance(above, Group) else getattr(above, "text", "")
        if sign == "=" and ("def" in text or "triangle" in text):
            sign = ":="
        elif sign == "=" and ("?" in text or text.strip() == "!"):
            sign = "posed"
        return (sign, 3) if sign else ("", 1)
    if is_macro(item, *EQUALS):
        return (":=" if item.text != "equiv" else "="), 1  # type: ignore[union-attr]
    if is_macro(item, "xlongequal"):
        return "=", 2
    if is_macro(item, *_LESS):
        return _LESS[item.text], 1  # type: ignore[union-attr]
    return "", 1


def is_arrow(item: Item) -> bool:
    return is_macro(item, *ARROWS)


__all__ = ["Chain", "Trouble", "chains_of"]
