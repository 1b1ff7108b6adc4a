"""Derivatives against finite differences: first order in both modes, second order in all four nestings.

The points include the boundaries: zeros in products, ties, the zero vector, rows of -inf. At kinks, where
finite differences do not exist, the expected values are the documented choices.
"""

import math

import numpy as np
import pytest
from checks import Closed, check, curved

import pullback as pb

rng = np.random.default_rng(5)
GENERIC = rng.normal(size=(3, 4))
ONE_ZERO = np.array([[0.7, 0.0, -1.3, 2.0], [1.1, 0.4, -0.6, 0.9], [0.3, -1.2, 0.8, 1.5]])
TWO_ZEROS = np.array([[0.7, 0.0, -1.3, 0.0], [0.0, 0.0, 0.0, 0.9], [0.3, -1.2, 0.8, 0.0]])
POSITIVE = np.abs(GENERIC) + 0.3
WITH_INFINITY = np.array([[0.3, -np.inf, 1.2], [-np.inf, 0.5, -0.7]])

SMOOTH = {
    "sum": (lambda x: x.sum(1), GENERIC),
    "sum_all": (lambda x: x.sum(), GENERIC),
    "sum_two": (lambda x: x.reshape(3, 2, 2).sum((0, 2)), GENERIC),
    "sum_to_size": (lambda x: x.sum_to_size(4), GENERIC),
    "sum_to_size_ones": (lambda x: x.reshape(3, 2, 2).sum_to_size(2, 1), GENERIC),
    "nansum": (lambda x: x.nansum(0), GENERIC),
    "mean": (lambda x: x.mean(0, keepdim=True), GENERIC),
    "mean_all": (lambda x: x.mean(), GENERIC),
    "prod": (lambda x: x.prod(1), GENERIC),
    "prod_keep": (lambda x: x.prod(0, keepdim=True), GENERIC),
    "prod_one_zero": (lambda x: x.prod(1), ONE_ZERO),
    "prod_two_zeros": (lambda x: x.prod(1), TWO_ZEROS),
    "prod_all": (lambda x: x.prod(), GENERIC),
    "prod_all_zeros": (lambda x: x.prod(), np.array([[1.0, 0.0], [0.0, 2.0]])),
    "var": (lambda x: x.var(1), GENERIC),
    "var_all": (lambda x: x.var(correction=0), GENERIC),
    "std": (lambda x: x.std(0, keepdim=True), GENERIC),
    "var_mean": (lambda x: pb.add(*pb.var_mean(x, 1)), GENERIC),
    "std_mean": (lambda x: pb.mul(*pb.std_mean(x, 0)), GENERIC),
    "norm": (lambda x: x.norm(), GENERIC),
    "norm_dim": (lambda x: x.norm(dim=1), GENERIC),
    "norm_1": (lambda x: x.norm(p=1, dim=0), GENERIC),
    "norm_3": (lambda x: x.norm(p=3, dim=0), GENERIC),
    "norm_half": (lambda x: x.norm(p=0.5), POSITIVE),
    "norm_1.5": (lambda x: x.norm(p=1.5, dim=1, keepdim=True), GENERIC),
    "norm_inf": (lambda x: x.norm(p=math.inf, dim=1), GENERIC),
    "norm_-inf": (lambda x: x.norm(p=-math.inf, dim=0), GENERIC),
    "norm_0": (lambda x: x.norm(p=0) * x.sum(), GENERIC),
    "norm_-2": (lambda x: x.norm(p=-2, dim=1), POSITIVE),
    "max": (lambda x: x.max(), GENERIC),
    "max_dim": (lambda x: x.max(1).values, GENERIC),
    "min_dim": (lambda x: x.min(0, keepdim=True)[0], GENERIC),
    "max_other": (lambda x: pb.max(x, 0.5 * x * x), GENERIC),
    "amax": (lambda x: x.amax(0), GENERIC),
    "amin": (lambda x: x.amin((0, 1)), GENERIC),
    "aminmax": (lambda x: pb.sub(*pb.aminmax(x, dim=1)), GENERIC),
    "logsumexp": (lambda x: x.logsumexp(1), GENERIC),
    "logsumexp_two": (lambda x: x.logsumexp((0, 1)), GENERIC),
    "logsumexp_inf": (lambda x: x.logsumexp(1), WITH_INFINITY),
    "softmax": (lambda x: x.softmax(1), GENERIC),
    "softmax_first": (lambda x: x.softmax(0), GENERIC),
    "softmax_inf": (lambda x: x.softmax(1), WITH_INFINITY),
    "log_softmax": (lambda x: x.log_softmax(1), GENERIC),
    "log_softmax_first": (lambda x: x.log_softmax(0), GENERIC),
    "cumsum": (lambda x: x.cumsum(1), GENERIC),
    "cumprod": (lambda x: x.cumprod(1), GENERIC),
    "cumprod_one_zero": (lambda x: x.cumprod(1), ONE_ZERO),
    "cumprod_two_zeros": (lambda x: x.cumprod(1), TWO_ZEROS),
    "cumprod_first": (lambda x: x.cumprod(0), TWO_ZEROS),
    "cummax": (lambda x: x.cummax(1).values, GENERIC),
    "cummin": (lambda x: x.cummin(0).values, GENERIC),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), GENERIC),
    "logcumsumexp_inf": (lambda x: x.logcumsumexp(1)[:, 1:], WITH_INFINITY),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_every_mode_and_nesting(name):
    f, x = SMOOTH[name]
    check(f, x)
    check(curved(f, before=lambda x: x), x)


