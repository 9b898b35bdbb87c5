"""Reading a size as people write it: `(n, d)`, `n x d`, `n*d`, `d columns and n rows`, `\\mathbb{R}^{n \\times d}`, `same as X`.

    shape_of_text("(n, d)")                                   a shape as the keys write it
    read("n by d", {"X": "n, d"}, {"n", "d"}).shapes          every shape that the text may mean, the most literal one first

A text is brought to one alphabet (`_plain`), cut into tokens, freed of words that say nothing (`_tokens`), and parsed: axes are
separated by commas, `x` or `by`; a product is one axis, or stands for axes where nothing else separates them. Nothing is
evaluated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Integer, expand

from ...errors import InputError
from ...expr.sizes import size_symbol

Shape = tuple[Expr, ...]
SIGNS = {"×": " x ", "✕": " x ", "⨯": " x ", "⨉": " x ", "·": "*", "⋅": "*", "∗": "*", "•": "*", "−": "-", "–": "-", "’": "'",
         "⊤": ".T", "ᵀ": ".T", "ℝ": " REALS ", "{": "(", "}": ")", "[": "(", "]": ")", "⟨": "(", "⟩": ")", "<": "(", ">": ")",
         ";": ",", "$": " ", "`": " ", '"': " ", "“": " ", "”": " "}  # fmt: skip
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣᵈᵏᵐʰᵖʳ", "0123456789nxdkmhpr", strict=True))
NUMBERS = {w: str(k) for k, w in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)}
_SAYING_NOTHING = """
the a an is it its it's has have of with in for to my i think guess be should would and answer size sizes shape shaped dim dims
dimension dimensions dimensional axis axes vector vectors matrix tensor array ndarray row rows column columns length long entry
entries element elements component components numbers values layout numerator denominator jacobian gradient hessian derivative
reals each single just only same order rank
"""
NOTHING = frozenset(_SAYING_NOTHING.split())
SCALAR = frozenset(["scalar", "number", "value", "constant", "float", "real"])
KINDS = frozenset(["vector", "matrix", "tensor", "array"])
NO_AXES = re.compile(
    r"\(\s*\)|\(,\)|none|empty|reals|\b0\s*-?\s*d(im\w*)?|(no|zero|0)[ -]?(axes|axis|dim\w*|shape|size)|"
    r"(a )?(single|one|just a) (number|value)"
)
LAYOUT = re.compile(r"\b(numerator|denominator)\b")
ORDER = re.compile(  # `2d array`, `4-tensor`, `of order 3`, `fourth-order`: how many axes, not which
    r"\b(?:\d\s*-?\s*d(?:im\w*)?(?=\s+\w*(?:array|tensor|vector|matrix|of))|\d-(?=tensor)|(?:order|rank)\s+\d|"
    r"\w+(?:th|rd|nd|st)[ -]order)\b", re.IGNORECASE,
)  # fmt: skip
WRITE = "write the sizes of the axes, as in (n, d), n x d or scalar"


@dataclass(frozen=True)
class Reading:
    """What a text may mean.

    Attributes:
        shapes: the most literal one first; empty where it says no size.
        problem: why there are none, or a name that is no size here.
        layout: "numerator" or "denominator" where the text names one.
    """

    shapes: tuple[Shape, ...]
    problem: str = ""
    layout: str = ""


class Unreadable(Exception):
    """The text says no size; the message says what to write instead."""


# a shape as the keys write it -------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def shape_of_text(text: str) -> Shape:
    """`(n, d)`, `()`, `(n*d + 1,)` as a shape.

    Raises:
        InputError: SD144 for anything else.
    """
    try:
        inner = text.strip().removeprefix("(").removesuffix(")")
        return tuple(_Parser(_cut(p), None).single() for p in inner.split(",") if p.strip())
    except Unreadable as error:
        raise InputError(f"`{text}` is not a shape: {error}", code="SD144") from None


def show(shape: Shape) -> str:
    """A shape as the keys write it."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


# what a person writes ---------------------------------------------------------------------------------------------------------
def read(text: str, variables: Mapping[str, str], known: set[str]) -> Reading:
    """The shapes that a text may mean.

    Args:
        variables: declarations that may be named, as in `same as X`.
        known: the names of sizes of the question.
    """
    try:
        plain = _plain(text)
    except Unreadable as error:
        return Reading((), str(error))
    named = LAYOUT.search(plain.lower())
    layout = named.group(1) if named else ""
    try:
        shapes = tuple(dict.fromkeys(_shapes(plain, variables, known)))
    except Unreadable as error:
        return Reading((), str(error), layout)
    return Reading(shapes, "", layout)


