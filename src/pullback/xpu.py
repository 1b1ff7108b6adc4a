"""Intel's graphics processors, of which there is none."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import raising

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "init",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "seed",
    "seed_all",
    "set_device",
    "synchronize",
]

_TEXT = "Torch not compiled with XPU enabled. pullback computes on the CPU."
_needs_xpu = raising(AssertionError, _TEXT)


def is_available() -> bool:
    """Whether there is a device: False.

    Example:
        >>> pb.xpu.is_available()
        False
    """
    return False


def device_count() -> int:
    """How many devices there are: 0.

    Example:
        >>> pb.xpu.device_count()
        0
    """
    return 0


def is_initialized() -> bool:
    """Whether a device has been started: False.

    Example:
        >>> pb.xpu.is_initialized()
        False
    """
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a device computes with bfloat16: False.

    Example:
        >>> pb.xpu.is_bf16_supported()
        False
    """
    return False


def empty_cache() -> None:
    """Gives back memory of a device; there is none.

    Example:
        >>> pb.xpu.empty_cache()
    """


def manual_seed(seed: int) -> None:
    """Seeds the generator of a device; there is none.

    Example:
        >>> pb.xpu.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all devices, of which there are none.

    Example:
        >>> pb.xpu.manual_seed_all(0)
    """


def seed() -> None:
    """Seeds the generator of a device with a random number; there is none.

    Example:
        >>> pb.xpu.seed()
    """


def seed_all() -> None:
    """Seeds the generators of all devices with random numbers; there are none.

    Example:
        >>> pb.xpu.seed_all()
    """


@_needs_xpu
def synchronize(device: Any = None) -> None:
    """Waits for the work of a device."""


@_needs_xpu
def current_device() -> Any:
    """The number of the device in use."""


@_needs_xpu
def get_device_name(device: Any = None) -> Any:
    """The name of a device."""


@_needs_xpu
def init() -> None:
    """Starts the devices."""


@raising(AssertionError, _TEXT, device=0)
def set_device(device: Any) -> None:
    """Chooses a device."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
