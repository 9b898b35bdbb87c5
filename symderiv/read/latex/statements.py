r"""Statements: definitions, equations, derivatives, updates, conditions; free indices of the left side become axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sympy import Dummy, Expr, Integer

from ...errors import Span, SymDerivError
from ...expr.nodes import Call, Index, Node, Num, Var
from ..names import rank_by_letter
from ..numbers import affine
from .arguments import split_arguments
from .bigops import comprehension
from .calculus import Pattern, of_the_variable, place_of_argument, resolve
from .conditions import compare, read_condition
from .functions import is_function_of_numbers
from .grammar import read_all
from .heads import name_pattern
from .indices import letter_of, letters_in
from .lookup import SAMPLES
from .naming import Key
from .plans import Plan, free_letters, left_head
from .reader import Definition, DerivativeOf, constant
from .split import Raw
from .tree import Cursor, Group, Item, Token, is_char, is_macro, plain_text
from .updates import split_update
from .values import Value

if TYPE_CHECKING:
    from .reader import LatexReader


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a relation.

    Attributes:
        words: the value as a whole array.
        kind: scalar, column, row, matrix or tensor.
        span: place in the source.
        entry: the entry as it is written, where the left side has free indices; its indices count from 0.
    """

    words: Node
    kind: str
    span: Span
    entry: Node | None = None


@dataclass(frozen=True, eq=False)
class LatexStatement:
    r"""One statement.

    Attributes:
        kind: definition, equation, chain (an equation with more than two sides), derivative, update, condition or expression.
        span: place in the source.
        left: the left side; None for derivatives and expressions.
        right: the other sides in order, `a = b = c`; an expression is one right side.
        name: what is defined; the name of the numerator of a derivative; the target of an update.
        derivative: what is on the left side of a derivative.
        entries: the free indices with their sizes, which are the leading axes of the right sides.
        change, step, direction: of an update: the new value is `old + change`, which is `old - step*direction`.
        conditions: what the text says must hold, as words over the free indices.
        link: what leads to the statement: "", where, implies.
        used: whether another statement uses what this one defines.
    """

    kind: str
    span: Span
    left: Side | None = None
    right: tuple[Side, ...] = ()
    name: str = ""
    derivative: DerivativeOf | None = None
    entries: tuple[tuple[Index, Expr], ...] = ()
    change: Node | None = None
    step: Node | None = None
    direction: Node | None = None
    conditions: tuple[Node, ...] = ()
    link: str = ""
    used: bool = False
    definition: Definition | None = field(default=None, repr=False)

    def finished(self, r: LatexReader) -> LatexStatement:
        return replace(self, used=self.definition is not None and self.definition.used)


def read_statement(r: LatexReader, plan: Plan) -> LatexStatement:
    """The statement with its words."""
    raw = plan.raw
    span = r.span(raw.start, raw.stop)
    r.scope, r.free_indices = {}, set()
    r.iteration = plan.iteration
    try:
        if plan.kind == "condition":
            return LatexStatement("condition", span, link=raw.link)
        if plan.kind == "definition":
            return _read_definition(r, plan, span)
        letters = free_letters(r, plan)
        for letter in letters:
            size = r.context_size(raw, "range " + letter, raw.start, raw.stop)
            bound = r.bind(letter, Integer(0), size, 1, open=True)
            r.scope[letter] = bound
            r.free_indices.add(bound.index)
        return {"derivative": _read_derivative, "update": _read_update}.get(plan.kind, _read_sides)(r, plan, span, letters)
    finally:
        r.scope, r.free_indices, r.iteration = {}, set(), ()


def _side(r: LatexReader, items: Sequence[Item], letters: Sequence[str]) -> Side:
    """One side; free indices become leading axes."""
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    return side_of(r, x, letters)


