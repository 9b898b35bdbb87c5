r"""Which names depend on which because derivatives are written: `\frac{\partial y}{\partial z}` says that y depends on z."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import SymDerivError
from ..read.latex.heads import Head, head_of, is_computed, name_pattern
from ..read.latex.naming import label_text
from ..read.latex.reader import LatexReader
from ..read.latex.scripts import content
from ..read.latex.tree import Cursor, Item, Token, is_macro
from .relations import Chain


def dependence(chains: Iterable[Chain], r: LatexReader) -> tuple[dict[str, set[str]], set[str]]:
    """Name -> names by which it is differentiated somewhere, for names that the reader knows; and all names by which something is."""
    out: dict[str, set[str]] = {}
    by: set[str] = set()
    for chain in chains:
        for side in chain.sides:
            _walk(side, r, out, by)
    return out, by


def _walk(items: Sequence[Item], r: LatexReader, out: dict[str, set[str]], by: set[str]) -> None:
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            _walk(item.items, r, out, by)
        elif is_macro(item, "frac", "dfrac", "tfrac") and k + 2 < len(items):
            try:
                head = head_of(r, content(items[k + 1]), content(items[k + 2]), item.start, items[k + 2].stop)
            except SymDerivError:
                continue
            if head is not None:
                _note(head, items[k + 3 :], r, out, by)


def _note(head: Head, after: Sequence[Item], r: LatexReader, out: dict[str, set[str]], by: set[str]) -> None:
    top = _names(r, head.top if head.top is not None else list(after))
    for below, _ in head.variables:
        for name in _names(r, below):
            by.add(name)
            for t in top:
                if t != name:
                    out.setdefault(t, set()).add(name)


def _names(r: LatexReader, items: Sequence[Item]) -> list[str]:
    """The known names that a bare name with scripts can be."""
    if not items:
        return []
    c = Cursor(items, items[0].start, items[-1].stop)
    try:
        p = name_pattern(r, c)
    except SymDerivError:
        return []
    if p is None or not c.done:
        return []
    if p.arguments is not None and (p.scripts.raised or is_computed(p.arguments)):
        return []  # `a^\\top (x + b)` is a product
    keys = [p.key]
    if p.scripts.sub is not None:
        label = label_text(p.scripts.sub)
        keys += [p.key.labelled(label)] if label else []
    for one in p.scripts.raised:
        label = (
            "star"
            if one.kind == "star"
            else label_text([i for x in one.items for i in (content(x) if not isinstance(x, Token) else (x,))])
        )
        keys += [k.labelled(label) for k in list(keys)] if label else []
    return list(dict.fromkeys(n for k in keys for n in r.table.find(k) if n in r.declared.vars))


__all__ = ["dependence"]
