"""Addition distributes, multiplication switches, max routes, a copy sums: told for every node."""

import symderiv as sd
from symderiv.learn.graph import SAYS

graph = sd.graph("maximum(x, y)*(x + z)", dict.fromkeys("xyz", "scalar"))
for block in graph.blocks.values():
    for role in block.roles:
        print(f"{block.name}: {SAYS[role]}")
