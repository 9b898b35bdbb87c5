"""SymPy expressions to words and back.

A column (`n` by 1) of SymPy is a vector here, a row as well, and a 1 by 1 matrix is a scalar: `x.T*A*x` becomes the scalar
`x @ A @ x`. On the way back a vector is a column. SymPy counts entries from 0, as we do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, MatrixBase, MatrixSymbol, S, Symbol
from sympy.matrices.expressions import MatrixExpr

from ..errors import InputError, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import size_symbol
from .declarations import declarations_from, make_var
from .limits import MAX_NODES, too_many
from .numbers import affine
from .sympy_words import to_sympy

_FUNCTIONS: dict[str, str] = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "erf": "erf",
    "loggamma": "lgamma", "Abs": "abs", "sign": "sign", "Heaviside": "heaviside",
    "StrictGreaterThan": "gt", "GreaterThan": "ge", "StrictLessThan": "lt", "LessThan": "le", "Equality": "eq", "Unequality": "ne",
    "Trace": "trace", "Determinant": "det", "Inverse": "inv",
}  # fmt: skip
_RECIPROCALS = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
MAX_POWER = 64


def from_sympy(expr: object, vars: object = None) -> Node:
    """The words of a SymPy expression: scalars, matrix expressions, explicit matrices, sums over an index.

    Args:
        expr: a SymPy expression or matrix.
        vars: declarations as for `parse`; they give attributes, and shapes of indexed names. By default a `MatrixSymbol` has its
            own shape and a `Symbol` is a scalar, or a size where it is one of a matrix.

    Raises:
        InputError: SD120 for what the language cannot say, SD1xx for bad declarations.
        ShapeError: SD2xx for sizes that do not fit.
    """
    if isinstance(expr, Node):
        return expr
    if isinstance(expr, (int, float)) and not isinstance(expr, bool):
        expr = sympy.Rational(repr(expr)) if isinstance(expr, float) else Integer(expr)
    if not isinstance(expr, (Basic, MatrixBase)):
        raise InputError(f"a {type(expr).__name__} is not a SymPy expression", code="SD120", hint="text is read by parse")
    if isinstance(expr, MatrixBase):
        expr = sympy.ImmutableMatrix(expr)
    try:
        return _Converter(expr, vars).convert(expr)
    except SymDerivError:
        raise
    except RecursionError:
        raise InputError("the expression is nested too deeply for SymPy", code="SD902") from None
    except Exception as error:  # the border
        raise InputError(f"this could not be converted ({type(error).__name__}: {str(error)[:200]})", code="SD100") from error


def kind_of(expr: Any) -> str:
    """scalar, column, row or matrix."""
    if not isinstance(expr, (MatrixExpr, MatrixBase)):
        return "scalar"
    rows, columns = expr.shape
    if rows == 1 and columns == 1:
        return "scalar"
    return "column" if columns == 1 else "row" if rows == 1 else "matrix"


def _refuse(what: str, hint: str = "") -> InputError:
    return InputError(what, code="SD120", hint=hint)


class _Converter:
    """Converts children first, with a stack of its own."""

    def __init__(self, expr: Any, vars: object) -> None:
        self.declared = declarations_from(vars)
        self.declared.check_names()
        self.env: dict[Basic, Node] = {}
        symbols, sizes, bound = _survey(expr)
        self.sizes = {s: size_symbol(s.name) for s in sizes}
        self.bound = bound
        clash = bound & expr.free_symbols if isinstance(expr, Basic) else set()
        if clash:
            name = min(s.name for s in clash)
            raise InputError(f"`{name}` is an index of a sum and occurs outside of it", code="SD109", hint="rename the index")

    def convert(self, root: Any) -> Node:
        memo: dict[Any, Node] = {}
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node in memo:
                continue
            children = _children(node)
            if ready or not children:
                memo[node] = self.word(node, [memo[c] for c in children])
                if len(memo) > MAX_NODES:
                    raise too_many()
            else:
                stack.append((node, True))
                stack.extend((c, False) for c in reversed(children) if c not in memo)
        return memo[root]

    # one node ------------------------------------------------------------------------------------------------------------
    def word(self, node: Any, args: list[Node]) -> Node:
        """The word for a node whose children are converted."""
        if isinstance(node, MatrixBase):
            return _explicit(node, args)
        if node in self.env:
            return self.env[node]
        if isinstance(node, MatrixSymbol):
            return self._variable(node.name, tuple(self._size(s) for s in node.shape if s != 1), node)
        if isinstance(node, Symbol):
            return self._symbol(node)
        if isinstance(node, (sympy.logic.boolalg.BooleanTrue, sympy.logic.boolalg.BooleanFalse)):
            return Num(int(bool(node)))
        if isinstance(node, Expr) and node.is_number and not node.args:
            return self._number(node)
        method = _METHODS.get(type(node).__name__)
        if method is not None:
            return method(self, node, args)
        if type(node).__name__ in _FUNCTIONS:
            if kind_of(node.args[0]) == "scalar" and type(node).__name__ in ("Trace", "Determinant"):
                return args[0]
            return Call(_FUNCTIONS[type(node).__name__], *args)
        if type(node).__name__ in _RECIPROCALS:
            return Call("div", Num(1), Call(_RECIPROCALS[type(node).__name__], *args))
        raise _refuse(f"`{type(node).__name__}` of SymPy has no word here", "the functions of the language are listed in its documentation")

    def _number(self, node: Expr) -> Node:
        if node is S.NaN or node is S.ComplexInfinity or node.is_real is False:
            if node not in (S.Infinity, S.NegativeInfinity):
                raise _refuse(f"the number {node} is not real")
        if isinstance(node, sympy.Float):
            return Num(sympy.Rational(repr(float(node))))
        return Num(node)

    def _symbol(self, node: Symbol) -> Node:
        if node in self.bound:
            return Index(node.name)
        if node in self.sizes:
            return Num(self.sizes[node])
        if node.name in self.declared.sizes and node.name not in self.declared.vars:
            return Num(size_symbol(node.name))
        return self._variable(node.name, (), node)

    def _variable(self, name: str, shape: tuple[Expr, ...], node: Any) -> Node:
        declared = self.declared.vars.get(name)
        if declared is not None:
            if declared.rank != len(shape) and not (isinstance(node, Symbol) and not shape):
                raise InputError(f"`{name}` is declared with rank {declared.rank} but has rank {len(shape)} in SymPy", code="SD106")
            return declared
        if Symbol(name, integer=True, positive=True) in self.sizes.values():
            raise InputError(f"`{name}` is a variable and a size: one name cannot be both", code="SD109", hint="rename one of the two")
        attrs = [a for a in ("positive", "nonnegative") if isinstance(node, Symbol) and getattr(node, f"is_{a}")][:1]
        if isinstance(node, Symbol) and node.is_integer and not node.is_positive:
            attrs.append("integer")
        return make_var(name, shape, attrs)

    def _size(self, size: Any) -> Expr:
        return sympy.expand(size.xreplace({s: size_symbol(s.name) for s in size.free_symbols}))

    # scalars and sums --------------------------------------------------------------------------------------------------------
    def add(self, node: Any, args: list[Node]) -> Node:
        terms = []
        for term, word in zip(node.args, args, strict=True):
            if isinstance(word, Call) and word.name == "mul" and isinstance(word.operands[0], Num) and word.operands[0].value == -1:
                rest = word.operands[1:]
                word = Call("neg", Call("mul", *rest) if len(rest) > 1 else rest[0])
            if kind_of(term) != kind_of(node) and kind_of(node) not in ("column", "row"):
                raise _refuse("terms of different kinds in one sum")
            terms.append(word)
        return Call("add", *terms) if len(terms) > 1 else terms[0]

    def mul(self, node: Any, args: list[Node]) -> Node:
        """`2*x/y`: factors with negative exponents go below."""
        above: list[Node] = []
        below: list[Node] = []
        sign = False
        for factor, word in zip(node.args, args, strict=True):
            if factor is S.NegativeOne:
                sign = True
            elif isinstance(word, Call) and word.name == "div" and isinstance(word.operands[0], Num) and word.operands[0].value == 1:
                below.append(word.operands[1])
            else:
                above.append(word)
        out = above[0] if len(above) == 1 else Call("mul", *above) if above else Num(1)
        if below:
            out = Call("div", out, below[0] if len(below) == 1 else Call("mul", *below))
        return Call("neg", out) if sign else out

    def power(self, node: Any, args: list[Node]) -> Node:
        base, exponent = args
        if isinstance(exponent, Num) and exponent.value.is_Rational and exponent.value < 0:
            positive = Num(-exponent.value)
            return Call("div", Num(1), self._simple_power(base, positive))
        return self._simple_power(base, exponent)

    def _simple_power(self, base: Node, exponent: Node) -> Node:
        if isinstance(exponent, Num) and exponent.value == 1:
            return base
        if isinstance(exponent, Num) and exponent.value == sympy.Rational(1, 2):
            return Call("sqrt", base)
        if isinstance(base, Num) and base.value is S.Exp1:
            return Call("exp", exponent)
        return Call("pow", base, exponent)

    def extreme(self, node: Any, args: list[Node]) -> Node:
        word = "maximum" if type(node).__name__ == "Max" else "minimum"
        out = args[0]
        for x in args[1:]:
            out = Call(word, out, x)
        return out

    def truth(self, node: Any, args: list[Node]) -> Node:
        name = type(node).__name__
        if name == "Not":
            return Call("add", Num(1), Call("neg", args[0]))
        if name == "And":
            return Call("mul", *args)
        out = args[0]
        for x in args[1:]:
            out = Call("maximum", out, x)
        return out

    def piecewise(self, node: Any, args: list[Node]) -> Node:
        if node.args[-1].cond != S.true:
            raise _refuse("a Piecewise without a last case for True is not defined everywhere", "add (0, True)")
        out = args[-2]
        for k in range(len(args) - 4, -1, -2):
            out = Call("where", args[k + 1], args[k], out)
        return out

    def polygamma(self, node: Any, args: list[Node]) -> Node:
        order = node.args[0]
        if order == 0:
            return Call("digamma", args[1])
        if not (order.is_Integer and order > 0):
            raise _refuse(f"polygamma of order {order}")
        return Call("polygamma", *args)

    def heaviside(self, node: Any, args: list[Node]) -> Node:
        return Call("heaviside", *args)

    def binder(self, node: Any, args: list[Node]) -> Node:
        """`Sum(f, (i, 0, n - 1))`; the last limit is the outermost."""
        word = "isum" if type(node).__name__ == "Sum" else "iprod"
        out = args[0]
        for limit in node.limits:
            if len(limit) != 3:
                raise _refuse("a sum needs both bounds")
            lo, hi = (self._bound(b) for b in limit[1:])
            out = Call(word, out, Index(limit[0].name), lo=lo, hi=sympy.expand(hi + 1))
        return out

    def _bound(self, bound: Any) -> Expr:
        if bound.free_symbols & self.bound or bound in (S.Infinity, S.NegativeInfinity):
            raise _refuse(f"the bound {bound} of a sum is not a size")
        if bound.is_number and not bound.is_Integer:
            raise _refuse(f"the bound {bound} of a sum is not whole")
        return self._size(bound)

    def element(self, node: Any, args: list[Node]) -> Node:
        """`X[i, j]`; of a column `x[i, 0]` only the first counts."""
        x, *indices = args
        shape = getattr(node.args[0], "shape", None)
        if type(node).__name__ == "MatrixElement" and shape is not None:
            indices = [i for i, s in zip(indices, shape, strict=True) if s != 1]
        if not indices:
            return x
        if x.rank != len(indices):
            raise _refuse(f"`{node}` has {len(indices)} subscripts for an array of rank {x.rank}", "declare the name in vars")
        return Call("getitem", x, *(self._index(i) for i in indices), spec=("at",) * len(indices))

    def _index(self, i: Node) -> Node:
        value = affine(i)
        if isinstance(i, Var) and not i.is_a("integer"):
            return Var(i.name, (), ("integer",))
        return i if value is None or not value.is_number else Num(value)

    def indexed_base(self, node: Any, args: list[Node]) -> Node:
        name = str(node.label)
        if name in self.declared.vars:
            return self.declared.vars[name]
        if node.shape is None:
            raise _refuse(f"the shape of `{name}` is not known", f'declare it: vars={{"{name}": "n"}}')
        return self._variable(name, tuple(self._size(s) for s in node.shape), node)

    # matrices ----------------------------------------------------------------------------------------------------------------
    def matmul(self, node: Any, args: list[Node]) -> Node:
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

    def transpose(self, node: Any, args: list[Node]) -> Node:
        return Call("T", args[0]) if args[0].rank == 2 else args[0]

    def matpow(self, node: Any, args: list[Node]) -> Node:
        base, exponent = args[0], node.args[1]
        if kind_of(node) == "scalar":
            return self.power(node, [base, args[1]])
        if exponent == sympy.Rational(1, 2):
            return Call("sqrtm", base)
        if not exponent.is_Integer or abs(exponent) > MAX_POWER:
            raise _refuse(f"the matrix power {exponent}", f"whole numbers up to {MAX_POWER} and 1/2 are read")
        if exponent < 0:
            base = Call("inv", base)
        count = abs(int(exponent))
        return base if count == 1 else Call("matmul", *[base] * count)

    def inverse(self, node: Any, args: list[Node]) -> Node:
        return Call("div", Num(1), args[0]) if kind_of(node) == "scalar" else Call("inv", args[0])

    def elementwise(self, node: Any, args: list[Node]) -> Node:
        return Call("mul" if type(node).__name__ == "HadamardProduct" else "pow", *args)

    def filled(self, node: Any, args: list[Node]) -> Node:
        shape = tuple(self._size(s) for s in node.shape if s != 1)
        zero = type(node).__name__ == "ZeroMatrix"
        return Call("zeros" if zero else "ones", shape=shape) if shape else Num(0 if zero else 1)

    def sliced(self, node: Any, args: list[Node]) -> Node:
        """`X[0, :]`, `X[:, j]`, `X[1:3, :]`: one row or column is a vector."""
        spec: list[Any] = []
        operands: list[Node] = []
        for (start, stop, step), size, length in zip((node.rowslice, node.colslice), node.parent.shape, node.shape, strict=True):
            if size == 1:
                continue
            if length == 1:
                spec.append("at")
                operands.append(Num(self._bound(sympy.sympify(start))))
            else:
                whole = start == 0 and stop == size and step == 1
                ends = [int(v) if v.is_Integer else self._size(v) for v in map(sympy.sympify, (start, stop, step))]
                spec.append(("slice", None, None, None) if whole else ("slice", *ends))
        return Call("getitem", args[0], *operands, spec=tuple(spec))

    def identity(self, node: Any, args: list[Node]) -> Node:
        n = self._size(node.shape[0])
        return Num(1) if n == 1 else Call("eye", n=n)

    def diagonal(self, node: Any, args: list[Node]) -> Node:
        if type(node).__name__ == "DiagonalMatrix":
            return Call("mul", args[0], Call("eye", n=self._size(node.shape[0]), m=self._size(node.shape[1])))
        return Call("diag", args[0]) if args[0].rank else args[0]

    def kron(self, node: Any, args: list[Node]) -> Node:
        kinds = {kind_of(a) for a in node.args}
        if len(kinds) > 1:
            raise _refuse("a Kronecker product of a vector and a matrix", "write the vector as a matrix")
        out = args[0]
        for x in args[1:]:
            out = Call("kron", out, x)
        return out

    def applied(self, node: Any, args: list[Node]) -> Node:
        """`X.applyfunc(f)`: the body of `f` with its symbol standing for the whole matrix."""
        function = node.function
        (symbol,) = function.signature
        inner = _Converter(function.expr, None)
        inner.declared, inner.env = self.declared, {**self.env, symbol: args[-1]}
        inner.sizes, inner.bound = {**self.sizes, **inner.sizes}, self.bound | inner.bound
        out = inner.convert(function.expr)
        return out if out.rank else Call("broadcast_to", out, shape=args[-1].shape)


def _times(x: Node, kind: str, y: Node, other: str) -> tuple[Node, str]:
    """A product of columns, rows and matrices, and its kind."""
    if kind == "column":
        if other != "row":
            raise _refuse("a column times a matrix that is not a row")
        return Call("outer", x, y), "matrix"
    if isinstance(x, Call) and x.name == "matmul" and x.operands[-1].rank == 2:
        word = Call("matmul", *x.operands, y)
    else:
        word = Call("matmul", x, y)
    left = "row" if kind == "row" else "matrix"
    if left == "row":
        return word, "scalar" if other == "column" else "row"
    return word, "column" if other == "column" else "matrix"


def _explicit(node: MatrixBase, args: list[Node]) -> Node:
    """A matrix of entries: a stack of rows."""
    rows, columns = node.shape
    if not args:
        raise _refuse("an empty matrix")
    if rows == 1 or columns == 1:
        return Call("stack", *args, axis=0) if len(args) > 1 else args[0]
    return Call("stack", *(Call("stack", *args[r * columns : (r + 1) * columns], axis=0) for r in range(rows)), axis=0)


def _children(node: Any) -> list[Any]:
    """What is converted before the node."""
    if isinstance(node, MatrixBase):
        return list(node)
    name = type(node).__name__
    if name in ("MatrixSymbol", "Identity", "ZeroMatrix", "OneMatrix", "IndexedBase", "GenericIdentity", "Lambda"):
        return []
    if name in ("Sum", "Product"):
        return [node.args[0]]
    if name == "ElementwiseApplyFunction":
        return [node.args[-1]]
    if name == "Piecewise":
        return [a for pair in node.args for a in pair.args]
    if name in ("Inverse", "MatrixSlice"):
        return [node.args[0]]
    known = name in _METHODS or name in _FUNCTIONS or name in _RECIPROCALS
    return list(node.args) if known else []


def _survey(expr: Any) -> tuple[set[Symbol], set[Symbol], set[Symbol]]:
    """All symbols, those that are sizes, and those that indices of sums."""
    symbols: set[Symbol] = set()
    sizes: set[Symbol] = set()
    bound: set[Symbol] = set()
    seen: set[Any] = set()
    todo: list[Any] = [expr]
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        name = type(node).__name__
        if name in ("MatrixSymbol", "Identity", "ZeroMatrix", "OneMatrix"):
            sizes.update(s for size in node.shape for s in size.free_symbols)
            continue
        if name == "IndexedBase" and node.shape:
            sizes.update(s for size in node.shape for s in size.free_symbols)
        if isinstance(node, Symbol):
            symbols.add(node)
        if name in ("Sum", "Product"):
            for limit in node.limits:
                bound.add(limit[0])
                sizes.update(s for b in limit[1:] for s in b.free_symbols if isinstance(s, Symbol))
        todo.extend(_children(node))
    return symbols, sizes - bound, bound


_METHODS: dict[str, Callable[[_Converter, Any, list[Node]], Node]] = {
    **dict.fromkeys(["Add", "MatAdd"], _Converter.add),
    "Mul": _Converter.mul,
    "Pow": _Converter.power,
    **dict.fromkeys(["Max", "Min"], _Converter.extreme),
    **dict.fromkeys(["And", "Or", "Not"], _Converter.truth),
    "Piecewise": _Converter.piecewise,
    "polygamma": _Converter.polygamma,
    **dict.fromkeys(["Sum", "Product"], _Converter.binder),
    **dict.fromkeys(["MatrixElement", "Indexed"], _Converter.element),
    "IndexedBase": _Converter.indexed_base,
    "MatMul": _Converter.matmul,
    "Transpose": _Converter.transpose,
    "MatPow": _Converter.matpow,
    "Inverse": _Converter.inverse,
    **dict.fromkeys(["HadamardProduct", "HadamardPower"], _Converter.elementwise),
    **dict.fromkeys(["ZeroMatrix", "OneMatrix"], _Converter.filled),
    "MatrixSlice": _Converter.sliced,
    "Identity": _Converter.identity,
    **dict.fromkeys(["DiagMatrix", "DiagonalOf", "DiagonalMatrix"], _Converter.diagonal),
    "KroneckerProduct": _Converter.kron,
    "ElementwiseApplyFunction": _Converter.applied,
}

__all__ = ["from_sympy", "to_sympy"]
