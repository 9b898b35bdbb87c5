r"""Words of a derivation as mathematics: `dL`, `\frac{\partial u_i}{\partial w_j}`, highlights, shapes under factors.

The words of a step hold variables that stand for differentials and derivatives (`Derivation.symbols`); this printer writes them
as
what they are, in LaTeX or Unicode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr

from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import fold, postorder, with_operands
from ..steps.model import Symbol
from ..steps.options import Options
from . import mathindex, mathwords  # noqa: F401 (they fill the table of words)
from .latex import LatexNotation
from .mathematics import Body, MathPrinter, Piece
from .names import latex_name, unicode_name
from .notations import Notation
from .precedence import MathLevel
from .prose import greek_in_latex
from .sharing import plain_text
from .unicode import UnicodeNotation

_DIFFERENTIAL = (r"\mathrm{d}", r"{\color{symderiv}\mathrm{d}")


class StepMath:
    """Texts of the words of one derivation in one notation.

    Attributes:
        kind: "latex" or "unicode".
    """

    def __init__(self, symbols: dict[Var, Symbol], options: Options, kind: str, taken: Iterable[str] = ()) -> None:
        self.symbols, self.options, self.kind = symbols, options, kind
        names = frozenset([*taken, *(s.var.name for s in symbols.values() if s.kind == "name")])
        renamed = dict(options.rename)
        if kind == "latex":
            self.notation: Notation = _LatexSteps(names, options.bold, options.transpose, renamed)
        else:
            self.notation = _UnicodeSteps(names, renamed)
        self._parts: dict[Var, Piece] = {}

    def text(self, word: Node, highlight: Iterable[Node] = (), shapes: bool = False) -> str:
        """The text of words; `highlight` are parts to be marked."""
        printer = _StepPrinter(self, frozenset(highlight), shapes)
        return plain_text(word, printer)

    def name(self, v: Var) -> str:
        """A variable's name."""
        return self.notation.name(v.name, v.rank)[0]

    def text_of_size(self, size: Expr) -> str:
        """A size."""
        return _StepPrinter(self, frozenset(), False).scalar(size)[0]

    def of(self, symbol: Symbol) -> str:
        """What stands after the d or ∂: a name, or the value in brackets."""
        if symbol.label is not None:
            return self.name(symbol.label)
        return self.notation.brackets(self.text(symbol.of))


class _LatexSteps(LatexNotation):
    def __init__(self, taken: frozenset[str], bold: bool, transpose: str, renamed: dict[str, str]) -> None:
        super().__init__(taken, bold, transpose)
        self.renamed = renamed

    def name(self, name: str, rank: int) -> tuple[str, bool]:
        if name in self.renamed:
            return self.renamed[name], "_" in self.renamed[name]
        text, lowered = latex_name(name, self.names, self.bold and rank > 0)
        return text if text.isascii() else greek_in_latex(text), lowered

    def indicator(self, condition: str) -> str:
        return rf"\mathbf{{1}}[{condition}]"  # amssymb has no double-struck 1

    def juxtaposed(self, texts: list[str]) -> str:
        out = last = texts[0]
        for text in texts[1:]:
            beside = text.startswith(_DIFFERENTIAL) or last.startswith(_DIFFERENTIAL)
            out += (r" \cdot " if text[0].isdigit() else r" \, " if beside else " ") + text
            last = text
        return out


class _UnicodeSteps(UnicodeNotation):
    def __init__(self, taken: frozenset[str], renamed: dict[str, str]) -> None:
        super().__init__(taken)
        self.renamed = renamed

    def name(self, name: str, rank: int) -> tuple[str, bool]:
        return unicode_name(self.renamed.get(name, name), self.names)


