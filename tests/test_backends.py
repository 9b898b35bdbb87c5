"""JAX, PyTorch and Numba code against the NumPy code, for every operation of the table and for whole problems."""

from __future__ import annotations

import contextlib
import functools
import re
import warnings

import numpy as np
import pytest

import symderiv as sd
from symderiv.expr.op import OPS
from symderiv.expr.walk import variables
from symderiv.read.problem import parse

SIZES = {"n": 4, "d": 3, "k": 3, "m": 5, "p": 2, "q": 3, "h": 4}


def need(backend: str) -> None:
    for module in {"numpy": (), "jax": ("jax",), "torch": ("torch",), "numba": ("numba",)}[backend]:
        pytest.importorskip(module, reason=f"{module} is not installed: its code is not run here")


def quick(backend: str):
    """JAX without compiling: many small programs, each run once."""
    if backend != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit()


def sample(problem: sd.Problem, seed: int = 0, sizes: dict[str, int] | None = None) -> dict[str, np.ndarray]:
    """Values in every operation's domain: positive definite, positive, labels, or normal."""
    rng = np.random.default_rng(seed)
    sizes = {**SIZES, **(sizes or {})}
    out = {}
    for v in problem.vars.values():
        shape = tuple(int(s.subs({t: sizes.get(t.name, 3) for t in s.free_symbols})) for s in v.shape)
        x = rng.standard_normal(shape)
        if v.is_a("integer"):
            x = rng.integers(0, 3, shape)
        elif v.is_a("onehot"):
            x = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        elif v.is_a("simplex"):
            x = np.abs(x) / np.sum(np.abs(x), axis=-1, keepdims=True)
        elif v.is_a("psd") or v.is_a("symmetric"):
            x = x @ x.T + np.eye(len(x))
        elif v.is_a("diagonal"):
            x = np.diag(np.diag(x))
        elif v.is_a("positive") or v.is_a("nonnegative"):
            x = np.abs(x) + 0.1
        elif len(shape) == 2 and shape[0] == shape[1]:
            x = x + 3 * np.eye(shape[0])
        out[v.name] = x
    return out


def close(got, known, tolerance: float = 1e-10) -> None:
    got, known = np.asarray(got.detach() if hasattr(got, "detach") else got, float), np.asarray(known, float)
    assert got.shape == known.shape
    assert np.array_equal(np.isnan(got), np.isnan(known))
    scale = max(1.0, float(np.max(np.abs(known), initial=0)))
    assert np.max(np.abs(np.nan_to_num(got - known)), initial=0) <= tolerance * scale


@functools.lru_cache
def derived(name: str, order: int):
    op = OPS[name]
    problem = parse(op.example, op.example_vars)
    wrt = next((v.name for v in problem.vars.values() if not v.is_a("integer") and v in variables(problem.expr)), None)
    if wrt is None:
        return problem, None
    return problem, sd.derive(problem, wrt=wrt, order=order, check=False)


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("name", sorted(n for n in OPS if OPS[n].example))
def test_every_operation(name: str, backend: str) -> None:
    """The value and the derivative of every operation's example agree with NumPy's."""
    need(backend)
    problem, result = derived(name, 1)
    if result is None:
        pytest.skip("nothing to differentiate by")
    given = sample(problem)
    value, derivative = result.numpy(value=True)(**given)
    with warnings.catch_warnings(), quick(backend):
        warnings.simplefilter("ignore")
        got_value, got = getattr(result, backend)(value=True)(**given)
    close(got, derivative)
    close(got_value, value)
    close(value, sd.evaluate(problem, **given), 1e-12)


