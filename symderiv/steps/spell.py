"""Core expressions of a derivation as words: the user's own where there are any, with names for intermediate values."""

from __future__ import annotations

from sympy import S

from ..errors import SymDerivError
from ..expr.nodes import Add, Call, Node, Num, Var
from ..expr.walk import fold, replace, with_operands
from ..notation import build
from ..notation.words import negative, to_words
from ..simplify.add import primitive
from ..simplify.lower import normal
from ..simplify.product import scale
from .pairing import is_word, negate
from .trace import substitute


class Speller:
    """Words with names.

    Attributes:
        named: core node -> what it is written as (a variable or a multiple of one).
        written: core node -> the user's words.
    """

    def __init__(self, written: dict[Node, Node], named: dict[Node, Node]) -> None:
        self.written, self.named = written, named
        self._words: dict[Node, Node] = {}
        self._short: dict[Node, Node] = {}
        self._shorter: dict[Node, Node] | None = None

    def refresh(self) -> None:
        """Names were added."""
        self._words.clear()
        self._short.clear()
        self._shorter = None

    def short(self, core: Node, keep: Node | None = None) -> Node:
        """The core expression in names; `keep` itself is written out."""
        if keep is None:
            if isinstance(core, Add):
                c, body = primitive(core)
                for sign in (S.One, S.NegativeOne):
                    v = self.named.get(scale(body, sign))
                    if isinstance(v, Var):
                        return scale(v, c * sign)
            found = self._short.get(core)
            if found is None:
                found = self._short[core] = substitute(core, self.named)
            return found
        return substitute(
            core,
            {
                k: v
                for k, v in self.named.items()
                if k is not keep and not _negation_of(v, self.named.get(keep) if keep is not None else None)
            },
        )

    def words(self, core: Node) -> Node:
        """The value in words."""
        found = self._words.get(core)
        if found is None:
            found = self._words[core] = self.user(core) or self.plain(core)
        return found

    def plain(self, core: Node, keep: Node | None = None) -> Node:
        """The engine's words with names put in; the form in which fewer values are written out."""
        if isinstance(core, Add) and keep is None:
            c, body = primitive(core)
            for sign in (S.One, S.NegativeOne):
                v = self.named.get(scale(body, sign))
                if c != 1 and isinstance(v, Var):
                    return to_words(scale(v, c * sign))
        rule = {
            to_words(k): to_words(v)
            for k, v in self.named.items()
            if k is not keep and not _negation_of(v, self.named.get(keep) if keep is not None else None)
        }
        rule = {**self._better(core), **rule}
        word = to_words(core)
        first = replace(word, rule)
        if first is not word:
            first = clean_signs(first)
        second = to_words(self.short(core, keep))
        return second if second.tree_size + 3 < first.tree_size else first

    def _better(self, core: Node) -> dict[Node, Node]:
        """The engine's words for parts that the user writes shorter, in names."""
        if self._shorter is None:
            self._shorter = {}
            for node in self.written:
                if node not in self.named and isinstance(node, (Add, Call)) and node.operands:
                    mine = self.user(node)
                    if mine is not None and mine.tree_size + 2 < to_words(node).tree_size:
                        self._shorter[to_words(node)] = mine
        return {k: v for k, v in self._shorter.items() if v is not None and k is not to_words(core)}

    def definition(self, core: Node) -> Node:
        """What a named value stands for, in terms of other names."""
        return self.user(core, keep=core) or self.plain(core, keep=core)

    def user(self, core: Node, keep: Node | None = None, holes: dict[Node, Node] | None = None) -> Node | None:
        """The user's words for the value, with names for what has names and variables for `holes`; None where he has none."""
        if core in self.named and core is not keep:
            return to_words(self.named[core])
        word = self.written.get(core)
        if word is None:
            return None
        rule: dict[Node, Node] = {}
        for node, value in {**self.named, **(holes or {})}.items():
            w = self.written.get(node)
            if w is not None and node is not core and w is not word:
                rule[w] = to_words(value)
        return tidy_words(replace(word, rule)) if rule else word


def _negation_of(v: Node, w: Node | None) -> bool:
    """Whether `v` is the entry for minus the node whose entry is `w`."""
    return w is not None and v is not w and v.free_symbols == w.free_symbols


def clean_signs(word: Node) -> Node:
    """Signs of factors in front of their products: `2 X (−r)` is `−2 X r`."""

    def visit(node: Node, operands: list[Node]) -> Node:
        if isinstance(node, Call) and node.name == "add" and all(o.shape == node.shape for o in operands):
            return Call("add", *sorted(operands, key=lambda o: negative(o)))
        if isinstance(node, Call) and node.name == "mul":
            operands = build.beside_complements(operands)
        if isinstance(node, Call) and node.name in (
            "mul",
            "matmul",
            "div",
            "outer",
            "T",
            "neg",
            "trace",
            "sum",
            "einsum",
            "diag",
        ):
            minus = sum(is_word(o, "neg") for o in operands)
            if minus:
                bare = [o.operands[0] if is_word(o, "neg") else o for o in operands]
                if node.name == "neg":
                    return bare[0]
                body = node.with_operands(bare)
                return negate(body) if minus % 2 else body
        return with_operands(node, operands)

    return fold(word, visit)


def tidy_words(word: Node) -> Node:
    """`--x` is x after names have been put in."""
    if isinstance(word, Call) and word.name == "neg" and isinstance(word.operands[0], Call) and word.operands[0].name == "neg":
        return word.operands[0].operands[0]
    return word


def same(word: Node, core: Node) -> bool:
    """Whether words stand for the core expression."""
    try:
        return normal(word) is core
    except SymDerivError:
        return False


def size_of(word: Node) -> int:
    """Length of the words in nodes; numbers count little."""
    return word.tree_size


__all__ = ["Num", "Speller", "Var", "same", "size_of", "tidy_words"]
