"""Making tensors."""

from .. import _core
from .declare import composed, operator


@operator(method=False)
def tensor(data, *, dtype=None, device=None, pin_memory=False, requires_grad=False):
    """A new tensor with a copy of `data`."""


@operator(method=False)
def zeros(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of zeros."""


@operator(method=False)
def ones(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of ones."""


@operator(method=False)
def empty(*size, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of anything."""


@composed(method=False)
def from_numpy(array):
    """A tensor over the memory of a NumPy array."""
    return _core.from_buffer(array)
