"""Computation graphs: the notes' examples number by number, gradients against derive, roles, counts, drawings."""

from __future__ import annotations

import json
import math
import subprocess
import xml.etree.ElementTree as ET
from shutil import which

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.learn.graph_layout import boxes

NOTES = "a1 = sin(x2); a2 = x1*x2; a3 = a1 + a2"
SCALARS = {"x1": "scalar", "x2": "scalar"}
AT = {"x1": 2.0, "x2": 3.0}


def test_the_example_of_the_notes() -> None:
    """`f = x₁x₂ + sin x₂`: ā₃ = 1, ā₁ = ā₂ = ā₃, x̄₂ = ā₁ cos x₂ + ā₂ x₁ (two paths), x̄₁ = ā₂ x₂."""
    g = sd.graph(NOTES, SCALARS)
    back = {(e.block, e.source): str(e.upstream) for b in g.order for e in b.edges}
    assert back["a3", "a1"] == back["a3", "a2"] == "a3_bar"
    assert back["a1", "x2"] == "a1_bar*cos(x2)"
    assert {back["a2", "x1"], back["a2", "x2"]} == {"a2_bar*x2", "a2_bar*x1"}
    numbers = g.run(AT)
    assert numbers.values["a3"] == pytest.approx(6 + math.sin(3))
    assert numbers.gradients["x1"] == 3 and numbers.gradients["x2"] == pytest.approx(2 + math.cos(3))
    assert numbers.gradients["a1"] == numbers.gradients["a2"] == numbers.gradients["a3"] == 1
    assert numbers.contributions["a1", "x2"] == pytest.approx(math.cos(3)) and numbers.contributions["a2", "x2"] == 2
    assert numbers.locals["a2", "x1"] == 3
    for seed, expected in (({"x1": 1.0}, 3.0), ({"x2": 1.0}, 2 + math.cos(3)), ({"x1": 1.0, "x2": 2.0}, 7 + 2 * math.cos(3))):
        assert g.run(AT, seed).tangents["a3"] == pytest.approx(expected)


def test_its_tables() -> None:
    g = sd.graph(NOTES, SCALARS)
    text = g.reverse_trace()
    for line in ("∂a₁/∂x₂ = cos(x₂)", "x̄₁  ā₂ x₂", "x̄₂  ā₂ x₁ + ā₁ cos(x₂)  copies", "ā₃  1                   distributes"):
        assert line in text
    by_x1, by_x2 = g.forward_trace(wrt="x1"), g.forward_trace(wrt="x2")
    assert [line.split("  ")[-1] for line in by_x1.splitlines()[2:]] == ["ẋ₁ = 1", "ẋ₂ = 0", "ȧ₁ = 0", "ȧ₂ = ẋ₁ x₂", "ȧ₃ = ȧ₂"]
    assert [line.split("  ")[-1] for line in by_x2.splitlines()[4:]] == ["ȧ₁ = ẋ₂ cos(x₂)", "ȧ₂ = ẋ₂ x₁", "ȧ₃ = ȧ₁ + ȧ₂"]
    assert "x̄₂  ā₂ x₁ + ā₁ cos(x₂) = 2 - 0.989992 = 1.01001  copies" in g.reverse_trace(AT)
    assert "a₃  a₁ + a₂ = 6.14112" in g.reverse_trace(AT) and "= 1.01001" in g.forward_trace(AT, "x2")
    assert "reverse mode is cheaper" in g.costs()


def test_the_loss_of_one_unit() -> None:
    """`-log σ(wᵀx)` as u, p, L: w̄ = -(1 - σ(wᵀx)) xᵀ."""
    g = sd.graph("u = w @ x; p = sigmoid(u); L = -log(p)", {"w": "d", "x": "d"}, wrt="w")
    assert [b.name for b in g.order] == ["u", "p", "L"]
    assert {e.block: str(e.local) for b in g.order for e in b.edges} == {
        "u": "x",
        "p": "sigmoid(u)*(1 - sigmoid(u))",
        "L": "-1/p",
    }
    w, x = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    numbers = g.run({"w": w, "x": x})
    s = 1 / (1 + math.exp(1.5))
    assert numbers.values["L"] == pytest.approx(-math.log(s))
    assert numbers.gradients["p"] == pytest.approx(-1 / s) and numbers.gradients["u"] == pytest.approx(-(1 - s))
    assert np.allclose(numbers.gradients["w"], -(1 - s) * x)


