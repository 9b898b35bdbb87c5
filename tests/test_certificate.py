"""Certificates: right derivatives pass, wrong ones do not, and both say what was done."""

from __future__ import annotations

import numpy as np
import pytest

import symderiv.ops  # noqa: F401  (fills the table)
from symderiv.errors import CertificateError
from symderiv.expr.nodes import Call, Index, Node, Num, Var, as_node, var
from symderiv.verify import differences, sampling
from symderiv.verify.certificate import certify, certify_jvp

X, w, y, lam = var("X", "n,d"), var("w", "d"), var("y", "n"), var("lam")
A, S, P = var("A", "n,n"), var("S", "n,n", "symmetric"), var("P", "n,n", "psd")
Z, labels, s = var("Z", "n,k"), var("t", "n", "integer"), var("s")
n, d = X.shape
LOSS = Call("sum", (X @ w - y) ** 2)


def right_first() -> list[tuple[Node, Var, Node]]:
    """(original, variable, derivative) with the derivative known from a book."""
    return [
        (LOSS, w, 2 * (X.T @ (X @ w - y))),
        (LOSS, X, Call("outer", 2 * (X @ w - y), w)),
        (X @ w, w, X),
        (X @ w, X, Call("einsum", Call("eye", n=n), w, subs="ij,k->ijk")),
        (Call("logdet", A), A, Call("inv", A).T),
        (Call("logdet", P), P, Call("inv", P)),
        (Call("trace", S.T @ S), S, 2 * S),
        (Call("norm", X @ w), w, X.T @ (X @ w) / Call("norm", X @ w)),
        (Call("sum", Call("log", w)), w, 1 / w),
        (Call("sum", Call("arccosh", w)), w, Call("square", w) ** 0 * (Call("square", w) - 1) ** Num(-0.5)),
        (Call("sum", Call("relu", w)), w, Call("gt", w, as_node(0))),
        (Call("sum", Call("abs", A - A.T)), A, 2 * Call("sign", A - A.T)),
        (Call("cross_entropy", Z, labels), Z, (Call("softmax", Z) - Call("onehot", labels, k=Z.shape[1])) / n),
        (Call("sum", w**2) / n + Call("mean", y), w, 2 * w / n),
        (Call("sqrt", s * s), s, Call("sign", s)),
        (Call("getitem", w, Num(3), spec=("at",)), w, Call("getitem", Call("eye", n=d), Num(3), spec=("at",))),
    ]


@pytest.mark.parametrize(("words", "v", "result"), right_first(), ids=range(len(right_first())))
def test_right_first_derivatives_pass(words: Node, v: Var, result: Node) -> None:
    known = [X, w, y, A, S, P, Z, labels, s]
    used = [x for x in known if x in words.free_symbols or x is v]
    used = used if n not in words.free_symbols or any(n in x.shape for x in used) else [*used, y]
    certificate = certify(words, [v], [result], used)
    assert certificate.ok, certificate.line
    assert certificate.entries > 0 and certificate.worst < 1e-6
    assert certificate.line.startswith("certified against")
    assert certificate.raise_if_failed() is certificate


