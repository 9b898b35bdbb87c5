"""A quiz as a LaTeX worksheet that compiles by itself, with the key on pages of its own."""

from __future__ import annotations

from collections.abc import Sequence

from .model import LETTERS, Question
from .typeset import Pieces, choices, given, joined, known, pieces

_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "^": r"\textasciicircum{}", "_": r"\_",
    "~": r"\textasciitilde{}", "%": r"\%", "∂": r"$\partial$", "·": r"$\cdot$", "²": r"$^2$", "³": r"$^3$", "×": r"$\times$",
    "ᵀ": r"$^\top$", "−": "$-$", "<": r"\textless{}", ">": r"\textgreater{}", "☐": r"$\square$", "'": r"\textquotesingle{}",
    "‖": r"$\|$", "…": r"\dots{}", "→": r"$\to$", "`": r"\textasciigrave{}",
}  # fmt: skip
_PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{amsmath,amssymb,textcomp,array,needspace}
\usepackage[margin=2.3cm]{geometry}
\setlength{\parindent}{0pt}
\newcommand{\given}[1]{\par\smallskip\hspace*{1.5em}#1}
\newcommand{\blank}[1]{\par\medskip\hspace*{1.5em}\underline{\hspace{#1}}\par}
\renewcommand{\arraystretch}{1.2}
\begin{document}"""
_BLANKS = {"shape": r"\blank{6cm}", "number": r"\blank{4cm}", "expression": r"\blank{11cm}"}
WIDEST = 78  # characters of a row of sizes


def to_latex(questions: Sequence[Question], title: str, key: bool = True) -> str:
    """The worksheet, and the key.

    Args:
        key: with the answers and their reasons.
    """
    out = [_PREAMBLE, rf"\section*{{{_text(title)}}}", r"Name: \underline{\hspace{8cm}}", "", r"\begin{enumerate}"]
    for q in questions:
        lines = 4 + len(q.given) + 2 * len(q.choices)
        out += ["", rf"\needspace{{{lines}\baselineskip}}", rf"\item {_line(pieces(q.ask, q.vars))}"]
        out += [rf"\given{{{_line(line, display=True)}}}" for line in given(q)]
        if q.choices:
            items = [rf"\item[{letter})] {_line(c, display=True)}" for letter, c in zip(LETTERS, choices(q), strict=False)]
            out += [r"\begin{enumerate}", *items, r"\end{enumerate}"]
        elif q.form == "truth":
            out.append(r"\given{$\square$ true \qquad $\square$ false}")
        else:
            out.append(_BLANKS[q.form])
    out.append(r"\end{enumerate}")
    if key:
        out += [r"\newpage", r"\section*{Answers}", r"\begin{enumerate}"]
        for q in questions:
            why = "".join(rf"\\ {{\small {_line(pieces(w, known(q)))}}}" for w in q.why)
            out += [rf"\needspace{{5\baselineskip}}\item \textbf{{{_code(q.shown_answer)}}}{why}", *_under(q)]
        out.append(r"\end{enumerate}")
    return "\n".join([*out, r"\end{document}", ""])


def _line(parts: Pieces, display: bool = False) -> str:
    style = r"\displaystyle " if display else ""
    return joined(parts, _text, lambda t: f"${style if 'frac' in t else ''}{t}$", _code)


def _text(text: str) -> str:
    return "".join(_ESCAPES.get(c) or (c if c.isascii() else _named(c)) for c in text)


def _named(character: str) -> str:
    """What LaTeX writes for a character: `\\"U`; a question mark where it has nothing."""
    import logging

    from pylatexenc.latexencode import UnicodeToLatexEncoder

    logging.getLogger("pylatexenc.latexencode").setLevel(logging.ERROR)
    return UnicodeToLatexEncoder(unknown_char_policy="replace", unknown_char_warning=False).unicode_to_latex(character)


def _code(text: str) -> str:
    return rf"\texttt{{{_text(text).replace('   ', '~~~')}}}"


def _under(q: Question) -> list[str]:
    """The factors with their sizes under them, in rows that fit the page."""
    rows: list[list[tuple[str, str]]] = [[]]
    for piece, size in q.factors:
        if rows[-1] and sum(max(len(p), len(s)) + 3 for p, s in rows[-1]) + max(len(piece), len(size)) > WIDEST:
            rows.append([])
        rows[-1].append((piece, size))
    out = []
    for row in rows:
        if row:
            above, below = (" & ".join(_code(cell[k]) for cell in row) for k in (0, 1))
            columns = f"@{{}}{'c' * len(row)}@{{}}"
            out.append(rf"\\ {{\footnotesize\begin{{tabular}}{{{columns}}} {above} \\ {below} \end{{tabular}}}}")
    return out


__all__ = ["to_latex"]
