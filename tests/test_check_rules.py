r"""The codes of `symderiv check`: every example is found, its right form is not, and every code has its page.

`python tests/test_check_rules.py --update` writes `docs/check/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from symderiv.check import check_document
from symderiv.check.rules import RULES, explain

PAGES = Path(__file__).resolve().parent.parent / "docs" / "check"


@pytest.mark.parametrize("code", RULES)
def test_the_example_is_found(code: str) -> None:
    rule = RULES[code]
    found = check_document(rule.wrong, rule.vars)
    assert [f.code for f in found.findings] == [code], str(found)
    assert found.exit_code == 1
    assert found.findings[0].caret.count("^") >= 1


@pytest.mark.parametrize("code", RULES)
def test_the_right_form_is_not(code: str) -> None:
    rule = RULES[code]
    found = check_document(rule.right, rule.vars)
    assert found.ok and not found.skipped, str(found)
    assert found.checked or found.defined
    assert found.exit_code == 0


@pytest.mark.parametrize("code", RULES)
def test_it_can_be_silenced(code: str) -> None:
    rule = RULES[code]
    assert check_document(rule.wrong, rule.vars, ignore=[code]).ok
    assert check_document(rule.wrong, rule.vars, ignore=[rule.kind]).ok
    silenced = check_document(f"% symderiv: ignore-file {code}\n{rule.wrong}", rule.vars)
    assert silenced.ok and len(silenced.ignored) == 1
    last = rule.wrong + f" % symderiv: ignore {rule.kind}"
    assert check_document(last, rule.vars).ok


@pytest.mark.parametrize("code", RULES)
def test_pages(code: str) -> None:
    assert (PAGES / f"{code}.md").read_text(encoding="utf-8") == explain(code), "run python tests/test_check_rules.py --update"


def test_names_of_other_places_are_no_doubt() -> None:
    text = r"""
% symderiv: X: n,d; w: d; y: n; lam: scalar
\begin{align} L(w) &= \|Xw - y\|^2 + \lambda \|w\|^2 \\ \frac{\partial L}{\partial w} &= 2X^\top (Xw - y) + \lambda w \end{align}
Elsewhere, $d \log\det A = \operatorname{tr}(A^{-1} dA)$ with an $A$ that nobody declares.
"""
    assert [(f.code, f.line) for f in check_document(text).findings] == [("SD602", 3)]


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/test_check_rules.py --update")
    PAGES.mkdir(exist_ok=True)
    for name in RULES:
        (PAGES / f"{name}.md").write_text(explain(name), encoding="utf-8")
