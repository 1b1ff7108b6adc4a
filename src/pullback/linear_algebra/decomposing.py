"""Eigenvalues, singular values, QR, and LAPACK's reflections."""

from .. import _core
from ..operators.declare import composed, require_tensors
from . import spectra
from .checks import floats, kind, matrices, squares
from .parts import once, real_matrix
from .triangular import lower_columns, triangular_solve


def is_upper(UPLO):
    """Whether the upper triangle is read, of "L" and "U"."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper() == "U"


def check_symmetric(operation, A, fields=False):
    """PyTorch's errors of eigh."""
    require_tensors(operation, input=A)
    squares("linalg.eigh", A)
    if not (A.is_floating_point() or A.is_complex()):
        raise NotImplementedError(
            f"\"linalg_eigh_cpu\" not implemented for '{kind(A)}'. Convert it to float32 or float64."
        )
    floats("linalg.eigh", A, low=False, fields=fields)


@composed(name="linalg.eigh", method=False, out="exact", returns=("eigenvalues", "eigenvectors"))
def eigh(input, UPLO="L", *, out=None):
    """The decomposition of a symmetric matrix, A = V diag(w) V^T: `(eigenvalues, eigenvectors)`, ascending.

    The triangle that UPLO names is read. Eigenvectors are determined up to signs, and only where eigenvalues differ: a
    derivative that depends on the choice between repeated ones raises. A complex matrix is Hermitian, A = V diag(w) V^H; its
    eigenvalues are real, its eigenvectors determined up to factors of size 1, and a derivative that depends on these raises.

    Raises:
        LinAlgError: no convergence, or elements that are not finite; a derivative that does not exist.
        RuntimeError: no square matrices, another UPLO.
        NotImplementedError: dtypes other than float32, float64 and complex ones.

    Example:
        >>> w, V = pb.linalg.eigh(pb.tensor([[2., 0.], [0., 1.]]))
        >>> w
        tensor([1., 2.])
    """
    upper = is_upper(UPLO)
    check_symmetric("linalg_eigh", input, fields=True)
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
    check_symmetric("linalg_eigvalsh", input, fields=True)
    return eigenvalues(input, upper)


def eigenvalues(A, upper=False):
    """The eigenvalues, with vectors only where a derivative will read them."""
    vectors = A.requires_grad or A.is_complex()
    found = spectra.eigh(A, upper, True) if vectors else spectra.eigvalsh(A, upper)
    _core.check_decomposition(found[-1], "linalg.eigh")
    return found[0]


def check_svd(operation, A, driver=None, fields=False):
    """PyTorch's errors of svd."""
    require_tensors(operation, A=A)
    matrices("linalg.svd", A)
    floats("linalg.svd", A, low=False, fields=fields)
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
    a derivative that depends on the choice between repeated ones, or on vectors that `full_matrices` adds, raises.

    Raises:
        LinAlgError: no convergence, or elements that are not finite; a derivative that does not exist.
        RuntimeError: no matrices, integers, a `driver`.

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
    check_svd("linalg_svdvals", A, driver, fields=True)
    return singular_values(A)


def singular_values(A):
    """The singular values, with vectors only where a derivative will read them."""
    if A.is_complex():
        return once(singular_values(real_matrix(A)))
    found = spectra.svd(A, False, True)[1:] if A.requires_grad else spectra.svdvals(A)
    _core.check_decomposition(found[-1], "linalg.svd")
    return found[0]


