"""Is the derivative right: sampling, finite differences, certificates."""
