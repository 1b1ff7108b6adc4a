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

    Raises RuntimeError for a tensor that does not require grad, and inside of a function that is transformed.

    Example:
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> y.retain_grad()
        >>> (2 * y).backward()
        >>> y.grad
        tensor(2.)
    """
    if input.requires_grad and _core.in_transform():
        raise RuntimeError(
            _refusal("retain_grad()", "Its gradient is the transform's own: return the value.")
        )
    _core.retain_grad(input)


def requires_grad_(input, requires_grad=True):
    """Begin (or stop) recording what is computed from this leaf; returns it.

    Raises RuntimeError for integers and Booleans, and inside of a function that is transformed. For a result it does
    nothing.

    Example:
        >>> pb.zeros(2).requires_grad_()
        tensor([0., 0.], requires_grad=True)
    """
    if _core.in_transform():
        raise RuntimeError(
            _refusal(
                "requires_grad_()",
                "The transform records what is computed from what the function is given; argnums says which of that "
                "it differentiates by.",
                " (or perhaps using torch.autograd.functional.* APIs)",
            )
        )
    return _core.require_grad(input, requires_grad)


def _refusal(what, cure, or_else=""):
    return (
        f"You are attempting to call Tensor.{what}{or_else} inside of a function being transformed by a functorch "
        f"transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, "
        f"jacfwd, hessian) or call {what} outside of a function being transformed instead. {cure}"
    )


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
