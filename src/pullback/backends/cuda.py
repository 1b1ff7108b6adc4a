"""Switches of computing on NVIDIA's devices, of which there is none. They can be set, and change nothing."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from .switches import Switches

__all__ = [
    "allow_fp16_bf16_reduction_math_sdp",
    "cudnn_sdp_enabled",
    "cufft_plan_cache",
    "enable_cudnn_sdp",
    "enable_flash_sdp",
    "enable_math_sdp",
    "enable_mem_efficient_sdp",
    "flash_sdp_enabled",
    "fp16_bf16_reduction_math_sdp_allowed",
    "is_built",
    "is_flash_attention_available",
    "math_sdp_enabled",
    "matmul",
    "mem_efficient_sdp_enabled",
    "sdp_kernel",
]

matmul = Switches(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    allow_fp16_accumulation=False,
    fp32_precision="none",
)
cufft_plan_cache = Switches(size=0, max_size=0)
_enabled = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True, "reduction": False}


def is_built() -> bool:
    """Whether pullback was built for CUDA: False.

    Example:
        >>> pb.backends.cuda.is_built()
        False
    """
    return False


def is_flash_attention_available() -> bool:
    """Whether attention has a kernel of that name: False.

    Example:
        >>> pb.backends.cuda.is_flash_attention_available()
        False
    """
    return False


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` was told.

    Example:
        >>> pb.backends.cuda.flash_sdp_enabled()
        True
    """
    return _enabled["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Allow or forbid a kernel of attention, which is not there: attention is computed as it is written.

    Example:
        >>> pb.backends.cuda.enable_flash_sdp(True)
    """
    _enabled["flash"] = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` was told.

    Example:
        >>> pb.backends.cuda.mem_efficient_sdp_enabled()
        True
    """
    return _enabled["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow or forbid a kernel of attention, which is not there: attention is computed as it is written.

    Example:
        >>> pb.backends.cuda.enable_mem_efficient_sdp(True)
    """
    _enabled["mem_efficient"] = bool(enabled)


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` was told.

    Example:
        >>> pb.backends.cuda.math_sdp_enabled()
        True
    """
    return _enabled["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow or forbid a kernel of attention, which is not there: attention is computed as it is written.

    Example:
        >>> pb.backends.cuda.enable_math_sdp(True)
    """
    _enabled["math"] = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` was told.

    Example:
        >>> pb.backends.cuda.cudnn_sdp_enabled()
        True
    """
    return _enabled["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow or forbid a kernel of attention, which is not there: attention is computed as it is written.

    Example:
        >>> pb.backends.cuda.enable_cudnn_sdp(True)
    """
    _enabled["cudnn"] = bool(enabled)


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """What `allow_fp16_bf16_reduction_math_sdp` was told.

    Example:
        >>> pb.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
        False
    """
    return _enabled["reduction"]


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Allow sums of half precision in attention. It changes nothing.

    Example:
        >>> pb.backends.cuda.allow_fp16_bf16_reduction_math_sdp(False)
    """
    _enabled["reduction"] = bool(enabled)


@contextlib.contextmanager
def switched(kernels: dict[str, bool]) -> Any:
    """Kernels of attention allowed and forbidden, by name, while a block runs."""
    before = dict(_enabled)
    _enabled.update(kernels)
    try:
        yield
    finally:
        _enabled.update(before)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Any:
    """Allow or forbid kernels of attention in a block. It changes nothing, and warns that the name is old.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> with pb.backends.cuda.sdp_kernel(enable_flash=False):
        ...     pb.backends.cuda.flash_sdp_enabled()
        False
    """
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be removed. Kernels of "
        "attention are not to be chosen: leave it out.",
        FutureWarning,
        stacklevel=3,
    )
    kernels = {
        "flash": enable_flash,
        "math": enable_math,
        "mem_efficient": enable_mem_efficient,
        "cudnn": enable_cudnn,
    }
    with switched(kernels):
        yield {}
