"""How this pullback was built, in a few lines: `show`, `parallel_info`."""

from __future__ import annotations

import platform

from . import __version__, _core
from .runtime.threads import get_num_threads

__all__ = ["parallel_info", "show"]


def show() -> str:
    """What it is, and which instructions its kernels use.

    Example:
        >>> print(pb.__config__.show().splitlines()[0])
        pullback built with:
    """
    return (
        f"pullback built with:\n  - version: {__version__}\n  - Python: {platform.python_version()}\n"
        f"  - kernels: {_core.kernels_isa()}\n  - BLAS and LAPACK: OpenBLAS (scipy-openblas32)\n  - devices: CPU\n"
    )


def parallel_info() -> str:
    """How many threads share large work.

    Example:
        >>> "get_num_threads()" in pb.__config__.parallel_info()
        True
    """
    return f"pullback's threads:\n\tget_num_threads() : {get_num_threads()}\n"
