"""The bias of `linear` may be anything that the result's shape takes, as PyTorch has it."""

import numpy as np
import pytest
from checks import check

import pullback as pb

F = pb.nn.functional


def numbers(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 3), (2, 1)])
def test_a_bias_of_several_dimensions(shape):
    x, w, b = numbers(2, 2, 4), numbers(3, 4), numbers(*shape)
    found = F.linear(*map(pb.tensor, (x, w, b)))
    np.testing.assert_allclose(found.numpy(), x @ w.T + b, 1e-13)
    check(F.linear, x, w, b, second=False)


@pytest.mark.parametrize("x, bias", [((4,), (2, 3)), ((4,), (2, 2, 3)), ((2, 2, 4), (5, 2, 2, 3))])
def test_a_bias_that_is_larger_than_the_result(x, bias):
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        F.linear(pb.zeros(x), pb.zeros(3, 4), pb.zeros(bias))


@pytest.mark.parametrize("lead", [(), (5,), (2, 5)])
@pytest.mark.parametrize("bias", [pb.tensor(3), pb.tensor(0.5), pb.tensor(0.5, dtype=pb.float64)])
def test_a_bias_of_one_number(lead, bias):
    x, weight = pb.rand(*lead, 4, dtype=pb.float64), pb.rand(3, 4, dtype=pb.float64)
    f = pb.nn.functional.linear
    if len(lead) == 1 and bias.dtype is not pb.float64:  # a product that is added to
        with pytest.raises(RuntimeError, match="must have the same dtype"):
            f(x, weight, bias)
    else:
        np.testing.assert_allclose(f(x, weight, bias).numpy(), (x @ weight.T + bias).numpy(), rtol=1e-14)
