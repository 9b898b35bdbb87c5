"""Products with many axes: deltas taken out, factors multiplied two at a time in the cheapest order, every step one BLAS call.

`einsum('mj,mi,mk,jl->ijkl', P, X, X, eye(k))` is three factors on the axes j, i, k, written on the diagonals j = l of an array
of zeros; the three are multiplied as `(P ⊙ X)ᵀ X`. Sizes are not known when code is written: those that are no numbers are
guessed in the order in which the variables name them.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping

from sympy import Expr

from ..errors import CodeError
from ..expr.nodes import Call, Node, Num
from .emit import Emitter, Plan, Scope, same
from .hidden import Hidden
from .spell import MUL, Piece, max_nest

Item = tuple[Node, str]


def read(node: Call) -> tuple[list[Item], str, dict[str, Expr]]:
    """Items with ASCII letters, output letters, sizes by letter.

    Raises:
        CodeError: SD505 for more letters than there are.
    """
    left, out = node.params["subs"].replace(" ", "").split("->")
    words = left.split(",") if node.operands else []
    letters = dict.fromkeys("".join(words) + out)
    spare = [c for c in string.ascii_letters if c not in letters]
    name = {}
    for c in letters:
        if c not in string.ascii_letters and not spare:
            raise CodeError("einsum has more than 52 letters", code="SD505")
        name[c] = c if c in string.ascii_letters else spare.pop(0)
    items = [(x, "".join(name[c] for c in w)) for x, w in zip(node.operands, words, strict=True)]
    sizes = {name[c]: s for w, x in zip(words, node.operands, strict=True) for c, s in zip(w, x.shape, strict=True)}
    return items, "".join(name[c] for c in out), sizes


def opened(emitter: Emitter, items: list[Item], out: str, sizes: dict[str, Expr]) -> tuple[list[Item], list[Node]]:
    """Factors that are themselves products with more axes than their own factors are multiplied out; and their coefficients.

    So the order is chosen over all factors: in the Hessian of a network the Jacobians are multiplied by layers, not the outer
    products of Jacobians.
    """
    new: list[Item] = []
    scalars: list[Node] = []
    fresh = _letters(set(sizes))
    for x, w in items:
        inner, factors, letters = _inside(x)
        if inner is None or len(items) < 2:
            new.append((x, w))
            continue
        words, inside, inner_sizes = read(inner)
        if len(set(inside)) < len(inside) or inner.rank <= max((y.rank for y, _ in words), default=0):
            new.append((x, w))
            continue
        rule = {}
        given = iter(w)
        for k, c in enumerate(inside):
            rule[c] = next(fresh) if k in letters else next(given)
        for c in inner_sizes:
            if c not in rule:
                rule[c] = next(fresh)
        sizes.update({rule[c]: s for c, s in inner_sizes.items()})
        scalars.extend(factors)
        more = [(y, "".join(rule[c] for c in v)) for y, v in words]
        deeper, others = opened(emitter, more, "".join(rule[c] for c in inside), sizes)
        new.extend(deeper)
        scalars.extend(others)
    return new, scalars


def _inside(x: Node) -> tuple[Call | None, list[Node], tuple[int, ...]]:
    """`(product, scalar factors, summed axes)` of `c*einsum(…)`, `einsum(…)/c`, `-einsum(…)`, `sum(einsum(…), axis)`."""
    scalars: list[Node] = []
    summed: tuple[int, ...] = ()
    while isinstance(x, Call):
        if x.name == "einsum":
            return x, scalars, summed
        if x.name == "sum" and not x.params["keepdims"] and isinstance(x.params["axis"], int) and not summed:
            summed = (x.params["axis"] % x.operands[0].rank,)
            x = x.operands[0]
        elif x.name == "neg":
            scalars.append(Num(-1))
            x = x.operands[0]
        elif x.name == "div" and not x.operands[1].rank:
            scalars.append(Call("div", Num(1), x.operands[1]))
            x = x.operands[0]
        elif x.name == "mul" and sum(o.rank > 0 for o in x.operands) == 1:
            scalars.extend(o for o in x.operands if not o.rank)
            x = next(o for o in x.operands if o.rank)
        else:
            break
    return None, [], ()


def _letters(taken: set[str]) -> Iterator[str]:
    """Letters that are not taken; there is no end of them."""
    k = 0
    while True:
        c = string.ascii_letters[k] if k < 52 else chr(0x4E00 + k)
        k += 1
        if c not in taken:
            yield c


def without_deltas(items: list[Item], out: str) -> tuple[list[Item], str]:
    """Identity factors whose two axes are in the output (or in other factors) are equations between letters."""
    kept: list[Item] = []
    rule: dict[str, str] = {}

    def find(c: str) -> str:
        while c in rule:
            c = rule[c]
        return c

    for x, w in items:
        if isinstance(x, Call) and x.name == "eye" and x.shape[0] == x.shape[1]:
            a, b = find(w[0]), find(w[1])
            if a != b:
                rule[max(a, b)] = min(a, b)
        else:
            kept.append((x, w))
    items = [(x, "".join(map(find, w))) for x, w in kept]
    out = "".join(map(find, out))
    return items, out


def pairwise(emitter: Emitter, items: list[Item], out: str, sizes: Mapping[str, Expr]) -> Node:
    """Nested products of two factors, in the cheapest order."""
    items = list(items)
    if len(items) > 2:
        for a, b in _order(emitter.guesses, items, out, sizes):
            left, right = items[a], items[b]
            items = [it for k, it in enumerate(items) if k not in (a, b)]
            needed = set(out).union(*(w for _, w in items)) if items else set(out)
            inner = out if not items else "".join(c for c in dict.fromkeys(left[1] + right[1]) if c in needed)
            items.append((_product([left, right], inner, sizes), inner))
        return items[0][0]
    return _product(items, out, sizes)


def _order(guess: Mapping[Expr, int], items: list[Item], out: str, sizes: Mapping[str, Expr]) -> list[tuple[int, int]]:
    from opt_einsum import contract_path

    shapes = [tuple(max(2, guess_of(sizes[c], guess)) for c in w) for _, w in items]
    path, _ = contract_path(f"{','.join(w for _, w in items)}->{out}", *shapes, shapes=True, optimize="auto")
    return [tuple(sorted(step)) for step in path]  # type: ignore[misc]


def guess_of(size: Expr, guess: Mapping[Expr, int]) -> int:
    """A number for a size; symbols that no variable has count as features."""
    return int(size.subs({s: guess.get(s, 30) for s in size.free_symbols}))


def _product(items: list[Item], out: str, sizes: Mapping[str, Expr]) -> Node:
    """One step; letters are named by first occurrence, so that equal products are one node."""
    if len(items) == 1 and items[0][1] == out:
        return items[0][0]
    if len(items) == 2 and (plain := _matrix_words(items, out)) is not None:
        return plain
    if len(items) == 2 and items[1][0].key < items[0][0].key:
        items = items[::-1]
    names = dict(zip(dict.fromkeys("".join(w for _, w in items)), string.ascii_lowercase + string.ascii_uppercase, strict=False))
    words = ["".join(names[c] for c in w) for _, w in items]
    subs = f"{','.join(words)}->{''.join(names[c] for c in out)}"
    return Hidden("contract", tuple(sizes[c] for c in out), tuple(x for x, _ in items), subs)


def _matrix_words(items: list[Item], out: str) -> Node | None:
    """`A @ Bᵀ` or `A*Bᵀ`, where two matrices or vectors are multiplied so; else None."""
    (a, v), (b, w) = items
    if max(len(v), len(w)) > 2 or len(set(v)) < len(v) or len(set(w)) < len(w) or len(set(out)) < len(out) or not v or not w:
        return None
    if set(v) == set(w) == set(out):
        return Call("mul", _turned(a, v, out), _turned(b, w, out))
    if len(out) == len(v) + len(w) - 2 and len(set(v) & set(w)) == 1 and not set(v) & set(w) & set(out):
        (s,) = set(v) & set(w)
        if out and out[-1] in v and len(out) == 2:
            (a, v), (b, w) = (b, w), (a, v)
        return Call("matmul", _turned(a, v, v.replace(s, "") + s), _turned(b, w, s + w.replace(s, "")))
    return None


def _turned(x: Node, have: str, wanted: str) -> Node:
    if have == wanted:
        return x
    return x.operands[0] if isinstance(x, Call) and x.name == "T" else Call("T", x)


def plan_contract(emitter: Emitter, node: Hidden) -> Plan:
    """One or two factors, and a number: one matrix product where that is possible, else `einsum`."""
    left = node.more.split("->")[0].split(",")
    items = list(zip(node.operands, left, strict=False))
    out = node.more.split("->")[1]

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        nest = 1 + max_nest(pieces)
        words = [p.as_number().text for p in pieces]
        if len(items) == 2 and not emitter.dialect.functional and plain_pair(items, out):
            given = ", ".join([*words[:2], repr(node.more), *words[2:]])
            return Piece(f"{emitter.word('_contract')}({given})", nest=nest)
        before, after = emitter.source(emitter.dialect.einsum("{}", ["{}"])).split("'{}', {}")
        text = f"{before}'{node.more}', {', '.join(words[: len(items)])}{after}"
        if len(words) == len(items):
            return Piece(text, nest=nest)
        return Piece(f"{pieces[-1].as_number().at(MUL)}*{text}", MUL, nest=nest)

    return Plan(node.operands, build)


def core_of(emitter: Emitter, node: Call) -> tuple[Node | None, str, str, tuple[Expr, ...]]:
    """`(core, letters, out, sizes)`: the factors over distinct letters, and where they stand; the core is None for 1."""
    items, out, sizes = read(node)
    for c, s in zip(out, node.shape, strict=True):
        sizes.setdefault(c, s)
    items, out = without_deltas(items, out)
    letters = "".join(dict.fromkeys(c for c in out if any(c in w for _, w in items)))
    core = pairwise(emitter, items, letters, sizes) if items else None
    every = letters + "".join(c for c in dict.fromkeys(out) if c not in letters)
    return core, every, out, tuple(sizes[c] for c in every)


def plan_einsum(emitter: Emitter, node: Call) -> Plan | None:
    """A product whose letters are distinct by steps of two factors; one with deltas on the diagonals of zeros."""
    items, out, sizes = read(node)
    opened_items, scalars = opened(emitter, items, out, sizes)
    if len(opened_items) > len(items):
        product = pairwise(emitter, opened_items, out, sizes)
        return same(Call("mul", *scalars, product) if scalars else product)
    has_eye = any(isinstance(x, Call) and x.name == "eye" for x, _ in items)
    if len(set(out)) == len(out) and not has_eye:
        if not out or not items:
            return same(pairwise(emitter, items, out, sizes)) if len(items) > 2 else None
        return same(pairwise(emitter, items, out, sizes))
    core, letters, to, dims = core_of(emitter, node)
    return same(embedded(emitter, core, letters, to, dims, node.shape))


def plain_pair(items: list[Item], out: str) -> bool:
    """Whether one matrix product does it: no letter twice in a factor, none that only one factor has and the output has not."""
    (_, a), (_, b) = items
    if len(set(a)) < len(a) or len(set(b)) < len(b):
        return False
    return all(c in out or (c in a and c in b) for c in a + b)


def embedded(
    emitter: Emitter, core: Node | None, letters: str, out: str, dims: tuple[Expr, ...], shape: tuple, onto: Node | None = None
) -> Hidden:
    """`core` on the diagonals that repeated letters of `out` name, added to `onto`."""
    core = Num(1) if core is None else core
    have = letters if core.rank == len(letters) else letters[: core.rank]
    sizes = ", ".join(emitter.size(s) for s in dims)
    more = f", '{letters}->{out}', ({sizes}{',' if len(dims) == 1 else ''})"
    assert len(have) == core.rank
    return Hidden("embed", shape, (core,) if onto is None else (core, onto), more)


def diagonal_term(emitter: Emitter, node: Node) -> tuple[Node | None, str, str, tuple[Expr, ...]] | None:
    """What `core_of` tells for a term that is 0 outside some diagonals; None for any other term."""
    if not isinstance(node, Call):
        return None
    if node.name == "diag" and node.rank == 2:
        return node.operands[0], "i", "ii", (node.shape[0],)
    if node.name == "eye" and node.shape[0] == node.shape[1]:
        return None, "i", "ii", (node.shape[0],)
    if node.name == "einsum":
        items, out, _ = read(node)
        _, new = without_deltas(items, out)
        if len(set(new)) < len(new):
            return core_of(emitter, node)
    return None


def scaled_diagonal(emitter: Emitter, node: Node) -> tuple[Node | None, str, str, tuple[Expr, ...]] | None:
    """The same for a multiple by scalars, which goes into the core."""
    found = diagonal_term(emitter, node)
    if found is not None or not isinstance(node, Call):
        return found
    if node.name == "neg":
        wrap = [node.operands[0]]
    elif node.name == "mul":
        wrap = [x for x in node.operands if x.rank]
    elif node.name == "div" and not node.operands[1].rank:
        wrap = [node.operands[0]]
    else:
        return None
    inner = scaled_diagonal(emitter, wrap[0]) if len(wrap) == 1 and wrap[0].rank == node.rank else None
    if inner is None:
        return None
    core = Num(1) if inner[0] is None else inner[0]
    return node.with_operands([core if x is wrap[0] else x for x in node.operands]), *inner[1:]


def plan_add(emitter: Emitter, node: Call) -> Plan | None:
    """Terms that are 0 outside diagonals are added on the diagonals of the others: no n×n diagonal is built."""
    if node.rank < 2 or emitter.dialect.functional:
        return None
    found = [scaled_diagonal(emitter, t) if t.shape == node.shape else None for t in node.operands]
    if not any(found):
        return None
    dense = [t for t, f in zip(node.operands, found, strict=True) if f is None]
    base: Node | None = None
    if dense:
        base = dense[0] if len(dense) == 1 else Call("add", *dense)
        if base.shape != node.shape:
            return None
    for f in found:
        if f is not None:
            base = embedded(emitter, *f, node.shape, base)
    assert base is not None
    return same(base)


def plan_sum(emitter: Emitter, node: Call) -> Plan | None:
    """`sum(A*(B @ C), axis=1)` as `sum(B*(A @ Cᵀ), axis=1)` where that product is needed anyway."""
    x = node.operands[0]
    if plan := _plan_picked(emitter, node):
        return plan
    if x.rank != 2 or node.params["axis"] not in (1, -1) or not isinstance(x, Call) or x.name != "mul" or len(x.operands) != 2:
        return None
    for a, product in (x.operands, x.operands[::-1]):
        if not (isinstance(product, Call) and product.name == "matmul" and len(product.operands) == 2) or a.rank != 2:
            continue
        b, c = product.operands
        if b.rank != 2 or c.rank != 2:
            continue
        turned = c.operands[0] if isinstance(c, Call) and c.name == "T" else Call("T", c)
        other = Call("matmul", a, turned)
        if other in emitter.words_known and node not in emitter.turned:
            new = Call("sum", Call("mul", b, other), axis=node.params["axis"], keepdims=node.params["keepdims"])
            emitter.turned.add(new)  # it is not turned back
            return same(new)
    return None


def _plan_picked(emitter: Emitter, node: Call) -> Plan | None:
    """`sum(onehot(y)*A, axis=-1)`: the entry of each row that its label names; over all axes the sum of those."""
    x, axis = node.operands[0], node.params["axis"]
    whole = axis is None and x.rank > 1 and not node.params["keepdims"]
    if not (isinstance(x, Call) and x.name == "mul" and len(x.operands) == 2 and (whole or axis in (-1, x.rank - 1))):
        return None
    for hot, a in (x.operands, x.operands[::-1]):
        if isinstance(hot, Call) and hot.name == "onehot" and hot.shape == a.shape and not emitter.is_plain(hot.operands[0]):
            if whole:
                return same(Call("sum", Hidden("pick", x.shape[:-1], (a, hot.operands[0]))))
            more = ", keepdims=True" if node.params["keepdims"] else ""
            return same(Hidden("pick", node.shape, (a, hot.operands[0]), more))
    return None


# scaled products and squares --------------------------------------------------------------------------------------------------
def plan_scaled(emitter: Emitter, node: Call) -> Plan | None:
    """`c*einsum(…)`, `-einsum(…)/c` of three axes and more: the number goes into the product, not over its result."""
    if node.rank < 3 or emitter.dialect.functional:
        return None
    if found := scaled_diagonal(emitter, node):
        return same(embedded(emitter, *found, node.shape))
    inner, scalars, summed = _inside(node)
    if inner is None or not scalars or summed or inner.rank != node.rank or emitter.uses_of(inner) > 1:
        return None
    items, out, sizes = read(inner)
    if len(items) < 2 or len(set(out)) < len(out) or any(isinstance(x, Call) and x.name == "eye" for x, _ in items):
        return None
    items, more = opened(emitter, items, out, sizes)
    scalars += more
    product = pairwise(emitter, items, out, sizes)
    if not isinstance(product, Hidden):
        return None
    scale = scalars[0] if len(scalars) == 1 else Call("mul", *scalars)
    return same(Hidden("contract", node.shape, (*product.operands, scale), product.more))


_NONNEGATIVE = {
    "exp", "sigmoid", "softmax", "softplus", "relu", "abs", "square", "cosh", "onehot", "norm", "gt", "ge", "lt", "le", "sqrt",
}  # fmt: skip


def is_nonnegative(node: Node) -> bool:
    """Whether all entries are at least 0 by structure."""
    if isinstance(node, Num):
        return bool(node.value.is_nonnegative)
    if not isinstance(node, Call):
        return bool({"positive", "nonnegative", "onehot", "simplex"} & getattr(node, "attrs", frozenset()))
    if node.name in _NONNEGATIVE:
        return True
    if node.name == "pow" and isinstance(node.operands[1], Num):
        e = node.operands[1].value
        return bool(e.is_Integer and e % 2 == 0) or is_nonnegative(node.operands[0])
    if node.name == "add" and len(node.operands) == 2:  # 1 - σ(u), 1 - tanh(u)², 1 - softmax(u)
        for one, other in (node.operands, node.operands[::-1]):
            x = other.operands[0] if isinstance(other, Call) and other.name == "neg" else None
            if isinstance(one, Num) and one.value >= 1 and isinstance(x, Call):
                x = x.operands[0] if x.name == "pow" else x
                if isinstance(x, Call) and x.name in ("sigmoid", "tanh", "softmax"):
                    return True
    if node.name in ("add", "mul", "div", "sum", "mean", "T", "maximum", "diag"):
        return all(map(is_nonnegative, node.operands))
    if node.name == "where":
        return all(map(is_nonnegative, node.operands[1:]))
    return False
