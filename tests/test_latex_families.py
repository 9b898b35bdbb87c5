r"""Declarations of one of many, labels, sets, vectors with dots: what notes declare and how it is read."""

from __future__ import annotations

import pytest

from symderiv.errors import SymDerivError
from symderiv.read.latex import parse_latex, read_latex

LOSS = r"L_i = \sum_{j\neq y_i} \max(0, w_j^T x_i - w_{y_i}^T x_i + \Delta)"
SVM = {"w_j": "D", "x_i": "D", "y_i": "scalar", r"\Delta": "scalar"}


@pytest.mark.parametrize(
    ("latex", "declared", "text"),
    [
        (r"-\frac{1}{m} \sum_{i=1}^m y^{(i)} \log(\hat{y}^{(i)})", {"y^{(i)}": "scalar", "m": "scalar"},
         "-sum(y[i]*log(y_hat[i]) for i in range(m))/m"),
        (r"\sum_{i=1}^m (\theta^\top x^{(i)} - y^{(i)}) x_j^{(i)}, \quad j = 1", {"x^{(i)}": "d", "y^{(i)}": "scalar"}, None),
        (r"\sum_{i=1}^m \sum_{k=1}^K y_k^{(i)}\log p_k^{(i)}", {"y^{(i)}": "K", "p^{(i)}": "K"},
         "sum(sum(y[i, k]*log(p[i, k]) for k in range(K)) for i in range(m))"),
        (LOSS, SVM, "sum(maximum(0, w[j, :] @ x_i - w[y_i, :] @ x_i + Delta) for j in range(n) if j != y_i)"),
        (r"-\log\frac{e^{f_{y_i}}}{\sum_j e^{f_j}}", {"f": "C", "y_i": "scalar"},
         "-log(exp(f[y_i])/sum(exp(f[j]) for j in range(C)))"),
        (r"f_o", {"f": "V", "o": "scalar"}, "f[o]"),
        (r"\begin{bmatrix} x_1^2 \\ x_2^2 \\ \vdots \\ x_n^2 \end{bmatrix}", {"x": "n"}, "x**2"),
        (r"\sum_{i \in \{1, \dots, n\}} x_i", {"x": "n"}, "sum(x[i] for i in range(n))"),
        (r"\sum_{i \in [n]} x_i", {"x": "n"}, "sum(x[i] for i in range(n))"),
        (r"\frac{1}{|B|}\sum_{i \in B} x_i", {"x": "n"}, "sum(x[i] for i in range(n))/n"),
        (r"\sqrt{\sigma^2 + \epsilon}", {r"\sigma^2": "scalar"}, "sqrt(sigma2 + epsilon)"),
        (r"x_i^\top y_i", {"x_i": "d", "y_i": "d"}, "x_i @ y_i"),
    ],
)  # fmt: skip
def test_reads(latex: str, declared: dict[str, str], text: str | None) -> None:
    if text is None:
        with pytest.raises(SymDerivError):
            parse_latex(latex, declared)
    else:
        assert str(parse_latex(latex, declared).expr) == text


@pytest.mark.parametrize(
    ("latex", "declared"),
    [
        (r"a f_a", {"f": "V", "a": "scalar"}),  # a label and a number at once
        (r"\sum_{i \in S} x_i", {"x": "n", "S": "n"}),  # a declared array is no set
        (
            r"\begin{bmatrix} x_1 \\ \vdots \\ y_n \end{bmatrix}",
            {"x": "n", "y": "n"},
        ),  # the entries differ by more than their number
        (r"\begin{bmatrix} x_1 \\ x_3 \\ \vdots \\ x_n \end{bmatrix}", {"x": "n"}),
        (r"J + 1", {}),  # a matrix only by its letter
        (r"x^{(i)} + 1", {"x": "d"}),  # nothing binds i
        (r"\sum_{i=1}^n z_i \boldsymbol{q}^{(i)}", {"z": "n"}),  # bold: a vector for every i, of what size?
    ],
)
def test_refuses(latex: str, declared: dict[str, str]) -> None:
    with pytest.raises(SymDerivError) as found:
        parse_latex(latex, declared)
    assert found.value.span is not None


def test_one_of_many_is_free_on_the_left_side() -> None:
    d = read_latex(r"\nabla_{w_j} L_i = 1(w_j^Tx_i - w_{y_i}^Tx_i + \Delta > 0) x_i", SVM)
    assert [str(i) for i, _ in d.main.entries] == ["j"]
    assert d.main.derivative is not None and d.main.derivative.variable == "w"
    assert any("w_j is declared: one for each j" in a for a in d.assumptions)


def test_what_the_text_does_not_number_stays_a_name() -> None:
    d = read_latex(r"\frac{\partial L}{\partial w} = (p_i - y_i) x_i", {"x_i": "d", "y_i": "scalar", "p_i": "scalar", "w": "d"})
    assert {"x_i", "y_i", "p_i"} <= set(d.vars)
    assert str(d.main.right[0].words) == "(p_i - y_i)*x_i"


def test_iteration_in_brackets() -> None:
    d = read_latex(r"M(t+1) = \lambda M(t) - \mu \theta(t)", {"M": "p", r"\theta": "p", r"\lambda": "scalar", r"\mu": "scalar"})
    assert d.main.kind == "update" and str(d.main.right[0].words) == "lam*M - mu*theta"


def test_the_step_before_is_another_array() -> None:
    d = read_latex(r"w_{t+1} = w_t + \beta(w_t - w_{t-1})", {"w": "d"})
    assert "w_t_minus_1" in d.vars and d.vars["w_t_minus_1"].shape == d.vars["w"].shape
