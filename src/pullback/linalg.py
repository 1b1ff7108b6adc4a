"""Linear algebra, under PyTorch's names; the operators are in linear_algebra/."""

from . import linear_algebra
from ._core import LinAlgError
from .messages.missing import missing
from .operators.declare import FUNCTIONS as _FUNCTIONS
from .operators.products import multi_dot

del linear_algebra  # it has declared what follows
_HERE = {
    name.removeprefix("linalg."): made for name, made in _FUNCTIONS.items() if name.startswith("linalg.")
}
globals().update(_HERE)

__all__ = ["LinAlgError", "multi_dot", *_HERE]


def __getattr__(name):
    raise missing(__name__, name)
