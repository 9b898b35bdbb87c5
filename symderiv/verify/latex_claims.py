r"""Claims in LaTeX: derivatives with their left side, updates, definitions, entries.

\nabla_w L = \frac1n X^\top(\sigma(Xw) - y)        a derivative of the loss
w \leftarrow w - \alpha X^\top(Xw - y)               an update
\frac{\partial p_i}{\partial x_j} = p_i(\delta_{ij} - p_j)   entry by entry
"""

from __future__ import annotations

from dataclasses import replace
from types import NoneType
from typing import Any

from ..calculus import derive as engine
from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..notation.words import to_words
from ..read.latex.document import Context, LatexDocument, read_latex
from ..read.latex.identifiers import tree_of
from ..read.latex.indices import LAST
from ..read.latex.reader import DerivativeOf
from ..read.latex.split import split_statements
from ..read.latex.statements import LatexStatement
from ..read.latex.unknown import Unbound
from ..read.latex.values import NoProduct
from ..read.problem import Problem
from ..simplify.lower import normal
from .claim import ELEMENTWISE, NAME, Claim, Left, as_array, check_positions, refuse_sizes, refuse_unknown
from .claims import MOST_PARTS, read_words
from .decide import Trials
from .loose import loosened
from .points import finite, gap

MOST_REPAIRED = 400  # characters of a text for which other products are tried
PRODUCTS = {
    "odot": ELEMENTWISE,
    "outer": r"the outer product, x y^\top",
    "inner": r"a transpose, x^\top y",
}


def read_latex_claim(text: str, problem: Problem, wrt: tuple[Var, ...], product: str = "") -> tuple[Claim, ...]:
    """The claims of a LaTeX text: one for each right side of `∂L/∂w = a = b`.

    Raises:
        SymDerivError: where it cannot be read, or is about something else than the derivative asked for.
    """
    shape = (*problem.expr.shape, *(s for v in wrt for s in v.shape))
    try:
        found = read_latex(
            text, problem.vars, Context(problem.expr, problem.definitions, shape, by=wrt, product=product), name=NAME
        )
    except ShapeError as error:
        return (_loose(text, problem, wrt, error),)
    except NoProduct as error:
        others = _with_products(text, problem, wrt) if not product and len(text) <= MOST_REPAIRED else ()
        if not others:
            raise
        return (Claim(text, error=error, alternatives=others),)
    except Unbound as error:
        summed = _without_a_sum(text, problem, wrt, error) if error.letter else None
        if summed is None:
            raise
        return (summed,)
    found = _index_for_size(text, found, problem, shape, wrt)
    statement = found.main
    updates = [s for s in found.statements if s.kind == "update"]
    if len(updates) > 1:
        return (_rule_of_parts(text, found, updates, problem, wrt),)
    left = _left(statement, problem, wrt)
    at, mask = _fixed_entries(statement, problem, wrt), _mask(statement)
    claims = []
    for side in statement.right:
        words = _resolved(side.words, found, problem, wrt)
        if statement.derivative is not None and statement.derivative.transposed and words.rank == 2 and not problem.expr.rank:
            words = words.T
        if _by_columns(statement, problem, wrt):
            words = words.T
        if mask is not None and (at or words.shape != mask.shape):
            raise InputError("the claim holds only under a condition", code="SD115", span=statement.span)
        read = Problem(text, words, found.vars, list(found.assumptions), dict(found.definitions), dict(found.spans))
        words, buffers = _with_the_step_before(words, left, wrt)
        known = replace(problem, vars={**problem.vars, **{b.name: b for b, _ in buffers}}) if buffers else problem
        extra = refuse_unknown(words, known, read, left)
        entry = side.entry if side.entry is not None and not (set(variables(side.entry)) & set(found.unknowns)) else None
        indices = tuple(statement.entries) if entry is not None else ()
        notes = tuple(a for a in found.assumptions if a not in problem.assumptions)
        if at or mask is not None or _by_columns(statement, problem, wrt):
            entry, indices = None, ()
        one = Claim(text, words, read, left=left, entry=entry, indices=indices, extra=extra, notes=notes)
        claims.append(replace(one, at=at, mask=mask, buffers=buffers))
    return tuple(claims)


def _index_for_size(
    text: str, found: LatexDocument, problem: Problem, shape: tuple[Any, ...], wrt: tuple[Var, ...]
) -> LatexDocument:
    """`-t_k/p_k` of vectors with k entries: the entry for every k, where the last one alone has another shape."""
    letters = tuple(a.split(" ", 1)[0] for a in found.assumptions if LAST in a)
    if not letters or not found.main.right or found.main.kind != "expression" or found.main.right[-1].words.shape == shape:
        return found
    try:
        other = read_latex(text, problem.vars, Context(problem.expr, problem.definitions, by=wrt, free=letters), name=NAME)
    except SymDerivError:
        return found
    return other if other.main.right[-1].words.shape == shape else found


