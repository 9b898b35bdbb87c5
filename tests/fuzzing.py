"""Random well-shaped expressions: derive to second order, certify, and show what is wrong, minimised.

    python tests/fuzzing.py --n 500 --seed 1

Example `i` of seed `s` depends on `(s, i)` alone, so one failing example is run again with `--only i`.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

if __name__ == "__main__":  # run as a script from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import symderiv.ops
from symderiv.errors import CertificateError, SymDerivError
from symderiv.expr.nodes import Call, Index, Node, Num, Var
from symderiv.expr.sizes import Shape, show_shape, size_symbol
from symderiv.expr.walk import postorder, replace, variables

N, D, K = (size_symbol(s) for s in "ndk")
SMOOTH = [
    "exp",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "arctan",
    "logsigmoid",
    "silu",
    "gelu",
    "expm1",
    "arcsinh",
    "erf",
    "square",
]
KINKED = ["abs", "relu", "leaky_relu", "elu", "selu", "hardtanh", "huber"]
WANTS_POSITIVE = ["log", "sqrt", "log1p", "lgamma", "digamma", "log2"]
RARE = ["sinh", "cosh", "tan", "arccosh", "arctanh", "arcsin", "arccos", "sign"]


def call(name: str, x: Node, **params) -> Call:
    """A call with its optional operands (slope, delta, eps) as numbers, as the reader makes it."""
    op = symderiv.ops.OPS[name]
    extra = [Num(op.defaults[o]) for o in op.operands[1:]]
    return Call(name, x, *extra, **params)


@dataclass
class Generator:
    """Draws expressions of a wanted shape; variables of one shape are used again."""

    rng: np.random.Generator
    pool: dict[Shape, list[Var]] = field(default_factory=dict)
    count: int = 0

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def size(self):
        return self.pick(N, N, D, D, K)

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    # leaves --------------------------------------------------------------------------------------------------------------
    def variable(self, shape: Shape, *attrs: str) -> Var:
        known = [v for v in self.pool.get(shape, []) if set(attrs) <= v.attrs]
        if known and (self.chance(0.6) or self.count > 5):
            return self.pick(*known)
        self.count += 1
        if not attrs and self.chance(0.3):
            attrs = self._attributes(shape)
        v = Var(f"{'sxAT'[len(shape)]}{self.count}", shape, attrs)
        self.pool.setdefault(shape, []).append(v)
        return v

    def _attributes(self, shape: Shape) -> tuple[str, ...]:
        if len(shape) == 2 and shape[0] == shape[1]:
            return (self.pick("symmetric", "psd", "diagonal"),)
        if len(shape) == 1:
            return (self.pick("positive", "nonnegative", "simplex", "onehot"),)
        return (self.pick("positive", "nonnegative"),)

    def leaf(self, shape: Shape) -> Node:
        if not shape and self.chance(0.3):
            return Num(self.pick(2, 3, -1, 0.5, 1.5))
        if len(shape) == 2 and shape[0] == shape[1] and self.chance(0.1):
            return Call("eye", n=shape[0])
        if shape and self.chance(0.05):
            return Call("ones", shape=tuple(shape))
        return self.variable(shape)

    # nodes ---------------------------------------------------------------------------------------------------------------
    def node(self, shape: Shape, depth: int) -> Node:
        if depth <= 0 or self.chance(0.08):
            return self.leaf(shape)
        if self.chance(0.45):
            return self.elementwise(shape, depth)
        makers = (self.scalar, self.vector, self.matrix, self.tensor)
        return makers[len(shape)](shape, depth - 1)

    def positive(self, shape: Shape, depth: int) -> Node:
        """Something positive, one way or another; now and then it is left to luck."""
        if self.chance(0.25):
            return self.variable(shape, "positive")
        x = self.node(shape, depth - 1)
        above_one = Call("add", Num(1), Call("square", x))
        return self.pick(Call("exp", Call("tanh", x)), above_one, Call("softplus", x), Call("sigmoid", x), x)

    def elementwise(self, shape: Shape, depth: int) -> Node:
        kind = self.rng.random()
        x = self.node(shape, depth - 1)
        if kind < 0.3:
            return call(self.pick(*SMOOTH) if self.chance(0.8) else self.pick(*KINKED), x)
        if kind < 0.4:
            return Call(self.pick(*WANTS_POSITIVE), self.positive(shape, depth))
        if kind < 0.43:
            return Call(self.pick(*RARE), x)
        if kind < 0.5:
            if self.chance(0.7):
                return Call("pow", x, Num(self.pick(2, 3)))
            return Call("pow", self.positive(shape, depth), Num(self.pick(-1, 0.5)))
        if kind < 0.55:
            return Call("neg", x)
        y = self.node(self._narrower(shape), depth - 1)
        if self.chance(0.3):
            x, y = y, x
        if kind < 0.7:
            return Call("mul", x, y)
        if kind < 0.76:
            return Call("div", x, self.positive(shape, depth))
        if kind < 0.8:
            return Call(self.pick("maximum", "minimum", "logaddexp"), x, y)
        if kind < 0.83:
            return Call("where", Call("gt", self.node(shape, depth - 2), Num(0)), x, y)
        return Call("add", x, y) if self.chance(0.6) else Call("add", x, Call("neg", y))

    def _narrower(self, shape: Shape) -> Shape:
        """A shape that broadcasts to `shape`."""
        if not shape or self.chance(0.6):
            return shape
        return shape[int(self.rng.integers(1, len(shape) + 1)) :]

    def any_shape(self, least: int = 1, most: int = 2) -> Shape:
        return tuple(self.size() for _ in range(int(self.rng.integers(least, most + 1))))

    def square(self, s, depth: int) -> Node:
        """A square matrix that has an inverse."""
        if self.chance(0.5):
            return self.variable((s, s), "psd") if self.chance(0.5) else self.variable((s, s))
        x = self.node((self.size(), s), depth - 1)
        return Call("add", Call("matmul", Call("T", x), x), Call("eye", n=s))

    def scalar(self, shape: Shape, depth: int) -> Node:
        s, inner = self.size(), self.any_shape()
        choices: list[Callable[[], Node]] = [
            lambda: Call(self.pick("sum", "sum", "mean", "mean", "logsumexp", "norm", "var", "max"), self.node(inner, depth)),
            lambda: Call("dot", self.node((s,), depth), self.node((s,), depth)),
            lambda: Call("matmul", self.node((s,), depth), self.node((s,), depth)),
            lambda: Call("trace", self.node((s, s), depth)),
            lambda: Call(self.pick("det", "logdet", "logdet"), self.square(s, depth)),
            lambda: Call("norm", self.node((s,), depth), ord=self.pick(1, 2)),
            lambda: Call("mse", self.node(inner, depth), self.node(inner, depth)),
            lambda: Call("kl", Call("softmax", self.node((s,), depth)), Call("softmax", self.node((s,), depth))),
            lambda: Call("cross_entropy", self.node((s, K), depth), self.variable((s,), "integer")),
            lambda: Call("getitem", self.node((s,), depth), Num(0), spec=("at",)),
            lambda: self.generator(depth),
            lambda: Call("sum", self.node(self.any_shape(1, 3), depth)),
            lambda: Call("prod", self.positive((s,), depth)),
        ]
        return self.pick(*choices)()

    def generator(self, depth: int) -> Node:
        """`sum(body(x[i], A[i]) for i in range(n) if …)`."""
        s, d = self.size(), self.size()
        i = Index("i")
        x = Call("getitem", self.node((s,), depth - 1), i, spec=("at",))
        row = Call("getitem", self.node((s, d), depth - 1), i, spec=("at",))
        body = self.pick(
            x,
            Call("mul", x, Call("matmul", row, self.node((d,), depth - 1))),
            Call("exp", Call("tanh", Call("add", x, Call("sum", row)))),
            Call("square", Call("add", x, Call("neg", Call("norm", row)))),
        )
        condition = (Call("ne", i, Num(0)),) if self.chance(0.2) else ()
        return Call(self.pick("isum", "isum", "isum", "imax"), body, i, *condition, lo=0, hi=s)

    def vector(self, shape: Shape, depth: int) -> Node:
        (n,), s = shape, self.size()
        choices: list[Callable[[], Node]] = [
            lambda: Call("matmul", self.node((n, s), depth), self.node((s,), depth)),
            lambda: Call("matmul", self.node((s,), depth), self.node((s, n), depth)),
            lambda: call(self.pick("softmax", "log_softmax", "layer_norm"), self.node((n,), depth)),
            lambda: Call(self.pick("sum", "mean", "logsumexp", "max", "norm", "var"), self.node((s, n), depth), axis=0),
            lambda: Call(self.pick("sum", "mean", "logsumexp"), self.node((n, s), depth), axis=-1),
            lambda: Call("diag", self.node((n, n), depth)),
            lambda: Call("solve", self.square(n, depth), self.node((n,), depth)),
            lambda: Call("getitem", self.node((s, n), depth), Num(0), spec=("at",)),
            lambda: Call("getitem", self.node((n, s), depth), Num(-1), spec=(("slice", None, None, None), "at")),
            lambda: Call(self.pick("cumsum", "flip"), self.node((n,), depth)),
            lambda: Call("einsum", self.node((n, s), depth), self.node((n, s), depth), subs="ij,ij->i"),
        ]
        return self.pick(*choices)()

    def matrix(self, shape: Shape, depth: int) -> Node:
        (n, d), s = shape, self.size()
        choices: list[Callable[[], Node]] = [
            lambda: Call("matmul", self.node((n, s), depth), self.node((s, d), depth)),
            lambda: Call("T", self.node((d, n), depth)),
            lambda: Call("outer", self.node((n,), depth), self.node((d,), depth)),
            lambda: Call(self.pick("softmax", "log_softmax"), self.node((n, d), depth), axis=self.pick(0, 1, -1)),
            lambda: call("layer_norm", self.node((n, d), depth)),
            lambda: Call("mul", self.node((n, d), depth), Call("sum", self.node((n, s), depth), axis=1, keepdims=True)),
            lambda: Call(self.pick("tril", "triu"), self.node((n, d), depth)),
            lambda: Call("cumsum", self.node((n, d), depth), axis=self.pick(0, 1)),
            lambda: Call("stack", self.node((d,), depth), self.node((d,), depth), axis=0),
            lambda: Call("sum", self.node((n, s, d), depth), axis=1),
            lambda: Call("einsum", self.node((s, n), depth), self.node((s, d), depth), subs="ki,kj->ij"),
        ]
        if n == d:
            choices += [lambda: Call("inv", self.square(n, depth)), lambda: Call("diag", self.node((n,), depth))]
        found = self.pick(*choices)()
        return found if found.shape == shape else self.variable(shape)

    def tensor(self, shape: Shape, depth: int) -> Node:
        n, d, k = shape
        s = self.size()
        choices: list[Callable[[], Node]] = [
            lambda: Call("einsum", self.node((n, d), depth), self.node((d, k), depth), subs="ij,jk->ijk"),
            lambda: Call("transpose", self.node((k, n, d), depth), axes=(1, 2, 0)),
            lambda: Call("matmul", self.node((n, d, s), depth), self.node((s, k), depth)),
            lambda: Call("add", self._axis(self.node((n, k), depth)), self.node((d, k), depth)),
            lambda: Call("softmax", self.variable(shape), axis=self.pick(0, 1, 2)),
        ]
        return self.pick(*choices)()

    def _axis(self, x: Node) -> Node:
        whole = ("slice", None, None, None)
        return Call("getitem", x, spec=(whole, "new", whole))


# examples ---------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Example:
    """An expression and the variable to differentiate by."""

    number: int
    expr: Node
    wrt: Var

    @property
    def declarations(self) -> str:
        sizes = {v: ", ".join(map(str, v.shape)) or "scalar" for v in variables(self.expr)}
        return "; ".join(" ".join([f"{v.name}: {shape}", *sorted(v.attrs)]) for v, shape in sizes.items())


def example(seed: int, number: int) -> Example | None:
    """Example `number` of `seed`; None when nothing in it can be differentiated by."""
    generator = Generator(np.random.default_rng([seed, number]))
    rank = int(generator.rng.choice(4, p=[0.65, 0.2, 0.1, 0.05]))
    shape = tuple(generator.size() for _ in range(rank))
    expr = generator.node(shape, int(generator.rng.integers(1, 7)))
    candidates = [v for v in variables(expr) if not v.is_a("integer")]
    if not candidates or expr.tree_size > 400:
        return None
    return Example(number, expr, generator.pick(*candidates))


@dataclass
class Verdict:
    """kind: right, refused, wrong, crash; code: the error's."""

    kind: str
    code: str = ""
    text: str = ""


