"""The problems: a text for symderiv, data, a careful person's closed form, and the same loss for JAX and PyTorch.

Every contender gets the same float64 arrays. `hand` is what a careful person writes in NumPy for the derivative; `best` the best
variant known by hand, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Data = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """One kind of work on one problem.

    Attributes:
        name: what is computed.
        text, vars, wrt: the problem as symderiv reads it.
        kind: "gradient", "hvp" or "hessian".
        sizes: size symbols to numbers, from small to large.
        data: arrays for sizes.
        hand, best: closed forms of the data.
        jax, torch: `(module) -> loss(data)`; the derivative is taken by the peer.
        expert, expand: the compressed Hessian as someone who restructures the JAX program by hand writes it, given `jax` and the data;
            and the full one from it.
        too_large: peers that are left out at the largest size, where they need more than ten gigabytes.
    """

    name: str
    text: str
    vars: dict[str, str]
    wrt: tuple[str, ...]
    kind: str
    sizes: tuple[dict[str, int], ...]
    data: Callable[[np.random.Generator, dict[str, int]], Data]
    hand: Callable[[Data], Any]
    loss: Callable[[Any, Data], Any]
    best: Callable[[Data], Any] | None = None
    too_large: tuple[str, ...] = ()
    expert: Callable[[Any, Data], Any] | None = None
    expand: Callable[[Any, Data], np.ndarray] | None = None


class Words:
    """The few words the losses need, as each library spells them."""

    def __init__(self, module: Any, logsumexp: Any, softplus: Any, sigmoid: Any, take: Any) -> None:
        self.np, self.logsumexp, self.softplus, self.sigmoid, self.take = module, logsumexp, softplus, sigmoid, take

    def relu(self, x: Any) -> Any:
        return self.np.maximum(x, self.np.zeros_like(x))


def jax_words() -> Words:
    import jax
    import jax.numpy as jnp

    def take(z, y):
        return jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]

    words = Words(jnp, lambda z: jax.scipy.special.logsumexp(z, axis=1), jax.nn.softplus, jax.nn.sigmoid, take)
    words.relu = jax.nn.relu  # type: ignore[method-assign]
    return words


def torch_words() -> Words:
    import torch

    def take(z, y):
        return z.gather(1, y[:, None])[:, 0]

    words = Words(torch, lambda z: torch.logsumexp(z, 1), torch.nn.functional.softplus, torch.sigmoid, take)
    words.relu = torch.relu  # type: ignore[method-assign]
    return words


# hand-written parts ------------------------------------------------------------------------------------------------------------
def sigmoid(z: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(z))
    return np.where(z > 0, 1, e) / (1 + e)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


def regression(rng: np.random.Generator, s: dict[str, int]) -> Data:
    X = rng.standard_normal((s["n"], s["d"]))
    w = rng.standard_normal(s["d"]) / np.sqrt(s["d"])
    return {"X": X, "w": w, "y": X @ w + rng.standard_normal(s["n"]), "v": rng.standard_normal(s["d"])}


def labels01(rng: np.random.Generator, s: dict[str, int]) -> Data:
    data = regression(rng, s)
    return {**data, "y": (data["y"] > 0).astype(float)}


def classes(rng: np.random.Generator, s: dict[str, int]) -> Data:
    X = rng.standard_normal((s["n"], s["d"]))
    W, v = (rng.standard_normal((s["d"], s["k"])) / np.sqrt(s["d"]) for _ in range(2))
    return {"X": X, "W": W, "v": v, "y": rng.integers(0, s["k"], s["n"]), "lam": 0.1}


def minus_labels(P: np.ndarray, y: np.ndarray) -> np.ndarray:
    P[np.arange(len(y)), y] -= 1
    return P


def hand_softmax(D: Data) -> np.ndarray:
    R = minus_labels(softmax(D["X"] @ D["W"]), D["y"])
    return D["X"].T @ R / len(R) + D["lam"] * D["W"]


def best_softmax(D: Data, rows: int = 1024) -> np.ndarray:
    """Class-major scores, in blocks of rows."""
    X, W, y = D["X"], D["W"], D["y"]
    G = np.zeros(W.shape[::-1])
    for i in range(0, len(X), rows):
        B, c = X[i : i + rows], y[i : i + rows]
        S = W.T @ B.T
        S -= S.max(axis=0)
        np.exp(S, out=S)
        S /= S.sum(axis=0)
        S[c, np.arange(len(c))] -= 1
        G += S @ B
    return G.T / len(X) + D["lam"] * W


def hand_svm(D: Data) -> np.ndarray:
    X, W, y = D["X"], D["W"], D["y"]
    S, rows = X @ W, np.arange(len(y))
    M = (S - S[rows, y][:, None] + 1 > 0).astype(float)
    M[rows, y] = 0
    M[rows, y] = -M.sum(axis=1)
    return X.T @ M / len(y) + D["lam"] * W


def loss_softmax(F: Words, D: Data) -> Any:
    S = D["X"] @ D["W"]
    return F.np.mean(F.logsumexp(S) - F.take(S, D["y"])) + D["lam"] / 2 * F.np.sum(D["W"] ** 2)


def loss_svm(F: Words, D: Data) -> Any:
    S = D["X"] @ D["W"]
    gap = F.relu(S - F.take(S, D["y"])[:, None] + 1)
    return F.np.sum(gap) / len(S) - 1 + D["lam"] / 2 * F.np.sum(D["W"] ** 2)


def loss_logistic(F: Words, D: Data) -> Any:
    s = D["X"] @ D["w"]
    return F.np.sum(F.softplus(s) - D["y"] * s)


# networks ------------------------------------------------------------------------------------------------------------------------
def net2_data(rng: np.random.Generator, s: dict[str, int]) -> Data:
    n, d, h, k = s["n"], s["d"], s["h"], 10
    return {
        "X": rng.standard_normal((n, d)), "W1": rng.standard_normal((d, h)) / np.sqrt(d), "b1": rng.standard_normal(h),
        "W2": rng.standard_normal((h, k)) / np.sqrt(h), "b2": rng.standard_normal(k), "Y": np.eye(k)[rng.integers(0, k, n)],
    }  # fmt: skip


def hand_net2(D: Data) -> list[np.ndarray]:
    H = sigmoid(D["X"] @ D["W1"] + D["b1"])
    P = sigmoid(H @ D["W2"] + D["b2"])
    E = 2 * (P - D["Y"]) * P * (1 - P)
    B = (E @ D["W2"].T) * H * (1 - H)
    return [D["X"].T @ B, B.sum(axis=0), H.T @ E, E.sum(axis=0)]


def loss_net2(F: Words, D: Data) -> Any:
    return F.np.sum((F.sigmoid(F.sigmoid(D["X"] @ D["W1"] + D["b1"]) @ D["W2"] + D["b2"]) - D["Y"]) ** 2)


def net3_data(rng: np.random.Generator, s: dict[str, int]) -> Data:
    n, d, h, k = s["n"], s["d"], s["h"], 10
    return {
        "X": rng.standard_normal((n, d)), "W1": rng.standard_normal((d, h)) / np.sqrt(d), "b1": rng.standard_normal(h),
        "W2": rng.standard_normal((h, h)) / np.sqrt(h), "b2": rng.standard_normal(h),
        "W3": rng.standard_normal((h, k)) / np.sqrt(h), "b3": rng.standard_normal(k), "y": rng.integers(0, k, n),
    }  # fmt: skip


def hand_net3(D: Data) -> list[np.ndarray]:
    A1 = np.maximum(D["X"] @ D["W1"] + D["b1"], 0)
    A2 = np.maximum(A1 @ D["W2"] + D["b2"], 0)
    R = minus_labels(softmax(A2 @ D["W3"] + D["b3"]), D["y"]) / len(D["y"])
    R2 = (R @ D["W3"].T) * (A2 > 0)
    R1 = (R2 @ D["W2"].T) * (A1 > 0)
    return [D["X"].T @ R1, R1.sum(axis=0), A1.T @ R2, R2.sum(axis=0), A2.T @ R, R.sum(axis=0)]


def loss_net3(F: Words, D: Data) -> Any:
    A = F.relu(F.relu(D["X"] @ D["W1"] + D["b1"]) @ D["W2"] + D["b2"])
    S = A @ D["W3"] + D["b3"]
    return F.np.mean(F.logsumexp(S) - F.take(S, D["y"]))


DEPTH = 10


def net10_data(rng: np.random.Generator, s: dict[str, int]) -> Data:
    h, n = s["h"], s["n"]
    layers = {f"W{k}": rng.standard_normal((h, h)) * np.sqrt(2 / h) for k in range(1, DEPTH + 1)}
    return {"X": rng.standard_normal((n, h)), **layers, "y": rng.integers(0, h, n)}


def _net10_backwards(D: Data) -> tuple[np.ndarray, np.ndarray]:
    """P and the Jacobians `J[n, k, h]` of the logits by the first layer's output."""
    A, masks = D["X"] @ D["W1"], []
    for k in range(2, DEPTH + 1):
        masks.append(A > 0)
        A = np.maximum(A, 0) @ D[f"W{k}"]
    n, h = A.shape
    J = np.broadcast_to(np.eye(h), (n, h, h))
    for k in range(DEPTH, 1, -1):
        J = (J @ D[f"W{k}"].T) * masks[k - 2][:, None, :]
    return softmax(A), J


