"""docs/course.md: every command runs, every picture is there and shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from symderiv.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "course.md"
COMMANDS = [line[2:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if "--data digits" in command or "--data breast" in command:
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: its data cannot be trained on")
    if ".png" in command:
        pytest.importorskip("matplotlib", reason="matplotlib is not installed: nothing can be drawn")
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(command)
    assert name == "symderiv" and run(arguments) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip() or any(tmp_path.iterdir())


def test_pictures_are_there_and_shown() -> None:
    shown = set(re.findall(r"\]\(pictures/([\w.]+)\)", PAGE.read_text(encoding="utf-8")))
    assert shown == {p.name for p in (ROOT / "docs" / "pictures").iterdir()}
    readme = re.findall(r"\]\(docs/pictures/([\w.]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(readme) >= 4 and set(readme) <= shown
