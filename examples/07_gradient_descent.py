"""Full batch, mini-batch, stochastic; and the largest step for a quadratic, 2/λ_max, on either side."""

from importlib.util import find_spec

import numpy as np

import symderiv as sd
from symderiv.learn.descent import descent, draw_descent, verdict

rng = np.random.default_rng(0)
y = rng.integers(3, size=150)
X = rng.standard_normal((150, 4)) + 3 * np.eye(3, 4)[y]
for name, batch in (("full batch", None), ("mini-batch", 16), ("stochastic", 1)):
    result = sd.train("softmax", X, y, batch=batch, epochs=30, step=0.1, decay=0.05)
    print(f"{name}: loss {result.losses[0]:.3f} to {result.losses[-1]:.3f}, held out accuracy {result.test_accuracy:.2f}")
    if find_spec("matplotlib"):
        result.plot(f"{name.replace(' ', '_')}.png")
for step in (0.1, 0.49, 0.51):
    print(f"λ_max = 4, so 0 < α < 1/2; α = {step}: loss {descent((1, 4), step)[-1]:.2e}, {verdict((1, 4), step)}")
target = X @ [1.0, -2.0, 0.5, 0.0] + 1
print(f"linear regression on these rows: α < {sd.train('linear', X, target, epochs=1, step=0.01).largest_step:.3f}")
if find_spec("matplotlib"):
    draw_descent("descent.png")
