r"""The LaTeX that this package writes, as a tree: for MathML, and to estimate how wide a formula is.

This reads our own output (a closed set of commands), not what users write; an unknown command is an error, never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..errors import CodeError

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "ϕ",
    "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "epsilon": "ϵ", "varepsilon": "ε", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "ell": "ℓ", "infty": "∞", "partial": "∂", "nabla": "∇", "top": "⊤", "intercal": "⊺",
}  # fmt: skip
OPERATORS = {
    "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "cdot": "·", "times": "×", "le": "≤", "ge": "≥", "ne": "≠", "neq": "≠",
    "Rightarrow": "⇒", "leftarrow": "←", "iff": "⇔", "in": "∈", "cdots": "⋯", "dots": "…", "ldots": "…", "colon": ":", "wedge": "∧", "to": "→", "mid": "∣",
    "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "|": "‖", "vert": "|", "surd": "√", "approx": "≈", "backslash": "\\", "langle": "⟨", "rangle": "⟩", "lbrace": "{", "rbrace": "}",
}  # fmt: skip
BIG = {"sum": "∑", "prod": "∏"}
WORDS = frozenset(
    ("log", "exp", "max", "min", "det", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "lim")
)
SPACES = {",": "0.17em", ";": "0.28em", ":": "0.22em", "!": "-0.17em", "quad": "1em", "qquad": "2em", " ": "0.25em"}
STYLES = {"mathbf", "mathrm", "boldsymbol", "operatorname", "mathbb", "text", "mathsf", "mathit"}
ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}
SIZED = {"big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr"}


@dataclass
class Tree:
    """A formula or a part of one: what it is, its text, its parts."""

    kind: str
    text: str = ""
    parts: list[Tree] = field(default_factory=list)


def tokens(text: str) -> list[str]:
    r"""`\frac`, `{`, `x`, `12`, …; white space separates and is dropped."""
    out = []
    for m in re.finditer(r"\\([a-zA-Z]+|.)|\d+(?:\.\d+)?|\s+|.", text, re.S):
        t = m.group(0)
        if not t.isspace():
            out.append(t)
    return out


def parse(text: str) -> Tree:
    """The tree of a formula.

    Raises:
        CodeError: SD508 for anything that this package does not write.
    """
    reader = _Reader(text)
    tree = reader.row(set())
    if reader.at < len(reader.tokens):
        raise _unknown(reader.tokens[reader.at], text)
    return tree


def _unknown(token: str, text: str) -> CodeError:
    return CodeError(
        f"{token!r} in the formula {text[:80]!r} cannot be converted", code="SD508", hint="please report the formula"
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, tokens(text), 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        if not token:
            raise _unknown("end", self.text)
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise _unknown(self.tokens[self.at - 1], self.text)

    def row(self, stops: set[str]) -> Tree:
        parts: list[Tree] = []
        while self.peek() and self.peek() not in stops:
            parts.append(self.scripted())
        return parts[0] if len(parts) == 1 else Tree("row", parts=parts)

    def group(self) -> Tree:
        """The argument of a command: a group or one token."""
        if self.peek() != "{":
            return self.atom()
        self.next()
        tree = self.row({"}"})
        self.expect("}")
        return tree

    def raw(self) -> str:
        """The text of a group."""
        self.expect("{")
        depth, out = 1, list[str]()
        while True:
            token = self.next()
            depth += (token == "{") - (token == "}")
            if not depth:
                return "".join(out)
            out.append(token[1:] if len(token) == 2 and token[0] == "\\" and not token[1].isalpha() else token)

    def scripted(self) -> Tree:
        base = self.atom()
        below = above = None
        while self.peek() in ("_", "^"):
            if self.next() == "_":
                below = self.group()
            else:
                above = self.group()
        if below is None and above is None:
            return base
        return Tree("script", "limits" if base.kind == "big" else "", [base, below or Tree("row"), above or Tree("row")])

    def atom(self) -> Tree:
        token = self.next()
        if token == "{":
            if self.peek() == "\\color":
                self.next()
                colour = self.raw()
                tree = Tree("color", colour, [self.row({"}"})])
            else:
                tree = self.row({"}"})
            self.expect("}")
            return tree
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return Tree("number", token)
        if token.isalpha():
            return Tree("letter", token)
        if token in "_^}&":
            raise _unknown(token, self.text)
        return Tree("operator", "−" if token == "-" else token)

    def command(self, name: str) -> Tree:
        if name in SYMBOLS:
            return Tree("letter", SYMBOLS[name])
        if name in OPERATORS:
            return Tree("operator", OPERATORS[name])
        if name in BIG:
            return Tree("big", BIG[name])
        if name in WORDS:
            return Tree("big" if name in ("max", "min", "lim") else "word", name)
        if name in SPACES:
            return Tree("space", SPACES[name])
        if name in ("{", "}", "_", "&", "%", "#", "$"):
            return Tree("operator", name)
        if name in SIZED:
            return self.atom()
        if name in STYLES:
            return self.styled(name)
        if name in ACCENTS:
            return Tree("accent", ACCENTS[name], [self.group()])
        if name in ("frac", "tfrac"):
            return Tree("fraction", parts=[self.group(), self.group()])
        if name == "sqrt":
            return Tree("root", parts=[self.group()])
        if name == "underset":
            below = self.group()
            return Tree("under", parts=[self.group(), below])
        if name == "substack":
            self.expect("{")
            rows = [self.row({"\\\\", "}"})]
            while self.peek() == "\\\\":
                self.next()
                rows.append(self.row({"\\\\", "}"}))
            self.expect("}")
            return Tree("stack", parts=rows)
        if name == "left":
            return self.fence()
        if name == "middle":
            return Tree("operator", self.delimiter())
        if name == "begin":
            return self.cases()
        if name == "int":
            return Tree("big", "∫")
        if name in ("displaystyle", "textstyle"):
            return Tree("row")
        raise _unknown("\\" + name, self.text)

    def styled(self, name: str) -> Tree:
        if name == "text":
            return Tree("text", self.raw())
        inner = self.group()
        flat = _flat(inner)
        if name == "operatorname" or (name == "mathrm" and len(flat) != 1):
            return Tree("word", flat or "?")
        return Tree(name, flat, [inner])

    def fence(self) -> Tree:
        left = self.delimiter()
        body = self.row({"\\right"})
        self.expect("\\right")
        return Tree("fence", left + self.delimiter(), [body])

    def delimiter(self) -> str:
        token = self.next()
        if token == ".":
            return " "
        if token.startswith("\\"):
            name = token[1:]
            if name in OPERATORS:
                return OPERATORS[name]
            if name in "{}":
                return name
            raise _unknown(token, self.text)
        return token

    def cases(self) -> Tree:
        name = self.raw()
        if name != "cases":
            raise _unknown(f"\\begin{{{name}}}", self.text)
        rows, row = [], []
        while True:
            row.append(self.row({"&", "\\\\", "\\end"}))
            token = self.next()
            if token != "&":
                rows.append(Tree("row", parts=row))
                row = []
            if token == "\\end":
                self.raw()
                return Tree("cases", parts=rows)


def _flat(tree: Tree) -> str:
    return tree.text + "".join(map(_flat, tree.parts))


def width(tree: Tree) -> float:
    """How wide the formula is, in letters, roughly."""
    kind, parts = tree.kind, tree.parts
    if kind in ("number", "letter", "text", "word"):
        wide = sum(c.isupper() for c in tree.text) * 0.4 if kind == "letter" else 0.0
        return 0.95 * len(tree.text) + wide + (0.4 if kind == "word" else 0.0)
    if kind == "operator":
        return 0.75 if tree.text in "()[]|,‖" else 2.2
    if kind == "big":
        return 2.9 if tree.text in BIG.values() else len(tree.text) + 0.5
    if kind == "space":
        return 2 * abs(float(tree.text[:-2]))
    if kind == "fraction":
        return max(map(width, parts)) + 0.4
    if kind == "script":
        base, below, above = parts
        scripts = max(width(below), width(above)) * 0.72 + 0.1
        return max(width(base), scripts) if tree.text else width(base) + scripts
    if kind == "under":
        return max(width(parts[0]), 0.7 * width(parts[1])) + 0.3
    if kind == "stack":
        return max(map(width, parts), default=0.0)
    if kind == "cases":
        return 2 + max((sum(map(width, r.parts)) + 3 for r in parts), default=0.0)
    if kind == "root":
        return width(parts[0]) + 1.4
    if kind == "fence":
        return width(parts[0]) + 2
    if kind in ("mathbf", "mathrm", "boldsymbol", "mathbb", "mathsf", "mathit"):
        return float(len(tree.text)) * 1.2
    return sum(map(width, parts)) if parts else float(len(tree.text))


__all__ = ["SYMBOLS", "Tree", "parse", "tokens", "width"]
