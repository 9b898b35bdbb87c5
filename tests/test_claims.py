"""Claims as people write them, about losses of many kinds: right in any spelling, wrong for the reason that is named."""

from __future__ import annotations

import pytest

import symderiv as sd

Vars = dict[str, str]
GLM: Vars = {"X": "n,d", "w": "d", "y": "n"}
REG: Vars = {**GLM, "lam": "scalar"}
POISSON = "sum(exp(X @ w) - y*(X @ w))"
LOGISTIC = "-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))/n + lam/2*(w @ w)"
HINGE = "mean(maximum(0, 1 - y*(X @ w)))"
GAUSS: Vars = {"X": "n,d", "m": "d", "S": "d,d psd"}
NORMAL = "0.5*sum((X[i] - m) @ inv(S) @ (X[i] - m) for i in range(n)) + n/2*logdet(S)"
MF: Vars = {"R": "n,m", "U": "n,k", "V": "m,k"}
FACTORS = "norm(R - U @ V.T)**2"
ATTENTION: Vars = {"Q": "n,d", "K": "m,d", "V": "m,p", "G": "n,p"}
ATTENDED = "sum(G*(softmax(Q @ K.T/sqrt(d), axis=1) @ V))"
NET: Vars = {"W1": "h,d", "b1": "h", "w2": "h", "x": "d", "y": "scalar"}
TWO_LAYERS = "0.5*(w2 @ sigmoid(W1 @ x + b1) - y)**2"
AUTO: Vars = {"x": "d", "W": "h,d", "V": "d,h"}
ENCODER = "0.5*norm(V @ tanh(W @ x) - x)**2"
SM: Vars = {"x": "n"}

