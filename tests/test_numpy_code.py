"""Emitted NumPy modules: they stand alone, are exact, share what is shared, check their arguments, and survive strange names."""

from __future__ import annotations

import math
import re

import mpmath
import numpy as np
import pytest
import sympy

from symderiv.code import runtime
from symderiv.code.numpy import evaluate, numpy_function, numpy_source
from symderiv.errors import CodeError
from symderiv.expr.nodes import Call, Index, Node, Num, Var, var
from symderiv.expr.sizes import size_symbol

n, d, k = map(size_symbol, "ndk")
X, A, S, w, y, v, x = (
    var("X", "n,d"), var("A", "n,n"), var("S", "n,n", "psd"), var("w", "d"), var("y", "n"), var("v", "n"), var("x", "d"),
)  # fmt: skip
label, labels = var("label", (), "integer"), var("labels", "n", "integer")
i, j = Index("i"), Index("j")
rng = np.random.default_rng(7)
VALUES = {
    "X": rng.normal(size=(4, 3)),
    "A": rng.normal(size=(4, 4)),
    "w": rng.normal(size=3),
    "y": rng.normal(size=4),
    "v": rng.normal(size=4),
}
VALUES["S"] = VALUES["A"] @ VALUES["A"].T + np.eye(4)


def at(a: Node, *indices: Node) -> Node:
    return Call("getitem", a, *indices, spec=("at",) * len(indices))


def body_of(expr, **more) -> str:
    """The last statement of the emitted function."""
    return numpy_source(expr, **more).rstrip().split("\n")[-1].strip().removeprefix("return ")


def total(body: Node, index: Index, high, *condition: Node, word: str = "isum", low=0) -> Node:
    return Call(word, body, index, *condition, lo=low, hi=high)


# spelling ---------------------------------------------------------------------------------------------------
SPELLED = {
    "2*(X.T @ (X @ w - y))": 2 * (X.T @ (X @ w - y)),
    "X.T @ (A @ (X @ w))": Call("matmul", X.T, A, X, w),
    "v*y": Call("diag", v) @ y,
    "v[:, None]*X": Call("diag", v) @ X,
    "X*w": X @ Call("diag", w),
    "X.T @ (v[:, None]*X)": Call("matmul", X.T, Call("diag", v), X),
    "np.linalg.solve(A, y)": Call("inv", A) @ y,
    "np.sum(A*S.T)": Call("trace", A @ S),
    "np.sum(X*X)": Call("trace", X.T @ X),
    "_sigmoid(-y)": 1 - Call("sigmoid", y),
    "1/np.sqrt(y)": y ** Num(sympy.Rational(-1, 2)),
    "y - 2*v": y + Call("mul", Num(-2), v),
    "v - y": Call("neg", y) + v,
    "y/(v*y)": y / (v * y),
    "y - (v - y)": y - (v - y),
    "(-y)**2": (-y) ** 2,
    "-y**2": -(y**2),
    "-(A @ y)": -(A @ y),
    "y**(-v)": y ** (-v),
    "1/3*y": Num(sympy.Rational(1, 3)) * y,
    "np.log(y)/np.log(2)": Call("log", y) / Call("log", Num(2)),
    "np.where(y > 0, y, 0)": Call("where", Call("gt", y, Num(0)), y, Num(0)),
    "1.0*(y > 0) + 1.0*(v > 0)": Call("gt", y, Num(0)) + Call("gt", v, Num(0)),
    "_embed(y, 'i->ii', (n,))": Call("einsum", y, subs="i->ii"),
    "np.sum(X, axis=0)": Call("sum", X, axis=0),
    "np.array(X.T)": X.T,
}


@pytest.mark.parametrize("source", SPELLED)
def test_spelling(source):
    assert body_of(SPELLED[source]) == source


def test_shared_inverse_is_computed_once():
    source = numpy_source(Call("inv", A) @ y + Call("inv", A) @ v)
    assert source.count("np.linalg.inv") == 1 and "solve" not in source


