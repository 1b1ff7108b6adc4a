"""Operators that programs seldom ask for, written in Python out of others: loaded with the first of them.

`copies` are of views, `numbers` elementwise, `counting` histograms and differences, `places` shapes, diagonals and indices,
`hashing` checksums, `older` what programs of some years ago use, `memory` how elements lie in it, `segments` consecutive
parts, `symbols` numbers.
"""

from ..operators.later import SELDOM as _NAMES
from . import copies, counting, hashing, memory, numbers, older, places, segments, symbols

__all__ = ["copies", "counting", "hashing", "memory", "numbers", "older", "places", "segments", "symbols"]

_NAMES.publish(globals())
