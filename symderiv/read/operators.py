"""Operators: sums and products as n-ary words, powers, comparisons, `and`/`or`/`not`, `A if c else B`, attributes."""

from __future__ import annotations

import ast
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from sympy import Rational

from ..errors import InputError, ShapeError
from ..expr.nodes import Node, Num
from ..expr.sizes import product
from .names import MODULE_CONSTANTS
from .numbers import affine, zero_one
from .syntax import Chain

if TYPE_CHECKING:
    from .text import Reader

Walk = Generator[Any, Node, Node]

_COMPARE: dict[type[ast.AST], str] = {ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le", ast.Eq: "eq", ast.NotEq: "ne"}
_CHAINED: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "@": ast.MatMult}
_FAMILIES: dict[type[ast.operator], str] = {
    ast.Add: "sum", ast.Sub: "sum", ast.Mult: "product", ast.Div: "product", ast.MatMult: "product", ast.Pow: "pow",
    ast.BitAnd: "and", ast.BitOr: "or",
}  # fmt: skip
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.BitXor: ("^", "a power is `**`"),
    ast.FloorDiv: ("//", "there is no whole division; write `/`"),
    ast.Mod: ("%", "there is no remainder"),
    ast.LShift: ("<<", ""),
    ast.RShift: (">>", ""),
    ast.Is: ("is", "a comparison is `==`"),
    ast.IsNot: ("is not", "a comparison is `!=`"),
    ast.In: ("in", "write the condition with `==`"),
    ast.NotIn: ("not in", "write the condition with `!=`"),
}


# arithmetic ----------------------------------------------------------------------------------------------------------------


def read_unary(reader: Reader, tree: ast.UnaryOp) -> Walk:
    """`-x`, `+x`, `not x`, `~x`; a minus sign before a number belongs to the number."""
    x = yield tree.operand
    if isinstance(tree.op, ast.UAdd):
        return x
    if isinstance(tree.op, ast.USub):
        if isinstance(tree.operand, ast.Constant) and isinstance(x, Num):
            return Num(-x.value)
        return reader.make(tree, "neg", x)
    return negate(reader, tree, x)


def read_binary(reader: Reader, tree: ast.BinOp) -> Walk:
    """A whole left-leaning chain at once: `a - b + c` is one sum, `a*b/c` a product and a quotient."""
    family = _family(reader, tree)
    items: list[ast.expr] = []
    operators: list[type[ast.AST]] = []
    node: ast.expr = tree
    while isinstance(node, ast.BinOp) and _family(reader, node) == family and not (family == "pow" and items):
        items.append(node.right)
        operators.append(type(node.op))
        node = node.left
    items.append(node)
    return _fold(reader, tree, items[::-1], operators[::-1], family)


def read_chain(reader: Reader, tree: Chain) -> Walk:
    """A long sum or product that was cut into pieces."""
    return _fold(reader, tree, tree.items, [_CHAINED[o] for o in tree.ops], "sum" if tree.ops[0] in "+-" else "product")


def _family(reader: Reader, tree: ast.BinOp) -> str:
    family = _FAMILIES.get(type(tree.op))
    if family is None:
        raise _refuse(reader, tree.op, tree)
    return family


def _refuse(reader: Reader, op: ast.AST, tree: ast.AST) -> InputError:
    sign, hint = _REFUSED[type(op)]
    return InputError(f"`{sign}` is not part of the language", code="SD102", hint=hint, span=reader.span(tree))


def _fold(reader: Reader, tree: ast.AST, items: list[ast.expr], operators: list[type[ast.AST]], family: str) -> Walk:
    values: list[Any] = [(yield items[0])]
    if family == "sum":
        for item, op in zip(items[1:], operators, strict=True):
            x = yield item
            values.append(reader.make(item, "neg", x) if op is ast.Sub else x)
        return reader.make(tree, "add", *values)
    if family == "pow":
        return reader.make(tree, "pow", values[0], (yield items[1]))
    if family == "product":
        for previous, item, op in zip(items, items[1:], operators, strict=False):
            x = yield item
            _times(reader, _upto(tree, previous), _upto(tree, item), values, op, x)
        return _flush(reader, tree, values)
    for item in items[1:]:
        values.append((yield item))
    _need_truth(reader, tree, *values)
    return join_truth(reader, tree, family, values)


def _times(reader: Reader, before: ast.AST, here: ast.AST, values: list[Any], op: type[ast.AST], x: Node) -> None:
    """One more factor; `values` is [word, operand, operand, ...] while a product of one kind grows, else [node].

    `before` and `here` are the places of the chain without and with the factor. A vector inside `A @ x @ y` ends a product:
    only matrices may stand between.
    """
    words: dict[type[ast.AST], str] = {ast.Mult: "mul", ast.MatMult: "matmul"}
    word = words.get(op, "div")
    grows = values[0] == word and (word == "mul" or (word == "matmul" and values[-1].rank == 2))
    left = values[-1] if grows else _flush(reader, before, values)
    if word == "matmul":
        # checked here, factor by factor, so that an error points at the two that do not fit
        reader.make(here, "matmul", left, x)
    if grows:
        values.append(x)
    else:
        values[:] = [quotient(reader, here, left, x)] if word == "div" else [word, left, x]


