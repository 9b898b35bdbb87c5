"""Kinks and what is told about them; rules that are missing or wrong."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

import symderiv as sd
from symderiv.expr.nodes import Call, Node, var
from symderiv.expr.op import declare
from symderiv.ops import OPS
from symderiv.ops._rules import same_as
from symderiv.simplify.lower import normal

VARS = "x: n; y: n; c: scalar integer; a: scalar positive; X: n,d; w: d"


def gradient(expr: str, **values: object) -> np.ndarray:
    arrays = {k: np.asarray(v, float) if k != "c" else v for k, v in values.items()}
    f = sd.derive(expr, "x", vars=VARS).numpy()
    return f(**{k: a for k, a in arrays.items() if k in inspect.signature(f).parameters})


# kinks ------------------------------------------------------------------------------------------------------------------------

AT_KINKS = [
    ("sum(relu(x))", {"x": [-1, 0, 2]}, [0, 0, 1]),
    ("sum(abs(x))", {"x": [-1, 0, 2]}, [-1, 0, 1]),
    ("norm(x, 1)", {"x": [-1, 0, 2]}, [-1, 0, 1]),
    ("sum(sign(x)*y)", {"x": [-1, 0, 2], "y": [1, 1, 1]}, [0, 0, 0]),
    ("sum(sign(x)*x)", {"x": [-1, 0, 2]}, [-1, 0, 1]),
    ("sum((x > 0)*y)", {"x": [-1, 0, 2], "y": [1, 1, 1]}, [0, 0, 0]),
    ("sum(maximum(x, y))", {"x": [1, 2, 3], "y": [2, 2, 2]}, [0, 0.5, 1]),
    ("sum(minimum(x, y))", {"x": [1, 2, 3], "y": [2, 2, 2]}, [1, 0.5, 0]),
    ("sum(maximum(0, x))", {"x": [-1, 0, 2]}, [0, 0.5, 1]),
    ("max(x)", {"x": [1, 3, 3, 2]}, [0, 0.5, 0.5, 0]),
    ("max(x)", {"x": [2, 2, 2, 2]}, [0.25] * 4),
    ("min(x)", {"x": [1, 3, 1, 1]}, [1 / 3, 0, 1 / 3, 1 / 3]),
    ("norm(x, inf)", {"x": [-3, 3, 1]}, [-0.5, 0.5, 0]),
    ("sum(leaky_relu(x, 0.1))", {"x": [-1, 0, 2]}, [0.1, 0.1, 1]),
    ("sum(hardtanh(x))", {"x": [-2, -1, 0.5, 1]}, [0, 0, 1, 0]),
    ("sum(clip(x, 0, 1))", {"x": [-1, 0, 0.5, 1, 2]}, [0, 0.5, 1, 0.5, 0]),
    ("sum(where(x > 0, x**2, -x))", {"x": [-1, 0, 2]}, [-1, -1, 4]),
    ("sum(elu(x))", {"x": [-1, 0, 2]}, [np.exp(-1), 1, 1]),
    ("sum(huber(x, 1))", {"x": [-3, -1, 0.5, 1]}, [-1, -1, 0.5, 1]),
]


@pytest.mark.parametrize(("expr", "values", "expected"), AT_KINKS, ids=[f"{e} at {v['x']}" for e, v, _ in AT_KINKS])
def test_the_derivative_at_a_kink(expr: str, values: dict, expected: list[float]) -> None:
    np.testing.assert_allclose(gradient(expr, **values), expected)


TOLD = {
    "sum(relu(x))": ["relu(x): x = 0"],
    "sum(abs(x - y))": ["abs(x - y): x - y = 0"],
    "sum(maximum(x, y))": ["maximum(x, y): x = y"],
    "max(X @ w) + sum(abs(w))": ["max(X @ w): a tie", "abs(w): w = 0"],
    "sum(hardtanh(x))": ["hardtanh(x): x = -1, x = 1"],
    "sum(clip(x, 0, a))": ["clip(x, 0, a): x = 0, x = a"],
    "sum(relu(x)) + sum(relu(x)**2)": ["relu(x): x = 0"],
    "norm(x)": ["norm(x): x = 0"],
    "sum(sigmoid(x)) + sum(gelu(x)) + logsumexp(x) + x @ x": [],
}


@pytest.mark.parametrize("expr", TOLD)
def test_kinks_are_listed(expr: str) -> None:
    by = "w" if "w" in expr else "x"
    assert sd.derive(expr, by, vars=VARS).kinks == TOLD[expr]


def test_zero_times_log_zero() -> None:
    assert sd.evaluate("kl(x, y)", {"x": "n simplex", "y": "n simplex"}, x=np.array([0.0, 1.0]), y=np.array([0.5, 0.5])) == (
        pytest.approx(np.log(2))
    )
    value = sd.derive("kl(x, y)", "y", vars={"x": "n simplex", "y": "n simplex"}).numpy()(
        x=np.array([0.0, 1.0]), y=np.array([0.5, 0.5])
    )
    np.testing.assert_allclose(value, [0, -2])


@pytest.mark.parametrize(
    ("expr", "x", "expected"),
    [
        ("logsumexp(x)", [1e4, 0.0], [1, 0]),
        ("sum(softplus(x))", [1e4, -1e4], [1, 0]),
        ("-sum(log(sigmoid(x)))", [1e4, -1e4], [0, -1]),
        ("sum(sigmoid(x))", [1e4, -1e4], [0, 0]),
        ("-log(softmax(x)[c])", [1e4, 0.0], [0, 0]),
        ("sum(log(1 + exp(x)))", [1e4, -1e4], [1, 0]),
        ("sum(tanh(x))", [1e4, -1e4], [0, 0]),
    ],
)
def test_results_stay_finite_where_the_naive_formula_overflows(expr: str, x: list[float], expected: list[float]) -> None:
    more = {"c": 0} if "[c]" in expr else {}
    np.testing.assert_allclose(gradient(expr, x=x, **more), expected, atol=1e-12)


# rules that are missing -------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The table of operations, restored afterwards."""
    for name in ("gizmo", "widget"):
        monkeypatch.delitem(OPS, name, raising=False)
    yield monkeypatch  # type: ignore[misc]
    for name in ("gizmo", "widget"):
        OPS.pop(name, None)


