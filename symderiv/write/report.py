"""What is said about a derivative beside the formula; `markdown`, `json` and the command line lay it out.

A derivative is anything with the attributes of `symderiv.result.Derivative`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..expr.nodes import Node, Var
from ..expr.sizes import show_shape
from .language import size_text, to_text_shared
from .latex import latex_name, to_latex_shared
from .names import raised
from .unicode import to_unicode_shared, unicode_name

Lines = list[tuple[str, str]]


@dataclass(frozen=True)
class Formula:
    """`label = text`, after the definitions of repeated parts."""

    label: str
    text: str
    definitions: Lines = field(default_factory=list)

    @property
    def lines(self) -> Lines:
        """Definitions first, then the result: pairs of name and text."""
        return [*self.definitions, (self.label, self.text)]


def derivatives_of(result: Any) -> list[Any]:
    """One derivative, or the values of a mapping of them, as a list."""
    return list(result.values()) if isinstance(result, Mapping) else [result]


def unicode_formula(d: Any) -> Formula:
    """`∂L/∂w = 2 Xᵀ(X w − y)`."""
    definitions, text = to_unicode_shared(_displayed(d))
    power = _power(len(_chain(d)))
    by = "".join(f"∂{name}{_power(k)}" for name, k in _powers(d, unicode_name))
    return Formula(f"∂{power}{unicode_name(name_of(d))}/{by}", text, definitions)


def latex_formula(d: Any, **options: Any) -> Formula:
    r"""`\frac{\partial L}{\partial w} = ...`."""
    definitions, text = to_latex_shared(_displayed(d), **options)
    order = len(_chain(d))
    above = rf"\partial{'' if order == 1 else f'^{order}'} {latex_name(name_of(d))}"
    below = r" \, ".join(rf"\partial {name}{'' if k == 1 else f'^{k}'}" for name, k in _powers(d, latex_name))
    return Formula(rf"\frac{{{above}}}{{{below}}}", text, definitions)


def language_formula(d: Any) -> Formula:
    """The input language, to be copied."""
    definitions, text = to_text_shared(_displayed(d))
    return Formula("derivative", text, definitions)


def name_of(d: Any) -> str:
    """What the differentiated expression is called: its name in the problem, or `f`."""
    given = getattr(d.problem, "name", None)
    if given:
        return str(given)
    return next(n for n in ("f", "F", "L", "f_") if n not in d.problem.vars)


def declaration(v: Var) -> str:
    """`n, d` or `n, n symmetric` or `scalar`."""
    shape = ", ".join(size_text(s) for s in v.shape) or "scalar"
    return " ".join([shape, *sorted(v.attrs)])


def shape_text(shape: tuple) -> str:
    """`(n, d)`, `()`."""
    return show_shape(shape)


def certificate_line(d: Any) -> str:
    """One sentence on how the result was certified."""
    c = getattr(d, "certificate", None)
    return "not checked" if c is None else str(c.line)


def _displayed(d: Any) -> Node:
    return getattr(d, "displayed", d.expr)


def _chain(d: Any) -> tuple[Var, ...]:
    return tuple(d.chain)


def _power(k: int) -> str:
    return "" if k == 1 else raised(str(k)) or f"^{k}"


def _powers(d: Any, spell: Any) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for v in _chain(d):
        counts[spell(v.name)] = counts.get(spell(v.name), 0) + 1
    return list(counts.items())


__all__ = [
    "Formula",
    "certificate_line",
    "declaration",
    "derivatives_of",
    "language_formula",
    "latex_formula",
    "name_of",
    "shape_text",
    "unicode_formula",
]
