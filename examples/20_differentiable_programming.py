"""Write only the forward function; get the gradient, its certificate, code, and the computation graph."""

import numpy as np

import symderiv as sd


def loss(W1, W2, x, y):
    hidden = x
    for W in (W1, W2):
        hidden = np.tanh(W @ hidden)
    return np.sum((hidden - y) ** 2)


problem = sd.trace(loss, W1="h,d", W2="k,h", x="d", y="k")
gradients = sd.derive(problem, ["W1", "W2"])
print(gradients, gradients.certificate, sep="\n")
rng = np.random.default_rng(0)
sizes = {"W1": (4, 3), "W2": (2, 4), "x": 3, "y": 2}
values = {name: rng.standard_normal(size) for name, size in sizes.items()}
print(gradients.numpy()(**values)["W2"].shape)
print(sd.graph(loss, {"W1": "h,d", "W2": "k,h", "x": "d", "y": "k"}, wrt=["W1", "W2"]).reverse_trace(values))
