"""What the three styles share: the trace, the names, the symbols, the first and the last steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import S
from sympy.core.symbol import Str

from ..calculus.sweep import sweep, unshare
from ..expr.nodes import Add, Call, Einsum, Node, Num, Var
from ..expr.op import OPS
from ..expr.walk import postorder, replace
from ..notation.polish import polish
from ..notation.words import to_words
from ..simplify.add import add
from ..simplify.calls import call
from ..simplify.lower import normal
from ..simplify.product import scale
from .blocks import Block, blocks
from .display import rough_look
from .facts import Facts
from .model import Detail, Section, Step, Style, Symbol
from .naming import Names, name_user_definitions, taken_names, want_nonlinear
from .rules import spoken
from .spell import Speller
from .trace import Part, Trace, substitute

LONG = 60  # nodes beyond which a cotangent gets a symbol
_ARITHMETIC = frozenset(
    (
        "add", "neg", "mul", "div", "pow", "matmul", "T", "sum", "mean", "norm", "trace", "getitem", "einsum", "dot", "outer",
        "diag", "square", "sqrt", "isum", "transpose", "ones", "zeros", "eye", "var", "kron", "vec", "reshape",
    )
)  # fmt: skip


RECOGNISED = {
    "log_softmax": "`log softmax(z) = z − log Σ exp(z)`, which does not overflow",
    "logsumexp": "`log Σ exp(z)` is one function, which does not overflow",
    "softplus": "`log(1 + exp(z)) = softplus(z)`",
    "logsigmoid": "`log σ(z) = −log(1 + exp(−z))` and `1 − σ(z) = σ(−z)`",
    "logdet": "`log |det A|` is one function of the matrix",
    "logaddexp": "`log(exp(x) + exp(y))` is one function, which does not overflow",
    "softmax": "`exp(z) / Σ exp(z) = softmax(z)`",
    "sigmoid": "`1/(1 + exp(−z)) = σ(z)`",
}


@dataclass
class Task:
    """One derivation to build: what is differentiated, by what, in which words."""

    words: Node
    core: Node
    targets: tuple[Var, ...]
    function: str
    definitions: dict[str, Node] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    style: Style = "differential"
    detail: Detail = "normal"
    title: str = ""


class Context:
    """A task with its trace, names and symbols."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.trace = Trace(task.words, task.core, task.targets)
        self.lead = task.core.rank
        self.symbols: dict[Var, Symbol] = {}
        self.taken = taken_names(task.words, task.taken)
        heaviside = {"H"} if _operations(task.words) & {"maximum", "minimum", "heaviside", "clip", "hinge"} else set()
        self.names = Names(self.taken | {task.function} | heaviside)
        name_user_definitions(self.names, task.definitions, self.trace)
        if _reuses_itself_call(task.core):
            self.names.add(task.core, task.function)
        want_nonlinear(self.names, self.trace, entries=task.style == "index")
        self.names.settle(self.trace.place)
        self.trace.place_names(self.names.order)
        if task.style != "graph":
            self._logarithms()
        self.speller = Speller(self.trace.written, self.names.value)
        self._facts: Facts | None = None
        self.function = Var(Str(task.function), task.core.shape)
        self._changes: dict[Node, Var] = {}
        self._holes: dict[Node, Var] = {}
        self.root_change = self.change(task.core)
        self.blocks: list[Block] = blocks(
            self.trace, set(self.names.value), merge=task.detail != "full", squares=task.style != "index"
        )
        self.abbreviations: set[Var] = set()

    def _logarithms(self) -> None:
        """`log p` for what the engine calls `log softmax(z)` or `log σ(u)`, where the probabilities have a name."""
        for node in postorder(self.task.core):
            if isinstance(node, Call) and node.name in ("log_softmax", "logsigmoid"):
                inner = call("softmax" if node.name == "log_softmax" else "sigmoid", *node.operands, **node.params)
                named = self.names.value.get(inner)
                if named is None and isinstance(inner, Add):  # σ(−u) is 1 − σ(u)
                    short = substitute(inner, self.names.value)
                    named = short if all(n in self.names.of_var for n in postorder(short) if isinstance(n, Var)) else None
                if named is not None and node not in self.names.value:
                    self.names.value[node] = call("log", named)

    def facts_used(self, before: Node, after: Node, meaning: dict[Node, Node] | None = None) -> str:
        """What a line that only rearranges uses beyond the rules of arithmetic, in a sentence."""
        if self._facts is None:
            self._facts = Facts((n for n in postorder(self.task.words) if isinstance(n, Var)), self.names.order)
        return self._facts.used(before, after, meaning or {})

    # symbols ------------------------------------------------------------------------------------------------------------------
    def name_symbols(self) -> tuple[Symbol, ...]:
        """The named values as symbols, innermost first; the output is not among them."""
        out = []
        for node, v in self.names.order:
            if node is self.task.core:
                self.symbols[v] = Symbol(v, "name", self.statement(), label=v)
                continue
            s = Symbol(v, "name", self.consistent(self.speller.definition(node), node), label=v, user=v in self.names.user)
            self.symbols[v] = s
            out.append(s)
        return tuple(out)

    def change(self, node: Node) -> Var:
        """`du`: the variable that stands for the change of a node."""
        found = self._changes.get(node)
        if found is None:
            label, of = self._label(node)
            base = f"d{label.name}" if label is not None else f"d_{len(self._changes)}"
            found = self._changes[node] = Var(Str(self._fresh(base)), node.shape)
            self.symbols[found] = Symbol(found, "differential", of, label=label)
        return found

    def face(self, node: Node) -> tuple[Node, int]:
        """The value that a reader sees in place of a node, and its sign: the user's `y - X w` for `X w - y`."""
        named = self.names.value.get(node)
        if isinstance(named, Var) or node is self.task.core:
            return node, 1
        if isinstance(node, (Add, Einsum)):
            other = scale(node, S.NegativeOne)
            if isinstance(self.names.value.get(other), Var) or (
                isinstance(node, Add) and node not in self.trace.written and other in self.trace.written
            ):
                return other, -1
        return node, 1

    def changed(self, node: Node) -> Node:
        """The change of a node in core form: that of its face, with its sign."""
        face, sign = self.face(node)
        return scale(self.change(face), S(sign))

    def _label(self, node: Node) -> tuple[Var | None, Node]:
        if isinstance(node, Var):
            return node, node
        if node is self.task.core:
            return self.function, self.task.words
        named = self.names.value.get(node)
        if isinstance(named, Var):
            return named, named
        return None, self.speller.words(node)

    def hole(self, node: Node) -> Var:
        """A variable in the place of a value while its user is differentiated."""
        found = self._holes.get(node)
        if found is None:
            found = self._holes[node] = Var(Str(f"hole_{len(self._holes)}"), node.shape)
        return found

    def _fresh(self, base: str) -> str:
        name, k = base, 1
        while name in self.taken:
            k += 1
            name = f"{base}_{k}"
        self.taken.add(name)
        return name

    def partial(self, node: Node, by: Var) -> Var:
        """`∂u/∂x`: the variable that stands for the array of partial derivatives."""
        label, of = self._label(node)
        v = Var(Str(self._fresh(f"D_{label.name if label else 'u'}_{by.name}")), (*node.shape, *by.shape))
        self.symbols[v] = Symbol(v, "partial", of, label=label, by=by, output=self.task.function)
        return v

    def cotangent(self, node: Node) -> Var:
        """`∂L/∂u`: the variable that stands for the derivative of the output by a node."""
        label, of = self._label(node)
        v = Var(Str(self._fresh(f"bar_{label.name if label else 'u'}")), (*self.task.core.shape, *node.shape))
        if isinstance(node, Var):
            through = None
        else:
            hole = Var(Str(self._fresh("value")), node.shape)
            inside: dict[Node, Node] = {node: hole, scale(node, S.NegativeOne): scale(hole, S.NegativeOne)}
            through = to_words(substitute(self.task.core, inside)), hole
        self.symbols[v] = Symbol(v, "cotangent", of, label=label, output=self.task.function, through=through)
        return v

    def local_partial(self, node: Node, x: Node) -> Var:
        """`∂u/∂x` for two values of the graph."""
        face, other = self.face(node)[0], self.face(x)[0]
        label, _of = self._label(face)
        by = x if isinstance(x, Var) else self.names.value[other]
        assert isinstance(by, Var)
        v = Var(Str(self._fresh(f"D_{label.name if label else 'u'}_{by.name}")), (*face.shape, *by.shape))
        local = substitute(face, {n: w for n, w in self.names.value.items() if n is not face})
        self.symbols[v] = Symbol(v, "partial", to_words(local), label=label, by=by, output=self.task.function)
        return v

    def signed_cotangent(self, node: Node) -> Node:
        """The cotangent of the face of a node."""
        _, sign = self.face(node)
        return scale(self.trace.event[node].cotangent, S(sign))

    def reuse(self, block: Block) -> dict[Node, Node]:
        """The value of a block by its name, where its derivative uses the value again."""
        rule: dict[Node, Node] = {}
        for node in (block.head, *block.inner):
            face, _sign = self.face(node)
            named = self.names.value.get(node)
            if named is not None:
                inside = {n: v for n, v in self.names.value.items() if n is not node and n is not face}
                rule[substitute(node, inside)] = named
        for node, v in self.names.order:  # values that only the derivative uses
            if node not in self.trace.event:
                inside = {n: w for n, w in self.names.value.items() if n is not node}
                rule[substitute(node, inside)] = v
        return rule

    # long cotangents ------------------------------------------------------------------------------------------------------------
    def has_symbol(self, core: Node) -> bool:
        """Whether a derivative by an intermediate value stands in a cotangent as a symbol."""
        return any(isinstance(n, Var) and n in self.abbreviations for n in postorder(core)) if self.abbreviations else False

    def abbreviated(self, node: Node, cotangent: Node) -> tuple[Node, Step | None]:
        """The cotangent, or where it is long a symbol for it with the step that introduces the symbol."""
        words = self.speller.words(cotangent)
        if words.tree_size <= LONG or node is self.task.core or isinstance(node, Var):
            return cotangent, None
        face, sign = self.face(node)
        symbol = self.cotangent(face)
        self.abbreviations.add(symbol)
        value = self.speller.words(scale(cotangent, S(sign)))
        reason = "The derivative by this intermediate value is long, and its symbol stands for it from here on."
        step = Step("abbreviate", reason, symbol, value, symbol, new=(value,), opens=True)
        return scale(symbol, S(sign)), step

    def parts(self, block: Block, cotangent: Node) -> list[Part]:
        """What a block passes on: the engine's parts, or the same transposition of the symbol that stands for a long
        cotangent."""
        if not self.has_symbol(cotangent):
            return block.parts(self.trace)
        stand_in = Var(Str(self._fresh("upstream")), cotangent.shape)
        inside: dict[Node, Node] = {x: x if isinstance(x, Var) else self.hole(x) for x in block.inputs}
        inside |= {scale(x, S.NegativeOne): scale(h, S.NegativeOne) for x, h in inside.items() if isinstance(x, Einsum)}
        f = substitute(block.head, inside)
        run = sweep(f, [inside[x] for x in block.inputs], cotangent=stand_in, tidy=polish)  # type: ignore[misc]
        back: dict[Node, Node] = {h: x for x, h in inside.items() if isinstance(h, Var)}
        back[stand_in] = cotangent
        cores = unshare([run.gradients[inside[x]] for x in block.inputs])  # type: ignore[index]
        return [Part(block.head, x, polish(substitute(g, back))) for x, g in zip(block.inputs, cores, strict=True)]

    def total(self, node: Node, parts: list[Node]) -> Node:
        """The cotangent of a node from its parts: the engine's where no symbol stands in them."""
        if any(self.has_symbol(g) for g in parts):
            return polish(add(parts))
        return self.trace.event[node].cotangent

    def rest(self, finished: Node) -> Var:
        """The terms that have been read off, as dots."""
        known = next((s.var for s in self.symbols.values() if s.kind == "rest" and s.of is finished), None)
        if known is not None:
            return known
        v = Var(Str(self._fresh("rest")), finished.shape)
        self.symbols[v] = Symbol(v, "rest", finished)
        return v

    # the first lines -----------------------------------------------------------------------------------------------------------
    def shown_words(self) -> Node:
        """The problem's words with the user's names for his definitions."""
        rule = {}
        for node, v in self.names.order:
            if v in self.names.user:
                w = self.trace.written.get(node)
                if w is not None and w is not self.task.words:
                    rule[w] = v
        words = replace(self.task.words, rule) if rule else self.task.words
        if self.task.style == "graph":
            inner = [(n, self.speller.definition(n)) for n, _ in self.names.order if n is not self.task.core]
            if any(self.consistent(d, n) is not d for n, d in inner):  # the user's words hold what a definition below does not
                return to_words(self.speller.short(self.task.core, keep=self.task.core))
        return self.consistent(words, self.task.core)

    def consistent(self, words: Node, core: Node) -> Node:
        """Along the graph a value is shown as the graph has it: where a name stands in the user's words for what the engine
        multiplies out, a derivative by that name would miss a path."""
        if self.task.style != "graph":
            return words
        named = {node: v for node, v in self.names.order if node in self.trace.event and node is not core}
        shown = {w: v for node, v in named.items() for w in (to_words(node), self.trace.written.get(node)) if w is not None}
        inside = set(postorder(replace(words, shown)))  # a reader sees a name wherever its value stands
        if not any(v in inside for v in named.values()):
            return words  # no derivative by a name in it is told
        short = self.speller.short(core, keep=core)
        if any(node.rank == 2 and normal(Call("T", to_words(node))) is node for node in named):
            return to_words(short)  # of a value that is symmetric, M c and Mᵀ c are one, but their derivatives by M are not
        direct = [v for v in self.task.targets if v not in inside and any(n is v for n in postorder(short))]
        return to_words(short) if direct else words

    def statement(self) -> Node:
        """The problem in all names."""
        return self.speller.user(self.task.core, keep=self.task.core) or self.task.words

    def rewriting(self) -> list[Step]:
        """A step from the user's form to the normal form, where a composition was recognised."""
        core_words = self.speller.plain(self.task.core, keep=self.task.core)
        mine, theirs = _operations(self.task.words), _operations(to_words(self.task.core))
        new = sorted(theirs - mine - _ARITHMETIC)
        gone = sorted(mine - theirs - _ARITHMETIC)
        before = self.statement()
        if not (new or gone) or rough_look(before) == rough_look(core_words):
            return []
        defined = [n for n in gone if OPS[n].define and not callable(OPS[n].define)]
        said = [
            *_logarithm_laws(self.task.words, gone),
            *(RECOGNISED[n] for n in new if n in RECOGNISED and n in _operations(core_words)),
        ]
        if said:
            reason = "Here " + ", and ".join(dict.fromkeys(said)) + "."
        elif defined:
            reason = f"By the definition of {' and '.join(map(spoken, defined))}."
        else:
            reason = "The same value in a form that is shorter to differentiate."
        rule = "defined" if defined and not said else "rewrite"
        return [Step(rule, reason, before, core_words, self.function, new=(core_words,), weight="key", opens=True)]

    def section(self, steps: list[Step], introduction: tuple[str, ...] = ()) -> Section:
        """The finished section: only the names that its steps use are introduced."""
        names = self.name_symbols()
        used = {n for s in steps for w in (s.before, s.after) for n in postorder(w) if isinstance(n, Var)}
        shown = self.statement() if not any(s.rule == "rewrite" for s in steps) else None
        if shown is not None:
            used |= {n for n in postorder(shown) if isinstance(n, Var)}
        used |= {s.label for v in list(used) if (s := self.symbols.get(v)) is not None and s.label is not None}  # type: ignore[misc]
        kept: list[Symbol] = []
        for s in reversed(names):
            if s.var in used:
                kept.append(s)
                used |= {n for n in postorder(s.of) if isinstance(n, Var)}
        expr = self.shown_words()
        return Section(
            self.task.title, self.function, expr, tuple(in_order(kept[::-1])), tuple(steps), introduction, self.task.targets
        )


