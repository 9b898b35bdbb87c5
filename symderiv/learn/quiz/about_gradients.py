"""Questions about gradients: which update is right, and where the transposes go.

Wrong answers come from the verifier's catalogue of mistakes.
"""

from __future__ import annotations

import re

from ...api import derive
from ...errors import SymDerivError
from ...expr.nodes import Call, Node
from ...read.problem import parse
from ...verify.mutations import edits
from ...write.language import to_text
from ...write.report import shape_text
from .cases import Case, declared_line
from .expressions import QUICK, Maker
from .model import LETTERS, Claim, Question
from .numeric import Trials
from .sizes_under import sizes_under
from .spec import Spec

LONGEST = 60  # characters of a gradient
SAID = {
    "negate": "a sign is wrong",
    "scale": "a constant is wrong: where does the 2 of a square, or the 1/n of a mean, go?",
    "drop_term": "a term is missing: every term of the loss has its own",
    "drop_factor": "a factor is missing: the chain rule multiplies by the derivative of every step",
    "transpose": "a transpose is wrong: write the sizes under the factors",
    "swap": "two factors stand in the wrong order: write the sizes under them",
    "axis": "the sum runs over the wrong axis",
    "average": "mean and sum are mixed up: a mean brings 1/n",
    "product": "the wrong product: * goes entry by entry, @ sums over an axis, outer does neither",
    "unwrap": "a function is missing",
    "compare": "the comparison is the wrong way round",
    "power": "an exponent is wrong",
}


# losses -----------------------------------------------------------------------------------------------------------------------
def loss(spec: Spec, m: Maker) -> Case:
    """A scalar loss with a parameter to learn; the gradient is a product of matrices."""
    rng = spec.rng
    n, d, k = "n", "d", "k"  # the usual names; the same shapes again and again are also what is quickest to evaluate
    f = rng.choice(QUICK)
    m.vars.update({"X": f"{n}, {d}"})
    if rng.random() < 0.5:
        m.vars.update({"w": d, "y": n})
        by, s, y = "w", "X @ w", "y"
    else:
        m.vars.update({"W": f"{d}, {k}", "Y": f"{n}, {k}"})
        by, s, y = "W", "X @ W", "Y"
    reduce = rng.choice(("sum", "mean", "sum"))
    forms = [
        f"{reduce}(({s} - {y})**2)", f"sum(({f}({s}) - {y})**2)", f"{reduce}({y}*{f}({s}))", f"{reduce}({f}({s} - {y}))",
        f"{reduce}(softplus({s}) - {y}*({s}))", f"{reduce}({f}({s}))",
    ]  # fmt: skip
    text = rng.choice(forms)
    if by == "W" and rng.random() < 0.3:
        m.vars["A"] = f"{d}, {d}"
        f = "relu" if f in ("tanh", "sigmoid") else f  # their squares make this gradient long, and slow to write shortly
        text = rng.choice(("trace(W.T @ A @ W)", "sum((A @ W)**2)", "sum(X @ A @ W*Y)", f"sum((X @ A @ {f}(W) - Y)**2)"))
    elif by == "W" and rng.random() < 0.25:
        m.vars["y"] = f"{n} integer"
        text = "cross_entropy(X @ W, y)"
    elif by == "w" and rng.random() < 0.3:
        m.vars["A"] = f"{d}, {d}"
        text = rng.choice(("w @ A @ w", "norm(X @ w - y)", "logsumexp(X @ w)", "sum((A @ w)**2)", f"w @ A @ {f}(w)"))
    long = f"{f}(" in text and "**2" in text  # its gradient fills a line already
    if rng.random() < 0.3 and not long:
        m.vars["lam"] = "scalar"
        text += f" + lam*sum({by}**2)" if rng.random() < 0.6 else f" + lam/2*sum({by}**2)"
    return Case(text, m.vars, by)


