"""Derivatives of eigenvalues, singular values, QR, and their vectors. Pullbacks are stated with adjoints, as the papers have
them: nothing around them conjugates.

Values that are repeated, up to rounding, have no vectors of their own: any basis of their space will do, and its derivative
does not exist. A cotangent that asks for it raises; one that does not reach such vectors is right. A tangent of such
vectors is nan. Values alone are differentiated without a look at the gaps between them, so what depends on all of them
alike, as a sum does, has the right derivative there.
"""

from .. import _core
from ..operators.joining import cat
from ..operators.stated import decomposition, plus
from .triangular import eye_like, hermitian, lu, right_solve, solve

ROUNDING = {_core.float32: 2e-6, _core.float64: 4e-15}  # relative to all values: what is nearer is the same


def rounding(values):
    """What is nothing beside these values, as a column of one number a matrix."""
    sizes = values.detach().abs()
    return (sizes.sum(-1) * ROUNDING[sizes.dtype])[..., None, None]


def differences(w):
    """w_j - w_i."""
    return w[..., None, :] - w[..., :, None]


def split(values, gaps, closed):
    """Values by gaps, 0 where a gap is closed: on the diagonal, and between values that are the same."""
    return (values / gaps.masked_fill(closed, 1.0)).masked_fill(closed, 0.0)


def reached(values, closed, diagonal=False):
    """Where something beside the diagonal, or on it, too, asks for what is divided by nothing."""
    values = values.detach()
    values = (values if diagonal else off_diagonal(values)).abs()
    return closed & (values > rounding(values.flatten(-2)))


def off_diagonal(A):
    """A with zeros on its diagonal."""
    return A - A.diagonal(0, -2, -1).diag_embed()


def refuse_phase(turned, cotangents, values, operation, vectors):
    """PyTorch's error where a loss depends on the phases of vectors: its derivative along them, the imaginary diagonal of
    `turned`, is not 0 beside their cotangents, nor what rounding leaves of these where they should be 0."""
    turned = turned.detach()
    if not turned.is_complex():
        return
    sizes = sum(g.detach().abs().sum((-2, -1)) for g in cotangents if g is not None)
    nothing = 100 * (rounding(values)[..., 0] + rounding(values * 0 + 1)[..., 0])
    if _core.holds_anywhere(
        turned.diagonal(0, -2, -1).imag.abs() > (1e-3 * sizes)[..., None].maximum(nothing)
    ):
        raise RuntimeError(
            f"{operation}_backward: The {vectors} in the complex case are specified up to multiplication by e^{{i phi}}. The "
            "specified loss function depends on this choice, so it has no derivative: use what does not, such as abs()."
        )


def refuse(mask, operation, why):
    """LinAlgError if the mask holds anywhere, in any entry of a batch."""
    if _core.holds_anywhere(mask):
        raise _core.LinAlgError(f"{operation}: the derivative does not exist, since {why}.")


def refuse_repeated(mask, operation, values, vectors):
    """LinAlgError where vectors of repeated values are asked for."""
    refuse(
        mask,
        operation,
        f"{values} of the input matrix are repeated, and the choice of their {vectors} matters",
    )


@decomposition("A; upper vectors -> w V info", node="LinalgEighBackward0")
class eigh:
    """A = V diag(w) V^H, where one triangle of A stands for a Hermitian matrix.

    dw = diag(V^H dA V), dV = V (E * (V^H dA V)) with E_ij = 1 / (w_j - w_i) beside the diagonal. Giles, 3.1; J. R. Magnus,
    "On differentiating eigenvalues and eigenvectors", Econometric Theory 1, 1985.
    """

    def pullback(w, V, dw, dV):
        inner = None if dw is None else dw.diag_embed()
        if dV is not None:
            turned, gaps = V.mH @ dV, differences(w)
            closed = gaps.detach().abs() <= rounding(w)
            refuse_repeated(reached(turned, closed), "linalg.eigh", "eigenvalues", "eigenvectors")
            refuse_phase(turned, (dV,), w, "linalg_eigh", "eigenvectors")
            inner = plus(inner, split(turned, gaps, closed))
        return None if inner is None else hermitian(V @ inner.to(V.dtype) @ V.mH)

    def pushforward(w, V, dA):
        turned, gaps = V.mH @ hermitian(dA) @ V, differences(w)
        closed = gaps.detach().abs() <= rounding(w)
        moved = split(turned, gaps, closed).masked_fill(reached(turned, closed), float("nan"))
        return turned.diagonal(0, -2, -1).real, V @ moved, None


