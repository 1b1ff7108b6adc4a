"""pullback: automatic differentiation of tensor programs, define-by-run."""

from . import _core, calculus
from ._core import Tensor, bool, dtype, float32, float64, int32, int64, uint8

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
