"""Derivations in Markdown with LaTeX mathematics, as notebooks, GitHub and Pandoc show them."""

from __future__ import annotations

from ..steps.document import Block, Display, Document, Heading, Math, Paragraph, Row, Size
from .document_latex import RELATIONS, declarations
from .prose import split, unicode_to_latex
from .stepmath import StepMath


def to_markdown_document(doc: Document) -> str:
    """The document in Markdown: displays in `$$` with `aligned`."""
    return _Markdown(doc).text()


class _Markdown:
    def __init__(self, doc: Document) -> None:
        self.doc = doc
        d = doc.derivation
        self.math = StepMath(d.symbols, doc.options, "latex", d.vars)

    def text(self) -> str:
        title = "".join(self.inline(p) for p in self.doc.title)
        declared = declarations(self.math, self.doc.derivation.vars.values())
        head = [f"# {title}", *([f"<!-- {declared} -->"] if declared else [])]
        return "\n\n".join([*head, *(t for t in map(self.block, self.doc.blocks) if t)]) + "\n"

    def block(self, b: Block) -> str:
        if isinstance(b, Heading):
            return f"{'#' * b.level} {''.join(self.inline(p) for p in b.parts)}"
        if isinstance(b, Paragraph):
            return "".join(self.inline(p) for p in b.parts)
        if isinstance(b, Display):
            return self.display(b)
        if b.numbered and self.doc.options.reasons is False:
            return ""
        rows = []
        for number, parts in b.merged():
            label = f"({number}) " if number and b.numbered else ""
            rows.append(f"- {label}" + "".join(self.inline(p) for p in parts))
        return "\n".join(rows)

    def inline(self, part: str | Math | Size) -> str:
        if isinstance(part, str):
            names = self.math.names
            return "".join(f"${unicode_to_latex(t, names=names)}$" if math else t for math, t in split(part))
        if isinstance(part, Size):
            return f"${self.math.size(part)}$"
        return f"${self.math.text(part.words)}$"

    def display(self, b: Display) -> str:
        rows = [self.row(r, k > 0) for k, r in enumerate(b.rows)]
        body = " \\\\\n".join(rows)
        return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"

    def row(self, r: Row, later: bool) -> str:
        arrow = r"\Rightarrow\quad " if r.final_of_chain else ""
        left = self.math.left(r.left.words, r.shape) if r.left is not None else ""
        right = self.math.text(r.right.words, shapes=self.doc.options.shapes)
        number = f"({r.number}) " if r.number else ""
        title = rf" && \text{{{number}{r.title}}}" if r.title else ""
        return f"{arrow}{left} &{RELATIONS.get(r.relation, r.relation)} {right}{title}".strip()


__all__ = ["to_markdown_document"]
