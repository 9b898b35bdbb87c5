"""Nodes: interned, immutable subclasses of `sympy.Basic`; one object per structure.

Two levels share the classes. *Words* are what people write: `Call("matmul", X, w)`, `Call("add", a, b)`; NumPy's shape
rules hold. The *core* is the normal form the engine computes with: `Var`, `Num`, `Add` (all terms of one shape), `Einsum`
(a product with named axes) and `Call` of operations that are neither sums nor products. `symderiv.simplify.lower` goes from
words to core, `symderiv.notation` back.

Equality is identity, so a shared graph costs what it holds. Everything that walks a graph does so without recursion
(`symderiv.expr.walk`).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from sympy import Basic, Expr, Integer, Rational, S, Tuple, srepr
from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from ..errors import ShapeError
from .op import op_named
from .sizes import Shape, as_size, broadcast_shapes, size_symbol

_TABLE: WeakValueDictionary[tuple, Node] = WeakValueDictionary()
NONE = Str("None")
_NO_PARAMETERS = Tuple()


@lru_cache(maxsize=20_000)
def _encoded(a: Basic) -> bytes:
    """Bytes that tell a leaf apart from all others, the same in every process."""
    if isinstance(a, Integer):
        return b"%d;" % int(a)
    if isinstance(a, Str):
        return b"s" + a.name.encode() + b";"
    if isinstance(a, Tuple):
        return b"(" + b"".join(map(_encoded, a.args)) + b")"
    return srepr(a).encode() + b";"


class Node(Basic):
    """A value with a shape.

    Attributes:
        shape: a tuple of SymPy sizes.
        key: a digest of the structure, the same in every process; canonical orders sort by it.
        tree_size: number of nodes when written out in full as a tree.
        depth: height of the expression.
    """

    __slots__ = ("__weakref__", "_free", "depth", "key", "shape", "tree_size")
    is_commutative = True
    shape: Shape
    key: bytes
    tree_size: int
    depth: int

    @classmethod
    def _intern(cls, args: tuple[Basic, ...]) -> tuple[Any, bool]:
        """The object for these arguments and whether it is new (then the caller sets its shape)."""
        found = _TABLE.get((cls, args))
        if found is not None:
            return found, False
        self = Basic.__new__(cls, *args)
        digest = hashlib.blake2b(cls.__name__.encode(), digest_size=12)
        size, depth = 1, 0
        for a in args:
            if isinstance(a, Node):
                digest.update(a.key)
                size += a.tree_size
                depth = max(depth, a.depth)
            elif isinstance(a, Tuple):
                for b in a.args:
                    if isinstance(b, Node):
                        digest.update(b.key)
                        size += b.tree_size
                        depth = max(depth, b.depth)
                    else:
                        digest.update(_encoded(b))
                digest.update(b")")
            else:
                digest.update(_encoded(a))
            digest.update(b",")
        self.key = digest.digest()
        self.tree_size = size
        self.depth = depth + 1
        self._free = None
        return self, True

    @classmethod
    def _keep(cls, self: Any) -> Any:
        return _TABLE.setdefault((cls, self.args), self)

    # identity semantics -------------------------------------------------------------------------------------------
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def __lt__(self, other):  # type: ignore[override]
        return Call("lt", self, as_node(other))

    def __le__(self, other):  # type: ignore[override]
        return Call("le", self, as_node(other))

    def __gt__(self, other):  # type: ignore[override]
        return Call("gt", self, as_node(other))

    def __ge__(self, other):  # type: ignore[override]
        return Call("ge", self, as_node(other))

    def __reduce_ex__(self, protocol):
        from .walk import flatten, unflatten

        return unflatten, (flatten(self),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    # SymPy's protocol, without walking a shared graph as a tree ------------------------------------------------------
    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return tuple(a for a in self.args if isinstance(a, Node))

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def free_symbols(self):
        """Variables and size symbols that occur."""
        from .walk import free_symbols

        return free_symbols(self)

    def _xreplace(self, rule):
        from .walk import replace

        new = replace(self, rule)
        return new, new is not self

    def has(self, *patterns):
        from .walk import postorder

        return any(
            isinstance(n, p) if isinstance(p, type) else n == p or p in n.free_symbols for n in postorder(self) for p in patterns
        )

    def atoms(self, *types):
        from .walk import postorder

        wanted = types or (Var, Num)
        return {n for n in postorder(self) if isinstance(n, tuple(wanted))}

    # building words with Python's operators ------------------------------------------------------------------------------
    __array_ufunc__ = None  # NumPy arrays leave the operators to us

    def __add__(self, other):
        return Call("add", self, as_node(other))

    def __radd__(self, other):
        return Call("add", as_node(other), self)

    def __sub__(self, other):
        return Call("add", self, Call("neg", as_node(other)))

    def __rsub__(self, other):
        return Call("add", as_node(other), Call("neg", self))

    def __mul__(self, other):
        return Call("mul", self, as_node(other))

    def __rmul__(self, other):
        return Call("mul", as_node(other), self)

    def __truediv__(self, other):
        return Call("div", self, as_node(other))

    def __rtruediv__(self, other):
        return Call("div", as_node(other), self)

    def __pow__(self, other):
        return Call("pow", self, as_node(other))

    def __rpow__(self, other):
        return Call("pow", as_node(other), self)

    def __matmul__(self, other):
        return Call("matmul", self, as_node(other))

    def __rmatmul__(self, other):
        return Call("matmul", as_node(other), self)

    def __neg__(self):
        return Call("neg", self)

    @property
    def T(self):
        """The transpose (the vector itself for a vector, as in NumPy)."""
        return Call("T", self)

    # printing ------------------------------------------------------------------------------------------------------------
    def _sympystr(self, printer=None) -> str:
        from ..write.language import to_text

        return to_text(self)

    def __str__(self) -> str:
        return self._sympystr()

    def __repr__(self) -> str:
        return self._sympystr()

    _sympyrepr = _sympystr

    def _latex(self, printer=None, **_) -> str:
        from ..write.latex import to_latex

        return to_latex(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self._latex()}$"

    def _pretty(self, printer):
        from sympy.printing.pretty.stringpict import prettyForm

        from ..write.unicode import to_unicode

        return prettyForm(to_unicode(self))

    def _numpycode(self, printer, **_) -> str:
        from ..code.lambdify import numpy_expression

        return numpy_expression(self, printer)

    _pythoncode = _lambdacode = _numpycode


class Var(Node):
    """A declared name: `Var("A", (n, n), ("symmetric",))`. Attributes are kept sorted."""

    __slots__ = ()
    is_symbol = True

    def __new__(cls, name, shape=(), attrs=()):
        name = name if isinstance(name, Str) else Str(name)
        shape = Tuple(*(as_size(s) for s in shape))
        attrs = Tuple(*(Str(a) for a in sorted(str(a) for a in attrs)))
        self, new = cls._intern((name, shape, attrs))
        if new:
            self.shape = tuple(shape.args)
            self = cls._keep(self)
        return self

    @property
    def name(self) -> str:
        return self.args[0].name

    @property
    def attrs(self) -> frozenset[str]:
        return frozenset(a.name for a in self.args[2].args)

    def is_a(self, attribute: str) -> bool:
        return any(a.name == attribute for a in self.args[2].args)


class Num(Node):
    """An exact number, or an expression in sizes (`1/n`); rank 0."""

    __slots__ = ()

    def __new__(cls, value):
        value = Integer(int(value)) if isinstance(value, (int, bool)) else value
        if isinstance(value, float):
            value = Rational(repr(value))
        if not isinstance(value, Expr):
            raise TypeError(f"not a number: {value!r}")
        self, new = cls._intern((value,))
        if new:
            self.shape = ()
            self = cls._keep(self)
        return self

    @property
    def value(self) -> Expr:
        return self.args[0]


class Index(Node):
    """A bound index of a sum, product or maximum, or a free index of an entry; rank 0; its binder says its range."""

    __slots__ = ()

    def __new__(cls, name):
        self, new = cls._intern((name if isinstance(name, Str) else Str(name),))
        if new:
            self.shape = ()
            self = cls._keep(self)
        return self

    @property
    def name(self) -> str:
        return self.args[0].name


def _encode(value) -> Basic:
    """A parameter value as a `Basic`."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return S.true if value else S.false
    if isinstance(value, int):
        return Integer(value)
    if isinstance(value, str):
        return Str(value)
    if isinstance(value, (tuple, list)):
        return Tuple(*map(_encode, value))
    return value


