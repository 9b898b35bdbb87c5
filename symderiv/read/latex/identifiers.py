r"""Names in LaTeX as names of the language, and what the tokens of a text say about letters before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InputError, SymDerivError
from ..declarations import Declarations
from .macros import Expander
from .tokens import Clock, scan_latex
from .tree import Item, Token, TreeBuilder, is_macro, tokens_below


def tree_of(source: str, preamble: str, name: str) -> tuple[Item, ...]:
    expander = Expander(source, name)
    if preamble:
        outer = Expander(preamble, "macros")
        outer.expand(scan_latex(preamble, "macros"))
        expander.table.update(outer.table)
    tokens = expander.expand(scan_latex(source, name))
    return TreeBuilder(source, tokens, name).build()


def plain_names(vars: object) -> object:
    """Declarations with names in the language."""
    if not isinstance(vars, Mapping):
        return vars
    return {k if not isinstance(k, str) or k.isidentifier() else identifier_of(k): v for k, v in vars.items()}


def names_with_powers(vars: object) -> frozenset[str]:
    r"""Names that are declared with a power: `{"\\sigma^2": "scalar"}`."""
    if not isinstance(vars, Mapping):
        return frozenset()
    found = [k for k in vars if isinstance(k, str) and re.search(r"\^\{?\d\}?$", k.strip())]
    return frozenset(identifier_of(k) for k in found)


def identifier_of(name: str) -> str:
    r"""The name in the language of a name in LaTeX: `W^{[3]}` is W3, `\hat{y}` is y_hat.

    Raises:
        InputError: SD106 for what is not a name.
    """
    from .calculus import name_pattern
    from .naming import label_text
    from .reader import LatexReader
    from .tree import Cursor, Group

    text = name.strip()
    try:
        items = tree_of(text, "", "vars")
        c = Cursor(items, 0, len(text))
        r = LatexReader(text, Declarations(), Clock(text), name="vars")
        p = name_pattern(r, c)
    except SymDerivError:
        p, c = None, None
    if p is None or c is None or not c.done or p.arguments is not None or p.scripts.primes:
        raise InputError(f"`{text[:60]}` cannot name a variable", code="SD106", hint="a name is a letter with labels: W^{(2)}")
    key = p.key
    if p.scripts.sub is not None:
        key = key.labelled(label_text(p.scripts.sub) or "")
    for one in p.scripts.raised:
        inner = one.items[0]
        label = "star" if one.kind == "star" else label_text(inner.items if isinstance(inner, Group) else one.items)
        key = key.labelled(label or "")
    if "" in key.labels:
        raise InputError(f"`{text[:60]}` cannot name a variable", code="SD106", hint="a name is a letter with labels: W^{(2)}")
    return key.identifier


def size_letters(items: tuple[Item, ...]) -> list[str]:
    r"""Letters that end the range of a sum, or size `I_n`, `\mathbf{1}_n`."""
    from .scripts import content

    out: dict[str, None] = {}
    todo: list[Any] = [items]
    while todo:
        level = list(todo.pop())
        for k, item in enumerate(level):
            if not isinstance(item, Token):
                todo.append(item.items)
                continue
            if is_macro(item, "sum", "prod"):
                _range_letters(level, k + 1, out)
            if item.kind == "sub" and k >= 1 and k + 1 < len(level) and _is_constant(level[:k]):
                inner = content(level[k + 1])
                if len(inner) == 1 and isinstance(inner[0], Token) and inner[0].kind == "char" and inner[0].text.isalpha():
                    out[inner[0].text] = None
    return list(out)


def _range_letters(level: list[Item], k: int, out: dict[str, None]) -> None:
    from .scripts import content

    while k + 1 < len(level) and isinstance(level[k], Token) and level[k].kind in ("sub", "sup"):  # type: ignore[union-attr]
        if level[k].kind == "sup":  # type: ignore[union-attr]
            inner = list(tokens_below(content(level[k + 1])))
            for t in inner:
                if t.kind == "char" and t.text.isalpha():
                    out[t.text] = None
        k += 2


def _is_constant(before: list[Item]) -> bool:
    r"""Whether `I`, `\mathbf 1` stands last."""
    from .tree import Group, is_char

    last = before[-1]
    if is_char(last, "I"):
        return True
    inner = last.items if isinstance(last, Group) and last.opener == "brace" else (last,)
    one = len(inner) == 1 and isinstance(inner[0], Token) and inner[0].kind == "number" and inner[0].text == "1"
    return one and len(before) > 1 and is_macro(before[-2], "mathbf", "mathbb", "boldsymbol", "bm", "vec")
