"""An independent oracle: the input language means what it means in NumPy, so NumPy evaluates it and differences differentiate it.

Nothing of symderiv is used here. The texts come from the tables of the tests.
"""

from __future__ import annotations

import ast
import builtins
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Arrays = dict[str, Any]
NODES = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Compare, ast.Attribute, ast.Subscript)


def length(text: str) -> int:
    """Names, numbers, operators and calls of a text: what a person reads."""
    return sum(isinstance(n, NODES) for n in ast.walk(ast.parse(text, mode="eval")))


# the words, by hand ---------------------------------------------------------------------------------------------------------


def _reduction(reduce: Callable, over: Callable) -> Callable:
    """`sum(x, axis=0)` of an array, or the built-in reduction of a generator."""

    def word(x, *args, **options):
        return over(x) if isinstance(x, types.GeneratorType) else reduce(np.asarray(x, float), *args, **options)

    return word


def logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    out = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))
    return out if keepdims else np.squeeze(out, axis=axis)


def log_softmax(x, axis=-1):
    return x - logsumexp(x, axis=axis, keepdims=True)


def norm(x, ord=None, axis=None, keepdims=False):
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == "nuc":
        return np.sum(np.linalg.svd(x, compute_uv=False))
    return np.sqrt(np.sum(np.asarray(x, float) ** 2, axis=axis, keepdims=keepdims))


def polar(a):
    """By the iteration of Newton and Schulz, not by the singular value decomposition of the emitted code."""
    q = a / np.linalg.norm(a)
    for _ in range(200):
        q = 1.5 * q - 0.5 * q @ q.T @ q
    return q


def einsum(subs: str, *operands):
    """`np.einsum`; a letter that the output repeats makes a diagonal: `i->ii`."""
    inputs, out = subs.split("->")
    distinct = "".join(dict.fromkeys(out))
    value = np.einsum(f"{inputs}->{distinct}", *operands)
    for place, letter in enumerate(out):
        if letter in out[:place]:
            here = [*dict.fromkeys(out[:place])]
            fresh = np.expand_dims(value, place)
            shape = [1] * fresh.ndim
            shape[here.index(letter)] = shape[place] = value.shape[here.index(letter)]
            value = fresh * np.eye(value.shape[here.index(letter)]).reshape(shape)
    return value


def sqrtm(a):
    values, vectors = np.linalg.eigh(a)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def onehot(labels, k):
    return np.eye(int(k))[np.asarray(labels, int)]


def cross_entropy(logits, labels):
    rows = np.atleast_2d(logits)
    wanted = onehot(np.atleast_1d(labels), rows.shape[1]) if np.ndim(labels) < np.ndim(logits) else np.atleast_2d(labels)
    return -np.mean(np.sum(wanted * log_softmax(rows), axis=1))


def huber(x, delta=1.0):
    return np.where(np.abs(x) <= delta, 0.5 * np.square(x), delta * (np.abs(x) - 0.5 * delta))


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, float)))


def diag(x):
    return np.diag(np.asarray(x, float))


_scalar = np.vectorize
WORDS: Arrays = {
    **{name: getattr(np, name) for name in (
        "exp", "log", "log1p", "expm1", "sqrt", "square", "abs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
        "sinh", "cosh", "tanh", "maximum", "minimum", "where", "clip", "heaviside", "outer", "kron", "trace", "tril", "triu",
        "cumsum", "concatenate", "ones", "zeros", "eye", "tri", "arange", "reshape", "transpose", "argmax", "logaddexp",
        "stack", "pi", "var",
    )},
    "sum": _reduction(np.sum, builtins.sum), "mean": _reduction(np.mean, lambda g: np.mean(list(g))),
    "max": _reduction(np.max, builtins.max), "min": _reduction(np.min, builtins.min),
    "prod": _reduction(np.prod, math.prod),
    "det": np.linalg.det, "inv": np.linalg.inv, "solve": np.linalg.solve, "pinv": np.linalg.pinv,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "vec": lambda x: np.ravel(x, order="F"),
    "sigmoid": sigmoid, "softplus": lambda x: np.logaddexp(0, x), "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x), "softmax": lambda x, axis=-1: np.exp(log_softmax(x, axis)),
    "log_softmax": log_softmax, "logsumexp": logsumexp, "norm": norm, "einsum": einsum, "sqrtm": sqrtm, "diag": diag,
    "polar": polar,
    "onehot": onehot, "cross_entropy": cross_entropy, "huber": huber,
    "erf": _scalar(math.erf, otypes=[float]), "lgamma": _scalar(math.lgamma, otypes=[float]),
    "digamma": lambda x: 1e3 * (WORDS["lgamma"](x + 5e-4) - WORDS["lgamma"](x - 5e-4)),
    "kl": lambda p, q: np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0)),
    "mse": lambda a, b: np.mean((a - b) ** 2),
    "range": range, "inf": np.inf,
}  # fmt: skip


