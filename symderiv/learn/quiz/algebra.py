"""Questions about expressions: the engine's gradients, and the verifier's catalogue of mistakes made on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...api import derive
from ...errors import SymDerivError
from ...expr.nodes import Call, Node
from ...read.problem import Problem, parse
from ...verify.mutations import edits
from ...write.language import to_text
from ...write.report import shape_text
from ..shapes import chain as chain_of
from ..shapes import product_line
from .cases import Case, declared_line, network
from .expressions import Maker
from .model import LETTERS, Claim, Question
from .numeric import Trials, fits

if TYPE_CHECKING:
    from .questions import Spec

LONGEST = 60  # characters of a gradient
SAID = {
    "negate": "a sign is wrong",
    "scale": "a factor is wrong",
    "drop_term": "a term is missing",
    "drop_factor": "a factor is missing",
    "transpose": "a transpose is wrong",
    "swap": "two factors stand in the wrong order",
    "axis": "the sum runs over the wrong axis",
    "average": "mean and sum are mixed up",
    "product": "the wrong product: * and @ and outer are different",
    "unwrap": "a function is missing",
    "compare": "the comparison is the wrong way round",
    "power": "an exponent is wrong",
}


# losses -----------------------------------------------------------------------------------------------------------------------
def loss(spec: Spec, m: Maker) -> Case:
    """A scalar loss with a parameter to learn; the gradient is a product of matrices."""
    rng = spec.rng
    n, d, k = "n", "d", "k"  # the usual names; the same shapes again and again are also what is quickest to evaluate
    f = m.function()
    m.vars.update({"X": f"{n}, {d}"})
    if rng.random() < 0.5:
        m.vars.update({"w": d, "y": n})
        by, s, y = "w", "X @ w", "y"
    else:
        m.vars.update({"W": f"{d}, {k}", "Y": f"{n}, {k}"})
        by, s, y = "W", "X @ W", "Y"
    reduce = rng.choice(("sum", "mean", "sum"))
    forms = [
        f"{reduce}(({s} - {y})**2)", f"{reduce}(({f}({s}) - {y})**2)", f"{reduce}({y}*{f}({s}))", f"{reduce}({f}({s} - {y}))",
        f"{reduce}(softplus({s}) - {y}*({s}))", f"{reduce}({f}({s}))",
    ]  # fmt: skip
    text = rng.choice(forms)
    if by == "W" and rng.random() < 0.3:
        m.vars["A"] = f"{d}, {d}"
        text = rng.choice(("trace(W.T @ A @ W)", "sum((A @ W)**2)", "sum(X @ A @ W*Y)", f"{reduce}((X @ A @ {f}(W) - Y)**2)"))
    elif by == "W" and rng.random() < 0.25:
        m.vars["y"] = f"{n} integer"
        text = "cross_entropy(X @ W, y)"
    elif by == "w" and rng.random() < 0.3:
        m.vars["A"] = f"{d}, {d}"
        text = rng.choice(("w @ A @ w", "norm(X @ w - y)", "logsumexp(X @ w)", "sum((A @ w)**2)", f"w @ A @ {f}(w)"))
    if rng.random() < 0.3:
        m.vars["lam"] = "scalar"
        text += f" + lam*sum({by}**2)" if rng.random() < 0.6 else f" + lam/2*sum({by}**2)"
    return Case(text, m.vars, by)


def gradient_of(case: Case) -> Node:
    """The engine's gradient, as words."""
    return derive(case.problem, case.wrt, check=False).expr  # type: ignore[union-attr]


def _used(case: Case, *texts: str) -> dict[str, str]:
    words = set(re.findall(r"[A-Za-z_]\w*", " ".join((case.source, case.wrt, *texts))))
    return {n: s for n, s in case.vars.items() if n in words}


def sizes_under(node: Node) -> tuple[tuple[str, str], ...]:
    """The factors of the first matrix product in an expression with their sizes, then the whole with its own."""
    product = _first_product(node)
    whole = (to_text(node), shape_text(node.shape))
    if product is None:
        return (whole,)
    rows = tuple((to_text(o), shape_text(o.shape)) for o in product.operands)
    return rows if product is node else (*rows, whole)