def _decode(value):
    if value is NONE or value == NONE:
        return None
    if isinstance(value, (BooleanTrue, BooleanFalse)):
        return bool(value)
    if isinstance(value, Integer):
        return int(value)
    if isinstance(value, Str):
        return value.name
    if isinstance(value, Tuple):
        return tuple(_decode(v) for v in value.args)
    return value


class Call(Node):
    """An operation of the table on operands: `Call("softmax", X, axis=-1)`.

    `args` are the name, the operands, the parameters. Shapes are checked here.

    Raises:
        ShapeError: SD2xx when the operands do not fit.
    """

    __slots__ = ("name", "op", "operands", "params")

    def __new__(cls, name, *operands, **params):
        if len(operands) == 2 and type(operands[0]) is Tuple and type(operands[1]) is Tuple and not params:
            pairs = operands[1].args
            operands = operands[0].args
            params = {p.args[0].name: _decode(p.args[1]) for p in pairs}
        name = name if isinstance(name, Str) else Str(name)
        op = op_named(name.name)
        for key, value in op.defaults.items():
            if key not in op.operands:  # defaults of trailing operands are the reader's: they are operands of the call
                params.setdefault(key, value)
        encoded = Tuple(*(Tuple(Str(k), _encode(params[k])) for k in sorted(params))) if params else _NO_PARAMETERS
        self, new = cls._intern((name, Tuple(*operands, sympify=False), encoded))
        if new:
            self.op, self.name, self.operands = op, name.name, operands
            self.params = params
            if op.shape is None:
                self.shape = broadcast_shapes([o.shape for o in operands], op.name)
            else:
                self.shape = tuple(op.shape(operands, params))
            self = cls._keep(self)
        return self

    def with_operands(self, operands) -> Call:
        """The same operation and parameters on other operands."""
        return self if tuple(operands) == self.operands else Call(self.name, *operands, **self.params)