def side_of(r: LatexReader, x: Value, letters: Sequence[str]) -> Side:
    span = r.span(x.start, x.stop)
    if not letters:
        return Side(*_of_the_shape(r, x), span)
    if r.guessing:
        return Side(x.node, x.kind, span, x.node)
    from .arrays import entries_to_array

    try:
        node = entries_to_array(x.node, [(r.scope[k].index, r.scope[k].hi) for k in letters])
    except SymDerivError as error:
        raise error.at(span) from None
    r.places.setdefault(node, (x.start, x.stop))
    kind = {0: "scalar", 1: "column", 2: "matrix"}.get(node.rank, "tensor")
    return Side(node, kind, span, x.node)


def _of_the_shape(r: LatexReader, x: Value) -> tuple[Node, str]:
    r"""`\mathbf{0}` alone is the zero of the shape that the surroundings tell."""
    shape = r.context.shape if r.context is not None else None
    if shape is None or len(shape) == 1 or not (isinstance(x.node, Call) and x.node.name == "zeros"):
        return x.node, x.kind
    if r.guessing:
        r.unify(x.node.shape[0], shape[0] if shape else Integer(1))
    node = Call("zeros", shape=shape) if shape else Num(0)
    return node, {0: "scalar", 2: "matrix"}.get(node.rank, "tensor")


def _conditions(r: LatexReader, raw: Raw) -> tuple[Node, ...]:
    """What restricts the statement.

    Raises:
        InputError: SD135 for conditions in words.
    """
    out: list[Node] = []
    for one in raw.conditions:
        start, stop = one.start, one.stop
        if one.words == "for all":
            if not _all_of_axes(r, one.sides[0]):
                raise r.error(
                    f"the condition `{r.text(start, stop)}` is not read",
                    start,
                    stop,
                    "SD135",
                    "leave it out, or write it with =, <",
                )
            continue
        free = [
            x
            for x in letters_in([i for s in one.sides for i in s])
            if len(x) == 1 and x not in r.scope and not _known_letter(r, x)
        ]
        letters = [letter_of(s) for s in one.sides]
        if free and one.signs and all(letters) and len(letters) == 2 and any(x in r.scope for x in letters):
            continue  # i = j, where j is only another name of i
        if free:
            what = f"the condition `{r.text(start, stop)}`: {free[0]} is not an index of the statement"
            raise r.error(what, start, stop, "SD135", "write the condition with the indices of the left side")
        if one.signs and all(s == "=" for s in one.signs):
            values = [read_all(r, Cursor(s, s[0].start, s[-1].stop)) for s in one.sides]
            for a, b in itertools.pairwise(values):
                out.append(compare(r, "eq", a, b, start, stop).node)
        else:
            out.append(read_condition(r, Cursor(one.sides[0], start, stop)).node)
    return tuple(out)


def _known_letter(r: LatexReader, letter: str) -> bool:
    return r.is_defined(Key(letter)) or bool(r.known(Key(letter), 0, 1))


def _all_of_axes(r: LatexReader, items: Sequence[Item]) -> bool:
    r"""`\forall i, j`, `\forall j \in [1, D]`: free indices over their whole axes."""
    cut = next((k for k, i in enumerate(items) if is_macro(i, "in")), len(items))
    letters = [letter_of([i]) for i in items[:cut] if not is_char(i, ",")]
    if not letters or not all(x in r.scope for x in letters):
        return False
    if cut == len(items):
        return True
    (*_, last) = items
    if len(items) != cut + 2 or not isinstance(last, Group) or last.opener not in ("[", "{") or r.guessing:
        return r.guessing
    parts = [[i for i in p if not is_macro(i, "ldots", "dots", "cdots")] for p in split_arguments(last.items)]
    ends = [p for p in parts if p]
    if len(ends) < 2:
        return False
    letter = letter_of(ends[-1])
    if letter and plain_text(ends[0]) in ("0", "1") and letter not in r.sizes and not _known_letter(r, letter):
        return True  # a letter that stands for the size of the axis and nowhere else
    first, end = (affine(read_all(r, Cursor(p, p[0].start, p[-1].stop)).node) for p in (ends[0], ends[-1]))
    return first == 1 and all(end == r.scope[x].hi for x in letters)


def _entries(r: LatexReader, letters: Sequence[str]) -> tuple[tuple[Index, Expr], ...]:
    return tuple((r.scope[k].index, r.scope[k].hi) for k in letters)


