"""Derivatives of any order of core expressions, in a person's form."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import DerivativeError
from ..expr.nodes import Node, Var
from ..notation.polish import polish, tidy
from ..simplify.product import einsum
from .sweep import Sweep, sweep, unshare

PROPERTIES = ("symmetric", "psd", "diagonal", "onehot", "simplex")


def gradients(y: Node, wrt: Sequence[Var]) -> tuple[dict[Var, Node], Sweep]:
    """`∂y/∂x` of shape `y.shape + x.shape` for every variable, from one sweep; polished; and the sweep itself.

    The expression must be `unconstrained` in the variables (`free_of_properties`).
    """
    run = sweep(y, wrt, tidy=tidy)
    results = unshare([run.gradients[v] for v in wrt])
    return {v: polish(g) for v, g in zip(wrt, results, strict=True)}, run


def free_of_properties(wrt: Sequence[Var]) -> dict[Node, Node]:
    """Variables that tie their entries together, and the same without that.

    The derivative by a symmetric matrix or one-hot rows is the plain one: entries vary independently, so what holds only for
    tied entries (`A = Aᵀ`, rows that sum to 1) must not be used before differentiating.
    """
    return {v: Var(v.name, v.shape, v.attrs - set(PROPERTIES)) for v in wrt if v.attrs & set(PROPERTIES)}


def derivative(y: Node, wrt: Sequence[Var]) -> tuple[Node, list[Node]]:
    """The derivative by each variable in turn (`[x, x]` is the Hessian), and all lower ones on the way.

    The shape is `y.shape + wrt[0].shape + wrt[1].shape + …`.
    """
    stages: list[Node] = []
    for v in wrt:
        y = gradients(y, [v])[0][v]
        stages.append(y)
    return y, stages


def jvp(y: Node, tangents: dict[Var, Var]) -> Node:
    """`Σ_x (∂y/∂x) dx`, of the shape of `y`, without building the Jacobian: the transpose of the transpose.

    The sweep with a variable cotangent `u` is linear in `u`; sweeping it again by `u` with the tangents gives the product.
    """
    from sympy.core.symbol import Str

    u = Var(Str("_cotangent"), y.shape)
    run = sweep(y, list(tangents), cotangent=u, tidy=tidy)
    total = None
    for v, dv in tangents.items():
        labels = list(range(v.rank))
        part = einsum([(run.gradients[v], labels), (dv, labels)], [])
        total = part if total is None else total + part if False else _plus(total, part)
    if total is None:
        raise DerivativeError("no variable to differentiate by", code="SD303")
    back = sweep(total, [u], tidy=tidy)
    return polish(unshare([back.gradients[u]])[0])


def _plus(a: Node, b: Node) -> Node:
    from ..simplify.add import add

    return add([a, b])


def vjp(y: Node, wrt: Sequence[Var], cotangent: Var) -> dict[Var, Node]:
    """`cotangentᵀ (∂y/∂x)` for every variable, each of the variable's shape."""
    run = sweep(y, wrt, cotangent=cotangent, tidy=tidy)
    return {v: polish(g) for v, g in zip(wrt, unshare([run.gradients[v] for v in wrt]), strict=True)}


def hvp(y: Node, wrt: Var, direction: Var) -> Node:
    """`(∂²y/∂x²) v` of a scalar `y`, of the shape of `x`: the gradient's inner product with `v`, differentiated."""
    if y.rank:
        raise DerivativeError("a Hessian-vector product needs a scalar", code="SD304", hint="use jvp or vjp for an array")
    g = gradients(y, [wrt])[0][wrt]
    labels = list(range(wrt.rank))
    return gradients(einsum([(g, labels), (direction, labels)], []), [wrt])[0][wrt]


def constrain_symmetric(g: Node, lead: int) -> Node:
    """`G + Gᵀ - diag(G)`: the derivative by the independent entries of a symmetric matrix."""
    from sympy import S

    from ..simplify.add import add

    front = [("lead", i) for i in range(lead)]
    flipped = einsum([(g, [*front, "i", "j"])], [*front, "j", "i"])
    diagonal = einsum([(g, [*front, "i", "i"])], [*front, "i", "i"], coef=S.NegativeOne)
    return polish(add([g, flipped, diagonal]))
