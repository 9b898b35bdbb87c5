r"""Claims in LaTeX: derivatives with their left side, updates, definitions, entries.

\nabla_w L = \frac1n X^\top(\sigma(Xw) - y)        a derivative of the loss
w \leftarrow w - \alpha X^\top(Xw - y)               an update
\frac{\partial p_i}{\partial x_j} = p_i(\delta_{ij} - p_j)   entry by entry
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..calculus import derive as engine
from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..notation.words import to_words
from ..read.latex.document import Context, LatexDocument, read_latex
from ..read.latex.reader import DerivativeOf
from ..read.latex.statements import LatexStatement
from ..read.problem import Problem
from ..simplify.lower import normal
from .claims import NAME, Claim, Left, loosened, refuse_unknown
from .decide import Trials
from .points import finite, gap


def read_latex_claim(text: str, problem: Problem, wrt: tuple[Var, ...]) -> tuple[Claim, ...]:
    """The claims of a LaTeX text: one for each right side of `∂L/∂w = a = b`.

    Raises:
        SymDerivError: where it cannot be read, or is about something else than the derivative asked for.
    """
    shape = (*problem.expr.shape, *(s for v in wrt for s in v.shape))
    try:
        found = read_latex(text, problem.vars, Context(problem.expr, problem.definitions, shape), name=NAME)
    except ShapeError as error:
        return (_loose(text, problem, wrt, error),)
    statement = found.main
    left = _left(statement, problem, wrt)
    claims = []
    for side in statement.right:
        words = _resolved(side.words, found, problem, wrt)
        if statement.derivative is not None and statement.derivative.transposed and words.rank == 2 and not problem.expr.rank:
            words = words.T
        read = Problem(text, words, found.vars, list(found.assumptions), dict(found.definitions), dict(found.spans))
        extra = refuse_unknown(words, problem, read, left)
        entry = side.entry if side.entry is not None and not (set(variables(side.entry)) & set(found.unknowns)) else None
        indices = tuple(statement.entries) if entry is not None else ()
        notes = tuple(a for a in found.assumptions if a not in problem.assumptions)
        claims.append(Claim(text, words, read, left=left, entry=entry, indices=indices, extra=extra, notes=notes))
    return tuple(claims)


# the left side ---------------------------------------------------------------------------------------------------------------
def _left(s: LatexStatement, problem: Problem, wrt: tuple[Var, ...]) -> Left | None:
    """What the statement is about.

    Raises:
        InputError: SD115 when it is not about the derivative that was asked for, SD137 when it claims nothing.
    """
    if s.kind in ("equation", "chain", "condition") or not s.right:
        raise InputError(
            "this says nothing about a derivative",
            code="SD137",
            hint=r"write \nabla_w L = … or the right side alone",
            span=s.span,
        )
    if s.conditions:
        raise InputError(
            "the claim holds only under a condition", code="SD115", hint="write it without the condition", span=s.span
        )
    if s.kind == "update":
        return Left(s.name, "<-", (), 0)
    if s.derivative is not None:
        _check_derivative(s.derivative, problem, wrt, s.span)
        return Left(s.name, "=", (), 0, derivative=True)
    return None


def _check_derivative(d: DerivativeOf, problem: Problem, wrt: tuple[Var, ...], span: Span) -> None:
    span = d.span or span
    by = [v.name for v in d.variables if isinstance(v, Var)] or ([d.variable] * d.order if d.variable else [])
    asked = [v.name for v in wrt]
    if by and sorted(by) != sorted(asked):
        raise InputError(
            f"the claim is about the derivative by {', '.join(by)}, not by {', '.join(asked)}", code="SD115", span=span
        )
    if not by and d.order != len(wrt):
        raise InputError(f"the claim is about a derivative of order {d.order}, not {len(wrt)}", code="SD115", span=span)
    if d.numerator is not None and not same_function(d.numerator, problem):
        raise InputError("the left side of the claim differentiates something else than the loss", code="SD115", span=span)
    if any(not isinstance(i, Index) for i in (*d.numerator_indices, *d.variable_indices)):
        raise InputError(
            "a claim about single entries", code="SD115", hint="write free indices, w_j, or the whole array", span=span
        )


def same_function(words: Node, problem: Problem) -> bool:
    """Whether words have the values of the loss."""
    if words is problem.expr:
        return True
    if words.shape != problem.expr.shape:
        return False
    trials = Trials(problem.expr, list(problem.vars.values()), problem.expr)
    seen = False
    for p in trials.points:
        a, b = p.value(words), trials.true(p)
        if a is None or not finite(a):
            continue
        if gap(a, b) > 1e-9:
            return False
        seen = True
    return seen


# derivatives inside the claim --------------------------------------------------------------------------------------------------
def _resolved(words: Node, found: LatexDocument, problem: Problem, wrt: tuple[Var, ...]) -> Node:
    """Derivatives that stand in the claim (`w ← w - α ∇_w L`) worked out.

    Raises:
        InputError: SD115 for one that cannot be.
    """
    rule: dict[Any, Any] = {}
    for v in variables(words):
        d = found.unknowns.get(v)
        if d is None:
            continue
        if d.numerator is None or d.var is None or d.numerator_indices or d.variable_indices or d.transposed:
            raise InputError("the claim holds a derivative that is not known", code="SD115", hint="write its value", span=d.span)
        by = [x for x in d.variables if isinstance(x, Var)] or [d.var] * d.order
        value = to_words(engine.derivative(normal(d.numerator), by)[0])
        if value.shape != v.shape:
            raise InputError("the claim holds a derivative whose shape is not what stands there", code="SD115", span=d.span)
        rule[v] = value
    return replace_nodes(words, rule) if rule else words


# shapes that do not fit ------------------------------------------------------------------------------------------------------
def _loose(text: str, problem: Problem, wrt: tuple[Var, ...], error: ShapeError) -> Claim:
    """The claim with sizes that fit each other, or none where even that is not enough."""
    loose, back = loosened(problem.vars)
    there = {v: k for k, v in back.items()}
    try:
        value = replace_nodes(problem.expr, there)
        names = {n: replace_nodes(w, there) for n, w in problem.definitions.items()}
        found = read_latex(text, loose, Context(value, names), name=NAME)
        statement = found.main
        if statement.kind == "update" or not statement.right or set(variables(statement.right[-1].words)) - set(loose.values()):
            return Claim(text, error=error)
    except SymDerivError:
        return Claim(text, error=error)
    side = statement.right[-1]
    read = Problem(text, side.words, found.vars, [], {}, dict(found.spans))
    if side.entry is not None:
        sizes = tuple((i, replace_sizes(size, back)) for i, size in statement.entries)
        return Claim(text, problem=read, loose=side.entry, strict=back, error=error, indices=sizes)
    return replace(Claim(text, problem=read, loose=side.words, strict=back, error=error), notes=())


def replace_sizes(size: Any, back: dict[Any, Any]) -> Any:
    """A loose size as it was."""
    return back.get(size, size)


__all__ = ["read_latex_claim", "same_function"]
