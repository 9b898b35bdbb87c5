"""Computation graphs: blocks with forward values, local derivatives, upstream × local, in both modes of differentiation.

    g = sd.graph("a1 = sin(x2); a2 = x1*x2; L = a1 + a2", {"x1": "scalar", "x2": "scalar"})
    print(g.reverse_trace())

Each block is differentiated by the engine on its own; the chain rule between blocks is what the tables show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Integer, prod

from ..errors import DerivativeError, InputError, LimitError
from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Var
from ..expr.walk import BINDERS, fold, free_symbols, postorder, variables, with_operands
from ..read.problem import Problem
from .extras import write_text

MAX_BLOCKS = 400
CHOICES = {"gt", "ge", "lt", "le", "eq", "ne", "heaviside", "onehot"}  # words whose values are 0 and 1 (1/2 at a tie)


@dataclass
class Edge:
    """From a block back to one of its inputs.

    Attributes:
        source: the input; `block` the block that uses it.
        local: `∂block/∂input` as words, of shape `block.shape + input.shape`; None where that has more than two axes.
        upstream: what the block sends back, by the upstream gradient `<block>_bar`: words of the input's shape.
        tangent: what the input sends on, by its tangent `<input>_dot`: words of the block's shape.
        role: distributes, switches, routes or scales.
    """

    source: str
    block: str
    local: Node | None
    upstream: Node
    tangent: Node
    role: str


@dataclass
class Block:
    """`name = formula`, with the inputs' names in the formula; an input has none."""

    name: str
    shape: tuple
    formula: Node | None
    edges: list[Edge] = field(default_factory=list)
    used_by: list[str] = field(default_factory=list)

    @property
    def roles(self) -> list[str]:
        """What its gradient meets: the roles of its edges, and "copies" where several blocks use it."""
        found = list(dict.fromkeys(e.role for e in self.edges))
        return [*found, "copies"] if len(self.used_by) > 1 else found


SAYS = {
    "distributes": "an addition distributes: the upstream gradient reaches the input unchanged",
    "switches": "a product switches: each input gets upstream × the other",
    "routes": "a choice routes: the upstream gradient goes where the value came from, 0 elsewhere",
    "scales": "upstream × local derivative",
    "copies": "a copy sums: the gradients of all uses are added",
}


@dataclass
class Graph:
    """Blocks in order of computation; inputs first, the result last."""

    problem: Problem
    blocks: dict[str, Block]
    inputs: list[str]
    result: str

    @property
    def order(self) -> list[Block]:
        """The blocks that are computed, in order."""
        return [b for b in self.blocks.values() if b.formula is not None]

    @cached_property
    def constants(self) -> list[Var]:
        """Variables that nothing is differentiated by."""
        return [v for v in self.problem.vars.values() if v.name not in self.blocks]

    def run(self, values: Mapping[str, Any], seed: Mapping[str, Any] | None = None, upstream: Any = None) -> Numbers:
        """Forward values, gradients by reverse mode, tangents by forward mode.

        Args:
            values: arrays by name.
            seed: tangents of inputs; the first input along ones by default.
            upstream: gradient of the result; ones by default.

        Raises:
            CodeError: SD507 when a value is missing or does not fit.
        """
        from .graph_values import run

        return run(self, values, seed, upstream)

    def forward_trace(self, values: Mapping[str, Any] | None = None, wrt: str | None = None, along: Any = None) -> str:
        """The table of forward mode by one input (the first by default), along a direction (ones by default)."""
        from .graph_tables import forward_table
        from .tables import table

        made = forward_table(self, values, wrt, along=along)
        return table(made.head, made.rows)

    def reverse_trace(self, values: Mapping[str, Any] | None = None) -> str:
        """The table of reverse mode: values forward, then gradients backward."""
        from .graph_tables import reverse_table

        return reverse_table(self, values)

    def costs(self) -> str:
        """Operations of both modes, and which is cheaper."""
        from .graph_tables import cost_lines

        return "\n".join(cost_lines(self))

    def tables(self, values: Mapping[str, Any] | None = None, format: str = "text") -> str:
        """Everything as text, Markdown, LaTeX, HTML or JSON: both modes, their costs, what the roles mean."""
        from .graph_tables import all_tables
        from .tables import pen_of, write_tables

        found, notes = all_tables(self, values, pen_of(format))
        return write_tables(found, format, notes)

    def dot(self, values: Mapping[str, Any] | None = None) -> str:
        """Graphviz text."""
        from .graph_text import to_dot

        return to_dot(self, values)

    def mermaid(self, values: Mapping[str, Any] | None = None) -> str:
        """Mermaid text."""
        from .graph_text import to_mermaid

        return to_mermaid(self, values)

    def tikz(self, values: Mapping[str, Any] | None = None, standalone: bool = False) -> str:
        """TikZ text, for LaTeX; `standalone`: a document that compiles."""
        from .graph_text import to_tikz

        return to_tikz(self, values, standalone)

    def svg(self, values: Mapping[str, Any] | None = None) -> str:
        """A drawing that needs no other program."""
        from .graph_draw import to_svg

        return to_svg(self, values)

    def draw(self, path: str, values: Mapping[str, Any] | None = None) -> None:
        """The drawing as a file; .png and .pdf need the extra `plot`, .svg nothing.

        Raises:
            CodeError: SD520 without matplotlib, SD510 when the file cannot be written.
        """
        from .graph_draw import draw_graph, to_svg

        if str(path).lower().endswith(".svg"):
            write_text(str(path), to_svg(self, values))
        else:
            draw_graph(self, str(path), values)


