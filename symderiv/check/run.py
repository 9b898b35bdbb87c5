"""`check_document` and `check_documents`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .checker import Checker
from .findings import Report
from .load import SUFFIXES, load_paper, paper_of
from .options import Options
from .paper import Paper


def check_document(
    path_or_text: str | os.PathLike[str], vars: Mapping[str, Any] | str | None = None, *, loss: str = "", layout: str = "any",
    ignore: tuple[str, ...] | list[str] = (), select: tuple[str, ...] | list[str] = (), name: str = "",
) -> Report:  # fmt: skip
    """Every relation of a document that can be checked, and what is wrong with those that do not hold.

    Args:
        path_or_text: a `.tex`, `.md` or `.ipynb` file, or a text.
        vars: declarations beside those of the document, `{"X": "n,d"}`.
        loss: LaTeX of a loss that stands for a numerator which the document does not define.
        layout: of derivatives of arrays: any, numerator or denominator.
        ignore, select: codes (`SD602`) or kinds (`factor`).
        name: what a text is called in places.

    Returns:
        A report: one finding a relation that does not hold; counts of checked, skipped and wrong.

    Raises:
        InputError: SD110 for a file that cannot be read.
    """
    paper = _paper(path_or_text, name)
    return Checker(paper, options_of(vars, loss, layout, ignore, select)).run()


def check_documents(paths: list[str], options: Options | None = None) -> list[Report]:
    """Several files one after the other."""
    return [Checker(load_paper(p), options or Options()).run() for p in paths]


def options_of(vars: Any, loss: str, layout: str, ignore: Any, select: Any) -> Options:
    """Options, with declarations in any of their forms."""
    given: dict[str, str] = {}
    if isinstance(vars, str):
        for entry in (e for e in vars.split(";") if e.strip()):
            names, _, spec = entry.partition(":")
            given.update(dict.fromkeys((n.strip() for n in names.split(",")), spec.strip()))
    elif isinstance(vars, Mapping):
        for n, spec in vars.items():
            given[n] = spec if isinstance(spec, str) else ",".join(map(str, spec)) or "scalar"
    return Options(given, loss, layout, tuple(ignore), tuple(select))


def _paper(path_or_text: str | os.PathLike[str], name: str) -> Paper:
    if isinstance(path_or_text, os.PathLike):
        return load_paper(os.fspath(path_or_text))
    if not isinstance(path_or_text, str):
        raise InputError(f"a document is a path or a text, not {type(path_or_text).__name__}", code="SD110")
    short = "\n" not in path_or_text and len(path_or_text) < 4096
    if (short and os.path.splitext(path_or_text)[1].lower() in SUFFIXES and not any(c in path_or_text for c in "$\\=")) or (
        short and os.path.isfile(path_or_text)
    ):
        return load_paper(path_or_text)
    return paper_of(path_or_text, name or "input")


__all__ = ["check_document", "check_documents", "options_of"]
