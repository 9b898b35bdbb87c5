"""Emitted code that sums over rows block by block gives what it gives at once."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import symderiv as sd
from symderiv.code.numpy import numpy_source
from symderiv.expr.nodes import Call, Var
from symderiv.expr.sizes import size_symbol

VARS = {
    "X": "n,d", "Z": "n,d", "W": "d,k", "V": "k,h", "b": "k", "c": "h", "y": "n integer", "Y": "n,k", "t": "n", "w": "d",
    "lam": "scalar", "A": "d,d",
}  # fmt: skip
SIZES = {"n": 11, "d": 4, "k": 3, "h": 2}
LOSSES = [
    "cross_entropy(X @ W, y) + lam/2*sum(W**2)",
    "hinge(X @ W, y)",
    "mse(X @ W, Y)",
    "nll(log_softmax(X @ W + b), y)",
    "norm(X @ W - Y)**2/n + sum(log(cosh(X @ W)))",
    "sum((sigmoid(X @ W + b) - Y)**2)",
    "mean((tanh(tanh(X @ W + b) @ V + c))**2)",
    "mean(logsumexp(X @ W, axis=1) - t*(X @ w))",
    "sum(relu(X @ A @ W))/n",
    "sum(max(X @ W, axis=1))",
    "sum(layer_norm(X @ W)**2*Y)",
    "sum(norm(X @ W - Z @ W, axis=1))",
    "mean(t*norm(X @ W, axis=1)) + sum(W)**2",
    "sum((X @ W)*(Z @ W)*t[:, None]) + mean(t*exp((X @ W) @ b))",
    "sum(exp(-(X @ W)**2), axis=0) @ b",
]


def run(source: str, values: dict, rows: int = 0):
    if rows:
        before = "rows = max(256, max(2**20, 4 * total) // max(width, 1))"
        assert before in source and "count < 2 * rows" in source
        source = source.replace(before, f"rows = {rows}").replace("count < 2 * rows", "count <= rows")
    space: dict = {}
    exec(compile(source, "<emitted>", "exec"), space)
    f = space["f"]
    return f(**{n: values[n] for n in inspect.signature(f).parameters if n in values})


def sources(loss: str, wrt: str, value: bool, order: int = 1) -> tuple[str, str]:
    result = sd.derive(loss, wrt=wrt, vars=VARS, order=order)
    roots, names = result._roots(value)
    args = result.arguments
    return tuple(numpy_source(roots, "f", args, "", names, blocks=b) for b in (True, False))  # type: ignore[return-value]


def values(n: int) -> dict:
    rng = np.random.default_rng(5)
    size = {**SIZES, "n": n}
    out = {}
    for name, text in VARS.items():
        shape = [] if text == "scalar" else [size[s] for s in text.split()[0].split(",")]
        out[name] = rng.integers(0, SIZES["k"], shape) if "integer" in text else rng.standard_normal(shape)
    return out


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [False, True])
def test_blocks_agree(loss: str, value: bool) -> None:
    text, plain = sources(loss, "W", value)
    assert "_in_blocks" in text and "_in_blocks" not in plain
    for n, rows in ((11, 3), (12, 4), (1, 1), (5, 4), (7, 1)):
        D = values(n)
        known, found = run(plain, D), run(text, D, rows)
        for a, b in zip(known if value else [known], found if value else [found], strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-12)


def test_no_rows() -> None:
    text, plain = sources("sum((sigmoid(X @ W + b) - Y)**2)", "W", False)
    D = values(0)
    np.testing.assert_array_equal(run(text, D), run(plain, D))


def test_size_that_rows_do_not_share_is_whole() -> None:
    """A number of all rows inside a row is not the number of rows of a block."""
    text, plain = sources("sum(exp((X @ W)/n))", "W", False)
    D = values(9)
    np.testing.assert_allclose(run(text, D, 2), run(plain, D), rtol=1e-12)


@pytest.mark.parametrize(
    "loss, wrt",
    [
        ("sum(((X @ W) - mean(X @ W, axis=0))**2*Y)", "W"),  # a second pass needs the first
        ("sum((X @ W)**2)", "X"),  # the result has the rows
        ("sum(softmax(X @ W, axis=0)*Y)", "W"),
        ("sum((X @ w - t)**2)", "w"),  # products with vectors gain nothing
        ("sum(cumsum(X @ W, axis=0)*Y)", "W"),
        ("logdet(X @ X.T + eye(n)) + sum(X @ W)", "W"),
    ],
)
def test_at_once_where_blocks_are_wrong_or_useless(loss: str, wrt: str) -> None:
    assert "_in_blocks" not in sources(loss, wrt, False)[0]


def test_a_variable_named_like_the_parts() -> None:
    result = sd.derive("sum(tanh(part @ rows)**2)", wrt="rows", vars={"part": "n,d", "rows": "d,k"})
    source = numpy_source(result.expr, "f", result.arguments)
    rng = np.random.default_rng(0)
    P, R = rng.standard_normal((9, 3)), rng.standard_normal((3, 2))
    T = np.tanh(P @ R)
    np.testing.assert_allclose(run(source, {"part": P, "rows": R}, 2), P.T @ (2 * T * (1 - T**2)), rtol=1e-12)


def test_many_rows() -> None:
    """The rule that ships, over its own block size."""
    result = sd.derive("cross_entropy(X @ W, y)", wrt="W", vars=VARS)
    rng = np.random.default_rng(1)
    n = 700
    X, W, y = rng.standard_normal((n, 2500)), rng.standard_normal((2500, 3)), rng.integers(0, 3, n)
    at_once = numpy_source(result.expr, "f", result.arguments, blocks=False)
    np.testing.assert_allclose(result.numpy()(X=X, W=W, y=y), run(at_once, {"X": X, "W": W, "y": y}), rtol=1e-9, atol=1e-12)


def test_one_sum_written_in_two_ways_is_added_up_once() -> None:
    X, W = (Var(name, tuple(map(size_symbol, shape))) for name, shape in (("X", "nd"), ("W", "dk")))
    T = Call("tanh", Call("matmul", X, W))
    source = numpy_source([Call("matmul", Call("T", X), T), Call("einsum", X, T, subs="nk,nj->kj")], "f")
    rng = np.random.default_rng(0)
    D = {"X": rng.standard_normal((9, 3)), "W": rng.standard_normal((3, 2))}
    known = D["X"].T @ np.tanh(D["X"] @ D["W"])
    for found in run(source, D, 2):
        np.testing.assert_allclose(found, known, rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 5, 1536, 1700])
def test_sum_with_the_transpose(n: int) -> None:
    f = sd.derive("x @ A @ x", wrt="x", order=2, vars={"A": "n,n", "x": "n"}).numpy()
    A = np.random.default_rng(0).standard_normal((n, n))
    np.testing.assert_array_equal(f(A=A, x=np.zeros(n)), A + A.T)