def judge(expr: Node, wrt: Var) -> Verdict:
    """Derive to second order (where the array stays small) and certify."""
    from symderiv.api import derive

    try:
        derive(expr, wrt)
        if expr.rank + 2 * wrt.rank <= 4:
            derive(expr, wrt, order=2)
    except CertificateError as error:
        return Verdict("wrong" if error.code == "SD401" else "refused", error.code, str(error))
    except SymDerivError as error:
        refused = error.code[:3] in ("SD3", "SD9")
        return Verdict("refused" if refused else "crash", error.code, str(error))
    except Exception as error:
        return Verdict("crash", type(error).__name__, "".join(traceback.format_exception(error)[-6:]))
    return Verdict("right")


def evaluates(expr: Node) -> bool:
    """Whether the words have a value of their own shape somewhere (a check of the generator and of emitted code)."""
    from symderiv.verify import sampling
    from symderiv.verify.differences import function_of

    rng, known = np.random.default_rng(0), variables(expr)
    sizes = sampling.sample_sizes(known, rng, expr)[0]
    if not sampling.sizes_fit(expr, known, sizes):
        return False
    values = sampling.sample_values(expr, known, sizes, rng)
    if values is None:
        return False
    with np.errstate(all="ignore"):
        found = np.shape(function_of(expr, known, sizes)(values))
    if found != sampling.shape_at(expr, sizes):
        raise AssertionError(f"the code of {expr} has shape {found}, declared {show_shape(expr.shape)}")
    return True


