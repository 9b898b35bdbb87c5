"""Infix operations: `+ - * / **`, `@`, `.T`, comparisons, subscripts, generators. The printers and the emitter write them themselves."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer

from ..errors import ShapeError
from ..expr.nodes import Index, Node, Num
from ..expr.op import declare
from ..expr.sizes import Shape, broadcast_shapes, same_size, show_shape
from ._rules import Operands, Params, broadcast, need_whole, size_of

BOOK = "The Matrix Cookbook (2012), "


def matmul_shape(operands: Operands, params: Params) -> Shape:
    """`(…, n, k) @ (…, k, m) -> (…, n, m)`; a vector is a row on the left and a column on the right, as in NumPy.

    Raises:
        ShapeError: SD203 for a scalar operand, SD202 when the inner sizes differ, SD201 when batch axes clash.
    """
    if not operands:
        raise ShapeError("matmul needs operands", code="SD208")
    shape = operands[0].shape
    for y in operands[1:]:
        shape = _matmul_two(shape, y.shape)
    return shape


def _matmul_two(a: Shape, b: Shape) -> Shape:
    shown = f"{show_shape(a)} @ {show_shape(b)}"
    if not a or not b:
        raise ShapeError(f"matmul: {shown}: a scalar has no inner axis", code="SD203", hint="use * to multiply by a scalar")
    inner = b[-2] if len(b) > 1 else b[0]
    if not same_size(a[-1], inner):
        hint = ""
        if len(b) == 2 and a[-1] == b[-1]:
            hint = "the second factor transposed would fit: use .T"
        elif len(a) == 2 and a[0] == inner:
            hint = "the first factor transposed would fit: use .T"
        raise ShapeError(f"matmul: {shown}: inner sizes {a[-1]} and {inner} differ", code="SD202", hint=hint)
    batch = broadcast_shapes([a[:-2], b[:-2]], f"matmul {shown}")
    return batch + a[-2:-1] + (b[-1:] if len(b) > 1 else ())


def transpose_shape(operands: Operands, params: Params) -> Shape:
    """All axes reversed."""
    return operands[0].shape[::-1]


def slice_length(size: Expr, start: Any, stop: Any, step: Any) -> Expr:
    """Number of entries that `start:stop:step` takes from an axis.

    Raises:
        ShapeError: SD207 when the number cannot be told for all sizes, SD208 for a step of 0.
    """
    start, stop, step = (int(v) if isinstance(v, Integer) else v for v in (start, stop, step))
    step = 1 if step is None else step
    if not isinstance(step, int) or step == 0:
        raise ShapeError(f"getitem: a slice cannot have step {step}", code="SD208")
    whole = all(v is None or isinstance(v, int) for v in (start, stop))
    if size.is_Integer and whole:
        return Integer(len(range(*slice(start, stop, step).indices(int(size)))))
    if start is None and stop is None:
        length = size
    elif step < 0:
        raise ShapeError("getitem: a backward slice with bounds needs a numeric size", code="SD207")
    else:
        first, last = _bound(start, size, Integer(0)), _bound(stop, size, size)
        length = sympy.expand(last - first)
    if length.is_negative:
        return Integer(0)
    if abs(step) == 1:
        return length
    if length.is_Integer:
        return Integer(-(-int(length) // abs(step)))
    raise ShapeError(f"getitem: the number of entries of a slice with step {step} of {length} is not known", code="SD207")


def _bound(value: Any, size: Expr, default: Expr) -> Expr:
    if value is None:
        return default
    if isinstance(value, int):
        return Integer(value) if value >= 0 else size + value
    return value


def _check_subscript(x: Node, axis: int, index: Node) -> None:
    size = x.shape[axis]
    need_whole("getitem", index)
    if index.rank > 1:
        raise ShapeError(f"getitem: an index of shape {show_shape(index.shape)} is not a number or a vector", code="SD207")
    if isinstance(index, Num) and index.value.is_Integer and size.is_Integer and not -size <= index.value < size:
        raise ShapeError(f"getitem: index {index.value} is out of range for axis {axis} of size {size}", code="SD207")


def getitem_shape(operands: Operands, params: Params) -> Shape:
    """NumPy's rule for numbers, slices, new axes and vectors of indices (which broadcast to one axis).

    Raises:
        ShapeError: SD207 too many subscripts or out of range, SD209 an index that is not whole.
    """
    x, *indices = operands
    spec = params["spec"]
    if sum(e != "new" for e in spec) > x.rank:
        raise ShapeError(f"getitem: {sum(e != 'new' for e in spec)} subscripts for shape {show_shape(x.shape)}", code="SD207")
    if sum(e == "at" for e in spec) != len(indices):
        raise ShapeError("getitem: subscripts and index operands do not match", code="SD208")
    vectors = [i.shape for i in indices if i.rank]
    out: list[Expr] = []
    places: list[int] = []  # positions in spec of the numbers and vectors
    insert, axis, given = 0, 0, iter(indices)
    for at, entry in enumerate(spec):
        if entry == "new":
            out.append(Integer(1))
        elif entry == "at":
            _check_subscript(x, axis, next(given))
            insert = len(out) if not places else insert
            places.append(at)
            axis += 1
        else:
            out.append(slice_length(x.shape[axis], *entry[1:]))
            axis += 1
    out.extend(x.shape[axis:])
    if vectors:
        # NumPy puts the axis of the vectors in front when something stands between the subscripts.
        apart = places and places[-1] - places[0] + 1 != len(places)
        insert = 0 if apart else insert
        out[insert:insert] = broadcast_shapes(vectors, "getitem: index vectors")
    return tuple(out)


def generator_shape(operands: Operands, params: Params) -> Shape:
    """The shape of the body.

    Raises:
        ShapeError: SD203 for a body of rank above 2 or a condition that is not a scalar, SD208 without an index or bounds.
    """
    body, index, *cond = operands
    if not isinstance(index, Index) or len(cond) > 1:
        raise ShapeError("a generator has a body, an index and at most one condition", code="SD208")
    if body.rank > 2:
        raise ShapeError(f"the body of a generator is at most a matrix, not shape {show_shape(body.shape)}", code="SD203")
    if cond and cond[0].rank:
        raise ShapeError(f"the condition of a generator is a scalar, not shape {show_shape(cond[0].shape)}", code="SD203")
    size_of("range", params["hi"])
    return body.shape


declare("add", "*xs", shape=broadcast("add"), says="x + y: elementwise sum with broadcasting.",
        source="linearity", example="x + y - 2", example_vars={"x": "d", "y": "d"})  # fmt: skip
declare("neg", "x", partials=("-1",), domain=("real",), parity="odd", says="-x: the negative.",
        source="linearity", example="-x", example_vars={"x": "d"})  # fmt: skip
declare("mul", "*xs", shape=broadcast("mul"), says="x * y: elementwise product with broadcasting.",
        source="product rule", example="x*y*s", example_vars={"x": "d", "y": "d", "s": "scalar"})  # fmt: skip
declare("div", "x, y", define="x*y**(-1)", domain=("real", "positive"), says="x / y: elementwise quotient.",
        source="quotient rule", example="x/y", example_vars={"x": "d", "y": "d positive"})  # fmt: skip
declare("pow", "x, y", partials=("y*x**(y - 1)", "log(x)*x**y"), domain=("positive", "real"), says="x ** y: elementwise power.",
        source="DLMF 4.2", example="x**y", example_vars={"x": "d positive", "y": "d"})  # fmt: skip
declare("matmul", "*xs", shape=matmul_shape, says="A @ B: the matrix product, NumPy's rules for vectors and batches.",
        source=BOOK + "eq. 37", example="X @ A @ w", example_vars={"X": "n,d", "A": "d,k", "w": "k"})  # fmt: skip
declare("T", "x", shape=transpose_shape, latex="{x}^{{\\top}}", says="x.T: the transpose; a vector is its own.",
        source=BOOK + "eq. 41", example="X.T", example_vars={"X": "n,d"})  # fmt: skip

for _name, _sign, _word in (
    ("gt", ">", "greater"), ("ge", ">=", "greater or equal"), ("lt", "<", "less"),
    ("le", "<=", "less or equal"), ("eq", "==", "equal"), ("ne", "!=", "not equal"),
):  # fmt: skip
    declare(_name, "x, y", partials=("", ""), domain=("real", "real"), kinks="x = y", analytic=False,
            says=f"x {_sign} y: 1 where x is {_word} (to) y, else 0; piecewise constant.", source="piecewise constant",
            example=f"x {_sign} y", example_vars={"x": "d", "y": "d"})  # fmt: skip

declare("getitem", "x, *indices, spec", shape=getitem_shape, says="x[i], X[:, 0], S[arange(n), y]: entries, as in NumPy.",
        source="selection is linear", example="X[:, 0]", example_vars={"X": "n,3"})  # fmt: skip
declare("isum", "body, index, *cond, lo, hi", shape=generator_shape, says="sum(body for i in range(n) if cond): an explicit sum.",
        source="linearity", example="sum(x[i]**2 for i in range(d))", example_vars={"x": "d"})  # fmt: skip
declare("iprod", "body, index, *cond, lo, hi", shape=generator_shape, says="prod(body for i in range(n)): an explicit product.",
        source="product rule", example="prod(x[i] for i in range(d))", example_vars={"x": "d positive"})  # fmt: skip
declare("imax", "body, index, *cond, lo, hi", shape=generator_shape, kinks="a tie", analytic=False,
        says="max(body for i in range(n)): the largest value; a tie shares the derivative.", source="Danskin's theorem",
        example="max(x[i]**2 for i in range(d))", example_vars={"x": "d"})  # fmt: skip
declare("imin", "body, index, *cond, lo, hi", shape=generator_shape, kinks="a tie", analytic=False,
        says="min(body for i in range(n)): the smallest value; a tie shares the derivative.", source="Danskin's theorem",
        example="min(x[i]**2 for i in range(d))", example_vars={"x": "d"})  # fmt: skip
