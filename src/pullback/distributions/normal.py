"""The normal distribution, of one number."""

import math

from .. import no_grad, normal
from ..messages.missing import missing
from . import constraints
from ._located import Located
from .exp_family import ExponentialFamily
from .utils import _standard_normal

__all__ = ["Normal"]


class Normal(Located, ExponentialFamily):
    """The normal distribution of mean `loc` and standard deviation `scale`, which broadcast.

    Raises ValueError for a scale that is not positive.

    Example:
        >>> d = pb.distributions.Normal(0.0, 2.0)
        >>> d.cdf(pb.tensor(0.0)), d.variance
        (tensor(0.5000), tensor(4.))
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc, scale, validate_args=None):
        self._begin(validate_args, loc=loc, scale=scale)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Normal, batch_shape, _instance, "loc scale")

    @property
    def stddev(self):
        return self.scale

    @property
    def variance(self):
        return self.scale.square()

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=()):
        return self.loc + _standard_normal(self._extended_shape(sample_shape), self.loc.dtype) * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        away = (value - self.loc) / self.scale
        return -0.5 * away.square() - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # erfc keeps the digits of small probabilities, which 1 + erf rounds off.
        return 0.5 * ((self.loc - value) / (self.scale * math.sqrt(2))).erfc()

    def icdf(self, value):
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @property
    def _natural_params(self):
        return (self.loc / self.scale.square(), -0.5 / self.scale.square())

    def _log_normalizer(self, x, y):
        return -0.25 * x.square() / y + 0.5 * (-math.pi / y).log()


def __getattr__(name):
    raise missing(__name__, name)
