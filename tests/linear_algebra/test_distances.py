"""Distances between points: beside differences that are spelt out, in all sizes at which loops change, in little memory."""

import itertools

import numpy as np
import pytest
from checks import check
from kernels.harness import on_isa

import pullback as pb

COUNTS = (1, 2, 15, 16, 17, 63, 64, 65, 130)
DIMS = (1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 131)


def points(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def spelt_out(a, b, order):
    d = np.abs(a[..., :, None, :] - b[..., None, :, :])
    return d.sum(-1) if order == 1 else np.sqrt((d * d).sum(-1))


def slopes(a, b, g, order):
    """The gradients by a and by b."""
    d = a[:, None, :] - b[None, :, :]
    w = (g / spelt_out(a, b, 2))[:, :, None] * d if order == 2 else g[:, :, None] * np.sign(d)
    return w.sum(1), -w.sum(0)


@pytest.mark.parametrize("order", (1, 2))
@pytest.mark.parametrize("dtype, near", [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_values_and_gradients_of_all_sizes(order, dtype, near):
    for i, (count, dims) in enumerate(itertools.product(COUNTS, DIMS)):
        rows = 1 + (7 * i) % 71
        a, b, g = (
            points(rows, dims, seed=i),
            points(count, dims, seed=i + 1000),
            points(rows, count, seed=i + 2000),
        )
        x, y = (pb.tensor(each.astype(dtype), requires_grad=True) for each in (a, b))
        d = pb.cdist(x, y, order)
        np.testing.assert_allclose(d.detach().numpy(), spelt_out(a, b, order), near, near)
        d.backward(pb.tensor(g.astype(dtype)))
        if order == 1 and dtype is np.float32:
            continue  # a sign may change where numbers are rounded
        for found, true in zip((x.grad, y.grad), slopes(a, b, g, order), strict=True):
            np.testing.assert_allclose(found.numpy(), true, near, near * count * rows)


@pytest.mark.parametrize("order", (1, 2))
def test_more_points_than_a_block_has(order):
    a, b = points(70, 3), points(5000, 3, seed=1)
    x, y = pb.tensor(a, requires_grad=True), pb.tensor(b, requires_grad=True)
    d = pb.cdist(x, y, order)
    np.testing.assert_allclose(d.detach().numpy(), spelt_out(a, b, order), 1e-13)
    d.sum().backward()
    for found, true in zip((x.grad, y.grad), slopes(a, b, np.ones((70, 5000)), order), strict=True):
        np.testing.assert_allclose(found.numpy(), true, 1e-10, 1e-10)


@pytest.mark.parametrize("order", (1, 2))
@pytest.mark.parametrize(
    "shapes", [((2, 3), (4, 3)), ((3, 18), (2, 18)), ((3, 17, 2), (70, 2)), ((2, 1, 2, 3), (3, 2, 3))]
)
def test_every_derivative(shapes, order):
    a, b = (
        points(*shape, seed=seed).round(1) + seed / 20 for seed, shape in enumerate(shapes)
    )  # away from kinks
    check(lambda a, b: pb.cdist(a, b, order), a, b, second=a.size + b.size < 100)


@pytest.mark.parametrize("order", (1, 2))
def test_derivatives_of_pairs(order):
    check(lambda a: pb.pdist(a, order), points(4, 3))


def test_of_equal_points_the_slope_is_nothing():
    for order in (1, 2):
        x = pb.tensor([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], requires_grad=True)
        (g,) = pb.autograd.grad(pb.cdist(x, x, order).sum(), x, create_graph=True)
        expected = (
            [[-2.0, -2.0], [-2.0, -2.0], [4.0, 4.0]]
            if order == 1
            else [[-1.2, -1.6], [-1.2, -1.6], [2.4, 3.2]]
        )
        np.testing.assert_allclose(g.detach().numpy(), expected, 1e-6)
        if order == 2:
            assert pb.autograd.grad(g.sum(), x)[0].isfinite().all()


@pytest.mark.parametrize(
    "dtype, size", [(pb.float32, 1e-30), (pb.float32, 1e30), (pb.float64, 1e-300), (pb.float64, 1e300)]
)
def test_squares_may_leave_the_range_that_distances_do_not(dtype, size):
    x = pb.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=pb.float64) * size
    d = pb.cdist(x.to(dtype), x.to(dtype)).double() / size
    np.testing.assert_allclose(d.numpy(), [[0, 5], [5, 0]], 1e-6)


def test_what_is_not_finite():
    inf, nan = float("inf"), float("nan")
    x = pb.tensor([[0.0, inf], [nan, 1.0], [-inf, inf], [0.0, 0.0]])
    for order in (1, 2):
        found = pb.cdist(x, x, order).numpy()
        with np.errstate(invalid="ignore"):
            expected = spelt_out(x.numpy(), x.numpy(), order)
        np.testing.assert_array_equal(found, expected)


def test_near_points_far_from_zero():
    """Where products of the points would leave nothing."""
    x = pb.tensor([[1e6, 1e6], [1e6 + 1, 1e6]], requires_grad=True)
    d = pb.cdist(x, x)
    d.sum().backward()
    assert d.tolist() == [[0, 1], [1, 0]] and x.grad.tolist() == [[-2, 0], [2, 0]]


def test_every_number_of_threads_gives_the_same_bits():
    a, b = pb.tensor(points(300, 40)), pb.tensor(points(400, 40, seed=1))
    before, found = pb.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            pb.set_num_threads(threads)
            x = a.clone().requires_grad_()
            d = pb.cdist(x, b)
            d.square().sum().backward()
            found.append((d.detach().numpy().tobytes(), x.grad.numpy().tobytes()))
    finally:
        pb.set_num_threads(before)
    assert len(set(found)) == 1


def some():
    """Bits of distances and gradients, of points of few coordinates and of many."""
    found = []
    for dims, dtype in itertools.product((3, 40), (np.float32, np.float64)):
        x = pb.tensor(points(20, dims).astype(dtype), requires_grad=True)
        d = pb.cdist(x, pb.tensor(points(150, dims, seed=1).astype(dtype)))
        d.square().sum().backward()
        found += [d.detach().numpy().tobytes().hex(), x.grad.numpy().tobytes().hex()]
    return found


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_the_same_bits(isa):
    assert on_isa(isa, "linear_algebra.test_distances", "some()") == some()


def test_nothing_of_the_size_of_the_differences_is_made():
    x = pb.tensor(points(400, 100), requires_grad=True)
    y = pb.tensor(points(500, 100, seed=1), requires_grad=True)
    start = pb.memory.total()
    pb.cdist(x, y).square().sum().backward()
    assert pb.memory.total() - start < 20 * 400 * 500 * 8


@pytest.mark.parametrize("order", [0, 1, 2, 3.0, float("inf")])
@pytest.mark.parametrize("columns", [0, 1, 2])
def test_batches_that_do_not_fit(order, columns):
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        pb.cdist(pb.ones(2, 3, columns), pb.ones(3, 4, columns), order)
    assert pb.cdist(pb.ones(2, 1, 3, columns), pb.ones(5, 4, columns), order).shape == (2, 5, 3, 4)
