"""Variances of float32 are computed in float64: as large, as small and as close together as numbers may be."""

import itertools

import numpy as np
import pytest

import pullback as pb

SHAPES = [
    (5,),
    (3, 4),
    (2, 3, 4, 5),
    (3, 100),
    (100, 3),
    (70, 200, 3),
    (1, 200_000),
    (300_000,),
    (40_000, 6),
    (0, 3),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore")
def test_every_choice_of_dimensions(shape, dtype):
    values = (np.random.default_rng(0).normal(size=shape) * 3 + 7).astype(dtype)
    x, wide = pb.tensor(values), values.astype("float64")
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    for count in range(1, len(shape) + 1):
        for dims in itertools.combinations(range(len(shape)), count):
            for correction in (0, 1):
                with np.errstate(all="ignore"):
                    expected = wide.var(axis=dims, ddof=correction, keepdims=True)
                found = pb.var(x, dims, correction=correction, keepdim=True).numpy()
                assert found.dtype == dtype and found.shape == expected.shape
                np.testing.assert_allclose(found, expected, rtol=tolerance)
                found = x.std(dims, correction=correction).numpy()
                np.testing.assert_allclose(found, np.sqrt(expected).reshape(found.shape), rtol=tolerance)


@pytest.mark.parametrize("scale", [1e19, 1e-30, 1.0])
@pytest.mark.parametrize("shape, dims", [((7,), 0), ((500, 30), 0), ((30, 500), 1), ((3, 40, 5), (0, 2))])
def test_squares_out_of_range(scale, shape, dims):
    z = np.random.default_rng(1).normal(size=shape)
    x = pb.tensor((z * scale).astype("float32"))
    np.testing.assert_allclose(x.std(dims).numpy() / scale, z.std(axis=dims, ddof=1), rtol=1e-6)
    leaf = x.clone().requires_grad_()
    (g,) = pb.autograd.grad(leaf.std(dims).sum(), leaf)
    freedom = z.size // z.std(axis=dims).size - 1
    mean, deviation = z.mean(axis=dims, keepdims=True), z.std(axis=dims, ddof=1, keepdims=True)
    np.testing.assert_allclose(g.numpy(), (z - mean) / deviation / freedom, rtol=1e-4, atol=1e-6)


def test_a_small_spread_around_a_large_mean():
    z = np.random.default_rng(2).normal(size=10_000)
    values = (1e5 + z).astype("float32")
    found = pb.tensor(values).var().item()
    assert found == pytest.approx(values.astype("float64").var(ddof=1), rel=1e-7)


@pytest.mark.parametrize("n", [3, 17, 1000, 70_000])
def test_equal_elements_have_no_variance(n):
    for dtype in (pb.float32, pb.float64):
        assert pb.full((n,), 0.1, dtype=dtype).var().item() == 0
        assert (pb.full((n, 3), 0.1, dtype=dtype).std(0) == 0).all()


def test_norms_of_subnormal_vectors():
    for order in (1, 2, 3):
        x = pb.tensor([3e-42, -4e-42], requires_grad=True)
        y = x.norm(p=order)
        (g,) = pb.autograd.grad(y, x)
        z = np.array(x.tolist())
        norm = np.linalg.norm(z, order)
        assert abs(y.item() - norm) <= 2 * 1.5e-45
        expected = np.sign(z) * (abs(z) / norm) ** (order - 1)
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 15, 16, 17, 63, 64, 100, 127, 128, 129, 1023, 1025])
def test_rows_of_every_length(n, dtype):
    """Also where the first element, from which differences are taken, lies far from the others."""
    for far in (0.0, 1e4, -1e12):
        values = np.random.default_rng(n).normal(size=(35, n)).astype(dtype)
        values[:, 0] += np.array(far, dtype)
        expected = values.astype(np.longdouble).var(axis=1, ddof=1)
        tolerance = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(pb.tensor(values).var(1).numpy(), expected.astype(dtype), rtol=tolerance)
        x = pb.tensor(values, requires_grad=True)
        for create_graph in (False, True):
            (g,) = pb.autograd.grad(x.var(1).sum(), x, create_graph=create_graph)
            mean = values.astype(np.longdouble).mean(1, keepdims=True)
            bound = 8 * np.finfo(dtype).eps * (np.abs(values).max(1, keepdims=True) + 1) / n
            assert (np.abs(g.detach().numpy() - 2 * (values - mean) / (n - 1)) <= 2 * bound).all()