@decomposition("A; full vectors -> U S Vh info", node="LinalgSvdBackward0")
class svd:
    """A = U diag(S) Vh.

    With the Hermitian and the skew-Hermitian part Y and Z of U^H dA V: dS = diag(Y), and
    dU = U (Y / (s_j - s_i) + Z / (s_j + s_i)), dV = V (Y / (s_j - s_i) - Z / (s_j + s_i)), where Y counts beside the
    diagonal, plus what leaves the spaces of U and V. J. Townsend, "Differentiating the singular value decomposition",
    2016, whose one fraction over s_j^2 - s_i^2 is taken apart, so that where sums of singular values count their differences
    do not; of complex matrices Z.-Q. Wan and S.-X. Zhang, "Automatic differentiation for complex valued SVD",
    arXiv:1909.02659, 2019. A common phase of u_i and v_i is free; that of one against the other is Z's diagonal.

    A singular value that is 0 has a kink there; its derivative is 0, the subgradient of least norm.
    """

    def pullback(U, S, Vh, dU, dS, dVh):
        k = S.shape[-1]
        U, dU = narrowed(U, dU, k)
        V, dV = narrowed(Vh.mH, None if dVh is None else dVh.mH, k)
        inner, zero = None, vanishing(S)
        if dS is not None:
            inner = dS.masked_fill(zero, 0.0).diag_embed()
        X = None if dU is None else U.mH @ dU
        W = None if dV is None else V.mH @ dV
        if X is not None or W is not None:
            X = W * 0 if X is None else X
            W = X * 0 if W is None else W
            # By the symmetric part both bases turn alike, by the other one against each other.
            alike, against = skew(X + W), skew(X - W)
            gaps, sums, equal, gone = apart(S)
            asked = X.detach().abs() + W.detach().abs()
            refused = reached(asked, equal) | reached(asked, gone) | reached(against, gone, True)
            refuse_repeated(refused, "linalg.svd", "singular values", "singular vectors")
            refuse_phase(alike, (dU, dV), S, "svd", "singular vectors")
            inner = plus(inner, split(alike, gaps, equal) + split(against, sums, gone))
        found = None if inner is None else U @ inner.to(U.dtype) @ V.mH
        if dU is not None and U.shape[-2] > k:
            found = plus(found, by_values(dU - U @ X, S, zero) @ V.mH)
        if dV is not None and V.shape[-2] > k:
            found = plus(found, U @ by_values(dV - V @ W, S, zero).mH)
        return found

    def pushforward(U, S, Vh, dA):
        m, n, k = U.shape[-2], Vh.shape[-1], S.shape[-1]
        if U.shape[-1] > k or Vh.shape[-2] > k:
            full_U, full_Vh = U, Vh
            U, Vh = U[..., :, :k], Vh[..., :k, :]
        else:
            full_U = full_Vh = None
        V = Vh.mH
        inner, zero = U.mH @ dA @ V, vanishing(S)
        Y, Z = hermitian(inner), skew(inner)
        gaps, sums, equal, gone = apart(S)
        nan = float("nan")
        alike = split(Y, gaps, equal).masked_fill(reached(Y, equal), nan)
        against = split(Z, sums, gone).masked_fill(reached(Z, gone, True), nan)
        dU, dV = U @ (alike + against), V @ (alike - against)
        if m > k:
            dU = dU + by_values(dA @ V - U @ inner, S, zero, nan)
        if n > k:
            dV = dV + by_values(dA.mH @ U - V @ inner.mH, S, zero, nan)
        if full_U is not None:
            dU, dV = completed(full_U, U, dU), completed(full_Vh.mH, V, dV)
        return dU, inner.diagonal(0, -2, -1).real.masked_fill(zero, 0.0), dV.mH, None


def vanishing(S):
    """Which singular values are 0, up to rounding."""
    return S.detach() <= rounding(S)[..., 0]


def apart(S):
    """Differences and sums of singular values, and which of both are 0, up to rounding."""
    gaps, sums, nothing = differences(S), S[..., None, :] + S[..., :, None], rounding(S)
    return gaps, sums, gaps.detach().abs() <= nothing, sums.detach() <= nothing


def skew(A):
    """The skew-Hermitian part of a matrix: of a real one the antisymmetric part."""
    return (A - A.mH) / 2


def narrowed(U, dU, k):
    """The first k vectors of a basis, and their cotangents; those beyond are chosen, not determined."""
    if dU is not None and U.shape[-1] > k:
        refuse(
            dU[..., :, k:].detach() != 0,
            "linalg.svd",
            "the result depends on singular vectors that full_matrices=True adds, which are any basis of the rest",
        )
        dU = dU[..., :, :k]
    return U[..., :, :k], dU


