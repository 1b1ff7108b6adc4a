"""Norms of matrices, and numbers of condition."""

from math import inf as infinity

from .. import _core
from ..operators.declare import FUNCTIONS, composed, dimension, dimensions
from .checks import floats, matrices
from .decomposing import singular_values
from .solving import inverted

vector_norm = FUNCTIONS["linalg.vector_norm"]


@composed(name="linalg.matrix_norm", method=False, out="exact")
def matrix_norm(input, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """The norm of matrices along two dimensions, rows and columns.

    "fro" is the root of the sum of squares, "nuc" the sum of singular values, 2 and -2 the largest and the smallest of
    them, 1 and -1 the largest and the smallest sum of sizes down a column, inf and -inf along a row.

    Raises:
        RuntimeError: no matrices, integers, another order, the same dimension twice.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.linalg.matrix_norm(pb.tensor([[3., 0.], [0., 4.]]), "nuc")
        tensor(7.)
    """
    A, operation = input, "linalg.matrix_norm"
    spectral = ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2)
    if spectral or not (A.is_floating_point() or A.is_complex()):
        floats(operation, A)
    matrices(operation, A)
    dims = dimensions(dim)
    if len(dims) != 2:
        raise RuntimeError(f"{operation}: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    if dtype is not None:
        _core.check_norm_dtype(operation, A, dtype)
        A = A.to(dtype)
    rows, columns = (dimension(A, d) for d in dims)
    if rows == columns:
        raise RuntimeError(f"{operation}: dims must be different. Got ({dims[0]}, {dims[1]})")
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if spectral:
        S = singular_values(A.movedim((rows, columns), (-2, -1)))
        found = S.sum(-1) if ord == "nuc" else extreme(S, -1, ord > 0)
        return found.unsqueeze(-1).unsqueeze(-1).movedim((-2, -1), (rows, columns)) if keepdim else found
    if isinstance(ord, str) or abs(ord) not in (1, infinity):
        raise RuntimeError(f"{operation}: Order {ord} not supported.")
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    found = extreme(A.abs().sum(summed, keepdim=True), other, ord > 0, keepdim=True)
    return found if keepdim else found.squeeze((rows, columns))


def nuclear_of(input, dims, keepdim, dtype):
    """What `norm` of the order "nuc" is: the core calls it (python/bind/reduce.cpp)."""
    return matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)


def extreme(x, dim, largest, keepdim=False):
    """The largest or the smallest element; 0 where there is none."""
    if not x.shape[dim]:
        return x.sum(dim, keepdim=keepdim)
    return x.amax(dim, keepdim) if largest else x.amin(dim, keepdim)


@composed(name="linalg.norm", method=False, out="exact")
def norm(input, ord=None, dim=None, keepdim=False, *, dtype=None, out=None):
    """The norm of vectors along one dimension, `linalg.vector_norm`, or of matrices along two, `linalg.matrix_norm`.

    Without an `ord` it is the root of the sum of squares along `dim`, or of everything. Without a `dim` the input itself is a
    vector or a matrix.

    Raises:
        RuntimeError: an order without a `dim` for other than vectors and matrices; what both norms raise.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.linalg.norm(pb.tensor([3., 4.])), pb.linalg.norm(pb.tensor([[3., 4.], [0., 0.]]), 1)
        (tensor(5.), tensor(4.))
    """
    dims = None if dim is None else dimensions(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {dims}")
    if ord is None:
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if dims is None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
        )
    if isinstance(ord, str) or len(dims or input.shape) == 2:
        return matrix_norm(input, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, ord, dims, keepdim, dtype=dtype)


@composed(name="linalg.cond", method=False)
def cond(input, p=None, *, out=None):
    """The number of condition: the norm of a matrix times that of its inverse; by default that of order 2.

    Of order 2 and -2 it is a quotient of singular values, of any matrices. In other norms a singular matrix has inf.

    Raises:
        RuntimeError: no matrices, integers, another order; no square matrices for an order other than 2 and -2.

    Example:
        >>> pb.linalg.cond(pb.tensor([[1., 0.], [0., 4.]]))
        tensor(4.)
    """
    matrices("linalg.cond", input, "")
    if p is None or p in (2, -2):
        floats("linalg.svd", input, "linalg_svd_cpu")
        S = singular_values(input)
        if not S.shape[-1]:
            return S.sum(-1)
        return S[..., 0] / S[..., -1] if p != -2 else S[..., -1] / S[..., 0]
    if p not in ("fro", "nuc", 1, -1, infinity, -infinity):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    m, n = input.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are {m} by {n} matrices"
        )
    if not n:
        return input.sum((-2, -1))
    floats("linalg.inv", input)
    inverse, info = inverted(input)
    inverse = inverse.masked_fill((info != 0)[..., None, None], infinity)
    return matrix_norm(input, p) * matrix_norm(inverse, p)


@composed(method=False, out="exact", kinds={"dim": " "})
def nuclear_norm(input, dim=(-2, -1), keepdim=False, *, out=None):
    """The sum of singular values of matrices, along two dimensions: `linalg.matrix_norm` of order "nuc".

    The second argument may be `keepdim`. Raises as `linalg.matrix_norm` does.

    Example:
        >>> pb.nuclear_norm(pb.tensor([[3.0, 0.0], [0.0, 4.0]]))
        tensor(7.)
    """
    if isinstance(dim, bool):
        dim, keepdim = (-2, -1), dim
    return matrix_norm(input, "nuc", dim, keepdim)


@composed(method=False, out="exact")
def frobenius_norm(input, dim, keepdim=False, *, out=None):
    """The root of the sum of squares along one dimension or two, or over everything where `dim` is empty.

    Raises RuntimeError for more dimensions, and as `linalg.vector_norm` does.

    Example:
        >>> pb.frobenius_norm(pb.tensor([[3.0, 0.0], [0.0, 4.0]]), (0, 1))
        tensor(5.)
    """
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {input.dtype._legacy_name} instead: x.float() "
            "first."
        )
    dims = dimensions(dim)
    if len(dims) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead.")
    return vector_norm(input, 2, dims or None, keepdim)
