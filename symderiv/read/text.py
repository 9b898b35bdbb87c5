"""Language text to words: `build("X @ w - y", env)`; the walk over Python's `ast` that everything in this room uses.

Only what is named here is understood; everything else in Python's grammar is refused with its place. The walk is a
trampoline of generators, so depth is bounded by `limits`, not by Python's stack.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Integer

from .. import ops as _ops
from ..errors import InputError, ShapeError, Span, SymDerivError
from ..expr.nodes import Call, Node, Num
from . import operators
from .calls import read_call
from .limits import MAX_HEIGHT, MAX_NODES, too_deep, too_many
from .names import CONSTANTS, MODULE_ROOTS, MODULES, is_function, nearest
from .numbers import affine, literal
from .scan import scan
from .subscripts import Bound, read_subscript
from .syntax import Chain, parse_tokens

assert _ops.OPS  # importing the package fills the table of operations
Walk = Generator[Any, Any, Node]

_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
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
}


@lru_cache(maxsize=2048)
def _parsed(text: str) -> ast.expr:
    return parse_tokens(text, scan(text))


def build(text: str, env: dict[str, Node], sizes: dict[str, Expr] | None = None, params: dict[str, object] | None = None) -> Node:
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


def whole_brackets(source: str, start: int, stop: int) -> tuple[int, int]:
    """A place with the brackets that it cuts: trees leave out those around a first or last operand."""
    text = source[start:stop]
    opens, closes = (text.count(a) + text.count(b) for a, b in ("([", ")]"))
    if opens == closes and (not opens or text.find(")") > text.find("(")):
        return start, stop
    depth = lowest = 0
    for c in text[:2_000] if len(text) > 2_000 else text:
        depth += (c in "([") - (c in ")]")
        lowest = min(lowest, depth)
    for _ in range(-lowest):
        at = start - 1
        while at >= 0 and source[at].isspace():
            at -= 1
        if at < 0 or source[at] not in "([":
            break
        start = at
    for _ in range(depth - lowest):
        at = stop
        while at < len(source) and source[at].isspace():
            at += 1
        if at >= len(source) or source[at] not in ")]":
            break
        stop = at + 1
    return start, stop


class Reader:
    """Turns `ast` into words.

    Subclasses say what an unknown name is (`unknown`) and record places (`placed`).
    """

    def __init__(
        self, source: str, env: dict[str, Node], sizes: dict[str, Expr], params: dict[str, object], name: str = ""
    ) -> None:
        self.source, self.name = source, name
        self.env, self.sizes, self.params = env, sizes, params
        self.indices: dict[str, Bound] = {}  # indices of the generators around, by the name in the text
        self.active: list[Bound] = []  # the same and those they hide, outermost first
        self.reserved: set[str] = set()  # names that a renamed index must not take
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
        if value.depth > MAX_HEIGHT:
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
            raise InputError(
                f"`{name}` is a function and needs arguments", code="SD104", hint=f"write {name}(...)", span=self.span(tree)
            )
        hint = nearest(name, {*self.env, *self.sizes, *self.indices})
        raise InputError(f"`{name}` is not declared", code="SD104", hint=hint, span=self.span(tree))

    def placed(self, value: Node, tree: ast.AST) -> None:
        """Called for every node made."""

    def is_open(self, name: str) -> bool:
        """Whether nothing says yet what a name is, and the reader may assume it."""
        return False

    def expect_label(self, tree: ast.expr, rank: int) -> None:
        """Called before an expression is read that stands for labels or an index."""

    def axis_size(self, x: Node, axis: int, needed: Expr) -> Expr | None:
        """The size of an axis of which an index takes the first `needed` entries; None when it is not known yet."""
        return x.shape[axis]

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
        start, stop = whole_brackets(self.source, tree.col_offset, tree.end_col_offset)  # type: ignore[attr-defined]
        text = " ".join(self.source[start:stop].split())
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
            node = Call(name, *operands, **params)
        except ShapeError as error:
            raise self.explain(error, tree, operands).at(self.span(tree)) from None
        if node.depth > MAX_HEIGHT:
            raise too_deep("the expression", self.span(tree))
        self.placed(node, tree)
        return node

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
            if any(isinstance(t, (ast.Tuple, ast.List)) for t in tree.elts):
                raise InputError("a tuple in a tuple", code="SD105", span=self.span(tree))
            return tuple(self.value(t) for t in tree.elts)
        size = self.size(tree, "a whole number or a size")
        return int(size) if isinstance(size, Integer) else size


_VISITORS: dict[type[ast.AST], Callable[[Reader, Any], Walk]] = {
    ast.UnaryOp: operators.read_unary,
    ast.BinOp: operators.read_binary,
    Chain: operators.read_chain,
    ast.Compare: operators.read_compare,
    ast.BoolOp: operators.read_boolean,
    ast.IfExp: operators.read_choice,
    ast.Attribute: operators.read_attribute,
    ast.Call: read_call,
    ast.Subscript: read_subscript,
}

__all__ = ["Reader", "build"]
