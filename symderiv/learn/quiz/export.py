"""Quizzes for paper and for other programs: Markdown and JSON here, LaTeX, Moodle XML and Anki in modules of their own.

to_text_format(questions, "latex", title="Week 3")      text
from_json(text)                                         the questions of an exported file
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...errors import InputError, SymDerivError
from ...read.problem import parse
from .model import LETTERS, Question
from .sizes import shape_of_text

SCHEMA = "symderiv-quiz/1"
FORMATS = ("markdown", "latex", "json", "moodle", "anki")
FIELDS = {"shape": "Size: ____________", "number": "Answer: ____________", "truth": "true ☐   false ☐",
          "expression": "Answer: ______________________________", "choice": ""}  # fmt: skip


def to_text_format(questions: Sequence[Question], form: str, title: str = "Shape quiz", key: bool = True) -> str:
    """A quiz as text.

    Args:
        form: "markdown", "latex", "json" or "moodle".
        key: with the answers (Markdown and LaTeX).
    """
    if form == "json":
        return to_json(questions, title)
    if form == "markdown":
        return to_markdown(questions, title, key)
    if form == "latex":
        from .export_latex import to_latex

        return to_latex(questions, title, key)
    from .export_moodle import to_moodle

    return to_moodle(questions, title)


# JSON -------------------------------------------------------------------------------------------------------------------------
def to_json(questions: Sequence[Question], title: str = "Shape quiz") -> str:
    """The documented schema (docs/quiz.md, docs/quiz.schema.json)."""
    data = {"schema": SCHEMA, "title": title, "questions": [q.to_data() for q in questions]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> list[Question]:
    """The questions of an exported file.

    Raises:
        InputError: SD145 for anything that is not one.
    """
    try:
        data = json.loads(text)
        if data.get("schema") != SCHEMA:
            raise ValueError(f"its schema is {data.get('schema')!r}")
        found = [Question.from_data(d) for d in data["questions"]]
        if not found:
            raise ValueError("it has no questions")
        for q in found:
            _check_answer(q)
        return found
    except (SymDerivError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"this is not an exported quiz: {_told(error)}", code="SD145", hint=f"the schema is {SCHEMA}") from None


def _check_answer(q: Question) -> None:
    if q.form == "shape":
        for text in (q.answer, *q.slips):
            shape_of_text(text)
    elif q.form == "expression":
        parse(q.answer, dict(q.vars))


def _told(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return error.message if isinstance(error, SymDerivError) else str(error)


# Markdown ---------------------------------------------------------------------------------------------------------------------
def to_markdown(questions: Sequence[Question], title: str, key: bool = True) -> str:
    """A worksheet, and the key at its end."""
    out = [f"# {_escaped(title)}", "", "Name: ______________________________", ""]
    for i, q in enumerate(questions, 1):
        out += [f"## {i}. {_escaped(q.ask)}", "", *(["```text", *q.given, "```", ""] if q.given else [])]
        out += [f"- {letter}) `{c}`" for letter, c in zip(LETTERS, q.choices, strict=False)]
        out += [FIELDS[q.form], ""] if FIELDS[q.form] else [""]
    if key:
        out += ["---", "", "# Answers", ""]
        for i, q in enumerate(questions, 1):
            out += [f"{i}. `{q.shown_answer}`", *(f"   - {_escaped(w)}" for w in q.why), *_sizes_table(q), ""]
    return "\n".join(out).rstrip() + "\n"


def _sizes_table(q: Question) -> list[str]:
    if not q.factors:
        return []
    pieces, sizes = zip(*q.factors, strict=True)
    rows = [" | ".join(f"`{p}`" for p in pieces), " | ".join(["---"] * len(pieces)), " | ".join(f"`{s}`" for s in sizes)]
    return ["", *(f"   | {row} |" for row in rows)]


def _escaped(text: str) -> str:
    for c in "\\*_<>|`[]#":
        text = text.replace(c, "\\" + c if c not in "<>" else {"<": "&lt;", ">": "&gt;"}[c])
    return text


__all__ = ["FORMATS", "SCHEMA", "from_json", "to_json", "to_markdown", "to_text_format"]
