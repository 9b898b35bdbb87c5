"""Why a derivative has its shape: the rule, both layouts, every axis, the number of entries, every factor of the chain rule.

shape_of("W @ x", "W")                    (m, m, n), a tuple with .why
intermediates(problem, "W")               one row for every value on the way
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer

from ..api import Declarations, as_problem, variable
from ..api import shape_of as plain_shape_of
from ..errors import InputError
from ..expr.nodes import Call, Node, Var
from ..expr.sizes import Shape, product, size_symbol
from ..expr.walk import free_symbols, postorder, replace
from ..read.problem import Problem
from ..write.language import to_text
from ..write.report import shape_text

BYTES = 8  # of a float64
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
EXPRESSION = "the expression"
KINDS = ("scalar", "vector", "matrix")


def kind_of(shape: Sequence[Expr]) -> str:
    """`scalar`, `vector`, `matrix`, `tensor of order 3`."""
    return KINDS[len(shape)] if len(shape) < 3 else f"tensor of order {len(shape)}"


@dataclass(frozen=True)
class Axis:
    """One axis of a derivative: its size, and which axis of what it is."""

    size: Expr
    owner: str
    axis: int

    def __str__(self) -> str:
        return f"{self.size}   axis {self.axis} of {self.owner}"


class ShapeAnswer(tuple):
    """The shape of `∂f/∂x`: a tuple of sizes that knows its reasons.

    Attributes:
        out, by: shapes of the expression and of the variable.
        wrt, top: how the variable and the expression are called.
        order, layout: of the derivative.
    """

    out: Shape
    by: Shape
    wrt: str
    top: str
    order: int
    layout: str

    def __new__(
        cls, out: Shape, by: Shape, wrt: str, top: str = EXPRESSION, order: int = 1, layout: str = "numerator"
    ) -> ShapeAnswer:
        self = super().__new__(cls, arranged(out, by, order, layout))
        self.out, self.by, self.wrt, self.top, self.order, self.layout = tuple(out), tuple(by), wrt, top, order, layout
        return self

    def __getnewargs__(self) -> tuple:
        return (self.out, self.by, self.wrt, self.top, self.order, self.layout)

    @property
    def shape(self) -> Shape:
        """The sizes alone."""
        return tuple(self)

    @property
    def numerator(self) -> Shape:
        """In numerator layout: the axes of the expression first."""
        return arranged(self.out, self.by, self.order, "numerator")

    @property
    def denominator(self) -> Shape:
        """In denominator layout: the axes of the variable first."""
        return arranged(self.out, self.by, self.order, "denominator")

    @property
    def rule(self) -> str:
        """Which rule gives the shape, one sentence."""
        return rule(self.out, self.by, self.wrt, self.order, self.top, self.layout)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What each axis means."""
        found = [Axis(s, self.top, k) for k, s in enumerate(self.out)]
        for _ in range(self.order):
            mine = [Axis(s, self.wrt, k) for k, s in enumerate(self.by)]
            found = [*found, *mine] if self.layout == "numerator" or not found else [*mine, *found]
        return tuple(found)

    @property
    def entries(self) -> Expr:
        """Number of entries of a dense array."""
        return product(self)

    def entries_for(self, sizes: Mapping[str, int]) -> int | None:
        """The number of entries for concrete sizes; None while a size is missing."""
        return number(self.entries, sizes)

    @property
    def entry(self) -> str:
        """What one entry is: `[i, j, l]: ∂f[i]/∂W[j, l]`; "" for a scalar."""
        if not self:
            return ""
        letters = _index_letters({str(s) for s in (*self.out, *self.by)} | {self.wrt, self.top}, len(self))
        groups: list[list[str]] = []
        counts = [len(self.out), *[len(self.by)] * self.order]
        order = counts if self.layout == "numerator" or not self.out else [*counts[1:], counts[0]]
        rest = list(letters)
        for n in order:
            groups.append([rest.pop(0) for _ in range(n)])
        above = groups.pop(0) if self.layout == "numerator" or not self.out else groups.pop()
        power = {1: "", 2: "²", 3: "³"}.get(self.order, f"^{self.order}")
        name = self.top if self.top.isidentifier() else "f"
        below = "".join(f"∂{self.wrt}{_subscript(g)}" for g in groups)
        return f"[{', '.join(letters)}]: ∂{power}{name}{_subscript(above)}/{below}"

    @property
    def why(self) -> str:
        """The reasons, line by line."""
        lines = [self.rule, *([f"entry {self.entry}"] if self else [])]
        if self.numerator != self.denominator:
            lines.append(f"numerator layout {shape_text(self.numerator)}, denominator layout {shape_text(self.denominator)}")
        return "\n".join(lines)


