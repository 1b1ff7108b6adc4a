"""Derivatives at repeated and zero values: right where they exist, an error where they do not."""

import itertools

import numpy as np
import pytest
from checks.orders import derivative

import pullback as pb
from pullback.autograd import forward_ad

L = pb.linalg
rng = np.random.default_rng(1)


def gradient(f, a):
    x = pb.tensor(a, requires_grad=True)
    return pb.autograd.grad(f(x), x)[0].numpy()


def orthogonal(m, n):
    return np.linalg.qr(rng.standard_normal((m, n)))[0]


def leibniz(rows):
    """The determinant as the polynomial that it is."""
    n = len(rows)
    total = 0
    for p in itertools.permutations(range(n)):
        sign = np.linalg.det(np.eye(n)[list(p)]).round()
        term = sign
        for i, j in enumerate(p):
            term = term * rows[i][j]
        total = total + term
    return total


@pytest.mark.parametrize("rank", [4, 3, 2, 1, 0])
@pytest.mark.parametrize("modes", ["R", "F", "RR", "FR", "RF", "FF", "RRR", "FRF"])
def test_determinants_of_any_rank(rank, modes):
    """Along a line the determinant is a polynomial, whose derivatives of every order are known."""
    base = pb.tensor(rng.standard_normal((4, rank)) @ rng.standard_normal((rank, 4)))
    along = pb.tensor(rng.standard_normal((4, 4)))
    t = pb.zeros((), dtype=pb.float64)
    ours = derivative(lambda t: L.det(base + t * along), modes)(t)
    truth = derivative(lambda t: leibniz(base + t * along), modes)(t)
    np.testing.assert_allclose(ours.item(), truth.item(), rtol=1e-9, atol=1e-9)


def test_a_determinant_next_to_zero():
    a = rng.standard_normal((3, 3))
    u, s, vh = np.linalg.svd(a)
    for smallest in (1e-3, 1e-7, 1e-11, 1e-15, 0.0):
        b = u @ np.diag([s[0], s[1], smallest]) @ vh
        cofactors = (
            np.linalg.det(u)
            * np.linalg.det(vh)
            * u
            @ np.diag([s[1] * smallest, s[0] * smallest, s[0] * s[1]])
            @ vh
        )
        np.testing.assert_allclose(gradient(L.det, b), cofactors, rtol=1e-9, atol=1e-12)


def test_the_logarithm_of_a_zero_determinant_has_no_derivative():
    x = pb.zeros(2, 2, requires_grad=True)
    sign, log = L.slogdet(x)
    assert (sign.item(), log.item()) == (0, -np.inf)
    with pytest.raises(
        L.LinAlgError, match="the derivative does not exist, since the input matrix is singular"
    ):
        log.backward()


