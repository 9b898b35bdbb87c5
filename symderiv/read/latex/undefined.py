r"""Functions that nothing defines, in texts where that is no error: `g(\theta^\top x)`, `h_\theta(x)`, `R(W)`, `u'(x) v(x)`.

A letter that is applied to something computed, or has a prime, is a smooth function of numbers, one and the same wherever it stands; its
formula is as good as any, so what holds for it by accident is out of the question. A letter that is applied to bare names is a value of
its own that depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...expr.nodes import Node
from ..text import build
from .arguments import split_arguments
from .grammar import read_all
from .heads import name_pattern
from .indices import entry, is_index_part, letter_of, split_indices
from .naming import ACCENTS, FONTS, GREEK, Key, label_text
from .raised import apply_raised
from .scripts import Scripts, content
from .tree import Cursor, Group, Item, Token, is_char, is_macro
from .values import Value

if TYPE_CHECKING:
    from .reader import LatexReader

UNDEFINED = "a function that nothing defines"
REFUSED = frozenset("EPDNOTI")  # expectations, probabilities, operators, orders


def functional_letters(sides: Iterable[Sequence[Item]]) -> frozenset[str]:
    r"""Letters that a text applies to something computed, or primes before a bracket: `g(\theta^\top x)`, `u'(x)`."""
    out: set[str] = set()
    todo = [list(s) for s in sides]
    while todo:
        items = todo.pop()
        todo.extend(list(i.items) for i in items if not isinstance(i, Token))
        for k, item in enumerate(items):
            if not (isinstance(item, Token) and (item.text.isalpha() and (len(item.text) == 1 or item.text in GREEK))):
                continue
            after, primed = k + 1, False
            while after < len(items) and isinstance(items[after], Token) and items[after].kind in ("prime", "sub", "sup"):  # type: ignore[union-attr]
                sign = items[after].kind  # type: ignore[union-attr]
                primed |= sign == "prime" or (sign == "sup" and after + 1 < len(items) and is_prime(items[after + 1]))
                after += 1 if sign == "prime" else 2
            g = items[after] if after < len(items) else None
            if isinstance(g, Group) and g.opener == "(" and g.items and (primed or is_formula(g.items)):
                out.add(item.text)
    return frozenset(out - REFUSED)


def is_prime(item: Item) -> bool:
    inner = content(item)
    return bool(inner) and all(is_macro(i, "prime") or (isinstance(i, Token) and i.kind == "prime") for i in inner)


def is_formula(items: Sequence[Item]) -> bool:
    """Whether a bracket holds more than names with scripts between commas."""
    return any(not _bare(part) for part in split_arguments(tuple(items)) if part)


def _bare(part: Sequence[Item]) -> bool:
    k = 0
    names = 0
    while k < len(part):
        item = part[k]
        if is_macro(item, *FONTS) or is_macro(item, *ACCENTS):
            k += 2
            names += 1
        elif isinstance(item, Token) and item.kind in ("sub", "sup"):
            k += 2
        elif isinstance(item, Token) and (item.text.isalpha() and item.kind in ("char", "macro")):
            k += 1
            names += 1
        elif isinstance(item, Token) and item.kind == "prime":
            k += 1
        else:
            return False
    return names == 1 and not any(isinstance(i, Token) and i.kind == "sup" and _is_power(part, n) for n, i in enumerate(part))


def _is_power(part: Sequence[Item], n: int) -> bool:
    inner = content(part[n + 1]) if n + 1 < len(part) else ()
    return len(inner) == 1 and (
        isinstance(inner[0], Token) and (inner[0].kind == "number" or is_char(inner[0], "T") or is_macro(inner[0]))
    )


def undefined(r: LatexReader, key: Key, scripts: Scripts, g: Group, start: int, after: Item | None) -> Value | None:
    """The value of an undefined function; None where this is none, or such functions are not allowed here."""
    letters = r.context.undefined if r.context is not None else None
    if letters is None or key.base in REFUSED or not g.items or g.opener != "(":
        return None
    if key.base in letters:
        return _of_numbers(r, key, scripts, g, start)
    return _of_names(r, key, scripts, g, start, after)


def _of_numbers(r: LatexReader, key: Key, scripts: Scripts, g: Group, start: int) -> Value | None:
    """`g(z)`, entry by entry, and `g'(z)`."""
    if len(split_arguments(g.items)) != 1 or scripts.primes > 1 or (scripts.sub is not None and label_text(scripts.sub) is None):
        return None
    name = key.labelled(label_text(scripts.sub) or "").identifier if scripts.sub is not None else key.identifier
    x = read_all(r, Cursor(g.items, g.items[0].start, g.items[-1].stop))
    node = smooth(name, x.node, scripts.primes)
    r.places.setdefault(node, (start, g.stop))
    r.assumptions.setdefault(f"{name}(", f"{name} is any smooth function of numbers, as nothing defines it")
    r.undefined[name] = key.base
    return apply_raised(r, Value(node, x.kind, start, g.stop), scripts.raised, 0, g.stop)


def smooth(name: str, x: Node, order: int = 0) -> Node:
    """A smooth function with values between 0 and 1 that belongs to a name, or its derivative."""
    seed = sum(ord(c) * 31**k for k, c in enumerate(name)) % 997
    a, b, c, d = (f"{1 + (seed * m % 89) / 100:.2f}" for m in (1, 7, 13, 29))
    inner = f"sin({a}*x + {b}) + 0.7*{c}*x - 0.5*{d}"
    if not order:
        return build(f"sigmoid({inner})", {"x": x})
    return build(f"sigmoid({inner})*(1 - sigmoid({inner}))*({a}*cos({a}*x + {b}) + 0.7*{c})", {"x": x})


def _of_names(r: LatexReader, key: Key, scripts: Scripts, g: Group, start: int, after: Item | None) -> Value | None:
    r"""`h_\theta(x)`, `R(W)`, `f(x_i; W)_j`: a value that depends on what is named."""
    label = label_text(scripts.sub) if scripts.sub is not None else ""
    if scripts.primes or label is None or any(letter_of(p) in r.scope for p in split_indices(scripts.sub or ())):
        return None
    names: list[str] = []
    letters: list[list[Item]] = []
    for part in split_arguments(g.items):
        c = Cursor(part, g.start, g.stop)
        p = name_pattern(r, c) if part else None
        if p is None or not c.done or p.arguments is not None:
            return None
        below = split_indices(p.scripts.sub) if p.scripts.sub is not None else []
        for one in p.scripts.raised:
            if one.kind != "bracket" or not isinstance(one.items[0], Group):
                return None
            below.append(list(one.items[0].items))
        letters += [q for q in below if letter_of(q) in r.scope and letter_of(q) not in [letter_of(x) for x in letters]]
        names.append(p.key.identifier)
    own = split_indices(content(after)) if after is not None else []
    own = own if all(is_index_part(r, q) for q in own) else []
    full = key.labelled(label) if label else key
    if {full.identifier, key.identifier} & r.elsewhere:
        return None
    found = r.known(full, start, g.stop)
    if found:
        x = r.value_of_name(found, start, g.stop)
    elif r.guessing:
        x = r.assume(full, len(letters) + len(own), start, g.stop, why=UNDEFINED)
    else:
        return None
    on = [*names, *([label] if label else [])]
    r.applied.setdefault(x.named or full.identifier, set()).update(on)
    if letters:
        colon = [Token("char", ":", start, start)]
        x = entry(r, x, [*letters, *[colon] * (x.node.rank - len(letters))], g.stop)  # type: ignore[list-item]
        x = Value(x.node, "column" if x.node.rank == 1 else x.kind, start, g.stop)
    return apply_raised(r, x, scripts.raised, 0, g.stop)
