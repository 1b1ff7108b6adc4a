"""Frequencies of transforms, and their order."""

import math

from .. import _core
from ..operators.declare import FUNCTIONS, composed, dimensions

arange, roll = FUNCTIONS["arange"], FUNCTIONS["roll"]


def sampled(operation, elements, count, n, d, dtype, **options):
    """The numbers of `count(options)`, so many elements, over n d, the length of the signal."""
    dtype = _core.get_default_dtype() if dtype is None else dtype
    if not dtype.is_floating_point and not dtype.is_complex:
        raise RuntimeError(f"{operation} requires a floating point or complex dtype. {dtype} is neither.")
    requires_grad = options.pop("requires_grad")
    if elements < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {elements}: [{elements}]")
    found = count(dtype=dtype, **options) * (1.0 / (n * d) if n * d else math.inf)
    return _core.require_grad(found) if requires_grad else found


@composed(name="fft.fftfreq", method=False)
def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the n elements of `fft`, in cycles per unit of the distance d of samples.

    [0, 1, ..., (n - 1) // 2, -(n // 2), ..., -1] / (n d): a vector of the default dtype, or of `dtype`.

    Raises:
        RuntimeError: n is negative, or the dtype is one of integers.

    Example:
        >>> pb.fft.fftfreq(4, d=0.5)
        tensor([ 0.0000,  0.5000, -1.0000, -0.5000])
    """

    def count(**options):
        k = arange(n, **options)
        k[(n + 1) // 2 :] -= n
        return k

    options = {"layout": layout, "device": device, "requires_grad": requires_grad}
    return sampled("fftfreq", n, count, n, d, dtype, **options)


@composed(name="fft.rfftfreq", method=False)
def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the n // 2 + 1 elements of `rfft`: [0, 1, ..., n // 2] / (n d).

    Raises:
        RuntimeError: n is negative, or the dtype is one of integers.

    Example:
        >>> pb.fft.rfftfreq(4, d=0.5)
        tensor([0.0000, 0.5000, 1.0000])
    """
    options = {"layout": layout, "device": device, "requires_grad": requires_grad}
    elements = int(n / 2) + 1  # of -1 PyTorch gives one, and of -2 none
    return sampled("rfftfreq", elements, lambda **o: arange(elements, **o), n, d, dtype, **options)


def rolled(x, dim, step):
    """All dimensions, or these, rolled by half of their sizes."""
    dims = list(range(x.ndim)) if dim is None else dimensions(dim)
    return roll(x, [step(x.size(d)) for d in dims], dims) if dims or dim is not None else x.clone()


@composed(name="fft.fftshift", method=False)
def fftshift(input, dim=None):
    """The frequency 0 in the middle, in all dimensions or in `dim`, a number or a tuple of them.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: `dim` is empty.

    Example:
        >>> pb.fft.fftshift(pb.fft.fftfreq(4))
        tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return rolled(input, dim, lambda n: n // 2)


@composed(name="fft.ifftshift", method=False)
def ifftshift(input, dim=None):
    """The inverse of `fftshift`, for odd sizes too. Raises as it does.

    Example:
        >>> pb.fft.ifftshift(pb.tensor([-1, 0, 1]))
        tensor([ 0,  1, -1])
    """
    return rolled(input, dim, lambda n: (n + 1) // 2)
