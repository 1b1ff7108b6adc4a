"""Functions of matrices: powers, exponentials, products, and systems of tensors."""

from math import prod

from .. import _core
from ..operators.declare import FUNCTIONS, composed
from ..operators.joining import cat
from ..operators.products import matmul as product
from ..operators.stated import decomposition
from .checks import KERNELS, floats, one_dtype, squares
from .solving import inv, solve
from .triangular import eye_like

diagonal_of = FUNCTIONS["diagonal"]


@decomposition("A -> E", node="LinalgMatrixExpBackward0")
class matrix_exp:
    """The derivative in a direction is a block of an exponential of twice the size: exp [[A, dA], [0, A]].

    R. Mathias, "A chain rule for matrix functions and applications", SIAM J. Matrix Anal. Appl. 17, 1996.
    """

    def pullback(A, dE):
        return corner(A.mT, dE)

    def pushforward(A, dA):
        return corner(A, dA)


def corner(A, dA):
    """How the exponential of A changes along dA. It is linear in dA, which is made as small as A is first: otherwise it
    would decide how often A is halved, and digits of A would be lost."""
    n = A.shape[-1]
    scale = dA.detach().abs().sum((-2, -1), keepdim=True) / (A.detach().abs().sum((-2, -1), keepdim=True) + 1)
    scale = scale.masked_fill((scale == 0) | ~scale.isfinite(), 1.0)
    upper = cat([A, dA / scale], -1)
    lower = cat([A * 0, A], -1)
    return matrix_exp(cat([upper, lower], -2))[..., :n, n:] * scale


@composed(name="linalg.matrix_exp", method=False)
def linalg_matrix_exp(input):
    """The exponential of a square matrix, I + A + A A / 2 + ..., or of each of a batch.

    Raises:
        RuntimeError: no square matrices, integers.

    Example:
        >>> pb.linalg.matrix_exp(pb.tensor([[0., 1.], [0., 0.]]))
        tensor([[1., 1.],
                [0., 1.]])
    """
    squares("linalg.matrix_exp", input)
    if input.is_floating_point() and input.dtype not in KERNELS:
        return matrix_exp(input.float()).to(input.dtype)  # a half, rounded once
    floats("linalg.matrix_exp", input)
    return matrix_exp(input)


@composed(name="matrix_exp")
def old_matrix_exp(input):
    """The exponential of a square matrix, as `linalg.matrix_exp`.

    Raises:
        RuntimeError: no square matrices, integers.

    Example:
        >>> pb.matrix_exp(pb.zeros(1, 1))
        tensor([[1.]])
    """
    return linalg_matrix_exp(input)


@composed(name="linalg.matrix_power", method="matrix_power", aliases=("matrix_power",), out="exact")
def matrix_power(input, n, *, out=None):
    """The product of n times the same square matrix; of its inverse where n is negative, the identity where it is 0.

    It takes as many products as the binary digits of n ask for.

    Raises:
        TypeError: an n that is no integer.
        RuntimeError: no square matrices; a singular one and a negative n.

    Example:
        >>> pb.linalg.matrix_power(pb.tensor([[1., 1.], [0., 1.]]), 10)
        tensor([[ 1., 10.],
                [ 0.,  1.]])
    """
    if not hasattr(n, "__index__") or isinstance(n, _core.Tensor):
        raise TypeError(
            f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}"
        )
    squares("linalg.matrix_power", input)
    n = n.__index__()
    if n == 0:
        return input.clone().fill_(0) + eye_like(input)
    base, n = (inv(input), -n) if n < 0 else (input, n)
    found = None
    while n:
        if n & 1:
            found = base if found is None else found @ base
        n >>= 1
        if n:
            base = base @ base
    return found.clone() if found is input else found


