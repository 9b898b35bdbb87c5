r"""Factors that begin with a command: fractions, roots, fonts, `\mathbf{1}`, functions by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import sympy
from sympy import Rational

from ...expr.nodes import Num
from ..names import function_names as language_functions
from ..names import nearest
from . import bigops, calculus, calls
from .atoms import braced, is_sub, named
from .conditions import has_relation, indicator
from .grammar import group_cursor, read_all
from .indices import is_index_part, position, read_index, split_indices
from .lookup import name_key, scripts_on_value
from .naming import ACCENTS, FONTS, GREEK, Key, label_text
from .raised import apply_raised
from .scripts import argument, content, read_scripts
from .tree import Cursor, Group, Token, is_macro
from .unknown import size_of_label
from .values import Value, divide, value_of

if TYPE_CHECKING:
    from .reader import LatexReader


def _fraction(r: LatexReader, c: Cursor, item: Token) -> Value:
    top, bottom = argument(r, c, "\\" + item.text), argument(r, c, "\\" + item.text)
    found = calculus.fraction(r, c, content(top), content(bottom), item.start)
    if found is not None:
        return found
    values = []
    for part in (top, bottom):
        items = content(part)
        if not items:
            raise r.error(f"`\\{item.text}` has an empty part", part.start, part.stop, "SD130")
        values.append(read_all(r, Cursor(items, items[0].start, items[-1].stop)))
    x = divide(r, values[0], values[1], item.start, bottom.stop)
    return scripts_on_value(r, c, replace(x, start=item.start, stop=bottom.stop, literal=False))


def _root(r: LatexReader, c: Cursor, item: Token) -> Value:
    order = None
    first = c.peek()
    if isinstance(first, Group) and first.opener == "[":
        c.next()
        order = read_all(r, group_cursor(first))
    inner = argument(r, c, "\\sqrt")
    items = content(inner)
    if not items:
        raise r.error("`\\sqrt` has nothing below it", item.start, inner.stop, "SD130")
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    start, stop = item.start, inner.stop
    if order is None or (isinstance(order.node, Num) and order.node.value == 2):
        node = r.make("sqrt", x.node, start=start, stop=stop)
    elif isinstance(order.node, Num) and order.node.value.is_Integer and order.node.value > 0:
        node = r.make("pow", x.node, Num(Rational(1, int(order.node.value))), start=start, stop=stop)
    else:
        raise r.error("the order of a root is a whole number", order.start, order.stop, "SD135", "write x^{1/p}")
    return scripts_on_value(r, c, Value(node, x.kind, start, stop))


def _infinity(r: LatexReader, c: Cursor, item: Token) -> Value:
    return value_of(Num(sympy.oo), item.start, item.stop)


def _binomial(r: LatexReader, c: Cursor, item: Token) -> Value:
    raise r.error(f"`\\{item.text}` is not read", item.start, item.stop, "SD135")


_COMMANDS: dict[str, Callable[[LatexReader, Cursor, Token], Value]] = {
    "frac": _fraction, "dfrac": _fraction, "tfrac": _fraction, "cfrac": _fraction, "sqrt": _root, "infty": _infinity,
    "binom": _binomial, "sum": bigops.read_big, "prod": bigops.read_big, "nabla": calculus.read_nabla, "partial": calculus.read_partial,
}  # fmt: skip


_BOLD = frozenset({"mathbf", "boldsymbol", "bm", "textbf", "pmb"})


_NOT_READ = frozenset({
    "int", "iint", "oint", "lim", "liminf", "limsup", "binom", "ldots", "cdots", "dots", "vdots", "ddots", "dotsc", "dotsb", "cup", "cap",
    "setminus", "emptyset", "Re", "Im", "arg", "gcd", "deg", "hom", "ker", "Pr", "inf", "sup", "underbrace", "overbrace", "overset",
    "underset", "xrightarrow", "substack", "bmod", "pmod", "mod", "top", "oplus", "ominus", "wedge", "vee", "star", "bigoplus", "bigotimes",
    "bigcup", "bigcap", "backslash", "overrightarrow", "not", "prime", "dag", "dagger", "perp", "angle", "hbar", "verb", "left", "right",
    "argmax", "argmin", "bigodot", "coprod", "pm", "mp", "div", "forall", "exists", "square", "triangle", "mathbin", "mathrel",
})  # fmt: skip


def read_command(r: LatexReader, c: Cursor, item: Token) -> Value:
    name = item.text
    if name in _COMMANDS:
        c.next()
        return _COMMANDS[name](r, c, item)
    if name in FONTS or name in ACCENTS or name in GREEK:
        return _font(r, c, item)
    if calls.is_function_macro(name):
        c.next()
        return calls.read_function(r, c, calls.MACROS[name], item.start)
    shown = f"`\\{name[:40]}`"
    if name in _NOT_READ:
        raise r.error(f"{shown} is not read", item.start, item.stop, "SD135")
    known = [*_COMMANDS, *calls.MACROS, *GREEK, *FONTS]
    raise r.error(f"{shown} is not a known command", item.start, item.stop, "SD131", nearest(name, known).replace("`", "\\", 0))


def _font(r: LatexReader, c: Cursor, item: Token) -> Value:
    r"""`\mathbf{w}`, `\mathrm{softmax}(x)`, `\mathbf 1`, `\hat{y}`, `\alpha`."""
    if item.text in FONTS:
        found = _one(r, c, item) or _word(r, c, item)
        if found is not None:
            return found
    if item.text.startswith("operatorname"):
        inner = c.peek(1)
        word = label_text(content(inner)) if inner is not None else None
        if word is None or (word not in r.table.names and not r.is_defined(Key(word))):
            stop = inner.stop if inner is not None else item.stop
            shown = f"`{r.text(item.start, stop)}`"
            raise r.error(
                f"{shown} is not a known function", item.start, stop, "SD131", nearest(word or "", language_functions())
            )
    key = name_key(r, c)
    if key == Key("e") and item.text in _BOLD and is_sub(c) and not r.known(key, item.start, c.last) and not r.is_defined(key):
        return _unit_vector(r, c, item)
    if key is not None:
        return named(r, c, key, item.start, item)
    c.next()
    inner = argument(r, c, "\\" + item.text)
    if item.text in ("mathbf", "boldsymbol", "bm", "mathrm", "mathit", "mathnormal", "boldsymbol") and isinstance(inner, Group):
        return braced(r, c, inner)  # \mathbf{w + x}
    what = f"`{r.text(item.start, inner.stop)}` is not read"
    raise r.error(what, item.start, inner.stop, "SD135")


def _unit_vector(r: LatexReader, c: Cursor, item: Token) -> Value:
    r"""`\mathbf{e}_k`: 1 at place k."""
    scripts = read_scripts(r, c)
    parts = split_indices(scripts.sub or ())
    if len(parts) != 1 or not is_index_part(r, parts[0]):
        raise r.error(f"`{r.text(item.start, c.last)}`: the subscript of a unit vector is an index", item.start, c.last, "SD133")
    place = position(r, read_index(r, parts[0], item.start, c.last))
    r.assumptions.setdefault("e_", "e_k in bold is the k-th unit vector")
    size = r.context_size(item, "e", item.start, c.last)
    x = Value(r.make("onehot", place, start=item.start, stop=c.last, k=size), "column", item.start, c.last)
    return apply_raised(r, x, scripts.raised, scripts.primes, c.last)


def _one(r: LatexReader, c: Cursor, item: Token) -> Value | None:
    r"""`\mathbf 1`, `\mathbb{1}_n`, `\mathbf 0`, `\mathbb 1[…]`, `\mathbf{1}_{x > 0}`; None for anything else."""
    inner = c.peek(1)
    items = content(inner) if inner is not None else ()
    while len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        items = items[0].items
    if len(items) == 2 and is_macro(items[0], *FONTS):
        items = items[1:]
    if len(items) == 2 and isinstance(items[0], Token) and items[0].text == "1" and isinstance(items[1], Group):
        c.at += 2
        return scripts_on_value(r, c, indicator(r, items[1], item.start))
    if len(items) != 1 or not isinstance(items[0], Token) or items[0].kind != "number" or items[0].text not in ("0", "1", "11"):
        return None
    c.at += 2
    stop = c.last
    digit = items[0].text
    following = c.peek()
    if digit == "1" and isinstance(following, Group) and has_relation(following.items):
        c.next()
        return scripts_on_value(r, c, indicator(r, following, item.start))
    if item.text in ("mathrm", "text", "textrm", "operatorname"):
        return scripts_on_value(r, c, value_of(Num(int(digit)), item.start, stop, literal=digit == "1"))
    word = "ones" if digit != "0" else "zeros"
    size = None
    if is_sub(c):
        below = c.peek(1)
        parts = content(below) if below is not None else ()
        if has_relation(tuple(parts)):
            c.at += 2
            return scripts_on_value(r, c, indicator(r, Group("[", "]", tuple(parts), item.start, c.last), item.start))
        if is_index_part(r, parts) or label_text(parts):
            c.at += 2
            size = size_of_label(r, split_indices(parts), item.start, c.last)
    if size is None:
        size = r.context_size(items[0], "1" if word == "ones" else "0", item.start, stop)
    x = Value(r.make(word, start=item.start, stop=c.last, shape=(size,)), "column", item.start, c.last)
    return scripts_on_value(r, c, x)


def _word(r: LatexReader, c: Cursor, item: Token) -> Value | None:
    r"""`\mathrm{softmax}(x)`, `\operatorname{tr}`; None for a name."""
    inner = c.peek(1)
    word = label_text(content(inner)) if inner is not None else None
    if inner is not None and word is None:
        items = content(inner)
        if all(isinstance(i, Token) and (i.text.isalnum() or is_macro(i, "_")) for i in items):
            word = "".join(i.text for i in items)  # type: ignore[union-attr]
    if not word or not calls.is_function_word(r, word, item.text):
        return None
    if word in r.table.names:
        after = c.peek(2)
        if isinstance(after, Group) and after.opener == "(":
            what = f"`{word}` is declared, and it is the name of a function"
            raise r.error(what, item.start, after.stop, "SD133", "rename the variable")
        return None
    c.at += 2
    return calls.read_function(r, c, word, item.start)
