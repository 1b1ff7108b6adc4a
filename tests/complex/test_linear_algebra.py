"""Linear algebra of complex matrices: beside NumPy, and derivatives beside differences."""

import numpy as np
import pytest

import pullback as pb
from pullback.autograd import gradcheck
from pullback.autograd.gradcheck import GradcheckError


def matrices(*shape, seed=0, dtype="complex128"):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def definite(*shape, **options):
    a = matrices(*shape, **options)
    return a @ a.conj().swapaxes(-1, -2) + np.eye(shape[-1], dtype=a.dtype)


SQUARE = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "matrix_rank": np.linalg.matrix_rank,
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False),
    "cond": np.linalg.cond,
    "matrix_norm": lambda a: np.linalg.norm(a, axis=(-2, -1)),
}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 5), (20, 20), (0, 2, 2)], ids=str)
@pytest.mark.parametrize("name", SQUARE)
def test_beside_numpy(name, shape, dtype):
    a = matrices(*shape, dtype=dtype)
    if name == "matrix_rank" and not a.size:
        return
    found = getattr(pb.linalg, name)(pb.tensor(a)).numpy()
    truth = SQUARE[name](a)
    tolerance = {"rtol": 1e-2, "atol": 1e-2} if dtype == "complex64" else {"rtol": 1e-8, "atol": 1e-9}
    assert found.shape == np.shape(truth) and np.allclose(found, truth, **tolerance)


@pytest.mark.parametrize("n", [1, 4, 30])
def test_systems(n):
    a, b = matrices(2, n, n), matrices(2, n, 3, seed=1)
    A, B = pb.tensor(a), pb.tensor(b)
    assert np.allclose(pb.linalg.solve(A, B).numpy(), np.linalg.solve(a, b))
    assert np.allclose((pb.linalg.solve(A, B.mT, left=False) @ A).numpy(), b.swapaxes(-1, -2))
    LU, pivots = pb.linalg.lu_factor(A)
    assert np.allclose((A @ pb.linalg.lu_solve(LU, pivots, B)).numpy(), b)
    assert np.allclose((A.mH @ pb.linalg.lu_solve(LU, pivots, B, adjoint=True)).numpy(), b)
    P, L, U = pb.linalg.lu(A)
    assert np.allclose((P @ L @ U).numpy(), a)
    T = A.tril() + 3 * pb.eye(n)
    assert np.allclose((T @ pb.linalg.solve_triangular(T, B, upper=False)).numpy(), b)
    assert np.allclose((T.mT @ pb.linalg.solve_triangular(T.mT, B, upper=True)).numpy(), b)
    sign, log = pb.linalg.slogdet(A)
    assert np.allclose((sign * log.exp()).numpy(), np.linalg.det(a))
    assert np.allclose(pb.logdet(A).exp().numpy(), np.linalg.det(a))
    with pytest.raises(pb.linalg.LinAlgError):
        pb.linalg.inv(A * 0)


@pytest.mark.parametrize("n", [1, 4, 30])
def test_definite_matrices(n):
    a, b = definite(2, n, n), matrices(2, n, 3)
    A, B = pb.tensor(a), pb.tensor(b)
    L = pb.linalg.cholesky(A)
    assert np.allclose(L.numpy(), np.linalg.cholesky(a))
    U = pb.linalg.cholesky(A.triu() + A.tril(-1) * 7, upper=True)
    assert np.allclose((U.mH @ U).numpy(), a) and not U.tril(-1).any()
    for factor, upper in ((L, False), (U, True)):
        assert np.allclose((A @ pb.cholesky_solve(B, factor, upper)).numpy(), b)
        assert np.allclose((A @ pb.cholesky_inverse(factor, upper)).numpy(), np.eye(n))
    for uplo in "LU":
        assert np.allclose(pb.linalg.eigvalsh(A, uplo).numpy(), np.linalg.eigvalsh(a, uplo))
        w, V = pb.linalg.eigh(A.tril() if uplo == "L" else A.triu(), uplo)
        assert w.dtype is pb.float64 and np.allclose(w.numpy(), np.linalg.eigvalsh(a))
        assert np.allclose(((V * w[:, None]) @ V.mH).numpy(), a) and np.allclose(
            (V.mH @ V).numpy(), np.eye(n)
        )


