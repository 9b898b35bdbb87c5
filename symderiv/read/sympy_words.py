"""Words to SymPy: scalars become `Expr`, vectors columns, matrices `MatrixExpr`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Dummy, Expr, Identity, Lambda, MatrixSymbol, OneMatrix, S, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, MatrixExpr
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower

from ..errors import InputError, SymDerivError
from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Shared, Var
from ..expr.sizes import Shape, product, show_shape
from ..expr.walk import fold, postorder


def _truth(relation: Any) -> Any:
    return sympy.Piecewise((1, relation), (0, True))


# scalar functions; on arrays they are applied to the entries
_SCALAR: dict[str, Callable[..., Any]] = {
    "exp": sympy.exp, "log": sympy.log, "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "arcsin": sympy.asin,
    "arccos": sympy.acos, "arctan": sympy.atan, "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh,
    "arcsinh": sympy.asinh, "arccosh": sympy.acosh, "arctanh": sympy.atanh, "erf": sympy.erf, "lgamma": sympy.loggamma,
    "digamma": sympy.digamma, "abs": sympy.Abs, "sign": sympy.sign, "sqrt": sympy.sqrt, "square": lambda x: x**2,
    "log1p": lambda x: sympy.log(1 + x), "expm1": lambda x: sympy.exp(x) - 1, "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10), "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "logsigmoid": lambda x: -sympy.log(1 + sympy.exp(-x)), "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "relu": lambda x: sympy.Max(0, x), "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + sympy.exp(-x)), "hardtanh": lambda x: sympy.Min(sympy.Max(x, -1), 1),
    "leaky_relu": lambda x, a: sympy.Piecewise((x, x > 0), (a * x, True)),
    "prelu": lambda x, a: sympy.Piecewise((x, x > 0), (a * x, True)),
    "elu": lambda x, a: sympy.Piecewise((x, x > 0), (a * (sympy.exp(x) - 1), True)), "maximum": sympy.Max, "minimum": sympy.Min,
    "clip": lambda x, a, b: sympy.Min(sympy.Max(x, a), b),
    "where": lambda c, x, y: sympy.Piecewise((x, sympy.Ne(c, 0)), (y, True)), "heaviside": sympy.Heaviside,
    "logaddexp": lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)), "xlogy": lambda x, y: x * sympy.log(y),
    "polygamma": sympy.polygamma, "gt": lambda x, y: _truth(sympy.Gt(x, y)), "ge": lambda x, y: _truth(sympy.Ge(x, y)),
    "lt": lambda x, y: _truth(sympy.Lt(x, y)), "le": lambda x, y: _truth(sympy.Le(x, y)),
    "eq": lambda x, y: _truth(sympy.Eq(x, y)), "ne": lambda x, y: _truth(sympy.Ne(x, y)),
}  # fmt: skip


def to_sympy(words: Node) -> Any:
    """The same value in SymPy: an `Expr` for a scalar, a `MatrixExpr` for a vector (as a column) or a matrix.

    Scalars are real symbols, sizes positive integers.

    Raises:
        InputError: SD120 for what SymPy cannot say, naming it.
    """
    if any(isinstance(n, (Add, Einsum, Shared)) for n in postorder(words)):
        from ..notation import to_words

        words = to_words(words)
    try:
        return fold(words, _visit)
    except SymDerivError:
        raise
    except Exception as error:  # the border
        raise InputError(f"SymPy refuses this ({type(error).__name__}: {str(error)[:200]})", code="SD120") from error


def _lacks(what: str) -> InputError:
    return InputError(
        f"SymPy lacks {what}", code="SD120", hint="the expression itself is a sympy.Basic; lambdify and latex work on it"
    )


def _visit(node: Node, args: list[Any]) -> Any:
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Index):
        return Symbol(node.name, integer=True)
    if isinstance(node, Var):
        return _variable(node)
    assert isinstance(node, Call)
    if node.rank > 2:
        raise _lacks(f"arrays of shape {show_shape(node.shape)} in matrix expressions")
    method = _WORDS.get(node.name)
    if method is not None:
        return method(node, args)
    if node.name in _SCALAR:
        return _elementwise(node, args)
    if isinstance(node.op.define, str) and node.op.define:
        return _by_definition(node)
    raise _lacks(f"a word for `{node.name}`")


def _variable(node: Var) -> Any:
    if not node.rank:
        if node.is_a("integer"):
            return Symbol(node.name, integer=True)
        return Symbol(node.name, positive=True) if node.is_a("positive") else Symbol(node.name, real=True)
    if node.rank > 2:
        raise _lacks(f"arrays of shape {show_shape(node.shape)} in matrix expressions")
    return MatrixSymbol(node.name, node.shape[0], node.shape[1] if node.rank == 2 else 1)


def _by_definition(node: Call) -> Any:
    """Words that others define (`mse`) by those."""
    from .text import build

    return fold(build(node.op.define, dict(zip(node.op.operands, node.operands, strict=True)), params=node.params), _visit)


def _stretch(value: Any, shape: Shape, wanted: Shape) -> Any:
    """NumPy's broadcasting by products with columns and rows of ones."""
    if shape == wanted or not wanted:
        return value
    full = wanted if len(wanted) == 2 else (*wanted, S.One)
    if not shape:
        return value * OneMatrix(*full)
    if len(shape) == 1 and len(wanted) == 2:
        value, shape = value.T, (S.One, *shape)
    if shape[0] != wanted[0]:
        value = OneMatrix(wanted[0], 1) * value
    if len(wanted) == 2 and shape[1] != wanted[1]:
        value = value * OneMatrix(1, wanted[1])
    return value


