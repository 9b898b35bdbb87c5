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
    scalar = parse("sum(" + ACTIVATIONS[activation].format(x="z", a="1/4") + ")", {"z": "b"})
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
            slopes = np.stack([slope(z) * np.ones(width) for z in states[-1] @ W])
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


@dataclass(frozen=True)
class Variance:
    """What keeps a signal's size: `Var[w] = forward/n_in` ahead, `backward/n_out` back, for standard normal pre-activations."""

    activation: str
    forward: float
    backward: float
    lines: tuple[str, ...]


def variance(activation: str) -> Variance:
    """`Var[z] = n Var[w] E[φ(z)²]` and back `n Var[w] E[φ'(z)²]`: the variance of a weight that keeps both at 1.

    The expectations over a standard normal z are integrals to 1e-10: 1/2 for ReLU both ways, which gives He's 2/n; 1 for the
    identity, which gives 1/n ahead and 1/n back, and Xavier's 2/(n_in + n_out) between them.
    """
    from ..code.numpy import numpy_function
    from ..read.problem import parse

    check_activation(activation)
    _, _, _, slope = _layer(activation)
    applied = parse(ACTIVATIONS[activation].format(x="z", a="1/4"), {"z": "b"})
    value = numpy_function(applied.expr, list(applied.vars.values()))
    x, w = np.polynomial.legendre.leggauss(200)
    means = []
    for f in (value, slope):
        total = 0.0
        for lo, hi in ((-12.0, -1.0), (-1.0, 0.0), (0.0, 1.0), (1.0, 12.0)):  # kinks lie at the ends
            z = (hi - lo) / 2 * x + (hi + lo) / 2
            density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
            total += float(np.sum(w * density * (np.asarray(f(z)) * np.ones_like(z)) ** 2)) * (hi - lo) / 2
        means.append(total)
    ahead, back = means
    lines = (
        "z_i = Σ_j w_ij h_j with independent w of mean 0:  Var[z_i] = n_in Var[w] E[h²]",
        f"h = φ(z), z standard normal:  E[h²] = E[φ(z)²] = {ahead:.6g}",
        f"Var[z] stays 1 if  Var[w] = 1/(n_in E[φ²]) = {1 / ahead:.6g}/n_in",
        "g_j = Σ_i w_ij φ'(z_i) g_i:  Var[g_j] = n_out Var[w] E[φ'(z)²] Var[g_i]",
        f"E[φ'(z)²] = {back:.6g}",
        f"Var[g] stays if  Var[w] = 1/(n_out E[φ'²]) = {1 / back:.6g}/n_out",
    )
    return Variance(activation, 1 / ahead, 1 / back, lines)


def symbolic_product(activation: str = "sigmoid") -> tuple[str, str]:
    """The Jacobian of one layer as the engine derives it, and the product of all of them with its bound."""
    from ..api import derive
    from ..read.problem import parse

    problem = parse(ACTIVATIONS[activation].format(x="W @ h", a="1/4"), {"W": "m,n", "h": "n"})
    jacobian = derive(problem, "h").text()  # type: ignore[union-attr]
    return f"∂φ(W h)/∂h = {jacobian}", "∂h^L/∂h^0 = ∏ diag(φ'(z_l)) W_l,  ‖∂h^L/∂h^0‖ ≤ ∏ sup|φ'| ‖W_l‖"


def draw_flow(flows: list[Flow], path: str) -> None:
    """Draw the gradient norm by layer for each of several measurements (needs the extra `plot`)."""
    from .extras import pyplot, save_figure

    plt = pyplot()
    figure, ax = plt.subplots(figsize=(7.2, 4.2))
    dashes = dict(zip(INITS, ("-", "--", ":", "-.", (0, (1, 4))), strict=True))
    names = list(dict.fromkeys(f.activation for f in flows))
    colours = plt.get_cmap("tab10")
    for f in flows:
        shown = np.where(f.gradients > 0, f.gradients, np.nan)
        label = f"{f.activation}, {f.init}: ×{f.rate:.3g} a layer"
        ax.plot(
            range(f.depth + 1),
            shown,
            linestyle=dashes[f.init],
            color=colours(names.index(f.activation)),
            label=label,
            linewidth=1.6,
        )
    ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel="layer (0 is the input)", ylabel="norm of ∂L/∂h", title=f"{flows[0].depth} layers of {flows[0].width} units")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(figure, path)


__all__ = ["INITS", "Flow", "Variance", "draw_flow", "flow", "symbolic_product", "variance"]
