"""Normalisation: over a batch, over groups of channels, over the last dimensions, over neighbouring channels."""

import math

from .. import _core
from ..autograd import no_grad
from ..dtypes import finfo
from ..operators.declare import STATISTICS, composed, require_real
from ..operators.line_functions import layer_norm as _layer_norm
from .halves import rounded, wide
from .orders import in_order, order_of
from .padding import pad

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


@composed(public=False, method=False)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Each element less the mean of its row, over the row's standard deviation: see `pullback.layer_norm`.

    Shape and dtype stay. Raises RuntimeError for shapes that do not fit, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.layer_norm(pb.tensor([[1.0, 2.0, 3.0]]), (3,), weight=pb.tensor([1.0, 1.0, 2.0]))
        tensor([[-1.2247,  0.0000,  2.4495]])
    """
    return _layer_norm(input, normalized_shape, weight, bias, eps)


def _by_channel(each, input):
    """A vector of channels, as it broadcasts with dimension 1 of `input`."""
    return each if each is None else each.reshape(1, -1, *[1] * (input.ndim - 2))


def _scaled(normal, weight, bias, dtype):
    """Times weight, plus bias; both are of half precision only where the result is."""
    if weight is not None:
        normal = normal * weight
    return rounded(normal if bias is None else normal + bias, dtype)


def _standardised(input, over, eps):
    """Mean and variance over some dimensions, and the input with mean 0 and variance 1."""
    require_real("batch_norm", input)
    input = wide(input)
    mean = input.mean(over, keepdim=True)
    centred = input - mean
    var = centred.square().mean(over, keepdim=True)
    return mean, var, centred * (var + eps).rsqrt()


def _check_elements(channels, **vectors):
    for name, each in vectors.items():
        if each is not None and each.numel() != channels:
            raise RuntimeError(
                f"{name} should contain {channels} elements not {each.numel()}. Each channel has one of its own."
            )


@composed(public=False, method=False, kinds=STATISTICS, node="NativeBatchNormBackward0")
def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05
):
    """(input - mean) / sqrt(var + eps) * weight + bias, channel by channel: channels are dimension 1 (arXiv:1502.03167).

    With `training`, mean and variance are those of the channel over all other dimensions, and the running ones, where
    given, move towards them by `momentum`, in place: the variance with n - 1 in its denominator. Otherwise the running ones
    are used.

    Shape and dtype: those of `input`, (N, C) or (N, C, ...); all else has shape (C).
    Derivative: in `input`, `weight` and `bias`, of every order; with `training`, through mean and variance too.

    Raises:
        RuntimeError: vectors of another length than C; no running mean and variance without `training`; fewer than 2
            dimensions.
        ValueError: one value per channel with `training`.

    Example:
        >>> x = pb.tensor([[1.0, 10.0], [3.0, 30.0]])
        >>> mean, var = pb.zeros(2), pb.ones(2)
        >>> pb.nn.functional.batch_norm(x, mean, var, training=True, momentum=0.5)
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]])
        >>> mean, var
        (tensor([ 1., 10.]), tensor([  1.5000, 100.5000]))
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}. Channels are dimension 1."
        )
    channels = input.shape[1]
    if training:
        count = input.numel() // channels if channels else 0
        if count == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {input.size()}. The variance of "
                "one value is 0."
            )
        _check_both(running_mean, running_var)
    else:
        for name, each in {"running_mean": running_mean, "running_var": running_var}.items():
            if each is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode. Or pass training=True.")
    _check_elements(channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    require_real("batch_norm", input)
    if not training:
        mean, var = _by_channel(running_mean, input), _by_channel(running_var, input)
        normal = (wide(input) - mean) * (wide(var) + eps).rsqrt()
        return _scaled(normal, _by_channel(weight, input), _by_channel(bias, input), input.dtype)
    over = [0, *range(2, input.ndim)]
    mean, var, normal = _standardised(input, over, eps)
    _check_entries(mean, running_mean, running_var)
    if running_mean is not None and count:
        _move(running_mean, mean, momentum)
        _move(running_var, var * (count / (count - 1)), momentum)
    return _scaled(normal, _by_channel(weight, input), _by_channel(bias, input), input.dtype)


def _check_entries(mean, *running):
    """Inside of a vmap: one running mean cannot move towards the means of all entries."""
    axes = set(_core.mapped_axes(mean))
    if any(each is not None and axes - set(_core.mapped_axes(each)) for each in running):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in "
            "place, were not batched. Call func.replace_all_batch_norm_modules_(model), which has batches alone count; "
            "or model.eval(), which only reads what was tracked; or map the buffers, too."
        )


def _move(running, value, momentum):
    """Towards a new value, in place and off the tape."""
    with no_grad():
        running.mul_(1 - momentum).add_(value.detach().reshape(running.shape), alpha=momentum)


