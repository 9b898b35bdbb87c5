"""Subscripts and generators: `X[:, 0]`, `s[y]`, `x[::-1]`, `sum(x[i] for i in range(n) if ...)`."""

from __future__ import annotations

import ast
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, Integer

from ..errors import InputError, ShapeError
from ..expr.nodes import Call, Index, Node, Num
from ..expr.sizes import is_loose, show_shape
from .numbers import affine, index_symbol, zero_one
from .operators import join_truth

if TYPE_CHECKING:
    from .text import Reader

Walk = Generator[Any, Node, Node]
_FRESH = "ijklpqrst"
_WHOLE_SLICE = ("slice", None, None, None)


@dataclass(frozen=True)
class Bound:
    """An index in force: it runs over `range(lo, hi)`; in the text it may have another name."""

    index: Index
    lo: Expr
    hi: Expr


# subscripts --------------------------------------------------------------------------------------------------------------


def read_subscript(reader: Reader, tree: ast.Subscript) -> Walk:
    """`x[...]`; whole reversals become `flip`, `X.shape[k]` a number."""
    value = tree.value
    if isinstance(value, ast.Attribute) and value.attr == "shape" and reader.module_of(value.value) is None:
        x = yield value.value
        return Num(_size_of_axis(reader, tree, x))
    x = yield value
    entries = list(tree.slice.elts) if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    entries = _without_ellipsis(reader, tree, entries, x.rank)
    spec: list[Any] = []
    operands: list[Node] = []
    flips: list[int] = []
    axis = out_axis = 0
    for entry in entries:
        if _is_new_axis(reader, entry):
            spec.append("new")
            out_axis += 1
        elif isinstance(entry, ast.Slice):
            found = _slice(reader, entry)
            if found == ("slice", None, None, -1):
                flips.append(out_axis)
                found = _WHOLE_SLICE
            spec.append(found)
            axis, out_axis = axis + 1, out_axis + 1
        else:
            _check_axis(reader, tree, x, axis)
            index = yield from _index(reader, entry, x, axis, entries)
            spec.append("at")
            operands.append(index)
            axis += 1
    if flips and any(o.rank for o in operands):
        raise InputError(
            "a reversal next to an index vector", code="SD108", hint="reverse first: flip(x)", span=reader.span(tree)
        )
    if any(e != _WHOLE_SLICE for e in spec) or len(spec) > x.rank:
        x = reader.make(tree, "getitem", x, *operands, spec=tuple(spec))
    if flips:
        x = reader.make(tree, "flip", x, axis=None if len(flips) == x.rank else flips[0] if len(flips) == 1 else tuple(flips))
    return x


def _size_of_axis(reader: Reader, tree: ast.Subscript, x: Node) -> Expr:
    axis = reader.value(tree.slice) if not isinstance(tree.slice, (ast.Slice, ast.Tuple)) else None
    if isinstance(axis, bool) or not isinstance(axis, int) or not -x.rank <= axis < x.rank:
        raise InputError(
            f"shape {show_shape(x.shape)} has no entry {reader.text(tree.slice)}", code="SD108", span=reader.span(tree)
        )
    return x.shape[axis]


def _check_axis(reader: Reader, tree: ast.AST, x: Node, axis: int) -> None:
    if axis >= x.rank:
        what = "a scalar takes no subscripts" if not x.rank else f"too many subscripts for shape {show_shape(x.shape)}"
        raise reader.explain(ShapeError(what, code="SD207"), tree, (x,)).at(reader.span(tree))


def _is_new_axis(reader: Reader, entry: ast.expr) -> bool:
    if isinstance(entry, ast.Constant):
        return entry.value is None
    if isinstance(entry, ast.Name):
        return entry.id == "newaxis" and entry.id not in reader.env
    return isinstance(entry, ast.Attribute) and entry.attr == "newaxis" and reader.module_of(entry.value) is not None


def _without_ellipsis(reader: Reader, tree: ast.Subscript, entries: list[ast.expr], rank: int) -> list[ast.expr]:
    """`...` as the whole slices that it stands for."""
    places = [k for k, e in enumerate(entries) if isinstance(e, ast.Constant) and e.value is Ellipsis]
    if not places:
        return entries
    if len(places) > 1:
        raise InputError("`...` stands once in a subscript", code="SD108", span=reader.span(tree))
    taken = sum(not _is_new_axis(reader, e) for e in entries) - 1
    at = places[0]
    return [*entries[:at], *[ast.Slice() for _ in range(max(0, rank - taken))], *entries[at + 1 :]]


