r"""Statements: definitions, equations, derivatives, updates, conditions; free indices of the left side become axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sympy import Dummy, Expr, Integer

from ...errors import Span, SymDerivError
from ...expr.nodes import Index, Node, Num
from ..numbers import affine
from .arguments import split_arguments
from .bigops import comprehension
from .calculus import Head, Pattern, head_of, inline_head, nabla_head, name_pattern, resolve
from .conditions import compare, has_relation, read_condition
from .grammar import read_all
from .indices import letter_of, letters_in, split_indices
from .naming import Key, label_text
from .reader import Definition, DerivativeOf
from .scripts import content
from .split import Raw
from .tree import Cursor, Group, Item, Token, is_char, is_macro, plain_text, tokens_below
from .updates import split_update
from .values import Value

if TYPE_CHECKING:
    from .reader import LatexReader

_INDEX_LETTERS = frozenset("ijklmnpqrstuvab")


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


@dataclass
class Plan:
    """What a statement is, before it is read."""

    raw: Raw
    kind: str
    definition: Definition | None = None
    pattern: Pattern | None = None
    iteration: tuple[str, ...] = ()


# what kind of statement ----------------------------------------------------------------------------------------------------------


def plan_statements(r: LatexReader, raws: list[Raw]) -> list[Plan]:
    """The kinds of all statements; definitions are known to the reader afterwards."""
    out = []
    for raw in raws:
        plan = _plan(r, raw)
        out.append(plan)
        if plan.definition is not None:
            r.definitions[plan.definition.key] = plan.definition
    _name_the_loss(r, out)
    return out


def _plan(r: LatexReader, raw: Raw) -> Plan:
    for side in raw.sides:
        if not side:
            at = raw.start
            raise r.error("a side of the relation is empty", at, max(raw.stop, at + 1), "SD130")
    if raw.condition:
        return Plan(raw, "condition")
    if not raw.signs:
        return Plan(raw, "expression")
    left = raw.sides[0]
    if _is_derivative(r, left):
        return Plan(raw, "derivative")
    c = Cursor(left, left[0].start, left[-1].stop)
    p = name_pattern(r, c)
    if p is None or not c.done:
        if raw.signs[0] == "<-":
            raise r.error("the target of an update is a variable", raw.start, left[-1].stop, "SD135")
        return Plan(raw, "chain" if len(raw.sides) > 2 else "equation")
    if p.scripts.primes and p.arguments is not None:
        return Plan(raw, "derivative", pattern=p)
    iteration = _iteration(p, raw)
    if raw.signs[0] == "<-" or iteration or _uses_itself(r, p, raw):
        return Plan(raw, "update", pattern=p, iteration=iteration)
    definition = _definition(r, p, raw)
    if definition is not None:
        return Plan(raw, "definition", definition, p)
    return Plan(raw, "chain" if len(raw.sides) > 2 else "equation", pattern=p)


def _is_derivative(r: LatexReader, items: Sequence[Item]) -> bool:
    return _left_head(r, items) is not None


def _left_head(r: LatexReader, items: Sequence[Item]) -> tuple[Head, list[Item]] | None:
    """A derivative that is a whole side, with the items of what is differentiated."""
    items = list(items)
    if len(items) == 1 and isinstance(items[0], Group) and items[0].opener in ("brace", "(", "["):
        return _left_head(r, items[0].items) if items[0].items else None
    first = items[0]
    start, stop = first.start, items[-1].stop
    c = Cursor(items, start, stop)
    if is_macro(first, "frac", "dfrac", "tfrac") and len(items) >= 3:
        head = head_of(r, content(items[1]), content(items[2]), start, items[2].stop)
        if head is None:
            return None
        if head.top is not None:
            return (head, head.top) if len(items) == 3 else None
        return (replace(head, top=items[3:]), items[3:]) if len(items) > 3 else (head, [])
    if is_macro(first, "nabla"):
        c.next()
        below, order, _ = nabla_head(r, c)
        rest = items[c.at :]
        variables = [(below, order)] if below is not None else []
        return Head(rest or None, variables, order, start, stop, "nabla"), rest
    if is_macro(first, "partial") or is_char(first, "d") or is_macro(first, "mathrm", "text"):
        if is_char(first, "d") and (r.is_defined(Key("d")) or "d" in r.declared.vars):
            return None
        head = inline_head(r, c, 0)
        if head is None or not c.done:
            return None
        return head, head.top or []
    return None


def _label_of(p: Pattern) -> str:
    """The text of the subscript, or of the bracket above."""
    if p.scripts.sub is not None:
        return label_text(p.scripts.sub) or ""
    if p.scripts.raised and p.scripts.raised[0].kind in ("bracket", "power"):
        one = p.scripts.raised[0].items[0]
        return label_text(one.items if isinstance(one, Group) else p.scripts.raised[0].items) or ""
    return ""


_STEPS = re.compile(r"(?:([a-z]|tau|ell)(_plus_1|_minus_1)?|new|old)")


def _iteration(p: Pattern, raw: Raw) -> tuple[str, ...]:
    """The labels that count steps in `w_{t+1} = w_t - …`, `w^{new} = w^{old} - …`."""
    here = _STEPS.fullmatch(_label_of(p))
    if here is None or p.arguments is not None:
        return ()
    found: set[str] = set()
    todo: list[Sequence[Item]] = list(raw.sides[1:])
    while todo:
        level = list(todo.pop())
        for k, item in enumerate(level):
            if not isinstance(item, Token):
                todo.append(item.items)
            elif item.kind in ("sub", "sup") and 0 < k < len(level) - 1 and _base_of(level[k - 1]) == p.key.base:
                inner = content(level[k + 1])
                text = label_text(inner[0].items if len(inner) == 1 and isinstance(inner[0], Group) else inner) or ""
                other = _STEPS.fullmatch(text)
                if other and text != here[0] and (other[1] == here[1]):
                    found.add(text)
    if not found:
        return ()
    letter = here[1]
    return tuple({here[0], *found, *([letter] if letter else [])})


def _base_of(item: Item) -> str:
    if isinstance(item, Token):
        return item.text
    tokens = [t for t in tokens_below(item.items) if t.kind in ("char", "macro")]
    return tokens[-1].text if tokens else ""


def _uses_itself(r: LatexReader, p: Pattern, raw: Raw) -> bool:
    """`w = w - …`, `w_j := w_j + …`: the left name is a term of the right side."""
    if p.arguments is not None:
        return False
    left = [t.text for t in tokens_below(raw.sides[0]) if t.kind not in ("open", "close")]
    right = [t.text for t in tokens_below(raw.sides[1]) if t.kind not in ("open", "close")]
    if right[: len(left)] != left or (len(right) > len(left) and right[len(left)] not in ("+", "-")):
        return False
    return len(right) > len(left)


def _definition(r: LatexReader, p: Pattern, raw: Raw) -> Definition | None:
    """The definition that the statement makes; None where the name is known already."""
    key, letters, used_letters = p.key, [], letters_in([i for s in raw.sides[1:] for i in s])
    if p.scripts.primes:
        return None
    if p.scripts.sub is not None:
        parts = split_indices(p.scripts.sub)
        found = [letter_of(q) for q in parts]
        label = label_text(p.scripts.sub)
        if label is not None and (_declared(r, key.labelled(label), raw) or r.is_defined(key.labelled(label))):
            return None
        if found and all(x and x in used_letters and not _taken(r, x) for x in found):
            letters = found
            for x in letters:
                _index_not_size(r, x, raw)
        elif label is not None:
            key = key.labelled(label)
        else:
            return None
    for one in p.scripts.raised:
        inner = one.items[0]
        inside = inner.items if isinstance(inner, Group) else one.items
        letter, label = letter_of(inside), label_text(inside)
        if one.kind == "bracket" and letter and letter in used_letters and not _taken(r, letter):
            letters = [letter, *letters]
        elif one.kind in ("bracket", "star") and label is not None:
            key = key.labelled("star" if one.kind == "star" else label)
        elif one.kind == "power" and letter and not p.arguments:  # what is defined is no power: δ^o is a label
            key = key.labelled(letter)
        else:
            return None
    if len(set(letters)) < len(letters):
        return None
    if _declared(r, key, raw) or r.is_defined(key):
        return None
    parameters = _parameters(r, p.arguments) if p.arguments is not None else ()
    if parameters is None:
        return None
    right = raw.sides[1]

    def read() -> Value:
        def body() -> Value:
            return read_all(r, Cursor(right, right[0].start, right[-1].stop))

        if not letters:
            return body()
        return replace(comprehension(r, letters, raw, body, raw.start, right[-1].stop), family=len(letters))

    return Definition(key, read, parameters, tuple(letters), (raw.start, raw.stop))


def _taken(r: LatexReader, letter: str) -> bool:
    return letter in r.declared.vars or r.is_defined(Key(letter))


def _declared(r: LatexReader, key: Key, raw: Raw) -> bool:
    """Whether the name is a variable; a size may be the name of something else in a text that defines it."""
    name = r.known(key, raw.start, raw.stop)
    return bool(name) and not (name in r.sizes and name not in r.declared.vars)


def _index_not_size(r: LatexReader, letter: str, raw: Raw) -> None:
    """A letter that is a size and stands in subscripts of both sides is an index there, unless it is used as a number as well.

    Raises:
        InputError: SD133.
    """
    if letter not in r.sizes or letter in r.declared.vars:
        return
    if any(_as_number(side, letter) for side in raw.sides):
        what = f"{letter} is a size, and an index on the left side"
        raise r.error(what, raw.start, raw.stop, "SD133", "call the index by a letter of its own")
    r.assumptions.setdefault(
        "index " + letter, f"{letter} is an index where it is a subscript of the left side, not the size {letter}"
    )


def _as_number(items: Sequence[Item], letter: str) -> bool:
    """Whether the letter stands outside of subscripts, conditions and brackets above."""
    items = list(items)
    for k, item in enumerate(items):
        if k and isinstance(items[k - 1], Token) and items[k - 1].kind in ("sub", "sup"):  # type: ignore[union-attr]
            if items[k - 1].kind == "sup" and not isinstance(item, Token) and _as_number(item.items, letter):  # type: ignore[union-attr]
                return True
            continue
        if isinstance(item, Token):
            if item.kind == "char" and item.text == letter:
                return True
        elif not has_relation(item.items) and _as_number(item.items, letter):
            return True
    return False


def _parameters(r: LatexReader, g: Group) -> tuple[Key, ...] | None:
    """The names in `f(x, y)`; None where something else stands there."""
    out: list[Key] = []
    for part in split_arguments(g.items):
        c = Cursor(part, g.start, g.stop)
        p = name_pattern(r, c) if part else None
        if p is None or not c.done or p.arguments is not None:
            return None
        key = p.key
        if p.scripts:
            label = _label_of(p)
            if not label:
                return None
            key = key.labelled(label)
        out.append(key)
    return tuple(out)


def _name_the_loss(r: LatexReader, plans: list[Plan]) -> None:
    """The numerator of the first derivative, where nothing else says what it is, is the value that the surroundings give."""
    value = r.context.value if r.context is not None else None
    if value is None:
        return
    for plan in plans:
        found = _left_head(r, plan.raw.sides[0]) if plan.kind == "derivative" and plan.pattern is None else None
        if found is None or not found[1]:
            continue
        items = found[1]
        c = Cursor(items, items[0].start, items[-1].stop)
        p = name_pattern(r, c)
        if p is None or not c.done or p.scripts.raised or p.scripts.primes:
            return
        parts = split_indices(p.scripts.sub) if p.scripts.sub is not None else []
        if r.known(p.key, 0, 1) or r.is_defined(p.key) or len(parts) not in (0, value.rank):
            return
        from .values import value_of

        x = value_of(value, p.start, p.stop)
        fixed = plain_text(p.arguments.items).replace(" ", "") if p.arguments is not None else None
        r.definitions[p.key] = Definition(p.key, lambda: x, value=x, fixed=fixed)
        r.loss_name = p.key.identifier
        return


# reading -----------------------------------------------------------------------------------------------------------------------


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
        letters = _free_letters(r, plan)
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
        return Side(x.node, x.kind, span)
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
        free = [x for x in letters_in([i for s in one.sides for i in s]) if len(x) == 1 and x not in r.scope and not _known_letter(r, x)]
        letters = [letter_of(s) for s in one.sides]
        if free and one.signs and all(letters) and len(letters) == 2 and any(x in r.scope for x in letters):
            continue  # i = j, where j is only another name of i
        if free:
            what = f"the condition `{r.text(start, stop)}`: {free[0]} is not an index of the statement"
            raise r.error(what, start, stop, "SD135", "write the condition with the indices of the left side")
        if one.signs and all(s == "=" for s in one.signs):
            values = [read_all(r, Cursor(s, s[0].start, s[-1].stop)) for s in one.sides]
            for a, b in zip(values, values[1:], strict=False):
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
    first, end = (affine(read_all(r, Cursor(p, p[0].start, p[-1].stop)).node) for p in (ends[0], ends[-1]))
    return first == 1 and all(end == r.scope[x].hi for x in letters)


def _entries(r: LatexReader, letters: Sequence[str]) -> tuple[tuple[Index, Expr], ...]:
    return tuple((r.scope[k].index, r.scope[k].hi) for k in letters)


def _read_definition(r: LatexReader, plan: Plan, span: Span) -> LatexStatement:
    d, raw = plan.definition, plan.raw
    assert d is not None
    used = d.used
    x = r.value_of_definition(d.key, raw.start, raw.stop)
    d.used = used
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


def _read_sides(r: LatexReader, plan: Plan, span: Span, letters: list[str]) -> LatexStatement:
    raw = plan.raw
    sides = [_side(r, items, letters) for items in raw.sides]
    if plan.kind == "expression":
        _main_shape(r, sides[0].words.shape)
        return LatexStatement("expression", span, None, tuple(sides), link=raw.link, conditions=_conditions(r, raw))
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
    for a, b in zip(sides, sides[1:], strict=False):
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
    found = _left_head(r, items)
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
    return DerivativeOf(name, numerator, "", None, head.order, indices, span=place)


def _primed(r: LatexReader, p: Pattern, span: Span) -> DerivativeOf:
    """`f'(x)`, `f''(x)`."""
    assert p.arguments is not None
    g = p.arguments
    if any(is_char(i, ",") for i in g.items) or not g.items:
        raise r.error(
            f"`{r.text(p.start, p.stop)}`: by which of the arguments?",
            p.start,
            p.stop,
            "SD135",
            r"write \frac{\partial f}{\partial x}",
        )
    x = read_all(r, Cursor(g.items, g.items[0].start, g.items[-1].stop))
    from ...expr.nodes import Var

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
    return DerivativeOf(p.key.identifier, numerator, x.node.name, x.node, p.scripts.primes, span=r.span(p.start, p.stop))


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


# free indices ------------------------------------------------------------------------------------------------------------------


def _free_letters(r: LatexReader, plan: Plan) -> list[str]:
    """The letters in subscripts of the left side that nothing declares: `∂p_i/∂s_j`, `w_j := …`."""
    if plan.kind == "expression":
        return []
    raw = plan.raw
    out: dict[str, None] = {}
    r.raw = raw
    right = letters_in([i for s in raw.sides[1:] for i in s])
    _collect(r, raw.sides[0], right, out)
    return list(out)


def _collect(r: LatexReader, items: Sequence[Item], right: set[str], out: dict[str, None]) -> None:
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            if isinstance(item, Group) and item.opener == "(" and k > 0 and _after_name(items, k):
                continue  # the arguments of J(θ)
            _collect(r, item.items, right, out)
            continue
        if item.kind not in ("sub", "sup") or k + 1 >= len(items) or k == 0:
            continue
        inner = content(items[k + 1])
        base = items[k - 1]
        if is_macro(base, "nabla"):
            continue  # the variable below a nabla is walked as a group, or is one letter
        if item.kind == "sup":
            if not (len(inner) == 1 and isinstance(inner[0], Group) and inner[0].opener == "("):
                continue
            inner = inner[0].items
        if is_macro(base, "sum", "prod", "max", "min"):
            continue
        _subscript(r, base, inner, right, out)


def _after_name(items: Sequence[Item], k: int) -> bool:
    before = items[k - 1]
    return isinstance(before, Token) and (before.text.isalpha() or before.kind == "prime")


def _subscript(r: LatexReader, base: Item, inner: Sequence[Item], right: set[str], out: dict[str, None]) -> None:
    key = Key(_base_of(base))
    label = label_text(inner)
    if (
        label is not None
        and (r.known(key.labelled(label), 0, 1) or r.is_defined(key.labelled(label)))
        and key.labelled(label) != key
    ):
        return
    for part in split_indices(inner):
        letter = letter_of(part)
        if not letter:
            if len(part) > 1:
                _collect(r, part, right, out)
            continue
        if letter in r.iteration or not letter[0].isascii() or len(letter.rstrip("'")) > 1:
            continue
        if _declared(r, Key(letter), r.raw) or r.is_defined(Key(letter)):
            continue
        if letter[0] in _INDEX_LETTERS and (letter in right or r.known(key, 0, 1) or r.is_defined(key)):
            _index_not_size(r, letter, r.raw)
            out[letter] = None
