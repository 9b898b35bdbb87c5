"""Everything symderiv raises on purpose: one base class with a stable code, the cause, the remedy and the place.

    SymDerivError
    ├── InputError       text that cannot be read                      SD1xx
    ├── ShapeError       sizes or kinds that do not fit                 SD2xx
    ├── DerivativeError  a rule that is missing, nothing to differentiate   SD3xx
    ├── CertificateError a result that could not be certified           SD4xx
    ├── CodeError        code that cannot be emitted or run             SD5xx
    └── LimitError       bounds on length, depth, size and time         SD9xx

Inner rooms raise with a short message; the border (`read`, `cli`) completes it once with the place in the input.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A half-open range `[start, stop)` of character offsets in `source`, which is called `name` when shown."""

    source: str
    start: int
    stop: int
    name: str = ""

    @property
    def line(self) -> int:
        """1-based line of the first character."""
        return self.source.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """1-based column of the first character."""
        return self.start - (self.source.rfind("\n", 0, self.start) + 1) + 1

    def caret(self, width: int = 100) -> str:
        """The line of the place with carets under it, cut to `width` characters around it."""
        begin = self.source.rfind("\n", 0, self.start) + 1
        end = self.source.find("\n", begin)
        text = self.source[begin : len(self.source) if end < 0 else end].replace("\t", " ")
        first = self.start - begin
        length = max(1, min(self.stop, begin + len(text)) - self.start)
        if len(text) > width:
            cut = max(0, first - width // 2)
            text, first = ("…" if cut else "") + text[cut : cut + width] + "…", first - cut + (1 if cut else 0)
            length = min(length, max(1, len(text) - first))
        return f"  {text}\n  {' ' * first}{'^' * length}"


class SymDerivError(Exception):
    """Base of everything raised on purpose.

    Attributes:
        code: stable, e.g. ``SD201``.
        message: what happened, with the values, one sentence.
        hint: what to do about it, or "".
        span: the place in the input, or None.
        guessed: names that nobody declared and whose kind was assumed when this was raised.
    """

    default_code = "SD000"
    guessed: frozenset[str] = frozenset()

    def __init__(self, message: str, *, code: str | None = None, hint: str = "", span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.span = span

    def at(self, span: Span | None) -> SymDerivError:
        """The same error with its place, unless it has one already."""
        if self.span is None:
            self.span = span
        return self

    def __str__(self) -> str:
        where = ""
        if self.span is not None:
            where = f"{self.span.name or 'input'}:{self.span.line}:{self.span.column}: "
        lines = [f"{where}{self.code} {self.message}"]
        if self.span is not None and self.span.source.strip():
            lines.append(self.span.caret())
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self):  # exceptions with keyword arguments do not pickle by themselves
        return _rebuild, (type(self), self.message, self.code, self.hint, self.span)


def _rebuild(cls, message, code, hint, span):
    return cls(message, code=code, hint=hint, span=span)


class InputError(SymDerivError):
    """Text that cannot be read."""

    default_code = "SD100"


class ShapeError(SymDerivError):
    """Sizes or kinds that do not fit together; `operation` is the one that could not be formed, or ""."""

    operation = ""

    default_code = "SD200"


class DerivativeError(SymDerivError):
    """A derivative that does not exist or has no rule."""

    default_code = "SD300"


class CertificateError(SymDerivError):
    """A result that finite differences contradict, or that could not be evaluated anywhere."""

    default_code = "SD400"


class CodeError(SymDerivError):
    """Code that cannot be emitted, or arguments that do not fit emitted code."""

    default_code = "SD500"


class LimitError(SymDerivError):
    """A bound on length, depth, size or time was reached."""

    default_code = "SD900"