def minimise(failing: Example, verdict: Verdict, seconds: float = 20.0) -> Example:
    """A smaller example that fails in the same way: subtrees become variables, or give way to an operand of their shape."""
    stop = time.perf_counter() + seconds
    best = failing
    while time.perf_counter() < stop:
        for expr in _smaller(best):
            if time.perf_counter() > stop:
                break
            if best.wrt in variables(expr):
                found = judge(expr, best.wrt)
                if (found.kind, found.code) == (verdict.kind, verdict.code):
                    best = Example(failing.number, expr, best.wrt)
                    break
        else:
            break
    return best


def _smaller(from_: Example) -> Iterator[Node]:
    root = from_.expr
    order = postorder(root)
    bound: set[Node] = set()
    for node in order:
        if isinstance(node, Index) or any(o in bound for o in node.operands):
            bound.add(node)
    taken = {v.name for v in variables(root)}
    fresh = next(f"v{i}" for i in range(1000) if f"v{i}" not in taken)
    for node in reversed(order):
        if not isinstance(node, Call):
            continue
        options: list[Node] = [o for o in node.operands if o.shape == node.shape and not isinstance(o, Index)]
        if node is not root and node not in bound:
            options.append(Var(fresh, node.shape))
        if node is root:
            options += [o for o in node.operands if o not in bound]
        for option in options:
            try:
                smaller = replace(root, {node: option})
            except (SymDerivError, ValueError, TypeError):
                continue
            if smaller.tree_size < root.tree_size:
                yield smaller


