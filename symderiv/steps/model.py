"""A derivation as data: symbols, steps, sections.

    dL = 2 rᵀ dr          one step: rule, reason, what stands on either side of the equals sign
    symbols               what `dr`, `r`, `∂L/∂r` stand for, so that every step can be printed and evaluated

Both sides of a step are words (`symderiv.expr`); what is not in the user's problem (intermediate values, differentials, partial
derivatives) is a variable with an entry in `Derivation.symbols`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from ..expr.nodes import Call, Index, Node, Var

Style = Literal["differential", "index", "graph"]
Detail = Literal["brief", "normal", "full"]
STYLES: tuple[Style, ...] = ("differential", "index", "graph")
OPENING = ("rewrite", "defined", "entries")  # steps that rewrite the value before it is differentiated
DETAILS: tuple[Detail, ...] = ("brief", "normal", "full")


@dataclass(frozen=True, eq=False)
class Symbol:
    """What a variable of a derivation stands for.

    Attributes:
        var: the variable that stands in the words.
        kind: "name" (an intermediate value), "differential" (its change), "cotangent" (the derivative of the output by it),
            "partial" (its derivative by the variable; the axes of `of`, then those of `by`) or "rest" (terms that have been dealt
            with, printed as dots), "moment" (the mean or the variance of the value, as `operator` says).
        of: the value itself: words in the problem's variables and in names.
        label: how `of` is called: a name, or None where it is written out.
        by: for "partial", the variable; for "cotangent", the output's name is `output`.
        output: for "cotangent": the name of the output.
        user: whether the name is the user's own.
        through: for "cotangent": the output as a function of the value alone, and the variable that stands for the value there.
        operator: for "moment": "E" or "Var".
        entry: for a "partial" without a label: the entry of `of`, and the indices at which it is taken.
    """

    var: Var
    kind: Literal["name", "differential", "cotangent", "partial", "rest", "moment"]
    of: Node
    label: Var | None = None
    by: Var | None = None
    output: str = "L"
    user: bool = False
    entry: tuple[Node, tuple[Index, ...]] | None = None
    through: tuple[Node, Var] | None = None
    operator: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """One step: `subject = before` becomes `subject = after` by a rule.

    Attributes:
        rule: key of the rule in `symderiv.steps.rules.RULES`.
        reason: why it holds here, one sentence.
        before, after: the two sides; they have the same value.
        subject: what is being computed (`dL`, `∂L/∂w_j`, `∂L/∂u`), or None for a rewriting of the problem.
        changed: parts of `before` that the rule replaces.
        new: parts of `after` that it puts in their place.
        free: indices that are free in both sides, with the lengths of their axes.
        note: a further sentence (conventions, a justification), or "".
        children: the finer steps that this one is made of (at detail "full").
        weight: "key" steps survive at detail "brief".
        opens: whether the step begins a chain (its `before` is shown).
    """

    rule: str
    reason: str
    before: Node
    after: Node
    subject: Node | None = None
    changed: tuple[Node, ...] = ()
    new: tuple[Node, ...] = ()
    free: tuple[tuple[Index, object], ...] = ()
    note: str = ""
    children: tuple[Step, ...] = ()
    weight: Literal["key", "normal", "fine"] = "normal"
    opens: bool = False

    @property
    def shape(self) -> tuple:
        """Shape of the result."""
        return self.after.shape

    @property
    def title(self) -> str:
        """The rule's name as a reader says it."""
        from .rules import rule_named

        return rule_named(self.rule).title

    def with_nodes(self, change) -> Step:
        """The same step with `change` applied to all its words."""
        return replace(
            self,
            before=change(self.before),
            after=change(self.after),
            subject=None if self.subject is None else change(self.subject),
            changed=tuple(map(change, self.changed)),
            new=tuple(map(change, self.new)),
            children=tuple(c.with_nodes(change) for c in self.children),
        )


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a derivation: the steps to one result.

    Attributes:
        title: a heading, "" where there is only one section.
        introduction: sentences before the steps.
        names: the intermediate values that the section introduces, in order.
        steps: the steps, in order.
        function: name of what is differentiated.
        expr: its words as the user wrote them.
    """

    title: str
    function: Var
    expr: Node
    names: tuple[Symbol, ...] = ()
    steps: tuple[Step, ...] = ()
    introduction: tuple[str, ...] = ()
    wrt: tuple[Var, ...] = ()


@dataclass(frozen=True, eq=False)
class Derivation:
    """A derivation in one style at one level of detail.

    Attributes:
        style, detail: as asked for.
        sections: one, or several for second derivatives and for several variables in index notation.
        symbols: everything that is not a variable of the problem.
        vars: the problem's variables by name.
        results: the answers, by the names of the variables: what the last steps end in.
        layout: "numerator" or "denominator".
        notes: conventions for symmetric variables, assumptions.
        kinks: where the value is not differentiable, in sentences.
        kinked: the operations with these kinks, in the problem's words.
    """

    style: Style
    detail: Detail
    sections: tuple[Section, ...]
    symbols: dict[Var, Symbol]
    vars: dict[str, Var]
    results: dict[str, Node]
    layout: str = "numerator"
    notes: tuple[str, ...] = ()
    source: str = ""
    name: str = "L"
    order: int = 1
    kinks: tuple[str, ...] = field(default=())
    kinked: tuple[Call, ...] = field(default=())

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return tuple(s for section in self.sections for s in section.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


__all__ = ["DETAILS", "OPENING", "STYLES", "Derivation", "Detail", "Section", "Step", "Style", "Symbol"]
