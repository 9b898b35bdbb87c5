"""docs/rules: made from the rules, and current."""

from __future__ import annotations

from pathlib import Path

from symderiv.steps.rules import rules_with_pages
from symderiv.write.rule_pages import rule_pages

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "rules"


def test_the_pages_are_current() -> None:
    pages = rule_pages()
    assert set(pages) == {f"{r.key}.md" for r in rules_with_pages()} | {"index.md"}
    assert {p.name for p in FOLDER.glob("*.md")} == set(pages), "run python scripts/rule_pages.py"
    stale = [name for name, text in pages.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, f"run python scripts/rule_pages.py: {stale}"


def test_every_rule_says_why_and_where_from() -> None:
    for rule in rules_with_pages():
        assert rule.says and rule.why and rule.source and rule.example, rule.key
