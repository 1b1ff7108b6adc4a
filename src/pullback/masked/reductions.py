"""Reductions over the elements that count.

All take a tensor, or a MaskedTensor, which has a mask of its own, and a `mask` that broadcasts to it, True where an element
counts. Where none does, sums are 0, products 1, largest elements the smallest number and the other way round, means,
variances and medians NaN. What is left out gets no gradient, also where it is infinite or no number.
"""

from .. import _core, linear_algebra
from ..operators.declare import FUNCTIONS
from .filling import dimensions, filled, read

del linear_algebra  # it has declared vector_norm


def _summed_in(input, dtype):
    """The dtype of sums and products: int64 of narrower integers."""
    if dtype is not None:
        return dtype
    given = input.dtype
    return given if given.is_floating_point or given.is_complex else _core.int64


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The sum over `dim`, a number or a tuple of them, or over everything; 0 where no element counts.

    Dtype: that of `input`, int64 for narrower integers, or `dtype`. Derivative: linear.
    Raises IndexError for a `dim` out of range, and for a mask of more dimensions than the tensor has.

    Example:
        >>> x, mask = pb.tensor([[1.0, 2.0], [3.0, 4.0]]), pb.tensor([[True, False], [True, True]])
        >>> pb.masked.sum(x, 1, mask=mask)
        tensor([1., 7.])
    """
    input, mask = read(input, mask)
    dims = dimensions(dim, input.ndim)
    return filled("sum", input, mask).sum(dims, bool(keepdim), dtype=_summed_in(input, dtype))


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The product over `dim`, a number or a tuple of them, or over everything; 1 where no element counts.

    Dtypes and errors are those of `masked.sum`.

    Example:
        >>> pb.masked.prod(pb.tensor([2.0, 3.0, 4.0]), mask=pb.tensor([True, False, True]))
        tensor(8.)
    """
    input, mask = read(input, mask)
    found = filled("prod", input, mask).to(_summed_in(input, dtype))
    for d in reversed(dimensions(dim, input.ndim)):
        found = found.prod(d, bool(keepdim))
    return found


def _extreme(operation, input, dim, keepdim, dtype, mask):
    input, mask = read(input, mask)
    found = getattr(filled(operation, input, mask), operation)(dimensions(dim, input.ndim), bool(keepdim))
    return found if dtype is None else found.to(dtype)


def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest element over `dim`, a number or a tuple of them, or over everything.

    Dtype: that of `input`, or `dtype`. Derivative: equal shares to all that are the largest.
    Raises IndexError for a `dim` out of range, NotImplementedError for a mask of complex numbers or truth values.

    Example:
        >>> pb.masked.amax(pb.tensor([[1, 9], [3, 4]]), 1, mask=pb.tensor([[True, False], [True, True]]))
        tensor([1, 4])
    """
    return _extreme("amax", input, dim, keepdim, dtype, mask)


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest element over `dim`: see `masked.amax`, which raises as this does.

    Example:
        >>> pb.masked.amin(pb.tensor([3.0, 1.0, 2.0]), mask=pb.tensor([True, False, True]))
        tensor(2.)
    """
    return _extreme("amin", input, dim, keepdim, dtype, mask)


def _place(operation, input, dim, keepdim, dtype, mask):
    given = input.dtype
    input, mask = read(input, mask)
    found = getattr(filled(operation, input, mask), operation)(dim, bool(keepdim))
    return found.to(given if dtype is None else dtype)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the largest element along `dim` is, or in the flattened tensor.

    Dtype: that of `input`, as PyTorch's, or `dtype`; int64 is meant mostly. No derivative.
    Raises IndexError for a `dim` out of range, NotImplementedError for a mask of complex numbers or truth values.

    Example:
        >>> pb.masked.argmax(pb.tensor([3.0, 9.0, 4.0]), dtype=pb.int64, mask=pb.tensor([True, False, True]))
        tensor(2)
    """
    return _place("argmax", input, dim, keepdim, dtype, mask)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the smallest element along `dim` is: see `masked.argmax`, which raises as this does.

    Example:
        >>> pb.masked.argmin(pb.tensor([3.0, 1.0, 2.0]), dtype=pb.int64, mask=pb.tensor([True, False, True]))
        tensor(2)
    """
    return _place("argmin", input, dim, keepdim, dtype, mask)


