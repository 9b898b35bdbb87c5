"""The core over other numbers than floats: whole numbers modulo a prime, or 50 decimal digits.

    identical_modulo(a, b, …)    exact: two polynomials or fractions of polynomials that agree at a random point modulo
                                 2**61 - 1 and differ would have to be unlucky (Schwartz and Zippel: degree / prime)
    gap_in_digits(a, b, …)       the same difference as in float64, at the same point, to 50 digits

Modulo a prime, everything that is not rational in the entries (`exp(X w)`, `x > 0`) is an unknown of its own, one for each normal
form. Expressions that agree with such unknowns agree; those that do not may still (`exp(x)*exp(-x)` and 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational

from ..expr.nodes import Add, Call, Einsum, Node, Num, Shared, Var
from ..expr.walk import fold, variables
from .sampling import Sizes, number_of, shape_at

PRIME = 2**61 - 1
MOST = 40_000  # entries of the largest array worth the time
Array = np.ndarray


class Unsupported(Exception):
    """This arithmetic does not know an operation, or a number has no inverse here."""


class Arithmetic:
    """The operations of one kind of numbers on arrays of objects."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.symbols = {s: Integer(k) for s, k in sizes.items()}

    def number(self, value: Expr) -> Any:
        raise NotImplementedError

    def variable(self, v: Var) -> Array:
        raise NotImplementedError

    def power(self, node: Call, x: Array, exponent: Array) -> Array:
        raise NotImplementedError

    def call(self, node: Call, operands: list[Array]) -> Array:
        raise NotImplementedError

    def reduce(self, x: Array) -> Array:
        """Numbers in their shortest form."""
        return x

    def value(self, core: Node) -> Array:
        """The value of a core expression.

        Raises:
            Unsupported: for what cannot be computed in these numbers.
        """
        return fold(core, lambda node, operands: np.asarray(self._visit(node, operands), dtype=object))

    def _visit(self, node: Node, operands: list[Array]) -> Array:
        if isinstance(node, Var):
            return self.variable(node)
        if isinstance(node, Num):
            return full((), self.number(node.value))
        if isinstance(node, Shared):
            return operands[0]
        if isinstance(node, Add):
            return self.reduce(sum(operands[1:], operands[0]))
        if isinstance(node, Einsum):
            return self._product(node, operands)
        assert isinstance(node, Call)
        shape = shape_at(node, self.sizes)
        if int(np.prod(shape)) > MOST:
            raise Unsupported("too large")
        if node.name == "pow":
            return self.power(node, operands[0], operands[1])
        if node.name == "flip":
            return np.flip(operands[0], node.params["axis"])
        constant = _constant(node, self.sizes)
        if constant is not None:
            return np.vectorize(self.number, otypes=[object])(constant) if constant.size else constant.astype(object)
        return self.call(node, operands)

    def _product(self, node: Einsum, operands: list[Array]) -> Array:
        """Sum of products over labels, by broadcasting over all of them."""
        size = [number_of(s, self.sizes) for s in node.sizes]
        if np.prod(size, dtype=float) > MOST:
            raise Unsupported("too large")
        total = full((), self.number(node.coef))
        for x, (_, labels) in zip(operands, node.items, strict=True):
            total = self.reduce(total * _spread(x, labels, len(size)))
        summed = tuple(k for k in range(len(size)) if k not in node.out)
        inside = [any(k in ls for _, ls in node.items) for k in range(len(size))]
        total = np.broadcast_to(total, tuple(s if inside[k] or k in node.out else 1 for k, s in enumerate(size)))
        if summed:
            total = self.reduce(np.asarray(total.sum(axis=summed), dtype=object))
        kept = sorted(set(node.out))
        total = np.asarray(total, dtype=object).reshape([size[k] for k in kept])
        if len(kept) == len(node.out):
            return total.transpose([kept.index(k) for k in node.out])
        out = full([size[k] for k in node.out], self.number(Rational(0)))
        for at in np.ndindex(*total.shape):
            where = dict(zip(kept, at, strict=True))
            out[tuple(where[k] for k in node.out)] = total[at]
        return out


def full(shape: Any, value: Any) -> Array:
    """An array of objects."""
    out = np.empty(tuple(shape), dtype=object)
    out[...] = value
    return out


def _spread(x: Array, labels: tuple[int, ...], rank: int) -> Array:
    """An operand with one axis for each label of the product; axes of one label become their diagonal."""
    own = list(labels)
    for label in sorted({k for k in own if own.count(k) > 1}):
        while own.count(label) > 1:
            a = own.index(label)
            b = own.index(label, a + 1)
            x = np.diagonal(x, axis1=a, axis2=b)
            own = [k for at, k in enumerate(own) if at not in (a, b)] + [label]
    x = x.transpose(np.argsort(own, kind="stable"))
    shape = iter(x.shape)
    return x.reshape([next(shape) if k in own else 1 for k in range(rank)])


def _constant(node: Call, sizes: Sizes) -> Array | None:
    """0/1 and counting arrays that take no values: `arange`, `tri`, `eye`."""
    if node.name == "eye":
        rows, columns = shape_at(node, sizes)
        return np.eye(rows, columns).astype(int).astype(object)
    if node.name == "arange":
        lo, hi = (number_of(_size(node.params[k]), sizes) for k in ("lo", "hi"))
        return np.arange(lo, hi).astype(object)
    if node.name == "tri":
        n, m = (number_of(_size(node.params[k]), sizes) for k in ("n", "m"))
        return np.tri(n, m, int(node.params["k"])).astype(int).astype(object)
    return None


