r"""The rows of a formula and the pieces of a row: wrappers are opened, spaces, boxes and remarks in words are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..read.latex.scripts import content
from ..read.latex.split import ARRANGING, Piece, pieces_of_row
from ..read.latex.tokens import Token
from ..read.latex.tree import Environment, Group, Item, is_char, is_macro, plain_text

_TEXTS = ("text", "textrm", "mbox", "textit", "textnormal", "textbf", "textsf", "intertext", "shortintertext")
_OF_WORDS = frozenset(("operatorname", "mathrm", "text", "textrm", "mathsf"))
_UNSEEN = frozenset(("mathbf", "boldsymbol", "bm", "mathcal", "vec", "quad", "qquad", *_OF_WORDS))
_WRAPPERS = frozenset({"IEEEeqnarray", "xalignat", "dgroup", "empheq", "flalign", *ARRANGING})


def pieces_of_rows(items: Sequence[Item]) -> list[list[Piece]]:
    """What each row of a formula relates, restricts or leads to."""
    return [_pieces(row) for row in _rows(_without_breaks(items))]


def _without_breaks(items: Sequence[Item]) -> tuple[Item, ...]:
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


def flat_items(items: Sequence[Item]) -> list[str]:
    """The texts of all tokens, fonts and braces left out."""
    out: list[str] = []
    word = False
    for item in items:
        if word and not isinstance(item, Token):
            inner = flat_items(item.items)
            out.extend(["".join(inner)] if all(t.isalnum() for t in inner) else inner)
            word = False
            continue
        word = isinstance(item, Token) and item.kind == "macro" and item.text in _OF_WORDS
        if isinstance(item, Token):
            if item.kind != "amp" and not (item.kind == "macro" and item.text in _UNSEEN):
                out.append(item.text)
        else:
            opener = getattr(item, "opener", "")
            shown = opener not in ("brace", "")
            out.extend([opener] if shown else [])
            out.extend(flat_items(item.items))
            out.extend([getattr(item, "closer", "")] if shown else [])
    return out


def bound_letters(items: Sequence[Item]) -> set[str]:
    r"""The letters of `\sum_{k=1}^n`, `\prod_i`."""
    out: set[str] = set()
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            out |= bound_letters(item.items)
        elif is_macro(item, "sum", "prod") and k + 2 < len(items) and _is_sub(items[k + 1]):
            below = list(content(items[k + 2]))
            out |= {t.text for t in below[:1] if isinstance(t, Token) and t.kind == "char" and t.text.isalpha()}
    return out


def _is_sub(item: Item) -> bool:
    return isinstance(item, Token) and item.kind == "sub"


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
            _fill(rows, after.items)
            k += 1
        elif is_macro(item, "resizebox", "scalebox") and isinstance(after, Group):
            count = 3 if is_macro(item, "resizebox") else 2
            groups = [i for i in items[k + 1 : k + 1 + count] if isinstance(i, Group)]
            if len(groups) == count:
                _fill(rows, groups[-1].items)
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


__all__ = ["bound_letters", "flat_items", "pieces_of_rows"]
