"""Vanishing and exploding gradients in 20 layers, for activations and initialisations; drawn if matplotlib is there."""

from importlib.util import find_spec

import symderiv as sd
from symderiv.learn.flow import draw_flow, symbolic_product

print(*symbolic_product("sigmoid"), sep="\n")
flows = [sd.flow(20, 100, a, i) for i in ("xavier", "he") for a in ("sigmoid", "tanh", "relu", "leaky_relu")]
for f in flows:
    print(f"{f.activation}, {f.init}: ×{f.rate:.3g} a layer, {f.gradients[0]:.1e} of 1, bound {f.bounds[0]:.0e}: {f.verdict}")
if find_spec("matplotlib"):
    draw_flow(flows, "flow.png")
