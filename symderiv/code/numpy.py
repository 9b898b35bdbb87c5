"""NumPy source for words: a module that stands alone, with shape checks and shared subexpressions; and values by running it.

numpy_source(expr, name="gradient")   the text of a module
numpy_function(expr)                  that very text, compiled
evaluate(expr, {"X": …, "w": …})      the value
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sympy import Symbol

from ..errors import CodeError
from ..expr.nodes import Node, Var
from ..expr.walk import variables
from .module import Arguments, Module, check_name, size_symbols

__all__ = ["check_name", "evaluate", "numpy_function", "numpy_source", "size_symbols"]


def numpy_source(
    expr: Node | Sequence[Node],
    name: str = "f",
    args: Arguments = None,
    doc: str = "",
    value_names: Sequence[str] | None = None,
    blocks: bool = True,
) -> str:
    """The text of a module with one function of the variables.

    Args:
        expr: words (or core), or several, of which the function returns a tuple.
        name: of the function.
        args: its parameters in order; variables in order of occurrence if None. Those that the values do not need get the
            default None. A size that no array has becomes a keyword parameter.
        doc: a first line for the docstring instead of the formula.
        value_names: names of the values, for the docstring.
        blocks: sums over rows of data are taken in blocks that stay in the cache, where that pays.

    Raises:
        CodeError: SD501 to SD505 when something cannot be written, SD506 for names that Python does not allow.
    """
    roots = [expr] if isinstance(expr, Node) else list(expr)
    return Module(roots, isinstance(expr, Node), name, args, doc, value_names, blocks=blocks).text()


def numpy_function(
    expr: Node | Sequence[Node],
    args: Arguments = None,
    name: str = "f",
    doc: str = "",
    value_names: Sequence[str] | None = None,
    blocks: bool = True,
) -> Callable[..., Any]:
    """The function of `numpy_source`, compiled; its text is its attribute `source`."""
    source = numpy_source(expr, name, args, doc, value_names, blocks)
    namespace: dict[str, Any] = {"__name__": f"symderiv_emitted_{name}"}
    # The only place that runs generated text: written by this package from checked nodes and validated identifiers.
    exec(compile(source, f"<symderiv {name}>", "exec"), namespace)
    function = namespace[name]
    function.source = source
    return function


_compiled: WeakKeyDictionary[Node, dict[tuple[Var, ...], Callable[..., Any]]] = WeakKeyDictionary()


def evaluate(expr: Node, values: Mapping[str, Any], args: Sequence[Var] | None = None) -> np.ndarray:
    """The value of words at arrays by name; sizes that no array has are given by name too. Other names are ignored.

    `args` are variables whose axes may give sizes although the words do not use them.

    Raises:
        CodeError: SD507 when a variable or a size is missing, or arrays do not fit.
    """
    known = _compiled.setdefault(expr, {})
    key = tuple(args or ())
    function = known.get(key)
    if function is None:
        function = known[key] = numpy_function(expr, args, doc="The value of an expression.", blocks=False)
    names = inspect.signature(function).parameters
    missing = [n for n in names if n not in values]
    if missing:
        raise CodeError(f"no value for {', '.join(missing)}", code="SD507", hint="give arrays and sizes by name")
    _check_given_sizes(args or variables(expr), values)
    try:
        with np.errstate(all="ignore"):  # what is not finite shows in the value
            return function(**{n: values[n] for n in names})
    except (ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise CodeError(str(error), code="SD507") from error


def _check_given_sizes(named: Sequence[Var], values: Mapping[str, Any]) -> None:
    taken = {v.name for v in named}
    for v in named:
        for axis, size in enumerate(v.shape):
            if (
                isinstance(size, Symbol)
                and size.name in values
                and size.name not in taken
                and v.name in values
                and np.ndim(values[v.name]) == len(v.shape)
            ):
                have = np.shape(values[v.name])[axis]
                if np.ndim(values[size.name]) == 0 and have != values[size.name]:
                    raise CodeError(
                        f"size {size} is given as {values[size.name]} but is {have} in {v.name} (axis {axis})", code="SD507"
                    )
