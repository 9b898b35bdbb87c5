"""Random expressions are derived to second order and certified: none wrong, none crashes; what is refused is counted.

The ordinary run takes a fixed list; `pytest -m fuzz` runs ten times as many from another seed.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("symderiv_fuzzing", Path(__file__).with_name("fuzzing.py"))
assert _SPEC is not None and _SPEC.loader is not None
fuzzing = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = fuzzing
_SPEC.loader.exec_module(fuzzing)

BATCH = 20


def _judge(seed: int, numbers: range, *, share_right: float = 0.7) -> None:
    lines: list[str] = []
    counts: Counter = fuzzing.run(seed, numbers, lines.append)
    print(", ".join(f"{k} {name}" for name, k in sorted(counts.items())))
    assert fuzzing.failures(counts) == 0, "\n" + "\n".join(lines)
    tried = sum(counts.values()) - counts["nothing to derive"]
    assert counts["right"] >= share_right * tried, f"too many were refused to mean anything: {dict(counts)}"


@pytest.mark.parametrize("start", range(0, 200, BATCH))
def test_random_derivatives_are_certified(start: int) -> None:
    _judge(20, range(start, start + BATCH))


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(0, 2000, 5 * BATCH))
def test_many_random_derivatives_are_certified(start: int) -> None:
    _judge(21, range(start, start + 5 * BATCH))


def test_random_expressions_have_values_of_their_shape() -> None:
    found = Counter()
    for number in range(150):
        example = fuzzing.example(22, number)
        if example is not None:
            found[fuzzing.evaluates(example.expr)] += 1
    assert found[True] >= 0.9 * sum(found.values()), found


def test_an_example_depends_on_its_seed_and_number_alone() -> None:
    assert fuzzing.example(5, 17) == fuzzing.example(5, 17)
    assert len({fuzzing.example(5, i) for i in range(20)}) > 10


def test_wrong_derivatives_are_seen_and_minimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fuzz can fail: with a wrong answer for every tanh it reports tanh of a variable."""
    from symderiv.expr.nodes import Call, var
    from symderiv.expr.walk import postorder

    def judge(expr, wrt):
        broken = any(isinstance(n, Call) and n.name == "tanh" and wrt in n.free_symbols for n in postorder(expr))
        return fuzzing.Verdict("wrong", "SD401") if broken else fuzzing.Verdict("right")

    monkeypatch.setattr(fuzzing, "judge", judge)
    x, big = var("x", "n"), var("A", "n,n")
    whole = Call("sum", Call("mul", big @ Call("tanh", Call("exp", x)), x)) + Call("norm", x)
    small = fuzzing.minimise(fuzzing.Example(0, whole, x), fuzzing.Verdict("wrong", "SD401"))
    assert small.expr is Call("tanh", x)
