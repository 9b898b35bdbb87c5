"""Values with a side: scalars, columns, rows, matrices; how they add, multiply and divide in mathematics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sympy import Dummy, Integer

from ...errors import InputError
from ...expr.nodes import Call, Node, Num
from ...expr.sizes import same_size, show_shape

if TYPE_CHECKING:
    from .reader import LatexReader

KINDS = ("scalar", "column", "matrix")
SHOWN = {"scalar": "a scalar", "column": "a column", "row": "a row", "matrix": "a matrix", "tensor": "an array of rank 3 or more"}


@dataclass(frozen=True, eq=False)
class Value:
    """Words and the side on which they stand.

    Attributes:
        node: words; a row is the vector of its entries.
        kind: scalar, column, row, matrix or tensor.
        start, stop: place in the source.
        literal: a whole number as written, that may stand for a vector of ones.
        named: the name of the variable that it is, or "".
        family: how many subscripts number the columns of an array that is defined by them: `z_i = W x_i`.
    """

    node: Node
    kind: str
    start: int
    stop: int
    literal: bool = False
    named: str = ""
    family: int = 0

    @property
    def is_array(self) -> bool:
        return self.kind != "scalar"


def value_of(node: Node, start: int, stop: int, **more) -> Value:
    """Vectors are columns."""
    return Value(node, KINDS[node.rank] if node.rank < 3 else "tensor", start, stop, **more)


def transposed(r: LatexReader, x: Value, stop: int) -> Value:
    """`xᵀ`, `Aᵀ`; a number has no transpose."""
    if x.kind == "column":
        return replace(x, kind="row", stop=stop, literal=False)
    if x.kind == "row":
        return replace(x, kind="column", stop=stop, literal=False)
    if x.kind == "matrix" or x.kind == "tensor":
        return Value(r.make("T", x.node, start=x.start, stop=stop), x.kind, x.start, stop)
    return replace(x, stop=stop)


# sums ------------------------------------------------------------------------------------------------------------------


def add(r: LatexReader, terms: list[tuple[int, Value]]) -> Value:
    """`a - b + c`; a scalar beside vectors is added to every entry.

    Raises:
        InputError: SD132 for a scalar or a vector beside a matrix, a row beside a column.
    """
    start, stop = terms[0][1].start, terms[-1][1].stop
    if len(terms) == 1:
        sign, x = terms[0]
        return x if sign > 0 else replace(x, node=negative(r, x), literal=False)
    full = [x for _, x in terms if x.is_array and not _is_zero(x)]
    if full:
        for x in (x for _, x in terms if _is_zero(x) and x.kind != full[0].kind and r.guessing):
            r.unify(x.node.shape[0], full[0].node.shape[0])  # what is left out needs no size
        terms = [(sign, x) for sign, x in terms if not _is_zero(x) or x.kind == full[0].kind]  # 0 is of any kind
    arrays = [x for _, x in terms if x.is_array]
    kind = arrays[0].kind if arrays else "scalar"
    if any(x.kind == "tensor" for x in arrays):
        kind = "tensor"  # has no mathematics of its own: NumPy's rule
    for x in arrays[1:]:
        if x.kind != kind and kind != "tensor":
            raise _mixed_sum(r, arrays[0], x)
    if kind == "matrix" and any(not x.is_array for _, x in terms):
        _check_assumed_matrix(r, arrays, next(x for _, x in terms if not x.is_array))
        _check_scalar_beside_matrix(r, arrays[0], next(x for _, x in terms if not x.is_array))
    nodes = [x.node if sign > 0 else negative(r, x) for sign, x in terms]
    if all(isinstance(n, Num) for n in nodes):
        return Value(Num(sum((n.value for n in nodes), Integer(0))), "scalar", start, stop)
    return Value(r.make("add", *nodes, start=start, stop=stop), kind, start, stop)


def _check_assumed_matrix(r: LatexReader, arrays: list[Value], scalar: Value) -> None:
    """`J + 1` with a J that is a matrix only by its letter: more likely a number."""
    if all(r.is_guess(x.node) for x in arrays):
        x = arrays[0]
        what = f"{r.shown(x)} is not declared; from its letter it is a matrix, beside the scalar {r.shown(scalar)}"
        raise r.error(what, x.start, x.stop, "SD133", f"declare it: `{x.node.name}: scalar` or `{x.node.name}: n,d`")  # type: ignore[attr-defined]


def _is_zero(x: Value) -> bool:
    return isinstance(x.node, Call) and x.node.name == "zeros"


def negative(r: LatexReader, x: Value) -> Node:
    return Num(-x.node.value) if isinstance(x.node, Num) else r.make("neg", x.node, start=x.start, stop=x.stop)


def _mixed_sum(r: LatexReader, a: Value, b: Value) -> InputError:
    hint = "transpose one of the two"
    if "matrix" in (a.kind, b.kind):
        vector = a if a.kind != "matrix" else b
        text = r.text(vector.start, vector.stop, 30)
        hint = rf"to add it to every row write \mathbf{{1}} {text}^\top, to every column {text} \mathbf{{1}}^\top"
    what = f"{r.shown(a)} is {SHOWN[a.kind]}, {r.shown(b)} is {SHOWN[b.kind]}: they cannot be added"
    return r.error(what, a.start, b.stop, "SD132", hint + r.declare_hint(a.node, b.node))


def _check_scalar_beside_matrix(r: LatexReader, matrix: Value, scalar: Value) -> None:
    """On a square matrix `A + 1` may mean `A + I`."""
    rows, columns = matrix.node.shape
    if isinstance(scalar.node, Num) and scalar.node.value == 0:
        return
    if rows == columns or (r.guessing and r.equal_sizes(rows, columns)):
        text = r.text(scalar.start, scalar.stop, 20)
        what = f"{r.shown(scalar)} is a scalar beside the square matrix {r.shown(matrix)}: every entry or the diagonal?"
        hint = rf"write {text} I, or {text} \mathbf{{1}} \mathbf{{1}}^\top"
        raise r.error(what, min(matrix.start, scalar.start), max(matrix.stop, scalar.stop), "SD132", hint)


# products --------------------------------------------------------------------------------------------------------------


def multiply(r: LatexReader, factors: list[tuple[str, Value]]) -> Value:
    """Juxtaposed factors, or factors with `\\cdot`, `\\times`, `*` before them, from left to right.

    `xᵀ y` is a number, `x yᵀ` a matrix; scalars go in front.

    Raises:
        InputError: SD132 for two columns or two rows side by side.
        ShapeError: SD134.
    """
    start, stop = factors[0][1].start, factors[-1][1].stop
    scalars: list[Node] = []
    array: _Chain | None = None
    for sign, x in factors:
        if x.literal and array is not None and not sign and x.node is Num(1):
            x = r.ones(x)  # Xᵀ 1
        if not x.is_array:
            scalars.append(x.node)
            continue
        if array is None:
            array = _Chain(x)
            continue
        if sign in ("times", "*"):
            what = f"`{sign if sign == '*' else chr(92) + sign}` between {SHOWN[array.kind]} and {SHOWN[x.kind]} can mean several products"
            hint = r"write \odot for the elementwise product, nothing for the matrix product"
            raise r.error(what, array.start, x.stop, "SD132", hint)
        if sign == "cdot" and array.kind == x.kind == "column":
            array.kind = "row"  # x · y is the inner product
        array.append(r, x)
        if array.kind == "scalar":
            scalars.append(array.node(r))
            array = None
    nodes = [*_numbers_first(scalars), *([array.node(r)] if array else [])]
    node = nodes[0] if len(nodes) == 1 else r.make("mul", *_flat(nodes), start=start, stop=stop)
    return Value(node, array.kind if array else "scalar", start, stop)


def _numbers_first(scalars: list[Node]) -> list[Node]:
    """Numbers written side by side are one number."""
    if sum(isinstance(s, Num) for s in scalars) < 2 or not isinstance(scalars[0], Num):
        return scalars
    first = scalars[0]
    k = 1
    while k < len(scalars) and isinstance(scalars[k], Num):
        first = Num(first.value * scalars[k].value)  # type: ignore[attr-defined]
        k += 1
    return [first, *scalars[k:]] if first is not Num(1) or k == len(scalars) else scalars[k:]


def _flat(nodes: list[Node]) -> list[Node]:
    """Products inside a product of scalars and one array stand side by side."""
    out: list[Node] = []
    for n in nodes:
        out.extend(n.operands if isinstance(n, Call) and n.name == "mul" and not n.rank else [n])
    return out


class NoProduct(InputError):
    """SD132: two factors side by side that are no product, such as two columns.

    Attributes:
        columns: the shapes of two columns of different sizes, which are no product of any kind.
    """

    columns: tuple[str, ...] = ()


class _Chain:
    """A matrix product that grows to the right."""

    def __init__(self, first: Value) -> None:
        self.nodes = [first.node]
        self.kind = first.kind
        self.start, self.stop = first.start, first.stop
        self.last = first

    def append(self, r: LatexReader, x: Value) -> None:
        left, right = self.kind, x.kind
        if "tensor" in (left, right):
            what = (
                f"{r.shown(self.value(r))} or {r.shown(x)} has more than two axes: a product without a sign is not defined for it"
            )
            raise r.error(what, self.start, x.stop, "SD132", "write the sum over entries")
        if (left, right) in (("column", "column"), ("row", "row"), ("matrix", "row"), ("column", "matrix")):
            how = r.context.product if r.context is not None else ""
            if how == "odot" and left == right:
                here = self.value(r)
                self.nodes = [r.make("mul", here.node, x.node, start=self.start, stop=x.stop, parts=(here, x))]
                self.stop, self.last = x.stop, replace(x, node=self.nodes[0])
                return
            if not how or how == "odot" or (how == "outer" and left != right):
                raise self._refuse(r, x)
            if how == "outer":
                self.kind, x = "column", replace(x, kind="row")
            elif right == "row":
                x = replace(x, kind="column")
            else:
                self.kind = "row"
            left, right = self.kind, x.kind
        if (left, right) == ("column", "row"):
            here = self.value(r)
            node = r.make("outer", here.node, x.node, start=self.start, stop=x.stop, parts=(here, x))
            self.nodes, self.kind = [node], "matrix"
        else:
            self._check(r, x)
            self.nodes.append(x.node)
            if len(self.nodes) > 2 and self.nodes[-2].rank < 2:
                self.nodes = [r.make("matmul", *self.nodes[:-1], start=self.start, stop=self.stop), x.node]
            self.kind = {"row": "scalar" if right == "column" else "row", "matrix": "column" if right == "column" else "matrix"}[
                left
            ]
        self.stop, self.last = x.stop, x

    def _check(self, r: LatexReader, x: Value) -> None:
        """The sizes of the two neighbours fit."""
        here = self.last
        a, b = here.node.shape[-1], x.node.shape[0]
        if not same_size(a, b):
            shown = f"{r.shown(here)} is {show_shape(here.node.shape)}, {r.shown(x)} is {show_shape(x.node.shape)}"
            hint = ""
            if here.kind == "matrix" and same_size(here.node.shape[0], b):
                hint = f"{r.text(here.start, here.stop, 30)} transposed would fit: ^\\top"
            elif x.kind == "matrix" and same_size(a, x.node.shape[1]):
                hint = f"{r.text(x.start, x.stop, 30)} transposed would fit: ^\\top"
            raised = r.shape_error(f"{shown}: inner sizes {a} and {b} differ", self.start, x.stop, hint)
            raised.operation = "matmul"
            raise raised

    def _refuse(self, r: LatexReader, x: Value) -> NoProduct:
        left, right = r.shown(self.last if len(self.nodes) > 1 else self.value(r)), r.shown(x)
        what = f"{left} is {SHOWN[self.kind]} and {right} is {SHOWN[x.kind]}: side by side they are no product"
        if self.kind == x.kind == "column":
            hint = rf"write {left.strip('`')} \odot {right.strip('`')} for the elementwise product, x^\top y or x y^\top for the others"
        else:
            hint = r"transpose one of the two, or write \odot for the elementwise product"
        hint += r.declare_hint(x.node) or r.declare_hint(self.nodes[-1])
        error = NoProduct(what, code="SD132", hint=hint, span=r.span(self.start, x.stop))
        last = self.nodes[-1]
        sizes = (last.shape[-1], x.node.shape[0])
        loose = any(s.has(Dummy) for s in sizes) or sizes[0] == sizes[1]
        if self.kind == x.kind == "column" and not loose:
            error.columns = tuple(f"{shown} has shape {show_shape((s,))}" for shown, s in zip((left, right), sizes, strict=True))
        return error

    def node(self, r: LatexReader) -> Node:
        if len(self.nodes) > 1:
            self.nodes = [r.make("matmul", *self.nodes, start=self.start, stop=self.stop)]
        return self.nodes[0]

    def value(self, r: LatexReader) -> Value:
        return Value(self.node(r), self.kind, self.start, self.stop)


def elementwise(r: LatexReader, sign: str, a: Value, b: Value) -> Value:
    """`a ⊙ b`, `a ⊘ b`, `A ⊗ B`.

    Raises:
        InputError: SD132 for operands of different kinds.
    """
    if sign == "otimes":
        if a.kind != "matrix" or b.kind != "matrix":
            what = r"`\otimes` is read as the Kronecker product of matrices"
            hint = r"write \odot for the elementwise product, x y^\top for the outer product"
            raise r.error(what, a.start, b.stop, "SD132", hint)
        return Value(r.make("kron", a.node, b.node, start=a.start, stop=b.stop), "matrix", a.start, b.stop)
    if a.is_array and b.is_array and a.kind != b.kind and "tensor" not in (a.kind, b.kind):
        what = f"{r.shown(a)} is {SHOWN[a.kind]}, {r.shown(b)} is {SHOWN[b.kind]}: there is no elementwise product of the two"
        raise r.error(what, a.start, b.stop, "SD132", "put brackets around the factors that belong together")
    kind = "tensor" if "tensor" in (a.kind, b.kind) else a.kind if a.is_array else b.kind
    if sign == "oslash":
        return Value(r.make("div", a.node, b.node, start=a.start, stop=b.stop, parts=(a, b)), kind, a.start, b.stop)
    operands = [*(a.node.operands if isinstance(a.node, Call) and a.node.name == "mul" and a.kind == kind else [a.node]), b.node]
    return Value(r.make("mul", *operands, start=a.start, stop=b.stop, parts=(a, b)), kind, a.start, b.stop)


def divide(r: LatexReader, a: Value, b: Value, start: int, stop: int) -> Value:
    """`a / b` by a scalar, or of columns entry by entry.

    Raises:
        InputError: SD132 for a matrix below the line, or a vector below a matrix.
    """
    if b.is_array and not a.is_array and r.is_guess(b.node):
        name = b.node.name  # type: ignore[attr-defined]
        what = f"{r.shown(b)} is not declared; from its letter it is {SHOWN[b.kind]}, by which nothing is divided"
        raise r.error(what, b.start, b.stop, "SD133", f"declare `{name}: scalar`, or an array with the size {name}")
    if b.kind in ("matrix", "tensor", "row") or (b.is_array and a.is_array and a.kind != b.kind):
        what = f"{r.shown(b)} is {SHOWN[b.kind]}: there is no division of {SHOWN[a.kind]} by it"
        hint = r"write \oslash for elementwise division, ^{-1} for the inverse" + r.declare_hint(b.node)
        raise r.error(what, start, stop, "SD132", hint)
    if isinstance(a.node, Num) and isinstance(b.node, Num) and not b.node.value.is_zero:
        return Value(Num(a.node.value / b.node.value), "scalar", start, stop)
    return Value(
        r.make("div", a.node, b.node, start=start, stop=stop, parts=(a, b)), a.kind if a.is_array else b.kind, start, stop
    )


def power(r: LatexReader, x: Value, exponent: Value, stop: int) -> Value:
    """`xᵃ` of a scalar, `Aᵏ` of a square matrix; of a vector only entry by entry, which is written `x^{\\odot 2}`.

    Raises:
        InputError: SD132 for a power of a vector, SD135 for powers of matrices that are not whole.
    """
    start = x.start
    if exponent.is_array:
        what = f"the exponent {r.shown(exponent)} is {SHOWN[exponent.kind]}"
        raise r.error(
            what, exponent.start, exponent.stop, "SD132", r"x^{\odot y} is the elementwise power" + r.declare_hint(exponent.node)
        )
    if not x.is_array or r.entrywise:
        kind = x.kind
        return Value(r.make("pow", x.node, exponent.node, start=start, stop=stop), kind, start, stop)
    if x.kind != "matrix":
        what = f"{r.shown(x)} is {SHOWN[x.kind]}: its power can mean several things"
        hint = r"x^{\odot 2} is elementwise, x^\top x the inner product" + r.declare_hint(x.node)
        raise r.error(what, start, stop, "SD132", hint)
    number = exponent.node.value if isinstance(exponent.node, Num) else None
    if number is not None and number.is_Rational and number in (Integer(1) / 2, -Integer(1) / 2):
        root = r.make("sqrtm", x.node, start=start, stop=stop)
        return Value(root if number > 0 else r.make("inv", root, start=start, stop=stop), "matrix", start, stop)
    if number is None or not number.is_Integer or not 1 <= abs(number) <= 8:
        raise r.error(
            f"this power of the matrix {r.shown(x)} is not read", start, stop, "SD135", "whole powers up to 8 are, and 1/2"
        )
    base = x.node if number > 0 else r.make("inv", x.node, start=start, stop=stop)
    count = abs(int(number))
    if count == 1:
        return Value(base, "matrix", start, stop)
    return Value(r.make("matmul", *([base] * count), start=start, stop=stop, parts=(x,)), "matrix", start, stop)
