"""Writes docs/rules from the rules: `python scripts/rule_pages.py`; with --check it only says whether they are current."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "rules"


def main(arguments: list[str]) -> int:
    from symderiv.write.rule_pages import rule_pages

    pages = rule_pages()
    stale = [p for p in FOLDER.glob("*.md") if p.name not in pages]
    changed = [n for n, text in pages.items() if not (FOLDER / n).exists() or (FOLDER / n).read_text(encoding="utf-8") != text]
    if arguments == ["--check"]:
        print("\n".join([*changed, *(p.name for p in stale)]) or "docs/rules is current")
        return 1 if changed or stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (FOLDER / name).write_text(pages[name], encoding="utf-8")
    for path in stale:
        path.unlink()
    print(f"{len(pages)} pages, {len(changed)} written, {len(stale)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
