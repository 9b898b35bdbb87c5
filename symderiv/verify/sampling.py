"""Where a derivative is tried out: sizes (tall, wide, equal, with ones) and random non-symmetric points in the domain.

A point is drawn by strategies in turn, the most general first: an expression that only holds for positive `x`
(`sqrt(x**2) = x`) must meet a negative one if the original allows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import postorder
from .differences import FAILS, Function, function_of
from .regular import off_kinks, regular

Sizes = dict[Symbol, int]
Values = dict[str, np.ndarray]

WILD = 1e6  # values of the original beyond this leave too few digits for differences
_FEW = 5  # sizes of the ordinary assignments stay at or below this, as long as there are few symbols


# sizes ------------------------------------------------------------------------------------------------------------------------
def size_symbols(problem_vars: Iterable[Var], words: Node | None = None) -> list[Symbol]:
    """Size symbols in order of first occurrence in the declarations, then those that only the words use."""
    found: dict[Symbol, None] = {}
    for v in problem_vars:
        for size in v.shape:
            found.update(dict.fromkeys(sorted(size.free_symbols, key=str)))
    if words is not None:
        found.update(dict.fromkeys(sorted((s for s in words.free_symbols if isinstance(s, Symbol)), key=str)))
    return list(found)


def smallest_sizes(words: Node | None, symbols: Iterable[Symbol]) -> Sizes:
    """The least size of each symbol that constant subscripts (`x[3]`, `X[:, 1:4]`) allow."""
    least = dict.fromkeys(symbols, 1)
    for node in postorder(words) if words is not None else ():
        if not (isinstance(node, Call) and node.name == "getitem"):
            continue
        for size, entry, index in _subscripts(node):
            if entry == "at":
                bounds = [index.value] if isinstance(index, Num) else []
            else:
                bounds = [b for b in entry[1:3] if b is not None]
            for b in bounds:
                if not getattr(b, "free_symbols", ()) and size in least:
                    least[size] = max(least[size], int(b) + 1 if int(b) >= 0 else -int(b))
    return least


def _subscripts(node: Call) -> Iterator[tuple[Expr, Any, Node | None]]:
    """(size of the axis, entry of the spec, index operand or None) of each subscript of a `getitem` that takes an axis."""
    axes, indices = iter(node.operands[0].shape), iter(node.operands[1:])
    for entry in node.params["spec"]:
        if entry == "new":
            continue
        yield next(axes), entry, next(indices) if entry == "at" else None


def sample_sizes(problem_vars: Iterable[Var], rng: np.random.Generator, words: Node | None = None) -> list[Sizes]:
    """Size assignments to try, in order: tall (all different), wide (all different), all equal, some equal to 1.

    Integer sizes of the declarations stay. The first assignments are unequal, so that a transpose that happens to fit
    square shapes is seen. Without size symbols the one assignment is empty.
    """
    problem_vars = list(problem_vars)
    symbols = size_symbols(problem_vars, words)
    if not symbols:
        return [{}]
    least = smallest_sizes(words, symbols)
    for v in problem_vars:  # a one-hot or simplex row of one entry is the constant 1
        if (v.is_a("onehot") or v.is_a("simplex")) and v.shape[-1] in least:
            least[v.shape[-1]] = max(2, least[v.shape[-1]])
    count = len(symbols)
    ladder = list(range(2, max(4, count + 1) + 1)) if count <= 6 else [2 + i % (_FEW - 1) for i in range(count)]
    some = [bool(b) for b in rng.integers(0, 2, count)]
    if all(some) or not any(some):
        some[int(rng.integers(count))] ^= True
    tall = ladder[::-1][:count]
    # a size that were the same number everywhere could not be told from that number: 3*x from n*x
    wide = [v if v != t else ladder[-1] + 1 for v, t in zip(ladder, tall, strict=False)] if count <= 6 else ladder[:count]
    rows = [tall, wide, [3] * count, [1 if s else 4 - i % 2 for i, s in enumerate(some)]]
    if count == 1:
        rows = [[4], [3], [1]]
    return _distinct(_at_least(symbols, row, least) for row in rows)


def spare_sizes(problem_vars: Iterable[Var], rng: np.random.Generator, words: Node | None = None) -> list[Sizes]:
    """More unequal assignments, for originals that the ordinary ones leave without a value (`inv(X.T @ X)` wants `n > d`)."""
    symbols = size_symbols(problem_vars, words)
    if not symbols:
        return [{}]
    least = smallest_sizes(words, symbols)
    pool = list(range(2, len(symbols) + 5))
    return _distinct(_at_least(symbols, [int(s) for s in rng.permutation(pool)], least) for _ in range(6))


def _at_least(symbols: list[Symbol], row: list[int], least: Sizes) -> Sizes:
    shift = max((least[s] - 1 for s in symbols if least[s] > 1), default=0)
    return {s: v if v >= least[s] else v + shift for s, v in zip(symbols, row, strict=False)}


def _distinct(rows: Iterable[Sizes]) -> list[Sizes]:
    seen: dict[tuple, Sizes] = {}
    for row in rows:
        seen.setdefault(tuple(row.values()), row)
    return list(seen.values())


def number_of(size: Expr, sizes: Mapping[Symbol, int]) -> int:
    """A size as a number."""
    if size.is_Symbol:
        return sizes[size]
    return int(size) if size.is_Integer else int(size.xreplace(dict(sizes)).doit())


def shape_at(node: Node, sizes: Mapping[Symbol, int]) -> tuple[int, ...]:
    """The shape of a node as numbers."""
    return tuple(number_of(s, sizes) for s in node.shape)


def sizes_fit(words: Node, problem_vars: Iterable[Var], sizes: Mapping[Symbol, int]) -> bool:
    """Whether every axis has at least one entry (`n - 1` does not at `n = 1`)."""
    axes = {s for node in (*postorder(words), *problem_vars) for s in node.shape}
    return all(number_of(s, sizes) >= 1 for s in axes)


# domains ----------------------------------------------------------------------------------------------------------------------
_PASS = frozenset(
    (
        "getitem",
        "T",
        "transpose",
        "reshape",
        "vec",
        "diag",
        "flip",
        "stack",
        "concatenate",
        "squeeze",
        "expand_dims",
        "broadcast_to",
        "swapaxes",
    )
)
_KEEPS_SIGN = frozenset(
    (
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "cumsum",
        "isum",
        "iprod",
        "imax",
        "imin",
        "add",
        "mul",
        "matmul",
        "dot",
        "outer",
        "kron",
        "einsum",
        "div",
        "trace",
    )
)
_LABELLED = frozenset(["cross_entropy", "nll", "hinge"])
_KIND = {
    "positive": "positive",
    "nonnegative": "positive",
    "unit": "unit",
    "probability": "probability",
    "above_one": "above_one",
    "square": "dominant",
    "psd": "psd",
}


def kinds_of(words: Node, deep: bool = False) -> dict[Var, str]:
    """How variables should be drawn because of the operation they sit under (`log(p)`: positive).

    With `deep`, positivity is also asked of what is summed and multiplied below (`log(A @ x)`).
    """
    return dict(_kinds_of(words, deep))


@lru_cache(maxsize=128)
def _kinds_of(words: Node, deep: bool) -> dict[Var, str]:
    wanted: dict[Var, str] = {}
    for node in postorder(words):
        if not isinstance(node, Call):
            continue
        for domain, operand in zip(_domains(node), node.operands, strict=False):
            kind = _KIND.get(domain)
            if kind is None:
                continue
            for v in _below(operand, _PASS | _KEEPS_SIGN if deep and kind == "positive" else _PASS):
                wanted[v] = _stricter(wanted.get(v), kind)
    return wanted


def _domains(node: Call) -> tuple[str, ...]:
    if node.name == "pow":
        exponent = node.operands[1]
        whole = isinstance(exponent, Num) and exponent.value.is_integer
        return () if whole else ("positive",)
    if node.name == "div":
        return ("real", "nonzero")
    return node.op.domain


def _stricter(old: str | None, new: str) -> str:
    order = ("dominant", "positive", "unit", "probability", "above_one", "psd")
    return new if old is None or order.index(new) > order.index(old) else old


def _below(node: Node, through: frozenset[str]) -> list[Var]:
    """Variables that `node` is made of by the words in `through` alone."""
    out, stack = [], [node]
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Var):
            out.append(node)
        elif isinstance(node, Call) and node.name in through:
            stack.extend(node.operands[:1] if node.name in ("getitem", "isum", "iprod", "imax", "imin") else node.operands)
    return out


def label_ranges(words: Node, sizes: Mapping[Symbol, int]) -> dict[Var, int]:
    """`{y: k}`: integer variables take values in `range(k)`, from what they index or label."""
    out: dict[Var, int] = {}

    def bound(node: Node, size: Expr) -> None:
        for v in _below(node, _PASS):
            out[v] = min(out.get(v, 1 << 30), number_of(size, sizes))

    for node in postorder(words):
        if not isinstance(node, Call):
            continue
        if node.name == "getitem":
            for size, _, index in _subscripts(node):
                if index is not None:
                    bound(index, size)
        elif node.name == "onehot":
            k = node.params.get("k")
            bound(node.operands[0], k if isinstance(k, Expr) else Num(k).value)
        elif node.name in _LABELLED and node.operands[0].rank:
            bound(node.operands[1], node.operands[0].shape[-1])
    return {v: k for v, k in out.items() if v.is_a("integer")}


# values -----------------------------------------------------------------------------------------------------------------------
def draw(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random entries of one kind; matrix kinds fall back to normal for anything that is not square."""
    if kind in ("dominant", "psd", "orthogonal") and not (len(shape) >= 2 and shape[-1] == shape[-2]):
        kind = "normal"
    if kind == "normal":
        return rng.standard_normal(shape)
    if kind == "small":
        return 0.1 * rng.standard_normal(shape)
    if kind == "sign":
        return rng.choice([-1.0, 1.0], shape)
    bounds = {"positive": (0.3, 2.0), "unit": (-0.9, 0.9), "probability": (0.1, 0.9), "above_one": (1.2, 3.0)}.get(kind)
    if bounds:
        return rng.uniform(*bounds, shape)
    noise = rng.standard_normal(shape)
    if kind == "dominant":
        return 0.4 * noise / np.sqrt(shape[-1]) + 1.5 * np.eye(shape[-1])
    if kind == "psd":
        return noise @ np.swapaxes(noise, -1, -2) / shape[-1] + 0.5 * np.eye(shape[-1])
    return np.linalg.qr(noise)[0] + 0.02 * rng.standard_normal(shape)


