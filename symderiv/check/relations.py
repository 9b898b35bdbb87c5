r"""The formulas of a document as chains: `a = b = c` across rows, `\leq`, `\propto`, what leads to them, what restricts them.

A chain keeps its items as they stand; nothing is understood here but what relates what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..errors import SymDerivError
from ..read.latex.macros import Expander
from ..read.latex.split import ARRANGING, ARROWS, EQUALS, UPDATES, Piece, Raw, pieces_of_row
from ..read.latex.tokens import Token, scan_latex
from ..read.latex.tree import Environment, Group, Item, TreeBuilder, is_char, is_macro, plain_text
from .paper import Event, Paper

_LESS = {"le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ll": "<<", "gg": ">>",
         "approx": "~", "simeq": "~", "sim": "~", "propto": "prop", "in": "in", "ne": "!=", "neq": "!=", "subset": "in", "cong": "~",
         "notin": "in", "asymp": "~", "lesssim": "~", "gtrsim": "~"}  # fmt: skip
_TEXTS = ("text", "textrm", "mbox", "textit", "textnormal", "textbf", "textsf", "intertext", "shortintertext")
_WRAPPERS = frozenset({"IEEEeqnarray", "xalignat", "dgroup", "empheq", "flalign", *ARRANGING})
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
    """

    sides: list[list[Item]]
    signs: list[str]
    event: Event
    link: str = ""
    words: str = ""
    conditions: list[Raw] = field(default_factory=list)
    number: int = 0

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
    items = without_breaks(TreeBuilder(paper.text, expander.expand(tokens), paper.name).build())
    for name in expander.table:  # definitions inside a display hold afterwards as well
        shared.table.setdefault(name, expander.table[name])
    return _joined([_pieces(row) for row in _rows(items)], event)


def _without_dollars(tokens: list[Token]) -> list[Token]:
    r"""The formula without what surrounds it; `$` inside `\text` goes as well."""
    return [t for t in tokens if t.kind != "math"]


def without_breaks(items: Sequence[Item]) -> tuple[Item, ...]:
    """Line breaks inside brackets are gone: a row that is broken in a bracket goes on below."""
    return tuple(_unbroken(i, inside=False) for i in items)


def _unbroken(item: Item, inside: bool) -> Item:
    if isinstance(item, Token):
        return item
    if isinstance(item, Environment):
        return replace(item, items=tuple(_unbroken(i, False) for i in item.items))
    kept = [_unbroken(i, True) for i in item.items]
    if item.opener != "brace" and any(isinstance(i, Token) and i.kind == "newline" for i in kept):
        kept = [
            i for i in kept
            if not (isinstance(i, Token) and (i.kind in ("newline", "amp") or is_macro(i, "quad", "qquad")))
            and not (isinstance(i, Group) and i.opener == "brace" and not i.items)
        ]  # fmt: skip
    return replace(item, items=tuple(kept))


# rows ------------------------------------------------------------------------------------------------------------------------
def _rows(items: Sequence[Item]) -> list[list[Item]]:
    rows: list[list[Item]] = [[]]
    _fill(rows, items)
    return [row for row in rows if any(not (isinstance(i, Token) and i.kind == "amp") for i in row)]


def _fill(rows: list[list[Item]], items: Sequence[Item]) -> None:
    items = list(items)
    k = 0
    while k < len(items):
        item = items[k]
        after = items[k + 1] if k + 1 < len(items) else None
        if isinstance(item, Token) and item.kind == "newline":
            rows.append([])
        elif isinstance(item, Environment) and item.name.rstrip("*") in _WRAPPERS:
            if isinstance(after, Token) and after.kind in ("sup", "sub"):
                rows[-1].append(item)
            else:
                _fill(rows, _without_arguments(item))
        elif isinstance(item, Group) and item.opener == "{" and item.closer == "" and _only_arranges(item):
            _fill(rows, item.items)
        elif (
            isinstance(item, Group)
            and item.opener == "brace"
            and not item.items
            and not (isinstance(after, Token) and after.kind in ("sup", "sub"))
        ):
            pass  # {} only makes space around the sign that follows
        elif is_macro(item, "rlap", "llap", "clap", "mathrlap", "mathllap", "mathclap", "smash", "mathrlap") and isinstance(
            after, Group
        ):
            rows[-1].extend(after.items)
            k += 1
        elif is_macro(item, "resizebox", "scalebox") and isinstance(after, Group):
            count = 3 if is_macro(item, "resizebox") else 2
            groups = [i for i in items[k + 1 : k + 1 + count] if isinstance(i, Group)]
            if len(groups) == count:
                rows[-1].extend(groups[-1].items)
                k += count
        elif is_macro(item, "quad", "qquad") and not any(not (isinstance(i, Token) and i.kind == "amp") for i in rows[-1]):
            pass  # a row is moved to the right
        elif is_macro(item, "intertext", "shortintertext") and isinstance(after, Group):
            rows.append([])
            k += 1
        elif (
            is_macro(item, "boxed", "underbrace", "overbrace", "ensuremath", "mathstrut", "highlight", "cancel")
            and isinstance(after, Group)
            and after.opener == "brace"
        ):
            k = _unwrapped(rows, items, k)
        else:
            rows[-1].append(item)
        k += 1