def test_shared_values_are_computed_once():
    z = X @ w
    source = numpy_source([Call("sum", Call("softplus", z)), X.T @ Call("sigmoid", z)], value_names=["loss", "gradient"])
    assert "t1 = X @ w" in source and source.split("t1 = ")[1].count("X @ w") == 1


def test_chains_are_ordered_by_cost():
    assert evaluate(Call("matmul", X.T, A, X, w), VALUES) == pytest.approx(
        VALUES["X"].T @ VALUES["A"] @ VALUES["X"] @ VALUES["w"]
    )
    assert body_of(Call("matmul", y, A, X)) == "(y @ A) @ X" or body_of(Call("matmul", y, A, X)) == "y @ A @ X"
    assert body_of((A @ X) @ w) == "A @ (X @ w)"


def test_documented():
    source = numpy_source(X @ w, name="predict", doc='Says "hi" \\ """ there')
    namespace: dict = {}
    exec(source, namespace)
    assert namespace["predict"].__doc__.startswith('Says "hi" \\ """ there')
    assert "X (n, d), w (d,); returns (n,)" in namespace["predict"].__doc__


def test_module_stands_alone():
    source = numpy_source(Call("gelu", X))
    assert re.findall(r"^\s*(?:import|from) .*", source, re.M)[0] == "import numpy as np"
    assert "symderiv" not in source.split('"""')[0]
    namespace: dict = {}
    exec(source, namespace)
    assert namespace["f"](np.ones((2, 3))).shape == (2, 3)


