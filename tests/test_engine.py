"""The table of textbook derivatives in `cases/`: values against NumPy and differences, and the form in which they are printed.

python tests/test_engine.py --update     write what is printed now into the tables
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest

import symderiv as sd

FOLDER = Path(__file__).resolve().parent / "cases"
TOLERANCE = 1e-6
LONGEST = 2.5  # times the form that a person would write


def table(path: Path) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["case"]


CASES = [case for path in sorted(FOLDER.glob("*.toml")) for case in table(path)]


def title(case: dict[str, Any]) -> str:
    return f"{case['expr']} by {case['wrt']}" + (" twice" if case.get("order") == 2 else "")


def derived(case: dict[str, Any]) -> sd.Derivative:
    out = sd.derive(case["expr"], case["wrt"], order=case.get("order", 1), vars=case["vars"])
    assert isinstance(out, sd.Derivative)
    return out


def point(case: dict[str, Any], sizes: dict[str, int]) -> tuple[oracle.Arrays, np.ndarray]:
    """Arrays at which the expression is differentiable, and its derivative there by differences."""
    for seed in range(20):
        arrays = oracle.sample(case["vars"], sizes, np.random.default_rng(seed))
        known = oracle.derivative(case["expr"], [case["wrt"]] * case.get("order", 1), arrays)
        if np.all(np.isfinite(known)):
            return arrays, known
    raise AssertionError("the expression has no value at any of the points")


def test_the_table_is_large() -> None:
    assert len(CASES) >= 80
    assert len({(c["expr"], c["wrt"], c.get("order", 1)) for c in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=title)
def test_derivative(case: dict[str, Any]) -> None:
    r = derived(case)
    text = str(r)
    if case.get("prints") is not False:
        assert text == case.get("prints", case["form"])
    longest = LONGEST if case.get("prints") is not False else 2 * LONGEST
    assert oracle.length(text) <= longest * oracle.length(case["form"]), text
    assert r.certificate is not None and r.certificate.ok and r.certificate.worst < 1e-5
    again = sd.parse(text, case["vars"])
    for sizes in oracle.assignments(case["vars"]):
        arrays, known = point(case, sizes)
        values = {name: a for name, a in arrays.items() if name not in sizes}
        assert oracle.distance(oracle.value(case["form"], arrays), known) < TOLERANCE, "the table's form is wrong"
        assert oracle.distance(oracle.value(text, arrays), known) < TOLERANCE, "the text, pasted into NumPy"
        assert oracle.distance(sd.evaluate(again, **arrays), known) < TOLERANCE, "the text, read back"
        assert oracle.distance(r.numpy()(**values), known) < TOLERANCE, "the emitted code"


@pytest.mark.parametrize("case", [c for c in CASES if len(oracle.size_names(c["vars"])) > 1], ids=title)
def test_shape_is_out_then_wrt(case: dict[str, Any]) -> None:
    problem = sd.parse(case["expr"], case["vars"])
    by = problem.vars[case["wrt"]].shape
    assert derived(case).shape == problem.expr.shape + by * case.get("order", 1)
    assert sd.shape_of(problem, case["wrt"], order=case.get("order", 1)) == derived(case).shape


# writing what is printed now --------------------------------------------------------------------------------------------------


def updated(path: Path) -> str:
    """The table with `prints` where the text is not the form; `prints = false` stays."""
    import json

    text = path.read_text(encoding="utf-8")
    out = [text.split("[[case]]")[0]]
    for case in table(path):
        prints = case.get("prints")
        now = str(derived(case))
        lines = [f"{k} = {json.dumps(case[k])}" for k in ("expr", "vars", "wrt", "order", "form") if k in case]
        if prints is False:
            lines.append("prints = false")
        elif now != case["form"]:
            lines.append(f"prints = {json.dumps(now)}")
        out.append("[[case]]\n" + "\n".join(lines) + "\n\n")
    return "".join(out).rstrip("\n") + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    for file in sorted(FOLDER.glob("*.toml")):
        file.write_text(updated(file), encoding="utf-8")
