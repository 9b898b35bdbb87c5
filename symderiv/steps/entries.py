"""Core expressions by their entries: `Σ_k X_ik w_k − y_i` for `X w − y`.

The axes of a product have labels, so its entries are read off: every label becomes an index, those that the result does not
have are
summed. `Letters` chooses the letters.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, S, fraction
from sympy.core.symbol import Str

from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Shared, Var
from ..expr.walk import postorder
from ..notation import build
from ..notation.words import negative, to_words
from ..simplify.factors import base_and_exponent
from ..simplify.product import Network, scale, split_coef
from .pairing import negate, times
from .trace import is_one

POOL = "ijklmprstauvxehqbcfgyz"
DEEP = 120  # nesting beyond which an entry is written as the entry of a word


class Letters:
    """Indices by the lengths of their axes: the same letter for the same axis wherever it can be."""

    def __init__(self, taken: Iterable[str]) -> None:
        taken = set(taken)
        self.pool = [c for c in POOL if c not in taken] + [f"i_{k}" for k in range(1, 40) if f"i_{k}" not in taken]
        self.known: dict[Expr, list[Index]] = {}
        self.all: list[Index] = []

    def take(self, size: Expr, used: Iterable[Node]) -> Index:
        """An index for an axis of this length, other than those in `used`."""
        used = set(used)
        for index in self.known.get(size, ()):
            if index not in used:
                return index
        mine = {i for found in self.known.values() for i in found}
        name = next((c for c in self.pool if Index(Str(c)) not in mine and Index(Str(c)) not in used), None)
        if name is None:
            name = next(c for c in (f"i_{k}" for k in range(40, 4000)) if Index(Str(c)) not in used)
        index = Index(Str(name))
        self.known.setdefault(size, []).append(index)
        return index

    def take_all(self, shape: Sequence[Expr], used: Iterable[Node]) -> tuple[Index, ...]:
        out: list[Index] = []
        for size in shape:
            out.append(self.take(size, [*used, *out]))
        return tuple(out)


@dataclass
class Factor:
    """A factor of a product under the sum signs: its words and the summed indices it has.

    Attributes:
        free: how late a free index of the variable it has: `Σ_i r_i X_ij`, with the factor that the variable meets at the end.
        last: whether it is a derivative, which stands after everything.
    """

    word: Node
    indices: frozenset[Node]
    last: bool = False
    free: int = 0


def delta(a: Node, b: Node) -> Node:
    """`δ_ab`"""
    return Call("where", Call("eq", a, b), Num(1), Num(0))


def at(x: Node, indices: Sequence[Node]) -> Node:
    """`x[i, j]`"""
    return Call("getitem", x, *indices, spec=("at",) * len(indices)) if indices else x


class Entries:
    """Writes entries.

    Attributes:
        letters: where indices come from.
        free: the indices of the variable's entry.
        place: where a value stands in the problem; terms and factors keep that order.
        derivative: variables that stand for partial derivatives; they come last in products.
    """

    def __init__(
        self,
        letters: Letters,
        free: Sequence[Index] = (),
        place: Callable[[Node], tuple[int, int]] = lambda node: (0, 0),
    ) -> None:
        self.letters, self.free, self.place = letters, tuple(free), place
        self.derivative: set[Node] = set()
        self.preferred: dict[Node, tuple[Index, ...]] = {}

    def entry(self, core: Node, indices: Sequence[Node], used: frozenset[Node], depth: int = 0) -> Node:
        """The entry of `core` at the indices; `used` are letters that sums inside must not take."""
        used = used | {n for i in indices for n in postorder(i)}
        if isinstance(core, Shared):
            return self.entry(core.args[0], indices, used, depth + 1)
        if isinstance(core, Num):
            return core
        if isinstance(core, Var) or depth > DEEP:
            return at(core if isinstance(core, Var) else to_words(core), indices)
        if isinstance(core, Add):
            return self.sum([self.entry(t, indices, used, depth + 1) for t in sorted(core.terms, key=self.place)])
        if isinstance(core, Einsum):
            net = Network(S.One)
            labels = [net.label(s) for s in core.shape]
            net.put(core, labels)
            return self.product(net, dict(zip(labels, indices, strict=True)), used, depth + 1)
        assert isinstance(core, Call)
        if core.op.elementwise:
            return self.elementwise(core, [self.entry(o, indices if o.rank else (), used, depth + 1) for o in core.operands])
        if core.name == "onehot" and core.rank and core.rank == core.operands[0].rank + 1:
            return delta(self.entry(core.operands[0], indices[:-1], used, depth + 1), indices[-1])
        return at(to_words(core), indices)

    def elementwise(self, core: Call, xs: list[Node]) -> Node:
        if core.name == "pow" and isinstance(xs[1], Num):
            e = xs[1].value
            if e.could_extract_minus_sign():
                return Call("div", Num(1), _positive_power(xs[0], -e))
            return _positive_power(xs[0], e)
        return core.with_operands(xs)

    def sum(self, terms: list[Node]) -> Node:
        """Positive terms first, numbers last."""
        flat: list[Node] = []
        for t in terms:
            flat.extend(t.operands if isinstance(t, Call) and t.name == "add" else [t])
        flat.sort(key=lambda t: (negative(t), isinstance(t, Num)))
        return flat[0] if len(flat) == 1 else Call("add", *flat)

    def product(self, net: Network, bound: dict[int, Node], used: frozenset[Node], depth: int = 0) -> Node:
        """The words of a product: labels in `bound` have their indices, the others are summed."""
        coef = net.coef
        place: dict[int, Node] = {}
        deltas: list[Node] = []
        for label, index in bound.items():
            root = net.find(label)
            if root in place and place[root] is not index:
                deltas.append(delta(place[root], index))
            place.setdefault(root, index)
        items = [(x, [net.find(i) for i in ls]) for x, ls in net.items]
        items.sort(key=lambda item: self.place(item[0]))
        again = [it for k, it in enumerate(items) if any(x is it[0] for x, _ in items[:k])]
        items = [it for it in items if all(it is not a for a in again)] + again  # xᵀ A x: the second x after A
        items, coef = _turned(cancelled(items), coef)
        items = self._labelled(items, place, used, depth)
        here = used | set(place.values())
        wanted = self._wanted(items)
        summed: dict[int, tuple[Index, Expr]] = {}
        for _, ls in items:
            for i in ls:
                if i not in place:
                    index = wanted.get(i)  # type: ignore[assignment]
                    if index is None or index in here:
                        index = self.letters.take(net.size[i], here)
                    here = here | {index}
                    place[i] = index
                    summed[i] = (index, net.size[i])
        for i in range(len(net.parent)):
            if net.find(i) == i and i not in place and net.size[i] != 1:
                coef = coef * net.size[i]
        names = {index for index, _ in summed.values()}
        factors = [self._factor(x, [place[i] for i in ls], names, here, depth) for x, ls in items]
        factors.sort(key=lambda f: (f.last, f.free))
        sizes = dict(summed.values())
        body = nested([*(Factor(d, frozenset()) for d in deltas), *factors], list(sizes), sizes)
        return scaled(coef, body, self.derivative)

    def _labelled(self, items, place: dict[int, Node], used: frozenset[Node], depth: int):
        """`Σ_p δ_yp W_pm` is `W_ym`: a summed label that a one-hot vector picks is that label."""
        out = []
        for x, ls in items:
            picks = isinstance(x, Call) and x.name == "onehot" and x.rank == x.operands[0].rank + 1
            if (
                picks
                and ls[-1] not in place
                and all(i in place for i in ls[:-1])
                and any(ls[-1] in ms for y, ms in items if y is not x)
            ):
                place[ls[-1]] = self.entry(x.operands[0], [place[i] for i in ls[:-1]], used, depth)
            else:
                out.append((x, ls))
        return out

    def _wanted(self, items) -> dict[int, Index]:
        """Labels of the axes of derivatives have letters of their own."""
        out: dict[int, Index] = {}
        for x, ls in items:
            for i, index in zip(ls, self.preferred.get(x, ()), strict=False):
                out.setdefault(i, index)
        return out

    def _factor(self, x: Node, indices: list[Node], names: set[Index], used: frozenset[Node], depth: int) -> Factor:
        word = self.entry(x, indices, used, depth)
        last = any(n in self.derivative for n in postorder(x)) if self.derivative else False
        free = max((k for k, i in enumerate(self.free, 1) if i in indices), default=0)
        return Factor(word, frozenset(i for i in indices if i in names), last, free)


def _positive_power(x: Node, e: Expr) -> Node:
    if e == 1:
        return x
    return Call("sqrt", x) if e == S.Half else Call("pow", x, Num(e))


def _turned(items, coef: Expr):
    """`(p − 1) c` as `−(1 − p) c`, and `−(a − b) c` as `(b − a) c`."""
    out = list(items)
    for k, (x, ls) in enumerate(out):
        if isinstance(x, Add) and len(x.terms) == 2 and any(_is_minus_one(t) for t in x.terms) and _mixed(x):
            out[k] = (scale(x, S.NegativeOne), ls)
            coef = -coef
    if coef.could_extract_minus_sign():
        for k, (x, ls) in enumerate(out):
            if isinstance(x, Add) and len(x.terms) == 2 and _mixed(x) and not any(is_one(t) for t in x.terms):
                out[k] = (scale(x, S.NegativeOne), ls)
                return out, -coef
    return out, coef


def cancelled(items):
    """`p p⁻¹` goes, entry by entry."""
    out = list(items)
    for x, ls in items:
        b, e = base_and_exponent(x)
        if e == -1 and (b, ls) in out and (x, ls) in out:
            out.remove((b, ls))
            out.remove((x, ls))
    return out


def _mixed(x: Add) -> bool:
    signs = [isinstance(t, (Einsum, Num)) and split_coef(t)[0].could_extract_minus_sign() for t in x.terms]
    return signs[0] != signs[1]


def _is_minus_one(t: Node) -> bool:
    c, body = split_coef(t)
    return c == -1 and (is_one(body) or isinstance(body, Num))


def scaled(coef: Expr, body: Node, last: Container[Node] = ()) -> Node:
    """`c · body` with the number in front and denominators below what is neither a sum nor a derivative (`last`)."""
    if coef == 1:
        return body
    top, bottom = fraction(coef)
    minus = top.could_extract_minus_sign()
    top = -top if minus else top
    factors = list(body.operands) if isinstance(body, Call) and body.name == "mul" else [body]
    over: list[Node] = []
    while factors and not _is_sum(factors[0]) and not any(n in last for n in postorder(factors[0])):
        over.append(factors.pop(0))
    under: list[Node] = []
    if over and isinstance(over[0], Call) and over[0].name == "div":
        a, b = over[0].operands
        over = [*_factors(a), *over[1:]]
        under = _factors(b)
    over = [f for f in over if not (isinstance(f, Num) and f.value == 1)]
    num = [*([Num(top)] if top != 1 else []), *over]
    den = [*([Num(bottom)] if bottom != 1 else []), *under]
    if den and not num and len(factors) == 1 and _is_sum(factors[0]):
        out: Node = Call("div", factors[0], times(*den))
    elif den:
        out = times(Call("div", times(*num), times(*den)), *factors)
    else:
        out = times(*num, *factors)
    return negate(out) if minus else out


def _factors(x: Node) -> list[Node]:
    return list(x.operands) if isinstance(x, Call) and x.name == "mul" else [x]


def nested(factors: list[Factor], labels: list[Index], sizes: dict[Index, Expr]) -> Node:
    """`Σ_i r_i Σ_k X_ik v_k`: every sum sign stands just before the factors that need it."""
    if not labels:
        return _times(_ordered([f for f in factors if not f.last]), [f.word for f in factors if f.last])
    outside = _ordered([f for f in factors if not f.indices and not f.last])
    after = [f.word for f in factors if not f.indices and f.last]
    groups = _connected([f for f in factors if f.indices])
    empty = [i for i in labels if all(i not in f.indices for f in factors)]
    words = []
    for group in groups:
        mine = [i for i in labels if any(i in f.indices for f in group)]
        order = sorted(mine, key=_position)
        first = max(order, key=lambda i: sum(i in f.indices for f in group))
        rest = [i for i in mine if i is not first]
        inner = nested([replace(f, indices=f.indices - {first}) for f in group], rest, sizes)
        words.append(Call("isum", inner, first, lo=0, hi=sizes[first]))
    out = _times(outside, [*words, *after])
    for i in empty:
        out = times(Num(sizes[i]), out)
    return out


def _position(index: Index) -> int:
    return POOL.find(index.name) if index.name in POOL else 99


def _connected(factors: list[Factor]) -> list[list[Factor]]:
    """Groups of factors that share summed indices, in order; the one with derivatives last."""
    groups: list[tuple[set[Node], list[Factor]]] = []
    for f in factors:
        touching = [g for g in groups if g[0] & f.indices]
        merged: tuple[set[Node], list[Factor]] = (set(f.indices), [])
        for g in touching:
            merged[0].update(g[0])
            merged[1].extend(g[1])
            groups.remove(g)
        merged[1].append(f)
        groups.append(merged)
    found = [g for _, g in groups]
    return sorted(found, key=lambda g: any(f.last for f in g))


def _ordered(factors: list[Factor]) -> list[Node]:
    """Numbers, scalars, entries, functions, brackets; what has a free index of the variable after these; then sums."""
    words = [f.word for f in sorted(factors, key=lambda f: (_factor_kind(f.word) == 6, f.free, _factor_kind(f.word)))]
    return build.beside_complements(words)


def _times(words: list[Node], last: list[Node]) -> Node:
    """A product of scalars; numerators and denominators apart; sums and what is `last` stand beside the fraction."""
    num: list[Node] = []
    den: list[Node] = []
    beside: list[Node] = []
    minus = False
    for k, w in enumerate([*words, *last]):
        if isinstance(w, Call) and w.name == "neg":
            minus, w = not minus, w.operands[0]
        if isinstance(w, Call) and w.name == "div":
            num.append(w.operands[0])
            den.append(w.operands[1])
        elif isinstance(w, Call) and w.name == "mul":
            for o in w.operands:
                (beside if _is_sum(o) or beside else num).append(o)
        else:
            (beside if k >= len(words) or _is_sum(w) else num).append(w)
    front = num if not den else [Call("div", times(*num), times(*den))]
    out = times(*front, *beside)
    return negate(out) if minus else out


def _is_sum(w: Node) -> bool:
    return isinstance(w, Call) and w.name == "isum"


def _factor_kind(w: Node) -> int:
    """Numbers, scalars, entries, functions, brackets, sums: the order in a product."""
    if isinstance(w, Num):
        return 0
    if not isinstance(w, Call):
        return 1
    if w.name == "getitem":
        return 2 if isinstance(w.operands[0], Var) else 3
    if w.name == "pow" and _factor_kind(w.operands[0]) <= 2:
        return 2
    return {"add": 4, "isum": 6, "where": 2, "div": 5, "log": 5}.get(w.name, 3)


__all__ = ["Entries", "Factor", "Letters", "at", "delta", "nested", "scaled"]
