"""Words to mathematics, for any notation: vectors are columns, products are juxtaposed, indices count from 1.

`MathPrinter` decides what is written (`xᵀ A y` for `x @ A @ y`, `diag(v) X` for `v[:, None]*X`); a `Notation` says how (LaTeX,
Unicode). As in `language`, a product is kept apart while it grows, so numbers come out in front and signs outside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, Pow, S, Symbol

from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import Shape, product
from .notations import Notation
from .precedence import BINDERS, COMPARISONS, MathLevel
from .scalars import factors

Body = tuple[str, MathLevel]


@dataclass(frozen=True)
class Piece:
    """`coef * body / below`.

    Attributes:
        coef: a finite number or expression in sizes.
        body: the other factors; "" where there are none.
        level: binding strength of `body`.
        below: scalar divisors.
        rank: rank of the value.
        chain: whether `body` is a juxtaposed product of matrices and vectors.
        turned: text of the transpose of `body` where it is better known than `bodyᵀ`.
        inverted: the same for the inverse.
        index: the value counted from 0 where it is a whole number or affine in bound indices (which count from 1).
        logical: `body` is a condition, and this is its 0/1 value.
        square_of: `body` is the elementwise square of this.
        dot: `body` is the elementwise product of two arrays, and this is the sum of its entries.
    """

    coef: Expr = S.One
    body: str = ""
    level: MathLevel = MathLevel.ATOM
    below: tuple[Body, ...] = ()
    rank: int = 0
    chain: bool = False
    turned: Body | None = None
    inverted: Body | None = None
    index: Expr | None = None
    logical: str = ""
    square_of: str = ""
    dot: Body | None = None

    @property
    def is_number(self) -> bool:
        return not self.body and not self.below


class MathPrinter:
    """One method per kind of word; how things look is up to the notation."""

    def __init__(self, notation: Notation) -> None:
        self.n = notation

    # texts of pieces ----------------------------------------------------------------------------------------------
    def text(self, p: Piece) -> Body:
        """The whole piece with its binding strength."""
        if p.is_number:
            return self.scalar(p.coef)
        split = factors(p.coef)
        above = [self.factor(*self.scalar(f)) for f in split.above if f is not S.One]
        below = [self.scalar(f) for f in split.below]
        if not above and not below and not p.below:
            text, level = p.body, p.level
            if split.sign < 0 and level <= MathLevel.SUM:
                text = self.n.brackets(text)
        else:
            text, level = self.n.product_over(above, (p.body, p.level), below, list(p.below)), MathLevel.JUXTAPOSED
        if split.sign < 0:
            return self.n.minus + text, min(level, MathLevel.JUXTAPOSED) if level > MathLevel.SUM else MathLevel.JUXTAPOSED
        return text, level

    def scalar(self, value: Expr) -> Body:
        """A number or an expression in sizes; these are small, so recursion is fine."""
        n = self.n
        if value.is_Integer and value >= 0:
            return n.number(value), MathLevel.ATOM
        if isinstance(value, Symbol):
            return n.symbol(value.name), MathLevel.ATOM
        if value is S.Pi or value is S.Infinity or value is S.Exp1:
            return {S.Pi: n.pi, S.Infinity: n.infinity, S.Exp1: "e"}[value], MathLevel.ATOM
        if value.is_Add:
            return self.sum([self.scalar(t) for t in value.as_ordered_terms()]), MathLevel.SUM
        if isinstance(value, Pow) and not value.exp.could_extract_minus_sign():
            if value.exp is S.Half:
                return n.root(*self.scalar(value.base))
            return n.raised(self.base(*self.scalar(value.base)), self.scalar(value.exp)[0]), MathLevel.RAISED
        if value.is_Mul or isinstance(value, Pow) or value.is_Rational or value is S.NegativeInfinity:
            split = factors(value)
            if len(split.above) == 1 and not split.below and split.above[0].is_Rational:
                text, level = n.number(split.above[0]), MathLevel.ATOM
            else:
                above = [self.factor(*self.scalar(f)) for f in split.above if f is not S.One]
                text, level = n.fraction(above, [self.scalar(f) for f in split.below]), MathLevel.JUXTAPOSED
            return (n.minus + text, MathLevel.JUXTAPOSED) if split.sign < 0 else (text, level)
        if value.is_Function:
            return n.call(value.func.__name__, [self.scalar(a)[0] for a in value.args]), MathLevel.ATOM
        if value.is_number and value.is_real:
            return repr(float(value)), MathLevel.ATOM
        return str(value), MathLevel.ATOM

    def sum(self, terms: list[Body]) -> str:
        """`a - b + c`."""
        out: list[str] = []
        for k, (text, level) in enumerate(terms):
            if level < MathLevel.SUM or (level is MathLevel.BIG and k + 1 < len(terms)):
                text = self.n.brackets(text)
            if not out:
                out.append(text)
            elif text.startswith(self.n.minus):
                out.append(f" {self.n.minus} {text[len(self.n.minus) :].lstrip()}")
            else:
                out.append(f" + {text}")
        return "".join(out)

    def factor(self, text: str, level: MathLevel) -> str:
        """As one of several juxtaposed factors."""
        return self.n.brackets(text) if level < MathLevel.PREFIX or text.startswith(self.n.minus) else text

    def base(self, text: str, level: MathLevel, carries: MathLevel = MathLevel.LOWERED) -> str:
        """As what a superscript follows (`carries=ATOM`: a subscript)."""
        return self.n.brackets(text) if level < carries or text.startswith(self.n.minus) else text

    def link(self, p: Piece) -> str:
        """The body as a factor of a matrix product: a chain goes on without brackets."""
        return p.body if p.chain and p.level is MathLevel.JUXTAPOSED else self.factor(p.body, p.level)

    def turned(self, p: Piece) -> Piece:
        """The transpose of a matrix, or a column as a row."""
        here = (p.body, p.level)
        if p.turned:
            text, level = p.turned
            return replace(p, body=text, level=level, turned=here, chain=level is MathLevel.JUXTAPOSED)
        text = self.n.transposed(self.base(*here))
        return replace(p, body=text, level=MathLevel.RAISED, turned=here, chain=False)

    def chained(self, pieces: list[Piece], rank: int) -> Piece:
        """A matrix product; numbers and divisors come outside."""
        coef: Expr = S.One
        for p in pieces:
            coef = coef * p.coef
        links = [self.link(p) if p.body else self.n.number(S.One) for p in pieces]
        if pieces[0].level is MathLevel.JUXTAPOSED:
            links[0] = pieces[0].body
        below = tuple(b for p in pieces for b in p.below)
        return Piece(coef, self.n.juxtaposed(links), MathLevel.JUXTAPOSED, below, rank, chain=True)

    def atom(self, text: str, rank: int) -> Piece:
        return Piece(body=text, rank=rank)

    def ones(self) -> Piece:
        return Piece(body=self.n.ones, rank=1)

    def value(self, p: Piece) -> Piece:
        """A condition as a 0/1 number, anything else as it is."""
        return Piece(body=p.logical, rank=p.rank, level=MathLevel.LOWERED) if p.logical else p

    def fitted(self, p: Piece, shape: Shape, target: Shape) -> Piece:
        """What broadcasting does to a vector, a column or a row beside a matrix: `1 bᵀ`, `b 1ᵀ`."""
        if len(target) != 2 or not shape or shape == target:
            return p
        if len(shape) == 1:
            return self.chained([self.ones(), self.turned(p)], 2) if shape[0] != 1 else p
        if shape[1] == 1 and shape[0] == target[0]:
            return self.chained([p, self.turned(self.ones())], 2)
        if shape[0] == 1 and shape[1] == target[1]:
            return self.chained([self.ones(), p], 2)
        return p

    def function(self, name: str, pieces: list[Piece], rank: int, extra: list[str] | None = None) -> Piece:
        """`name(x, y)`."""
        return self.atom(self.n.call(name, [self.text(p)[0] for p in pieces] + (extra or [])), rank)

    # the printer protocol ------------------------------------------------------------------------------------------
    def visit(self, node: Node, pieces: list[Piece]) -> Piece:
        if isinstance(node, Num):
            if node.value.is_infinite:
                return Piece(coef=S.One if node.value is not S.NegativeInfinity else S.NegativeOne, body=self.n.infinity)
            return Piece(coef=node.value, index=node.value)
        if isinstance(node, Var):
            text, lowered = self.n.name(node.name, node.rank)
            return Piece(body=text, level=MathLevel.LOWERED if lowered else MathLevel.ATOM, rank=node.rank)
        if isinstance(node, Index):
            index = Symbol(node.name) - 1
            return Piece(body=self.scalar(index)[0], level=MathLevel.SUM, index=index)
        assert isinstance(node, Call), type(node)
        write = WORDS.get(node.name, WORDS[""])
        if node.name not in BINDERS and node.name != "where" and node.name not in COMPARISONS:
            pieces = [self.value(p) for p in pieces]
        return write(self, node, pieces)

    def named(self, name: str, node: Node) -> Piece:
        text, lowered = self.n.name(name, node.rank)
        return Piece(body=text, level=MathLevel.LOWERED if lowered else MathLevel.ATOM, rank=node.rank)

    def finish(self, piece: Piece, node: Node) -> str:
        return self.text(self.value(piece))[0]


Word = Callable[[MathPrinter, Call, list[Piece]], Piece]
WORDS: dict[str, Word] = {}  # filled by `mathwords` and `mathindex`; "" is for every other operation


def word(*names: str) -> Callable[[Word], Word]:
    """Register a function for these words."""

    def register(function: Word) -> Word:
        for name in names:
            WORDS[name] = function
        return function

    return register


def size_of_axes(shape: Shape, axis: Any) -> Expr:
    """Number of entries along an axis, several, or all (None)."""
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    return product(tuple(shape[a] for a in axes))


__all__ = ["WORDS", "Body", "MathPrinter", "Piece", "Word", "size_of_axes", "word"]