def layer_loss(spec: Spec, m: Maker) -> Case:
    """`sum(G*layer)`: its gradients are what the layer passes back when `G` arrives."""
    rng = spec.rng
    n, d, k = "n", "d", "k"
    f = rng.choice(QUICK)
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


def gradient_of(case: Case) -> Node:
    """The engine's gradient, as words."""
    return derive(case.problem, case.wrt, check=False).expr  # type: ignore[union-attr]


def _used(case: Case, *texts: str) -> dict[str, str]:
    words = set(re.findall(r"[A-Za-z_]\w*", " ".join((case.source, case.wrt, *texts))))
    return {n: s for n, s in case.vars.items() if n in words}


# which update -----------------------------------------------------------------------------------------------------------------
def update(spec: Spec) -> Question | None:
    """Which update is a step of gradient descent (or ascent, or with weight decay)?"""
    case = loss(spec, Maker(spec.rng))
    g = gradient_of(case)
    text = to_text(g)
    if len(text) > LONGEST:
        return None
    wrong = mistakes(case, g, spec, 2)
    if len(wrong) < 2:
        return None
    steps = [_descent, _descent, _ascent, *([_decay] if spec.level > 3 and "lam" not in case.source else [])]
    return spec.rng.choice(steps)(spec, case, g, wrong)


def _descent(spec: Spec, case: Case, g: Node, wrong: list[tuple[Node, str]]) -> Question:
    w = case.wrt
    texts = [("-", to_text(g), ""), ("+", to_text(g), "this goes uphill: the gradient points to where the loss grows")]
    texts += [("-", to_text(node), said) for node, said in wrong]
    shown = [(f"{w} = {w} {sign} eta*({t})", said, t if sign == "-" else f"-({t})") for sign, t, said in texts]
    why = f"a step goes against the gradient, which has the shape of {w}: {shape_text(g.shape)}"
    return _update_question(
        spec, case, g, shown, "L", f"Which is a step of gradient descent on L by {w}, with the rate eta?", why
    )


def _ascent(spec: Spec, case: Case, g: Node, wrong: list[tuple[Node, str]]) -> Question:
    w = case.wrt
    texts = [("+", to_text(g), ""), ("-", to_text(g), "this goes downhill; J is to become larger")]
    texts += [("+", to_text(node), said) for node, said in wrong]
    shown = [(f"{w} = {w} {sign} eta*({t})", said, t if sign == "+" else f"-({t})") for sign, t, said in texts]
    why = f"J is to grow, so a step goes along the gradient, which has the shape of {w}: {shape_text(g.shape)}"
    return _update_question(
        spec, case, g, shown, "J", f"J is to be as large as possible. Which step by {w}, with the rate eta, is right?", why
    )


def _decay(spec: Spec, case: Case, g: Node, wrong: list[tuple[Node, str]]) -> Question:
    w = case.wrt
    case = Case(f"{case.source} + lam/2*sum({w}**2)", {**case.vars, "lam": "scalar"}, w)
    t = to_text(g)
    shown = [
        (f"{w} = (1 - eta*lam)*{w} - eta*({t})", "", f"{t} + lam*{w}"),
        (f"{w} = (1 + eta*lam)*{w} - eta*({t})", "the weights grow; the term lam/2*‖w‖² pulls them to 0", f"{t} - lam*{w}"),
        (f"{w} = (1 - eta*lam)*{w} + eta*({t})", "the part of the loss goes uphill", f"-({t}) + lam*{w}"),
    ]  # fmt: skip
    shown += [(f"{w} = (1 - eta*lam)*{w} - eta*({to_text(n)})", said, f"{to_text(n)} + lam*{w}") for n, said in wrong[:1]]
    why = f"{w} - eta*(∂L/∂{w}) with ∂L/∂{w} = … + lam*{w}: the last term shrinks {w} by the factor 1 - eta*lam (weight decay)"
    ask = f"Which is a step of gradient descent on L by {w}, with the rate eta?"
    return _update_question(spec, case, g, shown, "L", ask, why, f" + lam*{w}")


