"""Intel's library of linear algebra, which is not used: matrix products are OpenBLAS's."""

from __future__ import annotations

from ..without import Idle as _Idle

__all__ = ["VERBOSE_OFF", "VERBOSE_ON", "is_available", "verbose"]

VERBOSE_OFF = 0
VERBOSE_ON = 1


def is_available() -> bool:
    """Whether pullback computes with MKL: False.

    Example:
        >>> pb.backends.mkl.is_available()
        False
    """
    return False


class verbose(_Idle):
    """A block in which the library would say what it computes. It is not there, and says nothing.

    Example:
        >>> with pb.backends.mkl.verbose(pb.backends.mkl.VERBOSE_ON):
        ...     pb.ones(1) @ pb.ones(1)
        tensor(1.)
    """

    def __init__(self, enable: int) -> None:
        self.enable = enable
