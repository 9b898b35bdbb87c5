"""Which rule a block is, and why it holds there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from sympy import S

from ..calculus.local import partial
from ..expr.nodes import Add, Call, Einsum, Node, Num, Var
from ..notation.words import to_words
from .blocks import Block, is_sum_of_squares
from .rules import spoken

if TYPE_CHECKING:
    from .context import Context


def local_rule(c: Context, block: Block) -> tuple[str, str]:
    """The key of the rule in `RULES` and a sentence."""
    head = block.head
    if is_sum_of_squares(head) and head.items[0][0].rank and block.inner:  # type: ignore[attr-defined]
        return "squared_norm", "The square of a norm is an inner product, and both factors change alike: `d‖u‖² = 2 uᵀ du`."
    if isinstance(head, Call) and head.name == "pow":
        return _power(head, block)
    if isinstance(head, Call) and head.name == "xlogy" and c.trace.active(head) == [1]:
        return "log", _operation(Call("log", head.operands[1]), [0])
    if isinstance(head, Call):
        return head.name, _operation(head, c.trace.active(head))
    if isinstance(head, Add):
        return _sum(c, block)
    if isinstance(head, Einsum):
        inner = block.inner[0] if len(block.inner) == 1 else None
        if (
            isinstance(inner, Call)
            and inner.name == "pow"
            and isinstance(inner.operands[1], Num)
            and inner.operands[1].value == 2
        ):
            return _power(inner, block)
        return _product(c, block, head)
    return "linear", "The map is linear in what changes, so it acts on the change."


def _power(head: Call, block: Block) -> tuple[str, str]:
    e = head.operands[1]
    if e is Num(S.Half) and is_sum_of_squares(head.operands[0]):
        return "norm", "The norm is the square root of the sum of squares: `d‖u‖ = uᵀ du / ‖u‖`, where `u ≠ 0`."
    if isinstance(e, Num) and e.value == -1:
        return "reciprocal", "The reciprocal changes by `d(1/u) = −du / u²`."
    return "power", f"{'Every entry is raised to a power' if head.rank else 'The power rule'}: `d(uᵏ) = k uᵏ⁻¹ du`."


def _operation(head: Call, active: Sequence[int]) -> str:
    if head.op.elementwise and head.name not in _KNOWN:
        name = spoken(head.name)
        slopes = _slopes(head, active)
        if not slopes:
            return f"{name[0].upper()}{name[1:]} is piecewise constant: its derivative is 0 where it has one."
        return f"{name[0].upper()}{name[1:]}{', entry by entry' if head.rank else ''}: {slopes}."
    return _KNOWN.get(head.name, f"The differential of {spoken(head.name)}, from its definition.")


def _slopes(head: Call, active: Sequence[int]) -> str:
    """`d σ(x) = σ(x)(1 − σ(x)) dx`, for every argument that changes."""
    numbers = tuple(o if isinstance(o, Num) else None for o in head.operands)
    return _slopes_of(head.name, numbers, tuple(active))


@lru_cache(maxsize=512)
def _slopes_of(name: str, numbers: tuple[Num | None, ...], active: tuple[int, ...]) -> str:
    from ..write.unicode import to_unicode  # a node prints itself

    letters = iter("xyz")
    xs: list[Node] = [x if x is not None else Var(next(letters), ()) for x in numbers]
    f = Call(name, *xs)
    said = []
    for k in active:
        x, d = xs[k], partial(f, k)
        if isinstance(x, Var) and d is not None:
            value = to_unicode(f)
            value = f"({value})" if name in ("xlogy", "expm1") else f" {value}"
            said.append(f"`d{value} = {to_unicode(Call('mul', to_words(d), Var('d' + x.name, ())))}`")
    return " and ".join(said)


_KNOWN = {
    "softmax": "Each probability changes with its own score and, through the normalisation, with all: `dp = p ⊙ (dz − pᵀdz)`.",
    "log_softmax": "`log softmax(z) = z − log Σ exp(z)`, and the last term changes by the mean of `dz` weighted by the probabilities.",
    "logsumexp": "The change of `log Σ exp(z)` is the mean of the changes, weighted by `softmax(z)`.",
    "logdet": "Jacobi's formula: `d log det A = tr(A⁻¹ dA)`.",
    "det": "Jacobi's formula: `d det A = det(A) tr(A⁻¹ dA)`.",
    "inv": "From `A A⁻¹ = I`: `dA A⁻¹ + A d(A⁻¹) = 0`, so `d(A⁻¹) = −A⁻¹ dA A⁻¹`.",
    "where": "In each case the value changes as its formula does.",
    "max": "The largest entry changes as it does; where it is attained once, nothing else matters.",
    "min": "The smallest entry changes as it does; where it is attained once, nothing else matters.",
    "prod": "The product rule: each factor changes while the others stand still.",
    "sqrtm": "From `S S = A`: `S dS + dS S = dA`, a Sylvester equation for `dS`.",
    "cholesky": "From `L Lᵀ = A`: `dL Lᵀ + L dLᵀ = dA`, solved for a lower triangular `dL`.",
}


def _sum(c: Context, block: Block) -> tuple[str, str]:
    constants = len(c.trace.active(block.head)) < len(block.head.operands)
    if len(block.inputs) == 1 and any(isinstance(x, Einsum) and len(c.trace.active(x)) > 1 for x in block.inner):
        return "product", "The product rule: each factor changes in turn, in its place; equal contributions are added."
    if block.inner and len(block.inputs) == 1:
        return "affine", "The map is affine: its constant part does not change, and its linear part acts on the change."
    if constants and len(c.trace.active(block.head)) == 1:
        return "constant", "A constant does not change."
    return "sum", "The differential of a sum is the sum of the differentials" + (
        "; constants do not change." if constants else "."
    )


def _product(c: Context, block: Block, head: Einsum) -> tuple[str, str]:
    if any(isinstance(x, Call) and x.name == "pow" for x in block.inner):
        return "quotient", "The quotient rule: `d(a/b) = da/b − a db/b²`."
    count = len(c.trace.active(head))
    if count > 1:
        return "product", "The product rule: each factor changes in turn, in its place."
    return "linear", "The map is linear in what changes, so it acts on the change."


def index_rule(c: Context, block: Block) -> tuple[str, str]:
    """The same for the index style."""
    rule, reason = local_rule(c, block)
    head = block.head
    if isinstance(head, Einsum) and head.rank == 0 and rule == "linear":
        return "pull_sum", "The derivative of a sum is the sum of the derivatives: it is pulled through the sum sign."
    if rule in ("linear", "affine"):
        return "pull_sum", "The derivative is pulled through the sum; what does not depend on the variable is a constant factor."
    if rule == "power":
        return "power", "The power rule, and the chain rule for what is inside."
    if isinstance(head, Call) and head.op.elementwise and head.name not in _KNOWN and rule != "norm":
        told = f"; {reason[reason.index('`') :]}" if "`d" in reason and rule not in ("power", "reciprocal") else "."
        return rule, f"The chain rule: the derivative of {spoken(rule)}, times the derivative of its argument{told}"
    return rule, reason


def reassembly(short: Node, lead: int, v: Var) -> str:
    """The sentence that justifies the matrix form of the entries."""
    terms = short.terms if isinstance(short, Add) else (short,)
    said = []
    for t in terms:
        if isinstance(t, Einsum):
            met: set[int] = set()
            for x, ls in t.items:
                if x.rank == 2 and isinstance(x, Var):
                    out = [i for i in ls if i in t.out]
                    if len(out) == 1 and ls[0] != ls[1] and not met & set(ls):
                        met |= {i for i in ls if i not in t.out}
                        first = ls[0] not in t.out
                        which = (
                            f"the first index of `{x.name}`, which is a product with its transpose"
                            if first
                            else f"the second index of `{x.name}`, which is a product with it"
                        )
                        said.append(f"the sum runs over {which}")
    if lead:
        what = "The entries with these indices are those of the Jacobian: row by output, column by variable"
    elif v.rank == 1:
        what = "This holds for every entry, so the entries are those of a vector"
    else:
        what = (
            "This holds for every pair of indices, so the entries are those of a matrix"
            if v.rank == 2
            else "This holds for all indices"
        )
    return what + ("; " + ", and ".join(dict.fromkeys(said)) if said else "") + "."


__all__ = ["index_rule", "local_rule", "reassembly"]