def test_functions_of_matrices():
    a = matrices(4, 4)
    w, v = np.linalg.eig(a)
    A = pb.tensor(a)
    assert np.allclose(pb.linalg.matrix_exp(A).numpy(), v @ np.diag(np.exp(w)) @ np.linalg.inv(v))
    assert np.allclose(pb.linalg.matrix_power(A, -3).numpy(), np.linalg.matrix_power(a, -3))
    x, y = pb.tensor(matrices(3, 5)), pb.tensor(matrices(3, 5, seed=1))
    assert pb.allclose(pb.linalg.vecdot(x, y), (x.conj() * y).sum(-1))


DERIVATIVES = {
    "inv": pb.linalg.inv,
    "solve": lambda z: pb.linalg.solve(z, z.mH),
    "solve left": lambda z: pb.linalg.solve(z, z.mT * 2j, left=False),
    "det": pb.linalg.det,
    "slogdet": pb.linalg.slogdet,
    "lu_factor": lambda z: pb.linalg.lu_factor(z)[0],
    "lu_solve": lambda z: pb.linalg.lu_solve(*pb.linalg.lu_factor(z), z.mT),
    "lu_solve adjoint": lambda z: pb.linalg.lu_solve(*pb.linalg.lu_factor(z), z.mT, adjoint=True),
    "triangular": lambda z: pb.linalg.solve_triangular(z, z.mT, upper=True),
    "cholesky": lambda z: pb.linalg.cholesky(z @ z.mH + 2 * z.new_ones(3).diag()),
    "cholesky upper": lambda z: pb.linalg.cholesky(z @ z.mH + 2 * z.new_ones(3).diag(), upper=True),
    "cholesky_solve": lambda z: pb.cholesky_solve(z, z.tril()),
    "matrix_exp": lambda z: pb.linalg.matrix_exp(z / 2),
    "eigvalsh": lambda z: pb.linalg.eigvalsh(z + z.mH),
    "eigh": lambda z: _of_eigenvectors(z),
    "svdvals": pb.linalg.svdvals,
    "nuc": lambda z: pb.linalg.matrix_norm(z, "nuc"),
    "matrix_power": lambda z: pb.linalg.matrix_power(z, -2),
}


def _of_eigenvectors(z):
    w, V = pb.linalg.eigh(z + z.mH)
    return (V * w.exp()) @ V.mH, V.abs()


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    z = pb.tensor(matrices(3, 3), requires_grad=True)
    assert gradcheck(DERIVATIVES[name], z, check_forward_ad=True, check_all_nestings=True)


@pytest.mark.parametrize("name", ["inv", "solve", "det", "cholesky", "matrix_exp", "lu_factor", "eigvalsh"])
def test_vmap_is_a_loop(name):
    z = pb.tensor(matrices(4, 3, 3))
    f = DERIVATIVES[name]
    assert pb.allclose(pb.func.vmap(f)(z), pb.stack([f(each) for each in z]))


def test_the_checker_sees_a_transpose_for_an_adjoint():
    """What the derivatives above would be if conjugates were forgotten."""

    class Wrong(pb.autograd.Function):
        @staticmethod
        def forward(ctx, A):
            ctx.X = pb.linalg.inv(A)
            return ctx.X

        @staticmethod
        def backward(ctx, g):
            return -(ctx.X.mT @ g @ ctx.X.mT)

    with pytest.raises(GradcheckError):
        gradcheck(Wrong.apply, pb.tensor(matrices(3, 3), requires_grad=True))