def value(text: str, arrays: Mapping[str, Any]) -> np.ndarray:
    """What NumPy makes of an expression of a test's table."""
    code = compile(ast.parse(text.strip(), mode="eval"), "<table>", "eval")
    with np.errstate(all="ignore"):
        return np.asarray(eval(code, {"__builtins__": {}, **WORDS, **arrays}), float)


# points ----------------------------------------------------------------------------------------------------------------------


def declarations(text: str) -> dict[str, tuple[list[str], set[str]]]:
    """`"X: n,d; A: n,n psd"` as sizes and attributes by name."""
    out = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, _, rest = part.partition(":")
        sizes, *attributes = rest.split()
        out[name.strip()] = ([] if sizes == "scalar" else sizes.split(","), set(attributes))
    return out


def size_names(text: str) -> list[str]:
    """The size symbols of declarations, in order of first occurrence."""
    sizes = [s for shape, _ in declarations(text).values() for s in shape]
    names = [n.id for s in sizes for n in ast.walk(ast.parse(s)) if isinstance(n, ast.Name)]
    return list(dict.fromkeys(names))


def assignments(text: str) -> list[dict[str, int]]:
    """Sizes to try: all different, all equal."""
    names = size_names(text)
    return [{s: 4 - k if k < 3 else k + 2 for k, s in enumerate(names)}, dict.fromkeys(names, 3)]


def sample(text: str, sizes: Mapping[str, int], rng: np.random.Generator) -> Arrays:
    """Random arrays that the attributes allow, and the sizes."""
    out: Arrays = dict(sizes)
    for name, (shape, attributes) in declarations(text).items():
        dims = tuple(int(value(s, dict(sizes))) for s in shape)
        x = rng.normal(size=dims)
        if "integer" in attributes:
            x = rng.integers(0, min([*sizes.values(), 3]), size=dims)
        elif "psd" in attributes:
            x = x @ x.T + np.eye(dims[0])
        elif "symmetric" in attributes:
            x = x + x.T
        elif "diagonal" in attributes:
            x = np.diag(np.diag(x))
        elif "simplex" in attributes:
            x = np.exp(log_softmax(x))
        elif "onehot" in attributes:
            x = onehot(rng.integers(0, dims[-1], size=dims[:-1]), dims[-1])
        elif attributes & {"positive", "nonnegative"}:
            x = np.exp(0.5 * x) + 0.2
        out[name] = x
    return out


# differences -----------------------------------------------------------------------------------------------------------------


def difference(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float = 2e-3) -> np.ndarray:
    """The Jacobian, of shape `f.shape + x.shape`: central differences of the sixth order."""
    x = np.asarray(x, float)
    columns = []
    for place in np.ndindex(x.shape):
        total = np.asarray(0.0)
        for k, weight in ((1, 45), (2, -9), (3, 1)):
            move = np.zeros(x.shape)
            move[place] = k * step
            total = total + weight * (function(x + move) - function(x - move))
        columns.append(total / (60 * step))
    table = np.array(columns).reshape((*x.shape, *columns[0].shape))
    return np.moveaxis(table, range(x.ndim), range(-x.ndim, 0))


def derivative(text: str, wrt: Sequence[str], arrays: Mapping[str, Any]) -> np.ndarray:
    """`∂ᵏ text / ∂wrt₁ … ∂wrt_k` by nested differences, of shape `out + wrt₁ + … + wrt_k`."""

    def of(names: Sequence[str], at: Mapping[str, Any]) -> np.ndarray:
        if not names:
            return value(text, at)
        *before, last = names
        return difference(lambda x: of(before, {**at, last: x}), at[last], 2e-3 if len(wrt) == 1 else 1e-2)

    return of(list(wrt), arrays)


def distance(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry of `b`; infinite for different shapes."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or not np.all(np.isfinite(a)):
        return math.inf
    return float(np.max(np.abs(a - b), initial=0)) / max(1e-3, float(np.max(np.abs(b), initial=0)))
