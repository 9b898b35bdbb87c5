"""Sizes: axes of length 1, whole numbers, equal sizes, names without declarations, problem files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import oracle
import pytest

import symderiv as sd

VARIED = [  # expression, declarations, variable, order
    ("sum((Phi @ theta - t)**2)", "Phi: N,M; theta: M; t: N", "theta", 1),
    ("sum((Phi @ theta - t)**2)", "Phi: N,M; theta: M; t: N", "Phi", 1),
    ("softmax(M @ z)", "M: m,p; z: p", "z", 1),
    ("logsumexp(M @ z)", "M: m,p; z: p", "z", 2),
    ("mean((z - mean(z))**2)", "z: p", "z", 1),
    ("-sum(T*log(softmax(Phi @ V + b)))/N", "Phi: N,M; V: M,K; b: K; T: N,K simplex", "V", 1),
    ("-sum(T*log(softmax(Phi @ V + b)))/N", "Phi: N,M; V: M,K; b: K; T: N,K simplex", "b", 1),
    ("sum(z - mean(z, axis=0, keepdims=True))", "z: p,q", "z", 1),
    ("trace(A @ S @ B)", "A: m,r; S: r,q; B: q,m", "S", 1),
    ("norm(z)", "z: p", "z", 1),
    ("sum(cumsum(z)**2)", "z: p", "z", 1),
    ("sum((z[1:] - z[:-1])**2)", "z: p", "z", 1),
    ("sum(X/sum(X, axis=1, keepdims=True)*C)", "X: n,k positive; C: n,k", "X", 1),
    ("sum(outer(a, b)*C)", "a: n; b: k; C: n,k", "a", 1),
    ("S @ B", "S: m,r; B: r,q", "S", 1),
]


def ids(case: tuple) -> str:
    return f"{case[0]} by {case[2]}"


@pytest.mark.parametrize("case", VARIED, ids=ids)
def test_one_result_serves_all_sizes(case: tuple[str, str, str, int]) -> None:
    """Unequal, equal, each size 1 in turn, all 1: the same function."""
    expr, vars, by, order = case
    f = sd.derive(expr, by, order=order, vars=vars).numpy()
    names = oracle.size_names(vars)
    unequal = oracle.assignments(vars)[0]
    for sizes in (*oracle.assignments(vars), *({**unequal, s: 1} for s in names), dict.fromkeys(names, 1)):
        everything = oracle.sample(vars, sizes, np.random.default_rng(5))
        known = oracle.derivative(expr, [by] * order, everything)
        got = f(**{n: a for n, a in everything.items() if n not in sizes})
        assert oracle.distance(got, known) < 1e-6, sizes


FIXED = [
    ("sum((X @ w - y)**2)", "X: 5,3; w: 3; y: 5", "w", (3,)),
    ("w @ w", "w: 1", "w", (1,)),
    ("trace(A @ A)", "A: 2,2", "A", (2, 2)),
    ("softmax(z)", "z: 4", "z", (4, 4)),
    ("maximum(0, W @ x - (W @ x)[1] + 1)", "W: 3,2; x: 2", "x", (3, 2)),
    ("sum((X @ w - y)**2)/6", "X: 6,d; w: d; y: 6", "w", ("d",)),
    ("x[0]**2*x[1] + x[2]", "x: 3", "x", (3,)),
    ("sum(i*x[i] for i in range(4))", "x: 4", "x", (4,)),
    ("cross_entropy(X @ W, y)", "X: n,3; W: 3,10; y: n integer", "W", (3, 10)),
]


@pytest.mark.parametrize("case", FIXED, ids=lambda c: f"{c[0]} with {c[1]}")
def test_sizes_that_are_whole_numbers(case: tuple[str, str, str, tuple]) -> None:
    expr, vars, by, shape = case
    r = sd.derive(expr, by, vars=vars)
    assert tuple(str(s) for s in r.shape) == tuple(str(s) for s in shape)
    sizes = oracle.assignments(vars)[0]
    everything = oracle.sample(vars, sizes, np.random.default_rng(1))
    known = oracle.derivative(expr, [by], everything)
    assert oracle.distance(oracle.value(str(r), everything), known) < 1e-6
    assert oracle.distance(sd.evaluate(sd.parse(str(r), vars), **everything), known) < 1e-6


def test_a_whole_number_is_checked_against_the_arrays() -> None:
    f = sd.derive("sum((X @ w)**2)", "w", vars="X: 5,3; w: 3").numpy()
    with pytest.raises(ValueError, match=r"5 .* 4"):
        f(X=np.zeros((4, 3)), w=np.zeros(3))


def test_equal_symbols_are_equal_sizes() -> None:
    f = sd.derive("sum((X @ w)**2)", "w", vars="X: n,n; w: n").numpy()
    with pytest.raises(ValueError, match=r"size n is 4 .* 3"):
        f(X=np.zeros((4, 3)), w=np.zeros(3))
    with pytest.raises(sd.ShapeError):
        sd.parse("trace(X)", "X: n,d")
    assert sd.parse("trace(X)", "X: n,n").expr.shape == ()


# names without declarations ---------------------------------------------------------------------------------------------------

UNDECLARED = [
    ("x @ A @ x", "x", "(A + A.T) @ x", {"A": 2, "x": 1}),
    ("lam*sum(w**2)", "w", "2*lam*w", {"lam": 0, "w": 1}),
    ("sum((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)", {"X": 2, "w": 1, "y": 1}),
    ("a*x @ y", "a", "x @ y", {"a": 0, "x": 1, "y": 1}),
    ("norm(X @ W - Y)**2", "W", "2*X.T @ (X @ W - Y)", {"X": 2, "W": 2, "Y": 2}),
    ("logdet(S)", "S", "inv(S).T", {"S": 2}),
    ("sum(sigmoid(beta*x))", "beta", None, {"beta": 0, "x": 1}),
]


@pytest.mark.parametrize(("expr", "by", "text", "ranks"), UNDECLARED, ids=[e for e, *_ in UNDECLARED])
def test_kinds_from_first_letters(expr: str, by: str, text: str | None, ranks: dict[str, int]) -> None:
    r = sd.derive(expr, by)
    assert {name: v.rank for name, v in r.problem.vars.items()} == ranks
    assert len(r.problem.assumptions) == len(ranks)
    for name in ranks:
        assert any(line.startswith(f"{name} is ") for line in r.problem.assumptions), r.problem.assumptions
    assert text is None or str(r) == text


def test_a_declaration_wins_and_is_not_an_assumption() -> None:
    r = sd.derive("sum((X @ w - y)**2)", "w", vars={"w": "d"})
    assert not any(line.startswith("w ") for line in r.problem.assumptions)
    assert [str(s) for s in r.shape] == ["d"] and str(r.problem.vars["X"].shape[1]) == "d"
    assert sd.parse("x**2", "x: n,d").vars["x"].rank == 2
    assert sd.derive("c @ x", "x", vars={"c": "n"}).problem.vars["x"].shape == sd.parse("c", "c: n").expr.shape


def test_what_cannot_be_decided_is_refused_with_the_remedy() -> None:
    with pytest.raises(sd.SymDerivError) as caught:
        sd.derive("trace(x)*x", "x")
    assert caught.value.code.startswith("SD2") and caught.value.span is not None


# problem files -----------------------------------------------------------------------------------------------------------------

FILE = """\
# logistic regression, labels 0 and 1
Phi: N, M
theta: M;  t: N
alpha: scalar positive   # weight of the penalty

