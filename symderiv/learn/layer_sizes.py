"""Shapes through a network: what flows back, factor by factor, with the size under every factor.

    ∂L/∂h₁   =   ∂L/∂z₂         W₂
    1×|h₁|       1×|z₂|     |z₂|×|h₁|

Gradients stand as rows (numerator layout), so that the chain rule reads from left to right. Every factor is the engine's local
derivative of one block of the network's computation graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol
from sympy.core.symbol import Str

from ..errors import InputError
from ..expr.nodes import Call, Node, Var
from ..expr.walk import replace, variables
from .models import ACTIVATIONS, check_activation
from .tables import LatexPen, Pen


@dataclass(frozen=True)
class Factor:
    """A factor with its size.

    Attributes:
        words: its value, a matrix (rows, columns) once vectors are rows or columns; None for what only has a name.
        text, latex: how it is written.
        rows, columns: its size as written; numbers where they are known.
    """

    words: Node | None
    text: str
    latex: str
    rows: str
    columns: str


@dataclass(frozen=True)
class Equation:
    """`left = product of factors (+ added)`; the sizes of neighbours meet.

    Attributes:
        left, factors, added: with their sizes.
        note: what is worth knowing about it.
    """

    left: Factor
    factors: tuple[Factor, ...]
    added: Factor | None = None
    note: str = ""

    def lines(self) -> str:
        """Two lines: the formula, and under every factor its size."""
        cells = [self.left, *self.factors, *([self.added] if self.added else [])]
        sizes = [_size(f) if len(self.factors) == 1 or f in (self.left, self.added) else f"({_size(f)})" for f in cells]
        width = [max(len(f.text), len(s)) for f, s in zip(cells, sizes, strict=True)]
        signs = ["", "  =  ", *["  "] * (len(self.factors) - 1), *(["  +  "] if self.added else [])]
        lines = (
            "".join(f"{g}{t:^{w}}" for t, w, g in zip(ts, width, signs, strict=True)) for ts in ([f.text for f in cells], sizes)
        )
        return "\n".join(line.rstrip() for line in lines)

    def in_latex(self) -> str:
        r"""`\underset{1 \times |h_1|}{…} = …`."""
        left, *right = (rf"\underset{{{_tex(f.rows)} \times {_tex(f.columns)}}}{{{f.latex}}}" for f in (self.left, *self.factors))
        added = ""
        if self.added:
            added = rf" + \underset{{{_tex(self.added.rows)} \times {_tex(self.added.columns)}}}{{{self.added.latex}}}"
        return f"{left} = {' '.join(right)}{added}"


LOWERED = {ord(a): f"_{b}" for a, b in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)}


def _tex(size: str) -> str:
    return size.translate(LOWERED).replace("^(ℓ−1)", r"^{\ell-1}").replace("^ℓ", r"^{\ell}")


def _size(f: Factor) -> str:
    return f"{f.rows}×{f.columns}"


class _Network:
    """The graph of a network for one sample, and how its names and sizes are written."""

    def __init__(self, layers: int, activation: str, sizes: Sequence[int] | None, bias: bool = True) -> None:
        from .graph import graph

        declared: dict[str, str] = {"h0": "n0", "y": "scalar integer"}
        lines = []
        for i in range(1, layers + 1):
            declared |= {f"W{i}": f"n{i}, n{i - 1}"} | ({f"b{i}": f"n{i}"} if bias else {})
            lines.append(f"z{i} = W{i} @ h{i - 1}" + (f" + b{i}" if bias else ""))
            if i < layers:
                lines.append(f"h{i} = " + ACTIVATIONS[activation].format(x=f"z{i}", a="1/4"))
        lines.append(f"L = -log(softmax(z{layers})[y])")
        parameters = [f"{n}{i}" for i in range(1, layers + 1) for n in ("Wb" if bias else "W")]
        self.layers, self.names = layers, dict[str, tuple[str, str]]()
        self.graph = graph("; ".join(lines), declared, wrt=["h0", *parameters], blocks="definitions")
        self.sizes = {f"n{i}": (str(sizes[i]) if sizes else f"|h{_low(i)}|") for i in range(layers + 1)}
        if not sizes:
            self.sizes[f"n{layers}"] = f"|z{_low(layers)}|"

    def size(self, size: Any) -> str:
        if isinstance(size, Symbol) and size.name in self.sizes:
            return self.sizes[size.name]
        return str(size)

    def factor(self, words: Node, row: bool = False, turned: bool = False) -> Factor:
        """A local derivative, or a vector as a column (or a row, or a column turned to a row)."""
        if words.rank == 2:
            rows, columns = words.shape
        else:
            rows, columns = (1, words.shape[0]) if row else (words.shape[0], 1)
        text, latex = self.write(words, Pen()), self.write(words, LatexPen())
        if turned:
            text, latex = (f"({t})" if "^" in t or " " in t else t for t in (text, latex))
            text, latex = text + "ᵀ", latex + r"^{\top}"
        return Factor(words, text, latex, self.size(rows), self.size(columns))

    def write(self, words: Node, pen: Pen) -> str:
        """Words with the names of this network."""
        marks = {v: chr(0xE000 + k) for k, v in enumerate(variables(words)) if v.name in self.names}
        text = pen.words(replace(words, {v: Var(Str(c), v.shape) for v, c in marks.items()})) if marks else pen.words(words)
        for v, c in marks.items():
            text = text.replace(c, self.names[v.name][pen.latex])
        return text

    def gradient(self, name: str, shape: tuple[Expr, ...], turned: bool = False) -> Factor:
        """`∂L/∂name`: a row for a vector, of the variable's own shape for a matrix."""
        v = Var(name, shape)
        text = f"∂L/∂{self.write(v, Pen())}"
        latex = rf"\frac{{\partial L}}{{\partial {self.write(v, LatexPen())}}}"
        rows, columns = shape if len(shape) == 2 else (shape[0], 1) if turned else (1, shape[0])
        if turned:
            text, latex = f"({text})ᵀ", rf"\Big({latex}\Big)^{{\top}}"
        return Factor(Var(f"{name}_bar", shape), text, latex, self.size(rows), self.size(columns))


