"""Learning: softmax and the losses. `labels` are class numbers, or rows of the same shape as the logits (one-hot or a distribution)."""

from __future__ import annotations

from ..errors import ShapeError
from ..expr.nodes import Call, Node, Num
from ..expr.op import declare
from ..expr.sizes import Shape, broadcast_shapes, product, same_size, show_shape
from ._rules import Operands, Params, axes_of, need_rank, need_whole, size_of

_ROWS = {"Z": "n,k", "y": "n integer"}


def _softmax_shape(name: str):
    def rule(operands: Operands, params: Params) -> Shape:
        axes_of(name, params["axis"], operands[0].rank)
        return operands[0].shape

    return rule


def onehot_shape(operands: Operands, params: Params) -> Shape:
    """`(…,) -> (…, k)`.

    Raises:
        ShapeError: SD209 when the labels are not whole numbers, SD208 for a bad k.
    """
    need_whole("onehot", operands[0])
    return (*operands[0].shape, size_of("onehot", params["k"]))


def are_rows(values: Node, labels: Node) -> bool:
    """Whether labels are given as rows of the shape of the values rather than as class numbers."""
    return labels.rank == values.rank and labels.rank > 0 and all(map(same_size, labels.shape, values.shape))


def _loss_shape(name: str):
    """`(…, k)` and labels `(…,)` or `(…, k)` to a scalar."""

    def rule(operands: Operands, params: Params) -> Shape:
        values, labels, *numbers = operands
        if not values.rank:
            raise ShapeError(f"{name} takes a row of {name_of_values(name)} or several, not a scalar", code="SD203")
        for x in numbers:
            need_rank(f"{name}: a parameter", x, 0)
        if labels.rank == values.rank - 1 and all(map(same_size, labels.shape, values.shape)):
            need_whole(name, labels)
        elif not are_rows(values, labels):
            shown = f"{show_shape(values.shape)} and labels of shape {show_shape(labels.shape)}"
            hint = (
                f"labels are class numbers of shape {show_shape(values.shape[:-1])} or rows of shape {show_shape(values.shape)}"
            )
            raise ShapeError(f"{name}: {name_of_values(name)} of shape {shown} do not fit", code="SD201", hint=hint)
        return ()

    return rule


def name_of_values(name: str) -> str:
    """What a loss calls its first operand."""
    return {"cross_entropy": "logits", "nll": "log-probabilities"}.get(name, "scores")


def _as_rows(values: Node, labels: Node) -> Node:
    return labels if are_rows(values, labels) else Call("onehot", labels, k=values.shape[-1])


def _mean_over_rows(total: Node, values: Node) -> Node:
    rows = product(values.shape[:-1])
    return total if rows == 1 else Call("div", total, Num(rows))


def define_cross_entropy(operands: Operands, params: Params) -> Node:
    """`-sum(Y*log_softmax(Z))/n` with the rows Y of the labels."""
    logits, labels = operands
    return define_nll((Call("log_softmax", logits, axis=-1), labels), params)


def define_nll(operands: Operands, params: Params) -> Node:
    """`-sum(Y*L)/n` with the rows Y of the labels."""
    values, labels = operands
    return _mean_over_rows(Call("neg", Call("sum", Call("mul", _as_rows(values, labels), values))), values)


def define_hinge(operands: Operands, params: Params) -> Node:
    """`sum((1 - Y)*relu(S - sum(Y*S, axis=-1, keepdims=True) + margin))/n` with the rows Y of the labels."""
    scores, labels, margin = operands
    rows = _as_rows(scores, labels)
    right = Call("sum", Call("mul", rows, scores), axis=-1, keepdims=True)
    gap = Call("add", scores, Call("neg", right), margin)
    wrong = Call("add", Num(1), Call("neg", rows))
    return _mean_over_rows(Call("sum", Call("mul", wrong, Call("relu", gap))), scores)


def _pair_shape(name: str):
    def rule(operands: Operands, params: Params) -> Shape:
        broadcast_shapes([x.shape for x in operands], name)
        return ()

    return rule


def layer_norm_shape(operands: Operands, params: Params) -> Shape:
    """The shape of x, which has at least one axis."""
    x, eps = operands
    if not x.rank:
        raise ShapeError("layer_norm takes a vector or rows, not a scalar", code="SD203")
    need_rank("layer_norm: eps", eps, 0)
    return x.shape


