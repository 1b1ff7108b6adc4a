"""Functions of devices and services that are not there.

Scripts name them and call most of them only where `is_available()` says so. Each keeps its signature and has a page; called,
it raises what PyTorch raises where it was built without the device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


def raising(kind: type[Exception], text: str, **arguments: Any) -> Callable[[_F], _F]:
    """Make a function raise, and say so on its page; `arguments` are those of the example there.

    Example:
        >>> from pullback.without import raising
        >>> import statistics
        >>> raising(RuntimeError, "Nobody counts.")(statistics.mode)([1, 1])
        Traceback (most recent call last):
            ...
        RuntimeError: Nobody counts.
    """

    def decorate(function: _F) -> _F:
        @functools.wraps(function)
        def absent(*args: Any, **kwargs: Any) -> Any:
            import inspect

            inspect.signature(function).bind(*args, **kwargs)
            raise kind(text)

        module = function.__module__.replace("pullback", "pb", 1)
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        absent.__doc__ = (
            f"{function.__doc__} Raises {kind.__name__}, as PyTorch does without the device.\n\n    Example:\n"
            f"        >>> {module}.{function.__name__}({given})\n        Traceback (most recent call last):\n"
            f"            ...\n        {kind.__name__}: {text}\n    "
        )
        return absent  # type: ignore[return-value]

    return decorate


class Idle:
    """A block in which everything is as around it. ``with`` takes it.

    Example:
        >>> with pb.cpu.stream(None):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None
