"""Switches and questions of PyTorch that change nothing here: determinism, precision of products, autocast.

Results are the same from run to run and for any number of threads, and products of float32 are float32's: what is asked
for is so already.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any

from ._core import Tensor
from ._core import dtype as _dtype
from .amp.autocast_mode import autocast_dtype
from .autograd.anomaly_mode import set_detect_anomaly
from .device import CPU, device

__all__ = [
    "are_deterministic_algorithms_enabled",
    "clear_autocast_cache",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "get_deterministic_debug_mode",
    "get_device",
    "get_device_module",
    "get_float32_matmul_precision",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_anomaly_enabled",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_warn_always",
    "typename",
    "use_deterministic_algorithms",
]

_MODES = ("default", "warn", "error")
_state: dict[str, Any] = {"determinism": 0, "precision": "highest", "warn always": False}


# ---- determinism ---------------------------------------------------------------------------------------------


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are the same from run to run. They are, whatever is asked for.

    Raises TypeError for a `mode` that is no bool.

    Example:
        >>> pb.use_deterministic_algorithms(True)
        >>> pb.are_deterministic_algorithms_enabled()
        True
        >>> pb.use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _state["determinism"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was asked.

    Example:
        >>> pb.are_deterministic_algorithms_enabled()
        False
    """
    return bool(_state["determinism"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked to warn only.

    Example:
        >>> pb.is_deterministic_algorithms_warn_only_enabled()
        False
    """
    return bool(_state["determinism"] == 1)


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by number or name: 0, "default"; 1, "warn"; 2, "error".

    Raises TypeError and RuntimeError for anything else.

    Example:
        >>> pb.set_deterministic_debug_mode("warn")
        >>> pb.get_deterministic_debug_mode()
        1
        >>> pb.set_deterministic_debug_mode(0)
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = _MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["determinism"] = debug_mode


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` was told, as a number.

    Example:
        >>> pb.get_deterministic_debug_mode()
        0
    """
    return int(_state["determinism"])


# ---- precision, warnings -------------------------------------------------------------------------------------


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 fewer bits: ``"highest"``, ``"high"`` or ``"medium"``. They have all of them.

    Warns for another word.

    Example:
        >>> pb.set_float32_matmul_precision("high")
        >>> pb.get_float32_matmul_precision()
        'high'
        >>> pb.set_float32_matmul_precision("highest")
    """
    if not isinstance(precision, str):
        raise TypeError(
            f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}: 'highest', 'high' or 'medium'."
        )
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has no "
            "effect.",
            stacklevel=2,
        )
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told.

    Example:
        >>> pb.get_float32_matmul_precision()
        'highest'
    """
    return str(_state["precision"])


def set_flush_denormal(mode: bool) -> bool:
    """Let numbers below the normal ones be 0. They are kept: False says that this is not done.

    Raises TypeError for a `mode` that is no bool.

    Example:
        >>> pb.set_flush_denormal(True)
        False
    """
    if not isinstance(mode, bool):
        raise TypeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return False


def set_warn_always(b: bool, /) -> None:
    """Let warnings that come once come always. pullback's go through `warnings`, whose filters decide.

    Raises TypeError for what is no bool.

    Example:
        >>> pb.set_warn_always(False)
    """
    if not isinstance(b, bool):
        raise TypeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _state["warn always"] = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told.

    Example:
        >>> pb.is_warn_always_enabled()
        False
    """
    return bool(_state["warn always"])


# ---- autocast: nothing is cast -------------------------------------------------------------------------------


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether operands are cast to half precision: False. Raises RuntimeError for a device that does not exist.

    Example:
        >>> pb.is_autocast_enabled("cpu")
        False
    """
    device(device_type)
    return False


def get_autocast_dtype(device_type: str) -> _dtype:
    """What PyTorch casts to on a kind of device. Raises RuntimeError for a device that does not exist.

    Example:
        >>> pb.get_autocast_dtype("cpu")
        pullback.bfloat16
    """
    return autocast_dtype(_place(device_type).type)


def get_autocast_cpu_dtype() -> _dtype:
    """`get_autocast_dtype` of the CPU.

    Example:
        >>> pb.get_autocast_cpu_dtype()
        pullback.bfloat16
    """
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> _dtype:
    """`get_autocast_dtype` of "cuda".

    Example:
        >>> pb.get_autocast_gpu_dtype()
        pullback.float16
    """
    return get_autocast_dtype("cuda")


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled` of the CPU: False.

    Example:
        >>> pb.is_autocast_cpu_enabled()
        False
    """
    return is_autocast_enabled("cpu")


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """`autograd.set_detect_anomaly`, which lasts until it is set otherwise.

    Example:
        >>> pb.set_anomaly_enabled(True)
        >>> pb.is_anomaly_enabled()
        True
        >>> pb.set_anomaly_enabled(False)
    """
    set_detect_anomaly(enabled, check_nan)


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters would be kept, which is so unless somebody says otherwise: True.

    Example:
        >>> pb.is_autocast_cache_enabled()
        True
    """
    return True


def clear_autocast_cache() -> None:
    """Forgets casts that were kept: there are none.

    Example:
        >>> pb.clear_autocast_cache()
    """


# ---- devices, names of types ---------------------------------------------------------------------------------


def get_device(input: Tensor) -> int:
    """The number of the device that a tensor is on; -1 for the CPU.

    Example:
        >>> pb.get_device(pb.ones(1))
        -1
    """
    return input.get_device()


def get_device_module(device: Any = None) -> ModuleType:
    """The module of a kind of device, `pullback.cpu` where none is named.

    Raises RuntimeError for a kind that has none.

    Example:
        >>> pb.get_device_module("cuda").is_available()
        False
    """
    place = _place(CPU if device is None else device)
    if place.type not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(
            f"Device '{place.type}' does not have a corresponding module registered as 'torch.{place.type}'."
        )
    return importlib.import_module(f"pullback.{place.type}")


def _place(given: Any) -> Any:
    return given if isinstance(given, device) else device(given)


def typename(obj: Any, /) -> str:
    """The name of an object's type with its module; of a tensor the name that goes with its dtype.

    Example:
        >>> pb.typename(pb.ones(1)), pb.typename(3), pb.typename(pb.nn.Linear)
        ('pullback.FloatTensor', 'int', 'pullback.nn.modules.linear.Linear')
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None) or ""
    name = getattr(kind, "__qualname__", kind.__name__)
    return name if module in ("", "builtins") else f"{module}.{name}"
