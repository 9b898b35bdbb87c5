"""How gradients flow through a deep network: `∂L/∂h⁰ = ∏ Wₗᵀ diag(φ'(zₗ)) ∂L/∂h^L`, its bound, and its size as measured.

    f = sd.flow(depth=20, activation="sigmoid", init="xavier")
    f.gradients        ‖∂L/∂h^l‖ for l = 0 … depth

The step through one layer, forward and back, is derived by the engine once and applied layer by layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .models import ACTIVATIONS, check_activation

INITS = {  # name -> the variance of a weight, for n inputs and m outputs
    "xavier": ("2/(n + m)", lambda n, m: 2 / (n + m)),
    "he": ("2/n", lambda n, m: 2 / n),
    "lecun": ("1/n", lambda n, m: 1 / n),
    "small": ("0.01²", lambda n, m: 1e-4 * 1.0),
    "large": ("4/n", lambda n, m: 4 / n),
}


@dataclass
class Flow:
    """What was measured, layer by layer; index 0 is the input.

    Attributes:
        signals: root mean square of `h^l`.
        gradients: norm of `∂L/∂h^l`.
        weights: norm of `∂L/∂W_l`, for l = 1 … depth (index l - 1).
        factors: norm ratio `‖∂L/∂h^{l-1}‖/‖∂L/∂h^l‖`.
        bounds: `‖∂L/∂h^L‖ ∏ ‖W‖₂ sup|φ'|` from the top down to l: never exceeded.
        dead: part of the units of layer l whose derivative is 0 for every sample.
        slope: sup |φ'|.
    """

    depth: int
    width: int
    activation: str
    init: str
    signals: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray
    bounds: np.ndarray
    dead: np.ndarray
    slope: float

    @property
    def factors(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.gradients[:-1] / self.gradients[1:]

    @property
    def rate(self) -> float:
        """The geometric mean of the factors: how much of the gradient one layer passes on."""
        if self.gradients[0] == 0 or self.gradients[-1] == 0:
            return 0.0
        return float((self.gradients[0] / self.gradients[-1]) ** (1 / self.depth))

    @property
    def verdict(self) -> str:
        """vanishes, explodes or flows: by less than 1/100, more than 100, or in between over the whole depth."""
        if not np.all(np.isfinite(self.gradients)):
            return "explodes"
        ratio = self.gradients[0] / self.gradients[-1] if self.gradients[-1] else 0.0
        return "vanishes" if ratio < 1e-2 else "explodes" if ratio > 1e2 else "flows"


def _layer(activation: str):  # type: ignore[no-untyped-def]
    """NumPy functions of one layer `φ(H W)`: value, gradient by H and W, and φ' of the pre-activations."""
    from ..api import derive, vjp
    from ..code.numpy import numpy_function
    from ..read.problem import parse

    inner = ACTIVATIONS[activation].format(x="H @ W", a="1/4")
    problem = parse(inner, {"H": "n,a", "W": "a,b"})
    value = numpy_function(problem.expr, list(problem.vars.values()))
    back_h, back_w = (vjp(problem, name).numpy() for name in ("H", "W"))
    scalar = parse("sum(" + ACTIVATIONS[activation].format(x="z", a="1/4") + ")", {"z": "n,b"})
    slope = numpy_function(derive(scalar, "z").expr, list(scalar.vars.values()))  # type: ignore[union-attr]
    return value, back_h, back_w, slope


def flow(
    depth: int = 20, width: int = 100, activation: str = "sigmoid", init: str = "xavier", samples: int = 64, seed: int = 0
) -> Flow:
    """Measure the gradient through a network of `depth` layers of `width` units, without biases.

    The input is standard normal; the gradient at the top is a random direction of norm 1.

    Raises:
        InputError: SD151 for the activation, SD158 for the initialisation or a number that is out of range.
    """
    from .activations import activation as row_of

    check_activation(activation)
    if init not in INITS:
        raise InputError(f"there is no initialisation {init!r}", code="SD158", hint="there are " + ", ".join(INITS))
    for name, size, limit in (("depth", depth, 1000), ("width", width, 4096), ("samples", samples, 100_000)):
        if not isinstance(size, (int, np.integer)) or not 1 <= size <= limit:
            raise InputError(f"{name} must be a whole number from 1 to {limit}, not {size!r}", code="SD158")
    rng = np.random.default_rng(seed)
    value, back_h, back_w, slope = _layer(activation)
    weights = [rng.standard_normal((width, width)) * np.sqrt(INITS[init][1](width, width)) for _ in range(depth)]
    states = [rng.standard_normal((samples, width))]
    dead = []
    with np.errstate(over="ignore", invalid="ignore"):
        for W in weights:
            slopes = slope(states[-1] @ W) * np.ones((samples, width))
            dead.append(float(np.mean(np.all(slopes == 0, axis=0))))
            states.append(value(H=states[-1], W=W))
        upstream = rng.standard_normal((samples, width))
        upstream /= np.linalg.norm(upstream)
        gradients, by_weight = [float(np.linalg.norm(upstream))], []
        for W, H in zip(reversed(weights), reversed(states[:-1]), strict=True):
            by_weight.append(float(np.linalg.norm(back_w(H=H, W=W, u=upstream))))
            upstream = back_h(H=H, W=W, u=upstream)
            gradients.append(float(np.linalg.norm(upstream)))
    row = row_of(activation, measure=False)
    most = max(abs(row.low), abs(row.high))
    bounds: list[float] = [1.0]
    for W in reversed(weights):
        bounds.append(bounds[-1] * float(np.linalg.norm(W, 2)) * most)
    return Flow(depth, width, activation, init, np.array([np.sqrt(np.mean(h**2)) for h in states]), np.array(gradients[::-1]),
                np.array(by_weight[::-1]), np.array(bounds[::-1]), np.array(dead), most)  # fmt: skip


