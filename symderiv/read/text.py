"""Language text to words: `build("X @ w - y", env)`; the walk over Python's `ast` that everything in this room uses.

Only what is named here is understood; everything else in Python's grammar is refused with its place. The walk is a
trampoline of generators, so depth is bounded by `limits`, not by Python's stack.
"""

from __future__ import annotations

import ast
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Integer, Rational

from .. import ops as _ops  # fills the table of operations
from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Call, Node, Num
from ..expr.sizes import product
from .limits import MAX_DEPTH, MAX_NODES, too_deep, too_many
from .names import CONSTANTS, MODULE_CONSTANTS, MODULE_ROOTS, MODULES, is_function, nearest
from .numbers import affine, literal, zero_one
from .scan import scan
from .syntax import Chain, parse_tokens

assert _ops
Walk = Generator[Any, Node, Node]

_BINARY = {ast.Div: "div", ast.Pow: "pow"}
_COMPARE = {ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le", ast.Eq: "eq", ast.NotEq: "ne"}
_CHAINED: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "@": ast.MatMult}
_REFUSED_OPERATORS: dict[type[ast.AST], str] = {
    ast.BitXor: "a power is `**`",
    ast.FloorDiv: "there is no whole division; write `/`",
    ast.Mod: "there is no remainder",
    ast.LShift: "",
    ast.RShift: "",
    ast.Is: "a comparison is `==`",
    ast.IsNot: "a comparison is `!=`",
    ast.In: "write the condition with `==`",
    ast.NotIn: "write the condition with `!=`",
}
_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("`lambda` is a word of Python", "call the variable `lam`"),
    ast.ListComp: ("a list comprehension", "write the generator without brackets: sum(x[i] for i in range(n))"),
    ast.SetComp: ("a set comprehension", ""),
    ast.DictComp: ("a dictionary comprehension", ""),
    ast.GeneratorExp: ("a generator on its own", "a generator stands in sum(...), prod(...), max(...) or min(...)"),
    ast.NamedExpr: ("`:=`", "a definition is a line of its own: name = expression"),
    ast.JoinedStr: ("an f-string", ""),
    ast.Starred: ("`*` before an argument", ""),
    ast.Dict: ("a dictionary", ""),
    ast.Set: ("a set", ""),
    ast.List: ("a list", "a list of arrays stands in stack([...]) or concatenate([...])"),
    ast.Tuple: ("a comma", "an expression is one value; stack([a, b]) makes an array"),
    ast.Slice: ("a slice", ""),
    ast.Await: ("`await`", ""),
    ast.Yield: ("`yield`", ""),
    ast.YieldFrom: ("`yield`", ""),
}


@lru_cache(maxsize=2048)
def _parsed(text: str) -> ast.expr:
    return parse_tokens(text, scan(text))


def build(
    text: str, env: dict[str, Node], sizes: dict[str, Expr] | None = None, params: dict[str, object] | None = None
) -> Node:
    """The words of a text whose names are all known.

    Args:
        text: one expression in the input language.
        env: the values of names.
        sizes: names of sizes, usable as numbers, in `range`, `ones`, `reshape`, …
        params: Python values of names that stand for parameters, as in `sum(x, axis=axis)`.

    Raises:
        InputError: SD101 to SD111 for what cannot be read.
        ShapeError: SD2xx for operands that do not fit.
        LimitError: SD9xx.
    """
    return Reader(text, env, sizes or {}, params or {}).read(_parsed(text))


