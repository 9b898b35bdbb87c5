"""Tokens to a tree of brackets, braces and environments; a cursor that walks one level of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...errors import InputError, LimitError, Span
from .tokens import MAX_DEPTH, Token

_OPENERS = {"(": ")", "[": "]", "{": "}", "lbrace": "rbrace", "langle": "rangle", "lvert": "rvert", "lVert": "rVert",
            "lfloor": "rfloor", "lceil": "rceil", "lbrack": "rbrack"}  # fmt: skip
_CLOSERS = {v: k for k, v in _OPENERS.items()}
# what a delimiter is called from here on
_DELIMITERS = {
    "lbrace": "{", "rbrace": "}", "{": "{", "}": "}", "lbrack": "[", "rbrack": "]", "lvert": "|", "rvert": "|", "vert": "|", "lVert": "||",
    "rVert": "||", "Vert": "||", "|": "||", "langle": "<", "rangle": ">", "<": "<", ">": ">",
}  # fmt: skip
_SIZES = {
    f"{b}{s}" for b in ("big", "Big", "bigg", "Bigg") for s in ("", "l", "r", "m")
}  # they say how large a bracket is, nothing more
_IGNORED = {
    "nonumber", "notag", "displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits", "allowbreak", "hfill",
    "noindent", "centering", "blacksquare", "square", "qed", "Box", "protect", "relax", "!", ",", ":", ";", ">", " ", "thinspace",
    "medspace", "thickspace", "negthinspace", "negmedspace", "negthickspace", "enspace", "/", "@", "hline", "strut", "null",
}  # fmt: skip
_IGNORED_WITH_ARGUMENT = {"label", "tag", "hspace", "vspace", "phantom", "hphantom", "vphantom", "color", "mspace", "kern",
"ref", "eqref",
                          "cite", "footnote"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What stands between two brackets. `opener` is `brace` for `{...}`, else as it is called in mathematics: ( [ { < | ||, ""
    for none."""

    opener: str
    closer: str
    items: tuple[Item, ...]
    start: int
    stop: int
    spaced: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """`\\begin{name} ... \\end{name}`."""

    name: str
    items: tuple[Item, ...]
    start: int
    stop: int
    spaced: bool = False


Item = Token | Group | Environment


@dataclass
class _Frame:
    opening: Token
    kind: str  # brace, bracket, left, environment
    opener: str = ""
    items: list[Item] = field(default_factory=list)


def is_macro(item: Item | None, *names: str) -> bool:
    """Whether the item is one of these macros (any macro without names)."""
    return isinstance(item, Token) and item.kind == "macro" and (not names or item.text in names)


def is_char(item: Item | None, *chars: str) -> bool:
    """Whether the item is one of these characters."""
    return isinstance(item, Token) and item.kind == "char" and item.text in chars


