"""Linear systems: solve, inverses, and what is solved with factors."""

from .. import _core
from ..device import contiguous_format as CONTIGUOUS
from ..operators.declare import FUNCTIONS, composed
from . import triangular
from .checks import batches, computed, fit, floats, kind, matrices, one_dtype, square_floats, squares
from .triangular import eye_like, lu

can_cast = FUNCTIONS["can_cast"]


def solved(A, B, left):
    """(X, info). The factors are found once, without the tape, and serve every derivative."""
    vector = is_vector(A, B)
    right = B.unsqueeze(-1) if vector else B
    fit("linalg.solve", A, right, left)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. It is B / A."
        )
    if not vector:
        batches(B, A)
    LU, pivots, info = lu(A.detach())
    X = triangular.solve(A, LU, pivots, right if left else right.mT, not left)
    if vector:
        X = X.squeeze(-1)
        return (by_columns(X) if X.ndim > 1 else X), info  # as PyTorch has the memory of vectors
    return (X if left else X.mT), info


def is_vector(A, B):
    """Whether B is vectors, one for each matrix, rather than matrices."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


def check_system(operation, A, B, left):
    """PyTorch's errors of solve."""
    floats("linalg.solve", A, "lu_cpu")
    squares("linalg.solve", A)
    one_dtype("linalg.solve", A=A, B=B)
    if B.ndim == 0:
        raise RuntimeError(
            "linalg.solve: The input tensor B must have at least 2 dimensions. One, of a vector, does as well."
        )


@composed(name="linalg.solve", method=False, out="exact")
def solve(A, B, *, left=True, out=None):
    """The solution X of A X = B for a square matrix A, or of X A = B unless `left`.

    A is (..., n, n); B is (..., n, k), or (..., n) for one right-hand side, if its shape is that of A without the last
    dimension or it is one vector. Batches broadcast.

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones.

    Example:
        >>> A = pb.tensor([[2., 0.], [1., 1.]])
        >>> pb.linalg.solve(A, pb.tensor([2., 3.]))
        tensor([1., 2.])
    """
    check_system("linalg.solve", A, B, left)
    X, info = solved(A, B, left)
    _core.check_decomposition(info, "torch.linalg.solve")
    return X


@composed(name="linalg.solve_ex", method=False, out="exact", returns=("result", "info"))
def solve_ex(A, B, *, left=True, check_errors=False, out=None):
    """`solve` that does not raise where a matrix is singular: `(result, info)`, where info says which pivot is 0.

    Raises:
        LinAlgError: with `check_errors`, a matrix is singular.
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.solve_ex(pb.zeros(1, 1), pb.ones(1)).info
        tensor(1, dtype=pullback.int32)
    """
    check_system("linalg.solve_ex", A, B, left)
    X, info = solved(A, B, left)
    if check_errors:
        _core.check_decomposition(info, "torch.linalg.solve_ex")
    return X, info


def inverted(A):
    """(inverse, info)."""
    LU, pivots, info = lu(A.detach())
    return triangular.solve(A, LU, pivots, eye_like(A), False), info


@composed(name="linalg.inv", method=False, out="exact", node="LinalgInvExBackward0")
def inv(A, *, out=None):
    """The inverse of a square matrix, or of each of a batch. `solve(A, B)` is faster and more exact than `inv(A) @ B`.

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.inv(pb.tensor([[2., 0.], [1., 1.]]))
        tensor([[ 0.5000,  0.0000],
                [-0.5000,  1.0000]])
    """
    square_floats("linalg.inv", A)
    found, info = inverted(A)
    _core.check_decomposition(info, "linalg.inv")
    return found


@composed(out="exact")
def inverse(input, *, out=None):
    """The inverse of a square matrix, as `linalg.inv`.

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.inverse(pb.tensor([[2.]]))
        tensor([[0.5000]])
    """
    return inv(input)


@composed(name="linalg.inv_ex", method=False, out="exact", returns=("inverse", "info"))
def inv_ex(A, *, check_errors=False, out=None):
    """`inv` that does not raise where a matrix is singular: `(inverse, info)`, where info says which pivot is 0.

    Raises:
        LinAlgError: with `check_errors`, a matrix is singular.
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.inv_ex(pb.eye(2)).info
        tensor(0, dtype=pullback.int32)
    """
    square_floats("linalg.inv", A)
    found, info = inverted(A)
    if check_errors:
        _core.check_decomposition(info, "linalg.inv_ex")
    return found, info


@composed(name="linalg.solve_triangular", method=False, out="exact")
def solve_triangular(A, B, *, upper, left=True, unitriangular=False, out=None):
    """The solution X of A X = B, or of X A = B unless `left`, where A is triangular: the other triangle is not read.

    A is (..., n, n), B is (..., n, k); batches broadcast. With `unitriangular` the diagonal is not read either, and counts
    as ones. A zero on the diagonal is no error: it divides. Dtype: that of A, to which B is converted.

    Raises:
        RuntimeError: shapes that do not fit, a complex B of a real A.
        NotImplementedError: an A of another dtype than float32, float64 and complex ones.

    Example:
        >>> A = pb.tensor([[2., 0.], [1., 1.]])
        >>> pb.linalg.solve_triangular(A, pb.tensor([[2.], [3.]]), upper=False)
        tensor([[1.],
                [2.]])
    """
    operation = "linalg.solve_triangular"
    squares(operation, A)
    matrices(operation, B, "B")
    fit(operation, A, B, left)
    computed("triangular_solve_cpu", A)
    if not can_cast(B.dtype, A.dtype):
        one_dtype(operation, A=A, B=B)
    B = B.to(A.dtype)
    batches(A, B)
    if left:
        return triangular.triangular_solve(A, B, upper, False, unitriangular)
    # X A = B is A^T X^T = B^T; the result lies column by column, as the other one does.
    X = triangular.triangular_solve(A, B.mT, upper, True, unitriangular).mT
    return X.mT.contiguous().mT


