"""Arrays of NumPy that know through which exit they left the graph (leaks.py)."""

from __future__ import annotations

from typing import Any

import numpy


class MarkedArray(numpy.ndarray):  # type: ignore[type-arg]
    """An array with a mark, which what NumPy computes of it has, too.

    Example:
        >>> x = pb.ones(2, requires_grad=True)
        >>> with pb.autograd.detect_leaks():
        ...     array = x.detach().numpy() + 1
        >>> type(array).__name__, array.exit.exit
        ('MarkedArray', 'numpy')
    """

    exit: Any = None

    def __array_finalize__(self, origin: Any) -> None:
        self.exit = getattr(origin, "exit", None)
