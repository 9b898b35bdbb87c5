"""NumPy functions for the words that NumPy has no function for; emitted modules carry a copy of those they use.

Only NumPy and `math`; a function may use others of this file. Functions that are analytic accept complex input, so that
complex-step differentiation works on emitted code: comparisons then look at the real part.
"""

from __future__ import annotations

import numpy as np

_builtin_sum = sum  # for `lambdify`, whose namespace has NumPy's


# arguments and results --------------------------------------------------------------------------------------
def _array(x, name, rank, whole=False, ndarray=np.ndarray, double=np.dtype(float)):
    """The argument `name` as an array of floats (complex stays; whole numbers if `whole`) of the given rank."""
    if type(x) is ndarray and x.dtype is double and x.ndim == rank and not whole:
        return x
    if x is None:
        raise ValueError(f"{name} is missing")
    if hasattr(x, "__array_function__") and not isinstance(x, np.ndarray) and x.ndim == rank:
        return x  # an array of another library that follows NumPy, such as Dask's: nothing is gathered
    try:
        x = np.asarray(x)
        if whole:
            if x.dtype.kind not in "iu":
                number = np.asarray(x if x.dtype.kind != "c" else np.nan, dtype=float)
                if not np.all(np.isfinite(number) & (number == np.floor(number))):
                    raise ValueError("labels are whole numbers")
                x = number.astype(np.int64)
            elif x.dtype != np.int64:
                x = x.astype(np.int64)
        elif x.dtype.kind != "c":
            x = np.asarray(x, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of {'whole numbers' if whole else 'numbers'}: {error}") from None
    if x.ndim != rank:
        raise ValueError(f"{name} has {x.ndim} axes (shape {x.shape}), but was declared with {rank}")
    return x


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
    if isinstance(labels, np.ndarray) and np.size(labels) and (np.min(labels) < 0 or np.max(labels) >= size):
        raise ValueError(f"{name} has labels from {np.min(labels)} to {np.max(labels)}, but they must be from 0 to {size - 1}")


def _result(x):
    """A new array of floats (complex stays)."""
    x = np.array(x)
    return x if x.dtype.kind == "c" else x.astype(float)


# rows of data -----------------------------------------------------------------------------------------------
def _in_blocks(part, width, total, *arrays):
    """The sums that `part` gives, over blocks of rows that stay in the cache: rows of `width` numbers, sums of `total`."""
    rows = max(256, max(2**20, 4 * total) // max(width, 1))
    count = len(arrays[0])
    if not all(type(x) is np.ndarray for x in arrays):
        return part(*arrays)
    if count < 2 * rows:
        rows = count
    if count * width > 100_000:
        np.empty(2**20)  # freed at once: glibc then keeps the memory of freed arrays for the next ones
    found = part(*(x[:rows] for x in arrays))
    sums = list(found) if type(found) is tuple else [found]
    for first in range(rows, count, rows or 1):
        more = part(*(x[first : first + rows] for x in arrays))
        for k, x in enumerate(more if type(more) is tuple else (more,)):
            sums[k] += x
    sums = [np.ascontiguousarray(x) if np.ndim(x) == 2 else x for x in sums]
    return tuple(sums) if type(found) is tuple else sums[0]


def _matmul(a, b, plus=None, minus=None, times=None):
    """(a @ b + plus - minus)*times; by the transposes where that has the longer columns, which BLAS is faster at."""
    c = (b.T @ a.T).T if b.shape[1] < a.shape[0] else a @ b
    for change, x in ((np.add, plus), (np.subtract, minus), (np.multiply, times)):
        if x is not None:
            c = change(c, x, out=c if np.result_type(c, x) is c.dtype else None)
    return c


def _rows_of(x):
    """The number of rows."""
    return np.shape(x)[0]


# elementwise ------------------------------------------------------------------------------------------------
def _sigmoid(x):
    """1/(1 + exp(-x)) without overflow."""
    if isinstance(x, np.ndarray) and x.dtype.char == "d" and x.min(initial=0.0) > -700:
        return 1 / (1 + np.exp(-x))
    right = np.real(x) > 0
    e = np.exp(np.where(right, -x, x))
    return np.where(right, 1, e) / (1 + e)


def _sigmoids(x):
    """sigmoid(x) and 1 - sigmoid(x), both without overflow or cancellation."""
    if isinstance(x, np.ndarray) and x.dtype.char == "d" and x.min(initial=0.0) > -700:
        e = np.exp(-x)
        s = 1 / (1 + e)
        e *= s
        return s, e
    return _sigmoid(x), _sigmoid(-x)


def _softplus(x):
    """log(1 + exp(x)) without overflow."""
    right = np.real(x) > 0
    return np.where(right, x, 0) + np.log1p(np.exp(np.where(right, -x, x)))


def _logsigmoid(x):
    """log(sigmoid(x)) without overflow."""
    return -_softplus(-x)


def _leaky_relu(x, slope=0.01):
    """x where x > 0, else slope*x."""
    return np.where(np.real(x) > 0, x, slope * x)


def _elu(x, alpha=1):
    """x where x > 0, else alpha*(exp(x) - 1)."""
    return np.where(np.real(x) > 0, x, alpha * np.expm1(np.where(np.real(x) > 0, 0, x)))


def _selu(x):
    """elu with the constants of self-normalizing networks."""
    return 1.0507009873554805 * _elu(x, 1.6732632423543772)


def _silu(x):
    """x*sigmoid(x)."""
    return x * _sigmoid(x)


def _gelu(x):
    """x times the normal distribution function at x."""
    return 0.5 * x * _erfc(-x / np.sqrt(2))


def _sech2(x):
    """1 - tanh(x)**2 without cancellation."""
    if isinstance(x, np.ndarray) and x.dtype.char == "d" and x.ndim:
        e = np.abs(x)
        e *= -2
        np.exp(e, out=e)
        s = e + 1
        s *= s
        e *= 4
        e /= s
        return e
    e = np.exp(2 * np.where(np.real(x) > 0, -x, x))
    return 4 * e / (1 + e) ** 2


def _logcosh(x):
    """log(cosh(x)) without overflow."""
    x = np.where(np.real(x) < 0, -x, x)
    near = np.real(x) < 1
    return np.where(near, np.log1p(2 * np.sinh(np.where(near, x, 0) / 2) ** 2), x + np.log1p(np.exp(-2 * x)) - np.log(2))


def _log1mexp(x):
    """log(1 - exp(x)) for x < 0 without cancellation."""
    near = np.real(x) > -0.6931471805599453
    return np.where(near, np.log(-np.expm1(np.where(near, x, -1))), np.log1p(-np.exp(np.where(near, -1, x))))


def _logexpm1(x):
    """log(exp(x) - 1) for x > 0 without overflow."""
    return x + _log1mexp(-x)


def _logsinh(x):
    """log(sinh(x)) for x > 0 without overflow."""
    return x + _log1mexp(-2 * x) - 0.6931471805599453


def _erfc(x):
    """1 - erf(x) without cancellation."""
    import math

    x = np.asarray(x)
    return 1 - _erf(x) if x.dtype.kind == "c" else np.vectorize(math.erfc, otypes=[float])(x)[()]


def _huber(x, delta=1):
    """x**2/2 where abs(x) <= delta, else delta*(abs(x) - delta/2)."""
    return np.where(np.abs(x) <= delta, 0.5 * x**2, delta * (np.abs(x) - 0.5 * delta))


def _xlogy(x, y):
    """x*log(y), and 0 where x is 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 0, x * np.log(np.where(zero, 1, y)))


def _erf(x):
    """The error function."""
    import math

    x = np.asarray(x)
    if x.dtype.kind != "c":
        return np.vectorize(math.erf, otypes=[float])(x)[()]
    # exp(-x**2) times a series of terms of one sign, to |x| = 6, where erf is 1 in double precision
    near = np.where(np.abs(x.real) < 6, x, 0)
    term = total = 2 / np.sqrt(np.pi) * near * np.exp(-(near**2))
    for n in range(1, 160):
        term = term * 2 * near**2 / (2 * n + 1)
        total = total + term
    return np.where(np.abs(x.real) < 6, total, np.sign(x.real))[()]


def _lgamma(x):
    """The logarithm of the absolute value of the Gamma function."""
    import math

    x = np.asarray(x)
    if x.dtype.kind != "c":
        return np.vectorize(lambda v: math.inf if v <= 0 and v % 1 == 0 else math.lgamma(v), otypes=[float])(x)[()]
    steps = _steps_up(x)
    shifted, logs = x + steps, 0
    for k in range(steps):
        logs = logs + np.log(np.where((x + k).real > 0, x + k, -(x + k)))
    series = 0
    for coefficient in (-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        series = series / shifted**2 + coefficient
    return ((shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series / shifted - logs)[()]


def _steps_up(x):
    """How often 1 is added to x until the asymptotic series is exact to double precision."""
    low = np.min(np.real(x), initial=20.0)
    if not low > -1000:
        raise ValueError("lgamma, digamma and polygamma are computed for arguments above -1000")
    return max(0, int(np.ceil(20 - low)))


def _digamma(x):
    """The logarithmic derivative of the Gamma function."""
    x = np.asarray(x)
    steps = _steps_up(x)
    shifted, total = x + steps, 0
    for k in range(steps):
        total = total + 1 / (x + k)
    series = 0
    for coefficient in (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12):
        series = series / shifted**2 + coefficient
    return (np.log(shifted) - 0.5 / shifted - series / shifted**2 - total)[()]


def _polygamma(m, x):
    """The m-th derivative of digamma, (-1)**(m + 1) m! zeta(m + 1, x)."""
    import math

    if np.size(m) != 1 or np.iscomplexobj(m) or float(np.max(m)) % 1 or np.max(m) < 0:
        raise ValueError(f"the order of polygamma is a whole number, not {m}")
    m, x = int(np.max(m)), np.asarray(x)
    if m == 0:
        return _digamma(x)
    steps, s = _steps_up(x) + m, m + 1
    shifted, zeta = x + steps, 0
    for k in range(steps):
        zeta = zeta + 1 / (x + k) ** s
    zeta = zeta + shifted ** (1 - s) / (s - 1) + 0.5 / shifted**s
    rising = s  # Euler-Maclaurin: B_2j/(2j)! s(s + 1)...(s + 2j - 2) / shifted**(s + 2j - 1)
    for j, bernoulli in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510), start=1):
        zeta = zeta + bernoulli * rising / math.factorial(2 * j) / shifted ** (s + 2 * j - 1)
        rising = rising * (s + 2 * j - 1) * (s + 2 * j)
    return ((-1) ** (m + 1) * math.factorial(m) * zeta)[()]


# reductions -------------------------------------------------------------------------------------------------
def _axes_of(x, axis):
    """The axes of a reduction, counted from 0."""
    x = np.ndim(x)
    return tuple(range(x)) if axis is None else tuple(a % x for a in (axis if isinstance(axis, tuple) else (axis,)))


def _above(x, axis):
    """The largest entry, and the sum of exp(x - largest) over the other entries; both keep the axes.

    log(1 + rest) has all its digits where rest is small, log(sum) has not.
    """
    if np.ndim(x) == 2 and axis in (1, -1) and 8 * np.shape(x)[1] < np.shape(x)[0] and isinstance(x, np.ndarray):
        high, rest = _above(np.ascontiguousarray(x.T), 0)  # a few classes, many rows: whole rows of numbers for every class
        return high.T, rest.T
    high = np.max(np.real(x), axis=axis, keepdims=True)
    high = np.where(np.isfinite(high), high, 0)
    top = x - high
    e = np.exp(top)
    first = np.real(top) == 0
    one = np.sum(np.where(first, e, 0), axis=axis, keepdims=True)  # 1 for every entry that is the largest
    return high, np.sum(np.where(first, 0, e), axis=axis, keepdims=True) + (one - 1)


def _logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) without overflow."""
    high, rest = _above(x, axis)
    with np.errstate(divide="ignore"):
        out = high + np.log1p(rest)
    return out if keepdims else np.reshape(out, [s for a, s in enumerate(np.shape(x)) if a not in _axes_of(x, axis)])[()]


def _logsumexp_excess(x, axis=None, keepdims=False):
    """log(sum(exp(x))) - max(x) without cancellation."""
    out = np.log1p(_above(x, axis)[1])
    return out if keepdims else np.reshape(out, [s for a, s in enumerate(np.shape(x)) if a not in _axes_of(x, axis)])[()]


def _softmax(x, axis=-1):
    """exp(x)/sum(exp(x)) without overflow."""
    if np.ndim(x) == 2 and axis in (1, -1) and 8 * np.shape(x)[1] < np.shape(x)[0] and isinstance(x, np.ndarray):
        x = np.ascontiguousarray(x.T)  # a few classes, many rows: whole rows of numbers for every class
        e = x - np.max(np.real(x), axis=0)
        np.exp(e, out=e)
        e /= np.sum(e, axis=0)
        return e.T
    e = x - np.max(np.real(x), axis=axis, keepdims=True)
    if not isinstance(e, np.ndarray) or e.dtype.kind not in "fc":
        e = np.exp(e)
        return e / np.sum(e, axis=axis, keepdims=True)
    np.exp(e, out=e)
    e /= np.sum(e, axis=axis, keepdims=True)
    return e


def _log_softmax(x, axis=-1):
    """log(softmax(x)) without overflow."""
    high, rest = _above(x, axis)
    return (x - high) - np.log1p(rest)


def _norm(x, ord=2, axis=None, keepdims=False):
    """The 2-norm of a vector, the Frobenius norm of a matrix; or the norm of another order."""
    if ord == "nuc":
        out = np.sum(np.linalg.svd(x, compute_uv=False), axis=-1)
        return np.reshape(out, (1, 1)) if keepdims else out
    if ord == 2 and axis is None and not keepdims and isinstance(x, np.ndarray) and x.dtype.char == "d" and x.ndim:
        flat = x.ravel(order="K")
        squares = np.dot(flat, flat)
        if 1e-280 < squares < 1e300:
            return np.sqrt(squares)
    size = np.abs(x)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord == "inf":
        return np.max(size, axis=axis, keepdims=keepdims)
    if np.iscomplexobj(x) or np.ndim(x) == 0 or not isinstance(x, np.ndarray):
        return np.sqrt(np.sum(size**2, axis=axis, keepdims=keepdims))
    squares = np.sum(x * x, axis=axis, keepdims=keepdims)
    if np.all((squares > 1e-280) & (squares < 1e300)):
        return np.sqrt(squares)
    high = np.max(size, axis=axis, keepdims=True)  # squares that overflow or vanish: scale first
    scale = np.where((high > 0) & np.isfinite(high), high, 1)
    out = np.sqrt(np.sum((x / scale) ** 2, axis=axis, keepdims=keepdims))
    return out * np.reshape(scale, np.shape(out))


# linear algebra ---------------------------------------------------------------------------------------------
def _logdet(A):
    """log(abs(det(A))) without overflow."""
    return np.linalg.slogdet(A)[1]


def _cholesky(A):
    """The lower triangular L with L @ L.T = A, of the symmetric part of A."""
    return np.linalg.cholesky((A + np.swapaxes(A, -1, -2)) / 2)


def _sqrtm(A):
    """The principal square root of a matrix without negative eigenvalues."""
    if not np.iscomplexobj(A) and np.array_equal(A, np.swapaxes(A, -1, -2)):
        values, vectors = np.linalg.eigh(A)
        if np.any(values < -1e-12 * np.max(np.abs(values), initial=0.0)):
            raise ValueError("sqrtm: the matrix has a negative eigenvalue")
        return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    root, inverse = A, np.broadcast_to(np.eye(A.shape[-1]), A.shape)  # the iteration of Denman and Beavers
    for _ in range(60):
        new, inverse = (root + np.linalg.inv(inverse)) / 2, (inverse + np.linalg.inv(root)) / 2
        step, root = np.max(np.abs(new - root)), new
        if step <= 1e-15 * np.max(np.abs(root)):
            break
    if not np.allclose(root @ root, A):
        raise ValueError("sqrtm: the matrix has no real square root, or is singular")
    return root


def _polar(A):
    """U @ Vt of the singular value decomposition A = U @ diag(s) @ Vt."""
    U, _, Vt = np.linalg.svd(A, full_matrices=False)
    return U @ Vt


def _sylvester(A, B, C):
    """The Y with A @ Y + Y @ B = C."""
    n, m = C.shape[-2:]
    plain = A.ndim == B.ndim == C.ndim == 2 and not np.iscomplexobj(A) and not np.iscomplexobj(B)
    if plain and np.array_equal(A, A.T) and np.array_equal(B, B.T):
        (a, U), (b, V) = np.linalg.eigh(A), np.linalg.eigh(B)
        return U @ ((U.T @ C @ V) / (a[:, None] + b)) @ V.T
    K = np.einsum("...ij,kl->...ikjl", A, np.eye(m)) + np.einsum("ij,...lk->...ikjl", np.eye(n), B)
    K = np.reshape(K, (*K.shape[:-4], n * m, n * m))
    return np.reshape(np.linalg.solve(K, np.reshape(C, (*C.shape[:-2], n * m, 1))), C.shape)


# products ---------------------------------------------------------------------------------------------------
def _contract(a, b, subs, scale=None):
    """scale*np.einsum(subs, a, b) by one matrix product, or one for every entry of the axes that both and the result have."""
    left, out = subs.split("->")
    x, y = left.split(",")
    both = [c for c in out if c in x and c in y]
    rows, columns = [c for c in out if c not in y], [c for c in out if c not in x]
    summed = [c for c in x if c in y and c not in out]
    size = dict(zip(x + y, a.shape + b.shape, strict=True))
    squared = a is b and bool(summed) and not both and [x.index(c) for c in summed] == [y.index(c) for c in summed]
    if scale is not None and not squared:
        a, b = (scale * a, b) if a.size < b.size else (a, scale * b)
    if not summed:
        a = np.transpose(a, [x.index(c) for c in out if c in x])[tuple(slice(None) if c in x else None for c in out)]
        return a * np.transpose(b, [y.index(c) for c in out if c in y])[tuple(slice(None) if c in y else None for c in out)]
    count = {k: int(np.prod([size[c] for c in cs])) for k, cs in (("r", rows), ("s", summed), ("c", columns))}
    batch = [size[c] for c in both]
    if squared:  # z.T @ z: half the work
        z = np.reshape(np.transpose(a, [x.index(c) for c in summed + rows]), (count["s"], count["r"]))
        product = z.T @ z
        if scale is not None:
            product *= scale
        columns = [y[x.index(c)] for c in rows]
    else:
        a = np.reshape(np.transpose(a, [x.index(c) for c in both + rows + summed]), [*batch, count["r"], count["s"]])
        b = np.reshape(np.transpose(b, [y.index(c) for c in both + summed + columns]), [*batch, count["s"], count["c"]])
        product = np.ascontiguousarray(a) @ np.ascontiguousarray(b) if both else a @ b
    order = both + rows + columns
    return np.transpose(np.reshape(product, [size[c] for c in order]), [order.index(c) for c in out])


def _plus_transpose(a):
    """a + a.T, by blocks that stay in the cache."""
    n, step = a.shape[0], 128
    if not isinstance(a, np.ndarray) or n < 12 * step:
        return a + a.T
    out = np.empty((n, n), a.dtype)
    for i in range(0, n, step):
        for j in range(0, i + 1, step):
            rows, columns = slice(i, i + step), slice(j, j + step)
            out[rows, columns] = block = a[rows, columns] + a[columns, rows].T
            out[columns, rows] = block.T
    return out


def _embed(core, subs, sizes, onto=None):
    """An array that is `core` on the diagonals that the repeated letters of `subs` name, else 0; added to `onto`, in place."""
    letters, out = subs.split("->")
    size = dict(zip(letters, sizes, strict=True))
    kind = np.result_type(core, float)
    if onto is None:
        onto = np.zeros([size[c] for c in out], kind)
    elif not np.can_cast(kind, onto.dtype) or not onto.flags.writeable:
        onto = onto.astype(np.result_type(kind, onto.dtype))
    diagonals = np.einsum(f"{out}->{letters}", onto)  # a view
    diagonals += np.reshape(core, np.shape(core) + (1,) * (len(letters) - np.ndim(core)))
    return onto


# softmax ----------------------------------------------------------------------------------------------------
def _softmax_jacobian(p):
    """diag(p) - outer(p, p) for a p that sums to 1: the diagonal is p[i] times the sum of the others."""
    J = -np.outer(p, p)
    np.fill_diagonal(J, 0)
    np.fill_diagonal(J, -np.sum(J, axis=1))
    return J


def _deviation(a, p):
    """a - sum(p*a) along the last axis, for weights p that sum to 1, exact where one weight is almost 1."""
    if not isinstance(p, np.ndarray):
        return a - np.sum(p * a, axis=-1, keepdims=True)
    a, p = np.broadcast_arrays(a, p)
    d = a - np.take_along_axis(a, np.argmax(np.real(p), axis=-1)[..., None], -1)
    return d - np.sum(p * d, axis=-1, keepdims=True)


def _peak_less_softmax(x):
    """The gradient of max(x) - logsumexp(x): where x is largest, what is left of the share is that of the others."""
    e = np.exp(x - np.max(np.real(x)))
    top = np.real(x) == np.max(np.real(x))
    count, rest = np.sum(top), np.sum(np.where(top, 0, e))
    return np.where(top, rest / count, -e) / np.sum(e)


def _others(p):
    """1 - p for p that sums to 1 along the last axis: the sum of the other entries where one is almost 1."""
    top = np.arange(np.shape(p)[-1]) == np.argmax(np.real(p), axis=-1)[..., None]
    return np.where(top, np.sum(np.where(top, 0, p), axis=-1, keepdims=True), 1 - p)


def _less_onehot(p, y):
    """p - onehot(y) for rows p that sum to 1: the entry of the label is minus the sum of the others."""
    k = np.shape(p)[-1]
    if not isinstance(p, np.ndarray):
        return p - _onehot(y, k)
    if np.size(y) and (np.min(y) < 0 or np.max(y) >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {np.min(y)} to {np.max(y)}")
    p = np.array(p)
    if p.ndim == 2:
        at = np.arange(len(p)), y
        p[at] = 0
        p[at] = -np.sum(p, axis=1)
        return p
    y = np.asarray(y)[..., None]
    np.put_along_axis(p, y, 0, -1)
    np.put_along_axis(p, y, -np.sum(p, axis=-1, keepdims=True), -1)
    return p


# learning ---------------------------------------------------------------------------------------------------
def _onehot(y, k):
    """1 in the column of the label, else 0."""
    if hasattr(y, "__array_function__") and not isinstance(y, np.ndarray):
        return (y[..., None] == np.arange(k)).astype(float)
    y = np.asarray(y)
    if y.size and (np.min(y) < 0 or np.max(y) >= k or np.any(y != np.floor(y))):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {np.min(y)} to {np.max(y)}")
    return np.equal(y[..., None], np.arange(k)).astype(float)


def _off_label(x, y):
    """x with 0 in the entry of each row that its label names: x*(1 - onehot(y))."""
    k = np.shape(x)[-1]
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return x * (1 - _onehot(y, k))
    return _set_label(x.astype(float) if x.dtype.kind in "bi" else np.array(x), y, 0)


def _at_label(x, y, c):
    """x with c added to the entry of each row that its label names: x + onehot(y)*c."""
    k = np.shape(x)[-1]
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return x + _onehot(y, k) * c
    x = x.astype(np.result_type(x, c, float))
    c = _pick(np.broadcast_to(c, x.shape), y)
    return _set_label(x, y, _pick(x, y) + c)


def _set_label(x, y, value):
    """Write value into the entry of each row that its label names, in place."""
    k = x.shape[-1]
    if y.size and (np.min(y) < 0 or np.max(y) >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {np.min(y)} to {np.max(y)}")
    if x.ndim == 2:
        x[np.arange(len(x)), y] = value
    else:
        np.put_along_axis(x, y[..., None], np.asarray(value)[..., None], -1)
    return x


def _pick(x, y, keepdims=False):
    """The entry of each row that its label names."""
    k = np.shape(x)[-1]
    if not isinstance(x, np.ndarray):
        return np.sum(_onehot(y, k) * x, axis=-1, keepdims=keepdims)
    if np.size(y) and (np.min(y) < 0 or np.max(y) >= k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}, not {np.min(y)} to {np.max(y)}")
    if np.ndim(x) == 2:
        found = x[np.arange(np.shape(x)[0]), y]
        return found[:, None] if keepdims else found
    found = np.take_along_axis(x, np.asarray(y)[..., None], -1)
    return found if keepdims else found[..., 0]


def _rows(values, labels):
    """Labels as rows of the shape of the values."""
    return labels if np.ndim(labels) == np.ndim(values) else _onehot(labels, np.shape(values)[-1])


def _nll(log_probs, labels):
    """-sum(Y*L)/n."""
    return -np.sum(_rows(log_probs, labels) * log_probs) / np.prod(log_probs.shape[:-1])


def _cross_entropy(logits, labels):
    """-sum(Y*log_softmax(Z))/n."""
    return _nll(_log_softmax(logits), labels)


def _hinge(scores, labels, margin=1):
    """The violated margins, summed over the wrong classes, mean over rows."""
    Y = _rows(scores, labels)
    right = np.sum(Y * scores, axis=-1, keepdims=True)
    return np.sum((1 - Y) * np.maximum(0, scores - right + margin)) / np.prod(scores.shape[:-1])


def _mse(x, y):
    """mean((x - y)**2)."""
    return np.mean((x - y) ** 2)


def _kl(p, q):
    """sum(p*log(p/q)), with 0*log(0) = 0."""
    return np.sum(_xlogy(p, p) - _xlogy(p, q))


def _layer_norm(x, eps=1e-5):
    """(x - mean)/sqrt(variance + eps) along the last axis."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
