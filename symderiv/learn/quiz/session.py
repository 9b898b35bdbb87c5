"""A quiz in the terminal: ask, read, judge, explain, keep. Works without colour, at 60 columns, and from a pipe or a file."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .answers import Judgement, judge
from .model import KINDS, LETTERS, TOPICS, Question
from .progress import Answer, Progress
from .schedule import quality

HELP = "?: a hint   skip: leave it out   quit: stop (answers are kept)"
MOST_TRIES = 4  # answers that cannot be read, before a question is left out
WIDEST = 100
Read = Callable[[str], str | None]


class Screen:
    """Lines with a style, wrapped to the width; plain where the output is no terminal."""

    def __init__(self, width: int | None = None) -> None:
        from rich.console import Console

        self.console = Console(highlight=False, width=width, soft_wrap=True)
        self.width = min(self.console.width, WIDEST)

    def say(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """A paragraph."""
        from rich.text import Text

        pad = " " * indent
        whole = re.sub(r"\([^()]*\)", lambda m: m.group().replace(" ", "\xa0") if len(m.group()) < 30 else m.group(), text)
        lines = textwrap.wrap(whole, self.width, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False) or [""]
        for line in lines:
            self.console.print(Text(line.replace("\xa0", " "), style=style))

    def verbatim(self, text: str, style: str = "", indent: int = 2) -> None:
        """A line whose spaces mean something; broken only where it does not fit."""
        pad = " " * indent
        for line in _broken(text, self.width - indent):
            from rich.text import Text

            self.console.print(Text(pad + line, style=style))


def _broken(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    if "   " in text:  # declarations: each stays whole
        out = [""]
        for piece in text.split("   "):
            if out[-1] and len(out[-1]) + 3 + len(piece) > width:
                out.append("")
            out[-1] += ("   " if out[-1] else "") + piece
        return out
    return textwrap.wrap(text, width, subsequent_indent="    ", break_on_hyphens=False, drop_whitespace=True)


def under(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Pieces in a row with their sizes under them; as many rows as the width asks for."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0
    for piece, size in pairs:
        piece = piece if len(piece) <= width else piece[: width - 1] + "…"
        need = max(len(piece), len(size)) + 3
        if rows[-1] and used + need > width:
            rows.append([])
            used = 0
        rows[-1].append((piece, size))
        used += need
    out = []
    for row in rows:
        widths = [max(len(p), len(s)) for p, s in row]
        for k in (0, 1):
            out.append("   ".join(f"{cells[k]:^{w}}" for cells, w in zip(row, widths, strict=True)).rstrip())
    return out


@dataclass
class Result:
    """How a quiz went."""

    asked: int = 0
    right: int = 0
    skipped: int = 0
    stopped: bool = False


class Session:
    """Asks questions one after the other.

    Args:
        read: prompt -> a line, or None where there are no more.
        patient: ask again where an answer cannot be read (a person), or count it as wrong (a file).
    """

    def __init__(
        self, progress: Progress, read: Read, screen: Screen | None = None, patient: bool = True, echo: bool = False
    ) -> None:
        self.progress, self.read, self.patient, self.echo = progress, read, patient, echo
        self.screen = screen or Screen()
        self.result = Result()
        self._told: str = ""

    def run(self, questions: Iterable[Question], total: int) -> Result:
        """All the questions, until the end or `quit`."""
        self._tell_note()
        if self.patient:
            self.screen.say(HELP, "dim")
        try:
            for number, q in enumerate(questions, 1):
                if not self._one(q, number, total):
                    self.result.stopped = True
                    break
        except (KeyboardInterrupt, EOFError):
            self.result.stopped = True
            self.screen.say()
        self._summary()
        return self.result

    def _tell_note(self) -> None:
        if self.progress.note and self.progress.note != self._told:
            self._told = self.progress.note
            self.screen.say(f"note: {self.progress.note}.", "yellow")
            where = f"Your answers are kept in {self.progress.rescue} and are taken in later." if self.progress.rescue else \
                "Your answers are kept in memory only."  # fmt: skip
            self.screen.say(f"The quiz goes on. {where}", "yellow")

    def _one(self, q: Question, number: int, total: int) -> bool:
        screen = self.screen
        screen.say()
        screen.say(f"{number}/{total}  {TOPICS[q.topic][1]}  (level {q.level}: {KINDS[q.kind]})", "dim")
        for shown in q.given:
            screen.verbatim(shown, "cyan", 4)
        screen.say(q.ask, "bold", 2)
        for letter, text in zip(LETTERS, q.choices, strict=False):
            screen.verbatim(f"{letter}) {text}", indent=4)
        hinted, started = False, time.monotonic()
        for _ in range(MOST_TRIES):
            line = self.read("> ")
            if line is None:
                return False
            if self.echo:
                screen.say(f"> {line.strip()}")
            word = line.strip().lower()
            if word in ("quit", "exit", ":q"):
                return False
            if word in ("?", "hint", "help"):
                screen.say(q.hint or HELP, "yellow", 2)
                hinted = True
                continue
            if word in ("skip", "-", "pass"):
                self.result.skipped += 1
                screen.say(f"The answer: {q.shown_answer}", indent=2)
                self._why(q)
                return True
            found = judge(q, line)
            if found.right is None and self.patient:
                screen.say(f"I could not read that: {found.says}.", "yellow", 2)
                continue
            self._finish(q, line, found, hinted, time.monotonic() - started)
            return True
        self.result.skipped += 1
        screen.say(f"Left out. The answer: {q.shown_answer}", indent=2)
        return True

    def _finish(self, q: Question, line: str, found: Judgement, hinted: bool, seconds: float) -> None:
        right = found.right is True
        near = bool(found.says) and found.right is False
        mark = quality(right, hinted, seconds, near)
        self.progress.record(Answer(q.key, q.topic, q.kind, q.level, line.strip()[:300], right, mark, round(seconds, 2)))
        self.result.asked += 1
        self.result.right += right
        if right:
            self.screen.say("Right." + (f" ({found.says})" if found.says else ""), "bold green", 2)
        else:
            said = f" {found.says[:1].upper()}{found.says[1:]}." if found.says else ""
            self.screen.say(f"Not right.{said}", "bold red", 2)
            self.screen.say(f"The answer: {q.shown_answer}", "bold", 2)
        self._why(q)
        self._tell_note()

    def _why(self, q: Question) -> None:
        for line in q.why:
            self.screen.say(line, indent=4)
        for text in under(q.factors, self.screen.width - 6):
            self.screen.verbatim(text, "cyan", 6)

    def _summary(self) -> None:
        r = self.result
        self.screen.say()
        if not r.asked and not r.skipped:
            self.screen.say("Nothing was answered.")
            return
        skipped = f", {r.skipped} left out" if r.skipped else ""
        self.screen.say(f"{r.right} of {r.asked} right{skipped}.", "bold")
        kept = self.progress.rescue if self.progress.note else self.progress.path
        self.screen.say(f"Kept in {kept}." if kept else "Kept in memory only.", "dim")


def from_terminal() -> Read:
    """Lines that a person types, with history and editing where the system has it."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  input() uses it

    def read(prompt: str) -> str | None:
        try:
            return input(prompt)
        except UnicodeDecodeError:
            return ""

    return read


