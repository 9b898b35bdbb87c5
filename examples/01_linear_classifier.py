"""Linear classifier: scores Wx + b, the bias as a last column of W, sizes, and where it fails."""

import numpy as np

import symderiv as sd
from symderiv.learn.interpret import xor

print(sd.models["scores"].text)
print("∂f/∂W has shape", sd.shape_of(sd.models["scores"].problem, "W"))

W, b, x = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0]), np.array([1.0, 2.0, 3.0])
folded = sd.evaluate(sd.models["bias-trick"].problem, V=np.column_stack([W, b]), x=x)
assert np.allclose(folded, W @ x + b)

points, labels = xor()
linear = sd.train("softmax", points, labels, test=0.0)
network = sd.train("perceptron-2", points, labels, test=0.0, activation="tanh", hidden=16, batch=32, step=0.1, momentum=0.9)
print(f"XOR: linear {linear.train_accuracy:.2f}, two layers {network.train_accuracy:.2f}")