def _with_products(text: str, problem: Problem, wrt: tuple[Var, ...]) -> tuple[tuple[str, Claim], ...]:
    """The claim with two columns side by side taken for each of the products that they can be."""
    out: list[tuple[str, Claim]] = []
    for how, words in PRODUCTS.items():
        try:
            found = read_latex_claim(text, problem, wrt, how)
        except SymDerivError:
            continue
        out += [(words, c) for c in found[-1:]]
    return tuple(out)


def _without_a_sum(text: str, problem: Problem, wrt: tuple[Var, ...], error: Unbound) -> Claim | None:
    """A claim for one sample, `(σ(wᵀx_i) - y_i) x_i`, with the sum over i that it lacks; None where that is not read."""
    try:
        context = Context(problem.expr, problem.definitions, by=wrt, free=(error.letter,))
        found = read_latex(text, problem.vars, context, name=NAME)
        statement = found.main
        left = _left(statement, problem, wrt)
        axis = next(k for k, (i, _) in enumerate(statement.entries) if i.name.rstrip("_") == error.letter)
        if len(statement.right) != 1 or statement.conditions or _fixed_entries(statement, problem, wrt):
            return None
        if statement.kind == "update":
            if statement.change is None or statement.left is None:
                return None
            change = _resolved(statement.change, found, problem, wrt)
            words = Call("add", wrt[0], Call("sum", change, axis=axis))
        else:
            words = Call("sum", _resolved(statement.right[0].words, found, problem, wrt), axis=axis)
    except (SymDerivError, StopIteration):
        return None
    read = Problem(text, words, found.vars, list(found.assumptions), dict(found.definitions), dict(found.spans))
    extra = refuse_unknown(words, problem, read, left)
    notes = tuple(a for a in found.assumptions if a not in problem.assumptions)
    return Claim(text, words, read, left=left, extra=extra, notes=notes, missing_sum=error)


def read_claim_with(text: str, problem: Problem, wrt: tuple[Var, ...], reader: str) -> tuple[Claim, ...]:
    """The claim by one reader of LaTeX, or by both.

    Raises:
        InputError: SD138 where two readers disagree, and what either raises.
    """
    from ..read.latex.second import EXTRA, read_with_latex2sympy2
    from .readers import cross_check

    if reader == "symderiv":
        return read_latex_claim(text, problem, wrt)
    if reader not in (EXTRA, "both"):
        raise InputError(f"there is no reader {reader!r}", code="SD105", hint=f"symderiv, {EXTRA} or both")
    parts = sides_of(text)
    if reader == EXTRA:
        return (read_words(read_with_latex2sympy2(parts[-1], problem.vars, name=NAME), problem),)
    claims = read_latex_claim(text, problem, wrt)
    told = []
    for part in parts:
        found = cross_check(part, problem.vars)
        if found.agrees is False:
            hint = "write the claim so that it can be read in one way only, or choose one reader"
            raise InputError(found.message, code="SD138", hint=hint, span=Span(text, 0, max(1, len(text)), NAME))
        told.append(found.message)
    return tuple(replace(c, notes=(*c.notes, *told)) for c in claims)


def sides_of(text: str) -> list[str]:
    """The right sides of a claim as texts; the whole where it has no left side.

    Raises:
        InputError: SD135 for a text of several statements.
    """
    raws = split_statements(tree_of(text, "", NAME), text, NAME)
    if len(raws) != 1:
        span = Span(text, 0, max(1, len(text)), NAME)
        raise InputError("a claim for the second reader is one statement", code="SD135", span=span)
    sides = raws[0].sides[1:] or raws[0].sides
    return [text[s[0].start : s[-1].stop] for s in sides if s]


def _rule_of_parts(
    text: str, found: LatexDocument, updates: list[LatexStatement], problem: Problem, wrt: tuple[Var, ...]
) -> Claim:
    """`v ← βv + ∇L, w ← w - αv`.

    Raises:
        InputError: SD113 for parts that do not belong together.
    """
    v = wrt[0]
    main = next((s for s in updates if s.name == v.name), None)
    if len(updates) > MOST_PARTS or len({s.name for s in updates}) < len(updates):
        what = "a rule of more than four parts, or that updates something twice, is not read"
        raise InputError(what, code="SD113", span=updates[-1].span)
    if main is None or len(wrt) != 1 or any(s.entries or len(s.right) != 1 for s in updates):
        raise InputError(f"the rule does not update {v.name} as a whole", code="SD113", span=updates[-1].span)
    new: dict[Var, Node] = {}
    for s in [*(u for u in updates if u is not main), main]:
        value = _resolved(s.right[0].words, found, problem, wrt)
        old = s.left.words if s.left is not None else None
        if not isinstance(old, Var) or old.shape != v.shape or (s is not main and old.name in problem.vars):
            raise InputError("this part of the rule is not understood", code="SD113", span=s.span)
        new[old] = replace_nodes(value, {k: w for k, w in new.items() if k is not old}) if new else value
    words = new.pop(v)
    left = Left(v.name, "<-", (), len(text))
    read = Problem(text, words, found.vars, list(found.assumptions), dict(found.definitions), dict(found.spans))
    refuse_sizes(words, problem)
    extra = tuple(x for x in variables(words, *new.values()) if problem.vars.get(x.name) is not x and x not in new)
    if any(x.rank for x in extra):
        raise InputError(f"the claim uses `{extra[0].name}`, which the loss does not have", code="SD104", span=main.span)
    notes = tuple(a for a in found.assumptions if a not in problem.assumptions)
    return Claim(text, words, read, left=left, extra=extra, notes=notes, buffers=tuple(new.items()))


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
    if s.conditions and not (s.derivative is not None and s.entries):
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
    if d.at is not None:
        raise InputError("the claim is about the derivative at another place", code="SD115", span=span)
    if not by and d.order != len(wrt):
        raise InputError(f"the claim is about a derivative of order {d.order}, not {len(wrt)}", code="SD115", span=span)
    if d.numerator is not None and not same_function(d.numerator, problem):
        raise InputError("the left side of the claim differentiates something else than the loss", code="SD115", span=span)
    if any(not isinstance(i, (Index, Num, NoneType)) for i in (*d.numerator_indices, *d.variable_indices)):
        raise InputError(
            "a claim about an entry that a label picks", code="SD115", hint="write free indices, w_j, or a number", span=span
        )


