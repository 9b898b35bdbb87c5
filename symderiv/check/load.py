"""Documents from files and texts: `.tex`, `.md`, `.ipynb`, standard input."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, LimitError
from .paper import Event, Paper
from .tex import Scanner

MAX_BYTES = 20_000_000
SUFFIXES = (".tex", ".ltx", ".latex", ".md", ".markdown", ".rmd", ".qmd", ".ipynb", ".txt")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MARKDOWN = (".md", ".markdown", ".rmd", ".qmd")
_FENCE = re.compile(
    r"^(?P<indent>[ \t]{0,3})(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_REMARK = re.compile(r"<!--\s*symderiv:\s*(.*?)-->", re.DOTALL)
_MATH_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})\s*math\s*$")


def load_paper(path: str) -> Paper:
    """A document from a file.

    Raises:
        InputError: SD110 for what cannot be read as text.
        LimitError: SD901 for a file that is too large.
    """
    text = read_text(path)
    return paper_of(text, path)


def paper_of(
    text: str, name: str = "input", kind: str = "", files: bool = True, read: Callable[[str], str] | None = None
) -> Paper:
    """A document from its text; `kind` is a suffix, found out where it is empty; `read` gives the text of a file that it takes in."""
    suffix = kind or os.path.splitext(name)[1].lower()
    paper = Paper(name, kind=kind)
    if suffix == ".ipynb":
        _notebook(paper, text, name)
    elif suffix in _MARKDOWN or (suffix not in SUFFIXES and not _looks_like_tex(text)):
        _markdown(paper, name, text, 0)
    else:
        piece = paper.add(name, text)
        scanner = Scanner(paper, _loader(name, read or read_text) if files else None)
        scanner.stack.append(name)
        scanner.scan(piece)
        if not any(e.kind in ("display", "inline", "trouble") for e in paper.events) and suffix not in (".tex", ".ltx", ".latex"):
            paper.events.append(Event("display", piece.start, piece.stop, "bare"))  # a formula without dollars
    return paper


def read_text(path: str) -> str:
    """The text of a file.

    Raises:
        InputError: SD110. LimitError: SD901.
    """
    try:
        size = os.path.getsize(path)
        if size > MAX_BYTES:
            raise LimitError(f"{path} has {size} bytes; at most {MAX_BYTES} are read", code="SD901", hint="check its parts")
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", code="SD110") from None
    except ValueError:
        raise InputError("this is no name of a file", code="SD110") from None
    return decoded(data, path)


def decoded(data: bytes, name: str) -> str:
    """The text of a file; line ends become `\\n`.

    Raises:
        InputError: SD110 for binary data.
    """
    mark, encoding = encoding_of(data, name)
    return unified(data[len(mark) :].decode(encoding))


def encoding_of(data: bytes, name: str) -> tuple[bytes, str]:
    """The mark at the beginning and the encoding: UTF-8 or UTF-16 with a mark, UTF-8 without, else Latin-1.

    Raises:
        InputError: SD110 for binary data.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                data[len(mark) :].decode(encoding)
                return mark, encoding
            except UnicodeDecodeError:
                break
    if b"\0" in data:
        raise InputError(f"{name} is not a text file", code="SD110", hint="give a .tex, .md or .ipynb file")
    try:
        data.decode("utf-8")
        return b"", "utf-8"
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    strange = sum((c < " " and c not in "\t\n\r\f") or "\x7f" <= c <= "\x9f" for c in text)
    if strange > len(text) / 20:
        raise InputError(f"{name} is not a text file", code="SD110", hint="give a .tex, .md or .ipynb file")
    return b"", "latin-1"


