"""Eigenvalues and singular values."""

from .. import _core
from ..operators.declare import composed
from . import spectra
from .checks import computed, floats, kind, matrices, squares


def is_upper(UPLO):
    """Whether the upper triangle is read, of "L" and "U"."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper() == "U"


def check_symmetric(operation, A):
    """PyTorch's errors of eigh."""
    squares("linalg.eigh", A)
    computed("linalg_eigh_cpu", A)


@composed(name="linalg.eigh", method=False, out="exact", returns=("eigenvalues", "eigenvectors"))
def eigh(input, UPLO="L", *, out=None):
    """The decomposition of a symmetric matrix, A = V diag(w) V^T: `(eigenvalues, eigenvectors)`, ascending.

    The triangle that UPLO names is read. Eigenvectors are determined up to signs, and only where eigenvalues differ: a
    derivative that depends on the choice between repeated ones raises. A complex matrix is Hermitian, A = V diag(w) V^H; its
    eigenvalues are real, its eigenvectors determined up to factors of size 1, and a loss that depends on these raises.

    Raises:
        LinAlgError: no convergence, or elements that are not finite; a derivative that does not exist.
        RuntimeError: no square matrices, another UPLO; a loss that depends on the phases of complex vectors.
        NotImplementedError: dtypes other than float32, float64 and complex ones.

    Example:
        >>> w, V = pb.linalg.eigh(pb.tensor([[2., 0.], [0., 1.]]))
        >>> w
        tensor([1., 2.])
    """
    upper = is_upper(UPLO)
    check_symmetric("linalg_eigh", input)
    w, V, info = spectra.eigh(input, upper, True)
    _core.check_decomposition(info, "linalg.eigh")
    return w, V


@composed(name="linalg.eigvalsh", method=False, out="exact")
def eigvalsh(input, UPLO="L", *, out=None):
    """The eigenvalues of a symmetric matrix, ascending; the triangle that UPLO names is read.

    Raises:
        LinAlgError: no convergence, or elements that are not finite.
        RuntimeError: no square matrices, another UPLO.
        NotImplementedError: dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.eigvalsh(pb.tensor([[2., 1.], [1., 2.]]))
        tensor([1., 3.])
    """
    upper = is_upper(UPLO)
    check_symmetric("linalg_eigvalsh", input)
    return eigenvalues(input, upper)


def eigenvalues(A, upper=False):
    """The eigenvalues, with vectors only where a derivative will read them."""
    found = spectra.eigh(A, upper, True) if A.requires_grad else spectra.eigvalsh(A, upper)
    _core.check_decomposition(found[-1], "linalg.eigh")
    return found[0]


def check_general(operation, A):
    """PyTorch's errors of eig."""
    squares(operation, A)
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(f"Unknown Complex ScalarType for {kind(A)}. Convert it to a floating-point dtype.")
    computed("linalg_eig_out_cpu", A)
    if _core.holds_anywhere(~A.detach().isfinite()):
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


@composed(name="linalg.eig", method=False, out="exact", returns=("eigenvalues", "eigenvectors"))
def eig(input, *, out=None):
    """The decomposition of a square matrix, A = V diag(w) V^-1: `(eigenvalues, eigenvectors)`, complex also of a real matrix.

    (..., n, n) gives (..., n) and (..., n, n), in no order, the columns of V with length 1. They are determined up to factors
    of size 1, and only where eigenvalues differ: a loss that depends on these factors raises, and so does a derivative that
    depends on the choice between vectors of a repeated value, or is one of a matrix that has not as many vectors as rows.
    Of symmetric and Hermitian matrices `eigh` is faster and more exact.

    Raises:
        LinAlgError: no convergence; a derivative that does not exist.
        RuntimeError: no square matrices, integers, elements that are not finite; a loss that depends on the phases of vectors.
        NotImplementedError: halves.

    Example:
        >>> pb.linalg.eig(pb.tensor([[0., 1.], [-1., 0.]])).eigenvalues
        tensor([0.+1.j, 0.-1.j])
    """
    check_general("linalg.eig", input)
    w, V, info = spectra.eig(input, not input.is_complex(), True)
    _core.check_decomposition(info, "linalg.eig")
    return w, V


