r"""What a name with scripts means: `W_{jk}`, `x_j^{(i)}`, `\hat{y}_i`, `W^{(2)\top}`, `s_{y_i}`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sympy import Dummy, Integer

from ...errors import InputError
from ...expr.nodes import Num, Var
from ...expr.sizes import size_symbol
from .indices import (
    entry,
    index_value,
    is_index_part,
    letter_of,
    read_index,
    split_indices,
    which_line,
)
from .naming import ACCENTS, FONTS, GREEK, Key, label_text
from .scripts import Raised, Scripts, argument, content, read_scripts
from .tree import Cursor, Group, Item, Token, is_char, is_macro
from .values import Value, power, transposed, value_of

if TYPE_CHECKING:
    from .reader import LatexReader

_SAMPLES = {"x": "X", "y": "Y"}  # rows of a declared matrix


def name_key(r: LatexReader, c: Cursor) -> Key | None:
    r"""The name that begins here: a letter, a Greek letter, `\mathbf{w}`, `\hat{y}`, `\mathrm{std}`; None for anything else."""
    item = c.peek()
    if isinstance(item, Token) and (
        (item.kind == "char" and item.text.isalpha()) or (item.kind == "macro" and item.text in GREEK)
    ):
        c.next()
        return Key(item.text)
    if is_macro(item, *ACCENTS) or is_macro(item, *FONTS):
        assert isinstance(item, Token)
        if item.text == "mathbb":
            hint = r"sets and expected values are not read; \mathbb{1}[x > 0] is an indicator"
            raise r.error(f"`{r.text(item.start, item.stop + 4)}` is not read", item.start, item.stop, "SD135", hint)
        c.next()
        inner = content(argument(r, c, "\\" + item.text))
        key = key_of_items(r, inner)
        if key is None:
            c.at -= 2
            return None
        return Key(key.base, (*key.accents, ACCENTS[item.text]), key.labels) if item.text in ACCENTS else key
    if isinstance(item, Group) and item.opener == "brace" and len(item.items) > 1 and is_macro(item.items[0], *FONTS):
        key = key_of_items(r, item.items)  # {\bf w}
        if key is not None:
            c.next()
        return key
    return None


def key_of_items(r: LatexReader, items: tuple[Item, ...]) -> Key | None:
    """A whole group as one name: `{y}`, `{\\boldsymbol{\\beta}}`, `{std}`, `{W_1}` with a label."""
    if not items:
        return None
    inner = Cursor(items, items[0].start, items[-1].stop)
    key = name_key(r, inner)
    if key is not None and inner.done:
        return key
    if key is not None and isinstance(inner.peek(), Token) and inner.peek().kind == "sub":  # type: ignore[union-attr]
        inner.next()
        label = label_text(content(argument(r, inner, "_")))
        return key.labelled(label) if label and inner.done else None
    letters = all(isinstance(i, Token) and i.kind in ("char", "number") and (i.text.isalnum() or i.text == "_") for i in items)
    escaped = all(isinstance(i, Token) and (i.text.isalnum() or (i.kind == "macro" and i.text == "_")) for i in items)
    if (letters or escaped) and len(items) > 1 and items[0].text[:1].isalpha():  # type: ignore[union-attr]
        return Key("".join(i.text for i in items))  # type: ignore[union-attr]
    return None


# meanings --------------------------------------------------------------------------------------------------------------------


def read_named(r: LatexReader, key: Key, scripts: Scripts, start: int) -> Value:
    """The value of a name with its scripts.

    Raises:
        InputError: SD133 when the name is not declared or could mean two things.
    """
    stop = max(scripts.stop, start + 1)
    key, scripts = _without_iteration(r, key, scripts)
    if len(key.base) == 1 and not key.accents and not key.labels:
        letter = key.base + "'" * scripts.primes
        if letter in r.scope and scripts.sub is None:
            return apply_raised(r, index_value(r.scope[letter], start, stop), scripts.raised, 0, stop)
    parts = split_indices(scripts.sub) if scripts.sub is not None else []
    found = _interpretations(r, key, scripts, parts, start, stop)
    if len(found) > 1:
        what = f"`{r.text(start, stop)}` can mean " + " or ".join(t for t, *_ in found)
        raise r.error(what, start, stop, "SD133", "rename one of the two")
    if not found:
        return _unknown(r, key, scripts, parts, start, stop)
    _, full, used, rest, raised = found[0]
    x = _value(r, full, start, stop)
    if rest:
        r.assumptions.setdefault("(i) " + full.identifier, f"the bracketed index of {full.identifier} is a subscript: entry i")
    indexed = parts[used:] + rest
    return finish(r, x, indexed, raised, scripts, start, stop)


def _value(r: LatexReader, key: Key, start: int, stop: int) -> Value:
    if r.is_defined(key):
        return r.value_of_definition(key, start, stop)
    return r.value_of_name(r.known(key, start, stop), start, stop)


def _interpretations(r: LatexReader, key: Key, scripts: Scripts, parts: list[list[Item]], start: int, stop: int) -> list[tuple]:
    """(in words, key with labels, parts that are labels, indices of samples, superscripts that are left) for every known reading."""
    out: list[tuple] = []
    raised = scripts.raised
    labels_above: list[tuple[Key, list[list[Item]], list[Raised]]] = [(key, [], raised)]
    if raised and raised[0].kind in ("bracket", "star", "power"):
        inner = raised[0].items[0] if raised[0].kind == "bracket" else None
        inside = inner.items if isinstance(inner, Group) else raised[0].items
        label = "star" if raised[0].kind == "star" else label_text(inside)
        plain_number = raised[0].kind == "power" and all(isinstance(i, Token) and i.kind == "number" for i in inside)
        if label and not plain_number:
            above = (key.labelled(label), [], raised[1:])
            labels_above = [above] if raised[0].kind == "star" else [*labels_above, above]
        if raised[0].kind == "bracket" and is_index_part(r, inside) and not _all_numbers(inside):
            labels_above.append((key, [list(inside)], raised[1:]))
    for base, sample, left in labels_above:
        for used in range(len(parts) + 1):
            text = label_text([i for part in parts[:used] for i in part]) if used else ""
            if text is None or (used and used < len(parts) and not _is_label(parts[:used])):
                continue
            full = Key(base.base, base.accents, ((text,) if text else ()) + base.labels) if used else base
            if not (r.is_defined(full) or r.known(full, start, stop)):
                continue
            rest = parts[used:] + sample
            if used and any(letter_of(part) in r.scope for part in parts[:used]):
                continue  # the letter is an index here, not a label
            if rest and not (all(is_index_part(r, p) for p in rest) and _has_axes(r, full, len(rest), start, stop)):
                continue
            if left and left[0].kind == "bracket":
                continue
            shown = full.identifier
            words = f"the variable `{shown}`" if not rest else f"an entry of `{shown}`"
            out.append((words, full, used, sample, left))
    samples = [o for o in out if o[3]]
    plain = [o for o in out if not o[3]]
    return plain or samples if not (plain and samples) else plain + samples


def _is_label(parts: list[list[Item]]) -> bool:
    return all(len(p) == 1 and isinstance(p[0], Token) for p in parts)


def _has_axes(r: LatexReader, key: Key, count: int, start: int, stop: int) -> bool:
    if r.is_defined(key):
        d = r.definitions[key]
        return bool(d.letters) and len(d.letters) >= count if d.busy or d.letters else _value(r, key, start, stop).node.rank >= 1
    name = r.known(key, start, stop)
    return r.value_of_name(name, start, stop).node.rank >= 1


def finish(
    r: LatexReader, x: Value, indexed: list[list[Item]], raised: list[Raised], scripts: Scripts, start: int, stop: int
) -> Value:
    """Entries, then superscripts; a superscript between the name and a subscript that it could belong to is told."""
    if not indexed:
        return apply_raised(r, replace(x, stop=stop), raised, scripts.primes, stop)
    sliced = any(is_char(i, ":") for part in indexed for i in part)
    if raised and sliced and scripts.first == "sup" and raised[0].kind == "transpose":
        x, raised = transposed(r, x, stop), raised[1:]
    elif raised and x.node.rank == 2 and len(indexed) == 2 and not (sliced and raised[0].kind == "transpose"):
        kinds = {p.kind for p in raised}
        if kinds & {"inverse", "inverse_transpose", "pinv"} or (kinds & {"transpose"} and scripts.first == "sub"):
            what = (
                f"`{r.text(start, stop)}`: an entry of the {'transpose' if 'transpose' in kinds else 'inverse'}, or of the entry?"
            )
            raise r.error(what, start, stop, "SD133", "put brackets around the matrix and its superscript: (A^{-1})_{ij}")
        if kinds == {"transpose"}:
            return entry(r, transposed(r, x, stop), indexed, stop)
        if "power" in kinds and scripts.first == "sup":
            what = f"`{r.text(start, stop)}`: an entry of the power, or the power of the entry?"
            raise r.error(what, start, stop, "SD133", "write (A^2)_{ij} or A_{ij}^2")
    if x.family == len(indexed) < x.node.rank:
        colon = [Token("char", ":", start, start)]
        x = replace(
            entry(r, x, [*indexed, *[colon] * (x.node.rank - len(indexed))], stop),
            kind="column" if x.node.rank - len(indexed) == 1 else x.kind,
        )
    elif x.node.rank == 2 and len(indexed) == 1:
        x = _line(r, x, indexed, start, stop)
    else:
        x = entry(r, x, indexed, stop)
    return apply_raised(r, replace(x, start=start, stop=stop), raised, scripts.primes, stop)


def _line(r: LatexReader, x: Value, indexed: list[list[Item]], start: int, stop: int) -> Value:
    """`X_i` of the samples is a row, as a column."""
    if x.named in _SAMPLES.values() and not _all_numbers(indexed[0]):
        return sample(r, x, x.named, indexed, stop)
    if not r.lines or _all_numbers(indexed[0]):
        raise which_line(r, x, start, stop)
    side = f"{x.named or 'the matrix'}_i is {r.lines} i of {x.named or 'the matrix'}, as a column (the other does not fit)"
    r.assumptions.setdefault("line " + x.named, side)
    return entry(r, x, indexed, stop)



def sample(r: LatexReader, x: Value, written: str, indexed: list[list[Item]], stop: int) -> Value:
    """The i-th row of `X` as a column."""
    row = entry(r, x, [indexed[0], [Token("char", ":", x.start, x.stop)]], stop)
    what = f"{written}_i is row i of {x.named or 'the matrix'}, as a column"
    r.assumptions.setdefault("row " + written, what)
    return Value(row.node, "column", x.start, stop)


# names that are not known ------------------------------------------------------------------------------------------------------


def _unknown(r: LatexReader, key: Key, scripts: Scripts, parts: list[list[Item]], start: int, stop: int) -> Value:
    raised = list(scripts.raised)
    above: list[list[Item]] = []
    if raised and raised[0].kind == "bracket":
        inner = raised[0].items[0]
        assert isinstance(inner, Group)
        if is_index_part(r, inner.items) and not _all_numbers(inner.items):
            above = [list(inner.items)]
            raised = raised[1:]
    indices = [p for p in parts if is_index_part(r, p) and not _all_numbers(p)]
    if (parts and len(indices) == len(parts)) or above:
        found = _family(r, key, parts, above, start, stop)
        if found is not None:
            x, indexed = found
            return (
                finish(r, x, indexed, raised, scripts, start, stop)
                if indexed
                else apply_raised(r, x, raised, scripts.primes, stop)
            )
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


def _all_numbers(items) -> bool:
    return all(isinstance(i, Token) and i.kind == "number" for i in items)


def _family(r: LatexReader, key: Key, parts: list, above: list, start: int, stop: int) -> tuple[Value, list] | None:
    """Entries of something not declared under this very name: rows of X, entries of W written `w_{ij}`, or an array that is assumed."""
    upper = Key(key.base.upper(), key.accents, key.labels)
    count = len(parts) + len(above)
    if len(key.base) == 1 and key.base.islower() and (r.known(upper, start, stop) or r.is_defined(upper)):
        x = _value(r, upper, start, stop)
        if x.node.rank == 2 and count == 2:
            r.assumptions.setdefault("entries " + key.base, f"{key.base}_ij is entry i,j of {upper.identifier}")
            return x, [*above, *parts]
        if x.node.rank == 2 and count == 1 and key.base in _SAMPLES:
            return sample(r, x, key.base, above or parts, stop), []
        if x.node.rank == 2 and count == 1:
            return replace(x, start=start, stop=stop), above or parts
    if key == Key("delta") and len(parts) == 2:
        return None
    if above:
        name = upper.identifier if len(key.base) == 1 else key.identifier
        what = f"`{r.text(start, stop)}`: what is numbered by the bracket is not declared"
        raise r.error(what, start, stop, "SD133", f"declare `{name}: n,d`, whose rows are the samples, or `{key.identifier}: n`")
    if not r.guessing:
        return None
    if any(not r.is_index(letter_of(p)) for p in parts) and not _label_subscript(r, parts):
        return None
    integer = ("integer",) if r.expecting_label else ()
    x = r.assume(key, count, start, stop, integer, f"it has {count} ind{'ex' if count == 1 else 'ices'}")
    return x, parts


def _label_subscript(r: LatexReader, parts: list) -> bool:
    """`s_{y_i}`: subscripts that are labels."""
    return all(r.is_index(letter_of(p)) or any(isinstance(i, Token) and i.kind == "sub" for i in p) for p in parts)


def _new_name(r: LatexReader, key: Key, scripts: Scripts, parts: list, raised: list[Raised], start: int, stop: int) -> Value:
    """A variable that is neither declared nor defined: its subscript and its bracket are labels."""
    base_known = r.known(key, start, stop) or r.is_defined(key)
    if parts:
        label = label_text([i for p in parts for i in p])
        letter = letter_of(parts[0]) if len(parts) == 1 else ""
        if label is None:
            what = f"`{r.text(start, stop)}`: the subscript is neither an index nor a label"
            raise r.error(what, start, stop, "SD133", "declare the array, and bind its index by a sum or on the left side")
        if base_known and _value(r, key, start, stop).is_array:
            shown = letter or "".join(letter_of(p) for p in parts) or label
            hint = f"write the sum over {shown}, or declare `{key.labelled(label).identifier}: …`"
            if r.known(Key(shown), start, stop):
                hint = f"declare it: `{shown}: scalar integer`, or `{key.labelled(label).identifier}: …`"
            what = f"`{r.text(start, stop)}`: {shown} is neither an index of a sum or of the left side nor a label"
            raise r.error(what, start, stop, "SD133", hint)
        key = key.labelled(label)
    if raised and raised[0].kind in ("bracket", "star"):
        inner = raised[0].items[0]
        label = "star" if raised[0].kind == "star" else label_text(inner.items) if isinstance(inner, Group) else None
        if label is None:
            raise r.error(f"`{r.text(start, stop)}`: the bracket is neither a label nor an index", start, stop, "SD133")
        key = key.labelled(label)
        raised = raised[1:]
    if r.is_defined(key) or r.known(key, start, stop):
        return apply_raised(r, _value(r, key, start, stop), raised, scripts.primes, stop)
    if len(key.base) == 1 or key.base in GREEK:
        r.as_variables.add(key.base)
    upper = _SAMPLES.get(key.base, "")
    if upper in r.declared.vars and key.labels and key.labels[-1].isdigit() and not key.accents:
        what = f"`{r.text(start, stop)}`: a row of `{upper}`, or a variable of its own?"
        raise r.error(what, start, stop, "SD133", f"write {upper}_{{{key.labels[-1]},:}}^\\top for the row, or declare `{key.identifier}: …`")
    if r.known(Key(key.base), start, stop) and key.labels and not key.accents:
        base = r.value_of_name(r.known(Key(key.base), start, stop), start, stop)
        if base.is_array and all(label.isdigit() for label in key.labels):
            what = f"`{r.text(start, stop)}`: an entry of `{base.named}`, or a variable of its own?"
            raise r.error(what, start, stop, "SD133", f"declare `{key.identifier}: …`")
    return apply_raised(r, r.assume(key, None, start, stop), raised, scripts.primes, stop)


def _without_iteration(r: LatexReader, key: Key, scripts: Scripts) -> tuple[Key, Scripts]:
    """In `w_{t+1} = w_t - …` the label t only counts the steps."""
    if not r.iteration:
        return key, scripts
    if scripts.sub is not None and label_text(scripts.sub) in r.iteration:
        return key, replace(scripts, sub=None, sub_item=None)
    if scripts.raised and scripts.raised[0].kind in ("bracket", "power"):
        inner = scripts.raised[0].items
        text = label_text(inner[0].items if isinstance(inner[0], Group) else inner)
        if text in r.iteration and (scripts.raised[0].kind == "bracket" or "power" in r.iteration):
            return key, replace(scripts, raised=scripts.raised[1:])
    return key, scripts


# constants -----------------------------------------------------------------------------------------------------------------------


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
    import sympy

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
    if parts:
        size = size_of_label(r, parts, start, stop)
    else:
        size = r.context_size(anchor, "I", start, stop)
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


# superscripts ------------------------------------------------------------------------------------------------------------------


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
    """`x^T` with a variable T.

    Raises:
        InputError: SD133.
    """
    plain = [i for i in one.items if not is_char(i, "-")]
    if len(plain) == 1 and is_char(plain[0], "T") and (r.known(Key("T"), x.start, one.stop) or r.is_defined(Key("T"))):
        what = f"`{r.text(x.start, one.stop)}`: a transpose, or a power by the declared T?"
        raise r.error(what, x.start, one.stop, "SD133", r"write ^\top for the transpose")


def scripts_on_value(r: LatexReader, c: Cursor, x: Value) -> Value:
    """Scripts on a bracket or a function value: `(XW)_{ik}`, `(A + B)^{-1}`, `f(x)^2`."""
    scripts = read_scripts(r, c)
    if not scripts:
        return x
    stop = scripts.stop
    x = replace(x, literal=False) if scripts.sub is not None else x
    if scripts.sub is None:
        return apply_raised(r, x, scripts.raised, scripts.primes, stop)
    return finish(r, x, split_indices(scripts.sub), scripts.raised, scripts, x.start, stop)


def ambiguous_name(r: LatexReader, key: Key, start: int, stop: int, readings: str) -> InputError:
    return r.error(
        f"`{r.text(start, stop)}` can mean {readings}",
        start,
        stop,
        "SD133",
        f"declare `{key.identifier}`, or write the product with \\cdot",
    )


__all__ = [
    "Var", "ambiguous_name", "apply_raised", "exponential", "finish", "identity", "kronecker", "name_key", "read_named", "scripts_on_value",
    "size_of_label",
]  # fmt: skip
