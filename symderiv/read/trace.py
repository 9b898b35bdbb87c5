"""A plain Python or NumPy function, traced to words: only the forward function is written.

    def loss(w, x):
        return -np.log(1/(1 + np.exp(-w @ x)))

    sd.derive(sd.trace(loss, w="d", x="d"), wrt="w")

The function is called once with arrays of our own. They answer Python's operators, NumPy's ufuncs (`__array_ufunc__`) and
functions (`__array_function__`) and methods, and write down what is done to them. What cannot be written down (an `if` on a
value, an assignment to an entry, a function that needs numbers) is refused with the reason.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational

from ..errors import InputError, SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.op import OPS
from ..expr.walk import variables
from .declarations import declarations_from
from .problem import Problem
from .traced import FUNCTIONS, UFUNCS

MAX_CONSTANT = 256  # entries of an array of numbers inside the function


def trace(function: Callable[..., Any], vars: object = None, /, **shapes: Any) -> Problem:
    """The problem that a function of arrays computes.

    Args:
        function: of arrays, with plain arithmetic and NumPy functions; called once.
        vars: declarations of its parameters as for `parse`: `{"X": "n,d", "lam": "scalar"}`.
        shapes: the same as keywords: `X="n,d"`; a tuple of sizes, a number (scalar) or an example array does as well.

    Raises:
        InputError: SD160 when a parameter has no declaration or the function fails, SD161 for what cannot be traced.
        ShapeError: SD2xx when shapes inside the function do not fit.
    """
    if not callable(function):
        raise InputError(f"a function is needed, not {type(function).__name__}", code="SD160")
    declared = declarations_from({**_mapping(vars), **{n: _declaration(n, s) for n, s in shapes.items()}})
    declared.check_names()
    positional, keywords = _arguments(function, declared.vars)
    name = getattr(function, "__name__", "f")
    try:
        value = function(*positional, **keywords)
    except SymDerivError:
        raise
    except RecursionError:
        raise InputError(f"{name} calls itself without end", code="SD160") from None
    except Exception as error:
        what = f"{name} raised {type(error).__name__}: {str(error)[:300]}"
        raise InputError(what, code="SD160", hint="only arithmetic and NumPy functions of arrays can be traced") from error
    if isinstance(value, (tuple, dict)) or value is None:
        kind = "nothing" if value is None else "several values"
        raise InputError(f"{name} returns {kind}", code="SD161", hint="return one array or number")
    expr = unwrap(value)
    used = {v.name: v for v in variables(expr)}
    return Problem(source=str(expr), expr=expr, vars={**declared.vars, **used}, name=name if name.isidentifier() else "")


def _mapping(vars: object) -> dict[str, Any]:
    if vars is None:
        return {}
    if isinstance(vars, Mapping):
        return {n: _declaration(n, s) for n, s in vars.items()}
    found = declarations_from(vars)
    return {
        n: (v.shape if not v.attrs else f"{', '.join(map(str, v.shape)) or 'scalar'} {' '.join(v.attrs)}")
        for n, v in found.vars.items()
    }


def _declaration(name: str, given: Any) -> Any:
    if isinstance(given, np.ndarray):
        return ", ".join(map(str, given.shape)) or "scalar"
    if isinstance(given, numbers.Number):
        return "scalar"
    if isinstance(given, (tuple, list)):
        return ", ".join(map(str, given)) or "scalar"
    return given if given != "" else "scalar"


def _arguments(function: Callable[..., Any], declared: Mapping[str, Var]) -> tuple[list[Any], dict[str, Any]]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise InputError("the function does not tell its parameters", code="SD160", hint="wrap it: lambda x: f(x)") from None
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in declared:
            value: Any = Traced(declared[name])
        elif parameter.default is not parameter.empty:
            value = parameter.default  # a constant of the problem
        else:
            hint = f'declare it: sd.trace(function, {name}="n") for a vector, {name}="scalar", {name}="n,d" for a matrix'
            raise InputError(f"the parameter {name} has no declaration", code="SD160", hint=hint)
        if parameter.kind is parameter.KEYWORD_ONLY:
            keywords[name] = value
        else:
            positional.append(value)
    unknown = [n for n in declared if n not in parameters]
    if unknown:
        raise InputError(f"the function has no parameter {unknown[0]}", code="SD160", hint="it has " + ", ".join(parameters))
    return positional, keywords


def refuse(what: str, hint: str = "") -> InputError:
    """What cannot be traced."""
    return InputError(what, code="SD161", hint=hint)


def unwrap(value: Any) -> Node:
    """Words for anything that may meet a traced array: another one, a number, a size, a small array of numbers."""
    if isinstance(value, Traced):
        return value.node
    if isinstance(value, Node):
        return value
    if isinstance(value, (np.ndarray, list, tuple)):
        return _constant(value)
    if isinstance(value, (bool, np.bool_)):
        return Num(int(value))
    if isinstance(value, numbers.Integral):
        return Num(Integer(int(value)))
    if isinstance(value, Rational) or (isinstance(value, Expr) and value.is_commutative):
        return Num(value)
    if isinstance(value, numbers.Rational):
        return Num(Rational(value.numerator, value.denominator))
    if isinstance(value, numbers.Real):
        number = float(value)
        if not math.isfinite(number):
            raise refuse(f"the number {number} is not finite")
        return Num(Rational(repr(number)))
    raise refuse(f"a value of type {type(value).__name__} cannot be part of an expression")


def _constant(value: Any) -> Node:
    """An array of numbers, or of traced values, entry by entry."""
    if isinstance(value, np.ndarray):
        if value.size > MAX_CONSTANT:
            raise refuse(f"an array of {value.size} numbers inside the function", "make it a parameter of the function")
        if value.ndim == 0:
            return unwrap(value.item())
    if len(value) == 0:
        raise refuse("an array without entries")
    return Call("stack", *(unwrap(v) for v in value), axis=0)


class Traced:
    """An array that writes down what is done to it. `node` is what it stands for."""

    __slots__ = ("node",)
    __array_priority__ = 1000

    def __init__(self, node: Node) -> None:
        self.node = node

    # NumPy's protocols ------------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        out = {k: v for k, v in options.items() if v is not None and not (k == "where" and v is True)}
        if method == "reduce" and ufunc in (np.add, np.multiply, np.maximum, np.minimum):
            word = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}[ufunc]
            axis = options.get("axis", 0)
            return call(word, inputs[0], axis=axis, keepdims=bool(options.get("keepdims", False)))
        if method == "outer" and ufunc is np.multiply and all(unwrap(x).rank == 1 for x in inputs):
            return call("outer", *inputs)
        if method != "__call__" or out:
            raise refuse(f"np.{ufunc.__name__}.{method} with {', '.join(out) or 'these arguments'} cannot be traced")
        found = UFUNCS.get(ufunc.__name__)
        if found is None:
            raise refuse(f"np.{ufunc.__name__} has no word in the language", "write it with functions that have one")
        return found(call, *inputs)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        found = FUNCTIONS.get(function)
        if found is None:
            module = getattr(function, "__module__", "numpy") or "numpy"
            raise refuse(
                f"{module.replace('numpy', 'np', 1)}.{function.__name__} cannot be traced",
                "write it with functions that have a word",
            )
        return found(call, *arguments, **{k: v for k, v in options.items() if not (v is None and k in ("dtype", "out"))})

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise refuse(
            "an array of numbers is needed here, and a traced one has none",
            "use NumPy functions on the array itself, and np.stack instead of np.array",
        )

    # operators ----------------------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Traced:
        return call("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self if type(other) is int and other == 0 else call("add", other, self)  # Python's sum starts at 0

    def __sub__(self, other: Any) -> Traced:
        return call("add", self, call("neg", other))

    def __rsub__(self, other: Any) -> Traced:
        return call("add", other, call("neg", self))

    def __mul__(self, other: Any) -> Traced:
        return call("mul", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return call("mul", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return call("div", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return call("div", other, self)

    def __pow__(self, other: Any) -> Traced:
        return call("pow", self, other)

    def __rpow__(self, other: Any) -> Traced:
        return call("pow", other, self)

    def __matmul__(self, other: Any) -> Traced:
        return call("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Traced:
        return call("matmul", other, self)

    def __neg__(self) -> Traced:
        return call("neg", self)

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Traced:
        return call("abs", self)

    def __lt__(self, other: Any) -> Traced:
        return call("lt", self, other)

    def __le__(self, other: Any) -> Traced:
        return call("le", self, other)

    def __gt__(self, other: Any) -> Traced:
        return call("gt", self, other)

    def __ge__(self, other: Any) -> Traced:
        return call("ge", self, other)

    def __eq__(self, other: Any) -> Traced:  # type: ignore[override]
        return call("eq", self, other)

    def __ne__(self, other: Any) -> Traced:  # type: ignore[override]
        return call("ne", self, other)

    __hash__ = None  # type: ignore[assignment]

    def _no_rounding(self, *_: Any) -> Any:
        raise refuse("//, % and rounding have no derivative worth having")

    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __round__ = _no_rounding

    def _in_place(operation: Any) -> Any:  # type: ignore[misc]
        """`x += y`: a new value for a scalar; NumPy changes an array for all its names, which nothing here can say."""

        def changed(self: Traced, other: Any) -> Traced:
            if self.ndim:
                raise refuse("a change of an array in place cannot be traced", "write x = x + y instead of x += y")
            return operation(self, other)

        return changed

    __iadd__, __isub__, __imul__ = _in_place(__add__), _in_place(__sub__), _in_place(__mul__)
    __itruediv__, __ipow__, __imatmul__ = _in_place(__truediv__), _in_place(__pow__), _in_place(__matmul__)

    def __getitem__(self, key: Any) -> Traced:
        return _entries(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise refuse("an assignment to entries of an array cannot be traced", "build a new array: np.where, np.concatenate")

    # numbers that are not there ----------------------------------------------------------------------------------------------
    def __bool__(self) -> bool:
        raise refuse("an `if`, `while`, `and` or `or` on a value cannot be traced", "use np.where(condition, a, b)")

    def _no_number(self) -> Any:
        raise refuse("a number is needed here, and a traced array has none", "use np.exp and the like instead of math.exp")

    __float__ = __int__ = __index__ = __complex__ = _no_number

    def item(self) -> Traced:
        """The one entry."""
        return self.reshape(()) if self.ndim else self

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a scalar has no length")
        size = self.node.shape[0]
        if not size.is_Integer:
            raise refuse(
                f"the length {size} is not a number", "trace with numbers as sizes, or use np.sum and the like instead of a loop"
            )
        return int(size)

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    # attributes and methods of arrays -------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[Any, ...]:
        """Whole numbers, or traced sizes to compute with."""
        return tuple(int(s) if s.is_Integer else Traced(Num(s)) for s in self.node.shape)

    @property
    def ndim(self) -> int:
        return self.node.rank

    @property
    def size(self) -> Any:
        total = Integer(1)
        for s in self.node.shape:
            total = total * s
        return int(total) if total.is_Integer else Traced(Num(total))

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(float)

    @property
    def T(self) -> Traced:
        return call("T", self)

    def __getattr__(self, name: str) -> Any:
        """Methods are the functions of NumPy of the same name."""
        method = FUNCTIONS.get(getattr(np, name, None)) if not name.startswith("_") else None
        if method is None or name not in METHODS:
            raise AttributeError(f"a traced array has no {name!r}")
        if name == "reshape":
            return lambda *shape, **o: method(call, self, shape[0] if len(shape) == 1 else shape, **o)
        if name == "transpose":
            return lambda *axes: method(call, self, (axes[0] if len(axes) == 1 else axes) or None)
        return lambda *args, **options: method(call, self, *args, **options)

    def astype(self, dtype: Any, **_: Any) -> Traced:
        if np.dtype(dtype).kind != "f":
            raise refuse(f"a conversion to {np.dtype(dtype)} cannot be traced")
        return self

    def copy(self) -> Traced:
        return self

    def __repr__(self) -> str:
        return f"<traced {self.node} {self.node.shape}>"


METHODS = {"sum", "mean", "prod", "max", "min", "var", "std", "dot", "reshape", "transpose", "ravel", "trace", "cumsum", "clip",
           "squeeze", "swapaxes"}  # fmt: skip


def call(word: str, *operands: Any, **params: Any) -> Traced:
    """The word of the language on traced operands."""
    return Traced(Call(word, *(unwrap(o) for o in operands), **params))


def _entries(x: Traced, key: Any) -> Traced:
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(k, (list, np.ndarray)) for k in keys):
        keys = [unwrap(np.asarray(k)) if isinstance(k, (list, np.ndarray)) else k for k in keys]
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if dots:
        taken = sum(1 for k in keys if k is not None and k is not Ellipsis)
        keys[dots[0] : dots[0] + 1] = [slice(None)] * (x.ndim - taken)
    spec: list[Any] = []
    operands: list[Node] = []
    for k in keys:
        if k is None:
            spec.append("new")
        elif isinstance(k, slice):
            spec.append(("slice", *map(_bound, (k.start, k.stop, k.step))))
        else:
            spec.append("at")
            operands.append(unwrap(k))
    while len([s for s in spec if s != "new"]) < x.ndim:
        spec.append(("slice", None, None, None))
    return Traced(Call("getitem", x.node, *operands, spec=tuple(spec)))


def _bound(value: Any) -> Any:
    if value is None or isinstance(value, numbers.Integral):
        return None if value is None else int(value)
    node = unwrap(value)
    if isinstance(node, Num):
        return node.value
    raise refuse("a slice needs numbers or sizes as bounds")


class Words:
    """Functions of the language that NumPy lacks, for functions to be traced: `sd.words.softmax(s)`.

    They take traced arrays and, outside of a trace, arrays of numbers.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in OPS:
            raise AttributeError(f"the language has no word {name!r}")
        op = OPS[name]

        def word(*operands: Any, **params: Any) -> Any:
            names = [n for n in op.operands if not n.startswith("*")]
            missing = [op.defaults[n] for n in names[len(operands) :] if n in op.defaults]
            if any(isinstance(o, Traced) for o in operands):
                return call(name, *operands, *missing, **params)
            from ..code.numpy import evaluate

            arrays = [np.asarray(o, dtype=float) for o in (*operands, *missing)]
            given = [Var(f"x{i}", a.shape) for i, a in enumerate(arrays)]
            return evaluate(Call(name, *given, **params), {v.name: a for v, a in zip(given, arrays, strict=True)}, given)

        word.__name__ = name
        return word


words = Words()

__all__ = ["Traced", "trace", "words"]
