"""LaTeX text to tokens, by pylatexenc's tokenizer: every token knows its place; blanks and comments are gone."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from pylatexenc.latexwalker import LatexWalker, LatexWalkerEndOfStream, LatexWalkerParseError

from ...errors import InputError, LimitError, Span

MAX_CHARACTERS = 40_000  # of one text
MAX_TOKENS = 60_000  # after macros are expanded
MAX_DEPTH = 80  # nested brackets, braces and environments
MAX_STATEMENTS = 2_000
MAX_NAME = 100  # characters of a name
MAX_SECONDS = 20.0  # for one text; far more than any text within the other bounds needs

# Characters that people paste, as the LaTeX that they stand for.
_UNICODE = {
    **{c: ("macro", m) for c, m in zip("αβγδϵεζηθικλμνξπρστυϕφχψωΓΔΘΛΞΠΣΥΦΨΩℓ", (
        "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
        "pi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi",
        "Sigma", "Upsilon", "Phi", "Psi", "Omega", "ell"), strict=True)},
    **{c: ("macro", m) for c, m in zip("∂∇∑∏√×·⋅⊙∘⊗⊘≤≥≠∞←→⇒⇔∈∀‖⊤⟨⟩", (
        "partial", "nabla", "sum", "prod", "sqrt", "times", "cdot", "cdot", "odot", "circ", "otimes", "oslash", "le", "ge", "ne", "infty",
        "leftarrow", "rightarrow", "Rightarrow", "iff", "in", "forall", "|", "top", "langle", "rangle"), strict=True)},
    "−": ("char", "-"), "–": ("char", "-"), "′": ("prime", "'"), "∗": ("char", "*"), "’": ("prime", "'"),
}  # fmt: skip
_SUPERSCRIPTS = {**{c: ("char", d) for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}, "ᵀ": ("macro", "top")}
_MARKS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u0307": "dot", "\u0305": "bar"}
_CHARS = {"^": "sup", "_": "sub", "'": "prime", "&": "amp"}


class Token(NamedTuple):
    """`kind` is char, number, macro, open, close, begin, end, sup, sub, prime, amp, newline or math; macros come without `\\`."""

    kind: str
    text: str
    start: int
    stop: int
    spaced: bool = False  # blanks stand before it

    @property
    def shown(self) -> str:
        """As in the source."""
        return "\\" + self.text if self.kind in ("macro", "newline") else self.text


@dataclass
class Clock:
    """What is left of the time for one text."""

    source: str
    name: str = ""
    ticks: int = 0
    end: float = 0.0

    def __post_init__(self) -> None:
        self.end = time.monotonic() + MAX_SECONDS

    def tick(self, at: int = 0) -> None:
        """Refuse to go on when the time is up.

        Raises:
            LimitError: SD905.
        """
        self.ticks += 1
        if self.ticks % 64 == 0 and time.monotonic() > self.end:
            span = Span(self.source, at, at + 1, self.name)
            raise LimitError(f"reading took more than {MAX_SECONDS:g} s", code="SD905", hint="split the text", span=span)


def scan_latex(source: str, name: str = "") -> list[Token]:
    """The tokens of a text.

    Raises:
        InputError: SD130 for what TeX could not read, SD131 for characters that mean nothing.
        LimitError: SD901, SD903.
    """
    if len(source) > MAX_CHARACTERS:
        span = Span(source, MAX_CHARACTERS, MAX_CHARACTERS + 1, name)
        what = f"the text has {len(source)} characters; at most {MAX_CHARACTERS} of LaTeX are read at once"
        raise LimitError(what, code="SD901", hint="read one display at a time", span=span)
    walker = LatexWalker(source, tolerant_parsing=False)
    out: list[Token] = []
    at, spaced = 0, False
    while True:
        try:
            token = walker.get_token(at)
        except LatexWalkerEndOfStream:
            rest = source[at:].rstrip()
            if rest:
                place = at + len(rest) - 1
                raise InputError(
                    f"`{rest[-20:]}` is not LaTeX", code="SD130", span=Span(source, place, place + 1, name)
                ) from None
            return _numbers(out)
        except LatexWalkerParseError as error:
            place = min(getattr(error, "pos", None) or at, max(len(source) - 1, 0))
            what = "this is not LaTeX: " + str(getattr(error, "msg", error)).split("\n")[0][:80]
            raise InputError(what, code="SD130", span=Span(source, place, place + 1, name)) from None
        at = max(token.pos + token.len, at + 1)
        spaced = spaced or bool(token.pre_space)
        if token.tok == "comment":
            spaced = True
            continue
        made = _token(token, source, name, spaced)
        spaced = not made or (token.tok == "specials" and made[-1].text == " ")
        out.extend(t for t in made if t.text != " ")


def _token(token, source: str, name: str, spaced: bool) -> list[Token]:
    kind, text, start, stop = token.tok, token.arg, token.pos, token.pos + token.len
    if kind == "char":
        return _character(text, start, source, name, spaced)
    if kind == "macro":
        return [Token("newline" if text in ("\\", "cr", "newline", "tabularnewline") else "macro", text, start, stop, spaced)]
    if kind in ("brace_open", "brace_close"):
        return [Token("open" if kind == "brace_open" else "close", source[start:stop], start, stop, spaced)]
    if kind in ("begin_environment", "end_environment"):
        return [Token("begin" if kind.startswith("begin") else "end", text, start, stop, spaced)]
    if kind in ("mathmode_inline", "mathmode_display"):
        return [Token("math", text, start, stop, spaced)]
    if kind == "specials":
        written = source[start:stop]
        if written in ("~", "\n\n"):
            return [Token("char", " ", start, stop, True)]
        return [t for k, c in enumerate(written) for t in _character(c, start + k, source, name, spaced and not k)]
    raise InputError(f"`{source[start:stop][:30]}` cannot be read here", code="SD131", span=Span(source, start, stop, name))


def _character(c: str, start: int, source: str, name: str, spaced: bool) -> list[Token]:
    stop = start + 1
    if c in _CHARS:
        return [Token(_CHARS[c], c, start, stop, spaced)]
    if c.isascii() and (c.isalnum() or c in '+-*/=<>()[]|,.;:!@`"#?'):
        return [Token("char", c, start, stop, spaced)]
    if c in _UNICODE:
        return [Token(*_UNICODE[c], start, stop, spaced)]
    if c in _SUPERSCRIPTS:
        return [Token("sup", "^", start, start, spaced), Token(*_SUPERSCRIPTS[c], start, stop, False)]
    if c.isspace():
        return [Token("char", " ", start, stop, True)]
    parts = unicodedata.normalize("NFD", c)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _MARKS:
        return [Token("macro", _MARKS[parts[1]], start, start, spaced), Token("char", parts[0], start, stop, False)]  # ŷ
    shown = f"`{c}`" if c.isprintable() else f"U+{ord(c):04X}"
    raise InputError(f"{shown} cannot be read in LaTeX", code="SD131", span=Span(source, start, stop, name))


def _numbers(tokens: list[Token]) -> list[Token]:
    """Digits that stand together are one number, with a decimal point between digits."""
    out: list[Token] = []
    k = 0
    while k < len(tokens):
        t = tokens[k]
        if not (t.kind == "char" and t.text.isdigit()):
            out.append(t)
            k += 1
            continue
        last, point = k, False
        after_script = k > 0 and tokens[k - 1].kind in ("sup", "sub")  # x^23 is x² 3
        while not after_script and last + 1 < len(tokens):
            n = tokens[last + 1]
            if n.spaced or n.kind != "char" or n.start != tokens[last].stop:
                break
            following = tokens[last + 2] if last + 2 < len(tokens) else None
            if n.text.isdigit():
                last += 1
            elif n.text == "." and not point and following is not None and following.text.isdigit() and following.start == n.stop:
                point = True
                last += 1
            else:
                break
        out.append(Token("number", "".join(x.text for x in tokens[k : last + 1]), t.start, tokens[last].stop, t.spaced))
        k = last + 1
    return out
