"""Structured Hessians and Jacobians: the same numbers as the full ones, products, solutions, kinds, room."""

from __future__ import annotations

import numpy as np
import pytest
from test_backends import sample

import symderiv as sd

CASES = {
    "least squares": ("sum((X @ w - y)**2)", {"X": "n,d", "w": "d", "y": "n"}, "w", 2, None),
    "entries": ("sum(exp(x)*a)", {"x": "n", "a": "n"}, "x", 2, "diagonal"),
    "entries of a matrix": ("sum(exp(A)*B)", {"A": "n,d", "B": "n,d"}, "A", 2, "diagonal"),
    "penalty": ("lam/2*sum(W**2)", {"W": "n,d", "lam": "scalar positive"}, "W", 2, "diagonal"),
    "factorisation": ("sum((U @ V.T - T)**2)", {"T": "m,n", "U": "m,k", "V": "n,k"}, "U", 2, "kronecker"),
    "masked": ("sum((M*(U @ V.T - T))**2)", {"M": "m,n", "T": "m,n", "U": "m,k", "V": "n,k"}, "U", 2, "block diagonal"),
    "ridge": ("sum((X @ w - y)**2) + lam*sum(w**2)", {"X": "p,m", "w": "m", "y": "p", "lam": "scalar positive"}, "w", 2,
              "low rank plus diagonal"),
    "logsumexp": ("logsumexp(x) + sum(x**2)", {"x": "n"}, "x", 2, "low rank plus diagonal"),
    "softmax": ("cross_entropy(X @ W, y) + sum(W**2)", {"X": "n,d", "W": "d,k", "y": "n integer"}, "W", 2, None),
    "rows": ("sum(log(1 + exp(sum(U*V, axis=1))))", {"U": "n,d", "V": "n,d"}, "U", 2, "block diagonal"),
    "quadratic": ("x @ A @ x", {"x": "n", "A": "n,n"}, "x", 2, None),
    "trace": ("trace(X.T @ A @ X @ B)", {"X": "n,d", "A": "n,n symmetric", "B": "d,d symmetric"}, "X", 2, "kronecker"),
    "a scalar": ("exp(a*x)*x", {"x": "scalar", "a": "scalar"}, "x", 2, None),
    "linear": ("a @ x", {"x": "n", "a": "n"}, "x", 2, "zero"),
    "a Jacobian": ("tanh(X @ w)", {"X": "n,d", "w": "d"}, "w", 1, None),
    "an entrywise Jacobian": ("sigmoid(x)", {"x": "n"}, "x", 1, "diagonal"),
    "a layer": ("X @ W", {"X": "n,d", "W": "d,k"}, "W", 1, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_same_numbers(name: str) -> None:
    text, declared, wrt, order, kind = CASES[name]
    problem = sd.parse(text, declared)
    result = sd.derive(problem, wrt=wrt, order=order)
    for seed, sizes in ((0, {}), (1, {"n": 3, "d": 3, "k": 3, "m": 3, "p": 2, "h": 3}), (2, {"n": 1, "d": 4, "p": 1})):
        given = sample(problem, seed, sizes)
        known = result.numpy()(**given)
        got = result.structured()(**given)
        assert got.shape == known.shape
        np.testing.assert_allclose(got.dense(), known, rtol=1e-12, atol=1e-12)
        v = np.random.default_rng(seed).standard_normal(got.column_shape)
        axes = list(range(known.ndim))[got.rows :]
        np.testing.assert_allclose(got @ v, np.tensordot(known, v, axes=(axes, range(v.ndim))), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(got @ v.ravel() if v.ndim > 1 else got @ v, (got @ v).ravel() if v.ndim > 1 else got @ v)
        if kind is not None and seed == 0:
            assert got.kind == kind
        if order == 2 and kind != "zero" and np.linalg.cond(known.reshape(v.size, v.size)) < 1e8:
            np.testing.assert_allclose(got.solve(got @ v), v, rtol=1e-6, atol=1e-8)


def test_room() -> None:
    """The masked factorisation holds one k×k block for every row, the plain one a single block."""
    for name, blocks in (("masked", 40), ("factorisation", 1)):
        text, declared, wrt, order, _ = CASES[name]
        problem = sd.parse(text, declared)
        given = sample(problem, 0, {"m": 40, "n": 30, "k": 4})
        got = sd.derive(problem, wrt=wrt, order=order).structured()(**given)
        assert got.nbytes <= 8 * (blocks * 16 + 2)


def test_errors() -> None:
    problem = sd.parse("a @ x", {"x": "n", "a": "n"})
    zero = sd.derive(problem, wrt="x", order=2).structured()(a=np.ones(3), x=np.ones(3))
    with pytest.raises(sd.SymDerivError, match="singular"):
        zero.solve(np.ones(3))
    with pytest.raises(sd.SymDerivError, match="columns have shape"):
        zero @ np.ones(4)
    with pytest.raises(sd.SymDerivError, match="several"):
        sd.derive("sum(x*y)", wrt=["x", "y"], vars={"x": "n", "y": "n"}).structured()
