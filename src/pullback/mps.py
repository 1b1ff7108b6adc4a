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


@raising(
    RuntimeError, "Cannot execute getDefaultGenerator() without MPS backend. pullback computes on the CPU."
)
def seed() -> None:
    """Seeds the generator of a device with a random number."""


@raising(RuntimeError, "Cannot execute emptyCache() without MPS backend. pullback computes on the CPU.")
def empty_cache() -> None:
    """Gives back memory of a device."""


@raising(
    RuntimeError, "Cannot execute deviceSynchronize() without MPS backend. pullback computes on the CPU."
)
def synchronize() -> None:
    """Waits for the work of a device."""


@raising(
    RuntimeError, "Cannot execute currentAllocatedMemory() without MPS backend. pullback computes on the CPU."
)
def current_allocated_memory() -> Any:
    """Bytes of tensors on a device."""


@raising(
    RuntimeError, "Cannot execute driverAllocatedMemory() without MPS backend. pullback computes on the CPU."
)
def driver_allocated_memory() -> Any:
    """Bytes that the driver holds."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
