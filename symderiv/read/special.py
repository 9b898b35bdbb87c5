"""Functions whose arguments need reading of their own.

Each takes the call and gives a node, a walk that ends in one, or None when the rule for most functions will do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer

from ..errors import InputError
from ..expr.nodes import Node, Num
from . import names
from .numbers import affine, zero_one
from .operators import join_truth, negate, quotient

if TYPE_CHECKING:
    from .text import Reader

Walk = Generator[Any, Node, Node]


@dataclass
class Arguments:
    """What stands in the brackets.

    Attributes:
        tree: the call.
        name: the function, as the language calls it.
        written: the function, as written.
        library: numpy, jax, torch, scipy, python, "method" or "".
        given: positional arguments; a method's object is the first.
        named: keyword arguments; aliases are resolved.
    """

    tree: ast.Call
    name: str
    written: str
    library: str
    given: list[ast.expr]
    named: dict[str, ast.expr]


def wrong(reader: Reader, call: Arguments, what: str, hint: str = "") -> InputError:
    """SD105: these arguments are not for this function."""
    return InputError(f"`{call.written}` {what}", code="SD105", hint=hint, span=reader.span(call.tree))


def need(reader: Reader, call: Arguments, *allowed: int, named: tuple[str, ...] = ()) -> None:
    """Refuse another number of positional arguments and other keywords."""
    if len(call.given) not in allowed:
        raise wrong(reader, call, f"takes {' or '.join(map(str, allowed))} arguments, not {len(call.given)}")
    for key in call.named:
        if key not in named:
            raise wrong(reader, call, f"has no parameter `{key[:40]}`", names.nearest(key, named))


def _extreme(reader: Reader, call: Arguments) -> Walk | None:
    """`max(a, b)` of Python is `maximum`; `max(X, axis)` of NumPy reduces. Where both could be meant, neither is guessed."""
    if len(call.given) < 2 or call.library not in ("", "python"):
        return None
    return _extreme_of_many(reader, call)


def _extreme_of_many(reader: Reader, call: Arguments) -> Walk:
    values = []
    for item in call.given:
        values.append((yield item))
    word = "maximum" if call.name == "max" else "minimum"
    if any(v.rank for v in values) or call.named:
        hint = f"write {call.name}(x, axis=0) for an axis, {word}(x, y) for the larger of two"
        hint = hint.replace("larger", "smaller") if call.name == "min" else hint
        raise wrong(reader, call, "of arrays with a second argument can mean two things", hint)
    out = values[0]
    for x in values[1:]:
        out = reader.make(call.tree, word, out, x)
    return out


def _clip(reader: Reader, call: Arguments) -> Walk | None:
    """NumPy's and PyTorch's names of the bounds; one bound alone is a maximum or minimum."""
    for old, new in (("a_min", "lo"), ("min", "lo"), ("a_max", "hi"), ("max", "hi")):
        if old in call.named:
            call.named[new] = call.named.pop(old)
    given = [*call.given, *([None] * (3 - len(call.given)))]
    bounds = [call.named.get(k, given[i]) for i, k in ((1, "lo"), (2, "hi"))]
    bounds = [None if isinstance(b, ast.Constant) and b.value is None else b for b in bounds]
    if None not in bounds or len(call.given) > 3 or not call.given or bounds == [None, None]:
        return None
    return _one_bound(reader, call, bounds)


def _one_bound(reader: Reader, call: Arguments, bounds: list[Any]) -> Walk:
    x = yield call.given[0]
    y = yield (bounds[0] or bounds[1])
    return reader.make(call.tree, "maximum" if bounds[0] is not None else "minimum", x, y)


def _norm(reader: Reader, call: Arguments) -> Walk:
    """The order may be a number, a string or `inf`; 2 of a matrix is NumPy's spectral norm, so it is refused."""
    if "p" in call.named and "ord" not in call.named:
        call.named["ord"] = call.named.pop("p")
    need(reader, call, 1, 2, 3, 4, named=("ord", "axis", "keepdims"))
    bound = dict(zip(("x", "ord", "axis", "keepdims"), call.given, strict=False))
    if set(bound) & set(call.named):
        raise wrong(reader, call, f"has `{min(set(bound) & set(call.named))}` twice")
    bound |= call.named
    x = yield bound.pop("x")
    values: dict[str, Any] = {}
    order = bound.pop("ord", None)
    for key, tree in bound.items():
        values[key] = reader.value(tree)
    if order is not None and not (isinstance(order, ast.Constant) and order.value is None):
        values["ord"] = yield from _order(reader, call, order)
        if values["ord"] == 2 and x.rank == 2 and values.get("axis") is None:
            hint = "write norm(X) or norm(X, 'fro') for the Frobenius norm"
            raise wrong(
                reader, call, "with order 2 of a matrix is the spectral norm in NumPy, which is not part of the language", hint
            )
    return reader.make(call.tree, "norm", x, **values)


