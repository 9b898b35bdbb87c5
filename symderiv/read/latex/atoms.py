r"""One factor: a number, a name, a bracket, a fraction, a root, a norm, a function, a sum, with its scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...expr.nodes import Num
from ..numbers import literal
from . import bigops, calculus, calls, environments
from .conditions import has_relation, indicator
from .grammar import bar_here, bar_of, group_cursor, missing, product_ends, read_all, read_sum
from .lookup import apply_raised, name_key, read_named, scripts_on_value
from .naming import Key, label_text
from .scripts import Scripts, content, read_scripts
from .sets import is_set, letter_of_set, size_of_set
from .tree import Cursor, Environment, Group, Token, is_char, is_macro, letter_run
from .values import Value, value_of

CARDINALITY = "|set|"
ENTRIES_IN_BARS = "|x| of a vector is the absolute value of every entry, as norms have double bars here"

if TYPE_CHECKING:
    from .reader import LatexReader


def read_factor(r: LatexReader, c: Cursor) -> Value:
    """The next factor.

    Raises:
        InputError: SD131 for a command that is not known, SD135 for what is known and not read.
    """
    r.clock.tick(c.place)
    item = c.peek()
    if isinstance(item, Group):
        return _group(r, c, item)
    if isinstance(item, Environment):
        c.next()
        return scripts_on_value(r, c, environments.read_environment(r, item))
    if item is None:
        raise missing(r, c)
    if item.kind == "number":
        return _number(r, c, item)
    if bar_of(item):
        return scripts_on_norm(r, c, _bars(r, c, bar_here(c)))
    if item.kind in ("sup", "sub", "prime"):
        raise r.error(f"`{item.text}` follows nothing", item.start, item.stop, "SD130", "put braces or a name before it")
    if item.kind == "char" and item.text.isalpha():
        return _letter(r, c, item)
    if item.kind == "macro":
        from .commands import read_command

        return read_command(r, c, item)
    raise r.error(f"`{item.shown}` cannot stand here", item.start, item.stop, "SD130")


def _number(r: LatexReader, c: Cursor, item: Token) -> Value:
    c.next()
    following = c.peek()
    if item.text == "1" and isinstance(following, Group) and has_relation(following.items):
        c.next()
        return scripts_on_value(r, c, indicator(r, following, item.start))
    if item.text == "11" and isinstance(following, Token) and following.kind == "sup":  # 11^T
        c.at -= 1
        c.split_number()
        c.next()
        one = Value(Num(1), "scalar", item.start, item.start + 1, literal=True)
        return r.ones(one)
    value = Num(literal(item.text, r.span(item.start, item.stop)))
    x = value_of(value, item.start, item.stop, literal=item.text == "1")
    if isinstance(following, Token) and following.kind == "sub":
        raise r.error(f"the number {item.text} has a subscript", item.start, following.stop, "SD135")
    return scripts_on_value(r, c, x)


def _letter(r: LatexReader, c: Cursor, item: Token) -> Value:
    """A letter, or letters that spell a declared name or a function: `std`, `log`, `max`."""
    run = letter_run(c)
    word = "".join(t.text for t in run)
    if len(run) > 1:
        single = all(r.known(Key(t.text), t.start, t.stop) or r.is_defined(Key(t.text)) or t.text in r.scope for t in run)
        declared = Key(word)
        if word in r.table.names or r.is_defined(declared):
            if single:
                what = f"`{word}` can be the name `{word}` or the product of its letters"
                raise r.error(what, item.start, run[-1].stop, "SD133", rf"write \mathrm{{{word}}}, or blanks between the letters")
            c.at += len(run)
            return named(r, c, declared, item.start, item)
        labelled = Key(run[0].text).labelled(word[1:])
        if len(run) == 2 and not single and r.is_defined(labelled):
            c.at += len(run)
            return named(r, c, labelled, item.start, item)  # Li of a text that defines L_i
        after = c.peek(len(run))
        if calls.is_function_word(r, word) and (isinstance(after, (Group, Token)) and not is_char(after, "=", ",")):
            if single:
                what = f"`{word}` can be the function or the product of its letters"
                raise r.error(
                    what,
                    item.start,
                    run[-1].stop,
                    "SD133",
                    rf"write \{word}" if len(word) < 5 else rf"write \operatorname{{{word}}}",
                )
            c.at += len(run)
            return calls.read_function(r, c, word, item.start)
    key = name_key(r, c)
    assert key is not None
    return named(r, c, key, item.start, item)


def named(r: LatexReader, c: Cursor, key: Key, start: int, anchor: object) -> Value:
    """A name with its scripts, or the function of this name applied to the bracket that follows."""
    if key == Key("d") and calculus.is_inline(r, c):
        return calculus.read_inline(r, c, start)
    if key == Key("d") and calculus.is_differential(r, c, anchor):
        return calculus.read_differential(r, c, start)
    scripts = read_scripts(r, c)
    scripts.anchor = anchor
    following = c.peek()
    if isinstance(following, Group) and (
        following.opener in ("(", "[") or (following.opener == "{" and has_relation(following.items))
    ):
        found = calls.apply_named(r, c, key, scripts, following, start)
        if found is not None:
            return scripts_on_value(r, c, found)
    return read_named(r, key, scripts, start)


def _group(r: LatexReader, c: Cursor, g: Group) -> Value:
    if g.opener == "brace":
        key = name_key(r, c)
        if key is not None:
            return named(r, c, key, g.start, g)
        c.next()
        if not g.items:
            if product_ends(c):
                raise r.error("empty braces", g.start, g.stop, "SD130")
            return read_factor(r, c)
        return braced(r, c, g)
    c.next()
    if g.opener in ("|", "||") and g.closer == g.opener:
        return scripts_on_norm(r, c, (g.opener, read_all(r, group_cursor(g)), g.start, g.stop))
    if g.opener == "<" and g.closer == ">":
        x = _inner_product(r, g)
        if is_sub(c) and is_char(content_of_next(c), "F"):
            c.at += 2  # ⟨A, B⟩_F
        return scripts_on_value(r, c, x)
    if g.opener == "{" and g.closer == "" and len(g.items) == 1 and isinstance(g.items[0], Environment):
        return scripts_on_value(r, c, environments.read_cases(r, g.items[0]))
    if (g.opener, g.closer) not in (("(", ")"), ("[", "]"), ("{", "}")):
        shown = f"{g.opener or '.'} … {g.closer or '.'}"
        raise r.error(f"the brackets `{shown}` are not read", g.start, g.stop, "SD135")
    if has_relation(g.items):
        hint = r"an indicator is \mathbb{1}[x > 0]; [x > 0] alone is not read"
        raise r.error("a bracket with a condition", g.start, g.stop, "SD135", hint)
    if g.opener == "[" and is_sub(c):
        found = bigops.array_of_entries(r, c, g)
        if found is not None:
            return scripts_on_value(r, c, found)
    x = replace(read_all(r, group_cursor(g)), start=g.start, stop=g.stop, literal=False)
    if is_sub(c) and is_char(content_of_next(c), "+"):
        c.at += 2
        node = r.make("maximum", Num(0), x.node, start=g.start, stop=c.last)
        return scripts_on_value(r, c, Value(node, x.kind, g.start, c.last))
    return scripts_on_value(r, c, x)


def is_sub(c: Cursor) -> bool:
    item = c.peek()
    return isinstance(item, Token) and item.kind == "sub"


def content_of_next(c: Cursor):
    """The single item of the subscript that follows."""
    item = c.peek(1)
    inner = content(item) if item is not None else ()
    return inner[0] if len(inner) == 1 else None


def braced(r: LatexReader, c: Cursor, g: Group) -> Value:
    """`{a + b}`: TeX's braces show nothing, so a sum in them cannot be a factor."""
    inner = group_cursor(g)
    x = read_sum(r, inner)
    if not inner.done:
        raise r.error(f"`{r.text(inner.place, inner.place + 10)}` cannot stand here", inner.place, inner.place + 1, "SD130")
    loose = any(is_char(i, "+", "-") for i in g.items)
    before, after = c.peek(-2), c.peek()
    scripted = isinstance(after, Token) and after.kind in ("sup", "sub", "prime")
    if loose and (scripted or not product_ends(c) or not (before is None or is_char(before, "+"))):
        what = f"`{r.text(g.start, g.stop)}`: the braces are not shown, so it reads as a sum without brackets"
        raise r.error(what, g.start, g.stop, "SD132", r"write \left( … \right)")
    return scripts_on_value(r, c, replace(x, start=g.start, stop=g.stop))


