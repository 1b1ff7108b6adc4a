"""Operators that programs seldom ask for, written in Python out of others: loaded with the first of them.

`copies` are of views, `numbers` elementwise, `counting` histograms and differences, `places` shapes, diagonals and indices,
`older` what programs of some years ago use.
"""

from ..operators.later import SELDOM as _NAMES
from . import copies, counting, numbers, older, places

__all__ = ["copies", "counting", "numbers", "older", "places"]

_NAMES.publish(globals())
