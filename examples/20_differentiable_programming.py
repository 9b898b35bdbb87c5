"""Write only the forward function; get the gradient, its certificate, and code."""

import numpy as np

import symderiv as sd


def loss(W1, W2, x, y):
    hidden = np.tanh(W1 @ x)
    return np.sum((W2 @ hidden - y) ** 2)


problem = sd.trace(loss, W1="h,d", W2="k,h", x="d", y="k")
gradients = sd.derive(problem, ["W1", "W2"])
print(gradients, gradients.certificate, sep="\n")
rng = np.random.default_rng(0)
values = {
    "W1": rng.standard_normal((4, 3)),
    "W2": rng.standard_normal((2, 4)),
    "x": rng.standard_normal(3),
    "y": rng.standard_normal(2),
}
print(gradients.numpy()(**values)["W2"].shape)
