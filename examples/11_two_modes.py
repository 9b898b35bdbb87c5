"""Forward and reverse mode for x₁x₂ + sin x₂: tables, costs, a drawing."""

import symderiv as sd

graph = sd.graph("a1 = sin(x2); a2 = x1*x2; a3 = a1 + a2", {"x1": "scalar", "x2": "scalar"})
at = {"x1": 2.0, "x2": 3.0}
print(graph.forward_trace(at, "x2"), graph.reverse_trace(at), graph.costs(), sep="\n\n")
print(graph.mermaid(at))
