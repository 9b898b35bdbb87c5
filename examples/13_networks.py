"""Networks of 2, 3 and L layers with any activation: every gradient from one backward sweep, by the names of the layers."""

import symderiv as sd
from symderiv.learn.model_text import lines_of

for layers, activation in ((2, "sigmoid"), (3, "relu"), (5, "gelu")):
    model = sd.models.perceptron(layers, activation)
    gradients = model.gradients()
    print(model.title, "-", ", ".join(f"∂L/∂{n} {g.shape}" for n, g in gradients.items()), "-", gradients.certificate.method)
    print("\n".join(lines_of(gradients)), end="\n\n")
