"""Neural networks: modules with parameters of their own, the functions that they call, first values, and tools."""

from importlib import import_module

from ..messages.missing import missing
from . import functional, grad, init, modules, parallel, utils
from .factory import factory_kwargs
from .modules import *  # noqa: F403
from .modules import __all__ as _modules
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "utils",
    *_modules,
]
del _modules


def __getattr__(name):
    if name == "attention":  # loaded when it is asked for
        return import_module(".attention", __name__)
    raise missing(__name__, name)
