"""Numba: one pass over the rows of the data where that is possible, else the NumPy function.

numba_source(expr)      the text of a module that stands alone
numba_function(expr)    that very text, compiled; its attribute `fused` tells which of the two it is
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..expr.nodes import Node
from .dialect import helpers_of
from .emit import Emitter
from .jax import imported
from .module import Arguments, Module
from .numpy import numpy_source
from .rows import Fuser, Pass, fused

_AT_ONCE = 4  # rows: sums are loaded and stored once for all of them


def numba_source(
    expr: Node | Sequence[Node], name: str = "f", args: Arguments = None, doc: str = "", value_names: Sequence[str] | None = None
) -> str:
    """The text of a module with one function of the variables."""
    return _source(expr, name, args, doc, value_names)[0]


def numba_function(
    expr: Node | Sequence[Node], args: Arguments = None, name: str = "f", doc: str = "", value_names: Sequence[str] | None = None
) -> Callable[..., Any]:
    """The function of `numba_source`, compiled at its first call.

    Raises:
        CodeError: SD520 when Numba is not installed.
    """
    imported("numba")
    source, is_fused = _source(expr, name, args, doc, value_names)
    namespace: dict[str, Any] = {"__name__": f"symderiv_emitted_{name}"}
    exec(compile(source, f"<symderiv {name}>", "exec"), namespace)  # written by this package from checked nodes
    function = namespace[name]
    function.source, function.fused = source, is_fused
    return function


def _source(
    expr: Node | Sequence[Node], name: str, args: Arguments, doc: str, value_names: Sequence[str] | None
) -> tuple[str, bool]:
    single = isinstance(expr, Node)
    roots = [Emitter._checked(r) for r in ([expr] if isinstance(expr, Node) else list(expr))]
    module = Module(roots, single, name, args, doc, value_names)
    found = fused(roots, module.args)
    plain = numpy_source(expr, name, args, doc, value_names, blocks=found is None)
    hidden = {"np", "math", "numba", "i", "k", "_pass"} | {v.name for v in module.args if re.fullmatch(r"[rdsmg]\d+", v.name)}
    if found is None or hidden & {v.name for v in module.args}:
        return plain, False
    return _fused_module(plain, name, single, *found), True


def _fused_module(plain: str, name: str, single: bool, fuser: Fuser, work: Pass) -> str:
    """The NumPy module's checks, and a loop in place of its formula."""
    given = [v.name for v in fuser.whole]
    loop = _loop(fuser, work, given)
    helpers = helpers_of("runtime_numba")
    used = [helpers[h] for h in helpers if any(f"{h}(" in line for line in loop)]
    before, _, body = plain.partition(f"\ndef {name}(")
    head = []
    for line in body.split("\n"):
        if re.match(r"    (t\d+ = |return )", line):
            break
        head.append(line)
    arrays = [v.name for v in fuser.whole if v.rank]
    head += [f"    {n} = np.ascontiguousarray({n})" for n in arrays]
    made = ", ".join([*(m for m, _ in work.maps), *(s for s, *_ in work.sums)])
    head.append(f"    {made}{',' if ',' not in made else ''} = _pass({', '.join(given)})")
    value = work.result[0] if single else f"({', '.join(work.result)}{',' if len(work.result) == 1 else ''})"
    imports = ["import math", "", "import numba", *before.strip("\n").split("\n")]
    parts = ["\n".join(imports), *used, "\n".join(loop), f"def {name}(" + "\n".join([*head, f"    return {value}"])]
    return "\n\n\n".join(parts) + "\n"