def by_values(A, S, zero, otherwise=None):
    """Columns by singular values. Where one is 0 and the column is not there is no derivative."""
    S, zero = S[..., None, :], zero[..., None, :]
    lost = zero & (A.detach().abs() > rounding(A.flatten(-2)))
    if otherwise is None:
        refuse(
            lost,
            "linalg.svd",
            "singular values of the input matrix are 0, and the choice of their vectors matters",
        )
    found = (A / S.masked_fill(zero, 1.0)).masked_fill(zero, 0.0)
    return found if otherwise is None else found.masked_fill(lost, otherwise)


def completed(full, basis, moved):
    """How a basis of the whole space turns: the vectors that were added stay orthogonal to those that move."""
    k = basis.shape[-1]
    if full.shape[-1] == k:
        return moved
    added = full[..., :, k:]
    return cat([moved, -(basis @ (moved.mH @ added))], -1)


@decomposition("A; complete with_q -> Q R", node="LinalgQrBackward0")
class qr:
    """A = Q R.

    With C = Q^H dA R^-1 and the skew-Hermitian matrix W of C's lower triangle: dR = (C - W) R, and dQ is what is left of
    dA R^-1. R's diagonal is real. S. F. Walter, L. Lehmann and R. Lamour, "On evaluating higher-order derivatives of the QR
    decomposition of tall matrices with full column rank in forward and reverse mode algorithmic differentiation", Optimization
    Methods and Software 27, 2012; of wide matrices J. Roberts and L. Roberts, "QR and LQ decomposition matrix backpropagation
    algorithms for square, wide, and deep matrices", arXiv:2009.10071, 2020.
    """

    def pullback(Q, R, dQ, dR):
        m, p, n = Q.shape[-2], Q.shape[-1], R.shape[-1]
        refuse_complete(m, p, n)
        if n <= p:
            return right_solve(R.conj(), tall_pull(Q, R, dQ, dR), True)
        R1, R2 = R[..., :, :p], R[..., :, p:]
        if dR is None:
            left, beside, dR1 = dQ, None, None
        else:
            dR1, dR2 = dR[..., :, :p], dR[..., :, p:]
            beside = Q @ dR2
            left = plus(dQ, Q @ (R2 @ dR2.mH))
        found = right_solve(R1.conj(), tall_pull(Q, R1, left, dR1), True)
        return cat([found, R2.new_zeros(1) * (Q @ R2) if beside is None else beside], -1)

    def pushforward(Q, R, dA):
        m, p, n = Q.shape[-2], Q.shape[-1], R.shape[-1]
        refuse_complete(m, p, n)
        k = min(p, n)
        R1 = R[..., :, :k]
        B = right_solve(R1, dA[..., :, :k], False)
        C = Q.mH @ B
        inner = by_real_diagonal(C - C.tril(-1)) + C.tril(-1).mH
        dQ, dR = B - Q @ inner, inner @ R1
        if n > p:
            dR = cat([dR, Q.mH @ (dA[..., :, p:] - dQ @ R[..., :, p:])], -1)
        return dQ, dR


def tall_pull(Q, R, dQ, dR):
    """What comes to A, times R^H."""
    M = None if dR is None else R @ dR.triu().mH
    if dQ is not None:
        M = plus(M, -(dQ.mH @ Q))
    M = by_real_diagonal(M.tril()) + M.tril(-1).mH
    return plus(dQ, Q @ M)


def by_real_diagonal(A):
    """A with what is real of its diagonal."""
    return A - A.diagonal(0, -2, -1).imag.diag_embed() * 1j if A.is_complex() else A


def refuse_complete(m, p, n):
    """PyTorch's error where Q has columns that A does not determine."""
    if p == m and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols. The columns that are "
            "added are any basis of the rest: use mode='reduced'."
        )


@decomposition("A -> a tau", node="GeqrfBackward0")
class geqrf:
    """LAPACK's reflections. PyTorch has no derivative of it either."""

    def pullback(da, dtau):
        raise NotImplementedError("the derivative for 'geqrf' is not implemented. linalg.qr has one.")

    def pushforward(dA):
        raise NotImplementedError("Trying to use forward AD with geqrf that does not support it.")


@decomposition("A; upper -> w info", node="LinalgEighBackward0")
class eigvalsh:
    """The eigenvalues by themselves; a derivative decomposes A once more, with vectors."""

    def pullback(A, dw, upper):
        _, V, _ = eigh(A, upper, True)
        return hermitian(V @ (dw[..., :, None] * V.mH))

    def pushforward(A, dA, upper):
        _, V, _ = eigh(A, upper, True)
        return (V.conj() * (hermitian(dA) @ V)).sum(-2).real, None


