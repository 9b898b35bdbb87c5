"""Judging what people answer: read liberally, compared mathematically; and what a wrong answer suggests.

    judge(question, "n x d").right        True, False, or None where it says no answer (ask again; nothing is counted)

Sizes are read by `sizes`, expressions by the readers of the input language and of LaTeX. Nothing is evaluated.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer, expand

from ...errors import InputError, SymDerivError
from ...expr.nodes import Call, Node
from ...expr.walk import postorder
from ...read.problem import Problem, parse
from .model import LETTERS, Question
from .sizes import Shape, read, shape_of_text, show

LONGEST = 300  # characters of an answer
LARGEST = 1000  # entries along an axis, or terms of a sum, of an expression that is answered
TRUE = {"true", "t", "yes", "y", "yep", "right", "correct", "wahr", "ja", "vrai", "1", "✓"}
FALSE = {"false", "f", "no", "n", "nope", "not true", "wrong", "incorrect", "falsch", "nein", "faux", "0", "✗"}
_COUNTED = "one two three four five six seven eight nine ten"
_ORDERED = "first second third fourth fifth sixth seventh eighth ninth tenth"
ORDINALS = {word: str(k) for words in (_COUNTED, _ORDERED) for k, word in enumerate(words.split(), 1)}
EXAMPLE = "A.T @ (B - C)"
ENTRYWISE = "* multiplies entry by entry; the matrix product is written @"
SHAPES_DIFFER = ("SD201", "SD202", "SD203", "SD204")


@dataclass(frozen=True)
class Judgement:
    """What an answer was worth.

    Attributes:
        right: True, False, or None where the answer could not be read.
        says: what a wrong answer suggests, or why it could not be read; for a right one, a remark or "".
        read: the answer as it was understood.
    """

    right: bool | None
    says: str = ""
    read: str = ""


def judge(question: Question, text: str) -> Judgement:
    """Whether an answer is right, read liberally and compared mathematically."""
    text = text.strip()[: LONGEST + 1]
    if not text or len(text) > LONGEST:
        return Judgement(None, "there is no answer" if not text else "this is too long to be an answer")
    return {"shape": _shape, "number": _number, "choice": _choice, "truth": _truth, "expression": _expression}[question.form](
        question, text
    )


# sizes ------------------------------------------------------------------------------------------------------------------------
def _shape(question: Question, text: str) -> Judgement:
    truth = shape_of_text(question.answer)
    known = {str(s) for e in (*truth, *_sizes(question.vars)) for s in e.free_symbols}
    found = read(text, question.vars, known)
    asked = question.layout
    if found.layout and asked and found.layout != asked:
        return Judgement(None, f"the question asks for {asked} layout")
    if not found.shapes:
        return Judgement(None, found.problem or "write the sizes of the axes, as in (n, d), n x d or scalar")
    if truth in found.shapes:
        return Judgement(True, "", show(truth))
    unknown = _unknown(found.shapes, truth, question.vars, known)
    if unknown:
        return Judgement(None, unknown)
    for shape in found.shapes:
        if len(truth) == 1 and sorted(map(str, shape)) == sorted((str(truth[0]), "1")):
            kind = "column" if str(shape[1]) == "1" else "row"
            return Judgement(True, f"as a {kind}; with one axis, as in NumPy, it is {show(truth)}", show(shape))
        if not truth and all(s == 1 for s in shape):
            return Judgement(True, "a scalar has no axes: ()", show(shape))
        if len(shape) < len(truth) and shape == tuple(s for s in truth if s != 1):
            return Judgement(None, "the entries are right; an axis of size 1 is an axis too: write it, as in (n, 1)", show(shape))
        if 1 < len(shape) < len(truth) and _flattened(shape, truth):
            return Judgement(
                None, "this is the matrix of the flattened arrays (vec); here every axis is written by itself", show(shape)
            )
    for shape in found.shapes:
        for wrong, says in question.slips.items():
            if shape_of_text(wrong) == shape:
                return Judgement(False, says, show(shape))
    return Judgement(False, _general(truth, found.shapes[-1]), show(found.shapes[-1]))


def _sizes(declared: Mapping[str, str]) -> Iterator[Expr]:
    """The sizes of the axes of all variables."""
    for sizes in declared.values():
        axes = sizes.split(" integer")[0].strip()
        with contextlib.suppress(InputError):
            yield from () if axes == "scalar" else shape_of_text(f"({axes})")


def _unknown(shapes: tuple[Shape, ...], truth: Shape, declared: Mapping[str, str], known: set[str]) -> str:
    """What is no size of the question, where every reading has something of that kind."""
    numbers = {int(e) for e in (*truth, *_sizes(declared)) if e.is_Integer} | {1}
    strange = []
    for shape in shapes:
        names = [str(s) for e in shape for s in sorted(e.free_symbols, key=str) if str(s) not in known]
        counts = [str(e) for e in shape if e.is_Integer and int(e) not in numbers]
        if not names and not counts:
            return ""
        strange += names or counts
    sizes = ", ".join((*sorted(known), *(str(k) for k in sorted(numbers - {1}))))
    return f"there is no size {strange[0]} here; " + (f"its sizes: {sizes}" if sizes else "a scalar has the size ()")


def _flattened(shape: Shape, truth: Shape) -> bool:
    """Whether each axis is the product of axes of the truth, in their order."""
    rest = list(truth)
    for size in shape:
        value: Expr = Integer(1)
        while rest and value != size:
            value = expand(value * rest.pop(0))
        if value != size:
            return False
    return not rest


def _general(truth: Shape, given: Shape) -> str:
    if sorted(map(str, truth)) == sorted(map(str, given)):
        return "the axes are right, their order is not"
    if len(truth) != len(given):
        more = "too many" if len(given) > len(truth) else "too few"
        return f"{more} axes: it has {len(truth)}, the answer has {len(given)}"
    strange = [str(s) for s in given if s not in truth]
    return f"{strange[0]} is not one of its sizes" if strange else "the right sizes, not as often as they occur"


# the other forms --------------------------------------------------------------------------------------------------------------
def _number(question: Question, text: str) -> Judgement:
    wanted = "answer with the number of a line" if question.kind == "error" else "answer with a number"
    low = re.sub(r"\b(?:in|line|number|no|nr|entries|entry|numbers|there|are|the|it|is|l(?=\d))\b\.?|[#=:)]", " ",
                 text.lower().rpartition("=")[2]).strip(" .!")  # fmt: skip
    low = re.sub(r"^l(?=\d)", "", low)
    low = ORDINALS.get(low, re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", low))
    low = re.sub(r"(?<=\d)[ ,_'](?=\d{3}\b)", "", low)
    named = [n for n, name in re.findall(r"^(\d+)\. (\w+) =", "\n".join(question.given), re.M) if name == text.strip()]
    found = read(named[0] if len(named) == 1 else low, {}, set())
    values = {_product(shape) for shape in found.shapes}
    if len(values) != 1 or not (value := values.pop()).is_Integer:
        letters = read(text, {}, {str(s) for e in _sizes(question.vars) for s in e.free_symbols}).shapes
        return Judgement(
            None, f"{wanted}: put the numbers in for the letters" if letters and question.kind == "count" else wanted
        )
    if str(value) == question.answer:
        return Judgement(True, "", str(value))
    if question.kind == "error" and str(value) not in question.slips:
        return Judgement(None, f"there is no line {value}")
    return Judgement(False, question.slips.get(str(value), ""), str(value))


def _product(shape: Shape) -> Expr:
    value: Expr = Integer(1)
    for size in shape:
        value = value * size
    return expand(value)


def _choice(question: Question, text: str) -> Judgement:
    letters = LETTERS[: len(question.choices)]
    low = re.sub(r"^(?:(?:it is|it's|the|answer|choice|option|letter|is|one)\b[\s:]*)+", "", text.lower().strip()).strip(" ().:!")
    low = re.sub(r"\s+(?:one|choice|option|answer)$", "", low)
    low = ORDINALS.get(low, re.sub(r"^(\d)(?:st|nd|rd|th)$", r"\1", low))
    low = letters[int(low) - 1] if re.fullmatch(r"[0-9]{1,3}", low) and 1 <= int(low[:3]) <= len(letters) else low
    lettered = re.match(r"([a-z])[).:]\s+\S", low)  # `b) ∂S/∂W`, copied with its letter
    low = lettered.group(1) if lettered else low
    if len(low) != 1 or low not in letters:
        plain = re.sub(r"\s+", "", text)
        same = [letters[i] for i, c in enumerate(question.choices) if re.sub(r"\s+", "", c) in (plain, plain.replace("d", "∂"))]
        if len(same) != 1:
            return Judgement(None, f"answer with one letter, a to {letters[-1]}")
        low = same[0]
    return Judgement(low == question.answer, "" if low == question.answer else question.slips.get(low, ""), low)


def _truth(question: Question, text: str) -> Judgement:
    low = re.sub(r"^(?:it is|it's|that is|that's|this is)\s+", "", text.lower().strip(" .!"))
    said = "true" if low in TRUE else "false" if low in FALSE else ""
    if not said:
        return Judgement(None, "answer with true or false")
    return Judgement(said == question.answer, "" if said == question.answer else question.slips.get(said, "it is true"), said)


# expressions ------------------------------------------------------------------------------------------------------------------
def _expression(question: Question, text: str) -> Judgement:
    from .numeric import equal

    text = text.strip("`$; ")
    text = re.sub(r"^.*?=(?!=)\s*", "", text) if re.match(r"^[^()]*=(?!=)", text) else text
    truth = parse(question.answer, dict(question.vars))
    try:
        said = _read_expression(text, question.vars)
    except SymDerivError as error:
        if error.code in SHAPES_DIFFER:
            if _meant_matmul(text, truth, question.vars):
                return Judgement(None, ENTRYWISE)
            return Judgement(False, f"the sizes do not fit: {error.message}", text)
        return Judgement(None, f"{error.message}; answer with an expression, as in {EXAMPLE}")
    if _is_huge(said.expr):
        return Judgement(None, "this needs arrays or sums that are too large")
    strange = [n for n in said.vars if n not in question.vars]
    if strange:
        return Judgement(None, f"there is no {strange[0]} here; the names are {', '.join(question.vars)}")
    if not set(re.findall(r"[A-Za-z]\w*", text)) & set(question.vars):
        return Judgement(None, f"answer with an expression, as in {EXAMPLE}")
    if said.expr.shape != truth.expr.shape:
        if _meant_matmul(text, truth, question.vars):
            return Judgement(None, ENTRYWISE)
        return Judgement(False, f"this has the size {show(said.expr.shape)}, the derivative has {show(truth.expr.shape)}", text)
    same = equal(said.expr, truth.expr, {**truth.vars, **said.vars}.values())
    if same is None:
        return Judgement(None, "this has no value at the points tried")
    if same:
        return Judgement(True, "", text)
    return Judgement(False, "the sizes fit, the values do not: another transpose or factor", text)


def _read_expression(text: str, declared: Mapping[str, str]) -> Problem:
    """In the input language, else as on paper or in LaTeX: `2 Xᵀ(X w − y)`.

    Raises:
        SymDerivError: what the input language says, where neither reads it.
    """
    typed = (
        re.sub(r"ᵀ|\^\s*\{?\s*(?:\\top|T|⊤)\s*\}?|(?<=[\w)])'", ".T", text).replace("−", "-").replace("·", "*").replace("^", "**")
    )
    try:
        return parse(typed, dict(declared))
    except SymDerivError as error:
        if error.code in SHAPES_DIFFER or re.search(r"[-+*/@(,]\s*$|^\s*[*/@)]", text):  # unfinished, on paper too
            raise
        from ...read.latex import parse_latex

        paper = re.sub(r"ᵀ|\.T\b|(?<=[\w)])'", r"^\\top ", text).replace("−", "-").replace("@", " ").replace("⊙", r"\odot ")
        with contextlib.suppress(SymDerivError):
            read_so = parse_latex(paper, dict(declared))
            if set(read_so.vars) <= set(declared):
                return read_so
        raise


def _meant_matmul(text: str, truth: Problem, declared: Mapping[str, str]) -> bool:
    """Whether the answer is right with `@` for some `*`."""
    from .numeric import equal

    places = [m.start() for m in re.finditer(r"(?<!\*)\*(?!\*)", text)][:3]
    for chosen in range(1, 2 ** len(places)):
        letters = list(text)
        for k, at in enumerate(places):
            if chosen >> k & 1:
                letters[at] = "@"
        with contextlib.suppress(SymDerivError):
            other = _read_expression("".join(letters), declared)
            fits = set(other.vars) <= set(declared) and other.expr.shape == truth.expr.shape and not _is_huge(other.expr)
            if fits and equal(other.expr, truth.expr, truth.vars.values()):
                return True
    return False


def _is_huge(expr: Node) -> bool:
    """Whether a value on the way has a size, or a sum a range, that no answer needs: answers must not fill the memory."""
    for node in postorder(expr):
        numbers = list(node.shape)
        for value in node.params.values() if isinstance(node, Call) else ():
            numbers += value if isinstance(value, (tuple, list)) else [value]
        for size in numbers:
            here = size.xreplace(dict.fromkeys(size.free_symbols, Integer(3))) if isinstance(size, Expr) else size
            if isinstance(here, (int, Integer)) and abs(int(here)) > LARGEST:
                return True
        if len(node.shape) > 8:
            return True
    return False


__all__ = ["Judgement", "judge"]
