"""Transforms of numbers, element by element."""

import math

from .. import finfo, full_like
from ..nn.functional import softplus
from . import constraints
from ._transform import OfOneKind, Transform, broadcast_with, widened
from .distribution import holds
from .utils import NUMBERS, broadcast_all, lazy_property


class ExpTransform(OfOneKind):
    """y = exp(x).

    Example:
        >>> pb.distributions.ExpTransform()(pb.tensor(0.0))
        tensor(1.)
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class PowerTransform(Transform):
    """y = x^`exponent` of positive numbers.

    Example:
        >>> pb.distributions.PowerTransform(2.0)(pb.tensor(3.0))
        tensor(9.)
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size=cache_size)
        (self.exponent,) = broadcast_all(exponent)

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size)

    @lazy_property
    def sign(self):
        return self.exponent.sign()

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and holds(self.exponent == other.exponent)

    def _call(self, x):
        return x**self.exponent

    def _inverse(self, y):
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        return broadcast_with(shape, self.exponent)

    def inverse_shape(self, shape):
        return broadcast_with(shape, self.exponent)


def _inside(y):
    """Numbers kept off 0 and 1, whose log-odds are infinite."""
    limits = finfo(y.dtype)
    return y.clamp(min=limits.tiny, max=1.0 - limits.eps)


def clipped_sigmoid(x):
    """The logistic function, kept off 0 and 1."""
    return _inside(x.sigmoid())


class SigmoidTransform(OfOneKind):
    """y = 1 / (1 + exp(-x)), kept off 0 and 1.

    Example:
        >>> pb.distributions.SigmoidTransform()(pb.tensor(0.0))
        tensor(0.5000)
    """

    domain = constraints.real
    codomain = constraints.unit_interval
    bijective = True
    sign = +1

    def _call(self, x):
        return clipped_sigmoid(x)

    def _inverse(self, y):
        y = _inside(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x) - softplus(x)


class SoftplusTransform(OfOneKind):
    """y = log(1 + exp(x)).

    Example:
        >>> pb.distributions.transforms.SoftplusTransform()(pb.tensor(0.0))
        tensor(0.6931)
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x):
        return softplus(x)

    def _inverse(self, y):
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x)


class TanhTransform(OfOneKind):
    """y = tanh(x).

    Example:
        >>> pb.distributions.TanhTransform()(pb.tensor(0.0))
        tensor(0.)
    """

    domain = constraints.real
    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = +1

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return y.atanh()

    def log_abs_det_jacobian(self, x, y):
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))  # of 1 - tanh^2, which rounds to 0


class AbsTransform(OfOneKind):
    """y = |x|, whose inverse is the positive one of both.

    Example:
        >>> pb.distributions.AbsTransform()(pb.tensor(-2.0))
        tensor(2.)
    """

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


def _same(a, b):
    numbers = isinstance(a, NUMBERS) and isinstance(b, NUMBERS)
    return a == b if numbers else holds(a == b)


class AffineTransform(Transform):
    """y = `loc` + `scale` * x, of numbers or tensors; events have `event_dim` dimensions.

    Example:
        >>> pb.distributions.AffineTransform(1.0, 2.0)(pb.tensor(3.0))
        tensor(7.)
    """

    bijective = True

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self):
        return self._event_dim

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return widened(constraints.real, self.event_dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self.domain

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self.event_dim, cache_size)

    def __eq__(self, other):
        if not isinstance(other, AffineTransform):
            return False
        return _same(self.loc, other.loc) and _same(self.scale, other.scale)

    @property
    def sign(self):
        scale = self.scale
        return (scale > 0) - (scale < 0) if isinstance(scale, NUMBERS) else scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        scale, shape, dim = self.scale, x.shape, self.event_dim
        if isinstance(scale, NUMBERS):
            result = full_like(x, math.log(abs(scale)))
        else:
            result = scale.abs().log()
        if dim:
            result = result.reshape(result.shape[:-dim] + (-1,)).sum(-1)
            shape = shape[:-dim]
        return result.expand(shape)

    def forward_shape(self, shape):
        return broadcast_with(shape, self.loc, self.scale)

    def inverse_shape(self, shape):
        return broadcast_with(shape, self.loc, self.scale)


class CumulativeDistributionTransform(Transform):
    """y is the probability of draws up to x, by the `cdf` of a distribution.

    Example:
        >>> uniform = pb.distributions.CumulativeDistributionTransform(pb.distributions.Normal(0.0, 1.0))
        >>> uniform(pb.tensor(0.0))
        tensor(0.5000)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = +1

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self):
        """The support of the distribution.

        Example:
            >>> pb.distributions.CumulativeDistributionTransform(pb.distributions.Normal(0.0, 1.0)).domain
            Real()
        """
        return self.distribution.support

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)
