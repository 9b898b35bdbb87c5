"""What was answered, in one SQLite file in the user's data directory; an answer is on the disk before the next question.

    with Progress.open() as p:
        p.record(Answer(...))

Two processes may use one file at once (write-ahead log, a busy timeout, one transaction for each answer). A file that is damaged,
of a newer version or not writable is left as it is and told: the answers then go, line by line, to a rescue file, and the next
time that the data can be opened they are taken in.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .database import Unusable, connect, in_memory, readable
from .model import Question
from .schedule import DAY, Card, review


@dataclass(frozen=True)
class Answer:
    """One answer as it is kept."""

    key: str
    topic: str
    kind: str
    level: int
    answer: str
    right: bool
    quality: int
    seconds: float
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class TopicState:
    """Number of answers, of right ones, and mastery from 0 to 1: an average that forgets, 1/5 for the newest answer."""

    topic: str
    answers: int
    right: int
    mastery: float


def data_directory() -> Path:
    """Where the file is: the user's data directory, or `$SYMDERIV_DATA`."""
    chosen = os.environ.get("SYMDERIV_DATA")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("symderiv", appauthor=False))


def whoami() -> str:
    """The name of the user: answers of different ones never mix, even in a file that they share."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "user"


class Progress:
    """The answers of one learner.

    Attributes:
        path: of the file.
        note: what is wrong with the file, or "".
        rescue: where answers go instead, or None.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None, learner: str, note: str = "") -> None:
        self._db = connection
        self.path, self.learner, self.note = path, learner, note
        self.rescue: Path | None = None
        self._rescued: list[str] = []  # lines of the rescue file

    @classmethod
    def open(cls, path: Path | str | None = None, learner: str | None = None) -> Progress:
        """The learner's progress; in memory, with a note, where the file cannot be used."""
        name = learner or whoami()
        where = Path(path) if path is not None else data_directory() / "quiz.db"
        try:
            where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not where.exists():
                os.close(os.open(where, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite would let others read it
            progress = cls(connect(where), where, name)
            progress._take_in_rescued()
            return progress
        except (sqlite3.Error, OSError, ValueError, Unusable) as error:  # ValueError: a null byte in the path
            return cls._in_memory(where, name, _reason(where, error))

    @classmethod
    def nowhere(cls, learner: str | None = None) -> Progress:
        """Progress that is forgotten at the end."""
        return cls(in_memory(), None, learner or whoami())

    @classmethod
    def _in_memory(cls, where: Path, learner: str, reason: str) -> Progress:
        out = cls(in_memory(), where, learner, reason)
        for table, rows in readable(where).items():  # what can still be read counts
            for row in rows:
                with contextlib.suppress(sqlite3.Error):
                    out._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
        out._start_rescue()
        return out

    # writing ----------------------------------------------------------------------------------------------------
    def record(self, answer: Answer, question: Question | None = None) -> None:
        """Keep an answer and move its cards; it is on the disk when this returns.

        Args:
            question: kept as well if the answer was wrong, so that it can be asked again as it was.
        """
        data = "" if question is None or answer.right else json.dumps(question.to_data(), ensure_ascii=False)
        if not self.note:
            try:
                self._write(answer, data)
                return
            except sqlite3.Error as error:
                if self.path is None:
                    raise
                kept = self._db
                fallback = self._in_memory(self.path, self.learner, _reason(self.path, error))
                self._db, self.note, self.rescue = fallback._db, fallback.note, fallback.rescue
                self._rescued = fallback._rescued
                with contextlib.suppress(sqlite3.Error):
                    kept.close()
        self._to_rescue(answer, data)
        self._write(answer, data)

    def _write(self, answer: Answer, data: str = "", learner: str | None = None) -> None:
        who = learner or self.learner
        with self._transaction():
            known = self._db.execute("SELECT 1 FROM answers WHERE id = ?", (answer.id,)).fetchone()
            if known:
                return
            row = (answer.id, answer.at, who, answer.key, answer.topic, answer.kind, answer.level, answer.answer,
                   int(answer.right), answer.quality, answer.seconds)  # fmt: skip
            self._db.execute("INSERT INTO answers VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
            if data:
                self._db.execute("INSERT OR REPLACE INTO questions VALUES (?,?)", (answer.key, data))
            self._move(who, f"{answer.topic}/{answer.kind}", answer, True)
            self._move(who, answer.key, answer, not answer.right)

    def _move(self, who: str, card: str, answer: Answer, create: bool) -> None:
        found = self._db.execute(
            "SELECT ease, interval, repetitions, due FROM cards WHERE learner=? AND card=?", (who, card)
        ).fetchone()
        if found is None and not create:
            return
        new = review(Card(*found) if found else Card(), answer.quality, answer.at)
        self._db.execute(
            "INSERT OR REPLACE INTO cards VALUES (?,?,?,?,?,?)", (who, card, new.ease, new.interval, new.repetitions, new.due)
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself when the disk is full
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # a rescue file ----------------------------------------------------------------------------------------------------
    def _folders(self) -> list[Path]:
        """Where a rescue file may be: beside the data, in the working directory, in the one for temporary files."""
        assert self.path is not None
        return list(dict.fromkeys((self.path.parent, Path.cwd(), Path(tempfile.gettempdir()))))

    def _start_rescue(self) -> None:
        """A rescue file in the first folder that takes it, with all lines so far."""
        self.rescue = None
        name = f"quiz-rescued-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
        for folder in self._folders():
            place = folder / name
            try:
                descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except (OSError, ValueError):
                continue
            try:
                with open(descriptor, "w", encoding="utf-8") as f:
                    f.writelines(self._rescued)
                    f.flush()
                    os.fsync(f.fileno())
            except OSError:  # the disk is full
                with contextlib.suppress(OSError):
                    place.unlink()
                continue
            self.rescue = place
            return

    def _to_rescue(self, answer: Answer, data: str) -> None:
        line = {
            "learner": self.learner,
            "file": str(self.path.resolve() if self.path else ""),
            "question": data,
            **asdict(answer),
        }
        self._rescued.append(json.dumps(line, ensure_ascii=False) + "\n")
        try:
            if self.rescue is None:
                raise OSError("there is none")
            with open(self.rescue, "a", encoding="utf-8") as f:
                f.write(self._rescued[-1])
                f.flush()
                os.fsync(f.fileno())
        except OSError:
            full = self.rescue
            self._start_rescue()
            if full is not None:
                self.note += f", nor in {full.name}"

    def _take_in_rescued(self) -> None:
        """Answers that an earlier quiz could not write into this file."""
        assert self.path is not None
        mine = str(self.path.resolve())
        for folder in self._folders():
            for place in sorted(folder.glob("quiz-rescued-*.jsonl")):
                try:
                    if hasattr(os, "getuid") and place.stat().st_uid != os.getuid():
                        continue
                    rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line.strip()]
                    if any(row.get("file", mine if folder == self.path.parent else "") != mine for row in rows):
                        continue
                    for row in rows:
                        more = {k: row.pop(k, "") for k in ("learner", "file", "question")}
                        self._write(Answer(**row), more["question"], more["learner"])
                except (OSError, ValueError, TypeError, KeyError, AttributeError):
                    continue
                with contextlib.suppress(OSError):
                    place.unlink()

    # reading ----------------------------------------------------------------------------------------------------
    def topics(self) -> dict[str, TopicState]:
        """How each topic that was asked stands."""
        out: dict[str, TopicState] = {}
        query = "SELECT topic, right FROM answers WHERE learner=? ORDER BY rowid"  # not by time: clocks are changed
        for topic, right in self._db.execute(query, (self.learner,)):
            old = out.get(topic, TopicState(topic, 0, 0, 0.0))
            out[topic] = TopicState(topic, old.answers + 1, old.right + right, old.mastery + 0.2 * (right - old.mastery))
        return out

    def days(self, count: int = 14) -> list[tuple[str, int, int]]:
        """(day, answers, right) of the last days on which something was answered, the oldest first."""
        query = ("SELECT date(at, 'unixepoch', 'localtime') AS day, count(*), sum(right) FROM answers WHERE learner=? "
                 "GROUP BY day ORDER BY day DESC LIMIT ?")  # fmt: skip
        return [tuple(row) for row in self._db.execute(query, (self.learner, count))][::-1]  # type: ignore[misc]

    def due(self, now: float | None = None) -> list[str]:
        """The cards that are due, questions answered wrong first, then the longest overdue.

        A card that was answered later than now, because the clock was wrong then, is due as well.
        """
        now = time.time() if now is None else now
        query = ("SELECT card FROM cards WHERE learner=? AND (due<=? OR due - interval*? > ?) "
                 "ORDER BY instr(card, '/') > 0, due")  # fmt: skip
        return [row[0] for row in self._db.execute(query, (self.learner, now, DAY, now + DAY))]

    def next_due(self, now: float | None = None) -> float | None:
        """When the next card that is not yet due will be; None where there is none."""
        now = time.time() if now is None else now
        return self._db.execute("SELECT min(due) FROM cards WHERE learner=? AND due>?", (self.learner, now)).fetchone()[0]

    def question(self, key: str) -> Question | None:
        """A question that was answered wrong, as it was asked; None where it was not kept."""
        found = self._db.execute("SELECT data FROM questions WHERE key=?", (key,)).fetchone()
        if found is None:
            return None
        try:
            return Question.from_data(json.loads(found[0]))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def card(self, name: str) -> Card | None:
        """What is known of a card."""
        query = "SELECT ease, interval, repetitions, due FROM cards WHERE learner=? AND card=?"
        found = self._db.execute(query, (self.learner, name)).fetchone()
        return Card(*found) if found else None

    def discard_empty_rescue(self) -> None:
        """Remove the rescue file if no answer went into it."""
        with contextlib.suppress(OSError):
            if self.rescue is not None and not self.rescue.stat().st_size:
                self.rescue.unlink()
                self.rescue = None

    def close(self) -> None:
        """Close the file."""
        self.discard_empty_rescue()
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reason(where: Path, error: Exception) -> str:
    text = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    remedy = " (it is left as it is; move it away to start a new one)" if damaged else ""
    return f"progress cannot be kept in {where}: {text}{remedy}"


__all__ = ["Answer", "Progress", "TopicState", "data_directory", "whoami"]
