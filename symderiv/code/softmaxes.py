"""Differences with a softmax that cancel where one probability is almost 1: `diag(p) - p pᵀ`, `p - e`, `a - Σ p a`.

Each rule takes two terms `(c, x)`, `(d, y)` of a sum, with numbers c and d, and gives their sum in words that do not cancel.
"""

from __future__ import annotations

from sympy import S

from ..expr.nodes import Call, Node, Num
from .cancel import coefficient, is_call, times, without_shift
from .emit import Emitter
from .hidden import hidden


def _split(term: Node) -> tuple[frozenset, Node]:
    """A product as its scalar factors and the one factor that is an array."""
    if is_call(term, "mul"):
        arrays = [x for x in term.operands if x.rank]
        if len(arrays) == 1:
            return frozenset((x, 1) for x in term.operands if not x.rank), arrays[0]
    if is_call(term, "div") and not term.operands[1].rank:
        inner, body = _split(term.operands[0])
        return inner | {(term.operands[1], -1)}, body
    return frozenset(), term


def _softmax_jacobian(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c diag(p) - c p pᵀ` for a softmax p."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c:
        return None
    (fx, x), (fy, y) = _split(x), _split(y)
    if fx != fy or not (is_call(x, "diag") and x.rank == 2 and is_call(y, "outer")):
        return None
    p = x.operands[0]
    if not (is_call(p, "softmax") and y.operands == (p, p)):
        return None
    out = times(c, hidden("softmax_jacobian", p, shape=x.shape))
    for factor, power in fx:
        out = Call("mul", factor, out) if power == 1 else Call("div", out, factor)
    return out


def _spread_jacobian(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c diag(p) + d (k p + r) pᵀ` with `d k = -c` for a softmax p: the Jacobian of the softmax and `d r pᵀ`."""
    (c, x), (d, y) = a, b
    if not (is_call(x, "diag") and x.rank == 2 and is_call(y, "outer")) or not is_call(x.operands[0], "softmax"):
        return None
    p = x.operands[0]
    for at in (0, 1):
        total, other = y.operands[at], y.operands[1 - at]
        if other is not p or not is_call(total, "add"):
            continue
        for term in total.operands:
            k, body = coefficient(term)
            if body is p and d * k == -c:
                rest = [t for t in total.operands if t is not term]
                left = rest[0] if len(rest) == 1 else Call("add", *rest)
                if left.shape != p.shape:
                    continue
                pair = (left, p) if at == 0 else (p, left)
                return Call("add", times(c, hidden("softmax_jacobian", p, shape=x.shape)), times(d, Call("outer", *pair)))
    return None


def _deviation(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c a - c Σ p a` for a softmax p: the deviation from the mean with weights p."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c:
        return None
    if y.rank == 0 and x.rank == 1:
        pair: tuple[Node, ...] = y.operands if is_call(y, "matmul", "dot") and len(y.operands) == 2 else ()
        if is_call(y, "sum"):
            pair = _two_factors(y.operands[0])
        elif is_call(y, "pow", "square") and is_call(y.operands[0], "norm"):  # ‖p‖² = Σ p²
            pair = (y.operands[0].operands[0],) * 2 if y.name == "square" or y.operands[1] is Num(2) else ()
    elif is_call(y, "sum") and y.params["keepdims"] and y.params["axis"] in (-1, x.rank - 1):
        pair = _two_factors(y.operands[0])
    else:
        return None
    if len(pair) != 2 or x not in pair:
        return None
    p = pair[1] if pair[0] is x else pair[0]
    if is_call(p, "softmax") and p.shape == x.shape and p.params["axis"] in (-1, p.rank - 1):
        return times(c, hidden("deviation", without_shift(x), p))
    return None


def _two_factors(x: Node) -> tuple[Node, ...]:
    """The factors of `a*b` or `a**2`."""
    if is_call(x, "mul") and len(x.operands) == 2:
        return tuple(x.operands)
    if is_call(x, "square") or (is_call(x, "pow") and x.operands[1] is Num(2)):
        return (x.operands[0],) * 2
    return ()


def _common_weights(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c p a - c p Σ p a = c p (a - Σ p a)` for a softmax p."""
    (c, x), (d, y) = a, b
    left, right = _two_factors(x), _two_factors(y)
    if d != -c or not left or not right:
        return None
    for p in left:
        if p in right and is_call(p, "softmax"):
            weighted = right[1] if right[0] is p else right[0]
            other = left[1] if left[0] is p else left[0]
            found = _deviation(emitter, (S.One, other), (S.NegativeOne, weighted))
            if found is not None:
                return times(c, Call("mul", p, found))
    return None


def _less_labels(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c softmax(Z) - c onehot(y)`: the entry of the label is minus the sum of the others."""
    (c, x), (d, y) = a, b
    if d != -c or not is_call(x, "softmax") or not is_call(y, "onehot") or x.shape != y.shape:
        return None
    if x.params["axis"] not in (-1, x.rank - 1) or x.rank == 0:
        return None
    return times(c, hidden("less_onehot", x, y.operands[0]))


def _less_peak(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`c m - c softmax(z)` for the gradient m of `max(z)`: the entry of the maximum is the sum of the others."""
    (c, x), (d, p) = a, b
    if d != -c or not is_call(p, "softmax") or p.rank != 1 or not is_call(x, "div"):
        return None
    top, total = x.operands
    z = p.operands[0]
    if is_call(total, "sum") and total.operands[0] is top and _marks_peak(top, z):
        return times(c, hidden("peak_less_softmax", z))
    return None


def _marks_peak(x: Node, z: Node) -> bool:
    """Whether `x` is 1 where z is largest and 0 elsewhere."""
    if is_call(x, "where") and x.operands[1] is Num(1) and x.operands[2] is Num(0):
        x = x.operands[0]
    if not is_call(x, "eq"):
        return False
    return any(o is z and is_call(m, "max") and m.operands[0] is z for o, m in (x.operands, x.operands[::-1]))


def _less_logsumexp(emitter: Emitter, a: tuple, b: tuple) -> Node | None:
    """`z_i - logsumexp(z)` as an entry of `log_softmax(z)`, `max(z) - logsumexp(z)` as its largest, `p·z - logsumexp(z)`."""
    (c, x), (d, y) = a, b
    if x is None or y is None or d != -c or not is_call(y, "logsumexp"):
        return None
    z, axis = y.operands[0], y.params["axis"]
    last = axis in (-1, z.rank - 1) or (axis is None and z.rank == 1)
    if is_call(x, "max") and x.operands[0] is z and x.params == y.params:
        return times(-c, hidden("logsumexp_excess", z, shape=y.shape, more=_axis_text(axis, y.params["keepdims"])))
    if not last or y.params["keepdims"]:
        return None
    soft = Call("log_softmax", z, axis=-1)
    if is_call(x, "getitem") and x.operands[0] is z and x.shape == y.shape:
        return times(c, Call("getitem", soft, *x.operands[1:], **x.params))
    if is_call(x, "matmul", "dot") and z.rank == 1 and len(x.operands) == 2 and z in x.operands:
        p = x.operands[1] if x.operands[0] is z else x.operands[0]
        if is_call(p, "softmax") and p.rank == 1:
            return times(c, Call(x.name, p, soft))
    return None


def _axis_text(axis: object, keepdims: bool) -> str:
    return f", axis={axis!r}, keepdims={keepdims!r}"


RULES = (_less_logsumexp, _softmax_jacobian, _spread_jacobian, _deviation, _common_weights, _less_labels, _less_peak)
