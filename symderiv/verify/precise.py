"""The core to 50 decimal digits, with mpmath: the last word where float64 leaves a doubt.

gap_in_digits(a, b, sizes, values)    the largest difference of two core expressions relative to their largest entry
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from sympy import Expr

from ..expr.nodes import Call, Node, Num, Var
from .rings import Arithmetic, Array, Unsupported, full
from .sampling import Sizes, shape_at

DIGITS = 50
AGREE = 1e-14  # relative; equal expressions keep 40 digits, but constants given as decimals (selu's) only 16


class Precise(Arithmetic):
    """mpmath's real numbers."""

    def __init__(self, sizes: Sizes, values: Mapping[str, Any]) -> None:
        super().__init__(sizes)
        self.values = values

    def number(self, value: Any) -> Any:
        import mpmath

        if not isinstance(value, Expr):
            return mpmath.mpf(int(value))
        value = value.xreplace(self.symbols) if value.free_symbols else value
        if value.is_Rational:
            return mpmath.mpf(int(value.p)) / int(value.q)
        return mpmath.mpf(str(value.evalf(DIGITS + 10)))

    def variable(self, v: Var) -> Array:
        import mpmath

        x = np.asarray(self.values[v.name])
        return np.vectorize(lambda a: mpmath.mpf(float(a)), otypes=[object])(x) if x.size else x.astype(object)

    def power(self, node: Call, x: Array, exponent: Array) -> Array:
        e = node.operands[1]
        if isinstance(e, Num) and e.value.is_Integer:
            return _each(lambda a: _power(a, int(e.value)), x)
        return _each(_power, *np.broadcast_arrays(x, exponent))

    def call(self, node: Call, operands: list[Array]) -> Array:
        shape = shape_at(node, self.sizes)
        if node.name in _STRUCTURAL:
            out = _STRUCTURAL[node.name](node, operands, shape)
            return out if isinstance(out, np.ndarray) else full((), out)
        scalar = functions().get(node.name)
        if scalar is None or not node.op.elementwise:
            raise Unsupported(node.name)
        return _each(scalar, *np.broadcast_arrays(*operands))


def _each(f: Callable[..., Any], *xs: Array) -> Array:
    return np.vectorize(f, otypes=[object])(*xs) if xs[0].size else xs[0]


def _power(a: Any, e: Any) -> Any:
    if a == 0 and not e > 0:
        raise Unsupported("a power of zero")
    if a < 0 and not isinstance(e, int):
        raise Unsupported("a root of a negative number")
    return a**e


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """The elementwise operations on mpmath's numbers."""
    import mpmath as mp

    def real(f: Callable[[Any], Any], inside: Callable[[Any], bool]) -> Callable[[Any], Any]:
        def checked(x: Any) -> Any:
            if not inside(x):
                raise Unsupported("outside the domain")
            return f(x)

        return checked

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + mp.exp(-x))

    def elu(x: Any, alpha: Any) -> Any:
        return x if x > 0 else alpha * mp.expm1(x)

    def truth(c: Any) -> Any:
        return mp.mpf(1 if c else 0)

    one = mp.mpf(1)
    positive, unit = (lambda x: x > 0), (lambda x: -1 < x < 1)
    table: dict[str, Callable[..., Any]] = {
        "exp": mp.exp, "log": real(mp.log, positive), "log1p": real(mp.log1p, lambda x: x > -1), "expm1": mp.expm1,
        "sqrt": real(mp.sqrt, lambda x: x >= 0), "square": lambda x: x * x, "abs": abs, "sign": mp.sign,
        "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "arctan": mp.atan,
        "arcsin": real(mp.asin, unit), "arccos": real(mp.acos, unit),
        "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "arcsinh": mp.asinh, "arccosh": real(mp.acosh, lambda x: x > 1),
        "arctanh": real(mp.atanh, unit), "erf": mp.erf, "lgamma": real(mp.loggamma, positive),
        "digamma": real(mp.digamma, positive),
        "polygamma": lambda m, x: mp.psi(int(m), x), "maximum": max, "minimum": min, "where": lambda c, x, y: x if c != 0 else y,
        "clip": lambda x, lo, hi: min(max(x, lo), hi), "heaviside": lambda x, h: h if x == 0 else truth(x > 0),
        "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
        "xlogy": lambda x, y: x if x == 0 else x * real(mp.log, positive)(y),
        "sigmoid": sigmoid, "logsigmoid": lambda x: mp.log(sigmoid(x)),
        "softplus": lambda x: max(x, 0) + mp.log1p(mp.exp(-abs(x))),
        "relu": lambda x: max(x, 0 * one), "leaky_relu": lambda x, s: x if x > 0 else s * x,
        "prelu": lambda x, s: x if x > 0 else s * x,
        "elu": elu, "selu": lambda x: mp.mpf("1.0507009873554805") * x if x > 0 else mp.mpf("1.7580993408473766") * mp.expm1(x),
        "gelu": lambda x: x * (1 + mp.erf(x / mp.sqrt(2))) / 2, "silu": lambda x: x * sigmoid(x),
        "hardtanh": lambda x: min(max(x, -one), one), "gt": lambda x, y: truth(x > y), "ge": lambda x, y: truth(x >= y),
        "lt": lambda x, y: truth(x < y), "le": lambda x, y: truth(x <= y), "eq": lambda x, y: truth(x == y),
        "ne": lambda x, y: truth(x != y),
    }  # fmt: skip
    return table


