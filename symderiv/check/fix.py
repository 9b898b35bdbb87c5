"""Writing the corrected sides into the files, where a second check agrees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .checker import Checker
from .findings import Finding, Report
from .load import decoded, paper_of, read_text
from .options import Options
from .paper import Paper


@dataclass
class Fixed:
    """What was changed.

    Attributes:
        texts: path -> (old text, new text).
        applied: the findings that were mended.
    """

    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    applied: list[Finding] = field(default_factory=list)


def fixes_of(paper: Paper, report: Report, options: Options) -> Fixed:
    """The corrections that make their relations right and nothing else wrong.

    A side that goes over several rows is left to its author, and so are notebooks' outputs.
    """
    wanted = [f for f in report.findings if f.fix and _one_row(paper.text[f.start : f.stop])]
    for _ in range(3):
        changed = _apply(paper, wanted)
        again = Checker(changed, options).run()
        bad = {_line(f) for f in again.findings} - {_line(f) for f in report.findings if f not in wanted}
        kept = [f for f in wanted if _line(f) not in bad]
        if len(kept) == len(wanted):
            return _fixed(paper, changed, wanted)
        wanted = kept
    return Fixed()


def _line(f: Finding) -> tuple[str, int, int]:
    return f.place.file, f.place.cell, f.place.line


def _one_row(text: str) -> bool:
    return "\\\\" not in text and "&" not in text and "%" not in text and "\n" not in text


def _apply(paper: Paper, wanted: Sequence[Finding]) -> Paper:
    """The document with the corrections, read anew from its changed texts."""
    texts = _texts(paper, wanted)
    main = paper.pieces[0].path if paper.pieces else paper.name
    if any(p.cell for p in paper.pieces):
        merged = "\n\n".join(texts[(p.path, p.cell)] for p in paper.pieces)
        return paper_of(merged, main, ".md", files=False) if False else _cells(paper, texts)
    loader = {path: text for (path, _), text in texts.items()}
    return _with_files(main, loader)


def _cells(paper: Paper, texts: dict[tuple[str, int], str]) -> Paper:
    cells = [{"cell_type": "code", "source": ""} for _ in range(max(p.cell for p in paper.pieces))]
    for (_, cell), text in texts.items():
        cells[cell - 1] = {"cell_type": "markdown", "source": text}
    return paper_of(json.dumps({"cells": cells}), paper.name, ".ipynb")


def _with_files(main: str, texts: dict[str, str]) -> Paper:
    from . import load

    original = load.read_text
    try:
        load.read_text = lambda path: texts.get(path, "") or original(path)  # type: ignore[assignment]
        return load.paper_of(texts[main], main)
    finally:
        load.read_text = original  # type: ignore[assignment]


def _texts(paper: Paper, wanted: Sequence[Finding]) -> dict[tuple[str, int], str]:
    out: dict[tuple[str, int], str] = {}
    for p in paper.pieces:
        if (p.path, p.cell) in out:
            continue
        text = paper.text[p.start : p.stop]
        for f in sorted((f for f in wanted if p.start <= f.start < p.stop), key=lambda f: -f.start):
            text = text[: f.start - p.start] + f.fix + text[f.stop - p.start :]
        out[(p.path, p.cell)] = text
    return out


def _fixed(paper: Paper, changed: Paper, applied: list[Finding]) -> Fixed:
    out = Fixed(applied=applied)
    for (path, cell), text in _texts(paper, applied).items():
        old = next(paper.text[p.start : p.stop] for p in paper.pieces if (p.path, p.cell) == (path, cell))
        if old != text:
            key = path if not cell else f"{path}#{cell}"
            out.texts[key] = (old, text)
    return out


def write(fixed: Fixed) -> list[str]:
    """Write the changed files as they were encoded, with their line ends; the paths."""
    written = []
    cells: dict[str, dict[int, tuple[str, str]]] = {}
    for key, (old, new) in fixed.texts.items():
        path, _, cell = key.rpartition("#")
        if path and cell.isdigit():
            cells.setdefault(path, {})[int(cell)] = (old, new)
        else:
            _write_text(key, old, new)
            written.append(key)
    for path, changes in cells.items():
        _write_notebook(path, changes)
        written.append(path)
    return written


def _write_text(path: str, old: str, new: str) -> None:
    data = Path(path).read_bytes()
    text = decoded(data, path)
    changed = _patched(text, old, new)
    if b"\r\n" in data:
        changed = changed.replace("\n", "\r\n")
    for encoding in ("utf-8-sig", "utf-8") if data.startswith(b"\xef\xbb\xbf") else ("utf-8", "latin-1"):
        try:
            data.decode(encoding)
            Path(path).write_bytes(changed.encode(encoding))
            return
        except (UnicodeDecodeError, UnicodeEncodeError):
            continue


def _patched(text: str, old: str, new: str) -> str:
    """The file with the changes that were made to what was read of it; code that was hidden in Markdown is as it was."""
    if text == old:
        return new
    import difflib

    out, at = [], 0
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            out += [text[at:a], new[c:d]]
            at = b
    return "".join([*out, text[at:]])


def _write_notebook(path: str, changes: dict[int, tuple[str, str]]) -> None:
    raw = Path(path).read_text(encoding="utf-8")
    data = json.loads(raw)
    for number, (old, new) in changes.items():
        cell = data["cells"][number - 1]
        source = cell["source"]
        text = _patched("".join(source) if isinstance(source, list) else source, old, new)
        cell["source"] = text.splitlines(keepends=True) if isinstance(source, list) else text
    indent = 1 if raw.startswith("{\n ") else None
    Path(path).write_text(json.dumps(data, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


__all__ = ["Fixed", "fixes_of", "read_text", "write"]
