"""How conditions, bound indices, entries and einsums are written in mathematics. Indices count from 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sympy import Expr, S

from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.sizes import Shape
from .mathematics import WORDS, MathPrinter, Piece, word
from .mathwords import mul
from .precedence import BINDERS, COMPARISONS, MathLevel


@word("where")
def where(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    condition, yes, no = node.operands
    c, x, y = pieces[0], pr.value(pieces[1]), pr.value(pieces[2])
    test = c.body if c.logical else f"{pr.sum([pr.text(c)])} {COMPARISONS['ne'][1 + pr.n.column]} 0"
    logical = c.logical or pr.n.indicator(test)
    if _is(no, 0) and _is(yes, 1):
        return Piece(body=test, level=MathLevel.COMPARE, rank=node.rank, logical=logical)
    if _is(no, 0) and yes.shape in ((), node.shape) and condition.shape in ((), node.shape):
        word_ = Call("mul", condition, yes)
        return mul(pr, word_, [Piece(body=logical, level=MathLevel.LOWERED, rank=condition.rank), x])
    x, y = (pr.fitted(p, o.shape, node.shape) for p, o in ((x, yes), (y, no)))
    text, level = pr.n.cases(pr.text(x)[0], test, pr.text(y)[0])
    return Piece(body=text, level=level, rank=node.rank)


def _is(node: Node, value: int) -> bool:
    return isinstance(node, Num) and node.value == value


@word(*COMPARISONS)
def comparison(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    """Indices are compared as positions, which count from 1; everything else as values."""
    moving = [p.index is not None and any(not s.is_positive for s in p.index.free_symbols) for p in pieces]
    sides = []
    for p, o in zip(pieces, node.operands, strict=True):
        if any(moving) and p.index is not None:
            sides.append(pr.scalar(p.index + 1)[0])
        else:
            text, level = pr.text(pr.fitted(pr.value(p), o.shape, node.shape))
            sides.append(text if level > MathLevel.COMPARE else pr.n.brackets(text))
    text = f" {COMPARISONS[node.name][1 + pr.n.column]} ".join(sides)
    logical = pr.n.indicator(text)
    if node.name == "eq" and any(moving) and "delta" not in pr.n.names:
        logical = pr.n.lowered(pr.n.delta, sides)
    return Piece(body=text, level=MathLevel.COMPARE, rank=node.rank, logical=logical)


@word(*BINDERS)
def binder(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    body, _, *condition = pieces
    index = node.operands[1]
    assert isinstance(index, Index)
    lo, hi = (S(b) for b in (node.params["lo"], node.params["hi"]))
    test = pr.text(condition[0])[0] if condition else ""
    sign = pr.n.big(
        BINDERS[node.name][1 + pr.n.column], pr.n.symbol(index.name), pr.scalar(lo + 1)[0], pr.scalar(hi)[0], test, bool(lo == 0)
    )
    text, level = pr.text(pr.value(body))
    inner = pr.n.brackets(text) if level <= MathLevel.SUM or text.startswith(pr.n.minus) else text
    return Piece(body=f"{sign} {inner}", level=MathLevel.BIG, rank=node.rank)


# entries ---------------------------------------------------------------------------------------------------------------
@word("getitem")
def entry(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    base, *indices = pieces
    array, *at = node.operands
    spec = list(node.params["spec"])
    full = ("slice", None, None, None)
    if array.rank == 1 and len(spec) == 2 and "new" in spec and full in spec:
        return replace(base if spec[1] == "new" else pr.turned(base), rank=2)
    if spec == [("slice", None, None, -1)] and array.rank == 1:
        return pr.function("flip", [base], 1)
    while spec and spec[-1] == full and "new" not in spec:
        spec.pop()
    if not spec:
        return base
    sample = isinstance(array, Var) and array.name in ("X", "Y") and isinstance(at[0], Index)  # X_i is sample i, as a column
    if array.rank == 2 and len(spec) < 2 and pr.n.column and not sample:
        spec = [*spec, full]
    text = pr.base(*pr.text(base), carries=MathLevel.ATOM)
    if spec == ["at", "at"] and [i.rank for i in at] == [1, 1] and isinstance(at[0], Call) and at[0].name == "arange":
        letter = pr.n.symbol("i")
        label = pr.n.lowered(pr.base(*pr.text(indices[1]), carries=MathLevel.ATOM), [letter])
        return pr.atom(pr.n.array_of(pr.n.lowered(text, [letter, label]), [letter]), 1)
    positions = iter(indices)
    subscripts = [_subscript(pr, s, positions, size) for s, size in zip(spec, _sizes(spec, array.shape), strict=True)]
    piece = Piece(body=pr.n.lowered(text, subscripts), level=MathLevel.LOWERED, rank=node.rank)
    if array.rank == 2 and pr.n.column and len(spec) == 2 and spec[0] == "at" and spec[1] != "at":  # a row of a matrix is a row
        column = pr.turned(piece)
        return replace(column, turned=(piece.body, piece.level))
    return piece


def _sizes(spec: list[Any], shape: Shape) -> list[Expr | None]:
    sizes = iter(shape)
    return [None if s == "new" else next(sizes) for s in spec]


def _subscript(pr: MathPrinter, s: Any, positions: Iterator[Piece], size: Expr | None) -> str:
    if s == "at":
        p = next(positions)
        if p.index is None:
            return pr.text(p)[0]
        position = p.index + 1
        return pr.scalar(position + size if p.index.is_negative else position)[0]
    if s == "new":
        return "·" if not pr.n.column else r"\cdot"
    _, start, stop, step = s
    if start is stop is step is None:
        return ":"
    first = "" if start is None else pr.scalar(_from_end(start, size) + 1)[0]
    last = "" if stop is None else pr.scalar(_from_end(stop, size))[0]
    ends = [first, last]
    return ":".join([*ends, str(step)] if step not in (None, 1) else ends)


def _from_end(bound: Any, size: Expr | None) -> Expr:
    bound = S(bound)
    return bound + size if bound.is_negative and size is not None else bound


@word("flip")
def flip(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    return pr.function("flip", pieces, 1) if node.rank == 1 else WORDS[""](pr, node, pieces)


@word("onehot")
def onehot(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    """The unit vector of one label, the rows of several."""
    (label,) = pieces
    if node.operands[0].rank or "e" in pr.n.names:
        return pr.function("onehot", pieces, node.rank)
    position = pr.text(label)[0] if label.index is None else pr.scalar(label.index + 1)[0]
    return Piece(body=pr.n.lowered(pr.n.unit, [position]), level=MathLevel.LOWERED, rank=1)


@word("einsum")
def einsum(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    """`[∑ⱼ Aᵢⱼ Bⱼₖ]ᵢₖ`, with a delta for every output letter that occurs again."""
    n = pr.n
    inputs, output = _fresh_letters(node.params["subs"], n.letters_used([p.body for p in pieces])).split("->")
    texts = []
    coef: Expr = S.One
    for labels, p, operand in zip(inputs.split(","), pieces, node.operands, strict=True):
        coef = coef * p.coef
        if isinstance(operand, Call) and operand.name == "eye":
            texts.append(_same(pr, *labels))
            continue
        bare = pr.text(replace(p, coef=S.One))
        if p.body or p.below:
            texts.append(n.lowered(pr.base(*bare, carries=MathLevel.ATOM), list(labels)) if labels else pr.factor(*bare))
    letters: list[str] = []
    unused = (c for c in "ijklmnopqrstuvwabcdefgh" if c not in inputs + output)
    for letter in output:
        if letter in letters:
            fresh = next(unused)
            texts.append(_same(pr, letter, fresh))
            letter = fresh
        letters.append(letter)
    summed = list(dict.fromkeys(c for c in inputs if c != "," and c not in output))
    text = n.juxtaposed(texts) if texts else "1"
    if summed:
        text = f"{n.big_plain(BINDERS['isum'][1 + n.column], summed)} {text}"
    if letters:
        return Piece(coef, n.array_of(text, letters), MathLevel.LOWERED, rank=node.rank)
    return Piece(coef, text, MathLevel.BIG if summed else MathLevel.JUXTAPOSED)


def _fresh_letters(subs: str, used: frozenset[str]) -> str:
    """The subscripts with letters that the operands do not use for sums and entries of their own."""
    free = (c for c in "ijklmnpqrstuvabcdefgh" if c not in used and c not in subs)
    rename = {c: next(free, c) for c in dict.fromkeys(subs) if c in used}
    return "".join(rename.get(c, c) for c in subs)


def _same(pr: MathPrinter, a: str, b: str) -> str:
    """`δᵢⱼ`, or an indicator where δ is a variable."""
    n = pr.n
    return n.lowered(n.delta, [a, b]) if "delta" not in n.names else n.indicator(f"{a} = {b}")
