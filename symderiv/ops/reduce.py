"""Reductions over all axes, one axis or several, with `keepdims` as in NumPy."""

from __future__ import annotations

from sympy import Integer

from ..errors import ShapeError
from ..expr.op import declare
from ..expr.sizes import Shape, show_shape
from ._rules import Operands, Params, axes_of

_SIGNATURE = "x, *, axis=None, keepdims=False"
_MATRIX = {"X": "n,d"}


def _reduced(name: str):
    """The shape without the reduced axes, or with 1 in their place."""

    def rule(operands: Operands, params: Params) -> Shape:
        x = operands[0]
        axes = axes_of(name, params["axis"], x.rank)
        if not isinstance(params["keepdims"], bool):
            raise ShapeError(f"{name}: keepdims is True or False, not {params['keepdims']!r}", code="SD208")
        if params["keepdims"]:
            return tuple(Integer(1) if a in axes else s for a, s in enumerate(x.shape))
        return tuple(s for a, s in enumerate(x.shape) if a not in axes)

    return rule


def norm_shape(operands: Operands, params: Params) -> Shape:
    """As other reductions; the orders of matrices take the whole matrix.

    Raises:
        ShapeError: SD208 for an order that is not 2, 1, 'inf', 'fro', 'nuc', SD203 for a matrix order of something else.
    """
    ord, x = params["ord"], operands[0]
    if ord not in (1, 2, "inf", "fro", "nuc") or isinstance(ord, bool):
        raise ShapeError(f"norm: ord is 2, 1, inf, 'fro' or 'nuc', not {ord!r}", code="SD208")
    if ord in ("fro", "nuc") and (x.rank != 2 or params["axis"] is not None):
        raise ShapeError(f"norm: ord {ord!r} takes a matrix without axis, not shape {show_shape(x.shape)}", code="SD203")
    axes = axes_of("norm", params["axis"], x.rank)
    if ord != 2 and ord != "fro" and ord != "nuc" and len(axes) != 1:
        hint = "sum(abs(X)) and max(abs(X)) go over all entries"
        raise ShapeError(f"norm: ord {ord!r} is for vectors, not shape {show_shape(x.shape)}", code="SD203", hint=hint)
    return _reduced("norm")(operands, params)


def _share(name: str) -> str:
    """The differential of max or min: ties share it."""
    at = f"where(x == {name}(x, axis=axis, keepdims=True), 1, 0)"
    return f"sum({at}*dx, axis=axis, keepdims=keepdims)/sum({at}, axis=axis, keepdims=keepdims)"


def _word(name: str) -> str:
    return f"np.{name}({{x}}, axis={{axis}}, keepdims={{keepdims}})"


declare("sum", _SIGNATURE, shape=_reduced("sum"), numpy=_word("sum"), says="Σ x over all axes or those of axis=.", source="linearity",
        example="sum(X, axis=0)", example_vars=_MATRIX)  # fmt: skip
declare("mean", _SIGNATURE, shape=_reduced("mean"), numpy=_word("mean"), says="Σ x / n: the mean over all axes or those of axis=.",
        source="linearity", example="mean(X, axis=1)", example_vars=_MATRIX)  # fmt: skip
declare("prod", _SIGNATURE, shape=_reduced("prod"), differential="sum(prod(x, axis=axis, keepdims=True)/x*dx, axis=axis, keepdims=keepdims)",
        numpy=_word("prod"), torch="_prod({x}, axis={axis}, keepdims={keepdims})", domain=("positive",), latex="\\prod {x}", kinks="an entry is 0 (the formula divides by it)",
        says="Π x over all axes or those of axis=.", source="product rule", example="prod(X, axis=0)", example_vars={"X": "n,d positive"})  # fmt: skip
declare("max", _SIGNATURE, shape=_reduced("max"), differential=_share("max"), numpy=_word("max"), torch="_amax({x}, axis={axis}, keepdims={keepdims})",
        latex="\\max\\left({x}\\right)", kinks="a tie", analytic=False, says="max x; a tie shares the derivative equally.",
        source="Danskin's theorem", example="max(X, axis=1)", example_vars=_MATRIX)  # fmt: skip
declare("min", _SIGNATURE, shape=_reduced("min"), differential=_share("min"), numpy=_word("min"), torch="_amin({x}, axis={axis}, keepdims={keepdims})",
        latex="\\min\\left({x}\\right)", kinks="a tie", analytic=False, says="min x; a tie shares the derivative equally.",
        source="Danskin's theorem", example="min(X)", example_vars=_MATRIX)  # fmt: skip
declare("var", _SIGNATURE, shape=_reduced("var"), define="mean((x - mean(x, axis=axis, keepdims=True))**2, axis=axis, keepdims=keepdims)",
        numpy=_word("var"), torch="torch.var({x}, axis={axis}, keepdims={keepdims}, correction=0)", latex="\\operatorname{{var}}\\left({x}\\right)", says="Σ (x - x̄)² / n: the variance, without Bessel's correction.",
        source="definition", example="var(X, axis=0)", example_vars=_MATRIX)  # fmt: skip
declare("logsumexp", _SIGNATURE, shape=_reduced("logsumexp"), differential="sum(softmax(x, axis=axis)*dx, axis=axis, keepdims=keepdims)",
        numpy="_logsumexp({x}, axis={axis}, keepdims={keepdims})", torch="_logsumexp({x}, axis={axis}, keepdims={keepdims})",
        jax="jax.scipy.special.logsumexp({x}, axis={axis}, keepdims={keepdims})", says="log Σ eˣ, without overflow.",
        source="Boyd and Vandenberghe 2004, p. 74", example="sum(logsumexp(X, axis=1))", example_vars=_MATRIX)  # fmt: skip
declare("norm", "x, *, ord=2, axis=None, keepdims=False", shape=norm_shape, numpy="_norm({x}, ord={ord}, axis={axis}, keepdims={keepdims})",
        latex="\\left\\|{x}\\right\\|", kinks="x = 0", analytic=False, says="‖x‖: the 2-norm of a vector, the Frobenius norm of a matrix.",
        source="The Matrix Cookbook (2012), eq. 129", example="norm(X @ w - y)",
        example_vars={"X": "n,d", "w": "d", "y": "n"})  # fmt: skip
