r"""LaTeX is understood exactly, or refused with the place and the reason: tables of readings and of refusals, statements."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest

import symderiv as sd
from symderiv.errors import InputError, LimitError, ShapeError, SymDerivError
from symderiv.expr.nodes import Call, Index, Node, Var, var
from symderiv.expr.sizes import size_symbol
from symderiv.read.latex import Context, entries_to_array, identifier_of, parse_latex, read_latex
from symderiv.read.problem import Problem
from symderiv.simplify.lower import normal

VARS = {
    "X": "n,d",
    "w": "d",
    "y": "n",
    "b": "scalar",
    "lam": "scalar",
    "A": "d,d",
    "B": "d,d",
    "S": "d,d psd",
    "u": "d",
    "z": "d",
    "W1": "h,d",
    "W2": "k,h",
    "b1": "h",
    "t": "n",
    "c": "n integer",
    "P": "n,k",
    "q": "k",
    "alpha": "scalar",
    "a": "scalar",
    "C": "d,k",
    "s": "k",
    "l": "scalar integer",
    "r": "k",
    "Y": "n,k",
    "W": "d,k",
}
SIZES = {"n": 4, "d": 3, "k": 5, "h": 2}


def values(variables: Mapping[str, Var]) -> dict[str, np.ndarray]:
    """Positive arrays of the declared shapes; labels are 0 or 1."""
    rng = np.random.default_rng(5)
    out = {}
    for name, v in variables.items():
        shape = [int(s.subs({k: SIZES.get(str(k), 3) for k in s.free_symbols})) for s in v.shape]
        x = rng.uniform(0.2, 1.4, size=shape)
        if v.is_a("psd"):
            x = x @ x.T + np.eye(len(x))
        out[name] = rng.integers(0, 2, size=shape) if v.is_a("integer") else x
    return out


def same(found: Problem, text: str, declared: object = None) -> bool:
    """The same normal form as the text, or the same value."""
    wanted = sd.parse(text, VARS if declared is None else declared)
    if found.expr.shape == wanted.expr.shape and normal(found.expr) is normal(wanted.expr):
        return True
    known = {**wanted.vars, **found.vars}
    arrays = values(known)
    got = sd.evaluate(Problem("", found.expr, known), **arrays)
    known_value = sd.evaluate(Problem("", wanted.expr, known), **arrays)
    return got.shape == known_value.shape and np.allclose(got, known_value)


READ = [
    # products by kind
    (r"Xw - y", "X @ w - y"),
    (r"2X^\top(Xw - y)", "2*X.T @ (X @ w - y)"),
    (r"(Xw-y)^T (Xw-y)/n", "(X @ w - y) @ (X @ w - y)/n"),
    (r"u^T A z", "u @ A @ z"),
    (r"u' A z", "u @ A @ z"),
    (r"u^{\mathsf T} A z", "u @ A @ z"),
    (r"u^\mathsf{T}Az", "u @ A @ z"),
    (r"u^{\intercal}Az", "u @ A @ z"),
    (r"u^{\mathrm T}Az", "u @ A @ z"),
    (r"u z^\top", "outer(u, z)"),
    (r"u z^\top w", "outer(u, z) @ w"),
    (r"u^\top z\, w", "(u @ z)*w"),
    (r"\lambda u^\top a z", "lam*a*(u @ z)"),
    (r"u \cdot z", "u @ z"),
    (r"A \cdot u", "A @ u"),
    (r"a \cdot u", "a*u"),
    (r"2 \times 3 a", "6*a"),
    (r"a \cdot -1", "-a"),
    (r"u \odot z \odot w", "u*z*w"),
    (r"A u \odot z", "(A @ u)*z"),
    (r"u \circ z", "u*z"),
    (r"u \oslash z", "u/z"),
    (r"A \otimes B", "kron(A, B)"),
    (r"\langle w, u\rangle + b", "w @ u + b"),
    (r"\langle A, B\rangle", "trace(A.T @ B)"),
    (r"a(b+1)", "a*(b + 1)"),
    (r"{a}{b}", "a*b"),
    (r"3.5a", "3.5*a"),
    (r"1 - 2a", "1 - 2*a"),
    # inverses, powers, functions of matrices
    (r"u^\top A^{-1} u", "u @ inv(A) @ u"),
    (r"A^{-\top} u", "inv(A).T @ u"),
    (r"A^{-T}u", "inv(A).T @ u"),
    (r"(A^{-1})^T u", "inv(A).T @ u"),
    (r"A^2 u", "A @ A @ u"),
    (r"S^{1/2} u", "sqrtm(S) @ u"),
    (r"A^{+} u", "pinv(A) @ u"),
    (r"A^\dagger u", "pinv(A) @ u"),
    (r"(X^TX+\lambda I)^{-1}X^Ty", "inv(X.T @ X + lam*eye(d)) @ X.T @ y"),
    (r"(X^TX+\lambda I_d)^{-1}X^Ty", "inv(X.T @ X + lam*eye(d)) @ X.T @ y"),
    (r"\operatorname{tr}(A^\top B)", "trace(A.T @ B)"),
    (r"\text{Tr}(AB)", "trace(A @ B)"),
    (r"\log\det S", "logdet(S)"),
    (r"\ln |S|", "logdet(S)"),
    (r"\log\left|\det(S)\right|", "logdet(S)"),
    (r"|A|", "det(A)"),
    (r"\mathrm{diag}(u) z", "diag(u) @ z"),
    (r"\operatorname{vec}(AB)", "vec(A @ B)"),
    (r"u^{\odot 2}", "u**2"),
    # vectors of ones, sizes from the surroundings
    (r"\mathbf{1}^\top u", "sum(u)"),
    (r"1^\top u", "sum(u)"),
    (r"X^\top 1", "X.T @ ones(n)"),
    (r"\mathbf 1_d^\top u", "sum(u)"),
    (r"\frac{1}{n} X^\top \mathbf{1}", "X.T @ ones(n)/n"),
    (r"(I - \frac1n \mathbf 1\mathbf 1^\top) y", "(eye(n) - outer(ones(n), ones(n))/n) @ y"),
    (r"Xw + b\mathbf 1", "X @ w + b"),
    (r"Xw + b", "X @ w + b"),
    (r"XW + \mathbf{1} s^\top", "X @ W + s"),
    (r"X + \mathbf{0}", "X"),
    # sums
    (r"\sum_{i=1}^n y_i^2", "sum(y**2)"),
    (r"\sum_{i=1}^n (y_i - w^\top x_i)^2", "sum((y[i] - w @ X[i])**2 for i in range(n))"),
    (r"\frac1n\sum_{i}\left(e^{x_i^\top w} - y_i\right)x_i", "X.T @ (exp(X @ w) - y)/n"),
    (r"\sum_i\sum_j \delta_{ij} A_{ij}", "trace(A)"),
    (r"\sum_{i,j} P_{ij}^2", "sum(P**2)"),
    (r"\sum_{i<j} A_{ij}", "sum(A[i, j] for i in range(d) for j in range(d) if i < j)"),
    (r"\sum_{i=1}^d\sum_{j=i+1}^d A_{ij}", "sum(A[i, j] for i in range(d) for j in range(d) if i < j)"),
    (r"\sum_{i=1}^{d-1} (u_{i+1}-u_i)^2", "sum((u[i + 1] - u[i])**2 for i in range(d - 1))"),
    (r"\sum_{i=0}^{d-1} u_i^2", "sum(u**2)"),
    (r"\sum_{i=1}^n i y_i", "sum((i + 1)*y[i] for i in range(n))"),
    (r"\sum_{i:\, y_i > t_i} y_i^2", "sum(y[i]**2 for i in range(n) if y[i] > t[i])"),
    (r"\sum_{i:\, t_i w^\top x_i < 1} t_i x_i", "X.T @ ((t*(X @ w) < 1)*t)"),
    (r"\sum_{j\neq l}\max(0, s_j - s_l + 1)", "sum(maximum(0, s[j] - s[l] + 1) for j in range(k) if j != l)"),
    (r"\sum_{j \ne l}^k s_j", "sum(s[j] for j in range(k) if j != l)"),
    (r"\sum_{\substack{j=1 \\ j \ne l}}^{k} s_j", "sum(s[j] for j in range(k) if j != l)"),
    (r"\sum_{i=1}^n \mathbb{1}[y_i > 1] y_i", "sum((y > 1)*y)"),
    (r"\sum_{i=1}^n 1(y_i > 1) y_i", "sum((y > 1)*y)"),
    (r"-\frac1n\sum_{i=1}^n \log P_{i c_i}", "-sum(log(P[i, c[i]]) for i in range(n))/n"),
    (r"-s_{l} + \log\sum_j e^{s_j}", "-s[l] + log(sum(exp(s)))"),
    (r"\prod_{i=1}^d u_i", "prod(u)"),
    (r"\max_i u_i", "max(u)"),
    (r"\max_{1\le i\le d} u_i", "max(u)"),
    (r"\sum (y - t)^2", "sum((y - t)**2)"),
    (r"\frac1n \sum (y_i - t_i)^2", "mean((y - t)**2)"),
    (r"\sum_{i=1}^n a", "n*a"),
    (r"\sum\limits_{i=1}^{n} x_{ij} w_j", None),
    (r"\sum_{i=1}^n \sum_{j=1}^d x_{ij} w_j", "sum(X @ w)"),
    (r"\sum_{i=1}^n \sum_{j=1}^d x_j^{(i)} w_j", "sum(X @ w)"),
    (r"\sum_i [1 - y_i w^\top x_i]_+", "sum(maximum(0, 1 - y*(X @ w)))"),
    # entries
    (r"u_3", "u[2]"),
    (r"A_{12}", "A[0, 1]"),
    (r"(AB)_{12}", "(A @ B)[0, 1]"),
    (r"A^\top_{12}", "A[1, 0]"),
    (r"A_{:,1}", "A[:, 0]"),
    (r"A_{2,:} u", "A[1] @ u"),
    (r"u_{2:d}", "u[1:d]"),
    (r"\mathrm{softmax}(C^\top u)_2", "softmax(C.T @ u)[1]"),
    (r"[y_i t_i]_i", "y*t"),
    (r"\left[\sum_{j} A_{ij} B_{jm}\right]_{im}", "A @ B"),
    (r"\mathbf{e}_{2}^\top u", "u[1]"),
    # norms
    (r"\frac12\|Xw-y\|_2^2 + \frac{\lambda}{2}\|w\|^2", "0.5*norm(X @ w - y)**2 + lam/2*norm(w)**2"),
    (r"\left\lVert Xw-y\right\rVert^2", "norm(X @ w - y)**2"),
    (r"||u||_2^2", "norm(u)**2"),
    (r"u/\|u\|_2", "u/norm(u)"),
    (r"\|u\|_1 + \|u\|_\infty + \|A\|_F + \|A\|_*", "norm(u, 1) + norm(u, inf) + norm(A) + norm(A, 'nuc')"),
    (r"|a|^3", "abs(a)**3"),
    # functions
    (r"\frac{1}{1+e^{-a}}", "1/(1 + exp(-a))"),
    (r"e^{-\frac12 (u-z)^\top S^{-1}(u-z)}", "exp(-0.5*(u - z) @ inv(S) @ (u - z))"),
    (r"\sqrt[3]{a}", "a**(1/3)"),
    (r"\sin^2 a + \cos^2 a", "sin(a)**2 + cos(a)**2"),
    (r"\sin 2a", "sin(2*a)"),
    (r"2\pi a", "2*pi*a"),
    (r"1 - \tanh^2(u)", "1 - tanh(u)**2"),
    (r"\log_2 a + \ln(1+e^{a})", "log2(a) + log(1 + exp(a))"),
    (r"a \log a", "a*log(a)"),
    (r"log(a) + max(0, a) + exp(-a)", "log(a) + maximum(0, a) + exp(-a)"),
    (r"\sigma(Xw)", "sigmoid(X @ w)"),
    (r"\sigma'(u)", "sigmoid(u)*(1 - sigmoid(u))"),
    (r"\tanh'(u)", "1 - tanh(u)**2"),
    (r"W_2\,\sigma(W_1 u + b_1)", "W2 @ sigmoid(W1 @ u + b1)"),
    (r"W^{(2)}\sigma(W^{(1)} u + b^{(1)})", "W2 @ sigmoid(W1 @ u + b1)"),
    (r"W^{[2]}\mathrm{ReLU}(W^{[1]} u)", "W2 @ relu(W1 @ u)"),
    (r"\mathrm{KL}(q \,\|\, r)", "kl(q, r)"),
    (r"\operatorname{sign}(u)", "sign(u)"),
    (r"\operatorname{softmax}(P, \mathrm{axis}=0)", "softmax(P, axis=0)"),
    (r"\max\{0, a\}", "maximum(0, a)"),
    # cases and matrices
    (r"\begin{cases} a & a > 0 \\ \alpha a & a \le 0\end{cases}", "where(a > 0, a, alpha*a)"),
    (
        r"\begin{cases} a & \text{if } a > 0 \\ \alpha(e^{a} - 1) & \text{otherwise} \end{cases}",
        "where(a > 0, a, alpha*(exp(a) - 1))",
    ),
    (r"\left\{\begin{array}{ll} a & a > 1 \\ 0 & \text{else} \end{array}\right.", "where(a > 1, a, 0)"),
    (r"\begin{bmatrix} a & b \\ b & a\end{bmatrix}", "stack([stack([a, b]), stack([b, a])])"),
    (r"\begin{pmatrix} a \\ b\end{pmatrix}", "stack([a, b])"),
    # names, fonts, spacing, macros
    (r"\mathbf{w}^\top \boldsymbol{u}", "w @ u"),
    (r"\bigl( a + b \bigr)^2", "(a + b)**2"),
    (r"\Big[ a + b \Big]\, u", "(a + b)*u"),
    (r"$u^\top z$", "u @ z"),
    (r"\[ u^\top z. \]", "u @ z"),
    (r"\begin{equation} u^\top z \label{a} \tag{3} \nonumber \end{equation}", "u @ z"),
    (r"\newcommand{\norm}[1]{\left\|#1\right\|} \norm{u}^2", "norm(u)**2"),
    (r"\newcommand{\p}[2][2]{#2^{#1}} \p{a} + \p[3]{b}", "a**2 + b**3"),
    (r"\def\T{^\top} u\T z", "u @ z"),
    (r"\DeclareMathOperator{\Tr}{tr}\Tr(A)", "trace(A)"),
    (r"\frac12a + \frac1 2 b", "a/2 + b/2"),
    ("λ u + α z", "lam*u + alpha*z"),
]


@pytest.mark.parametrize(("latex", "text"), [row for row in READ if row[1]])
def test_reads(latex: str, text: str) -> None:
    found = parse_latex(latex, VARS)
    assert same(found, text), f"{found.expr}"


REFUSED = [
    # products
    ("u z", {}, "SD132"),
    ("A + u", {}, "SD132"),
    ("uA", {}, "SD132"),
    ("Au^T", {}, "SD132"),
    ("u^T z^T", {}, "SD132"),
    ("u * z", {}, "SD132"),
    (r"A \times B", {}, "SD132"),
    (r"u \otimes z", {}, "SD132"),
    ("A + 1", {}, "SD132"),
    ("u^2", {}, "SD132"),
    ("a/b c", {}, "SD132"),
    ("1/2a", {}, "SD132"),
    (r"\frac{u}{A}", {}, "SD132"),
    (r"\log a b", {}, "SD132"),
    (r"\operatorname{tr} A B", {}, "SD132"),
    (r"{a+b} u", {}, "SD132"),
    (r"e^A", {}, "SD135"),
    ("Xu + A", {}, "SD132"),
    ("X y", {}, "SD134"),
    ("2X(Xw - y)", {}, "SD134"),
    # names
    (r"\sigma(u)", {"sigma": "scalar"}, "SD133"),
    ("u^T z", {"T": "scalar"}, "SD133"),
    ("f(a)", {}, "SD133"),
    (r"\phi(u)", {}, "SD133"),
    ("u_j", {}, "SD133"),
    ("u_1", {"u1": "scalar"}, "SD133"),
    ("W_1", {"W_1": "h,d"}, "SD133"),
    ("A_i", {}, "SD133"),
    (r"\sum_i B_i", {}, "SD133"),
    (r"\|A\|", {}, "SD133"),
    ("|u|", {}, "SD133"),
    ("u^{(2)}", {}, "SD133"),
    (r"A_{ij}^{-1}", {}, "SD133"),
    (r"\sum_i\sum_j A_{ij}^{-1}", {}, "SD133"),
    ("a'", {}, "SD133"),
    ("y(a)", {}, "SD133"),
    (r"\sum_i u_i + z_i", {}, "SD133"),
    (r"\sum_{u=1}^{n} y_u", {}, "SD133"),
    (r"\sum_i \sum_i A_{ii}", {}, "SD133"),
    ("log(a)", {"o": "scalar", "g": "scalar"}, "SD133"),
    (r"a s_a", {}, "SD133"),
    ("I", {}, "SD133"),
    (r"\mathbf{1}", {}, "SD133"),
    # not read
    (r"\int u", {}, "SD135"),
    (r"a \pm b", {}, "SD135"),
    (r"\lim_{a\to 0} a", {}, "SD135"),
    (r"\sin^{-1} a", {}, "SD135"),
    (r"A^{a}", {}, "SD135"),
    (r"\|u\|_3", {}, "SD135"),
    (r"\sum_{i \in S} u_i", {}, "SD135"),
    (r"\mathbb{E}[u]", {}, "SD135"),
    (r"\arg\max_u a", {}, "SD135"),
    (r"\begin{bmatrix} a \\ \vdots \\ b\end{bmatrix}", {}, "SD135"),
    (r"\begin{cases} a & \text{if it rains} \\ b & \text{otherwise}\end{cases}", {}, "SD135"),
    (r"\begin{cases} a & a > 1 \\ b & a > 0\end{cases}", {}, "SD135"),
    (r"\frac{\partial a}{b}", {}, "SD135"),
    (r"\operatorname{foo}(a)", {}, None),
    # what TeX could not read, unknown commands, macros, nothing
    (r"\foo{u}", {}, "SD131"),
    (r"\operatorname{foo} a", {}, "SD131"),
    (r"\begin{foo} a \end{foo}", {}, "SD131"),
    ("a +", {}, "SD130"),
    (r"\frac{a}", {}, "SD130"),
    (r"\left( a", {}, "SD130"),
    ("(a]", {}, "SD130"),
    ("a_", {}, "SD130"),
    ("_a", {}, "SD130"),
    ("a_i_j", {}, "SD130"),
    (r"\begin{cases} a", {}, "SD130"),
    ("$a", {}, "SD130"),
    ("a!", {}, "SD130"),
    (r"\newcommand{\x}{\x} \x", {}, "SD136"),
    ("", {}, "SD137"),
    ("a = b", {}, "SD137"),
    (r"a \\ b", {}, "SD137"),
    ("a > b", {}, "SD137"),
    (r"x \sim y", {}, "SD137"),
    # ranges
    (r"\sum_{i=1}^n u_i", {}, "SD134"),
    (r"\sum_{i=1}^{d} (u_{i+1} - u_i)", {}, "SD134"),
    ("u_0", {}, "SD134"),
    (r"\sum_i u_i y_i", {}, "SD134"),
]


@pytest.mark.parametrize(("latex", "more", "code"), REFUSED)
def test_refuses_with_the_place(latex: str, more: dict[str, str], code: str | None) -> None:
    with pytest.raises(SymDerivError) as found:
        parse_latex(latex, {**VARS, **more})
    error = found.value
    assert code is None or error.code == code, str(error)
    assert error.span is not None and error.span.source == latex
    assert 0 <= error.span.start <= len(latex) and (not latex or "^" in str(error))


def test_d_may_be_a_variable() -> None:
    with pytest.raises(SymDerivError) as found:
        read_latex(r"\frac{dL}{dw} = w", {"d": "scalar", "w": "n"})
    assert found.value.code == "SD133"


def test_ambiguities_offer_a_way_out() -> None:
    with pytest.raises(SymDerivError, match=r"side by side") as found:
        parse_latex("x z", {"x": "n", "z": "n"})
    assert r"\odot" in found.value.hint
    with pytest.raises(SymDerivError) as found:
        parse_latex("x^T z", {"x": "n", "z": "n", "T": "scalar"})
    assert r"^\top" in found.value.hint
    with pytest.raises(SymDerivError) as found:
        parse_latex(r"f(x) + 1", {"x": "scalar"})
    assert "f: …" in found.value.hint


def test_the_place_is_that_in_the_source() -> None:
    text = "a + b +\n  (X w + \\foo)"
    with pytest.raises(SymDerivError) as found:
        parse_latex(text, VARS)
    span = found.value.span
    assert span is not None and span.line == 2 and text[span.start : span.stop] == "\\foo"


def test_shapes_are_told_with_both_sides() -> None:
    with pytest.raises(ShapeError, match=r"`X` is \(n, d\), `\(Xw - y\)` is \(n,\): inner sizes d and n differ") as found:
        parse_latex("2X(Xw - y)", VARS)
    assert "transposed would fit" in found.value.hint


# names that are not declared ---------------------------------------------------------------------------------------------------


def test_undeclared_names_take_a_kind_from_their_letter() -> None:
    found = parse_latex(r"\|Xw - y\|^2 + \lambda \|w\|_1")
    assert {n: v.rank for n, v in found.vars.items()} == {"X": 2, "w": 1, "y": 1, "lam": 0}
    assert found.vars["X"].shape == (*found.vars["y"].shape, *found.vars["w"].shape)
    assert any(a.startswith("X is a matrix") for a in found.assumptions)


def test_indices_decide_the_rank_of_an_undeclared_name() -> None:
    found = parse_latex(r"\sum_{i=1}^{n}\sum_{j\neq i} \max(0, s_{ij} - s_{ii} + \Delta)")
    assert str(found.expr) == "sum(sum(maximum(0, s[i, j] - s[i, i] + Delta) for j in range(n) if j != i) for i in range(n))"
    assert found.vars["s"].shape == (size_symbol("n"), size_symbol("n"))
    assert any("n is a size" in a for a in found.assumptions)


@pytest.mark.parametrize(
    ("latex", "name"),
    [
        (r"\frac{1}{n} X^\top \mathbf{1}", "n"),
        (r"3x^2 + 2x", "x"),
        (r"\frac{\partial L}{\partial W} = \delta x^\top", "delta"),
        (r"X^\top X\beta = X^\top y", "beta"),
        (r"X_1 + x", "x"),
    ],
)
def test_what_the_letter_gets_wrong_is_refused_by_naming_it(latex: str, name: str) -> None:
    with pytest.raises(SymDerivError) as found:
        read_latex(latex)
    assert f"`{name}: " in found.value.hint


def test_the_end_of_a_range_takes_the_size_of_the_axis() -> None:
    found = parse_latex(r"\frac1N \sum_{i=1}^N (y_i - w^\top x_i)^2", {"X": "n,d", "w": "d", "y": "n"})
    assert same(found, "mean((y - X @ w)**2)")
    assert "N is n, the size of the axis it runs over" in found.assumptions


def test_rows_of_a_declared_matrix() -> None:
    found = parse_latex(r"x_1", {"x": "3"})
    assert str(found.expr) == "x[0]"
    found = parse_latex(r"\sum_i (y_i - w^\top x_i)^2", {"X": "n,d", "w": "d", "y": "n"})
    assert "x_i is row i of X, as a column" in found.assumptions
    with pytest.raises(SymDerivError, match="a row or a column"):
        parse_latex(r"\sum_i w_i^\top u", {"W": "d,d", "u": "d"})
    found = parse_latex(r"\sum_{j} w_j^\top u", {"W": "k,d", "u": "d"})  # only a row has d entries
    assert same(found, "sum(W @ u)", {"W": "k,d", "u": "d"})
    assert any("row i of W" in a for a in found.assumptions)


def test_sigma_is_a_function_before_a_bracket_and_a_variable_otherwise() -> None:
    assert str(parse_latex(r"\sigma^2").expr) == "sigma**2"
    assert str(parse_latex(r"\sigma(z)").expr) == "sigmoid(z)"
    with pytest.raises(SymDerivError) as found:
        parse_latex(r"\sigma(z) + \sigma^2")
    assert found.value.code == "SD133"


@pytest.mark.parametrize(
    ("declared", "latex"),
    [
        ("y_hat", r"\hat{y}"),
        ("yhat", r"\hat y"),
        ("hat_y", r"\hat{y}"),
        ("W1", r"W^{(1)}"),
        ("W1", "W_1"),
        ("W_1", r"W^{[1]}"),
        ("Wxh", "W_{xh}"),
        ("lam", r"\lambda"),
        ("lambda_", r"\lambda"),
        ("eps", r"\varepsilon"),
        ("eps", r"\epsilon"),
        ("beta1", r"\beta_1"),
        ("mu_B", r"\mu_B"),
        ("std", r"\mathrm{std}"),
        ("std", "std"),
        ("x_bar", r"\bar{\mathbf{x}}"),
        ("W1_hat", r"\hat{W}_{1}"),
        ("w_star", "w^*"),
        ("x_new", r"x_{\mathrm{new}}"),
        ("W_L", "W^L"),
        ("a_ell", r"a^{(\ell)}"),
        ("theta", r"\boldsymbol{\theta}"),
    ],
)
def test_names(declared: str, latex: str) -> None:
    found = parse_latex(latex, {declared: "n"})
    assert isinstance(found.expr, Var) and found.expr.name == declared


def test_declarations_may_be_written_in_latex() -> None:
    found = parse_latex(r"W^{[3]} a^{[2]} + \hat{b}", {"W^{[3]}": "1,h", "a^{[2]}": "h", r"\hat{b}": "scalar"})
    assert str(found.expr) == "W3 @ a2 + b_hat"
    assert identifier_of(r"\mathbf{x}_{\text{new}}") == "x_new"
    with pytest.raises(SymDerivError) as error:
        parse_latex("x", {"x + y": "n"})
    assert error.value.code == "SD106"


# statements ------------------------------------------------------------------------------------------------------------


def test_definitions_are_substituted_wherever_they_stand() -> None:
    found = read_latex(r"J = (\operatorname{diag}(p) - p p^\top) A,\quad p = \mathrm{softmax}(Ax)", {"A": "k,d", "x": "d"})
    assert [s.kind for s in found.statements] == ["definition", "definition"]
    assert found.main.name == "J"
    p = found.definitions["p"]
    assert str(p) == "softmax(A @ x)" and any(o is p for o in _below(found.definitions["J"]))
    before = parse_latex(r"p = \sigma(Xw) \\ L = -y^\top \log p", {"X": "n,d", "w": "d", "y": "n"})
    where = parse_latex(r"L = -y^\top \log p \quad \text{where } p = \sigma(Xw)", {"X": "n,d", "w": "d", "y": "n"})
    assert before.expr is where.expr and before.name == where.name == "L"
    assert parse_latex(r"z = Xw, \quad p = \sigma(z)", {"X": "n,d", "w": "d"}, name="z").name == "z"


def _below(node: Node) -> list[Node]:
    from symderiv.expr.walk import postorder

    return postorder(node)


def test_definitions_by_entries_are_arrays() -> None:
    found = read_latex(r"P_{im} = \frac{e^{(XW)_{im}}}{\sum_{m'}e^{(XW)_{im'}}}", {"X": "n,d", "W": "d,k"})
    assert normal(found.definitions["P"]) is normal(sd.parse("softmax(X @ W)", {"X": "n,d", "W": "d,k"}).expr)
    found = read_latex(r"z_i = V x_i, \quad L = \sum_i z_i^\top z_i", {"X": "n,d", "V": "k,d"})
    assert same(Problem("", found.definitions["L"], found.vars), "sum((X @ V.T)**2)", {"X": "n,d", "V": "k,d"})


def test_functions_of_the_text() -> None:
    found = parse_latex(r"g(z) = \frac{1}{1 + e^{-z}}, \quad L = \log g(w^\top x)", {"w": "d", "x": "d"})
    assert same(found, "log(1/(1 + exp(-(w @ x))))", {"w": "d", "x": "d"})
    with pytest.raises(SymDerivError, match="defined by itself"):
        parse_latex(r"p = q + 1, \quad q = p")


def test_a_text_of_several_rows() -> None:
    text = r"""\begin{align}
      z^{(1)} &= W^{(1)}x + b^{(1)} \\
      a^{(1)} &= \sigma(z^{(1)}) \nonumber \\[2pt]
      \hat{y} &= W^{(2)}a^{(1)} \\
              &\quad + b^{(2)} \label{eq:out}
    \end{align}"""
    found = read_latex(text, {"W1": "h,d", "x": "d", "b1": "h", "W2": "k,h", "b2": "k"})
    assert [s.name for s in found.statements] == ["z1", "a1", "y_hat"]
    assert str(found.main.right[0].words) == "W2 @ sigmoid(W1 @ x + b1) + b2"


@pytest.mark.parametrize(
    ("latex", "name", "variable", "order", "rank"),
    [
        (r"\frac{\partial L}{\partial W} = X^\top P", "L", "W", 1, 2),
        (r"\dfrac{\partial L}{\partial W} = X^\top P", "L", "W", 1, 2),
        (r"\partial L/\partial W = X^\top P", "L", "W", 1, 2),
        (r"\nabla_W L = X^\top P", "L", "W", 1, 2),
        (r"\nabla_{W} L(W) = X^\top P", "L", "W", 1, 2),
        (r"\nabla_W = X^\top P", "", "W", 1, 2),
        (r"\frac{d L}{d W} = X^\top P", "L", "W", 1, 2),
        (r"dL/dW = X^\top P", "L", "W", 1, 2),
        (r"\frac{\mathrm{d} L}{\mathrm{d} W} = X^\top P", "L", "W", 1, 2),
        (r"\frac{\partial}{\partial W} L = X^\top P", "L", "W", 1, 2),
        (r"\frac{\partial}{\partial W} J(W) = X^\top P", "J", "W", 1, 2),
        (r"\nabla^2 f = S", "f", "", 2, 2),
        (r"\nabla_u^2 f = S", "f", "u", 2, 2),
        (r"\frac{\partial^2 f}{\partial u^2} = S", "f", "u", 2, 2),
        (r"\frac{\partial^2 f}{\partial u \partial u^\top} = S", "f", "u", 2, 2),
        (r"f'(a) = 3a^2", "f", "a", 1, 0),
        (r"f''(a) = 6a", "f", "a", 2, 0),
        (r"\frac{\partial \log\det S}{\partial S} = S^{-1}", "", "S", 1, 2),
        (r"\frac{\partial}{\partial S} \log\det S = S^{-1}", "", "S", 1, 2),
        (r"\nabla_u \|Au\|^2 = 2A^\top A u", "", "u", 1, 1),
    ],
)
def test_left_sides_of_derivatives(latex: str, name: str, variable: str, order: int, rank: int) -> None:
    (found,) = read_latex(latex, VARS).statements
    d = found.derivative
    assert found.kind == "derivative" and d is not None
    assert (d.name, d.variable, d.order) == (name, variable, order)
    assert found.right[0].words.rank == rank


def test_numerators_are_words() -> None:
    (found,) = read_latex(r"\frac{\partial}{\partial S} \log|S| = S^{-1}", VARS).statements
    assert found.derivative is not None and str(found.derivative.numerator) == "logdet(S)"


def test_free_indices_become_axes() -> None:
    (found,) = read_latex(r"\frac{\partial p_i}{\partial s_j} = p_i(\delta_{ij} - p_j)", {"p": "k", "s": "k"}).statements
    assert [i.name for i, _ in found.entries] == ["i", "j"] and found.right[0].kind == "matrix"
    assert found.derivative is not None and [str(n) for n in found.derivative.variable_indices] == ["j"]
    assert same(Problem("", found.right[0].words, {}), "diag(p) - outer(p, p)", {"p": "k"})
    assert str(found.right[0].entry) == "p[i]*((i == j) - p[j])"


def test_the_value_of_the_surroundings_stands_for_the_numerator() -> None:
    loss = sd.parse("softmax(x)", {"x": "n"}).expr
    (found,) = read_latex(
        r"\frac{\partial p_i}{\partial x_j} = p_i(\delta_{ij} - p_j)", {"x": "n"}, Context(value=loss)
    ).statements
    assert same(Problem("", found.right[0].words, {}), "diag(softmax(x)) - outer(softmax(x), softmax(x))", {"x": "n"})
    assert found.derivative is not None and found.derivative.numerator is loss
    (found,) = read_latex(
        r"\frac{d}{dx} g(x) = 2x", {"x": "scalar"}, Context(value=sd.parse("x**2", {"x": "scalar"}).expr)
    ).statements
    assert found.derivative is not None and str(found.derivative.numerator) == "x**2"


def test_the_shape_of_the_surroundings_decides_open_sizes() -> None:
    n = size_symbol("n")
    found = parse_latex(r"2 a I", {"a": "scalar"}, context=Context(shape=(n, n)))
    assert found.expr.shape == (n, n)
    (found,) = read_latex(r"\frac{\partial}{\partial x}\frac{x}{\|x\|} = \frac{1}{\|x\|}I", {"x": "n"}).statements
    assert found.right[0].words.shape == (n, n)


@pytest.mark.parametrize(
    ("latex", "target", "step", "direction"),
    [
        (r"w \leftarrow w - \alpha X^\top(Xw - y)", "w", "alpha", "X.T @ (X @ w - y)"),
        (r"w := w - 2\alpha X^\top(Xw - y)", "w", "alpha", "2*X.T @ (X @ w - y)"),
        (r"w_{t+1} = w_t - \eta X^\top(Xw_t - y)", "w", "eta", "X.T @ (X @ w - y)"),
        (r"w^{(t+1)} = w^{(t)} - \frac{\eta}{n} X^\top(Xw^{(t)} - y)", "w", "eta", "X.T @ (X @ w - y)/n"),
        (r"w_j := w_j + 2\alpha\sum_i \delta_i x_{ij}", "w", "alpha", "-2*X.T @ delta"),
        (r"w = w + \alpha y^\top X", "w", "alpha", "-X.T @ y"),
    ],
)
def test_updates(latex: str, target: str, step: str, direction: str) -> None:
    declared = {"X": "n,d", "w": "d", "y": "n", "delta": "n", "alpha": "scalar", "eta": "scalar"}
    if "y^" in latex:  # a row beside a column
        with pytest.raises(SymDerivError):
            read_latex(latex, declared)
        return
    (found,) = read_latex(latex, declared).statements
    assert (found.kind, found.name, str(found.step)) == ("update", target, step)
    assert found.direction is not None and found.change is not None
    wanted = sd.parse(direction, declared).expr
    assert normal(found.direction) is normal(wanted)


def test_chains_conditions_and_implications() -> None:
    found = read_latex(r"L = 0 \implies X^\top X w = X^\top y \Rightarrow \hat{w} = (X^\top X)^{-1} X^\top y", VARS)
    assert [s.kind for s in found.statements] == ["definition", "equation", "definition"]
    assert [s.link for s in found.statements] == ["", "implies", "implies"]
    found = read_latex(r"\begin{align} \|u\|^2 &= u^\top u \\ &= \sum_i u_i^2 \end{align}", VARS)
    assert [s.kind for s in found.statements] == ["chain"] and len(found.statements[0].right) == 2
    found = read_latex(r"\frac{\partial q_i}{\partial s_j} = -q_i q_j \quad \text{if } i \ne j", VARS)
    (statement,) = found.statements
    assert [str(c) for c in statement.conditions] == ["i != j"]
    with pytest.raises(SymDerivError):
        read_latex(r"\nabla_w L = X^\top y \text{ if the labels are clean}", VARS)


def test_derivatives_inside_an_expression_are_kept_apart() -> None:
    found = read_latex(
        r"\frac{\partial L}{\partial z} = \frac{\partial y}{\partial z} \frac{\partial L}{\partial y}",
        {"z": "scalar", "y": "scalar"},
    )
    (side,) = found.statements[0].right
    assert {(d.name, d.variable) for d in found.unknowns.values()} == {("y", "z"), ("L", "y")}
    assert set(sd.read_latex("x").unknowns) == set() and all(v in _below(side.words) for v in found.unknowns)
    with pytest.raises(SymDerivError, match="not worked out"):
        parse_latex(r"2 \frac{\partial L}{\partial y}", {"y": "scalar"})


def test_derivatives_of_entries_over_a_bound_index() -> None:
    text = r"\frac{\partial L}{\partial z_i} = -\sum_{j=1}^C \frac{\partial\, t_j \log(y_j)}{\partial z_i}"
    found = read_latex(text, {"t": "C", "y": "C", "z": "C"})
    ((unknown, d),) = found.unknowns.items()
    C = size_symbol("C")
    assert unknown.shape == (C, C) and str(d.numerator) in ("t*log(y)", "log(y)*t")


@pytest.mark.parametrize(
    "latex",
    [r"\frac{\partial e^{z}}{\partial z} = e^z", r"\frac{\partial \sigma(z)}{\partial z} = e^z", r"\frac{d z^2}{dz} = 2z"],
)
def test_expressions_in_numerators_are_no_names(latex: str) -> None:
    (found,) = read_latex(latex, {"z": "scalar"}).statements
    assert found.derivative is not None and found.derivative.name == "" and found.derivative.numerator is not None


def test_functions_of_the_surroundings() -> None:
    found = parse_latex(r"g(Xw)", {"X": "n,d", "w": "d"}, context=Context(functions={"g": "sigmoid"}))
    assert str(found.expr) == "sigmoid(X @ w)"
    found = parse_latex(r"\norm{x}", {"x": "n"}, context=Context(macros=r"\newcommand{\norm}[1]{\|#1\|}"))
    assert str(found.expr) == "norm(x)"


# entries to arrays -----------------------------------------------------------------------------------------------------


def test_entries_to_array() -> None:
    n, k = size_symbol("n"), size_symbol("k")
    i, j = Index("i"), Index("j")
    x, y = var("x", "n"), var("y", "k")

    def at(v: Node, index: Index) -> Node:
        return Call("getitem", v, index, spec=("at",))

    entry = at(x, i) * at(y, j)
    assert entries_to_array(entry, [(i, n), (j, k)]).shape == (n, k)
    assert normal(entries_to_array(entry, [(j, k), (i, n)])) is normal(Call("outer", y, x))
    assert entries_to_array(at(x, i), [(i, n), (j, k)]).shape == (n, k)


def test_reading_is_bounded() -> None:
    with pytest.raises(LimitError):
        parse_latex("x + " * 20_000 + "x")
    with pytest.raises(LimitError):
        parse_latex("(" * 500 + "x" + ")" * 500)


def test_what_is_read_can_be_derived() -> None:
    p = sd.parse_latex(r"\frac{1}{2n}\|Xw - y\|^2 + \frac{\lambda}{2} \|w\|^2", {"X": "n,d", "w": "d", "y": "n"})
    assert normal(sd.derive(p, wrt="w").expr) is normal(
        sd.parse("X.T @ (X @ w - y)/n + lam*w", {"X": "n,d", "w": "d", "y": "n"}).expr
    )


@pytest.mark.parametrize(
    ("source", "shown", "shapes"),
    [
        (r"f(x) = x^2 + 1", "x**2 + 1", {"x": 0}),
        (r"\sigma(z) = \frac{1}{1+e^{-z}}", "1/(1 + exp(-z))", {"z": 0}),
        (r"f(x, y) = x^2 y + \sin(x)", "x**2*y + sin(x)", {"x": 0, "y": 0}),
        (r"g(z) = \max(0, z) \\ L = \mathbf{1}^\top g(Wx)", "ones(k) @ maximum(0, W @ x)", {"z": 0, "W": 2, "x": 1}),
        (r"f(x) = x^2 + 1 \\ L = f(a) + x^\top x", "a**2 + 1 + x @ x", {"x": 1, "a": 0}),
        (r"f(x) = x^\top A x", "x @ A @ x", {"x": 1, "A": 2}),
        (r"L(w) = \|Xw - y\|^2", "norm(X @ w - y)**2", {"w": 1}),
    ],
)
def test_the_argument_of_a_function_of_numbers_is_a_number(source: str, shown: str, shapes: dict[str, int]) -> None:
    p = parse_latex(source)
    assert re.sub(r"ones\(\w\)", "ones(k)", str(p.expr)) == shown
    assert {n: p.vars[n].rank for n in shapes} == shapes


def test_a_function_of_numbers_is_not_differentiated_by_an_array_of_the_same_letter() -> None:
    with pytest.raises(InputError, match="an array elsewhere") as caught:
        read_latex(r"f(x) = x^2 + 1 \\ L = x^\top x \\ \frac{df}{dx} = 2x")
    assert caught.value.code == "SD133"
