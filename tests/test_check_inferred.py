"""Documents that declare little: what follows from the rest is taken as meant, and nothing is judged that says nothing."""

from __future__ import annotations

import pytest

from symderiv.check import check_document

NETWORK = r"""
Consider the network $h = \tanh(W_1 x + b_1)$, $\hat y = W_2 h + b_2$ with loss $L = \frac12 \|\hat y - y\|^2$, where
$x \in \mathbb{R}^d$, $h\in\mathbb{R}^m$ and $y\in\mathbb{R}^k$.

$$\delta_2 = \frac{\partial L}{\partial \hat y} = \hat y - y$$
$$\frac{\partial L}{\partial W_2} = \delta_2 h^\top$$
$$\frac{\partial L}{\partial b_2} = \delta_2$$
$$\delta_1 = \frac{\partial L}{\partial b_1} = (W_2^\top \delta_2) \odot (1 - h \odot h)$$
$$\frac{\partial L}{\partial W_1} = \delta_1 x^\top$$
"""
RIDGE = r"""
Let $X \in \mathbb{R}^{n\times d}$ be the data, $w \in \mathbb{R}^d$ and $y \in \mathbb{R}^n$. We minimise
$$ L(w) = \frac{1}{2n}\|Xw - y\|_2^2 + \frac{\lambda}{2}\|w\|^2. $$
$$ \nabla_w L = \frac{1}{n} X^\top (Xw - y) + \lambda w $$
"""
GAUSSIAN = r"""
The log likelihood of $x_1, \dots, x_n \in \mathbb{R}^d$ is
$$\ell(\mu, \Sigma) = -\frac n2 \log\det\Sigma - \frac12\sum_{i=1}^n (x_i - \mu)^\top \Sigma^{-1}(x_i - \mu)$$
$$\nabla_\mu \ell = \Sigma^{-1}\sum_{i=1}^n (x_i - \mu)$$
"""


@pytest.mark.parametrize("text", [NETWORK, RIDGE, GAUSSIAN], ids=["network", "ridge", "gaussian"])
def test_right(text: str) -> None:
    report = check_document(text)
    assert not report.findings
    assert {r.status for r in report.relations} <= {"right", "defined"}


@pytest.mark.parametrize(
    "text, old, new",
    [
        (NETWORK, r"= \delta_1 x^\top", r"= x \delta_1^\top"),
        (NETWORK, r"= \delta_1 x^\top", r"= 3 \delta_1 x^\top"),
        (NETWORK, r"= \delta_1 x^\top", r"= \delta_1 x^\top + W_1"),
        (NETWORK, r"(1 - h \odot h)", r"(1 - h)"),
        (NETWORK, r"= \delta_2 h^\top", r"= h \delta_2^\top"),
        (RIDGE, r"+ \lambda w", r"+ 2 \lambda w"),
        (RIDGE, r"\frac{1}{n} X", r"\frac{2}{n} X"),
        (GAUSSIAN, r"= \Sigma^{-1}\sum", r"= -\Sigma^{-1}\sum"),
    ],
)
def test_wrong(text: str, old: str, new: str) -> None:
    assert text.count(old) == 1
    wrong = text.replace(old, new)
    report = check_document(wrong)
    assert [wrong[f.start : f.stop].strip() for f in report.findings] and all(
        wrong.index(new) - 60 < f.start < wrong.index(new) + len(new) for f in report.findings
    )


def test_zero_is_no_proof() -> None:
    """A loss that does not depend on the variable says nothing about what is written for its derivative."""
    text = r"""
Let $x \in \mathbb{R}^d$, $y \in \mathbb{R}^d$ and $L = \|x - y\|^2$.
$$\delta = \frac{\partial L}{\partial c}$$
$$\frac{\partial L}{\partial w} = 5 \delta$$
"""
    report = check_document(text)
    assert not [r for r in report.relations if r.status == "right"]


@pytest.mark.parametrize(
    "text",
    [
        r"PCA minimises $\|X - X w w^\top\|_F^2$. As $w^\top w = 1$,"
        "\n"
        r"\[ \|X - Xww^\top\|_F^2 = \operatorname{tr}(X^\top X) - w^\top X^\top X w. \]",
        r"\[ H = \sum_{n=1}^N y_n \mathbf{x}_n\mathbf{x}_n^T = \mathbf{X}^T\mathbf{R}\mathbf{X} \] where $\mathbf{R}$ is diagonal.",
        r"Let $A(\eta) = \log \sum_{k=1}^K e^{\eta_k}$."
        "\n"
        r"\[ \frac{\partial A}{\partial \eta_j} = \frac{e^{\eta_j}}{\sum_k e^{\eta_k}} = p_j, \qquad p_j > 0 \]",
    ],
    ids=["a condition in prose", "sizes that nobody gives", "a name for the result"],
)
def test_nothing_is_accused_that_the_text_makes_right(text: str) -> None:
    assert not check_document(text).findings
