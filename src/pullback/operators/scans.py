"""Scans: running sums, products, extremes.

Running values of float32 are kept in float64. No derivative divides, so zeros in a running product are
ordinary.
"""

from .declare import operator


@operator(out="own")
def cumsum(input, dim, *, dtype=None, out=None):
    """Running sums along `dim`; integers and bool add as int64.

    The shape stays; `dtype` converts before. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.cumsum(pb.tensor([1.0, 2.0, 3.0]), dim=0)
        tensor([1., 3., 6.])
    """


@operator(out="own")
def cumprod(input, dim, *, dtype=None, out=None):
    """Running products along `dim`; integers and bool multiply as int64. Derivatives are right at zeros.

    The shape stays; `dtype` converts before. Raises IndexError for a `dim` out of range.

    Example:
        >>> x = pb.tensor([2.0, 0.0, 3.0], requires_grad=True)
        >>> x.cumprod(0).sum().backward()
        >>> x.grad
        tensor([1., 8., 0.])
    """


@operator(out="exact", returns=("values", "indices"))
def cummax(input, dim, *, out=None):
    """Running maxima along `dim` as a named tuple (values, indices); the last of equal elements; NaN wins.

    Both have the shape of `input`; values its dtype, indices int64. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.cummax(pb.tensor([1.0, 3.0, 2.0]), dim=0).values
        tensor([1., 3., 3.])
    """


@operator(out="exact", returns=("values", "indices"))
def cummin(input, dim, *, out=None):
    """Running minima along `dim` as a named tuple (values, indices); the last of equal elements; NaN wins.

    Both have the shape of `input`; values its dtype, indices int64. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.cummin(pb.tensor([2.0, 3.0, 1.0]), dim=0).indices
        tensor([0, 0, 2])
    """


@operator(out="exact")
def logcumsumexp(input, dim, *, out=None):
    """log(cumsum(exp(input))) along `dim`, without overflow.

    Shape and dtype stay. Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.logcumsumexp(pb.tensor([0.0, 0.0]), dim=0)
        tensor([0.0000, 0.6931])
    """
