"""Derivations as data. The schema, version 1:

    {"schema": "symderiv.derivation/1", "style", "detail", "layout", "name", "source", "order",
     "variables": {name: {"shape": [size, …], "attributes": [word, …]}},
     "symbols":   {name: {"kind": "name" | "differential" | "cotangent" | "partial" | "rest", "text", "latex"}},
     "sections":  [{"title", "function", "wrt": [name, …], "expression": FORMULA,
                    "names": [{"name", "value": FORMULA, "shape"}], "steps": [STEP, …]}],
     "results":   {name: FORMULA}, "notes": [sentence, …], "kinks": [sentence, …]}

    STEP:    {"rule", "title", "reason", "note", "subject": FORMULA | null, "before": FORMULA, "after": FORMULA,
              "changed": [FORMULA, …], "new": [FORMULA, …], "shape": [size, …], "free": [index, …], "opens": bool, "children": [STEP, …]}
    FORMULA: {"code": the input language, "text": Unicode, "latex"}

`code` holds the names of `symbols` for what is not in the problem; the results are free of them and read back.
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import LimitError
from ..expr.nodes import Node
from ..steps.model import Derivation, Section, Step
from ..steps.options import Options
from .language import size_text, to_text
from .prose import bare
from .stepmath import StepMath

SCHEMA = "symderiv.derivation/1"


def to_data_document(d: Derivation, options: Options | None = None) -> dict[str, Any]:
    """The derivation as dictionaries and lists."""
    return _Data(d, options or Options()).data()


def to_json_document(d: Derivation, options: Options | None = None) -> str:
    """The same as text."""
    return json.dumps(to_data_document(d, options), indent=2, ensure_ascii=False)


class _Data:
    def __init__(self, d: Derivation, options: Options) -> None:
        self.d = d
        self.unicode = StepMath(d.symbols, options, "unicode", d.vars)
        self.latex = StepMath(d.symbols, options, "latex", d.vars)

    def data(self) -> dict[str, Any]:
        d = self.d
        return {
            "schema": SCHEMA,
            "style": d.style,
            "detail": d.detail,
            "layout": d.layout,
            "name": d.name,
            "source": d.source,
            "order": d.order,
            "variables": {v.name: {"shape": self.shape(v.shape), "attributes": sorted(v.attrs)} for v in d.vars.values()},
            "symbols": {
                v.name: {"kind": s.kind, "text": self.unicode.text(v), "latex": self.latex.text(v)} for v, s in d.symbols.items()
            },
            "sections": [self.section(s) for s in d.sections],
            "results": {name: self.formula(words) for name, words in d.results.items()},
            "notes": [bare(n) for n in d.notes],
            "kinks": list(d.kinks),
        }

    def section(self, s: Section) -> dict[str, Any]:
        return {
            "title": s.title,
            "function": s.function.name,
            "wrt": [v.name for v in s.wrt],
            "expression": self.formula(s.expr),
            "names": [{"name": n.var.name, "value": self.formula(n.of), "shape": self.shape(n.var.shape)} for n in s.names],
            "steps": [self.step(x) for x in s.steps],
        }

    def step(self, s: Step) -> dict[str, Any]:
        return {
            "rule": s.rule,
            "title": s.title,
            "reason": bare(s.reason),
            "note": bare(s.note),
            "subject": None if s.subject is None else self.formula(s.subject),
            "before": self.formula(s.before),
            "after": self.formula(s.after),
            "changed": [self.formula(x) for x in s.changed],
            "new": [self.formula(x) for x in s.new],
            "shape": self.shape(s.shape),
            "free": [i.name for i, _ in s.free],
            "opens": s.opens,
            "children": [self.step(c) for c in s.children],
        }

    def formula(self, words: Node) -> dict[str, str]:
        try:
            return {"code": to_text(words), "text": self.unicode.text(words), "latex": self.latex.text(words)}
        except LimitError as error:
            return {"code": "", "text": f"({error.message})", "latex": ""}

    def shape(self, shape: tuple) -> list[str]:
        return [size_text(s) for s in shape]


__all__ = ["SCHEMA", "to_data_document", "to_json_document"]
