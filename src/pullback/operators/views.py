"""Views: another shape over the same memory.

A view shares its elements with the tensor that it was made from: writing into one changes the other, and the
tape knows. Sizes may be given one by one or as one tuple.
"""

import warnings

from ..size import Size
from .declare import METHODS, composed, operator


@operator(public=False)
def view(input, *size, dtype=None):
    """The same memory in another shape; one size may be -1 and follows from the others.

    With a `dtype` instead of sizes, the same bytes are read as elements of that type; such a view has no
    history. Raises RuntimeError if the strides do not allow the shape without a copy: then use
    :func:`reshape`.

    Example:
        >>> pb.arange(6).view(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """


@operator(public=False)
def view_as(input, other):
    """`input.view(other.shape)`.

    Raises RuntimeError for another number of elements, and where the strides do not allow a view.

    Example:
        >>> pb.arange(4).view_as(pb.zeros(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """


@operator
def reshape(input, *shape):
    """The same elements, in row-major order, in another shape: a view where strides allow it, else a copy.

    One size may be -1. Raises RuntimeError if the number of elements differs.

    Example:
        >>> pb.reshape(pb.arange(4), (2, 2))
        tensor([[0, 1],
                [2, 3]])
    """


@operator(public=False)
def reshape_as(input, other):
    """`input.reshape(other.shape)`.

    Raises RuntimeError for another number of elements.

    Example:
        >>> pb.arange(4).reshape_as(pb.zeros(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """


