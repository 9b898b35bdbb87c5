"""One loss written in several ways gives one program: with other formulas, other orders of terms, other names."""

from __future__ import annotations

import re

import pytest

import symderiv as sd

_ROWS = {"X": "n,d", "w": "d", "y": "n"}
_CLASSES = {"X": "n,d", "W": "d,k", "y": "n integer", "lam": "scalar"}
_NET = {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "b2": "k", "Y": "n,k"}
_FORM = {"A": "n,n", "x": "n"}
LOGISTIC = [
    "sum(softplus(X @ w) - y*(X @ w))",
    "sum(log(1 + exp(X @ w)) - y*(X @ w))",
    "sum(-y*log(sigmoid(X @ w)) - (1 - y)*log(1 - sigmoid(X @ w)))",
    "sum(logaddexp(0, X @ w)) - y @ X @ w",
]
SAME = {
    "squares": ("w", 1, _ROWS, [
        "sum((X @ w - y)**2)", "norm(X @ w - y)**2", "(X @ w - y) @ (X @ w - y)", "sum((y - X @ w)**2)",
        "sum((X @ w)**2 - 2*y*(X @ w) + y**2)", "norm(y - w @ X.T)**2", "y @ y - 2*y @ X @ w + w @ X.T @ X @ w",
    ]),
    "logistic": ("w", 1, _ROWS, LOGISTIC),
    "logistic, Hessian": ("w", 2, _ROWS, LOGISTIC),
    "softmax": ("W", 1, _CLASSES, [
        "cross_entropy(X @ W, y) + lam/2*sum(W**2)", "lam/2*norm(W)**2 + cross_entropy(X @ W, y)",
        "-mean(sum(onehot(y, k)*log(softmax(X @ W)), axis=1)) + lam*sum(W**2)/2",
        "nll(log_softmax(X @ W), y) + trace(W.T @ W)*lam/2",
        "mean(log(sum(exp(X @ W), axis=1)) - sum((X @ W)*onehot(y, k), axis=1)) + lam/2*sum(W**2)",
    ]),
    "hinge": ("W", 1, _CLASSES, [
        "hinge(X @ W, y) + lam/2*sum(W**2)",
        "sum(relu(X @ W - sum(onehot(y, k)*(X @ W), axis=1, keepdims=True) + 1)*(1 - onehot(y, k)))/n + lam/2*sum(W**2)",
    ]),
    "net": (["W1", "b1", "W2", "b2"], 1, _NET, [
        "sum((sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2) - Y)**2)", "norm(Y - sigmoid(b2 + sigmoid(b1 + X @ W1) @ W2))**2",
        "sum((1/(1 + exp(-(sigmoid(X @ W1 + b1) @ W2 + b2))) - Y)**2)",
    ]),
    "form": ("x", 1, _FORM, [
        "x @ A @ x", "sum(x*(A @ x))", "trace(A @ outer(x, x))", "einsum('i,ij,j->', x, A, x)", "x @ A.T @ x",
    ]),
    "factors, Hessian": ("U", 2, {"M": "m,n", "T": "m,n", "U": "m,k", "V": "n,k"}, [
        "sum((M*(U @ V.T - T))**2)", "norm(M*(T - U @ V.T))**2", "sum(M**2*(U @ V.T - T)**2)",
        "trace((M*(U @ V.T - T)).T @ (M*(U @ V.T - T)))",
    ]),
}  # fmt: skip


def program(text: str, wrt, order: int, declared: dict, backend: str = "numpy") -> str:
    """The statements of the emitted function, without its checks."""
    source = sd.derive(text, wrt=wrt, order=order, vars=declared).source(backend)
    body = source[source.rindex('"""') + 3 :].split("\n")
    return "\n".join(line for line in body if "_array(" not in line and "shape" not in line)


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
@pytest.mark.parametrize("name", SAME)
def test_same_program(name: str, backend: str) -> None:
    wrt, order, declared, texts = SAME[name]
    programs = {program(t, wrt, order, declared, backend) for t in texts}
    assert len(programs) == 1, "\n---\n".join(programs)


@pytest.mark.parametrize("name", ["squares", "logistic", "softmax", "net"])
def test_other_names(name: str) -> None:
    """Names that sort in another order give the same program with those names."""
    wrt, order, declared, texts = SAME[name]
    fresh = dict(zip(declared, ["Zeta", "alpha", "Q9", "m_", "B", "qq"], strict=False))

    def rename(text: str) -> str:
        return re.sub(r"\b[A-Za-z]\w*\b", lambda m: fresh.get(m.group(), m.group()), text)

    new = program(rename(texts[0]), [fresh[v] for v in wrt] if isinstance(wrt, list) else fresh[wrt], order,
                  {fresh[k]: s for k, s in declared.items()})  # fmt: skip
    old = program(texts[0], wrt, order, declared)
    assert sorted(re.findall(r"\w+", new)) == sorted(re.findall(r"\w+", rename(old)))  # terms may stand in another order
