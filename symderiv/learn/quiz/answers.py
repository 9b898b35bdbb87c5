"""Reading what people answer: `n x d`, `(n,d)`, `n*d`, `d by n`, `nd vector`, words; and what a wrong answer suggests.

Nothing is evaluated: sizes are polynomials, read by a small parser; expressions are read by the reader of the input language.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Integer, expand

from ...errors import InputError, SymDerivError
from ...expr.nodes import Call, Node
from ...expr.sizes import size_symbol
from ...expr.walk import postorder
from ...read.problem import parse
from .model import LETTERS, Question

LONGEST = 300  # characters of an answer
LARGEST = 1000  # entries along an axis, or terms of a sum, of an expression that is answered
POWERS = str.maketrans(
    {"²": "^2", "³": "^3", "⁴": "^4", "×": " x ", "✕": " x ", "⨯": " x ", "·": "*", "⋅": "*", "∗": "*", "−": "-", "’": "'"}
)
SCALAR = {
    "()",
    "scalar",
    "a scalar",
    "number",
    "a number",
    "none",
    "no axes",
    "one number",
    "single number",
    "1",
    "(1)",
    "(1,)",
    "[]",
}
FILLER = re.compile(
    r"\b(the|a|an|is|it|its|has|have|of|with|size|shape|vector|matrix|tensor|array|column|row|dimensions?|dim|length|entries|axes|order|"
    r"rank|answer|rows?|columns?|and|real)\b|\\?mathbb|\\?mathbf|[ℝ$\\{}]",
)
TRUE = {"true", "t", "yes", "y", "right", "correct", "wahr", "ja", "1"}
FALSE = {"false", "f", "no", "n", "wrong", "incorrect", "falsch", "nein", "0"}
ORDINALS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "first": "1", "second": "2", "third": "3",
            "fourth": "4", "fifth": "5", "sixth": "6"}  # fmt: skip


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
@lru_cache(maxsize=4096)
def read_size(text: str) -> Expr:
    """A polynomial in sizes: `n`, `3`, `2*n + 1`, `n^2`.

    Raises:
        InputError: SD144.
    """
    tokens = re.findall(r"\d+|[A-Za-z_]\w*|\*\*|[-+*^()]|\S", text)
    value, rest = _sum(tokens, 0)
    if rest != len(tokens):
        raise InputError(f"`{text}` is not a size", code="SD144")
    return expand(value)


def _sum(tokens: list[str], at: int) -> tuple[Expr, int]:
    value, at = _term(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        other, after = _term(tokens, at + 1)
        value, at = (value + other if tokens[at] == "+" else value - other), after
    return value, at


def _term(tokens: list[str], at: int) -> tuple[Expr, int]:
    value, at = _power(tokens, at)
    while at < len(tokens) and tokens[at] == "*":
        other, at = _power(tokens, at + 1)
        value = value * other
    return value, at


def _power(tokens: list[str], at: int) -> tuple[Expr, int]:
    value, at = _atom(tokens, at)
    if at < len(tokens) and tokens[at] in ("^", "**"):
        if at + 1 >= len(tokens) or not re.fullmatch(r"[1-9]", tokens[at + 1]):
            raise InputError("an exponent must be a small number", code="SD144")
        value, at = value ** int(tokens[at + 1]), at + 2
    return value, at


def _atom(tokens: list[str], at: int, depth: int = 0) -> tuple[Expr, int]:
    if at >= len(tokens):
        raise InputError("a size is missing", code="SD144")
    t = tokens[at]
    if t.isdigit() and t.isascii() and len(t) < 13:
        return Integer(t), at + 1
    if re.fullmatch(r"[A-Za-z_]\w*", t):
        return size_symbol(t), at + 1
    raise InputError(f"`{t}` is not a size", code="SD144")


def readings(text: str, question: Question) -> Iterator[tuple[Expr, ...]]:
    """The shapes that an answer may mean, the most literal one first."""
    text = text.translate(POWERS).strip().rstrip(".!")
    low = text.lower().strip()
    if low in SCALAR:
        yield ()
        if "1" in low:
            yield (Integer(1),)
        return
    same = re.fullmatch(r"(?:the )?(?:same|shape|size|that)?\s*(?:as|of|like)\s+(?:that of )?(\w+)", low)
    if same:
        sizes = next((s for n, s in question.vars.items() if n.lower() == same.group(1)), None)
        if sizes is not None:
            yield tuple(read_size(s) for s in sizes.split(",")) if sizes != "scalar" else ()
            return
    text = re.sub(r"\\times|\bR\s*\^|ℝ\s*\^", " x ", text)
    text = re.sub(r"(\w)-(?:dimensional|vector)\b", r"\1", text)
    text = re.sub(r"\b(?:by|times|X)\b", " x ", text, flags=re.IGNORECASE)
    text = FILLER.sub(" ", text)
    text = re.sub(r"^[\s:=x]+|[\s:=x]+$", "", text)
    while len(text) > 1 and text[0] + text[-1] in ("()", "[]", "<>"):
        text = text[1:-1].strip()
    text = text.rstrip(", ").replace(";", ",")
    for pattern in (r"\s*,\s*|\s+x\s+", r"\s*,\s*|\s*\bx\b\s*|\s*\*\s*(?!\*)(?<!\*\*)", r"\s*,\s*|\s+x\s+|\s+", r"[,x\s*]+"):
        parts = [_bare(p) for p in re.split(pattern, text) if p.strip()]
        with contextlib.suppress(InputError):
            yield tuple(s for p in parts for s in (_powers(p) if pattern != r"\s*,\s*|\s+x\s+" else [read_size(p.strip())]))
    if re.fullmatch(r"(?:\d?[a-z]){2,6}", text):  # `nd`, `ndk`: one letter for each axis
        with contextlib.suppress(InputError):
            yield tuple(read_size(p) for p in text)
    compact = re.fullmatch(r"(\w+?)x(\w+?)(?:x(\w+))?(?:x(\w+))?", text)
    if compact:  # `nxd`, `10x3`
        with contextlib.suppress(InputError):
            yield tuple(read_size(p) for p in compact.groups() if p)


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if text[0] + text[-1] == "()" else text


def _powers(text: str) -> list[Expr]:
    """`n^2` as an axis of n twice."""
    found = re.fullmatch(r"(\w+)\s*(?:\^|\*\*)\s*(\d)", text.strip())
    if found:
        return [read_size(found.group(1))] * int(found.group(2))
    return [read_size(text.strip())]


def shape_of_text(text: str) -> tuple[Expr, ...]:
    """`(n, d)` as the keys write it."""
    return tuple(read_size(p.strip()) for p in text.strip("()").split(",") if p.strip())


def show(shape: tuple[Expr, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _shape(question: Question, text: str) -> Judgement:
    truth = shape_of_text(question.answer)
    known = {str(s) for s in {*truth, *(s for v in question.vars.values() for s in _symbols(v))}}
    found = [r if known & {str(s) for s in r} else _lower(r, known) for r in dict.fromkeys(readings(text, question))]
    if not found:
        return Judgement(None, "write the sizes of the axes, as in (n, d), n x d or scalar")
    if truth in found:
        return Judgement(True, "", show(truth))
    found = [r for r in found if known.issuperset(str(s) for e in r for s in e.free_symbols)] or found
    strange = [str(s) for e in found[0] for s in e.free_symbols if str(s) not in known]
    if strange and known and len(strange[0]) > 1:
        return Judgement(None, f"there is no size {strange[0]} here")
    for shape in found:
        if len(truth) == 1 and len(shape) == 2 and sorted(map(str, shape)) == sorted((str(truth[0]), "1")):
            kind = "column" if str(shape[1]) == "1" else "row"
            return Judgement(True, f"as a {kind}; with one axis, as in NumPy, it is {show(truth)}", show(shape))
        if not truth and all(s == 1 for s in shape):
            return Judgement(True, "a scalar has no axes: ()", show(shape))
    for shape in found:
        for wrong, says in question.slips.items():
            if shape_of_text(wrong) == shape:
                return Judgement(False, says, show(shape))
    return Judgement(False, _general(truth, found[0]), show(found[0]))


def _symbols(sizes: str) -> list[Expr]:
    try:
        return [read_size(s.strip()) for s in sizes.split(",") if s.strip() != "scalar"]
    except InputError:
        return []


def _lower(shape: tuple[Expr, ...], known: set[str]) -> tuple[Expr, ...]:
    """`N x D` for `(n, d)`, where nothing is called N."""
    change = {s: size_symbol(str(s).lower()) for e in shape for s in e.free_symbols if str(s) not in known}
    return tuple(e.xreplace(change) for e in shape)


def _general(truth: tuple[Expr, ...], given: tuple[Expr, ...]) -> str:
    if sorted(map(str, truth)) == sorted(map(str, given)):
        return "the axes are right, their order is not"
    if len(truth) != len(given):
        more = "too many" if len(given) > len(truth) else "too few"
        return f"{more} axes: it has {len(truth)}, the answer has {len(given)}"
    strange = [str(s) for s in given if s not in truth]
    return f"{strange[0]} is not one of its sizes" if strange else "the right sizes, not as often as they occur"


# the other forms --------------------------------------------------------------------------------------------------------------
def _number(question: Question, text: str) -> Judgement:
    low = text.lower().translate(POWERS)
    low = re.sub(r"\b(line|number|no|nr|entries|entry|the|it|is)\b\.?|#|=", " ", low).strip(" .")
    low = ORDINALS.get(low, low)
    low = re.sub(r"(?<=\d)[ ,_'](?=\d{3}\b)", "", low).replace(" x ", "*").replace("st", "").replace("nd", "")
    try:
        value = read_size(re.sub(r"(?<=\d)(rd|th)\b", "", low).replace(" ", ""))
    except InputError:
        return Judgement(None, "answer with a number")
    if not value.is_Integer:
        return Judgement(None, "answer with a number")
    if str(value) == question.answer:
        return Judgement(True, "", str(value))
    return Judgement(False, question.slips.get(str(value), f"it is {int(question.answer):,}"), str(value))


def _choice(question: Question, text: str) -> Judgement:
    letters = LETTERS[: len(question.choices)]
    low = re.sub(r"^(answer|choice|option)\s+", "", text.lower().strip()).strip(" ().:")
    low = letters[int(low) - 1] if re.fullmatch(r"[0-9]{1,3}", low) and 1 <= int(low[:3]) <= len(letters) else low
    if len(low) != 1 or low not in letters:
        plain = re.sub(r"\s+", "", text)
        same = [letters[i] for i, c in enumerate(question.choices) if re.sub(r"\s+", "", c) in (plain, plain.replace("d", "∂"))]
        if len(same) != 1:
            return Judgement(None, f"answer with a letter from a to {letters[-1]}")
        low = same[0]
    return Judgement(low == question.answer, "" if low == question.answer else question.slips.get(low, ""), low)


def _truth(question: Question, text: str) -> Judgement:
    low = text.lower().strip(" .!")
    said = "true" if low in TRUE else "false" if low in FALSE else ""
    if not said:
        return Judgement(None, "answer with true or false")
    return Judgement(said == question.answer, "" if said == question.answer else question.slips.get(said, "it is true"), said)


def _expression(question: Question, text: str) -> Judgement:
    from .numeric import equal

    text = re.sub(r"^.*?=(?!=)\s*", "", text) if re.match(r"^[^()]*=(?!=)", text) else text
    text = re.sub(r"ᵀ|\^\s*\{?\s*(?:\\top|T|⊤)\s*\}?|(?<=\w)'|(?<=\))'", ".T", text.translate(POWERS)).replace("^", "**")
    try:
        said = parse(text, dict(question.vars))
        truth = parse(question.answer, dict(question.vars))
    except SymDerivError as error:
        if error.code in ("SD201", "SD202", "SD203", "SD204"):
            return Judgement(False, f"the sizes do not fit: {error.message}", text)
        return Judgement(None, error.message)
    if _is_huge(said.expr):
        return Judgement(None, "this needs arrays or sums that are too large")
    strange = [n for n in said.vars if n not in question.vars]
    if strange:
        return Judgement(None, f"there is no {strange[0]} here")
    if len(said.expr.shape) != len(truth.expr.shape) or said.expr.shape != truth.expr.shape:
        return Judgement(False, f"this has the size {show(said.expr.shape)}, the derivative has {show(truth.expr.shape)}", text)
    same = equal(said.expr, truth.expr, {**truth.vars, **said.vars}.values())
    if same is None:
        return Judgement(None, "this has no value at the points tried")
    if same:
        return Judgement(True, "", text)
    return Judgement(False, "the sizes fit, the values do not: another transpose or factor", text)


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


__all__ = ["Judgement", "judge", "read_size", "readings", "shape_of_text"]
