r"""The formulas of a `.tex` file, without understanding TeX: comments, verbatim text and pictures are passed over.

`$…$`, `\(…\)`, `$$…$$`, `\[…\]` and the environments of displays; `\input` and `\include`; definitions of macros; remarks in comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .paper import Event, Paper, Piece

DISPLAYS = frozenset({
    "equation", "align", "gather", "multline", "alignat", "flalign", "eqnarray", "displaymath", "dmath", "IEEEeqnarray", "math", "xalignat",
    "dgroup", "darray", "empheq",
})  # fmt: skip
PASSED = frozenset({
    "verbatim", "Verbatim", "lstlisting", "minted", "comment", "filecontents", "tikzpicture", "tikzcd", "pgfpicture", "forest", "BVerbatim",
    "alltt", "pspicture", "picture", "asy", "lstinputlisting", "algorithmic", "algorithm", "algorithm2e", "thebibliography",
})  # fmt: skip
TOP = ("section", "chapter", "part", "appendix")
HEADINGS = ("appendix", "section", "subsection", "subsubsection", "chapter", "part", "paragraph")
_DEFINERS = ("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "def", "gdef", "let", "DeclareMathOperator")
_INPUTS = ("input", "include", "subfile", "import")
_TOKEN = re.compile(
    r"\\(?P<name>[A-Za-z]+)\*?|\\(?P<sign>.)|(?P<dollars>\$\$?)|(?P<comment>%[^\n]*)|(?P<blank>\n[ \t]*\n[ \t\n]*)", re.DOTALL
)
_REMARK = re.compile(r"%+\s*symderiv:\s*(.*)")
MAX_FILES = 200
MAX_DEPTH = 20
MAX_TROUBLES = 50
WORDS_BEFORE = 120


@dataclass
class Scanner:
    """One document with the files that it takes in.

    Attributes:
        load: gives the text of a file named in `\\input`, or None where there is none.
    """

    paper: Paper
    load: Callable[[str, str], tuple[str, str] | None] | None = None
    paragraph: int = 0
    section: int = 0
    stack: list[str] = field(default_factory=list)
    begins: dict[str, str] = field(default_factory=dict)  # \be -> equation
    ends: dict[str, str] = field(default_factory=dict)
    done: bool = False
    missing: set[tuple[str, int]] = field(default_factory=set)
    troubles: int = 0

    def scan(self, piece: Piece) -> None:
        """The events of one file, those of the files that it takes in between."""
        text = self.paper.text
        at, stop = piece.start, piece.stop
        body = re.compile(r"\\begin\s*\{document\}").search(text, at, stop)
        words_from = at
        while at < stop and not self.done:
            m = _TOKEN.search(text, at, stop)
            if m is None:
                break
            at = m.end()
            if m["comment"] is not None:
                remark = _REMARK.match(m[0])
                if remark:
                    self._event("remark", m.start(), m.end(), remark[1].strip())
                continue
            if m["blank"] is not None:
                self.paragraph += 1
                continue
            if m["dollars"] is not None:
                at = self._dollars(m.start(), m["dollars"], stop, words_from)
                words_from = at
                continue
            if m["sign"] is not None:
                if m["sign"] in "([":
                    at = self._until(
                        m.start(),
                        "\\)" if m["sign"] == "(" else "\\]",
                        stop,
                        "inline" if m["sign"] == "(" else "display",
                        words_from,
                    )
                    words_from = at
                continue
            name = m["name"]
            if name == "begin":
                at, is_formula = self._environment(m.start(), m.end(), stop, words_from)
                words_from = at if is_formula else words_from
            elif name == "verb":
                at = self._verb(m.start() + 5, stop)
            elif name in HEADINGS:
                top = name in TOP
                self.section += top
                self._event("heading", m.start(), m.end(), "section" if top else "")
            elif name in _DEFINERS:
                at = self._definition(m.start(), m.end(), name, stop)
            elif name in _INPUTS and (body is None or at > 0):
                at = self._input(m.end(), stop, piece)
            elif name in self.begins:
                at = self._alias(m.start(), m.end(), name, stop, words_from)
                words_from = at
            elif name == "endinput":
                return
        return

    # formulas ------------------------------------------------------------------------------------------------------------------
    def _event(self, kind: str, start: int, stop: int, text: str = "", words_from: int | None = None) -> None:
        before = ""
        if words_from is not None:
            raw = self.paper.text[max(words_from, start - WORDS_BEFORE) : start]
            before = " ".join(re.sub(r"%[^\n]*|\\[A-Za-z]+\*?|[{}~]", " ", raw).split()).lower()
        self.paper.events.append(Event(kind, start, stop, text, before, self.paragraph, self.section))

    def _dollars(self, start: int, dollars: str, stop: int, words_from: int) -> int:
        text = self.paper.text
        if dollars == "$$":
            return self._until(start, "$$", stop, "display", words_from)
        depth = 0
        for at, c in _signs(text, start + 1, stop):
            if c == "$" and depth <= 0:
                self._event("inline", start, at + 1, words_from=words_from)
                return at + 1
            depth += (c == "{") - (c == "}")
            if c == "\n" and text[at + 1 : at + 200].lstrip(" \t").startswith("\n"):
                break
        self._trouble(start, start + 1, "`$` is never closed before the paragraph ends")
        return start + 1

    def _lacks(self, closing: str, at: int, stop: int) -> bool:
        """Whether something does not stand behind a place; what is missing once is missing from there on."""
        if (closing, stop) not in self.missing and self.paper.text.find(closing, at, stop) < 0:
            self.missing.add((closing, stop))
        return (closing, stop) in self.missing

    def _trouble(self, start: int, stop: int, what: str) -> None:
        """A place that cannot be read; of a document full of them the first ones are told."""
        self.troubles += 1
        if self.troubles <= MAX_TROUBLES:
            self._event("trouble", start, stop, what if self.troubles < MAX_TROUBLES else f"{what}; what follows is not told")

    def _until(self, start: int, closing: str, stop: int, kind: str, words_from: int) -> int:
        text = self.paper.text
        for at, _ in () if self._lacks(closing, start + 2, stop) else _signs(text, start + 2, stop):
            if text.startswith(closing, at):
                self._event(kind, start, at + 2, words_from=words_from)
                return at + 2
        self._trouble(start, start + 2, f"`{text[start : start + 2]}` is never closed")
        return start + 2

    def _environment(self, start: int, at: int, stop: int, words_from: int) -> tuple[int, bool]:
        text = self.paper.text
        m = re.compile(r"\s*\{([^{}\n]*)\}").match(text, at, stop)
        if m is None:
            return at, False
        name = m[1].strip()
        plain = name.rstrip("*")
        if plain in DISPLAYS:
            return self._display(start, m.end(), name, stop, words_from), True
        if plain in PASSED or name in PASSED:
            closing = f"\\end{{{name}}}"
            end = -1 if self._lacks(closing, m.end(), stop) else text.find(closing, m.end(), stop)
            if end < 0:
                self._trouble(start, m.end(), f"`\\begin{{{name}}}` is never closed")
                return m.end(), False
            return end + len(name) + 6, False
        return m.end(), False

    def _display(self, start: int, at: int, name: str, stop: int, words_from: int) -> int:
        """The environment with those of the same name inside; its end must come."""
        text = self.paper.text
        pattern = re.compile(r"%[^\n]*|\\\\|\\(begin|end)\s*\{" + re.escape(name) + r"\}|\\[%$]")
        depth = 1
        for m in () if self._lacks("\\end", at, stop) else pattern.finditer(text, at, stop):
            if m[1] is None:
                continue
            depth += 1 if m[1] == "begin" else -1
            if depth > MAX_DEPTH:
                break
            if depth == 0:
                self._event("display", start, m.end(), words_from=words_from)
                return m.end()
        self._trouble(start, at, f"`\\begin{{{name}}}` is never closed")
        return at

    def _alias(self, start: int, at: int, name: str, stop: int, words_from: int) -> int:
        r"""`\be … \ee`, where the text defines these as the beginning and end of a display."""
        environment = self.begins[name]
        for m in re.compile(r"\\([A-Za-z]+)").finditer(self.paper.text, at, stop):
            if self.ends.get(m[1]) == environment:
                self._event("display", start, m.end(), "alias", words_from=words_from)
                return m.end()
        self._trouble(start, at, f"`\\{name}` is never closed")
        return at

    def _verb(self, at: int, stop: int) -> int:
        text = self.paper.text
        if at >= stop:
            return stop
        if text[at] == "*":
            at += 1
        sign = text[at : at + 1]
        end = text.find(sign, at + 1, stop) if sign else -1
        return end + 1 if 0 <= end < _line_end(text, at, stop) else at

    # macros and files ----------------------------------------------------------------------------------------------------------
    def _definition(self, start: int, at: int, kind: str, stop: int) -> int:
        """The text of a definition: the name, what says how many arguments, and a braced body (for `let`, one token)."""
        text = self.paper.text
        if kind == "let":
            m = re.compile(r"\s*\\([A-Za-z]+|.)\s*=?\s*(\\[A-Za-z]+|\\.|.)").match(text, at, stop)
            if m:
                self._event("macro", start, m.end(), text[start : m.end()])
                return m.end()
            return at
        m = re.compile(r"\s*(?:\{\s*\\(?P<a>[A-Za-z]+|.)\s*\}|\\(?P<b>[A-Za-z]+|.))").match(text, at, stop)
        if m is None:
            return at
        name = m["a"] or m["b"]
        here = m.end()
        while (here < stop and text[here] not in "{\n") or (
            here < stop and text[here] == "\n" and text[here + 1 : here + 2] in " \t{["
        ):
            if text[here] == "[":
                here = _matching(text, here, stop, "[", "]")
                continue
            here += 1
        if here >= stop or text[here] != "{":
            return at
        end = _matching(text, here, stop, "{", "}")
        body = text[here + 1 : end - 1]
        for word, table in (("begin", self.begins), ("end", self.ends)):
            found = re.fullmatch(r"\s*\\" + word + r"\s*\{([A-Za-z]+\*?)\}\s*", body)
            if found and found[1].rstrip("*") in DISPLAYS:
                table[name] = found[1]
                return end
        definition = text[start:end].replace("\\DeclareRobustCommand", "\\providecommand")
        self._event("macro", start, end, definition)
        return end

    def _input(self, at: int, stop: int, piece: Piece) -> int:
        text = self.paper.text
        m = re.compile(r"\s*(?:\{([^{}\n]*)\}(?:\s*\{([^{}\n]*)\})?|([\w./-]+))").match(text, at, stop)
        if m is None or self.load is None:
            return at
        wanted = (m[1] + m[2]) if m[2] and m[1].endswith("/") else (m[1] or m[3] or "")
        if not wanted.strip() or "\\" in wanted or "#" in wanted:
            return m.end()
        found = self.load(wanted.strip(), piece.path)
        if found is None:
            self._trouble(at, m.end(), f"no text file `{wanted.strip()[:80]}` is found")
            return m.end()
        path, content = found
        if path in self.stack:
            self._trouble(at, m.end(), f"`{wanted.strip()[:80]}` takes itself in")
            return m.end()
        if len(self.paper.pieces) >= MAX_FILES or len(self.stack) >= MAX_DEPTH:
            self._trouble(at, m.end(), f"more than {MAX_FILES} files, or more than {MAX_DEPTH} inside each other")
            return m.end()
        self.stack.append(path)
        self.scan(self.paper.add(path, content))
        self.stack.pop()
        return m.end()


def _line_end(text: str, at: int, stop: int) -> int:
    end = text.find("\n", at, stop)
    return stop if end < 0 else end


def _signs(text: str, at: int, stop: int) -> Iterator[tuple[int, str]]:
    r"""The characters with their places; `\x` is one, and comments are none."""
    while at < stop:
        if text[at] == "%":
            at = _line_end(text, at, stop)
            continue
        width = 2 if text[at] == "\\" else 1
        yield at, text[at : at + width]
        at += width


def _matching(text: str, at: int, stop: int, opening: str, closing: str) -> int:
    """The place behind the bracket that closes the one at `at`."""
    depth = 0
    for here, c in _signs(text, at, stop):
        depth += (c == opening) - (c == closing)
        if depth == 0:
            return here + 1
    return stop


__all__ = ["DISPLAYS", "Scanner"]
