"""Neural networks: so far the functions of `nn.functional`."""

from ..messages.missing import missing
from . import functional

__all__ = ["functional"]


def __getattr__(name):
    raise missing(__name__, name)
