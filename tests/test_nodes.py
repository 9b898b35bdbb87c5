"""Nodes: one object per structure, and what SymPy, pickle, copy and notebooks do with them."""

from __future__ import annotations

import copy
import gc
import pickle
import time

import numpy as np
import pytest
import sympy
from sympy import Integer, Rational, Symbol

import symderiv as sd
from symderiv.expr.nodes import Call, Index, Node, Num, Var, as_node, var
from symderiv.expr.sizes import size_symbol
from symderiv.expr.walk import fold, postorder, replace, variables
from symderiv.simplify.lower import normal

VARS = "X: n,d; w: d; y: n; A: n,n symmetric; c: n integer; s: scalar positive"
TEXTS = [
    "sum((X @ w - y)**2)", "softmax(X @ w)", "logdet(A + s*eye(n))", "X.T @ A @ X", "X[c, :]", "X[1:, 0]", "where(y > 0, y, s)",
    "sum(y[i]*w @ X[i] for i in range(n) if i > 0)", "norm(X, axis=1)", "reshape(X, (n*d,))", "clip(y, -1, 1)/3",
    "einsum('ij,jk->ik', A, X)", "cross_entropy(X, c)", "leaky_relu(y, s)", "stack([y, y], axis=1)", "ones((n, d))", "X.T",
]  # fmt: skip


def words(text: str) -> Node:
    return sd.parse(text, VARS).expr


# identity -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
def test_one_object_for_one_structure(text: str) -> None:
    a, b = words(text), words(text)
    assert a is b and a == b and hash(a) == hash(b)
    assert normal(a) is normal(b)


@pytest.mark.parametrize("text", TEXTS)
def test_rebuilt_from_its_arguments(text: str) -> None:
    for root in (words(text), normal(words(text))):
        for node in postorder(root):
            assert node.func(*node.args) is node


@pytest.mark.parametrize("text", TEXTS)
def test_pickle_and_copies_are_the_same_object(text: str) -> None:
    for node in (words(text), normal(words(text))):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(node, protocol)) is node
        assert copy.copy(node) is node and copy.deepcopy([node, {"a": node}]) == [node, {"a": node}]


def chain(depth: int) -> Node:
    x = var("x", "n")
    for k in range(depth):
        x = Call("sin", x) if k % 2 else x + Num(k)
    return x


def test_a_graph_a_thousand_deep_pickles_and_walks() -> None:
    node = chain(1000)
    assert node.depth > 1000
    assert pickle.loads(pickle.dumps(node)) is node
    assert copy.deepcopy(node) is node
    assert {v.name for v in variables(node)} == {"x"}
    assert node.xreplace({var("x", "n"): var("z", "n")}).free_symbols == {var("z", "n"), size_symbol("n")}
    assert len(str(normal(node))) > 1000


def test_a_shared_graph_costs_what_it_holds() -> None:
    x = var("x", "n")
    for _ in range(60):
        x = x * x + x
    assert x.tree_size > 2**60
    start = time.perf_counter()
    assert len(postorder(x)) == 121 and pickle.loads(pickle.dumps(x)) is x and len(x.free_symbols) == 2
    assert fold(x, lambda node, below: 1 + max(below, default=0)) == 121
    assert time.perf_counter() - start < 20  # 2**60 steps would not end


def test_nodes_nobody_holds_are_forgotten() -> None:
    from symderiv.expr import nodes

    node = var("forgotten_name", "n") + 1
    assert any(isinstance(n, Var) and n.name == "forgotten_name" for n in list(nodes._TABLE.values()))
    del node
    gc.collect()
    assert not any(isinstance(n, Var) and n.name == "forgotten_name" for n in list(nodes._TABLE.values()))


def test_numbers_are_exact_and_one_kind() -> None:
    assert Num(1) is Num(True) is Num(1.0) is as_node(1) is Num(Integer(1))
    assert Num(0.5).value == Rational(1, 2) and Num(1.702).value == Rational(851, 500)
    assert Num(2) is not Num(Rational(1, 2))
    with pytest.raises(TypeError):
        as_node("1")
    with pytest.raises(TypeError):
        as_node(sympy.nan)


def test_the_order_of_operands_is_kept_in_words() -> None:
    V, W = var("V", "n,n"), var("W", "n,n")
    assert V @ W is not W @ V and V * W is not W * V
    assert normal(V * W) is normal(W * V) and normal(V @ W) is not normal(W @ V)
    assert normal(W * W) is not normal(W @ W)


def test_shapes_are_checked_when_nodes_are_made() -> None:
    for build in (
        lambda: var("X", "n,d") @ var("w", "n"),
        lambda: var("X", "n,d") + var("w", "n"),
        lambda: Call("trace", var("X", "n,d")),
        lambda: Call("softmax", var("x", "n"), axis=1),
        lambda: var("X", "n,d").xreplace({var("X", "n,d"): var("w", "n")}) @ var("w", "d"),
    ):
        with pytest.raises(sd.ShapeError):
            build()


