"""What a tensor can do that is no arithmetic: conversion to Python and NumPy, types, copies, questions
about itself.
"""

import builtins

from .. import _core
from ..device import CPU, check_device, device, keeps_strides, strided
from ..messages.missing import Absent
from .creation import empty_like, empty_strided, ones_like, tensor, zeros_like
from .declare import METHODS, composed, operator, require_tensors
from .variants import isclose

Tensor = _core.Tensor

# ---- out of the library: Python numbers, lists, NumPy ------------------------------------------------------


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
    an `autograd.Function`, where nothing is recorded.

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
    shared = _core.from_buffer(np.from_dlpack(ext_tensor))
    return shared.clone() if copy else shared


def _contains(self, element):
    if isinstance(element, Tensor | int | float | complex):
        return _core_any(self == element)
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


def _core_any(truth):
    return not equal(truth, zeros_like(truth))


def _reversed(self):
    return self if self.dim() == 0 else self.flip(0)


def _complex(self):
    return complex(item(self)) if self.numel() == 1 else float(self)


def _format(self, spec):
    if self.ndim == 0:
        return format(item(self), spec)
    return object.__format__(self, spec)


def _repr(self, *, tensor_contents=None):
    from ..printing import tensor_repr

    return tensor_repr(self)


def _dir(self):
    found = {}
    for kind in reversed(builtins.type(self).__mro__):
        found.update(vars(kind))
    return sorted(
        [name for name, value in found.items() if not isinstance(value, Absent)] + list(self.__dict__)
    )


# ---- types -------------------------------------------------------------------------------------------------


@operator(public=False, method=False)
def to_dtype(input, dtype, copy=False):
    """Another dtype."""


_KINDS = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "byte": "uint8",
    "char": "int8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "bool": "bool",
    "cfloat": "complex64",
    "cdouble": "complex128",
}


_NO_KERNEL = """ Raises NotImplementedError: it has no kernels yet.

    Example:
        >>> pb.tensor([1, 0]).{name}()
        Traceback (most recent call last):
            ...
        NotImplementedError: ...
    """


def _publish_conversions():
    for name, kind in _KINDS.items():

        def convert(input):
            pass

        convert.__name__ = name
        if getattr(_core, kind)._supported:
            shown = {"bool": "[True, False]"}.get(kind, "[1., 0.]" if "float" in kind else "[1, 0]")
            suffix = "" if kind in ("float32", "int64", "bool") else f", dtype=pullback.{kind}"
            shown = shown.replace("True", " True") if kind == "bool" else shown
            call = f"pb.tensor([1, 0]).{name}()"
            example = f"\n\n    Example:\n        >>> {call}\n        tensor({shown}{suffix})\n    "
        else:
            example = _NO_KERNEL.format(name=name)
        convert.__doc__ = f"The same values as {kind}; the tensor itself where it has that dtype.{example}"
        operator(public=False)(convert)


_publish_conversions()


@composed(public=False)
def to(self, *args, **kwargs):
    """The tensor in another dtype: itself where nothing changes, unless ``copy=True``.

    The shape stays, and gradients flow back through the conversion. The forms are PyTorch's, the flags those of each:

    - ``to(dtype, non_blocking=False, copy=False, *, memory_format=None)``
    - ``to(device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)``
    - ``to(other, non_blocking=False, copy=False, *, memory_format=None)``: as the tensor `other` is

    Raises AssertionError or RuntimeError for devices other than the CPU, NotImplementedError for dtypes without
    kernels, TypeError for arguments of no form.

    Example:
        >>> pb.tensor([1.7, -1.7]).to(pb.int64)
        tensor([ 1, -1])
    """
    dtype, copy = _parse_to(*args, **kwargs)
    return to_dtype(self, dtype, copy)


def _parse_to(*args, **kwargs):
    memory_format = kwargs.pop("memory_format", None)
    if memory_format is not None:
        keeps_strides(memory_format)
    names = ["dtype", "non_blocking", "copy"]
    if (args and isinstance(args[0], Tensor)) or "other" in kwargs:
        other = kwargs.pop("other", None) if "other" in kwargs else args[0]
        args = (other.dtype, *args[1:])
    elif args and (args[0] is None or isinstance(args[0], str | int | device)):
        if isinstance(args[0], str) and _core.as_dtype(args[0]) is not args[0]:
            args = (None, *args)  # the name of a dtype, not of a device
        if args[0] is not None:
            check_device(args[0])
        args = args[1:]
    elif kwargs.get("device") is not None:
        check_device(kwargs["device"])
    kwargs.pop("device", None)
    if len(args) > len(names):
        raise TypeError("to() received an invalid combination of arguments")
    given = dict(zip(names, args, strict=False))
    for name in kwargs:
        if name not in names or name in given:
            raise TypeError(
                f"to() received an invalid combination of arguments: unexpected keyword argument '{name}'"
            )
    given.update(kwargs)
    return given.get("dtype"), builtins.bool(given.get("copy", False))