def _slice(reader: Reader, entry: ast.Slice) -> tuple[Any, ...]:
    """`("slice", start, stop, step)` with whole numbers, sizes and None."""
    bounds: list[Any] = []
    for part in (entry.lower, entry.upper, entry.step):
        if part is None or (isinstance(part, ast.Constant) and part.value is None):
            bounds.append(None)
            continue
        value = reader.size(part, "a bound of a slice")
        if any(s.name.startswith("[") for s in value.free_symbols):
            hint = "write a sum over an index with a condition: sum(x[j] for j in range(n) if j < i)"
            raise InputError("a slice cannot depend on an index", code="SD108", hint=hint, span=reader.span(part))
        bounds.append(int(value) if value.is_Integer else value)
    start, stop, step = bounds
    if step == 0:
        raise InputError("a slice cannot have step 0", code="SD108", span=reader.span(entry.step))  # type: ignore[arg-type]
    if start == 0 and (step is None or (isinstance(step, int) and step > 0)):
        start = None
    return ("slice", start, stop, None if step == 1 else step)


def _index(reader: Reader, entry: ast.expr, x: Node, axis: int, entries: list[ast.expr]) -> Generator[Any, Any, Node]:
    """One index: a whole number, an index or an affine expression in one, a label, a vector of labels."""
    if isinstance(entry, (ast.Constant,)) and isinstance(entry.value, (str, bool)):
        raise InputError(f"`{reader.text(entry)}` is not an index", code="SD108", span=reader.span(entry))
    if isinstance(entry, (ast.List, ast.Tuple)):
        hint = "take the entries one by one and stack them: stack([x[0], x[2]])"
        raise InputError("a list of indices is not part of the language", code="SD108", hint=hint, span=reader.span(entry))
    if isinstance(entry, ast.Name):
        beside = any(isinstance(e, ast.Call) for e in entries)  # S[arange(n), y]
        reader.expect_label(entry, 1 if beside else 0)
    elif isinstance(entry, ast.Subscript) and isinstance(entry.value, ast.Name):
        reader.expect_label(entry.value, 1)  # P[i, y[i]]
    index = yield entry
    if isinstance(index, Call) and zero_one(index):
        hint = "multiply by the condition, or use where(x > 0, x, 0)"
        raise InputError("a mask is not part of the language", code="SD108", hint=hint, span=reader.span(entry))
    value = affine(index)
    if value is None:
        return index
    if value.is_integer is not True or value.has(sympy.oo):
        raise InputError(f"the index {value} is not a whole number", code="SD108", span=reader.span(entry))
    used = [b for b in reader.active if index_symbol(b.index) in value.free_symbols]
    if not used:
        if not value.is_Integer:
            _check_room(reader, entry, value, x, axis)
        return Num(value)
    if len(used) > 1:
        hint = "an index expression has one index; sum over the pair and compare: if k == i + j"
        raise InputError("two indices in one subscript", code="SD108", hint=hint, span=reader.span(entry))
    _check_range(reader, entry, value, used[0], x, axis)
    return index


def _check_range(reader: Reader, entry: ast.expr, value: Expr, bound: Bound, x: Node, axis: int) -> None:
    """The values of an affine index stay inside the axis, for every size."""
    symbol = index_symbol(bound.index)
    slope = sympy.diff(value, symbol)
    if not slope.is_Integer:
        raise InputError(f"`{reader.text(entry)}` is not whole multiples of an index", code="SD108", span=reader.span(entry))
    ends = [sympy.expand(value.subs(symbol, e)) for e in (bound.lo, bound.hi - 1)]
    low, high = ends if slope > 0 else ends[::-1]
    if low.is_negative or (low.is_nonnegative is None and not low.is_Integer):
        hint = "a negative index counts from the end in NumPy; start the range later"
        raise InputError(f"`{reader.text(entry)}` begins at {low}", code="SD108", hint=hint, span=reader.span(entry))
    _check_room(reader, entry, high, x, axis)


def _check_room(reader: Reader, entry: ast.expr, high: Expr, x: Node, axis: int) -> None:
    """The largest value of an index is inside the axis, for every size."""
    size = reader.axis_size(x, axis, sympy.expand(high + 1))
    if size is None:
        return
    if is_loose(size) or is_loose(high):
        return
    room = sympy.expand(size - 1 - high)
    if room.is_nonnegative is not True:
        what = f"`{reader.text(entry)}` goes up to {high}, but the axis has {size} entries"
        raise InputError(what, code="SD108", hint="an index runs over range(size of the axis)", span=reader.span(entry))


# generators --------------------------------------------------------------------------------------------------------------


