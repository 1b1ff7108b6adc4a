"""Determinants, whose derivatives exist for every matrix."""

from .. import _core
from ..operators.creation import arange
from ..operators.declare import composed
from ..operators.stated import decomposition
from .checks import floats, square_floats, squares
from .spectra import svd
from .triangular import eye_like, lu, solve

# A pivot, relative to the largest one, with which inverting costs half of the digits: of a second derivative, where the
# first one is recorded, or else of the first.
SMALL = {4: (3e-6, 1e-3), 8: (1e-12, 1e-5)}  # by the bytes of a real number


@decomposition("A LU pivots -> det", node="LinalgDetBackward0")
class determinant:
    """The gradient is the transposed adjugate matrix. Giles, 2.2.3; where A is singular, see `adjugate`."""

    def pullback(A, LU, pivots, ddet):
        return ddet[..., None, None] * adjugate(A, LU, pivots).mT

    def pushforward(A, LU, pivots, dA):
        return (adjugate(A, LU, pivots).mT * dA).sum((-2, -1))


@decomposition("A LU pivots -> sign logabsdet", node="LinalgSlogdetBackward0")
class log_determinant:
    """The gradient of log |det A| is the transposed inverse. Giles, 2.2.3."""

    def pullback(A, LU, pivots, dlogabsdet):
        if dlogabsdet is None:
            return None
        return dlogabsdet[..., None, None] * inverse(A, LU, pivots).mT

    def pushforward(A, LU, pivots, dA):
        moved = (inverse(A, LU, pivots).mT * dA).sum((-2, -1))
        return moved * 0, moved


def inverse(A, LU, pivots):
    """The inverse, or LinAlgError where there is none, and no derivative of the logarithm."""
    if _core.small_pivots(LU, 0.0):
        raise _core.LinAlgError(
            "linalg.slogdet: the derivative does not exist, since the input matrix is singular. The logarithm of its "
            "determinant is -inf; the determinant itself (linalg.det) has a derivative."
        )
    return solve(A, LU, pivots, eye_like(A), False)


def adjugate(A, LU, pivots):
    """det(A) A^-1, which is a polynomial of A, and is computed so that all its derivatives are right for every A.

    Where A is far from singular, by that formula. Else let the columns of u and v be those singular vectors, k of them, that
    belong to the smallest singular values, and c the largest one. B = A + c u v^T is far from singular. With
    the constants u, v, c the determinant of A = B - c u v^T is det(B) det(K) with K = I - c v^T B^-1 u of k rows
    (the matrix determinant lemma), and by the formula of Sherman, Morrison and Woodbury

        adj(A) = det(B) (det(K) B^-1 + c B^-1 u adj(K) v^T B^-1)

    where adj(K) and det(K) are computed without a division by anything of K, as Faddeev and LeVerrier have it.
    """
    small = SMALL[A.real.element_size()][A.requires_grad and _core.is_grad_enabled()]
    k = _core.small_pivots(LU, small)
    if not k:
        return determinant(A, LU, pivots)[..., None, None] * solve(A, LU, pivots, eye_like(A), False)
    u, s, vh, _ = svd(A.detach(), False, True)
    c = s[..., :1, None] + (s[..., :1, None] == 0)
    # Pivots may be larger than the singular values that they stand for.
    k = max(k, _core.small_pivots(s.diag_embed(), small))
    u, v = u[..., -k:], vh[..., -k:, :].mT
    B = A + c * (u @ v.mT)
    LU, pivots, _ = lu(B.detach())
    left = solve(B, LU, pivots, u, False)
    right = solve(B, LU, pivots, v, True)
    K = eye_like(u.mT) - c * (v.mT @ left)
    adj, det = faddeev_leverrier(K)
    whole = solve(B, LU, pivots, eye_like(A), False)
    found = det[..., None, None] * whole + c * (left @ adj @ right.mT)
    return determinant(B, LU, pivots)[..., None, None] * found


