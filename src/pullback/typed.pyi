"""Types of `pullback.typed`."""

from typing import Any

from . import Tensor
from ._core import dtype as _dtype_class

__all__: list[str]

class tensortype(type):
    dtype: _dtype_class
    def __call__(cls, *args: Any, device: Any = ...) -> Tensor: ...
    def __instancecheck__(cls, instance: object) -> bool: ...

BFloat16Tensor: tensortype
BoolTensor: tensortype
ByteTensor: tensortype
CharTensor: tensortype
DoubleTensor: tensortype
FloatTensor: tensortype
HalfTensor: tensortype
IntTensor: tensortype
LongTensor: tensortype
ShortTensor: tensortype

def set_default_tensor_type(t: Any, /) -> None: ...
