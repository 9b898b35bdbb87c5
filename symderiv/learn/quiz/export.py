"""Quizzes for paper and for other programs: Markdown, LaTeX, JSON, Moodle XML, Anki.

to_text_format(questions, "latex", title="Week 3")      text
write_anki(questions, path, title)                      a deck; needs the extra `anki`
"""

from __future__ import annotations

import html
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

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
    if form == "moodle":
        return to_moodle(questions, title)
    return (to_markdown if form == "markdown" else to_latex)(questions, title, key)


# JSON -------------------------------------------------------------------------------------------------------------------------
def to_json(questions: Sequence[Question], title: str = "Shape quiz") -> str:
    """The documented schema (docs/quiz.md)."""
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
        for q in found:
            if q.form == "shape":
                shape_of_text(q.answer)
            elif q.form == "expression":
                parse(q.answer, dict(q.vars))
        return found
    except (SymDerivError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"this is not an exported quiz: {error}", code="SD145", hint=f"the schema is {SCHEMA}") from None


# Markdown ---------------------------------------------------------------------------------------------------------------------
def to_markdown(questions: Sequence[Question], title: str, key: bool = True) -> str:
    """A worksheet, and the key at its end."""
    out = [f"# {title}", "", "Name: ______________________________", ""]
    for i, q in enumerate(questions, 1):
        out += [f"## {i}. {_code_markdown(q.ask)}", "", *(["```text", *q.given, "```", ""] if q.given else [])]
        out += [f"- {letter}) `{c}`" for letter, c in zip(LETTERS, q.choices, strict=False)]
        out += [FIELDS[q.form], ""] if FIELDS[q.form] else [""]
    if key:
        out += ["---", "", "# Answers", ""]
        for i, q in enumerate(questions, 1):
            out += [f"{i}. `{q.shown_answer}`", *(f"   - {_code_markdown(w)}" for w in q.why), ""]
    return "\n".join(out).rstrip() + "\n"


def _code_markdown(text: str) -> str:
    for c in "\\*_<>|`":
        text = text.replace(c, "\\" + c if c not in "<>" else {"<": "&lt;", ">": "&gt;"}[c])
    return text


# LaTeX ------------------------------------------------------------------------------------------------------------------------
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "^": r"\textasciicircum{}", "_": r"\_",
    "~": r"\textasciitilde{}", "%": r"\%", "∂": r"$\partial$", "·": r"$\cdot$", "²": r"$^2$", "³": r"$^3$", "×": r"$\times$",
    "Σ": r"$\Sigma$", "σ": r"$\sigma$", "ᵀ": r"$^\top$", "−": "$-$", "<": r"\textless{}", ">": r"\textgreater{}",
    "☐": r"$\square$", "'": r"\textquotesingle{}",
}  # fmt: skip


_PREAMBLE = (
    r"\documentclass[11pt]{article}",
    r"\usepackage[T1]{fontenc}",
    r"\usepackage[utf8]{inputenc}",
    r"\usepackage{amssymb,textcomp}",
    r"\usepackage[margin=2.5cm]{geometry}",
    r"\setlength{\parindent}{0pt}",
    r"\begin{document}",
)


def _latex(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text)


def _code(text: str) -> str:
    return rf"\texttt{{{_latex(text).replace('   ', '~~~')}}}"


def to_latex(questions: Sequence[Question], title: str, key: bool = True) -> str:
    """A worksheet that compiles by itself, and the key on a page of its own."""
    out = [*_PREAMBLE, rf"\section*{{{_latex(title)}}}", r"Name: \underline{\hspace{8cm}}", "", r"\begin{enumerate}"]
    for q in questions:
        out.append(rf"\item {_latex(q.ask)}")
        out += [rf"\\ {_code(line)}" for line in q.given if line]
        if q.choices:
            items = [rf"\item[{letter})] {_code(c)}" for letter, c in zip(LETTERS, q.choices, strict=False)]
            out += [r"\begin{enumerate}", *items, r"\end{enumerate}"]
        elif q.form == "truth":
            out.append(r"\\[4pt] $\square$ true \quad $\square$ false")
        else:
            out.append(r"\\[8pt] \underline{\hspace{7cm}}")
    out.append(r"\end{enumerate}")
    if key:
        out += [r"\newpage", r"\section*{Answers}", r"\begin{enumerate}"]
        for q in questions:
            out.append(rf"\item {_code(q.shown_answer)}\\ " + r"\\ ".join(rf"{{\small {_latex(w)}}}" for w in q.why))
        out.append(r"\end{enumerate}")
    return "\n".join([*out, r"\end{document}", ""])


