"""Bounds on what is read. Each is far above what a person writes and low enough that reading stays under a second or two."""

from __future__ import annotations

from ..errors import LimitError, Span

MAX_LENGTH = 500_000  # characters of one text
MAX_DEPTH = 2_000  # nested brackets
MAX_HEIGHT = 5_000  # height of one expression, its definitions written in
MAX_NODES = 150_000  # operations, names and numbers of one text
MAX_CHAIN = 400  # signs, powers and subscripts one after the other on one operand
MAX_NAME = 100  # characters of a name
MAX_RANK = 8  # axes of a declared array


def check_length(text: str, name: str = "") -> None:
    """Refuse a text that is too long.

    Raises:
        LimitError: SD901.
    """
    if len(text) > MAX_LENGTH:
        raise LimitError(
            f"the text has {len(text)} characters; at most {MAX_LENGTH} are read",
            code="SD901",
            hint="split the problem, or name repeated parts once",
            span=Span(text, MAX_LENGTH, MAX_LENGTH + 1, name),
        )


def too_deep(what: str, span: Span | None = None) -> LimitError:
    """SD902: nesting beyond `MAX_DEPTH`, height beyond `MAX_HEIGHT`."""
    hint = f"at most {MAX_DEPTH} nested brackets and {MAX_HEIGHT} levels in all are read; name inner parts on lines of their own"
    return LimitError(f"{what} is nested too deeply", code="SD902", hint=hint, span=span)


def too_many(span: Span | None = None) -> LimitError:
    """SD903: more than `MAX_NODES` parts."""
    return LimitError(f"the text has more than {MAX_NODES} parts", code="SD903", hint="split the problem", span=span)