PROBLEMS = {
    "least squares": ("sum((X @ w - y)**2)", {"X": "n,d", "w": "d", "y": "n"}, ["w"]),
    "logistic": ("mean(log(1 + exp(-y*(X @ w))))", {"X": "n,d", "w": "d", "y": "n"}, ["w"]),
    "softmax": ("cross_entropy(X @ W + b, y) + lam*sum(W**2)",
                {"X": "n,d", "W": "d,k", "b": "k", "y": "n integer", "lam": "scalar"}, ["W", "b"]),
    "hinge": ("hinge(X @ W, y)", {"X": "n,d", "W": "d,k", "y": "n integer"}, ["W"]),
    "picked": ("-sum(log_softmax(X @ W)[arange(n), y])", {"X": "n,d", "W": "d,k", "y": "n integer"}, ["W"]),
    "net": ("sum((tanh(X @ W + b) @ V - Y)**2)", {"X": "n,d", "W": "d,h", "b": "h", "V": "h,k", "Y": "n,k"}, ["W", "b", "V"]),
    "factorisation": ("sum((M*(U @ V.T - T))**2)", {"M": "m,n", "T": "m,n", "U": "m,k", "V": "n,k"}, ["U", "V"]),
    "gaussian": ("logdet(S) + (x - m) @ inv(S) @ (x - m)", {"S": "d,d psd", "x": "d", "m": "d"}, ["S", "m"]),
    "loop": ("sum(sum(w[j]*X[i, j] for j in range(d))**2 for i in range(n))", {"X": "n,d", "w": "d"}, ["w"]),
    "slices": ("sum((x[1:] - x[:-1])**2) + sum(x[::-1]*a)", {"x": "n", "a": "n"}, ["x"]),
    "array": ("softmax(X @ w)", {"X": "n,d", "w": "d"}, ["w"]),
    "whole numbers": ("sum(y**2*tanh(X @ w))/sum(y*y)", {"X": "n,d", "w": "d", "y": "n integer"}, ["w"]),
    "a size": ("sum(X @ w)/m + log(m)*sum(w)", {"X": "n,d", "w": "d", "z": "m"}, ["w"]),
}  # fmt: skip


def result_of(name: str, order: int = 1):
    text, declared, wrt = PROBLEMS[name]
    problem = sd.parse(text, declared)
    return problem, sd.derive(problem, wrt=wrt[0] if len(wrt) == 1 or order > 1 else wrt, order=order)


def flat(value) -> list:
    if isinstance(value, dict):
        return list(value.values())
    return [x for v in value for x in flat(v)] if isinstance(value, (tuple, list)) else [value]


@pytest.mark.parametrize("backend", ["jax", "torch", "numba"])
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("order", [1, 2])
def test_whole_problems(name: str, backend: str, order: int) -> None:
    """Gradients, Hessians and values agree; unequal sizes, and all sizes equal."""
    need(backend)
    problem, result = result_of(name, order)
    for seed, sizes in enumerate(({}, dict.fromkeys(SIZES, 3))):
        given = sample(problem, seed, sizes)
        for value in (False, True):
            known = flat(result.numpy(value=value)(**given))
            with quick(backend) if seed else contextlib.nullcontext():
                got = flat(getattr(result, backend)(value=value)(**given))
            assert len(known) == len(got)
            for a, b in zip(got, known, strict=True):
                close(a, b)
            if value:
                close(known[0], sd.evaluate(problem, **given), 1e-12)


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch", "numba"])
def test_source_stands_alone(backend: str) -> None:
    """The text runs without symderiv."""
    need(backend)
    problem, result = result_of("softmax")
    text = result.source(backend, name="gradients", value=True)
    assert "symderiv" not in text.split('"""')[-1] and "import symderiv" not in text
    namespace: dict = {}
    exec(text, namespace)
    given = sample(problem)
    if backend == "torch":
        torch = pytest.importorskip("torch")
        given = {k: torch.as_tensor(v) for k, v in given.items()}
    got = namespace["gradients"](**given)
    known = result.numpy(value=True)(**sample(problem))
    for a, b in zip(got, flat(known), strict=True):
        close(a, b, 1e-10 if backend != "jax" else 1e-4)  # JAX computes in float32 unless it is told otherwise


