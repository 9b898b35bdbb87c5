"""From words to Python statements: shared values get names, deep ones are cut, loops keep what they do not change outside.

Emission has two steps. A *plan* says for a node which values its source needs (not always its operands: `diag(v) @ x` needs
`v*x`) and how to write it; `symderiv.code.words` has the plans. The emitter walks the plans without recursion, counts how often
each value is used, and writes it in place or as a statement `t1 = …`.
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr

from .. import ops  # noqa: F401  (fills the table of operations)
from ..errors import CodeError, LimitError
from ..expr.nodes import Add, Call, Einsum, Index, Node, Num, Shared, Var
from ..expr.walk import binds, fold, postorder, variables
from .dialect import NUMPY, Dialect
from .hidden import Hidden
from .spell import ATOM, MUL, UNARY, Piece, spell_number

SIMPLE = re.compile(r"-?[\w.]+(\.T)?(\[[\w\s,:+*-]*\])?(\.T)?")
_MAX_NEST, _MAX_WIDTH, _MAX_LOOPS = 24, 96, 20
VIEWS = {
    "T", "getitem", "diag", "reshape", "transpose", "squeeze", "expand_dims", "broadcast_to", "swapaxes", "flip", "vec", "iprod",
}  # fmt: skip
BLOCK, ROWS = "block", Index("rows")  # an attribute of variables that are a block of rows, and what stands for the block
_HELPER = re.compile(r"\b(np|jnp|jax|math|torch|_[a-z]\w*)(?=[.(])")


@dataclass
class Scope:
    """A block of statements: the function's, or that of a loop over `index`."""

    parent: Scope | None = None
    index: Index | None = None
    lines: list[tuple[str, str] | list[str]] = field(default_factory=list)
    pieces: dict[Node, Piece] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True)
class Plan:
    """What a node's source needs and how to write it; `inner` are the body and condition of a loop."""

    needs: tuple[Node, ...]
    build: Callable[[list[Piece], Scope], Piece]
    inner: tuple[Node, ...] = ()


def same(node: Node) -> Plan:
    """The value of `node`, which is another way to write it."""
    return Plan((node,), lambda pieces, scope: pieces[0])


GUESSES = (1000, 100, 20, 10)


def guessed_sizes(sizes: Iterable[Expr]) -> dict[Expr, int]:
    """A number for every size symbol, in order of first occurrence: data first, then features, then classes."""
    symbols = list(dict.fromkeys(s for size in sizes for s in sorted(size.free_symbols, key=str)))
    return {s: GUESSES[min(k, len(GUESSES) - 1)] for k, s in enumerate(symbols)}


