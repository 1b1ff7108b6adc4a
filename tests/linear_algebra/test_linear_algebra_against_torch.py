"""Linear algebra beside PyTorch: values, dtypes, shapes, strides, both derivatives, errors.

`x` [2, 3, 3], `y` [2, 3, 2], `z` [2, 4, 3], `w` [2, 3, 4], `a` [3, 3] and `b` [3] are float64; `s` is symmetric and positive,
`o` singular, `i` of integers, `n` not finite, `e` [0, 0]; `x` is differentiated.
"""

import numpy as np
import pytest
from tables import calls
from twins import check_twins

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CALLS = """
m.linalg.solve(x, y) ; m.linalg.solve(x, b.expand(2, 3)) ; m.linalg.solve(a, y) ; m.linalg.solve(x, y[0])
m.linalg.solve(x, b) ; m.linalg.solve(x, y.mT, left=False) ; m.linalg.solve(x.mT, y) ; m.linalg.solve(x[0], b)
m.linalg.solve_ex(x, y) ; m.linalg.inv(x) ; m.linalg.inv_ex(x) ; m.inverse(x) ; x.inverse() ; m.linalg.inv(x.mT)
m.linalg.inv(e) ; m.linalg.det(x) ; m.det(x) ; x.det() ; m.linalg.slogdet(x) ; x.slogdet() ; m.logdet(x @ x.mT)
m.linalg.det(e) ; m.linalg.slogdet(o) ; m.linalg.cholesky(s) ; m.linalg.cholesky(s, upper=True)
m.linalg.cholesky_ex(s) ; m.linalg.cholesky(x @ x.mT) ; m.linalg.cholesky_ex(o).info ; m.linalg.cholesky(e)
m.linalg.lu_factor(x) ; m.linalg.lu_factor_ex(w) ; m.linalg.lu_factor_ex(o) ; m.linalg.lu(x) ; m.linalg.lu(z)
m.linalg.lu(w) ; m.lu_unpack(*m.linalg.lu_factor(x)) ; m.lu_unpack(*m.linalg.lu_factor(z), unpack_pivots=False)
m.linalg.lu(e) ; m.lu_unpack(*m.linalg.lu_factor(z), unpack_data=False) ; m.linalg.lu_solve(*m.linalg.lu_factor(x), y)
m.linalg.lu_solve(*m.linalg.lu_factor(x), y.mT, left=False, adjoint=True)
m.linalg.solve_triangular(x, y, upper=True) ; m.linalg.solve_triangular(x, y.mT, upper=False, left=False)
m.linalg.solve_triangular(x, y, upper=True, unitriangular=True) ; m.linalg.solve_triangular(a, y, upper=True)
m.cholesky_solve(y, s) ; m.cholesky_solve(y, (x @ x.mT).triu(), upper=True) ; m.cholesky_inverse(s)
m.cholesky_inverse((x @ x.mT).triu(), upper=True) ; m.linalg.ldl_factor(s) ; m.linalg.ldl_factor_ex(s)
m.linalg.ldl_solve(*m.linalg.ldl_factor(s), y) ; m.linalg.eigh(s).eigenvalues ; m.linalg.eigvalsh(x + x.mT)
m.linalg.eigvalsh(s, UPLO='U') ; m.linalg.eigh(x @ x.mT)[0] ; m.linalg.eigh(s).eigenvectors.abs() ; m.linalg.eigh(e)
m.linalg.eigvalsh(e) ; m.linalg.eigh(m.zeros(2, 0, 0)) ; m.linalg.svd(x).S ; m.linalg.svd(z).U.abs()[..., :3]
m.linalg.svd(w).Vh.shape ; m.linalg.svd(z, full_matrices=False).Vh.abs() ; m.linalg.svdvals(x) ; m.linalg.svdvals(w)
m.svd(w).S ; m.svd(z, compute_uv=False) ; m.linalg.svd(e) ; m.linalg.svd(m.zeros(3, 0)) ; m.linalg.qr(x)
m.linalg.qr(z) ; m.linalg.qr(w) ; m.linalg.qr(z, mode='complete') ; m.linalg.qr(z, mode='r') ; m.linalg.qr(e)
m.geqrf(z) ; m.linalg.householder_product(*m.geqrf(z)) ; m.orgqr(*m.geqrf(z)) ; m.ormqr(*m.geqrf(z), z)
m.linalg.eig(x).eigenvalues.abs() ; m.linalg.eigvals(x).real ; m.linalg.eig(x).eigenvectors.abs() ; m.linalg.eig(e)
m.linalg.eigvals(m.eye(3)) ; m.ormqr(*m.geqrf(z), z, transpose=True) ; m.ormqr(*m.geqrf(z), z.mT, left=False)
m.norm(x[0], 'nuc') ; m.norm(x, 'nuc', (0, 1), True) ; x.norm('nuc', (1, 2)) ; m.norm(x, 'nuc', (1, 2), dtype=m.float64)
m.linalg.qr(m.zeros(3, 0)) ; m.ormqr(*m.geqrf(z), z.mT, left=False, transpose=True)
m.linalg.householder_product(x, y[..., 0]) ; m.linalg.pinv(x) ; m.linalg.pinv(z) ; m.linalg.pinv(s, hermitian=True)
m.pinverse(w) ; m.linalg.pinv(o) ; m.linalg.pinv(m.zeros(0, 3)) ; m.linalg.pinv(z, atol=0.5)
m.linalg.pinv(z, rtol=0.5) ; m.linalg.pinv(z, rtol=m.tensor([0.5, 0.1])) ; m.linalg.pinv(z, 0.5)
m.linalg.lstsq(z, m.ones_like(z)).solution ; m.linalg.lstsq(z, z, driver='gels') ; m.linalg.lstsq(w, y)
m.linalg.lstsq(z[0], z[0]) ; m.linalg.lstsq(z, z, driver='gelsd') ; m.linalg.lstsq(z, z[..., 0], driver='gelss')
m.linalg.lstsq(o, y, driver='gelsd').rank ; m.linalg.lstsq(x, y).solution ; m.linalg.lstsq(z, z[:1]).solution
m.linalg.lstsq(z, m.ones(2, 4).double()) ; m.linalg.matrix_exp(x) ; m.matrix_exp(2 * x) ; x.matrix_exp()
m.linalg.matrix_exp(e) ; m.linalg.matrix_power(x, 3) ; x.matrix_power(0) ; m.linalg.matrix_power(x, -3)
m.matrix_power(a, 7) ; m.linalg.matrix_power(i, 3) ; m.linalg.matrix_power(x, 1) ; m.linalg.matrix_exp(x.mT)
m.linalg.cross(x, x + 1) ; m.linalg.cross(x, y[..., :1] + x, dim=1) ; x.cross(x + 1, dim=1)
m.linalg.cross(b, b + i[0]) ; m.linalg.vander(b) ; m.linalg.vander(x, N=4) ; m.vander(b) ; m.vander(b, 2, True)
m.vander(b, 0) ; m.linalg.vander(i) ; m.linalg.tensorinv(z.reshape(4, 2, 3)[:2, :, :2].reshape(4, 2), ind=1)
m.linalg.tensorinv(m.eye(4).reshape(2, 2, 4)) ; m.linalg.tensorsolve(x, y)
m.linalg.tensorsolve(m.eye(6).reshape(2, 3, 6), m.ones(2, 3))
m.linalg.tensorsolve(m.eye(6).reshape(2, 6, 3), m.ones(2, 3), dims=(1,)) ; m.linalg.vecdot(x, x[0])
m.linalg.vecdot(x, x, dim=1) ; m.linalg.diagonal(x) ; m.linalg.diagonal(x, offset=1, dim1=0) ; m.linalg.matmul(x, y)
m.linalg.multi_dot([a, a, b]) ; m.linalg.matrix_norm(x) ; m.linalg.matrix_norm(x, 'nuc') ; m.linalg.matrix_norm(x, 1)
m.linalg.matrix_norm(x, -1, keepdim=True) ; m.linalg.matrix_norm(x, 2) ; m.linalg.matrix_norm(x, -2, (0, 1), True)
m.linalg.matrix_norm(x, m.inf) ; m.linalg.matrix_norm(x, -m.inf, (1, 0))
m.linalg.matrix_norm(z, 'nuc', (0, 2), True) ; m.linalg.matrix_norm(x.float(), dtype=m.float64)
m.linalg.matrix_norm(e, 1) ; m.linalg.matrix_norm(e, 2) ; m.linalg.norm(x) ; m.linalg.norm(x, dim=1)
m.linalg.norm(x, 1, dim=(0, 1)) ; m.linalg.norm(x[0], 'nuc') ; m.linalg.norm(x[0, 0], 3)
m.linalg.norm(x, 'fro', (1, 2)) ; m.linalg.cond(x) ; m.linalg.cond(x, 1) ; m.linalg.cond(x, 'fro')
m.linalg.cond(x, 'nuc') ; m.linalg.cond(z, -2) ; m.linalg.cond(o, m.inf) ; m.linalg.cond(e) ; m.linalg.matrix_rank(x)
m.linalg.matrix_rank(o) ; m.linalg.matrix_rank(s, hermitian=True) ; m.linalg.matrix_rank(x, atol=1)
m.linalg.matrix_rank(x, 1.0) ; m.linalg.matrix_rank(x, rtol=m.tensor([0.5, 0.1])) ; m.linalg.matrix_rank(e)
m.linalg.matrix_rank(m.zeros(2, 0, 3)) ; m.linalg.matrix_rank(x, m.tensor(1.0)) ; m.trapezoid(x) ; m.trapezoid(x, b)
m.trapezoid(x, x * x, dim=1) ; m.trapz(x, dx=2, dim=0) ; m.cumulative_trapezoid(x) ; m.trapezoid(i)
m.trapezoid(m.zeros(0)) ; m.cumulative_trapezoid(x, b, dim=1) ; m.trapezoid(m.ones(1))
m.cumulative_trapezoid(m.ones(1)) ; m.cov(x[0]) ; m.cov(x[0, 0]) ; x[0].cov(correction=0)
m.cov(x[0], fweights=m.tensor([1, 2, 1])) ; m.cov(i) ; m.cov(m.tensor(1.0)) ; m.cov(x[0], correction=5)
m.cov(x[0], aweights=b.abs(), fweights=m.tensor([1, 2, 1])) ; m.corrcoef(x[0]) ; m.corrcoef(x[0, 0]) ; m.corrcoef(i)
m.cdist(x, z) ; m.cdist(x, z, 1) ; m.cdist(x, z, 3) ; m.cdist(x, z, m.inf) ; m.cdist(x, x) ; m.cdist(x, z, 0)
m.cdist(x[0], z) ; m.cdist(x[..., :0], z[..., :0]) ; m.dist(x, z[..., :3, :]) ; m.dist(x, b, 1) ; m.dist(x, b, 0)
x.renorm(2, 0, 1) ; m.renorm(x, 1, -1, 0.5) ; m.renorm(x, m.inf, 1, 0.5)
"""
ERRORS = """
m.linalg.{f}(i) ; m.linalg.{f}(b) ; m.linalg.{f}(3) ; m.linalg.{f}(n) ; m.linalg.{f}(w)
"""
NAMES = (
    "det slogdet inv inv_ex cholesky cholesky_ex eigh eigvalsh svd svdvals qr matrix_exp matrix_norm lu cond"
)
MORE = """
m.linalg.inv(o) ; m.linalg.solve(o, y) ; m.linalg.cholesky(o - 1) ; m.linalg.lu_factor(o) ; m.linalg.inv(o[0])
m.linalg.cholesky(-s[0]) ; m.linalg.inv_ex(o, check_errors=True) ; m.linalg.solve_ex(o, y, check_errors=True)
m.linalg.cholesky_ex(-s, check_errors=True) ; m.linalg.solve(x, y.float()) ; m.linalg.solve(x, z)
m.linalg.solve(x, y.mT) ; m.linalg.solve(x, m.ones(3, 3, 2).double()) ; m.linalg.solve(x, b, left=False)
m.linalg.solve(w, y) ; m.linalg.solve_triangular(x, z, upper=True) ; m.linalg.solve_triangular(b, y, upper=True)
m.linalg.solve_triangular(x, b, upper=True) ; m.triangular_solve(z, x) ; m.triangular_solve(b, x)
m.cholesky_solve(z, s) ; m.cholesky_solve(b, s) ; m.cholesky_solve(y.float(), s) ; m.cholesky_inverse(b)
m.cholesky_inverse(w) ; m.linalg.lu_solve(x, i, y) ; m.linalg.lu_solve(x, m.ones(2, 2).int(), y)
m.linalg.lu_solve(x, m.zeros(2, 3).int(), y) ; m.linalg.lu_factor(x, pivot=False) ; m.linalg.eigh(s, UPLO='X')
m.linalg.qr(x, mode='x') ; m.linalg.svd(x, driver='gesvd') ; m.linalg.matrix_power(x, 1.5)
m.linalg.matrix_power(w, 2) ; m.linalg.matrix_power(o, -1) ; m.linalg.matrix_norm(x, 3) ; m.linalg.matrix_norm(x, 'x')
m.linalg.matrix_norm(x, dim=(0, 0)) ; m.linalg.matrix_norm(x, dtype=m.float32) ; m.linalg.matrix_norm(x, dim=(0,))
m.linalg.matrix_norm(x, dim=(0, 5)) ; m.linalg.norm(x, 2) ; m.linalg.norm(x, 2, dim=(0, 1, 2)) ; m.linalg.cond(x, 3)
m.linalg.cond(w, 1) ; m.linalg.cross(w, w) ; m.linalg.cross(x, b) ; m.cross(m.ones(4), m.ones(4))
m.linalg.vander(b, N=1) ; m.vander(x) ; m.linalg.lstsq(z, z, driver='x') ; m.linalg.lstsq(z, b) ; m.linalg.lstsq(z, x)
m.linalg.lstsq(z, z.float()) ; m.linalg.lstsq(b, b) ; m.linalg.lstsq(z, m.tensor(1.0).double())
m.linalg.tensorinv(x, ind=0) ; m.linalg.tensorinv(z, ind=1) ; m.linalg.tensorsolve(z, y)
m.linalg.vecdot(x, x.float()) ; m.linalg.vecdot(i, i) ; m.linalg.householder_product(w, b)
m.linalg.householder_product(z, b) ; m.linalg.householder_product(z[0], b.float())
m.linalg.householder_product(b, b) ; m.ormqr(z[0], b, w[0]) ; m.cov(x) ; m.cov(m.ones(2, 2).bool())
m.cov(a, fweights=b) ; m.cov(a, aweights=-b.abs()) ; m.cov(a, fweights=m.tensor([1, 2]))
m.cov(a, fweights=m.tensor([0, 0, 0])) ; m.trapezoid(x, b[:2]) ; m.trapezoid(x[None], m.tensor(3))
m.trapezoid(x.bool()) ; m.trapezoid(m.tensor(1.0))
m.corrcoef(x) ; m.cdist(x, z, -1) ; m.cdist(x, y) ; m.cdist(i, i) ; m.cdist(b, x) ; m.cdist(x, x, compute_mode='x')
m.cdist(x, x.float()) ; m.dist(i, i) ; m.renorm(x, 2, 0, -1) ; m.renorm(x, 0, 0, 1) ; m.renorm(x, 2, 5, 1)
m.renorm(b, 2, 0, 1) ; m.linalg.pinv(i) ; m.linalg.pinv(b) ; m.linalg.matrix_rank(b) ; m.geqrf(b)
m.linalg.ldl_factor(i) ; m.linalg.ldl_factor(b) ; m.linalg.ldl_factor(3) ; m.linalg.ldl_factor(w)
m.linalg.ldl_solve(x, b.int(), y) ; m.linalg.ldl_solve(x, m.ones(2, 3).int(), z) ; m.linalg.eigvalsh(n)
m.linalg.matrix_rank(n) ; m.lu_unpack(x, b) ; m.norm(x, 'nuc') ; m.norm(b, 'nuc') ; m.norm(x, 'nuc', 1)
m.norm(x, 'nuc', (1, 2), dtype=m.float32) ; m.norm(i, 'nuc') ; m.linalg.eig(n) ; m.linalg.eig(b) ; m.linalg.eigvals(w)
m.linalg.eigvals(i) ; m.linalg.eig(3)
"""

