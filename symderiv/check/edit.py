r"""Files as they are on the disk, and changes of single places in them: everything else stays byte for byte.

A document is checked with line ends as `\n`; a file is changed with the ones it has. In a notebook the place is found inside the JSON
literal that holds it, so that nothing around it is written anew.
"""

from __future__ import annotations

import bisect
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .load import encoding_of, unified

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """A replacement in the text that was checked: of a file, or of a cell of a notebook.

    Attributes:
        start, stop: offsets in that text.
        text: what stands there afterwards.
    """

    cell: int
    start: int
    stop: int
    text: str


@dataclass
class File:
    """The text of a file with its encoding and its own line ends.

    Attributes:
        path: of the file; "" for a text that comes from elsewhere.
        text: decoded, nothing else changed.
        encoding, mark: how to write it.
    """

    path: str
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    _cells: list[list[tuple[int, str]]] = field(default_factory=list, repr=False)

    def source(self, cell: int = 0) -> str:
        """What of it is checked: the text, or that of a cell, with `\\n` between lines."""
        return unified(self.text if not cell else "".join(c for _, c in self._pieces(cell)))

    def changed(self, changes: Sequence[Change]) -> str:
        """The text with the changes."""
        out = self.text
        for c in sorted(changes, key=lambda c: (c.cell, c.start), reverse=True):
            start, stop, written = self._place(c)
            out = out[:start] + written + out[stop:]
        return out

    def _place(self, c: Change) -> tuple[int, int, str]:
        if not c.cell:
            ends = _wide_ends(self.text)
            return c.start + bisect.bisect_left(ends, c.start), c.stop + bisect.bisect_left(ends, c.stop), c.text
        pieces = self._pieces(c.cell)
        ends = _wide_ends("".join(x for _, x in pieces))
        start, last = (at + bisect.bisect_left(ends, at) for at in (c.start, c.stop - 1))
        escaped = json.dumps(c.text, ensure_ascii=self.text.isascii())[1:-1]
        return pieces[start][0], pieces[last + 1][0] if last + 1 < len(pieces) else pieces[last][0] + 1, escaped

    def _pieces(self, cell: int) -> list[tuple[int, str]]:
        """The characters of a cell, each with the place of what stands for it in the file."""
        self._cells = self._cells or _cells(self.text)
        return self._cells[cell - 1]


def _wide_ends(text: str) -> list[int]:
    r"""Where, in the text with `\n`, the line ends are that have two characters in the file."""
    return [m.start() - k for k, m in enumerate(re.finditer("\r\n", text))]


def read_file(path: str) -> File:
    """A file as it is.

    Raises:
        InputError: SD110.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", code="SD110") from None
    mark, encoding = encoding_of(data, path)
    return File(path, data[len(mark) :].decode(encoding), encoding, mark)


def write_file(file: File, text: str) -> None:
    """The new text in place of the old one, at once or not at all; a file that changed meanwhile is left alone.

    Raises:
        InputError: SD110.
    """
    if read_file(file.path).text != file.text:
        raise InputError(f"{file.path} changed while it was checked; nothing was written", code="SD110", hint="run it again")
    try:
        data = file.mark + text.encode(file.encoding)
    except UnicodeEncodeError:
        raise InputError(f"{file.path} is {file.encoding}, which has not all letters of the correction", code="SD110") from None
    path = os.path.realpath(file.path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".symderiv-", suffix=".tmp")
        with os.fdopen(handle, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise InputError(f"{file.path} cannot be written: {error.strerror or error}", code="SD110") from None


# notebooks ---------------------------------------------------------------------------------------------------------------------
def _cells(text: str) -> list[list[tuple[int, str]]]:
    """The sources of all cells of a notebook."""
    tokens = [(m.start(), m[0]) for m in _TOKEN.finditer(text)]
    data = json.loads(text)
    key = "cells" if "cells" in data else "worksheets"
    out: list[list[tuple[int, str]]] = []

    def cell(at: int, place: int) -> None:
        out.append([])

        def entry(name: str, value: int) -> None:
            if name == "source":
                out[place] = [p for k in _literals(tokens, value) for p in _characters(*tokens[k])]

        _members(tokens, at, entry)

    def cells(name: str, value: int) -> None:
        if name == "cells":
            _elements(tokens, value, lambda at: cell(at, len(out)))

    def top(name: str, value: int) -> None:
        if name == key == "cells":
            cells(name, value)
        elif name == key:
            _elements(tokens, value, lambda at: _members(tokens, at, cells))

    _members(tokens, 0, top)
    return out


def _members(tokens: Sequence[tuple[int, str]], at: int, visit: Callable[[str, int], None]) -> None:
    """The entries of an object: name, and the number of the token at which the value begins."""
    at += 1
    while at < len(tokens) and tokens[at][1] != "}":
        if tokens[at][1] == ",":
            at += 1
            continue
        visit(json.loads(tokens[at][1]), at + 2)
        at = _behind(tokens, at + 2)


def _elements(tokens: Sequence[tuple[int, str]], at: int, visit: Callable[[int], None]) -> None:
    at += 1
    while at < len(tokens) and tokens[at][1] != "]":
        if tokens[at][1] != ",":
            visit(at)
            at = _behind(tokens, at)
        else:
            at += 1


def _behind(tokens: Sequence[tuple[int, str]], at: int) -> int:
    depth = 0
    while True:
        depth += (tokens[at][1] in "{[") - (tokens[at][1] in "}]")
        at += 1
        if depth == 0:
            return at


def _literals(tokens: Sequence[tuple[int, str]], at: int) -> list[int]:
    """The strings of a source, which is one string or a list of them."""
    return [k for k in range(at, _behind(tokens, at)) if tokens[k][1].startswith('"')]


def _characters(start: int, literal: str) -> list[tuple[int, str]]:
    """The characters that a literal stands for, with their places."""
    return [(start + 1 + m.start(), json.loads(f'"{m[0]}"', strict=False)) for m in _ESCAPE.finditer(literal[1:-1])]


__all__ = ["Change", "File", "read_file", "write_file"]
