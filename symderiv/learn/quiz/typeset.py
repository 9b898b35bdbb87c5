r"""The texts of a question as mathematics: `∂(A @ x)/∂x` becomes `\frac{\partial (A x)}{\partial x}`.

    pieces("What is the size of ∂f/∂x?", {})         [("text", "What is the size of "), ("math", r"\frac{…}{…}"), ("text", "?")]
    given(question)                                  the lines to look at, each as pieces

What cannot be read as mathematics (a line whose sizes do not fit, keyword arguments in a listing) stays code: a question asks
about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ...errors import SymDerivError
from ...read.problem import parse
from ...write.latex import latex_name, to_latex
from .model import Question

Piece = tuple[str, str]  # "text", "math" or "code", and the text
Pieces = list[Piece]
ENTRY = re.compile(r"∂([²³]?)(\w+)(?:\[([^\]]*)\])?/((?:∂\w+\[[^\]]*\])+|(?<=\]/)∂\w+)")  # `∂f[i]/∂W[j, l]`
RAISED = {"²": "^2", "³": "^3"}


def formula(text: str, variables: Mapping[str, str]) -> str | None:
    """LaTeX of an expression; None where it cannot be read, or its sizes do not fit."""
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    try:
        return to_latex(parse(text, {n: s for n, s in variables.items() if n in words}).expr)
    except SymDerivError:
        return None


def pieces(text: str, variables: Mapping[str, str]) -> Pieces:
    """A sentence with its derivatives, sizes and products as mathematics."""
    out: Pieces = []
    at = 0
    for start, stop, latex in _derivatives(text, variables):
        out += [*_plain(text[at:start]), ("math", latex)]
        at = stop
    return [p for p in (*out, *_plain(text[at:])) if p[1]]


def _plain(text: str) -> Iterator[Piece]:
    """Text with sizes, `·` and `[ ? ]` as mathematics."""
    at = 0
    for found in re.finditer(r"\((?:\w+(?:, \w+)*,?)?\)(?= |\.|,|\?|;|:|$)|\[ \? \]|·", text):
        word = found.group()
        yield "text", text[at : found.start()]
        if word == "·":
            yield "math", r"\cdot"
        elif word == "[ ? ]":
            yield "math", r"\boxed{\,?\,}"
        elif re.fullmatch(r"\([a-z]{2,}(?: [a-z]+)*\)", word):  # (numerator layout) is prose
            yield "text", word
        else:
            yield "math", word
        at = found.end()
    yield "text", text[at:]


def _derivatives(text: str, variables: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where derivatives stand, and their LaTeX."""
    at = 0
    while (start := text.find("∂", at)) >= 0:
        entry = ENTRY.match(text, start)
        if entry is not None:
            power = RAISED.get(entry.group(1), "")
            below = r" \, ".join(rf"\partial {_entry(*b)}" for b in re.findall(r"∂(\w+)\[([^\]]*)\]", entry.group(4)))
            below = below or rf"\partial {latex_name(entry.group(4)[1:])}"
            yield start, entry.end(), rf"\frac{{\partial{power} {_entry(entry.group(2), entry.group(3) or '')}}}{{{below}}}"
            at = entry.end()
            continue
        begun = re.match(r"∂([²³]?)(\w+)?", text[start:])
        assert begun is not None
        stop = start + begun.end()
        top = begun.group(2) or ""
        if not top:
            end = _closing(text, stop)
            top, stop = text[stop:end], end
        under = re.match(r"/∂([A-Za-z]\w*?)([²³]?)(?!\w)", text[stop:])
        at = stop
        if under is None or not top:
            continue
        stop += under.end()
        above = latex_name(top) if top.isidentifier() else _bracketed(top, variables)
        if above is not None:
            power = RAISED.get(begun.group(1), "")
            yield start, stop, rf"\frac{{\partial{power} {above}}}{{\partial {latex_name(under.group(1))}{power}}}"
        at = stop


def _entry(name: str, indices: str) -> str:
    """`W1`, `i, j` as `{W_{1}}_{i, j}`."""
    return f"{{{latex_name(name)}}}_{{{indices}}}" if indices else latex_name(name)