def _low(i: int) -> str:
    from ..write.names import lowered

    return lowered(str(i)) or str(i)


def network_sizes(layers: int = 3, activation: str = "relu", sizes: Sequence[int] | None = None) -> list[Equation]:
    """Every equation of a network for one sample, forward and from the loss back, with every factor's size.

    Args:
        layers: of `z_l = W_l h_{l-1} + b_l`, `h_l = φ(z_l)`; the loss is the cross-entropy of `z_L`.
        activation: between the layers.
        sizes: of the input and of every layer, as numbers; names such as `|h₁|` otherwise.

    Raises:
        InputError: SD151 for layers or an activation that do not exist, SD158 for sizes that do not fit.
    """
    check_activation(activation)
    if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= 50:
        raise InputError(f"a network has 1 to 50 layers here, not {layers!r}", code="SD151")
    if sizes is not None and (len(sizes) != layers + 1 or any(not isinstance(s, int) or s < 1 for s in sizes)):
        raise InputError(f"{layers} layers have {layers + 1} sizes, input first, not {sizes!r}", code="SD158")
    net = _Network(layers, activation, sizes)
    return [*(_forward(net, i) for i in range(1, layers + 1)), *_equations(net)]


def layer_sizes(activation: str = "relu") -> list[Equation]:
    """The same for one layer `ℓ` of any network: `h^ℓ = φ(W^ℓ h^{ℓ-1} + b^ℓ)`."""
    check_activation(activation)
    up, down = ("^ℓ", r"^{\ell}"), ("^(ℓ−1)", r"^{\ell-1}")
    net = _Network(2, activation, None, bias=False)
    net.names = {n: (f"{n[0]}{up[0]}", f"{n[0]}{up[1]}") for n in ("W1", "z1", "h1")} | {"h0": (f"h{down[0]}", f"h{down[1]}")}
    net.sizes = {"n0": "|h^(ℓ−1)|", "n1": "|h^ℓ|"}
    blocks = net.graph.blocks
    jacobian = next(e.local for e in blocks["z1"].edges if e.source == "h0")
    h, z = (Var(n, blocks[n].shape) for n in ("h0", "z1"))
    assert jacobian is not None
    by_h = Factor(
        None, "∂z^ℓ/∂h^(ℓ−1)", r"\frac{\partial z^{\ell}}{\partial h^{\ell-1}}", net.size(z.shape[0]), net.size(h.shape[0])
    )
    by_row = Factor(None, "∂z^ℓᵢ/∂w^ℓᵢ", r"\frac{\partial z^{\ell}_i}{\partial w^{\ell}_i}", "1", net.size(h.shape[0]))
    row = Equation(
        by_row, (net.factor(_of_row(h), row=True, turned=True),), note="w^ℓᵢ is row i of W^ℓ; the other rows do not move z^ℓᵢ"
    )
    wanted = ("z1_bar", "W1_bar", "h0_bar")
    back = [e for e in _equations(net) if isinstance(e.left.words, Var) and e.left.words.name in wanted]
    return [_forward(net, 1), Equation(by_h, (net.factor(jacobian),)), row, *back]


def _of_row(h: Var) -> Node:
    """The engine's `∂(w·h)/∂w` for one row w of W."""
    from ..api import derive
    from ..read.problem import parse

    return derive(parse("w @ h0", {"w": "n0", "h0": "n0"}), "w").expr  # type: ignore[union-attr]


def _forward(net: _Network, i: int) -> Equation:
    """`z = W h + b` with sizes, as columns."""
    blocks = net.graph.blocks
    W, h, z = (Var(n, blocks[n].shape) for n in (f"W{i}", f"h{i - 1}", f"z{i}"))
    b = net.factor(Var(f"b{i}", blocks[f"b{i}"].shape)) if f"b{i}" in blocks else None
    return Equation(net.factor(z), (net.factor(W), net.factor(h)), b)


