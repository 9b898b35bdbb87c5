"""Xavier and He derived from variance propagation, step by step, and measured."""

import symderiv as sd

print(sd.initialisation("identity"))  # Xavier
print(sd.initialisation("relu"))  # He
for init in ("xavier", "he"):
    f = sd.flow(20, 200, "relu", init)
    print(f"relu, {init}: signal {f.signals[0]:.2f} -> {f.signals[-1]:.2g}, gradient 1 -> {f.gradients[0]:.2g}")
