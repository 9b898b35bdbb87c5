"""The activations compared: derivative, its range, saturation, dead zones, smoothness."""

import symderiv as sd

for row in sd.activations(measure=False):
    print(f"{row.name:11} f' = {row.derivative}  in {row.range}; small where {row.saturates}; dead {row.dead}; {row.smooth}")
