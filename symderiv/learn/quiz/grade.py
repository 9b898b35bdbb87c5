"""Grading a class: answers in CSV against a quiz, with a report per student, per topic and per question.

Two layouts are read. Wide: `student,1,2,3` (a column for each question, headed by its number, `q1`, or its key). Long:
`student,question,answer`, a row for each answer. The separator may be a comma, a semicolon or a tab.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import InputError
from .answers import Judgement, judge
from .model import Question


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
    """A class."""

    questions: list[Question]
    students: list[Student]

    @property
    def topics(self) -> dict[str, list[int]]:
        """The questions of each topic."""
        out: dict[str, list[int]] = {}
        for i, q in enumerate(self.questions):
            out.setdefault(q.topic, []).append(i)
        return out

    def rows(self) -> list[list[str]]:
        """A header, then a row for each student: name, points, percentage, points by topic."""
        topics = self.topics
        total = len(self.questions)
        out = [["student", "points", "of", "percent", "unread", *topics]]
        for s in self.students:
            points = s.right(range(total))
            unread = sum(j.right is None for j in s.found.values())
            by_topic = [f"{s.right(ix)}/{len(ix)}" for ix in topics.values()]
            out.append([s.name, str(points), str(total), f"{100 * points / total:.0f}", str(unread), *by_topic])
        return out

    def by_question(self) -> list[list[str]]:
        """A header, then a row for each question: how many were right, and the commonest mistake."""
        out = [["question", "topic", "right", "of", "answer", "commonest mistake"]]
        for i, q in enumerate(self.questions):
            wrong: dict[str, int] = {}
            for s in self.students:
                j = s.found.get(i)
                if j is not None and j.right is not True:
                    wrong[j.says] = wrong.get(j.says, 0) + 1
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
        return {"questions": [q.key for q in self.questions], "students": students}


def grade(questions: Sequence[Question], text: str) -> Grades:
    """The answers of a class.

    Raises:
        InputError: SD147 for a table that is neither wide nor long.
    """
    rows = [
        r
        for r in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text))
        if any(c.strip() for c in r)
    ]
    if not rows:
        raise InputError("there are no answers", code="SD147", hint="write student,1,2,3 or student,question,answer")
    header = [c.strip().lower() for c in rows[0]]
    students: dict[str, Student] = {}
    if header[1:] == ["question", "answer"]:
        for r in rows[1:]:
            name, which, answer = ([*r, "", "", ""])[:3]
            _put(students, questions, name.strip(), _place(questions, which.strip()), answer)
    else:
        places = [_place(questions, h.strip()) for h in rows[0][1:]]
        if len(set(places)) < len(places):
            raise InputError("two columns are of the same question", code="SD147")
        for r in rows[1:]:
            if len(r) > len(places) + 1:
                raise InputError(f"the row of {r[0]} has {len(r)} cells, the header {len(places) + 1}", code="SD147",
                                 hint='put answers that contain the separator in quotes: "(n, d)"')  # fmt: skip
            students.setdefault(r[0].strip(), Student(r[0].strip()))
            for place, answer in zip(places, r[1:], strict=False):
                _put(students, questions, r[0].strip(), place, answer)
    return Grades(list(questions), list(students.values()))


def _delimiter(text: str) -> str:
    first = text.lstrip("\ufeff\r\n").split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _place(questions: Sequence[Question], name: str) -> int:
    digits = name.lower().removeprefix("question").removeprefix("q").strip(" .#")
    if digits.isascii() and digits.isdigit() and 1 <= int(digits[:6]) <= len(questions):
        return int(digits) - 1
    for i, q in enumerate(questions):
        if q.key == name:
            return i
    hint = f"questions are called 1 to {len(questions)}, q1 …, or by their keys"
    raise InputError(f"there is no question {name!r}", code="SD147", hint=hint)


def _put(students: dict[str, Student], questions: Sequence[Question], name: str, place: int, answer: str) -> None:
    student = students.setdefault(name, Student(name))
    if answer.strip():
        student.found[place] = judge(questions[place], answer)


__all__ = ["Grades", "Student", "grade"]