@composed(name="svd", out="exact", returns=("U", "S", "V"))
def old_svd(input, some=True, compute_uv=True, *, out=None):
    """`linalg.svd` as it was called before: A = U diag(S) V^T, with V itself; without `compute_uv` both are zeros.

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
    return U, S, Vh.mT


@composed(name="linalg.qr", method=False, out="exact", returns=("Q", "R"))
def qr(A, mode="reduced", *, out=None):
    """A = Q R: orthonormal columns and an upper triangle.

    (..., m, n) gives Q (..., m, k) and R (..., k, n), where k is the smaller of m and n; in the mode "complete" k is m, and
    in the mode "r" Q is empty. The derivative of a complete Q with more rows than columns does not exist.

    Raises:
        RuntimeError: no matrices, integers, another mode.

    Example:
        >>> Q, R = pb.linalg.qr(pb.tensor([[3., 1.], [4., 1.]]))
        >>> Q @ R
        tensor([[3.0000, 1.0000],
                [4.0000, 1.0000]])
    """
    require_tensors("linalg_qr", A=A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    matrices("linalg.qr", A)
    floats("linalg.qr", A, low=False)
    if mode == "r":
        return A.new_empty(0), spectra.qr(A, False, True)[1]
    return spectra.qr(A, mode == "complete", True)


@composed(name="qr", out="exact", returns=("Q", "R"))
def old_qr(input, some=True, *, out=None):
    """`linalg.qr` as it was called before; without `some` it is complete.

    Raises:
        RuntimeError: no matrices, integers.

    Example:
        >>> pb.qr(pb.eye(1)).R
        tensor([[1.]])
    """
    require_tensors("qr", input=input)
    matrices("linalg.qr", input)
    floats("linalg.qr", input, low=False)
    return spectra.qr(input, not some, True)


@composed(returns=("a", "tau"))
def geqrf(input, *, out=None):
    """LAPACK's form of QR: R in the upper triangle, reflections below it, and their factors: for `householder_product`.

    There is no derivative.

    Raises:
        RuntimeError: no matrices, integers.

    Example:
        >>> pb.geqrf(pb.eye(2)).tau
        tensor([0., 0.])
    """
    require_tensors("geqrf", input=input)
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    floats("geqrf", input, low=False)
    return spectra.geqrf(input)


def check_reflections(operation, A, tau):
    """PyTorch's errors of what takes geqrf's results."""
    require_tensors(operation.rpartition("torch.")[2].replace(".", "_"), input=A, tau=tau)
    if A.ndim < 2:
        raise RuntimeError(f"{operation}: input must have at least 2 dimensions.")
    if operation.endswith("product"):
        if A.shape[-2] < A.shape[-1]:
            raise RuntimeError(
                f"{operation}: input.shape[-2] must be greater than or equal to input.shape[-1]"
            )
        if A.shape[-1] < (tau.shape[-1] if tau.ndim else 0):
            raise RuntimeError(f"{operation}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{operation}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {A.ndim}"
        )
    if tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise RuntimeError(
            f"{operation}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}"
        )
    if tau.dtype != A.dtype:
        raise RuntimeError(f"{operation}: tau dtype {kind(tau)} does not match input dtype {kind(A)}")
    floats(operation, A, low=False)


def reflections(A, tau):
    """V and T of the product of reflections I - V T V^T.

    It is written without the factors of the reflections one by one (C. Puglisi, "Modification of the Householder method based
    on the compact WY representation", SIAM J. Sci. Stat. Comput. 13, 1992), so its derivatives are those of products:
    T is the inverse of diag(1 / tau) + triu(V^T V, 1), and is given as a function that multiplies by it or its transpose.
    """
    k = tau.shape[-1]
    V = lower_columns(A, k)
    inner = (V.mT @ V).triu(1)

    def times(B, transposed=False):
        if transposed:
            return tau[..., :, None] * triangular_solve(inner * tau[..., None, :], B, True, True, True)
        return triangular_solve(tau[..., :, None] * inner, tau[..., :, None] * B, True, False, True)

    return V, times


@composed(name="linalg.householder_product", method=False)
def householder_product(input, tau, *, out=None):
    """The first columns of the product of reflections, as `geqrf` gives them: the Q of QR.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, integers.

    Example:
        >>> A = pb.tensor([[3.], [4.]])
        >>> pb.linalg.householder_product(*pb.geqrf(A))
        tensor([[-0.6000],
                [-0.8000]])
    """
    check_reflections("torch.linalg.householder_product", input, tau)
    V, times = reflections(input, tau)
    n = input.shape[-1]
    start = input.new_ones(input.shape[-2], n).tril().triu()
    return (start - V @ times(V[..., :n, :].mT)).mT.contiguous().mT


@composed
def orgqr(input, input2, *, out=None):
    """`linalg.householder_product` under LAPACK's name.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, integers.

    Example:
        >>> pb.orgqr(*pb.geqrf(pb.tensor([[3.], [4.]])))
        tensor([[-0.6000],
                [-0.8000]])
    """
    return householder_product(input, input2)


@composed(out="exact")
def ormqr(input, input2, input3, left=True, transpose=False, *, out=None):
    """The product of all of Q (m by m), as `geqrf` gives it in `input` and `input2`, or of Q^T, and `input3`.

    Unless `left`, of `input3` and Q.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, integers.

    Example:
        >>> pb.ormqr(*pb.geqrf(pb.tensor([[3.], [4.]])), pb.tensor([[3.], [4.]]), transpose=True)
        tensor([[-5.],
                [ 0.]])
    """
    require_tensors("ormqr", input=input, input2=input2, input3=input3)
    if input.ndim < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    if input3.ndim < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    at = -2 if left else -1
    if input3.shape[at] < input2.shape[-1]:
        raise RuntimeError(f"torch.ormqr: other.shape[{at}] must be greater than or equal to tau.shape[-1]")
    if input3.shape[at] != input.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{at}] must be equal to input.shape[-2]")
    if input2.shape[-1] != min(input3.shape[at], input.shape[-1]):
        raise RuntimeError(
            f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{at}], input.shape[-1])"
        )
    check_reflections("torch.ormqr", input, input2)
    V, times = reflections(input, input2)
    if left:
        found = input3 - V @ times(V.mT @ input3, transpose)
    else:
        found = (input3.mT - V @ times(V.mT @ input3.mT, not transpose)).mT
    return found.mT.contiguous().mT