@operator
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim`, both included, as one; a scalar becomes a vector.

    A view where strides allow it, else a copy. Raises IndexError for a dimension out of range, RuntimeError where
    `end_dim` comes before `start_dim`.

    Example:
        >>> pb.flatten(pb.zeros(2, 3, 4), 1).shape
        pullback.Size([2, 12])
    """


@operator
def unflatten(input, dim, sizes):
    """Dimension `dim` as several, of the given `sizes` (one may be -1), whose product is its size.

    A view. Raises RuntimeError for sizes of another product and for a tensor without dimensions, IndexError for a `dim`
    out of range.

    Example:
        >>> pb.unflatten(pb.zeros(2, 12), 1, (3, -1)).shape
        pullback.Size([2, 3, 4])
    """


@operator
def ravel(input):
    """All elements in one dimension: a view where `input` is contiguous, else of a copy.

    A vector of the dtype of `input`. Raises TypeError for what is no tensor.

    Example:
        >>> pb.tensor([[1, 2], [3, 4]]).ravel()
        tensor([1, 2, 3, 4])
    """


@operator(in_place=True)
def transpose(input, dim0, dim1):
    """Dimensions `dim0` and `dim1` exchanged.

    A view. Raises IndexError for a dimension out of range.

    Example:
        >>> pb.transpose(pb.zeros(2, 3), 0, 1).shape
        pullback.Size([3, 2])

    In place:
        >>> pb.zeros(2, 3).transpose_(0, 1).shape
        pullback.Size([3, 2])
    """


@operator(core="transpose", in_place=True)
def swapaxes(input, axis0, axis1):
    """:func:`transpose`, by NumPy's name.

    A view. Raises IndexError for a dimension out of range.

    Example:
        >>> pb.swapaxes(pb.zeros(2, 3, 4), 0, 2).shape
        pullback.Size([4, 3, 2])

    In place:
        >>> pb.zeros(2, 3).swapaxes_(0, 1).shape
        pullback.Size([3, 2])
    """


@operator(core="transpose", in_place=True)
def swapdims(input, dim0, dim1):
    """:func:`transpose`, by another name.

    A view. Raises IndexError for a dimension out of range.

    Example:
        >>> pb.swapdims(pb.zeros(2, 3, 4), 0, 2).shape
        pullback.Size([4, 3, 2])

    In place:
        >>> pb.zeros(2, 3).swapdims_(0, 1).shape
        pullback.Size([3, 2])
    """


@operator(in_place=True)
def t(input):
    """A matrix transposed; vectors and scalars as they are. Raises RuntimeError for more than two dimensions.

    Example:
        >>> pb.t(pb.tensor([[1, 2], [3, 4]]))
        tensor([[1, 3],
                [2, 4]])

    In place:
        >>> pb.zeros(2, 3).t_().shape
        pullback.Size([3, 2])
    """


@operator
def adjoint(input):
    """The last two dimensions exchanged (and conjugated, for complex numbers).

    A view. Raises RuntimeError for a vector; of no dimensions it is the tensor itself, with a warning.

    Example:
        >>> pb.adjoint(pb.zeros(5, 2, 3)).shape
        pullback.Size([5, 3, 2])
    """


@operator
def permute(input, *dims):
    """The dimensions in the order `dims`, which names each once.

    A view. Raises RuntimeError for another number of dimensions and for one that is named twice, IndexError for one
    out of range.

    Example:
        >>> pb.permute(pb.zeros(2, 3, 4), (2, 0, 1)).shape
        pullback.Size([4, 2, 3])
    """


@operator(aliases=("moveaxis",))
def movedim(input, source, destination):
    """The dimensions `source` at the positions `destination`; the others keep their order.

    Both are an int or tuples of equally many. Raises RuntimeError if a dimension is named twice.

    Example:
        >>> pb.movedim(pb.zeros(2, 3, 4), 0, -1).shape
        pullback.Size([3, 4, 2])
    """


@operator(in_place=True)
def squeeze(input, dim=None):
    """Without dimensions of size one: all of them, or those among `dim` (an int or a tuple).

    A view; a dimension among `dim` of another size stays. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.squeeze(pb.zeros(1, 3, 1), 0).shape
        pullback.Size([3, 1])

    In place:
        >>> pb.zeros(1, 2).squeeze_().shape
        pullback.Size([2])
    """


@operator(in_place=True)
def unsqueeze(input, dim):
    """With a dimension of size one inserted at `dim`, which may be -1 for the last.

    A view. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.unsqueeze(pb.zeros(3), -1).shape
        pullback.Size([3, 1])

    In place:
        >>> pb.zeros(2).unsqueeze_(0).shape
        pullback.Size([1, 2])
    """


@operator(public=False)
def expand(input, *size):
    """Dimensions of size one repeated, new ones in front, without copying; -1 keeps a size.

    Several indices then reach one element, so the result cannot be written in place.

    Raises RuntimeError for fewer sizes than dimensions, and for another size of a dimension that is not 1.

    Example:
        >>> pb.tensor([[1], [2]]).expand(-1, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """


@operator(public=False)
def expand_as(input, other):
    """`input.expand(other.shape)`.

    Raises RuntimeError where the shapes do not fit, as `expand` does.

    Example:
        >>> pb.tensor([1, 2]).expand_as(pb.zeros(2, 2))
        tensor([[1, 2],
                [1, 2]])
    """


@operator(core="expand")
def broadcast_to(input, size):
    """`input` broadcast to the shape `size`, without copying.

    Raises RuntimeError where the shapes do not fit, as `expand` does.

    Example:
        >>> pb.broadcast_to(pb.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """


@operator(method=False)
def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape, as a tuple.

    Raises RuntimeError for shapes that do not broadcast.

    Example:
        >>> [x.shape for x in pb.broadcast_tensors(pb.zeros(3, 1), pb.zeros(2))]
        [pullback.Size([3, 2]), pullback.Size([3, 2])]
    """


@composed(method=False)
def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to; an int is a shape of one dimension.

    Raises RuntimeError where they do not fit.

    Example:
        >>> pb.broadcast_shapes((3, 1), (2,), 1)
        pullback.Size([3, 2])
    """
    shapes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    common = [1] * max(map(len, shapes), default=0)
    for number, shape in enumerate(shapes):
        for back, size in enumerate(reversed(shape), 1):
            if size < 0 or (size != 1 and common[-back] not in (1, size)):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {size} at -{back}! "
                    f"Mismatching argument at index {number} had {shape}; "
                    f"but expected shape should be broadcastable to {common}"
                )
            if size != 1:
                common[-back] = size
    return Size(common)


@operator(method=False)
def atleast_1d(*tensors):
    """Scalars as vectors of one element, everything else as it is; several tensors give a tuple.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.atleast_1d(pb.tensor(2.0))
        tensor([2.])
    """


@operator(method=False)
def atleast_2d(*tensors):
    """Scalars and vectors as matrices of one row, everything else as it is.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.atleast_2d(pb.tensor([1, 2]))
        tensor([[1, 2]])
    """


@operator(method=False)
def atleast_3d(*tensors):
    """With at least three dimensions: a vector of n elements as (1, n, 1), a matrix with one more at the end.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.atleast_3d(pb.tensor([1, 2])).shape
        pullback.Size([1, 2, 1])
    """


@operator
def detach(input):
    """The same memory outside of the graph: no gradient flows through it, and it does not require any.

    Writes to either are seen in both. Raises TypeError for what is no tensor.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * 2).detach()
        tensor([2., 4.])
    """


@operator(public=False)
def contiguous(input, *, memory_format=None):
    """Itself if its elements lie in row-major order without gaps, else such a copy; or in the order that `memory_format`
    names.

    Raises TypeError for what is no tensor, RuntimeError for another number of dimensions than the order is for.

    Example:
        >>> pb.zeros(2, 3).t().contiguous().stride()
        (2, 1)
    """


@operator
def clone(input, *, memory_format=None):
    """A copy that gradients flow through, with the strides of `input` where those are without gaps.

    `memory_format=pb.contiguous_format` makes it row-major, `pb.channels_last` lays pictures so.

    Raises TypeError for what is no tensor, RuntimeError for another number of dimensions than the order is for.

    Example:
        >>> x = pb.tensor([1.0, 2.0])
        >>> y = x.clone().mul_(2)
        >>> x, y
        (tensor([1., 2.]), tensor([2., 4.]))
    """


def _conjugate_transpose(input):
    """A matrix transposed (and conjugated, for complex numbers).

    Example:
        >>> pb.tensor([[1, 2], [3, 4]]).H
        tensor([[1, 3],
                [2, 4]])
    """
    if input.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.ndim}-D tensor. "
            "Use .mH for batches of matrices."
        )
    return input.adjoint() if input.ndim else _of_scalar(input, "H")


def _batched_conjugate_transpose(input):
    """The last two dimensions exchanged (and conjugated, for complex numbers).

    Example:
        >>> pb.zeros(5, 2, 3).mH.shape
        pullback.Size([5, 3, 2])
    """
    if input.ndim == 1:
        raise RuntimeError("tensor.mH is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return input.adjoint() if input.ndim else _of_scalar(input, "mH")


def _of_scalar(input, name):
    warnings.warn(f"Tensor.{name} is deprecated on 0-D tensors. Consider using x.conj().", stacklevel=3)
    return input.conj()


METHODS["H"] = property(_conjugate_transpose)
METHODS["mH"] = property(_batched_conjugate_transpose)
