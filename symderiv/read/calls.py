"""Function calls: `name(operands, parameter=value)`, methods, and the functions whose arguments need reading of their own."""

from __future__ import annotations

import ast
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from sympy import Rational

from ..errors import InputError
from ..expr.nodes import Node, Num
from ..expr.op import OPS, Op
from . import names
from .special import SPECIAL, Arguments, wrong
from .subscripts import read_generator

if TYPE_CHECKING:
    from .text import Reader

Walk = Generator[Any, Node, Node]
_BINDERS = {"sum": "isum", "prod": "iprod", "max": "imax", "min": "imin"}
_LABELLED = {"cross_entropy": 1, "nll": 1, "hinge": 1, "onehot": 0}


def read_call(reader: Reader, tree: ast.Call) -> Walk:
    """`f(...)` or `x.f(...)`."""
    call = _arguments(reader, tree)
    if len(call.given) == 1 and isinstance(call.given[0], ast.GeneratorExp):
        if call.name not in _BINDERS or call.named or call.library not in ("", "numpy", "jax", "python"):
            hint = "a generator stands in sum(...), prod(...), max(...) or min(...), alone"
            raise InputError(f"`{call.written}` takes no generator", code="SD102", hint=hint, span=reader.span(tree))
        return (yield read_generator(reader, call.given[0], _BINDERS[call.name]))
    if call.name in _LABELLED:
        yield from _expect_labels(reader, call, _LABELLED[call.name])
    special = SPECIAL.get(call.name)
    found = special(reader, call) if special is not None else None
    if isinstance(found, Node):
        return found
    return (yield found if found is not None else _general(reader, call))


def _expect_labels(reader: Reader, call: Arguments, position: int) -> Generator[Any, Node, None]:
    """Tell the reader which name stands for class labels: `y` in `cross_entropy(Z, y)`."""
    labels = call.given[position] if len(call.given) > position else call.named.get("labels")
    if not isinstance(labels, ast.Name) or labels.id[0].isupper():
        return
    rank = 1
    if position and reader.is_open(labels.id):
        rank = max(0, (yield call.given[0]).rank - 1)
    reader.expect_label(labels, rank)


def _arguments(reader: Reader, tree: ast.Call) -> Arguments:
    written, library, first = _function_of(reader, tree)
    given = [*first, *tree.args]
    for a in tree.args:
        if isinstance(a, ast.Starred):
            raise InputError("`*` before an argument is not part of the language", code="SD102", span=reader.span(a))
    named: dict[str, ast.expr] = {}
    name = names.canonical(written)
    for k in tree.keywords:
        if k.arg is None:
            raise InputError("`**` before an argument is not part of the language", code="SD102", span=reader.span(k))
        key = names.KEYWORDS.get(k.arg, k.arg) if k.arg not in _own_names(name) else k.arg
        if key in named:
            raise InputError(f"`{k.arg}` is given twice", code="SD105", span=reader.span(k))
        named[key] = k.value
    call = Arguments(tree, name, written, library, given, named)
    _same_meaning(reader, call)
    return call


def _own_names(name: str) -> set[str]:
    op = OPS.get(name)
    return {*op.operands, *op.defaults} if op else set()


def _function_of(reader: Reader, tree: ast.Call) -> tuple[str, str, list[ast.expr]]:
    """The function's name, its library, and the object of a method."""
    func = tree.func
    if isinstance(func, ast.Name):
        if func.id in reader.env or func.id in reader.indices or (func.id in reader.sizes and not names.is_function(func.id)):
            if not names.is_function(func.id):
                hint = f"for a product write {func.id}*(...) or {func.id} @ (...)"
                raise InputError(f"`{func.id}` is a variable, not a function", code="SD103", hint=hint, span=reader.span(func))
        elif func.id.startswith("__"):
            raise InputError(f"`{func.id}` is not a name of the language", code="SD102", span=reader.span(func))
        if not names.is_function(func.id):
            raise _unknown(reader, func, func.id)
        return func.id, "", []
    if isinstance(func, ast.Attribute):
        dotted = reader.module_of(func.value)
        if dotted is not None:
            if not names.is_function(func.attr):
                raise _unknown(reader, func, func.attr)
            return func.attr, names.MODULES[dotted], []
        if func.attr not in names.METHODS:
            if func.attr.startswith("_") or not names.is_function(func.attr):
                hint = names.nearest(func.attr, names.METHODS)
                raise InputError(f"there is no method `.{func.attr[:40]}`", code="SD103", hint=hint, span=reader.span(func))
            raise InputError(
                f"`.{func.attr}` is not a method",
                code="SD103",
                hint=f"write {func.attr}({reader.text(func.value, 20)})",
                span=reader.span(func),
            )
        return func.attr, "method", [func.value]
    if isinstance(func, (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript)):
        hint = "for a product write * or @ before the bracket"
        raise InputError(f"`{reader.text(func)}` is not a function", code="SD103", hint=hint, span=reader.span(func))
    raise InputError(f"`{reader.text(func)}` is not a function", code="SD102", span=reader.span(func))


