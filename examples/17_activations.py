"""The activations compared: derivative, its range, saturation, dead zones, smoothness; drawn if matplotlib is there."""

from importlib.util import find_spec

import symderiv as sd
from symderiv.learn.activations import draw_activations

for row in sd.activations(measure=False):
    print(f"{row.name:11} f' = {row.derivative}  in {row.range}; small where {row.saturates}; dead {row.dead}; {row.smooth}")
if find_spec("matplotlib"):
    draw_activations("activations.png")
