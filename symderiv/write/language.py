"""Words to the input language: `2*X.T @ (X @ w - y)/n`, with as few brackets as Python's precedence allows.

A product is kept apart while it grows: a numerical coefficient, the factors as text, the divisors. Numbers therefore come
out in front, divisors at the end and signs outside, whatever the order of the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Expr, Function, Mul, Pow, S, Symbol

from ..expr.nodes import Call, Index, Node, Num, Var
from .parameters import given, is_default, without_defaults
from .precedence import BINDERS, COMPARISONS, LISTS, POSITIONAL, Level
from .scalars import decimal, factors
from .sharing import all_as_words, as_words, plain_text, shared_text, shared_texts


def to_text(node: Node) -> str:
    """The expression in the input language; reading the text gives a value equal to the node's.

    Args:
        node: words (core nodes are turned into words first).

    Raises:
        LimitError: SD904 when the text would be too long; `to_text_shared` names repeated parts.
    """
    return plain_text(as_words(node), _PRINTER)


def to_text_shared(node: Node, limit: int = 120) -> tuple[list[tuple[str, str]], str]:
    """Definitions of repeated parts, `[("h1", "X @ w - y"), ...]`, in order, and the text that uses them.

    Args:
        node: words.
        limit: expressions of at most so many nodes are written in full.

    Raises:
        LimitError: SD904 when the text would be too long even so.
    """
    return shared_text(as_words(node), _PRINTER, limit)


def to_text_shared_many(expressions: Mapping[str, Node], limit: int = 120) -> str:
    """Several expressions, one a line, `dW = ...`, after the definitions of the parts that they share.

    Args:
        expressions: words by name of the variable.
        limit: up to so many nodes in all, everything is written in full.

    Raises:
        LimitError: SD904 when the text would be too long even so.
    """
    definitions, texts = shared_texts(all_as_words([*expressions.values()]), _PRINTER, limit)
    lines = [*definitions, *((f"d{name}", text) for name, text in zip(expressions, texts, strict=True))]
    return "\n".join(f"{name} = {text}" for name, text in lines)


def size_text(size: Expr) -> str:
    """A size or a number in the input language: `n*d`, `1/3`, `1e-08`."""
    return _scalar(size)[0]


def value_text(value: Any) -> str:
    """A parameter in the input language: a size, a tuple of them, a flag, a word."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(value_text, value)) + ("," if len(value) == 1 else "") + ")"
    return _scalar(value)[0] if isinstance(value, Expr) else repr(value)


@dataclass(frozen=True)
class Piece:
    """`coef * body / below`.

    Attributes:
        coef: a finite number or expression in sizes.
        body: text of the other factors; "" where there are none.
        level: binding strength of `body`.
        below: divisors: text, level and rank.
        at: whether `body` has an `@` outside brackets.
        closed: then, the body as what `*` or an elementwise divisor follows: `s*(A @ x)` for `s*A @ x`.
        rank: rank of the body.
    """

    coef: Expr = S.One
    body: str = ""
    level: Level = Level.ATOM
    below: tuple[tuple[str, Level, int], ...] = ()
    at: bool = False
    closed: str = ""
    rank: int = 0

    def text(self) -> tuple[str, Level]:
        """The text with its binding strength."""
        if self.is_number and self.coef.is_Add:
            return _scalar(self.coef)
        split = factors(self.coef)
        above = [_scalar(f) for f in split.above if f is not S.One]
        below = [*(_scalar(f) for f in split.below), *((t, level) for t, level, _ in self.below)]
        alone = not above and not below
        if self.body and alone and split.sign > 0:
            return self.body, self.level
        if not self.body and not below and len(above) == 1 and split.sign > 0:
            return above[0]
        parts = [above[0][0] if above[0][1] >= Level.PRODUCT else _brackets(above[0][0])] if above else []
        parts += [_factor(*a) for a in above[1:]]
        if self.body:
            crossing = self.at and any(rank > 0 for _, _, rank in self.below)
            parts.append(self.closed if crossing else _brackets(self.body) if self.level < Level.PRODUCT else self.body)
        text = "*".join(parts) or "1"
        if len(below) == 1:
            text += "/" + _factor(*below[0])
        elif below:
            loose = [level < Level.PRODUCT or t.startswith("-") or "@" in t for t, level in below]
            text += "/(" + "*".join(_brackets(t) if b else t for (t, _), b in zip(below, loose, strict=True)) + ")"
        if below or len(parts) > 1:
            level = Level.PRODUCT
        else:
            level = max(above[0][1] if above else self.level if self.body else Level.ATOM, Level.PRODUCT)
        return ("-" + text, min(level, Level.NEG)) if split.sign < 0 else (text, level)

    @property
    def is_number(self) -> bool:
        return not self.body and not self.below


