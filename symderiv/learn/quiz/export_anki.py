"""A quiz as an Anki deck (`.apkg`), written by genanki; formulas are MathJax, which Anki shows by itself."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from .export_moodle import html_line, html_of, html_of_answer
from .model import LETTERS, Question
from .typeset import choices

MODEL = 1607392319  # of the note type: the same for all decks, so that they share it
CSS = """.card { font-family: sans-serif; font-size: 20px; text-align: left; max-width: 40em; margin: auto; }
code, table { font-family: monospace; font-size: 17px; }
td { padding: 0 0.7em; }
hr { margin: 1em 0; }"""


def write_anki(questions: Sequence[Question], path: Path, title: str) -> None:
    """A deck of cards, one for each question; the same quiz updates the same cards.

    Raises:
        InputError: SD146 where genanki is missing.
    """
    try:
        import genanki
    except ImportError:
        raise InputError("Anki decks need genanki", code="SD146", hint='pip install "symderiv[anki]"') from None
    model = genanki.Model(
        MODEL, "symderiv quiz", fields=[{"name": "Question"}, {"name": "Answer"}, {"name": "Key"}],
        templates=[{"name": "Card", "qfmt": "{{Question}}", "afmt": "{{FrontSide}}<hr id=answer>{{Answer}}"}], css=CSS,
    )  # fmt: skip
    deck = genanki.Deck(2**30 + zlib.crc32(title.encode()) % 2**30, title)
    for q in questions:
        options = "".join(f"<div>{letter}) {html_line(c)}</div>" for letter, c in zip(LETTERS, choices(q), strict=False))
        tags = [f"topic::{q.topic}", f"kind::{q.kind}", f"level::{q.level}"]
        fields = [html_of(q) + options, html_of_answer(q), q.key]
        deck.add_note(genanki.Note(model, fields, guid=genanki.guid_for(q.key), tags=tags))
    genanki.Package(deck).write_to_file(str(path))


__all__ = ["write_anki"]
