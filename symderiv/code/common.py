"""Sums of products with many axes that share factors: the shared ones are multiplied once, by the sum of the others.

`Σ_m X_mi X_mk A_mjl - Σ_m X_mi X_mk u_mj v_ml` is `Σ_m X_mi X_mk (A_mjl - u_mj v_ml)`: one product over the data, not two, and no
two results to subtract.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from ..expr.nodes import Call, Node, Num
from . import contract
from .contract import Item
from .emit import Emitter, Plan, same
from .hidden import Hidden


@dataclass
class Term:
    """`Π scalars · Σ Π items` over `out`."""

    scalars: list[Node]
    items: list[Item]
    sizes: dict[str, Expr]


def plan_add(emitter: Emitter, node: Call) -> Plan | None:
    """The sum with terms of common factors joined; None if there are none."""
    if node.rank < 3 or emitter.dialect.functional or not 2 <= len(node.operands) <= 12:
        return None
    out, terms, others = _letters_of(node.rank), [], []
    for t in node.operands:
        term = _term(emitter, t, out) if t.shape == node.shape else None
        if term is None:
            others.append(t)
        else:
            terms.append(term)
    joined = False
    k = 0
    while k < len(terms):
        for j in range(k + 1, len(terms)):
            both = _joined(emitter, terms[k], terms[j], out)
            if both is not None:
                terms[k], joined = both, True
                del terms[j]
                break
        else:
            k += 1
    if not joined:
        return None
    made = [_written(emitter, t, out) for t in terms]
    return same(made[0] if len(made) == 1 and not others else Call("add", *others, *made))


def _letters_of(rank: int) -> str:
    return "".join(chr(0x3B1 + k) for k in range(rank))  # α, β, … : the axes of the result


def _term(emitter: Emitter, node: Node, out: str) -> Term | None:
    """A product without deltas, its output letters renamed."""
    inner, scalars, summed = contract._inside(node)
    if inner is None or summed or inner.rank != len(out):
        return None
    items, mine, sizes = contract.read(inner)
    if len(set(mine)) < len(mine):
        return None
    items, more = contract.opened(emitter, items, mine, sizes)
    if len(items) < 2 or any(isinstance(x, Call) and x.name == "eye" for x, _ in items):
        return None
    rule = dict(zip(mine, out, strict=True))
    name = lambda w: "".join(rule.get(c, c) for c in w)  # noqa: E731
    return Term(scalars + more, [(x, name(w)) for x, w in items], {rule.get(c, c): s for c, s in sizes.items()})


def _joined(emitter: Emitter, a: Term, b: Term, out: str) -> Term | None:
    """`a + b` as one term that sums over one axis after the others, or None."""
    summed = dict.fromkeys(c for _, w in a.items for c in w if c not in out)
    found = (_joined_over(emitter, a, b, out, c) for c in summed)
    return next((t for t in found if t is not None), None)


def _joined_over(emitter: Emitter, a: Term, b: Term, out: str, axis: str) -> Term | None:
    rule, pairs = _matched(a, b, out, axis)
    if len(pairs) < 2:
        return None
    fresh = contract._letters({*a.sizes, *b.sizes})
    for c in b.sizes:
        if c not in rule:
            rule[c] = c if c in out else next(fresh)
    common = [a.items[k] for k, _ in pairs]
    rest_a = [x for k, x in enumerate(a.items) if k not in {i for i, _ in pairs}]
    rest_b = [(x, "".join(rule[c] for c in w)) for k, (x, w) in enumerate(b.items) if k not in {j for _, j in pairs}]
    sizes = {**{rule[c]: s for c, s in b.sizes.items()}, **a.sizes}
    outside = {*out, *"".join(w for _, w in common)}
    edge_a, edge_b = (sorted({c for _, w in rest for c in w if c in outside}) for rest in (rest_a, rest_b))
    if not rest_a or edge_a != edge_b or all(c in out for c in edge_a):
        return None
    letters = "".join(edge_a)
    cores = [_core(emitter, t.scalars, rest, letters, sizes) for t, rest in ((a, rest_a), (b, rest_b))]
    return Term([], [*common, (Call("add", *cores), letters)], sizes)


def _matched(a: Term, b: Term, out: str, axis: str) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """Equal factors of both that have no axes but the result's and `axis`, and what b's letters are called in a."""
    rule = {c: c for c in out}
    pairs: list[tuple[int, int]] = []
    order = sorted(range(len(b.items)), key=lambda j: not any(c in out for c in b.items[j][1]))
    for j in order:
        x, w = b.items[j]
        for k, (y, v) in enumerate(a.items):
            if x is not y or not set(v) <= {*out, axis} or any(k == i for i, _ in pairs):
                continue
            new = dict(zip(w, v, strict=True))
            fits = all(rule.get(c, e) == e and (c in out) == (e in out) for c, e in zip(w, v, strict=True))
            taken = {e: c for c, e in rule.items()}
            if fits and all(taken.get(e, c) == c for c, e in new.items()):
                rule.update(new)
                pairs.append((k, j))
                break
    return rule, pairs


def _core(emitter: Emitter, scalars: list[Node], items: list[Item], letters: str, sizes: dict[str, Expr]) -> Node:
    product = contract.pairwise(emitter, items, letters, sizes)
    number, rest = Num(1), []
    for x in scalars:
        if isinstance(x, Num):
            number = Num(number.value * x.value)
        else:
            rest.append(x)
    factors = [number, *rest] if number is not Num(1) else rest
    if not factors:
        return product
    scale = factors[0] if len(factors) == 1 else Call("mul", *factors)
    if isinstance(product, Hidden) and len(product.operands) == 2:
        return Hidden("contract", product.shape, (*product.operands, scale), product.more)
    return Call("neg", product) if scale is Num(-1) else Call("mul", scale, product)


def _written(emitter: Emitter, term: Term, out: str) -> Node:
    return _core(emitter, term.scalars, term.items, out, term.sizes)
