"""Singular values of low rank from random projections.

N. Halko, P.-G. Martinsson, J. A. Tropp, "Finding structure with randomness: probabilistic algorithms for constructing
approximate matrix decompositions", 2009: algorithms 4.4 and 5.1. All of it is recorded, so that derivatives are those of what
is computed.
"""

from .. import _core, linear_algebra
from ..operators.declare import FUNCTIONS, composed

__all__ = ["pca_lowrank", "svd_lowrank"]

del linear_algebra  # it has declared these
qr, svd = FUNCTIONS["linalg.qr"], FUNCTIONS["linalg.svd"]
randn = FUNCTIONS["randn"]


def _basis(A, q, niter):
    """An orthonormal basis of about what A maps to, of q vectors."""
    drawn = randn(A.shape[-1], q, dtype=A.dtype)
    Q = qr(A @ drawn)[0]
    for _ in range(niter):
        Q = qr(A.mH @ Q)[0]
        Q = qr(A @ Q)[0]
    return Q


def _decomposed(A, q, niter):
    tall = A.shape[-2] >= A.shape[-1]
    A = A if tall else A.mH
    Q = _basis(A, q, niter)
    U, S, Vh = svd(Q.mH @ A, False)
    U, V = Q @ U, Vh.mH
    return (U, S, V) if tall else (V, S, U)


def _floating(operation, A):
    if A.ndim < 2:
        raise RuntimeError(
            f"{operation}: The input tensor A must have at least 2 dimensions. It has {A.ndim}."
        )
    return A if A.is_floating_point() or A.is_complex() else A.to(_core.get_default_dtype())


@composed(method=False)
def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V) with U diag(S) V^H about the matrix A [..., m, n], or A - M: its `q` largest singular values.

    A is projected to what it makes of `q` random vectors, after `niter` steps towards its largest singular vectors, and that is
    decomposed. Ask for a few more than are needed. U is [..., m, q], S [..., q], V [..., n, q]. Integers are taken in the
    default dtype.

    Derivative: of what is computed, of every order, as long as the singular values differ.
    Raises RuntimeError for fewer than 2 dimensions.

    Example:
        >>> A = pb.outer(pb.tensor([3.0, 4.0, 0.0]), pb.tensor([0.6, 0.8]))
        >>> U, S, V = pb.svd_lowrank(A, 1)
        >>> pb.allclose(S, pb.tensor([5.0])), pb.allclose(U * S @ V.mT, A, atol=1e-5)
        (True, True)
    """
    A = _floating("svd_lowrank", A)
    return _decomposed(A if M is None else A - M, 6 if q is None else q, 2 if niter is None else niter)


@composed(method=False)
def pca_lowrank(A, q=None, center=True, niter=2):
    """`svd_lowrank` of a matrix of samples [..., m, n] less their mean: V has the principal directions, S^2 / (m - 1) their
    variances.

    `q` is min(6, m, n) unless it is given. Without `center` the samples are taken as they are.

    Raises:
        ValueError: `q` beyond the sizes of the matrix, or a negative `niter`.
        RuntimeError: fewer than 2 dimensions.

    Example:
        >>> samples = pb.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
        >>> pb.allclose(pb.pca_lowrank(samples, 1)[1] ** 2 / 2, pb.tensor([2.0]))
        True
    """
    A = _floating("pca_lowrank", A)
    least = min(A.shape[-2:])
    if q is None:
        q = min(6, least)
    elif not 0 <= q <= least:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={least}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return _decomposed(A - A.mean(-2, keepdim=True) if center else A, q, niter)
