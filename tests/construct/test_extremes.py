"""Arguments at the ends of their range: integers near 2**63, floats beyond every integer, tensors without elements.

Most of these once overflowed, or read beyond an array, in the core; `make sanitize` runs them with every
arithmetic operation and every access checked.
"""

import math

import numpy as np
import pytest
from kinds import INTEGERS, SIGNED

import pullback as pb

LEAST, MOST = -(2**63), 2**63 - 1


def raises(message, call, *args, error=RuntimeError, **options):
    with pytest.raises(error, match=message):
        call(*args, **options)


def test_floats_beside_the_largest_integer():
    for value in (9.21e18, math.nextafter(2.0**63, 0), -(2.0**63)):
        for made in (
            pb.tensor(value, dtype=pb.int64),
            pb.tensor([value], dtype=pb.int64),
            pb.full((1,), value, dtype=pb.int64),
            pb.zeros(1, dtype=pb.int64).fill_(value),
            pb.tensor(value, dtype=pb.float64).long(),
        ):
            assert made.item() == int(value)


@pytest.mark.parametrize("value", [2.0**63, -9.25e18, 1e30, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v]])
def test_floats_that_are_no_integers(value, wrap):
    for name in INTEGERS:
        raises("without overflow", pb.tensor, wrap(value), dtype=getattr(pb, name))


@pytest.mark.parametrize("source", [pb.float32, pb.float64])
def test_floats_out_of_range_become_the_least_integer(source):
    x = pb.tensor([math.nan, math.inf, -math.inf, 1e19, 3e9, -3e9, 300.75, -1.0], dtype=source)
    assert x.long().tolist() == [LEAST] * 4 + [3 * 10**9, -3 * 10**9, 300, -1]
    assert x.int().tolist() == [-(2**31)] * 6 + [300, -1]
    assert x[6:].byte().tolist() == [44, 255]


def test_counting_the_largest_integer():
    raises("maximum value of input overflowed", pb.bincount, pb.tensor([1, MOST]))


def test_histogram_of_a_range_wider_than_a_float():
    x = pb.tensor([-1.7e308, 0.0, 1.7e308], dtype=pb.float64)
    assert pb.histc(x, bins=4).tolist() == [1, 0, 1, 1]


def test_histogram_of_a_number_that_one_is_too_small_to_move():
    assert pb.histc(pb.tensor([1e300, 1e300], dtype=pb.float64), bins=3).tolist() == [0, 2, 0]


def test_arange_with_a_step_that_is_no_number():
    raises("step must be nonzero", pb.arange, 3.0, 0.0, math.nan)
    raises("step must be nonzero", pb.arange, 0.0, 3.0, math.nan)
    raises("invalid size", pb.arange, -1.7e308, 1.7e308, math.inf, dtype=pb.float64)


def test_sorters_of_searchsorted_are_checked():
    sequence, value = pb.tensor([3.0, 1.0, 2.0]), pb.tensor([2.0])
    assert pb.searchsorted(sequence, value, sorter=pb.tensor([1, 2, 0])).tolist() == [1]
    for bad in ([0, 1, 3], [0, -1, 2], [0, LEAST, MOST]):
        raises("sorter index out of range", pb.searchsorted, sequence, value, sorter=pb.tensor(bad))
    for dtype in (pb.float32, pb.int32):
        sorter = pb.tensor([1, 2, 0], dtype=dtype)
        raises("sorter must be a tensor of long dtype", pb.searchsorted, sequence, value, sorter=sorter)


def test_sizes_of_empty_tensors_are_multiplied_without_overflow():
    raises("Stride calculation overflowed", pb.empty, 0, 2**40, 2**40)
    raises("Storage size calculation overflowed", pb.empty, 2**40, 2**40, 0)
    assert pb.empty(0, MOST).shape == (0, MOST)
    assert (pb.zeros(0, 1).expand(0, 2**60) + 1).sum().item() == 0


