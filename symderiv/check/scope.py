"""What names mean at a place of a document: declarations, definitions, the layout, what is silenced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import SymDerivError
from ..expr.nodes import Var
from ..read.declarations import Declarations, declarations_from
from ..read.latex.identifiers import identifier_of
from ..read.latex.split import Raw


@dataclass
class Known:
    """A definition of the document.

    Attributes:
        name: in the language.
        raw: the statement, for the reader.
        number: of its chain; -1 for one that comes from outside.
        paragraph, section: of its formula.
        introduced: whether words introduce it (where, let).
    """

    name: str
    raw: Raw
    number: int
    paragraph: int = 0
    section: int = 0
    introduced: bool = False


@dataclass
class Meaning:
    """Declarations and definitions in force.

    Attributes:
        vars: name -> (variable, how it is known).
        known: definitions by name.
        layout: any, numerator or denominator: of derivatives of arrays.
        origin: of a name the section in which it got its meaning, and whether the document gives it another one elsewhere.
    """

    vars: dict[str, tuple[Var, str]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    layout: str = "any"
    origin: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def copy(self) -> Meaning:
        return Meaning(dict(self.vars), dict(self.known), self.layout, dict(self.origin))

    def declare(self, given: Mapping[str, str] | str, how: str) -> list[str]:
        """Declarations; later ones replace earlier ones. The names.

        Raises:
            SymDerivError: SD106, SD107, SD109.
        """
        found = declarations_from(_named(given))
        for name, v in found.vars.items():
            self.vars[name] = (v, how)
        return list(found.vars)

    def declared(self, without: object = ()) -> Declarations:
        """Declarations for the reader: what is defined in the document is not declared, and a size is no variable."""
        out = Declarations()
        drop = set(without) if not isinstance(without, str) else {without}  # type: ignore[call-overload]
        for name, (v, how) in self.vars.items():
            if name not in drop and name not in self.known:
                out.add(v, how)
        for name in [n for n in out.vars if n in out.sizes]:
            del out.vars[name]  # a number of entries and a letter of a formula: the size wins where it is one
            out.where.pop(name, None)
        return out

    def is_declared(self, v: Var) -> bool:
        """Whether the document, or who checks it, says what the variable is."""
        found = self.vars.get(v.name)
        return found is not None and not found[1].startswith("assumed")


def _named(given: Mapping[str, str] | str) -> dict[str, object]:
    r"""Declarations by name of the language; `\mathbf{w}: d` and `W^{(2)}: k,h` are names as well."""
    if not isinstance(given, str):
        return {_name(n): s for n, s in given.items()}
    out: dict[str, object] = {}
    for entry in (e for e in given.replace("\n", ";").split(";") if e.strip()):
        names, colon, spec = entry.partition(":")
        if not colon:
            from ..errors import InputError

            raise InputError(f"`{entry.strip()[:60]}` is no declaration", code="SD106", hint="write `X: n,d; w: d`")
        for name in names.split(","):
            text = name.strip()
            out[_name(text)] = spec.strip()
    return out


def _name(text: str) -> str:
    """The name in the language; `m_0` is the one that the document writes so, `m0`."""
    plain = text.isidentifier() and not re.fullmatch(r"[A-Za-z]_\d+", text)
    return text if plain else identifier_of(text)


def valid_declarations(text: str) -> bool:
    """Whether a remark is a list of declarations."""
    try:
        declarations_from(_named(text))
    except SymDerivError:
        return False
    return True


__all__ = ["Known", "Meaning", "valid_declarations"]
