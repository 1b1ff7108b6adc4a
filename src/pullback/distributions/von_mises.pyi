"""Types of `pullback.distributions.von_mises`. Written by tools/stubs.py; do not edit."""

from typing import Any

from . import VonMises as VonMises

def _log_scaled_bessel(x: Any, order: Any = ...) -> Any: ...
