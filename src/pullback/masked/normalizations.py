"""Normalisation and cumulation along a dimension, of the elements that count; those that do not are as `reductions` says."""

from .filling import dimensions, filled, read
from .reductions import norm


def _softmax(operation, fill, input, dim, dtype, mask):
    input, mask = read(input, mask)
    (dim,) = dimensions(dim, input.ndim)
    given = filled(fill, input, mask)
    return getattr(given if operation != "softmin" else -given, operation.replace("min", "max"))(
        dim, dtype=input.dtype if dtype is None else dtype
    )


def softmax(input, dim, *, dtype=None, mask=None):
    """exp(input) along `dim`, scaled to sum to 1; 0 where an element does not count, NaN where none does.

    Dtype: that of `input`, or `dtype`. Derivative: of every order.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.masked.softmax(pb.zeros(3), 0, mask=pb.tensor([True, False, True]))
        tensor([0.5000, 0.0000, 0.5000])
    """
    return _softmax("softmax", "amax", input, dim, dtype, mask)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """The logarithm of `masked.softmax`, which raises as this does; -inf where an element does not count.

    Example:
        >>> pb.masked.log_softmax(pb.zeros(3), 0, mask=pb.tensor([True, False, True]))
        tensor([-0.6931,    -inf, -0.6931])
    """
    return _softmax("log_softmax", "amax", input, dim, dtype, mask)


def softmin(input, dim, *, dtype=None, mask=None):
    """`masked.softmax` of -input, which raises as this does.

    Example:
        >>> pb.masked.softmin(pb.zeros(3), 0, mask=pb.tensor([True, False, True]))
        tensor([0.5000, 0.0000, 0.5000])
    """
    return _softmax("softmin", "amin", input, dim, dtype, mask)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The input over its `ord`-norm along `dim`, or over `eps` where that is more; 0 where an element does not count.

    Dtype: that of `input`, or `dtype`. Raises RuntimeError for integers, IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.normalize(pb.tensor([3.0, 9.0, 4.0]), 2, 0, mask=pb.tensor([True, False, True]))
        tensor([0.6000, 0.0000, 0.8000])
    """
    size = norm(input, ord, dim, keepdim=True, dtype=input.dtype if dtype is None else dtype, mask=mask)
    return filled("sum", *read(input, mask)) / size.clamp(min=eps)


def _cumulated(operation, fill, input, dim, dtype, mask):
    input, mask = read(input, mask)
    (dim,) = dimensions(dim, input.ndim)
    dtype = input.dtype if dtype is None else dtype
    return getattr(filled(fill, input, mask), operation)(dim, dtype=dtype).to(dtype)


def cumsum(input, dim, *, dtype=None, mask=None):
    """Sums along `dim` of all elements up to each; one that does not count adds nothing.

    Dtype: that of `input`, or `dtype`. Derivative: linear. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.cumsum(pb.tensor([1.0, 9.0, 2.0]), 0, mask=pb.tensor([True, False, True]))
        tensor([1., 1., 3.])
    """
    return _cumulated("cumsum", "sum", input, dim, dtype, mask)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Products along `dim` of all elements up to each; one that does not count multiplies by nothing.

    Dtype: that of `input`, or `dtype`. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.cumprod(pb.tensor([2.0, 9.0, 3.0]), 0, mask=pb.tensor([True, False, True]))
        tensor([2., 2., 6.])
    """
    return _cumulated("cumprod", "prod", input, dim, dtype, mask)
