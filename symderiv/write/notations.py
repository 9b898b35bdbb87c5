"""How mathematics looks: the signs and the layout of one notation. `unicode` and `latex` each fill one in."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sympy import Expr

from ..expr.nodes import Call
from .precedence import MathLevel
from .scalars import decimal

Body = tuple[str, MathLevel]


class Notation(ABC):
    """Signs are attributes, layouts are methods; texts that come in already have the brackets that they need."""

    column = 0  # which entry of the (Unicode, LaTeX) pairs in the tables is this notation's
    minus = "-"
    infinity = "∞"
    pi = "π"
    ones = "1"
    zeros = "0"
    identity = "I"
    odot = "⊙"
    oslash = "⊘"
    otimes = "⊗"
    delta = "δ"
    unit = "e"
    bars_of_arrays = True  # |x| of a vector is read as the absolute value of every entry

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        self.names = names

    def letters_used(self, texts: list[str]) -> frozenset[str]:
        """Letters that cannot number the entries of a product of these texts."""
        return frozenset()

    def number(self, value: Expr) -> str:
        """A positive rational that is whole or written as a decimal."""
        return decimal(value) or str(value)

    def symbol(self, name: str) -> str:
        """A size or an index."""
        return self.name(name, 0)[0]

    @abstractmethod
    def name(self, name: str, rank: int) -> tuple[str, bool]:
        """A variable, and whether it carries a subscript."""

    @abstractmethod
    def brackets(self, text: str) -> str:
        """`(text)`"""

    @abstractmethod
    def juxtaposed(self, texts: list[str]) -> str:
        """A product without a sign."""

    @abstractmethod
    def fraction(self, above: list[str], below: list[Body]) -> str:
        """A number: the product of `above` over the product of `below`."""

    @abstractmethod
    def product_over(self, above: list[str], body: Body, below: list[Body], divisors: list[Body]) -> str:
        """Numbers `above` over `below`, times body, over scalar divisors."""

    @abstractmethod
    def raised(self, base: str, exponent: str) -> str:
        """A power of a scalar."""

    @abstractmethod
    def raised_elementwise(self, base: str, exponent: str, rank: int) -> str:
        """A power of every entry."""

    @abstractmethod
    def lowered(self, base: str, subscripts: list[str]) -> str:
        """An entry."""

    @abstractmethod
    def transposed(self, base: str) -> str: ...

    @abstractmethod
    def inverse(self, base: str, transposed: bool = False) -> str: ...

    @abstractmethod
    def root(self, text: str, level: MathLevel) -> Body:
        """A square root."""

    @abstractmethod
    def call(self, name: str, args: list[str]) -> str:
        """A function of the language by its name."""

    def template(self, node: Call, args: list[Body]) -> str | None:
        """The function as its declaration says, if it says."""
        return None

    @abstractmethod
    def parameter(self, name: str, value: str) -> str:
        """`axis=0`"""

    @abstractmethod
    def absolute(self, text: str) -> str: ...

    @abstractmethod
    def norm(self, text: str, kind: str) -> str:
        """`kind` is 2, 1, F, inf or nuc."""

    @abstractmethod
    def indicator(self, condition: str) -> str: ...

    @abstractmethod
    def cases(self, value: str, condition: str, other: str) -> Body: ...

    @abstractmethod
    def log_det(self, text: str, level: MathLevel) -> Body: ...

    @abstractmethod
    def big(self, sign: str, index: str, lo: str, hi: str, condition: str, full: bool) -> str:
        """A sum sign with its range; `full`: the range is the whole of an axis."""

    @abstractmethod
    def big_plain(self, sign: str, letters: list[str]) -> str:
        """A sum sign over letters, without ranges."""

    @abstractmethod
    def array_of(self, text: str, letters: list[str]) -> str:
        """The array whose entry at `letters` is `text`."""


__all__ = ["Body", "Notation"]
