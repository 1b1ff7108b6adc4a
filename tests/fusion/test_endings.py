"""Reductions that end a program: they have the bits of a reduction of stored elements, however the loop is cut.

The immediate reduction of an array that is there is the reference for bits; that it is right is tests/reductions'
business. NumPy, in float64, is the reference for values here.
"""

import gc

import numpy as np
import pytest
from deferral import deferral
from kinds import BITS

import pullback as pb
from pullback import _core

# Rows shorter and longer than a block, a leaf (1,024) and a chunk (16,384), whole numbers of them and not, and leaves
# of rows with 1, 8 and all lanes.
SHAPES = [
    (5000, 3),
    (70_000, 2),
    (17_000, 7),
    (9000, 40),
    (2100, 16),
    (1024, 8),
    (1025, 100),
    (33, 513),
    (15, 1000),
    (40, 1024),
    (2, 1025),
    (70, 1600),
    (64, 3000),
    (17, 16_384),
    (3, 16_385),
    (2, 70_000),
    (12, 30, 50),
    (7, 5, 33, 4),
]
REDUCTIONS = {
    "sum": pb.sum,
    "mean": pb.mean,
    "amax": pb.amax,
    "amin": pb.amin,
    "count_nonzero": pb.count_nonzero,
}


@pytest.fixture(autouse=True)
def deferred():
    with deferral(least=1024):
        yield
    gc.collect()


@pytest.fixture(params=[1, 3])
def threads(request):
    before = pb.get_num_threads()
    pb.set_num_threads(request.param)
    yield request.param
    pb.set_num_threads(before)


def axes(ndim):
    """Everything, the last axis, all but the first, all but the last, the first."""
    last, first = ndim - 1, 0
    return [tuple(range(ndim)), (last,), tuple(range(1, ndim)), tuple(range(last)), (first,)]


