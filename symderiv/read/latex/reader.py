"""The state of one reading: what names mean, which indices are bound, where things stand, what was assumed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Dummy, Expr, Integer

from ...errors import InputError, ShapeError, Span
from ...expr.nodes import Call, Index, Node, Num, Var
from ...expr.sizes import same_size, show_shape, size_symbol
from ...expr.walk import variables
from ..declarations import Declarations
from ..infer import Inference
from ..names import is_greek, rank_by_letter
from .naming import GREEK, Key, NameTable, keys_of
from .tokens import Clock
from .values import Value, value_of


@dataclass(frozen=True)
class Bound:
    """An index in force.

    Attributes:
        index: the node; it counts from 0.
        lo, hi: it runs over `range(lo, hi)`.
        base: what the text calls the first position, 1 or 0.
        open: the range is that of the axis on which the index stands.
    """

    index: Index
    lo: Expr
    hi: Expr
    base: int = 1
    open: bool = False


@dataclass
class Definition:
    """`name = …` of the text: read when the name is first used.

    Attributes:
        key: the name.
        read: gives the value; None while it is being read.
        parameters: names in the brackets of `f(x) = …`.
        letters: indices of `P_{ik} = …`.
    """

    key: Key
    read: Callable[[], Value]
    parameters: tuple[Key, ...] = ()
    letters: tuple[str, ...] = ()
    span: tuple[int, int] = (0, 0)
    value: Value | None = None
    busy: bool = False
    used: bool = False
    fixed: str | None = None  # the arguments as written, where the value is known for them alone


def constant(x: Value) -> Callable[[], Value]:
    """How to read what is known already."""
    return lambda: x


@dataclass(frozen=True)
class DerivativeOf:
    """`∂ numerator / ∂ variable`.

    Attributes:
        name: the numerator as a name, "" where it is an expression.
        numerator: its words, as a whole array; None where nothing says what the name stands for.
        variable: the name of the variable, "" where it is not written (`∇f`).
        var: the variable, None where it is not declared.
        order: 1, 2, …
        numerator_indices, variable_indices: entries, as nodes that count from 0; () for whole arrays; None stands for an axis
        that
            stays whole, `(j, None)` for a row.
        variables: for a mixed derivative, all variables in order.
        transposed: by `xᵀ`.
        at: where it is taken, `∇L(w + μv)`; None for at the variable itself.
        arguments: of `∇f(a, b)` and `f'(a, b)` of numbers, which is the vector of the partial derivatives.
        span: place in the source.
    """

    name: str
    numerator: Node | None
    variable: str
    var: Node | None
    order: int = 1
    numerator_indices: tuple[Node, ...] = ()
    variable_indices: tuple[Node | None, ...] = ()
    variables: tuple[Node, ...] = ()
    transposed: bool = False
    at: Node | None = None
    span: Span | None = None
    arguments: tuple[Var, ...] = ()


@dataclass
class LatexReader:
    """Everything that the functions of this package share while one text is read once.

    A text is read twice: first with unknown sizes (`guessing`), which unify, then with the sizes that were found (`fixed`).
    """

    source: str
    declared: Declarations
    clock: Clock
    inference: Inference | None = None
    name: str = ""
    context: Any = None
    sizes: dict[str, Expr] = field(default_factory=dict)
    fixed: dict[Any, Expr] = field(default_factory=dict)
    contextual: dict[Any, tuple[Expr, int, int, str]] = field(default_factory=dict)
    table: NameTable = field(default_factory=NameTable)
    given: dict[str, Node] = field(default_factory=dict)
    definitions: dict[Key, Definition] = field(default_factory=dict)
    scope: dict[str, Bound] = field(default_factory=dict)
    assumptions: dict[str, str] = field(default_factory=dict)
    places: dict[Node, tuple[int, int]] = field(default_factory=dict)
    unknowns: dict[Var, DerivativeOf] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    entrywise: int = 0
    iteration: tuple[str, ...] = ()
    as_variables: set[str] = field(default_factory=set)  # Greek letters used without an argument
    expecting_label: bool = False  # a subscript is being read
    loss_name: str = ""  # the one name for which the value of the context stands
    guessed: set[str] = field(default_factory=set)  # names that were assumed in the first reading
    lines: str = ""  # what W_i of a matrix is: row, column, or "" for not known
    sets: frozenset[str] = frozenset()  # letters that stand for sets of indices
    families: dict[str, int] = field(default_factory=dict)  # arrays of which a label numbers the first axes
    squares: frozenset[str] = frozenset()  # names that are declared with a power: \\sigma^2
    labels: frozenset[str] = frozenset()  # letters that are labels of declared names
    raw: Any = None  # the statement that is being read
    main_shape: tuple[Expr, ...] | None = None
    free_indices: set[Index] = field(default_factory=set)  # of the left side
    counter: int = 0
    applied: dict[str, set[str]] = field(default_factory=dict)  # values of undefined functions -> the names that they depend on
    elsewhere: frozenset[str] = frozenset()  # names that another statement defines
    undefined: dict[str, str] = field(default_factory=dict)  # undefined functions of numbers -> their letters

    def __post_init__(self) -> None:
        self.sizes = {**self.declared.sizes, **self.sizes}
        for n in (*self.declared.vars, *self.sizes, *self.given):
            self.table.add(n)

    @property
    def guessing(self) -> bool:
        """Whether sizes are still unknown."""
        return self.inference is not None

    def remember_guesses(self, first: LatexReader) -> None:
        """The names that the first reading assumed, with what they look like."""
        assert first.inference is not None
        self.guessed = set(first.inference.guesses)
        for key, names in first.table.by_key.items():
            for name in names:
                if name in self.guessed:
                    self.table.add(name, key)

    # errors ----------------------------------------------------------------------------------------------------------------
    def span(self, start: int, stop: int) -> Span:
        return Span(self.source, start, max(stop, start + 1), self.name)

    def error(self, what: str, start: int, stop: int, code: str, hint: str = "") -> InputError:
        return InputError(what, code=code, hint=hint, span=self.span(start, stop))

    def shape_error(self, what: str, start: int, stop: int, hint: str = "") -> ShapeError:
        return ShapeError(what, code="SD134", hint=hint, span=self.span(start, stop))

    def text(self, start: int, stop: int, width: int = 40) -> str:
        """The source at a place, cut."""
        found = " ".join(self.source[start:stop].split())
        return found if len(found) <= width else found[: width - 1] + "…"

    def shown(self, x: Value) -> str:
        return f"`{self.text(x.start, x.stop)}`"

    def declare_hint(self, *nodes: Node) -> str:
        """What to declare when a kind that was assumed does not fit; scalars first, as they fit everywhere."""
        assumed = [v.name for v in sorted(variables(*nodes), key=lambda v: v.rank) if self.is_guess(v)]
        if not assumed:
            return ""
        return "; declare " + " or ".join(f"`{n}: …`" for n in dict.fromkeys(assumed[:3])) + " if it is meant otherwise"

    def is_guess(self, node: Node) -> bool:
        """Whether the node is a variable that nobody declared."""
        return isinstance(node, Var) and (
            node.name in self.guessed or (self.inference is not None and node.name in self.inference.guesses)
        )

    # building ----------------------------------------------------------------------------------------------------------------
    def make(self, name: str, *operands: Node, start: int, stop: int, parts: tuple[Value, ...] = (), **params: Any) -> Node:
        """A word, with the place for errors of shape.

        Raises:
            ShapeError: SD134.
        """
        self.clock.tick(start)
        try:
            node = Call(name, *operands, **params)
        except ShapeError as error:
            detail = error.message.split(": ")[-1]
            shown = [f"{self.shown(p)} is {show_shape(p.node.shape)}" for p in parts if p.node.rank]
            if not shown:
                shown = [
                    f"{t} is {show_shape(x.shape)}" for x in dict.fromkeys(operands[:4]) if (t := self._written(x)) and x.rank
                ]
            message = f"`{self.text(start, stop)}`: " + (", ".join(shown) + ": " if shown else "") + detail
            hint = error.hint or self.declare_hint_of(operands)
            raised = self.shape_error(message, start, stop, hint)
            raised.operation = name
            raise raised from None
        self.places.setdefault(node, (start, stop))
        return node

    def declare_hint_of(self, operands: tuple[Node, ...]) -> str:
        hints = [self.declare_hint(x) for x in operands]
        return next((h.removeprefix("; ") for h in hints if h), "")

    def _written(self, x: Node) -> str:
        if isinstance(x, Var):
            return x.name
        place = self.places.get(x)
        return f"`{self.text(*place)}`" if place else ""

    def fresh(self) -> int:
        self.counter += 1
        return self.counter

    # sizes ---------------------------------------------------------------------------------------------------------------------
    def context_size(self, item: object, what: str, start: int, stop: int) -> Expr:
        """The size of something that has the size its surroundings need: `I`, `\\mathbf 1`, the range of `\\sum_i`."""
        key = (item if isinstance(item, tuple) and not hasattr(item, "kind") else id(item), what)
        if key in self.fixed:
            return self.fixed[key]
        if key in self.contextual:
            return self.contextual[key][0]
        size = Dummy(f"size_c{len(self.contextual)}_", integer=True, positive=True)
        self.contextual[key] = (size, start, stop, what)
        return size

    def is_contextual(self, size: Expr) -> bool:
        """Whether a size is that of `I`, a vector of ones or a range, and of no variable."""
        assert self.inference is not None
        find = self.inference.unifier.find
        mine = {find(s) for s, *_ in self.contextual.values()}
        guessed = {find(s) for g in self.inference.guesses.values() for s in g.var.shape}
        return find(size) in mine and find(size) not in guessed

    def equal_sizes(self, a: Expr, b: Expr) -> bool:
        """Whether two sizes are known to be equal already; nothing is equated."""
        if self.inference is None:
            return a == b
        find = self.inference.unifier.find
        return find(a) == find(b)

    def ones(self, x: Value) -> Value:
        """The digit 1 where a vector of ones is needed."""
        size = self.context_size((x.start, x.stop), "1", x.start, x.stop)
        return Value(self.make("ones", start=x.start, stop=x.stop, shape=(size,)), "column", x.start, x.stop)

    # names ---------------------------------------------------------------------------------------------------------------------
    def known(self, key: Key, start: int, stop: int) -> str:
        """The declared variable, size or definition that this name means; "" for none.

        Raises:
            InputError: SD133 when it could mean several.
        """
        found = self.table.find(key)
        if len(found) > 1:
            names = " or ".join(f"`{f}`" for f in found)
            raise self.error(f"`{self.text(start, stop)}` can mean {names}", start, stop, "SD133", "rename one of the two")
        return found[0] if found else ""

    def is_defined(self, key: Key) -> bool:
        return key in self.definitions

    def value_of_name(self, name: str, start: int, stop: int) -> Value:
        """The value of a declared variable, a size or an assumed variable."""
        if name in self.given:
            return value_of(self.given[name], start, stop, named=name)
        if name in self.declared.vars:
            node: Node = self.declared.vars[name]
        elif self.inference is not None and name in self.inference.guesses:
            node = self.inference.guesses[name].var
        else:
            node = Num(self.sizes[name])
        self.places.setdefault(node, (start, stop))
        return value_of(node, start, stop, named=name, family=self.families.get(name, 0))

    def value_of_definition(self, key: Key, start: int, stop: int) -> Value:
        """The value of a name that the text defines.

        Raises:
            InputError: SD135 for definitions in a circle.
        """
        d = self.definitions[key]
        d.used = True
        if d.busy:
            what = f"`{self.text(start, stop)}` is defined by itself"
            raise self.error(what, start, stop, "SD135", "give the two values names of their own")
        if d.value is None:
            d.busy = True
            scope, self.scope = self.scope, {}
            entrywise, self.entrywise = self.entrywise, 0
            try:
                d.value = d.read()
            finally:
                d.busy, self.scope, self.entrywise = False, scope, entrywise
        return replace(d.value, start=start, stop=stop, literal=False)

    def assume(self, key: Key, rank: int | None, start: int, stop: int, attrs: tuple[str, ...] = (), why: str = "") -> Value:
        """A variable that is not declared: a kind from its letter or its use.

        Raises:
            InputError: SD133 when it is used otherwise elsewhere, or its letter tells no kind.
        """
        name = key.identifier
        if self.inference is None:
            what = f"`{self.text(start, stop)}` is not declared"
            raise self.error(what, start, stop, "SD133", f"declare it: `{name}: scalar`, `{name}: n` or `{name}: n,d`")
        by_letter = rank_by_letter(name)
        if rank is None and by_letter is None:
            hint = f"declare it: `{name}: scalar`, `{name}: n` or `{name}: n,d`"
            raise self.error(
                f"`{self.text(start, stop)}` is not declared, and its letter tells no kind", start, stop, "SD133", hint
            )
        if not why:
            why = "a Greek letter" if is_greek(name) else "from its first letter"
        var = self.inference.guess(name, by_letter if rank is None else rank, why, attrs)  # type: ignore[arg-type]
        self.table.add(name, key)
        for k in keys_of(name):
            if not self.table.find(k):
                self.table.add(name, k)
        return value_of(var, start, stop, named=name)

    def written_as_array(self, key: Key) -> bool:
        """Whether the source has the letter of a name in bold, in double bars or under a transpose."""
        letter = re.escape("\\" + key.base if key.base in GREEK else key.base)
        turned = rf"(?<![A-Za-z\\]){letter}\s*\^\s*(T\b|\{{\s*(T|\\top|\\mathsf|\\intercal|\\mathrm)|\\top|\\mathsf|\\intercal)"
        bold = rf"\\(mathbf|boldsymbol|bm|vec)\s*\{{?\s*{letter}(?![A-Za-z])"
        barred = rf"\\\|\s*{letter}\s*\\\|"
        return any(re.search(pattern, self.source) for pattern in (turned, bold, barred))

    def is_index(self, letter: str) -> bool:
        return letter in self.scope

    def bind(self, letter: str, lo: Expr, hi: Expr, base: int = 1, open: bool = False) -> Bound:
        """A new index; its node has a name that nothing else has."""
        taken = {*self.declared.vars, *self.sizes, *(b.index.name for b in self.scope.values())}
        name = letter
        while name in taken:
            name += "_"
        return Bound(Index(name), lo, hi, base, open)

    def unify(self, a: Expr, b: Expr) -> bool:
        return same_size(a, b)


def size_named(name: str) -> Expr:
    """A size symbol, or the number that the text is."""
    return Integer(int(name)) if name.isdigit() else size_symbol(name)