# loss, wrt, declarations, kind, claim (in LaTeX where it has a backslash)
CLAIMS: list[tuple[str, str, Vars, str, str]] = [
    (POISSON, "w", GLM, "right", r"\sum_{i} (\mu_i - y_i) x_i,\quad \mu_i = e^{w^T x_i}"),
    (POISSON, "w", GLM, "right", r"w_j \leftarrow w_j + \alpha \sum_i (y_i - e^{x_i^\top w}) x_{ij}"),
    (POISSON, "w", GLM, "index", r"\frac{\partial L}{\partial w_j} = \sum_i (e^{x_i^\top w} - y_i) x_{ji}"),
    (POISSON, "w", GLM, "index", "g[j] = sum((exp(X[i] @ w) - y[j])*X[i, j] for i in range(n))"),
    (POISSON, "w", GLM, "shape", r"(e^{w^\top x_i} - y_i)x_i"),
    (LOGISTIC, "w", REG, "right", r"w \leftarrow (1-\alpha\lambda)w - \frac{\alpha}{n} X^\top(\sigma(Xw)-y)"),
    (LOGISTIC, "w", REG, "right",
     r"w_j := w_j - \alpha[\frac1n\sum_i (h(x_i) - y_i)x_{ij} + \lambda w_j],\ h(x) = \sigma(w^\top x)"),
    (LOGISTIC, "w", REG, "right", r"\lambda w - \frac1n\sum_i (y_i\sigma(-w^\top x_i) - (1-y_i)\sigma(w^\top x_i))x_i"),
    (LOGISTIC, "w", REG, "sign", r"w \leftarrow (1+\alpha\lambda)w - \frac{\alpha}{n} X^\top(\sigma(Xw)-y)"),
    (LOGISTIC, "w", REG, "extra_factor", r"\frac1n X^\top((p - y)\odot p\odot(1-p)) + \lambda w,\ p = \sigma(Xw)"),
    (HINGE, "w", GLM, "right", r"\frac1n\sum_i \begin{cases} 0 & y_i w^\top x_i \ge 1\\ -y_i x_i & \text{else}\end{cases}"),
    (HINGE, "w", GLM, "missing_factor", r"-\frac1n\sum_{i} y_i x_i"),
    (NORMAL, "S", GAUSS, "right", r"\frac{n}{2}(S^{-1} - S^{-1} C S^{-1}),\quad C = \frac1n\sum_i (x_i - m)(x_i-m)^\top"),
    (NORMAL, "m", GAUSS, "right", r"-S^{-1} (X - \mathbf 1 m^\top)^\top \mathbf 1"),
    (FACTORS, "U", MF, "right", r"\frac{\partial L}{\partial u_i} = -2\sum_j (R_{ij} - u_i^\top v_j)v_j"),
    (FACTORS, "U", MF, "right", r"\frac{\partial L}{\partial U_{:,k}} = -2(R - UV^\top)V_{:,k}"),
    (FACTORS, "U", MF, "right", r"\frac{\partial L}{\partial U_{1k}} = -2\sum_j (R_{1j} - \sum_l U_{1l}V_{jl})V_{jk}"),
    (ATTENDED, "V", ATTENTION, "missing_factor", r"P^\top G,\ P = \mathrm{softmax}(QK^\top)"),
    (ATTENDED, "Q", ATTENTION, "missing_factor",
     "P = softmax(Q @ K.T/sqrt(d), axis=1); A = G @ V.T; (P*(A - sum(P*A, axis=1, keepdims=True))) @ K"),
    (TWO_LAYERS, "W1", NET, "right", r"e\,(w_2 \odot \sigma'(z))x^\top,\ z = W_1x+b_1,\ e = w_2^\top \sigma(z) - y"),
    (TWO_LAYERS, "W1", NET, "missing_factor", r"e\,w_2 x^\top,\ e = w_2^\top\sigma(W_1x+b_1) - y"),
    (ENCODER, "V", AUTO, "shape", r"(Vh - x)h,\ h=\tanh(Wx)"),
    (ENCODER, "V", AUTO, "shape", r"(Vh - x)x^\top,\ h=\tanh(Wx)"),
    (ENCODER, "W", AUTO, "missing_factor", r"\left((Vh-x)\odot(1-h\odot h)\right)x^\top,\ h=\tanh(Wx)"),
    ("logsumexp(K @ q/t) - K[y] @ q/t", "q", {"q": "d", "K": "n,d", "t": "scalar positive", "y": "scalar integer"}, "factor",
     "K.T @ (softmax(K @ q/t) - onehot(y, n))*t"),
    ("maximum(0, norm(a - p)**2 - norm(a - q)**2 + t)", "a", {"a": "d", "p": "d", "q": "d", "t": "scalar positive"},
     "missing_factor",
     "2*(q - p)"),
    ("0.5*(sigmoid(w*x + b) - t)**2", "w", dict.fromkeys("wxbt", "scalar"), "missing_factor", r"(a - t)x,\ a = \sigma(wx+b)"),
    ("-sum(Y*log_softmax(X @ W + b, axis=1))/n", "b", {"X": "n,d", "W": "d,k", "b": "k", "Y": "n,k onehot"}, "right",
     r"\frac{\partial L}{\partial b_c} = \frac1n\sum_i (p_{ic} - y_{ic}),\ p = \mathrm{softmax}(XW + \mathbf 1 b^\top)"),
    ("-sum(Y*log_softmax(X @ W + b, axis=1))/n", "b", {"X": "n,d", "W": "d,k", "b": "k", "Y": "n,k onehot"}, "index",
     "sum(softmax(X @ W + b, axis=1) - Y, axis=1)/n"),
    ("softmax(x)", "x", SM, "right",
     r"\frac{\partial p_i}{\partial x_j} = -p_ip_j \text{ if } i \neq j,\ p = \mathrm{softmax}(x)"),
    ("softmax(x)", "x", SM, "right", r"\frac{\partial p_i}{\partial x_i} = p_i(1-p_i),\ p = \mathrm{softmax}(x)"),
    ("softmax(x)", "x", SM, "right", r"\frac{\partial p_1}{\partial x_2} = -p_1 p_2,\ p = \mathrm{softmax}(x)"),
    ("softmax(x)", "x", SM, "sign", r"\frac{\partial p_i}{\partial x_j} = p_ip_j \quad (i \neq j),\quad p = \mathrm{softmax}(x)"),
    ("sum((X @ w - y)**2)", "w", GLM, "right", "dL/dw[0] = 2*sum((X[i] @ w - y[i])*X[i, 0] for i in range(n))"),
    ("sum((X @ w - y)**2)", "w", GLM, "right", r"\partial L/\partial w_1 = 2\sum_i (x_i^\top w - y_i) x_{i1}"),
    ("sum((X @ w - y)**2)", "w", GLM, "index", r"\partial L/\partial w_2 = 2\sum_i (x_i^\top w - y_i) x_{i1}"),
    ("mean((X @ w - y)**2)", "w", GLM, "sign", "2*X.T @ (X @ w + y)"),
    ("-sum(log(p)*t)", "p", {"p": "k positive", "t": "k"}, "right", r"-\frac{t_k}{p_k}"),  # k: the size, and here an index
    ("sum((X @ w - y)**2)", "w", GLM, "right", r"\boxed{\partial_w L = 2X^\top(Xw-y)}"),
    ("sum((X @ w - y)**2)", "w", GLM, "right", r"\nabla_w L = \nabla_w \frac12 \|Xw - y\|^2 \cdot 2 = 2X^\top(Xw-y)"),
    ("x @ A @ x", "x", {"A": "n,n", "x": "n"}, "right", r"\nabla_x x^\top A x = (A + A^\top)x"),
    ("sum((X @ w - y)**2)", "w", GLM, "right", r"\frac{\partial L}{\partial \vec w} = 2X^\top(X\vec w - y)"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "wrt", "declared", "kind", "claim"), CLAIMS)
