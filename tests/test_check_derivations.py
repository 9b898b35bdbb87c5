"""Derivations that symderiv writes itself, read back and checked line by line: nothing is wrong, nothing skipped."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import symderiv as sd
from symderiv.check.checker import Checker
from symderiv.check.load import paper_of
from symderiv.check.options import Options
from symderiv.result import Derivative

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "derivations"
NAMES = sorted(p.stem for p in EXAMPLES.glob("*.sd"))
STYLES = ("differential", "index", "graph")
FORMS = ("fragment", "article", "undeclared", "markdown")
QUICK = [
    ("log_determinant", "differential", "article"), ("softmax_jacobian", "index", "fragment"), ("squared_loss", "graph", "markdown"),
    ("ridge", "graph", "article"), ("lasso", "graph", "undeclared"), ("kullback_leibler", "differential", "undeclared"),
]  # fmt: skip


@cache
def derived(name: str) -> Derivative:
    path = EXAMPLES / f"{name}.sd"
    header = dict(re.findall(r"^# (wrt|order): (.*)$", path.read_text(encoding="utf-8"), re.M))
    wrt = header["wrt"].split()
    return sd.derive(sd.load(path), wrt if len(wrt) > 1 else wrt[0], order=int(header.get("order", 1)))


def written(name: str, style: str, form: str) -> tuple[str, str]:
    """The text of a derivation, and a name for it; `undeclared` leaves out the comment that says what the names are."""
    answer = derived(name)
    if form == "markdown":
        return answer.write_steps("markdown", style=style), "a.md"
    text = answer.write_steps("latex", style=style, standalone=form != "fragment")
    if form == "undeclared":
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("% symderiv:"))
    return text, "a.tex"


def checked(name: str, style: str, form: str) -> None:
    report = Checker(paper_of(*written(name, style, form)), Options()).run()
    assert report.ok and not report.troubles and not report.skipped, str(report)
    assert report.checked >= 1, str(report)


@pytest.mark.parametrize(("name", "style", "form"), QUICK)
def test_a_derivation_passes(name: str, style: str, form: str) -> None:
    checked(name, style, form)


@pytest.mark.fuzz
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_every_derivation_passes(name: str, style: str, form: str) -> None:
    checked(name, style, form)
