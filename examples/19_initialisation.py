"""Xavier and He from variance propagation, and measured."""

import symderiv as sd
from symderiv.learn.flow import variance

for activation in ("identity", "relu", "tanh"):
    print(activation, *variance(activation).lines, sep="\n  ")
for init in ("xavier", "he"):
    f = sd.flow(20, 200, "relu", init)
    print(f"relu, {init}: rms of the signal {f.signals[0]:.2f} -> {f.signals[-1]:.2g}")
