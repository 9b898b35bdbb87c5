"""Words to Unicode mathematics, for terminals: `2 Xᵀ(X w − y)`."""

from __future__ import annotations

from ..expr.nodes import Node, Var
from ..expr.walk import postorder
from . import mathindex, mathwords, names  # noqa: F401 (the first two fill the table of words)
from .mathematics import MathPrinter
from .notations import Body, Notation
from .precedence import MathLevel
from .sharing import as_words, plain_text, shared_text

FUNCTIONS = {
    "trace": "tr", "sigmoid": "σ", "logsigmoid": "log σ", "digamma": "ψ", "lgamma": "log Γ", "maximum": "max", "minimum": "min",
    "heaviside": "H", "cholesky": "chol", "kl": "KL", "log_softmax": "log softmax", "log2": "log₂", "log10": "log₁₀",
}  # fmt: skip
CLOSED = {*"ᵀ)]0123456789", *names.SUPERSCRIPTS.values()}  # what an opening bracket may follow without looking like a call


def to_unicode(node: Node) -> str:
    """The expression as mathematics on one line.

    Args:
        node: words (core nodes are turned into words first).

    Raises:
        LimitError: SD904 when the text would be too long; `to_unicode_shared` names repeated parts.
    """
    words = as_words(node)
    return plain_text(words, _printer(words))


def to_unicode_shared(node: Node, limit: int = 120) -> tuple[list[tuple[str, str]], str]:
    """Definitions of repeated parts, `[("h₁", "X w − y"), ...]`, in order, and the text that uses them.

    Args:
        node: words.
        limit: expressions of at most so many nodes are written in full.

    Raises:
        LimitError: SD904 when the text would be too long even so.
    """
    words = as_words(node)
    printer = _printer(words)
    definitions, text = shared_text(words, printer, limit)
    return [(printer.n.name(name, 0)[0], value) for name, value in definitions], text


def unicode_name(name: str) -> str:
    """A variable's name as mathematics: `lam` is λ, `W1` is W₁."""
    return names.unicode_name(name)[0]


def _printer(words: Node) -> MathPrinter:
    return MathPrinter(UnicodeNotation(frozenset(n.name for n in postorder(words) if isinstance(n, Var))))


class UnicodeNotation(Notation):
    """One line; superscripts and subscripts where Unicode has the characters."""

    column = 0
    minus = "−"
    ones = "𝟏"
    zeros = "𝟎"

    def name(self, name: str, rank: int) -> tuple[str, bool]:
        return names.unicode_name(name, self.names)

    def brackets(self, text: str) -> str:
        return f"({text})"

    def juxtaposed(self, texts: list[str]) -> str:
        out = texts[0]
        for text in texts[1:]:
            close = text.startswith(("(", "[")) and out[-1] in CLOSED
            sign = "·" if text[0] in "0123456789" else "" if close else " "
            out += sign + text
        return out

    def fraction(self, above: list[str], below: list[Body]) -> str:
        return self.product_over(above, ("", MathLevel.ATOM), below, [])

    def product_over(self, above: list[str], body: Body, below: list[Body], divisors: list[Body]) -> str:
        text, level = body
        under = [*below, *divisors]
        if text:
            loose = level <= MathLevel.SUM or (under and level <= MathLevel.ELEMENTWISE)
            above = [*above, self.brackets(text) if loose else text]
        top = self.juxtaposed(above) if above else "1"
        if not under:
            return top
        if len(under) == 1:
            low, strength = under[0]
            simple = strength >= MathLevel.PREFIX and not low.startswith(self.minus) and "/" not in low
            return f"{top}/{low if simple else self.brackets(low)}"
        return f"{top}/({self.juxtaposed([self.brackets(t) if s < MathLevel.PREFIX else t for t, s in under])})"

    def raised(self, base: str, exponent: str) -> str:
        small = names.raised(exponent)
        return base + small if small else f"{base}^{exponent if exponent.isalnum() else self.brackets(exponent)}"

    def raised_elementwise(self, base: str, exponent: str, rank: int) -> str:
        if rank == 1:  # a vector has no other powers
            return self.raised(base, exponent)
        return f"{base}^⊙{exponent if exponent.removeprefix(self.minus).isalnum() else self.brackets(exponent)}"

    def lowered(self, base: str, subscripts: list[str]) -> str:
        single = len(subscripts) == 1 or all(len(s) == 1 for s in subscripts)
        small = names.lowered("".join(subscripts).replace(" ", "")) if single else None
        if small:
            return base + small
        text = ",".join(subscripts).replace(" ", "")
        return f"{base}_{text if text.isalnum() else self.brackets(text)}"

    def transposed(self, base: str) -> str:
        return base + "ᵀ"

    def inverse(self, base: str, transposed: bool = False) -> str:
        return base + ("⁻ᵀ" if transposed else "⁻¹")

    def root(self, text: str, level: MathLevel) -> Body:
        return f"√{text if level >= MathLevel.LOWERED and '(' not in text else self.brackets(text)}", MathLevel.PREFIX

    def call(self, name: str, args: list[str]) -> str:
        return f"{FUNCTIONS.get(name, name)}({', '.join(args)})"

    def parameter(self, name: str, value: str) -> str:
        return f"{name}={value}"

    def absolute(self, text: str) -> str:
        return f"|{text}|"

    def norm(self, text: str, kind: str) -> str:
        return f"‖{text}‖{ {'2': '₂', '1': '₁', 'F': '_F', 'inf': '_∞', 'nuc': '_*'}.get(kind, '_' + kind) }"

    def indicator(self, condition: str) -> str:
        return f"𝟙[{condition}]"

    def cases(self, value: str, condition: str, other: str) -> Body:
        return f"where({condition}, {value}, {other})", MathLevel.ATOM

    def log_det(self, text: str, level: MathLevel) -> Body:
        return f"log|{text}|", MathLevel.PREFIX

    def big(self, sign: str, index: str, lo: str, hi: str, condition: str, full: bool) -> str:
        small = names.lowered(index)
        if full and not condition:
            return sign + (small if small else f"_{index}")
        span = [] if full and condition else [f"{index}={lo}..{hi}"]
        return f"{sign}_({', '.join([*span, *([condition] if condition else [])])})"

    def big_plain(self, sign: str, letters: list[str]) -> str:
        small = names.lowered("".join(letters))
        return sign + (small if small else "_" + "".join(letters))

    def array_of(self, text: str, letters: list[str]) -> str:
        return self.lowered(f"[{text}]", letters)


__all__ = ["UnicodeNotation", "to_unicode", "to_unicode_shared", "unicode_name"]
