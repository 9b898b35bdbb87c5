"""Which operands and parameters of a call are shown: those that differ from the defaults."""

from __future__ import annotations

from typing import Any, TypeVar

from sympy import Rational

from ..expr.nodes import Call, Num

T = TypeVar("T")


def without_defaults(node: Call, operands: list[T]) -> list[T]:
    """Trailing operands that have their default value are left out: `leaky_relu(x)`."""
    count, names = len(operands), node.op.operands
    while count > 1 and len(names) == len(operands) and names[count - 1] in node.op.defaults:
        default, operand = node.op.defaults[names[count - 1]], node.operands[count - 1]
        if not isinstance(operand, Num) or default is None or operand.value != Rational(repr(default)):
            break
        count -= 1
    return operands[:count]


def given(node: Call) -> dict[str, Any]:
    """All parameters, in the order of the declaration."""
    defaults = node.op.defaults
    return {k: node.params[k] for k in [*defaults, *sorted(node.params)] if k in node.params and k not in node.op.operands}


def is_default(node: Call, name: str, value: Any) -> bool:
    """Whether a parameter may be left out. A None default that must be given (`reshape(x, shape)`) never equals a value."""
    defaults = node.op.defaults
    if name not in defaults:
        return False
    default = defaults[name]
    if value is None or default is None:
        return value is default
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)


def shown(node: Call) -> dict[str, Any]:
    """The parameters that differ from the defaults."""
    return {k: v for k, v in given(node).items() if not is_default(node, k, v)}


__all__ = ["given", "is_default", "shown", "without_defaults"]