# At a kink the derivative is the documented choice: f, x, the gradient there; the Hessian is zero.
KINKS = {
    "norm": (lambda x: x.norm(), [0.0, 0.0], [0.0, 0.0]),
    "norm_1": (lambda x: x.norm(p=1), [0.0, 2.0], [0.0, 1.0]),
    "norm_3": (lambda x: x.norm(p=3), [0.0, 0.0], [0.0, 0.0]),
    "norm_1.5": (lambda x: x.norm(p=1.5), [0.0, 0.0], [0.0, 0.0]),
    "norm_inf": (lambda x: x.norm(p=math.inf), [2.0, -2.0], [0.5, -0.5]),
    "norm_inf_zero": (lambda x: x.norm(p=math.inf), [0.0, 0.0], [0.0, 0.0]),
    "std": (lambda x: x.std(), [3.0, 3.0], [0.0, 0.0]),
    "std_mean": (lambda x: pb.add(*pb.std_mean(x)), [3.0, 3.0], [0.5, 0.5]),
    "max_ties": (lambda x: x.max(), [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
    "amin_ties": (lambda x: x.amin(0), [1.0, 1.0, 3.0], [0.5, 0.5, 0.0]),
    "max_dim_ties": (lambda x: x.max(0).values, [1.0, 3.0, 3.0], [0.0, 1.0, 0.0]),
    "cummax_ties": (lambda x: x.cummax(0).values.sum(), [3.0, 3.0, 1.0], [1.0, 2.0, 0.0]),
    "aminmax_ties": (lambda x: pb.add(*pb.aminmax(x)), [2.0, 2.0], [1.0, 1.0]),
    "logsumexp_nothing": (lambda x: x.logsumexp(0), [-math.inf, -math.inf], [0.0, 0.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name):
    f, x, gradient = KINKS[name]
    check(f, x, truth=Closed(lambda v: (v * gradient).sum(), second=0))


def test_nan_positions():
    x = pb.tensor([1.0, math.nan, 2.0], requires_grad=True)
    x.nansum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 0, 1])
    x = pb.tensor([1.0, math.nan, 2.0], requires_grad=True)
    y = x.max()
    assert math.isnan(y.item())
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, 1, 0])  # the element that was chosen


def test_only_one_of_two_outputs_is_used():
    for pick in (0, 1):
        x = pb.tensor([1.0, 2.0, 4.0], requires_grad=True, dtype=pb.float64)
        pb.var_mean(x)[pick].backward()
        expected = (np.array([1.0, 2, 4]) - 7 / 3) if pick == 0 else np.full(3, 1 / 3)
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12)


def test_dtype_argument_converts_back():
    for f in (
        lambda x: x.sum(dtype=pb.float64),
        lambda x: x.mean(0, dtype=pb.float64),
        lambda x: x.prod(dtype=pb.float64),
        lambda x: x.cumsum(0, dtype=pb.float64).sum(),
        lambda x: x.cumprod(0, dtype=pb.float64).sum(),
        lambda x: x.softmax(0, dtype=pb.float64)[0],
        lambda x: x.norm(dtype=pb.float64),
    ):
        assert f(pb.tensor([1.0, 2.0, 3.0])).dtype == pb.float64
        check(f, np.array([1, 2, 3], np.float32))
