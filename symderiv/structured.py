"""Hessians and Jacobians that are never written out: sums of products with deltas, as the normal form has them.

A structured array is `Σ_terms c Π_k factor_k[labels_k]`, whose axes are labels; a label that two axes share is a delta. Kronecker
products, diagonals, one block for every row, low rank plus diagonal are all of this form. It gives `.dense()`, `@ vector` without
the matrix, and `.solve` by its structure.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .code.runtime import _contract
from .errors import CodeError

Factors = list[tuple[np.ndarray, tuple[int, ...]]]


@dataclass(frozen=True, eq=False)
class Term:
    """`Π factor[labels]`, summed over labels that are not in `out`; a label twice in `out` is a delta."""

    factors: tuple[tuple[np.ndarray, tuple[int, ...]], ...]
    out: tuple[int, ...]
    sizes: dict[int, int]

    @property
    def distinct(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.out))

    @functools.cached_property
    def core(self) -> np.ndarray:
        """The values over the distinct labels of the output."""
        return contracted(list(self.factors), self.distinct, self.sizes)

    def stored(self) -> int:
        """Numbers that the factors hold."""
        return sum(x.size for x in {id(x): x for x, _ in self.factors}.values())

    def compressed(self) -> Term:
        """With factors multiplied where the product takes no more room than they do, or little of what the whole takes."""
        factors = [f for f in self.factors if f[1]]
        numbers = [f for f in self.factors if not f[1]]
        arrays = {id(x): x for x, _ in factors}
        place = {key: k for k, key in enumerate(arrays)}
        made = dict(enumerate(arrays.values()))
        same = tuple(place[id(x)] for x, _ in factors)
        for a, b, kept, name in _path(tuple(ls for _, ls in factors), same, self.distinct, tuple(sorted(self.sizes.items()))):
            if name not in made:
                made[name] = contracted([factors[a], factors[b]], kept, self.sizes)
            product = made[name]
            factors = [f for k, f in enumerate(factors) if k not in (a, b)]
            factors.append((product, kept))
        if numbers and len(factors) == 1:
            factors = [(math.prod(float(x) for x, _ in numbers) * factors[0][0], factors[0][1])]
            numbers = []
        return Term((*factors, *numbers), self.out, self.sizes)


Step = tuple[int, int, tuple[int, ...], int]


@functools.lru_cache(maxsize=256)
def _path(
    labels: tuple[tuple[int, ...], ...], same: tuple[int, ...], out: tuple[int, ...], sized: tuple[tuple[int, int], ...]
) -> list[Step]:
    """Which two factors to multiply, step by step, the labels of the product and its name; what saves most room first.

    Factors that are one array have one name in `same`. A product of the same arrays in the same way is there already: it is taken
    before any other, so the two sides of `Jᵀ P J` are computed once.
    """
    sizes = dict(sized)
    room = lambda ls: math.prod(sizes[i] for i in ls)  # noqa: E731
    now, names = list(labels), list(same)
    limit = max([room(ls) for ls in now] + [room(out) // 32])
    known: dict[tuple, int] = {}
    steps: list[Step] = []
    while True:
        uses: dict[int, int] = {}
        for ls in now:
            for i in set(ls):
                uses[i] = uses.get(i, 0) + 1
        ways = list(_ways(now, names, uses, out))
        twins: dict[tuple, int] = {}
        for _, _, _, way in ways:
            twins[way] = twins.get(way, 0) + 1
        best = None
        for a, b, kept, way in ways:
            gain = room(kept) - room(now[a]) - room(now[b])
            price = (way not in known, twins[way] == 1, gain)
            if (room(kept) <= limit or gain <= 0) and (best is None or price < best[0]):
                best = price, a, b, kept, way
        if best is None:
            return steps
        _, a, b, kept, way = best
        name = known.setdefault(way, len(same) + len(known))
        steps.append((a, b, kept, name))
        now = [ls for k, ls in enumerate(now) if k not in (a, b)] + [kept]
        names = [n for k, n in enumerate(names) if k not in (a, b)] + [name]


def _ways(
    now: list[tuple[int, ...]], names: list[int], uses: dict[int, int], out: tuple[int, ...]
) -> Iterator[tuple[int, int, tuple[int, ...], tuple]]:
    """Every two factors with a label in common, the labels of their product, and what tells whether two products are the same."""
    for a in range(len(now)):
        for b in range(a + 1, len(now)):
            if not set(now[a]) & set(now[b]):
                continue
            first, second = (a, b) if names[a] <= names[b] else (b, a)
            both = now[first] + now[second]
            kept = tuple(i for i in dict.fromkeys(both) if i in out or uses[i] > (i in now[a]) + (i in now[b]))
            order = {i: k for k, i in enumerate(dict.fromkeys(both))}
            yield first, second, kept, (names[first], names[second], *(tuple(order[i] for i in ls) for ls in (both, kept)))


def contracted(factors: Factors, out: Sequence[int], sizes: dict[int, int]) -> np.ndarray:
    """The sum of products over `out`, which may have labels that no factor has."""
    if not factors:
        return np.ones([sizes[i] for i in out])
    here = [i for i in out if any(i in ls for _, ls in factors)]
    if len(factors) == 2 and here == list(out) and _is_plain(factors, out):
        a, b, result = ("".join(chr(97 + i) for i in ls) for ls in (factors[0][1], factors[1][1], out))
        return _contract(factors[0][0], factors[1][0], f"{a},{b}->{result}")
    arguments = [a for x, ls in factors for a in (x, list(ls))]
    value = np.einsum(*arguments, here, optimize="greedy" if len(factors) > 2 else len(factors) == 2)
    value = np.reshape(value, [sizes[i] if i in here else 1 for i in out])
    return np.broadcast_to(value, [sizes[i] for i in out])


def _is_plain(factors: Factors, out: Sequence[int]) -> bool:
    """Whether one matrix product does it: no label twice in one place, every label in two of the three."""
    (_, a), (_, b) = factors
    distinct = all(len(set(ls)) == len(ls) for ls in (a, b, out)) and max((*a, *b), default=0) < 26
    return distinct and all((i in a) + (i in b) + (i in out) >= 2 for i in (*a, *b))


def diagonals(array: np.ndarray, axes: Sequence[int], distinct: Sequence[int]) -> np.ndarray:
    """A view of the entries whose axes of one label have one index."""
    return np.einsum(array, list(axes), list(distinct))  # type: ignore[call-overload]


class StructuredArray:
    """A Hessian or Jacobian in factors.

    Attributes:
        shape: of the array, rows first.
        rows: how many of its axes are rows; the others are columns.
        kind: "zero", "diagonal", "block diagonal", "kronecker", "low rank", "low rank plus diagonal", "factored" or "dense".
    """

    __array_ufunc__ = None

    def __init__(self, terms: Sequence[Term], shape: tuple[int, ...], rows: int) -> None:
        self.terms = [t.compressed() for t in terms]
        self.shape, self.rows = tuple(shape), rows
        self.row_shape, self.column_shape = self.shape[:rows], self.shape[rows:]

    @property
    def nbytes(self) -> int:
        """Bytes that are held; the dense array has `8*prod(shape)`."""
        return sum(x.nbytes for x in {id(x): x for t in self.terms for x, _ in t.factors}.values())

    def __repr__(self) -> str:
        full = 8 * math.prod(self.shape)
        return f"<{self.kind} array of shape {self.shape}: {self.nbytes:,} of {full:,} bytes>"

    @functools.cached_property
    def kind(self) -> str:
        kinds = {self._kind_of(t) for t in self.terms}
        if not kinds:
            return "zero"
        if len(kinds) == 1 and (len(self.terms) == 1 or kinds <= {"diagonal", "low rank", "dense"}):
            return next(iter(kinds))
        if kinds <= {"diagonal", "low rank"}:
            return "low rank plus diagonal"
        if kinds <= {"diagonal", "low rank", "dense"}:
            return "dense"
        return "block diagonal" if self._blocks else "factored"

    def _kind_of(self, t: Term) -> str:
        row, column = t.out[: self.rows], t.out[self.rows :]
        if row == column and len(set(row)) == len(row):
            return "diagonal"
        if _kronecker_pairs(t, self.rows) is not None:
            return "kronecker"
        if set(row) & set(column):
            return "block diagonal"
        inner = {i for _, ls in t.factors for i in ls} - set(t.out)
        apart = all(not (set(ls) & set(row)) or not (set(ls) & set(column)) for _, ls in t.factors)
        return "low rank" if inner and apart else "dense" if len(t.factors) == 1 else "low rank" if apart else "factored"

    def dense(self) -> np.ndarray:
        """The whole array."""
        out = np.zeros(self.shape)
        for t in self.terms:
            if len(t.distinct) == len(t.out):
                out += t.core
                continue
            view = diagonals(out, t.out, t.distinct)  # the diagonals that the deltas name
            view += t.core
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.dense() if dtype is None else self.dense().astype(dtype)

    def __matmul__(self, vector: Any) -> np.ndarray:
        """The product with an array of the shape of the columns (or flat), of the shape of the rows (or flat).

        Raises:
            CodeError: SD507 for another shape.
        """
        v = np.asarray(vector, float)
        flat = v.ndim == 1 and len(self.column_shape) != 1
        if flat and v.size == math.prod(self.column_shape):
            v = v.reshape(self.column_shape)
        if v.shape != self.column_shape:
            raise CodeError(f"the columns have shape {self.column_shape}, the vector {v.shape}", code="SD507")
        out = np.zeros(self.row_shape)
        for t in self.terms:
            row, column = t.out[: self.rows], t.out[self.rows :]
            distinct = tuple(dict.fromkeys(row))
            value = contracted([*t.factors, (v, column)], distinct, t.sizes)
            if len(distinct) == len(row):
                out += value
            else:
                view = diagonals(out, list(row), list(distinct))
                view += value
        return out.ravel() if flat else out

    def solve(self, right: Any) -> np.ndarray:
        """The x with `self @ x = right`: by entries, by blocks, by Kronecker factors or by rank, else densely.

        Raises:
            CodeError: SD507 for shapes that do not fit or a singular array.
        """
        b = np.asarray(right, float)
        flat = b.ndim == 1 and len(self.row_shape) != 1
        if flat and b.size == math.prod(self.row_shape):
            b = b.reshape(self.row_shape)
        if b.shape != self.row_shape or math.prod(self.row_shape) != math.prod(self.column_shape):
            raise CodeError(f"cannot solve with an array of shape {self.shape} for a right side of shape {b.shape}", code="SD507")
        try:
            x = self._solved(b)
        except np.linalg.LinAlgError as error:
            raise CodeError(f"the array is singular: {error}", code="SD507") from None
        return x.ravel() if flat else x

    def _solved(self, b: np.ndarray) -> np.ndarray:
        if self.kind == "diagonal":
            d = self._diagonal(self.terms)
            if np.any(d == 0):
                raise np.linalg.LinAlgError("a diagonal entry is 0")
            return b / d
        if self.kind == "kronecker":
            return self._solve_kronecker(b)
        if self.kind == "low rank plus diagonal":
            found = self._solve_woodbury(b)
            if found is not None:
                return found
        if self._blocks:
            return self._solve_blocks(b)
        size = math.prod(self.row_shape)
        return np.linalg.solve(self.dense().reshape(size, size), b.ravel()).reshape(self.column_shape)

    def _diagonal(self, terms: Sequence[Term]) -> np.ndarray:
        total = np.zeros(self.row_shape)
        for t in terms:
            total = total + t.core
        return total

    @functools.cached_property
    def _blocks(self) -> tuple[int, ...]:
        """Axes of the rows that are the same axis of the columns in every term."""
        if not self.terms or self.row_shape != self.column_shape:
            return ()
        return tuple(a for a in range(self.rows) if all(t.out[a] == t.out[self.rows + a] for t in self.terms))

    def _solve_blocks(self, b: np.ndarray) -> np.ndarray:
        """One small system for every value of the shared axes."""
        shared = self._blocks
        rest = [a for a in range(self.rows) if a not in shared]
        count = [self.row_shape[a] for a in shared]
        inner = [self.row_shape[a] for a in rest]
        blocks = np.zeros([*count, *inner, *inner])
        names = {a: k for k, a in enumerate([*shared, *rest])}
        for t in self.terms:
            axes = [*(t.out[a] for a in shared), *(t.out[a] for a in rest), *(t.out[self.rows + a] for a in rest)]
            distinct = list(dict.fromkeys(axes))
            view = diagonals(blocks, axes, distinct)
            view += contracted(list(t.factors), distinct, t.sizes)
        size = math.prod(inner)
        right = np.transpose(b, [*shared, *rest]).reshape(*count, size, 1)
        x = np.linalg.solve(blocks.reshape(*count, size, size), right).reshape(*count, *inner)
        return np.transpose(x, [names[a] for a in range(self.rows)])

    def _solve_kronecker(self, b: np.ndarray) -> np.ndarray:
        pairs = _kronecker_pairs(self.terms[0], self.rows)
        assert pairs is not None
        scale, matrices = pairs
        if scale == 0:
            raise np.linalg.LinAlgError("all entries are 0")
        x = b / scale
        for axis, matrix in enumerate(matrices):
            if matrix is not None:
                moved = np.moveaxis(x, axis, 0)
                solved = np.linalg.solve(matrix, moved.reshape(len(matrix), -1)).reshape(moved.shape)
                x = np.moveaxis(solved, 0, axis)
        return x

    def _solve_woodbury(self, b: np.ndarray) -> np.ndarray | None:
        """`(D + A Bᵀ)⁻¹ b` by a system of the size of the rank; None where the rank is not small."""
        diagonal = [t for t in self.terms if self._kind_of(t) == "diagonal"]
        d = self._diagonal(diagonal).ravel()
        if np.any(d == 0):
            return None
        left, right = [], []
        for t in self.terms:
            if t in diagonal:
                continue
            row, column = t.out[: self.rows], t.out[self.rows :]
            inner = sorted({i for _, ls in t.factors for i in ls} - set(t.out))
            a = [f for f in t.factors if not set(f[1]) & set(column)]
            rest = [f for f in t.factors if set(f[1]) & set(column)]
            rank = math.prod(t.sizes[i] for i in inner)
            if rank >= d.size:
                return None
            left.append(contracted(a, [*row, *inner], t.sizes).reshape(d.size, rank))
            right.append(contracted(rest, [*column, *inner], t.sizes).reshape(d.size, rank))
        A, B = np.concatenate(left, axis=1), np.concatenate(right, axis=1)
        if A.shape[1] >= d.size:
            return None
        x = b.ravel() / d
        small = np.eye(A.shape[1]) + B.T @ (A / d[:, None])
        return (x - (A @ np.linalg.solve(small, B.T @ x)) / d).reshape(b.shape)


def _kronecker_pairs(t: Term, rows: int) -> tuple[float, list[np.ndarray | None]] | None:
    """`(c, [A, B, …])` for `c A ⊗ B ⊗ …`, a matrix (None for the identity) for every pair of axes; None for anything else."""
    if rows < 2 or len(t.out) != 2 * rows:
        return None
    scale = 1.0
    matrices: list[np.ndarray | None] = []
    left = list(t.factors)
    for a in range(rows):
        i, j = t.out[a], t.out[rows + a]
        if i == j:
            if any(i in ls for _, ls in left) or t.out.count(i) != 2:
                return None
            matrices.append(None)
            continue
        mine = [f for f in left if set(f[1]) & {i, j}]
        if len(mine) != 1 or set(mine[0][1]) != {i, j} or len(mine[0][1]) != 2 or t.sizes[i] != t.sizes[j]:
            return None
        x, ls = mine[0]
        matrices.append(x if ls == (i, j) else x.T)
        left = [f for f in left if f is not mine[0]]
    for x, ls in left:
        if ls:
            return None
        scale *= float(x)
    if all(m is None for m in matrices):
        return None  # a multiple of the identity is diagonal
    return scale, matrices


def structured_function(core: Any, arguments: Sequence[Any], rows: int) -> Callable[..., StructuredArray]:
    """A function of the variables that gives the derivative in factors.

    Args:
        core: the derivative in normal form.
        arguments: variables, the parameters in order.
        rows: how many axes are rows.
    """
    from sympy.core.symbol import Symbol

    from .code.numpy import numpy_function
    from .expr.nodes import Add, Einsum, Num
    from .notation.words import to_words

    terms = core.terms if isinstance(core, Add) else (core,)
    roots: list[Any] = []
    plans = []
    for t in map(_opened, terms):
        if isinstance(t, Einsum):
            if t.coef == 0:
                continue
            plans.append((Num(t.coef), list(t.items), t.out, t.sizes))
        else:
            plans.append((Num(1), [(t, tuple(range(t.rank)))], tuple(range(t.rank)), t.shape))
        roots += dict.fromkeys(x for x in (plans[-1][0], *(y for y, _ in plans[-1][1])) if x not in roots)
    symbols = list(dict.fromkeys(s for s in core.shape for s in s.free_symbols))
    for _, _, _, sizes in plans:
        symbols += [s for size in sizes for s in size.free_symbols if s not in symbols]
    numbers = {s: Num(s) for s in symbols}
    roots += [x for x in numbers.values() if x not in roots]
    values = [to_words(x) for x in roots]
    compute = numpy_function(values or [Num(0)], arguments, name="factors")

    def build(*positional: Any, **given: Any) -> StructuredArray:
        computed = compute(*positional, **given) if roots else ()
        found = {x: np.asarray(y, float) for x, y in zip(roots, computed, strict=True)}
        known: dict[Any, int] = {s: round(float(found[x])) for s, x in numbers.items()}
        number = lambda size: int(size.subs(known)) if not isinstance(size, Symbol) else known[size]  # noqa: E731
        made = []
        for c, items, out, sizes in plans:
            factors, coef = [(found[x], ls) for x, ls in items], float(found[c])
            if coef != 1.0:
                factors = _scaled(factors, coef)
            made.append(Term(tuple(factors), tuple(out), {k: number(s) for k, s in enumerate(sizes)}))
        return StructuredArray(made, tuple(number(s) for s in core.shape), rows)

    build.source = compute.source  # type: ignore[attr-defined]
    return build


def _scaled(factors: Factors, c: float) -> Factors:
    """The number as a factor, or in the only one there is: factors that are equal stay one array."""
    return [(c * factors[0][0], factors[0][1])] if len(factors) == 1 else [*factors, (np.asarray(c), ())]


def _opened(term: Any) -> Any:
    """A product with the products among its factors multiplied out, also those that are kept apart."""
    from .expr.nodes import Einsum, Shared
    from .simplify.product import einsum

    while isinstance(term, Einsum) and any(isinstance(x, Shared) and isinstance(x.operands[0], Einsum) for x, _ in term.items):
        items = []
        for x, ls in term.items:
            inner = x.operands[0] if isinstance(x, Shared) else x
            wide = isinstance(inner, Einsum) and inner.rank > max((y.rank for y, _ in inner.items), default=0)
            items.append((inner if wide else x, ls))
        if not any(isinstance(x, Einsum) for x, _ in items):
            return term
        term = einsum(items, term.out, dict(enumerate(term.sizes)), coef=term.coef)
    return term
