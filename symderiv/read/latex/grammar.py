r"""The levels of an expression, weakest first: sums, elementwise products, juxtaposed products, factors with scripts.

A sum sign takes the product that follows it; a function without brackets takes one factor. What the kinds of the operands
(scalar, column, row, matrix) do not decide is an error, never a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...expr.nodes import Num
from .tree import Cursor, Environment, Group, Item, Token, is_char, is_macro, plain_text
from .values import Value, add, divide, elementwise, multiply

if TYPE_CHECKING:
    from .reader import LatexReader

RELATIONS = {
    "=": "eq", "<": "lt", ">": "gt", "le": "le", "leq": "le", "leqslant": "le", "ge": "ge", "geq": "ge", "geqslant": "ge", "ne": "ne",
    "neq": "ne", "lt": "lt", "gt": "gt",
}  # fmt: skip
OTHER_RELATIONS = frozenset({
    "leftarrow", "gets", "to", "rightarrow", "Rightarrow", "implies", "Longrightarrow", "longrightarrow", "iff", "Leftrightarrow", "equiv",
    "approx", "sim", "simeq", "propto", "triangleq", "coloneqq", "coloneq", "doteq", "stackrel", "overset", "in", "notin", "subset", "mapsto",
    "quad", "qquad", "mid", "forall", "exists", "cong", "ll", "gg", "perp", "parallel", "therefore", "because", "Leftarrow", "impliedby",
})  # fmt: skip
ELEMENTWISE = {"odot": "odot", "circ": "odot", "oslash": "oslash", "otimes": "otimes"}
_SIGNS = {"cdot": "cdot", "times": "times", "cdotp": "cdot", "bullet": "cdot"}
_TEXT = frozenset({"text", "textrm", "textit", "mbox", "intertext", "textbf", "textsf"})


def is_relation(item: Item | None) -> bool:
    return (isinstance(item, Token) and item.kind in ("char", "macro") and item.text in RELATIONS) or is_macro(
        item, *OTHER_RELATIONS
    )


def ends(c: Cursor) -> bool:
    """Whether the expression is over here."""
    item = c.peek()
    if item is None or is_relation(item):
        return True
    if isinstance(item, Token) and item.kind in ("amp", "newline", "math"):
        return True
    if is_char(item, ",", ";", ":", ".", "!"):
        return True
    if c.bars and bar_here(c) == c.bars[-1]:
        return True
    return is_macro(item, *_TEXT) and is_words(c.peek(1))


def is_words(item: Item | None) -> bool:
    """Whether the argument of `\\text` is words rather than a name."""
    if not isinstance(item, Group):
        return False
    text = plain_text(item.items).strip(" .,;:")
    return (
        text in ("if", "where", "otherwise", "else", "for", "when", "and", "with", "so", "or", "then", "s.t", "subject to")
        or " " in text
    )


def bar_of(item: Item | None) -> str:
    """`|` or `||`; "" for anything else."""
    if is_char(item, "|") or is_macro(item, "vert"):
        return "|"
    return "||" if is_macro(item, "|", "Vert") else ""


def bar_here(c: Cursor) -> str:
    """The bar at the cursor; two single ones that touch are a double one where a double one can stand."""
    bar, item, after = bar_of(c.peek()), c.peek(), c.peek(1)
    if (
        bar == "|"
        and is_char(item, "|")
        and is_char(after, "|")
        and item is not None
        and after is not None
        and item.stop == after.start
        and (not c.bars or c.bars[-1] == "||")
    ):  # type: ignore[union-attr]
        return "||"
    return bar


def read_all(r: LatexReader, c: Cursor) -> Value:
    """The whole of a level as one expression.

    Raises:
        InputError: SD130 for what is left over.
    """
    x = read_sum(r, c)
    item = c.peek()
    if item is not None:
        raise unexpected(r, c)
    return x


def unexpected(r: LatexReader, c: Cursor):
    item = c.peek()
    assert item is not None
    shown = r.text(item.start, item.stop, 20)
    if is_relation(item):
        return r.error(
            f"`{shown}` cannot stand here",
            item.start,
            item.stop,
            "SD135",
            r"a condition with a value of 0 or 1 is \mathbb{1}[x > 0]",
        )
    return r.error(f"`{shown}` cannot stand here", item.start, item.stop, "SD130")


def read_sum(r: LatexReader, c: Cursor) -> Value:
    """`a - b + c`."""
    terms: list[tuple[int, Value]] = []
    while True:
        r.clock.tick(c.place)
        sign, signed = 1, bool(not terms)
        while is_char(c.peek(), "+", "-") or is_macro(c.peek(), "pm", "mp"):
            item = c.next()
            assert isinstance(item, Token)
            if item.kind == "macro":
                raise r.error(
                    f"`\\{item.text}` stands for two expressions", item.start, item.stop, "SD135", "write the two apart"
                )
            sign = -sign if item.text == "-" else sign
            signed = True
        if not signed:
            break
        terms.append((sign, read_term(r, c)))
        if not (is_char(c.peek(), "+", "-") or is_macro(c.peek(), "pm", "mp")):
            break
    return add(r, terms)


def read_term(r: LatexReader, c: Cursor) -> Value:
    r"""`a \odot b \oslash c`."""
    x = read_product(r, c)
    seen = ""
    while is_macro(c.peek(), *ELEMENTWISE):
        item = c.next()
        assert isinstance(item, Token)
        sign = ELEMENTWISE[item.text]
        if seen and "otimes" in (seen, sign) and seen != sign:
            raise r.error(r"`\otimes` beside `\odot` needs brackets", x.start, item.stop, "SD132")
        seen = sign
        x = elementwise(r, sign, x, read_product(r, c))
    return x


def product_ends(c: Cursor) -> bool:
    return ends(c) or is_char(c.peek(), "+", "-") or is_macro(c.peek(), *ELEMENTWISE) or is_macro(c.peek(), "pm", "mp")


def read_product(r: LatexReader, c: Cursor) -> Value:
    """Factors side by side or with a sign between them.

    Raises:
        InputError: SD130 where a factor is missing, SD132 for `a / b c`.
    """
    from .atoms import read_factor

    if product_ends(c):
        raise missing(r, c)
    factors: list[tuple[str, Value]] = [("", read_factor(r, c))]
    while not product_ends(c):
        r.clock.tick(c.place)
        item = c.peek()
        if is_char(item, "/"):
            c.next()
            factors = [("", _quotient(r, c, factors))]
            continue
        sign = ""
        if is_macro(item, *_SIGNS) or is_char(item, "*") or is_macro(item, "ast"):
            assert isinstance(item, Token)
            c.next()
            sign = _SIGNS.get(item.text, "*")
            factors.append((sign, _signed_factor(r, c)))
            continue
        factors.append((sign, read_factor(r, c)))
    return multiply(r, factors) if len(factors) > 1 else factors[0][1]


def _signed_factor(r: LatexReader, c: Cursor) -> Value:
    r"""A factor after `\cdot`, which may have a sign of its own: `\cdot -1`."""
    from .atoms import read_factor

    sign = 1
    while is_char(c.peek(), "+", "-"):
        sign = -sign if is_char(c.next(), "-") else sign
    if product_ends(c):
        raise missing(r, c)
    return add(r, [(sign, read_factor(r, c))])


def _quotient(r: LatexReader, c: Cursor, factors: list[tuple[str, Value]]) -> Value:
    """`a b / c`; what follows `c` without a sign would be above or below the line, so it is told."""
    from .atoms import read_factor

    if product_ends(c):
        raise missing(r, c)
    numerator = multiply(r, factors) if len(factors) > 1 else factors[0][1]
    denominator = _signed_factor(r, c) if is_char(c.peek(), "+", "-") else read_factor(r, c)
    x = divide(r, numerator, denominator, numerator.start, denominator.stop)
    following = c.peek()
    glued = not product_ends(c) and not is_char(following, "/", "*") and not is_macro(following, *_SIGNS)
    numbers = isinstance(numerator.node, Num) and isinstance(denominator.node, Num) and following is not None and following.spaced
    if glued and not (numbers or (isinstance(numerator.node, Num) and is_macro(following, "sum", "prod"))):
        assert following is not None
        what = f"`{r.text(numerator.start, following.stop)}`: is what follows the fraction above or below the line?"
        raise r.error(what, numerator.start, following.stop, "SD132", r"write \frac{...}{...}, or brackets")
    return x


def missing(r: LatexReader, c: Cursor):
    """SD130: an operand is missing."""
    item = c.peek()
    if item is None:
        if not c.items:
            return r.error("there is nothing here to read", c.start, c.end, "SD130")
        return r.error(
            f"something is missing after `{r.text(c.items[-1].start, c.items[-1].stop, 20)}`", c.last - 1, c.last, "SD130"
        )
    shown = r.text(item.start, item.stop, 20)
    hint = r"an inner product is written with \langle and \rangle" if is_char(item, "<") else ""
    return r.error(f"an operand is missing before `{shown}`", item.start, item.stop, "SD130", hint)


def group_cursor(g: Group | Environment) -> Cursor:
    """A cursor over what a bracket holds."""
    inner = g.items
    return Cursor(inner, inner[0].start if inner else g.start, inner[-1].stop if inner else g.stop)