def unified(text: str) -> str:
    """The text with `\\n` at every end of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _looks_like_tex(text: str) -> bool:
    return bool(re.search(r"\\(documentclass|begin\s*\{|section|\[|\()", text)) or not re.search(r"\$|^#|```", text, re.MULTILINE)


def _loader(name: str, read: Callable[[str], str]) -> Callable[[str, str], tuple[str, str] | None]:
    base = os.path.dirname(name)

    def load(wanted: str, including: str) -> tuple[str, str] | None:
        for folder in (base, os.path.dirname(including)):
            for ending in ("", ".tex"):
                path = os.path.normpath(os.path.join(folder, wanted + ending))
                if os.path.isfile(path):
                    try:
                        return path, read(path)
                    except (InputError, LimitError):
                        return None
        return None

    return load


# Markdown and notebooks ----------------------------------------------------------------------------------------------------------
def _markdown(paper: Paper, name: str, text: str, cell: int, scanner: Scanner | None = None) -> None:
    """Markdown is read as TeX is, with code taken out: blanks stand where it was, so that places stay."""
    hidden = _without_code(text)
    piece = paper.add(name, hidden, cell)
    begin = len(paper.events)
    for m in _REMARK.finditer(hidden):
        paper.events.append(Event("remark", piece.start + m.start(), piece.start + m.end(), " ".join(m[1].split())))
    remarks = paper.events[begin:]
    del paper.events[begin:]
    scanner = scanner or Scanner(paper)
    shown = _REMARK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), hidden)
    shown = re.sub(r"<!--.*?-->", lambda m: re.sub(r"[^\n]", " ", m[0]), shown, flags=re.DOTALL)
    shown = re.sub(r"(?m)^(#{1,6}) ", lambda m: "\\section "[: len(m[0])].ljust(len(m[0])) if len(m[0]) > 8 else m[0], shown)
    shown = re.sub(r"(?<!\\)%", "\x01", shown)  # a per cent sign begins no comment here
    paper.text = paper.text[: piece.start] + shown.replace("\\\\(", "\\\\(") + paper.text[piece.stop :]
    scanner.scan(piece)
    paper.text = paper.text[: piece.start] + hidden + paper.text[piece.stop :]
    paper.events[begin:] = sorted([*paper.events[begin:], *remarks, *_headings(piece, hidden)], key=lambda e: e.start)
    paper.events[begin:] = _sections(paper.events[begin:])


def _headings(piece, text: str) -> list[Event]:
    found = re.finditer(r"(?m)^#{1,6} ", text)
    return [Event("heading", piece.start + m.start(), piece.start + m.end(), "section" if len(m[0]) < 4 else "") for m in found]


def _sections(events: list[Event]) -> list[Event]:
    """Section numbers from the headings between."""
    out, number = [], 0
    for e in events:
        number += e.kind == "heading" and e.text == "section"
        out.append(Event(e.kind, e.start, e.stop, e.text, e.before, e.paragraph, e.section + number))
    return out


def _without_code(text: str) -> str:
    def blank(m: re.Match) -> str:
        first = m[0].split("\n", 1)[0]
        if _MATH_FENCE.match(first):
            lines = m[0].split("\n")
            return "\n".join(["$$".ljust(len(lines[0])), *lines[1:-1], "$$".ljust(len(lines[-1]))])
        return re.sub(r"[^\n]", " ", m[0])

    text = _FENCE.sub(blank, text)
    # GitHub's inline form: $`x`$
    text = re.sub(r"\$`([^`\n]+)`\$", lambda m: "$ " + m[1] + " $", text)
    return re.sub(r"(?<!`)(`{1,2})(?!`)[^`\n]*(?:`(?!\1)[^`\n]*)*?\1(?!`)", lambda m: " " * len(m[0]), text)


def _notebook(paper: Paper, text: str, name: str) -> None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise InputError(f"{name}:{line}: this is no notebook: {str(error)[:100]}", code="SD110", hint="save it again") from None
    cells = data.get("cells") if isinstance(data, dict) else None
    if cells is None and isinstance(data, dict) and isinstance(data.get("worksheets"), list):
        cells = [c for w in data["worksheets"] if isinstance(w, dict) for c in w.get("cells", [])]
    if not isinstance(cells, list):
        raise InputError(f"{name}: this is no notebook: it has no cells", code="SD110", hint="save it again")
    scanner = Scanner(paper)
    for k, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("markdown", "raw", "heading"):
            continue
        source = cell.get("source", "")
        source = "".join(s for s in source if isinstance(s, str)) if isinstance(source, list) else source
        if isinstance(source, str):
            scanner.paragraph += 1
            _markdown(paper, name, unified(source), k, scanner)


__all__ = ["SUFFIXES", "decoded", "encoding_of", "load_paper", "paper_of", "read_text", "unified"]
