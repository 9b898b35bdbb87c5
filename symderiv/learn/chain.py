"""The chain rule of a problem with the size of every factor.

    chain(problem, "W")        ∂L/∂H = ∂L/∂S · ∂S/∂H, (n, h) = (n, k) · (n, k, n, h); then ∂L/∂W = ∂L/∂H · ∂H/∂W, …

The values between are the definitions of a problem; an expression without definitions gets names for its layers (`named_steps`).
In denominator layout every shape is turned and the factors stand in the opposite order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..api import Declarations, as_problem, variable
from ..expr.nodes import Call, Node, Var
from ..expr.sizes import Shape
from ..expr.walk import free_symbols, postorder
from ..read.problem import Problem
from ..write.report import shape_text
from .shapes import arranged, as_variables, spelled, stations

INSIDE = frozenset(
    ["neg", "transpose", "add", "matmul", "mul", "div", "reshape", "stack", "concatenate"]
)  # not a layer where a sum takes them up


@dataclass(frozen=True)
class Factor:
    """`∂above/∂below`; both are names.

    Attributes:
        out, by: shapes of the two.
        layout: in which `shape` is.
    """

    above: str
    below: str
    out: Shape
    by: Shape
    layout: str = "numerator"

    @property
    def shape(self) -> Shape:
        """Its shape in its layout."""
        return arranged(self.out, self.by, 1, self.layout)

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


def chain(
    p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, layout: str = "numerator",
    names: Mapping[Node, str] | None = None,
) -> list[Link]:  # fmt: skip
    """The chain rule from the result down to the variable, through the named values that contain it.

    Args:
        names: of the values between, instead of the definitions of the problem.
    """
    problem = as_problem(p, vars)
    v = variable(problem, wrt)
    named: dict[Node, str] = {n: name for n, name in (names or stations(problem)).items() if v in free_symbols(n)}
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
        terms = []
        for user in users[node]:
            local = Factor(named[user], named[node], tuple(user.shape), tuple(node.shape), layout)
            above = Factor(top, named[user], out, tuple(user.shape), layout)
            pair = (above, local) if layout == "numerator" else (local, above)
            terms.append((local,) if user is problem.expr else pair)
        if len(terms) == 1 and len(terms[0]) == 1 and node is not v:  # ∂L/∂S = ∂L/∂S says nothing; its size is in the next line
            continue
        links.append(Link(Factor(top, named[node], out, tuple(node.shape), layout), tuple(terms)))
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
    if links[0].target.layout == "denominator":
        return (*(link.terms[0][0] for link in reversed(links[1:])), *links[0].terms[0])
    return (*links[0].terms[0], *(link.terms[0][-1] for link in links[1:]))


def named_steps(problem: Problem, wrt: str | Var) -> dict[Node, str]:
    """Names for the layers of an expression that has no definitions, `u1`, `u2`, …, and `f` for the whole.

    A value gets a name where something new happens to the variable: a function, a reduction, a product or a sum that no other
    sum or product takes up.
    """
    v = variable(problem, wrt)
    nodes = [n for n in postorder(problem.expr) if isinstance(n, Call) and v in free_symbols(n)]
    taken_up = {o for n in nodes if n.name in INSIDE for o in n.operands if isinstance(o, Call) and o.name in INSIDE}
    names: dict[Node, str] = {}
    for node in nodes:
        if node is not problem.expr and node not in taken_up and _is_closed(node):
            names[node] = _fresh(f"u{len(names) + 1}", problem)
    names[problem.expr] = problem.name or _fresh("f", problem)
    return names


def _is_closed(node: Node) -> bool:
    from ..verify.points import open_indices

    return not open_indices(node)


def _fresh(name: str, problem: Problem) -> str:
    while name in problem.vars or name in problem.definitions:
        name += "_"
    return name


def step_lines(names: Mapping[Node, str]) -> list[str]:
    """`u1 = X @ w - y`, one for each name."""
    variables = as_variables(names)
    return [f"{name} = {spelled(node, variables)}" for node, name in names.items() if isinstance(node, Call)]


__all__ = ["Factor", "Link", "chain", "named_steps", "product_line", "step_lines"]
