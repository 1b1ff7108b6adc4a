"""Triangular factors: LU, Cholesky's, LDL."""

from .. import _core
from ..operators.declare import composed
from . import triangular
from .checks import KERNELS, computed, floats, matrices, one_dtype, square_floats, squares
from .triangular import lower_columns, parts_of, permutation


def factored(operation, A, pivot):
    """(LU, pivots, info), after PyTorch's errors."""
    if A.ndim < 2:
        raise RuntimeError(
            f"{operation}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead"
        )
    computed("lu_cpu", A)
    if not pivot:
        raise RuntimeError(f"{operation}: LU without pivoting is not implemented on the CPU")
    return triangular.lu(A)


@composed(name="linalg.lu_factor", method=False, out="exact", returns=("LU", "pivots"))
def lu_factor(A, *, pivot=True, out=None):
    """Both factors of A = P L U in one matrix, and LAPACK's pivots, from 1: what `lu_solve` and `lu_unpack` take.

    Raises:
        RuntimeError: a pivot is 0, so that nothing can be solved with it; no matrices, dtypes other than float32, float64 and
            complex ones.

    Example:
        >>> LU, pivots = pb.linalg.lu_factor(pb.tensor([[1., 2.], [4., 4.]]))
        >>> LU, pivots
        (tensor([[4.0000, 4.0000],
                [0.2500, 1.0000]]), tensor([2, 2], dtype=pullback.int32))
    """
    LU, pivots, info = factored("linalg.lu_factor", A, pivot)
    _core.check_decomposition(info, "torch.linalg.lu_factor")
    return LU, pivots


@composed(name="linalg.lu_factor_ex", method=False, out="exact", returns=("LU", "pivots", "info"))
def lu_factor_ex(A, *, pivot=True, check_errors=False, out=None):
    """`lu_factor` that does not raise where a pivot is 0: `(LU, pivots, info)`, where info says which one is.

    Raises:
        RuntimeError: with `check_errors`, a pivot is 0; no matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.lu_factor_ex(pb.zeros(1, 1)).info
        tensor(1, dtype=pullback.int32)
    """
    LU, pivots, info = factored("linalg.lu_factor_ex", A, pivot)
    if check_errors:
        _core.check_decomposition(info, "torch.linalg.lu_factor_ex")
    return LU, pivots, info


@composed(name="linalg.lu", method=False, out="exact", returns=("P", "L", "U"))
def linalg_lu(A, *, pivot=True, out=None):
    """The factors of A = P L U: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    (..., m, n) gives (..., m, m), (..., m, k) and (..., k, n), where k is the smaller of m and n.

    Raises:
        RuntimeError: no matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> P, L, U = pb.linalg.lu(pb.tensor([[1., 2.], [4., 4.]]))
        >>> L, U
        (tensor([[1.0000, 0.0000],
                [0.2500, 1.0000]]), tensor([[4., 4.],
                [0., 1.]]))
    """
    LU, pivots, _ = factored("linalg.lu", A, pivot)
    return permutation(LU.detach(), pivots), *lower_upper(LU)


def lower_upper(LU):
    """L and U."""
    _, _, k = parts_of(LU)
    return lower_columns(LU, k).contiguous(), LU[..., :k, :].triu().contiguous()


@composed(method=False, out="exact", returns=("P", "L", "U"))
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True, *, out=None):
    """The factors P, L and U that `lu_factor` has packed; empty tensors for what is not asked for.

    Raises:
        RuntimeError: pivots that are none.

    Example:
        >>> pb.lu_unpack(*pb.linalg.lu_factor(pb.tensor([[1., 2.], [4., 4.]]))).P
        tensor([[0., 1.],
                [1., 0.]])
    """
    if unpack_pivots and LU_pivots.dtype != _core.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function "
            "is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    empty = LU_data.new_empty(0)
    P = empty
    if unpack_pivots:
        like = LU_data.detach()
        P = permutation(like if like.dtype in KERNELS else like.float(), LU_pivots).to(like.dtype)
    L, U = lower_upper(LU_data) if unpack_data else (empty, empty)
    return P, L, U


@composed
def lu(A, pivot=True, get_infos=False):
    """`lu_factor_ex` as it was called before: `(LU, pivots)`, with the infos if they are asked for.

    Raises:
        RuntimeError: no matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> LU, pivots = pb.lu(pb.tensor([[1., 2.], [4., 4.]]))
        >>> pivots
        tensor([2, 2], dtype=pullback.int32)
    """
    LU, pivots, info = factored("linalg.lu_factor", A, pivot)
    if not get_infos:
        _core.check_decomposition(info, "torch.linalg.lu_factor")
    return (LU, pivots, info) if get_infos else (LU, pivots)


def cholesky_of(operation, A, upper):
    """(L, info), after PyTorch's errors."""
    squares("linalg.cholesky", A)
    if operation == "cholesky":
        computed("cholesky_cpu", A)
    floats("linalg.cholesky", A, "cholesky_cpu")
    return triangular.cholesky(A, upper)


