"""Operations that move, select, repeat or build entries: all linear, so lowering turns them into products with deltas."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Expr, Integer

from ..errors import ShapeError
from ..expr.op import declare
from ..expr.sizes import Shape, broadcast_shapes, product, same_size, show_shape
from ._rules import Operands, Params, axes_of, axis_of, need_rank, size_of, sizes_of


def transpose_shape(operands: Operands, params: Params) -> Shape:
    """The axes in the order of `axes`, or reversed.

    Raises:
        ShapeError: SD208 when `axes` is not an order of all axes.
    """
    shape, axes = operands[0].shape, params["axes"]
    if axes is None:
        return shape[::-1]
    order = [axis_of("transpose", a, len(shape)) for a in (axes if isinstance(axes, tuple) else (axes,))]
    if sorted(order) != list(range(len(shape))):
        raise ShapeError(f"transpose: {axes} is not an order of the {len(shape)} axes of shape {show_shape(shape)}", code="SD208")
    return tuple(shape[a] for a in order)


def reshape_shape(operands: Operands, params: Params) -> Shape:
    """The new shape, in which one size may be -1.

    Raises:
        ShapeError: SD206 when the numbers of entries differ or the size for -1 is not whole.
    """
    old = operands[0].shape
    wanted = params["shape"] if isinstance(params["shape"], tuple) else (params["shape"],)
    free = [k for k, s in enumerate(wanted) if s == -1]
    sizes = [Integer(1) if s == -1 else size_of("reshape", s) for s in wanted]
    shown = f"reshape: {show_shape(old)} to {show_shape(wanted)}"
    if len(free) > 1:
        raise ShapeError(f"{shown}: only one size can be -1", code="SD206")
    if not free:
        if not same_size(product(old), product(tuple(sizes))):
            raise ShapeError(f"{shown}: {product(old)} entries against {product(tuple(sizes))}", code="SD206")
        return tuple(sizes)
    rest = sympy.cancel(product(old) / product(tuple(sizes))) if product(tuple(sizes)) != 0 else sympy.nan
    if rest.is_integer is not True or sympy.denom(rest) != 1:
        raise ShapeError(f"{shown}: {product(old)} entries do not divide by {product(tuple(sizes))}", code="SD206")
    sizes[free[0]] = rest
    return tuple(sizes)


def stack_shape(operands: Operands, params: Params) -> Shape:
    """A new axis before `axis` of operands of one shape.

    Raises:
        ShapeError: SD201 when shapes differ, SD205.
    """
    first = _first("stack", operands)
    for x in operands[1:]:
        if x.rank != len(first) or not all(map(same_size, x.shape, first)):
            raise ShapeError(f"stack: shapes {show_shape(first)} and {show_shape(x.shape)} differ", code="SD201")
    axis = axis_of("stack", params["axis"], len(first) + 1)
    return (*first[:axis], Integer(len(operands)), *first[axis:])


def concatenate_shape(operands: Operands, params: Params) -> Shape:
    """Operands one after the other along `axis`; the other sizes are equal.

    Raises:
        ShapeError: SD201 when other sizes differ, SD203 for scalars, SD205.
    """
    first = _first("concatenate", operands)
    if not first:
        raise ShapeError("concatenate takes vectors or arrays, not scalars", code="SD203", hint="use stack for scalars")
    axis = axis_of("concatenate", params["axis"], len(first))
    for x in operands[1:]:
        fits = x.rank == len(first) and all(
            k == axis or same_size(s, t) for k, (s, t) in enumerate(zip(x.shape, first, strict=True))
        )
        if not fits:
            raise ShapeError(
                f"concatenate: shapes {show_shape(first)} and {show_shape(x.shape)} do not fit along axis {axis}", code="SD201"
            )
    total = sympy.expand(sum((x.shape[axis] for x in operands), Integer(0)))
    return (*first[:axis], total, *first[axis + 1 :])


def _first(name: str, operands: Operands) -> Shape:
    if not operands:
        raise ShapeError(f"{name} needs at least one operand", code="SD208")
    return operands[0].shape


def outer_shape(operands: Operands, params: Params) -> Shape:
    """`(n,), (m,) -> (n, m)`."""
    x, y = operands
    need_rank("outer", x, 1)
    need_rank("outer", y, 1)
    return x.shape + y.shape


def kron_shape(operands: Operands, params: Params) -> Shape:
    """`(n, m), (p, q) -> (n p, m q)`; a vector counts as one row."""
    A, B = operands
    need_rank("kron", A, 1, 2)
    need_rank("kron", B, 1, 2)
    rank = max(A.rank, B.rank)
    a, b = ((Integer(1),) * (rank - x.rank) + x.shape for x in (A, B))
    return tuple(sympy.expand(s * t) for s, t in zip(a, b, strict=True))


def diag_shape(operands: Operands, params: Params) -> Shape:
    """`(n,) -> (n, n)` and `(n, n) -> (n,)`.

    Raises:
        ShapeError: SD203 for other ranks, SD204 for a matrix that is not square.
    """
    x = operands[0]
    need_rank("diag", x, 1, 2)
    if x.rank == 1:
        return x.shape * 2
    if all(s.is_Integer for s in x.shape):
        return (min(x.shape),)
    if not same_size(*x.shape):
        raise ShapeError(f"diag takes a square matrix or a vector, not shape {show_shape(x.shape)}", code="SD204")
    return x.shape[:1]


def _triangle(name: str) -> Callable[[Operands, Params], Shape]:
    def rule(operands: Operands, params: Params) -> Shape:
        x = operands[0]
        if x.rank < 2:
            raise ShapeError(f"{name} takes a matrix, not shape {show_shape(x.shape)}", code="SD203")
        _whole(name, params["k"])
        return x.shape

    return rule


def _whole(name: str, k: object) -> None:
    if isinstance(k, bool) or not isinstance(k, int):
        raise ShapeError(f"{name}: k is a whole number, not {k!r}", code="SD208")


def cumsum_shape(operands: Operands, params: Params) -> Shape:
    """The same shape; without `axis` only a vector."""
    x = operands[0]
    if params["axis"] is None:
        need_rank("cumsum without axis", x, 1)
    else:
        axis_of("cumsum", params["axis"], x.rank)
    return x.shape


def flip_shape(operands: Operands, params: Params) -> Shape:
    """The same shape."""
    axes_of("flip", params["axis"], operands[0].rank)
    return operands[0].shape


def squeeze_shape(operands: Operands, params: Params) -> Shape:
    """Without axes of size 1.

    Raises:
        ShapeError: SD208 when a named axis is not of size 1.
    """
    shape = operands[0].shape
    if params["axis"] is None:
        return tuple(s for s in shape if s != 1)
    axes = axes_of("squeeze", params["axis"], len(shape))
    if any(shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze: axis {params['axis']} of shape {show_shape(shape)} is not of size 1", code="SD208")
    return tuple(s for a, s in enumerate(shape) if a not in axes)


def expand_dims_shape(operands: Operands, params: Params) -> Shape:
    """With a new axis of size 1."""
    shape = operands[0].shape
    axis = axis_of("expand_dims", params["axis"], len(shape) + 1)
    return (*shape[:axis], Integer(1), *shape[axis:])


def broadcast_to_shape(operands: Operands, params: Params) -> Shape:
    """The wanted shape.

    Raises:
        ShapeError: SD201 when the operand does not stretch to it.
    """
    x, wanted = operands[0], sizes_of("broadcast_to", params["shape"])
    found = broadcast_shapes([x.shape, wanted], "broadcast_to") if x.rank <= len(wanted) else ()
    if len(found) != len(wanted) or not all(map(same_size, found, wanted)):
        raise ShapeError(f"broadcast_to: shape {show_shape(x.shape)} does not stretch to {show_shape(wanted)}", code="SD201")
    return wanted


def swapaxes_shape(operands: Operands, params: Params) -> Shape:
    """With two axes exchanged."""
    shape = list(operands[0].shape)
    a, b = (axis_of("swapaxes", params[k], len(shape)) for k in ("axis1", "axis2"))
    shape[a], shape[b] = shape[b], shape[a]
    return tuple(shape)


def einsum_shape(operands: Operands, params: Params) -> Shape:
    """The sizes of the output letters.

    Raises:
        ShapeError: SD202 when a letter has two sizes, SD203 when letters and rank differ, SD208 for subscripts that are not of the form.
    """
    subs = params["subs"]
    if not isinstance(subs, str) or subs.count("->") != 1:
        raise ShapeError(f"einsum: {subs!r} has no explicit output", code="SD208", hint="write 'ij,jk->ik'")
    left, out = subs.replace(" ", "").split("->")
    inputs = left.split(",")
    if len(inputs) != len(operands) or not all(c.isalpha() for word in (*inputs, out) for c in word):
        raise ShapeError(f"einsum: {subs!r} is not one word of letters for each of {len(operands)} operands", code="SD208")
    sizes: dict[str, Expr] = {}
    for word, x in zip(inputs, operands, strict=True):
        if len(word) != x.rank:
            raise ShapeError(f"einsum: {word!r} has {len(word)} letters for shape {show_shape(x.shape)}", code="SD203")
        for letter, size in zip(word, x.shape, strict=True):
            if not same_size(sizes.setdefault(letter, size), size):
                raise ShapeError(f"einsum: {letter!r} in {subs!r} is {sizes[letter]} and {size}", code="SD202")
    for letter in out:
        if letter not in sizes:
            raise ShapeError(f"einsum: the output letter {letter!r} of {subs!r} is in no operand", code="SD208")
    return tuple(sizes[letter] for letter in out)


def eye_shape(operands: Operands, params: Params) -> Shape:
    """`(n, n)` or `(n, m)`."""
    n = size_of("eye", params["n"])
    return (n, n if params["m"] is None else size_of("eye", params["m"]))


def tri_shape(operands: Operands, params: Params) -> Shape:
    """`(n, m)`."""
    _whole("tri", params["k"])
    return (size_of("tri", params["n"]), size_of("tri", params["m"]))


def arange_shape(operands: Operands, params: Params) -> Shape:
    """`(hi - lo,)`."""
    return (size_of("arange", sympy.expand(params["hi"] - sympy.sympify(params["lo"]))),)


def _filled(name: str) -> Callable[[Operands, Params], Shape]:
    return lambda operands, params: sizes_of(name, params["shape"])


def vec_shape(operands: Operands, params: Params) -> Shape:
    """`(n d,)`."""
    return (product(operands[0].shape),)


_MATRIX = {"X": "n,d"}
_LINEAR = "linearity"

declare("transpose", "x, *, axes=None", shape=transpose_shape, numpy="np.transpose({x}, {axes})", torch="_permute({x}, {axes})",
        says="Xᵀ, or the axes in the order of axes=.", source=_LINEAR, example="transpose(B, (1, 0, 2))", example_vars={"B": "n,d,k"})  # fmt: skip
declare("reshape", "x, *, shape", shape=reshape_shape, numpy="np.reshape({x}, {shape})", torch="torch.reshape({x}, _sized({shape}))", says="The entries, rows first, in another shape.",
        source=_LINEAR, example="reshape(X, (n*d,))", example_vars=_MATRIX)  # fmt: skip
declare("vec", "x", shape=vec_shape, numpy="np.ravel({x}, order='F')", torch="torch.reshape({x}.T, (-1,))",
        says="vec X: the columns stacked, so vec(A X B) = kron(B.T, A) vec(X).", source="Magnus and Neudecker 2019, ch. 2",
        example="vec(X)", example_vars=_MATRIX)  # fmt: skip
declare("stack", "*xs, axis=0", shape=stack_shape, numpy="np.stack(({*},), axis={axis})", torch="torch.stack(({*},), dim={axis})",
        says="[x, y, …]: arrays of one shape along a new axis.", source=_LINEAR, example="stack([x, y])", example_vars={"x": "d", "y": "d"})  # fmt: skip
declare("concatenate", "*xs, axis=0", shape=concatenate_shape, numpy="np.concatenate(({*},), axis={axis})",
        torch="torch.cat(({*},), dim={axis})", says="[x; y; …]: arrays one after the other.", source=_LINEAR,
        example="concatenate([x, y])", example_vars={"x": "d", "y": "k"})  # fmt: skip
declare("outer", "x, y", shape=outer_shape, numpy="np.outer({x}, {y})", latex="{x} {y}^{{\\top}}", says="x yᵀ: the outer product.",
        source=_LINEAR, example="outer(x, y)", example_vars={"x": "n", "y": "d"})  # fmt: skip
declare("kron", "A, B", shape=kron_shape, numpy="np.kron({A}, {B})", latex="{A} \\otimes {B}", says="A ⊗ B: the Kronecker product.",
        source="Magnus and Neudecker 2019, ch. 2", example="kron(A, B)", example_vars={"A": "n,m", "B": "p,q"})  # fmt: skip
declare("diag", "x", shape=diag_shape, numpy="np.diag({x})", torch="torch.diag({x})", latex="\\operatorname{{diag}}\\left({x}\\right)",
        says="diag x: the diagonal matrix of a vector, the diagonal of a matrix.", source=_LINEAR, example="diag(x)", example_vars={"x": "d"})  # fmt: skip
declare("tril", "x, *, k=0", shape=_triangle("tril"), numpy="np.tril({x}, {k})", says="The entries on and below diagonal k, else 0.",
        source=_LINEAR, example="tril(A)", example_vars={"A": "n,n"})  # fmt: skip
declare("triu", "x, *, k=0", shape=_triangle("triu"), numpy="np.triu({x}, {k})", says="The entries on and above diagonal k, else 0.",
        source=_LINEAR, example="triu(A)", example_vars={"A": "n,n"})  # fmt: skip
declare("cumsum", "x, *, axis=None", shape=cumsum_shape, numpy="np.cumsum({x}, axis={axis})", torch="_cumsum({x}, axis={axis})",
        says="x₀, x₀ + x₁, …: running sums.", source=_LINEAR, example="cumsum(x)", example_vars={"x": "d"})  # fmt: skip
declare("flip", "x, *, axis=None", shape=flip_shape, numpy="np.flip({x}, axis={axis})", torch="_flip({x}, axis={axis})",
        says="The entries in backward order.", source=_LINEAR, example="flip(x)", example_vars={"x": "d"})  # fmt: skip
declare("squeeze", "x, *, axis=None", shape=squeeze_shape, numpy="np.squeeze({x}, axis={axis})", torch="torch.squeeze({x}, {axis})", says="Without axes of size 1.",
        source=_LINEAR, example="squeeze(X)", example_vars={"X": "n,1"})  # fmt: skip
declare("expand_dims", "x, *, axis", shape=expand_dims_shape, numpy="np.expand_dims({x}, axis={axis})", torch="torch.unsqueeze({x}, {axis})",
        says="With a new axis of size 1.", source=_LINEAR, example="expand_dims(x, axis=0)", example_vars={"x": "d"})  # fmt: skip
declare("broadcast_to", "x, *, shape", shape=broadcast_to_shape, numpy="np.broadcast_to({x}, {shape})", torch="torch.broadcast_to({x}, _sized({shape}))", says="Repeated to a larger shape.",
        source=_LINEAR, example="broadcast_to(x, (n, d))", example_vars={"x": "d", "y": "n"})  # fmt: skip
declare("swapaxes", "x, *, axis1, axis2", shape=swapaxes_shape, numpy="np.swapaxes({x}, {axis1}, {axis2})", says="Two axes exchanged.",
        source=_LINEAR, example="swapaxes(X, 0, 1)", example_vars=_MATRIX)  # fmt: skip
declare("einsum", "*xs, subs", shape=einsum_shape, says="einsum('ij,jk->ik', A, B): a product with named axes, summed over those not in the output.",
        source=_LINEAR, example="einsum('ij,kj->ik', X, Z)", example_vars={"X": "n,d", "Z": "k,d"})  # fmt: skip
declare("eye", "*, n, m=None", shape=eye_shape, numpy="np.eye({n}, {m})", jax="jnp.eye({n}, {m}, **_like)", torch="_eye({n}, {m}, **_like)", latex="I", says="I: the identity matrix.", source="constant",
        example="X + eye(n)", example_vars={"X": "n,n"})  # fmt: skip
declare("ones", "*, shape", shape=_filled("ones"), numpy="np.ones({shape})", jax="jnp.ones({shape}, **_like)", torch="torch.ones({shape}, **_like)", latex="\\mathbf{{1}}", says="1: an array of ones.", source="constant",
        example="X @ ones(d)", example_vars=_MATRIX)  # fmt: skip
declare("zeros", "*, shape", shape=_filled("zeros"), numpy="np.zeros({shape})", jax="jnp.zeros({shape}, **_like)", torch="torch.zeros({shape}, **_like)", latex="\\mathbf{{0}}", says="0: an array of zeros.", source="constant",
        example="X + zeros((n, d))", example_vars=_MATRIX)  # fmt: skip
declare("arange", "*, lo=0, hi", shape=arange_shape, numpy="np.arange({lo}, {hi})", torch="torch.arange({lo}, {hi}, device=_like['device'])", says="lo, lo + 1, …, hi - 1.", source="constant",
        example="x*arange(d)", example_vars={"x": "d"})  # fmt: skip
declare("tri", "*, n, m, k=0", shape=tri_shape, numpy="np.tri({n}, {m}, {k})", jax="jnp.tri({n}, {m}, {k}, **_like)", torch="_tri({n}, {m}, {k}, **_like)", says="1 on and below diagonal k, else 0.", source="constant",
        example="X*tri(n, d)", example_vars=_MATRIX)  # fmt: skip
