"""What is known already: relations by their content, so that only what changed is judged again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .findings import Finding, Relation, Report
from .paper import Paper
from .relations import Chain

FORMAT = 2
MOST = 5_000  # relations of one document that are kept


@lru_cache(maxsize=1)
def program_key() -> str:
    """A word that changes when the program does."""
    from .. import __version__

    root = Path(__file__).resolve().parent.parent
    h = hashlib.sha256(f"{FORMAT} {__version__}".encode())
    for path in sorted(root.rglob("*.py")):
        stat = path.stat()
        h.update(f"{path.name}{stat.st_size}{stat.st_mtime_ns}".encode())
    return h.hexdigest()[:16]


def digest(*parts: object) -> str:
    return hashlib.sha256("\x00".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """The cache of one document, a JSON file in the user's cache folder.

    Attributes:
        hits: how many chains were known.
    """

    def __init__(self, document: str, folder: str | None = None) -> None:
        if folder is None:
            import platformdirs

            folder = os.path.join(platformdirs.user_cache_dir("symderiv"), "check")
        self.path = os.path.join(folder, digest(os.path.abspath(document))[:32] + ".json")
        self.old: dict[str, list] = {}
        self.new: dict[str, list] = {}
        self.whole: dict[str, Any] = {}
        self.hits = 0
        self._load()

    def _load(self) -> None:
        try:
            data = json.loads(Path(self.path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(data, dict) and data.get("program") == program_key() and isinstance(data.get("chains"), dict):
            self.old = {k: v for k, v in data["chains"].items() if isinstance(v, list)}
            self.whole = data["whole"] if isinstance(data.get("whole"), dict) else {}

    def get(self, key: str, chain: Chain, paper: Paper) -> list[tuple[Relation, str]] | None:
        """The relations of a chain, with the vote on layouts of each, or None."""
        rows = self.new.get(key) or self.old.get(key)
        if rows is None:
            return None
        line = paper.place(chain.start).line
        try:
            found = [(_relation(row, chain.start, line, paper), row["vote"]) for row in rows]
        except (KeyError, TypeError, ValueError, IndexError):
            return None
        self.hits += 1
        self.new[key] = rows
        return found

    def put(self, key: str, chain: Chain, relations: list[tuple[Relation, str]], paper: Paper) -> None:
        """Remember a chain."""
        if len(self.new) < MOST:
            line = paper.place(chain.start).line
            self.new[key] = [{**_row(r, chain.start, line), "vote": vote} for r, vote in relations]

    def report(self, key: str, paper: Paper) -> Report | None:
        """The report of a document of which nothing changed, or None."""
        if self.whole.get("key") != key:
            return None
        w = self.whole
        try:
            relations, troubles = ([_relation(row, 0, 0, paper) for row in w[k]] for k in ("relations", "troubles"))
            ignored = [_finding(row, 0, 0, paper) for row in w["ignored"]]
            found = [r.finding for r in relations if r.finding is not None]
            out = Report(paper.name, found, relations, list(w["meanings"]), troubles, ignored, cached=int(w["cached"]))
        except (KeyError, TypeError, ValueError, IndexError):
            return None
        self.new = self.old
        return out

    def put_report(self, key: str, report: Report, chains: int) -> None:
        """Remember the whole of a document."""
        self.whole = {
            "key": key, "relations": [_row(r, 0, 0) for r in report.relations], "troubles": [_row(r, 0, 0) for r in report.troubles],
            "ignored": [_finding_row(f, 0, 0) for f in report.ignored], "meanings": report.meanings, "cached": chains,
        }  # fmt: skip

    def save(self) -> None:
        """Write what this run used; a cache that cannot be written is no error."""
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=os.path.dirname(self.path), suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as f:
                json.dump({"program": program_key(), "chains": self.new, "whole": self.whole}, f, ensure_ascii=True)
            os.replace(temporary, self.path)
        except OSError:
            return


# rows ------------------------------------------------------------------------------------------------------------------------
def _row(r: Relation, base: int, line: int) -> dict[str, Any]:
    """A relation from a place on; lines in its messages move with the text."""
    row: dict[str, Any] = {
        "start": r.start - base, "stop": r.stop - base, "status": r.status, "what": r.what, "reason": _away(r.reason, line),
        "code": r.code, "how": r.how, "assuming": list(r.assuming),
    }  # fmt: skip
    if r.finding is not None:
        row["finding"] = _finding_row(r.finding, base, line)
    return row


def _finding_row(f: Finding, base: int, line: int) -> dict[str, Any]:
    return {
        "start": f.start - base, "stop": f.stop - base, "code": f.code, "message": _away(f.message, line), "fix": f.fix, "kind": f.kind,
        "counterexample": f.counterexample, "notes": list(f.notes),
    }  # fmt: skip


def _relation(row: Mapping[str, Any], base: int, line: int, paper: Paper) -> Relation:
    start, stop = base + int(row["start"]), base + int(row["stop"])
    finding = _finding(row["finding"], base, line, paper) if "finding" in row else None
    return Relation(
        paper.place(start), paper.place(stop), row["status"], row["what"], _back(row["reason"], line), row["code"], row["how"], start,
        stop, finding, tuple(row["assuming"]),
    )  # fmt: skip


def _finding(f: Mapping[str, Any], base: int, line: int, paper: Paper) -> Finding:
    start, stop = base + int(f["start"]), base + int(f["stop"])
    return Finding(
        paper.place(start), f["code"], _back(f["message"], line), paper.place(stop), f["fix"], f["kind"], f["counterexample"],
        paper.caret(start, stop), tuple(f["notes"]), start, stop,
    )  # fmt: skip


def _away(text: str, line: int) -> str:
    return re.sub(r"\bline (\d+)", lambda m: f"line @{int(m[1]) - line}@", text)


def _back(text: str, line: int) -> str:
    return re.sub(r"\bline @(-?\d+)@", lambda m: f"line {int(m[1]) + line}", text)


__all__ = ["Cache", "digest", "program_key"]
