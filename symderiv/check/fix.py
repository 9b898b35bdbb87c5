"""Corrected sides in place of wrong ones, where the author asks and a second check agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .checker import Checker
from .edit import Change, File, read_file, write_file
from .findings import Finding, Report
from .load import paper_of, read_text, unified
from .options import Options
from .paper import Paper, Place
from .silence import Marks

ROUNDS = 8  # of lines that follow from mended ones


@dataclass
class Fixed:
    """What is to be changed.

    Attributes:
        files: with their new texts.
        applied: the findings that are mended.
        left: those that are not, with the reason.
    """

    files: list[tuple[File, str]] = field(default_factory=list)
    applied: list[Finding] = field(default_factory=list)
    left: list[tuple[Finding, str]] = field(default_factory=list)

    def write(self) -> list[str]:
        """Write the files, each at once; the paths.

        Raises:
            InputError: SD110 for one that changed meanwhile or cannot be written.
        """
        for file, text in self.files:
            write_file(file, text)
        return [file.path for file, _ in self.files]


def fixes_of(paper: Paper, report: Report, options: Options, text: str | None = None) -> Fixed:
    """The corrections with which their relations are right and nothing else is wrong.

    A line that followed from a wrong one is wrong when that one is mended; it is mended as well. Marks in the document choose: where
    `% symderiv: fix` stands somewhere, only the lines that have it are changed, and one with `% symderiv: no-fix` is never changed.

    Args:
        paper, report: the document as it was checked.
        text: what it was read from, where that is no file.
    """
    return _Fixing(paper, options, text).run(report)


class _Fixing:
    def __init__(self, paper: Paper, options: Options, text: str | None) -> None:
        self.paper, self.options, self.text = paper, options, text
        self.main = paper.pieces[0].path
        self.old: dict[str, File] = {}
        self.new: dict[str, File] = {}
        self.out = Fixed()

    def run(self, report: Report) -> Fixed:
        findings, seen = list(report.findings), {_line(f.place) for f in report.findings}
        for _ in range(ROUNDS):
            wanted = self._fixable(findings)
            while wanted:
                changed = self._changed(wanted)
                again = Checker(changed, self.options).run()
                kept = self._agreed(wanted, again, seen)
                if len(kept) == len(wanted):
                    break
                reason = "a second check does not agree with the correction"
                self.out.left += [(f, reason) for f in wanted if f not in kept]
                wanted = kept
            if not wanted:
                break
            self.out.applied += wanted
            self.new.update(self._files(wanted))
            self.paper = changed
            findings = [f for f in again.findings if _line(f.place) not in seen]
            seen |= {_line(f.place) for f in findings}
        self.out.files = [(file, self.new[p].text) for p, file in self.old.items() if p in self.new]
        return self.out

    def _fixable(self, findings: Sequence[Finding]) -> list[Finding]:
        marks = Marks.of(self.paper)
        out = []
        for f in findings:
            reason = _why_not(self.paper, f, marks)
            if reason:
                self.out.left.append((f, reason))
            else:
                out.append(f)
        return out

    def _agreed(self, wanted: list[Finding], again: Report, seen: set[tuple[str, int, int]]) -> list[Finding]:
        """Those whose relations are right; all or none where something else is wrong that did not hang on a line of theirs."""
        right = {_line(r.place) for r in again.relations if r.status == "right"}
        bad = {_line(f.place) for f in again.findings}
        kept = [f for f in wanted if _line(f.place) in right - bad]
        if len(kept) < len(wanted):
            return kept
        displays = [self._display(f) for f in wanted]
        new = [f.place for f in again.findings if _line(f.place) not in seen]
        return kept if all(any(d is not None and d[0] <= place <= d[1] for d in displays) for place in new) else []

    def _display(self, f: Finding) -> tuple[Place, Place] | None:
        """From a mended side to the end of its formula."""
        e = next((e for e in self.paper.events if e.kind == "display" and e.start <= f.start < e.stop), None)
        return None if e is None else (f.place, self.paper.place(e.stop))

    # files -----------------------------------------------------------------------------------------------------------------------
    def _file(self, path: str) -> File:
        """A file as it is by now."""
        if path not in self.old:
            self.old[path] = File(path, self.text) if self.text is not None else read_file(path)
        return self.new.get(path, self.old[path])

    def _files(self, wanted: Sequence[Finding]) -> dict[str, File]:
        """The files with corrections in them."""
        changes: dict[str, list[Change]] = {}
        for f in wanted:
            piece = self.paper.piece_at(f.start)
            change = Change(piece.cell, f.start - piece.start, f.stop - piece.start, f.fix)
            changes.setdefault(piece.path, []).append(change)
        return {p: replace(self._file(p), text=self._file(p).changed(c)) for p, c in changes.items()}

    def _changed(self, wanted: Sequence[Finding]) -> Paper:
        """The document as it would be."""
        files = {**self.new, **self._files(wanted)}

        def read(path: str) -> str:
            return unified(files[path].text) if path in files else read_text(path)

        text = unified(self.text) if self.text is not None and self.main not in files else read(self.main)
        return paper_of(text, self.main, self.paper.kind, read=read)


def _why_not(paper: Paper, f: Finding, marks: Marks) -> str:
    if marks.forbids(f.place, f.end):
        return "its line is marked `no-fix`"
    if marks.asked and not marks.asks(f.place, f.end):
        return "the document marks other lines to be fixed"
    if not f.fix:
        return "there is no correction that fits in its place"
    side = paper.text[f.start : f.stop]
    return "it goes over several rows" if "\\\\" in side or any(c in side for c in "&%\n") else ""


def _line(place: Place) -> tuple[str, int, int]:
    return place.file, place.cell, place.line


__all__ = ["Fixed", "fixes_of"]