def test_keys_do_not_depend_on_the_order_of_making() -> None:
    a = (var("k1", "n") + var("k2", "n")).key
    gc.collect()
    b = (var("k2", "n"), var("k1", "n") + var("k2", "n"))[1].key
    assert a == b and len(a) == 12


# SymPy ------------------------------------------------------------------------------------------------------------------------


def test_free_symbols_are_variables_and_sizes() -> None:
    node = words("sum(y[i]*w @ X[i] for i in range(n))")
    assert {str(s) for s in node.free_symbols} == {"X", "w", "y", "n", "d"}
    assert not any(isinstance(s, Index) for s in node.free_symbols)


def test_xreplace_and_subs_by_nodes_and_sizes() -> None:
    node = words("sum((X @ w - y)**2)")
    X, w, y = (next(v for v in variables(node) if v.name == name) for name in "Xwy")
    assert str(node.xreplace({w: 2 * w})) == "sum((X @ (2*w) - y)**2)"
    assert node.xreplace({y: X @ w}).xreplace({}) is not node
    n, _ = X.shape
    fixed = node.xreplace({n: Integer(5)})
    assert {str(s) for v in variables(fixed) for s in v.shape} == {"5", "d"}
    with pytest.raises(sd.ShapeError):
        node.xreplace({w: var("w", "q")})
    assert replace(node, {}) is node


def test_has_and_atoms() -> None:
    node = words("X @ w - y")
    assert node.has(var("w", "d")) and not node.has(var("q", "d")) and node.has(Var) and node.has(size_symbol("d"))
    assert {str(a) for a in node.atoms(Var)} == {"X", "w", "y"}


@pytest.mark.parametrize("text", TEXTS)
def test_latex_of_sympy_is_ours(text: str) -> None:
    node = words(text)
    latex = sympy.latex(node)
    assert latex == node._latex() and node._repr_latex_() == f"$\\displaystyle {latex}$"
    assert latex.count("{") == latex.count("}") and "Call" not in latex
    assert sympy.latex(normal(node)) and "Einsum" not in sympy.latex(normal(node))
    assert str(node) == sympy.sstr(node) == repr(node)
    assert sympy.pretty(node, use_unicode=True)


def test_latex_of_a_derivative() -> None:
    r = sd.derive("sum((X @ w - y)**2)", "w")
    assert sympy.latex(r.expr) == r.latex() == "2 X^\\top (X w - y)"
    assert r._repr_latex_() == "$\\displaystyle 2 X^\\top (X w - y)$"


VALUES = {
    "X": np.random.default_rng(0).normal(size=(4, 3)),
    "w": np.array([0.3, -1.2, 0.7]),
    "y": np.array([0.1, -0.2, 0.3, 0.4]),
    "A": np.eye(4) + 0.1,
    "c": np.array([0, 2, 1, 1]),
    "s": np.array(0.7),
}


@pytest.mark.parametrize("text", TEXTS)
def test_lambdify_gives_the_same_values(text: str) -> None:
    node = words(text)
    if text.startswith("X[c"):
        node = words("X[:, 0][c]")
    args = variables(node)
    sizes = [s for s in node.free_symbols if isinstance(s, Symbol) and not any(s in v.shape for v in args)]
    values = [VALUES[v.name] for v in args] + [{"n": 4, "d": 3}[s.name] for s in sizes]
    f = sympy.lambdify([*args, *sizes], node)
    known = sd.evaluate(node, n=4, d=3, **{v.name: VALUES[v.name] for v in args})
    np.testing.assert_allclose(f(*values), known, rtol=1e-13)


@pytest.mark.parametrize(("text", "by"), [("sum((X @ w - y)**2)", "w"), ("softmax(X @ w)", "w"), ("logdet(A + s*eye(n))", "A")])
def test_lambdify_of_derivatives(text: str, by: str) -> None:
    r = sd.derive(text, by, vars=VARS)
    args = variables(r.expr)
    f = sympy.lambdify(args, r.expr)
    values = {v.name: VALUES[v.name] for v in r.arguments if v.name in {u.name for u in args}}
    np.testing.assert_allclose(f(*(VALUES[v.name] for v in args)), sd.evaluate(r.expr, **values), rtol=1e-12)


def test_python_operators_build_words() -> None:
    X, w, y, s = var("X", "n,d"), var("w", "d"), var("y", "n"), var("s")
    assert X @ w - y is Call("add", Call("matmul", X, w), Call("neg", y))
    assert str(2 * X.T @ (X @ w - y) / 3 + s**2) == "2*X.T @ (X @ w - y)/3 + s**2"
    assert str(1 - w) == "1 - w" and str(1 / w) == "1/w" and str(2**w) == "2**w"
    assert str(sd.derive(Call("sum", (X @ w - y) ** 2), w)) == "2*X.T @ (X @ w - y)"
    assert (w > 0).name == "gt" and (w <= 1).name == "le"