def _first_product(node: Node) -> Call | None:
    queue = [node]
    for n in queue:
        if isinstance(n, Call):
            if n.name in ("matmul", "outer"):
                return n
            queue += [o for o in n.operands if len(queue) < 200]
    return None


# which update -----------------------------------------------------------------------------------------------------------------
def update(spec: Spec) -> Question | None:
    """Which update rule is a step of gradient descent?"""
    case = loss(spec, Maker(spec.rng))
    g = gradient_of(case)
    text = to_text(g)
    if len(text) > LONGEST:
        return None
    wrong = mistakes(case.problem, g, spec, 2)
    w = case.wrt
    rate = "eta"
    right = f"{w} = {w} - {rate}*({text})"
    shown = [(right, "", text)]
    uphill = "this goes uphill: the gradient points to where the loss grows"
    shown.append((f"{w} = {w} + {rate}*({text})", uphill, f"-({text})"))
    shown += [(f"{w} = {w} - {rate}*({to_text(node)})", said, to_text(node)) for node, said in wrong]
    if len(wrong) < 2:
        return None
    spec.rng.shuffle(shown)
    at = next(i for i, s in enumerate(shown) if not s[1])
    used = _used(case)
    return spec.question(
        ask=f"L = {to_text(case.problem.expr)}. Which is a step of gradient descent with the rate {rate}?",
        given=(declared_line(used, case.source),), form="choice", answer=LETTERS[at], choices=tuple(s[0] for s in shown),
        why=(f"∂L/∂{w} = {text}", f"a step goes against the gradient, which has the shape of {w}: {shape_text(g.shape)}"),
        factors=sizes_under(g), slips={LETTERS[i]: s[1] for i, s in enumerate(shown) if s[1]}, hint=f"find ∂L/∂{w} first",
        vars=used, claims=tuple(Claim("value", case.source, s[2], not s[1], used, w) for s in shown),
    )  # fmt: skip


def mistakes(problem: Problem, g: Node, spec: Spec, wanted: int) -> list[tuple[Node, str]]:
    """Changes of the gradient that are wrong in value, no two alike, each with what is wrong with it."""
    found = [e for e in edits(g, most=40) if e.root.rank == g.rank]
    spec.rng.shuffle(found)
    by_name: dict[str, list] = {}
    for e in found:
        by_name.setdefault(e.name, []).append(e)
    queue = [e for group in zip(*(_padded(v, 3) for v in by_name.values()), strict=True) for e in group if e is not None]
    kept: list[Node] = [g, Call("neg", g)]
    trials = Trials(problem.vars.values(), problem.expr)
    out: list[tuple[Node, str]] = []
    for e in queue[:12]:
        if len(out) == wanted:
            break
        if len(to_text(e.root)) <= LONGEST + 12 and trials.distinct(e.root, kept):
            kept.append(e.root)
            shape = "" if e.root.shape == g.shape else f"; it has the size {shape_text(e.root.shape)}, not {shape_text(g.shape)}"
            out.append((e.root, SAID.get(e.name, "this is not the derivative") + shape))
    return out


def _padded(items: list, n: int) -> list:
    return [*items[:n], *[None] * (n - len(items))]