def _only_arranges(item: Group) -> bool:
    inner = item.items
    return len(inner) == 1 and isinstance(inner[0], Environment) and inner[0].name.rstrip("*") in ("aligned", "split", "gathered")


def _unwrapped(rows: list[list[Item]], items: list[Item], k: int) -> int:
    r"""`\boxed{…}` and `\underbrace{…}_{…}` show what they hold; what stands below a brace is a remark."""
    macro, inner = items[k], items[k + 1]
    assert isinstance(inner, Group)
    if is_macro(macro, "boxed", "ensuremath") and len(items) and _has_sign(inner.items):
        _fill(rows, inner.items)
        return k + 1
    rows[-1].append(inner if len(inner.items) == 1 else Group("(", ")", inner.items, inner.start, inner.stop, inner.spaced))
    k += 1
    while is_macro(macro, "underbrace", "overbrace") and k + 2 < len(items) and _is_script(items[k + 1]):
        k += 2
    return k


def _is_script(item: Item) -> bool:
    return isinstance(item, Token) and item.kind in ("sub", "sup")


def _has_sign(items: Sequence[Item]) -> bool:
    return any(is_char(i, "=") for i in items)


def _without_arguments(e: Environment) -> list[Item]:
    """The body of an environment without `{2}`, `[t]`, `{rCl}` after its beginning."""
    inner = list(e.items)
    while (
        inner
        and isinstance(inner[0], Group)
        and inner[0].opener == "["
        and e.name.startswith(("aligned", "gathered", "split", "IEEE", "empheq"))
    ):
        inner = inner[1:]
    if (
        e.name.rstrip("*") in ("alignat", "alignedat", "IEEEeqnarray", "xalignat", "empheq")
        and inner
        and isinstance(inner[0], Group)
    ):
        inner = inner[1:]
    return inner


# pieces ----------------------------------------------------------------------------------------------------------------------
def _pieces(row: list[Item]) -> list[Piece]:
    found = pieces_of_row(_without_remarks(row))
    return [p for p in found if p.items or p.condition]


def _without_remarks(row: list[Item]) -> list[Item]:
    r"""The row without words at its end that only comment it: `&& \text{sum rule}`, `\quad (\text{by } (3))`."""
    cells: list[list[Item]] = [[]]
    for item in row:
        if isinstance(item, Token) and item.kind == "amp":
            cells.append([])
        else:
            cells[-1].append(item)
    kept: list[Item] = list(cells[0])
    for k, cell in enumerate(cells[1:], 1):
        if cell and k >= 1 and not cells[k - 1] and _is_words(cell):
            continue
        if cell and k >= 2 and _is_words(cell) and not _speaks(cell):
            continue
        kept.extend(cell)
    return _cut_words(kept)


def _is_words(cell: Sequence[Item]) -> bool:
    first = cell[0]
    if isinstance(first, Group) and first.opener in ("(", "[", "brace") and first.items:
        return _is_words(first.items)
    return is_macro(first, *_TEXTS) and len(cell) > 1 and isinstance(cell[1], Group)


_SPEAKING = ("if", "for", "when", "where", "with", "and", "otherwise", "unless", "subject", "s.t.", "so", "hence", "thus")


def _speaks(cell: Sequence[Item]) -> bool:
    """Whether the words restrict or lead on."""
    inner = cell[1] if len(cell) > 1 else None
    text = plain_text(inner.items).strip().lower() if isinstance(inner, Group) else ""
    return text.startswith(_SPEAKING)


def _cut_words(row: list[Item]) -> list[Item]:
    r"""Words in brackets, or after a space, at the end of a row: `= 2x \quad \text{(chain rule)}`."""
    out = list(row)
    while out and (is_char(out[-1], ".", ",", ";") or is_macro(out[-1], "quad", "qquad")):
        out.pop()
    end = len(out)
    for k in range(len(out)):
        spaced = k > 0 and is_macro(out[k - 1], "quad", "qquad")
        if spaced and _is_words(out[k:]) and not _speaks(out[k:]) and not any(is_char(i, "=") for i in out[k:]):
            end = k - 1
            break
    last = out[-1] if len(out) > 1 else None
    if isinstance(last, Group) and last.opener == "(" and last.items and _is_words(last.items):
        end = min(end, len(out) - 1)
    return out[:end]


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
    return [c for c in out if any(c.sides)]


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