def draw_variable(v: Var, kind: str, shape: tuple[int, ...], rng: np.random.Generator, labels: int = 3) -> np.ndarray:
    """A random value of `v` that honours its attributes."""
    if v.is_a("integer"):
        return rng.integers(0, max(1, labels), shape)
    if v.is_a("onehot"):
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])] if shape else np.array(1.0)
    if v.is_a("simplex"):
        rows = rng.uniform(0.2, 1.0, shape)
        return rows / rows.sum(axis=-1, keepdims=True) if shape else np.array(1.0)
    if (v.is_a("positive") or v.is_a("nonnegative")) and kind not in ("probability", "above_one"):
        kind = "positive"
    if v.is_a("psd"):
        kind = "psd" if len(shape) == 2 else "positive"
    x = draw(kind, shape, rng)
    if v.is_a("diagonal") and len(shape) == 2:
        return np.diag(np.diag(x))
    if v.is_a("symmetric") and len(shape) >= 2:
        return (x + np.swapaxes(x, -1, -2)) / 2
    return x


def _strategies(words: Node, problem_vars: list[Var], rng: np.random.Generator, tries: int) -> Iterator[dict[Var, str]]:
    """Kinds for all variables, the most general first; then random mixtures."""
    near, far = kinds_of(words), kinds_of(words, deep=True)
    for _ in range(3):
        yield {}
    for known in (near, far):
        if known:
            for _ in range(3):
                yield known
    whole = ("positive", "probability", "small", "dominant", "psd", "orthogonal", "unit", "above_one")
    for kind in whole:
        yield {v: near.get(v, kind) for v in problem_vars}
        yield dict.fromkeys(problem_vars, kind)
    kinds = ("normal", *whole, "sign")
    for _ in range(tries):
        yield {v: near[v] if v in near and rng.random() < 0.5 else str(rng.choice(kinds)) for v in problem_vars}


