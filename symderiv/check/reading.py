r"""A chain read side by side: each side as words, or the reason why it is not read.

`∂L/∂w = A = B` is first read as a whole; where that fails, every side is tried beside the first one, so that one line that cannot
be read costs its own relations and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr

from ..errors import InputError, SymDerivError
from ..expr.nodes import Index, Node, Var
from ..expr.walk import replace as replace_nodes
from ..expr.walk import variables
from ..read.declarations import Declarations
from ..read.latex.document import Context, LatexDocument, read_statements
from ..read.latex.dotted import DOTS
from ..read.latex.reader import DerivativeOf
from ..read.latex.split import Raw
from ..read.latex.statements import LatexStatement
from ..read.latex.tree import Group, Item, Token, is_char, is_macro, tokens_below
from .relations import Chain
from .scope import Meaning


@dataclass
class Sided:
    """One side of a chain.

    Attributes:
        words: as a whole array; derivatives and differentials in it are variables, see `Reading.unknowns`.
        kind: scalar, column, row, matrix or tensor.
        error: why it is not read; then there are no words.
        derivative: it is `∂L/∂w` as a whole.
        entry: as it is written, where the left side has free indices.
        rest: it ends in `+ \\cdots`: the terms in other differentials are not written.
    """

    words: Node | None = None
    kind: str = ""
    error: SymDerivError | None = None
    derivative: DerivativeOf | None = None
    entry: Node | None = None
    rest: bool = False


@dataclass
class Reading:
    """A chain as read.

    Attributes:
        sides: one for each side of the chain.
        kind: of the statement: definition, derivative, update, equation, expression.
        name: what is defined or updated.
        unknowns: variables that stand for derivatives and differentials.
        entries: free indices with their sizes; the leading axes of all sides.
        conditions: what the text says must hold.
        assumed: variables that nobody declared.
        told: sentences for what was assumed.
        vars: all variables by name.
        places: where names stand, for their spelling.
        undefined: functions of numbers that nothing defines, by name -> their letters.
    """

    sides: list[Sided]
    kind: str = "equation"
    name: str = ""
    unknowns: dict[Var, DerivativeOf] = field(default_factory=dict)
    entries: tuple[tuple[Index, Expr], ...] = ()
    conditions: tuple[Node, ...] = ()
    told: list[str] = field(default_factory=list)
    vars: dict[str, Var] = field(default_factory=dict)
    places: dict[Node, tuple[int, int]] = field(default_factory=dict)
    change: tuple[Node | None, Node | None, Node | None] = (None, None, None)
    declared: set[str] = field(default_factory=set)
    definitions: dict[str, Node] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)

    @property
    def assumed(self) -> set[str]:
        return {n for n in self.vars if n not in self.declared}


@dataclass
class ChainReader:
    """Reads the chains of one document.

    Attributes:
        text: of the document.
        context: a loss that stands for the numerator that nothing defines, functions by letters.
    """

    text: str
    context: Context = field(default_factory=Context)
    name: str = ""
    squares: frozenset[str] = frozenset()

    def read(self, chain: Chain, meaning: Meaning, declared: Declarations | None = None, skip: str = "") -> Reading:
        """The chain under a meaning; `skip` is a definition that is not used (its own)."""
        declared = declared if declared is not None else meaning.declared(skip)
        known = [k.raw for n, k in meaning.known.items() if n != skip]
        differential = differential_of(chain) if "d" not in declared.vars and "d" not in meaning.known else ""
        context = replace(self.context, macros="", differentials=differential)
        if not differential:
            return self._read(chain, declared, context, known)
        written = [without_rest(s) for s in chain.sides]
        reading = self._read(replace(chain, sides=written), declared, context, known)
        for side, whole, shown in zip(reading.sides, chain.sides, written, strict=True):
            side.rest = len(shown) < len(whole)
        return reading

    def _read(self, chain: Chain, declared: Declarations, context: Context, known: Sequence[Raw]) -> Reading:
        """All sides at once, or each beside the first."""
        every = tuple(range(len(chain.sides)))
        try:
            found = self._statement(chain, every, declared, context, known)
            return self._whole(found, every, declared)
        except SymDerivError as error:
            first_error = error
        if len(every) == 1:
            return Reading([Sided(error=first_error)], declared=set(declared.vars))
        return self._apart(chain, declared, context, known, first_error)

    def held(
        self, meaning: Meaning, forms: Mapping[str, Sequence[Raw]], name: str, words: Node, by: str, node: Node
    ) -> tuple[Node, Var] | None:
        """The words of a defined name in terms of another one, which is held as a variable of its value's shape; None where it is
        not written in terms of it."""
        if name not in meaning.known or by not in meaning.known or name == by:
            return None
        v = Var(by, node.shape)
        other = meaning.copy()
        del other.known[by]
        other.vars[by] = (v, "held")
        known = [k.raw for n, k in other.known.items() if n != name]
        declared = other.declared(name)
        if by not in declared.vars:
            return None
        for raw in (meaning.known[name].raw, *forms.get(name, ())):
            try:
                found = read_statements(self.text, [raw], declared, self.context, self.name, known, self.squares)
            except SymDerivError:
                continue
            right = found.statements[0].right
            if right and v in variables(right[0].words) and right[0].words.shape == words.shape:
                return right[0].words, v
        return None

    def _statement(self, chain: Chain, which: tuple[int, ...], declared, context, known) -> LatexDocument:
        return read_statements(self.text, [chain.raw(*which)], declared, context, self.name, known, self.squares)

    def _whole(self, found: LatexDocument, which: tuple[int, ...], declared: Declarations) -> Reading:
        s = found.statements[0]
        sides = self._sides(s, len(which))
        return Reading(
            sides,
            s.kind if s.kind != "chain" else "equation",
            s.name,
            dict(found.unknowns),
            s.entries,
            s.conditions,
            list(found.assumptions),
            dict(found.vars),
            {n: (span.start, span.stop) for n, span in found.spans.items()},
            (s.change, s.step, s.direction),
            set(declared.vars),
            dict(found.definitions),
            dict(found.undefined),
        )

    def _sides(self, s: LatexStatement, count: int) -> list[Sided]:
        right = [Sided(x.words, x.kind, entry=x.entry) for x in s.right]
        if s.kind == "derivative":
            return [Sided(derivative=s.derivative), *right]
        if s.kind == "definition":
            return [Sided(right[0].words, right[0].kind), *right]
        if s.left is not None:
            return [Sided(s.left.words, s.left.kind), *right]
        return right

    def _apart(self, chain: Chain, declared, context, known, first_error: SymDerivError) -> Reading:
        """Every side beside the first one; where the first is not read, neighbours."""
        count = len(chain.sides)
        out: Reading | None = None
        sides: list[Sided] = [Sided(error=first_error) for _ in range(count)]
        for k in range(1, count):
            if not chain.sides[k]:
                continue
            try:
                pair = self._whole(self._statement(chain, (0, k), declared, context, known), (0, k), declared)
            except SymDerivError as error:
                sides[k].error = error
                continue
            out = self._merge(out, pair)
            sides[0] = sides[0] if sides[0].error is None else pair.sides[0]
            sides[k] = pair.sides[1]
        if out is not None:
            out.sides = sides
            return out
        return self._alone(chain, declared, context, known, sides)

    def _alone(self, chain: Chain, declared, context, known, sides: list[Sided]) -> Reading:
        out: Reading | None = None
        for k in range(len(chain.sides)):
            if not chain.sides[k]:
                continue
            try:
                one = self._whole(self._statement(chain, (k,), declared, context, known), (k,), declared)
            except SymDerivError:
                continue  # the error beside the first side says more
            if one.entries:
                continue
            out = self._merge(out, one)
            sides[k] = one.sides[0]
        out = out or Reading(sides, declared=set(declared.vars))
        out.sides, out.kind = sides, "equation"
        return out

    def _merge(self, into: Reading | None, more: Reading) -> Reading:
        """Two readings of one chain: variables that stand for derivatives get names of their own, variables are joined."""
        if into is None:
            return more
        for name, v in more.vars.items():
            if into.vars.get(name, v) is not v:  # the size of something was found otherwise beside another side
                for side in more.sides[1:]:
                    if side.words is not None and v in variables(side.words):
                        side.words, side.error = None, InputError(f"the sizes of `{name}` are not clear", code="SD133")
        rule: dict[Node, Node] = {}
        for v, d in more.unknowns.items():
            same = next((u for u, e in into.unknowns.items() if same_derivative(d, e) and u.shape == v.shape), None)
            if same is None:
                same = Var(f"{v.name}_{len(into.unknowns)}x", v.shape) if v in into.unknowns else v
                into.unknowns[same] = d
            if same is not v:
                rule[v] = same
        if into.entries and more.entries and len(into.entries) == len(more.entries):
            rule.update({a: b for (a, _), (b, _) in zip(more.entries, into.entries, strict=True) if a is not b})
        if rule:
            for side in more.sides:
                if side.words is not None:
                    side.words = replace_nodes(side.words, rule)
        into.vars = {**more.vars, **into.vars}
        into.told = list(dict.fromkeys([*into.told, *more.told]))
        into.places = {**more.places, **into.places}
        into.definitions = {**more.definitions, **into.definitions}
        into.undefined = {**more.undefined, **into.undefined}
        return into


def without_rest(side: list[Item]) -> list[Item]:
    r"""A side without `+ \cdots` at its end."""
    dots = len(side) > 2 and is_macro(side[-1], *DOTS) and is_char(side[-2], "+", "-")
    return side[:-2] if dots else side


def same_derivative(a: DerivativeOf, b: DerivativeOf) -> bool:
    return (a.name, a.numerator, a.variable, a.var, a.order, a.variables) == (
        b.name, b.numerator, b.variable, b.var, b.order, b.variables,
    )  # fmt: skip


def begins_with_differential(side: list[Item]) -> bool:
    r"""Whether a side is `dL`, `\mathrm{d}L`, `d(Xw)`; a derivative `dL/dw` is none."""
    return bool(differential_sign(side))


def differential_of(chain: Chain) -> str:
    r"""The sign of differentials of a chain: what its first side begins with, or `upright` where `\mathrm{d}` stands in it."""
    return differential_sign(chain.sides[0]) or ("upright" if any(_has_upright(s) for s in chain.sides) else "")


def _has_upright(items: Sequence[Item]) -> bool:
    for k, item in enumerate(items):
        if isinstance(item, Token):
            after = items[k + 1] if k + 1 < len(items) else None
            if is_macro(item, "mathrm") and isinstance(after, Group) and [t.text for t in tokens_below(after.items)] == ["d"]:
                return True
        elif _has_upright(item.items):
            return True
    return False


def differential_sign(side: list[Item]) -> str:
    r"""`d` for `dL`, `upright` for `\mathrm{d}L`, "" for what is no differential."""
    items = [i for i in side if not is_char(i, "-", "+")]
    if not items or any(is_char(i, "/") for i in items):
        return ""
    first = items[0]
    if is_char(first, "d") and len(items) > 1:
        after = items[1]
        return "" if isinstance(after, Token) and (after.kind in ("sub", "sup", "prime") or after.text in ("=", ",")) else "d"
    if is_macro(first, "mathrm", "text", "operatorname", "mathsf", "textrm", "rm") and len(items) > 2:
        inner = items[1]
        found = list(tokens_below(inner.items)) if isinstance(inner, Group) else [inner]
        return "upright" if len(found) == 1 and isinstance(found[0], Token) and found[0].text == "d" else ""
    if isinstance(first, Group) and first.opener == "brace":
        return differential_sign([*first.items, *items[1:]])
    return ""


__all__ = [
    "ChainReader",
    "Reading",
    "Sided",
    "begins_with_differential",
    "differential_of",
    "differential_sign",
    "same_derivative",
]
