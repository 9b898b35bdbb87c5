"""Every declaration of the table: complete, with an example of its declared shape, a true derivative, and clear refusals."""

from __future__ import annotations

import string

import numpy as np
import pytest
import sympy
from sympy import Integer

from symderiv.code.numpy import evaluate, numpy_source
from symderiv.errors import ShapeError
from symderiv.expr.nodes import Call, Index, Node, Num, Var, var
from symderiv.expr.sizes import Shape, size_symbol
from symderiv.expr.walk import postorder, variables
from symderiv.ops import OPS

LOWERED = {
    "add", "mul", "matmul", "T", "getitem", "isum", "iprod", "imax", "imin", "dot", "trace", "solve", "sum", "mean", "norm",
    "transpose", "reshape", "vec", "stack", "concatenate", "outer", "kron", "diag", "tril", "triu", "cumsum", "flip",
    "squeeze", "expand_dims", "broadcast_to", "swapaxes", "einsum", "eye", "ones", "zeros", "arange", "tri", "onehot",
}  # fmt: skip
INFIX = {
    "add", "neg", "mul", "div", "pow", "matmul", "T", "gt", "ge", "lt", "le", "eq", "ne", "getitem", "isum", "iprod",
    "imax", "imin", "einsum",
}  # fmt: skip
SIZES = [{"n": 4, "d": 3, "k": 5, "m": 2, "p": 2, "q": 3}, dict.fromkeys("ndkmpq", 3), dict.fromkeys("ndkmpq", 1)]


def reader():
    """The text reader, or a loud skip while it does not exist."""
    return pytest.importorskip("symderiv.read.text", reason="the text reader is not there").build


def declared(declarations: dict[str, str]) -> dict[str, Node]:
    """`{"X": "n,d psd"}` as variables."""
    env: dict[str, Node] = {}
    for name, text in declarations.items():
        shape, *attributes = text.split()
        env[name] = var(name, "" if shape == "scalar" else shape, *attributes)
    return env


def at_sizes(shape: Shape, sizes: dict[str, int]) -> tuple[int, ...]:
    """A shape with numbers for symbols."""
    return tuple(int(t.subs({size_symbol(name): value for name, value in sizes.items()})) for t in shape)


def sample(v: Var, sizes: dict[str, int], rng: np.random.Generator) -> np.ndarray:
    """Values of a variable that its attributes allow."""
    shape = at_sizes(v.shape, sizes)
    x = rng.normal(size=shape)
    if v.is_a("integer"):
        return rng.integers(0, sizes["k"], size=shape)
    if v.is_a("psd"):
        return x @ x.T + np.eye(shape[0])
    if v.is_a("simplex"):
        return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
    return np.abs(x) + 0.1 if v.is_a("positive") or v.is_a("nonnegative") else x


