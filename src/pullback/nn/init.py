"""First values of parameters, drawn from the global generator: written into a tensor, off the tape, and returned."""

import math
import warnings

from ..autograd import no_grad
from ..messages.missing import missing
from ..operators.creation import eye

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = {
    "linear",
    *[f"conv{dims}d" for dims in (1, 2, 3)],
    *[f"conv_transpose{dims}d" for dims in (1, 2, 3)],
    "sigmoid",
}


def calculate_gain(nonlinearity, param=None):
    """By what a nonlinearity shrinks what passes it, which first values make up for.

    1 for linear maps and "sigmoid", 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope**2)) for "leaky_relu", whose
    slope is `param` (0.01 by default), 3/4 for "selu".
    Raises ValueError for another name, and for a slope that is no number.

    Example:
        >>> pb.nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Numbers evenly between `a` and `b`.

    Example:
        >>> x = pb.nn.init.uniform_(pb.empty(100), 2.0, 3.0)
        >>> bool((x >= 2).all() & (x < 3).all())
        True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Numbers of the normal distribution.

    Example:
        >>> pb.nn.init.normal_(pb.empty(2, 3), std=0.0)
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Numbers of the normal distribution between `a` and `b`, from its inverse at even numbers.

    Warns of a `mean` far outside of the bounds, where the values are not right.

    Example:
        >>> x = pb.nn.init.trunc_normal_(pb.empty(100))
        >>> bool((x.abs() <= 2).all())
        True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.",
            stacklevel=2,
        )
    low, high = [(1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0 for x in (a, b)]
    with no_grad():
        tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
        tensor.erfinv_().mul_(std * math.sqrt(2.0)).add_(mean)
        return tensor.clamp_(min=a, max=b)


def constant_(tensor, val):
    """One number everywhere.

    Example:
        >>> pb.nn.init.constant_(pb.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Ones.

    Example:
        >>> pb.nn.init.ones_(pb.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Zeros.

    Example:
        >>> pb.nn.init.zeros_(pb.empty(2))
        tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor):
    """The identity. Raises ValueError for anything but a matrix.

    Example:
        >>> pb.nn.init.eye_(pb.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        return tensor.copy_(eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """Weights of a convolution that passes as many channels as it can as they are.

    Raises ValueError for another number of dimensions than 3, 4 and 5, and for channels that `groups` does not divide.

    Example:
        >>> w = pb.nn.init.dirac_(pb.empty(2, 2, 3))
        >>> x = pb.arange(6.0).reshape(1, 2, 3)
        >>> bool((pb.nn.functional.conv1d(x, w, padding=1) == x).all())
        True
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    outputs, inputs, *sizes = tensor.shape
    if outputs % groups:
        raise ValueError("dim 0 must be divisible by groups")
    each = outputs // groups
    middle = tuple([n // 2 for n in sizes])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(each, inputs)):
                tensor[(group * each + channel, channel, *middle)] = 1
    return tensor


def _fans(tensor):
    """How many elements a result is made of, and how many results an element goes into."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *sizes = tensor.shape
    area = math.prod(sizes)
    return inputs * area, outputs * area


_calculate_fan_in_and_fan_out = _fans


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Even numbers within gain * sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    Raises ValueError for fewer than 2 dimensions.

    Example:
        >>> x = pb.nn.init.xavier_uniform_(pb.empty(3, 3))
        >>> bool((x.abs() <= 1).all())
        True
    """
    inputs, outputs = _fans(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(inputs + outputs)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal numbers of standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    Raises ValueError for fewer than 2 dimensions.

    Example:
        >>> pb.nn.init.xavier_normal_(pb.empty(3, 3)).shape
        pullback.Size([3, 3])
    """
    inputs, outputs = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(inputs + outputs)), generator)


def _deviation(tensor, a, mode, nonlinearity):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _empty(tensor):
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Even numbers within gain * sqrt(3 / fan), the fan of inputs or outputs (`mode`) (arXiv:1502.01852).

    The gain is that of `nonlinearity`, of which `a` is the slope. Raises ValueError for fewer than 2 dimensions, and another
    `mode` or `nonlinearity`.

    Example:
        >>> x = pb.nn.init.kaiming_uniform_(pb.empty(2, 6), nonlinearity="relu")
        >>> bool((x.abs() <= 1).all())
        True
    """
    if _empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal numbers of standard deviation gain / sqrt(fan): see `kaiming_uniform_`.

    Raises ValueError for fewer than 2 dimensions, and another `mode` or `nonlinearity`.

    Example:
        >>> pb.nn.init.kaiming_normal_(pb.empty(2, 6)).shape
        pullback.Size([2, 6])
    """
    if _empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _deviation(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Rows, or columns where they are fewer, that are orthogonal and of length `gain` (Saxe et al. 2013).

    Dimensions after the first count as one. Raises ValueError for fewer than 2 dimensions.

    Example:
        >>> q = pb.nn.init.orthogonal_(pb.empty(2, 3))
        >>> bool(((q @ q.t()) - pb.eye(2)).abs().max() < 1e-5)
        True
    """
    from ..operators.linear import qr

    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    with no_grad():
        flat = tensor.new_empty(rows, columns).normal_(0, 1, generator=generator)
        if rows < columns:
            flat = flat.t()
        q, r = qr(flat)
        q = q * r.diagonal().sign()
        if rows < columns:
            q = q.t()
        return tensor.copy_(q.reshape(tensor.shape)).mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal numbers, of which this part of each column is 0 (Martens 2010).

    Raises ValueError for anything but a matrix.

    Example:
        >>> x = pb.nn.init.sparse_(pb.empty(10, 2), 0.3)
        >>> (x == 0).sum(0)
        tensor([3, 3])
    """
    from ..operators.random import randperm

    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:zeros], column] = 0
    return tensor


def _older(name):
    function = globals()[name + "_"]

    def called(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"`{name}_`, under its older name."
    return called


for _name in (
    "uniform",
    "normal",
    "constant",
    "eye",
    "dirac",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
):
    globals()[_name] = _older(_name)
for _name in ("kaiming_normal", "orthogonal", "sparse"):
    globals()[_name] = _older(_name)
del _name


def __getattr__(name):
    raise missing(__name__, name)
