"""Questions about the size of a derivative: what it is, how many entries, which derivative has it, true or false."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from ...api import derive
from ...errors import SymDerivError
from ...write.language import to_text
from ...write.report import shape_text
from ..shapes import ShapeAnswer, arranged, intermediates, kind_of, number
from .cases import Case, declared_line
from .expressions import QUICK, Maker
from .model import LETTERS, Claim, Question
from .sizes_under import sizes_under
from .spec import Spec

LONGEST = 72  # characters of an expression
SHORT = 48  # characters of a gradient that is shown as a reason, or of a value on the way
LINEAR = frozenset(["sum", "mean", "outer", "diag", "trace"])  # these cost nothing to differentiate
NUMBERS = (2, 3, 4, 5, 6, 8, 10, 20, 50, 100)


def size(spec: Spec) -> Question | None:
    """What is the size of ∂f/∂x?"""
    case = spec.case().named()
    a = case.answer
    if not _readable(case):
        return None
    where = f" ({case.layout} layout)" if case.layout_matters else ""
    return spec.question(
        ask=f"What is the size of {case.text}{where}?", given=case.declared, form="shape", answer=shape_text(a.shape),
        why=_why(case, a), factors=_factors(case, a), slips=slips(a), hint=_hint(a), claims=(_claim(case, a.shape),),
        vars=case.used, layout=case.layout if case.layout_matters else "",
    )  # fmt: skip


def count(spec: Spec) -> Question | None:
    """How many entries does it have for concrete sizes?"""
    case = spec.case().named()
    a = case.answer
    names = sorted({str(s) for s in a.entries.free_symbols})
    if not _readable(case) or not names:
        return None
    values = dict(zip(names, spec.rng.sample(NUMBERS, len(names)), strict=True))
    total = a.entries_for(values) or 0
    wrong = [
        (sum(number(s, values) or 0 for s in a.shape), "the sizes were added; every axis multiplies"),
        (_count(a.out, values), f"that counts the entries of {case.subject} only"),
        (_count(a.by, values), f"that counts the entries of {a.wrt} only"),
        (_count((*a.out, *a.by), values), f"that counts one derivative; here it is taken {a.order} times"),
    ]
    sizes = ", ".join(f"{n} = {k}" for n, k in values.items())
    product = " · ".join(str(number(s, values)) for s in a.shape)
    counted = f"{shape_text(a.shape)} has {f'{product} = ' if len(a) > 1 else ''}{total:,} entries"
    return spec.question(
        ask=f"How many entries does {case.text} have for {sizes}?", given=case.declared, form="number", answer=str(total),
        why=(a.rule, counted), factors=_factors(case, a), slips={str(k): text for k, text in wrong if k != total},
        hint=_hint(a), claims=(_claim(case, a.shape),), vars=case.used,
    )  # fmt: skip


# true or false ----------------------------------------------------------------------------------------------------------------
def truth(spec: Spec) -> Question | None:
    """True or false: ∂f/∂x has this size, as many axes, the shape of something, so many entries, one size in both layouts."""
    case = spec.case().named()
    a = case.answer
    if not _readable(case):
        return None
    statements = [_has_size, _has_size, _has_axes, _has_shape_of, _has_entries]
    statements += [_has_one_size] if case.layout_matters else []
    made = spec.rng.choice(statements)(case, a, spec.rng)
    if made is None:
        return None
    said, left, right, slip = made
    holds = left == right
    return spec.question(
        ask=f"True or false: {said}", given=case.declared, form="truth", answer="true" if holds else "false",
        why=(*(() if holds else (slip,)), *_why(case, a)), factors=_factors(case, a), hint=_hint(a), vars=case.used,
        slips={"false" if holds else "true": slip},
        claims=(_claim(case, a.shape), Claim("same", left, right, holds)),
    )  # fmt: skip


Statement = tuple[str, str, str, str]  # what is said, the two texts that are equal if it is true, the mistake


def _where(case: Case) -> str:
    return f" in {case.layout} layout" if case.layout_matters else ""


def _has_size(case: Case, a: ShapeAnswer, rng: random.Random) -> Statement | None:
    wrong = slips(a)
    truth = shape_text(a.shape)
    said = truth if rng.random() < 0.5 or not wrong else rng.choice(list(wrong))
    slip = wrong.get(said, f"it has exactly this size: {truth}")
    return f"{case.text} has the size {said}{_where(case)}.", said, truth, slip


def _has_axes(case: Case, a: ShapeAnswer, rng: random.Random) -> Statement | None:
    others = {len(a.by): f"{a.wrt} has {len(a.by)}", len(a.out): f"{case.subject} has {len(a.out)}", len(a) + 1: "one too many"}
    wrong = [n for n in others if n not in (len(a), 0)]
    said = len(a) if rng.random() < 0.5 or not wrong else rng.choice(wrong)
    slip = f"{others[said]}; the derivative has {len(a)}" if said != len(a) else f"it has {len(a)}: {shape_text(a.shape)}"
    axes = "no axes" if not said else "one axis" if said == 1 else f"{said} axes"
    return f"{case.text} has {axes}.", str(said), str(len(a)), slip


def _has_shape_of(case: Case, a: ShapeAnswer, rng: random.Random) -> Statement | None:
    shapes = {a.wrt: a.by, **({case.subject: a.out} if case.subject.isidentifier() else {})}
    name = rng.choice(list(shapes))
    left, right = shape_text(shapes[name]), shape_text(a.shape)
    slip = f"{name} has {left}, the derivative has {right}" if left != right else f"both have the shape {right}"
    return f"{case.text} has the same shape as {name}{_where(case)}.", left, right, slip


def _has_entries(case: Case, a: ShapeAnswer, rng: random.Random) -> Statement | None:
    if not a or len({str(s) for s in a if not s.is_Integer}) < 1:
        return None
    wrong = [s for s in (a.by, a.out, arranged(a.out, a.by, a.order + 1)) if s and _times(s) != _times(a.shape)]
    shape = a.shape if rng.random() < 0.5 or not wrong else rng.choice(wrong)
    left, right = _times(shape), _times(a.shape)
    slip = f"there are {right}: {shape_text(a.shape)}" if left != right else f"it has exactly so many: {shape_text(a.shape)}"
    return f"{case.text} has {left} entries.", left, right, slip


def _has_one_size(case: Case, a: ShapeAnswer, rng: random.Random) -> Statement | None:
    left, right = shape_text(a.numerator), shape_text(a.denominator)
    slip = f"numerator layout {left}, denominator layout {right}"
    return f"{case.text} has the same size in numerator and in denominator layout.", left, right, slip


def _times(shape: tuple) -> str:
    """`n·d²`, sizes in order."""
    powers: dict[str, int] = {}
    for s in shape:
        powers[str(s)] = powers.get(str(s), 0) + 1
    return "·".join(n + {1: "", 2: "²", 3: "³"}.get(p, f"^{p}") for n, p in sorted(powers.items()) if n != "1") or "1"


# which ------------------------------------------------------------------------------------------------------------------------
def which(spec: Spec) -> Question | None:
    """Which of these derivatives has this size? Or, in which layout does this one have it?"""
    if spec.topic == "layout" and spec.rng.random() < 0.5:
        return _which_layout(spec)
    maker = Maker(spec.rng, spec.level > 1)
    found: dict[str, Case] = {}
    network = spec.topic in ("batch", "chain")
    shown: list[Case] = []
    for _ in range(1 if network else 3):
        case = spec.case(maker)
        if not network and not _readable(case):
            return None
        for other in _relatives(case, spec.rng):
            found.setdefault(other.text, other)
        shown = _four(list(found.values()), spec.rng)
        if shown:
            break
    if not shown:
        return None
    target = shown[0]
    shape = target.answer.shape
    spec.rng.shuffle(shown)
    key = LETTERS[shown.index(target)]
    given = (declared_line(maker.vars, *(c.source for c in shown)), *max((c.lines for c in shown), key=len))
    layout = " (numerator layout)" if any(c.layout_matters for c in shown) else ""
    told = {LETTERS[k]: f"{c.text} has the size {shape_text(c.answer.shape)}" for k, c in enumerate(shown) if c is not target}
    return spec.question(
        ask=f"Which of these has the size {shape_text(shape)}{layout}?", given=given, form="choice", answer=key,
        choices=tuple(c.text for c in shown), why=_why(target, target.answer, False), slips=told,
        hint="how many axes does each have? a scalar on top gives the shape below; else both shapes, one after the other",
        factors=tuple((c.text, shape_text(c.answer.shape)) for c in shown),
        claims=(*(_claim(c, c.answer.shape) for c in shown),
                *(Claim("same", shape_text(c.answer.shape), shape_text(shape), c is target) for c in shown)),
    )  # fmt: skip


def _four(cases: list[Case], rng: random.Random) -> list[Case]:
    """One of the cases and three of other shapes, not three alike; [] where there are not so many."""
    rng.shuffle(cases)
    target = cases[0]
    wrong: list[Case] = []
    for c in cases[1:]:
        shape = c.answer.shape
        if shape != target.answer.shape and len(wrong) < 3 and sum(w.answer.shape == shape for w in wrong) < 2:
            wrong.append(c)
    return [target, *wrong] if len(wrong) == 3 else []


def _which_layout(spec: Spec) -> Question | None:
    case = spec.case().named()
    a = case.answer
    if not _readable(case) or not case.layout_matters:
        return None
    both = {"numerator": a.numerator, "denominator": a.denominator}
    turned = a.shape[::-1] if a.shape[::-1] not in both.values() else None
    said = spec.rng.choice([s for s in (*both.values(), turned) if s is not None])
    where = [name for name, s in both.items() if s == said]
    choices = ("numerator layout", "denominator layout", "both layouts", "neither layout")
    key = 2 if len(where) == 2 else 3 if not where else int(where[0] == "denominator")
    lines = (f"numerator layout: the axes of {case.subject}, then those of {a.wrt}: {shape_text(a.numerator)}",
             f"denominator layout: the axes of {a.wrt}, then those of {case.subject}: {shape_text(a.denominator)}")  # fmt: skip
    slip = {LETTERS[k]: f"{said_of}, not {shape_text(said)}" for k, said_of in enumerate((lines[0], lines[1])) if k != key}
    slip |= {} if key == 2 else {"c": "the two layouts differ here, or neither has this size"}
    slip |= {} if key == 3 else {"d": "one of them has it: write the two shapes one after the other"}
    if key == 2:
        slip |= {LETTERS[k]: "so does the other layout" for k in (0, 1)}
    claims = [Claim("shape", case.source, shape_text(s), True, dict(case.vars), case.wrt, case.order, n) for n, s in both.items()]
    return spec.question(
        ask=f"In which layout does {case.text} have the size {shape_text(said)}?", given=case.declared, form="choice",
        answer=LETTERS[key], choices=choices, why=lines, slips=slip, 
        hint="which shape comes first, that of the value or that of the variable?",
        factors=_factors(case, a)[:-1], vars=case.used,
        claims=(*claims, *(Claim("same", shape_text(said), shape_text(s), s == said) for s in both.values())),
    )  # fmt: skip


def _relatives(case: Case, rng: random.Random) -> list[Case]:
    """The case itself and the same expression by its other variables, in numerator layout; of a network its values too."""
    lines = case.lines
    sources = [("\n".join(lines[: k + 1]), lines[: k + 1], line.partition(" = ")[0]) for k, line in enumerate(lines)]
    out = []
    for source, shown, top in sources or [(case.source, (), "")]:
        used = declared_line(case.vars, source)
        names = [n for n, sizes in case.vars.items() if f"{n}: " in f" {used}" and "integer" not in sizes]
        for name in names:
            other = Case(source, case.vars, name, case.order, "numerator", shown, top)
            if name in other.problem.vars and len(other.answer.shape) <= 6:
                out.append(other)
    rng.shuffle(out)
    return out[: 8 if lines else 3]


# reasons ----------------------------------------------------------------------------------------------------------------------
def _readable(case: Case) -> bool:
    plain = case.expression == case.wrt  # ∂x/∂x: nothing to ask about
    return len(case.expression) <= LONGEST and len(case.answer.shape) <= 6 and case.wrt in case.problem.vars and not plain


def _claim(case: Case, shape: tuple) -> Claim:
    return Claim("shape", case.source, shape_text(shape), True, dict(case.vars), case.wrt, case.order, case.layout)


def _count(shape: tuple, values: Mapping[str, int]) -> int:
    total = 1
    for s in shape:
        total *= number(s, values) or 0
    return total


def _hint(a: ShapeAnswer) -> str:
    if not a.by:
        return f"{a.wrt} is one number: what shape has the change of {a.top} when it moves a little?"
    if not a.out:
        return f"{a.top} is one number; how many entries of {a.wrt} can you wiggle?" if a.order == 1 else \
            f"the gradient has the shape of {a.wrt}; now each of its entries is differentiated by {a.wrt} again"  # fmt: skip
    out, by = kind_of(a.out), kind_of(a.by)
    return f"{a.top} is a {out} and {a.wrt} a {by}: every entry of one changes with every entry of the other"


def _why(case: Case, a: ShapeAnswer, formula: bool = True) -> tuple[str, ...]:
    """The rule, what an entry is, both layouts, and the derivative itself where it is short."""
    lines = [a.rule]
    if len(a) > 1:
        lines.append(f"entry {a.entry}")
    if a.numerator != a.denominator:
        lines.append(f"numerator layout {shape_text(a.numerator)}, denominator layout {shape_text(a.denominator)}")
    gradient = _gradient(case) if formula else None
    if gradient is not None:
        lines.append(f"{case.text} = {to_text(gradient)}")
    return tuple(lines)


def _gradient(case: Case):  # type: ignore[no-untyped-def]
    """The derivative as words, where it is short and of one kind with what is asked; kept with the case."""
    if "gradient" not in case.kept:
        case.kept["gradient"] = None
        used = [w for w in re.findall(r"([a-z]\w*)\(", case.expression) if w not in LINEAR]
        small = case.order == 1 and len(case.answer) <= 2 and case.layout == "numerator" and len(case.expression) <= 24
        if small and not case.lines and len(used) <= 1 and set(used) <= set(QUICK):
            try:
                found = derive(case.problem, case.wrt, check=False).expr  # type: ignore[union-attr]
            except SymDerivError:
                return None
            if len(to_text(found)) <= SHORT:
                case.kept["gradient"] = found
    return case.kept["gradient"]


def _factors(case: Case, a: ShapeAnswer) -> tuple[tuple[str, str], ...]:
    """The values on the way, the factors of the derivative where it is shown, and the derivative, each with its size."""
    known = case.problem.definitions
    rows = [(r.name if r.name and (r.name in known or r.text in case.problem.vars) else r.text, shape_text(r.shape))
            for r in intermediates(case.problem) if len(r.text) <= SHORT]  # fmt: skip
    if case.top and not case.lines and rows:
        rows[-1] = (case.top, rows[-1][1])
    gradient = _gradient(case)
    under = () if gradient is None else tuple(p for p in sizes_under(gradient)[:-1] if p not in rows)
    return (*rows[-5:], *under, (case.text, shape_text(a.shape)))


# mistakes ---------------------------------------------------------------------------------------------------------------------
def slips(a: ShapeAnswer) -> dict[str, str]:
    """Wrong answers that people give, and what each one suggests."""
    numerator = a.layout == "numerator"
    other = a.denominator if numerator else a.numerator
    top, x = a.top, a.wrt
    told = [
        (other, f"that is the other layout: {'denominator' if numerator else 'numerator'}"),
        (arranged(a.out, a.by, 1, a.layout) if a.order > 1 else None,
         f"that is the first derivative; this one is of order {a.order}"),
        (a.by, f"that is the shape of {x}; {top} has the shape {shape_text(a.out)}, and its axes belong to the answer"
               if a.out else f"that is the shape of {x}, differentiated once"),
        (a.out, f"that is the shape of {top}; the axes of {x}, {shape_text(a.by)}, belong to the answer"),
        (a.shape[::-1], "the axes are in reversed order, as if all of it were transposed"),
        ((*a.out, *a.by, *a.by) if a.order == 1 and a.by else None, f"that is a second derivative: {x} is counted twice"),
        ((*a.out, *a.by[::-1]) if numerator else (*a.by[::-1], *a.out), f"the axes of {x} are transposed"),
        ((*a.out[::-1], *a.by) if numerator else (*a.by, *a.out[::-1]), f"the axes of {top} are transposed"),
        ((*a.out[1:], *a.by) if len(a.out) > 1 and a.order == 1 else None,
         f"the first axis of {top}, {a.out[0] if a.out else ''}, was forgotten"),
        (_merged(a), "an axis that stands on both sides does not cancel: "
                     "each entry of one has a derivative by each of the other"),
    ]  # fmt: skip
    out: dict[str, str] = {}
    for shape, text in told:
        if shape is not None and tuple(shape) != a.shape:
            out.setdefault(shape_text(tuple(shape)), text)
    return out


def _merged(a: ShapeAnswer) -> tuple | None:
    """The shape as if equal sizes of both sides were summed, as in a product."""
    common = [s for s in a.out if s in a.by]
    if not common or a.order > 1 or not a.out:
        return None
    return (*(s for s in a.out if s not in common), *(s for s in a.by if s not in common))


__all__ = ["count", "size", "slips", "truth", "which"]
