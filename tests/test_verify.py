"""`verify`: right claims are right in any form, wrong ones are wrong for the reason that a teacher would give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.expr.sizes import LooseSize, same_size, size_symbol
from symderiv.simplify.lower import normal
from symderiv.verify.decide import Trials, decide
from symderiv.verify.precise import functions, gap_in_digits
from symderiv.verify.rings import identical_modulo
from symderiv.verify.verdict import KINDS

Vars = dict[str, str]
LS: Vars = {"X": "n,d", "w": "d", "y": "n"}
AX: Vars = {"A": "n,n", "x": "n"}
WX: Vars = {"W": "m,n", "x": "n", "y": "m"}
NET: Vars = {"W1": "h,d", "W2": "k,h", "x": "d", "y": "k"}
RIDGE = "mean((X @ w - y)**2) + lam*(w @ w)"
RV: Vars = {**LS, "lam": "scalar"}
LOGISTIC = "p = sigmoid(X @ w); L = -sum(y*log(p) + (1 - y)*log(1 - p))"
HIDDEN = "0.5*sum((W2 @ relu(W1 @ x) - y)**2)"

# loss, wrt, claim, declarations
RIGHT: list[tuple[str, str, str, Vars]] = [
    ("sum((X @ w - y)**2)", "w", "2*X.T @ X @ w - 2*X.T @ y", LS),
    ("sum((X @ w - y)**2)", "w", "2*sum((X[i] @ w - y[i])*X[i] for i in range(n))", LS),
    ("sum((X @ w - y)**2)", "w", "2*(X @ w - y) @ X", LS),
    ("sum((X @ w - y)**2)", "w", "r = X @ w - y; 2*X.T @ r", LS),
    ("sum((X @ w - y)**2)", "w", "dL/dw = 2*X.T @ (X @ w - y)", LS),
    ("sum((X @ w - y)**2)", "w", "g[j] = 2*sum(X[i, j]*(X[i] @ w - y[i]) for i in range(n))", LS),
    (LOGISTIC, "w", "X.T @ (p - y)", LS),
    ("sum(sigmoid(x))", "x", "exp(-x)/(1 + exp(-x))**2", {"x": "n"}),
    ("log(sigmoid(w @ x))", "w", "sigmoid(-w @ x)*x", {"w": "n", "x": "n"}),
    ("a @ inv(eye(n) + U @ U.T) @ a", "a", "2*(eye(n) - U @ inv(eye(k) + U.T @ U) @ U.T) @ a", {"a": "n", "U": "n,k"}),
    ("trace(B @ A @ X)", "X", "A.T @ B.T", {"A": "m,n", "B": "p,m", "X": "n,p"}),
    ("x @ A @ x", "x", "(A + A.T) @ x", AX),
    ("x @ A @ x", "x", "2*A @ x", {"A": "n,n symmetric", "x": "n"}),
    ("logdet(A)", "A", "inv(A)", {"A": "n,n psd"}),
    ("cross_entropy(X @ W, y)", "W", "X.T @ (softmax(X @ W) - onehot(y, k))/n", {"X": "n,d", "W": "d,k", "y": "n integer"}),
    ("-sum(Y*log_softmax(Z, axis=1))", "Z", "softmax(Z, axis=1) - Y", {"Z": "n,k", "Y": "n,k onehot"}),
    ("norm(x)", "x", "x/sqrt(x @ x)", {"x": "n"}),
    ("sum(sqrt(x**2))", "x", "ones(n)", {"x": "n positive"}),
    (HIDDEN, "W1", "outer((W2.T @ (W2 @ relu(W1 @ x) - y))*(W1 @ x > 0), x)", NET),
]

WRONG: list[tuple[str, str, str, Vars, str]] = [
    ("mean((X @ w - y)**2)", "w", "-2/n*X.T @ (X @ w - y)", LS, "sign"),
    ("mean((X @ w - y)**2)", "w", "2/n*X.T @ (X @ w + y)", LS, "sign"),
    ("mean((X @ w - y)**2)", "w", "X.T @ (X @ w - y)/n", LS, "factor"),
    ("mean((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)", LS, "mean_or_sum"),
    ("mean((X @ w - y)**2)", "w", "2/d*X.T @ (X @ w - y)", LS, "mean_or_sum"),
    ("mean((X @ w - y)**2)", "w", "2/n*X.T @ X @ w", LS, "missing_term"),
    (RIDGE, "w", "2/n*X.T @ (X @ w - y) + lam*w", RV, "factor"),
    (RIDGE, "w", "2/n*X.T @ (X @ w - y) + 2*w", RV, "missing_factor"),
    (RIDGE, "w", "2/n*X.T @ (X @ w - y) - 2*lam*w", RV, "sign"),
    (RIDGE, "w", "2/n*X.T @ (X @ w - y) + 2*lam*w + lam", RV, "extra_term"),
    (RIDGE, "w", "2*X.T @ (X @ w - y) + 2*lam*w", RV, "mean_or_sum"),
    (LOGISTIC, "w", "X.T @ (y - p)", LS, "sign"),
    ("x @ A @ x", "x", "2*A @ x", AX, "needs_symmetric"),
    ("trace(X.T @ A @ X)", "X", "2*A @ X", {"A": "n,n", "X": "n,m"}, "needs_symmetric"),
    ("norm(A @ X - B)**2", "X", "2*A @ (A @ X - B)", {"A": "n,n", "X": "n,m", "B": "n,m"}, "transpose"),
    ("logdet(A)", "A", "inv(A)", {"A": "n,n"}, "transpose"),
    ("norm(x)", "x", "x", {"x": "n"}, "missing_factor"),
    ("norm(x)", "x", "x/norm(x)**2", {"x": "n"}, "extra_factor"),
    ("sum(sigmoid(x))", "x", "sigmoid(x)", {"x": "n"}, "missing_factor"),
    ("sum(x**3)", "x", "3*x**3", {"x": "n"}, "extra_factor"),
    ("sum(softmax(X @ W)*Y)", "W", "X.T @ (softmax(X @ W)*Y)", {"X": "n,d", "W": "d,k", "Y": "n,k"}, "missing_term"),
    ("-sum(Y*log_softmax(Z, axis=1))", "Z", "softmax(Z, axis=0) - Y", {"Z": "n,k", "Y": "n,k onehot"}, "index"),
    ("sum((A @ x)**2)", "x", "g[j] = 2*sum(A[i, j]*(A @ x)[j] for i in range(n))", AX, "index"),
    (HIDDEN, "W1", "outer(W2.T @ (W2 @ relu(W1 @ x) - y), x)", NET, "missing_factor"),
    (HIDDEN, "W2", "outer(W2 @ relu(W1 @ x) - y, W1 @ x)", NET, "wrong"),
    (HIDDEN, "W1", "outer((W2.T @ (W2 @ relu(W1 @ x) - y))*(W1 @ x < 0), x)", NET, "wrong"),
    ("sum((x - mean(x))**2)/n", "x", "2*(x - mean(x))/(n - 1)", {"x": "n"}, "mean_or_sum"),
    ("sqrt(x @ x + 1e-12)", "x", "x/norm(x)", {"x": "n"}, "wrong"),
    ("sum(huber(x, 100))", "x", "x", {"x": "n"}, "missing_factor"),
    ("0.5*sum((x - y)**2)", "x", "0*x", {"x": "n", "y": "n"}, "wrong"),
]

SHAPES: list[tuple[str, str, str, Vars, str, str]] = [
    ("trace(A @ X)", "X", "A", {"A": "m,n", "X": "n,m"}, "transpose", "(m, n)"),
    ("norm(X @ w - y)**2", "w", "2*X @ (X @ w - y)", LS, "transpose", "X.T"),
    ("sum((W @ x - y)**2)", "W", "2*(W @ x - y) @ x.T", WX, "shape", "outer"),
    ("sum((W @ x - y)**2)", "W", "2*outer(x, W @ x - y)", WX, "transpose", "(n, m)"),
    ("sum((W @ x - y)**2)", "x", "W @ (W @ x - y)", WX, "shape", "factor 2"),
    ("W @ x", "x", "W.T", WX, "layout", "(n, m)"),
    ("sum(exp(a*x))", "a", "x*exp(a*x)", {"a": "scalar", "x": "n"}, "shape", "x @ exp(a*x)"),
    ("mean((X @ w - y)**2)", "w", "2/n*(X @ w - y)", LS, "missing_factor", "X.T"),
    ("mean((X @ w - y)**2)", "w", "2*((X @ w - y)[:, None]*X)/n", LS, "shape", "axis 0"),
    ("sigmoid(x)", "x", "sigmoid(x)*(1 - sigmoid(x))", {"x": "n"}, "shape", "diagonal"),
    ("sum(X)", "X", "1", {"X": "n,d"}, "shape", "repeat"),
    ("vec(A @ X @ B)", "X", "kron(B.T, A)", {"A": "m,n", "X": "n,p", "B": "p,q"}, "layout", "vec"),
    ("x @ A @ x", "x", "2*A", AX, "shape", "(n, n)"),
]


@pytest.mark.parametrize(("loss", "wrt", "claim", "declared"), RIGHT)
def test_right_in_any_form(loss: str, wrt: str, claim: str, declared: Vars) -> None:
    v = sd.verify(loss, wrt, claim, vars=declared)
    assert v.ok is True and v.kind == "right" and bool(v), str(v)
    assert v.decided_by and v.counterexample is None and v.message.startswith("Right")


@pytest.mark.parametrize(("loss", "wrt", "claim", "declared", "kind"), WRONG)
def test_wrong_for_a_reason(loss: str, wrt: str, claim: str, declared: Vars, kind: str) -> None:
    v = sd.verify(loss, wrt, claim, vars=declared)
    assert v.ok is False and v.kind == kind, str(v)
    assert v.counterexample is not None and v.correct is not None and v.suggestions
    c = v.counterexample
    true = np.asarray(v.correct.numpy()(**c.values))
    assert np.isclose(true[c.entry], c.true) and not np.isclose(c.true, c.claimed, rtol=1e-9, atol=0)


@pytest.mark.parametrize(("loss", "wrt", "claim", "declared", "kind", "said"), SHAPES)
def test_shapes_that_differ_or_do_not_fit(loss: str, wrt: str, claim: str, declared: Vars, kind: str, said: str) -> None:
    v = sd.verify(loss, wrt, claim, vars=declared)
    assert v.ok is False and v.kind == kind and said in v.message, str(v)


def test_messages_name_what_is_missing() -> None:
    assert "factor 2 is missing" in sd.verify("norm(X @ w - y)**2", "w", "X.T @ (X @ w - y)", vars=LS).message
    assert "lam*w" in sd.verify(RIDGE, "w", "2/n*X.T @ (X @ w - y)", vars=RV).message
    assert "1/n" in sd.verify("mean((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)", vars=LS).message
    activation = sd.verify(HIDDEN, "W2", "outer(W2 @ relu(W1 @ x) - y, W1 @ x)", vars=NET).message
    assert "relu(W1 @ x)" in activation


def test_the_fault_has_a_place() -> None:
    v = sd.verify("norm(A @ X - B)**2", "X", "2*A @ (A @ X - B)", vars={"A": "n,n", "X": "n,m", "B": "n,m"})
    assert v.span is not None and (v.span.start, v.span.stop) == (2, 3)
    second = sd.verify("norm(A @ X - B)**2", "X", "2*A.T @ (A.T @ X - B)", vars={"A": "n,n", "X": "n,m", "B": "n,m"})
    assert second.span is not None and second.span.source[second.span.start : second.span.stop] == "A.T"


def test_difference_and_corrections() -> None:
    v = sd.verify(RIDGE, "w", "2/n*X.T @ (X @ w - y)", vars=RV)
    assert str(v.difference) == "-2*lam*w"
    assert sd.verify(RIDGE, "w", v.suggestions[0].text, vars=RV).ok
    assert v.suggestions[0].latex


# layouts, orders, conventions -------------------------------------------------------------------------------------------------
def test_layouts() -> None:
    assert sd.verify("W @ x", "x", "W.T", vars=WX, layout="denominator").ok
    assert sd.verify("W @ x", "x", "W", vars=WX, layout="denominator").kind == "layout"
    assert sd.verify("W @ x", "x", "W", vars=WX).ok


def test_hessians() -> None:
    assert sd.verify("x @ A @ x", "x", "A + A.T", vars=AX, order=2).ok
    assert sd.verify("x @ A @ x", "x", "2*A", vars=AX, order=2).kind == "needs_symmetric"


def test_symmetric_conventions() -> None:
    declared = {"A": "n,n symmetric"}
    constrained = "2*inv(A) - diag(diag(inv(A)))"
    assert sd.verify("logdet(A)", "A", constrained, vars=declared).kind == "layout"
    assert sd.verify("logdet(A)", "A", constrained, vars=declared, symmetric="constrained").ok


def test_kinks_are_told() -> None:
    v = sd.verify("sum(abs(x))", "x", "x/abs(x)", vars={"x": "n"})
    assert v.ok and "almost everywhere" in v.message and any("abs" in n for n in v.notes)
    assert "almost" not in sd.verify("norm(x)**2", "x", "2*x", vars={"x": "n"}).message


def test_near_borders_are_compared() -> None:
    assert not sd.verify("sum(maximum(x, 0.001)**2)", "x", "2*x*(x > 0)", vars={"x": "n"}).ok
    far = sd.verify("sum(huber(x, 1e9))", "x", "x", vars={"x": "n"})
    assert far.ok and any("not compared there" in n for n in far.notes)


# update rules --------------------------------------------------------------------------------------------------------------
HALF, XY = "0.5*sum((x - y)**2)", {"x": "n", "y": "n"}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("x <- x - lr*(x - y)", "right"),
        ("x = x - lr*(x - y)", "right"),
        ("x -= lr*(x - y)", "right"),
        ("x += lr*(y - x)", "right"),
        ("x = (1 - lr)*x + lr*y", "right"),
        ("x ← x - 0.1*(x - y)", "right"),
        ("x[i] <- x[i] - a*(x[i] - y[i])", "right"),
        ("x <- x + lr*(x - y)", "sign"),
        ("x <- x + 0.1*(x - y)", "sign"),
        ("x -= lr*(x + y)", "sign"),
        ("x -= 2*lr*(x - y)", "factor"),
        ("y <- y - lr*(x - y)", "not_understood"),
        ("x <- x - lr**2*(x - y)", "right"),
    ],
)
def test_update_rules(rule: str, kind: str) -> None:
    assert sd.verify(HALF, "x", rule, vars=XY).kind == kind


# functions --------------------------------------------------------------------------------------------------------------
def test_functions_are_compared_as_numbers() -> None:
    def gradient(X: Any, w: Any, y: Any) -> Any:
        return 2 * X.T @ (X @ w - y) / len(y)

    loss = "mean((X @ w - y)**2)"
    assert sd.verify(loss, "w", gradient, vars=LS).ok
    assert sd.verify(loss, "w", lambda X, w, y: -gradient(X, w, y), vars=LS).kind == "sign"
    assert sd.verify(loss, "w", lambda X, w, y: gradient(X, w, y) * len(y), vars=LS).kind == "mean_or_sum"
    assert sd.verify(loss, "w", lambda X, w, y: 2 * X.T @ (X @ w) / len(y), vars=LS).kind == "missing_term"
    assert sd.verify(loss, "w", lambda X, w, y: gradient(X, w, y)[:, None], vars=LS).kind == "shape"
    assert sd.verify(loss, "w", lambda X, w, y: gradient(*(np.float32(a) for a in (X, w, y))), vars=LS).ok
    assert sd.verify("sum((W @ x)**2)", "W", lambda W, x: 2 * np.outer(x, W @ x), vars={"W": "m,n", "x": "n"}).kind == "transpose"


def test_functions_that_fail_are_not_understood() -> None:
    def broken(w: Any) -> Any:
        raise ValueError("no")

    v = sd.verify("w @ w", "w", broken, vars={"w": "d"})
    assert v.ok is None and "ValueError: no" in v.message
    assert sd.verify("w @ w", "w", lambda z: z, vars={"w": "d"}).kind == "not_understood"


# refusals --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("loss", "wrt", "claim", "said"),
    [
        (HALF, "x", "x - ", "ends"),
        (HALF, "x", "x - z", "z"),
        (HALF, "q", "x - y", "q"),
        ("sum(", "x", "x", "closed"),
        (HALF, "x", "", "empty"),
        (HALF, "x", "eye(m) @ x", ""),
        (HALF, "x", "ones(1000000000)", "too large"),
        (HALF, "x", "(" * 5000 + "x" + ")" * 5000, "nested"),
        (HALF, "x", "__import__('os').getcwd()", ""),
    ],
)
def test_what_is_not_understood_is_a_verdict(loss: str, wrt: str, claim: str, said: str) -> None:
    v = sd.verify(loss, wrt, claim, vars=XY)
    assert v.ok is None and v.kind == "not_understood" and v.error is not None and said in v.message, str(v)


def test_one_claim_is_needed() -> None:
    with pytest.raises(sd.InputError):
        sd.verify(HALF, "x", vars=XY)
    with pytest.raises(sd.InputError):
        sd.verify(HALF, "x", "x", vars=XY, claim_latex="x")


def test_a_claim_without_values_is_wrong() -> None:
    v = sd.verify(HALF, "x", "(x - y)*log(-x**2)", vars=XY)
    assert v.ok is False and "no finite value" in v.message


# LaTeX
# ----------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        (r"\nabla_w L = X^\top (Xw - y)", "right"),
        (r"X^T X w - X^T y", "right"),
        (r"\nabla_w L = X^T(Xw - y) = X^TXw + X^Ty", "sign"),
        (r"\frac{\partial L}{\partial w_j} = \sum_i (w^T x_i - y_i) x_{ij}", "right"),
        (r"\frac{\partial L}{\partial w_j} = \sum_i (w^T x_i - y_i)", "missing_factor"),
        (r"w \leftarrow w - \alpha X^T(Xw - y)", "right"),
        (r"w_j := w_j + \alpha \sum_i (w^T x_i - y_i) x_{ij}", "sign"),
        (r"2X(Xw - y)", "shape"),
        (r"X(Xw - y)", "transpose"),
        (r"\frac{\partial L}{\partial b} = X^T(Xw - y)", "not_understood"),
        (r"\frac{1}{2", "not_understood"),
    ],
)
def test_latex_claims(claim: str, kind: str) -> None:
    assert sd.verify("0.5*sum((X @ w - y)**2)", "w", claim_latex=claim, vars=LS).kind == kind


# how it is decided
# ------------------------------------------------------------------------------------------------------------------
def test_certainty_is_told() -> None:
    same = sd.verify("sum((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)", vars=LS)
    assert "same normal form" in same.decided_by
    exact = sd.verify("a @ inv(eye(n) + U @ U.T) @ a", "a", RIGHT[9][2], vars=RIGHT[9][3])
    assert "modulo the prime" in exact.decided_by and "1e-15" in exact.decided_by
    digits = sd.verify("sum(tanh(x))", "x", "4/(exp(x) + exp(-x))**2", vars={"x": "n"})
    assert "50 digits" in digits.decided_by


def test_exact_arithmetic() -> None:
    declared = {"A": "n,n", "B": "n,n symmetric", "x": "n"}
    sizes = {size_symbol("n"): 4}

    def same(a: str, b: str) -> bool | None:
        return identical_modulo(*(normal(sd.parse(t, declared).expr) for t in (a, b)), sizes, {})

    assert same("inv(A @ B)", "inv(B) @ inv(A)") and same("B.T", "B") and same("(x @ x)**2", "sum(outer(x, x)**2)")
    assert not same("A.T", "A") and not same("A @ B", "B @ A") and same("tanh(x)*x", "x*tanh(x)")


def test_digits_decide_what_floats_cannot() -> None:
    declared = {"x": "scalar positive"}
    a, b = (normal(sd.parse(t, declared).expr) for t in ("x", "x + 1e-12*x"))
    gap = gap_in_digits(a, b, {}, {"x": np.asarray(0.7)})
    assert gap is not None and 0.9e-12 < gap < 1.1e-12
    assert "sigmoid" in functions()


def test_decisions_at_points() -> None:
    p = sd.parse("sum((X @ w - y)**2)", LS)
    truth = sd.derive(p, "w").expr
    trials = Trials(p.expr, list(p.vars.values()), truth)
    assert decide(trials, truth).equal
    assert all(len({q.sizes[s] for q in trials.points}) > 1 for s in trials.points[0].sizes)


def test_loose_sizes_never_pass_for_sizes() -> None:
    loose = LooseSize("n")
    assert loose != size_symbol("n") and same_size(loose, size_symbol("m")) and same_size(loose, 2 * size_symbol("d"))


def test_kinds_are_the_contract() -> None:
    assert len(KINDS) == 15 and "needs_symmetric" in KINDS


# the command line
# -------------------------------------------------------------------------------------------------------------------
ARGS = ["verify", "sum((X @ w - y)**2)", "--wrt", "w", "--var", "X: n,d; w: d; y: n"]


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ARGS, "--claim", "2*X.T @ (X @ w - y)"]) == 0
    assert run([*ARGS, "--claim", "X.T @ (X @ w - y)"]) == 1
    assert "factor 2 is missing" in capsys.readouterr().out
    assert run([*ARGS, "--claim", "X.T @ ("]) == 2
    assert run(ARGS) == 2
    assert run([*ARGS, "--claim", "-2*X.T @ (y - X @ w)"]) == 0


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    run([*ARGS, "--claim", "X.T @ (X @ w - y)", "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is False and data["kind"] == "factor" and data["counterexample"]["sizes"]
    run([*ARGS, "--claim", "X.T @ (X @ w - y)", "--format", "markdown"])
    assert "Wrong: factor" in capsys.readouterr().out
    run([*ARGS, "--claim", "X.T @ (X @ w - y)", "--format", "latex"])
    assert r"\frac{\partial" in capsys.readouterr().out


def test_python_claims_are_imported_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_gradients.py").write_text("def of_w(X, w, y):\n    return 2*X.T @ (X @ w - y)\n")
    monkeypatch.chdir(tmp_path)
    assert run([*ARGS, "--claim-python", "my_gradients:of_w"]) == 0
    assert run([*ARGS, "--claim-python", "my_gradients:nothing"]) == 2
    assert run([*ARGS, "--claim-python", "os.system('x')"]) == 2


def test_the_package_is_the_function_too() -> None:
    import symderiv.verify

    assert symderiv.verify("w @ w", "w", "2*w", vars={"w": "d"}).ok  # type: ignore[operator]
    from symderiv.verify.verdict import Verdict

    assert sd.Verdict is Verdict
