"""Making tensors out of data, out of numbers, and in the likeness of other tensors.

Every function takes ``dtype=`` (a `pullback.dtype`, or Python's ``float``, ``int``, ``bool``) and, for
floating dtypes, ``requires_grad=True``. ``device``, ``layout`` and ``pin_memory`` are accepted where PyTorch
accepts them: there is one answer to each, and another one raises. Declarations write all five as
``**options``.
"""

from .. import _core
from .declare import composed, operator


@operator(method=False)
def tensor(data, *, dtype=None, device=None, pin_memory=False, requires_grad=False):
    """A new tensor with a copy of `data`: a number, nested sequences of numbers, a NumPy array or scalar, a
    tensor.

    Without a dtype, truth values make ``bool``, whole numbers ``int64``, others the default dtype; NumPy's
    values keep theirs. The result is a leaf: no gradient flows back into `data`.

    Raises:
        ValueError: for rows of different lengths, and for numbers beyond int64.
        TypeError: for texts and other things that are no numbers.
        RuntimeError: for numbers that do not fit the dtype, and for ``requires_grad=True`` with an integral
        dtype.

    Example:
        >>> pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        tensor([[1., 2.],
                [3., 4.]], requires_grad=True)
        >>> pb.tensor([1, 2]).dtype
        pullback.int64
    """


@composed(method=False)
def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor without a copy where that is possible: a tensor of that dtype as it is, with its
    history; a NumPy array as a tensor over the same memory.

    Raises TypeError for what is no number, sequence or array, ValueError for rows of different lengths.

    Example:
        >>> x = pb.tensor([1.0])
        >>> pb.as_tensor(x) is x
        True
    """
    if isinstance(data, _core.Tensor):
        return data.to(device=device, dtype=dtype)
    if is_numpy(data, "ndarray"):
        return from_numpy(data).to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


@composed(method=False)
def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None):
    """`obj` as a tensor: tensors, NumPy arrays and buffers are shared unless ``copy=True``; sequences are
    copied.

    Raises ValueError where ``copy=False`` cannot be met.

    Example:
        >>> pb.asarray([1, 2], dtype=pb.float32)
        tensor([1., 2.])
    """
    dtype = _core.as_dtype(dtype)
    if isinstance(obj, _core.Tensor):
        made = obj if requires_grad is None or requires_grad else obj.detach()
    elif is_numpy(obj, "ndarray"):
        made = from_numpy(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)) or (
        hasattr(obj, "__array_interface__") or hasattr(obj, "__dlpack__")
    ):
        if isinstance(obj, (bytes, bytearray, memoryview)):
            made = frombuffer(obj, dtype=dtype or _core.get_default_dtype())
        else:
            import numpy as np

            made = tensor(np.asarray(obj))
    else:
        if copy is not None and not copy:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return tensor(obj, dtype=dtype, device=device, requires_grad=bool(requires_grad))
    if dtype is not None and made.dtype != dtype:
        if copy is not None and not copy:
            raise ValueError(
                f"can't alias tensor with dtype '{made.dtype._legacy_name}' into dtype "
                f"'{dtype._legacy_name}'."
            )
        made = made.to(dtype)
    elif copy:
        made = made.clone()
    if requires_grad and not made.requires_grad:
        made = _core.require_grad(made.detach())
    return made


def is_numpy(value, *names):
    """Whether its class, or a base of it, is NumPy's of one of these names; NumPy is not imported to answer no."""
    return any(kind.__name__ in names and kind.__module__ == "numpy" for kind in type(value).__mro__)


@composed(method=False)
def from_numpy(ndarray):
    """A tensor over the memory of a NumPy array: what one writes, the other sees. The memory lives as long
    as either.

    A read-only array gives a tensor that refuses in-place operations.

    Raises:
        TypeError: for anything that is no array, and for dtypes without kernels.
        ValueError: for negative strides and foreign byte order.

    Example:
        >>> array = np.zeros(2)
        >>> x = pb.from_numpy(array)
        >>> array[0] = 7
        >>> x
        tensor([7., 0.], dtype=pullback.float64)
    """
    if not is_numpy(ndarray, "ndarray"):
        from ..messages.hints import array

        raise TypeError(f"expected np.ndarray (got {_qualified(ndarray)}){array(ndarray)}")
    if not ndarray.flags.writeable:
        _warn_read_only("NumPy array", "array")
    return _core.from_buffer(ndarray)


def _qualified(value):
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


_warned = set()


