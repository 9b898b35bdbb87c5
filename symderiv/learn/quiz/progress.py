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

from .schedule import Card, review

VERSION = 1
WAIT = 15.0  # seconds to wait for another process
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  id TEXT PRIMARY KEY, at REAL NOT NULL, learner TEXT NOT NULL, key TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL,
  level INTEGER NOT NULL, answer TEXT NOT NULL, right INTEGER NOT NULL, quality INTEGER NOT NULL, seconds REAL NOT NULL);
CREATE INDEX IF NOT EXISTS answers_of ON answers (learner, topic, at);
CREATE TABLE IF NOT EXISTS cards (
  learner TEXT NOT NULL, card TEXT NOT NULL, ease REAL NOT NULL, interval REAL NOT NULL, repetitions INTEGER NOT NULL,
  due REAL NOT NULL, PRIMARY KEY (learner, card));
"""


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

    @classmethod
    def open(cls, path: Path | str | None = None, learner: str | None = None) -> Progress:
        """The learner's progress; in memory, with a note, where the file cannot be used."""
        name = learner or whoami()
        where = Path(path) if path is not None else data_directory() / "quiz.db"
        try:
            where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not where.exists():
                os.close(os.open(where, os.O_CREAT | os.O_RDWR, 0o600))
            progress = cls(_connect(where), where, name)
            progress._take_in_rescued()
            return progress
        except (sqlite3.Error, OSError, _Unusable) as error:
            return cls._in_memory(where, name, _reason(where, error))

    @classmethod
    def nowhere(cls) -> Progress:
        """Progress that is forgotten at the end."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript(SCHEMA)
        return cls(db, None, whoami())

    @classmethod
    def _in_memory(cls, where: Path, learner: str, reason: str) -> Progress:
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript(SCHEMA)
        out = cls(db, where, learner, reason)
        for table, rows in _readable(where).items():  # what can still be read counts
            for row in rows:
                with contextlib.suppress(sqlite3.Error):
                    db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
        out._start_rescue()
        return out

    # writing ----------------------------------------------------------------------------------------------------
    def record(self, answer: Answer) -> None:
        """Keep an answer and move its cards; it is on the disk when this returns."""
        if not self.note:
            try:
                self._write(answer)
                return
            except sqlite3.Error as error:
                if self.path is None:
                    raise
                kept = self._db
                fallback = self._in_memory(self.path, self.learner, _reason(self.path, error))
                self._db, self.note, self.rescue = fallback._db, fallback.note, fallback.rescue
                with contextlib.suppress(sqlite3.Error):
                    kept.close()
        self._to_rescue(answer)
        self._write(answer)

    def _write(self, answer: Answer, learner: str | None = None) -> None:
        who = learner or self.learner
        with self._transaction():
            known = self._db.execute("SELECT 1 FROM answers WHERE id = ?", (answer.id,)).fetchone()
            if known:
                return
            row = (answer.id, answer.at, who, answer.key, answer.topic, answer.kind, answer.level, answer.answer,
                   int(answer.right), answer.quality, answer.seconds)  # fmt: skip
            self._db.execute("INSERT INTO answers VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
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
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # a rescue file ----------------------------------------------------------------------------------------------------
    def _start_rescue(self) -> None:
        assert self.path is not None
        for folder in (self.path.parent, Path.cwd(), Path(tempfile.gettempdir())):
            place = folder / f"quiz-rescued-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
            try:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except OSError:
                continue
            self.rescue = place
            return

    def _to_rescue(self, answer: Answer) -> None:
        if self.rescue is None:
            return
        try:
            with open(self.rescue, "a", encoding="utf-8") as f:
                f.write(json.dumps({"learner": self.learner, **asdict(answer)}) + "\n")
                f.flush()
                os.fsync(f.fileno())
        except OSError as error:
            self.note += f"; {self.rescue} cannot be written either ({error.strerror}), answers are kept in memory only"
            self.rescue = None

    def _take_in_rescued(self) -> None:
        """Answers that an earlier quiz could not write into the file."""
        assert self.path is not None
        for place in sorted(self.path.parent.glob("quiz-rescued-*.jsonl")):
            try:
                rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line.strip()]
                for row in rows:
                    self._write(Answer(**{k: v for k, v in row.items() if k != "learner"}), row["learner"])
            except (OSError, ValueError, TypeError, KeyError):
                continue
            with contextlib.suppress(OSError):
                place.unlink()

    # reading ----------------------------------------------------------------------------------------------------
    def topics(self) -> dict[str, TopicState]:
        """How each topic that was asked stands."""
        out: dict[str, TopicState] = {}
        query = "SELECT topic, right FROM answers WHERE learner=? ORDER BY at"
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
        """The cards that are due, questions answered wrong first, then the longest overdue."""
        now = time.time() if now is None else now
        query = "SELECT card FROM cards WHERE learner=? AND due<=? ORDER BY instr(card, '/') > 0, due"
        return [row[0] for row in self._db.execute(query, (self.learner, now))]

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


class _Unusable(Exception):
    """A file that can be opened and must not be written."""


def _connect(where: Path) -> sqlite3.Connection:
    db = sqlite3.connect(where, timeout=WAIT, isolation_level=None)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise _Unusable(f"it is of version {version}, this symderiv knows version {VERSION}")
        if version == 0:
            _create(db)
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the file is damaged")
        db.execute("SELECT id, at, learner, key, topic, kind, level, answer, right, quality, seconds FROM answers LIMIT 1")
        db.execute("BEGIN IMMEDIATE")  # is it writable?
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection) -> None:
    for attempt in range(50):  # changing the journal mode is refused while another process does it, whatever the timeout
        try:
            db.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.05)
    db.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA user_version={VERSION}")
    db.execute("COMMIT")


def _readable(where: Path) -> dict[str, list[tuple]]:
    """The rows that a file still gives: with its log where that can be read, else without."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        try:
            with contextlib.closing(sqlite3.connect(f"{where.resolve().as_uri()}?{mode}", uri=True)) as old:
                return {table: old.execute(f"SELECT * FROM {table}").fetchall() for table in ("answers", "cards")}
        except (sqlite3.Error, OSError):
            continue
    return {}


def _reason(where: Path, error: Exception) -> str:
    text = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    return f"progress cannot be kept in {where}: {text}"


__all__ = ["Answer", "Progress", "TopicState", "data_directory", "whoami"]