def _size(value: Any) -> Expr:
    return Num(value).value if isinstance(value, int) else value


# whole numbers modulo a prime ------------------------------------------------------------------------------------------------
class Modular(Arithmetic):
    """Residues; what is not rational is an unknown, drawn once for each core node."""

    def __init__(self, sizes: Sizes, values: Mapping[str, Any], seed: int) -> None:
        super().__init__(sizes)
        self.values = values
        self.rng = np.random.default_rng(seed)
        self.unknowns: dict[Any, Array] = {}

    def number(self, value: Any) -> int:
        if isinstance(value, Expr):
            value = value.xreplace(self.symbols) if value.free_symbols else value
            if not value.is_Rational:
                return int(self.unknown(value, ())[()])
            return int(value.p) * _inverse(int(value.q)) % PRIME
        return int(value) % PRIME

    def reduce(self, x: Array) -> Array:
        return x % PRIME

    def unknown(self, key: Any, shape: tuple[int, ...]) -> Array:
        if key not in self.unknowns:
            drawn = [int(k) for k in self.rng.integers(1, PRIME, int(np.prod(shape, dtype=int)))]
            self.unknowns[key] = np.array(drawn, dtype=object).reshape(shape)
        return self.unknowns[key]

    def variable(self, v: Var) -> Array:
        shape = shape_at(v, self.sizes)
        if v.is_a("integer") or v.is_a("onehot"):
            return np.vectorize(int, otypes=[object])(np.asarray(self.values[v.name])) if np.prod(shape) else full(shape, 0)
        x = self.unknown(v, shape).copy()
        if v.is_a("simplex") and shape:
            x[..., -1] = (1 - x[..., :-1].sum(axis=-1)) % PRIME
        if v.is_a("diagonal") and len(shape) == 2:
            return x * np.eye(shape[0], dtype=int).astype(object)
        if v.is_a("symmetric") and len(shape) >= 2:
            return (x + np.swapaxes(x, -1, -2)) % PRIME
        return x

    def power(self, node: Call, x: Array, exponent: Array) -> Array:
        """Whole powers; `x**(q/2)` is the `q`-th power of an unknown that stands for the root."""
        e = node.operands[1].value if isinstance(node.operands[1], Num) else None
        if e is None or not e.is_Rational:
            return self.unknown(node, shape_at(node, self.sizes))
        if e.q != 1:
            x = self.unknown((node.operands[0], "root", int(e.q)), x.shape)
        return _each(lambda a: pow(int(a), int(e.p), PRIME) if e.p >= 0 else pow(_inverse(a), -int(e.p), PRIME), x)

    def call(self, node: Call, operands: list[Array]) -> Array:
        if node.name == "onehot" and all(v.is_a("integer") for v in variables(node)):
            k = number_of(_size(node.params["k"]), self.sizes)
            return np.eye(k, dtype=int)[operands[0].astype(int)].astype(object)
        if node.name == "reshape":
            return operands[0].reshape(shape_at(node, self.sizes))
        if node.name == "inv" and operands[0].ndim == 2:
            return solve_modulo(operands[0], np.eye(len(operands[0]), dtype=int).astype(object))[0]
        if node.name == "det" and operands[0].ndim == 2:
            return full((), solve_modulo(operands[0], np.eye(len(operands[0]), dtype=int).astype(object))[1])
        if node.name == "prod" and operands[0].ndim and node.params.get("axis") in (-1, None) and operands[0].ndim == 1:
            out = 1
            for a in operands[0]:
                out = out * int(a) % PRIME
            return full((), out)
        return self.unknown(node, shape_at(node, self.sizes))


def _each(f: Callable[[Any], Any], x: Array) -> Array:
    return np.vectorize(f, otypes=[object])(x) if x.size else x


def _inverse(a: Any) -> int:
    if int(a) % PRIME == 0:
        raise Unsupported("division by zero")
    return pow(int(a), -1, PRIME)


def solve_modulo(a: Array, b: Array) -> tuple[Array, int]:
    """`A⁻¹ B` and `det A` by elimination modulo the prime.

    Raises:
        Unsupported: for a singular matrix.
    """
    n = len(a)
    rows = np.concatenate([a % PRIME, b % PRIME], axis=1)
    determinant = 1
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i, k] % PRIME), None)
        if pivot is None:
            raise Unsupported("singular")
        if pivot != k:
            rows[[k, pivot]] = rows[[pivot, k]]
            determinant = -determinant
        determinant = determinant * int(rows[k, k]) % PRIME
        rows[k] = rows[k] * _inverse(rows[k, k]) % PRIME
        for i in range(n):
            if i != k and rows[i, k]:
                rows[i] = (rows[i] - rows[k] * rows[i, k]) % PRIME
    return rows[:, n:], determinant


def identical_modulo(a: Node, b: Node, sizes: Sizes, values: Mapping[str, Any], seed: int = 0) -> bool | None:
    """Whether two core expressions agree modulo the prime; None where that cannot be computed."""
    field = Modular(sizes, values, seed)
    try:
        x, y = field.value(a), field.value(b)
    except (Unsupported, ValueError, TypeError, IndexError, KeyError):
        return None
    return x.shape == y.shape and bool(np.all((x - y) % PRIME == 0))