def symbolic_product(activation: str = "sigmoid", layers: int = 3) -> tuple[str, str, str]:
    """The Jacobian of one layer and of `layers` of them as the engine derives them, and the bound of the product.

    Raises:
        InputError: SD151 for an activation that is not known, SD158 for a number of layers that is not from 1 to 20.
    """
    from ..api import derive
    from ..expr.nodes import Call, Var
    from ..expr.walk import postorder, replace
    from ..read.problem import parse
    from ..write.names import lowered
    from ..write.unicode import to_unicode
    from .activations import activation as row_of
    from .activations import fraction

    check_activation(activation)
    if not 1 <= layers <= 20:
        raise InputError(f"layers must be from 1 to 20, not {layers!r}", code="SD158")
    one = derive(parse(_applied(activation, "W @ h"), {"W": "m,n", "h": "n"}), "h").text()  # type: ignore[union-attr]
    declared, value = {"h0": "n0"}, "h0"
    for i in range(1, layers + 1):
        declared[f"W{i}"] = f"n{i},n{i - 1}"
        value = _applied(activation, f"W{i} @ ({value})")
    whole = derive(parse(value, declared), "h0").expr  # type: ignore[union-attr]
    named = {}
    for n in postorder(whole):  # W_l h is called z_l
        if isinstance(n, Call) and n.name == "matmul" and n.rank == 1 and isinstance(n.operands[0], Var):
            named[n] = Var("z" + n.operands[0].name[1:], n.shape)
    row = row_of(activation, measure=False)
    most = max(abs(row.low), abs(row.high))
    power = f"({fraction(most)})^L" if abs(most - 1) > 2e-6 else "1"
    bound = f"‖∂h_L/∂h₀‖₂ ≤ ∏ₗ sup|φ'| ‖Wₗ‖₂ = {power} ∏ₗ ‖Wₗ‖₂"
    product = to_unicode(replace(whole, named))  # type: ignore[arg-type]
    return f"∂φ(W h)/∂h = {one}", f"∂h{lowered(str(layers))}/∂h₀ = {product}   with zₗ = Wₗ hₗ₋₁", bound


def _applied(activation: str, inner: str) -> str:
    return ACTIVATIONS[activation].format(x=inner, a="1/4")


def draw_flow(flows: list[Flow], path: str) -> None:
    """Draw the gradient norm by layer, a panel for each initialisation, and the dead units where there are any.

    Needs the extra `plot`.

    Raises:
        CodeError: SD520 without matplotlib, SD510 when the picture cannot be written.
    """
    from .extras import pyplot, save_figure

    plt = pyplot()
    inits = list(dict.fromkeys(f.init for f in flows))
    names = list(dict.fromkeys(f.activation for f in flows))
    dead = any(f.dead.max() > 0.005 for f in flows)
    count = len(inits) + dead
    columns = min(3, count)
    rows = -(-count // columns)
    size = (4.1 * columns + 0.6 * (columns == 1), 3.3 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    panels = list(grid.flat)
    many = len(names) > 5  # then one legend beside all panels
    palette = plt.get_cmap("tab20" if len(names) > 10 else "tab10").colors
    colours = {n: palette[k % len(palette)] for k, n in enumerate(names)}
    for ax, init in zip(panels, inits, strict=False):
        for f in (f for f in flows if f.init == init):
            shown = np.where((f.gradients > 0) & np.isfinite(f.gradients), f.gradients, np.nan)
            ax.plot(range(f.depth + 1), shown, color=colours[f.activation], linewidth=1.7,
                    label=f"{f.activation}  ×{f.rate:.3g} a layer")  # fmt: skip
        if len(flows) == 1:
            ax.plot(
                range(flows[0].depth + 1),
                flows[0].bounds,
                color="#888",
                linestyle=":",
                linewidth=1.4,
                label="bound ∏ sup|φ'| ‖W‖",
            )
        ax.set_yscale("log")
        ax.set(title=f"{init}: Var[w] = {INITS[init][0]}", xlabel="layer (0 is the input)", ylabel="‖∂L/∂h‖")
        if not many:
            ax.legend(frameon=False, fontsize=8)
    if many:
        figure.legend([plt.Line2D([], [], color=c, linewidth=2) for c in colours.values()], names, loc="outside right upper",
                      frameon=False, fontsize=9)  # fmt: skip
    if dead:
        ax = panels[len(inits)]
        dashes = dict(zip(INITS, ("-", "--", ":", "-.", (0, (1, 4))), strict=True))
        for f in flows:
            if f.dead.max() > 0.005:
                ax.plot(range(1, f.depth + 1), 100 * f.dead, color=colours[f.activation], linestyle=dashes[f.init],
                        label=f"{f.activation}, {f.init}")  # fmt: skip
        ax.set(title="units that pass no gradient", xlabel="layer", ylabel="% of the units", ylim=(0, None))
        if not many:
            ax.legend(frameon=False, fontsize=8)
    for ax in panels[:count]:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in panels[count:]:
        ax.set_visible(False)
    figure.suptitle(f"{flows[0].depth} layers of {flows[0].width} units", fontsize=12)
    save_figure(figure, path)


__all__ = ["INITS", "Flow", "draw_flow", "flow", "symbolic_product"]
