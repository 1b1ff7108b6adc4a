"""A tensor in another dtype, and questions about dtypes. There is one device, so going there changes nothing."""

import builtins

from .. import _core
from ..device import check_device, device, number_of_format
from .declare import composed, operator

Tensor = _core.Tensor


@operator(public=False, method=False)
def to_dtype(input, dtype, copy=False, memory_format=None):
    """Another dtype, or another order in memory."""


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
    "chalf": "complex32",
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

        def convert(input, *, memory_format=None):
            pass

        convert.__name__ = name
        if getattr(_core, kind)._supported:
            shown = {"bool": "[True, False]"}.get(kind, "[1., 0.]" if "float" in kind else "[1, 0]")
            shown = "[1.+0.j, 0.+0.j]" if "complex" in kind else shown
            suffix = "" if kind in ("float32", "complex64", "int64", "bool") else f", dtype=pullback.{kind}"
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

    The shape stays, and gradients flow back through the conversion. `memory_format` is the order in memory, such as
    `pb.channels_last` for pictures [N, C, H, W]. The forms are PyTorch's, the flags those of each:

    - ``to(dtype, non_blocking=False, copy=False, *, memory_format=None)``
    - ``to(device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)``
    - ``to(other, non_blocking=False, copy=False, *, memory_format=None)``: as the tensor `other` is

    Raises AssertionError or RuntimeError for devices other than the CPU, NotImplementedError for dtypes without
    kernels, RuntimeError for another number of dimensions than a memory format is for, TypeError for arguments of no form.

    Example:
        >>> pb.tensor([1.7, -1.7]).to(pb.int64)
        tensor([ 1, -1])
    """
    return to_dtype(self, *_parse_to(*args, **kwargs))


def _parse_to(*args, **kwargs):
    memory_format = kwargs.pop("memory_format", None)
    if memory_format is not None and number_of_format(memory_format) is None:
        raise TypeError(
            f"to() received an invalid combination of arguments - got (memory_format={type(memory_format).__name__}, ). It is "
            "one of pullback.contiguous_format, preserve_format, channels_last and channels_last_3d."
        )
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
    return given.get("dtype"), builtins.bool(given.get("copy", False)), memory_format


@composed(public=False, name="type")
def type_(self, dtype=None, non_blocking=False, **kwargs):
    """Without an argument the name of the tensor's type, as PyTorch writes it; with one, a conversion to
    that dtype. `memory_format` as of `to`.

    Raises ValueError for a name that is no dtype's.

    Example:
        >>> pb.zeros(2).type()
        'pullback.FloatTensor'
        >>> pb.zeros(2).type(pb.int64).dtype
        pullback.int64
    """
    memory_format = kwargs.get("memory_format")
    if dtype is None:
        return f"{_core.Tensor.__module__}.{self.dtype._legacy_name}Tensor"
    if isinstance(dtype, str):
        from ..dtypes import NAMES

        wanted = dtype.rpartition(".")[2].removesuffix("Tensor")
        for each in NAMES.values():
            if dtype.endswith("Tensor") and each._legacy_name == wanted:
                return to_dtype(self, each, memory_format=memory_format)
        if _core.as_dtype(dtype) is dtype:
            raise ValueError(f"invalid type: '{dtype}'")
    of_class = getattr(dtype, "dtype", None)  # of LongTensor and its kin
    wanted = of_class if isinstance(of_class, _core.dtype) else dtype
    return to_dtype(self, wanted, memory_format=memory_format)


@composed(public=False, kinds={"other": "T"})
def type_as(self, other):
    """The tensor in the dtype of another.

    Example:
        >>> pb.tensor([1, 2]).type_as(pb.zeros(1))
        tensor([1., 2.])
    """
    return to_dtype(self, other.dtype)


@composed(public=False)
def cpu(self, memory_format=None):
    """The tensor itself, which is on the CPU, or a copy in the order in memory that is asked for.

    Example:
        >>> x = pb.zeros(2)
        >>> x.cpu() is x
        True
    """
    return to_dtype(self, None, memory_format=memory_format)


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
    return input.dtype.is_floating_point


@composed
def is_complex(input):
    """Whether the dtype is a complex one.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.is_complex(pb.zeros(2))
        False
    """
    return input.dtype.is_complex


@composed(public=False)
def is_signed(input):
    """Whether the dtype holds negative numbers.

    Example:
        >>> pb.zeros(2).is_signed(), pb.zeros(2, dtype=pb.uint8).is_signed()
        (True, False)
    """
    return input.dtype.is_signed
