"""Text to tokens: finds what `ast` would choke on (depth, digits, odd characters) while the place is still known."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple, NoReturn

from ..errors import InputError, Span
from .limits import MAX_DEPTH, MAX_NAME, MAX_NODES, check_length, too_deep, too_many
from .numbers import MAX_DIGITS, literal

_TOKEN = re.compile(
    r"""(?P<space>[ \t\f\r\u00a0\u2000-\u200a\u202f\u3000\ufeff]+)
      | (?P<newline>\n)
      | (?P<comment>\#[^\n]*)
      | (?P<number>0[xXoObB][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>'[^'\\\n]*'|"[^"\\\n]*")
      | (?P<op>\*\*|//|<=|>=|==|!=|->|:=|<<|>>|\.\.\.|[-+*/@%<>=()\[\]{},:.;&|^~])""",
    re.VERBOSE,
)
_LATEX = "LaTeX is read by parse_latex, and on the command line with --from latex"
_CLOSES = {")": "(", "]": "[", "}": "{"}
_HINTS = {
    "−": "write the minus sign as -", "–": "write the minus sign as -", "—": "write the minus sign as -",
    "×": "write * for a product", "·": "write * or @ for a product", "⋅": "write * or @ for a product",
    "∘": "write * for the elementwise product", "⊙": "write * for the elementwise product", "≤": "write <=", "≥": "write >=",
    "≠": "write !=", "ᵀ": "write .T for the transpose", "²": "write **2", "³": "write **3", "√": "write sqrt(...)",
    "∑": "write sum(... for i in range(n))", "\\": _LATEX, "$": _LATEX,
    "'": "write .T for the transpose", "!": "there is no factorial; exp(lgamma(n + 1)) is one",
    "\0": "the text holds a null byte", "∞": "write inf", "÷": "write /", "“": "use straight quotes",
    "ᵢ": "write x[i] for an entry", "ⱼ": "write x[j] for an entry", "ₖ": "write x[k] for an entry",
    "”": "use straight quotes", "’": "write .T",
}  # fmt: skip


class Token(NamedTuple):
    """`kind` is name, number, string, op or newline."""

    kind: str
    text: str
    start: int
    stop: int
    depth: int  # brackets around it


def scan(source: str, name: str = "") -> list[Token]:
    """Tokens of a text without spaces, comments and newlines inside brackets; brackets match.

    Raises:
        InputError: SD101 for characters, brackets and juxtapositions that mean nothing.
        LimitError: SD901, SD902, SD903.
    """
    check_length(source, name)
    tokens: list[Token] = []
    opened: list[Token] = []
    at, end = 0, len(source)
    match = _TOKEN.match
    while at < end:
        found = match(source, at)
        if found is None:
            _odd_character(source, at, name)
        kind, text, stop = found.lastgroup or "", found.group(), found.end()
        if kind == "op":
            if text in "([{":
                opened.append(Token(kind, text, at, stop, len(opened)))
                tokens.append(opened[-1])
                if len(opened) > MAX_DEPTH:
                    raise too_deep("the text", Span(source, at, stop, name))
            else:
                if text in _CLOSES:
                    _close(source, name, opened, text, at)
                tokens.append(Token(kind, text, at, stop, len(opened)))
        elif kind == "newline":
            if not opened:
                tokens.append(Token(kind, text, at, stop, 0))
        elif kind not in ("space", "comment"):
            if kind == "name":
                _check_name(source, at, stop, name)
            elif kind == "number" and stop - at > MAX_DIGITS:
                literal(text, Span(source, at, stop, name))
            if kind == "number" and stop < end and (source[stop].isalnum() or source[stop] == "_"):
                _glued(source, at, stop, name)
            tokens.append(Token(kind, text, at, stop, len(opened)))
        at = stop
    if opened:
        t = opened[-1]
        raise InputError(f"`{t.text}` is never closed", code="SD101", span=Span(source, t.start, t.stop, name))
    if len(tokens) > 2 * MAX_NODES:
        raise too_many(Span(source, tokens[2 * MAX_NODES].start, tokens[2 * MAX_NODES].stop, name))
    return tokens


def _check_name(source: str, at: int, stop: int, name: str) -> None:
    if stop - at > MAX_NAME:
        span = Span(source, at, stop, name)
        raise InputError(f"the name {source[at : at + 20]}… has {stop - at} characters", code="SD101", span=span)
    if not source.isascii():
        for k in range(at, stop):
            # Python folds a raised letter into a plain one, so `Aᵀ` would be the name AT
            if unicodedata.category(source[k]) in ("Lm", "No"):
                _odd_character(source, k, name)


def _close(source: str, name: str, opened: list[Token], text: str, at: int) -> None:
    if not opened:
        raise InputError(f"`{text}` closes nothing", code="SD101", span=Span(source, at, at + 1, name))
    begin = opened.pop()
    if begin.text != _CLOSES[text]:
        line = Span(source, begin.start, begin.stop, name)
        where = f"line {line.line}, column {line.column}"
        raise InputError(f"`{text}` does not close `{begin.text}` of {where}", code="SD101", span=Span(source, at, at + 1, name))


def _glued(source: str, at: int, stop: int, name: str) -> NoReturn:
    word = re.compile(r"\w+").match(source, stop)
    last = word.end() if word else stop + 1
    number, rest = source[at:stop], source[stop:last]
    span = Span(source, at, last, name)
    if rest in ("j", "J"):
        raise InputError(f"`{number}{rest}` is a complex number", code="SD111", hint="only real numbers are read", span=span)
    raise InputError(
        f"`{number[:20]}{rest[:20]}` is not a number",
        code="SD101",
        hint=f"for a product write {number[:20]}*{rest[:20]}",
        span=span,
    )


def _odd_character(source: str, at: int, name: str) -> NoReturn:
    c = source[at]
    shown = f"`{c}`" if c.isprintable() else f"U+{ord(c):04X}"
    shown = f"U+{ord(c):04X}" if "\ud800" <= c <= "\udfff" else shown
    hint = _HINTS.get(c, "")
    if c in "'\"":
        shown, hint = (
            f"a string that begins with {c}",
            "write .T for the transpose" if c == "'" else "strings are only names of norms and einsum subscripts",
        )
    raise InputError(f"{shown} cannot be read here", code="SD101", hint=hint, span=Span(source, at, at + 1, name))
