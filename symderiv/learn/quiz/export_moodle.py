"""A quiz as Moodle XML: multiple choice, true or false, numerical, and short answers with the spellings of a size.

Formulas are written between `\\(` and `\\)`, which Moodle's MathJax filter shows.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from .model import LETTERS, Question
from .sizes import shape_of_text
from .typeset import Pieces, choices, factor, given, joined, known, pieces

KINDS = {"shape": "shortanswer", "expression": "shortanswer", "number": "numerical", "choice": "multichoice",
         "truth": "truefalse"}  # fmt: skip
HOW = {
    "shape": "Write the sizes of the axes, as in (n, d) or n x d; of a scalar write ().",
    "expression": "Write it as code: .T for a transpose, @ for a matrix product, as in A.T @ (B - C).",
}


def to_moodle(questions: Sequence[Question], title: str) -> str:
    """Moodle XML for "Import questions from file" in a question bank."""
    root = ET.Element("quiz")
    category = ET.SubElement(root, "question", type="category")
    _child(ET.SubElement(category, "category"), "text", f"$course$/top/{_printable(title).replace('/', '//')}")
    for i, q in enumerate(questions, 1):
        _question(root, q, i)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _question(root: ET.Element, q: Question, number: int) -> None:
    node = ET.SubElement(root, "question", type=KINDS[q.form])
    _child(ET.SubElement(node, "name"), "text", f"{number:03} {q.topic}, {q.kind} (level {q.level})")
    _child(ET.SubElement(node, "questiontext", format="html"), "text", html_of(q) + _how(q))
    _child(ET.SubElement(node, "generalfeedback", format="html"), "text", html_of_answer(q))
    for name, value in (("defaultgrade", "1"), ("penalty", "0.3333333"), ("hidden", "0"), ("idnumber", q.key)):
        _child(node, name, value)
    {"choice": _choice, "truth": _truth, "shape": _shape, "expression": _expression, "number": _number}[q.form](node, q)
    tags = ET.SubElement(node, "tags")
    for tag in (q.topic, q.kind, f"level {q.level}"):
        _child(ET.SubElement(tags, "tag"), "text", tag)


def _how(q: Question) -> str:
    return f"<p><em>{html.escape(HOW[q.form])}</em></p>" if q.form in HOW else ""


def _choice(node: ET.Element, q: Question) -> None:
    for name, value in (("single", "true"), ("shuffleanswers", "true"), ("answernumbering", "abc")):
        _child(node, name, value)
    for letter, c in zip(LETTERS, choices(q), strict=False):
        _answer(node, f"<p>{html_line(c)}</p>", letter == q.answer, q.slips.get(letter, ""), "html")


def _truth(node: ET.Element, q: Question) -> None:
    for word in ("true", "false"):
        _answer(node, word, word == q.answer, q.slips.get(word, ""))


def _shape(node: ET.Element, q: Question) -> None:
    """Right and wrong answers in all their spellings; Moodle takes the first that matches."""
    _child(node, "usecase", "0")
    seen: set[str] = set()
    for shape, right, says in ((q.answer, True, ""), *((wrong, False, says) for wrong, says in q.slips.items())):
        for text in spellings(shape):
            if text.lower() not in seen:
                seen.add(text.lower())
                _answer(node, text.replace("*", "\\*"), right, says)


def _expression(node: ET.Element, q: Question) -> None:
    _child(node, "usecase", "1")
    paper = q.answer.replace(".T", "^T").replace(" @ ", " ")
    for text in dict.fromkeys((q.answer, q.answer.replace(" ", ""), paper)):
        _answer(node, text.replace("*", "\\*"), True, "")
    for wrong, says in q.slips.items():
        _answer(node, wrong.replace("*", "\\*"), False, says)


def _number(node: ET.Element, q: Question) -> None:
    for text, right, says in ((q.answer, True, ""), *((wrong, False, says) for wrong, says in q.slips.items())):
        _child(_answer(node, text, right, says), "tolerance", "0")


def _answer(node: ET.Element, text: str, right: bool, says: str, form: str = "moodle_auto_format") -> ET.Element:
    answer = ET.SubElement(node, "answer", fraction="100" if right else "0", format=form)
    _child(answer, "text", text)
    _child(ET.SubElement(answer, "feedback", format="html"), "text", html.escape(says))
    return answer


def _child(node: ET.Element, name: str, text: str) -> None:
    ET.SubElement(node, name).text = text


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


# HTML, for Anki as well -------------------------------------------------------------------------------------------------------
def html_of(q: Question) -> str:
    """The question: lines to look at, then what is asked."""
    lines = "".join(f"<div>{html_line(line)}</div>" for line in given(q))
    return (f"<div>{lines}</div>" if lines else "") + f"<p>{html_line(pieces(q.ask, q.vars))}</p>"


def html_of_answer(q: Question) -> str:
    """The answer, the reasons, and a table of factors with their sizes."""
    shown = [("text", f"{q.answer}) "), *choices(q)[LETTERS.index(q.answer)]] if q.choices else [("code", q.shown_answer)]
    why = "".join(f"<p>{html_line(pieces(w, known(q)))}</p>" for w in q.why)
    names = known(q)
    above = "".join(f"<td>{html_line(factor(piece, names))}</td>" for piece, _ in q.factors)
    below = "".join(f"<td>{html.escape(size)}</td>" for _, size in q.factors)
    table = f'<table style="text-align: center"><tr>{above}</tr><tr>{below}</tr></table>' if q.factors else ""
    return f"<p><strong>{html_line(shown)}</strong></p>{why}{table}"


def html_line(parts: Pieces) -> str:
    """Pieces as HTML; formulas between `\\(` and `\\)`."""
    escape = html.escape
    return joined(parts, escape, lambda t: f"\\({escape(t, quote=False)}\\)", lambda t: f"<code>{escape(t)}</code>")


def spellings(shape: str) -> list[str]:
    """`(n, d)`, `(n,d)`, `n x d`, `nxd`, `n*d`, `n by d`, `nd`, … for programs that compare texts."""
    sizes = [str(s).replace(" ", "") for s in shape_of_text(shape)]
    if not sizes:
        return ["()", "scalar", "a scalar", "1", "1x1", "1 x 1", "number", "a number"]
    joined_ = [sep.join(sizes) for sep in (" x ", "x", "*", " by ", " × ", "×", ",", ", ", " ")]
    if len(sizes) == 1:
        s = sizes[0]
        joined_ += [f"({s})", f"{s} x 1", f"{s}x1", f"1 x {s}", f"1x{s}", f"({s}, 1)", f"({s},1)", f"(1, {s})", f"(1,{s})"]
    elif all(len(s) == 1 for s in sizes):
        joined_.append("".join(sizes))
    brackets = [f"[{', '.join(sizes)}]", f"[{','.join(sizes)}]"]
    return list(dict.fromkeys([shape, shape.replace(" ", ""), *joined_, *brackets]))


__all__ = ["html_line", "html_of", "html_of_answer", "spellings", "to_moodle"]