def operands(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    made = rng.standard_normal(shape), rng.standard_normal(shape[-1]), rng.standard_normal((*shape[:-1], 1))
    return [pb.tensor(a, dtype=dtype) for a in made]


def formula(x, row, column):
    return pb.tanh((x - row) * column) * 2 + row


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_by_one_and_together(shape, dtype, threads):
    x, row, column = operands(shape, dtype)
    stored = formula(x, row, column).clone()
    stored.numpy()
    expected = {(name, dim): f(stored, dim) for name, f in REDUCTIONS.items() for dim in axes(x.ndim)}
    expected = {key: t.clone().numpy() for key, t in expected.items()}
    for (name, dim), value in expected.items():
        alone = REDUCTIONS[name](formula(x, row, column), dim)
        assert alone.numpy().tobytes() == value.tobytes(), (name, dim)
    y = formula(x, row, column)
    together = {(name, dim): f(y, dim) for name, f in REDUCTIONS.items() for dim in axes(x.ndim)}
    for key, t in together.items():
        assert t.numpy().tobytes() == expected[key].tobytes(), key
    assert y.numpy().tobytes() == stored.numpy().tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_of_rows_and_columns(shape, threads):
    """A value over everything and sums over leading and trailing axes in one backward pass."""
    results = []
    for immediate in (True, False):
        _core.deferral(immediate, 1024)
        x, row, column = (t.requires_grad_() for t in operands(shape, pb.float64))
        loss = (formula(x, row, column) ** 2).sum()
        loss.backward()
        results.append([t.detach().numpy() for t in (loss, row.grad, column.grad, x.grad)])
    for a, b in zip(*results, strict=True):
        assert a.tobytes() == b.tobytes()
    x, row, column = (t.numpy() for t in operands(shape, pb.float64))
    t = np.tanh((x - row) * column)
    outer = 2 * (2 * t + row)
    inner = outer * 2 * (1 - t * t)
    np.testing.assert_allclose(results[1][0], ((2 * t + row) ** 2).sum(), rtol=1e-11)
    leading = tuple(range(x.ndim - 1))
    expected = (outer - inner * column).sum(leading)
    np.testing.assert_allclose(results[1][1], expected, rtol=1e-9, atol=1e-9 * abs(outer).sum(leading).max())
    expected = (inner * (x - row)).sum(-1, keepdims=True)
    np.testing.assert_allclose(results[1][2], expected, rtol=1e-9, atol=1e-9 * abs(expected).max())
    np.testing.assert_allclose(results[1][3], inner * column, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [getattr(pb, name) for name in (*BITS, "float32")])
@pytest.mark.parametrize("shape", [(3000, 7), (50, 1300), (20, 16_000), (40, 300)], ids=str)
def test_dtypes(shape, dtype):
    rng = np.random.default_rng(1)
    data = rng.integers(0, 2 if dtype is pb.bool else 7, shape)
    x = pb.tensor(data).to(dtype)

    def y():
        return ~x if dtype is pb.bool else x + x

    expected = ~data.astype(bool) if dtype is pb.bool else data + data
    for dim in (0, 1):
        assert pb.explain(y().sum(dim), gradient=False).count("program of") == 1
        np.testing.assert_array_equal(y().sum(dim).numpy(), expected.sum(dim))
        np.testing.assert_array_equal(pb.amax(y(), dim).numpy(), expected.max(dim))
        np.testing.assert_array_equal(y().any(dim).numpy(), expected.any(dim))
        np.testing.assert_array_equal(pb.count_nonzero(y(), dim).numpy(), np.count_nonzero(expected, dim))
    assert y().prod(1).dtype is (dtype if dtype is pb.float32 else pb.int64)


def test_explain_says_what_ends_a_program():
    x = pb.ones(300, 50)
    assert "sum v0 float32 of rows of 50" in pb.explain((x * 3).sum(1))
    assert "sum v0 float32 of 50 columns" in pb.explain((x * 3).sum(0))
    assert "amax" not in pb.explain((x * 3).sum())
    assert "max v0 float32 of rows of 50" in pb.explain(pb.amax(x * 3, 1))


def test_what_is_held_and_only_reduced_is_stored_with_the_reduction():
    """A gradient that a bias's gradient is summed from, say: computing it again would cost a second pass."""
    x = pb.ones(300, 50)
    y = pb.exp(x)
    total = y.sum(0)
    total.numpy()
    assert not _core.pending(y)


def test_axes_in_the_middle_and_permuted_operands():
    rng = np.random.default_rng(2)
    data = rng.standard_normal((30, 40, 50))
    x = pb.tensor(data)
    np.testing.assert_allclose(pb.exp(x).sum(1).numpy(), np.exp(data).sum(1), rtol=1e-13)
    turned = pb.exp(x.permute(2, 0, 1))
    for dim in (0, 1, 2):
        np.testing.assert_allclose(
            turned.sum(dim).numpy(), np.exp(data.transpose(2, 0, 1)).sum(dim), rtol=1e-13
        )


def test_an_update_by_an_outer_product_is_one_instruction_a_row():
    """One value in each row is a single operand, a row vector is read where it lies."""
    rng = np.random.default_rng(3)
    for shape in [(300, 700), (300, 1500), (300, 2500), (3000, 11), (2, 5000)]:
        p, h, d = (
            rng.standard_normal(shape),
            rng.standard_normal((shape[0], 1)),
            rng.standard_normal(shape[1]),
        )
        expected = p - 0.1 * (h * d)
        t = pb.tensor(p)
        t -= 0.1 * (pb.tensor(h) * pb.tensor(d))
        np.testing.assert_array_equal(t.numpy(), expected)
        both = pb.where(pb.tensor(h) > 0, pb.tensor(d), pb.tensor(p)) + pb.tensor(h)
        np.testing.assert_array_equal(both.numpy(), np.where(h > 0, d, p) + h)


def test_large_results_are_streamed_past_the_caches():
    """From 16 MB on; rows that do not begin at a cache line, and a result that lies over an operand."""
    rng = np.random.default_rng(4)
    x, row = rng.random((4201, 1001)), rng.random(1001)
    t = pb.tensor(x)
    y, total = t * 2 + pb.tensor(row), (t * 2 + pb.tensor(row)).sum(1)
    np.testing.assert_array_equal(y.numpy(), x * 2 + row)
    np.testing.assert_allclose(total.numpy(), (x * 2 + row).sum(1), rtol=1e-13)
    t *= 3
    np.testing.assert_array_equal(t.numpy(), x * 3)
