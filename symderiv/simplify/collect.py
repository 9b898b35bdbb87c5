"""Common factors of the terms of a sum: `A x + A y = A (x + y)`, for products with any axes.

Two products share the factors that can be matched one to one with their axes; what remains of each is a smaller product over
the axes that it shares with the common part, and the two remainders are added.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sympy import S

from ..expr.nodes import Add, Einsum, Node, Num
from .add import add
from .product import einsum

MOST_TERMS = 24


def collect(node: Add, cost: Callable[[Node], int]) -> Node:
    """Take common factors out of pairs of terms while the whole gets shorter."""
    terms = list(node.terms)
    if len(terms) > MOST_TERMS:
        return node
    total = cost(node)
    tried: set[tuple[Node, Node]] = set()
    while len(terms) > 1:
        best = None
        for a in range(len(terms)):
            for b in range(a + 1, len(terms)):
                pair = (terms[a], terms[b])
                if pair in tried or not _share(*pair):
                    continue
                shared = common(*pair)
                shared = common(*pair, inner=False) if shared is None else shared
                tries = (shared, through_delta(*pair), through_delta(*pair[::-1]))
                forms = [f for f in tries if f is not None]
                if not forms:
                    tried.add(pair)
                    continue
                new = min(forms, key=cost)
                gain = cost(terms[a]) + cost(terms[b]) + 1 - cost(new)
                if gain > 0 and (best is None or gain > best[0]):
                    best = (gain, a, b, new)
                elif gain <= 0:
                    tried.add(pair)
        if best is None:
            break
        _, a, b, new = best
        del terms[b], terms[a]
        merged = add([*terms, new]) if terms else new
        terms = list(merged.terms) if isinstance(merged, Add) else [merged]
    out = add(terms) if len(terms) > 1 else terms[0]
    return out if cost(out) <= total else node


def _parts(t: Node):
    if isinstance(t, Einsum):
        return t.coef, list(t.items), list(t.out), dict(enumerate(t.sizes))
    if isinstance(t, Num):
        return t.value, [], [], {}
    return S.One, [(t, tuple(range(t.rank)))], list(range(t.rank)), dict(enumerate(t.shape))


def _share(a: Node, b: Node) -> bool:
    xs = set(a.operands) if isinstance(a, Einsum) else {a}
    ys = b.operands if isinstance(b, Einsum) else (b,)
    return any(y in xs for y in ys)


def common(a: Node, b: Node, inner: bool = True) -> Node | None:
    """`a + b` with their common factors outside the brackets, or None where they have none.

    With `inner=False`, only factors over the output axes are taken: `A ∘ (G Vᵀ) - A ∘ s` shares `A`, though `s` holds `G` too.
    """
    ca, xs, out_a, sizes_a = _parts(a)
    cb, ys, out_b, sizes_b = _parts(b)
    if _pattern(out_a) != _pattern(out_b):
        return None
    to_a: dict[int, int] = dict(zip(out_b, out_a, strict=True))
    matched = match(xs, ys, to_a if inner else dict(to_a))
    if not inner:
        matched = [(i, j) for i, j in matched if set(xs[i][1]) <= set(out_a)]
    if not matched:
        return None
    used_x, used_y = {i for i, _ in matched}, {j for _, j in matched}
    shared = [xs[i] for i in sorted(used_x)]
    outside = set(out_a) | {label for _, ls in shared for label in ls}
    fresh = {label: ("b", label) for label in sizes_b if label not in to_a}
    rest_a = [xs[i] for i in range(len(xs)) if i not in used_x]
    rest_b = [(y, tuple(to_a.get(label, fresh.get(label)) for label in ls)) for j, (y, ls) in enumerate(ys) if j not in used_y]
    touched = {label for _, ls in [*rest_a, *rest_b] for label in ls}
    face = sorted((x for x in touched if x in outside), key=str)
    if len(face) > 2:
        return None  # the bracket would have no matrix words
    mixed = len(face) == 2 and _connected(rest_a, face) != _connected(rest_b, face)
    if mixed and not (set(face) <= set(out_a) and _scaled_alike(shared, face, rest_a, rest_b)):
        return None  # a matrix plus an outer product reads worse than the two terms
    if len(face) == 2 and len(set(out_a)) < 2 and any(len(ls) == 1 and ls[0] in face for _, ls in [*rest_a, *rest_b]):
        return None  # a vector times a sum of scaled matrices: each product is cheaper by itself
    sizes = {**sizes_a, **{("b", label): s for label, s in sizes_b.items()}}
    # the shares of numbers: keep the common part free of them
    bracket = add([einsum(rest_a, face, sizes, coef=ca), einsum(rest_b, face, sizes, coef=cb)])
    return einsum([*shared, (bracket, face)], out_a, sizes_a)


def through_delta(a: Node, b: Node) -> Node | None:
    """`p_i A_ij + p_i p_k A_kj = (p_i δ_ik + p_i p_k) A_kj`: a matrix that one term has at an output axis and the other at a
    summed one is shared by way of a delta, as in `(diag(p) - p pᵀ) A`."""
    ca, xs, out_a, sizes_a = _parts(a)
    cb, ys, out_b, sizes_b = _parts(b)
    if len(out_a) != 2 or len(set(out_a)) < 2 or len(set(out_b)) < 2:
        return None
    for (i, (x, lx)), (j, (y, ly)) in itertools.product(enumerate(xs), enumerate(ys)):
        if x is not y or x.rank != 2 or len(set(lx)) < 2 or len(set(ly)) < 2:
            continue
        for inner in (0, 1):
            far_a, far_b, near_a, near_b = lx[1 - inner], ly[1 - inner], lx[inner], ly[inner]
            if far_a not in out_a or near_a not in out_a or far_b not in out_b or near_b in out_b:
                continue
            at = out_a.index(near_a)
            if out_a.index(far_a) != out_b.index(far_b):
                continue
            rest_a = [xs[k] for k in range(len(xs)) if k != i]
            rest_b = [ys[k] for k in range(len(ys)) if k != j]
            if any(far_a in ls for _, ls in rest_a) or any(far_b in ls for _, ls in rest_b) or not rest_a or not rest_b:
                continue
            first = einsum(rest_a, [near_a, near_a], sizes_a, coef=ca)
            other = einsum(rest_b, [out_b[at], near_b], sizes_b, coef=cb)
            labels = ["free", "summed"]
            sides = [(x, ["summed", "far"] if inner == 0 else ["far", "summed"]), (add([first, other]), labels)]
            return einsum(sides, ["free", "far"] if at == 0 else ["far", "free"])
    return None


def _scaled_alike(shared, face: list, *rests) -> bool:
    """Whether one term is a vector over an axis that the common factor scales: `(G - mean(G)) / s`, but not `p (M - v)`."""
    scaled = {i for _, ls in shared for i in ls}
    axes = [{i for _, ls in rest for i in ls}.intersection(face) for rest in rests]
    return any(len(a) < 2 and a <= scaled for a in axes)


def _connected(items, face: list) -> bool:
    """Whether the two axes hang together through the items."""
    reached = {face[0]}
    while True:
        more = {i for _, ls in items if reached & set(ls) for i in ls} - reached
        if not more:
            return face[1] in reached
        reached |= more


def _pattern(out: list[int]) -> list[int]:
    return [out.index(i) for i in out]


def match(xs, ys, to_a: dict[int, int]) -> list[tuple[int, int]]:
    """Pairs of equal items whose labels correspond; extends `to_a` (labels of `ys` to labels of `xs`), one to one."""
    back = {v: k for k, v in to_a.items()}
    pairs: list[tuple[int, int]] = []
    free_x, free_y = set(range(len(xs))), set(range(len(ys)))
    while True:
        best = None
        for j in sorted(free_y):
            y, ly = ys[j]
            for i in sorted(free_x):
                x, lx = xs[i]
                if x is not y:
                    continue
                known = sum(1 for p in ly if p in to_a)
                fits = all((to_a[q] == p) if q in to_a else (p not in back) for p, q in zip(lx, ly, strict=True))
                if fits and len(set(zip(lx, ly, strict=True))) == len(set(lx)) == len(set(ly)):
                    score = (known, -len(lx))
                    if best is None or score > best[0]:
                        best = (score, i, j)
        if best is None:
            return pairs
        _, i, j = best
        for p, q in zip(xs[i][1], ys[j][1], strict=True):
            to_a[q] = p
            back[p] = q
        pairs.append((i, j))
        free_x.discard(i)
        free_y.discard(j)
