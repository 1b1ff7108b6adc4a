"""Windows of a length: what the parts of a signal are multiplied by before they are transformed.

A periodic window is a symmetric one of one element more, without its last: what follows it is its first. Sums of
cosines are those of F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", 1978.
"""

import math

from .. import _core, special_functions
from ..operators.declare import FUNCTIONS, composed

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

del special_functions  # it has declared i0
arange, i0, ones = FUNCTIONS["arange"], FUNCTIONS["i0"], FUNCTIONS["ones"]


def window(operation, length, periodic, shape, dtype, requires_grad, options):
    """The window of a length: what `shape` makes of 0, 1, ..., n - 1 and n, where n is that of the symmetric one."""
    if not hasattr(length, "__index__"):
        raise TypeError(
            f"{operation}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}"
        )
    dtype = _core.get_default_dtype() if dtype is None else _core.as_dtype(dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(f"{operation} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{operation} requires non-negative window_length, got window_length={length}")
    if length < 2:
        made = ones(length, dtype=dtype, **options)
    else:
        n = length + bool(periodic)
        made = shape(arange(n, dtype=dtype, **options), n)[:length]
    return _core.require_grad(made) if requires_grad else made


@composed(method=False)
def hann_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Hann's window, one arch of a cosine: (1 - cos(2 pi k / n)) / 2 for k = 0, ..., window_length - 1.

    n is `window_length` if it is periodic, as transforms of parts want it, and one less if it is symmetric. A vector of the
    default dtype, or of `dtype`.

    Raises:
        RuntimeError: the length is negative, or the dtype is one of integers.
        TypeError: the length is no integer.

    Example:
        >>> pb.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {"layout": layout, "device": device, "pin_memory": pin_memory}
    return window("hann_window", window_length, periodic, _raised(0.5, 0.5), dtype, requires_grad, options)


@composed(method=False)
def hamming_window(
    window_length,
    periodic=True,
    alpha=0.54,
    beta=0.46,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Hamming's window: alpha - beta cos(2 pi k / n) for k = 0, ..., window_length - 1, with n as in `hann_window`.

    Dtypes and errors are those of `hann_window`.

    Example:
        >>> pb.hamming_window(4)
        tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    options = {"layout": layout, "device": device, "pin_memory": pin_memory}
    return window(
        "hamming_window", window_length, periodic, _raised(alpha, beta), dtype, requires_grad, options
    )


def _raised(alpha, beta):
    return lambda k, n: (k * (2 * math.pi / (n - 1))).cos() * -beta + alpha


@composed(method=False)
def blackman_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Blackman's window: 0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n), with k and n as in `hann_window`.

    Dtypes and errors are those of `hann_window`.

    Example:
        >>> pb.blackman_window(4, dtype=pb.float64).round(decimals=4)
        tensor([0.0000, 0.3400, 1.0000, 0.3400], dtype=pullback.float64)
    """

    def shape(k, n):
        k = k * (math.pi / (n - 1))
        return (k * 4).cos() * 0.08 - (k * 2).cos() * 0.5 + 0.42

    options = {"layout": layout, "device": device, "pin_memory": pin_memory}
    return window("blackman_window", window_length, periodic, shape, dtype, requires_grad, options)


@composed(method=False)
def bartlett_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Bartlett's window, a triangle: 1 - |2 k / n - 1|, with k and n as in `hann_window`.

    Dtypes and errors are those of `hann_window`.

    Example:
        >>> pb.bartlett_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    def shape(k, n):
        k = k * (2 / (n - 1))
        return k.where(arange(n) <= (n - 1) // 2, 2 - k)

    options = {"layout": layout, "device": device, "pin_memory": pin_memory}
    return window("bartlett_window", window_length, periodic, shape, dtype, requires_grad, options)


@composed(method=False)
def kaiser_window(
    window_length,
    periodic=True,
    beta=12.0,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Kaiser's window: I0(beta sqrt(1 - (2 k / n - 1)^2)) / I0(beta), with k and n as in `hann_window`.

    I0 is the modified Bessel function; the larger beta, the narrower the window and the smaller its side lobes. Dtypes and
    errors are those of `hann_window`.

    J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.

    Example:
        >>> pb.kaiser_window(4, beta=3.0)
        tensor([0.2049, 0.7269, 1.0000, 0.7269])
    """

    def shape(k, n):
        wide = k.to(_core.float64 if k.dtype == _core.float64 else _core.float32)
        where = (1 - (wide * (2 / (n - 1)) - 1) ** 2).sqrt()
        return (i0(where * beta) / i0(wide.new_tensor(beta))).to(k.dtype)

    options = {"layout": layout, "device": device, "pin_memory": pin_memory}
    return window("kaiser_window", window_length, periodic, shape, dtype, requires_grad, options)
