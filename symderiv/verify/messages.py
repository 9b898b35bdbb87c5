"""Diagnoses in sentences: what is wrong, where, and what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Expr, Integer, Pow

from ..expr.nodes import Call, Node, Num, Var
from ..expr.sizes import show_shape
from ..expr.walk import postorder
from ..write.language import to_text
from .mutations import INFIX, Edit, at, negated, occurrences, put
from .ratios import Ratio
from .verdict import Diagnosis, say, short

DOUBTFUL = 20.0  # added to the rank of a change that happens to have the right values
STEPS = frozenset({"heaviside", "sign", "gt", "ge", "lt", "le", "eq", "ne"})

if TYPE_CHECKING:
    from .context import Context


# numbers, sizes, scalars -----------------------------------------------------------------------------------------------------
def factor_text(ratio: Ratio) -> str:
    """`2`, `1/n`, `2*lam`."""
    parts = [] if ratio.constant == 1 and ratio.scalar is not None and ratio.power == 1 else [text_of(ratio.constant)]
    if ratio.scalar is not None:
        inner = to_text(ratio.scalar)
        plain = not isinstance(ratio.scalar, Call) or ratio.scalar.name not in ("add", "neg", "mul", "div", "matmul")
        inner = inner if plain else f"({inner})"
        return f"{parts[0]}/{inner}" if ratio.power == -1 else "*".join([*parts, inner])
    return parts[0]


def text_of(value: Expr) -> str:
    """A number or size in the input language."""
    return to_text(Num(value))


def _ratio_kind(context: Context, ratio: Ratio) -> str:
    if ratio.scalar is not None:
        return "missing_factor"
    number = abs(ratio.number)
    if ratio.sizes != 1:
        return "mean_or_sum" if number in _numbers_of(context) else "factor"
    if ratio.number == -1:
        return "sign"
    averaged = any(isinstance(n, Call) and n.name == "mean" for n in postorder(context.trials.words, context.truth))
    large = max(number, 1 / number) > 4  # 2 may be a size, and is more often forgotten as the exponent
    return "mean_or_sum" if number in _numbers_of(context) - {1} and (averaged or large) else "factor"


def _numbers_of(context: Context) -> set[Expr]:
    """1, the declared sizes that are numbers, their product, and one over these: factors between a mean and a sum."""
    sizes = {s for v in context.trials.variables for s in v.shape if s.is_Integer and s > 1}
    found: set[Expr] = {Integer(1), *sizes, *(a * b for a in sizes for b in sizes)}
    return found | {1 / s for s in found}


def whole_ratio(context: Context, ratio: Ratio, fixed: Node | None) -> Diagnosis:
    """The claim is off by a factor as a whole."""
    kind, message = _about_factor(context, ratio, "your claim", "the derivative")
    return Diagnosis(kind, message, fixed, context.given, 5.6 if isinstance(ratio.scalar, Call) else 0.0)


def changed_terms(context: Context, words: Node, ratio: Ratio, rank: float) -> Diagnosis:
    """One term, or several, are off by a factor."""
    term = say(words)
    kind, message = _about_factor(context, ratio, f"the term {term} of your claim", "what belongs there")
    return Diagnosis(kind, message, None, words, rank, path=_nearest(context, words))


def _nearest(context: Context, words: Node) -> tuple[int, ...] | None:
    """The path to the occurrence that is nearest to the top."""
    root = context.claim.entry if context.claim.entry is not None else context.words
    return next((path for path, node in occurrences(root) if node is words), None)


def _about_factor(context: Context, ratio: Ratio, subject: str, whole: str) -> tuple[str, str]:
    kind = _ratio_kind(context, ratio)
    shown, inverse = factor_text(ratio), text_of(1 / ratio.constant)
    if ratio.scalar is None and not _is_count(ratio.sizes):
        return "missing_factor", f"The factor {shown} is missing: {subject} has to be multiplied by it."
    if kind == "sign":
        if subject == "your claim":
            return kind, "The sign is wrong: your claim is minus the derivative."
        return kind, f"The sign of {subject} is wrong; it should be the opposite."
    if kind == "missing_factor":
        assert ratio.scalar is not None
        name = to_text(ratio.scalar)
        if (
            ratio.power == -1
            and (context.given is None or _occurs(ratio.scalar, context.given))
            and not _divides(ratio.scalar, context.truth)
        ):
            extra = factor_text(Ratio(1 / ratio.number, 1 / ratio.sizes, ratio.scalar))
            return "extra_factor", f"There is a factor {extra} too much: {subject} is {extra} times {whole}."
        if ratio.power == -1:
            return kind, f"The factor {shown} is missing: {subject} has to be divided by {name}."
        return kind, f"The factor {shown} is missing: {subject} has to be multiplied by it."
    if kind == "mean_or_sum":
        return kind, _mean_or_sum(ratio, subject, whole)
    if ratio.number < 0:
        shown = factor_text(Ratio(-ratio.number, ratio.sizes))
        return kind, f"The sign is wrong and the factor {shown} is missing: {subject} is {inverse} times {whole}."
    if ratio.number > 1 or ratio.sizes != 1:
        return kind, f"The factor {shown} is missing: {subject} is {inverse} of {whole}."
    return kind, f"There is a factor {inverse} too much: {subject} is {inverse} times {whole}."


def _mean_or_sum(ratio: Ratio, subject: str, whole: str) -> str:
    sign = " The sign is wrong as well." if ratio.number < 0 else ""
    over, under = (abs(ratio.number) * ratio.sizes).as_numer_denom()
    if over == 1:
        what = f"{subject} is a sum where {whole} is a mean, {text_of(under)} times too large"
        return f"The factor 1/{_grouped(under)} is missing: {what}.{sign}"
    if under == 1:
        what = f"{subject} is a mean where {whole} is a sum, {text_of(over)} times too small"
        return f"The factor 1/{_grouped(over)} is too much: {what}.{sign}"
    return f"A factor {text_of(over / under)} is missing: {subject} counts with the wrong size.{sign}"


def _grouped(size: Expr) -> str:
    text = text_of(size)
    return text if size.is_Symbol or size.is_Integer else f"({text})"


def _occurs(piece: Node, words: Node) -> bool:
    return any(n is piece for n in postorder(words))


def _divides(piece: Node, words: Node) -> bool:
    """Whether something is divided by the piece, alone or as a factor or in a power."""
    below = [n.operands[1] for n in postorder(words) if isinstance(n, Call) and n.name == "div"]
    factors = [f for n in below for f in (n.operands if isinstance(n, Call) and n.name == "mul" else (n,))]
    return any(f is piece or (isinstance(f, Call) and f.name == "pow" and f.operands[0] is piece) for f in factors)


# terms -----------------------------------------------------------------------------------------------------------------------
def _signed(words: Node) -> str:
    text = say(words)
    return text if text.startswith("-") else f"+ {text}"


def missing_terms(context: Context, words: Node, rank: float) -> Diagnosis:
    """Something has to be added."""
    fixed = Call("add", context.words, words)
    if _is_zero(context):
        return Diagnosis("wrong", f"Your claim is 0, but the derivative is {say(words)}.", context.truth, None, rank)
    return Diagnosis("missing_term", f"A term is missing: {_signed(words)}.", fixed, None, rank)


def extra_terms(context: Context, words: Node, rank: float) -> Diagnosis:
    """Something has to go."""
    fixed = context.truth
    message = f"There is a term too much: {say(words)} does not belong there."
    return Diagnosis("extra_term", message, fixed, words, rank, path=_nearest(context, words))


def _is_zero(context: Context) -> bool:
    return all(v is not None and abs(v).max(initial=0) < 1e-13 for v in context.claimed_values)


# one change ------------------------------------------------------------------------------------------------------------------
def _operand_kind(piece: Node, forgotten: bool) -> str:
    """The kind of verdict for a factor that is missing or too much."""
    value = piece
    if isinstance(piece, Call) and piece.name == "div" and piece.operands[0] is Num(1):
        value = piece.operands[1]
    if isinstance(value, Num):
        if not value.value.free_symbols:
            return "factor"
        if _is_count(value.value):
            return "mean_or_sum"
    return "missing_factor" if forgotten else "extra_factor"


def _is_count(value: Expr) -> bool:
    """Whether a size, a product or a quotient of sizes, as between a mean and a sum; `sqrt(d)` is none."""
    return all(e.is_Integer for e in (p.exp for p in value.atoms(Pow)))


def claim_edit(context: Context, e: Edit, fixed: Node, ratio: Ratio | None = None) -> Diagnosis:
    """A change of the claim that makes it right."""
    kind, message, rank = _CLAIM[e.name](e)
    if e.name == "transpose":
        message += _if_symmetric(context, e)
        rank += 1.5 * _runs_along_an_axis(context, e)
    if ratio is not None:
        message += (
            f" After that the factor {factor_text(ratio)} is missing." if ratio.constant != -1 else " The sign is wrong as well."
        )
        rank += 4 + 0.5 * bool(ratio.number < 0)
    return Diagnosis(kind, message, fixed, e.old, rank + _place_rank(e), path=None if e.everywhere else e.path)


def _runs_along_an_axis(context: Context, e: Edit) -> bool:
    """Whether the place is what a sum runs along an axis of: another axis is the simpler explanation."""
    root = context.claim.entry if context.claim.entry is not None else context.given
    parent = at(root, e.path[:-1]) if e.path and root is not None else None
    return isinstance(parent, Call) and parent.params.get("axis") is not None


def _place_rank(e: Edit) -> float:
    """Below 1: of two changes that do the same, the transpose of the smallest piece, and anything else nearest to the top."""
    if e.name == "transpose":
        return min(e.old.tree_size, 400) / 1000
    return min(len(e.path), 40) / 100 - (0.005 if e.everywhere else 0)


def _if_symmetric(context: Context, e: Edit) -> str:
    inner = e.old.operands[0] if isinstance(e.old, Call) and e.old.name == "T" else e.old
    if isinstance(inner, Var) and inner.shape[0] == inner.shape[1]:
        return f" (As it stands it is right only if {inner.name} is symmetric.)"
    return ""


def _there(e: Edit) -> Node:
    """What stands at the place after the change."""
    assert e.new is not None
    return e.new


def _claim_transpose(e: Edit) -> tuple[str, str, float]:
    old, new = say(e.old), say(e.new) if e.new is not None else ""
    if not e.path:
        return "transpose", "Your claim is the transpose of the derivative.", 2.9
    if isinstance(e.old, Call) and e.old.name == "T":
        return "transpose", f"A transpose is too much: {new} belongs where {old} stands.", 3.0
    return "transpose", f"A transpose is missing: {new} belongs where {old} stands.", 3.0


def _claim_negate(e: Edit) -> tuple[str, str, float]:
    return "sign", f"The sign of {say(_bare(e.old))} is wrong: it should be {say(negated(e.old))}.", 4.0


def _bare(x: Node) -> Node:
    return x.operands[0] if isinstance(x, Call) and x.name == "neg" else x


def _claim_scale(e: Edit) -> tuple[str, str, float]:
    return "factor", f"A factor is wrong: {say(_there(e))} belongs where {say(e.old)} stands.", 4.5


def _claim_drop_term(e: Edit) -> tuple[str, str, float]:
    return "extra_term", f"There is a term too much: {say(e.detail)} in {say(e.old)} does not belong there.", 5.6


def _claim_drop_factor(e: Edit) -> tuple[str, str, float]:
    kind = _operand_kind(e.detail, forgotten=False)
    what = f"The factor {say(e.detail)} in {say(e.old)} is too much."
    return kind, what, 4.6 if kind != "extra_factor" else 5.1


def _claim_swap(e: Edit) -> tuple[str, str, float]:
    kind = "transpose" if isinstance(e.old, Call) and e.old.name == "outer" else "wrong"
    a, b = e.detail
    return kind, f"The order of {say(a)} and {say(b)} is wrong: {say(_there(e))} belongs where {say(e.old)} stands.", 5.8


def _axis_words(axis: object) -> str:
    return "all axes" if axis is None else f"axis {axis}"


def _claim_axis(e: Edit) -> tuple[str, str, float]:
    assert isinstance(e.old, Call)
    now, then = _axis_words(e.old.params["axis"]), _axis_words(e.detail)
    message = f"{e.old.name} runs along {now} and should run along {then}: {say(_there(e))}."
    return "index", message[:1].upper() + message[1:], 4.2


def _claim_average(e: Edit) -> tuple[str, str, float]:
    assert isinstance(e.old, Call)
    return "mean_or_sum", f"It should be a {e.detail}, not a {e.old.name}: {say(_there(e))} instead of {say(e.old)}.", 4.2


def _claim_product(e: Edit) -> tuple[str, str, float]:
    signs = {"mul": "*, the elementwise product", "matmul": "@, the matrix product", "outer": "outer(…)"}
    sign = signs.get(str(e.detail), "")
    return "wrong", f"The wrong product: {say(_there(e))} ({sign}) belongs where {say(e.old)} stands.", 6.5


def _claim_invert(e: Edit) -> tuple[str, str, float]:
    return _inverted(e)[0], _inverted(e)[1], 4.7


def _inverted(e: Edit, forgotten: bool = False) -> tuple[str, str]:
    divides = (isinstance(e.old, Call) and e.old.name == "div") is not forgotten
    now, then = ("divided", "multiplied") if divides else ("multiplied", "divided")
    value = e.detail.value if isinstance(e.detail, Num) else None
    kind = "mean_or_sum" if value is not None and _is_count(value) else "factor"
    right = _there(e) if not forgotten else e.old
    return kind, f"It is {now} by {say(e.detail)} where it should be {then}: {say(right)}."


def _claim_index(e: Edit) -> tuple[str, str, float]:
    return "index", f"An index is wrong: {say(_there(e))} belongs where {say(e.old)} stands.", 4.1


def _claim_unwrap(e: Edit) -> tuple[str, str, float]:
    inner = say(_there(e))
    return "wrong", f"{say(e.old)} stands where {inner} belongs: {e.detail} is applied once too often.", 6.2


def _claim_compare(e: Edit) -> tuple[str, str, float]:
    return "wrong", f"The comparison is the wrong way round: {say(_there(e))} belongs where {say(e.old)} stands.", 6.0


def _claim_insert(e: Edit) -> tuple[str, str, float]:
    kind = _operand_kind(e.detail, forgotten=True)
    where = "" if not e.path else f" at {say(e.old)}"
    piece = say(e.detail)
    if isinstance(e.detail, Call) and e.detail.name == "eq":
        piece = f"δ (1 where {piece}, else 0)"
    return kind, f"The factor {piece} is missing{where}.", 7.0


def _claim_replace(e: Edit) -> tuple[str, str, float]:
    return "wrong", f"{say(e.old)} stands where {say(_there(e))} belongs.", 6.8


_CLAIM = {
    "transpose": _claim_transpose, "negate": _claim_negate, "scale": _claim_scale, "drop_term": _claim_drop_term,
    "drop_factor": _claim_drop_factor, "swap": _claim_swap, "axis": _claim_axis, "average": _claim_average,
    "product": _claim_product, "index": _claim_index, "unwrap": _claim_unwrap, "compare": _claim_compare,
    "replace": _claim_replace, "insert": _claim_insert, "invert": _claim_invert,
}  # fmt: skip


def truth_edit(context: Context, e: Edit) -> Diagnosis:
    """A change of the derivative that makes it the claim: something was forgotten."""
    kind, message, rank = _truth(context, e)
    if e.everywhere and e.name == "drop_factor":
        rank += 1.0  # that the same is forgotten at several places is not the simplest explanation
    if e.name in ("negate", "scale", "drop_term") and _below_a_step(e):
        rank += 2.0
    if e.name == "negate" and e.path and not e.everywhere:
        above = at(e.root, e.path[:-1])
        if isinstance(above, Call) and above.op.elementwise and above.name not in INFIX:
            old = put(above, e.path[-1:], e.old)
            kind, rank = "wrong", rank + DOUBTFUL
            message = f"{say(old)} belongs where you have {say(above)}."
    return Diagnosis(kind, message, context.truth, _stands_for(context, e), rank + _place_rank(e))


def _below_a_step(e: Edit) -> bool:
    """Whether all that was changed is inside comparisons, which a change may make true everywhere."""
    if not e.everywhere:
        return _path_meets_a_step(e.root, e.path)
    paths = [path for path, node in occurrences(e.root) if node is e.new]
    return bool(paths) and all(_path_meets_a_step(e.root, path) for path in paths)


def _path_meets_a_step(node: Node, path: tuple[int, ...]) -> bool:
    for k in path:
        if isinstance(node, Call) and node.name in STEPS:
            return True
        if k >= len(node.operands):
            return False
        node = node.operands[k]
    return False


def _stands_for(context: Context, e: Edit) -> Node | None:
    """The piece of the claim that stands where something else belongs."""
    if context.given is None or e.new is None or isinstance(e.new, Num) or e.everywhere:
        return None
    root = context.claim.entry if context.claim.entry is not None else context.given
    return e.new if sum(n is e.new for _, n in occurrences(root)) == 1 else None


def _truth(context: Context, e: Edit) -> tuple[str, str, float]:
    old, new = say(e.old), say(e.new) if e.new is not None else ""
    if e.name == "drop_factor":
        kind = _operand_kind(e.detail, forgotten=True)
        place = "" if not e.path or e.detail is e.old else f" in {short(old, 120)}"
        if isinstance(e.old, Call) and e.old.name == "pow":
            return kind, f"A factor {say(e.detail)} is missing: {old} belongs where you have {new}.", 5.0
        return kind, f"The factor {say(e.detail)} is missing{place}.", 4.6 if kind != "missing_factor" else 5.0
    if e.name == "drop_term":
        return "missing_term", f"The term {say(e.detail)} is missing in {old}.", 5.5
    if e.name == "negate":
        return "sign", f"The sign of {say(_bare(e.old))} is wrong: it should be {old}.", 4.05
    if e.name == "transpose":
        return "transpose", f"{old} belongs where you have {new}.", 3.7
    if e.name in ("axis", "index"):
        return "index", f"The wrong {e.name}: {old} belongs where you have {new}.", 4.25
    if e.name == "average":
        return "mean_or_sum", f"{old} belongs where you have {new}.", 4.25
    if e.name == "scale":
        return "factor", f"A factor is wrong: {old} belongs where you have {new}.", 4.55
    if e.name == "invert":
        return (*_inverted(e, forgotten=True), 4.75)
    if e.name == "unwrap":
        return "wrong", f"You have {new} where {old} belongs: {e.detail} has to be applied there.", 6.1
    return "wrong", f"{old} belongs where you have {new}.", 6.4


# symmetric, unexplained ------------------------------------------------------------------------------------------------------
def only_symmetric(context: Context, needed: list[Var]) -> Diagnosis:
    """Right under a condition that nothing declares."""
    names = " and ".join(v.name for v in needed)
    are = "is" if len(needed) == 1 else "are"
    general = f"in general the derivative is {say(context.truth)}"
    message = f"Your claim is right only if {names} {are} symmetric, which is not declared; {general}."
    return Diagnosis("needs_symmetric", message, context.truth, None, 3.5)


def unexplained(context: Context) -> str:
    """Nothing simple explains the claim."""
    return f"Your claim is not the derivative, which is {say(context.truth)}."


def shapes_text(words: Node, truth: Node) -> str:
    """Both shapes, in a sentence."""
    return f"your claim has shape {show_shape(words.shape)}, the derivative {show_shape(truth.shape)}"


__all__ = [
    "at",
    "changed_terms",
    "claim_edit",
    "extra_terms",
    "factor_text",
    "missing_terms",
    "only_symmetric",
    "shapes_text",
    "truth_edit",
    "unexplained",
    "whole_ratio",
]  # fmt: skip