def test_an_operation_without_a_rule_is_refused_and_not_zero(table: pytest.MonkeyPatch) -> None:
    declare("gizmo", "A", shape=same_as(), numpy="np.tanh({A})", says="for this test", source="none")
    A, x = var("A", "n,n"), var("x_norule", "n")
    for expr in (Call("gizmo", A), Call("sum", Call("gizmo", A @ A)), Call("sum", A) + Call("trace", Call("gizmo", A))):
        for act in (
            lambda e: sd.derive(e, "A"),
            lambda e: sd.derive(e, "A", check=False),
            lambda e: sd.jvp(e, "A", check=False),
            lambda e: sd.vjp(e, "A", check=False),
        ):
            with pytest.raises(sd.DerivativeError) as caught:
                act(expr)
            assert caught.value.code == "SD301" and "gizmo" in caught.value.message and "symderiv/ops" in caught.value.hint
    # where the operation is a constant, it needs no rule
    r = sd.derive(Call("dot", x, x) * Call("trace", Call("gizmo", A)), "x_norule", check=False)
    assert str(r) == "2*trace(gizmo(A))*x_norule"


def test_an_elementwise_operation_must_declare_every_derivative(table: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="2 operands and 1 partial"):
        declare("gizmo", "x, y", partials=("1",), numpy="{x} + {y}")
    with pytest.raises(ValueError, match="1 operands and 0 partial"):
        declare("gizmo", "x", numpy="np.floor({x})")
    with pytest.raises(ValueError, match="twice"):
        declare("tanh", "x", partials=("1 - tanh(x)**2",))
    assert "gizmo" not in OPS


def test_one_declaration_is_all_that_a_function_needs(table: pytest.MonkeyPatch) -> None:
    declare("gizmo", "x", partials=("1/(1 + abs(x))**2",), numpy="({x})/(1 + np.abs({x}))", parity="odd", analytic=False,
            domain=("real",), says="x/(1 + |x|).", source="Bergstra et al. 2009", example="sum(gizmo(x))")  # fmt: skip
    r = sd.derive("sum((y_giz - gizmo(X_giz @ w_giz))**2)", "w_giz", vars="X_giz: n,d; w_giz: d; y_giz: n")
    assert isinstance(r, sd.Derivative) and r.certificate is not None and r.certificate.ok
    assert "gizmo(X_giz @ w_giz)" in str(r) and "gizmo" in r.latex() and "gizmo" in r.text()
    assert sd.parse(str(r), "X_giz: n,d; w_giz: d; y_giz: n").expr.shape == r.shape
    assert str(sd.derive("sum(gizmo(-x_giz))", "x_giz", order=2, vars="x_giz: n")) == "2*diag(sign(x_giz)/(abs(x_giz) + 1)**3)"
    with pytest.raises(sd.InputError) as caught:
        sd.parse("gizmoo(x)")
    assert "gizmo" in caught.value.hint


