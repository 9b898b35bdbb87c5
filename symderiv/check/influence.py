"""Which chains the verdict on a chain may need the outcome of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from .relations import Chain
from .roles import Role
from .rows import flat_items


class Influence:
    """What depends on what among the chains of one document."""

    def __init__(self, chains: Sequence[Chain], roles: Sequence[Role]) -> None:
        self.chains, self.roles = chains, roles

    def before(self, n: int) -> Iterator[int]:
        """The numbers of the earlier chains whose outcome a chain may need."""
        chain = self.chains[n]
        section, update, derivative = chain.event.section, self._updates[n], bool(_DERIVATIVES & set(chain.flat))
        found, forms = [], {}
        for m, sort in enumerate(self._sorts[:n]):
            known = self.roles[m].known
            if known is not None and self.roles[m].kind == "definition":
                forms[known.name] = m  # a later definition of a name replaces an earlier one
            if (
                sort == "again"
                or (sort == "posed" and self.chains[m].event.section == section)
                or (update and sort in ("posed", "claim") and self._derived[m])
            ):
                found.append(m)
        if derivative:
            found += [m for m in forms.values() if self._sorts[m] == "forms"]
        yield from sorted(found)

    @cached_property
    def _sorts(self) -> list[str]:
        """Needed by all (again), by derivatives (forms), in its section and by updates (posed), by updates (claim), by none."""
        out = []
        for a, role in zip(self.chains, self.roles, strict=True):
            if role.kind == "again":
                out.append("again")
            elif role.kind == "definition":
                out.append("forms" if len(a.sides) > 2 else "")
            elif role.kind != "claim" or len(a.sides) < 2:
                out.append("")
            else:
                out.append("posed" if "posed" in a.signs or flat_items(a.sides[-1]) in (["0"], []) else "claim")
        return out

    @cached_property
    def _derived(self) -> list[bool]:
        return [has_derivative(c) for c in self.chains]

    @cached_property
    def _updates(self) -> list[bool]:
        """Chains that may be updates: a letter of the left side stands on the right side too, or there is an arrow."""
        out = []
        for chain, derived in zip(self.chains, self._derived, strict=True):
            if "<-" in chain.signs or len(chain.sides) < 2 or chain.signs[0] not in (":=", "=") or derived:
                out.append("<-" in chain.signs)
                continue
            left, right = (set(flat_items(s)) for s in chain.sides[:2])
            out.append(any(t.isalpha() for t in left & right))
        return out


_DERIVATIVES = {"partial", "nabla", "d"}


def has_derivative(chain: Chain) -> bool:
    """Whether a derivative stands on the left side."""
    left = flat_items(chain.sides[0])
    return bool({"partial", "nabla"} & set(left)) or left[:2] == ["frac", "d"]


__all__ = ["Influence", "has_derivative"]
