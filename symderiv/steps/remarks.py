"""What a derivation says around its steps: what the letters are, which layout holds, conventions, and where it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import Shape
from ..expr.walk import postorder, replace
from .model import Derivation
from .options import Options
from .rules import spoken
from .samples import row_name, sample_axis


@dataclass(frozen=True, eq=False)
class Math:
    """Words inside text or in a row; `highlight` are the parts that changed."""

    words: Node
    highlight: tuple[Node, ...] = ()


@dataclass(frozen=True, eq=False)
class Size:
    """`X ∈ ℝⁿˣᵈ`: a variable with its shape; whole numbers are in ℤ, and a positive scalar is `λ > 0`."""

    var: Var
    shape: Shape

    @property
    def field(self) -> str:
        """ℝ or ℤ."""
        return "ℤ" if self.var.is_a("integer") else "ℝ"

    @property
    def bound(self) -> str:
        """ "> 0" or "≥ 0" for a scalar that is declared so."""
        if self.var.rank:
            return ""
        return "> 0" if self.var.is_a("positive") else "≥ 0" if self.var.is_a("nonnegative") else ""


Parts = tuple["str | Math | Size", ...]
STYLE_NAMES = {"differential": "differentials", "index": "index notation", "graph": "the computation graph"}
ATTRIBUTES = {
    "symmetric": "symmetric",
    "psd": "symmetric and positive definite",
    "diagonal": "diagonal",
    "positive": "with positive entries",
    "nonnegative": "with no negative entry",
    "onehot": "one-hot",
    "simplex": "a probability distribution",
}
ROWS = {"onehot": "with one-hot rows", "simplex": "with probabilities in its rows"}


def introduction(d: Derivation, options: Options) -> Parts:
    """Shapes, style and layout."""
    parts: list[str | Math | Size] = []
    shown = [v for v in d.vars.values() if v.rank or v.attrs]
    for k, v in enumerate(shown):
        parts.append("Here " if not k else ", " if k + 1 < len(shown) else " and " if len(shown) > 1 else "")
        parts.append(Size(v, v.shape))
        said = _attributes(v)
        parts += [f" ({said})"] if said else []
    if shown:
        parts.append(". ")
    if options.samples:
        axis = sample_axis(d.vars.values(), (v for s in d.sections for v in s.wrt))
        rows = [v for v in d.vars.values() if row_name(v, axis, d.vars)]
        for k, v in enumerate(rows):
            parts += [
                "Written as columns, " if not k else " and ",
                Math(Call("getitem", v, Index("i"), spec=("at",))),
                " is row `i` of ",
                Math(v),
            ]
        parts += [". "] if rows else []
    parts.append(f"The derivation uses {STYLE_NAMES[d.style]}")
    layout = options.layout or d.layout
    scalar = not d.sections[0].function.rank
    if layout != "numerator":
        parts.append(", in denominator layout: the derivative has the axes of the variable first, then those of the output.")
    elif all(not v.rank for s in d.sections for v in s.wrt) and scalar:
        parts.append(".")
    elif scalar and d.order == 1:
        parts.append("; the derivative of a scalar has the shape of the variable.")
    else:
        parts.append(", in numerator layout: rows belong to the output, columns to the variable.")
    return tuple(parts)


def _attributes(v: Var) -> str:
    """What was declared of a variable, apart from what `Size` shows."""
    if not v.rank:
        return ""
    known = {**ATTRIBUTES, **(ROWS if v.rank > 1 else {})}
    attrs = v.attrs - {"symmetric"} if v.is_a("psd") else v.attrs
    return ", ".join(known[a] for a in sorted(attrs) if a in known)


CONVENTIONS = {
    "heaviside": "`H` is the unit step: `H(u) = 1` for `u > 0`, 0 for `u < 0`, and 1/2 at 0.",
    "sign": "`sign(0) = 0`: one of the subgradients is taken at the kink.",
    "where": "An indicator `𝟙[…]` is 1 where its condition holds and 0 elsewhere.",
}


def remarks(d: Derivation, options: Options) -> list[Parts]:
    """Notes of the answer, conventions behind its signs, the points where it does not hold, and the layout."""
    out: list[Parts] = [_note(d, n if n.endswith(".") else n + ".") for n in d.notes]
    used = {n.name for words in d.results.values() for n in postorder(words) if isinstance(n, Call)}
    if any(isinstance(n, Call) and n.name == "abs" and n.rank == 1 for s in d.steps for n in postorder(s.after)):
        out.append(("The bars of `|u|` take the absolute value of every entry.",))
    out += [(text,) for name, text in CONVENTIONS.items() if name in used]
    hot = dict.fromkeys(n for words in d.results.values() for n in postorder(words) if isinstance(n, Call) and n.name == "onehot")
    out += [(Math(n), " has a 1 at the label and 0 elsewhere.") for n in hot]
    out += list(dict.fromkeys(_kink(d, n) for n in d.kinked))
    layout = options.layout or d.layout
    if layout == "denominator" and any(s.function.rank for s in d.sections[:1]) and d.order == 1:
        out.append(("In denominator layout the result is shown with its axes swapped: variable first, output last.",))
    return out


def _note(d: Derivation, text: str) -> Parts:
    """A note of the answer, with the variable that it begins with as mathematics."""
    name, space, rest = text.partition(" ")
    return (Math(d.vars[name]), space + rest.replace("G + Gᵀ - diag(G)", "`G + Gᵀ − diag(G)`")) if name in d.vars else (text,)


def _kink(d: Derivation, node: Call) -> Parts:
    """`Not differentiable where X w = 0 (ReLU).`"""
    short = _in_names(d, node)
    operands = dict(zip(node.op.operands, short.operands, strict=False))
    if short.tree_size > 40:
        return (f"Not differentiable at the kinks of {spoken(node.name)}.",)
    parts: list[str | Math | Size] = ["Not differentiable where "]
    at = 0
    for m in re.finditer(r"\b([a-z]\w*)(?: = (-?\w+))?", node.op.kinks):
        x, right = operands.get(m[1]), m[2]
        if x is None:
            continue
        parts.append(node.op.kinks[at : m.start()])
        at = m.end()
        value = None if right is None else operands.get(right) or (Num(int(right)) if right.lstrip("-").isdigit() else None)
        if right is not None and value is None:
            at = m.start(2)
        sides = [x, value] if value is None or not isinstance(x, Num) else [value, x]
        parts += [Math(sides[0]), *([" = ", Math(sides[1])] if sides[1] is not None else [" = "] if right is not None else [])]
    parts += [node.op.kinks[at:], f" ({spoken(node.name)})."]
    return tuple(p for p in parts if p != "")


def _in_names(d: Derivation, node: Node) -> Node:
    """The words with the names that the derivation has introduced."""
    whole: dict[Node, Node] = {}
    for section in d.sections[:1]:
        for s in section.names:
            whole[s.var] = replace(s.of, whole)
    return replace(node, {words: v for v, words in whole.items() if words is not node})


__all__ = ["Math", "Parts", "Size", "introduction", "remarks"]
