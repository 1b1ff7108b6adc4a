"""Intel's library of networks, oneDNN, which is not used. Its switches can be set, and change nothing."""

from __future__ import annotations

import contextlib
from typing import Any

from ..without import Idle as _Idle
from .switches import set_for_a_while, set_given

__all__ = [
    "VERBOSE_OFF",
    "VERBOSE_ON",
    "VERBOSE_ON_CREATION",
    "allow_tf32",
    "deterministic",
    "enabled",
    "flags",
    "is_available",
    "set_flags",
    "verbose",
]

VERBOSE_OFF = 0
VERBOSE_ON = 1
VERBOSE_ON_CREATION = 2
enabled = True
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether pullback computes with oneDNN: False.

    Example:
        >>> pb.backends.mkldnn.is_available()
        False
    """
    return False


class verbose(_Idle):
    """A block in which the library would say what it computes. It is not there, and says nothing.

    Example:
        >>> with pb.backends.mkldnn.verbose(pb.backends.mkldnn.VERBOSE_ON):
        ...     pb.ones(1) @ pb.ones(1)
        tensor(1.)
    """

    def __init__(self, level: int) -> None:
        self.level = level


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[bool, ...]:
    """Set the switches, and give the earlier ones.

    Example:
        >>> pb.backends.mkldnn.set_flags(True)
        (True, False, True)
    """
    before = set_given(globals(), enabled=_enabled, deterministic=_deterministic, allow_tf32=_allow_tf32)
    return tuple(before.values())


def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none"
) -> contextlib.AbstractContextManager[Any]:
    """Switches for a block.

    Example:
        >>> with pb.backends.mkldnn.flags(enabled=False):
        ...     pb.backends.mkldnn.enabled
        False
    """
    return set_for_a_while(globals(), enabled=enabled, deterministic=deterministic, allow_tf32=allow_tf32)
