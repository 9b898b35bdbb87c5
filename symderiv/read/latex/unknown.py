r"""Names that nothing declares or defines: `e`, `\pi`, `I`, `\delta_{ij}`, rows of X, variables that are assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sympy
from sympy import Dummy, Integer

from ...errors import InputError
from ...expr.nodes import Num
from ...expr.sizes import size_symbol
from .indices import is_index_part, letter_of, read_index
from .lookup import SAMPLES, all_numbers, finish, known_value, sample
from .naming import GREEK, Key, label_text
from .raised import apply_raised
from .scripts import Raised, Scripts
from .tree import Cursor, Group, Item, Token
from .values import Value, value_of

if TYPE_CHECKING:
    from .reader import LatexReader


class Unbound(InputError):
    """SD133: a subscript that nothing binds; a sum over it may be missing."""

    letter = ""
    letters: tuple[str, ...] = ()

    def with_letter(self, letter: str) -> Unbound:
        self.letter = letter if len(letter) == 1 else ""
        self.letters = tuple(letter) if letter.isalpha() and letter.isascii() and len(letter) <= 3 else ()
        return self


def unknown_name(r: LatexReader, key: Key, scripts: Scripts, parts: list[list[Item]], start: int, stop: int) -> Value:
    raised = list(scripts.raised)
    above: list[list[Item]] = []
    if raised and raised[0].kind == "bracket":
        inner = raised[0].items[0]
        assert isinstance(inner, Group)
        if is_index_part(r, inner.items) and not all_numbers(inner.items):
            above = [list(inner.items)]
            raised = raised[1:]
    indexed = bool(parts) and all(is_index_part(r, p) for p in parts) and not all(all_numbers(p) for p in parts)
    if indexed or above:
        found = _family(r, key, parts, above, start, stop)
        if found is not None:
            x, rest = found
            return finish(r, x, rest, raised, scripts, start, stop) if rest else apply_raised(r, x, raised, scripts.primes, stop)
    if key == Key("delta") and len(parts) == 2 and not raised:
        return kronecker(r, parts, start, stop)
    if key == Key("pi") and not parts and not raised and not scripts.primes:
        import sympy

        return value_of(Num(sympy.pi), start, stop)
    if key == Key("pi") and not parts:
        import sympy

        return apply_raised(r, value_of(Num(sympy.pi), start, stop), raised, scripts.primes, stop)
    if key == Key("e") and not parts and not scripts.primes:
        return exponential(r, raised, start, stop)
    if key == Key("I") and not scripts.primes:
        return identity(r, parts, raised, start, stop, scripts.anchor)
    return _new_name(r, key, scripts, parts, raised, start, stop)


def _family(r: LatexReader, key: Key, parts: list, above: list, start: int, stop: int) -> tuple[Value, list] | None:
    """Entries of something not declared under this very name: rows of X, entries of W written `w_{ij}`, or an array that is
    assumed."""
    upper = Key(key.base.upper(), key.accents, key.labels)
    count = len(parts) + len(above)
    if len(key.base) == 1 and key.base.islower() and (r.known(upper, start, stop) or r.is_defined(upper)):
        x = known_value(r, upper, start, stop)
        if x.node.rank == 2 and count == 2:
            r.assumptions.setdefault("entries " + key.base, f"{key.base}_ij is entry i,j of {upper.identifier}")
            return x, [*above, *parts]
        if x.node.rank == 2 and count == 1 and key.base in SAMPLES:
            return sample(r, x, key.base, above or parts, stop), []
        if x.node.rank == 2 and count == 1:
            return replace(x, start=start, stop=stop), above or parts
    if key == Key("delta") and len(parts) == 2:
        return None
    bold = any(f in r.source[start:stop] for f in ("\\mathbf", "\\boldsymbol", "\\bm", "\\vec", "\\pmb"))
    if above and (bold or not all(r.is_index(letter_of(p)) for p in above) or r.known(key, start, stop) or r.is_defined(key)):
        name = upper.identifier if len(key.base) == 1 else key.identifier
        what = f"`{r.text(start, stop)}`: what is numbered by the bracket is not declared"
        raise r.error(what, start, stop, "SD133", f"declare `{name}: n,d`, whose rows are the samples, or `{key.identifier}: n`")
    if r.known(key, start, stop) or r.is_defined(key):
        x = known_value(r, key, start, stop)
        what = f"`{r.text(start, stop)}`: {count} subscripts on `{key.identifier}`, which has {x.node.rank} axes"
        raise r.shape_error(what, start, stop, r.declare_hint(x.node).removeprefix("; ") or "declare the sizes of the array")
    if not r.guessing:
        return None
    if any(not r.is_index(letter_of(p)) and not all_numbers(p) for p in parts) and not _label_subscript(r, parts):
        return None
    integer = ("integer",) if r.expecting_label else ()
    x = r.assume(key, count, start, stop, integer, f"it has {count} ind{'ex' if count == 1 else 'ices'}")
    if above:
        r.families[key.identifier] = len(above)
    return x, [*above, *parts]


def _label_subscript(r: LatexReader, parts: list) -> bool:
    """`s_{y_i}`: subscripts that are labels."""
    return all(
        r.is_index(letter_of(p)) or all_numbers(p) or any(isinstance(i, Token) and i.kind == "sub" for i in p) for p in parts
    )


def _new_name(r: LatexReader, key: Key, scripts: Scripts, parts: list, raised: list[Raised], start: int, stop: int) -> Value:
    """A variable that is neither declared nor defined: its subscript and its bracket are labels."""
    base_known = r.known(key, start, stop) or r.is_defined(key)
    if parts:
        label = label_text([i for p in parts for i in p])
        letter = letter_of(parts[0]) if len(parts) == 1 else ""
        if label is None:
            what = f"`{r.text(start, stop)}`: the subscript is neither an index nor a label"
            raise r.error(what, start, stop, "SD133", "declare the array, and bind its index by a sum or on the left side")
        before = _earlier(r, key.labelled(label), start, stop)
        if before is not None:
            return apply_raised(r, before, raised, scripts.primes, stop)
        if base_known and known_value(r, key, start, stop).is_array:
            shown = letter or "".join(letter_of(p) for p in parts) or label
            hint = f"write the sum over {shown}, or declare `{key.labelled(label).identifier}: …`"
            if r.known(Key(shown), start, stop):
                hint = f"declare it: `{shown}: scalar integer`, or `{key.labelled(label).identifier}: …`"
            what = f"`{r.text(start, stop)}`: {shown} is neither an index of a sum or of the left side nor a label"
            raise Unbound(what, code="SD133", hint=hint, span=r.span(start, stop)).with_letter(shown)
        _refuse_unbound_row(r, key, letter, start, stop)
        key = key.labelled(label)
    if raised and raised[0].kind in ("bracket", "star"):
        inner = raised[0].items[0]
        label = "star" if raised[0].kind == "star" else label_text(inner.items) if isinstance(inner, Group) else None
        if label is None:
            raise r.error(f"`{r.text(start, stop)}`: the bracket is neither a label nor an index", start, stop, "SD133")
        letter = letter_of(inner.items) if isinstance(inner, Group) else ""
        _refuse_unbound_row(r, key, letter, start, stop)
        if base_known and letter and known_value(r, key, start, stop).is_array:
            what = f"`{r.text(start, stop)}`: {letter} is neither an index of a sum or of the left side nor a label"
            hint = f"write the sum over {letter}, or declare `{key.labelled(label).identifier}: …`"
            raise Unbound(what, code="SD133", hint=hint, span=r.span(start, stop)).with_letter(letter)
        key = key.labelled(label)
        raised = raised[1:]
    if r.is_defined(key) or r.known(key, start, stop):
        return apply_raised(r, known_value(r, key, start, stop), raised, scripts.primes, stop)
    if len(key.base) == 1 or key.base in GREEK:
        r.as_variables.add(key.base)
    upper = SAMPLES.get(key.base, "")
    if upper in r.declared.vars and key.labels and key.labels[-1].isdigit() and not key.accents:
        what = f"`{r.text(start, stop)}`: a row of `{upper}`, or a variable of its own?"
        raise r.error(
            what,
            start,
            stop,
            "SD133",
            f"write {upper}_{{{key.labels[-1]},:}}^\\top for the row, or declare `{key.identifier}: …`",
        )
    if r.known(Key(key.base), start, stop) and key.labels and not key.accents:
        base = r.value_of_name(r.known(Key(key.base), start, stop), start, stop)
        if base.is_array and all(label.isdigit() for label in key.labels):
            what = f"`{r.text(start, stop)}`: an entry of `{base.named}`, or a variable of its own?"
            raise r.error(what, start, stop, "SD133", f"declare `{key.identifier}: …`")
    earlier = _earlier(r, key, start, stop)
    return apply_raised(r, earlier or r.assume(key, None, start, stop), raised, scripts.primes, stop)


def _refuse_unbound_row(r: LatexReader, key: Key, letter: str, start: int, stop: int) -> None:
    """`x_i` beside a declared X, where nothing binds i.

    Raises:
        Unbound: SD133.
    """
    upper = SAMPLES.get(key.base, "")
    if letter and upper in r.declared.vars and not key.accents and r.declared.vars[upper].rank == 2:
        what = f"`{r.text(start, stop)}`: a row of `{upper}`, but {letter} is neither an index of a sum nor of the left side"
        hint = f"write the sum over {letter}, or declare `{key.labelled(letter).identifier}: …`"
        raise Unbound(what, code="SD133", hint=hint, span=r.span(start, stop)).with_letter(letter)


def _earlier(r: LatexReader, key: Key, start: int, stop: int) -> Value | None:
    """`w_{t-1}` in `w_{t+1} = w_t + b (w_t - w_{t-1})`: an array of the shape of w."""
    base = Key(key.base, key.accents, key.labels[:-1])
    name = r.known(base, start, stop)
    if not r.iteration or not key.labels or not key.labels[-1].endswith("_minus_1") or not name:
        return None
    shape = r.value_of_name(name, start, stop).node.shape
    x = r.assume(key, len(shape), start, stop, why=f"{name} one step before")
    for a, b in zip(x.node.shape, shape, strict=True):
        r.unify(a, b)
    return x


def kronecker(r: LatexReader, parts: list[list[Item]], start: int, stop: int) -> Value:
    """`δ_{ij}`: 1 where the two are equal."""
    from .conditions import compare

    a, b = (read_index(r, p, start, stop) for p in parts)
    ends = [r.scope[letter].hi for p in parts if (letter := letter_of(p)) in r.scope and r.scope[letter].open]
    if r.guessing and len(ends) == 2 and any(e.has(Dummy) for e in ends):
        r.unify(*ends)  # both run over one axis
    return compare(r, "eq", a, b, start, stop)


def exponential(r: LatexReader, raised: list[Raised], start: int, stop: int) -> Value:
    """`e^x`; `e` alone is 2.718…"""

    if not raised:
        return value_of(Num(sympy.E), start, stop)
    if len(raised) > 1 or raised[0].kind not in ("power", "bracket"):
        return apply_raised(r, value_of(Num(sympy.E), start, stop), raised, 0, stop)
    from .grammar import read_all

    items = raised[0].items
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    if x.kind in ("matrix", "tensor"):
        hint = r"write \exp(A) for the exponential of every entry"
        raise r.error("a matrix as exponent of e is a matrix exponential, which is not read", start, stop, "SD135", hint)
    return Value(r.make("exp", x.node, start=start, stop=stop), x.kind, start, stop)


def identity(r: LatexReader, parts: list, raised: list[Raised], start: int, stop: int, anchor: object) -> Value:
    """`I`, `I_n`, `I^{-1}`."""
    size = size_of_label(r, parts, start, stop) if parts else r.context_size(anchor, "I", start, stop)
    x = Value(r.make("eye", start=start, stop=stop, n=size), "matrix", start, stop)
    return apply_raised(r, x, raised, 0, stop)


def size_of_label(r: LatexReader, parts: list[list[Item]], start: int, stop: int):
    """The size in `I_n`, `\\mathbf 1_n`."""
    label = label_text(parts[0]) if len(parts) == 1 else None
    if label is not None and label.isdigit():
        return Integer(int(label))
    if label is not None and label in r.sizes:
        return r.sizes[label]
    if label is not None and label.isidentifier() and not r.known(Key(label), start, stop):
        return size_symbol(label)
    raise r.error(
        f"`{r.text(start, stop)}`: the subscript is not a size",
        start,
        stop,
        "SD133",
        "a size is a number or a letter of a declaration",
    )
