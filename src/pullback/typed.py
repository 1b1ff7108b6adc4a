"""`FloatTensor`, `LongTensor` and their kin: the older constructors, one for each dtype, and classes to ask with.

``FloatTensor(2, 3)`` is uninitialised memory of that size, ``FloatTensor([2, 3])`` holds these numbers. `pullback.tensor`
with a dtype is the constructor to use, and `x.dtype` what to ask.
"""

import warnings

from . import _core
from .dtypes import NAMES
from .operators.older import of_type

__all__ = ["set_default_tensor_type", "tensortype"]


class tensortype(type):
    """What `FloatTensor` and the others are: each makes tensors of its dtype, and says whether a tensor is of it.

    Raises TypeError for tensors of another dtype, and for data that is no sequence.

    Example:
        >>> pb.LongTensor([1, 2])
        tensor([1, 2])
        >>> isinstance(pb.zeros(2), pb.FloatTensor), isinstance(pb.zeros(2), pb.LongTensor)
        (True, False)
    """

    dtype: _core.dtype

    def __call__(cls, *args, device=None):
        return of_type(cls.dtype, args, device)

    def __instancecheck__(cls, instance):
        return isinstance(instance, _core.Tensor) and instance.dtype is cls.dtype


def _page(name, dtype):
    return f"""The older constructor of tensors of {dtype}: sizes give uninitialised memory, a sequence its values.

    Raises TypeError for tensors of another dtype, and for data that is no sequence.

    Example:
        >>> pb.{name}.dtype
        {dtype}
    """


# Complex numbers, and what came later, have none.
_TYPED = {each for each in NAMES.values() if not each.is_complex and (each.is_signed or each.itemsize == 1)}
for _dtype in sorted(_TYPED, key=lambda each: each._code):
    _name = f"{_dtype._legacy_name}Tensor"
    globals()[_name] = tensortype(
        _name, (), {"dtype": _dtype, "__doc__": _page(_name, _dtype), "__module__": "pullback"}
    )
    __all__.append(_name)


def set_default_tensor_type(t, /):
    """The older form of `set_default_dtype`: `t` is a class as `DoubleTensor`, or its name.

    Raises TypeError for a type whose numbers are not in floating point, and for what is no type.

    Example:
        >>> pb.set_default_tensor_type(pb.FloatTensor)
        >>> pb.get_default_dtype()
        pullback.float32
    """
    warnings.warn(
        "pullback.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use pullback.set_default_dtype() and "
        "pullback.set_default_device() as alternatives.",
        stacklevel=2,
    )
    found = globals().get(t.rpartition(".")[2]) if isinstance(t, str) else t
    if not isinstance(found, tensortype):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not found.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _core.set_default_dtype(found.dtype)
