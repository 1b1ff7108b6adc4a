"""How many threads share a large loop.

Large elementwise programs, reductions, softmax, normalisation and matrix products are cut into chunks, which the calling
thread and the core's workers take one after the other. Where the cuts are depends on the sizes only, so results are
the same, bit for bit, for any number of threads. Loops shorter than the time it takes to wake a worker run alone.
"""

from .. import _core

__all__ = ["get_num_interop_threads", "get_num_threads", "set_num_interop_threads", "set_num_threads"]


def get_num_threads() -> int:
    """The number of threads that share a large loop, the calling one included.

    At first it is ``PULLBACK_NUM_THREADS`` of the environment or, where that is not set, the number of processors that
    this process may run on.

    Example:
        >>> pb.get_num_threads() >= 1
        True
    """
    return _core.get_num_threads()


def set_num_threads(num_threads: int) -> None:
    """Let `num_threads` threads share a large loop, the calling one included; 1 computes everything here.

    Results do not depend on it. It may be called at any time; idle workers that are too many leave.

    Raises RuntimeError if `num_threads` is not a positive int.

    Example:
        >>> before = pb.get_num_threads()
        >>> pb.set_num_threads(1)
        >>> pb.get_num_threads()
        1
        >>> pb.set_num_threads(before)
    """
    _core.set_num_threads(_positive("set_num_threads", num_threads))


_interop = None


def get_num_interop_threads() -> int:
    """The number given to `set_num_interop_threads`; at first that of the processors.

    Example:
        >>> pb.get_num_interop_threads() >= 1
        True
    """
    return _interop or _core.get_num_threads()


def set_num_interop_threads(num_threads: int) -> None:
    """Note the number of threads for independent operations. Operations run one after the other, so nothing follows.

    Raises RuntimeError if `num_threads` is not a positive int.

    Example:
        >>> pb.set_num_interop_threads(2)
        >>> pb.get_num_interop_threads()
        2
    """
    global _interop
    _interop = _positive("set_num_interop_threads", num_threads)


def _positive(function, n):
    if isinstance(n, bool) or not hasattr(type(n), "__index__"):
        raise RuntimeError(
            f"{function} expects an int, but got {type(n).__name__}. Give the number of threads, 1 or more."
        )
    n = n.__index__()
    if n < 1:
        raise RuntimeError(
            f"{function} expects a positive integer. It got {n}; 1 computes without other threads."
        )
    return n
