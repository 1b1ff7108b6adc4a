"""Transforms of one dimension."""

from ..operators.declare import composed, dimension
from .shapes import last, points, real_signal, resized, scale_of, signal, spectrum
from .transforms import c2c, c2r, r2c


def as_it_is(y):
    """Nothing was moved."""
    return y


def prepared(x, n, dim):
    """(n, the tensor with n elements in that dimension, which is the last one now, what moves it back)"""
    if n is None and dim == -1 and x.ndim and (n := x.size(-1)):
        return n, x, as_it_is
    dim = dimension(x, dim)
    n = points(x.size(dim) if n is None else n)
    return n, *last(resized(x, [dim], [n]), [dim])


def complete(x, n, dim, norm, inverse):
    """All frequencies of a complex or a real signal."""
    x, scale = signal(x), scale_of(norm, inverse)
    n, x, back = prepared(x, n, dim)
    if x.dtype.is_complex:
        return back(c2c(x, 1, inverse, scale))
    y = back(r2c(x, 1, scale, n, False))
    return y.conj() if inverse else y


def half_of(operation, x, n, dim, norm, inverse):
    """The first half of the frequencies of a real signal."""
    x, scale = real_signal(operation, x), scale_of(norm, inverse)
    n, x, back = prepared(x, n, dim)
    y = back(r2c(x, 1, scale, n, True))
    return y.conj() if inverse else y


def real_of(x, n, dim, norm, inverse):
    """The real signal of which half of the frequencies are given."""
    x, scale = spectrum(x), scale_of(norm, inverse)
    n = points(2 * (x.size(dim) - 1) if n is None else n)
    _, x, back = prepared(x, n // 2 + 1, dim)
    return back(c2r(x if inverse else x.conj(), 1, scale, n))


@composed(name="fft.fft", method=False, out="exact")
def fft(input, n=None, dim=-1, norm=None, *, out=None):
    """The discrete Fourier transform y_k = sum_j x_j exp(-2 pi i j k / n) along a dimension, for any n.

    The input is real or complex; its dimension is cut off at n elements, or followed by zeros. The result is complex64, or
    complex128 for float64 and complex128. With the norm "ortho" it is divided by sqrt(n), with "forward" by n.

    J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: n is less than 1, an unknown norm, half precision.

    Example:
        >>> pb.fft.fft(pb.tensor([1.+0.j, 2.+0.j, 3.+0.j, 4.+0.j]))
        tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    """
    return complete(input, n, dim, norm, False)


@composed(name="fft.ifft", method=False, out="exact")
def ifft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of `fft`: x_j = sum_k y_k exp(2 pi i j k / n) / n along a dimension.

    With the norm "ortho" the sum is divided by sqrt(n), with "forward" by nothing. Shapes, dtypes and errors are those of
    `fft`.

    Example:
        >>> pb.fft.ifft(pb.tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j]))
        tensor([1.+0.j, 2.+0.j, 3.+0.j, 4.+0.j])
    """
    return complete(input, n, dim, norm, True)


@composed(name="fft.rfft", method=False, out="exact")
def rfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The first n // 2 + 1 frequencies of `fft` of a real tensor; the others are their conjugates.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: the input is complex; n is less than 1, an unknown norm, half precision.

    Example:
        >>> pb.fft.rfft(pb.tensor([1., 2., 3., 4.]))
        tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return half_of("rfft", input, n, dim, norm, False)


@composed(name="fft.irfft", method=False)
def irfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of `rfft`: n real elements, 2 (m - 1) of them for m frequencies if n is not given.

    Imaginary parts of the frequency 0, and of the last one where n is even, count for nothing.

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: n is less than 1, an unknown norm, half precision.

    Example:
        >>> pb.fft.irfft(pb.tensor([10.+0.j, -2.+2.j, -2.+0.j]))
        tensor([1., 2., 3., 4.])
    """
    return real_of(input, n, dim, norm, True)


@composed(name="fft.hfft", method=False)
def hfft(input, n=None, dim=-1, norm=None, *, out=None):
    """`fft` of a signal that is symmetric, x_{n-j} = conj(x_j), of which half is given: n real elements.

    Shapes, dtypes and errors are those of `irfft`, norms those of `fft`.

    Example:
        >>> pb.fft.hfft(pb.tensor([1.+0.j, 2.+1.j, 3.+0.j]))
        tensor([ 8.,  0.,  0., -4.])
    """
    return real_of(input, n, dim, norm, False)


@composed(name="fft.ihfft", method=False, out="exact")
def ihfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse of `hfft`: the first n // 2 + 1 elements of a symmetric signal with this real spectrum.

    Shapes, dtypes and errors are those of `rfft`, norms those of `ifft`.

    Example:
        >>> pb.fft.ihfft(pb.tensor([8., 0., 0., -4.]))
        tensor([1.-0.j, 2.+1.j, 3.-0.j])
    """
    return half_of("ihfft", input, n, dim, norm, True)
