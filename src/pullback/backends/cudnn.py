"""NVIDIA's library of networks, which is not used. Its switches can be set, and change nothing."""

from __future__ import annotations

import contextlib
from typing import Any

from .._core import Tensor
from .switches import Switches, set_for_a_while, set_given

__all__ = [
    "allow_tf32",
    "benchmark",
    "benchmark_limit",
    "conv",
    "deterministic",
    "enabled",
    "flags",
    "fp32_precision",
    "is_acceptable",
    "is_available",
    "rnn",
    "set_flags",
    "version",
]

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True
fp32_precision = "none"
conv = Switches(fp32_precision="tf32")
rnn = Switches(fp32_precision="tf32")


def is_available() -> bool:
    """Whether pullback computes with cuDNN: False.

    Example:
        >>> pb.backends.cudnn.is_available()
        False
    """
    return False


def version() -> int | None:
    """The version of the library: None.

    Example:
        >>> pb.backends.cudnn.version() is None
        True
    """
    return None


def is_acceptable(tensor: Tensor) -> bool:
    """Whether the library would compute with a tensor: False.

    Example:
        >>> pb.backends.cudnn.is_acceptable(pb.ones(1))
        False
    """
    return False


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
    _depthwise_kernel: str | None = None,
) -> tuple[Any, ...]:
    """Set the switches, and give the earlier ones.

    Example:
        >>> before = pb.backends.cudnn.set_flags(_benchmark=True)
        >>> pb.backends.cudnn.benchmark
        True
        >>> pb.backends.cudnn.benchmark = False
    """
    before = set_given(
        globals(),
        enabled=_enabled,
        benchmark=_benchmark,
        benchmark_limit=_benchmark_limit,
        deterministic=_deterministic,
        allow_tf32=_allow_tf32,
    )
    return tuple(before.values())


def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
    depthwise_kernel: str = "auto",
) -> contextlib.AbstractContextManager[Any]:
    """Switches for a block.

    Example:
        >>> with pb.backends.cudnn.flags(enabled=False):
        ...     pb.backends.cudnn.enabled
        False
    """
    return set_for_a_while(
        globals(),
        enabled=enabled,
        benchmark=benchmark,
        benchmark_limit=benchmark_limit,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
    )
