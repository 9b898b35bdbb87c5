"""Numbers stay finite and exact where the true value is: values, gradients and Hessians at extreme inputs against mpmath.

The expression as typed is evaluated with 800 digits, its derivatives by central differences with steps of 1e-150: exact to far
more than double precision, and independent of everything in symderiv.
"""

from __future__ import annotations

import itertools
import warnings

import mpmath
import numpy as np
import pytest

import symderiv as sd

STEP = mpmath.mpf(10) ** -150
DIGITS = 800


def _each(f):
    return np.vectorize(f, otypes=[object])


def _over(f):
    """A reduction as NumPy has it, of objects."""

    def word(x, axis=None, keepdims=False):
        x = np.asarray(x, dtype=object)
        return f(x, axis=axis, keepdims=keepdims)

    return word


def _softmax(x, axis=-1):
    e = EXACT["exp"](np.asarray(x, dtype=object))
    return e / np.sum(e, axis=axis, keepdims=True)


def _logsumexp(x, axis=None, keepdims=False):
    return EXACT["log"](np.sum(EXACT["exp"](x), axis=axis, keepdims=keepdims))


def _sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def _selu(z):
    scale, alpha = mpmath.mpf("1.0507009873554804934193349852946"), mpmath.mpf("1.6732632423543772848170429916717")
    return scale * (z if z > 0 else alpha * mpmath.expm1(z))


EXACT = {
    **{n: _each(getattr(mpmath, n)) for n in ("exp", "log", "sqrt", "tanh", "cosh", "sinh", "expm1", "log1p", "erf")},
    "abs": _each(abs),
    "sum": _over(np.sum), "max": _over(np.max), "mean": _over(np.mean),
    "sigmoid": _each(_sigmoid), "softplus": _each(lambda z: mpmath.log1p(mpmath.exp(z))),
    "logsigmoid": _each(lambda z: mpmath.log(_sigmoid(z))), "silu": _each(lambda z: z * _sigmoid(z)),
    "gelu": _each(lambda z: z * mpmath.ncdf(z)), "logaddexp": _each(lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b))),
    "xlogy": _each(lambda a, b: a * mpmath.log(b) if a else mpmath.mpf(0)),
    "softmax": _softmax, "log_softmax": lambda x, axis=-1: EXACT["log"](_softmax(x, axis)), "logsumexp": _logsumexp,
    "norm": lambda x: mpmath.sqrt(np.sum(np.asarray(x, dtype=object) ** 2)),
    "onehot": lambda y, k: np.eye(int(k))[np.asarray(y, int)],
    "cross_entropy": lambda Z, y: -np.mean(EXACT["log"](_softmax(Z))[np.arange(len(Z)), np.asarray(y, int)]),
    "maximum": _each(max), "elu": _each(lambda z: z if z > 0 else mpmath.expm1(z)), "selu": _each(lambda z: _selu(z)),
    "kl": lambda p, q: np.sum(p * EXACT["log"](p / q)),
    "range": range, "len": len,
}  # fmt: skip


