"""Derivatives of linear algebra: every mode, nesting and batch beside differences of values."""

import numpy as np
import pytest
from checks import check, fixed

import pullback as pb

L = pb.linalg
rng = np.random.default_rng(0)


def matrix(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def positive(*shape, seed=0):
    a = matrix(*shape, seed=seed)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


def spd(a):
    return a @ a.mT + pb.eye(a.shape[-1], dtype=a.dtype)


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
    "ldl_solve": (lambda b: L.ldl_solve(*L.ldl_factor(pb.tensor(positive(3, 3))), b), B32),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    f, *operands = CASES[name]
    check(f, *operands)
