"""Words that are nowhere negative, by their form: sums of squares, exponentials, quadratic polynomials of numbers."""

from __future__ import annotations

from sympy import Expr, Matrix, Poly, Rational, S, Symbol
from sympy.polys.polyerrors import PolynomialError

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import fold, postorder, variables
from ..notation.polish import polish
from ..notation.words import to_words
from ..simplify.lower import normal

_POSITIVE = ("exp", "softmax", "sigmoid", "softplus")
_NONNEGATIVE = (*_POSITIVE, "norm", "abs", "square", "relu")
MOST_VARIABLES, MOST_NODES = 5, 200


def bounded(words: Node, strictly: bool) -> bool:
    """Whether words are nowhere below 0, or everywhere above it."""
    try:
        short = to_words(polish(normal(words)))
    except SymDerivError:
        return False
    found = _above(short)
    return found == 2 or (found == 1 and not strictly) or _quadratic(words, strictly)


def _above(words: Node) -> int:
    """2: positive everywhere; 1: nowhere negative; 0: neither is seen."""

    def visit(n: Node, inner: list[int]) -> int:
        if isinstance(n, Num):
            return int(bool(n.value.is_nonnegative)) + int(bool(n.value.is_positive))
        if isinstance(n, Var):
            return 2 if n.is_a("positive") else int(any(n.is_a(a) for a in ("nonnegative", "onehot", "simplex")))
        if not isinstance(n, Call):
            return 0
        if n.name in _NONNEGATIVE:
            return 2 if n.name in _POSITIVE else 1
        if n.name == "pow" and isinstance(n.operands[1], Num) and n.operands[1].value.is_even:
            return max(1, inner[0])
        if n.name == "matmul" and n.rank == 0 and n.operands[0] is n.operands[1]:
            return 1
        if n.name == "add":  # one positive term is enough where the others are not negative
            return max(inner) if min(inner) > 0 else 0
        if n.name == "maximum":
            return max(inner)
        if n.name in ("mul", "div", "sum", "mean"):
            return min(inner)
        return 0

    return fold(words, visit)


def _quadratic(words: Node, strictly: bool) -> bool:
    """`x² - 2 x y + y²`: a polynomial of degree 2 in numbers is nowhere negative where the matrix of its form in (1, x, y) is positive
    semidefinite."""
    found = variables(words)
    if not found or len(found) > MOST_VARIABLES or any(v.rank for v in found) or len(postorder(words)) > MOST_NODES:
        return False
    symbols = {v: Symbol(f"x{k}") for k, v in enumerate(found)}
    try:
        p = Poly(_expression(words, symbols), *symbols.values())
    except (PolynomialError, _NoPolynomial):
        return False
    if p.total_degree() > 2 or not all(c.is_Rational for c in p.coeffs()):
        return False
    n = len(symbols) + 1
    form = Matrix.zeros(n, n)
    for powers, c in p.terms():
        at = [k + 1 for k, power in enumerate(powers) for _ in range(power)]
        i, j = [*[0] * (2 - len(at)), *at]
        form[i, j] += c / 2
        form[j, i] += c / 2
    return bool(form.is_positive_definite if strictly else form.is_positive_semidefinite)


class _NoPolynomial(Exception):
    pass


def _expression(words: Node, symbols: dict[Var, Symbol]) -> Expr:
    def visit(n: Node, inner: list[Expr]) -> Expr:
        if isinstance(n, Var):
            return symbols[n]
        if isinstance(n, Num) and n.value.is_Rational:
            return Rational(n.value)
        if isinstance(n, Call) and n.name == "add":
            return sum(inner, S.Zero)
        if isinstance(n, Call) and n.name in ("mul", "matmul"):
            out: Expr = S.One
            for x in inner:
                out = out * x
            return out
        if isinstance(n, Call) and n.name == "neg":
            return -inner[0]
        if isinstance(n, Call) and n.name == "div" and inner[1].is_Rational and inner[1] != 0:
            return inner[0] / inner[1]
        if isinstance(n, Call) and n.name == "pow" and inner[1] in (0, 1, 2):
            return inner[0] ** inner[1]
        if isinstance(n, Call) and n.name == "square":
            return inner[0] ** 2
        raise _NoPolynomial

    return fold(words, visit)


__all__ = ["bounded"]