@pytest.mark.parametrize("name", ["least squares", "softmax", "net", "factorisation", "gaussian", "array", "picked"])
def test_torch_loss(name: str) -> None:
    """The derived backward pass passes PyTorch's checks, twice."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its code is not run here")
    problem, result = result_of(name)
    loss = result.torch(loss=True)
    given = {k: torch.as_tensor(v) for k, v in sample(problem).items()}
    wrt = PROBLEMS[name][2]
    at = [given[n].clone().requires_grad_() for n in wrt]

    def of(*xs):
        return loss(**{**given, **dict(zip(wrt, xs, strict=True))})

    assert torch.autograd.gradcheck(of, at)
    assert torch.autograd.gradgradcheck(of, at)


def test_torch_loss_refuses_what_it_has_no_gradient_for() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: its code is not run here")
    problem, result = result_of("least squares")
    given = {k: torch.as_tensor(v) for k, v in sample(problem).items()}
    given["y"].requires_grad_()
    with pytest.raises(ValueError, match="only w has a derived gradient"):
        result.torch(loss=True)(**given)


def test_jax_goes_on() -> None:
    """Emitted JAX code is compiled, mapped and differentiated further."""
    jax = pytest.importorskip("jax", reason="jax is not installed: its code is not run here")
    problem, result = result_of("logistic")
    given = sample(problem)
    f = result.jax()
    with jax.enable_x64(True):
        given = {k: jax.numpy.asarray(v) for k, v in given.items()}
        hessian = jax.jacfwd(lambda w: f(**{**given, "w": w}))(given["w"])
        close(hessian, result.hessian().numpy()(**sample(problem)))
        many = jax.numpy.stack([given["w"], 2 * given["w"]])
        mapped = jax.vmap(lambda w: f(**{**given, "w": w}))(many)
        close(mapped[1], result.numpy()(**{**sample(problem), "w": np.asarray(many[1])}))
        close(jax.jit(f)(**given), result.numpy()(**sample(problem)))


def test_jax_labels_out_of_range_are_not_numbers() -> None:
    pytest.importorskip("jax", reason="jax is not installed: its code is not run here")
    for name in ("softmax", "picked"):
        problem, result = result_of(name)
        given = sample(problem)
        given["y"] = np.full(4, 7)
        assert np.all(np.isnan(np.asarray(flat(result.jax()(**given))[0])))


def test_shapes_are_checked() -> None:
    problem, result = result_of("least squares")
    given = sample(problem)
    given["y"] = given["y"][:-1]
    for backend in ("numpy", "jax", "torch", "numba"):
        need(backend)
        with pytest.raises(ValueError, match="size n is"):
            getattr(result, backend)()(**given)


@pytest.mark.parametrize("loss", ["sum(softplus({} @ {})) + {}", "softplus({} @ {})*{}"])
@pytest.mark.parametrize(
    "names", ["ctx g_ value_", "torch _array loss_and_gradients", "u_ LossFunction loss_value", "loss _ du__"]
)
def test_names_that_the_loss_for_autograd_uses(names: str, loss: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: its code is not run here")
    a, b, c = names.split()
    r = sd.derive(loss.format(a, b, c), b, vars={a: f"{c}_size,{a}_size", b: f"{a}_size", c: "scalar"})
    rng = np.random.default_rng(0)
    given = {n: torch.as_tensor(rng.normal(size=s)) for n, s in ((a, (4, 3)), (b, 3), (c, ()))}
    given[b].requires_grad_(True)
    f = r.torch(loss=True)
    assert torch.autograd.gradcheck(lambda x: f(**{**given, b: x}), (given[b],))


def test_unknown_back_end() -> None:
    with pytest.raises(sd.SymDerivError, match="no back end") as info:
        result_of("least squares")[1].source("fortran")
    assert info.value.code == "SD501"


@pytest.mark.parametrize("options", ["--backend jax --value", "--backend torch", "--autograd", "--backend numba"])
def test_codegen(options: str) -> None:
    """The command writes every back end's module, with or without the library."""
    from click.testing import CliRunner

    from symderiv.cli.main import cli

    declared = "X: n,d; w: d; y: n"
    result = CliRunner().invoke(cli, ["codegen", "mean((X @ w - y)**2)", "--wrt", "w", "--var", declared, *options.split()])
    assert result.exit_code == 0, result.output
    compile(result.output, "module", "exec")


