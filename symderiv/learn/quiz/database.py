"""The SQLite file of the quiz: opening it, bringing an old one up to date, and refusing one that must not be written.

Versions (`PRAGMA user_version`): 1 had `answers` and `cards`; 2 keeps the questions that were answered wrong as well, so that
they are asked again as they were, whatever a later version makes of their keys.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from pathlib import Path

VERSION = 2
WAIT = 5.0  # seconds to wait for another process
TABLES = {
    "answers": """(
  id TEXT PRIMARY KEY, at REAL NOT NULL, learner TEXT NOT NULL, key TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL,
  level INTEGER NOT NULL, answer TEXT NOT NULL, right INTEGER NOT NULL, quality INTEGER NOT NULL, seconds REAL NOT NULL)""",
    "cards": """(
  learner TEXT NOT NULL, card TEXT NOT NULL, ease REAL NOT NULL, interval REAL NOT NULL, repetitions INTEGER NOT NULL,
  due REAL NOT NULL, PRIMARY KEY (learner, card))""",
    "questions": "(key TEXT PRIMARY KEY, data TEXT NOT NULL)",
}
STATEMENTS = (
    *(f"CREATE TABLE IF NOT EXISTS {name} {columns}" for name, columns in TABLES.items()),
    "CREATE INDEX IF NOT EXISTS answers_of ON answers (learner, topic, at)",
)
COLUMNS = "id, at, learner, key, topic, kind, level, answer, right, quality, seconds"


class Unusable(Exception):
    """A file that can be opened and must not be written."""


def in_memory() -> sqlite3.Connection:
    """An empty database that is forgotten."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for statement in STATEMENTS:
        db.execute(statement)
    return db


def connect(where: Path) -> sqlite3.Connection:
    """The file, checked, writable and of the version of today.

    Raises:
        sqlite3.Error, OSError: it is damaged, locked or not writable.
        Unusable: it is of another program or of a newer version.
    """
    if where.exists() and not os.access(where, os.W_OK):  # SQLite would leave a log beside it that nobody can write either
        raise PermissionError(errno.EACCES, "it cannot be written")
    db = sqlite3.connect(where, timeout=WAIT, isolation_level=None)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise Unusable(f"it is of version {version}, this symderiv knows version {VERSION}")
        if version < VERSION:
            _bring_up_to_date(db)
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the file is damaged")
        _check_tables(db)
        db.execute("BEGIN IMMEDIATE")  # is it writable?
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Create what is missing, in one transaction; a database of another program is left alone."""
    for attempt in range(50):  # changing the journal mode is refused while another process does it, whatever the timeout
        try:
            _refuse_foreign(db)
            db.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.05)
    db.execute("BEGIN IMMEDIATE")
    try:
        _refuse_foreign(db)
        for statement in STATEMENTS:
            db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself when the disk is full
            db.execute("ROLLBACK")
        raise


def _refuse_foreign(db: sqlite3.Connection) -> None:
    there = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")}
    if there and not {"answers", "cards"} <= there:
        raise Unusable(f"it is a database of another program (it has the table {min(there)})")


def _check_tables(db: sqlite3.Connection) -> None:
    try:
        db.execute(f"SELECT {COLUMNS} FROM answers LIMIT 1")
        db.execute("SELECT learner, card, ease, interval, repetitions, due FROM cards LIMIT 1")
        db.execute("SELECT key, data FROM questions LIMIT 1")
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            raise Unusable(f"it is a database of another program ({error})") from None
        raise


def readable(where: Path) -> dict[str, list[tuple]]:
    """The rows that a file still gives: with its log where that can be read, else without; {} for none."""
    found: dict[str, list[tuple]] = {}
    log = where.with_name(where.name + "-wal")
    modes = ["mode=ro&immutable=1", "mode=ro"]  # the first leaves no files behind, and does not see the log
    with contextlib.suppress(OSError):
        modes = modes[::-1] if log.stat().st_size else modes
    for mode in modes:
        try:
            with contextlib.closing(sqlite3.connect(f"{where.resolve().as_uri()}?{mode}", uri=True)) as old:
                for table in TABLES:
                    with contextlib.suppress(sqlite3.Error):
                        found.setdefault(table, old.execute(f"SELECT * FROM {table}").fetchall())
        except (sqlite3.Error, OSError):
            continue
        if found:
            break
    return found


__all__ = ["Unusable", "connect", "in_memory", "readable"]