def test_steps_beyond_every_element():
    x = pb.arange(5.0, requires_grad=True)
    for part in (x[::MOST], x[1 :: 2**62], x.unfold(0, 2, MOST), x.reshape(1, 5)[:: 2**61, ::2]):
        assert (part + 1).sum().item() == part.detach().numpy().sum() + part.numel()
        assert part.unsqueeze(0).clone().shape == (1, *part.shape)
        (g,) = pb.autograd.grad((part * part).sum(), x)
        assert g.sum().item() == 2 * part.sum().item()


@pytest.mark.parametrize("name", SIGNED)
def test_arithmetic_wraps_around(name):
    dtype = getattr(pb, name)
    least = pb.iinfo(dtype).min
    x, one = pb.tensor([least], dtype=dtype), pb.tensor([-1], dtype=dtype)
    for wrapped in (-x, x.abs(), x * one, x // one, x - 0, x.cumsum(0), x.sum(0), x.prod(0).to(dtype)):
        assert wrapped.item() == least
    for zero in (x % one, x.fmod(one), x + x, x.square(), x << 100):
        assert zero.item() == 0
    assert (x - 1).item() == -(least + 1)
    assert (x >> 100).item() == -1


def test_offsets_of_diagonals_and_triangles():
    x = pb.ones(3, 3)
    for far in (LEAST, MOST):
        assert x.diagonal(far).numel() == 0
        assert x.triu(far).sum().item() == (9 if far < 0 else 0)
        assert x.tril(far).sum().item() == (0 if far < 0 else 9)
        assert pb.tril_indices(3, 3, far).shape == (2, 0 if far < 0 else 9)
    raises("overflowed", pb.diag_embed, pb.ones(3), LEAST)


def test_indices_and_shifts():
    x = pb.arange(5)
    for far in (LEAST, MOST):
        raises("out of range", x.narrow, 0, far, 1, error=IndexError)
        raises("out of range", x.take, pb.tensor([far]), error=IndexError)
        raises("out of bounds", x.__getitem__, pb.tensor([far]), error=IndexError)
        assert x.roll(far).tolist() == np.roll(np.arange(5), far % 5).tolist()
        assert x[far:].tolist() + x[:far].tolist() == x.tolist()
    raises("exceeds dimension size", x.narrow, 0, 1, MOST)
    assert x.split(MOST)[0].tolist() == x.tolist()
    assert len(x.chunk(MOST)) == 5


def test_sums_of_integers_wrap_around_wherever_they_are_added_up():
    x, zero, most = pb.tensor([MOST]), pb.tensor([0]), pb.tensor([MOST])
    for added in (
        x.index_add(0, zero, most),
        x.scatter_add(0, zero, most),
        x.index_put((zero,), most, accumulate=True),
        x.put(zero, most, accumulate=True),
        pb.cat([x, most]).cumsum(0)[1:],
        pb.cat([x, most]).sum(0),
        pb.addmm(x[None], most[None], pb.tensor([[1]])),
        pb.dot(pb.cat([x, most]), pb.tensor([1, 1])),
    ):
        assert added.item() == -2
    assert x.scatter_reduce(0, zero, most, "prod").item() == 1
    assert pb.cat([x, most]).cumprod(0)[1].item() == 1
    assert pb.addmm(x[None], most[None], pb.tensor([[0]]), beta=MOST).item() == 1


@pytest.mark.parametrize("n", [0, 1, 3])
def test_any_number_of_indices_into_a_single_number(n):
    """Once written behind the end of an array of one index."""
    x, index, source = pb.tensor(1.0, requires_grad=True), pb.zeros(n, dtype=pb.int64), pb.arange(1.0, n + 1)
    filled = x.index_fill(0, index, 2.0)
    assert filled.shape == () and filled.item() == (2 if n else 1)
    (g,) = pb.autograd.grad(filled, x)
    assert g.item() == (0 if n else 1)
    assert x.index_fill(0, index, pb.tensor(2.0)).item() == (2 if n else 1)
    assert x.index_copy(0, index, source).item() == (n or 1)
    assert x.scatter(0, index, source).item() == (n or 1)
    assert x.scatter_add(0, index, source).item() == 1 + source.sum().item()
    assert x.gather(0, index).tolist() == [1] * n
    raises("source tensor shape must match", x.index_add, 0, index, source)
    if n != 1:
        raises("Index to scalar can have only 1 value", x.index_select, 0, index)