def exact(text: str, given: dict, wrt: str) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, gradient and Hessian of the text."""
    largest = max(float(np.max(np.abs(v))) for v in given.values())
    # 1 - σ(10⁴) has its first digit after 4,342 zeros
    with mpmath.workdps((5200 if largest > 2000 else 1600) if "1 - " in text else DIGITS):
        number = np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])
        at = {n: np.asarray(v) if n == "y" else number(v) for n, v in given.items()}
        x = np.atleast_1d(at[wrt])
        shape = np.shape(at[wrt])
        h = STEP * min([abs(v) for v in x.ravel() if v] or [1])

        def f(*moves: tuple[int, int]) -> mpmath.mpf:
            moved = x.copy().ravel()
            for k, sign in moves:
                moved[k] = moved[k] + sign * h
            moved = moved.reshape(shape) if shape else moved[0]
            # texts of this file only
            return eval(text, {"__builtins__": {}}, {**EXACT, **at, wrt: moved})

        size = x.size
        gradient = [(f((i, 1)) - f((i, -1))) / (2 * h) for i in range(size)]
        hessian = [
            (f((i, 1), (j, 1)) - f((i, 1), (j, -1)) - f((i, -1), (j, 1)) + f((i, -1), (j, -1))) / (4 * h * h)
            for i, j in itertools.product(range(size), repeat=2)
        ]
        return (
            np.float64(f()),
            np.array([float(g) for g in gradient]).reshape(shape),
            np.array([float(v) for v in hessian]).reshape(shape * 2),
        )


RNG = np.random.default_rng(3)
BIG = [-1e4, -745.2, -30.0, -1e-9, 0.0, 0.5, 40.0, 709.9, 1e4]
LOGITS = [[1e4, -1e4, 3.0], [1000.0, 1000.5, 999.0], [-800.0, -801.0, -5000.0], [30.0, 0.0, -2.0]]
SCORES = {"X": [[30.0, 2.0], [-1000.0, 5.0], [1e4, -3.0], [0.5, 1.0], [-20.0, 6.0]], "w": [1.0, 0.25]}
TINY = [[3e-200, 4e-200, 0.0], [3e200, 4e200, 1e150], [1e-10, 1e10, 1.0]]
Z, ROW, TABLE = {"z": "scalar"}, {"z": "k"}, {"Z": "n,k", "y": "n integer"}
DATA = {"X": "n,d", "w": "d", "y": "n"}

CASES: dict[str, tuple[str, dict, str, list[dict]]] = {}


def case(text: str, declared: dict, wrt: str, values: list) -> None:
    CASES[text] = (text, declared, wrt, values)


for _text in (
    "log(1 + exp(z))", "log(exp(z) + 1)", "softplus(z)", "log1p(exp(z))", "log(1 + exp(-z))", "log(sigmoid(z))", "logsigmoid(z)",
    "-log(1/(1 + exp(-z)))", "log(1 - sigmoid(z))", "1/(1 + exp(-z))", "exp(z)/(1 + exp(z))", "1/(1 + exp(z))", "sigmoid(z)", "tanh(z)",
    "(exp(z) - exp(-z))/(exp(z) + exp(-z))", "log(cosh(z))", "silu(z)", "z/(1 + exp(-z))", "z*tanh(softplus(z))",
    "z*tanh(log(1 + exp(z)))", "sqrt(1 + z**2)", "log(exp(z) + exp(-z))", "gelu(z)", "sigmoid(z)**2", "log(2 + exp(z))",
):  # fmt: skip
    case(_text, Z, "z", [{"z": v} for v in BIG])
for _text in (
    "log(sum(exp(z)))", "logsumexp(z)", "sum(a*softmax(z))", "sum(a*exp(z)/sum(exp(z)))", "sum(a*log(softmax(z)))",
    "sum(a*log_softmax(z))", "sum(a*log(exp(z)/sum(exp(z))))", "log(mean(exp(z)))", "-sum(softmax(z)*log_softmax(z))",
    "logsumexp(z) - a @ z", "sum(log(1 + exp(a*z)))", "log(sum(exp(z/2)))",
):  # fmt: skip
    case(_text, {"z": "k", "a": "k"}, "z", [{"z": z, "a": [0.2, 0.3, 0.5]} for z in LOGITS])
for _text in (
    "cross_entropy(Z, y)", "-mean(log(softmax(Z))[arange(n), y])", "-mean(log_softmax(Z)[arange(n), y])",
    "-sum(onehot(y, 3)*log(exp(Z)/sum(exp(Z), axis=1, keepdims=True)))/n", "mean(log(sum(exp(Z), axis=1)) - sum(onehot(y, 3)*Z, axis=1))",
):  # fmt: skip
    case(_text, {"Z": "n,3", "y": "n integer"}, "Z", [{"Z": LOGITS, "y": [1, 0, 2, 0]}])
for _text in (
    "sum(log(1 + exp(-y*(X @ w))))", "sum(softplus(-y*(X @ w)))", "-sum(log(sigmoid(y*(X @ w))))",
    "sum(log(1 + exp(X @ w)) - y*(X @ w))", "-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))",
    "-mean(y*log(1/(1 + exp(-X @ w))) + (1 - y)*log(1 - 1/(1 + exp(-X @ w))))",
):  # fmt: skip
    _y = [1.0, 0.0, 1.0, 0.0, 1.0]
    _signs = [2 * v - 1 for v in _y]
    _scores = [[min(v, 1500.0) for v in row] for row in SCORES["X"]] if "1 - sig" in _text or "1 - 1/" in _text else SCORES["X"]
    case(_text, DATA, "w", [{**SCORES, "X": _scores, "y": _y if "(1 - y)" in _text or "- y*" in _text else _signs}])
for _text in ("norm(x)", "sqrt(sum(x**2))", "sqrt(x @ x)"):
    case(_text, {"x": "k"}, "x", [{"x": x} for x in TINY])
case(
    "log(exp(a) + exp(b))", {"a": "scalar", "b": "scalar"}, "a", [{"a": a, "b": b} for a in (-1e4, 0.0, 1e4) for b in (-1e4, 5.0)]
)
case("logaddexp(a, b)", {"a": "scalar", "b": "scalar"}, "a", [{"a": a, "b": b} for a in (-1e4, 0.0, 1e4) for b in (-1e4, 5.0)])
case("log(sigmoid(a @ x - b @ x))", {"a": "d", "b": "d", "x": "d"}, "x",
     [{"a": [1e3, 2.0], "b": [-1e3, 1.0], "x": [s, 1.0]} for s in (-3.0, 4.0, 0.01)])  # fmt: skip


LESS = [-1000.0, -30.0, 1e-8, 30.0, 1000.0]
for _text in (
    "-log(1 - sigmoid(z))", "log(exp(z)/(1 + exp(z)))", "sigmoid(z)*(1 - sigmoid(z))", "exp(-z)/(1 + exp(-z))**2", "1 - tanh(z)**2",
    "(exp(2*z) - 1)/(exp(2*z) + 1)", "(exp(z) - 1)/(exp(z) + 1)", "expm1(z)/(expm1(z) + 2)", "1 - 2/(exp(2*z) + 1)", "sinh(z)/cosh(z)",
    "2/(exp(z) + exp(-z))", "log(2*cosh(z))", "log((exp(z) + exp(-z))/2)", "maximum(z, 0) + log(1 + exp(-abs(z)))", "elu(z)", "selu(z)",
    "log(1 + abs(z))", "log(1 + exp(z)) - z", "-log(sigmoid(z)) + z", "softplus(z) - softplus(-z)", "log(1 + softplus(z))",
    "-(1 - sigmoid(z))**2*log(sigmoid(z))", "-sigmoid(z)**2*log(1 - sigmoid(z))", "log(tanh(z)**2 + 1)", "log(sigmoid(z) + 1)",
    "-sigmoid(z)*log(sigmoid(z)) - (1 - sigmoid(z))*log(1 - sigmoid(z))", "sqrt(1 + z**2) - 1", "z*tanh(z)", "1 - exp(-z**2)",
):  # fmt: skip
    case(_text, Z, "z", [{"z": v} for v in LESS])
for _text in (
    "log(expm1(z))",
    "log(exp(z) - 1)",
    "expm1(z)/exp(z)",
    "1 - exp(-z)",
    "log(1 - exp(-z))",
    "log(sinh(z))",
    "cosh(z)/sinh(z)",
):
    case(_text, {"z": "scalar positive"}, "z", [{"z": v} for v in (1e-8, 0.5, 30.0, 1000.0)])
for _text in (
    "max(z) - log(sum(exp(z)))", "log(sum(exp(z - max(z)))) + max(z) - a @ z", "sum(a*exp(z - max(z)))/sum(exp(z - max(z)))",
    "-log(softmax(z)[1])", "log(exp(z[0])/sum(exp(z)))", "-z[1] + log(sum(exp(z)))", "kl(softmax(a), softmax(z))", "sum(softmax(z)**2)",
    "sum((softmax(z) - a)**2)", "logsumexp(z)**2", "sum(log(cosh(z - a)))", "sum(sqrt(1 + (z - a)**2) - 1)",
    "-sum(a*log(sigmoid(z)) + (1 - a)*log(1 - sigmoid(z)))", "sum((sigmoid(z) - a)**2)",
):  # fmt: skip
    case(_text, {"z": "k", "a": "k"}, "z", [{"z": z, "a": [0.2, 0.3, 0.5]} for z in LOGITS if max(map(abs, z)) < 6000])
for _text in ("x @ a / norm(x)", "a @ x/(norm(a)*norm(x))", "log(norm(x))", "norm(x - a)"):
    case(_text, {"x": "k", "a": "k"}, "x", [{"x": x, "a": [0.2, -0.3, 0.5]} for x in ([3.0, 4.0, 1.0], [1e-10, 1e10, 1.0])])


def error(got: np.ndarray, known: np.ndarray, scale: float = 0.0) -> float:
    """Relative to the largest entry that is known; values below the smallest normal number count as 0."""
    got, known = np.asarray(got, float), np.asarray(known, float)
    known = np.where(np.abs(known) < 1e-290, 0, known)
    if not np.all(np.isfinite(got[np.isfinite(known)])):
        return float("inf")
    size = max(np.max(np.abs(known), initial=0), scale)
    gap = np.max(np.abs(got - known)[np.isfinite(known)], initial=0)
    return float(gap / size) if size else float(gap > 1e-290)


@pytest.mark.parametrize("text", CASES)
def test_extremes(text: str) -> None:
    """Value, gradient and Hessian within 1e-12 of the exact ones, for scalars entry by entry."""
    _, declared, wrt, values = CASES[text]
    problem = sd.parse(text, declared)
    functions = [sd.derive(problem, wrt=wrt, order=k).numpy(value=True) for k in (1, 2)]
    for given in values:
        arrays = {n: np.asarray(v, dtype=int if n == "y" and "integer" in declared[n] else float) for n, v in given.items()}
        value, gradient, hessian = exact(text.replace("arange(n), y", "range(len(y)), y").replace("/n", "/len(y)"), given, wrt)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = functions[0](**arrays)
            second = functions[1](**arrays)[1]
        assert error(got[0], value) <= 1e-12, (given, got[0], value)
        assert error(got[1], gradient) <= 1e-12, (given, got[1], gradient)
        assert error(second, hessian) <= 1e-12, (given, second, hessian)