def _unknown(reader: Reader, tree: ast.AST, name: str) -> InputError:
    hint = names.nearest_function(name) or "docs/functions.md lists the functions of the language"
    if name in ("lambda", "eval", "exec", "open", "__import__", "getattr", "compile", "globals", "print"):
        hint = "text is read, never run"
    elif name in ("round", "floor", "ceil", "argmax", "argmin", "argsort", "sort"):
        hint = "it is constant or jumps, so it has no derivative worth having"
    elif name in ("σ", "sigma", "logit"):
        hint = "the logistic function is sigmoid(x)"
    elif name in ("std", "nansum", "median", "average"):
        hint = {"std": "write sqrt(var(x))", "average": "write mean(x)"}.get(name, "")
    return InputError(f"there is no function `{name[:60]}`", code="SD103", hint=hint, span=reader.span(tree))


def _same_meaning(reader: Reader, call: Arguments) -> None:
    """Refuse calls that mean something else in the library they come from."""
    different = names.DIFFERENT.get((call.library, call.name))
    if different is not None:
        why, words, remedy = different
        value = next((call.named[w] for w in words if w in call.named), None)
        if not (isinstance(value, ast.Constant) and value.value in (False, 0) and value.value is not None):
            raise InputError(f"{why}; here it means something else", code="SD105", hint=remedy, span=reader.span(call.tree))
        for w in words:
            call.named.pop(w, None)
    ddof = call.named.get("ddof") if call.name == "var" else None
    if isinstance(ddof, ast.Constant) and ddof.value == 0 and not isinstance(ddof.value, bool):
        del call.named["ddof"]


# the rule for most functions ---------------------------------------------------------------------------------------------


def _general(reader: Reader, call: Arguments) -> Walk:
    """Operands by position or name, then parameters in the order of the declaration."""
    op = OPS.get(call.name)
    if op is None or call.name in names.INTERNAL:
        raise _unknown(reader, call.tree.func, call.written)
    if op.operands and op.operands[0].startswith("*"):
        return (yield _variadic(reader, call, op))
    params = [k for k in op.defaults if k not in op.operands]
    slots = [*op.operands, *params]
    bound: dict[str, ast.expr] = {}
    if len(call.given) > len(slots):
        raise wrong(reader, call, f"takes {_count(len(op.operands))}, not {len(call.given)}")
    for slot, argument in zip(slots, call.given, strict=False):
        bound[slot] = argument
    for key, argument in call.named.items():
        if key not in slots:
            raise wrong(reader, call, f"has no parameter `{key[:40]}`", names.nearest(key, slots))
        if key in bound:
            raise wrong(reader, call, f"has `{key}` twice")
        bound[key] = argument
    operands: list[Node] = []
    for name in op.operands:
        if name in bound:
            operands.append((yield bound[name]))
        elif name in op.defaults:
            operands.append(Num(Rational(repr(op.defaults[name]))))
        else:
            raise wrong(reader, call, f"needs `{name}`: {_signature(op)}")
    values = {k: reader.value(bound[k]) for k in params if k in bound}
    missing = [k for k in params if k not in bound and f"{k}=" not in op.signature]
    if missing:
        raise wrong(reader, call, f"needs `{missing[0]}`: {_signature(op)}")
    return reader.make(call.tree, call.name, *operands, **values)


def _variadic(reader: Reader, call: Arguments, op: Op) -> Walk:
    items = call.given
    if call.name in ("stack", "concatenate"):
        if items and isinstance(items[0], (ast.List, ast.Tuple)):
            if len(items) == 2 and "axis" not in call.named:
                call.named["axis"] = items[1]
            elif len(items) > 1:
                raise wrong(reader, call, "takes one list of arrays")
            items = list(items[0].elts)
        elif items:
            raise wrong(reader, call, "takes a list of arrays", f"write {call.name}([x, y])")
    elif len(items) != 2:
        raise wrong(reader, call, f"takes two operands, not {len(items)}")
    if not items:
        raise wrong(reader, call, "needs at least one operand")
    unknown = [k for k in call.named if k not in op.defaults]
    if unknown:
        raise wrong(reader, call, f"has no parameter `{unknown[0][:40]}`")
    operands = []
    for item in items:
        operands.append((yield item))
    values = {k: reader.value(v) for k, v in call.named.items()}
    return reader.make(call.tree, call.name, *operands, **values)


def _count(n: int) -> str:
    return {0: "no operands", 1: "one operand"}.get(n, f"{n} operands")


def _signature(op: Op) -> str:
    return f"{op.name}({op.signature.replace('*, ', '')})"
