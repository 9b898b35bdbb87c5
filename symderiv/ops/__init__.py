"""The operations: each is declared once, in the file of its family; importing this package fills the table `OPS`.

Templates (`numpy=`, `torch=`, `jax=`, `latex=`) are `str.format` templates, so literal braces are doubled. `{x}` is an operand,
`{axis}` a parameter, `{*}` all operands of an operation that takes any number of them, separated by commas. In a LaTeX template an
operand that stands between delimiters (`\\left({x}\\right)`, `\\sqrt{{{x}}}`) needs no brackets; elsewhere (`{A}^{{-1}}`) the printer
brackets it.
"""

from __future__ import annotations

from ..expr.op import OPS
from . import arith, elementwise, linalg, nn, reduce, shape

__all__ = ["OPS", "arith", "elementwise", "linalg", "nn", "reduce", "shape"]
