"""Random derivatives to ask about, topic by topic: an expression with declarations, and what it is differentiated by."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import InputError
from ...read.problem import Problem, parse
from ...write.language import to_text
from ..shapes import EXPRESSION, ShapeAnswer
from .expressions import FAMILIAR, Maker, Shape

INLINE = 16  # characters of an expression that stands above the line of its derivative


@dataclass(frozen=True)
class Case:
    """`∂^order source / ∂wrt^order`.

    Attributes:
        source: an expression, or definitions and a name of one of them at the end.
        lines: definitions to show, or ().
        top: what is differentiated, as it is written above the line: the expression, or a name.
    """

    source: str
    vars: Mapping[str, str]
    wrt: str
    order: int = 1
    layout: str = "numerator"
    lines: tuple[str, ...] = ()
    top: str = ""
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def problem(self) -> Problem:
        """The source, read; kept."""
        if "problem" not in self.kept:
            self.kept["problem"] = parse(self.source, dict(self.vars))
        return self.kept["problem"]

    @property
    def answer(self) -> ShapeAnswer:
        """The shape with its reasons; kept."""
        if "answer" not in self.kept:
            v = self.problem.vars.get(self.wrt)
            if v is None:
                raise InputError(f"{self.wrt} does not occur", code="SD303")
            self.kept["answer"] = ShapeAnswer(self.problem.expr.shape, v.shape, self.wrt, self.subject, self.order, self.layout)
        return self.kept["answer"]

    @property
    def expression(self) -> str:
        """What is differentiated, written out; kept."""
        if "expression" not in self.kept:
            self.kept["expression"] = to_text(self.problem.expr)
        return self.kept["expression"]

    @property
    def subject(self) -> str:
        """How what is differentiated is called in a sentence."""
        return self.top or EXPRESSION

    @property
    def text(self) -> str:
        """`∂(A @ x)/∂x`, `∂²L/∂w²`."""
        top = self.top or self.expression
        power = {1: "", 2: "²", 3: "³"}[self.order]
        return f"∂{power}{top if top.isidentifier() else f'({top})'}/∂{self.wrt}{power}"

    def named(self) -> Case:
        """The same, called f where it is too long to stand above a line."""
        return self if self.top or len(self.expression) <= INLINE else replace(self, top="f", kept={"problem": self.problem})

    @property
    def layout_matters(self) -> bool:
        """Whether the two layouts differ: both sides are arrays."""
        return bool(self.problem.expr.rank and self.problem.vars[self.wrt].rank)

    @property
    def used(self) -> dict[str, str]:
        """Declarations of the variables that occur."""
        return {n: s for n, s in self.vars.items() if n in self.problem.vars}

    @property
    def declared(self) -> tuple[str, ...]:
        """`X: (n, d)   w: (d,)`: the variables that occur, on one line, and the definitions."""
        own = (f"{self.top} = {self.expression}",) if self.top and not self.lines else ()
        return (declared_line(self.vars, self.source, self.wrt), *self.lines, *own)


def declared_line(declared: Mapping[str, str], *sources: str) -> str:
    """`X: (n, d)   w: (d,)   a: scalar` of the names that occur in the sources."""
    import re

    words = set(re.findall(r"[A-Za-z_]\w*", " ".join(sources)))
    shown = []
    for name, sizes in declared.items():
        if name not in words:
            continue
        axes, _, _ = sizes.partition(" integer")
        kind = " labels" if "integer" in sizes else ""
        if axes.strip() == "scalar":
            shown.append(f"{name}: scalar{kind}")
        else:
            parts = [a.strip() for a in axes.split(",")]
            shown.append(f"{name}: ({', '.join(parts)}{',' if len(parts) == 1 else ''}){kind}")
    return "   ".join(shown)


# topics -----------------------------------------------------------------------------------------------------------------------
def _plain(m: Maker, depth: int, wrt: Shape, out: Shape, order: int = 1, layout: str = "numerator") -> Case:
    v = m.new(wrt)
    return Case(m.through(v, out, depth), m.vars, v, order, layout)


def _layout(rng: random.Random) -> str:
    return "denominator" if rng.random() < 0.35 else "numerator"


def gradient(m: Maker, rng: random.Random, depth: int) -> Case:
    return _plain(m, depth, m.shape(rng.choice((1, 1, 2))), ())


def scalar(m: Maker, rng: random.Random, depth: int) -> Case:
    return _plain(m, depth, (), m.shape(rng.choice((1, 1, 2, 2, 3 if depth > 1 else 2))))


def jacobian(m: Maker, rng: random.Random, depth: int) -> Case:
    return _plain(m, depth, m.shape(1), m.shape(1), layout=_layout(rng) if depth else "numerator")


def layout(m: Maker, rng: random.Random, depth: int) -> Case:
    ranks = rng.choice(((1, 1), (1, 1), (2, 1), (1, 2)) if depth < 2 else ((1, 2), (2, 1), (2, 2), (0, 2)))
    return _plain(m, min(depth, 2), m.shape(ranks[0]), m.shape(ranks[1]), layout=rng.choice(("denominator", "numerator")))


def broadcasting(m: Maker, rng: random.Random, depth: int) -> Case:
    n, d = m.shape(2)
    full, row, column, other = m.new((n, d)), m.new((d,)), m.new((n, "1")), m.new((n,))
    f = m.function()
    source, names = rng.choice((
        (f"{full} + {row}", (full, row)), (f"{f}({full})*{row}", (full, row)), (f"{full}*{column}", (full, column)),
        (f"{f}({full} - {column}) + {row}", (column, row)), (f"{other}[:, None] + {row}", (other, row)),
        (f"{other}[:, None]*{row}[None, :]", (other, row)), (f"{f}({column} + {row})", (column, row)),
        (f"({full} + {row})/{m.new(())}", (row, full)), (f"{full} - mean({full}, axis=0)", (full,)),
        (f"{full}/sum({full}, axis=1, keepdims=True)", (full,)),
    ))  # fmt: skip
    if depth > 1 or rng.random() < 0.4:
        source = rng.choice((f"sum({source}, axis=0)", f"sum({source}, axis=1)", f"sum(({source})**2)", f"{f}({source})"))
    return Case(source, m.vars, rng.choice(names), layout=_layout(rng) if depth > 1 else "numerator")


def layer(m: Maker, rng: random.Random, depth: int) -> Case:
    n, d, k = m.shape(3)
    f = m.function() if rng.random() < 0.8 else rng.choice(("softmax", "layer_norm"))
    if rng.random() < 0.5:
        x, w, b = m.new((d,)), m.new((k, d)), m.new((k,))
        inner = rng.choice((f"{w} @ {x}", f"{w} @ {x} + {b}"))
    else:
        x, w, b = m.new((n, d)), m.new((d, k)), m.new((k,))
        inner = rng.choice((f"{x} @ {w}", f"{x} @ {w} + {b}"))
    source = inner if depth < 1 and rng.random() < 0.5 else f"{f}({inner})"
    if depth > 2:
        source = f"{source} @ {m.new((k, m.size(1.0, (n, d, k))))}" if len(m.shapes[x]) == 2 else f"{m.new((n, k))} @ {source}"
    return Case(source, m.vars, rng.choice([x, w, w, *([b] if b in inner.split() else [])]))


def network(m: Maker, rng: random.Random, depth: int) -> Case:
    """A network of one to three layers on rows of `X`, with its values named; asked for any of them by any parameter."""
    layers = min(3, max(1, depth))
    sizes = m.shape(layers + 2)
    n, widths = sizes[0], sizes[1:]
    taken = {*sizes}
    m.vars.update({"X": f"{n}, {widths[0]}"})
    lines, tops, params, value = [], [], ["X"] if rng.random() < 0.3 else [], "X"
    for i in range(layers):
        name = "S" if i == layers - 1 else f"H{i + 1}" if layers > 2 else "H"
        w = f"W{i + 1}" if layers > 1 else "W"
        m.vars[w] = f"{widths[i]}, {widths[i + 1]}"
        linear = f"{value} @ {w}"
        params.append(w)
        if rng.random() < 0.6:
            b = f"b{i + 1}" if layers > 1 else "b"
            m.vars[b] = widths[i + 1]
            params.append(b)
            linear += f" + {b}"
        last = i == layers - 1
        lines.append(f"{name} = {linear}" if last else f"{name} = {rng.choice((*FAMILIAR[1:5], m.function()))}({linear})")
        tops.append((name, len(lines), tuple(params)))
        value = name
    if rng.random() < 0.5 and "y" not in taken:
        m.vars["y"] = f"{n} integer"
        lines.append(f"L = {rng.choice(('cross_entropy(S, y)', 'cross_entropy(S, y)', 'hinge(S, y)'))}")
    else:
        m.vars["Y"] = f"{n}, {widths[-1]}"
        lines.append(f"L = {rng.choice(('mean', 'sum'))}((S - Y)**2)")
    tops.append(("L", len(lines), tuple(params)))
    top, count, within = rng.choice(tops)
    return Case("\n".join(lines[:count]), m.vars, rng.choice(within), lines=tuple(lines[:count]), top=top)


def sums(m: Maker, rng: random.Random, depth: int) -> Case:
    if rng.random() < 0.5:
        v = m.new(m.shape(rng.choice((1, 2, 2, 3))))
        return Case(m.einsum(v, m.shape(rng.choice((1, 2, 2, 3)))), m.vars, v)
    n, d = m.shape(2)
    x, a = m.new((n,)), m.new((n, d))
    f = m.function()
    source, names = rng.choice((
        (f"sum({x}[i]*{a}[i] for i in range({n}))", (x, a)), (f"sum({f}({a}[i]) for i in range({n}))", (a,)),
        (f"sum({f}({x}[i])*{a}[i]**2 for i in range({n}))", (x, a)),
        (f"sum(outer({a}[i], {a}[i]) for i in range({n}))", (a,)),
        (f"sum({x}[i]*outer({a}[i], {m.new((d,))}) for i in range({n}))", (x, a)),
        (f"sum(({x}[i] - {m.new((d,))} @ {a}[i])**2 for i in range({n}))", (x, a)),
    ))  # fmt: skip
    return Case(source, m.vars, rng.choice(names))


def hessian(m: Maker, rng: random.Random, depth: int) -> Case:
    return _plain(m, depth, m.shape(rng.choice((1, 1, 2))), (), order=2)


def tensor(m: Maker, rng: random.Random, depth: int) -> Case:
    if rng.random() < 0.25:
        return _plain(m, min(depth, 2), m.shape(1), m.shape(1), order=2)
    if rng.random() < 0.15:
        return _plain(m, min(depth, 2), m.shape(1), (), order=3)
    out, by = rng.choice(((1, 2), (2, 1), (2, 2), (2, 2), (3, 1), (1, 3)))
    return _plain(m, min(depth, 2), m.shape(by), m.shape(out), layout=_layout(rng))


CASES: dict[str, Callable[[Maker, random.Random, int], Case]] = {
    "gradient": gradient, "scalar": scalar, "jacobian": jacobian, "layout": layout, "broadcasting": broadcasting, "layer": layer,
    "batch": network, "sums": sums, "hessian": hessian, "tensor": tensor, "chain": network,
}  # fmt: skip

__all__ = ["CASES", "Case", "declared_line", "network"]
