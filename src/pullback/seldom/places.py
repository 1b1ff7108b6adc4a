"""Shapes in place, diagonals, and places as indices."""

import math

from .. import _core
from ..device import channels_last, channels_last_3d, preserve_format
from ..operators.creation import empty_strided
from ..operators.declare import FUNCTIONS, METHODS, callable_of, composed

Tensor = _core.Tensor


def _fill_diagonal_in_place(self, fill_value, wrap=False):
    """Writes a number into the main diagonal, and returns the tensor.

    Of more than two dimensions, which are then of equal size, the elements with all indices equal. With `wrap` the diagonal
    of a matrix that is taller than wide begins anew after each block and a row between them, as NumPy's.

    Raises RuntimeError for fewer dimensions than two, and for more of different sizes.

    Example:
        >>> pb.zeros(2, 3).fill_diagonal_(5)
        tensor([[5., 0., 0.],
                [0., 5., 0.]])
    """
    _core.check_captured(self, "fill_diagonal_")
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim == 2:
        rows, columns = self.shape
        for start in range(0, max(rows, 1) if wrap else 1, columns + 1):
            self[start : start + columns].diagonal().fill_(fill_value)
        return self
    if len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    view = self
    while view.ndim > 1:
        view = view.diagonal(0, 0, view.ndim - 1)
    view.fill_(fill_value)
    return self


def _resize_in_place(self, *size, memory_format=None):
    """Another shape for the tensor, over its memory: row by row, and from where it began. The tensor is returned.

    Where the memory is too small the elements move to a larger one, whose new elements are not initialised; views of the
    old memory keep that. To have a reshaped tensor, `reshape` is the function.

    Raises RuntimeError for a tensor that requires grad, and for negative sizes.

    Example:
        >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.resize_(3)
        tensor([1., 2., 3.])
        >>> x.resize_(2, 2)
        tensor([[1., 2.],
                [3., 4.]])
    """
    if not size:
        raise TypeError('resize_() missing 1 required positional arguments: "size"')
    _core.check_captured(self, "resize_")
    if self.requires_grad:
        raise RuntimeError(
            "cannot resize variables that require grad. Its gradient would have the shape from before; reshape gives another "
            "tensor."
        )
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if any(n < 0 for n in size):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(size)}: {list(size)}. Sizes are not inferred here."
        )
    strides = _strides(size, memory_format)
    try:
        self.data = self.as_strided(size, strides, self.storage_offset())
    except RuntimeError:
        larger = empty_strided(size, strides, dtype=self.dtype)
        known = _rest_of_memory(self, larger.numel())
        larger.as_strided((known.numel(),), (1,)).copy_(known)
        self.data = larger
    return self


def _lies(tensor, memory_format):
    return tensor.is_contiguous(memory_format=memory_format) and not tensor.is_contiguous()


def _strides(size, memory_format):
    """Of a tensor of this size, without gaps, in the order that is asked for."""
    if memory_format is preserve_format:
        raise RuntimeError(
            "Unsupported memory formatPreserve. The strides from before may not fit another shape."
        )
    if memory_format not in (channels_last, channels_last_3d):
        return [math.prod(size[k + 1 :]) for k in range(len(size))]
    return empty_strided((), ()).expand(size).to(memory_format=memory_format).stride()


def _rest_of_memory(tensor, most):
    """The memory from where a tensor begins: `most` elements, or all that there are."""
    found, low, high = tensor.as_strided((0,), (1,), tensor.storage_offset()), 0, most
    while low < high:
        middle = (low + high + 1) // 2
        try:
            found, low = tensor.as_strided((middle,), (1,), tensor.storage_offset()), middle
        except RuntimeError:
            high = middle - 1
    return found


def _resize_as_in_place(input, the_template, memory_format=None):
    """`resize_` to the shape of another tensor. The tensor is returned. With `memory_format=pb.preserve_format` it gets the
    other's strides, too.

    Raises RuntimeError for a tensor that requires grad.

    Example:
        >>> pb.tensor([[1.0, 2.0], [3.0, 4.0]]).resize_as_(pb.zeros(4))
        tensor([1., 2., 3., 4.])
    """
    if memory_format is preserve_format:
        last = (each for each in (channels_last, channels_last_3d) if _lies(the_template, each))
        memory_format = next(last, None)
    return input.resize_(the_template.shape, memory_format=memory_format)


def _new_empty_strided(
    self, size, stride, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False
):
    """An uninitialised tensor of these sizes and strides, and of this one's dtype unless another is given.

    Raises RuntimeError for another number of strides than of sizes.

    Example:
        >>> pb.zeros(2).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@composed(method=False)
def unravel_index(indices, shape):
    """The places in an array of `shape` that indices into it, laid out flat, mean: a tensor for each dimension.

    Shape: that of `indices`, which are integers, for each.
    Raises TypeError for indices and sizes that are no integers, ValueError for negative sizes.

    Example:
        >>> pb.unravel_index(pb.tensor([5, 7]), (2, 4))
        (tensor([1, 1]), tensor([1, 3]))
    """
    if not isinstance(indices, Tensor) or indices.dtype.is_floating_point or indices.dtype == _core.bool:
        kind = getattr(indices, "dtype", type(indices).__name__)
        raise TypeError(f"expected 'indices' to be integer dtype, but got {kind}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in shape:
        if not hasattr(n, "__index__"):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    found, indices = [], indices.long()
    for size in reversed(shape):
        found.append(indices % size)
        indices = indices.div(size, rounding_mode="floor")
    return FUNCTIONS["stack"](found[::-1], -1).unbind(-1) if found else ()


@composed
def nonzero_static(input, *, size, fill_value=-1):
    """The places of the elements that are not zero, as many as `size` says: [size, number of dimensions].

    Rows beyond those that there are have `fill_value` in them; places beyond `size` are left out.
    Raises RuntimeError for a negative size.

    Example:
        >>> pb.nonzero_static(pb.tensor([1, 0, 2]), size=3)
        tensor([[ 0],
                [ 2],
                [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer. It is {size}.")
    found = input.nonzero()[:size]
    return FUNCTIONS["cat"]([found, found.new_full((size - len(found), input.ndim), fill_value)])


METHODS.update(
    fill_diagonal_=callable_of(_fill_diagonal_in_place, "fill_diagonal_"),
    new_empty_strided=_new_empty_strided,
    resize_=_resize_in_place,
    resize_as_=callable_of(_resize_as_in_place, "resize_as_"),
)
FUNCTIONS["resize_as_"] = METHODS["resize_as_"]
