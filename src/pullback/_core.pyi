"""The native core, as the package's own Python sees it. Public types are in __init__.pyi."""

from typing import Any

def __getattr__(name: str) -> Any: ...
