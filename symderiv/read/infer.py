"""Undeclared names: a kind from the first letter, sizes by unification, and a sentence for each assumption."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from sympy import Dummy, Expr

from ..errors import InputError, ShapeError, Span
from ..expr.nodes import Node, Num, Var
from ..expr.sizes import Unifier, show_shape, size_symbol
from ..expr.walk import variables
from .declarations import Declarations
from .names import CONSTANTS, canonical, is_function, is_greek, nearest, rank_by_letter
from .scan import scan
from .syntax import LEAVES
from .text import Reader, whole_brackets

_SIZED = frozenset({"range", "arange", "eye", "ones", "zeros", "tri", "reshape", "view", "broadcast_to", "onehot"})
_OPERAND_FIRST = frozenset({"reshape", "broadcast_to", "onehot"})
_POOL = ("n", "d", "k", "m", "p", "q", "r", "s", "t", "l", "u", "v")
_POOL_MATRIX = ("m", "n", "d", "k", "p", "q", "r", "s", "t", "l", "u", "v")


@dataclass
class Guess:
    """An undeclared name: its variable with unknown sizes, and why it has this kind."""

    var: Var
    why: str


@dataclass
class Inference:
    """What is assumed while a text is read for the first time.

    Attributes:
        guesses: undeclared names in order of first occurrence.
        unifier: equates unknown sizes.
        needed: lower bounds of unknown sizes from indices that run over them.
    """

    unifier: Unifier = field(default_factory=Unifier)
    guesses: dict[str, Guess] = field(default_factory=dict)
    needed: list[tuple[Expr, Expr]] = field(default_factory=list)
    unknown: list[Dummy] = field(default_factory=list)

    def guess(self, name: str, rank: int, why: str, attrs: tuple[str, ...] = ()) -> Var:
        """A variable of unknown sizes."""
        shape = tuple(Dummy(f"size{len(self.unknown) + k}_", integer=True, positive=True) for k in range(rank))
        self.unknown.extend(shape)
        self.guesses[name] = Guess(Var(name, shape, attrs), why)
        return self.guesses[name].var

    def settle(self, taken: set[str]) -> dict[str, Var]:
        """The variables with sizes found or named."""
        for size, _ in self.needed:
            free = self.unifier.find(size)
            if isinstance(free, Dummy):
                others = [self.unifier.find(w) for s, w in self.needed if self.unifier.find(s) == free]
                best = others[0]
                for w in others[1:]:
                    best = w if (w - best).is_positive else best
                self.unifier.unify(free, best)
        names = self._name_sizes(taken)
        out = {}
        for name, g in self.guesses.items():
            shape = tuple(self.unifier.find(s).xreplace(names) for s in g.var.shape)
            out[name] = Var(name, shape, g.var.attrs)
        return out

    def _name_sizes(self, taken: set[str]) -> dict[Expr, Expr]:
        """Names for the sizes that nothing decides: m and n for a first matrix, else n, d, k, …"""
        found = [self.unifier.find(s) for s in self.unknown]
        free = list(dict.fromkeys(s for f in found for s in sorted(f.free_symbols, key=str) if isinstance(s, Dummy)))
        first = next((v for g in self.guesses.values() for v in [g.var] if v.rank), None)
        two = first is not None and first.rank == 2 and len({self.unifier.find(s) for s in first.shape}) == 2 and len(free) > 1
        pool = (
            n
            for n in (*(_POOL_MATRIX if two else _POOL), *(f"n{k}" for k in range(1, len(free) + len(taken) + 2)))
            if n not in taken
        )
        return {s: size_symbol(next(pool)) for s in free}

    def readable(self, text: str) -> str:
        """A message with the unknown sizes as far as they are known."""
        if "_size" not in text:
            return text
        for d in self.unknown:
            value = self.unifier.find(d)
            text = text.replace("_" + d.name, "?" if value.has(Dummy) else str(value))
        return text


def sentence(var: Var, why: str) -> str:
    """`x is a vector of n entries (from its first letter)`."""
    shape = var.shape
    if var.is_a("integer"):
        return f"{var.name} is {'an integer label' if not shape else f'a vector of {shape[0]} integer labels'} ({why})"
    kinds = ["a scalar", "a vector of {} entries", "a matrix of {} rows and {} columns"]
    hint = "; eye(n) is the identity matrix" if var.name == "I" else ""
    if len(shape) > 2:
        return f"{var.name} is an array of shape {show_shape(shape)} ({why})"
    if var.name in ("n", "m", "k", "N", "M", "K") and shape:
        hint = f"; for a size declare an array that has it, such as `x: {var.name}`"
    return f"{var.name} is {kinds[len(shape)].format(*shape)} ({why}{hint})"


class ProblemReader(Reader):
    """Reads the statements of a problem: knows declarations, may assume the rest, remembers places."""

    def __init__(
        self,
        source: str,
        name: str,
        declared: Declarations,
        later: dict[str, Span],
        inference: Inference | None,
        names: set[str] | None = None,
    ) -> None:
        super().__init__(source, dict(declared.vars), dict(declared.sizes), {}, name)
        self.declared, self.later, self.inference = declared, later, inference
        self.constants: dict[str, str] = {}
        self.reserved = {t.text for t in scan(source) if t.kind == "name"} if names is None else names
        self.places: dict[Node, tuple[int, int]] = {}
        self.used: dict[str, Var] = {}

    # names ---------------------------------------------------------------------------------------------------------------
    def is_open(self, name: str) -> bool:
        known = name in self.env or name in self.sizes or name in self.indices or name in self.later or name in CONSTANTS
        return not known and self.inference is not None

    def unknown(self, name: str, tree: ast.Name) -> Node:
        if name in self.later:
            place = self.later[name]
            what = f"`{name}` is used before its definition at line {place.line}"
            raise InputError(what, code="SD104", hint="move the definition up", span=self.span(tree))
        if self.inference is None:
            return super().unknown(name, tree)
        if name in ("nan", "NaN", "i_", "newaxis"):
            raise InputError(f"`{name}` is not a value", code="SD104", span=self.span(tree))
        rank = rank_by_letter(name)
        if is_function(name) and len(name) > 1 and not is_greek(name):
            raise InputError(
                f"`{name}` is a function and needs arguments", code="SD104", hint=f"write {name}(...)", span=self.span(tree)
            )
        if rank is None:
            hint = nearest(name, {*self.env, *self.sizes}) or f"declare it: `{name}: scalar`, `{name}: n` or `{name}: n,d`"
            raise InputError(
                f"`{name}` is not declared, and its first letter tells no kind", code="SD104", hint=hint, span=self.span(tree)
            )
        why = "a Greek letter" if is_greek(name) else "from its first letter"
        return self._assume(name, rank, why)

    def _assume(self, name: str, rank: int, why: str, attrs: tuple[str, ...] = ()) -> Var:
        assert self.inference is not None
        self.env[name] = self.inference.guess(name, rank, why, attrs)
        return self.env[name]  # type: ignore[return-value]

    def constant(self, name: str) -> Node:
        self.constants[name] = "pi is the number 3.14159…" if name == "pi" else "inf is infinity"
        return Num(CONSTANTS[name])

    def expect_label(self, tree: ast.expr, rank: int) -> None:
        if isinstance(tree, ast.Name) and self.is_open(tree.id):
            self._assume(tree.id, rank, "it is used as a label or an index", ("integer",))

    def axis_size(self, x: Node, axis: int, needed: Expr) -> Expr | None:
        size = x.shape[axis]
        if not size.has(Dummy) or self.inference is None:
            return size
        self.inference.needed.append((size, needed))
        return None

    # places and messages ---------------------------------------------------------------------------------------------------
    def placed(self, value: Node, tree: ast.AST) -> None:
        if value not in self.places:
            self.places[value] = whole_brackets(self.source, tree.col_offset, tree.end_col_offset)  # type: ignore[attr-defined]

    def explain(self, error: ShapeError, tree: ast.AST, operands: tuple[Node, ...]) -> ShapeError:
        """`` `X @ w`: X is (n, d), w is (k,): inner sizes d and k differ (X declared at line 1; …)``."""
        detail = error.message.split(": ")[-1] if error.code == "SD202" else _without_prefix(error.message)
        shown = [f"{text} is {show_shape(x.shape)}" for x in dict.fromkeys(operands[:4]) if (text := self._written(x)) and x.rank]
        head = f"`{self.text(tree)}`: " + (", ".join(shown) + ": " if shown else "")
        notes = [self._origin(v) for v in variables(*operands)[:4]]
        message = head + detail + (f" ({'; '.join(notes)})" if notes else "")
        assumed = [v.name for v in variables(*operands) if v.name not in self.declared.vars][:3]
        if assumed:
            spell = "; ".join(f"`{v}: …`" for v in assumed)
            error.hint = (error.hint + "; " if error.hint else "") + f"declare what is assumed otherwise: {spell}"
        return ShapeError(message, code=error.code, hint=error.hint)

    def _written(self, x: Node) -> str:
        if isinstance(x, Var):
            return x.name
        place = self.places.get(x)
        if place is None and x.operands:
            place = self.places.get(x.operands[0])
        if place is None:
            return ""
        text = " ".join(self.source[slice(*place)].split())
        return f"`{text}`" if len(text) <= 40 else f"`{text[:39]}…`"

    def _origin(self, v: Var) -> str:
        sizes = ",".join(map(str, v.shape)) or "scalar"
        where = self.declared.where.get(v.name) or "assumed from its first letter"
        return f"{v.name}: {sizes} {where}"


def _without_prefix(message: str) -> str:
    """A shape message without the name of the operation that it begins with."""
    head, _, rest = message.partition(": ")
    return rest if rest and head.replace("_", "").isalnum() else message


def size_names(trees: list[ast.expr], declared: set[str]) -> list[str]:
    """Undeclared names that stand where only a size can: in `range(n)`, `ones((n, d))`, `x[:k]`."""
    found: dict[str, None] = {}
    targets: set[str] = set()
    todo: list[ast.AST] = list(reversed(trees))
    while todo:
        node = todo.pop()
        if isinstance(node, LEAVES):
            continue
        if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
            targets.add(node.target.id)
        places: list[ast.AST] = []
        if isinstance(node, ast.Slice):
            places = [p for p in (node.lower, node.upper) if p is not None]
        elif isinstance(node, ast.Call):
            name = (
                node.func.id
                if isinstance(node.func, ast.Name)
                else node.func.attr
                if isinstance(node.func, ast.Attribute)
                else ""
            )
            name = canonical(name)
            if name in _SIZED:
                method = isinstance(node.func, ast.Attribute) and name in ("reshape", "view")
                first = 1 if name in _OPERAND_FIRST and not (method and not _of_module(node.func)) else 0
                places = [*node.args[first:], *(k.value for k in node.keywords if k.arg in ("shape", "k", "n", "m"))]
        for place in places:
            found.update(dict.fromkeys(_names_in(place)))
        todo.extend(reversed(list(ast.iter_child_nodes(node))))
    return [n for n in found if n not in targets and n not in declared and n not in CONSTANTS and not n.startswith("__")]


def _of_module(tree: ast.AST) -> bool:
    from .names import MODULES

    value = tree.value if isinstance(tree, ast.Attribute) else None
    return isinstance(value, ast.Name) and value.id in MODULES


def _names_in(tree: ast.AST) -> list[str]:
    """Names of an arithmetic expression, not those inside calls, subscripts and attributes."""
    out: list[str] = []
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            out.append(node.id)
        elif isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Tuple, ast.List)):
            todo.extend(reversed(list(ast.iter_child_nodes(node))))
    return out
