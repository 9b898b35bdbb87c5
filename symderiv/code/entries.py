"""Entries, loops and `einsum`: what is written with indices."""

from __future__ import annotations

import string

from sympy import Expr, Integer

from ..errors import CodeError
from ..expr.nodes import Call, Var
from . import contract
from .emit import Emitter, Plan, Scope, same
from .spell import ATOM, Piece, kind_of, max_nest


def parameter(emitter: Emitter, value: object) -> str:
    """A parameter's value as source."""
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(parameter(emitter, v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Expr):
        return emitter.size(value)
    raise CodeError(f"a parameter {value!r} cannot be written", code="SD502")


def plan_getitem(emitter: Emitter, node: Call) -> Plan:
    x, *indices = node.operands
    _note_bounds(emitter, node)

    def bound(value: object) -> str:
        return "" if value is None else emitter.size(value)

    dialect = emitter.dialect
    by_value = any(not emitter.is_plain(i) for i in indices)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        given = iter(pieces[1:])
        sizes = iter([s for s, e in zip(x.shape, (e for e in node.params["spec"] if e != "new"), strict=False) if e != "at"])
        words = []
        for entry in node.params["spec"]:
            if entry == "at":
                words.append(next(given).text)
            elif entry == "new":
                words.append("None")
            else:
                words.append(dialect.slice(bound(entry[1]), bound(entry[2]), bound(entry[3]), emitter.size(next(sizes))))
        text = emitter.source_around(dialect.picked(Piece("{}", ATOM), ", ".join(words), by_value), pieces[0].at(ATOM))
        return Piece(text, ATOM, pieces[0].kind, 1 + max_nest(pieces))

    return Plan((x, *indices), build) if node.params["spec"] else same(x)


def _note_bounds(emitter: Emitter, node: Call) -> None:
    """Remember what must be checked so that NumPy neither cuts a slice short nor counts a label from the end."""
    x, *indices = node.operands
    axis, given = 0, iter(indices)
    for entry in node.params["spec"]:
        if entry == "new":
            continue
        size = x.shape[axis]
        axis += 1
        if entry == "at":
            index = next(given)
            label = index.operands[0] if isinstance(index, Call) and index.name == "getitem" else index
            if isinstance(label, Var):
                emitter.labels[label, size] = None
        elif not size.is_Integer:
            for bound in entry[1:3]:
                if isinstance(bound, (int, Integer)) and bound != 0:
                    emitter.bounds[size, abs(int(bound))] = None


def plan_loop(emitter: Emitter, node: Call) -> Plan:
    def build(_: list[Piece], scope: Scope) -> Piece:
        text, over, body = emitter.loop(node, scope)
        nest = body.nest + 2
        if node.name == "isum":
            start = ", " + emitter.source(emitter.dialect.zeros(parameter(emitter, node.shape))) if node.rank else ""
            values = f"({text} {over})" if start else f"{text} {over}"
            return Piece(f"{emitter.word('sum')}({values}{start})", kind="float" if start else "int", nest=nest)
        word = {"iprod": "prod", "imax": "max", "imin": "min"}[node.name]
        found = emitter.source(emitter.dialect.reduced(word, f"{text} {over}"))
        if node.rank and word == "prod":  # of no factors too
            found = emitter.source("np.broadcast_to(") + f"{found}, {parameter(emitter, node.shape)})"
        return Piece(found, kind="int", nest=nest)

    return Plan((), build, inner=(node.operands[0], *node.operands[2:]))


def plan_einsum(emitter: Emitter, node: Call) -> Plan:
    """A product that `contract` has no better words for: one factor, or what needs `einsum` itself."""
    if plan := contract.plan_einsum(emitter, node):
        return plan
    left, out = node.params["subs"].replace(" ", "").split("->")
    words, result = left.split(","), ""
    letters = dict.fromkeys(left.replace(",", "") + out)
    sizes = {c: s for word, x in zip(words, node.operands, strict=True) for c, s in zip(word, x.shape, strict=True)}
    spare = [c for c in string.ascii_letters if c not in letters]
    ascii_of = {c: c if c in string.ascii_letters else spare.pop(0) if spare else "" for c in letters}
    extra = []
    for c in out:
        mine = ascii_of[c]
        if mine in result:  # a repeated output letter: the identity puts the values on the diagonal
            if not spare:
                raise CodeError("einsum has more than 52 letters", code="SD505")
            new = spare.pop(0)
            extra.append((f"{mine}{new}", sizes[c]))
            mine = new
        result += mine
    if not all(ascii_of.values()):
        raise CodeError("einsum has more than 52 letters", code="SD505")
    subs = ",".join(["".join(ascii_of[c] for c in word) for word in words] + [word for word, _ in extra])

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        dialect = emitter.dialect
        xs = [p.as_number().text for p in pieces] + [emitter.source(dialect.eye(emitter.size(size))) for _, size in extra]
        text = emitter.source(dialect.einsum(f"{subs}->{result}", xs))
        return Piece(text, ATOM, kind_of(pieces), 1 + max_nest(pieces))

    return Plan(node.operands, build)


def plan_squeeze(emitter: Emitter, node: Call) -> Plan:
    x = node.operands[0]
    axes = node.params["axis"]
    if axes is None:  # only the axes that are 1 by declaration, whatever the sizes of the arrays
        axes = tuple(k for k, s in enumerate(x.shape) if s == 1)
    word = emitter.source("np.squeeze(")
    return Plan((x,), lambda p, s: Piece(f"{word}{p[0].as_number().text}, {axes})", ATOM, kind_of(p), p[0].nest + 1))
