"""ReLU's Jacobian is diagonal with 0 and 1: for 4096 units 4096 × 4096 numbers, of which at most 4096 are not 0."""

import time

import numpy as np

import symderiv as sd

jacobian = sd.derive("relu(x)", "x", vars={"x": "n"})
through = sd.vjp("relu(x)", "x", vars={"x": "n"})
print("∂relu(x)/∂x =", jacobian)
print("gradient through it:", through)
n = 4096
x, u = np.random.default_rng(0).standard_normal((2, n))
print(f"{n} × {n} = {n * n:,} entries, {n * n * 8 / 2**20:.0f} MiB as float64; {int((x > 0).sum())} are 1 here, the rest 0")
times = []
for f in (lambda: u @ jacobian.numpy()(x=x), lambda: through.numpy()(x=x, u=u)):
    value = f()
    start = time.perf_counter()
    assert np.allclose(f(), value)
    times.append(time.perf_counter() - start)
print(f"built and multiplied: {1e3 * times[0]:.1f} ms; multiplied entry by entry: {1e3 * times[1]:.3f} ms")
