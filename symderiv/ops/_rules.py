"""Small checks that the shape rules of several families share."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ..errors import ShapeError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import Shape, broadcast_shapes, same_size, show_shape
from ..expr.walk import fold

Params = dict[str, Any]
Operands = tuple[Node, ...]

# Operations whose result is whole where their operands are.
_WHOLE = {
    "add",
    "neg",
    "mul",
    "getitem",
    "T",
    "transpose",
    "reshape",
    "stack",
    "concatenate",
    "flip",
    "vec",
    "maximum",
    "minimum",
}
_ALWAYS_WHOLE = {"arange", "eye", "ones", "zeros", "tri", "gt", "ge", "lt", "le", "eq", "ne", "sign", "onehot"}


def same_as(position: int = 0):
    """The shape of one operand."""

    def rule(operands: Operands, params: Params) -> Shape:
        return operands[position].shape

    return rule


def broadcast(what: str):
    """NumPy's broadcasting of all operands."""

    def rule(operands: Operands, params: Params) -> Shape:
        return broadcast_shapes([x.shape for x in operands], what)

    return rule


def need_rank(what: str, x: Node, *ranks: int, name: str = "") -> None:
    """Refuse any other rank.

    Raises:
        ShapeError: SD203.
    """
    if x.rank not in ranks:
        kinds = {0: "a scalar", 1: "a vector", 2: "a matrix"}
        wanted = " or ".join(kinds.get(r, f"an array of rank {r}") for r in ranks)
        which = f"{name} of shape" if name else "shape"
        raise ShapeError(f"{what} takes {wanted}, not {which} {show_shape(x.shape)}", code="SD203")


def need_square(what: str, x: Node) -> None:
    """Refuse what is not a (batch of) square matrices.

    Raises:
        ShapeError: SD203 for a rank below 2, SD204 for unequal sizes.
    """
    if x.rank < 2:
        raise ShapeError(f"{what} takes a square matrix, not shape {show_shape(x.shape)}", code="SD203")
    if not same_size(x.shape[-2], x.shape[-1]):
        raise ShapeError(f"{what} takes a square matrix, not shape {show_shape(x.shape)}", code="SD204")


def axis_of(what: str, axis: Any, rank: int) -> int:
    """The axis counted from 0.

    Raises:
        ShapeError: SD205 out of range, SD208 not a whole number.
    """
    axis = int(axis) if isinstance(axis, Integer) else axis
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise ShapeError(f"{what}: axis must be a whole number, not {axis!r}", code="SD208")
    if not -rank <= axis < rank:
        have = f"the axes are {-rank} to {rank - 1}" if rank else "a scalar has no axes"
        raise ShapeError(f"{what}: axis {axis} is out of range for rank {rank}", code="SD205", hint=have)
    return axis % rank


def axes_of(what: str, axis: Any, rank: int) -> tuple[int, ...]:
    """The axes that `axis` (None for all, a number or a tuple) names, counted from 0, ascending.

    Raises:
        ShapeError: SD205 out of range or named twice, SD208 not whole numbers.
    """
    if axis is None:
        return tuple(range(rank))
    axes = [axis_of(what, a, rank) for a in (axis if isinstance(axis, tuple) else (axis,))]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{what}: axis {axis} names an axis twice", code="SD205")
    return tuple(sorted(axes))


def sizes_of(what: str, shape: Any) -> Shape:
    """A tuple of sizes from a `shape` parameter (a size or a tuple of sizes).

    Raises:
        ShapeError: SD208 for negative or non-whole sizes.
    """
    sizes = shape if isinstance(shape, tuple) else (shape,)
    return tuple(size_of(what, s) for s in sizes)


def size_of(what: str, size: Any) -> Expr:
    """One size.

    Raises:
        ShapeError: SD208 for a negative or non-whole one.
    """
    from ..expr.sizes import as_size

    value = None if size is None or isinstance(size, (bool, float)) else as_size(size)
    if not isinstance(value, Expr) or value.is_integer is False or value.is_negative:
        raise ShapeError(
            f"{what}: {size!r} is not a size", code="SD208", hint="a size is a whole number or a size symbol such as n"
        )
    return value


def is_whole(root: Node) -> bool:
    """Whether the values are whole numbers by declaration and structure, so that they can be labels or indices."""

    def visit(node: Node, operands: list[bool]) -> bool:
        if isinstance(node, Num):
            return node.value.is_integer is True
        if isinstance(node, Var):
            return node.is_a("integer")
        if isinstance(node, Call):
            if node.name == "getitem":
                return operands[0]
            return node.name in _ALWAYS_WHOLE or (node.name in _WHOLE and all(operands))
        return isinstance(node, Index)

    return fold(root, visit)


def need_whole(what: str, x: Node) -> None:
    """Refuse what is not declared to be whole numbers.

    Raises:
        ShapeError: SD209.
    """
    if not is_whole(x):
        name = x.name if isinstance(x, Var) else ""
        shown = f"{name!r}" if name else f"a value of shape {show_shape(x.shape)}"
        sizes = ",".join(map(str, x.shape)) or "scalar"
        hint = f"declare it: {name}: {sizes} integer" if name else "use a variable declared `integer`, a whole number or an index"
        raise ShapeError(f"{what}: {shown} is not an integer label", code="SD209", hint=hint)
