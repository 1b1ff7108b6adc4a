"""``pb.Tensor(...)``: PyTorch's legacy constructor, for scripts that still use it.

``Tensor(2, 3)`` is uninitialised memory of that size, ``Tensor([2, 3])`` holds these numbers in the default
dtype. `pullback.tensor` is the constructor to use.
"""

from . import _core
from .operators.copies import make_subclass
from .operators.creation import empty, tensor
from .size import Size

__all__ = ["legacy_tensor"]


def legacy_tensor(*args, device=None):
    """What ``pb.Tensor(*args)`` makes.

    Raises TypeError for data that is no sequence.

    Example:
        >>> pb.Tensor([1, 2])
        tensor([1., 2.])
        >>> pb.Tensor(2, 3).shape
        pullback.Size([2, 3])
    """
    if not args:
        return empty(0, device=device)
    data = args[0]
    if len(args) == 1 and not isinstance(data, Size):
        if isinstance(data, _core.Tensor):
            return make_subclass(_core.Tensor, data)
        if not isinstance(data, int) or isinstance(data, bool):
            if isinstance(data, str):
                raise TypeError("new(): invalid data type 'str'. Tensors hold numbers.")
            if not hasattr(data, "__len__"):
                raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
            return tensor(data, dtype=_core.get_default_dtype(), device=device)
    return empty(*args, device=device)