def _update_question(
    spec: Spec, case: Case, g: Node, shown: list[tuple[str, str, str]], name: str, ask: str, why: str, more: str = ""
) -> Question:
    w = case.wrt
    spec.rng.shuffle(shown)
    at = next(i for i, s in enumerate(shown) if not s[1])
    used = _used(case)
    return spec.question(
        ask=ask, given=(declared_line(used, case.source), f"{name} = {case.expression}"), form="choice", answer=LETTERS[at],
        choices=tuple(s[0] for s in shown), why=(f"∂{name}/∂{w} = {to_text(g)}{more}", why), factors=sizes_under(g),
        slips={LETTERS[i]: s[1] for i, s in enumerate(shown) if s[1]}, hint=f"find ∂{name}/∂{w} first, then check its size",
        vars=used, claims=tuple(Claim("value", case.source, s[2], not s[1], used, w) for s in shown),
    )  # fmt: skip


def mistakes(case: Case, g: Node, spec: Spec, wanted: int) -> list[tuple[Node, str]]:
    """Changes of the gradient that are wrong in value, no two alike, each with what is wrong with it."""
    trials = Trials(case.problem.vars.values(), case.problem.expr)
    kept: list[Node] = [g, Call("neg", g)]
    out: list[tuple[Node, str]] = []
    for name in spec.rng.sample(list(SAID), len(SAID)):  # one kind of mistake after the other: building all of them takes long
        found = [e for e in edits(g, frozenset((name,)), 24) if e.root.rank == g.rank]
        spec.rng.shuffle(found)
        new = next((e for e in found[:3] if trials.distinct(e.root, kept)), None)
        if new is not None and len(to_text(new.root)) <= LONGEST + 12:
            kept.append(new.root)
            shape = (
                "" if new.root.shape == g.shape else f"; it has the size {shape_text(new.root.shape)}, not {shape_text(g.shape)}"
            )
            out.append((new.root, SAID[name] + shape))
        if len(out) == wanted:
            break
    return out


# transposes -------------------------------------------------------------------------------------------------------------------
def transpose(spec: Spec) -> Question | None:
    """The transposes of a gradient were lost: put them back."""
    layer = spec.topic == "layer"
    case = (layer_loss if layer else loss)(spec, Maker(spec.rng))
    g = gradient_of(case)
    text = to_text(g)
    bare = text.replace(".T", "")
    if bare == text or len(text) > LONGEST or _same_text(bare, g, case):
        return None
    used, w = _used(case), case.wrt
    slip = {}
    trials = Trials(case.problem.vars.values(), case.problem.expr)
    for e in edits(g, frozenset(("transpose",)), 12):
        if trials.distinct(e.root, [g]):
            slip[to_text(e.root)] = "one transpose is wrong"
    passed = ("G = ∂L/∂layer comes from above; this is what the layer passes back",) if layer else ()
    return spec.question(
        ask=f"The transposes in ∂L/∂{w} were lost. Put them back.",
        given=(declared_line(used, case.source), f"L = {case.expression}", f"∂L/∂{w} = {bare}"), form="expression", answer=text,
        why=(f"∂L/∂{w} = {text}", f"the inner sizes of every product meet, and the whole has the shape of {w}: "
             f"{shape_text(g.shape)}", *passed),
        factors=sizes_under(g), slips=slip, hint=f"write the size under every factor; the whole must have the shape of {w}",
        vars=used, claims=tuple(Claim("value", case.source, says, says == text, used, w) for says in (text, bare)),
    )  # fmt: skip


def _same_text(text: str, truth: Node, case: Case) -> bool:
    try:
        node = parse(text, dict(case.vars)).expr
    except SymDerivError:
        return False
    return node.shape == truth.shape and not Trials(case.problem.vars.values(), case.problem.expr).distinct(node, [truth])


__all__ = ["SAID", "gradient_of", "loss", "mistakes", "transpose", "update"]
