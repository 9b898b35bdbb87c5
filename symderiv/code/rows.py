"""One pass over the rows of the data, as loops that Numba compiles.

Along one size symbol n, every value is of one of three kinds: it has no axis n (*whole*); it is made row by row (*row*: `X @ w`,
`σ(X @ w) - y`); or it is a sum over rows (`X.T @ r`, `sum(r)`). If the result needs only whole values, rows and one level of
sums, the loop reads every row of the data once: it computes the row's values and adds them to the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sympy import Expr, Symbol

from ..expr.nodes import Call, Node, Num, Var
from ..expr.walk import postorder
from .stable import coefficient

# Words of one number that the loops can compute, as Numba writes them.
SCALAR = {
    "exp": "math.exp({0})", "log": "math.log({0})", "sqrt": "math.sqrt({0})", "tanh": "math.tanh({0})", "abs": "abs({0})",
    "sigmoid": "_sigmoid1({0})", "softplus": "_softplus1({0})", "relu": "max({0}, 0.0)", "square": "({0})*({0})", "sin": "math.sin({0})",
    "cos": "math.cos({0})", "logsigmoid": "-_softplus1(-({0}))", "sign": "np.sign({0})", "log1p": "math.log1p({0})", "expm1": "math.expm1({0})",
    "maximum": "max({0}, {1})", "minimum": "min({0}, {1})",
}  # fmt: skip
_COMPARED = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}


class NotFused(Exception):
    """The result is not one pass over rows."""


@dataclass
class Pass:
    """What the loop does.

    Attributes:
        size: the symbol of the rows.
        dots: `(name, matrix, whole vector)`: a number of each row, `X[i] @ w`.
        lines: statements for one row.
        sums: `(name, length or None, what is added)`.
        result: source of the result after the loop.
    """

    size: Expr
    dots: list[tuple[str, str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    sums: list[tuple[str, str | None, str, str]] = field(default_factory=list)
    maps: list[tuple[str, str]] = field(default_factory=list)
    result: list[str] = field(default_factory=list)


class Fuser:
    """Builds the pass along one size for roots that are sums over rows (times whole numbers) of row values."""

    def __init__(self, roots: Sequence[Node], size: Expr) -> None:
        self.roots, self.size = list(roots), size
        self.names: dict[Node, str] = {}
        self.matrices: dict[Node, None] = {}
        self.whole: dict[Node, str] = {}
        self.out = Pass(size)

    # numbers of one row -----------------------------------------------------------------------------------------------------
    def row(self, node: Node) -> str:
        """Source of the number that `node`, a vector over rows or a scalar, is in row i."""
        if node in self.names:
            return self.names[node]
        if node.rank == 0:
            return self.scalar(node)
        if node.shape != (self.size,):
            raise NotFused
        if isinstance(node, Var):
            text = f"{self.need(node)}[i]"
        elif isinstance(node, Call):
            text = self.row_call(node)
        else:
            raise NotFused
        name = f"r{len(self.names)}"
        self.out.lines.append(f"{name} = {text}")
        self.names[node] = name
        return name

    def row_call(self, node: Call) -> str:
        if node.name == "matmul":
            return self.dot(node)
        words = [self.row(x) for x in node.operands]
        if node.name in ("add", "mul"):
            return "(" + (" + " if node.name == "add" else "*").join(words) + ")"
        if node.name == "neg":
            return f"(-{words[0]})"
        if node.name == "div":
            return f"({words[0]}/{words[1]})"
        if node.name == "pow":
            e = node.operands[1]
            if isinstance(e, Num) and e.value == 2:
                return f"({words[0]}*{words[0]})"
            return f"({words[0]}**{words[1]})"
        if node.name in _COMPARED:
            return f"(1.0 if {words[0]} {_COMPARED[node.name]} {words[1]} else 0.0)"
        if node.name == "where":
            return f"({words[1]} if {words[0]} != 0.0 else {words[2]})"
        if node.name in SCALAR:
            return SCALAR[node.name].format(*words)
        raise NotFused

    def dot(self, node: Call) -> str:
        """`X @ w` for a matrix of rows and a whole vector."""
        if len(node.operands) != 2:
            raise NotFused
        X, w = node.operands
        if not isinstance(X, Var) or X.rank != 2 or X.shape[0] != self.size or w.rank != 1 or not isinstance(w, Var):
            raise NotFused
        name = f"d{len(self.out.dots)}"
        self.matrices[X] = None
        self.out.dots.append((name, self.need(X), self.need(w)))
        return name

    def scalar(self, node: Node) -> str:
        """A number that no row changes."""
        if isinstance(node, Num):
            if node.value.is_Rational:
                return repr(float(node.value))
            raise NotFused
        if isinstance(node, Var) and not node.rank:
            return self.need(node)
        if isinstance(node, Call) and node.name in ("add", "mul", "neg", "div", "pow") and all(not x.rank for x in node.operands):
            return self.row_call(node)
        raise NotFused

    def need(self, v: Var) -> str:
        if v.is_a("integer"):
            raise NotFused
        self.whole[v] = v.name
        return v.name

    # sums over rows -----------------------------------------------------------------------------------------------------------
    def result(self, node: Node, position: int) -> None:
        """A root as `c (Σ_i …) / s` for rational c and scalars s, or a sum of such."""
        terms = node.operands if isinstance(node, Call) and node.name == "add" else (node,)
        texts = [self.term(t) for t in terms]
        self.out.result.append(" + ".join(texts))

    def term(self, node: Node) -> str:
        c, body = coefficient(node)
        if body is None:
            raise NotFused
        if c != 1:
            return f"{float(c)!r}*({self.term(body)})"
        if isinstance(body, Call) and body.name == "div" and not body.operands[1].rank:
            return f"({self.term(body.operands[0])})/({self.outside(body.operands[1])})"
        if isinstance(body, Call) and body.name == "mul":
            scalars = [x for x in body.operands if not x.rank]
            rest = [x for x in body.operands if x.rank]
            if scalars and len(rest) == 1:
                return "*".join(f"({self.outside(x)})" for x in scalars) + f"*({self.term(rest[0])})"
        if isinstance(body, Call) and body.name == "matmul" and len(body.operands) == 2:
            return self.product(*body.operands)
        if (
            isinstance(body, Call)
            and body.name == "matmul"
            and len(body.operands) == 3
            and body.operands[0].shape == (self.size,)
        ):
            x, A, y = body.operands
            return self.add_sum(None, f"{self.row(x)}*{self.row(Call('matmul', A, y))}")
        if isinstance(body, Call) and body.name == "pow" and body.operands[1] is Num(2):
            norm = body.operands[0]
            if (
                isinstance(norm, Call)
                and norm.name == "norm"
                and norm.params["ord"] == 2
                and norm.operands[0].shape == (self.size,)
            ):
                r = self.row(norm.operands[0])
                return self.add_sum(None, f"{r}*{r}")
        if isinstance(body, Call) and body.name == "sum" and body.operands[0].shape == (self.size,):
            return self.add_sum(None, self.row(body.operands[0]))
        if isinstance(body, Call) and body.name == "mean" and body.operands[0].shape == (self.size,):
            return f"{self.add_sum(None, self.row(body.operands[0]))}/len({self.any_rows()})"
        if isinstance(body, Var) and self.size not in body.shape:
            return self.need(body)
        raise NotFused

    def product(self, a: Node, b: Node) -> str:
        if isinstance(a, Call) and a.name == "T" and isinstance(a.operands[0], Var) and b.shape == (self.size,):
            X = a.operands[0]
            if X.shape[0] != self.size:
                raise NotFused
            self.matrices[X] = None
            weight = self.row(b)
            return self.add_sum(self.need(X), weight)
        if isinstance(a, Var) and a.rank == 2 and a.shape[0] == self.size and isinstance(b, Var):
            name = self.dot(Call("matmul", a, b))
            out = f"m{len(self.out.maps)}"
            self.out.maps.append((out, name))
            return out
        if isinstance(a, Call) and a.name == "add" and a.rank == 2 and b.rank == 1:
            return "(" + " + ".join(self.product(t, b) for t in a.operands) + ")"
        if a.shape == (self.size,) and b.shape == (self.size,):
            return self.add_sum(None, f"{self.row(a)}*{self.row(b)}")
        raise NotFused

    def add_sum(self, matrix: str | None, weight: str) -> str:
        name = f"s{len(self.out.sums)}"
        self.out.sums.append((name, matrix, weight, ""))
        return name

    def any_rows(self) -> str:
        v = next((v for v in self.whole if v.shape and v.shape[0] == self.size), None)
        if v is None:
            raise NotFused
        return v.name

    def outside(self, node: Node) -> str:
        """A scalar after the loop."""
        if isinstance(node, Num) and node.value == self.size:
            return f"len({self.any_rows()})"
        return self.scalar(node)


def fused(roots: Sequence[Node], args: Sequence[Var]) -> tuple[Fuser, Pass] | None:
    """The pass over the rows of some size that reads every matrix once; None if there is none that saves anything."""
    inside = [v for v in postorder(*roots) if isinstance(v, Var)]
    for size in dict.fromkeys(v.shape[0] for v in inside if v.rank == 2 and isinstance(v.shape[0], Symbol)):
        fuser = Fuser(roots, size)
        try:
            for k, r in enumerate(roots):
                fuser.result(r, k)
        except NotFused:
            continue
        reads = len(fuser.out.dots) + sum(m is not None for _, m, _, _ in fuser.out.sums)
        if fuser.matrices and reads > len(fuser.matrices):
            return fuser, fuser.out
    return None
