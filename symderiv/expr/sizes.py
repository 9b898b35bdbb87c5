"""Sizes of axes: SymPy integers, symbols and polynomials in them (`n`, `3`, `n*d`, `n + 1`).

`size_symbol` is the one factory of size symbols, so the same name is the same size everywhere. While a text with
undeclared names is read, a `Unifier` is active and equates unknown sizes instead of refusing them.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from functools import lru_cache

import sympy
from sympy import Dummy, Expr, Integer, Symbol

from ..errors import ShapeError

Size = Expr
Shape = tuple[Expr, ...]


@lru_cache(maxsize=4096)
def size_symbol(name: str) -> Symbol:
    """The size symbol `name`: a positive integer."""
    return Symbol(name, integer=True, positive=True)


class LooseSize(Symbol):
    """A size that fits every other one: for reading what does not fit, to find out what was meant.

    It never equals a `size_symbol` of the same name, so nothing made of loose sizes is ever taken for a checked expression.
    """

    def __new__(cls, name: str, **_: bool) -> LooseSize:  # pickling passes the assumptions again
        return Symbol.__new__(cls, name, integer=True, positive=True)


def is_loose(size: Expr) -> bool:
    """Whether a size was made to fit every other one."""
    return isinstance(size, LooseSize) or (not size.is_Symbol and any(isinstance(s, LooseSize) for s in size.free_symbols))


def as_size(value) -> Expr:
    """A size from an int, a name or a SymPy expression."""
    if isinstance(value, str):
        return size_symbol(value)
    if isinstance(value, int):
        return Integer(value)
    return value


def written_minus(c: Expr) -> bool:
    """Whether a number or an expression in sizes is written with a minus in front."""
    return c.p < 0 if c.is_Rational else c.could_extract_minus_sign()  # SymPy's way deduces all facts of every new number


class Unifier:
    """Union-find over unknown sizes (`Dummy` symbols). Known sizes are rigid."""

    def __init__(self) -> None:
        self.bound: dict[Expr, Expr] = {}

    def find(self, size: Expr) -> Expr:
        if isinstance(size, Dummy):
            path = []
            while size in self.bound:
                path.append(size)
                size = self.bound[size]
            for step in path[:-1]:  # shortened, so that long sums stay linear
                self.bound[step] = size
            if isinstance(size, Dummy) or not size.has(Dummy):
                return size
        if self.bound and size.has(Dummy):
            return size.subs({s: self.find(s) for s in size.free_symbols if isinstance(s, Dummy)})
        return size

    def unify(self, a: Expr, b: Expr) -> bool:
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        for unknown, other in ((a, b), (b, a)):
            if isinstance(unknown, Dummy):
                if unknown in other.free_symbols:  # n = n - 1 has no solution
                    return False
                self.bound[unknown] = other
                return True
        return sympy.expand(a - b) == 0


_active: ContextVar[Unifier | None] = ContextVar("unifier", default=None)


@contextlib.contextmanager
def unifying(unifier: Unifier):
    """Let unknown sizes be equated by `same_size` inside the block."""
    token = _active.set(unifier)
    try:
        yield unifier
    finally:
        _active.reset(token)


def same_size(a: Expr, b: Expr) -> bool:
    """Whether two sizes are equal; inside `unifying`, unknown sizes become equal. A `LooseSize` fits every other."""
    if a == b:
        return True
    unifier = _active.get()
    if is_loose(a) or is_loose(b):
        if unifier is not None and (isinstance(a, Dummy) or isinstance(b, Dummy)):
            unifier.unify(a, b)  # an unknown size is the first that it meets
        return True
    if unifier is not None:
        return unifier.unify(a, b)
    if a.is_Integer and b.is_Integer:
        return False
    if a.is_Symbol and b.is_Symbol:
        return False
    return sympy.expand(a - b) == 0


def show_shape(shape: Shape) -> str:
    """`(n, d)`, `(n,)`, `()` as Python writes them."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def broadcast_shapes(shapes: list[Shape], what: str = "elementwise operation") -> Shape:
    """NumPy's broadcasting: axes align from the right; a 1 stretches.

    Raises:
        ShapeError: SD201 when two sizes clash.
    """
    if len(shapes) == 1:
        return shapes[0]
    rank = max((len(s) for s in shapes), default=0)
    out: list[Expr] = []
    for axis in range(-rank, 0):
        size: Expr = Integer(1)
        for shape in shapes:
            if len(shape) < -axis:
                continue
            here = shape[axis]
            if here is size or here == 1 or here == size:
                continue
            if size == 1:
                size = here
            elif not same_size(size, here):
                shown = " and ".join(dict.fromkeys(show_shape(s) for s in shapes))
                raise ShapeError(
                    f"{what}: shapes {shown} do not broadcast: {size} against {here}",
                    code="SD201",
                    hint="sizes are aligned from the last axis; the same symbol is the same size everywhere",
                )
        out.append(size)
    return tuple(out)


def product(shape: Shape) -> Expr:
    """Number of entries."""
    out: Expr = Integer(1)
    for s in shape:
        out = out * s
    return sympy.expand(out)
