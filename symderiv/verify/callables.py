"""Claims that are Python functions: called with arrays by name, compared as numbers."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..read.problem import Problem
from .claim import Claim
from .differences import bind
from .points import Point
from .verdict import short


def read_function(function: Callable[..., Any], problem: Problem) -> Claim:
    """A claim that is a function of the loss's names.

    Raises:
        InputError: SD114 when its parameters are not names of the loss.
    """
    name = getattr(function, "__name__", type(function).__name__)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise InputError(f"{name} does not tell its parameters", code="SD114", hint="wrap it in a Python function") from None
    known = {*problem.vars, *(str(s) for v in problem.vars.values() for size in v.shape for s in size.free_symbols)}
    for p in parameters:
        if p.kind is p.POSITIONAL_ONLY:
            raise InputError(f"{name} takes {p.name} by position only", code="SD114", hint="arrays are passed by name")
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or p.default is not p.empty:
            continue
        if p.name not in known:
            hint = "its parameters are names of the loss: " + ", ".join(sorted(known))
            raise InputError(f"{name} wants {p.name}, which the loss does not have", code="SD114", hint=hint)
    return Claim(f"{name}(…)", function=function)


def why_it_fails(claim: Claim, point: Point) -> str:
    """What happens when the function is called."""
    assert claim.function is not None
    try:
        out = bind(claim.function, point.sizes)({n: np.array(x) for n, x in point.values.items()})
    except Exception as error:  # a user's function may raise anything
        return f"{claim.source} raised {type(error).__name__}: {short(str(error), 200)}."
    return f"{claim.source} returned {short(repr(out), 120)}, which is not an array of real numbers."


def load_function(spec: str, folder: str | Path = ".") -> Callable[..., Any]:
    """The function of `module:function`, imported from a folder. This runs the module: only on explicit request.

    Raises:
        InputError: SD114 when there is no such module or function.
    """
    module_name, colon, name = spec.partition(":")
    if not colon or not all(part.isidentifier() for part in module_name.split(".")) or not name.isidentifier():
        raise InputError(
            f"{spec!r} is not module:function", code="SD114", hint="write gradients:my_gradient for a function in gradients.py"
        )
    path = str(Path(folder).resolve())
    sys.path.insert(0, path)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"cannot import {module_name}: {error}", code="SD114", hint="it is looked for in the current directory"
        ) from None
    except Exception as error:  # the module is the user's code
        raise InputError(
            f"importing {module_name} raised {type(error).__name__}: {short(str(error), 200)}", code="SD114"
        ) from None
    finally:
        sys.path.remove(path)
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"{module_name} has no function {name}", code="SD114")
    return found


__all__ = ["load_function", "read_function", "why_it_fails"]
