r"""Names in LaTeX and in the language: `\hat{y}` is `y_hat` or `yhat`, `W^{(2)}` and `W_2` are `W2`, `\lambda` is `lam`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .tokens import Token
from .tree import Group, Item

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "varpi",
        "rho",
        "varrho",
        "sigma",
        "varsigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
        "ell",
    ]
)
ACCENTS = {"hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde", "dot": "dot",
           "vec": "vec", "check": "check", "breve": "breve"}  # fmt: skip
FONTS = frozenset({
    "mathbf", "boldsymbol", "bm", "mathrm", "mathsf", "mathit", "mathcal", "mathscr", "mathfrak", "mathtt", "textbf", "textit", "textrm",
    "text", "textsf", "bold", "pmb", "symbf", "mbox", "operatorname", "operatornamewithlimits", "mathnormal", "bf", "texttt", "mathbb",
})  # fmt: skip
_SPELLED = {"lam": ("lambda",), "lamda": ("lambda",), "lambd": ("lambda",), "lambda_": ("lambda",), "lmbda": ("lambda",),
            "eps": ("epsilon", "varepsilon")}  # fmt: skip
_WRITTEN = {"lambda": "lam"}
_ACCENT_WORDS = ("hat", "bar", "tilde", "dot", "vec", "check", "breve")


@dataclass(frozen=True)
class Key:
    r"""What tells names apart: `\hat{W}_{1}` is base W, accent hat, label 1. A Greek letter is its LaTeX word."""

    base: str
    accents: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def labelled(self, *labels: str) -> Key:
        return Key(self.base, self.accents, (*self.labels, *labels))

    @property
    def identifier(self) -> str:
        """The name in the language."""
        text = _WRITTEN.get(self.base, self.base)
        for k, label in enumerate(self.labels):
            text += label if label.isdigit() and k == 0 and text[-1:].isalpha() else "_" + label
        return text + "".join("_" + a for a in self.accents)


def keys_of(name: str) -> set[Key]:
    """What a name of the language may look like in LaTeX.

    `W1` and `W_1` are W with label 1, `yhat` and `y_hat` are y with a hat, `Wxh` is W with label xh, `std` is a word.
    """
    parts = [p for p in name.split("_") if p]
    if not parts:
        return {Key(name)}
    found = {Key(name)}
    if len(parts) > 1 and parts[0] in _ACCENT_WORDS:
        parts = [*parts[1:], parts[0]]
    accents = tuple(p for p in parts[1:] if p in _ACCENT_WORDS)
    labels = tuple(p for p in parts[1:] if p not in _ACCENT_WORDS)
    for base, accent, label in _bases(parts[0]):
        found.add(Key(base, accent + accents, label + labels))
        if len(label + labels) > 1:
            found.add(Key(base, accent + accents, ("_".join(label + labels),)))  # A_L_minus_1 is A^{L-1}
        if len(labels) > 3 and labels[-2] in ("minus", "plus"):
            found.add(Key(base, accent + accents, (*label, *labels[:-3], "_".join(labels[-3:]))))  # a_j_L_minus_1 is a^{L-1}_j
    return found


def _bases(text: str) -> Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Ways to take the first part of a name apart: base, accents, labels."""
    for base in _SPELLED.get(text, (text,)):
        yield base, (), ()
    digits = re.fullmatch(r"([^\W\d]+)(\d+)", text)
    if digits:
        for base, accent, _ in _bases(digits[1]):
            if not _:
                yield base, accent, (digits[2],)
        return
    if text in GREEK or text in _SPELLED:
        return
    for ending in _ACCENT_WORDS:
        stem = text.removesuffix(ending)
        if stem != text and (len(stem) == 1 or stem in GREEK or stem in _SPELLED):
            for base in _SPELLED.get(stem, (stem,)):
                yield base, (ending,), ()
    if len(text) == 2 or (len(text) <= 4 and text[0].isupper() and text[1:].islower()):
        yield text[0], (), (text[1:],)


class NameTable:
    """Which names of the language a LaTeX name can mean."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: set[str] = set()
        self.by_key: dict[Key, list[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str, key: Key | None = None) -> None:
        self.names.add(name)
        for k in {key} if key is not None else keys_of(name):
            found = self.by_key.setdefault(k, [])
            if name not in found:
                found.append(name)

    def find(self, key: Key) -> list[str]:
        """The names that look like this."""
        return self.by_key.get(key, [])


_LABEL_SIGNS = {"+": "plus", "-": "minus", "*": "star"}


def label_text(items: Sequence[Item]) -> str | None:
    """A label as a word of the language: `(2)` is 2, `t+1` is t_plus_1, `\\text{out}` is out; None where it is not a label."""
    words: list[str] = []
    run = ""
    for item in items:
        if isinstance(item, Group):
            inner = label_text(item.items) if item.opener in ("brace", "(", "[") else None
            if inner is None:
                return None
            run += inner
            continue
        if not isinstance(item, Token):
            return None
        if (item.kind in ("char", "number") and item.text.isalnum()) or (
            item.kind == "macro" and (item.text in GREEK or item.text in ("star", "ast"))
        ):
            run += item.text
        elif item.kind == "macro" and item.text in FONTS:
            continue
        elif item.kind == "char" and item.text in _LABEL_SIGNS:
            words += [run] if run else []
            words.append(_LABEL_SIGNS[item.text])
            run = ""
        else:
            return None  # type: ignore[unreachable]
    words += [run] if run else []
    return "_".join(words) if words else None