# transposes -------------------------------------------------------------------------------------------------------------------
def transpose(spec: Spec) -> Question | None:
    """The transposes of a gradient were lost: put them back."""
    if spec.topic == "layer":
        case, top = _layer_loss(spec, Maker(spec.rng)), "layer"
    else:
        case, top = loss(spec, Maker(spec.rng)), ""
    g = gradient_of(case)
    text = to_text(g)
    bare = text.replace(".T", "")
    if bare == text or len(text) > LONGEST or _same_text(bare, g, case):
        return None
    used = _used(case)
    slip = {}
    trials = Trials(case.problem.vars.values(), case.problem.expr)
    for e in edits(g, frozenset(("transpose",)), 12):
        if trials.distinct(e.root, [g]):
            slip[to_text(e.root)] = "one transpose is wrong"
    return spec.question(
        ask=f"L = {to_text(case.problem.expr)}. The transposes in ∂L/∂{case.wrt} = {bare} were lost. Put them back.",
        given=(declared_line(used, case.source),), form="expression", answer=text,
        why=(f"∂L/∂{case.wrt} = {text}", f"the inner sizes of every product meet, and the whole has the shape of {case.wrt}: "
             f"{shape_text(g.shape)}",
             *(("G is the gradient from above: this is what the layer passes back",) if top else ())),
        factors=sizes_under(g), slips=slip, hint="write the size under every factor", vars=used,
        claims=tuple(Claim("value", case.source, says, says == text, used, case.wrt) for says in (text, bare)),
    )  # fmt: skip


def _same_text(text: str, truth: Node, case: Case) -> bool:
    try:
        node = parse(text, dict(case.vars)).expr
    except SymDerivError:
        return False
    return node.shape == truth.shape and not Trials(case.problem.vars.values(), case.problem.expr).distinct(node, [truth])


def _layer_loss(spec: Spec, m: Maker) -> Case:
    """`sum(G*layer)`: its gradients are what the layer passes back when `G` arrives."""
    rng = spec.rng
    n, d, k = "n", "d", "k"
    f = m.function()
    form = rng.randrange(5)
    if form == 0:
        m.vars.update({"X": f"{n}, {d}", "W": f"{d}, {k}", "b": k, "G": f"{n}, {k}"})
        return Case("sum(G*(X @ W + b))", m.vars, rng.choice(("X", "W")))
    if form == 1:
        m.vars.update({"X": f"{n}, {d}", "W": f"{k}, {d}", "G": f"{n}, {k}"})
        return Case("sum(G*(X @ W.T))", m.vars, rng.choice(("X", "W")))
    if form == 2:
        m.vars.update({"X": f"{d}, {n}", "W": f"{k}, {d}", "G": f"{k}, {n}"})
        return Case("sum(G*(W @ X))", m.vars, rng.choice(("X", "W")))
    if form == 3:
        m.vars.update({"X": f"{n}, {d}", "W": f"{d}, {k}", "G": f"{n}, {k}"})
        return Case(f"sum(G*{f}(X @ W))", m.vars, rng.choice(("X", "W")))
    m.vars.update({"X": f"{n}, {d}", "A": f"{d}, {d}", "W": f"{d}, {k}", "G": f"{n}, {k}"})
    return Case("sum(G*(X @ A @ W))", m.vars, rng.choice(("X", "W", "A")))


