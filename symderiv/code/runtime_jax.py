"""JAX functions for the words that JAX has no function for; emitted modules carry a copy of those they use.

The files of helpers are read, not imported, when source is written.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


# arguments and results --------------------------------------------------------------------------------------
def _array(x, name, rank, whole=False):
    """The argument `name` as an array of floats (whole numbers if `whole`) of the given rank."""
    if x is None:
        raise ValueError(f"{name} is missing")
    try:
        x = jnp.asarray(x)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if whole:
        if not jnp.issubdtype(x.dtype, jnp.integer):
            if not isinstance(x, jax.core.Tracer) and not bool(jnp.all(x == jnp.floor(x))):
                raise ValueError(f"{name} is not an array of whole numbers")
            x = x.astype(int)
    elif not jnp.issubdtype(x.dtype, jnp.inexact):
        x = x.astype(float)
    if x.ndim != rank:
        raise ValueError(f"{name} has {x.ndim} axes (shape {x.shape}), but was declared with {rank}")
    return x


def _type_of(*arrays):
    """The type of the arrays' floats, for new arrays."""
    floats = [x for x in arrays if jnp.issubdtype(x.dtype, jnp.inexact)]
    return {"dtype": jnp.result_type(*floats) if floats else jnp.result_type(float)}


def _whole_size(size, value):
    """A size given as a number."""
    if value is None:
        raise ValueError(f"size {size} is missing: no array has it, give it as {size}=...")
    if value != int(value) or value < 0:
        raise ValueError(f"size {size} is {value}, not a whole number")
    return int(value)


def _at_least(size, value, bound):
    """Refuse a size that a slice reaches beyond."""
    if value < bound:
        raise ValueError(f"size {size} is {value}, but a slice needs at least {bound}")


def _in_range(name, labels, size):
    """The labels; those outside 0, 1, ..., size - 1 are refused where they are known, else become size, whose entries are NaN."""
    if not isinstance(labels, jax.core.Tracer) and labels.size and (labels.min() < 0 or labels.max() >= size):
        raise ValueError(f"{name} has labels from {labels.min()} to {labels.max()}, but they must be from 0 to {size - 1}")
    return jnp.where((labels >= 0) & (labels < size), labels, size)


