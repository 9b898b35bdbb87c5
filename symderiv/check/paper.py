"""A document as one text: its files one after the other, the places of its formulas, and what comments say.

Paper.text     all files, so that an offset is a place
Piece          a file, or a cell of a notebook, in that text
Event          in the order in which a reader meets them: formulas, macros, remarks (`% symderiv: …`), headings
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Piece:
    """A part of the text that comes from one file.

    Attributes:
        path: of the file, as given or as `\\input` names it.
        start, stop: in the text of the paper.
        cell: the number of the cell of a notebook, else 0.
    """

    path: str
    start: int
    stop: int
    cell: int = 0


@dataclass(frozen=True)
class Event:
    """Something that a reader of the document meets.

    Attributes:
        kind: display, inline, macro, remark, heading, trouble.
        start, stop: place in the text of the paper; of a formula with its dollars or environment.
        text: of a macro its definition, of a remark what follows `symderiv:`, of a trouble what is wrong.
        before: the prose right before a formula, lower case.
        paragraph, section: numbers that grow.
    """

    kind: str
    start: int
    stop: int
    text: str = ""
    before: str = ""
    paragraph: int = 0
    section: int = 0


@dataclass
class Paper:
    """What is checked.

    Attributes:
        name: what the document is called.
        kind: the suffix that says how it was read.
        text: all of it.
        pieces: where in the text each file is.
        events: in the order of reading.
    """

    name: str
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    kind: str = ""
    _lines: list[int] = field(default_factory=list, repr=False)

    def add(self, path: str, text: str, cell: int = 0) -> Piece:
        """One more file at the end of the text."""
        start = len(self.text)
        self.text += text + "\n"
        piece = Piece(path, start, start + len(text), cell)
        self.pieces.append(piece)
        self._lines = []
        return piece

    def piece_at(self, offset: int) -> Piece:
        k = bisect.bisect_right([p.start for p in self.pieces], offset) - 1
        return self.pieces[max(k, 0)] if self.pieces else Piece(self.name, 0, len(self.text))

    def place(self, offset: int) -> Place:
        """File, line and column of an offset."""
        piece = self.piece_at(offset)
        if not self._lines:
            self._lines = [k for k, c in enumerate(self.text) if c == "\n"]
        begin = bisect.bisect_left(self._lines, piece.start)
        here = bisect.bisect_left(self._lines, offset)
        last = self._lines[here - 1] + 1 if here > begin else piece.start
        return Place(piece.path, here - begin + 1, offset - last + 1, piece.cell)

    def caret(self, start: int, stop: int, width: int = 100) -> str:
        """The line of a place with carets under it."""
        from ..errors import Span

        piece = self.piece_at(start)
        text = self.text[piece.start : piece.stop]
        return Span(text, start - piece.start, min(stop, piece.stop) - piece.start).caret(width)


@dataclass(frozen=True, order=True)
class Place:
    """Line and column count from 1; `cell` is that of a notebook, whose lines count from its beginning."""

    file: str
    line: int
    column: int
    cell: int = 0

    def __str__(self) -> str:
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.file}:{cell}{self.line}:{self.column}"


__all__ = ["Event", "Paper", "Piece", "Place"]
