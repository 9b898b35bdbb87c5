"""Sentences with mathematics in backquotes (`d‖u‖² = 2 uᵀ du`), as rules and reasons are written, for every renderer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from ..expr.op import OPS
from .mathtree import OPERATORS, SYMBOLS
from .names import ACCENTS, GREEK, SUBSCRIPTS, SUPERSCRIPTS, escape, latex_name, lowered, raised, unicode_name

_D = r"\mathrm{d}"
NO_NAMES: Mapping[str, str] = MappingProxyType({})
FUNCTIONS = frozenset(("log", "exp", "max", "min", "det", "sin", "cos", "tan"))
OPERATOR_NAMES = frozenset(("tr", "diag", "vec", "softmax", "softplus", "relu", "logsumexp", "sign", "var", "mean", "H"))
KEPT = FUNCTIONS | OPERATOR_NAMES
_GREEK = {v: "\\" + k for k, v in SYMBOLS.items() if len(v) == 1}
_SIGNS = {v: "\\" + k for k, v in OPERATORS.items() if len(v) == 1 and k not in ("lbrace", "rbrace", "lvert", "rvert", "rVert")}
_RAISED = {v: k for k, v in SUPERSCRIPTS.items()} | {
    "⁻": "-",
    "ᵀ": r"\top",
    "ˣ": "x",
    "ʸ": "y",
    "ᵘ": "u",
    "ᵏ": "k",
    "ᵐ": "m",
    "⁽": "(",
    "⁾": ")",
    "ᵗ": "t",
}
_LOWERED = {v: k for k, v in SUBSCRIPTS.items()}
_OTHER = {
    "−": "-", "‖": r"\|", "√": r"\surd ", "Σ": r"\textstyle\sum ", "∑": r"\textstyle\sum ", "Π": r"\textstyle\prod ", "′": "'", "≈": r"\approx ",
    "∫": r"\textstyle\int ", "½": r"\tfrac12 ", "…": r"\dots ", "ℝ": r"\mathbb{R}", "⇒": r"\Rightarrow ", "𝟏": r"\mathbf{1}", "𝟙": r"\mathbf{1}", "|": r"\vert ",
    "⁺": "^{+}",
}  # fmt: skip


def split(text: str) -> list[tuple[bool, str]]:
    """(is it mathematics, text) in turn."""
    return [(k % 2 == 1, part) for k, part in enumerate(text.split("`")) if part]


def bare(text: str, names: Mapping[str, str] = NO_NAMES) -> str:
    """The sentence without backquotes; `names` says how variables are written."""
    return "".join(_unicode_names(part, names) if math else part for math, part in split(text))


def _unicode_names(text: str, names: Mapping[str, str]) -> str:
    """Names as mathematics: alpha is α, W1 is W₁."""

    def written(m: re.Match[str]) -> str:
        word = m.group()
        if word in names:
            return names[word]
        if word[0] == "d" and word[1:] in names:
            return "d" + names[word[1:]]
        return word if _is_function(word) else unicode_name(word)[0]

    return re.sub(r"[A-Za-z][A-Za-z0-9_]*", written, text)


def _is_function(word: str) -> bool:
    return word in KEPT or (len(word) > 2 and word in OPS)


def latex_prose(text: str, names: Mapping[str, str] = NO_NAMES) -> str:
    """The sentence in LaTeX; `names` says how variables are written."""
    return "".join(f"${unicode_to_latex(part, names=names)}$" if math else _plain(part) for math, part in split(text))


def _plain(text: str) -> str:
    """Text outside mathematics: single characters that text fonts lack are set as mathematics."""
    out = []
    for c in escape(unicodedata.normalize("NFC", text)):
        out.append(c if c.isascii() or c in "éèüöäñßç–—“”’" else f"${unicode_to_latex(c, lone=True)}$")
    return re.sub(r"\$\$", "", "".join(out)).replace('"', "''")


def unicode_to_latex(text: str, lone: bool = False, names: Mapping[str, str] = NO_NAMES) -> str:
    """Mathematics typed in Unicode, in LaTeX; a lone super- or subscript gets an empty base; `names` says how variables are
    written."""
    out: list[str] = []
    text = unicodedata.normalize("NFC", text)
    k = 0
    while k < len(text):
        c = text[k]
        if c == "√":
            end = _end_of_root(text, k + 1)
            inner = text[k + 1 : end]
            under = inner[1:-1] if inner.startswith("(") else inner
            out.append(rf"\sqrt{{{unicode_to_latex(under, names=names)}}}")
            k = end
            continue
        word = re.match(r"[A-Za-z]+(?:\d+|_\w+)*", text[k:])
        if word:
            piece = _word(word.group(0), names)
            k += len(word.group(0))
            if piece.startswith(_D):  # a differential stands apart from its neighbours
                beside = re.search(r"[\w})]\s*$", "".join(out[-3:]))
                after = re.match(r"\s+[^\W\d]", text[k:])
                piece = (r"\, " if beside else "") + piece + (r"\, " if after else "")
            out.append(piece)
            continue
        for table, sign in ((_RAISED, "^"), (_LOWERED, "_")):
            if c in table:
                end = k
                while end < len(text) and text[end] in table:
                    end += 1
                inner = "".join(table[x] for x in text[k:end])
                out.append(("{}" if lone or not out else "") + f"{sign}{{{inner}}}")
                k = end - 1
                break
        else:
            out.append(_sign(c))
        k += 1
    return "".join(out).strip()


def _end_of_root(text: str, k: int) -> int:
    """Where what stands under a root ends: a bracket, a number, a letter."""
    if text[k : k + 1] != "(":
        return k + max(1, len(re.match(r"[0-9.]*", text[k:]).group()))  # type: ignore[union-attr]
    depth = 0
    for end in range(k, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if not depth:
            return end + 1
    return len(text)


def _word(word: str, names: Mapping[str, str] = NO_NAMES) -> str:
    if word in names:
        return names[word]
    if word[0] == "d" and word[1:] in names:
        return r"\mathrm{d}" + names[word[1:]]
    if word in FUNCTIONS:
        return f"\\{word} "
    if _is_function(word):
        return rf"\operatorname{{{escape(word)}}} "
    if word in GREEK:
        return GREEK[word][1] + " "
    if len(word) == 2 and word[0] == "d":
        return rf"\mathrm{{d}}{word[1]}"
    if word == "d":
        return r"\mathrm{d}"
    if len(word) > 2 and word[0] == "d" and (word[1].isupper() or word[2].isdigit() or word[1:] in GREEK):
        return r"\mathrm{d}" + latex_name(word[1:])[0]
    return latex_name(word)[0]


def _sign(c: str) -> str:
    if c in _OTHER:
        return _OTHER[c]
    if c in _GREEK:
        return _GREEK[c] + " "
    if c in _SIGNS:
        return _SIGNS[c] + " "
    if c.isascii():
        return {"{": r"\{", "}": r"\}", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "\\": r"\backslash "}.get(c, c)
    base = unicodedata.normalize("NFKD", c)
    if base[0].isascii() and len(base) > 1 and unicodedata.combining(base[1]):
        return rf"\bar{{{base[0]}}}"
    return "".join(x for x in base if x.isascii()) or r"\cdot "


def latex_in_unicode(text: str) -> str:
    r"""A name typed in LaTeX, for terminals: `\theta` is θ, `\hat{w}` is ŵ, `w_{1}` is w₁."""
    text = re.sub(r"\\(?:math\w+|boldsymbol|operatorname|text)\s*\{([^{}]*)\}", r"\1", text)
    for accent, (mark, _) in ACCENTS.items():
        text = re.sub(rf"\\{accent}\s*(?:\{{(\\?\w+)\}}|(\\[a-zA-Z]+|\w))", lambda m, mark=mark: (m[1] or m[2]) + mark, text)  # type: ignore[misc]
    text = re.sub(r"\\([a-zA-Z]+)\s*", lambda m: SYMBOLS.get(m[1]) or OPERATORS.get(m[1]) or m[1], text)
    text = re.sub(r"_(?:\{([^{}]*)\}|(\w))", lambda m: lowered(m[1] or m[2]) or "_" + (m[1] or m[2]), text)
    text = re.sub(r"\^(?:\{([^{}]*)\}|(\w))", lambda m: raised(m[1] or m[2]) or "^" + (m[1] or m[2]), text)
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", text))


def greek_in_latex(text: str) -> str:
    """Greek letters and others that pdflatex does not know, in a name, by their commands."""
    return "".join(c if c.isascii() else (_GREEK[c] + " " if c in _GREEK else _sign(c)) for c in text)


__all__ = ["bare", "greek_in_latex", "latex_prose", "split", "unicode_to_latex"]
