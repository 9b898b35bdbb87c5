"""The table of activations: derivatives of the engine, certified ranges, saturation, dead zones."""

from __future__ import annotations

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.learn.activations import COURSE, DEFINITIONS, activation, draw_activations, fraction
from symderiv.learn.intervals import enclose, upper_bound

RANGES = {"sigmoid": "[0, 1/4]", "tanh": "[0, 1]", "relu": "[0, 1]", "leaky_relu": "[1/100, 1]", "prelu": "[1/4, 1]",
          "elu": "[0, 1]", "selu": "[0, 1.7581]", "gelu": "[-0.1289, 1.1289]", "silu": "[-0.0998, 1.0998]"}  # fmt: skip
SMOOTH = {"relu": "C⁰", "leaky_relu": "C⁰", "prelu": "C⁰", "selu": "C⁰", "elu": "C¹"}


@pytest.mark.parametrize("name", COURSE)
def test_rows(name: str) -> None:
    row = activation(name, measure=False)
    assert row.range == RANGES[name]
    assert row.smooth == SMOOTH.get(name, "smooth")
    assert row.dead == ("x < 0" if name == "relu" else "nowhere")
    assert (row.saturates == "nowhere") == (name in ("leaky_relu", "prelu"))
    x = np.linspace(-8, 8, 801)
    f = np.array([float(sd.evaluate(row.function, x=t)) for t in x])
    slope = np.diff(f) / np.diff(x)
    assert row.low - 1e-5 <= slope.min() and slope.max() <= row.high + 1e-5


def test_saturation_of_sigmoid_and_tanh() -> None:
    assert activation("sigmoid", measure=False).saturates == "x < -6.9, x > 6.9"
    assert activation("tanh", measure=False).saturates == "x < -4.1, x > 4.1"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definitions_say_what_the_words_compute(name: str) -> None:
    row = activation(name, measure=False)
    for t in (-20.0, -1.5, -0.3, 0.0, 0.4, 2.0, 20.0):
        assert float(sd.evaluate(row.definition, x=t)) == pytest.approx(
            float(sd.evaluate(row.function, x=t)), rel=1e-12, abs=1e-12
        )


def test_where_the_slope_is_largest() -> None:
    peaks = {n: activation(n, measure=False).peak for n in DEFINITIONS}
    assert peaks["sigmoid"] == peaks["tanh"] == peaks["selu"] == "0" and peaks["gelu"] == "1.41" and peaks["silu"] == "2.40"
    assert peaks["relu"] == peaks["elu"] == peaks["prelu"] == "x > 0" and peaks["identity"] == "everywhere"


def test_the_table_in_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["activations", "selu", "leaky_relu", "--no-cost", "--format", "latex"]) == 0
    out = capsys.readouterr().out
    assert r"leaky\_relu" in out and r"1.7581 \exp(x)" in out and "$[1/100, 1]$" in out
    assert run(["activations", "--no-cost", "--format", "markdown"]) == 0
    assert "| sigmoid | 1/(1 + exp(−x)) | σ(x)(1 − σ(x)) | [0, 1/4] |" in capsys.readouterr().out


def test_the_table_has_costs() -> None:
    assert all(r.nanoseconds > 0 for r in sd.activations(["relu", "sigmoid"]))
    with pytest.raises(sd.SymDerivError, match="did you mean sigmoid"):
        sd.activations(["sigmod"])


@pytest.mark.parametrize(
    "text", ["x**2 - x", "sigmoid(x)*(1 - sigmoid(x))", "where(x > 0.3, exp(-x), x**3)", "1/(2 + tanh(x))", "abs(x)*erf(x)"]
)
def test_intervals_enclose(text: str) -> None:
    words = sd.parse(text, {"x": "scalar"}).expr
    rng = np.random.default_rng(0)
    lo = rng.uniform(-3, 3, 50)
    hi = lo + rng.uniform(0, 1, 50)
    low, high = enclose(words, (lo, hi))
    for t in np.linspace(0, 1, 9):
        values = np.array([float(sd.evaluate(words, x=a)) for a in lo + t * (hi - lo)])
        assert np.all(low <= values) and np.all(values <= high)


def test_a_bound_is_a_bound() -> None:
    words = sd.parse("x*(1 - x)", {"x": "scalar"}).expr
    reached, bound = upper_bound(words, -2, 2)
    assert 0.25 - 1e-6 <= reached <= 0.25 + 1e-12 and 0.25 <= bound <= 0.25 + 1e-5
    assert fraction(reached) == "1/4"
    with pytest.raises(sd.SymDerivError, match="interval rule"):
        upper_bound(sd.parse("lgamma(x)", {"x": "scalar"}).expr, 1, 2)


def test_command_and_picture(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["activations", "relu", "tanh", "--no-cost"]) == 0
    out = capsys.readouterr().out
    assert "𝟙[x > 0]" in out and "1 − tanh(x)²" in out
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: nothing can be drawn")
    draw_activations(str(tmp_path / "a.png"), ["relu", "sigmoid"])
    assert (tmp_path / "a.png").stat().st_size > 5000
