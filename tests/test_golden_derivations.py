"""The worked set: `examples/derivations/*.sd` in all three styles against golden files.

A golden file passes only if the same run has verified every step of its derivation numerically.
`python tests/test_golden_derivations.py --update` rewrites the files (and refuses where a step does not hold).
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "derivations"
GOLDEN = Path(__file__).resolve().parent / "golden" / "derivations"
STYLES = ("differential", "index", "graph")
NAMES = sorted(p.stem for p in EXAMPLES.glob("*.sd"))


def header(text: str) -> dict[str, Any]:
    """What the comments at the top of an example ask for: `# wrt: w`, `# order: 2`, `# update: alpha`, `# stationary`."""
    found = dict(re.findall(r"^# (wrt|order|update): (.*)$", text, re.M))
    options: dict[str, Any] = {"wrt": found["wrt"].split(), "order": int(found.get("order", 1))}
    options["update"] = found.get("update", "")
    options["stationary"] = bool(re.search(r"^# stationary$", text, re.M))
    return options


@lru_cache(maxsize=64)
def answer(name: str) -> Any:
    """The certified derivative of an example."""
    import symderiv as sd

    path = EXAMPLES / f"{name}.sd"
    asked = header(path.read_text(encoding="utf-8"))
    wrt = asked["wrt"] if len(asked["wrt"]) > 1 else asked["wrt"][0]
    return sd.derive(sd.load(path), wrt, order=asked["order"])


def outputs(name: str, style: str) -> dict[str, str]:
    """The golden texts of an example in one style, by file suffix."""
    asked = header((EXAMPLES / f"{name}.sd").read_text(encoding="utf-8"))
    more = {"style": style, "update": asked["update"], "stationary": asked["stationary"]}
    r = answer(name)
    return {"txt": r.text(steps=True, **more), "tex": r.latex(steps=True, **more)}


def verified(name: str, style: str) -> None:
    """Both sides of every step agree at random points and sizes, and the last steps end in the answers."""
    from symderiv.result import Derivatives
    from symderiv.verify.steps import check_steps

    r = answer(name)
    derivation = r.derivation(style)
    report = check_steps(derivation, seed=7)
    assert report.ok, [(f.step.rule, f.message) for f in report.failures]
    ends = {s.after for s in derivation.steps}
    for d in r.values() if isinstance(r, Derivatives) else [r]:
        assert d.expr in ends
    if not isinstance(r, Derivatives):
        assert derivation.steps[-1].after is r.expr


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, style: str) -> None:
    verified(name, style)
    for suffix, text in outputs(name, style).items():
        path = GOLDEN / f"{name}.{style}.{suffix}"
        assert path.exists(), f"{path} is missing: run python tests/test_golden_derivations.py --update"
        assert text == path.read_text(encoding="utf-8"), f"{path.name} has changed: run with --update if that is right"


def test_there_are_no_stale_files() -> None:
    expected = {f"{n}.{s}.{x}" for n in NAMES for s in STYLES for x in ("txt", "tex")}
    assert {p.name for p in GOLDEN.iterdir()} == expected


def test_the_worked_set_is_complete() -> None:
    assert len(NAMES) >= 23


def update() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    kept = set()
    for name in NAMES:
        for style in STYLES:
            verified(name, style)
            for suffix, text in outputs(name, style).items():
                path = GOLDEN / f"{name}.{style}.{suffix}"
                kept.add(path)
                if not path.exists() or path.read_text(encoding="utf-8") != text:
                    path.write_text(text, encoding="utf-8")
                    print("wrote", path.name)
    for path in GOLDEN.iterdir():
        if path not in kept:
            path.unlink()


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/test_golden_derivations.py --update")
    update()
