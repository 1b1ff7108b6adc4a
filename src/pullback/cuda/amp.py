"""`torch.cuda.amp`, the older names of `pullback.amp`, which warn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .. import amp as _amp
from .._core import dtype as _dtype
from .._core import float16
from ..messages.missing import missing

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def _older(name: str) -> None:
    warnings.warn(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


class autocast(_amp.autocast):
    """``amp.autocast("cuda")``: there is no CUDA, so nothing is cast, and a warning says so.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> with pb.cuda.amp.autocast():
        ...     (pb.ones(2) * 2).dtype
        pullback.float32
    """

    def __init__(self, enabled: bool = True, dtype: _dtype = float16, cache_enabled: bool = True) -> None:
        _older("autocast")
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(_amp.GradScaler):
    """``amp.GradScaler("cuda")``: there is no CUDA, so nothing is scaled, and a warning says so.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> pb.cuda.amp.GradScaler().is_enabled()
        False
    """

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _older("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: _dtype | None = None) -> Any:
    """Marks the `forward` of a `Function` for `autocast`, which casts nothing: it is left as it is.

    Example:
        >>> pb.cuda.amp.custom_fwd(cast_inputs=pb.float32)(len) is len
        True
    """
    return _amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable[..., Any]) -> Any:
    """Marks the `backward` of a `Function` whose `forward` is marked: it is left as it is.

    Example:
        >>> pb.cuda.amp.custom_bwd(len) is len
        True
    """
    return _amp.custom_bwd(bwd, device_type="cuda")


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