def _brackets(text: str) -> str:
    return f"({text})"


def _factor(text: str, level: Level) -> str:
    """As a right operand of `*`, `/` or `@`."""
    return _brackets(text) if level <= Level.PRODUCT or text.startswith("-") else text


def _primary(piece: Piece) -> str:
    """As what `.T`, `[...]` or `**` follows."""
    text, level = piece.text()
    return _brackets(text) if level < Level.POSTFIX or text.startswith("-") else text


def _scalar(value: Expr) -> tuple[str, Level]:
    """An exact number or an expression in sizes. These are small, so recursion is fine."""
    if value is S.Infinity:
        return "inf", Level.ATOM
    if value.is_Integer and value >= 0:
        return decimal(value) or str(value), Level.ATOM
    if value.is_Rational and value > 0 and decimal(value):
        return str(decimal(value)), Level.ATOM
    if value is S.Pi:
        return "pi", Level.ATOM
    if isinstance(value, Symbol):
        return value.name, Level.ATOM
    if isinstance(value, Add):
        return _join_terms([_scalar(t) for t in value.as_ordered_terms()]), Level.SUM
    if isinstance(value, Pow) and not value.exp.could_extract_minus_sign():
        if value.exp is S.Half:
            return f"sqrt({_scalar(value.base)[0]})", Level.ATOM
        base, exponent = _scalar(value.base), _scalar(value.exp)
        left = base[0] if base[1] >= Level.POSTFIX else _brackets(base[0])
        return f"{left}**{exponent[0] if exponent[1] >= Level.POWER else _brackets(exponent[0])}", Level.POWER
    if value.is_Rational or isinstance(value, (Mul, Pow)) or value is S.NegativeInfinity:
        return Piece(coef=value).text()
    if isinstance(value, Function):
        name = value.func.__name__
        return f"{_SYMPY_NAMES.get(name, name)}({', '.join(_scalar(a)[0] for a in value.args)})", Level.ATOM
    if value is S.Exp1:
        return "exp(1)", Level.ATOM
    if value.is_number and value.is_real:
        return repr(float(value)), Level.ATOM
    return str(value), Level.ATOM


def _join_terms(terms: list[tuple[str, Level]]) -> str:
    """`a - b + c`: a term that begins with a minus sign gives the sign between."""
    out: list[str] = []
    for text, level in terms:
        text = _brackets(text) if level < Level.SUM else text
        if not out:
            out.append(text)
        elif text.startswith("-"):
            out.append(" - " + text[1:])
        else:
            out.append(" + " + text)
    return "".join(out)


class LanguagePrinter:
    """One method per kind of word; the folding is in `sharing`."""

    def visit(self, node: Node, pieces: list[Piece]) -> Piece:
        if isinstance(node, Num):
            if node.value.is_infinite:
                return Piece(coef=S.One if node.value is not S.NegativeInfinity else S.NegativeOne, body="inf")
            return Piece(coef=node.value)
        if isinstance(node, (Var, Index)):
            return Piece(body=node.name, rank=node.rank)
        assert isinstance(node, Call), type(node)
        return _WORDS.get(node.name, _function)(node, pieces)

    def named(self, name: str, node: Node) -> Piece:
        return Piece(body=name, rank=node.rank)

    def finish(self, piece: Piece, node: Node) -> str:
        return piece.text()[0]