@composed(name="linalg.cholesky", method=False, out="exact")
def linalg_cholesky(input, *, upper=False, out=None):
    """Cholesky's factor of a symmetric positive definite matrix, A = L L^T; with `upper` the U of A = U^T U.

    One triangle of A is read, the lower one, or the upper one for `upper`. The derivative is that of a function of
    symmetric matrices, and symmetric. Of complex numbers, matrices are Hermitian, and factors conjugated: A = L L^H.

    Raises:
        LinAlgError: a matrix is not positive definite.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.cholesky(pb.tensor([[4., 2.], [2., 2.]]))
        tensor([[2., 0.],
                [1., 1.]])
    """
    L, info = cholesky_of("linalg_cholesky", input, upper)
    _core.check_decomposition(info, "linalg.cholesky")
    return L


@composed
def cholesky(input, upper=False, *, out=None):
    """`linalg.cholesky` as it was called before.

    Raises:
        LinAlgError: a matrix is not positive definite.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.cholesky(pb.tensor([[4.]]))
        tensor([[2.]])
    """
    L, info = cholesky_of("cholesky", input, upper)
    _core.check_decomposition(info, "linalg.cholesky")
    return L


@composed(name="linalg.cholesky_ex", method=False, out="exact", returns=("L", "info"))
def cholesky_ex(input, *, upper=False, check_errors=False, out=None):
    """`cholesky` that does not raise: `(L, info)`, where info is the order of the first minor that is not positive.

    Raises:
        LinAlgError: with `check_errors`, a matrix is not positive definite.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.cholesky_ex(pb.tensor([[-1.]])).info
        tensor(1, dtype=pullback.int32)
    """
    L, info = cholesky_of("linalg_cholesky_ex", input, upper)
    if check_errors:
        _core.check_decomposition(info, "linalg.cholesky_ex")
    return L, info


@composed(name="linalg.ldl_factor", method=False, out="exact", returns=("LD", "pivots"))
def ldl_factor(input, *, hermitian=False, out=None):
    """The factors of a symmetric matrix, A = L D L^T, which may be indefinite, in one matrix, and pivots: for `ldl_solve`.

    The lower triangle of A is read. With `hermitian` a complex A is Hermitian, A = L D L^H. There is no derivative.

    Raises:
        RuntimeError: a matrix is singular; no square matrices, integers.
        NotImplementedError: halves.

    Example:
        >>> pb.linalg.ldl_factor(pb.tensor([[4.]]))
        pullback.return_types.linalg_ldl_factor(
        LD=tensor([[4.]]),
        pivots=tensor([1], dtype=pullback.int32))
    """
    square_floats("torch.linalg.ldl_factor_ex", input, "ldl_factor_kernel_cpu")
    LD, pivots, info = triangular.ldl(input, hermitian)
    _core.check_decomposition(info, "torch.linalg.ldl_factor")
    return LD, pivots


@composed(name="linalg.ldl_factor_ex", method=False, out="exact", returns=("LD", "pivots", "info"))
def ldl_factor_ex(input, *, hermitian=False, check_errors=False, out=None):
    """`ldl_factor` that does not raise: `(LD, pivots, info)`.

    Raises:
        RuntimeError: with `check_errors`, a matrix is singular; no square matrices, integers.
        NotImplementedError: halves.

    Example:
        >>> pb.linalg.ldl_factor_ex(pb.tensor([[4.]])).info
        tensor(0, dtype=pullback.int32)
    """
    square_floats("torch.linalg.ldl_factor_ex", input, "ldl_factor_kernel_cpu")
    LD, pivots, info = triangular.ldl(input, hermitian)
    if check_errors:
        _core.check_decomposition(info, "torch.linalg.ldl_factor_ex")
    return LD, pivots, info


@composed(name="linalg.ldl_solve", method=False, out="exact")
def ldl_solve(LD, pivots, B, *, hermitian=False, out=None):
    """The solution X of A X = B from what `ldl_factor` gives of A, with the same `hermitian`. It is differentiable by B.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, integers, wrong pivots.
        NotImplementedError: halves.

    Example:
        >>> pb.linalg.ldl_solve(*pb.linalg.ldl_factor(pb.tensor([[4.]])), pb.tensor([[2.]]))
        tensor([[0.5000]])
    """
    operation = "torch.linalg.ldl_solve"
    floats(operation, LD, "ldl_solve_kernel_cpu")
    squares(operation, LD, "LD")
    if B.ndim < 2:
        raise RuntimeError(
            f"{operation}: Expected B to have at least 2 dimensions, but it has {B.ndim} dimensions instead"
        )
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise RuntimeError(
            f"{operation}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    if pivots.dtype != _core.int32:
        raise RuntimeError(
            f"{operation}: Expected pivots to be integers of the pivots of ldl_factor. Got {pivots.dtype}"
        )
    one_dtype("linalg.ldl_solve", LD=LD, B=B)
    matrices(operation, B, "B")
    if B.shape[-2] != LD.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for torch.linalg.ldl_solve: each A matrix is {LD.shape[-1]} by "
            f"{LD.shape[-1]} but each b matrix is {B.shape[-2]} by {B.shape[-1]}"
        )
    return triangular.ldl_solve(LD, pivots, B, hermitian)
