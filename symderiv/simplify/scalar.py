"""Entrywise parts as SymPy scalars: expand, cancel and factor where the result is shorter.

The entrywise part of an expression (sums, products and constant powers of arrays that line up) is one scalar expression in its
atoms, so SymPy's algebra of rational functions applies to it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy
from sympy import Expr, S, Symbol
from sympy.core.exprtools import factor_terms
from sympy.polys.polyerrors import PolynomialError

from ..expr.nodes import Add, Call, Einsum, Node, Num
from ..expr.sizes import written_minus
from .add import add
from .calls import power
from .components import components
from .product import einsum

MOST_ATOMS = 9
MOST_NODES = 60


class Region:
    """A scalar expression in atoms, each a node with labels among those of the region."""

    def __init__(self, node: Node) -> None:
        self.shape = node.shape
        self.atoms: dict[tuple[Node, tuple[int, ...]], Symbol] = {}
        self.nodes = 0
        self.expr = self.scalar(node, tuple(range(node.rank)))

    def scalar(self, node: Node, labels: tuple[int, ...]) -> Expr:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            return self.atom(node, labels)
        if isinstance(node, Num):
            return node.value
        if isinstance(node, Add):
            return sympy.Add(*(self.scalar(t, labels) for t in node.terms))
        if isinstance(node, Einsum) and len(set(node.out)) == len(node.out):
            place = dict(zip(node.out, labels, strict=True))
            factors = [node.coef]
            for x, ls in components(node):
                mine = tuple(place[i] for i in ls)
                factors.append(self.atom(x, mine) if isinstance(x, Einsum) else self.scalar(x, mine))
            return sympy.Mul(*factors)
        if isinstance(node, Call) and node.name == "pow" and isinstance(node.operands[1], Num):
            e = node.operands[1].value
            if e.is_Rational and abs(e) <= 8:
                return self.scalar(node.operands[0], labels) ** e
        return self.atom(node, labels)

    def atom(self, node: Node, labels: tuple[int, ...]) -> Symbol:
        key = (node, labels)
        if key not in self.atoms:
            self.atoms[key] = Symbol(f"a{len(self.atoms)}", real=True)
        return self.atoms[key]

    def node(self, expr: Expr) -> Node:
        """A scalar expression in the atoms as a core node of the region's shape."""
        known = {s: key for key, s in self.atoms.items()}
        x, ls = _rebuild(expr, known, dict(enumerate(self.shape)))
        return einsum([(x, ls)], range(len(self.shape)), dict(enumerate(self.shape)))


def _rebuild(expr: Expr, known: dict, sizes: dict[int, Expr]) -> tuple[Node, tuple[int, ...]]:
    if expr in known:
        return known[expr]
    if not expr.has(*known):
        return Num(expr), ()
    if expr.is_Add:
        parts = [_rebuild(a, known, sizes) for a in expr.args]
        labels = tuple(sorted({i for _, ls in parts for i in ls}))
        return add([einsum([(x, ls)], labels, sizes) for x, ls in parts]), labels
    if expr.is_Mul:
        parts = [_rebuild(a, known, sizes) for a in expr.args]
        labels = tuple(sorted({i for _, ls in parts for i in ls}))
        return einsum(parts, labels, sizes), labels
    if expr.is_Pow:
        x, ls = _rebuild(expr.base, known, sizes)
        return power(x, Num(expr.exp)), ls
    raise PolynomialError(f"cannot take {expr.func} back")


def candidates(region: Region) -> Iterator[Expr]:
    """Other forms of the scalar, cheap ones first."""
    e = region.expr
    expanded = sympy.expand(e, deep=True, power_base=False, power_exp=False, log=False)
    if expanded != e:
        yield expanded
    collected = factor_terms(expanded)
    if collected != expanded:
        yield collected
    atoms = e.free_symbols
    if len(atoms) <= MOST_ATOMS // 2:
        rational = rationalised(e)
        if rational is not None:
            yield rational
    if len(atoms) > MOST_ATOMS or any(not p.exp.is_Integer for p in e.atoms(sympy.Pow)):
        return
    divides = any(p.exp.is_negative and p.base.is_Add for p in e.atoms(sympy.Pow))
    if divides or (e.is_Add and any(p.exp.is_negative for p in e.atoms(sympy.Pow))):
        together = sympy.cancel(e)
        yield together
        yield sympy.factor(together)
        brackets, sums = with_sums_as_atoms(e)
        if sums:
            together = sympy.cancel(brackets)
            yield together.xreplace(sums)
            yield sympy.factor(together).xreplace(sums)
    elif region.nodes > 8:
        yield sympy.factor(expanded)