def test_sums_over_repeated_eigenvalues():
    q = orthogonal(4, 4)
    a = q @ np.diag([1.0, 1, 1, 3]) @ q.T
    np.testing.assert_allclose(gradient(lambda x: L.eigvalsh(x).sum(), a), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(gradient(lambda x: (L.eigvalsh(x) ** 2).sum(), a), 2 * a, atol=1e-12)
    np.testing.assert_allclose(
        gradient(lambda x: L.eigh(x)[0].exp().sum(), a), q @ np.diag(np.exp([1, 1, 1, 3])) @ q.T, atol=1e-11
    )
    # The vector of the one that is by itself.
    v, moved = q[:, 3], rng.standard_normal((4, 4))
    moved = moved + moved.T
    truth = q[:, :3] @ (q[:, :3].T @ moved @ v) / 2
    sign = lambda x: L.eigh(x)[1][:, 3] * pb.sign(L.eigh(x)[1][:, 3] @ pb.tensor(v)).detach()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(pb.tensor(a), pb.tensor(moved))
        np.testing.assert_allclose(forward_ad.unpack_dual(sign(dual)).tangent.numpy(), truth, atol=1e-10)
    weights = rng.standard_normal(4)
    found = (gradient(lambda x: (sign(x) * pb.tensor(weights)).sum(), a) * moved).sum()
    np.testing.assert_allclose(found, weights @ truth, atol=1e-10)


def test_vectors_of_repeated_eigenvalues_have_no_derivative():
    for a in (np.eye(3), np.diag([1.0, 1, 2])):
        with pytest.raises(L.LinAlgError, match="eigenvalues of the input matrix are repeated"):
            gradient(lambda x: L.eigh(x)[1][:, 0].sum(), a)
    with forward_ad.dual_level():
        moved = forward_ad.make_dual(pb.eye(2), pb.ones(2, 2))
        w, V = map(forward_ad.unpack_dual, L.eigh(moved))
        assert V.tangent.isnan().any() and w.tangent.sum() == 2
    with pytest.raises(L.LinAlgError):
        pb.func.vmap(pb.func.grad(lambda x: L.eigh(x)[1][:, 0].sum()))(
            pb.stack([pb.eye(2), pb.tensor([[1.0, 0], [0, 2]])])
        )


def test_sums_over_repeated_and_zero_singular_values():
    u, v = orthogonal(4, 3), orthogonal(3, 3)
    a = u @ np.diag([2.0, 2, 0]) @ v.T
    kept = u[:, :2] @ v[:, :2].T
    np.testing.assert_allclose(gradient(lambda x: L.svdvals(x).sum(), a), kept, atol=1e-12)
    np.testing.assert_allclose(gradient(lambda x: L.matrix_norm(x, "nuc"), a), kept, atol=1e-12)
    np.testing.assert_allclose(gradient(lambda x: (L.svd(x, False).S ** 2).sum(), a), 2 * a, atol=1e-12)
    np.testing.assert_array_equal(
        gradient(lambda x: L.matrix_norm(x, "nuc"), np.zeros((2, 3))), np.zeros((2, 3))
    )
    np.testing.assert_array_equal(gradient(lambda x: L.svdvals(x).sum(), np.zeros((2, 2))), np.zeros((2, 2)))


def test_singular_vectors_that_are_not_determined_have_no_derivative():
    with pytest.raises(L.LinAlgError, match="singular values of the input matrix are repeated"):
        gradient(lambda x: L.svd(x)[0][:, 0].sum(), np.eye(3))
    with pytest.raises(L.LinAlgError, match="singular vectors that full_matrices=True adds"):
        gradient(lambda x: L.svd(x)[0][:, 2].sum(), rng.standard_normal((4, 2)))
    with pytest.raises(L.LinAlgError, match="singular values of the input matrix are 0"):
        gradient(lambda x: L.svd(x, False)[0][:, 1].sum(), np.outer([1.0, 2, 3], [1, 2]))
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows > ncols"):
        gradient(lambda x: L.qr(x, mode="complete")[0].sum(), rng.standard_normal((4, 2)))


def test_what_has_no_derivative_says_so():
    x = pb.eye(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="derivative for 'linalg_ldl_factor_ex' is not implemented"):
        L.ldl_factor(x).LD.sum().backward()
    with pytest.raises(NotImplementedError, match="derivative for 'geqrf' is not implemented"):
        pb.geqrf(x).a.sum().backward()


def test_a_write_into_what_a_derivative_reads_is_noticed():
    a = pb.eye(2, requires_grad=True)
    y = a * 1
    x = L.solve(y, pb.ones(2))
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()
    y = a * 2
    lower = L.cholesky(y)
    y.add_(1)  # it is not read
    lower.sum().backward()
    assert a.grad is not None
    x = L.inv(a * 1)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()


def test_infinities_and_nan():
    for f in (L.eigh, L.eigvalsh, L.svd, L.svdvals, L.pinv):
        for bad in (np.nan, np.inf):
            with pytest.raises(L.LinAlgError, match="failed to converge"):
                f(pb.tensor([[1.0, 0.0], [0.0, bad]]))
    nan = pb.full((2, 2), float("nan"))
    assert L.inv(nan).isnan().all() and L.det(nan).isnan() and L.matrix_exp(nan).isnan().all()
    with pytest.raises(L.LinAlgError, match="leading minor of order 1"):
        L.cholesky(nan)
    with pytest.raises(L.LinAlgError, match=r"\(Batch element 2\): The factorization"):
        L.cholesky(pb.stack([pb.eye(2), pb.eye(2), -pb.eye(2)]))
    with pytest.raises(L.LinAlgError, match=r"\(Batch element 1\)"):
        pb.func.vmap(L.inv)(pb.stack([pb.eye(2), pb.zeros(2, 2)]))
