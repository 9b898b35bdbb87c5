r"""`cases`, matrices of entries, and the environments that only arrange an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...expr.nodes import Node, Num
from .conditions import read_condition
from .dotted import DOTS, dotted_vector
from .grammar import is_relation, read_all
from .tree import Cursor, Environment, Group, Item, Token, is_char, is_macro, plain_text, split_items
from .values import Value, value_of

if TYPE_CHECKING:
    from .reader import LatexReader

MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"})
ARRANGED = frozenset({"aligned", "split", "gathered", "alignedat"})
_OTHERWISE = frozenset({"", "otherwise", "else", "ow", "elsewhere", "orelse", "inallothercases", "allothercases"})


def read_environment(r: LatexReader, e: Environment) -> Value:
    """The value of an environment inside an expression.

    Raises:
        InputError: SD131 for an environment that is not known.
    """
    name = e.name.rstrip("*")
    if name in ("cases", "dcases", "rcases"):
        return read_cases(r, e)
    if name in MATRICES:
        return _matrix(r, e)
    if name in ARRANGED:
        items = [i for i in e.items if not (isinstance(i, Token) and i.kind in ("amp", "newline"))]
        if items:
            return read_all(r, Cursor(items, items[0].start, items[-1].stop))
    raise r.error(f"the environment `{e.name[:30]}` is not read here", e.start, e.stop, "SD131")


# cases -------------------------------------------------------------------------------------------------------------------------


def read_cases(r: LatexReader, e: Environment) -> Value:
    r"""`\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}` is `where(x > 0, x, 0)`.

    Raises:
        InputError: SD135 without a last case that takes all the rest.
    """
    rows: list[tuple[Value, Value | None]] = []
    items = list(e.items)
    if e.name == "array" and items and isinstance(items[0], Group) and items[0].opener == "brace":
        items = items[1:]
    for row in split_items(items, "newline"):
        if row:
            rows.append(_case(r, row, e))
    if not rows:
        raise r.error("`cases` without a case", e.start, e.stop, "SD130")
    *first, (last, condition) = rows
    if condition is not None:
        last, first = _complete(r, e, rows)
    out = last
    for value, test in reversed(first):
        if test is None:
            raise r.error("only the last case can be for all the rest", value.start, value.stop, "SD135")
        out = _where(r, test, value, out, e)
    return Value(out.node, out.kind, e.start, e.stop)


def _complete(r: LatexReader, e: Environment, rows: list) -> tuple[Value, list]:
    """Cases that name their conditions cover all values where the last is the opposite of the one before: `x > 0`, `x \\le 0`."""
    tests = [t for _, t in rows]
    if len(rows) == 2 and all(t is not None for t in tests):
        a, b = tests[0].node, tests[1].node
        if a.operands[:2] == b.operands[:2] and {a.name, b.name} in ({"gt", "le"}, {"lt", "ge"}, {"eq", "ne"}):
            return rows[-1][0], rows[:-1]
        if a.operands[:2] == b.operands[:2] and {a.name, b.name} == {"gt", "lt"}:
            shown = r.text(tests[1].start, tests[1].stop)
            r.assumptions.setdefault("cases", f"the cases leave one point open; there the case `{shown}` is taken")
            return rows[-1][0], rows[:-1]
    raise r.error("the cases may leave something out", e.start, e.stop, "SD135", r"end with & \text{otherwise}")


def _case(r: LatexReader, row: list[Item], e: Environment) -> tuple[Value, Value | None]:
    cells = split_items(row, "amp")
    if len(cells) == 1:
        cells = _cut_at_words(cells[0])
    value = list(cells[0])
    while value and (is_char(value[-1], ",", ".", ";") or is_macro(value[-1], "quad", "qquad")):
        value.pop()
    if not value or len(cells) > 2:
        raise r.error("a case is a value and a condition", e.start, e.stop, "SD135", r"value & condition \\")
    x = read_all(r, Cursor(value, value[0].start, value[-1].stop))
    said = plain_text(cells[1]) if len(cells) == 2 else ""
    for command in ("\\text", "\\mbox", "\\textrm", "\\mathrm", "\\quad", "\\qquad"):
        said = said.replace(command, "")
    if "".join(c for c in said if c.isalnum()).lower() in _OTHERWISE and not any(c in said for c in "<>=\\"):
        return x, None
    test = _without_words(cells[1])
    if not test:
        raise r.error(f"the condition `{said.strip()[:40]}` is in words", e.start, e.stop, "SD135", "write it with =, <, >")
    return x, read_condition(r, Cursor(test, test[0].start, test[-1].stop))


def _cut_at_words(items: list[Item]) -> list[list[Item]]:
    """`+1 \\text{if } w > 0` without `&`."""
    for k, item in enumerate(items):
        if is_macro(item, "text", "mbox", "textrm", "mathrm") and k + 1 < len(items) and isinstance(items[k + 1], Group):
            words = plain_text(items[k + 1].items).strip(" .,;").lower()  # type: ignore[union-attr]
            if words in ("if", "when", "for", "where") or (words and words.replace(" ", "") in _OTHERWISE):
                return [items[:k], items[k:]]
    return [items]


def _without_words(items: list[Item]) -> list[Item]:
    r"""The condition without `\text{if}`, letters `if`, and a full stop."""
    out = list(items)
    while out:
        if (is_macro(out[0], "text", "mbox", "textrm", "mathrm") and len(out) > 1) or (
            is_char(out[0], "i") and len(out) > 2 and is_char(out[1], "f") and out[1].start == out[0].stop
        ):
            out = out[2:]
        elif is_macro(out[0], "quad", "qquad"):
            out = out[1:]
        else:
            break
    while out and is_char(out[-1], ".", ",", ";"):
        out.pop()
    return out


def _where(r: LatexReader, test: Value, yes: Value, no: Value, e: Environment) -> Value:
    arrays = [x for x in (test, yes, no) if x.is_array]
    for x in arrays[1:]:
        if x.kind != arrays[0].kind:
            raise r.error("the cases are of different kinds", e.start, e.stop, "SD132", "all are scalars, or arrays of one shape")
    if test.is_array and not (yes.is_array or no.is_array) and not all(isinstance(x.node, Num) for x in (yes, no)):
        pass  # scalars chosen entry by entry
    if not test.is_array and (yes.is_array != no.is_array):
        zero = no if yes.is_array else yes
        if not isinstance(zero.node, Num):
            raise r.error("the cases are of different kinds", e.start, e.stop, "SD132", "all are scalars, or arrays of one shape")
    kind = arrays[0].kind if arrays else "scalar"
    return Value(r.make("where", test.node, yes.node, no.node, start=e.start, stop=e.stop), kind, e.start, e.stop)


# matrices ----------------------------------------------------------------------------------------------------------------------


def _matrix(r: LatexReader, e: Environment) -> Value:
    r"""`\begin{bmatrix} a & b \\ c & d \end{bmatrix}`; one column is a column.

    Raises:
        InputError: SD135 for dots and rows of different lengths.
    """
    items = list(e.items)
    if e.name == "array" and items and isinstance(items[0], Group):
        items = items[1:]
    rows = [split_items(row, "amp") for row in split_items(items, "newline") if row]
    for item in items:
        if is_macro(item, *DOTS):
            found = dotted_vector(r, e, rows) if e.name not in ("vmatrix", "Vmatrix") else None
            if found is not None:
                return found
            hint = "write the general entry with an index"
            raise r.error("a matrix with dots is not read", item.start, item.stop, "SD135", hint)
        if is_relation(item):
            raise r.error("a relation inside a matrix", item.start, item.stop, "SD135")
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise r.error("the rows of the matrix have different lengths", e.start, e.stop, "SD130")
    cells: list[list[Node]] = []
    for row in rows:
        line = []
        for cell in row:
            if not cell:
                raise r.error("an entry of the matrix is empty", e.start, e.stop, "SD130")
            x = read_all(r, Cursor(cell, cell[0].start, cell[-1].stop))
            if x.is_array:
                hint = "a matrix of blocks is not read; name the entries"
                raise r.error(f"the entry {r.shown(x)} is not a scalar", x.start, x.stop, "SD135", hint + r.declare_hint(x.node))
            line.append(x.node)
        cells.append(line)
    start, stop = e.start, e.stop
    if len(rows[0]) == 1:
        x = value_of(r.make("stack", *(line[0] for line in cells), start=start, stop=stop), start, stop)
    elif len(rows) == 1:
        x = Value(r.make("stack", *cells[0], start=start, stop=stop), "row", start, stop)
    else:
        x = value_of(
            r.make("stack", *(r.make("stack", *line, start=start, stop=stop) for line in cells), start=start, stop=stop),
            start,
            stop,
        )
    if e.name in ("vmatrix", "Vmatrix"):
        if e.name == "Vmatrix" or x.kind != "matrix":
            raise r.error(f"`{e.name}` is read as the determinant of a square matrix", start, stop, "SD135")
        return Value(r.make("det", x.node, start=start, stop=stop), "scalar", start, stop)
    return x
