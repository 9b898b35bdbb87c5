"""Small changes of an expression: what people get wrong, as data.

    edits(words)    every expression that differs from `words` in one place in one of the usual ways

The same list serves two ends. A change of the *claim* that gives the derivative says what is too much or the wrong way round
in the claim; a change of the *derivative* that gives the claim says what was forgotten. The tests mutate with it as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sympy import Expr, Rational

from ..errors import SymDerivError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import postorder, replace
from .points import BINDERS, open_indices

Path = tuple[int, ...]
MOST_PLACES = 160  # occurrences looked at, from the top down
COMPARISONS = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
NUMBERS = (Rational(2), Rational(1, 2), Rational(3), Rational(1, 3), Rational(4), Rational(1, 4))
INFIX = frozenset(("add", "neg", "mul", "div", "pow", "matmul", "T", *COMPARISONS, "eq", "ne"))


@dataclass(frozen=True)
class Edit:
    """One change.

    Attributes:
        name: negate, scale, drop_term, drop_factor, transpose, swap, axis, average, index, unwrap, compare, product, invert.
        path: operand positions from the top to the place.
        old: what stood there.
        new: what stands there now; None where it is gone.
        root: the whole after the change.
        detail: the factor of a scale; the operand that went.
        everywhere: the change was made at all occurrences of `old`.
    """

    name: str
    path: Path
    old: Node
    new: Node | None
    root: Node
    detail: Any = None
    everywhere: bool = False


# places ----------------------------------------------------------------------------------------------------------------------
def occurrences(root: Node, most: int = MOST_PLACES) -> list[tuple[Path, Node]]:
    """Paths and nodes, the nearest to the top first; a shared node once for each use."""
    out: list[tuple[Path, Node]] = []
    level: list[tuple[Path, Node]] = [((), root)]
    while level and len(out) < most:
        out += level[: most - len(out)]
        level = [((*path, k), o) for path, node in level for k, o in enumerate(node.operands)]
        if len(level) > 4 * most:
            level = level[: 4 * most]
    return out


def put(root: Node, path: Path, new: Node) -> Node:
    """The whole with `new` at a place.

    Raises:
        SymDerivError: where it does not fit.
    """
    spine = [root]
    for k in path:
        spine.append(spine[-1].operands[k])
    for node, k in zip(reversed(spine[:-1]), reversed(path), strict=True):
        operands = list(node.operands)
        operands[k] = new
        new = node.with_operands(operands) if isinstance(node, Call) else new
    return new


def at(root: Node, path: Path) -> Node:
    """The node at a place."""
    for k in path:
        root = root.operands[k]
    return root


# building --------------------------------------------------------------------------------------------------------------------
def negated(x: Node) -> Node:
    """`-x`, or `x` of `-x`."""
    if isinstance(x, Num):
        return Num(-x.value)
    return x.operands[0] if isinstance(x, Call) and x.name == "neg" else Call("neg", x)


def scaled(x: Node, c: Expr) -> Node:
    """`c x`; with a division for `1/2` and `1/n`."""
    if isinstance(x, Num):
        return Num(c * x.value)
    over, under = c.as_numer_denom()
    if under != 1 and over == 1:
        return Call("div", x, Num(under))
    return Call("mul", Num(c), x)


def transposed(x: Node) -> Node:
    """`x.T`, or `x` of `x.T`."""
    return x.operands[0] if isinstance(x, Call) and x.name == "T" else Call("T", x)


def without(node: Call, k: int) -> Node:
    """A sum or product without one operand."""
    rest = [o for j, o in enumerate(node.operands) if j != k]
    return node.with_operands(rest) if len(rest) > 1 else rest[0]


def _negative_without(node: Call, k: int) -> Node:
    return negated(without(node, k))


def _without_two(node: Call, pair: tuple[int, int]) -> Node:
    rest = [o for j, o in enumerate(node.operands) if j not in pair]
    return node.with_operands(rest) if len(rest) > 1 else rest[0]


def _inside(a: Node, b: Node) -> bool:
    return any(n is a for n in postorder(b))


# the catalogue ---------------------------------------------------------------------------------------------------------------
Found = tuple[str, Callable[[], Node], Any]  # name, what stands there then, detail
Rule = Callable[[Node, Call | None], Iterator[Found]]


def _is_argument(parent: Call | None) -> bool:
    """Whether a node is a term, the whole, or what a function is applied to."""
    return parent is None or parent.name == "add" or (parent.op.elementwise and parent.name not in INFIX)


def _negate(node: Node, parent: Call | None) -> Iterator[Found]:
    if _is_argument(parent):
        yield "negate", lambda: negated(node), node


def _scale(node: Node, parent: Call | None) -> Iterator[Found]:
    if _is_argument(parent) and not isinstance(node, Num):
        for c in NUMBERS:
            yield "scale", partial(scaled, node, c), c


def _drop(node: Node, parent: Call | None) -> Iterator[Found]:
    if not isinstance(node, Call):
        return
    if node.name in ("add", "mul", "matmul"):
        for k, o in enumerate(node.operands):
            yield "drop_term" if node.name == "add" else "drop_factor", partial(without, node, k), o
            if node.name == "mul" and isinstance(o, Call) and o.name == "neg":
                yield "drop_factor", partial(_negative_without, node, k), o.operands[0]
        if node.name == "mul" and 3 <= len(node.operands) <= 6:
            for pair in itertools.combinations(range(len(node.operands)), 2):
                a, b = (node.operands[k] for k in pair)
                if a.shape == b.shape and (a.rank or _inside(a, b) or _inside(b, a)):  # σ(1 - σ)
                    yield "drop_factor", partial(_without_two, node, pair), Call("mul", a, b)
    elif node.name == "div":
        yield "drop_factor", lambda: node.operands[0], Call("div", Num(1), node.operands[1])
        yield "drop_factor", lambda: Call("div", Num(1), node.operands[1]), node.operands[0]
    elif node.name == "pow" and isinstance(node.operands[1], Num):
        base, e = node.operands[0], node.operands[1].value
        if e.is_Integer and e > 1:
            yield "drop_factor", lambda: base if e == 2 else Call("pow", base, Num(e - 1)), base


def _transpose(node: Node, parent: Call | None) -> Iterator[Found]:
    if node.rank == 2 and not (parent is not None and parent.name == "T"):
        yield "transpose", lambda: transposed(node), None


def _swap(node: Node, parent: Call | None) -> Iterator[Found]:
    if isinstance(node, Call) and node.name in ("matmul", "outer", "kron"):
        for k in range(len(node.operands) - 1):
            operands = list(node.operands)
            operands[k], operands[k + 1] = operands[k + 1], operands[k]
            yield "swap", partial(node.with_operands, operands), (node.operands[k], node.operands[k + 1])


def _axis(node: Node, parent: Call | None) -> Iterator[Found]:
    if not isinstance(node, Call) or "axis" not in node.params or not node.operands or node.operands[0].rank < 2:
        return
    now, rank = node.params["axis"], node.operands[0].rank
    now = now + rank if isinstance(now, int) and now < 0 else now
    for axis in (*range(rank), *((None,) if node.op.defaults.get("axis", 0) is None else ())):
        if axis != now:
            yield "axis", partial(Call, node.name, *node.operands, **{**node.params, "axis": axis}), axis


def _average(node: Node, parent: Call | None) -> Iterator[Found]:
    other = {"mean": "sum", "sum": "mean"}.get(node.name) if isinstance(node, Call) else None
    if other and isinstance(node, Call):
        yield "average", partial(Call, other, *node.operands, **node.params), other


def _product(node: Node, parent: Call | None) -> Iterator[Found]:
    """`*`, `@` and `outer` taken for one another."""
    if not isinstance(node, Call) or node.name not in ("mul", "matmul", "outer") or len(node.operands) != 2:
        return
    x, y = node.operands
    for word in ("mul", "matmul", "outer"):
        if word != node.name and x.rank and y.rank and (word != "outer" or x.rank == y.rank == 1):
            yield "product", partial(Call, word, x, y), word


def _unwrap(node: Node, parent: Call | None) -> Iterator[Found]:
    if isinstance(node, Call) and node.op.elementwise and node.name not in INFIX and len(node.operands) == 1:
        yield "unwrap", lambda: node.operands[0], node.name


def _invert(node: Node, parent: Call | None) -> Iterator[Found]:
    """`x*y` as `x/y`, and the other way round."""
    if isinstance(node, Call) and node.name == "div" and not isinstance(node.operands[0], Num):
        yield "invert", partial(Call, "mul", *node.operands), node.operands[1]
    elif isinstance(node, Call) and node.name == "mul":
        for k, o in enumerate(node.operands):
            if not isinstance(o, Num) or o.value.free_symbols:
                yield "invert", partial(_divided, node, k), o


def _divided(node: Call, k: int) -> Node:
    return Call("div", without(node, k), node.operands[k])


def _compare(node: Node, parent: Call | None) -> Iterator[Found]:
    if isinstance(node, Call) and node.name in COMPARISONS:
        yield "compare", partial(Call, COMPARISONS[node.name], *node.operands), None


def _index(node: Node, parent: Call | None) -> Iterator[Found]:
    """`X[i, j]` as `X[j, i]`."""
    if isinstance(node, Call) and node.name == "getitem" and len(node.operands) == 3:
        x, i, j = node.operands
        if isinstance(i, Index) and isinstance(j, Index):
            yield "index", partial(node.with_operands, [x, j, i]), (i, j)


CATALOGUE: tuple[Rule, ...] = (
    _negate, _scale, _drop, _transpose, _swap, _axis, _average, _product, _unwrap, _invert, _compare, _index,
)  # fmt: skip


def edits(root: Node, names: frozenset[str] | None = None, most: int = MOST_PLACES) -> Iterator[Edit]:
    """All changes of the catalogue at all places, those that do not fit left out.

    Args:
        names: which kinds of change; all by default.
        most: places looked at, from the top down.
    """
    places = occurrences(root, most)
    uses: dict[Node, int] = {}
    for _, node in places:
        uses[node] = uses.get(node, 0) + 1
    shared: set[tuple[Node, str, Node]] = set()
    for path, node in places:
        parent = at(root, path[:-1]) if path else None
        found = [f for rule in CATALOGUE for f in rule(node, parent if isinstance(parent, Call) else None)]
        found += _other_indices(node, root, path)
        for name, build, detail in found:
            if names is not None and name not in names:
                continue
            new = _built(build)
            if new is None:
                continue
            whole = _built(partial(put, root, path, new))
            if whole is not None:
                yield Edit(name, path, node, new, whole, detail)
            if uses[node] > 1 and (node, name, new) not in shared:
                shared.add((node, name, new))
                everywhere = _built(partial(replace, root, {node: new}))
                if everywhere is not None:
                    yield Edit(name, path, node, new, everywhere, detail, True)


def _built(build: Callable[[], Node]) -> Node | None:
    try:
        return build()
    except (SymDerivError, IndexError, TypeError):
        return None


def _other_indices(node: Node, root: Node, path: Path) -> Iterator[Found]:
    """Another index of the scope in one subscript."""
    if not isinstance(node, Call) or node.name != "getitem":
        return
    scope = scope_at(root, path)
    for k, o in enumerate(node.operands[1:], 1):
        if isinstance(o, Num) and o.value.is_Integer:
            for value in range(max(0, int(o.value) - 2), int(o.value) + 3):
                operands = [*node.operands[:k], Num(value), *node.operands[k + 1 :]]
                if value != o.value:
                    yield "index", partial(node.with_operands, operands), (o, value)
    for k, o in enumerate(node.operands):
        for other in scope if isinstance(o, Index) else ():
            if other not in node.operands:
                operands = [*node.operands[:k], other, *node.operands[k + 1 :]]
                yield "index", partial(node.with_operands, operands), (o, other)


def scope_at(root: Node, path: Path) -> dict[Index, Expr | None]:
    """The indices bound around a place with the lengths of their ranges, and those that nothing binds (None)."""
    out: dict[Index, Expr | None] = dict.fromkeys(open_indices(root))
    node = root
    for k in path:
        if isinstance(node, Call) and node.name in BINDERS:
            out[node.operands[1]] = node.params["hi"] - node.params["lo"]  # type: ignore[index]
        node = node.operands[k]
    return out


def functions_of(*roots: Node) -> list[str]:
    """Names of the elementwise functions of one argument that occur."""
    found = {
        n.name: None
        for n in postorder(*roots)
        if isinstance(n, Call) and n.op.elementwise and n.name not in INFIX and len(n.operands) == 1
    }
    return list(found)


def leaves(*roots: Node) -> list[Var]:
    """Variables that occur."""
    return [n for n in postorder(*roots) if isinstance(n, Var)]


__all__ = [
    "CATALOGUE",
    "Edit",
    "at",
    "edits",
    "functions_of",
    "leaves",
    "negated",
    "occurrences",
    "put",
    "scaled",
    "scope_at",
    "transposed",
    "without",
]
