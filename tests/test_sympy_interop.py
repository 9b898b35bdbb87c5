"""SymPy expressions to words and back, checked against SymPy's own explicit matrices."""

from __future__ import annotations

import pytest
import sympy
from sympy import (
    Abs,
    Derivative,
    Determinant,
    HadamardProduct,
    Heaviside,
    Identity,
    IndexedBase,
    Integral,
    KroneckerProduct,
    Lambda,
    Matrix,
    MatrixSymbol,
    Max,
    OneMatrix,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    cos,
    digamma,
    exp,
    gamma,
    log,
    oo,
    polygamma,
    sqrt,
    symbols,
)  # fmt: skip
from sympy.matrices.expressions.blockmatrix import BlockMatrix
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower

from symderiv.errors import InputError, SymDerivError
from symderiv.expr.nodes import Node, var
from symderiv.expr.sizes import size_symbol
from symderiv.read.problem import parse
from symderiv.read.sympy import from_sympy, to_sympy

n, d = symbols("n d", integer=True, positive=True)
i, j, lam = symbols("i j lam")
x, y, w = MatrixSymbol("x", n, 1), MatrixSymbol("y", n, 1), MatrixSymbol("w", d, 1)
X, A, B = MatrixSymbol("X", n, d), MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
VARS = {"X": "n,d", "A": "n,n", "B": "n,n", "w": "d", "x": "n", "y": "n", "lam": "scalar"}


def words(text: str) -> Node:
    return parse(text, VARS).expr


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (x.T * y, "x @ y"),
        (x.T * A * x, "x @ A @ x"),
        (x * y.T, "outer(x, y)"),
        (x * y.T * A, "outer(x, y) @ A"),
        (x.T * y * A, "(x @ y)*A"),
        (X * w, "X @ w"),
        ((X * w).T, "w @ X.T"),
        (2 * A - B, "-B + 2*A"),
        (A**-1, "inv(A)"),
        (A**2, "A @ A"),
        (A**-2, "inv(A) @ inv(A)"),
        (A ** Rational(1, 2), "sqrtm(A)"),
        (Trace(A * B), "trace(A @ B)"),
        (Determinant(A), "det(A)"),
        (log(Determinant(A)), "log(det(A))"),
        (HadamardProduct(x, y), "x*y"),
        (HadamardPower(X, 2), "X**2"),
        (X.applyfunc(sympy.sin), "sin(X)"),
        (x.applyfunc(Lambda(i, exp(-i))), "exp(-x)"),
        (DiagMatrix(x), "diag(x)"),
        (DiagonalOf(A), "diag(A)"),
        (DiagonalMatrix(A), "A*eye(n)"),
        (KroneckerProduct(A, B), "kron(A, B)"),
        (Identity(n), "eye(n)"),
        (OneMatrix(n, d), "ones((n, d))"),
        (ZeroMatrix(n, 1), "zeros(n)"),
        (X[0, 1], "X[0, 1]"),
        (x[0, 0], "x[0]"),
        (X[0, :], "X[0, :]"),
        (X[:, 0], "X[:, 0]"),
        (Sum(x[i, 0] ** 2, (i, 0, n - 1)), "sum(x[i]**2 for i in range(n))"),
        (Sum(X[i, j], (i, 1, n - 1), (j, 0, d - 1)), "sum(X[i, j] for j in range(d) for i in range(1, n))"),
        (sympy.Product(x[i, 0], (i, 0, n - 1)), "prod(x[i] for i in range(n))"),
        (-lam, "-lam"),
        (lam / 2, "1/2*lam"),
        (1 / lam, "1/lam"),
        (sqrt(lam), "sqrt(lam)"),
        (exp(-lam), "exp(-lam)"),
        (cos(lam) ** 2, "cos(lam)**2"),
        (Abs(lam), "abs(lam)"),
        (Max(lam, 0), "maximum(0, lam)"),
        (Piecewise((lam, lam > 0), (0, True)), "where(lam > 0, lam, 0)"),
        (Heaviside(lam), "heaviside(lam, 1/2)"),
        (digamma(lam) + 0, "digamma(lam)"),
        (polygamma(2, lam), "polygamma(2, lam)"),
        (lam * n, "lam*n"),
        (sympy.Float(0.1) * 1, "0.1"),
        (3, "3"),
        (oo, "inf"),
    ],
    ids=str,
)
def test_from_sympy(expr: object, text: str) -> None:
    assert from_sympy(expr, None if expr != lam * n else "lam: scalar; u: n") is words(text)


def test_declarations_give_attributes_and_shapes() -> None:
    assert from_sympy(A, {"A": "n,n psd"}) is var("A", "n,n", "psd", "symmetric")
    z = IndexedBase("z")
    assert from_sympy(Sum(z[i], (i, 0, n - 1)), {"z": "n"}) is parse("sum(z[i] for i in range(n))", {"z": "n"}).expr
    assert from_sympy(Symbol("c", positive=True)) is var("c", "", "positive")
    assert from_sympy(words("X @ w")) is words("X @ w")


