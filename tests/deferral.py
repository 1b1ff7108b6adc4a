"""When operations run: at once, or when somebody looks at the result."""

import contextlib

from pullback import _core


@contextlib.contextmanager
def deferral(immediate=False, least=16384):
    """Results of `least` bytes and more are pending, or none are; afterwards it is as it was."""
    before = _core.deferral(immediate, least)
    try:
        yield
    finally:
        _core.deferral(*before)
