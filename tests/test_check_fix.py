r"""`symderiv check --fix` and `--diff`: what is mended, what is left, and that everything else stays byte for byte."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from symderiv.check import check_document
from symderiv.cli.main import run

DECLARED = "% symderiv: X: n,d; w: d; y: n\n"
LOSS = "\\[ L = \\|X w - y\\|^2 \\]\n"
WRONG = "\\[ \\nabla_w L = X^\\top (X w - y) \\]\n"
RIGHT = "\\[ \\nabla_w L = 2 X^\\top (X w - y) \\]\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def fixed(data: bytes, name: str = "a.tex", code: int = 0) -> bytes:
    Path(name).write_bytes(data)
    assert run(["check", name, "--fix"]) == code
    return Path(name).read_bytes()


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"", "latin-1"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)  # fmt: skip
def test_encodings_and_line_ends_stay(mark: bytes, encoding: str) -> None:
    before = DECLARED.replace("\n", "\r\n") + "Zwei Größen: é \r\n\n" + LOSS
    after = "tail \t without an end"
    data = mark + (before + WRONG.replace("\n", "\r\n") + after).encode(encoding)
    assert fixed(data) == mark + (before + RIGHT.replace("\n", "\r\n") + after).encode(encoding)


def test_diff_changes_nothing_and_applies(capsys: pytest.CaptureFixture[str]) -> None:
    data = (DECLARED + LOSS + WRONG.rstrip("\n")).encode()
    Path("a.tex").write_bytes(data)
    assert run(["check", "a.tex", "--diff"]) == 1
    out = capsys.readouterr()
    assert "would fix 1 side" in out.err and Path("a.tex").read_bytes() == data
    done = subprocess.run(["patch", "-p0"], input=out.out.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done
    assert Path("a.tex").read_bytes() == (DECLARED + LOSS + RIGHT.rstrip("\n")).encode()


def test_marks_choose() -> None:
    second = "\\[ \\nabla_w L = 3 X^\\top (X w - y) \\]"
    text = DECLARED + LOSS + "% symderiv: fix\n" + WRONG + second
    assert fixed(text.encode(), code=1).decode() == DECLARED + LOSS + "% symderiv: fix\n" + RIGHT + second
    forbidden = DECLARED + LOSS + WRONG + second + " % symderiv: no-fix"
    assert fixed(forbidden.encode(), code=1).decode() == DECLARED + LOSS + RIGHT + second + " % symderiv: no-fix"


def test_marks_inside_a_display() -> None:
    rows = "\\begin{align*}\n\\nabla_w L &= X^\\top (X w - y) % symderiv: no-fix\n\\end{align*}\n"
    assert fixed((DECLARED + LOSS + rows).encode(), code=1).decode() == DECLARED + LOSS + rows


def test_what_followed_from_a_wrong_line_is_mended_with_it() -> None:
    rows = "\\begin{align*}\n\\nabla_w L &= X^\\top (X w - y) \\\\\n &= X^\\top X w - X^\\top y\n\\end{align*}\n"
    text = fixed((DECLARED + LOSS + rows).encode()).decode()
    assert "&= 2 X^\\top (X w - y) \\\\\n &= 2 (X^\\top X w - X^\\top y)\n" in text
    assert check_document("a.tex").checked == 2


def test_included_files() -> None:
    Path("parts").mkdir()
    Path("parts/b.tex").write_text(WRONG, encoding="utf-8")
    main = DECLARED + LOSS + "\\input{parts/b}\n"
    assert fixed(main.encode()).decode() == main
    assert Path("parts/b.tex").read_text(encoding="utf-8") == RIGHT


def test_markdown_with_code() -> None:
    head = "<!-- symderiv: X: n,d; w: d; y: n -->\n```python\nx = '$'\n```\n`$L = 1$` and 5 % of it\n\n"
    body = "$$L = \\|X w - y\\|^2$$\n\n```math\n\\nabla_w L = {}X^\\top (X w - y)\n```\n"
    assert fixed((head + body.replace("{}", "")).encode(), "a.md").decode() == head + body.replace("{}", "2 ")


@pytest.mark.parametrize("joined", [True, False])
def test_notebooks(joined: bool) -> None:
    lines = ["é \\u00e9 caf\u00e9 \U0001d465\n", "$$L = \\|X w - y\\|^2$$\n", "\n", "$$\\nabla_w L = X^\\top (X w - y)$$"]
    cell = {"cell_type": "markdown", "metadata": {"a": [1.50, {}]}, "source": "".join(lines) if joined else lines}
    code = {"cell_type": "code", "execution_count": None, "outputs": [{"text": ['{"source": ["x"]}']}], "source": ["1 + 1"]}
    declared = {"cell_type": "markdown", "metadata": {}, "source": ["<!-- symderiv: X: n,d; w: d; y: n -->"]}
    notebook = {"cells": [declared, code, cell], "metadata": {"source": "no"}, "nbformat": 4, "nbformat_minor": 5}
    text = json.dumps(notebook, indent=3).replace('"metadata": {}', '"metadata" :{ }')
    want = text.replace("\\\\nabla_w L = X", "\\\\nabla_w L = 2 X")
    assert want != text
    assert fixed(text.encode(), "a.ipynb").decode() == want


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((DECLARED + LOSS + WRONG).encode())))
    assert run(["check", "-", "--fix"]) == 0
    out = capsys.readouterr()
    assert out.out == DECLARED + LOSS + RIGHT and "2 right" not in out.out and "1 relation checked: 1 right" in out.err


def test_permissions_and_links_stay() -> None:
    Path("real.tex").write_text(DECLARED + LOSS + WRONG, encoding="utf-8")
    os.chmod("real.tex", 0o640)
    os.symlink("real.tex", "link.tex")
    assert run(["check", "link.tex", "--fix"]) == 0
    assert Path("link.tex").is_symlink() and Path("real.tex").read_text(encoding="utf-8") == DECLARED + LOSS + RIGHT
    assert os.stat("real.tex").st_mode & 0o777 == 0o640
    assert sorted(os.listdir(".")) == ["cache", "link.tex", "real.tex"]


def test_a_file_that_changed_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from symderiv.check.checker import Checker

    calls = []
    original = Checker.run

    def editing(self: Checker, *args: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 2:  # the second check; an editor saves the file
            Path("a.tex").write_text("new work", encoding="utf-8")
        return original(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Checker, "run", editing)
    Path("a.tex").write_text(DECLARED + LOSS + WRONG, encoding="utf-8")
    assert run(["check", "a.tex", "--fix"]) == 2
    assert Path("a.tex").read_text(encoding="utf-8") == "new work"
    assert "changed while it was checked" in capsys.readouterr().err


def test_what_has_no_correction_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    entries = "\\[ \\frac{\\partial L}{\\partial w_j} = \\sum_{i=1}^n (\\sum_{k=1}^d X_{ik} w_k - y_i) X_{ij} \\]\n"
    data = (DECLARED + LOSS + entries).encode()
    assert fixed(data, code=1) == data
    assert "not fixed" in capsys.readouterr().err
