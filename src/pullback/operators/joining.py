"""Joining tensors, and grids of them."""

import itertools
import warnings

from .. import _core
from .._core import int64
from .creation import tensor, zeros
from .declare import FUNCTIONS, composed, operator, require_each


@operator(method=False, aliases=("concat", "concatenate"), out="join")
def cat(tensors, dim=0, *, out=None):
    """The tensors one after the other along `dim`; all other sizes are equal, dtypes promote.

    One-dimensional tensors without elements are passed over, whatever the others' shape. Raises RuntimeError
    if sizes differ, and for scalars; ValueError for an empty list.

    Example:
        >>> pb.cat([pb.tensor([1, 2]), pb.tensor([3])])
        tensor([1, 2, 3])
    """


@operator(method=False, out="join")
def stack(tensors, dim=0, *, out=None):
    """The tensors, all of one shape, along a new dimension `dim`.

    The result has their common dtype. Raises RuntimeError for different shapes and for no tensors, IndexError for a
    `dim` out of range.

    Example:
        >>> pb.stack([pb.tensor([1, 2]), pb.tensor([3, 4])], dim=1)
        tensor([[1, 3],
                [2, 4]])
    """


@operator(method=False)
def constant_pad_nd(input, pad, value=0):
    """`input` with `value` around it: `pad` has pairs (before, after), the last dimension's first.

    Negative numbers cut off. `nn.functional.pad` has other modes. Raises RuntimeError for an odd number of
    sizes, for more pairs than dimensions, and where more is cut off than there is.

    Example:
        >>> pb.constant_pad_nd(pb.tensor([[1, 2], [3, 4]]), (1, 0, -1, 1), 9)
        tensor([[9, 3, 4],
                [9, 9, 9]])
    """


@operator(method=False, out="join")
def hstack(tensors, *, out=None):
    """Side by side: along dimension 1, or dimension 0 for vectors and scalars.

    The result has their common dtype. Raises RuntimeError for sizes that do not match and for no tensors.

    Example:
        >>> pb.hstack([pb.tensor([[1], [2]]), pb.tensor([[3], [4]])])
        tensor([[1, 3],
                [2, 4]])
    """


@operator(method=False, aliases=("row_stack",), out="join")
def vstack(tensors, *, out=None):
    """On top of each other: along dimension 0, vectors being rows.

    The result has their common dtype. Raises RuntimeError for sizes that do not match and for no tensors.

    Example:
        >>> pb.vstack([pb.tensor([1, 2]), pb.tensor([3, 4])])
        tensor([[1, 2],
                [3, 4]])
    """


@operator(method=False, out="join")
def dstack(tensors, *, out=None):
    """In depth: along dimension 2, after :func:`atleast_3d`.

    The result has their common dtype. Raises RuntimeError for sizes that do not match and for no tensors.

    Example:
        >>> pb.dstack([pb.tensor([1, 2]), pb.tensor([3, 4])])
        tensor([[[1, 3],
                 [2, 4]]])
    """


@operator(method=False, out="join")
def column_stack(tensors, *, out=None):
    """Side by side, vectors being columns.

    The result has their common dtype. Raises RuntimeError for sizes that do not match and for no tensors.

    Example:
        >>> pb.column_stack([pb.tensor([1, 2]), pb.tensor([[3, 4], [5, 6]])])
        tensor([[1, 3, 4],
                [2, 5, 6]])
    """


@composed(method=False)
def meshgrid(*tensors, indexing=None):
    """Coordinates of a grid: for vectors of sizes n and m, two tensors of shape (n, m), without copying.

    With `indexing="xy"` the first two dimensions are exchanged, as in pictures. Leaving `indexing` out means
    "ij" and warns. Raises RuntimeError for tensors of more than one dimension or different dtypes.

    Example:
        >>> pb.meshgrid(pb.tensor([1, 2]), pb.tensor([3, 4, 5]), indexing="ij")[1]
        tensor([[3, 4, 5],
                [3, 4, 5]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    require_each(tensors)
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument. "
            'Pass indexing="ij" to keep this result.',
            stacklevel=2,
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for each in tensors:
        if each.dtype != tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
        if each.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {each}")
    exchange = indexing == "xy" and len(tensors) > 1
    if exchange:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = [each.numel() for each in tensors]
    grids = [
        each.view([size if d == i else 1 for d in range(len(shape))]).expand(shape)
        for i, (each, size) in enumerate(zip(tensors, shape))
    ]
    if exchange:
        grids[:2] = grids[1], grids[0]
    return tuple(grids)


@composed(method=False)
def cartesian_prod(*tensors):
    """Every combination of one element from each vector, as the rows of a matrix; of one vector, itself.

    Raises RuntimeError for what has more or fewer dimensions than one.

    Example:
        >>> pb.cartesian_prod(pb.tensor([1, 2]), pb.tensor([3, 4]))
        tensor([[1, 3],
                [1, 4],
                [2, 3],
                [2, 4]])
    """
    require_each(tensors)
    for each in tensors:
        if each.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([each.flatten() for each in meshgrid(*tensors, indexing="ij")], 1)


@composed(method=False)
def block_diag(*tensors):
    """A matrix with the tensors along its diagonal and zeros elsewhere; vectors are rows, scalars 1 by 1.

    The result has their common dtype. Raises RuntimeError for more than two dimensions.

    Example:
        >>> pb.block_diag(pb.tensor([[1, 2]]), pb.tensor(3))
        tensor([[1, 2, 0],
                [0, 0, 3]])
    """
    require_each(tensors)
    for i, each in enumerate(tensors):
        if each.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {each.ndim} dimensions"
            )
    if not tensors:
        return zeros(1, 0)
    wide = next((each for each in tensors if each.ndim), None)
    if wide is not None:  # numbers give way to what has dimensions
        result_type = FUNCTIONS["result_type"]
        tensors = [each if each.ndim else each.to(result_type(wide, each)) for each in tensors]
    blocks = [each.reshape(1, -1) if each.ndim < 2 else each for each in tensors]
    width, before, rows = sum(each.shape[1] for each in blocks), 0, []
    for each in blocks:
        height, columns = each.shape
        left = zeros(height, before, dtype=each.dtype)
        right = zeros(height, width - before - columns, dtype=each.dtype)
        rows.append(cat([left, each, right], 1))
        before += columns
    return _core.name_last_step(cat(rows, 0), "BlockDiagBackward0")


@composed(method=True, node="StackBackward0")
def combinations(input, r=2, with_replacement=False):
    """Every choice of `r` elements of a vector, in order, as the rows of a matrix.

    The dtype stays. Raises RuntimeError for what is no vector, and for a negative `r`.

    Example:
        >>> pb.combinations(pb.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return zeros(0, dtype=input.dtype)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = [i for row in choose(range(input.numel()), r) for i in row]
    return input[tensor(chosen, dtype=int64)].view(-1, r) if chosen else input[:0].reshape(0, r)
