"""`autocast`: blocks whose operators would compute in half precision. They compute in the dtypes that their tensors have."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

from .._core import bfloat16, float16
from .._core import dtype as _dtype
from ..device import device
from ..without import Idle

_LOW = {"cpu": bfloat16, "xpu": bfloat16, "hpu": bfloat16, "mtia": bfloat16}


class autocast(Idle, contextlib.ContextDecorator):
    """A block, or with `@` a function, in which PyTorch casts operands to half precision. Here nothing is cast.

    Enabled, it warns, with PyTorch's first sentence, and is disabled, as it is in PyTorch where the device or the dtype is
    not there.

    Args:
        device_type: the kind of a device.
        dtype: what would be cast to.
        enabled: whether to warn.
        cache_enabled: whether casts of parameters would be kept.

    Raises:
        ValueError: for a device that is no text.
        RuntimeError: for a kind of device that does not exist.

    Example:
        >>> with pb.amp.autocast("cpu", enabled=False):
        ...     (pb.ones(2) * 2).dtype
        pullback.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: _dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{type(device_type)}`. It is the kind of a device: "
                "device.type."
            )
        kind: Any = device(device_type)
        self.device: str = kind.type
        self.fast_dtype = autocast_dtype(self.device) if dtype is None else dtype
        self._enabled = False
        if enabled:
            warnings.warn(_why_not(self.device), UserWarning, stacklevel=2 + (type(self) is not autocast))


def autocast_dtype(device_type: str) -> _dtype:
    """What PyTorch casts to on a kind of device.

    Example:
        >>> from pullback.amp.autocast_mode import autocast_dtype
        >>> autocast_dtype("cpu")
        pullback.bfloat16
    """
    return _LOW.get(device_type, float16)


def _why_not(kind: str) -> str:
    if kind == "cuda":
        return "CUDA is not available or torch_xla is imported. Disabling autocast."
    name = kind.upper()
    return (
        f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\npullback computes in the dtypes that "
        "tensors have: nothing is cast."
    )


def is_autocast_available(device_type: str) -> bool:
    """Whether operators would be cast on a kind of device: False. Raises RuntimeError for a kind that does not exist.

    Example:
        >>> pb.amp.is_autocast_available("cpu")
        False
    """
    device(device_type)
    return False


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: _dtype | None = None
) -> Any:
    """Marks the `forward` of a `Function` for `autocast`, which casts nothing: it is left as it is.

    Raises ValueError for a device that is no text.

    Example:
        >>> class Square(pb.autograd.Function):
        ...     @staticmethod
        ...     @pb.amp.custom_fwd(device_type="cpu")
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     @pb.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, g):
        ...         return 2 * g * ctx.saved_tensors[0]
        >>> Square.apply(pb.tensor(3.0))
        tensor(9.)
    """
    return _marked(fwd, device_type)


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Marks the `backward` of a `Function` whose `forward` is marked: it is left as it is.

    Raises ValueError for a device that is no text. `custom_fwd` has an example:

    Example:
        >>> pb.amp.custom_bwd(len, device_type="cpu") is len
        True
    """
    return _marked(bwd, device_type)


def _marked(function: Callable[..., Any] | None, device_type: str) -> Any:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    return (lambda given: given) if function is None else function