def hand_net10(D: Data) -> np.ndarray:
    """`Σ_n x xᵀ ⊗ J_nᵀ (diag p - p pᵀ) J_n / n`."""
    P, J = _net10_backwards(D)
    X, (n, h) = D["X"], P.shape
    mean = np.einsum("nk,nkh->nh", P, J)
    C = (np.swapaxes(P[:, :, None] * J, 1, 2) @ J - mean[:, :, None] * mean[:, None, :]) / n
    out = (X[:, :, None] * X[:, None, :]).reshape(n, -1).T @ C.reshape(n, -1)
    return out.reshape(h, h, h, h).transpose(0, 2, 1, 3)


def loss_net10(F: Words, D: Data) -> Any:
    A = D["X"] @ D["W1"]
    for k in range(2, DEPTH + 1):
        A = F.relu(A) @ D[f"W{k}"]
    return F.np.mean(F.logsumexp(A) - F.take(A, D["y"]))


def blocks_net10(jax: Any, D: Data) -> Any:
    """Jᵀ (diag p - p pᵀ) J / n for every row, by forward and reverse mode over the layers above the first."""

    def above(a: Any) -> Any:
        for k in range(2, DEPTH + 1):
            a = jax.nn.relu(a) @ D[f"W{k}"]
        return a

    def block(x: Any) -> Any:
        a = x @ D["W1"]
        J, p = jax.jacobian(above)(a), jax.nn.softmax(above(a))
        return J.T @ (p[:, None] * J) - jax.numpy.outer(p @ J, p @ J)

    return jax.vmap(block)(D["X"]) / len(D["X"])


