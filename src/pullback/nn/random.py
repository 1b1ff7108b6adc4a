"""What is random in a network: dropout of elements and of channels, and draws of classes that have a gradient."""

import warnings

from .. import _core
from ..operators.creation import empty, tensor
from ..operators.declare import composed, require_real
from . import dropouts

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "gumbel_softmax",
    "rrelu",
    "rrelu_",
]


def _returned(input, result, inplace):
    return input.copy_(result) if inplace else result


def _dropped(name, input, p, training, inplace):
    """The operator of this name, or its in-place form."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return getattr(dropouts, name + "_" if inplace else name)(input, p, training)


@composed(public=False, method=False)
def dropout(input, p=0.5, training=True, inplace=False):
    """`input` with each element made 0 with probability `p`, and the others times 1 / (1 - p), so that the mean stays.

    Shape and dtype stay; without `training` nothing is done. `inplace` writes into `input`.
    Derivative: the mask. Draws come from the global generator.
    Raises ValueError for a `p` that is no probability.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> x = pb.nn.functional.dropout(pb.ones(1000), 0.25)
        >>> x.unique(), 700 < (x > 0).sum() < 800
        (tensor([0.0000, 1.3333]), tensor(True))
        >>> pb.nn.functional.dropout(pb.ones(2), training=False)
        tensor([1., 1.])
    """
    return _dropped("dropout", input, p, training, inplace)


def _channels_dropped(name, dimensions, input, p, training, inplace):
    """Dropout of whole channels: the first dimension after a batch, which may be missing."""
    expected = (dimensions + 1, dimensions + 2)
    if input.ndim not in expected:
        message = (
            f"{name}: Expected {expected[0]}D or {expected[1]}D input, but received a {input.ndim}D input. Note that "
            f"{name} exists to provide channel-wise dropout on inputs with {dimensions} spatial dimension"
            f"{'s' * (dimensions > 1)}, a channel dimension, and an optional batch dimension (i.e. {expected[0]}D or "
            f"{expected[1]}D inputs)."
        )
        if dimensions == 1:
            raise RuntimeError(message)
        warnings.warn(message, stacklevel=3)
    if dimensions == 2 and input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=3,
        )
    if dimensions != 2 and input.ndim != expected[1]:
        if inplace:
            _dropped("feature_dropout", input.unsqueeze(0), p, training, True)
            return input
        return _dropped("feature_dropout", input.unsqueeze(0), p, training, False).squeeze(0)
    return _dropped("feature_dropout", input, p, training, inplace)


@composed(public=False, method=False)
def dropout1d(input, p=0.5, training=True, inplace=False):
    """`dropout` of whole channels of an input (C, L) or (N, C, L).

    Shape and dtype stay. Raises ValueError for a `p` that is no probability, RuntimeError for other dimensions.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> channels = pb.nn.functional.dropout1d(pb.ones(100, 3)).sum(1)
        >>> channels.unique()
        tensor([0., 6.])
    """
    return _channels_dropped("dropout1d", 1, input, p, training, inplace)


@composed(public=False, method=False)
def dropout2d(input, p=0.5, training=True, inplace=False):
    """`dropout` of whole channels of an input (N, C, H, W); three dimensions are taken for (N, C, L), with a warning.

    Shape and dtype stay. Raises ValueError for a `p` that is no probability; warns about other dimensions.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> channels = pb.nn.functional.dropout2d(pb.ones(1, 100, 2, 2)).sum((0, 2, 3))
        >>> channels.unique()
        tensor([0., 8.])
    """
    return _channels_dropped("dropout2d", 2, input, p, training, inplace)


@composed(public=False, method=False)
def dropout3d(input, p=0.5, training=True, inplace=False):
    """`dropout` of whole channels of an input (C, D, H, W) or (N, C, D, H, W).

    Shape and dtype stay. Raises ValueError for a `p` that is no probability; warns about other dimensions.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> channels = pb.nn.functional.dropout3d(pb.ones(100, 2, 2, 2)).sum((1, 2, 3))
        >>> channels.unique()
        tensor([ 0., 16.])
    """
    return _channels_dropped("dropout3d", 3, input, p, training, inplace)


@composed(public=False, method=False)
def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Elements become selu's lower limit with probability `p`; then all is scaled and moved so that a mean of 0 and a
    variance of 1 stay (arXiv:1706.02515).

    Shape and dtype stay; without `training` nothing is done. Raises ValueError for a `p` that is no probability.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> pb.nn.functional.alpha_dropout(pb.zeros(1000), 0.5, training=True).unique()
        tensor([-0.7792,  0.7792])
    """
    return _dropped("alpha_dropout", input, p, training, inplace)


