"""From the core to the words a person would write."""

from __future__ import annotations

from sympy import S, Tuple

from ..expr.nodes import Add, Call, Einsum, Node, Num, Shared
from ..expr.sizes import written_minus
from ..simplify.add import add, primitive
from ..simplify.product import is_broadcast_axis, ones, scale, split_coef
from . import build
from .contract import contract

_exact: dict[Node, Node] = {}
_loose: dict[Node, Node] = {}


def to_words(core: Node) -> Node:
    """The words of a core expression, of exactly its shape."""
    _fill(core)
    return _exact[core]


def _fill(core: Node) -> None:
    """Words for every node below, operands first."""
    if len(_exact) > 50_000:
        _exact.clear()
        _loose.clear()
    stack: list[tuple[Node, bool]] = [(core, False)]
    while stack:
        node, ready = stack.pop()
        if node in _exact:
            continue
        if ready or not node.operands:
            _exact[node], _loose[node] = _visit(node)
        else:
            stack.append((node, True))
            stack.extend((o, False) for o in reversed(node.operands) if o not in _exact)


def _visit(node: Node) -> tuple[Node, Node]:
    if isinstance(node, Shared):
        return _exact[node.args[0]], _loose[node.args[0]]
    if isinstance(node, Add):
        word = _sum(node)
        return word, word
    if isinstance(node, Einsum):
        node = _absorb_sign(_turn_complements(node))
        if not isinstance(node, Einsum):
            word = to_words(node)
            return word, word
        items = [(_exact[x], ls) for x, ls in node.items]
        sizes = dict(enumerate(node.sizes))
        exact = contract(node.coef, items, node.out, sizes)
        if any(is_broadcast_axis(node, a) for a in range(node.rank)):
            return exact, contract(node.coef, items, node.out, sizes, exact=False)
        return exact, exact
    if isinstance(node, Call) and node.operands:
        word = _call(node)
        return condition_value(word), word
    return node, node


def _turn_complements(node: Einsum) -> Einsum:
    """`y (σ(a - b) - 1)` as `-y σ(b - a)`, and the same for a step."""
    for k, (x, _ls) in enumerate(node.items):
        if isinstance(x, Add) and len(x.terms) == 2:
            turned = add([scale(t, S.NegativeOne) for t in x.terms])
            if isinstance(turned, Add) and _one_minus_sigmoid(turned) is not None:
                node = _as_is(-node.coef, [(turned if j == k else y, ms) for j, (y, ms) in enumerate(node.items)], node)
    return node


def _absorb_sign(node: Einsum) -> Node:
    """`-A (y - p)` as `A (p - y)`: a minus goes into a difference, which is turned round; not into one of `(x - m)(x - m)ᵀ`."""
    if not written_minus(node.coef):
        return node
    for k, (x, _ls) in enumerate(node.items):
        twice = sum(y is x for y, _ in node.items) > 1
        turns = isinstance(x, Add) and not twice and _one_minus_sigmoid(x) is None
        if isinstance(x, Add) and turns and any(negative(_loose[t]) for t in x.terms):
            turned = add([scale(t, S.NegativeOne) for t in x.terms])
            new = to_words(turned)
            if isinstance(turned, Add) and not negative(new.operands[0] if isinstance(new, Call) and new.operands else new):
                items = [(turned if j == k else y, ms) for j, (y, ms) in enumerate(node.items)]
                return _as_is(-node.coef, items, node)
    return node


def _as_is(coef, items, node: Einsum) -> Einsum:
    """A product on given items without bringing it to normal form."""
    out = Einsum(coef, Tuple(*(x for x, _ in items)), node.args[2], node.args[3], node.args[4])
    _fill_items(out)
    return out


def _fill_items(node: Einsum) -> None:
    for x, _ in node.items:
        if x not in _exact:
            to_words(x)


def _sum(node: Add) -> Node:
    words = [condition_value(_loose[t]) for t in node.terms]
    if all(degree(w) is not None for w in words):
        words.sort(key=lambda w: (-(degree(w) or 0), negative(w), build._name(positive_part(w))))
    else:
        words.sort(key=term_order)
    flipped = _one_minus_sigmoid(node)
    if flipped is not None:
        return flipped
    if len(words) > 1 and negative(words[0]):
        first = next((k for k, w in enumerate(words) if not negative(w)), 0)
        words.insert(0, words.pop(first))
    word = Call("add", *words)
    c, body = primitive(node)
    if c not in (1, -1) and body is not node:
        short = build.scaled(c, [], to_words(body), [])
        if short.tree_size < word.tree_size and short.shape == node.shape:
            return short
    if word.shape != node.shape:
        word = Call("add", *words, Call("zeros", shape=node.shape))
    return word


def _one_minus_sigmoid(node: Add) -> Node | None:
    """`1 - σ(y - x)` as `σ(x - y)`, and the same for a step: a difference is written the other way round."""
    if len(node.terms) != 2:
        return None
    for one, other in (node.terms, node.terms[::-1]):
        c, body = split_coef(other)
        if c != -1 or one is not ones(node.shape) or not isinstance(body, Call) or body.name not in ("sigmoid", "heaviside"):
            continue
        u = body.operands[0]
        if isinstance(u, Add) and any(negative(_loose[t]) for t in u.terms):
            turned = to_words(scale(u, S.NegativeOne))
            if not negative(turned):
                return Call(body.name, turned, *(_exact[o] for o in body.operands[1:]))
    return None