def _read_definition(r: LatexReader, plan: Plan, span: Span) -> LatexStatement:
    d, raw = plan.definition, plan.raw
    assert d is not None
    used, outer = d.used, r.definitions
    r.definitions = {**outer, **_local_parameters(r, d, raw)}
    try:
        x = r.value_of_definition(d.key, raw.start, raw.stop)
    finally:
        r.definitions, d.used = outer, used
    right = raw.sides[1]
    sides = [Side(x.node, x.kind, r.span(right[0].start, right[-1].stop))]
    for items in raw.sides[2:]:
        if d.letters:
            y = comprehension(
                r,
                list(d.letters),
                (items[0],),
                lambda i=items: read_all(r, Cursor(i, i[0].start, i[-1].stop)),
                raw.start,
                raw.stop,
            )
            sides.append(Side(y.node, y.kind, r.span(items[0].start, items[-1].stop)))
        else:
            sides.append(_side(r, items, ()))
    if raw.conditions:
        what = f"the definition of `{d.key.identifier}` holds under a condition"
        raise r.error(what, raw.start, raw.stop, "SD135", "write it with cases")
    return LatexStatement("definition", span, None, tuple(sides), d.key.identifier, link=raw.link, definition=d)


def _local_parameters(r: LatexReader, d: Definition, raw: Raw) -> dict[Key, Definition]:
    """Arguments that are names there and nowhere else: `h(x) = …` beside a declared X, as `x_i` is a row of X; and the scalars
    of a function of numbers, `σ(z) = 1/(1 + e^{-z})`."""
    out: dict[Key, Definition] = {}
    numbers = is_function_of_numbers(d.parameters, raw.sides[1])
    for p in d.parameters:
        upper = SAMPLES.get(p.base, "")
        name = r.known(p, 0, 1)
        if r.is_defined(p) and not numbers:
            continue
        if numbers and (r.is_defined(p) or not name or _assumed_array(r, name)):
            alone = not name and not r.is_defined(p) and not r.written_as_array(p)
            key, rank = p if alone else p.labelled("argument"), 0
        elif not upper or upper not in r.declared.vars or (name and not p.labels):
            continue
        else:
            key, rank = p.labelled("argument"), rank_by_letter(p.identifier)  # type: ignore[assignment]
        known = r.known(key, raw.start, raw.stop)
        x = r.value_of_name(known, raw.start, raw.stop) if known else r.assume(key, rank, raw.start, raw.stop, why="an argument")
        out[p] = Definition(p, constant(x), value=x)
    return out


def _assumed_array(r: LatexReader, name: str) -> bool:
    return r.declared.where.get(name, "").startswith("assumed") and r.value_of_name(name, 0, 1).node.rank > 0


def _read_sides(r: LatexReader, plan: Plan, span: Span, letters: list[str]) -> LatexStatement:
    raw = plan.raw
    sides = [_side(r, items, letters) for items in raw.sides]
    if plan.kind == "expression":
        _main_shape(r, sides[0].words.shape)
        entries, conditions = _entries(r, letters), _conditions(r, raw)
        return LatexStatement("expression", span, None, tuple(sides), entries=entries, link=raw.link, conditions=conditions)
    _equate(r, sides)
    _check_assumed(r, sides[0].words.rank, f"`{r.text(sides[0].span.start, sides[0].span.stop)}`", sides[1:], sides[0].words)
    name = plan.pattern.key.identifier if plan.pattern is not None else ""
    return LatexStatement(
        plan.kind,
        span,
        sides[0],
        tuple(sides[1:]),
        name,
        entries=_entries(r, letters),
        conditions=_conditions(r, raw),
        link=raw.link,
    )


def _equate(r: LatexReader, sides: Sequence[Side]) -> None:
    """Sides of one shape: what is open on one is what it is on the other."""
    if not r.guessing:
        return
    for a, b in itertools.pairwise(sides):
        _equate_shapes(r, a.words.shape, b.words.shape)


