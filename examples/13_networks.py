"""Networks of 2, 3 and L layers with any activation: every gradient from one backward sweep."""

import symderiv as sd

for layers, activation in ((2, "sigmoid"), (3, "relu"), (5, "gelu")):
    model = sd.models.perceptron(layers, activation)
    gradients = model.gradients()
    print(model.title, "-", ", ".join(f"∂L/∂{n} {g.shape}" for n, g in gradients.items()), "-", gradients.certificate.method)
print(sd.models.perceptron(2, "sigmoid").gradients())
