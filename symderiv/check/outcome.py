"""What became of a relation, and what the sides of a chain are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import SymDerivError
from ..expr.nodes import Node
from .compare import Comparison
from .values import Truth


@dataclass
class Outcome:
    """What became of one relation.

    Attributes:
        side: which side of the chain stands on its right.
        status: right, wrong, posed, defined, read or skipped.
        comparison: for a verdict.
        code_kind: the kind of the finding.
        hangs: whether it was skipped only because nothing says what some names are.
        assuming: what was supposed of such names, where it is right under that.
        certain: whether every name at the place of a mistake is declared.
        explain: gives the comparison with what is wrong in words; None where that is told already.
    """

    side: int
    status: str
    what: str = "identity"
    reason: str = ""
    code: str = ""
    how: str = ""
    kind: str = ""
    message: str = ""
    fixed: Node | None = None
    counterexample: str = ""
    notes: tuple[str, ...] = ()
    vote: str = ""
    hangs: bool = False
    assuming: tuple[str, ...] = ()
    certain: bool = False
    explain: Callable[[], Comparison] | None = None

    def explained(self) -> Outcome:
        """The same with what is wrong in words."""
        if self.status != "wrong" or self.explain is None:
            return self
        found = self.explain()
        if found.equal is not False:
            return self
        return replace(
            self, kind=self.kind or found.kind, message=found.message, fixed=found.fixed if found.fixed is not None else self.fixed,
            notes=(*found.notes, *self.notes), explain=None,
        )  # fmt: skip


@dataclass
class Value:
    """A side with its value, or why it has none.

    Attributes:
        open: it holds a derivative that nothing defines.
        doubt: why it may be right where it does not look so, or "".
        written: with differentials as variables, where it has any.
        rest: terms in other differentials are left out.
    """

    words: Node | None
    kind: str = ""
    reason: str = ""
    code: str = ""
    error: SymDerivError | None = None
    open: bool = False
    doubt: str = ""
    truth: Truth | None = None
    written: Node | None = None
    rest: bool = False
    hangs: bool = False


__all__ = ["Outcome", "Value"]