class Names:
    """Names that are in use; new ones avoid them."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def fresh(self, wanted: str, start: int = 0) -> str:
        """`wanted`, or `wanted1`, `wanted2`, … (from `start`, if given)."""
        name, k = (f"{wanted}{start}", start) if start else (wanted, 0)
        while name in self.taken:
            k += 1
            name = f"{wanted}{k}" if start else f"{wanted}_{k}"
        self.taken.add(name)
        return name


class Emitter:
    """Writes words as Python statements and expressions.

    Attributes:
        aliases: names that a variable hides -> names to use instead.
        helpers: functions of `symderiv.code.runtime` that the source uses.
        bounds: sizes that slices need: (size, least value).
        labels: integer variables that pick from an axis: (variable, size).
    """

    def __init__(
        self, roots: Iterable[Node], sizes: Mapping[Expr, str], names: Names, inline: bool = False, dialect: Dialect = NUMPY
    ) -> None:
        from .stable import sigmoids_with_complements
        from .words import plan_of

        self.roots = [self._checked(r) for r in roots]
        self.distinct_roots = frozenset(self.roots)
        self.sizes, self.names, self.inline, self.dialect = sizes, names, inline, dialect
        self.user_names = {v.name for v in postorder(*self.roots) if isinstance(v, Var)}
        self.aliases: dict[str, str] = {}
        self.helpers: dict[str, None] = {}
        self.bounds: dict[tuple[Expr, int], None] = {}
        self.labels: dict[tuple[Var, Expr], None] = {}
        self.scope = Scope()
        self._plan_of = plan_of
        self._plans: dict[Node, Plan] = {}
        self._free: dict[Node, frozenset[Node]] = {}
        self._array_memo: dict[Node, bool] = {}
        self.guesses = guessed_sizes([s for v in variables(*self.roots) for s in v.shape])
        self.turned: set[Node] = set()
        self.words_known = set(postorder(*self.roots))
        self.paired = set() if inline or dialect.functional else sigmoids_with_complements(self.words_known)
        self.parents = Counter(o for n in postorder(*self.roots) for o in n.operands)
        self.subscripts = self._subscript_nodes()
        self.indices: dict[Node, str] = {}
        self.block_names: dict[Node, list[str]] = {}
        self.uses = self._count_uses()
        self._counter = 0

    @staticmethod
    def _checked(root: Node) -> Node:
        if isinstance(root, (Add, Einsum, Shared)):
            from ..notation import to_words

            return to_words(root)
        return root

    def emit(self) -> list[Piece]:
        """The pieces of the roots; their statements are in `scope`."""
        return [self.piece(r, self.scope) for r in self.roots]

    # analysis ------------------------------------------------------------------------------------------------------------
    def plan(self, node: Node) -> Plan:
        if node not in self._plans:
            self._plans[node] = self._plan_of(self, node)
        return self._plans[node]

    def _count_uses(self) -> Counter:
        uses: Counter = Counter(self.roots)
        seen: set[Node] = set()
        stack = list(self.roots)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            plan = self.plan(node)
            for n in (*plan.needs, *plan.inner):
                uses[n] += 1
                stack.append(n)
        return uses

    def _subscript_nodes(self) -> set[Node]:
        """Nodes inside subscripts and labels, which must stay whole numbers."""
        roots: list[Node] = []
        for node in postorder(*self.roots):
            name = getattr(node, "name", "")
            if name == "getitem":
                roots.extend(node.operands[1:])
            elif name in ("onehot", "cross_entropy", "nll", "hinge"):
                roots.extend(node.operands[:1] if name == "onehot" else node.operands[1:2])
        return set(postorder(*roots))

    def free(self, node: Node) -> frozenset[Node]:
        """Indices that occur in `node` without their loop."""

        def visit(n: Node, operands: list[frozenset[Node]]) -> frozenset[Node]:
            if isinstance(n, Index):
                return frozenset((n,))
            out = frozenset().union(*operands)
            if isinstance(n, Var):
                return frozenset((ROWS,)) if n.is_a(BLOCK) else frozenset()
            if isinstance(n, Hidden) and n.name == "in_blocks":
                return out - {n.operands[-1]}
            return out - {n.operands[1]} if binds(n) else out

        return fold(node, visit, self._free)

    def uses_of(self, node: Node) -> int:
        """How many words of the roots have this one as an operand."""
        return self.parents[node] + self.roots.count(node)

    def owner(self, node: Node, scope: Scope) -> Scope:
        """The outermost block in which `node` has a value.

        Raises:
            CodeError: SD504 for an index without a loop.
        """
        free = self.free(node)
        while scope.parent is not None and scope.index not in free:
            scope = scope.parent
        if scope.parent is None and free:
            shown = ", ".join(sorted(i.name for i in free if isinstance(i, Index)))
            raise CodeError(
                f"the index {shown} has no range here", code="SD504", hint="sum over it, or ask for an entry with numbers"
            )
        return scope

    # walking ----------------------------------------------------------------------------------------------------------------
    def piece(self, root: Node, scope: Scope) -> Piece:
        """The piece of `root` for use in `scope`, with the statements it needs."""
        stack = [(root, False)]
        begun: set[Node] = set()
        while stack:
            node, ready = stack.pop()
            owner = self.owner(node, scope)
            if node in owner.pieces:
                continue
            plan = self.plan(node)
            if not ready:
                if node in begun:
                    raise CodeError(f"the code of {str(node)[:80]} needs itself", code="SD500", hint="please report it")
                begun.add(node)
                stack.append((node, True))
                stack.extend((n, False) for n in reversed(plan.needs))
                continue
            built = plan.build([self.owner(n, scope).pieces[n] for n in plan.needs], owner)
            owner.pieces[node] = self._keep(node, built, owner, scope)
        return self.owner(root, scope).pieces[root]

    def _keep(self, node: Node, piece: Piece, owner: Scope, scope: Scope) -> Piece:
        if SIMPLE.fullmatch(piece.text) or (self.uses[node] == 1 and node in self.distinct_roots):
            return piece
        wide = not self.inline and len(piece.text) > _MAX_WIDTH
        if self.uses[node] > 1 or owner is not scope or piece.nest > _MAX_NEST or wide:
            return self.name_it(piece, owner)
        return piece

    def name_it(self, piece: Piece, scope: Scope) -> Piece:
        """A statement for the piece, and its name."""
        name = self.fresh_name()
        scope.lines.append((name, piece.text))
        return Piece(name, kind=piece.kind)

    def fresh_name(self) -> str:
        """The next of t1, t2, …"""
        self._counter += 1
        name = self.names.fresh("t", self._counter)
        self._counter = max(self._counter, int(name[1:]))
        return name

    # words -------------------------------------------------------------------------------------------------------------------
    def word(self, name: str) -> str:
        """A name of NumPy, of Python or of the runtime, under another name where a variable hides it."""
        if self.inline and name == "sum":
            name = "_builtin_sum"
        if name.startswith("_"):
            self.helpers[name] = None
        if name not in self.user_names:
            return name
        if name not in self.aliases:
            self.aliases[name] = self.names.fresh(name, 0)
        return self.aliases[name]

    def source(self, text: str) -> str:
        """`text` with `np.` and helper names as the library and `word` spell them."""
        return _HELPER.sub(lambda m: self.word(self.dialect.prefix if m.group(1) == "np" else m.group(1)), text)

    def size(self, size) -> str:
        """A size, as source."""
        from ..expr.sizes import as_size

        piece = spell_number(as_size(size), self.sizes)
        return self.source(self.dialect.number(piece.text))

    def number(self, value: Expr) -> Piece:
        piece = spell_number(value, self.sizes)
        return replace(piece, text=self.source(self.dialect.number(piece.text)), kind="int")

    def as_float(self, piece: Piece, rank: int) -> Piece:
        """Whole numbers as floats of the library."""
        before, after = self.source(self.dialect.as_float(rank)).split("{}")
        if after:
            return Piece(f"{before}{piece.text}{after}", nest=piece.nest + 1)
        return Piece(f"{before}{piece.at(UNARY)}", MUL, "float", piece.nest + 1)

    def plain_operand(self, text: str) -> str:
        """A number of Python as a function takes it."""
        return self.source_around(self.dialect.plain_operand(), text)

    def source_around(self, template: str, text: str) -> str:
        """`template` as `source` spells it, with finished text in place of its braces."""
        before, after = self.source(template).split("{}")
        return f"{before}{text}{after}"

    def is_plain(self, node: Node) -> bool:
        """Whether the value is written as a number of Python: numbers, indices and what `+ - * / **` make of them."""
        return not self._arrays(node)

    def _arrays(self, root: Node) -> bool:
        def visit(node: Node, operands: list[bool]) -> bool:
            if isinstance(node, (Num, Index)):
                return False
            return not isinstance(node, Call) or node.name not in ("add", "mul", "neg", "div", "pow") or any(operands)

        return fold(root, visit, self._array_memo)

    def index_name(self, index: Index) -> str:
        if index not in self.indices:
            clash = index.name in self.names.taken or not index.name.isidentifier() or hasattr(builtins, index.name)
            self.indices[index] = self.names.fresh(index.name if index.name.isidentifier() else "i", 0) if clash else index.name
            self.names.taken.add(self.indices[index])
        return self.indices[index]

    def loop(self, node: Node, scope: Scope) -> tuple[str, str, Piece]:
        """`(body, "for i in range(n) if …", the body's piece)` of a loop."""
        if scope.depth > _MAX_LOOPS:
            raise LimitError("loops are nested too deeply", code="SD905")
        body, index, *condition = node.operands
        name = self.index_name(index)  # type: ignore[arg-type]
        where = "".join(f" if {self._in_loop(c, index, scope).text}" for c in condition)
        piece = self._in_loop(body, index, scope).as_number()
        low, high = (self.size(node.params[k]) for k in ("lo", "hi"))  # type: ignore[attr-defined]
        bounds = high if low == "0" else f"{low}, {high}"
        return piece.text, f"for {name} in {self.word('range')}({bounds}){where}", piece

    def _in_loop(self, node: Node, index: Node, scope: Scope) -> Piece:
        """The piece of a body or a condition; the statements it needs go into a local function."""
        inner = Scope(scope, index, depth=scope.depth + 1)  # type: ignore[arg-type]
        piece = self.piece(node, inner)
        if not inner.lines:
            return piece
        if self.inline:
            return replace(piece, text=inline_block(inner.lines, piece.text), level=ATOM)
        function, name = self.names.fresh("body"), self.index_name(index)  # type: ignore[arg-type]
        block = [*statements(inner.lines), f"return {piece.text}"]
        scope.lines.append([f"def {function}({name}):", *("    " + line for line in block)])
        return replace(piece, text=f"{function}({name})", level=ATOM, nest=1)


def statements(lines: list[tuple[str, str] | list[str]]) -> list[str]:
    """Source lines of a block."""
    out: list[str] = []
    for line in lines:
        if isinstance(line, tuple):
            out.append(f"{line[0]} = {line[1]}")
        else:
            out.extend(line)
    return out


def inline_block(lines: list[tuple[str, str] | list[str]], text: str) -> str:
    """One expression that computes the block and then `text`: `((t1 := …), …, text)[-1]`."""
    named = [f"({line[0]} := {line[1]})" for line in lines if isinstance(line, tuple)]
    return f"({', '.join(named)}, {text})[-1]" if named else text
