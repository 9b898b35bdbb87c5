"""Which shape a derivative has, in both layouts: scalars, vectors, matrices, tensors beyond."""

import symderiv as sd

CASES = [("sum(x**2)", "x", {"x": "n"}), ("t*x", "t", {"t": "scalar", "x": "n"}), ("W @ x", "x", {"W": "m,n", "x": "n"}),
         ("trace(A)", "A", {"A": "n,n"}), ("W @ x", "W", {"W": "m,n", "x": "n"}),
         ("A @ B", "A", {"A": "m,n", "B": "n,k"})]  # fmt: skip
for text, by, declared in CASES:
    shapes = [sd.shape_of(text, by, vars=declared, layout=layout) for layout in ("numerator", "denominator")]
    print(f"∂({text})/∂{by}: numerator {shapes[0]}, denominator {shapes[1]}")