def full_net10(blocks: Any, D: Data) -> np.ndarray:
    return np.einsum("ni,nk,njl->ijkl", D["X"], D["X"], np.asarray(blocks), optimize=True)


NET10_VARS = {"X": "n,h", **{f"W{k}": "h,h" for k in range(1, DEPTH + 1)}, "y": "n integer"}
NET10_TEXT = "cross_entropy(" + "relu(" * (DEPTH - 1) + "X @ W1" + "".join(f") @ W{k}" for k in range(2, DEPTH + 1)) + ", y)"


# quadratic forms, factorisation ----------------------------------------------------------------------------------------------
def quadratic(rng: np.random.Generator, s: dict[str, int]) -> Data:
    return {"A": rng.standard_normal((s["n"], s["n"])), "x": rng.standard_normal(s["n"])}


def masked(rng: np.random.Generator, s: dict[str, int]) -> Data:
    m, k = s["m"], s["k"]
    U, V = rng.standard_normal((m, k)), rng.standard_normal((m, k))
    return {"T": rng.standard_normal((m, m)), "M": (rng.random((m, m)) < 0.3).astype(float), "U": U, "V": V}


def hand_masked(D: Data) -> np.ndarray:
    """One k×k block for every row of U."""
    (m, k), V = D["U"].shape, D["V"]
    H = np.zeros((m, k, m, k))
    blocks = (D["M"] ** 2 @ (V[:, :, None] * V[:, None, :]).reshape(len(V), -1)).reshape(m, k, k)
    H[np.arange(m), :, np.arange(m), :] = 2 * blocks
    return H


