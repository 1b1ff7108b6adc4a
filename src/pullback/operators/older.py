"""The older constructors of PyTorch's, where sizes give uninitialised memory and a sequence its values.

They are behind `pullback.Tensor(...)`, `FloatTensor(...)` and `x.new(...)`. `x.set_(...)` is of their time, too.
"""

from .. import _core
from ..size import Size
from .copies import flat_storage, make_subclass, over_storage
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
            if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
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


@composed(public=False, kinds={"source": " "})
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Let a tensor be another's: from now on it has the memory, shape and strides of `source`, or none without it.

    With a `size` it is a window on the memory of a contiguous `source`. It is for optimisers, under `no_grad`: nothing of it
    is recorded, and what was saved from the tensor keeps the old memory.

    Raises RuntimeError for another dtype, where something requires grad and is recorded or carries a tangent, and for a
    window that is larger than the memory; TypeError where `source` is no tensor.

    Example:
        >>> x, y = pb.zeros(2), pb.ones(3)
        >>> x.set_(y)
        tensor([1., 1., 1.])
        >>> x.data_ptr() == y.data_ptr()
        True
    """
    if source is not None and not isinstance(source, _core.Tensor):
        raise TypeError(
            f"set_() received an invalid combination of arguments - got ({type(source).__name__})"
        )
    source = empty(0, dtype=self.dtype) if source is None else source
    if source.dtype is not self.dtype:
        raise RuntimeError(f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}")
    if _core.is_grad_enabled() and (self.requires_grad or source.requires_grad):
        what = (
            "a leaf Variable that requires grad"
            if self.requires_grad and self.is_leaf
            else "What requires grad"
        )
        raise RuntimeError(
            f"{what} is being used in an in-place operation. set_ is not differentiable: write it under pullback.no_grad()."
        )
    if _core.tangents(self) or _core.tangents(source):
        raise RuntimeError("set_ is not differentiable: a tensor that carries a tangent has no part in it.")
    if size is not None:
        if not source.is_contiguous():
            raise RuntimeError("passed in tensor to be used as storage must be contiguous")
        stride = empty(size, dtype=self.dtype).stride() if stride is None else stride
        source = over_storage(flat_storage(source), tuple(size), tuple(stride), storage_offset)
    self.data = source
    return self
