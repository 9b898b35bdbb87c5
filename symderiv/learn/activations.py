"""The activations compared: what the engine derives, the range of the derivative, saturation, dead zones, smoothness, cost.

for row in sd.activations(): print(row.name, row.derivative, row.low, row.high)
"""

from __future__ import annotations

import re
import timeit
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..expr.nodes import Node
from .intervals import upper_bound
from .models import ACTIVATIONS, check_activation
from .tables import Pen, Table

DEFINITIONS = {  # in simpler words; PReLU's slope is 1/4, its usual start. A test compares them with the library's words
    "sigmoid": "1/(1 + exp(-x))",
    "tanh": "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "relu": "maximum(0, x)",
    "leaky_relu": "where(x > 0, x, x/100)",
    "prelu": "where(x > 0, x, x/4)",
    "elu": "where(x > 0, x, exp(x) - 1)",
    "selu": "1.0507009873554805*where(x > 0, x, 1.6732632423543772*(exp(x) - 1))",
    "gelu": "x*(1 + erf(x/sqrt(2)))/2",
    "silu": "x/(1 + exp(-x))",
    "softplus": "log(1 + exp(x))",
    "hardtanh": "clip(x, -1, 1)",
    "identity": "x",
}
COURSE = tuple(DEFINITIONS)[:9]
REACH = 30.0  # bounds are certified on [-REACH, REACH]; beyond, every f' here is monotone towards its limit
SMALL = 1e-3  # a derivative below this passes no gradient worth having


@dataclass(frozen=True)
class Activation:
    """One row of the table.

    Attributes:
        name: of the word.
        function, derivative: words of `x`; the derivative is the engine's, certified.
        definition: the function in simpler words.
        low, high: infimum and supremum of the derivative on [-30, 30]; no point is beyond them by more than 1e-5.
        peak: where |f'| is largest: "0", "1.41", or "x > 0" where it stays there.
        saturates: where the derivative stays below 1e-3: "x < -6.9, x > 6.9", or "nowhere".
        dead: where it is exactly 0.
        smooth: "smooth", "C¹" (a jump of f'') or "C⁰" (a jump of f').
        nanoseconds: for one entry of f, measured on an array.
    """

    name: str
    function: Node
    definition: Node
    derivative: Node
    low: float
    high: float
    peak: str
    saturates: str
    dead: str
    smooth: str
    nanoseconds: float

    @property
    def range(self) -> str:
        """`[0, 1/4]`, with fractions where the bounds are."""
        return f"[{fraction(self.low)}, {fraction(self.high)}]"


def fraction(value: float) -> str:
    """A number as a fraction with a small denominator if it is one to 1e-6, else to four digits."""
    near = Fraction(value).limit_denominator(100)
    return str(near) if abs(value - near) < 2e-6 else f"{value:.4f}"


def activation(name: str, measure: bool = True) -> Activation:
    """The row of one activation.

    Raises:
        InputError: SD151 when there is none of that name.
    """
    from ..api import derive
    from ..code.numpy import numpy_function
    from ..read.problem import parse

    check_activation(name)
    formula = ACTIVATIONS[name].format(x="x", a="1/4")
    problem = parse(formula, {"x": "scalar"})
    derivative = derive(problem, "x").expr  # type: ignore[union-attr]
    high = upper_bound(derivative, -REACH, REACH)[0]
    low = -upper_bound(derivative, -REACH, REACH, sign=-1.0)[0]
    array = parse(formula, {"x": "n"})
    slope = numpy_function(derive(parse(f"sum({array.source})", {"x": "n"}), "x", check=False).expr, list(array.vars.values()))  # type: ignore[union-attr]
    x = np.linspace(-REACH, REACH, 60_001)
    with np.errstate(all="ignore"):
        values = np.asarray(slope(x), dtype=float) * np.ones_like(x)
    cost = 0.0
    if measure:
        f = numpy_function(array.expr, list(array.vars.values()))
        sample = np.random.default_rng(0).standard_normal(20_000)
        cost = min(timeit.repeat(lambda: f(sample), number=3, repeat=3)) / 3 / len(sample) * 1e9
    saturates, dead = _tails(x, np.abs(values) < SMALL), _tails(x, values == 0.0, True)
    definition = parse(DEFINITIONS[name], {"x": "scalar"}).expr
    peak = _peak(x, np.abs(values), max(abs(low), abs(high)))
    return Activation(
        name, problem.expr, definition, derivative, low + 0.0, high + 0.0, peak, saturates, dead, _smoothness(slope), cost
    )


def _peak(x: np.ndarray, sizes: np.ndarray, most: float) -> str:
    """Where the largest slope is met on the grid, or the side on which it stays."""
    at = x[sizes > most - 1e-7]
    if not len(at):
        return f"{x[np.argmax(sizes)]:.2f}".replace("-0.00", "0").replace("0.00", "0")
    if at[-1] - at[0] < 0.1 or len(at) < 100:
        middle = float(np.mean(at))
        return f"{middle:.2f}" if abs(middle) > 0.005 else "0"
    if at[0] < -29 and at[-1] > 29:
        return "everywhere"
    return f"x > {at[0]:.1f}".replace(" 0.0", " 0") if at[-1] > 29 else f"{at[0]:.1f} to {at[-1]:.1f}"