def arranged(out: Sequence[Expr], by: Sequence[Expr], order: int = 1, layout: str = "numerator") -> Shape:
    """`out` and `order` times `by`, in the order of the layout."""
    found = tuple(out)
    for _ in range(order):
        found = (*found, *by) if layout == "numerator" or not found else (*by, *found)
    return found


def _index_letters(taken: set[str], n: int) -> list[str]:
    letters = [c for c in "ijlqstuvabceo" if c not in taken]
    return [*letters, *(f"i{k}" for k in range(2, 60))][:n]


def _subscript(letters: Sequence[str]) -> str:
    return f"[{', '.join(letters)}]" if letters else ""


def shape_of(
    p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, layout: str = "numerator", order: int = 1
) -> ShapeAnswer:
    """The shape of `∂p/∂wrt`: `out.shape + wrt.shape` in numerator layout, `wrt.shape + out.shape` in denominator layout.

        shape_of("W @ x", "W") == (m, m, n)       a tuple, with .why, .rule, .axes, .entries, .numerator, .denominator

    Raises:
        SymDerivError: what the expression, the variable or the options are refused for.
    """
    problem = as_problem(p, vars)
    plain = plain_shape_of(problem, wrt, layout=layout, order=order)
    v = variable(problem, wrt)
    answer = ShapeAnswer(tuple(problem.expr.shape), tuple(v.shape), v.name, problem.name or EXPRESSION, order, layout)
    assert answer.shape == tuple(plain)
    return answer


def rule(
    out: Sequence[Expr], by: Sequence[Expr], name: str, order: int = 1, top: str = EXPRESSION, layout: str = "numerator"
) -> str:
    """The rule that gives the shape of the derivative, as one sentence."""
    if not by:
        stays = f"so the shape of {top} stays: {shape_text(tuple(out))}"
        return f"by a scalar: every entry of {top} has one derivative by {name}, {stays}" if out else \
            f"a scalar by a scalar: {top} and {name} are one number each, so the derivative is one number"  # fmt: skip
    if not out:
        if order == 1:
            return f"of a scalar: {top} has one derivative for every entry of {name}, so the shape is that of {name}"
        what = "a Hessian" if order == 2 else f"a derivative of order {order}"
        entries = f"one entry for every {_tuple_of(order)} of entries of {name}"
        return f"{what} of a scalar: {entries}, so the shape of {name} {_times(order)}"
    first, last = (top, name) if layout == "numerator" else (name, top)
    if order > 1:
        each = f"one entry for every entry of {top} and every {_tuple_of(order)} of entries of {name}"
        both = f"the axes of {top}, then those of {name} {_times(order)}"
        return f"{each}: {both}" if layout == "numerator" else f"{each}: the axes of {name} {_times(order)}, then those of {top}"
    what = "a vector by a vector, a Jacobian" if len(out) == len(by) == 1 else f"a {kind_of(out)} by a {kind_of(by)}"
    count = f"{len(out)} + {len(by)} = {len(out) + len(by)} axes"
    each = f"one entry for every entry of {top} and every entry of {name}"
    return f"{what}: {each}: the axes of {first}, then those of {last}, {count}"


def _tuple_of(order: int) -> str:
    return {2: "pair", 3: "triple"}.get(order, f"choice of {order}")


def _times(order: int) -> str:
    return {2: "twice"}.get(order, f"{order} times")


# sizes as numbers -------------------------------------------------------------------------------------------------------------
def number(size: Expr, sizes: Mapping[str, int]) -> int | None:
    """A size as a number; None while a symbol is missing."""
    value = size.xreplace({size_symbol(n): Integer(k) for n, k in sizes.items()})
    return int(value) if value.is_Integer else None


