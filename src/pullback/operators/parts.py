"""Parts of a tensor, one or several, as views of its memory; and copies in which a part is replaced."""

from .declare import operator


@operator
def select(input, dim, index):
    """One `index` of dimension `dim`, which disappears. Raises IndexError if it is out of range.

    Example:
        >>> pb.select(pb.tensor([[1, 2], [3, 4]]), 1, -1)
        tensor([2, 4])
    """


@operator
def narrow(input, dim, start, length):
    """`length` indices of dimension `dim`, from `start` (an int, or a scalar integer tensor) on.

    A view. Raises RuntimeError for a part that lies beyond the dimension, IndexError for a `dim` out of range.

    Example:
        >>> pb.narrow(pb.arange(5), 0, 1, 3)
        tensor([1, 2, 3])
    """


@operator
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal of the matrices in `dim1` and `dim2`, as the last dimension; positive `offset`s lie above.

    A view. Raises IndexError for a `dim` out of range, RuntimeError where both are the same.

    Example:
        >>> pb.diagonal(pb.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """


@operator(public=False)
def unfold(input, dimension, size, step):
    """Every window of `size` indices of a dimension, `step` apart; its positions are the last dimension.

    A view of shape (..., windows, ..., size). Raises RuntimeError for a `size` larger than the dimension and for a
    `step` below 1.

    Example:
        >>> pb.arange(5).unfold(0, 3, 1)
        tensor([[0, 1, 2],
                [1, 2, 3],
                [2, 3, 4]])
    """


@operator
def as_strided(input, size, stride, storage_offset=None):
    """Any geometry over the memory that `input` shares: sizes, strides and offset in elements.

    Indices may overlap: gradients then add up. The offset is that of `input` if it is not given. Raises
    RuntimeError if the geometry leaves the memory.

    Example:
        >>> pb.as_strided(pb.arange(5), (3, 3), (1, 1))
        tensor([[0, 1, 2],
                [1, 2, 3],
                [2, 3, 4]])
    """


@operator
def unbind(input, dim=0):
    """Every index of a dimension, as a tuple of views, none of which may be written in place.

    Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.unbind(pb.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """


@operator(name="__iter__", core="iterate", public=False)
def _iterate(input):
    """An iterator over the first dimension, as :func:`unbind`. Raises TypeError for a scalar.

    Example:
        >>> [row.sum().item() for row in pb.tensor([[1, 2], [3, 4]])]
        [3, 7]
    """


@operator(method=False)
def split(tensor, split_size_or_sections, dim=0):
    """Pieces along `dim`, as a tuple of views: of one size, the last one shorter, or of the sizes in a list.

    Raises RuntimeError if listed sizes do not add up to the dimension's.

    Example:
        >>> pb.split(pb.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
        >>> pb.split(pb.arange(5), [4, 1])
        (tensor([0, 1, 2, 3]), tensor([4]))
    """


@operator(name="split", public=False)
def _split_method(input, split_size, dim=0):
    """Pieces along `dim`: see :func:`split`.

    Raises RuntimeError for a negative `split_size`, or sizes that do not sum to that of the dimension.

    Example:
        >>> pb.arange(5).split(3)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """


@operator
def split_with_sizes(input, split_sizes, dim=0):
    """Pieces of the given sizes along `dim`, as a tuple of views.

    Raises RuntimeError for sizes that do not sum to that of the dimension, IndexError for a `dim` out of range.

    Example:
        >>> pb.split_with_sizes(pb.arange(5), [4, 1])
        (tensor([0, 1, 2, 3]), tensor([4]))
    """


@operator
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal size along `dim`, the last one shorter, as a tuple of views.

    Raises RuntimeError for fewer `chunks` than 1, IndexError for a `dim` out of range.

    Example:
        >>> pb.chunk(pb.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """


@operator
def tensor_split(input, indices_or_sections=None, dim=0, *, sections=None, indices=None):
    """Pieces along `dim`, as views: so many, as equal as possible, or cut before each of the indices.

    Raises RuntimeError for fewer sections than 1, IndexError for a `dim` out of range.

    Example:
        >>> pb.tensor_split(pb.arange(5), 3)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
        >>> pb.tensor_split(pb.arange(5), (1, 3))
        (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """


@operator
def hsplit(input, indices_or_sections):
    """:func:`tensor_split` by columns: along dimension 1, or the only one. A number has to divide the size.

    Raises RuntimeError for a scalar, and for a number that does not divide the size.

    Example:
        >>> pb.hsplit(pb.arange(4), 2)
        (tensor([0, 1]), tensor([2, 3]))
    """


@operator
def vsplit(input, indices_or_sections):
    """:func:`tensor_split` by rows: along dimension 0 of two or more. A number has to divide the size.

    Raises RuntimeError for fewer than two dimensions, and for a number that does not divide the size.

    Example:
        >>> pb.vsplit(pb.tensor([[1, 2], [3, 4]]), 2)
        (tensor([[1, 2]]), tensor([[3, 4]]))
    """


@operator
def dsplit(input, indices_or_sections):
    """:func:`tensor_split` in depth: along dimension 2 of three or more. A number has to divide the size.

    Raises RuntimeError for fewer than three dimensions, and for a number that does not divide the size.

    Example:
        >>> [x.shape for x in pb.dsplit(pb.zeros(2, 3, 4), 2)]
        [pullback.Size([2, 3, 2]), pullback.Size([2, 3, 2])]
    """


@operator
def select_scatter(input, src, dim, index):
    """A copy of `input` in which `input.select(dim, index)` is replaced by `src`, which has its shape.

    Raises RuntimeError for a `src` of another shape, IndexError for a `dim` or an `index` out of range.

    Example:
        >>> pb.select_scatter(pb.zeros(2, 2), pb.ones(2), 0, 1)
        tensor([[0., 0.],
                [1., 1.]])
    """


@operator
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy of `input` in which a slice of dimension `dim` is replaced by `src`, which has its shape.

    Raises RuntimeError for a `src` of another shape, IndexError for a `dim` out of range.

    Example:
        >>> pb.slice_scatter(pb.zeros(4), pb.ones(2), 0, 1, 3)
        tensor([0., 1., 1., 0.])
    """


@operator
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy of `input` in which its :func:`diagonal` is replaced by `src`, which has its shape.

    Raises RuntimeError for a `src` of another shape, IndexError for a `dim` out of range.

    Example:
        >>> pb.diagonal_scatter(pb.zeros(2, 2), pb.tensor([1.0, 2.0]))
        tensor([[1., 0.],
                [0., 2.]])
    """


@operator
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy of `input` in which what :func:`as_strided` would show is replaced by `src`, of its shape.

    Raises RuntimeError for a `src` of another shape, and for strides that lead beyond the memory.

    Example:
        >>> pb.as_strided_scatter(pb.zeros(4), pb.ones(2), (2,), (2,))
        tensor([1., 0., 1., 0.])
    """
