"""The certificate: what was compared, what came out, and how it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import CertificateError


@dataclass
class Certificate:
    """What was compared and what came out.

    Attributes:
        ok: every result agreed wherever it was compared, and at one assignment of unequal sizes at least.
        sizes: the assignments that agreed, `{"n": 4, "d": 3}`.
        points: points compared.
        worst: largest error relative to the scale of the derivative.
        method: "complex step", "central differences" or "directional".
        kinks_avoided: points left because a kink was there.
        entries: entries compared.
        failures: one dict for each confirmed disagreement: wrt, sizes, values, entry, got, expected, reason.
        notes: what was skipped, and conventions that the comparison had to assume.
        problem: why there was no point to compare at, with `remedy`.
    """

    ok: bool = False
    sizes: list[dict[str, int]] = field(default_factory=list)
    points: int = 0
    worst: float = 0.0
    method: str = "complex step"
    kinks_avoided: int = 0
    entries: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    remedy: str = ""

    @property
    def line(self) -> str:
        """One sentence."""
        if self.failures:
            return f"not certified: {say_failure(self.failures[0])}"
        if not self.ok:
            return f"not certified: {self.problem}"
        method = {"complex step": "complex-step differences", "central differences": "central differences"}.get(
            self.method, "directional differences"
        )
        plural = "" if len(self.sizes) == 1 else "s"
        where = f"{len(self.sizes)} size assignment{plural} ({'; '.join(map(say_sizes, self.sizes))})"
        if self.sizes == [{}]:
            where = f"{self.points} random point{'' if self.points == 1 else 's'}"
        kinks = f", {self.kinks_avoided} points at kinks avoided" if self.kinks_avoided else ""
        return f"certified against {method} of the original at {where}: worst relative error {self.worst:.0e}{kinks}"

    def raise_if_failed(self) -> Certificate:
        """The certificate itself if it is good.

        Raises:
            CertificateError: SD401 when a result differs, SD402 when the original could not be evaluated.
        """
        if self.ok:
            return self
        if self.failures:
            shown = say_failure(self.failures[0], with_values=True)
            hint = "this is a bug in symderiv: please report the expression with these values"
            raise CertificateError(f"the derivative could not be certified: {shown}", code="SD401", hint=hint)
        raise CertificateError(f"the derivative could not be certified: {self.problem}", code="SD402", hint=self.remedy)


def say_sizes(sizes: Mapping[str, int]) -> str:
    """`n=4, d=3`; sizes that are equal are joined: `n=d=3`."""
    groups: dict[int, list[str]] = {}
    for name, k in sizes.items():
        groups.setdefault(k, []).append(str(name))
    return ", ".join("=".join(names) + f"={k}" for k, names in groups.items()) or "fixed sizes"


def say_failure(failure: Mapping[str, Any], with_values: bool = False) -> str:
    where = say_sizes(failure["sizes"])
    if failure["reason"]:
        text = f"{failure['wrt']} at {where}: the derivative {failure['reason']}"
    else:
        entry = f" entry {list(failure['entry'])}" if failure["entry"] else ""
        got, expected = f"{failure['got']:.10g}", f"{failure['expected']:.10g}"
        text = f"{failure['wrt']}{entry} at {where} is {got}, differences of the original give {expected}"
    if with_values:
        arrays = ((k, np.array2string(np.asarray(v), precision=6, separator=", ")) for k, v in failure["values"].items())
        text += "; with " + ", ".join(f"{k} = {v}" for k, v in arrays)
    return text