# What is there of halves: of nothing but exponentials.
HALVES = """
m.linalg.{f}(h) ; m.linalg.{f}(g)
"""
OF_HALVES = (
    "det slogdet inv inv_ex lu lu_factor lu_factor_ex cholesky cholesky_ex ldl_factor ldl_factor_ex eigh eigvalsh eig eigvals "
    "svd svdvals qr pinv matrix_rank cond"
)
MORE_HALVES = """
m.linalg.solve(h, h) ; m.linalg.solve_ex(h, h) ; m.linalg.solve_triangular(h, h, upper=True) ; m.triangular_solve(h, h)
m.linalg.lu_solve(h, p, h) ; m.lu_solve(h, h, p) ; m.lu_unpack(h, p) ; m.cholesky(h) ; m.cholesky_solve(h, h)
m.cholesky_inverse(h) ; m.linalg.ldl_solve(h, p, h) ; m.svd(h) ; m.qr(h) ; m.geqrf(h) ; m.orgqr(h, h[0]) ; m.logdet(h)
m.linalg.householder_product(h, h[0]) ; m.ormqr(h, h[0], h) ; m.pinverse(h) ; m.linalg.lstsq(h, h) ; m.linalg.cond(h, 1)
m.linalg.matrix_norm(h, 2) ; m.norm(h, 'nuc') ; m.linalg.tensorsolve(h, h[0]) ; m.linalg.matrix_norm(h) ; m.det(h)
m.triangular_solve(i, i) ; m.cholesky(i) ; m.cholesky_solve(i, i) ; m.cholesky_inverse(i) ; m.geqrf(i) ; m.lu_unpack(k, p)
m.linalg.householder_product(i, i[0]) ; m.ormqr(i, i[0], i) ; m.logdet(i) ; m.linalg.solve_triangular(i, i, upper=True)
m.linalg.cond(i, 1)
"""


