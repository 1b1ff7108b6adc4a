"""Types of `pullback.nn`. Written by tools/stubs.py; do not edit."""

from typing import Any

from . import functional as functional, init as init

def __getattr__(name: str) -> Any: ...  # modules, which are not typed
