"""Exceptions that pullback adds to Python's."""

__all__ = ["OutOfMemoryError"]


class OutOfMemoryError(MemoryError, RuntimeError):
    """An allocation could not be met. Nothing is lost: every tensor stays as it was.

    It is a `MemoryError`, as Python's, and a `RuntimeError`, as PyTorch's callers expect.

    Example:
        >>> try:
        ...     pb.zeros(10**15)
        ... except MemoryError as error:
        ...     isinstance(error, RuntimeError)
        True
    """


OutOfMemoryError.__module__ = "pullback"
