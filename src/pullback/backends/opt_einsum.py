"""The package opt_einsum, which is not used: `einsum` finds the cheapest order of its products itself."""

from __future__ import annotations

from typing import Any

__all__ = ["enabled", "get_opt_einsum", "is_available", "strategy"]

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Whether the order is chosen by opt_einsum: False.

    Example:
        >>> pb.backends.opt_einsum.is_available()
        False
    """
    return False


def get_opt_einsum() -> Any:
    """The package that would choose the order: None.

    Example:
        >>> pb.backends.opt_einsum.get_opt_einsum() is None
        True
    """
    return None
