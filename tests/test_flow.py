"""Vanishing and exploding gradients: measured, bounded, and what an initialisation does about it."""

from __future__ import annotations

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.learn.descent import descent, draw_descent, largest_step, path, verdict
from symderiv.learn.flow import INITS, draw_flow, symbolic_product
from symderiv.learn.interpret import bulls_eye, draw_regions, draw_templates, xor
from symderiv.learn.models import ACTIVATIONS
from symderiv.learn.train import train


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "selu", "gelu"])
@pytest.mark.parametrize("init", INITS)
def test_the_bound_holds(activation: str, init: str) -> None:
    f = sd.flow(8, 40, activation, init)
    assert np.all(f.gradients <= f.bounds * (1 + 1e-9))
    assert np.isclose(f.gradients[-1], 1) and len(f.gradients) == 9 and len(f.weights) == len(f.dead) == 8


def test_vanishing_and_exploding() -> None:
    assert sd.flow(20, 100, "sigmoid", "xavier").verdict == "vanishes"
    assert sd.flow(20, 100, "relu", "xavier").verdict == "vanishes"
    he = sd.flow(20, 100, "relu", "he")
    assert he.verdict == "flows" and 0.9 < he.rate < 1.1
    assert sd.flow(20, 100, "tanh", "xavier").verdict == "flows"
    assert sd.flow(20, 100, "relu", "large").verdict == "explodes"
    assert sd.flow(20, 100, "sigmoid", "xavier").rate < 0.25 * 1.1


def test_gradients_of_a_small_network_are_those_of_derive() -> None:
    f = sd.flow(2, 3, "tanh", "xavier", samples=4, seed=5)
    rng = np.random.default_rng(5)
    W1, W2 = (rng.standard_normal((3, 3)) * np.sqrt(1 / 3) for _ in range(2))
    X = rng.standard_normal((4, 3))
    u = rng.standard_normal((4, 3))
    u /= np.linalg.norm(u)
    declared = {"X": "n,a", "W1": "a,a", "W2": "a,a", "u": "n,a"}
    g = sd.derive("sum(u*tanh(tanh(X @ W1) @ W2))", ["X", "W1", "W2"], vars=declared).numpy()(X=X, W1=W1, W2=W2, u=u)
    assert np.isclose(f.gradients[0], np.linalg.norm(g["X"]))
    assert np.allclose(f.weights, [np.linalg.norm(g["W1"]), np.linalg.norm(g["W2"])])


def test_he_is_measured() -> None:
    f = sd.flow(30, 400, "relu", "he", samples=32)
    assert 0.5 < f.signals[-1] / f.signals[0] < 2


def test_wrong_arguments() -> None:
    for wrong in ({"depth": 0}, {"width": 5000}, {"init": "best"}, {"activation": "step"}, {"samples": 0}):
        with pytest.raises(sd.SymDerivError):
            sd.flow(**wrong)  # type: ignore[arg-type]


def test_a_linear_model_cannot_separate_xor_and_the_bulls_eye() -> None:
    for points in (xor, bulls_eye):
        X, y = points()
        assert train("softmax", X, y, test=0.0).train_accuracy < 0.7
        assert train("perceptron-2", X, y, test=0.0, activation="tanh", hidden=16, epochs=300, batch=32, step=0.1,
                     momentum=0.9).train_accuracy > 0.97  # fmt: skip


def test_the_largest_step_of_a_quadratic() -> None:
    """`0 < α < 2/λ_max`: with λ_max = 4 the limit is 1/2."""
    assert descent((1.0, 4.0), 0.49)[-1] < 1e-1 * descent((1.0, 4.0), 0.49)[0]
    assert descent((1.0, 4.0), 0.51)[-1] > descent((1.0, 4.0), 0.51)[0]
    assert np.isclose(descent((1.0, 4.0), 0.5, steps=99)[-1], 2)
    assert [verdict((1.0, 4.0), a) for a in (-0.1, 0.49, 0.5, 0.51)] == ["diverges", "converges", "neither", "diverges"]
    assert np.allclose(path((1.0, 4.0), 0.3, steps=2)[-1], [0.7**2, 0.2**2])
    rng = np.random.default_rng(0)
    A = rng.standard_normal((5, 5))
    A = A @ A.T
    assert np.isclose(largest_step(lambda x: A @ x + 1, 5), 2 / np.linalg.eigvalsh(A)[-1])  # type: ignore[arg-type]
    assert largest_step(lambda x: x**3, 3) is None
    with pytest.raises(sd.SymDerivError, match="curvatures"):
        descent((0.0,), 0.1)


