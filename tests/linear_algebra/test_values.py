"""Values of decompositions by their definitions, in sizes for our own loops and for LAPACK's, however operands lie."""

import numpy as np
import pytest
from checks import strided

import pullback as pb

L = pb.linalg
SIZES = [1, 2, 3, 4, 5, 8, 9, 16, 17, 40]
LAYOUTS = {
    "rows": pb.tensor,
    "columns": lambda a: pb.tensor(np.swapaxes(a, -1, -2).copy()).mT,
    "strided": strided,
    "expanded": lambda a: pb.tensor(a[:1]).expand(*a.shape),
}


def random(*shape, dtype="float64", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def close(a, b, dtype="float64"):
    tolerance = 1e-10 if dtype == "float64" else 1e-3
    b = np.asarray(b)
    a = a.numpy() if isinstance(a, pb.Tensor) else a
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max(initial=0)))


@pytest.fixture(params=SIZES)
def n(request):
    return request.param


@pytest.fixture(params=LAYOUTS)
def lie(request):
    return LAYOUTS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def well(n, dtype, batch=3):
    return random(batch, n, n, dtype=dtype) + np.asarray(2 * np.sqrt(n) * np.eye(n), dtype)


def test_systems(n, lie, dtype):
    A, B = lie(well(n, dtype)), lie(random(3, n, 4, dtype=dtype))
    a, b = A.numpy(), B.numpy()
    close(L.solve(A, B), np.linalg.solve(a, b), dtype)
    close(L.solve(A.mT, B), np.linalg.solve(np.swapaxes(a, -1, -2), b), dtype)
    close(L.solve(A, B.mT, left=False) @ A, np.swapaxes(b, -1, -2), dtype)
    close(L.inv(A), np.linalg.inv(a), dtype)
    LU, pivots = L.lu_factor(A)
    close(L.lu_solve(LU, pivots, B), np.linalg.solve(a, b), dtype)
    close(L.lu_solve(LU, pivots, B, adjoint=True), np.linalg.solve(np.swapaxes(a, -1, -2), b), dtype)
    P, lower, U = L.lu(A)
    close(P @ lower @ U, a, dtype)
    assert (pb.tril(lower) == lower).all() and (pb.triu(U) == U).all() and (lower.abs() <= 1).all()
    close(L.det(A) / L.slogdet(A).sign, np.exp(np.linalg.slogdet(a)[1]), dtype)
    close(L.slogdet(A).logabsdet, np.linalg.slogdet(a)[1], dtype)
    close(L.slogdet(A).sign, np.linalg.slogdet(a)[0], dtype)


def test_triangles(n, lie, dtype):
    A, B = lie(well(n, dtype)), lie(random(3, n, 2, dtype=dtype))
    a, b = A.numpy(), B.numpy()
    for upper in (False, True):
        for unit in (False, True):
            t = np.triu(a) if upper else np.tril(a)
            if unit:
                t = t / (2 * n)  # or the powers of what is off the diagonal grow
                t[..., range(n), range(n)] = 1
            operand = lie(t + (np.tril(a, -1) if upper else np.triu(a, 1)))  # the other triangle is not read
            if operand.stride(0) == 0:
                t = np.broadcast_to(t[:1], t.shape)
            close(
                L.solve_triangular(operand, B, upper=upper, unitriangular=unit), np.linalg.solve(t, b), dtype
            )
            found = L.solve_triangular(operand, B.mT, upper=upper, left=False, unitriangular=unit)
            close(found.numpy() @ t, np.swapaxes(b, -1, -2), dtype)


def test_symmetric(n, lie, dtype):
    a = random(3, n, n, dtype=dtype)
    a = a @ np.swapaxes(a, -1, -2) + n * np.eye(n, dtype=dtype)
    A = lie(a)
    a, junk = A.numpy(), random(n, n, dtype=dtype)
    lower, upper = lie(np.tril(a) + np.triu(junk, 1)), lie(np.triu(a) + np.tril(junk, -1))
    close(L.cholesky(lower), np.linalg.cholesky(a), dtype)
    close(L.cholesky(upper, upper=True), np.swapaxes(np.linalg.cholesky(a), -1, -2), dtype)
    B = lie(random(3, n, 2, dtype=dtype))
    close(pb.cholesky_solve(B, L.cholesky(A)), np.linalg.solve(a, B.numpy()), dtype)
    close(pb.cholesky_inverse(L.cholesky(A)), np.linalg.inv(a), dtype)
    close(L.ldl_solve(*L.ldl_factor(lower), B), np.linalg.solve(a, B.numpy()), dtype)
    close(L.eigvalsh(lower), np.linalg.eigvalsh(a), dtype)
    close(L.eigvalsh(upper, UPLO="U"), np.linalg.eigvalsh(a), dtype)
    w, V = L.eigh(lower)
    close((V * w[..., None, :]) @ V.mT, a, dtype)
    close(V.mT @ V, np.broadcast_to(np.eye(n), a.shape), dtype)


