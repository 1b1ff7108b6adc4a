"""Edges of the library that no row of the table tells: empty operands, truth values, bounds of draws, infinities."""

import numpy as np
import pytest

import pullback as pb
from pullback.autograd import forward_ad

inf = float("inf")


def test_nothing_may_be_divided_by_zero():
    none = pb.zeros(0, dtype=pb.int64)
    for quotient in (none // 0, none % 0, pb.fmod(none, 0), pb.div(none, 0, rounding_mode="trunc")):
        assert quotient.shape == (0,) and quotient.dtype == pb.int64
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        pb.zeros(1, dtype=pb.int64) // 0


def test_powers_of_truth_values():
    x = pb.tensor([True, False])
    assert (x**True).tolist() == [True, False] and (x**False).tolist() == [True, True]
    assert (x**True).dtype == pb.bool and (x**2).dtype == pb.int64
    for refused in (lambda: x**x, lambda: True**x):
        with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
            refused()


def test_polygamma_has_no_negative_order():
    for refused in (lambda: pb.polygamma(-1, pb.ones(1)), lambda: pb.ones(1).polygamma(-1)):
        with pytest.raises(RuntimeError, match="does not support negative n"):
            refused()
    assert pb.ones(1).polygamma_(1).item() == pytest.approx(np.pi**2 / 6)


def test_a_dual_has_one_tangent_at_a_level():
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(pb.ones(2), pb.ones(2))
        with pytest.raises(RuntimeError, match="already has a forward gradient at the same level 0 is not"):
            forward_ad.make_dual(dual, pb.ones(2))
        with pytest.raises(RuntimeError, match="itself has a forward gradient at the same level0 is not"):
            forward_ad.make_dual(pb.ones(2), dual)
        with forward_ad.dual_level():
            both = forward_ad.make_dual(dual, pb.ones(2))
            with pytest.raises(
                RuntimeError, match="already has a forward gradient at the same level 1 is not"
            ):
                forward_ad.make_dual(both, pb.ones(2))


@pytest.mark.parametrize("f", [pb.max, pb.min, pb.cummax, pb.sort])
def test_indices_are_not_written_into_floats(f):
    x = pb.tensor([[1.0, 2.0], [3.0, 0.0]])
    shape = f(x, 0)[0].shape
    with pytest.raises(
        RuntimeError, match="Expected out tensor to have dtype long int, but got float instead"
    ):
        f(x, 0, out=(pb.empty(shape), pb.empty(shape)))
    values, indices = f(x, 0, out=(pb.empty(shape), pb.empty(shape, dtype=pb.int64)))
    assert values.tolist() == f(x, 0)[0].tolist() and indices.tolist() == f(x, 0)[1].tolist()


def test_full_takes_the_number_of_a_tensor():
    for value, dtype in (
        (pb.tensor(2, dtype=pb.int32), pb.int64),
        (pb.tensor(1.5, dtype=pb.float64), pb.float32),
    ):
        assert pb.full((2,), value).dtype == dtype and pb.full((2,), value)[0].item() == value.item()


@pytest.mark.parametrize("low, high", [(1e6, 1e6 + 1), (1e7, 1e7 + 3), (-1e7, -1e7 + 1), (0.0, 1.0)])
def test_uniform_numbers_stay_within_their_bounds(low, high):
    """The upper one is met only by rounding, as PyTorch's numbers meet it."""
    x = pb.empty(200_000).uniform_(low, high)
    assert (x >= low).all() and (x <= high).all()
    assert (pb.empty(200_000, dtype=pb.float64).uniform_(low, high) < high).all()


def test_multinomial_draws_what_has_weight():
    weights = pb.tensor([0.0, 1.0, 0.0, 1e-30, 0.0])
    for _ in range(50):
        assert set(pb.multinomial(weights, 20, replacement=True).tolist()) <= {1, 3}
        assert set(pb.multinomial(weights, 2).tolist()) == {1, 3}
    with pytest.raises(RuntimeError, match="not enough non-negative category to sample"):
        pb.multinomial(weights, 3)


def test_wide_integers_are_equally_likely():
    """Of three quarters of all words each third is drawn as often; a remainder would double the first."""
    x = pb.randint(0, 3 * 2**61, (30_000,)).double() / 2.0**61
    counts = [((x >= k) & (x < k + 1)).sum().item() for k in range(3)]
    assert max(counts) - min(counts) < 600
    y = pb.randint(-(2**63), 2**62, (30_000,)).double() / 2.0**62
    counts = [((y >= k) & (y < k + 1)).sum().item() for k in (-2, -1, 0)]
    assert max(counts) - min(counts) < 600


@pytest.mark.parametrize("interpolation", ["linear", "midpoint", "lower", "higher", "nearest"])
def test_quantiles_beside_infinities(interpolation):
    x = pb.tensor([inf, 1.0, -inf, 0.0])
    for q, expected in ((0.0, -inf), (1.0, inf)):
        assert x.quantile(q, interpolation=interpolation).item() == expected
    assert pb.tensor([inf, inf, 1.0]).quantile(0.8, interpolation=interpolation).item() == inf
    if interpolation in ("linear", "midpoint"):
        assert x.quantile(0.9, interpolation=interpolation).item() == inf
        assert x.quantile(0.1, interpolation=interpolation).item() == -inf
        assert x.quantile(0.5, interpolation=interpolation).item() == 0.5
        assert pb.tensor([-inf, inf]).quantile(0.5, interpolation=interpolation).isnan()