def _result(x):
    """An array of floats."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float)


# elementwise ------------------------------------------------------------------------------------------------
def _softplus(x):
    """log(1 + exp(x)) without overflow."""
    return jnp.logaddexp(x, 0)


def _logsigmoid(x):
    """log(sigmoid(x)) without overflow."""
    return -_softplus(-x)


def _gelu(x):
    """x times the normal distribution function at x."""
    return 0.5 * x * jax.scipy.special.erfc(-x / 2**0.5)


def _selu(x):
    """elu with the constants of self-normalizing networks."""
    return 1.0507009873554805 * jnp.where(x > 0, x, 1.6732632423543772 * jnp.expm1(jnp.where(x > 0, 0, x)))


def _sech2(x):
    """1 - tanh(x)**2 without cancellation."""
    e = jnp.exp(-2 * jnp.abs(x))
    return 4 * e / (1 + e) ** 2


def _logcosh(x):
    """log(cosh(x)) without overflow."""
    near = jnp.abs(x) < 1
    far = jnp.logaddexp(x, -x) - jnp.log(2.0)
    return jnp.where(near, jnp.log1p(2 * jnp.sinh(jnp.where(near, x, 0) / 2) ** 2), far)


def _log1mexp(x):
    """log(1 - exp(x)) for x < 0 without cancellation."""
    near = x > -0.6931471805599453
    return jnp.where(near, jnp.log(-jnp.expm1(jnp.where(near, x, -1.0))), jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x))))


def _logexpm1(x):
    """log(exp(x) - 1) for x > 0 without overflow."""
    return x + _log1mexp(-x)


def _logsinh(x):
    """log(sinh(x)) for x > 0 without overflow."""
    return x + _log1mexp(-2 * x) - 0.6931471805599453


def _erfc(x):
    """1 - erf(x) without cancellation."""
    return jax.scipy.special.erfc(x)


def _leaky_relu(x, slope=0.01):
    """x where x > 0, else slope*x."""
    return jnp.where(x > 0, x, slope * x)


def _huber(x, delta=1):
    """x**2/2 where abs(x) <= delta, else delta*(abs(x) - delta/2)."""
    return jnp.where(jnp.abs(x) <= delta, 0.5 * x**2, delta * (jnp.abs(x) - 0.5 * delta))


def _elu(x, alpha=1):
    """x where x > 0, else alpha*(exp(x) - 1)."""
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x)))


# reductions -------------------------------------------------------------------------------------------------
def _norm(x, ord=2, axis=None, keepdims=False):
    """The 2-norm of a vector, the Frobenius norm of a matrix; or the norm of another order."""
    if ord == "nuc":
        out = jnp.sum(jnp.linalg.svd(x, compute_uv=False))
        return jnp.reshape(out, (1, 1)) if keepdims else out
    size = jnp.abs(x)
    if ord == 1:
        return jnp.sum(size, axis=axis, keepdims=keepdims)
    high = jnp.max(size, axis=axis, keepdims=True)
    if ord == "inf":
        return jnp.max(size, axis=axis, keepdims=keepdims)
    scale = jax.lax.stop_gradient(jnp.where((high > 0) & jnp.isfinite(high), high, 1))
    scaled = jnp.sqrt(jnp.sum((x / scale) ** 2, axis=axis, keepdims=keepdims))
    return scaled * jnp.reshape(scale, jnp.shape(scaled))


# linear algebra ---------------------------------------------------------------------------------------------
def _cholesky(A):
    """The lower triangular L with L @ L.T = A, of the symmetric part of A."""
    return jnp.linalg.cholesky((A + jnp.swapaxes(A, -1, -2)) / 2)


def _sqrtm(A):
    """The principal square root of a matrix without negative eigenvalues, by the iteration of Denman and Beavers."""
    root, inverse = A, jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape)
    for _ in range(20):
        root, inverse = (root + jnp.linalg.inv(inverse)) / 2, (inverse + jnp.linalg.inv(root)) / 2
    return root


def _polar(A):
    """U @ Vt of the singular value decomposition A = U @ diag(s) @ Vt."""
    U, _, Vt = jnp.linalg.svd(A, full_matrices=False)
    return U @ Vt


def _sylvester(A, B, C):
    """The Y with A @ Y + Y @ B = C."""
    n, m = C.shape[-2:]
    left, right = jnp.eye(n, dtype=B.dtype), jnp.eye(m, dtype=A.dtype)
    K = jnp.einsum("...ij,kl->...ikjl", A, right) + jnp.einsum("ij,...lk->...ikjl", left, B)
    K = jnp.reshape(K, (*K.shape[:-4], n * m, n * m))
    return jnp.reshape(jnp.linalg.solve(K, jnp.reshape(C, (*C.shape[:-2], n * m, 1))), C.shape)


# products ---------------------------------------------------------------------------------------------------
def _embed(core, subs, sizes):
    """An array that is `core` on the diagonals that the repeated letters of `subs` name, else 0."""
    letters, out = subs.split("->")
    size = dict(zip(letters, sizes, strict=True))
    first = [out.index(c) for c in letters]
    core = jnp.broadcast_to(jnp.reshape(core, jnp.shape(core) + (1,) * (len(letters) - jnp.ndim(core))), sizes)
    core = jnp.transpose(core, sorted(range(len(letters)), key=lambda k: first[k]))
    for k, c in enumerate(out):
        if k != out.index(c):
            core = jnp.expand_dims(core, k)
            shape = [size[c] if j in (k, out.index(c)) else 1 for j in range(core.ndim)]
            core = jnp.where(jnp.reshape(jnp.eye(size[c], dtype=bool), shape), core, 0)
    return core


# softmax ----------------------------------------------------------------------------------------------------
def _softmax_jacobian(p):
    """diag(p) - outer(p, p) for a p that sums to 1: the diagonal is p[i] times the sum of the others."""
    J = jnp.outer(p, p) * (1 - jnp.eye(len(p), dtype=p.dtype))
    return jnp.diag(jnp.sum(J, axis=1)) - J


def _logsumexp_excess(x, axis=None, keepdims=False):
    """log(sum(exp(x))) - max(x) without cancellation."""
    high = jnp.max(x, axis=axis, keepdims=True)
    top = x == high
    rest = jnp.sum(jnp.where(top, 0, jnp.exp(x - high)), axis=axis, keepdims=keepdims)
    return jnp.log1p(rest + (jnp.sum(top, axis=axis, keepdims=keepdims) - 1))


def _peak_less_softmax(x):
    """The gradient of max(x) - logsumexp(x): where x is largest, what is left of the share is that of the others."""
    e = jnp.exp(x - jnp.max(x))
    top = x == jnp.max(x)
    return jnp.where(top, jnp.sum(jnp.where(top, 0, e)) / jnp.sum(top), -e) / jnp.sum(e)


def _deviation(a, p):
    """a - sum(p*a) along the last axis, for weights p that sum to 1, exact where one weight is almost 1."""
    a, p = jnp.broadcast_arrays(a, p)
    d = a - jnp.take_along_axis(a, jnp.argmax(p, axis=-1)[..., None], -1)
    return d - jnp.sum(p * d, axis=-1, keepdims=True)


def _others(p):
    """1 - p for p that sums to 1 along the last axis: the sum of the other entries where one is almost 1."""
    top = jnp.arange(jnp.shape(p)[-1]) == jnp.argmax(p, axis=-1)[..., None]
    return jnp.where(top, jnp.sum(jnp.where(top, 0, p), axis=-1, keepdims=True), 1 - p)


def _less_onehot(p, y):
    """p - onehot(y) for rows p that sum to 1: the entry of the label is minus the sum of the others; NaN for a bad label."""
    k, y = p.shape[-1], jnp.asarray(y)[..., None]
    mine = y == jnp.arange(k)
    rest = jnp.where(mine, 0, p)
    out = jnp.where(mine, -jnp.sum(rest, axis=-1, keepdims=True), rest)
    return jnp.where((y >= 0) & (y < k), out, jnp.nan)


# learning ---------------------------------------------------------------------------------------------------
def _onehot(y, k, dtype=float):
    """1 in the column of the label, else 0; NaN in the row of a label that is not from 0 to k - 1."""
    y = jnp.asarray(y)
    rows = jax.nn.one_hot(y, k, dtype=dtype)
    return jnp.where(((y >= 0) & (y < k))[..., None], rows, jnp.nan)


def _at_label(x, y, c):
    """x with c added to the entry of each row that its label names; NaN in the row of a label that is out of range."""
    k, y = x.shape[-1], jnp.asarray(y)[..., None]
    return jnp.where((y >= 0) & (y < k), jnp.where(y == jnp.arange(k), x + c, x), jnp.nan)


def _off_label(x, y):
    """x with 0 in the entry of each row that its label names; NaN in the row of a label that is out of range."""
    k, y = x.shape[-1], jnp.asarray(y)[..., None]
    return jnp.where((y >= 0) & (y < k), jnp.where(y == jnp.arange(k), 0, x), jnp.nan)


def _pick(x, y, keepdims=False):
    """The entry of each row that its label names; NaN for a label that is out of range."""
    y = jnp.asarray(y)[..., None]
    found = jnp.where((y >= 0) & (y < x.shape[-1]), jnp.take_along_axis(x, jnp.clip(y, 0, x.shape[-1] - 1), -1), jnp.nan)
    return found if keepdims else found[..., 0]


def _rows(values, labels):
    """Labels as rows of the shape of the values."""
    return labels if labels.ndim == values.ndim else _onehot(labels, values.shape[-1], values.dtype)


def _nll(log_probs, labels):
    """-sum(Y*L)/n."""
    return -jnp.sum(_rows(log_probs, labels) * log_probs) / (log_probs.size / log_probs.shape[-1])


def _cross_entropy(logits, labels):
    """-sum(Y*log_softmax(Z))/n."""
    return _nll(jax.nn.log_softmax(logits), labels)


def _hinge(scores, labels, margin=1):
    """The violated margins, summed over the wrong classes, mean over rows."""
    Y = _rows(scores, labels)
    right = jnp.sum(Y * scores, axis=-1, keepdims=True)
    return jnp.sum((1 - Y) * jnp.maximum(0, scores - right + margin)) / (scores.size / scores.shape[-1])


def _mse(x, y):
    """mean((x - y)**2)."""
    return jnp.mean((x - y) ** 2)


def _kl(p, q):
    """sum(p*log(p/q)), with 0*log(0) = 0."""
    return jnp.sum(jax.scipy.special.xlogy(p, p) - jax.scipy.special.xlogy(p, q))


def _layer_norm(x, eps=1e-5):
    """(x - mean)/sqrt(variance + eps) along the last axis."""
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    return centred / jnp.sqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + eps)
