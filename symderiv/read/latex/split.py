r"""A text to statements, before anything is understood: rows of displays, pieces between separators, sides of relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import InputError, Span
from .tree import Environment, Group, Item, Token, is_char, is_macro, plain_text

ARRANGING = frozenset({
    "equation", "align", "aligned", "gather", "gathered", "split", "eqnarray", "multline", "alignat", "alignedat", "flalign", "displaymath",
    "math", "subequations", "eqsplit", "document", "center", "proof", "dmath",
})  # fmt: skip
ARROWS = {"Rightarrow", "implies", "Longrightarrow", "rightarrow", "longrightarrow", "iff", "Leftrightarrow", "therefore", "to",
"mapsto",
          "Longleftrightarrow", "leadsto", "because"}  # fmt: skip
UPDATES = {"leftarrow", "gets", "longleftarrow"}
EQUALS = {"triangleq", "coloneqq", "equiv", "doteq", "coloneq", "defeq", "colonequals", "overset", "stackrel"}
_COMPARISONS = {"<", ">", "le", "leq", "ge", "geq", "ne", "neq", "in", "lt", "gt", "notin", "approx", "sim", "propto", "ll",
"gg", "leqslant",
                "geqslant", "simeq", "subset"}  # fmt: skip
_WHERE = ("where", "with", "and", "so", "hence", "then", "thus", "therefore", "gives", "we have", "also", "here", "now", "by definition", "i.e.",
          "so that", "which gives", "we get", "let", "define", "i.e", "recall that", "recall", "given")  # fmt: skip
_IF = (
    "if",
    "for",
    "when",
    "for all",
    "s.t.",
    "subject to",
    "otherwise",
    "for each",
    "where  ",
    "as",
    "unless",
    "for i",
    "provided",
)
_OPERATORS = {"+", "-", "*", "/"}
_OPERATOR_MACROS = {"cdot", "times", "odot", "circ", "oslash", "otimes"}


@dataclass
class Raw:
    """One statement as items.

    Attributes:
        sides: what stands between the relations.
        signs: `=`, `:=` or `<-`, one fewer than the sides.
        link: what leads to it: "", where, implies.
        condition: whether it only restricts others.
        conditions: conditions of the same row.
    """

    sides: list[list[Item]]
    signs: list[str] = field(default_factory=list)
    link: str = ""
    condition: bool = False
    words: str = ""
    conditions: list[Raw] = field(default_factory=list)

    @property
    def start(self) -> int:
        return next((s[0].start for s in self.sides if s), 0)

    @property
    def stop(self) -> int:
        return next((s[-1].stop for s in reversed(self.sides) if s), 1)


@dataclass
class Piece:
    """Items between two separators."""

    items: list[Item]
    link: str = ""
    condition: bool = False
    words: str = ""
    first: bool = False  # of a row


def split_statements(items: Sequence[Item], source: str = "", name: str = "") -> list[Raw]:
    """The statements of a text, continued rows joined.

    Raises:
        InputError: SD130 for a dollar sign that is not closed.
    """
    out: list[Raw] = []
    pending: list[Raw] = []  # conditions that wait for their statement
    for row in _rows(items, source, name):
        begin = len(out)
        row_conditions: list[Raw] = []
        for piece in pieces_of_row(row):
            raw = _relation(piece)
            if raw is None:
                continue
            if raw.condition and len(out) > begin:
                out[-1].conditions.append(raw)
            elif raw.condition:
                row_conditions.append(raw)
            elif not _continues(out, raw, piece, begin):
                out.append(raw)
        for raw in out[begin:]:
            raw.conditions = [*pending, *row_conditions, *raw.conditions]
        pending = row_conditions if len(out) == begin else []
    for condition in pending:
        out.append(condition)
    return out


# rows ------------------------------------------------------------------------------------------------------------------------


def _rows(items: Sequence[Item], source: str, name: str) -> list[list[Item]]:
    """Rows of all displays; mathematics between dollars where there are any, everything otherwise."""
    items = list(items)
    if any(isinstance(i, Token) and i.kind == "math" for i in items):
        items = _between_dollars(items, source, name)
    rows: list[list[Item]] = [[]]
    _fill(rows, items)
    return [row for row in rows if any(not (isinstance(i, Token) and i.kind == "amp") for i in row)]


def _between_dollars(items: list[Item], source: str, name: str) -> list[Item]:
    """The formulas, each a row; prose is not read. Displays in environments count as formulas."""
    out: list[Item] = []
    inside = False
    opened = Token("math", "$", 0, 1)
    for item in items:
        if isinstance(item, Token) and item.kind == "math":
            opened = item
            inside = not inside if item.text not in ("\\(", "\\)", "\\[", "\\]") else item.text in ("\\(", "\\[")
            out.append(Token("newline", "math", item.start, item.stop))
        elif inside or (isinstance(item, Environment) and item.name.rstrip("*") in ARRANGING):
            out.append(item)
    if inside:
        raise InputError(f"`{opened.text}` is never closed", code="SD130", span=Span(source, opened.start, opened.stop, name))
    return out


def _fill(rows: list[list[Item]], items: Sequence[Item]) -> None:
    for k, item in enumerate(items):
        if is_macro(item, "boxed"):
            continue  # a frame around what follows
        if k and is_macro(items[k - 1], "boxed") and isinstance(item, Group) and item.opener == "brace":
            _fill(rows, item.items)
            continue
        if isinstance(item, Token) and item.kind == "newline":
            rows.append([])
        elif isinstance(item, Environment) and item.name.rstrip("*") in ARRANGING:
            inner = list(item.items)
            if item.name.startswith("aligned") and inner and isinstance(inner[0], Group) and inner[0].opener == "[":
                inner = inner[1:]
            if item.name.rstrip("*") in ("alignat", "alignedat") and inner and isinstance(inner[0], Group):
                inner = inner[1:]
            scripts = k + 1 < len(items) and isinstance(items[k + 1], Token) and items[k + 1].kind in ("sup", "sub")  # type: ignore[union-attr]
            if scripts:
                rows[-1].append(item)
            else:
                _fill(rows, inner)
        else:
            rows[-1].append(item)


# pieces ----------------------------------------------------------------------------------------------------------------------


def _text_of(items: Sequence[Item], k: int) -> tuple[str, int] | None:
    r"""The words of `\text{…}` at a place, and how many items they take."""
    item = items[k]
    if is_macro(item, "text", "textrm", "mbox", "intertext", "textit", "textnormal") and k + 1 < len(items):
        inner = items[k + 1]
        if isinstance(inner, Group) and inner.opener == "brace":
            return plain_text(inner.items).strip(), 2
    return None


def pieces_of_row(row: Sequence[Item]) -> list[Piece]:
    """What stands between commas, wide spaces, arrows and words of a row."""
    out = [Piece([], first=True)]
    k = 0
    while k < len(row):
        item = row[k]
        said = _text_of(row, k)
        plain = said[0].lower().strip(" .,:;()") if said else ""
        if said and (plain in _WHERE or plain in _IF or not plain or " " in plain):
            out.append(_worded(plain))
            k += said[1]
            continue
        if isinstance(item, Token) and item.kind == "amp":
            pass
        elif is_char(item, ",", ";") or is_char(item, ".") or is_macro(item, "quad", "qquad"):
            same = out[-1]
            if same.link and not same.items:
                k += 1
                continue  # what leads to the next piece is not lost for a wide space
            out.append(Piece([], condition=same.condition and not same.items, first=same.first and not same.items))
        elif is_char(item, ":") and not (k + 1 < len(row) and is_char(row[k + 1], "=")):
            out.append(Piece([]))
        elif is_macro(item, "forall"):
            used, items = _quantified(row, k + 1)
            out.append(Piece(items, condition=True, words="for all"))
            out.append(Piece([], first=False))
            k += used
        elif is_macro(item, *ARROWS):
            out.append(Piece([], link="implies"))
        else:
            out[-1].items.append(item)
        k += 1
    return _merged([p for p in out if p.items or (p.condition and p.words)])


def _quantified(row: Sequence[Item], k: int) -> tuple[int, list[Item]]:
    r"""What belongs to `\forall`: letters, and `\in` with one set. The number of items and the items."""
    begin = k
    while k < len(row) and (
        (isinstance(row[k], Token) and row[k].text.isalpha() and row[k].kind == "char") or is_char(row[k], ",")  # type: ignore[union-attr]
    ):  # type: ignore[union-attr]
        k += 1
    if k < len(row) and is_macro(row[k], "in"):
        k += 1
        k += 2 if k < len(row) and is_macro(row[k]) else 1
        while k < len(row) and is_macro(row[k], "setminus", "backslash", "cup", "cap"):
            k += 2
    return k - begin, list(row[begin:k])


def _worded(words: str) -> Piece:
    if words in _IF or words.startswith(("if ", "for ", "when ", "for all", "unless")):
        return Piece([], condition=True, words=words)
    return Piece([], link="where" if words in _WHERE or words.startswith(("where", "with", "and")) else "", words=words)


def _merged(pieces: list[Piece]) -> list[Piece]:
    """A piece that begins with an operator goes on with the one before it."""
    out: list[Piece] = []
    for p in pieces:
        operator = p.items[0] if p.items else None
        begins = is_char(operator, "+", "-", "*", "/") or is_macro(operator, *_OPERATOR_MACROS)
        if out and begins and not p.link and not p.words and not _has_equals(p.items) and not out[-1].condition:
            out[-1].items.extend(p.items)
        else:
            out.append(p)
    return out


def _has_equals(items: Sequence[Item]) -> bool:
    return any(is_char(i, "=") or is_macro(i, *UPDATES, *EQUALS) for i in items)


# relations -------------------------------------------------------------------------------------------------------------------


def _relation(piece: Piece) -> Raw | None:
    """The sides of one piece."""
    items = list(piece.items)
    if len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "(" and _is_comparison(items[0].items):
        piece = Piece(list(items[0].items), piece.link, True, piece.words)  # (i ≠ j)
        items = piece.items
    sides: list[list[Item]] = [[]]
    signs: list[str] = []
    compared = False
    k = 0
    while k < len(items):
        item = items[k]
        if is_char(item, ":") and k + 1 < len(items) and is_char(items[k + 1], "="):
            signs.append(":=")
            sides.append([])
            k += 2
            continue
        if is_char(item, "=") and k > 0 and is_char(items[k - 1], "<", ">", "="):
            compared = True
            sides[-1].append(item)
        elif is_char(item, "="):
            signs.append("=")
            sides.append([])
        elif is_macro(item, *UPDATES):
            signs.append("<-")
            sides.append([])
        elif is_macro(item, "stackrel", "overset") and k + 2 < len(items):
            signs.append("=")
            sides.append([])
            k += 2
        elif is_macro(item, *EQUALS):
            signs.append(":=" if item.text != "equiv" else "=")  # type: ignore[union-attr]
            sides.append([])
        else:
            compared = compared or (isinstance(item, Token) and item.kind in ("char", "macro") and item.text in _COMPARISONS)
            sides[-1].append(item)
        k += 1
    if not any(sides) and not piece.words:
        return None
    return Raw(sides, signs, piece.link, piece.condition or (compared and not signs), piece.words)


def _is_comparison(items: Sequence[Item]) -> bool:
    return any(is_char(i, "=", "<", ">") or is_macro(i, *_COMPARISONS) for i in items)


def _continues(out: list[Raw], raw: Raw, piece: Piece, begin: int) -> bool:
    """Join a row that goes on with the statement before it: it begins with `=` or an operator, or the last one ended with one."""
    if not out or out[-1].condition or (raw.link and raw.sides[0]):
        return False
    last = out[-1]
    first = raw.sides[0]
    if not first and raw.signs:
        last.sides.extend(raw.sides[1:])
        last.signs.extend(raw.signs)
        return True
    if not piece.first or not last.sides[-1] or not first:
        return False
    ending = last.sides[-1][-1]
    hanging = is_char(ending, "+", "-", "*", "/") or is_macro(ending, *_OPERATOR_MACROS)
    leading = is_char(first[0], "+", "-", "*", "/") or is_macro(first[0], *_OPERATOR_MACROS)
    if hanging or (leading and not raw.signs and len(last.signs) > 0):
        last.sides[-1].extend(first)
        last.sides.extend(raw.sides[1:])
        last.signs.extend(raw.signs)
        return True
    return False
