"""Apple's graphics processors, which pullback does not compute on."""

from __future__ import annotations

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]


def is_built() -> bool:
    """Whether pullback was built for them: False.

    Example:
        >>> pb.backends.mps.is_built()
        False
    """
    return False


def is_available() -> bool:
    """Whether there is one to compute on: False.

    Example:
        >>> pb.device("mps" if pb.backends.mps.is_available() else "cpu")
        device(type='cpu')
    """
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Whether the system's devices would be new enough: False.

    Example:
        >>> pb.backends.mps.is_macos_or_newer(14, 0)
        False
    """
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether the system's devices would be new enough: False.

    Example:
        >>> pb.backends.mps.is_macos13_or_newer()
        False
    """
    return False