def _loop(fuser: Fuser, work: Pass, given: list[str]) -> list[str]:
    """The compiled loop over some rows, and what runs it: at once for little data, else in as many parts as threads."""
    rows = next(v.name for v in fuser.whole if v.rank and v.shape[0] == work.size)
    matrices = sorted({m for _, m, _, _ in work.sums if m is not None} | {x for _, x, _ in work.dots})
    made = [*(m for m, _ in work.maps), *(s for s, *_ in work.sums)]
    lines = [
        "@numba.njit(fastmath={'reassoc', 'contract', 'nsz'}, nogil=True)",
        f"def _rows({', '.join(['first', 'last', *given, *made])}):",
        '    """Every row of the data is read once: its products, then what it adds to the sums; four rows at a time."""',
        "    i = first",
        f"    while i + {_AT_ONCE} <= last:",
        *("        " + line for line in _body(work, matrices, _AT_ONCE)),
        f"        i += {_AT_ONCE}",
        "    while i < last:",
        *("        " + line for line in _body(work, matrices, 1)),
        "        i += 1",
    ]
    sums = [f"{s}.sum(axis=0){'' if m else '[0]'}" for s, m, _, _ in work.sums]
    parts = ", ".join([*(m for m, _ in work.maps), *(f"{s}[p]" for s, *_ in work.sums)])
    lines += [
        "",
        "",
        "@numba.njit(parallel=True)",
        f"def _in_parts({', '.join(['parts', *given, *made])}):",
        "    for p in numba.prange(parts):",
        f"        _rows(p*len({rows})//parts, (p + 1)*len({rows})//parts, {', '.join(given)}, {parts})",
        "",
        "",
        f"def _pass({', '.join(given)}):",
        '    """Sums over all rows; the parts are added at the end."""',
        f"    entries = {' + '.join(f'{m}.size' for m in matrices)}",
        "    parts = 1 if entries < 200_000 else numba.get_num_threads()",
        *(f"    {m} = np.empty(len({rows}))" for m, _ in work.maps),
        *(f"    {s} = np.zeros((parts, {m + '.shape[1]' if m else '1'}))" for s, m, _, _ in work.sums),
        "    if parts == 1:",
        f"        _rows(0, len({rows}), {', '.join(given)}, {parts.replace('[p]', '[0]')})",
        "    else:",
        f"        _in_parts(parts, {', '.join([*given, *made])})",
        f"    return ({', '.join([*(m for m, _ in work.maps), *sums])},)",
    ]
    return lines


def _body(work: Pass, matrices: list[str], rows: int) -> list[str]:
    """The statements for `rows` rows from i on: names of the values of one row end with its number."""

    def of_row(text: str, r: int) -> str:
        text = re.sub(r"\b([rd]\d+)\b", rf"\1_{r}", text)
        return text.replace("[i]", f"[i + {r}]").replace("[i, ", f"[i + {r}, ") if r else text

    lines: list[str] = []
    by_matrix: dict[str, list[tuple[str, str, str]]] = {}
    for dot in work.dots:
        by_matrix.setdefault(dot[1], []).append(dot)
    for matrix, dots in by_matrix.items():
        lines.append(" = ".join(of_row(d, r) for d, _, _ in dots for r in range(rows)) + " = 0.0")
        lines.append(f"for k in range({matrix}.shape[1]):")
        lines += [f"    {of_row(f'{d} += {x}[i, k]', r)}*{w}[k]" for r in range(rows) for d, x, w in dots]
    for r in range(rows):
        lines += [of_row(line, r) for line in work.lines]
        lines += [of_row(f"{m}[i] = {text}", r) for m, text in work.maps]
        lines += [f"{s}[0] += {of_row(weight, r)}" for s, m, weight, _ in work.sums if m is None]
    for m in matrices:
        mine = [(s, w) for s, x, w, _ in work.sums if x == m]
        if mine:
            lines += [f"{_weight(s, r)} = {of_row(w, r)}" for s, w in mine for r in range(rows)]
            lines.append(f"for k in range({m}.shape[1]):")
            lines += [
                f"    {s}[k] += " + " + ".join(f"{_weight(s, r)}*{of_row(f'{m}[i, k]', r)}" for r in range(rows)) for s, _ in mine
            ]
    return lines


def _weight(name: str, row: int) -> str:
    return f"g{name[1:]}_{row}"
