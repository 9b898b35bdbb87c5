"""Indices count from 1 in a paper and from 0 in the words: positions, entries, slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Dummy, Expr

from ...errors import InputError
from ...expr.nodes import Call, Node, Num, Var
from ...expr.sizes import is_loose
from ...expr.walk import postorder
from ..numbers import affine, index_symbol
from .families import label_needed
from .naming import FONTS, GREEK, Key, label_text
from .scripts import content
from .tree import Cursor, Group, Item, Token, is_char, is_macro
from .values import Value, value_of

if TYPE_CHECKING:
    from .reader import Bound, LatexReader

WHOLE = ("slice", None, None, None)
LAST = " in a subscript is the last position"


def split_indices(items: Sequence[Item]) -> list[list[Item]]:
    """The indices of a subscript: `i,j`, `ij`, `i+1`, `y_i j`, `i1`, `i,:`."""
    items = list(items)
    while len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        items = list(items[0].items)
    if any(is_char(i, ",") for i in items):
        out: list[list[Item]] = [[]]
        for i in items:
            if is_char(i, ","):
                out.append([])
            else:
                out[-1].append(i)
        return out
    if any(is_char(i, "+", "-", "*", "/", ":", "=") for i in items):
        return [items]
    out = []
    k = 0
    while k < len(items):
        part = [items[k]]
        if isinstance(items[k], Token) and items[k].kind == "macro" and items[k].text in FONTS and k + 1 < len(items):  # type: ignore[union-attr]
            part.append(items[k + 1])
        k += len(part)
        while k + 1 < len(items) and isinstance(items[k], Token) and items[k].kind in ("sub", "sup"):  # type: ignore[union-attr]
            part += items[k : k + 2]
            k += 2
        while k < len(items) and isinstance(items[k], Token) and items[k].kind == "prime":  # type: ignore[union-attr]
            part.append(items[k])
            k += 1
        out.append(part)
    return out


def letter_of(items: Sequence[Item]) -> str:
    """The index letter that a part is, `i'` included; "" for anything else."""
    items = list(items)
    while len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        items = list(items[0].items)
    if not items or not isinstance(items[0], Token):
        return ""
    first = items[0]
    if not ((first.kind == "char" and first.text.isalpha()) or (first.kind == "macro" and first.text in GREEK)):
        return ""
    primes = items[1:]
    if len(items) >= 3 and isinstance(items[1], Token) and items[1].kind == "sup":
        return ""
    if all(isinstance(p, Token) and p.kind == "prime" for p in primes):
        return first.text + "'" * len(primes)
    return ""


def letters_in(items: Sequence[Item]) -> set[str]:
    """Letters that could be indices, at any depth."""
    out: set[str] = set()
    todo: list[Sequence[Item]] = [items]
    while todo:
        level = list(todo.pop())
        for k, item in enumerate(level):
            if isinstance(item, Token):
                if (item.kind == "char" and item.text.isalpha()) or (item.kind == "macro" and item.text in GREEK):
                    primes = 0
                    while k + 1 + primes < len(level) and getattr(level[k + 1 + primes], "kind", "") == "prime":
                        primes += 1
                    out.add(item.text + "'" * primes)
            else:
                todo.append(item.items)
    return out


def is_index_part(r: LatexReader, items: Sequence[Item]) -> bool:
    """Whether a part of a subscript can stand for a position: numbers, bound indices, sizes, labels."""
    items = list(items)
    if len(items) == 1 and is_macro(items[0], "cdot"):
        return True  # a new axis
    k = 0
    while k < len(items):
        item = items[k]
        k += 1
        if isinstance(item, Group):
            if item.opener not in ("brace", "(") or not is_index_part(r, item.items):
                return False
            continue
        if not isinstance(item, Token):
            return False
        if item.kind in ("number", "sub", "prime") or is_char(item, "+", "-", "*", ":"):
            continue
        if item.kind == "macro" and item.text in FONTS and k < len(items):
            name = label_text(items[k - 1 : k + 1]) or ""
            k += 1
        else:
            primes = [p for p in items[k : k + 2] if isinstance(p, Token) and p.kind == "prime"]
            name = letter_of([item, *primes])
        following = items[k] if k < len(items) else None
        if name and _is_labelled(r, name, items[k : k + 2]):
            k += 2
            continue
        subscripted = isinstance(following, Token) and following.kind == "sub"
        if not name or not (name in r.scope or _may_be_whole(r, name, subscripted)):
            return False
    return bool(items)


def _is_labelled(r: LatexReader, letter: str, scripts: Sequence[Item]) -> bool:
    """`y_i` of a declared `y_i`, where i is a label."""
    if len(scripts) < 2 or not (isinstance(scripts[0], Token) and scripts[0].kind == "sub"):
        return False
    label = label_text(content(scripts[1]))
    found = r.known(Key(letter).labelled(label), 0, 1) if label and letter not in r.scope else ""
    return bool(found) and _may_be_whole(r, found, False)


def _may_be_whole(r: LatexReader, letter: str, subscripted: bool) -> bool:
    """A size, a declared label, or the unknown base of `y_i`."""
    key = Key(letter)
    found = [letter] if letter in r.declared.vars else r.table.find(key)
    if not found:
        return subscripted and not r.is_defined(key)
    if found[0] in r.sizes and found[0] not in r.declared.vars:
        return True
    node = r.value_of_name(found[0], 0, 0).node
    if isinstance(node, Var) and not node.rank and not node.attrs and node.name in r.declared.vars and not r.is_guess(node):
        return True  # a scalar that is declared without more may be a label
    return any(isinstance(n, Var) and n.is_a("integer") for n in postorder(node))


# positions -----------------------------------------------------------------------------------------------------------------


def index_value(bound: Bound, start: int, stop: int) -> Value:
    """What an index is worth as a number: the first is 1."""
    node: Node = bound.index
    if bound.base:
        node = Call("add", bound.index, Num(bound.base))
    return value_of(node, start, stop)


def base_of(r: LatexReader, value: Expr) -> int:
    """What the text calls the first position, by the index that occurs."""
    for b in r.scope.values():
        if index_symbol(b.index) in value.free_symbols:
            return b.base
    return 1


def moving(r: LatexReader, value: Expr | None) -> bool:
    return value is not None and any(index_symbol(b.index) in value.free_symbols for b in r.scope.values())


def position(r: LatexReader, x: Value, base: int | None = None) -> Node:
    """The position, counted from 0, that a value says.

    Raises:
        InputError: SD133 when it is not whole.
    """
    found = affine(x.node)
    if found is None:
        if not any(isinstance(n, Var) and n.is_a("integer") for n in postorder(x.node)) or x.is_array:
            if isinstance(x.node, Var) and x.node.name in r.declared.vars and not x.node.rank and not x.node.attrs:
                raise label_needed(r, x.node, x.start, x.stop)
            family = _family_of_labels(r, x.node)
            if family:
                raise label_needed(r, Var(family, ()), x.start, x.stop)
            name = next((n.name for n in postorder(x.node) if isinstance(n, Var)), "")
            hint = f"declare it: `{name}: n integer`" if name else "an index is a letter, a whole number, or a declared label"
            raise r.error(f"{r.shown(x)} is not an index", x.start, x.stop, "SD133", hint)
        return x.node
    place = sympy.expand(found - (base_of(r, found) if base is None else base))
    used = [b for b in r.scope.values() if index_symbol(b.index) in place.free_symbols]
    if not used:
        if place.is_number and not place.is_Integer:
            raise r.error(f"{r.shown(x)} is not a whole number", x.start, x.stop, "SD133")
        return Num(place)
    if len(used) > 1:
        raise r.error(
            f"{r.shown(x)} has two indices in one place", x.start, x.stop, "SD135", "put a comma between two subscripts"
        )
    return affine_word(r, place, used[0], x)


def _family_of_labels(r: LatexReader, node: Node) -> str:
    """The declared name of which an entry is one of many: `y_i` for the i-th of the labels."""
    if not isinstance(node, Call) or node.name != "getitem" or not isinstance(node.operands[0], Var):
        return ""
    v = node.operands[0]
    if r.families.get(v.name, 0) != v.rank:
        return ""
    why = (
        r.inference.guesses[v.name].why
        if r.inference is not None and v.name in r.inference.guesses
        else r.declared.where.get(v.name, "")
    )
    name, said, _ = why.removeprefix("assumed (").partition(" is declared: one for each ")
    return name if said else ""


def affine_word(r: LatexReader, place: Expr, bound: Bound, x: Value) -> Node:
    """`c i + b` as words."""
    symbol = index_symbol(bound.index)
    slope = sympy.diff(place, symbol)
    rest = sympy.expand(place - slope * symbol)
    if not slope.is_Integer:
        raise r.error(f"{r.shown(x)} is not whole multiples of an index", x.start, x.stop, "SD135")
    node: Node = bound.index
    if slope == -1 and rest != 0:
        return Call("add", Num(rest), Call("neg", node))
    if slope != 1:
        node = Call("neg", node) if slope == -1 else Call("mul", Num(slope), node)
    return node if rest == 0 else Call("add", node, Num(rest))


def check_range(r: LatexReader, x: Value, axis: int, place: Node, start: int, stop: int) -> None:
    """The positions stay on the axis; an index without a range gets the range of the axis.

    Raises:
        ShapeError: SD134.
    """
    size = x.node.shape[axis]
    value = affine(place)
    if value is None:
        return
    bound = next((b for b in r.scope.values() if index_symbol(b.index) in value.free_symbols), None)
    low = high = value
    if bound is not None:
        symbol = index_symbol(bound.index)
        if bound.open and value == symbol:
            if not r.unify(bound.hi, size):
                what = f"`{r.text(start, stop)}` runs over {size} entries, elsewhere the index runs over {bound.hi}"
                raise r.shape_error(what, start, stop, "two arrays with one index have axes of one size")
            return
        if (
            r.guessing
            and bound.lo == 0
            and value == symbol
            and (bound.hi.has(Dummy) or size.has(Dummy))
            and r.unify(bound.hi, size)
        ):
            return
        slope = sympy.diff(value, symbol)
        ends = [sympy.expand(value.subs(symbol, e)) for e in (bound.lo, bound.hi - 1)]
        low, high = ends if slope > 0 else ends[::-1]
    if r.guessing:
        assert r.inference is not None
        if size.has(Dummy) and not r.is_contextual(size):
            r.inference.needed.append((size, sympy.expand(high + 1)))
        return
    if low.is_negative or (not low.is_Integer and low.is_nonnegative is None):
        first = 1 if bound is None else bound.base
        raise r.shape_error(f"`{r.text(start, stop)}` begins at {low + first}", start, stop, f"the first entry has index {first}")
    if is_loose(size) or is_loose(high):
        return
    room = sympy.expand(size - 1 - high)
    if bound is None and high.is_Integer and not size.is_Integer:
        return  # x_3 of a vector of n entries, as in the language
    if room.is_nonnegative is not True:
        first = 1 if bound is None else bound.base
        what = f"`{r.text(start, stop)}` goes up to {sympy.expand(high + first)}, but the axis has {size} entries"
        raise r.shape_error(what, start, stop, "the range of an index is that of the axis")


# entries -----------------------------------------------------------------------------------------------------------------


def entry(r: LatexReader, x: Value, parts: list[list[Item]], stop: int) -> Value:
    """`x_i`, `W_{jk}`, `A_{i,:}` (a row), `A_{:,j}` (a column), `x_{2:n}`.

    Raises:
        InputError: SD133 for one subscript of a matrix.
        ShapeError: SD134 for too many subscripts and positions outside the axis.
    """
    rank = x.node.rank
    new = [len(p) == 1 and is_macro(p[0], "cdot") for p in parts]
    if len(parts) - sum(new) > rank:
        what = (
            f"{r.shown(x)} has {rank} axes and {len(parts)} subscripts"
            if rank
            else f"{r.shown(x)} is a scalar and has a subscript"
        )
        raise r.shape_error(what, x.start, stop, "declare the sizes of the array" + r.declare_hint(x.node))
    if len(parts) == 1 and rank == 2:
        if not r.lines:
            raise which_line(r, x, x.start, stop)
        colon = [Token("char", ":", x.start, x.start)]
        line = entry(r, x, [*parts, colon] if r.lines == "row" else [colon, *parts], stop)  # type: ignore[list-item]
        return Value(line.node, "column", x.start, stop)
    if len(parts) - sum(new) < rank:
        what = f"`{r.text(x.start, stop)}` has {len(parts)} of {rank} subscripts"
        raise r.error(what, x.start, stop, "SD133", "write : for the axes that stay")
    spec: list[Any] = []
    places: list[Node] = []
    for part, is_new in zip(parts, new, strict=True):
        if is_new:
            spec.append("new")
            continue
        axis = sum(s != "new" for s in spec)
        if any(is_char(i, ":") for i in part):
            spec.append(_slice(r, part, x.node.shape[axis], x, stop))
            continue
        found = read_index(r, part, x.start, stop)
        letter = letter_of(part)
        if letter and letter not in r.scope and letter in r.sizes and letter not in r.declared.vars:
            r.assumptions.setdefault("last " + letter, f"{letter}{LAST}, as {letter} is a size")
        place = position(r, found)
        check_range(r, x, axis, place, found.start, found.stop)
        spec.append("at")
        places.append(place)
    if all(s == WHOLE for s in spec):
        return Value(x.node, x.kind, x.start, stop)
    node = r.make("getitem", x.node, *places, start=x.start, stop=stop, spec=tuple(spec))
    if rank == 2 and spec[0] == "at" and spec[1] != "at":
        return Value(node, "row", x.start, stop)
    return value_of(node, x.start, stop)


class WhichLine(InputError):
    """SD133: `W_i` of a matrix may be a row or a column; the sizes may decide."""


def which_line(r: LatexReader, x: Value, start: int, stop: int) -> WhichLine:
    """The error for one subscript on a matrix."""
    what = f"`{r.text(start, stop)}` has one subscript on the matrix {r.shown(x)}: a row or a column?"
    return WhichLine(what, code="SD133", hint="write _{i,:} for a row, _{:,i} for a column", span=r.span(start, stop))


def read_index(r: LatexReader, items: Sequence[Item], start: int, stop: int) -> Value:
    """One index as a value, which counts from 1."""
    from .grammar import read_all

    first, last = (items[0].start, items[-1].stop) if items else (start, stop)
    if not items:
        raise r.error("a subscript is empty", start, stop, "SD130")
    return read_all(r, Cursor(items, first, last))


def _slice(r: LatexReader, part: list[Item], size: Expr, x: Value, stop: int) -> tuple[Any, ...]:
    """`:`, `2:n`: both ends count."""
    pieces: list[list[Item]] = [[]]
    for item in part:
        if is_char(item, ":"):
            pieces.append([])
        else:
            pieces[-1].append(item)
    if len(pieces) > 3:
        raise r.error("this is not a slice", x.start, stop, "SD135")
    ends: list[Any] = []
    for k, piece in enumerate(pieces):
        if not piece:
            ends.append(None)
            continue
        value = affine(read_index(r, piece, x.start, stop).node)
        if value is None or moving(r, value):
            hint = "write a sum with a condition on the index"
            raise r.error("the end of a slice is a number or a size", x.start, stop, "SD135", hint)
        place = sympy.expand(value - 1) if k == 0 else value
        ends.append(int(place) if place.is_Integer else place)
    lo, hi, step = (*ends, None, None)[:3]
    lo = None if lo == 0 else lo
    hi = None if isinstance(hi, Expr) and hi == size else hi
    return ("slice", lo, hi, None if step == 1 else step)


def whole(value: Expr) -> bool:
    return bool(value.is_Integer) or value.is_integer is not False