def read_generator(reader: Reader, tree: ast.GeneratorExp, word: str) -> Walk:
    """`sum(body for i in range(lo, hi) if cond for j in ...)`, the last index innermost."""
    outer, depth = dict(reader.indices), len(reader.active)
    frames: list[tuple[Bound, Node | None]] = []
    try:
        for clause in tree.generators:
            bound, extra = _clause(reader, clause)
            conditions = list(extra)
            for test in clause.ifs:
                c = yield test
                if not zero_one(c):
                    raise InputError("a condition is a comparison", code="SD108", hint="write i != j", span=reader.span(test))
                conditions.append(c)
            frames.append((bound, join_truth(reader, tree, "and", conditions) if conditions else None))
        out = yield tree.elt
        for bound, condition in reversed(frames):
            operands = (out, bound.index) if condition is None else (out, bound.index, condition)
            out = reader.make(tree, word, *operands, lo=bound.lo, hi=bound.hi)
        return out
    finally:
        reader.indices = outer
        del reader.active[depth:]


def _clause(reader: Reader, clause: ast.comprehension) -> tuple[Bound, list[Node]]:
    """`for i in range(lo, hi)`: the index, and conditions where the bounds depend on an outer index."""
    name = _target(reader, clause)
    arguments = _range_arguments(reader, clause)
    ends: list[Expr] = []
    nodes: list[Node] = []
    for a in arguments:
        node = reader.size_node(a)
        value = affine(node)
        if value is None or value.is_integer is False:
            raise InputError(f"`{reader.text(a)}` is not a size", code="SD105", hint="range goes over sizes", span=reader.span(a))
        ends.append(value)
        nodes.append(node)
    if len(ends) == 1:
        ends, nodes = [Integer(0), *ends], [Num(0), *nodes]
    index = Index(_fresh(reader, name))
    conditions: list[Node] = []
    lo, hi = (_hull(reader, clause, e, upper=k == 1) for k, e in enumerate(ends))
    if lo != ends[0]:
        conditions.append(Call("ge", index, nodes[0]))
    if hi != ends[1]:
        conditions.append(Call("lt", index, nodes[1]))
    if (hi - lo).is_negative:
        raise InputError(f"`{reader.text(clause.iter)}` is empty", code="SD108", span=reader.span(clause.iter))
    bound = Bound(index, lo, hi)
    reader.indices = {**reader.indices, name: bound}
    reader.active.append(bound)
    reader.reserved.add(index.name)
    return bound, conditions


def _target(reader: Reader, clause: ast.comprehension) -> str:
    target = clause.target
    if clause.is_async:
        raise InputError("`async` is not part of the language", code="SD102", span=reader.span(target))
    if not isinstance(target, ast.Name):
        hint = "for i in range(n) for j in range(k)"
        raise InputError("a generator has one index", code="SD102", hint=hint, span=reader.span(target))
    if target.id.startswith("__"):
        raise InputError(f"`{target.id}` is not a name of the language", code="SD102", span=reader.span(target))
    if target.id not in reader.indices and (target.id in reader.env or target.id in reader.sizes):
        what = "a variable" if target.id in reader.env else "a size"
        hint = "call the index by a name of its own"
        raise InputError(
            f"`{target.id}` is {what} and cannot be an index as well", code="SD109", hint=hint, span=reader.span(target)
        )
    return target.id


def _range_arguments(reader: Reader, clause: ast.comprehension) -> list[ast.expr]:
    call = clause.iter
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("range", "arange")):
        hint = "a generator goes over range(n): sum(x[i] for i in range(n))"
        raise InputError(f"`{reader.text(call)}` is not a range", code="SD102", hint=hint, span=reader.span(call))
    if call.keywords or len(call.args) not in (1, 2) or any(isinstance(a, ast.Starred) for a in call.args):
        hint = "range(n) or range(1, n); for every second entry write x[2*i]"
        raise InputError("a range has one or two bounds", code="SD105", hint=hint, span=reader.span(call))
    return call.args


def _hull(reader: Reader, clause: ast.comprehension, value: Expr, upper: bool) -> Expr:
    """A bound without indices: the extreme value of `i + 1` over the range of `i`."""
    for bound in reader.active:
        symbol = index_symbol(bound.index)
        if symbol not in value.free_symbols:
            continue
        slope = sympy.diff(value, symbol)
        if not slope.is_Integer:
            raise InputError("a bound is not whole multiples of an index", code="SD105", span=reader.span(clause.iter))
        end = bound.hi - 1 if (slope > 0) == upper else bound.lo
        value = sympy.expand(value.subs(symbol, end))
    return value


def _fresh(reader: Reader, name: str) -> str:
    """The name itself, or another where an outer index has it already."""
    taken = {b.index.name for b in reader.active}
    if name not in taken:
        return name
    used = taken | reader.reserved | set(reader.env) | set(reader.sizes)
    for other in _FRESH:
        if other not in used:
            return other
    k = 1
    while f"{name}{k}" in used:
        k += 1
    return f"{name}{k}"
