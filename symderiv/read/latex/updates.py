"""Update rules taken apart: `w - α g` is the old value, the step α and the direction g."""

from __future__ import annotations

from ...expr.nodes import Call, Node, Num, Var

# letters that usually are a step, most usual first
_STEPS = (
    "alpha",
    "eta",
    "lr",
    "learning_rate",
    "step",
    "gamma",
    "epsilon",
    "eps",
    "varepsilon",
    "mu",
    "rho",
    "tau",
    "nu",
    "kappa",
    "h",
    "a",
    "t",
)


def split_update(target: Node, value: Node) -> tuple[Node, Node | None, Node]:
    """`(change, step, direction)` with `value = target + change = target - step*direction`; no step where no scalar is common."""
    terms = _terms(value)
    if any(t is target for _, t in terms):
        k = next(k for k, (s, t) in enumerate(terms) if t is target)
        if terms[k][0] > 0:
            rest = terms[:k] + terms[k + 1 :]
            change = _sum(rest)
            return (change, *_step(rest, change))
    change = Call("add", value, Call("neg", target))
    return change, None, Call("neg", change)


def _terms(node: Node) -> list[tuple[int, Node]]:
    """The terms of a sum with their signs."""
    out: list[tuple[int, Node]] = []
    todo = [(1, node)]
    while todo:
        sign, n = todo.pop()
        if isinstance(n, Call) and n.name == "add":
            todo.extend((sign, o) for o in reversed(n.operands))
        elif isinstance(n, Call) and n.name == "neg":
            todo.append((-sign, n.operands[0]))
        else:
            out.append((sign, n))
    return out


def _sum(terms: list[tuple[int, Node]]) -> Node:
    if not terms:
        return Num(0)
    nodes = [t if s > 0 else Call("neg", t) for s, t in terms]
    return nodes[0] if len(nodes) == 1 else Call("add", *nodes)


def _factors(node: Node) -> list[Node]:
    """Factors of a product, and of the upper side of a quotient."""
    if isinstance(node, Call) and node.name == "mul":
        return [f for o in node.operands for f in _factors(o)]
    if isinstance(node, Call) and node.name == "div":
        return _factors(node.operands[0])
    return [node]


def _step(terms: list[tuple[int, Node]], change: Node) -> tuple[Node | None, Node]:
    common: list[Node] | None = None
    for _, t in terms:
        found = [f for f in _factors(t) if isinstance(f, Var) and not f.rank]
        common = found if common is None else [f for f in common if f in found]
    common = list(dict.fromkeys(common or []))
    if not common:
        return None, Call("neg", change)
    ranked = sorted(common, key=lambda f: _STEPS.index(f.name) if f.name in _STEPS else len(_STEPS))  # type: ignore[attr-defined]
    if len(common) > 1 and ranked[0].name not in _STEPS:  # type: ignore[attr-defined]
        return None, Call("neg", change)
    step = ranked[0]
    return step, _sum([(-s, _without(t, step)) for s, t in terms])


def _without(node: Node, factor: Node) -> Node:
    """The product without one factor."""
    if node is factor:
        return Num(1)
    if isinstance(node, Call) and node.name == "div":
        return Call("div", _without(node.operands[0], factor), node.operands[1])
    assert isinstance(node, Call) and node.name == "mul"
    rest = list(node.operands)
    for k, o in enumerate(rest):
        if o is factor:
            del rest[k]
            return rest[0] if len(rest) == 1 else Call("mul", *rest)
    for k, o in enumerate(rest):
        if factor in _factors(o):
            rest[k] = _without(o, factor)
            return Call("mul", *rest)
    raise AssertionError("the factor is not there")
