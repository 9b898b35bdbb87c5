"""A first course's worked numbers, topic by topic, and its examples run."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symderiv as sd
from symderiv.learn.train import train

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SCORES = np.array([3.2, 5.1, -1.7])  # cat, car, frog; the truth is cat
RNG = np.random.default_rng(7)


def value(r: sd.Derivative, **arrays) -> np.ndarray:
    return np.asarray(r.numpy()(**arrays))


def test_linear_classifier_and_the_bias_trick() -> None:
    W, b, x = RNG.standard_normal((3, 4)), RNG.standard_normal(3), RNG.standard_normal(4)
    plain = sd.evaluate(sd.models["scores"].problem, W=W, b=b, x=x)
    folded = sd.evaluate(sd.models["bias-trick"].problem, V=np.column_stack([W, b]), x=x)
    assert np.allclose(plain, W @ x + b) and np.allclose(plain, folded)
    assert [str(s) for s in sd.models["bias-trick"].problem.vars["V"].shape] == ["k", "m + 1"]


def test_softmax_and_its_jacobian() -> None:
    r = sd.derive("softmax(s)", "s", vars={"s": "k"})
    assert str(r) == "diag(softmax(s)) - outer(softmax(s), softmax(s))"
    p = np.exp(SCORES) / np.exp(SCORES).sum()
    assert np.allclose(value(r, s=SCORES), np.diag(p) - np.outer(p, p))
    assert np.allclose(sd.evaluate("softmax(s)", s=np.array([1000.0, 1001.0])), [0.26894142, 0.73105858])


def test_multiclass_svm() -> None:
    problem = sd.models["svm-sample"].problem
    assert sd.evaluate(problem, s=SCORES, y=0) == pytest.approx(2.9)
    assert np.allclose(value(sd.derive(problem, "s"), s=SCORES, y=0), [-1, 1, 0])
    by_row = sd.load(EXAMPLES / "03_multiclass_svm.sd")
    W, x = np.outer(SCORES, [1.0, 0.0]), np.array([1.0, 2.0])
    assert sd.evaluate(by_row, W=W, x=x, y=0) == pytest.approx(2.9)
    assert np.allclose(value(sd.derive(by_row, "W"), W=W, x=x, y=0), [[-1, -2], [1, 2], [0, 0]])


def test_cross_entropy_and_maximum_likelihood() -> None:
    assert np.round(np.exp(SCORES), 1).tolist()[:2] == [24.5, 164.0] and round(float(np.exp(SCORES[2])), 2) == 0.18
    p = np.asarray(sd.evaluate("softmax(s)", s=SCORES))
    assert np.round(p, 2).tolist() == [0.13, 0.87, 0.0]
    loss = float(sd.evaluate(sd.models["likelihood"].problem, s=SCORES, y=0))
    assert round(loss, 2) == 2.04
    assert round(float(sd.evaluate("-log10(softmax(s)[y])", vars={"s": "k", "y": "scalar integer"}, s=SCORES, y=0)), 2) == 0.89
    truth = np.array([1.0, 0, 0])
    assert float(sd.evaluate("cross_entropy(s, y)", vars={"s": "k", "y": "scalar integer"}, s=SCORES, y=0)) == pytest.approx(loss)
    assert float(sd.evaluate(sd.models["kl"].problem, s=SCORES, q=truth)) == pytest.approx(loss)
    for name, label in (("likelihood", {"y": 0}), ("kl", {"q": truth})):
        assert np.allclose(value(sd.models[name].gradients()["s"], s=SCORES, **label), p - truth)
    by_weights = sd.derive("-log(softmax(W @ x)[y])", "W", vars={"W": "k,m", "x": "m", "y": "scalar integer"})
    assert str(by_weights) == "outer(softmax(W @ x) - onehot(y, k), x)"


def test_other_losses_and_penalties() -> None:
    assert str(sd.derive("norm(y - W @ x)**2", "W", vars={"W": "k,m", "x": "m", "y": "k"})) == "2*outer(W @ x - y, x)"
    assert str(sd.derive("sum(abs(y - W @ x))", "W", vars={"W": "k,m", "x": "m", "y": "k"})) == "outer(sign(W @ x - y), x)"
    assert str(sd.models["l1"].gradients()["W"]) == "lam*sign(W)"
    assert str(sd.models["l2"].gradients()["W"]) == "2*lam*W"
    assert str(sd.models["elastic-net"].gradients()["W"]) == "lam*(2*beta*W + sign(W))"
    updates = {"l1": "W ← W − α λ sign(W)", "l2": "W ← W − 2 α λ W", "elastic-net": "W ← W − α λ (2 β W + sign(W))"}
    for name, update in updates.items():
        assert update in sd.models[name].gradients().write_steps(update="alpha")


@pytest.mark.parametrize("text, by, declared, shape", [
    ("sum(x**2)", "x", {"x": "7"}, (7,)), ("t*x", "t", {"t": "scalar", "x": "7"}, (7,)),
    ("W @ x", "x", {"W": "5,7", "x": "7"}, (5, 7)), ("trace(A)", "A", {"A": "4,4"}, (4, 4)),
    ("W @ x", "W", {"W": "5,7", "x": "7"}, (5, 5, 7)),
    ("A @ B", "A", {"A": "2,3", "B": "3,4"}, (2, 4, 2, 3))])  # fmt: skip
def test_sizes(text: str, by: str, declared: dict[str, str], shape: tuple[int, ...]) -> None:
    assert sd.shape_of(text, by, vars=declared) == shape
    out = len(shape) - len(sd.parse(text, declared).vars[by].shape)
    assert sd.shape_of(text, by, vars=declared, layout="denominator") == (*shape[out:], *shape[:out])


def test_gradient_descent_by_hand() -> None:
    X = RNG.standard_normal((12, 2))
    y = (X[:, 0] > 0).astype(int)
    for batch in (None, 5, 1):
        result = train("softmax", X, y, batch=batch, epochs=30, step=0.1, test=0.0)
        assert result.losses[-1] < result.losses[0] and len(result.losses) == 30


def test_update_rule_with_squared_loss() -> None:
    """`∂L/∂w_j = -2 Σ_i δ_i x_ij`, `δ_i = y_i - wᵀx_i`."""
    r = sd.derive(sd.load(EXAMPLES / "08_update_squared.sd"), "w")
    X, w, y = RNG.standard_normal((5, 3)), RNG.standard_normal(3), RNG.standard_normal(5)
    delta = y - X @ w
    expected = [-2 * sum(delta[i] * X[i, j] for i in range(5)) for j in range(3)]
    assert np.allclose(value(r, X=X, w=w, y=y), expected)
    assert str(r) == "2*X.T @ (X @ w - y)"
    told = r.write_steps(style="index", samples=True, update="alpha")
    for line in ("δᵢ = yᵢ − wᵀ xᵢ", "= −2 ∑ᵢ δᵢ xᵢⱼ", "wⱼ ← wⱼ + 2 α ∑ᵢ δᵢ xᵢⱼ", "all terms with k ≠ j vanish"):
        assert line in told
    plain = sd.derive("sum((X @ w - y)**2)", "w", vars={"X": "n,d", "w": "d", "y": "n"}).write_steps(style="index")
    assert "δₖⱼ" in plain and "sifting by the delta" in plain


def test_update_rule_with_sigmoid() -> None:
    """`∂L/∂w_j = -2 Σ_i δ_i σ(d_i)(1 - σ(d_i)) x_ij`."""
    r = sd.derive(sd.load(EXAMPLES / "09_update_sigmoid.sd"), "w")
    X, w, y = RNG.standard_normal((5, 3)), RNG.standard_normal(3), RNG.standard_normal(5)
    s = 1 / (1 + np.exp(-X @ w))
    assert np.allclose(value(r, X=X, w=w, y=y), -2 * ((y - s) * s * (1 - s)) @ X)
    told = r.write_steps(style="index", samples=True, update="alpha")
    for line in ("dᵢ = wᵀ xᵢ", "pᵢ = σ(dᵢ)", "= −2 ∑ᵢ δᵢ pᵢ (1 − pᵢ) xᵢⱼ", "wⱼ ← wⱼ + 2 α ∑ᵢ δᵢ pᵢ (1 − pᵢ) xᵢⱼ"):
        assert line in told


def test_modular_blocks() -> None:
    r = sd.derive("-log(1/(1 + exp(-w @ x)))", "w", vars={"w": "d", "x": "d"})
    w, x = RNG.standard_normal(4), RNG.standard_normal(4)
    assert np.allclose(value(r, w=w, x=x), -(1 - 1 / (1 + np.exp(-w @ x))) * x)
    g = sd.graph("u = w @ x; p = sigmoid(u); L = -log(p)", {"w": "d", "x": "d"}, wrt="w")
    assert np.allclose(g.run({"w": w, "x": x}).gradients["w"], value(r, w=w, x=x))


def test_forward_and_reverse_mode() -> None:
    g = sd.graph("a1 = sin(x2); a2 = x1*x2; a3 = a1 + a2", {"x1": "scalar", "x2": "scalar"})
    numbers = g.run({"x1": 2.0, "x2": 3.0})
    assert [round(float(numbers.gradients[n]), 5) for n in ("a3", "a2", "a1", "x1", "x2")] == [
        1,
        1,
        1,
        3,
        round(2 + np.cos(3), 5),
    ]
    assert g.run({"x1": 2.0, "x2": 3.0}, {"x2": 1.0}).tangents["a3"] == pytest.approx(2 + np.cos(3))


def test_patterns_of_gradient_flow() -> None:
    g = sd.graph("maximum(x, y)*(x + z)", dict.fromkeys("xyz", "scalar"))
    roles = {b.name: b.roles for b in g.blocks.values()}
    assert roles == {"x": ["copies"], "y": [], "z": [], "a1": ["routes"], "a2": ["distributes"], "a3": ["switches"]}
    numbers = g.run({"x": 3.0, "y": 5.0, "z": 1.0})
    assert [float(numbers.gradients[n]) for n in "xyz"] == [5.0, 4.0, 5.0]


def test_a_network_of_two_layers() -> None:
    """`f = W₂ σ(W₁ x)` with the squared loss, against the formula of the lectures."""
    declared = {"W1": "h,d", "W2": "k,h", "x": "d", "y": "k"}
    g = sd.derive("sum((W2 @ sigmoid(W1 @ x) - y)**2)", ["W1", "W2"], vars=declared).numpy()
    W1, W2, x, y = (RNG.standard_normal(s) for s in ((4, 3), (2, 4), 3, 2))
    h = 1 / (1 + np.exp(-W1 @ x))
    upstream = 2 * (W2 @ h - y)
    found = g(W1=W1, W2=W2, x=x, y=y)
    assert np.allclose(found["W2"], np.outer(upstream, h))
    assert np.allclose(found["W1"], np.outer((W2.T @ upstream) * h * (1 - h), x))


def test_fully_connected_layer() -> None:
    assert str(sd.derive("W @ h", "h", vars={"W": "m,d", "h": "d"})) == "W"
    gradients = sd.models["layer"].gradients()
    assert str(gradients["x"]) == "W.T @ u" and str(gradients["W"]) == "outer(u, x)"
    assert [tuple(map(str, g.shape)) for g in gradients.values()] == [("m", "d"), ("d",)]
    row = sd.derive("W[i] @ h", "W", vars={"W": "4,3", "h": "3", "i": "scalar integer"})
    h = RNG.standard_normal(3)
    assert np.allclose(value(row, W=np.ones((4, 3)), h=h, i=2)[2], h)  # ∂h_i/∂w_i = hᵀ


def test_vectorised_logistic_regression() -> None:
    assert str(sd.derive("softplus(w*x) - y*w*x", "w", vars=dict.fromkeys("wxy", "scalar"))) == "x*(sigmoid(w*x) - y)"
    r = sd.derive("sum(softplus(X @ w) - y*(X @ w))", "w", vars={"X": "n,d", "w": "d", "y": "n"})
    assert str(r) == "X.T @ (sigmoid(X @ w) - y)"


def test_the_jacobian_of_relu_is_diagonal() -> None:
    r = sd.derive("relu(x)", "x", vars={"x": "4096"})
    assert tuple(r.shape) == (4096, 4096) and str(r).startswith("diag(")
    through = sd.vjp("relu(x)", "x", vars={"x": "n"})  # never built: a product of 4096 entries
    x = RNG.standard_normal(4096)
    u = RNG.standard_normal(4096)
    assert np.allclose(value(through, x=x, u=u), u * (x > 0))


def test_every_topic_has_an_example() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\|.*\]\((\d\d_[\w.]+)\) \|$", text, re.MULTILINE)
    files = sorted(p.name for p in EXAMPLES.iterdir() if re.match(r"\d\d_", p.name))
    assert sorted(linked) == files and len(files) == 20


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.sd")))
def test_problem_files(name: str) -> None:
    problem = sd.load(EXAMPLES / name)
    for v in problem.vars.values():
        if not v.is_a("integer"):
            assert sd.derive(problem, v.name).certificate.ok  # type: ignore[union-attr]


def imported(path: Path) -> list[str]:
    """The packages that a script imports where it begins."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    names += [node.module for node in body if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return list(dict.fromkeys(n.partition(".")[0] for n in names))


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.py")))
def test_scripts(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    for package in imported(EXAMPLES / name):  # extras; a script that lacks one is skipped, by its name
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{name} needs {package}, which is not installed")
    done = subprocess.run([sys.executable, "-W", "error", os.fspath(EXAMPLES / name)], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, encoding="utf-8", timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
