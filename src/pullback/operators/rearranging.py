"""Copies in another arrangement: repeated, flipped, rolled, rotated, cut to a triangle, put on a diagonal."""

from .declare import operator


@operator(public=False)
def repeat(input, *repeats):
    """The whole tensor so many times along each dimension; further repeats in front make new dimensions.

    The dtype stays; the result is a copy. Raises RuntimeError for fewer repeats than dimensions, and for negative
    ones.

    Example:
        >>> pb.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """


@operator
def tile(input, *dims):
    """:func:`repeat`, where missing repeats in front are 1, as in NumPy.

    The dtype stays; the result is a copy. Raises RuntimeError for negative repeats, TypeError for what is no int.

    Example:
        >>> pb.tile(pb.tensor([[1], [2]]), (2,))
        tensor([[1, 1],
                [2, 2]])
    """


@operator
def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each element `repeats` times, along `dim` or of the flattened tensor; a tensor has one for each index.

    Of a tensor of repeats alone, the indices: i so many times as entry i says. Raises RuntimeError for
    negative repeats and where `output_size` is given and wrong, IndexError for a `dim` that is not there.

    Example:
        >>> pb.repeat_interleave(pb.tensor([1, 2]), 2)
        tensor([1, 1, 2, 2])
        >>> pb.repeat_interleave(pb.tensor([2, 0, 1]))
        tensor([0, 0, 2])
    """


@operator
def flip(input, *dims):
    """The order of the elements along `dims` reversed, as a copy.

    Shape and dtype stay. Raises IndexError for a dimension out of range, RuntimeError for one that is named twice.

    Example:
        >>> pb.flip(pb.tensor([[1, 2], [3, 4]]), (0,))
        tensor([[3, 4],
                [1, 2]])
    """


@operator
def fliplr(input):
    """The columns in reverse order: :func:`flip` of dimension 1.

    Raises RuntimeError for fewer than two dimensions.

    Example:
        >>> pb.fliplr(pb.tensor([[1, 2], [3, 4]]))
        tensor([[2, 1],
                [4, 3]])
    """


@operator
def flipud(input):
    """The rows in reverse order: :func:`flip` of dimension 0.

    Raises RuntimeError for a scalar.

    Example:
        >>> pb.flipud(pb.tensor([[1, 2], [3, 4]]))
        tensor([[3, 4],
                [1, 2]])
    """


@operator
def roll(input, shifts, dims=None):
    """Elements moved by `shifts` along `dims`, those that fall off returning at the other end.

    Without `dims` the tensor is rolled as if it were flat.

    Shape and dtype stay. Raises RuntimeError for several `shifts` and another number of `dims`, IndexError for a
    dimension out of range.

    Example:
        >>> pb.roll(pb.tensor([1, 2, 3]), 1)
        tensor([3, 1, 2])
    """


@operator
def rot90(input, k=1, dims=(0, 1)):
    """`k` quarter turns in the plane of the two `dims`, from the first towards the second.

    Raises RuntimeError for fewer than two dimensions, and where both `dims` are the same.

    Example:
        >>> pb.rot90(pb.tensor([[1, 2], [3, 4]]))
        tensor([[2, 4],
                [1, 3]])
    """


@operator(out="exact", in_place=True)
def tril(input, diagonal=0, *, out=None):
    """The lower triangle of the last two dimensions, up to a diagonal; zeros above.

    Shape and dtype stay. Raises RuntimeError for fewer than two dimensions.

    Example:
        >>> pb.tril(pb.tensor([[1, 2], [3, 4]]))
        tensor([[1, 0],
                [3, 4]])

    In place:
        >>> pb.ones(2, 2).tril_()
        tensor([[1., 0.],
                [1., 1.]])
    """


@operator(out="exact", in_place=True)
def triu(input, diagonal=0, *, out=None):
    """The upper triangle of the last two dimensions, from a diagonal on; zeros below.

    Shape and dtype stay. Raises RuntimeError for fewer than two dimensions.

    Example:
        >>> pb.triu(pb.tensor([[1, 2], [3, 4]]))
        tensor([[1, 2],
                [0, 4]])

    In place:
        >>> pb.ones(2, 2).triu_()
        tensor([[1., 1.],
                [0., 1.]])
    """


@operator(method=False, ignores="device layout")
def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Rows and columns of the lower triangle's entries, as a tensor of shape (2, n), of int64 or int32.

    Raises RuntimeError for negative sizes, NotImplementedError for other dtypes.

    Example:
        >>> pb.tril_indices(2, 2)
        tensor([[0, 1, 1],
                [0, 0, 1]])
    """


@operator(method=False, ignores="device layout")
def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Rows and columns of the upper triangle's entries, as a tensor of shape (2, n), of int64 or int32.

    Raises RuntimeError for negative sizes, NotImplementedError for other dtypes.

    Example:
        >>> pb.triu_indices(2, 2)
        tensor([[0, 0, 1],
                [0, 1, 1]])
    """


@operator(out="exact")
def diag(input, diagonal=0, *, out=None):
    """A matrix with a vector on its diagonal; or a copy of a matrix's diagonal.

    The dtype stays. Raises RuntimeError for more than two dimensions and for a scalar.

    Example:
        >>> pb.diag(pb.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """


@operator
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices, in dimensions `dim1` and `dim2`, with the last dimension of `input` on their diagonals.

    The dtype stays; there is one dimension more. Raises RuntimeError where both dimensions are the same, IndexError
    for one out of range.

    Example:
        >>> pb.diag_embed(pb.zeros(5, 3)).shape
        pullback.Size([5, 3, 3])
    """


@operator
def diagflat(input, offset=0):
    """A matrix with all elements on its diagonal.

    The dtype stays. Any number of dimensions will do: they are flattened.

    Example:
        >>> pb.diagflat(pb.tensor([[1], [2]]))
        tensor([[1, 0],
                [0, 2]])
    """


@operator
def trace(input):
    """The sum of a matrix's diagonal; integers are summed in int64.

    A scalar. Raises RuntimeError for what is no matrix.

    Example:
        >>> pb.trace(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
    """