# operations on whole arrays --------------------------------------------------------------------------------------------------
def _along(f: Callable[[list[Any]], Any]) -> Callable[[Call, list[Array], tuple[int, ...]], Array]:
    """A function of lists over the last axis or all axes."""

    def apply(node: Call, operands: list[Array], shape: tuple[int, ...]) -> Array:
        x, axis = operands[0], node.params.get("axis")
        if axis is None:
            return full((), f(list(x.ravel()))).reshape(shape)
        axes = axis if isinstance(axis, tuple) else (axis,)
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = moved.reshape((*moved.shape[: x.ndim - len(axes)], -1))
        out = np.empty(rows.shape[:-1], dtype=object)
        for at in np.ndindex(*out.shape):
            out[at] = f(list(rows[at]))
        return out.reshape(shape)

    return apply


def _logsumexp(xs: list[Any]) -> Any:
    import mpmath

    top = max(xs)
    return top + mpmath.log(sum(mpmath.exp(x - top) for x in xs))


def _log_softmax(node: Call, operands: list[Array], shape: tuple[int, ...]) -> Array:
    x, axis = operands[0], node.params["axis"]
    moved = np.moveaxis(x, axis, -1)
    out = np.empty(moved.shape, dtype=object)
    for at in np.ndindex(*moved.shape[:-1]):
        row = list(moved[at])
        total = _logsumexp(row)
        out[at] = np.array([a - total for a in row], dtype=object)
    return np.moveaxis(out, -1, axis)


def _softmax(node: Call, operands: list[Array], shape: tuple[int, ...]) -> Array:
    import mpmath

    return _each(mpmath.exp, _log_softmax(node, operands, shape))


def _matrix(f: Callable[[Any], Any]) -> Callable[[Call, list[Array], tuple[int, ...]], Any]:
    """A function of one mpmath matrix."""

    def apply(node: Call, operands: list[Array], shape: tuple[int, ...]) -> Any:
        import mpmath

        x = operands[0]
        if x.ndim != 2:
            raise Unsupported("a stack of matrices")
        out = f(mpmath.matrix(x.tolist()))
        return np.array(out.tolist(), dtype=object).reshape(shape) if isinstance(out, mpmath.matrix) else out

    return apply


def _inverse(a: Any) -> Any:
    try:
        return a**-1
    except ZeroDivisionError:
        raise Unsupported("singular") from None


def _determinant(a: Any) -> Any:
    import mpmath

    return mpmath.det(a)


def _logdet(a: Any) -> Any:
    import mpmath

    return mpmath.log(abs(mpmath.det(a)))


def _product(xs: list[Any]) -> Any:
    out = xs[0]
    for x in xs[1:]:
        out = out * x
    return out


def _onehot(node: Call, operands: list[Array], shape: tuple[int, ...]) -> Array:
    import mpmath

    hot = np.eye(shape[-1])[np.vectorize(int)(operands[0])]
    return _each(lambda a: mpmath.mpf(a), hot)


_STRUCTURAL: dict[str, Callable[[Call, list[Array], tuple[int, ...]], Any]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _along(_logsumexp),
    "max": _along(max),
    "min": _along(min),
    "prod": _along(_product),
    "inv": _matrix(_inverse),
    "det": _matrix(_determinant),
    "logdet": _matrix(_logdet),
    "onehot": _onehot,
    "reshape": lambda node, operands, shape: operands[0].reshape(shape),
}


def gap_in_digits(a: Node, b: Node, sizes: Sizes, values: Mapping[str, Any]) -> float | None:
    """`max |a - b| / max(|a|, |b|)` to 50 digits; None where it cannot be computed."""
    import mpmath

    with mpmath.workdps(DIGITS):
        numbers = Precise(sizes, values)
        try:
            x, y = numbers.value(a), numbers.value(b)
            if x.shape != y.shape:
                return None
            top = max((abs(q) for q in [*x.ravel(), *y.ravel()]), default=mpmath.mpf(0))
            worst = max((abs(p - q) for p, q in zip(x.ravel(), y.ravel(), strict=True)), default=mpmath.mpf(0))
            return float(worst / top) if top > mpmath.mpf(10) ** -40 else float(worst)
        except (Unsupported, ValueError, TypeError, ArithmeticError, IndexError, KeyError, AttributeError):
            return None
