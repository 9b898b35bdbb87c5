"""PyTorch functions for the words that PyTorch has no function for; emitted modules carry a copy of those they use.

The files of helpers are read, not imported, when source is written.
"""

from __future__ import annotations

import torch


# arguments and results --------------------------------------------------------------------------------------
def _array(x, name, rank, whole=False):
    """The argument `name` as a tensor of floats (whole numbers if `whole`) of the given rank."""
    if x is None:
        raise ValueError(f"{name} is missing")
    try:
        if not isinstance(x, torch.Tensor):
            x = torch.as_tensor(x, dtype=None if hasattr(x, "dtype") or whole else torch.float64)
        if whole:
            if x.is_floating_point() and not bool((x == torch.floor(x)).all()):
                raise ValueError("labels are whole numbers")
            x = x.long()
        elif not x.is_floating_point():
            x = x.to(torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is not an array of {'whole numbers' if whole else 'numbers'}: {error}") from None
    if x.ndim != rank:
        raise ValueError(f"{name} has {x.ndim} axes (shape {tuple(x.shape)}), but was declared with {rank}")
    return x


def _type_of(*tensors):
    """Type and device of the tensors, for new ones: those of the tensor with most axes that holds floats."""
    floats = sorted((t for t in tensors if t.is_floating_point()), key=lambda t: -t.ndim)
    if not floats:
        return {"dtype": torch.float64, "device": tensors[0].device if tensors else None}
    return {"dtype": floats[0].dtype, "device": floats[0].device}


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
    """Refuse labels outside 0, 1, ..., size - 1."""
    if labels.numel() and (labels.min() < 0 or labels.max() >= size):
        raise ValueError(f"{name} has labels from {labels.min()} to {labels.max()}, but they must be from 0 to {size - 1}")


def _result(x):
    """A tensor of floats."""
    x = torch.as_tensor(x)
    return x if x.is_floating_point() else x.to(torch.float64)


# elementwise ------------------------------------------------------------------------------------------------
def _softplus(x):
    """log(1 + exp(x)) without overflow."""
    return torch.logaddexp(x, torch.zeros_like(x))


def _logsigmoid(x):
    """log(sigmoid(x)) without overflow."""
    return -_softplus(-x)


def _sech2(x):
    """1 - tanh(x)**2 without cancellation."""
    e = torch.exp(-2 * torch.abs(x))
    return 4 * e / (1 + e) ** 2


def _logcosh(x):
    """log(cosh(x)) without overflow."""
    near = torch.abs(x) < 1
    far = torch.logaddexp(x, -x) - 0.6931471805599453
    return torch.where(near, torch.log1p(2 * torch.sinh(torch.where(near, x, torch.zeros_like(x)) / 2) ** 2), far)


def _log1mexp(x):
    """log(1 - exp(x)) for x < 0 without cancellation."""
    near, one = x > -0.6931471805599453, torch.ones_like(x)
    return torch.where(
        near, torch.log(-torch.expm1(torch.where(near, x, -one))), torch.log1p(-torch.exp(torch.where(near, -one, x)))
    )


def _logexpm1(x):
    """log(exp(x) - 1) for x > 0 without overflow."""
    return x + _log1mexp(-x)


def _logsinh(x):
    """log(sinh(x)) for x > 0 without overflow."""
    return x + _log1mexp(-2 * x) - 0.6931471805599453


def _erfc(x):
    """1 - erf(x) without cancellation."""
    return torch.special.erfc(x)


def _gelu(x):
    """x times the normal distribution function at x."""
    return 0.5 * x * torch.special.erfc(-x / 2**0.5)


def _leaky_relu(x, slope=0.01):
    """x where x > 0, else slope*x."""
    return torch.where(x > 0, x, slope * x)


def _huber(x, delta=1):
    """x**2/2 where abs(x) <= delta, else delta*(abs(x) - delta/2)."""
    return torch.where(torch.abs(x) <= delta, 0.5 * x**2, delta * (torch.abs(x) - 0.5 * delta))


def _elu(x, alpha=1):
    """x where x > 0, else alpha*(exp(x) - 1)."""
    return torch.where(x > 0, x, alpha * torch.expm1(torch.where(x > 0, torch.zeros_like(x), x)))


def _selu(x):
    """elu with the constants of self-normalizing networks."""
    return 1.0507009873554805 * _elu(x, 1.6732632423543772)


# shapes -----------------------------------------------------------------------------------------------------
def _every(x, axis):
    """The axes of a reduction as a tuple."""
    return tuple(range(x.ndim)) if axis is None else axis


def _amax(x, axis=None, keepdims=False):
    """The largest entry."""
    return torch.amax(x, dim=_every(x, axis), keepdim=keepdims) if x.ndim else x


def _amin(x, axis=None, keepdims=False):
    """The smallest entry."""
    return torch.amin(x, dim=_every(x, axis), keepdim=keepdims) if x.ndim else x


def _prod(x, axis=None, keepdims=False):
    """The product of entries."""
    axes = _every(x, axis)
    for a in sorted((a % x.ndim for a in (axes if isinstance(axes, tuple) else (axes,))), reverse=True):
        x = torch.prod(x, a, keepdim=keepdims)
    return x


def _logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) without overflow."""
    return torch.logsumexp(x, dim=_every(x, axis), keepdim=keepdims) if x.ndim else x


def _cumsum(x, axis=None):
    """Running sums."""
    return torch.cumsum(x, 0 if axis is None else axis)


def _permute(x, axes=None):
    """The axes in another order."""
    return torch.permute(x, tuple(range(x.ndim))[::-1] if axes is None else axes)


def _eye(n, m=None, **like):
    """The identity."""
    return torch.eye(n, n if m is None else m, **like)


def _flip(x, axis=None):
    """The entries in backward order."""
    axes = _every(x, axis)
    return torch.flip(x, axes if isinstance(axes, tuple) else (axes,))


def _sized(shape):
    """A shape as a tuple."""
    return shape if isinstance(shape, tuple) else (shape,)


def _tri(n, m, k=0, **like):
    """1 on and below diagonal k, else 0."""
    return torch.tril(torch.ones((n, m), **like), k)


def _dot(x, y):
    """The inner product of vectors, the product of matrices, a multiple."""
    return x * y if x.ndim == 0 or y.ndim == 0 else x @ y


# reductions -------------------------------------------------------------------------------------------------
def _norm(x, ord=2, axis=None, keepdims=False):
    """The 2-norm of a vector, the Frobenius norm of a matrix; or the norm of another order."""
    if ord == "nuc":
        out = torch.linalg.matrix_norm(x, "nuc")
        return torch.reshape(out, (1, 1)) if keepdims else out
    axes = _every(x, axis)
    if ord == 1:
        return torch.sum(torch.abs(x), dim=axes, keepdim=keepdims)
    high = torch.amax(torch.abs(x), dim=axes, keepdim=True).detach()
    if ord == "inf":
        return torch.amax(torch.abs(x), dim=axes, keepdim=keepdims)
    scale = torch.where((high > 0) & torch.isfinite(high), high, torch.ones_like(high))
    scaled = torch.sqrt(torch.sum((x / scale) ** 2, dim=axes, keepdim=keepdims))
    return scaled * torch.reshape(scale, scaled.shape)


# linear algebra ---------------------------------------------------------------------------------------------
def _cholesky(A):
    """The lower triangular L with L @ L.T = A, of the symmetric part of A."""
    return torch.linalg.cholesky((A + torch.swapaxes(A, -1, -2)) / 2)


def _sqrtm(A):
    """The principal square root of a matrix without negative eigenvalues, by the iteration of Denman and Beavers."""
    root, inverse = A, torch.eye(A.shape[-1], dtype=A.dtype, device=A.device).expand(A.shape)
    for _ in range(20):
        root, inverse = (root + torch.linalg.inv(inverse)) / 2, (inverse + torch.linalg.inv(root)) / 2
    return root


def _polar(A):
    """U @ Vt of the singular value decomposition A = U @ diag(s) @ Vt."""
    U, _, Vt = torch.linalg.svd(A, full_matrices=False)
    return U @ Vt


def _sylvester(A, B, C):
    """The Y with A @ Y + Y @ B = C."""
    n, m = C.shape[-2:]
    like = {"dtype": A.dtype, "device": A.device}
    left, right = torch.eye(n, **like), torch.eye(m, **like)
    K = torch.einsum("...ij,kl->...ikjl", A, right) + torch.einsum("ij,...lk->...ikjl", left, B)
    K = torch.reshape(K, (*K.shape[:-4], n * m, n * m))
    return torch.reshape(torch.linalg.solve(K, torch.reshape(C, (*C.shape[:-2], n * m, 1))), C.shape)


# products ---------------------------------------------------------------------------------------------------
def _embed(core, subs, sizes):
    """An array that is `core` on the diagonals that the repeated letters of `subs` name, else 0."""
    letters, out = subs.split("->")
    size = dict(zip(letters, sizes, strict=True))
    first = [out.index(c) for c in letters]
    core = torch.as_tensor(core)
    core = torch.broadcast_to(torch.reshape(core, tuple(core.shape) + (1,) * (len(letters) - core.ndim)), tuple(sizes))
    core = torch.permute(core, sorted(range(len(letters)), key=lambda k: first[k]))
    for k, c in enumerate(out):
        if k != out.index(c):
            core = torch.unsqueeze(core, k)
            shape = [size[c] if j in (k, out.index(c)) else 1 for j in range(core.ndim)]
            core = torch.where(torch.reshape(torch.eye(size[c], dtype=torch.bool, device=core.device), shape), core, 0)
    return core


# softmax ----------------------------------------------------------------------------------------------------
def _softmax_jacobian(p):
    """diag(p) - outer(p, p) for a p that sums to 1: the diagonal is p[i] times the sum of the others."""
    J = torch.outer(p, p) * (1 - torch.eye(len(p), dtype=p.dtype, device=p.device))
    return torch.diag(torch.sum(J, 1)) - J


def _logsumexp_excess(x, axis=None, keepdims=False):
    """log(sum(exp(x))) - max(x) without cancellation."""
    axes = _every(x, axis)
    high = torch.amax(x, dim=axes, keepdim=True)
    top = x == high
    rest = torch.sum(torch.where(top, torch.zeros_like(x), torch.exp(x - high)), dim=axes, keepdim=keepdims)
    return torch.log1p(rest + (torch.sum(top, dim=axes, keepdim=keepdims) - 1))


def _peak_less_softmax(x):
    """The gradient of max(x) - logsumexp(x): where x is largest, what is left of the share is that of the others."""
    e = torch.exp(x - torch.max(x))
    top = x == torch.max(x)
    return torch.where(top, torch.sum(torch.where(top, torch.zeros_like(e), e)) / torch.sum(top), -e) / torch.sum(e)


def _deviation(a, p):
    """a - sum(p*a) along the last axis, for weights p that sum to 1, exact where one weight is almost 1."""
    a, p = torch.broadcast_tensors(a, p)
    d = a - torch.take_along_dim(a, torch.argmax(p, -1, keepdim=True), -1)
    return d - torch.sum(p * d, -1, keepdim=True)


def _others(p):
    """1 - p for p that sums to 1 along the last axis: the sum of the other entries where one is almost 1."""
    top = torch.arange(p.shape[-1], device=p.device) == torch.argmax(p, dim=-1, keepdim=True)
    return torch.where(top, torch.sum(torch.where(top, torch.zeros_like(p), p), dim=-1, keepdim=True), 1 - p)


def _less_onehot(p, y):
    """p - onehot(y) for rows p that sum to 1: the entry of the label is minus the sum of the others."""
    k, y = p.shape[-1], torch.as_tensor(y)[..., None]
    if y.numel() and (y.min() < 0 or y.max() >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {y.min()} to {y.max()}")
    mine = y == torch.arange(k, device=p.device)
    rest = torch.where(mine, torch.zeros_like(p), p)
    return torch.where(mine, -torch.sum(rest, -1, keepdim=True), rest)


# learning ---------------------------------------------------------------------------------------------------
def _onehot(y, k, **like):
    """1 in the column of the label, else 0."""
    y = torch.as_tensor(y)
    if y.numel() and (y.min() < 0 or y.max() >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {y.min()} to {y.max()}")
    return torch.nn.functional.one_hot(y, k).to(**like)


def _is_label(x, y):
    """Which entries of rows their labels name."""
    y, k = torch.as_tensor(y), x.shape[-1]
    if y.numel() and (y.min() < 0 or y.max() >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {y.min()} to {y.max()}")
    return y[..., None] == torch.arange(k, device=y.device)


def _at_label(x, y, c):
    """x with c added to the entry of each row that its label names."""
    return torch.where(_is_label(x, y), x + c, x)


def _off_label(x, y):
    """x with 0 in the entry of each row that its label names."""
    return torch.where(_is_label(x, y), 0, x)


def _pick(x, y, keepdims=False):
    """The entry of each row that its label names."""
    y = torch.as_tensor(y)
    if y.numel() and (y.min() < 0 or y.max() >= x.shape[-1]):
        raise ValueError(f"labels must be whole numbers from 0 to {x.shape[-1] - 1}, not {y.min()} to {y.max()}")
    found = torch.take_along_dim(x, y[..., None], -1)
    return found if keepdims else found[..., 0]


def _rows(values, labels):
    """Labels as rows of the shape of the values."""
    return labels if labels.ndim == values.ndim else _onehot(labels, values.shape[-1], dtype=values.dtype)


def _nll(log_probs, labels):
    """-sum(Y*L)/n."""
    return -torch.sum(_rows(log_probs, labels) * log_probs) / (log_probs.numel() / log_probs.shape[-1])


def _cross_entropy(logits, labels):
    """-sum(Y*log_softmax(Z))/n."""
    return _nll(torch.log_softmax(logits, -1), labels)


def _hinge(scores, labels, margin=1):
    """The violated margins, summed over the wrong classes, mean over rows."""
    Y = _rows(scores, labels)
    right = torch.sum(Y * scores, dim=-1, keepdim=True)
    return torch.sum((1 - Y) * torch.relu(scores - right + margin)) / (scores.numel() / scores.shape[-1])


def _mse(x, y):
    """mean((x - y)**2)."""
    return torch.mean((x - y) ** 2)


def _kl(p, q):
    """sum(p*log(p/q)), with 0*log(0) = 0."""
    return torch.sum(torch.xlogy(p, p) - torch.xlogy(p, q))


def _layer_norm(x, eps=1e-5):
    """(x - mean)/sqrt(variance + eps) along the last axis."""
    centred = x - torch.mean(x, -1, keepdim=True)
    return centred / torch.sqrt(torch.mean(centred**2, -1, keepdim=True) + eps)
