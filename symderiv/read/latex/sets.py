r"""Sums over sets of indices: `\sum_{i \in \{1,\dots,n\}}`, `\sum_{i \in [n]}`, `\sum_{i \in B}` with `|B|` terms.

A set that nothing declares is a batch: it is taken as all positions of the axis, and `|B|` as the size of that axis; it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Expr

from .arguments import split_arguments
from .naming import FONTS, Key
from .scripts import content
from .tree import Group, Item, Token, is_char, is_macro, plain_text

if TYPE_CHECKING:
    from .reader import LatexReader

_DOTS = ("dots", "ldots", "cdots", "dotsc")


def set_names(items: Sequence[Item]) -> frozenset[str]:
    r"""What stands after `\in` below a sum sign, where it is one letter: `B` of `\sum_{i \in \mathcal{B}}`."""
    out: set[str] = set()
    todo: list[list[Item]] = [list(items)]
    while todo:
        level = todo.pop()
        for k, item in enumerate(level):
            if not isinstance(item, Token):
                todo.append(list(item.items))
            elif item.kind == "sub" and k and k + 1 < len(level) and is_macro(level[k - 1], "sum", "limits"):
                inner = list(content(level[k + 1]))
                at = next((j for j, i in enumerate(inner) if is_macro(i, "in")), None)
                name = letter_of_set(inner[at + 1 :]) if at is not None else ""
                if name:
                    out.add(name)
    return frozenset(out)


def letter_of_set(items: Sequence[Item]) -> str:
    r"""`B` of `B`, `\mathcal{B}`, `\mathcal B_t`; "" for anything else. Sets such as ℝ are none."""
    items = list(items)
    cut = next((k for k, i in enumerate(items) if isinstance(i, Token) and i.kind == "sub"), len(items))
    items = items[:cut]
    if len(items) == 2 and is_macro(items[0], *(FONTS - {"mathbb"})):
        items = list(content(items[1]))
    if len(items) == 1 and isinstance(items[0], Token) and items[0].kind == "char" and items[0].text.isupper():
        return items[0].text
    return ""


def is_set(r: LatexReader, name: str) -> bool:
    """Whether a letter is the name of a set here."""
    key = Key(name)
    return name in r.sets and not r.is_defined(key) and (not r.known(key, 0, 1) or r.known(key, 0, 1) in r.guessed)


def size_of_set(r: LatexReader, name: str, start: int, stop: int) -> Expr:
    """`|B|`."""
    what = f"{name} is a set of indices that nothing declares: taken as all of them, so that |{name}| is their number"
    r.assumptions.setdefault("set " + name, what)
    return r.context_size(("set", name), "set " + name, start, stop)


def ends_of_set(items: Sequence[Item]) -> tuple[list[Item], list[Item]] | None:
    r"""First and last of `\{1,\dots,n\}`, `[n]`, `[1, n]`; None for anything else."""
    items = list(items)
    if len(items) != 1 or not isinstance(items[0], Group) or items[0].opener not in ("{", "["):
        return None
    group = items[0]
    parts = split_arguments(group.items)
    if group.opener == "[" and len(parts) == 1 and parts[0]:
        one = Token("number", "1", group.start, group.start + 1)
        return [one], list(parts[0])
    dots = [p for p in parts if len(p) == 1 and (is_macro(p[0], *_DOTS) or is_char(p[0], "…"))]
    ends = [list(p) for p in parts if p and p not in dots]
    if not (dots or (group.opener == "[" and len(parts) == 2)):
        return None
    if len(ends) == 3 and plain_text(ends[0]) == "1" and plain_text(ends[1]) == "2":
        del ends[1]
    return (ends[0], ends[1]) if len(ends) == 2 else None
