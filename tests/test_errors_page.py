"""`docs/errors.md`: a line for every code that the source raises, and none for others; its examples raise what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symderiv as sd

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
CODE = re.compile(r"\bSD\d{3}\b")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if re.match(r"\| SD\d{3} \|", line)]
EXAMPLES = [(row[0].strip("| "), row[2].strip("`")) for row in ROWS if len(row) == 4 and row[2].startswith("`")]
FIRST_NAME = re.compile(r"\s*(\w+)\s*:")


def test_every_code_has_one_line() -> None:
    documented = [row[0].strip("| ") for row in ROWS]
    assert sorted(documented) == sorted(set(documented))
    raised = {code for path in (ROOT / "symderiv").rglob("*.py") for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(raised - set(documented) - {"SD000"}) == [], "raised and not documented"
    assert sorted(set(documented) - raised) == [], "documented and not raised"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 22


@pytest.mark.parametrize(("code", "text"), EXAMPLES, ids=[code for code, _ in EXAMPLES])
def test_examples_raise_their_code(code: str, text: str) -> None:
    by = FIRST_NAME.match(text)
    with pytest.raises(sd.SymDerivError) as caught:
        sd.derive(text, by[1] if by else "x")
    assert caught.value.code == code, str(caught.value)
    assert caught.value.message
