"""The other side of `second`: a process of its own that reads one text with latex2sympy2 and prints the tree as JSON.

It is run by its path, imports nothing of symderiv, and has its time, memory and output bounded.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MEGABYTES = 1500
MOST_NODES = 5_000
CLASSES = {
    "Add", "Mul", "Pow", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "Abs", "Max", "Min",
}  # fmt: skip


def tree(expr: Any, count: list[int]) -> list[Any]:
    """`[class, …]` of a SymPy expression."""
    count[0] += 1
    if count[0] > MOST_NODES:
        raise ValueError("the expression is too large")
    name = type(expr).__name__
    if expr.is_Symbol:
        return ["Symbol", expr.name]
    if expr.is_Rational:
        return ["Rational", str(expr.p), str(expr.q)]
    if name in ("Exp1", "Pi"):
        return [name]
    if name in CLASSES:
        return [name, *(tree(a, count) for a in expr.args)]
    raise ValueError(f"{name} is no scalar expression")


def main() -> None:
    """One request on standard input, one answer on standard output."""
    request = json.load(sys.stdin)
    sys.path[:] = request["path"]
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (int(request["seconds"]) + 1,) * 2)
    except (ImportError, ValueError, OSError):
        pass  # not everywhere; the caller has a clock
    answer: dict[str, Any]
    try:
        from latex2sympy2 import latex2sympy
    except ImportError as error:
        answer = {"missing": str(error)}
    else:
        try:
            found = latex2sympy(request["text"])
            if isinstance(found, list):
                raise ValueError("it is a list of solutions")
            answer = {"tree": tree(found, [0])}
        except Exception as error:
            lines = str(error).splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {lines[0][:200]}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
