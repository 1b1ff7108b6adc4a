"""The memory that tensors take: figures of the core's allocator.

Small values live in pools, larger ones in buffers that are kept for reuse when they are freed, because fresh pages
cost more than arithmetic. At most 1 GiB is kept so, and what was unused for longest goes first. The figures count the
larger ones, in bytes.
"""

from . import _core

__all__ = ["allocated", "cached", "empty_cache", "peak", "total"]


def allocated() -> int:
    """Bytes that live tensors hold.

    Example:
        >>> before = pb.memory.allocated()
        >>> x = pb.zeros(1000, 1000)
        >>> pb.memory.allocated() - before >= 4_000_000
        True
    """
    return _core.memory()[0]


def cached() -> int:
    """Bytes that are free and kept for reuse.

    Example:
        >>> pb.memory.empty_cache()
        >>> pb.memory.cached()
        0
    """
    return _core.memory()[1]


def peak() -> int:
    """The most bytes that live tensors have held so far.

    Example:
        >>> pb.memory.peak() >= pb.memory.allocated()
        True
    """
    return _core.memory()[2]


def total() -> int:
    """Bytes that tensors have asked for so far, whatever became of them: how it grows tells what work costs.

    Example:
        >>> before = pb.memory.total()
        >>> for _ in range(3):
        ...     x = pb.zeros(1000, 1000)
        >>> pb.memory.total() - before >= 12_000_000
        True
    """
    return _core.memory()[3]


def empty_cache() -> None:
    """Give what is kept for reuse back to the system.

    Example:
        >>> pb.memory.empty_cache()
    """
    _core.empty_cache()