def faddeev_leverrier(K):
    """The adjugate and the determinant of a small matrix, as polynomials of its elements."""
    k = K.shape[-1]
    identity = eye_like(K)
    M = identity + K * 0
    for j in range(1, k):
        product = K @ M
        M = product - identity * (product.diagonal(0, -2, -1).sum(-1)[..., None, None] / j)
    sign = -1 if k % 2 == 0 else 1
    det = (K @ M).diagonal(0, -2, -1).sum(-1) / k * sign
    return M * sign, det


def factors_of(A):
    """The factors of a matrix and their pivots, off the tape."""
    LU, pivots, _ = lu(A.detach())
    return LU, pivots


def complex_log_determinant(A):
    """The direction of the determinant and the logarithm of its size, from the factors, which are variables here."""
    LU, pivots, _ = lu(A)
    diagonal = LU.diagonal(0, -2, -1)
    exchanges = (pivots != arange(1, A.shape[-1] + 1)).sum(-1)
    return diagonal.sgn().prod(-1) * (1 - 2 * (exchanges % 2)), diagonal.abs().log().sum(-1)


@composed(name="linalg.det", method=False, out="exact")
def linalg_det(A, *, out=None):
    """The determinant of a matrix, or of each matrix of a batch: (..., n, n) gives (...).

    Its derivatives, of every order, are right for singular matrices, too.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.linalg.det(pb.tensor([[1., 2.], [3., 4.]]))
        tensor(-2.0000)
        >>> A = pb.tensor([[1., 2.], [2., 4.]], requires_grad=True)
        >>> pb.linalg.det(A).backward()
        >>> A.grad.round(decimals=3)
        tensor([[ 4., -2.],
                [-2.,  1.]])
    """
    square_floats("linalg.det", A, "lu_cpu")
    return determinant(A, *factors_of(A))


@composed(name="linalg.slogdet", method=False, out="exact", returns=("sign", "logabsdet"))
def linalg_slogdet(A, *, out=None):
    """The sign of the determinant, and the logarithm of its absolute value, as `(sign, logabsdet)`.

    It neither overflows nor underflows, as `det` does. Of a singular matrix they are 0 and -inf, and there is no derivative.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones; the derivative at a singular
            matrix.

    Example:
        >>> pb.linalg.slogdet(pb.tensor([[1., 2.], [3., 4.]]))
        pullback.return_types.linalg_slogdet(
        sign=tensor(-1.),
        logabsdet=tensor(0.6931))
    """
    square_floats("linalg.slogdet", A)
    if A.is_complex():
        return complex_log_determinant(A)
    return log_determinant(A, *factors_of(A))


@composed
def logdet(input):
    """The logarithm of the determinant; nan where that is negative, -inf where it is 0.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones; the derivative at a singular
            matrix.

    Example:
        >>> pb.logdet(pb.tensor([[2., 0.], [0., 3.]]))
        tensor(1.7918)
    """
    squares("linalg.det", input)
    floats("logdet", input)
    if input.is_complex():
        sign, logabsdet = complex_log_determinant(input)
        return sign.log() + logabsdet
    sign, logabsdet = log_determinant(input, *factors_of(input))
    return logabsdet.where(sign >= 0, float("nan"))


@composed
def det(input):
    """The determinant, as `linalg.det`.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones.

    Example:
        >>> pb.det(pb.tensor([[2.]]))
        tensor(2.)
    """
    return linalg_det(input)


@composed(out="exact", returns=("sign", "logabsdet"))
def slogdet(input, *, out=None):
    """The sign and the logarithm of the size of the determinant, as `linalg.slogdet`.

    Raises:
        RuntimeError: no square matrices, dtypes other than float32, float64 and complex ones; the derivative at a singular
            matrix.

    Example:
        >>> pb.slogdet(pb.tensor([[2.]])).logabsdet
        tensor(0.6931)
    """
    return tuple(linalg_slogdet(input))