GRAPHS = [
    ("-log(1/(1 + exp(-w @ x)))", {"w": "d", "x": "d"}),
    ("cross_entropy(relu(X @ W1 + b) @ W2, y)", {"X": "n,d", "W1": "d,h", "b": "h", "W2": "h,k", "y": "n integer"}),
    ("sum(maximum(0, s[j] - s[y] + 1) for j in range(k) if j != y)", {"s": "k", "y": "scalar integer"}),
    ("logdet(A @ A.T) + trace(inv(A))", {"A": "n,n"}),
    ("x/norm(x) + softmax(x)*x", {"x": "k"}),
    ("sum(sum(A[i, j]*x[j] for j in range(n))**2 for i in range(n)) + x[0]", {"A": "n,n", "x": "n"}),
    ("x*x + x", {"x": "scalar"}),
    ("max(x) + mean(stack([x, 2*x]))", {"x": "n"}),
    ("x", {"x": "n"}),
]


@pytest.mark.parametrize("text, declared", GRAPHS, ids=[t for t, _ in GRAPHS])
def test_both_modes_agree_with_derive(text: str, declared: dict[str, str]) -> None:
    g = sd.graph(text, declared)
    rng = np.random.default_rng(0)
    sizes = {"n": 3, "d": 4, "h": 5, "k": 3}
    values = {}
    for name, v in g.problem.vars.items():
        shape = tuple(sizes[str(s)] for s in v.shape)
        values[name] = rng.integers(3, size=shape) if v.is_a("integer") else rng.standard_normal(shape)
    upstream = rng.standard_normal(np.shape(sd.evaluate(g.problem, **values)))
    for name in g.inputs:
        jacobian = np.asarray(sd.derive(g.problem, name).numpy()(**values))
        direction = rng.standard_normal(np.shape(values[name]))
        numbers = g.run(values, {name: direction}, upstream)
        assert np.allclose(numbers.gradients[name], np.tensordot(upstream, jacobian, axes=upstream.ndim))
        assert np.allclose(numbers.tangents[g.result], np.tensordot(jacobian, direction, axes=direction.ndim))
    assert g.reverse_trace(values) and g.forward_trace() and g.costs()


def test_roles_of_any_node() -> None:
    def role(text: str, **declared: str) -> set[str]:
        g = sd.graph(text, declared)
        return {e.role for e in g.blocks[g.result].edges}

    assert role("x + y", x="n", y="n") == {"distributes"}
    assert role("sum(x)", x="n") == {"distributes"}
    assert role("x*y", x="n", y="n") == {"switches"}
    assert role("A @ B", A="n,m", B="m,k") == {"switches"}
    assert role("maximum(x, y)", x="n", y="n") == {"routes"}
    assert role("max(x)", x="n") == role("relu(x)", x="n") == role("x[2]", x="5") == {"routes"}
    assert role("tanh(x)", x="n") == role("-x", x="n") == role("3*x", x="n") == {"scales"}
    assert role("cross_entropy(S, y)", S="n,k", y="n integer") == role("hinge(S, y)", S="n,k", y="n integer") == {"scales"}
    assert role("leaky_relu(x)", x="n") == role("abs(x)", x="n") == role("mean(x)", x="n") == {"scales"}
    assert (
        role("where(x > 0, y, x)", x="n", y="n") == role("max(X, axis=1)", X="n,k") == role("clip(x, 0, 1)", x="n") == {"routes"}
    )
    assert role("x - y", x="n", y="n") == {"distributes", "scales"} and role("x/y", x="n", y="n") == {"scales"}
    assert role("X + b", X="n,d", b="d") == role("stack([x, y])", x="n", y="n") == {"distributes"}
    g = sd.graph(NOTES, SCALARS)
    assert g.blocks["x2"].roles == ["copies"] and g.blocks["x1"].roles == []


def test_which_mode_is_cheaper() -> None:
    assert "reverse mode is cheaper" in sd.graph("sum((X @ w - y)**2)", {"X": "n,d", "w": "d", "y": "n"}, wrt="w").costs()
    assert "forward mode is cheaper" in sd.graph("t*x + sin(t*x)", {"t": "scalar", "x": "7"}, wrt="t").costs()


