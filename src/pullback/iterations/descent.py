"""The largest or smallest eigenvalues of A x = w B x by products with A and B.

A. V. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block preconditioned conjugate gradient
method", 2001. A step looks for the best vectors in the span of those that there are, of their residuals, and of the last step;
the basis of that span is made orthonormal by its Gram matrix (A. Stathopoulos, K. Wu, "A block orthogonalization procedure
with constant synchronization requirements", 2002). The criterion to stop is that of J. A. Duersch et al., "A robust and efficient
implementation of LOBPCG", 2018. Derivatives know of none of that: an eigenpair is the root of A x = w B x, x^T B x = 1.
"""

import math
from types import SimpleNamespace

from .. import _core, linear_algebra
from ..autograd import no_grad
from ..func.implicit import custom_root
from ..operators.declare import FUNCTIONS, composed

__all__ = ["lobpcg"]

del linear_algebra  # it has declared this
eigh = FUNCTIONS["linalg.eigh"]
cat, randn, stack = (FUNCTIONS[name] for name in ("cat", "randn", "stack"))

PRECISION = {_core.float32: 1.2e-07, _core.float64: 2.23e-16}


def _times(matrix, x):
    return x if matrix is None else matrix @ x


def _basis(S, B):
    """A basis of the span of the columns of S that is orthonormal by B, without what rounding alone tells apart."""
    for _ in range(2):
        gram = S.mT @ _times(B, S)
        scale = gram.diagonal().clamp(min=0).rsqrt()
        scale = scale.where(scale.isfinite(), 0.0)
        values, vectors = eigh(gram * scale * scale.unsqueeze(1))
        kept = values > values[-1] * len(values) * PRECISION[S.dtype]
        S = S * scale @ (vectors[:, kept] * values[kept].rsqrt())
    return S


def _ritz(A, S, largest):
    """The eigenvalues of A on the span of an orthonormal S, the wanted ones first, and their vectors in that basis."""
    values, vectors = eigh(S.mT @ (A @ S))
    return (values.flip(0), vectors.flip(1)) if largest else (values, vectors)


def _search(A, B, X, iK, k, niter, tol, largest, tracker, batch_index):
    """(eigenvalues, eigenvectors) of matrices without history, k of them."""
    worker = SimpleNamespace(
        A=A,
        B=B,
        iK=iK,
        ivars={"istep": 0, "iterations_left": niter, "converged_count": 0},
        fvars={},
        bvars={"force_stop": False},
        tvars={},
        iparams={"m": X.shape[0], "n": X.shape[1], "k": k, "niter": niter, "batch_index": batch_index},
        fparams={"tol": tol},
        bparams={"largest": largest},
        method="ortho",
    )
    n = X.shape[1]
    size = X.norm()
    norms = {"A_norm": ((A @ X).norm() / size).item(), "B_norm": (_times(B, X).norm() / size).item()}
    worker.fvars |= {"X_norm": size.item(), **norms}
    S, step = X, None
    while True:
        basis = _basis(S, B)
        values, vectors = _ritz(A, basis, largest)
        before, X = X, basis @ vectors[:, :n]
        E = values[:n]
        BX = _times(B, X)
        R = A @ X - BX * E
        if step is not None:  # the part of the step that the vectors before it do not have
            step = X - before @ (before.mT @ BX)
        else:
            step = X[:, :0]
        error = R.norm(dim=0) / (X.norm(dim=0) * (norms["A_norm"] + E.abs() * norms["B_norm"]))
        count = (~(error < tol)).tolist()
        count = count.index(True) if True in count else n
        worker.E, worker.X, worker.R, worker.S, worker.tvars["rerr"] = E, X, R, basis, error
        worker.ivars["converged_count"] = count
        worker.ivars["iterations_left"] -= 1
        if tracker is not None:
            tracker(worker)
        worker.ivars["istep"] += 1
        if count >= k or worker.ivars["iterations_left"] <= 0 or worker.bvars["force_stop"]:
            return worker.E[:k], worker.X[:, :k]
        S = cat([X, _times(iK, R[:, count:]), step], 1)


def _pair(A, B, value, vector):
    """An eigenvalue and its vector, as a function of A and B."""

    def equations(pair, A, B):
        w, x = pair
        Bx = _times(B, x)
        return (x @ Bx - 1) / 2, A @ x - w * Bx

    return custom_root(equations, (value, vector), A, B, solve=lambda f, x0: x0, check=False, symmetric=False)


