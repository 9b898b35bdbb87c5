"""Superscripts on a value: transposes, inverses, powers, primes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...expr.nodes import Num
from .naming import Key
from .scripts import Raised
from .tree import Cursor, is_char
from .values import Value, power, transposed, value_of

if TYPE_CHECKING:
    from .reader import LatexReader


def apply_raised(r: LatexReader, x: Value, raised: list[Raised], primes: int, stop: int) -> Value:
    """Transposes, inverses and powers, from the inside out."""
    for one in raised:
        x = _raise(r, x, one)
    if primes:
        if not x.is_array or primes > 1:
            what = f"`{r.text(x.start, stop)}`: the prime is a transpose of a vector or matrix, a derivative of a function"
            raise r.error(what, x.start, stop, "SD133", "declare what is primed under a name of its own")
        x = transposed(r, x, stop)
    return replace(x, stop=max(stop, x.stop))


def _raise(r: LatexReader, x: Value, one: Raised) -> Value:
    start, stop = x.start, one.stop
    if one.kind == "transpose":
        _check_transpose(r, one, x)
        if not x.is_array and x.literal:
            return transposed(r, r.ones(x), stop)
        return transposed(r, x, stop)
    if one.kind == "inverse" and not x.is_array:
        return power(r, x, value_of(Num(-1), one.start, stop), stop)
    if one.kind in ("inverse", "inverse_transpose"):
        if x.kind != "matrix":
            what = f"{r.shown(x)} is not a matrix and has no inverse"
            raise r.error(what, start, stop, "SD132", r"for the elementwise one write ^{\odot -1}" + r.declare_hint(x.node))
        node = r.make("inv", x.node, start=start, stop=stop, parts=(x,))
        if one.kind == "inverse_transpose":
            _check_transpose(r, one, x)
            node = r.make("T", node, start=start, stop=stop)
        return Value(node, "matrix", start, stop)
    if one.kind == "pinv":
        if x.kind != "matrix":
            raise r.error(f"{r.shown(x)} is not a matrix and has no pseudoinverse", start, stop, "SD132")
        return Value(r.make("pinv", x.node, start=start, stop=stop), "matrix", start, stop)
    if one.kind == "star":
        raise r.error(
            f"`{r.text(start, stop)}`: the star is not read here", start, stop, "SD135", "give it a name without a star"
        )
    from .grammar import read_all

    items = one.items
    exponent = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    if one.kind == "elementwise":
        return Value(r.make("pow", x.node, exponent.node, start=start, stop=stop), x.kind, start, stop)
    if one.kind == "bracket":
        what = f"`{r.text(start, stop)}`: a bracket above is a label, an index or a derivative"
        raise r.error(what, start, stop, "SD133", "for a power leave out the brackets; declare a labelled name")
    return power(r, x, exponent, stop)


def _check_transpose(r: LatexReader, one: Raised, x: Value) -> None:
    """`x^T` with a variable T; an array is no exponent, so beside one it is the transpose.

    Raises:
        InputError: SD133.
    """
    plain = [i for i in one.items if not is_char(i, "-")]
    if len(plain) == 1 and is_char(plain[0], "T") and (r.known(Key("T"), x.start, one.stop) or r.is_defined(Key("T"))):
        name = r.known(Key("T"), x.start, one.stop)
        if name in r.declared.vars and r.declared.vars[name].rank and not r.is_defined(Key("T")):
            r.assumptions.setdefault("^T", "the superscript T is the transpose, as the array T is no exponent")
            return
        what = f"`{r.text(x.start, one.stop)}`: a transpose, or a power by the declared T?"
        raise r.error(what, x.start, one.stop, "SD133", r"write ^\top for the transpose")