@decomposition("A -> S info", node="LinalgSvdBackward0")
class svdvals:
    """The singular values by themselves; a derivative decomposes A once more, with vectors."""

    def pullback(A, dS):
        U, S, Vh, _ = svd(A, False, True)
        return U @ (dS.masked_fill(vanishing(S), 0.0)[..., :, None] * Vh)

    def pushforward(A, dA):
        U, S, Vh, _ = svd(A, False, True)
        moved = (U.conj() * (dA @ Vh.mH)).sum(-2).real
        return moved.masked_fill(vanishing(S), 0.0), None


@decomposition("A; real vectors -> w V info", node="LinalgEigBackward0")
class eig:
    """A V = V diag(w), where the columns of V have the length 1. Of a `real` A both are complex as well.

    With P = V^-1 dA V and E_ij = 1 / (w_j - w_i) beside the diagonal: dw = diag(P), and dV is V (E * P) without what would
    change lengths. Giles, 3.1, for the values; C. Boeddeker, P. Hanebrink, L. Drude, J. Heymann and R. Haeb-Umbach, "On the
    computation of complex-valued gradients with application to statistically optimum beamforming", arXiv:1701.00392, 2017.
    """

    def pullback(w, V, dw, dV, real):
        inverse, factors = inverted_basis(w, V, dw is not None)
        inner = None if dw is None else dw.diag_embed()
        if dV is not None:
            turned, gaps = V.mH @ dV, differences(w)
            closed = gaps.detach().abs() <= eigenvalue_errors(w, inverse)
            refuse_phase(turned, (dV,), w, "linalg_eig", "eigenvectors")
            turned = turned - (V.mH @ V) * turned.diagonal(0, -2, -1).real[..., None, :]
            refuse_repeated(reached(turned, closed), "linalg.eig", "eigenvalues", "eigenvectors")
            inner = plus(inner, split(turned, gaps.conj(), closed))
        if inner is None:
            return None
        found = solve(V.conj(), *conjugate_factors(factors), inner @ V.mH, True)  # V^-H inner V^H
        return found.real if real else found

    def pushforward(w, V, dA):
        inverse, factors = inverted_basis(w, V, True)
        turned = solve(V, *factors, dA.to(V.dtype) @ V, False)
        gaps = differences(w)
        closed = gaps.detach().abs() <= eigenvalue_errors(w, inverse)
        nan = float("nan")
        moved = V @ split(turned, gaps, closed).masked_fill(reached(turned, closed), nan)
        along = (V.conj() * moved).sum(-2, keepdim=True).real
        return turned.diagonal(0, -2, -1), moved - V * along, None


@decomposition("A; real -> w info", node="LinalgEigBackward0")
class eigvals:
    """The eigenvalues by themselves; a derivative decomposes A once more, with vectors."""

    def pullback(A, dw, real):
        w, V, _ = eig(A, real, True)
        _, factors = inverted_basis(w, V, True)
        found = solve(V.conj(), *conjugate_factors(factors), dw[..., :, None] * V.mH, True)
        return found.real if real else found

    def pushforward(A, dA, real):
        w, V, _ = eig(A, real, True)
        _, factors = inverted_basis(w, V, True)
        return solve(V, *factors, dA.to(V.dtype) @ V, False).diagonal(0, -2, -1), None


def conjugate_factors(factors):
    """The factors of the conjugate of a matrix."""
    return factors[0].conj(), factors[1]


def inverted_basis(w, V, values):
    """The inverse of the eigenvectors, off the tape, and their factors. Where `values` are differentiated there has to be one."""
    LU, pivots, info = lu(V.detach())
    inverse = solve(V.detach(), LU, pivots, eye_like(V), False)
    if values:
        sizes = inverse.abs().square().sum(-1).sqrt()
        gaps = differences(w.detach()).abs()
        near = off_diagonal((gaps <= eigenvalue_errors(w, inverse)).to(sizes.dtype)) > 0
        defective = near.any(-1) & (sizes > 0.01 / ROUNDING[sizes.dtype] ** 0.5) | ~sizes.isfinite()
        refuse(
            defective | (info != 0)[..., None],
            "linalg.eig",
            "the input matrix has fewer eigenvectors than rows, as far as can be told, so its eigenvalues have infinite slopes",
        )
    return inverse, (LU, pivots)


def eigenvalue_errors(w, inverse):
    """How near to each other eigenvalues may be by rounding alone: by their condition, the length of a row of the inverse
    (F. L. Bauer and C. T. Fike, "Norms and exclusion theorems", Numerische Mathematik 2, 1960)."""
    sizes = inverse.detach().abs().square().sum(-1).sqrt()
    return rounding(w) * sizes[..., :, None].maximum(sizes[..., None, :]).clamp(min=1.0)