@composed(public=False, name="type")
def type_(self, dtype=None, non_blocking=False, **kwargs):
    """Without an argument the name of the tensor's type, as PyTorch writes it; with one, a conversion to
    that dtype.

    Raises ValueError for a name that is no dtype's.

    Example:
        >>> pb.zeros(2).type()
        'pullback.FloatTensor'
        >>> pb.zeros(2).type(pb.int64).dtype
        pullback.int64
    """
    if dtype is None:
        return f"pullback.{self.dtype._legacy_name}Tensor"
    if isinstance(dtype, str):
        from ..dtypes import NAMES

        wanted = dtype.rpartition(".")[2].removesuffix("Tensor")
        for each in NAMES.values():
            if dtype.endswith("Tensor") and each._legacy_name == wanted:
                return to_dtype(self, each)
        if _core.as_dtype(dtype) is dtype:
            raise ValueError(f"invalid type: '{dtype}'")
    return to_dtype(self, dtype)


@composed(public=False)
def type_as(self, other):
    """The tensor in the dtype of another.

    Example:
        >>> pb.tensor([1, 2]).type_as(pb.zeros(1))
        tensor([1., 2.])
    """
    return to_dtype(self, other.dtype)


@composed(public=False)
def cpu(self, memory_format=None):
    """The tensor itself: it is on the CPU.

    Example:
        >>> x = pb.zeros(2)
        >>> x.cpu() is x
        True
    """
    return self


@composed(public=False)
def cuda(self, device=None, non_blocking=False, memory_format=None):
    """Raises AssertionError, as PyTorch does without CUDA: pullback computes on the CPU.

    Example:
        >>> pb.zeros(2).cuda()
        Traceback (most recent call last):
        AssertionError: Torch not compiled with CUDA enabled. pullback computes on the CPU.
    """
    check_device("cuda")


@composed
def is_floating_point(input):
    """Whether the dtype is a floating one.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.is_floating_point(pb.zeros(2))
        True
    """
    require_tensors("is_floating_point", input=input)
    return input.dtype.is_floating_point


@composed
def is_complex(input):
    """Whether the dtype is a complex one.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.is_complex(pb.zeros(2))
        False
    """
    require_tensors("is_complex", input=input)
    return input.dtype.is_complex


@composed(public=False)
def is_signed(self):
    """Whether the dtype holds negative numbers.

    Example:
        >>> pb.zeros(2).is_signed(), pb.zeros(2, dtype=pb.uint8).is_signed()
        (True, False)
    """
    return self.dtype.is_signed


@composed(method=False)
def is_tensor(obj):
    """Whether it is a tensor.

    Example:
        >>> pb.is_tensor(pb.zeros(2)), pb.is_tensor(3)
        (True, False)
    """
    return isinstance(obj, Tensor)


@composed
def is_nonzero(input):
    """Whether the one element of a tensor is not zero.

    Raises RuntimeError for more or fewer elements than one.

    Example:
        >>> pb.is_nonzero(pb.tensor([0.0]))
        False
    """
    return builtins.bool(input)


# ---- questions ---------------------------------------------------------------------------------------------


@operator(public=False, method=False)
def flat_storage(input):
    """All of the memory."""


@operator(public=False, method=False)
def storage(input):
    """A number that tensors over the same memory have in common."""


@operator(public=False, method=False)
def over_storage(flat, size, stride, offset):
    """A tensor over given memory."""


@composed(public=False)
def get_device(self):
    """-1, the CPU's number.

    Example:
        >>> pb.zeros(2).get_device()
        -1
    """
    return -1


@composed(public=False)
def is_pinned(self, device=None):
    """False: memory is pinned for accelerators only.

    Example:
        >>> pb.zeros(2).is_pinned()
        False
    """
    return False


@composed
def is_same_size(input, other):
    """Whether two tensors have the same shape.

    Example:
        >>> pb.is_same_size(pb.zeros(2, 3), pb.zeros(6))
        False
    """
    return tuple(input.shape) == tuple(other.shape)


@operator
def equal(input, other):
    """Whether two tensors have the same shape and the same elements; NaN differs from itself.

    A bool. Raises TypeError where `other` is no tensor.

    Example:
        >>> pb.equal(pb.tensor([1, 2]), pb.tensor([1.0, 2.0]))
        True
    """


