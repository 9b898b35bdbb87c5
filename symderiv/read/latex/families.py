r"""Declarations of one of many: `x^{(i)}: d` says that there is a vector for every i, `w_j: d`, `y_i`, `w_{ij}` likewise.

Where the letter is an index in the text (a sum runs over it, or the name stands with another index, `w_{y_i}`), the declared
name is one entry of an array with one more axis: `x_j^{(i)}` is entry (i, j). Where it is not, the letter is a label: `y_i` is a
variable like another. Letters at the end of a range are sizes even where they are declared as scalars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sympy import Expr

from ...errors import InputError
from ...expr.nodes import Call, Node, Var
from ...expr.walk import postorder
from ...ops._rules import is_whole
from ..declarations import Declarations
from .naming import ACCENTS, Key, keys_of
from .scripts import content
from .tree import Group, Item, Token, is_char, is_macro, plain_text

if TYPE_CHECKING:
    from .reader import LatexReader
    from .split import Raw

_LETTERS = frozenset("ijklmnpqrst")
_RANGES = ("sum", "prod", "max", "min", "argmax", "argmin")


@dataclass(frozen=True)
class Family:
    """`x^{(i)}: d`: an array `x` with the axes of the letters first."""

    declared: Var
    name: str
    letters: tuple[str, ...]


@dataclass(frozen=True)
class Families:
    """What the declarations of a text number.

    Attributes:
        found: the families.
        ready: names that are declared as whole arrays, and how many of their axes a label numbers.
        labels: letters that are labels of declared names, and no indices.
        gone: declared names that are entries of a family.
    """

    found: tuple[Family, ...] = ()
    ready: dict[str, int] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


class NeedsLabel(InputError):
    """SD133: a declared scalar is used as an index, which it can be only if it is a whole number."""

    name = ""


_STEP = re.compile(r"([a-z])_(?:minus|plus)_\d+")  # h_{t-1} beside h_t: t counts steps


def find_families(declared: Declarations, raws: Sequence[Raw]) -> Families:
    """The families among the declarations, by how the text uses their letters."""
    numbered: dict[str, tuple[Key, str, Var]] = {}
    letters = _LETTERS
    if any(
        len(label) == 1 and label.isalpha() and label not in letters
        for v in declared.vars.values()
        for label in v.name.split("_")[1:]
    ):
        sides = [s for raw in raws for s in raw.sides]
        letters |= {
            x for s in sides for _, index, where in _subscripted(s) if where == "range" for x in _heads(index) if x.islower()
        }
    for v in declared.vars.values():
        for key in keys_of(v.name):
            at = next((k for k, label in enumerate(key.labels) if set(label) <= letters and len(label) <= 2), None)
            if at is not None and not any(letter in declared.vars for letter in key.labels[at]):
                rest = Key(key.base, key.accents, key.labels[:at] + key.labels[at + 1 :])
                numbered[v.name] = (rest, key.labels[at], v)
    steps = {
        m[1] for v in declared.vars.values() for key in keys_of(v.name) for label in key.labels if (m := _STEP.fullmatch(label))
    }
    if not numbered:
        return Families(labels=frozenset(steps))
    live = _live_letters(numbered, raws) - steps
    for _ in range(len(numbered)):  # the letters of one name are indices together
        live |= {letter for _, label, _ in numbered.values() if set(label) & live for letter in label}
    found: list[Family] = []
    ready: dict[str, int] = {}
    gone: set[str] = set()
    for key, label, v in numbered.values():
        if not set(label) & live:
            continue
        name = key.identifier
        whole = declared.vars.get(name)
        if whole is not None and whole.rank == v.rank + len(label):
            ready[name] = len(label)
            gone.add(v.name)
        elif whole is None:
            gone.add(v.name)
            found.append(Family(v, name, tuple(label)))
    labels = ({letter for _, label, _ in numbered.values() for letter in label} - live) | steps
    return Families(tuple(found), ready, frozenset(labels), frozenset(gone))


def _live_letters(numbered: dict[str, tuple[Key, str, Var]], raws: Sequence[Raw]) -> set[str]:
    """Letters that the text uses as indices."""
    bases = {key.base: label for key, label, _ in numbered.values()}
    ranks = {key.base: v.rank for key, _, v in numbered.values()}
    letters = {letter for label in bases.values() for letter in label}
    live: set[str] = set()
    every = [s for raw in raws for s in (*raw.sides, *(s for c in raw.conditions for s in c.sides))]
    plain = {(base, plain_text(index)) for s in every for base, index, where in _subscripted(s) if where == "above"}
    layers = {base: label for base, label in bases.items() if (base, label) in plain}  # w^l: l is the label of a layer
    for raw in raws:
        sides = [*raw.sides, *(s for c in raw.conditions for s in c.sides)]
        for k, side in enumerate(sides):
            for base, index, where in _subscripted(side):
                if where == "range":
                    live |= letters & _heads(index)
                    continue
                text = plain_text(index).replace(" ", "").strip("()")
                if (base in layers and text != layers[base]) or (where == "above" and text in layers.values()):
                    continue
                if base in bases:
                    own = bases[base]
                    if ranks[base] and text != own and text.startswith(own):
                        more = text[len(own) :].replace(",", "")
                        if 0 < len(more) <= ranks[base] and more.isalnum():
                            continue  # x_{ij}: entry j of the declared x_i
                    if text != own and not text.isdigit() and _may_be_index(text):
                        live |= set(bases[base])
                elif k or not raw.signs:
                    live |= letters & _own_letters(index)
    return live


def _may_be_index(text: str) -> bool:
    """Whether a script can say which one is meant: `y_i`, `k`, `ql`; `T`, `\\top`, `-1`, `2` cannot."""
    return bool(text) and text[0] in _LETTERS | {"y"} and all(c.isalnum() or c in "_{},+-" for c in text)


def _own_letters(index: Sequence[Item]) -> set[str]:
    """The letters of an index but for those of its own subscripts: k of `k y_i`."""
    scripted = {k + 1 for k, i in enumerate(index) if isinstance(i, Token) and i.kind in ("sub", "sup")}
    return {i.text for k, i in enumerate(index) if isinstance(i, Token) and k not in scripted}


def _heads(index: Sequence[Item]) -> set[str]:
    out = set()
    for k, i in enumerate(index):
        begins = k == 0 or is_char(index[k - 1], ",")
        if isinstance(i, Token) and i.kind == "char" and begins:
            out.add(i.text)
    return out


def _subscripted(items: Sequence[Item]) -> Iterator[tuple[str, tuple[Item, ...], str]]:
    """(base, what stands in the subscript or the bracket above, below, bracket, above or range), at any depth."""
    todo: list[list[Item]] = [list(items)]
    while todo:
        level = todo.pop()
        base: Item | None = None
        accented = False
        for k, item in enumerate(level):
            if isinstance(item, Token) and item.kind in ("sub", "sup") and k + 1 < len(level) and base is not None:
                inner, where = tuple(content(level[k + 1])), "below" if item.kind == "sub" else "above"
                if item.kind == "sup" and len(inner) == 1 and isinstance(inner[0], Group) and inner[0].opener == "(":
                    inner, where = tuple(inner[0].items), "bracket"
                elif item.kind == "sup" and not (len(inner) == 1 and is_char(inner[0], *_LETTERS)):
                    continue
                name = "" if accented else _base_text(base)
                yield name, inner, "range" if is_macro(base, *_RANGES) else where
            elif not (k and isinstance(level[k - 1], Token) and level[k - 1].kind in ("sub", "sup")):  # type: ignore[union-attr]
                accented = bool(k) and is_macro(level[k - 1], *ACCENTS)
                base = item
            if not isinstance(item, Token):
                todo.append(list(item.items))


def _base_text(item: Item) -> str:
    if isinstance(item, Token):
        return item.text
    inner = [i for i in item.items if isinstance(i, Token) and i.kind in ("char", "macro")]
    return inner[-1].text if inner and not any(is_macro(i, *ACCENTS) for i in inner) else ""


def without_families(declared: Declarations, families: Families) -> Declarations:
    """The declarations without what is declared of one of many."""
    keep = {n: v for n, v in declared.vars.items() if n not in families.gone}
    return Declarations(
        keep,
        {n: w for n, w in declared.where.items() if n in keep},
        {n: s for n, s in declared.spans.items() if n in keep},
        dict(declared.sizes),
    )


def assume_families(r: LatexReader, families: Families) -> None:
    """The arrays of the families, with unknown sizes for their letters, equal for equal letters."""
    assert r.inference is not None
    sizes: dict[str, Expr] = {}
    for f in families.found:
        v = f.declared
        why = f"{v.name} is declared: one for each {' and '.join(f.letters)}"
        array = r.inference.guess(f.name, v.rank + len(f.letters), why, tuple(v.attrs))
        r.table.add(f.name)
        for letter, size in zip(f.letters, array.shape, strict=False):
            r.unify(sizes.setdefault(letter, size), size)
        for own, size in zip(v.shape, array.shape[len(f.letters) :], strict=True):
            r.unify(size, own)


def ranges_declared_as_scalars(declared: Declarations, letters: Sequence[str], used: set[Var]) -> Declarations:
    """Declarations without the scalars that end a range: these are sizes. What the surroundings use as a number stays."""
    gone = {s for s in letters if s in declared.vars and not declared.vars[s].rank and declared.vars[s] not in used}
    if not gone:
        return declared
    keep = {n: v for n, v in declared.vars.items() if n not in gone}
    return Declarations(keep, dict(declared.where), dict(declared.spans), dict(declared.sizes))


def label_needed(r: LatexReader, v: Var, start: int, stop: int) -> NeedsLabel:
    """A declared scalar stands as an index."""
    what = f"`{r.text(start, stop)}` is not an index"
    error = NeedsLabel(what, code="SD133", hint=f"declare it: `{v.name}: scalar integer`", span=r.span(start, stop))
    error.name = v.name
    return error


def with_label(declared: Declarations, name: str) -> Declarations:
    """The declarations with a scalar as a whole number."""
    v = declared.vars[name]
    return Declarations(
        {**declared.vars, name: Var(name, v.shape, (*v.attrs, "integer"))},
        dict(declared.where),
        dict(declared.spans),
        dict(declared.sizes),
    )


def used_as_value(v: Var, words: Sequence[Node]) -> bool:
    """Whether a variable stands anywhere but as an index, a label, or one side of a comparison."""
    for node in postorder(*words):
        if not isinstance(node, Call) or v not in node.operands:
            continue
        if node.name == "getitem" and node.operands[0] is not v:
            continue
        if node.name not in ("eq", "ne", "onehot", "add", "neg") or (node.name in ("add", "neg") and not is_whole(node)):
            return True
    return any(x is v for x in words)


__all__ = [
    "Families", "Family", "NeedsLabel", "assume_families", "find_families", "label_needed", "ranges_declared_as_scalars",
    "used_as_value", "with_label", "without_families",
]  # fmt: skip