# arguments --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.ones((5, 2)), np.ones(2), np.ones(4)), r"size n is 5 in X \(axis 0\) but 4 in y \(axis 0\)"),
        ((np.ones((5, 2)), np.ones(3), np.ones(5)), r"size d is 2 in X \(axis 1\) but 3 in w \(axis 0\)"),
        ((np.ones(5), np.ones(3), np.ones(5)), r"X has 1 axes \(shape \(5,\)\), but was declared with 2"),
        ((np.ones((5, 2)), "ab", np.ones(5)), "w is not an array of numbers"),
        ((np.ones((5, 2)), None, np.ones(5)), "w is missing"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        numpy_function(X @ w - y)(*arguments)


def test_unused_arguments_are_accepted():
    f = numpy_function(2 * w, args=[X, w, y])
    assert f(w=np.ones(2)).tolist() == [2, 2] and f(np.ones((1, 2)), np.ones(2), None).tolist() == [2, 2]
    with pytest.raises(CodeError, match="uses w"):
        numpy_source(2 * w, args=[X])


def test_sizes_come_from_arrays_or_by_name():
    ones = Call("ones", shape=(n,))
    assert numpy_function(ones, args=[y])(np.zeros(3)).tolist() == [1, 1, 1]
    assert numpy_function(ones)(n=2).tolist() == [1, 1]
    assert evaluate(Num(1 / n) * w, {"w": [4.0], "n": 4}).tolist() == [1]
    with pytest.raises(CodeError, match="no value for n"):
        evaluate(ones, {})
    with pytest.raises(CodeError, match=r"size n is given as 5 but is 4 in y"):
        evaluate(y + ones, {"y": np.ones(4), "n": 5})
    with pytest.raises(ValueError, match="not a whole number"):
        numpy_function(ones)(n=2.5)


def test_sizes_from_composite_axes():
    z = Var("z", (n + 1,))
    assert evaluate(Call("ones", shape=(n,)) * Call("sum", z), {"z": np.ones(4)}).tolist() == [4, 4, 4]
    u = Var("u", (n * d,))
    assert evaluate(Call("reshape", u, shape=(n, d)) @ w, {"u": np.arange(6.0), "w": np.ones(2)}).tolist() == [1, 5, 9]
    with pytest.raises(CodeError, match=r"size n\*d|size d\*n"):
        evaluate(Call("reshape", u, shape=(n, d)) @ w, {"u": np.arange(5.0), "w": np.ones(2)})
    three = Var("three", (3,))
    with pytest.raises(CodeError, match="size 3 is 3 in its declaration but 2 in three"):
        evaluate(2 * three, {"three": [1, 2]})


def test_results_are_new_float_arrays():
    given = np.arange(6.0).reshape(2, 3)
    for expr in (X, X.T, at(X, Num(0)), Call("reshape", X, shape=(n * d,)), Call("broadcast_to", X, shape=(k, n, d))):
        value = evaluate(expr, {"X": given, "k": 2})
        assert not np.shares_memory(value, given) and value.flags.writeable and value.dtype == float
    for expr in (
        Num(2),
        Num(1 / n),
        Call("gt", y, Num(0)),
        labels,
        Call("where", Call("gt", y, Num(0)), Num(1), Num(0)),
        Call("arange", hi=n),
    ):
        value = np.asarray(evaluate(expr, {"y": np.ones(2), "labels": [0, 1], "n": 2}))
        assert value.dtype == float and value.ndim == expr.rank


def test_whole_numbers_do_not_overflow():
    value = evaluate(Call("mul", *[labels] * 5) + labels**4 + Call("prod", labels), {"labels": [10**5, 1]})
    assert value[0] == 1e25 + 1e20 + 1e5
    assert evaluate(Call("mul", Num(-1), labels, labels), {"labels": [3, 2]}).tolist() == [-9, -4]
    for bad in ([1j, 0], [np.inf, 0], [np.nan, 0], ["a", 0]):
        with pytest.raises(CodeError, match="labels is not an array of whole numbers"):
            evaluate(labels * y, {"labels": bad, "y": [1, 1]})
    assert evaluate(labels ** Num(-1), {"labels": [2, 4]}).tolist() == [0.5, 0.25]
    assert evaluate(Num(10**30) * y, {"y": [1.0]}).tolist() == [1e30]


def test_complex_step():
    f = numpy_function(Call("sum", Call("sigmoid", X @ w)) + Call("logsumexp", w) + Call("sum", Call("erf", w) + Call("gelu", w)))
    h = 1e-30
    step = VALUES["w"].astype(complex)
    step[0] += 1j * h
    exact = f(VALUES["X"], step).imag / h
    up, down = VALUES["w"].copy(), VALUES["w"].copy()
    up[0] += 1e-6
    down[0] -= 1e-6
    assert exact == pytest.approx((f(VALUES["X"], up) - f(VALUES["X"], down)) / 2e-6, rel=1e-8)


# labels, entries, loops -------------------------------------------------------------------------------------
def test_labels_out_of_range_are_refused():
    for expr in (
        Call("onehot", labels, k=k),
        at(var("Z", "n,k"), Call("arange", hi=n), labels),
        Call("cross_entropy", var("Z", "n,k"), labels),
    ):
        good = {"Z": np.zeros((2, 3)), "k": 3, "labels": [0, 2]}
        assert np.all(np.isfinite(evaluate(expr, good)))
        for bad in ([0, 3], [-1, 0], [0.5, 1]):
            with pytest.raises(CodeError, match="label"):
                evaluate(expr, {**good, "labels": bad})


def test_slices_are_not_cut_short():
    first = Call("getitem", x, spec=(("slice", None, 3, None),))
    assert evaluate(first, {"x": np.arange(4)}).tolist() == [0, 1, 2]
    with pytest.raises(CodeError, match="size d is 2, but a slice needs at least 3"):
        evaluate(first, {"x": np.arange(2)})
    assert evaluate(Call("getitem", x, spec=(("slice", 1, -1, None),)), {"x": np.arange(4)}).tolist() == [1, 2]


def test_loops():
    a = VALUES
    squares = total((at(y, i) - w @ at(X, i)) ** 2, i, n)
    assert evaluate(squares, a) == pytest.approx(np.sum((a["y"] - a["X"] @ a["w"]) ** 2))
    assert evaluate(total(at(X, i), i, n, low=1), a) == pytest.approx(a["X"][1:].sum(0))
    assert evaluate(total(at(y, i), i, n, Call("ne", i, label)), {**a, "label": 2}) == pytest.approx(a["y"][[0, 1, 3]].sum())
    assert evaluate(total(at(y, i), i, n, word="imax"), a) == a["y"].max()
    assert evaluate(total(at(X, i), i, n, word="iprod"), a) == pytest.approx(a["X"].prod(0))
    pairs = total(total(at(X, i, j) * at(w, j), j, d) * at(y, i), i, n)
    assert evaluate(pairs, a) == pytest.approx(a["y"] @ a["X"] @ a["w"])
    weighted = total(Num(1) / (i + 1) * at(y, i), i, n)
    assert evaluate(weighted, a) == pytest.approx(np.sum(a["y"] / np.arange(1, 5)))


def test_loops_over_nothing_keep_their_shape():
    empty = {"X": np.zeros((0, 3))}
    assert evaluate(total(at(X, i), i, n), empty).tolist() == [0, 0, 0]
    assert evaluate(total(at(X, i), i, n, word="iprod"), empty).tolist() == [1, 1, 1]
    assert evaluate(total(at(X, i, Num(0)), i, n), empty) == 0


def test_loops_keep_outside_what_does_not_change():
    source = numpy_source(total(at(X @ w, i) ** 2, i, n))
    assert "t1 = X @ w" in source and "t1[i]**2 for i in range(n)" in source


def test_loops_with_statements():
    z = Call("tanh", at(y, i))
    body = z * Call("exp", z) + total(z * Call("sin", at(w, j) * z) ** 2 + Call("sin", at(w, j) * z), j, d)
    expr = total(body, i, n, Call("gt", z * Call("exp", z), Num(-1)))
    t = np.tanh(VALUES["y"])
    s = np.sin(np.outer(t, VALUES["w"]))
    assert evaluate(expr, VALUES) == pytest.approx(np.sum(t * np.exp(t) + np.sum(t[:, None] * s**2 + s, axis=1)))
    assert sympy.lambdify([y, w], expr)(VALUES["y"], VALUES["w"]) == pytest.approx(evaluate(expr, VALUES))


def test_one_index_name_for_several_loops():
    expr = total(at(y, i) ** 2, i, n) * total(at(y, i) ** 2, i, n, low=1) + total(total(at(w, i), i, d) * at(y, i), i, n)
    a = VALUES
    want = np.sum(a["y"] ** 2) * np.sum(a["y"][1:] ** 2) + a["w"].sum() * a["y"].sum()
    assert evaluate(expr, a) == pytest.approx(want)


def test_an_index_without_a_loop_is_refused():
    with pytest.raises(CodeError, match="the index i has no range"):
        numpy_source(at(y, i))


# strange input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["np", "t1", "sum", "range", "_sigmoid", "_array", "f", "body", "n", "d", "i", "lambda_", "σ", "float", "n_1", "x1"]
)
def test_names_that_clash(name):
    z = var(name, "n")
    expr = total(at(z, i) * at(z, i) + Call("sigmoid", at(z, i)), i, n) + Call("sum", Call("exp", z) * Call("exp", z)) + Num(n)
    a = np.array([0.3, -1.0])
    want = np.sum(a**2 + 1 / (1 + np.exp(-a)) + np.exp(2 * a)) + 2
    assert numpy_function(expr)(**{name: a}) == pytest.approx(want)


