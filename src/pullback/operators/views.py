"""Views: another shape over the same memory."""

from .declare import operator


@operator
def view(input, *shape):
    """The same memory in another shape."""


@operator
def reshape(input, *shape):
    """The same elements in another shape; a view where strides allow it."""


@operator(public=False)
def expand(input, *size):
    """Repeat dimensions of size one without copying."""


@operator
def permute(input, *dims):
    """The dimensions in another order."""


@operator
def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""


@operator
def unsqueeze(input, dim):
    """A dimension of size one inserted."""


@operator
def select(input, dim, index):
    """One index of a dimension."""


@operator
def detach(input):
    """The same value outside the graph."""


@operator(public=False)
def contiguous(input):
    """Itself, or a copy in row-major order."""


@operator
def clone(input):
    """A copy that gradients flow through."""