@dataclass
class Numbers:
    """What one run of a graph gives, by name of block.

    Attributes:
        values: forward.
        gradients: `∂result/∂block` times the upstream gradient of the result.
        tangents: forward mode along the seed.
        contributions: (block, input) -> upstream × local, a part of the input's gradient.
        locals: (block, input) -> value of the local derivative, where it has at most two axes.
    """

    values: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    tangents: dict[str, np.ndarray]
    contributions: dict[tuple[str, str], np.ndarray]
    locals: dict[tuple[str, str], np.ndarray]


def graph(p: Problem | Node | str | Any, vars: Any = None, wrt: Any = None, blocks: str = "auto") -> Graph:
    """The computation graph of a problem, a text or a function.

    Args:
        p: text, Problem, expression, or a plain function (`vars` then declares its parameters).
        wrt: the inputs to differentiate by; all variables by default.
        blocks: "operations": one block for each operation; "definitions": one for each definition of the text; "auto":
            definitions where the text has two or more.

    Raises:
        InputError: SD170 for `blocks`; DerivativeError: SD303 when there is nothing to differentiate by.
        LimitError: SD902 for more than 400 blocks.
    """
    from ..api import as_problem, variable

    if callable(p) and not isinstance(p, Node):
        from ..read.trace import trace

        p = trace(p, vars)
    problem = as_problem(p, vars)
    if blocks not in ("auto", "operations", "definitions"):
        raise InputError(f"blocks={blocks!r} is not known", code="SD170", hint="auto, operations or definitions")
    if blocks == "auto":
        blocks = "definitions" if len(problem.definitions) > 1 else "operations"
    if wrt is None:
        used = set(variables(problem.expr))
        chosen = [v for v in problem.vars.values() if v in used and not v.is_a("integer")]
    else:
        chosen = [variable(problem, w) for w in ([wrt] if isinstance(wrt, (str, Var)) else wrt)]
    if not chosen:
        raise DerivativeError("there is no variable to differentiate by", code="SD303")
    return _Builder(problem, chosen, blocks == "operations").build()


