"""Operators that programs seldom ask for, written in Python out of others: loaded with the first of them.

`copies` are of views, `numbers` elementwise, `counting` histograms and differences, `places` shapes, diagonals and indices,
`older` what programs of some years ago use.
"""

from .._core import Tensor
from ..operators.declare import FUNCTIONS as _FUNCTIONS
from ..operators.declare import METHODS as _METHODS
from ..operators.later import SELDOM as _NAMES
from . import copies, counting, numbers, older, places

__all__ = ["copies", "counting", "numbers", "older", "places"]

for _name in _NAMES.methods:
    setattr(Tensor, _name, _METHODS[_name])
globals().update({name: _FUNCTIONS[name] for name in _NAMES.functions})
