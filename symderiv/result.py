"""What `derive` returns: the derivative, its words, its shape, its certificate, its code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from .emitting import Emitting
from .explained import Explained
from .expr.nodes import Call, Node, Num, Var
from .expr.walk import postorder, variables
from .notation.words import to_words
from .read.problem import Problem
from .simplify.facts import sign_of
from .simplify.lower import normal
from .verify.certificate import Certificate, certify
from .write.language import to_text, to_text_shared
from .write.latex import to_latex
from .write.sharing import MAX_TREE
from .write.unicode import to_unicode, to_unicode_shared

LONG = 400  # nodes from which repeated parts are named


def _smooth_by_use(root: Node) -> set[Node]:
    """Norms and absolute values that occur only squared: `norm(x)**2` has no kink. Products of positive factors."""
    squared: set[Node] = set()
    other: set[Node] = {root}
    for node in postorder(root):
        even = False
        if isinstance(node, Call) and node.name in ("pow", "square"):
            e = node.operands[1].args[0] if node.name == "pow" and isinstance(node.operands[1], Num) else 2
            even = node.name == "square" or (isinstance(node.operands[1], Num) and e % 2 == 0 and e > 0)
        (squared if even else other).update(node.operands[:1])
        other.update(node.operands[1:])
    smooth = {n for n in squared - other if isinstance(n, Call) and n.name in ("norm", "abs")}
    products = [n for n in postorder(root) if isinstance(n, Call) and n.name == "prod"]
    return smooth | {n for n in products if sign_of(normal(n.operands[0])) == "positive"}


def _with_names(text: str, names: dict[str, str]) -> str:
    """A sentence of the op table with the operands' names replaced by what they are here."""
    return re.sub(r"\b[A-Za-z]\w*\b", lambda m: names.get(m.group(), m.group()), text)


def _lines(shared: tuple[list[tuple[str, str]], str], last: str) -> str:
    definitions, text = shared
    return "\n".join([*(f"{name} = {value}" for name, value in definitions), last + text])