def _plain(text: str) -> str:
    """One alphabet: no LaTeX, no raised letters, one kind of bracket."""
    text = re.sub(f"[{''.join(RAISED)}]+", lambda m: "^(" + "".join(RAISED[c] for c in m.group()) + ")", text)
    text = re.sub(r"\\mathbb\s*\{?\s*R\s*\}?|\\R\b|\\Reals?\b", " REALS ", text)
    text = re.sub(r"\\(?:text|mathrm|mathbf|operatorname)\s*", " ", text)
    text = re.sub(r"\\times\b", " x ", re.sub(r"\\cdot\b", "*", re.sub(r"\\top\b", "T", text)))
    text = re.sub(r"\\(?:left|right|quad|qquad|[,;:!()\[\] ])", " ", text)
    text = "".join(SIGNS.get(c, c) for c in text)
    text = unicodedata.normalize("NFKC", text).strip().rstrip(".!?")
    text = re.sub(r"[∂d]\S*\s*/\s*[∂d]\w*", " ", text)  # what is differentiated
    text = re.sub(r"^.*[:=]", " ", text)
    text = re.sub(r"\b(?:R|REALS)\s*\^|\b(?:torch|np|tf)\.\w+", " ", text)
    text = re.sub(r"(?<=[\w)])\s*[,;(]\s*(?:the )?same (?:\w+ )?as \w+\)?$", "", text)  # `n x d, same as X`
    if "\\" in text:
        raise Unreadable("write the sizes of the axes, as in (n, d) or n x d")
    return re.sub(r"\s+", " ", text).strip()


def _shapes(text: str, variables: Mapping[str, str], known: set[str]) -> Iterator[Shape]:
    low = text.lower()
    if NO_AXES.fullmatch(low):
        yield ()
        return
    if re.fullmatch(r"\(?1,?\)?", low):
        yield from ((), (Integer(1),))
        return
    same = _same_as(text, variables)
    if same is not None:
        yield same
        return
    text = ORDER.sub(" ", text)
    turned = re.match(r"^(.*\S)\s+columns?\b\W*(?:and|by|x)?\W*(.*\S)\s+rows?\b", text, re.IGNORECASE)
    text = f"{turned.group(2)} , {turned.group(1)}" if turned else text
    tokens = list(_tokens(text, known))
    words = set(re.findall(r"[a-z]+", low))
    if not any(t.isalnum() for t in tokens):
        if words & SCALAR and not words & KINDS:
            yield ()
            return
        kind = sorted(words & KINDS)
        raise Unreadable(f"of which sizes is the {kind[0]}? write them, as in (n, d)" if kind else WRITE)
    tree = _Parser(tokens, known).all()
    separated = "," in tokens
    for spread in (False, True):
        shape = _axes(tree, spread, separated)
        yield (*shape, *shape) if "square" in words and len(shape) == 1 else shape
    if "-" in tokens and "+" not in tokens:
        yield from _shapes(" , ".join(t for t in tokens if t != "-"), variables, known)


def _same_as(text: str, variables: Mapping[str, str]) -> Shape | None:
    """`same as X`, `shape of X.T`, `X's shape`, `like the transpose of X`."""
    found = re.search(
        r"(?:\b(?:same|shape|size|that|like|as|transpose)\b[\w\s]*?\s|^)(?P<name>[A-Za-z]\w*)(?P<turned>\.T|\^T|'(?!s\b)|\s+transposed)?"
        r"(?P<shape>\.shape|'?s (?:shape|size))?\s*$", text,
    )  # fmt: skip
    if found is None or re.search(r"[(,*]|\bx\b|\bby\b", text[: found.start()]):
        return None
    sizes = variables.get(found.group("name"))
    if sizes is None:
        return None
    if found.group().strip() == found.group("name") + (found.group("turned") or ""):
        name = found.group("name")
        raise Unreadable(f"{name} is a variable, not a size; for its size write `same as {name}`, or the sizes of its axes")
    axes = sizes.split(" integer")[0].strip()
    shape = () if axes == "scalar" else shape_of_text(f"({axes})")
    return shape[::-1] if found.group("turned") or "transpose of" in text.lower() else shape


def _cut(text: str) -> list[str]:
    return re.findall(r"\d+|[A-Za-z_]\w*|\*\*|\S", text)


def _tokens(text: str, known: set[str]) -> Iterator[str]:
    """Sizes, numbers, `, + - * ^ ( )`; every `x`, `by`, `times` is a comma, words that say nothing are gone."""
    text = re.sub(r"-?\b(?:by|times)\b-?", " , ", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:square|squared?)\b(?=\s*$)", "^2" if re.search(r"squared\s*$", text) else " ", text)
    text = re.sub(r"(?<=\w)-(?=(?:vector|dimensional|element|entry|tensor|dim)\b)", " ", text)
    raw = _cut(re.sub(r"\.T\b|'s?\b", " ", text))
    for k, token in enumerate(raw):
        low = token.lower()
        if token in known or token.isdigit() or token in ("+", "-", "*", "^", "(", ")", ","):
            yield token
        elif token == "**":
            yield "^"
        elif low in ("x", "and") and 0 < k < len(raw) - 1:
            yield ","
        elif low in NOTHING or low in SCALAR or low in ("square", "x"):
            if low in known:
                yield low
        elif low in NUMBERS:
            yield NUMBERS[low]
        elif low in known:
            yield low
        else:
            yield from _run_together(token, known)


