"""The gamma distribution, and chi-squared, which is one."""

from .. import special
from ..messages.missing import missing
from . import constraints
from ._implicit import standard_gamma
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """The gamma distribution of shape `concentration` and this `rate`, which broadcast.

    Draws are differentiable in both, to any of the first four orders, by moving along their quantile
    (arXiv:1805.08498). Raises ValueError for parameters that are not positive.

    Example:
        >>> d = pb.distributions.Gamma(3.0, 2.0)
        >>> d.mean, d.variance
        (tensor(1.5000), tensor(0.7500))
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration, rate, validate_args=None):
        self._begin(validate_args, concentration=concentration, rate=rate)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Gamma, batch_shape, _instance, "concentration rate")

    @property
    def mean(self):
        return self.concentration / self.rate

    @property
    def mode(self):
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self):
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=TINY[value.dtype])  # no draw is 0; its derivatives stay
        return value


def __getattr__(name):
    raise missing(__name__, name)
