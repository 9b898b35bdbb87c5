"""Questions about whole computations: the chain rule with a hole, and the line that cannot be computed."""

from __future__ import annotations

import re

from ...write.report import shape_text
from ..chain import Factor, product_line
from ..chain import chain as chain_of
from ..shapes import arranged
from .cases import Case, declared_line, network
from .expressions import Maker
from .listings import LISTINGS, Line
from .model import LETTERS, Claim, Question
from .numeric import fits, shape_of_line
from .spec import Spec


# the line that cannot be ------------------------------------------------------------------------------------------------------
def error(spec: Spec) -> Question | None:
    """A computation, or a list of sizes; in one line the sizes do not fit."""
    if spec.topic != "broadcasting" and spec.rng.random() < 0.35:
        return _wrong_size(spec)
    listing = LISTINGS["broadcasting" if spec.topic == "broadcasting" and spec.rng.random() < 0.75 else "backward"](spec)
    if listing is None:
        return None
    vars_, known, lines, k, right, said = listing
    numbered = tuple(f"{i + 1}. {line.name} = {line.text}" for i, line in enumerate(lines))
    bad = lines[k]
    if fits(bad.text, bad.shape, known) or not all(fits(x.text, x.shape, known) for i, x in enumerate(lines) if i != k):
        return None
    backward = any(x.text == "G" for x in lines)
    ask = "dZ stands for ∂L/∂Z, which has the shape of Z; G is given. In which line do the sizes not fit?" if backward else \
        "Which line cannot be computed, because the sizes do not fit?"  # fmt: skip
    return spec.question(
        ask=ask, given=(declared_line(vars_, *vars_), *numbered), form="number", answer=str(k + 1),
        why=(f"line {k + 1}: {said}", right), factors=_pieces(bad, known), hint="write the size under every factor",
        slips={str(i + 1): f"line {i + 1} fits: {x.name} has the size {shape_text(x.shape)}"
               for i, x in enumerate(lines) if i != k},
        claims=tuple(Claim("fits", x.text, shape_text(x.shape), i != k, dict(known)) for i, x in enumerate(lines)),
    )  # fmt: skip