@composed(name="linalg.eigvals", method=False, out="exact")
def eigvals(input, *, out=None):
    """The eigenvalues of a square matrix, complex also of a real one, in no order.

    Where a matrix has fewer eigenvectors than rows there is no derivative.

    Raises:
        LinAlgError: no convergence; a derivative that does not exist.
        RuntimeError: no square matrices, integers, elements that are not finite.
        NotImplementedError: halves.

    Example:
        >>> pb.linalg.eigvals(pb.tensor([[0., 1.], [-1., 0.]]))
        tensor([0.+1.j, 0.-1.j])
    """
    check_general("linalg.eigvals", input)
    real = not input.is_complex()
    found = spectra.eig(input, real, True) if input.requires_grad else spectra.eigvals(input, real)
    _core.check_decomposition(found[-1], "linalg.eig")
    return found[0]


def check_svd(operation, A, driver=None):
    """PyTorch's errors of svd."""
    matrices("linalg.svd", A)
    floats("linalg.svd", A, "linalg_svd_cpu")
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def decomposed(A, full):
    """U, S, Vh, or LinAlgError."""
    U, S, Vh, info = spectra.svd(A, full, True)
    _core.check_decomposition(info, "linalg.svd")
    return U, S, Vh


@composed(name="linalg.svd", method=False, out="exact", returns=("U", "S", "Vh"))
def svd(A, full_matrices=True, *, driver=None, out=None):
    """The singular value decomposition A = U diag(S) Vh, singular values descending.

    (..., m, n) gives U (..., m, m), S (..., k) and Vh (..., n, n), where k is the smaller of m and n; without
    `full_matrices` (..., m, k) and (..., k, n). Vectors are determined up to signs, and only where singular values differ:
    a derivative that depends on the choice between repeated ones, or on vectors that `full_matrices` adds, raises. Complex
    vectors are determined up to factors of size 1, one for both sides, and a loss that depends on these raises.

    Raises:
        LinAlgError: no convergence, or elements that are not finite; a derivative that does not exist.
        RuntimeError: no matrices, integers, a `driver`; a loss that depends on the phases of complex vectors.

    Example:
        >>> pb.linalg.svd(pb.tensor([[3., 0.], [0., 4.]])).S
        tensor([4., 3.])
    """
    check_svd("linalg_svd", A, driver)
    return decomposed(A, full_matrices)


@composed(name="linalg.svdvals", method=False, out="exact")
def svdvals(A, *, driver=None, out=None):
    """The singular values of a matrix, descending. The derivative of one that is 0 is 0, the subgradient of least norm.

    Raises:
        LinAlgError: no convergence, or elements that are not finite.
        RuntimeError: no matrices, integers, a `driver`.

    Example:
        >>> pb.linalg.svdvals(pb.tensor([[3., 0.], [0., 4.]]))
        tensor([4., 3.])
    """
    check_svd("linalg_svdvals", A, driver)
    return singular_values(A)


def singular_values(A):
    """The singular values, with vectors only where a derivative will read them."""
    found = spectra.svd(A, False, True)[1:] if A.requires_grad else spectra.svdvals(A)
    _core.check_decomposition(found[-1], "linalg.svd")
    return found[0]


@composed(name="svd", out="exact", returns=("U", "S", "V"))
def old_svd(input, some=True, compute_uv=True, *, out=None):
    """`linalg.svd` as it was called before: A = U diag(S) V^H, with V itself; without `compute_uv` both are zeros.

    Raises:
        LinAlgError: no convergence, or elements that are not finite.
        RuntimeError: no matrices, integers.

    Example:
        >>> pb.svd(pb.tensor([[3., 0.], [0., 4.]])).S
        tensor([4., 3.])
    """
    check_svd("svd", input)
    if not compute_uv:
        m, n = input.shape[-2:]
        batch = tuple(input.shape[:-2])
        return input.new_zeros((*batch, m, m)), singular_values(input), input.new_zeros((*batch, n, n)).mT
    U, S, Vh = decomposed(input, not some)
    return U, S, Vh.mH
