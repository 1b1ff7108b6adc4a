"""Where training starts: tensors filled with constants, or with random numbers of a variance that layers keep.

Each writes into its argument, records nothing, and returns it; the numbers are PyTorch's.
"""

import math
import warnings

from ..autograd.grad_mode import no_grad
from ..messages.missing import missing
from ..operators.creation import empty_like
from ..operators.random import randperm

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

_GAINS = {
    **dict.fromkeys(
        "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d sigmoid".split(), 1
    ),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity, param=None):
    """By what factor a layer before this nonlinearity has to widen its weights; `param` is the slope of "leaky_relu".

    A number. Raises ValueError for a nonlinearity that it does not know, and for a `param` that is no number.

    Example:
        >>> pb.nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


# ---- constants ----------------------------------------------------------------------------------------------------


def constant_(tensor, val):
    """Every element is `val`. Shape and dtype stay.

    Raises RuntimeError for a number that the dtype does not hold.

    Example:
        >>> pb.nn.init.constant_(pb.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Every element is 1. Shape and dtype stay.

    Example:
        >>> pb.nn.init.ones_(pb.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Every element is 0. Shape and dtype stay.

    Example:
        >>> pb.nn.init.zeros_(pb.empty(2))
        tensor([0., 0.])
    """
    with no_grad():
        return tensor.zero_()


def eye_(tensor):
    """A matrix with ones on its diagonal: a linear layer that keeps as many features as it can.

    Raises ValueError for other than two dimensions.

    Example:
        >>> pb.nn.init.eye_(pb.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_().diagonal().fill_(1)
    return tensor


def dirac_(tensor, groups=1):
    """The kernel [out, in, ...] of a convolution that keeps as many channels of each group as it can: 1 in the middle.

    Raises ValueError for other than three to five dimensions, and where `groups` does not divide the first.

    Example:
        >>> pb.nn.init.dirac_(pb.empty(2, 2, 3))
        tensor([[[0., 1., 0.],
                 [0., 0., 0.]],
        <BLANKLINE>
                [[0., 0., 0.],
                 [0., 1., 0.]]])
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups:
        raise ValueError("dim 0 must be divisible by groups")
    middle = tuple(size // 2 for size in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in tensor.split(tensor.size(0) // groups):
            group[(slice(None), slice(None), *middle)].diagonal().fill_(1)
    return tensor


# ---- draws --------------------------------------------------------------------------------------------------------


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Draws evenly from [a, b). Shape and dtype stay.

    Raises RuntimeError where `a` is above `b`, NotImplementedError for integers.

    Example:
        >>> pb.nn.init.uniform_(pb.empty(2), 3, 3)
        tensor([3., 3.])
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Draws from a normal distribution. Shape and dtype stay.

    Raises RuntimeError for a negative `std`, NotImplementedError for integers.

    Example:
        >>> pb.nn.init.normal_(pb.empty(2), 3, 0)
        tensor([3., 3.])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Draws from a normal distribution of which only [a, b] is left. Shape and dtype stay.

    What falls outside is drawn again; where that would be most of it, even draws from [a, b] are kept with the
    probability of their density. Warns where `mean` is far outside of [a, b].

    Raises RuntimeError for a negative `std`, NotImplementedError for integers.

    Example:
        >>> pb.nn.init.trunc_normal_(pb.empty(1000), std=3.0).abs().max() <= 2
        tensor(True)
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.",
            stacklevel=2,
        )
    below = lambda x: (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2
    with no_grad():
        draw = _redrawn if below(b) - below(a) > 0.3 else _accepted
        return draw(tensor, mean, std, a, b, generator)


def _redrawn(tensor, mean, std, a, b, generator):
    low, high = tensor.new_tensor([a, b]).tolist()
    tensor.normal_(mean, std, generator=generator)
    while (outside := (tensor < low) | (tensor > high)).any():
        tensor.copy_(empty_like(tensor).normal_(mean, std, generator=generator).where(outside, tensor))
    return tensor


def _accepted(tensor, mean, std, a, b, generator):
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2  # of the logarithm of the density
    pending, drawn = None, empty_like(tensor)
    while pending is None or pending.any():
        drawn.uniform_(a, b, generator=generator)
        tensor.copy_(drawn if pending is None else drawn.where(pending, tensor))
        density = ((drawn - mean) / std).square() * -0.5 - peak
        refused = empty_like(tensor).uniform_(generator=generator).log() > density
        pending = refused if pending is None else pending & refused
    return tensor


# ---- of a variance that fits a layer -------------------------------------------------------------------------------


def _fans(tensor):
    """How many inputs an output of a layer with these weights has, and outputs an input."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _xavier(tensor, gain):
    fan_in, fan_out = _fans(tensor)
    return gain * math.sqrt(2.0 / float(fan_in + fan_out))


def _kaiming(tensor, a, mode, nonlinearity):
    """The standard deviation, or None for a tensor without elements, which is left alone."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    fan = _fans(tensor)[modes.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Draws weights [out, in, ...] evenly, of the variance 2 gain^2 / (fan in + fan out): Glorot and Bengio (2010).

    Raises ValueError for fewer than two dimensions, NotImplementedError for integers.

    Example:
        >>> pb.nn.init.xavier_uniform_(pb.empty(3, 3)).abs().max() <= 1
        tensor(True)
    """
    bound = math.sqrt(3.0) * _xavier(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Draws normal weights [out, in, ...] of the variance 2 gain^2 / (fan in + fan out): Glorot and Bengio (2010).

    Raises ValueError for fewer than two dimensions, NotImplementedError for integers.

    Example:
        >>> pb.nn.init.xavier_normal_(pb.empty(3, 3), gain=0)
        tensor([[0., 0., 0.],
                [0., 0., 0.],
                [0., 0., 0.]])
    """
    return normal_(tensor, 0.0, _xavier(tensor, gain), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Draws weights [out, in, ...] evenly, of the variance gain^2 / fan: He, Zhang, Ren and Sun (arXiv:1502.01852).

    `a` is the slope of "leaky_relu"; `mode` says which fan, so that variance stays forward or backward.
    Warns for a tensor without elements. Raises ValueError for fewer than two dimensions, and for a `mode` or
    `nonlinearity` that it does not know.

    Example:
        >>> pb.nn.init.kaiming_uniform_(pb.empty(3, 6), nonlinearity="relu").abs().max() <= 1
        tensor(True)
    """
    std = _kaiming(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Draws normal weights [out, in, ...] of the variance gain^2 / fan: He, Zhang, Ren and Sun (arXiv:1502.01852).

    `a` is the slope of "leaky_relu"; `mode` says which fan, so that variance stays forward or backward.
    Warns for a tensor without elements. Raises ValueError for fewer than two dimensions, and for a `mode` or
    `nonlinearity` that it does not know.

    Example:
        >>> pb.nn.init.kaiming_normal_(pb.empty(3, 6), mode="fan_out").shape
        pullback.Size([3, 6])
    """
    std = _kaiming(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0, std, generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Orthonormal rows, or columns, whichever are fewer, times `gain`, where what is behind the first dimension is one:
    Saxe, McClelland and Ganguli (arXiv:1312.6120), even among all of them (Mezzadri, arXiv:math-ph/0609050).

    Raises ValueError for fewer than two dimensions.

    Example:
        >>> w = pb.nn.init.orthogonal_(pb.empty(3, 5))
        >>> pb.allclose(w @ w.t(), pb.eye(3), atol=1e-6)
        True
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.size(0), tensor.numel() // tensor.size(0)
    with no_grad():
        drawn = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        q, r = (drawn.t() if rows < columns else drawn).qr()
        q *= r.diagonal().sign()
        tensor.copy_((q.t() if rows < columns else q).reshape(tensor.shape))
        return tensor.mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Draws a normal matrix, of which in each column the part `sparsity` of the rows is 0: Martens (2010).

    Raises ValueError for other than two dimensions, NotImplementedError for integers.

    Example:
        >>> (pb.nn.init.sparse_(pb.empty(10, 2), 0.3) == 0).sum(0)
        tensor([3, 3])
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:zeros], column] = 0
    return tensor


# ---- older names ---------------------------------------------------------------------------------------------------


def _deprecated(function):
    name = function.__name__
    old = name[:-1]

    def call(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = old
    call.__doc__ = f"An older name of `{name}`, which warns."
    return call


uniform, normal, constant, eye, dirac, orthogonal, sparse = map(
    _deprecated, (uniform_, normal_, constant_, eye_, dirac_, orthogonal_, sparse_)
)
xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal = map(
    _deprecated, (xavier_uniform_, xavier_normal_, kaiming_uniform_, kaiming_normal_)
)


def __getattr__(name):
    raise missing(__name__, name)
