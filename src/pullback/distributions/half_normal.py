"""The absolute values of normal numbers."""

import math

from .. import as_tensor, inf, where, zeros_like
from ..messages.missing import missing
from . import constraints
from .normal import Normal
from .transformed_distribution import Derived
from .transforms import AbsTransform

__all__ = ["HalfNormal"]


class Half(Derived):
    """The absolute values of what is symmetric about 0, of this `scale`."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    @property
    def scale(self):
        return self.base_dist.scale

    @property
    def mode(self):
        return zeros_like(self.scale)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value = as_tensor(value, dtype=self.scale.dtype)
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -inf)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(Half):
    """|x| of normal numbers x of mean 0 and standard deviation `scale`. Raises ValueError unless that is positive.

    Example:
        >>> d = pb.distributions.HalfNormal(1.0)
        >>> d.mean, d.log_prob(pb.tensor(0.0))
        (tensor(0.7979), tensor(-0.2258))
    """

    def __init__(self, scale, validate_args=None):
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(HalfNormal, batch_shape, _instance)

    @property
    def mean(self):
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self):
        return self.scale.square() * (1 - 2 / math.pi)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (value / (self.scale * math.sqrt(2))).erf()


def __getattr__(name):
    raise missing(__name__, name)
