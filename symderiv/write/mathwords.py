"""How arithmetic, matrix words, reductions and functions are written in mathematics; one function per word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, S, prod

from ..expr.nodes import Call
from .language import value_text
from .mathematics import MathPrinter, Piece, size_of_axes, word
from .parameters import shown, without_defaults
from .precedence import POSITIONAL, MathLevel
from .scalars import LARGEST_DENOMINATOR

TWO_WORDS = frozenset({"log_softmax", "logsigmoid", "lgamma"})  # log σ(x): takes no superscript without brackets


# sums and products ------------------------------------------------------------------------------------------------------
@word("add")
def add(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    indices = [p.index for p in pieces if p.index is not None]
    index = sum(indices, S.Zero) if len(indices) == len(pieces) else None
    if index is not None:
        return Piece(body=pr.scalar(index)[0], level=MathLevel.SUM, index=index)
    fitted = [pr.fitted(p, o.shape, node.shape) for p, o in zip(pieces, node.operands, strict=True)]
    if _is_square(node):  # A + 1 could be A + I
        fitted = [_spread(pr, p) if not o.rank else p for p, o in zip(fitted, node.operands, strict=True)]
    return Piece(body=pr.sum([pr.text(p) for p in fitted]), level=MathLevel.SUM, rank=node.rank)


def _spread(pr: MathPrinter, p: Piece) -> Piece:
    """A scalar at every entry of a matrix: `s 1 1ᵀ`."""
    ones = pr.chained([pr.ones(), pr.turned(pr.ones())], 2)
    if not p.body:
        return replace(ones, coef=p.coef, below=p.below)
    return replace(
        p, body=pr.n.juxtaposed([pr.factor(p.body, p.level), ones.body]), level=MathLevel.JUXTAPOSED, rank=2, index=None
    )


@word("neg")
def neg(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    (p,) = pieces
    return replace(p, coef=-p.coef, index=None if p.index is None else -p.index)


@word("mul")
def mul(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    coef: Expr = S.One
    for p in pieces:
        coef = coef * p.coef
    indices = [p.index for p in pieces if p.index is not None]
    index = prod(indices) if len(indices) == len(pieces) else None
    if index is not None and index != coef:
        return Piece(body=pr.scalar(index)[0], level=MathLevel.SUM, index=index)
    below = tuple(b for p in pieces for b in p.below)
    real = [(p, o) for p, o in zip(pieces, node.operands, strict=True) if p.body]
    scalars = [p for p, o in real if not o.rank]
    arrays = [(p, o) for p, o in real if o.rank]
    if not real:
        return Piece(coef=coef, below=below, index=index)
    if len(real) == 1:
        return replace(real[0][0], coef=coef, below=below, index=None)
    if arrays:
        array = _array_product(pr, node, arrays)
        if array.level <= MathLevel.BIG and scalars:
            array = replace(array, body=pr.n.brackets(array.body), level=MathLevel.ATOM)
    else:
        greedy = [p for p in scalars if p.level is MathLevel.BIG] or [p for p in scalars if p.chain]
        last = greedy[-1] if greedy else scalars[-1]
        scalars = [p for p in scalars if p is not last] if scalars.count(last) == 1 else scalars[:-1]
        array = replace(last, coef=S.One, below=())
        if array.level < MathLevel.BIG or (array.level is MathLevel.BIG and below):
            array = replace(array, body=pr.n.brackets(array.body), level=MathLevel.ATOM)
    if not scalars:
        return replace(array, coef=coef * array.coef, below=below + array.below)
    fronts = [p.body if p.level is MathLevel.JUXTAPOSED and not p.chain else pr.factor(p.body, p.level) for p in scalars]
    body = pr.n.juxtaposed([*fronts, array.body])
    level = min(array.level, MathLevel.JUXTAPOSED) if array.level > MathLevel.SUM else MathLevel.JUXTAPOSED
    return Piece(coef * array.coef, body, level, below + array.below, node.rank, chain=array.chain)


def _array_product(pr: MathPrinter, node: Call, arrays: list[tuple[Piece, Any]]) -> Piece:
    """Elementwise product of arrays of which some are stretched; coefficients are the caller's."""
    bare = [(replace(p, coef=S.One, below=()), o) for p, o in arrays]
    target = node.shape
    if len(bare) == 1:
        p, o = bare[0]
        return pr.fitted(p, o.shape, target)
    if len(target) == 2:
        full = [p for p, o in bare if o.shape == target]
        rows = [p for p, o in bare if o.rank == 1 and o.shape[0] == target[1] != 1]
        columns = [p for p, o in bare if o.shape == (target[0], 1) != target]
        if len(rows) + len(columns) + len(full) == len(bare) and (rows or columns):
            if full:
                middle = _elementwise(pr, full, 2)
                left = [pr.function("diag", [p], 2) for p in columns]
                right = [pr.function("diag", [p], 2) for p in rows]
                return pr.chained([*left, middle, *right], 2)
            if len(rows) == len(columns) == 1:
                return pr.chained([columns[0], pr.turned(rows[0])], 2)
    return _elementwise(pr, [pr.fitted(p, o.shape, target) for p, o in bare], node.rank)


