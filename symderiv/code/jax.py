"""JAX source and functions from words: `jit`-compiled, differentiable further, `vmap`-able.

jax_source(expr)      the text of a module that stands alone
jax_function(expr)    that very text, compiled
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import CodeError
from ..expr.nodes import Node
from .dialect import JAX
from .module import Arguments, Module


def jax_source(
    expr: Node | Sequence[Node], name: str = "f", args: Arguments = None, doc: str = "", value_names: Sequence[str] | None = None
) -> str:
    """The text of a module with one function of the variables; as `numpy_source`, in JAX."""
    roots = [expr] if isinstance(expr, Node) else list(expr)
    return Module(roots, isinstance(expr, Node), name, args, doc, value_names, JAX).text()


def jax_function(
    expr: Node | Sequence[Node], args: Arguments = None, name: str = "f", doc: str = "", value_names: Sequence[str] | None = None
) -> Callable[..., Any]:
    """The function of `jax_source`; its text is its attribute `source`.

    Given NumPy arrays and numbers only, it computes in float64 whatever JAX's own setting is; JAX's arrays keep their type.

    Raises:
        CodeError: SD520 when JAX is not installed.
    """
    jax = imported("jax")
    source = jax_source(expr, name, args, doc, value_names)
    namespace: dict[str, Any] = {"__name__": f"symderiv_emitted_{name}"}
    exec(compile(source, f"<symderiv {name}>", "exec"), namespace)  # written by this package from checked nodes
    function = namespace[name]
    exact = (jax if hasattr(jax, "enable_x64") else imported("jax.experimental")).enable_x64

    @functools.wraps(function)
    def call(*positional: Any, **values: Any) -> Any:
        if jax.config.jax_enable_x64 or any(isinstance(x, jax.Array) for x in (*positional, *values.values())):
            return function(*positional, **values)
        with exact(True):
            return function(*positional, **values)

    call.source = source  # type: ignore[attr-defined]
    return call


def imported(module: str) -> Any:
    """An optional library.

    Raises:
        CodeError: SD520 when it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise CodeError(
            f"{module} is not installed", code="SD520", hint=f"pip install 'symderiv[{module}]', or use another back end"
        ) from None