def _fixed_entries(s: LatexStatement, problem: Problem, wrt: tuple[Var, ...]) -> tuple[Node | None, ...]:
    """The positions in `∂L/∂w_1`, `∂L/∂W_{1j}`, None for axes that stay; () where all stay.

    Raises:
        InputError: SD115 for free indices that are not the first of the axes that stay.
    """
    d = s.derivative
    if d is None:
        return ()
    above: list[Node | None] = [*(d.numerator_indices or [None] * problem.expr.rank)]
    below: list[Node | None] = [*d.variable_indices]
    below += [None] * (sum(v.rank for v in wrt) - len(below))
    at = [*above, *below]
    left = [i for i in at if not isinstance(i, Num)]
    if any(left) and None in left[: sum(i is not None for i in left)] and (len(at) != 2 or len(left) != 2):
        what = "the claim takes slices of the derivative in turn"
        raise InputError(what, code="SD115", hint="write all indices, or the whole array", span=d.span or s.span)
    if len(left) > len(set(left) - {None}) + left.count(None):
        if len(at) == len(left) == 2:
            return tuple(at)
        raise InputError("an index stands twice on the left side", code="SD115", span=d.span or s.span)
    fixed = tuple(i if isinstance(i, Num) else None for i in at)
    check_positions(fixed, d.span or s.span)
    return fixed if any(fixed) else ()


def _by_columns(s: LatexStatement, problem: Problem, wrt: tuple[Var, ...]) -> bool:
    """Whether the claim gives the columns of a matrix in turn: `∂L/∂W_{:,j} = …`."""
    d = s.derivative
    rank = problem.expr.rank + sum(v.rank for v in wrt)
    if d is None or rank != 2 or len(d.variable_indices) != 2:
        return False
    return d.variable_indices[0] is None and d.variable_indices[1] is not None


def _mask(s: LatexStatement) -> Node | None:
    """1 where the conditions of the statement hold, as an array over its free indices."""
    if not s.conditions:
        return None
    both = s.conditions[0] if len(s.conditions) == 1 else Call("mul", *s.conditions)
    return as_array(Call("where", both, Num(1), Num(0)), tuple(s.entries))


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


def _with_the_step_before(words: Node, left: Left | None, wrt: tuple[Var, ...]) -> tuple[Node, tuple[tuple[Var, Node], ...]]:
    """`w_{t-1}` in an update as `w - u`, with the last step `u` as a buffer."""
    if left is None or left.derivative or len(wrt) != 1:
        return words, ()
    v = wrt[0]
    before = next((x for x in variables(words) if x.name == f"{v.name}_t_minus_1" and x.shape == v.shape), None)
    if before is None:
        return words, ()
    step = Var(f"{v.name}_last_step", v.shape)
    words = replace_nodes(words, {before: Call("add", v, Call("neg", step))})
    return words, ((step, Call("add", words, Call("neg", v))),)


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
        if d.at is not None:
            value = replace_nodes(value, {by[0]: _resolved(d.at, found, problem, wrt)})
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
        found = read_latex(text, loose, Context(value, names, by=tuple(there.get(v, v) for v in wrt)), name=NAME)
        statement = found.main
        if statement.kind == "update" or not statement.right or set(variables(statement.right[-1].words)) - set(loose.values()):
            return Claim(text, error=error)
    except SymDerivError:
        return Claim(text, error=error)
    side = statement.right[-1]
    read = Problem(text, side.words, found.vars, [], {}, dict(found.spans))
    if side.entry is not None:
        sizes = tuple((i, replace_sizes(size, back)) for i, size in statement.entries)
        at = _fixed_entries(statement, problem, wrt)
        return Claim(text, problem=read, loose=side.entry, strict=back, error=error, indices=sizes, at=at)
    return replace(Claim(text, problem=read, loose=side.words, strict=back, error=error), notes=())


def replace_sizes(size: Any, back: dict[Any, Any]) -> Any:
    """A loose size as it was."""
    return back.get(size, size)


__all__ = ["read_claim_with", "read_latex_claim", "same_function"]