def test_a_function_and_its_graph() -> None:
    g = sd.graph(lambda w, x: -np.log(1 / (1 + np.exp(-w @ x))), {"w": "d", "x": "d"})
    assert len(g.order) == 7 and g.order[-1].name == g.result


def test_drawings() -> None:
    g = sd.graph(NOTES, SCALARS)
    for values in (None, AT):
        root = ET.fromstring(g.svg(values))
        texts = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "a₂ = x₁ x₂" in texts and "cos(x₂)" in texts
        boxes = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("rx")]
        spots = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in boxes]  # type: ignore[arg-type]
        for i, (x, y, w, h) in enumerate(spots):
            assert all(x + w <= a or a + c <= x or y + h <= b or b + e <= y for a, b, c, e in spots[i + 1 :])
        assert g.mermaid(values).startswith("flowchart LR") and g.tikz(values).count(r"\draw") == 5
        assert g.dot(values).count("->") == 5
    if which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=g.dot().encode(), capture_output=True, check=True, timeout=30)


HELD_OUT = [  # text, values, gradients by hand
    (
        "x1*exp(x2) + x1/x3",
        {"x1": 1.5, "x2": 0.5, "x3": 2.0},
        {"x1": math.exp(0.5) + 0.5, "x2": 1.5 * math.exp(0.5), "x3": -1.5 / 4},
    ),
    ("maximum(maximum(x, y), z)*x + x", {"x": 1.0, "y": 2.0, "z": 3.0}, {"x": 4.0, "y": 0.0, "z": 1.0}),
    ("(x + y)*(x + y) - maximum(x, y)", {"x": 3.0, "y": 1.0}, {"x": 7.0, "y": 8.0}),
    ("log(x)/sqrt(y) + x*x*x", {"x": 2.0, "y": 4.0}, {"x": 0.25 + 12, "y": -math.log(2) / 16}),
]


@pytest.mark.parametrize("text, at, gradients", HELD_OUT, ids=[t for t, *_ in HELD_OUT])
def test_worked_by_hand(text: str, at: dict[str, float], gradients: dict[str, float]) -> None:
    g = sd.graph(text, dict.fromkeys(at, "scalar"))
    numbers = g.run(at)
    for name, value in gradients.items():
        assert numbers.gradients[name] == pytest.approx(value)
        assert g.run(at, {name: 1.0}).tangents[g.result] == pytest.approx(value)
        for e in (e for b in g.order for e in b.edges):
            part = numbers.gradients[e.block] * numbers.locals[e.block, e.source]
            assert numbers.contributions[e.block, e.source] == pytest.approx(part)  # upstream × local


def test_tables_of_matrices_and_formats() -> None:
    declared = {"X": "n,d", "W": "d,k", "b": "k", "y": "n integer"}
    g = sd.graph("cross_entropy(relu(X @ W + b), y)", declared, wrt=["W", "b"])
    text = g.tables()
    for line in ("da₁ = X dW", "da₂ = 𝟏 dbᵀ", "da₃ = da₂ ⊙ 𝟙[a₂ > 0]", "Forward mode by W along ones",
                 "fewer results than inputs", "W̄   Xᵀ ā₁", "ȧ₄ = tr(ȧ₃ᵀ(softmax(a₃) − onehot(y)))/n"):  # fmt: skip
        assert line in text
    assert r"$\mathrm{d}a_{1} = X \mathrm{d}W$" in g.tables(format="latex")
    assert "| W̄ | Xᵀ ā₁ |" in g.tables(format="markdown") and "<td>Xᵀ ā₁</td>" in g.tables(format="html")
    assert json.loads(g.tables(format="json"))["tables"][1]["head"] == ["", "upstream × local", "role"]
    with pytest.raises(sd.SymDerivError, match="is not known"):
        g.tables(format="pdf")
    with pytest.raises(sd.SymDerivError, match="is not an input"):
        g.forward_trace(wrt="y")


def test_a_chain_is_drawn_straight() -> None:
    g = sd.graph(
        "relu(X @ W1 + b1) @ W2 + b2", {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "b2": "k"}, wrt=["W1", "b1", "W2", "b2"]
    )
    found, _ = boxes(g, None)
    assert len({round(b.row, 6) for b in found.values() if not b.given}) == 1


