"""Sums that cancel because they are polynomials in a sigmoid or a tanh: `σ - σ²`, `1 - 4t² + 3t⁴`, `2 l σ - l + …`.

The terms with the same other factors are one polynomial; its roots at the limits of the function (and at 1/2) are taken out as
`σ(-u)`, `sech(u)²`, `tanh(u/2)`, which are exact where the function is almost at its limit.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TypeGuard

import sympy
from sympy import Integer, Rational, S

from ..expr.nodes import Call, Node, Num
from .hidden import hidden

MOST_DEGREE = 8
Factors = frozenset[tuple[Node, int]]


def is_call(node: Node | None, *names: str) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.name in names


def coefficient(node: Node) -> tuple[Rational, Node | None]:
    """`(c, body)` with node = c*body for a rational number c; the body is None for a number itself."""
    if isinstance(node, Num):
        return (node.value, None) if node.value.is_Rational else (S.One, node)
    if is_call(node, "neg"):
        c, body = coefficient(node.operands[0])
        return -c, body
    if is_call(node, "mul"):
        found = [coefficient(x) for x in node.operands]
        c = sympy.Mul(*(k for k, _ in found))
        bodies = [b for _, b in found if b is not None]
        if c == 1 and len(bodies) == len(node.operands):
            return S.One, node
        return c, None if not bodies else bodies[0] if len(bodies) == 1 else Call("mul", *bodies)
    if is_call(node, "div"):
        top, bottom = coefficient(node.operands[0]), coefficient(node.operands[1])
        if bottom[1] is None and bottom[0] != 0:
            return top[0] / bottom[0], top[1]
        if top[0] != 1 and top[1] is not None and bottom[0] != 0:
            return top[0], Call("div", top[1], node.operands[1])
    return S.One, node


def times(c: Rational, node: Node) -> Node:
    """`c*node`."""
    if c == 1:
        return node
    return Call("neg", node) if c == -1 else Call("mul", Num(c), node)


def halved(u: Node) -> Node:
    c, body = coefficient(u)
    return Num(c / 2) if body is None else times(c / 2, body) if c != 1 else Call("div", u, Num(2))


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


def with_roots(powers: Counter[Node]) -> dict[Node, Rational]:
    """The same factors with `sqrt` and fractional powers as powers of their bases."""
    out: dict[Node, Rational] = {}
    for x, e in powers.items():
        base, k = x, S.One
        if isinstance(x, Call) and x.name == "sqrt":
            base, k = x.operands[0], S.Half
        elif isinstance(x, Call) and x.name == "pow" and isinstance(x.operands[1], Num) and x.operands[1].value.is_Rational:
            base, k = x.operands[0], x.operands[1].value
        out[base] = out.get(base, S.Zero) + k * e
    return {b: e for b, e in out.items() if e != 0}


def shared_power(a: tuple, b: tuple) -> Node | None:
    """`m q^e - m s q^(e-1) = m r q^(e-1)` for `q = s + r`: `1/√(1 + x²) - x²/(1 + x²)^(3/2) = (1 + x²)^(-3/2)`."""
    (c, x), (d, y) = a, b
    if x is None or y is None:
        return None
    (c1, fx), (d1, fy) = factors_of(x), factors_of(y)
    c, d, above, below = c * c1, d * d1, with_roots(fx), with_roots(fy)
    for q, e in above.items():
        if not (isinstance(q, Call) and q.name == "add") or below.get(q) != e - 1:
            continue
        extra = {b: below.get(b, S.Zero) - above.get(b, S.Zero) for b in {*above, *below} if b is not q}
        extra = {b: k for b, k in extra.items() if k != 0}
        for term in q.operands:
            k, powers = factors_of(term)
            if with_roots(powers) == extra and c == -d / k:
                rest = [t for t in q.operands if t is not term]
                left = rest[0] if len(rest) == 1 else Call("add", *rest)
                common = [(b, p) for b, p in above.items() if b is not q]
                return _product(Fraction(int(c.p), int(c.q)), [*common, (left, S.One), (q, e - 1)])
    return None


def plan_polynomials(node: Call) -> Node | None:
    """The sum with its polynomials in a sigmoid or tanh factored, or None where there is nothing to take out."""
    terms = [factors_of(t) for t in node.operands]
    if len(terms) == 2 and {abs(c) for c, _ in terms} == {1} and sorted(sum(p.values()) for _, p in terms) == [0, 1]:
        return None  # `1 - σ`: written as one word
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
            roots = ((Fraction(1), Call("add", Num(1), Call("neg", base)), Fraction(-1)),
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
    for b, e in factors:
        if isinstance(b, Num) and b.value.is_Rational and e in (1, -1):
            c *= Fraction(int(b.value.p), int(b.value.q)) ** int(e)
    factors = [(b, e) for b, e in factors if not (isinstance(b, Num) and b.value.is_Rational and e in (1, -1))]
    above = [b if e == 1 else Call("pow", b, Num(e)) for b, e in factors if e > 0]
    below = [b if e == -1 else Call("pow", b, Num(-e)) for b, e in factors if e < 0]
    minus = c == -1 if above else c < 0
    c = -c if minus else c
    if c != 1:
        above.insert(0, _number(c))
    top = Num(1) if not above else above[0] if len(above) == 1 else Call("mul", *above)
    out = Call("div", top, below[0] if len(below) == 1 else Call("mul", *below)) if below else top
    return Call("neg", out) if minus else out


def _sum(base: Node, coefs: dict[int, Fraction], low: int) -> Node:
    terms = [_product(c, [(base, low + k)] if low + k else []) for k, c in sorted(coefs.items()) if c]
    return terms[0] if len(terms) == 1 else Call("add", *terms)


# softmax -----------------------------------------------------------------------------------------------------------------------
def plan_labels(node: Call) -> Node | None:
    """`m₁ p - m₁ e + m₂ p - m₂ e + … = (m₁ + m₂ + …)(p - e)` for a softmax p and one-hot e, whose difference is exact."""
    if len(node.operands) < 4:
        return None
    terms = [factors_of(t) for t in node.operands]
    for p in dict.fromkeys(b for _, powers in terms for b in powers if isinstance(b, Call) and b.name == "softmax"):
        for e in dict.fromkeys(b for _, powers in terms for b in powers if isinstance(b, Call) and b.name == "onehot"):
            sides: dict[Node, dict[Factors, Rational]] = {p: {}, e: {}}
            for c, powers in terms:
                mine = p if powers.get(p) == 1 else e
                if powers.get(mine) != 1 or powers.get(p, 0) + powers.get(e, 0) != 1:
                    break
                rest = frozenset((b, k) for b, k in powers.items() if b is not mine and k)
                sides[mine][rest] = sides[mine].get(rest, S.Zero) + c
            else:
                if p.shape == e.shape == node.shape and sides[p] == {rest: -c for rest, c in sides[e].items()}:
                    words = [
                        _product(Fraction(int(c.p), int(c.q)), sorted(rest, key=lambda be: be[0].key))
                        for rest, c in sides[p].items()
                        if c
                    ]
                    if words and all(w.rank in (0, node.rank) for w in words):
                        return Call("mul", words[0] if len(words) == 1 else Call("add", *words), Call("add", p, Call("neg", e)))
    return None


def plan_deviation(node: Call) -> Node | None:
    """`d p·A - d A` for a softmax p and a vector A, a sum of several terms: the deviation from the mean with weights p."""
    terms = [factors_of(t) for t in node.operands]
    for k, (d, powers) in enumerate(terms):
        (y, *more) = powers or (None,)
        if more or not isinstance(y, Call) or powers[y] != 1 or y.name not in ("matmul", "dot") or y.rank or len(y.operands) != 2:
            continue
        for p, a in (y.operands, y.operands[::-1]):
            if not (isinstance(p, Call) and p.name == "softmax" and isinstance(a, Call) and a.name == "add"):
                continue
            wanted = [(c * -d, inner) for c, inner in map(factors_of, a.operands)]
            left = [t for j, t in enumerate(terms) if j != k]
            if all(any(w == t for t in left) for w in wanted):
                rest = [node.operands[j] for j, t in enumerate(terms) if j != k and t not in wanted]
                free = Call("add", *map(without_shift, a.operands))
                out = _product(Fraction(int(-d.p), int(d.q)), [(hidden("deviation", free, p), 1)])
                return Call("add", out, *rest) if rest else out
    return None


def without_shift(x: Node) -> Node:
    """`c log_softmax(z)` as `c z`: the same up to a constant, and exact."""
    c, powers = factors_of(x)
    (y, *more) = powers or (None,)
    if not more and isinstance(y, Call) and y.name == "log_softmax" and powers[y] == 1 and y.rank == 1:
        return _product(Fraction(int(c.p), int(c.q)), [(y.operands[0], 1)])
    return x
