"""Apple's graphics processors, of which there is none."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import raising

__all__ = [
    "current_allocated_memory",
    "device_count",
    "driver_allocated_memory",
    "empty_cache",
    "is_available",
    "manual_seed",
    "seed",
    "synchronize",
]


def _needs_mps(what: str) -> Any:
    """The decorator of a function that is named `what` in the device's own words."""
    return raising(
        RuntimeError, f"Cannot execute {what}() without MPS backend. pullback computes on the CPU."
    )


def is_available() -> bool:
    """Whether there is a device: False.

    Example:
        >>> pb.mps.is_available()
        False
    """
    return False


def device_count() -> int:
    """How many devices there are: 0.

    Example:
        >>> pb.mps.device_count()
        0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Seeds the generator of a device; there is none.

    Example:
        >>> pb.mps.manual_seed(0)
    """


@_needs_mps("getDefaultGenerator")
def seed() -> None:
    """Seeds the generator of a device with a random number."""


@_needs_mps("emptyCache")
def empty_cache() -> None:
    """Gives back memory of a device."""


@_needs_mps("deviceSynchronize")
def synchronize() -> None:
    """Waits for the work of a device."""


@_needs_mps("currentAllocatedMemory")
def current_allocated_memory() -> Any:
    """Bytes of tensors on a device."""


@_needs_mps("driverAllocatedMemory")
def driver_allocated_memory() -> Any:
    """Bytes that the driver holds."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
