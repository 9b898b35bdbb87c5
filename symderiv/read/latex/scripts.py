"""Subscripts and superscripts: what hangs on an atom, and what each superscript says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .naming import FONTS, label_text
from .tree import Cursor, Group, Item, Token, is_char, is_macro

if TYPE_CHECKING:
    from .reader import LatexReader

TRANSPOSES = ("top", "intercal", "transpose", "tran", "trans", "intercal")


class Raised(NamedTuple):
    """One superscript: transpose, inverse, inverse_transpose, pinv, elementwise, bracket, star or power, with its items."""

    kind: str
    items: tuple[Item, ...]
    start: int
    stop: int


@dataclass
class Scripts:
    """What stands at the corners of an atom; `first` is `sub` or `sup`, whichever is written first."""

    sub: tuple[Item, ...] | None = None
    sub_item: Item | None = None
    raised: list[Raised] = field(default_factory=list)
    primes: int = 0
    first: str = ""
    start: int = 0
    stop: int = 0
    anchor: object = None  # the item that carries the scripts

    def __bool__(self) -> bool:
        return self.sub is not None or bool(self.raised) or bool(self.primes)


def argument(r: LatexReader, c: Cursor, what: str) -> Item:
    """The next group or token, as TeX takes an argument.

    Raises:
        InputError: SD130 when there is none.
    """
    c.split_number()
    item = c.next()
    if item is None:
        raise r.error(f"`{what}` lacks an argument", c.last - 1, c.last, "SD130")
    if isinstance(item, Token) and item.kind in ("sup", "sub"):
        raise r.error(f"`{what}` lacks an argument", item.start, item.stop, "SD130")
    return item


def content(item: Item) -> tuple[Item, ...]:
    """The items of an argument, without its braces."""
    if isinstance(item, Group) and item.opener == "brace":
        return item.items
    return (item,)


def script_argument(r: LatexReader, c: Cursor, sign: Token) -> Item:
    """What follows `_` or `^`: a group, a token, or a font command with its letter (`^\\mathsf T`)."""
    item = argument(r, c, sign.text)
    following = c.peek()
    if is_macro(item, *FONTS) and following is not None:
        assert isinstance(item, Token)
        letter = argument(r, c, "\\" + item.text)
        return Group("brace", "}", (item, letter), item.start, letter.stop)
    if is_macro(item, "frac", "dfrac", "tfrac", "sqrt"):
        parts = [item] + [argument(r, c, item.text) for _ in range(1 if item.text == "sqrt" else 2)]  # type: ignore[union-attr]
        return Group("brace", "}", tuple(parts), item.start, parts[-1].stop)
    return item


def read_scripts(r: LatexReader, c: Cursor) -> Scripts:
    """All scripts that follow.

    Raises:
        InputError: SD130 for two subscripts.
    """
    out = Scripts(start=c.place, stop=c.last)
    while True:
        item = c.peek()
        if not isinstance(item, Token) or item.kind not in ("sup", "sub", "prime"):
            if isinstance(item, Group) and item.opener == "brace" and not item.items:
                c.next()  # x{}^2
                continue
            out.stop = c.last
            return out
        c.next()
        if item.kind == "prime":
            out.primes += 1
            out.first = out.first or "sup"
            continue
        out.first = out.first or item.kind
        inner = script_argument(r, c, item)
        if item.kind == "sub":
            if out.sub is not None:
                raise r.error("two subscripts on one letter", item.start, inner.stop, "SD130", "put braces around the first part")
            out.sub, out.sub_item = content(inner), inner
            continue
        found = classify(content(inner), item.start, inner.stop)
        if not found:
            raise r.error("a superscript is empty", item.start, inner.stop, "SD130", "leave it out")
        for one in found:
            if one.kind == "prime":
                out.primes += len(one.items)
            else:
                out.raised.append(one)


def _is_transpose(items: Sequence[Item]) -> bool:
    if len(items) == 1 and (is_macro(items[0], *TRANSPOSES) or is_char(items[0], "T")):
        return True
    if len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        return _is_transpose(items[0].items)
    return len(items) == 2 and is_macro(items[0], *FONTS) and label_text(items) in ("T", "t")


def classify(items: Sequence[Item], start: int, stop: int) -> list[Raised]:
    """What a superscript says. A bracket or a label may be followed by a transpose: `a^{[2] T}`."""
    items = tuple(items)
    if not items:
        return []
    if len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        return classify(items[0].items, start, stop)
    if items and all(is_macro(i, "prime") or (isinstance(i, Token) and i.kind == "prime") for i in items):
        return [Raised("prime", items, start, stop)]
    if _is_transpose(items):
        return [Raised("transpose", items, start, stop)]
    if len(items) >= 2 and is_char(items[0], "-"):
        if len(items) == 2 and isinstance(items[1], Token) and items[1].text == "1":
            return [Raised("inverse", items, start, stop)]
        if _is_transpose(items[1:]):
            return [Raised("inverse_transpose", items, start, stop)]
        if isinstance(items[1], Token) and items[1].text == "1" and _is_transpose(items[2:]):
            return [Raised("inverse_transpose", items, start, stop)]
    if len(items) == 1 and is_char(items[0], "+"):
        return [Raised("pinv", items, start, stop)]
    if len(items) == 1 and is_macro(items[0], "dagger"):
        return [Raised("pinv", items, start, stop)]
    if len(items) == 1 and (is_char(items[0], "*") or is_macro(items[0], "star", "ast")):
        return [Raised("star", items, start, stop)]
    if items and is_macro(items[0], "odot", "circ") and len(items) > 1:
        return [Raised("elementwise", items[1:], start, stop)]
    if items and isinstance(items[0], Group) and items[0].opener in ("(", "["):
        rest = items[1:]
        bracket = Raised("bracket", items[:1], start, stop)
        if not rest:
            return [bracket]
        after = classify(rest, rest[0].start, stop)
        if not after:
            return [bracket]
        if after[0].kind in ("transpose", "inverse", "inverse_transpose", "prime"):
            return [bracket, *after]
    return [Raised("power", items, start, stop)]