def _flush(reader: Reader, tree: ast.AST, values: list[Any]) -> Node:
    return reader.make(tree, values[0], *values[1:]) if isinstance(values[0], str) else values[0]


def _upto(tree: ast.AST, item: ast.AST) -> ast.AST:
    """The part of a chain from its beginning to `item`, as a place."""
    place = ast.Pass()
    place.col_offset, place.end_col_offset = tree.col_offset, item.end_col_offset  # type: ignore[attr-defined]
    return place


def quotient(reader: Reader, tree: ast.AST, x: Node, y: Node) -> Node:
    """`x/y`; a fraction of whole numbers is one number."""
    below = affine(y) if not y.rank and y.tree_size <= 50 else None
    if below is not None and below.is_zero:
        raise InputError("this divides by zero", code="SD111", span=reader.span(tree))
    if isinstance(x, Num) and isinstance(y, Num) and isinstance(x.value, Rational) and isinstance(y.value, Rational):
        return Num(x.value / y.value)
    return reader.make(tree, "div", x, y)


# truth: 0 and 1 --------------------------------------------------------------------------------------------------------------


def read_compare(reader: Reader, tree: ast.Compare) -> Walk:
    """`a < b`, and `a < b < c` as `(a < b) and (b < c)`."""
    left = yield tree.left
    found = []
    for op, right in zip(tree.ops, tree.comparators, strict=True):
        if type(op) not in _COMPARE:
            raise _refuse(reader, op, tree)
        value = yield right
        found.append(reader.make(tree, _COMPARE[type(op)], left, value))
        left = value
    return join_truth(reader, tree, "and", found)


def read_boolean(reader: Reader, tree: ast.BoolOp) -> Walk:
    """`a and b`, `a or b`."""
    values = []
    for item in tree.values:
        values.append((yield item))
    _need_truth(reader, tree, *values)
    return join_truth(reader, tree, "and" if isinstance(tree.op, ast.And) else "or", values)


def read_choice(reader: Reader, tree: ast.IfExp) -> Walk:
    """`A if c else B` is `where(c, A, B)`."""
    c = yield tree.test
    x = yield tree.body
    y = yield tree.orelse
    return reader.make(tree, "where", c, x, y)


def join_truth(reader: Reader, tree: ast.AST, how: str, values: list[Node]) -> Node:
    """`and` is the product, `or` the maximum of 0/1 values."""
    if len(values) == 1:
        return values[0]
    if how == "and":
        return reader.make(tree, "mul", *values)
    out = values[0]
    for x in values[1:]:
        out = reader.make(tree, "maximum", out, x)
    return out


def negate(reader: Reader, tree: ast.AST, x: Node) -> Node:
    """`not x` is `1 - x`."""
    _need_truth(reader, tree, x)
    return reader.make(tree, "add", Num(1), reader.make(tree, "neg", x))


def _need_truth(reader: Reader, tree: ast.AST, *values: Node) -> None:
    if not all(map(zero_one, values)):
        hint = "compare with something: x != 0"
        raise InputError("`and`, `or`, `not`, `&`, `|`, `~` join comparisons", code="SD102", hint=hint, span=reader.span(tree))


# attributes --------------------------------------------------------------------------------------------------------------------


def read_attribute(reader: Reader, tree: ast.Attribute) -> Walk:
    """`x.T`, `x.mT`, `x.size`, `np.pi`."""
    dotted = reader.module_of(tree.value)
    if dotted is not None:
        if tree.attr in MODULE_CONSTANTS and "linalg" not in dotted:
            return Num(MODULE_CONSTANTS[tree.attr])
        raise InputError(f"`{reader.text(tree)}` is not a value", code="SD102", span=reader.span(tree))
    if tree.attr not in ("T", "mT", "size"):
        raise _attribute_refused(reader, tree)
    x = yield tree.value
    if tree.attr == "size":
        return Num(product(x.shape))
    if tree.attr == "mT" and x.rank < 2:
        raise ShapeError(".mT is for matrices; a vector has one axis", code="SD203", hint="write .T", span=reader.span(tree))
    if tree.attr == "T" or x.rank == 2:
        return reader.make(tree, "T", x)
    return reader.make(tree, "swapaxes", x, axis1=-2, axis2=-1)


def _attribute_refused(reader: Reader, tree: ast.Attribute) -> InputError:
    hints = {
        "shape": "a size is X.shape[0]",
        "t": "the transpose is .T",
        "transpose": "the transpose is .T",
        "H": "the transpose is .T",
    }
    hint = {**hints, "I": "the inverse is inv(A)", "inv": "the inverse is inv(A)"}.get(tree.attr, "")
    return InputError(f"`.{tree.attr[:40]}` is not part of the language", code="SD102", hint=hint, span=reader.span(tree))
