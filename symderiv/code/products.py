"""Products of matrices: the cheapest order, and diagonals, inverses and traces without the matrices that are not needed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sympy import Expr, Integer

from ..expr.nodes import Call, Node, Var
from .contract import guess_of, is_nonnegative
from .emit import ROWS, Emitter, Plan, Scope, same
from .spell import ADD, ATOM, MATMUL, MUL, UNARY, Piece, max_nest


def is_call(node: Node, name: str) -> bool:
    return isinstance(node, Call) and node.name == name


def is_diagonal(node: Node) -> bool:
    return is_call(node, "diag") and node.rank == 2


def split_chain(operands: tuple[Node, ...], guess: Mapping[Expr, int]) -> int:
    """Where the last product of a chain is, in its cheapest order."""
    n = len(operands)
    if n == 2:
        return 1
    if n > 60 or any(x.rank > 2 for x in operands) or any(x.rank != 2 for x in operands[1:-1]):
        return n - 1
    return _cheapest(operands, guess)[1]


def chain_cost(operands: tuple[Node, ...], guess: Mapping[Expr, int]) -> float:
    """Multiplications of a chain of matrices, with a vector at an end at most, in its cheapest order."""
    return _cheapest(operands, guess)[0]


def _cheapest(operands: tuple[Node, ...], guess: Mapping[Expr, int]) -> tuple[float, int]:
    """`(multiplications, where the last product is)`, by dynamic programming over guessed sizes."""
    n = len(operands)
    shapes = [
        x.shape if x.rank == 2 else (Integer(1), *x.shape) if k == 0 else (*x.shape, Integer(1)) for k, x in enumerate(operands)
    ]
    dims = [float(guess_of(s, guess)) for s in (shapes[0][0], *(shape[1] for shape in shapes))]
    diagonal = [is_diagonal(x) for x in operands]
    cost = {(k, k + 1): 0.0 for k in range(n)}
    best: dict[tuple[int, int], int] = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length

            def price(k: int, i: int = i, j: int = j) -> float:
                cheap = (k == i + 1 and diagonal[i]) or (k == j - 1 and diagonal[k])
                return cost[i, k] + cost[k, j] + dims[i] * dims[j] * (1 if cheap else dims[k])

            best[i, j] = min(range(i + 1, j), key=price)
            cost[i, j] = price(best[i, j])
    return cost[0, n], best[0, n]


def transposed(x: Node) -> Node:
    """`xᵀ`, without two transposes."""
    return x.operands[0] if is_call(x, "T") else Call("T", x)


def product_of(operands: tuple[Node, ...]) -> Node:
    return operands[0] if len(operands) == 1 else Call("matmul", *operands)


def plan_matmul(emitter: Emitter, node: Call) -> Plan:
    flat = _flat_chain(emitter, node)
    if len(flat) == 1:
        return same(flat[0])
    if len(flat) == 3 and flat[0] is transposed(flat[2]) and is_diagonal(flat[1]) and flat[2].rank == 2:
        weights = flat[1].operands[0]
        if not emitter.dialect.functional and is_nonnegative(weights):  # Xᵀ diag(d) X = Zᵀ Z, which BLAS does in half the time
            half = Call("matmul", Call("diag", Call("sqrt", weights)), flat[2])
            return same(Call("matmul", Call("T", half), half))
    k = split_chain(flat, emitter.guesses)
    a, b = product_of(flat[:k]), product_of(flat[k:])
    if is_diagonal(a) and b.rank <= 2:
        v = a.operands[0]
        if is_diagonal(b):
            return same(Call("diag", Call("mul", v, b.operands[0])))
        if b.rank == 1:
            return same(Call("mul", v, b))
        return Plan(
            (v, b),
            lambda p, s: Piece(f"{p[0].as_number().at(ATOM)}[:, None]*{p[1].as_number().at(UNARY)}", MUL, nest=1 + max_nest(p)),
        )
    if b.rank == 1 and _is_sum_of_names(a):  # two products with a vector cost less than a sum of matrices
        return same(Call("add", *(Call("matmul", t, b) for t in a.operands)))
    if emitter.dialect.vector_first and b.rank == 1 and a.rank == 2 and is_call(a, "T"):
        return same(Call("matmul", b, a.operands[0]))
    if is_diagonal(b) and a.rank <= 2:
        return same(Call("mul", a, b.operands[0]))
    if is_call(a, "inv") and a.rank == 2 and b.rank <= 2 and emitter.parents[a] <= 1:
        return same(Call("solve", a.operands[0], b))
    if is_call(b, "inv") and b.rank == 2 and a.rank == 1 and emitter.parents[b] <= 1:
        return same(Call("solve", Call("T", b.operands[0]), a))

    thin = a.rank == b.rank == 2 and ROWS in emitter.free(node)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        if thin:
            return Piece(f"{emitter.word('_matmul')}({x.text}, {y.text})", nest=1 + max_nest([x, y]))
        return Piece(f"{x.at(UNARY) if x.level != MATMUL else x.text} @ {y.at(UNARY)}", MATMUL, "float", 1 + max_nest([x, y]))

    return Plan((a, b), build)


def plan_onto_product(emitter: Emitter, node: Call) -> Plan | None:
    """`A @ B + C`, `(A @ B)*C` over rows: in the place of the product, if nothing else needs that."""
    if node.rank != 2 or emitter.dialect.functional or ROWS not in emitter.free(node):
        return None
    k = next((k for k, x in enumerate(node.operands) if is_call(x, "matmul") and x.shape == node.shape), None)
    if k is None:
        return None
    rest = [o for j, o in enumerate(node.operands) if j != k]
    word, sign, level = ("plus", " + ", ADD) if node.name == "add" else ("times", "*", MUL)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        product, other = pieces[0], pieces[1].as_number() if word == "plus" else pieces[1]
        nest = 1 + max_nest(pieces)
        if product.level == ATOM and re.match(r"_matmul\w*\(", product.text) and "times=" not in product.text:
            if word == "plus" and other.text.startswith("-") and other.level > ADD:
                return Piece(f"{product.text[:-1]}, minus={other.text[1:]})", nest=nest)
            return Piece(f"{product.text[:-1]}, {word}={other.text})", nest=nest)
        if word == "plus" and other.text.startswith("-") and other.level > ADD:
            return Piece(f"{product.at(ADD)} - {other.text[1:]}", ADD, "float", nest)
        return Piece(f"{product.at(level)}{sign}{other.at(level + 1)}", level, "float", nest)

    return Plan((node.operands[k], rest[0] if len(rest) == 1 else Call(node.name, *rest)), build)


def _is_sum_of_names(a: Node) -> bool:
    """`A + Aᵀ`, `A + B`: a sum of matrices that are there already."""
    bare = [x.operands[0] if is_call(x, "T") else x for x in a.operands]
    return is_call(a, "add") and a.rank == 2 and len(bare) <= 3 and all(isinstance(x, Var) and x.rank == 2 for x in bare)


def _flat_chain(emitter: Emitter, node: Call) -> tuple[Node, ...]:
    """The operands, with products that only this one uses opened where the ranks allow it."""
    out: list[Node] = []
    for k, x in enumerate(node.operands):
        last = k == len(node.operands) - 1
        opens = is_call(x, "matmul") and emitter.parents[x] == 1 and all(y.rank == 2 for y in x.operands[1:-1])
        if opens and x.rank <= 2 and (x.rank == 2 or k == 0 or last) and all(y.rank <= 2 for y in node.operands):
            inner_vector_right = x.operands[-1].rank == 1 and not last
            inner_vector_left = x.operands[0].rank == 1 and k > 0
            if not inner_vector_right and not inner_vector_left:
                out.extend(x.operands)
                continue
        out.append(x)
    return tuple(out)


def plan_trace(emitter: Emitter, node: Call) -> Plan | None:
    x = node.operands[0]
    if not is_call(x, "matmul") or emitter.parents[x] > 1 or x.operands[0].rank != 2 or x.operands[-1].rank != 2:
        return None
    flat = _flat_chain(emitter, x)  # type: ignore[arg-type]
    if len(flat) < 2:
        return None
    a, b = product_of(flat[:-1]), flat[-1]
    if is_call(a, "T"):
        return same(Call("sum", Call("mul", a.operands[0], b)))
    return same(Call("sum", Call("mul", a, b.operands[0] if is_call(b, "T") else Call("T", b))))
