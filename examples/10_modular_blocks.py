"""-log(1/(1 + exp(-wᵀx))) as blocks: values forward, upstream × local backward."""

import symderiv as sd

graph = sd.graph("u = w @ x; p = sigmoid(u); L = -log(p)", {"w": "d", "x": "d"}, wrt="w")
print(graph.reverse_trace({"w": [1.0, 2.0], "x": [0.5, -1.0]}))
