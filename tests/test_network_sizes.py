"""Sizes under every factor: neighbours meet, and the factors multiply to the engine's gradients of the whole network."""

from __future__ import annotations

import json

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.code.numpy import evaluate
from symderiv.expr.walk import variables
from symderiv.learn.layer_sizes import layer_sizes, network_sizes, write_equations
from symderiv.learn.models import ACTIVATIONS

SIZES = (5, 4, 3, 2)
RNG = np.random.default_rng(3)


def forward(layers: int, activation: str) -> dict[str, np.ndarray]:
    """Values of everything in the network."""
    values: dict[str, np.ndarray] = {"h0": RNG.standard_normal(SIZES[0]), "y": np.int64(1)}
    for i in range(1, layers + 1):
        values[f"W{i}"], values[f"b{i}"] = RNG.standard_normal((SIZES[i], SIZES[i - 1])), RNG.standard_normal(SIZES[i])
        values[f"z{i}"] = values[f"W{i}"] @ values[f"h{i - 1}"] + values[f"b{i}"]
        text = ACTIVATIONS[activation].format(x="z", a="1/4")
        values[f"h{i}"] = np.asarray(sd.evaluate(text, vars={"z": "n"}, z=values[f"z{i}"]))
    return values


@pytest.mark.parametrize("layers, activation", [(1, "relu"), (2, "tanh"), (3, "relu"), (3, "prelu"), (3, "gelu")])
def test_the_factors_multiply_to_the_gradients(layers: int, activation: str) -> None:
    values = forward(layers, activation)
    text, declared = "h0", {"h0": "n0", "y": "scalar integer"}
    for i in range(1, layers + 1):
        text = f"W{i} @ ({text}) + b{i}"
        text = ACTIVATIONS[activation].format(x=text, a="1/4") if i < layers else text
        declared |= {f"W{i}": f"n{i},n{i - 1}", f"b{i}": f"n{i}"}
    parameters = ["h0", *(f"{n}{i}" for i in range(1, layers + 1) for n in "Wb")]
    given = {n: values[n] for n in declared}
    truth = sd.derive(f"-log(softmax({text})[y])", parameters, vars=declared).numpy()(**given)
    sizes = SIZES[: layers + 1]
    known = dict(values)
    for e in network_sizes(layers, activation, sizes)[layers:]:
        product = np.eye(int(e.factors[0].rows))
        for f in e.factors:
            value = np.asarray(
                evaluate(f.words, {v.name: known[v.name] for v in variables(f.words)} | {f"n{k}": s for k, s in enumerate(sizes)})
            )
            value = value.reshape(int(f.rows), int(f.columns))  # a row, a column, a matrix: as its size says
            product = product @ value
        name = e.left.words.name.removesuffix("_bar")
        known[e.left.words.name] = product.reshape(values[name].shape)
        assert product.shape == (int(e.left.rows), int(e.left.columns))
        if name in truth:
            assert np.allclose(known[f"{name}_bar"], truth[name])


def test_the_lines_of_the_notes() -> None:
    """`1×|h^{ℓ−1}| = (1×|h^ℓ|)(|h^ℓ|×|h^{ℓ−1}|)`."""
    text = write_equations(layer_sizes("relu"))
    for line in ("1×|h^(ℓ−1)|  =  (1×|h^ℓ|)  (|h^ℓ|×|h^(ℓ−1)|)", "|h^ℓ|×1  =  (|h^ℓ|×|h^(ℓ−1)|)  (|h^(ℓ−1)|×1)",
                 "|h^ℓ|×|h^(ℓ−1)|  =  (|h^ℓ|×1)   (1×|h^(ℓ−1)|)", "∂z^ℓᵢ/∂w^ℓᵢ  =  (h^(ℓ−1))ᵀ"):  # fmt: skip
        assert line in text
    assert "diagonal: of |h^ℓ|² entries at most |h^ℓ| are not 0" in text


@pytest.mark.parametrize("layers", range(1, 6))
def test_sizes_meet(layers: int) -> None:
    for e in network_sizes(layers):
        for a, b in zip(e.factors, e.factors[1:], strict=False):
            assert a.columns == b.rows
        assert (e.left.rows, e.left.columns) == (e.factors[0].rows, e.factors[-1].columns)
        top, low = e.lines().split("\n")
        assert len(top) >= 5 and "×" in low


def test_what_a_relu_jacobian_would_cost() -> None:
    text = write_equations(network_sizes(2, "relu", (784, 4096, 10)))
    assert "of 16,777,216 entries at most 4,096 are not 0 (128 MiB in float64" in text


def test_formats_and_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    equations = network_sizes(2)
    assert r"\underset{1 \times |h_1|}{\frac{\partial L}{\partial h_{1}}}" in write_equations(equations, "latex")
    assert write_equations(equations, "markdown").count("$$") == 2 * len(equations)
    assert "<munder>" in write_equations(equations, "html")
    assert json.loads(write_equations(equations, "json"))[0]["factors"][0]["size"] == "|h₁|×|h₀|"
    for wrong in ({"layers": 0}, {"layers": 51}, {"sizes": (1, 2)}, {"sizes": (3, 0, 1, 2)}, {"activation": "step"}):
        with pytest.raises(sd.SymDerivError):
            network_sizes(**wrong)  # type: ignore[arg-type]
    assert run(["models", "perceptron-2", "--sizes", "--dims", "784,100,10"]) == 0
    assert "(10×1)    (1×100)" in capsys.readouterr().out
    assert run(["models", "perceptron-2", "--sizes", "--dims", "784,10"]) == 2
    assert run(["models", "perceptron-2", "--sizes", "--dims", "a,b,c"]) == 2
    assert run(["models", "softmax", "--sizes"]) == 0
    assert "∂L/∂W[d×k] = Xᵀ[d×n] G₁[n×k]/n" in capsys.readouterr().out
