r"""Conditions with the value 0 or 1: `x_i > 0`, `k = y_i`, `i \ne j`, `1 \le i \le n`; indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...expr.nodes import Num
from ..numbers import affine
from .grammar import RELATIONS, group_cursor, is_relation, read_sum, unexpected
from .indices import base_of, moving, position
from .tree import Cursor, Group, Item, Token, is_char, is_macro
from .values import SHOWN, Value

if TYPE_CHECKING:
    from .reader import LatexReader

_OPPOSITE = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


def has_relation(items: tuple[Item, ...]) -> bool:
    """Whether a bracket holds a condition."""
    return any(isinstance(i, Token) and i.kind in ("char", "macro") and i.text in RELATIONS for i in items)


def relation_sign(c: Cursor) -> str:
    """The word of the comparison that stands here, consumed; "" for none. `>=` and `==` of programs are read as well."""
    item, after = c.peek(), c.peek(1)
    if is_macro(item, "not") and is_char(after, "="):
        c.at += 2
        return "ne"
    if not (isinstance(item, Token) and item.kind in ("char", "macro") and item.text in RELATIONS):
        return ""
    c.next()
    if is_char(item, "<", ">", "=") and is_char(after, "="):
        c.next()
        return {"<": "le", ">": "ge", "=": "eq"}[item.text]
    return RELATIONS[item.text]


def read_condition(r: LatexReader, c: Cursor) -> Value:
    r"""`a < b`, `a \le b < c`; several with commas hold together.

    Raises:
        InputError: SD135 for anything else.
    """
    start = c.place
    found: list[Value] = []
    while True:
        left = read_sum(r, c)
        sign = relation_sign(c)
        if not sign:
            item = c.peek()
            if is_relation(item):
                raise unexpected(r, c)
            raise r.error(
                f"{r.shown(left)} is not a condition", left.start, left.stop, "SD135", "a condition compares two values"
            )
        while sign:
            right = read_sum(r, c)
            found.append(compare(r, sign, left, right, left.start, right.stop))
            left, sign = right, relation_sign(c)
        if is_char(c.peek(), ",") or is_macro(c.peek(), "land", "wedge", "quad"):
            c.next()
            continue
        if c.peek() is not None:
            raise unexpected(r, c)
        return join(r, found, start, found[-1].stop)


def join(r: LatexReader, found: list[Value], start: int, stop: int) -> Value:
    """All of them."""
    if len(found) == 1:
        return found[0]
    arrays = [x for x in found if x.is_array]
    kind = arrays[0].kind if arrays else "scalar"
    return Value(r.make("mul", *(x.node for x in found), start=start, stop=stop), kind, start, stop)


def compare(r: LatexReader, word: str, a: Value, b: Value, start: int, stop: int) -> Value:
    """A comparison. Where an index takes part, positions are compared: labels and indices both count from 0 in the words."""
    left, right = a.node, b.node
    where = [moving(r, affine(x.node)) for x in (a, b)]
    if any(where):
        known = [affine(x.node) for x in (a, b)]
        base = next(base_of(r, v) for v, m in zip(known, where, strict=True) if m and v is not None)
        left, right = (position(r, x, base) if affine(x.node) is not None or _is_label(r, x) else x.node for x in (a, b))
    if isinstance(left, Num) and not isinstance(right, Num) and word in _OPPOSITE:
        pass  # 0 < x stays as it is written
    if a.is_array and b.is_array and a.kind != b.kind:
        what = f"{r.shown(a)} is {SHOWN[a.kind]}, {r.shown(b)} is {SHOWN[b.kind]}: they cannot be compared"
        raise r.error(what, start, stop, "SD132")
    kind = a.kind if a.is_array else b.kind
    return Value(r.make(word, left, right, start=start, stop=stop, parts=(a, b)), kind, start, stop)


def _is_label(r: LatexReader, x: Value) -> bool:
    from ...ops._rules import is_whole

    return not x.is_array and is_whole(x.node)


def indicator(r: LatexReader, g: Group, start: int) -> Value:
    r"""`\mathbb 1[x > 0]`: 1 where the condition holds, else 0."""
    x = read_condition(r, group_cursor(g))
    return Value(x.node, x.kind, start, g.stop)


def used_as_number(items: Sequence[Item], letter: str) -> bool:
    """Whether the letter stands outside of subscripts, conditions and brackets above."""
    items = list(items)
    for k, item in enumerate(items):
        if k and isinstance(items[k - 1], Token) and items[k - 1].kind in ("sub", "sup"):  # type: ignore[union-attr]
            if items[k - 1].kind == "sup" and not isinstance(item, Token) and used_as_number(item.items, letter):  # type: ignore[union-attr]
                return True
            continue
        if isinstance(item, Token):
            if item.kind == "char" and item.text == letter:
                return True
        elif not has_relation(item.items) and used_as_number(item.items, letter):
            return True
    return False
