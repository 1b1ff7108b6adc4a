"""The methods of a tensor that belong to autograd."""

from .. import _core
from ..operators.declare import METHODS, composed
from . import hooks
from .backward import accumulate


@composed(public=False)
def backward(input, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Accumulate the gradient of this tensor into the `.grad` of the leaves it was computed from.

    `gradient` is the cotangent to start with, of this tensor's shape; a scalar starts with 1. The other arguments
    are those of `pullback.autograd.backward`.

    Raises RuntimeError for a tensor that does not require grad, for several elements without a `gradient`, and for a
    `gradient` of another shape.

    Example:
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)
    """
    accumulate(input, gradient, retain_graph, create_graph, inputs, stacklevel=3)


def retain_grad(input):
    """Keep the gradient of this result in its `.grad`, which only leaves have otherwise.

    Raises RuntimeError for a tensor that does not require grad.

    Example:
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> y.retain_grad()
        >>> (2 * y).backward()
        >>> y.grad
        tensor(2.)
    """
    _core.retain_grad(input)


def requires_grad_(input, requires_grad=True):
    """Begin (or stop) recording what is computed from this leaf; returns it.

    Raises RuntimeError for integers and Booleans, and for a result.

    Example:
        >>> pb.zeros(2).requires_grad_()
        tensor([0., 0.], requires_grad=True)
    """
    if requires_grad and not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(
            f"only Tensors of floating point dtype can require gradients. This one has dtype {input.dtype}: convert it first."
        )
    if input.is_leaf or not requires_grad:
        input.requires_grad = requires_grad
    return input


def detach_(input):
    """Cut this tensor from its history, in place; returns it.

    Raises RuntimeError for a view.

    Example:
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> (x * x).detach_().requires_grad
        False
    """
    return _core.detach_(input)


for _hook in (hooks.register_hook, hooks.register_post_accumulate_grad_hook):
    composed(_hook, public=False)
# One argument that nobody names: plain functions, which cost the least.
METHODS.update(retain_grad=retain_grad, requires_grad_=requires_grad_, detach_=detach_)