def _tails(x: np.ndarray, holds: np.ndarray, exact: bool = False) -> str:
    """The outer intervals on which it holds. An exact 0 far out is rounding, not a dead zone: it must begin near the middle."""
    parts = []
    if holds[0]:
        end = x[np.argmin(holds)] if not holds.all() else np.inf
        if not exact or end > -2:
            parts.append(f"x < {end:.1f}".replace("-0.0", "0").replace(" 0.0", " 0"))
    if holds[-1]:
        begin = x[len(x) - np.argmin(holds[::-1]) - 1]
        if not exact or begin < 2:
            parts.append(f"x > {begin:.1f}".replace(" 0.0", " 0"))
    return ", ".join(parts) or "nowhere"


def _smoothness(slope) -> str:  # type: ignore[no-untyped-def]
    """From jumps of f' and f'' at the only places where the words of the library have kinks: -1, 0 and 1."""
    h = 1e-4
    jumps = []
    for at in (-1.0, 0.0, 1.0):
        left2, left, right, right2 = np.asarray(slope(np.array([at - 2 * h, at - h, at + h, at + 2 * h])), dtype=float) * np.ones(
            4
        )
        jumps.append((abs((2 * right - right2) - (2 * left - left2)), abs((right2 - right) - (left - left2)) / h))
    if max(j[0] for j in jumps) > 1e-3:
        return "C⁰"
    return "C¹" if max(j[1] for j in jumps) > 1e-2 else "smooth"


def activations(names: tuple[str, ...] | list[str] | None = None, measure: bool = True) -> list[Activation]:
    """The table: the nine of the course, or those named."""
    return [activation(n, measure) for n in (names or COURSE)]


def rows_of(rows: list[Activation], pen: Pen) -> Table:
    """The table as cells; numbers in formulas to five digits."""
    head = ["", "f", "f'", "range of f'", "largest at", "|f'| < 0.001", "f' = 0", "smoothness", "ns/entry"]
    if pen.latex:
        head[2:6] = ["$f'$", "range of $f'$", "largest at", "$|f'| < 0.001$"]
        head[1], head[6] = "$f$", "$f' = 0$"
    cells = []
    for r in rows:
        words = [pen.math(_short(pen.words(w))) for w in (r.definition, r.derivative)]
        cost = f"{r.nanoseconds:.1f}" if r.nanoseconds else "–"
        name = r.name.replace("_", r"\_" if pen.latex else "_")
        smooth = r.smooth if not pen.latex else {"C⁰": "$C^0$", "C¹": "$C^1$"}.get(r.smooth, r.smooth)
        cells.append([name, *words, *map(_math(pen), (r.range, r.peak, r.saturates, r.dead)), smooth, cost])
    return Table("", head, cells)


def _math(pen: Pen):  # type: ignore[no-untyped-def]
    """Cells such as `x < -6.9, x > 6.9` are mathematics, words such as "nowhere" are not."""
    return lambda text: pen.math(text) if any(c.isdigit() for c in text) else text


def _short(text: str) -> str:
    return re.sub(r"\d+\.\d{5,}", lambda m: f"{float(m.group()):.5g}", text)


def draw_activations(path: str, names: tuple[str, ...] | list[str] | None = None) -> None:
    """Draw every f with its f' (needs the extra `plot`).

    Raises:
        CodeError: SD520 without matplotlib, SD510 when the picture cannot be written.
    """
    from ..code.numpy import evaluate
    from ..expr.walk import variables
    from .extras import pyplot, save_figure

    plt = pyplot()
    rows = activations(names, measure=False)
    columns = min(3, len(rows))
    high = -(-len(rows) // columns)
    figure, axes = plt.subplots(high, columns, figsize=(3.5 * columns, 2.6 * high), sharex=True, squeeze=False)
    x = np.linspace(-4, 4, 401)
    for row, ax in zip(rows, axes.flat, strict=False):
        for words, colour, label in ((row.function, "#1f5fa8", "f"), (row.derivative, "#c8541a", "f'")):
            name = [v.name for v in variables(words)]
            y = np.array([float(evaluate(words, dict.fromkeys(name, t))) for t in x])
            y[1:][np.abs(np.diff(y)) > 0.3] = np.nan  # a jump is not a line
            ax.plot(x, y, color=colour, label=label, linewidth=1.7)
        ax.axhline(0, color="#999", linewidth=0.6)
        ax.set_title(f"{row.name}:  f' in {row.range}", fontsize=10)
        ax.set_ylim(-1.4, 2.4)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    axes.flat[0].legend(frameon=False, loc="upper left")
    for ax in list(axes.flat)[len(rows) :]:
        ax.set_visible(False)
    figure.tight_layout()
    save_figure(figure, path)


__all__ = ["COURSE", "DEFINITIONS", "Activation", "activation", "activations", "draw_activations", "rows_of"]
