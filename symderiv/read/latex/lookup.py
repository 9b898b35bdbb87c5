r"""What a name with scripts means: `W_{jk}`, `x_j^{(i)}`, `\hat{y}_i`, `W^{(2)\top}`, `s_{y_i}`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sympy import Rational

from ...errors import InputError
from ...expr.nodes import Num
from .indices import (
    entry,
    index_value,
    is_index_part,
    letter_of,
    split_indices,
    which_line,
)
from .naming import ACCENTS, FONTS, GREEK, Key, label_text
from .raised import apply_raised
from .scripts import Raised, Scripts, argument, content, read_scripts
from .tokens import MAX_NAME
from .tree import Cursor, Group, Item, Token, is_char, is_macro, plain_text
from .values import Value, transposed

if TYPE_CHECKING:
    from .reader import LatexReader
SAMPLES = {"x": "X", "y": "Y"}  # rows of a declared matrix


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
        if item.text not in ACCENTS:
            return key
        accented = Key(key.base, (*key.accents, ACCENTS[item.text]), key.labels)
        arrow = item.text == "vec" and _is_known(r, key) and not _is_known(r, accented)
        return key if arrow else accented  # an arrow is a font where only the bare name is declared
    if isinstance(item, Group) and item.opener == "brace" and len(item.items) > 1 and is_macro(item.items[0], *FONTS):
        key = key_of_items(r, item.items)  # {\bf w}
        if key is not None and key.labels and not _is_known(r, key):
            return None  # {\mathbf{e}_y}: what its subscript means is read inside the braces
        if key is not None:
            c.next()
        return key
    return None


def _is_known(r: LatexReader, key: Key) -> bool:
    return bool(r.known(key, 0, 1)) or r.is_defined(key)


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
    if (letters or escaped) and items[-1].stop - items[0].start > MAX_NAME:
        what = f"the name `{r.text(items[0].start, items[-1].stop, 20)}` has more than {MAX_NAME} characters"
        raise r.error(what, items[0].start, items[-1].stop, "SD131")
    if (letters or escaped) and len(items) > 1 and items[0].text[:1].isalpha():  # type: ignore[union-attr]
        return Key("".join(i.text for i in items))  # type: ignore[union-attr]
    return None


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
    root = _power_of_square(r, key, scripts, start, stop)
    if root is not None:
        return root
    found = _interpretations(r, key, scripts, parts, start, stop)
    if len(found) > 1:
        what = f"`{r.text(start, stop)}` can mean " + " or ".join(t for t, *_ in found)
        raise r.error(what, start, stop, "SD133", "rename one of the two")
    if not found:
        from .unknown import unknown_name

        return unknown_name(r, key, scripts, parts, start, stop)
    _, full, used, rest, raised = found[0]
    x = known_value(r, full, start, stop)
    if rest and not x.family:
        r.assumptions.setdefault("(i) " + full.identifier, f"the bracketed index of {full.identifier} is a subscript: entry i")
    indexed = rest + parts[used:]  # the samples are the first axis
    return finish(r, x, indexed, raised, scripts, start, stop)


def known_value(r: LatexReader, key: Key, start: int, stop: int) -> Value:
    if r.is_defined(key):
        return r.value_of_definition(key, start, stop)
    return r.value_of_name(r.known(key, start, stop), start, stop)


def _interpretations(r: LatexReader, key: Key, scripts: Scripts, parts: list[list[Item]], start: int, stop: int) -> list[tuple]:
    """(in words, key with labels, parts that are labels, indices of samples, superscripts that are left) for every known
    reading."""
    out: list[tuple] = []
    raised = scripts.raised
    labels_above: list[tuple[Key, list[list[Item]], list[Raised]]] = [(key, [], raised)]
    if raised and raised[0].kind in ("bracket", "star", "power"):
        inner = raised[0].items[0] if raised[0].kind == "bracket" else None
        inside = inner.items if isinstance(inner, Group) else raised[0].items
        label = "star" if raised[0].kind == "star" else label_text(inside)
        plain_number = (
            raised[0].kind == "power"
            and not _is_squared_name(r, key, raised[0])
            and all(isinstance(i, Token) and i.kind == "number" for i in inside)
        )
        if label and not plain_number:
            above = (key.labelled(label), [], raised[1:])  # type: ignore[var-annotated]
            only = raised[0].kind == "star" or _is_squared_name(r, key, raised[0])
            labels_above = [above] if only else [*labels_above, above]
        if raised[0].kind == "bracket" and is_index_part(r, inside) and not all_numbers(inside):
            labels_above.append((key, [list(inside)], raised[1:]))
    for base, sample, left in labels_above:
        for used in range(len(parts) + 1):
            text = label_text([i for part in parts[:used] for i in part]) if used else ""
            if text is None or (used and used < len(parts) and not _is_label(parts[:used])):
                continue
            full = Key(base.base, base.accents, ((text,) if text else ()) + base.labels) if used else base
            if not (r.is_defined(full) or r.known(full, start, stop)):
                continue
            rest = sample + parts[used:]
            if used and any(letter_of(part) in r.scope for part in parts[:used]):
                continue  # the letter is an index here, not a label
            if rest and not (all(is_index_part(r, p) for p in rest) and _has_axes(r, full, len(rest), start, stop)):
                continue
            if left and left[0].kind == "bracket":
                continue
            if (
                rest
                and _is_lone_digit(rest, known_value(r, full, start, stop).node.rank)
                and _is_other(r, full, rest, start, stop)
            ):
                continue
            shown = full.identifier
            words = f"the variable `{shown}`" if not rest else f"an entry of `{shown}`"
            out.append((words, full, used, sample, left))
    samples = [o for o in out if o[3]]
    plain = [o for o in out if not o[3]]
    return plain or samples if not (plain and samples) else plain + samples


def _power_of_square(r: LatexReader, key: Key, scripts: Scripts, start: int, stop: int) -> Value | None:
    r"""`\sigma` and `\sigma^4` beside a declared `\sigma^2`, which is a number."""
    square = key.labelled("2")
    if square.identifier not in r.squares or scripts.sub is not None or scripts.primes or len(scripts.raised) > 1:
        return None
    name = r.known(square, start, stop)
    if not name or r.known(key, start, stop) or r.is_defined(key) or r.value_of_name(name, start, stop).node.rank:
        return None
    one = scripts.raised[0] if scripts.raised else None
    text = plain_text(one.items) if one is not None else "1"
    if (one is not None and one.kind not in ("power", "inverse")) or not text.lstrip("-").isdigit() or text == "2":
        return None
    x = r.value_of_name(name, start, stop)
    if int(text) % 2 and not x.node.is_a("positive"):  # type: ignore[attr-defined]
        return None
    r.assumptions.setdefault("square " + name, f"{key.identifier} is the root of the declared {name}")
    power = Num(Rational(int(text), 2))
    return Value(r.make("pow", x.node, power, start=start, stop=stop), "scalar", start, stop)


def _is_squared_name(r: LatexReader, key: Key, one: Raised) -> bool:
    r"""Whether `\sigma^2` itself is declared."""
    label = label_text(one.items)
    return bool(label) and key.labelled(str(label)).identifier in r.squares


def _is_other(r: LatexReader, key: Key, rest: list[list[Item]], start: int, stop: int) -> bool:
    """Whether the digit is the label of a known name."""
    full = key.labelled(plain_text(rest[0]))
    return r.is_defined(full) or bool(r.known(full, start, stop))


def _is_label(parts: list[list[Item]]) -> bool:
    return all(len(p) == 1 and isinstance(p[0], Token) for p in parts)


def _has_axes(r: LatexReader, key: Key, count: int, start: int, stop: int) -> bool:
    if r.is_defined(key):
        d = r.definitions[key]
        return (
            bool(d.letters) and len(d.letters) >= count
            if d.busy or d.letters
            else known_value(r, key, start, stop).node.rank >= 1
        )
    name = r.known(key, start, stop)
    return r.value_of_name(name, start, stop).node.rank >= 1


def _is_lone_digit(parts: list[list[Item]], rank: int) -> bool:
    """`W_1` of a matrix is a name with a label, no entry."""
    return len(parts) == 1 and rank > 1 and all_numbers(parts[0]) and len(plain_text(parts[0])) != rank


def finish(
    r: LatexReader, x: Value, indexed: list[list[Item]], raised: list[Raised], scripts: Scripts, start: int, stop: int
) -> Value:
    """Entries, then superscripts; a superscript between the name and a subscript that it could belong to is told."""
    if not indexed:
        return apply_raised(r, replace(x, stop=stop), raised, scripts.primes, stop)
    digits = indexed[0][0] if len(indexed) == 1 and all_numbers(indexed[0]) else None
    if isinstance(digits, Token) and len(digits.text) == x.node.rank > 1:  # A_{12}
        indexed = [[digits._replace(text=d)] for d in digits.text]
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
            entry(r, x, [*indexed, *[colon] * (x.node.rank - len(indexed))], stop),  # type: ignore[list-item]
            kind="column" if x.node.rank - len(indexed) == 1 else x.kind,
        )
    elif x.node.rank == 2 and len(indexed) == 1:
        x = _line(r, x, indexed, start, stop)
    else:
        x = entry(r, x, indexed, stop)
    return apply_raised(r, replace(x, start=start, stop=stop), raised, scripts.primes, stop)


def _line(r: LatexReader, x: Value, indexed: list[list[Item]], start: int, stop: int) -> Value:
    """`X_i` of the samples is a row, as a column."""
    if x.named in SAMPLES.values() and not all_numbers(indexed[0]):
        return sample(r, x, x.named, indexed, stop)
    if not r.lines or all_numbers(indexed[0]):
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


def all_numbers(items) -> bool:
    return all(isinstance(i, Token) and i.kind == "number" for i in items)


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
