"""What storing a float32 in two bytes makes of it, by NumPy: float16 is its own, bfloat16 is said in integers."""

import numpy as np

import pullback as pb

HALVES = [pb.float16, pb.bfloat16]
UNIT = {pb.float16: 2.0**-11, pb.bfloat16: 2.0**-8}  # half of the distance of neighbours, relative


def bits_of(x, dtype):
    """The two bytes that float32 numbers round to: to the nearest, in the middle to even."""
    x = np.asarray(x, np.float32)
    if dtype is pb.float16:
        with np.errstate(over="ignore"):
            return x.astype(np.float16).view(np.uint16)
    word = x.view(np.uint32).astype(np.uint64)
    rounded = (word + 0x7FFF + (word >> 16 & 1)) >> 16
    return np.where(np.isnan(x), 0x7FC0, rounded).astype(np.uint16)


def values_of(bits, dtype):
    """The numbers, as float32, that two bytes stand for."""
    bits = np.asarray(bits, np.uint16)
    if dtype is pb.float16:
        return bits.view(np.float16).astype(np.float32)
    return (bits.astype(np.uint32) << 16).view(np.float32)


def rounded(x, dtype):
    """float32 numbers, as they are after storing."""
    return values_of(bits_of(x, dtype), dtype)


def every(dtype):
    """Every number there is, as float32; and the tensor of them, over memory of its own."""
    bits = np.arange(65536).astype(np.uint16)
    return values_of(bits, dtype), pb.tensor(bits.view(np.int16)).view(dtype).clone()


def numbers(shape, dtype, seed=0, scale=2.0):
    """Numbers of this dtype, as float32, and the tensor of them."""
    x = rounded(np.random.default_rng(seed).normal(size=shape).astype(np.float32) * scale, dtype)
    return x, pb.tensor(x).to(dtype)


def same(tensor, expected):
    """Whether a tensor has these numbers, to the bit but for NaN, which is NaN."""
    np.testing.assert_array_equal(tensor.detach().float().numpy(), expected)
    signs = np.signbit(tensor.detach().float().numpy()) == np.signbit(expected)
    assert (signs | np.isnan(expected)).all()


def near(tensor, expected, units=1.0):
    """Whether numbers are within so many units of rounding of what was computed in float64."""
    ours, expected = tensor.detach().double().numpy(), np.asarray(expected, np.float64)
    unit = UNIT[tensor.dtype]
    least = 2.0**-24 if tensor.dtype is pb.float16 else 2.0**-133
    assert ours.shape == expected.shape
    assert (np.abs(ours - expected) <= units * 1.01 * np.maximum(unit * np.abs(expected), least / 2)).all()
