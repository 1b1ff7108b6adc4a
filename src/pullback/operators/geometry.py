"""What a tensor says about its geometry: sizes, strides, where its memory is."""

from .declare import METHODS, operator


@operator(public=False)
def size(input, dim=None):
    """The shape, or the size of one dimension.

    A `Size`, or an int. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.zeros(2, 3).size(), pb.zeros(2, 3).size(-1)
        (pullback.Size([2, 3]), 3)
    """


@operator(public=False)
def stride(input, dim=None):
    """How many elements of memory lie between neighbours: along every dimension, or along one.

    A tuple of ints, or an int. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.zeros(2, 3).stride(), pb.zeros(2, 3).stride(0)
        ((3, 1), 3)
    """


@operator(public=False, aliases=("ndimension",))
def dim(input):
    """The number of dimensions.

    An int: 0 for a scalar.

    Example:
        >>> pb.zeros(2, 3).dim()
        2
    """


@operator
def numel(input):
    """The number of elements.

    An int: 1 for a scalar, and 0 where a size is 0.

    Example:
        >>> pb.numel(pb.zeros(2, 3))
        6
    """


METHODS["nelement"] = numel


@operator(public=False)
def element_size(input):
    """Bytes in one element.

    An int: 4 for float32.

    Example:
        >>> pb.zeros(2, 3).element_size()
        4
    """


@operator(public=False)
def storage_offset(input):
    """How many elements of the memory it shares lie before its first.

    An int: 0 for what is no view.

    Example:
        >>> pb.arange(4)[1:].storage_offset()
        1
    """


@operator(public=False)
def data_ptr(input):
    """The address of the first element; 0 if there is none.

    Whoever has it may read and write there: from then on, what reads or writes the memory runs at the call.

    Example:
        >>> x = pb.zeros(2, 3)
        >>> x.data_ptr() == x.t().data_ptr()
        True
    """


@operator(public=False)
def is_contiguous(input, *, memory_format=None):
    """Whether the elements lie in row-major order without gaps, or in the order that `memory_format` names.

    A bool.

    Example:
        >>> pb.zeros(2, 3).t().is_contiguous()
        False
    """


@operator(public=False)
def is_set_to(input, tensor):
    """Whether both have the same memory, offset, sizes and strides.

    A bool. Raises TypeError where `tensor` is no tensor.

    Example:
        >>> x = pb.zeros(2, 3)
        >>> x.is_set_to(x.view(2, 3))
        True
    """


def _itemsize(input):
    """Bytes in one element.

    Example:
        >>> pb.zeros(2, 3).itemsize
        4
    """
    return input.element_size()


def _nbytes(input):
    """Bytes in all elements.

    Example:
        >>> pb.zeros(2, 3).nbytes
        24
    """
    return input.element_size() * input.numel()


METHODS["itemsize"] = property(_itemsize)
METHODS["nbytes"] = property(_nbytes)
