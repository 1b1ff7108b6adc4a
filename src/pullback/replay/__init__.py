"""Functions that are called again without running their Python code: `compile`.

`codes` says what code can name, `states` what it can reach, `recording` what a call did, and `compiled` when that may be done
again. What is done then is in src/core/python/replay.
"""

from .compiled import Controller, controllers

__all__ = ["Controller", "controllers"]
