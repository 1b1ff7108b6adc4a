"""Products of matrices and vectors."""

from .declare import operator


@operator
def matmul(input, other, *, out=None):
    """The product of two tensors, `input @ other`.

    Two vectors give their dot product, a matrix and a vector (in either order) a vector, two matrices a matrix.
    With more dimensions the last two are matrices, and those before are batches, which broadcast:
    (..., n, k) @ (..., k, m) has shape (..., n, m).

    Both need one dtype; integers wrap around. Terms are summed by the rules of IEEE arithmetic, in the derivatives
    too: a gradient of zero that meets an infinite factor is nan.

    Raises:
        RuntimeError: a 0-d operand, shapes that do not fit, different dtypes.

    >>> a = pb.tensor([[1., 2.], [3., 4.]])
    >>> a @ pb.tensor([1., 10.])
    tensor([21., 43.])
    >>> pb.matmul(a, a)
    tensor([[ 7., 10.],
            [15., 22.]])
    """


@operator
def mm(input, mat2, *, out=None):
    """The product of two matrices, (n, k) and (k, m); nothing broadcasts.

    Raises:
        RuntimeError: an operand that is no matrix, shapes that do not fit, different dtypes.

    >>> pb.mm(pb.tensor([[1., 2.]]), pb.tensor([[3.], [4.]]))
    tensor([[11.]])
    """


@operator
def bmm(input, mat2, *, out=None):
    """The products of two batches of matrices, (b, n, k) and (b, k, m); nothing broadcasts.

    Raises:
        RuntimeError: an operand without three dimensions, shapes that do not fit, different dtypes.

    >>> pb.bmm(pb.tensor([[[2.]], [[3.]]]), pb.tensor([[[5.]], [[7.]]]))
    tensor([[[10.]],
    <BLANKLINE>
            [[21.]]])
    """


@operator
def mv(input, vec, *, out=None):
    """The product of a matrix (n, m) and a vector (m,).

    Raises:
        RuntimeError: other numbers of dimensions, sizes that do not fit, different dtypes.

    >>> pb.mv(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 1.]))
    tensor([3., 7.])
    """


@operator
def dot(input, tensor, *, out=None):
    """The sum of the products of the elements of two vectors of one length.

    Raises:
        RuntimeError: an operand that is no vector, different lengths or dtypes.

    >>> pb.dot(pb.tensor([2, 3]), pb.tensor([2, 1]))
    tensor(7)
    """


@operator
def vdot(input, other, *, out=None):
    """The dot product with the first vector conjugated; of real vectors it is `dot`.

    Raises:
        RuntimeError: an operand that is no vector, different lengths or dtypes.

    >>> pb.vdot(pb.tensor([2., 3.]), pb.tensor([2., 1.]))
    tensor(7.)
    """


@operator(aliases=("ger",))
def outer(input, vec2, *, out=None):
    """Each element of the first vector times each of the second: shape (n, m). dtypes promote.

    Raises:
        RuntimeError: an operand that is no vector.

    >>> pb.outer(pb.tensor([1, 2]), pb.tensor([10, 20, 30]))
    tensor([[10, 20, 30],
            [20, 40, 60]])
    """
