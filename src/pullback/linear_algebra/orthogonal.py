"""QR, and LAPACK's reflections."""

from ..operators.declare import composed
from . import spectra
from .checks import computed, floats, kind, matrices
from .triangular import lower_columns, triangular_solve


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
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    matrices("linalg.qr", A)
    floats("linalg.qr", A, "geqrf_cpu")
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
    matrices("linalg.qr", input)
    floats("linalg.qr", input, "geqrf_cpu")
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
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    computed("geqrf_cpu", input)
    return spectra.geqrf(input)


def check_reflections(operation, A, tau):
    """PyTorch's errors of what takes geqrf's results."""
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
    computed("ormqr_cpu" if operation.endswith("ormqr") else "orgqr_cpu", A)


def reflections(A, tau):
    """V and T of the product of reflections I - V T V^H.

    It is written without the factors of the reflections one by one (C. Puglisi, "Modification of the Householder method based
    on the compact WY representation", SIAM J. Sci. Stat. Comput. 13, 1992), so its derivatives are those of products:
    T is the inverse of diag(1 / tau) + triu(V^H V, 1), and is given as a function that multiplies by it or its adjoint.
    """
    k = tau.shape[-1]
    V = lower_columns(A, k)
    inner = (V.mH @ V).triu(1)

    def times(B, adjoint=False):
        if adjoint:  # T = diag(tau) (I + inner diag(tau))^-1
            scaled = inner.conj() * tau.conj()[..., None, :]
            return triangular_solve(scaled, tau.conj()[..., :, None] * B, True, True, True)
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
    return (start - V @ times(V[..., :n, :].mH)).mT.contiguous().mT


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
    """The product of all of Q (m by m), as `geqrf` gives it in `input` and `input2`, or of Q^H, and `input3`.

    Unless `left`, of `input3` and Q.

    Raises:
        RuntimeError: shapes that do not fit, different dtypes, integers.

    Example:
        >>> pb.ormqr(*pb.geqrf(pb.tensor([[3.], [4.]])), pb.tensor([[3.], [4.]]), transpose=True)
        tensor([[-5.],
                [ 0.]])
    """
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
        found = input3 - V @ times(V.mH @ input3, transpose)
    else:
        found = (input3.mH - V @ times(V.mH @ input3.mH, not transpose)).mH
    return found.mT.contiguous().mT
