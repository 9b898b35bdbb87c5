"""Second and higher derivatives, several variables, products with directions, layouts, and the two symmetric conventions."""

from __future__ import annotations

import numpy as np
import oracle
import pytest

import symderiv as sd

LINEAR = "Phi: N,M; theta: M; t: N"
DENSE = "M: m,p; z: p; h: m"


def arrays_for(vars: str, k: int, seed: int = 3) -> tuple[oracle.Arrays, oracle.Arrays]:
    """All names of a random point at the k-th size assignment, and the arrays alone."""
    sizes = oracle.assignments(vars)[k]
    everything = oracle.sample(vars, sizes, np.random.default_rng(seed))
    return everything, {n: a for n, a in everything.items() if n not in sizes}


def assert_right(r: sd.Derivative, expr: str, by: list[str], vars: str, tolerance: float = 1e-6) -> None:
    """The text in NumPy, the text read back and the code agree with differences at two size assignments."""
    assert r.certificate is not None and r.certificate.ok
    for k in range(2):
        everything, arrays = arrays_for(vars, k)
        known = oracle.derivative(expr, by, everything)
        assert known.shape == tuple(int(s.subs({n: everything[n.name] for n in s.free_symbols})) for s in r.shape)
        assert oracle.distance(oracle.value(str(r), everything), known) < tolerance
        assert oracle.distance(sd.evaluate(sd.parse(str(r), vars), **everything), known) < tolerance
        assert oracle.distance(r.numpy()(**arrays), known) < tolerance


# second and higher orders ---------------------------------------------------------------------------------------------------

MIXED = [
    ("x**2*y**3", "x: scalar; y: scalar", ["x", "y"], "6*x*y**2"),
    ("(a @ x)*(b @ y)", "a: n; x: n; b: m; y: m", ["x", "y"], "outer(a, b)"),
    ("x @ A @ y", "A: n,m; x: n; y: m", ["x", "y"], "A"),
    ("x @ A @ y", "A: n,m; x: n; y: m", ["y", "x"], "A.T"),
    ("sum((Phi @ theta - t)**2)/2", LINEAR, ["theta", "t"], "-Phi.T"),
    ("sum((Phi @ theta - t)**2)/2", LINEAR, ["theta", "Phi"], None),
    ("sum((Phi @ theta - t)**2)/2", LINEAR, ["Phi", "theta"], None),
    ("logsumexp(a*x)", "a: scalar; x: n", ["x", "a"], None),
    ("exp(x @ y)", "x: n; y: n", ["x", "y"], None),
    ("u @ inv(S) @ v", "u: m; S: m,m; v: m", ["u", "v"], "inv(S)"),
    ("norm(x - y)", "x: n; y: n", ["x", "y"], None),
    ("M @ z", DENSE, ["M", "z"], None),
    ("a*x", "a: scalar; x: n", ["a", "x"], "eye(n)"),
]


@pytest.mark.parametrize(("expr", "vars", "by", "text"), MIXED, ids=[f"{e} by {b[0]}, {b[1]}" for e, _, b, _ in MIXED])
def test_mixed_second_derivatives(expr: str, vars: str, by: list[str], text: str | None) -> None:
    r = sd.derive(expr, by, order=2, vars=vars)
    assert isinstance(r, sd.Derivative) and [v.name for v in r.chain] == by
    assert text is None or str(r) == text
    assert_right(r, expr, by, vars)


