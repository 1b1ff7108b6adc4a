"""Signals: `windows`, and behind the operators of the package itself `stft` and `istft`.

`windows` are those of `torch.signal`, symmetric unless they are told otherwise; `lengths` has the older five, periodic
ones, and `short_time` the transforms of parts of a signal.
"""

from ..messages.missing import missing
from ..operators.later import SIGNAL as _NAMES
from . import lengths, short_time, windows

__all__ = ["lengths", "short_time", "windows"]

_NAMES.publish(globals())


def __getattr__(name):
    raise missing(__name__, name)