@composed(out="exact", returns=("solution", "cloned_coefficient"))
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False, *, out=None):
    """The solution X of A X = input for a triangular A, and a copy of A. `linalg.solve_triangular` has replaced it.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.triangular_solve(pb.ones(1, 1), pb.full((1, 1), 2.)).solution
        tensor([[0.5000]])
    """
    one_dtype("triangular_solve", b=input, A=A)
    for name, x in (("b", input), ("A", A)):
        if x.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {x.ndim} dimensions "
                "instead"
            )
    systems("triangular_solve", input, A)
    computed("triangular_solve_cpu", A)
    batches(A, input)
    X = triangular.triangular_solve(A, input, upper, transpose, unitriangular)
    return X, by_columns(A.expand(*X.shape[:-2], *A.shape[-2:]))


def by_columns(A):
    """A copy whose matrices lie column by column."""
    return A.mT.clone(memory_format=CONTIGUOUS).mT


def systems(operation, B, A):
    """PyTorch's errors of the older functions."""
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )
    if A.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {operation}: each A matrix is {A.shape[-1]} by {A.shape[-1]} but each b "
            f"matrix is {B.shape[-2]} by {B.shape[-1]}"
        )


@composed(name="linalg.lu_solve", method=False, out="exact")
def linalg_lu_solve(LU, pivots, B, *, left=True, adjoint=False, out=None):
    """The solution X of A X = B, or of X A = B unless `left`, from what `lu_factor` gives of A; of A^T with `adjoint`.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones, wrong pivots.

    Example:
        >>> LU, pivots = pb.linalg.lu_factor(pb.tensor([[2., 0.], [1., 1.]]))
        >>> pb.linalg.lu_solve(LU, pivots, pb.tensor([[2.], [3.]]))
        tensor([[1.],
                [2.]])
    """
    operation = "torch.linalg.lu_solve"
    floats(operation, LU, "linalg.lu_solve_cpu")
    if pivots.dtype != _core.int32:
        raise RuntimeError(
            f"linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32. Got {kind(pivots)}. Use the pivots of "
            "linalg.lu_factor as they are."
        )
    squares(operation, LU, "LU")
    matrices(operation, B, "B")
    one_dtype("linalg.lu_solve", LU=LU, B=B)
    fit("linalg.lu_solve", LU, B, left)
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise RuntimeError(
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix"
        )
    batches(LU, B)
    if adjoint:  # A^H is the transpose of the conjugate
        LU = LU.conj()
    X = triangular.lu_solve(LU, pivots, B if left else B.mT, adjoint != (not left))
    return X if left else X.mT


@composed(out="exact")
def lu_solve(input, LU_data, LU_pivots, *, out=None):
    """`linalg.lu_solve` with the right-hand side first, as it was called before.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones, wrong pivots.

    Example:
        >>> LU, pivots = pb.linalg.lu_factor(pb.tensor([[2.]]))
        >>> pb.lu_solve(pb.tensor([[1.]]), LU, pivots)
        tensor([[0.5000]])
    """
    return linalg_lu_solve(LU_data, LU_pivots, input)


def by_factor(L, B, upper):
    """The solution X of L L^H X = B, or of L^H L X = B if `upper`."""
    plain, turned = (L.conj(), L) if upper else (L, L.conj())
    half = triangular.triangular_solve(plain, B, upper, upper, False)
    return triangular.triangular_solve(turned, half, upper, not upper, False)


def cholesky_checked(operation, B, L):
    """PyTorch's errors of what takes a factor and a right-hand side."""
    for name, x in (("b", B), ("u", L)):
        if x.ndim < 2:
            raise RuntimeError(
                f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead"
            )
    systems(operation, B, L)
    one_dtype("", b=B, A=L)
    computed(f"{operation}_cpu", L)
    batches(L, B)


@composed(node="CholeskySolveBackward0")
def cholesky_solve(input, input2, upper=False, *, out=None):
    """The solution X of A X = input from Cholesky's factor L, `input2`, of A: A = L L^T, or L^T L if `upper`.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.cholesky_solve(pb.tensor([[8.]]), pb.tensor([[2.]]))
        tensor([[2.]])
    """
    cholesky_checked("cholesky_solve", input, input2)
    return by_factor(input2, input, upper)


@composed
def cholesky_inverse(input, upper=False, *, out=None):
    """The inverse of A from Cholesky's factor of it: A = L L^T, or L^T L if `upper`.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.cholesky_inverse(pb.tensor([[2.]]))
        tensor([[0.2500]])
    """
    squares("cholesky_inverse", input)
    computed("cholesky_inverse_out_cpu", input)
    return by_factor(input, eye_like(input), upper)