class Derivative(Explained, Emitting):
    """A derivative in a person's form.

    Attributes:
        problem: what was differentiated, with its declarations and assumptions.
        wrt: the variable (a tuple for mixed derivatives).
        core: the normal form.
        certificate: how it was certified, or None with `check=False`.
        notes: what a reader should know (conventions at kinks, symmetric variables).
    """

    def __init__(
        self,
        problem: Problem,
        wrt: tuple[Var, ...],
        core: Node,
        original: Node,
        *,
        kind: str = "derivative",
        layout: str = "numerator",
        symmetric: str = "plain",
        directions: tuple[Var, ...] = (),
    ) -> None:
        self.problem = problem
        self.chain = wrt
        self.wrt = wrt[0] if len(set(wrt)) == 1 else wrt
        self.order = len(wrt)
        self.kind = kind
        self.core = core
        self.original = original
        self.layout = layout
        self.symmetric = symmetric
        self.directions = directions
        self.certificate: Certificate | None = None

    @cached_property
    def expr(self) -> Node:
        """The derivative as words, a `sympy.Basic`."""
        return to_words(self.core)

    @property
    def value(self) -> Node:
        """The same as `expr`."""
        return self.expr

    @property
    def shape(self) -> tuple:
        """A tuple of SymPy sizes; `out.shape + wrt.shape` (swapped for denominator layout)."""
        shape = tuple(self.core.shape)
        if self.layout == "denominator" and self.kind == "derivative" and self.order == 1:
            out = self.problem.expr.rank
            return (*shape[out:], *shape[:out])
        return shape

    @cached_property
    def kinks(self) -> list[str]:
        """Where the original is not differentiable, one line for each operation that has kinks."""
        lines = []
        for node in self.kinked:
            names = dict(zip(node.op.operands, (str(o) if o.tree_size < 40 else "…" for o in node.operands), strict=False))
            place = _with_names(node.op.kinks, names)
            lines.append(f"{node.name}({', '.join(names.values())}): {place}")
        return list(dict.fromkeys(lines))

    @property
    def kinked(self) -> list[Call]:
        """The operations of the original that have kinks."""
        smooth = _smooth_by_use(self.problem.expr)
        divides = any(isinstance(n, Call) and n.name == "prod" for n in postorder(self.expr))  # prod(x)/x is what has the kink
        found = [n for n in postorder(self.problem.expr) if isinstance(n, Call) and n.op.kinks and n not in smooth]
        return [n for n in found if variables(n) and (divides or n.name not in ("prod", "iprod"))]

    @cached_property
    def notes(self) -> list[str]:
        lines = []
        for v in dict.fromkeys(self.chain):
            if v.is_a("symmetric"):
                other = "plain, unconstrained" if self.symmetric == "plain" else "constrained, G + Gᵀ - diag(G)"
                lines.append(f"{v.name} is symmetric: this is the {other} derivative")
        return lines

    def __str__(self) -> str:
        """The input language: one expression, or a problem text that names repeated parts where that would be too long."""
        if self.displayed.tree_size <= MAX_TREE:
            return to_text(self.displayed)
        return _lines(to_text_shared(self.displayed, 200), "result = ")

    @property
    def displayed(self) -> Node:
        """The words in the chosen layout."""
        if self.layout == "denominator" and self.kind == "derivative" and self.order == 1 and self.problem.expr.rank:
            out = self.problem.expr.rank
            from .simplify.product import permute

            rank = self.core.rank
            return to_words(permute(self.core, [*range(out, rank), *range(out)]))
        return self.expr

    def __repr__(self) -> str:
        names = ", ".join(v.name for v in self.chain)
        return f"<{self.kind} of {self.problem.source.strip()[:60]!r} by {names}: {str(self)[:200]}>"

    def _answers(self) -> tuple[Derivative, ...]:
        return (self,)

    def latex(self, *, steps: bool = False, **options: Any) -> str:
        """LaTeX of the derivative; with `steps=True` of its derivation (`write_steps` tells the options)."""
        return self.write_steps("latex", **options) if steps else to_latex(self.displayed, **options)

    def text(self, *, steps: bool = False, **options: Any) -> str:
        """Unicode mathematics; repeated parts of long results are named. With `steps=True` the derivation."""
        if steps:
            return self.write_steps("text", **options)
        if self.displayed.tree_size <= LONG:
            return to_unicode(self.displayed)
        return _lines(to_unicode_shared(self.displayed, LONG), "")

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def check(self, seed: int = 0) -> Certificate:
        """Compare with finite differences of the original again, at other points."""
        if self.kind != "derivative":
            self.certify_product(seed)
            assert self.certificate is not None
            return self.certificate
        from .api import differentiate

        stages = differentiate(self.problem.expr, list(self.chain))[2]
        final = stages[-1] if self.symmetric == "constrained" else self.expr
        self.certificate = certify(
            self.problem.expr, list(self.chain), [final], self.problem.vars, order=self.order, first=stages[:-1], seed=seed
        )
        return self.certificate

    def certify_product(self, seed: int = 0) -> None:
        """Certify a JVP, VJP or HVP: the product with the certified full derivative."""
        from .verify.products import certify_product

        self.certificate = certify_product(self, seed)
        self.certificate.raise_if_failed()

    def hessian(self) -> Derivative:
        """The next derivative by the same variable."""
        from .api import derive

        return derive(self.problem, self.chain[0], order=self.order + 1)  # type: ignore[return-value]


class Derivatives(Explained, Emitting, Mapping[str, Derivative]):
    """Several derivatives of one expression, by variable name, from one sweep."""

    _named = True

    def __init__(self, results: dict[str, Derivative]) -> None:
        self._results = results

    def __getitem__(self, name: str | int) -> Derivative:
        if isinstance(name, int):
            return list(self._results.values())[name]
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    @property
    def first(self) -> Derivative:
        return next(iter(self._results.values()))

    @property
    def problem(self) -> Problem:  # type: ignore[override]
        return self.first.problem

    @property
    def certificate(self) -> Certificate | None:
        return self.first.certificate

    def _answers(self) -> tuple[Derivative, ...]:
        return tuple(self._results.values())

    def latex(self, *, steps: bool = False, **options: Any) -> str:
        """LaTeX of all results, one a line; with `steps=True` of their one derivation."""
        if steps:
            return self.write_steps("latex", **options)
        return "\n".join(r.latex(**options) for r in self._results.values())

    def text(self, width: int = 0, *, steps: bool = False, **options: Any) -> str:
        """All results with shared names for what they have in common; with `steps=True` their one derivation."""
        if steps:
            return self.write_steps("text", width=width or 100, **options)
        from .write.language import to_text_shared_many

        return to_text_shared_many({n: r.expr for n, r in self._results.items()})

    def __str__(self) -> str:
        return self.text()
