"""Rules on the factors of one product. Each takes the network and the output labels, changes the network in place and says
whether it did; `normal_product` repeats them until none fires.

A factor is an item with its labels; two factors *match* when all their labels agree, so that they are multiplied entry by entry.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, S

from ..expr.nodes import Add, Call, Einsum, Node, Num
from .components import transposes
from .facts import is_indicator, is_symmetric, sums_to_one
from .product import Network, einsum, is_broadcast_axis, is_zero


def swap(net: Network, remove: list[int], put: list[tuple[Node, tuple[int, ...]]]) -> None:
    """Take some items out of the product and multiply it by others."""
    for k in sorted(remove, reverse=True):
        del net.items[k]
    for x, ls in put:
        net.put(x, ls)


def base_and_exponent(x: Node):
    """`(b, e)` with `x = b**e` and a number `e`."""
    if isinstance(x, Call) and x.name == "pow" and isinstance(x.operands[1], Num):
        return x.operands[0], x.operands[1].value
    return x, S.One


def rule_content(net: Network, out: list[int]) -> bool:
    """`(2a + 2b) c = 2 (a + b) c`: a common number leaves a sum; a zero factor makes the product zero."""
    from .add import primitive

    for k, (x, ls) in enumerate(net.items):
        if isinstance(x, Add):
            c, body = primitive(x)
            if c != 1:
                net.coef = net.coef * c
                swap(net, [k], [(body, ls)])
                return True
            if x.rank == 2:
                turned = upright(x)
                if turned is not x:
                    swap(net, [k], [(turned, ls[::-1])])
                    return True
        elif is_zero(x):
            net.coef = S.Zero
            return True
        elif isinstance(x, (Num, Einsum)):
            swap(net, [k], [(x, ls)])
            return True
    return False


@lru_cache(maxsize=20_000)
def upright(x: Add) -> Node:
    """The sum or its transpose, whichever has fewer transposed terms: one of the two is used in products."""
    from .product import spread_over

    def turned(t: Node) -> int:
        return transposes(t.items, *t.out) if isinstance(t, Einsum) and len(set(t.out)) == 2 == len(t.out) else 0

    count = sum(map(turned, x.terms))
    if not count and not any(isinstance(t, Einsum) for t in x.terms):
        return x
    other = spread_over(x, S.One, [1, 0])
    if not isinstance(other, Add):
        return x
    back = sum(map(turned, other.terms))
    return other if (back, other.key) < (count, x.key) else x


def rule_powers(net: Network, out: list[int]) -> bool:
    """`x^a x^b = x^(a+b)` for matching factors."""
    from .calls import power

    groups: dict[tuple[Node, tuple[int, ...]], list[int]] = {}
    for k, (x, ls) in enumerate(net.items):
        b, ls = _spread_base(base_and_exponent(x)[0], ls)
        key = tuple(sorted(ls)) if is_symmetric(b) else ls
        groups.setdefault((b, key), []).append(k)
    for (b, ls), where in groups.items():
        if len(where) > 1:
            total = sum((base_and_exponent(net.items[k][0])[1] for k in where), S.Zero)
            if len(set(ls)) < len(ls):
                distinct = tuple(dict.fromkeys(ls))
                swap(net, where, [(power(einsum([(b, ls)], distinct), Num(total)), distinct)])
            else:
                swap(net, where, [(power(b, Num(total)), ls)])
            return True
    return False


def rule_power_of_sum(net: Network, out: list[int]) -> bool:
    """`q^a Σ_i f_i = q^(a+1)` for `q = Σ_i f_i` whose factors all stand in the product: `xᵀx / ‖x‖ = ‖x‖`."""
    from .calls import power
    from .collect import match

    uses: dict[int, int] | None = None
    for k, (x, ls) in enumerate(net.items):
        q, e = base_and_exponent(x)
        if not isinstance(q, Einsum) or (e.is_nonnegative and e.is_Integer) or len(set(q.out)) < len(q.out):
            continue
        uses = uses or _uses(net)
        others = [m for m in range(len(net.items)) if m != k]
        to_net = dict(zip(q.out, ls, strict=True))
        pairs = match([net.items[m] for m in others], list(q.items), to_net)
        if len(pairs) < len(q.items):
            continue
        found = [others[m] for m, _ in pairs]
        inner = {i for _, labels in q.items for i in labels} - set(q.out)
        summed = [to_net[i] for i in inner]
        if any(i in out or i in ls or uses[i] != _occurrences(net, found, i) for i in summed):
            continue
        net.coef = net.coef / q.coef
        for i in summed:
            net.size[net.find(i)] = S.One  # the axis is used up
        swap(net, [k, *found], [(power(q, Num(e + 1)), ls)])
        return True
    return False


def _occurrences(net: Network, where: list[int], label: int) -> int:
    return sum(ls.count(label) for ls in (net.items[m][1] for m in where))


def _spread_base(b: Node, ls: tuple[int, ...]) -> tuple[Node, tuple[int, ...]]:
    """A base that is a diagonal `A_ii` as the matrix with its labels, so that it matches the bare factor `A_ii`."""
    if isinstance(b, Einsum) and b.coef == 1 and len(b.items) == 1 and len(set(b.out)) == len(b.out):
        x, inner = b.items[0]
        if set(inner) == set(b.out) and len(inner) > len(b.out):
            place = dict(zip(b.out, ls, strict=True))
            return x, tuple(place[i] for i in inner)
    return b, ls


def rule_orthogonal_labels(net: Network, out: list[int]) -> bool:
    """`onehot(a) onehot(b) = 0` for two different whole numbers on one axis."""
    seen: dict[int, Node] = {}
    for x, ls in net.items:
        if isinstance(x, Call) and x.name == "onehot" and x.rank == 1 and isinstance(x.operands[0], Num):
            other = seen.setdefault(ls[0], x)
            if other is not x and (other.operands[0].value - x.operands[0].value).is_nonzero:
                net.coef = S.Zero
                return True
    return False


def rule_inverse(net: Network, out: list[int]) -> bool:
    """`A A⁻¹ = I`: an inverse met by its matrix on a summed axis is a delta."""
    inverses = [(k, x, ls) for k, (x, ls) in enumerate(net.items) if isinstance(x, Call) and x.name == "inv" and x.rank == 2]
    if not inverses:
        return False
    uses = _uses(net)
    for k, x, ls in inverses:
        a = x.operands[0]
        for m, (y, ms) in enumerate(net.items):
            if y is not a or m == k:
                continue
            for p, q in ((0, 1), (1, 0)):
                # x[p] meets y[q]: the inner axis of inv on side p is the axis of A on side q
                if ls[p] == ms[q] and ls[p] not in out and uses[ls[p]] == 2:
                    if ls[q] == ms[p] and ls[q] == ls[p]:
                        continue
                    net.join(ls[q], ms[p])
                    net.size[net.find(ls[p])] = S.One  # the inner axis is used up
                    swap(net, [k, m], [])
                    return True
    return False


def rule_row_sums(net: Network, out: list[int]) -> bool:
    """`Σ_j Y_ij = 1` for one-hot rows, simplex rows and softmax, where nothing else has the axis `j`."""
    uses = _uses(net)
    for k, (x, ls) in enumerate(net.items):
        for axis, label in enumerate(ls):
            if label not in out and uses[label] == 1 and sums_to_one(x, axis):
                swap(net, [k], [])
                net.size[net.find(label)] = S.One  # the axis is used up
                return True
    return False


def rule_sum_of_terms(net: Network, out: list[int]) -> bool:
    """`Σ_i (a_i + b_i) = Σ_i a_i + Σ_i b_i` where that is shorter, for an axis that only the sum in brackets has."""
    from .add import add

    uses = _uses(net)
    for k, (x, ls) in enumerate(net.items):
        if not isinstance(x, Add) or len(x.terms) > 60:
            continue
        alone = [i for i in ls if i not in out and uses[i] == 1 and ls.count(i) == 1]
        if not alone or not _worth_distributing(x, [ls.index(i) for i in alone]):
            continue
        keep = [i for i in ls if i not in alone]
        new = add([einsum([(t, ls)], keep) for t in x.terms])
        if is_zero(new) or new.tree_size < x.tree_size:
            for i in alone:
                net.size[net.find(i)] = S.One
            swap(net, [k], [(new, tuple(keep))])
            return True
    return False


def _worth_distributing(x: Add, axes: list[int]) -> bool:
    """Some term does not vary along a summed axis, or has rows that sum to one, or a delta, or a factor of which that is true."""
    for t in x.terms:
        for axis in axes:
            if is_broadcast_axis(t, axis) or sums_to_one(t, axis):
                return True
            if isinstance(t, Einsum) and t.out.count(t.out[axis]) == 1:
                places = [(y, at) for y, ls in t.items for at, i in enumerate(ls) if i == t.out[axis]]
                if len(places) == 1 and isinstance(places[0][0], Add) and _worth_distributing(places[0][0], [places[0][1]]):
                    return True
            if isinstance(t, Einsum) and (
                t.out.count(t.out[axis]) > 1
                or any(
                    sums_to_one(y, at) and sum(i == t.out[axis] for _, ms in t.items for i in ms) == 1
                    for y, ls in t.items
                    for at, i in enumerate(ls)
                    if i == t.out[axis]
                )
            ):
                return True
    return False


def one_minus(x: Node) -> Node:
    """`1 - x` with ones of the shape of `x`."""
    from .add import add
    from .product import ones, scale

    return add([ones(x.shape), scale(x, S.NegativeOne)])


def rule_softmax(net: Network, out: list[int]) -> bool:
    """`exp(u) / Σ exp(u) = softmax(u)` along the axes of the sum."""
    from .calls import call

    sums = []
    for k, (x, ls) in enumerate(net.items):
        b, e = base_and_exponent(x)
        if e.is_negative and e.is_Rational and isinstance(b, Einsum) and len(b.items) == 1:
            inner, ms = b.items[0]
            if isinstance(inner, Call) and inner.name == "exp" and len(set(ms)) == len(ms):
                sums.append((k, b, e, ls, inner, ms))
    for k, b, e, ls, inner, ms in sums:
        for m, (x, xs) in enumerate(net.items):
            if x is not inner:
                continue
            if all(xs[ms.index(i)] == ls[at] for at, i in enumerate(b.out) if i in ms):
                summed = tuple(at - inner.rank for at, i in enumerate(ms) if i not in b.out)
                if not summed or any(i not in ms for i in b.out if b.sizes[i] != 1):
                    continue
                soft = call("softmax", inner.operands[0], axis=summed[0] if len(summed) == 1 else summed)
                from .calls import power

                net.coef = net.coef / b.coef
                keep = [(power(b, Num(e + 1)), ls)] if e != -1 else []
                swap(net, [k, m], [(soft, xs), *keep])
                return True
    return False


def rule_indicator_power(net: Network, out: list[int]) -> bool:
    """`c^k = c` for values 0 and 1 and `k > 0`."""
    for k, (x, ls) in enumerate(net.items):
        b, e = base_and_exponent(x)
        if e != 1 and e.is_positive and is_indicator(b):
            swap(net, [k], [(b, ls)])
            return True
    return False


def rule_merged_axes(net: Network, out: list[int]) -> bool:
    """An axis of a reshape that merges several (`kron`, `vec`) is split where only equal merges meet on it."""
    from .reshapes import merged_axes

    by_label: dict[int, list[tuple[int, int]]] = {}
    for k, (_, ls) in enumerate(net.items):
        for at, i in enumerate(ls):
            by_label.setdefault(i, []).append((k, at))
    for label, places in by_label.items():
        if label in out:
            continue
        groups = [g for g in (merged_axes(net.items[k][0]) for k, _ in places) if g is not None]
        if len(groups) < len(places):
            continue
        sizes = {tuple(net.items[k][0].operands[0].shape[a] for a in g[at]) for (k, at), g in zip(places, groups, strict=True)}
        if len(sizes) == 1 and len(next(iter(sizes))) > 1:
            _split_axis(net, label, next(iter(sizes)), {k for k, _ in places})
            return True
    return False


def merged_output(net: Network, out: list[int]) -> Node | None:
    """A product of which an output axis is a merge in every factor that has it is a merge itself: `vec(A) ∘ …` stays outside."""
    from .calls import call
    from .product import normal_product
    from .reshapes import merged_axes

    for label in dict.fromkeys(out):
        places = [(k, at) for k, (_, ls) in enumerate(net.items) for at, i in enumerate(ls) if i == label]
        groups = [g for g in (merged_axes(net.items[k][0]) for k, _ in places) if g is not None]
        if not places or len(groups) < len(places):
            continue
        sizes = {tuple(net.items[k][0].operands[0].shape[a] for a in g[at]) for (k, at), g in zip(places, groups, strict=True)}
        if len(sizes) != 1 or len(next(iter(sizes))) < 2:
            continue
        shape = tuple(net.size[i] for i in out)
        parts = _split_axis(net, label, next(iter(sizes)), {k for k, _ in places})
        inner = normal_product(net, [j for i in out for j in (parts if i == label else [i])])
        return call("reshape", inner, shape=shape)
    return None


def _split_axis(net: Network, label: int, sizes: tuple, where: set[int]) -> list[int]:
    """Replace a merged label by labels of its parts in the items that have it; the labels of the parts."""
    from .calls import call

    parts = [net.label(s) for s in sizes]
    put = []
    for k in sorted(where):
        x, ls = net.items[k]
        inner = x.operands[0]
        labels: list[int] = []
        shape: list[Expr] = []
        for at, i in enumerate(ls):
            if i == label:
                labels.extend(parts)
                shape.extend(sizes)
            else:
                labels.append(i)
                shape.append(x.shape[at])
        put.append((call("reshape", inner, shape=tuple(shape)), tuple(labels)))
    net.size[net.find(label)] = S.One
    swap(net, sorted(where), put)
    return parts


def _uses(net: Network) -> dict[int, int]:
    uses: dict[int, int] = {}
    for _, ls in net.items:
        for i in ls:
            uses[i] = uses.get(i, 0) + 1
    return uses
