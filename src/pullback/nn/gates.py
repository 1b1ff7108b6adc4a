"""Activations that read more than one element."""

import warnings

from ..operators.declare import composed

__all__ = ["glu", "softmin"]


@composed(public=False, method=False, node="GluBackward0")
def glu(input, dim=-1):
    """The first half along `dim` times the sigmoid of the second (arXiv:1612.08083).

    Shape: that of `input`, with half of `dim`. Dtype: that of `input`. Derivative: of every order.
    Raises RuntimeError for an odd size and for 0-d tensors, IndexError for a `dim` out of range.

    Example:
        >>> pb.nn.functional.glu(pb.tensor([1.0, 2.0, 0.0, 100.0]))
        tensor([0.5000, 2.0000])
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.ndim} is size {size}. One half is the value, "
            "the other its gate."
        )
    return input.narrow(dim, 0, size // 2) * input.narrow(dim, size // 2, size // 2).sigmoid()


@composed(public=False, method=False)
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-input): the smallest weighs most.

    The shape stays; integers need a floating `dtype`, in which is computed where it is given.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.softmin(pb.tensor([0.0, 1.0]), dim=0)
        tensor([0.7311, 0.2689])
    """
    return (-input).softmax(chosen("softmin", input, dim), dtype=dtype)


def chosen(name, input, dim):
    """A dimension of a softmax, or PyTorch's old choice of one, with its warning, if none is given."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if input.ndim in (0, 1, 3) else 1
