"""Logistic regression on a scalar, a vector, and a matrix of samples: one derivation."""

import symderiv as sd

for declared, text in (({"x": "scalar", "w": "scalar", "y": "scalar"}, "softplus(w*x) - y*w*x"),
                       ({"x": "d", "w": "d", "y": "scalar"}, "softplus(w @ x) - y*(w @ x)"),
                       ({"X": "n,d", "w": "d", "y": "n"}, "sum(softplus(X @ w) - y*(X @ w))")):  # fmt: skip
    print(text, "->", sd.derive(text, "w", vars=declared))