def condition_value(word: Node) -> Node:
    """A comparison as the number 0 or 1: bare ones are truth values in NumPy, which do not subtract or multiply as numbers."""
    if isinstance(word, Call) and word.name in build.COMPARISONS:
        return Call("where", word, Num(1), Num(0))
    return word


def negative(word: Node) -> bool:
    """Whether the word is written with a minus in front."""
    if isinstance(word, Num):
        return written_minus(word.value)
    if isinstance(word, Call) and word.name == "neg":
        return True
    if isinstance(word, Call) and word.name in ("mul", "div", "matmul"):
        return negative(word.operands[0])
    return False


def positive_part(word: Node) -> Node:
    if isinstance(word, Call) and word.name == "neg":
        return word.operands[0]
    return word


def degree(word: Node) -> int | None:
    """The exponent of a monomial `c x^k` in one variable, else None."""
    word = positive_part(word)
    if isinstance(word, Call) and word.name == "mul" and isinstance(word.operands[0], Num) and len(word.operands) == 2:
        word = word.operands[1]
    if isinstance(word, Num):
        return 0
    if not isinstance(word, Call) and not word.operands:
        return 1
    if (
        isinstance(word, Call)
        and word.name == "pow"
        and not isinstance(word.operands[0], Call)
        and isinstance(word.operands[1], Num)
    ):
        e = word.operands[1].value
        return int(e) if e.is_Integer else None
    return None


def term_order(word: Node) -> tuple:
    """Positive terms first, products before plain names, higher powers first, numbers where people put them."""
    k = degree(word)
    plain = positive_part(word)
    if isinstance(plain, Num):
        return (negative(word), 9, 0, "")
    if k is not None:
        return (negative(word), 3, -k, build._name(plain))
    bucket = 2
    if isinstance(plain, Call):
        if _has(plain, "matmul", "einsum", "outer"):
            bucket = 0
        elif plain.name in ("mul", "div"):
            bucket = 1
        elif plain.name == "eye" or (plain.name == "diag" and plain.rank == 2):
            bucket = -1
        elif plain.name == "T":
            bucket = 4
    return (negative(word), bucket, 0, build._name(plain))


def _has(word: Call, *names: str) -> bool:
    if word.name in names:
        return True
    return any(isinstance(o, Call) and o.name in names for o in word.operands)


def _call(node: Call) -> Node:
    operands = [_loose[o] if node.op.elementwise else _exact[o] for o in node.operands]
    if node.name in build.COMPARISONS or node.name == "where":
        first = [operands[0]] if node.name == "where" else []
        operands = first + [condition_value(o) for o in operands[len(first) :]]
    else:
        operands = [condition_value(o) for o in operands]
    if node.name == "pow":
        return _power(operands[0], node.operands[0], node.operands[1])
    if node.name == "nuclear":
        return Call("norm", *operands, ord="nuc")
    params = dict(node.params)
    if node.name in ("logsumexp", "max", "min", "prod"):
        rank = node.operands[0].rank
        axis = params["axis"]
        if rank == 1 or (isinstance(axis, tuple) and len(axis) == rank):
            params["axis"] = None
        elif isinstance(axis, int):
            params["axis"] = axis + rank
    if node.name in ("softmax", "log_softmax") and isinstance(params["axis"], int) and params["axis"] != -1:
        params["axis"] += node.operands[0].rank
    return Call(node.name, *operands, **params)


def _power(base: Node, core: Node, exponent: Node) -> Node:
    if not isinstance(exponent, Num):
        return Call("pow", base, _loose[exponent])
    e = exponent.value
    if written_minus(e):
        return Call("div", Num(1), _positive_power(base, core, -e))
    return _positive_power(base, core, e)


def _positive_power(base: Node, core: Node, e) -> Node:
    """`b**e`: square roots of sums of squares are norms."""
    if e.is_Rational and e.q == 2:
        root = _norm(core, base) or _norm_of_sum(base)
        if root is not None:
            return root if e == S.Half else Call("pow", root, Num(2 * e))
        if e == S.Half:
            return Call("sqrt", base)
    return base if e == 1 else Call("pow", base, Num(e))


def _norm(core: Node, base: Node) -> Node | None:
    """`norm(x)` where the base is `Σ x²` over all axes or some."""
    if not isinstance(core, Einsum) or core.coef != 1 or len(core.items) != 1:
        return None
    x, ls = core.items[0]
    if not (isinstance(x, Call) and x.name == "pow" and x.operands[1] is Num(2)) or len(set(ls)) < len(ls):
        return None
    summed = [k for k, i in enumerate(ls) if i not in core.out]
    r = _exact[x.operands[0]]
    if x.rank <= 2 and len(summed) == x.rank and core.rank == 0:
        return Call("norm", r)
    if x.rank == 2 and len(summed) == 1 and core.rank == 1:
        return Call("norm", r, axis=summed[0])
    return None


def _norm_of_sum(base: Node) -> Node | None:
    """The same where the words are `sum(x**2, axis=…)`."""
    if not isinstance(base, Call) or base.name != "sum" or base.params["keepdims"] or base.operands[0].rank > 2:
        return None
    square, axis = base.operands[0], base.params["axis"]
    squared = isinstance(square, Call) and square.name == "pow" and square.operands[1] is Num(2)
    if squared and (axis is None or isinstance(axis, int)):
        return Call("norm", square.operands[0], axis=axis)
    return None
