"""What tests of tensor programs use: `assert_close`, and `make_tensor`, which draws operands."""

from ..messages.missing import missing
from .comparison import assert_allclose, assert_close
from .creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]


def __getattr__(name):
    raise missing(__name__, name)