def test_explicit_matrices_are_stacks() -> None:
    assert from_sympy(Matrix([[1, lam], [lam, 2]])).shape == (2, 2)
    assert from_sympy(Matrix([1, lam, 3])).shape == (3,)
    assert to_sympy(from_sympy(Matrix([[1, 2], [3, 4]]))) == Matrix([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "expr",
    [
        gamma(lam),
        Integral(lam, lam),
        Derivative(sympy.Function("f")(lam), lam),
        sympy.I * lam,
        BlockMatrix([[A, B]]),
        Sum(lam**i, (i, 0, oo)),
        A**lam,
        Piecewise((lam, lam > 0)),
        IndexedBase("z")[i],
        sympy.nan,
        KroneckerProduct(A, x),
        Matrix(0, 0, []),
        "x",
        None,
        [1],
    ],
    ids=str,
)
def test_what_has_no_word_is_refused(expr: object) -> None:
    with pytest.raises(InputError) as caught:
        from_sympy(expr)
    assert caught.value.code == "SD120"


def test_an_index_that_is_free_as_well() -> None:
    with pytest.raises(InputError, match="occurs outside"):
        from_sympy(Sum(x[i, 0], (i, 0, n - 1)) + i)
    with pytest.raises(InputError, match="one name cannot be both"):
        from_sympy(Symbol("n") * Trace(A))


ROUND = [
    "x @ A @ x",
    "norm(X @ w - y)**2/n",
    "sum(X, axis=0)",
    "sum(X, axis=1)",
    "mean(X)",
    "sum(x)",
    "X + w",
    "exp(X)*X/2",
    "X/(1 + X**2)",
    "outer(x, y) + diag(x)",
    "inv(A) @ x",
    "solve(A, x)",
    "trace(A @ B.T)",
    "kron(A, X)",
    "eye(n)*2 + ones((n, n))",
    "x*2 + lam",
    "sum(w[i]**2 for i in range(d) if i != 0)",
    "prod(w[i] for i in range(d))",
    "mse(X @ w, y)",
    "where(lam > 0, lam, 1)",
    "X[0]",
    "X[:, 1]",
    "sigmoid(x) - relu(y)",
    "softplus(x)*silu(y)",
    "maximum(x, 0)",
    "X.T @ X",
    "x.T",
    "dot(x, y)*lam",
    "A @ x/lam",
    "lam**2 - 1/3",
    "(x > 0)*y",
    "clip(x, -1, 1)",
    "logdet(A)",
    "ones(n) - x",
    "x - sum(x)/n",
    "stack([lam, 1, 2])",
]


@pytest.mark.parametrize("text", ROUND)
def test_round_trip_has_the_same_values(text: str) -> None:
    """Explicit entries at n = d = 2 before and after; SymPy evaluates both."""
    out = to_sympy(words(text))
    again = to_sympy(from_sympy(out, {"lam": "scalar"}))
    assert _entries(out) == _entries(again)


def test_to_sympy_agrees_with_numpy_meaning() -> None:
    """Broadcasting and reductions, with numbers."""
    values = {"X": Matrix([[1, 2], [3, 4]]), "w": Matrix([5, 6]), "x": Matrix([7, 8]), "A": Matrix([[2, 1], [0, 3]])}
    expected = {
        "X + w": Matrix([[6, 8], [8, 10]]),
        "X*w": Matrix([[5, 12], [15, 24]]),
        "X/w": Matrix([[Rational(1, 5), Rational(1, 3)], [Rational(3, 5), Rational(2, 3)]]),
        "sum(X, axis=0)": Matrix([4, 6]),
        "sum(X, axis=1)": Matrix([3, 7]),
        "sum(X)": 10,
        "mean(X)": Rational(5, 2),
        "x @ A": Matrix([14, 31]),
        "x @ A @ x": 14 * 7 + 31 * 8,
        "outer(x, w)": Matrix([[35, 42], [40, 48]]),
        "norm(x)**2": 113,
        "X[1]": Matrix([3, 4]),
        "det(A)": 6,
        "sum(X[i, 0]*x[i] for i in range(2))": 31,
        "X > 2": Matrix([[0, 0], [1, 1]]),
    }
    for text, value in expected.items():
        p = parse(text, {"X": "2,2", "w": "2", "x": "2", "A": "2,2"})
        out = _explicit(to_sympy(p.expr), {MatrixSymbol(k, *v.shape): v for k, v in values.items()})
        assert out == (value.applyfunc(sympy.N) if isinstance(value, sympy.MatrixBase) else sympy.N(value)), text


def _entries(expr: object) -> object:
    fixed = expr.subs({size_symbol("n"): 2, size_symbol("d"): 2})  # type: ignore[attr-defined]
    values = [
        Matrix([[2, -1], [3, 5]]),
        Matrix([[7, 2], [-3, 4]]),
        Matrix([[1, 6], [2, 9]]),
        Matrix([-2, 3]),
        Matrix([4, 1]),
        Matrix([5, -7]),
    ]
    known = dict(zip("XABwxy", values, strict=True))
    return _explicit(
        fixed, {m: known[m.name] for m in fixed.atoms(MatrixSymbol)} | {s: 3 for s in fixed.free_symbols if s.name == "lam"}
    )


def _explicit(expr: object, values: dict) -> object:
    ones = {m: m.as_explicit() for m in expr.atoms(OneMatrix)}  # type: ignore[attr-defined]
    out = expr.subs(values | ones).doit()  # type: ignore[attr-defined]
    out = out.as_explicit() if hasattr(out, "as_explicit") else out
    return out.applyfunc(sympy.N) if hasattr(out, "applyfunc") else sympy.N(out)


@pytest.mark.parametrize(
    "text", ["softmax(x)", "X*X > A", "cumsum(x)", "flip(x)", "max(x)", "X.sum(axis=0, keepdims=True)", "X[None]"]
)
def test_what_sympy_lacks_is_named(text: str) -> None:
    with pytest.raises(SymDerivError) as caught:
        to_sympy(parse(text, {"X": "n,n", "A": "n,n", "x": "n"}).expr)
    assert caught.value.code == "SD120" and caught.value.message.startswith("SymPy lacks")
