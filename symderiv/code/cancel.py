"""Sums that cancel because they are polynomials in a sigmoid or a tanh: `σ - σ²`, `1 - 4t² + 3t⁴`, `2 l σ - l + …`.

The terms with the same other factors are one polynomial; its roots at the limits of the function (and at 1/2) are taken out as
`σ(-u)`, `sech(u)²`, `tanh(u/2)`, which are exact where the function is almost at its limit.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from sympy import Integer, Rational, S

from ..expr.nodes import Call, Node, Num
from .hidden import hidden

MOST_DEGREE = 8
Factors = frozenset[tuple[Node, int]]


def factors_of(term: Node) -> tuple[Rational, Counter[Node]]:
    """`c` and the powers of the elementwise factors of a term."""
    powers: Counter[Node] = Counter()
    coef: Rational = S.One
    todo = [(term, 1)]
    while todo:
        x, e = todo.pop()
        name = x.name if isinstance(x, Call) else ""
        if isinstance(x, Num) and x.value.is_Rational and (e > 0 or x.value != 0):
            coef = coef * x.value**e
        elif name == "neg":
            coef, todo = coef * (-1) ** e, [*todo, (x.operands[0], e)]
        elif name == "mul":
            todo.extend((o, e) for o in x.operands)
        elif name == "div":
            todo.extend(((x.operands[0], e), (x.operands[1], -e)))
        elif name == "square":
            todo.append((x.operands[0], 2 * e))
        elif name == "pow" and isinstance(x.operands[1], Num) and isinstance(x.operands[1].value, Integer):
            todo.append((x.operands[0], e * int(x.operands[1].value)))
        else:
            powers[x] += e
    return coef, powers


def plan_polynomials(node: Call) -> Node | None:
    """The sum with its polynomials in a sigmoid or tanh factored, or None where there is nothing to take out."""
    terms = [factors_of(t) for t in node.operands]
    bases = dict.fromkeys(b for _, powers in terms for b in powers if isinstance(b, Call) and b.name in ("sigmoid", "tanh"))
    for base in bases:
        groups: dict[Factors, dict[int, Fraction]] = {}
        for c, powers in terms:
            rest = frozenset((b, e) for b, e in powers.items() if b is not base and e)
            found = groups.setdefault(rest, {})
            k = powers.get(base, 0)
            found[k] = found.get(k, Fraction(0)) + Fraction(int(c.p), int(c.q))
        new = [_factored(base, rest, found) for rest, found in groups.items()]
        if any(taken for _, taken in new):
            words = [w for w, _ in new if w is not None]
            out = words[0] if len(words) == 1 else Call("add", *words) if words else None
            if out is not None and out.shape == node.shape:
                return out
    return None


def _factored(base: Call, rest: Factors, found: dict[int, Fraction]) -> tuple[Node | None, bool]:
    """The terms of one group as a word, and whether a root was taken out."""
    found = {k: c for k, c in found.items() if c}
    if not found:
        return None, False
    low = min(found)
    degree = max(found) - low
    coefs = [found.get(low + k, Fraction(0)) for k in range(degree + 1)] if degree <= MOST_DEGREE else []
    others: list[tuple[Node, int]] = sorted(rest, key=lambda be: be[0].key)
    taken = False
    number = Fraction(1)
    u = base.operands[0]
    if degree and coefs:
        if base.name == "sigmoid":
            roots = ((Fraction(1), Call("sigmoid", _less(u)), Fraction(-1)),
                     (Fraction(1, 2), Call("tanh", _times(Fraction(1, 2), u)), Fraction(1, 2)))  # fmt: skip
        else:
            roots = ((Fraction(1), Call("sigmoid", _times(Fraction(-2), u)), Fraction(-2)),
                     (Fraction(-1), Call("sigmoid", _times(Fraction(2), u)), Fraction(2)))  # fmt: skip
        counts = []
        for root, _, _ in roots:
            count = 0
            while len(coefs) > 1 and (less := _divided(coefs, root)) is not None:
                coefs, count = less, count + 1
            counts.append(count)
        taken = any(counts)
        if base.name == "tanh" and (both := min(counts)):
            others.append((hidden("sech2", u), both))
            number *= Fraction(-1) ** both
            counts = [k - both for k in counts]
        for (_, word, scale), count in zip(roots, counts, strict=True):
            if count:
                others.append((word, count))
                number *= scale**count
    if not coefs:
        return _product(Fraction(1), [*others, (_sum(base, found, 0), 1)]), False
    if len(coefs) == 1:
        number *= coefs[0]
    left = _sum(base, dict(enumerate(coefs)), 0) if len(coefs) > 1 else None
    factors = [*([(base, low)] if low else []), *others, *([(left, 1)] if left is not None else [])]
    return _product(number, factors), taken


def _divided(coefs: list[Fraction], root: Fraction) -> list[Fraction] | None:
    """The polynomial over `x - root`, or None where it does not divide."""
    out: list[Fraction] = []
    carry = Fraction(0)
    for c in reversed(coefs):
        carry = c + carry * root
        out.append(carry)
    return out[-2::-1] if out[-1] == 0 else None


def _less(u: Node) -> Node:
    return u.operands[0] if isinstance(u, Call) and u.name == "neg" else Call("neg", u)


def _times(c: Fraction, u: Node) -> Node:
    """`c u`, the number taken together with that of `u`."""
    k, powers = factors_of(u)
    total = Fraction(int(k.p), int(k.q)) * c
    whole = k != 1 and all(isinstance(b, Node) for b in powers)
    body = _product(Fraction(1), list(powers.items())) if whole and powers else u
    if whole and powers and body.shape == u.shape:
        return _product(total, [(body, 1)])
    return _product(c, [(u, 1)])


def _number(c: Fraction) -> Node:
    return Num(Rational(c.numerator, c.denominator))


def _product(c: Fraction, factors: list[tuple[Node, int]]) -> Node:
    """`c Π bᵉ` as words."""
    above = [b if e == 1 else Call("pow", b, Num(e)) for b, e in factors if e > 0]
    below = [b if e == -1 else Call("pow", b, Num(-e)) for b, e in factors if e < 0]
    if c != 1 and not (c == -1 and above):
        above.insert(0, _number(c))
    top = Num(1) if not above else above[0] if len(above) == 1 else Call("mul", *above)
    if c == -1 and len(above) and not (isinstance(above[0], Num)):
        top = Call("neg", top)
    if not below:
        return top
    return Call("div", top, below[0] if len(below) == 1 else Call("mul", *below))


def _sum(base: Node, coefs: dict[int, Fraction], low: int) -> Node:
    terms = [_product(c, [(base, low + k)] if low + k else []) for k, c in sorted(coefs.items()) if c]
    return terms[0] if len(terms) == 1 else Call("add", *terms)
