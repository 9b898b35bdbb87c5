r"""`\newcommand`, `\def`, `\let`, `\DeclareMathOperator`: macros of one text, expanded with bounds, forgotten afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError, Span
from .tokens import MAX_TOKENS, Token

MAX_EXPANSIONS = 2_000
_DEFINERS = {"newcommand", "renewcommand", "providecommand", "def", "gdef", "let", "DeclareMathOperator"}
_REFUSED = {
    "edef", "xdef", "expandafter", "csname", "catcode", "input", "include", "write", "read", "openin", "openout", "loop", "newif", "futurelet",
    "usepackage", "newenvironment", "renewenvironment", "newcounter", "directlua", "special", "immediate", "noexpand",
}  # fmt: skip


@dataclass(frozen=True)
class Macro:
    """`body` with `#1`, `#2`, … for its arguments; `default` is the first argument where it may be left out in brackets."""

    body: tuple[Token, ...]
    arguments: int = 0
    default: tuple[Token, ...] | None = None


class Expander:
    """Tokens without definitions and macros. Definitions are local to the braces around them."""

    def __init__(self, source: str, name: str = "") -> None:
        self.source, self.name = source, name
        self.table: dict[str, Macro] = {}
        self.undo: list[list[tuple[str, Macro | None]]] = [[]]
        self.count = 0
        self.pending: list[Token] = []

    def error(self, what: str, token: Token, hint: str = "") -> InputError:
        return InputError(what, code="SD136", hint=hint, span=Span(self.source, token.start, token.stop, self.name))

    def expand(self, tokens: list[Token]) -> list[Token]:
        """The expanded tokens; an expansion has the place of the macro that made it.

        Raises:
            InputError: SD136 for definitions that cannot be read and macros that do not end.
        """
        self.pending = tokens[::-1]
        out: list[Token] = []
        while self.pending:
            t = self.pending.pop()
            if t.kind in ("open", "begin"):
                self.undo.append([])
            elif t.kind in ("close", "end") and len(self.undo) > 1:
                for name, old in reversed(self.undo.pop()):
                    self._set(name, old)
            if t.kind != "macro":
                out.append(t)
            elif t.text in _REFUSED:
                raise self.error(f"`\\{t.text}` is not read", t, "write the formula without TeX programming")
            elif t.text in self.table:
                self._apply(t, self.table[t.text])
            elif t.text in _DEFINERS:
                self._define(t)
            else:
                out.append(t)
            if len(out) + len(self.pending) > MAX_TOKENS:
                raise self.error(f"the macros expand to more than {MAX_TOKENS} tokens", t, "does a macro use itself?")
        return out

    def _set(self, name: str, macro: Macro | None) -> None:
        if macro is None:
            self.table.pop(name, None)
        else:
            self.table[name] = macro

    # using ---------------------------------------------------------------------------------------------------------------
    def _apply(self, at: Token, macro: Macro) -> None:
        self.count += 1
        if self.count > MAX_EXPANSIONS:
            raise self.error(f"the macros expand without end (`\\{at.text}`)", at, "a macro must not use itself")
        arguments: list[list[Token]] = []
        for k in range(macro.arguments):
            if k == 0 and macro.default is not None:
                found = self._optional()
                arguments.append(list(macro.default) if found is None else found)
            else:
                arguments.append(self._argument(at))
        out: list[Token] = []
        for t in macro.body:
            if t.kind == "parameter":
                out.extend(x._replace() for x in arguments[int(t.text) - 1])  # each use is a token of its own
            else:
                out.append(t._replace(start=at.start, stop=at.stop))
            if len(out) > MAX_TOKENS:
                raise self.error(f"`\\{at.text}` expands to more than {MAX_TOKENS} tokens", at)
        if out:
            out[0] = out[0]._replace(spaced=out[0].spaced or at.spaced)
        self.pending.extend(reversed(out))

    def _argument(self, at: Token) -> list[Token]:
        if not self.pending or self.pending[-1].kind in ("close", "end"):
            raise self.error(f"`\\{at.text}` lacks an argument", at)
        t = self.pending.pop()
        if t.kind == "number" and len(t.text) > 1:  # \half12 takes the 1
            self.pending.append(t._replace(text=t.text[1:], spaced=False))
            t = t._replace(text=t.text[0])
        return self._group(t) if t.kind == "open" else [t]

    def _group(self, opening: Token) -> list[Token]:
        """What the braces hold that begin with `opening`."""
        out: list[Token] = []
        depth = 1
        while self.pending:
            t = self.pending.pop()
            depth += (t.kind == "open") - (t.kind == "close")
            if not depth:
                return out
            out.append(t)
        raise InputError("`{` is never closed", code="SD130", span=Span(self.source, opening.start, opening.stop, self.name))

    def _optional(self) -> list[Token] | None:
        """`[...]`, or None."""
        if not self.pending or self.pending[-1].text != "[":
            return None
        opening = self.pending.pop()
        out: list[Token] = []
        depth = 0
        while self.pending:
            t = self.pending.pop()
            if t.text == "]" and not depth:
                return out
            depth += (t.kind == "open") - (t.kind == "close")
            out.append(t)
        raise InputError("`[` is never closed", code="SD130", span=Span(self.source, opening.start, opening.stop, self.name))

    # defining ------------------------------------------------------------------------------------------------------------
    def _define(self, at: Token) -> None:
        if self.pending and self.pending[-1].text == "*":
            self.pending.pop()
        name = self._name(at)
        if at.text == "let":
            self._let(at, name)
            return
        arguments, default = 0, None
        if at.text in ("def", "gdef"):
            arguments = self._parameters(at)
        elif at.text != "DeclareMathOperator":
            count = self._optional()
            if count is not None:
                if len(count) != 1 or not count[0].text.isdigit() or int(count[0].text) > 9:
                    raise self.error(f"the number of arguments of `\\{name}` is not a digit", at)
                arguments = int(count[0].text)
                default = self._optional()
        if not self.pending or self.pending[-1].kind != "open":
            raise self.error(f"`\\{name}` is defined as nothing", at, "\\newcommand{\\name}[1]{...}")
        body = self._body(self._group(self.pending.pop()), arguments, name, at)
        if at.text == "DeclareMathOperator":
            head = (Token("macro", "operatorname", at.start, at.stop), Token("open", "{", at.start, at.stop))
            body = (*head, *body, Token("close", "}", at.start, at.stop))
        self._remember(name, Macro(body, arguments, tuple(default) if default is not None else None), at.text == "gdef")

    def _remember(self, name: str, macro: Macro, everywhere: bool = False) -> None:
        if not everywhere:
            self.undo[-1].append((name, self.table.get(name)))
        self.table[name] = macro

    def _name(self, at: Token) -> str:
        found = [self.pending.pop()] if self.pending else []
        if found and found[0].kind == "open":
            found = self._group(found[0])
        if len(found) != 1 or found[0].kind not in ("macro", "newline"):
            raise self.error(f"`\\{at.text}` needs the name of a macro", at, "\\newcommand{\\name}[1]{...}")
        if found[0].text in ("begin", "end", "left", "right", "\\"):
            raise self.error(f"`\\{found[0].text}` cannot be redefined", found[0])
        return found[0].text

    def _let(self, at: Token, name: str) -> None:
        if self.pending and self.pending[-1].text == "=":
            self.pending.pop()
        if not self.pending:
            raise self.error("`\\let` needs two names", at)
        other = self.pending.pop()
        self._remember(name, self.table.get(other.text, Macro((other,))) if other.kind == "macro" else Macro((other,)))

    def _parameters(self, at: Token) -> int:
        count = 0
        while self.pending and self.pending[-1].kind != "open":
            t = self.pending.pop()
            number = self.pending.pop() if t.text == "#" and self.pending else None
            if number is None or number.text != str(count + 1) or count == 9:
                raise self.error("`\\def` with other delimiters than braces is not read", at, "\\newcommand{\\name}[1]{...}")
            count += 1
        return count

    def _body(self, tokens: list[Token], arguments: int, name: str, at: Token) -> tuple[Token, ...]:
        out: list[Token] = []
        k = 0
        while k < len(tokens):
            t = tokens[k]
            if t.text == "#" and t.kind == "char":
                n = tokens[k + 1] if k + 1 < len(tokens) else t
                digit = n.text[:1]
                if not digit.isdigit() or not 1 <= int(digit) <= arguments:
                    raise self.error(f"`\\{name}` uses an argument that it does not have", at)
                out.append(Token("parameter", digit, t.start, t.stop, t.spaced))
                if len(n.text) > 1:  # #12 is the first argument, then 2
                    out.append(n._replace(text=n.text[1:]))
                k += 2
                continue
            out.append(t)
            k += 1
        return tuple(out)
