"""Normalisation with its parameters in the order of PyTorch's operators; the `native_` forms also give what they divide by."""

from ...operators.declare import STATISTICS, composed
from .. import functional as F
from ..halves import wide
from ..normalization import in_groups
from ..utils.parametrizations import norm_except

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "native_batch_norm",
    "native_group_norm",
    "native_layer_norm",
    "norm_except_dim",
]


@composed(public=False, method=False, kinds=STATISTICS)
def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled):
    """`nn.functional.batch_norm`, with its parameters in another order; `cudnn_enabled` changes nothing.

    Raises as it does.

    Example:
        >>> x = pb.tensor([[1.0, 10.0], [3.0, 30.0]])
        >>> pb.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]])
    """
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


@composed(public=False, method=False, kinds=STATISTICS)
def instance_norm(
    input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled
):
    """`nn.functional.instance_norm`, with its parameters in another order; `cudnn_enabled` changes nothing.

    Raises as it does.

    Example:
        >>> x = pb.tensor([[[1.0, 3.0], [10.0, 30.0]]])
        >>> pb.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, False)
        tensor([[[-1.0000,  1.0000],
                 [-1.0000,  1.0000]]])
    """
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@composed(public=False, method=False, node="NativeGroupNormBackward0")
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True):
    """`nn.functional.group_norm`; `cudnn_enabled` changes nothing.

    Raises as it does, but for groups of one value, whose result is 0.

    Example:
        >>> pb.group_norm(pb.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    return in_groups(input, num_groups, weight, bias, eps)


def _spread(x, dims, eps):
    """(mean, 1 / standard deviation) over dimensions, which stay."""
    return x.mean(dims, keepdim=True), (x.var(dims, correction=0, keepdim=True) + eps).rsqrt()


@composed(public=False, method=False, kinds=STATISTICS)
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """(`batch_norm`, mean, 1 / sqrt(variance + eps)) of each channel; the latter two are empty unless it is `training`.

    Raises as `nn.functional.batch_norm` does.

    Example:
        >>> x = pb.tensor([[1.0, 10.0], [3.0, 30.0]])
        >>> pb.native_batch_norm(x, None, None, None, None, True, 0.1, 0.0)[1:]
        (tensor([ 2., 20.]), tensor([1.0000, 0.1000]))
    """
    made = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return made, input.new_empty(0), input.new_empty(0)
    mean, scale = _spread(input, [0, *range(2, input.ndim)], eps)
    return made, mean.flatten(), scale.flatten()


@composed(public=False, method=False, kinds=STATISTICS)
def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """(`group_norm`, mean, 1 / sqrt(variance + eps)) of each group, [N, group], of N samples of C channels of HxW elements.

    Raises RuntimeError where the sizes do not fit, and as `nn.functional.group_norm` does.

    Example:
        >>> x = pb.tensor([[1.0, 3.0, 10.0, 30.0]])
        >>> pb.native_group_norm(x, None, None, 1, 4, 1, 2, 0.0)[1:]
        (tensor([[ 2., 20.]]), tensor([[1.0000, 0.1000]]))
    """
    if N < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {N}: {[N, group]}")
    if input.numel() != N * C * HxW:
        raise RuntimeError(
            f"Expected X.numel() == N * C * HxW to be true, but got false. N, C and HxW are {N}, {C} and {HxW}, and the input "
            f"has shape {list(input.shape)}."
        )
    made = in_groups(input.reshape(N, C, -1), group, weight, bias, eps).reshape(input.shape)
    mean, scale = _spread(input.reshape(N, group, -1), (2,), eps)
    return made, mean.squeeze(2), scale.squeeze(2)


@composed(public=False, method=False, kinds=STATISTICS)
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """(`layer_norm`, mean, 1 / sqrt(variance + eps)) of each row, whose dimensions stay with size 1.

    Raises as `layer_norm` does.

    Example:
        >>> pb.native_layer_norm(pb.tensor([[1.0, 3.0], [10.0, 30.0]]), (2,), None, None, 0.0)[1:]
        (tensor([[ 2.],
                [20.]]), tensor([[1.0000],
                [0.1000]]))
    """
    made = F.layer_norm(input, normalized_shape, weight, bias, eps)
    if any(each is not None and each.dtype != input.dtype for each in (weight, bias)):
        input = wide(input)
    return made, *_spread(input, tuple(range(-len(normalized_shape), 0)), eps)


@composed(public=False, method=False, kinds={"v": "T", "pow": "i"})
def norm_except_dim(v, pow=2, dim=0):
    """The `pow`-norm over all dimensions but one, which stay with size 1; over all of them for dim=-1: what `weight_norm` divides
    by.

    Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.norm_except_dim(pb.tensor([[3.0, 4.0], [0.0, 2.0]]))
        tensor([[5.],
                [2.]])
    """
    if dim != -1:
        v.size(dim)
    return norm_except(v, dim, pow)
