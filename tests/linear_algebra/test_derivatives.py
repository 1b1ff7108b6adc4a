"""Derivatives of linear algebra: every mode, nesting and batch beside differences of values."""

import numpy as np
import pytest
from checks import check
from checks.orders import derivative

import pullback as pb
from pullback.func import directional_derivatives

L = pb.linalg


def matrix(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def positive(*shape, seed=0):
    a = matrix(*shape, seed=seed)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


def spd(a):
    return a @ a.mT + pb.eye(a.shape[-1], dtype=a.dtype)


def sym(a):
    return a + a.mT


def spectral(w, V):
    """A function of symmetric matrices, and what does not depend on the signs of eigenvectors."""
    return (V * w.exp()[..., None, :]) @ V.mT, V**2


def from_svd(U, S, Vh):
    return (U * (1 + S**2)[..., None, :]) @ Vh, U**2, Vh**2


def sizes(z):
    """Squares of absolute values, which a Taylor series finds by parts alone."""
    return z.real**2 + z.imag**2


NORMS = ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
A3, B32, b3 = matrix(3, 3), matrix(3, 2), matrix(3)
A233, B232 = matrix(2, 3, 3), matrix(2, 3, 2)

CASES = {
    "solve": (L.solve, A3, B32),
    "solve vector": (L.solve, A3, b3),
    "solve batch": (L.solve, A233, B232),
    "solve vectors": (L.solve, A233, B232[..., 0]),
    "solve broadcast": (L.solve, A3, B232),
    "solve broadcast matrix": (L.solve, A233, B32),
    "solve right": (lambda a, b: L.solve(a, b, left=False), A3, matrix(2, 3)),
    "solve_ex": (lambda a, b: L.solve_ex(a, b).result, A3, B32),
    "inv": (L.inv, A233),
    "solve_triangular": (lambda a, b: L.solve_triangular(a, b, upper=False), A3 + 2 * np.eye(3), B32),
    "solve_triangular upper": (lambda a, b: L.solve_triangular(a, b, upper=True), A233 + 2 * np.eye(3), B32),
    "solve_triangular unit": (
        lambda a, b: L.solve_triangular(a, b, upper=True, unitriangular=True),
        A3,
        B32,
    ),
    "solve_triangular right": (
        lambda a, b: L.solve_triangular(a, b, upper=True, left=False),
        A3 + 2 * np.eye(3),
        matrix(2, 3),
    ),
    "triangular_solve": (lambda b, a: pb.triangular_solve(b, a, False, True), B32, A3 + 2 * np.eye(3)),
    "lu_factor": (lambda a: L.lu_factor(a).LU, A233),
    "lu_factor wide": (lambda a: L.lu_factor(a).LU, matrix(2, 4)),
    "lu_factor tall": (lambda a: L.lu_factor(a).LU, matrix(4, 2)),
    "lu": (lambda a: L.lu(a)[1:], A3),
    "lu wide": (lambda a: L.lu(a)[1:], matrix(2, 4)),
    "lu tall": (lambda a: L.lu(a)[1:], matrix(4, 2)),
    "lu_solve": (lambda a, b: L.lu_solve(*L.lu_factor(a), b), A233, B232),
    "lu_solve adjoint": (lambda a, b: L.lu_solve(*L.lu_factor(a), b, adjoint=True), A3, B32),
    "lu_solve right": (lambda a, b: L.lu_solve(*L.lu_factor(a), b, left=False), A3, matrix(2, 3)),
    "lu_unpack": (lambda a: pb.lu_unpack(*L.lu_factor(a))[1:], A3),
    "cholesky": (lambda a: L.cholesky(spd(a)), A3),
    "cholesky upper": (lambda a: L.cholesky(spd(a), upper=True), A233),
    "cholesky_ex": (lambda a: L.cholesky_ex(spd(a)).L, A3),
    "cholesky_solve": (lambda b, a: pb.cholesky_solve(b, a), B32, positive(3, 3)),
    "cholesky_solve upper": (lambda b, a: pb.cholesky_solve(b, a, True), B32, positive(3, 3)),
    "cholesky_inverse": (pb.cholesky_inverse, positive(3, 3)),
    "det": (L.det, A233),
    "det rank n-1": (L.det, np.outer([1.0, 2, 3], [1, 0, 2]) + np.outer([0, 1.0, 1], [1, 1, 1])),
    "det rank n-2": (L.det, np.outer([1.0, 2, 3], [1, 0, 2])),
    "det zero": (L.det, np.zeros((2, 2))),
    "det of a mixed batch": (L.det, np.stack([np.eye(3), np.outer([1.0, 2, 3], [1, 0, 2])])),
    "slogdet": (lambda a: L.slogdet(a).logabsdet, A233),
    "logdet": (lambda a: pb.logdet(spd(a)), A3),
    "eigh values": (lambda a: L.eigh(sym(a)).eigenvalues, A233),
    "eigh": (lambda a: spectral(*L.eigh(sym(a))), A233),
    "eigh one vector": (lambda a: L.eigh(sym(a)).eigenvectors[..., :, 0] ** 2, A3),
    "eigh upper": (lambda a: spectral(*L.eigh(sym(a), UPLO="U")), A3),
    "eigvalsh": (lambda a: L.eigvalsh(sym(a)), A233),
    "eigvals": (lambda a: L.eigvals(a).real, A233),
    "eig": (lambda a: sizes(L.eig(a).eigenvectors), A3),
    "svd values": (lambda a: L.svd(a).S, matrix(2, 4, 3)),
    "svd": (lambda a: from_svd(*L.svd(a, full_matrices=False)), A233),
    "svd tall": (lambda a: from_svd(*L.svd(a, full_matrices=False)), matrix(4, 2)),
    "svd wide": (lambda a: from_svd(*L.svd(a, full_matrices=False)), matrix(2, 4)),
    "svd left": (lambda a: L.svd(a, full_matrices=False).U ** 2, matrix(4, 2)),
    "svd right": (lambda a: L.svd(a, full_matrices=False).Vh ** 2, matrix(4, 2)),
    "svd full": (lambda a: L.svd(a).Vh ** 2, matrix(4, 2)),
    "svdvals": (L.svdvals, matrix(2, 3, 4)),
    "old svd": (lambda a: pb.svd(a).V ** 2, matrix(3, 2)),
    "qr": (L.qr, A233),
    "qr tall": (L.qr, matrix(4, 2)),
    "qr wide": (L.qr, matrix(2, 4)),
    "qr r": (lambda a: L.qr(a, mode="r").R, matrix(4, 2)),
    "qr complete": (lambda a: L.qr(a, mode="complete"), matrix(2, 3)),
    "householder_product": (L.householder_product, matrix(4, 3), matrix(3)),
    "householder_product batch": (L.householder_product, matrix(2, 4, 3), matrix(2, 2)),
    "ormqr": (pb.ormqr, matrix(4, 3), matrix(3), matrix(4, 2)),
    "ormqr transposed": (lambda *x: pb.ormqr(*x, True, True), matrix(4, 3), matrix(3), matrix(4, 2)),
    "ormqr right": (lambda *x: pb.ormqr(*x, False, True), matrix(4, 3), matrix(3), matrix(2, 4)),
    "lstsq": (lambda a, b: L.lstsq(a, b).solution, matrix(2, 4, 3), matrix(2, 4, 2)),
    "lstsq vectors": (lambda a, b: L.lstsq(a, b).solution, matrix(4, 3), matrix(4)),
    "lstsq wide": (lambda a, b: L.lstsq(a, b, driver="gelsd").solution, matrix(2, 4), matrix(2, 2)),
    "lstsq gels": (lambda a, b: L.lstsq(a, b, driver="gels").solution, matrix(4, 3), matrix(4, 2)),
    "lstsq of low rank": (
        lambda u, v, b: L.lstsq(u @ v, b, driver="gelss", rcond=1e-9).solution,
        matrix(4, 2),
        matrix(2, 3),
        matrix(4, 1),
    ),
    "pinv": (L.pinv, matrix(2, 4, 3)),
    "pinv wide": (L.pinv, matrix(2, 4)),
    "pinv of low rank": (lambda u, v: L.pinv(u @ v, rtol=1e-9), matrix(4, 2), matrix(2, 3)),
    "pinv hermitian": (lambda a: L.pinv(sym(a), hermitian=True), A3),
    "pinverse": (pb.pinverse, A3),
    "matrix_exp": (L.matrix_exp, A233),
    "matrix_exp large": (lambda a: L.matrix_exp(3 * a), A3),
    "matrix_power": (lambda a: L.matrix_power(a, 5), A233),
    "matrix_power -2": (lambda a: L.matrix_power(a, -2), A3),
    "matrix_power 0": (lambda a: L.matrix_power(a, 0) + a, A3),
    "cross": (L.cross, matrix(2, 3), matrix(2, 3)),
    "cross dim": (lambda a, b: pb.cross(a, b), matrix(3, 2), matrix(3, 1)),
    "vander": (lambda x: L.vander(x, N=4), matrix(3)),
    "old vander": (pb.vander, matrix(3)),
    "tensorinv": (lambda a: L.tensorinv(a, ind=1), (matrix(4, 4) + 4 * np.eye(4)).reshape(4, 2, 2)),
    "tensorsolve": (L.tensorsolve, matrix(2, 2, 4), matrix(2, 2)),
    "vecdot": (L.vecdot, matrix(2, 3), matrix(3)),
    "diagonal": (L.diagonal, A233),
    **{f"matrix_norm {p}": (lambda a, p=p: L.matrix_norm(a, p), matrix(2, 3, 4)) for p in NORMS},
    "matrix_norm dims": (lambda a: L.matrix_norm(a, 2, (0, 2), True), matrix(2, 3, 4)),
    "norm": (lambda a: L.norm(a, 1), A3),
    **{f"cond {p}": (lambda a, p=p: L.cond(a, p), A3) for p in (*NORMS, None)},
    "trapezoid": (lambda y, x: pb.trapezoid(y, x), matrix(2, 4), matrix(4)),
    "cumulative_trapezoid": (lambda y: pb.cumulative_trapezoid(y, dx=0.5, dim=0), matrix(3, 2)),
    "cov": (pb.cov, matrix(3, 4)),
    "cov weighted": (
        lambda x, w: pb.cov(x, fweights=pb.tensor([1, 2, 3]), aweights=w),
        matrix(2, 3),
        np.array([0.5, 1, 2]),
    ),
    "corrcoef": (lambda x: pb.corrcoef(x) * (1 - pb.eye(3, dtype=pb.float64)), matrix(3, 5)),
    "cdist": (pb.cdist, matrix(2, 3, 2), matrix(4, 2)),
    "cdist 1": (lambda a, b: pb.cdist(a, b, 1), matrix(3, 2), matrix(4, 2)),
    "dist": (lambda a, b: pb.dist(a, b, 3), matrix(3, 2), matrix(2)),
    "renorm": (lambda a: pb.renorm(a, 2, 0, 1.0), 3 * A3),
    "ldl_solve": (lambda b: L.ldl_solve(*L.ldl_factor(pb.tensor(positive(3, 3))), b), B32),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    f, *operands = CASES[name]
    check(f, *operands)


@pytest.mark.parametrize("name", CASES)
def test_taylor_mode(name):
    """Derivatives along a line, of three orders in one evaluation, are those of nested forward mode."""
    f, *operands = CASES[name]
    t = pb.zeros((), dtype=pb.float64)
    points = [pb.tensor(a) for a in operands]
    directions = [pb.tensor(matrix(*a.shape, seed=1)) for a in operands]

    def along(t):
        found = f(*[x + t * v for x, v in zip(points, directions)])
        return sum((y * y).sum() for y in (found if isinstance(found, tuple) else (found,)))

    _, terms = directional_derivatives(along, t, pb.ones((), dtype=pb.float64), 3)
    for order, term in enumerate(terms, 1):
        truth = derivative(along, "F" * order)(t)
        np.testing.assert_allclose(term.item(), truth.item(), rtol=1e-6, atol=1e-6)
