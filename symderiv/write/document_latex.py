r"""Derivations in LaTeX: a fragment of `align*` displays, or an article that compiles with pdflatex."""

from __future__ import annotations

from collections.abc import Iterable

from ..expr.nodes import Var
from ..steps.document import Block, Display, Document, Heading, Items, Math, Paragraph, Row, Size
from .layout import PAGE, formula_width, lines_of
from .prose import latex_prose as plain
from .stepmath import StepMath

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper, margin=25mm]{geometry}
\usepackage{amsmath, amssymb, xcolor, graphicx}
\definecolor{symderiv}{HTML}{B3261E}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\emergencystretch}{3em}
\hbadness=4000
\AtBeginDocument{\setlength{\abovedisplayskip}{4pt}\setlength{\belowdisplayskip}{6pt}}
"""
RELATIONS = {"←": r"\leftarrow", "⇒": r"\Rightarrow"}


def to_latex_document(doc: Document, standalone: bool = False) -> str:
    """The document in LaTeX.

    Args:
        doc: from `symderiv.steps.document.document`.
        standalone: an article with a preamble; otherwise a fragment for a document that loads amsmath and amssymb.
    """
    return _Latex(doc, standalone).text()


class _Latex:
    def __init__(self, doc: Document, standalone: bool) -> None:
        self.doc, self.standalone = doc, standalone
        d, o = doc.derivation, doc.options
        self.math = StepMath(d.symbols, o, "latex", d.vars)
        self.sentences = o.reasons if o.reasons is not None else standalone
        self.untitled: dict[int, str] = {}  # rows whose rule is named in the list below, for want of room beside them

    def text(self) -> str:
        declared = declarations(self.math, self.doc.derivation.vars.values())
        body = (f"% {declared}\n" if declared else "") + "\n\n".join(t for t in map(self.block, self.doc.blocks) if t)
        if not self.standalone:
            return body + "\n"
        title = "".join(self.inline(p) for p in self.doc.title)
        return f"{PREAMBLE}\\begin{{document}}\n\\section*{{{title}}}\n\n{body}\n\\end{{document}}\n"

    def block(self, b: Block) -> str:
        if isinstance(b, Heading):
            text = "".join(self.inline(p) for p in b.parts)
            head = "subsection*" if b.level > 1 else "section*"
            return rf"\{head}{{{text}}}" if self.standalone else rf"\paragraph{{{text}.}}"
        if isinstance(b, Paragraph):
            return "".join(self.inline(p) for p in b.parts)
        if isinstance(b, Display):
            return self.display(b)
        return self.items(b)

    def inline(self, part: str | Math | Size) -> str:
        if isinstance(part, str):
            return plain(part, self.math.names)
        if isinstance(part, Size):
            return f"${self.math.size(part)}$"
        return f"${self.math.text(part.words)}$"

    def items(self, b: Items) -> str:
        if b.numbered and not self.sentences:
            return ""
        rows = []
        for numbers, parts in b.merged():
            label = f"[({numbers})]" if numbers and b.numbered else ""
            titles = dict.fromkeys(self.untitled[int(n)] for n in numbers.split(", ") if n and int(n) in self.untitled)
            named = "".join(rf"\emph{{{t[0].upper()}{t[1:]}.}} " for t in map(plain, titles))
            rows.append(rf"  \item{label} {named}" + "".join(self.inline(p) for p in parts))
        body = "\n".join(rows)
        if b.numbered:  # a label that is too long for its column pushes the text, and does not hang into the margin
            lengths = (
                r"\setlength{\labelwidth}{2.4em}\setlength{\leftmargin}{3em}\setlength{\itemsep}{2pt}\setlength{\parsep}{0pt}"
            )
            return f"\\begin{{list}}{{}}{{{lengths}}}\n{body}\n\\end{{list}}"
        return f"\\begin{{itemize}}\n\\setlength{{\\itemsep}}{{2pt}}\n{body}\n\\end{{itemize}}"

    def display(self, b: Display) -> str:
        """Aligned rows: what it is, what it equals, by which rule."""
        left = [self.math.left(r.left.words, r.shape) if r.left is not None else "" for r in b.rows]
        marked = self.doc.options.highlight
        right = [self.math.text(r.right.words, r.right.highlight if marked else (), self.doc.options.shapes) for r in b.rows]
        titles = [self.title(r) for r in b.rows]
        room = (
            PAGE
            - max(
                (formula_width(t) + (5 if r.final_of_chain else 0) for t, r in zip(left, b.rows, strict=True) if t), default=0.0
            )
            - 3
        )
        column = room - _column(titles)
        if self.sentences and sum(formula_width(t) > column for t in right) > 1:
            titles = [f"({r.number})" if r.title and r.number else "" for r in b.rows]
            self.untitled |= {r.number: r.title for r in b.rows if r.title and r.number}
            column = room - _column(titles)
        lines: list[str] = []
        for k, r in enumerate(b.rows):
            gap = "[8pt] " if r.left is not None and k else ""
            if gap and lines:
                lines[-1] += f" \\\\{gap}"
            elif lines:
                lines[-1] += r" \\"
            lines += self.row(r, left[k], right[k], titles[k], column, room)
        return "\\begin{align*}\n" + "\n".join(lines) + "\n\\end{align*}"

    def row(self, r: Row, label: str, text: str, title: str, column: float, room: float) -> list[str]:
        """The lines of one row; all but the last end in a line break. What is wider than its column reaches below the titles."""
        pieces = lines_of(text, column)
        wide = any(formula_width(p) > column for p in pieces)
        if wide:
            pieces = lines_of(text, room)
        cells = []
        for p in pieces:
            if formula_width(p) > room:
                p = rf"\resizebox{{{0.95 * room / PAGE:.2f}\linewidth}}{{!}}{{$\displaystyle {p}$}}"
            cells.append(rf"\rlap{{$\displaystyle {p}$}}" if wide else p)
        arrow = r"\Rightarrow\quad " if r.final_of_chain else ""
        out = [
            f"{arrow}{label} &{RELATIONS.get(r.relation, r.relation)} {cells[0]}".strip(),
            *(rf"&\quad {{}}{p}" for p in cells[1:]),
        ]
        if title and not wide:
            out[-1] += rf" && \text{{{title}}}"
        elif title:
            out.append(rf"& && \text{{{title}}}")
        return [line + (r" \\" if k + 1 < len(out) else "") for k, line in enumerate(out)]

    def title(self, r: Row) -> str:
        if not r.title:
            return ""
        number = f"({r.number}) " if self.sentences and r.number else ""
        return rf"{number}{plain(r.title)}"


def declarations(math: StepMath, variables: Iterable[Var]) -> str:
    """What tells `symderiv check`, in a comment, what the names mean: `symderiv: X: n,d; w: d`."""
    shown = []
    for v in variables:
        attrs = [a for a in sorted(v.attrs) if not (a == "symmetric" and v.attrs & {"psd", "diagonal"})]
        sizes = ",".join(map(str, v.shape)) or "scalar"
        shown.append(" ".join([f"{math.name(v)}: {sizes}", *attrs]))
    return f"symderiv: {'; '.join(shown)}" if shown else ""


def _column(titles: list[str]) -> float:
    """Width of the column of titles, in letters."""
    return max((0.78 * len(t) + 2.5 for t in titles if t), default=0.0)


__all__ = ["declarations", "to_latex_document"]
