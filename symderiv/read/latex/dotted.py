r"""Vectors with dots: `\begin{bmatrix} x_1 \\ x_2 \\ \vdots \\ x_n \end{bmatrix}` is the vector of the entries `x_k`, k = 1, …, n.

The first entry says what an entry is, the last one where it ends; where they differ, the first has 1 and the last the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .grammar import read_all
from .naming import Key
from .tree import Cursor, Environment, Group, Item, Token, is_macro, plain_text, tokens_below
from .values import Value

if TYPE_CHECKING:
    from .reader import LatexReader

DOTS = ("vdots", "ddots", "ldots", "cdots", "dots")


def dotted_vector(r: LatexReader, e: Environment, rows: list[list[list[Item]]]) -> Value | None:
    """The vector that a column or a row with dots means; None where the entries do not say what is left out."""
    row = len(rows) == 1
    cells = rows[0] if row else [line[0] for line in rows if len(line) == 1]
    if not row and len(cells) != len(rows):
        return None
    at = [k for k, cell in enumerate(cells) if len(cell) == 1 and is_macro(cell[0], *DOTS)]
    if len(at) != 1 or at[0] not in (1, 2) or at[0] != len(cells) - 2:
        return None
    first, last = cells[0], cells[-1]
    letter = _free_letter(r, e)
    ends: list[str] = []
    general = _between(first, last, "1", letter, ends)
    if general is None or len(set(ends)) != 1 or not letter:
        return None
    if at[0] == 2:
        middle: list[str] = []
        if _between(first, cells[1], "1", letter, middle) is None or set(middle) != {"2"}:
            return None
    return _vector(r, e, general, letter, ends[0], row)


def _vector(r: LatexReader, e: Environment, general: list[Item], letter: str, end: str, row: bool) -> Value | None:
    from .bigops import comprehension
    from .reader import size_named

    size = r.sizes.get(end) if not end.isdigit() else size_named(end)
    if size is None:
        return None
    x = comprehension(r, [letter], e, lambda: read_all(r, Cursor(general, general[0].start, general[-1].stop)), e.start, e.stop)
    if not r.unify(x.node.shape[0], size):
        what = f"the vector has {x.node.shape[0]} entries, but its last one is number {end}"
        raise r.shape_error(what, e.start, e.stop)
    return Value(x.node, "row", x.start, x.stop) if row and x.kind == "column" else x


def _free_letter(r: LatexReader, e: Environment) -> str:
    """A letter for the position that nothing here uses."""
    used = {t.text for t in tokens_below(e.items)}
    for letter in "kijlqrstuv":
        if letter not in used and letter not in r.scope and letter not in r.sizes and not r.known(Key(letter), 0, 1):
            return letter
    return ""


def _between(a: Sequence[Item], b: Sequence[Item], first: str, letter: str, ends: list[str]) -> list[Item] | None:
    """The items of `a` with a letter where `a` has `first` and `b` something else; what `b` has there goes to `ends`."""
    if len(a) != len(b):
        return None
    out: list[Item] = []
    for x, y in zip(a, b, strict=True):
        if isinstance(x, Token) and isinstance(y, Token):
            if (x.kind, x.text) == (y.kind, y.text):
                out.append(x)
            elif x.kind == "number" and x.text == first and (y.kind == "number" or (y.kind == "char" and y.text.isalpha())):
                ends.append(y.text)
                out.append(x._replace(kind="char", text=letter))
            else:
                return None
        elif isinstance(x, Group) and isinstance(y, Group) and x.opener == y.opener:
            inner = _between(x.items, y.items, first, letter, ends)
            if inner is None:
                return None
            out.append(Group(x.opener, x.closer, tuple(inner), x.start, x.stop, x.spaced))
        elif plain_text([x]) == plain_text([y]):
            out.append(x)
        else:
            return None
    return out
