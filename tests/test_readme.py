"""Every block of the README is run and its output compared.

`console` blocks hold commands (`$ `, continued by `> `) with their output; bash runs them in one temporary directory. `python`
blocks are doctests that share their names. `bash` blocks are commands for a fresh machine, which `.ci/run` runs.

    python tests/test_readme.py --update     write the real outputs into the README
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNSTABLE = [(re.compile(r"(worst relative error )\S+"), r"\1…")]  # rounding differs between machines


@dataclass
class Command:
    """A command of a console block with the output that the README shows."""

    source: str
    output: str

    @property
    def script(self) -> str:
        """What bash gets: without the prompts."""
        return "\n".join(line[2:] for line in self.source.splitlines())


def blocks(text: str, language: str) -> list[str]:
    return [m[2] for m in FENCE.finditer(text) if m[1] == language]


def commands(block: str) -> Iterator[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Command(line, ""))
        elif line.startswith("> ") and found and not found[-1].output:
            found[-1].source += line
        elif found:
            found[-1].output += line
        else:
            raise ValueError(f"a console block begins with output: {line!r}")
    yield from found


class Shell:
    """A directory in which `symderiv` is the package of this tree."""

    def __init__(self, folder: Path) -> None:
        tools = folder / "bin"
        self.work = folder / "work"
        tools.mkdir()
        self.work.mkdir()
        tool = tools / "symderiv"
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m symderiv "$@"\n')
        tool.chmod(0o755)
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "PYTHONWARNINGS"}},
            "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": python_path,
            "PYTHONUTF8": "1",
            "COLUMNS": "100",
        }

    def run(self, script: str) -> str:
        """Standard output and standard error together."""
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        return done.stdout.decode("utf-8")


def stable(text: str) -> str:
    for pattern, new in UNSTABLE:
        text = pattern.sub(new, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_console_blocks(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    found = [c for block in blocks(README.read_text(encoding="utf-8"), "console") for c in commands(block)]
    assert found
    for command in found:
        assert stable(shell.run(command.script)) == stable(command.output), command.source


def test_python_blocks() -> None:
    text = "\n".join(blocks(README.read_text(encoding="utf-8"), "python"))
    test = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    assert test.examples
    failures = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test).failed
    assert not failures


def test_fresh_machine_commands_are_what_ci_runs() -> None:
    """The install and test commands of the README are those of `.ci/run`."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = "\n".join(blocks(README.read_text(encoding="utf-8"), "bash"))
    assert "pip install '.[dev]'" in readme and "pip install --quiet '.[dev]'" in ci
    assert "python -m pytest -q" in readme and "python -m pytest -q" in ci
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_block_is_tested() -> None:
    languages = set(re.findall(r"^```(\w+)$", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert languages <= {"console", "python", "bash"}


# writing the outputs ------------------------------------------------------------------------------------------------------


def updated(text: str) -> str:
    """The README with the outputs that its commands have now; unstable parts stay as they are where nothing else changed."""
    with tempfile.TemporaryDirectory() as folder:
        return _updated(text, Shell(Path(folder)))


def _updated(text: str, shell: Shell) -> str:
    names: dict[str, Any] = {}

    def replace(match: re.Match[str]) -> str:
        if match[1] == "console":
            body = "".join(c.source + _kept(c.output, shell.run(c.script)) for c in commands(match[2]))
        elif match[1] == "python":
            body = "".join(_example(e, names) for e in doctest.DocTestParser().get_examples(match[2]))
        else:
            return match[0]
        return f"```{match[1]}\n{body}```"

    return FENCE.sub(replace, text)


def _kept(old: str, new: str) -> str:
    new = new if not new or new.endswith("\n") else new + "\n"
    return old if stable(old) == stable(new) else new


def _example(example: doctest.Example, names: dict[str, Any]) -> str:
    got: list[str] = []
    runner = doctest.DocTestRunner(checker=_Collector(got), verbose=False)
    runner.run(doctest.DocTest([example], names, "README.md", None, 0, None), out=lambda _: None, clear_globs=False)
    names.update(runner.test.globs)
    lines = example.source.splitlines()
    source = "".join(f"{'>>>' if k == 0 else '...'} {line}\n" for k, line in enumerate(lines))
    return source + "".join(got)


class _Collector(doctest.OutputChecker):
    def __init__(self, got: list[str]) -> None:
        self.got = got

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        self.got.append(got)
        return True


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    sys.path.insert(0, str(ROOT))
    before = README.read_text(encoding="utf-8")
    after = updated(before)
    README.write_text(after, encoding="utf-8")
    print("README.md is up to date" if before == after else "README.md: outputs written")
