"""Neural networks: modules with parameters of their own, the functions that they call, first values, and tools."""

from ..messages.missing import missing
from . import functional, init, modules, utils
from .modules import *  # noqa: F403
from .modules import __all__ as _modules
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "utils",
    *_modules,
]
del _modules


def __getattr__(name):
    raise missing(__name__, name)