def _add(node: Call, pieces: list[Piece]) -> Piece:
    return Piece(body=_join_terms([p.text() for p in pieces]), level=Level.SUM, rank=node.rank)


def _neg(node: Call, pieces: list[Piece]) -> Piece:
    return replace(pieces[0], coef=-pieces[0].coef)


def _mul(node: Call, pieces: list[Piece]) -> Piece:
    coef: Expr = S.One
    for p in pieces:
        coef = coef * p.coef
    below = tuple(b for p in pieces for b in p.below)
    parts = [p for p in pieces if p.body]
    if not parts:
        return Piece(coef=coef, below=below)
    first, *rest = parts
    body, level, at, closed, rank = first.body, first.level, first.at, first.closed, first.rank
    for p in rest:
        keep = p.level > Level.PRODUCT or (p.level == Level.PRODUCT and not (p.at and (at or rank > 0)))
        left = closed if at else _brackets(body) if level < Level.PRODUCT else body  # `A @ x*s` looks like A @ (x*s)
        body = f"{left}*{p.body if keep else _brackets(p.body)}"
        at, closed = keep and p.at, f"{left}*{p.closed}"
        level, rank = Level.PRODUCT, max(rank, p.rank)
    return Piece(coef, body, level, below, at, closed, rank)


def _div(node: Call, pieces: list[Piece]) -> Piece:
    x, y = pieces
    if y.coef.is_zero or y.below:
        text, level = y.text()
        return replace(x, below=(*x.below, (text, level, y.rank)))
    if y.is_number:
        return replace(x, coef=x.coef / y.coef)
    return replace(x, coef=x.coef / y.coef, below=(*x.below, (y.body, y.level, y.rank)))


def _matmul(node: Call, pieces: list[Piece]) -> Piece:
    first, *rest = pieces
    split = factors(first.coef)
    coef: Expr = S.One
    if first.body and not first.below and not split.below:
        coef, left, level = first.coef, first.body, first.level
    else:
        coef = S.One if split.sign > 0 else S.NegativeOne
        left, level = replace(first, coef=first.coef * coef).text()
    left = _brackets(left) if level < Level.PRODUCT else left
    body = " @ ".join([left, *(_factor(*p.text()) for p in rest)])
    return Piece(coef, body, Level.PRODUCT, (), True, _brackets(body), node.rank)


def _pow(node: Call, pieces: list[Piece]) -> Piece:
    base, exponent = pieces
    text, level = exponent.text()
    bare = level >= Level.POWER or (exponent.is_number and exponent.coef.is_Integer)
    return Piece(body=f"{_primary(base)}**{text if bare else _brackets(text)}", level=Level.POWER, rank=node.rank)


def _transpose(node: Call, pieces: list[Piece]) -> Piece:
    base = _primary(pieces[0])
    if pieces[0].is_number and base[-1] != ")":
        base = _brackets(base)  # `2.T` is not Python
    return Piece(body=f"{base}.T", level=Level.POSTFIX, rank=node.rank)


def _comparison(node: Call, pieces: list[Piece]) -> Piece:
    sides = [_brackets(t) if level <= Level.COMPARE else t for t, level in (p.text() for p in pieces)]
    return Piece(body=f" {COMPARISONS[node.name][0]} ".join(sides), level=Level.COMPARE, rank=node.rank)


def _getitem(node: Call, pieces: list[Piece]) -> Piece:
    base, *indices = pieces
    taken = iter(indices)
    subscripts = []
    for s in node.params["spec"]:
        if s == "at":
            subscripts.append(next(taken).text()[0])
        elif s == "new":
            subscripts.append("None")
        else:
            subscripts.append(_slice(*s[1:]))
    return Piece(body=f"{_primary(base)}[{', '.join(subscripts)}]", level=Level.POSTFIX, rank=node.rank)


