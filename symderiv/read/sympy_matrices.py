"""Matrix expressions of SymPy to words: one function for each class, `(converter, node, words of its children) -> word`."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import MatrixBase
from sympy.matrices.expressions import MatrixExpr

from ..errors import InputError
from ..expr.nodes import Call, Node, Num

MAX_POWER = 64


def kind_of(expr: Any) -> str:
    """scalar, column, row or matrix."""
    if not isinstance(expr, (MatrixExpr, MatrixBase)):
        return "scalar"
    rows, columns = expr.shape
    if rows == 1 and columns == 1:
        return "scalar"
    return "column" if columns == 1 else "row" if rows == 1 else "matrix"


def refuse(what: str, hint: str = "") -> InputError:
    return InputError(what, code="SD120", hint=hint)


# matrices ----------------------------------------------------------------------------------------------------------------


def matmul(converter: Any, node: Any, args: list[Node]) -> Node:
    """Factors from the left; a column times a row is an outer product, a row times a column a number."""
    coefficients: list[Node] = []
    out: tuple[Node, str] | None = None
    for factor, word in zip(node.args, args, strict=True):
        kind = kind_of(factor)
        if kind == "scalar":
            coefficients.append(word)
        elif out is None:
            out = word, kind
        else:
            out = _times(*out, word, kind)
            if out[1] == "scalar":
                coefficients.append(out[0])
                out = None
    if out is None:
        return coefficients[0] if len(coefficients) == 1 else Call("mul", *coefficients)
    minus = [c for c in coefficients if isinstance(c, Num) and c.value == -1]
    coefficients = [c for c in coefficients if c not in minus]
    product = Call("mul", *coefficients, out[0]) if coefficients else out[0]
    return Call("neg", product) if len(minus) % 2 else product


def transpose(converter: Any, node: Any, args: list[Node]) -> Node:
    return Call("T", args[0]) if args[0].rank == 2 else args[0]


def matpow(converter: Any, node: Any, args: list[Node]) -> Node:
    base, exponent = args[0], node.args[1]
    if kind_of(node) == "scalar":
        return converter.power(node, [base, args[1]])
    if exponent == sympy.Rational(1, 2):
        return Call("sqrtm", base)
    if not exponent.is_Integer or abs(exponent) > MAX_POWER:
        raise refuse(f"the matrix power {exponent}", f"whole numbers up to {MAX_POWER} and 1/2 are read")
    if exponent < 0:
        base = Call("inv", base)
    count = abs(int(exponent))
    return base if count == 1 else Call("matmul", *[base] * count)


def inverse(converter: Any, node: Any, args: list[Node]) -> Node:
    return Call("div", Num(1), args[0]) if kind_of(node) == "scalar" else Call("inv", args[0])


def elementwise(converter: Any, node: Any, args: list[Node]) -> Node:
    return Call("mul" if type(node).__name__ == "HadamardProduct" else "pow", *args)


def filled(converter: Any, node: Any, args: list[Node]) -> Node:
    shape = tuple(converter.size(s) for s in node.shape if s != 1)
    zero = type(node).__name__ == "ZeroMatrix"
    return Call("zeros" if zero else "ones", shape=shape) if shape else Num(0 if zero else 1)


def sliced(converter: Any, node: Any, args: list[Node]) -> Node:
    """`X[0, :]`, `X[:, j]`, `X[1:3, :]`: one row or column is a vector."""
    spec: list[Any] = []
    operands: list[Node] = []
    for (start, stop, step), size, length in zip((node.rowslice, node.colslice), node.parent.shape, node.shape, strict=True):
        if size == 1:
            continue
        if length == 1:
            spec.append("at")
            operands.append(Num(converter.bound_of(sympy.sympify(start))))
        else:
            whole = start == 0 and stop == size and step == 1
            ends = [int(v) if v.is_Integer else converter.size(v) for v in map(sympy.sympify, (start, stop, step))]
            spec.append(("slice", None, None, None) if whole else ("slice", *ends))
    return Call("getitem", args[0], *operands, spec=tuple(spec))


def identity(converter: Any, node: Any, args: list[Node]) -> Node:
    n = converter.size(node.shape[0])
    return Num(1) if n == 1 else Call("eye", n=n)


def diagonal(converter: Any, node: Any, args: list[Node]) -> Node:
    if type(node).__name__ == "DiagonalMatrix":
        rows, columns = map(converter.size, node.shape)
        return Call("mul", args[0], Call("eye", n=rows, m=None if rows == columns else columns))
    return Call("diag", args[0]) if args[0].rank else args[0]


def kron(converter: Any, node: Any, args: list[Node]) -> Node:
    kinds = {kind_of(a) for a in node.args}
    if len(kinds) > 1:
        raise refuse("a Kronecker product of a vector and a matrix", "write the vector as a matrix")
    out = args[0]
    for x in args[1:]:
        out = Call("kron", out, x)
    return out


def applied(converter: Any, node: Any, args: list[Node]) -> Node:
    """`X.applyfunc(f)`: the body of `f` with its symbol standing for the whole matrix."""
    function = node.function
    (symbol,) = function.signature
    out = converter.inside(function.expr, {symbol: args[-1]})
    return out if out.rank else Call("broadcast_to", out, shape=args[-1].shape)


def _times(x: Node, kind: str, y: Node, other: str) -> tuple[Node, str]:
    """A product of columns, rows and matrices, and its kind."""
    if kind == "column":
        if other != "row":
            raise refuse("a column times a matrix that is not a row")
        return Call("outer", x, y), "matrix"
    if isinstance(x, Call) and x.name == "matmul" and x.operands[-1].rank == 2:
        word = Call("matmul", *x.operands, y)
    else:
        word = Call("matmul", x, y)
    left = "row" if kind == "row" else "matrix"
    if left == "row":
        return word, "scalar" if other == "column" else "row"
    return word, "column" if other == "column" else "matrix"


def explicit(node: MatrixBase, args: list[Node]) -> Node:
    """A matrix of entries: a stack of rows."""
    rows, columns = node.shape
    if not args:
        raise refuse("an empty matrix")
    if rows == 1 or columns == 1:
        return Call("stack", *args, axis=0) if len(args) > 1 else args[0]
    return Call("stack", *(Call("stack", *args[r * columns : (r + 1) * columns], axis=0) for r in range(rows)), axis=0)
