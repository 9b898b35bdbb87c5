"""symderiv: derivatives of vectors, matrices and tensors, in a person's form and certified.

    import symderiv as sd
    sd.derive("sum((X @ w - y)**2)", wrt="w")

Names are imported when they are first used, so that `import symderiv` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "verifying": ("verify",),
    "verify.verdict": ("Verdict",),
    "check": ("check_document",),
    "api": ("derive", "evaluate", "hvp", "jvp", "load", "parse", "vjp"),
    "learn.shapes": ("shape_of",),
    "read.problem": ("Problem",),
    "result": ("Derivative", "Derivatives"),
    "read.trace": ("trace", "words"),
    "read.sympy": ("from_sympy", "to_sympy"),
    "read.latex": ("parse_latex", "read_latex"),
    "expr.nodes": ("var",),
    "learn.activations": ("activations",),
    "learn.flow": ("flow",),
    "learn.graph": ("graph",),
    "learn.initialisation": ("initialisation",),
    "learn.models": ("models",),
    "learn.train": ("load_data", "load_model", "train"),
    "errors": (
        "CertificateError",
        "CodeError",
        "DerivativeError",
        "InputError",
        "LimitError",
        "ShapeError",
        "SymDerivError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from .api import derive, evaluate, hvp, jvp, load, parse, vjp
    from .check import check_document
    from .errors import CertificateError, CodeError, DerivativeError, InputError, LimitError, ShapeError, SymDerivError
    from .expr.nodes import var
    from .learn.activations import activations
    from .learn.flow import flow
    from .learn.graph import graph
    from .learn.initialisation import initialisation
    from .learn.models import models
    from .learn.shapes import shape_of
    from .learn.train import load_data, load_model, train
    from .read.latex import parse_latex, read_latex
    from .read.problem import Problem
    from .read.sympy import from_sympy, to_sympy
    from .read.trace import trace, words
    from .result import Derivative, Derivatives
    from .verify.verdict import Verdict
    from .verifying import verify

__all__ = [
    "CertificateError",
    "CodeError",
    "Derivative",
    "DerivativeError",
    "Derivatives",
    "InputError",
    "LimitError",
    "Problem",
    "ShapeError",
    "SymDerivError",
    "Verdict",
    "__version__",
    "activations",
    "check_document",
    "derive",
    "evaluate",
    "flow",
    "from_sympy",
    "graph",
    "hvp",
    "initialisation",
    "jvp",
    "load",
    "load_data",
    "load_model",
    "models",
    "parse",
    "parse_latex",
    "read_latex",
    "shape_of",
    "to_sympy",
    "trace",
    "train",
    "var",
    "verify",
    "vjp",
    "words",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
