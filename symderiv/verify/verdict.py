"""What `verify` answers: right or not, why not, where, and what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Span, SymDerivError
from ..expr.nodes import Node
from ..read.problem import Problem
from ..write.language import to_text
from ..write.latex import to_latex
from .report import say_sizes

if TYPE_CHECKING:
    from ..result import Derivative

KINDS = (
    "right", "sign", "factor", "transpose", "layout", "missing_term", "extra_term", "missing_factor", "extra_factor",
    "mean_or_sum", "index", "shape", "needs_symmetric", "wrong", "not_understood",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Counterexample:
    """A point where claim and derivative differ.

    Attributes:
        sizes: a number for each size.
        values: an array for each variable.
        entry: the position that differs most.
        claimed, true: what stands there.
        claimed_array, true_array: all of both.
    """

    sizes: dict[str, int]
    values: dict[str, np.ndarray]
    entry: tuple[int, ...]
    claimed: float
    true: float
    claimed_array: np.ndarray
    true_array: np.ndarray

    def __str__(self) -> str:
        where = f" in entry {list(self.entry)}" if self.entry else ""
        return f"for {self.point}: the claim gives {number(self.claimed)}{where}, the derivative is {number(self.true)}"

    @property
    def point(self) -> str:
        """`X = [[1, 2]], w = [0]`, or the sizes where the arrays are long."""
        if not self.values:
            return "any values"
        shown = ", ".join(f"{n} = {array_text(v)}" for n, v in self.values.items())
        return shown if len(shown) <= 400 else say_sizes(self.sizes)

    def html(self) -> str:
        """The same as a piece of HTML with MathML."""
        from ..write.verdict import verdict_html

        return verdict_html(self)

    def to_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "sizes": dict(self.sizes),
            "values": {n: np.asarray(v).tolist() for n, v in self.values.items()},
            "entry": list(self.entry),
            "claimed": self.claimed,
            "true": self.true,
        }


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A claim that would be right."""

    expr: Node

    @property
    def text(self) -> str:
        return to_text(self.expr)

    @property
    def latex(self) -> str:
        return to_latex(self.expr)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Verdict:
    """The answer to "is my derivative right?".

    Attributes:
        ok: True, False, or None where the question was not understood.
        kind: one of `KINDS`.
        message: what is wrong, where, and what it should be, as a teacher would write it.
        counterexample: a point where the claim is wrong, or None.
        correct: the derivative, or None where it was not found.
        claim: the claim as it was read, or None (a function, or not understood).
        decided_by: how, and with what certainty.
        difference: claim minus derivative, in words, or None where it has no closed form or the shapes differ.
        suggestions: claims that would be right, the nearest to the given one first.
        notes: what else a reader should know (kinks, conventions, what was assumed).
        span: where in the claim the fault is, or None.
        error: why nothing was understood, or None.
        layout: the layout in which the claim was judged.
        entry: the entry of the derivative that the claim is about, or None where it is about all of it.
    """

    ok: bool | None
    kind: str
    message: str
    counterexample: Counterexample | None = None
    correct: Derivative | None = None
    claim: Problem | None = None
    decided_by: str = ""
    difference: Node | None = None
    suggestions: tuple[Suggestion, ...] = ()
    notes: tuple[str, ...] = ()
    span: Span | None = None
    error: SymDerivError | None = None
    layout: str = "numerator"
    entry: Node | None = None

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    def __bool__(self) -> bool:
        return self.ok is True

    def __str__(self) -> str:
        return "\n".join(line for line in self.lines() if line)

    def __repr__(self) -> str:
        return f"<Verdict {self.kind}: {self.message}>"

    def rows(self) -> list[tuple[str, list[str]]]:
        """What stands under the message: titles with their lines."""
        correct = str(self.correct) if self.correct is not None else ""
        rows = [
            ("derivative", [correct]),
            ("entry", [to_text(self.entry)] if self.entry is not None else []),
            ("corrected", [s.text for s in self.suggestions[:1] if s.text != correct]),
            ("claim - truth", [to_text(self.difference)] if self.difference is not None else []),
            ("counterexample", [str(self.counterexample)] if self.counterexample is not None else []),
            ("decided by", [self.decided_by]),
            ("note", list(self.notes)),
            ("hint", [self.error.hint] if self.error is not None else []),
        ]
        return [(title, [line for line in lines if line]) for title, lines in rows if any(lines)]

    def lines(self) -> list[str]:
        """The verdict as lines of plain text."""
        out = [f"{self.kind}: {self.message}"]
        if self.span is not None:
            out.append(self.span.caret())
        return out + [f"{title + ':':15} {line}" for title, lines in self.rows() for line in lines]

    def latex(self) -> str:
        """The message and the formulas in LaTeX."""
        from ..write.verdict import verdict_latex

        return verdict_latex(self)

    def markdown(self) -> str:
        """The same in Markdown."""
        from ..write.verdict import verdict_markdown

        return verdict_markdown(self)

    def html(self) -> str:
        """The same as a piece of HTML with MathML."""
        from ..write.verdict import verdict_html

        return verdict_html(self)

    def to_data(self) -> dict[str, Any]:
        """The verdict as plain data."""
        from ..write.verdict import verdict_data

        return verdict_data(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()


def number(x: float) -> str:
    """A number as people write it: `2`, `0.5`, `-1.234`."""
    return f"{x:.6g}"


def array_text(x: Any) -> str:
    """`[[1, 2], [0, -1]]` on one line."""
    x = np.asarray(x)
    if x.ndim == 0:
        return number(float(x))
    return "[" + ", ".join(array_text(row) for row in x) + "]"


def short(text: str, limit: int = 160) -> str:
    """A text cut to a length."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def say(node: Node, limit: int = 160) -> str:
    """A piece of an expression in the input language, for a sentence."""
    return short(to_text(node), limit)


def not_understood(error: SymDerivError, **more: Any) -> Verdict:
    """A refusal as a verdict."""
    message = error.message
    if message.split(" ", 1)[0] in ("a", "an", "it", "no", "the", "there", "this"):
        message = message[0].upper() + message[1:]
    return Verdict(None, "not_understood", f"{message} ({error.code}).", span=error.span, error=error, **more)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a claim.

    Attributes:
        kind: of the verdict.
        message: one or two sentences.
        fixed: a claim that would be right, or None.
        place: a piece of the claim that the message is about, or None.
        rank: simpler explanations have smaller ones.
        path: operand positions from the top of the claim to that piece, where they are known.
    """

    kind: str
    message: str
    fixed: Node | None = None
    place: Node | None = None
    rank: float = 0.0
    notes: tuple[str, ...] = field(default=())
    path: tuple[int, ...] | None = None


def values_of(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A copy of the values."""
    return {n: np.array(v) for n, v in values.items()}


__all__ = [
    "KINDS", "Counterexample", "Diagnosis", "Suggestion", "Verdict", "array_text", "not_understood", "number", "say",
    "short", "values_of",
]  # fmt: skip