def test_the_largest_step_of_linear_regression() -> None:
    """On either side of 2/λ_max of the derived Hessian: it converges and it diverges."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 3)) * [1.0, 2.0, 3.0]
    y = X @ [1.0, -1.0, 0.5] + 2
    limit = train("linear", X, y, epochs=1, step=0.01).largest_step
    design = np.column_stack([train("linear", X, y, epochs=1, step=0.01).data.X, np.ones(45)])  # type: ignore[union-attr]
    assert limit == pytest.approx(2 / np.linalg.eigvalsh(2 * design.T @ design / 45)[-1])
    below, above = (train("linear", X, y, epochs=60, step=f * limit, momentum=0.0) for f in (0.95, 1.02))
    assert below.losses[-1] < 1e-2 * below.losses[0] and above.losses[-1] > above.losses[0]
    with pytest.raises(sd.SymDerivError, match="2/λ_max"):
        train("linear", X, y, epochs=3000, step=1.5 * limit)
    assert train("logistic", X, (y > 2).astype(int), epochs=1).largest_step is None


def test_descent_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["descent", "--curvatures", "1,10", "--step", "0.19", "--step", "0.21"]) == 0
    out = capsys.readouterr().out
    assert "0 < α < 2/λ_max = 0.2" in out and "the gradient is A x" in out and "0.81, -0.9" in out
    assert run(["descent", "--curvatures", "one"]) == 2 and run(["descent", "--curvatures", "-1"]) == 2


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flow", "--depth", "20", "--activation", "sigmoid", "--init", "xavier"]) == 0
    out = capsys.readouterr().out
    assert "vanishes" in out and "bound" in out and "Var[w] = 3.409/n_in" in out and "(1/4)^L" in out
    assert run(["flow", "--activation", "relu", "--init", "he", "--init", "xavier", "--width", "50"]) == 0
    assert "flows" in capsys.readouterr().out
    assert run(["flow", "--activation", "gelu", "--init", "all", "--depth", "3", "--width", "10", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.count("| gelu |") == len(INITS)


def test_the_product_of_layer_jacobians() -> None:
    one, product, bound = symbolic_product("sigmoid")
    assert "diag(σ(W h) ⊙ (1 − σ(W h))) W" in one
    assert "diag(σ(z₃) ⊙ (1 − σ(z₃))) W₃ diag(σ(z₂) ⊙ (1 − σ(z₂))) W₂ diag(σ(z₁) ⊙ (1 − σ(z₁))) W₁" in product
    assert "(1/4)^L" in bound and "= 1 ∏" in symbolic_product("tanh")[2]
    for activation in ACTIVATIONS:
        assert "W₁" in symbolic_product(activation, 2)[1]
    with pytest.raises(sd.SymDerivError, match="from 1 to 20"):
        symbolic_product("relu", 0)


def test_pictures(tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: nothing can be drawn")
    draw_flow([sd.flow(5, 20, a, i) for a, i in (("relu", "he"), ("tanh", "small"))], str(tmp_path / "f.png"))
    draw_descent(str(tmp_path / "d.png"))
    X, y = xor(80)
    model = train("softmax", X, y, test=0.0, epochs=10)
    draw_regions([model], X, y, str(tmp_path / "r.png"))
    draw_templates(model, str(tmp_path / "t.png"), (1, 2))
    for name in "fdrt":
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
    with pytest.raises(sd.SymDerivError, match="not an image"):
        draw_templates(model, str(tmp_path / "t.png"), (3, 3))
