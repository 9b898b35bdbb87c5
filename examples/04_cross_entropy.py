"""Cross-entropy from maximum likelihood and from KL: the gradient is p - y in both."""

import numpy as np

import symderiv as sd

for name in ("likelihood", "kl"):
    print(sd.models[name].text, "\n  gradient:", sd.models[name].gradients()["s"], "\n")

s = np.array([3.2, 5.1, -1.7])  # cat, car, frog; the truth is cat
print("exponentials  ", np.round(np.exp(s), 2))
print("probabilities ", np.round(sd.evaluate("softmax(s)", s=s), 2))
print("loss          ", np.round(sd.evaluate(sd.models["likelihood"].problem, s=s, y=0), 2))
