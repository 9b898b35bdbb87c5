r"""`X \in \mathbb{R}^{n \times d}`: declarations that a text makes by membership in a set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import SymDerivError
from ..read.latex.identifiers import identifier_of
from ..read.latex.naming import label_text
from ..read.latex.scripts import content
from ..read.latex.tree import Group, Item, Token, is_char, is_macro

_FONTS = ("mathbb", "mathcal", "mathbf", "mathrm", "Bbb", "mathds", "mathsf", "bf", "text")


def names_before(items: Sequence[Item], text: str) -> list[str]:
    """The names of `X, Y`; nothing where something else stands there."""
    parts: list[list[Item]] = [[]]
    for item in items:
        if is_char(item, ",") or is_macro(item, "quad"):
            parts.append([])
        else:
            parts[-1].append(item)
    out = []
    for part in parts:
        if not part:
            continue
        try:
            out.append(identifier_of(text[part[0].start : part[-1].stop]))
        except SymDerivError:
            return []
    return out


def shape_of_set(items: Sequence[Item]) -> str | None:
    """The declaration that a set makes, `n,d`, `n positive`, `scalar`; None where it is not known."""
    items = _opened(list(items))
    if not items:
        return None
    attrs = ""
    letter, rest = _head(items)
    if letter is None:
        return _other_set(items)
    power: list[Item] = []
    k = 0
    while k + 1 < len(rest) and isinstance(rest[k], Token) and rest[k].kind in ("sup", "sub"):  # type: ignore[union-attr]
        inner = list(content(rest[k + 1]))
        if rest[k].kind == "sub" or _is_plus(inner):  # type: ignore[union-attr]
            signs = [
                i
                for i in inner
                if is_char(i, "+", ">", "0", "*") or is_macro(i, "geq", "ge", "geqslant", "star") or isinstance(i, Token)
            ]
            if not _is_plus(inner) and not (inner and (is_char(inner[0], ">") or is_macro(inner[0], "geq", "ge"))):
                return None
            attrs = _attribute(letter, inner, signs)
        else:
            power = inner
        k += 2
    if k != len(rest):
        return None
    if letter in ("N", "Z", "Q"):
        return ("scalar" if letter == "Q" else "scalar integer") if not power else None
    sizes = _sizes(power)
    if sizes is None:
        return None
    if letter == "S":
        if len(sizes) != 1:
            return None
        return f"{sizes[0]},{sizes[0]} {'psd' if attrs else 'symmetric'}"
    return f"{','.join(sizes) or 'scalar'}{' ' + attrs if attrs else ''}".strip()


_SAID = (
    (re.compile(r"\bprobability (?:distribution|vector)|\bprobabilities in its rows|\bon the simplex\b"), "simplex"),
    (re.compile(r"\bone[- ]hot\b"), "onehot"),
    (re.compile(r"\bpositive entries\b"), "positive"),
    (re.compile(r"\bno negative entr|\b(?:non-?negative|nonnegative) entries"), "nonnegative"),
)
_OF_SQUARES = (
    (re.compile(r"\b(?<!semi-)(?<!semi)positive[- ]definite"), "psd"),
    (re.compile(r"(?<!non-)(?<!non)(?<!not )\bsymmetric\b"), "symmetric"),
    (re.compile(r"(?<!off-)(?<!off)(?<!not )\bdiagonal\b(?! entr)"), "diagonal"),
)


def attributes_said(spec: str, before: str, after: str) -> str:
    """The attribute that the words around a declaration give an array, `symmetric`, or ""."""
    if spec.startswith("scalar"):
        return ""
    close = re.match(r"\s*\(([^()$]*)\)", after)
    around = close[1] if close else after + " " + before
    sizes = spec.split(" ")[0].split(",")
    if len(sizes) == 2 and sizes[0] == sizes[1]:
        found = next((a for pattern, a in _OF_SQUARES if pattern.search(around)), "")
        if found and not (found == "psd" and "semi" in around):
            return found
    own = close[1] if close else after.split("$")[0] + " " + before
    return next((a for pattern, a in _SAID if pattern.search(around if a == "onehot" else own)), "")


def _opened(items: list[Item]) -> list[Item]:
    while len(items) == 1 and isinstance(items[0], Group) and items[0].opener == "brace":
        items = list(items[0].items)
    while items and (is_char(items[-1], ".", ",", ";") or is_macro(items[-1], "quad", "qquad")):
        items.pop()
    return items


def _head(items: list[Item]) -> tuple[str | None, list[Item]]:
    r"""R of `\mathbb{R}`, `\mathbf R`, `\R`, and what follows."""
    first = items[0]
    if is_macro(first, *_FONTS) and len(items) > 1:
        word = label_text(content(items[1]))
        return (word if word in ("R", "S", "N", "Z", "Q") else None), items[2:]
    if is_macro(first, "R", "Re", "reals", "Reals", "RR"):
        return "R", items[1:]
    if isinstance(first, Token) and first.text == "ℝ":
        return "R", items[1:]
    if isinstance(first, Group) and first.opener == "brace" and first.items:
        letter, rest = _head(list(first.items))
        return (letter if not rest else None), items[1:]
    return None, items


def _is_plus(inner: list[Item]) -> bool:
    return bool(inner) and all(is_char(i, "+") for i in inner)


def _attribute(letter: str, inner: list[Item], signs: list) -> str:
    if letter == "S":
        return "psd" if len(inner) == 2 else ""
    strict = (len(inner) == 2 and all(is_char(i, "+") for i in inner)) or (bool(inner) and is_char(inner[0], ">"))
    return "positive" if strict else "nonnegative"


def _sizes(power: list[Item]) -> list[str] | None:
    if not power:
        return []
    parts: list[list[Item]] = [[]]
    for item in power:
        if is_macro(item, "times") or is_char(item, ",") or (is_char(item, "x") and len(power) > 2):
            parts.append([])
        else:
            parts[-1].append(item)
    out = []
    for part in parts:
        text = size_text(part)
        if text is None:
            return None
        out.append(text)
    return out


def size_text(part: Sequence[Item]) -> str | None:
    """`n`, `n+1`, `2d`, `d_{in}` as a size of the language."""
    part = [i for i in part if not is_macro(i, "cdot", ",")]
    if len(part) == 1 and isinstance(part[0], Group) and part[0].opener in ("brace", "("):
        return size_text(part[0].items)
    out: list[str] = []
    k = 0
    while k < len(part):
        item = part[k]
        if isinstance(item, Token) and item.kind == "number":
            out.append(item.text)
        elif is_char(item, "+", "-"):
            out.append(item.text)  # type: ignore[union-attr]
        elif (isinstance(item, Token) and (item.kind == "char" and item.text.isalpha())) or is_macro(item):
            name = [item]
            while k + 2 < len(part) + 1 and k + 1 < len(part) and isinstance(part[k + 1], Token) and part[k + 1].kind == "sub":  # type: ignore[union-attr]
                name += part[k + 1 : k + 3]
                k += 2
            word = item.text if isinstance(item, Token) else ""
            label = label_text([i for i in name[2:] if not (isinstance(i, Token) and i.kind == "sub")]) if len(name) > 2 else ""
            if label is None or (is_macro(item) and not word.isalpha()):
                return None
            word = word + (label if label.isdigit() else "_" + label if label else "")
            if out and out[-1] not in "+-":
                out.append("*")
            out.append(word)
        else:
            return None
        k += 1
    text = "".join(out)
    return text if text and text[-1] not in "+-" else None


def _other_set(items: list[Item]) -> str | None:
    r"""`\{0, 1\}`, `\{0, 1\}^n`, `\{1, \dots, k\}`, `[0, 1]`, `(0, 1)^n`, `\Delta^{k-1}` is left alone."""
    first = items[0]
    if not isinstance(first, Group) or first.opener not in ("{", "[", "("):
        return None
    sizes: list[str] | None = []
    if len(items) == 3 and isinstance(items[1], Token) and items[1].kind == "sup":
        sizes = _sizes(list(content(items[2])))
    elif len(items) != 1:
        return None
    if sizes is None:
        return None
    inner = [i for i in first.items if not is_char(i, ",")]
    numbers = [i.text for i in inner if isinstance(i, Token) and i.kind == "number"]
    dots = any(is_macro(i, "dots", "ldots", "cdots", "dotsc") for i in inner)
    shape = ",".join(sizes) or "scalar"
    if first.opener == "{" and dots and numbers[:1] in (["1"], ["0"]):
        return f"{shape} integer" if numbers[0] == "0" or numbers[0] == "1" else None
    if first.opener == "{" and numbers == ["0", "1"] and not dots:
        return shape
    if first.opener == "{" and len(inner) == 3 and is_char(inner[0], "-"):
        return shape  # {-1, 1}
    if first.opener in ("[", "(") and numbers == ["0", "1"]:
        return f"{shape} positive"
    return None


__all__ = ["attributes_said", "names_before", "shape_of_set", "size_text"]