@composed(public=False, method=False)
def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """`alpha_dropout` of whole channels, which are dimension 1.

    Shape and dtype stay; without `training` nothing is done. Raises ValueError for a `p` that is no probability.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> x = pb.nn.functional.feature_alpha_dropout(pb.zeros(1, 1000, 2), 0.5, training=True)
        >>> x.unique(), bool((x[..., 0] == x[..., 1]).all())
        (tensor([-0.7792,  0.7792]), True)
    """
    return _dropped("feature_alpha_dropout", input, p, training, inplace)


@composed(public=False, method=False)
def gumbel_softmax(logits, tau=1.0, hard=False, eps=1e-10, dim=-1):
    """A draw from the classes along `dim`, softened: softmax of (logits + Gumbel noise) / tau (arXiv:1611.01144).

    With `hard` the value is the one-hot vector of the largest, and the gradient that of the soft one.
    Shape and dtype stay; `eps` is taken and means nothing.
    Raises IndexError for a `dim` out of range.

    Example:
        >>> _ = pb.manual_seed(0)
        >>> draws = pb.nn.functional.gumbel_softmax(pb.tensor([[0.0, 2.0]]).expand(1000, 2), hard=True)
        >>> draws.sum(1).unique(), 850 < draws[:, 1].sum() < 910
        (tensor([1.]), tensor(True))
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    waits = logits.detach().new_empty(logits.shape).exponential_()
    soft = ((logits - waits.log()) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    return soft.new_zeros(logits.shape).scatter_(dim, index, 1.0) - soft.detach() + soft


def _slopes(input, lower, upper):
    """1, and where the input is not positive a number that is drawn for it, as PyTorch draws it: in float64."""
    if _core.open_maps():  # one for every element: entries differ in how many they need
        return input.new_ones(input.shape).where(
            input > 0, input.new_empty(input.shape).uniform_(lower, upper)
        )
    slopes, below = input.new_ones(input.shape), input <= 0
    lower, upper = tensor([lower, upper], dtype=input.dtype).tolist()
    drawn = empty(int(below.sum()), dtype=_core.float64).uniform_() * (upper - lower) + lower
    slopes[below] = drawn.to(input.dtype)
    return slopes


def _leaky(input, lower, upper, training):
    require_real("rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu", input)
    if not training:
        slope = (lower + upper) / 2
        return input.where(input >= 0, input * slope)
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    return input.contiguous() * _slopes(input.detach(), lower, upper)


@composed(public=False, method=False, node="RreluWithNoiseBackward0")
def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """`leaky_relu` whose slope is drawn for each element between `lower` and `upper` while training, and their mean else.

    Shape and dtype stay (arXiv:1505.00853).

    Example:
        >>> pb.nn.functional.rrelu(pb.tensor([-1.0, 2.0]), 0.25, 0.75)
        tensor([-0.5000,  2.0000])
    """
    return _returned(input, _leaky(input, lower, upper, training), inplace)


@composed(public=False, method=False)
def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """In-place form of `rrelu`: the tensor takes the result, and is returned.

    Example:
        >>> pb.nn.functional.rrelu_(pb.tensor([-1.0, 2.0]), 0.25, 0.75)
        tensor([-0.5000,  2.0000])
    """
    return input.copy_(_leaky(input, lower, upper, training))
