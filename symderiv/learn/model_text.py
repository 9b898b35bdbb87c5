"""A model's gradients as a person writes the backward pass of a network: by the names of its own lines, shared parts named once.

G₁ = (softmax(S) − onehot(y))/n
∂L/∂W₂ = H₁ᵀ G₁
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..expr.nodes import Node, Var
from ..expr.walk import postorder, replace
from ..write.sharing import choose_names
from .tables import Pen

if TYPE_CHECKING:
    from ..result import Derivatives

LONG = 90  # characters of a formula that is still read in one piece


def backward_pass(gradients: Derivatives) -> tuple[dict[str, Node], dict[str, Node]]:
    """Shared parts by name, and the gradients by parameter, in words of the problem's own names and of the parts."""
    answers = list(gradients.values())
    problem = answers[0].problem
    named: dict[Node, Node] = {n: Var(name, n.shape) for name, n in problem.definitions.items() if n is not problem.expr}
    roots = [replace(g.expr, named) for g in answers]
    shared = choose_names(postorder(*roots), roots)
    letter = next(c for c in "GDEF" if not any(v.startswith(c) for v in (*problem.vars, *problem.definitions)))
    parts: dict[str, Node] = {}
    stands: dict[Node, Node] = {}
    for n in shared:  # in order of computation
        if n.rank == 0 and n.tree_size < 8:
            continue
        name = f"{letter}{len(parts) + 1}"
        parts[name] = replace(n, stands)
        stands[n] = Var(name, n.shape)
    return parts, {g.chain[0].name: replace(r, stands) for g, r in zip(answers, roots, strict=True)}


def lines_of(gradients: Derivatives, pen: Pen | None = None, code: bool = False) -> list[str]:
    """One line for every shared part and every gradient, as mathematics or (`code`) in the input language."""
    from ..write.report import name_of

    pen = pen or Pen()
    parts, results = backward_pass(gradients)
    loss = name_of(next(iter(gradients.values())))
    if code:
        return [f"{n} = {w}" for n, w in parts.items()] + [f"d{n} = {w}" for n, w in results.items()]
    out = [f"{pen.name(n)} = {pen.words(w)}" for n, w in parts.items()]
    return out + [f"{pen.partial(pen.name(loss), pen.name(n))} = {pen.words(w)}" for n, w in results.items()]


def is_long(gradients: Derivatives) -> bool:
    """Whether a formula written in one piece would not be read."""
    return any(len(g.text()) > LONG for g in gradients.values())


__all__ = ["backward_pass", "is_long", "lines_of"]