@pytest.mark.parametrize(
    ("expr", "vars"),
    [
        ("logsumexp(M @ z + h)", DENSE),
        ("sum(log(1 + exp(M @ z)))", DENSE),
        ("exp(-norm(z)**2/2)", "z: p"),
        ("norm(M @ z - h)", DENSE),
        ("prod(z)", "z: p positive"),
        ("sum(tanh(M @ z)*h)", DENSE),
        ("kl(q, softmax(z))", "q: p simplex; z: p"),
    ],
)
def test_a_hessian_is_symmetric_and_the_jacobian_of_the_gradient(expr: str, vars: str) -> None:
    hessian = sd.derive(expr, "z", order=2, vars=vars)
    gradient = sd.derive(expr, "z", vars=vars)
    again = sd.derive(str(gradient), "z", vars=vars)
    assert str(gradient.hessian()) == str(hessian)
    for k in range(2):
        _, arrays = arrays_for(vars, k)
        value = hessian.numpy()(**arrays)
        np.testing.assert_allclose(value, value.T, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(again.numpy()(**arrays), value, rtol=1e-9, atol=1e-9)


HIGHER = [
    ("z**5", "z: scalar", 3, "60*z**2"),
    ("z**5", "z: scalar", 4, "120*z"),
    ("sin(z)", "z: scalar", 3, "-cos(z)"),
    ("(c @ z)**3", "c: p; z: p", 3, "6*einsum('i,j,k->ijk', c, c, c)"),
    ("z @ Q @ z", "Q: p,p; z: p", 3, "zeros((p, p, p))"),
    ("sum(z**4)", "z: p", 3, None),
    ("logsumexp(z)", "z: p", 3, None),
]


@pytest.mark.parametrize(("expr", "vars", "order", "text"), HIGHER, ids=[f"{e} order {o}" for e, _, o, _ in HIGHER])
def test_higher_orders(expr: str, vars: str, order: int, text: str | None) -> None:
    r = sd.derive(expr, "z", order=order, vars=vars)
    assert isinstance(r, sd.Derivative) and r.certificate is not None and r.certificate.ok
    assert text is None or str(r) == text
    by = sd.parse(expr, vars).vars["z"].shape
    assert r.shape == by * order
    if order == 3:
        for k in range(2):
            everything, arrays = arrays_for(vars, k)
            lower = sd.derive(expr, "z", order=2, vars=vars).numpy()
            known = oracle.difference(lambda z, f=lower, at=arrays: f(**{**at, "z": z}), arrays["z"])
            assert oracle.distance(r.numpy()(**arrays), known) < 1e-6
            assert oracle.distance(oracle.value(str(r), everything), known) < 1e-6


@pytest.mark.parametrize("order", [0, -1, 7, 1.0, True, "2"])
def test_orders_that_do_not_exist(order: object) -> None:
    with pytest.raises(sd.DerivativeError) as caught:
        sd.derive("sum(z**2)", "z", order=order)  # type: ignore[arg-type]
    assert caught.value.code == "SD304"


def test_as_many_variables_as_orders() -> None:
    with pytest.raises(sd.DerivativeError) as caught:
        sd.derive("x*y*z", ["x", "y", "z"], order=2, vars="x: scalar; y: scalar; z: scalar")
    assert caught.value.code == "SD304" and "3" in caught.value.message


# several at once --------------------------------------------------------------------------------------------------------------


def test_several_variables_from_one_sweep() -> None:
    expr, by = "sum((Phi @ theta - t)**2)/2", ["theta", "t", "Phi"]
    found = sd.derive(expr, by, vars=LINEAR)
    assert isinstance(found, sd.Derivatives)
    assert list(found) == by and len(found) == 3 and found[1] is found["t"]
    assert str(found).splitlines() == [
        "dtheta = Phi.T @ (Phi @ theta - t)",
        "dt = t - Phi @ theta",
        "dPhi = outer(Phi @ theta - t, theta)",
    ]
    for name in by:
        assert str(found[name]) == str(sd.derive(expr, name, vars=LINEAR))
        assert_right(found[name], expr, [name], LINEAR)
    everything, arrays = arrays_for(LINEAR, 0)
    values = found.numpy()(**arrays)
    assert list(values) == by
    for name in by:
        assert oracle.distance(values[name], oracle.derivative(expr, [name], everything)) < 1e-6


def test_a_variable_twice_is_one_result_and_a_missing_one_an_error() -> None:
    assert list(sd.derive("sum(x*y)", ["x", "y", "x"], vars="x: n; y: n")) == ["x", "y"]
    with pytest.raises(sd.DerivativeError) as caught:
        sd.derive("sum(x*y)", ["x", "yy"], vars="x: n; y: n")
    assert caught.value.code == "SD303" and "did you mean y" in caught.value.hint


def test_a_declared_variable_that_does_not_occur_has_derivative_zero() -> None:
    assert str(sd.derive("sum(x**2)", "W", vars="x: n; W: n,m")) == "zeros((n, m))"
    assert str(sd.derive("sum(x**2)", "s", vars="x: n; s: scalar")) == "0"


# products with directions -------------------------------------------------------------------------------------------------------


def directional(expr: str, moves: dict[str, str], at: oracle.Arrays) -> np.ndarray:
    return oracle.difference(
        lambda s: oracle.value(expr, {**at, **{n: at[n] + s * at[d] for n, d in moves.items()}}), np.asarray(0.0)
    )


ARRAYS = [
    ("softmax(M @ z)", DENSE),
    ("tanh(M @ z + h)", DENSE),
    ("M @ z * (h @ h)", DENSE),
    ("norm(M @ z - h)**2", DENSE),
    ("outer(M @ z, h)", DENSE),
]


@pytest.mark.parametrize(("expr", "vars"), ARRAYS)
def test_jvp(expr: str, vars: str) -> None:
    r = sd.jvp(expr, "z", vars)
    assert r.shape == sd.parse(expr, vars).expr.shape and r.certificate is not None and r.certificate.ok
    everything, arrays = arrays_for(vars + "; dz: p", 0)
    assert oracle.distance(r.numpy()(**arrays), directional(expr, {"z": "dz"}, everything)) < 1e-7
    assert oracle.distance(oracle.value(str(r), everything), directional(expr, {"z": "dz"}, everything)) < 1e-7


def test_jvp_along_several_variables_adds_up() -> None:
    r = sd.jvp("tanh(M @ z)", ["z", "M"], DENSE)
    everything, arrays = arrays_for(DENSE + "; dz: p; dM: m,p", 0)
    known = directional("tanh(M @ z)", {"z": "dz", "M": "dM"}, everything)
    assert oracle.distance(r.numpy()(**arrays), known) < 1e-7


@pytest.mark.parametrize(("expr", "vars"), ARRAYS)
def test_vjp_is_the_transpose_of_jvp(expr: str, vars: str) -> None:
    problem = sd.parse(expr, vars)
    forward, backward = sd.jvp(problem, "z"), sd.vjp(problem, "z")
    assert backward.shape == problem.vars["z"].shape and backward.certificate is not None and backward.certificate.ok
    _, arrays = arrays_for(vars + "; dz: p", 0)
    out = forward.numpy()(**arrays)
    u = np.random.default_rng(1).normal(size=out.shape)
    move = arrays.pop("dz")
    assert np.sum(u * out) == pytest.approx(np.sum(move * backward.numpy()(**arrays, u=u)), rel=1e-9)


@pytest.mark.parametrize("expr", ["logsumexp(M @ z + h)", "norm(M @ z - h)**2", "sum(exp(M @ z)*h)", "sum(z**3)"])
def test_hvp(expr: str) -> None:
    r = sd.hvp(expr, "z", DENSE)
    assert r.certificate is not None and r.certificate.ok
    everything, arrays = arrays_for(DENSE + "; v: p", 0)
    known = oracle.derivative(expr, ["z", "z"], everything) @ arrays["v"]
    assert oracle.distance(r.numpy()(**arrays), known) < 1e-6


def test_hvp_of_a_matrix_function() -> None:
    r = sd.hvp("logdet(S)", "S", "S: m,m")
    assert str(r) == "-inv(S).T @ v.T @ inv(S).T"


def test_hvp_needs_a_scalar() -> None:
    with pytest.raises(sd.DerivativeError) as caught:
        sd.hvp("M @ z", "z", DENSE)
    assert caught.value.code == "SD304" and "jvp" in caught.value.hint


def test_directions_get_names_that_are_free() -> None:
    r = sd.jvp("dx*x", "x", "dx: scalar; x: scalar")
    (direction,) = r.directions
    assert direction.name not in ("dx", "x") and str(r) == f"dx*{direction.name}"


# layouts -----------------------------------------------------------------------------------------------------------------------

LAYOUTS = [
    ("M @ z", DENSE, "z", "M", "M.T"),
    ("S @ v", "S: m,r; v: r", "S", None, None),
    ("c*z", "c: scalar; z: p", "c", "z", "z"),
    ("softmax(z)*h", "z: p; h: p", "z", None, None),
]


@pytest.mark.parametrize(("expr", "vars", "by", "numerator", "denominator"), LAYOUTS, ids=[e for e, *_ in LAYOUTS])
def test_layouts_of_an_array(expr: str, vars: str, by: str, numerator: str | None, denominator: str | None) -> None:
    first = sd.derive(expr, by, vars=vars)
    other = sd.derive(expr, by, vars=vars, layout="denominator")
    rank = sd.parse(expr, vars).expr.rank
    assert other.shape == (*first.shape[rank:], *first.shape[:rank])
    assert numerator is None or str(first) == numerator
    assert denominator is None or str(other) == denominator
    everything, _ = arrays_for(vars, 0)
    known = oracle.derivative(expr, [by], everything)
    known = np.moveaxis(known, range(rank), range(-rank, 0))
    assert oracle.distance(oracle.value(str(other), everything), known) < 1e-6
    assert sd.shape_of(expr, by, vars, layout="denominator") == other.shape


def test_the_derivative_of_a_scalar_is_the_same_in_both_layouts() -> None:
    for layout in ("numerator", "denominator"):
        assert str(sd.derive("trace(S @ A)", "S", vars="S: m,r; A: r,m", layout=layout)) == "A.T"


# symmetric variables ------------------------------------------------------------------------------------------------------------

SYMMETRIC = [
    ("trace(A @ Q)", "A.T", "A + A.T - diag(diag(A))"),
    ("u @ Q @ u", "outer(u, u)", "2*outer(u, u) - diag(u**2)"),
    ("u @ Q @ v", "outer(u, v)", None),
    ("sum(Q**2)", "2*Q", "4*Q - 2*diag(diag(Q))"),
    ("trace(Q @ Q)", "2*Q", None),
    ("Q @ u", None, None),
]


@pytest.mark.parametrize(("expr", "plain", "constrained"), SYMMETRIC, ids=[e for e, *_ in SYMMETRIC])
def test_symmetric_conventions(expr: str, plain: str | None, constrained: str | None) -> None:
    vars = "Q: n,n symmetric; A: n,n; u: n; v: n"
    one = sd.derive(expr, "Q", vars=vars)
    other = sd.derive(expr, "Q", vars=vars, symmetric="constrained")
    assert plain is None or str(one) == plain
    assert constrained is None or str(other) == constrained
    assert one.notes != other.notes and "plain" in one.notes[0] and "constrained" in other.notes[0]
    everything, _ = arrays_for(vars, 0)
    free = oracle.derivative(expr, ["Q"], everything)
    assert oracle.distance(oracle.value(str(one), everything), free) < 1e-6

    def along(i: int, j: int) -> np.ndarray:
        move = np.zeros_like(everything["Q"])
        move[i, j] = move[j, i] = 1
        return directional(expr, {"Q": "move"}, {**everything, "move": move})

    size = everything["n"]
    tied = np.stack([np.stack([along(i, j) for j in range(size)], axis=-1) for i in range(size)], axis=-2)
    assert oracle.distance(oracle.value(str(other), everything), tied) < 1e-6


def test_attributes_are_not_used_up_by_differentiating() -> None:
    """`Q = Qᵀ` holds in the result, not while the entries vary: `uᵀQv` has derivative `u vᵀ`, not its symmetric part."""
    vars = "Q: n,n symmetric; u: n; v: n"
    assert str(sd.derive("u @ Q @ v", "Q", vars=vars)) == "outer(u, v)"
    assert str(sd.derive("u @ Q @ u", "u", vars=vars)) == "2*Q @ u"
    assert str(sd.derive("sum(Y**2)", "Y", vars="Y: n,k onehot")) == "2*Y"
