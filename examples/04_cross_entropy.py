"""Cross-entropy from maximum likelihood and from KL, line by line; the gradient is p - y in both, (p - y) xᵀ by the weights."""

import numpy as np

import symderiv as sd

print(sd.models["softmax"].origin())
print(sd.models["kl"].origin())
for name in ("likelihood", "kl"):
    print(sd.models[name].text, "\n  gradient:", sd.models[name].gradients()["s"], "\n")
by_weights = sd.derive("-log(softmax(W @ x)[y])", "W", vars={"W": "k,m", "x": "m", "y": "scalar integer"})
print("by the weights:", by_weights.text())

s = np.array([3.2, 5.1, -1.7])  # cat, car, frog; the truth is cat
print("exponentials  ", np.round(np.exp(s), 2))
print("probabilities ", np.round(sd.evaluate("softmax(s)", s=s), 2))
print("loss          ", np.round(sd.evaluate(sd.models["likelihood"].problem, s=s, y=0), 2))
