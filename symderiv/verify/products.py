"""Products: `J v` against one directional difference, `uᵀ J` as the gradient of `⟨u, f⟩`, `H v` as `J v` of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..expr.nodes import Call
from .certificate import certify, certify_jvp
from .report import Certificate

if TYPE_CHECKING:
    from ..result import Derivative


def certify_product(product: Derivative, seed: int = 0) -> Certificate:
    """The certificate of a JVP, VJP or HVP; its extra variables are the directions.

    Raises:
        ValueError: for anything else (`certify` is for derivatives).
    """
    words, known = product.problem.expr, product.problem.vars
    if product.kind == "jvp":
        return certify_jvp(words, dict(zip(product.chain, product.directions, strict=True)), product.expr, known, seed=seed)
    if product.kind == "vjp":
        inner = Call("mul", words, product.directions[0])
        return certify(Call("sum", inner) if words.rank else inner, [product.chain[0]], [product.expr], known, seed=seed)
    if product.kind == "hvp":
        return _certify_hvp(product, seed)
    raise ValueError(f"a {product.kind} is not a product")


def _certify_hvp(product: Derivative, seed: int) -> Certificate:
    """The gradient against the original, then `H v` against differences of the gradient along `v`."""
    from ..calculus.derive import gradients
    from ..notation.words import to_words

    words, known, x = product.problem.expr, product.problem.vars, product.chain[0]
    gradient = to_words(gradients(product.original, [x])[0][x])
    below = certify(words, [x], [gradient], known, seed=seed)
    if not below.ok:
        return below
    out = certify_jvp(gradient, {x: product.directions[0]}, product.expr, known, seed=seed)
    out.worst = max(out.worst, below.worst)
    out.notes = [*below.notes, *(n for n in out.notes if n not in below.notes)]
    return out