def blocks_masked(jax: Any, D: Data) -> Any:
    """The k×k blocks, a row at a time."""
    return jax.vmap(lambda m: 2 * (D["V"].T * m**2) @ D["V"])(D["M"])


def full_masked(blocks: Any, D: Data) -> np.ndarray:
    m, k = D["U"].shape
    H = np.zeros((m, k, m, k))
    H[np.arange(m), :, np.arange(m), :] = blocks
    return H


def hand_logistic_hessian(D: Data) -> np.ndarray:
    p = sigmoid(D["X"] @ D["w"])
    return D["X"].T @ ((p * (1 - p))[:, None] * D["X"])


def syrk_logistic_hessian(D: Data) -> np.ndarray:
    p = sigmoid(D["X"] @ D["w"])
    Z = np.sqrt(p * (1 - p))[:, None] * D["X"]
    return Z.T @ Z


def hand_softmax_hessian(D: Data) -> np.ndarray:
    """`(d, k, d, k)`: one weighted product for every pair of classes."""
    X, P = D["X"], softmax(D["X"] @ D["W"])
    n, d = X.shape
    k = P.shape[1]
    H = np.empty((d, k, d, k))
    for a in range(k):
        for b in range(a, k):
            weights = P[:, a] * ((a == b) - P[:, b]) / n
            H[:, a, :, b] = block = X.T @ (weights[:, None] * X)
            if a != b:
                H[:, b, :, a] = block
    d_, k_ = np.arange(d)[:, None], np.arange(k)[None, :]
    H[d_, k_, d_, k_] += D["lam"]
    return H


def hand_softmax_hvp(D: Data) -> np.ndarray:
    P, Q = softmax(D["X"] @ D["W"]), D["X"] @ D["v"]
    return D["X"].T @ (P * (Q - (P * Q).sum(axis=1, keepdims=True))) / len(P) + D["lam"] * D["v"]


def hand_logistic_hvp(D: Data) -> np.ndarray:
    p = sigmoid(D["X"] @ D["w"])
    return D["X"].T @ (p * (1 - p) * (D["X"] @ D["v"]))


_REG = {"X": "n,d", "w": "d", "y": "n"}
_CLS = {"X": "n,d", "W": "d,k", "y": "n integer", "lam": "scalar"}
_LOGISTIC = "sum(softplus(X @ w) - y*(X @ w))"
_SOFTMAX = "cross_entropy(X @ W, y) + lam/2*sum(W**2)"
_SVM = "hinge(X @ W, y) + lam/2*sum(W**2)"
_REGRESSIONS = ({"n": 200, "d": 20}, {"n": 2000, "d": 200}, {"n": 20000, "d": 1000})
_CLASSES = ({"n": 2000, "d": 200, "k": 10}, {"n": 10000, "d": 784, "k": 10})