def _bars(r: LatexReader, c: Cursor, bar: str) -> tuple[str, Value, int, int]:
    """`|x|` and `\\|x\\|`: a bar where an operand is due opens."""
    opening = c.peek()
    assert opening is not None
    _skip_bar(c, bar)
    size = _cardinality(r, c, bar)
    if size is not None:
        return bar, size, opening.start, c.last
    c.bars.append(bar)
    x = read_sum(r, c)
    if bar_here(c) != bar:
        raise r.error(f"`{bar.replace('||', chr(92) + '|')}` is never closed", opening.start, opening.stop, "SD130")
    c.bars.pop()
    _skip_bar(c, bar)
    return bar, x, opening.start, c.last


def _cardinality(r: LatexReader, c: Cursor, bar: str) -> Value | None:
    """`|B|` of a set of indices, after the first bar."""
    begin = c.at
    while c.peek() is not None and not bar_of(c.peek()):
        c.next()
    name = letter_of_set(c.items[begin : c.at])
    if bar_here(c) != bar or not is_set(r, name):
        c.at = begin
        return None
    start, stop = c.items[begin].start, c.place
    _skip_bar(c, bar)
    return value_of(Num(size_of_set(r, name, start, stop)), start, stop, named=CARDINALITY)


def _skip_bar(c: Cursor, bar: str) -> None:
    c.at += 2 if bar == "||" and is_char(c.peek(), "|") else 1


