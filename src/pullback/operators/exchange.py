"""Between tensors and what is not: Python numbers and lists, NumPy, and other libraries' arrays."""

import builtins

from .. import _core
from ..device import check_device
from .creation import tensor
from .declare import METHODS, composed, operator


@operator(public=False)
def item(input):
    """The Python number of a tensor with one element.

    Raises RuntimeError for other numbers of elements.

    Example:
        >>> pb.tensor([2.5]).item()
        2.5
    """


@operator(public=False)
def tolist(input):
    """Nested lists of Python numbers; a number for a 0-d tensor.

    Example:
        >>> pb.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
    """


@composed(public=False)
def numpy(self, *, force=False):
    """A NumPy array over the same memory: what one writes, the other sees.

    Raises RuntimeError for a tensor that requires grad, unless ``force=True``, which detaches it, or inside a rule of
    an `autograd.Function`, where nothing is recorded; TypeError for bfloat16 and complex32, which NumPy does not have.

    Example:
        >>> x = pb.zeros(2)
        >>> x.numpy()[0] = 7
        >>> x
        tensor([7., 0.])
    """
    import numpy as np

    if not isinstance(force, builtins.bool):
        raise TypeError(f"numpy(): argument 'force' must be bool, not {type(force).__name__}")
    if self.requires_grad:
        if not force and not _core.in_quiet_function():
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead. An "
                "array would leave the graph: what is computed from it has no gradient."
            )
        self = self.detach()
    if not self.dtype._format:
        wider = "cfloat" if self.dtype.is_complex else "float"
        raise TypeError(
            f"Got unsupported ScalarType {self.dtype._legacy_name}: NumPy has no such numbers. x.{wider}().numpy() has the "
            "same values."
        )
    return np.asarray(_core.memory_of(self))


def _array(self, dtype=None, copy=None):
    import numpy as np

    return np.array(numpy(self), dtype=dtype, copy=copy)


def _array_wrap(self, array, context=None, return_scalar=False):
    return _core.from_buffer(array) if array.flags.writeable and array.flags.aligned else tensor(array)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    array = numpy(self)
    if copy:
        array = array.copy()
    return array.__dlpack__()


def _dlpack_device(self):
    return 1, 0  # the CPU's code in DLPack


@composed(method=False)
def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor over the memory of another library's array, through the DLPack protocol.

    `device` is the CPU, where all tensors live. The memory is shared unless `copy` is True; where it is False and the
    memory cannot be shared, the other library says so.

    Raises AssertionError for another device, as PyTorch does where it has no other.

    Example:
        >>> pb.from_dlpack(np.ones(2))
        tensor([1., 1.], dtype=pullback.float64)
    """
    import numpy as np

    if device is not None:
        check_device(device)
    if not hasattr(ext_tensor, "__dlpack__"):  # a capsule, as `to_dlpack` and older libraries give it
        ext_tensor = _Capsule(ext_tensor)
    shared = _core.from_buffer(np.from_dlpack(ext_tensor))
    return shared.clone() if copy else shared


class _Capsule:
    """An array that is asked for a capsule, and has it."""

    def __init__(self, capsule):
        if type(capsule).__name__ != "PyCapsule":
            raise AttributeError(f"{type(capsule).__name__!r} object has no attribute '__dlpack__'")
        self.capsule = capsule

    def __dlpack__(self, **options):
        return self.capsule

    def __dlpack_device__(self):
        return (1, 0)


METHODS.update(
    __array__=_array,
    __array_wrap__=_array_wrap,
    __array_priority__=1000,
    __dlpack__=_dlpack,
    __dlpack_device__=_dlpack_device,
)