class _StepPrinter(MathPrinter):
    """The printer of mathematics with the symbols of a derivation."""

    def __init__(self, math: StepMath, highlight: frozenset[Node], shapes: bool) -> None:
        super().__init__(math.notation)
        self.math, self.highlight, self.shapes = math, highlight, shapes
        self.latex = math.kind == "latex"

    def sum(self, terms: list[Body]) -> str:
        """Sums over an index stand in sums without brackets, as people write them: the sign reaches to the next plus."""
        return super().sum([(t, MathLevel.JUXTAPOSED if level is MathLevel.BIG else level) for t, level in terms])

    def visit(self, node: Node, pieces: list[Piece]) -> Piece:
        piece = self._visit(node, pieces)
        if node in self.highlight and piece.body and self.latex:
            return _marked(piece)
        return piece

    def _visit(self, node: Node, pieces: list[Piece]) -> Piece:
        symbols = self.math.symbols
        if isinstance(node, Var):
            symbol = symbols.get(node)
            return super().visit(node, pieces) if symbol is None or symbol.kind == "name" else self.symbol(symbol, node.rank)
        if isinstance(node, Call) and node.name == "getitem" and isinstance(node.operands[0], Var):
            symbol = symbols.get(node.operands[0])
            if symbol is not None and symbol.kind in ("partial", "cotangent") and all(s == "at" for s in node.params["spec"]):
                return self.entry(symbol, list(node.operands[1:]), pieces[1:])
            if self.math.options.samples:
                pieces = [self._row(node, pieces[0]), *pieces[1:]]
        if isinstance(node, Call) and node.name in ("softmax", "log_softmax") and node.params["axis"] == node.rank - 1:
            node = Call(node.name, *node.operands, axis=-1)  # the last axis is the usual one
        if self.shapes and isinstance(node, Call) and node.name == "matmul" and max(o.rank for o in node.operands) == 2:
            return self.with_shapes(node, pieces)
        return super().visit(node, pieces)

    def _row(self, node: Call, piece: Piece) -> Piece:
        """`x_i` and `x_ij` for the rows and entries of `X`, as in notes on samples."""
        name = node.operands[0].name  # type: ignore[attr-defined]
        if node.operands[0].rank == 2 and len(name) == 1 and name.isupper() and name.lower() not in self.n.names:
            text, lowered = self.n.name(name.lower(), 1)
            return replace(piece, body=text, level=MathLevel.LOWERED if lowered else MathLevel.ATOM)
        return piece

    # symbols --------------------------------------------------------------------------------------------------------------
    def symbol(self, s: Symbol, rank: int) -> Piece:
        if s.kind == "rest":
            return Piece(body=r"\cdots" if self.latex else "⋯", rank=rank)
        if s.kind == "moment":
            sign = {"E": r"\mathbb{E}", "Var": r"\operatorname{Var}"}[s.operator] if self.latex else s.operator
            return Piece(body=f"{sign}[{self.math.text(s.of)}]", rank=rank)
        if s.kind == "differential":
            d = r"\mathrm{d}" if self.latex else "d"
            return Piece(body=f"{d}{self.math.of(s)}", level=MathLevel.PREFIX, rank=rank)
        if s.kind == "cotangent":
            return self.fraction(self.n.name(s.output, 0)[0], self.math.of(s), rank, nabla=s.label is not None and s.of.rank > 0)
        top = self.math.of(s)
        assert s.by is not None
        return self.fraction(top, self.math.name(s.by), rank)

    def fraction(self, top: str, bottom: str, rank: int, nabla: bool = False) -> Piece:
        if self.latex:
            if nabla and self.math.options.derivative == "nabla" and top.isalpha():
                return Piece(body=rf"\nabla_{{{bottom}}} {top}", level=MathLevel.PREFIX, rank=rank)
            return Piece(body=rf"\frac{{\partial {top}}}{{\partial {bottom}}}", level=MathLevel.PREFIX, rank=rank)
        if nabla and self.math.options.derivative == "nabla":
            return Piece(body=f"∇{bottom} {top}", level=MathLevel.PREFIX, rank=rank)
        return Piece(body=f"∂{top}/∂{bottom}", level=MathLevel.RAISED, rank=rank)

    def entry(self, s: Symbol, at: list[Node], pieces: list[Piece]) -> Piece:
        r"""`\frac{\partial u_i}{\partial w_j}`"""
        inside = s.of.rank
        letters = [self._letter(p, o) for p, o in zip(pieces, at, strict=True)]
        if s.kind == "cotangent":
            outer = len(at) - inside
            top = self._indexed(self.n.name(s.output, 0), letters[:outer])
            bottom = self._indexed_value(s, at[outer:], letters[outer:])
            return self.fraction(top, bottom, 0)
        assert s.by is not None
        bottom = self._indexed(self.n.name(s.by.name, s.by.rank), letters[inside:])
        if s.label is not None:
            return self.fraction(self._indexed(self.n.name(s.label.name, s.label.rank), letters[:inside]), bottom, 0)
        assert s.entry is not None
        word, formal = s.entry
        rule = {a: b for a, b in zip(formal, at[:inside], strict=True) if a is not b}
        text, level = self._piece_of(_renamed(word, rule) if rule else word)
        inner = text if level >= MathLevel.LOWERED else self.n.brackets(text)
        if self.latex:
            return Piece(body=rf"\frac{{\partial}}{{\partial {bottom}}} {inner}", level=MathLevel.JUXTAPOSED)
        return Piece(body=f"∂/∂{bottom} {inner}", level=MathLevel.JUXTAPOSED)

    def _piece_of(self, word: Node) -> tuple[str, MathLevel]:
        done: dict[Node, Piece] = {}
        for node in postorder(word):
            done[node] = self.visit(node, [done[o] for o in node.operands])
        return self.text(self.value(done[word]))

    def _letter(self, p: Piece, node: Node) -> str:
        if p.index is not None:
            return self.scalar(p.index + 1)[0]
        return self.text(p)[0]

    def _indexed_value(self, s: Symbol, at: list[Node], letters: list[str]) -> str:
        if s.label is not None:
            return self._indexed(self.n.name(s.label.name, s.label.rank), letters)
        return self.n.lowered(self.n.brackets(self.math.text(s.of)), letters)

    def _indexed(self, named: tuple[str, bool], letters: list[str]) -> str:
        text, lowered = named
        if not letters:
            return text
        return self.n.lowered(self.n.brackets(text) if lowered else text, letters)

    # shapes -----------------------------------------------------------------------------------------------------------------
    def with_shapes(self, node: Call, pieces: list[Piece]) -> Piece:
        """Every factor of a matrix product with its shape below it."""
        plain = super().visit(node, pieces)
        links = []
        for k, (p, o) in enumerate(zip(pieces, node.operands, strict=True)):
            turned = k == 0 and o.rank == 1 and len(node.operands) > 1
            shown = self.turned(replace(p, below=())) if turned else p
            shape = (1, o.shape[0]) if turned else o.shape
            text = self.link(shown) if shown.body else self.n.number(shown.coef)
            if isinstance(o, Call) and o.name == "matmul":
                links.append(text)  # its own factors have theirs
                continue
            sizes = [self.scalar(s)[0] if not isinstance(s, int) else str(s) for s in shape]
            below = (r" \times " if self.latex else "×").join(sizes)
            links.append(rf"\underset{{{below}}}{{{text}}}" if self.latex else f"{text}[{below}]")
        return replace(plain, body=self.n.juxtaposed(links), turned=None)


def _renamed(word: Node, rule: dict[Node, Node]) -> Node:
    """Free indices replaced; a bound index that would capture one of the new ones gets another letter."""
    new = {n for v in rule.values() for n in postorder(v) if isinstance(n, Index)}
    bound = {n.operands[1] for n in postorder(word) if isinstance(n, Call) and n.name == "isum"}
    clash = bound & new
    if clash:
        known = {n.name for n in postorder(word) if isinstance(n, Index)} | {n.name for n in new}
        spare = iter([c for c in "pqrstuvabc" if c not in known])
        rule = {**rule, **{i: Index(next(spare)) for i in clash}}
    return fold(word, lambda node, operands: rule.get(node) or with_operands(node, operands))


def _marked(p: Piece) -> Piece:
    if p.body.startswith("-") or p.level <= MathLevel.SUM:
        return p
    return replace(
        p,
        body=rf"{{\color{{symderiv}}{p.body}}}",
        turned=None if p.turned is None else (rf"{{\color{{symderiv}}{p.turned[0]}}}", p.turned[1]),
    )


__all__ = ["StepMath"]
