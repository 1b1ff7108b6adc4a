"""The Cauchy distribution, and its half."""

import math

from .. import empty, inf, nan
from ..messages.missing import missing
from . import constraints
from .distribution import Distribution

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """The Cauchy distribution of median `loc` and half width `scale`, which broadcast: the quotient of two normal numbers.

    It has no mean. Raises ValueError for a scale that is not positive.

    Example:
        >>> d = pb.distributions.Cauchy(0.0, 1.0)
        >>> d.cdf(pb.tensor(1.0)), d.mean
        (tensor(0.7500), tensor(nan))
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self._begin(validate_args, loc=loc, scale=scale)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Cauchy, batch_shape, _instance, "loc scale")

    @property
    def mean(self):
        return self._constant(nan, self.loc)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        return self._constant(inf, self.loc)

    def rsample(self, sample_shape=()):
        eps = empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).cauchy_()
        return self.loc + eps * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - ((value - self.loc) / self.scale).square().log1p()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value):
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()


def __getattr__(name):
    raise missing(__name__, name)