@pytest.mark.parametrize("m, n", [(1, 3), (4, 4), (7, 3), (3, 7), (40, 20), (20, 40)])
def test_rectangles(m, n, lie, dtype):
    A = lie(random(3, m, n, dtype=dtype))
    a, k = A.numpy(), min(m, n)
    for full in (False, True):
        U, S, Vh = L.svd(A, full_matrices=full)
        close((U[..., :k] * S[..., None, :]) @ Vh[..., :k, :], a, dtype)
        close(U.mT @ U, np.broadcast_to(np.eye(U.shape[-1]), U.mT.shape[:-1] + U.shape[-1:]), dtype)
        close(Vh @ Vh.mT, np.broadcast_to(np.eye(Vh.shape[-2]), Vh.shape[:-1] + Vh.shape[-2:-1]), dtype)
    close(L.svdvals(A), np.linalg.svd(a, compute_uv=False), dtype)
    for mode in ("reduced", "complete"):
        Q, R = L.qr(A, mode=mode)
        close(Q @ R, a, dtype)
        close(Q.mT @ Q, np.broadcast_to(np.eye(Q.shape[-1]), (3, Q.shape[-1], Q.shape[-1])), dtype)
        assert (pb.triu(R) == R).all()
        close(L.qr(A, mode="r").R if mode == "reduced" else R, R.numpy(), dtype)
    close(L.householder_product(*pb.geqrf(A)) if m >= n else 0, L.qr(A).Q.numpy() if m >= n else 0, dtype)
    close(L.pinv(A), np.linalg.pinv(a), dtype)
    P, lower, U = L.lu(A)
    close(P @ lower @ U, a, dtype)
    B = lie(random(3, m, 2, dtype=dtype))
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        close(L.lstsq(A, B, driver=driver).solution, np.linalg.pinv(a) @ B.numpy(), dtype)
    assert (L.matrix_rank(A) == k).all()


def test_exponentials(n, lie):
    scipy = pytest.importorskip("scipy.linalg")
    for scale in (1e-6, 0.01, 0.3, 1, 3, 30):
        A = lie(scale * random(3, n, n) / np.sqrt(n))
        close(L.matrix_exp(A), scipy.expm(A.numpy()))
        close(L.matrix_exp(A.float()), scipy.expm(A.numpy()), "float32")


def test_an_exponential_far_from_zero_beside_many_digits():
    mpmath = pytest.importorskip("mpmath")
    a = random(3, 3) * 4
    with mpmath.workdps(50):
        truth = np.array(mpmath.expm(mpmath.matrix(a.tolist())).tolist(), dtype=float)
    close(L.matrix_exp(pb.tensor(a)), truth)


def test_a_large_cotangent_costs_the_gradient_of_an_exponential_no_digits():
    x = pb.tensor(random(3, 3), requires_grad=True)
    (small,) = pb.autograd.grad(L.matrix_exp(x).sum(), x)
    (large,) = pb.autograd.grad(L.matrix_exp(x).sum() * 2.0**60, x)
    close(large / 2.0**60, small.numpy())


def test_batches_of_any_size_and_none():
    for batch in [(0,), (2, 0), (5, 4), (1000,)]:
        A = pb.tensor(well(3, "float64", int(np.prod(batch))).reshape(*batch, 3, 3))
        a = A.numpy()
        close(L.inv(A), np.linalg.inv(a))
        close(L.det(A), np.linalg.det(a))
        close(L.svdvals(A), np.linalg.svd(a, compute_uv=False))
        close(L.eigvalsh(A @ A.mT), np.linalg.eigvalsh(a @ np.swapaxes(a, -1, -2)))
        close(L.cholesky(A @ A.mT), np.linalg.cholesky(a @ np.swapaxes(a, -1, -2)))
        assert L.qr(A).Q.shape == A.shape and L.matrix_exp(A).shape == A.shape and L.pinv(A).shape == A.shape
        assert L.lstsq(A, A).solution.shape == A.shape and pb.autograd is not None


def test_any_number_of_threads_gives_the_same_bits():
    A = pb.tensor(well(8, "float64", 500))
    threads = pb.get_num_threads()
    try:
        found = []
        for n in (1, 2, 3):
            pb.set_num_threads(n)
            found.append([L.inv(A), L.svdvals(A), L.qr(A).Q, L.eigvalsh(A), L.matrix_exp(A), L.pinv(A)])
    finally:
        pb.set_num_threads(threads)
    for one, *others in zip(*found):
        assert all((one == other).all() for other in others)


def test_low_rank():
    u, v = random(5, 2), random(2, 4)
    A = pb.tensor(u @ v)
    assert L.matrix_rank(A) == 2 and L.matrix_rank(A, atol=100.0) == 0
    close(L.pinv(A), np.linalg.pinv(u @ v))
    b = pb.tensor(random(5, 1))
    for driver in ("gelsy", "gelsd", "gelss"):
        found = L.lstsq(A, b, driver=driver)
        assert found.rank == 2 and found.residuals.shape == (0,)
        close(found.solution, np.linalg.pinv(u @ v) @ b.numpy())


@pytest.mark.parametrize("n", [2, 3, 4, 8, 9])
def test_pivots_next_to_the_smallest_numbers(n):
    """Their reciprocals do not exist, and nothing is multiplied with them."""
    a = np.ldexp(well(n, "float64", 1)[0], -1070 if n < 9 else -1060)
    tiny = pb.tensor(a)
    close(L.solve(tiny, tiny), np.eye(n))
    P, lower, U = L.lu(tiny)
    assert lower.isfinite().all() and U.isfinite().all()
    zero = pb.tensor(np.triu(np.ones((n, n)), 1))
    assert L.lu_factor_ex(zero).info == 1 and L.solve_ex(zero, pb.ones(n).double()).info == 1
