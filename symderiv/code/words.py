"""How each word is written in NumPy. Most have a template in their declaration; here are infix words and better spellings.

`diag(v) @ x` as `v*x`, `inv(A) @ b` as `np.linalg.solve(A, b)`, `trace(A @ B)` as `np.sum(A*B.T)`, `1 - sigmoid(z)` as
`_sigmoid(-z)`, products of matrices in the cheapest order.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Rational

from ..errors import CodeError
from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import BINDERS
from . import blocks, common, contract, labels, stable
from .dialect import fields_of
from .emit import Emitter, Plan, Scope, same
from .entries import parameter, plan_einsum, plan_getitem, plan_loop, plan_squeeze
from .hidden import Hidden, hidden
from .products import plan_matmul, plan_onto_product, plan_trace
from .spell import ADD, ATOM, COMPARE, MATMUL, MUL, POW, UNARY, Piece, kind_of, max_nest
from .stable import plan_hidden

_COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_CHUNK = 40
# These keep whole numbers whole; everything else computes floats.
_KEEPS_KIND = {
    "abs", "arange", "broadcast_to", "clip", "concatenate", "cumsum", "diag", "dot", "expand_dims", "flip", "hardtanh",
    "kron", "leaky_relu", "max", "maximum", "min", "minimum", "outer", "prelu", "relu", "reshape", "sign", "square",
    "stack", "sum", "swapaxes", "trace", "transpose", "tril", "triu", "vec", "where", "xlogy",
}  # fmt: skip


def plan_of(emitter: Emitter, node: Node) -> Plan:
    """What the source of `node` needs and how it is written."""
    if isinstance(node, Var):
        kind = "int" if node.is_a("integer") else "float"
        return Plan((), lambda _, scope: Piece(node.name, kind=kind))
    if isinstance(node, Num):
        return Plan((), lambda _, scope: emitter.number(node.value))
    if isinstance(node, Index):
        return Plan((), lambda _, scope: Piece(emitter.index_name(node), kind="int"))
    if isinstance(node, Hidden) and node.name == "contract":
        return contract.plan_contract(emitter, node)
    if isinstance(node, Hidden) and node.name in blocks.WORDS:
        return blocks.plan_blocks(emitter, node)
    if isinstance(node, Hidden):
        return plan_hidden(emitter, node)
    if not isinstance(node, Call):
        raise CodeError(f"{type(node).__name__} is not a word that code can be written for", code="SD501")
    if node.name in BINDERS:
        return plan_loop(emitter, node)
    special = _PLANS.get(node.name)
    plan = special(emitter, node) if special else None
    return plan or _plan_template(emitter, node)


# infix --------------------------------------------------------------------------------------------------------------------
def rational_value(node: Node) -> Rational | None:
    """The number that `1/2`, `-1`, `-(1/2)` write, or None."""
    sign = 1
    while isinstance(node, Call) and node.name == "neg":
        sign, node = -sign, node.operands[0]
    if isinstance(node, Call) and node.name == "div" and all(isinstance(x, Num) for x in node.operands):
        top, bottom = (x.value for x in node.operands)
        return sign * top / bottom if top.is_Rational and bottom.is_Rational and bottom != 0 else None
    return sign * node.value if isinstance(node, Num) and node.value.is_Rational else None


def _without_minus(node: Node) -> Node | None:
    """x where node is -x by its spelling."""
    if isinstance(node, Call) and node.name == "neg":
        return node.operands[0]
    if (
        isinstance(node, Num)
        and node.value.is_number
        and (node.value.p < 0 if node.value.is_Rational else node.value.is_negative)
    ):
        return Num(-node.value)
    if isinstance(node, Call) and node.name == "mul" and len(node.operands) > 1:
        first = _without_minus(node.operands[0])
        if isinstance(first, Num):
            rest = node.operands[1:]
            if first.value == 1:
                return rest[0] if len(rest) == 1 else Call("mul", *rest)
            return Call("mul", first, *rest)
    return None


def _chunked(node: Call) -> Plan | None:
    if len(node.operands) <= _CHUNK:
        return None
    xs = node.operands
    chunks = [Call(node.name, *xs[k : k + _CHUNK // 2]) for k in range(0, len(xs), _CHUNK // 2)]
    return (
        same(Call(node.name, *chunks))
        if len(chunks) > _CHUNK
        else Plan(tuple(chunks), _join_terms([False] * len(chunks), node.name))
    )


def _join_terms(minus: list[bool], name: str = "add") -> Callable[[list[Piece], Scope], Piece]:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        pieces = [p.as_number() for p in pieces]
        if name == "mul":
            return Piece(
                "*".join(p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)), MUL, kind_of(pieces), 1 + max_nest(pieces)
            )
        text = ""
        for k, (p, less) in enumerate(zip(pieces, minus, strict=True)):
            word = p.at(MATMUL if less or k else ADD)
            text += (f" {'-' if less else '+'} " if k else "-" if less else "") + word
        return Piece(text, ADD, kind_of(pieces), 1 + max_nest(pieces))

    return build


def _is_minus_one(x: Node) -> bool:
    one = _without_minus(x)
    return isinstance(one, Num) and one.value == 1


def _plan_add(emitter: Emitter, node: Call) -> Plan | None:
    terms = node.operands
    if len(terms) == 1:
        return same(terms[0])
    if (
        plan := stable.plan_add(emitter, node)
        or labels.plan_add(emitter, node)
        or common.plan_add(emitter, node)
        or contract.plan_add(emitter, node)
    ):
        return plan
    if len(terms) == 2:
        for one, other in (terms, terms[::-1]):
            x = _without_minus(other)
            if isinstance(one, Num) and one.value == 1 and isinstance(x, Call) and x.name == "sigmoid":
                return same(stable.complement(emitter, x.operands[0]))
            minus_one = isinstance(one, Num) and one.value == -1
            if (minus_one or _is_minus_one(one)) and isinstance(other, Call) and other.name == "sigmoid":  # σ(z) - 1 = -σ(-z)
                return same(Call("neg", stable.complement(emitter, other.operands[0])))
    if plan := _chunked(node) or plan_onto_product(emitter, node):
        return plan
    if len(terms) == 2 and node.rank == 2 and not emitter.dialect.functional and not emitter.inline:
        for one, other in (terms, terms[::-1]):
            if isinstance(one, Var) and isinstance(other, Call) and other.name == "T" and other.operands[0] is one:
                return same(hidden("plus_transpose", one))
    bare = [_without_minus(t) for t in terms]
    if bare[0] is not None and any(b is None for b in bare):  # -a + b as b - a
        k = next(k for k, b in enumerate(bare) if b is None)
        terms, bare = (terms[k], *terms[:k], *terms[k + 1 :]), [None, *bare[:k], *bare[k + 1 :]]
    return Plan(
        tuple(t if b is None else b for t, b in zip(terms, bare, strict=True)), _join_terms([b is not None for b in bare])
    )


def _plan_neg(emitter: Emitter, node: Call) -> Plan:
    if plan := contract.plan_scaled(emitter, node):
        return plan

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        p = pieces[0].as_number()
        return Piece(f"-{p.at(MUL)}", UNARY if p.level != MUL else MUL, p.kind, p.nest + 1)

    return Plan(node.operands, build)


def _whole_arrays(emitter: Emitter, node: Call, pieces: list[Piece]) -> bool:
    """Whether 64-bit whole numbers would be multiplied, which overflow silently."""
    return (
        node not in emitter.subscripts
        and kind_of(pieces) == "int"
        and any(x.rank or isinstance(x, (Var, Call)) for x in node.operands)
    )


def _plan_mul(emitter: Emitter, node: Call) -> Plan:
    if len(node.operands) == 1:
        return same(node.operands[0])
    if (
        plan := stable.plan_mul(emitter, node)
        or _chunked(node)
        or labels.plan_mul(emitter, node)
        or contract.plan_scaled(emitter, node)
    ):
        return plan
    if plan := plan_onto_product(emitter, node):
        return plan
    factors = sorted(node.operands, key=lambda x: x.rank > 0)  # numbers first: one pass over the array
    one = [x for x in factors if not (isinstance(x, Num) and x.value == 1)] or factors[:1]
    minus = isinstance(one[0], Num) and one[0].value == -1 and len(one) > 1

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        if any(p.kind == "float" for p in pieces):  # a comparison times floats needs no cast
            pieces = sorted(pieces, key=lambda p: p.kind == "bool")
            words = [p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)]
            return Piece(("-" if minus else "") + "*".join(words), MUL, "float", 1 + max_nest(pieces))
        pieces = [p.as_number() if k == 0 or p.kind == "bool" else p for k, p in enumerate(pieces)]
        words = [p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)]
        if _whole_arrays(emitter, node, pieces):
            pieces[0] = emitter.as_float(pieces[0], 1)
            words = [p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)]
            return Piece(("-" if minus else "") + "*".join(words), MUL, "float", 1 + max_nest(pieces))
        return Piece(("-" if minus else "") + "*".join(words), MUL, kind_of(pieces), 1 + max_nest(pieces))

    return Plan(tuple(one[1:] if minus else one), build)


def _plan_div(emitter: Emitter, node: Call) -> Plan:
    if plan := stable.plan_div(emitter, node) or contract.plan_scaled(emitter, node):
        return plan

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        return Piece(f"{x.at(MUL)}/{y.at(POW)}", MUL, kind_of([x, y]), 1 + max_nest([x, y]))

    return Plan(node.operands, build)


def _plan_pow(emitter: Emitter, node: Call) -> Plan:
    base, exponent = node.operands
    power = rational_value(exponent)
    if power == 2 and isinstance(base, Call) and base.name == "norm" and base.params["ord"] == 2 and base.rank == 0:
        x = base.operands[0]  # a square needs no root
        if emitter.parents[base] <= 1:
            return same(Call("matmul", x, x) if x.rank == 1 else Call("sum", Call("mul", x, x)))
    root = power is not None and abs(power) == sympy.S.Half

    def build_number(pieces: list[Piece], scope: Scope) -> Piece:
        assert power is not None
        x = pieces[0].as_number()
        if _whole_arrays(emitter, node, [x]):
            x = emitter.as_float(x, 1)
        elif x.kind == "int" and power < 0 and base.rank == 0:
            x = emitter.as_float(x, 0)
        if root:
            inside = emitter.plain_operand(x.text) if emitter.is_plain(base) else x.text
            word = emitter.source("np.sqrt(") + f"{inside})"
            return Piece(word, nest=x.nest + 1) if power > 0 else Piece(f"1/{word}", MUL, nest=x.nest + 1)
        if power == -1:
            return Piece(f"1/{x.at(POW)}", MUL, x.kind, x.nest + 1)
        return Piece(f"{x.at(ATOM)}**{emitter.number(power).at(UNARY)}", POW, x.kind, x.nest + 1)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        if kind_of([x, y]) == "int" and node not in emitter.subscripts:
            x = emitter.as_float(x, base.rank)
        return Piece(f"{x.at(ATOM)}**{y.at(ATOM)}", POW, "float", 1 + max_nest([x, y]))

    return Plan((base, exponent), build) if power is None else Plan((base,), build_number)


def _plan_compare(emitter: Emitter, node: Call) -> Plan:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        text = f"{x.at(ADD)} {_COMPARISONS[node.name]} {y.at(ADD)}"
        return emitter.dialect.compared(Piece(text, COMPARE, "bool", 1 + max_nest([x, y])))

    return Plan(node.operands, build)


def _plan_transpose(emitter: Emitter, node: Call) -> Plan:
    x = node.operands[0]
    if x.rank <= 1:
        return same(x)
    if isinstance(x, Call) and x.name == "T":
        return same(x.operands[0])
    return Plan((x,), lambda pieces, scope: emitter.dialect.transposed(pieces[0].as_number(), x.rank))


# templates --------------------------------------------------------------------------------------------------------------------
def _plan_template(emitter: Emitter, node: Call) -> Plan:
    dialect = emitter.dialect
    template = dialect.shortened(node.op, node.params)
    plain = [emitter.is_plain(x) and (node.op.domain[k : k + 1] != ("label",)) for k, x in enumerate(node.operands)]

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        raw = node.name == "where"  # the condition may stay a comparison
        pieces = [p if raw and k == 0 else p.as_number() for k, p in enumerate(pieces)]
        written = [emitter.plain_operand(p.text) if q else p.text for p, q in zip(pieces, plain, strict=True)]
        if raw:
            written[0] = dialect.condition(pieces[0])
        given = dict(zip(node.op.operands, written, strict=False))
        text = ""
        for before, name in fields_of(template):
            text += emitter.source(before)
            if name == "*":
                text += ", ".join(written)
            elif name in given:
                text += given[name]
            elif name:
                text += parameter(emitter, node.params[name])
        values = pieces[1:] if raw else pieces
        kind = kind_of(values) if node.name in _KEEPS_KIND else "float"
        return Piece(text, UNARY if text.startswith("-") else ATOM, kind, 1 + max_nest(pieces))

    return Plan(node.operands, build)


_PLANS: dict[str, Callable[[Emitter, Call], Plan | None]] = {
    "add": _plan_add, "neg": _plan_neg, "mul": _plan_mul, "div": _plan_div, "pow": _plan_pow, "T": _plan_transpose,
    "log": stable.plan_log, "log1p": stable.plan_log1p, "sigmoid": stable.plan_sigmoid, "sum": contract.plan_sum, "matmul": plan_matmul, "trace": plan_trace, "getitem": plan_getitem, "einsum": plan_einsum, "squeeze": plan_squeeze,
    **dict.fromkeys(_COMPARISONS, _plan_compare),
}  # fmt: skip