_WEIGHTED = "sum(softmax(x, axis=axis)*dx, axis=axis, keepdims=True)"

declare("softmax", "x, *, axis=-1", shape=_softmax_shape("softmax"), differential=f"softmax(x, axis=axis)*(dx - {_WEIGHTED})",
        numpy="_softmax({x}, axis={axis})", torch="torch.softmax({x}, dim={axis})", jax="jax.nn.softmax({x}, axis={axis})",
        says="eˣ / Σ eˣ along the last axis; ds = s ⊙ (dx - sᵀdx).", source="Bishop 2006, eq. 4.106",
        example="softmax(x)", example_vars={"x": "k"})  # fmt: skip
declare("log_softmax", "x, *, axis=-1", shape=_softmax_shape("log_softmax"), differential=f"dx - {_WEIGHTED}",
        numpy="_log_softmax({x}, axis={axis})", torch="torch.log_softmax({x}, dim={axis})", jax="jax.nn.log_softmax({x}, axis={axis})",
        says="x - log Σ eˣ along the last axis.", source="Bishop 2006, eq. 4.106", example="log_softmax(X)", example_vars={"X": "n,k"})  # fmt: skip
declare("onehot", "y, *, k", shape=onehot_shape, differential="", define="", numpy="_onehot({y}, {k})",
        torch="_onehot({y}, {k}, **_like)", jax="_onehot({y}, {k}, **_like)",
        domain=("label",), says="1 in column y, else 0; constant.", source="constant", example="onehot(y, k)*Z", example_vars=_ROWS)  # fmt: skip
declare("cross_entropy", "logits, labels", shape=_loss_shape("cross_entropy"), define=define_cross_entropy,
        numpy="_cross_entropy({logits}, {labels})", domain=("real", "label"), says="-Σ Y log softmax(Z) / n: mean over rows, natural logarithm.",
        source="Bishop 2006, eq. 4.108", example="cross_entropy(Z, y)", example_vars=_ROWS)  # fmt: skip
declare("nll", "log_probs, labels", shape=_loss_shape("nll"), define=define_nll, numpy="_nll({log_probs}, {labels})",
        domain=("real", "label"), says="-Σ Y L / n: the negative log-likelihood, mean over rows.", source="Bishop 2006, eq. 4.108",
        example="nll(log_softmax(Z), y)", example_vars=_ROWS)  # fmt: skip
declare("hinge", "scores, labels, margin=1", shape=_loss_shape("hinge"), define=define_hinge, numpy="_hinge({scores}, {labels}, {margin})",
        domain=("real", "label", "positive"), kinks="a margin is met exactly", analytic=False,
        says="Σ max(0, sⱼ - s_y + margin) over wrong classes, mean over rows.", source="Weston and Watkins 1999",
        example="hinge(Z, y)", example_vars=_ROWS)  # fmt: skip
declare("mse", "x, y", shape=_pair_shape("mse"), define="mean((x - y)**2)", numpy="_mse({x}, {y})", domain=("real", "real"),
        says="Σ (x - y)² / n: the mean squared error.", source="definition", example="mse(X @ w, y)",
        example_vars={"X": "n,d", "w": "d", "y": "n"})  # fmt: skip
declare("kl", "p, q", shape=_pair_shape("kl"), define="sum(xlogy(p, p) - xlogy(p, q))", numpy="_kl({p}, {q})",
        latex="\\operatorname{{KL}}\\left({p} \\,\\middle\\|\\, {q}\\right)", domain=("probability", "probability"),
        says="Σ p log(p/q): the Kullback-Leibler divergence, 0 log 0 = 0.", source="Kullback and Leibler 1951",
        example="kl(p, q)", example_vars={"p": "k simplex", "q": "k simplex"})  # fmt: skip
declare("layer_norm", "x, eps=1e-5", shape=layer_norm_shape, numpy="_layer_norm({x}, {eps})",
        define="(x - mean(x, axis=-1, keepdims=True))/sqrt(var(x, axis=-1, keepdims=True) + eps)", domain=("real", "positive"),
        says="(x - x̄)/√(var x + ε) along the last axis.", source="Ba et al. 2016", example="layer_norm(X)", example_vars={"X": "n,d"})  # fmt: skip
