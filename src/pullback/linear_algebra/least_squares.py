"""Least squares and pseudo-inverses."""

from .. import _core
from ..operators.declare import composed
from ..operators.entries import every_entry
from ..operators.stated import decomposition, plus
from . import spectra
from .checks import KERNELS, batches, kind, squares
from .decomposing import decomposed, eigenvalues, singular_values
from .solving import is_vector
from .triangular import hermitian as hermitian_part

EPSILON = {_core.float32: 2.0**-23, _core.float64: 2.0**-52}
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@decomposition("A P0 -> P", node="LinalgPinvBackward0")
class pseudo_inverse:
    """The pseudo-inverse P of A, which has been found, as long as the rank stays what it is.

    dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P. G. H. Golub and V. Pereyra, "The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10, 1973.
    """

    def pullback(A, P, dP):
        g, Pt = dP, P.mH
        first = Pt @ g @ Pt
        twice = (P @ Pt) @ g  # then times I - A P
        once = (g @ Pt) @ P  # before it I - P A
        return (twice - twice @ A @ P).mH + (once - P @ (A @ once)).mH - first

    def pushforward(A, P, dA):
        first = P @ dA @ P
        twice = (P @ P.mH) @ dA.mH
        once = dA.mH @ (P.mH @ P)
        return twice - twice @ A @ P + once - P @ (A @ once) - first


@decomposition("A B X0; rcond -> X", node="LinalgLstsqBackward0")
class least_squares:
    """The X of least norm of those for which A X is nearest to B, which has been found.

    As P B with the pseudo-inverse P of A; Golub and Pereyra. The residual B - A X is small where the system fits.
    """

    def pullback(A, B, X, dX, rcond):
        P = pseudo_inverse_of(A, rcond)
        g = P.mH @ dX

        def by_matrix():
            rest, lost = B - A @ X, dX - A.mH @ g  # (I - P A) dX
            return rest @ (P @ g).mH + (P.mH @ X) @ lost.mH - g @ X.mH

        return by_matrix, g, None

    def pushforward(A, B, X, dA, dB, rcond):
        P = pseudo_inverse_of(A, rcond)
        moved = None if dB is None else P @ dB
        if dA is not None:
            inside = dA.mH @ (P.mH @ X)
            found = P @ (P.mH @ (dA.mH @ (B - A @ X)) - dA @ X) + inside - P @ (A @ inside)
            moved = plus(moved, found)
        return moved


@decomposition("A B; driver rcond -> X rank values info")
class nearest:
    """What LAPACK finds; it is called without the tape."""

    def pullback(X):
        return None

    def pushforward(X):
        return None


def epsilon(A):
    """The rounding of A's dtype."""
    return EPSILON[A.real.dtype]


def pseudo_inverse_of(A, rtol, atol=0.0, hermitian=False):
    """The pseudo-inverse, in which singular values up to the larger tolerance count as 0."""
    if hermitian:
        w, V, info = spectra.eigh(A.detach(), False, True)
        _core.check_decomposition(info, "linalg.eigh")
        sizes = w.abs()
        largest = sizes.amax(-1, keepdim=True) if w.shape[-1] else sizes
        left, right, values, A = V, V.mH, w, hermitian_part(A)
    else:
        U, S, Vh = decomposed(A.detach(), False)
        left, right, values, sizes, largest = Vh.mH, U.mH, S, S, S[..., :1]
    kept = sizes > limit(largest, atol, rtol)
    inverses = values.masked_fill(~kept, 1.0).reciprocal().masked_fill(~kept, 0.0)
    return pseudo_inverse(A, (left * inverses[..., None, :]) @ right)


def limit(largest, atol, rtol):
    """The larger of both tolerances, each a number or a tensor of one number a matrix."""
    relative = largest * (rtol[..., None] if isinstance(rtol, _core.Tensor) else rtol)
    if isinstance(atol, _core.Tensor):
        return relative.maximum(atol[..., None].to(relative.dtype))
    return relative.clamp(min=atol)


def tolerances(A, atol, rtol):
    """Both of them: without an absolute one the relative one is the rounding of a matrix of this size."""
    if rtol is None:
        size = epsilon(A) * max(A.shape[-2:])
        if isinstance(atol, _core.Tensor):
            rtol = (A.real.new_zeros(()) + size).expand(atol.shape).masked_fill(atol > 0, 0.0)
        else:
            rtol = 0.0 if atol is not None and atol > 0 else size
    return 0.0 if atol is None else atol, rtol


