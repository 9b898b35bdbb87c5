r"""Words to LaTeX as in a paper: `2 X^\top (X w - y)`. Needs amsmath and amssymb."""

from __future__ import annotations

import re

from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import free_symbols, postorder
from . import mathindex, mathwords, names  # noqa: F401 (the first two fill the table of words)
from .mathematics import MathPrinter
from .notations import Body, Notation
from .precedence import MathLevel
from .sharing import as_words, plain_text, shared_text

TALL = (r"\frac", r"\sum", r"\prod", r"\begin", r"\left", r"\max_", r"\min_")
FUNCTIONS = {
    "exp": r"\exp", "log": r"\log", "max": r"\max", "min": r"\min", "maximum": r"\max", "minimum": r"\min",
    "trace": r"\operatorname{tr}", "log_softmax": r"\log\operatorname{softmax}", "loggamma": r"\log\Gamma", "heaviside": r"\operatorname{H}",
    "digamma": r"\psi^{(0)}",
}  # fmt: skip

_SPELLED_OUT = frozenset({"digamma"})  # ψ(x) and H(x) could be any function, and products


def to_latex(node: Node, *, bold: bool = False, transpose: str = r"\top") -> str:
    r"""The expression in LaTeX: vectors are columns, indices count from 1.

    Args:
        node: words (core nodes are turned into words first).
        bold: vectors and matrices in bold.
        transpose: the sign of a transpose, `\top`, `T`, `\intercal`, ...

    Raises:
        LimitError: SD904 when the text would be too long; `to_latex_shared` names repeated parts.
    """
    words = as_words(node)
    return plain_text(words, _printer(words, bold, transpose))


def to_latex_shared(
    node: Node, limit: int = 120, *, bold: bool = False, transpose: str = r"\top"
) -> tuple[list[tuple[str, str]], str]:
    r"""Definitions of repeated parts, `[("h_{1}", "X w - y"), ...]`, in order, and the text that uses them.

    Raises:
        LimitError: SD904 when the text would be too long even so.
    """
    words = as_words(node)
    printer = _printer(words, bold, transpose)
    definitions, text = shared_text(words, printer, limit)
    return [(printer.n.name(name, 0)[0], value) for name, value in definitions], text


def latex_name(name: str) -> str:
    r"""A variable's name in LaTeX: `lam` is `\lambda`, `W1` is `W_{1}`."""
    return names.latex_name(name)[0]


def _printer(words: Node, bold: bool, transpose: str) -> MathPrinter:
    nodes = postorder(words)
    notation = LatexNotation(frozenset(n.name for n in nodes if isinstance(n, Var)), bold, transpose)
    sizes = {s.name for s in free_symbols(words) if not isinstance(s, Node)}
    notation.indices = frozenset(n.name for n in nodes if isinstance(n, Index)) | frozenset(sizes)
    return MathPrinter(notation)