class _Builder:
    def __init__(self, problem: Problem, wrt: list[Var], fine: bool) -> None:
        self.problem, self.wrt = problem, wrt
        self.active = frozenset(wrt)
        free_symbols(problem.expr)
        named = {node: name for name, node in problem.definitions.items()}
        self.cuts = self._cuts(named, fine)
        self.names = self._names(named)
        self.stands = {node: Var(name, node.shape) for node, name in self.names.items()}

    def _is_active(self, node: Node) -> bool:
        return not self.active.isdisjoint(node._free or ())

    def _cuts(self, named: dict[Node, str], fine: bool) -> list[Node]:
        """The nodes that become blocks, operands first. What is inside an explicit sum belongs to the block of the sum."""
        root = self.problem.expr
        nodes = postorder(root)
        inside: set[Node] = {n for n in nodes if isinstance(n, Index)}
        for n in nodes:
            if (isinstance(n, Call) and n.name not in BINDERS and any(o in inside for o in n.operands)) or (
                isinstance(n, Call) and n.name in BINDERS and self._open(n)
            ):
                inside.add(n)
        comparisons = {n for n in nodes if isinstance(n, Call) and n.name in CHOICES}  # nothing flows through their jumps
        inside |= (_minuses(nodes) | comparisons) - {root, *named}
        found = [
            n
            for n in nodes
            if isinstance(n, Call) and self._is_active(n) and n not in inside and (fine or n in named or n is root)
        ]
        if root not in found and root not in self.active:
            raise DerivativeError("the result does not depend on the chosen variables", code="SD303")
        if len(found) > MAX_BLOCKS:
            raise LimitError(f"a graph of {len(found)} blocks cannot be read", code="SD902", hint='use blocks="definitions"')
        return found

    @staticmethod
    def _open(node: Node) -> bool:
        """Whether an index occurs in an explicit sum that is not its own."""
        own = {o for o in node.operands if isinstance(o, Index)}
        bound: set[Node] = set()
        for n in postorder(node):
            if isinstance(n, Call) and n.name in BINDERS:
                bound.add(n.operands[1])
        return any(isinstance(n, Index) and n not in own and n not in bound for n in postorder(node))

    def _names(self, named: dict[Node, str]) -> dict[Node, str]:
        names: dict[Node, str] = {v: v.name for v in self.wrt}
        taken = {*self.problem.vars, *self.problem.definitions}
        count = 0
        for node in self.cuts:
            name = named.get(node)
            if name is None and node is self.problem.expr and self.problem.name and self.problem.name not in taken:
                name = self.problem.name
            while name is None:
                count += 1
                name = None if taken & {f"a{count}", f"a{count}_bar", f"a{count}_dot"} else f"a{count}"
            names[node] = name
        return names

    def _check_names(self) -> None:
        """Gradients are called `x_bar` and tangents `x_dot`: no variable may have the name of another's."""
        used = {*self.problem.vars, *self.names.values()}
        for name in used:
            for ending, what in (("_bar", "gradient"), ("_dot", "tangent")):
                if name.endswith(ending) and name.removesuffix(ending) in used:
                    of = name.removesuffix(ending)
                    raise InputError(f"{name} is what the {what} of {of} is called here", code="SD170", hint=f"rename {name}")

    def build(self) -> Graph:
        self._check_names()
        blocks = {v.name: Block(v.name, v.shape, None) for v in self.wrt}
        for node in self.cuts:
            formula = self._local(node)
            block = blocks[self.names[node]] = Block(self.names[node], node.shape, formula)
            inputs = [v for v in variables(formula) if v.name in blocks and v.name != block.name]
            for v in inputs:
                edge = self._edge(block, v, inputs)
                if not _is_zero(edge.upstream):  # what only decides a condition gets and sends nothing
                    block.edges.append(edge)
                    blocks[v.name].used_by.append(block.name)
        result = self.names.get(self.problem.expr, self.problem.name)
        return Graph(self.problem, blocks, [v.name for v in self.wrt], result)

    def _local(self, node: Node) -> Node:
        """The node with the inner blocks as variables."""
        stands = {n: v for n, v in self.stands.items() if n is not node}
        memo: dict[Node, Node] = dict(stands)  # type: ignore[arg-type]
        for n in postorder(node, known=stands):
            memo[n] = n.with_operands([memo[o] for o in n.operands]) if isinstance(n, Call) else memo.get(n, n)
        return memo[node]

    def _edge(self, block: Block, v: Var, inputs: list[Var]) -> Edge:
        from ..calculus import derive as engine
        from ..notation.words import to_words
        from ..simplify.lower import normal

        core = normal(block.formula)  # type: ignore[arg-type]
        local = None
        if len(block.shape) + v.rank <= 2:
            local = to_words(engine.gradients(core, [v])[0][v])
        bar = Var(f"{block.name}_bar", block.shape)
        upstream = engine.vjp(core, [v], bar)[v]
        dot = Var(f"{v.name}_dot", v.shape)
        tangent = engine.jvp(core, {v: dot})
        words, forward = to_words(upstream), to_words(tangent)
        if not block.shape and v.rank and block.formula is not None:
            forward = _inner(core, v, dot, forward)
        return Edge(v.name, block.name, local, _first(words, bar), _first(forward, dot), _role(block, upstream, words, bar, v))


def _minuses(nodes: list[Node]) -> set[Node]:
    """Minus signs that only sums use: `x - y` is one block."""
    users: dict[Node, list[Node]] = {}
    for n in nodes:
        for o in n.operands:
            users.setdefault(o, []).append(n)
    return {
        n
        for n in nodes
        if isinstance(n, Call) and n.name == "neg" and all(isinstance(u, Call) and u.name == "add" for u in users.get(n, []))
    }


def _is_zero(words: Node) -> bool:
    return (isinstance(words, Num) and words.value == 0) or (isinstance(words, Call) and words.name == "zeros")


