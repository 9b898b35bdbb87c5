"""Derivations of answers: `derivation(request)` runs the trace in the asked style and makes it end in the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed

from sympy.core.symbol import Str

from ..calculus.derive import free_of_properties
from ..errors import InputError
from ..expr.nodes import Call, Node, Var
from ..expr.walk import replace
from ..notation.words import to_words
from ..simplify.lower import normal
from .context import Context, Task
from .detail import brief
from .differential import derive_differential
from .graph import derive_graph
from .index import derive_index
from .model import DETAILS, OPENING, STYLES, Derivation, Detail, Section, Step, Style, Symbol

BUILDERS: dict[str, Callable[[Context], Section]] = {
    "differential": derive_differential,
    "index": derive_index,
    "graph": derive_graph,
}


@dataclass(frozen=True, eq=False)
class Request:
    """What a derivation is asked of.

    Attributes:
        words: the problem's words.
        vars: its variables by name.
        definitions: the user's definitions.
        targets: the variables of first derivatives; of higher ones, the chain.
        order: 1, or the length of the chain.
        answers: by variable name: the words of the answer, which the last step ends in.
        name: what the user calls the value, or "".
    """

    words: Node
    vars: dict[str, Var]
    targets: tuple[Var, ...]
    answers: dict[str, Node]
    definitions: dict[str, Node] = field(default_factory=dict)
    order: int = 1
    name: str = ""
    layout: str = "numerator"
    symmetric: str = "plain"
    notes: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    kinked: tuple[Call, ...] = ()
    source: str = ""


def derivation(request: Request, style: str = "differential", detail: str = "normal") -> Derivation:
    """The derivation of an answer.

    Args:
        style: "differential", "index" or "graph".
        detail: "brief", "normal" or "full".

    Raises:
        InputError: SD105 for a style or a level that does not exist.
    """
    _check(style, detail)
    return _Builder(request, style, detail).build()  # type: ignore[arg-type]


def _check(style: str, detail: str) -> None:
    for what, value, known in (("style", style, STYLES), ("detail", detail, DETAILS)):
        if value not in known:
            raise InputError(f"{what} {value!r} is not known", code="SD105", hint="use one of " + ", ".join(known))


class _Builder:
    def __init__(self, request: Request, style: Style, detail: Detail) -> None:
        self.r, self.style, self.detail = request, style, detail
        self.plain = free_of_properties(list(dict.fromkeys(request.targets)))
        self.back: dict[Node, Node] = {new: old for old, new in self.plain.items()}
        self.symbols: dict[Var, Symbol] = {}
        self.taken: set[str] = set(request.vars)
        self.definitions = {n: replace(w, self.plain) for n, w in request.definitions.items() if w is not request.words}
        self.output = request.name or output_name(request.words, request.vars)

    def build(self) -> Derivation:
        r = self.r
        words = replace(r.words, self.plain)
        sections = self.first_order(words) if r.order == 1 else self.higher(words)
        if self.detail == "brief":
            sections = [brief(s) for s in sections]
        self.symbols = {v: self._restored_symbol(s) for v, s in self.symbols.items()}
        sections = [self._restored(s) for s in sections]
        return Derivation(
            self.style, self.detail, tuple(sections), self.symbols, r.vars, dict(r.answers), r.layout, r.notes, r.source,
            self.output,
            r.order, r.kinks, r.kinked,
        )  # fmt: skip

    def first_order(self, words: Node) -> list[Section]:
        targets = [self.plain.get(v, v) for v in self.r.targets]
        groups = [[v] for v in targets] if self.style == "index" else [targets]
        sections: list[Section] = []
        for group in groups:
            title = f"by {group[0].name}" if len(groups) > 1 else ""
            c = self.context(words, normal(words), group, self.output, title)  # type: ignore[arg-type]
            section = BUILDERS[self.style](c)
            steps = [s for s in section.steps if not sections or s.rule not in OPENING]  # the value is written out once
            for v in group:
                assert isinstance(v, Var)
                steps = self.finished(steps, c, v, self.r.answers[v.name])
            sections.append(changed(section, steps=tuple(steps)))
            self.symbols.update(c.symbols)
        return sections

    def higher(self, words: Node) -> list[Section]:
        """One section for each derivative in turn."""
        core, function = normal(words), self.output
        sections: list[Section] = []
        ordinal = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")
        for k, target in enumerate(self.r.targets):
            v = self.plain.get(target, target)
            assert isinstance(v, Var)
            c = self.context(words, core, [v], function, f"{ordinal[k]} derivative")
            section = BUILDERS[self.style](c)
            steps = list(section.steps)
            if k + 1 == len(self.r.targets):
                steps = self.finished(steps, c, v, self.r.answers[target.name])
            elif steps and steps[-1].rule == "substitute" and len(steps) > 1:
                steps.pop()  # the names stay for the next derivative
            introduction = (f"The derivative found so far is called `{function}`, and differentiated once more.",) if k else ()
            sections.append(changed(section, steps=tuple(steps), introduction=introduction))
            self.symbols.update(c.symbols)
            self.taken |= {s.var.name for s in self.symbols.values()} | {function}
            names = {s.var.name: s.of for s in section.names if s.var.name not in self.definitions}
            self.definitions.update({n: self.unfolded(w) for n, w in names.items()})
            if function not in self.r.vars:
                self.definitions.setdefault(function, words)
            core = c.trace.results[v]
            words = to_words(core)
            function = _fresh("gGhHqQ"[k % 2 if core.rank < 2 else 1], self.taken, "gGqhQ")
        return sections

    def unfolded(self, words: Node) -> Node:
        """Words with all names replaced by what they stand for."""
        rule = {s.var: s.of for s in self.symbols.values() if s.kind == "name"}
        for _ in range(len(rule) + 1):
            new = replace(words, rule)  # type: ignore[arg-type]
            if new is words:
                break
            words = new
        return words

    def context(self, words: Node, core: Node, targets: Sequence[Var], function: str, title: str) -> Context:
        definitions = {n: normal(w) for n, w in self.definitions.items()}
        task = Task(words, core, tuple(targets), function, definitions, frozenset(self.taken), self.style, self.detail, title)
        return Context(task)

    def finished(self, steps: list[Step], c: Context, v: Var, answer: Node) -> list[Step]:
        """The steps with one that ends in the answer as it was handed over."""
        mine = to_words(c.trace.results[v])
        at = max((k for k, s in enumerate(steps) if s.after is mine), default=len(steps) - 1)
        if mine is answer or not steps:
            return steps
        subject = steps[at].subject
        if self.r.symmetric == "constrained":
            rule, reason = "constrained", "The entries on both sides of the diagonal are one variable: G + Gᵀ − diag(G)."
            mine = _constrained(mine)
        elif self.plain:
            rule, reason = "properties", _known(self.plain)
        else:
            rule, reason = "simplify", "Like factors and terms are collected."
        if mine is not steps[at].after and self.r.symmetric == "constrained":
            subject = None
        step = Step(rule, reason, mine, answer, subject, new=(answer,), weight="key", opens=subject is None)
        return [*steps[: at + 1], step, *steps[at + 1 :]]

    # the problem's own variables in place of those without properties
    # --------------------------------------------------------------
    def _restored(self, section: Section) -> Section:
        if not self.back:
            return section
        names = tuple(self._restored_symbol(s) for s in section.names)
        steps = tuple(s.with_nodes(self._words) for s in section.steps)
        wrt = tuple(self.back.get(v, v) for v in section.wrt)
        return changed(section, names=names, steps=steps, expr=self._words(section.expr), wrt=wrt)  # type: ignore[arg-type]

    def _restored_symbol(self, s: Symbol) -> Symbol:
        if not self.back:
            return s
        label, by = self.back.get(s.label, s.label), self.back.get(s.by, s.by)  # type: ignore[call-overload,arg-type]
        entry = (self._words(s.entry[0]), s.entry[1]) if s.entry else None
        through = (self._words(s.through[0]), s.through[1]) if s.through else None
        return changed(s, of=self._words(s.of), label=label, by=by, entry=entry, through=through)

    def _words(self, words: Node) -> Node:
        return replace(words, self.back)


def _known(plain: dict[Node, Node]) -> str:
    """What was declared of the variables, in a sentence."""
    said = []
    for v in plain:
        assert isinstance(v, Var)
        words = {"symmetric": f"`{v.name} = {v.name}ᵀ`", "psd": f"`{v.name} = {v.name}ᵀ`", "diagonal": f"`{v.name}` is diagonal"}
        said += [words[a] for a in sorted(v.attrs) if a in words] or [f"what is declared of `{v.name}`"]
    return f"Here {' and '.join(dict.fromkeys(said))} is used."


def _constrained(g: Node) -> Node:
    return Call("add", g, Call("T", g), Call("neg", Call("diag", Call("diag", g))))


def output_name(words: Node, taken: dict[str, Var]) -> str:
    """What a value without a name is called: L for a loss, p for probabilities, f for any other array."""
    letters = "Lf" if not words.rank else "fy"
    if isinstance(words, Call) and words.name in ("softmax", "sigmoid"):
        letters = "pq" if words.rank == 1 else "PQ"
    return _fresh(letters[0], set(taken), letters)


def _fresh(first: str, taken: set[str], letters: str) -> str:
    found = next((a for a in (first, *letters) if a not in taken), None)
    return found or Str(f"{first}_0").name


__all__ = ["Request", "derivation", "output_name"]
