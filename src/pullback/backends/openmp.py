"""OpenMP, which is not used: threads are pullback's own (`get_num_threads`)."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Whether pullback computes with OpenMP: False.

    Example:
        >>> pb.backends.openmp.is_available()
        False
    """
    return False
