"""What the author asks not to be told: `% symderiv: ignore SD602`, `ignore-file`, `off … on`, and the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .findings import Finding
from .paper import Paper
from .rules import CODE_OF, RULES

_IGNORE = re.compile(r"(ignore-file|ignore-next|ignore|off|on)\b[:\s]*(.*)", re.IGNORECASE)


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
        """Remarks inside displays, which the scanner passes over with their formula."""
        for e in self.paper.events:
            if e.kind != "display":
                continue
            for m in re.finditer(r"%+\s*symderiv:\s*(ignore(?:-next)?)\b([^\n]*)", self.paper.text[e.start : e.stop]):
                self._line(e.start + m.start(), codes_in(m[2]))

    def _line(self, offset: int, codes: set[str]) -> None:
        """The line of the remark; a line that holds nothing else stands for the next one."""
        place = self.paper.place(offset)
        text = self.paper.text
        begin = text.rfind("\n", 0, offset) + 1
        alone = not text[begin:offset].strip(" \t%<!-")
        for line in (place.line, place.line + 1) if alone else (place.line,):
            self.lines.setdefault((place.file, place.cell, line), set()).update(codes)

    def understands(self, text: str) -> bool:
        return bool(_IGNORE.fullmatch(text)) or text.lower().startswith(("fix", "layout"))

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


__all__ = ["Silence", "codes_in"]
