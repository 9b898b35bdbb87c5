r"""`\frac{\partial L}{\partial y} \frac{\partial y}{\partial z} \frac{\partial z}{\partial w}`: the factors must be the derivatives of each
other's variables, in one order or the other; then the product is the contraction of the Jacobians, whatever the layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..errors import SymDerivError
from ..expr.nodes import Node
from ..expr.walk import replace as replace_nodes
from ..read.declarations import Declarations
from ..read.latex.document import Context, read_statements
from ..read.latex.reader import DerivativeOf
from ..read.latex.split import Raw
from ..read.latex.tokens import Token
from ..read.latex.tree import Group, Item, is_char, is_macro
from .compare import compare_sides
from .reading import Reading
from .relations import Chain
from .values import Unknown, Values, contracted, same_shape


@dataclass
class RuleContext:
    """What reading a factor needs."""

    text: str
    declared: Declarations
    context: Context
    known: Sequence[Raw]
    name: str = ""


def factors_of(side: Sequence[Item]) -> list[list[Item]] | None:
    """The derivatives of a product that holds nothing else, two at least."""
    items = list(side)
    out: list[list[Item]] = []
    k = 0
    while k < len(items):
        item = items[k]
        if is_macro(item, "cdot", "times", "odot", "circ") or is_char(item, "*"):
            k += 1
            continue
        if is_macro(item, "frac", "dfrac", "tfrac") and k + 2 < len(items) and isinstance(items[k + 1], Group):
            out.append(items[k : k + 3])
            k += 3
            continue
        if (
            isinstance(item, Group)
            and item.opener in ("(", "[", "brace")
            and len(item.items) == 3
            and is_macro(item.items[0], "frac", "dfrac")
        ):
            out.append(list(item.items))
            k += 1
            continue
        return None
    return out if len(out) >= 2 else None


def chain_rule(
    context: object, chain: Chain, k: int, left: DerivativeOf | None, values: Values, reading: Reading
) -> Node | str | None:
    """The value of the product in side k, a reason why it has none, or None where it is no such product."""
    factors = factors_of(chain.sides[k])
    if factors is None or not isinstance(context, RuleContext):
        return None
    if left is None or left.numerator_indices or left.variable_indices:
        return None
    heads = []
    for items in factors:
        head = _head(context, items)
        if head is None:
            return None
        if head.numerator_indices or head.variable_indices:
            return None
        heads.append(head)
    order = telescope(left, heads)
    if order is None:
        return "the factors of this product are no chain from the numerator to the variable"
    try:
        truths = [values.derivative(replace(h, span=None)) for h in order]
        whole = values.derivative(replace(left, numerator_indices=(), variable_indices=(), span=None))
    except Unknown as unknown:
        return unknown.reason
    try:
        product = contracted([replace_nodes(t.words, t.back) for t in truths], [t.problem.expr.rank for t in truths])
        total = replace_nodes(whole.words, whole.back)
        if not same_shape(product.shape, total.shape):
            return "the factors of this product have shapes that do not fit"
        if compare_sides(total, product, "the derivative", explain=False).equal is True:
            return total
        return next((t.beside for t in (*truths, whole) if t.beside), None) or product
    except SymDerivError as error:
        return error.message


def _head(context: RuleContext, items: list[Item]) -> DerivativeOf | None:
    one = Token("number", "1", items[-1].stop, items[-1].stop)
    try:
        found = read_statements(
            context.text, [Raw([items, [one]], ["="])], context.declared, context.context, context.name, context.known
        )
    except SymDerivError:
        return None
    return found.statements[0].derivative


def telescope(left: DerivativeOf, heads: Sequence[DerivativeOf]) -> list[DerivativeOf] | None:
    """The factors in the order from the numerator to the variable."""
    for order in (list(heads), list(heads)[::-1]):
        ends = [order[0].numerator is left.numerator, order[-1].var is left.var]
        if all(ends) and all(a.var is b.numerator for a, b in pairwise(order)):
            return order
    return None


__all__ = ["RuleContext", "chain_rule", "factors_of", "telescope"]
