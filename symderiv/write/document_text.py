"""Derivations for terminals: Unicode mathematics, aligned at the equals signs, with the rules on the right."""

from __future__ import annotations

from ..steps.document import Block, Display, Document, Heading, Math, Paragraph, Size
from .layout import text_lines
from .prose import bare
from .stepmath import StepMath


def to_text_document(doc: Document, width: int = 100) -> str:
    """The document as plain text of about `width` columns."""
    return _Text(doc, width).text()


class _Text:
    def __init__(self, doc: Document, width: int) -> None:
        self.doc, self.width = doc, width
        d = doc.derivation
        self.math = StepMath(d.symbols, doc.options, "unicode", d.vars)

    def text(self) -> str:
        title = "".join(self.inline(p) for p in self.doc.title)
        return "\n\n".join([f"{title}\n{'─' * len(title)}", *(t for t in map(self.block, self.doc.blocks) if t)]) + "\n"

    def block(self, b: Block) -> str:
        if isinstance(b, Heading):
            text = "".join(self.inline(p) for p in b.parts)
            return f"{text}\n{'·' * len(text)}"
        if isinstance(b, Paragraph):
            return wrapped("".join(self.inline(p) for p in b.parts), self.width)
        if isinstance(b, Display):
            return self.display(b)
        if b.numbered and self.doc.options.reasons is False:
            return ""
        out: list = []
        for number, parts in b.merged():
            label = f"({number})" if number and b.numbered else "•"
            out.append(wrapped("".join(self.inline(p) for p in parts), self.width, f"{label:>5} ", " " * 6))
        return "\n".join(out)

    def inline(self, part: str | Math | Size) -> str:
        if isinstance(part, str):
            return bare(part, self.math.names)
        if isinstance(part, Size):
            return self.math.size(part)
        return self.math.text(part.words)

    def display(self, b: Display) -> str:
        left = [self.math.left(r.left.words, r.shape) if r.left is not None else "" for r in b.rows]
        heads = [("⇒ " if r.final_of_chain else "") + t for t, r in zip(left, b.rows, strict=True)]
        indent = max(map(len, heads)) + 2
        room = max(30, self.width - indent - 4)
        right = [text_lines(self.math.text(r.right.words, shapes=self.doc.options.shapes), room) for r in b.rows]
        titles = [f"({r.number}) {r.title}" if r.title and r.number else r.title for r in b.rows]
        column = max((len(lines[-1]) for lines in right if len(lines[-1]) <= 58), default=0) + 3
        out: list = []
        for head, lines, title, r in zip(heads, right, titles, b.rows, strict=True):
            shown = [f"{head:>{indent}} {r.relation} {lines[0]}", *(f"{'':{indent}}     {x}" for x in lines[1:])]
            if title:
                gap = column - len(lines[-1])
                if gap > 0:
                    shown[-1] += " " * (gap if len(lines) == 1 else max(2, gap - 2)) + title
                else:
                    shown.append(f"{'':{indent}}   {'':{column}}{title}")
            if r.left is not None and out:
                out.append("")
            out += shown
        return "\n".join(line.rstrip() for line in out)


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """Text in lines of at most `width` characters."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False)) or first


__all__ = ["to_text_document", "wrapped"]