@pytest.mark.parametrize("name", ["lambda", "1x", "x y", "a;b", "", "__debug__", "ﬁ", "None"])
def test_names_python_does_not_allow(name):
    with pytest.raises(CodeError) as caught:
        numpy_source(2 * Var(name, (n,)))
    assert caught.value.code == "SD506"


@pytest.mark.parametrize("name", ["np", "sum", "_sigmoid", "class"])
def test_function_names_that_would_hide_something(name):
    with pytest.raises(CodeError):
        numpy_source(2 * y, name=name)


def nesting(source: str) -> int:
    depth = deepest = 0
    for c in source:
        depth += (c in "([") - (c in ")]")
        deepest = max(deepest, depth)
    return deepest


def test_a_thousand_levels():
    e: Node = y
    for step in range(1000):
        e = Call("tanh", e + 1) if step % 2 else (e - v) ** 2 * y
    source = numpy_source(e)
    assert nesting(source) <= 40
    value = y_value = VALUES["y"]
    for step in range(1000):
        value = np.tanh(value + 1) if step % 2 else (value - VALUES["v"]) ** 2 * y_value
    np.testing.assert_allclose(evaluate(e, VALUES), value)


def test_many_terms():
    terms = [Num(t) * y if t % 2 else Call("neg", v) for t in range(3000)]
    want = VALUES["y"] * sum(range(1, 3000, 2)) - 1500 * VALUES["v"]
    np.testing.assert_allclose(evaluate(Call("add", *terms), VALUES), want)
    np.testing.assert_allclose(evaluate(Call("mul", *[Call("cos", y * t) for t in range(200)]), VALUES),
                               np.prod([np.cos(VALUES["y"] * t) for t in range(200)], axis=0))  # fmt: skip


