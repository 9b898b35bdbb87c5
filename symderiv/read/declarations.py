"""Declarations: `X: n, d`, `A: n,n symmetric`, `lam: scalar positive`, and the same from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Expr, Integer

from ..errors import InputError, Span
from ..expr.nodes import Var
from ..expr.sizes import Shape, show_shape, size_symbol
from .limits import MAX_RANK
from .names import CONSTANTS, is_name, nearest, normal_name
from .numbers import literal
from .scan import Token, scan

ATTRIBUTES = ("symmetric", "diagonal", "psd", "positive", "nonnegative", "onehot", "simplex", "integer")
_SQUARE = {"symmetric", "diagonal", "psd"}
_ROWS = {"onehot", "simplex"}
_MEANT = {  # what people write for an attribute
    "definite": "for a positive definite matrix write psd", "pd": "write psd", "spd": "write psd", "posdef": "write psd",
    "x": "sizes are separated by commas: n,d", "vector": "write its size: w: n", "matrix": "write its sizes: X: n,d",
    "real": "everything is real; leave it out", "float": "everything is real; leave it out", "int": "write integer",
    "labels": "write integer", "hot": "write onehot", "probabilities": "write simplex",
}  # fmt: skip
_FORM = "a declaration is `name: sizes attributes`, as in `A: n,n symmetric` or `lam: scalar`"


@dataclass
class Declarations:
    """Declared variables, in order, each with the words that say where.

    Attributes:
        vars: name -> variable.
        where: name -> "declared at line 1".
        spans: name -> place, where there is a text.
        sizes: size names that occur in shapes, name -> symbol.
    """

    vars: dict[str, Var] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    spans: dict[str, Span | None] = field(default_factory=dict)
    sizes: dict[str, Expr] = field(default_factory=dict)

    def add(self, variable: Var, where: str, span: Span | None = None) -> None:
        """One more variable.

        Raises:
            InputError: SD109 when the name is declared otherwise already.
        """
        name = variable.name
        old = self.vars.get(name)
        if old is not None and old is not variable:
            shown = f"{show_shape(old.shape)} {self.where[name]}".strip()
            raise InputError(f"`{name}` is declared twice; it was {shown}", code="SD109", span=span)
        self.vars[name] = variable
        self.where.setdefault(name, where)
        self.spans.setdefault(name, span)
        for size in variable.shape:
            for s in sorted(size.free_symbols, key=str):
                self.sizes[s.name] = s

    def check_names(self) -> None:
        """Refuse a name that is both a variable and a size.

        Raises:
            InputError: SD109.
        """
        for name, variable in self.vars.items():
            if name in self.sizes:
                user = next(v.name for v in self.vars.values() if any(self.sizes[name] in s.free_symbols for s in v.shape))
                kind = "a variable" if variable.rank else "a scalar variable"
                raise InputError(
                    f"`{name}` is {kind} and a size of `{user}`: one name cannot be both",
                    code="SD109",
                    hint=f"sizes are numbers already: leave out the declaration of `{name}`, or rename one of the two",
                    span=self.spans.get(name),
                )


def make_var(name: str, shape: Shape, attrs: Iterable[str], span: Span | None = None) -> Var:
    """A variable whose attributes fit its shape; psd and diagonal matrices are symmetric as well.

    Raises:
        InputError: SD106 for a name or rank that cannot be, SD107 for attributes that do not fit.
    """
    attrs = list(dict.fromkeys(attrs))
    if not is_name(name):
        hint = (
            "`lambda` is a word of Python; write `lam`"
            if name == "lambda"
            else "a name is letters, digits and _, not beginning with a digit"
        )
        raise InputError(f"`{name[:60]}` cannot name a variable", code="SD106", hint=hint, span=span)
    if len(shape) > MAX_RANK:
        raise InputError(f"`{name}` has {len(shape)} axes; at most {MAX_RANK} are read", code="SD106", span=span)
    for a in attrs:
        if a not in ATTRIBUTES:
            hint = _MEANT.get(a.lower()) or nearest(a, (*ATTRIBUTES, "scalar")) or "the attributes are " + ", ".join(ATTRIBUTES)
            if str(a) in map(str, shape):
                hint = "sizes are separated by commas: n,n"
            raise InputError(f"`{a[:40]}` is not an attribute", code="SD107", hint=hint, span=span)
        if a in _SQUARE and (len(shape) < 2 or shape[-1] != shape[-2]):
            raise InputError(
                f"`{name}` of shape {show_shape(shape)} cannot be {a}: it is not a square matrix", code="SD107", span=span
            )
        if a in _ROWS and not shape:
            raise InputError(
                f"the scalar `{name}` cannot be {a}", code="SD107", hint="a vector or the rows of a matrix can", span=span
            )
    if "integer" in attrs and ("simplex" in attrs or "psd" in attrs):
        raise InputError(f"`{name}` cannot be integer and {'simplex' if 'simplex' in attrs else 'psd'}", code="SD107", span=span)
    if _SQUARE & set(attrs):
        attrs.append("symmetric")
    return Var(name, shape, dict.fromkeys(attrs))


# text --------------------------------------------------------------------------------------------------------------------


def read_declaration(source: str, tokens: list[Token], into: Declarations, name: str = "", where: str = "") -> None:
    """`x, y: n positive`: the names, the sizes and the attributes of one declaration.

    Raises:
        InputError: SD106 for another form, SD107 for attributes, SD109 for names declared before.
    """
    colon = next(k for k, t in enumerate(tokens) if t.text == ":")
    span = Span(source, tokens[0].start, tokens[-1].stop, name)
    names = tokens[:colon]
    good = len(names) % 2 == 1 and all(t.kind == "name" if k % 2 == 0 else t.text == "," for k, t in enumerate(names))
    if not good:
        raise InputError("this is not a declaration", code="SD106", hint=_FORM, span=span)
    rest = tokens[colon + 1 :]
    if any(t.text == ":" for t in rest):
        raise InputError("two declarations on one line", code="SD106", hint="put `;` between them", span=span)
    shape, attrs = _Specification(source, rest, name, tokens[colon]).read()
    for t in names[::2]:
        place = Span(source, t.start, t.stop, name)
        try:
            variable = make_var(normal_name(t.text), shape, attrs)
        except InputError as error:
            raise error.at(_attribute_place(source, rest, name, error) or span) from None
        into.add(variable, where or f"declared at line {place.line}", place)


def _attribute_place(source: str, tokens: list[Token], name: str, error: InputError) -> Span | None:
    if error.code != "SD107":
        return None
    for t in tokens:
        if t.kind == "name" and (f"`{t.text}` is not an attribute" in error.message or f"cannot be {t.text}" in error.message):
            return Span(source, t.start, t.stop, name)
    return None


class _Specification:
    """`n, 2*d symmetric psd`, `scalar`, `(n, d)`."""

    def __init__(self, source: str, tokens: list[Token], name: str, after: Token | None = None) -> None:
        self.source, self.tokens, self.name, self.at = source, tokens, name, 0
        self.after = after

    def read(self) -> tuple[Shape, list[str]]:
        if not self.tokens:
            raise self._error("the sizes are missing", f"write `scalar`, or the sizes; {_FORM}")
        shape: list[Expr] = []
        if self._peek() == "scalar":
            self.at += 1
        elif self._peek() in ATTRIBUTES:
            raise self._error("the sizes are missing before the attributes", f"write scalar {self._peek()}")
        else:
            bracket = self._peek() == "(" and self._closes_all()
            self.at += bracket
            while not (bracket and self._peek() == ")"):
                shape.append(self._size())
                if self._peek() != ",":
                    break
                self.at += 1
                if self._peek() in ATTRIBUTES:  # "n,n, symmetric"
                    break
            if bracket:
                self._expect(")")
        attrs = []
        while self.at < len(self.tokens):
            t = self.tokens[self.at]
            if t.text == "," and self.at + 1 < len(self.tokens):
                self.at += 1
                continue
            if t.kind != "name":
                several = "declarations are separated by `;`, as in `X: n,d; w: d`"
                raise self._error(f"`{t.text}` cannot stand in a declaration", several if t.text == ":" else _FORM)
            attrs.append(t.text)
            self.at += 1
        return tuple(shape), attrs

    def _peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def _closes_all(self) -> bool:
        """Whether the bracket here holds the whole shape rather than one size."""
        closing = next(k for k, t in enumerate(self.tokens) if t.text == ")" and t.depth == self.tokens[0].depth)
        return closing + 1 == len(self.tokens) or self.tokens[closing + 1].kind == "name"

    def _expect(self, text: str) -> None:
        if self._peek() != text:
            raise self._error(f"`{text}` is missing", _FORM)
        self.at += 1

    def _size(self) -> Expr:
        """A sum of products of names and whole numbers."""
        begin = self.at
        value = self._product()
        while self._peek() in ("+", "-"):
            sign = 1 if self._peek() == "+" else -1
            self.at += 1
            value += sign * self._product()
        return check_size(value, lambda m, h="": self._error(m, h, begin))

    def _product(self) -> Expr:
        value = self._atom()
        while self._peek() == "*":
            self.at += 1
            value *= self._atom()
        return value

    def _atom(self) -> Expr:
        t = self.tokens[self.at] if self.at < len(self.tokens) else None
        if t is None:
            raise self._error("a size is missing", _FORM)
        self.at += 1
        if t.text == "-":
            return -self._atom()
        if t.kind == "number":
            return literal(t.text, Span(self.source, t.start, t.stop, self.name))
        if t.kind == "name":
            name = normal_name(t.text)
            if not is_name(name) or name in CONSTANTS:
                raise self._error(f"`{name}` cannot name a size", "", self.at - 1)
            return size_symbol(name)
        raise self._error(f"`{t.text}` is not a size", "a size is a name or a whole number", self.at - 1)

    def _error(self, message: str, hint: str = "", at: int | None = None) -> InputError:
        at = self.at if at is None else at
        tokens = self.tokens or ([self.after] if self.after else [])
        t = tokens[min(at, len(tokens) - 1)] if tokens else None
        span = Span(self.source, t.start, t.stop, self.name) if t else Span(self.source, 0, 1, self.name)
        return InputError(message, code="SD106", hint=hint, span=span)


def check_size(value: Expr, error: Any) -> Expr:
    """A size is a whole number of at least 1, or an expression that can be one."""
    value = sympy.expand(value)
    if value.is_number and not value.is_Integer:
        raise error(f"the size {value} is not a whole number")
    if value.is_Integer and value > 2**31:
        raise error(f"the size {value} is too large")
    if value.is_nonpositive:
        raise error(f"the size {value} is not at least 1", "an empty array has nothing to differentiate")
    return value


# Python ------------------------------------------------------------------------------------------------------------------


def declarations_from(given: object) -> Declarations:
    """Declarations from a dict, a list or a text.

    Args:
        given: `{"X": "n,d", "w": ("d",), "A": var(...)}`, `["X: n,d", "w: d"]` or `"X: n,d; w: d"`; None for none.

    Raises:
        InputError: SD106, SD107, SD109.
    """
    into = Declarations()
    if given is None:
        return into
    if isinstance(given, Mapping):
        for name, spec in given.items():
            _from_python(name, spec, into)
    elif isinstance(given, str):
        _from_text(given, into)
    elif isinstance(given, Var):
        into.add(given, "declared")
    elif isinstance(given, Iterable):
        for item in given:
            if isinstance(item, Var):
                into.add(item, "declared")
            elif isinstance(item, str):
                _from_text(item, into)
            else:
                raise InputError(f"{item!r} is not a declaration", code="SD106", hint=_FORM)
    else:
        raise InputError(f"vars cannot be of type {type(given).__name__}", code="SD106", hint='vars={"X": "n,d", "w": "d"}')
    return into


def _from_text(text: str, into: Declarations) -> None:
    statement: list[Token] = []
    tokens = scan(text, "vars")
    for t in [*tokens, Token("newline", "\n", len(text), len(text), 0)]:
        if t.depth or not (t.kind == "newline" or t.text == ";"):
            statement.append(t)
            continue
        if statement:
            if not any(s.text == ":" for s in statement):
                span = Span(text, statement[0].start, statement[-1].stop, "vars")
                raise InputError("this is not a declaration", code="SD106", hint=_FORM, span=span)
            read_declaration(text, statement, into, "vars", "declared")
        statement = []


def _from_python(name: object, spec: object, into: Declarations) -> None:
    if not isinstance(name, str):
        raise InputError(f"the name {name!r} is not a string", code="SD106", hint=_FORM)
    name = normal_name(name.strip())
    if isinstance(spec, Var):
        if spec.name != name:
            raise InputError(f"`{name}` is declared as a variable called `{spec.name}`", code="SD106", hint="use one name")
        into.add(make_var(spec.name, spec.shape, spec.attrs), "declared")
        return
    if isinstance(spec, str):
        source = f"{name}: {spec}"
        if "×" in spec:
            raise InputError(f"{source!r}: `×` cannot stand in a declaration", code="SD106", hint=_MEANT["x"])
        tokens = [t for t in scan(spec, "vars") if t.kind != "newline"]
        try:
            variable = make_var(name, *_Specification(spec, tokens, "vars").read())
        except InputError as error:
            error.message = f"{source.strip()!r}: {error.message}"
            error.args = (error.message,)
            raise error.at(_attribute_place(spec, tokens, "vars", error)) from None
        into.add(variable, "declared")
        return
    if isinstance(spec, (int, Expr)) and not isinstance(spec, bool):
        spec = (spec,)
    if not isinstance(spec, (tuple, list)):
        hint = f'"{name}": "n,d symmetric", or a tuple of sizes'
        raise InputError(f"`{name}` is declared by a {type(spec).__name__}", code="SD106", hint=hint)
    into.add(make_var(name, tuple(_python_size(name, s) for s in spec), ()), "declared")


def _python_size(name: str, size: object) -> Expr:
    def error(message: str, hint: str = "") -> InputError:
        return InputError(f"`{name}`: {message}", code="SD106", hint=hint)

    if isinstance(size, str):
        shape, attrs = _Specification(size, scan(size, "vars"), "vars").read()
        if len(shape) != 1 or attrs:
            raise error(f"{size!r} is not one size")
        return shape[0]
    if isinstance(size, bool) or not (isinstance(size, (int, Expr)) or hasattr(size, "__index__")):
        raise error(f"{size!r} is not a size", "a size is a whole number or a name")
    if isinstance(size, Expr):
        renamed = {s: size_symbol(s.name) for s in size.free_symbols if not isinstance(s, sympy.Dummy)}
        return check_size(size.xreplace(renamed), error)
    return check_size(Integer(size.__index__()), error)  # type: ignore[union-attr]
