"""Types of pullback.serialization."""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "read_metadata",
    "safe_globals",
    "save",
]

_Global = Callable[..., Any] | tuple[Callable[..., Any], str]

def save(
    obj: Any,
    f: Any,
    pickle_module: ModuleType | None = ...,
    pickle_protocol: int = ...,
    *,
    format: str | None = ...,
    metadata: dict[str, str] | None = ...,
) -> None: ...
def load(
    f: Any,
    map_location: Any = ...,
    pickle_module: ModuleType | None = ...,
    *,
    weights_only: bool | None = ...,
    mmap: bool | None = ...,
    **pickle_load_args: Any,
) -> Any: ...
def read_metadata(f: Any) -> dict[str, str]: ...
def add_safe_globals(safe_globals: Iterable[_Global]) -> None: ...
def get_safe_globals() -> list[Callable[..., Any]]: ...
def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]: ...
def clear_safe_globals() -> None: ...

class safe_globals:
    def __init__(self, safe_globals: Iterable[_Global]) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: Any) -> None: ...
