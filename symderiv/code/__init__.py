"""Code: NumPy source and functions from words."""
