"""Linear algebra: differentials as in Magnus and Neudecker; leading axes are batches where NumPy has them."""

from __future__ import annotations

from ..errors import ShapeError
from ..expr.op import declare
from ..expr.sizes import Shape, same_size, show_shape
from ._rules import Operands, Params, need_rank, need_square
from .arith import matmul_shape

COOKBOOK = "The Matrix Cookbook (2012), "
_SQUARE = {"A": "n,n"}
_PSD = {"A": "n,n psd"}


def dot_shape(operands: Operands, params: Params) -> Shape:
    """The matrix product for ranks 1 and 2; with a scalar the multiple.

    Raises:
        ShapeError: SD202 when inner sizes differ, SD203 for ranks above 2.
    """
    for x in operands:
        need_rank("dot", x, 0, 1, 2)
    x, y = operands
    if not x.rank or not y.rank:
        return x.shape or y.shape
    return matmul_shape(operands, params)


def trace_shape(operands: Operands, params: Params) -> Shape:
    """`(n, n) -> ()`. NumPy's trace of a batch sums over the first two axes, so batches are refused."""
    need_rank("trace", operands[0], 2)
    need_square("trace", operands[0])
    return ()


def _number(name: str):
    def rule(operands: Operands, params: Params) -> Shape:
        need_square(name, operands[0])
        return operands[0].shape[:-2]

    return rule


def _matrix(name: str):
    def rule(operands: Operands, params: Params) -> Shape:
        need_square(name, operands[0])
        return operands[0].shape

    return rule


def pinv_shape(operands: Operands, params: Params) -> Shape:
    """`(…, n, d) -> (…, d, n)`."""
    shape = _matrix_of("pinv", operands)
    return (*shape[:-2], shape[-1], shape[-2])


def nuclear_shape(operands: Operands, params: Params) -> Shape:
    """`(…, n, d) -> (…)`.

    Raises:
        ShapeError: SD203.
    """
    return _matrix_of("nuclear", operands)[:-2]


def polar_shape(operands: Operands, params: Params) -> Shape:
    """`(…, n, d) -> (…, n, d)`.

    Raises:
        ShapeError: SD203.
    """
    return _matrix_of("polar", operands)


def _matrix_of(name: str, operands: Operands) -> Shape:
    if operands[0].rank < 2:
        raise ShapeError(f"{name} takes a matrix, not shape {show_shape(operands[0].shape)}", code="SD203")
    return operands[0].shape


def solve_shape(operands: Operands, params: Params) -> Shape:
    """`(n, n), (n,) -> (n,)` or `(n, n), (n, k) -> (n, k)`.

    Raises:
        ShapeError: SD202 when sizes differ, SD203, SD204.
    """
    A, b = operands
    need_rank("solve", A, 2, name="the matrix")
    need_square("solve", A)
    need_rank("solve", b, 1, 2, name="the right side")
    if not same_size(A.shape[1], b.shape[0]):
        raise ShapeError(
            f"solve: a matrix of shape {show_shape(A.shape)} and a right side of shape {show_shape(b.shape)}", code="SD202"
        )
    return b.shape


def sylvester_shape(operands: Operands, params: Params) -> Shape:
    """`(n, n), (m, m), (n, m) -> (n, m)`, for the same batch axes.

    Raises:
        ShapeError: SD202 when sizes differ, SD203, SD204.
    """
    A, B, C = operands
    need_square("sylvester", A)
    need_square("sylvester", B)
    if C.rank < 2 or not same_size(A.shape[-1], C.shape[-2]) or not same_size(B.shape[-1], C.shape[-1]):
        shown = ", ".join(show_shape(x.shape) for x in operands)
        raise ShapeError(f"sylvester: shapes {shown} do not fit (n, n), (m, m), (n, m)", code="SD202")
    return C.shape


declare("dot", "x, y", shape=dot_shape, numpy="np.dot({x}, {y})", torch="_dot({x}, {y})", says="xᵀy: the inner product of vectors, the product of matrices.",
        source=COOKBOOK + "eq. 69", example="dot(x, y)", example_vars={"x": "d", "y": "d"})  # fmt: skip
declare("trace", "A", shape=trace_shape, numpy="np.trace({A})", latex="\\operatorname{{tr}}\\left({A}\\right)",
        domain=("square",), says="tr A = Σᵢ Aᵢᵢ.", source=COOKBOOK + "eq. 99", example="trace(A @ A)", example_vars=_SQUARE)  # fmt: skip
declare("det", "A", shape=_number("det"), differential="det(A)*trace(inv(A) @ dA)", numpy="np.linalg.det({A})",
        latex="\\det\\left({A}\\right)", domain=("square",), says="det A: the determinant; d det A = det(A) tr(A⁻¹ dA).",
        source=COOKBOOK + "eq. 46", example="det(A)", example_vars=_SQUARE)  # fmt: skip
