"""Who needs brackets: the binding strength of everything that is printed, in tables shared by all printers.

The input language follows Python: `*`, `/` and `@` share one level and associate to the left, unary minus binds tighter than
they do and weaker than `**`. Mathematics has levels of its own: juxtaposition binds tighter than `⊙`, a thing with a
superscript takes no second one, a thing with a subscript takes a superscript but no second subscript.
"""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """Binding strength in the input language, weakest first."""

    COMPARE = 1
    SUM = 2
    PRODUCT = 3
    NEG = 4
    POWER = 5
    POSTFIX = 6
    ATOM = 7


class MathLevel(IntEnum):
    """Binding strength in mathematics, weakest first."""

    COMPARE = 1
    SUM = 2
    BIG = 3  # \sum_i ..., which swallows what follows it
    ELEMENTWISE = 4  # ⊙ ⊘ ⊗
    JUXTAPOSED = 5  # A x, 2 x, -x
    PREFIX = 6  # log|A|: a function without brackets of its own
    RAISED = 7  # carries a superscript: takes neither a second one nor a subscript
    LOWERED = 8  # carries a subscript: takes a superscript
    ATOM = 9


# infix comparison words: Python, Unicode, LaTeX
COMPARISONS: dict[str, tuple[str, str, str]] = {
    "gt": (">", ">", ">"),
    "ge": (">=", "≥", r"\ge"),
    "lt": ("<", "<", "<"),
    "le": ("<=", "≤", r"\le"),
    "eq": ("==", "=", "="),
    "ne": ("!=", "≠", r"\ne"),
}

# generator words: Python's function, Unicode's and LaTeX's big operator
BINDERS: dict[str, tuple[str, str, str]] = {
    "isum": ("sum", "∑", r"\sum"),
    "iprod": ("prod", "∏", r"\prod"),
    "imax": ("max", "max", r"\max"),
    "imin": ("min", "min", r"\min"),
}

# parameters that the input language writes by position; all others are written `name=value`
POSITIONAL: dict[str, tuple[str, ...]] = {
    "norm": ("ord",),
    "reshape": ("shape",),
    "broadcast_to": ("shape",),
    "onehot": ("k",),
    "swapaxes": ("axis1", "axis2"),
    "eye": ("n", "m"),
    "arange": ("lo", "hi"),
    "tri": ("n", "m", "k"),
}

# words whose operands are one list: `stack([a, b], axis=1)`
LISTS = frozenset({"stack", "concatenate"})

__all__ = ["BINDERS", "COMPARISONS", "LISTS", "POSITIONAL", "Level", "MathLevel"]
