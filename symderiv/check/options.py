"""What the author or the one who checks says beside the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """What the author or the one who checks says beside the document.

    Attributes:
        vars: declarations, name -> sizes.
        loss: LaTeX of a loss that stands for a numerator which nothing defines.
        layout: any, numerator, denominator.
        ignore, select: codes or kinds; nothing selected means all.
    """

    vars: Mapping[str, str] = field(default_factory=dict)
    loss: str = ""
    layout: str = "any"
    ignore: tuple[str, ...] = ()
    select: tuple[str, ...] = ()


__all__ = ["Options"]