def _inner(core: Node, v: Var, dot: Var, words: Node) -> Node:
    """The tangent of a scalar as the inner product of its gradient with the tangent of the input, where that is shorter."""
    from ..calculus import derive as engine
    from ..notation.polish import polish
    from ..notation.words import to_words
    from ..simplify.product import einsum

    axes = list(range(v.rank))
    shorter = to_words(polish(einsum([(engine.gradients(core, [v])[0][v], axes), (dot, axes)], [])))
    return shorter if shorter.tree_size < words.tree_size else words


def _first(words: Node, arriving: Var) -> Node:
    """What arrives stands before what it is multiplied by, in products whose order is free."""

    def visit(node: Node, operands: list[Node]) -> Node:
        if isinstance(node, Call) and node.name == "mul":
            operands = sorted(operands, key=lambda o: 0 if isinstance(o, Num) else 1 if arriving in postorder(o) else 2)
        return with_operands(node, operands)

    return fold(words, visit)


def _role(block: Block, core: Node, words: Node, bar: Var, v: Var) -> str:
    """From what the gradient that goes back depends on, so that it holds for every operation."""
    others = set(variables(block.formula)) if block.formula is not None else set()  # inputs, and what is held constant
    if _routes(words, bar):
        return "routes"
    depends = set(variables(words)) - {bar}
    if not depends:
        coefficient = core.coef if isinstance(core, Einsum) else 1
        return "distributes" if coefficient == 1 and bar in postorder(core) else "scales"
    plain = isinstance(core, Einsum) and core.coef == 1 and all(isinstance(item, Var) for item, _ in core.items)
    return "switches" if plain and v not in depends and depends <= others else "scales"


def _routes(words: Node, bar: Var) -> bool:
    """Whether the gradient passes as it is where a choice fell on the input, and nowhere else."""
    choice = {n: Var(f"choice_{k}", n.shape) for k, n in enumerate(postorder(words)) if isinstance(n, Call) and n.name in CHOICES}
    left = postorder(fold(words, lambda n, operands: choice[n] if n in choice else _branch(with_operands(n, operands))))  # type: ignore[arg-type]
    if not choice:
        return False
    scaled = any(isinstance(n, Num) and n.value.is_negative for n in left) or any(
        isinstance(n, Call) and n.name in ("neg", "sign", "where") for n in left
    )
    return not scaled and {n for n in left if isinstance(n, Var)} - set(choice.values()) <= {bar}


def _branch(node: Node) -> Node:
    """`where(c, a, 0)` as `a`, `where(c, 1, 0)` as `c`: a choice of something."""
    if not (isinstance(node, Call) and node.name == "where"):
        return node
    c, a, b = node.operands
    kept = [o for o in (a, b) if not (isinstance(o, Num) and o.value == 0)]
    return node if len(kept) != 1 else c if isinstance(kept[0], Num) and kept[0].value == 1 else kept[0]


def operations(core: Node) -> Expr:
    """Multiplications and additions that a core expression takes as written, as a polynomial in the sizes."""
    total: Expr = Integer(0)
    for n in postorder(core):
        if isinstance(n, Einsum):
            steps = max(0, len(n.items) - 1) + (n.coef not in (1, -1)) + (len(n.sizes) > len(set(n.out)))
            total += steps * prod(n.sizes)
        elif isinstance(n, Add):
            total += (len(n.args) - 1) * prod(n.shape)
        elif isinstance(n, Call):
            total += prod(n.shape)
    return total


def cost_of(graph: Graph) -> tuple[Expr, Expr, Expr, Expr]:
    """Operations of one forward-mode pass and of one reverse-mode pass; how many passes each needs for all derivatives."""
    from ..simplify.lower import normal

    forward: Expr = Integer(0)
    reverse: Expr = Integer(0)
    for block in graph.order:
        for edge in block.edges:
            forward += operations(normal(edge.tangent))
            reverse += operations(normal(edge.upstream))
        forward += max(0, len(block.edges) - 1) * prod(block.shape)
    uses = Counter({b.name: len(b.used_by) for b in graph.blocks.values()})
    for name, n in uses.items():
        reverse += max(0, n - 1) * prod(graph.blocks[name].shape)
    inputs: Expr = sum((prod(graph.blocks[n].shape) for n in graph.inputs), Integer(0))
    outputs: Expr = prod(graph.blocks[graph.result].shape)
    return forward, reverse, inputs, outputs


__all__ = ["SAYS", "Block", "Edge", "Graph", "Numbers", "cost_of", "graph", "operations"]