class LatexNotation(Notation):
    """Display mathematics."""

    column = 1
    infinity = r"\infty"
    pi = r"\pi"
    ones = r"\mathbf{1}"
    zeros = r"\mathbf{0}"
    odot = r"\odot"
    oslash = r"\oslash"
    otimes = r"\otimes"
    delta = r"\delta"
    unit = r"\mathbf{e}"
    bars_of_arrays = False  # |x| of a vector could be its norm, |A| of a matrix is its determinant

    def __init__(self, taken: frozenset[str], bold: bool = False, transpose: str = r"\top") -> None:
        super().__init__(taken)
        self.indices: frozenset[str] = frozenset()
        self.bold = bold
        self.transpose = transpose

    def letters_used(self, texts: list[str]) -> frozenset[str]:
        found = [m for text in texts for m in re.findall(r"(?:\\right\]|\\sum|\\prod|\\max|\\min)_\{([^{}]*)", text)]
        return self.indices | frozenset(c for m in found for c in m if c.isalpha())

    def number(self, value) -> str:
        text = super().number(value)
        mantissa, _, exponent = text.partition("e")
        if not exponent:
            return text
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    def name(self, name: str, rank: int) -> tuple[str, bool]:
        return names.latex_name(name, self.names, self.bold and rank > 0)

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)" if any(t in text for t in TALL) else f"({text})"

    def juxtaposed(self, texts: list[str]) -> str:
        out = texts[0]
        for text in texts[1:]:
            applied = out.endswith(r"\sigma") and text.startswith(("(", r"\left("))  # σ (x) would be the logistic function
            out += (r" \cdot " if text[0].isdigit() or applied else " ") + text
        return out

    def fraction(self, above: list[str], below: list[Body]) -> str:
        top = self.juxtaposed(above) if above else "1"
        if not below:
            return top
        return rf"\frac{{{top}}}{{{self._under(below)}}}"

    def _under(self, below: list[Body]) -> str:
        if len(below) == 1:
            return below[0][0]
        return self.juxtaposed([self.brackets(t) if s < MathLevel.PREFIX or t.startswith("-") else t for t, s in below])

    def product_over(self, above: list[str], body: Body, below: list[Body], divisors: list[Body]) -> str:
        text, level = body
        if divisors:
            loose = text and level <= MathLevel.SUM and above
            top = [*above, *([self.brackets(text) if loose else text] if text else [])]
            return self.fraction(top, [*below, *divisors])
        front = [self.fraction(above, below)] if above or below else []
        return self.juxtaposed([*front, self.brackets(text) if level <= MathLevel.SUM else text])

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def raised_elementwise(self, base: str, exponent: str, rank: int) -> str:
        return rf"{base}^{{\odot {exponent if exponent.removeprefix('-').isalnum() else self.brackets(exponent)}}}"

    def lowered(self, base: str, subscripts: list[str]) -> str:
        single = all(len(s) == 1 and s.isalnum() for s in subscripts)
        return f"{base}_{{{('' if single else ', ').join(subscripts)}}}"

    def transposed(self, base: str) -> str:
        return f"{base}^{self.transpose}" if re.fullmatch(r"\\[a-zA-Z]+|.", self.transpose) else f"{base}^{{{self.transpose}}}"

    def inverse(self, base: str, transposed: bool = False) -> str:
        return f"{base}^{{-{self.transpose}}}" if transposed else f"{base}^{{-1}}"

    def root(self, text: str, level: MathLevel) -> Body:
        return rf"\sqrt{{{text}}}", MathLevel.PREFIX

    def call(self, name: str, args: list[str]) -> str:
        head = FUNCTIONS.get(name) or rf"\operatorname{{{names.escape(name)}}}"
        return head + self.brackets(", ".join(args))

    def template(self, node: Call, args: list[Body]) -> str | None:
        if not node.op.latex or len(node.op.operands) != len(args) or any(o.startswith("*") for o in node.op.operands):
            return None
        if node.name in _SPELLED_OUT:
            return None
        template = node.op.latex
        used = [text for name, (text, _) in zip(node.op.operands, args, strict=True) if f"{{{name}}}" in template]
        if not any(t in text for text in used for t in TALL):
            template = re.sub(r"\\left([(|])", r"\1", re.sub(r"\\right([)|])", r"\1", template)).replace(r"\middle", "")
        shown = {}
        for name, (text, level) in zip(node.op.operands, args, strict=True):
            before = template.partition(f"{{{name}}}")[0].rstrip()
            inside = not before or before.endswith(("(", "|", ",", "{", "[", r"\,"))
            free = inside and before
            shown[name] = text if free or level >= MathLevel.LOWERED else self.brackets(text)
        return template.format(**shown)

    def parameter(self, name: str, value: str) -> str:
        return rf"\mathrm{{{names.escape(name)}}}={names.escape(value)}"

    def absolute(self, text: str) -> str:
        return rf"\left\lvert {text} \right\rvert" if any(t in text for t in TALL) else rf"\lvert {text} \rvert"

    def norm(self, text: str, kind: str) -> str:
        below = {"inf": r"\infty", "nuc": "*"}.get(kind, kind)
        bars = (r"\left\lVert ", r" \right\rVert") if any(t in text for t in TALL) else (r"\lVert ", r" \rVert")
        return f"{bars[0]}{text}{bars[1]}_{{{below}}}"

    def indicator(self, condition: str) -> str:
        return rf"\mathbb{{1}}[{condition}]"

    def cases(self, value: str, condition: str, other: str) -> Body:
        return rf"\begin{{cases}} {value} & {condition} \\ {other} & \text{{otherwise}} \end{{cases}}", MathLevel.BIG

    def log_det(self, text: str, level: MathLevel) -> Body:
        inner = text if level >= MathLevel.PREFIX else self.brackets(text)
        bars = (r"\left\lvert", r"\right\rvert") if any(t in text for t in TALL) else (r"\lvert", r"\rvert")
        return rf"\log{bars[0]} \det {inner} {bars[1]}", MathLevel.PREFIX

    def big(self, sign: str, index: str, lo: str, hi: str, condition: str, full: bool) -> str:
        below = f"{index}={lo}"
        if condition:
            below = rf"\substack{{{below} \\ {condition}}}"
        if sign in (r"\max", r"\min"):
            span = rf"{lo} \le {index} \le {hi}" + (rf",\ {condition}" if condition else "")
            return f"{sign}_{{{span}}}"
        return f"{sign}_{{{below}}}^{{{hi}}}"

    def big_plain(self, sign: str, letters: list[str]) -> str:
        return f"{sign}_{{{', '.join(letters)}}}"

    def array_of(self, text: str, letters: list[str]) -> str:
        return self.lowered(rf"\left[{text}\right]", letters)


__all__ = ["LatexNotation", "latex_name", "to_latex", "to_latex_shared"]
