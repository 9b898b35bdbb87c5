"""What a question is: plain data that the session, the exports and the checks share.

The key of a question (`size:jacobian:2:4711`) says how it was made, and `questions.make` makes the same question from it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOPICS = {  # topic -> (level at which it starts, what it is about, the kinds of question it has)
    "gradient": (1, "∂s/∂v: a scalar by a vector or a matrix", ("size", "truth", "which", "count")),
    "scalar": (1, "∂/∂s: an array by a scalar", ("size", "truth", "which")),
    "jacobian": (2, "∂u/∂v: a vector by a vector", ("size", "truth", "which", "count")),
    "layout": (2, "numerator and denominator layout", ("size", "truth", "which")),
    "broadcasting": (3, "sums and products that stretch an axis", ("size", "truth", "which", "error")),
    "chain": (3, "the chain rule, factor by factor", ("chain", "error")),
    "update": (3, "gradients and the step that they make", ("update", "transpose")),
    "layer": (3, "Jacobians of a layer", ("size", "truth", "which", "count", "error", "transpose")),
    "batch": (4, "networks on a batch", ("size", "truth", "which", "count", "error", "chain", "update")),
    "sums": (4, "einsum and explicit sums", ("size", "truth", "which")),
    "hessian": (4, "second derivatives", ("size", "truth", "which", "count")),
    "tensor": (5, "third- and fourth-order tensors", ("size", "truth", "which", "count")),
}
KINDS = {
    "size": "the size of a derivative",
    "count": "the number of its entries",
    "which": "which derivative has this size",
    "truth": "true or false",
    "error": "find the line whose sizes do not fit",
    "transpose": "put the transposes back",
    "chain": "complete the chain rule",
    "update": "which update is a step of gradient descent",
}
LEVELS = (1, 2, 3, 4, 5)
LETTERS = "abcdefgh"
FORMS = ("shape", "number", "choice", "truth", "expression")


@dataclass(frozen=True)
class Claim:
    """What the key of a question rests on, in a form that a program can confirm.

    Attributes:
        what: "shape": `∂source/∂wrt` has the shape `says`; "value": it is the expression `says`; "fits": `source` itself can be
            computed and has the shape `says`; "same": two shapes, `source` and `says`.
        holds: whether the claim is true (a distractor's is false).
    """

    what: str
    source: str
    says: str
    holds: bool = True
    vars: Mapping[str, str] = field(default_factory=dict)
    wrt: str = ""
    order: int = 1
    layout: str = "numerator"


@dataclass(frozen=True)
class Question:
    """One question with its key.

    Attributes:
        key: how to make it again.
        ask: the question, one or two sentences.
        given: lines to look at: declarations, definitions, a derivation.
        form: how it is answered: "shape", "number", "choice", "truth" or "expression".
        answer: the right answer; of a choice, its letter.
        choices: texts, for "choice".
        why: the reason, line by line.
        factors: pieces and their sizes, to be set one under the other.
        slips: wrong answer -> the mistake that it suggests.
        vars: declarations that an answer may use.
        layout: "numerator" or "denominator" where the question asks for one, else "".
        claims: what the key rests on.
    """

    key: str
    topic: str
    kind: str
    level: int
    ask: str
    given: tuple[str, ...]
    form: str
    answer: str
    why: tuple[str, ...]
    choices: tuple[str, ...] = ()
    factors: tuple[tuple[str, str], ...] = ()
    slips: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    vars: Mapping[str, str] = field(default_factory=dict)
    layout: str = ""
    claims: tuple[Claim, ...] = ()

    @property
    def shown_answer(self) -> str:
        """The answer as it is told: a choice with its text, a number in groups of three."""
        if self.form == "choice":
            return f"{self.answer}) {self.choices[LETTERS.index(self.answer)]}"
        return f"{int(self.answer):,}" if self.form == "number" else self.answer

    @property
    def identity(self) -> tuple:
        """Equal for questions that ask the same, whatever the order of the choices."""
        return (self.ask, self.given, tuple(sorted(self.choices)))

    def to_data(self) -> dict[str, Any]:
        """As plain data; docs/quiz.md describes it."""
        return {
            "key": self.key, "topic": self.topic, "kind": self.kind, "level": self.level, "ask": self.ask,
            "given": list(self.given), "form": self.form, "choices": list(self.choices), "answer": self.answer,
            "why": list(self.why), "factors": [list(f) for f in self.factors], "slips": dict(self.slips), "hint": self.hint,
            "vars": dict(self.vars), "layout": self.layout,
        }  # fmt: skip

    @classmethod
    def from_data(cls, d: Mapping[str, Any]) -> Question:
        """The question of `to_data`.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: for anything else.
        """
        q = cls(
            key=str(d["key"]), topic=str(d["topic"]), kind=str(d["kind"]), level=int(d["level"]), ask=str(d["ask"]),
            given=tuple(map(str, d["given"])), form=str(d["form"]), answer=str(d["answer"]), why=tuple(map(str, d["why"])),
            choices=tuple(map(str, d["choices"])), factors=tuple((str(a), str(b)) for a, b in d["factors"]), hint=str(d["hint"]),
            slips={str(k): str(v) for k, v in d["slips"].items()}, vars={str(k): str(v) for k, v in d["vars"].items()},
            layout=str(d.get("layout", "")),
        )  # fmt: skip
        if q.form not in FORMS:
            raise ValueError(f"a question has the form {q.form!r}")
        if q.form == "choice" and (len(q.answer) != 1 or q.answer not in LETTERS[: len(q.choices)]):
            raise ValueError(f"the answer {q.answer!r} is none of the choices")
        if q.form == "truth" and q.answer not in ("true", "false"):
            raise ValueError(f"the answer {q.answer!r} is neither true nor false")
        if q.form == "number" and not (q.answer.isascii() and q.answer.isdigit()):
            raise ValueError(f"the answer {q.answer!r} is not a number")
        return q


__all__ = ["FORMS", "KINDS", "LETTERS", "LEVELS", "TOPICS", "Claim", "Question"]