def _bracketed(top: str, variables: Mapping[str, str]) -> str | None:
    inner = formula(top[1:-1], variables)
    return None if inner is None else rf"\left({inner}\right)"


def _closing(text: str, start: int) -> int:
    """The place after the bracket that closes the one at `start`; `start` where there is none."""
    depth = 0
    for k in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[k], 0)
        if depth == 0:
            return k + 1 if k > start else start
    return start


# lines and choices ------------------------------------------------------------------------------------------------------------
def given(question: Question) -> list[Pieces]:
    """The lines of a question: declarations, definitions, the lines of a listing."""
    names = dict(question.vars)
    out = []
    for line in question.given:
        declared = _declarations(line)
        if declared is not None:
            names |= declared[1]
            out.append(declared[0])
            continue
        name, equals, text = line.partition(" = ")
        if re.match(r"\d+\. ", line):
            out.append(pieces(line, names) if "∂" in line else [("code", line)])
        elif equals and name.isidentifier():
            latex = formula(text, names)
            out.append([("code", line)] if latex is None else [("math", f"{latex_name(name)} = {latex}")])
            names[name] = _shape(text, names)
        elif equals and "∂" in name:
            left = pieces(name, names)
            right = pieces(text, names) if "∂" in text else [("code", text)]
            out.append([*left, ("math", r"\;=\;"), *right])
        else:
            out.append([("code", line)])
    return out


def _declarations(line: str) -> tuple[Pieces, dict[str, str]] | None:
    """`X: (n, d)   y: (n,) labels` as `X ∈ ℝ^{n×d}`."""
    out: Pieces = []
    names = {}
    for part in line.split("   "):
        found = re.fullmatch(r"([A-Za-z]\w*): (?:scalar|\(([^()]*)\))( labels)?", part)
        if found is None:
            return None
        name, sizes, labels = found.groups()
        axes = [s.strip() for s in (sizes or "").split(",") if s.strip()]
        names[name] = (", ".join(axes) or "scalar") + (" integer" if labels else "")
        space = r"\{0, 1, \dots\}" if labels else r"\mathbb{R}"
        power = "^{" + r" \times ".join(axes) + "}" if axes else ""
        out += [*([("text", ", ")] if out else []), ("math", rf"{latex_name(name)} \in {space}{power}")]
    return out, names


def _shape(text: str, known: Mapping[str, str]) -> str:
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    try:
        return ", ".join(map(str, parse(text, {n: s for n, s in known.items() if n in words}).expr.shape)) or "scalar"
    except SymDerivError:
        return "scalar"


def choices(question: Question) -> list[Pieces]:
    """The choices; all as code where one of them cannot be read."""
    names = known(question)
    out = [_choice(c, names) for c in question.choices]
    if any(p is None for p in out):
        return [[("code", c)] for c in question.choices]
    return [p for p in out if p is not None]


def known(question: Question) -> dict[str, str]:
    """Declarations of all names that the texts of a question may use."""
    out = {"eta": "scalar", "lam": "scalar", **question.vars}
    for line in question.given:
        declared = _declarations(line)
        out |= declared[1] if declared else {}
    return out


def factor(text: str, names: Mapping[str, str]) -> Pieces:
    """A piece of a row of factors: a derivative, an expression, else code."""
    if "∂" in text:
        return pieces(text, names)
    latex = formula(text, names)
    return [("code", text)] if latex is None else [("math", latex)]


def _choice(text: str, known: Mapping[str, str]) -> Pieces | None:
    name, equals, expression = text.partition(" = ")
    if equals and name.isidentifier():
        latex = formula(expression, known)
        return None if latex is None else [("math", rf"{latex_name(name)} \leftarrow {latex}")]
    if "∂" in text:
        found = pieces(text, known)
        return found if all(kind == "math" for kind, _ in found) else None
    return [("text", text)]


def joined(parts: Sequence[Piece], text, math, code) -> str:  # type: ignore[no-untyped-def]
    """The pieces as one string, each written by the function of its kind."""
    write = {"text": text, "math": math, "code": code}
    return "".join(write[kind](t) for kind, t in parts)


__all__ = ["Piece", "Pieces", "choices", "factor", "formula", "given", "joined", "known", "pieces"]
