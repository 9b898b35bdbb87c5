r"""Hostile LaTeX is refused clearly, within two seconds: depth, length, macros without end, unknown commands, no balance."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from symderiv.errors import SymDerivError
from symderiv.read.latex import parse_latex, read_latex

SECONDS = 10.0  # of processor time: an upper bound that a loaded machine keeps; what is reached is under two
N = 100_000
VARS = {"X": "n,d", "w": "d", "y": "n", "A": "d,d", "lam": "scalar", "c": "n integer"}


def billion(levels: int) -> str:
    """Macros that double at every level."""
    names = [chr(ord("a") + k) * 3 for k in range(levels)]
    lines = [rf"\newcommand{{\{names[0]}}}{{x+x}}"]
    lines += [rf"\newcommand{{\{b}}}{{\{a}\{a}}}" for a, b in itertools.pairwise(names)]
    return "".join(lines) + "\\" + names[-1]


REFUSED = {
    # depth
    "braces": "{" * 5000 + "x" + "}" * 5000,
    "brackets": "(" * 5000 + "x" + ")" * 5000,
    "left-right": r"\left(" * 3000 + "x" + r"\right)" * 3000,
    "fractions": r"\frac{1}{" * 2000 + "x" + "}" * 2000,
    "roots": r"\sqrt{" * 3000 + "x" + "}" * 3000,
    "superscripts": "x" + "^{x" * 3000 + "}" * 3000,
    "subscripts": "x" + "_{x" * 3000 + "}" * 3000,
    "accents": r"\hat{" * 3000 + "x" + "}" * 3000,
    "functions": r"\sin(" * 3000 + "x" + ")" * 3000,
    "cases": r"\begin{cases}" * 1000 + "x" + r"\end{cases}" * 1000,
    "norms": r"\|" * 501 + "x",
    "bars": "|" * 5001,
    "bare functions": r"\sin" * 20_000 + " x",
    "bare sums": r"\sum" * 20_000 + " x",
    "sums": r"\sum_{i}" * 5000 + " x_i",
    "operators": r"\frac{d}{dx}" * 300 + " f",
    "nablas": r"\nabla_x" * 5000 + " f",
    "signs": "-" * N + "x",
    # length
    "characters": "x+" * (N // 2) + "x",
    "letters": "abcdefgh" * (N // 8),
    "commands": r"\alpha " * (N // 7),
    "digits": "1" * 5000,
    "blanks": " " * N,
    "equations": "a=" * 20_000 + "a",
    "rows": r"x\\" * 16_000,
    "primes": "f" + "'" * 20_000 + "(x)",
    "scripts": "x" + "^2" * 20_000,
    "ampersands": "&" * 40_000,
    "dollars": "$" * 40_001,
    "a long name": r"\mathrm{" + "a" * 40_000 + "}(x)",
    "a long command": "\\" + "a" * 40_000,
    "columns": "x y " * 12_000,
    # macros
    "a macro of itself": r"\newcommand{\a}{\a}\a",
    "two macros of each other": r"\def\a{\b}\def\b{\a}\a",
    "a macro that grows": r"\def\a{\a\a}\a",
    "a macro with a tail": r"\def\a#1{\a{#1#1}}\a{x}",
    "billion laughs": billion(24),
    "arguments that double": r"\newcommand{\d}[1]{#1#1}" + r"\d{" * 60 + "x" + "}" * 60,
    "let in a circle": r"\let\a\b\let\b\a\a\foo",
    "a definition without a body": r"\newcommand{\a}",
    "a definition without a name": r"\newcommand",
    "def with delimiters": r"\def\a(#1){#1}\a(x)",
    "too many arguments": r"\newcommand{\a}[12]{x}\a",
    "an argument that is not there": r"\newcommand{\a}[1]{#2}\a{x}",
    "a macro without its argument": r"\newcommand{\a}[2]{#1#2}\a{x}",
    "an argument that is never closed": r"\newcommand{\a}[1]{#1}\a{x",
    "catcodes": r"\catcode`\@=11 x",
    "files": r"\input{/etc/passwd}",
    "writing": r"\immediate\write18{ls} x",
    "csname": r"\csname foo\endcsname",
    "expandafter": r"\expandafter\def\csname a\endcsname{x}",
    "begin redefined": r"\renewcommand{\begin}{x}\begin{cases}",
    # unknown
    "an unknown command": r"\foo{x}",
    "many unknown commands": "".join(rf"\foo{chr(97 + k % 26)}" for k in range(5000)),
    "an unknown environment": r"\begin{tikzpicture} \draw (0,0); \end{tikzpicture}",
    "verbatim": r"\verb|x|",
    "unicode": "x ☃ y",
    "control characters": "x \x07 y",
    "null": "x \0 y",
    "surrogates": "x \ud800 y",
    "right to left": "x \u202e y",
    "a lone backslash": "x \\",
    # not balanced
    "open brace": "{x",
    "close brace": "x}",
    "open bracket": "(x",
    "wrong bracket": "(x]",
    "crossed": "({x)}",
    "left alone": r"\left( x",
    "right alone": r"x \right)",
    "left of nothing": r"\left",
    "begin alone": r"\begin{align} x",
    "end alone": r"x \end{align}",
    "begin of nothing": r"\begin x",
    "wrong end": r"\begin{align} x \end{split}",
    "a dollar": "x $ y",
    "half a fraction": r"\frac{x}",
    "an empty fraction": r"\frac{}{}",
    "a root of nothing": r"\sqrt",
    "script of nothing": "x^",
    "script first": "^2 x",
    "an operator alone": r"\odot",
    "operators in a row": r"x + \odot + y",
    "a range of nothing": r"\sum_{=}^{} x",
    "a comment": "% x + y",
    "nothing": "",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_time(name: str) -> None:
    text = REFUSED[name]
    begin = time.process_time()
    with pytest.raises(SymDerivError) as found:
        parse_latex(text, VARS)
    seconds = time.process_time() - begin
    error = found.value
    assert seconds < SECONDS, f"{seconds:.2f} s"
    assert error.code.startswith(("SD13", "SD90", "SD111")), str(error)[:300]
    assert error.message and len(error.message) < 400 and error.span is not None
    assert len(str(error)) < 1500


LARGE = {
    "a long sum": "+".join(f"x_{{{k}}}" for k in range(1, 1500)),
    "a long product": " ".join("ab"[k % 2] for k in range(4000)),
    "many rows": r"\\".join(f"a_{{{k}}} = {k}" for k in range(600)),
    "nested": "(" * 60 + "x" + ")" * 60,
    "macros": r"\newcommand{\a}[1]{(#1+1)}" + r"\a{" * 40 + "x" + "}" * 40,
}


@pytest.mark.parametrize("name", LARGE)
def test_large_but_harmless(name: str) -> None:
    begin = time.process_time()
    read_latex(LARGE[name], {"x": "2000", "a": "scalar", "b": "scalar"} if "sum" in name else {"a": "scalar", "b": "scalar"})
    assert time.process_time() - begin < 4 * SECONDS


_PIECES = r"""
x w X A y \lambda \sigma a b e d i j n I 1 2 0.5 10 + - * / = , ; : . ( ) [ ] { } ^ _ ' | \| & \\ \frac \sqrt \sum \prod
\max \log \exp \det \top T \odot \cdot \partial \nabla \left( \right) \left[ \right] \mathbf \hat \mathrm \operatorname
\text{if} \text{where} \begin{cases} \end{cases} \begin{bmatrix} \end{bmatrix} \begin{align} \end{align} \leftarrow \le
\ne \in \infty \delta \mathbb \langle \rangle \newcommand \def # \quad $ ~ ^\top ^{-1} _i _{ij} ^{(i)} _{i=1}^n
\frac{1}{n} \frac{\partial} \nabla_w \sum_i \mathbf{1} := \implies \begin{array} \right. \substack softmax < > ! \forall
"""
PIECES = tuple(_PIECES.split())
FORMULAS = (
    r"\frac{1}{n} X^\top (\sigma(Xw) - y) + \lambda w",
    r"\frac{\partial p_i}{\partial s_j} = p_i(\delta_{ij} - p_j)",
    r"\sum_{i=1}^n \max(0, 1 - y_i w^\top x_i)",
    r"\begin{cases} a & a > 0 \\ 0 & \text{otherwise}\end{cases}",
    r"P_{ik} = \frac{e^{(XA)_{ik}}}{\sum_{i'}e^{(XA)_{i'k}}}",
    r"w \leftarrow w - \alpha \nabla_w L",
    r"\newcommand{\a}[1]{#1^2} \a{b}",
)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_but_our_errors(seed: int) -> None:
    rng = random.Random(seed)
    for k in range(150):
        if k % 2:
            text = " ".join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))
        else:
            letters = list(rng.choice(FORMULAS))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(letters))
                letters[at : at + rng.randint(0, 2)] = rng.choice(["", *PIECES])
            text = "".join(letters)
        try:
            read_latex(text, VARS)
        except SymDerivError as error:
            assert error.code != "SD100" and error.span is not None, f"{text!r}: {error}"
