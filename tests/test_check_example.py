"""The example paper, its report in the docs, and the command as people use it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from symderiv.check import check_document
from symderiv.check.rules import RULES
from symderiv.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
PAPER = ROOT / "examples" / "paper"
PAGE = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
MISTAKE = (r"&= c_i (p_i - y_i) .", r"&= c_i (y_i - p_i) .")


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the paper, in which the command runs."""
    shutil.copytree(PAPER, tmp_path / "paper")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "paper")
    return tmp_path / "paper"


def spoil(paper: Path) -> None:
    path = paper / "appendix.tex"
    text = path.read_text(encoding="utf-8")
    assert text.count(MISTAKE[0]) == 1
    path.write_text(text.replace(*MISTAKE), encoding="utf-8")


def test_the_paper_is_right() -> None:
    report = check_document(PAPER / "paper.tex", {"eta": "scalar positive"})
    assert report.ok and not report.skipped and not report.troubles
    assert f"{report.checked} relations checked: {report.checked} right, 0 wrong; 0 skipped; {report.defined} definitions" in PAGE


def test_the_report_is_that_of_the_docs(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(paper)
    assert run(["check", "paper.tex", "-j", "1"]) == 1
    assert capsys.readouterr().out.strip() in PAGE


def test_every_code_is_in_the_docs() -> None:
    assert all(f"[{r.code}](check/{r.code}.md) | {r.kind} |" in PAGE for r in RULES.values())


def test_what_did_not_change_is_known(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "paper.tex", "-j", "1"]) == 0
    first = capsys.readouterr().out
    from symderiv.check.cache import Cache
    from symderiv.check.checker import Checker, Options
    from symderiv.check.load import load_paper

    cache = Cache("paper.tex")
    checker = Checker(load_paper("paper.tex"), Options({"eta": "scalar positive"}, layout="numerator"))
    again = checker.run(cache=cache)
    assert again.cached > 20 and not hasattr(checker, "chains")  # the whole document is known
    assert first.startswith(f"{again.checked} relations checked: {again.checked} right")
    path = paper / "paper.tex"
    path.write_text("% one more line\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    moved = Checker(load_paper("paper.tex"), Options({"eta": "scalar positive"}, layout="numerator"))
    assert moved.run(cache=cache).cached == len(moved.chains) == again.cached  # each of its chains is known
    spoil(paper)
    assert run(["check", "paper.tex", "-j", "1"]) == 1
    assert "appendix.tex:19:8: SD601" in capsys.readouterr().out


def test_formats(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(paper)
    assert run(["check", "paper.tex", "-j", "1", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["wrong"] == 1 and data["documents"][0]["findings"][0]["line"] == 19
    assert run(["check", "paper.tex", "-j", "1", "--format", "sarif"]) == 1
    sarif = json.loads(capsys.readouterr().out)["runs"][0]
    assert [r["ruleId"] for r in sarif["results"]] == ["SD601"]
    assert sarif["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 19
    assert sarif["tool"]["driver"]["rules"][sarif["results"][0]["ruleIndex"]]["id"] == "SD601"
    assert run(["check", "paper.tex", "-j", "1", "--format", "github"]) == 1
    assert "::error file=appendix.tex,line=19,endLine=19,col=8" in capsys.readouterr().out


def test_several_processes_say_the_same() -> None:
    from symderiv.check.checker import Checker, Options
    from symderiv.check.load import load_paper

    path = str(ROOT / "tests" / "papers" / "matrices.tex")
    one, two = (Checker(load_paper(path), Options()).run(jobs=j) for j in (1, 2))
    assert [(r.place, r.status) for r in one.relations] == [(r.place, r.status) for r in two.relations]


def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing.tex").write_text("No mathematics here.", encoding="utf-8")
    assert run(["check", "nothing.tex", "--no-cache"]) == 0
    assert run(["check", "missing.tex", "--no-cache"]) == 2
    (tmp_path / "binary.tex").write_bytes(bytes(range(256)) * 20)
    assert run(["check", "binary.tex", "--no-cache"]) == 2
    (tmp_path / "strange.tex").write_text("\\[ \\mathfrak{Q} \\rtimes \\mathcal{Z} = \\oint 3 \\]", encoding="utf-8")
    assert run(["check", "strange.tex", "--no-cache"]) == 2
    assert run(["check", "--explain", "SD602"]) == 0
    assert run(["check", "--explain", "SD000"]) == 2
    (tmp_path / "symderiv.toml").write_text("[check]\nlayuot = 1\n", encoding="utf-8")
    assert run(["check", "nothing.tex", "--no-cache"]) == 2
    assert "did you mean layout" in capsys.readouterr().err


def test_hook() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert "entry: symderiv check" in text and "id: symderiv-check" in text
