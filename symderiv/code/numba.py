"""Numba: one pass over the rows of the data where that is possible, else the NumPy function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..expr.nodes import Node
from .jax import imported
from .module import Arguments
from .numpy import numpy_function, numpy_source


def numba_source(
    expr: Node | Sequence[Node], name: str = "f", args: Arguments = None, doc: str = "", value_names: Sequence[str] | None = None
) -> str:
    """The text of a module with one function of the variables."""
    return numpy_source(expr, name, args, doc, value_names)


def numba_function(
    expr: Node | Sequence[Node], args: Arguments = None, name: str = "f", doc: str = "", value_names: Sequence[str] | None = None
) -> Callable[..., Any]:
    """The function of `numba_source`, compiled."""
    imported("numba")
    function = numpy_function(expr, args, name, doc, value_names)
    function.fused = False  # type: ignore[attr-defined]
    return function