def _pieces(line: Line, known: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The names in a line as they stand there, with their sizes; then what the line makes, and what it ought to have."""
    rows = {}
    for found in re.finditer(r"\b([A-Za-z]\w*)(\.T)?", line.text):
        if found.group(1) in known and not line.text[found.end() :].startswith(("(", "=")):
            shape = tuple(s.strip() for s in known[found.group(1)].split(","))
            rows[found.group()] = shape_text(shape[::-1] if found.group(2) else shape)
    made = shape_of_line(line.text, known)
    if made is not None:
        rows[line.text] = shape_text(made)
    return (*rows.items(), (f"{line.name} must have", shape_text(line.shape)))


def _wrong_size(spec: Spec) -> Question | None:
    """The sizes of the factors of a chain rule are listed; one is wrong."""
    rng = spec.rng
    case = network(Maker(rng), rng, max(2, min(3, spec.level - 1)))
    whole = product_line(chain_of(case.problem, case.wrt))
    if len(whole) < 2:
        return None
    target = Factor(whole[0].above, case.wrt, tuple(case.problem.expr.shape), tuple(case.problem.vars[case.wrt].shape))
    factors = [*whole, target]
    k = rng.randrange(len(factors))
    bad = factors[k]
    wrong = {arranged(bad.by, bad.out): "the two sides are swapped: the axes of what stands above come first",
             bad.shape[::-1]: "all axes are in reversed order",
             (*bad.out, *bad.by[::-1]): f"the axes of {bad.below} are transposed",
             (*bad.out[::-1], *bad.by): f"the axes of {bad.above} are transposed"}  # fmt: skip
    if bad.out and bad.by:
        wrong[bad.by] = f"the axes of {bad.above}, {shape_text(bad.out)}, are missing"
        wrong[bad.out] = f"the axes of {bad.below}, {shape_text(bad.by)}, are missing"
    choices = [s for s in wrong if s != bad.shape and s]
    if not choices:
        return None
    shape = rng.choice(choices)
    lines = [f"{i + 1}. {f} has the size {shape_text(shape if i == k else f.shape)}" for i, f in enumerate(factors)]
    line = " · ".join(map(str, whole))
    return spec.question(
        ask=f"{target} = {line}, in numerator layout. In which line is the size wrong?",
        given=(*case.declared, *lines), form="number", answer=str(k + 1), vars=case.used,
        why=(f"line {k + 1}: {wrong[shape]}", f"{bad.above} has the shape {shape_text(bad.out)} and {bad.below} the shape "
             f"{shape_text(bad.by)}, so {bad} has {shape_text(bad.shape)}"),
        factors=tuple((str(f), shape_text(f.shape)) for f in factors),
        hint="of every factor: the shape of what stands above, then that of what stands below",
        slips={str(i + 1): f"line {i + 1} is right: {f.above} has {shape_text(f.out)}, {f.below} has {shape_text(f.by)}"
               for i, f in enumerate(factors) if i != k},
        claims=(*(_claim(case, f) for f in factors),
                *(Claim("same", shape_text(shape if i == k else f.shape), shape_text(f.shape), i != k)
                  for i, f in enumerate(factors))),
    )  # fmt: skip


# the chain rule ---------------------------------------------------------------------------------------------------------------
def chain(spec: Spec) -> Question | None:
    """∂L/∂W = ∂L/∂S · ? · ∂H/∂W: the missing factor, or its size; at higher levels with two ways to the result."""
    rng = spec.rng
    m = Maker(rng)
    if spec.level > 3 and rng.random() < 0.35:
        case = _two_ways(m, spec)
        link = next((x for x in chain_of(case.problem, case.wrt) if len(x.terms) == 2), None)
        if link is None:
            return None
        target, terms = link.target, link.terms
    else:
        case = network(m, rng, max(2, min(3, spec.level - 1)))
        whole = product_line(chain_of(case.problem, case.wrt))
        if len(whole) < 2:
            return None
        target = Factor(whole[0].above, case.wrt, tuple(case.problem.expr.shape), tuple(case.problem.vars[case.wrt].shape))
        terms = (whole,)
    flat = [f for t in terms for f in t]
    factor = rng.choice(flat)
    line = " + ".join(" · ".join("[ ? ]" if f is factor else str(f) for f in t) for t in terms)
    full = " + ".join(" · ".join(map(str, t)) for t in terms)
    why = [f"{target} = {full}", f"{factor.above} depends on {factor.below}: the factor is {factor}, of the size "
           f"{shape_text(factor.shape)} (numerator layout)"]  # fmt: skip
    if len(terms) > 1:
        why.append(f"{target.below} reaches {target.above} in two ways, so there are two terms")
    common = {
        "given": (*case.declared, f"{target} = {line}"), "why": tuple(why), "vars": case.used,
        "factors": (*((str(f), shape_text(f.shape)) for f in dict.fromkeys(flat)), (str(target), shape_text(target.shape))),
        "claims": (_claim(case, factor),),
    }  # fmt: skip
    if rng.random() < 0.4:
        turned = factor.shape[::-1]
        slip = {shape_text(s): said for s, said in (
            (turned, "the axes are in reversed order"), (factor.out, f"the axes of {factor.below} are missing"),
            (factor.by, f"the axes of {factor.above} are missing"),
            (arranged(factor.by, factor.out), "that is the other layout")) if s != factor.shape}  # fmt: skip
        return spec.question(
            ask="What is the size of the missing factor (numerator layout)?", form="shape", answer=shape_text(factor.shape),
            slips=slip, hint="which two values does it connect?",
            layout="numerator" if factor.out and factor.by else "", **common,
        )  # fmt: skip
    return _which_factor(spec, case, factor, flat, target, common)


def _which_factor(spec: Spec, case: Case, factor: Factor, flat: list[Factor], target: Factor, common: dict) -> Question | None:
    order = [*case.problem.vars, *case.problem.definitions]  # what is computed first stands first
    names = list(dict.fromkeys([f.above for f in flat] + [f.below for f in flat]))
    pool = [(a, b) for a in names for b in names if a != b and f"∂{a}/∂{b}" not in {str(f) for f in flat}]
    if len(pool) < 3:
        return None
    shown = [(factor.above, factor.below), *spec.rng.sample(pool, 3)]
    spec.rng.shuffle(shown)
    told = {}
    for i, (a, b) in enumerate(shown):
        if (a, b) == (factor.above, factor.below):
            key = LETTERS[i]
        elif order.index(a) < order.index(b):
            told[LETTERS[i]] = f"upside down: {b} is computed after {a}, so {a} does not depend on it"
        elif (a, b) == (target.above, target.below):
            told[LETTERS[i]] = "that is the whole left side"
        elif a != factor.above:
            told[LETTERS[i]] = f"what stands above must be {factor.above}, to go on from what is beside it"
        else:
            told[LETTERS[i]] = f"it starts right and reaches too far: what stands below must be {factor.below}"
    return spec.question(
        ask="Which factor is missing?", form="choice", answer=key, choices=tuple(f"∂{a}/∂{b}" for a, b in shown), slips=told,
        hint="what stands below in one factor stands above in the next", **common,
    )  # fmt: skip


def _two_ways(m: Maker, spec: Spec) -> Case:
    """A loss with a penalty on the hidden values: they reach it in two ways."""
    rng = spec.rng
    n, d, h, k = m.shape(4)
    m.vars.update({"X": f"{n}, {d}", "W": f"{d}, {h}", "V": f"{h}, {k}", "Y": f"{n}, {k}", "lam": "scalar"})
    f = m.function()
    penalty = rng.choice(("sum(H**2)", f"sum({f}(H))", "mean(H**2)", "sum(abs(H))"))
    lines = (
        f"H = {m.function()}(X @ W)",
        f"D = {rng.choice(('sum', 'mean'))}((H @ V - Y)**2)",
        f"R = {penalty}",
        "L = D + lam*R",
    )
    return Case("\n".join(lines), m.vars, "W", lines=lines, top="L")


def _claim(case: Case, factor: Factor) -> Claim:
    """That the factor has its shape, with the value below it as a variable."""
    definitions = dict(line.split(" = ", 1) for line in case.lines)
    values = {**case.vars, **{n: ", ".join(map(str, node.shape)) or "scalar" for n, node in case.problem.definitions.items()}}
    text = definitions[factor.above]
    while factor.below not in (words := set(re.findall(r"[A-Za-z_]\w*", text))):  # not a neighbour: write out what is between
        name = next(n for n in definitions if n in words)
        text = re.sub(rf"\b{name}\b", f"({definitions[name]})", text)
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    return Claim("shape", text, shape_text(factor.shape), True, {n: s for n, s in values.items() if n in words}, factor.below)


__all__ = ["chain", "error"]
