"""Reductions, scans, products and selections of halves: in float32 inside, within a unit of what float64 makes of it."""

import numpy as np
import pytest
from halves.rounding import HALVES, near, numbers, rounded, same

import pullback as pb

SHAPES = [(5, 7), (70, 300)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", HALVES)
def test_reductions(dtype, shape):
    a, x = numbers(shape, dtype)
    wide = a.astype(np.float64)
    for dim in (0, 1, None):
        at = () if dim is None else (dim,)
        near(x.sum(*at), wide.sum(*at))
        near(x.mean(*at), wide.mean(*at))
        near(x.var(*at), wide.var(*at, ddof=1))
        near(x.std(*at), wide.std(*at, ddof=1))
        near(x.norm(dim=dim), np.sqrt((wide**2).sum(*at)))
        near(x.logsumexp(*at or ((0, 1),)), np.log(np.exp(wide).sum(*at)))
        same(x.amax(*at), a.max(*at))
        same(x.amin(*at), a.min(*at))
        np.testing.assert_array_equal(x.argmax(*at).numpy(), a.argmax(*at))
        np.testing.assert_array_equal(x.any(*at).numpy(), a.any(*at))
    near(x[:, :6].prod(1), wide[:, :6].prod(1))
    assert x.sum(dtype=pb.float32).dtype is pb.float32 and x.float().sum(dtype=dtype).dtype is dtype
    assert x.sum(0, keepdim=True).shape == (1, shape[1]) and x.count_nonzero() == np.count_nonzero(a)
    # 4096 ones are 4096: no half counts so far.
    ones = pb.ones(4096, dtype=dtype)
    assert ones.sum() == 4096 and ones.cumsum(0)[-1] == 4096 and ones @ ones == 4096


@pytest.mark.parametrize("dtype", HALVES)
def test_scans_and_rows(dtype):
    a, x = numbers((9, 200), dtype, 1)
    wide = a.astype(np.float64)
    near(x.cumsum(1), wide.cumsum(1), 2)  # sums may cancel
    near(x[:, :6].cumprod(1), wide[:, :6].cumprod(1))
    e = np.exp(wide - wide.max(1, keepdims=True))
    near(x.softmax(1), e / e.sum(1, keepdims=True), 1.1)
    near(x.log_softmax(1), np.log(e / e.sum(1, keepdims=True)))
    mean, var = wide.mean(1, keepdims=True), wide.var(1, keepdims=True)
    near(pb.layer_norm(x, (200,)), (wide - mean) / np.sqrt(var + 1e-5), 1.5)
    same(x.cummax(1).values, np.maximum.accumulate(a, 1))
    same(x.sort(1).values, np.sort(a, 1))
    same(x.topk(5).values, -np.sort(-a, 1)[:, :5])
    same(x.median(1).values, np.sort(a, 1)[:, 99])
    same(x.kthvalue(3).values, np.sort(a, 1)[:, 2])
    same(x.unique(), np.unique(a))
    np.testing.assert_array_equal(x.argsort(1, stable=True).numpy(), np.argsort(a, 1, kind="stable"))
    np.testing.assert_array_equal(
        pb.searchsorted(x[0].sort().values, x[1]).numpy(), np.searchsorted(np.sort(a[0]), a[1])
    )


@pytest.mark.parametrize("dtype", HALVES)
def test_products(dtype):
    (a, x), (b, y) = numbers((30, 40), dtype, 2), numbers((30, 40), dtype, 3)
    product = a.astype(np.float64) @ b.T
    for got, expected in (
        (x @ y.t(), product),
        (x.unsqueeze(0) @ y.t(), product[None]),
        (x @ y[0], product[:, 0]),
        (x[0].dot(y[0]), product[0, 0]),
        (pb.einsum("ij,kj->ik", x, y), product),
        (pb.addmm(y[:, :1], x, y.t()), b[:, :1] + product),
        (pb.nn.functional.linear(x, y, y[:, 0]), product + b[:, 0]),
    ):
        assert got.dtype is dtype
        scale = np.abs(a).astype(np.float64) @ np.abs(b).T
        error = np.abs(got.double().numpy() - expected)
        assert (
            error
            <= 1.01
            * np.maximum(
                np.abs(expected) * {pb.float16: 2**-11, pb.bfloat16: 2**-8}[dtype], 2e-6 * scale.max()
            )
        ).all()
    near(pb.outer(x[0], y[0]), np.outer(a[0].astype(np.float64), b[0]))
    other = pb.float32
    with pytest.raises(RuntimeError, match="to have the same dtype"):
        x @ y.t().to(other)


@pytest.mark.parametrize("dtype", HALVES)
def test_selections(dtype):
    a, x = numbers((30, 20), dtype, 4)
    rng = np.random.default_rng(0)
    at, along, mask = rng.integers(0, 30, 9), rng.integers(0, 20, (30, 4)), a > 0.3
    i, j, m = pb.tensor(at), pb.tensor(along), pb.tensor(mask)
    same(x[i], a[at])
    same(x[m], a[mask])
    same(x[2:9:3, 1], a[2:9:3, 1])
    same(x.gather(1, j), np.take_along_axis(a, along, 1))
    same(x.flip(0).roll(1, 1), np.roll(a[::-1], 1, 1))
    same(pb.cat([x, x.t().contiguous().t()]), np.concatenate([a, a]))
    same(pb.stack([x, x], 1), np.stack([a, a], 1))
    same(pb.nn.functional.pad(x, (1, 2), value=0.5), np.pad(a, ((0, 0), (1, 2)), constant_values=0.5))
    same(x.masked_fill(m, 0.1), np.where(mask, rounded(np.float32(0.1), dtype), a))
    same(x.tril(), np.tril(a))
    same(x.repeat(2, 1), np.tile(a, (2, 1)))
    np.testing.assert_array_equal(x.nonzero().numpy(), np.argwhere(a))
    same(x.index_copy(0, pb.arange(3), x[5:8]), np.concatenate([a[5:8], a[3:]]))
    wide = a.astype(np.float64)
    np.add.at(wide, at, a[:9].astype(np.float64))
    near(x.index_add(0, i, x[:9]), wide, 3)
    got = pb.zeros(5, dtype=dtype).index_put_((pb.tensor([1, 1, 3]),), x[0, :3], accumulate=True)
    same(got, np.float32([0, rounded(a[0, 0] + a[0, 1], dtype), 0, a[0, 2], 0]))
    same(
        pb.zeros(30, 20, dtype=dtype).scatter_reduce(1, j, x[:, :4].contiguous(), "amax").amax(),
        np.maximum(a[:, :4].max(), 0),
    )
