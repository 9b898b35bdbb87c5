"""Sample notation: `wᵀ x_i` for `Σ_k X_ik w_k`, with the rows of a matrix as the samples.

∂L/∂w = −2 Σ_i δ_i x_i            from the entries  −2 Σ_i δ_i x_ij
∂L/∂W = Σ_i x_i (p_i − y_i)ᵀ      from the entries  Σ_i x_ij (p_il − y_il)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from sympy import Expr

from ..expr.nodes import Call, Node, Var
from ..expr.walk import fold, postorder, with_operands


def sampled(words: Node) -> Node:
    """Sums over the features of a sample as inner products with its row; the same value."""
    return fold(words, _visit)


def _visit(node: Node, operands: list[Node]) -> Node:
    new = with_operands(node, operands)
    if not isinstance(new, Call) or new.name != "isum" or len(new.operands) != 2:
        return new
    body, index = new.operands
    if not isinstance(body, Call) or body.name != "mul" or len(body.operands) != 2:
        return new
    for a, b in (body.operands, body.operands[::-1]):
        row = _row(a, index)
        if row is not None and _is_entry(b, index) and new.params["hi"] == b.operands[0].shape[0]:
            return Call("matmul", b.operands[0], row)
    return new


def _row(x: Node, index: Node) -> Node | None:
    """`X[i]` of `X[i, k]`."""
    if not (isinstance(x, Call) and x.name == "getitem" and isinstance(x.operands[0], Var) and len(x.operands) == 3):
        return None
    if x.operands[2] is index and x.operands[1] is not index and all(s == "at" for s in x.params["spec"]):
        return Call("getitem", x.operands[0], x.operands[1], spec=("at",))
    return None


def _is_entry(x: Node, index: Node) -> bool:
    return (
        isinstance(x, Call)
        and x.name == "getitem"
        and len(x.operands) == 2
        and x.operands[1] is index
        and x.operands[0].rank == 1
    )


def sample_axis(variables: Iterable[Var], by: Iterable[Var]) -> Expr | None:
    """The length of the axis that counts the samples: the rows of the first matrix that is not differentiated by."""
    weights = set(by)
    return next((v.shape[0] for v in variables if v.rank == 2 and v not in weights), None)


def row_name(v: Var, samples: Expr | None, taken: Container[str]) -> str:
    """`x` for the rows of `X`; "" where its rows are not samples."""
    fits = samples is not None and v.rank == 2 and v.shape[0] == samples and len(v.name) == 1 and v.name.isupper()
    return v.name.lower() if fits and v.name.lower() not in taken else ""


def assembled(word: Node, free: Sequence[Node]) -> Node | None:
    """The vector or matrix whose entries at the free indices are `word`, as a sum over samples; None where it is no such sum."""
    if not any(isinstance(n, Call) and n.name == "isum" for n in postorder(word)):
        return None
    return _vector(word, free[0]) if len(free) == 1 else _matrix(word, free[0], free[1]) if len(free) == 2 else None


def _vector(x: Node, j: Node) -> Node | None:
    """The vector whose entry `j` is `x`."""
    if not isinstance(x, Call):
        return None
    if x.name == "getitem":
        if x.operands[-1] is not j or not isinstance(x.operands[0], Var) or any(_has(o, j) for o in x.operands[1:-1]):
            return None
        at = x.operands[1:-1]
        return Call("getitem", x.operands[0], *at, spec=("at",) * len(at)) if at else x.operands[0]
    if x.name in ("neg", "isum", "sqrt", "exp", "sign", "abs") or (x.name == "div" and not _has(x.operands[1], j)):
        inner = _vector(x.operands[0], j)
        return None if inner is None or any(_has(o, j) for o in x.operands[1:]) else x.with_operands([inner, *x.operands[1:]])
    if x.name == "add":
        terms = [_vector(t, j) for t in x.operands]
        return None if any(t is None for t in terms) else Call("add", *terms)  # type: ignore[arg-type]
    if x.name == "mul":
        mine = [o for o in x.operands if _has(o, j)]
        inner = _vector(mine[0], j) if len(mine) == 1 else None
        return None if inner is None else Call("mul", *(o for o in x.operands if o is not mine[0]), inner)
    return None


def _matrix(x: Node, j: Node, k: Node) -> Node | None:
    """The matrix whose entry `j, k` is `x`: sums of outer products."""
    if not isinstance(x, Call):
        return None
    if x.name in ("neg", "isum") or (x.name == "div" and not _has(x.operands[1], j) and not _has(x.operands[1], k)):
        inner = _matrix(x.operands[0], j, k)
        return None if inner is None else x.with_operands([inner, *x.operands[1:]])
    if x.name == "add":
        terms = [_matrix(t, j, k) for t in x.operands]
        return None if any(t is None for t in terms) else Call("add", *terms)  # type: ignore[arg-type]
    if x.name != "mul":
        return None
    both = [o for o in x.operands if _has(o, j) and _has(o, k)]
    rest = [o for o in x.operands if not _has(o, j) and not _has(o, k)]
    if both:
        inner = _matrix(both[0], j, k) if len(both) == 1 and len(rest) + 1 == len(x.operands) else None
        return None if inner is None else Call("mul", *rest, inner)
    rows, columns = ([o for o in x.operands if _has(o, i)] for i in (j, k))
    if len(rows) != 1 or len(columns) != 1:
        return None
    u, v = _vector(rows[0], j), _vector(columns[0], k)
    if u is None or v is None:
        return None
    return Call("mul", *rest, Call("outer", u, v)) if rest else Call("outer", u, v)


def _has(x: Node, index: Node) -> bool:
    return any(n is index for n in postorder(x))


__all__ = ["assembled", "row_name", "sample_axis", "sampled"]
