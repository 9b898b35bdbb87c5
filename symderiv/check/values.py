r"""What derivatives and differentials inside a chain stand for: worked out from the document's own definitions.

`\frac{\partial L}{\partial z}` where `L` and `z` are defined is the derivative of L by the value z; `\mathrm{d}(X w)` is the
differential along `\mathrm{d}w`. What is not known stays a variable, and is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..api import derive
from ..calculus import derive as engine
from ..errors import InputError, SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder, variables
from ..expr.walk import replace as replace_nodes
from ..notation.words import to_words
from ..read.latex.arrays import entries_to_array
from ..read.latex.indices import WHOLE
from ..read.latex.reader import DerivativeOf
from ..read.latex.undefined import smooth
from ..read.problem import Problem
from ..result import Derivative
from ..simplify.lower import normal
from ..simplify.product import einsum
from .reading import Reading

BESIDE = "_held"


class Unknown(Exception):
    """Why something has no value."""

    def __init__(self, reason: str, code: str = "", hangs: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.code, self.hangs = reason, code, hangs


@dataclass
class Truth:
    """A derivative that was worked out.

    Attributes:
        words: its value, over free indices where the statement has them.
        problem: what was differentiated.
        wrt: by what.
        derivative: the certified result.
        back: variables that stand for intermediate values -> these values.
        open: variables that stand for derivatives which nothing defines.
        beside: why it is in doubt: other names of the numerator are held although the intermediate value depends on them too.
        through: what an undefined function was taken to depend on, in words; "" for a function that is defined.
    """

    words: Node
    problem: Problem
    wrt: tuple[Var, ...]
    derivative: Derivative
    back: dict[Node, Node] = field(default_factory=dict)
    open: frozenset[Var] = frozenset()
    beside: str = ""
    through: str = ""


@dataclass
class Values:
    """Derivatives of one document, each worked out once.

    Attributes:
        depends: name -> names that it depends on, because the document writes derivatives of the one by the other and defines
            neither: `∂y/∂z` of a declared y is unknown, never zero.
        by: names by which the document differentiates something.
        hold: gives the words of a defined name in terms of another one, which is held as a variable.
        supposed: variables -> what they are taken to be for a trial, though nothing says so.
        undefined: name of a function that nothing defines -> the values by which it is differentiated: it is any smooth function of
            those that no other one is made of.
    """

    found: dict[tuple, Truth | Unknown] = field(default_factory=dict)
    depends: dict[str, set[str]] = field(default_factory=dict)
    jacobians: dict[tuple[str, str], Var] = field(default_factory=dict)
    variables: dict[str, Var] = field(default_factory=dict)
    by: set[str] = field(default_factory=set)
    hold: Callable[[str, Node, str, Node], tuple[Node, Var] | None] | None = None
    supposed: dict[Var, Node] = field(default_factory=dict)
    undefined: dict[str, list[Node]] = field(default_factory=dict)

    def as_supposed(self, words: Node, without: Sequence[Node] = ()) -> Node:
        """Words with what is supposed put in, but for some variables, which stay as they are."""
        rule = {v: n for v, n in self.supposed.items() if v not in without}
        for _ in range(len(rule)):
            if not set(rule) & set(variables(words)):
                break
            words = replace_nodes(words, rule)
        return words

    def derivative(self, d: DerivativeOf) -> Truth:
        """The whole derivative `∂ numerator / ∂ variable`, certified.

        Raises:
            Unknown: where nothing says what is differentiated, or it has no rule.
        """
        through = ""
        if d.order == 1 and len(set(self.undefined.get(d.name, ()))) > 1:
            words, through = self._any_function(d)
            d = replace(d, numerator=words)
        key = (d.numerator, d.var, d.order, d.variables)
        if key not in self.found:
            try:
                self.found[key] = self._derive(d)
            except Unknown as unknown:
                self.found[key] = unknown
            except SymDerivError as error:
                self.found[key] = Unknown(error.message, error.code)
        found = self.found[key]
        if isinstance(found, Unknown):
            raise found
        return replace(found, through=through) if through else found

    def _derive(self, d: DerivativeOf) -> Truth:
        if d.numerator is None:
            raise Unknown(f"nothing says what `{d.name or 'the numerator'}` is")
        by: list[Node] = [n for n in (d.variables or (d.var,) * d.order) if n is not None]
        if not by:
            raise Unknown("it is not written by what is differentiated")
        words = d.numerator
        chain: list[Var] = []
        back: dict[Var, Node] = {}
        beside = ""
        if all(node is d.numerator for node in by) and len(by) == 1 and not d.numerator.rank:
            itself = Var(f"{d.variable or 'z'}{BESIDE}", ())
            return self._held(d, itself, (itself,), {itself: d.numerator})
        for node in by:
            if isinstance(node, Var):
                chain.append(node)
                continue
            v: Var | None = next((k for k, n in back.items() if n is node), None)
            if v is None and not back and self.hold is not None and len(set(by)) == 1:
                found = self.hold(d.name, d.numerator, d.variable, node)
                if found is not None:
                    words, v = found
                    back[v] = node
            if v is None:
                v = Var(f"{d.variable or 'z'}{BESIDE}{len(back)}", node.shape)
                if any(n is node for n in postorder(words)):
                    words = replace_nodes(words, {node: v})
                else:
                    words = _in_terms_of(words, node, v)
                    beside = f"`{d.name or 'the numerator'}` is not written in terms of `{d.variable}`"
                    if v not in variables(words):
                        raise Unknown(beside)
                left = set(variables(node)) & set(variables(words))
                if left:  # it may depend on it in other ways of writing
                    names = ", ".join(sorted(x.name for x in left))
                    beside = f"`{d.name or 'the numerator'}` depends on {names} besides `{d.variable}`"
                back[v] = node
            chain.append(v)
        return replace(self._held(d, words, tuple(chain), back), beside=beside)

    def _any_function(self, d: DerivativeOf) -> tuple[Node, str]:
        """A smooth function of the outermost values by which an undefined name is differentiated, which stands for all of them.

        Raises:
            Unknown: where nothing says how these depend on the variable.
        """
        by = list(dict.fromkeys(self.undefined[d.name]))
        made = {m: set(postorder(self.as_supposed(m))) - {m} for m in by}
        outer = [m for m in by if not any(m in made[other] for other in by if other is not m)]
        parts: list[Node] = []
        for k, m in enumerate(outer):
            weight = Var(f"_{d.name}{k}_weight", m.shape)
            term = Call("mul", weight, smooth(d.name, m))
            parts.append(Call("sum", term) if m.rank else term)
        words = parts[0] if len(parts) == 1 else Call("add", *parts)
        if d.var not in outer and d.var not in set(postorder(self.as_supposed(words))):
            raise Unknown(f"nothing says how `{d.name}` depends on `{d.variable}`", hangs=True)
        if d.var in outer:
            return words, ""
        return words, f"{d.name} depends on {d.variable} through what it is differentiated by alone"

    def _held(self, d: DerivativeOf, words: Node, chain: tuple[Var, ...], back: Mapping[Var, Node]) -> Truth:
        """The derivative of words by variables of which some stand for intermediate values."""
        for node in back.values():
            if isinstance(node, Num) or not variables(node):
                raise Unknown(f"`{d.variable}` is a constant")
        words = self.as_supposed(words, chain)
        names = {v.name: v for v in (*variables(words), *chain)}
        problem = Problem(d.name or "the numerator", words, names, [], {}, {})
        held = [v for v in variables(words) if v.name in self.depends and v not in chain]
        if isinstance(words, Var) and words not in chain and words not in held:
            raise Unknown(f"nothing says how `{d.name or words.name}` depends on `{d.variable}`")
        if held and len(chain) > 1:
            raise Unknown(f"nothing says how `{held[0].name}` depends on `{d.variable}`")
        result = derive(problem, [v.name for v in chain] if len(chain) > 1 else chain[0].name, order=len(chain))
        assert isinstance(result, Derivative)
        total, open_ = result.displayed, set()
        for v in held:
            through = self._jacobian(v, chain[0], frozenset())
            if through is None:
                continue
            local = derive(problem, v.name)
            assert isinstance(local, Derivative)
            part = contracted([local.displayed, through[0]], [words.rank, v.rank])
            total = Call("add", total, part)
            open_ |= through[1]
        return Truth(total, problem, chain, result, dict(back), frozenset(open_))

    def _jacobian(self, u: Var, v: Var, passed: frozenset[str]) -> tuple[Node, set[Var]] | None:
        """`∂u/∂v` of a variable that depends on others in a way that nothing says: an unknown array, or a product of such."""
        on = self.depends.get(u.name, set())
        if v.name in on:
            key = (u.name, v.name)
            if key not in self.jacobians:
                self.jacobians[key] = Var(f"J{len(self.jacobians)}_{u.name}_{v.name}", (*u.shape, *v.shape))
            j = self.jacobians[key]
            return j, {j}
        total: Node | None = None
        open_: set[Var] = set()
        for name in sorted(on - passed):
            m = self.variables.get(name)
            if m is None:
                continue
            first, rest = self._jacobian(u, m, passed), self._jacobian(m, v, passed | {u.name})
            if first is None or rest is None:
                continue
            part = contracted([first[0], rest[0]], [u.rank, m.rank])
            total = part if total is None else Call("add", total, part)
            open_ |= first[1] | rest[1]
        return (total, open_) if total is not None else None

    def jvp(self, words: Node, directions: dict[Var, Var]) -> Node:
        """The differential of words along directions.

        Raises:
            Unknown.
        """
        own = {v: dv for v, dv in directions.items() if v in set(variables(words))}
        if not own:
            return Call("zeros", shape=words.shape) if words.rank else Num(0)
        if isinstance(words, Var):
            return own[words]
        try:
            plain = engine.free_of_properties(list(own))
            core = engine.jvp(normal(replace_nodes(words, plain)), {plain.get(v, v): dv for v, dv in own.items()})  # type: ignore[misc]
            out = to_words(core)
            return replace_nodes(out, {new: old for old, new in plain.items()})
        except SymDerivError as error:
            raise Unknown(error.message, error.code) from None


def _in_terms_of(words: Node, node: Node, v: Var) -> Node:
    """Words with a variable for a value that they hold in another way of writing: `‖w‖₁` holds `|w|`."""
    logs = {
        n: Call("log", Call("abs", Call("det", *n.operands)))
        for n in postorder(words)
        if isinstance(n, Call) and n.name == "logdet"
    }
    for core in (normal(words), normal(replace_nodes(words, logs))) if logs else (normal(words),):
        inside = set(postorder(core))
        rule = {normal(x): w for x, w in ((node, v), (Call("neg", node), Call("neg", v))) if normal(x) in inside}
        if rule:
            return to_words(replace_nodes(core, rule))
    return words


def resolved(values: Values, reading: Reading, words: Node) -> tuple[Node, set[Var], str]:
    """Words with the derivatives in them worked out; the variables that stay unknown; why a value is in doubt, or "".

    Raises:
        Unknown.
    """
    rule: dict[Node, Node] = {}
    open_: set[Var] = set()
    beside = ""
    for v in variables(words):
        d = reading.unknowns.get(v)
        if d is None or d.order == 0:
            continue
        try:
            truth = values.derivative(replace(d, numerator_indices=(), variable_indices=(), span=None))
        except Unknown:
            open_.add(v)
            continue
        value = replace_nodes(truth.words, truth.back)
        open_ |= truth.open
        beside = beside or truth.beside
        if not same_shape(value.shape, v.shape):
            raise Unknown(f"the derivative `∂{d.name or 'f'}/∂{d.variable}` has another shape than what stands around it needs")
        rule[v] = value
    return (replace_nodes(words, rule) if rule else words), open_, beside


def contracted(jacobians: Sequence[Node], ranks: Sequence[int]) -> Node:
    """`J₁ · J₂ · …`, summed over the axes between; `ranks` are those of what is differentiated."""
    items: list = []
    out: list[int] = []
    middle: list[int] = []
    count = 0
    for n, (j, rank) in enumerate(zip(jacobians, ranks, strict=True)):
        if n == 0:
            middle = list(range(rank))
            out, count = list(middle), rank
        below = list(range(count, count + j.rank - rank))
        count += len(below)
        items.append((normal(j), [*middle, *below]))
        middle = below
    return to_words(einsum(items, [*out, *middle]))


def same_shape(a, b) -> bool:
    return len(a) == len(b) and all((s - t).expand() == 0 for s, t in zip(a, b, strict=True))


def truth_of_side(values: Values, reading: Reading, d: DerivativeOf) -> tuple[Node, Truth]:
    """The value of `∂L/∂w_j` on the left side: the whole derivative, or the entries that the free indices name.

    Raises:
        Unknown.
    """
    if d.var is None and d.arguments:
        each = [values.derivative(replace(d, var=v, variable=v.name, arguments=(), span=None)) for v in d.arguments]
        words = Call("stack", *(replace_nodes(t.words, t.back) for t in each))
        return words, replace(each[0], words=words, wrt=d.arguments, back={}, open=frozenset().union(*(t.open for t in each)))
    truth = values.derivative(replace(d, numerator_indices=(), variable_indices=(), span=None))
    whole = replace_nodes(truth.words, truth.back)
    above, below = list(d.numerator_indices), list(d.variable_indices)
    if d.transposed:
        if whole.rank == 2 and not above and not below:
            return Call("T", whole), truth
        if whole.rank > 2 or above or below:
            raise Unknown("a transposed derivative of this kind is not read")
    if not above and not below:
        return whole, truth
    rank = truth.problem.expr.rank
    if len(above) not in (0, rank):
        raise Unknown("some indices above the line are missing")
    entries: list[Node | None] = [*above, *([None] * (0 if above else rank)), *below]
    entries += [None] * (whole.rank - len(entries))
    if len(entries) > whole.rank:
        raise Unknown("there are more indices than axes")
    spec = tuple(WHOLE if n is None else "at" for n in entries)
    try:
        entry = Call("getitem", whole, *(n for n in entries if n is not None), spec=spec)
        free = [(i, s) for i, s in reading.entries if any(n is i for n in postorder(entry) if isinstance(n, Index))]
        missing = [i for i, _ in reading.entries if i not in {k for k, _ in free}]
        if missing:
            raise Unknown("a free index does not occur on the left side")
        return entries_to_array(entry, list(reading.entries)), truth
    except SymDerivError as error:
        raise Unknown(error.message, error.code) from None


def differentials(reading: Reading) -> dict[Var, Node]:
    """Variables that stand for differentials -> what they are differentials of."""
    return {v: d.numerator for v, d in reading.unknowns.items() if d.order == 0 and d.numerator is not None}


def with_differentials(values: Values, reading: Reading, words: Node, varying: list[Var]) -> Node:
    """Words with every differential worked out along the variables that vary.

    Raises:
        Unknown.
    """
    known = differentials(reading)
    inside = [v for v in variables(words) if v in known]
    if not inside:
        return words
    directions = {v: direction_of(v) for v in varying}
    rule: dict[Node, Node] = {v: values.jvp(known[v], directions) for v in inside}
    return replace_nodes(words, rule)


def direction_of(v: Var) -> Var:
    """The variable `dX`."""
    return Var(f"d_{v.name}", v.shape)


def unknown_error(error: SymDerivError) -> InputError:
    return InputError(error.message, code=error.code)


__all__ = [
    "Truth",
    "Unknown",
    "Values",
    "differentials",
    "direction_of",
    "resolved",
    "same_shape",
    "truth_of_side",
    "with_differentials",
]