def _one(A, B, X, iK, k, n, niter, tol, largest, tracker, batch_index=None):
    m = A.shape[-1]
    X = randn(m, n, dtype=A.dtype) if X is None else X
    if tuple(X.shape) != (m, n):
        raise AssertionError(f"X shape mismatch: got {X.shape}, expected {(m, n)}")
    detached = lambda t: None if t is None else t.detach()
    with no_grad():
        values, vectors = _search(
            A.detach(), detached(B), X.detach(), detached(iK), k, niter, tol, largest, tracker, batch_index
        )
    A = (A + A.mT) / 2  # so that gradients are symmetric
    B = None if B is None else (B + B.mT) / 2
    pairs = [_pair(A, B, values[i], vectors[:, i].contiguous()) for i in range(k)]
    return stack([w for w, _ in pairs]), stack([x for _, x in pairs], 1)


@composed(method=False)
def lobpcg(
    A,
    k=None,
    B=None,
    X=None,
    n=None,
    iK=None,
    niter=None,
    tol=None,
    largest=None,
    method=None,
    tracker=None,
    ortho_iparams=None,
    ortho_fparams=None,
    ortho_bparams=None,
):
    """(eigenvalues [..., k], eigenvectors [..., m, k]) of symmetric matrices A [..., m, m]: the largest ones, or the smallest.

    Args:
        k: how many, the number of columns of X by default, or 1.
        B: a symmetric positive definite matrix of the same shape: the problem is A x = w B x.
        X: where the search begins, [m, n]; drawn by `randn` otherwise.
        n: how many are looked for; k of them are given.
        iK: a preconditioner [m, m], about the inverse of A.
        niter: steps, 1000 by default.
        tol: how small the residual must be, relatively; the square root of the dtype's precision by default.
        largest: True by default.
        tracker: called after each step with an object that has `X`, `E`, `R`, `ivars`, `fvars` and `tvars`; it may set
            ``bvars["force_stop"]``.
        method, ortho_iparams, ortho_fparams, ortho_bparams: change nothing; there is one method.

    Derivative: in A and B, of every order, where the eigenvalue is simple; gradients are symmetric. Those of PyTorch know no B.

    Raises:
        ValueError: fewer than 3 n rows.
        AssertionError: matrices that are not square, or of other shapes.
        TypeError: dtypes other than float32 and float64.

    Example:
        >>> A = pb.diag(pb.arange(1.0, 10.0))
        >>> values, vectors = pb.lobpcg(A, k=2, X=pb.eye(9)[:, -2:] + 0.1)
        >>> values
        tensor([9.0000, 8.0000])
        >>> vectors.shape
        pullback.Size([9, 2])
    """
    if A.ndim < 2 or A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape} vs {B.shape}")
    if A.dtype not in PRECISION:
        raise TypeError(
            f"lobpcg takes float32 and float64, not {A.dtype}. Whole numbers: A.to(pullback.float32)."
        )
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of requested "
            f"eigenpairs (={n}): linalg.eigh finds all of them."
        )
    if X is None and _core.open_maps():  # drawn as the vmap wants it, before entries are looked at one by one
        X = randn(*A.shape[:-1], n, dtype=A.dtype)
        return lobpcg(
            A,
            k,
            B,
            X,
            n,
            iK,
            niter,
            tol,
            largest,
            method,
            tracker,
            ortho_iparams,
            ortho_fparams,
            ortho_bparams,
        )
    niter = 1000 if niter is None else niter
    tol = math.sqrt(PRECISION[A.dtype]) if tol is None else tol
    options = (iK, k, n, niter, tol, largest is None or largest, tracker)
    if A.ndim == 2:
        return _one(A, B, X, *options)
    rows = lambda t: None if t is None else t.reshape(-1, *t.shape[-2:])
    As, Bs, Xs = rows(A), rows(B), rows(X)
    each = [
        _one(As[i], Bs if Bs is None else Bs[i], Xs if Xs is None else Xs[i], *options, i)
        for i in range(len(As))
    ]
    values, vectors = stack([w for w, _ in each]), stack([x for _, x in each])
    return values.reshape(*A.shape[:-2], k), vectors.reshape(*A.shape[:-2], m, k)
