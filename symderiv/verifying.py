"""`verify`: is this the derivative, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .api import Declarations, as_problem, derive
from .errors import InputError, SymDerivError
from .expr.nodes import Node, Var
from .read.problem import Problem
from .verify.callables import read_function
from .verify.claim import Claim
from .verify.claims import read_text, read_words
from .verify.judge import Judge
from .verify.verdict import Verdict, not_understood


def verify(
    loss: Problem | Node | str,
    wrt: str | Var | Sequence[str | Var],
    claim: str | Node | Problem | Callable[..., Any] | None = None,
    *,
    vars: Declarations = None,
    order: int = 1,
    claim_latex: str | None = None,
    layout: str = "numerator",
    symmetric: str = "plain",
    seed: int = 0,
    reader: str = "symderiv",
) -> Verdict:
    """Whether `claim` is `∂^order loss / ∂wrt^order`; if not, what is wrong with it.

    Args:
        loss: text in the input language, a `Problem` (of `parse_latex`, `load`, …) or an expression; a loss or an array.
        wrt: the variable; for a mixed second derivative a list of two.
        claim: text, an expression, or a function that is called with arrays by name. Text may have a left side
            (`dL/dw = …`, `g[j] = …`) or be an update rule (`w <- w - a*…`), whose implied gradient is judged.
        vars: declarations, `{"X": "n,d"}`.
        order: 1 for the gradient or Jacobian, 2 for the Hessian.
        claim_latex: the claim in LaTeX, instead of `claim`.
        layout: "numerator" or "denominator": which shape a right claim has.
        symmetric: for a symmetric variable, "plain" or "constrained".
        seed: of the random points.
        reader: of a claim in LaTeX: "symderiv"; "latex2sympy2" for scalar claims (an extra); "both" to have the two compared.

    Returns:
        A verdict: right, wrong with a kind and a message, or `not_understood` where the loss or the claim cannot be read.

    Raises:
        InputError: SD105 when there is no claim, or two.
    """
    if (claim is None) == (claim_latex is None):
        raise InputError("give one claim: claim= or claim_latex=", code="SD105", hint='claim="2*X.T @ (X @ w - y)"')
    try:
        problem = as_problem(loss, vars)
        correct = derive(problem, wrt, order=order, layout=layout, symmetric=symmetric)
        if not hasattr(correct, "chain"):
            raise InputError("a claim is about one derivative", code="SD105", hint="name one variable with wrt")
    except SymDerivError as error:
        return not_understood(error)
    try:
        judge = Judge(problem, correct, correct.chain, seed)  # type: ignore[arg-type]
        verdicts = [judge.verdict(c) for c in _read(claim, claim_latex, problem, correct.chain, reader)]
        return next((v for v in verdicts if not v.ok), verdicts[-1])
    except SymDerivError as error:
        return not_understood(error, correct=correct)


def _read(claim: Any, claim_latex: str | None, problem: Problem, wrt: tuple[Var, ...], reader: str) -> tuple[Claim, ...]:
    if claim_latex is not None:
        from .verify.latex_claims import read_claim_with

        return read_claim_with(claim_latex, problem, wrt, reader)
    if isinstance(claim, str):
        return (read_text(claim, problem, wrt),)
    if isinstance(claim, Problem):
        return (read_words(claim, problem),)
    if isinstance(claim, Node):
        return (read_words(as_problem(claim), problem),)
    if callable(claim):
        return (read_function(claim, problem),)
    raise InputError(
        f"a claim cannot be of type {type(claim).__name__}", code="SD105", hint="give text, an expression or a function"
    )


__all__ = ["verify"]
