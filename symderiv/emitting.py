"""Results as code: `numpy()`, `jax()`, `torch()`, `numba()` and `source()`, with the value of the expression if it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .errors import CodeError
from .expr.nodes import Node, Var
from .expr.walk import variables
from .notation.polish import polish
from .notation.words import to_words

if TYPE_CHECKING:
    from .read.problem import Problem
    from .result import Derivative


class Emitting:
    """Functions and source of one or several derivatives.

    Every function takes the declared names (those that the result does not need may be left out) and checks shapes. With
    `value=True` it returns the value of the expression too, `(value, derivative)`, from one pass in which common parts are
    computed once.
    """

    problem: Problem

    def _answers(self) -> tuple[Derivative, ...]:
        raise NotImplementedError

    _named = False  # several derivatives are returned by name

    @cached_property
    def _value(self) -> Node:
        """The words of the differentiated expression itself."""
        return to_words(polish(self._answers()[0].original))

    @property
    def arguments(self) -> list[Var]:
        """All declared variables, in order: the parameters of the emitted code."""
        found = dict(self.problem.vars)
        for v in variables(*(r.expr for r in self._answers()), self._value):
            found.setdefault(v.name, v)
        return list(found.values())

    def _roots(self, value: bool) -> tuple[Node | list[Node], list[str] | None]:
        answers = self._answers()
        names = ["d" + "".join(v.name for v in r.chain) for r in answers] if self._named or value else None
        roots = [r.expr for r in answers]
        if value:
            return [self._value, *roots], ["value", *(names or [])]
        return (roots, names) if self._named else (roots[0], None)

    def _function(self, backend: str, value: bool) -> Callable[..., Any]:
        from .code.backends import function_for

        known = self.__dict__.setdefault("_functions", {})
        if (backend, value) not in known:
            roots, names = self._roots(value)
            made = function_for(backend, roots, self.arguments, self._doc(value), names)
            known[backend, value] = self._by_name(made, value) if self._named else made
        return known[backend, value]

    def _by_name(self, made: Callable[..., Any], value: bool) -> Callable[..., Any]:
        """Derivatives by the name of their variable."""
        names = [r.chain[0].name for r in self._answers()]

        def gradients(*positional: Any, **values: Any) -> Any:
            found = made(*positional, **values)
            if value:
                return found[0], dict(zip(names, found[1:], strict=True))
            return dict(zip(names, found, strict=True))

        gradients.source = getattr(made, "source", "")  # type: ignore[attr-defined]
        gradients.fused = getattr(made, "fused", False)  # type: ignore[attr-defined]
        return gradients

    def numpy(self, value: bool = False) -> Callable[..., Any]:
        """The derivative as a NumPy function of the declared names; unused ones are accepted."""
        return self._function("numpy", value)

    def jax(self, value: bool = False) -> Callable[..., Any]:
        """The derivative as a `jit`-compiled JAX function, which may be differentiated, `vmap`ped and compiled further.

        Given NumPy arrays it computes in float64; JAX's arrays keep their type. Labels that are out of range give NaN.

        Raises:
            CodeError: SD520 when JAX is not installed.
        """
        return self._function("jax", value)

    def torch(self, value: bool = False, loss: bool = False) -> Callable[..., Any]:
        """The derivative as a PyTorch function of tensors.

        With `loss=True` the *expression* as a `torch.autograd.Function` whose backward pass is the derived one, to be used in a
        module or a training loop: `loss(X=X, w=w, y=y).backward()`. It can be differentiated twice.

        Raises:
            CodeError: SD520 when PyTorch is not installed.
        """
        if not loss:
            return self._function("torch", value)
        from .code.torch import compiled

        known = self.__dict__.setdefault("_functions", {})
        if "torch loss" not in known:
            known["torch loss"] = compiled(self.loss_source(), "loss")
        return known["torch loss"]

    def numba(self, value: bool = False) -> Callable[..., Any]:
        """The derivative in one pass over the rows of the data, compiled by Numba, where that is possible.

        The attribute `fused` of the function tells whether it is; where not, it is the NumPy function.

        Raises:
            CodeError: SD520 when Numba is not installed.
        """
        return self._function("numba", value)

    def structured(self) -> Callable[..., Any]:
        """The derivative as a function that gives it in factors: Kronecker, diagonal, block diagonal, low rank plus diagonal.

        What it returns has `.dense()`, `@ vector` (the matrix is never built), `.solve(right)` and `.kind`.

        Raises:
            CodeError: SD511 for several derivatives at once.
        """
        if self._named:
            raise CodeError("one derivative has a structure, several have one each", code="SD511", hint="use r['w'].structured()")
        from .structured import structured_function

        (answer,) = self._answers()
        rows = answer.core.rank - answer.chain[-1].rank if answer.kind == "derivative" else answer.core.rank
        return structured_function(answer.core, self.arguments, rows)

    def source(self, backend: str = "numpy", name: str = "", value: bool = False) -> str:
        """A module that stands alone, for `"numpy"`, `"jax"`, `"torch"` or `"numba"`.

        Raises:
            CodeError: SD501 for a back end that does not exist.
        """
        from .code.backends import source_for

        roots, names = self._roots(value)
        name = name or ("gradients" if self._named else "derivative")
        return source_for(backend, roots, name, self.arguments, self._doc(value), names)

    def loss_source(self, name: str = "loss") -> str:
        """A PyTorch module with the expression as a `torch.autograd.Function` with the derived backward pass.

        Raises:
            CodeError: SD511 for a derivative of higher order.
        """
        from .code.torch import torch_loss_source

        answers = self._answers()
        if any(r.order != 1 or r.kind != "derivative" for r in answers):
            raise CodeError("a loss for autograd is made from first derivatives", code="SD511", hint="derive with order=1")
        wrt = [r.chain[0] for r in answers]
        if not self._value.rank:
            words = {v: r.expr for v, r in zip(wrt, answers, strict=True)}
            return torch_loss_source(self._value, words, self.arguments, name, self._doc())
        from .calculus.derive import vjp

        name_of_u = "u_"
        while name_of_u in self.problem.vars or any(name_of_u == str(s) for v in self.arguments for s in v.shape):
            name_of_u += "_"
        u = Var(name_of_u, self._value.shape)
        pulled = vjp(answers[0].original, wrt, u)
        words = {v: to_words(polish(g)) for v, g in pulled.items()}
        return torch_loss_source(self._value, words, self.arguments, name, self._doc(), u)

    def _doc(self, value: bool = False) -> str:
        first = self._answers()[0]
        source = " ".join(self.problem.source.split())[:300]
        by = ", ".join(" ".join(f"d{v.name}" for v in r.chain) for r in self._answers())
        both = f"{source} and " if value else ""
        return f"{both}d{first.order if first.order > 1 else ''}({source}) / {by}"


__all__ = ["Emitting"]
