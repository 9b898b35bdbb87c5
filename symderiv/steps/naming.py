"""Names for intermediate values: the user's own definitions first, then those that a reader would introduce.

A value gets a name where its name is used more than once in a derivation: the argument of a nonlinear function whose derivative
is
taken there (`u = X w` in `σ(X w)`), and a value that its own derivative reuses (`p = σ(u)`, as `p' = p (1 - p)`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import S
from sympy.core.symbol import Str

from ..calculus.local import partial
from ..expr.nodes import Add, Call, Einsum, Node, Num, Var
from ..expr.walk import postorder
from ..simplify.calls import call
from ..simplify.product import scale
from .trace import Trace

RESERVED = frozenset("dLOIejiklmT") | {"tr", "pi", "lam", "log", "exp", "max", "min"}
_ACTIVATIONS = frozenset(
    {"relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "tanh", "hardtanh", "sin", "cos", "arctan", "erf"}
)
_PROBABILITIES = frozenset({"sigmoid", "softmax"})


class Names:
    """Fresh names that clash with nothing in the problem.

    Attributes:
        value: core node -> what it is written as: a variable, or a multiple of one (`-δ`).
        order: the named nodes with their variables, innermost first.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken) | RESERVED  # and H where the Heaviside function may be printed
        self.value: dict[Node, Node] = {}
        self.order: list[tuple[Node, Var]] = []
        self.of_var: dict[Var, Node] = {}
        self.user: set[Var] = set()
        self._wanted: list[tuple[Node, str]] = []

    def add(self, node: Node, name: str, user: bool = False) -> Var:
        """Call the node by this very name."""
        v = Var(Str(name), node.shape)
        self.taken.add(name)
        self.value[node] = v
        if isinstance(node, (Add, Einsum)):
            self.value.setdefault(scale(node, S.NegativeOne), scale(v, S.NegativeOne))
        self.order.append((node, v))
        self.of_var[v] = node
        if user:
            self.user.add(v)
        return v

    def want(self, node: Node, letters: str) -> None:
        """Ask for a name from these letters; `settle` gives it."""
        if isinstance(node, Einsum) and node.coef.could_extract_minus_sign():
            positive = scale(node, S.NegativeOne)  # a name for -u says nothing that one for u does not
            node = node if isinstance(positive, Var) else positive
        if node not in self.value and all(n is not node for n, _ in self._wanted):
            self._wanted.append((node, letters))

    def settle(self, place: Callable[[Node], tuple[int, int]]) -> None:
        """Give the names asked for, in the user's order; a letter that several want is numbered."""
        wanted = sorted(self._wanted, key=lambda w: place(w[0]))
        self._wanted = []
        groups: dict[str, list[Node]] = {}
        for node, letters in wanted:
            groups.setdefault(self._letter(letters), []).append(node)
        chosen: dict[Node, str] = {}
        for letter, nodes in groups.items():
            if len(nodes) == 1:
                chosen[nodes[0]] = letter
                continue
            for number, node in enumerate(nodes, 1):
                chosen[node] = f"{letter}_{number}"
        for node, _ in wanted:
            name = chosen[node]
            while name in self.taken and name not in chosen.values():
                name += "_"
            self.add(node, name)

    def _letter(self, letters: str) -> str:
        for a in letters:
            if a not in self.taken and not any(t.startswith(a) and t[1:].strip("_").isdigit() for t in self.taken):
                return a
        number = 1
        while f"{letters[0]}_{number}" in self.taken or any(t.startswith(f"{letters[0]}_{number}_") for t in self.taken):
            number += 1
        return f"{letters[0]}_{number}"


def letters_for(node: Node) -> str:
    """Letters that people use for such a value, the best first."""
    big = node.rank >= 2
    if isinstance(node, Call):
        if node.name in _PROBABILITIES:
            return "PQV" if big else "pqv"
        if node.name in _ACTIVATIONS:
            return "HAV" if big else "hav"
        if node.name == "exp":
            return "EV" if big else "vq"
        if node.name in ("inv", "pinv"):
            return "BMV"
    if node.rank == 0:
        return "stqv"
    if _is_residual(node):
        return "REV" if big else "rv"
    return "ZUV" if big else "uzv"


def _is_residual(node: Node) -> bool:
    """A difference with a plain variable: `X w - y`."""
    return (
        isinstance(node, Add)
        and any(isinstance(t, Einsum) and t.coef.could_extract_minus_sign() for t in node.terms)
        and any(
            isinstance(t, Var) or (isinstance(t, Einsum) and len(t.items) == 1 and isinstance(t.items[0][0], Var))
            for t in node.terms
        )
    )


def taken_names(words: Node, names: Iterable[str]) -> set[str]:
    """All names of variables, indices and sizes in the problem."""
    out = set(names)
    for node in postorder(words):
        if hasattr(node, "name") and not (isinstance(node, Call) and node.operands):
            out.add(node.name)
        for size in node.shape:
            out |= {s.name for s in size.free_symbols}
        if isinstance(node, Num):
            out |= {s.name for s in node.value.free_symbols}
    return out


def name_user_definitions(names: Names, definitions: dict[str, Node], trace: Trace) -> None:
    """The user's definitions, except the result itself and bare variables."""
    for name, core in definitions.items():
        if core is trace.core or isinstance(core, (Var, Num)) or core in names.value:
            continue
        names.add(core, name, user=True)


def want_nonlinear(names: Names, trace: Trace, entries: bool = False) -> None:
    """Arguments and values of nonlinear functions that the sweep went through; `entries`: also what is squared."""
    for event in trace.events:
        node = event.node
        if not isinstance(node, Call) or node.name in ("reshape", "stack", "concatenate"):
            continue
        for k in trace.active(node):
            x = node.operands[k]
            plain = node.name == "pow" and x.tree_size <= 12 and not (entries and x.rank > 0)
            if _worth(x) and x is not trace.core and not plain:
                names.want(x, letters_for(x))
        kept = node.name in _ACTIVATIONS | _PROBABILITIES or _reuses_itself(node, trace)
        if node is not trace.core and kept:
            names.want(node, letters_for(node))
        for other in _values_of_derivative(node):
            names.want(other, letters_for(other))


def _values_of_derivative(node: Call) -> list[Node]:
    """Values that the derivative of a logarithm uses: the probabilities."""
    x = node.operands[0]
    if isinstance(x, Num) or node.name not in ("log_softmax", "logsumexp", "logsigmoid", "softplus"):
        return []
    if node.name in ("log_softmax", "logsumexp"):
        return [call("softmax", x, axis=node.params["axis"])]
    positive = scale(x, S.NegativeOne) if isinstance(x, Einsum) and x.coef.could_extract_minus_sign() else x
    return [call("sigmoid", positive)]


def _worth(node: Node) -> bool:
    """More than a variable or a multiple of one."""
    if isinstance(node, (Var, Num)):
        return False
    if isinstance(node, Einsum) and len(node.items) == 1 and isinstance(node.items[0][0], Var):
        return False
    return node.tree_size >= 3


def _reuses_itself(node: Call, trace: Trace) -> bool:
    if node.op.elementwise:
        for k in trace.active(node):
            d = partial(node, k)
            if d is not None and any(n is node for n in postorder(d)):
                return True
        return False
    return node.name in ("softmax", "sqrtm")


__all__ = ["Names", "letters_for", "name_user_definitions", "taken_names", "want_nonlinear"]