def test_a_partial_derivative_that_is_not_known_is_refused(table: pytest.MonkeyPatch) -> None:
    declare("gizmo", "x, y", partials=("y", "?"), numpy="{x}*{y}", says="for this test", source="none")
    x, y = var("x_part", "n"), var("y_part", "n")
    expr = Call("sum", Call("gizmo", x, y))
    assert str(sd.derive(expr, "x_part")) == "y_part"
    with pytest.raises(sd.DerivativeError) as caught:
        sd.derive(expr, "y_part")
    assert caught.value.code == "SD301" and "y" in caught.value.message


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(sd.SymDerivError) as caught:
        Call("gizmo", var("x", "n"))
    assert caught.value.code == "SD301"


# rules that are wrong ---------------------------------------------------------------------------------------------------------

WRONG = [  # operation, a wrong rule, an expression that uses it
    ("tanh", {"partials": ("1 + tanh(x)**2",)}, "sum(tanh({q}))", "{q}: n"),
    ("exp", {"partials": ("exp(-x)",)}, "sum(exp({q})*{r})", "{q}: n; {r}: n"),
    ("sigmoid", {"partials": ("sigmoid(x)",)}, "sum(sigmoid({r} @ {q}))", "{r}: n,m; {q}: m"),
    ("log", {"partials": ("2/x",)}, "sum(log({q}))", "{q}: n positive"),
    ("relu", {"partials": ("where(x > 0, 1, 0.1)",)}, "sum(relu({r} @ {q}))", "{r}: n,m; {q}: m"),
    ("maximum", {"partials": ("heaviside(x - y, 1/2)", "0")}, "sum(maximum({r}, {q}))", "{q}: n; {r}: n"),
    ("logdet", {"differential": "trace(inv(A).T @ dA)"}, "logdet({q})", "{q}: n,n"),
    ("det", {"differential": "trace(inv(A) @ dA)"}, "det({q})", "{q}: n,n"),
    ("softmax", {"differential": "softmax(x, axis=axis)*dx"}, "softmax({q})", "{q}: n"),
    ("lgamma", {"partials": ("1.000001*digamma(x)",)}, "sum(lgamma({q}))", "{q}: n positive"),
]


@pytest.fixture
def forgetful():
    """Local derivatives are cached; a wrong rule must be seen, and must not be seen afterwards."""
    from symderiv.calculus import local

    local.partial.cache_clear()
    local.differential.cache_clear()
    yield
    local.partial.cache_clear()
    local.differential.cache_clear()


@pytest.mark.parametrize(("name", "rule", "expr", "vars"), WRONG, ids=[w[0] for w in WRONG])
def test_a_wrong_rule_is_caught(
    name: str, rule: dict, expr: str, vars: str, monkeypatch: pytest.MonkeyPatch, forgetful: None
) -> None:
    monkeypatch.setitem(OPS, name, dataclasses.replace(OPS[name], **rule))
    names = {k: f"{k}_wrong_{name}" for k in "qr"}  # nodes keep their operation, so the names are new ones
    expr, vars = expr.format(**names), vars.format(**names)
    with pytest.raises(sd.CertificateError) as caught:
        sd.derive(expr, names["q"], vars=vars)
    assert caught.value.code == "SD401" and "differences of the original give" in caught.value.message
    unchecked = sd.derive(expr, names["q"], vars=vars, check=False)
    assert isinstance(unchecked, sd.Derivative) and unchecked.certificate is None
    assert not unchecked.check().ok


def test_a_wrong_second_derivative_is_caught(monkeypatch: pytest.MonkeyPatch, forgetful: None) -> None:
    """Right for the gradient of `sin`, wrong for the derivative of its `cos`."""
    monkeypatch.setitem(OPS, "cos", dataclasses.replace(OPS["cos"], partials=("sin(x)",)))
    vars = "q_second: n"
    assert str(sd.derive("sum(sin(q_second))", "q_second", vars=vars)) == "cos(q_second)"
    with pytest.raises(sd.CertificateError) as caught:
        sd.derive("sum(sin(q_second))", "q_second", order=2, vars=vars)
    assert caught.value.code == "SD401"


def test_the_certificate_compares_with_the_words_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong simplification of the original cannot hide: the reference is what was typed, not the normal form."""
    from symderiv import api

    def wrong(word: Node) -> Node:
        return normal(word + word)

    monkeypatch.setattr(api, "normal", wrong)
    with pytest.raises(sd.CertificateError) as caught:
        sd.derive("sum(q_words**2)", "q_words", vars="q_words: n")
    assert caught.value.code == "SD401"