declare("logdet", "A", shape=_number("logdet"), differential="trace(inv(A) @ dA)", numpy="_logdet({A})",
        torch="torch.linalg.slogdet({A})[1]", jax="jnp.linalg.slogdet({A})[1]", latex="\\log\\det\\left({A}\\right)", domain=("square",),
        analytic=False, says="log |det A|; its differential is tr(A⁻¹ dA).", source=COOKBOOK + "eq. 43", example="logdet(A)", example_vars=_PSD)  # fmt: skip
declare("inv", "A", shape=_matrix("inv"), differential="-inv(A) @ dA @ inv(A)", numpy="np.linalg.inv({A})", latex="{A}^{{-1}}",
        domain=("square",), says="A⁻¹; d A⁻¹ = -A⁻¹ dA A⁻¹.", source=COOKBOOK + "eq. 40", example="trace(inv(A))", example_vars=_SQUARE)  # fmt: skip
declare("solve", "A, b", shape=solve_shape, numpy="np.linalg.solve({A}, {b})", latex="{A}^{{-1}} {b}", domain=("square", "real"),
        says="A⁻¹b: the solution of A x = b.", source=COOKBOOK + "eq. 40", example="solve(A, b)", example_vars={"A": "n,n", "b": "n"})  # fmt: skip
declare("pinv", "A", shape=pinv_shape,
        differential="-pinv(A) @ dA @ pinv(A) + pinv(A) @ pinv(A).T @ (dA.T - dA.T @ A @ pinv(A))"
        " + (dA.T - pinv(A) @ A @ dA.T) @ pinv(A).T @ pinv(A)",
        numpy="np.linalg.pinv({A})", torch="torch.linalg.pinv({A})", jax="jnp.linalg.pinv({A})", latex="{A}^{{+}}", domain=("real",),
        kinks="the rank changes", analytic=False, says="A⁺: the Moore-Penrose inverse, where the rank is constant.",
        source="Golub and Pereyra 1973, eq. 4.12", example="pinv(X) @ y", example_vars={"X": "n,d", "y": "n"})  # fmt: skip
# inv(L) dA inv(L)ᵀ with dA made symmetric, as JAX and PyTorch do: the runtime takes the symmetric part of A for the same reason.
_MIDDLE = "inv(cholesky(A)) @ (dA + dA.T) @ inv(cholesky(A)).T"
declare("cholesky", "A", shape=_matrix("cholesky"), differential=f"cholesky(A) @ (tril({_MIDDLE}) - diag(diag({_MIDDLE}))/2)/2",
        numpy="_cholesky({A})", torch="_cholesky({A})", jax="_cholesky({A})",
        latex="\\operatorname{{chol}}\\left({A}\\right)", domain=("psd",), analytic=False,
        says="L, lower triangular, with L Lᵀ = A; of the symmetric part of A.", source="Murray 2016, arXiv:1602.07527",
        example="sum(cholesky(A))", example_vars=_PSD)  # fmt: skip
declare("sqrtm", "A", shape=_matrix("sqrtm"), differential="sylvester(sqrtm(A), sqrtm(A), dA)", numpy="_sqrtm({A})", latex="{A}^{{1/2}}",
        domain=("psd",), analytic=False, says="A^(1/2): the principal square root; S dS + dS S = dA.",
        source="Higham 2008, Functions of Matrices, ch. 6", example="trace(sqrtm(A))", example_vars=_PSD)  # fmt: skip
declare("sylvester", "A, B, C", shape=sylvester_shape,
        differential="sylvester(A, B, dC - dA @ sylvester(A, B, C) - sylvester(A, B, C) @ dB)", numpy="_sylvester({A}, {B}, {C})",
        domain=("psd", "psd", "real"), analytic=False, says="Y with A Y + Y B = C.", source="Higham 2008, Functions of Matrices, app. B",
        example="sum(sylvester(A, B, C))", example_vars={"A": "n,n psd", "B": "m,m psd", "C": "n,m"})  # fmt: skip
_ROOT = "sqrtm(A.T @ A)"
declare("nuclear", "A", shape=nuclear_shape, differential="sum(polar(A)*dA)", numpy="_norm({A}, ord='nuc')",
        torch="torch.linalg.matrix_norm({A}, ord='nuc')", jax="jnp.linalg.norm({A}, ord='nuc')", latex="\\left\\|{A}\\right\\|_*",
        domain=("matrix",), kinks="a singular value is 0", analytic=False, says="‖A‖_*: the sum of the singular values; norm(A, 'nuc').",
        source="Watson 1992, Characterization of the subdifferential of some matrix norms", example="nuclear(X)",
        example_vars={"X": "n,d"})  # fmt: skip
declare("polar", "A", shape=polar_shape,
        differential=f"dA @ inv({_ROOT}) - A @ inv({_ROOT}) @ sylvester({_ROOT}, {_ROOT}, dA.T @ A + A.T @ dA) @ inv({_ROOT})",
        numpy="_polar({A})", domain=("matrix",), kinks="a singular value is 0", analytic=False,
        says="U Vᵀ of A = U S Vᵀ: the nearest matrix with orthonormal columns (rows); its derivative for full column rank.",
        source="Higham 2008, Functions of Matrices, ch. 8", example="sum(polar(A))", example_vars=_SQUARE)  # fmt: skip
