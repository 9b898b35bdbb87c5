"""Grading a class: answers in CSV against a quiz, with a report per student, per topic and per question.

Two layouts are read. Wide: `student,1,2,3`, a row for each student and a column for each question, headed by its number, `q1`,
its number and text as forms export it (`1. What is …`), or its key. Long: `student,question,answer`, a row for each answer.
Separators are commas, semicolons or tabs. Other columns are left aside; what is left aside, or stands twice, is told in notes.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import InputError
from .answers import Judgement, judge
from .model import Question

NAMES = ("student", "name", "full name", "student name", "learner", "email", "e-mail", "email address", "id", "student id",
         "user", "username")  # fmt: skip
Row = tuple[int, list[str]]  # number in the file, from 1, and the cells


@dataclass
class Student:
    """The answers of one student: question number (from 0) -> what it was worth."""

    name: str
    found: dict[int, Judgement] = field(default_factory=dict)

    def right(self, questions: Sequence[int]) -> int:
        """How many of these questions were answered right."""
        return sum(self.found[i].right is True for i in questions if i in self.found)


@dataclass
class Grades:
    """A class.

    Attributes:
        notes: what of the table was left aside, or stands twice.
    """

    questions: list[Question]
    students: list[Student]
    notes: list[str] = field(default_factory=list)

    @property
    def topics(self) -> dict[str, list[int]]:
        """The questions of each topic."""
        out: dict[str, list[int]] = {}
        for i, q in enumerate(self.questions):
            out.setdefault(q.topic, []).append(i)
        return out

    def rows(self) -> list[list[str]]:
        """A header, then a row for each student: name, points, percentage, unread and blank answers, points by topic."""
        topics = self.topics
        total = len(self.questions)
        out = [["student", "points", "of", "percent", "unread", "blank", *topics]]
        for s in self.students:
            points = s.right(range(total))
            unread = sum(j.right is None for j in s.found.values())
            by_topic = [f"{s.right(ix)}/{len(ix)}" for ix in topics.values()]
            blank = total - len(s.found)
            out.append([s.name, str(points), str(total), f"{100 * points / total:.0f}", str(unread), str(blank), *by_topic])
        return out

    def by_topic(self) -> list[list[str]]:
        """A header, then a row for each topic: its questions, and how much of them the class has right."""
        out = [["topic", "questions", "right", "of", "percent"]]
        for topic, ix in self.topics.items():
            right, of = sum(s.right(ix) for s in self.students), len(ix) * len(self.students)
            out.append([topic, str(len(ix)), str(right), str(of), f"{100 * right / of:.0f}" if of else "-"])
        return out

    def by_question(self) -> list[list[str]]:
        """A header, then a row for each question: how many were right, and the commonest mistake."""
        out = [["question", "topic", "right", "of", "answer", "commonest mistake"]]
        for i, q in enumerate(self.questions):
            wrong: dict[str, int] = {}
            for s in self.students:
                j = s.found.get(i)
                if j is not None and j.right is False:
                    says = j.says or f"answered {j.read}"
                    wrong[says] = wrong.get(says, 0) + 1
            most = max(wrong, key=lambda k: wrong[k]) if wrong else ""
            right = sum(s.right([i]) for s in self.students)
            mistake = f"{most} ({wrong[most]})" if most else ""
            out.append([str(i + 1), q.topic, str(right), str(len(self.students)), q.shown_answer, mistake])
        return out

    def to_data(self) -> dict:
        """As plain data."""
        students = []
        for s in self.students:
            answers = {str(i + 1): {"right": j.right, "read": j.read, "says": j.says} for i, j in sorted(s.found.items())}
            students.append({"name": s.name, "points": s.right(range(len(self.questions))), "answers": answers,
                             "topics": {t: [s.right(ix), len(ix)] for t, ix in self.topics.items()}})  # fmt: skip
        return {"questions": [q.key for q in self.questions], "students": students, "notes": self.notes}


def grade(questions: Sequence[Question], text: str) -> Grades:
    """The answers of a class.

    Raises:
        InputError: SD147 for a table that is neither wide nor long.
    """
    rows = _rows(text.lstrip("\ufeff"))
    if not rows:
        raise InputError("there are no answers", code="SD147", hint="write student,1,2,3 or student,question,answer")
    header = [c.strip() for c in rows[0][1]]
    out = Grades(list(questions), [])
    low = [h.lower() for h in header]
    (_long if {"question", "answer"} <= set(low) else _wide)(out, header, rows[1:])
    return out


def _rows(text: str) -> list[Row]:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        return [(reader.line_num, r) for r in reader if any(c.strip() for c in r)]
    except csv.Error as error:
        raise InputError(f"this is not a CSV table: {error}", code="SD147", hint="save it as CSV, in UTF-8") from None


def _who(header: Sequence[str], taken: Sequence[int]) -> int:
    """The column of the names: one that is called so, else the first one that is nothing else."""
    low = [h.lower() for h in header]
    for name in NAMES:
        if name in low:
            return low.index(name)
    free = [k for k in range(len(header)) if k not in taken]
    if not free:
        raise InputError("there is no column of students", code="SD147", hint="write student,1,2,3 or student,question,answer")
    return free[0]


def _wide(out: Grades, header: list[str], rows: list[Row]) -> None:
    places = {k: place for k, h in enumerate(header) if (place := _place(out.questions, h)) is not None}
    who = _who(header, list(places))
    places.pop(who, None)
    if not places:
        hint = f"questions are called 1 to {len(out.questions)}, q1 …, or by their keys"
        raise InputError("no column is of a question", code="SD147", hint=hint)
    if len(set(places.values())) < len(places):
        raise InputError("two columns are of the same question", code="SD147", hint="leave one of them out")
    aside = [h or f"column {k + 1}" for k, h in enumerate(header) if k not in places and k != who]
    if aside:
        out.notes.append(f"columns left aside: {', '.join(aside)}")
    missing = sorted(set(range(len(out.questions))) - set(places.values()))
    if missing:
        out.notes.append(f"no column for question {', '.join(str(i + 1) for i in missing)}")
    students: dict[str, tuple[int, Student]] = {}
    for number, r in rows:
        if len(r) > len(header) and any(c.strip() for c in r[len(header) :]):
            raise InputError(f"row {number} has {len(r)} cells, the header has {len(header)}", code="SD147",
                             hint='put answers that contain the separator in quotes: "(n, d)"')  # fmt: skip
        name = _name(r[who] if who < len(r) else "", number)
        if name in students:
            out.notes.append(f"{name} stands in row {students[name][0]} and in row {number}; the later answers count")
        _, student = students.setdefault(name, (number, Student(name)))
        for k, place in places.items():
            _put(out, student, place, r[k] if k < len(r) else "")
    out.students += [s for _, s in students.values()]


def _long(out: Grades, header: list[str], rows: list[Row]) -> None:
    low = [h.lower() for h in header]
    which, what = low.index("question"), low.index("answer")
    who = _who(header, [which, what])
    students: dict[str, Student] = {}
    for number, r in rows:
        cells = [*r, *[""] * (len(header) - len(r))]
        if len(r) > len(header) and any(c.strip() for c in r[len(header) :]):
            raise InputError(f"row {number} has {len(r)} cells, the header has {len(header)}", code="SD147",
                             hint='put answers that contain the separator in quotes: "(n, d)"')  # fmt: skip
        student = students.setdefault(name := _name(cells[who], number), Student(name))
        place = _place(out.questions, cells[which].strip())
        if place is None:
            out.notes.append(f"row {number}: there is no question {cells[which].strip()!r}")
            continue
        if place in student.found and cells[what].strip():
            out.notes.append(f"{name} answered question {place + 1} again in row {number}; the later answer counts")
        _put(out, student, place, cells[what])
    out.students += students.values()


def _name(cell: str, row: int) -> str:
    name = " ".join(unicodedata.normalize("NFC", cell).split())
    return name or f"(no name, row {row})"


def _place(questions: Sequence[Question], name: str) -> int | None:
    """The question of a heading: its number, `q1`, `Question 1`, `1. What is …`, or its key."""
    found = re.match(r"(?:question|q|nr|no)?[\s.#]*(\d{1,6})(?:\s*[.):].*)?$", name, re.IGNORECASE | re.DOTALL)
    if found and found.group(1).isascii() and 1 <= int(found.group(1)) <= len(questions):
        return int(found.group(1)) - 1
    return next((i for i, q in enumerate(questions) if q.key == name), None)


def _put(out: Grades, student: Student, place: int, answer: str) -> None:
    if answer.strip():
        found = student.found[place] = judge(out.questions[place], answer)
        if found.right is None:  # no point, and a teacher may want to look
            out.notes.append(f"not read: {student.name}, question {place + 1}: {answer.strip()[:60]!r} ({found.says})")


__all__ = ["Grades", "Student", "grade"]