def test_shared_graphs_stay_small():
    e: Node = y
    for _ in range(200):
        e = Call("sin", e) * Call("cos", e)
    assert e.tree_size > 10**30 and len(numpy_source(e)) < 20_000
    assert np.all(np.isfinite(evaluate(e, VALUES)))


def test_numbers_that_have_no_float():
    for value in (sympy.zoo, sympy.Integer(10) ** 400):
        with pytest.raises(CodeError):
            numpy_source(Num(value) * y)
    assert evaluate(Num(sympy.oo) * y, {"y": [1.0]}) == np.inf
    assert evaluate(Num(sympy.sqrt(2) * sympy.pi / n) * y, {"y": [1.0, 2.0]})[0] == pytest.approx(math.sqrt(2) * math.pi / 2)


def test_einsum_with_many_letters():
    letters = "".join(chr(c) for c in range(ord("α"), ord("α") + 3))
    expr = Call("einsum", X, A, subs=f"{letters[0]}{letters[1]},{letters[2]}{letters[0]}->{letters[2]}{letters[1]}{letters[1]}")
    want = np.einsum("ab,ca,bd->cbd", VALUES["X"], VALUES["A"], np.eye(3))
    np.testing.assert_allclose(evaluate(expr, VALUES), want)


def test_advanced_indices_stand_where_numpy_puts_them():
    B = var("B", "n,d,k")
    values = {"B": np.arange(24.0).reshape(2, 3, 4), "labels": [1, 0]}
    apart = Call("getitem", B, labels, labels, spec=("at", ("slice", None, None, None), "at"))
    together = Call("getitem", B, labels, labels, spec=(("slice", None, None, None), "at", "at"))
    assert apart.shape == (n, d) and together.shape == (n, n)
    np.testing.assert_array_equal(evaluate(apart, values), values["B"][[1, 0], :, [1, 0]])
    np.testing.assert_array_equal(evaluate(together, values), values["B"][:, [1, 0], [1, 0]])


def test_squeeze_keeps_axes_that_are_one_by_chance():
    assert evaluate(Call("squeeze", Call("expand_dims", X, axis=0)), {"X": np.ones((1, 1))}).shape == (1, 1)


# lambdify ---------------------------------------------------------------------------------------------------
def test_lambdify():
    z = X @ w
    expr = X.T @ (Call("sigmoid", z) * z) + Call("erf", w) + Call("ones", shape=(d,)) * Num(1 / n)
    f = sympy.lambdify([X, w], expr)
    np.testing.assert_allclose(f(VALUES["X"], VALUES["w"]), evaluate(expr, VALUES))
    both = sympy.lambdify([X, w], [z, 2 * w])
    np.testing.assert_allclose(both(VALUES["X"], VALUES["w"])[1], 2 * VALUES["w"])
    assert sympy.lambdify([n], Call("ones", shape=(n,)))(2).tolist() == [1, 1]
    with pytest.raises(CodeError, match="hides"):
        sympy.lambdify([var("np", "n")], Call("exp", var("np", "n")))


