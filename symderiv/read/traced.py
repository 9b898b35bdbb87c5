"""What NumPy's ufuncs and functions are in the language: two tables for `trace`.

Every entry takes `call` (the word on operands) and then what NumPy's function takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import Expr

from ..errors import InputError

Entry = Callable[..., Any]


def _refuse(what: str, hint: str = "") -> InputError:
    return InputError(what, code="SD161", hint=hint)


def _same(word: str) -> Entry:
    return lambda call, *xs: call(word, *xs)


UFUNCS: dict[str, Entry] = {
    name: _same(word)
    for name, word in {
        **{
            n: n
            for n in [
                "exp",
                "log",
                "log1p",
                "expm1",
                "log2",
                "log10",
                "sqrt",
                "square",
                "sign",
                "sin",
                "cos",
                "tan",
                "arcsin",
                "arccos",
                "arctan",
                "sinh",
                "cosh",
                "tanh",
                "arcsinh",
                "arccosh",
                "arctanh",
                "maximum",
                "minimum",
                "heaviside",
                "logaddexp",
                "matmul",
            ]
        },
        "add": "add",
        "multiply": "mul",
        "divide": "div",
        "true_divide": "div",
        "power": "pow",
        "float_power": "pow",
        "negative": "neg",
        "absolute": "abs",
        "fabs": "abs",
        "fmax": "maximum",
        "fmin": "minimum",
        "greater": "gt",
        "greater_equal": "ge",
        "less": "lt",
        "less_equal": "le",
        "equal": "eq",
        "not_equal": "ne",
    }.items()
}
UFUNCS["subtract"] = lambda call, x, y: call("add", x, call("neg", y))
UFUNCS["reciprocal"] = lambda call, x: call("div", 1, x)
UFUNCS["positive"] = lambda call, x: call("add", x, 0)
UFUNCS["clip"] = lambda call, x, lo, hi: call("clip", x, lo, hi)
UFUNCS["erf"] = _same("erf")  # of SciPy
UFUNCS["expit"] = _same("sigmoid")
UFUNCS["log_expit"] = _same("logsigmoid")
UFUNCS["gammaln"] = _same("lgamma")
UFUNCS["psi"] = _same("digamma")
UFUNCS["xlogy"] = _same("xlogy")


def _rank(call: Any, x: Any) -> int:
    from .trace import unwrap

    return unwrap(x).rank


def _reduction(word: str) -> Entry:
    def entry(call: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **more: Any) -> Any:
        more = {k: v for k, v in more.items() if v is not np._NoValue and not (k == "where" and v is True)}
        if more or dtype is not None or out is not None:
            raise _refuse(f"np.{word} with {', '.join(more) or 'dtype or out'} cannot be traced")
        return call(word, a, axis=axis, keepdims=bool(keepdims) and keepdims is not np._NoValue)

    return entry


def _extreme(word: str) -> Entry:
    inner = _reduction(word)
    return lambda call, a, axis=None, out=None, keepdims=False, **more: inner(call, a, axis, None, out, keepdims, **more)


def _variance(
    call: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: Any = False, **more: Any
) -> Any:
    if ddof:
        raise _refuse("np.var and np.std with ddof cannot be traced", "divide the sum of squares yourself")
    return _reduction("var")(call, a, axis, dtype, out, keepdims, **more)


def _deviation(call: Any, a: Any, *rest: Any, **more: Any) -> Any:
    return call("sqrt", _variance(call, a, *rest, **more))


def _dot(call: Any, a: Any, b: Any) -> Any:
    left, right = _rank(call, a), _rank(call, b)
    if 0 in (left, right):
        return call("mul", a, b)
    if left > 2 or right > 2:
        raise _refuse("np.dot of arrays of rank 3 and more cannot be traced", "use @ or np.einsum")
    return call("matmul", a, b)


def _shape(call: Any, x: Any, shape: Any) -> tuple[Any, ...]:
    """Sizes with at most one -1, which is worked out."""
    from .trace import unwrap

    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes: list[Any] = [s if isinstance(s, (int, Expr)) else unwrap(s).value for s in given]  # type: ignore[attr-defined]
    if sizes.count(-1) == 1:
        total: Any = 1
        for s in unwrap(x).shape:
            total = total * s
        for s in sizes:
            total = total / s if s != -1 else total
        sizes[sizes.index(-1)] = total
    return tuple(sizes)


def _norm(call: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    names = {None: 2, "fro": 2, np.inf: "inf"}
    matrix = _rank(call, x) == 2 and axis is None
    if matrix and ord not in (None, "fro", "nuc"):
        raise _refuse(f"the matrix norm of order {ord} cannot be traced", "the Frobenius norm is np.linalg.norm(A)")
    return call("norm", x, ord=names.get(ord, ord), axis=axis, keepdims=bool(keepdims))


def _einsum(call: Any, subs: Any, *xs: Any, **more: Any) -> Any:
    if not isinstance(subs, str) or "..." in subs or any(k != "optimize" for k in more):
        raise _refuse("np.einsum is traced with letters only", "np.einsum('ij,j->i', A, x)")
    subs = subs.replace(" ", "")
    if "->" not in subs:
        letters = sorted(c for c in set(subs) if c != "," and subs.count(c) == 1)
        subs += "->" + "".join(letters)
    return call("einsum", *xs, subs=subs)


def _where(call: Any, condition: Any, *branches: Any) -> Any:
    if len(branches) != 2:
        raise _refuse("np.where with one argument has no fixed shape", "np.where(condition, a, b)")
    return call("where", condition, *branches)


def _filled(word: str) -> Entry:
    def entry(call: Any, x: Any, *_: Any, **__: Any) -> Any:
        from .trace import unwrap

        return call(word, shape=unwrap(x).shape)

    return entry


def _clip(call: Any, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **more: Any) -> Any:
    lo, hi = more.get("min", a_min), more.get("max", a_max)
    if lo is None:
        return a if hi is None else call("minimum", a, hi)
    return call("maximum", a, lo) if hi is None else call("clip", a, lo, hi)


def _joined(word: str) -> Entry:
    return lambda call, xs, axis=0, out=None: call(word, *xs, axis=axis)


def _slogdet(call: Any, a: Any) -> Any:
    return call("sign", call("det", a)), call("logdet", a)


def _solve(call: Any, a: Any, b: Any) -> Any:
    return call("solve", a, b)


FUNCTIONS: dict[Any, Entry] = {
    np.sum: _reduction("sum"),
    np.mean: _reduction("mean"),
    np.prod: _reduction("prod"),
    np.max: _extreme("max"),
    np.amax: _extreme("max"),
    np.min: _extreme("min"),
    np.amin: _extreme("min"),
    np.var: _variance,
    np.std: _deviation,
    np.dot: _dot,
    np.inner: lambda call, a, b: (
        call("sum", call("mul", a, b)) if _rank(call, a) == _rank(call, b) == 1 else call("matmul", a, call("T", b))
    ),
    np.vdot: lambda call, a, b: call("sum", call("mul", a, b)),
    np.outer: lambda call, a, b, out=None: call("outer", a, b),
    np.kron: lambda call, a, b: call("kron", a, b),
    np.trace: lambda call, a: call("trace", a),
    np.diag: lambda call, v: call("diag", v),
    np.tril: lambda call, m, k=0: call("tril", m, k=k),
    np.triu: lambda call, m, k=0: call("triu", m, k=k),
    np.transpose: lambda call, a, axes=None: call("transpose", a, axes=tuple(axes) if axes is not None else None),
    np.reshape: lambda call, a, shape=None, order="C", **more: call(
        "reshape", a, shape=_shape(call, a, more.get("newshape", shape))
    ),
    np.ravel: lambda call, a, order="C": call("reshape", a, shape=_shape(call, a, (-1,))) if order == "C" else call("vec", a),
    np.expand_dims: lambda call, a, axis: call("expand_dims", a, axis=axis),
    np.squeeze: lambda call, a, axis=None: call("squeeze", a, axis=axis),
    np.swapaxes: lambda call, a, axis1, axis2: call("swapaxes", a, axis1=axis1, axis2=axis2),
    np.broadcast_to: lambda call, a, shape, subok=False: call("broadcast_to", a, shape=_shape(call, a, shape)),
    np.flip: lambda call, m, axis=None: call("flip", m, axis=axis),
    np.cumsum: lambda call, a, axis=None, dtype=None, out=None: call("cumsum", a, axis=axis),
    np.stack: _joined("stack"),
    np.concatenate: _joined("concatenate"),
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.ones_like: _filled("ones"),
    np.zeros_like: _filled("zeros"),
    np.copy: lambda call, a, order="K", subok=False: a,
    np.shape: lambda call, a: a.shape,
    np.ndim: lambda call, a: a.ndim,
    np.size: lambda call, a, axis=None: a.size if axis is None else a.shape[axis],
    np.linalg.norm: _norm,
    np.linalg.det: lambda call, a: call("det", a),
    np.linalg.slogdet: _slogdet,
    np.linalg.inv: lambda call, a: call("inv", a),
    np.linalg.pinv: lambda call, a: call("pinv", a),
    np.linalg.solve: _solve,
    np.linalg.cholesky: lambda call, a: call("cholesky", a),
}
