"""What the author asks not to be told: `% symderiv: ignore SD602`, `ignore-file`, `off … on`, and the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .findings import Finding
from .paper import Paper, Place
from .rules import CODE_OF, RULES

_FIX = re.compile(r"(no-?fix|fix)\b[:\s]*(.*)", re.IGNORECASE)
_IGNORE = re.compile(r"(ignore-file|ignore-next|ignore|off|on)\b[:\s]*(.*)", re.IGNORECASE)


_INSIDE = re.compile(r"%+\s*symderiv:\s*([^\n]*)|<!--\s*symderiv:\s*(.*?)-->", re.DOTALL)


def codes_in(text: str) -> set[str]:
    """Codes and kinds in a text; `*` for all where there are none."""
    words = re.findall(r"[\w-]+", text)
    found = {w.upper() for w in words if w.upper() in RULES} | {CODE_OF[w.lower()] for w in words if w.lower() in CODE_OF}
    return found or {"*"}


@dataclass
class Silence:
    """Where which codes are silenced."""

    paper: Paper
    ignore: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    lines: dict[tuple[str, int, int], set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.whole = {c for text in self.ignore for c in codes_in(text)} if self.ignore else set()
        self.selected = {c for text in self.select for c in codes_in(text)} if self.select else {"*"}
        off: int | None = None
        for e in self.paper.events:
            m = _IGNORE.fullmatch(e.text) if e.kind == "remark" else None
            if m is None:
                continue
            word = m[1].lower()
            if word == "ignore-file":
                self.whole |= codes_in(m[2])
            elif word == "off":
                off = e.start if off is None else off
            elif word == "on":
                if off is not None:
                    self.spans.append((off, e.stop))
                off = None
            else:
                self._line(e.start, codes_in(m[2]))
        if off is not None:
            self.spans.append((off, len(self.paper.text)))
        self._inside()

    def _inside(self) -> None:
        for at, text in remarks_inside(self.paper):
            m = _IGNORE.fullmatch(text)
            if m is not None and m[1].lower() in ("ignore", "ignore-next"):
                self._line(at, codes_in(m[2]))

    def _line(self, offset: int, codes: set[str]) -> None:
        for line in lines_of_remark(self.paper, offset):
            self.lines.setdefault(line, set()).update(codes)

    def understands(self, text: str) -> bool:
        return bool(_IGNORE.fullmatch(text) or _FIX.fullmatch(text))

    def off(self, offset: int) -> bool:
        """Whether checking is off here."""
        return any(a <= offset < b for a, b in self.spans)

    def ignores(self, finding: Finding) -> bool:
        """Whether a finding is silenced."""
        if "*" not in self.selected and finding.code not in self.selected:
            return True
        if finding.code in self.whole or "*" in self.whole:
            return True
        for line in range(finding.place.line, max(finding.end.line, finding.place.line) + 1):
            codes = self.lines.get((finding.place.file, finding.place.cell, line), set())
            if finding.code in codes or "*" in codes:
                return True
        return False


@dataclass
class Marks:
    """Lines that the author wants mended, `% symderiv: fix`, or left as they are, `% symderiv: no-fix`."""

    asked: set[tuple[str, int, int]] = field(default_factory=set)
    forbidden: set[tuple[str, int, int]] = field(default_factory=set)

    @classmethod
    def of(cls, paper: Paper) -> Marks:
        """The marks of a document."""
        out = cls()
        beside = [(e.start, e.text) for e in paper.events if e.kind == "remark"]
        for at, text in [*beside, *remarks_inside(paper)]:
            m = _FIX.fullmatch(text)
            if m is not None:
                (out.forbidden if m[1].lower().startswith("no") else out.asked).update(lines_of_remark(paper, at))
        return out

    def asks(self, start: Place, stop: Place) -> bool:
        """Whether a side that goes from one place to another is marked."""
        return any((start.file, start.cell, line) in self.asked for line in range(start.line, stop.line + 1))

    def forbids(self, start: Place, stop: Place) -> bool:
        """Whether it is to be left as it is."""
        return any((start.file, start.cell, line) in self.forbidden for line in range(start.line, stop.line + 1))


def remarks_inside(paper: Paper) -> list[tuple[int, str]]:
    """The remarks inside displays, which the scanner passes over with their formula: place and text."""
    out = []
    for e in paper.events:
        if e.kind == "display":
            found = _INSIDE.finditer(paper.text[e.start : e.stop])
            out += [(e.start + m.start(), " ".join((m[1] or m[2] or "").split())) for m in found]
    return out


def lines_of_remark(paper: Paper, offset: int) -> list[tuple[str, int, int]]:
    """The line of a remark; one that holds nothing else stands for the next one as well."""
    place = paper.place(offset)
    begin = paper.text.rfind("\n", 0, offset) + 1
    alone = not paper.text[begin:offset].strip(" \t%<!-")
    return [(place.file, place.cell, line) for line in ((place.line, place.line + 1) if alone else (place.line,))]


__all__ = ["Marks", "Silence", "codes_in"]
