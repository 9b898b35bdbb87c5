"""Words in LaTeX with the names as the document writes them."""

from __future__ import annotations

import re

from ..errors import SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.walk import postorder
from ..write.latex import latex_name, to_latex
from .reading import Reading

LONGEST = 400
_POWER = re.compile(r"\^\s*\{?\s*(\d|T\b|\\top|\\intercal)")  # `x^2` is no spelling of x


def spelled(words: Node, reading: Reading, text: str) -> str:
    """LaTeX of words; "" where it would be too long to help."""
    try:
        if reading.entries and words.rank >= len(reading.entries):
            return ""  # a line entry by entry is mended by its author
        if any(isinstance(n, Index) for n in postorder(words)) and len(list(postorder(words))) > 60:
            return ""
        out = to_latex(words)
    except SymDerivError:
        return ""
    if len(out) > LONGEST:
        return ""
    for v in (n for n in postorder(words) if isinstance(n, Var)):
        written = _as_written(v, reading, text)
        plain = latex_name(v.name)
        if written and written != plain:
            out = re.sub(r"(?<![A-Za-z\\{])" + re.escape(plain) + r"(?![A-Za-z{}])", _constant(written), out)
    return out


def _constant(text: str):
    return lambda m: text


def _as_written(v: Var, reading: Reading, text: str) -> str:
    if v.name.startswith("d_"):
        inner = v.name[2:]
        place = next((p for n, p in reading.places.items() if isinstance(n, Var) and n.name == inner), None)
        return "\\mathrm{d}" + (text[slice(*place)] if place else latex_name(inner))
    place = reading.places.get(v)
    written = text[slice(*place)].strip() if place else ""
    if not 0 < len(written) <= 40 or "\n" in written or (_POWER.search(written) and not v.name[-1].isdigit()):
        return ""
    return written


__all__ = ["spelled"]