def _check_assumed(r: LatexReader, rank: int, shown: str, sides: Sequence[Side], *others: Node) -> None:
    """Two sides of different rank where a kind was assumed from a letter: the assumption may be at fault, so it is told.

    Raises:
        InputError: SD133.
    """
    if not r.guessing:
        return
    for side in sides:
        zero = isinstance(side.words, Num) and side.words.value == 0
        hint = r.declare_hint(side.words, *others)
        if side.words.rank != rank and not zero and hint:
            kinds = ["a scalar", "a vector", "a matrix"]
            ranks = [kinds[k] if k < 3 else f"an array of rank {k}" for k in (rank, side.words.rank)]
            what = f"{shown} is {ranks[0]}, `{r.text(side.span.start, side.span.stop)}` is {ranks[1]}"
            raise r.error(what, side.span.start, side.span.stop, "SD133", hint.removeprefix("; "))


def _equate_shapes(r: LatexReader, a: Sequence[Expr], b: Sequence[Expr]) -> None:
    """Unknown sizes on one side are those on the other; sizes that are known and differ stay for others to judge."""
    assert r.inference is not None
    find = r.inference.unifier.find
    if len(a) != len(b):
        return
    for s, t in zip(a, b, strict=True):
        if find(s).has(Dummy) or find(t).has(Dummy):
            r.unify(s, t)


def _main_shape(r: LatexReader, shape: Sequence[Expr]) -> None:
    if r.main_shape is None:
        r.main_shape = tuple(shape)


def _read_derivative(r: LatexReader, plan: Plan, span: Span, letters: list[str]) -> LatexStatement:
    raw = plan.raw
    d = _primed(r, plan.pattern, span) if plan.pattern is not None else _left_derivative(r, raw.sides[0], span)
    order = _entry_order(r, d, letters)
    sides = [_side(r, items, order) for items in raw.sides[1:]]
    if r.guessing:
        _equate(r, sides)
        if d.var is not None:
            _check_assumed(r, _rank_of(d), f"`{r.text(span.start, sides[0].span.start).rstrip(' &=')}`", sides)
        if sides and not order:
            _main_shape(r, sides[0].words.shape)
            if d.numerator is not None and d.var is not None and not d.numerator_indices and not d.variable_indices:
                by = d.variables or (d.var,) * d.order
                shape = d.numerator.shape + tuple(s for v in by for s in v.shape)
                _equate_shapes(r, shape, sides[0].words.shape)
    return LatexStatement(
        "derivative", span, None, tuple(sides), d.name, d, _entries(r, order), conditions=_conditions(r, raw), link=raw.link
    )


def _rank_of(d: DerivativeOf) -> int:
    """The rank of a derivative; a numerator of which nothing is known is a scalar."""
    assert d.var is not None
    above = max(0, d.numerator.rank - len(d.numerator_indices)) if d.numerator is not None else 0
    below = sum(v.rank for v in (d.variables or (d.var,) * d.order))
    return above + below - sum(n is not None for n in d.variable_indices)


def _entry_order(r: LatexReader, d: DerivativeOf, letters: list[str]) -> list[str]:
    """Free letters in the order of the axes of the derivative."""
    by_index = {r.scope[k].index: k for k in letters}
    out: list[str] = []
    for n in (*d.numerator_indices, *(v for v in d.variable_indices if v is not None)):
        found = by_index.get(n)  # type: ignore[call-overload]
        if found and found not in out:
            out.append(found)
    return out + [k for k in letters if k not in out]


def _left_derivative(r: LatexReader, items: Sequence[Item], span: Span) -> DerivativeOf:
    found = left_head(r, items)
    assert found is not None
    head, top = found
    if head.variables:
        return replace(resolve(r, head, top), span=r.span(items[0].start, items[-1].stop))
    from .calculus import subject

    place = r.span(items[0].start, items[-1].stop)
    value = r.context.value if r.context is not None else None
    if not top:
        return DerivativeOf("", value, "", None, head.order, span=place)
    name, numerator, indices = subject(r, top, top[0].start, top[-1].stop)
    arguments = _numbers_of(r, top) if r.context is not None and r.context.undefined is not None else ()
    if arguments and numerator is not None and not numerator.rank:
        return DerivativeOf(name, numerator, "", None, head.order, indices, span=place, arguments=arguments)
    at = place_of_argument(r, top, r.context.by if r.context is not None else ())
    return DerivativeOf(name, numerator, "", None, head.order, indices, at=at, span=place)


