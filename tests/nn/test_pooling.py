"""Pooling of windows that are joined element by element: beside sums and maxima that are spelt out, ties and NaN included."""

import itertools

import numpy as np
import pytest
from checks import check

import pullback as pb
from pullback.nn import pooling

F = pb.nn.functional
CASES = [  # dims, sizes, kernel, stride, padding, dilation, ceil_mode
    (1, (9,), 3, 1, 1, 1, False),
    (1, (10,), 4, 3, 2, 1, True),
    (1, (11,), 3, 2, 1, 2, True),
    (2, (6, 7), 3, 2, 1, 1, False),
    (2, (6, 7), (2, 3), (1, 2), (1, 0), 1, True),
    (2, (8, 8), 2, 2, 0, 1, False),
    (2, (9, 8), (3, 2), 1, 1, (2, 1), False),
    (3, (4, 5, 4), 2, 1, 1, 1, True),
]


@pytest.fixture(params=["joined", "apart"], autouse=True)
def _either_way(request, monkeypatch):
    monkeypatch.setattr(pooling, "LARGE", 0 if request.param == "joined" else 1 << 60)


def windows(dims, sizes, kernel, stride, padding, dilation, ceil_mode):
    """For every position the flat places of the window's elements that are inside, and how many count for a mean."""
    spread = lambda v: v if isinstance(v, tuple) else (v,) * dims
    kernel, stride, padding, dilation = map(spread, (kernel, stride, padding, dilation))
    starts, counted = [], []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation):
        room = n + 2 * p - (d * (k - 1) + 1)
        count = -(-room // s) + 1 if ceil_mode else room // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        starts.append([i * s - p for i in range(count)])
        counted.append([min(i * s - p + k, n + p) - (i * s - p) for i in range(count)])
    found = {}
    for position in itertools.product(*[range(len(each)) for each in starts]):
        places = []
        for offset in itertools.product(*map(range, kernel)):
            at = [each[i] + o * d for each, i, o, d in zip(starts, position, offset, dilation)]
            if all(0 <= a < n for a, n in zip(at, sizes)):
                places.append(int(np.ravel_multi_index(at, sizes)))
        found[position] = places, int(np.prod([each[i] for each, i in zip(counted, position)]))
    return found, [len(each) for each in starts]


@pytest.mark.parametrize("dtype", (pb.float32, pb.float64, pb.float16, pb.int64))
@pytest.mark.parametrize("case", CASES)
def test_the_largest_first_of_equals(case, dtype):
    dims, sizes = case[:2]
    x = pb.tensor(np.random.default_rng(0).integers(-3, 4, (2, 3, *sizes))).to(dtype)
    found, counts = windows(*case)
    values, slopes = np.zeros((2, 3, *counts)), np.zeros((2, 3, int(np.prod(sizes))))
    flat = x.double().flatten(2).numpy()
    for (n, c), (position, (places, _)) in itertools.product(np.ndindex(2, 3), found.items()):
        first = max(places, key=lambda place: flat[n, c, place])
        values[(n, c, *position)] = flat[n, c, first]
        slopes[n, c, first] += 1
    z = x.clone().requires_grad_(x.is_floating_point())
    y = getattr(F, f"max_pool{dims}d")(z, *case[2:])
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.detach().double().numpy(), values)
    if z.requires_grad:
        y.sum().backward()
        np.testing.assert_array_equal(z.grad.double().flatten(2).numpy(), slopes)


@pytest.mark.parametrize("case", [case for case in CASES if case[5] == 1])
@pytest.mark.parametrize("padding_counts", (True, False))
def test_means(case, padding_counts):
    dims, sizes = case[:2]
    x = pb.tensor(np.random.default_rng(1).normal(size=(2, 3, *sizes)))
    found, counts = windows(*case)
    values, flat = np.zeros((2, 3, *counts)), x.flatten(2).numpy()
    for position, (places, counted) in found.items():
        values[(..., *position)] = flat[..., places].sum(-1) / (counted if padding_counts else len(places))
    f = getattr(F, f"avg_pool{dims}d")
    args = (*case[2:5], case[6], padding_counts)
    np.testing.assert_allclose(f(x, *args).numpy(), values, 1e-12, 1e-12)
    check(lambda x: f(x, *args), x[:1, :1].numpy(), second=False)


def test_no_number_wins_and_is_given_on():
    x = pb.tensor([[0.0, float("nan"), 2.0, 3.0, -float("inf"), -float("inf"), -float("inf")]])
    y = F.max_pool1d(x, 3, 1)
    np.testing.assert_array_equal(y.numpy(), [[np.nan, np.nan, 3, 3, -np.inf]])


def test_derivatives_of_the_largest():
    x = np.random.default_rng(2).permutation(2 * 7 * 6).reshape(1, 2, 7, 6) / 10
    check(lambda x: F.max_pool2d(x, 3, 2, 1), x)
    check(lambda x: F.max_pool2d(x * x, 2), x, second=True)
    check(lambda x: F.lp_pool2d(x + 1, 2, 3, 1), x[:, :1, :5, :4])


def test_channels_last_stays():
    x = pb.randn(2, 8, 9, 10).to(memory_format=pb.channels_last)
    for f in (F.max_pool2d, F.avg_pool2d):
        assert f(x, 3, 1).is_contiguous(memory_format=pb.channels_last)
    assert pb.vmap(lambda x: F.max_pool2d(x, 3, 1))(x).shape == (2, 8, 7, 8)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_adaptive_means_of_whole_numbers_are_refused(dtype, size):
    for dims in (1, 2, 3):
        x = pb.ones(1, 2, *[4] * dims).to(getattr(pb, dtype))
        with pytest.raises(
            (NotImplementedError, RuntimeError), match="not implemented for|could not infer output dtype"
        ):
            getattr(pb.nn.functional, f"adaptive_avg_pool{dims}d")(x, size)


@pytest.mark.parametrize("size", [2**31, 2**62, 2**63 - 1])
def test_sizes_without_room_are_refused_at_once(size):
    for name in ("adaptive_avg_pool1d", "adaptive_max_pool1d"):
        with pytest.raises((MemoryError, RuntimeError)):
            getattr(pb.nn.functional, name)(pb.ones(1, 4).expand(2**20, 4), size)
