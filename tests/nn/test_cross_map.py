"""CrossMapLRN2d: PyTorch's values, and the derivatives of these."""

import numpy as np
import pytest
from checks import check

import pullback as pb

draw = np.random.default_rng(4).standard_normal


@pytest.mark.torch
@pytest.mark.parametrize("channels", [1, 2, 5, 8])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_beside_pytorch(size, channels):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    x = draw((2, channels, 3, 2))
    found, known = (
        lib.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.6, k=1.5)(lib.tensor(x)) for lib in (pb, torch)
    )
    np.testing.assert_allclose(found.numpy(), known.numpy(), rtol=1e-12)
    assert repr(pb.nn.CrossMapLRN2d(size)) == repr(torch.nn.CrossMapLRN2d(size))


def test_every_mode():
    check(pb.nn.CrossMapLRN2d(3, alpha=0.5), draw((1, 4, 2, 1)))


def test_the_first_channel_stays_in_every_sum():
    x = pb.tensor([3.0, 0, 0, 0]).reshape(1, 4, 1, 1) + 1
    sums = 1 / pb.nn.CrossMapLRN2d(1, alpha=1.0, beta=1.0, k=0)(x)
    assert (sums * x).flatten().tolist() == [16, 17, 17, 17]


def test_another_number_of_dimensions():
    with pytest.raises(ValueError, match="CrossMapLRN2d: Expected input to be 4D, got 3D instead."):
        pb.nn.CrossMapLRN2d(3)(pb.ones(2, 3, 4))
