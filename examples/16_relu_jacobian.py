"""ReLU's Jacobian is diagonal with 0 and 1: for 4096 units 4096 × 4096 numbers, of which at most 4096 are not 0."""

import numpy as np

import symderiv as sd

jacobian = sd.derive("relu(x)", "x", vars={"x": "n"})
print("∂relu(x)/∂x =", jacobian)
print("gradient through it:", sd.vjp("relu(x)", "x", vars={"x": "n"}))
n = 4096
x = np.random.default_rng(0).standard_normal(n)
print(f"{n} × {n} = {n * n:,} entries, {n * n * 8 / 2**20:.0f} MiB as float64; {int((x > 0).sum())} are 1 here, the rest 0")
