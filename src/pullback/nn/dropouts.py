"""Dropout: elements, or whole features, are zeroed at random, and the rest is scaled so that means stay.

Each is a product with noise that `bernoulli_` draws, so that its derivative is a product with the same noise.
Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout" (2014); `alpha_dropout` keeps mean and variance of
what `selu` gives: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks" (arXiv:1706.02515).
"""

from ..operators.creation import empty, empty_like, ones_like, zeros
from ..operators.declare import METHODS, composed

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "dropout",
    "dropout_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
    "native_dropout",
]

_SATURATION = 1.7580993408473766  # what selu tends to on the left, less its sign


def _noise(input, p, features):
    if not features:
        return empty_like(input).bernoulli_(1 - p)
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = (*input.shape[:2], *(1,) * (input.dim() - 2))
    return empty(shape, dtype=input.dtype).bernoulli_(1 - p)


def _dropped(input, p, train, in_place=False, features=False, alpha=False):
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not train or input.numel() == 0:
        return input
    multiply = METHODS["mul_" if in_place else "mul"]
    if p == 1:
        return multiply(input, zeros((), dtype=input.dtype))
    noise = _noise(input, p, features)
    if not alpha:
        return multiply(input, noise.div_(1 - p))
    a = 1 / ((_SATURATION * _SATURATION * p + 1) * (1 - p)) ** 0.5
    shift = noise.add(-1).mul_(_SATURATION * a).add_(_SATURATION * a * p)
    return METHODS["add_" if in_place else "add"](multiply(input, noise.mul_(a)), shift)


@composed(public=False, method=False)
def dropout(input, p, train):
    """`input` with each element zeroed with probability `p` and the others divided by 1 - p, where `train` is true.

    Shape and dtype stay. Raises RuntimeError for a `p` outside of [0, 1], and for integers.

    Example:
        >>> pb.dropout(pb.ones(3), 1.0, True)
        tensor([0., 0., 0.])
    """
    return _dropped(input, p, train)


@composed(public=False, method=False)
def dropout_(input, p, train):
    """In-place form of `dropout`: the tensor takes the result, and is returned.

    Raises RuntimeError for a `p` outside of [0, 1], and for integers.

    Example:
        >>> pb.dropout_(pb.ones(3), 1.0, True)
        tensor([0., 0., 0.])
    """
    return _dropped(input, p, train, True)


@composed(public=False, method=False)
def feature_dropout(input, p, train):
    """`input` [N, C, ...] with each feature, all that has the same first two indices, zeroed with probability `p` and the
    others divided by 1 - p, where `train` is true.

    Shape and dtype stay. Raises RuntimeError for a `p` outside of [0, 1], for integers, and for fewer than two dimensions.

    Example:
        >>> pb.feature_dropout(pb.ones(1, 2, 2), 1.0, True)
        tensor([[[0., 0.],
                 [0., 0.]]])
    """
    return _dropped(input, p, train, features=True)


@composed(public=False, method=False)
def feature_dropout_(input, p, train):
    """In-place form of `feature_dropout`: the tensor takes the result, and is returned.

    Raises RuntimeError for a `p` outside of [0, 1], for integers, and for fewer than two dimensions.

    Example:
        >>> pb.feature_dropout_(pb.ones(1, 2), 1.0, True)
        tensor([[0., 0.]])
    """
    return _dropped(input, p, train, True, features=True)


@composed(public=False, method=False)
def alpha_dropout(input, p, train):
    """`input` with each element set to what `selu` tends to on the left, with probability `p`, and then everything scaled
    and shifted so that mean 0 and variance 1 stay, where `train` is true.

    Shape and dtype stay. Raises RuntimeError for a `p` outside of [0, 1], and for integers.

    Example:
        >>> pb.alpha_dropout(pb.ones(3), 0.5, False)
        tensor([1., 1., 1.])
    """
    return _dropped(input, p, train, alpha=True)


@composed(public=False, method=False)
def alpha_dropout_(input, p, train):
    """In-place form of `alpha_dropout`: the tensor takes the result, and is returned.

    Raises RuntimeError for a `p` outside of [0, 1], and for integers.

    Example:
        >>> pb.alpha_dropout_(pb.ones(3), 0.5, False)
        tensor([1., 1., 1.])
    """
    return _dropped(input, p, train, True, alpha=True)


@composed(public=False, method=False)
def feature_alpha_dropout(input, p, train):
    """`alpha_dropout` of whole features: of all that has the same first two indices.

    Shape and dtype stay. Raises RuntimeError for a `p` outside of [0, 1], for integers, and for fewer than two dimensions.

    Example:
        >>> pb.feature_alpha_dropout(pb.ones(1, 3), 0.5, False)
        tensor([[1., 1., 1.]])
    """
    return _dropped(input, p, train, features=True, alpha=True)


@composed(public=False, method=False)
def feature_alpha_dropout_(input, p, train):
    """In-place form of `feature_alpha_dropout`: the tensor takes the result, and is returned.

    Raises RuntimeError for a `p` outside of [0, 1], for integers, and for fewer than two dimensions.

    Example:
        >>> pb.feature_alpha_dropout_(pb.ones(1, 3), 0.5, False)
        tensor([[1., 1., 1.]])
    """
    return _dropped(input, p, train, True, features=True, alpha=True)


@composed(public=False, method=False, kinds={"train": "f"})
def native_dropout(input, p, train):
    """(`input` with elements dropped as by `dropout`, the mask of those that stay); a `train` of None is true.

    Raises RuntimeError for a `p` outside of [0, 1], and for integers.

    Example:
        >>> pb.native_dropout(pb.ones(2), 0.0, True)
        (tensor([1., 1.]), tensor([True, True]))
    """
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={1 - p:g}")
    if input.numel() == 0:
        return input, empty_like(input)
    if train is False:
        return input, ones_like(input).bool()
    mask = empty_like(input).bool().bernoulli_(1 - p)
    return input.mul(mask).mul_(0.0 if p == 1 else 1 / (1 - p)), mask