Q, u = var("Q", "n,n", "symmetric"), var("u", "n")
WRONG = {
    "sign": (LOSS, w, 2 * (X.T @ (X @ w + y))),
    "factor": (LOSS, w, X.T @ (X @ w - y)),
    "factor of a millionth": (LOSS, w, Num(2.000002) * (X.T @ (X @ w - y))),
    "transpose of a square": (Call("logdet", A), A, Call("inv", A)),
    "zero": (LOSS, w, 0 * w),
    "only right for positive numbers": (Call("sqrt", s * s), s, 1 + 0 * s),
    "only right for symmetric moves": (Call("dot", y, Q @ u), Q, (Call("outer", y, u) + Call("outer", u, y)) / 2),
    "layout": (X @ w, w, X.T),
    "not a number": (LOSS, w, w / Num(0)),
    "one entry": (Call("sum", w**2), w, 2 * w + Call("getitem", Call("eye", n=d), Num(1), spec=("at",))),
    "kink elsewhere": (Call("sum", Call("relu", w)), w, Call("gt", w, as_node(0.5))),
    "mean or sum": (Call("mean", w**2), w, 2 * w),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_first_derivatives_do_not(name: str) -> None:
    words, v, result = WRONG[name]
    used = [x for x in (X, w, y, A, s, Q, u) if x in words.free_symbols]
    certificate = certify(words, [v], [result], used)
    assert not certificate.ok
    assert certificate.failures, certificate.line
    with pytest.raises(CertificateError) as caught:
        certificate.raise_if_failed()
    assert caught.value.code == "SD401"
    assert v.name + " = " in str(caught.value)


def test_line_says_what_was_done() -> None:
    line = certify(LOSS, [w], [2 * (X.T @ (X @ w - y))], [X, w, y]).line
    assert line.startswith("certified against complex-step differences of the original at 4 size assignments (n=4, d=3; n=2,")


def test_several_results_are_compared_together() -> None:
    gradients = [2 * (X.T @ (X @ w - y)), Call("outer", 2 * (X @ w - y), w), -2 * (X @ w - y)]
    assert certify(LOSS, [w, X, y], gradients, {"X": X, "w": w, "y": y}).ok
    assert not certify(LOSS, [w, X, y], [*gradients[:2], 2 * (X @ w - y)], [X, w, y]).ok


def test_callables_are_results_too() -> None:
    assert certify(LOSS, [w], [lambda X, w, y: 2 * X.T @ (X @ w - y)], [X, w, y]).ok
    broken = certify(LOSS, [w], [lambda X, w, y: 1 / 0], [X, w, y])
    assert "ZeroDivisionError" in broken.line


def test_second_order() -> None:
    gradient, hessian = 2 * (X.T @ (X @ w - y)), 2 * (X.T @ X)
    assert certify(LOSS, [w], [hessian], [X, w, y], order=2, first=[gradient]).ok
    assert certify(LOSS, [w, w], [hessian], [X, w, y], order=2, first=[gradient]).ok
    assert certify(LOSS, [w], [hessian], [X, w, y], order=2).ok


def test_second_order_does_not_rest_on_the_gradient() -> None:
    gradient, hessian = 3 * (X.T @ (X @ w - y)), 3 * (X.T @ X)
    assert not certify(LOSS, [w], [hessian], [X, w, y], order=2, first=[gradient]).ok
    assert not certify(LOSS, [w], [hessian], [X, w, y], order=2).ok


def test_mixed_and_block_hessians() -> None:
    f = Call("dot", y, X @ w)
    assert certify(f, [w, y], [X.T], [X, w, y], order=2, first=[X.T @ y]).ok
    assert not certify(f, [w, y], [2 * X.T], [X, w, y], order=2, first=[X.T @ y]).ok
    zero_w, zero_y = Call("zeros", shape=(d, d)), Call("zeros", shape=(n, n))
    firsts = [X.T @ y, X.T @ y, X @ w, X @ w]
    assert certify(f, [w, y], [zero_w, X.T, X, zero_y], [X, w, y], order=2, first=firsts).ok


def test_third_order() -> None:
    f = Call("sum", w**4)
    third = Call("einsum", 24 * w, subs="i->iii")
    second, gradient = Call("diag", 12 * w**2), 4 * w**3
    assert certify(f, [w] * 3, [third], [w], order=3, first=[gradient, second]).ok
    assert not certify(f, [w] * 3, [2 * third], [w], order=3, first=[gradient, second]).ok


def test_symmetric_second_derivative_says_its_convention() -> None:
    inverse = Call("inv", P)
    used_symmetry = -Call("einsum", inverse, inverse, subs="ik,lj->ijkl")
    plain = -Call("einsum", inverse, inverse, subs="jk,li->ijkl")
    strict = certify(Call("logdet", P), [P], [plain], [P], order=2, first=[inverse.T])
    assert strict.ok and not strict.notes
    loose = certify(Call("logdet", P), [P], [used_symmetry], [P], order=2, first=[inverse])
    assert loose.ok
    assert any("symmetric directions" in note for note in loose.notes)


def test_cholesky_is_compared_along_symmetric_directions() -> None:
    f = Call("sum", Call("log", Call("diag", Call("cholesky", P))))
    certificate = certify(f, [P], [Call("inv", P) / 2], [P])
    assert certificate.ok, certificate.line
    assert any("one triangle" in note for note in certificate.notes)
    assert not certify(f, [P], [Call("inv", P)], [P]).ok
    square = X.T @ X + Call("eye", n=d)
    g = Call("sum", Call("log", Call("diag", Call("cholesky", square))))
    full = certify(g, [X], [X @ Call("inv", square)], [X])
    assert full.ok and not full.notes


def test_no_value_names_the_reason() -> None:
    certificate = certify(Call("sum", Call("log", -Call("square", w))), [w], [w], [w])
    assert not certificate.ok and not certificate.failures
    with pytest.raises(CertificateError) as caught:
        certificate.raise_if_failed()
    assert caught.value.code == "SD402"
    assert "log of a number that is not positive" in str(caught.value)
    assert "declare w positive" in str(caught.value)


def test_labels_have_no_derivative() -> None:
    with pytest.raises(CertificateError) as caught:
        certify(Call("cross_entropy", Z, labels), [labels], [labels], [Z, labels])
    assert caught.value.code == "SD402"


def test_a_size_of_one_that_degenerates_is_skipped() -> None:
    deviation = Call("sqrt", Call("var", w))
    result = (w - Call("mean", w)) / (d * deviation)
    certificate = certify(deviation, [w], [result], [w])
    assert certificate.ok, certificate.line
    assert {"d": 1} not in certificate.sizes
    assert certificate.notes


def test_kinks_are_avoided_not_failed() -> None:
    shifted = Call("relu", Call("maximum", w, Num(0)) - Num(0))  # at w < 0 every point is at a kink of the outer relu
    result = Call("diag", Call("gt", w, as_node(0)))
    assert certify(shifted, [w], [result], [w]).ok


def test_jvp() -> None:
    v = var("dw", "d")
    assert certify_jvp(X @ w, {w: v}, X @ v, [X, w]).ok
    assert not certify_jvp(X @ w, {w: v}, 2 * (X @ v), [X, w]).ok


def test_large_problems_use_directions() -> None:
    layers = [var(f"W{i}", "d,d") for i in range(12)]
    x: Node = w
    for layer in layers:
        x = Call("tanh", layer @ x)
    f = Call("sum", x)
    forward = [w]
    for layer in layers:
        forward.append(Call("tanh", layer @ forward[-1]))
    results: list[Node] = []
    back: Node = Call("ones", shape=(d,))
    for layer, before, after in zip(reversed(layers), reversed(forward[:-1]), reversed(forward[1:]), strict=True):
        back = back * (1 - Call("square", after))
        results.append(Call("outer", back, before))
        back = layer.T @ back
    results.reverse()
    certificate = certify(f, layers, results, [w, *layers], budget_s=0.01)
    assert certificate.ok and certificate.method == "directional", certificate.line
    wrong = [*results[:5], 2 * results[5], *results[6:]]
    failed = certify(f, layers, wrong, [w, *layers], budget_s=0.01)
    assert any("W5" in failure["wrt"] for failure in failed.failures)


def test_the_same_seed_gives_the_same_points() -> None:
    one, other = (certify(LOSS, [w], [X.T @ (X @ w - y)], [X, w, y], seed=7).failures[0] for _ in range(2))
    assert one["entry"] == other["entry"] and np.array_equal(one["values"]["X"], other["values"]["X"])


# sampling ---------------------------------------------------------------------------------------------------------------------
def test_sizes_are_tall_wide_equal_and_one() -> None:
    rows = sampling.sample_sizes([X, w, y], np.random.default_rng(0))
    assert rows[0] == {n: 4, d: 3} and rows[1] == {n: 2, d: 5} and rows[2] == {n: 3, d: 3}
    assert 1 in rows[3].values()
    assert sampling.sample_sizes([var("B", "2,3")], np.random.default_rng(0)) == [{}]


def test_sizes_reach_constant_subscripts() -> None:
    words = Call("getitem", w, Num(7), spec=("at",))
    assert all(row[d] >= 8 for row in sampling.sample_sizes([w], np.random.default_rng(0), words))


@pytest.mark.parametrize(
    ("attributes", "holds"),
    [
        (("symmetric",), lambda x: np.array_equal(x, x.T)),
        (("psd",), lambda x: np.array_equal(x, x.T) and np.linalg.eigvalsh(x)[0] > 0.1),
        (("diagonal",), lambda x: np.array_equal(x, np.diag(np.diag(x)))),
        (("positive",), lambda x: (x > 0).all()),
        (("simplex",), lambda x: np.allclose(x.sum(1), 1) and (x > 0).all()),
        (("onehot",), lambda x: set(x.ravel()) <= {0.0, 1.0} and (x.sum(1) == 1).all()),
        (("positive", "symmetric"), lambda x: (x > 0).all() and np.array_equal(x, x.T)),
        ((), lambda x: not np.allclose(x, x.T)),
    ],
)
def test_values_honour_attributes(attributes: tuple[str, ...], holds) -> None:
    v = var("V", "n,n", *attributes)
    rng = np.random.default_rng(3)
    values = sampling.sample_values(Call("sum", v), [v], {n: 4}, rng)
    assert values is not None and holds(values["V"])
    assert holds(sampling.near_values(values, [v], rng)["V"])


def test_labels_stay_in_the_range_of_what_they_index() -> None:
    words = Call("cross_entropy", Z, labels)
    k = Z.shape[1]
    for seed in range(20):
        values = sampling.sample_values(words, [Z, labels], {n: 6, k: 2}, np.random.default_rng(seed))
        assert values is not None and values["t"].max() < 2
    picked = Call("getitem", w, var("c", "", "integer"), spec=("at",))
    assert sampling.label_ranges(picked, {d: 5}) == {var("c", "", "integer"): 5}


def test_values_reach_the_domain() -> None:
    rng = np.random.default_rng(0)
    p, i = var("p", "d"), Index("i")
    for words in (
        Call("sum", Call("log", p) + Call("log", 1 - p)),
        Call("sum", Call("arccosh", p)),
        Call("sum", Call("arctanh", p)),
        Call("isum", Call("log", Call("getitem", p, i, spec=("at",))), i, lo=0, hi=d),
        Call("log", Call("det", A)),
        Call("sum", Call("cholesky", A)),
        Call("log", Call("sum", X @ w)),
    ):
        used = [v for v in (A, X, w, p) if v in words.free_symbols]
        assert sampling.sample_values(words, used, {n: 5, d: 5}, rng) is not None


# differences ------------------------------------------------------------------------------------------------------------------
def test_central_differences_estimate_their_error() -> None:
    estimate = differences.derivative(lambda v: np.exp(3 * v["x"]), {"x": np.array([0.3, -1.0])}, "x")
    exact = np.diag(3 * np.exp([0.9, -3.0]))
    assert np.all(np.abs(estimate.value - exact) <= 2 * estimate.error + 1e-12)
    assert np.max(estimate.error) < 1e-4


def test_a_function_that_drops_the_imaginary_part_is_noticed() -> None:
    def f(v):
        return np.real(v["x"]) ** 2

    estimate = differences.derivative(f, {"x": np.array(3.0)}, "x", use_complex=True)
    assert estimate.method == "central differences" and abs(estimate.value - 6) < 1e-8
    higher = differences.along(f, {"x": np.array(3.0)}, {"x": np.array(1.0)}, 2, use_complex=True)
    assert higher.method == "central differences" and abs(higher.value - 2) < 1e-6


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("use_complex", [True, False])
def test_along_a_direction(order: int, use_complex: bool) -> None:
    estimate = differences.along(lambda v: np.sin(v["x"]), {"x": np.array(0.7)}, {"x": np.array(2.0)}, order, use_complex)
    exact = 2**order * np.sin(0.7 + order * np.pi / 2)
    assert abs(estimate.value - exact) < 1e-5 * 2**order


def test_kinks_are_found() -> None:
    assert differences.kinked(lambda t: np.abs(np.asarray(t)))
    assert differences.kinked(lambda t: np.sqrt(np.abs(np.asarray(t))))
    assert not differences.kinked(lambda t: np.abs(np.asarray(t) + 1e-2))
    assert not differences.kinked(lambda t: np.exp(np.asarray(t)))