def with_sums_as_atoms(e: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """The expression with a symbol for each innermost sum that is a factor or raised to a power, and what the symbols stand for.

    `r/(s + r²)` with `r = y - x` stays short, where multiplying out `r²` does not.
    """
    found: dict[Expr, Expr] = {}
    sums: dict[Expr, Expr] = {}
    for x in sympy.preorder_traversal(e):
        for a in x.args if x.is_Mul or x.is_Pow else ():
            if a.is_Add and a not in found and not any(b.is_Add for b in sympy.preorder_traversal(a) if b is not a):
                symbol = sympy.Dummy("s", real=True)
                found[a], found[-a] = symbol, -symbol
                sums[symbol] = a
    return e.xreplace(found), sums


def rationalised(e: Expr) -> Expr | None:
    """`(1 + x/√(x² + 1)) / (x + √(x² + 1)) = 1/√(x² + 1)`: `P + Q √b` in lowest terms, where it is `P` or `Q √b` alone.

    None where no sum with a root stands below, where several roots occur, where `P` and `Q √b` could cancel each other, or where
    something else than `b` would be divided by: that could be 0 (or lose digits) where the original is not.
    """
    powers_in = e.atoms(sympy.Pow)
    roots = {p.base for p in powers_in if p.exp.is_Rational and p.exp.q == 2}
    below = [p.base for p in powers_in if p.exp.is_negative and p.base.is_Add]
    if len(roots) != 1 or not any(p.exp.is_Rational and p.exp.q == 2 for b in below for p in b.atoms(sympy.Pow)):
        return None
    (base,) = roots
    r = sympy.Dummy("r", positive=True)
    powers = {p: r ** (2 * p.exp) for p in powers_in if p.base == base and p.exp.is_Rational and p.exp.q <= 2}
    top, bottom = sympy.fraction(sympy.together(e.xreplace(powers)))
    (a, b), (c, d) = _linear_in(top, r, base), _linear_in(bottom, r, base)
    norm = sympy.expand(c**2 - d**2 * base)
    if norm == 0:
        return None
    plain = sympy.factor((a * c - b * d * base) / norm)
    radical = sympy.factor((b * c - a * d) * base / norm)  # over the root
    if (plain != 0 and radical != 0) or _divides_by_more(plain, base) or _divides_by_more(radical, base):
        return None
    return plain + radical / sympy.sqrt(base)


def _divides_by_more(e: Expr, base: Expr) -> bool:
    """Whether the denominator has another factor than numbers and powers of `base`."""
    below = sympy.fraction(e)[1]
    return any(f.as_base_exp()[0] != base for f in sympy.Mul.make_args(below) if f.free_symbols)


def _linear_in(e: Expr, r: Symbol, base: Expr) -> tuple[Expr, Expr]:
    """`(A, B)` with `e = A + B r` for a polynomial in `r`, where `r² = base`."""
    even = odd = S.Zero
    for (k,), c in sympy.Poly(sympy.expand(e), r).terms():
        if k % 2:
            odd += c * base ** (k // 2)
        else:
            even += c * base ** (k // 2)
    return even, odd


def shorten(node: Node, cost: Callable[[Node], int]) -> Node:
    """The shortest of the forms of an entrywise expression."""
    if not isinstance(node, (Add, Einsum, Call)) or not _has_brackets(node):
        return node
    region = Region(node)
    if region.nodes > MOST_NODES or not region.expr.args or len(region.expr.free_symbols) < 1:
        return node
    if region.expr.count_ops() < 3 or not _interesting(region.expr):
        return node
    best, least = node, cost(node)
    for form in candidates(region):
        if form.has(S.NaN, S.ComplexInfinity):
            continue
        new = region.node(form)
        price = cost(new)
        if price < least:
            best, least = new, price
    return best


def _has_brackets(node: Node) -> bool:
    """Whether `_interesting` may hold: in the entrywise part stands a sum in a product or power, or a denominator in a sum."""
    if isinstance(node, Add) and len(node.terms) > MOST_NODES:
        return False
    todo = [(node, isinstance(node, Add))]
    while todo:
        x, in_sum = todo.pop()
        if isinstance(x, Num) and not x.value.is_Rational:
            return True
        if isinstance(x, Add):
            if x is not node:
                return True
            todo.extend((t, True) for t in x.terms)
        elif isinstance(x, Einsum):
            if not x.coef.is_Rational:
                return True
            todo.extend((t, in_sum) for t in x.operands)
        elif isinstance(x, Call) and x.name == "pow" and isinstance(x.operands[1], Num):
            if in_sum and written_minus(x.operands[1].value):
                return True
            todo.append((x.operands[0], in_sum))
    return False


def _interesting(e: Expr) -> bool:
    """Some bracket to multiply out or a denominator to join; a plain sum of monomials has neither."""
    return any(a.is_Add for m in sympy.preorder_traversal(e) if m.is_Mul or m.is_Pow for a in m.args) or (
        e.is_Add and any(p.exp.is_negative for p in e.atoms(sympy.Pow))
    )
