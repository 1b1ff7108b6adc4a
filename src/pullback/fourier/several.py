"""Transforms of several dimensions; those of two are the same with other defaults."""

from ..operators.declare import composed
from .shapes import dimensions, last, points, real_signal, resized, scale_of, spectrum
from .transforms import c2c, c2r, r2c


def complete(x, s, dim, norm, inverse):
    """All frequencies."""
    x, scale = spectrum(x), scale_of(norm, inverse)
    dims, sizes = dimensions(x, s, dim)
    x = resized(x, dims, sizes)
    x, back = last(x, sorted(dims, key=x.stride, reverse=True))  # in any order, and so as memory lies
    return back(c2c(x, len(dims), inverse, scale)) if dims else x.clone()


def axes(operation, x, s, dim):
    """Dimensions and sizes, of which there is one at least."""
    dims, sizes = dimensions(x, s, dim)
    if not dims:
        raise RuntimeError(
            f"{operation} must transform at least one axis. The tensor has {x.ndim} dimensions."
        )
    return dims, sizes


def half_of(x, s, dim, norm):
    """Frequencies of a real signal: half of them in the last dimension."""
    x = real_signal("rfftn", x, "{0} expects a real-valued input tensor, but got {1}")
    scale = scale_of(norm, False)
    dims, sizes = axes("rfftn", x, s, dim)
    x, back = last(resized(x, dims, sizes), dims)
    return back(r2c(x, len(dims), scale, sizes[-1], True))


def inverse_half_of(x, s, dim, norm):
    """A symmetric signal with a real spectrum: half of it in the last dimension."""
    x = real_signal("ihfftn", x, "Only supports floating-point dtypes, but found: {1}")
    scale = scale_of(norm, True)
    dims, sizes = axes("ihfftn", x, s, dim)
    x, back = last(resized(x, dims, sizes), dims)
    y = back(r2c(x, 1, scale, sizes[-1], True).conj())
    if len(dims) == 1:
        return y
    y, back = last(y, dims[:-1])
    return back(c2c(y, len(dims) - 1, True, scale))


