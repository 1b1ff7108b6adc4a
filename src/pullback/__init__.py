"""pullback: automatic differentiation of tensor programs, define-by-run."""

from . import _core, calculus
from ._core import (
    Tensor,
    bool,
    dtype,
    float32,
    float64,
    get_default_dtype,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from .device import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .errors import OutOfMemoryError
from .size import Size

_core.set_classes(Size, None, OutOfMemoryError)

calculus.install(_core)
_core.table_installed()

from . import autograd, operators  # noqa: E402
from .autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

globals().update(operators.FUNCTIONS)
for _name, _method in operators.METHODS.items():
    setattr(Tensor, _name, _method)
del _name, _method

# Loaded when they are first asked for: importing pullback costs little more than its core.
_SUBMODULES = {"func", "independent", "interop", "memory", "nn", "optim", "picture", "printing"}
_HOMES = {"set_printoptions": "printing"}


def __getattr__(name):
    import importlib

    if name in _SUBMODULES:
        return importlib.import_module(f"pullback.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"pullback.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'pullback' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_SUBMODULES, *_HOMES})
