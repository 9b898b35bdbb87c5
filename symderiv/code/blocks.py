"""Sums over the rows of the data in blocks of rows that stay in the cache.

Along one size symbol n, a value is *whole* (no axis n: weights), made *row by row* (`X @ W`, `σ(X @ W) - Y`), *turned* (its
transpose), a *sum* over rows (`X.T @ R`, `sum(R, axis=0)`), or made of sums (`… / n + λ W`). If every result is whole or made of
sums, and some product of matrices is made row by row, the sums are computed block by block: what a block needs is read once and
used while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Symbol

from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import BINDERS, postorder
from .emit import BLOCK, ROWS, Emitter, Plan, Scope, statements
from .hidden import Hidden
from .spell import Piece

_ELEMENTWISE = {"add", "mul"}
_REDUCTIONS = {"sum", "mean", "max", "min", "logsumexp", "softmax", "log_softmax", "norm", "prod", "layer_norm"}
_LOSSES = {"cross_entropy", "nll", "hinge", "mse"}  # means over the rows
WORDS = {"part_of", "in_blocks"}


class NotInBlocks(Exception):
    """Some value is neither made row by row nor a sum over rows."""


def in_blocks(roots: Sequence[Node], size: Expr) -> list[Node]:
    """The roots with their sums over `size` taken block by block.

    Raises:
        NotInBlocks: they cannot be, or nothing is gained.
    """
    return _Splitter(size).roots(roots)


def split(roots: Sequence[Node], variables: Sequence[Var]) -> list[Node]:
    """The roots, in blocks along the first size for which that is possible; else as they are."""
    first = [v.shape[0] for v in variables if v.rank == 2 and isinstance(v.shape[0], Symbol)]
    for size in dict.fromkeys(first):
        try:
            return in_blocks(roots, size)
        except NotInBlocks:
            continue
    return list(roots)


class _Splitter:
    """Kinds of all nodes, and the nodes over a block."""

    def __init__(self, size: Expr) -> None:
        self.size = size
        self.kind: dict[Node, str] = {}
        self.new: dict[Node, Node] = {}
        self.sums: dict[Node, None] = {}
        self.products = 0

    def roots(self, roots: Sequence[Node]) -> list[Node]:
        for node in postorder(*roots):
            self.kind[node], self.new[node] = self.visit(node)
        if any(self.kind[r] not in ("whole", "after") for r in roots) or not self.sums or not self.products:
            raise NotInBlocks
        whole = Hidden("in_blocks", (), (*self.sums, Num(self.width()), ROWS))
        rule = {s: Hidden("part_of", s.shape, (whole,), str(k)) for k, s in enumerate(self.sums)}
        done: dict[Node, Node] = {}
        for node in postorder(*(self.new[r] for r in roots)):
            if isinstance(node, Hidden) and node.name == "sum_of":
                done[node] = rule[node.operands[0]]
            elif isinstance(node, (Call, Hidden)) and node.operands:
                new = [done[o] for o in node.operands]
                done[node] = node if new == list(node.operands) else node.with_operands(new)
            else:
                done[node] = node
        return [done[self.new[r]] for r in roots]

    def width(self) -> Expr:
        """Numbers that one row of the data and of the products has."""
        wide = [n for n, kind in self.kind.items() if kind == "row" and (isinstance(n, Var) or n.name == "matmul")]
        return sum((_product(n.shape[1:]) for n in wide), Integer(0))

    # kinds ---------------------------------------------------------------------------------------------------------------------
    def visit(self, node: Node) -> tuple[str, Node]:
        """`(kind, node over a block)`; the kind is "other" where there is no rule."""
        if isinstance(node, Var):
            if self.size not in _symbols(node):
                return "whole", node
            if node.shape[0] == self.size and all(self.size not in s.free_symbols for s in node.shape[1:]):
                return "row", Var(node.name, node.shape, (*node.attrs, BLOCK))
            return "other", node
        kinds = {self.kind[o] for o in node.operands}
        if not isinstance(node, Call):
            return ("whole" if isinstance(node, (Num, Index)) else "other"), node
        if kinds <= {"whole", "after"}:
            if self.size in _symbols(node):
                return "other", node
            kind = "after" if "after" in kinds else "whole"
            if kind == "after" and node.name in BINDERS:
                return "other", node
            return kind, self.over(node)
        if kinds & {"other", "after"} or node.name in BINDERS:
            return "other", node
        rule = getattr(self, f"of_{node.name}", None)
        if rule is None and (node.op.elementwise or node.name in _ELEMENTWISE):
            rule = self.elementwise
        if rule is None and node.name in _REDUCTIONS:
            rule = self.reduced
        if rule is None and node.name in _LOSSES:
            rule = self.loss
        return (rule(node) if rule else None) or ("other", node)

    def over(self, node: Node) -> Node:
        """The node on its operands' new nodes."""
        new = [self.new[o] for o in node.operands]
        return node if new == list(node.operands) else node.with_operands(new)  # type: ignore[attr-defined]

    def is_row(self, node: Node) -> bool:
        return self.kind[node] == "row"

    def summed(self, node: Node) -> tuple[str, Node]:
        """A sum over rows, as a value that is there after all blocks."""
        self.sums[node] = None
        return "after", Hidden("sum_of", node.shape, (node,))

    # rules ---------------------------------------------------------------------------------------------------------------------
    def elementwise(self, node: Call) -> tuple[str, Node] | None:
        if node.shape[:1] == (self.size,):
            kind, axis = "row", 0
        elif node.rank == 2 and node.shape[1] == self.size:
            kind, axis = "turned", 1
        else:
            return None
        for o in node.operands:
            if self.kind[o] == kind:
                if o.rank != node.rank:
                    return None
            elif self.kind[o] != "whole" or (o.rank >= node.rank - axis and o.shape[axis - node.rank] != 1):
                return None
        return kind, self.over(node)

    def of_pow(self, node: Call) -> tuple[str, Node] | None:
        """`‖r‖²` is a sum of squares."""
        base, exponent = node.operands
        if self.kind[base] == "norm" and exponent is Num(2):
            x = self.new[base.operands[0]]
            return self.summed(Call("sum", Call("mul", x, x)))
        return self.elementwise(node)

    def of_T(self, node: Call) -> tuple[str, Node] | None:
        x = node.operands[0]
        if x.rank == 2 and self.kind[x] in ("row", "turned"):
            return "turned" if self.is_row(x) else "row", self.over(node)
        return None

    def of_matmul(self, node: Call) -> tuple[str, Node] | None:
        kinds = [self.kind[o] for o in node.operands]
        if any(o.rank > 2 for o in node.operands):
            return None
        others = [k for k, kind in enumerate(kinds) if kind != "whole"]
        first, last = others[0], others[-1]
        inner = {kinds[k] for k in range(first + 1, last)}
        if not inner <= {"diagonal"}:
            return None
        left, right = kinds[first], kinds[last]
        if right == "row" and first == last == 0 and node.operands[0].rank == 2:  # X @ W
            self.products += node.operands[1].rank == 2
            return "row", self.over(node)
        if right == "turned" and first == last == len(kinds) - 1 > 0:  # W.T @ X.T
            self.products += node.operands[0].rank == 2
            return ("turned" if node.rank == 2 else "row"), self.over(node)
        if right == "row" and left == "diagonal" and first == 0:  # diag(r) @ X
            return "row", self.over(node)
        if (
            right == "row"
            and first < last
            and (left == "turned" or (first == 0 and left == "row" and node.operands[0].rank == 1))
        ):
            return self.summed(self.over(node))
        return None

    def of_diag(self, node: Call) -> tuple[str, Node] | None:
        x = node.operands[0]
        return ("diagonal", self.over(node)) if x.rank == 1 and self.is_row(x) else None

    def of_dot(self, node: Call) -> tuple[str, Node] | None:
        return self.summed(self.over(node)) if all(map(self.is_row, node.operands)) else None

    def of_onehot(self, node: Call) -> tuple[str, Node] | None:
        return "row", self.over(node)

    def of_expand_dims(self, node: Call) -> tuple[str, Node] | None:
        return ("row", self.over(node)) if self.is_row(node.operands[0]) and node.shape[0] == self.size else None

    def of_getitem(self, node: Call) -> tuple[str, Node] | None:
        spec = node.params["spec"]
        first = spec[0] if spec else "at"
        whole = first not in ("at", "new") and all(b is None for b in first[1:])
        plain = all(e != "at" for e in spec)
        return ("row", self.over(node)) if whole and plain and self.is_row(node.operands[0]) else None

    def of_einsum(self, node: Call) -> tuple[str, Node] | None:
        """Every factor with an axis n has it first, by one letter."""
        left, out = node.params["subs"].replace(" ", "").split("->")
        letters = set()
        for x, word in zip(node.operands, left.split(","), strict=True):
            if len(set(word)) < len(word) or (isinstance(x, Call) and x.name == "eye"):
                return None
            if self.kind[x] == "whole":
                continue
            if not self.is_row(x):
                return None
            letters.add(word[0])
        if len(letters) != 1 or len(set(out)) < len(out):
            return None
        (n,) = letters
        if any(
            n in word[1:] or (n in word and self.kind[x] == "whole")
            for x, word in zip(node.operands, left.split(","), strict=True)
        ):
            return None
        if n in out:
            return ("row", self.over(node)) if out[0] == n else None
        return self.summed(self.over(node))

    def reduced(self, node: Call) -> tuple[str, Node] | None:
        x = node.operands[0]
        if not self.is_row(x):
            return None
        axis = node.params.get("axis", -1)
        if node.name == "layer_norm":
            axis = -1
        axes = tuple(range(x.rank)) if axis is None else tuple(a % x.rank for a in (axis if isinstance(axis, tuple) else (axis,)))
        if 0 not in axes:
            return "row", self.over(node)
        if node.name == "sum":
            return self.summed(self.over(node))
        if node.name == "mean":
            count = Integer(1)
            for a in axes:
                count = count * x.shape[a]
            total = Call("sum", self.new[x], axis=node.params["axis"], keepdims=node.params["keepdims"])
            return "after", Call("div", self.summed(total)[1], Num(count))
        if node.name == "norm" and node.params["ord"] == 2 and axis is None and not node.params["keepdims"]:
            return "norm", node
        return None

    def loss(self, node: Call) -> tuple[str, Node] | None:
        """A mean over rows: the sum over a block is its mean times its rows."""
        if not all(self.is_row(o) or not o.rank for o in node.operands[:3]) or node.operands[0].shape[:1] != (self.size,):
            return None
        count = Hidden("rows_of", (), (self.new[node.operands[0]],))
        return "after", Call("div", self.summed(Call("mul", count, self.over(node)))[1], Num(self.size))


