"""What a check finds, as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .paper import Place

STATUSES = ("right", "defined", "posed", "read", "wrong", "skipped")


@dataclass(frozen=True)
class Finding:
    """A relation that does not hold.

    Attributes:
        place: where it is wrong.
        code: stable, `SD602`.
        message: what is wrong, and with what it was compared.
        end: place behind it.
        fix: LaTeX that would be right, or "".
        kind: the name of the code, `factor`.
        counterexample: a point at which the two sides differ, in words, or "".
        caret: the source line with carets.
        notes: what else helps (assumptions, how it was decided).
        start, stop: offsets in the text of the document.
    """

    place: Place
    code: str
    message: str
    end: Place
    fix: str = ""
    kind: str = ""
    counterexample: str = ""
    caret: str = ""
    notes: tuple[str, ...] = ()
    start: int = 0
    stop: int = 0

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def column(self) -> int:
        return self.place.column

    def __str__(self) -> str:
        return f"{self.place}: {self.code} {self.message}"

    def to_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "file": self.place.file, "line": self.place.line, "column": self.place.column, "cell": self.place.cell,
            "end_line": self.end.line, "end_column": self.end.column, "code": self.code, "kind": self.kind, "message": self.message,
            "fix": self.fix, "counterexample": self.counterexample, "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True)
class Relation:
    """One relation and what became of it.

    Attributes:
        place, end: where its right side stands.
        status: right, defined, posed, read, wrong or skipped; aside for what stands in prose and is not checked.
        what: identity, derivative, differential, definition, update, consequence, …
        reason: why it was skipped.
        code: of the reader, for a refusal.
        how: how it was decided.
        assuming: what it is right under, where the document does not say it.
    """

    place: Place
    end: Place
    status: str
    what: str = ""
    reason: str = ""
    code: str = ""
    how: str = ""
    start: int = 0
    stop: int = 0
    finding: Finding | None = None
    assuming: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "file": self.place.file, "line": self.place.line, "column": self.place.column, "cell": self.place.cell, "status": self.status,
            "what": self.what, "reason": self.reason, "code": self.code, "how": self.how, "assuming": list(self.assuming),
        }  # fmt: skip


@dataclass
class Report:
    """The result of checking a document.

    Attributes:
        name: of the document.
        findings: one for each relation that does not hold, in order.
        relations: all relations with their status.
        meanings: sentences that tell what names were taken to mean.
        troubles: places that could not be read at all: a `$` that is not closed, a missing file.
        ignored: findings that the author silenced.
        seconds: how long it took.
    """

    name: str
    findings: list[Finding] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    meanings: list[str] = field(default_factory=list)
    troubles: list[Relation] = field(default_factory=list)
    ignored: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    cached: int = 0

    @property
    def checked(self) -> int:
        """Relations that were verified or refuted."""
        return sum(r.status in ("right", "wrong") for r in self.relations)

    @property
    def wrong(self) -> int:
        return len(self.findings)

    @property
    def skipped(self) -> int:
        return sum(r.status == "skipped" for r in self.relations)

    @property
    def defined(self) -> int:
        return sum(r.status in ("defined", "posed", "read") for r in self.relations)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why relations were skipped, the most frequent reason first."""
        return Counter(_short(r.reason) for r in self.relations if r.status == "skipped").most_common()

    @property
    def exit_code(self) -> int:
        """0 nothing wrong, 1 something wrong, 2 nothing could be understood."""
        if self.findings:
            return 1
        return 2 if self.relations and not self.checked and not self.defined else 0

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        from .report import text

        return text([self])

    def to_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "document": self.name, "checked": self.checked, "skipped": self.skipped, "wrong": self.wrong, "definitions": self.defined,
            "ignored": len(self.ignored), "seconds": round(self.seconds, 3), "findings": [f.to_data() for f in self.findings],
            "relations": [r.to_data() for r in self.relations], "meanings": self.meanings,
            "troubles": [t.to_data() for t in self.troubles],
        }  # fmt: skip


def _short(reason: str) -> str:
    """A reason without what is particular to one place."""
    import re

    return re.sub(r"`[^`]*`", "…", reason).split(": ")[0][:100]


__all__ = ["Finding", "Relation", "Report"]
