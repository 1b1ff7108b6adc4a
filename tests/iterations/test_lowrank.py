"""Few singular values by random projections: beside NumPy's and PyTorch's, after one seed; derivatives, samples, bad input."""

import numpy as np
import pytest
from checks import check

import pullback as pb
from pullback.iterations import lowrank

draw = np.random.default_rng(11).standard_normal
LOW = draw((7, 3)) @ draw((3, 9))  # of rank 3


def known(A, q):
    U, S, Vh = np.linalg.svd(A, full_matrices=False)
    return S[..., :q], (U[..., :q] * S[..., None, :q]) @ Vh[..., :q, :]


@pytest.mark.parametrize("A", [LOW, LOW.T, np.stack([LOW, -2 * LOW])])
def test_what_has_low_rank_is_found(A):
    for q, niter in ((4, 2), (3, 0)):
        U, S, V = pb.svd_lowrank(pb.tensor(A), q, niter)
        m, n = A.shape[-2:]
        assert (U.shape, S.shape, V.shape) == (
            (*A.shape[:-2], m, q),
            (*A.shape[:-2], q),
            (*A.shape[:-2], n, q),
        )
        values, product = known(A, min(q, m, n))
        if np.linalg.matrix_rank(A).max() <= q:
            np.testing.assert_allclose(S.numpy(), values, atol=1e-10)
            np.testing.assert_allclose((U * S.unsqueeze(-2) @ V.mH).numpy(), product, atol=1e-10)


def test_what_is_subtracted():
    mean = LOW.mean(0, keepdims=True)
    for found in (
        pb.svd_lowrank(pb.tensor(LOW), 4, M=pb.tensor(np.broadcast_to(mean, LOW.shape).copy())),
        pb.pca_lowrank(pb.tensor(LOW), 4),
    ):
        np.testing.assert_allclose(found[1].numpy(), known(LOW - mean, 4)[0], atol=1e-10)
    np.testing.assert_allclose(
        pb.pca_lowrank(pb.tensor(LOW), center=False)[1].numpy(), known(LOW, 6)[0], atol=1e-10
    )


@pytest.mark.parametrize("name", ["svd_lowrank", "pca_lowrank"])
def test_integers_are_taken_in_the_default_dtype(name):
    whole = np.arange(12).reshape(3, 4)
    S = getattr(pb, name)(pb.tensor(whole), 3)[1]
    assert S.dtype == pb.float32
    centred = whole - whole.mean(0) if name == "pca_lowrank" else whole
    np.testing.assert_allclose(S.numpy(), known(centred, 3)[0], atol=1e-4)


def test_derivatives(monkeypatch):
    drawn = pb.tensor(draw((2, 2)))
    monkeypatch.setattr(lowrank, "randn", lambda *shape, dtype: drawn)
    check(
        lambda A: pb.svd_lowrank(A, 2, 6)[1],
        np.diag([5.0, 3.0, 1.0])[:, :2] + draw((3, 2)) / 10,
        tolerance=1e-5,
    )


@pytest.mark.torch
@pytest.mark.parametrize(
    "name, options", [("svd_lowrank", (4,)), ("svd_lowrank", (2, 1)), ("pca_lowrank", (3, False))]
)
def test_beside_torch(name, options):
    torch = pytest.importorskip("torch")
    A = LOW + 0.1 * draw(LOW.shape)  # so that what is found depends on what is drawn

    def seen(L):
        L.manual_seed(3)
        t = L.tensor(A, requires_grad=True)
        U, S, V = getattr(L, name)(t, *options)
        weights = L.arange(1.0, 8.0, dtype=L.float64)[:, None]
        (g,) = L.autograd.grad((S**2).sum() + (U**2 * weights).sum(), t)
        return [each.detach().numpy() for each in (U.abs(), S, V.abs(), g)]

    for a, b in zip(seen(pb), seen(torch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


def test_bad_input():
    for wrong, text in (
        (lambda: pb.pca_lowrank(pb.ones(3, 4), 4), "must be non-negative integer and not greater than min"),
        (lambda: pb.pca_lowrank(pb.ones(3, 4), niter=-1), "must be non-negative integer"),
    ):
        with pytest.raises(ValueError, match=text):
            wrong()
    with pytest.raises(RuntimeError, match="must have at least 2 dimensions"):
        pb.svd_lowrank(pb.ones(3))