def _order(reader: Reader, call: Arguments, tree: ast.expr) -> Generator[Any, Node, Any]:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        return tree.value
    if isinstance(tree, ast.Name) and tree.id in reader.params:
        return reader.params[tree.id]
    node = yield tree
    value = affine(node)
    if value is not None and value == names.CONSTANTS["inf"]:
        return "inf"
    if value is None or not value.is_Integer:
        raise wrong(reader, call, f"has no order `{reader.text(tree)}`", "the orders are 2, 1, inf, 'fro' and 'nuc'")
    return int(value)


def _shape_given(reader: Reader, call: Arguments, trees: list[ast.expr]) -> tuple[Expr, ...]:
    """`(n, d)` or `n, d` or `n`."""
    if len(trees) == 1:
        value = reader.value(trees[0])
        value = value if isinstance(value, tuple) else (value,)
    else:
        value = tuple(reader.value(t) for t in trees)
    for v in value:
        if v is None or isinstance(v, (bool, str, tuple)) or v == 0:
            raise wrong(reader, call, f"takes sizes, not {v!r}")
    return tuple(Integer(v) if isinstance(v, int) else v for v in value)


def _filled(reader: Reader, call: Arguments) -> Node:
    if "shape" in call.named and not call.given:
        call.given.append(call.named.pop("shape"))
    if call.named or not call.given:
        raise wrong(reader, call, "takes a shape", f"write {call.name}(n) or {call.name}((n, d))")
    return reader.make(call.tree, call.name, shape=_shape_given(reader, call, call.given))