def sample_values(
    words: Node,
    problem_vars: Iterable[Var],
    sizes: Mapping[Symbol, int],
    rng: np.random.Generator,
    function: Function | None = None,
    tries: int = 40,
    opposite: Mapping[str, Any] | None = None,
) -> Values | None:
    """A random point where the original is finite and not wildly large.

    Args:
        words: the original.
        problem_vars: all declared variables; each gets a value of its shape at `sizes` that honours its attributes.
        function: takes the dict of values and gives the original's value; made from the words if missing.
        tries: random mixtures of kinds to try after the strategies.
        opposite: an earlier point; single numbers are first tried with the other sign, so that both signs are met if the
            original allows it (`sqrt(s**2)` is not `s`).

    Returns:
        `{name: array}`, or None if no strategy gave a finite value.
    """
    problem_vars = list(problem_vars)
    if function is None:
        function = function_of(words, problem_vars, sizes)
    labels = label_ranges(words, sizes)
    shapes = {v: shape_at(v, sizes) for v in problem_vars}
    fallback: Values | None = None
    with np.errstate(all="ignore"):
        for attempt, kinds in enumerate(_strategies(words, problem_vars, rng, tries)):
            values = {v.name: draw_variable(v, kinds.get(v, "normal"), shapes[v], rng, labels.get(v, 3)) for v in problem_vars}
            if opposite and attempt < 2:
                _turn(values, opposite, problem_vars)
            if tame(function, values) and regular(words, values, sizes):
                if off_kinks(words, values, sizes):
                    return values
                fallback = fallback or values
    # zeros that every point has are no accident (`abs(A - A.T)` on its diagonal), unless an attribute puts them there
    return None if any(v.is_a(a) for v in problem_vars for a in ("onehot", "diagonal", "simplex")) else fallback