def values_for(expr: Node, sizes: dict[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {**sizes, **{v.name: sample(v, sizes, rng) for v in variables(expr)}}


@pytest.mark.parametrize("name", sorted(OPS))
def test_declaration_is_complete(name):
    op = OPS[name]
    assert op.says and op.source and op.example, "every operation is documented"
    assert op.numpy is not None or name in INFIX
    assert name in LOWERED or op.partials or op.differential or op.define, "a derivative, or a definition, or it is linear"
    assert len(op.domain) in (0, len(op.operands))
    assert op.parity in ("", "odd", "even")
    for template in filter(None, (op.numpy, op.torch, op.jax, op.latex)):
        names = {f for _, f, _, _ in string.Formatter().parse(template) if f}
        assert names <= {*op.operands, *op.defaults, "*"}, template


@pytest.mark.parametrize("name", sorted(OPS))
def test_example_has_its_shape(name):
    op = OPS[name]
    expr = reader()(op.example, declared(op.example_vars), {letter: size_symbol(letter) for letter in SIZES[0]})
    assert any(isinstance(n, Call) and n.name == name for n in postorder(expr)), "the example uses the operation"
    for sizes in SIZES:
        value = evaluate(expr, values_for(expr, sizes))
        assert np.shape(value) == at_sizes(expr.shape, sizes)
        assert np.asarray(value).dtype == float and np.all(np.isfinite(value))


# one call of each operation without the reader --------------------------------------------------------------
n, d, k = map(size_symbol, "ndk")
X, A, S, B, x, y, z, s, c = (
    var("X", "n,d"), var("A", "n,n"), var("S", "n,n", "psd"), var("B", "n,d,k"), var("x", "d"), var("y", "n", "integer"),
    var("z", "n"), var("s"), var("c", "n", "positive"),
)  # fmt: skip
i = Index("i")


def at(v: Node, *indices: Node) -> Node:
    return Call("getitem", v, *indices, spec=("at",) * len(indices))


CASES = {
    "add": (X + x, (n, d)),
    "neg": (-X, (n, d)),
    "mul": (Call("mul", s, X, x), (n, d)),
    "div": (X / x, (n, d)),
    "pow": (c**2, (n,)),
    "matmul": (X @ x, (n,)),
    "matmul_chain": (Call("matmul", X.T, A, X, x), (d,)),
    "matmul_batch": (Call("matmul", B, var("w", "k")), (n, d)),
    "T": (X.T, (d, n)),
    "T_batch": (B.T, (k, d, n)),
    "gt": (Call("gt", X, x), (n, d)),
    "dot": (Call("dot", x, x), ()),
    "sum": (Call("sum", X), ()),
    "sum_axis": (Call("sum", B, axis=(0, -1)), (d,)),
    "mean_keep": (Call("mean", B, axis=1, keepdims=True), (n, Integer(1), k)),
    "max": (Call("max", X, axis=-1), (n,)),
    "var": (Call("var", X, axis=0), (d,)),
    "logsumexp": (Call("logsumexp", X, axis=(0, 1), keepdims=True), (Integer(1), Integer(1))),
    "norm": (Call("norm", X), ()),
    "norm_axis": (Call("norm", X, ord=1, axis=1), (n,)),
    "norm_nuc": (Call("norm", X, ord="nuc"), ()),
    "softmax": (Call("softmax", X), (n, d)),
    "softmax_all": (Call("softmax", X, axis=None), (n, d)),
    "transpose": (Call("transpose", B, axes=(1, 2, 0)), (d, k, n)),
    "reshape": (Call("reshape", X, shape=(n * d,)), (n * d,)),
    "reshape_free": (Call("reshape", B, shape=(n, -1)), (n, d * k)),
    "vec": (Call("vec", X), (n * d,)),
    "stack": (Call("stack", x, x, axis=1), (d, Integer(2))),
    "concatenate": (Call("concatenate", x, z), (d + n,)),
    "outer": (Call("outer", x, z), (d, n)),
    "kron": (Call("kron", X, A), (n * n, d * n)),
    "diag": (Call("diag", x), (d, d)),
    "diagonal": (Call("diag", A), (n,)),
    "tril": (Call("tril", A, k=-1), (n, n)),
    "cumsum": (Call("cumsum", X, axis=1), (n, d)),
    "flip": (Call("flip", X), (n, d)),
    "expand_dims": (Call("expand_dims", X, axis=1), (n, Integer(1), d)),
    "squeeze": (Call("squeeze", Call("expand_dims", X, axis=1)), (n, d)),
    "swapaxes": (Call("swapaxes", B, axis1=0, axis2=2), (k, d, n)),
    "broadcast_to": (Call("broadcast_to", x, shape=(n, d)) + X, (n, d)),
    "eye": (X + Call("eye", n=n, m=d), (n, d)),
    "arange": (Call("arange", hi=n) * z, (n,)),
    "tri": (X * Call("tri", n=n, m=d, k=1), (n, d)),
    "det": (Call("det", S), ()),
    "inv": (Call("inv", S), (n, n)),
    "logdet": (Call("logdet", S), ()),
    "solve": (Call("solve", S, X), (n, d)),
    "pinv": (Call("pinv", X), (d, n)),
    "cholesky": (Call("cholesky", S), (n, n)),
    "sqrtm": (Call("sqrtm", S), (n, n)),
    "sylvester": (Call("sylvester", S, S, A), (n, n)),
    "trace": (Call("trace", A), ()),
    "einsum": (Call("einsum", X, subs="ij->jij"), (d, n, d)),
    "getitem": (at(X, Num(0)), (d,)),
    "getitem_pairs": (at(A, Call("arange", hi=n), y), (n,)),
    "getitem_slice": (Call("getitem", X, Num(0), spec=("at", "new", ("slice", None, None, None))), (Integer(1), d)),
    "isum": (Call("isum", at(X, i), i, lo=0, hi=n), (d,)),
    "imax": (Call("imax", at(x, i) ** 2, i, lo=0, hi=d), ()),
    "iprod": (Call("iprod", at(X, i), i, Call("ne", i, Num(0)), lo=0, hi=n), (d,)),
    "onehot": (Call("onehot", y, k=k), (n, k)),
    "cross_entropy": (Call("cross_entropy", var("Z", "n,k"), y), ()),
    "hinge": (Call("hinge", var("Z", "n,k"), y, Num(1)), ()),
    "kl": (Call("kl", c, c), ()),
    "mse": (Call("mse", X, x), ()),
    "layer_norm": (Call("layer_norm", X, Num(1e-5)), (n, d)),
    "huber": (Call("huber", X, Num(1)), (n, d)),
}


@pytest.mark.parametrize("case", CASES)
def test_declared_shape_is_numpys(case):
    expr, shape = CASES[case]
    assert len(expr.shape) == len(shape) and all(sympy.expand(a - b) == 0 for a, b in zip(expr.shape, shape, strict=True))
    for sizes in [*SIZES[:2], {"n": 1, "d": 3, "k": 2}, {"n": 2, "d": 1, "k": 2}, SIZES[2]]:
        if case == "getitem_pairs":
            sizes = {**sizes, "k": sizes["n"]}
        value = evaluate(expr, values_for(expr, sizes))
        assert np.shape(value) == at_sizes(expr.shape, sizes), numpy_source(expr)


two = Num(2)
REFUSED = {
    "SD201": lambda: X + z,
    "SD202": lambda: X @ z,
    "SD203": lambda: Call("matmul", X, s),
    "SD203 trace": lambda: Call("trace", x),
    "SD203 outer": lambda: Call("outer", X, x),
    "SD204": lambda: Call("inv", X),
    "SD204 det": lambda: Call("det", X),
    "SD205": lambda: Call("sum", X, axis=2),
    "SD205 twice": lambda: Call("sum", X, axis=(0, -2)),
    "SD205 softmax": lambda: Call("softmax", s),
    "SD206": lambda: Call("reshape", X, shape=(n, n)),
    "SD206 -1": lambda: Call("reshape", X, shape=(2, -1)),
    "SD207": lambda: at(x, i, i),
    "SD207 out": lambda: at(var("u", (3,)), Num(3)),
    "SD208": lambda: Call("norm", X, ord=3),
    "SD208 eye": lambda: Call("eye", n=-1),
    "SD208 transpose": lambda: Call("transpose", X, axes=(0, 0)),
    "SD208 einsum": lambda: Call("einsum", X, subs="ij->k"),
    "SD209": lambda: at(x, s),
    "SD209 labels": lambda: Call("cross_entropy", X, z),
    "SD201 labels": lambda: Call("nll", X, x),
    "SD202 einsum": lambda: Call("einsum", X, subs="ii->i"),
    "SD203 einsum": lambda: Call("einsum", X, subs="i->i"),
    "SD202 solve": lambda: Call("solve", A, x),
    "SD201 stack": lambda: Call("stack", x, z),
    "SD203 concatenate": lambda: Call("concatenate", s, s),
    "SD208 axis": lambda: Call("sum", X, axis="rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case):
    with pytest.raises(ShapeError) as caught:
        REFUSED[case]()
    assert caught.value.code == case[:5] and len(caught.value.message) > 20


def test_messages_name_both_shapes():
    with pytest.raises(ShapeError, match=r"\(n, d\) @ \(n,\): inner sizes d and n differ"):
        X @ z
    with pytest.raises(ShapeError, match=r"\(n, d\) and \(n,\)"):
        X + z


def test_optional_operands_are_not_parameters():
    assert Call("leaky_relu", x, Num(0.01)).params == {}
    assert Call("softmax", x).params == {"axis": -1}


# derivatives of the declarations against central differences ------------------------------------------------
_POINTS = {
    "real": [-2.3, -0.7, 0.4, 1.9],
    "positive": [0.2, 0.9, 1.7, 4.5],
    "nonnegative": [0.2, 0.9, 1.7, 4.5],
    "unit": [-0.9, -0.3, 0.2, 0.8],
    "above_one": [1.1, 1.7, 2.5, 6.0],
    "label": [1.0, 1.0, 1.0, 1.0],
    "probability": [0.1, 0.4, 0.6, 0.9],
}


@pytest.mark.parametrize("name", sorted(o for o, op in OPS.items() if op.partials and op.elementwise))
def test_partials_agree_with_differences(name):
    op = OPS[name]
    build = reader()
    env = {o: (Num(2) if name == "polygamma" and o == "m" else var(o, "q")) for o in op.operands}
    expr = Call(name, *env.values())
    rng = np.random.default_rng(3)
    kinds = op.domain or ("real",) * len(env)
    point = {}
    for o, kind in zip(env, kinds, strict=True):
        if isinstance(env[o], Var):  # points of two operands are never equal, where comparisons jump
            point[o] = rng.permutation(_POINTS[kind]) + 0.05 * len(point)
    if name == "clip":
        point.update(x=np.array([-2.0, 0.3, 3.0, 1.2]), lo=np.full(4, -1.0), hi=np.array([1.0, 1.5, 2.0, 0.5]))
    for o, text in zip(op.operands, op.partials, strict=True):
        if isinstance(env[o], Num):
            continue
        step = 1e-6
        up, down = ({**point, o: point[o] + t} for t in (step, -step))
        numeric = (evaluate(expr, up) - evaluate(expr, down)) / (2 * step)
        declared_value = evaluate(build(text, env), point) if text else np.zeros(4)
        np.testing.assert_allclose(np.broadcast_to(declared_value, (4,)), numeric, rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("name", sorted(o for o, op in OPS.items() if op.differential))
def test_differentials_agree_with_differences(name, axis):
    op = OPS[name]
    if "axis" not in op.defaults and axis is not None:
        return
    psd = {"cholesky", "sqrtm", "sylvester"}
    rng = np.random.default_rng(5)
    square = name in psd | {"det", "logdet", "inv"}
    env: dict[str, Node] = {}
    point, move = {}, {}
    for o in op.operands:
        shape = (3, 3) if square else (4, 3)
        env[o], env[f"d{o}"] = Var(o, shape), Var(f"d{o}", shape)
        x = rng.normal(size=shape)
        point[o] = x @ x.T + np.eye(3) if name in psd else np.abs(x) + 0.2 if name == "prod" else x
        move[o] = rng.normal(size=shape)
    params = {"axis": axis} if "axis" in op.defaults else {}
    expr = Call(name, *(env[o] for o in op.operands), **params)
    step = 1e-6
    up, down = ({o: point[o] + t * move[o] for o in point} for t in (step, -step))
    numeric = (evaluate(expr, up) - evaluate(expr, down)) / (2 * step)
    found = evaluate(reader()(op.differential, env, {}, expr.params), {**point, **{f"d{o}": m for o, m in move.items()}})
    np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(o for o, op in OPS.items() if op.define))
def test_definition_agrees_with_code(name):
    op = OPS[name]
    labels = name in ("cross_entropy", "nll", "hinge")
    env: dict[str, Node] = {o: var(o, "n,d") for o in op.operands if o not in ("eps", "delta", "margin")}
    env |= {o: Num(op.defaults[o]) for o in op.operands if o not in env}
    params = {"axis": -1} if "axis" in op.defaults else {}
    if labels:
        env["labels"] = var("labels", "n", "integer")
    operands = tuple(env[o] for o in op.operands)
    expr = Call(name, *operands, **params)
    text = op.define
    simpler = text(operands, {}) if callable(text) else reader()(text, env, {}, expr.params)
    rng = np.random.default_rng(1)
    point = {o: rng.uniform(0.1, 3, size=(5, 4)) for o, x in env.items() if isinstance(x, Var)}
    if labels:
        point["labels"] = rng.integers(0, 4, size=5)
    assert simpler.shape == expr.shape
    np.testing.assert_allclose(evaluate(simpler, point), evaluate(expr, point), rtol=1e-12)


@pytest.mark.parametrize("name", sorted(o for o, op in OPS.items() if op.parity))
def test_parity(name):
    values = np.array([0.1, 0.3, 0.8])
    sign = -1 if OPS[name].parity == "odd" else 1
    f = Call(name, var("x", "q"))
    np.testing.assert_allclose(evaluate(f, {"x": -values}), sign * evaluate(f, {"x": values}), rtol=1e-14)