def _elementwise(pr: MathPrinter, parts: list[Piece], rank: int) -> Piece:
    if len(parts) == 1:
        return parts[0]
    flat = [p.level is MathLevel.ELEMENTWISE and pr.n.otimes not in p.body for p in parts]
    texts = [p.body if bare else pr.factor(p.body, p.level) for p, bare in zip(parts, flat, strict=True)]
    dot = None
    if len(parts) == 2 and rank in (1, 2) and all(p.rank == rank for p in parts):
        chain = pr.chained([pr.turned(parts[0]), parts[1]], 0)
        dot = (chain.body, chain.level) if rank == 1 else (pr.n.call("trace", [chain.body]), MathLevel.ATOM)
    return Piece(body=f" {pr.n.odot} ".join(texts), level=MathLevel.ELEMENTWISE, rank=rank, dot=dot)


@word("div")
def div(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    x, y = pieces
    if y.is_number and not y.coef.is_zero:
        return replace(x, coef=x.coef / y.coef, index=None, rank=node.rank)
    if not node.operands[1].rank:
        if y.coef.is_zero or y.below:
            return replace(x, below=(*x.below, pr.text(y)), index=None)
        return replace(x, coef=x.coef / y.coef, below=(*x.below, (y.body, y.level)), index=None)
    (a, b), target = node.operands, node.shape
    if len(target) == 2 and a.shape == target != b.shape:
        if b.rank == 1 and b.shape[0] == target[1]:
            return pr.chained([x, _raised(pr, pr.function("diag", [y], 2), pr.n.inverse)], 2)
        if b.shape == (target[0], 1):
            return pr.chained([_raised(pr, pr.function("diag", [y], 2), pr.n.inverse), x], 2)
    top, bottom = pr.fitted(x, a.shape, target), pr.fitted(y, b.shape, target)
    loose = bottom.coef.is_zero or bottom.below
    coef = top.coef if loose else top.coef / bottom.coef
    under = pr.text(bottom) if loose else (bottom.body, bottom.level)
    if top.body:
        over = top.body, top.level
    else:
        over, coef = pr.text(replace(top, coef=coef)), S.One
        top = replace(top, below=())
    text = (pr.n.brackets(over[0]) if "/" in over[0] else over[0]) if not top.body else pr.factor(*over)
    return Piece(coef, f"{text} {pr.n.oslash} {pr.factor(*under)}", MathLevel.ELEMENTWISE, top.below, node.rank)


def _raised(pr: MathPrinter, p: Piece, how) -> Piece:
    text, level = pr.text(p)
    return Piece(body=how(pr.base(text, level)), level=MathLevel.RAISED, rank=p.rank)


@word("pow")
def power(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    base, exponent = pieces
    text, level = pr.text(base)
    below = pr.base(text, level)
    rational = exponent.is_number and exponent.coef.is_Rational and exponent.coef.q <= LARGEST_DENOMINATOR
    above = str(exponent.coef).replace("-", pr.n.minus) if rational else pr.text(exponent)[0]
    rank = node.operands[0].rank
    body = pr.n.raised_elementwise(below, above, rank) if rank else pr.n.raised(below, above)
    square = text if exponent.is_number and exponent.coef == 2 else ""
    return Piece(body=body, level=MathLevel.RAISED, rank=node.rank, square_of=square)


@word("square")
def square(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    return power(pr, node, [pieces[0], Piece(coef=Integer(2))])


# matrices ---------------------------------------------------------------------------------------------------------------
@word("matmul", "dot")
def matmul(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    ranks = [o.rank for o in node.operands]
    if max(ranks) > 2 or min(ranks) == 0:
        return pr.function("matmul", pieces, node.rank)
    if ranks[0] == 2:
        chain = pr.chained(pieces, node.rank)
        if ranks[-1] == 1 and all(p.turned for p in pieces[:-1]):  # (Aᵀ x)ᵀ is xᵀ A
            back = pr.chained([pr.turned(p) for p in reversed(pieces)], 1)
            chain = replace(chain, turned=(back.body, back.level))
        return chain
    row = pr.chained([pr.turned(pieces[0]), *pieces[1:]], node.rank)
    if ranks[-1] == 1:
        return row
    column = pr.chained([*(pr.turned(p) for p in reversed(pieces[1:])), pieces[0]], 1)
    return replace(column, turned=(row.body, row.level))


@word("T")
def transpose(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if node.rank < 2:
        return pieces[0]
    if node.rank > 2:
        return _raised(pr, pieces[0], pr.n.transposed)
    return pr.turned(pieces[0]) if pieces[0].body else pieces[0]


@word("transpose")
def transpose_axes(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    axes = node.params.get("axes")
    if node.rank <= 2 and (axes is None or tuple(axes) == (1, 0)):
        return transpose(pr, node, pieces)
    return function_word(pr, node, pieces)


@word("inv")
def inverse(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    (p,) = pieces
    operand = node.operands[0]
    plain = p.coef is S.One and not p.below
    if plain and p.turned and isinstance(operand, Call) and operand.name == "T":
        base = pr.base(*p.turned)
        return Piece(body=pr.n.inverse(base, True), level=MathLevel.RAISED, rank=2, turned=(pr.n.inverse(base), MathLevel.RAISED))
    if plain and p.inverted:
        return Piece(body=p.inverted[0], level=p.inverted[1], rank=2)
    base = pr.base(*pr.text(p))
    return Piece(body=pr.n.inverse(base), level=MathLevel.RAISED, rank=2, turned=(pr.n.inverse(base, True), MathLevel.RAISED))


@word("solve")
def solve(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    return pr.chained([inverse(pr, Call("inv", node.operands[0]), [pieces[0]]), pieces[1]], node.rank)


@word("outer")
def outer(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if any(o.rank != 1 for o in node.operands):
        return function_word(pr, node, pieces)
    x, y = pieces
    back = pr.chained([y, pr.turned(x)], 2)
    return replace(pr.chained([x, pr.turned(y)], 2), turned=(back.body, back.level))


@word("kron")
def kron(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    texts = [pr.factor(*pr.text(p)) for p in pieces]
    return Piece(body=f" {pr.n.otimes} ".join(texts), level=MathLevel.ELEMENTWISE, rank=node.rank)


@word("logdet")
def logdet(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    text, level = pr.n.log_det(*pr.text(pieces[0]))
    return Piece(body=text, level=level)


@word("pinv")
def pinv(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    return _raised(pr, replace(pieces[0], rank=2), lambda base: pr.n.raised(base, "+"))


@word("sqrtm")
def sqrtm(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    base = pr.base(*pr.text(replace(pieces[0], rank=2)))
    root, inverse_root = pr.n.raised(base, "1/2"), pr.n.raised(base, f"{pr.n.minus}1/2")
    return Piece(body=root, level=MathLevel.RAISED, rank=2, inverted=(inverse_root, MathLevel.RAISED))


@word("eye", "ones", "zeros")
def constant(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    n = pr.n
    if node.rank > 2 and node.name != "zeros":
        return function_word(pr, node, pieces)
    if node.name == "eye":
        if node.shape[0] != node.shape[1] or n.identity in n.names:
            return function_word(pr, node, pieces)
        return Piece(body=n.identity, rank=2, turned=(n.identity, MathLevel.ATOM) if node.shape[0] == node.shape[1] else None)
    if node.name == "zeros":
        return Piece(body=n.zeros, rank=node.rank)
    if node.rank == 2:
        return pr.chained([pr.ones(), pr.turned(pr.ones())], 2)
    return Piece(body=n.ones, rank=node.rank) if node.rank else Piece()


# reductions ------------------------------------------------------------------------------------------------------------
@word("sum", "mean")
def total(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    (p,), (operand,) = pieces, node.operands
    axis, keep = node.params["axis"], node.params["keepdims"]
    if operand.rank not in (1, 2) or not p.body:
        return function_word(pr, node, pieces)
    scale = 1 / size_of_axes(operand.shape, axis) if node.name == "mean" else S.One
    bare = replace(p, coef=S.One, below=())
    one = pr.ones()
    axes = {a % operand.rank for a in (range(operand.rank) if axis is None else [axis] if isinstance(axis, int) else axis)}
    row = pr.turned(one)
    if len(axes) == operand.rank:
        if p.square_of:
            kind = "2" if operand.rank == 1 else "F"
            out = Piece(body=pr.n.raised(pr.n.norm(p.square_of, kind), "2"), level=MathLevel.RAISED)
        elif p.dot:
            out = Piece(body=p.dot[0], level=p.dot[1], chain=p.dot[1] is MathLevel.JUXTAPOSED)
        else:
            out = pr.chained([row, bare] if operand.rank == 1 else [row, bare, one], 0)
        out = replace(out, rank=node.rank)
    elif axes == {1}:
        out = pr.chained([bare, one], node.rank)
    elif keep:
        out = pr.chained([row, bare], 2)
    else:
        out = replace(pr.chained([pr.turned(bare), one], 1), turned=(pr.chained([row, bare], 1).body, MathLevel.JUXTAPOSED))
    return replace(out, coef=p.coef * scale, below=p.below)


@word("norm")
def norm(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if node.params["axis"] is not None or node.operands[0].rank > 2:
        return function_word(pr, node, pieces)
    order = str(node.params["ord"])
    kind = "F" if order in ("2", "fro") and node.operands[0].rank == 2 else "inf" if order in ("inf", "oo") else order
    return Piece(body=pr.n.norm(pr.text(pieces[0])[0], "2" if kind == "fro" else kind), level=MathLevel.LOWERED, rank=node.rank)


# functions with a notation of their own ---------------------------------------------------------------------------------
@word("sqrt")
def root(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    text, level = pr.n.root(*pr.text(pieces[0]))
    return Piece(body=text, level=level, rank=node.rank)


@word("abs")
def absolute(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if node.rank and not pr.n.bars_of_arrays:
        return pr.function("abs", pieces, node.rank)
    return pr.atom(pr.n.absolute(pr.text(pieces[0])[0]), node.rank)


@word("log1p")
def log1p(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if _is_square(node):  # 1 + A could be I + A
        return pr.function("log1p", pieces, 2)
    return pr.atom(pr.n.call("log", [pr.sum([("1", MathLevel.ATOM), pr.text(pieces[0])])]), node.rank)


def _is_square(node: Call) -> bool:
    return node.rank == 2 and node.shape[0] == node.shape[1]


@word("expm1")
def expm1(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    if _is_square(node):
        return pr.function("expm1", pieces, 2)
    body = pr.sum([(pr.n.call("exp", [pr.text(pieces[0])[0]]), MathLevel.ATOM), (pr.n.minus + "1", MathLevel.JUXTAPOSED)])
    return Piece(body=body, level=MathLevel.SUM, rank=node.rank)


@word("xlogy")
def xlogy(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    log = Call("log", node.operands[1])
    return mul(pr, Call("mul", node.operands[0], log), [pieces[0], pr.function("log", [pieces[1]], log.rank)])


@word("heaviside")
def heaviside(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    """The usual value 1/2 at 0 is not shown."""
    usual = pieces[1].is_number and pieces[1].coef is S.Half
    return pr.function("heaviside", pieces[:1] if usual else pieces, node.rank)


@word("")
def function_word(pr: MathPrinter, node: Call, pieces: list[Piece]) -> Piece:
    """Any other operation: its declaration's template, or `name(operands, parameter=value)`."""
    if node.params.get("keepdims") is True and node.operands[0].rank == 2 and node.params["axis"] in (0, 1, -1, -2):
        plain = Call(node.name, *node.operands, **{**node.params, "keepdims": False})  # a column, or a row, is what it is
        column = function_word(pr, plain, pieces)
        return column if node.params["axis"] in (1, -1) else pr.turned(column)
    if node.op.elementwise and node.rank == 2:
        pieces = [pr.fitted(p, o.shape, node.shape) for p, o in zip(pieces, node.operands, strict=True)]
    bare = POSITIONAL.get(node.name, ())
    extra = [_parameter(pr, v) if k in bare else pr.n.parameter(k, value_text(v)) for k, v in shown(node).items()]
    level = MathLevel.PREFIX if node.name in TWO_WORDS else MathLevel.ATOM
    if not extra and node.name != "prod":  # its template is a sign without brackets
        text = pr.n.template(node, [pr.text(p) for p in pieces])
        if text is not None:
            return Piece(body=text, level=level, rank=node.rank)
    return replace(pr.function(node.name, without_defaults(node, pieces), node.rank, extra), level=level)


def _parameter(pr: MathPrinter, value: Any) -> str:
    if isinstance(value, tuple):
        return pr.n.brackets(", ".join(_parameter(pr, v) for v in value) + ("," if len(value) == 1 else ""))
    return pr.scalar(value)[0] if isinstance(value, Expr) else value_text(value)