def _slice(start: Any, stop: Any, step: Any) -> str:
    text = f"{'' if start is None else value_text(start)}:{'' if stop is None else value_text(stop)}"
    return text if step is None or step == 1 else f"{text}:{value_text(step)}"


def _flip(node: Call, pieces: list[Piece]) -> Piece:
    if node.rank == 1:
        return Piece(body=f"{_primary(pieces[0])}[::-1]", level=Level.POSTFIX, rank=1)
    return _function(node, pieces)


def _binder(node: Call, pieces: list[Piece]) -> Piece:
    body, index, *condition = (p.text()[0] for p in pieces)
    lo, hi = node.params["lo"], node.params["hi"]
    span = value_text(hi) if lo == 0 else f"{value_text(lo)}, {value_text(hi)}"
    only = f" if {condition[0]}" if condition else ""
    return Piece(body=f"{BINDERS[node.name][0]}({body} for {index} in range({span}){only})", rank=0)


def _einsum(node: Call, pieces: list[Piece]) -> Piece:
    """NumPy's einsum wants every output letter once and in some input: `eye` and `ones` operands say the rest."""
    inputs, output = node.params["subs"].split("->")
    labels = inputs.split(",") if node.operands else []
    operands = [p.text()[0] for p in pieces]
    unused = (c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in inputs + output)
    seen: set[str] = set()
    out = ""
    for axis, letter in enumerate(output):
        size = value_text(node.shape[axis])
        if letter in seen:
            fresh = next(unused)
            labels.append(letter + fresh)
            operands.append(f"eye({size})")
            letter = fresh
        elif not any(letter in label for label in labels):
            labels.append(letter)
            operands.append(f"ones({size})")
        seen.add(letter)
        out += letter
    return Piece(body=f"einsum({', '.join([repr(','.join(labels) + '->' + out), *operands])})", rank=node.rank)


def _function(node: Call, pieces: list[Piece]) -> Piece:
    """`name(operands, parameter=value)`, without what equals the defaults."""
    operands = [p.text()[0] for p in without_defaults(node, pieces)]
    if node.name in LISTS:
        operands = [f"[{', '.join(operands)}]"]
    return Piece(body=f"{node.name}({', '.join([*operands, *_parameters(node)])})", rank=node.rank)


def _parameters(node: Call) -> list[str]:
    if node.name in {"ones", "zeros"}:
        shape = node.params["shape"]
        return [value_text(shape[0] if len(shape) == 1 else shape)]
    if node.name == "arange":
        lo, hi = node.params["lo"], node.params["hi"]
        return [value_text(hi)] if lo == 0 else [value_text(lo), value_text(hi)]
    rest, out = given(node), []
    for name in POSITIONAL.get(node.name, ()):
        if is_default(node, name, rest[name]) or (name == "m" and node.name == "eye" and rest["m"] == node.params["n"]):
            if name == "m":
                rest.pop(name)
            break
        value = rest.pop(name)
        out.append("inf" if value == "inf" else value_text(value))
    return out + [f"{k}={value_text(v)}" for k, v in rest.items() if not is_default(node, k, v)]


_WORDS: dict[str, Callable[[Call, list[Piece]], Piece]] = {
    "add": _add,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "matmul": _matmul,
    "T": _transpose,
    "getitem": _getitem,
    "flip": _flip,
    "einsum": _einsum,
    **dict.fromkeys(COMPARISONS, _comparison),
    **dict.fromkeys(BINDERS, _binder),
}
_SYMPY_NAMES = {"loggamma": "lgamma", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}
_PRINTER = LanguagePrinter()

__all__ = ["LanguagePrinter", "Piece", "size_text", "to_text", "to_text_shared", "to_text_shared_many", "value_text"]
