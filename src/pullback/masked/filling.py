"""What takes the place of elements that do not count: the identity of a reduction, which changes no result.

Elements are chosen by `where`, whose derivative is zero for what is left out, whatever stands there.
"""

from .. import _core
from ..dtypes import iinfo
from .tensor import is_masked_tensor, plain

INFINITY = float("inf")
SMALLEST = ("amax", "argmax", "logaddexp", "logsumexp")


def identity(operation, input, ord=2.0):
    """The number that `operation` takes without a difference; NotImplementedError where there is none."""
    dtype = input.dtype
    if operation in ("sum", "mean", "norm"):
        return INFINITY if operation == "norm" and ord == -INFINITY else 0
    if operation == "prod":
        return 1
    if operation == "median":
        return float("nan")
    largest = operation not in SMALLEST
    if dtype.is_floating_point or (dtype.is_complex and operation == "logsumexp"):
        return INFINITY if largest else -INFINITY
    if dtype.is_complex or dtype == _core.bool:
        raise NotImplementedError(
            f"identity of {operation} on {dtype} input: no number of that dtype is beyond all others."
        )
    return iinfo(dtype).max if largest else iinfo(dtype).min


def checked(input, mask):
    """The mask in bool, of the shape of the input."""
    if mask.ndim > input.ndim:
        raise IndexError(
            "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)"
        )
    return mask.to(_core.bool).expand(input.shape)


def read(input, mask):
    """(tensor, mask or None) of the arguments of a reduction: a MaskedTensor has its own."""
    if is_masked_tensor(input):
        return plain(input), input.get_mask()
    return input, None if mask is None else checked(input, mask)


def filled(operation, input, mask, ord=2.0):
    """The input, with the identity where it does not count."""
    return input if mask is None else input.where(mask, identity(operation, input, ord))


def dimensions(dim, ndim):
    """The dimensions of a reduction, in order: all where none are named."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim, found = max(ndim, 1), []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})"
            )
        found.append(d % ndim)
    return tuple(sorted(found))
