"""The printers: tables of words and what each language makes of them, and properties over all operations."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Rational

import symderiv.ops  # noqa: F401 (fills the table)
from symderiv.api import parse
from symderiv.code.numpy import evaluate
from symderiv.errors import LimitError
from symderiv.expr.nodes import Call, Index, Node, Num, var
from symderiv.expr.op import OPS
from symderiv.expr.sizes import size_symbol
from symderiv.expr.walk import variables
from symderiv.write.language import to_text, to_text_shared, to_text_shared_many
from symderiv.write.latex import latex_name, to_latex, to_latex_shared
from symderiv.write.scalars import decimal, factors
from symderiv.write.unicode import to_unicode, to_unicode_shared, unicode_name

n, d, k = map(size_symbol, "ndk")
VARS = {
    "X": "n,d", "w": "d", "y": "n", "A": "n,n", "B": "n,n", "C": "n,n", "x": "n", "v": "n", "z": "n", "p": "n", "s": "scalar",
    "t": "scalar", "a": "scalar", "lam": "scalar", "W": "d,k", "W1": "n,n", "b_hat": "d", "r": "n", "label": "scalar integer",
    "labels": "n integer", "S": "n,k",
}  # fmt: skip

# text, the input language again (None: the same), Unicode, LaTeX
TABLE: list[tuple[str, str | None, str, str]] = [
    ("2*X.T @ (X @ w - y)/n", None, "2 Xᵀ(X w − y)/n", r"\frac{2}{n} X^\top (X w - y)"),
    ("sum((X @ w - y)**2)", None, "‖X w − y‖₂²", r"\lVert X w - y \rVert_{2}^{2}"),
    ("sum(A**2)", None, "‖A‖_F²", r"\lVert A \rVert_{F}^{2}"),
    ("mean(x)", None, "𝟏ᵀ x/n", r"\frac{1}{n} \mathbf{1}^\top x"),
    ("a*x + s", None, "a x + s", "a x + s"),
    ("x*2", "2*x", "2 x", "2 x"),
    ("x - y", None, "x − y", "x - y"),
    ("x - (y - z)", None, "x − (y − z)", "x - (y - z)"),
    ("-(x + y)/n", None, "−(x + y)/n", r"-\frac{1}{n} (x + y)"),
    ("x*y", None, "x ⊙ y", r"x \odot y"),
    ("x/y", None, "x ⊘ y", r"x \oslash y"),
    ("x/(2*s)", None, "x/(2 s)", r"\frac{x}{2 s}"),
    ("X.T/n @ (X @ w)", None, "Xᵀ X w/n", r"\frac{1}{n} X^\top X w"),
    ("A @ (x/n)", None, "A x/n", r"\frac{1}{n} A x"),
    ("A @ (x/v)", None, "A (x ⊘ v)", r"A (x \oslash v)"),
    ("(A @ x)/v", None, "(A x) ⊘ v", r"(A x) \oslash v"),
    ("v*(A @ x)", None, "v ⊙ (A x)", r"v \odot (A x)"),
    ("s*(A @ B)", "s*A @ B", "s A B", "s A B"),
    ("(x @ v)*(v @ z)", None, "(xᵀ v) vᵀ z", r"(x^\top v) v^\top z"),
    ("(x @ y)*A", None, "(xᵀ y) A", r"(x^\top y) A"),
    ("-X.T @ y", None, "−Xᵀ y", r"-X^\top y"),
    ("(-x)**2", None, "(−x)²", r"(-x)^{\odot 2}"),
    ("-x**2", None, "−x²", r"-x^{\odot 2}"),
    ("A**2", None, "A^⊙2", r"A^{\odot 2}"),
    ("(A @ B)*C", None, "(A B) ⊙ C", r"(A B) \odot C"),
    ("s**2*t", None, "s² t", "s^{2} t"),
    ("s**-2", None, "s⁻²", "s^{-2}"),
    ("s**(1/2)", None, "s^(1/2)", "s^{1/2}"),
    ("(s**2)**3", None, "(s²)³", "(s^{2})^{3}"),
    ("2**x", None, "2^x", "2^{x}"),
    ("x @ A @ y", None, "xᵀ A y", r"x^\top A y"),
    ("x @ A", None, "Aᵀ x", r"A^\top x"),
    ("x @ y", None, "xᵀ y", r"x^\top y"),
    ("outer(x, y)", None, "x yᵀ", r"x y^\top"),
    ("(A @ B).T", None, "(A B)ᵀ", r"(A B)^\top"),
    ("inv(A).T", None, "A⁻ᵀ", r"A^{-\top}"),
    ("inv(A.T)", None, "A⁻ᵀ", r"A^{-\top}"),
    ("inv(A) @ x", None, "A⁻¹ x", "A^{-1} x"),
    ("solve(A, x)", None, "A⁻¹ x", "A^{-1} x"),
    ("logdet(A)", None, "log|A|", r"\log\lvert \det A \rvert"),
    ("det(A)", None, "det(A)", r"\det(A)"),
    ("trace(A.T @ B)", None, "tr(Aᵀ B)", r"\operatorname{tr}(A^\top B)"),
    ("sum(A*B)", None, "tr(Aᵀ B)", r"\operatorname{tr}(A^\top B)"),
    ("sum(x*y)", None, "xᵀ y", r"x^\top y"),
    ("sum(A)", None, "𝟏ᵀ A 𝟏", r"\mathbf{1}^\top A \mathbf{1}"),
    ("sum(A, axis=0)", None, "Aᵀ 𝟏", r"A^\top \mathbf{1}"),
    ("sum(A, axis=1, keepdims=True)", None, "A 𝟏", r"A \mathbf{1}"),
    ("kron(A, B)", None, "A ⊗ B", r"A \otimes B"),
    ("diag(p) - outer(p, p)", None, "diag(p) − p pᵀ", r"\operatorname{diag}(p) - p p^\top"),
    ("A + r", None, "A + 𝟏 rᵀ", r"A + \mathbf{1} r^\top"),
    ("A + r[:, None]", None, "A + r 𝟏ᵀ", r"A + r \mathbf{1}^\top"),
    ("A*r", None, "A diag(r)", r"A \operatorname{diag}(r)"),
    ("r[:, None]*A", None, "diag(r) A", r"\operatorname{diag}(r) A"),
    ("A/r[:, None]", None, "diag(r)⁻¹ A", r"\operatorname{diag}(r)^{-1} A"),
    ("x[:, None]*y", None, "x yᵀ", r"x y^\top"),
    ("where(x > 0, 1, 0)", None, "𝟙[x > 0]", r"\mathbb{1}[x > 0]"),
    ("where(x > 0, y, 0)", None, "𝟙[x > 0] ⊙ y", r"\mathbb{1}[x > 0] \odot y"),
    (
        "where(x > 0, x, 2*x)",
        None,
        "where(x > 0, x, 2 x)",
        r"\begin{cases} x & x > 0 \\ 2 x & \text{otherwise} \end{cases}",
    ),
    ("(x >= 0) + 1", None, "𝟙[x ≥ 0] + 1", r"\mathbb{1}[x \ge 0] + 1"),
    ("sigmoid(x)*(1 - sigmoid(x))", None, "σ(x) ⊙ (1 − σ(x))", r"\sigma(x) \odot (1 - \sigma(x))"),
    ("softmax(A, axis=0)", None, "softmax(A, axis=0)", r"\operatorname{softmax}(A, \mathrm{axis}=0)"),
    ("softmax(A)", None, "softmax(A)", r"\operatorname{softmax}(A)"),
    ("leaky_relu(x)", None, "leaky_relu(x)", r"\operatorname{leaky\_relu}(x)"),
    ("exp(x)/sum(exp(x))", None, "exp(x)/(𝟏ᵀ exp(x))", r"\frac{\exp(x)}{\mathbf{1}^\top \exp(x)}"),
    ("x/norm(x)", None, "x/‖x‖₂", r"\frac{x}{\lVert x \rVert_{2}}"),
    ("norm(x, 1)", None, "‖x‖₁", r"\lVert x \rVert_{1}"),
    ("abs(x)", None, "|x|", r"\operatorname{abs}(x)"),
    ("abs(lam)", None, "|λ|", r"\lvert \lambda \rvert"),
    ("sqrt(x @ x)", None, "√(xᵀ x)", r"\sqrt{x^\top x}"),
    ("lam*x + W1 @ x", None, "λ x + W₁ x", r"\lambda x + W_{1} x"),
    ("b_hat @ w", None, "b̂ᵀ w", r"\hat{b}^\top w"),
    ("x[0]", None, "x₁", "x_{1}"),
    ("x[-1]", None, "xₙ", "x_{n}"),
    ("X[:, 0]", None, "X_(:,1)", "X_{:, 1}"),
    ("X[0] @ w", None, "X₁ᵀ w", r"X_{1, :} w"),
    ("x[::-1]", None, "flip(x)", r"\operatorname{flip}(x)"),
    ("(X @ w)[0]", None, "(X w)₁", "(X w)_{1}"),
    ("x[label]", None, "x_label", r"x_{\mathrm{label}}"),
    (
        "sum((y[i] - w @ X[i])**2 for i in range(n))",
        None,
        "∑ᵢ (yᵢ − wᵀ Xᵢ)²",
        r"\sum_{i=1}^{n} (y_{i} - w^\top X_{i})^{2}",
    ),
    (
        "sum(maximum(0, x[j] - x[label] + 1) for j in range(n) if j != label)",
        None,
        "∑_(j ≠ label) max(0, xⱼ − x_label + 1)",
        r"\sum_{\substack{j=1 \\ j \ne \mathrm{label}}}^{n} \max(0, x_{j} - x_{\mathrm{label}} + 1)",
    ),
    ("sum(i*x[i] for i in range(n))", None, "∑ᵢ (i − 1) xᵢ", r"\sum_{i=1}^{n} (i - 1) x_{i}"),
    ("sum(x[i]*x[i + 1] for i in range(1, n - 1))", None, "∑_(i=2..n − 1) xᵢ xᵢ₊₁", r"\sum_{i=2}^{n - 1} x_{i} x_{i + 1}"),
    ("max(x[i] for i in range(n))", None, "maxᵢ xᵢ", r"\max_{1 \le i \le n} x_{i}"),
    ("einsum('ij,jk->ik', A, B)", None, "[∑ⱼ Aᵢⱼ Bⱼₖ]ᵢₖ", r"\left[\sum_{j} A_{ij} B_{jk}\right]_{ik}"),
    ("einsum('ij,jk->ijk', A, eye(n))", None, "[Aᵢⱼ δⱼₖ]ᵢⱼₖ", r"\left[A_{ij} \delta_{jk}\right]_{ijk}"),
    ("onehot(label, 3)", None, "e_label", r"\mathbf{e}_{\mathrm{label}}"),
    ("heaviside(x, 1/2)", None, "H(x)", r"\operatorname{H}(x)"),
    ("flip(x)", "x[::-1]", "flip(x)", r"\operatorname{flip}(x)"),
    ("x/2", None, "x/2", r"\frac{1}{2} x"),
    ("3*x/2", None, "3 x/2", r"\frac{3}{2} x"),
    ("0.5*x", "x/2", "x/2", r"\frac{1}{2} x"),
    ("1.702*x", None, "1.702 x", "1.702 x"),
    ("1e-8*x", "1e-08*x", "1e-08 x", "10^{-8} x"),
    ("2*pi*x", None, "2 π x", r"2 \pi x"),
    ("ones((n, d))", None, "𝟏 𝟏ᵀ", r"\mathbf{1} \mathbf{1}^\top"),
    ("A + lam*eye(n)", None, "A + λ I", r"A + \lambda I"),
]  # fmt: skip


def read(text: str, **more: str) -> Node:
    return parse(text, {k: v for k, v in {**VARS, **more}.items() if re.search(rf"\b{k}\b", text)}).expr


def same_value(a: Node, b: Node) -> None:
    """Both have the same value at random arrays of unequal sizes."""
    rng = np.random.default_rng(0)
    sizes = {"n": 3, "d": 4, "k": 5}
    values: dict[str, object] = {}
    for v in {v.name: v for v in variables(a, b)}.values():
        shape = tuple(int(s.subs({size_symbol(name): size for name, size in sizes.items()})) for s in v.shape)
        values[v.name] = rng.integers(0, 3, shape) if v.is_a("integer") else rng.uniform(0.5, 1.5, shape)
    left, right = (np.asarray(evaluate(e, {**values, **sizes})) for e in (a, b))
    assert left.shape == right.shape
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("text", "language", "_unicode", "_latex"), TABLE, ids=[row[0] for row in TABLE])
def test_language(text: str, language: str | None, _unicode: str, _latex: str) -> None:
    node = read(text)
    printed = to_text(node)
    assert printed == (text if language is None else language)
    again = read(printed)
    assert to_text(again) == printed
    same_value(node, again)


@pytest.mark.parametrize(("text", "_language", "expected", "_latex"), TABLE, ids=[row[0] for row in TABLE])
def test_unicode(text: str, _language: str | None, expected: str, _latex: str) -> None:
    assert to_unicode(read(text)) == expected


@pytest.mark.parametrize(("text", "_language", "_unicode", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_latex(text: str, _language: str | None, _unicode: str, expected: str) -> None:
    assert to_latex(read(text)) == expected


NUMBERS = [
    (Rational(1, 2), "1/2"), (Rational(-3, 2), "-3/2"), (Rational(851, 500), "1.702"), (Rational(1, 16), "0.0625"),
    (Rational(1, 24), "1/24"), (Rational(1, 10**8), "1e-08"), (Rational(10**20), "1e+20"), (2 / (n * k), "2/(k*n)"),
    (sympy.pi, "pi"), (sympy.oo, "inf"), (-sympy.oo, "-inf"), (1 / sympy.sqrt(n), "1/sqrt(n)"), (n**2 - 1, "n**2 - 1"),
    (1 / n**k, "1/n**k"), (sympy.log(2), "log(2)"), (-2 * n - 2, "-2*n - 2"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), NUMBERS, ids=[t for _, t in NUMBERS])
def test_numbers(value: sympy.Expr, text: str) -> None:
    x = var("x", "n")
    assert to_text(Num(value)) == text
    assert to_text(Call("pow", Num(value), x)) == (
        f"{text}**x" if re.fullmatch(r"[\w.]+(e[+-]\d+)?|log\(2\)", text) else f"({text})**x"
    )
    for node in (Call("mul", Num(value), x), Call("add", x, Call("mul", Num(value), x)), Call("div", x, Num(value))):
        assert "--" not in to_text(node) and "+ -" not in to_text(node)
        assert balanced(to_latex(node))


def test_decimals_are_exact() -> None:
    for value in (Rational(1, 3), Rational(7, 2**60), Rational(1, 10**400), Rational(10**400)):
        shown = decimal(value)
        assert shown is None or Rational(shown) == value
    assert factors(-2 / (n * k)).sign == -1


def test_products_by_hand() -> None:
    x, y, A, s = var("x", "n"), var("y", "n"), var("A", "n,n"), var("s")
    assert to_text(Call("mul", x, Num(Rational(1, 2)), y)) == "x*y/2"
    assert to_text(Call("mul", Call("div", Num(1), y), Call("matmul", A, x))) == "(A @ x)/y"
    assert to_text(Call("mul", x, Call("neg", y))) == "-x*y"
    assert to_text(Call("matmul", A, Call("neg", x))) == "A @ (-x)"
    assert to_text(Call("div", Call("mul", Num(2), x), Call("mul", Num(3), s))) == "2*x/(3*s)"
    assert to_text(Call("mul", Call("matmul", A, x), s)) == "(A @ x)*s"
    assert to_text(Call("mul", s, Call("matmul", A, x), s)) == "s*(A @ x)*s"
    assert to_text(Call("T", Num(2))) == "(2).T"
    assert to_text(Call("gt", Call("gt", x, y), s)) == "(x > y) > s"
    assert to_text(Call("neg", Call("neg", x))) == "x"


def test_einsum_for_numpy() -> None:
    """NumPy has neither repeated output letters nor output letters that no operand has."""
    v = var("v", "n")
    assert to_text(Call("einsum", v, subs="i->ii")) == "einsum('i,ia->ia', v, eye(n))"
    assert to_latex(Call("einsum", v, subs="i->ii")) == r"\left[v_{i} \delta_{ij}\right]_{ij}"


def test_names() -> None:
    assert [unicode_name(x) for x in ("lam", "alpha", "W1", "w_hat", "x_i", "x_new", "ell")] == [
        "λ", "α", "W₁", "ŵ", "xᵢ", "x_new", "ℓ"
    ]  # fmt: skip
    assert [latex_name(x) for x in ("lam", "W1", "w_hat", "x_new", "loss", "ell")] == [
        r"\lambda", "W_{1}", r"\hat{w}", r"x_{\mathrm{new}}", r"\mathrm{loss}", r"\ell"
    ]  # fmt: skip
    # x1 beside x stays as it is: x₁ is an entry of x
    both = Call("mul", var("x1"), Call("getitem", var("x", "n"), Num(0), spec=("at",)))
    assert to_unicode(both) == "x1 x₁"
    assert to_latex(both) == r"\mathrm{x1} x_{1}"


def test_latex_options() -> None:
    node = read("lam*X.T @ y")
    assert to_latex(node, bold=True, transpose="T") == r"\lambda \mathbf{X}^T \mathbf{y}"
    assert to_latex(node, transpose=r"\mathsf{T}") == r"\lambda X^{\mathsf{T}} y"


# every operation ----------------------------------------------------------------------------------------------------------


def balanced(text: str) -> bool:
    """Braces and \\left \\right match, and no superscript or subscript follows another."""
    depth = 0
    for c in re.sub(r"\\[{}|]", "", text):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    doubled = re.search(r"\^(\{[^{}]*\}|\\[a-z]+|.)\s*\^|_\{[^{}]*\}\s*_", text)
    return depth == 0 and text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right") and not doubled


EXAMPLES = sorted(name for name, op in OPS.items() if op.example)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_operation_prints_and_reads_back(name: str) -> None:
    op = OPS[name]
    node = parse(op.example, op.example_vars).expr
    text = to_text(node)
    again = parse(text, op.example_vars).expr
    assert to_text(again) == text
    assert again.shape == node.shape
    assert balanced(to_latex(node)), to_latex(node)
    assert to_unicode(node)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    examples = [parse(OPS[name].example, OPS[name].example_vars).expr for name in EXAMPLES]
    formulas = [to_latex(e) for e in [*examples, *(read(row[0]) for row in TABLE)]]
    body = "\n".join(f"\\[ {f} \\]" for f in formulas)
    source = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n" + body + "\n\\end{document}\n"
    (tmp_path / "t.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")


# size and sharing ---------------------------------------------------------------------------------------------------------


def doubling(levels: int) -> Node:
    e: Node = var("x", "n")
    for _ in range(levels):
        e = Call("mul", Call("exp", e), e)
    return e


def test_deep_expressions() -> None:
    e: Node = var("x", "n")
    for _ in range(3000):
        e = Call("add", Call("sin", e), var("v", "n"))
    assert to_text(e).count("sin") == 3000
    assert to_latex(e).count(r"\sin") == 3000
    assert to_unicode(e).count("sin") == 3000


@pytest.mark.parametrize("printer", [to_text, to_unicode, to_latex])
@pytest.mark.parametrize("levels", [60, 20_000])
def test_exponential_text_is_refused(printer, levels: int) -> None:
    with pytest.raises(LimitError, match="written out in full") as caught:
        printer(doubling(levels))
    assert caught.value.code == "SD904"


@pytest.mark.parametrize("printer", [to_text_shared, to_unicode_shared, to_latex_shared])
def test_shared_names(printer) -> None:
    definitions, text = printer(doubling(60))
    assert len(definitions) < 130 and len(text) < 100
    assert len({name for name, _ in definitions}) == len(definitions)


def test_shared_names_avoid_names_in_use() -> None:
    h1 = var("h1", "n")
    e: Node = Call("exp", Call("mul", h1, Call("sin", h1)))
    for _ in range(3):
        e = Call("mul", e, Call("add", e, h1))
    definitions, _ = to_text_shared(e, limit=5)
    assert "h1" not in dict(definitions)


def test_a_part_with_a_bound_index_gets_no_name() -> None:
    definitions, text = to_text_shared(read("sum(exp(x @ v + x[i])*log(x @ v + x[i]) for i in range(n))"), limit=1)
    assert all("x[i]" not in body for _, body in definitions)
    assert "for i in range(n)" in text


def test_several_expressions_share_names() -> None:
    r = read("2*X.T @ sigmoid(X @ w - y)")
    g = read("sum(sigmoid(X @ w - y)*y)")
    text = to_text_shared_many({"w": r, "y": g}, limit=1)
    assert text.splitlines() == ["h1 = sigmoid(X @ w - y)", "dw = 2*X.T @ h1", "dy = sum(h1*y)"]


def test_str_and_repr_of_a_free_index() -> None:
    assert str(Call("getitem", var("x", "n"), Index("i"), spec=("at",))) == "x[i]"


# random expressions -------------------------------------------------------------------------------------------------------

MATRIX, VECTOR, SCALAR = 2, 1, 0


def random_expression(rng: np.random.Generator, rank: int, depth: int) -> Node:
    """A random expression in square matrices and vectors of length n, of this rank."""
    if depth == 0:
        leaves = {MATRIX: ["A", "B"], VECTOR: ["x", "y"], SCALAR: ["s", "t"]}
        if rank == SCALAR and rng.random() < 0.4:
            return Num(Rational(int(rng.integers(-4, 5)), int(rng.integers(1, 4))))
        name = leaves[rank][rng.integers(2)]
        return var(name, {MATRIX: "n,n", VECTOR: "n", SCALAR: ""}[rank])

    def sub(r: int) -> Node:
        return random_expression(rng, r, int(rng.integers(depth)))

    options = ["add", "neg", "mul", "scale", "div", "square", "exp", "where"]
    options += {
        MATRIX: ["matmul", "T", "outer", "row", "column"],
        VECTOR: ["mv", "vm"],
        SCALAR: ["dot", "sum", "trace", "entry"],
    }[rank]
    match options[rng.integers(len(options))]:
        case "add":
            return Call("add", sub(rank), sub(rank), Call("neg", sub(SCALAR)))
        case "neg":
            return Call("neg", sub(rank))
        case "mul":
            return Call("mul", sub(rank), sub(rank))
        case "scale":
            return Call("mul", sub(SCALAR), sub(rank), sub(SCALAR))
        case "div":
            return Call("div", sub(rank), Call("add", Call("square", sub(int(rng.integers(rank + 1)))), Num(1)))
        case "square":
            return Call("pow", sub(rank), Num(2))
        case "exp":
            return Call("tanh", sub(rank))
        case "where":
            return Call("where", Call("gt", sub(rank), Num(0)), sub(rank), sub(rank))
        case "matmul":
            return Call("matmul", sub(MATRIX), sub(MATRIX))
        case "T":
            return Call("T", sub(MATRIX))
        case "outer":
            return Call("outer", sub(VECTOR), sub(VECTOR))
        case "row":
            return Call("mul", sub(VECTOR), sub(MATRIX))
        case "column":
            return Call(
                "div",
                sub(MATRIX),
                Call("add", Call("square", Call("getitem", sub(VECTOR), spec=(("slice", None, None, None), "new"))), Num(1)),
            )
        case "mv":
            return Call("matmul", sub(MATRIX), sub(VECTOR))
        case "vm":
            return Call("matmul", sub(VECTOR), sub(MATRIX))
        case "dot":
            return Call("matmul", sub(VECTOR), sub(VECTOR))
        case "sum":
            return Call("sum", sub(MATRIX))
        case "trace":
            return Call("trace", sub(MATRIX))
    return Call("getitem", sub(VECTOR), Num(0), spec=("at",))


def check_random(seed: int) -> None:
    rng = np.random.default_rng(seed)
    node = random_expression(rng, int(rng.integers(3)), 5)
    text = to_text(node)
    known = {"A": "n,n", "B": "n,n", "x": "n", "y": "n", "s": "scalar", "t": "scalar"}
    again = parse(text, {v.name: known[v.name] for v in variables(node)}).expr
    assert to_text(again) == text, f"seed {seed}"
    same_value(node, again)
    assert balanced(to_latex(node)), f"seed {seed}: {to_latex(node)}"
    to_unicode(node)


@pytest.mark.parametrize("seed", range(60))
def test_random_expressions_read_back(seed: int) -> None:
    check_random(seed)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(1000, 4000))
def test_many_random_expressions_read_back(seed: int) -> None:
    check_random(seed)
