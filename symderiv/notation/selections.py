"""Constant 0/1 matrices in a chain, written as what they do to the rest: slices, reversals, running sums, picked entries."""

from __future__ import annotations

from ..expr.nodes import Call, Node, Num
from .build import transpose


def _bare(x: Node) -> tuple[Call | None, bool]:
    """A constant matrix without operands and whether it is transposed."""
    if isinstance(x, Call) and x.name == "T":
        inner = x.operands[0]
        return (inner, True) if isinstance(inner, Call) else (None, False)
    return (x, False) if isinstance(x, Call) else (None, False)


def _is_eye(x: Node) -> bool:
    return isinstance(x, Call) and x.name == "eye" and x.params["m"] is None


def _rest(chain: list[Node]) -> Node:
    from .build import matmul

    return matmul(*chain)


def apply_first(chain: list[Node]) -> list[Node] | None:
    """`tri @ x`, `flip(eye) @ x`, `eye[a:b] @ x`, `onehot(k) @ x`."""
    first, flipped = _bare(chain[0])
    if first is None:
        return None
    rest = chain[1:]
    if first.name == "tri" and first.params["k"] == 0 and first.shape[0] == first.shape[1]:
        x = _rest(rest)
        axis = None if x.rank == 1 else 0
        if not flipped:
            return [Call("cumsum", x, axis=axis)]
        turned = Call("flip", x, axis=0)
        return [Call("flip", Call("cumsum", turned, axis=axis), axis=0)]
    if first.name == "flip" and _is_eye(first.operands[0]):
        return [Call("flip", _rest(rest), axis=0)]
    if first.name == "getitem" and _is_eye(first.operands[0]) and len(first.operands) == 1 and not flipped:
        return [Call("getitem", _rest(rest), spec=first.params["spec"])]
    if first.name == "onehot" and first.rank == 1 and first.operands[0].rank == 0:
        x = _rest(rest)
        if x.rank == 1:
            return [picked(x, first, ("at",))]
        if x.rank == 2 and len(rest) == 1:
            return [picked(x, first, ("at",))]
    return None


def apply_last(chain: list[Node]) -> list[Node] | None:
    """`x @ onehot(k)` as a column, `u @ onehot(k)` as an entry; `x @ tri.T` and the rest through the transpose."""
    last, _ = _bare(chain[-1])
    if last is None:
        return None
    if last.name == "onehot" and last.rank == 1 and last.operands[0].rank == 0:
        x = _rest(chain[:-1])
        if x.rank == 1:
            return [picked(x, last, ("at",))]
        if len(chain) == 2:
            return [picked(x, last, (("slice", None, None, None), "at"))]
        return None
    if (
        len(chain) == 2
        and chain[0].rank == 2
        and last.rank == 2
        and last.name in ("tri", "flip", "getitem")
        and len(last.operands) <= 1
    ) and (last.name == "tri" or _is_eye(last.operands[0])):
        new = apply_first([transpose(chain[-1]), transpose(chain[0])])
        if new is not None and isinstance(new[0], Call):
            return [_moved(new[0])]
    return None


def _moved(x: Call) -> Node:
    """The transpose of an operation along axis 0 is the operation along axis 1."""
    if x.name in ("cumsum", "flip"):
        inner = x.operands[0]
        return Call(
            x.name, _moved(inner) if isinstance(inner, Call) and inner.name in ("cumsum", "flip") else transpose(inner), axis=1
        )
    return transpose(x)


def picked(x: Node, hot: Call, spec: tuple) -> Node:
    """`x[k]`: a whole number counted from the end is written with a minus."""
    k = hot.operands[0]
    count = spec.count("at")
    if isinstance(k, Num):
        back = k.value - hot.params["k"]
        if not k.value.is_Integer and back.is_Integer:
            k = Num(back)
    return Call("getitem", x, *([k] * count), spec=spec)