@composed
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol * |other| everywhere.

    Raises RuntimeError for different dtypes, shapes that do not broadcast, and negative tolerances.

    Example:
        >>> pb.allclose(pb.tensor([1.0]), pb.tensor([1.0 + 1e-7]))
        True
    """
    close = isclose(input, other, rtol, atol, equal_nan)
    return equal(close, ones_like(close))


# ---- subclasses and copies ---------------------------------------------------------------------------------


@operator(public=False)
def as_subclass(input, cls):
    """The tensor as an instance of a subclass of Tensor, over the same memory; gradients flow through.

    Raises TypeError for a class that does not inherit from Tensor.

    Example:
        >>> class Named(pb.Tensor):
        ...     pass
        >>> type(pb.ones(2).as_subclass(Named)).__name__
        'Named'
    """


@operator(public=False, method=False)
def make_subclass(cls, data, require_grad=False):
    """A leaf of a subclass over the memory of a tensor."""


def _copy(self):
    """`copy.copy`: a leaf over the same memory."""
    made = make_subclass(builtins.type(self), self.data, self.requires_grad)
    made.__dict__.update(self.__dict__)
    return made


def _deepcopy(self, memo):
    """`copy.deepcopy`: a leaf over copied memory; tensors that share memory share the copy."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment. This one was computed by a recorded operation: copy.deepcopy(x.detach()) copies "
            "its value."
        )
    import copy

    key = ("pullback.storage", storage(self), self.dtype)
    if key not in memo:
        memo[key] = flat_storage(self).clone()
        memo[key, "original"] = self  # its address stays taken while the memo lives
    made = over_storage(memo[key], tuple(self.shape), tuple(self.stride()), self.storage_offset())
    made = make_subclass(builtins.type(self), made, self.requires_grad)
    memo[id(self)] = made
    grad = self.grad if self.is_leaf else None
    if grad is not None:
        made.grad = copy.deepcopy(grad, memo)
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return made


def _rebuild(cls, array, shape, stride, dtype, requires_grad, attributes):
    made = empty_strided(shape, stride, dtype=dtype)
    made.copy_(_core.from_buffer(array))
    made = make_subclass(cls, made, requires_grad)
    if attributes:
        made.__dict__.update(attributes)
    return made


def _reduce(self, protocol):
    """`pickle`: the values in a NumPy array; history and hooks stay behind."""
    plain = self.detach()
    strides = tuple(_packed_strides(plain))
    array = numpy(plain)
    array = array.copy() if not array.flags.writeable else array
    return _rebuild, (
        builtins.type(self),
        array,
        tuple(self.shape),
        strides,
        self.dtype,
        self.requires_grad,
        dict(self.__dict__),
    )


def _packed_strides(tensor):
    return empty_like(tensor).stride()


def _constant(value, name, doc):
    shown = f"\n\n    Example:\n        >>> pb.zeros(2).{name}\n        {value!r}\n    "
    return property(lambda self: value, doc=doc + shown)


def _real(self):
    """The tensor itself, which is real.

    Example:
        >>> x = pb.zeros(2)
        >>> x.real is x
        True
    """
    return self


def _imag(self):
    """The imaginary part. Raises RuntimeError for real tensors.

    Example:
        >>> pb.zeros(2).imag
        Traceback (most recent call last):
            ...
        RuntimeError: imag is not implemented for tensors with non-complex dtypes.
    """
    if not self.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    raise NotImplementedError("complex tensors have no kernels yet")


METHODS.update(
    __array__=_array,
    __array_wrap__=_array_wrap,
    __array_priority__=1000,
    __dlpack__=_dlpack,
    __dlpack_device__=_dlpack_device,
    __contains__=_contains,
    __reversed__=_reversed,
    __complex__=_complex,
    __format__=_format,
    __repr__=_repr,
    __str__=_repr,
    __dir__=_dir,
    __copy__=_copy,
    __deepcopy__=_deepcopy,
    __reduce_ex__=_reduce,
    _make_subclass=staticmethod(make_subclass),
    device=_constant(CPU, "device", "Where the tensor lives."),
    layout=_constant(strided, "layout", "How its elements lie in memory."),
    is_cuda=_constant(False, "is_cuda", "False: the tensor is on the CPU."),
    is_cpu=_constant(True, "is_cpu", "True: the tensor is on the CPU."),
    is_sparse=_constant(False, "is_sparse", "False: every element is stored."),
    is_quantized=_constant(False, "is_quantized", "False: elements are stored as they are."),
    is_meta=_constant(False, "is_meta", "False: the tensor has elements."),
    is_mkldnn=_constant(False, "is_mkldnn", "False: there is one layout."),
    real=property(_real),
    imag=property(_imag),
)
