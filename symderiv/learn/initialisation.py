"""Xavier's and He's initialisation, derived: the variance of a signal on its way ahead and of a gradient on its way back.

    print(sd.initialisation("relu"))                 Var[w] = 2/n_in ahead, 2/n_out back, step by step
    sd.initialisation("relu").write("latex")         also markdown, html, json

The derivation is data of the same kind as a derivative's (`symderiv.steps`); its slopes come from the engine, and
`check` compares both sides of every step by exact enumeration of small distributions and by quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import Expr, Rational

from ..expr.nodes import Call, Index, Node, Num, Var
from ..expr.walk import replace as replaced
from ..expr.walk import variables
from ..steps.model import Derivation, Section, Step
from ..steps.model import Symbol as Stands
from .models import ACTIVATIONS, check_activation
from .moments import normal_mean_square

I, J = Index("i"), Index("j")


@dataclass(frozen=True)
class Initialisation:
    """What keeps a signal's and a gradient's size from layer to layer: `Var[w] = forward/n_in` and `Var[w] = backward/n_out`.

    Attributes:
        forward: `1/c` with `E[φ(u)²] = c Var[u]`; for an activation that is not piecewise linear, at `Var[u] = 1`.
        backward: `1/c'` with `E[φ'(z)²] = c'`.
        exact: whether the activation is linear on either side of 0, so that both hold for any variance.
        derivation: the steps.
    """

    activation: str
    forward: float
    backward: float
    exact: bool
    derivation: Derivation

    @property
    def title(self) -> str:
        known = {"relu": "He's initialisation", "identity": "Xavier's initialisation", "tanh": "Initialisation (Xavier's case)"}
        return f"{known.get(self.activation, 'Initialisation')} for {self.activation}, from variance propagation"

    def write(self, format: str = "text", standalone: bool = False, width: int = 100, **options: Any) -> str:
        """The derivation as text, LaTeX, Markdown, HTML or JSON; `standalone`: an article, a page.

        Raises:
            InputError: SD105 for a format or an option that does not exist.
        """
        from ..steps.document import Size
        from .origin import write_told

        W, h = self.derivation.vars["W"], self.derivation.vars["h"]
        opening = ("One layer is `z = W h` with ", Size(W, W.shape), " and ", Size(h, h.shape),
                   ", and `h = ϕ(u)` comes from the layer before. " + ASSUMED)  # fmt: skip
        return write_told(self.derivation, self.title, opening, format, standalone, width, **options)

    def check(self) -> float:
        """The worst relative difference between the two sides of a step."""
        from .moments import worst_difference

        return worst_difference(self.derivation)

    def __str__(self) -> str:
        return self.write()


ASSUMED = (
    "The weights are independent with mean 0 and one variance `Var[w]`, and independent of what they multiply; the values of a "
    "layer are distributed alike, symmetrically around 0 before the activation."
)


class _Words:
    """The layer, its activation and slope as words, and moments as variables with their meaning."""

    def __init__(self, activation: str) -> None:
        from ..api import derive, vjp
        from ..read.problem import parse

        applied = parse(ACTIVATIONS[activation].format(x="u", a="1/4"), {"u": "scalar"})
        self.u, self.value = applied.vars["u"], applied.expr
        self.slope: Node = derive(applied, "u").expr  # type: ignore[union-attr]
        layer = parse(ACTIVATIONS[activation].format(x="W @ h", a="1/4"), {"W": "n_out, n_in", "h": "n_in"})
        self.W, self.h = layer.vars["W"], layer.vars["h"]
        (self.n_out, self.n_in) = self.W.shape
        self.z, self.g, self.h_bar = (Var(n, s) for n, s in (("z", (self.n_out,)), ("g", (self.n_out,)), ("h_bar", (self.n_in,))))
        product = Call("matmul", self.W, self.h)
        back = vjp(layer, "h").expr  # the gradient by the inputs, from `u` above, as the engine finds it
        above = next(v for v in variables(back) if v not in (self.W, self.h))
        self.back = replaced(back, {product: self.z, above: self.g})
        self.symbols: dict[Var, Stands] = {}

    def moment(self, operator: str, of: Node) -> Var:
        """`E[of]` or `Var[of]`."""
        for v, s in self.symbols.items():
            if (s.operator, s.of) == (operator, of):
                return v
        v = Var(f"moment_{len(self.symbols) + 1}", ())
        self.symbols[v] = Stands(v, "moment", of, operator=operator)
        return v

    def mean_square(self, of: Node) -> Var:
        return self.moment("E", Call("pow", of, Num(2)))

    def variance(self, of: Node) -> Var:
        return self.moment("Var", of)

    def slope_at(self, to: Node) -> list[Node]:
        """`[φ'(to)]`, or nothing where it is 1."""
        return [] if self.slope is Num(1) else [replaced(self.slope, {self.u: to})]


def _at(array: Var, *indices: Index) -> Node:
    return Call("getitem", array, *indices, spec=("at",) * len(indices))


def _mul(*factors: Node) -> Node:
    out = factors[0]
    for f in factors[1:]:
        out = Call("mul", out, f)
    return out


def _sum(body: Node, index: Index, size: Expr) -> Node:
    return Call("isum", body, index, lo=0, hi=size)


def _chain(subject: Node, *steps: tuple[str, str, Node]) -> tuple[Step, ...]:
    """Steps that go on from one another: (rule, reason, what it becomes)."""
    out: list[Step] = []
    before = subject
    for rule, reason, after in steps:
        out.append(Step(rule, reason, before, after, subject=subject, opens=not out))
        before = after
    return tuple(out)


@lru_cache(maxsize=32)
def initialisation(activation: str = "relu") -> Initialisation:
    """The variance of a weight that keeps signals and gradients at their size, derived for one activation.

    For the identity this is Xavier's (Glorot's) initialisation, `2/(n_in + n_out)`; for ReLU He's, `2/n_in`.

    Args:
        activation: a name of `symderiv activations`.

    Raises:
        InputError: SD151 when there is none of that name.
    """
    check_activation(activation)
    w = _Words(activation)
    sides = _linear_sides(w)
    ahead, back = normal_mean_square(w.value, w.u), normal_mean_square(w.slope, w.u)
    c, c_back = (Num(Rational(sides.numerator, sides.denominator)),) * 2 if sides is not None else map(_decimal, (ahead, back))
    exact = sides is not None
    sections = (_ahead(w), _through(w, c, exact), _back(w, c_back, exact), _both(w, c, c_back))
    made = Derivation("index", "normal", sections, w.symbols, {"W": w.W, "h": w.h}, {},
                      notes=_notes(activation, c, c_back, exact), source=f"z = W h, h = {w.value}", name="z")  # fmt: skip
    return Initialisation(activation, 1 / ahead, 1 / back, exact, made)


def _decimal(number: float) -> Num:
    return Num(Rational(f"{number:.6g}"))


def _linear_sides(w: _Words) -> Fraction | None:
    """`(a² + b²)/2` if the activation is `a u` for `u > 0` and `b u` for `u < 0`."""
    from ..code.numpy import evaluate

    def at(t: float) -> float:
        return float(evaluate(w.value, {"u": t}, [w.u]))

    a, b = (Fraction(at(s) * s).limit_denominator(1000) for s in (1.0, -1.0))
    straight = all(abs(at(t) - float(a if t > 0 else b) * t) < 1e-14 * abs(t) for t in (-30.0, -2.5, -0.1, 1e-3, 0.7, 9.0))
    return (a**2 + b**2) / 2 if straight and at(0.0) == 0 else None


def _ahead(w: _Words) -> Section:
    weight, value = _at(w.W, I, J), _at(w.h, J)
    term = _mul(weight, value)
    means = [Call("pow", w.moment("E", x), Num(2)) for x in (weight, value)]
    product = Call("add", _mul(w.mean_square(weight), w.mean_square(value)), Call("neg", _mul(*means)))
    steps = _chain(
        w.variance(_at(w.z, I)),
        ("expand", "An entry of the product is a sum over the inputs.", w.variance(_sum(term, J, w.n_in))),
        ("variance_sum", "The weights are independent with mean 0, so the terms are uncorrelated.",
         _sum(w.variance(term), J, w.n_in)),
        ("variance_product", "A weight is independent of what it multiplies.", _sum(product, J, w.n_in)),
        ("mean_zero", "Weights have mean 0: the second term vanishes and `E[w²] = Var[w]`.",
         _sum(_mul(w.variance(weight), w.mean_square(value)), J, w.n_in)),
        ("alike", "All weights have one variance and all inputs one mean square.", _mul(Num(w.n_in), *_ahead_factors(w))),
    )  # fmt: skip
    return Section("Ahead: the variance of a value", w.z, Call("matmul", w.W, w.h), steps=steps)


def _ahead_factors(w: _Words) -> list[Node]:
    return [w.variance(Var("w", ())), w.mean_square(Var("h", ()))]


def _through(w: _Words, c: Num, exact: bool) -> Section:
    weight, signal = _ahead_factors(w)
    applied = ("activation", "The inputs are what the activation makes of the layer before.", w.mean_square(w.value))
    if exact:
        half = "The activation is linear on either side of 0, and `u` falls on either side alike."
        rest = [("symmetric_law", half, _mul(c, w.mean_square(w.u))), ("mean_zero", "`u` has mean 0.", _mul(c, w.variance(w.u)))]
    else:
        rest = [("gaussian", "For a standard normal `u`.", c)]
    size = "`Var[z] = Var[u]`" if exact else "`Var[z] = Var[u] = 1`"
    kept = _chain(
        weight,
        ("solve", "The last line of the part above, divided by the other factors.",
         Call("div", w.variance(_at(w.z, I)), _mul(Num(w.n_in), signal))),
        ("keep", f"The values keep their size from layer to layer: {size}.", Num(1 / (c.value * w.n_in))),
    )  # fmt: skip
    return Section("Through the activation", Var("h", ()), w.value, steps=(*_chain(signal, applied, *rest), *kept))


def _back(w: _Words, c: Num, exact: bool) -> Section:
    weight, above = _at(w.W, I, J), _at(w.g, I)
    slope = w.slope_at(_at(w.z, I))
    term = _mul(weight, *slope, above)
    one, upstream, z = w.variance(Var("w", ())), w.mean_square(Var("g", ())), Var("z", ())
    squares = [w.variance(weight), *map(w.mean_square, slope), w.mean_square(above)]
    slopes = [w.mean_square(s) for s in w.slope_at(z)]
    target = w.variance(_at(w.h_bar, J))
    steps = _chain(
        target,
        ("expand", "An entry of the product is a sum over the outputs.", w.variance(_sum(term, I, w.n_out))),
        ("variance_sum", "The weights are independent with mean 0, so the terms are uncorrelated.",
         _sum(w.variance(term), I, w.n_out)),
        ("variance_product", "A weight has mean 0, and is taken to be independent of the slope and of what comes back.",
         _sum(_mul(*squares), I, w.n_out)),
        ("alike", "All outputs are alike.", _mul(Num(w.n_out), one, *slopes, upstream)),
    )  # fmt: skip
    if slopes:
        law = "symmetric_law" if exact else "gaussian"
        why = (
            "The slope is one number on either side of 0, and `z` falls on either side alike."
            if exact
            else "For a standard normal `z`."
        )
        steps += _chain(slopes[0], (law, why, c))
    steps += _chain(
        one,
        ("solve", "The last line of the first chain, divided by the other factors.",
         Call("div", target, _mul(Num(w.n_out), *slopes, upstream))),
        ("keep", "The gradients keep their size from layer to layer: `Var[h_bar] = E[g²]`.", Num(1 / (c.value * w.n_out))),
    )  # fmt: skip
    text = "What comes back to the inputs of the layer, from `g = ∂L/∂ϕ(z)` above, as the engine finds it:"
    return Section("Back: the variance of a gradient", w.h_bar, w.back, steps=steps, introduction=(text,))


def _both(w: _Words, c: Num, c_back: Num) -> Section:
    n = Var("n", ())
    mean = Call("div", Call("add", Num(w.n_in), Num(w.n_out)), Num(2))
    middle = c.value if c is c_back else (c.value + c_back.value) / 2
    done = Call("div", Num(2 / middle), Call("add", Num(w.n_in), Num(w.n_out)))
    steps = _chain(
        w.variance(Var("w", ())),
        ("compromise", "The mean of both sizes" + ("" if c is c_back else " and of both factors") + " stands for either.",
         Call("div", Num(1), _mul(Num(middle), n) if middle != 1 else n)),
        ("substitute", "The mean is put in.", done),
    )  # fmt: skip
    return Section("Both at once", n, mean, steps=steps)


def _notes(activation: str, c: Num, c_back: Num, exact: bool) -> tuple[str, ...]:
    """Who is meant by whose initialisation, and what happens with the other one."""
    notes = []
    if activation == "identity":
        notes.append(
            "This is Xavier's (Glorot's) initialisation: `Var[w] = 2/(n_in + n_out)`, as for tanh near 0, where its slope is 1"
        )
    if activation == "relu":
        notes.append("This is He's initialisation: either condition alone is enough, and He et al. take `Var[w] = 2/n_in`. "
                     "With `1/n_in` every layer halves the variance: 20 layers leave one part in a million of it")  # fmt: skip
    if activation == "tanh":
        notes.append(
            "Near 0, `tanh(u) ≈ u`, whose factor is 1: that is Xavier's `Var[w] = 2/(n_in + n_out)`; here u is standard normal"
        )
    if not exact:
        factors = f"`{float(c.value):.6g}` and `{float(c_back.value):.6g}`"
        notes.append(f"The factors {factors} hold at variance 1 only: the activation is not linear on either side of 0")
    if activation == "sigmoid":
        off = "The mean of `sigmoid(u)` is 1/2, so what comes out is not centred, and the slopes are at most 1/4"
        notes.append(f"{off}: no variance of the weights keeps both directions")
    return tuple(notes)


__all__ = ["Initialisation", "initialisation"]
