r"""What authors leave unsaid: models behind `\hat y`, undefined functions, conventions, conditions beside a formula. A relation that holds
under something usual is right and says so; with a mistake in it it is never right, and never is a right one called wrong."""

from __future__ import annotations

import pytest

from symderiv.check import check_document
from symderiv.check.report import text

# (document, declarations, right text -> wrong text, what is assumed, whether the mistake is certain)
UNSAID = {
    "logistic regression": (
        r"\[ C = -\frac{1}{m} \sum_{i=1}^m \big[ t^{(i)} \log \hat t^{(i)} + (1 - t^{(i)}) \log (1 - \hat t^{(i)}) \big] \]"
        r"\[ \frac{\partial C}{\partial u_j} = \frac{1}{m} \sum_{i=1}^m (\hat t^{(i)} - t^{(i)}) x_j^{(i)} \]",
        r"u: d; x^{(i)}: d; t^{(i)}: scalar",
        (r"^m (\hat t^{(i)} - t", r"^m (\hat t^{(i)} + t"),
        "t_hat = sigmoid(x @ u)",
        False,
    ),
    "hypothesis": (
        r"\[ J(\beta) = \frac{1}{2} (h_\beta(x) - y)^2, \qquad \frac{\partial}{\partial \beta_j} J(\beta) = (h_\beta(x) - y) x_j \]",
        r"\beta: n; x: n; y: scalar",
        (r"= (h_\beta(x) - y) x_j", r"= (y - h_\beta(x)) x_j"),
        "h_beta = x @ beta",
        False,
    ),
    "softmax and targets": (
        r"\[ E = -\sum_{k=1}^K t_k \log p_k, \qquad \frac{\partial E}{\partial s_i} = -\sum_{k=1}^K \frac{t_k}{p_k} \frac{\partial p_k}{\partial s_i}"
        r" = p_i - t_i \]",
        "t: K; p: K; s: K",
        (r"= p_i - t_i", r"= p_i + t_i"),
        "p = softmax(s)",
        False,
    ),
    "a letter for the sum": (
        r"\[ q_i = \frac{e^{s_i}}{Z}, \qquad \frac{\partial q_i}{\partial s_i} = \frac{e^{s_i}}{Z} \frac{Z - e^{s_i}}{Z} \]",
        "s: n; Z: scalar",
        (r"\frac{Z - e^{s_i}}{Z}", r"\frac{Z + e^{s_i}}{Z}"),
        "Z = sum(exp(s))",
        False,
    ),
    "an undefined loss": (
        r"\[ z = W a + b, \qquad \frac{\partial L}{\partial W} = \frac{\partial L}{\partial z} a^\top \]",
        "W: m,n; a: n; b: m",
        (r"\frac{\partial L}{\partial z} a^\top", r"a \left(\frac{\partial L}{\partial z}\right)^\top"),
        "L depends on W through what it is differentiated by alone",
        False,
    ),
    "a row and a column": (
        r"\[ L_i = \sum_{j \neq c_i} \max(0, r_i v_j - r_i v_{c_i} + 1), \qquad"
        r" \nabla_{v_{c_i}} L_i = -\Big( \sum_{j \neq c_i} \mathbb{1}(r_i v_j - r_i v_{c_i} + 1 > 0) \Big) r_i \]",
        "v_j: d; r_i: d; c_i: scalar",
        (r"= -\Big(", r"= \Big("),
        "two vectors side by side are their inner product",
        False,
    ),
    "any function": (
        r"\[ \frac{\partial}{\partial w_j} g(w^\top x)^3 = 3 g(w^\top x)^2 g'(w^\top x) x_j \]",
        "w: n; x: n",
        (r"= 3 g", r"= 2 g"),
        "",
        False,
    ),
    "the product rule": (
        r"\[ \frac{d}{dt} \left[ u(t) v(t) \right] = u'(t) v(t) + u(t) v'(t) \]",
        "t: scalar",
        (r"v(t) + u(t)", r"v(t) - u(t)"),
        "",
        False,
    ),
    "distinct indices in the text": (
        r"Let \( p_i = e^{s_i} / \sum_k e^{s_k} \). For \( i \neq j \) we have \[ \frac{\partial p_i}{\partial s_j} = -p_i p_j \]",
        "s: n",
        (r"= -p_i p_j", r"= p_i p_j"),
        "i ≠ j, as the text says",
        True,
    ),
    "distinct indices behind the formula": (
        r"\[ L = \sum_{j \ne c} \max(0, s_j - s_c + 1), \quad \frac{\partial L}{\partial s_j} = \mathbb{1}(s_j - s_c + 1 > 0) \quad (j \ne c) \]",
        "s: n; c: scalar integer",
        (r"= \mathbb{1}", r"= -\mathbb{1}"),
        "j ≠ c, as the text says",
        True,
    ),
    "an array called T": (
        r"\[ E = \frac12 \|H W - T\|_F^2, \qquad \frac{\partial E}{\partial W} = H^T (H W - T) \]",
        "H: n,h; W: h,k; T: n,k",
        (r"= H^T (H W - T)", r"= H^T (T - H W)"),
        "",
        True,
    ),
    "angle brackets": (
        r"\[ \frac{\partial}{\partial X} <X B, X B>_F = 2 X B B^T, \qquad f(X) = \langle A, X^T X \rangle_F, \qquad \nabla_X f = X (A + A^T) \]",
        "X: m,n; B: n,k; A: n,n",
        (r"= 2 X B B^T", r"= X B B^T"),
        "",
        True,
    ),
    "layers above": (
        r"\[ z_i^l = \sum_j w_{ij}^l a_j^{l-1} + b_i^l, \qquad \frac{\partial z_i^l}{\partial w_{ij}^l} = a_j^{l-1} \]",
        "w^l: m,n; a^{l-1}: n; b^l: m",
        (r"} = a_j^{l-1}", r"} = 2 a_j^{l-1}"),
        "",
        True,
    ),
    "a gradient by numbers": (
        r"\[ f(a, b) = \frac{1}{n} \sum_{i=1}^n (y_i - a x_i - b)^2, \quad \nabla f(a, b) ="
        r" \begin{bmatrix} \frac{1}{n} \sum_{i=1}^n -2 x_i (y_i - a x_i - b) \\ \frac{1}{n} \sum_{i=1}^n -2 (y_i - a x_i - b) \end{bmatrix} \]",
        "a: scalar; b: scalar; x_i: scalar; y_i: scalar",
        (r"-2 (y_i - a", r"-2 (y_i + a"),
        "",
        True,
    ),
    "a logarithm that is defined": (
        r"\[ \log p(x \mid \mu) = -\frac{(x - \mu)^2}{2 \sigma^2} - \log \sigma^2, \qquad"
        r" \frac{\partial \log p}{\partial \sigma^2} = \frac{(x - \mu)^2}{2 \sigma^4} - \frac{1}{\sigma^2} \]",
        r"x: scalar; \mu: scalar; \sigma^2: scalar",
        (r"{2 \sigma^4}", r"{\sigma^4}"),
        "",
        True,
    ),
    "the vector of a label": (
        r"\[ J = -c_o^\top v + \log \sum_{w=1}^V \exp(c_w^\top v), \qquad"
        r" \frac{\partial J}{\partial v} = -c_o + \frac{\sum_{w=1}^V \exp(c_w^\top v) c_w}{\sum_{w=1}^V \exp(c_w^\top v)} \]",
        "c_w: d; v: d; o: scalar integer",
        (r"v} = -c_o", r"v} = c_o"),
        "",
        True,
    ),
    "an equation and its multiple": (
        r"\[ J = w^\top S w - \lambda (w^\top w - 1), \quad \nabla_w J = 2 S w - 2 \lambda w = 0 \implies S w = \lambda w \]",
        r"S: n,n symmetric; w: n; \lambda: scalar",
        (r"S w = \lambda w", r"S w = 2 \lambda w"),
        "",
        False,
    ),
    "decay": (
        r"\[ W \leftarrow W - \alpha \frac{\partial J}{\partial W} - \alpha \lambda W = (1 - \alpha \lambda) W - \alpha \frac{\partial J}{\partial W} \]",
        r"W: p; \alpha: scalar; \lambda: scalar",
        (r"= (1 - \alpha", r"= (1 + \alpha"),
        "",
        False,
    ),
    "an operator before a bracket": (
        r"\[ \frac{d}{dx} (x^2 + 1) e^{y} = 2 x e^{y}, \qquad \frac{d}{dx} (x^2) x = 2 x x \]",
        "x: scalar; y: scalar",
        (r"= 2 x x", r"= 3 x x x"),
        "an operator before a bracket acts on the bracket alone",
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "names", "_change", "assumed", "_certain"), UNSAID.values(), ids=UNSAID)
def test_what_is_unsaid_is_supplied_and_told(document: str, names: str, _change: object, assumed: str, _certain: bool) -> None:
    found = check_document(document, names)
    assert found.ok, str(found)
    assert found.checked and not found.skipped, text([found], verbose=True)
    told = [a for r in found.relations for a in r.assuming]
    assert (assumed in told) if assumed else not told
    assert not assumed or f"assumed {told.count(assumed)}: {assumed}" in str(found)
    assert not assumed or found.to_data()["relations"][-1]["assuming"]


