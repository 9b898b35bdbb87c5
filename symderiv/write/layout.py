r"""Breaking long formulas: at plus and minus signs outside brackets and groups, so that lines fit a page."""

from __future__ import annotations

import itertools
import re

from .mathtree import parse, width

PAGE = 68.0  # letters of a formula that fit between the margins of an article at 11 pt
_SCAN = re.compile(r"\\left\b|\\right\b|\\begin\b|\\end\b|\\[a-zA-Z]+|\\.|[{}()\[\]]|[+-]|.", re.S)


def formula_width(latex: str) -> float:
    """Width in letters, roughly."""
    return width(parse(latex))


def break_points(latex: str) -> tuple[list[int], list[int]]:
    r"""Places before `+` and `-` (and `\odot`) outside all brackets, and those inside plain brackets at most."""
    outside: list = []
    inside: list = []
    fixed = plain = 0  # groups and \left ... \right cannot be broken; plain brackets can
    after_space = False
    for m in _SCAN.finditer(latex):
        t = m.group(0)
        if t in ("{", "\\left", "\\begin"):
            fixed += 1
        elif t in ("}", "\\right", "\\end"):
            fixed -= 1
        elif t in ("(", "["):
            plain += 1
        elif t in (")", "]"):
            plain -= 1
        elif t in ("+", "-", "\\odot") and after_space and fixed == 0 and m.start() > 0:
            (outside if plain <= 0 else inside).append(m.start())
        after_space = t.isspace()
    return outside, inside


def lines_of(latex: str, room: float) -> list[str]:
    """The formula in lines of at most `room` letters where it can be broken."""
    if formula_width(latex) <= room:
        return [latex]
    outside, inside = break_points(latex)
    for places in (outside, sorted([*outside, *inside])):
        out = _filled(latex, places, room)
        if all(_safe_width(line) <= room for line in out):
            return out
    return _filled(latex, sorted([*outside, *inside]), room)


def _filled(latex: str, places: list[int], room: float) -> list[str]:
    cuts = [0, *places, len(latex)]
    pieces = [latex[a:b] for a, b in itertools.pairwise(cuts) if b > a]
    lines: list[str] = []
    for piece in pieces:
        if lines and _safe_width(lines[-1] + piece) <= room:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.strip() for line in lines]


def _safe_width(latex: str) -> float:
    """Width of a piece whose brackets need not match."""
    return width(parse(latex))


def text_lines(text: str, room: int) -> list[str]:
    """The same for Unicode: broken before plus and minus signs outside brackets."""
    if len(text) <= room:
        return [text]
    depth, places = 0, []
    for k, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if c in "+−⊙" and depth <= 0 and k and text[k - 1] == " " and text[k + 1 : k + 2] == " ":
            places.append(k)
    cuts = [0, *places, len(text)]
    lines: list[str] = []
    for a, b in itertools.pairwise(cuts):
        if lines and len(lines[-1]) + b - a <= room:
            lines[-1] += text[a:b]
        else:
            lines.append(text[a:b])
    return [line.rstrip() for line in lines]


__all__ = ["PAGE", "formula_width", "lines_of", "text_lines"]