def from_lines(lines: Iterable[str]) -> Read:
    """Lines of a file or a pipe, one for each question."""
    it = iter(lines)
    return lambda _prompt: next(it, None)


def chart(progress: Progress, width: int) -> list[str]:
    """The topics with a bar of mastery each, then the last days."""
    states = progress.topics()
    if not states:
        return ["Nothing was answered yet."]
    bar = max(8, min(30, width - 46))
    out = [f"{'topic':14} {'right':>10}  mastery"]
    for topic in TOPICS:
        s = states.get(topic)
        if s is not None:
            full = round(s.mastery * bar)
            out.append(f"{topic:14} {s.right:>4} of {s.answers:<3}  {'█' * full}{'·' * (bar - full)} {s.mastery:4.0%}")
    days = progress.days()
    most = max(n for _, n, _ in days)
    out += ["", "answers by day (█ right, ░ wrong)"]
    for day, n, right in days:
        scale = min(1.0, bar / most)
        good = round(right * scale)
        out.append(f"{day}  {n:>4}  {'█' * good}{'░' * (max(1, round(n * scale)) - good)}")
    due = progress.due()
    out += [
        "",
        f"{len(due)} card{'s' * (len(due) != 1)} due for review (symderiv quiz --review)" if due else "nothing is due for review",
    ]
    return out


def is_terminal() -> bool:
    """Whether a person types the answers."""
    return bool(sys.stdin and sys.stdin.isatty())


__all__ = ["Result", "Screen", "Session", "chart", "from_lines", "from_terminal", "is_terminal", "under"]
