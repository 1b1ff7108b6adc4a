"""What a tensor can do that is no operator: conversion to Python, types, gradients."""

from .. import _core
from ..device import CPU
from .declare import METHODS, composed, operator


@operator(public=False)
def item(input):
    """The Python number of a tensor with one element."""


@operator(public=False)
def tolist(input):
    """Nested lists of Python numbers."""


@composed(public=False)
def numpy(self, *, force=False):
    """A NumPy array over the same memory."""
    import numpy as np

    if self.requires_grad:
        if not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        self = self.detach()
    return np.asarray(_core.memory_of(self))


def _array(self, dtype=None, copy=None):
    import numpy as np

    return np.array(self.numpy(), dtype=dtype, copy=copy)


def _repr(self, *, tensor_contents=None):
    from ..printing import tensor_repr

    return tensor_repr(self)


METHODS["device"] = property(lambda self: CPU, doc="Where the tensor lives: ``device(type='cpu')``.")
METHODS.update(__array__=_array, __repr__=_repr, __str__=_repr, __array_priority__=1000)
