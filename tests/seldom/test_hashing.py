"""Checksums beside the bits of the elements, taken apart by `struct`."""

import functools
import operator
import struct

import numpy as np
import pytest

import pullback as pb


def checksum(numbers):
    words = (struct.unpack("Q", struct.pack("d" if isinstance(n, float) else "q", n))[0] for n in numbers)
    return functools.reduce(operator.xor, words)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 1000, 20001])
def test_all_elements(n):
    floats = np.random.default_rng(n).standard_normal(n).astype("f4")
    x = pb.tensor(floats)
    assert x.hash_tensor().item() == checksum(map(float, floats)) == x.double().hash_tensor().item()
    whole = np.random.default_rng(n).integers(-(2**62), 2**62, n)
    assert pb.hash_tensor(pb.tensor(whole)).item() == checksum(map(int, whole))
    assert pb.hash_tensor(pb.tensor(whole).bool()).item() == n % 2


def test_along_dimensions():
    whole = np.random.default_rng(0).integers(-9, 9, (3, 4, 5))
    x = pb.tensor(whole)
    known = np.bitwise_xor.reduce(whole, 1).astype(np.uint64)
    np.testing.assert_array_equal(pb.hash_tensor(x, 1).numpy(), known)
    np.testing.assert_array_equal(pb.vmap(pb.hash_tensor)(x.movedim(1, 2)[0]).numpy(), known[0])
    known = np.bitwise_xor.reduce(np.bitwise_xor.reduce(whole, 2, keepdims=True), 0, keepdims=True)
    found = pb.hash_tensor(x, (-1, 0), keepdim=True)
    np.testing.assert_array_equal(found.numpy(), known.astype(np.uint64))
    assert found.dtype == pb.uint64


def test_of_nothing():
    assert pb.hash_tensor(pb.zeros(0, 3), 1).shape == (0,)
    with pytest.raises(IndexError, match="hash_tensor: Expected reduction dim 0 to have non-zero size."):
        pb.hash_tensor(pb.zeros(0, 3), 0)
    with pytest.raises(RuntimeError, match="Expected reduction dim to be specified for input.numel"):
        pb.hash_tensor(pb.zeros(0, 3))


def test_bad_input():
    with pytest.raises(RuntimeError, match="Unknown hash_tensor mode: 1"):
        pb.hash_tensor(pb.ones(2), mode=1)
    with pytest.raises(RuntimeError, match="dim 0 appears multiple times in the list of dims"):
        pb.hash_tensor(pb.ones(2, 3), (0, -2))
    with pytest.raises(NotImplementedError, match="\"xor_sum_cpu\" not implemented for 'ComplexFloat'"):
        pb.hash_tensor(pb.ones(2).cfloat())
