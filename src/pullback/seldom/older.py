"""Names that older programs use: types of tensors, `range`, and switches that have nothing to switch here."""

import math
import warnings

from .. import _core
from ..operators.creation import arange, empty, tensor
from ..operators.declare import FUNCTIONS, METHODS
from ..size import Size

Tensor = _core.Tensor


class tensortype(type):
    """The type of `LongTensor` and its kin, which say whether a tensor is one of theirs.

    Example:
        >>> isinstance(pb.zeros(2), pb.FloatTensor), pb.LongTensor.dtype
        (True, pullback.int64)
    """

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype

    def __call__(cls, *data, device=None):
        return _made(cls.dtype, data, device)


def _made(dtype, args, device=None):
    """What the older constructors make: sizes give uninitialised memory, a sequence its values."""
    if not args:
        return empty(0, dtype=dtype, device=device)
    data = args[0]
    if len(args) > 1 or (isinstance(data, int) and not isinstance(data, bool)) or isinstance(data, Size):
        return empty(*args, dtype=dtype, device=device)
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'. Tensors hold numbers.")
    if isinstance(data, Tensor):
        if data.dtype != dtype:
            raise TypeError(
                f"expected a tensor of {dtype}, got one of {data.dtype}. tensor.to(dtype) converts."
            )
        return data.detach()
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    floats = tensor(data, device=device)
    return floats if floats.dtype == dtype else _converted(data, floats, dtype)


def _converted(data, floats, dtype):
    """Numbers of another kind, cut as C cuts them; a number that does not fit raises, as in `tensor`."""
    if floats.dtype.is_floating_point and not dtype.is_floating_point:
        return floats.to(dtype)
    return tensor(data, dtype=dtype)


def _page(name, dtype):
    return f"""A tensor of {dtype} by the older constructor: sizes give uninitialised memory, a sequence its values.

    `tensor(data, dtype={dtype})` is the constructor to use. It is a type for `isinstance`, and for `x.type({name})`, too.

    Raises TypeError for data that is no sequence, and for a tensor of another dtype.

    Example:
        >>> pb.{name}([1, 0]).dtype, pb.{name}(2, 3).shape
        ({dtype}, pullback.Size([2, 3]))
        >>> isinstance(pb.zeros(2, dtype={str(dtype).replace("pullback", "pb")}), pb.{name})
        True
    """


for _dtype in (getattr(_core, n) for n in "float32 float64 int8 int16 int32 int64 uint8 bool".split()):
    _name = f"{_dtype._legacy_name}Tensor"
    globals()[_name] = FUNCTIONS[_name] = tensortype(
        _name,
        (),
        {"dtype": _dtype, "__doc__": _page(_name, _dtype), "__module__": "pullback", "__slots__": ()},
    )


def _new(self, *data, device=None):
    """A tensor of this one's dtype by the older constructor: sizes give uninitialised memory, a sequence its values.

    Raises TypeError for data that is no sequence.

    Example:
        >>> pb.zeros(2, dtype=pb.int64).new([1, 2])
        tensor([1, 2])
    """
    return _made(self.dtype, data, device)


METHODS["new"] = _new


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
    made = places.to(dtype or _core.get_default_dtype()).requires_grad_(requires_grad)
    return made if out is None else out.resize_(made.shape).copy_(made)


def typename(obj):
    """The name of an object's type, with its module: of a tensor the name of its kind.

    Example:
        >>> pb.typename(pb.zeros(2)), pb.typename(3)
        ('pullback.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(obj, "__module__", "") or ""
    return kind.__qualname__ if module in ("builtins", "") else f"{module}.{kind.__qualname__}"


def set_default_tensor_type(t):
    """The default floating dtype, by the name or the class of a type of tensors. `set_default_dtype` is the function to use.

    Raises TypeError for a type whose numbers are integers, and for what is no type of tensors.

    Example:
        >>> pb.set_default_tensor_type(pb.DoubleTensor)
        >>> pb.zeros(1).dtype
        pullback.float64
        >>> pb.set_default_tensor_type("pullback.FloatTensor")
    """
    if isinstance(t, str):
        t = FUNCTIONS.get(t.rpartition(".")[2], t)
    dtype = getattr(t, "dtype", None)
    if not isinstance(t, tensortype) or dtype is None:
        raise TypeError(
            f"invalid type object: {t!r}. It is a type such as pullback.FloatTensor, or its name."
        )
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _core.set_default_dtype(dtype)


# ---- switches -----------------------------------------------------------------------------------------------------------

_switches = {"deterministic": 0, "precision": "highest", "warn_always": False}


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Nothing: results are deterministic as they are. What was asked for is remembered.

    Example:
        >>> pb.use_deterministic_algorithms(True)
        >>> pb.are_deterministic_algorithms_enabled()
        True
        >>> pb.use_deterministic_algorithms(False)
    """
    _switches["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """What `use_deterministic_algorithms` was told last.

    Example:
        >>> pb.are_deterministic_algorithms_enabled()
        False
    """
    return _switches["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether `use_deterministic_algorithms` was told ``warn_only=True`` last.

    Example:
        >>> pb.is_deterministic_algorithms_warn_only_enabled()
        False
    """
    return _switches["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode):
    """As `use_deterministic_algorithms`: "default" or 0, "warn" or 1, "error" or 2. Raises RuntimeError for others.

    Example:
        >>> pb.set_deterministic_debug_mode("error")
        >>> pb.get_deterministic_debug_mode()
        2
        >>> pb.set_deterministic_debug_mode(0)
    """
    modes = {"default": 0, "warn": 1, "error": 2}
    mode = modes.get(debug_mode, debug_mode)
    if mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
        )
    _switches["deterministic"] = mode


def get_deterministic_debug_mode():
    """0, 1 or 2: what `set_deterministic_debug_mode` was told last.

    Example:
        >>> pb.get_deterministic_debug_mode()
        0
    """
    return _switches["deterministic"]


def set_float32_matmul_precision(precision):
    """Nothing: products of float32 are computed in float32. "highest", "high" and "medium" are remembered.

    Another word is left alone, with a warning.

    Example:
        >>> pb.set_float32_matmul_precision("high")
        >>> pb.get_float32_matmul_precision()
        'high'
        >>> pb.set_float32_matmul_precision("highest")
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the precision stays.", stacklevel=2
        )
        return
    _switches["precision"] = precision


def get_float32_matmul_precision():
    """What `set_float32_matmul_precision` was told last.

    Example:
        >>> pb.get_float32_matmul_precision()
        'highest'
    """
    return _switches["precision"]


def set_warn_always(b):
    """Nothing: Python's own filters say how often a warning is shown. What was asked for is remembered.

    Example:
        >>> pb.set_warn_always(False)
        >>> pb.is_warn_always_enabled()
        False
    """
    _switches["warn_always"] = bool(b)


def is_warn_always_enabled():
    """What `set_warn_always` was told last.

    Example:
        >>> pb.is_warn_always_enabled()
        False
    """
    return _switches["warn_always"]


for _function in (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    range,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_warn_always,
    typename,
    use_deterministic_algorithms,
):
    FUNCTIONS[_function.__name__] = _function
