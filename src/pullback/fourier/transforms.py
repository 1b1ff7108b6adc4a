"""The three transforms that have derivatives of their own, over the last `rank` dimensions.

Each is linear, so it pushes tangents forward as it does values, and its pullback is its adjoint. `scale` is what it is
multiplied by: 0 for 1, 1 for 1/sqrt(N), 2 for 1/N, with N the number of elements of a transform. The adjoint of the
discrete transform F is its conjugate, since F is symmetric: the inverse one, with the same scale. A real signal has a spectrum
that is symmetric, of which half is kept: what is left out counts twice in the one direction, and half in the other.
"""

import numpy as np

from ..operators.creation import from_numpy
from ..operators.stated import decomposition
from .library import computed


@decomposition("x; rank inverse scale -> y", node="FftC2CBackward0")
class c2c:
    """From complex numbers to complex numbers."""

    def value(x, rank, inverse, scale):
        return computed("ifft" if inverse else "fft", x, int(rank), int(scale))

    def pullback(dy, rank, inverse, scale):
        return c2c(dy, rank, not inverse, scale)

    def pushforward(dx, rank, inverse, scale):
        return c2c(dx, rank, inverse, scale)


@decomposition("x; rank scale n half -> y", node="FftR2CBackward0")
class r2c:
    """From n real numbers in the last dimension to complex ones: all n, or the first half."""

    def value(x, rank, scale, n, half):
        return computed("rfft" if half else "fft", x, int(rank), int(scale))

    def pullback(dy, rank, scale, n, half):
        if half:
            return c2r(dy * weights(n, 0.5, dy), rank, scale, n)
        return c2c(dy, rank, True, scale).real

    def pushforward(dx, rank, scale, n, half):
        return r2c(dx, rank, scale, n, half)


@decomposition("x; rank scale n -> y", node="FftC2RBackward0")
class c2r:
    """From half of a symmetric spectrum to n real numbers in the last dimension; inverse."""

    def value(x, rank, scale, n):
        return computed("irfft", x, int(rank), int(scale), int(n))

    def pullback(dy, rank, scale, n):
        y = r2c(dy, rank, scale, n, True)
        return y * weights(n, 2.0, y)

    def pushforward(dx, rank, scale, n):
        return c2r(dx, rank, scale, n)


def weights(n, inner, like):
    """1 for the frequencies that are their own conjugate in n elements, and `inner` for the others."""
    all = np.full(int(n) // 2 + 1, inner, np.float64 if like.element_size() == 16 else np.float32)
    all[0] = 1
    if n % 2 == 0:
        all[-1] = 1
    return from_numpy(all)
