"""One change of the claim, or of the derivative, as an explanation."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import SymDerivError
from ..expr.nodes import Node
from ..notation.words import to_words
from ..simplify.lower import normal
from .context import Context
from .messages import claim_edit, truth_edit
from .mutations import edits
from .points import finite
from .terms import expanded
from .verdict import Diagnosis


def claim_edits(context: Context, names: frozenset[str]) -> Iterator[Diagnosis]:
    root = context.claim.entry if context.claim.entry is not None else context.words
    for e in edits(root, names):
        if context.late:
            return
        try:
            fixed = context.claim.array(e.root)
        except SymDerivError:
            continue
        if context.is_true(fixed) and context.true_everywhere(fixed):
            yield claim_edit(context, e, fixed)


def truth_edits(context: Context, names: frozenset[str]) -> Iterator[Diagnosis]:
    valued = all(v is not None and finite(v) for v in context.claimed_values)
    for form in forms(context):
        for e in edits(form, names):
            if context.late:
                return
            if valued:
                same = context.is_claimed(e.root) and context.claimed_everywhere(e.root)
            else:
                same = context.is_claim_itself(e.root)
            if same:
                yield truth_edit(context, e)


def forms(context: Context) -> list[Node]:
    """The derivative in words, as it is shown and multiplied out."""
    out = [context.truth]
    try:
        core = normal(context.truth)
    except SymDerivError:
        return out
    for form in (core, expanded(core)):
        words = to_words(form)
        if words not in out and words.tree_size < 400:
            out.append(words)
    return out


__all__ = ["claim_edits", "forms", "truth_edits"]
