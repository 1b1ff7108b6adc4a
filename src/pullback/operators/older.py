"""The older constructors of PyTorch's, where sizes give uninitialised memory and a sequence its values.

They are behind `pullback.Tensor(...)`, `FloatTensor(...)` and `x.new(...)`.
"""

from .. import _core
from ..size import Size
from .copies import make_subclass
from .creation import empty, tensor
from .declare import composed


def of_type(dtype, args, device=None):
    """What an older constructor makes of its arguments; without a dtype it is the default, or that of a tensor."""
    if not args:
        return empty(0, dtype=dtype, device=device)
    data = args[0]
    if len(args) == 1 and not isinstance(data, Size):
        if isinstance(data, _core.Tensor):
            if dtype is not None and data.dtype is not dtype:
                raise TypeError(
                    f"expected a tensor of {dtype}, not of {data.dtype}: x.to({dtype}) converts one."
                )
            return make_subclass(_core.Tensor, data)
        if not isinstance(data, int) or isinstance(data, bool):
            if isinstance(data, str):
                raise TypeError("new(): invalid data type 'str'. Tensors hold numbers.")
            if not hasattr(data, "__len__"):
                raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
            return tensor(data, dtype=dtype or _core.get_default_dtype(), device=device)
    return empty(*args, dtype=dtype, device=device)


@composed(public=False)
def new(self, *args, device=None):
    """A tensor of the same dtype, by the older constructor: of a size, uninitialised, or of a sequence's values.

    `new_empty` and `new_tensor` say which. Raises TypeError for data that is no sequence, and for a tensor of another
    dtype.

    Example:
        >>> pb.zeros(2, dtype=pb.int64).new([1, 2])
        tensor([1, 2])
    """
    return of_type(self.dtype, args, device)
