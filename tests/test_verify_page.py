"""`docs/verify.md`: its examples are run as doctests, and every kind of verdict has one that gives it.

python tests/test_verify_page.py --update     write the real outputs into the page
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from pathlib import Path

from symderiv.verify.verdict import KINDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verify.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


def examples(text: str) -> doctest.DocTest:
    return doctest.DocTestParser().get_doctest("\n".join(BLOCK.findall(text)), {}, "verify.md", "verify.md", 0)


def test_the_examples_run() -> None:
    test = examples(PAGE.read_text(encoding="utf-8"))
    assert len(test.examples) > 20
    assert not doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed


def test_every_kind_has_an_example_that_gives_it() -> None:
    sections = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    assert set(sections) == set(KINDS) - {"right"}
    for kind, body in sections.items():
        assert re.search(rf"^{kind}: ", "\n".join(BLOCK.findall(body)), re.MULTILINE), kind


def updated(text: str) -> str:
    """The page with the outputs that its examples have now."""
    names: dict[str, object] = {}

    def block(found: re.Match[str]) -> str:
        lines = []
        for e in doctest.DocTestParser().get_examples(found[1]):
            source = e.source.rstrip("\n").splitlines()
            lines += [f">>> {source[0]}", *(f"... {line}" for line in source[1:])]
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(e.source, "verify.md", "single"), names)
            lines += [line.rstrip() or "<BLANKLINE>" for line in out.getvalue().splitlines()]
        return "```python\n" + "\n".join(lines) + "\n```"

    return BLOCK.sub(block, text)


if __name__ == "__main__" and "--update" in sys.argv:
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