def _count(input, dims, keepdim, mask):
    """How many elements count."""
    if mask is not None:
        return mask.sum(dims, keepdim)
    return FUNCTIONS["ones"](input.shape, dtype=_core.int64).sum(dims, keepdim)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The mean over `dim`, a number or a tuple of them, or over everything; NaN where no element counts.

    Dtype: that of `input`, or `dtype`. Derivative: linear.
    Raises ValueError for integers without a floating `dtype`, IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.mean(pb.tensor([1.0, 2.0, 6.0]), mask=pb.tensor([True, True, False]))
        tensor(1.5000)
    """
    wanted = input.dtype if dtype is None else dtype
    if not wanted.is_floating_point and not wanted.is_complex:
        raise ValueError(
            f"mean(): Could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a "
            f"floating point or complex dtype. Got: {wanted}"
        )
    input, mask = read(input, mask)
    dims = dimensions(dim, input.ndim)
    total = filled("sum", input, mask).sum(dims, bool(keepdim), dtype=wanted)
    return total / _count(input, dims, bool(keepdim), mask)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The median along `dim`, the lower one of two; NaN where no element counts.

    Dtype: that of `input`, or `dtype` for integers. Derivative: to the element that it is.
    Raises ValueError for integers of which none counts, IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.median(pb.tensor([1.0, 9.0, 2.0, 3.0]), mask=pb.tensor([True, False, True, True]))
        tensor(2.)
    """
    input, mask = read(input, mask)
    given, floating = input.dtype, input.is_floating_point()
    dims = dimensions(dim, input.ndim)
    input = input if floating else input.to(_core.float32)
    found = filled("median", input, mask).nanmedian(dims[0], keepdim).values
    if floating:
        return found
    if found.isnan().any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found.to(given if dtype is None else dtype)


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log(sum(exp(input))) over `dim`, a number or a tuple of them, without overflow; -inf where no element counts.

    Dtype: that of `input`, or `dtype`. Derivative: the softmax of what counts.
    Raises IndexError for a `dim` out of range, NotImplementedError for a mask of truth values.

    Example:
        >>> pb.masked.logsumexp(pb.tensor([0.0, 5.0, 0.0]), mask=pb.tensor([True, False, True]))
        tensor(0.6931)
    """
    input, mask = read(input, mask)
    found = filled("logsumexp", input, mask).logsumexp(dimensions(dim, input.ndim), keepdim)
    return found.to(input.dtype if dtype is None else dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), where each is left out if its mask says so; -inf where both are.

    Dtype: that of `input`, or `dtype`. Raises as `masked.logsumexp` does.

    Example:
        >>> pb.masked.logaddexp(pb.zeros(2), pb.zeros(2), other_mask=pb.tensor([True, False]))
        tensor([0.6931, 0.0000])
    """
    input, input_mask = read(input, input_mask)
    other, other_mask = read(other, other_mask)
    found = filled("logaddexp", input, input_mask).logaddexp(filled("logaddexp", other, other_mask))
    return found.to(input.dtype if dtype is None else dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The `ord`-norm over `dim`, a number or a tuple of them: see `linalg.vector_norm`; 0 where no element counts.

    Dtype: that of `input`, or `dtype`.
    Raises RuntimeError for integers, IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.norm(pb.tensor([3.0, 9.0, 4.0]), mask=pb.tensor([True, False, True]))
        tensor(5.)
    """
    input, mask = read(input, mask)
    given = filled("norm", input, mask, ord)
    dims = dimensions(dim, input.ndim)
    return FUNCTIONS["linalg.vector_norm"](given, ord, dims, bool(keepdim), dtype=dtype)


def _spread(input, dim, unbiased, correction, keepdim, dtype, mask):
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 0.0 if unbiased is not None and not unbiased else 1.0
    input, mask = read(input, mask)
    if dtype is None:
        dtype = input.dtype
        if not dtype.is_floating_point and not dtype.is_complex:
            dtype = _core.float32
    input = input.to(dtype) if not input.is_floating_point() and not input.is_complex() else input
    dims = dimensions(dim, input.ndim)
    count = _count(input, dims, True, mask)
    centred = input - filled("sum", input, mask).sum(dims, True, dtype=dtype) / count
    squares = (centred * centred.conj()).real if input.is_complex() else centred * centred
    total = filled("sum", squares, mask).sum(dims, bool(keepdim))
    return (total / (count.reshape(total.shape) - correction).clamp(min=0)).to(dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The variance over `dim`, a number or a tuple of them, or over everything; NaN where no element counts.

    The sum of squares is divided by the number of elements less the `correction`, 1 by default; `unbiased` is its older
    form. Dtype: that of `input`, float32 for integers, or `dtype`. Derivative: of every order.
    Raises AssertionError for both of them, IndexError for a `dim` out of range.

    Example:
        >>> pb.masked.var(pb.tensor([1.0, 9.0, 3.0]), mask=pb.tensor([True, False, True]))
        tensor(2.)
    """
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The standard deviation over `dim`, the root of `masked.var`, which raises as this does.

    Example:
        >>> pb.masked.std(pb.tensor([1.0, 9.0, 5.0]), correction=0, mask=pb.tensor([True, False, True]))
        tensor(2.)
    """
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()
