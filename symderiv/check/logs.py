r"""`\log p(x \mid \mu) = …` where nothing says what `p` is: the logarithm is what is defined, so it is a name of its own everywhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..read.latex.naming import GREEK
from ..read.latex.tree import Environment, Group, Item, Token, is_macro
from .relations import Chain


def name_logarithms(chains: Sequence[Chain], declared: Collection[str]) -> None:
    """Replaces logarithms that are left sides of definitions, and their other occurrences, by one name each."""
    lefts = [c.sides[0] for c in chains if len(c.sides) > 1 and c.signs[0] in ("=", ":=")]
    own = {s[0].text for s in lefts if s and isinstance(s[0], Token)}
    letters = {s[1].text for s in lefts if _is_logarithm(s, 0) and _used(s, 0) == len(s)}  # type: ignore[union-attr]
    letters = {x for x in letters if x not in own and not any(n == x or n.split("_")[0] == x for n in declared)}
    if not letters:
        return
    for chain in chains:
        chain.sides = [_named(s, letters) for s in chain.sides]


def _is_logarithm(items: Sequence[Item], k: int) -> bool:
    if k + 1 >= len(items) or not is_macro(items[k], "log", "ln"):
        return False
    name = items[k + 1]
    return isinstance(name, Token) and (
        (name.kind == "char" and name.text.isalpha()) or (name.kind == "macro" and name.text in GREEK)
    )


def _used(items: Sequence[Item], k: int) -> int:
    """How many items `\\log p_\\theta(x)` takes, its scripts and its arguments included."""
    at = k + 2
    if at + 1 < len(items) and isinstance(items[at], Token) and items[at].kind == "sub":  # type: ignore[union-attr]
        at += 2
    after = items[at] if at < len(items) else None
    return at + (isinstance(after, Group) and after.opener == "(") - k


def _named(items: Sequence[Item], letters: Collection[str]) -> list[Item]:
    out: list[Item] = []
    k = 0
    while k < len(items):
        item = items[k]
        if _is_logarithm(items, k) and items[k + 1].text in letters:  # type: ignore[union-attr]
            used = _used(items, k)
            start = item.start
            word = "log" + items[k + 1].text  # type: ignore[union-attr]
            tokens = tuple(Token("char", x, start + n, start + n + 1) for n, x in enumerate(word))
            out.append(Group("brace", "}", tokens, start, items[k + 1].stop, item.spaced))
            scripts = list(items[k + 2 : k + used])
            out.extend(i for i in scripts if not (isinstance(i, Group) and i.opener == "("))
            k += used
            continue
        if isinstance(item, (Group, Environment)):
            item = replace(item, items=tuple(_named(item.items, letters)))
        out.append(item)
        k += 1
    return out


__all__ = ["name_logarithms"]