def memory(entries: int) -> str:
    """`7.6 MiB`: what a dense float64 array of that many entries takes."""
    amount, unit = float(entries * BYTES), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return (
        f"{amount:.0f} {UNITS[0]}"
        if not unit
        else f"{amount:.3g} {UNITS[unit]}"
        if amount < 1000
        else f"{amount:,.0f} {UNITS[unit]}"
    )


def read_sizes(texts: Sequence[str], known: Problem | None = None) -> dict[str, int]:
    """`("n=100", "d=10, k=3")` to `{"n": 100, "d": 10, "k": 3}`.

    Raises:
        InputError: SD140 for what is not `name=whole number`, or a size that the problem does not have.
    """
    found: dict[str, int] = {}
    for text in (part.strip() for t in texts for part in t.replace(";", ",").split(",") if part.strip()):
        name, _, value = (part.strip() for part in text.partition("="))
        if not (value.isascii() and value.isdigit()) or not 0 < len(value) <= 12 or int(value) < 1:
            raise InputError(f"`{text}` is not a size", code="SD140", hint="write NAME=NUMBER, as in n=100")
        if found.setdefault(name, int(value)) != int(value):
            raise InputError(f"{name} has two numbers, {found[name]} and {value}", code="SD140", hint="give each size one number")
    if known is not None:
        there = sorted({str(s) for v in known.vars.values() for axis in v.shape for s in axis.free_symbols})
        strange = [n for n in found if n not in there]
        if strange:
            raise InputError(f"no axis has the size {strange[0]}", code="SD140", hint=f"there are {', '.join(there) or 'none'}")
    return found


# every intermediate -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """One value on the way to the result.

    Attributes:
        name: of its definition, or "".
        text: how it is made of named values.
        shape: its own.
        above: shape of the derivative of the result by it; None for labels.
        below: shape of the derivative of it by the variable; None where the variable does not occur.
    """

    name: str
    text: str
    shape: Shape
    above: Shape | None
    below: Shape | None


def intermediates(
    p: Problem | Node | str, wrt: str | Var | None = None, vars: Declarations = None, layout: str = "numerator"
) -> list[Row]:
    """A row for every value on the way from the variables to the result, inner ones first.

    A sum is one value, however many terms it has.
    """
    from ..verify.points import open_indices

    problem = as_problem(p, vars)
    v = None if wrt is None else variable(problem, wrt)
    out = tuple(problem.expr.shape)
    named = stations(problem)
    names = as_variables(named)
    rows = []
    nodes = [n for n in postorder(problem.expr) if isinstance(n, (Call, Var))]
    partial = {
        o for n in nodes if isinstance(n, Call) and n.name == "add" for o in n.operands if isinstance(o, Call) and o.name == "add"
    }
    for node in nodes:
        if (isinstance(node, Call) and node.name == "neg") or open_indices(node) or (node in partial and node not in named):
            continue
        inside = v is not None and v in free_symbols(node)
        below = arranged(node.shape, v.shape, 1, layout) if inside and v is not None else None
        name = node.name if isinstance(node, Var) else named.get(node, "")
        above = None if isinstance(node, Var) and node.is_a("integer") else arranged(out, node.shape, 1, layout)
        rows.append(Row(name, spelled(node, names), tuple(node.shape), above, below))
    return rows


def stations(problem: Problem) -> dict[Node, str]:
    """Definitions by node, the result included; plain variables have a name already."""
    named = {node: name for name, node in problem.definitions.items() if isinstance(node, Call)}
    named.setdefault(problem.expr, problem.name or "f")
    return named


def as_variables(named: Mapping[Node, str]) -> dict[Node, Node]:
    """Named values as variables of their name, for `spelled`."""
    return {n: Var(name, n.shape) for n, name in named.items()}


def spelled(node: Node, variables: dict[Node, Node]) -> str:
    """The text of a value in terms of the named values that it is made of (`as_variables`)."""
    if not isinstance(node, Call):
        return node.name if isinstance(node, Var) else str(node)
    return to_text(node.with_operands([variables[o] if o in variables else replace(o, variables) for o in node.operands]))


__all__ = [
    "EXPRESSION", "Axis", "Row", "ShapeAnswer", "arranged", "as_variables", "intermediates", "kind_of", "memory", "number",
    "read_sizes", "rule", "shape_of", "spelled", "stations",
]  # fmt: skip