# the line that cannot be ------------------------------------------------------------------------------------------------------
def error(spec: Spec) -> Question | None:
    """A forward and a backward pass; in one line the sizes do not fit."""
    rng = spec.rng
    m = Maker(rng)
    layers = 1 if spec.level < 4 else 2
    sizes = m.shape(layers + 2)
    n, widths = sizes[0], sizes[1:]
    vars_ = {"X": f"{n}, {widths[0]}"}
    lines: list[tuple[str, str, tuple[str, ...]]] = []
    value, back = "X", []
    f = rng.choice(("tanh", "sigmoid", "relu", "softplus", "exp"))
    bias = spec.topic == "broadcasting" or rng.random() < 0.5
    for i in range(layers):
        w, s = (f"W{i + 1}", f"S{i + 1}") if layers > 1 else ("W", "S")
        vars_[w] = f"{widths[i]}, {widths[i + 1]}"
        b = f"b{i + 1}" if layers > 1 else "b"
        if bias:
            vars_[b] = widths[i + 1]
        lines.append((s, f"{value} @ {w}" + (f" + {b}" if bias else ""), (n, widths[i + 1])))
        back.append((value, w, b, s))
        if i < layers - 1:
            lines.append(("H", f"{f}({s})", (n, widths[i + 1])))
            value = "H"
    lines.append((f"d{back[-1][3]}", "G", (n, widths[-1])))
    vars_["G"] = f"{n}, {widths[-1]}"
    known = {**vars_, **{name: ", ".join(shape) for name, _, shape in lines}}
    for i in reversed(range(layers)):
        value, w, b, s = back[i]
        passed = _passed(known, value, w, b if bias else "", f"d{s}", widths[i : i + 2], n)
        lines += [
            (f"d{name}", text, tuple(x.strip() for x in known[name].split(","))) for name, text in passed if i or name != "X"
        ]
        known.update({name: ", ".join(shape) for name, _, shape in lines})
        if i:
            before = back[i - 1][3]
            partial = to_text(derive(f"sum(D*{f}(Z))", "Z", vars={"D": known["dH"], "Z": known[before]}, check=False).expr)  # type: ignore[union-attr]
            lines.append((f"d{before}", re.sub(r"\bZ\b", before, re.sub(r"\bD\b", "dH", partial)), (n, widths[i])))
            known.update({name: ", ".join(shape) for name, _, shape in lines})
    places = [k for k, (_, text, _) in enumerate(lines) if "@" in text or text.startswith("sum(")]
    rng.shuffle(places)
    for k in places:
        name, text, shape = lines[k]
        changed = _spoiled(text, rng)
        for new, said in changed:
            if not fits(new, shape, known):
                shown = [*lines[:k], (name, new, shape), *lines[k + 1 :]]
                return _error_question(spec, vars_, known, shown, k, text, said)
    return None


def _passed(known: dict[str, str], x: str, w: str, b: str, d: str, widths: Sequence[str], n: str) -> list[tuple[str, str]]:
    """What a linear layer passes back, from the engine: (name, text) of the derivative by weights, bias and input."""
    names = {"X": x, "W": w, **({"b": b} if b else {}), "G": d}
    declared = {"X": f"{n}, {widths[0]}", "W": f"{widths[0]}, {widths[1]}", "b": widths[1], "G": f"{n}, {widths[1]}"}
    source = f"sum(G*(X @ W{' + b' if b else ''}))"
    by = ["W", *(["b"] if b else []), "X"]
    results = derive(source, by, vars={v: declared[v] for v in names}, check=False)
    out = []
    for v in by:
        text = to_text(results[v].expr)  # type: ignore[index]
        out.append((names[v], re.sub(r"\b[XWbG]\b", lambda found: names[found.group()], text)))
    return out


def _spoiled(text: str, rng) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """The text with one mistake in it: a transpose too many or too few, two factors swapped, the other axis."""
    out = []
    left, at, right = text.partition(" @ ")
    if at and "+" not in text:
        out.append((f"{right} @ {left}", "the two factors are in the wrong order"))
    for found in re.finditer(r"\b([A-Za-z]\w*)(\.T)?(?= @|$| \+)|(?<=@ )([A-Za-z]\w*)(\.T)?", text):
        word = found.group()
        if word.endswith(".T"):
            out.append((text[: found.start()] + word[:-2] + text[found.end() :], f"a transpose is missing: {word}"))
        elif at and not word.startswith("b"):
            out.append((text[: found.start()] + word + ".T" + text[found.end() :], f"{word} must not be transposed"))
    if "axis=0" in text:
        out.append((text.replace("axis=0", "axis=1"), "the sum runs over the wrong axis: the batch must go"))
    rng.shuffle(out)
    return out


def _error_question(spec: Spec, vars_, known, lines, k: int, right: str, said: str) -> Question:  # type: ignore[no-untyped-def]
    numbered = tuple(f"{i + 1}. {name} = {text}" for i, (name, text, _) in enumerate(lines))
    name, _, shape = lines[k]
    return spec.question(
        ask="dZ stands for ∂L/∂Z, and G = ∂L/∂ of the last value is given. In which line do the sizes not fit?",
        given=(declared_line(vars_, *vars_), *numbered), form="number", answer=str(k + 1),
        why=(f"line {k + 1}: {said}", f"right is {name} = {right}, of the size {shape_text(shape)}"),
        factors=tuple((n, shape_text(s)) for n, _, s in lines), hint="write the size under every factor",
        slips={str(i + 1): f"line {i + 1} fits: {n} has the size {shape_text(s)}" for i, (n, _, s) in enumerate(lines) if i != k},
        claims=tuple(Claim("fits", text, shape_text(s), i != k, dict(known)) for i, (_, text, s) in enumerate(lines)),
    )  # fmt: skip


