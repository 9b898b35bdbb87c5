"""The back ends by name: what writes source for each, and what compiles it; libraries are imported when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ..errors import CodeError
from ..expr.nodes import Node
from .dialect import DIALECTS
from .module import Arguments, Module

BACKENDS = ("numpy", "jax", "torch", "numba")


def source_for(
    backend: str,
    expr: Node | Sequence[Node],
    name: str,
    args: Arguments = None,
    doc: str = "",
    value_names: Sequence[str] | None = None,
) -> str:
    """A module that stands alone, for one back end.

    Raises:
        CodeError: SD501 for a back end that does not exist.
    """
    check_backend(backend)
    if backend == "numba":
        from .numba import numba_source

        return numba_source(expr, name, args, doc, value_names)
    roots = [expr] if isinstance(expr, Node) else list(expr)
    return Module(roots, isinstance(expr, Node), name, args, doc, value_names, DIALECTS[backend], blocks=True).text()


def function_for(
    backend: str, expr: Node | Sequence[Node], args: Arguments = None, doc: str = "", value_names: Sequence[str] | None = None
) -> Callable[..., Any]:
    """The function of `source_for`, compiled; its text is its attribute `source`.

    Raises:
        CodeError: SD501 for a back end that does not exist, SD520 for a library that is not installed.
    """
    check_backend(backend)
    make: Callable[..., Any] = getattr(import_module(f".{backend}", __package__), f"{backend}_function")
    return make(expr, args, doc=doc, value_names=value_names)


def check_backend(backend: str) -> None:
    """Refuse a back end that does not exist."""
    if backend not in BACKENDS:
        raise CodeError(f"there is no back end {backend!r}", code="SD501", hint=f"use one of {', '.join(BACKENDS)}")
