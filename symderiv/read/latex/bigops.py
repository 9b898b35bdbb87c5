r"""Sums, products and extremes over an index: `\sum_{i=1}^n`, `\sum_{j \ne y_i}`, `\sum_i`, `\max_j`; arrays by their entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sympy
from sympy import Dummy, Expr, Integer

from ...errors import SymDerivError
from ...expr.nodes import Index, Node, Num
from ...expr.walk import postorder
from ..numbers import affine, index_symbol
from .conditions import join, read_condition, used_as_number
from .grammar import ends, group_cursor, missing, read_all, read_term
from .indices import letter_of, letters_in, split_indices
from .scripts import Scripts, content, read_scripts
from .sets import ends_of_set, is_set, letter_of_set, size_of_set
from .tree import Cursor, Group, Item, Token, is_char, is_macro, plain_text
from .values import Value, negative, value_of

if TYPE_CHECKING:
    from .reader import Bound, LatexReader

_WORDS = {"sum": "isum", "prod": "iprod", "max": "imax", "min": "imin"}


@dataclass
class Range:
    """What stands at a sum sign: the letters with their bounds, and conditions as items."""

    letters: list[str] = field(default_factory=list)
    low: list[Item] | None = None
    high: list[Item] | None = None
    conditions: list[list[Item]] = field(default_factory=list)
    between: list[Item] | None = None  # 1 \le i \le n
    set_name: str = ""  # i \in B


def read_big(r: LatexReader, c: Cursor, sign: Token) -> Value:
    r"""`\sum_{…}^{…} body`; the body is the product that follows.

    Raises:
        InputError: SD133 for an index that is something else already, SD135 for ranges that are not read.
    """
    scripts = read_scripts(r, c)
    if scripts.sub is None and not scripts.raised:
        return _bare(r, c, sign)
    return over(r, c, sign.text, scripts, sign.start)


def over(r: LatexReader, c: Cursor, name: str, scripts: Scripts, start: int) -> Value:
    """The value of a big operator with its range."""
    stop = max(scripts.stop, start + 1)
    found = read_range(r, scripts, start, stop)
    outer = dict(r.scope)
    bounds: list[Bound] = []
    try:
        conditions: list[Value] = []
        for k, letter in enumerate(found.letters):
            check_number(r, letter, c.items[c.at :], start, stop)
            bound, extra = _bound(r, found, letter, scripts, start, stop, len(found.letters) - k)
            r.scope = {**r.scope, letter: bound}
            bounds.append(bound)
            conditions += extra
        for items in found.conditions:
            conditions.append(read_condition(r, Cursor(items, items[0].start, items[-1].stop)))
        if ends(c):
            raise missing(r, c)
        body = _signed(r, c)
    finally:
        r.scope = outer
    if body.kind == "tensor":
        raise r.error("the body of a sum is at most a matrix", body.start, body.stop, "SD135")
    node, stop = body.node, body.stop
    where = join(r, conditions, start, stop).node if conditions else None
    for k, b in enumerate(reversed(bounds)):
        operands = (node, b.index) if where is None or k else (node, b.index, where)
        node = r.make(_WORDS[name], *operands, start=start, stop=stop, lo=b.lo, hi=b.hi)
    return Value(node, body.kind, start, stop)


def _signed(r: LatexReader, c: Cursor) -> Value:
    r"""The term behind a sum sign, which may have a sign of its own: `\sum_i -2 x_i`."""
    minus = False
    while is_char(c.peek(), "-", "+"):
        minus ^= is_char(c.next(), "-")
    body = read_term(r, c)
    return replace(body, node=negative(r, body), literal=False) if minus else body


# ranges ------------------------------------------------------------------------------------------------------------------------


def read_range(r: LatexReader, scripts: Scripts, start: int, stop: int) -> Range:
    """The range from the scripts of the sign, as items."""
    out = Range()
    for one in scripts.raised:
        if one.kind not in ("power", "inverse", "transpose", "bracket", "star") or out.high is not None:
            raise r.error(f"the range of `{r.text(start, stop)}` is not read", start, stop, "SD135")
        out.high = list(one.items)
    if scripts.sub is None:
        raise r.error(f"`{r.text(start, stop)}` has an end and no index", start, stop, "SD135", r"write \sum_{i=1}^{n}")
    items = _flattened(scripts.sub)
    for part in _parts(items):
        _range_part(r, out, part, start, stop)
    if not out.letters:
        raise r.error(f"`{r.text(start, stop)}` has no index", start, stop, "SD135", r"write \sum_{i=1}^{n}")
    return out


def _flattened(items: tuple[Item, ...]) -> list[Item]:
    """Without `\\substack` and outer braces; rows become parts."""
    out: list[Item] = []
    k = 0
    while k < len(items):
        item = items[k]
        if is_macro(item, "substack") and k + 1 < len(items):
            out.extend(content(items[k + 1]))
            k += 1
        elif isinstance(item, Group) and item.opener == "brace":
            out.extend(_flattened(item.items))
        else:
            out.append(item)
        k += 1
    return out


def _parts(items: list[Item]) -> list[list[Item]]:
    """`i=1, i \\ne k`, `i : y_i = k`."""
    out: list[list[Item]] = [[]]
    for item in items:
        if is_char(item, ",", ":", ";") or (isinstance(item, Token) and item.kind == "newline") or is_macro(item, "mid", "quad"):
            out.append([])
        elif isinstance(item, Token) and item.kind == "amp":
            continue
        else:
            out[-1].append(item)
    return [p for p in out if p]


def _range_part(r: LatexReader, out: Range, part: list[Item], start: int, stop: int) -> None:
    letter = letter_of(part)
    if letter:
        out.letters.append(letter)
        return
    if len(part) == 1 and isinstance(part[0], Group) and part[0].opener == "(":
        pair = [letter_of(p) for p in split_indices(part[0].items)]
        if len(pair) > 1 and all(pair) and not set(pair) & set(r.scope):
            out.letters += pair  # (i, j)
            return
    cut = next(
        (
            k
            for k, i in enumerate(part)
            if is_char(i, "=", "<", ">") or is_macro(i, "le", "leq", "ge", "geq", "ne", "neq", "in", "lt", "gt")
        ),
        None,
    )
    if cut is None:
        letters = [letter_of(p) for p in split_indices(part)]
        if all(letters):
            out.letters += letters
            return
        raise r.error(
            f"the range `{plain_text(part)}` is not read", start, stop, "SD135", r"write \sum_{i=1}^{n}, or a condition"
        )
    head = letter_of(part[:cut])
    sign = part[cut]
    if head and is_char(sign, "=") and head not in out.letters and out.low is None and head not in r.scope:
        out.letters.append(head)
        out.low = part[cut + 1 :]
        return
    if head in r.scope and is_char(sign, "=") and out.high is not None and not out.letters:
        _check_letter(r, head, start, stop)
        out.letters.append(head)
        out.low = part[cut + 1 :]
        return
    if is_macro(sign, "in") and head and head not in out.letters and out.low is None and out.high is None:
        ends = ends_of_set(part[cut + 1 :])
        name = letter_of_set(part[cut + 1 :])
        if ends is not None or is_set(r, name):
            out.letters.append(head)
            out.low, out.high = ends or (None, None)
            out.set_name = name
            return
    if is_macro(sign, "in"):
        hint = r"write the range \sum_{i=1}^{n} or the condition with =, \ne, <"
        raise r.error("a sum over a set is not read", start, stop, "SD135", hint)
    _condition_part(r, out, part, cut, head)


def _condition_part(r: LatexReader, out: Range, part: list[Item], cut: int, head: str) -> None:
    """`j \\ne i`, `i < j`, `1 \\le i \\le n`: the letters that are not bound yet are."""
    second = next((k for k, i in enumerate(part) if k > cut and is_macro(i, "le", "leq")), None)
    middle = letter_of(part[cut + 1 : second]) if second else ""
    if (
        middle
        and is_macro(part[cut], "le", "leq")
        and middle not in r.scope
        and middle not in out.letters
        and out.between is None
    ):
        out.letters.append(middle)
        out.low, out.high, out.between = part[:cut], part[second + 1 :], part  # type: ignore[operator]
        return
    if not out.letters:
        fresh = [p for p in (head, letter_of(part[cut + 1 :])) if p and p not in r.scope and not _is_known(r, p)]
        out.letters += fresh
    out.conditions.append(part)


def _is_known(r: LatexReader, letter: str) -> bool:
    from .naming import Key

    key = Key(letter)
    return (bool(r.known(key, 0, 1)) and r.known(key, 0, 1) not in r.sizes) or r.is_defined(key)


def _bound(
    r: LatexReader, found: Range, letter: str, scripts: Scripts, start: int, stop: int, left: int
) -> tuple[Bound, list[Value]]:
    """The index with its bounds; bounds that depend on an outer index become conditions."""
    _check_letter(r, letter, start, stop)
    low = _end(r, found.low, start, stop) if found.low else None
    high = _end(r, found.high, start, stop) if found.high else None
    if found.low and len(found.letters) > 1 and found.letters[0] != letter:
        low = None
    base = 0 if low is not None and low.is_Integer and low == 0 else 1
    extra: list[Value] = []
    lo = sympy.expand(low - base) if low is not None else Integer(0)
    if high is None and low is not None:
        hint = r"write the end of the range: \sum_{i=1}^{n}"
        raise r.error(f"`{r.text(start, stop)}` has no end", start, stop, "SD135", hint)
    if high is None and found.set_name:
        return r.bind(letter, lo, size_of_set(r, found.set_name, start, stop), 1, open=True), extra
    if high is None:
        hi: Expr = r.context_size(scripts.sub_item, "range " + letter, start, stop)
        return r.bind(letter, lo, hi, 1, open=True), extra
    hi = sympy.expand(high + 1 - base)
    bound = r.bind(letter, _hull(r, lo, start, stop, False), _hull(r, hi, start, stop, True), base)
    for word, end, plain in (("ge", lo, bound.lo), ("lt", hi, bound.hi)):
        if end != plain:
            other = _affine_node(r, end)
            extra.append(value_of(r.make(word, bound.index, other, start=start, stop=stop), start, stop))
    if (bound.hi - bound.lo).is_negative:
        raise r.error(f"the range of `{r.text(start, stop)}` is empty", start, stop, "SD135")
    return bound, extra


def _check_letter(r: LatexReader, letter: str, start: int, stop: int) -> None:
    from .naming import Key

    key = Key(letter)
    if letter in r.scope and r.scope[letter].index in r.free_indices:
        told = f"{letter} is an index of its own inside the sum, and not the one of the left side"
        r.assumptions.setdefault("inner " + letter, told)
        return
    if letter in r.scope:
        what = f"the index {letter} is bound already where `{r.text(start, stop)}` binds it again"
        raise r.error(what, start, stop, "SD133", "call the inner index by a letter of its own")
    if _is_known(r, letter):
        what = f"{letter} is declared or defined, and the index of `{r.text(start, stop)}`"
        raise r.error(
            what,
            start,
            stop,
            "SD133",
            f"call the index by a letter of its own, or leave out the declaration of `{key.identifier}`",
        )


def check_number(r: LatexReader, letter: str, items: Sequence[Item], start: int, stop: int) -> None:
    """An index that has the name of a size must not stand as a number where it is bound.

    Raises:
        InputError: SD133.
    """
    if letter in r.sizes and letter not in r.declared.vars and used_as_number(items, letter):
        what = f"{letter} is a size, and the index of `{r.text(start, stop)}`"
        raise r.error(what, start, stop, "SD133", "call the index by a letter of its own")


def _end(r: LatexReader, items: list[Item], start: int, stop: int) -> Expr:
    """A bound as a number, a size, or an expression in outer indices; what the text calls it, counted from 1."""
    items = _flattened(tuple(items))
    name = plain_text(items).strip("|")
    for size in (name, name.strip("\\|")):  # |V|, \|V\| of a vocabulary
        if size in r.sizes and size not in r.declared.vars:
            return r.sizes[size]
    if len(items) == 1 and is_macro(items[0], "infty"):
        raise r.error("an infinite sum is not read", start, stop, "SD135")
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    value = affine(x.node)
    if value is None or value.is_integer is False:
        hint = "an end is a number, a size, or an outer index plus a number" + r.declare_hint(x.node)
        raise r.error(f"`{r.text(x.start, x.stop)}` is not the end of a range", x.start, x.stop, "SD133", hint)
    return value


def _hull(r: LatexReader, value: Expr, start: int, stop: int, upper: bool) -> Expr:
    """A bound without indices: the extreme over the ranges of the outer ones."""
    for bound in r.scope.values():
        symbol = index_symbol(bound.index)
        if symbol in value.free_symbols:
            slope = sympy.diff(value, symbol)
            if not slope.is_Integer:
                raise r.error(f"the range of `{r.text(start, stop)}` is not read", start, stop, "SD135")
            value = sympy.expand(value.subs(symbol, bound.hi - 1 if (slope > 0) == upper else bound.lo))
    return value


def _affine_node(r: LatexReader, value: Expr) -> Node:
    from .indices import affine_word

    used = [b for b in r.scope.values() if index_symbol(b.index) in value.free_symbols]
    return affine_word(r, value, used[0], value_of(Num(0), 0, 1)) if used else Num(value)


# sums without an index
# -----------------------------------------------------------------------------------------------------------


def _bare(r: LatexReader, c: Cursor, sign: Token) -> Value:
    r"""`\sum (y - \hat{y})^2`, `\sum -2 x_i (…)`: over the entries of what follows, or over the one index in it.

    Raises:
        InputError: SD135 when there is nothing or too much to sum over.
    """
    start = sign.start
    if ends(c):
        raise missing(r, c)
    rest = c.items[c.at :]
    letters = sorted(_subscript_letters(rest) - set(r.scope))
    letters = [x for x in letters if not _is_known(r, x) and x not in r.sizes]
    if len(letters) > 1:
        raise r.error(f"`{r.text(start, c.end)}`: over which index is the sum?", start, sign.stop, "SD135", r"write \sum_i")
    outer = dict(r.scope)
    bound = None
    if letters:
        bound = r.bind(letters[0], Integer(0), r.context_size(sign, "range", start, sign.stop), 1, open=True)
        r.scope = {**r.scope, letters[0]: bound}
    r.entrywise += not letters
    try:
        body = _signed(r, c)
    finally:
        r.entrywise -= not letters
        r.scope = outer
    node = body.node
    if bound is not None:
        word = r.make(_WORDS[sign.text], node, bound.index, start=start, stop=body.stop, lo=bound.lo, hi=bound.hi)
        return Value(word, body.kind, start, body.stop)
    if not body.is_array:
        raise r.error(f"`{r.text(start, body.stop)}`: over what is the sum?", start, body.stop, "SD135", r"write \sum_i")
    return Value(r.make(sign.text, node, start=start, stop=body.stop), "scalar", start, body.stop)


def _subscript_letters(items: list[Item]) -> set[str]:
    """Letters in subscripts, and in brackets above."""
    out: set[str] = set()
    todo: list[list[Item]] = [items]
    while todo:
        level = todo.pop()
        for k, item in enumerate(level):
            if isinstance(item, Token) and item.kind == "sub" and k + 1 < len(level):
                inner = content(level[k + 1])
                if all(letter_of(p) for p in split_indices(inner)):
                    out |= {letter_of(p) for p in split_indices(inner)}
            elif not isinstance(item, Token):
                todo.append(list(item.items))
    return out


# arrays by their entries
# ---------------------------------------------------------------------------------------------------------


def array_of_entries(r: LatexReader, c: Cursor, g: Group) -> Value | None:
    """`[S_{i y_i}]_i`: the array whose entries stand in the bracket; None when the subscript picks an entry of what is inside."""
    below = c.peek(1)
    if below is None:
        return None
    parts = split_indices(content(below))
    letters = [letter_of(p) for p in parts]
    used = letters_in(g.items)
    if not all(x and x not in r.scope and x in used for x in letters) or len(set(letters)) < len(letters):
        return None
    for letter in letters:
        check_number(r, letter, g.items, g.start, below.stop)
    c.at += 2
    return comprehension(r, letters, (g, below), lambda: read_all(r, group_cursor(g)), g.start, c.last)


def comprehension(r: LatexReader, letters: list[str], anchor: object, read, start: int, stop: int) -> Value:
    """The array over free letters of what `read` gives.

    Raises:
        InputError: SD135 when the entries depend on an outer index.
    """
    from .arrays import entries_to_array

    outer = dict(r.scope)
    item = anchor[0] if isinstance(anchor, tuple) else anchor
    try:
        for letter in letters:
            _check_letter(r, letter, start, stop)
            size = r.context_size(item, "range " + letter, start, stop)
            r.scope = {**r.scope, letter: r.bind(letter, Integer(0), size, 1, open=True)}
        body = read()
        bounds = [r.scope[x] for x in letters]
    finally:
        r.scope = outer
    if body.is_array and body.kind != "column":
        raise r.error("the entries of an array are scalars or columns", body.start, body.stop, "SD135")
    free = {n for n in postorder(body.node) if isinstance(n, Index)} & {b.index for b in outer.values()}
    if free:
        raise r.error("an array by its entries inside a sum is not read", start, stop, "SD135", "define it under a name")
    shape = (*(b.hi for b in bounds), *body.node.shape)
    if any(s.has(Dummy) for s in shape):
        return value_of(_stand_in(r, item, shape), start, stop)
    try:
        node = entries_to_array(body.node, [(b.index, b.hi) for b in bounds])
    except SymDerivError as error:
        raise error.at(r.span(start, stop)) from None
    r.places.setdefault(node, (start, stop))
    return value_of(node, start, stop)


def _stand_in(r: LatexReader, item: object, shape) -> Node:
    """A variable of the shape, while sizes are unknown."""
    from ...expr.nodes import Var

    return Var(f"entries_{r.fresh()}", shape)