def _filled_like(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    x = yield call.given[0]
    return reader.make(call.tree, call.name.removesuffix("_like"), shape=x.shape)


def _reshape(reader: Reader, call: Arguments) -> Walk:
    """`reshape(x, (n, d))`, `x.reshape(n, d)`; -1 becomes the size it stands for."""
    if "shape" in call.named:
        call.given.append(call.named.pop("shape"))
    if len(call.given) < 2 or call.named:
        raise wrong(reader, call, "takes an array and a shape, rows first", "write reshape(x, (n, d))")
    x = yield call.given[0]
    made = reader.make(call.tree, "reshape", x, shape=_shape_given(reader, call, call.given[1:]))
    return reader.make(call.tree, "reshape", x, shape=made.shape)


def _flatten(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    x = yield call.given[0]
    made = reader.make(call.tree, "reshape", x, shape=(Integer(-1),))
    return reader.make(call.tree, "reshape", x, shape=made.shape)


def _transpose(reader: Reader, call: Arguments) -> Walk:
    """NumPy's order of all axes and PyTorch's two axes agree on few arguments; the others need a clearer word."""
    if call.written in ("t",) or (len(call.given) == 1 and not call.named):
        need(reader, call, 1)
        x = yield call.given[0]
        return reader.make(call.tree, "T" if x.rank < 3 else "transpose", x)
    if not call.given:
        raise wrong(reader, call, "needs an array")
    x = yield call.given[0]
    if "axes" in call.named or "axis" in call.named:
        axes = reader.value(call.named.get("axes", call.named.get("axis")))  # type: ignore[arg-type]
    elif len(call.given) == 2:
        axes = reader.value(call.given[1])
    else:
        axes = tuple(reader.value(t) for t in call.given[1:])
        if call.library == "torch" and call.written == "transpose" and len(axes) == 2:
            return reader.make(call.tree, "swapaxes", x, axis1=axes[0], axis2=axes[1])
        if call.written == "transpose" and axes != (1, 0) and len(axes) == 2:
            hint = "write X.T, swapaxes(X, 0, 1) or transpose(X, (1, 0))"
            raise wrong(reader, call, "with two numbers means different things in NumPy and PyTorch", hint)
    return reader.make(call.tree, "transpose", x, axes=axes)


def _einsum(reader: Reader, call: Arguments) -> Walk:
    """Subscripts first; an output that is not written is NumPy's: the letters that occur once, in order of the alphabet."""
    first = call.given[0] if call.given else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or call.named or len(call.given) < 2:
        raise wrong(reader, call, "takes subscripts and operands", "write einsum('ij,jk->ik', A, B)")
    subs = "".join(first.value.split())
    if "." in subs:
        raise wrong(reader, call, "takes no `...`", "name every axis")
    if "->" not in subs:
        letters = subs.replace(",", "")
        subs += "->" + "".join(sorted({c for c in letters if letters.count(c) == 1}))
    operands = []
    for item in call.given[1:]:
        operands.append((yield item))
    return reader.make(call.tree, "einsum", *operands, subs=subs)


def _arange(reader: Reader, call: Arguments) -> Node:
    need(reader, call, 1, 2)
    bounds = [reader.size(t) for t in call.given]
    lo, hi = bounds if len(bounds) == 2 else (Integer(0), bounds[0])
    return reader.make(call.tree, "arange", lo=lo, hi=hi)


def _eye(reader: Reader, call: Arguments) -> Node:
    need(reader, call, 1, 2, named=("m",))
    sizes = [reader.size(t) for t in [*call.given, *call.named.values()]]
    if any(s.is_nonpositive for s in sizes):
        raise wrong(reader, call, f"takes sizes, not {sizes[0]}")
    return reader.make(call.tree, "eye", n=sizes[0], m=sizes[1] if len(set(sizes)) > 1 else None)


def _length(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    x = yield call.given[0]
    if not x.rank:
        raise wrong(reader, call, "takes a vector or an array, not a scalar")
    return Num(x.shape[0])


def _subtract(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 2)
    x = yield call.given[0]
    y = yield call.given[1]
    return reader.make(call.tree, "add", x, reader.make(call.given[1], "neg", y))


def _quotient(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 2)
    x = yield call.given[0]
    y = yield call.given[1]
    return quotient(reader, call.tree, x, y)


def _reciprocal(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    return quotient(reader, call.tree, Num(1), (yield call.given[0]))


def _positive(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    return (yield call.given[0])


def _logical(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1 if call.name == "logical_not" else 2)
    values = []
    for item in call.given:
        x = yield item
        values.append(x if zero_one(x) else reader.make(item, "ne", x, Num(0)))
    if call.name == "logical_not":
        return negate(reader, call.tree, values[0])
    return join_truth(reader, call.tree, call.name.removeprefix("logical_"), values)


def _softmax(reader: Reader, call: Arguments) -> Walk | None:
    """SciPy's goes over all entries unless told otherwise."""
    if call.library != "scipy" or len(call.given) > 1 or "axis" in call.named:
        return None
    return _softmax_of_scipy(reader, call)


def _softmax_of_scipy(reader: Reader, call: Arguments) -> Walk:
    need(reader, call, 1)
    x = yield call.given[0]
    if x.rank > 1:
        raise wrong(reader, call, "of SciPy goes over all entries without axis=", "add axis=-1 for rows")
    return reader.make(call.tree, call.name, x)


SPECIAL: dict[str, Callable[[Reader, Arguments], Walk | Node | None]] = {
    "max": _extreme, "min": _extreme, "clip": _clip, "norm": _norm, "ones": _filled, "zeros": _filled,
    "ones_like": _filled_like, "zeros_like": _filled_like, "reshape": _reshape, "view": _reshape, "flatten": _flatten,
    "ravel": _flatten, "transpose": _transpose, "t": _transpose, "einsum": _einsum, "arange": _arange, "eye": _eye,
    "len": _length, "subtract": _subtract, "div": _quotient, "reciprocal": _reciprocal, "positive": _positive,
    "logical_and": _logical, "logical_or": _logical, "logical_not": _logical, "softmax": _softmax, "log_softmax": _softmax,
}  # fmt: skip
