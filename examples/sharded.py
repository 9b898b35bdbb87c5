"""One gradient on several devices, of more data than memory: the emitted JAX code with the rows spread over eight devices (here:
parts of the CPU), block by block.

Each block of rows is made, laid out over the devices, and gives its part of the value and the gradient; XLA adds what the devices
have, the loop what the blocks have. The process may use less memory than the data have (set by `resource.setrlimit`).
"""

import os
import resource
import sys
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import symderiv as sd

jax.config.update("jax_enable_x64", True)
blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 64
limit = int(sys.argv[2]) if len(sys.argv) > 2 else 400
rows, columns, classes = 8192, 128, 10
result = sd.derive("cross_entropy(X @ W, y)", wrt="W", vars={"X": "n,d", "W": "d,k", "y": "n integer"})
gradient = jax.jit(result.jax(value=True))
by_rows = NamedSharding(Mesh(np.array(jax.devices()), ("rows",)), PartitionSpec("rows"))
W = np.random.default_rng(0).standard_normal((columns, classes))


def block(k: int) -> dict[str, np.ndarray]:
    """The rows of one block."""
    rng = np.random.default_rng(k + 1)
    return {"X": rng.standard_normal((rows, columns)), "y": rng.integers(0, classes, rows)}


def part(data: dict[str, np.ndarray]) -> tuple[jax.Array, jax.Array]:
    """Its value and gradient, computed where its rows are."""
    return gradient(W=W, **{name: jax.device_put(x, by_rows) for name, x in data.items()})


value, slope = part(block(0))
known = result.numpy(value=True)(W=W, **block(0))
assert np.allclose(slope, known[1], rtol=1e-10, atol=1e-12) and np.allclose(value, known[0])
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()  # what the libraries have reserved already
resource.setrlimit(resource.RLIMIT_AS, (now + limit * 2**20, now + limit * 2**20))
for k in range(1, blocks):
    more = part(block(k))
    value, slope = value + more[0], slope + more[1]
    jax.block_until_ready(slope)  # the next block is made when this one is done
size = f"{blocks * rows * columns * 8 / 2**20:.0f} MiB of data within {limit} MiB"
devices = len(jax.devices())
print(f"{devices} devices, {size}: loss {value / blocks:.6f}, largest entry of the gradient {np.abs(slope / blocks).max():.6f}")