@composed(name="linalg.cross", method=False, out="exact", kinds={"other": "T"}, node="LinalgCrossBackward0")
def linalg_cross(input, other, *, dim=-1, out=None):
    """The cross product of vectors of three elements along `dim`; the other dimensions broadcast.

    Raises:
        RuntimeError: another size than 3, different numbers of dimensions, shapes that do not broadcast.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.linalg.cross(pb.tensor([1., 0., 0.]), pb.tensor([0., 1., 0.]))
        tensor([0., 0., 1.])
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    a, b = input.size(dim), other.size(dim)
    if a != 3 or b != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {a} and {b}")
    return input.roll(-1, dim) * other.roll(-2, dim) - input.roll(-2, dim) * other.roll(-1, dim)


@composed(out="exact", kinds={"other": "T"})
def cross(input, other, dim=None, *, out=None):
    """`linalg.cross` along `dim`, or along the first dimension of three elements.

    Raises:
        RuntimeError: no dimension of three elements, different numbers of dimensions, shapes that do not broadcast.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.cross(pb.tensor([1., 0., 0.]), pb.tensor([0., 1., 0.]))
        tensor([0., 0., 1.])
    """
    if dim is None:
        threes = [d for d, size in enumerate(input.shape) if size == 3]
        if not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0]
    return linalg_cross(input, other, dim=dim)


def powers(x, count):
    """1, x, x * x, ... along a new last dimension."""
    if not count:
        return x[..., None][..., :0]
    ones = x.clone().fill_(1)[..., None]
    if count == 1:
        return ones
    products = x[..., None].expand((*x.shape, count - 1)).cumprod(-1)
    return cat([ones.to(products.dtype), products], -1)


@composed(name="linalg.vander", method=False)
def linalg_vander(x, *, N=None):
    """Vandermonde's matrix: the powers of x from 0 to N - 1, along a new last dimension. N is the size of x if not given.

    Raises:
        RuntimeError: an N below 2.

    Example:
        >>> pb.linalg.vander(pb.tensor([1., 2., 3.]))
        tensor([[1., 1., 1.],
                [1., 2., 4.],
                [1., 3., 9.]])
    """
    n = (x.shape[-1] if x.ndim else 1) if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers(x, n)


@composed(method=False)
def vander(x, N=None, increasing=False):
    """Vandermonde's matrix of a vector, with the highest power first unless `increasing`.

    Raises:
        RuntimeError: no vector, a negative N.

    Example:
        >>> pb.vander(pb.tensor([1., 2., 3.]))
        tensor([[1., 1., 1.],
                [4., 2., 1.],
                [9., 3., 1.]])
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if not n and not (x.is_floating_point() or x.is_complex()):
        x = x.long()
    found = powers(x, n)
    return found if increasing else found.flip(-1)


@composed(name="linalg.tensorinv", method=False)
def tensorinv(input, ind=2, *, out=None):
    """The inverse of a tensor as a map from its last dimensions to its first `ind` ones.

    Raises:
        LinAlgError: it is singular.
        RuntimeError: an `ind` that is not positive, sizes whose products differ.

    Example:
        >>> A = pb.eye(4).reshape(2, 2, 4)
        >>> pb.linalg.tensorinv(A).shape
        pullback.Size([4, 2, 2])
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    if prod(first) != prod(last):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{prod(last)} != {prod(first)}"
        )
    return inv(input.reshape(prod(last), prod(last))).reshape(last + first)


@composed(name="linalg.tensorsolve", method=False, kinds={"other": "T"})
def tensorsolve(input, other, dims=None, *, out=None):
    """The X for which `tensordot(input, X, X.ndim)` is `other`; `dims` of `input` are moved to its end before.

    Raises:
        LinAlgError: it is singular.
        RuntimeError: sizes whose products differ, different dtypes.

    Example:
        >>> pb.linalg.tensorsolve(pb.eye(4).reshape(2, 2, 4), pb.ones(2, 2))
        tensor([1., 1., 1., 1.])
    """
    A = input
    if dims is not None:
        dims = [dims] if isinstance(dims, int) else list(dims)
        A = A.movedim(dims, list(range(A.ndim - len(dims), A.ndim)))
    last = tuple(A.shape[other.ndim :])
    if prod(last) != prod(other.shape):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but "
            f"got {prod(last)} != {other.numel()}"
        )
    size = prod(last)
    return solve(A.reshape(size, size), other.reshape(-1)).reshape(last)


@composed(name="linalg.vecdot", method=False, out="exact")
def vecdot(x, y, *, dim=-1, out=None):
    """The dot products of vectors along `dim`; the other dimensions broadcast.

    Raises:
        RuntimeError: shapes that do not broadcast, different dtypes, integers.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.linalg.vecdot(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 10.]))
        tensor([21., 43.])
    """
    if not x.is_floating_point():
        floats("linalg.vecdot", x)
    one_dtype("linalg.vecdot", x=x, y=y)
    return (x.conj() * y).sum(dim)


@composed(name="linalg.diagonal", method=False)
def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of matrices, a view; `offset` counts diagonals above it.

    Raises:
        IndexError: dimensions out of range.
        RuntimeError: one dimension twice.

    Example:
        >>> pb.linalg.diagonal(pb.tensor([[1., 2.], [3., 4.]]))
        tensor([1., 4.])
    """
    return diagonal_of(A, offset, dim1, dim2)


@composed(name="linalg.matmul", method=False, out="exact")
def matmul(input, other, *, out=None):
    """The product of two tensors, as `matmul`.

    Raises:
        RuntimeError: a 0-d operand, shapes that do not fit, different dtypes.

    Example:
        >>> pb.linalg.matmul(pb.ones(1, 2), pb.ones(2, 1))
        tensor([[2.]])
    """
    return product(input, other)
