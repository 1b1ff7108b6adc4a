"""Types of `pullback.distributions.wishart`. Written by tools/stubs.py; do not edit."""

from typing import Any

from . import Wishart as Wishart

def _steps(x: Any, p: Any) -> Any: ...