class Add(Node):
    """Core: a sum of terms of one shape, in canonical order. Build it with `symderiv.simplify.add`."""

    __slots__ = ()

    def __new__(cls, *terms):
        self, new = cls._intern(terms)
        if new:
            self.shape = terms[0].shape
            if any(t.shape != self.shape for t in terms):
                raise ShapeError("terms of a sum differ in shape")
            self = cls._keep(self)
        return self

    @property
    def operands(self) -> tuple[Node, ...]:
        return self.args

    terms = operands


class Einsum(Node):
    """Core: `coef * prod_k item_k[labels_k]`, summed over labels that are not in `out`.

    A label repeated in `out` puts the values on a diagonal (all other entries are 0); a label of `out` that no item has is a
    broadcast axis. Labels are 0, 1, 2, … in order of first occurrence; `sizes[label]` is the length of the axis.
    Build it with `symderiv.simplify.product`.
    """

    __slots__ = ("coef", "items", "operands", "out", "sizes")

    def __new__(cls, coef, items, labels, out, sizes):
        self, new = cls._intern((coef, items, labels, out, sizes))
        if new:
            self.coef, self.operands, self.sizes = coef, items.args, sizes.args
            self.out = tuple(int(i) for i in out.args)
            self.items = tuple((x, tuple(int(i) for i in ls.args)) for x, ls in zip(items.args, labels.args, strict=True))
            self.shape = tuple(self.sizes[i] for i in self.out)
            self = cls._keep(self)
        return self


class Shared(Node):
    """Core: `x` itself, kept apart so that products do not multiply it out; the sweep puts it around values used twice."""

    __slots__ = ()

    def __new__(cls, x):
        self, new = cls._intern((x,))
        if new:
            self.shape = x.shape
            self = cls._keep(self)
        return self


def as_node(value) -> Node:
    """A node from a node, a number or a size symbol."""
    if isinstance(value, Node):
        return value
    if isinstance(value, (bool, int, float)):
        return Num(value)
    if isinstance(value, Expr) and not value.has(S.NaN):
        return Num(value)
    raise TypeError(f"{type(value).__name__} is neither an expression nor a number")


def var(name: str, shape: str | tuple = (), *attrs: str) -> Var:
    """A variable: `var("X", "n,d")`, `var("A", "n,n", "symmetric")`, `var("lam")`."""
    if isinstance(shape, str):
        shape = tuple(p.strip() for p in shape.split(",") if p.strip())
    return Var(name, tuple(Integer(s) if isinstance(s, str) and s.isdigit() else as_size(s) for s in shape), attrs)


__all__ = ["Add", "Call", "Einsum", "Index", "Node", "Num", "Shared", "Var", "as_node", "size_symbol", "var"]
