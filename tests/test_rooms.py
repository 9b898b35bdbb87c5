"""An inner room never imports an outer one: the imports that run when a module is loaded are read with `ast`.

Imports inside functions are made when they are needed (a node prints itself with `write`), and those under `TYPE_CHECKING` never.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "symderiv"
ORDER = [  # from the inside to the outside; a room may import itself and every room before it
    {"errors"},
    {"expr"},
    {"ops"},
    {"read"},
    {"simplify"},
    {"notation"},
    {"calculus"},
    {"steps"},
    {"write"},
    {"code"},
    {"verify"},
    {"explained"},
    {"structured"},
    {"emitting"},
    {"result"},
    {"api"},
    {"verifying"},
    {"check"},
    {"learn"},
    {"cli", "web", "notebook"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
FACE = "__init__"  # the package itself names what it exports and imports it when it is used
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def at_load(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements that run when the module is loaded, class bodies and branches included."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If):
            checking = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            yield from at_load(node.orelse if checking else node.body + node.orelse)
        elif isinstance(node, ast.Try):
            yield from at_load(node.body + node.orelse + node.finalbody + [s for h in node.handlers for s in h.body])
        elif isinstance(node, (ast.With, ast.ClassDef)):
            yield from at_load(node.body)


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    """(room, line) of everything of this package that the module imports when it is loaded."""
    here = ("symderiv", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in at_load(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            targets = [tuple(a.name.split(".")) for a in node.names]
        else:
            start = (*here[: len(here) - node.level], *filter(None, (node.module or "").split("."))) if node.level else ()
            base = start or tuple((node.module or "").split("."))
            targets = [(*base, a.name) for a in node.names] if len(base) == 1 else [base]
        for target in targets:
            if target[0] == "symderiv" and len(target) > 1:
                yield target[1], node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_an_inner_room_never_imports_an_outer_one(path: Path) -> None:
    room = room_of(path)
    if room == FACE:
        assert not list(imported_rooms(path)), "the package is imported without its rooms"
        return
    assert room in LEVEL, f"{room} has no place in the order"
    wrong = [f"line {line}: {other}" for other, line in imported_rooms(path) if LEVEL.get(other, 0) > LEVEL[room]]
    assert wrong == [], f"{room} is inside of what it imports"


def test_the_imports_are_found() -> None:
    """The walk sees what there is: relative, absolute and parenthesised imports of other rooms."""
    seen = {(room_of(p), other) for p in MODULES for other, _ in imported_rooms(p)}
    for known in (("calculus", "read"), ("calculus", "simplify"), ("notation", "simplify"), ("api", "verify")):
        assert known in seen, known
    assert ("expr", "write") not in seen


def test_the_architecture_page_names_the_rooms_in_this_order() -> None:
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (line,) = (text for text in page.splitlines() if text.startswith("`errors` `expr`"))
    named = re.findall(r"`(\w+)`", line)
    here = {room_of(p) for p in MODULES} - {FACE, "__main__"}
    assert set(named) == here
    assert [LEVEL[room] for room in named] == sorted(LEVEL[room] for room in named)


def test_the_declaration_on_the_architecture_page_is_the_real_one() -> None:
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert block in (PACKAGE / "ops" / "elementwise.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(p) == "ops"], ids=lambda p: p.stem)
def test_declarations_need_only_expressions(path: Path) -> None:
    """An operation is declared without anything that uses it."""
    assert {other for other, _ in imported_rooms(path)} <= {"ops", "expr", "errors"}