WORKS = (
    Work("linear regression", "sum((X @ w - y)**2)", _REG, ("w",), "gradient", _REGRESSIONS, regression,
         lambda D: 2 * (D["X"].T @ (D["X"] @ D["w"] - D["y"])), lambda F, D: F.np.sum((D["X"] @ D["w"] - D["y"]) ** 2)),
    Work("logistic regression", _LOGISTIC, _REG, ("w",), "gradient", _REGRESSIONS, labels01,
         lambda D: D["X"].T @ (sigmoid(D["X"] @ D["w"]) - D["y"]), loss_logistic),
    Work("softmax regression + L2", _SOFTMAX, _CLS, ("W",), "gradient", _CLASSES, classes, hand_softmax, loss_softmax, best_softmax),
    Work("multiclass SVM + L2", _SVM, _CLS, ("W",), "gradient", _CLASSES, classes, hand_svm, loss_svm),
    Work("2-layer sigmoid net", "sum((sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2) - Y)**2)",
         {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "b2": "k", "Y": "n,k"}, ("W1", "b1", "W2", "b2"), "gradient",
         ({"n": 1000, "d": 200, "h": 100}, {"n": 10000, "d": 784, "h": 256}), net2_data, hand_net2, loss_net2),
    Work("3-layer ReLU net + CE", "cross_entropy(relu(relu(X @ W1 + b1) @ W2 + b2) @ W3 + b3, y)",
         {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,h", "b2": "h", "W3": "h,k", "b3": "k", "y": "n integer"},
         ("W1", "b1", "W2", "b2", "W3", "b3"), "gradient",
         ({"n": 1000, "d": 200, "h": 128}, {"n": 10000, "d": 784, "h": 256}), net3_data, hand_net3, loss_net3),
    Work("quadratic form", "x @ A @ x", {"A": "n,n", "x": "n"}, ("x",), "gradient", ({"n": 500}, {"n": 5000}), quadratic,
         lambda D: D["A"] @ D["x"] + D["A"].T @ D["x"], lambda F, D: D["x"] @ D["A"] @ D["x"]),
    Work("logistic regression", _LOGISTIC, _REG, ("w",), "hvp", _REGRESSIONS[1:], labels01, hand_logistic_hvp, loss_logistic),
    Work("softmax regression + L2", _SOFTMAX, _CLS, ("W",), "hvp", _CLASSES, classes, hand_softmax_hvp, loss_softmax),
    Work("quadratic form", "x @ A @ x", {"A": "n,n", "x": "n"}, ("x",), "hessian", ({"n": 1000}, {"n": 3000}), quadratic,
         lambda D: D["A"] + D["A"].T, lambda F, D: D["x"] @ D["A"] @ D["x"]),
    Work("logistic regression", _LOGISTIC, _REG, ("w",), "hessian", ({"n": 2000, "d": 200}, {"n": 10000, "d": 1000}), labels01,
         hand_logistic_hessian, loss_logistic, syrk_logistic_hessian),
    Work("softmax regression + L2", _SOFTMAX, _CLS, ("W",), "hessian", ({"n": 1000, "d": 50, "k": 10}, {"n": 4000, "d": 200, "k": 10}),
         classes, hand_softmax_hessian, loss_softmax),
    Work("masked factorisation in U", "sum((M*(U @ V.T - T))**2)", {"M": "m,n", "T": "m,n", "U": "m,k", "V": "n,k"}, ("U",), "hessian",
         ({"m": 150, "k": 5}, {"m": 400, "k": 5}), masked, hand_masked, lambda F, D: F.np.sum((D["M"] * (D["U"] @ D["V"].T - D["T"])) ** 2), too_large=("torch",),
         expert=blocks_masked, expand=full_masked),
    Work("10-layer ReLU net + CE in W1", NET10_TEXT, NET10_VARS, ("W1",), "hessian", ({"h": 16, "n": 16}, {"h": 64, "n": 32}),
         net10_data, hand_net10, loss_net10, expert=blocks_net10, expand=full_net10),
)  # fmt: skip
