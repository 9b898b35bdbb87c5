"""A result as Markdown with LaTeX formulas, as notebooks and GitHub show them."""

from __future__ import annotations

from typing import Any

from .report import certificate_line, declaration, derivatives_of, language_formula, latex_formula, name_of, shape_text


def to_markdown(result: Any) -> str:
    """A derivative, or several, as Markdown: formula, shape, text to copy, symbols, assumptions, kinks, certificate.

    Args:
        result: a `Derivative` or `Derivatives`.

    Raises:
        LimitError: SD904 when a formula would be too long.
    """
    found = derivatives_of(result)
    blocks = [_formula(d) for d in found]
    problem = found[0].problem
    table = ["| symbol | declaration |", "|---|---|", *(f"| `{v.name}` | {declaration(v)} |" for v in problem.vars.values())]
    blocks.append("\n".join(table))
    for title, lines in (
        ("Assumed", problem.assumptions),
        ("Conventions", [n for d in found for n in d.notes]),
        ("Not differentiable at", [k for d in found for k in d.kinks]),
        ("Checked", [certificate_line(d) for d in found]),
    ):
        unique = list(dict.fromkeys(str(line) for line in lines))
        if unique:
            blocks.append("\n".join([f"**{title}**", "", *(f"- {line}" for line in unique)]))
    return "\n\n".join(blocks)


def _formula(d: Any) -> str:
    by = ", ".join(dict.fromkeys(v.name for v in d.chain))
    math = "\n".join(f"$$\n{name} = {text}\n$$" for name, text in latex_formula(d).lines)
    copy = language_formula(d)
    lines = [*(f"{name} = {text}" for name, text in copy.definitions), copy.text]
    code = "\n".join(["```python", *lines, "```"])
    return f"### Derivative of {name_of(d)} by {by}\n\n{math}\n\nshape `{shape_text(d.shape)}`\n\n{code}"


__all__ = ["to_markdown"]
