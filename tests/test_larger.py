"""Data larger than memory, and data on several devices: the examples run, and chunks give what one array gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symderiv as sd

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PROBLEMS = {
    "logistic": ("mean(log(1 + exp(X @ w)) - y*(X @ w))", {"X": "n,d", "w": "d", "y": "n"}, "w"),
    "least squares": ("sum((X @ w - y)**2)", {"X": "n,d", "w": "d", "y": "n"}, "w"),
    "softmax": ("cross_entropy(X @ W, y)", {"X": "n,d", "W": "d,k", "y": "n integer"}, "W"),
    "hinges": ("mean(hinge(X @ W, y)) + lam*sum(W**2)", {"X": "n,d", "W": "d,k", "y": "n integer", "lam": "scalar"}, "W"),
    "two layers": (
        "mean((tanh(X @ V + b) @ w - y)**2) + lam*sum(V**2)",
        {"X": "n,d", "V": "d,h", "b": "h", "w": "h", "y": "n", "lam": "scalar"},
        "V",
    ),
}


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=EXAMPLES, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PROBLEMS)
def test_dask(name: str) -> None:
    """The emitted NumPy code gives lazy arrays of Dask, with the same numbers."""
    dask = pytest.importorskip("dask", reason="dask is not installed: its arrays are not tried here")
    da = pytest.importorskip("dask.array", reason="dask is not installed: its arrays are not tried here")
    text, declared, wrt = PROBLEMS[name]
    rng = np.random.default_rng(0)
    sizes = {"n": 120, "d": 6, "k": 3, "h": 6}
    shapes = {n: tuple(sizes[s] for s in d.split()[0].split(",") if s in sizes) for n, d in declared.items()}
    given = {n: rng.integers(0, 2, 120) if n == "y" else rng.standard_normal(shapes[n]) for n in declared}
    f = sd.derive(text, wrt=wrt, vars=declared).numpy(value=True)
    known = f(**given)
    lazy = f(**{n: da.from_array(x, chunks=(30, *x.shape[1:])) if n in "Xy" else x for n, x in given.items()})
    assert all(isinstance(x, da.Array) for x in lazy)
    for a, b in zip(dask.compute(*lazy), known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_more_data_than_memory() -> None:
    pytest.importorskip("dask.array", reason="dask is not installed: its arrays are not tried here")
    assert "229 MiB of data within 200 MiB: loss 0.693147" in run("larger_than_memory.py", "60000", "200")


def test_sharded() -> None:
    pytest.importorskip("jax", reason="jax is not installed: its code is not run here")
    assert run("sharded.py", "32", "128").startswith("8 devices, 256 MiB of data within 128 MiB: loss 17.07")
