"""Sums are accurate, and do not depend on strides; extreme arguments stay in range."""

import math

import numpy as np
import pytest

import pullback as pb

rng = np.random.default_rng(2)


@pytest.mark.parametrize("n", [1, 7, 16, 63, 64, 65, 1000, 1024, 1025, 5000, 200_003])
def test_sum_against_fsum(n):
    x = (rng.normal(size=n) * 10 ** rng.uniform(-3, 3, size=n)).astype(np.float32)
    exact, size = math.fsum(x.tolist()), math.fsum(np.abs(x).tolist())
    depth = 16 + 6 + max(0, math.ceil(math.log2(n / 1024)))
    assert abs(pb.tensor(x).sum().item() - exact) <= depth * 2**-24 * size
    assert abs(pb.tensor(x).mean().item() - exact / n) <= (depth + 1) * 2**-24 * size / n


@pytest.mark.parametrize("n", [3, 15, 16, 17, 64, 100, 1023, 1025, 2500])
@pytest.mark.parametrize("m", [1, 3, 5, 70])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_strides(n, m, dtype):
    x = rng.normal(size=(m, n)).astype(dtype)
    rows = pb.tensor(x)
    columns = pb.tensor(np.ascontiguousarray(x.T)).transpose(0, 1)
    spread = pb.tensor(np.repeat(x, 2, axis=1))[:, ::2]
    for f in (
        lambda t: t.sum(1),
        lambda t: t.prod(1),
        lambda t: t.max(1).values,
        lambda t: t.argmin(1),
        lambda t: t.logsumexp(1),
        lambda t: t.log_softmax(1),
        lambda t: t.var(1),
        lambda t: t.norm(dim=1),
        lambda t: t.cumsum(1),
        lambda t: t.count_nonzero(1),
    ):
        expected = f(rows).numpy()
        np.testing.assert_array_equal(f(columns).numpy(), expected)
        np.testing.assert_array_equal(f(spread).numpy(), expected)
        one = pb.stack([f(rows[i : i + 1])[0] for i in range(m)]).numpy()
        np.testing.assert_array_equal(one, expected)


def test_several_dimensions_are_one_run():
    x = rng.normal(size=(6, 5, 70, 8)).astype(np.float32)
    t = pb.tensor(x)
    for dims in [(0, 2), (0, 3), (1, 3), (0, 2, 3), (1, 2), (0, 1)]:
        kept = [d for d in range(4) if d not in dims]
        moved = np.ascontiguousarray(x.transpose(*kept, *dims)).reshape([x.shape[d] for d in kept] + [-1])
        np.testing.assert_array_equal(t.sum(dims).numpy(), pb.tensor(moved).sum(-1).numpy())


def test_expanded_input():
    x = pb.tensor([1.0, 2.0, 3.0]).expand(4, 3)
    np.testing.assert_array_equal(x.sum(0).numpy(), [4, 8, 12])
    np.testing.assert_array_equal(x.sum(1).numpy(), [6, 6, 6, 6])
    assert x.sum().item() == 24


@pytest.mark.parametrize("p", [2, 3, 1.5, 4])
def test_norm_in_range(p):
    for scale in (1e-30, 1e30):
        x = pb.tensor(np.array([3.0, -4.0, 0.0], dtype=np.float32) * np.float32(scale), requires_grad=True)
        y = x.norm(p=p)
        expected = (3.0**p + 4.0**p) ** (1 / p)
        assert y.item() == pytest.approx(expected * scale, rel=1e-5)
        y.backward()
        np.testing.assert_allclose(
            x.grad.numpy(), [(3 / expected) ** (p - 1), -((4 / expected) ** (p - 1)), 0], rtol=1e-5
        )


def test_log_softmax_far_from_zero():
    x = np.array([[0.0, 300.0, -500.0], [1e4, 1e4 + 1, 1e4 - 1]])
    y = pb.tensor(x.astype(np.float32)).log_softmax(1).numpy()
    exact = x - (x.max(1, keepdims=True) + np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)))
    np.testing.assert_allclose(y, exact, rtol=1e-6)


def test_cumsum_of_float32_is_rounded_once():
    x = rng.normal(size=10_000).astype(np.float32)
    np.testing.assert_array_equal(
        pb.tensor(x).cumsum(0).numpy(), np.cumsum(x.astype(np.float64)).astype(np.float32)
    )