@pytest.mark.parametrize("name", ["least squares", "logistic"])
def test_numba_reads_the_data_once(name: str) -> None:
    """Regressions and quadratic forms are one pass, in one part and in several."""
    need("numba")
    text, declared, wrt = PROBLEMS[name]
    result = sd.derive(text, wrt=wrt[0], vars=declared)
    f = result.numba(value=True)
    assert f.fused and "X @ w" not in f.source.split("def _rows")[1].split("def _pass")[0]
    for n in (7, 4000):
        given = sample(result.problem, 0, {"n": n, "d": 60})
        for a, b in zip(f(**given), result.numpy(value=True)(**given), strict=True):
            close(a, b)


def test_spellings_emit_the_same_code() -> None:
    """Naive formula, order of terms and factors, and names do not change what is emitted."""
    spellings = {
        "logistic": [
            "sum(log(1 + exp(-y*(X @ w))))", "sum(softplus(-y*(X @ w)))", "-sum(log(sigmoid(y*(X @ w))))",
            "sum(log(exp(-(X @ w)*y) + 1))", "-sum(log(1/(1 + exp(-y*(X @ w)))))", "sum(log1p(exp(-(y*(X @ w)))))",
        ],
        "least squares": ["sum((X @ w - y)**2)", "norm(y - X @ w)**2", "(X @ w - y) @ (X @ w - y)", "sum(square(-y + X @ w))"],
    }  # fmt: skip
    for order in (1, 2):
        for texts in spellings.values():
            made = {
                sd.derive(t, wrt="w", vars={"X": "n,d", "w": "d", "y": "n"}, order=order).source().split('"""')[-1] for t in texts
            }
            assert len(made) == 1, made
    a = sd.derive("sum((X @ w - y)**2)", wrt="w", vars={"X": "n,d", "w": "d", "y": "n"}).source().split('"""')[-1]
    b = sd.derive("sum((A @ q - t)**2)", wrt="q", vars={"A": "r,c", "q": "c", "t": "r"}).source().split('"""')[-1]
    for old, new in (("A", "X"), ("q", "w"), ("t", "y"), ("r", "n"), ("c", "d")):
        b = re.sub(rf"\b{old}\b", new, b)
    assert a == b


@pytest.mark.parametrize("name", ["softmax", "logistic", "factorisation", "net"])
def test_hessian_vector_products(name: str) -> None:
    """They agree with the Hessian, and no code has more than the axes of the data."""
    text, declared, wrt = PROBLEMS[name]
    problem = sd.parse(text, declared)
    result = sd.hvp(problem, wrt=wrt[0])
    assert "_embed" not in result.source() and "einsum" not in result.source().split('"""')[-1]
    given = sample(result.problem)
    hessian = sd.derive(problem, wrt=wrt[0], order=2).numpy()(**{n: x for n, x in given.items() if n != "v"})
    known = np.tensordot(hessian, given["v"], axes=given["v"].ndim)
    close(result.numpy()(**given), known)
    if name == "softmax":
        need("torch")
        close(result.torch()(**given), known)


def test_a_hessian_vector_product_reuses_products() -> None:
    """`sum(X*(P @ V.T), axis=1)` is `sum(P*(X @ V), axis=1)`, and `X @ V` is there already."""
    source = sd.hvp("cross_entropy(X @ W, y)", wrt="W", vars={"X": "n,d", "W": "d,k", "y": "n integer"}).source()
    assert source.split('"""')[-1].count("_matmul(X, v)") == 1 and "v.T" not in source.split('"""')[-1]
