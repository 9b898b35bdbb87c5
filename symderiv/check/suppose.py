r"""Relations that hang on what nobody says: `\hat y` of a regression, `p` beside scores, `\Sigma` for a sum, targets that sum to 1.

Notes leave out what every reader of the field puts in. A relation that is undecided only for that is tried with the usual things put in;
where it holds with one of them it is right under that assumption, which is told. Nothing is ever called wrong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import TYPE_CHECKING

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import postorder, variables
from ..write.language import to_text
from .certainty import used_names
from .compare import is_zero, vanishes
from .judge import ChainJudge, Outcome, undefined_of
from .values import Values, same_shape

if TYPE_CHECKING:
    from .checker import Checker
    from .reading import Reading
    from .scope import Meaning

TRIED = 24  # suppositions for one chain
ARRAYS = 6  # arrays whose entries are supposed to sum to 1
_OUTPUTS = frozenset("ahopqsuvzfg")
_TARGETS = ("t", "y", "p", "q", "pi", "l")
DISTRIBUTIONS = re.compile(r"one[- ]hot|sums? to (?:1|one|\$1\$)|probabilit|distribution|simplex", re.IGNORECASE)
_ELEMENTWISE = ("sigmoid", "tanh")


@dataclass(frozen=True)
class Supposition:
    """What some variables are taken to be."""

    values: tuple[tuple[Var, Node], ...]

    @property
    def sums_to_one(self) -> bool:
        """Whether it puts in a softmax: beside it, targets usually sum to 1."""
        return any(isinstance(n, Call) and n.name == "softmax" for _, n in self.values)

    @property
    def told(self) -> tuple[str, ...]:
        """`p = softmax(f)`, `the entries of t sum to 1`."""
        return tuple(_told(v, n) for v, n in self.values)


def _told(v: Var, n: Node) -> str:
    if isinstance(n, Var) and n.name == v.name:
        return f"the entries of {v.name} sum to 1" if n.is_a("simplex") else f"{v.name} is symmetric"
    return f"{v.name} = {to_text(n)}"


class Supposing:
    """Tries what is usual on the relations of a chain that hang on names that nothing defines.

    Attributes:
        checker: the document.
    """

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    def decide(self, judge: ChainJudge, outcomes: list[Outcome], meaning: Meaning) -> list[Outcome]:
        """The outcomes, those that hold under a usual supposition as right, with what was supposed."""
        hanging = {o.side for o in outcomes if o.status == "skipped" and o.hangs}
        outcomes = self._with_sums(judge, outcomes, meaning)
        if not hanging:
            return outcomes
        best: tuple[int, Supposition, frozenset[int]] | None = None
        tried = []
        for s in islice(self._suppositions(judge.reading, meaning), TRIED):
            tried.append(s)
            right = self._right(judge, s, hanging)
            if right and (best is None or len(right) > best[0]):
                best = (len(right), s, right)
            if right == hanging:
                break
        found: dict[int, Supposition] = dict.fromkeys(best[2], best[1]) if best is not None else {}
        bases = [best[1]] if best is not None else [Supposition(()), *islice((s for s in tried if s.sums_to_one), 2)]
        for base, attributes in product(bases, self._attributes(judge.reading, meaning)):
            left = hanging - set(found)
            if not left:
                break
            if any(v in dict(base.values) for v, _ in attributes.values):
                continue
            both = Supposition((*base.values, *attributes.values))
            found.update(dict.fromkeys(self._right(judge, both, left), both))
        return [
            replace(o, status="right", reason="", code="", hangs=False, how="under an assumption", assuming=found[o.side].told)
            if o.side in found and o.side in hanging
            else o
            for o in outcomes
        ]

    def _with_sums(self, judge: ChainJudge, outcomes: list[Outcome], meaning: Meaning) -> list[Outcome]:
        """What would be wrong, and is right where a letter that something is divided by stands for the sum."""
        wrong = {o.side for o in outcomes if o.status == "wrong"}
        if not wrong:
            return outcomes
        used = used_names(judge.reading)
        letters = [
            v
            for v in judge.reading.vars.values()
            if v.name in used and not v.rank and not v.attrs and v.name not in meaning.known
        ]
        for u in letters:
            for total in _sums(u, judge.reading, below=True):
                s = Supposition(((u, total),))
                right = self._right(judge, s, wrong)
                if right:
                    return [
                        Outcome(o.side, "right", o.what, how="under an assumption", assuming=s.told) if o.side in right else o
                        for o in outcomes
                    ]
        return outcomes

    def _right(self, judge: ChainJudge, s: Supposition, hanging: set[int]) -> frozenset[int]:
        known = self.checker.values
        names = {v.name for v, n in s.values if not (isinstance(n, Var) and n.name == v.name)}
        values = Values(
            depends={n: on for n, on in self._depends(judge.reading).items() if n not in names},
            variables=known.variables,
            hold=known.hold,
            supposed=dict(s.values),
        )
        trial = replace(judge, values=values, posed=[], sides=[])
        try:
            right = [o for o in trial.outcomes() if o.status == "right" and o.side in hanging and not _follows(o)]
            return frozenset(o.side for o in right if not _is_empty(trial, judge, o.side))
        except SymDerivError:
            return frozenset()

    # what is supposed ------------------------------------------------------------------------------------------------------------
    def _suppositions(self, reading: Reading, meaning: Meaning) -> Iterator[Supposition]:
        """Values for the names that are outputs of something, simplest first."""
        outputs = self._outputs(reading, meaning)
        if not outputs:
            return
        choices = [list(self._values(v, reading, meaning)) for v in outputs]
        pairs = [(v, c) for v, c in zip(outputs, choices, strict=True) if c]
        several = 3 if all(v.name in self._depends(reading) or v.name.endswith("hat") for v, _ in pairs) else 1
        for size in range(min(len(pairs), several), 0, -1):
            for chosen in _subsets(pairs, size):
                for nodes in product(*(c for _, c in chosen)):
                    s = tuple((v, n) for (v, _), n in zip(chosen, nodes, strict=True))
                    if not _circular(s) and len({n for _, n in s}) == len(s):
                        yield Supposition(s)

    def _outputs(self, reading: Reading, meaning: Meaning) -> list[Var]:
        """Variables that nothing defines and that stand for what a model gives: those of which derivatives are written, those under a
        hat, those that nobody declares."""
        used = used_names(reading)
        depends = self._depends(reading)
        every = {v.name: v for v in reading.vars.values() if v.name in used}
        known = self.checker.values.variables
        every.update(
            {n: v for n, v in known.items() if n in depends and n not in every and (n in used or _near(n, used, depends))}
        )
        out = []
        for name, v in every.items():
            if v in reading.unknowns or name in meaning.known or v.attrs:
                continue
            assumed = name not in meaning.vars or not meaning.is_declared(v)
            if (
                name in depends
                or (assumed and (name.endswith(("_hat", "hat")) or name[:1] in _OUTPUTS))
                or (assumed and not v.rank)
            ):
                out.append(v)
        differentiated = {d.var for d in _derivatives(reading)}
        between = self._between(reading)
        if not any(v.name in depends for v in out):
            out += [v for v in between if v not in out]
        chosen = [v for v in out if v.name in depends or v in between] or [v for v in out if v.name.endswith("hat")]
        out = chosen or out
        return sorted(
            (v for v in out if v not in differentiated or v.name in depends or v in between),
            key=lambda v: (v.name not in depends, v.name),
        )

    def _between(self, reading: Reading) -> list[Var]:
        """Variables through which something must depend on what it is differentiated by: those of a function that does not hold the
        variable, and those by which an undefined one is differentiated."""
        out: list[Var] = []
        for d in _derivatives(reading):
            if isinstance(d.var, Var) and d.numerator is not None and d.var not in set(variables(d.numerator)):
                out += [v for v in variables(d.numerator) if not v.is_a("integer") and v.rank]
        for by in undefined_of(reading).values():
            if len(set(by)) > 1:
                out += [v for v in by if isinstance(v, Var)]
        left = reading.sides[0].derivative
        return [v for v in dict.fromkeys(out) if left is None or v is not left.var]

    def _values(self, u: Var, reading: Reading, meaning: Meaning) -> Iterator[Node]:
        """What a variable may be, as a function of what it is differentiated by."""
        on = self._depends(reading).get(u.name, set())
        known = {**self.checker.values.variables, **reading.vars}
        by = [known[n] for n in sorted(on) if n in known]
        if not by:
            by = [d.var for d in _derivatives(reading) if isinstance(d.var, Var) and d.var is not u]
        arrays = [v for v in {**dict(meaning_vars(meaning)), **reading.vars}.values() if v not in reading.unknowns and v is not u]
        for v in dict.fromkeys(by):
            if not same_shape(u.shape, v.shape):
                for linear in _linear(u, v, arrays):
                    yield from _models(linear)
            elif not v.is_a("integer"):
                yield from list(_models(v))[1:]
        if not u.rank:
            yield from _sums(u, reading)

    def _depends(self, reading: Reading) -> dict[str, set[str]]:
        """Which names depend on which; `y_i` of the declarations is y where the samples are one array."""

        def whole(name: str) -> str:
            base = name.split("_")[0]
            return base if name not in reading.vars and base in reading.vars else name

        out: dict[str, set[str]] = {}
        for name, on in self.checker.values.depends.items():
            out.setdefault(whole(name), set()).update(whole(n) for n in on)
        return out

    def _attributes(self, reading: Reading, meaning: Meaning) -> Iterator[Supposition]:
        """Targets that sum to 1; a matrix that is symmetric, in a text that speaks of symmetry or does not declare the matrix."""
        used = used_names(reading)
        arrays = [v for v in reading.vars.values() if v.rank and not v.attrs and v.name in used and v not in reading.unknowns][
            :ARRAYS
        ]
        spoken = self.checker.speaks_of_distributions
        for v in arrays:
            if spoken or v.name.rstrip("_0123456789").lower() in _TARGETS:
                yield Supposition(((v, Var(v.name, v.shape, ("simplex",))),))
        for v in arrays:
            said = self.checker.speaks_of_symmetry or (v.name in meaning.vars and meaning.vars[v.name][1].startswith("assumed"))
            if v.rank == 2 and v.shape[0] == v.shape[1] and said:
                yield Supposition(((v, Var(v.name, v.shape, ("symmetric",))),))


def meaning_vars(meaning: Meaning) -> Iterator[tuple[str, Var]]:
    for name, (v, _) in meaning.vars.items():
        yield name, v


def _follows(o: Outcome) -> bool:
    return "which is wrong" in o.how


def _is_empty(trial: ChainJudge, judge: ChainJudge, side: int) -> bool:
    """Whether a side says nothing under a supposition: it is 0 there, and was something before."""
    words, before = trial.sides[side].words, judge.sides[side].words
    return words is not None and before is not None and not is_zero(before) and vanishes(words)


def _near(name: str, used: set[str], depends: dict[str, set[str]]) -> bool:
    """Whether a name stands between two that are used: one depends on it."""
    return any(name in on for n, on in depends.items() if n in used)


def _derivatives(reading: Reading) -> list:
    heads = [s.derivative for s in reading.sides if s.derivative is not None]
    return [d for d in (*heads, *reading.unknowns.values()) if d.order]


def _subsets(pairs: Sequence, size: int) -> Iterator[tuple]:
    from itertools import combinations

    yield from combinations(pairs, size)


def _circular(s: Sequence[tuple[Var, Node]]) -> bool:
    """Whether values of a supposition use each other in a circle."""
    uses = {v: {x for x in variables(n) if x in dict(s)} for v, n in s}
    for _ in uses:
        uses = {v: on | {y for x in on for y in uses[x]} for v, on in uses.items()}
    return any(v in on for v, on in uses.items())


def _linear(u: Var, v: Var, arrays: Sequence[Var]) -> Iterator[Node]:
    """Products of v and another array that have the shape of u, with a bias that fits."""
    seen: set[Node] = set()
    for x in arrays:
        if x is v or x.is_a("integer") or x.is_a("onehot"):
            continue
        for a, b in ((x, v), (v, x)) if x.rank == v.rank == 2 else ((x, v),) if x.rank >= v.rank else ((v, x),):
            for left, right in product(_turned(a), _turned(b)):
                node = _product(left, right)
                if node is None or node in seen or not same_shape(node.shape, u.shape):
                    continue
                seen.add(node)
                bias = next((y for y in arrays if y.name[:1] == "b" and y not in (v, x) and _adds(y, u)), None)
                yield Call("add", node, bias) if bias is not None else node
    if v.name[:1] == "b" and _adds(v, u):
        for x, w in product(arrays, arrays):
            node = _product(x, w) if w.name[:1].lower() == "w" and x.name[:1].lower() != "w" else None
            if node is not None and same_shape(node.shape, u.shape):
                yield Call("add", node, v)


def _turned(a: Var) -> tuple[Node, ...]:
    return (a, Call("T", a)) if a.rank == 2 else (a,)


def _product(a: Node, b: Node) -> Node | None:
    if not a.rank and not b.rank:
        return Call("mul", a, b)
    if not a.rank or not b.rank:
        return Call("mul", a, b)
    try:
        return Call("matmul", a, b) if same_shape(a.shape[-1:], b.shape[:1]) else None
    except SymDerivError:
        return None


def _adds(y: Var, u: Var) -> bool:
    return not y.rank or same_shape(y.shape, u.shape) or (u.rank == 2 and same_shape(y.shape, u.shape[-1:]))


def _models(z: Node) -> Iterator[Node]:
    """z itself, and what is usually made of it."""
    yield z
    if z.rank:
        yield Call("softmax", z)
    for f in _ELEMENTWISE:
        yield Call(f, z)


def _sums(u: Var, reading: Reading, below: bool = False) -> Iterator[Node]:
    """Sums that a letter may stand for: those that are written, and that of what is divided by it; the latter alone for `below`."""
    words = [s.words for s in reading.sides if s.words is not None] + list(reading.definitions.values())
    words += [n for d in _derivatives(reading) if (n := d.numerator) is not None]
    seen: dict[Node, None] = {}
    for n in postorder(*words):
        if not isinstance(n, Call) or any(isinstance(x, Index) for x in postorder(n)):
            continue
        if below and n.name != "div":
            continue
        if n.name == "sum" and not n.rank and u not in variables(n):
            seen[n] = None
        if n.name in ("softmax", "log_softmax", "logsumexp") and n.operands[0].rank == 1:
            seen[Call("sum", Call("exp", n.operands[0]))] = None
        if n.name == "div" and n.operands[1] is u and n.operands[0].rank:
            seen[Call("sum", n.operands[0])] = None
    yield from seen


__all__ = ["Supposing", "Supposition"]