def _run_together(token: str, known: set[str]) -> list[str]:
    """`nxd`, `nd`, `x3` as their sizes; sizes of one letter only."""
    letters = {n for n in known if len(n) == 1}
    parts = re.findall(r"\d+|[A-Za-z]", token)
    out = ["," if p.lower() == "x" else p if p.isdigit() or p in letters else p.lower() for p in parts]
    if "".join(parts) != token or not all(p == "," or p.isdigit() or p in letters for p in out):
        if len(token) == 1 and (token.isalpha() and token.isascii()):
            return [token]  # a size that does not occur here: the judge says so
        sizes = f"; its sizes: {', '.join(sorted(known))}" if known else ""
        raise Unreadable(f"there is no size {token} here{sizes}" if token.isalnum() else f"`{token}` is no part of a size{sizes}")
    return out


# parsing ----------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Tree:
    """`,` axes, `+` a sum, `*` a product, `^` a power, or one size."""

    what: str
    parts: tuple[Tree, ...] = ()
    size: Expr | None = None
    power: int = 1


class _Parser:
    """Axes of sums of products of powers; a product needs no sign."""

    DEEPEST = 20

    def __init__(self, tokens: list[str], known: set[str] | None) -> None:
        self.tokens, self.known, self.at, self.depth = tokens, known, 0, 0

    def all(self) -> Tree:
        tree = self.axes()
        if self.at < len(self.tokens):
            raise Unreadable(f"`{self.tokens[self.at]}` cannot stand here; write sizes, as in (n, d) or n x d")
        return tree

    def single(self) -> Expr:
        """The whole as one size."""
        (size,) = _axes(self.all(), False, False)
        return size

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def axes(self) -> Tree:
        parts: list[Tree] = []
        while True:
            if self.peek() == ",":
                self.at += 1
            elif self.peek() in ("", ")"):
                return parts[0] if len(parts) == 1 else Tree(",", tuple(parts))
            else:
                parts.append(self.sum())

    def sum(self) -> Tree:
        parts = [self.product()]
        while self.peek() in ("+", "-"):
            sign = 1 if self.peek() == "+" else -1
            self.at += 1
            term = self.product()
            parts.append(term if sign == 1 else Tree("*", (Tree("size", size=Integer(-1)), term)))
        return parts[0] if len(parts) == 1 else Tree("+", tuple(parts))

    def product(self) -> Tree:
        parts = [self.power()]
        while self.peek() == "*" or self.peek() == "(" or self.peek().isalnum():
            self.at += self.peek() == "*"
            parts.append(self.power())
        return parts[0] if len(parts) == 1 else Tree("*", tuple(parts))

    def power(self) -> Tree:
        base = self.atom()
        if self.peek() != "^":
            return base
        exponent = self.tokens[self.at + 1 :][:3]
        exponent = exponent[1:] if exponent[:1] == ["("] else exponent[:1]
        if not exponent or not re.fullmatch(r"[1-9]", exponent[0]):
            raise Unreadable("an exponent must be a small number")
        self.at += 4 if self.tokens[self.at + 1] == "(" else 2
        return Tree("^", (base,), power=int(exponent[0]))

    def atom(self) -> Tree:
        token = self.peek()
        self.at += 1
        if token == "(":
            self.depth += 1
            if self.depth > self.DEEPEST:
                raise Unreadable("too many brackets")
            inner = self.axes()
            if self.peek() != ")":
                raise Unreadable("a bracket is not closed")
            self.at += 1
            self.depth -= 1
            return inner
        if token.isdigit() and token.isascii() and len(token) < 13:
            return Tree("size", size=Integer(token))
        if re.fullmatch(r"[A-Za-z_]\w*", token):
            return Tree("size", size=size_symbol(token))
        raise Unreadable("a size is missing; write sizes, as in (n, d) or n x d")


def _axes(tree: Tree, spread: bool, separated: bool) -> Shape:
    """The axes; `spread`: powers, and products where nothing separates axes, stand for several."""
    if tree.what == ",":
        return tuple(s for p in tree.parts for s in _axes(p, spread, separated))
    if tree.what == "size":
        assert tree.size is not None
        return (tree.size,)
    inner = [_axes(p, spread, separated) for p in tree.parts]
    if tree.what == "^":
        return inner[0] * tree.power if spread else (expand(_one(inner[0]) ** tree.power),)
    if tree.what == "*":
        if spread and not separated and not any(_negative(p) for p in tree.parts):
            return tuple(s for shape in inner for s in shape)
        value: Expr = Integer(1)
        for shape in inner:
            value = value * _one(shape)
        return (expand(value),)
    return (expand(sum((_one(shape) for shape in inner), Integer(0))),)


def _negative(tree: Tree) -> bool:
    return tree.size is not None and bool(tree.size.is_negative)


def _one(shape: Shape) -> Expr:
    if len(shape) != 1:
        raise Unreadable("sizes are added or multiplied one by one; write the axes, as in (n, d)")
    return shape[0]


__all__ = ["Reading", "read", "shape_of_text", "show"]