# the chain rule ---------------------------------------------------------------------------------------------------------------
def chain(spec: Spec) -> Question | None:
    """∂L/∂W = ∂L/∂S · ? · ∂H/∂W: the missing factor, or its size."""
    rng = spec.rng
    m = Maker(rng)
    case = network(m, rng, max(2, min(3, spec.level - 1)))
    links = chain_of(case.problem, case.wrt)
    whole = product_line(links)
    if len(whole) < 2:
        return None
    hole = rng.randrange(len(whole))
    factor = whole[hole]
    line = " · ".join("[ ? ]" if i == hole else str(f) for i, f in enumerate(whole))
    target = f"∂{whole[0].above}/∂{case.wrt}"
    rows = tuple((str(f), shape_text(f.shape)) for f in whole)
    own = "\n".join(case.lines[: [x.partition(" = ")[0] for x in case.lines].index(factor.above) + 1])
    local = _with_inner(own, case, factor)
    whole_shape = (*case.problem.expr.shape, *case.problem.vars[case.wrt].shape)
    common = {
        "given": case.declared, "factors": (*rows, (target, shape_text(whole_shape))),
        "claims": (Claim("shape", local[0], shape_text(factor.shape), True, local[1], factor.below),),
    }  # fmt: skip
    why = (f"{target} = " + " · ".join(map(str, whole)), f"{factor.above} depends on {factor.below}: the factor is {factor}, "
           f"of the size {shape_text(factor.shape)} (numerator layout)")  # fmt: skip
    if rng.random() < 0.4:
        turned = shape_text(tuple(reversed(factor.shape)))
        slip = {turned: "the axes are in reversed order"} if turned != shape_text(factor.shape) else {}
        ask = f"{target} = {line}. What is the size of the missing factor (numerator layout)?"
        return spec.question(ask=ask, form="shape",
                             answer=shape_text(factor.shape), why=why, slips=slip,
                             hint="which two values does it connect?", **common)  # fmt: skip
    names = list(dict.fromkeys([f.above for f in whole] + [f.below for f in whole]))
    pool = {f"∂{a}/∂{b}" for a in names for b in names if a != b} - {str(f) for f in whole}
    wrong = rng.sample(sorted(pool), 3) if len(pool) >= 3 else []
    if not wrong:
        return None
    shown = [str(factor), *wrong]
    rng.shuffle(shown)
    turned = f"∂{factor.below}/∂{factor.above}"
    told = {LETTERS[i]: "upside down: the later value stands above" if s == turned else "it does not fit between its neighbours"
            for i, s in enumerate(shown) if s != str(factor)}  # fmt: skip
    return spec.question(
        ask=f"{target} = {line}. Which factor is missing?", form="choice", answer=LETTERS[shown.index(str(factor))],
        choices=tuple(shown), why=why, slips=told, hint="what is below on the left stands above on the right", **common,
    )  # fmt: skip


def _with_inner(source: str, case: Case, factor) -> tuple[str, dict[str, str]]:  # type: ignore[no-untyped-def]
    """The definition of the factor's upper value with the lower one as a variable."""
    last = source.split("\n")[-1]
    values = dict(case.vars)
    for name, node in case.problem.definitions.items():
        if name != factor.above:
            values[name] = ", ".join(map(str, node.shape)) or "scalar"
    text = last.partition(" = ")[2]
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    return text, {n: s for n, s in values.items() if n in words}


__all__ = ["SAID", "chain", "error", "gradient_of", "loss", "mistakes", "sizes_under", "transpose", "update"]
