"""Benchmarks of emitted code against hand-written NumPy, JAX and PyTorch: `python -m benchmarks`."""
