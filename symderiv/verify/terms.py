"""Sums, multiplied out, and what two of them do not have in common."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, S

from ..errors import SymDerivError
from ..expr.nodes import Add, Call, Einsum, Node, Num, Shared
from ..notation.polish import polish
from ..notation.words import to_words
from ..simplify.add import add
from ..simplify.product import einsum, is_zero, scale, split_coef

MOST_TERMS = 48


def terms_of(core: Node) -> dict[Node, Expr]:
    """`{body: coefficient}` of a sum."""
    out: dict[Node, Expr] = {}
    for t in core.terms if isinstance(core, Add) else (core,):
        if is_zero(t):
            continue
        c, body = split_coef(t)
        out[body] = out.get(body, S.Zero) + c
    return out


def expanded(core: Node) -> Node:
    """A sum of products without sums in them, as far as that stays small."""
    todo, done = [core], list[Node]()
    while todo:
        node = todo.pop()
        if isinstance(node, Shared):
            todo.append(node.args[0])
        elif isinstance(node, Add):
            todo.extend(node.terms)
        else:
            parts = _distributed(node) if len(todo) + len(done) < MOST_TERMS else None
            if parts is None:
                done.append(node)
            else:
                todo.extend(parts)
    return add(done) if done else core


def _distributed(node: Node) -> list[Node] | None:
    """`a (b + c)` as `[a b, a c]`; None where there is nothing to multiply out."""
    if isinstance(node, Call) and node.name == "pow" and node.operands[1] is Num(2) and isinstance(node.operands[0], Add):
        labels = list(range(node.rank))
        inner = node.operands[0]
        return [einsum([(inner, labels), (t, labels)], labels) for t in inner.terms] if len(inner.terms) < 8 else None
    if not isinstance(node, Einsum):
        return None
    sizes = dict(enumerate(node.sizes))
    for k, (x, labels) in enumerate(node.items):
        x = x.args[0] if isinstance(x, Shared) else x
        square = isinstance(x, Call) and x.name == "pow" and x.operands[1] is Num(2) and isinstance(x.operands[0], Add)
        terms = x.terms if isinstance(x, Add) else _distributed(x) if square else None
        if terms and len(terms) <= 12:
            rest = [item for j, item in enumerate(node.items) if j != k]
            return [einsum([*rest, (t, labels)], node.out, sizes, coef=node.coef) for t in terms]
    return None


@dataclass(frozen=True)
class Difference:
    """What stands in one sum and not in the other.

    Attributes:
        missing: terms that the claim lacks, with their coefficients.
        extra: terms that only the claim has, with the claim's coefficients.
        changed: terms that both have: (true coefficient, claimed coefficient).
        common: number of terms that agree.
    """

    missing: dict[Node, Expr]
    extra: dict[Node, Expr]
    changed: dict[Node, tuple[Expr, Expr]]
    common: int


def difference(truth: Node, claim: Node) -> Difference:
    """Compare two sums term by term."""
    t, c = terms_of(truth), terms_of(claim)
    missing = {b: k for b, k in t.items() if b not in c}
    extra = {b: k for b, k in c.items() if b not in t}
    changed = {b: (k, c[b]) for b, k in t.items() if b in c and c[b] != k}
    return Difference(missing, extra, changed, len(t) - len(missing) - len(changed))


def sum_words(terms: dict[Node, Expr]) -> Node | None:
    """The words of `Σ c·body`."""
    try:
        return to_words(polish(add([scale(b, c) for b, c in terms.items()])))
    except SymDerivError:
        return None


def minus(claim: Node, truth: Node) -> Node:
    """`claim - truth` as a core expression."""
    return add([claim, scale(truth, S.NegativeOne)])


__all__ = ["Difference", "difference", "expanded", "minus", "sum_words", "terms_of"]