def in_order(names: list[Symbol]) -> list[Symbol]:
    """Every name after those in its definition."""
    waiting = {s.var: s for s in names}
    out: list[Symbol] = []
    while waiting:
        ready = [v for v, s in waiting.items() if not any(n in waiting and n is not v for n in postorder(s.of))]
        out += [waiting.pop(v) for v in (ready or list(waiting)[:1])]
    return out


def _logarithm_laws(words: Node, gone: list[str]) -> list[str]:
    """What was used of the logarithm on the way to the normal form."""
    out = []
    logs = [n for n in postorder(words) if isinstance(n, Call) and n.name == "log"]
    inside = [n for log in logs for n in postorder(log.operands[0])]
    if any(n.name in ("prod", "iprod") for n in inside if isinstance(n, Call)) and {"prod", "iprod"} & set(gone):
        out.append("the logarithm of a product is the sum of the logarithms")
    if any(n.name == "pow" and not isinstance(n.operands[1], Num) for n in inside if isinstance(n, Call)):
        out.append("`log aᵇ = b log a`")
    if logs and "exp" in gone:
        out.append("`log exp(a) = a`")
    hot = dict.fromkeys(n.name for n in inside if isinstance(n, Var) and n.is_a("onehot"))
    out += [
        f"one entry of every row of `{v}` is 1 and the others are 0, so that one term is left under the logarithm" for v in hot
    ]
    return out


def _operations(word: Node) -> set[str]:
    return {n.name for n in postorder(word) if isinstance(n, Call)}


def _reuses_itself_call(core: Node) -> bool:
    """An output such as softmax(x), whose derivative is told by its value."""
    return isinstance(core, Call) and core.name in ("softmax", "sigmoid", "exp", "tanh", "sqrtm")


def is_trivial(before: Node, after: Node) -> bool:
    """Whether a step would show the same words twice."""
    return before is after or (isinstance(before, Num) and isinstance(after, Num) and before.value == after.value)


__all__ = ["Context", "Task", "is_trivial"]