def _numbers_of(r: LatexReader, items: Sequence[Item]) -> tuple[Var, ...]:
    r"""The arguments of `f(a, b)`, or those of its definition, where they are several numbers; () otherwise."""
    g = items[-1]
    c = Cursor(items, items[0].start, items[-1].stop)
    p = name_pattern(r, c)
    if p is None or not c.done:
        return ()
    if isinstance(g, Group) and g.opener == "(":
        parts = [letter_of(x) for x in split_arguments(g.items)]
        keys = [Key(x) for x in parts]
    else:
        keys = list(r.definitions[p.key].parameters) if r.is_defined(p.key) else []
    names = [r.known(k, p.start, p.stop) for k in keys]
    if len(keys) < 2 or not all(n in r.declared.vars and not r.declared.vars[n].rank for n in names):
        return ()
    return tuple(r.declared.vars[n] for n in names)


def _primed(r: LatexReader, p: Pattern, span: Span) -> DerivativeOf:
    """`f'(x)`, `f''(x)`."""
    assert p.arguments is not None
    g = p.arguments
    several = _numbers_of(r, [Token("char", p.key.base, p.start, p.start), g]) if p.scripts.primes == 1 else ()
    if several and r.is_defined(p.key) and r.context is not None and r.context.undefined is not None:
        whole = r.value_of_definition(p.key, p.start, p.stop).node
        return DerivativeOf(p.key.identifier, whole, "", None, 1, span=r.span(p.start, p.stop), arguments=several)
    if any(is_char(i, ",") for i in g.items) or not g.items:
        raise r.error(
            f"`{r.text(p.start, p.stop)}`: by which of the arguments?",
            p.start,
            p.stop,
            "SD135",
            r"write \frac{\partial f}{\partial x}",
        )
    x = read_all(r, Cursor(g.items, g.items[0].start, g.items[-1].stop))
    if not isinstance(x.node, Var):
        raise r.error(f"{r.shown(x)} is not a variable", x.start, x.stop, "SD135")
    numerator = None
    if r.is_defined(p.key):
        numerator = r.value_of_definition(p.key, p.start, p.stop).node
    elif r.context is not None and r.context.value is not None and r.loss_name in ("", p.key.identifier):
        numerator = r.context.value
    elif r.known(p.key, p.start, p.stop):
        what = f"`{r.text(p.start, p.stop)}`: a derivative, or the transpose of the declared `{p.key.identifier}`?"
        raise r.error(what, p.start, p.stop, "SD133", r"write \frac{d f}{d x}")
    span = r.span(p.start, p.stop)
    numerator = of_the_variable(r, numerator, [x.node], span)
    return DerivativeOf(p.key.identifier, numerator, x.node.name, x.node, p.scripts.primes, span=span)


def _read_update(r: LatexReader, plan: Plan, span: Span, letters: list[str]) -> LatexStatement:
    raw = plan.raw
    assert plan.pattern is not None
    target = read_all(r, Cursor(raw.sides[0], raw.sides[0][0].start, raw.sides[0][-1].stop))
    values = [read_all(r, Cursor(s, s[0].start, s[-1].stop)) for s in raw.sides[1:]]
    left = side_of(r, target, letters)
    sides = [side_of(r, x, letters) for x in values]
    _equate(r, [left, *sides])
    change, step, direction = split_update(target.node, values[0].node)
    if letters and not r.guessing:
        change, direction = (side_of(r, replace(values[0], node=n), letters).words for n in (change, direction))
    return LatexStatement(
        "update", span, left, tuple(sides), plan.pattern.key.identifier, None, _entries(r, letters), change, step, direction,
        _conditions(r, raw), raw.link,
    )  # fmt: skip