@pytest.mark.parametrize(("document", "names", "change", "_assumed", "certain"), UNSAID.values(), ids=UNSAID)
def test_a_mistake_is_not_supposed_away(document: str, names: str, change: tuple[str, str], _assumed: str, certain: bool) -> None:
    right, wrong = change
    assert document.count(right) == 1
    at = document.index(right)
    found = check_document(document.replace(right, wrong), names)
    here = [r for r in found.relations if at - 2 <= r.start <= at + len(wrong) or (r.start <= at < r.stop)]
    assert here and all(r.status != "right" for r in here), str(found)
    assert not certain or any(r.status == "wrong" for r in here), text([found], verbose=True)
    assert all(f.start in {r.start for r in here} for f in found.findings), str(found)


@pytest.mark.parametrize(
    ("document", "names", "code"),
    [
        (r"\[ f = x^\top A x, \qquad \frac{\partial f}{x} = (A + A^\top) x \]", "x: n; A: n,n", "SD619"),
        (r"\[ \frac{d}{dx} (x^2 + 1) = \frac{d}{x} (x^2) \]", "x: scalar", "SD619"),
        (r"\[ W \leftarrow W - \eta \delta a \]", "W: m,n; \\delta: m; a: n; \\eta: scalar", "SD611"),
        (r"\[ J = \frac{1}{m} \sum_{i=1}^m (\hat y_i - y_i)^2, \qquad \frac{\partial J}{\partial b} = \frac{2}{m} (\hat y - y) \]",
         "y: m; b: scalar", "SD611"),
    ],
)  # fmt: skip
def test_what_is_certain_without_the_unsaid(document: str, names: str, code: str) -> None:
    assert [f.code for f in check_document(document, names).findings] == [code]


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (r"\[ \frac{d}{n} \sum_{i=1}^n x_i = d \bar x \]", "x: n; d: scalar"),  # d is a name
        (r"\[ g = \frac{\partial_x f}{2} \]", "x: scalar"),
        (r"\[ \frac{\partial f / \partial x}{\partial g / \partial x} = 1 \]", "x: scalar"),
        (r"If \( x < 1, y > 2 \) then \( x < y \).", "x: scalar; y: scalar"),
        (r"\[ h_t = \tanh(W h_{t-1} + U x_t), \qquad \frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W \]",
         "W: n,n; U: n,m; h_{t-1}: n; x_t: m"),
        (r"\[ p_k = \frac{e^{f_k}}{\Sigma}, \qquad \frac{\partial p_k}{\partial f_k} = \frac{\Sigma \mathbf{D} e^{f_k} - e^{f_k} \mathbf{D} \Sigma}{\Sigma^2} \]",
         "f: n"),
        (r"\[ \pi_\theta(a) = \frac{e^{\theta_a}}{\sum_b e^{\theta_b}}, \quad \frac{\partial \log \pi_\theta(a)}{\partial \theta_b} = 1(a = b) - \pi_\theta(b) \]", ""),
        (r"\[ x^T y = T \]", "x: n; y: n; T: scalar"),
        (r"\[ y(x + 1) = y x + y, \qquad \phi(x) = x^2 \]", "x: scalar; y: scalar"),
        (r"\[ \frac{\partial L}{\partial W} = \frac{\partial L}{\partial z} a^\top + \lambda W, \qquad z = W a \]", "W: m,n; a: n; \\lambda: scalar"),
    ],
)  # fmt: skip
def test_nothing_is_accused_that_may_be_meant(document: str, names: str) -> None:
    assert check_document(document, names).ok
