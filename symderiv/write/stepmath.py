r"""Words of a derivation as mathematics: `dL`, `\frac{\partial u_i}{\partial w_j}`, highlights, shapes under factors.

The words of a step hold variables that stand for differentials and derivatives (`Derivation.symbols`); this printer writes them
as
what they are, in LaTeX or Unicode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from sympy import Expr

from ..expr.nodes import Call, Index, Node, Var
from ..expr.sizes import Shape
from ..expr.walk import fold, postorder, with_operands
from ..steps.model import Symbol
from ..steps.options import Options
from ..steps.remarks import Size
from ..steps.samples import row_name, sample_axis
from . import mathindex, mathwords  # noqa: F401 (they fill the table of words)
from .latex import LatexNotation
from .mathematics import Body, MathPrinter, Piece
from .names import latex_name, unicode_name
from .notations import Notation
from .precedence import MathLevel
from .prose import NO_NAMES, greek_in_latex, latex_in_unicode
from .sharing import plain_text
from .unicode import UnicodeNotation

_DIFFERENTIAL = (r"\mathrm{d}", r"{\color{symderiv}\mathrm{d}")


class StepMath:
    """Texts of the words of one derivation in one notation.

    Attributes:
        kind: "latex" or "unicode".
    """

    def __init__(self, symbols: dict[Var, Symbol], options: Options, kind: str, variables: Mapping[str, Var] = NO_NAMES) -> None:  # type: ignore[assignment]
        self.symbols, self.options, self.kind = symbols, options, kind
        self.variables = list(variables.values())
        names = frozenset([*variables, *(s.var.name for s in symbols.values() if s.kind == "name")])
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

    def left(self, word: Node, shape: Shape | None) -> str:
        """What stands before the equals sign, with the shape of the result where shapes are asked for."""
        text = self.text(word)
        if not self.options.shapes or not shape:
            return text
        sizes = [self.text_of_size(s) for s in shape]
        below = r" \times ".join(sizes) if self.kind == "latex" else "×".join(sizes)
        return rf"\underset{{{below}}}{{{text}}}" if self.kind == "latex" else f"{text}[{below}]"

    def name(self, v: Var) -> str:
        """A variable's name."""
        return self.notation.name(v.name, v.rank)[0]

    def text_of_size(self, size: Expr) -> str:
        """A size."""
        return _StepPrinter(self, frozenset(), False).scalar(size)[0]

    @cached_property
    def names(self) -> dict[str, str]:
        """How the variables are written, for sentences."""
        found = [*self.variables, *(s.var for s in self.symbols.values() if s.kind == "name")]
        return {v.name: self.name(v) for v in found}

    @cached_property
    def _samples(self) -> Expr | None:
        return sample_axis(self.variables, [s.by for s in self.symbols.values() if s.by is not None])

    def row(self, v: Var) -> str:
        """The letter for rows and entries in sample notation; "" where the matrix keeps its own."""
        if not self.options.samples or v.name in dict(self.options.rename):
            return ""
        return row_name(v, self._samples, self.notation.names)

    def size(self, s: Size) -> str:
        """`X ∈ ℝⁿˣᵈ`, `λ > 0`."""
        name, sizes = self.name(s.var), [self.text_of_size(x) for x in s.shape]
        if self.kind == "latex":
            if s.bound:
                return name + {"> 0": " > 0", "≥ 0": r" \ge 0"}[s.bound]
            field = {"ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}"}[s.field]
            power = r" \times ".join(sizes)
            return rf"{name} \in {field}" + (rf"^{{{power}}}" if power else "")
        if s.bound:
            return f"{name} {s.bound}"
        power = f"^({'×'.join(sizes)})" if len(sizes) > 1 else f"^{sizes[0]}" if sizes else ""
        return f"{name} ∈ {s.field}{power}"

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

    def product_over(self, above: list[str], body: Body, below: list[Body], divisors: list[Body]) -> str:
        """A fraction in front of a sum."""
        text, level = body
        if level is MathLevel.BIG and text and divisors:
            return self.juxtaposed([self.fraction(above, [*below, *divisors]), text])
        return super().product_over(above, body, below, divisors)

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
    def product_over(self, above: list[str], body: Body, below: list[Body], divisors: list[Body]) -> str:
        """A fraction in front of a sum: `1/(2 n) ∑ᵢ rᵢ²`."""
        text, level = body
        if level is MathLevel.BIG and text and (below or divisors):
            return self.juxtaposed([super().product_over(above, ("", MathLevel.ATOM), below, divisors), text])
        return super().product_over(above, body, below, divisors)

    def __init__(self, taken: frozenset[str], renamed: dict[str, str]) -> None:
        super().__init__(taken)
        self.renamed = renamed

    def name(self, name: str, rank: int) -> tuple[str, bool]:
        if name in self.renamed:
            return latex_in_unicode(self.renamed[name]), "_" in self.renamed[name]
        return unicode_name(name, self.names)


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
            pieces = [self._named_entry(node, pieces[0]), *pieces[1:]]
            if node.rank == 1 and node.params["spec"] == ("at",) and self.math.row(node.operands[0]):
                body = self.n.lowered(pieces[0].body, [self._letter(pieces[1], node.operands[1])])
                return Piece(body=body, level=MathLevel.LOWERED, rank=1)
        if isinstance(node, Call) and node.name in ("softmax", "log_softmax") and node.params["axis"] == node.rank - 1:
            node = Call(node.name, *node.operands, axis=-1)  # the last axis is the usual one
        if isinstance(node, Call) and node.name == "prod" and node.params["axis"] is None and isinstance(node.operands[0], Var):
            return self._product_of_entries(node, pieces[0])
        if isinstance(node, Call) and node.name == "abs" and node.rank == 1:
            return self.atom(self.n.absolute(self.text(pieces[0])[0]), 1)
        if isinstance(node, Call) and node.name == "add" and node.rank == 1:
            pieces = [self._at_every_entry(p) if _is_contraction(o) else p for p, o in zip(pieces, node.operands, strict=True)]
        if isinstance(node, Call) and node.name == "mul" and not node.rank and len(pieces) > 1 and pieces[0].below:
            return self._beside_fraction(node, pieces)
        if isinstance(node, Call) and node.name == "mul" and not node.rank and any(map(self._changes, node.operands)):
            pieces = [
                p
                if not p.chain or self._changes(o)
                else replace(p, body=self.n.brackets(p.body), level=MathLevel.ATOM, chain=False)
                for p, o in zip(pieces, node.operands, strict=True)
            ]
        if self.shapes and isinstance(node, Call) and node.name == "matmul":
            return self.with_shapes(node, pieces)
        return super().visit(node, pieces)

    def _product_of_entries(self, node: Call, piece: Piece) -> Piece:
        """`∏ᵢ qᵢ`"""
        v = node.operands[0]
        free = [c for c in "ijklm" if c not in self.n.names][: v.rank]
        if len(free) < v.rank or not v.rank:
            return super().visit(node, [piece])
        name, lowered = self.n.name(v.name, 0)  # type: ignore[attr-defined]
        text = self.n.lowered(self.n.brackets(name) if lowered else name, free)
        sign = "∏" if not self.latex else r"\prod"
        signs = [self.n.big(sign, c, "1", self.scalar(s)[0], "", True) for c, s in zip(free, v.shape, strict=True)]
        return Piece(body=" ".join([*signs, text]), level=MathLevel.BIG)

    def _changes(self, word: Node) -> bool:
        """Whether a differential stands in the words."""
        kinds = (self.math.symbols.get(n) for n in postorder(word) if isinstance(n, Var))
        return any(s is not None and s.kind == "differential" for s in kinds)

    def _at_every_entry(self, p: Piece) -> Piece:
        """A scalar product in a sum of vectors: `(pᵀ dz) 1`."""
        body = self.n.brackets(p.body) if p.level <= MathLevel.JUXTAPOSED else p.body
        return replace(p, body=self.n.juxtaposed([body, self.n.ones]), level=MathLevel.JUXTAPOSED, rank=1, index=None)

    def _beside_fraction(self, node: Call, pieces: list[Piece]) -> Piece:
        """Sums and derivatives beside a fraction, not in it: `q/p ∂p/∂z`."""
        first, rest = replace(pieces[0], coef=abs(pieces[0].coef)), pieces[1:]
        body, level = self.text(first)
        tail = self.value(super().visit(Call("mul", *node.operands[1:]), rest) if len(rest) > 1 else rest[0])
        sign = -1 if pieces[0].coef.could_extract_minus_sign() else 1
        last = self.n.brackets(tail.body) if tail.level <= MathLevel.SUM else tail.body
        front = body if level >= MathLevel.JUXTAPOSED else self.n.brackets(body)
        return replace(tail, coef=tail.coef * sign, body=self.n.juxtaposed([front, last]), level=MathLevel.JUXTAPOSED)

    def _named_entry(self, node: Call, piece: Piece) -> Piece:
        """The name before the indices: of an entry, which is a number, not in bold; with samples `x_i` and `x_ij` for the rows
        and entries of `X`, as in notes."""
        v = node.operands[0]
        assert isinstance(v, Var)
        row = self.math.row(v)
        if not row and not (self.math.options.bold and not node.rank):
            return piece
        text, lowered = self.n.name(row or v.name, node.rank)
        return replace(piece, body=text, level=MathLevel.LOWERED if lowered else MathLevel.ATOM)

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
        bottom = self._indexed(self.n.name(s.by.name, 0), letters[inside:])
        if s.label is not None:
            top = self.math.row(s.label) or s.label.name
            return self.fraction(self._indexed(self.n.name(top, 0), letters[:inside]), bottom, 0)
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
            return self._indexed(self.n.name(s.label.name, 0), letters)
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
        body = r" \; ".join(links) if self.latex else self.n.juxtaposed(links)
        return replace(plain, body=body, turned=None)


_CONTRACTIONS = frozenset(("matmul", "sum", "mean", "trace", "dot", "norm", "isum"))


def _is_contraction(x: Node) -> bool:
    return not x.rank and any(isinstance(n, Call) and n.name in _CONTRACTIONS for n in postorder(x))


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
