"""NNPACK, which is not used."""

from __future__ import annotations

import contextlib
from typing import Any

__all__ = ["flags", "is_available", "set_flags"]


def is_available() -> bool:
    """Whether pullback computes with NNPACK: False.

    Example:
        >>> pb.backends.nnpack.is_available()
        False
    """
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Set the switch, which changes nothing; gives the earlier value, False.

    Example:
        >>> pb.backends.nnpack.set_flags(True)
        (False,)
    """
    return (False,)


def flags(enabled: bool = False) -> contextlib.AbstractContextManager[Any]:
    """A switch for a block, which changes nothing.

    Example:
        >>> with pb.backends.nnpack.flags(True):
        ...     pb.ones(1)
        tensor([1.])
    """
    return contextlib.nullcontext()
