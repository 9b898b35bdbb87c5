r"""Functions that a text defines: `\sigma(z) = \frac{1}{1 + e^{-z}}`."""

from __future__ import annotations

from collections.abc import Sequence

from .naming import GREEK, Key
from .tree import Group, Item, Token

# what a formula in numbers alone is made of, beside letters, digits and signs
_NUMERIC = frozenset(
    ["frac", "dfrac", "tfrac", "sqrt", "exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min", "left",
     "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg", "cdot", "times", "quad", "qquad", "pi", ",", ";", ":", "!", " "]
)  # fmt: skip


def is_function_of_numbers(parameters: Sequence[Key], body: Sequence[Item]) -> bool:
    """Whether the body holds no name but the parameters, and nothing that an array would need: no norm, transpose, index or sum."""
    letters = {p.base for p in parameters}
    if not letters or any(p.labels for p in parameters) or any(x.isupper() for x in letters):
        return False
    return _in_numbers(letters, body)


def _in_numbers(letters: set[str], items: Sequence[Item]) -> bool:
    for item in items:
        if not isinstance(item, Token):
            if not isinstance(item, Group) or item.opener in ("|", "||") or not _in_numbers(letters, item.items):
                return False
        elif item.kind == "macro":
            if item.text not in _NUMERIC and not (item.text in GREEK and item.text in letters):
                return False
        elif (
            item.kind in ("sub", "prime")
            or (item.kind == "char" and item.text.isalpha() and item.text not in {*letters, "e"})
            or (item.kind == "char" and item.text in "'|_&")
        ):
            return False
    return True


__all__ = ["is_function_of_numbers"]
