"""Derivatives of triangular factors, and of what is solved with them.

Most are in M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode automatic
differentiation", Oxford, 2008.
"""

from ..operators.joining import cat
from ..operators.stated import decomposition, plus


def nothing(P):
    """The derivative of what has none."""
    return None


@decomposition("LU pivots -> P")
class permutation:
    """The matrix P of A = P L U, from LAPACK's pivots. It is constant where it is defined."""

    pullback = pushforward = nothing


@decomposition("A B; upper transposed unit -> X", node="LinalgSolveTriangularBackward0")
class triangular_solve:
    """op(A) X = B, where one triangle of A is read, without its diagonal if that is `unit`. Giles, 2.3.1."""

    def pullback(A, X, dX, upper, transposed, unit):
        g = triangular_solve(A, dX, upper, not transposed, unit)
        return lambda: triangle(-(X @ g.mT) if transposed else -(g @ X.mT), upper, unit), g

    def pushforward(A, X, dA, dB, upper, transposed, unit):
        moved = None
        if dA is not None:
            part = triangle(dA, upper, unit)
            moved = -((part.mT if transposed else part) @ X)
        return triangular_solve(A, plus(dB, moved), upper, transposed, unit)


def triangle(A, upper, unit):
    """What is read of A."""
    return A.triu(int(unit)) if upper else A.tril(-int(unit))


@decomposition("A LU pivots B; transposed -> X", node="LinalgSolveExBackward0")
class solve:
    """op(A) X = B with the factors of A, which are no variables: all orders of the derivative use them again.
    Giles, 2.3.1."""

    def pullback(A, LU, pivots, X, dX, transposed):
        g = solve(A, LU, pivots, dX, not transposed)
        return lambda: -(X @ g.mT) if transposed else -(g @ X.mT), None, None, g

    def pushforward(A, LU, pivots, X, dA, dB, transposed):
        moved = None if dA is None else -((dA.mT if transposed else dA) @ X)
        return solve(A, LU, pivots, plus(dB, moved), transposed)


@decomposition("LU pivots B; transposed -> X", node="LinalgLuSolveBackward0")
class lu_solve:
    """op(P L U) X = B, where L and U are variables.

    With G = -g X^T, the cotangent of P L U, those of L and U are P^T G U^T and L^T P^T G.
    """

    def pullback(LU, pivots, X, dX, transposed):
        g = lu_solve(LU, pivots, dX, not transposed)

        def factors():
            G = permutation(LU.detach(), pivots).mT @ -(X @ g.mT if transposed else g @ X.mT)
            return (G @ LU.triu().mT).tril(-1) + (unit_lower(LU).mT @ G).triu()

        return factors, None, g

    def pushforward(LU, pivots, X, dLU, dB, transposed):
        moved = None
        if dLU is not None:
            dA = dLU.tril(-1) @ LU.triu() + unit_lower(LU) @ dLU.triu()
            dA = permutation(LU.detach(), pivots) @ dA
            moved = -((dA.mT if transposed else dA) @ X)
        return lu_solve(LU, pivots, plus(dB, moved), transposed)


def unit_lower(LU):
    """The lower factor, square: its diagonal is ones, and is not stored."""
    return LU.tril(-1) + eye_like(LU)


def lower_columns(A, k):
    """The first k columns below the diagonal, on which ones are that are not stored."""
    return A[..., :, :k].tril(-1) + A.new_ones(A.shape[-2], k).tril().triu()


def eye_like(A):
    """The identity of the size of A's rows."""
    return A.new_ones(A.shape[-2]).diag_embed()


