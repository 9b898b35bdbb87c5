"""Why a derivative has its shape: the rule, both layouts, every axis, the number of entries, every factor of the chain rule.

    explain(parse("W @ x"), "W").shape        (m, m, n), with the reason
    intermediates(problem, "W")               one row for every value on the way
    chain(problem, "W")                       ∂L/∂H = ∂L/∂S · ∂S/∂H with the size of every factor

`symderiv.api.shape_of` is the contract; everything here says why it answers what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer

from ..api import Declarations, as_problem, shape_of, variable
from ..errors import InputError
from ..expr.nodes import Call, Node, Var
from ..expr.sizes import Shape, product, size_symbol
from ..expr.walk import free_symbols, postorder, replace
from ..read.problem import Problem
from ..write.language import to_text
from ..write.report import shape_text

BYTES = 8  # of a float64
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
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


@dataclass(frozen=True)
class ShapeAnswer:
    """The shape of `∂f/∂x` with its reasons.

    Attributes:
        out, by: shapes of the expression and of the variable.
        wrt: name of the variable.
        shape: in the layout asked for; `numerator` and `denominator` are both.
        rule: which rule gives it, one sentence.
        axes: what each axis of `shape` means.
        entries: number of entries of a dense array.
    """

    out: Shape
    by: Shape
    wrt: str
    order: int
    layout: str
    shape: Shape
    numerator: Shape
    denominator: Shape
    rule: str
    axes: tuple[Axis, ...]
    entries: Expr

    def count(self, sizes: Mapping[str, int]) -> int | None:
        """The number of entries for concrete sizes; None while a size is missing."""
        return number(self.entries, sizes)


def explain(
    p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, layout: str = "numerator", order: int = 1
) -> ShapeAnswer:
    """The shape of `∂p/∂wrt` and why it is that.

    Raises:
        SymDerivError: what `shape_of` raises.
    """
    problem = as_problem(p, vars)
    shape = shape_of(problem, wrt, layout=layout, order=order)
    v = variable(problem, wrt)
    out = tuple(problem.expr.shape)
    return ShapeAnswer(
        out, tuple(v.shape), v.name, order, layout, shape,
        shape_of(problem, wrt, layout="numerator", order=order), shape_of(problem, wrt, layout="denominator", order=order),
        rule(out, v.shape, v.name, order), axes(problem, v, layout, order), product(shape),
    )  # fmt: skip


def rule(out: Sequence[Expr], by: Sequence[Expr], name: str, order: int = 1) -> str:
    """The rule that gives the shape of the derivative, as one sentence."""
    if not by:
        return f"by a scalar: every entry of the {kind_of(out)} is differentiated once, the shape stays {shape_text(tuple(out))}"
    if not out:
        if order == 1:
            return f"of a scalar: one number for every entry of {name}, so the shape of {name}"
        what = "a Hessian" if order == 2 else f"a derivative of order {order}"
        return f"{what} of a scalar: one number for every {_tuple_of(order)} of entries of {name}, so its shape {order} times"
    each = "one number for every entry of the expression and every entry"
    if order > 1:
        return (
            f"{each[:-5]}{_tuple_of(order)} of entries of {name}: the shape of the expression, then that of {name} {order} times"
        )
    what = "Jacobian" if len(out) == len(by) == 1 else f"{kind_of(out)} by {kind_of(by)}"
    return f"{what}: {each} of {name}: both shapes one after the other, {len(out)} + {len(by)} = {len(out) + len(by)} axes"


def _tuple_of(order: int) -> str:
    return {2: "pair", 3: "triple"}.get(order, f"{order} times as many")


def axes(problem: Problem, by: Var, layout: str, order: int) -> tuple[Axis, ...]:
    """What each axis of the derivative means."""
    found = [Axis(s, "the expression", k) for k, s in enumerate(problem.expr.shape)]
    for _ in range(order):
        mine = [Axis(s, by.name, k) for k, s in enumerate(by.shape)]
        found = [*found, *mine] if layout == "numerator" or not found else [*mine, *found]
    return tuple(found)


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
        found[name] = int(value)
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


def intermediates(p: Problem | Node | str, wrt: str | Var | None = None, vars: Declarations = None) -> list[Row]:
    """A row for every value on the way from the variables to the result, inner ones first."""
    from ..verify.points import open_indices

    problem = as_problem(p, vars)
    v = None if wrt is None else variable(problem, wrt)
    out = tuple(problem.expr.shape)
    named = _stations(problem)
    rows = []
    for node in postorder(problem.expr):
        if not isinstance(node, (Call, Var)) or (isinstance(node, Call) and node.name == "neg") or open_indices(node):
            continue
        inside = v is not None and v in free_symbols(node)
        below = (*node.shape, *v.shape) if inside and v is not None else None
        name = node.name if isinstance(node, Var) else named.get(node, "")
        above = None if isinstance(node, Var) and node.is_a("integer") else (*out, *node.shape)
        rows.append(Row(name, _spelled(node, named), tuple(node.shape), above, below))
    return rows


def _stations(problem: Problem) -> dict[Node, str]:
    """Definitions by node, the result included; plain variables have a name already."""
    named = {node: name for name, node in problem.definitions.items() if isinstance(node, Call)}
    named.setdefault(problem.expr, problem.name or "f")
    return named


def _spelled(node: Node, named: Mapping[Node, str]) -> str:
    inner = {n: Var(name, n.shape) for n, name in named.items() if n is not node}
    return to_text(replace(node, inner)) if isinstance(node, Call) else node.name if isinstance(node, Var) else str(node)


# the chain rule ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Factor:
    """`∂above/∂below` and its shape; both are names."""

    above: str
    below: str
    shape: Shape

    def __str__(self) -> str:
        return f"∂{self.above}/∂{self.below}"


@dataclass(frozen=True)
class Link:
    """`∂L/∂below = Σ ∂L/∂above · ∂above/∂below`: one line of the backward pass.

    Attributes:
        target: the left side.
        terms: pairs of factors, one for each value that uses `below`; one factor alone at the top.
    """

    target: Factor
    terms: tuple[tuple[Factor, ...], ...]

    def __str__(self) -> str:
        return f"{self.target} = " + " + ".join(" · ".join(map(str, t)) for t in self.terms)

    @property
    def sizes(self) -> str:
        """The line with a shape in the place of every factor."""
        return f"{shape_text(self.target.shape)} = " + " + ".join(" · ".join(shape_text(f.shape) for f in t) for t in self.terms)


def chain(p: Problem | Node | str, wrt: str | Var, vars: Declarations = None) -> list[Link]:
    """The chain rule from the result down to the variable, through the definitions of the problem that contain it."""
    problem = as_problem(p, vars)
    v = variable(problem, wrt)
    named: dict[Node, str] = {n: name for n, name in _stations(problem).items() if v in free_symbols(n)}
    top = named.get(problem.expr)
    if top is None:
        return []
    named[v] = v.name
    order = [n for n in postorder(problem.expr) if n in named]
    users: dict[Node, list[Node]] = {n: [] for n in order}
    for node in order:
        for direct in _direct(node, named):
            users[direct].append(node)
    links = []
    out = tuple(problem.expr.shape)
    for node in reversed(order[:-1]):
        target = Factor(top, named[node], (*out, *node.shape))
        terms = []
        for user in users[node]:
            local = Factor(named[user], named[node], (*user.shape, *node.shape))
            above = Factor(top, named[user], (*out, *user.shape))
            terms.append((local,) if user is problem.expr else (above, local))
        if len(terms) == 1 and len(terms[0]) == 1 and node is not v:  # ∂L/∂S = ∂L/∂S says nothing; its size is in the next line
            continue
        links.append(Link(target, tuple(terms)))
    return links


def _direct(node: Node, named: Mapping[Node, str]) -> list[Node]:
    """The named values that a node is made of without another named value between."""
    if isinstance(node, Var):
        return []
    found: dict[Node, None] = {}
    stack, seen = list(node.operands), set()
    while stack:
        n = stack.pop()
        if n in named:
            found[n] = None
        elif n not in seen:
            seen.add(n)
            stack.extend(n.operands)
    return list(found)


def product_line(links: Sequence[Link]) -> tuple[Factor, ...]:
    """The whole chain as one product, where every value is used once: `∂L/∂S · ∂S/∂H · ∂H/∂W`; else ()."""
    if not links or any(len(link.terms) != 1 for link in links):
        return ()
    return (*links[0].terms[0], *(link.terms[0][-1] for link in links[1:]))


__all__ = [
    "Axis", "Factor", "Link", "Row", "ShapeAnswer", "axes", "chain", "explain", "intermediates", "kind_of", "memory",
    "number", "product_line", "read_sizes", "rule",
]  # fmt: skip
