"""`make_tensor`: operands drawn for a dtype, in a range, strided or not."""

import collections.abc
import math
import warnings

from .. import _core
from ..dtypes import finfo, iinfo
from ..operators.creation import empty
from ..operators.random import randint


def make_tensor(
    *shape,
    dtype,
    device,
    low=None,
    high=None,
    requires_grad=False,
    noncontiguous=False,
    exclude_zero=False,
    memory_format=None,
):
    """A tensor of random values, uniform in ``[low, high)``; PyTorch's numbers for the same seed.

    Args:
        shape: its sizes, or a sequence of them.
        dtype: the dtype, one with kernels.
        device: the CPU.
        low, high: the range, as far as the dtype reaches: -9 to 9 for floating dtypes, to 10 for integers, from 0 for
            unsigned ones, all of bool.
        requires_grad: whether gradients are recorded, of a floating dtype.
        noncontiguous: every other element of a larger tensor; needs two elements.
        exclude_zero: 1, or the smallest normal number, in place of each 0.
        memory_format: as of `clone`.

    Raises:
        ValueError: for an empty range or NaN in it, for integers that require grad, and for both `noncontiguous` and
            `memory_format`.
        TypeError: for a dtype without kernels.

    Example:
        >>> seed = pb.manual_seed(0)
        >>> pb.testing.make_tensor((2, 2), dtype=pb.float32, device="cpu", low=-1, high=1)
        tensor([[-0.0075,  0.5364],
                [-0.8230, -0.7359]])
    """
    if len(shape) == 1 and isinstance(shape[0], collections.abc.Sequence):
        (shape,) = shape
    shape = tuple(shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}. Leave one out."
        )
    whole = isinstance(dtype, _core.dtype) and not (dtype.is_floating_point or dtype.is_complex)
    if requires_grad and whole:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}. Gradients are of "
            "floating numbers."
        )
    if not isinstance(dtype, _core.dtype) or not dtype._supported:
        raise TypeError(
            f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor(). Kernels exist for "
            f"{_core.supported_dtypes}."
        )
    noncontiguous = noncontiguous and math.prod(shape) > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if noncontiguous else shape
    low, high = _range(dtype, low, high, whole)
    if whole:
        made = randint(math.ceil(low), math.ceil(high), drawn, device=device, dtype=dtype)
    else:
        made = empty(drawn, device=device, dtype=dtype)
        _draw(made.view(_part(dtype)) if dtype.is_complex else made, low, high)
    if noncontiguous:
        made = made[..., 1::2]  # the first is left out, so that offsets are seen, too
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        made[made == 0] = 1 if whole else finfo(dtype).tiny
    return made if whole else _core.require_grad(made, requires_grad)


def _part(dtype):
    """The dtype of the parts of a complex one."""
    return getattr(_core, finfo(dtype).dtype)


def _draw(made, low, high):
    if high - low >= finfo(made.dtype).max:  # wider than the dtype: halves, doubled
        made.uniform_(low / 2, high / 2).mul_(2)
    else:
        made.uniform_(low, high)


def _range(dtype, low, high, whole):
    if dtype is _core.bool:
        least, most, first, last = 0, 2, 0, 2
    elif whole:
        limits = iinfo(dtype)
        least, most, first, last = limits.min, limits.max + (dtype is not _core.int64), -9, 10
    else:
        limits = finfo(dtype)
        least, most, first, last = limits.min, limits.max, -9, 9
    low, high = first if low is None else low, last if high is None else high
    if any(isinstance(each, float) and math.isnan(each) for each in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and not whole:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and "
            "will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports "
            f"[{least}, {most})"
        )
    return min(max(low, least), most), min(max(high, least), most)
