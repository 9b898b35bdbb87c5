"""Plain functions traced to words: the same values as NumPy, and a refusal for what cannot be written down."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symderiv as sd

SIZES = {"n": 5, "d": 3, "k": 4}


def arrays(problem: sd.Problem) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    out = {}
    for name, v in problem.vars.items():
        shape = tuple(int(s.subs({a: SIZES[a.name] for a in s.free_symbols})) for s in v.shape)
        out[name] = (
            rng.integers(3, size=shape)
            if v.is_a("integer")
            else rng.standard_normal(shape)[()]
            if shape
            else rng.standard_normal()
        )
    return out


RIGHT = [
    (lambda w, x: -np.log(1 / (1 + np.exp(-w @ x))), {"w": "d", "x": "d"}),
    (lambda a, b: a * b + np.sin(b), {"a": "scalar", "b": "scalar"}),
    (lambda X, w, y: np.sum((X @ w - y) ** 2) / X.shape[0] + 0.1 * np.linalg.norm(w) ** 2, {"X": "n,d", "w": "d", "y": "n"}),
    (lambda S: np.mean(np.exp(S - S.max(axis=1, keepdims=True)).sum(1)), {"S": "n,k"}),
    (lambda x: np.array([[1, 2, 3], [3, 4.5, 1]]) @ x, {"x": "3"}),
    (lambda x: np.stack([x[0] * x[1], x[-1]]), {"x": "3"}),
    (lambda x: sum(t**2 for t in x), {"x": "3"}),
    (lambda A, B: np.einsum("ij,jk", A, B).trace(), {"A": "n,d", "B": "d,n"}),
    (lambda x: x.reshape(2, -1).T.sum(axis=0), {"x": "6"}),
    (lambda X: X[1:, None, 0] + X[..., -1][1:, None], {"X": "n,d"}),
    (lambda x: np.where(x > 0, x, 0.01 * x).sum(), {"x": "n"}),
    (lambda x: np.clip(x, 0, 1).mean() + np.add.reduce(x) + np.maximum(0, x).max() + x.std(), {"x": "n"}),
    (lambda x: np.float64(2) * x / np.sqrt(x.size) + np.array(3.0) * x - np.int32(1), {"x": "n"}),
    (lambda A: np.linalg.slogdet(A @ A.T + 3 * np.eye(2))[1], {"A": "2,2"}),
    (lambda x: np.dot(x, 2).T.dot(x), {"x": "n"}),
    (lambda x: np.ones(3) * x.sum() + np.arange(3.0) * x, {"x": "3"}),
    (lambda X, y: X[np.arange(3), y].sum(), {"X": "3,d", "y": "3 integer"}),
    (lambda x, y: np.outer(x, y).ravel() @ np.kron(x, y), {"x": "2", "y": "3"}),
    (lambda x: np.concatenate([x, -x, 0 * x]).cumsum(), {"x": "n"}),
    (lambda x: abs(x) - (+x) + 2**x + x**2 / (1 + x**2) + (x >= 0) * x, {"x": "n"}),
    (lambda X: np.var(X, axis=0) @ np.ones_like(X[0]) + np.inner(X[0], X[1]), {"X": "n,d"}),
    (lambda X: np.swapaxes(np.expand_dims(X, 0), 0, 2).squeeze(2).T, {"X": "n,d"}),
    (lambda x: np.multiply.outer(x, x).T @ x, {"x": "n"}),
]


@pytest.mark.parametrize("k", range(len(RIGHT)))
def test_values_are_those_of_numpy(k: int) -> None:
    function, declared = RIGHT[k]
    problem = sd.trace(function, declared)
    values = arrays(problem)
    assert np.allclose(sd.evaluate(problem, **values), function(**values))
    again = sd.parse(problem.source, declared)
    assert np.allclose(sd.evaluate(again, **values), function(**values))


def test_only_the_forward_function_is_written() -> None:
    def loss(w, x):
        return -np.log(1 / (1 + np.exp(-w @ x)))

    assert str(sd.derive(sd.trace(loss, w="d", x="d"), "w")) == "(sigmoid(w @ x) - 1)*x"
    assert sd.trace(loss, w=np.ones(3), x=np.ones(3)).vars["w"].shape == (3,)
    assert sd.trace(loss, w=(4,), x=(4,)).name == "loss"


def test_defaults_are_constants() -> None:
    def ridge(w, lam=0.5, *, power=2):
        return lam * np.sum(w**power)

    assert str(sd.derive(sd.trace(ridge, w="d"), "w")) == "w"
    assert set(sd.trace(ridge, w="d", lam="scalar").vars) == {"w", "lam"}


def test_words_that_numpy_lacks() -> None:
    def network(W, x):
        return sd.words.log_softmax(sd.words.elu(W @ x))

    problem = sd.trace(network, W="k,d", x="d")
    W, x = np.random.default_rng(0).standard_normal((4, 3)), np.ones(3)
    assert np.allclose(sd.evaluate(problem, W=W, x=x), network(W, x))
    with pytest.raises(AttributeError):
        sd.words.frobnicate  # noqa: B018


def _assigned(x):
    y = x * 1
    y[0] = 1
    return y


def _in_place(x):
    y = x
    y += 1
    return x * y


def _forever(x):
    return _forever(x)


WRONG = [
    (lambda x: math.sin(x), "scalar", "np.exp"),
    (lambda x: x if x > 0 else -x, "scalar", "np.where"),
    (lambda x: sum(t for t in x), "n", "length n is not a number"),
    (lambda x: np.array([x[0], x[1]]), "3", "np.stack"),
    (lambda x: np.sort(x), "n", "np.sort cannot be traced"),
    (lambda x: np.linalg.eigvalsh(x), "n,n", "np.linalg.eigvalsh cannot be traced"),
    (lambda x: (x, x), "n", "returns several values"),
    (lambda x: None, "n", "returns nothing"),
    (_assigned, "n", "assignment to entries"),
    (_in_place, "n", "in place"),
    (lambda x: np.exp(x, where=x > 0), "n", "np.exp.__call__ with where"),
    (lambda x: x // 2, "n", "no derivative"),
    (lambda x: x.unknown(), "n", "no 'unknown'"),
    (lambda x: x * "a", "n", "type str"),
    (lambda x: x * float("nan"), "n", "not finite"),
    (lambda x: np.zeros(1000) + x, "1000", "make it a parameter"),
    (lambda x: x.astype(int), "n", "conversion"),
    (lambda x: 1 / 0, "n", "raised ZeroDivisionError"),
    (lambda x: x @ np.ones(3), "n", "inner sizes"),
    (lambda x: np.arctan2(x, 1), "n", "arctan2 has no word"),
    (_forever, "n", "without end"),
]


@pytest.mark.parametrize("k", range(len(WRONG)))
def test_what_cannot_be_traced_is_refused(k: int) -> None:
    function, shape, says = WRONG[k]
    with pytest.raises(sd.SymDerivError) as caught:
        sd.trace(function, x=shape)
    assert says in str(caught.value)


def test_parameters_are_checked() -> None:
    with pytest.raises(sd.SymDerivError, match="no declaration"):
        sd.trace(lambda x, y: x, x="n")
    with pytest.raises(sd.SymDerivError, match="no parameter z"):
        sd.trace(lambda x: x, x="n", z="n")
    with pytest.raises(sd.SymDerivError, match="a function is needed"):
        sd.trace("x**2")  # type: ignore[arg-type]