def scripts_on_norm(r: LatexReader, c: Cursor, found: tuple[str, Value, int, int]) -> Value:
    r"""`|x|`, `|A|`, `\|x\|_1`, `\|A\|_F^2`."""
    bar, x, start, stop = found
    scripts = read_scripts(r, c)
    end = max(stop, scripts.stop)
    made = _absolute(r, x, start, stop, scripts) if bar == "|" else _norm(r, x, start, end, scripts)
    return apply_raised(r, made, scripts.raised, scripts.primes, end)


def _absolute(r: LatexReader, x: Value, start: int, stop: int, scripts: Scripts) -> Value:
    if x.named == CARDINALITY:
        return x
    if scripts.sub is not None:
        raise r.error("`|…|` has a subscript", start, scripts.stop, "SD135", r"a norm is \|x\|_1")
    if x.kind == "matrix":
        return Value(r.make("det", x.node, start=start, stop=stop, parts=(x,)), "scalar", start, stop)
    if x.is_array and r.context is not None and r.context.bars:
        r.assumptions.setdefault("bars", ENTRIES_IN_BARS)
        return Value(r.make("abs", x.node, start=start, stop=stop), x.kind, start, stop)
    if x.is_array:
        hint = r"write \|x\| for the norm, \operatorname{abs}(x) for the absolute value of every entry" + r.declare_hint(x.node)
        raise r.error(f"`{r.text(start, stop)}` of a vector: its norm, or of every entry?", start, stop, "SD133", hint)
    return Value(r.make("abs", x.node, start=start, stop=stop), "scalar", start, stop)


def _norm(r: LatexReader, x: Value, start: int, stop: int, scripts: Scripts) -> Value:
    label = "2" if scripts.sub is None else label_text(scripts.sub)
    if scripts.sub is not None and len(scripts.sub) == 1 and is_macro(scripts.sub[0], "infty"):
        label = "inf"
    if not x.is_array:
        if label in ("2", "1", "inf", "F"):
            return Value(r.make("abs", x.node, start=start, stop=stop), "scalar", start, stop)
    elif x.kind == "matrix":
        orders = {"F": 2, "star": "nuc", "nuc": "nuc"}
        if label in orders:
            return Value(r.make("norm", x.node, start=start, stop=stop, ord=orders[label]), "scalar", start, stop)
        hint = r"write \|A\|_F for the Frobenius norm, \|A\|_* for the nuclear norm"
        raise r.error(f"`{r.text(start, stop)}`: which norm of a matrix?", start, stop, "SD133", hint + r.declare_hint(x.node))
    elif label in ("2", "1", "inf", "F"):
        order = {"2": 2, "1": 1, "inf": "inf", "F": 2}[label]
        return Value(r.make("norm", x.node, start=start, stop=stop, ord=order), "scalar", start, stop)
    raise r.error(f"the norm `{r.text(start, stop)}` is not read", start, stop, "SD135", "the norms are 1, 2, ∞, F and *")


def _inner_product(r: LatexReader, g: Group) -> Value:
    """`⟨w, x⟩`, of matrices tr(AᵀB)."""
    inner = group_cursor(g)
    a = read_sum(r, inner)
    item = inner.next()
    if not (is_char(item, ",") or is_macro(item, "mid") or bar_of(item)):
        raise r.error("an inner product has two arguments", g.start, g.stop, "SD135", r"\langle w, x \rangle")
    b = read_sum(r, inner)
    if not inner.done:
        raise r.error("an inner product has two arguments", g.start, g.stop, "SD135")
    start, stop = g.start, g.stop
    if a.kind == b.kind == "matrix":
        product = r.make("matmul", r.make("T", a.node, start=a.start, stop=a.stop), b.node, start=start, stop=stop, parts=(a, b))
        return Value(r.make("trace", product, start=start, stop=stop), "scalar", start, stop)
    if a.is_array and b.is_array and a.node.rank == b.node.rank == 1:
        return Value(r.make("matmul", a.node, b.node, start=start, stop=stop, parts=(a, b)), "scalar", start, stop)
    if not a.is_array and not b.is_array:
        return Value(r.make("mul", a.node, b.node, start=start, stop=stop), "scalar", start, stop)
    raise r.error("the two sides of the inner product are of different kinds", start, stop, "SD132")