def halves(operation, x, s, dim):
    """(the tensor with frequencies for n elements in the last dimension, the dimensions, n)"""
    x = spectrum(x)
    dims, sizes = axes(operation, x, s, dim)
    given = s is not None and (s if isinstance(s, int) else list(s)[-1]) != -1
    n = points(sizes[-1] if given else 2 * (sizes[-1] - 1))
    return resized(x, dims, [*sizes[:-1], n // 2 + 1]), dims, n


def real_of(x, s, dim, norm):
    """The real signal of which frequencies are given, half of them in the last dimension."""
    scale = scale_of(norm, True)
    x, dims, n = halves("irfftn", x, s, dim)
    x, back = last(x, dims)
    return back(c2r(x, len(dims), scale, n))


def real_spectrum_of(x, s, dim, norm):
    """The real spectrum of a symmetric signal, of which half is given in the last dimension."""
    scale = scale_of(norm, False)
    x, dims, n = halves("hfftn", x, s, dim)
    if len(dims) > 1:
        x, back = last(x, dims[:-1])
        x = back(c2c(x, len(dims) - 1, False, scale))
    x, back = last(x, dims)
    return back(c2r(x.conj(), 1, scale, n))


@composed(name="fft.fftn", method=False, out="exact")
def fftn(input, s=None, dim=None, norm=None, *, out=None):
    """The discrete Fourier transform along several dimensions: `fft` along each of them.

    `dim` are all dimensions, or the last ones, as many as `s` has sizes. A dimension is cut off at its size, or followed by
    zeros; -1 leaves it. With the norm "ortho" the result is divided by the square root of the number of elements of a
    transform, with "forward" by that number. The result is complex.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: a dimension twice, sizes that are not as many as dimensions, or less than 1; an unknown norm.

    Example:
        >>> pb.fft.fftn(pb.tensor([[1., 2.], [3., 4.]]))
        tensor([[10.+0.j, -2.+0.j],
                [-4.+0.j,  0.+0.j]])
    """
    return complete(input, s, dim, norm, False)


@composed(name="fft.ifftn", method=False, out="exact")
def ifftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of `fftn`. Shapes, dtypes and errors are the same.

    Example:
        >>> pb.fft.ifftn(pb.tensor([[10., -2.], [-4., 0.]]))
        tensor([[1.+0.j, 2.+0.j],
                [3.+0.j, 4.+0.j]])
    """
    return complete(input, s, dim, norm, True)


@composed(name="fft.rfftn", method=False, out="exact")
def rfftn(input, s=None, dim=None, norm=None, *, out=None):
    """`fftn` of a real tensor: of n frequencies in the last transformed dimension the first n // 2 + 1.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: the input is complex, nothing is transformed, and as `fftn`.

    Example:
        >>> pb.fft.rfftn(pb.tensor([[1., 2., 3.], [3., 4., 5.]])).real
        tensor([[18., -3.],
                [-6.,  0.]])
    """
    return half_of(input, s, dim, norm)


@composed(name="fft.irfftn", method=False)
def irfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of `rfftn`: real, with 2 (m - 1) elements for m frequencies in the last transformed dimension if `s` does
    not say otherwise.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: nothing is transformed, and as `fftn`.

    Example:
        >>> pb.fft.irfftn(pb.fft.rfftn(pb.tensor([[1., 2.], [3., 4.]])))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return real_of(input, s, dim, norm)


@composed(name="fft.hfftn", method=False)
def hfftn(input, s=None, dim=None, norm=None, *, out=None):
    """`fftn` of a symmetric signal, of which half is given in the last transformed dimension: a real spectrum.

    Shapes and errors are those of `irfftn`, norms those of `fftn`.

    Example:
        >>> x = pb.tensor([[1., 2.], [3., 4.]])
        >>> pb.fft.hfftn(pb.fft.ihfftn(x))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return real_spectrum_of(input, s, dim, norm)


@composed(name="fft.ihfftn", method=False, out="exact")
def ihfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of `hfftn`. Shapes and errors are those of `rfftn`, norms those of `ifftn`.

    Example:
        >>> pb.fft.ihfftn(pb.tensor([[1., 2.], [3., 4.]])).real
        tensor([[ 2.5000, -0.5000],
                [-1.0000,  0.0000]])
    """
    return inverse_half_of(input, s, dim, norm)


@composed(name="fft.fft2", method=False, out="exact")
def fft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`fftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `fftn` does.

    Example:
        >>> pb.fft.fft2(pb.tensor([[1., 2.], [3., 4.]]))
        tensor([[10.+0.j, -2.+0.j],
                [-4.+0.j,  0.+0.j]])
    """
    return complete(input, s, dim, norm, False)


@composed(name="fft.ifft2", method=False, out="exact")
def ifft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`ifftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `fftn` does.

    Example:
        >>> pb.fft.ifft2(pb.tensor([[10., -2.], [-4., 0.]])).real
        tensor([[1., 2.],
                [3., 4.]])
    """
    return complete(input, s, dim, norm, True)


@composed(name="fft.rfft2", method=False, out="exact")
def rfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`rfftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `rfftn` does.

    Example:
        >>> pb.fft.rfft2(pb.ones(2, 4)).shape
        pullback.Size([2, 3])
    """
    return half_of(input, s, dim, norm)


@composed(name="fft.irfft2", method=False)
def irfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`irfftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `irfftn` does.

    Example:
        >>> pb.fft.irfft2(pb.fft.rfft2(pb.tensor([[1., 2.], [3., 4.]])))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return real_of(input, s, dim, norm)


@composed(name="fft.hfft2", method=False)
def hfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`hfftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `irfftn` does.

    Example:
        >>> pb.fft.hfft2(pb.fft.ihfft2(pb.tensor([[1., 2.], [3., 4.]])))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return real_spectrum_of(input, s, dim, norm)


@composed(name="fft.ihfft2", method=False, out="exact")
def ihfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`ihfftn` along two dimensions, the last ones if `dim` does not say otherwise. Raises as `rfftn` does.

    Example:
        >>> pb.fft.ihfft2(pb.ones(2, 4)).shape
        pullback.Size([2, 3])
    """
    return inverse_half_of(input, s, dim, norm)
