"""Whichever accelerator a machine has: none."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import raising

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device_index",
    "set_stream",
    "synchronize",
]

_TEXT = "Cannot access accelerator device when none is available. pullback computes on the CPU."
_needs_one = raising(RuntimeError, _TEXT)


def is_available() -> bool:
    """Whether there is one: False.

    Example:
        >>> pb.accelerator.is_available()
        False
    """
    return False


def current_accelerator(check_available: bool = False) -> None:
    """The accelerator of the machine: None.

    Example:
        >>> pb.accelerator.current_accelerator() is None
        True
    """
    return None


def device_count() -> int:
    """How many devices there are: 0.

    Example:
        >>> pb.accelerator.device_count()
        0
    """
    return 0


@_needs_one
def synchronize(device: Any = None) -> None:
    """Waits for the work of a device."""


@_needs_one
def current_device_index() -> Any:
    """The number of the device in use."""


@raising(RuntimeError, _TEXT, device=0)
def set_device_index(device: Any) -> None:
    """Chooses a device."""


@_needs_one
def current_stream(device: Any = None) -> Any:
    """The stream in use."""


@raising(RuntimeError, _TEXT, stream=None)
def set_stream(stream: Any) -> None:
    """Chooses a stream."""


@_needs_one
def empty_cache() -> None:
    """Gives back memory of a device."""


@_needs_one
def memory_allocated(device_index: Any = None) -> Any:
    """Bytes of tensors on a device."""


@_needs_one
def max_memory_allocated(device_index: Any = None) -> Any:
    """The most bytes of tensors that there were."""


@_needs_one
def memory_reserved(device_index: Any = None) -> Any:
    """Bytes that the allocator holds."""


@_needs_one
def max_memory_reserved(device_index: Any = None) -> Any:
    """The most bytes that the allocator held."""


@_needs_one
def reset_peak_memory_stats(device_index: Any = None) -> None:
    """Starts the largest figures anew."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