def halves(m):
    h = m.tensor([[2.0, 1.0], [1.0, 3.0]])
    k = m.tensor([[2, 1], [1, 3]])
    pivots = m.tensor([1, 2], dtype=m.int32)
    return {"x": h, "h": h.half(), "g": h.bfloat16(), "p": pivots, "k": k, "i": inputs(m)["i"]}


def inputs(m):
    rng = np.random.default_rng(3)

    def array(*shape):
        return m.tensor(rng.standard_normal(shape))

    x, y, z, w, a, b = (array(*s) for s in [(2, 3, 3), (2, 3, 2), (2, 4, 3), (2, 3, 4), (3, 3), (3,)])
    s = (x @ x.mT + m.eye(3).double()).detach()
    o = m.stack([m.eye(3), m.ones(3, 3)]).double()
    i = m.tensor([[1, 2, 0], [0, 1, 3], [2, 0, 1]])
    n = m.full((3, 3), m.nan).double()
    e = m.zeros(0, 0).double()
    return {
        "x": x.requires_grad_(), "y": y, "z": z, "w": w, "a": a, "b": b, "s": s, "o": o, "i": i, "n": n, "e": e,
    }  # fmt: skip


# Strides of dimensions along which nobody steps, names of nodes of what is composed, versions of PyTorch's parts.
BUT = ("grad_fn", "version", "view", "leaf", "offset")


@pytest.mark.parametrize("call", calls(CALLS))
def test_results(call):
    # PyTorch has no second derivative of cdist, and writes over what those of cond read.
    check_twins(call, inputs, but=BUT, gradients=not call.startswith(("m.cdist", "m.linalg.cond", "m.dist")))


@pytest.mark.parametrize("call", [c.format(f=f) for f in NAMES.split() for c in calls(ERRORS)] + calls(MORE))
def test_errors(call):
    check_twins(call, inputs, but=BUT, gradients=False)


@pytest.mark.parametrize(
    "call", [c.format(f=f) for f in OF_HALVES.split() for c in calls(HALVES)] + calls(MORE_HALVES)
)
def test_what_halves_and_integers_have(call):
    check_twins(call, halves, but=BUT, gradients=False)
