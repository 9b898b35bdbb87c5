"""When two words look the same, or nearly, so that a step between them would show nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from sympy import S

from ..expr.nodes import Call, Index, Node, Num
from ..expr.walk import fold, postorder

_SEEN_THROUGH = frozenset(("add", "neg", "mul", "matmul", "div", "trace", "sum", "isum", "T", "diag", "outer"))


def new_parts(before: Node, after: Node, told: Sequence[Node]) -> tuple[Node, ...]:
    """The parts of a line to mark as changed: those that the step names, where they stand in it as they are; otherwise what
    stands in the line and not in the one before; nothing where that would be all of it."""
    here = set(postorder(after))
    if any(n in here for n in told):
        return tuple(told)
    old = set(postorder(before))
    kept, found = 0, []
    stack = [after]
    while stack:
        node = stack.pop()
        if node in old:
            kept += not isinstance(node, Num)
        elif isinstance(node, Call) and node.name in _SEEN_THROUGH:
            stack += [o for o in node.operands if not isinstance(o, Index)]
        else:
            found.append(node)
    return tuple(found) if kept else ()


def looks_same(a: Node, b: Node) -> bool:
    """Whether a reader would see the same twice: `Σ x / n` and the mean of x are printed alike."""
    if look(a) == look(b):
        return True
    if max(a.tree_size, b.tree_size) > 200 or abs(a.tree_size - b.tree_size) > 8:
        return False
    from ..write.unicode import to_unicode  # a node prints itself

    return to_unicode(a) == to_unicode(b)


def look(word: Node) -> Any:
    """A key that is equal for words that print the same: nested products are flat, `Σ x ⊙ y` is `xᵀ y`."""
    return fold(word, lambda node, keys: _look(node, keys, signs=True))


def rough_look(word: Node) -> Any:
    """The same, blind to signs, to the order of terms and of commuting factors."""
    return fold(word, lambda node, keys: _look(node, keys, signs=False))


def _look(node: Node, keys: list[Any], signs: bool) -> Any:
    if isinstance(node, Num):
        return ("num", node.value if signs else abs(node.value))
    if not isinstance(node, Call):
        return ("leaf", node.key)
    name = node.name
    if name == "T":
        return _turned(keys[0])
    if name == "where" and keys[1:] == [("num", 1), ("num", 0)]:  # an indicator
        return keys[0]
    if name == "matmul" and node.operands[0].rank == 1 and keys[0][0] == "matmul":  # (A x)ᵀ y is xᵀ Aᵀ y
        *matrices, x = keys[0][1:]
        keys = [x, *(_turned(k) for k in reversed(matrices)), *keys[1:]]
        return ("matmul", *keys)
    if name == "neg" and not signs:
        return keys[0]
    if name == "div" and not signs and isinstance(node.operands[1], Num):  # a number below is its inverse in front
        inner = keys[0][1:] if keys[0][0] == "mul" else (keys[0],)
        below = keys[1][1:] if keys[1][0] == "mul" else (keys[1],)
        value = prod([f[1] for f in inner if f[0] == "num"], start=S.One) / prod([b[1] for b in below], start=S.One)
        rest = [*([("num", value)] if value != 1 else []), *(f for f in inner if f[0] != "num")]
        return ("mul", *sorted(rest, key=repr)) if len(rest) != 1 else rest[0]
    if name in ("matmul", "mul", "add"):
        flat: list = []
        for k, o in zip(keys, node.operands, strict=True):
            flat.extend(k[1:] if k[0] == name and (name != "matmul" or o.rank == node.rank or o.rank == 2) else [k])
        if name == "mul":
            value = prod([f[1] for f in flat if f[0] == "num"], start=S.One)
            flat = [*([("num", value)] if value != 1 else []), *(f for f in flat if f[0] != "num")]
        if signs and name == "mul" and not node.rank:
            flat.sort(key=repr)  # the order of scalars is the printer's
        if not signs:
            flat = [f for f in flat if f != ("num", 1)]
            if name != "matmul" or (node.rank == 0 and len(flat) == 2):
                flat.sort(key=repr)
        return (name, *flat) if len(flat) != 1 else flat[0]
    if name == "sum" and node.params["axis"] is None and keys[0][0] == "mul" and node.operands[0].rank == 1 and len(keys[0]) == 3:
        pair = keys[0][1:]
        return ("matmul", *(pair if signs else sorted(pair, key=repr)))
    if name == "sum" and node.params["axis"] is None and keys[0][0] == "mul" and node.operands[0].rank == 2 and len(keys[0]) == 3:
        first, second = keys[0][1:]
        return ("trace", "", _flat([_turned(first), second]))
    if name == "trace":
        return ("trace", "", keys[0])
    return (name, repr(node.args[2]), *keys)


def _flat(keys: list[Any]) -> Any:
    """The key of a matrix product of products."""
    return ("matmul", *(x for k in keys for x in (k[1:] if k[0] == "matmul" else [k])))


def _turned(key: Any) -> Any:
    """The key of a transpose: of a product, the transposes in reverse order."""
    if key[0] == "T":
        return key[1]
    return ("matmul", *(_turned(k) for k in reversed(key[1:]))) if key[0] == "matmul" else ("T", key)


__all__ = ["look", "looks_same", "new_parts", "rough_look"]
