"""What runs: symderiv's emitted code for each back end, hand-written NumPy, JAX and PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import symderiv as sd

from .problems import Data, Work, jax_words, torch_words

Run = Callable[[], Any]


def available(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def derived(work: Work) -> Any:
    """The derivative, from the text alone."""
    if work.kind == "hvp":
        return sd.hvp(work.text, wrt=work.wrt[0], vars=work.vars)
    wrt: Any = work.wrt[0] if len(work.wrt) == 1 else list(work.wrt)
    return sd.derive(work.text, wrt=wrt, order=2 if work.kind == "hessian" else 1, vars=work.vars)


def arguments(result: Any, D: Data) -> Data:
    first = result.first if hasattr(result, "first") else result
    return {v.name: D[v.name] for v in first.arguments if v.name in D}


def of_symderiv(work: Work, D: Data, wanted: tuple[str, ...]) -> dict[str, Run]:
    """The emitted code, called as a user calls it."""
    result = derived(work)
    given = arguments(result, D)
    runs: dict[str, Run] = {}
    if "numpy" in wanted:
        f = result.numpy()
        runs["symderiv numpy"] = lambda: f(**given)
    if "numba" in wanted and available("numba"):
        compiled = result.numba()
        if getattr(compiled, "fused", False):
            runs["symderiv numba"] = lambda: compiled(**given)
    if "structured" in wanted and work.kind == "hessian":
        build = result.structured()
        runs["symderiv structured"] = lambda: build(**given)
    if "jax" in wanted and available("jax"):
        import jax
        import jax.numpy as jnp

        g, on_jax = result.jax(), {n: jnp.asarray(x) for n, x in given.items()}
        runs["symderiv jax"] = lambda: jax.block_until_ready(g(**on_jax))
    if "torch" in wanted and available("torch"):
        import torch

        h, on_torch = result.torch(), {n: torch.as_tensor(x) for n, x in given.items()}
        runs["symderiv torch"] = lambda: h(**on_torch)
    return runs


def of_jax(work: Work, D: Data) -> Run:
    """`jit(grad)`, `jit(jvp of grad)`, `jit(hessian)` of the loss."""
    import jax
    import jax.numpy as jnp

    F = jax_words()
    data = {n: jnp.asarray(x) for n, x in D.items()}
    rest = {n: x for n, x in data.items() if n not in work.wrt}

    def loss(at: tuple, rest: dict) -> Any:
        return work.loss(F, {**rest, **dict(zip(work.wrt, at, strict=True))})

    at = tuple(data[n] for n in work.wrt)
    if work.kind == "gradient":
        run = jax.jit(jax.grad(loss))
        return lambda: jax.block_until_ready(run(at, rest))
    one = lambda x, rest: loss((x,), rest)  # noqa: E731
    if work.kind == "hvp":
        product = jax.jit(lambda x, v, rest: jax.jvp(lambda z: jax.grad(one)(z, rest), (x,), (v,))[1])
        return lambda: jax.block_until_ready(product(at[0], data["v"], rest))
    hessian = jax.jit(jax.hessian(one))
    return lambda: jax.block_until_ready(hessian(at[0], rest))


def by_hand(work: Work, D: Data) -> Run:
    """The JAX program as an expert restructures it, compiled."""
    import jax
    import jax.numpy as jnp

    assert work.expert is not None
    data = {n: jnp.asarray(x) for n, x in D.items()}
    run = jax.jit(lambda data: work.expert(jax, data))  # type: ignore[misc]
    return lambda: jax.block_until_ready(run(data))


def of_torch(work: Work, D: Data) -> Run:
    """`autograd.grad`, double backward, `torch.func.hessian` of the loss."""
    import torch

    F = torch_words()
    data = {n: torch.as_tensor(x) for n, x in D.items()}
    at = [data[n].clone().requires_grad_() for n in work.wrt]

    def loss(*at: Any) -> Any:
        return work.loss(F, {**data, **dict(zip(work.wrt, at, strict=True))})

    if work.kind == "gradient":
        return lambda: torch.autograd.grad(loss(*at), at)
    if work.kind == "hvp":

        def product() -> Any:
            (g,) = torch.autograd.grad(loss(*at), at, create_graph=True)
            return torch.autograd.grad(g, at, data["v"])

        return product
    hessian = torch.func.hessian(loss)
    return lambda: hessian(data[work.wrt[0]])


def everyone(work: Work, D: Data, wanted: tuple[str, ...]) -> dict[str, Run]:
    """All contenders on one problem, the hand-written form first."""
    runs: dict[str, Run] = {"hand": lambda: work.hand(D)}
    if work.best is not None:
        runs["best hand"] = lambda: work.best(D)  # type: ignore[misc]
    runs.update(of_symderiv(work, D, wanted))
    if "jax" in wanted and available("jax"):
        runs["jax"] = of_jax(work, D)
        if work.expert is not None:
            runs["jax by hand"] = by_hand(work, D)
    if "torch" in wanted and available("torch"):
        runs["torch"] = of_torch(work, D)
    return runs