@pytest.mark.parametrize(
    "norm", [pb.linalg.vector_norm, pb.linalg.norm, pb.norm], ids=["vector", "linalg", "older"]
)
def test_second_derivatives_of_a_norm_where_an_element_is_zero(norm):
    """The norm is smooth there, although the absolute value of the element is not: 1 / norm along it."""
    z = pb.tensor([0j, 1 + 2j, 0j, -0.5j], dtype=pb.complex128)
    along = pb.tensor([1 + 1j, 0.5 - 1j, 3j, 0.25], dtype=pb.complex128)
    slope = pb.func.grad(norm)
    step = 1e-6
    by_differences = ((slope(z + step * along) - slope(z - step * along)) / (2 * step)).numpy()
    np.testing.assert_allclose(pb.func.jvp(slope, (z,), (along,))[1].numpy(), by_differences, atol=1e-8)
    leaf = z.clone().requires_grad_()
    (first,) = pb.autograd.grad(norm(leaf), leaf, create_graph=True)
    (second,) = pb.autograd.grad((first * along.conj()).sum().real, leaf)
    np.testing.assert_allclose(second.numpy(), by_differences, atol=1e-8)
    np.testing.assert_allclose(norm(z).item(), np.linalg.norm(z.numpy()), rtol=1e-15)


def test_norms_of_complex_numbers_keep_their_range():
    for size in (1e-200, 1e200):
        z = pb.tensor([3 * size, 4j * size], dtype=pb.complex128)
        np.testing.assert_allclose(pb.linalg.vector_norm(z).item(), 5 * size, rtol=1e-15)
        np.testing.assert_allclose(pb.func.grad(pb.linalg.vector_norm)(z).numpy(), [0.6, 0.8j], rtol=1e-15)
    assert pb.linalg.vector_norm(pb.zeros(2, dtype=pb.complex64)).item() == 0


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 2.5, 3, 4, np.inf, -np.inf, -2, -1, -0.5])
def test_norms_of_every_order_at_and_near_zero(p):
    """Beside the norm of sizes, of which a complex number is two: values, first and second derivatives, at any scale."""
    weights = np.array([1 + 1j, 2 - 1j, 0.5j])

    def derivatives(z):
        z = pb.tensor(z, dtype=pb.complex128, requires_grad=True)
        value = pb.linalg.vector_norm(z, p)
        (first,) = pb.autograd.grad(value, z, create_graph=True)
        (second,) = pb.autograd.grad((first * pb.tensor(weights).conj()).real.sum(), z)
        return value.item(), first.detach().numpy(), second.numpy()

    def by_parts(z):
        x = pb.tensor(np.stack([z.real, z.imag]), requires_grad=True)
        value = pb.linalg.vector_norm((x * x).sum(0).sqrt(), p)
        (first,) = pb.autograd.grad(value, x, create_graph=True)
        (second,) = pb.autograd.grad((first * pb.tensor(np.stack([weights.real, weights.imag]))).sum(), x)
        return value.item(), *(d.detach().numpy()[0] + 1j * d.detach().numpy()[1] for d in (first, second))

    z = np.array([1 + 2j, 3 - 1j, -0.5j])
    known = by_parts(z)
    for scale in (1e-150, 1.0, 1e150) if p != 0.5 else (1e-70, 1.0, 1e70):
        value, first, second = derivatives(scale * z)
        np.testing.assert_allclose(value, scale * known[0], rtol=1e-12)
        np.testing.assert_allclose(first, known[1], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(second * scale, known[2], rtol=1e-11, atol=1e-14)
    for zeros in (np.array([1 + 2j, 0, 3 - 1j]), np.zeros(3)):
        value, first, second = derivatives(zeros)
        assert np.isfinite(value) and not first[zeros == 0].any() and np.isfinite(second).all()
        if p < 0 or not zeros.any():
            assert value == 0 and not first.any() and not second.any()
        else:
            assert first.any()


def test_a_norm_is_not_computed_in_fewer_digits():
    x, z = pb.ones(2, dtype=pb.float64), pb.ones(2, dtype=pb.complex128)
    for given, dtype, said in (
        (x, pb.float32, "convertible without narrowing to the specified dtype"),
        (x, pb.complex128, "dtype should be real for real inputs"),
        (z, pb.float64, "dtype should be complex for complex inputs"),
        (z, pb.complex64, "convertible without narrowing"),
        (x, pb.int64, "dtype should be floating point or complex"),
    ):
        for call in (
            lambda t, d: pb.linalg.vector_norm(t, dtype=d),
            lambda t, d: pb.linalg.matrix_norm(t[None], dtype=d),
        ):
            with pytest.raises(RuntimeError, match=said):
                call(given, dtype)
    assert pb.linalg.vector_norm(x.float(), dtype=pb.float64).dtype == pb.float64