# runs -------------------------------------------------------------------------------------------------------------------------
def run(seed: int, numbers: range, report: Callable[[str], None] = print, small: bool = True) -> Counter:
    """Judge the examples; every failure is reported with its declarations; counts by kind and code."""
    counts: Counter = Counter()
    for number in numbers:
        found = example(seed, number)
        if found is None:
            counts["nothing to derive"] += 1
            continue
        verdict = judge(found.expr, found.wrt)
        counts[f"{verdict.kind} {verdict.code}".strip()] += 1
        if verdict.kind in ("wrong", "crash"):
            shown = minimise(found, verdict) if small else found
            report(f"--- {verdict.kind} {verdict.code}: seed {seed}, example {number}")
            report(f"    {shown.expr}\n    by {shown.wrt.name}; {shown.declarations}")
            report("    " + (judge(shown.expr, shown.wrt).text if shown is not found else verdict.text).replace("\n", "\n    "))
    return counts


def failures(counts: Counter) -> int:
    return sum(k for name, k in counts.items() if name.startswith(("wrong", "crash")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--whole", action="store_true", help="do not minimise")
    options = parser.parse_args()
    numbers = range(options.n) if options.only is None else range(options.only, options.only + 1)
    began = time.perf_counter()
    counts = run(options.seed, numbers, small=not options.whole)
    for name, k in sorted(counts.items()):
        print(f"{k:6d} {name}")
    print(f"{time.perf_counter() - began:.0f} s")
    return 1 if failures(counts) else 0


if __name__ == "__main__":
    sys.exit(main())
