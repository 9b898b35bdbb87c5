"""How each word is written in NumPy. Most have a template in their declaration; here are infix words and better spellings.

`diag(v) @ x` as `v*x`, `inv(A) @ b` as `np.linalg.solve(A, b)`, `trace(A @ B)` as `np.sum(A*B.T)`, `1 - sigmoid(z)` as
`_sigmoid(-z)`, products of matrices in the cheapest order.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import sympy
from sympy import Expr, Integer, Rational

from ..errors import CodeError
from ..expr.nodes import Call, Index, Node, Num, Var
from .emit import GENERATORS, Emitter, Plan, Scope
from .spell import ADD, ATOM, COMPARE, MATMUL, MUL, POW, UNARY, Piece

_COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_GUESSES = (1000, 50, 30, 20)
_CHUNK = 40
# These keep whole numbers whole; everything else computes floats.
_KEEPS_KIND = {
    "abs", "sign", "square", "maximum", "minimum", "where", "clip", "sum", "max", "min", "cumsum", "transpose", "reshape", "vec", "stack",
    "concatenate", "outer", "kron", "diag", "tril", "triu", "flip", "expand_dims", "broadcast_to", "swapaxes", "dot", "trace", "leaky_relu",
    "prelu", "relu", "hardtanh", "arange", "xlogy",
}  # fmt: skip

def plan_of(emitter: Emitter, node: Node) -> Plan:
    """What the source of `node` needs and how it is written."""
    if isinstance(node, Var):
        kind = "int" if node.is_a("integer") else "float"
        return Plan((), lambda _, scope: Piece(node.name, kind=kind))
    if isinstance(node, Num):
        return Plan((), lambda _, scope: emitter.number(node.value))
    if isinstance(node, Index):
        return Plan((), lambda _, scope: Piece(emitter.index_name(node), kind="int"))
    if not isinstance(node, Call):
        raise CodeError(f"{type(node).__name__} is not a word that code can be written for", code="SD501")
    if node.name in GENERATORS:
        return _plan_loop(emitter, node)
    special = _PLANS.get(node.name)
    plan = special(emitter, node) if special else None
    return plan or _plan_template(emitter, node)

def _max_nest(pieces: list[Piece]) -> int:
    return max((p.nest for p in pieces), default=0)

def _kind(pieces: list[Piece]) -> str:
    return "float" if any(p.kind == "float" for p in pieces) else "int"

def _same(needs: Node) -> Plan:
    """The same value, written another way."""
    return Plan((needs,), lambda pieces, scope: pieces[0])

# infix --------------------------------------------------------------------------------------------------------------------
def rational_value(node: Node) -> Rational | None:
    """The number that `1/2`, `-1`, `-(1/2)` write, or None."""
    sign = 1
    while isinstance(node, Call) and node.name == "neg":
        sign, node = -sign, node.operands[0]
    if isinstance(node, Call) and node.name == "div" and all(isinstance(x, Num) for x in node.operands):
        top, bottom = (x.value for x in node.operands)
        return sign * top / bottom if top.is_Rational and bottom.is_Rational and bottom != 0 else None
    return sign * node.value if isinstance(node, Num) and node.value.is_Rational else None

def _without_minus(node: Node) -> Node | None:
    """x where node is -x by its spelling."""
    if isinstance(node, Call) and node.name == "neg":
        return node.operands[0]
    if isinstance(node, Num) and node.value.is_number and node.value.is_negative:
        return Num(-node.value)
    if isinstance(node, Call) and node.name == "mul" and len(node.operands) > 1:
        first = _without_minus(node.operands[0])
        if isinstance(first, Num):
            rest = node.operands[1:]
            if first.value == 1:
                return rest[0] if len(rest) == 1 else Call("mul", *rest)
            return Call("mul", first, *rest)
    return None

def _chunked(node: Call) -> Plan | None:
    if len(node.operands) <= _CHUNK:
        return None
    xs = node.operands
    chunks = [Call(node.name, *xs[k : k + _CHUNK // 2]) for k in range(0, len(xs), _CHUNK // 2)]
    return _same(Call(node.name, *chunks)) if len(chunks) > _CHUNK else Plan(tuple(chunks), _join_terms([False] * len(chunks), node.name))

def _join_terms(minus: list[bool], name: str = "add") -> Callable[[list[Piece], Scope], Piece]:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        pieces = [p.as_number() for p in pieces]
        if name == "mul":
            return Piece("*".join(p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)), MUL, _kind(pieces), 1 + _max_nest(pieces))
        text = ""
        for k, (p, less) in enumerate(zip(pieces, minus, strict=True)):
            word = p.at(MATMUL if less or k else ADD)
            text += (f" {'-' if less else '+'} " if k else "-" if less else "") + word
        return Piece(text, ADD, _kind(pieces), 1 + _max_nest(pieces))

    return build

def _plan_add(emitter: Emitter, node: Call) -> Plan | None:
    terms = node.operands
    if len(terms) == 1:
        return _same(terms[0])
    if len(terms) == 2:
        for one, other in (terms, terms[::-1]):
            x = _without_minus(other)
            if isinstance(one, Num) and one.value == 1 and isinstance(x, Call) and x.name == "sigmoid":
                z = x.operands[0]
                return _same(Call("sigmoid", _without_minus(z) or Call("neg", z)))
    if plan := _chunked(node):
        return plan
    bare = [_without_minus(t) for t in terms]
    if bare[0] is not None and any(b is None for b in bare):  # -a + b as b - a
        k = next(k for k, b in enumerate(bare) if b is None)
        terms, bare = (terms[k], *terms[:k], *terms[k + 1 :]), [None, *bare[:k], *bare[k + 1 :]]
    return Plan(tuple(t if b is None else b for t, b in zip(terms, bare, strict=True)), _join_terms([b is not None for b in bare]))

def _plan_neg(emitter: Emitter, node: Call) -> Plan:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        p = pieces[0].as_number()
        return Piece(f"-{p.at(MUL)}", UNARY if p.level != MUL else MUL, p.kind, p.nest + 1)

    return Plan(node.operands, build)

def _whole_arrays(emitter: Emitter, node: Call, pieces: list[Piece]) -> bool:
    """Whether 64-bit whole numbers would be multiplied, which overflow silently."""
    return node not in emitter.subscripts and _kind(pieces) == "int" and any(x.rank or isinstance(x, (Var, Call)) for x in node.operands)

def _plan_mul(emitter: Emitter, node: Call) -> Plan:
    if len(node.operands) == 1:
        return _same(node.operands[0])
    if plan := _chunked(node):
        return plan
    factors = sorted(node.operands, key=lambda x: x.rank > 0)  # numbers first: one pass over the array
    one = [x for x in factors if not (isinstance(x, Num) and x.value == 1)] or factors[:1]
    minus = isinstance(one[0], Num) and one[0].value == -1 and len(one) > 1

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        pieces = [p.as_number() if k == 0 or p.kind == "bool" else p for k, p in enumerate(pieces)]
        words = [p.at(MUL if k == 0 else UNARY) for k, p in enumerate(pieces)]
        if _whole_arrays(emitter, node, pieces):
            return Piece("1.0*" + "*".join(p.at(UNARY) for p in pieces), MUL, "float", 1 + _max_nest(pieces))
        return Piece(("-" if minus else "") + "*".join(words), MUL, _kind(pieces), 1 + _max_nest(pieces))

    return Plan(tuple(one[1:] if minus else one), build)

def _plan_div(emitter: Emitter, node: Call) -> Plan:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        return Piece(f"{x.at(MUL)}/{y.at(POW)}", MUL, _kind([x, y]), 1 + _max_nest([x, y]))

    return Plan(node.operands, build)

def _plan_pow(emitter: Emitter, node: Call) -> Plan:
    base, exponent = node.operands
    power = rational_value(exponent)
    root = power is not None and abs(power) == sympy.S.Half

    def build_number(pieces: list[Piece], scope: Scope) -> Piece:
        assert power is not None
        x = pieces[0].as_number()
        if _whole_arrays(emitter, node, [x]):
            x = Piece(f"1.0*{x.at(UNARY)}", MUL, "float", x.nest + 1)
        elif x.kind == "int" and power < 0 and base.rank == 0:
            x = Piece(emitter.source("np.float64(") + f"{x.text})", nest=x.nest + 1)  # 0**-1 of Python raises, of NumPy is inf
        if root:
            word = emitter.source("np.sqrt(") + f"{x.text})"
            return Piece(word, nest=x.nest + 1) if power > 0 else Piece(f"1/{word}", MUL, nest=x.nest + 1)
        if power == -1:
            return Piece(f"1/{x.at(POW)}", MUL, x.kind, x.nest + 1)
        return Piece(f"{x.at(ATOM)}**{emitter.number(power).at(UNARY)}", POW, x.kind, x.nest + 1)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        if _kind([x, y]) == "int" and node not in emitter.subscripts:
            x = Piece(f"1.0*{x.at(UNARY)}", MUL) if base.rank else Piece(emitter.source("np.float64(") + f"{x.text})")
        return Piece(f"{x.at(ATOM)}**{y.at(ATOM)}", POW, "float", 1 + _max_nest([x, y]))

    return Plan((base, exponent), build) if power is None else Plan((base,), build_number)

def _plan_compare(emitter: Emitter, node: Call) -> Plan:
    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        return Piece(f"{x.at(ADD)} {_COMPARISONS[node.name]} {y.at(ADD)}", COMPARE, "bool", 1 + _max_nest([x, y]))

    return Plan(node.operands, build)

def _plan_transpose(emitter: Emitter, node: Call) -> Plan:
    x = node.operands[0]
    if x.rank <= 1:
        return _same(x)
    if isinstance(x, Call) and x.name == "T":
        return _same(x.operands[0])
    return Plan((x,), lambda pieces, scope: Piece(f"{pieces[0].as_number().at(ATOM)}.T", ATOM, pieces[0].kind, pieces[0].nest + 1))

# products -----------------------------------------------------------------------------------------------------------------
def _is(node: Node, name: str) -> bool:
    return isinstance(node, Call) and node.name == name

def _is_diagonal(node: Node) -> bool:
    return _is(node, "diag") and node.rank == 2

def split_chain(operands: tuple[Node, ...]) -> int:
    """Where the last product of a chain is, in its cheapest order (dynamic programming over guessed sizes)."""
    n = len(operands)
    if n == 2:
        return 1
    if n > 60 or any(x.rank > 2 for x in operands) or any(x.rank != 2 for x in operands[1:-1]):
        return n - 1
    shapes = [x.shape if x.rank == 2 else (Integer(1), *x.shape) if k == 0 else (*x.shape, Integer(1)) for k, x in enumerate(operands)]
    symbols = list(dict.fromkeys(s for shape in shapes for size in shape for s in sorted(size.free_symbols, key=str)))
    guess = {s: _GUESSES[min(k, len(_GUESSES) - 1)] for k, s in enumerate(symbols)}
    dims = [float(s.subs(guess)) for s in (shapes[0][0], *(shape[1] for shape in shapes))]
    diagonal = [_is_diagonal(x) for x in operands]
    cost = {(k, k + 1): 0.0 for k in range(n)}
    best: dict[tuple[int, int], int] = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length

            def price(k: int, i: int = i, j: int = j) -> float:
                cheap = (k == i + 1 and diagonal[i]) or (k == j - 1 and diagonal[k])
                return cost[i, k] + cost[k, j] + dims[i] * dims[j] * (1 if cheap else dims[k])

            best[i, j] = min(range(i + 1, j), key=price)
            cost[i, j] = price(best[i, j])
    return best[0, n]

def _product(operands: tuple[Node, ...]) -> Node:
    return operands[0] if len(operands) == 1 else Call("matmul", *operands)

def _plan_matmul(emitter: Emitter, node: Call) -> Plan:
    flat = _flat_chain(emitter, node)
    if len(flat) == 1:
        return _same(flat[0])
    k = split_chain(flat)
    a, b = _product(flat[:k]), _product(flat[k:])
    if _is_diagonal(a) and b.rank <= 2:
        v = a.operands[0]
        if _is_diagonal(b):
            return _same(Call("diag", Call("mul", v, b.operands[0])))
        if b.rank == 1:
            return _same(Call("mul", v, b))
        return Plan((v, b), lambda p, s: Piece(f"{p[0].as_number().at(ATOM)}[:, None]*{p[1].as_number().at(UNARY)}", MUL, nest=1 + _max_nest(p)))
    if _is_diagonal(b) and a.rank <= 2:
        return _same(Call("mul", a, b.operands[0]))
    if _is(a, "inv") and a.rank == 2 and b.rank <= 2 and emitter.parents[a] <= 1:
        return _same(Call("solve", a.operands[0], b))
    if _is(b, "inv") and b.rank == 2 and a.rank == 1 and emitter.parents[b] <= 1:
        return _same(Call("solve", Call("T", b.operands[0]), a))

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        x, y = (p.as_number() for p in pieces)
        return Piece(f"{x.at(UNARY) if x.level != MATMUL else x.text} @ {y.at(UNARY)}", MATMUL, "float", 1 + _max_nest([x, y]))

    return Plan((a, b), build)

def _flat_chain(emitter: Emitter, node: Call) -> tuple[Node, ...]:
    """The operands, with products that only this one uses opened where the ranks allow it."""
    out: list[Node] = []
    for k, x in enumerate(node.operands):
        last = k == len(node.operands) - 1
        opens = _is(x, "matmul") and emitter.parents[x] == 1 and all(y.rank == 2 for y in x.operands[1:-1])
        if opens and x.rank <= 2 and (x.rank == 2 or k == 0 or last) and all(y.rank <= 2 for y in node.operands):
            inner_vector_right = x.operands[-1].rank == 1 and not last
            inner_vector_left = x.operands[0].rank == 1 and k > 0
            if not inner_vector_right and not inner_vector_left:
                out.extend(x.operands)
                continue
        out.append(x)
    return tuple(out)

def _plan_trace(emitter: Emitter, node: Call) -> Plan | None:
    x = node.operands[0]
    if not _is(x, "matmul") or emitter.parents[x] > 1 or x.operands[0].rank != 2 or x.operands[-1].rank != 2:
        return None
    flat = _flat_chain(emitter, x)  # type: ignore[arg-type]
    if len(flat) < 2:
        return None
    a, b = _product(flat[:-1]), flat[-1]
    if _is(a, "T"):
        return _same(Call("sum", Call("mul", a.operands[0], b)))
    return _same(Call("sum", Call("mul", a, b.operands[0] if _is(b, "T") else Call("T", b))))

# entries, loops, einsum -----------------------------------------------------------------------------------------------------
def _plan_getitem(emitter: Emitter, node: Call) -> Plan:
    x, *indices = node.operands
    _note_bounds(emitter, node)

    def bound(value: object) -> str:
        return "" if value is None else emitter.size(value)

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        given = iter(pieces[1:])
        words = []
        for entry in node.params["spec"]:
            if entry == "at":
                words.append(next(given).text)
            elif entry == "new":
                words.append("None")
            else:
                start, stop, step = entry[1:]
                words.append(f"{bound(start)}:{bound(stop)}" + (f":{bound(step)}" if step is not None and step != 1 else ""))
        return Piece(f"{pieces[0].at(ATOM)}[{', '.join(words)}]", ATOM, pieces[0].kind, 1 + _max_nest(pieces))

    return Plan((x, *indices), build) if node.params["spec"] else _same(x)

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
            label = index.operands[0] if _is(index, "getitem") else index
            if isinstance(label, Var):
                emitter.labels[label, size] = None
        elif not size.is_Integer:
            for bound in entry[1:3]:
                if isinstance(bound, (int, Integer)) and bound != 0:
                    emitter.bounds[size, abs(int(bound))] = None

def _plan_loop(emitter: Emitter, node: Call) -> Plan:
    def build(_: list[Piece], scope: Scope) -> Piece:
        text, over, body = emitter.loop(node, scope)
        nest = body.nest + 2
        if node.name == "isum":
            start = emitter.source(", np.zeros(") + parameter(emitter, node.shape) + ")" if node.rank else ""
            values = f"({text} {over})" if start else f"{text} {over}"
            return Piece(f"{emitter.word('sum')}({values}{start})", kind="float" if start else "int", nest=nest)
        word = {"iprod": "prod", "imax": "max", "imin": "min"}[node.name]
        found = emitter.source(f"np.{word}(") + f"[{text} {over}], axis=0)"
        if node.rank and word == "prod":  # of no factors too
            found = emitter.source("np.broadcast_to(") + f"{found}, {parameter(emitter, node.shape)})"
        return Piece(found, kind="int", nest=nest)

    return Plan((), build, inner=(node.operands[0], *node.operands[2:]))

def _plan_einsum(emitter: Emitter, node: Call) -> Plan:
    left, out = node.params["subs"].replace(" ", "").split("->")
    words, result = left.split(","), ""
    letters = {c: None for c in left.replace(",", "") + out}
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
        xs = [p.as_number().text for p in pieces] + [emitter.source(f"np.eye({emitter.size(size)})") for _, size in extra]
        fast = ", optimize=True" if len(xs) > 2 else ""
        return Piece(emitter.source("np.einsum(") + f"'{subs}->{result}', " + f"{', '.join(xs)}{fast})", ATOM, _kind(pieces), 1 + _max_nest(pieces))

    return Plan(node.operands, build)

# templates --------------------------------------------------------------------------------------------------------------------
def _plan_squeeze(emitter: Emitter, node: Call) -> Plan:
    x = node.operands[0]
    axes = node.params["axis"]
    if axes is None:  # only the axes that are 1 by declaration, whatever the sizes of the arrays
        axes = tuple(k for k, s in enumerate(x.shape) if s == 1)
    word = emitter.source("np.squeeze(")
    return Plan((x,), lambda p, s: Piece(f"{word}{p[0].as_number().text}, axis={axes})", ATOM, _kind(p), p[0].nest + 1))

def parameter(emitter: Emitter, value: object) -> str:
    """A parameter's value as source."""
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(parameter(emitter, v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Expr):
        return emitter.size(value)
    raise CodeError(f"a parameter {value!r} cannot be written", code="SD502")

def _plan_template(emitter: Emitter, node: Call) -> Plan:
    template = node.op.numpy
    if template is None:
        raise CodeError(f"{node.name} has no NumPy code", code="SD501", hint="declare numpy= in symderiv/ops")
    for name, value in node.params.items():
        if node.op.defaults.get(name) == value and name in node.op.defaults:
            for written in (f", {name}={{{name}}}", f", {{{name}}}", f"{{{name}}}, "):
                template = template.replace(written, "")

    def build(pieces: list[Piece], scope: Scope) -> Piece:
        raw = node.name == "where"  # the condition may stay a comparison
        pieces = [p if raw and k == 0 else p.as_number() for k, p in enumerate(pieces)]
        given = dict(zip(node.op.operands, pieces, strict=False))
        text = ""
        for before, name, _, _ in string.Formatter().parse(template):
            text += emitter.source(before)
            if name == "*":
                text += ", ".join(p.text for p in pieces)
            elif name in given:
                text += given[name].text
            elif name:
                text += parameter(emitter, node.params[name])
        values = pieces[1:] if raw else pieces
        kind = _kind(values) if node.name in _KEEPS_KIND else "float"
        return Piece(text, UNARY if text.startswith("-") else ATOM, kind, 1 + _max_nest(pieces))

    return Plan(node.operands, build)

_PLANS: dict[str, Callable[[Emitter, Call], Plan | None]] = {
    "add": _plan_add, "neg": _plan_neg, "mul": _plan_mul, "div": _plan_div, "pow": _plan_pow, "T": _plan_transpose,
    "matmul": _plan_matmul, "trace": _plan_trace, "getitem": _plan_getitem, "einsum": _plan_einsum, "squeeze": _plan_squeeze,
    **dict.fromkeys(_COMPARISONS, _plan_compare),
}  # fmt: skip
