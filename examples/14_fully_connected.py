"""h = W x: ∂h/∂x = W, and with the gradient u = ∂L/∂h: ∂L/∂x = Wᵀu and ∂L/∂W = u xᵀ, with all sizes."""

import symderiv as sd

print("∂h/∂x =", sd.derive("W @ x", "x", vars={"W": "m,d", "x": "d"}))
for name, g in sd.models["layer"].gradients().items():
    print(f"∂L/∂{name} = {g}   shape {g.shape}")