# the runtime against independent formulas -------------------------------------------------------------------
POINTS = [1e-8, 1e-3, 0.1, 0.5, 0.99, 1.5, 2.5, 3.7, 6.0, 10.0, 19.9, 25.0, 100.0, 1e4]
SPECIAL = {
    "erf": (runtime._erf, mpmath.erf, [*POINTS, *(-p for p in POINTS)]),
    "lgamma": (runtime._lgamma, mpmath.loggamma, POINTS),
    "digamma": (runtime._digamma, mpmath.digamma, [*POINTS, -0.5, -1.3, -20.7]),
    "trigamma": (lambda t: runtime._polygamma(1, t), lambda t: mpmath.polygamma(1, t), [*POINTS, -0.5, -1.3]),
    "polygamma 4": (lambda t: runtime._polygamma(4, t), lambda t: mpmath.polygamma(4, t), POINTS),
    "sigmoid": (runtime._sigmoid, lambda t: 1 / (1 + mpmath.exp(-t)), [-700.0, -40.0, -1.0, 0.0, 3.0, 800.0]),
    "softplus": (runtime._softplus, lambda t: mpmath.log(1 + mpmath.exp(t)), [-600.0, -40.0, -1.0, 0.0, 3.0, 800.0]),
    "gelu": (runtime._gelu, lambda t: t * (1 + mpmath.erf(t / mpmath.sqrt(2))) / 2, [-3.0, -0.1, 0.0, 0.7, 5.0]),
    "erf, complex step": (
        lambda t: np.imag(runtime._erf(t + 1e-30j)) / 1e-30,
        lambda t: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-t * t),
        POINTS[:6],
    ),
    "lgamma, complex step": (lambda t: np.imag(runtime._lgamma(t + 1e-30j)) / 1e-30, mpmath.digamma, POINTS),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(name):
    function, exact, points = SPECIAL[name]
    with mpmath.workdps(700):
        want = [float(exact(mpmath.mpf(p))) for p in points]
    np.testing.assert_allclose([function(np.float64(p)) for p in points], want, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(function(np.array(points)), want, rtol=1e-12, atol=1e-15)
    assert np.shape(function(np.zeros((0, 2)) + 0.5)) == (0, 2)


def test_polygamma_refuses_orders_that_are_not_whole():
    with pytest.raises(ValueError, match="order of polygamma"):
        runtime._polygamma(1.5, np.ones(2))


def test_stable_where_the_formula_overflows():
    big = np.array([[1000.0, -1000.0], [0.0, 5000.0]])
    assert np.all(np.isfinite(runtime._softmax(big))) and np.all(np.isfinite(runtime._log_softmax(big)))
    assert runtime._logsumexp(big) == 5000 and runtime._logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert runtime._xlogy(np.zeros(2), np.array([0.0, 1.0])).tolist() == [0, 0]
    assert runtime._cross_entropy(big, np.array([0, 1])) == 0
    assert runtime._layer_norm(np.ones((2, 1))).tolist() == [[0], [0]]


def test_roots_and_equations():
    P, M = VALUES["S"], VALUES["S"] + 0.1 * VALUES["A"]
    for matrix in (P, M, np.stack([P, 2 * P])):
        root = runtime._sqrtm(matrix)
        np.testing.assert_allclose(root @ root, matrix, atol=1e-11)
    for a in (P, M):
        Y = runtime._sylvester(a, np.eye(3) + 0.1 * VALUES["X"][:3], VALUES["X"])
        np.testing.assert_allclose(a @ Y + Y @ (np.eye(3) + 0.1 * VALUES["X"][:3]), VALUES["X"], atol=1e-12)
    with pytest.raises(ValueError, match="negative eigenvalue"):
        runtime._sqrtm(-P)
    L = runtime._cholesky(P)
    np.testing.assert_allclose(L @ L.T, P)


def test_norms():
    a = VALUES["X"]
    for order, axis in (("fro", None), (2, 1), (1, 0), ("inf", 1), ("nuc", None)):
        numpy_order = {"inf": np.inf}.get(order, order) if axis is not None or order in ("fro", "nuc") else None
        np.testing.assert_allclose(runtime._norm(a, ord=order, axis=axis), np.linalg.norm(a, numpy_order, axis=axis))