p = sigmoid(Phi @ theta)
penalty = alpha/2 * sum(theta**2)
L = -sum(t*log(p) + (1 - t)*log(1 - p)) \\
    + penalty
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "logistic.sd"
    path.write_text(FILE.replace(" \\\n", " "), encoding="utf-8")
    return path


def test_the_last_definition_is_the_result(file: Path) -> None:
    problem = sd.load(file)
    assert problem.name == "L" and list(problem.definitions) == ["p", "penalty", "L"] and problem.assumptions == []
    assert str(sd.derive(problem, "theta")) == "Phi.T @ (sigmoid(Phi @ theta) - t) + alpha*theta"
    everything = oracle.sample("Phi: N,M; theta: M; t: N; alpha: scalar positive", {"N": 4, "M": 3}, np.random.default_rng(0))
    assert np.ndim(sd.evaluate(problem, **everything)) == 0


def test_another_definition_by_name(file: Path) -> None:
    assert str(sd.derive(sd.load(file, name="p"), "theta")) == str(sd.derive("sigmoid(P @ q)", "q")).replace("P", "Phi").replace(
        "q", "theta"
    )
    assert str(sd.derive(sd.load(file, name="penalty"), "theta")) == "alpha*theta"
    with pytest.raises(sd.InputError) as caught:
        sd.load(file, name="penalti")
    assert caught.value.code == "SD104" and "penalty" in caught.value.hint


def test_errors_name_the_file_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.sd"
    path.write_text("X: n, d\nw: n\n\nL = sum(X @ w)\n", encoding="utf-8")
    with pytest.raises(sd.ShapeError) as caught:
        sd.load(path)
    assert f"{path}:4:" in str(caught.value) and "^" in str(caught.value)
