"""Sums: `add(terms)` collects like terms; `primitive` takes the common number out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce

from sympy import Expr, S, gcd_terms
from sympy.core.numbers import igcd, ilcm

from ..expr.nodes import Add, Call, Einsum, Node
from ..expr.sizes import Shape, written_minus
from .product import drop_axes, einsum, is_broadcast_axis, is_zero, ones, scale, split_coef, zeros


def add(terms: Iterable[Node]) -> Node:
    """The normal form of a sum of core nodes of one shape: flat, like terms collected, zeros gone, canonical order."""
    terms = list(terms)
    shape = terms[0].shape
    total: dict[Node, Expr] = {}
    stack = [(t, S.One) for t in reversed(terms)]
    while stack:
        node, c = stack.pop()
        if isinstance(node, Add):
            stack.extend((t, c) for t in reversed(node.terms))
            continue
        k, body = split_coef(node)
        if isinstance(body, Add):
            stack.append((body, c * k))
        elif k != 0:
            total[body] = total.get(body, S.Zero) + c * k
    total = _merge_where(total) if sum(isinstance(b, Call) and b.name == "where" for b in total) > 1 else total
    if len(total) > 1 and any(isinstance(b, Call) and b.name == "softplus" for b in total):
        total = _merge_softplus(total)
    if len(total) > 1 and any(isinstance(b, Call) and b.name == "expm1" for b in total):
        total = _merge_expm1(total, shape)
    if sum(isinstance(b, Call) and b.name == "exp" for b in total) > 1:
        total = _merge_exponentials(total)
    found = []
    for body, c in total.items():
        if not c.is_Rational:
            c = gcd_terms(c) if c.is_Add else c
        if c != 0:
            found.append((body, c))
    if not found:
        return zeros(shape)
    if len(found) == 1:
        return scale(*found[0])
    found.sort(key=lambda bc: bc[0].key)
    parts = [scale(b, c) for b, c in found]
    common = {axis for axis in range(len(shape)) if all(is_broadcast_axis(p, axis) for p in parts)}
    if common:
        small = add([drop_axes(p, common) for p in parts])
        labels = [("kept", a) for a in range(len(shape)) if a not in common]
        out = [("free", a) if a in common else ("kept", a) for a in range(len(shape))]
        return einsum([(small, labels)], out, {("free", a): shape[a] for a in common})
    pattern = _delta_pattern(parts)
    if pattern is not None:
        # a sum of diagonals is the diagonal of the sum
        distinct = sorted(set(pattern))
        small = add(
            [einsum(_without_delta(p, pattern), distinct, dict(zip(pattern, shape, strict=True)), coef=p.coef) for p in parts]
        )
        return einsum([(small, distinct)], pattern, dict(zip(pattern, shape, strict=True)))
    return Add(*parts)


def _delta_pattern(parts: list[Node]) -> list[int] | None:
    """The equalities of output axes that all terms have, as labels (`[0, 0]` for diagonals); None where there are none."""
    first = parts[0]
    if not isinstance(first, Einsum) or len(set(first.out)) == len(first.out):
        return None
    pattern = [first.out.index(i) for i in first.out]
    for p in parts:
        if not isinstance(p, Einsum) or [p.out.index(i) for i in p.out] != pattern:
            return None
    return pattern


def _without_delta(p: Node, pattern: list[int]) -> list[tuple[Node, list]]:
    assert isinstance(p, Einsum)
    place = dict(zip(p.out, pattern, strict=True))
    return [(x, [place.get(i, ("in", i)) for i in ls]) for x, ls in p.items]


def _merge_where(total: dict[Node, Expr]) -> dict[Node, Expr]:
    """`where(c, a, b) + where(c, e, f) = where(c, a + e, b + f)`."""
    from .calls import call

    groups: dict[Node, list[Node]] = {}
    for body in total:
        if isinstance(body, Call) and body.name == "where":
            groups.setdefault(body.operands[0], []).append(body)
    out = dict(total)
    for cond, bodies in groups.items():
        if len(bodies) > 1:
            coefs = [out.pop(b) for b in bodies]
            sides = []
            for side in (1, 2):
                parts = [spread(b.operands[side], b.shape) for b in bodies]
                sides.append(add([scale(p, c) for p, c in zip(parts, coefs, strict=True)]))
            k, new = split_coef(call("where", cond, *sides))
            for part in new.terms if isinstance(new, Add) and k == 1 else [new]:
                kk, part = split_coef(part)
                out[part] = out.get(part, S.Zero) + k * kk
    return out


def _merge_softplus(total: dict[Node, Expr]) -> dict[Node, Expr]:
    """`max(u, 0) + log(1 + e^(-|u|)) = softplus(u)`: the usual way to write it without overflow."""
    from .calls import call

    out = dict(total)
    for body, c in total.items():
        if not (isinstance(body, Call) and body.name == "softplus"):
            continue
        sign, size = split_coef(body.operands[0])
        if sign != -1 or not (isinstance(size, Call) and size.name == "abs"):
            continue
        for other, k in total.items():
            u = _positive_part_of(other)
            if k == c and u is not None and u.shape == size.shape and u in (size.operands[0], scale(size.operands[0], -S.One)):
                del out[body], out[other]
                new = call("softplus", u)
                out[new] = out.get(new, S.Zero) + c
                break
    return out


def _merge_expm1(total: dict[Node, Expr], shape: Shape) -> dict[Node, Expr]:
    """`expm1(u) + 2 = exp(u) + 1`: nothing cancels where the number is at least 1."""
    from .calls import call

    one = split_coef(ones(shape))[1]
    out = dict(total)
    for body, c in total.items():
        number = out.get(one, S.Zero)
        if isinstance(body, Call) and body.name == "expm1" and number.is_Rational and c.is_Rational and number / c >= 1:
            del out[body]
            k, new = split_coef(call("exp", body.operands[0]))
            out[one] = number - c
            out[new] = out.get(new, S.Zero) + c * k
    return {b: c for b, c in out.items() if c != 0}


def _merge_exponentials(total: dict[Node, Expr]) -> dict[Node, Expr]:
    """`eᵘ + e⁻ᵘ = 2 cosh u`, `eᵘ - e⁻ᵘ = 2 sinh u`: their ratios do not overflow."""
    from .calls import call

    out = dict(total)
    for body, c in total.items():
        if not (isinstance(body, Call) and body.name == "exp") or body not in out:
            continue
        u = body.operands[0]
        other = Call("exp", scale(u, S.NegativeOne))
        if other is not body and other in out and out[other] in (c, -c):
            k, new = split_coef(call("cosh" if out[other] == c else "sinh", u))
            del out[body], out[other]
            out[new] = out.get(new, S.Zero) + 2 * c * k
    return out


def _positive_part_of(x: Node) -> Node | None:
    """`u` of `max(u, 0)`."""
    if isinstance(x, Call) and x.name == "relu":
        return x.operands[0]
    if isinstance(x, Call) and x.name == "maximum":
        a, b = x.operands
        return a if is_zero(b) else b if is_zero(a) else None
    return None


def spread(node: Node, shape: Shape) -> Node:
    """A rank-0 node as an array of the shape; others unchanged."""
    if node.rank == len(shape):
        return node
    return einsum([(node, [])], list(range(len(shape))), dict(enumerate(shape)))


@lru_cache(maxsize=20_000)
def primitive(node: Add) -> tuple[Expr, Node]:
    """`(c, body)` with `node = c * body`: the coefficients of `body` coprime, its leading term positive."""
    coefs = [split_coef(t)[0] for t in node.terms]
    c = _content(coefs)
    if _written_negative(node, [q / c for q in coefs]):
        c = -c
    if c == 1:
        return S.One, node
    return c, Add(*sorted((scale(t, 1 / c) for t in node.terms), key=lambda t: split_coef(t)[1].key))


def _content(coefs: list[Expr]) -> Expr:
    """The common number, and the common sizes with the fewest divisions: `2/n` of `2/n` and `2/n**2`."""
    numbers, monomials = [], []
    for q in coefs:
        number, rest = q.as_coeff_Mul()
        powers = rest.as_powers_dict()
        if not number.is_Rational or any(not (b.is_Symbol and e.is_Integer) for b, e in powers.items() if b != 1):
            return S.One
        numbers.append(number)
        monomials.append({b: e for b, e in powers.items() if b != 1})
    c = S(reduce(igcd, (abs(int(q.p)) for q in numbers))) / reduce(ilcm, (int(q.q) for q in numbers))
    if c.q > 64 and len({q.q for q in numbers}) > 1:
        c = S.One  # decimals such as 1.702 stay as they were written
    for b in sorted({b for m in monomials for b in m}, key=str):
        c = c * b ** max(m.get(b, S.Zero) for m in monomials)
    return c


def _written_negative(node: Add, coefs: list[Expr]) -> bool:
    """Whether most terms carry a minus, or as many as not and the leading one does: `X w - y`, `x - mean(x)`, `p - q`."""
    minus = [written_minus(q) for q in coefs]
    if 2 * sum(minus) != len(minus):
        return 2 * sum(minus) > len(minus)
    bodies = [split_coef(t)[1] for t in node.terms]
    leading = max(range(len(coefs)), key=lambda k: (_weight(bodies[k]), bodies[k].key))
    return minus[leading]


def _weight(body: Node) -> tuple[float, str]:
    """What a person writes first in a difference: products, numbers, functions, names late in the alphabet, averages."""
    if isinstance(body, Einsum):
        if len(body.items) > 1:
            return 4, ""
        return (1, "") if body.items else (3.5, "")
    if isinstance(body, Call):
        return 3, ""
    return 2, getattr(body, "name", "")


__all__ = ["add", "is_zero", "primitive", "spread"]
