"""A quiz in the terminal: ask, read, judge, explain, keep. Works without colour, at 60 columns, and from a pipe or a file."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .answers import Judgement, judge
from .model import KINDS, LETTERS, TOPICS, Question
from .progress import Answer, Progress
from .schedule import DAY, quality

HELP = "? gives a hint, skip shows the answer, quit stops. Every answer is kept."
EXPECTED = {
    "shape": "a size: (n, d), n x d, scalar, same as X, …",
    "number": "a number",
    "choice": "a letter",
    "truth": "true or false",
    "expression": "an expression: X.T @ (A - B), or Xᵀ(A − B)",
}
NARROWEST, WIDEST = 30, 100
Read = Callable[[str], str | None]


class Screen:
    """Lines with a style, wrapped to the width; plain where the output is no terminal."""

    def __init__(self, width: int | None = None) -> None:
        from rich.console import Console

        self.console = Console(highlight=False, width=width, soft_wrap=True)
        self.width = max(NARROWEST, min(self.console.width, WIDEST))

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

    def unwrapped(self, text: str, style: str = "") -> None:
        """A line that the terminal may break, as a path, which should stay whole for copying."""
        from rich.text import Text

        self.console.print(Text(text, style=style), soft_wrap=True)

    def rule(self, title: str, text: str) -> None:
        """A heading: the title in a line of dashes, and a text under it."""
        self.say(f"── {title} {'─' * max(0, self.width - len(title) - 4)}", "dim")
        self.say(text, "dim", 2)


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
    topics: dict[str, list[bool]] = field(default_factory=dict)


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
            if self.progress.rescue:
                self.screen.say("The quiz goes on. Your answers are kept in this file until the data can be used again:",
                                "yellow")  # fmt: skip
                self.screen.unwrapped(str(self.progress.rescue), "yellow")
            elif self.progress.path:
                self.screen.say("The quiz goes on. Your answers are kept in memory only.", "yellow")

    def _one(self, q: Question, number: int, total: int) -> bool:
        """Ask until there is an answer; False where the quiz ends."""
        self._show(q, number, total)
        hinted, started = False, time.monotonic()
        while True:
            line = self.read("> ")
            if line is None:
                return False
            if self.echo:
                self.screen.say(f"> {line.strip()}")
            word = line.strip().lower()
            if word in ("quit", "exit", ":q"):
                return False
            if word in ("?", "hint", "help"):
                self.screen.say(q.hint or HELP, "yellow", 2)
                hinted = True
                continue
            if word in ("skip", "-", "pass"):
                self._skip(q)
                return True
            found = judge(q, line)
            if found.right is None and self.patient:
                what = f"{found.says[:1].upper()}{found.says[1:]}" if line.strip() else f"Answer with {EXPECTED[q.form]}"
                self.screen.say(f"{what}. Try again (? for a hint, skip to see the answer).", "yellow", 2)
                continue
            if found.right is None:  # a file: nobody is there to try again, and nonsense is no mistake
                self.screen.say(f"I could not read that: {found.says}.", "yellow", 2)
                self._skip(q)
                return True
            self._finish(q, line, found, hinted, time.monotonic() - started)
            return True

    def _show(self, q: Question, number: int, total: int) -> None:
        screen = self.screen
        screen.say()
        screen.rule(f"{number} of {total}", f"level {q.level}, {KINDS[q.kind]}: {TOPICS[q.topic][1]}")
        for shown in q.given:
            screen.verbatim(shown, "cyan", 4)
        screen.say(q.ask, "bold", 2)
        for letter, text in zip(LETTERS, q.choices, strict=False):
            screen.verbatim(f"{letter}) {text}", indent=4)

    def _skip(self, q: Question) -> None:
        self.result.skipped += 1
        self.screen.verbatim(f"The answer: {q.shown_answer}", "bold")
        self._why(q)

    def _finish(self, q: Question, line: str, found: Judgement, hinted: bool, seconds: float) -> None:
        right = found.right is True
        mark = quality(right, hinted, seconds, near=bool(found.says))
        answer = Answer(q.key, q.topic, q.kind, q.level, line.strip()[:300], right, mark, round(seconds, 2))
        self.progress.record(answer, q)
        self.result.asked += 1
        self.result.right += right
        self.result.topics.setdefault(q.topic, []).append(right)
        if right:
            self.screen.say("✓ Right." + (f" ({found.says})" if found.says else ""), "bold green", 2)
        else:
            read = f" (read as {found.read})" if q.form == "shape" and found.read not in ("", line.strip()) else ""
            said = f" {found.says[:1].upper()}{found.says[1:]}." if found.says else ""
            self.screen.say(f"✗ Not right{read}.{said}", "bold red", 2)
            self.screen.verbatim(f"The answer: {q.shown_answer}", "bold")
        self._why(q, found.says)
        self._tell_note()

    def _why(self, q: Question, told: str = "") -> None:
        for line in q.why:
            if line != told:
                self.screen.say(line, indent=4)
        for text in under(q.factors, self.screen.width - 6):
            self.screen.verbatim(text, "cyan", 6)

    def _summary(self) -> None:
        r, screen = self.result, self.screen
        screen.say()
        if not r.asked and not r.skipped:
            screen.say("Nothing was answered.")
            return
        skipped = f", {r.skipped} left out" if r.skipped else ""
        screen.say(f"{r.right} of {r.asked} right{skipped}.", "bold")
        if len(r.topics) > 1:
            for topic, marks in r.topics.items():
                screen.verbatim(f"{topic:14} {'✓' * sum(marks)}{'✗' * (len(marks) - sum(marks))}")
        missed = [t for t, marks in r.topics.items() if not all(marks)]
        if missed and self.patient:
            options = " ".join(f"--topic {t}" for t in missed[:3])
            screen.say(f"Practise what went wrong: symderiv quiz {options}; it comes back in symderiv quiz --review.")
        if not r.asked:
            return
        kept = self.progress.rescue if self.progress.note else self.progress.path
        screen.unwrapped(f"Kept in {kept}" if kept else "Kept in memory only.", "dim")


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
    return [*out, "", *_when(progress)]


def _when(progress: Progress) -> list[str]:
    """What is due for review, and when the next card will be."""
    due, later = progress.due(), progress.next_due()
    mistakes = sum(":" in card for card in due)
    skills = len(due) - mistakes
    if due:
        parts = [f"{n} {what}{'s' * (n != 1)}" for n, what in ((mistakes, "mistake"), (skills, "skill")) if n]
        return [f"due for review: {' and '.join(parts)}   (symderiv quiz --review)"]
    if later is None:
        return ["nothing is due for review"]
    days = max(1, round((later - time.time()) / DAY))
    return [f"nothing is due for review; the next card is, in {days} day{'s' * (days != 1)}"]


def is_terminal() -> bool:
    """Whether a person types the answers."""
    return bool(sys.stdin and sys.stdin.isatty())


__all__ = ["Result", "Screen", "Session", "chart", "from_lines", "from_terminal", "is_terminal", "under"]