class TreeBuilder:
    """Brackets matched; spacing, sizes of brackets, labels and tags dropped."""

    def __init__(self, source: str, tokens: Sequence[Token], name: str = "") -> None:
        self.source, self.tokens, self.name = source, tokens, name
        self.at = 0
        self.frames: list[_Frame] = [_Frame(Token("root", "", 0, 0), "root")]

    def error(self, what: str, token: Token, hint: str = "") -> InputError:
        return InputError(
            what, code="SD130", hint=hint, span=Span(self.source, token.start, max(token.stop, token.start + 1), self.name)
        )

    def build(self) -> tuple[Item, ...]:
        """The items of the top level.

        Raises:
            InputError: SD130 for what opens or closes alone.
            LimitError: SD902.
        """
        while self.at < len(self.tokens):
            t = self.tokens[self.at]
            self.at += 1
            self._token(t)
        if len(self.frames) > 1:
            raise self._unclosed(self.frames[-1])
        return angled(self.frames[0].items)

    def _unclosed(self, frame: _Frame) -> InputError:
        shown = (
            f"\\begin{{{frame.opening.text}}}"
            if frame.kind == "environment"
            else "\\left"
            if frame.kind == "left"
            else frame.opening.shown
        )
        return self.error(f"`{shown}` is never closed", frame.opening)

    def _token(self, t: Token) -> None:
        if t.kind == "open":
            self._push(_Frame(t, "brace", "brace"))
        elif t.kind == "close":
            self._close(t, "brace", "brace")
        elif t.kind == "begin":
            self._push(_Frame(t, "environment"))
        elif t.kind == "end":
            self._end(t)
        elif t.kind == "newline":
            self._newline(t)
        elif t.kind == "macro":
            self._macro(t)
        elif t.kind == "char" and t.text in "([":
            self._push(_Frame(t, "bracket", t.text))
        elif t.kind == "char" and t.text in ")]":
            self._close(t, "bracket", _CLOSERS[t.text])
        else:
            self._add(t)

    def _macro(self, t: Token) -> None:
        name = t.text
        if name in ("left", "right"):
            self._left_right(t)
        elif name in _SIZES:
            pass
        elif name in _IGNORED_WITH_ARGUMENT:
            self._skip_argument(t)
            if name == "hspace":
                self._add(Token("macro", "quad", t.start, t.stop))  # separates formulas as \quad does
        elif name in _IGNORED:
            pass
        elif name == "middle":
            self.at += 1
            self._add(Token("macro", "mid", t.start, t.stop, t.spaced))
        elif name in _OPENERS:
            self._push(_Frame(t, "bracket", _DELIMITERS.get(name, name)))
        elif name in _CLOSERS and name not in (")", "]"):
            self._close(t, "bracket", _DELIMITERS.get(_CLOSERS[name], _CLOSERS[name]))
        else:
            self._add(t)

    def _skip_argument(self, t: Token) -> None:
        """`\\label{...}`, `\\hspace*{...}`; the braces may hold anything."""
        if self.at < len(self.tokens) and self.tokens[self.at].text == "*":
            self.at += 1
        depth = 0
        while self.at < len(self.tokens):
            n = self.tokens[self.at]
            if not depth and n.kind != "open":
                return
            depth += (n.kind == "open") - (n.kind == "close")
            self.at += 1
            if not depth:
                return
        raise self.error(f"`\\{t.text}` is never closed", t)

    def _newline(self, t: Token) -> None:
        """`\\\\`, `\\\\*`, `\\\\[2pt]`."""
        if self.at < len(self.tokens) and self.tokens[self.at].text == "*" and not self.tokens[self.at].spaced:
            self.at += 1
        rest = self.tokens[self.at : self.at + 12]
        if rest and rest[0].text == "[" and not rest[0].spaced:
            inside = "".join(x.text for x in rest[1:])
            length, bracket, _ = inside.partition("]")
            if bracket and length.strip("-0123456789.") in ("pt", "em", "ex", "cm", "mm", "in", "jot", "baselineskip"):
                while self.tokens[self.at].text != "]":
                    self.at += 1
                self.at += 1
        self._add(t)

    def _left_right(self, t: Token) -> None:
        if self.at >= len(self.tokens):
            raise self.error(f"`\\{t.text}` lacks its bracket", t)
        d = self.tokens[self.at]
        self.at += 1
        text = _DELIMITERS.get(d.text, d.text)
        if d.kind in ("open", "close", "begin", "end", "newline"):
            raise self.error(f"`\\{t.text}` lacks its bracket", t, "for a brace write \\left\\{")
        text = "" if text == "." else text
        if t.text == "left":
            self._push(_Frame(t, "left", text))
            return
        frame = self.frames[-1]
        if frame.kind != "left":
            if any(f.kind == "left" for f in self.frames):
                raise self._unclosed(frame)
            raise self.error("`\\right` without `\\left`", t)
        self.frames.pop()
        self._add(Group(frame.opener, text, angled(frame.items), frame.opening.start, d.stop, frame.opening.spaced))

    def _push(self, frame: _Frame) -> None:
        self.frames.append(frame)
        if len(self.frames) > MAX_DEPTH:
            span = Span(self.source, frame.opening.start, frame.opening.stop, self.name)
            hint = f"at most {MAX_DEPTH} levels are read; name inner parts"
            raise LimitError("the brackets are nested too deeply", code="SD902", hint=hint, span=span)

    def _close(self, t: Token, kind: str, opener: str) -> None:
        frame = self.frames[-1]
        if frame.kind == "root":
            raise self.error(f"`{t.shown}` closes nothing", t)
        if frame.kind != kind or frame.opener != opener:
            where = Span(self.source, frame.opening.start, frame.opening.stop)
            shown = frame.opening.shown if frame.kind != "environment" else f"\\begin{{{frame.opening.text}}}"
            raise self.error(f"`{t.shown}` does not close `{shown}` of line {where.line}, column {where.column}", t)
        self.frames.pop()
        closer = "}" if opener == "brace" else _DELIMITERS.get(t.text, t.text)
        self._add(Group(opener, closer, angled(frame.items), frame.opening.start, t.stop, frame.opening.spaced))

    def _end(self, t: Token) -> None:
        frame = self.frames[-1]
        if frame.kind != "environment" or frame.opening.text != t.text:
            if frame.kind == "root":
                raise self.error(f"`\\end{{{t.text}}}` without its beginning", t)
            shown = f"\\begin{{{frame.opening.text}}}" if frame.kind == "environment" else frame.opening.shown
            raise self.error(f"`\\end{{{t.text}}}` does not close `{shown}`", t)
        self.frames.pop()
        self._add(Environment(t.text, angled(frame.items), frame.opening.start, t.stop, frame.opening.spaced))

    def _add(self, item: Item) -> None:
        if is_macro(item, "quad", "qquad") and any(f.kind in ("brace", "bracket", "left") for f in self.frames):
            return  # inside brackets it is only space
        self.frames[-1].items.append(item)


