r"""Two readers of LaTeX compared: what ours and latex2sympy2 make of a scalar text, as numbers.

cross_check(r"\frac{\log x}{x}")   -> both readings, whether they agree, and a point where they do not
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import CodeError, InputError, Span, SymDerivError
from ..expr.nodes import Node
from ..expr.walk import replace, variables
from ..read.latex.document import Context, parse_latex
from ..read.latex.second import EXTRA, read_with_latex2sympy2
from ..read.problem import Problem
from ..write.language import to_text
from .decide import SAME, Trials
from .points import Point, finite, gap


@dataclass(frozen=True, eq=False)
class CrossCheck:
    """What two readers make of one text.

    Attributes:
        text: the LaTeX.
        ours: our reading, or None where we refuse it.
        theirs: that of latex2sympy2, or None where it was not read.
        agrees: whether the two have the same values; None where they cannot be compared.
        message: a sentence.
        values: a point where they differ, name -> number.
        results: the two values there.
        refusals: why ours, theirs is None.
    """

    text: str
    ours: Problem | None
    theirs: Problem | None
    agrees: bool | None
    message: str
    values: dict[str, float] = field(default_factory=dict)
    results: tuple[float, float] | None = None
    refusals: tuple[SymDerivError | None, SymDerivError | None] = (None, None)

    def __str__(self) -> str:
        return self.message


def cross_check(text: str, vars: object = None, context: Context | None = None) -> CrossCheck:
    """Both readings of a scalar text, compared at random points.

    Raises:
        CodeError: SD520 where latex2sympy2 is not installed.
    """
    ours, our_error = _try(lambda: parse_latex(text, vars, context=context))
    shared = {**ours.vars} if ours is not None else vars
    theirs, their_error = _try(lambda: read_with_latex2sympy2(text, shared))
    errors = (our_error, their_error)
    if ours is None or theirs is None:
        who = "neither reader reads this" if ours is theirs else f"only {EXTRA if ours is None else 'symderiv'} reads this"
        why = "; ".join(f"{n}: {e.message}" for n, e in zip(("symderiv", EXTRA), errors, strict=True) if e is not None)
        return CrossCheck(text, ours, theirs, None, f"{who} ({why})", refusals=errors)
    if ours.expr.rank:
        return CrossCheck(text, ours, theirs, None, "symderiv reads an array, which cannot be compared", refusals=errors)
    compared, found = _difference(ours, theirs)
    reads = f"symderiv reads {to_text(ours.expr)}, {EXTRA} {to_text(theirs.expr)}"
    if not compared:
        return CrossCheck(text, ours, theirs, None, f"there is no point where both have a value: {reads}", refusals=errors)
    if found is None:
        return CrossCheck(text, ours, theirs, True, f"the two readers agree: {reads}", refusals=errors)
    point, a, b = found
    values = {n: float(x) for n, x in point.values.items() if not x.shape}
    where = ", ".join(f"{n}={x:.4g}" for n, x in values.items()) or "all points"
    message = f"the two readers disagree: {reads}; at {where} they are {a:.6g} and {b:.6g}"
    return CrossCheck(text, ours, theirs, False, message, values, (a, b), errors)


def parse_with(text: str, vars: object, reader: str, context: Context | None = None) -> Problem:
    """A LaTeX expression by one reader, or by both.

    Args:
        reader: symderiv, latex2sympy2, or both: ours, refused where the other one disagrees.

    Raises:
        InputError: SD105 for another reader, SD138 where the two disagree.
    """
    if reader == "symderiv":
        return parse_latex(text, vars, context=context)
    if reader == EXTRA:
        return read_with_latex2sympy2(text, vars)
    if reader != "both":
        raise InputError(f"there is no reader {reader!r}", code="SD105", hint=f"symderiv, {EXTRA} or both")
    found = cross_check(text, vars, context)
    if found.ours is None:
        assert found.refusals[0] is not None
        raise found.refusals[0]
    if found.agrees is False:
        hint = "write the text so that it can be read in one way only, or choose one reader"
        raise InputError(found.message, code="SD138", hint=hint, span=Span(text, 0, max(1, len(text))))
    found.ours.assumptions.append(found.message)
    return found.ours


def _try(read) -> tuple[Problem | None, SymDerivError | None]:
    try:
        return read(), None
    except CodeError:
        raise
    except SymDerivError as error:
        return None, error


def _difference(ours: Problem, theirs: Problem) -> tuple[int, tuple[Point, float, float] | None]:
    """How many points were compared, and one where the readings differ, with both values.

    A name that one reading leaves out (a transpose that was dropped) is a name like another.
    """
    known = {v.name: v for v in (*variables(ours.expr), *variables(theirs.expr))}
    other: Node = replace(theirs.expr, {v: known[v.name] for v in variables(theirs.expr)})
    trials = Trials(ours.expr, list(known.values()), ours.expr)
    compared = 0
    for p in trials.points:
        a, b = p.value(ours.expr), p.value(other)
        if a is None or not finite(a):
            continue
        compared += 1
        if b is None or not finite(b) or gap(a, b) > SAME:
            return compared, (p, float(a), float(b) if b is not None else float("nan"))
    return compared, None


__all__ = ["CrossCheck", "cross_check", "parse_with"]
