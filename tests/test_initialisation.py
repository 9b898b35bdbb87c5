"""Xavier and He from variance propagation: every step compared exactly, the numbers of the field, all formats."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from shutil import which

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.expr.nodes import Call, Num
from symderiv.learn.initialisation import initialisation
from symderiv.learn.models import ACTIVATIONS
from symderiv.learn.moments import worst_difference


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "prelu", "selu"])
def test_both_sides_of_every_step_agree(activation: str) -> None:
    assert initialisation(activation).check() < 1e-5  # factors are written to six digits


def test_a_wrong_step_is_seen() -> None:
    """Every step that has something to compare is told apart from a wrong one."""
    d = initialisation("relu").derivation
    seen = 0
    for k, section in enumerate(d.sections):
        for m, step in enumerate(section.steps):
            if step.rule in ("activation", "compromise", "expand"):  # definitions
                continue
            wrong = replace(step, after=Call("mul", Num(2), step.after))
            steps = (*section.steps[:m], wrong)
            sections = (*d.sections[:k], replace(section, steps=steps))
            found = worst_difference(replace(d, sections=sections), only=wrong)
            assert found > 0.1, (step.rule, section.title)
            seen += 1
    assert seen > 10


def test_the_numbers_of_the_field() -> None:
    he, linear = initialisation("relu"), initialisation("identity")
    assert np.isclose(he.forward, 2) and np.isclose(he.backward, 2) and he.exact  # 2/n_in
    assert np.isclose(linear.forward, 1) and np.isclose(linear.backward, 1)  # Xavier: 1/n_in and 1/n_out
    assert np.isclose(initialisation("prelu").forward, 2 / (1 + 0.25**2))  # He et al. 2015, eq. 15
    assert np.isclose(initialisation("selu").forward, 1) and not initialisation("selu").exact  # the fixed point SELU was made for
    z = np.random.default_rng(0).standard_normal(1_000_000)
    assert np.isclose(1 / initialisation("tanh").forward, np.mean(np.tanh(z) ** 2), rtol=5e-3)
    assert all(np.isfinite([initialisation(a).forward, initialisation(a).backward]).all() for a in ACTIVATIONS)
    last = {a: initialisation(a).derivation.steps[-1].after for a in ("relu", "identity")}
    assert str(last["identity"]) == "2/(n_in + n_out)" and str(last["relu"]) == "4/(n_in + n_out)"


def test_as_text_and_in_all_formats() -> None:
    made = sd.initialisation("relu")
    text = str(made)
    lines = ["Var[zᵢ] = Var[∑ⱼ Wᵢⱼ hⱼ]", "= ∑ⱼ (E[Wᵢⱼ²] E[hⱼ²] − E[Wᵢⱼ]² E[hⱼ]²)", "= nᵢₙ Var[w] E[h²]", "= Var[u]/2", "= 2/nᵢₙ"]
    for line in (*lines, "= 2/nₒᵤₜ", "h̄ = Wᵀ(g ⊙ 𝟙[z > 0])", "A weight is independent of what it multiplies."):
        assert line in text
    assert r"\operatorname{Var}[w]" in made.write("latex") and "$$" in made.write("markdown")
    assert made.write("html", standalone=True).startswith("<!DOCTYPE html>")
    data = json.loads(made.write("json"))
    assert {s["rule"] for x in data["sections"] for s in x["steps"]} >= {"variance_sum", "mean_zero", "alike", "keep"}
    with pytest.raises(sd.SymDerivError, match="is not known"):
        made.write("pdf")
    with pytest.raises(sd.SymDerivError, match="did you mean relu"):
        initialisation("rely")


def test_it_compiles(tmp_path) -> None:
    if not which("pdflatex"):
        pytest.skip("pdflatex is not installed: the derivation is not compiled")
    for activation in ("relu", "gelu", "selu"):
        source = tmp_path / f"{activation}.tex"
        source.write_text(initialisation(activation).write("latex", standalone=True), encoding="utf-8")
        done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name], cwd=tmp_path,
                              capture_output=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stdout[-1500:]


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flow", "--activation", "relu", "--steps"]) == 0
    assert "He's initialisation" in capsys.readouterr().out
    assert run(["flow", "--activation", "identity", "--steps", "--format", "json"]) == 0
    json.loads(capsys.readouterr().out)


def test_the_derived_variance_keeps_the_signal() -> None:
    """Measured: 30 layers with the variance that was derived, against the one of the other activation."""
    for name, init, other in (("relu", "he", "xavier"), ("identity", "lecun", "he")):
        right, wrong = (sd.flow(30, 80, name, i, samples=16) for i in (init, other))
        assert 0.25 < right.signals[-1] / right.signals[1] < 4 and 0.25 < right.gradients[0] < 4
        assert not 1e-2 < wrong.gradients[0] < 1e2
