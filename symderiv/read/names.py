"""What names mean before anything is declared: other spellings of functions, modules people paste, Greek letters, constants."""

from __future__ import annotations

import difflib
import keyword
import unicodedata

import sympy
from sympy import Expr

# spellings of NumPy, JAX, PyTorch and SciPy -> the word of the language with the same meaning
ALIASES: dict[str, str] = {
    "absolute": "abs", "fabs": "abs", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow",
    "float_power": "pow", "negative": "neg", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh", "ln": "log",
    "amax": "max", "amin": "min", "mm": "matmul", "mv": "matmul", "bmm": "matmul", "inner": "dot", "vdot": "dot", "tr": "trace",
    "inverse": "inv", "swish": "silu", "expit": "sigmoid", "log_expit": "logsigmoid", "log_sigmoid": "logsigmoid",
    "gammaln": "lgamma", "loggamma": "lgamma", "psi": "digamma", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "equal": "eq", "not_equal": "ne", "concat": "concatenate", "cat": "concatenate", "one_hot": "onehot",
    "mse_loss": "mse", "nll_loss": "nll", "fmax": "maximum", "fmin": "minimum", "clamp": "clip", "logistic": "sigmoid",
    "identity": "eye", "unsqueeze": "expand_dims", "log_det": "logdet", "logabsdet": "logdet", "permute": "transpose",
    "diagonal": "diag", "sgn": "sign",
}  # fmt: skip

# words that only the reader makes, from operators, subscripts and generators
INTERNAL = frozenset({"getitem", "isum", "iprod", "imax", "imin", "T"})

# handled by the reader itself; not in the table of operations
EXTRA_FUNCTIONS = frozenset({
    "subtract", "logical_and", "logical_or", "logical_not", "ones_like", "zeros_like", "ravel", "flatten", "len", "view", "t",
    "positive", "reciprocal",
})  # fmt: skip

_ARRAYS = {"np": "numpy", "numpy": "numpy", "jnp": "jax", "jax.numpy": "jax", "torch": "torch", "math": "python"}
MODULES: dict[str, str] = {
    **_ARRAYS, **{f"{m}.linalg": lib for m, lib in _ARRAYS.items() if lib != "python"}, "jax.nn": "jax", "nn": "jax",
    "jax.scipy.special": "scipy", "jsp.special": "scipy", "jax.scipy.linalg": "scipy", "scipy.special": "scipy",
    "special": "scipy", "scipy.linalg": "scipy", "linalg": "numpy", "LA": "numpy", "sp.special": "scipy", "F": "torch",
    "nn.functional": "torch", "torch.nn.functional": "torch", "torch.special": "torch",
}  # fmt: skip
MODULE_ROOTS = frozenset(m.split(".")[0] for m in MODULES)

# (library, function) that means something else there, unless an argument says otherwise: why, the arguments, what to write
DIFFERENT: dict[tuple[str, str], tuple[str, frozenset[str], str]] = {
    ("torch", "var"): ("torch.var divides by n - 1", frozenset({"unbiased", "correction"}), "write var(x), which divides by n"),
    ("jax", "gelu"): (
        "jax.nn.gelu is the tanh approximation",
        frozenset({"approximate"}),
        "add approximate=False, or write gelu(x)",
    ),
}

METHODS = frozenset({
    "sum", "mean", "prod", "max", "min", "var", "dot", "transpose", "reshape", "view", "flatten", "ravel", "trace", "cumsum",
    "clip", "clamp", "squeeze", "swapaxes", "diagonal", "exp", "log", "sqrt", "square", "abs", "sign", "sin", "cos", "tan",
    "tanh", "sigmoid", "relu", "softmax", "log_softmax", "logsumexp", "norm", "det", "logdet", "inverse", "matmul", "mm", "mv",
    "t", "unsqueeze", "permute", "pow", "outer", "tril", "triu", "log1p", "expm1", "erf", "sinh", "cosh", "flip", "amax",
    "amin", "mul", "multiply",
})  # fmt: skip

KEYWORDS: dict[str, str] = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "negative_slope": "slope", "N": "n", "M": "m"}

CONSTANTS: dict[str, Expr] = {"pi": sympy.pi, "inf": sympy.oo}
MODULE_CONSTANTS: dict[str, Expr] = {**CONSTANTS, "e": sympy.E, "Inf": sympy.oo, "infty": sympy.oo}

GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "eps", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lam", "lambda", "lambd", "lamda", "lmbda", "lmbd", "mu", "nu", "xi", "omicron", "pi", "rho", "varrho", "sigma", "varsigma",
    "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega",
})  # fmt: skip


def canonical(name: str) -> str:
    """The word of the language for a function name."""
    return ALIASES.get(name, name)


def is_function(name: str) -> bool:
    """Whether a function of this name, in any accepted spelling, exists."""
    from ..ops import OPS

    return (name in OPS or name in ALIASES or name in EXTRA_FUNCTIONS) and name not in INTERNAL


def nearest(name: str, names) -> str:
    """A hint with names like this one, or ""."""
    found = difflib.get_close_matches(name[:40], sorted(n for n in names if isinstance(n, str)), n=3, cutoff=0.6)
    if not found:
        folded = {n.lower(): n for n in names}
        found = [folded[name.lower()]] if name.lower() in folded else []
    return "did you mean " + " or ".join(f"`{f}`" for f in found) + "?" if found else ""


def nearest_function(name: str) -> str:
    """A hint with functions of the language like this one; other spellings only where no word is near."""
    from ..ops import OPS

    return nearest(name, (set(OPS) | EXTRA_FUNCTIONS) - INTERNAL) or nearest(name, ALIASES)


def function_names() -> set[str]:
    """All accepted function names."""
    from ..ops import OPS

    return (set(OPS) | set(ALIASES) | EXTRA_FUNCTIONS) - INTERNAL


def is_greek(name: str) -> bool:
    """Whether the name is a Greek letter, spelled out or not, perhaps with a number or a suffix (`lam1`, `sigma_x`, `λ`)."""
    if "\u0370" <= name[0] <= "\u03ff":
        return True
    return name.split("_")[0].rstrip("0123456789").lower() in GREEK


def rank_by_letter(name: str) -> int | None:
    """0, 1 or 2 by the first letter, as on matrixcalculus.org; None where there is no rule."""
    if is_greek(name):
        return 0
    first = name[0]
    if "a" <= first <= "g":
        return 0
    if "h" <= first <= "z":
        return 1
    return 2 if "A" <= first <= "Z" else None


def normal_name(text: str) -> str:
    """A name as Python reads it: compatibility forms of letters are one name (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def is_name(text: str) -> bool:
    """Whether the text can name a variable."""
    return text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("__")