class Reader:
    """Turns `ast` into words.

    Subclasses say what an unknown name is (`unknown`) and record places (`placed`).
    """

    def __init__(self, source: str, env: dict[str, Node], sizes: dict[str, Expr], params: dict[str, object], name: str = "") -> None:
        self.source, self.name = source, name
        self.env, self.sizes, self.params = env, sizes, params
        self.indices: dict[str, Any] = {}  # indices of the generators around, name -> Bound
        self.visited = 0

    # the trampoline ------------------------------------------------------------------------------------------------------
    def read(self, tree: ast.AST) -> Node:
        """The node of an expression."""
        value: Any = self._leaf(tree)
        if value is not None:
            return value
        stack: list[tuple[Walk, ast.AST | None]] = [(self._visit(tree), tree)]
        try:
            while stack:
                try:
                    child = stack[-1][0].send(value)
                except StopIteration as done:
                    _, node = stack.pop()
                    value = done.value
                    if node is not None:
                        self._finished(value, node)
                    continue
                if isinstance(child, ast.AST):
                    value = self._leaf(child)
                    if value is None:
                        stack.append((self._visit(child), child))
                else:
                    stack.append((child, None))
                    value = None
        except SymDerivError as error:
            place = next((t for _, t in reversed(stack) if t is not None), tree)
            raise error.at(self.span(place)) from None
        return value

    def _leaf(self, tree: ast.AST) -> Node | None:
        """Names and numbers at once; None for what needs a walk."""
        self.visited += 1
        if self.visited > MAX_NODES:
            raise too_many(self.span(tree))
        if isinstance(tree, ast.Name):
            value = self.value_of(tree)
        elif isinstance(tree, ast.Constant):
            value = self._constant(tree)
        else:
            return None
        self.placed(value, tree)
        return value

    def _finished(self, value: Node, tree: ast.AST) -> None:
        if value.depth > MAX_DEPTH:
            raise too_deep("the expression", self.span(tree))
        self.placed(value, tree)

    def _visit(self, tree: ast.AST) -> Walk:
        method = _VISITORS.get(type(tree))
        if method is None:
            what, hint = _FORBIDDEN.get(type(tree), (f"`{self.text(tree)}`", ""))
            raise InputError(f"{what} is not part of the language", code="SD102", hint=hint, span=self.span(tree))
        return method(self, tree)

    # what subclasses change ----------------------------------------------------------------------------------------------
    def unknown(self, name: str, tree: ast.Name) -> Node:
        """The value of a name that nothing declares."""
        if is_function(name):
            raise InputError(f"`{name}` is a function and needs arguments", code="SD104", hint=f"write {name}(...)", span=self.span(tree))
        hint = nearest(name, {*self.env, *self.sizes, *self.indices})
        raise InputError(f"`{name}` is not declared", code="SD104", hint=hint, span=self.span(tree))

    def placed(self, value: Node, tree: ast.AST) -> None:
        """Called for every node made."""

    def explain(self, error: ShapeError, tree: ast.AST, operands: tuple[Node, ...]) -> ShapeError:
        """A shape error in terms of the text."""
        return error

    # places --------------------------------------------------------------------------------------------------------------
    def span(self, tree: ast.AST) -> Span:
        """Where a part stands."""
        start = getattr(tree, "col_offset", 0)
        return Span(self.source, start, max(start + 1, getattr(tree, "end_col_offset", start + 1)), self.name)

    def text(self, tree: ast.AST, limit: int = 60) -> str:
        """A part as written, cut when long."""
        text = " ".join(self.source[tree.col_offset : tree.end_col_offset].split())  # type: ignore[attr-defined]
        return text if len(text) <= limit else text[: limit - 1] + "…"

    # leaves --------------------------------------------------------------------------------------------------------------
    def value_of(self, tree: ast.Name) -> Node:
        """What a name stands for: an index, a value, a size, a parameter, a constant."""
        name = tree.id
        if name in self.indices:
            return self.indices[name].index
        if name in self.env:
            return self.env[name]
        if name in self.sizes:
            return Num(self.sizes[name])
        if name in self.params:
            return self._parameter(name, tree)
        if name.startswith("__"):
            raise InputError(f"`{name}` is not a name of the language", code="SD102", span=self.span(tree))
        if name in CONSTANTS:
            return self.constant(name)
        return self.unknown(name, tree)

    def constant(self, name: str) -> Node:
        """`pi` or `inf`."""
        return Num(CONSTANTS[name])

    def _parameter(self, name: str, tree: ast.AST) -> Node:
        value = self.params[name]
        if isinstance(value, (int, Expr)):
            return Num(value)
        raise InputError(f"the parameter `{name}` is not a number", code="SD105", span=self.span(tree))

    def _constant(self, tree: ast.Constant) -> Node:
        value = tree.value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Num(literal(self.source[tree.col_offset : tree.end_col_offset], self.span(tree)))
        hint = "write .T for the transpose" if isinstance(value, str) else ""
        if isinstance(value, bool):
            hint = f"write {int(value)}"
        raise InputError(f"`{self.text(tree)}` is not a number", code="SD102", hint=hint, span=self.span(tree))

    # making nodes --------------------------------------------------------------------------------------------------------
    def make(self, tree: ast.AST, name: str, *operands: Node, **params: Any) -> Node:
        """`Call`, its errors with their place."""
        try:
            return Call(name, *operands, **params)
        except ShapeError as error:
            raise self.explain(error, tree, operands).at(self.span(tree)) from None

    # operators -----------------------------------------------------------------------------------------------------------
    def _unary(self, tree: ast.UnaryOp) -> Walk:
        x = yield tree.operand
        if isinstance(tree.op, ast.UAdd):
            return x
        if isinstance(tree.op, ast.USub):
            if isinstance(x, Num) and x.value.is_number and isinstance(tree.operand, ast.Constant):
                return Num(-x.value)
            return self.make(tree, "neg", x)
        return self._not(tree, x, bitwise=isinstance(tree.op, ast.Invert))

    def _not(self, tree: ast.AST, x: Node, bitwise: bool = False) -> Node:
        self._need_truth(tree, x)
        return self.make(tree, "add", Num(1), self.make(tree, "neg", x))

    def _need_truth(self, tree: ast.AST, *values: Node) -> None:
        for x in values:
            if not zero_one(x):
                hint = "compare with something: x != 0"
                raise InputError("`and`, `or`, `not`, `&`, `|`, `~` join comparisons", code="SD102", hint=hint, span=self.span(tree))

    def _binary(self, tree: ast.BinOp) -> Walk:
        """A whole left-leaning chain at once: `a - b + c` is one sum, `a*b/c` a product and a quotient."""
        family = self._family(tree.op, tree)
        items: list[ast.expr] = []
        operators: list[type[ast.AST]] = []
        node: ast.expr = tree
        while isinstance(node, ast.BinOp) and self._family(node.op, node) == family and not (family == "pow" and items):
            items.append(node.right)
            operators.append(type(node.op))
            node = node.left
        items.append(node)
        return self._fold_chain(tree, items[::-1], operators[::-1], family)

    def _family(self, op: ast.operator, tree: ast.AST) -> str:
        if isinstance(op, (ast.Add, ast.Sub)):
            return "sum"
        if isinstance(op, (ast.Mult, ast.Div, ast.MatMult)):
            return "product"
        if isinstance(op, ast.Pow):
            return "pow"
        if isinstance(op, (ast.BitAnd, ast.BitOr)):
            return "and" if isinstance(op, ast.BitAnd) else "or"
        raise self._operator_refused(op, tree)

    def _operator_refused(self, op: ast.AST, tree: ast.AST) -> InputError:
        signs = {ast.BitXor: "^", ast.FloorDiv: "//", ast.Mod: "%", ast.LShift: "<<", ast.RShift: ">>", ast.Is: "is", ast.IsNot: "is not"}
        signs |= {ast.In: "in", ast.NotIn: "not in"}
        hint = _REFUSED_OPERATORS.get(type(op), "")
        return InputError(f"`{signs.get(type(op), '?')}` is not part of the language", code="SD102", hint=hint, span=self.span(tree))

    def _chain(self, tree: Chain) -> Walk:
        family = "sum" if tree.ops[0] in "+-" else "product"
        return self._fold_chain(tree, tree.items, [_CHAINED[o] for o in tree.ops], family)

    def _fold_chain(self, tree: ast.AST, items: list[ast.expr], operators: list[type[ast.AST]], family: str) -> Walk:
        values = [(yield items[0])]
        if family == "sum":
            for item, op in zip(items[1:], operators, strict=True):
                x = yield item
                values.append(self.make(item, "neg", x) if op is ast.Sub else x)
            return self.make(tree, "add", *values)
        if family == "pow":
            y = yield items[1]
            return self.make(tree, "pow", values[0], y)
        if family in ("and", "or"):
            for item in items[1:]:
                values.append((yield item))
            self._need_truth(tree, *values)
            return self._join_truth(tree, family, values)
        for item, op in zip(items[1:], operators, strict=True):
            x = yield item
            self._times(tree, items, item, values, op, x)
        return self._flush(tree, values)

    def _times(self, tree: ast.AST, items: list[ast.expr], item: ast.expr, values: list[Any], op: type[ast.AST], x: Node) -> None:
        """One more factor; `values` is [word, operand, operand, ...] while a product of one kind grows, else [node]."""
        here = _upto(tree, item)
        word = {ast.Mult: "mul", ast.MatMult: "matmul"}.get(op, "div")
        grows = values[0] == word and (word == "mul" or (word == "matmul" and values[-1].rank == 2))
        if word == "matmul" and grows:
            # checked here, factor by factor, so that an error points at the two that do not fit
            self.make(here, "matmul", values[-1], x)
        if grows:
            values.append(x)
            return
        left = self._flush(_upto(tree, items[max(0, items.index(item) - 1)]), values)
        if word == "div":
            values[:] = [self._quotient(here, left, x)]
        else:
            if word == "matmul":
                self.make(here, "matmul", left, x)
            values[:] = [word, left, x]

    def _flush(self, tree: ast.AST, values: list[Any]) -> Node:
        return self.make(tree, values[0], *values[1:]) if isinstance(values[0], str) else values[0]

    def _quotient(self, tree: ast.AST, x: Node, y: Node) -> Node:
        """A fraction of whole numbers is one number."""
        if isinstance(y, Num) and y.value.is_zero:
            raise InputError("this divides by zero", code="SD111", span=self.span(tree))
        if isinstance(x, Num) and isinstance(y, Num) and isinstance(x.value, Rational) and isinstance(y.value, Rational):
            return Num(x.value / y.value)
        return self.make(tree, "div", x, y)

    def _compare(self, tree: ast.Compare) -> Walk:
        left = yield tree.left
        found = []
        for op, right in zip(tree.ops, tree.comparators, strict=True):
            if type(op) not in _COMPARE:
                raise self._operator_refused(op, tree)
            value = yield right
            found.append(self.make(tree, _COMPARE[type(op)], left, value))
            left = value
        return self._join_truth(tree, "and", found)

    def _join_truth(self, tree: ast.AST, how: str, values: list[Node]) -> Node:
        """`and` is the product, `or` the maximum of 0/1 values."""
        if len(values) == 1:
            return values[0]
        if how == "and":
            return self.make(tree, "mul", *values)
        out = values[0]
        for x in values[1:]:
            out = self.make(tree, "maximum", out, x)
        return out

    def _boolean(self, tree: ast.BoolOp) -> Walk:
        values = []
        for item in tree.values:
            values.append((yield item))
        self._need_truth(tree, *values)
        return self._join_truth(tree, "and" if isinstance(tree.op, ast.And) else "or", values)

    def _choice(self, tree: ast.IfExp) -> Walk:
        """`A if c else B` is `where(c, A, B)`."""
        c = yield tree.test
        x = yield tree.body
        y = yield tree.orelse
        return self.make(tree, "where", c, x, y)

    # attributes ----------------------------------------------------------------------------------------------------------
    def _attribute(self, tree: ast.Attribute) -> Walk:
        dotted = self.module_of(tree.value)
        if dotted is not None:
            if tree.attr in MODULE_CONSTANTS and "linalg" not in dotted:
                return Num(MODULE_CONSTANTS[tree.attr])
            raise InputError(f"`{self.text(tree)}` is not a value", code="SD102", span=self.span(tree))
        if tree.attr not in ("T", "mT", "size"):
            raise self._attribute_refused(tree)
        x = yield tree.value
        if tree.attr == "size":
            return Num(product(x.shape))
        if tree.attr == "T" or x.rank == 2:
            if tree.attr == "mT" and x.rank < 2:
                raise ShapeError(".mT needs a matrix", code="SD203", span=self.span(tree))
            return self.make(tree, "T", x)
        if x.rank < 2:
            raise ShapeError(".mT is for matrices; a vector has one axis", code="SD203", hint="write .T", span=self.span(tree))
        return self.make(tree, "swapaxes", x, axis1=-2, axis2=-1)

    def _attribute_refused(self, tree: ast.Attribute) -> InputError:
        hint = ""
        if tree.attr == "shape":
            hint = "a size is X.shape[0]"
        elif tree.attr in ("t", "transpose") or tree.attr == "H":
            hint = "the transpose is .T"
        elif tree.attr == "I":
            hint = "the inverse is inv(A)"
        return InputError(f"`.{tree.attr[:40]}` is not part of the language", code="SD102", hint=hint, span=self.span(tree))

    def module_of(self, tree: ast.AST) -> str | None:
        """`np.linalg` when the tree spells a known module and its first name is not declared; else None."""
        parts: list[str] = []
        while isinstance(tree, ast.Attribute):
            parts.append(tree.attr)
            tree = tree.value
        if not isinstance(tree, ast.Name) or tree.id not in MODULE_ROOTS or tree.id in self.env or tree.id in self.indices:
            return None
        dotted = ".".join([tree.id, *reversed(parts)])
        return dotted if dotted in MODULES else None

    # parameters and sizes ------------------------------------------------------------------------------------------------
    def size(self, tree: ast.AST, what: str = "a size") -> Expr:
        """A size or whole number from an expression in sizes and numbers.

        Raises:
            InputError: SD105 when it is not one.
        """
        value = affine(self.size_node(tree))
        if value is None or value.is_integer is False or value.has(sympy.oo, sympy.zoo, sympy.nan):
            hint = "sizes are whole numbers, size symbols such as n, and X.shape[0]"
            raise InputError(f"`{self.text(tree)}` is not {what}", code="SD105", hint=hint, span=self.span(tree))
        return value

    def size_node(self, tree: ast.AST) -> Node:
        """An expression in a place where sizes stand."""
        return Reader.read(self, tree)

    def value(self, tree: ast.AST) -> Any:
        """A parameter: None, a flag, a string, a whole number, a tuple of them, a size, or the value of a parameter name."""
        if isinstance(tree, ast.Constant) and (tree.value is None or isinstance(tree.value, (bool, str))):
            return tree.value
        if isinstance(tree, ast.Name) and tree.id in self.params and tree.id not in self.env:
            return self.params[tree.id]
        if isinstance(tree, (ast.Tuple, ast.List)):
            return tuple(self.value(t) for t in self._flat(tree))
        size = self.size(tree, "a whole number or a size")
        return int(size) if isinstance(size, Integer) else size

    def _flat(self, tree: ast.Tuple | ast.List) -> Iterator[ast.expr]:
        for t in tree.elts:
            if isinstance(t, (ast.Tuple, ast.List)):
                raise InputError("a tuple in a tuple", code="SD105", span=self.span(t))
            yield t


def _upto(tree: ast.AST, item: ast.AST) -> ast.AST:
    """The part of a chain from its beginning to `item`, as a place."""
    place = ast.Pass()
    place.col_offset, place.end_col_offset = tree.col_offset, item.end_col_offset  # type: ignore[attr-defined]
    return place


from .calls import read_call  # noqa: E402  (the two halves of the reader know each other)
from .subscripts import read_subscript  # noqa: E402

_VISITORS: dict[type[ast.AST], Any] = {
    ast.UnaryOp: Reader._unary,
    ast.BinOp: Reader._binary,
    Chain: Reader._chain,
    ast.Compare: Reader._compare,
    ast.BoolOp: Reader._boolean,
    ast.IfExp: Reader._choice,
    ast.Attribute: Reader._attribute,
    ast.Call: read_call,
    ast.Subscript: read_subscript,
}

__all__ = ["Reader", "build"]
