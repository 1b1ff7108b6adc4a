"""`range`, which older programs use for `arange`."""

import math
import warnings

from .. import _core
from ..operators.creation import arange
from ..operators.declare import FUNCTIONS


def range(
    start,
    end=None,
    step=1,
    *,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Numbers from `start` to `end`, which is among them where a step meets it. `arange` is the function to use.

    Dtype: the default floating dtype, unless `dtype` says another.
    Raises TypeError without an end, RuntimeError for a step of 0 or one that leads away from the end.

    Example:
        >>> pb.range(0, 3)
        tensor([0., 1., 2., 3.])
    """
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    warnings.warn(
        "pullback.range is deprecated, as torch.range is: its end is among the numbers, unlike that of Python's range and of "
        "pullback.arange.",
        stacklevel=2,
    )
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign. From {start} to {end} no step of {step} leads."
        )
    count = math.floor((end - start) / step) + 1
    places = arange(count, dtype=_core.float64) * step + start
    made = _core.require_grad(places.to(dtype or _core.get_default_dtype()), requires_grad)
    return made if out is None else out.resize_(made.shape).copy_(made)


FUNCTIONS["range"] = range