# Moodle -----------------------------------------------------------------------------------------------------------------------
def to_moodle(questions: Sequence[Question], title: str) -> str:
    """Moodle XML: multiple choice, true or false, numerical, and short answers with the spellings of a size."""
    root = ET.Element("quiz")
    category = ET.SubElement(root, "question", type="category")
    _child(ET.SubElement(category, "category"), "text", f"$course$/{title.replace('/', '//')}")
    for i, q in enumerate(questions, 1):
        _moodle_question(root, q, i)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _moodle_question(root: ET.Element, q: Question, number: int) -> None:
    kind = {
        "shape": "shortanswer",
        "expression": "shortanswer",
        "number": "numerical",
        "choice": "multichoice",
        "truth": "truefalse",
    }
    node = ET.SubElement(root, "question", type=kind[q.form])
    _child(ET.SubElement(node, "name"), "text", f"{number:03} {q.key}")
    _child(ET.SubElement(node, "questiontext", format="html"), "text", _html(q))
    why = "<br>".join(html.escape(w) for w in q.why)
    _child(ET.SubElement(node, "generalfeedback", format="html"), "text", f"<p>{html.escape(q.shown_answer)}</p><p>{why}</p>")
    _child(node, "defaultgrade", "1")
    if q.form == "choice":
        _child(node, "single", "true")
        _child(node, "shuffleanswers", "true")
        for letter, c in zip(LETTERS, q.choices, strict=False):
            _moodle_answer(node, f"<code>{html.escape(c)}</code>", letter == q.answer, q.slips.get(letter, ""), "html")
        return
    if q.form == "truth":
        for word in ("true", "false"):
            _moodle_answer(node, word, word == q.answer, q.slips.get(word, ""))
        return
    if q.form == "shape":
        _child(node, "usecase", "0")
        for text in spellings(q.answer):
            _moodle_answer(node, text.replace("*", "\\*"), True, "")
        for wrong, says in q.slips.items():
            for text in spellings(wrong)[:3]:
                _moodle_answer(node, text.replace("*", "\\*"), False, says)
        return
    if q.form == "expression":
        _child(node, "usecase", "1")
        for text in dict.fromkeys((q.answer, q.answer.replace(" ", ""))):
            _moodle_answer(node, text.replace("*", "\\*"), True, "")
        return
    _moodle_answer(node, q.answer, True, "")
    for wrong, says in q.slips.items():
        _moodle_answer(node, wrong, False, says)


def _moodle_answer(node: ET.Element, text: str, right: bool, says: str, form: str = "moodle_auto_format") -> None:
    answer = ET.SubElement(node, "answer", fraction="100" if right else "0", format=form)
    _child(answer, "text", text)
    _child(ET.SubElement(answer, "feedback", format="html"), "text", html.escape(says))


def _child(node: ET.Element, name: str, text: str) -> None:
    ET.SubElement(node, name).text = text


def _html(q: Question) -> str:
    given = "".join(f"{html.escape(line)}\n" for line in q.given)
    return (f"<pre>{given}</pre>" if given else "") + f"<p>{html.escape(q.ask)}</p>"


def spellings(shape: str) -> list[str]:
    """`(n, d)`, `(n,d)`, `n x d`, `nxd`, `n*d`, `n by d` for programs that compare texts."""
    sizes = [str(s).replace(" ", "") for s in shape_of_text(shape)]
    if not sizes:
        return ["()", "scalar", "1"]
    joined = [sep.join(sizes) for sep in (" x ", "x", "*", " by ", " × ", "×", ",", ", ")]
    return list(dict.fromkeys([shape, shape.replace(" ", ""), *joined]))


# Anki -------------------------------------------------------------------------------------------------------------------------
def write_anki(questions: Sequence[Question], path: Path, title: str) -> None:
    """A deck of cards, one for each question; the same quiz updates the same cards.

    Raises:
        InputError: SD146 where genanki is missing.
    """
    try:
        import genanki
    except ImportError:
        raise InputError("Anki decks need genanki", code="SD146", hint='pip install "symderiv[anki]"') from None
    side = '<div style="font-family: monospace">{{%s}}</div>'
    model = genanki.Model(
        1607392319, "symderiv quiz", fields=[{"name": "Question"}, {"name": "Answer"}, {"name": "Key"}],
        templates=[{"name": "Card", "qfmt": side % "Question", "afmt": "{{FrontSide}}<hr>" + side % "Answer"}],
    )  # fmt: skip
    deck = genanki.Deck(2**30 + zlib.crc32(title.encode()) % 2**30, title)
    for q in questions:
        front = _html(q) + "".join(
            f"<div>{letter}) {html.escape(c)}</div>" for letter, c in zip(LETTERS, q.choices, strict=False)
        )
        back = f"<b>{html.escape(q.shown_answer)}</b><br>" + "<br>".join(html.escape(w) for w in q.why)
        tags = [f"topic::{q.topic}", f"kind::{q.kind}", f"level::{q.level}"]
        deck.add_note(genanki.Note(model, [front, back, q.key], guid=genanki.guid_for(q.key), tags=tags))
    genanki.Package(deck).write_to_file(str(path))


__all__ = ["FORMATS", "SCHEMA", "from_json", "spellings", "to_text_format", "write_anki"]
