"""Derivations in HTML with MathML: one file, no script, nothing from the network."""

from __future__ import annotations

from html import escape

from ..steps.document import Block, Display, Document, Heading, Math, Paragraph, Row, Size
from .document_latex import RELATIONS
from .mathml import to_mathml
from .prose import split, unicode_to_latex
from .stepmath import StepMath

STYLE = """
.symderiv { font: 17px/1.5 "Latin Modern Roman", "STIX Two Text", Georgia, serif; color: #1b1b1f; max-width: 62rem; }
.symderiv h1 { font-size: 1.5em; font-weight: 600; } .symderiv h2 { font-size: 1.2em; font-weight: 600; }
.symderiv math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math; }
.symderiv table { border-collapse: collapse; margin: 0.8em 0 0.8em 1.5em; }
.symderiv td { padding: 0.25em 0.15em; vertical-align: middle; }
.symderiv td.left { text-align: right; white-space: nowrap; } .symderiv td.rule { padding-left: 2em; color: #55565c; font-size:
0.88em; }
.symderiv td.rule span { white-space: nowrap; } .symderiv tr.chain td { padding-top: 0.9em; }
.symderiv .changed { color: #b3261e; } .symderiv li { margin: 0.15em 0; } .symderiv .number { color: #55565c; }
@media (prefers-color-scheme: dark) {
  .symderiv { color: #e4e2e6; } .symderiv td.rule, .symderiv .number { color: #a9a9b0; } .symderiv .changed { color: #f2b8b5; }
}
@media (max-width: 40rem) { .symderiv table { margin-left: 0; display: block; overflow-x: auto; } }
"""


def to_html_document(doc: Document, standalone: bool = True) -> str:
    """The document as HTML.

    Args:
        standalone: a whole page; otherwise a `<section>` with its style.

    Raises:
        CodeError: SD508 for a formula that has no MathML.
    """
    body = _Html(doc).text()
    if not standalone:
        return f"<style>{STYLE}</style>\n{body}"
    dark = "@media (prefers-color-scheme: dark) { body { background: #1b1b1f; } }"
    head = f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(doc.title_text)}</title>'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n<style>body {{ margin: 2rem; }} {dark}{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n'


class _Html:
    def __init__(self, doc: Document) -> None:
        self.doc = doc
        d = doc.derivation
        self.math = StepMath(d.symbols, doc.options, "latex", d.vars)

    def text(self) -> str:
        title = "".join(self.inline(p) for p in self.doc.title)
        blocks = "\n".join(t for t in map(self.block, self.doc.blocks) if t)
        return f'<section class="symderiv">\n<h1>{title}</h1>\n{blocks}\n</section>'

    def block(self, b: Block) -> str:
        if isinstance(b, Heading):
            return f"<h{b.level}>{''.join(self.inline(p) for p in b.parts)}</h{b.level}>"
        if isinstance(b, Paragraph):
            return f"<p>{''.join(self.inline(p) for p in b.parts)}</p>"
        if isinstance(b, Display):
            return "<table>\n" + "\n".join(self.row(r, k > 0) for k, r in enumerate(b.rows)) + "\n</table>"
        if b.numbered and self.doc.options.reasons is False:
            return ""
        rows = []
        for number, parts in b.merged():
            label = f'<span class="number">({number})</span> ' if number and b.numbered else ""
            rows.append(f"<li>{label}{''.join(self.inline(p) for p in parts)}</li>")
        style = ' style="list-style: none"' if b.numbered else ""
        return f"<ul{style}>\n" + "\n".join(rows) + "\n</ul>"

    def inline(self, part: str | Math | Size) -> str:
        if isinstance(part, str):
            names = self.math.names
            return "".join(to_mathml(unicode_to_latex(t, names=names)) if math else escape(t) for math, t in split(part))
        if isinstance(part, Size):
            return to_mathml(self.math.size(part))
        return to_mathml(self.math.text(part.words))

    def row(self, r: Row, later: bool) -> str:
        left = self.math.left(r.left.words, r.shape) if r.left is not None else ""
        arrow = r"\Rightarrow\quad " if r.final_of_chain else ""
        marked = r.right.highlight if self.doc.options.highlight else ()
        right = self.math.text(r.right.words, marked, self.doc.options.shapes)
        number = f'<span class="number">({r.number})</span> ' if r.number else ""
        rule = f'<td class="rule"><span>{number}{escape(r.title)}</span></td>' if r.title else "<td></td>"
        chain = ' class="chain"' if r.left is not None and later else ""
        first = to_mathml(rf"{arrow}{left}", large=True) if left else ""
        sign = RELATIONS.get(r.relation, r.relation)
        second = to_mathml(rf"{sign} {right}", large=True)
        return f'<tr{chain}><td class="left">{first}</td><td>{second}</td>{rule}</tr>'


__all__ = ["to_html_document"]
