"""The LaTeX reader means what the text reader means, refuses with a place, and reads back what the LaTeX printer writes."""

from __future__ import annotations

import numpy as np
import pytest

import symderiv as sd

LS = {"X": "n,d", "w": "d", "y": "n"}
PAIRS = [
    (r"Xw - y", "X @ w - y", LS),
    (r"\|Xw - y\|_2^2", "norm(X @ w - y)**2", LS),
    (r"\frac{1}{n} X^\top(\sigma(Xw) - y)", "X.T @ (sigmoid(X @ w) - y)/n", LS),
    (r"\sum_{i=1}^n (y_i - w^\top x_i)^2", "sum((y - X @ w)**2)", LS),
    (r"x^T A x", "x @ A @ x", {"x": "n", "A": "n,n"}),
    (r"\operatorname{tr}(A^\top B)", "sum(A*B)", {"A": "n,m", "B": "n,m"}),
    (r"\log\det A", "logdet(A)", {"A": "n,n psd"}),
    (r"\operatorname{diag}(p) - p p^\top", "diag(p) - outer(p, p)", {"p": "k"}),
    (r"\lambda \|w\|_1", "lam*norm(w, 1)", {"lam": "scalar", "w": "d"}),
    (r"A^{-1} b", "inv(A) @ b", {"A": "n,n", "b": "n"}),
    (r"\log\sum_{k=1}^K \exp(s_k)", "logsumexp(s)", {"s": "K"}),
    (r"a \odot b", "a*b", {"a": "n", "b": "n"}),
]
SIZES = {"n": 4, "d": 3, "m": 5, "k": 4, "K": 6}


def point(problem: sd.Problem, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = {}
    for v in problem.vars.values():
        x = rng.normal(size=[SIZES[str(s)] for s in v.shape])
        values[v.name] = x @ x.T + np.eye(len(x)) if v.is_a("psd") else x
    return values


@pytest.mark.parametrize(("latex", "text", "declared"), PAIRS, ids=[t for _, t, _ in PAIRS])
def test_reads_as_the_text(latex: str, text: str, declared: dict[str, str]) -> None:
    known = sd.parse(text, declared)
    values = point(known)
    np.testing.assert_allclose(sd.evaluate(sd.parse_latex(latex, declared), **values), sd.evaluate(known, **values), rtol=1e-12)


@pytest.mark.parametrize(("text", "declared"), [(t, d) for _, t, d in PAIRS], ids=[t for _, t, _ in PAIRS])
def test_what_is_written_is_read_back(text: str, declared: dict[str, str]) -> None:
    problem = sd.parse(text, declared)
    values = point(problem)
    back = sd.parse_latex(problem.expr._latex(), declared)
    np.testing.assert_allclose(sd.evaluate(back, **values), sd.evaluate(problem, **values), rtol=1e-12)


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{a}{",
        r"a + ",
        r"\unknowncommand{x}",
        r"x y",
        r"\left( x",
        "{" * 5000,
        r"\newcommand{\f}{\f\f}\f",
        "",
        r"x^{}^{}",
        "a" * 300_000,
    ],
    ids=range(10),
)
def test_refuses_with_a_code(latex: str) -> None:
    with pytest.raises(sd.SymDerivError) as caught:
        sd.parse_latex(latex, {"x": "n", "y": "n"})
    assert caught.value.code.startswith("SD")


def test_a_derivation_ends_with_the_answer_in_every_style() -> None:
    r = sd.derive("sum((sigmoid(X @ w) - y)**2)", "w", vars=LS)
    for style in ("differential", "index", "graph"):
        text = r.text(steps=True, style=style)
        assert r.text().replace(" ", "") in text.replace(" ", ""), style