def _symbols(node: Node) -> set[Expr]:
    return set().union(*(s.free_symbols for s in node.shape)) if node.shape else set()


# source ----------------------------------------------------------------------------------------------------
def plan_blocks(emitter: Emitter, node: Hidden) -> Plan:
    """How the words of this file are written."""
    if node.name == "part_of":
        place = int(node.more)
        return Plan((node.operands[0],), lambda p, scope: Piece(emitter.block_names[node.operands[0]][place]))
    *sums, width, _ = node.operands
    total = sum((_product(s.shape) for s in sums), Integer(0))

    def build(_: list[Piece], scope: Scope) -> Piece:
        inner = Scope(scope, ROWS, depth=scope.depth + 1)
        values = [emitter.piece(s, inner).as_number().text for s in sums]
        given = ", ".join(n.name for n in postorder(*sums) if isinstance(n, Var) and n.is_a(BLOCK))
        function = emitter.names.fresh("part")
        names = {text: emitter.fresh_name() for text in dict.fromkeys(values)}  # equal sums are one array, added up once
        sizes = f"{emitter.size(width.value)}, {emitter.size(total)}"
        scope.lines.append([
            "",
            f"def {function}({given}):",
            *("    " + line for line in statements(inner.lines)),
            f"    return {', '.join(names)}",
            "",
            f"{', '.join(names.values())} = {emitter.word('_in_blocks')}({function}, {sizes}, {given})",
        ])  # fmt: skip
        emitter.block_names[node] = [names[text] for text in values]
        return Piece(names[values[0]])

    return Plan((), build, inner=tuple(sums))


def _product(shape: Sequence[Expr]) -> Expr:
    out = Integer(1)
    for s in shape:
        out = out * s
    return out
