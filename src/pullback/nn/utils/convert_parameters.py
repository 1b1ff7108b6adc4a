"""Parameters as one vector, and back."""

from ... import _core
from ...operators.joining import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """All parameters, flat, one after another; differentiable.

    Example:
        >>> pb.nn.utils.parameters_to_vector([pb.zeros(2), pb.ones(1, 2)])
        tensor([0., 0., 1., 1.])
    """
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec, parameters):
    """Make parts of a vector the data of parameters, in their order; they share its memory.

    Raises TypeError for what is no tensor.

    Example:
        >>> layer = pb.nn.Linear(2, 1)
        >>> pb.nn.utils.vector_to_parameters(pb.arange(3.0), layer.parameters())
        >>> layer.weight.detach(), layer.bias.detach()
        (tensor([[0., 1.]]), tensor([2.]))
    """
    if not isinstance(vec, _core.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for each in parameters:
        count = each.numel()
        each.data = vec[start : start + count].view_as(each).data
        start += count