def _equations(net: _Network) -> list[Equation]:
    out = []
    blocks = net.graph.blocks
    for block in reversed(net.graph.order):
        for edge in block.edges:
            source = blocks[edge.source]
            left = net.gradient(source.name, source.shape)
            if block.name == net.graph.result:
                local = edge.local
                assert local is not None
                out.append(Equation(left, (net.factor(local, row=True, turned=True),)))
            elif edge.local is not None:
                through = net.factor(edge.local)
                out.append(Equation(left, (net.gradient(block.name, block.shape), through), note=_structure(edge.local, through)))
            else:
                out.append(Equation(left, _outer(net, edge.upstream, block)))
    return out


def _structure(local: Node, f: Factor) -> str:
    """What a diagonal Jacobian costs if it is built, and what is done instead."""
    if not (isinstance(local, Call) and local.name in ("diag", "eye")):
        return ""
    if local.name == "eye":
        return "the identity: nothing is multiplied"
    if not f.rows.isdigit():
        return (
            f"diagonal: of {f.rows}² entries at most {f.rows} are not 0; it is never built, the row is multiplied entry by entry"
        )
    n = int(f.rows)
    cost = f"{n * n * 8 / 2**20:.3g} MiB in float64 for {n:,} numbers"
    done = "it is never built, the row is multiplied entry by entry"
    return f"diagonal: of {n * n:,} entries at most {n:,} are not 0 ({cost}); {done}"


def _outer(net: _Network, words: Node, block: Any) -> tuple[Factor, ...]:
    """`∂L/∂W = (∂L/∂z)ᵀ hᵀ`: a column times a row, as the engine finds it (`outer(z_bar, h)`)."""
    assert isinstance(words, Call) and words.name == "outer", words
    column, row = words.operands
    assert isinstance(column, Var) and column.name == f"{block.name}_bar"
    return net.gradient(block.name, block.shape, turned=True), net.factor(row, row=True, turned=True)


def write_equations(equations: Sequence[Equation], format: str = "text") -> str:
    """Equations as text, LaTeX, Markdown, HTML or JSON.

    Raises:
        InputError: SD105 for a format that does not exist.
    """
    import json

    from ..write.mathml import to_mathml
    from .tables import pen_of

    pen_of(format)
    if format == "json":
        data = [{"latex": e.in_latex(), "text": e.left.text, "size": _size(e.left), "note": e.note,
                 "factors": [{"text": f.text, "size": _size(f)} for f in e.factors]} for e in equations]  # fmt: skip
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    parts = []
    for e in equations:
        if format == "text":
            parts.append(e.lines() + (f"\n{e.note}" if e.note else ""))
        elif format == "html":
            shown = r"\displaystyle " + e.in_latex()
            parts.append(f"<p>{to_mathml(shown, True)}</p>" + (f"<p>{e.note}</p>" if e.note else ""))
        else:
            sign = ("\\[", "\\]") if format == "latex" else ("$$", "$$")
            parts.append(f"{sign[0]}\n{e.in_latex()}\n{sign[1]}" + (f"\n\n{e.note}" if e.note and format == "markdown" else ""))
    return "\n\n".join(parts) + "\n"


def sized_gradients(gradients: Any, format: str = "text") -> str:
    """The gradients of any model with the shape of every factor of every matrix product.

    Raises:
        InputError: SD105 for a format that does not exist.
    """
    import json

    from ..steps.options import Options
    from ..write.mathml import to_mathml
    from ..write.stepmath import StepMath
    from .model_text import backward_pass
    from .tables import pen_of

    pen = pen_of("latex" if format != "text" else format)
    math = StepMath({}, Options(), "latex" if pen.latex else "unicode")
    parts, results = backward_pass(gradients)
    lines = []
    for name, words in (*parts.items(), *results.items()):
        label = pen.name(name) if name in parts else pen.partial(pen.name("L"), pen.name(name))
        shape = [*map(str, words.shape)] or ["1"]
        times = r" \times " if pen.latex else "×"
        below = rf"\underset{{{times.join(shape)}}}{{{label}}}" if pen.latex else f"{label}[{times.join(shape)}]"
        lines.append(f"{below} = {math.text(words, shapes=True)}")
    if format == "json":
        return json.dumps(lines, indent=2, ensure_ascii=False) + "\n"
    if format == "html":
        return "\n".join(f"<p>{to_mathml(line, True)}</p>" for line in lines) + "\n"
    wrap = {"latex": "\\[\n{}\n\\]", "markdown": "$$\n{}\n$$"}.get(format)
    return "\n".join(wrap.replace("{}", line) if wrap else line for line in lines) + "\n"


__all__ = ["Equation", "Factor", "layer_sizes", "network_sizes", "sized_gradients", "write_equations"]
