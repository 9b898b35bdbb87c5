"""How derivations are written: one frozen set of options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..errors import InputError

_TRANSPOSES = re.compile(r"T|t|'|\\(?:top|intercal|prime|dagger)|\\math(?:sf|rm|bf|it)\s*(?:\{[Tt]\}|[Tt])")
_NAME = re.compile(r"[A-Za-z]\w{0,30}", re.ASCII)


@dataclass(frozen=True)
class Options:
    r"""Notation of a derivation.

    Attributes:
        bold: vectors and matrices in bold.
        transpose: the sign of a transpose in LaTeX: `\top`, `T`, `\intercal`, `\mathsf T`.
        derivative: "partial" for `∂L/∂w`, "nabla" for `∇_w L`.
        layout: "numerator" or "denominator"; None takes the derivative's own. It is stated at the start.
        rename: (name, LaTeX) pairs: how variables and sizes are written, `(("w", r"\theta"), ("n", "N"))`.
        samples: rows and entries of a matrix `X` as `x_i` and `x_{ij}`, sums over samples, as in lecture notes (index style).
        shapes: the shape under every result and every factor of a matrix product.
        reasons: a sentence for every step below the rows; None: in documents yes, in LaTeX fragments no.
        highlight: what changed in colour (needs xcolor in LaTeX).
        update: name of a step size; then the update rule of gradient descent follows the derivation.
        stationary: the equations that set the gradient to zero follow, solved where they are linear.
        title: a title for documents; made from the problem if "".
    """

    bold: bool = False
    transpose: str = r"\top"
    derivative: Literal["partial", "nabla"] = "partial"
    layout: str | None = None
    rename: tuple[tuple[str, str], ...] = ()
    samples: bool = False
    shapes: bool = False
    reasons: bool | None = None
    highlight: bool = False
    update: str = ""
    stationary: bool = False
    title: str = ""

    @staticmethod
    def of(given: Options | None, keywords: Mapping[str, Any]) -> Options:
        """Options from keywords.

        Raises:
            InputError: SD105 for an option or a value that does not exist.
        """
        base = given or Options()
        known = {f.name for f in fields(Options)}
        unknown = sorted(set(keywords) - known)
        if unknown:
            raise InputError(f"option {unknown[0]!r} is not known", code="SD105", hint="options: " + ", ".join(sorted(known)))
        values = {**{f.name: getattr(base, f.name) for f in fields(Options)}, **keywords}
        if isinstance(values["rename"], Mapping):
            values["rename"] = tuple(values["rename"].items())
        if values["derivative"] not in ("partial", "nabla"):
            raise InputError(f"derivative={values['derivative']!r} is not known", code="SD105", hint='use "partial" or "nabla"')
        if values["layout"] not in (None, "numerator", "denominator"):
            raise InputError(f"layout {values['layout']!r} is not known", code="SD105", hint='use "numerator" or "denominator"')
        if not _TRANSPOSES.fullmatch(values["transpose"]):
            hint = r"use \top, T, \intercal, \mathsf{T}, ' or \dagger"
            raise InputError(f"transpose={values['transpose']!r} is not a sign of a transpose", code="SD105", hint=hint)
        if values["update"] and not _NAME.fullmatch(values["update"]):
            hint = "use a letter or a word, such as alpha or eta"
            raise InputError(f"update={values['update']!r} is not the name of a step size", code="SD105", hint=hint)
        return Options(**values)


__all__ = ["Options"]
