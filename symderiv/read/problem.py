"""Problems: declarations, definitions and the result, from a text or a `.sd` file."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError, Span, SymDerivError
from ..expr.nodes import Node, Var
from ..expr.sizes import size_symbol, unifying
from ..expr.walk import variables
from .declarations import Declarations, declarations_from, read_declaration
from .infer import Inference, ProblemReader, sentence, size_names
from .limits import MAX_LENGTH, too_deep
from .names import is_name, nearest, normal_name
from .scan import Token, scan
from .syntax import parse_tokens

FILE_LIMIT = 4 * MAX_LENGTH + 3  # bytes: UTF-8 has at most 4 for a character, and there may be a mark in front


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """What a text says.

    Attributes:
        source: the text.
        expr: words of the result.
        vars: name -> variable; declared ones first, then in order of first occurrence.
        assumptions: a sentence for everything that was assumed for undeclared names.
        definitions: name -> words, in order.
        spans: words -> place of their first occurrence.
        name: name of the result, or "".
        path: the file, or "".
    """

    source: str
    expr: Node
    vars: dict[str, Var]
    assumptions: list[str] = field(default_factory=list)
    definitions: dict[str, Node] = field(default_factory=dict)
    spans: dict[Node, Span] = field(default_factory=dict)
    name: str = ""
    path: str = ""

    def __repr__(self) -> str:
        source = " ".join(self.source.split())
        return f"<problem {source if len(source) <= 100 else source[:99] + '…'}>"


class Statement(NamedTuple):
    """`kind` is declaration, definition or expression; a definition has a name."""

    kind: str
    name: str
    tokens: list[Token]
    span: Span


def parse(text: str, vars: object = None, name: str | None = None, *, path: str = "") -> Problem:
    """The problem that a text states: an expression, or declarations and definitions, one a line or separated by `;`.

    Args:
        text: the input language; `#` begins a comment.
        vars: more declarations: `{"X": "n,d", "w": ("d",)}`, `["X: n,d"]` or `"X: n,d; w: d"`.
        name: the definition that is the result; the last statement by default.
        path: what the text is called in messages.

    Raises:
        InputError: SD1xx for what cannot be read.
        ShapeError: SD2xx for sizes that do not fit.
        LimitError: SD9xx.
    """
    if not isinstance(text, str):
        raise InputError(f"a text is needed, not {type(text).__name__}", code="SD101", hint="write the expression in quotes")
    try:
        return _read(_printable(text), vars, name, path)
    except SymDerivError:
        raise
    except RecursionError:
        raise too_deep("the text", Span(_printable(text), 0, 1, path)) from None
    except Exception as error:  # the border: nothing but SymDerivError leaves
        what = f"this could not be read ({type(error).__name__}: {str(error)[:200]})"
        raise InputError(what, code="SD100", hint="please report it", span=Span(_printable(text), 0, 1, path)) from error


def load(path: str | Path, name: str | None = None, vars: object = None) -> Problem:
    """The problem in a `.sd` file, UTF-8 with or without a byte order mark, lines ended any way.

    Raises:
        InputError: SD110 when the file cannot be read as text; otherwise as `parse`.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{file} is a directory", code="SD110", hint="name a .sd file in it")
        with file.open("rb") as stream:
            data = stream.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        parent = file.parent
        near = (
            nearest(file.name, [p.name for p in parent.iterdir()][:500]) if parent.is_dir() else f"there is no directory {parent}"
        )
        raise InputError(f"there is no file {file}", code="SD110", hint=near) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be opened: {getattr(error, 'strerror', None) or error}", code="SD110") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{file} is UTF-16", code="SD110", hint="save it as UTF-8")
    if b"\0" in data:
        raise InputError(f"{file} is a binary file", code="SD110", hint="a .sd file is text in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > FILE_LIMIT:
            raise InputError(f"{file} is larger than {FILE_LIMIT} bytes", code="SD110") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file} is not UTF-8: byte {data[error.start]:#04x} in line {line}", code="SD110", hint="save it as UTF-8"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return parse(text, vars, name, path=str(file))


def _printable(text: str) -> str:
    """Halves of surrogate pairs cannot be printed: U+FFFD stands for them, which `scan` refuses."""
    return text if text.isascii() else "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def _read(text: str, vars: object, name: str | None, path: str) -> Problem:
    declared = declarations_from(vars)
    statements = split_statements(text, path)
    for s in statements:
        if s.kind == "declaration":
            read_declaration(text, s.tokens, declared, path)
    declared.check_names()
    stated = [s for s in statements if s.kind != "declaration"]
    _check_statements(stated, declared, text, path)
    trees = [parse_tokens(text, s.tokens, path) for s in stated]
    names = {t.text for s in statements for t in s.tokens if t.kind == "name"} | {s.name for s in statements if s.name}
    inference = Inference()
    assumptions = _assume_sizes(trees, stated, declared)
    try:
        with unifying(inference.unifier):
            reader, values = _read_all(text, path, declared, stated, trees, inference, names)
    except SymDerivError as error:
        error.message, error.hint = inference.readable(error.message), inference.readable(error.hint)
        raise
    whys = {n: g.why for n, g in inference.guesses.items()}
    if inference.guesses:
        guessed = inference.settle(reader.reserved | set(declared.vars) | set(declared.sizes))
        final = Declarations(dict(declared.vars), dict(declared.where), dict(declared.spans), dict(declared.sizes))
        for v in guessed.values():
            final.add(v, f"assumed ({whys[v.name]})")
        reader, values = _read_all(text, path, final, stated, trees, None, names)
        assumptions += [sentence(v, whys[v.name]) for v in guessed.values()]
        declared = final
    assumptions += reader.constants.values()
    return _problem(text, path, name, stated, values, reader, declared, assumptions)


def _problem(text, path, name, stated, values, reader, declared, assumptions) -> Problem:
    definitions = {s.name: v for s, v in zip(stated, values, strict=True) if s.kind == "definition"}
    if name is None:
        result, expr = stated[-1].name, values[-1]
    elif name in definitions:
        result, expr = name, definitions[name]
    else:
        hint = nearest(str(name), definitions) or (
            "there is " + ", ".join(definitions) if definitions else "the text defines no names"
        )
        raise InputError(f"the text does not define `{name}`", code="SD104", hint=hint, span=Span(text, 0, 1, path))
    spans = {node: Span(text, a, b, path) for node, (a, b) in reader.places.items()}
    used = {v.name: v for v in variables(*values)}
    return Problem(text, expr, {**declared.vars, **used}, assumptions, definitions, spans, result, path)


def split_statements(text: str, path: str = "") -> list[Statement]:
    """The statements of a text, told apart by `:` and `=` outside brackets."""
    out: list[Statement] = []
    current: list[Token] = []
    for t in [*scan(text, path), Token("newline", "\n", len(text), len(text), 0)]:
        if t.depth or not (t.kind == "newline" or t.text == ";"):
            current.append(t)
        elif current:
            out.append(_statement(text, current, path))
            current = []
    return out


def _statement(text: str, tokens: list[Token], path: str) -> Statement:
    span = Span(text, tokens[0].start, tokens[-1].stop, path)
    signs = [t.text for t in tokens if t.depth == 0 and t.kind == "op" and t.text in (":", "=")]
    first = tokens[0]
    if signs and signs[0] == ":" and first.kind == "name" and not any(t.text == "lambda" for t in tokens[1:]):
        colon = next(t for t in tokens if t.text == ":")
        if first.text != "lambda" or (len(tokens) > 1 and tokens[1] is colon):
            return Statement("declaration", "", tokens, span)
    if first.kind == "name" and len(tokens) > 1 and tokens[1].text == "=":
        target = Span(text, first.start, first.stop, path)
        label = normal_name(first.text)
        if not is_name(label):
            hint = "`lambda` is a word of Python; write `lam`" if label == "lambda" else ""
            raise InputError(f"`{label}` cannot name a definition", code="SD106", hint=hint, span=target)
        if len(tokens) == 2:
            raise InputError(
                f"`{label}` is defined as nothing", code="SD101", span=Span(text, tokens[1].start, tokens[1].stop, path)
            )
        return Statement("definition", label, tokens[2:], target)
    return Statement("expression", "", tokens, span)


def _check_statements(stated: list[Statement], declared: Declarations, text: str, path: str) -> None:
    if not stated:
        what = "there are declarations and nothing to differentiate" if ":" in text else "there is nothing to read"
        raise InputError(what, code="SD112", hint="write an expression, or name = expression", span=Span(text, 0, 1, path))
    seen: dict[str, Span] = {}
    for k, s in enumerate(stated):
        if s.kind == "expression" and k < len(stated) - 1:
            hint = "name it (`a = …`), or put brackets around an expression of several lines"
            raise InputError("an expression without a name can only come last", code="SD101", hint=hint, span=s.span)
        if s.kind != "definition":
            continue
        if s.name in seen:
            hint = "give the second one a name of its own"
            raise InputError(
                f"`{s.name}` is defined twice; first at line {seen[s.name].line}", code="SD109", hint=hint, span=s.span
            )
        if s.name in declared.vars:
            raise InputError(
                f"`{s.name}` is declared as a variable and defined", code="SD109", hint="leave out one of the two", span=s.span
            )
        if s.name in declared.sizes:
            raise InputError(
                f"`{s.name}` is a size and cannot be defined as well", code="SD109", hint="rename one of the two", span=s.span
            )
        seen[s.name] = s.span


def _assume_sizes(trees: list[ast.expr], stated: list[Statement], declared: Declarations) -> list[str]:
    """Names that stand where sizes stand become sizes; a sentence for each."""
    known = {*declared.vars, *declared.sizes, *(s.name for s in stated)}
    out = []
    for name in size_names(trees, known):
        declared.sizes[name] = size_symbol(name)
        out.append(f"{name} is a size (it stands where a size stands)")
    return out


def _read_all(text, path, declared, stated, trees, inference, names) -> tuple[ProblemReader, list[Node]]:
    later = {s.name: s.span for s in stated if s.kind == "definition"}
    reader = ProblemReader(text, path, declared, later, inference, names)
    values = []
    for s, tree in zip(stated, trees, strict=True):
        value = reader.read(tree)
        if s.kind == "definition":
            del later[s.name]
            reader.env[s.name] = value
        values.append(value)
    return reader, values
