"""Words built the way a person writes them: transposes at the leaves, no product with 1, division as division."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, S, fraction

from ..expr.nodes import Call, Node, Num
from ..expr.sizes import product, written_minus
from ..simplify.facts import is_symmetric

LARGE = 80  # nodes of a word that is transposed as a whole


def transpose(x: Node) -> Node:
    """`xᵀ` with the transposes moved to the leaves of products."""
    if x.rank != 2:
        return x
    if isinstance(x, Call) and x.tree_size > LARGE:
        return x.operands[0] if x.name == "T" else Call("T", x)  # a copy with moved transposes would share nothing
    if isinstance(x, Call):
        if x.name == "T":
            return x.operands[0]
        if x.name == "matmul" and all(o.rank == 2 for o in x.operands):
            return matmul(*(transpose(o) for o in reversed(x.operands)))
        if x.name == "outer":
            return Call("outer", x.operands[1], x.operands[0])
        if x.name in ("tril", "triu"):
            return Call("triu" if x.name == "tril" else "tril", transpose(x.operands[0]), k=-x.params["k"])
        if x.name in ("neg", "mul", "div") and all(o.rank == 0 or o.shape == x.shape for o in x.operands):
            return Call(x.name, *(transpose(o) for o in x.operands))
        if x.name == "diag" or (x.name == "eye" and x.shape[0] == x.shape[1]):
            return x
        if x.name == "ones":
            return Call("ones", shape=x.shape[::-1])
    if is_symmetric(x) or _symmetric_word(x):
        return x
    return Call("T", x)


def _symmetric_word(x: Node) -> bool:
    """Symmetric by the shape of the words: `A + A.T`, `inv(A)` of a symmetric matrix, `A.T @ A`."""
    if x.rank != 2 or x.shape[0] != x.shape[1] or not isinstance(x, Call):
        return False
    if x.name in ("inv", "pinv", "sqrtm"):
        return is_symmetric(x.operands[0]) or _symmetric_word(x.operands[0])
    if x.name == "outer":
        return x.operands[0] is x.operands[1]
    if x.name == "matmul" and len(x.operands) <= 8:
        return all(a.rank == 2 and transpose(a) is b for a, b in zip(x.operands, reversed(x.operands), strict=True))
    if x.name == "add" and len(x.operands) <= 8:
        terms = set(x.operands)
        return all(
            t.rank == 0 or (t.rank == 2 and (is_symmetric(t) or _symmetric_word(t) or transpose(t) in terms)) for t in terms
        )
    return x.name in ("diag", "eye") and x.rank == 2


def matmul(*xs: Node) -> Node:
    """The product of a chain, flat; vectors only at the ends."""
    flat: list[Node] = []
    for x in xs:
        if isinstance(x, Call) and x.name == "matmul" and x.rank == 2:
            flat.extend(x.operands)
        elif isinstance(x, Call) and x.name == "matmul" and x.rank == 1:
            # a row at the front or a column at the end can be spliced in
            first, last = x.operands[0].rank, x.operands[-1].rank
            if (x is xs[0] and first == 1) or (x is xs[-1] and last == 1):
                flat.extend(x.operands)
            else:
                flat.append(x)
        else:
            flat.append(x)
    if len(flat) > 1:
        flat = constants(flat)
    return flat[0] if len(flat) == 1 else Call("matmul", *flat)


def constants(chain: list[Node]) -> list[Node]:
    """Constant 0/1 matrices at the front of a chain as what they do: `cumsum`, a reversal, a slice, an entry."""
    from .selections import apply_first, apply_last

    while len(chain) > 1:
        new = apply_first(chain)
        if new is None:
            new = apply_last(chain)
        if new is None:
            break
        chain = new
    return chain


def row(x: Node) -> Node:
    """A vector as a row of a product: `A.T @ v` becomes `v @ A` where that saves transposes."""
    if isinstance(x, Call) and x.name == "matmul" and x.operands[-1].rank == 1 and all(o.rank == 2 for o in x.operands[:-1]):
        return matmul(x.operands[-1], *(transpose(o) for o in reversed(x.operands[:-1])))
    return x


def dot(u: Node, v: Node) -> Node:
    """`u @ v`, the products on either side spliced with the fewest transposes."""
    one, other = matmul(row(u), v), matmul(row(v), u)
    return other if size(other) < size(one) else one


def size(x: Node) -> int:
    """Length of a word as text, roughly: nodes, with a transpose as one."""
    return x.tree_size


COMPARISONS = ("gt", "ge", "lt", "le", "eq", "ne")
_UNSAFE = ("log", "sqrt", "div", "pow", "digamma", "lgamma", "tan", "arccosh", "log1p")


def indicator(x: Node) -> Node | None:
    """The comparison `c` of `where(c, 1, 0)`."""
    if isinstance(x, Call) and x.name == "where" and x.operands[1] is Num(1) and x.operands[2] is Num(0):
        return x.operands[0]
    return None


def valued(x: Node) -> Node:
    """A bare comparison as the number 0 or 1."""
    return Call("where", x, Num(1), Num(0)) if isinstance(x, Call) and x.name in COMPARISONS else x


def _guarded(num: list[Node], den: list[Node]) -> Node | None:
    """`where(c, f, 0)` for an indicator times factors that need not be finite where it is 0."""
    off = next((x for x in num if isinstance(x, Call) and x.name == "where" and x.operands[1:] == (Num(0), Num(1))), None)
    if off is not None and (den or any(isinstance(x, Call) and x.name in _UNSAFE for x in num)):
        rest = list(num)
        rest.remove(off)
        return Call("where", off.operands[0], Num(0), multiply(rest, den))
    hot = next((x for x in num if indicator(x) is not None), None)
    if hot is None or not (den or any(isinstance(x, Call) and x.name in _UNSAFE for x in num)):
        return None
    rest = list(num)
    rest.remove(hot)
    return Call("where", indicator(hot), multiply(rest, den), Num(0))


def _triangle(num: list[Node], den: list[Node]) -> Node | None:
    """`tril(M)` for a triangle of ones times `M`: what lies outside need not be finite."""
    for k, x in enumerate(num):
        flipped = isinstance(x, Call) and x.name == "T"
        mask = x.operands[0] if flipped and isinstance(x, Call) else x
        if isinstance(mask, Call) and mask.name == "tri" and any(y.shape == x.shape for j, y in enumerate(num) if j != k):
            inside = [y for y in den if y.shape == x.shape]
            rest = multiply([y for j, y in enumerate(num) if j != k], inside)
            if rest.shape == x.shape:
                shift = mask.params["k"]
                word = _masked(rest, "triu" if flipped else "tril", -shift if flipped else shift)
                return multiply([word], [y for y in den if y.shape != x.shape])
    return None


def _masked(x: Node, name: str, k: int) -> Node:
    """`tril(x)`; of a power the power of the triangle."""
    if isinstance(x, Call) and x.name == "pow" and isinstance(x.operands[1], Num) and x.operands[1].value.is_positive:
        return Call("pow", Call(name, x.operands[0], k=k), x.operands[1])
    return Call(name, x, k=k)


def bare_conditions(num: Sequence[Node]) -> list[Node]:
    """Indicators as bare comparisons where another factor makes the product a number."""
    if len(num) > 1 and any(indicator(x) is None and x.rank == max(y.rank for y in num) for x in num):
        return [indicator(x) or x for x in num]
    return list(num)


def multiply(num: Sequence[Node], den: Sequence[Node] = ()) -> Node:
    """`num… / den…` entrywise, in reading order; an indicator is a bare comparison next to numbers."""
    guarded = _guarded(list(num), list(den)) or _triangle(list(num), list(den))
    if guarded is not None:
        return guarded
    num = beside_complements(sorted(bare_conditions(num), key=factor_order))
    top = Num(1) if not num else num[0] if len(num) == 1 else Call("mul", *num)
    if not den:
        return top
    den = sorted(den, key=factor_order)
    return Call("div", top, den[0] if len(den) == 1 else Call("mul", *den))


def beside_complements(factors: list[Node]) -> list[Node]:
    """`p` next to `1 - p`: `(p - y) p (1 - p)`, not `p (p - y)(1 - p)`."""
    out = list(factors)
    for x in factors:
        p = _complemented(x)
        if p is not None and p in out:
            out.remove(p)
            out.insert(next(k for k, y in enumerate(out) if y is x), p)
    return out


def _complemented(x: Node) -> Node | None:
    """`p` of `1 - p`."""
    if isinstance(x, Call) and x.name == "add" and len(x.operands) == 2:
        for one, other in (x.operands, x.operands[::-1]):
            if isinstance(one, Num) and one.value == 1 and isinstance(other, Call) and other.name == "neg":
                return other.operands[0]
    return None


def factor_order(x: Node) -> tuple:
    """Numbers, then scalars, then names, powers, functions, products, sums."""
    if isinstance(x, Num):
        return (0, 0, "")
    kind = 1
    if isinstance(x, Call):
        kind = {"add": 6, "matmul": 4, "pow": 1, "T": 1}.get(x.name, 3)
        if x.name == "pow" and isinstance(x.operands[0], Call):
            kind = 3 if x.operands[0].name != "add" else 6
    return (1 if x.rank == 0 else 2, kind, x.depth, _name(x))


def _name(x: Node) -> str:
    while not hasattr(x, "name") or (isinstance(x, Call) and x.operands):
        if not x.operands:
            return ""
        if isinstance(x, Call) and x.name not in ("pow", "T", "matmul", "mul", "neg"):
            return x.name
        x = x.operands[0]
    return x.name


def scaled(coef: Expr, num: list[Node], body: Node | None, den: list[Node]) -> Node:
    """`coef · num… · body / den…` for scalars `num`, `den` and an array or nothing."""
    coef, num, body = _averages(coef, num, body)
    top, bottom = fraction(coef) if not coef.is_Float else (coef, S.One)
    negative = written_minus(top)
    if negative:
        top = -top
    guarded = _guarded(num, den) if body is None else None
    if guarded is not None:
        num, den = [guarded], []
    bare = bare_conditions([*num, body])[:-1] if body is not None else bare_conditions(num)
    front: list[Node] = beside_complements(sorted(bare, key=factor_order))
    if top != 1 or (not front and body is None):
        front = [Num(top), *front]
    if body is not None:
        if isinstance(body, Call) and body.name == "mul" and body.rank and front:
            front.extend(body.operands)
        elif isinstance(body, Call) and body.name == "div" and front:
            return _signed(
                negative, _over(_times([*front, *_factors(body.operands[0])]), [*_factors(body.operands[1]), *den], bottom)
            )
        else:
            front.append(body)
    return _signed(negative, _over(_times(front), den, bottom))


def _averages(coef: Expr, num: list[Node], body: Node | None) -> tuple[Expr, list[Node], Node | None]:
    """`sum(x)/n` as `mean(x)` where `n` is the number of entries summed."""
    num = list(num)
    for k, x in enumerate([*num, *([body] if body is not None else [])]):
        if isinstance(x, Call) and x.name == "sum" and coef != 1:
            r = x.operands[0]
            axis = x.params["axis"]
            axes = range(r.rank) if axis is None else [axis] if isinstance(axis, int) else axis
            count = product(tuple(r.shape[a] for a in axes))
            bottom = fraction(coef)[1]
            if count.free_symbols and count.free_symbols <= bottom.free_symbols:
                fewer = fraction(coef * count)[1]
                if not (count.free_symbols & fewer.free_symbols) or fewer.count_ops() < bottom.count_ops():
                    mean = Call("mean", r, axis=axis, keepdims=x.params["keepdims"])
                    coef = coef * count
                    if k < len(num):
                        num[k] = mean
                    else:
                        body = mean
    return coef, num, body


def _factors(x: Node) -> list[Node]:
    if isinstance(x, Num) and x.value == 1:
        return []
    return list(x.operands) if isinstance(x, Call) and x.name == "mul" else [x]


def _times(xs: list[Node]) -> Node:
    xs = [x for x in xs if not (isinstance(x, Num) and x.value == 1)] or [Num(1)]
    return xs[0] if len(xs) == 1 else Call("mul", *xs)


def _over(x: Node, den: list[Node], bottom: Expr) -> Node:
    below = ([Num(bottom)] if bottom != 1 else []) + sorted(den, key=factor_order)
    if not below:
        return x
    if isinstance(x, Call) and x.name == "div":
        return Call("div", x.operands[0], _times([*below, *_factors(x.operands[1])]))
    return Call("div", x, _times(below))


def _signed(negative: bool, x: Node) -> Node:
    if not negative:
        return x
    if isinstance(x, Num):
        return Num(-x.value)
    if isinstance(x, Call) and x.name in ("mul", "div"):
        first = x.operands[0]
        if isinstance(first, Num):
            return Call(x.name, Num(-first.value), *x.operands[1:])
        if isinstance(first, Call) and first.name == "mul" and isinstance(first.operands[0], Num):
            return Call(x.name, Call("mul", Num(-first.operands[0].value), *first.operands[1:]), *x.operands[1:])
    return Call("neg", x)


def total(x: Node, axis=None, keepdims: bool = False) -> Node:
    """`sum(x)`: of a sum of squares a norm, of a product of two a trace or inner product, of a sum all at once."""
    if isinstance(x, Call) and x.name == "sum" and axis is None and not x.params["keepdims"]:
        x = x.operands[0]
    if axis is None and not keepdims and isinstance(x, Call):
        if x.name == "pow" and isinstance(x.operands[1], Num) and x.operands[1].value == 2:
            r = x.operands[0]
            if r.rank == 1 and not isinstance(r, Call):
                return Call("matmul", r, r)
            if r.rank in (1, 2):
                return Call("pow", Call("norm", r), Num(2))
        if x.name == "mul" and x.rank == 2 and len(x.operands) == 2 and all(o.rank == 2 for o in x.operands):
            a, b = x.operands
            traces = [Call("trace", matmul(p, transpose(q))) for p, q in ((a, b), (b, a))]
            shortest = min(traces, key=size)
            if size(shortest) < size(x) + 1:
                return shortest
        if x.name == "abs" and x.rank in (1,):
            return Call("norm", x.operands[0], ord=1)
    return Call("sum", x, axis=axis, keepdims=keepdims)