def _elementwise(node: Call, args: list[Any]) -> Any:
    function = _SCALAR[node.name]
    arrays = [k for k, o in enumerate(node.operands) if o.rank]
    if not arrays:
        return function(*args)
    if len(arrays) > 1:
        raise _lacks(f"`{node.name}` of several arrays")
    at = arrays[0]
    t = Dummy("t", real=True)
    inner = function(*(t if k == at else a for k, a in enumerate(args)))
    return args[at].applyfunc(Lambda(t, inner))


def _add(node: Call, args: list[Any]) -> Any:
    terms = [_stretch(a, o.shape, node.shape) for a, o in zip(args, node.operands, strict=True)]
    return sympy.MatAdd(*terms).doit(deep=False) if node.rank else sympy.Add(*terms)


def _mul(node: Call, args: list[Any]) -> Any:
    scalars = [a for a, o in zip(args, node.operands, strict=True) if not o.rank]
    arrays = [_stretch(a, o.shape, node.shape) for a, o in zip(args, node.operands, strict=True) if o.rank]
    factor = sympy.Mul(*scalars)
    if not arrays:
        return factor
    return factor * (arrays[0] if len(arrays) == 1 else HadamardProduct(*arrays))


def _div(node: Call, args: list[Any]) -> Any:
    x, y = args
    if not node.operands[1].rank:
        return x / y
    below = HadamardPower(_stretch(y, node.operands[1].shape, node.shape), S.NegativeOne)
    return x * below if not node.operands[0].rank else HadamardProduct(_stretch(x, node.operands[0].shape, node.shape), below)


def _pow(node: Call, args: list[Any]) -> Any:
    if not node.rank:
        return args[0] ** args[1]
    if node.operands[1].rank:
        raise _lacks("powers with an array of exponents")
    return HadamardPower(args[0], args[1])


def _matmul(node: Call, args: list[Any]) -> Any:
    out, shape = args[0], node.operands[0].shape
    for value, o in zip(args[1:], node.operands[1:], strict=True):
        if len(shape) > 2 or o.rank > 2:
            raise _lacks("products of batches of matrices")
        if len(shape) == 1:
            out = Trace(out.T * value) if o.rank == 1 else value.T * out
            shape = () if o.rank == 1 else o.shape[1:]
        else:
            out = out * value
            shape = shape[:1] + o.shape[1:]
    return out


def _dot(node: Call, args: list[Any]) -> Any:
    return _matmul(node, args) if all(o.rank for o in node.operands) else args[0] * args[1]


def _sum(node: Call, args: list[Any]) -> Any:
    """Sums by products with ones."""
    x, operand = args[0], node.operands[0]
    axis = node.params["axis"]
    axes = range(operand.rank) if axis is None else [a % operand.rank for a in (axis if isinstance(axis, tuple) else (axis,))]
    if node.params["keepdims"]:
        raise _lacks("sums that keep their axes")
    if not operand.rank:
        total: Any = x
    elif len(axes) < operand.rank and axes:
        total = x.T * OneMatrix(operand.shape[0], 1) if axes[0] == 0 else x * OneMatrix(operand.shape[1], 1)
    elif not axes:
        total = x
    else:
        total = OneMatrix(1, operand.shape[0]) * x
        total = Trace(total * OneMatrix(operand.shape[1], 1) if operand.rank == 2 else total)
    if node.name == "mean":
        total = total / product(tuple(operand.shape[a] for a in axes))
    return total