@composed(name="linalg.pinv", method=False)
def pinv(input, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """The pseudo-inverse of Moore and Penrose: (..., m, n) gives (..., n, m).

    Singular values up to `max(atol, rtol * the largest one)` count as 0; `rtol` is the rounding of the dtype times the
    larger size where there is no `atol`, and each is a number or a tensor of a number a matrix. `rcond` is `rtol` as it was
    called before. With `hermitian` the matrix is symmetric, or Hermitian, and its lower triangle is read.

    The derivative is that among matrices of the same rank.

    Raises:
        LinAlgError: elements that are not finite.
        RuntimeError: no matrices, integers; with `hermitian`, no square ones.

    Example:
        >>> pb.linalg.pinv(pb.tensor([[1.], [1.]]))
        tensor([[0.5000, 0.5000]])
    """
    if input.ndim < 2 or input.dtype not in KERNELS:
        raise RuntimeError(
            f"linalg.pinv({kind(input)}{{{list(input.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or cdouble types"
        )
    if hermitian:
        squares("linalg.eigh", input)
    if not input.numel():
        return input.new_empty((*input.shape[:-2], input.shape[-1], input.shape[-2]))
    atol, rtol = tolerances(input, atol, rtol if rcond is None else rcond)
    return pseudo_inverse_of(input, rtol, atol, hermitian)


@composed
def pinverse(input, rcond=1e-15):
    """`linalg.pinv` as it was called before.

    Raises:
        LinAlgError: elements that are not finite.
        RuntimeError: no matrices, integers.

    Example:
        >>> pb.pinverse(pb.tensor([[2.]]))
        tensor([[0.5000]])
    """
    return pinv(input, rcond)


@composed(name="linalg.matrix_rank", method=False)
def matrix_rank(input, tol=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """How many singular values are larger than `max(atol, rtol * the largest one)`; `pinv` has the defaults.

    `tol` is an absolute tolerance, as NumPy has it. With `hermitian` the sizes of eigenvalues count.

    Raises:
        LinAlgError: elements that are not finite.
        RuntimeError: no matrices, integers; with `hermitian`, no square ones.

    Example:
        >>> pb.linalg.matrix_rank(pb.ones(2, 2))
        tensor(1)
    """
    if input.ndim < 2:
        raise RuntimeError(
            "torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions."
        )
    if input.dtype not in KERNELS:
        raise RuntimeError("This function doesn't handle types other than float and double")
    A = input.detach()
    if not A.numel():
        return A.new_zeros(tuple(A.shape[:-2])).to(_core.int64)
    if hermitian:
        squares("linalg.eigh", A)
        sizes = eigenvalues(A).abs()
    else:
        sizes = singular_values(A)
    if tol is not None:
        bound = tol[..., None] if isinstance(tol, _core.Tensor) else tol
    else:
        atol, rtol = tolerances(A, atol, rtol)
        bound = limit(sizes.amax(-1, keepdim=True), atol, rtol)
    return (sizes > bound).sum(-1)


@composed(
    name="linalg.lstsq",
    method=False,
    returns=("solution", "residuals", "rank", "singular_values"),
    kinds={"b": "T"},
)
def lstsq(input, b, rcond=None, *, driver=None):
    """The X for which A X is nearest to B, of least norm if there are many: `(solution, residuals, rank, singular_values)`.

    A is (..., m, n), B is (..., m, k), or (..., m) for one right-hand side. `driver` is LAPACK's: "gelsy" (QR with pivots, the
    default), "gels" (QR, for full rank), "gelsd" or "gelss" (singular values). Singular values up to `rcond` times the
    largest count as 0. The residuals are sums of squares, and empty where m <= n or the rank is smaller than n, and for
    "gelsy"; rank and singular values are empty where the driver does not find them. The solution and
    the residuals have derivatives.

    Raises:
        LinAlgError: no convergence.
        RuntimeError: shapes that do not fit, different dtypes, integers and halves, another driver.

    Example:
        >>> A, b = pb.tensor([[1., 0.], [1., 1.], [1., 2.]]), pb.tensor([[1.], [3.], [5.]])
        >>> pb.linalg.lstsq(A, b).solution
        tensor([[1.0000],
                [2.0000]])
    """
    A, operation = input, "torch.linalg.lstsq"
    if A.ndim < 2:
        raise RuntimeError(f"{operation}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{operation}: other must have at least 1 dimension.")
    if A.dtype != b.dtype:
        raise RuntimeError(
            f"{operation}: Expected input and other to have the same dtype, but got input's dtype {kind(A)} and other's "
            f"dtype {kind(b)}"
        )
    if not 0 <= A.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"{operation}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    if driver is not None and driver not in DRIVERS:
        raise RuntimeError(f"{operation}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    driver = driver or "gelsy"
    if A.dtype not in KERNELS:
        raise RuntimeError("This function doesn't handle types other than float and double")
    vector = is_vector(A, b)
    B = b.unsqueeze(-1) if vector else b
    if B.shape[-2] != A.shape[-2]:
        raise RuntimeError(f"{operation}: input.size({-2}) should match other.size({-1 if vector else -2})")
    batches(A, B)
    m, n = A.shape[-2:]
    if (
        driver in ("gelsd", "gelss") and not every_entry(A.detach()).isfinite().all()
    ):  # LAPACK's iteration may not end
        raise RuntimeError(f"{operation}: input tensor should not contain infs or NaNs.")
    rcond = epsilon(A) * max(m, n) if rcond is None else rcond
    whole, rank, values, info = nearest(A.detach(), B.detach(), DRIVERS.index(driver), rcond)
    _core.check_decomposition(info, "torch.linalg.lstsq")
    solution = least_squares(A, B, whole[..., :n, :], rcond)
    residuals = empty = A.new_empty(0, dtype=A.real.dtype)
    full = driver == "gels" or (driver != "gelsy" and not _core.holds_anywhere(rank != n))
    if m > n and full:
        residuals = (B - A @ solution).abs().square().sum(-2)
    return (
        solution.squeeze(-1) if vector else solution,
        residuals,
        rank if driver != "gels" else empty.to(_core.int64),
        values if driver in ("gelsd", "gelss") else empty,
    )
