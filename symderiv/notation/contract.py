"""Products with named axes as matrix words.

The axes of a product make a graph: matrices are edges, vectors sit on vertices. Summed axes are eliminated one at a time (a
vector through a matrix, two matrices into one, an inner product, a sum, a trace), factors on the same axes are multiplied entry
by entry, and what is left over the output axes is an outer product, a diagonal or a matrix. What has no matrix words is written
with `einsum`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr, S

from ..expr.nodes import Call, Node, Num
from . import build
from .selections import picked


@dataclass
class Piece:
    """Factors over the same labels, entry by entry."""

    labels: tuple
    num: list[Node] = field(default_factory=list)
    den: list[Node] = field(default_factory=list)

    def word(self) -> Node:
        return build.multiply(self.num, self.den)

    def flipped(self) -> Piece:
        return Piece(self.labels[::-1], [build.transpose(x) for x in self.num], [build.transpose(x) for x in self.den])


class Contraction:
    """One product on its way to words."""

    def __init__(self, coef: Expr, items: list[tuple[Node, tuple]], out: tuple, sizes) -> None:
        self.coef = coef
        self.out = tuple(out)
        self.sizes = sizes
        self.num: list[Node] = []
        self.den: list[Node] = []
        self.pieces: list[Piece] = []
        for x, ls in items:
            self.put(x, tuple(ls))

    def put(self, x: Node, labels: tuple) -> None:
        top, bottom = split_division(x)
        if not labels:
            self.num.extend(top)
            self.den.extend(bottom)
        else:
            self.pieces.append(Piece(labels, top, bottom))

    def pick(self) -> None:
        """`Σ_i onehot(k)_i f_i = f_k`: what meets a one-hot vector is indexed, not multiplied (0 times NaN is not 0)."""
        tried: list[Piece] = []
        while True:
            hot = next((p for p in self.pieces if p not in tried and is_onehot_vector(p)), None)
            if hot is None:
                return
            tried.append(hot)
            i = hot.labels[0]
            others = [p for p in self.pieces if p is not hot and i in p.labels]
            if any(x.rank != len(p.labels) for p in others for x in (*p.num, *p.den)):
                continue
            if i not in self.out:
                if not others:
                    continue
                self.pieces = [p for p in self.pieces if p is not hot]
            self.pieces = [p for p in self.pieces if all(p is not q for q in others)]
            for p in others:
                spec = tuple("at" if j == i else ("slice", None, None, None) for j in p.labels)
                while spec[-1] != "at":
                    spec = spec[:-1]
                num, den = ([picked(x, hot.num[0], spec) for x in xs] for xs in (p.num, p.den))
                labels = tuple(j for j in p.labels if j != i)
                if labels:
                    self.pieces.append(Piece(labels, num, den))
                else:
                    self.num.extend(num)
                    self.den.extend(den)

    # elimination -----------------------------------------------------------------------------------------------------------
    def reduce(self) -> None:
        """Eliminate summed labels until none can be."""
        self.pick()
        while True:
            self.merge()
            if not (self.loops() or self.lonely() or self.step()):
                return

    def merge(self) -> None:
        """Multiply pieces over the same labels."""
        found: dict[tuple, Piece] = {}
        for p in self.pieces:
            key = tuple(sorted(p.labels, key=str)) if len(p.labels) <= 2 else p.labels
            if key in found:
                q, r = found[key], p
                if q.labels != r.labels and is_mask(q):
                    q = q.flipped()  # a triangle of ones is turned, not what it masks
                r = r if r.labels == q.labels else r.flipped()
                found[key] = Piece(q.labels, q.num + r.num, q.den + r.den)
            else:
                found[key] = p
        self.pieces = list(found.values())

    def loops(self) -> bool:
        """`A_ii`: a trace where `i` is summed and nothing else has it, else the diagonal."""
        for k, p in enumerate(self.pieces):
            if len(p.labels) == 2 and p.labels[0] == p.labels[1]:
                i = p.labels[0]
                alone = i not in self.out and all(i not in q.labels for q in self.pieces if q is not p)
                del self.pieces[k]
                if alone:
                    self.put(Call("trace", p.word()), ())
                else:
                    self.pieces.append(Piece((i,), [Call("diag", p.word())]))
                return True
        return False

    def lonely(self) -> bool:
        """Summed axes of a piece of three or more that nothing else has."""
        for k, p in enumerate(self.pieces):
            if len(p.labels) > 2:
                others = {i for q in self.pieces if q is not p for i in q.labels}
                axes = tuple(
                    a for a, i in enumerate(p.labels) if i not in self.out and i not in others and p.labels.count(i) == 1
                )
                if axes:
                    del self.pieces[k]
                    everything = len(axes) == len(p.labels)
                    word = build.total(p.word(), axis=None if everything else axes[0] if len(axes) == 1 else axes)
                    self.put(word, tuple(i for a, i in enumerate(p.labels) if a not in axes))
                    return True
        return False

    def step(self) -> bool:
        """Eliminate one summed label; the cheapest kind first."""
        best: tuple | None = None
        for i in dict.fromkeys(label for p in self.pieces for label in p.labels):
            if i in self.out:
                continue
            touching = [p for p in self.pieces if i in p.labels]
            if any(len(p.labels) > 2 for p in touching):
                continue
            vectors = [p for p in touching if len(p.labels) == 1]
            matrices = [p for p in touching if len(p.labels) == 2]
            if len(matrices) > 2:
                continue
            if len(matrices) == 2:
                ends = [next(j for j in p.labels if j != i) for p in matrices]
                rank = 4 if vectors else 3
                if ends[0] == ends[1]:
                    rank = 5
            else:
                rank = 0 if not matrices else 1 if vectors else 2
            # of equal steps, first those through a plain name: back-propagation order
            order = (rank, not any(len(p.num) == 1 and not _inner(p.num[0]).operands for p in matrices))
            if best is None or order < best[0]:
                best = (order, i, vectors, matrices)
        if best is None:
            return False
        _, i, vectors, matrices = best
        self.pieces = [p for p in self.pieces if i not in p.labels]
        self.eliminate(i, vectors[0] if vectors else None, matrices)
        return True

    def eliminate(self, i, vector: Piece | None, matrices: list[Piece]) -> None:
        if not matrices:
            assert vector is not None
            self.put(inner_product(vector), ())
        elif len(matrices) == 1:
            m = matrices[0] if matrices[0].labels[1] == i else matrices[0].flipped()
            j = m.labels[0]
            if vector is None:
                word = build.total(m.word(), axis=1) if matrices[0] is m else build.total(matrices[0].word(), axis=0)
            else:
                word = build.matmul(m.word(), vector.word())
            self.pieces.append(Piece((j,), [word]))
        else:
            a, b = matrices
            a = a if a.labels[1] == i else a.flipped()
            b = b if b.labels[0] == i else b.flipped()
            middle = [Call("diag", vector.word())] if vector is not None else []
            j, k = a.labels[0], b.labels[1]
            chain = build.matmul(a.word(), *middle, b.word())
            if j == k:
                lonely = j not in self.out and all(j not in p.labels for p in self.pieces)
                if not lonely:
                    rows = Call("mul", build.matmul(a.word(), *middle), build.transpose(b.word()))
                    self.pieces.append(Piece((j,), [Call("sum", rows, axis=1)]))
                    return
                chain = build.matmul(a.word(), *middle, b.word())
            self.pieces.append(Piece((j, k), [chain]))


def _inner(x: Node) -> Node:
    return x.operands[0] if isinstance(x, Call) and x.name == "T" else x


def is_mask(p: Piece) -> bool:
    """A piece that is a triangle of ones."""
    x = _inner(p.num[0]) if len(p.num) == 1 and not p.den else None
    return isinstance(x, Call) and x.name == "tri"


def is_onehot_vector(p: Piece) -> bool:
    """A piece that is `onehot(k, n)` for one label `k`."""
    if len(p.labels) != 1 or len(p.num) != 1 or p.den:
        return False
    x = p.num[0]
    return isinstance(x, Call) and x.name == "onehot" and x.rank == 1 and x.operands[0].rank == 0


def split_division(x: Node) -> tuple[list[Node], list[Node]]:
    """Numerator and denominator of a factor."""
    if isinstance(x, Call) and x.name == "div" and all(o.rank == 0 or o.shape == x.shape for o in x.operands):
        a, b = x.operands
        return ([] if isinstance(a, Num) and a.value == 1 else [a]), [b]
    return [x], []


def inner_product(p: Piece) -> Node:
    """`Σ_i` of the factors on one axis."""
    num = sorted(p.num, key=build.factor_order)
    if len(num) == 1 and not p.den:
        return build.total(num[0])
    if len(num) >= 2:
        last = next((k for k, x in enumerate(num) if isinstance(x, Call) and x.name == "matmul"), len(num) - 1)
        u = num.pop(last)
        return build.dot(build.multiply(num, p.den), u)
    return build.total(p.word())


def contract(coef: Expr, items: list[tuple[Node, tuple]], out: tuple, sizes, exact: bool = True) -> Node:
    """The words of `coef * prod item[labels]` summed over labels outside `out`.

    Args:
        items: words with their labels.
        sizes: label to size.
        exact: whether the word must have the full shape; otherwise it may broadcast to it.
    """
    c = Contraction(coef, items, out, sizes)
    c.reduce()
    present = {i for p in c.pieces for i in p.labels}
    leftover = present - set(out)
    distinct = list(dict.fromkeys(out))
    here = [i for i in distinct if i in present]
    repeated = len(distinct) < len(out)
    if not here and not repeated and not c.pieces:
        return _constant(c, out, exact)
    if leftover or any(len(p.labels) > 2 for p in c.pieces) or (len(here) > 2 and not _entrywise(c, out, repeated)):
        return _einsum(c)
    if repeated:
        return _with_deltas(c, here, distinct)
    if _entrywise(c, out, repeated) and (len(here) > 2 or not exact or _prefers_entrywise(c, here)):
        word = _broadcast_product(c, out)
        if word.shape == tuple(sizes[i] for i in out) or not exact:
            return build.scaled(c.coef, c.num, word, c.den)
    body = _body(c, here)
    if len(here) < len(out) and exact:
        return _filled(c, body, here, out)
    return build.scaled(c.coef, c.num, _placed(body, here, out), c.den)


def _constant(c: Contraction, out: tuple, exact: bool) -> Node:
    if not out or not exact:
        return build.scaled(c.coef, c.num, None, c.den)
    shape = tuple(c.sizes[i] for i in out)
    name = "zeros" if c.coef == 0 else "ones"
    return build.scaled(c.coef if c.coef != 0 else S.One, c.num, Call(name, shape=shape), c.den)


def _body(c: Contraction, here: list) -> Node:
    """The array over one or two labels, without the scalars."""
    if len(here) == 1:
        return c.pieces[0].word()
    i, j = here
    matrix = next((p for p in c.pieces if len(p.labels) == 2), None)
    left = next((p for p in c.pieces if p.labels == (i,)), None)
    right = next((p for p in c.pieces if p.labels == (j,)), None)
    if matrix is None:
        assert left is not None and right is not None
        return Call("outer", left.word(), right.word())
    m = matrix if matrix.labels == (i, j) else matrix.flipped()
    word = m.word()
    if left is not None and (left.den or _is_reduction(left.word())) and not right:
        return build.multiply(
            [*m.num, *(_placed(x, [i], (i, j)) for x in left.num)], [*m.den, *(_placed(x, [i], (i, j)) for x in left.den)]
        )
    if right is not None and (right.den or _is_reduction(right.word())) and not left:
        return build.multiply([*m.num, *right.num], [*m.den, *right.den])
    parts = [Call("diag", left.word())] if left else []
    parts.append(word)
    if right:
        parts.append(Call("diag", right.word()))
    return build.matmul(*parts)


def _is_reduction(x: Node) -> bool:
    return isinstance(x, Call) and "keepdims" in x.params


def _placed(word: Node, here: list, out: tuple) -> Node:
    """A word over some of the output axes, with axes of size 1 where broadcasting from the right would misplace it."""
    wanted = list(out)
    at = [wanted.index(i) for i in here]
    if word.rank == 0 or at == list(range(len(out) - len(here), len(out))):
        return word
    first = min(at)
    spec = tuple(("slice", None, None, None) if k in at else "new" for k in range(first, len(out)))
    if _is_reduction(word) and not word.params["keepdims"] and len(out) == 2 and isinstance(word, Call):
        return (
            Call(word.name, *word.operands, **{**word.params, "keepdims": True})
            if word.params["axis"] in (1, -1) and at == [0]
            else Call("getitem", word, spec=spec)
        )
    return Call("getitem", word, spec=spec)


def _entrywise(c: Contraction, out: tuple, repeated: bool) -> bool:
    """Whether all factors line up with the output axes in order."""
    if repeated:
        return False
    place = {i: k for k, i in enumerate(out)}
    if len(out) > 2 and any(p.labels != out[len(out) - len(p.labels) :] for p in c.pieces):
        return False
    return all(
        list(p.labels) == sorted(p.labels, key=lambda i: place.get(i, -1)) and all(i in place for i in p.labels) for p in c.pieces
    )


def _prefers_entrywise(c: Contraction, here: list) -> bool:
    return len(c.pieces) == 1


def _broadcast_product(c: Contraction, out: tuple) -> Node:
    num: list[Node] = []
    den: list[Node] = []
    for p in c.pieces:
        num.extend(_placed(x, list(p.labels), out) if x.rank else x for x in p.num)
        den.extend(_placed(x, list(p.labels), out) if x.rank else x for x in p.den)
    return build.multiply(num, den)


def _with_deltas(c: Contraction, here: list, distinct: list) -> Node:
    """Repeated output labels: `diag(v)`, `c*eye(n)`; more axes need einsum."""
    if len(c.out) == 2:
        i = c.out[0]
        if not here:
            n = c.sizes[i]
            return build.scaled(c.coef, c.num, Call("eye", n=n, m=None), c.den)
        return build.scaled(c.coef, c.num, Call("diag", c.pieces[0].word()), c.den)
    return _einsum(c)


def _filled(c: Contraction, body: Node, here: list, out: tuple) -> Node:
    """A broadcast array at its full shape."""
    if len(out) == 2 and len(here) == 1:
        fill = Call("ones", shape=(c.sizes[out[1 - out.index(here[0])]],))
        word = Call("outer", body, fill) if out[0] == here[0] else Call("outer", fill, body)
        return build.scaled(c.coef, c.num, word, c.den)
    return _einsum(c)


_LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


def _einsum(c: Contraction) -> Node:
    """The einsum word: deltas as `eye`, missing output axes as `ones`."""
    names: dict = {}

    def letter(i) -> str:
        if i not in names:
            n = len(names)
            names[i] = _LETTERS[n] if n < 26 else _LETTERS[n - 26].upper()
        return names[i]

    seen: set = set()
    out: list[str] = []
    deltas: list[tuple[str, Node]] = []
    for at, i in enumerate(c.out):
        if i in seen:
            other = ("delta", at)
            names[other] = letter(other)
            deltas.append((letter(i) + letter(other), Call("eye", n=c.sizes[i], m=None)))
            out.append(letter(other))
        else:
            seen.add(i)
            out.append(letter(i))
    subs: list[str] = []
    words: list[Node] = []
    for p in c.pieces:
        text = "".join(letter(i) for i in p.labels)
        apart = not p.den and all(x.rank == len(p.labels) for x in p.num)
        for x in p.num if apart else [p.word()]:
            subs.append(text)
            words.append(build.valued(x))
    for text, eye in deltas:
        subs.append(text)
        words.append(eye)
    used = set("".join(subs))
    for i, name in names.items():
        if name in out and name not in used and i in c.sizes:
            subs.append(name)
            words.append(Call("ones", shape=(c.sizes[i],)))
            used.add(name)
    word = Call("einsum", *words, subs=",".join(subs) + "->" + "".join(out))
    return build.scaled(c.coef, c.num, word, c.den)