@decomposition("A -> LU pivots info", node="LinalgLuFactorExBackward0")
class lu:
    """A = P L U, of any shape, both factors in one matrix.

    Where k is the smaller size, L1 and U1 are square, L2 is below them or U2 beside them, and A is permuted alike:
    dL1 = L1 tril(M, -1) and dU1 = triu(M) U1 with M = L1^-1 dA1 U1^-1. F. de Hoog, R. Anderssen and M. Lukas,
    "Differentiation of matrix functionals using triangular factorization", Mathematics of Computation 80, 2011.
    """

    def pullback(LU, pivots, dLU):
        m, n, k = parts_of(LU)
        L1, U1, g = LU[..., :k, :k], LU[..., :k, :k], dLU[..., :k, :k]
        lower, upper = unit_lower(L1).mT @ g, g @ U1.triu().mT
        if n > k:
            lower = lower - dLU[..., :, k:] @ LU[..., :, k:].mT
        if m > k:
            upper = upper - LU[..., k:, :].mT @ dLU[..., k:, :]
        inner = triangular_solve(L1, lower.tril(-1) + upper.triu(), False, True, True)
        G = right_solve(U1, inner, True)
        if n > k:
            G = cat([G, triangular_solve(L1, dLU[..., :, k:], False, True, True)], -1)
        if m > k:
            G = cat([G, right_solve(U1, dLU[..., k:, :], True)], -2)
        return permutation(LU.detach(), pivots) @ G

    def pushforward(LU, pivots, dA):
        m, n, k = parts_of(LU)
        L1, U1 = LU[..., :k, :k], LU[..., :k, :k]
        dA = permutation(LU.detach(), pivots).mT @ dA
        M = right_solve(U1, triangular_solve(L1, dA[..., :k, :k], False, False, True), False)
        dL, dU = unit_lower(L1) @ M.tril(-1), M.triu() @ U1.triu()
        moved = dL + dU
        if n > k:
            beside = triangular_solve(L1, dA[..., :, k:] - dL @ LU[..., :, k:], False, False, True)
            moved = cat([moved, beside], -1)
        if m > k:
            moved = cat([moved, right_solve(U1, dA[..., k:, :] - LU[..., k:, :] @ dU, False)], -2)
        return moved, None, None


def parts_of(A):
    """Both sizes of a matrix, and the smaller one."""
    m, n = A.shape[-2:]
    return m, n, min(m, n)


def right_solve(U, B, transposed):
    """X with X op(U) = B, for the upper triangle of U."""
    return triangular_solve(U, B.mT, True, not transposed, False).mT


@decomposition("A; upper -> L info", node="LinalgCholeskyExBackward0")
class cholesky:
    """A = L L^H, or U^H U: one triangle of A is read, which stands for a Hermitian matrix, so the derivative is Hermitian.
    I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, 2016.

    It is no holomorphic function. A pullback is given the conjugate of the cotangent, and its result is conjugated, too:
    so it is stated with transposes where the cotangent's own formula has adjoints, and the other way round.
    """

    def pullback(L, dL, upper):
        lower, g = (L.mH, dL.mH) if upper else (L, dL)
        inner = triangular_solve(lower, half(lower.mT @ g), False, True, False)
        return hermitian(triangular_solve(lower.conj(), inner.mT, False, True, False).mT)

    def pushforward(L, dA, upper):
        lower = L.mH if upper else L
        inner = triangular_solve(lower, hermitian(dA), False, False, False)
        moved = lower @ half(triangular_solve(lower.conj(), inner.mT, False, False, False).mT)
        return moved.mH if upper else moved, None


def half(A):
    """The lower triangle with half of the diagonal."""
    return A.tril() - A.diagonal(0, -2, -1).diag_embed() / 2


@decomposition("A; hermitian -> LD pivots info", node="LinalgLdlFactorExBackward0")
class ldl:
    """A = L D L^T, or L D L^H, with D of blocks. PyTorch has no derivative of it either."""

    def pullback(dLD):
        raise NotImplementedError("the derivative for 'linalg_ldl_factor_ex' is not implemented.")

    def pushforward(dA):
        raise NotImplementedError(
            "Trying to use forward AD with linalg_ldl_factor_ex that does not support it because it has not been "
            "implemented yet."
        )


@decomposition("LD pivots B; hermitian -> X", node="LinalgLdlSolveBackward0")
class ldl_solve:
    """L D L^T X = B, or L D L^H X = B, linear in B. A symmetric matrix is its transpose, a Hermitian one its adjoint; the
    pullback is stated with adjoints."""

    def pullback(LD, pivots, dX, hermitian):
        def factors():
            raise NotImplementedError("the derivative for 'linalg_ldl_solve' by LD is not implemented.")

        found = ldl_solve(LD, pivots, dX if hermitian else dX.conj(), hermitian)
        return factors, None, found if hermitian else found.conj()

    def pushforward(LD, pivots, X, dLD, dB, hermitian):
        if dLD is not None:
            raise NotImplementedError("the derivative for 'linalg_ldl_solve' by LD is not implemented.")
        return ldl_solve(LD, pivots, dB, hermitian)


def hermitian(a):
    """The Hermitian part of a matrix: of a real one the symmetric part."""
    return (a + a.mH) / 2
