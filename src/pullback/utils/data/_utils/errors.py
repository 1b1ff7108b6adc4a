"""An exception of a worker on its way to the main process, with its traceback as text."""

from __future__ import annotations

import sys
import traceback
from typing import Any

__all__: list[str] = []


class KeyErrorMessage(str):
    """Text that a KeyError shows as it is, in lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        return self


class ExceptionWrapper:
    """The exception that is being handled: its type, and what would be printed of it."""

    def __init__(self, where: str = "in background") -> None:
        kind, value, trace = sys.exc_info()
        self.exc_type: type[BaseException] = kind or RuntimeError
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise an exception of the same type, or a RuntimeError where a text alone does not make one."""
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            message = KeyErrorMessage(message)
        kind: Any = self.exc_type
        try:
            made = kind(message=message) if getattr(kind, "message", None) else kind(message)
        except Exception:
            made = RuntimeError(message)
        raise made from None