def _warn_read_only(what, it):
    """Once a kind, as PyTorch."""
    if what in _warned:
        return
    _warned.add(what)
    import warnings

    warnings.warn(
        f"The given {what} is not writable, and PyTorch does not support non-writable tensors. pullback "
        f"keeps such a tensor read-only: in-place operations on it raise. Copy the {it} to write to it.",
        stacklevel=3,
    )


@composed(method=False)
def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A tensor [count] over the memory of an object with the buffer protocol, starting `offset` bytes in.

    Raises ValueError where the buffer is too short, or no buffer at all.

    Example:
        >>> pb.frombuffer(bytearray([1, 0, 0, 0, 2, 0, 0, 0]), dtype=pb.int32)
        tensor([1, 2], dtype=pullback.int32)
    """
    try:
        view = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    length, size = len(view), dtype.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count < 0:
        if (length - offset) % size:
            raise ValueError(
                f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple "
                f"of element size ({size})"
            )
        count = (length - offset) // size
    elif offset + count * size > length:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({length} bytes)"
        )
    if view.readonly:
        _warn_read_only("buffer", "buffer")
    if not dtype._supported:
        raise NotImplementedError(f"\"frombuffer\" not implemented for '{dtype._legacy_name}'")
    # Python's views know no complex numbers, but the reals that they consist of, and no narrow ones, but their bits.
    narrow = dtype.is_floating_point and size == 2
    kind = "h" if narrow else dtype._format.removeprefix("Z")
    made = _core.from_buffer(view[offset : offset + count * size].cast(kind)).view(dtype)
    if narrow:
        made = made.detach()
    return _core.require_grad(made) if requires_grad else made


@operator(method=False, out="made")
def zeros(*size, out=None, **options):
    """A tensor of zeros of this size.

    Raises RuntimeError for negative sizes, OutOfMemoryError for sizes beyond the memory.

    Example:
        >>> pb.zeros(2, 3)
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """


@operator(method=False, out="made")
def ones(*size, out=None, **options):
    """A tensor of ones of this size.

    Raises RuntimeError for a negative size, TypeError for a size that is no int.

    Example:
        >>> pb.ones(3, dtype=pb.int64)
        tensor([1, 1, 1])
    """


@operator(method=False, out="made")
def empty(*size, out=None, memory_format=None, **options):
    """A tensor of this size whose elements are whatever the memory held, in the order that `memory_format` names.

    Raises RuntimeError for a negative size and for another number of them than the order is for, TypeError for a size that
    is no int.

    Example:
        >>> pb.empty(2, 3).shape
        pullback.Size([2, 3])
    """


@operator(method=False, out="made")
def full(size, fill_value, *, out=None, **options):
    """A tensor of this size filled with one number, whose kind decides the dtype.

    Raises RuntimeError where the number does not fit the dtype.

    Example:
        >>> pb.full((2,), 3.5)
        tensor([3.5000, 3.5000])
    """


@operator(method=False)
def empty_strided(size, stride, **options):
    """An uninitialised tensor of these sizes and strides.

    Raises RuntimeError for a negative size and for another number of strides than sizes.

    Example:
        >>> pb.empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """


@operator(method=False)
def zeros_like(input, *, memory_format=None, **options):
    """A tensor of zeros with the shape, the dtype and the order of dimensions in memory of `input`.

    Raises TypeError where `input` is no tensor.

    Example:
        >>> pb.zeros_like(pb.tensor([1, 2]))
        tensor([0, 0])
    """


@operator(method=False)
def ones_like(input, *, memory_format=None, **options):
    """A tensor of ones with the shape, the dtype and the order of dimensions in memory of `input`.

    Raises TypeError where `input` is no tensor.

    Example:
        >>> pb.ones_like(pb.tensor([1.0, 2.0]))
        tensor([1., 1.])
    """


@operator(method=False)
def empty_like(input, *, memory_format=None, **options):
    """A tensor of anything with the shape, the dtype and the order of dimensions in memory of `input`.

    Raises TypeError where `input` is no tensor.

    Example:
        >>> pb.empty_like(pb.zeros(2, 3)).shape
        pullback.Size([2, 3])
    """


@operator(method=False)
def full_like(input, fill_value, *, memory_format=None, **options):
    """A tensor filled with one number, of the shape, dtype and order of dimensions of `input`.

    Raises TypeError where `input` is no tensor, or `fill_value` no number.

    Example:
        >>> pb.full_like(pb.zeros(2), 7)
        tensor([7., 7.])
    """


@operator(public=False)
def new_tensor(input, data, *, dtype=None, device=None, pin_memory=False, requires_grad=False):
    """A new tensor with a copy of `data`, of the dtype of this one.

    Raises TypeError for what is no number, sequence or array, ValueError for rows of different lengths.

    Example:
        >>> pb.zeros(1).new_tensor([1, 2])
        tensor([1., 2.])
    """


@operator(public=False)
def new_zeros(input, *size, **options):
    """A tensor of zeros of this size, of the dtype of this one.

    Raises RuntimeError for a negative size, TypeError for a size that is no int.

    Example:
        >>> pb.tensor([5]).new_zeros(2)
        tensor([0, 0])
    """


@operator(public=False)
def new_ones(input, *size, **options):
    """A tensor of ones of this size, of the dtype of this one.

    Raises RuntimeError for a negative size, TypeError for a size that is no int.

    Example:
        >>> pb.tensor([5]).new_ones(2)
        tensor([1, 1])
    """


@operator(public=False)
def new_empty(input, *size, **options):
    """An uninitialised tensor of this size, of the dtype of this one.

    Raises RuntimeError for a negative size, TypeError for a size that is no int.

    Example:
        >>> pb.tensor([5]).new_empty(2, 3).dtype
        pullback.int64
    """


@operator(public=False)
def new_full(input, size, fill_value, **options):
    """A tensor of this size filled with one number, of the dtype of this one.

    Raises RuntimeError for a negative size, TypeError where `fill_value` is no number.

    Example:
        >>> pb.zeros(1).new_full((2,), 3)
        tensor([3., 3.])
    """


@operator(method=False, out="made")
def arange(start=None, end=None, step=1, *, out=None, **options):
    """The numbers from `start` in steps of `step`, up to but without `end`: ``arange(end)``, ``arange(start,
    end)``, ``arange(start, end, step)``. Whole numbers make int64, others the default dtype.

    Raises RuntimeError for a step of zero or of the wrong sign, and for infinite bounds.

    Example:
        >>> pb.arange(1, 2.5, 0.5)
        tensor([1.0000, 1.5000, 2.0000])
    """


@operator(method=False, out="made")
def linspace(start, end, steps, *, out=None, **options):
    """`steps` numbers at equal distances, both ends included.

    A vector of the default floating dtype, complex where an end is, or of `dtype`. Raises RuntimeError for negative `steps`,
    and for complex ends and a real `dtype`.

    Example:
        >>> pb.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """


@operator(method=False, out="made")
def logspace(start, end, steps, base=10.0, *, out=None, **options):
    """`base` to the power of `steps` exponents at equal distances.

    A vector of the default floating dtype, complex where an end is, or of `dtype`. Raises RuntimeError for negative `steps`,
    and for complex ends and a real `dtype`.

    Example:
        >>> pb.logspace(0, 2, 3)
        tensor([  1.,  10., 100.])
    """


@operator(method=False, out="made")
def eye(n, m=None, *, out=None, **options):
    """A matrix [n, m] with ones on its diagonal; square without `m`.

    Of the default floating dtype, or of `dtype`. Raises RuntimeError for a negative number of rows or columns.

    Example:
        >>> pb.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """


@operator(method=False)
def scalar_tensor(s, **options):
    """A 0-d tensor of the default dtype.

    Raises TypeError for what is no number.

    Example:
        >>> pb.scalar_tensor(3)
        tensor(3.)
    """


@operator
def fill_(input, value):
    """Write one number (or a 0-d tensor, which then gets the gradients' sum) into every element, in place.

    Raises RuntimeError for a `value` of one dimension or more, and for a leaf that requires grad.

    Example:
        >>> pb.zeros(2).fill_(3)
        tensor([3., 3.])
    """


@operator
def zero_(input):
    """Set every element to zero, in place.

    Raises RuntimeError for a leaf that requires grad.

    Example:
        >>> pb.ones(2).zero_()
        tensor([0., 0.])
    """


@operator(public=False, ignores="non_blocking")
def copy_(input, other, non_blocking=False):
    """Write the elements of `other`, broadcast and converted, into this tensor; gradients flow to `other`.

    Raises RuntimeError where the shapes do not fit.

    Example:
        >>> pb.zeros(2, 2).copy_(pb.tensor([1, 2]))
        tensor([[1., 2.],
                [1., 2.]])
    """
