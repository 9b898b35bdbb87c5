"""Squared and absolute error, and what L1, L2 and the elastic net add to the gradient."""

import symderiv as sd

for name in ("linear", "absolute", "l1", "l2", "elastic-net"):
    for parameter, gradient in sd.models[name].gradients().items():
        print(f"{name:12} ∂/∂{parameter}: {gradient}")
print(sd.models["softmax"].regularised(l1=True, l2=True).gradients())
