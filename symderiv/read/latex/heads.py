r"""How derivatives are written, before anything is understood: `\frac{\partial L}{\partial w}`, `dL/dw`, `\nabla_w`; names with arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .lookup import name_key
from .naming import Key, label_text
from .scripts import Scripts, content, read_scripts
from .tree import Cursor, Group, Item, Token, is_char, is_macro, letter_run

if TYPE_CHECKING:
    from .reader import LatexReader


@dataclass
class Head:
    """A derivative as it stands: the items above (None for an operator), the variables below with how often each, the order."""

    top: list[Item] | None
    variables: list[tuple[list[Item], int]]
    order: int
    start: int
    stop: int
    sign: str = "partial"


def differential(r: LatexReader, items: Sequence[Item]) -> tuple[str, int, list[Item]] | None:
    r"""The sign (`partial`, `d`, `delta`), the order and what follows, where the items begin with a differential."""
    if not items:
        return None
    first = items[0]
    used = 1
    if is_macro(first, "partial"):
        sign = "partial"
    elif is_char(first, "d"):
        sign = "d"
    elif (
        is_macro(first, "mathrm", "text", "textrm", "operatorname", "mathsf")
        and len(items) > 1
        and label_text(content(items[1])) == "d"
    ):
        sign, used = "d", 2
    elif is_macro(first, "delta") and not is_known(r, Key("delta")):
        sign = "delta"
    else:
        return None
    order = 1
    if len(items) > used + 1 and isinstance(items[used], Token) and items[used].kind == "sup":  # type: ignore[union-attr]
        power = content(items[used + 1])
        if len(power) != 1 or not isinstance(power[0], Token) or not power[0].text.isdigit():
            return None
        order = int(power[0].text)
        used += 2
    return sign, order, list(items[used:])


def is_known(r: LatexReader, key: Key) -> bool:
    name = r.known(key, 0, 1)
    return r.is_defined(key) or (bool(name) and (name not in r.guessed or name in r.families))


def head_of(r: LatexReader, top: Sequence[Item], bottom: Sequence[Item], start: int, stop: int) -> Head | None:
    """The derivative that a fraction is, or None.

    Raises:
        InputError: SD133 where `d` is a variable, SD135 for a half of a derivative.
    """
    above, below = differential(r, top), differential(r, bottom)
    if above is None or below is None or above[0] != below[0]:
        if (above and above[0] == "partial") or (below and below[0] == "partial"):
            what = f"`{r.text(start, stop)}` is half of a derivative"
            raise r.error(what, start, stop, "SD135", r"write \partial above and below the line")
        return None
    sign = above[0]
    if sign == "d" and (r.is_defined(Key("d")) or "d" in r.declared.vars):
        what = f"`{r.text(start, stop)}`: a derivative, or a quotient of products with the declared d?"
        raise r.error(what, start, stop, "SD133", r"write \frac{\mathrm{d} y}{\mathrm{d} x}, or rename d")
    if sign == "delta":
        r.assumptions.setdefault("delta/delta", "δ above and below a line is a derivative")
    variables = _variables(r, list(bottom), sign, start, stop)
    order = sum(n for _, n in variables)
    if above[1] == 1 and order == 2 and len(variables) == 1 and is_macro(variables[0][0][0], "sigma", "tau", "omega"):
        variables, order = [(list(below[2]), 1)], 1  # by the variance σ², which is a variable of its own
    if above[1] != order:
        what = f"`{r.text(start, stop)}`: the order is {above[1]} above and {order} below the line"
        raise r.error(what, start, stop, "SD135")
    return Head(above[2] or None, variables, order, start, stop, sign)


def _variables(r: LatexReader, items: list[Item], sign: str, start: int, stop: int) -> list[tuple[list[Item], int]]:
    """`∂x_i ∂x_j`, `∂x²`."""
    out: list[tuple[list[Item], int]] = []
    while items:
        found = differential(r, items)
        if found is None or found[0] != sign:
            raise r.error(f"`{r.text(start, stop)}`: the variables below the line are not read", start, stop, "SD135")
        rest = found[2]
        cut = next((k for k in range(1, len(rest)) if _begins_next(r, rest, k, sign)), len(rest))
        name, items = rest[:cut], rest[cut:]
        if not name:
            raise r.error(f"`{r.text(start, stop)}` has no variable below the line", start, stop, "SD135")
        count = found[1]
        if len(name) >= 3 and isinstance(name[-2], Token) and name[-2].kind == "sup":
            power = content(name[-1])
            squared = label_text(name[:1]) is not None and _is_square(r, name)
            if len(power) == 1 and isinstance(power[0], Token) and power[0].text.isdigit() and not squared:
                if int(power[0].text) > 4:
                    raise r.error("the order is at most 4", start, stop, "SD135")
                count, name = int(power[0].text), name[:-2]
        out.append((name, count))
    return out


def _is_square(r: LatexReader, name: list[Item]) -> bool:
    r"""Whether `\sigma^2` below the line is a declared name."""
    key = Key(name[0].text) if isinstance(name[0], Token) else None
    return key is not None and len(name) == 3 and key.labelled(label_text(content(name[2])) or "").identifier in r.squares


def _begins_next(r: LatexReader, items: list[Item], k: int, sign: str) -> bool:
    if sign == "d":
        before = items[k - 1]
        return is_char(items[k], "d") and not (isinstance(before, Token) and before.kind in ("sub", "sup"))
    return is_macro(items[k], sign)


@dataclass
class Pattern:
    """A name with its scripts and perhaps arguments in brackets: `L`, `p_i`, `J(\\theta)`, `W^{(2)}`."""

    key: Key
    scripts: Scripts
    arguments: Group | None
    start: int
    stop: int


def name_pattern(r: LatexReader, c: Cursor) -> Pattern | None:
    """The name that begins here, consumed; None where something else does."""

    begin, start = c.at, c.place
    run = letter_run(c)
    if len(run) > 1 and not any(is_known(r, Key(t.text)) or t.text in r.scope for t in run):
        c.at += len(run)
        word, labelled = Key("".join(t.text for t in run)), Key(run[0].text).labelled("".join(t.text for t in run[1:]))
        li = not is_known(r, word) and is_known(r, labelled)  # Li of a text that defines L_i
        key: Key | None = labelled if li else word
    else:
        item = c.peek()
        if isinstance(item, Group) and item.opener == "brace" and len(item.items) > 1:
            inner = Cursor(item.items, item.start, item.stop)
            found = name_pattern(r, inner)
            if found is not None and inner.done and not (isinstance(c.peek(1), Token) and c.peek(1).kind in ("sub", "sup")):  # type: ignore[union-attr]
                c.next()
                return replace(found, start=item.start, stop=item.stop)
        key = _in_brackets(r, c) or name_key(r, c)
    if key is None:
        c.at = begin
        return None
    scripts = read_scripts(r, c)
    following = c.peek()
    arguments = None
    if isinstance(following, Group) and following.opener == "(":
        arguments = following
        c.next()
    return Pattern(key, scripts, arguments, start, c.last)


def _in_brackets(r: LatexReader, c: Cursor) -> Key | None:
    """The name of `(W_1)_{ij}`, whose brackets hold a label together with its letter; None, with nothing consumed, for anything else."""
    g, after = c.peek(), c.peek(1)
    if not (isinstance(g, Group) and g.opener == "(" and isinstance(after, Token) and after.kind == "sub" and len(g.items) > 1):
        return None
    inner = Cursor(g.items, g.start, g.stop)
    found = name_pattern(r, inner)
    if found is None or not inner.done or found.arguments is not None or found.scripts.raised or found.scripts.primes:
        return None
    label = label_text(found.scripts.sub) if found.scripts.sub is not None else None
    if label is None or not label.isalnum() or (label.isalpha() and len(label) == 1):
        return None  # a letter may be an index
    c.next()
    return found.key.labelled(label)


def is_plain_unknown(r: LatexReader, p: Pattern) -> bool:
    """Whether the pattern is a name of which nothing says what it is; `e^x` and `u^2` are expressions."""
    if any(one.kind not in ("bracket", "star") for one in p.scripts.raised) or p.scripts.primes or p.key in (Key("pi"), Key("I")):
        return False
    if p.arguments is not None and r.context is not None and p.key.base in (r.context.undefined or ()):
        return False  # g(z) of a function of numbers that nothing defines is an expression
    full = p.key.labelled(label_text(p.scripts.sub) or "") if p.scripts.sub is not None else p.key
    bracket = p.scripts.raised[0].items[0] if p.scripts.raised and p.scripts.raised[0].kind == "bracket" else None
    label = label_text(bracket.items) if isinstance(bracket, Group) else None
    keys = {p.key, full, p.key.labelled(label) if label else p.key}
    return not any(is_known(r, k) for k in keys) and p.key.base not in r.scope


def is_computed(g: Group) -> bool:
    """Whether the arguments are computed, `L(2w)`, `L(w + v)`, rather than named."""
    return any(
        is_char(i, "+", "-", "*", "/") or is_macro(i, "frac", "cdot") or (isinstance(i, Token) and i.kind == "number")
        for i in g.items
    )


def is_application(r: LatexReader, p: Pattern) -> bool:
    """`σ(z)` is an expression, `J(θ)` a name."""
    if p.arguments is None:
        return False
    if p.key == Key("sigma") or p.key.base in r.functions or ("\\" + p.key.base) in r.functions:
        return True
    from .calls import is_function_word

    return len(p.key.base) > 1 and is_function_word(r, p.key.base, "operatorname")


def _inline_cut(r: LatexReader, c: Cursor, at: int) -> tuple[int, int] | None:
    """Places of `/` and of the end in `∂L/∂w`."""
    slash = None
    for k in range(at, len(c.items)):
        item = c.items[k]
        if is_char(item, "/"):
            slash = k
            break
        if is_char(item, "+", "-", "=", "*", ",") or is_macro(item, "cdot", "frac"):
            return None
    if slash is None or slash + 1 >= len(c.items):
        return None
    below = Cursor(c.items[slash + 1 :], 0, 0)
    found = differential(r, below.items)
    if found is None:
        return None
    begin = len(below.items) - len(found[2])
    below.at = begin
    item = below.peek()  # type: ignore[assignment]

    run = letter_run(below)
    if not run and not isinstance(item, Group) and not is_macro(item):
        return None
    if name_key(r, below) is None:
        return None
    read_scripts(r, below)
    return slash, slash + 1 + below.at


def is_inline(r: LatexReader, c: Cursor, whole: bool = False) -> bool:
    """Whether `∂L/∂w` or `dL/dw` begins here; after the letter d has been consumed unless `whole`."""
    at = c.at if whole else c.at - 1
    return (not is_known(r, Key("d")) and _inline_cut(r, c, at) is not None) or (whole and _inline_cut(r, c, at) is not None)


def inline_head(r: LatexReader, c: Cursor, at: int) -> Head | None:
    """`∂L/∂w`, consumed; None for anything else."""
    cut = _inline_cut(r, c, at)
    if cut is None:
        return None
    slash, end = cut
    top, bottom = c.items[at:slash], c.items[slash + 1 : end]
    head = head_of(r, top, bottom, c.items[at].start, c.items[end - 1].stop)
    if head is not None:
        c.at = end
    return head


def nabla_head(r: LatexReader, c: Cursor) -> tuple[list[Item] | None, int, int]:
    """What stands at a nabla that was consumed: the variable, the order, the start."""
    item = c.items[c.at - 1]
    scripts = read_scripts(r, c)
    order = 1
    for one in scripts.raised:
        text = label_text(one.items)
        if one.kind != "power" or text not in ("2",):
            raise r.error(f"`{r.text(item.start, c.last)}` is not read", item.start, c.last, "SD135")
        order = 2
    return (list(scripts.sub) if scripts.sub is not None else None), order, item.start
