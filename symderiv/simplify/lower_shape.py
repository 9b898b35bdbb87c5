"""Lowering of words that move, pick and arrange entries: all are products with deltas and constant 0/1 matrices."""

from __future__ import annotations

from sympy import Expr, Integer, S

from ..errors import DerivativeError
from ..expr.nodes import Call, Index, Node, Num
from ..expr.walk import postorder
from .calls import call
from .lower import Lowered, Scope, lower_atomic, lowers
from .product import einsum, ones


@lowers("T")
def _transpose(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    own = list(range(x.rank))
    return Lowered(einsum([(x.node, x.labels(own))], x.labels(own[::-1])), x.index)


@lowers("transpose", "swapaxes")
def _axes(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    own = list(range(x.rank))
    if node.name == "swapaxes":
        a, b = node.params["axis1"] % x.rank, node.params["axis2"] % x.rank
        order = list(own)
        order[a], order[b] = order[b], order[a]
    else:
        axes = node.params.get("axes")
        order = own[::-1] if axes is None else [a % x.rank for a in axes]
    return Lowered(einsum([(x.node, x.labels(own))], x.labels(order)), x.index)


@lowers("einsum")
def _einsum(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    inputs, output = node.params["subs"].replace(" ", "").split("->")
    index = scope.union(*operands)
    items = [(o.node, o.labels(list(ls))) for o, ls in zip(operands, inputs.split(","), strict=True)] if operands else []
    sizes = {**scope.sizes(index), **dict(zip(output, node.shape, strict=True))}
    return Lowered(einsum(items, [*index, *output], sizes), index)


def _by_labels(operands: list[Lowered], inputs: list[str], output: str) -> Lowered:
    index = tuple(dict.fromkeys(i for o in operands for i in o.index))
    return Lowered(
        einsum([(o.node, o.labels(list(ls))) for o, ls in zip(operands, inputs, strict=True)], [*index, *output]), index
    )


@lowers("trace")
def _trace(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    batch = "".join(chr(97 + k) for k in range(operands[0].rank - 2))
    return _by_labels(operands, [batch + "zz"], batch)


@lowers("outer")
def _outer(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return _by_labels(operands, ["i", "j"], "ij")


@lowers("dot")
def _dot(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    a, b = operands
    if not a.rank or not b.rank:
        la, lb = "abcdefgh"[: a.rank], "ijklmnop"[: b.rank]
        return _by_labels(operands, [la, lb], la + lb)
    la = "abcdefgh"[: a.rank - 1]
    lb = "ijklmnop"[: b.rank - 1]
    return _by_labels(operands, [la + "z", (lb[:-1] + "z" + lb[-1:]) if b.rank > 1 else "z"], la + lb)


@lowers("diag")
def _diag(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return _by_labels(operands, ["i"], "ii") if operands[0].rank == 1 else _by_labels(operands, ["ii"], "i")


@lowers("kron")
def _kron(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    four = _by_labels(operands, ["ij", "kl"], "ikjl") if operands[0].rank == 2 else _by_labels(operands, ["i", "k"], "ik")
    return Lowered(call("reshape", four.node, shape=(*four.lead, *node.shape)), four.index)


@lowers("reshape")
def _reshape(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    return Lowered(call("reshape", x.node, shape=(*x.lead, *node.shape)), x.index)


@lowers("vec")
def _vec(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    own = list(range(x.rank))
    turned = einsum([(x.node, x.labels(own))], x.labels(own[::-1]))
    return Lowered(call("reshape", turned, shape=(*x.lead, *node.shape)), x.index)


@lowers("squeeze", "expand_dims")
def _ones_axes(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    return Lowered(call("reshape", x.node, shape=(*x.lead, *node.shape)), x.index)


@lowers("broadcast_to")
def _broadcast(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    from .lower import multiply

    return multiply([operands[0]], node.shape, scope)


@lowers("tril", "triu")
def _triangle(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    n, m = x.shape[-2:]
    k = node.params["k"]
    own = list(range(x.rank))
    if node.name == "tril":
        mask, at = Call("tri", n=n, m=m, k=k), own[-2:]
    else:  # j >= i + k is the transposed lower triangle i <= j - k
        mask, at = Call("tri", n=m, m=n, k=-k), own[-2:][::-1]
    return Lowered(einsum([(x.node, x.labels(own)), (mask, at)], x.labels(own)), x.index)


@lowers("cumsum")
def _cumsum(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    own: list = list(range(x.rank))
    axis = node.params["axis"]
    a = (0 if axis is None else axis) % x.rank
    inner = [*own]
    inner[a] = "from"
    n = x.shape[a]
    return Lowered(einsum([(Call("tri", n=n, m=n, k=0), [a, "from"]), (x.node, x.labels(inner))], x.labels(own)), x.index)


@lowers("flip")
def _flip(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    (x,) = operands
    axis = node.params["axis"]
    axes = range(x.rank) if axis is None else [a % x.rank for a in ((axis,) if isinstance(axis, int) else axis)]
    inner: list = list(range(x.rank))
    items = []
    for a in axes:
        inner[a] = ("from", a)
        items.append((reversal(x.shape[a]), [a, ("from", a)]))
    return Lowered(einsum([*items, (x.node, x.labels(inner))], x.labels(range(x.rank))), x.index)


def reversal(n: Expr) -> Node:
    """The n×n matrix with ones on the other diagonal."""
    return Call("flip", Call("eye", n=n, m=None), axis=0)


def selection(n: Expr, start, stop, step) -> Node:
    """Rows `start:stop:step` of the n×n identity: a constant matrix that picks entries."""
    if step in (None, 1):
        start = None if start == 0 else _from_end(start, n)
        stop = None if stop == n else _from_end(stop, n)
        step = None
    return Call("getitem", Call("eye", n=n, m=None), spec=(("slice", start, stop, step),))


def _from_end(place, n: Expr):
    """`n - 2` as `-2`: a place that is a whole number from the end of a symbolic axis."""
    if place is None or getattr(n, "is_Integer", False):
        return place
    back = S(place) - n
    return int(back) if back.is_Integer and back < 0 else place


@lowers("eye")
def _eye(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    n, m = node.shape
    if n == m:
        return Lowered(einsum([], ["i", "i"], {"i": n}))
    return Lowered(node)


@lowers("ones", "zeros")
def _fill(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    from .product import zeros

    return Lowered((ones if node.name == "ones" else zeros)(node.shape))


@lowers("arange", "tri")
def _constant(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return Lowered(node)


@lowers("stack", "concatenate")
def _join(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    axis = node.params["axis"]
    rank = node.rank
    back = Call(node.name, *node.operands, axis=axis % rank - rank)
    return lower_atomic(back, operands, scope)


@lowers("solve")
def _solve(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    from .lower import lower

    a, b = node.operands
    return lower(Call("matmul", Call("inv", a), b), scope)


@lowers("onehot")
def _onehot(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    return Lowered(call("onehot", operands[0].node, k=node.params["k"]), operands[0].index)


# indexing --------------------------------------------------------------------------------------------------------------


@lowers("getitem")
def _getitem(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    x, at = operands[0], iter(zip(node.operands[1:], operands[1:], strict=True))
    if not x.node.operands and isinstance(node.operands[0], Call) and node.operands[0].name == "eye" and len(operands) == 1:
        return Lowered(node)  # a constant selection matrix
    items: list = []
    mine: list = []
    out: list = []
    picked = 0
    axis = 0
    sizes: dict = {}
    joint = "picked"
    for k, entry in enumerate(node.params["spec"]):
        if entry == "new":
            out.append(("new", k))
            sizes[("new", k)] = Integer(1)
            continue
        n = x.shape[axis]
        if entry == "at":
            word, low = next(at)
            label, made, place = _at(word, low, n, axis, scope, joint)
            mine.append(label)
            items.extend(made)
            if place is not None:
                picked += 1
                if joint not in out:
                    out.append(joint)
        else:
            mine.append(("axis", axis))
            out.append(("axis", axis))
            if entry != ("slice", None, None, None):
                _, start, stop, step = entry
                items.append((_slice(n, start, stop, step), [("cut", axis), ("axis", axis)]))
                out[-1] = ("cut", axis)
        axis += 1
    for rest in range(axis, x.rank):
        mine.append(("axis", rest))
        out.append(("axis", rest))
    if picked and node.params["spec"].count("at") > 1 and not _adjacent(node.params["spec"]):
        out.remove(joint)
        out.insert(0, joint)
    index = list(x.index)
    for _, labels in items:
        index.extend(i for i in labels if isinstance(i, Index) and i not in index)
    index.extend(i for i in mine if isinstance(i, Index) and i not in index)
    return Lowered(einsum([(x.node, x.labels(mine)), *items], [*index, *out], {**scope.sizes(index), **sizes}), tuple(index))


def _adjacent(spec) -> bool:
    places = [k for k, e in enumerate(spec) if e == "at"]
    return places[-1] - places[0] == len(places) - 1


def _slice(n: Expr, start, stop, step) -> Node:
    if start is None and stop is None and step == -1:
        return reversal(n)
    return selection(n, start, stop, step)


def _at(word: Node, low: Lowered, n: Expr, axis: int, scope: Scope, joint: str):
    """One subscript: the label of the axis, constant factors that pick, and whether an axis of results is made."""
    inner = ("pick", axis)
    if isinstance(word, Num):
        k = word.value if not word.value.is_negative else n + word.value
        return inner, [(Call("onehot", Num(k), k=n), [inner])], None
    affine = affine_index(word)
    if affine is not None and affine[0] in scope.ranges:
        index, a, b = affine
        lo, hi = scope.ranges[index]
        if a == 1 and b == 0 and lo == 0 and hi == n:
            return index, [], None
        rows = _affine_rows(n, a, b, lo, hi)
        return inner, [(rows, [index, inner])], None
    if isinstance(word, Call) and word.name == "arange":
        lo, hi = word.params["lo"], word.params["hi"]
        if lo == 0 and hi == n:
            return joint, [], joint
        return inner, [(selection(n, lo, hi, None), [joint, inner])], joint
    hot = call("onehot", low.node, k=n)
    labels = [*low.index, *([joint] if low.rank else []), inner]
    return inner, [(hot, labels)], (joint if low.rank else None)


def _affine_rows(n: Expr, a: int, b: Expr, lo: Expr, hi: Expr) -> Node:
    """The 0/1 matrix with row `i - lo` picking position `a i + b`."""
    first, last = a * lo + b, a * (hi - 1) + b
    if a > 0:
        return selection(n, first, last + 1, None if a == 1 else a)
    stop = last - 1
    return selection(n, first, None if stop == -1 else stop, a)


def affine_index(word: Node) -> tuple[Index, int, Expr] | None:
    """`(i, a, b)` for a word `a*i + b` with whole `a` and a size `b`; None for anything else."""
    if isinstance(word, Index):
        return word, 1, S.Zero
    if not isinstance(word, Call) or word.name not in ("add", "neg", "mul"):
        return None
    values: dict[Node, tuple[dict[Index, Expr], Expr] | None] = {}
    for x in postorder(word):
        values[x] = _affine(x, values)
    got = values[word]
    if got is None:
        return None
    slopes = {i: a for i, a in got[0].items() if a != 0}
    if len(slopes) != 1:
        return None
    ((index, a),) = slopes.items()
    return (index, int(a), got[1]) if a.is_Integer else None


def _affine(x: Node, values: dict) -> tuple[dict[Index, Expr], Expr] | None:
    if isinstance(x, Index):
        return {x: S.One}, S.Zero
    if isinstance(x, Num):
        return {}, x.value
    if not isinstance(x, Call):
        return None
    parts = [values[o] for o in x.operands]
    if any(p is None for p in parts):
        return None
    if x.name == "neg":
        return {i: -a for i, a in parts[0][0].items()}, -parts[0][1]
    if x.name == "add":
        slopes: dict[Index, Expr] = {}
        for p in parts:
            for i, a in p[0].items():
                slopes[i] = slopes.get(i, S.Zero) + a
        return slopes, sum((p[1] for p in parts), S.Zero)
    if x.name == "mul":
        slopes, shift = {}, S.One
        for p in parts:
            if p[0] and slopes:
                return None
            slopes = {i: a * shift for i, a in p[0].items()} if p[0] else {i: a * p[1] for i, a in slopes.items()}
            shift = shift * p[1]
        return slopes, shift
    return None


@lowers("eq", "ne")
def _compare_labels(node: Call, operands: list[Lowered], scope: Scope) -> Lowered:
    """Equality of an index with another or with a label is a delta or a one-hot row; otherwise the comparison itself."""
    from .factors import one_minus
    from .lower import lower_elementwise

    a, b = node.operands
    if isinstance(b, Index) and not isinstance(a, Index):
        a, b, operands = b, a, operands[::-1]
    if not isinstance(a, Index) or node.rank:
        return lower_elementwise(node, operands, scope)
    lo, hi = scope.ranges.get(a, (None, None))
    if lo is None:
        raise DerivativeError(f"index {a.name} is used outside the sum that binds it", code="SD302")
    if isinstance(b, Index):
        if scope.ranges[b] != (lo, hi):
            return lower_elementwise(node, operands, scope)
        found = Lowered(einsum([], [a, a], {a: hi - lo}), (a, b)) if a is not b else Lowered(ones(()))
    elif lo == 0 and (isinstance(b, Num) or _is_label(b)):
        low = operands[1]
        found = Lowered(call("onehot", low.node, k=hi), (*low.index, a))
    else:
        return lower_elementwise(node, operands, scope)
    return found if node.name == "eq" else Lowered(one_minus(found.node), found.index)


def _is_label(word: Node) -> bool:
    """An integer label: a declared integer, or an entry of one."""
    base = word.operands[0] if isinstance(word, Call) and word.name == "getitem" else word
    return bool(getattr(base, "is_a", lambda _: False)("integer"))
