"""Squared and absolute error, and what L1, L2 and the elastic net add to the gradient and to the update."""

import symderiv as sd

for name in ("linear", "absolute", "l1", "l2", "elastic-net"):
    gradients = sd.models[name].gradients()
    for parameter, gradient in gradients.items():
        print(f"{name:12} ∂/∂{parameter}: {gradient}")
    update = gradients.write_steps(update="alpha").partition("moves against the gradient.")[2]
    print("\n".join(line for line in update.splitlines() if "←" in line))
print(sd.models["softmax"].regularised(l1=True, l2=True).gradients())