def test_kinds(loss: str, wrt: str, declared: Vars, kind: str, claim: str) -> None:
    how = {"claim_latex" if "\\" in claim else "claim": claim}
    verdict = sd.verify(loss, wrt, vars=declared, **how)  # type: ignore[arg-type]
    assert verdict.kind == kind, str(verdict)
    assert verdict.ok is (kind == "right")
    if verdict.ok is False:
        assert verdict.correct is not None and verdict.decided_by
        assert verdict.counterexample is not None or verdict.decided_by == "the shapes"


# rules of several parts --------------------------------------------------------------------------------------------------------
LEAST = "sum((X @ w - y)**2)"
G = "2*X.T @ (X @ w - y)"


@pytest.mark.parametrize(
    ("rule", "kind", "said"),
    [
        (f"v <- b*v + {G}; w <- w - a*v", "right", "momentum, w minus a times"),
        (f"v = 0.9*v + {G}; w = w - 0.1*v", "right", "momentum"),
        (f"v <- b*v - a*{G}; w <- w + v", "right", "momentum"),
        (f"m <- b*m + (1 - b)*g; g = {G}; w <- w - a*m", "right", "a*(1 - b) times"),
        ("v <- b*v - a*2*X.T @ (X @ (w + b*v) - y); w <- w + v", "right", "momentum"),
        ("r = X @ w - y; v <- b*v + X.T @ r; w <- w - a*v", "factor", "2"),
        (f"v <- b*v + {G}; w <- w + a*v", "sign", "climbs"),
        (f"v <- -b*v + {G}; w <- w - a*v", "sign", "momentum term"),
        (f"w <- w - a*({G} + c*w)", "right", "weight decay"),
        (f"w <- (1 + a*c)*w - a*{G}", "sign", "weight decay"),
        (f"w <- w - a*{G}/sqrt(s + e)", "right", "the step"),
        (f"s <- b*s + (1 - b)*({G})**2; w <- w - a*{G}/sqrt(s + e)", "not_understood", "buffers"),
        (r"v_{t+1} = \mu v_t - \epsilon \nabla L(w_t + \mu v_t),\quad w_{t+1} = w_t + v_{t+1}", "right", "momentum"),
        (r"w^{(t+1)} = w^{(t)} - \eta \nabla_w L(w^{(t)}) + \beta(w^{(t)} - w^{(t-1)})", "right", "momentum"),
        (r"w^{(t+1)} = w^{(t)} - \eta \nabla_w L(w^{(t)}) - \beta(w^{(t)} - w^{(t-1)})", "sign", "momentum term"),
        (r"w \leftarrow w - \alpha\sum_{i\in \mathcal{B}} 2(x_i^\top w - y_i)x_i", "right", "alpha"),
        (r"w \leftarrow w - \frac{\alpha}{|B|}\sum_{i\in B} 2(x_i^\top w - y_i)x_i", "mean_or_sum", "1/n"),
        (r"w \leftarrow w - 2\alpha(w^\top x_i - y_i)x_i", "right", "stochastic"),
        (r"w \leftarrow w + 2\alpha(w^\top x_i - y_i)x_i", "sign", "climbs"),
        (r"\nabla L(2w) = 4 X^\top (2Xw - y)", "not_understood", "another place"),
    ],
)
def test_rules(rule: str, kind: str, said: str) -> None:
    how = {"claim_latex" if "\\" in rule else "claim": rule}
    verdict = sd.verify(LEAST, "w", vars=GLM, **how)  # type: ignore[arg-type]
    assert verdict.kind == kind, str(verdict)
    assert said in verdict.message


def test_places_hold_their_brackets() -> None:
    verdict = sd.verify("sum((X @ w - y)**2)", "w", "X.T @ (X @ w - y)", vars=GLM)
    assert verdict.span is not None
    assert verdict.span.source[verdict.span.start : verdict.span.stop] == "X.T @ (X @ w - y)"
    extra = sd.verify("0.5*sum((X @ w - y)**2)", "w", "X.T @ (X @ w - y) + w", vars=GLM)
    assert extra.span is not None and extra.span.start == len("X.T @ (X @ w - y) + ")


def test_sizes_that_nobody_declared_are_no_names_for_a_claim() -> None:
    verdict = sd.verify("mean((X @ w - y)**2)", "w", "2/n*X.T @ (X @ w - y)")
    assert verdict.kind == "not_understood" and "made up" in verdict.message


def test_whole_sizes_as_coefficients_are_exact() -> None:
    verdict = sd.verify("sum((x - mu)**2)/2", "mu", vars={"x": "n", "mu": "scalar"}, claim_latex=r"n\mu - \sum_i x_i")
    assert verdict.ok, str(verdict)


def test_html() -> None:
    text = sd.verify("x @ A @ x", "x", "2*A @ x", vars={"A": "n,n", "x": "n"}).html()
    assert "<math>" in text and "symmetric" in text and "<script" not in text