def _norm(node: Call, args: list[Any]) -> Any:
    x, operand = args[0], node.operands[0]
    if node.params["axis"] is not None or node.params["keepdims"] or node.params["ord"] not in (2, "fro"):
        raise _lacks(f"the norm of order {node.params['ord']}")
    return sympy.sqrt(Trace(x.T * x)) if operand.rank else sympy.Abs(x)


def _getitem(node: Call, args: list[Any]) -> Any:
    x, *indices = args
    spec, operand = list(node.params["spec"]), node.operands[0]
    spec += [("slice", None, None, None)] * (operand.rank - len(spec))
    if any(i.rank for i in node.operands[1:]) or any(e != "at" and e != ("slice", None, None, None) for e in spec):
        raise _lacks("subscripts other than whole rows, columns and entries")
    if operand.rank == 1:
        return x[indices[0], 0] if indices else x
    if len(indices) == 2:
        return x[indices[0], indices[1]]
    if not indices:
        return x
    return x[indices[0], :].T if spec[0] == "at" else x[:, indices[0]]


def _binder(node: Call, args: list[Any]) -> Any:
    body, index, *condition = args
    if node.rank:
        raise _lacks("sums of arrays over an index")
    neutral = 0 if node.name == "isum" else 1
    if condition:
        body = sympy.Piecewise((body, sympy.Ne(condition[0], 0)), (neutral, True))
    word = sympy.Sum if node.name == "isum" else sympy.Product
    return word(body, (index, node.params["lo"], node.params["hi"] - 1))


def _stack(node: Call, args: list[Any]) -> Any:
    if not any(o.rank for o in node.operands):
        return sympy.ImmutableMatrix(len(args), 1, args)
    if node.params["axis"] or not all(isinstance(a, sympy.MatrixBase) for a in args):
        raise _lacks("stacks of arrays")
    return sympy.ImmutableMatrix([list(a) for a in args])


def _filled(node: Call, args: list[Any]) -> Any:
    shape = node.shape
    word = ZeroMatrix if node.name == "zeros" else OneMatrix
    return word(shape[0], shape[1] if len(shape) == 2 else S.One) if shape else S(int(node.name == "ones"))


def _eye(node: Call, args: list[Any]) -> Any:
    if node.shape[0] != node.shape[1]:
        raise _lacks("identity matrices that are not square")
    return Identity(node.shape[0])


def _diag(node: Call, args: list[Any]) -> Any:
    return DiagMatrix(args[0]) if node.rank == 2 else DiagonalOf(args[0])


def _kron(node: Call, args: list[Any]) -> Any:
    if node.operands[0].rank != node.operands[1].rank:
        raise _lacks("the Kronecker product of a vector and a matrix")
    return KroneckerProduct(*args)


def _determinant(node: Call, args: list[Any]) -> Any:
    if node.operands[0].rank > 2:
        raise _lacks("determinants of batches")
    value: Expr = sympy.Determinant(args[0])
    return sympy.log(sympy.Abs(value)) if node.name == "logdet" else value


def _solve(node: Call, args: list[Any]) -> MatrixExpr:
    return args[0].I * args[1]


def _transposed(node: Call, args: list[Any]) -> Any:
    axes = node.params.get("axes")
    plain = axes is None or tuple(a % node.rank for a in axes) == tuple(range(node.rank))[::-1]
    if not plain:
        return args[0]
    return args[0].T if node.rank == 2 else args[0]


_WORDS: dict[str, Callable[[Call, list[Any]], Any]] = {
    "add": _add,
    "neg": lambda node, args: -args[0],
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "matmul": _matmul,
    "dot": _dot,
    "T": _transposed,
    "transpose": _transposed,
    "sum": _sum,
    "mean": _sum,
    "norm": _norm,
    "getitem": _getitem,
    "isum": _binder,
    "iprod": _binder,
    "stack": _stack,
    "ones": _filled,
    "zeros": _filled,
    "eye": _eye,
    "diag": _diag,
    "kron": _kron,
    "outer": lambda node, args: args[0] * args[1].T,
    "trace": lambda node, args: Trace(args[0]),
    "det": _determinant,
    "logdet": _determinant,
    "inv": lambda node, args: args[0].I,
    "solve": _solve,
    "sqrtm": lambda node, args: args[0] ** sympy.Rational(1, 2),
}
