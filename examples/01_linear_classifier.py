"""Linear classifier: scores Wx + b, the bias as a last column of W, sizes; templates, hyperplanes, and where it fails."""

from importlib.util import find_spec

import numpy as np

import symderiv as sd
from symderiv.learn.interpret import bulls_eye, draw_regions, draw_templates, xor

# algebraic: one score for each of k classes from m pixels
print(sd.models["scores"].text)
print("∂f/∂W has shape", sd.shape_of(sd.models["scores"].problem, "W"))
W, b, x = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0]), np.array([1.0, 2.0, 3.0])
folded = sd.evaluate(sd.models["bias-trick"].problem, V=np.column_stack([W, b]), x=x)
assert np.allclose(folded, W @ x + b)

# visual: every row of W is a template
if find_spec("sklearn"):
    digits = sd.train("softmax", data=sd.load_data("digits"), l2=0.1)
    print(f"digits: {digits.test_accuracy:.3f} of the held out rows are right")
    if find_spec("matplotlib"):
        draw_templates(digits, "templates.png")

# geometric: hyperplanes, and what no hyperplane separates
for name, points in (("XOR", xor), ("bull's-eye", bulls_eye)):
    X, y = points()
    linear = sd.train("softmax", X, y, test=0.0)
    network = sd.train("perceptron-2", X, y, test=0.0, activation="tanh", hidden=16, batch=32, step=0.1, momentum=0.9)
    print(f"{name}: linear {linear.train_accuracy:.2f}, two layers {network.train_accuracy:.2f}")
    if find_spec("matplotlib"):
        draw_regions([linear, network], X, y, f"{points.__name__}.png")
