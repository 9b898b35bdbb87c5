"""A result as data: `to_data` gives plain dictionaries and lists, `to_json` their text."""

from __future__ import annotations

import json
from typing import Any

from .language import size_text
from .report import Formula, derivatives_of, language_formula, latex_formula, name_of, unicode_formula


def to_data(result: Any) -> dict[str, Any]:
    """A derivative, or several, as plain data.

    The keys: `problem` (source, name, variables, assumptions) and `derivatives`, a list of wrt, order, layout, symmetric, shape,
    expression, unicode, latex (each with its definitions), kinks, notes and certificate.

    Args:
        result: a `Derivative` or `Derivatives`.
    """
    found = derivatives_of(result)
    problem = found[0].problem
    variables = {v.name: {"shape": [size_text(s) for s in v.shape], "attributes": sorted(v.attrs)} for v in problem.vars.values()}
    return {
        "problem": {
            "source": problem.source,
            "name": name_of(found[0]),
            "variables": variables,
            "assumptions": [str(a) for a in problem.assumptions],
        },
        "derivatives": [_derivative(d) for d in found],
    }


def to_json(result: Any) -> str:
    """The same as text, indented."""
    return json.dumps(to_data(result), indent=2, ensure_ascii=False)


def _derivative(d: Any) -> dict[str, Any]:
    certificate = getattr(d, "certificate", None)
    return {
        "wrt": [v.name for v in d.chain],
        "order": d.order,
        "layout": d.layout,
        "symmetric": getattr(d, "symmetric", "plain"),
        "shape": [size_text(s) for s in d.shape],
        "expression": _formula(language_formula(d)),
        "unicode": _formula(unicode_formula(d)),
        "latex": _formula(latex_formula(d)),
        "kinks": [str(k) for k in d.kinks],
        "notes": [str(n) for n in d.notes],
        "certificate": None if certificate is None else {"ok": bool(certificate.ok), "line": str(certificate.line)},
    }


def _formula(f: Formula) -> dict[str, Any]:
    return {"text": f.text, "definitions": [{"name": name, "text": text} for name, text in f.definitions]}


__all__ = ["to_data", "to_json"]
