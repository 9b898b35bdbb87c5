"""A verdict as JSON, Markdown or LaTeX.

A verdict is anything with the attributes of `symderiv.verify.verdict.Verdict`.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from ..errors import SymDerivError
from .language import to_text
from .latex import to_latex
from .report import latex_formula
from .unicode import to_unicode


def verdict_data(v: Any) -> dict[str, Any]:
    """A verdict as plain data: ok, kind, message, derivative, corrected, difference, counterexample, …, place, error."""
    return {
        "ok": v.ok,
        "kind": v.kind,
        "message": v.message,
        "derivative": _expression(v.correct.displayed) if v.correct is not None else None,
        "entry": _expression(v.entry) if v.entry is not None else None,
        "corrected": [_expression(s.expr) for s in v.suggestions],
        "claim_minus_derivative": _expression(v.difference) if v.difference is not None else None,
        "counterexample": v.counterexample.to_data() if v.counterexample is not None else None,
        "decided_by": v.decided_by,
        "layout": v.layout,
        "notes": list(v.notes),
        "place": {"start": v.span.start, "stop": v.span.stop} if v.span is not None else None,
        "error": {"code": v.error.code, "message": v.error.message, "hint": v.error.hint} if v.error is not None else None,
    }


def verdict_json(v: Any) -> str:
    """The same as text, indented."""
    return json.dumps(verdict_data(v), indent=2, ensure_ascii=False)


def verdict_markdown(v: Any) -> str:
    """A verdict as Markdown with LaTeX formulas."""
    title = {True: "Right", False: "Wrong", None: "Not understood"}[v.ok]
    blocks = [f"### {title}: {v.kind.replace('_', ' ')}" if v.ok is False else f"### {title}", v.message]
    if v.span is not None:
        blocks.append(f"```\n{v.span.caret()}\n```")
    if v.correct is not None:
        blocks.append("\n".join(f"$$\n{name} = {text}\n$$" for name, text in latex_formula(v.correct).lines))
        blocks.append(f"```python\n{v.correct}\n```")
    if v.entry is not None:
        blocks.append(f"**Entry** $\\displaystyle {to_latex(v.entry)}$")
    if v.difference is not None:
        blocks.append(f"**Claim minus derivative** $\\displaystyle {to_latex(v.difference)}$")
    if v.counterexample is not None:
        blocks.append(f"**Counterexample** {v.counterexample}")
    if v.decided_by:
        blocks.append(f"**Decided by** {v.decided_by}")
    if v.notes:
        blocks.append("\n".join(["**Notes**", "", *(f"- {n}" for n in v.notes)]))
    return "\n\n".join(blocks)


def verdict_latex(v: Any) -> str:
    """The message, the derivative and the difference, as text with display formulas."""
    lines = [f"% {v.kind}", escaped(v.message)]
    if v.correct is not None:
        lines += [f"\\[ {name} = {text} \\]" for name, text in latex_formula(v.correct).lines]
    if v.entry is not None:
        lines.append(f"The entry: \\[ {to_latex(v.entry)} \\]")
    if v.difference is not None:
        lines.append(f"Claim minus derivative: \\[ {to_latex(v.difference)} \\]")
    if v.counterexample is not None:
        lines.append(f"Counterexample: {escaped(str(v.counterexample))}.")
    return "\n".join(lines)


def verdict_html(v: Any) -> str:
    """A verdict as a piece of HTML with MathML: a section, no script, nothing from the network."""
    title = {True: "Right", False: "Wrong", None: "Not understood"}[v.ok]
    heading = f"{title}: {v.kind}".replace("_", " ") if v.ok is False else title
    parts = [f"<h3>{escape(heading)}</h3>", f"<p>{escape(v.message)}</p>"]
    if v.span is not None:
        parts.append(f"<pre>{escape(v.span.caret())}</pre>")
    shown = [
        ("derivative", v.correct.displayed if v.correct is not None else None),
        ("entry", v.entry),
        ("corrected", v.suggestions[0].expr if v.suggestions and v.ok is False else None),
        ("claim minus derivative", v.difference),
    ]
    rows = [(name, _math(words)) for name, words in shown if words is not None]
    rows += [("counterexample", escape(str(v.counterexample)))] if v.counterexample is not None else []
    rows += [("decided by", escape(v.decided_by))] if v.decided_by else []
    rows += [("note", escape(n)) for n in v.notes]
    rows += [("hint", escape(v.error.hint))] if v.error is not None and v.error.hint else []
    table = "\n".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in rows)
    parts += [f"<table>\n{table}\n</table>"] if rows else []
    return '<section class="symderiv verdict">\n' + "\n".join(parts) + "\n</section>"


def _math(words: Any) -> str:
    """A formula as MathML, as text where it has none."""
    from .mathml import to_mathml

    try:
        return to_mathml(to_latex(words))
    except SymDerivError:
        return f"<code>{escape(to_text(words))}</code>"


_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(c, c) for c in text)


def _expression(words: Any) -> dict[str, str]:
    return {"text": to_text(words), "unicode": to_unicode(words), "latex": to_latex(words)}


__all__ = ["escaped", "verdict_data", "verdict_html", "verdict_json", "verdict_latex", "verdict_markdown"]