@pytest.mark.parametrize("values", [None, AT])
def test_tikz_compiles(values: dict[str, float] | None, tmp_path) -> None:
    if not which("pdflatex"):
        pytest.skip("pdflatex is not installed: TikZ pictures are not compiled")
    for k, g in enumerate(
        (sd.graph(NOTES, SCALARS), sd.graph("cross_entropy(tanh(X @ W_hat), y)", {"X": "n,d", "y": "n integer"}))
    ):
        source = tmp_path / f"g{k}.tex"
        source.write_text(g.tikz(values if k == 0 else None, standalone=True), encoding="utf-8")
        done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name], cwd=tmp_path,
                              capture_output=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stdout[-1500:]


def test_latex_tables_of_arrays_are_latex() -> None:
    g = sd.graph("X @ w_new + norm(w_new)*ones(n)", {"X": "n,d", "w_new": "d"})
    text = g.tables({"X": np.ones((4, 3)), "w_new": np.ones(3)}, "latex")
    assert text.isascii() and r"\text{array } 4 \times 3, \text{ norm } 3.464" in text


def test_pictures(tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: PNG and PDF are not drawn")
    g = sd.graph("sum(relu(X @ W + b))", {"X": "n,d", "W": "d,k", "b": "k"})
    for name in ("g.png", "g.pdf", "g.svg"):
        g.draw(str(tmp_path / name))
        assert (tmp_path / name).stat().st_size > 2000
    with pytest.raises(sd.SymDerivError, match="cannot write"):
        g.draw(str(tmp_path / "no" / "g.svg"))


def test_a_condition_passes_nothing() -> None:
    g = sd.graph("where(x > 0, x**2, 3*x)", {"x": "scalar"})
    assert {e.source for e in g.blocks[g.result].edges} == {"a1", "a2"}
    for x, slope in ((2.0, 4.0), (-2.0, 3.0)):
        numbers = g.run({"x": x}, {"x": 1.0})
        assert numbers.gradients["x"] == numbers.tangents[g.result] == slope
    g = sd.graph("sign(x) + (x > 0)*y", {"x": "n", "y": "n"})
    numbers = g.run({"x": np.array([1.0, -1]), "y": np.array([2.0, 2])})
    assert np.array_equal(numbers.gradients["x"], [0, 0]) and np.array_equal(numbers.gradients["y"], [1, 0])
    assert g.tables() and g.svg()


def test_names_of_gradients_are_not_names_of_variables() -> None:
    with pytest.raises(sd.SymDerivError, match="x_dot is what the tangent of x is called"):
        sd.graph("x_dot*x", {"x": "scalar", "x_dot": "scalar"})
    g = sd.graph("sin(x)*a1_bar", {"x": "scalar", "a1_bar": "scalar"})  # the first block is not called a1 then
    numbers = g.run({"x": 0.5, "a1_bar": 2.0})
    assert numbers.gradients["x"] == pytest.approx(2 * math.cos(0.5)) and "a1" not in g.blocks


def test_deep_graphs_are_refused_or_quick() -> None:
    text = "x" + " + sin(x)" * 30
    assert len(sd.graph(text, {"x": "scalar"}).order) < 400
    with pytest.raises(sd.SymDerivError, match="cannot be read"):
        sd.graph("; ".join(["z0 = x", *(f"z{i} = sin(z{i - 1})" for i in range(1, 500))]), {"x": "scalar"})
    with pytest.raises(sd.SymDerivError, match="no variable"):
        sd.graph("1 + 2")


def test_command(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    arguments = ["graph", "x1*x2 + sin(x2)", "--var", "x1, x2: scalar"]
    assert run([*arguments, "--at", "x1=2", "--at", "x2=3"]) == 0
    out = capsys.readouterr().out
    assert "1.01001" in out and "a copy sums" in out and "12 against 5" in out
    for name, begin in (("g.svg", "<svg"), ("g.dot", "digraph"), ("g.tex", "%"), ("g.mmd", "flowchart")):
        assert run([*arguments, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)
    assert run([*arguments, "-o", str(tmp_path / "g.xyz")]) == 2 and "says no format" in capsys.readouterr().err
    assert run([*arguments, "--at", "x1=two"]) == 2
    assert run([*arguments, "--at", "x1=2"]) == 2
    assert "no value for x2" in capsys.readouterr().err