def _turn(values: Values, earlier: Mapping[str, Any], problem_vars: Iterable[Var]) -> None:
    for v in problem_vars:
        x = values[v.name]
        if x.size == 1 and not v.attrs:
            values[v.name] = np.abs(x) * np.where(np.reshape(np.asarray(earlier[v.name]).flat[0], x.shape) > 0, -1.0, 1.0)


def tame(function: Function, values: Mapping[str, Any]) -> bool:
    """Whether the function has a finite, real, moderate value."""
    try:
        out = np.asarray(function(dict(values)))
    except FAILS:
        return False
    if out.dtype.kind not in "fiub":
        return False
    return bool(np.all(np.isfinite(out))) and (out.size == 0 or float(np.max(np.abs(out))) < WILD)


def near_values(values: Mapping[str, np.ndarray], problem_vars: Iterable[Var], rng: np.random.Generator) -> Values:
    """The point moved a little (relative 1e-3), attributes kept; labels and one-hot rows stay."""
    out = dict(values)
    for v in problem_vars:
        x = values[v.name]
        if v.is_a("integer") or v.is_a("onehot"):
            continue
        factor = 1 + 1e-3 * rng.standard_normal(x.shape)
        if x.ndim >= 2 and np.array_equal(x, np.swapaxes(x, -1, -2)):  # declared so, or drawn so for cholesky
            factor = (factor + np.swapaxes(factor, -1, -2)) / 2
        x = x * factor
        if v.is_a("simplex") and x.ndim:
            x = x / x.sum(axis=-1, keepdims=True)
        out[v.name] = x
    return out