_OPERAND_DUE = ("=", "+", "-", "*", "/", ",", ":")
_MACROS_BEFORE = frozenset(
    [
        "partial",
        "cdot",
        "times",
        "nabla",
        "odot",
        "circ",
        "Rightarrow",
        "implies",
        "quad",
        "qquad",
        "equiv",
        "iff",
        "frac",
        "mathrm",
    ]
)


def angled(items: Sequence[Item]) -> tuple[Item, ...]:
    """`< A, B >` where an operand is due is an inner product, as if it were written with `\\langle` and `\\rangle`."""
    items = list(items)
    k = 0
    while k < len(items):
        if is_char(items[k], "<") and _operand_due(items[:k]):
            end = next((n for n in range(k + 1, len(items)) if _ends_angle(items[n])), None)
            if end is not None and is_char(items[end], ">") and sum(is_char(i, ",") for i in items[k + 1 : end]) == 1:
                inner = tuple(items[k + 1 : end])
                items[k : end + 1] = [Group("<", ">", inner, items[k].start, items[end].stop, items[k].spaced)]
        k += 1
    return tuple(items)


def _operand_due(before: Sequence[Item]) -> bool:
    while before and isinstance(before[-1], Token) and before[-1].kind in ("amp", "newline"):
        before = before[:-1]
    return not before or is_char(before[-1], *_OPERAND_DUE) or is_macro(before[-1], *_MACROS_BEFORE) or _is_derivative(before)


def _is_derivative(before: Sequence[Item]) -> bool:
    r"""`\frac{\partial}{\partial X}`, `\nabla_X` right before."""
    if len(before) > 2 and is_macro(before[-3], "frac", "dfrac") and isinstance(before[-2], Group):
        return is_macro(before[-2].items[0], "partial") if len(before[-2].items) == 1 else False
    return len(before) > 2 and is_macro(before[-3], "nabla") and isinstance(before[-2], Token) and before[-2].kind == "sub"


def _ends_angle(item: Item) -> bool:
    return is_char(item, ">", "<", "=") or (isinstance(item, Token) and item.kind in ("newline", "amp"))


def plain_text(items: Sequence[Item]) -> str:
    """The items as one text, braces left out."""
    out: list[str] = []
    for item in items:
        if isinstance(item, Token):
            out.append((" " if item.spaced and out else "") + (item.text if item.kind != "macro" else f"\\{item.text}"))
        elif isinstance(item, Group):
            inner = plain_text(item.items)
            out.append(
                (" " if item.spaced and out else "") + (inner if item.opener == "brace" else f"{item.opener}{inner}{item.closer}")
            )
        else:
            out.append(f"\\begin{{{item.name}}}")
    return "".join(out)


def split_items(items: Sequence[Item], *kinds: str) -> list[list[Item]]:
    """The items between tokens of these kinds (`newline`, `amp`, …)."""
    out: list[list[Item]] = [[]]
    for item in items:
        if isinstance(item, Token) and item.kind in kinds:
            out.append([])
        else:
            out[-1].append(item)
    return out


def tokens_below(items: Sequence[Item]) -> Iterator[Token]:
    """All tokens, at any depth."""
    todo: list[Item] = list(reversed(items))
    while todo:
        item = todo.pop()
        if isinstance(item, Token):
            yield item
        else:
            todo.extend(reversed(item.items))


class Cursor:
    """One level of the tree, read from left to right."""

    def __init__(self, items: Sequence[Item], start: int, stop: int) -> None:
        self.items = list(items)
        self.at = 0
        self.start, self.end = start, stop
        self.bars: list[str] = []  # closing bars that are waited for

    def peek(self, ahead: int = 0) -> Item | None:
        k = self.at + ahead
        return self.items[k] if 0 <= k < len(self.items) else None

    def next(self) -> Item | None:
        item = self.peek()
        self.at += 1
        return item

    @property
    def done(self) -> bool:
        return self.at >= len(self.items)

    @property
    def place(self) -> int:
        """Where the next item begins."""
        item = self.peek()
        return self.end if item is None else item.start

    @property
    def last(self) -> int:
        """Where the item before ends."""
        return self.items[min(self.at, len(self.items)) - 1].stop if self.at > 0 and self.items else self.start

    def split_number(self) -> None:
        """Leave only the first digit of a number as the next item: `\\frac12`."""
        item = self.peek()
        if isinstance(item, Token) and item.kind == "number" and len(item.text) > 1:
            first = item._replace(text=item.text[0], stop=item.start + 1)
            rest = item._replace(text=item.text[1:], start=item.start + 1, spaced=False)
            self.items[self.at : self.at + 1] = [first, rest]


def letter_run(c: Cursor) -> list[Token]:
    """Letters that stand together without a blank."""
    out: list[Token] = []
    ahead = 0
    while True:
        item = c.peek(ahead)
        if not (
            isinstance(item, Token) and item.kind == "char" and item.text.isalpha() and (not out or item.start == out[-1].stop)
        ):
            return out
        out.append(item)
        ahead += 1
