r"""Derivatives of which one half is missing: `\frac{\partial f}{X}`, `\frac{d}{x}(…)` beside `\frac{d}{dx}(…)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..read.latex.scripts import content
from ..read.latex.tree import Item, Token, is_char, is_macro, tokens_below
from .judge import Outcome
from .relations import Chain
from .scope import Meaning

_FRACTIONS = ("frac", "dfrac", "tfrac")
_SIGNS = ("partial", "d", "mathrm", "text", "delta", "nabla", "operatorname")


def halves(chain: Chain, outcomes: list[Outcome], meaning: Meaning, text: str) -> list[Outcome]:
    """The outcomes, with sides that hold half of a derivative, and are not read for it, as wrong."""
    d_is_a_name = "d" in meaning.known or ("d" in meaning.vars and meaning.is_declared(meaning.vars["d"][0]))
    whole = {_texts(below)[1:] for side in chain.sides for _, below, _ in _fractions(side) if _texts(below)[:1] == ("d",)}
    out = []
    for o in outcomes:
        side = [*(chain.sides[0] if o.side == 1 else []), *(chain.sides[o.side] if o.side < len(chain.sides) else [])]
        found = next((f for f in _fractions(side) if _is_half(f[0], f[1]) or (not d_is_a_name and _lacks_d(f, whole))), None)
        if o.status != "skipped" or found is None or chain.event.kind != "display":
            out.append(o)
            continue
        _, below, place = found
        shown = " ".join(text[slice(*place)].split())
        missing = "above" if _texts(below)[:1] == ("partial",) else "below"
        message = f"`{shown[:60]}` is half of a derivative: the sign is missing {missing} the line."
        out.append(Outcome(o.side, "wrong", "derivative", kind="half_derivative", message=message))
    return out


def _fractions(items: Sequence[Item]) -> Iterator[tuple[list[Item], list[Item], tuple[int, int]]]:
    """(above, below, place) of every fraction, at any depth."""
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            yield from _fractions(item.items)
        elif is_macro(item, *_FRACTIONS) and k + 2 < len(items):
            yield list(content(items[k + 1])), list(content(items[k + 2])), (item.start, items[k + 2].stop)


def _texts(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(t.text for t in tokens_below(items))


def _is_half(above: Sequence[Item], below: Sequence[Item]) -> bool:
    """`∂` begins one side of the line, and the other side holds nothing of the kind."""
    if not above or not below:
        return False
    for one, other in ((above, below), (below, above)):
        after = one[1] if len(one) > 1 else None
        begins = is_macro(one[0], "partial") and not (isinstance(after, Token) and after.kind == "sub")
        inline = any(is_char(t, "/") for t in tokens_below(one))
        if begins and not inline and not any(is_macro(t, *_SIGNS) or is_char(t, "d") for t in tokens_below(other)):
            return True
    return False


def _lacks_d(f: tuple[list[Item], list[Item], tuple[int, int]], whole: set[tuple[str, ...]]) -> bool:
    r"""`\frac{d}{x}` where the same chain writes `\frac{d}{dx}`."""
    above, below, _ = f
    return len(above) == 1 and is_char(above[0], "d") and _texts(below) in whole and len(_texts(below)) > 0


__all__ = ["halves"]
