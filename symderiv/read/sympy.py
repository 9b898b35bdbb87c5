"""SymPy expressions to words and back.

A column (`n` by 1) of SymPy is a vector here, a row as well, and a 1 by 1 matrix is a scalar: `x.T*A*x` becomes the scalar
`x @ A @ x`. On the way back a vector is a column. SymPy counts entries from 0, as we do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, MatrixBase, MatrixSymbol, S, Symbol

from ..errors import InputError, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import size_symbol
from . import sympy_matrices as matrices
from .declarations import declarations_from, make_var
from .limits import MAX_NODES, too_many
from .numbers import affine
from .sympy_matrices import explicit, kind_of, refuse
from .sympy_words import to_sympy

_FUNCTIONS: dict[str, str] = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "erf": "erf",
    "loggamma": "lgamma", "Abs": "abs", "sign": "sign", "Heaviside": "heaviside", "StrictGreaterThan": "gt",
    "GreaterThan": "ge", "StrictLessThan": "lt", "LessThan": "le", "Equality": "eq", "Unequality": "ne", "Trace": "trace",
    "Determinant": "det", "Inverse": "inv",
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


class _Converter:
    """Converts children first, with a stack of its own."""

    def __init__(self, expr: Any, vars: object) -> None:
        self.declared = declarations_from(vars)
        self.declared.check_names()
        self.env: dict[Basic, Node] = {}
        sizes, bound = _survey(expr)
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

    def inside(self, expr: Any, env: dict[Basic, Node]) -> Node:
        """The words of the body of a function whose symbols stand for nodes."""
        inner = _Converter(expr, None)
        inner.declared, inner.env = self.declared, {**self.env, **env}
        inner.sizes, inner.bound = {**self.sizes, **inner.sizes}, self.bound | inner.bound
        return inner.convert(expr)

    # one node ------------------------------------------------------------------------------------------------------------
    def word(self, node: Any, args: list[Node]) -> Node:
        """The word for a node whose children are converted."""
        if isinstance(node, MatrixBase):
            return explicit(node, args)
        if node in self.env:
            return self.env[node]
        if isinstance(node, MatrixSymbol):
            return self._variable(node.name, tuple(self.size(s) for s in node.shape if s != 1), node)
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
        raise refuse(
            f"`{type(node).__name__}` of SymPy has no word here", "the functions of the language are listed in its documentation"
        )

    def _number(self, node: Expr) -> Node:
        infinite = node in (S.Infinity, S.NegativeInfinity)
        if not infinite and (node in (S.NaN, S.ComplexInfinity) or node.is_real is False):
            raise refuse(f"the number {node} is not real")
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
                raise InputError(
                    f"`{name}` is declared with rank {declared.rank} but has rank {len(shape)} in SymPy", code="SD106"
                )
            return declared
        if Symbol(name, integer=True, positive=True) in self.sizes.values():
            raise InputError(
                f"`{name}` is a variable and a size: one name cannot be both", code="SD109", hint="rename one of the two"
            )
        attrs = [a for a in ("positive", "nonnegative") if isinstance(node, Symbol) and getattr(node, f"is_{a}")][:1]
        if isinstance(node, Symbol) and node.is_integer and not node.is_positive:
            attrs.append("integer")
        return make_var(name, shape, attrs)

    def size(self, size: Any) -> Expr:
        return sympy.expand(size.xreplace({s: size_symbol(s.name) for s in size.free_symbols}))

    # scalars and sums --------------------------------------------------------------------------------------------------------
    def add(self, node: Any, args: list[Node]) -> Node:
        terms = []
        for term, word in zip(node.args, args, strict=True):
            if (
                isinstance(word, Call)
                and word.name == "mul"
                and isinstance(word.operands[0], Num)
                and word.operands[0].value == -1
            ):
                rest = word.operands[1:]
                word = Call("neg", Call("mul", *rest) if len(rest) > 1 else rest[0])
            if kind_of(term) != kind_of(node) and kind_of(node) not in ("column", "row"):
                raise refuse("terms of different kinds in one sum")
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
            elif (
                isinstance(word, Call)
                and word.name == "div"
                and isinstance(word.operands[0], Num)
                and word.operands[0].value == 1
            ):
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
            raise refuse("a Piecewise without a last case for True is not defined everywhere", "add (0, True)")
        out = args[-2]
        for k in range(len(args) - 4, -1, -2):
            out = Call("where", args[k + 1], args[k], out)
        return out

    def polygamma(self, node: Any, args: list[Node]) -> Node:
        order = node.args[0]
        if order == 0:
            return Call("digamma", args[1])
        if not (order.is_Integer and order > 0):
            raise refuse(f"polygamma of order {order}")
        return Call("polygamma", *args)

    def heaviside(self, node: Any, args: list[Node]) -> Node:
        return Call("heaviside", *args)

    def binder(self, node: Any, args: list[Node]) -> Node:
        """`Sum(f, (i, 0, n - 1))`; the last limit is the outermost."""
        word = "isum" if type(node).__name__ == "Sum" else "iprod"
        out = args[0]
        for limit in node.limits:
            if len(limit) != 3:
                raise refuse("a sum needs both bounds")
            lo, hi = (self.bound_of(b) for b in limit[1:])
            out = Call(word, out, Index(limit[0].name), lo=lo, hi=sympy.expand(hi + 1))
        return out

    def bound_of(self, bound: Any) -> Expr:
        if bound.free_symbols & self.bound or bound in (S.Infinity, S.NegativeInfinity):
            raise refuse(f"the bound {bound} of a sum is not a size")
        if bound.is_number and not bound.is_Integer:
            raise refuse(f"the bound {bound} of a sum is not whole")
        return self.size(bound)

    def element(self, node: Any, args: list[Node]) -> Node:
        """`X[i, j]`; of a column `x[i, 0]` only the first counts."""
        x, *indices = args
        shape = getattr(node.args[0], "shape", None)
        if type(node).__name__ == "MatrixElement" and shape is not None:
            indices = [i for i, s in zip(indices, shape, strict=True) if s != 1]
        if not indices:
            return x
        if x.rank != len(indices):
            raise refuse(f"`{node}` has {len(indices)} subscripts for an array of rank {x.rank}", "declare the name in vars")
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
            raise refuse(f"the shape of `{name}` is not known", f'declare it: vars={{"{name}": "n"}}')
        return self._variable(name, tuple(self.size(s) for s in node.shape), node)


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


def _survey(expr: Any) -> tuple[set[Symbol], set[Symbol]]:
    """The symbols that are sizes, and those that are indices of sums."""
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
        if name in ("Sum", "Product"):
            for limit in node.limits:
                bound.add(limit[0])
                sizes.update(s for b in limit[1:] for s in b.free_symbols if isinstance(s, Symbol))
        todo.extend(_children(node))
    return sizes - bound, bound


_METHODS: dict[str, Callable[[Any, Any, list[Node]], Node]] = {
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
    "MatMul": matrices.matmul,
    "Transpose": matrices.transpose,
    "MatPow": matrices.matpow,
    "Inverse": matrices.inverse,
    **dict.fromkeys(["HadamardProduct", "HadamardPower"], matrices.elementwise),
    **dict.fromkeys(["ZeroMatrix", "OneMatrix"], matrices.filled),
    "MatrixSlice": matrices.sliced,
    "Identity": matrices.identity,
    **dict.fromkeys(["DiagMatrix", "DiagonalOf", "DiagonalMatrix"], matrices.diagonal),
    "KroneckerProduct": matrices.kron,
    "ElementwiseApplyFunction": matrices.applied,
}

__all__ = ["from_sympy", "to_sympy"]
