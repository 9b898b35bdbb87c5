"""One gradient on several devices: the emitted JAX code with the rows of the data spread over eight (here: parts of the CPU)."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import symderiv as sd

jax.config.update("jax_enable_x64", True)
result = sd.derive("cross_entropy(X @ W, y)", wrt="W", vars={"X": "n,d", "W": "d,k", "y": "n integer"})
rng = np.random.default_rng(0)
X, W, y = rng.standard_normal((4096, 32)), rng.standard_normal((32, 10)), rng.integers(0, 10, 4096)

mesh = Mesh(np.array(jax.devices()), ("rows",))
by_rows = NamedSharding(mesh, PartitionSpec("rows"))
on_devices = {"X": jax.device_put(X, by_rows), "y": jax.device_put(y, by_rows), "W": W}
value, gradient = result.jax(value=True)(**on_devices)
known = result.numpy(value=True)(X=X, W=W, y=y)
print(f"{len(on_devices['X'].sharding.device_set)} devices, worst difference {np.abs(np.asarray(gradient) - known[1]).max():.0e}")
assert np.allclose(gradient, known[1], rtol=1e-10, atol=1e-12)
