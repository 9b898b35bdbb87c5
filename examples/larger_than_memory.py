"""Gradients of data that does not fit in memory: the emitted NumPy code runs unchanged on Dask arrays.

The data are made chunk by chunk; every chunk gives its part of the gradient, and the parts are added in a tree. The process
may use less memory than the data have (set by `resource.setrlimit`).
"""

import resource
import sys
from pathlib import Path

import dask
import dask.array as da
import numpy as np

import symderiv as sd

rows, columns = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, 500
limit = int(sys.argv[2]) if len(sys.argv) > 2 else 700
gradient = sd.derive("mean(softplus(X @ w) - y*(X @ w))", wrt="w", vars={"X": "n,d", "w": "d", "y": "n"}).numpy(value=True)

now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()  # what the libraries have reserved already
resource.setrlimit(resource.RLIMIT_AS, (now + limit * 2**20, now + limit * 2**20))
chunk = 2_000
X = da.random.default_rng(0).standard_normal((rows, columns), chunks=(chunk, columns))
y = (X[:, 0] + da.random.default_rng(1).standard_normal(rows, chunks=chunk) > 0).astype(float)
with dask.config.set(scheduler="single-threaded"):
    value, g = dask.compute(*gradient(X=X, w=np.zeros(columns), y=y))
size = f"{X.nbytes / 2**20:.0f} MiB of data within {limit} MiB"
print(f"{size}: loss {value:.6f}, largest entry of the gradient {np.abs(g).argmax()}")
