"""Random expressions of a given shape that depend on a given variable: the raw material of questions.

    m = Maker(random.Random(1))
    v = m.new(("d",))                  a vector, declared
    m.through(v, ("n",), 2)            "tanh(A @ x) + y": shape (n,), two operations deep, made of v

Functions come from the table of operations, so a new one takes part by being declared.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from ...expr.op import OPS

Shape = tuple[str, ...]
SIZES = ("n", "d", "k", "m", "p", "h", "r")
NAMES: dict[int, tuple[str, ...]] = {
    0: ("a", "b", "c", "t", "lam", "alpha", "beta"),
    1: ("x", "y", "z", "u", "v", "w", "q", "g"),
    2: ("A", "B", "C", "W", "X", "U", "V", "Y", "Z", "M"),
    3: ("K", "G", "Q", "R", "S"),
}
FAMILIAR = ("exp", "tanh", "sigmoid", "relu", "sin", "square", "softplus")
QUICK = ("exp", "tanh", "relu", "sin", "cos", "square", "softplus", "sinh", "cosh", "expm1", "abs", "hardtanh", "sigmoid")
LETTERS = "ijklmn"


@cache
def functions() -> tuple[str, ...]:
    """The elementwise functions of one variable that are defined everywhere and have a derivative that is not 0."""
    from ... import ops as _  # noqa: F401  the declarations

    found = [
        o.name
        for o in OPS.values()
        if o.elementwise and len(o.operands) == 1 and o.domain in ((), ("real",)) and o.name.isidentifier()
        and o.name not in ("neg", "sign") and not o.name.startswith(("is", "logical"))
        and (o.define or any(p not in ("", "0") for p in o.partials))
    ]  # fmt: skip
    return tuple(sorted(found))


class Maker:
    """Declares variables as it needs them; `vars` are their declarations."""

    def __init__(self, rng: random.Random, numbers: bool = False) -> None:
        self.rng = rng
        self.vars: dict[str, str] = {}
        self.sizes = [*rng.sample(SIZES, len(SIZES))]
        self.shapes: dict[str, Shape] = {}
        if numbers and rng.random() < 0.3:  # a size as a number: 3, 10, …
            self.sizes[rng.randrange(3)] = str(rng.randrange(2, 8))

    def size(self, fresh: float = 0.4, without: Sequence[str] = ()) -> str:
        """A size, mostly one that is in use."""
        known = dict.fromkeys(s for shape in self.shapes.values() for s in shape if s != "1")
        used = [s for s in known if s not in without]
        left = [s for s in self.sizes if s not in known and s not in without]
        if used and (not left or self.rng.random() > fresh):
            return self.rng.choice(used)
        return left[0] if left else self.rng.choice(self.sizes)

    def shape(self, rank: int) -> Shape:
        """A shape of a rank; its sizes differ."""
        out: list[str] = []
        while len(out) < rank:
            out.append(self.size(0.7, out))
        return tuple(out)

    def new(self, shape: Shape, attrs: str = "") -> str:
        """The name of a new variable of a shape."""
        taken = {*self.vars, *self.sizes, *SIZES}
        letters = NAMES[min(len(shape), 3)]
        free = [n for n in letters if n not in taken] or [n + k for k in "23456789" for n in letters if n + k not in taken]
        name = self.rng.choice(free)
        self.shapes[name] = shape
        self.vars[name] = ((", ".join(shape) if shape else "scalar") + (f" {attrs}" if attrs else "")).strip()
        return name

    def function(self) -> str:
        """A function, mostly a familiar one."""
        return self.rng.choice(FAMILIAR if self.rng.random() < 0.5 else functions())

    # ways from a variable to a shape ----------------------------------------------------------------------------------
    def through(self, v: str, shape: Shape, depth: int) -> str:
        """An expression of the shape that depends on `v`, about `depth` operations on top of the shortest way."""
        if depth <= 0:
            return self.direct(v, shape)
        step = self.rng.choice(
            {0: self._to_scalar, 1: self._to_vector, 2: self._to_matrix}.get(len(shape), self._to_tensor)(v, shape)
        )
        return step(depth - 1)

    def direct(self, v: str, shape: Shape) -> str:
        """The shortest way: a product with new variables that takes the axes of `v` to the shape."""
        own = self.shapes[v]
        if own == shape:
            return v
        if not shape:
            return f"({self.new(own)} @ {v})" if len(own) == 1 else f"sum({self.new(own)}*{v})"
        if not own:
            return f"({v}*{self.new(shape)})"
        if len(own) == 1 and len(shape) == 1:
            return f"({self.new((*shape, *own))} @ {v})"
        if len(own) == 2 and len(shape) == 1:
            if shape[0] == own[0]:
                return f"({v} @ {self.new(own[1:])})"
            if shape[0] == own[1]:
                return f"({self.new(own[:1])} @ {v})"
            return f"({self.new((shape[0], own[0]))} @ ({v} @ {self.new(own[1:])}))"
        if len(own) == 2 and len(shape) == 2:
            left = f"{self.new((shape[0], own[0]))} @ " if shape[0] != own[0] else ""
            right = f" @ {self.new((own[1], shape[1]))}" if shape[1] != own[1] else ""
            return f"({left}{v}{right})"
        if len(own) == 1 and len(shape) == 2:
            if shape[0] == own[0]:
                return f"outer({v}, {self.new(shape[1:])})"
            inner = self.direct(v, shape[1:])
            return f"outer({self.new(shape[:1])}, {inner})"
        return self.einsum(v, shape)

    def einsum(self, v: str, shape: Shape) -> str:
        """`einsum('ij,jkl->ikl', …)`: `v` and one more operand that has the axes that are missing and one that is summed."""
        own = self.shapes[v]
        letters = dict(zip(own, LETTERS, strict=False)) if len(set(own)) == len(own) else {}
        names = list(letters.values()) if letters else list(LETTERS[: len(own)])
        out, spare = [], [c for c in LETTERS if c not in names]
        for s in shape:
            c = letters.get(s) if letters.get(s) not in out else None
            out.append(c or spare.pop(0))
        extra = [c for c in out if c not in names]
        summed = [c for c in names if c not in out]
        sizes = {**dict(zip(names, own, strict=True)), **dict(zip(out, shape, strict=True))}
        second = (summed or names[:1]) + extra
        self.rng.shuffle(second)
        if len(second) > 3:
            second = second[-3:] if not extra else [*extra, *(c for c in second if c not in extra)][:3]
        missing = [c for c in out if c not in names and c not in second]
        if missing:  # too many axes for one operand
            third = self.new(tuple(sizes[c] for c in missing))
            subs, items = f",{''.join(missing)}", f", {third}"
        else:
            subs, items = "", ""
        other = self.new(tuple(sizes[c] for c in second))
        return f"einsum('{''.join(names)},{''.join(second)}{subs}->{''.join(out)}', {v}, {other}{items})"

    # one operation more -----------------------------------------------------------------------------------------------
    def _to_scalar(self, v: str, shape: Shape):  # type: ignore[no-untyped-def]
        own = self.shapes[v]
        inner = own if own and self.rng.random() < 0.6 else self.shape(self.rng.choice((1, 1, 2)))
        reduce = self.rng.choice(("sum", "sum", "mean", "norm", "logsumexp", "var"))
        ways = [
            lambda k: f"{reduce}({self.through(v, inner, k)})",
            lambda k: f"sum(({self.through(v, inner, k)})**2)",
            lambda k: f"({self.through(v, shape, k)})*{self.new(())}",
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
        ]
        if len(inner) == 1:
            ways.append(lambda k: f"({self.new(inner)} @ {self.function()}({self.through(v, inner, k)}))")
            ways.append(lambda k: f"max({self.through(v, inner, k)})")
        if len(own) == 2 and own[0] == own[1]:
            ways += [lambda k: f"trace({self.through(v, own, k)})", lambda k: f"det({self.through(v, own, k)})"]
        if len(own) == 1:
            ways.append(lambda k: f"({v} @ {self.new((own[0], own[0]))} @ {v})")
        return ways

    def _to_vector(self, v: str, shape: Shape):  # type: ignore[no-untyped-def]
        m, p = shape[0], self.size()
        ways = [
            lambda k: f"({self.new((m, p))} @ {self.through(v, (p,), k)})",
            lambda k: f"({self.through(v, (m, p), k)} @ {self.new((p,))})",
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
            lambda k: f"({self.through(v, shape, k)} + {self.new(shape)})",
            lambda k: f"({self.through(v, shape, k)}*{self.new(shape)})",
            lambda k: f"sum({self.through(v, (m, p), k)}, axis=1)",
            lambda k: f"sum({self.through(v, (p, m), k)}, axis=0)",
            lambda k: f"softmax({self.through(v, shape, k)})",
            lambda k: f"({self.through(v, (), k)}*{self.new(shape)})",
        ]
        return ways

    def _to_matrix(self, v: str, shape: Shape):  # type: ignore[no-untyped-def]
        (m, p), q = shape, self.size()
        ways = [
            lambda k: f"({self.through(v, (m, q), k)} @ {self.new((q, p))})",
            lambda k: f"({self.new((m, q))} @ {self.through(v, (q, p), k)})",
            lambda k: f"({self.through(v, (p, m), k)}).T",
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
            lambda k: f"({self.through(v, shape, k)} + {self.new((p,))})",
            lambda k: f"({self.new(shape)} + {self.through(v, (p,), k)})",
            lambda k: f"({self.new(shape)}*{self.through(v, shape, k)})",
            lambda k: f"outer({self.through(v, (m,), k)}, {self.new((p,))})",
            lambda k: f"outer({self.new((m,))}, {self.through(v, (p,), k)})",
            lambda k: f"softmax({self.through(v, shape, k)})",
        ]
        if m == p:
            ways += [lambda k: f"diag({self.through(v, (m,), k)})", lambda k: f"({self.through(v, shape, k)} + eye({m}))"]
        return ways

    def _to_tensor(self, v: str, shape: Shape):  # type: ignore[no-untyped-def]
        return [
            lambda k: self.einsum(v, shape),
            lambda k: f"{self.function()}({self.through(v, shape, k)})",
            lambda k: f"({self.through(v, shape, k)} + {self.new(shape[-1:])})",
        ]


__all__ = ["FAMILIAR", "QUICK", "SIZES", "Maker", "functions"]
