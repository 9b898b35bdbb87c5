"""Vanishing and exploding gradients in 20 layers, for activations and initialisations."""

import symderiv as sd
from symderiv.learn.flow import symbolic_product

print(*symbolic_product("sigmoid"), sep="\n")
for activation, init in (("sigmoid", "xavier"), ("tanh", "xavier"), ("relu", "xavier"), ("relu", "he"), ("relu", "large")):
    f = sd.flow(20, 100, activation, init)
    print(
        f"{activation}, {init}: ×{f.rate:.3g} a layer, at the input {f.gradients[0]:.1e} (bound {f.bounds[0]:.1e}): {f.verdict}"
    )
