"""The models are problems like any other: read, derived, certified, with the shapes of their parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.code.numpy import evaluate
from symderiv.expr.nodes import Call, Num
from symderiv.learn.model_text import backward_pass, lines_of
from symderiv.learn.models import ACTIVATIONS, models, own_model, perceptron
from symderiv.learn.origin import STORIES, origin
from symderiv.verify.steps import check_steps


@pytest.mark.parametrize("name", list(models))
def test_every_model_has_certified_gradients(name: str) -> None:
    model = models[name]
    gradients = model.gradients()
    assert list(gradients) == list(model.parameters)
    assert gradients.certificate is not None and gradients.certificate.ok
    for parameter, g in gradients.items():
        assert tuple(g.shape) == (*model.problem.expr.shape, *model.problem.vars[parameter].shape)
    assert sd.parse(model.text).expr is model.problem.expr


@pytest.mark.parametrize("name", [n for n, m in models.items() if m.task])
def test_penalties_add_their_gradients_to_weights_only(name: str) -> None:
    plain, both = models[name], models[name].regularised(l1=True, l2=True)
    assert "elastic net" in both.title
    text = str(both.gradients())
    assert "lam1*sign(" in text and "lam2*" in text
    biases = [n for n in plain.parameters if n.startswith("b")]
    for b in biases:
        assert str(both.gradients()[b]) == str(plain.gradients()[b])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_with_any_activation(activation: str) -> None:
    assert perceptron(3, activation).gradients().certificate.ok  # type: ignore[union-attr]


def test_the_number_of_layers_and_the_activation_are_checked() -> None:
    assert models["perceptron-5"].parameters[-1] == "b5"
    assert perceptron(1).text.count("W1") == 2
    for wrong in (0, 101, "2", True):
        with pytest.raises(sd.SymDerivError, match="1 to 100 layers"):
            perceptron(wrong)  # type: ignore[arg-type]
    with pytest.raises(sd.SymDerivError, match="did you mean sigmoid"):
        perceptron(2, "sigmoïd")
    with pytest.raises(KeyError, match="did you mean softmax"):
        models["sofmax"]
    assert "no-such-model" not in models and models.get("no-such-model") is None


def test_a_network_agrees_with_its_formula() -> None:
    rng = np.random.default_rng(0)
    X, W1, b1, W2, b2 = (rng.standard_normal(s) for s in ((5, 3), (3, 4), (4,), (4, 2), (2,)))
    y = np.array([0, 1, 1, 0, 1])
    hidden = np.tanh(X @ W1 + b1)
    scores = hidden @ W2 + b2
    loss = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(5), y])
    assert np.isclose(sd.evaluate(perceptron(2, "tanh").problem, X=X, W1=W1, b1=b1, W2=W2, b2=b2, y=y), loss)


def test_a_text_of_ones_own() -> None:
    text = "X: n, d\nw: d\ny: n\nS = exp(X @ w)\nL = mean((y - S)**2)"
    assert own_model(text).parameters == ("w",)
    with pytest.raises(sd.SymDerivError, match="lacks S"):
        own_model("X: n,d\nw: d\ny: n\nL = sum((X @ w - y)**2)")
    with pytest.raises(sd.SymDerivError, match="no such parameter: v"):
        own_model(text, ("v",))
    with pytest.raises(sd.SymDerivError, match="scalar"):
        own_model("X: n,d\nw: d\ny: n\nS = X @ w\nL = S - y")


def test_the_backward_pass_of_a_network() -> None:
    gradients = perceptron(3, "tanh").gradients()
    lines = lines_of(gradients)
    assert lines[:4] == [
        "G₁ = softmax(S) − onehot(y)",
        "G₂ = (G₁ W₃ᵀ) ⊙ (1 − H₂^⊙2)",
        "G₃ = (G₂ W₂ᵀ) ⊙ (1 − H₁^⊙2)",
        "∂L/∂W₁ = Xᵀ G₃/n",
    ]
    rng = np.random.default_rng(0)
    sizes = {"n": 5, "d": 4, "h1": 3, "h2": 6, "k": 2}
    problem = perceptron(3, "tanh").problem
    values = {n: rng.standard_normal([sizes[str(s)] for s in v.shape]) for n, v in problem.vars.items() if n != "y"}
    values["y"] = rng.integers(2, size=5)
    known = values | {n: np.asarray(sd.evaluate(w, **values)) for n, w in problem.definitions.items()}
    parts, results = backward_pass(gradients)
    for name, words in (*parts.items(), *results.items()):
        found = np.asarray(evaluate(words, known | sizes))
        if name in parts:
            known[name] = found
        else:
            assert np.allclose(found, gradients[name].numpy()(**values))


def test_other_ways_to_show_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "softmax", "--steps"]) == 0
    assert "reading off the gradient" in capsys.readouterr().out
    assert run(["models", "logistic", "--code"]) == 0
    assert "def gradients(X, w, b, y)" in capsys.readouterr().out
    for format_, says in (
        ("latex", r"\partial L / \partial W_{1}"),
        ("markdown", "# perceptron"),
        ("json", "{"),
        ("html", "<math"),
    ):
        assert run(["models", "perceptron-2", "--format", format_]) == 0
        assert says in capsys.readouterr().out


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    assert "softmax regression" in capsys.readouterr().out
    assert run(["models", "softmax", "--l2"]) == 0
    assert "lam2*W" in capsys.readouterr().out
    assert run(["models", "perceptron-4", "--activation", "gelu", "--text"]) == 0
    assert sd.parse(capsys.readouterr().out).vars["W4"].rank == 2
    assert run(["models", "softmx"]) == 2
    assert "did you mean softmax" in capsys.readouterr().err


@pytest.mark.parametrize("name", STORIES)
def test_where_a_loss_comes_from(name: str) -> None:
    """Both sides of every line agree, and the last line is the loss that the model trains with."""
    found = origin(name)
    report = check_steps(found.derivation)
    assert report.ok and report.steps == len(STORIES[name].lines), [f.message for f in report.failures]
    for format_ in ("text", "latex", "markdown", "html", "json"):
        assert len(found.write(format_)) > 300


def test_origins_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "softmax", "--origin"]) == 0
    out = capsys.readouterr().out
    assert "L = −log(∏ᵢ P_(i,yᵢ))/n" in out and "= cross_entropy(S, y)" in out
    assert models["perceptron-4"].origin().story is models["softmax"].origin().story
    assert run(["models", "svm", "--origin"]) == 2
    broken = origin("softmax").derivation
    wrong = replace(broken.steps[0], after=Call("mul", Num(2), broken.steps[0].after))
    section = replace(broken.sections[0], steps=(wrong, *broken.steps[1:]))
    assert not check_steps(replace(broken, sections=(section,))).ok