@composed(public=False, method=False, node="ViewBackward0")
def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-05,
):
    """`batch_norm` of each sample alone: mean and variance of every channel of every sample (arXiv:1607.08022).

    The running mean and variance, where given, move towards the averages over the samples; without `use_input_stats` they
    are used.
    Shape and dtype: those of `input`, (N, C, ...); all else has shape (C).
    Raises RuntimeError for vectors of another length and for no running ones where they are used, ValueError for one
    element per channel and for one running one without the other.

    Example:
        >>> pb.nn.functional.instance_norm(pb.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
        tensor([[[-1.0000,  1.0000],
                 [-1.0000,  1.0000]]])
    """
    for each in (running_mean, running_var, weight, bias):
        if each is not None and each.ndim > 1:
            raise RuntimeError(
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor. One number for "
                f"each channel has shape (C), this has {tuple(each.shape)}."
            )
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when use_input_stats is false. Or pass True."
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.size()}. The variance of one "
            "value is 0."
        )
    _check_elements(
        input.shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    _check_both(running_mean, running_var)
    over = list(range(2, input.ndim))
    mean, var, normal = _standardised(input.contiguous(), over, eps)
    _check_entries(mean, running_mean, running_var)
    if running_mean is not None:
        _move(running_mean, mean.mean(0), momentum)
    if running_var is not None:
        count = math.prod(input.shape[2:])
        _move(running_var, var.mean(0) * (count / (count - 1)), momentum)
    return _scaled(normal, _by_channel(weight, input), _by_channel(bias, input), input.dtype)


def _check_both(running_mean, running_var):
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "running_mean and running_var must either both be None or neither be None. What moves is both of them."
        )


def in_groups(input, num_groups, weight, bias, eps):
    """`group_norm` of as many values as there are: of one value it is 0."""
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}. Channels are dimension 1."
        )
    channels = input.shape[1]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, each in {"weight": weight, "bias": bias}.items():
        if each is not None and tuple(each.shape) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(each.shape)} and input of shape {list(input.shape)}"
            )
    require_real("GroupNormKernelImpl", input)
    if not input.numel():
        return input * 1
    rows = input.reshape(input.shape[0], num_groups, -1)
    normal = _layer_norm(wide(rows), (rows.shape[2],), None, None, eps).reshape(input.shape)
    normal = in_order(normal, order_of(input))
    return _scaled(normal, _by_channel(weight, input), _by_channel(bias, input), input.dtype)


@composed(public=False, method=False, node="NativeGroupNormBackward0")
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Normalised over groups of channels: each group of C / num_groups channels of each sample (arXiv:1803.08494).

    Shape and dtype: those of `input`, (N, C, ...); `weight` and `bias` have shape (C).
    Derivative: in `input`, `weight` and `bias`, of every order.

    Raises:
        RuntimeError: a C that `num_groups` does not divide; fewer than 2 dimensions; vectors of another length than C.
        ValueError: groups of one value.

    Example:
        >>> pb.group_norm(pb.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    if input.ndim > 1:  # of fewer dimensions it raises
        if num_groups == 0:
            raise ZeroDivisionError("integer division or modulo by zero: there is one group at least")
        sizes = [input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]]
        if math.prod(sizes) == num_groups:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {sizes}. The variance of one value "
                "is 0."
            )
    return in_groups(input, num_groups, weight, bias, eps)


@composed(public=False, method=False)
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """`input` over the root mean square of its last dimensions, times `weight` (arXiv:1910.07467).

    `normalized_shape` names these dimensions, and is the shape of `weight`; `eps`, by default the dtype's spacing at 1,
    is added to the mean.
    Shape and dtype stay. Derivative: in `input` and `weight`, of every order.
    Raises RuntimeError for shapes that do not fit.

    Example:
        >>> pb.rms_norm(pb.tensor([[3.0, 4.0]]), (2,))
        tensor([[0.8485, 1.1314]])
    """
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or tuple(input.shape[max(input.ndim - len(sizes), 0) :]) != sizes:
        raise RuntimeError(
            f"Given normalized_shape={list(sizes)}, expected input with shape [*{', '.join(map(str, sizes))}], but got "
            f"input of size{list(input.shape)}. They are its last dimensions."
        )
    if weight is not None and tuple(weight.shape) != sizes:
        raise RuntimeError(
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight.shape)} and normalized_shape = {list(sizes)}"
        )
    over = tuple(range(-len(sizes), 0))
    x = wide(input)
    spread = x.square().mean(over, keepdim=True) + (finfo(x.dtype).eps if eps is None else eps)
    return _scaled(x * spread.rsqrt(), weight, None, input.dtype).to(input.dtype)


@composed(public=False, method=False)
def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """input / (k + alpha * mean of the squares of `size` neighbouring channels)**beta (Krizhevsky et al. 2012).

    Shape and dtype stay: (N, C, ...) with 3 dimensions or more; beyond the first and last channel are zeros.
    Raises ValueError for fewer dimensions, RuntimeError for a `size` that is not positive.

    Example:
        >>> pb.nn.functional.local_response_norm(pb.ones(1, 3, 1), 2, alpha=1.0, beta=1.0)
        tensor([[[0.6667],
                 [0.5000],
                 [0.5000]]])
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    require_real("local_response_norm", input)
    if not input.numel():
        return input
    squares = pad(input.square().movedim(1, -1), (size // 2, (size - 1) // 2))
    if size < 1:  # windows of this size
        sides = f"kH: {size} kW: 1" if input.ndim == 3 else f"kT: {size} kH: 1 kW: 1"
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad=0, kernel_size={size} and dilation=1"
            if size < -1
            else f"kernel size should be greater than zero, but got {sides}"
        )
    mean = squares.unfold(-1, size, 1).mean(-1).movedim(-1, 1)
    return input / (mean * alpha + k) ** beta
